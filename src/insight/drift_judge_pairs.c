/*
 * Two sides brought to cells of equal meaning.
 *
 * Histograms: onto the edges that both have. Native ones leave empty buckets out and change their
 * schema, so there an edge is also known on a side that has nothing around it; and there are many, so
 * every second is dropped until few enough are left (as a lower schema would). Categories: by value; the
 * rare ones beyond DRIFT_CATEGORIES_MAX are one.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "insight/drift.h"
#include "insight/drift_judge_priv.h"

enum { NATIVE_CELLS_MAX = 40 };
#define SAME_EDGE 1e-12		/* relative: 2^(1/8) is not the same to the last bit everywhere */

/* --- native histograms ------------------------------------------------------------------------ */

static bool
is_same_edge(double a, double b)
{
	return a == b || fabs(a - b) <= SAME_EDGE * (fabs(a) + fabs(b));
}

struct walk {			/* along the edges of one side */
	const struct drift_side *s;
	size_t i;
	double below;		/* counts in cells before i */
};

/* How many are at most edge; false: it lies inside a bucket that has some. Edges must ascend. */
static bool
walk_to(struct walk *w, double edge, double *ret)
{
	const struct drift_side *s = w->s;

	while (w->i < s->n_cells &&
	    (s->edges[w->i + 1] < edge || is_same_edge(s->edges[w->i + 1], edge)))
		w->below += s->counts[w->i++];
	*ret = w->below;
	return w->i >= s->n_cells || s->edges[w->i] > edge || is_same_edge(s->edges[w->i], edge) ||
	    s->counts[w->i] == 0;
}

static int
by_edge(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* All inner edges of both, ascending, each once. */
static size_t
union_edges(const struct drift_side *a, const struct drift_side *b, double *ret)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; a->n_cells > 0 && i <= a->n_cells; i++)
		ret[n++] = a->edges[i];
	for (size_t i = 0; b->n_cells > 0 && i <= b->n_cells; i++)
		ret[n++] = b->edges[i];
	if (n > 0)
		qsort(ret, n, sizeof *ret, by_edge);
	for (size_t i = 0; i < n; i++)
		if (isfinite(ret[i]) && (kept == 0 || !is_same_edge(ret[kept - 1], ret[i])))
			ret[kept++] = ret[i];
	return kept;
}

/* Cumulative counts at the edges both sides know; returns how many edges those are. */
static size_t
known_edges(const struct drift_side *a, const struct drift_side *b, size_t n, double *edges,
    double *ret_a, double *ret_b)
{
	struct walk wa = { .s = a }, wb = { .s = b };
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		double at_a, at_b;
		bool is_a = walk_to(&wa, edges[i], &at_a), is_b = walk_to(&wb, edges[i], &at_b);

		if (!is_a || !is_b)
			continue;
		edges[kept] = edges[i];
		ret_a[kept] = at_a;
		ret_b[kept++] = at_b;
	}
	return kept;
}

static double
total(const struct drift_side *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->n_cells; i++)
		sum += s->counts[i];
	return sum;
}

/* n cumulative counts become n + 1 cells, the last of what is beyond. */
static double *
cells_of(const double *below, size_t n, double all, struct arena *mem)
{
	double *v = arena_alloc(mem, (n + 1) * sizeof *v), last = 0;

	for (size_t i = 0; i < n; i++) {
		v[i] = below[i] - last;
		last = below[i];
	}
	v[n] = all > last ? all - last : 0;
	return v;
}

static size_t
halve(double *v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 1; i < n; i += 2)
		v[kept++] = v[i];
	return kept;
}

static const char *
pairs_native(struct drift_pairs *ret, const struct drift_side *now, const struct drift_side *then,
    struct arena *mem)
{
	size_t max = now->n_cells + then->n_cells + 2, n, all;
	double *edges = arena_alloc(mem, (max + 2) * sizeof *edges) , *inner = edges + 1,
	       *a = arena_alloc(mem, max * sizeof *a), *b = arena_alloc(mem, max * sizeof *b);

	all = union_edges(then, now, inner);
	n = known_edges(then, now, all, inner, a, b);
	if (n == 0)
		return "the bounds of the two sides have nothing in common: the profile's must be "
		       "bounds of the native histogram's buckets";
	if (n < all)
		ret->note = "buckets were merged: the sides have other bounds or another schema";
	while (n + 1 > NATIVE_CELLS_MAX) {
		halve(a, n);
		halve(b, n);
		n = halve(inner, n);
	}
	edges[0] = -INFINITY;
	inner[n] = INFINITY;
	ret->n = n + 1;
	ret->edges = edges;
	ret->then = cells_of(a, n, total(then), mem);
	ret->now = cells_of(b, n, total(now), mem);
	return NULL;
}

/* --- classic ones ----------------------------------------------------------------------------- */

