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

enum { LABEL_W = 9 };

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

static void
extent_add(struct extent *e, const struct histogram *h)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->v[i].count <= 0)
			continue;
		if (isfinite(h->v[i].lo))
			e->lo = fmin(e->lo, h->v[i].lo);
		if (isfinite(h->v[i].hi))
			e->hi = fmax(e->hi, h->v[i].hi);
	}
}

static bool
extent_of(const struct series_set *set, struct extent *e)
{
	double smallest = INFINITY;

	*e = (struct extent){ .lo = INFINITY, .hi = -INFINITY };
	for (size_t i = 0; i < set->n; i++)
		for (size_t j = 0; j < set->v[i].n_histograms; j++)
			extent_add(e, &set->v[i].histograms[j]);
	if (!(e->lo < e->hi))
		return false;
	e->is_log = e->lo >= 0;
	if (!e->is_log || e->lo > 0)
		return true;
	/* The zero bucket stands on the bottom row, below the smallest bound that has a logarithm. */
	for (size_t i = 0; i < set->n; i++)
		for (size_t j = 0; j < set->v[i].n_histograms; j++)
			for (size_t k = 0; k < set->v[i].histograms[j].n; k++)
				if (set->v[i].histograms[j].v[k].hi > 0)
					smallest = fmin(smallest, set->v[i].histograms[j].v[k].hi);
	e->lo = smallest / 2;
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

/* A bucket's count over the rows it covers, by how much of it lies in each. */
static void
spread(double *cells, const struct extent *e, int rows, const struct bucket *b)
{
	double top = row_of(e, rows, isfinite(b->hi) ? b->hi : e->hi), bottom = row_of(e, rows, isfinite(b->lo) ? b->lo : e->lo);

	if (bottom - top < 1e-9)
		bottom = top + 1e-9;
	for (int y = 0; y < rows; y++) {
		double from = fmax(top, y), to = fmin(bottom, y + 1);

		if (to > from)
			cells[y] += b->count * (to - from) / (bottom - top);
	}
}

static void
column_add(double *cells, const struct extent *e, int rows, const struct series *s, int64_t from_ns, int64_t to_ns)
{
	for (size_t i = 0; i < s->n_histograms; i++) {
		const struct histogram *h = &s->histograms[i];

		if (h->t_ns <= from_ns || h->t_ns > to_ns)
			continue;
		for (size_t k = 0; k < h->n; k++)
			spread(cells, e, rows, &h->v[k]);
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
	int rows = c->h >= 4 ? c->h - 1 : c->h, width = c->w - LABEL_W - 1;
	int64_t span = v->range.end_ns - v->range.start_ns;
	struct extent e;
	double *cells;

	if (rows < 1 || width < 1 || !extent_of(set, &e)) {
		canvas_text_w(c, 1, 0, c->w - 2, ROLE_UNKNOWN, GLYPH_UNKNOWN " every bucket is empty", false);
		return;
	}
	cells = xcalloc((size_t)rows, sizeof *cells);
	for (int x = 0; x < width; x++) {
		int64_t from = v->range.start_ns + span / width * x, to = v->range.start_ns + span / width * (x + 1);

		/* Fewer points than columns: each fills its step, so that gaps are gaps of data only. */
		if (set->step_ns > span / width)
			from = to - set->step_ns;
		memset(cells, 0, (size_t)rows * sizeof *cells);
		for (size_t i = 0; i < set->n; i++)
			column_add(cells, &e, rows, &set->v[i], from, to);
		draw_column(c, LABEL_W + x, rows, cells);
	}
	free(cells);
	draw_axes(c, v, &e, rows, metrics_unit(q));
}
