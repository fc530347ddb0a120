/*
 * Timeline: one axis for all that happened: alerts, objectives, drift, models, changes, runs, acts, messages, notes, sources.
 *
 * The newest stands on top. Who is called at night asks first what happened last, and in a low panel that is what stays in sight; a
 * cause then stands below its effect, and the lanes on wide screens lead down to it. One key turns it round, for reading it as a story.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "timeline.h"

static struct timeline_panel *
state_of(const struct panel *p)
{
	return p->state;
}

static const struct timeline_entry *
selected(const struct timeline_panel *s, const struct view *v)
{
	bool is_hindsight;
	const struct model *m = timeline_model(v, &is_hindsight);

	if (list_detail_selected(&s->ld) < 0 || s->rows[s->ld.list.selected].kind != TIMELINE_ROW_ENTRY)
		return NULL;
	return timeline_entry_of(s, m, s->rows[s->ld.list.selected].item);
}

/* --- arranging ----------------------------------------------------------------------------------- */

/* Rows above the list: where the time cursor stands, and where this is not what was known then. Of a replay its bar says where it stands: the
 * panel is what the panel was. */
static int
head_rows(const struct view *v)
{
	bool is_hindsight;

	timeline_model(v, &is_hindsight);
	return !v->range.is_live + is_hindsight;
}

static void
arrange_list(struct timeline_panel *s, const struct view *v)
{
	timeline_rows_build(s, v);
	/* The newest is the one to see, until somebody looks at another. */
	if (!s->ld.has_moved && s->ld.n > 0) {
		int newest = s->is_oldest_first ? s->ld.n - 1 : 0;

		while (!s->is_oldest_first && newest + 1 < s->ld.n && s->rows[newest].kind != TIMELINE_ROW_ENTRY)
			newest++;
		s->ld.list.selected_id = s->ld.ids[newest];
		s->ld.list.top = s->is_oldest_first ? s->ld.list.top : 0;
	}
	list_arrange(&s->ld.list, s->ld.ids, s->ld.n, s->ld.page);
}

/* Scrolled no further than there is something. */
static void
arrange_detail(struct timeline_panel *s, const struct view *v)
{
	struct pen_measure measure;
	int rows = 0;

	if (list_detail_is_scrolled(&s->ld)) {
		timeline_detail_draw(pen_measure(&measure, s->ld.split.detail_w), s, v, s->ld.list.selected);
		rows = pen_measure_done(&measure);
	}
	list_detail_clamp(&s->ld, rows);
}

/* Back at the newest row it is the newest from here on, whichever that becomes. */
static struct op *
timeline_move(struct panel *p, const struct view *v, int by)
{
	struct timeline_panel *s = state_of(p);

	(void)v;
	list_detail_move(&s->ld, by);
	s->ld.has_moved = by != (s->is_oldest_first ? INT_MAX : INT_MIN);
	return NULL;
}

/* A key may come before the first frame. */
static int
timeline_open(struct panel *p, const struct view *v, const struct op *op)
{
	struct timeline_panel *s = state_of(p);

	(void)op;
	s->ld.page = 1;
	s->ld.move = timeline_move;
	arrange_list(s, v);
	return 0;
}

static void
timeline_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct timeline_panel *s = state_of(p);
	int head = head_rows(v), wanted;

	arrange_list(s, v);
	wanted = s->ld.n + 1 < LIST_HEADER_FROM ? LIST_HEADER_FROM : s->ld.n + 1;
	list_detail_split(&s->ld, w, h - head, wanted);
	list_detail_fit(&s->ld, list_detail_header(&s->ld, LIST_HEADER_FROM, s->ld.n));
	arrange_detail(s, v);
}

/* --- drawing --------------------------------------------------------------------------------------- */

