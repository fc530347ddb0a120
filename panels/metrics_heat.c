/*
 * Native histograms: a series whose every point is a whole distribution. Time goes across, buckets go up, and the shade says how
 * much of a point's count lies there. Series are added up: what is asked for is nearly always one distribution.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "metrics.h"

enum { LABEL_W = 9, PLACES_BITS = 10, PLACES = 1 << PLACES_BITS };

struct extent {
	double lo, hi;
	bool is_log;		/* native buckets grow by a factor; those of both signs are drawn straight */
};

bool
metrics_is_histogram(const struct series_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].n_histograms > 0)
			return true;
	return false;
}

static const struct histogram *
histogram_at(const struct series *s, int64_t at_ns, int64_t step_ns)
{
	const struct histogram *found = NULL;

	for (size_t i = 0; i < s->n_histograms && s->histograms[i].t_ns <= at_ns; i++)
		found = &s->histograms[i];
	return found != NULL && at_ns - found->t_ns <= 2 * step_ns ? found : NULL;
}

const char *
metrics_heat_text(const struct view *v, const struct model_query *q, char *buf, size_t size)
{
	const struct series_set *set = q->range;
	double count = 0, sum = 0;
	char n[NUM_TEXT_MAX], mean[NUM_TEXT_MAX];
	size_t buckets = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct histogram *h = histogram_at(&set->v[i], metrics_cursor(v), set->step_ns);

		if (h == NULL)
			continue;
		count += h->count;
		sum += h->sum;
		buckets += h->n;
	}
	if (count > 0)
		snprintf(buf, size, "native histogram: %zu buckets, n=%s, mean %s", buckets, num_format(n, count, "count"),
		    num_format(mean, sum / count, metrics_unit(q)));
	else
		snprintf(buf, size, "native histogram: no data at the cursor");
	return buf;
}

/* --- scale --------------------------------------------------------------------------------------- */

/* What the scale is made of, in one pass: an answer may hold millions of buckets. */
struct bounds {
	double lo, hi;
	double smallest;	/* upper bound above 0 */
};

static void
bounds_add(struct bounds *e, const struct histogram *h)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct bucket *b = &h->v[i];

		if (b->hi > 0 && b->hi < e->smallest)
			e->smallest = b->hi;
		if (!(b->count > 0))
			continue;
		if (b->lo < e->lo && b->lo > -INFINITY)
			e->lo = b->lo;
		if (b->hi > e->hi && b->hi < INFINITY)
			e->hi = b->hi;
	}
}

static bool
extent_of(const struct series_set *set, struct extent *e)
{
	struct bounds all = { INFINITY, -INFINITY, INFINITY };

	for (size_t i = 0; i < set->n; i++)
		for (size_t j = 0; j < set->v[i].n_histograms; j++)
			bounds_add(&all, &set->v[i].histograms[j]);
	*e = (struct extent){ .lo = all.lo, .hi = all.hi, .is_log = all.lo >= 0 };
	if (!(e->lo < e->hi))
		return false;
	if (!e->is_log || e->lo > 0)
		return true;
	/* The zero bucket stands on the bottom row, below the smallest bound that has a logarithm. */
	e->lo = all.smallest / 2;
	return e->lo < e->hi;
}

/* Row of a value, 0 on top, may lie outside. */
static double
row_of(const struct extent *e, int rows, double value)
{
	double f = e->is_log ? value <= e->lo ? 0 : log(value / e->lo) / log(e->hi / e->lo) : (value - e->lo) / (e->hi - e->lo);

	return rows * (1 - f);
}

static double
value_of(const struct extent *e, int rows, double row)
{
	double f = 1 - row / rows;

	return e->is_log ? e->lo * pow(e->hi / e->lo, f) : e->lo + f * (e->hi - e->lo);
}

/* --- drawing ------------------------------------------------------------------------------------- */

/* Rows that a bucket covers. Series mostly share their buckets: each is worked out once, for logarithms are dear. */
struct place {
	double lo, hi;		/* of the bucket; both 0: none yet */
	double top, bottom;
};

struct heat {
	struct extent extent;
	int rows, width;
	int64_t start_ns, column_ns;
	int64_t reach_ns;	/* how long a point is seen: its step, so that gaps are gaps of data only */
	double *cells;		/* width columns of rows */
	struct place places[PLACES];
};

static const struct place *
place_of(struct heat *m, const struct bucket *b)
{
	const struct extent *e = &m->extent;
	uint64_t lo, hi;
	struct place *p;

	memcpy(&lo, &b->lo, sizeof lo);
	memcpy(&hi, &b->hi, sizeof hi);
	p = &m->places[((lo * 31 + hi) * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - PLACES_BITS)];
	if (p->lo == b->lo && p->hi == b->hi && p->bottom > p->top)
		return p;
	p->lo = b->lo;
	p->hi = b->hi;
	p->top = row_of(e, m->rows, isfinite(b->hi) ? b->hi : e->hi);
	p->bottom = row_of(e, m->rows, isfinite(b->lo) ? b->lo : e->lo);
	if (!(p->bottom - p->top >= 1e-9))
		p->bottom = p->top + 1e-9;
	return p;
}

