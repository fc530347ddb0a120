/* One query as a graph with its legend; or, in its place, why there is no graph. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "metrics.h"

enum { LEGEND_MAX = 6, LINES_MAX = 64, MARKS_MAX = 64, COMMON_MAX = 64, LEGEND_COLUMN_W = 38, GRAPH_H_MIN = 4 };

enum role
metrics_role(size_t i)
{
	return (enum role)(ROLE_GRAPH_1 + i % 6);
}

const char *
metrics_unit(const struct model_query *q)
{
	return q->def != NULL ? q->def->unit : "";
}

int64_t
metrics_cursor(const struct view *v)
{
	int64_t at = v->range.is_live ? v->now_ns : v->range.cursor_ns;

	return at < v->now_ns ? at : v->now_ns;
}

/* --- values at the cursor ---------------------------------------------------------------------- */

enum metrics_freshness
metrics_value(const struct series *s, int64_t at_ns, int64_t step_ns, struct sample *ret_sample)
{
	size_t lo = 0, hi = s->n;

	/* Live, nothing is behind the cursor: no search, which would miss the cache at each step. */
	if (hi > 0 && s->v[hi - 1].t_ns <= at_ns)
		lo = hi;
	/* The first sample behind the cursor. */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid].t_ns <= at_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return METRICS_NONE;
	*ret_sample = s->v[lo - 1];
	return at_ns - ret_sample->t_ns > 2 * step_ns ? METRICS_OLD : METRICS_FRESH;
}

/* Fresh before old, numbers before NaN, then the larger one. */
static bool
is_ahead(enum metrics_freshness f, double v, enum metrics_freshness than_f, double than_v)
{
	if (f != than_f)
		return f > than_f;
	if (isnan(v) || isnan(than_v))
		return !isnan(v) && isnan(than_v);
	return v > than_v;
}

enum metrics_freshness
metrics_largest(const struct series_set *set, int64_t at_ns, struct sample *ret_sample, double *ret_smallest, size_t *ret_i)
{
	enum metrics_freshness best = METRICS_NONE;

	*ret_smallest = INFINITY;

	for (size_t i = 0; i < set->n; i++) {
		struct sample sample;
		enum metrics_freshness f = metrics_value(&set->v[i], at_ns, set->step_ns, &sample);

		if (f == METRICS_FRESH && sample.v < *ret_smallest)
			*ret_smallest = sample.v;
		if (f == METRICS_NONE || (best != METRICS_NONE && !is_ahead(f, sample.v, best, ret_sample->v)))
			continue;
		best = f;
		*ret_sample = sample;
		*ret_i = i;
	}
	return best;
}

/* --- the legend -------------------------------------------------------------------------------- */

/* Strings of one answer are mostly shared, and its series have the same labels in the same places: then pointers tell. */
static bool
has_label(const struct labels *l, size_t place, const struct label *label)
{
	if (place < l->n && l->v[place].name == label->name && l->v[place].value == label->value)
		return true;
	return str_eq(labels_get(l, label->name), label->value);
}

static struct labels
common_labels(const struct series_set *set, struct label *v)
{
	struct labels common = { 0, v };
	const struct labels *first = &set->v[0].labels;

	for (size_t i = 0; i < first->n && common.n < COMMON_MAX; i++) {
		/* One series alone is told by its labels; the metric's name stands in the expression. */
		bool is_shared = set->n > 1 || strcmp(first->v[i].name, "__name__") == 0;

		for (size_t j = 1; j < set->n && is_shared; j++)
			is_shared = has_label(&set->v[j].labels, i, &first->v[i]);
		if (is_shared)
			v[common.n++] = first->v[i];
	}
	return common;
}

struct entry {
	size_t i;		/* series */
	int64_t window_ns;	/* 0: not one of several windows of an objective */
	struct sample sample;
	enum metrics_freshness freshness;
};

/* How long the window is over which an objective's error ratio is taken; 0: the series says nothing of it. */
static int64_t
window_of(const struct model_query *q, size_t i)
{
	const char *window = q->def != NULL && q->def->slo != NULL ? labels_get(&q->range->v[i].labels, "window") : NULL;
	int64_t ns;

	return window != NULL && duration_parse(window, &ns, NULL) == 0 ? ns : 0;
}

