/* Floors hold: without drift noise passes them no oftener than it may; and drift is seen. `make bench-drift` does the same with 10,000 pairs and more sizes. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "drift_noise.h"
#include "insight/drift.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define PAIRS 1000

static void
noise_passes_no_floor_oftener_than_it_may(void **state)
{
	static const struct {
		double then, now;
	} sizes[] = { { 50, 50 }, { 100, 100 }, { 500, 500 }, { 1e3, 1e3 }, { 1e4, 1e4 }, { 1e5, 1e5 }, { 50, 1e5 }, { 500, 1e5 }, { 2e4, 1e3 } };
	static const double confidences[] = { 0.95, 0.99 };

	(void)state;
	for (size_t which = 0; which < NOISE_SHAPES; which++)
		for (size_t i = 0; i < COUNT(sizes); i++)
			for (size_t c = 0; c < COUNT(confidences); c++) {
				struct noise_shape shape;
				double flagged[NOISE_FLOORS];

				noise_shape_init(&shape, which);
				noise_measure(&shape, &shape, sizes[i].then, sizes[i].now, PAIRS, confidences[c], 1 + which * 100 + i, flagged);
				for (size_t f = 0; f < NOISE_FLOORS; f++)
					if (flagged[f] > noise_allowed(PAIRS, confidences[c]))
						fail_msg("%s, n %g and %g: %s flags %.3f at %g", shape.name, sizes[i].then, sizes[i].now,
						    noise_floor_names[f], flagged[f], confidences[c]);
			}
}

/* Floors that nothing passes would pass the test above. */
static void
drift_passes_them(void **state)
{
	static const struct {
		double shift, n, at_least[NOISE_FLOORS];
	} cases[] = {
		{ 0.1, 1e4, { 0.97, 0.97, 0.98, 0.97 } },
		{ 0.2, 1e3, { 0.6, 0.6, 0.9, 0.7 } },
		{ 0.5, 100, { 0.55, 0.55, 0.7, 0.5 } },
		{ 0.5, 500, { 0.99, 0.99, 0.99, 0.99 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct noise_shape then, now;
		double flagged[NOISE_FLOORS];

		noise_shape_normal(&then, 20, 0);
		noise_shape_normal(&now, 20, cases[i].shift);
		noise_measure(&then, &now, cases[i].n, cases[i].n, PAIRS, 0.95, 7 + i, flagged);
		for (size_t f = 0; f < NOISE_FLOORS; f++)
			if (flagged[f] < cases[i].at_least[f])
				fail_msg("shift %g, n %g: %s flags only %.3f", cases[i].shift, cases[i].n, noise_floor_names[f], flagged[f]);
	}
}

/* Both sides normal with the same mean: the mean of n differs by more than the floor as seldom as it may, and oftener when one has moved by twice the floor. */
static void
means_pass_their_floor_when_they_move(void **state)
{
	static const double moved_by[] = { 0, 2 };
	size_t flagged[COUNT(moved_by)] = { 0 };
	struct noise_rng r;

	(void)state;
	noise_seed(&r, 11);
	for (size_t m = 0; m < COUNT(moved_by); m++)
		for (size_t i = 0; i < PAIRS; i++) {
			double a = 0, b = 0, floor_at = drift_mean_floor(100, 300, 0.95);

			for (size_t k = 0; k < 100; k++)
				a += noise_normal(&r) / 100;
			for (size_t k = 0; k < 300; k++)
				b += (noise_normal(&r) + moved_by[m] * floor_at) / 300;
			flagged[m] += fabs(a - b) > floor_at;
		}
	assert_true((double)flagged[0] / PAIRS < noise_allowed(PAIRS, 0.95));
	assert_true(flagged[0] > PAIRS / 50);
	assert_true(flagged[1] > PAIRS * 9 / 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(noise_passes_no_floor_oftener_than_it_may),
		cmocka_unit_test(drift_passes_them),
		cmocka_unit_test(means_pass_their_floor_when_they_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