/* Nothing that comes after the time shown is listed; that there is something is no secret. */
static int
draw_head(const struct timeline_panel *s, const struct view *v, struct canvas *c)
{
	char at[CLOCK_TEXT_MAX], later[64] = "";
	bool is_hindsight;
	int y = 0;

	timeline_model(v, &is_hindsight);
	if (!v->range.is_live) {
		clock_format(at, view_time(v), 0);
		if (s->n_later > 0)
			snprintf(later, sizeof later, "   %zu later, ] goes on to the next", s->n_later);
		canvas_fill(c, 0, y, c->w, 1, ROLE_STATUS_PAST);
		canvas_printf(c, 1, y++, ROLE_STATUS_PAST, "▸ %s  time cursor%s", at + 11, later);
	}
	if (is_hindsight)
		canvas_text_w(c, 1, y++, c->w - 2, ROLE_UNKNOWN, v->past_from == PAST_METRICS ?
		    "? not recorded then: what is known now, alerts as the metrics have them" :
		    "? not recorded then: this is what is known now of the time before", false);
	return y;
}

static void
draw_empty(const struct timeline_panel *s, const struct view *v, struct canvas *c)
{
	struct pen pen = { .c = c };

	if (*s->ld.refusal != '\0') {
		pen_text(&pen, ROLE_WARNING, s->ld.refusal);
		pen_text(&pen, ROLE_DIM, "Esc clears the filter.");
	} else if (s->n_items > 0) {
		pen_printf(&pen, ROLE_TEXT, "None of %d %s.", s->n_items, s->hidden != 0 ? "is shown: x shows all kinds, Esc clears the filter" :
		    "matches the filter");
		if (s->hidden == 0)
			pen_text(&pen, ROLE_DIM, "Esc clears it.");
	} else if (v->replay != NULL && part_not_recorded(c, v)) {
		return;
	} else if (!v->range.is_live || v->replay != NULL) {
		pen_text(&pen, ROLE_TEXT, "Nothing is known of the time before the cursor.");
	} else {
		pen_text(&pen, ROLE_TEXT, "Nothing has happened since this console began to look.");
		pen_text(&pen, ROLE_DIM, "Alerts, budgets, drift, changed versions, runs, silences and notes (C) are listed here as they come.");
	}
}

static void
draw_detail(const struct timeline_panel *s, const struct view *v, struct canvas *c)
{
	struct canvas part = part_split_detail(c, &s->ld.split);
	struct pen pen = { .c = &part, .y = -s->ld.detail_top };

	timeline_detail_draw(&pen, s, v, s->ld.list.selected);
	part_more(&part, pen.y);
}

static void
timeline_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct timeline_panel *s = state_of(p);
	int head = draw_head(s, v, c);
	struct canvas below = canvas_sub(c, 0, head, c->w, c->h - head), list;

	if (s->ld.n == 0) {
		draw_empty(s, v, &below);
		return;
	}
	list = canvas_sub(&below, 0, 0, s->ld.split.list_w, s->ld.split.list_h);
	if (list.h > 0)
		timeline_rows_draw(s, v, &list);
	if (s->ld.split.kind != SPLIT_NONE)
		draw_detail(s, v, &below);
}

/* "3 open, 120 in all, hidden: sources". */
static void
timeline_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct timeline_panel *s = state_of(p);
	bool is_hindsight;
	const struct model *m = timeline_model(v, &is_hindsight);
	size_t left_out = m != NULL ? model_timeline_left_out(m) : 0, used;
	char beyond[LIST_DETAIL_TEXT_MAX];
	int shown = 0;

	for (int i = 0; i < s->ld.n; i++)
		shown += s->rows[i].kind == TIMELINE_ROW_ENTRY;
	list_detail_beyond(&s->ld, false, beyond);
	used = (size_t)snprintf(buf, size, "%s%d open, %d of %d", beyond, s->n_open, shown, s->n_items);
	if (left_out > 0 && used < size)
		used += (size_t)snprintf(buf + used, size - used, "  %zu older left out", left_out);
	for (int g = 0, n = 0; g < PART_TIMELINE_GROUPS && used < size; g++)
		if (s->hidden & 1u << g)
			used += (size_t)snprintf(buf + used, size - used, "%s%s", n++ == 0 ? "  hidden: " : ", ",
			    part_timeline_group_name((enum part_timeline_group)g));
	if (s->is_oldest_first && used < size)
		snprintf(buf + used, size - used, "  oldest first");
}

