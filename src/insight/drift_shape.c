/* What a histogram says of the values themselves: mean, spread, quantiles, and how far its mass lies from another's. */
#include "config.h"

#include "insight/drift.h"

#include <math.h>

static double
total(const struct drift_hist *h)
{
	double sum = 0;

	for (size_t i = 0; i < h->n_cells; i++)
		sum += h->counts[i];
	return sum;
}

/* The middle of a cell; of an infinite one its finite edge, NaN when it has none. */
static double
middle(const struct drift_hist *h, size_t i)
{
	double lo = h->edges[i], hi = h->edges[i + 1];

	if (isinf(lo))
		return isinf(hi) ? NAN : hi;
	return isinf(hi) ? lo : lo + (hi - lo) / 2;
}

static bool
is_infinite(const struct drift_hist *h, size_t i)
{
	return isinf(h->edges[i]) || isinf(h->edges[i + 1]);
}

static bool
has_finite_mass(const struct drift_hist *h)
{
	if (h->edges != NULL)
		for (size_t i = 0; i < h->n_cells; i++)
			if (h->counts[i] > 0 && !is_infinite(h, i))
				return true;
	return false;
}

/* Moments of grouped data, as Kendall and Stuart, The Advanced Theory of Statistics, vol. 1, 3.18; without Sheppard's corrections, which ask for equal widths. */
double
drift_mean(const struct drift_hist *h)
{
	double sum = 0;

	if (!has_finite_mass(h))
		return NAN;
	for (size_t i = 0; i < h->n_cells; i++)
		if (h->counts[i] > 0)
			sum += h->counts[i] * middle(h, i);
	return sum / total(h);
}

double
drift_stddev(const struct drift_hist *h)
{
	double mean = drift_mean(h), sum = 0;

	if (isnan(mean))
		return NAN;
	for (size_t i = 0; i < h->n_cells; i++)
		if (h->counts[i] > 0) {
			double d = middle(h, i) - mean;

			sum += h->counts[i] * d * d;
		}
	return sqrt(sum / total(h));
}

/*
 * Source: histogram_quantile() of Prometheus, promql/quantile.go: linear within the cell; a cell without an upper bound gives its lower one; the first begins at 0 where its
 * upper bound is positive and its lower one is not known.
 */
double
drift_quantile(const struct drift_hist *h, double q)
{
	double n = total(h), rank = q * n, below = 0, lo, hi;
	size_t i;

	if (h->edges == NULL || !(n > 0) || !(q >= 0 && q <= 1))
		return NAN;
	for (i = 0; i + 1 < h->n_cells && (below + h->counts[i] < rank || h->counts[i] <= 0); i++)
		below += h->counts[i];
	/* Nothing in the last cells: the upper end of the last that has something. */
	while (i > 0 && h->counts[i] <= 0)
		below -= h->counts[--i];
	lo = h->edges[i];
	hi = h->edges[i + 1];
	if (isinf(hi))
		return isinf(lo) ? NAN : lo;
	if (isinf(lo)) {
		if (hi <= 0)
			return hi;
		lo = 0;
	}
	return lo + (hi - lo) * fmin(fmax((rank - below) / h->counts[i], 0), 1);
}

/* --- Wasserstein ------------------------------------------------------------------------------------------------------------ */

/* One side's distribution function, followed from left to right. */
struct walk {
	const struct drift_hist *h;
	double n;
	size_t i;		/* the cell that comes next or is being crossed */
	double below;		/* counts of the cells before it */
};

/* The next place where the slope changes or something is added at once; INFINITY: none. */
static double
walk_next(const struct walk *w, double x)
{
	for (size_t i = w->i; i <= w->h->n_cells; i++)
		if (w->h->edges[i] > x)
			return w->h->edges[i];
	return INFINITY;
}

/* To x, an edge of either side. Cells that end there are passed; one without an upper edge has all its mass where it begins. */
static void
walk_to(struct walk *w, double x)
{
	const struct drift_hist *h = w->h;

	while (w->i < h->n_cells && (h->edges[w->i + 1] <= x || (isinf(h->edges[w->i + 1]) && h->edges[w->i] <= x)))
		w->below += h->counts[w->i++];
}

/* Share at or below x, which lies in the cell or before it. One without a lower edge has all its mass where it ends. */
static double
walk_share(const struct walk *w, double x)
{
	const struct drift_hist *h = w->h;
	double part = 0;

	if (w->i < h->n_cells && !is_infinite(h, w->i) && x > h->edges[w->i])
		part = h->counts[w->i] * (x - h->edges[w->i]) / (h->edges[w->i + 1] - h->edges[w->i]);
	return (w->below + part) / w->n;
}

/* Area between 0 and the straight line from `from` to `to` over a width of 1. */
static double
area(double from, double to)
{
	double size = fabs(from) + fabs(to);

	if (from * to >= 0)
		return size / 2;
	return (from * from + to * to) / (2 * size);
}

static double
first_finite_edge(const struct drift_hist *h)
{
	return isfinite(h->edges[0]) ? h->edges[0] : h->edges[1];
}

/* In one dimension it is the area between the two distribution functions: Vallender (1974), Theory Probab. Appl. 18. These are piecewise linear, so the sum is exact. */
double
drift_wasserstein(const struct drift_hist *a, const struct drift_hist *b)
{
	struct walk wa = { .h = a, .n = total(a) }, wb = { .h = b, .n = total(b) };
	double sum = 0, x;

	if (a->edges == NULL || b->edges == NULL || !(wa.n > 0 && wb.n > 0))
		return NAN;
	x = fmin(first_finite_edge(a), first_finite_edge(b));
	if (isinf(x) || isinf(first_finite_edge(a)) || isinf(first_finite_edge(b)))
		return NAN;
	for (;;) {
		double from, to, next;

		walk_to(&wa, x);
		walk_to(&wb, x);
		next = fmin(walk_next(&wa, x), walk_next(&wb, x));
		if (isinf(next))
			return sum;
		from = walk_share(&wa, x) - walk_share(&wb, x);
		to = walk_share(&wa, next) - walk_share(&wb, next);
		sum += (next - x) * area(from, to);
		x = next;
	}
}
