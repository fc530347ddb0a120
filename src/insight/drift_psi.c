/*
 * Population stability index, for one pair and for many.
 *
 * Nearly all of its cost is the logarithm, so that is worked out for two cells at a time in the vectors every x86-64 and AArch64 has (elsewhere the compiler makes
 * scalars of them), without a call and without a branch.
 */
#include "config.h"

#include "insight/drift.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "insight/drift_priv.h"

typedef double pair_f64 __attribute__((vector_size(16)));
typedef int64_t pair_i64 __attribute__((vector_size(16)));

static inline pair_f64
load(const double *v)
{
	pair_f64 r;

	memcpy(&r, v, sizeof r);
	return r;
}

/*
 * Natural logarithms of normal, positive, finite numbers; error below 1 ulp.
 * Source: e_log.c of Sun's fdlibm (1993), method and coefficients: x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2), s = f / (2 + f),
 * log(1 + f) = f - s (f - R(s^2)).
 */
static inline pair_f64
log2cells(pair_f64 x)
{
	const pair_i64 root_half = { 0x3fe6a09e667f3bcd, 0x3fe6a09e667f3bcd }, one = { 0x3ff0000000000000, 0x3ff0000000000000 };
	const pair_i64 mantissa = { 0x000fffffffffffff, 0x000fffffffffffff }, two52 = { 0x4330000000000000, 0x4330000000000000 };
	pair_i64 bits = (pair_i64)x + (one - root_half);
	/* The exponent, as a double: its bits below those of 2^52 (there is no conversion of 64-bit integers in the vectors that can be relied on). */
	pair_f64 k = (pair_f64)((bits >> 52) | two52) - (4503599627370496.0 + 1023.0);
	pair_f64 f = (pair_f64)((bits & mantissa) + root_half) - 1.0;
	pair_f64 s = f / (2.0 + f), z = s * s, w = z * z, half = 0.5 * f * f;
	pair_f64 odd = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
	pair_f64 even = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));

	return k * 6.93147180369123816490e-01 - ((half - (s * (half + odd + even) + k * 1.90821492927058770002e-10)) - f);
}

/* (p - q) ln(p / q) of two cells. */
static inline pair_f64
psi_cells(pair_f64 a, pair_f64 b, struct drift_pair per)
{
	pair_f64 p = a * per.a, q = b * per.b;

	return (p - q) * log2cells(p / q);
}

/* Over cells that are not empty on either side; per: 1 / total. */
static double
psi_sum(const double *a, const double *b, size_t n, struct drift_pair per)
{
	pair_f64 sum = { 0, 0 };
	size_t i;

	for (i = 0; i + 2 <= n; i += 2)
		sum += psi_cells(load(a + i), load(b + i), per);
	if (i < n)
		sum[0] += psi_cells((pair_f64){ a[i], 1 }, (pair_f64){ b[i], 1 }, per)[0];
	return sum[0] + sum[1];
}

/* Cells that can be taken as they are: none rare, none empty on a side. */
static bool
psi_is_plain(const double *a, const double *b, size_t n, double least)
{
	pair_i64 odd_one = { 0, 0 };
	size_t i;

	for (i = 0; i + 2 <= n; i += 2) {
		pair_f64 x = load(a + i), y = load(b + i);

		odd_one |= (x + y < least) | (x <= 0.0) | (y <= 0.0);
	}
	if (i < n && (a[i] + b[i] < least || a[i] <= 0 || b[i] <= 0))
		return false;
	return (odd_one[0] | odd_one[1]) == 0;
}

static bool
is_one_sided(struct drift_pair group)
{
	return group.a <= 0 || group.b <= 0;
}

/* Rare cells joined, one-sided groups smoothed. Smoothing adds to the totals, so shares still add up to 1. */
static double
psi_joined(const double *a, const double *b, size_t n, struct drift_pair totals)
{
	struct drift_join j;
	struct drift_pair group;
	double least = drift_least(totals, DRIFT_RARE), smoothing = 0, sum = 0;

	drift_join_init(&j, a, b, n, least);
	while (drift_join_next(&j, &group))
		smoothing += is_one_sided(group) ? 0.5 : 0;
	drift_join_init(&j, a, b, n, least);
	while (drift_join_next(&j, &group)) {
		double extra = is_one_sided(group) ? 0.5 : 0;
		double p = (group.a + extra) / (totals.a + smoothing), q = (group.b + extra) / (totals.b + smoothing);

		sum += (p - q) * log(p / q);
	}
	return sum;
}

/* Two accumulators: an addition is not waited for by the next one. */
static struct drift_pair
psi_totals(const double *a, const double *b, size_t n)
{
	pair_f64 sum_a = { 0, 0 }, sum_b = { 0, 0 };
	size_t i;

	for (i = 0; i + 2 <= n; i += 2) {
		sum_a += load(a + i);
		sum_b += load(b + i);
	}
	if (i < n) {
		sum_a[0] += a[i];
		sum_b[0] += b[i];
	}
	return (struct drift_pair){ sum_a[0] + sum_a[1], sum_b[0] + sum_b[1] };
}

/*
 * Sum of (p - q) ln(p / q): Jeffreys' divergence (Jeffreys 1946, Proc. R. Soc. A 186; Kullback and Leibler 1951), by its name in credit scoring (Siddiqi, Credit Risk
 * Scorecards, 2006).
 */
double
drift_psi(const double *a, const double *b, size_t n)
{
	struct drift_pair totals = psi_totals(a, b, n);

	if (!(totals.a > 0 && totals.b > 0))
		return NAN;
	if (!psi_is_plain(a, b, n, drift_least(totals, DRIFT_RARE)))
		return psi_joined(a, b, n, totals);
	return psi_sum(a, b, n, (struct drift_pair){ 1 / totals.a, 1 / totals.b });
}

void
drift_psi_many(const double *a, const double *b, size_t n_pairs, size_t n, double *ret_psi)
{
	for (size_t i = 0; i < n_pairs; i++)
		ret_psi[i] = drift_psi(a + i * n, b + i * n, n);
}
