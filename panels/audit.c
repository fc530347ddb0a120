/*
 * Audit: the log of what was done, how its chain stands, what vouches for it, and its records, newest first.
 *
 * The log may hold millions of records; a window of them is here. Moving out of it, and the filter, ask the app for another one.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "base/clock.h"
#include "base/xalloc.h"

static struct op *audit_move(struct panel *p, const struct view *v, int by);

static struct audit_panel *
state_of(const struct panel *p)
{
	return p->state;
}

const struct audit_view *
audit_panel_view(const struct view *v)
{
	const struct audit_view *live = v->audit != NULL ? v->audit : v->live != NULL ? model_audit_view(v->live) : NULL;

	return live != NULL || v->model == NULL ? live : model_audit_view(v->model);
}

const struct audit_row *
audit_panel_row(const struct audit_view *a, int i)
{
	return i >= 0 && (size_t)i < a->n ? &a->rows[a->n - 1 - (size_t)i] : NULL;
}

static const struct audit_row *
selected(const struct audit_panel *s, const struct view *v)
{
	const struct audit_view *a = audit_panel_view(v);

	/* By its number, which stays: a window that came since may begin elsewhere. */
	for (int i = 0; a != NULL && s->ld.n > 0 && i < (int)a->n; i++)
		if (audit_panel_row(a, i)->seq == s->ld.list.selected_id)
			return audit_panel_row(a, i);
	return NULL;
}

/* --- asking -------------------------------------------------------------------------------------- */

static void
ask(struct audit_panel *s, int64_t first)
{
	s->is_asking = true;
	s->ask_first = first;
}

/* So that it has as much on both sides. */
static void
ask_around(struct audit_panel *s, int64_t place)
{
	ask(s, place > AUDIT_VIEW_ROWS / 2 ? place - AUDIT_VIEW_ROWS / 2 : 0);
}

static struct op *
asked(struct audit_panel *s)
{
	struct op *op;

	if (!s->is_asking)
		return NULL;
	s->is_asking = false;
	op = op_text(OP_AUDIT_WINDOW, "%s", s->ld.filter != NULL ? s->ld.filter : "");
	op->number = s->ask_first;
	return op;
}

/* --- arranging ----------------------------------------------------------------------------------- */

static int64_t
place_of(const struct audit_view *a, int row)
{
	return (int64_t)a->first + (int64_t)a->n - 1 - row;
}

static bool
is_inside(const struct audit_view *a, int64_t place)
{
	return place >= (int64_t)a->first && place < (int64_t)(a->first + a->n);
}

static void
rows_build(struct audit_panel *s, const struct audit_view *a)
{
	list_detail_clear(&s->ld);
	s->ld.n = a != NULL ? (int)a->n : 0;
	s->ld.ids = xcalloc((size_t)s->ld.n + 1, sizeof *s->ld.ids);
	for (int i = 0; i < s->ld.n; i++)
		s->ld.ids[i] = audit_panel_row(a, i)->seq;
}

/* What was wanted may have come. */
static void
select_wanted(struct audit_panel *s, const struct audit_view *a)
{
	if (s->wanted >= (int64_t)a->n_matching)
		s->wanted = (int64_t)a->n_matching - 1;
	if (s->wanted >= 0 && is_inside(a, s->wanted)) {
		s->ld.list.selected_id = s->ld.ids[place_of(a, 0) - s->wanted];
		s->wanted = -1;
	}
	for (int i = 0; i < s->ld.n && s->wanted_seq != 0; i++) {
		if (s->ld.ids[i] == s->wanted_seq) {
			s->ld.list.selected_id = s->wanted_seq;
			s->wanted_seq = 0;
		}
	}
}

static void
arrange_list(struct audit_panel *s, const struct audit_view *a)
{
	rows_build(s, a);
	if (a != NULL)
		select_wanted(s, a);
	list_detail_stay_first(&s->ld);
	list_arrange(&s->ld.list, s->ld.ids, s->ld.n, s->ld.page);
}

