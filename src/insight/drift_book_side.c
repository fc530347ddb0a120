/*
 * Answers become sides.
 *
 * Classic histograms are cumulative by le, and summed over hosts: where hosts have other bounds, the sum
 * at a bound that not all have is no cumulative count at all. How many series have each bound is asked
 * beside, and only those that all have are used. increase() extrapolates, so that counts are no whole
 * numbers and a bound may count a hair less than the one below it.
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jread.h"
#include "base/xalloc.h"
#include "insight/drift_book_priv.h"

#define GAUGE_DOF 4.0		/* how well the noise of a gauge's mean is known at best */
#define GAUGE_ALIKE_MAX 0.8	/* correlation of neighbouring parts; more cannot be told from ten */
#define LESS_BY 1e-3		/* of all: a bound that counts less than one below it by no more is rounding */

static double
value_of(const struct series *s)
{
	return s->n > 0 ? s->v[s->n - 1].v : NAN;
}

/* --- which bounds all series have ------------------------------------------------------------- */

static bool
bound_of(const struct series *s, double *ret)
{
	const char *le = labels_get(&s->labels, "le");

	return le != NULL && jread_double(le, strlen(le), ret) == 0 && !isnan(*ret);
}

static bool
is_partial(const struct partial *p, double le)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i] == le)
			return true;
	return false;
}

static void
take_layout(struct partial *p, const struct want *w)
{
	double most = 0, le;

	p->n = 0;
	for (size_t i = 0; i < w->n; i++)
		most = fmax(most, value_of(w->v[i]));
	p->v = xreallocarray(p->v, w->n + 1, sizeof *p->v);
	for (size_t i = 0; i < w->n; i++)
		if (value_of(w->v[i]) < most && bound_of(w->v[i], &le))
			p->v[p->n++] = le;
}

/* --- classic histograms ----------------------------------------------------------------------- */

struct bound { double le, count; };

static int
by_le(const void *a, const void *b)
{
	const struct bound *x = a, *y = b;

	return (x->le > y->le) - (x->le < y->le);
}

/* Those that can be used, ascending. */
static size_t
read_bounds(const struct partial *partial, const struct want *w, struct bound *v, size_t *ret_dropped)
{
	size_t n = 0;

	*ret_dropped = 0;
	for (size_t i = 0; i < w->n; i++) {
		double le, count = value_of(w->v[i]);

		if (!bound_of(w->v[i], &le) || !isfinite(count))
			continue;
		if (isfinite(le) && is_partial(partial, le))
			++*ret_dropped;
		else
			v[n++] = (struct bound){ le, count < 0 ? 0 : count };
	}
	if (n > 0)
		qsort(v, n, sizeof *v, by_le);
	return n;
}

/* Counts never fall; returns how many bounds are left. */
static size_t
straighten(struct bound *v, size_t n, size_t *dropped)
{
	double all = n > 0 ? v[n - 1].count : 0;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && v[i].count < v[kept - 1].count) {
			if (v[kept - 1].count - v[i].count > LESS_BY * all && isfinite(v[i].le)) {
				++*dropped;
				continue;
			}
			v[i].count = v[kept - 1].count;
		}
		v[kept++] = v[i];
	}
	return kept;
}

static void
note_dropped(struct drift_side *s, size_t dropped, struct arena *mem)
{
	char text[120];

	if (dropped == 0)
		return;
	snprintf(text, sizeof text, "%zu bucket bound%s not used: not all series have %s", dropped,
	    dropped == 1 ? " is" : "s are", dropped == 1 ? "it" : "them");
	drift_side_note(s, arena_strdup(mem, text));
}

static const char *
side_classic(struct drift_side *ret, const struct partial *partial, const struct want *w,
    struct arena *mem)
{
	struct bound *v = arena_alloc(mem, (w->n + 1) * sizeof *v);
	size_t dropped, n = read_bounds(partial, w, v, &dropped), cells = 0;
	double *edges, *counts, last = 0;

	n = straighten(v, n, &dropped);
	if (n == 0 || isfinite(v[n - 1].le))
		return "there is no bucket le=\"+Inf\": this is no histogram, or its buckets are "
		       "dropped when it is scraped";
	edges = arena_alloc(mem, (n + 1) * sizeof *edges);
	counts = arena_alloc(mem, n * sizeof *counts);
	edges[0] = -INFINITY;
	for (size_t i = 0; i < n; i++) {
		if (v[i].le == edges[cells])
			continue;
		edges[cells + 1] = v[i].le;
		counts[cells++] = v[i].count - last;
		last = v[i].count;
	}
	ret->shape = SHAPE_CELLS;
	ret->n_cells = cells;
	ret->edges = edges;
	ret->counts = counts;
	ret->n = ret->n_effective = last;
	note_dropped(ret, dropped, mem);
	return NULL;
}

