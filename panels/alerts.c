/*
 * Alerts: grouped, sorted, filtered; firing, pending, silenced and inhibited told apart; labels, annotations and age of the
 * selected one; silences made, edited and expired from here.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts.h"
#include "base/clock.h"
#include "base/str.h"
#include "parts_run.h"
#include "ui/key.h"

enum { LABELS_MAX = 1 << 13, SUMMARY_W_MIN = 12, HEADER_FROM = 6 };

static struct alerts *
state_of(const struct panel *p)
{
	return p->state;
}

/* --- arranging ------------------------------------------------------------------------------- */

static void
clamp_detail(struct alerts *s, const struct view *v)
{
	const struct model_alert *a = alerts_selected(s, v);
	struct pen_measure measure;
	int rows = 0;

	if (a != NULL && list_detail_is_scrolled(&s->ld)) {
		alerts_detail(pen_measure(&measure, s->ld.split.detail_w), v, a);
		rows = pen_measure_done(&measure);
	}
	list_detail_clamp(&s->ld, rows);
}

static void
alerts_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct alerts *s = state_of(p);
	uint64_t selected = s->ld.list.selected_id;

	if (s->is_silences) {
		alerts_silences_arrange(s, v, h);
		return;
	}
	alerts_rows_build(s, v->model);
	list_detail_split(&s->ld, w, h, s->ld.n + 1);
	list_detail_fit(&s->ld, list_detail_header(&s->ld, HEADER_FROM, s->ld.n));
	s->is_slid |= selected != 0 && s->ld.list.selected_id != selected && !s->is_rearranged;
	s->is_rearranged = false;
	clamp_detail(s, v);
}

/* --- the list -------------------------------------------------------------------------------- */

/* Labels that all alerts share say nothing about one of them. v has room for those of the first. */
static struct labels
common_labels(const struct model *m, struct label *v)
{
	const struct labels *first = model_alert(m, 0)->labels;
	struct labels common = { 0, v };
	size_t n = model_n_alerts(m);

	if (n < 2)
		return common;
	for (size_t i = 0; i < first->n; i++) {
		bool is_shared = true;

		for (size_t j = 1; j < n && is_shared; j++)
			is_shared = str_eq(labels_get(model_alert(m, j)->labels, first->v[i].name), first->v[i].value);
		if (is_shared)
			v[common.n++] = first->v[i];
	}
	return common;
}

static void
note_text(const struct view *v, const struct model_alert *a, char *buf, size_t size)
{
	char text[DURATION_TEXT_MAX];

	*buf = '\0';
	if (a->is_stale)
		snprintf(buf, size, "~ seen %s", view_age(v, a->seen_ns, text));
	else if (a->state == ALERT_SILENCED && a->silenced_until_ns != 0)
		snprintf(buf, size, "%s left", duration_format(text, a->silenced_until_ns - view_time(v)));
	else if (a->am == NULL && a->state == ALERT_FIRING && part_has_alertmanager(v->model))
		snprintf(buf, size, "not in AM");
}

enum { COL_GLYPH, COL_STATE, COL_SEVERITY, COL_NAME, COL_LABELS, COL_SINCE, COL_NOTE, COLS };

static int
name_width(const struct alerts *s, const struct model *m, int w)
{
	int widest = 12;

	for (int i = 0; i < s->ld.page && s->ld.list.top + i < s->ld.n; i++) {
		const struct model_alert *a = model_alert_find(m, s->rows[s->ld.list.top + i].id);
		int width = a != NULL ? (int)str_width(a->name) : 0;

		widest = width > widest ? width : widest;
	}
	return widest > w * 2 / 5 ? w * 2 / 5 : widest;
}

static bool
has_notes(const struct alerts *s, const struct view *v)
{
	char note[48];

	for (int i = 0; i < s->ld.page && s->ld.list.top + i < s->ld.n; i++) {
		const struct model_alert *a = model_alert_find(v->model, s->rows[s->ld.list.top + i].id);

		if (a == NULL)
			continue;
		note_text(v, a, note, sizeof note);
		if (*note != '\0')
			return true;
	}
	return false;
}