/* A bucket's count over the rows it covers, by how much of it lies in each. */
static void
spread(double *cells, int rows, const struct place *p, double count)
{
	int y = p->top > 0 ? (int)fmin(p->top, rows) : 0;
	double per_row = count / (p->bottom - p->top);

	for (; y < rows && y < p->bottom; y++) {
		double from = p->top > y ? p->top : y, to = p->bottom < y + 1 ? p->bottom : y + 1;

		if (to > from)
			cells[y] += per_row * (to - from);
	}
}

/* Columns first to last end at or after t, and begin before it; none when last < first. */
static void
columns_of(const struct heat *m, int64_t t_ns, int *ret_first, int *ret_last)
{
	int64_t after = t_ns - m->start_ns, last;

	*ret_first = 0;
	*ret_last = -1;
	if (after <= -m->reach_ns || after > m->column_ns * m->width)
		return;
	if (after > 0)
		*ret_first = (int)((after + m->column_ns - 1) / m->column_ns) - 1;
	last = (after + m->reach_ns + m->column_ns - 1) / m->column_ns - 2;
	*ret_last = last < m->width ? (int)last : m->width - 1;
}

static void
heat_add(struct heat *m, const struct histogram *h)
{
	int first, last;

	columns_of(m, h->t_ns, &first, &last);
	if (last < first)
		return;
	for (size_t k = 0; k < h->n; k++) {
		const struct place *p;

		if (!(h->v[k].count > 0) || isinf(h->v[k].count))
			continue;
		p = place_of(m, &h->v[k]);
		for (int x = first; x <= last; x++)
			spread(&m->cells[(size_t)x * (size_t)m->rows], m->rows, p, h->v[k].count);
	}
}

static void
draw_column(struct canvas *c, int x, int rows, const double *cells)
{
	static const uint32_t shades[] = { ' ', 0x2591, 0x2592, 0x2593, 0x2588 };
	double most = 0;

	for (int y = 0; y < rows; y++)
		most = fmax(most, cells[y]);
	for (int y = 0; y < rows; y++) {
		int shade = most > 0 ? (int)ceil(cells[y] / most * 4) : 0;

		if (cells[y] > 0)
			canvas_char(c, x, y, ROLE_GRAPH_1, shades[shade > 4 ? 4 : shade]);
	}
}

static void
draw_axes(struct canvas *c, const struct view *v, const struct extent *e, int rows, const char *unit)
{
	char text[NUM_TEXT_MAX], at[CLOCK_TEXT_MAX];
	int width = c->w - LABEL_W - 1;

	for (int y = 0; y < rows; y += 3)
		canvas_text_right(c, LABEL_W - 1, y, ROLE_GRAPH_AXIS, num_format(text, value_of(e, rows, y), unit));
	canvas_vline(c, LABEL_W - 1, 0, rows, ROLE_GRAPH_AXIS);
	if (rows >= c->h)
		return;
	for (int x = 0; x + 6 < width; x += 16) {
		int64_t t = v->range.start_ns + (v->range.end_ns - v->range.start_ns) * x / (width > 0 ? width : 1);

		clock_format(at, t, 0);
		at[16] = '\0';
		canvas_text(c, LABEL_W + x, rows, ROLE_GRAPH_AXIS, at + 11);
	}
}

void
metrics_heat_draw(struct canvas *c, const struct view *v, const struct model_query *q)
{
	const struct series_set *set = q->range;
	struct heat m = { .rows = c->h >= 4 ? c->h - 1 : c->h, .width = c->w - LABEL_W - 1, .start_ns = v->range.start_ns };

	if (m.rows < 1 || m.width < 1 || v->range.end_ns - v->range.start_ns < m.width || !extent_of(set, &m.extent)) {
		canvas_text_w(c, 1, 0, c->w - 2, ROLE_UNKNOWN, GLYPH_UNKNOWN " every bucket is empty", false);
		return;
	}
	m.column_ns = (v->range.end_ns - v->range.start_ns) / m.width;
	m.reach_ns = set->step_ns > m.column_ns ? set->step_ns : m.column_ns;
	m.cells = xcalloc((size_t)m.rows * (size_t)m.width, sizeof *m.cells);
	for (size_t i = 0; i < set->n; i++)
		for (size_t j = 0; j < set->v[i].n_histograms; j++)
			heat_add(&m, &set->v[i].histograms[j]);
	for (int x = 0; x < m.width; x++)
		draw_column(c, LABEL_W + x, m.rows, &m.cells[(size_t)x * (size_t)m.rows]);
	free(m.cells);
	draw_axes(c, v, &m.extent, m.rows, metrics_unit(q));
}
