/*
 * The form that takes a stretch of time out of an error budget: which objective, from when to when, why; below it what that
 * changes. Nothing is written from here: the last row asks the confirm dialog.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "slo.h"
#include "ui/key.h"
#include "ui/time_text.h"

enum { FIELD_X = 11, TIME_W = 24, VERDICT_Y = 5, WHY_MAX = sizeof ((struct err *)NULL)->msg, SENTENCE_MAX = 160 };
enum field { FIELD_WHAT, FIELD_FROM, FIELD_TO, FIELD_REASON, FIELD_SUBMIT, FIELDS };

struct form {
	char *id;			/* of the objective it began with */
	bool is_all;
	struct editor from, to, reason;
	enum field focus;
	bool is_refused;		/* asked for, and told why not: shown in a louder voice, until something is typed */
};

/* What the fields say. */
struct stretch {
	int64_t start_ns, end_ns;
	bool is_read;			/* both are times */
	enum field wrong;		/* else the one that is not, and why */
	struct err err;
};

static struct form *
state_of(const struct panel *p)
{
	return p->state;
}

static int
form_open(struct panel *p, const struct view *v, const struct op *op)
{
	struct form *s = state_of(p);

	(void)v;
	if (op == NULL || op->text == NULL)
		return -1;
	s->id = xstrdup(op->text);
	editor_set(&s->from, "-30m");
	editor_set(&s->to, "now");
	s->focus = FIELD_FROM;
	return 0;
}

/* --- what the fields say ------------------------------------------------------------------------- */

/* A stretch may reach ahead, for work that is planned. */
static int
read_time(const char *text, int64_t now_ns, int64_t *ret_ns, struct err *err)
{
	int64_t ahead;

	if (text[0] == '+' && duration_parse(text + 1, &ahead, NULL) == 0 && ahead < CLOCK_FAR_NS - now_ns) {
		*ret_ns = now_ns + ahead;
		return 0;
	}
	return time_text_parse(text, now_ns, ret_ns, err);
}

static void
read_stretch(const struct form *s, const struct view *v, struct stretch *ret)
{
	*ret = (struct stretch){ .err = ERR_INIT };
	if (read_time(s->from.text, v->now_ns, &ret->start_ns, &ret->err) < 0) {
		err_prefix(&ret->err, "from");
		ret->wrong = FIELD_FROM;
		return;
	}
	if (read_time(s->to.text, v->now_ns, &ret->end_ns, &ret->err) < 0) {
		err_prefix(&ret->err, "to");
		ret->wrong = FIELD_TO;
		return;
	}
	ret->is_read = true;
}

static bool
objective(const struct form *s, const struct view *v, struct model_slo *ret)
{
	const struct model_slo *m = v->live != NULL ? model_slo_find(v->live, s->id) : NULL;

	if (m != NULL)
		*ret = *m;
	return m != NULL;
}

static void
refuse(enum field *ret_field, enum field field, char *buf, size_t size, const char *why)
{
	*ret_field = field;
	snprintf(buf, size, "%s", why);
}

/* Why not; "" when it may be. *ret_field: where that can be mended, FIELD_SUBMIT when nowhere here. */
static const char *
refusal_of(const struct form *s, const struct view *v, const struct stretch *t, enum field *ret_field, char *buf, size_t size)
{
	struct model_slo m;

	*buf = '\0';
	*ret_field = FIELD_SUBMIT;
	if (!objective(s, v, &m))
		snprintf(buf, size, "This objective is not defined any more.");
	else if (!t->is_read)
		refuse(ret_field, t->wrong, buf, size, t->err.msg);
	else if (t->end_ns <= t->start_ns)
		refuse(ret_field, FIELD_TO, buf, size, "It must end after it begins.");
	else if (strspn(s->reason.text, " ") == s->reason.len)
		refuse(ret_field, FIELD_REASON, buf, size, "Say why: the budget is a promise, and this changes what it counts.");
	else if (v->is_read_only)
		snprintf(buf, size, "read-only: nothing that changes the world runs");
	else if (!v->range.is_live)
		snprintf(buf, size, "the past is shown: go live (=) first");
	return buf;
}

/* --- what it would change ------------------------------------------------------------------------ */

/* What a single objective would get back; for all of them there is no one number. */
static const char *
gives_text(const struct form *s, const struct view *v, const struct stretch *t, char *buf, size_t size)
{
	struct model_slo m;

	if (s->is_all)
		snprintf(buf, size, "what each of the %zu objectives spent in it", model_n_slos(v->live));
	else if (objective(s, v, &m))
		slo_spent_text(&m, t->start_ns, t->end_ns, buf, size);
	else
		snprintf(buf, size, "not known");
	return buf;
}

