/* How many lines there are over the shared range, by level: errors at the foot of each column, warnings above them, then the rest; with what changed and what fired. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "logs.h"
#include "ui/graph_scale.h"

enum { LABEL_W = 7, EIGHTHS = 8 };

struct bar {
	uint32_t errors, warnings, all;
};

static struct bar
bar_of(const struct log_bucket *b)
{
	struct bar bar = { 0 };

	for (int level = 0; level < LOG_LEVELS; level++) {
		bar.all += b->n[level];
		bar.warnings += level == LOG_LEVEL_WARNING ? b->n[level] : 0;
		bar.errors += level >= LOG_LEVEL_ERROR ? b->n[level] : 0;
	}
	return bar;
}

static int64_t
span_of(const struct view *v)
{
	return v->range.end_ns - v->range.start_ns;
}

/* Buckets of a column; where one bucket is wider than a column, all its columns show it. */
static void
buckets_of(const struct log_view *view, const struct view *v, int x, int w, size_t *ret_from, size_t *ret_to)
{
	double per_column = (double)span_of(v) / w, start = (double)(v->range.start_ns - view->start_ns);
	double from = (start + per_column * x) / (double)view->step_ns, to = (start + per_column * (x + 1)) / (double)view->step_ns;

	*ret_from = from > 0 ? (size_t)from : 0;
	*ret_to = to > 0 ? (size_t)to : 0;
	*ret_to = *ret_to <= *ret_from ? *ret_from + 1 : *ret_to;
}

/* The highest of its buckets, so that a peak is not lost between others; its errors and warnings are the most of any. */
static struct bar
column_of(const struct log_view *view, const struct view *v, int x, int w)
{
	struct bar most = { 0 };
	size_t from, to;

	buckets_of(view, v, x, w, &from, &to);
	for (size_t i = from; i < to && i < view->n_buckets; i++) {
		struct bar bar = bar_of(&view->buckets[i]);

		most.all = bar.all > most.all ? bar.all : most.all;
		most.errors = bar.errors > most.errors ? bar.errors : most.errors;
		most.warnings = bar.warnings > most.warnings ? bar.warnings : most.warnings;
	}
	return most;
}

/* Eighths of a cell; what there is at all is seen. */
static int
eighths(uint32_t n, uint32_t most, int h)
{
	int e = most > 0 ? (int)((double)n / most * h * EIGHTHS + 0.5) : 0;

	return n > 0 && e == 0 ? 1 : e;
}

static void
draw_bar(struct canvas *c, int x, int h, const struct bar *bar, uint32_t most)
{
	int errors = eighths(bar->errors, most, h), warnings = errors + eighths(bar->warnings, most, h), all = eighths(bar->all, most, h);

	warnings = bar->warnings > 0 ? warnings : errors;
	all = all < warnings ? warnings : all;
	for (int y = 0; y < h; y++) {
		int foot = (h - 1 - y) * EIGHTHS, fill = all - foot;
		enum role role = foot < errors ? ROLE_CRITICAL : foot < warnings ? ROLE_WARNING : ROLE_GRAPH_1;

		if (fill > 0)
			canvas_char(c, x, y, role, 0x2580u + (uint32_t)(fill < EIGHTHS ? fill : EIGHTHS));
	}
}

/* --- around it ------------------------------------------------------------------------------- */

static int
column_at(const struct view *v, int w, int64_t t_ns)
{
	if (t_ns < v->range.start_ns || t_ns >= v->range.end_ns || span_of(v) <= 0)
		return -1;
	return (int)((double)(t_ns - v->range.start_ns) / (double)span_of(v) * w);
}

static void
draw_times(struct canvas *c, const struct view *v, int x0, int w, int y)
{
	int64_t step = time_step(span_of(v), w);
	char text[SCALE_LABEL_MAX];

	for (int64_t t = time_tick(v->range.start_ns, step); t < v->range.end_ns; t += step) {
		int x = column_at(v, w, t);

		time_label(t, span_of(v), step, text);
		if (x >= 0 && x + (int)strlen(text) <= w)
			canvas_text(c, x0 + x, y, ROLE_GRAPH_AXIS, text);
	}
}