static void
arrange_detail(struct audit_panel *s, const struct view *v)
{
	const struct audit_row *row = selected(s, v);
	struct pen_measure measure;
	int rows = 0;

	if (list_detail_is_scrolled(&s->ld) && row != NULL) {
		audit_detail_draw(pen_measure(&measure, s->ld.split.detail_w), v, row);
		rows = pen_measure_done(&measure);
	}
	list_detail_clamp(&s->ld, rows);
}

static int
audit_open_panel(struct panel *p, const struct view *v, const struct op *op)
{
	struct audit_panel *s = state_of(p);

	(void)op;
	s->ld.page = 1;
	s->ld.move = audit_move;
	s->wanted = -1;
	arrange_list(s, audit_panel_view(v));
	if (audit_panel_view(v) == NULL)
		ask(s, -1);
	return 0;
}

static void
audit_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct audit_panel *s = state_of(p);
	const struct audit_view *a = audit_panel_view(v);
	int wanted;

	arrange_list(s, a);
	s->head_h = a != NULL ? audit_head_rows(v, a, w, h) : 0;
	wanted = s->ld.n + 1 < LIST_HEADER_FROM ? LIST_HEADER_FROM : s->ld.n + 1;
	list_detail_split(&s->ld, w, h - s->head_h - 1, wanted);
	list_detail_fit(&s->ld, list_detail_header(&s->ld, LIST_HEADER_FROM, s->ld.n));
	arrange_detail(s, v);
}

/* --- drawing --------------------------------------------------------------------------------------- */

static void
draw_empty(const struct view *v, const struct audit_view *a, struct canvas *c)
{
	struct pen pen = { .c = c };

	if (*a->filter_error != '\0') {
		pen_text(&pen, ROLE_WARNING, a->filter_error);
		pen_text(&pen, ROLE_DIM, "Words as --log has them: run=ID type=intent,result host=web-* user=NAME since=02:10 text=WORD, and, or, "
		    "not, parentheses. Esc clears the filter.");
	} else if (a->n_records > 0 && *a->filter != '\0') {
		pen_printf(&pen, ROLE_TEXT, "None of %llu records matches the filter.", (unsigned long long)a->n_records);
		pen_text(&pen, ROLE_DIM, "Esc clears it.");
	} else if (a->n_records > 0) {
		pen_text(&pen, ROLE_DIM, "reading …");
	} else if (v->replay == NULL) {
		pen_text(&pen, ROLE_DIM, "What is done from here is recorded before it is done: runs, silences, notes (C), incidents.");
	}
}

static void
draw_detail(const struct audit_panel *s, const struct view *v, struct canvas *c)
{
	struct canvas part = part_split_detail(c, &s->ld.split);
	struct pen pen = { .c = &part, .y = -s->ld.detail_top };
	const struct audit_row *row = selected(s, v);

	if (row == NULL)
		return;
	audit_detail_draw(&pen, v, row);
	part_more(&part, pen.y);
}

/* What is on its way, above the list that still shows what was before. */
static void
draw_rule(const struct audit_panel *s, const struct audit_view *a, struct canvas *c)
{
	char text[96] = "";

	if (s->wanted_seq != 0)
		snprintf(text, sizeof text, "reading record %llu …", (unsigned long long)s->wanted_seq);
	else if (s->wanted >= 0 || (s->ld.filter != NULL && *a->filter == '\0' && *s->ld.filter != '\0'))
		snprintf(text, sizeof text, "reading …");
	part_heading(c, 0, "Records", text);
}

