/* What the arithmetic of drift promises of any histogram: properties over random ones, and the rims. Values are in test_drift_values.c. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drift_noise.h"
#include "insight/drift.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define ROUNDS 2000
#define CELLS_MAX 40
#define assert_close(x, y) close_to((x), (y), 1e-11, #x " and " #y, __FILE__, __LINE__)

static void
close_to(double x, double y, double by, const char *what, const char *file, int line)
{
	if (fabs(x - y) <= by * (1 + fabs(x)))
		return;
	print_error("%s are %.17g and %.17g\n", what, x, y);
	_fail(file, line);
}

/* --- random histograms ---------------------------------------------------------------------------------------------------- */

struct sides {
	size_t n;
	double edges[CELLS_MAX + 1], a[CELLS_MAX], b[CELLS_MAX];
};

/* mean: of a cell; below 10 there are rare and empty ones. */
static void
sides_draw(struct noise_rng *r, double mean, struct sides *ret)
{
	ret->n = 2 + noise_next(r) % (CELLS_MAX - 1);
	ret->edges[0] = noise_normal(r);
	for (size_t i = 0; i < ret->n; i++) {
		ret->edges[i + 1] = ret->edges[i] + noise_uniform(r);
		ret->a[i] = noise_poisson(r, mean * 2 * noise_uniform(r));
		ret->b[i] = noise_poisson(r, 3 * mean * 2 * noise_uniform(r));
	}
	/* Never an empty side. */
	ret->a[0]++;
	ret->b[ret->n - 1]++;
}

static double
chi2_of(const struct sides *s, bool is_ordered)
{
	double df, p;

	return drift_chi2(s->a, s->b, s->n, is_ordered, &df, &p);
}

static double
wasserstein_of(const double *edges_a, const double *a, const double *edges_b, const double *b, size_t n)
{
	struct drift_hist x = { n, edges_a, a }, y = { n, edges_b, b };

	return drift_wasserstein(&x, &y);
}

/* --- properties --------------------------------------------------------------------------------------------------------------- */

static void
which_side_is_which_does_not_matter(void **state)
{
	struct noise_rng r;
	struct sides s;

	(void)state;
	noise_seed(&r, 1);
	for (size_t i = 0; i < ROUNDS; i++) {
		struct sides t;

		sides_draw(&r, i % 2 == 0 ? 2 : 200, &s);
		t = s;
		memcpy(t.a, s.b, sizeof t.a);
		memcpy(t.b, s.a, sizeof t.b);
		assert_close(drift_psi(s.a, s.b, s.n), drift_psi(t.a, t.b, t.n));
		assert_close(drift_js(s.a, s.b, s.n), drift_js(t.a, t.b, t.n));
		assert_close(drift_ks(s.a, s.b, s.n), drift_ks(t.a, t.b, t.n));
		assert_close(chi2_of(&s, true), chi2_of(&t, true));
		assert_close(chi2_of(&s, false), chi2_of(&t, false));
		assert_close(wasserstein_of(s.edges, s.a, s.edges, s.b, s.n), wasserstein_of(s.edges, s.b, s.edges, s.a, s.n));
		assert_int_equal(drift_cells(s.a, s.b, s.n), drift_cells(t.a, t.b, t.n));
	}
}

static void
distances_stay_in_their_range(void **state)
{
	struct noise_rng r;
	struct sides s;

	(void)state;
	noise_seed(&r, 2);
	for (size_t i = 0; i < ROUNDS; i++) {
		double psi, js, ks, df, p;
		size_t cells;

		sides_draw(&r, i % 3 == 0 ? 0.1 : i % 3 == 1 ? 5 : 1e6, &s);
		psi = drift_psi(s.a, s.b, s.n);
		js = drift_js(s.a, s.b, s.n);
		ks = drift_ks(s.a, s.b, s.n);
		cells = drift_cells(s.a, s.b, s.n);
		assert_true(psi >= 0 && isfinite(psi));
		assert_true(js >= 0 && js <= 1);
		assert_true(ks >= 0 && ks <= 1);
		assert_true(cells >= 1 && cells <= s.n);
		assert_true(drift_chi2(s.a, s.b, s.n, true, &df, &p) >= 0);
		assert_true(df == 0 ? isnan(p) : p >= 0 && p <= 1 && df < (double)s.n);
		assert_true(wasserstein_of(s.edges, s.a, s.edges, s.b, s.n) >= 0);
	}
}