/* The largest first; windows by their length, so that they keep their places. */
static int
entry_compare(const struct entry *x, const struct entry *y)
{
	if (x->window_ns != y->window_ns)
		return x->window_ns < y->window_ns ? -1 : 1;
	if (is_ahead(x->freshness, x->sample.v, y->freshness, y->sample.v))
		return -1;
	if (is_ahead(y->freshness, y->sample.v, x->freshness, x->sample.v))
		return 1;
	return (x->i > y->i) - (x->i < y->i);
}

/* "over 5m, burns 18x" of a window; else the labels that tell the series from the others. */
static void
add_entry_name(struct buf *b, const struct view *v, const struct model_query *q, const struct entry *e, const struct labels *common)
{
	const struct model_slo *m = e->window_ns > 0 && v->live != NULL ? model_slo_find(v->live, q->def->slo) : NULL;
	const struct series *s = &q->range->v[e->i];
	char rate[SLO_RATE_MAX], window[DURATION_TEXT_MAX];
	const char *name;

	if (m != NULL) {
		buf_printf(b, "over %s", slo_time_text(window, e->window_ns));
		if (e->freshness == METRICS_FRESH && !isnan(e->sample.v))
			buf_printf(b, ", burns %s", slo_rate_text(rate, e->sample.v / (1 - m->def->target)));
		return;
	}
	part_labels(b, &s->labels, common, NULL);
	name = labels_get(&s->labels, "__name__");
	if (b->len == 0)
		buf_addstr(b, name != NULL ? name : "value");
}

static void
draw_entry(struct canvas *c, int x, int y, int w, const struct view *v, const struct model_query *q,
    const struct entry *e, const struct labels *common)
{
	char value[NUM_TEXT_MAX] = "no data", age[DURATION_TEXT_MAX], old[80];
	struct buf b;
	int right;

	buf_init(&b, 4096);
	add_entry_name(&b, v, q, e, common);
	if (e->freshness != METRICS_NONE)
		num_format(value, e->sample.v, metrics_unit(q));
	if (e->freshness == METRICS_OLD) {
		snprintf(old, sizeof old, "~ %s, %s old", value, duration_format(age, metrics_cursor(v) - e->sample.t_ns));
		right = canvas_text_right(c, x + w, y, ROLE_STALE, old);
	} else {
		right = canvas_text_right(c, x + w, y, e->freshness == METRICS_NONE ? ROLE_UNKNOWN : ROLE_STRONG, value);
	}
	canvas_text(c, x, y, metrics_role(e->i), "━━");
	canvas_text_w(c, x + 3, y, right - x - 4, ROLE_TEXT, b.data, false);
	buf_done(&b);
}

static int
legend_rows(const struct series_set *set, int w, int h)
{
	int columns = w / LEGEND_COLUMN_W > 1 ? w / LEGEND_COLUMN_W : 1;
	int rows = ((int)(set->n > LINES_MAX ? LINES_MAX : set->n) + columns - 1) / columns, most = h / 4;

	most = most > LEGEND_MAX ? LEGEND_MAX : most < 1 ? 1 : most;
	return rows > most ? most : rows;
}

/* The first `room` entries in order, in v; returns how many. Sorting all of thousands would be felt at each key. */
static size_t
first_entries(const struct model_query *q, int64_t at_ns, struct entry *v, size_t room)
{
	const struct series_set *set = q->range;
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++) {
		struct entry e = { .i = i, .window_ns = window_of(q, i) };
		size_t at;

		e.freshness = metrics_value(&set->v[i], at_ns, set->step_ns, &e.sample);
		if (n == room && entry_compare(&e, &v[n - 1]) > 0)
			continue;
		at = n < room ? n++ : n - 1;
		for (; at > 0 && entry_compare(&e, &v[at - 1]) < 0; at--)
			v[at] = v[at - 1];
		v[at] = e;
	}
	return n;
}

