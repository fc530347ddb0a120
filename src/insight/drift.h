/*
 * The arithmetic of drift: two histograms, how far apart, and how far noise alone would put them. Pure; no clock, no model, no allocation beyond what the caller lends
 * (but for drift_ks_samples() and drift_fdr(), which sort, and borrow 8 bytes an element from the heap meanwhile).
 *
 * Each formula names its source above its function; the reference values of the tests come from SciPy (tests/unit/drift-values.py). Counts are floats: increase() extrapolates.
 * n, counts >= 0 and finite; an empty side has n 0 and every result is NaN.
 *
 * Rare cells are joined before anything is judged. A cell that few fell into says nothing by itself, and where many are like that (a long tail, a score that is nearly always 0) the
 * usual floors are passed by noise alone in most comparisons. So PSI and JS are over cells joined to their neighbours until DRIFT_RARE are expected on the smaller side, which
 * cannot raise them (both are f-divergences), and drift_cells() says how many cells were left. How often noise passes the floors is measured: tests/unit/test_drift_noise.c.
 */
#ifndef OPS_INSIGHT_DRIFT_H
#define OPS_INSIGHT_DRIFT_H

#include <stdbool.h>
#include <stddef.h>

/* A cell with a lower expected count on the smaller side is joined to its neighbours. */
#define DRIFT_RARE 10.0

/* Cells of one side: counts[i] between edges[i] and edges[i + 1]; edges ascending, the first may be -INFINITY, the last +INFINITY. */
struct drift_hist {
	size_t n_cells;
	const double *edges;	/* n_cells + 1; NULL: categories */
	const double *counts;
};

/*
 * Both onto the edges they share (outer cells joined where one side lacks an edge). ret_* have room for the smaller n_cells (ret_edges for one more); returns how many cells remain,
 * ret_merged how many edges were lost. 0: they share none. Edges that differ by rounding alone are the same. Categories: copied when there are as many on both sides, ret_edges untouched.
 */
size_t drift_align(const struct drift_hist *a, const struct drift_hist *b, double *ret_edges, double *ret_a, double *ret_b, size_t *ret_merged);

/*
 * Over cells of equal meaning, in any order as long as none is rare: which are joined depends on who their neighbours are.
 * PSI: where one side is empty, both are smoothed by adding 0.5 (Jeffreys), so that the result is finite and symmetric.
 */
double drift_psi(const double *a, const double *b, size_t n);
double drift_js(const double *a, const double *b, size_t n);		/* distance: root of the divergence in bits, 0 to 1 */
double drift_ks(const double *a, const double *b, size_t n);		/* over edges: a lower bound of the exact statistic */
/* How many cells PSI and JS are over, rare ones joined: what their floors are to be asked for. */
size_t drift_cells(const double *a, const double *b, size_t n);
/*
 * Two-sample, rare cells joined to their neighbours (categories: to one, in any order; left out when even that is rare). ret_df: degrees of freedom; 0 when there is nothing to test
 * (p NaN).
 */
double drift_chi2(const double *a, const double *b, size_t n, bool is_ordered, double *ret_df, double *ret_p);
/* First Wasserstein distance, mass spread evenly within a cell (infinite cells: at their finite edge). In the unit of the edges; NaN for categories. */
double drift_wasserstein(const struct drift_hist *a, const struct drift_hist *b);
double drift_mean(const struct drift_hist *h);		/* from cells: middles; NaN when all is in an infinite cell */
double drift_stddev(const struct drift_hist *h);
double drift_quantile(const struct drift_hist *h, double q);	/* linear within a cell, as histogram_quantile() */

/*
 * Noise floors at confidence: what two samples of these sizes of the same distribution stay below with that probability. Asymptotic null distributions: PSI and JS from chi-square with
 * (cells in use - 1) degrees, with an allowance for cells that are nearly rare; KS from Kolmogorov's, mean from the normal. cells: drift_cells(); more is on the safe side.
 * A single cell has the floor 0.
 */
double drift_psi_floor(size_t cells, double n_a, double n_b, double confidence);
double drift_js_floor(size_t cells, double n_a, double n_b, double confidence);
double drift_ks_floor(double n_a, double n_b, double confidence);
double drift_mean_floor(double n_a, double n_b, double confidence);	/* in standard deviations of the reference */
double drift_chi2_quantile(double p, double df);
double drift_chi2_sf(double x, double df);		/* upper tail */
double drift_t_p(double t, double df);			/* Student's t, both tails; df may be INFINITY: the normal distribution */
double drift_t_quantile(double confidence, double df);	/* what |t| stays below with that probability */

/* Exact, from raw samples, which are sorted in place. NaN are not counted. */
double drift_ks_samples(double *a, size_t n_a, double *b, size_t n_b);
/* Counts of samples between edges (as histogram_bucket: upper bound belongs to the cell; so does the very first edge). What is outside or NaN is not counted. */
void drift_count(const double *samples, size_t n, const double *edges, size_t n_cells, double *ret_counts);

/* Benjamini and Hochberg (1995), adjusted p-values, in place; NaN stay and are not counted. */
void drift_fdr(double *p, size_t n);

/* Many at once, for benchmarks and rounds: psi of n_pairs pairs of n cells each, rows one after the other. */
void drift_psi_many(const double *a, const double *b, size_t n_pairs, size_t n, double *ret_psi);

#endif
