/* The arithmetic of drift against what SciPy says: tests/unit/drift-values.py. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "insight/drift.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

struct pair_case {
	const char *name;
	size_t n;
	double a[8], b[8];
	double psi, js, ks, chi2, df, p;
};
struct shape_case {
	const char *name;
	size_t n_a;
	double edges_a[8], a[8];
	size_t n_b;
	double edges_b[8], b[8];
	double wasserstein, mean_a, stddev_a;
};
struct point_case {
	double x, df, y;
};

#include "drift-values.h"

#define assert_near(value, expected, relative) near((value), (expected), (relative), #value, __FILE__, __LINE__)

static void
near(double value, double expected, double relative, const char *what, const char *file, int line)
{
	if (fabs(value - expected) <= relative * fabs(expected))
		return;
	print_error("%s is %.17g, not %.17g\n", what, value, expected);
	_fail(file, line);
}

static void
distances_are_scipys(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pair_cases); i++) {
		const struct pair_case *c = &pair_cases[i];
		double df, p;

		assert_near(drift_psi(c->a, c->b, c->n), c->psi, 1e-12);
		assert_near(drift_js(c->a, c->b, c->n), c->js, 1e-12);
		assert_near(drift_ks(c->a, c->b, c->n), c->ks, 1e-12);
		assert_near(drift_chi2(c->a, c->b, c->n, true, &df, &p), c->chi2, 1e-12);
		assert_near(drift_chi2(c->a, c->b, c->n, false, &df, &p), c->chi2, 1e-12);
		assert_true(df == c->df);
		assert_near(p, c->p, 1e-9);
		assert_int_equal(drift_cells(c->a, c->b, c->n), c->n);
	}
}

static void
shapes_are_scipys(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shape_cases); i++) {
		const struct shape_case *c = &shape_cases[i];
		struct drift_hist a = { c->n_a, c->edges_a, c->a }, b = { c->n_b, c->edges_b, c->b };

		/* SciPy's are of points: 20,000 a cell. */
		assert_near(drift_wasserstein(&a, &b), c->wasserstein, 1e-7);
		assert_near(drift_wasserstein(&b, &a), c->wasserstein, 1e-7);
		assert_near(drift_mean(&a), c->mean_a, 1e-14);
		assert_near(drift_stddev(&a), c->stddev_a, 1e-14);
	}
}

static void
chi_square_is_scipys(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(tail_cases); i++)
		assert_near(drift_chi2_sf(tail_cases[i].x, tail_cases[i].df), tail_cases[i].y, 1e-10);
	for (size_t i = 0; i < COUNT(quantile_cases); i++)
		assert_near(drift_chi2_quantile(quantile_cases[i].x, quantile_cases[i].df), quantile_cases[i].y, 1e-10);
}

static void
student_is_scipys(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(t_tail_cases); i++)
		assert_near(drift_t_p(-t_tail_cases[i].x, t_tail_cases[i].df), t_tail_cases[i].y, 1e-9);
	for (size_t i = 0; i < COUNT(t_quantile_cases); i++)
		/* SciPy has 8 digits of it with one degree, where it is a tangent. */
		assert_near(drift_t_quantile(t_quantile_cases[i].x, t_quantile_cases[i].df), t_quantile_cases[i].y, 1e-8);
	/* With many degrees it is the normal distribution. */
	assert_near(drift_t_p(1.5, INFINITY), drift_chi2_sf(1.5 * 1.5, 1), 1e-15);
	assert_near(drift_t_p(1.5, 9e6), drift_chi2_sf(1.5 * 1.5, 1), 1e-6);
	assert_near(drift_t_quantile(0.95, INFINITY), sqrt(drift_chi2_quantile(0.95, 1)), 1e-15);
	assert_true(isnan(drift_t_p(NAN, 4)) && isnan(drift_t_p(1, 0)) && isnan(drift_t_quantile(1, 4)));
	assert_true(drift_t_p(0, 4) == 1 && drift_t_p(INFINITY, 4) == 0);
}

/* Two sides of 2e6 are worth one of 1e6, so that the floor is a thousandth of the quantile. */
static void
kolmogorov_is_scipys(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(kolmogorov_cases); i++)
		assert_near(drift_ks_floor(2e6, 2e6, kolmogorov_cases[i].x) * 1000, kolmogorov_cases[i].y, 1e-9);
}

static void
samples_are_scipys(void **state)
{
	double a[COUNT(samples_a)], b[COUNT(samples_b)], cells[COUNT(samples_cells)];

	(void)state;
	memcpy(a, samples_a, sizeof a);
	memcpy(b, samples_b, sizeof b);
	drift_count(a, COUNT(a), samples_edges, COUNT(cells), cells);
	for (size_t i = 0; i < COUNT(cells); i++)
		assert_true(cells[i] == samples_cells[i]);
	assert_near(drift_ks_samples(a, COUNT(a), b, COUNT(b)), samples_d, 1e-15);
	for (size_t i = 1; i < COUNT(a); i++)
		assert_true(a[i - 1] <= a[i]);
}

static void
false_discoveries_are_controlled(void **state)
{
	double p[COUNT(p_values) + 2];

	(void)state;
	memcpy(p, p_values, sizeof p_values);
	p[COUNT(p_values)] = p[COUNT(p_values) + 1] = NAN;
	drift_fdr(p, COUNT(p));
	for (size_t i = 0; i < COUNT(p_values); i++)
		assert_near(p[i], p_adjusted[i], 1e-14);
	assert_true(isnan(p[COUNT(p_values)]) && isnan(p[COUNT(p_values) + 1]));
	drift_fdr(p, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distances_are_scipys),
		cmocka_unit_test(shapes_are_scipys),
		cmocka_unit_test(chi_square_is_scipys),
		cmocka_unit_test(student_is_scipys),
		cmocka_unit_test(kolmogorov_is_scipys),
		cmocka_unit_test(samples_are_scipys),
		cmocka_unit_test(false_discoveries_are_controlled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