static void
draw_legend(struct canvas *c, const struct view *v, const struct model_query *q)
{
	const struct series_set *set = q->range;
	struct label shared[COMMON_MAX];
	struct labels common = common_labels(set, shared);
	int columns = c->w / LEGEND_COLUMN_W > 1 ? c->w / LEGEND_COLUMN_W : 1, w = (c->w - 2) / columns;
	size_t room = c->h > 0 ? (size_t)(columns * c->h) : 0, n;
	struct entry *entries = xcalloc(room, sizeof *entries);

	n = room > 0 ? first_entries(q, metrics_cursor(v), entries, room) : 0;
	for (size_t i = 0; i < n; i++) {
		int x = 1 + (int)(i % (size_t)columns) * w, y = (int)(i / (size_t)columns);

		if (i + 1 == room && set->n > room) {
			canvas_printf(c, x, y, ROLE_DIM, "and %zu more, smaller", set->n - i);
			break;
		}
		draw_entry(c, x, y, w - 2, v, q, &entries[i], &common);
	}
	free(entries);
}

/* --- the graph --------------------------------------------------------------------------------- */

static size_t
marks_of(const struct view *v, const struct model *m, struct graph_mark *marks)
{
	size_t n = 0;

	for (size_t i = 0; i < model_n_markers(m) && n < MARKS_MAX; i++) {
		const struct marker *k = model_marker(m, i);

		if (k->kind == MARKER_CHANGE && k->at_ns >= v->range.start_ns && k->at_ns <= v->range.end_ns)
			marks[n++] = (struct graph_mark){ .at_ns = k->at_ns, .text = *k->to != '\0' ? k->to : k->what };
	}
	return n;
}

static void
draw_lines(struct canvas *c, const struct view *v, const struct model_query *q)
{
	const struct series_set *set = q->range;
	size_t room = set->n > LINES_MAX ? LINES_MAX : set->n, n;
	struct graph_line *lines = xcalloc(room, sizeof *lines);
	struct entry *entries = xcalloc(room, sizeof *entries);
	struct graph_mark marks[MARKS_MAX];
	struct graph g = { .start_ns = v->range.start_ns, .end_ns = v->range.end_ns, .step_ns = set->step_ns,
		.unit = metrics_unit(q), .lines = lines, .marks = marks, .are_levels_beside = true };
	struct metrics_levels levels;

	metrics_levels_of(v, q, &levels);
	g.levels = levels.v;
	g.n_levels = levels.n;
	g.cursor_ns = v->range.is_live ? 0 : v->range.cursor_ns;
	/* As known now, like the curve right of the cursor: a rise whose cause is left out misleads. */
	g.n_marks = marks_of(v, v->live, marks);
	g.n_lines = n = first_entries(q, metrics_cursor(v), entries, room);
	/* Those the legend names first; where lines meet, the one drawn last is seen: the largest. */
	for (size_t i = 0; i < n; i++) {
		const struct entry *e = &entries[n - 1 - i];
		const struct series *s = &set->v[e->i];

		lines[i] = (struct graph_line){ .name = "", .role = metrics_role(e->i), .v = s->v, .n = s->n };
	}
	graph_draw(c, &g);
	free(entries);
	free(lines);
}

