/*
 * Metrics: named and typed-in PromQL. A list with the value at the cursor, and graphs of the one selected and, where there is
 * room, of those behind it.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "metrics.h"
#include "ui/key.h"

enum { SIDE_FROM = 100, LIST_W = 46, LIST_ROWS_MAX = 6, GRAPH_H = 12, GRAPHS_FROM = 8,
	RANGE_FROM = 46, RANGE_W = 13 };

struct metrics {
	struct list list;
	uint64_t *ids;
	size_t *index;			/* of the row's query in the model */
	int n;
	int list_w, list_h;		/* 0: not shown */
	int graph_x, graph_y;
	bool is_zoomed;
	bool is_editing;
	struct editor editor;
};

static struct metrics *
state_of(const struct panel *p)
{
	return p->state;
}

/* Ranges carry their own history: they are worth seeing even where nothing else was recorded. Of such a time there may be a model that knows
 * of alerts and nothing else. */
static const struct model *
model_of(const struct view *v)
{
	return v->model != NULL && v->past_from != PAST_METRICS ? v->model : v->live;
}

static uint64_t
query_id(const char *id)
{
	uint64_t h = str_hash(id, strlen(id), STR_HASH_SEED);

	return h != 0 ? h : 1;
}

/* What was typed has its text for a title. */
static const char *
title_of(const struct model_query *q)
{
	if (q->def != NULL && *q->def->title != '\0')
		return q->def->title;
	return q->def != NULL && *q->def->name != '\0' ? q->def->name : q->id;
}

/* The query of a row; NULL when there is none. */
static const struct model_query *
query_at(const struct metrics *s, const struct view *v, int row)
{
	const struct model *m = model_of(v);

	if (m == NULL || row < 0 || row >= s->n || s->index[row] >= model_n_queries(m))
		return NULL;
	return model_query(m, s->index[row]);
}

/* --- arranging ------------------------------------------------------------------------------- */

static void
place(struct metrics *s, int w, int h)
{
	int want = s->n < LIST_ROWS_MAX ? s->n : LIST_ROWS_MAX;

	s->list_w = s->list_h = s->graph_x = s->graph_y = 0;
	if (s->is_zoomed || h < 3)
		return;
	if (w >= SIDE_FROM) {
		s->list_w = LIST_W;
		s->list_h = h;
		s->graph_x = LIST_W + 1;
		return;
	}
	s->list_w = w;
	/* Without room for a graph the values are the better answer. */
	s->list_h = h < GRAPHS_FROM ? h : want < h / 3 ? want : h / 3;
	s->graph_y = s->list_h;
}

/* What other panels ask for themselves is not for graphs. */
static bool
is_listed(const char *id)
{
	static const char *const others[] = { "marker:", "host:", "online:", "serving:" };

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (str_has_prefix(id, others[i]))
			return false;
	return true;
}

static void
metrics_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct metrics *s = state_of(p);
	const struct model *m = model_of(v);
	size_t n = m != NULL ? model_n_queries(m) : 0;

	free(s->ids);
	free(s->index);
	s->ids = xcalloc(n, sizeof *s->ids);
	s->index = xcalloc(n, sizeof *s->index);
	s->n = 0;
	for (size_t i = 0; i < n; i++) {
		const char *id = model_query(m, i)->id;

		if (!is_listed(id))
			continue;
		s->ids[s->n] = query_id(id);
		s->index[s->n++] = i;
	}
	place(s, w, h - s->is_editing);
	list_arrange(&s->list, s->ids, s->n, s->list_h > 0 ? s->list_h : 1);
}

/* --- drawing --------------------------------------------------------------------------------- */

static void
row_value(const struct view *v, const struct model_query *q, bool is_wide, char *buf, size_t size, enum role *ret_role, size_t *ret_i)
{
	enum metrics_freshness f;
	struct sample sample = { 0 };
	char value[NUM_TEXT_MAX], low[NUM_TEXT_MAX];
	double smallest;

	*ret_role = ROLE_UNKNOWN;
	*ret_i = 0;
	snprintf(buf, size, "?");
	if (q->range == NULL || q->range->n == 0)
		return;
	f = metrics_largest(q->range, metrics_cursor(v), &sample, &smallest, ret_i);
	if (f == METRICS_NONE)
		return;
	num_format(value, sample.v, metrics_unit(q));
	*ret_role = f == METRICS_OLD ? ROLE_STALE : ROLE_STRONG;
	num_format(low, smallest, metrics_unit(q));
	/* Of several series both ends: which of them is the bad one is not ours to know. */
	if (is_wide && f == METRICS_FRESH && smallest < sample.v && strcmp(low, value) != 0 &&
	    str_width(low) + str_width(value) < RANGE_W)
		snprintf(buf, size, "%s–%s", low, value);
	else
		snprintf(buf, size, "%s%s", f == METRICS_OLD ? "~ " : "", value);
}