static void
audit_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct audit_panel *s = state_of(p);
	const struct audit_view *a = audit_panel_view(v);
	struct canvas head, rule, below, list;

	if (a == NULL) {
		canvas_text(c, 1, 0, ROLE_DIM, "The audit log has not been read yet.");
		return;
	}
	head = canvas_sub(c, 0, 0, c->w, s->head_h);
	audit_head_draw(v, a, &head);
	rule = canvas_sub(c, 0, s->head_h, c->w, 1);
	draw_rule(s, a, &rule);
	below = canvas_sub(c, 0, s->head_h + 1, c->w, c->h - s->head_h - 1);
	if (s->ld.n == 0 || *a->filter_error != '\0') {
		draw_empty(v, a, &below);
		return;
	}
	list = canvas_sub(&below, 0, 0, s->ld.split.list_w, s->ld.split.list_h);
	if (list.h > 0)
		audit_rows_draw(s, v, a, &list);
	if (s->ld.split.kind != SPLIT_NONE)
		draw_detail(s, v, &below);
}

/* What is bad stands in the title too: it is in sight when the panel has three rows. */
static void
audit_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct audit_panel *s = state_of(p);
	const struct audit_view *a = audit_panel_view(v);
	char beyond[48] = "";
	bool is_bad;

	*buf = '\0';
	if (a == NULL)
		return;
	if (s->ld.n > 0 && s->ld.split.list_h > 0)
		part_beyond((int)(a->n_matching < INT_MAX ? a->n_matching : INT_MAX), (int)((int64_t)a->n_matching - 1 - place_of(a, s->ld.list.top)),
		    s->ld.page, false, beyond, sizeof beyond);
	is_bad = *a->verdict != '\0' && strcmp(a->verdict, "good") != 0 && strcmp(a->verdict, "running") != 0;
	if (*a->filter != '\0' && *a->filter_error == '\0')
		snprintf(buf, size, "%s%llu of %llu records", beyond, (unsigned long long)a->n_matching, (unsigned long long)a->n_records);
	else
		snprintf(buf, size, "%s%llu records", beyond, (unsigned long long)a->n_records);
	if (a->is_partial)
		strncat(buf, ", still reading", size - strlen(buf) - 1);
	if (is_bad || (!a->is_writable && v->replay == NULL)) {
		size_t used = strlen(buf);

		snprintf(buf + used, size - used, "  %s", is_bad ? a->verdict : "NOT WRITABLE");
	}
}

static void
audit_filter(struct panel *p, const char *text)
{
	struct audit_panel *s = state_of(p);

	list_detail_filter(p, text);
	s->ld.has_moved = false;
	s->wanted = -1;
	ask(s, -1);
}

/* A record's number. Without a filter its place follows from it: numbers have no gaps. */
static void
audit_show_record(struct panel *p, const struct view *v, const char *arg)
{
	struct audit_panel *s = state_of(p);
	const struct audit_view *a = audit_panel_view(v);
	uint64_t seq = strtoull(arg, NULL, 10);

	if (seq == 0)
		return;
	s->ld.has_moved = s->ld.is_detail = true;
	s->ld.detail_top = 0;
	s->wanted_seq = seq;
	arrange_list(s, a);
	if (s->wanted_seq == 0)
		return;
	free(s->ld.filter);
	s->ld.filter = NULL;
	ask_around(s, a != NULL && seq >= a->first_seq ? (int64_t)(seq - a->first_seq) : 0);
}

static struct op *
audit_wish(struct panel *p, const struct view *v)
{
	(void)v;
	return asked(state_of(p));
}

static void
audit_close(struct panel *p)
{
	struct audit_panel *s = state_of(p);

	list_detail_done(&s->ld);
}

/* --- commands ---------------------------------------------------------------------------------------- */

/* To a place among all that match, wherever the window stands. */
static struct op *
move_to(struct audit_panel *s, const struct audit_view *a, int64_t place)
{
	s->ld.has_moved = true;
	s->ld.detail_top = 0;
	place = place >= (int64_t)a->n_matching ? (int64_t)a->n_matching - 1 : place;
	place = place < 0 ? 0 : place;
	if (is_inside(a, place)) {
		s->wanted = -1;
		list_move(&s->ld.list, s->ld.ids, s->ld.n, (int)(place_of(a, 0) - place) - s->ld.list.selected);
		return asked(s);
	}
	list_move(&s->ld.list, s->ld.ids, s->ld.n, place < (int64_t)a->first ? INT_MAX : INT_MIN);
	s->wanted = place;
	ask_around(s, place);
	return asked(s);
}