/* --- native histograms ------------------------------------------------------------------------ */

static int
by_lo(const void *a, const void *b)
{
	const struct bucket *x = a, *y = b;

	return x->lo != y->lo ? (x->lo > y->lo) - (x->lo < y->lo) : (x->hi > y->hi) - (x->hi < y->hi);
}

/* Ascending, with what lies between two buckets as an empty cell; the zero bucket is one as others. */
static void
native_cells(struct drift_side *ret, struct bucket *v, size_t n, struct arena *mem)
{
	double *edges = arena_alloc(mem, (2 * n + 1) * sizeof *edges),
	       *counts = arena_alloc(mem, (2 * n + 1) * sizeof *counts);
	size_t cells = 0;

	for (size_t i = 0; i < n; i++) {
		if (cells == 0)
			edges[0] = v[i].lo;
		else if (v[i].lo > edges[cells])
			edges[++cells] = v[i].lo;
		/* One that begins inside the last (a zero bucket that grew) is taken with it. */
		if (!(v[i].hi > edges[cells])) {
			if (cells > 0)
				counts[cells - 1] += v[i].count;
			continue;
		}
		counts[cells] = v[i].count;
		edges[++cells] = v[i].hi;
	}
	ret->n_cells = cells;
	ret->edges = edges;
	ret->counts = counts;
}

static const char *
side_native(struct drift_side *ret, const struct want *w, struct arena *mem)
{
	const struct histogram *h;
	struct bucket *v;
	size_t n = 0;

	if (w->v[0]->n_histograms == 0)
		return "the answer is no native histogram: is it scraped as one, and does the server "
		       "keep native histograms? A classic one is written histogram:";
	h = &w->v[0]->histograms[w->v[0]->n_histograms - 1];
	v = arena_alloc(mem, (h->n + 1) * sizeof *v);
	for (size_t i = 0; i < h->n; i++) {
		if (!isfinite(h->v[i].count) || h->v[i].count <= 0 || !(h->v[i].hi >= h->v[i].lo))
			continue;
		v[n] = h->v[i];
		/* A zero bucket without width. */
		if (v[n].hi == v[n].lo)
			v[n].lo = nextafter(v[n].lo, -INFINITY);
		n++;
	}
	if (n > 0)
		qsort(v, n, sizeof *v, by_lo);
	native_cells(ret, v, n, mem);
	ret->shape = SHAPE_CELLS;
	ret->is_native = true;
	for (size_t i = 0; i < ret->n_cells; i++)
		ret->n += ret->counts[i];
	ret->n_effective = ret->n;
	return NULL;
}

/* --- categories ------------------------------------------------------------------------------- */

struct counted { const char *value; double count; };

static int
by_value(const void *a, const void *b)
{
	return strcmp(((const struct counted *)a)->value, ((const struct counted *)b)->value);
}

static const char *
side_categories(
    struct drift_side *ret, const struct item *item, const struct want *w, struct arena *mem)
{
	struct counted *v = arena_alloc(mem, (w->n + 1) * sizeof *v);
	const char **values = arena_alloc(mem, (w->n + 1) * sizeof *values);
	double *counts = arena_alloc(mem, (w->n + 1) * sizeof *counts);
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		const char *value = labels_get(&w->v[i]->labels, item->def->label);
		double count = value_of(w->v[i]);

		if (isfinite(count) && count >= 0)
			v[n++] = (struct counted){ value == NULL ? "" : value, count };
	}
	if (n > 0)
		qsort(v, n, sizeof *v, by_value);
	for (size_t i = 0; i < n; i++) {
		values[i] = arena_strdup(mem, v[i].value);
		counts[i] = v[i].count;
		ret->n += v[i].count;
	}
	ret->shape = SHAPE_CATEGORIES;
	ret->n_cells = n;
	ret->values = values;
	ret->counts = counts;
	ret->n_effective = ret->n;
	return NULL;
}

/* --- gauges ----------------------------------------------------------------------------------- */

static double
single(const struct want *w)
{
	return w == NULL || w->n == 0 ? NAN : value_of(w->v[0]);
}