/* What changed, and since when an alert fires, above the bars. */
static void
draw_marks(struct canvas *c, const struct view *v, int x0, int w)
{
	for (size_t i = 0; v->live != NULL && i < model_n_alerts(v->live); i++) {
		const struct model_alert *a = model_alert(v->live, i);
		int x = column_at(v, w, a->since_ns);
		enum role role;
		const char *glyph = part_row_glyph(a, &role);

		if (x >= 0 && (a->state == ALERT_FIRING || a->state == ALERT_UNPROCESSED))
			canvas_text(c, x0 + x, 0, role, glyph);
	}
	for (size_t i = 0; v->live != NULL && i < model_n_markers(v->live); i++) {
		int x = column_at(v, w, model_marker(v->live, i)->at_ns);

		if (x >= 0 && model_marker(v->live, i)->kind != MARKER_ALERT)
			canvas_text(c, x0 + x, 0, ROLE_GRAPH_MARKER, GLYPH_CHANGED);
	}
}

static void
draw_labels(struct canvas *c, const struct log_view *view, uint32_t most, int h)
{
	char text[NUM_TEXT_MAX], step[DURATION_TEXT_MAX], per[DURATION_TEXT_MAX + 8];

	canvas_text_right(c, LABEL_W - 1, 0, ROLE_GRAPH_AXIS, num_format(text, most, "count"));
	if (h < 2)
		return;
	snprintf(per, sizeof per, "in %s", duration_format(step, view->step_ns));
	canvas_text_right(c, LABEL_W - 1, 1, ROLE_GRAPH_AXIS, per);
}

static void
draw_picked(const struct logs_panel *s, const struct view *v, const struct log_view *view, struct canvas *c, int x0, int w, int y)
{
	int x = column_at(v, w, s->picked_ns);
	char at[CLOCK_TEXT_MAX], text[160];
	struct bar bar = { 0 };
	size_t i;

	if (!s->is_picking || x < 0)
		return;
	i = (size_t)((s->picked_ns - view->start_ns) / view->step_ns);
	if (i < view->n_buckets)
		bar = bar_of(&view->buckets[i]);
	for (int row = 0; row < c->h; row++)
		canvas_select(c, x0 + x, row, 1);
	canvas_fill(c, 0, y, c->w, 1, ROLE_TEXT);
	snprintf(text, sizeof text, "%s  %u lines, %u warnings, %u errors   Enter goes there, Esc leaves", clock_format(at, s->picked_ns, 0),
	    bar.all, bar.warnings, bar.errors);
	canvas_text_w(c, 1, y, c->w - 2, ROLE_STRONG, text, false);
}

void
logs_histogram_draw(const struct logs_panel *s, const struct view *v, struct canvas *c)
{
	const struct log_view *view = logs_view(v);
	int w = c->w - LABEL_W, h = c->h - 1;
	uint32_t most = 0;

	if (view == NULL || w < 8 || h < 1 || span_of(v) <= 0)
		return;
	for (int x = 0; x < w; x++) {
		struct bar bar = column_of(view, v, x, w);

		most = bar.all > most ? bar.all : most;
	}
	for (int x = 0; x < w; x++) {
		struct bar bar = column_of(view, v, x, w);

		draw_bar(c, LABEL_W + x, h, &bar, most);
	}
	draw_labels(c, view, most, h);
	draw_times(c, v, LABEL_W, w, h);
	draw_marks(c, v, LABEL_W, w);
	draw_picked(s, v, view, c, LABEL_W, w, h);
}

/* --- picking ----------------------------------------------------------------------------------- */

void
logs_histogram_pick(struct logs_panel *s, const struct view *v, int by)
{
	const struct log_view *view = logs_view(v);
	int64_t first, last;

	if (view == NULL || view->n_buckets == 0)
		return;
	first = view->start_ns;
	last = first + (int64_t)(view->n_buckets - 1) * view->step_ns;
	s->picked_ns += by * view->step_ns;
	s->picked_ns = s->picked_ns < first ? first : s->picked_ns > last ? last : s->picked_ns;
	s->picked_ns = first + (s->picked_ns - first) / view->step_ns * view->step_ns;
}

int64_t
logs_histogram_end(const struct logs_panel *s, const struct view *v)
{
	const struct log_view *view = logs_view(v);

	return s->picked_ns + (view != NULL ? view->step_ns : 0);
}