/* An id such as "run:20300101-0229", of which the newest line is selected. */
static void
timeline_show(struct panel *p, const struct view *v, const char *arg)
{
	struct timeline_panel *s = state_of(p);
	bool is_hindsight;
	const struct model *m = timeline_model(v, &is_hindsight);

	list_detail_filter(p, NULL);
	s->hidden = 0;
	timeline_rows_build(s, v);
	for (int i = s->n_items - 1; i >= 0; i--) {
		const struct timeline_entry *e = timeline_entry_of(s, m, i);

		if (e == NULL || strcmp(e->id, arg) != 0)
			continue;
		list_detail_show(&s->ld, s->items[i].hash);
		return;
	}
}

static void
timeline_close(struct panel *p)
{
	struct timeline_panel *s = state_of(p);

	timeline_rows_done(s);
	list_detail_done(&s->ld);
}

/* --- commands ---------------------------------------------------------------------------------------- */

static struct op *
toggle_group(struct timeline_panel *s, enum part_timeline_group group)
{
	s->hidden ^= 1u << group;
	return NULL;
}

static struct op *
jump_to(int64_t at_ns)
{
	struct op *op = op_new(OP_TIME_JUMP);

	op->number = at_ns;
	return op;
}

/* To when it was known: a moment before, the panels did not show it yet, and neither would this list. What was found afterwards was
 * never known then. */
static int64_t
moment_of(const struct timeline_entry *e)
{
	return e->is_backfilled || e->known_ns < e->at_ns ? e->at_ns : e->known_ns;
}

static struct op *
jump(const struct timeline_panel *s, const struct view *v)
{
	const struct timeline_entry *e = selected(s, v);

	if (e != NULL)
		return jump_to(moment_of(e));
	if (list_detail_selected(&s->ld) >= 0)
		return jump_to(s->rows[s->ld.list.selected].to_ns);
	return op_text(OP_MESSAGE, "nothing is selected");
}

/* To the next thing after the time shown, or the one before; behind the last is now. */
static struct op *
step(const struct view *v, int by)
{
	const struct model *m = v->live != NULL ? v->live : v->model;
	int64_t best = by > 0 ? INT64_MAX : INT64_MIN;
	struct op *op;

	if (v->replay != NULL) {
		op = op_new(OP_REPLAY_MARK);
		op->number = by;
		return op;
	}
	for (size_t i = 0; m != NULL && i < model_n_timeline(m); i++) {
		int64_t at = moment_of(model_timeline(m, i));

		if (by > 0 ? at > view_time(v) && at < best : at < view_time(v) && at > best)
			best = at;
	}
	if (best == INT64_MAX)
		return v->range.is_live ? op_text(OP_MESSAGE, "nothing comes after now") : op_new(OP_TIME_LIVE);
	return best == INT64_MIN ? op_text(OP_MESSAGE, "nothing is known before") : jump_to(best);
}

/* The panel that shows such a thing, and the thing: ids are "run:20300101-0229". */
static struct op *
go(const struct timeline_panel *s, const struct view *v)
{
	static const struct {
		enum timeline_kind kind;
		const char *panel;
		bool is_whole;	/* the panel knows it by the whole id, with its prefix */
	} homes[] = { { TIMELINE_ALERT, "alerts", false }, { TIMELINE_SLO, "slo", true }, { TIMELINE_DRIFT, "drift", true },
		{ TIMELINE_MODEL, "models", true }, { TIMELINE_RUN, "run", false }, { TIMELINE_SOURCE, "sources", false },
		{ TIMELINE_CHANGE, "metrics", false } };
	const struct timeline_entry *e = selected(s, v);
	const char *colon = e != NULL ? strchr(e->id, ':') : NULL;

	for (size_t i = 0; e != NULL && i < sizeof homes / sizeof homes[0]; i++) {
		struct op *op;

		if (homes[i].kind != e->kind)
			continue;
		op = op_text(OP_PANEL, "%s", homes[i].panel);
		if (homes[i].is_whole)
			op->arg = xstrdup(e->id);
		else if (colon != NULL && e->kind != TIMELINE_CHANGE)
			op->arg = xstrdup(colon + 1);
		return op;
	}
	return op_text(OP_MESSAGE, e != NULL ? "all there is of it stands here: v shows it" : "nothing is selected");
}