static void
nothing_differs_from_itself(void **state)
{
	struct noise_rng r;
	struct sides s;

	(void)state;
	noise_seed(&r, 3);
	for (size_t i = 0; i < ROUNDS; i++) {
		double twice[CELLS_MAX];

		sides_draw(&r, i % 2 == 0 ? 2 : 200, &s);
		for (size_t k = 0; k < s.n; k++)
			twice[k] = 2 * s.a[k];
		assert_true(fabs(drift_psi(s.a, twice, s.n)) < 1e-12);
		assert_true(drift_js(s.a, twice, s.n) < 1e-12);
		assert_true(drift_ks(s.a, twice, s.n) == 0);
		assert_true(fabs(wasserstein_of(s.edges, s.a, s.edges, twice, s.n)) < 1e-12);
	}
}

static void
how_often_is_counted_does_not_matter(void **state)
{
	struct noise_rng r;
	struct sides s;

	(void)state;
	noise_seed(&r, 4);
	for (size_t i = 0; i < ROUNDS; i++) {
		double a[CELLS_MAX], b[CELLS_MAX];
		struct drift_hist h = { 0, s.edges, s.a }, g = { 0, s.edges, a };

		sides_draw(&r, 500, &s);
		/* A cell that is rare would no longer be. */
		for (size_t k = 0; k < s.n; k++) {
			s.a[k] += 50;
			s.b[k] += 150;
			a[k] = 8 * s.a[k];
			b[k] = 8 * s.b[k];
		}
		h.n_cells = g.n_cells = s.n;
		assert_close(drift_psi(s.a, s.b, s.n), drift_psi(a, b, s.n));
		assert_close(drift_js(s.a, s.b, s.n), drift_js(a, b, s.n));
		assert_close(drift_ks(s.a, s.b, s.n), drift_ks(a, b, s.n));
		assert_close(drift_mean(&h), drift_mean(&g));
		assert_close(drift_stddev(&h), drift_stddev(&g));
		assert_close(drift_quantile(&h, 0.3), drift_quantile(&g, 0.3));
	}
}

static void
the_order_of_categories_does_not_matter(void **state)
{
	struct noise_rng r;
	struct sides s, t;

	(void)state;
	noise_seed(&r, 5);
	for (size_t i = 0; i < ROUNDS; i++) {
		bool has_rare = i % 2 == 0;

		sides_draw(&r, has_rare ? 5 : 100, &s);
		for (size_t k = 0; k < s.n && !has_rare; k++) {
			s.a[k] += 50;
			s.b[k] += 50;
		}
		t = s;
		for (size_t k = t.n; k > 1; k--) {
			size_t with = noise_next(&r) % k;
			double a = t.a[with], b = t.b[with];

			t.a[with] = t.a[k - 1];
			t.b[with] = t.b[k - 1];
			t.a[k - 1] = a;
			t.b[k - 1] = b;
		}
		assert_close(chi2_of(&s, false), chi2_of(&t, false));
		if (has_rare)	/* joined to neighbours, which are others now */
			continue;
		assert_close(drift_psi(s.a, s.b, s.n), drift_psi(t.a, t.b, t.n));
		assert_close(drift_js(s.a, s.b, s.n), drift_js(t.a, t.b, t.n));
	}
}