static void
draw_title(struct canvas *c, const struct view *v, const struct model_query *q, const char *title, bool is_selected)
{
	char right[300] = "", age[DURATION_TEXT_MAX], left_out[48] = "", drawn[40] = "";
	struct metrics_levels levels;
	int x_end;

	if (q->range != NULL && metrics_is_histogram(q->range)) {
		metrics_heat_text(v, q, right, sizeof right);
	} else if (q->range != NULL) {
		if (q->range->n_left_out > 0)
			snprintf(left_out, sizeof left_out, ", %zu left out", q->range->n_left_out);
		if (q->range->n > LINES_MAX)
			snprintf(drawn, sizeof drawn, ", largest %d drawn", LINES_MAX);
		if (q->range->n > 1 || *left_out != '\0')
			snprintf(right, sizeof right, "%zu series%s%s", q->range->n, drawn, left_out);
		metrics_levels_of(v, q, &levels);
		if (levels.n > 0)
			snprintf(right + strlen(right), sizeof right - strlen(right), "%s%s", *right != '\0' ? "   " : "", levels.texts[0]);
	}
	/* An answer is asked for once per step: older than a few of them means that none came. */
	if (q->range != NULL && v->range.is_live && v->now_ns - q->range_ns > 3 * q->range->step_ns + 10 * NS_PER_S)
		snprintf(right + strlen(right), sizeof right - strlen(right), "%s~ %s old", *right != '\0' ? "   " : "",
		    duration_format(age, v->now_ns - q->range_ns));
	x_end = *right != '\0' ? canvas_text_right(c, c->w - 1, 0, strstr(right, "~ ") != NULL ? ROLE_STALE : ROLE_DIM, right) :
	    c->w;
	canvas_text_w(c, 1, 0, x_end - 3, is_selected ? ROLE_TITLE_FOCUSED : ROLE_TITLE, title, false);
}

/* Rows used. */
static int
draw_trouble(struct canvas *c, int y, const struct view *v, const struct model_query *q)
{
	struct pen pen = { .c = c, .y = y };
	char age[DURATION_TEXT_MAX];

	if (*q->error != '\0') {
		canvas_text(c, 1, pen.y, ROLE_CRITICAL, GLYPH_FIRING);
		pen_indented(&pen, 3, 3, ROLE_CRITICAL, q->error);
		if (q->range != NULL)
			canvas_printf(c, 3, pen.y++, ROLE_STALE, "~ below: the last good answer, %s old",
			    view_age(v, q->range_ns, age));
	}
	for (size_t i = 0; q->range != NULL && i < q->range->warnings.n && i < 2; i++) {
		canvas_text(c, 1, pen.y, ROLE_WARNING, "!");
		pen_indented(&pen, 3, 2, ROLE_WARNING, q->range->warnings.v[i]);
	}
	if (q->range != NULL && q->range->infos.n > 0)
		pen_indented(&pen, 3, 1, ROLE_DIM, q->range->infos.v[0]);
	return pen.y - y;
}

static void
draw_absence(struct canvas *c, int y, const struct model_query *q)
{
	char value[NUM_TEXT_MAX];
	const struct series_set *set = q->instant;

	if (set != NULL && set->text != NULL)
		canvas_printf(c, 1, y, ROLE_TEXT, "\"%s\"", set->text);
	else if (set != NULL && set->n > 0 && set->v[0].n > 0)
		canvas_printf(c, 1, y, ROLE_TEXT, "%s now; no history has been read",
		    num_format(value, set->v[0].v[0].v, metrics_unit(q)));
	else if (q->range != NULL)
		canvas_text_w(c, 1, y, c->w - 2, ROLE_UNKNOWN, GLYPH_UNKNOWN " no data: the query matches no series in this range",
		    false);
	else if (*q->error == '\0')
		canvas_text_w(c, 1, y, c->w - 2, ROLE_UNKNOWN, GLYPH_UNKNOWN " not known: no answer yet", false);
}

void
metrics_graph_draw(struct canvas *c, const struct view *v, const struct model_query *q, const char *title, bool is_selected)
{
	struct canvas part, legend;
	int y, legend_h;

	draw_title(c, v, q, title, is_selected);
	y = 1 + draw_trouble(c, 1, v, q);
	if (q->range == NULL || q->range->n == 0) {
		draw_absence(c, y, q);
		return;
	}
	part = canvas_sub(c, 0, y, c->w, c->h - y);
	if (metrics_is_histogram(q->range)) {
		metrics_heat_draw(&part, v, q);
		return;
	}
	legend_h = legend_rows(q->range, part.w, part.h);
	if (part.h - legend_h < GRAPH_H_MIN) {
		draw_legend(&part, v, q);
		return;
	}
	legend = canvas_sub(&part, 0, part.h - legend_h, part.w, legend_h);
	part.h -= legend_h;
	draw_lines(&part, v, q);
	draw_legend(&legend, v, q);
}