/*
 * The variance of the mean is that of the means of parts by their number, if parts are independent. Where
 * the means of twice as long ones vary by more than half as much, neighbours correlate: by r, and the
 * variance of the mean is (1 + r) / (1 - r) as much, as of a first-order autoregression. Known from ten
 * numbers, and from fewer still where these are alike: so few degrees of freedom.
 * tests/unit/test_drift_alarms.c holds it against gauges that move slowly.
 */
static void
take_worth(struct drift_side *ret, double variance, double parts, double pairs, struct arena *mem)
{
	enum { HALF = GAUGE_PARTS / 2 };
	double of_parts = parts * GAUGE_PARTS / (GAUGE_PARTS - 1), of_pairs = pairs * HALF / (HALF - 1),
	       r = parts > 0 ? fmin(fmax(2 * of_pairs / of_parts - 1, 0), GAUGE_ALIKE_MAX) : 0,
	       worth = variance / (of_parts / GAUGE_PARTS * (1 + r) / (1 - r));
	char text[120];

	if (!(worth < ret->n)) {
		ret->dof = GAUGE_DOF;
		return;
	}
	ret->n_effective = worth;
	ret->dof = fmin(fmax(worth / 2, 1), GAUGE_DOF);
	snprintf(text, sizeof text,
	    "neighbouring samples are alike: noise is reckoned with %.3g independent ones", worth);
	drift_side_note(ret, arena_strdup(mem, text));
}

static const char *
side_gauge(struct drift_side *ret, const struct got *got, enum which which, struct arena *mem)
{
	struct want *const *w = got->w[which];
	double variance = single(w[WHAT_VARIANCE]);

	ret->shape = SHAPE_SUMMARY;
	ret->n = ret->n_effective = single(w[WHAT_N]);
	ret->mean = single(w[WHAT_MEAN]);
	ret->stddev = sqrt(variance);
	ret->q50 = single(w[WHAT_Q50]);
	ret->q95 = single(w[WHAT_Q95]);
	if (!(ret->n > 0) || !isfinite(ret->mean) || !isfinite(variance) || variance < 0)
		return "the samples have no mean: some are NaN or infinite";
	take_worth(ret, variance, single(w[WHAT_PARTS]), single(w[WHAT_PAIRS]), mem);
	return NULL;
}

/* --- any -------------------------------------------------------------------------------------- */

static const char *
first_error(const struct got *got, enum which which)
{
	for (int what = 0; what < WHATS; what++) {
		const struct want *w = got->w[which][what];

		if (w != NULL && w->error != NULL && what != WHAT_MISSING && what != WHAT_LAYOUT &&
		    what != WHAT_SEEN && what != WHAT_PARTS && what != WHAT_PAIRS)
			return w->error;
	}
	return NULL;
}

static void
take_missing(struct drift_side *ret, const struct want *w, struct arena *mem)
{
	char text[256];

	if (w == NULL)
		return;
	if (w->error != NULL) {
		snprintf(text, sizeof text, "the share of missing values is not known: %s", w->error);
		drift_side_note(ret, arena_strdup(mem, text));
	} else if (w->n > 1) {
		drift_side_note(ret,
		    "the share of missing values is not known: its expression has more than one "
		    "series, put sum() or max() around it");
	} else if (w->n == 1 && value_of(w->v[0]) >= 0 && value_of(w->v[0]) <= 1) {
		ret->missing = value_of(w->v[0]);
	} else if (w->n == 1) {
		drift_side_note(ret,
		    "the share of missing values is not known: its expression is not between 0 and 1");
	}
}

const char *
side_make(struct drift_side *ret, struct item *item, const struct got *got, enum which which,
    struct arena *mem)
{
	const struct want *cells = got->w[which][WHAT_CELLS], *layout = got->w[which][WHAT_LAYOUT];
	const char *error = first_error(got, which);

	drift_side_init(ret);
	if (error != NULL)
		return error;
	take_missing(ret, got->w[which][WHAT_MISSING], mem);
	if (item->def->data == DRIFT_GAUGE)
		return isnan(single(got->w[which][WHAT_N])) ? NULL :
							      side_gauge(ret, got, which, mem);
	if (cells == NULL || cells->n == 0)
		return NULL;
	if (layout != NULL && layout->error == NULL && layout->n > 0)
		take_layout(&item->partial[which], layout);
	switch (item->def->data) {
	case DRIFT_NATIVE:
		return side_native(ret, cells, mem);
	case DRIFT_CATEGORIES:
		return side_categories(ret, item, cells, mem);
	default:
		return side_classic(ret, &item->partial[which], cells, mem);
	}
}