/* Joining cells loses what told them apart, and never adds anything: the promise of drift.h that joined PSI and JS are not higher. */
static void
joined_cells_differ_less(void **state)
{
	struct noise_rng r;
	struct sides s;

	(void)state;
	noise_seed(&r, 6);
	for (size_t i = 0; i < ROUNDS; i++) {
		double a[CELLS_MAX] = { 0 }, b[CELLS_MAX] = { 0 };

		sides_draw(&r, 300, &s);
		for (size_t k = 0; k < s.n; k++) {
			a[k / 2] += s.a[k] += 50;
			b[k / 2] += s.b[k] += 50;
		}
		assert_true(drift_psi(a, b, (s.n + 1) / 2) <= drift_psi(s.a, s.b, s.n) + 1e-12);
		assert_true(drift_js(a, b, (s.n + 1) / 2) <= drift_js(s.a, s.b, s.n) + 1e-12);
		assert_true(drift_ks(a, b, (s.n + 1) / 2) <= drift_ks(s.a, s.b, s.n) + 1e-12);
	}
}

static void
ks_of_cells_is_never_above_the_exact_one(void **state)
{
	struct noise_rng r;

	(void)state;
	noise_seed(&r, 7);
	for (size_t i = 0; i < ROUNDS; i++) {
		double x[200], y[100], edges[CELLS_MAX + 1], a[CELLS_MAX], b[CELLS_MAX], exact, bound;
		size_t n = 1 + noise_next(&r) % CELLS_MAX;

		for (size_t k = 0; k < COUNT(x); k++)
			x[k] = round(10 * noise_normal(&r)) / 10;
		for (size_t k = 0; k < COUNT(y); k++)
			y[k] = round(10 * noise_normal(&r)) / 10 + 0.3;
		edges[0] = -INFINITY;
		for (size_t k = 1; k < n; k++)
			edges[k] = k == 1 ? -2 + noise_uniform(&r) : edges[k - 1] + 0.3 * noise_uniform(&r);
		edges[n] = INFINITY;
		drift_count(x, COUNT(x), edges, n, a);
		drift_count(y, COUNT(y), edges, n, b);
		exact = drift_ks_samples(x, COUNT(x), y, COUNT(y));
		bound = drift_ks(a, b, n);
		assert_true(bound <= exact + 1e-12);
		assert_true(exact <= 1);
	}
}

static void
wasserstein_of_a_shift_is_the_shift(void **state)
{
	struct noise_rng r;
	struct sides s;

	(void)state;
	noise_seed(&r, 8);
	for (size_t i = 0; i < ROUNDS; i++) {
		double moved[CELLS_MAX + 1], by = 3 * noise_normal(&r);

		sides_draw(&r, 20, &s);
		if (i % 2 == 0) {
			s.edges[0] = -INFINITY;
			s.edges[s.n] = INFINITY;
		}
		for (size_t k = 0; k <= s.n; k++)
			moved[k] = s.edges[k] + by;
		if (s.n > 2 || i % 2 == 1)
			assert_close(wasserstein_of(s.edges, s.a, moved, s.a, s.n), fabs(by));
	}
}

static void
many_are_as_one(void **state)
{
	enum { PAIRS = 50, N = 33 };
	double a[PAIRS * N], b[PAIRS * N], psi[PAIRS];
	struct noise_rng r;

	(void)state;
	noise_seed(&r, 9);
	for (size_t i = 0; i < PAIRS * N; i++) {
		a[i] = noise_poisson(&r, i < PAIRS * N / 2 ? 3 : 300);
		b[i] = noise_poisson(&r, i < PAIRS * N / 2 ? 7 : 700);
	}
	drift_psi_many(a, b, PAIRS, N, psi);
	for (size_t i = 0; i < PAIRS; i++)
		assert_true(psi[i] == drift_psi(a + i * N, b + i * N, N));
}