static struct op *
record(const struct timeline_panel *s, const struct view *v)
{
	const struct timeline_entry *e = selected(s, v);
	struct op *op;

	if (e == NULL || e->seq == 0)
		return op_text(OP_MESSAGE, e != NULL ? "no record of the audit log is known for it" : "nothing is selected");
	op = op_text(OP_PANEL, "audit");
	op->arg = xasprintf("%llu", (unsigned long long)e->seq);
	return op;
}

#define COMMAND(name, ...)								\
	static struct op *								\
	timeline_##name(struct panel *p, const struct view *v, const char *arg)		\
	{										\
		struct timeline_panel *s = state_of(p);					\
											\
		(void)s;								\
		(void)v;								\
		(void)arg;								\
		__VA_ARGS__								\
	}

COMMAND(jump, return jump(s, v);)
COMMAND(go, return go(s, v);)
COMMAND(record, return record(s, v);)
COMMAND(later, return step(v, 1);)
COMMAND(earlier, return step(v, -1);)
COMMAND(wrong, return toggle_group(s, PART_TIMELINE_WRONG);)
COMMAND(changed, return toggle_group(s, PART_TIMELINE_CHANGED);)
COMMAND(done, return toggle_group(s, PART_TIMELINE_DONE);)
COMMAND(written, return toggle_group(s, PART_TIMELINE_WRITTEN);)
COMMAND(sources, return toggle_group(s, PART_TIMELINE_SOURCES);)
COMMAND(all, s->hidden = 0; return NULL;)
COMMAND(order, s->is_oldest_first = !s->is_oldest_first; return NULL;)

static const struct command timeline_commands[] = {
	{ "jump", "Enter", CMD_HINT, timeline_jump, "time cursor to when this was known" },
	{ "details", "v", CMD_HINT, list_detail_details, "show all of it, and what lasted meanwhile" },
	{ "go", "f", CMD_HINT, timeline_go, "go to it: the alert, objective, model, run or source" },
	{ "record", "r", CMD_HINT, timeline_record, "go to its record in the audit log" },
	{ "later", "]", 0, timeline_later, "time cursor to the next thing that happened" },
	{ "earlier", "[", 0, timeline_earlier, "time cursor to the thing before" },
	{ "wrong", "a", 0, timeline_wrong, "hide what is wrong (alerts, objectives, drift, models), or show it" },
	{ "changed", "c", 0, timeline_changed, "hide changes of versions, or show them" },
	{ "done", "d", 0, timeline_done, "hide runs, acts and messages, or show them" },
	{ "written", "w", 0, timeline_written, "hide notes and incidents, or show them" },
	{ "sources", "s", 0, timeline_sources, "hide sources that went away or came back, or show them" },
	{ "all", "x", 0, timeline_all, "show all kinds" },
	{ "order", "o", 0, timeline_order, "newest first, or oldest first" },
	LIST_DETAIL_COMMANDS,
	{ 0 }
};

const struct panel_ops panel_timeline = {
	.name = "timeline",
	.title = "Timeline",
	.help = "All that happened on one axis, newest first; filter with / (words, kind:alert,run sev:page state:open by:NAME, and, or, "
	    "not, parentheses).",
	.flags = PANEL_FROM_METRICS,
	.state_size = sizeof(struct timeline_panel),
	.watches = MODEL_TIMELINE | MODEL_INCIDENT | MODEL_ENVIRONMENT,
	.commands = timeline_commands,
	.open = timeline_open,
	.show = timeline_show,
	.arrange = timeline_arrange,
	.draw = timeline_draw,
	.key = list_detail_key,
	.filter = list_detail_filter,
	.summary = timeline_summary,
	.close = timeline_close,
};