static struct op *
make_op(const struct form *s, const struct view *v, const struct stretch *t)
{
	struct op *op = op_text(OP_SLO_EXCLUDE, "%s", s->is_all ? "*" : s->id);
	const struct environment *e = model_environment(v->live);
	char text[CLOCK_TEXT_MAX], length[DURATION_TEXT_MAX], gives[SENTENCE_MAX], name[SENTENCE_MAX] = "all objectives";
	struct model_slo m;

	op->number = t->start_ns;
	op->until_ns = t->end_ns;
	op->arg = xstrdup(s->reason.text);
	if (!s->is_all && objective(s, v, &m))
		str_escape_to(name, sizeof name, m.def->name);
	op_confirm_line(op, "Take a stretch out of the error budget of %s%s%s", name, e != NULL ? " in " : "",
	    e != NULL ? e->name : "");
	op_confirm_line(op, "from      %s", clock_format(text, t->start_ns, 0));
	op_confirm_line(op, "to        %s, %s", clock_format(text, t->end_ns, 0),
	    slo_time_text(length, t->end_ns - t->start_ns));
	op_confirm_line(op, "why       %s", s->reason.text);
	op_confirm_line(op, "by        %s", v->user != NULL ? v->user : "?");
	op_confirm_line(op, "returns   %s", gives_text(s, v, t, gives, sizeof gives));
	op_confirm_line(op, "then      nothing in it counts, good or bad; burn rates leave it out too, so a rule may stop "
	    "firing");
	op_confirm_line(op, "record    a line in the log of corrections; u in the details puts the stretch back");
	if (t->end_ns > v->now_ns)
		op_confirm_line(op, "careful   it reaches %s ahead: what goes wrong then will not be seen here",
		    slo_time_text(length, t->end_ns - v->now_ns));
	return op;
}

static struct op *
submit(struct form *s, const struct view *v)
{
	struct stretch t;
	char why[WHY_MAX];
	enum field field;

	read_stretch(s, v, &t);
	if (*refusal_of(s, v, &t, &field, why, sizeof why) == '\0')
		return make_op(s, v, &t);
	/* To where it can be mended, so that one sees that something happened and can type. */
	s->is_refused = true;
	s->focus = field;
	return NULL;
}

/* --- keys ---------------------------------------------------------------------------------------- */

static struct editor *
editor_of(struct form *s, enum field field)
{
	switch (field) {
	case FIELD_FROM: return &s->from;
	case FIELD_TO: return &s->to;
	case FIELD_REASON: return &s->reason;
	case FIELD_WHAT: case FIELD_SUBMIT: case FIELDS: break;
	}
	return NULL;
}

static void
move_focus(struct form *s, int by)
{
	s->focus = (enum field)(((int)s->focus + by + FIELDS) % FIELDS);
}

static void
other_key(struct form *s, int key)
{
	struct editor *e;

	/* Whoever types on the button means the reason. */
	if (s->focus == FIELD_SUBMIT && key >= ' ' && key < KEY_SPECIAL)
		s->focus = FIELD_REASON;
	e = editor_of(s, s->focus);
	if (s->focus == FIELD_WHAT && (key == ' ' || key == KEY_LEFT_ || key == KEY_RIGHT_))
		s->is_all = !s->is_all;
	else if (e == NULL || !editor_key(e, key))
		return;
	s->is_refused = false;
}

static bool
form_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct form *s = state_of(p);
	struct editor *e = editor_of(s, s->focus);

	/* A paste goes into the field whole: a newline in it moves nothing. */
	if (key == KEY_PASTE_BEGIN || key == KEY_PASTE_END || (e != NULL && e->is_pasting)) {
		if (e != NULL)
			editor_key(e, key);
		return true;
	}
	switch (key) {
	case KEY_TAB: case KEY_DOWN_:
		move_focus(s, 1);
		return true;
	case KEY_BACKTAB: case KEY_UP_:
		move_focus(s, -1);
		return true;
	case KEY_ENTER_:
		if (s->focus == FIELD_SUBMIT)
			*ret_op = submit(s, v);
		else
			move_focus(s, 1);
		return true;
	case KEY_ESC: case KEY_CTRL | 'c':
		*ret_op = op_new(OP_CLOSE);
		return true;
	default:
		other_key(s, key);
		return true;
	}
}

/* --- drawing ------------------------------------------------------------------------------------- */

static void
draw_name(struct canvas *c, int y, const char *name, bool is_focused)
{
	canvas_text(c, 0, y, ROLE_KEY, is_focused ? "›" : " ");
	canvas_text(c, 1, y, is_focused ? ROLE_STRONG : ROLE_DIM, name);
}

static void
draw_what(struct canvas *c, int y, const struct form *s, const struct view *v)
{
	struct model_slo m;
	int x = FIELD_X, begin = x;

	draw_name(c, y, "objective", s->focus == FIELD_WHAT);
	if (s->is_all)
		x = canvas_printf(c, x, y, ROLE_WARNING, "all %zu objectives", model_n_slos(v->live));
	else
		x = canvas_text_w(c, x, y, c->w / 2, ROLE_TEXT, objective(s, v, &m) ? m.def->name : "(gone)", false);
	if (s->focus == FIELD_WHAT)
		canvas_select(c, begin, y, x - begin);
	canvas_text_w(c, x + 2, y, c->w - x - 3, ROLE_DIM, s->is_all ? "Space: only the one" : "Space: all of them", false);
}