/* Our own logarithm, which PSI uses, over all magnitudes: shares from 1e-300 up. */
static void
psi_is_exact_at_any_magnitude(void **state)
{
	static const double ratios[] = { 1e-9, 1e-3, 0.1, 0.5, 0.70710678118654746, 0.70710678118654757, 0.9, 0.999999, 1, 1.000001, 1.41421356237309492, 1.41421356237309515, 2, 17, 1e3 };

	(void)state;
	for (size_t i = 0; i < COUNT(ratios); i++) {
		/* Two cells with shares p, 1 - p and q, 1 - q. */
		double a[] = { 1e12, 1e13 }, b[] = { 1e12 * ratios[i], 1e13 }, p = 1.0 / 11, q = ratios[i] / (ratios[i] + 10);
		double expected = (p - q) * log(p / q) + (q - p) * log((1 - p) / (1 - q));

		assert_true(fabs(drift_psi(a, b, 2) - expected) <= 4e-15 * (1 + fabs(log(ratios[i]))));
	}
}

/* --- rims: empty, infinite, single ---------------------------------------------------------------------------------------------- */

static void
an_empty_side_is_no_number(void **state)
{
	static const double some[] = { 5, 6 }, none[] = { 0, 0 }, edges[] = { 0, 1, 2 };
	struct drift_hist h = { 2, edges, some }, empty = { 2, edges, none }, no_cells = { 0, edges, none };
	double df, p, q = 0.5;

	(void)state;
	assert_true(isnan(drift_psi(some, none, 2)) && isnan(drift_psi(none, some, 2)) && isnan(drift_psi(none, none, 2)));
	assert_true(isnan(drift_psi(some, some, 0)));
	assert_true(isnan(drift_js(some, none, 2)) && isnan(drift_ks(none, some, 2)));
	assert_true(isnan(drift_chi2(some, none, 2, true, &df, &p)) && df == 0 && isnan(p));
	assert_true(isnan(drift_wasserstein(&h, &empty)) && isnan(drift_wasserstein(&empty, &h)));
	assert_true(isnan(drift_mean(&empty)) && isnan(drift_stddev(&empty)) && isnan(drift_quantile(&empty, q)) && isnan(drift_quantile(&no_cells, q)));
	assert_int_equal(drift_cells(some, none, 2), 0);
	assert_true(isnan(drift_psi_floor(2, 0, 10, 0.95)) && isnan(drift_js_floor(2, 10, 0, 0.95)) && isnan(drift_psi_floor(0, 10, 10, 0.95)));
	assert_true(isnan(drift_ks_floor(0, 0, 0.95)) && isnan(drift_mean_floor(10, 0, 0.95)));
	assert_true(isnan(drift_ks_floor(10, 10, 1)) && isnan(drift_ks_floor(10, 10, 0)));
	assert_true(isnan(drift_chi2_sf(NAN, 1)) && isnan(drift_chi2_sf(1, 0)) && isnan(drift_chi2_quantile(1.5, 1)));
	assert_true(drift_chi2_sf(INFINITY, 3) == 0 && drift_chi2_sf(0, 3) == 1 && drift_chi2_quantile(0, 3) == 0 && isinf(drift_chi2_quantile(1, 3)));
}

static void
a_single_cell_tells_nothing(void **state)
{
	static const double a[] = { 500 }, b[] = { 20 };
	double df, p;

	(void)state;
	assert_true(drift_psi(a, b, 1) == 0 && drift_js(a, b, 1) == 0 && drift_ks(a, b, 1) == 0);
	assert_true(drift_chi2(a, b, 1, true, &df, &p) == 0 && df == 0 && isnan(p));
	assert_true(drift_psi_floor(1, 500, 20, 0.95) == 0 && drift_js_floor(1, 500, 20, 0.95) == 0);
}

/* One in a thousand on one side only, a hundred times: by themselves each would count as gone. */
static void
rare_cells_are_judged_together(void **state)
{
	double a[101] = { 100 }, b[101] = { 100000 };
	double df, p;

	(void)state;
	for (size_t i = 1; i <= 100; i++)
		b[i] = 100;
	a[7] = a[23] = a[31] = a[59] = a[60] = a[61] = a[70] = a[83] = a[84] = a[99] = 1;
	assert_int_equal(drift_cells(a, b, 101), 2);
	assert_true(drift_psi(a, b, 101) < 1e-12);
	assert_true(drift_chi2(a, b, 101, false, &df, &p) < 1e-9 && df == 1);
	/* Ten of them are five times too few to be a cell, and belong to nothing else. */
	assert_true(drift_chi2(a, b, 11, false, &df, &p) == 0 && df == 0);
}