/* The name may go up to where the value begins: rows with a short one show more of their name. */
static void
draw_row(struct canvas *c, int y, const struct view *v, const struct model_query *q)
{
	bool is_wide = c->w >= RANGE_FROM;
	int spark_w = c->w >= 60 ? c->w / 3 : 0, value_end = c->w - spark_w - 1, x;
	char value[2 * NUM_TEXT_MAX + 8], many[24] = "";
	enum role role;
	size_t largest;

	row_value(v, q, is_wide, value, sizeof value, &role, &largest);
	if (*q->error != '\0')
		canvas_text(c, 1, y, ROLE_CRITICAL, GLYPH_FIRING);
	if (q->range != NULL && q->range->n > 1)
		snprintf(many, sizeof many, " ×%zu", q->range->n);
	x = canvas_text_right(c, value_end, y, role, value);
	x = canvas_text_w(c, 3, y, x - 5 - (int)str_width(many), ROLE_TEXT, title_of(q), false);
	canvas_text(c, x, y, ROLE_DIM, many);
	if (spark_w > 0 && q->range != NULL && q->range->n > 0)
		sparkline_draw(c, value_end + 2, y, spark_w - 2, metrics_role(largest), q->range->v[largest].v,
		    q->range->v[largest].n, v->range.start_ns, v->range.end_ns);
}

static void
draw_list(const struct metrics *s, const struct view *v, struct canvas *c)
{
	for (int i = 0; i < c->h && s->list.top + i < s->n; i++) {
		const struct model_query *q = query_at(s, v, s->list.top + i);

		if (q == NULL)
			continue;
		draw_row(c, i, v, q);
		if (v->is_focused && s->list.top + i == s->list.selected)
			canvas_select(c, 0, i, c->w);
	}
}

static void
draw_graphs(const struct metrics *s, const struct view *v, struct canvas *c)
{
	int count = s->is_zoomed ? 1 : c->h / GRAPH_H, first;

	count = count < 1 ? 1 : count > s->n ? s->n : count;
	first = s->list.selected + count > s->n ? s->n - count : s->list.selected;
	for (int i = 0; i < count; i++) {
		int y = c->h * i / count, next = c->h * (i + 1) / count;
		struct canvas part = canvas_sub(c, 0, y, c->w, next - y - (i + 1 < count && c->h / count > GRAPH_H));
		const struct model_query *q = query_at(s, v, first + i);

		if (q != NULL)
			metrics_graph_draw(&part, v, q, title_of(q), first + i == s->list.selected);
	}
}

static void
draw_editor(const struct metrics *s, struct canvas *c)
{
	int x = canvas_text(c, 1, c->h - 1, ROLE_KEY, "PromQL ");

	editor_draw(c, x, c->h - 1, c->w - x - 1, &s->editor, true);
}

static void
metrics_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct metrics *s = state_of(p);
	struct canvas area = canvas_sub(c, 0, 0, c->w, c->h - s->is_editing), list, graphs;

	if (s->is_editing)
		draw_editor(s, c);
	if (s->n == 0) {
		canvas_text_w(&area, 1, 0, area.w - 2, ROLE_TEXT, "No queries are configured (queries: in opsconsole.yaml).", false);
		canvas_text_w(&area, 1, 1, area.w - 2, ROLE_DIM, "e asks one: any PromQL.", false);
		return;
	}
	list = canvas_sub(&area, 0, 0, s->list_w, s->list_h);
	graphs = canvas_sub(&area, s->graph_x, s->graph_y, area.w - s->graph_x, area.h - s->graph_y);
	if (s->list_h > 0)
		draw_list(s, v, &list);
	if (s->graph_x > 0)
		canvas_vline(&area, s->graph_x - 1, 0, area.h, ROLE_BORDER);
	if (graphs.h > 0)
		draw_graphs(s, v, &graphs);
}

static void
metrics_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct metrics *s = state_of(p);
	char span[DURATION_TEXT_MAX], at[CLOCK_TEXT_MAX];

	duration_format(span, v->range.end_ns - v->range.start_ns);
	if (v->range.is_live)
		snprintf(buf, size, "%s%s", span, s->is_zoomed ? "  one graph" : "");
	else
		snprintf(buf, size, "%s  at %s", span, clock_format(at, v->range.cursor_ns, 0));
}

static void
metrics_show(struct panel *p, const struct view *v, const char *arg)
{
	(void)v;
	state_of(p)->list.selected_id = query_id(arg);
}

static void
metrics_close(struct panel *p)
{
	struct metrics *s = state_of(p);

	free(s->ids);
	free(s->index);
}

/* --- typing PromQL --------------------------------------------------------------------------- */

