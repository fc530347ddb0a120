/* Distances over cells: Jensen-Shannon, Kolmogorov-Smirnov, chi-square. PSI has a file of its own. */
#include "config.h"

#include "insight/drift.h"

#include <math.h>

#include "insight/drift_priv.h"

size_t
drift_cells(const double *a, const double *b, size_t n)
{
	struct drift_pair totals = drift_totals(a, b, n), group;
	struct drift_join j;
	size_t cells = 0;

	if (!(totals.a > 0 && totals.b > 0))
		return 0;
	drift_join_init(&j, a, b, n, drift_least(totals, DRIFT_RARE));
	while (drift_join_next(&j, &group))
		cells++;
	return cells;
}

/* (1 + d) ln(1 + d) + (1 - d) ln(1 - d), d from -1 to 1. Near 0 by its series, 2 sum of d^2k / (2k (2k - 1)): the terms would cancel. */
static double
js_part(double d)
{
	double s = d * d;

	if (s < 1e-4)
		return s * (1 + s * (1.0 / 6 + s * (1.0 / 15 + s * (1.0 / 28 + s / 45))));
	if (s >= 1)
		return 2 * M_LN2;
	return (1 + d) * log1p(d) + (1 - d) * log1p(-d);
}

/*
 * Lin (1991), IEEE Trans. Inf. Theory 37, "Divergence measures based on the Shannon entropy", both sides weighing the same; its root is a metric: Endres and Schindelin (2003),
 * IEEE Trans. Inf. Theory 49. Base 2, as scipy's jensenshannon(p, q, 2). With m = (p + q) / 2 and d = (p - q) / (p + q) a cell adds m ((1 + d) ln(1 + d) + (1 - d) ln(1 - d)) / 2.
 */
double
drift_js(const double *a, const double *b, size_t n)
{
	struct drift_pair totals = drift_totals(a, b, n), group;
	struct drift_join j;
	double sum = 0;

	if (!(totals.a > 0 && totals.b > 0))
		return NAN;
	drift_join_init(&j, a, b, n, drift_least(totals, DRIFT_RARE));
	while (drift_join_next(&j, &group)) {
		double p = group.a / totals.a, q = group.b / totals.b;

		sum += (p + q) * js_part((p - q) / (p + q)) / 4;
	}
	return fmin(sqrt(sum / M_LN2), 1);
}

/*
 * The largest difference of the two distribution functions where both are known, which is at the edges; between them it may be larger. Smirnov (1939).
 * Counted in (a * B - b * A) rather than in shares: whole counts leave no rounding behind.
 */
double
drift_ks(const double *a, const double *b, size_t n)
{
	struct drift_pair totals = drift_totals(a, b, n), below = { 0, 0 };
	double most = 0;

	if (!(totals.a > 0 && totals.b > 0))
		return NAN;
	for (size_t i = 0; i + 1 < n; i++) {
		below.a += a[i];
		below.b += b[i];
		most = fmax(most, fabs(below.a * totals.b - below.b * totals.a));
	}
	return fmin(most / (totals.a * totals.b), 1);
}

/* --- chi-square ------------------------------------------------------------------------------------------------------------ */

/* Squared distance of one cell from what both sides' totals lead to expect: Press et al., Numerical Recipes (3rd ed.), 14.3.2, two binned data sets with unequal totals. */
static double
chi2_part(struct drift_pair cell, struct drift_pair totals)
{
	double d = cell.a * totals.b - cell.b * totals.a;

	return d * d / ((cell.a + cell.b) * totals.a * totals.b);
}

static double
chi2_ordered(const double *a, const double *b, size_t n, struct drift_pair totals, size_t *ret_cells)
{
	struct drift_pair group;
	struct drift_join j;
	double sum = 0;

	*ret_cells = 0;
	drift_join_init(&j, a, b, n, drift_least(totals, DRIFT_RARE));
	while (drift_join_next(&j, &group)) {
		sum += chi2_part(group, totals);
		++*ret_cells;
	}
	return sum;
}

/* Rare categories as one. Without a neighbour that it belongs to, one that is rare even then is left out: what remains is still a fair comparison of what remains. */
static double
chi2_unordered(const double *a, const double *b, size_t n, struct drift_pair totals, size_t *ret_cells)
{
	double least = drift_least(totals, DRIFT_RARE), sum = 0;
	struct drift_pair rare = { 0, 0 };

	*ret_cells = 0;
	for (size_t i = 0; i < n; i++)
		if (a[i] + b[i] < least) {
			rare.a += a[i];
			rare.b += b[i];
		}
	if (rare.a + rare.b < least) {
		totals.a -= rare.a;
		totals.b -= rare.b;
	} else {
		sum += chi2_part(rare, totals);
		++*ret_cells;
	}
	if (!(totals.a > 0 && totals.b > 0))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (a[i] + b[i] >= least) {
			sum += chi2_part((struct drift_pair){ a[i], b[i] }, totals);
			++*ret_cells;
		}
	return sum;
}

/*
 * Pearson (1900), test of homogeneity of two samples. The usual rule joins below 5 expected (Cochran 1954, Biometrics 10); with sides of unequal size noise then passes the 99 %
 * quantile half as often again as it may, and false-discovery control works even further out. With DRIFT_RARE it does not.
 */
double
drift_chi2(const double *a, const double *b, size_t n, bool is_ordered, double *ret_df, double *ret_p)
{
	struct drift_pair totals = drift_totals(a, b, n);
	double chi2;
	size_t cells;

	*ret_df = 0;
	*ret_p = NAN;
	if (!(totals.a > 0 && totals.b > 0))
		return NAN;
	chi2 = (is_ordered ? chi2_ordered : chi2_unordered)(a, b, n, totals, &cells);
	if (cells < 2)
		return 0;
	*ret_df = (double)(cells - 1);
	*ret_p = drift_chi2_sf(chi2, *ret_df);
	return chi2;
}