/* What one side has lost is not rare, whatever it is smoothed by. */
static void
a_cell_that_one_side_lost_is_seen(void **state)
{
	static const double a[] = { 500, 500, 0 }, b[] = { 0, 500, 500 };

	(void)state;
	/* Smoothed: 500.5, 500, 0.5 of 1001 each: two cells with 500 / 1001 ln 1001. */
	assert_close(drift_psi(a, b, 3), 2 * 500 / 1001.0 * log(1001));
	assert_close(drift_js(a, b, 3), sqrt(0.5));
	assert_true(drift_psi(a, b, 3) > drift_psi_floor(3, 1000, 1000, 0.95));
}

static void
floors_fall_with_n_and_rise_with_confidence(void **state)
{
	(void)state;
	for (double n = 50; n < 1e6; n *= 3) {
		assert_true(drift_psi_floor(10, n, n, 0.95) > drift_psi_floor(10, 3 * n, n, 0.95));
		assert_true(drift_js_floor(10, n, n, 0.95) > drift_js_floor(10, 3 * n, n, 0.95));
		assert_true(drift_ks_floor(n, n, 0.99) > drift_ks_floor(n, n, 0.95));
		assert_true(drift_mean_floor(n, n, 0.99) > drift_mean_floor(n, n, 0.95));
		assert_true(drift_psi_floor(20, n, n, 0.95) > drift_psi_floor(10, n, n, 0.95));
	}
	/* As the literature has it, and a sixth more at most for cells that are nearly rare: 0.0677 for 10 cells of 500. */
	assert_true(drift_psi_floor(10, 500, 500, 0.95) > 0.0677 && drift_psi_floor(10, 500, 500, 0.95) < 0.0677 * 7 / 6);
}

static void
means_and_quantiles_are_prometheus(void **state)
{
	static const double edges[] = { -INFINITY, 1, 2, 4, INFINITY }, negative[] = { -INFINITY, -1, 0 }, all[] = { -INFINITY, INFINITY };
	static const double counts[] = { 10, 0, 20, 10 }, ends[] = { 1, 0, 0, 1 }, last[] = { 5, 0 };
	struct drift_hist h = { 4, edges, counts }, outer = { 4, edges, ends }, below = { 2, negative, last }, one = { 1, all, counts }, words = { 4, NULL, counts };

	(void)state;
	assert_close(drift_mean(&h), (10 * 1 + 20 * 3 + 10 * 4) / 40.0);
	assert_true(isnan(drift_mean(&outer)) && isnan(drift_stddev(&outer)) && isnan(drift_mean(&one)) && isnan(drift_mean(&words)));
	assert_close(drift_quantile(&h, 0.125), 0.5);	/* the first cell begins at 0 */
	assert_close(drift_quantile(&h, 0.25), 1);
	assert_close(drift_quantile(&h, 0.5), 3);	/* the empty cell is passed over */
	assert_close(drift_quantile(&h, 0.95), 4);	/* in the last one: its lower end */
	assert_close(drift_quantile(&below, 0.5), -1);
	assert_close(drift_quantile(&below, 1), -1);
	assert_true(isnan(drift_quantile(&h, 1.5)) && isnan(drift_quantile(&h, NAN)) && isnan(drift_quantile(&one, 0.5)) && isnan(drift_quantile(&words, 0.5)));
	assert_true(isnan(drift_wasserstein(&one, &h)) && isnan(drift_wasserstein(&words, &words)));
}

/* --- align ------------------------------------------------------------------------------------------------------------------------ */