static void
draw_time(struct canvas *c, int y, const struct form *s, const struct view *v, enum field field)
{
	const struct editor *e = field == FIELD_FROM ? &s->from : &s->to;
	char text[CLOCK_TEXT_MAX];
	int x = FIELD_X + TIME_W + 1;
	int64_t t;

	draw_name(c, y, field == FIELD_FROM ? "from" : "to", s->focus == field);
	editor_draw(c, FIELD_X, y, TIME_W, e, s->focus == field);
	if (read_time(e->text, v->now_ns, &t, NULL) == 0)
		canvas_text_w(c, x, y, c->w - x - 1, ROLE_TEXT, clock_format(text, t, 0), false);
	else
		canvas_text_w(c, x, y, c->w - x - 1, ROLE_DIM, "02:10, -30m, now, +1h, or a full time (UTC)", false);
}

/* What the stretch adds up to. */
static void
draw_preview(struct canvas *c, const struct form *s, const struct view *v, const struct stretch *t)
{
	char gives[SENTENCE_MAX], length[DURATION_TEXT_MAX];
	struct pen pen = { .c = c };

	pen_field(&pen, "logged as", ROLE_TEXT, v->user != NULL ? v->user : "?");
	if (!t->is_read || t->end_ns <= t->start_ns)
		return;
	pen_field_printf(&pen, "takes out", ROLE_STRONG, "%s", slo_time_text(length, t->end_ns - t->start_ns));
	pen_field_printf(&pen, "gives back", ROLE_STRONG, "%s", gives_text(s, v, t, gives, sizeof gives));
	if (t->end_ns > v->now_ns)
		pen_field(&pen, "careful", ROLE_WARNING, "it reaches ahead: what goes wrong then will not be seen here");
}

/* On a screen too small for a row of its own, why it is refused stands beside the button. */
static void
draw_button(struct canvas *c, int y, const struct form *s, const char *why)
{
	bool is_on_button = s->focus == FIELD_SUBMIT;
	int x;

	canvas_fill(c, 0, y, c->w, 1, ROLE_TEXT);
	draw_name(c, y, "", is_on_button);
	x = canvas_text(c, 1, y, is_on_button ? ROLE_STRONG : ROLE_TEXT, "[ Take it out ]");
	if (is_on_button)
		canvas_select(c, 1, y, x - 1);
	if (*why != '\0' && c->h <= VERDICT_Y + 1)
		canvas_text_w(c, x + 2, y, c->w - x - 3, s->is_refused ? ROLE_ERROR : ROLE_WARNING, why, false);
	else
		canvas_text_w(c, x + 2, y, c->w - x - 3, ROLE_DIM, is_on_button ? "Enter: asks once more    Esc leave" :
		    "Enter or Tab: next field    Esc leave", false);
}

/* Only after it was asked for is it an error. */
static void
draw_refusal(struct canvas *c, int y, const struct form *s, const char *why)
{
	int x = 1;

	if (*why == '\0')
		return;
	if (s->is_refused)
		x = canvas_text(c, x, y, ROLE_ERROR, GLYPH_FIRING " ");
	x = canvas_text_w(c, x, y, c->w - x - 1, s->is_refused ? ROLE_ERROR : ROLE_WARNING, why, false);
	if (s->is_refused)
		canvas_select(c, 1, y, x - 1);
}

static void
form_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct form *s = state_of(p);
	struct canvas preview;
	struct stretch t;
	char why[WHY_MAX];
	enum field field;

	read_stretch(s, v, &t);
	refusal_of(s, v, &t, &field, why, sizeof why);
	draw_what(c, 0, s, v);
	draw_time(c, 1, s, v, FIELD_FROM);
	draw_time(c, 2, s, v, FIELD_TO);
	draw_name(c, 3, "why", s->focus == FIELD_REASON);
	editor_draw(c, FIELD_X, 3, c->w - FIELD_X - 3, &s->reason, s->focus == FIELD_REASON);
	if (c->h > VERDICT_Y + 1)
		draw_refusal(c, VERDICT_Y, s, why);
	preview = canvas_sub(c, 0, VERDICT_Y + 2, c->w, c->h - VERDICT_Y - 3);
	draw_preview(&preview, s, v, &t);
	draw_button(c, c->h - 1, s, why);
}

static void
form_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct environment *e = v->live != NULL ? model_environment(v->live) : NULL;

	(void)p;
	snprintf(buf, size, "%s", e != NULL ? e->name : "");
}

static void
form_close(struct panel *p)
{
	free(state_of(p)->id);
}

static const struct command no_commands[] = { { 0 } };

const struct panel_ops panel_slo_form = {
	.name = "slo-form",
	.title = "Take a stretch out of the budget",
	.help = "Which stretch of time does not count against an error budget, and why.",
	.flags = PANEL_DIALOG,
	.state_size = sizeof(struct form),
	.watches = MODEL_SLOS,
	.commands = no_commands,
	.open = form_open,
	.draw = form_draw,
	.key = form_key,
	.summary = form_summary,
	.close = form_close,
};