static void
columns_of(const struct alerts *s, const struct view *v, int w, struct column *cols)
{
	int name_w = name_width(s, v->model, w);

	cols[COL_GLYPH] = (struct column){ .title = "", .min = 1, .priority = 0 };
	cols[COL_STATE] = (struct column){ .title = "state", .min = 9, .priority = 2 };
	cols[COL_SEVERITY] = (struct column){ .title = "severity", .min = 8, .priority = 4 };
	cols[COL_NAME] = (struct column){ .title = "alert", .min = name_w > 8 ? name_w : 8, .priority = 0 };
	cols[COL_LABELS] = (struct column){ .title = "where", .min = 12, .weight = 1, .priority = 3 };
	cols[COL_SINCE] = (struct column){ .title = "since", .min = 6, .is_right = true, .priority = 1 };
	cols[COL_NOTE] = (struct column){ .title = "", .min = has_notes(s, v) ? 11 : 1, .priority = 2 };
	columns_fit(cols, has_notes(s, v) ? COLS : COLS - 1, w - 2);
}

/* What tells it from its neighbours, then in a lower voice what it says of itself. */
static void
draw_where(struct canvas *row, const struct view *v, const struct model_alert *a, const struct column *col,
    const struct labels *common)
{
	struct buf b;
	int x, room;

	if (col->w <= 0)
		return;
	buf_init(&b, LABELS_MAX);
	part_labels(&b, a->labels, common, part_severity_label(v));
	if (b.len == 0)
		part_labels(&b, a->labels, NULL, part_severity_label(v));
	x = canvas_text_w(row, col->x, 0, col->w, ROLE_TEXT, b.data, false);
	room = col->x + col->w - x - (b.len > 0 ? 2 : 0);
	if (room >= SUMMARY_W_MIN)
		canvas_text_w(row, col->x + col->w - room, 0, room, ROLE_DIM, part_alert_summary(a->annotations), false);
	buf_done(&b);
}

static void
draw_alert(struct canvas *c, int y, const struct view *v, const struct model_alert *a, const struct column *cols,
    const struct labels *common)
{
	struct canvas row = canvas_sub(c, 1, y, c->w - 1, 1);
	char age[DURATION_TEXT_MAX], note[48];
	bool is_muted = a->state == ALERT_SILENCED || a->state == ALERT_INHIBITED;
	enum role role;
	const char *glyph = part_row_glyph(a, &role);

	note_text(v, a, note, sizeof note);
	columns_cell(&row, 0, &cols[COL_GLYPH], role, glyph);
	columns_cell(&row, 0, &cols[COL_STATE], role, part_row_word(a));
	columns_cell(&row, 0, &cols[COL_SEVERITY], is_muted ? ROLE_DIM : part_severity_role(a->severity),
	    part_severity_word(a));
	columns_cell(&row, 0, &cols[COL_NAME], is_muted ? ROLE_TEXT : ROLE_STRONG, *a->name != '\0' ? a->name : "(no name)");
	draw_where(&row, v, a, &cols[COL_LABELS], common);
	columns_cell(&row, 0, &cols[COL_SINCE], ROLE_TEXT, view_age(v, a->since_ns, age));
	if (cols[COL_NOTE].w > 1)
		columns_cell(&row, 0, &cols[COL_NOTE], a->is_stale ? ROLE_STALE : ROLE_DIM, note);
}

static void
draw_header(struct canvas *c, int y, const struct alerts *s, const struct alerts_row *row)
{
	char counts[96];
	int x, key_w;

	part_counts_text(&row->counts, counts, sizeof counts);
	key_w = c->w - (int)str_width(counts) - 6;
	x = canvas_text(c, 1, y, ROLE_TITLE, row->is_collapsed ? "▸ " : "▾ ");
	if (*row->key == '\0')
		x = canvas_printf(c, x, y, ROLE_TITLE, "(no %s)", alerts_group_name(s->group));
	else
		x = canvas_text_w(c, x, y, key_w > c->w / 2 ? key_w : c->w / 2, ROLE_TITLE, row->key, false);
	canvas_text_w(c, x + 2, y, c->w - x - 3, ROLE_DIM, counts, false);
}