static const char *
pairs_classic(struct drift_pairs *ret, const struct drift_side *now, const struct drift_side *then,
    struct arena *mem)
{
	size_t n = now->n_cells < then->n_cells ? now->n_cells : then->n_cells, merged = 0;
	struct drift_hist a = { then->n_cells, then->edges, then->counts },
			  b = { now->n_cells, now->edges, now->counts };
	double *edges = arena_alloc(mem, (n + 1) * sizeof *edges),
	       *to_a = arena_alloc(mem, (n + 1) * sizeof *to_a),
	       *to_b = arena_alloc(mem, (n + 1) * sizeof *to_b);
	char text[120];

	ret->n = drift_align(&a, &b, edges, to_a, to_b, &merged);
	if (ret->n < 2)
		return "the bucket bounds of the two sides have nothing in common";
	if (merged > 0) {
		snprintf(text, sizeof text, "%zu bucket bound%s not used: only one side has %s", merged,
		    merged == 1 ? " is" : "s are", merged == 1 ? "it" : "them");
		ret->note = arena_strdup(mem, text);
	}
	ret->edges = edges;
	ret->then = to_a;
	ret->now = to_b;
	return NULL;
}

/* --- categories ------------------------------------------------------------------------------- */

struct both { const char *value; double then, now; };

/* Both are sorted. */
static size_t
merge_values(
    const struct drift_side *now, const struct drift_side *then, struct both *v, size_t *ret_new)
{
	size_t i = 0, j = 0, n = 0;

	*ret_new = 0;
	while (i < now->n_cells || j < then->n_cells) {
		int r = i == now->n_cells ? 1 :
		    j == then->n_cells	  ? -1 :
					    strcmp(now->values[i], then->values[j]);

		v[n] = (struct both){ .value = r <= 0 ? now->values[i] : then->values[j] };
		if (r <= 0)
			v[n].now = now->counts[i++];
		if (r >= 0)
			v[n].then = then->counts[j++];
		*ret_new += v[n].then == 0 && v[n].now > 0;
		n += v[n].now > 0 || v[n].then > 0;
	}
	return n;
}

static int
by_count(const void *a, const void *b)
{
	const struct both *x = a, *y = b;
	double cx = x->then + x->now, cy = y->then + y->now;

	return cx != cy ? (cx < cy) - (cx > cy) : strcmp(x->value, y->value);
}

static void
list_new(struct drift_pairs *ret, const struct both *v, size_t n, size_t n_new, struct arena *mem)
{
	size_t max = n_new < DRIFT_NEW_MAX ? n_new : DRIFT_NEW_MAX;
	const char **names = arena_alloc(mem, (max + 1) * sizeof *names);

	for (size_t i = 0; i < n && ret->n_new < max; i++)
		if (v[i].then == 0)
			names[ret->n_new++] = arena_strdup(mem, v[i].value);
	ret->new_values = names;
}

/* The rare ones become one at the end. */
static size_t
join_rare(struct both *v, size_t n)
{
	size_t last = DRIFT_CATEGORIES_MAX - 1;

	if (n <= DRIFT_CATEGORIES_MAX)
		return n;
	for (size_t i = last + 1; i < n; i++) {
		v[last].then += v[i].then;
		v[last].now += v[i].now;
	}
	v[last].value = "(others)";
	return DRIFT_CATEGORIES_MAX;
}

static const char *
pairs_categories(struct drift_pairs *ret, const struct drift_side *now,
    const struct drift_side *then, struct arena *mem)
{
	size_t n_new, all, n;
	struct both *v = arena_alloc(mem, (now->n_cells + then->n_cells + 1) * sizeof *v);
	const char **values;
	double *a, *b;

	all = merge_values(now, then, v, &n_new);
	if (all > 0)
		qsort(v, all, sizeof *v, by_count);
	if (then->n > 0)
		list_new(ret, v, all, n_new, mem);
	n = join_rare(v, all);
	if (n < all)
		ret->note = "rare values are counted as one";
	values = arena_alloc(mem, (n + 1) * sizeof *values);
	a = arena_alloc(mem, (n + 1) * sizeof *a);
	b = arena_alloc(mem, (n + 1) * sizeof *b);
	for (size_t i = 0; i < n; i++) {
		values[i] = v[i].value;
		a[i] = v[i].then;
		b[i] = v[i].now;
	}
	ret->n = n;
	ret->values = values;
	ret->then = a;
	ret->now = b;
	return NULL;
}

const char *
drift_pairs_make(struct drift_pairs *ret, const struct drift_side *now,
    const struct drift_side *then, struct arena *mem)
{
	if (now->shape != then->shape)
		return "one side has a histogram, and the other categories";
	if (now->shape == SHAPE_CATEGORIES)
		return pairs_categories(ret, now, then, mem);
	if (now->is_native || then->is_native)
		return pairs_native(ret, now, then, mem);
	return pairs_classic(ret, now, then, mem);
}
