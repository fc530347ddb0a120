/* Two histograms onto the edges that both have: releases change their buckets, and native histograms their resolution. */
#include "config.h"

#include "insight/drift.h"

#include <math.h>
#include <string.h>

/* Of edges that mean the same: one is read from a label, the other from JSON or worked out as a power of two's root. */
#define SAME_EDGE 1e-9

/* -1, 0, 1: a lies below, at, above b. */
static int
edge_cmp(double a, double b)
{
	if (a == b)
		return 0;
	if (isfinite(a) && isfinite(b) && fabs(a - b) <= SAME_EDGE * fmax(fabs(a), fabs(b)))
		return 0;
	return a < b ? -1 : 1;
}

/* Whether what lies beyond edge i of h is inside of h: an edge on the rim tells nothing apart. */
static bool
is_inner(const struct drift_hist *h, size_t i)
{
	return i > 0 && i < h->n_cells;
}

/* Cells of h from *at on, as far as `to`, as one. */
static double
take_until(const struct drift_hist *h, size_t *at, size_t to)
{
	double sum = 0;

	for (; *at < to; ++*at)
		sum += h->counts[*at];
	return sum;
}

/* Without edges there is only their order to go by. */
static size_t
align_categories(const struct drift_hist *a, const struct drift_hist *b, double *ret_a, double *ret_b)
{
	if (a->edges != NULL || b->edges != NULL || a->n_cells != b->n_cells)
		return 0;
	memcpy(ret_a, a->counts, a->n_cells * sizeof *ret_a);
	memcpy(ret_b, b->counts, b->n_cells * sizeof *ret_b);
	return a->n_cells;
}

static bool
is_same_single_cell(const struct drift_hist *a, const struct drift_hist *b)
{
	return a->n_cells == 1 && b->n_cells == 1 && edge_cmp(a->edges[0], b->edges[0]) == 0 && edge_cmp(a->edges[1], b->edges[1]) == 0;
}

size_t
drift_align(const struct drift_hist *a, const struct drift_hist *b, double *ret_edges, double *ret_a, double *ret_b, size_t *ret_merged)
{
	size_t cells = 0, from_a = 0, from_b = 0, i = 0, j = 0;

	*ret_merged = 0;
	if (a->n_cells == 0 || b->n_cells == 0)
		return 0;
	if (a->edges == NULL || b->edges == NULL)
		return align_categories(a, b, ret_a, ret_b);
	ret_edges[0] = fmin(a->edges[0], b->edges[0]);
	while (i <= a->n_cells && j <= b->n_cells) {
		int cmp = edge_cmp(a->edges[i], b->edges[j]);

		if (cmp == 0 && is_inner(a, i) && is_inner(b, j)) {
			ret_a[cells] = take_until(a, &from_a, i);
			ret_b[cells] = take_until(b, &from_b, j);
			ret_edges[++cells] = a->edges[i];
		}
		i += cmp <= 0;
		j += cmp >= 0;
	}
	if (cells == 0 && !is_same_single_cell(a, b))
		return 0;
	*ret_merged = a->n_cells - 1 - cells + (b->n_cells - 1 - cells);
	ret_a[cells] = take_until(a, &from_a, a->n_cells);
	ret_b[cells] = take_until(b, &from_b, b->n_cells);
	ret_edges[++cells] = fmax(a->edges[a->n_cells], b->edges[b->n_cells]);
	return cells;
}