static void
draw_rows(const struct alerts *s, const struct view *v, struct canvas *c)
{
	struct label shared[64];
	struct labels common = { 0, shared };
	struct column cols[COLS] = { 0 };
	int y = 0;

	columns_of(s, v, c->w, cols);
	if (model_n_alerts(v->model) > 0 && model_alert(v->model, 0)->labels->n <= sizeof shared / sizeof shared[0])
		common = common_labels(v->model, shared);
	if (s->ld.has_header) {
		struct canvas header = canvas_sub(c, 1, 0, c->w - 1, 1);

		columns_header(&header, y++, cols, cols[COL_NOTE].w > 1 ? COLS : COLS - 1);
	}
	for (int i = 0; i < s->ld.page && s->ld.list.top + i < s->ld.n; i++, y++) {
		const struct alerts_row *row = &s->rows[s->ld.list.top + i];
		const struct model_alert *a = row->is_header ? NULL : model_alert_find(v->model, row->id);

		if (row->is_header)
			draw_header(c, y, s, row);
		else if (a != NULL)
			draw_alert(c, y, v, a, cols, &common);
		if (v->is_focused && s->ld.list.top + i == s->ld.list.selected)
			canvas_select(c, 0, y, c->w);
	}
}

/* Why there is nothing to see matters more than that. */
static void
draw_empty(const struct alerts *s, const struct view *v, struct canvas *c)
{
	if (s->n_filtered + s->n_muted > 0) {
		canvas_printf(c, 1, 0, ROLE_TEXT, "None of %zu alerts is shown: %zu do not match the filter, %zu are muted.",
		    s->n_total, s->n_filtered, s->n_muted);
		canvas_text_w(c, 1, 1, c->w - 2, ROLE_DIM, "Esc clears the filter, i shows muted ones.", false);
	} else if (v->past_from == PAST_METRICS) {
		canvas_text_w(c, 1, 0, c->w - 2, ROLE_UNKNOWN, GLYPH_UNKNOWN " the metrics tell of no alert then", false);
		canvas_text_w(c, 1, 1, c->w - 2, ROLE_DIM, "Whether they knew all there was is not recorded.", false);
	} else if (model_alerts_known(v->model)) {
		canvas_text(c, 1, 0, ROLE_OK, GLYPH_OK " No alerts.");
	} else {
		canvas_text_w(c, 1, 0, c->w - 2, ROLE_UNKNOWN, GLYPH_UNKNOWN " not known: no source has told of alerts yet", false);
		canvas_text_w(c, 1, 1, c->w - 2, ROLE_DIM, "The sources panel says why.", false);
	}
}

static void
draw_detail(const struct alerts *s, const struct view *v, struct canvas *c)
{
	struct canvas part = part_split_detail(c, &s->ld.split);
	const struct model_alert *a = alerts_selected(s, v);
	struct pen pen = { .c = &part, .y = -s->ld.detail_top };
	const struct alerts_row *row = alerts_row_selected(s);
	char counts[96];

	if (a != NULL) {
		alerts_detail(&pen, v, a);
		part_more(&part, pen.y);
	} else if (row != NULL && row->is_header) {
		pen_field(&pen, alerts_group_name(s->group), ROLE_STRONG, *row->key != '\0' ? row->key : "(none)");
		pen_field(&pen, "alerts", ROLE_TEXT, part_counts_text(&row->counts, counts, sizeof counts));
	}
}

static void
alerts_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct alerts *s = state_of(p);
	struct canvas list;

	if (part_not_recorded(c, v))
		return;
	if (s->is_silences) {
		alerts_silences_draw(s, v, c);
		return;
	}
	if (s->ld.n == 0) {
		draw_empty(s, v, c);
		return;
	}
	list = canvas_sub(c, 0, 0, s->ld.split.list_w, s->ld.split.list_h);
	if (list.h > 0)
		draw_rows(s, v, &list);
	if (s->ld.split.kind != SPLIT_NONE)
		draw_detail(s, v, c);
}