static void
edges_that_both_have_remain(void **state)
{
	static const struct {
		size_t n_a;
		double edges_a[6], a[5];
		size_t n_b;
		double edges_b[6], b[5];
		size_t n, merged;
		double edges[6], to_a[5], to_b[5];
	} cases[] = {
		{ 3, { 0, 1, 2, 3 }, { 1, 2, 3 }, 3, { 0, 1, 2, 3 }, { 4, 5, 6 }, 3, 0, { 0, 1, 2, 3 }, { 1, 2, 3 }, { 4, 5, 6 } },
		{ 4, { -INFINITY, 1, 2, 5, INFINITY }, { 1, 2, 3, 4 }, 4, { -INFINITY, 1, 3, 5, INFINITY }, { 5, 6, 7, 8 },
		    3, 2, { -INFINITY, 1, 5, INFINITY }, { 1, 5, 4 }, { 5, 13, 8 } },
		/* One side goes further out. */
		{ 4, { 0, 1, 2, 3, 4 }, { 1, 2, 3, 4 }, 2, { 1, 2, 3 }, { 5, 6 }, 2, 2, { 0, 2, 4 }, { 3, 7 }, { 5, 6 } },
		{ 2, { 0, 1, 2 }, { 1, 2 }, 3, { -INFINITY, 0, 1, INFINITY }, { 0, 3, 4 }, 2, 1, { -INFINITY, 1, INFINITY }, { 1, 2 }, { 3, 4 } },
		/* The same edge, by another way. */
		{ 2, { 0, 0.3, 1 }, { 1, 2 }, 2, { 0, 0.1 + 0.2, 1 }, { 3, 4 }, 2, 0, { 0, 0.3, 1 }, { 1, 2 }, { 3, 4 } },
		/* None in common. */
		{ 2, { 0, 1, 2 }, { 1, 2 }, 2, { 0, 1.5, 2 }, { 3, 4 }, 0, 0, { 0 }, { 0 }, { 0 } },
		{ 1, { 0, 1 }, { 1 }, 2, { 0, 1, 2 }, { 3, 4 }, 0, 0, { 0 }, { 0 }, { 0 } },
		{ 1, { 0, 1 }, { 1 }, 1, { 0, 1 }, { 3 }, 1, 0, { 0, 1 }, { 1 }, { 3 } },
		{ 0, { 0 }, { 0 }, 1, { 0, 1 }, { 3 }, 0, 0, { 0 }, { 0 }, { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct drift_hist a = { cases[i].n_a, cases[i].edges_a, cases[i].a }, b = { cases[i].n_b, cases[i].edges_b, cases[i].b };
		double edges[6], to_a[5], to_b[5];
		size_t merged;

		assert_int_equal(drift_align(&a, &b, edges, to_a, to_b, &merged), cases[i].n);
		if (cases[i].n == 0)
			continue;
		assert_int_equal(merged, cases[i].merged);
		assert_memory_equal(edges, cases[i].edges, (cases[i].n + 1) * sizeof *edges);
		assert_memory_equal(to_a, cases[i].to_a, cases[i].n * sizeof *to_a);
		assert_memory_equal(to_b, cases[i].to_b, cases[i].n * sizeof *to_b);
	}
}

static double
sum_of(const double *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return sum;
}

static void
aligned_again_is_the_same_and_nothing_is_lost(void **state)
{
	struct noise_rng r;
	struct sides s, t;

	(void)state;
	noise_seed(&r, 10);
	for (size_t i = 0; i < ROUNDS; i++) {
		double edges[CELLS_MAX + 1], a[CELLS_MAX], b[CELLS_MAX], edges2[CELLS_MAX + 1], a2[CELLS_MAX], b2[CELLS_MAX];
		struct drift_hist x = { 0, s.edges, s.a }, y = { 0, t.edges, t.b }, xa = { 0, edges, a }, ya = { 0, edges, b };
		size_t n, merged;

		sides_draw(&r, 20, &s);
		sides_draw(&r, 20, &t);
		/* Edges from a small set, so that some are shared. */
		for (size_t k = 0, e = 0, f = 0; k <= CELLS_MAX; k++) {
			s.edges[k] = (double)(e += 1 + noise_next(&r) % 2);
			t.edges[k] = (double)(f += 1 + noise_next(&r) % 3);
		}
		x.n_cells = s.n;
		y.n_cells = t.n;
		n = drift_align(&x, &y, edges, a, b, &merged);
		assert_true(n <= s.n && n <= t.n);
		if (n == 0)
			continue;
		assert_close(sum_of(a, n), sum_of(s.a, s.n));
		assert_close(sum_of(b, n), sum_of(t.b, t.n));
		assert_int_equal(merged, s.n - n + t.n - n);
		xa.n_cells = ya.n_cells = n;
		assert_int_equal(drift_align(&xa, &ya, edges2, a2, b2, &merged), n);
		assert_int_equal(merged, 0);
		assert_memory_equal(edges, edges2, (n + 1) * sizeof *edges);
		assert_memory_equal(a, a2, n * sizeof *a);
		assert_memory_equal(b, b2, n * sizeof *b);
	}
}

static void
categories_have_no_edges_to_align(void **state)
{
	static const double a[] = { 1, 2 }, b[] = { 3, 4 }, edges[] = { 0, 1, 2 };
	struct drift_hist x = { 2, NULL, a }, y = { 2, NULL, b }, fewer = { 1, NULL, b }, cells = { 2, edges, b };
	double to_a[2], to_b[2];
	size_t merged;

	(void)state;
	assert_int_equal(drift_align(&x, &y, NULL, to_a, to_b, &merged), 2);
	assert_memory_equal(to_a, a, sizeof a);
	assert_memory_equal(to_b, b, sizeof b);
	assert_int_equal(drift_align(&x, &fewer, NULL, to_a, to_b, &merged), 0);
	assert_int_equal(drift_align(&x, &cells, NULL, to_a, to_b, &merged), 0);
}

/* --- samples ---------------------------------------------------------------------------------------------------------------------- */

static void
a_bound_belongs_to_the_cell_below(void **state)
{
	static const double samples[] = { -1, 0, 0.5, 1, 1.5, 2, 2.0000000000000004, 9, NAN, INFINITY, -INFINITY };
	static const double open[] = { -INFINITY, 1, 2, INFINITY }, closed[] = { 0, 1, 2 }, one[] = { -INFINITY, INFINITY };
	double counts[3];

	(void)state;
	drift_count(samples, COUNT(samples), open, 3, counts);
	assert_true(counts[0] == 5 && counts[1] == 2 && counts[2] == 3);
	drift_count(samples, COUNT(samples), closed, 2, counts);
	assert_true(counts[0] == 3 && counts[1] == 2);
	drift_count(samples, COUNT(samples), one, 1, counts);
	assert_true(counts[0] == 10);
	drift_count(samples, 0, open, 3, counts);
	assert_true(counts[0] == 0 && counts[1] == 0 && counts[2] == 0);
}

/* Beside a search that is too simple to be wrong; edges at all distances, so that many share a slot. */
static void
counts_are_those_of_a_plain_search(void **state)
{
	struct noise_rng r;

	(void)state;
	noise_seed(&r, 12);
	for (size_t i = 0; i < 200; i++) {
		double edges[CELLS_MAX + 1], counts[CELLS_MAX], plain[CELLS_MAX] = { 0 }, samples[300];
		size_t n = 1 + noise_next(&r) % CELLS_MAX;

		edges[0] = i % 2 == 0 ? -INFINITY : -1;
		for (size_t k = 1; k <= n; k++)
			edges[k] = k == 1 ? noise_uniform(&r) : edges[k - 1] + exp(8 * noise_normal(&r));
		for (size_t k = 0; k < COUNT(samples); k++) {
			samples[k] = k % 3 == 0 ? edges[1 + noise_next(&r) % n] : exp(8 * noise_normal(&r));
			for (size_t c = 0; c < n; c++)
				plain[c] += samples[k] <= edges[c + 1] && (samples[k] > edges[c] || (c == 0 && samples[k] == edges[0]));
		}
		drift_count(samples, COUNT(samples), edges, n, counts);
		for (size_t c = 0; c < n; c++)
			assert_true(counts[c] == plain[c]);
	}
}

static int
by_value(const void *va, const void *vb)
{
	const double *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

static void
samples_of_any_kind_are_sorted(void **state)
{
	enum { N = 5000 };
	double v[N], w[N], other[1];
	struct noise_rng r;

	(void)state;
	noise_seed(&r, 13);
	for (size_t kind = 0; kind < 5; kind++) {
		for (size_t i = 0; i < N; i++)
			switch (kind) {
			case 0: v[i] = noise_normal(&r); break;
			case 1: v[i] = 1 + (double)(noise_next(&r) % 100000) * 1e-15; break;	/* only the last digits differ */
			case 2: v[i] = (double)(noise_next(&r) % 3) - 1; break;
			case 3: v[i] = i % 2 == 0 ? -0.0 : 0.0; break;
			default: v[i] = i % 7 == 0 ? INFINITY : i % 7 == 1 ? -INFINITY : i % 7 == 2 ? 4e-320 : -1e300 * noise_uniform(&r); break;
			}
		memcpy(w, v, sizeof w);
		qsort(w, N, sizeof *w, by_value);
		other[0] = 0.5;
		drift_ks_samples(v, N, other, 1);
		for (size_t i = 0; i < N; i++)
			assert_true(v[i] == w[i]);
	}
}

static void
samples_that_are_no_numbers_are_left_out(void **state)
{
	double a[] = { 3, NAN, 1, -NAN, 2 }, b[] = { 1, 2, 3 }, none[] = { NAN };

	(void)state;
	assert_true(drift_ks_samples(a, COUNT(a), b, COUNT(b)) == 0);
	assert_true(a[0] == 1 && a[1] == 2 && a[2] == 3);
	assert_true(isnan(drift_ks_samples(none, 1, b, COUNT(b))));
	assert_true(isnan(drift_ks_samples(none, 0, b, COUNT(b))));
}

static void
samples_apart_differ_wholly(void **state)
{
	double a[] = { 1, 1, 2 }, b[] = { 3, 3 }, c[] = { 1, 1, 1, 1 };

	(void)state;
	assert_true(drift_ks_samples(a, COUNT(a), b, COUNT(b)) == 1);
	assert_close(drift_ks_samples(a, COUNT(a), c, COUNT(c)), 1.0 / 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_side_is_which_does_not_matter),
		cmocka_unit_test(distances_stay_in_their_range),
		cmocka_unit_test(nothing_differs_from_itself),
		cmocka_unit_test(how_often_is_counted_does_not_matter),
		cmocka_unit_test(the_order_of_categories_does_not_matter),
		cmocka_unit_test(joined_cells_differ_less),
		cmocka_unit_test(ks_of_cells_is_never_above_the_exact_one),
		cmocka_unit_test(wasserstein_of_a_shift_is_the_shift),
		cmocka_unit_test(many_are_as_one),
		cmocka_unit_test(psi_is_exact_at_any_magnitude),
		cmocka_unit_test(an_empty_side_is_no_number),
		cmocka_unit_test(a_single_cell_tells_nothing),
		cmocka_unit_test(rare_cells_are_judged_together),
		cmocka_unit_test(a_cell_that_one_side_lost_is_seen),
		cmocka_unit_test(floors_fall_with_n_and_rise_with_confidence),
		cmocka_unit_test(means_and_quantiles_are_prometheus),
		cmocka_unit_test(edges_that_both_have_remain),
		cmocka_unit_test(aligned_again_is_the_same_and_nothing_is_lost),
		cmocka_unit_test(categories_have_no_edges_to_align),
		cmocka_unit_test(a_bound_belongs_to_the_cell_below),
		cmocka_unit_test(counts_are_those_of_a_plain_search),
		cmocka_unit_test(samples_of_any_kind_are_sorted),
		cmocka_unit_test(samples_that_are_no_numbers_are_left_out),
		cmocka_unit_test(samples_apart_differ_wholly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
