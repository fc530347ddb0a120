/*
 * Drift: how often noise is taken for it and how often it is seen (noise), and what the arithmetic costs (speed), beside NumPy and SciPy when they are there: bench-drift.py
 * runs both over the same bytes.
 *
 *	bench_drift noise [PAIRS [CONFIDENCE]]
 *	bench_drift speed [DIR]		DIR: where the samples are written for bench-drift.py; absent: none
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/xalloc.h"
#include "drift_noise.h"
#include "insight/drift.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* --- noise ------------------------------------------------------------------------------------------------------------------ */

static const struct {
	double then, now;
} sizes[] = {
	{ 50, 50 }, { 100, 100 }, { 500, 500 }, { 1e3, 1e3 }, { 1e4, 1e4 }, { 1e5, 1e5 }, { 50, 1e5 }, { 100, 5e4 }, { 500, 1e5 }, { 1e3, 2e4 }, { 1e4, 3e4 },
};

static int
noise_false_alarms(size_t pairs, double confidence)
{
	double worst[NOISE_FLOORS] = { 0 };
	int bad = 0;

	printf("False alarms: share of %zu pairs without drift that a floor at %g flags; at most %.4f is allowed for.\n\n", pairs, confidence, noise_allowed(pairs, confidence));
	printf("| cells | n then | n now | PSI | JS | KS | chi2 |\n|---|---|---|---|---|---|---|\n");
	for (size_t which = 0; which < NOISE_SHAPES; which++)
		for (size_t i = 0; i < COUNT(sizes); i++) {
			struct noise_shape shape;
			double flagged[NOISE_FLOORS];

			noise_shape_init(&shape, which);
			noise_measure(&shape, &shape, sizes[i].then, sizes[i].now, pairs, confidence, 1000 * which + i, flagged);
			printf("| %s | %.0f | %.0f |", shape.name, sizes[i].then, sizes[i].now);
			for (size_t f = 0; f < NOISE_FLOORS; f++) {
				printf(" %.4f%s |", flagged[f], flagged[f] > noise_allowed(pairs, confidence) ? " (!)" : "");
				worst[f] = fmax(worst[f], flagged[f]);
				bad |= flagged[f] > noise_allowed(pairs, confidence);
			}
			printf("\n");
		}
	printf("| worst | | | %.4f | %.4f | %.4f | %.4f |\n\n", worst[0], worst[1], worst[2], worst[3]);
	return bad;
}

static void
noise_detection(size_t pairs, double confidence)
{
	static const double shifts[] = { 0.1, 0.2, 0.5 };

	printf("Seen: share of %zu pairs that a floor at %g flags; a normal distribution in 20 cells, moved.\n\n", pairs, confidence);
	printf("| shift, sd | n on each side | PSI | JS | KS | chi2 |\n|---|---|---|---|---|---|\n");
	for (size_t s = 0; s < COUNT(shifts); s++)
		for (size_t i = 0; i < 6; i++) {
			struct noise_shape then, now;
			double flagged[NOISE_FLOORS];

			noise_shape_normal(&then, 20, 0);
			noise_shape_normal(&now, 20, shifts[s]);
			noise_measure(&then, &now, sizes[i].then, sizes[i].now, pairs, confidence, 100000 + 100 * s + i, flagged);
			printf("| %.1f | %.0f | %.3f | %.3f | %.3f | %.3f |\n", shifts[s], sizes[i].then, flagged[0], flagged[1], flagged[2], flagged[3]);
		}
}

/* --- speed -------------------------------------------------------------------------------------------------------------------- */

#define PAIRS 1000
#define CELLS 50
#define SAMPLES 1000000
#define REPEATS 15

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int
by_value(const void *va, const void *vb)
{
	const double *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

static void
print_times(const char *what, double *ms, size_t n, double result)
{
	qsort(ms, n, sizeof *ms, by_value);
	printf("%-44s median %9.3f ms   best %9.3f ms   result %.12g\n", what, ms[n / 2], ms[0], result);
	fflush(stdout);
}

static double *
normal_samples(uint64_t seed, double shift)
{
	double *v = xcalloc(SAMPLES, sizeof *v);
	struct noise_rng r;

	noise_seed(&r, seed);
	for (size_t i = 0; i < SAMPLES; i++)
		v[i] = noise_normal(&r) + shift;
	return v;
}

static double *
poisson_counts(uint64_t seed, double mean)
{
	double *v = xcalloc(PAIRS * CELLS, sizeof *v);
	struct noise_rng r;

	noise_seed(&r, seed);
	for (size_t i = 0; i < PAIRS * CELLS; i++)
		v[i] = noise_poisson(&r, mean);
	return v;
}

/* For the peer to read; false: not written. */
static bool
save(const char *dir, const char *name, const double *v, size_t n)
{
	char path[4096];
	FILE *f;
	bool is_good;

	if (dir == NULL)
		return true;
	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "wb");
	if (f == NULL) {
		perror(path);
		return false;
	}
	is_good = fwrite(v, sizeof *v, n, f) == n;
	is_good = fclose(f) == 0 && is_good;
	if (!is_good)
		perror(path);
	return is_good;
}