static void
alerts_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct alerts *s = state_of(p);
	char hidden[64] = "", counts[96], grouped[48] = "", beyond[LIST_DETAIL_TEXT_MAX];

	if (v->model == NULL) {
		snprintf(buf, size, "? not recorded");
		return;
	}
	if (s->is_silences) {
		snprintf(buf, size, "silences: %d", s->n_silences);
		return;
	}
	if (!model_alerts_known(v->model)) {
		snprintf(buf, size, "? not known");
		return;
	}
	if (s->n_filtered + s->n_muted > 0)
		snprintf(hidden, sizeof hidden, "%zu not shown  ", s->n_filtered + s->n_muted);
	if (s->group != GROUP_NONE)
		snprintf(grouped, sizeof grouped, "  by %s", alerts_group_name(s->group));
	list_detail_beyond(&s->ld, s->group != GROUP_NONE, beyond);
	snprintf(buf, size, "%s%s%s%s%s%s%s", beyond, hidden, v->past_from == PAST_METRICS ? "from the metrics  " : "",
	    part_counts_text(&s->counts, counts, sizeof counts), grouped,
	    s->sort != SORT_WORST ? "  " : "", s->sort != SORT_WORST ? alerts_sort_name(s->sort) : "");
}

static void
alerts_filter(struct panel *p, const char *text)
{
	struct alerts *s = state_of(p);

	list_detail_filter(p, text);
	s->is_rearranged = true;
	s->is_silences = false;
}

static void
alerts_show(struct panel *p, const struct view *v, const char *arg)
{
	struct alerts *s = state_of(p);
	char *end;
	uint64_t id = strtoull(arg, &end, 16);

	s->is_silences = false;
	if (strcmp(arg, "silences") == 0) {
		s->is_silences = true;
		return;
	}
	if (*end != '\0' || v->model == NULL || model_alert_find(v->model, id) == NULL)
		return;
	/* It is asked for by name: nothing may hide it. */
	s->is_muted_hidden = false;
	s->n_collapsed = 0;
	s->is_rearranged = true;
	s->is_slid = false;
	list_detail_show(&s->ld, id);
}

static void
alerts_close(struct panel *p)
{
	struct alerts *s = state_of(p);

	alerts_rows_done(s);
	list_detail_done(&s->ld);
	free(s->silence_ids);
}

/* --- commands -------------------------------------------------------------------------------- */

static struct op *
alerts_move(struct panel *p, const struct view *v, int by)
{
	struct alerts *s = state_of(p);

	(void)v;
	if (s->is_silences) {
		list_move(&s->silences, s->silence_ids, s->n_silences, by);
		return NULL;
	}
	list_detail_move(&s->ld, by);
	s->is_slid = false;
	return NULL;
}

static int
alerts_open(struct panel *p, const struct view *v, const struct op *op)
{
	(void)v;
	(void)op;
	state_of(p)->ld.move = alerts_move;
	return 0;
}

/* Only for what was selected on the screen: said once when it is gone, and done when asked again. */
static struct op *
ack(struct alerts *s, const struct view *v)
{
	const struct alerts_row *row = alerts_row_selected(s);
	bool is_gone = row != NULL && !row->is_header && alerts_selected(s, v) == NULL;

	if (s->is_silences)
		return op_text(OP_MESSAGE, "ack works on alerts: S goes back to them");
	if (!s->is_slid && !is_gone)
		return alerts_act_ack(s, v);
	s->is_slid = false;
	s->is_rearranged |= is_gone;
	return op_text(OP_MESSAGE, "the alert that was selected is gone; select one");
}

#define COMMAND(name, ...)								\
	static struct op *								\
	alerts_##name(struct panel *p, const struct view *v, const char *arg)		\
	{										\
		struct alerts *s = state_of(p);						\
											\
		(void)s;								\
		(void)v;								\
		(void)arg;								\
		__VA_ARGS__								\
	}

COMMAND(ack, return ack(s, v);)
COMMAND(silence, return alerts_act_silence(s, v);)
COMMAND(expire, return alerts_act_expire(s, v);)
COMMAND(budget, return s->is_silences ? op_text(OP_MESSAGE, "b works on alerts: S goes back to them") : alerts_act_budget(s, v);)
COMMAND(edit, return alerts_act_edit(s, v);)
COMMAND(silences, s->is_silences = !s->is_silences; return NULL;)
COMMAND(muted, s->is_muted_hidden = !s->is_muted_hidden; s->is_rearranged = true; return NULL;)
COMMAND(sort, s->sort = (s->sort + 1) % SORTS; return NULL;)
COMMAND(group, s->group = (s->group + 1) % GROUPS; s->n_collapsed = 0; s->is_rearranged = true; return NULL;)