static bool
metrics_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct metrics *s = state_of(p);

	(void)v;
	if (!s->is_editing && s->is_zoomed && key == KEY_ESC) {
		s->is_zoomed = false;
		return true;
	}
	if (!s->is_editing)
		return false;
	if (s->editor.is_pasting || (key != KEY_ENTER_ && key != KEY_ESC && key != (KEY_CTRL | 'c'))) {
		editor_key(&s->editor, key);
		return true;
	}
	s->is_editing = false;
	if (key == KEY_ENTER_ && strspn(s->editor.text, " ") < s->editor.len)
		*ret_op = op_text(OP_QUERY, "%s", s->editor.text);
	return true;
}

static struct op *
metrics_edit(struct panel *p, const struct view *v, const char *arg)
{
	struct metrics *s = state_of(p);
	const struct model_query *q = query_at(s, v, s->list.selected);

	(void)arg;
	editor_set(&s->editor, q != NULL && q->def != NULL ? q->def->expr : "");
	s->is_editing = true;
	return NULL;
}

static struct op *
metrics_new(struct panel *p, const struct view *v, const char *arg)
{
	struct metrics *s = state_of(p);

	(void)v;
	(void)arg;
	editor_set(&s->editor, "");
	s->is_editing = true;
	return NULL;
}

/* --- commands -------------------------------------------------------------------------------- */

static struct op *
move(struct panel *p, int by)
{
	struct metrics *s = state_of(p);

	list_move(&s->list, s->ids, s->n, by);
	return NULL;
}

static struct op *
metrics_next(struct panel *p, const struct view *v, const char *arg)
{
	(void)v;
	(void)arg;
	return move(p, 1);
}

static struct op *
metrics_previous(struct panel *p, const struct view *v, const char *arg)
{
	(void)v;
	(void)arg;
	return move(p, -1);
}

static struct op *
metrics_first(struct panel *p, const struct view *v, const char *arg)
{
	(void)v;
	(void)arg;
	return move(p, INT_MIN);
}

static struct op *
metrics_last(struct panel *p, const struct view *v, const char *arg)
{
	(void)v;
	(void)arg;
	return move(p, INT_MAX);
}

static struct op *
metrics_zoom(struct panel *p, const struct view *v, const char *arg)
{
	struct metrics *s = state_of(p);

	(void)v;
	(void)arg;
	s->is_zoomed = !s->is_zoomed;
	return NULL;
}

static struct op *
metrics_budget(struct panel *p, const struct view *v, const char *arg)
{
	const struct metrics *s = state_of(p);
	const struct model_query *q = query_at(s, v, s->list.selected);
	struct op *op;

	(void)arg;
	if (q == NULL || q->def == NULL || q->def->slo == NULL)
		return op_text(OP_MESSAGE, "this query belongs to no objective");
	op = op_text(OP_PANEL, "slo");
	op->arg = xstrdup(q->def->slo);
	return op;
}

static const struct command metrics_commands[] = {
	{ "next", "n", CMD_HINT, metrics_next, "select the next query" },
	{ "previous", "p", CMD_HINT, metrics_previous, "select the query before" },
	{ "one-graph", "Enter", CMD_HINT, metrics_zoom, "only the graph of the selected query, or the list again" },
	{ "edit", "e", CMD_HINT, metrics_edit, "ask a query like the selected one" },
	{ "ask", "E", 0, metrics_new, "ask a new query" },
	{ "budget", "b", 0, metrics_budget, "go to the error budget that the query belongs to" },
	{ "budget-back", "g", CMD_HIDDEN, metrics_budget, "go to the error budget that the query belongs to" },
	{ "next-row", "j", CMD_HIDDEN, metrics_next, "select the next query" },
	{ "previous-row", "k", CMD_HIDDEN, metrics_previous, "select the query before" },
	{ "next-arrow", "Down", CMD_HIDDEN, metrics_next, "select the next query" },
	{ "previous-arrow", "Up", CMD_HIDDEN, metrics_previous, "select the query before" },
	{ "first", "Home", 0, metrics_first, "select the first query" },
	{ "last", "End", 0, metrics_last, "select the last query" },
	{ 0 }
};

const struct panel_ops panel_metrics = {
	.name = "metrics",
	.title = "Metrics",
	.help = "Named queries and any PromQL as graphs over the shared time range; the values are those at the cursor.",
	.flags = PANEL_FROM_METRICS,
	.state_size = sizeof(struct metrics),
	.watches = MODEL_SERIES | MODEL_MARKERS | MODEL_ENVIRONMENT | MODEL_SLOS,
	.commands = metrics_commands,
	.show = metrics_show,
	.arrange = metrics_arrange,
	.draw = metrics_draw,
	.key = metrics_key,
	.summary = metrics_summary,
	.close = metrics_close,
};