static void
speed_psi_many(const char *what, const double *a, const double *b)
{
	double psi[PAIRS], ms[REPEATS], sum = 0;

	for (size_t i = 0; i < REPEATS; i++) {
		double start = now_ms();

		drift_psi_many(a, b, PAIRS, CELLS, psi);
		ms[i] = now_ms() - start;
	}
	for (size_t i = 0; i < PAIRS; i++)
		sum += psi[i];
	print_times(what, ms, REPEATS, sum);
}

static void
speed_ks(const double *a, const double *b)
{
	double *x = xcalloc(SAMPLES, sizeof *x), *y = xcalloc(SAMPLES, sizeof *y), ms[REPEATS], d = 0;

	for (size_t i = 0; i < REPEATS; i++) {
		double start;

		memcpy(x, a, SAMPLES * sizeof *x);
		memcpy(y, b, SAMPLES * sizeof *y);
		start = now_ms();
		d = drift_ks_samples(x, SAMPLES, y, SAMPLES);
		ms[i] = now_ms() - start;
	}
	print_times("KS of 2 x 1e6 samples", ms, REPEATS, d);
	free(x);
	free(y);
}

static void
speed_psi_samples(const double *a, const double *b)
{
	double edges[CELLS + 1], x[CELLS], y[CELLS], ms[REPEATS], psi = 0;

	for (size_t i = 0; i <= CELLS; i++)
		edges[i] = i == 0 ? -INFINITY : i == CELLS ? INFINITY : -3 + 6.0 * (double)i / CELLS;
	for (size_t i = 0; i < REPEATS; i++) {
		double start = now_ms();

		drift_count(a, SAMPLES, edges, CELLS, x);
		drift_count(b, SAMPLES, edges, CELLS, y);
		psi = drift_psi(x, y, CELLS);
		ms[i] = now_ms() - start;
	}
	print_times("PSI from 2 x 1e6 samples, 50 cells", ms, REPEATS, psi);
}

/* All that one feature is judged by, 20 cells: what a round of 2,000 costs beside its queries. */
static void
speed_round(const double *a, const double *b)
{
	double edges[21], ms[REPEATS], sum = 0;

	for (size_t i = 0; i <= 20; i++)
		edges[i] = i == 20 ? INFINITY : (double)i;
	for (size_t k = 0; k < REPEATS; k++) {
		double start = now_ms();

		for (size_t i = 0; i < 2000; i++) {
			struct drift_hist x = { 20, edges, a + i * 20 }, y = { 20, edges, b + i * 20 };
			double to[21], then[20], now[20], df, p;
			size_t merged, n = drift_align(&x, &y, to, then, now, &merged), cells = drift_cells(then, now, n);

			sum += drift_psi(then, now, n) + drift_js(then, now, n) + drift_ks(then, now, n) + drift_chi2(then, now, n, true, &df, &p);
			sum += drift_wasserstein(&x, &y) / drift_stddev(&x) + drift_mean(&x) - drift_mean(&y) + drift_quantile(&x, 0.5) - drift_quantile(&y, 0.5);
			sum += drift_psi_floor(cells, 2e5, 2e5, 0.95) + drift_js_floor(cells, 2e5, 2e5, 0.95) + drift_ks_floor(2e5, 2e5, 0.95);
		}
		ms[k] = now_ms() - start;
	}
	print_times("2,000 features, all scores and floors", ms, REPEATS, sum);
}

static int
speed(const char *dir)
{
	double *a = poisson_counts(1, 10000), *b = poisson_counts(2, 10000), *rare = poisson_counts(3, 3);
	double *x = normal_samples(4, 0), *y = normal_samples(5, 0.01);
	bool is_saved = save(dir, "a-counts.f64", a, PAIRS * CELLS) && save(dir, "b-counts.f64", b, PAIRS * CELLS) &&
	    save(dir, "a-samples.f64", x, SAMPLES) && save(dir, "b-samples.f64", y, SAMPLES);

	if (is_saved) {
		speed_psi_many("PSI of 1,000 x 50", a, b);
		speed_psi_many("PSI of 1,000 x 50, rare cells on one side", rare, b);
		speed_ks(x, y);
		speed_psi_samples(x, y);
		speed_round(a, b);
	}
	free(a);
	free(b);
	free(rare);
	free(x);
	free(y);
	return is_saved ? 0 : 1;
}

int
main(int argc, char **argv)
{
	size_t pairs = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000;
	double confidence = argc > 3 ? strtod(argv[3], NULL) : 0.95;

	if (argc > 1 && strcmp(argv[1], "noise") == 0 && pairs > 0 && confidence > 0 && confidence < 1) {
		int bad = noise_false_alarms(pairs, confidence);

		noise_detection(pairs, confidence);
		return bad;
	}
	if (argc > 1 && strcmp(argv[1], "speed") == 0)
		return speed(argc > 2 ? argv[2] : NULL);
	fprintf(stderr, "usage: bench_drift noise [PAIRS [CONFIDENCE]] | speed [DIR]\n");
	return 2;
}