static struct op *
alerts_open_row(struct panel *p, const struct view *v, const char *arg)
{
	struct alerts *s = state_of(p);
	const struct alerts_row *row = alerts_row_selected(s);

	(void)v;
	(void)arg;
	if (s->is_silences)
		return NULL;
	if (row != NULL && row->is_header)
		alerts_row_toggle(s, row->id);
	else
		list_detail_toggle(&s->ld);
	return NULL;
}

static struct op *
alerts_fold_all(struct panel *p, const struct view *v, const char *arg)
{
	struct alerts *s = state_of(p);
	bool is_any_open = false;

	(void)v;
	(void)arg;
	for (int i = 0; i < s->ld.n; i++)
		is_any_open |= s->rows[i].is_header && !s->rows[i].is_collapsed;
	s->n_collapsed = 0;
	s->is_rearranged = true;
	for (int i = 0; is_any_open && i < s->ld.n; i++)
		if (s->rows[i].is_header)
			alerts_row_toggle(s, s->rows[i].id);
	return s->group == GROUP_NONE ? op_text(OP_MESSAGE, "nothing is grouped: g groups the alerts") : NULL;
}

static struct op *
alerts_runbooks(struct panel *p, const struct view *v, const char *arg)
{
	const struct model_alert *a = alerts_selected(state_of(p), v);

	(void)arg;
	if (a == NULL || state_of(p)->is_silences)
		return op_text(OP_MESSAGE, "no alert is selected");
	return part_runbooks_op(v->model, a->name);
}

static struct op *
alerts_lines(struct panel *p, const struct view *v, const char *arg)
{
	const struct model_alert *a = alerts_selected(state_of(p), v);

	(void)arg;
	if (a == NULL || state_of(p)->is_silences)
		return op_text(OP_MESSAGE, "no alert is selected");
	return op_text(OP_LOG_ALERT, "%016llx", (unsigned long long)a->id);
}

static const struct command alerts_commands[] = {
	{ "details", "Enter", CMD_HINT, alerts_open_row, "show all of the alert, or fold a group" },
	{ "ack", "a", CMD_WRITES | CMD_HINT, alerts_ack, "acknowledge: a short silence with the comment ACK" },
	{ "silence", "s", CMD_WRITES | CMD_HINT, alerts_silence, "silence the alert or group: opens a form" },
	{ "silences", "S", CMD_HINT, alerts_silences, "list the silences, or go back to the alerts" },
	{ "group", "g", CMD_HINT, alerts_group, "group by name, service, severity, notification, or not at all" },
	{ "sort", "o", CMD_HINT, alerts_sort, "sort by worst, newest or name" },
	{ "muted", "i", 0, alerts_muted, "hide or show silenced and inhibited alerts" },
	{ "expire", "x", CMD_WRITES, alerts_expire, "end the silence selected, or the one that hides the alert" },
	{ "edit", "e", CMD_WRITES, alerts_edit, "change that silence" },
	{ "budget", "b", 0, alerts_budget, "go to the error budget that the alert tells of" },
	{ "runbooks", "R", CMD_HINT, alerts_runbooks, "what may be run for the alert" },
	{ "lines", "l", 0, alerts_lines, "the lines of logs that the alert is about, at its time" },
	{ "fold", "f", 0, alerts_fold_all, "fold or open all groups" },
	LIST_DETAIL_COMMANDS,
	{ 0 }
};

/* Esc closes what was opened last, before it means anything else. */
static bool
alerts_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct alerts *s = state_of(p);

	if (key != KEY_ESC || !s->is_silences)
		return list_detail_key(p, v, key, ret_op);
	s->is_silences = false;
	return true;
}

const struct panel_ops panel_alerts = {
	.name = "alerts",
	.title = "Alerts",
	.help = "Every alert with its state; filter with / (words, !word, label=value); silences are made and ended here.",
	.flags = PANEL_FROM_METRICS,
	.state_size = sizeof(struct alerts),
	.watches = MODEL_ALERTS | MODEL_SOURCES | MODEL_ENVIRONMENT | MODEL_PROBLEMS | MODEL_SLOS,
	.commands = alerts_commands,
	.open = alerts_open,
	.show = alerts_show,
	.arrange = alerts_arrange,
	.draw = alerts_draw,
	.key = alerts_key,
	.filter = alerts_filter,
	.summary = alerts_summary,
	.close = alerts_close,
};