/* From here on it is the newest again, whichever that becomes. */
static struct op *
move_newest(struct audit_panel *s, const struct view *v)
{
	const struct audit_view *a = audit_panel_view(v);
	struct op *op = a != NULL && s->ld.n > 0 ? move_to(s, a, INT64_MAX) : asked(s);

	s->ld.has_moved = false;
	s->wanted_seq = 0;
	if (op != NULL)
		op->number = -1;
	s->wanted = -1;
	return op;
}

/* Down the list is back in time. */
static struct op *
audit_move(struct panel *p, const struct view *v, int by)
{
	struct audit_panel *s = state_of(p);
	const struct audit_view *a = audit_panel_view(v);

	if (by == INT_MIN)
		return move_newest(s, v);
	if (a == NULL || s->ld.n == 0)
		return asked(s);
	if (by == INT_MAX)
		return move_to(s, a, 0);
	return move_to(s, a, (s->wanted >= 0 ? s->wanted : place_of(a, s->ld.list.selected)) - by);
}

static struct op *
jump(const struct audit_panel *s, const struct view *v)
{
	const struct audit_row *row = selected(s, v);
	struct op *op;

	if (row == NULL)
		return op_text(OP_MESSAGE, "nothing is selected");
	op = op_new(OP_TIME_JUMP);
	op->number = row->time_ns;
	return op;
}

static struct op *
go_run(const struct audit_panel *s, const struct view *v)
{
	const struct audit_row *row = selected(s, v);
	struct op *op;

	if (row == NULL || *row->run == '\0')
		return op_text(OP_MESSAGE, row == NULL ? "nothing is selected" : "this record is of no run");
	op = op_text(OP_PANEL, "run");
	op->arg = xstrdup(row->run);
	return op;
}

#define COMMAND(name, ...)								\
	static struct op *								\
	audit_##name(struct panel *p, const struct view *v, const char *arg)		\
	{										\
		struct audit_panel *s = state_of(p);					\
											\
		(void)s;								\
		(void)v;								\
		(void)arg;								\
		__VA_ARGS__								\
	}

COMMAND(verify, return op_new(OP_AUDIT_VERIFY);)
COMMAND(checkpoint, return op_new(OP_AUDIT_CHECKPOINT);)
COMMAND(jump, return jump(s, v);)
COMMAND(run, return go_run(s, v);)

static const struct command audit_commands[] = {
	{ "details", "Enter", CMD_HINT, list_detail_details, "show the whole record" },
	{ "verify", "v", CMD_HINT, audit_verify, "look now whether anything in the log was changed" },
	/* Not k, which is up in every list. */
	{ "checkpoint", "c", CMD_HINT | CMD_WRITES, audit_checkpoint, "sign the head with the ssh key now" },
	{ "jump", "t", CMD_HINT, audit_jump, "time cursor to when this was recorded" },
	{ "run", "r", CMD_HINT, audit_run, "go to the run it is of" },
	LIST_DETAIL_COMMANDS,
	{ 0 }
};

const struct panel_ops panel_audit = {
	.name = "audit",
	.title = "Audit log",
	.help = "What was done, as it is recorded, whether the record is whole, and what vouches for it; filter with / (words of --log: run=ID "
	    "type=act host=web-* user=NAME since=02:10, and, or, not).",
	.flags = PANEL_FROM_METRICS,
	.state_size = sizeof(struct audit_panel),
	.watches = MODEL_AUDIT | MODEL_ENVIRONMENT,
	.commands = audit_commands,
	.open = audit_open_panel,
	.show = audit_show_record,
	.arrange = audit_arrange,
	.draw = audit_draw,
	.key = list_detail_key,
	.filter = audit_filter,
	.wish = audit_wish,
	.summary = audit_summary,
	.close = audit_close,
};
