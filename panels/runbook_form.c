/*
 * The form of a runbook's parameters: a field for each, with what may stand in it from live data, and one for the hosts. Its end is a plan, which is
 * only looked at: nothing is changed from here.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "panels.h"
#include "runbook_choices.h"
#include "parts_run.h"
#include "ui/key.h"
#include "ui/widget.h"

#define GROUP "group "		/* in front of a group's name in runbook_info.hosts */

enum { NAME_W_MIN = 8, NAME_W_MAX = 18, FIELD_W_MIN = 18, FIELD_W_MAX = 36, HEAD_H = 3, CHOICES_LEAST = 4, VALUES_MAX = 1 << 16 };

struct form {
	const struct runbook_set *set;	/* a reference: what is filled in stays what was shown */
	const struct runbook_info *book;
	char *alert;			/* NULL none */
	struct editor *fields;		/* one for each parameter, then the hosts' pattern */
	int n;				/* fields */
	int focus;			/* n: the button */
	int top, room;			/* of the fields */
	struct choices choices;		/* of the field that has the focus */
	int pick, choice_top, choice_room;	/* among those that match; -1: none picked */
	bool is_refused;
};

static struct form *
state_of(const struct panel *p)
{
	return p->state;
}

static bool
has_limit(const struct form *s)
{
	return *s->book->hosts != '\0';
}

/* NULL: the hosts' pattern. */
static const struct param_info *
param_of(const struct form *s, int field)
{
	return (size_t)field < s->book->n_params ? &s->book->params[field] : NULL;
}

/* --- values ------------------------------------------------------------------------------------------------------------------------ */

/* What a parameter is now, as far as is known: typed, or its default. "" not known. */
static const char *
value_of(const struct form *s, const char *name)
{
	for (size_t i = 0; name != NULL && i < s->book->n_params; i++)
		if (strcmp(s->book->params[i].name, name) == 0)
			return s->fields[i].len > 0 ? s->fields[i].text : s->book->params[i].def != NULL ? s->book->params[i].def : "";
	return "";
}

/* The model whose versions are meant: the one it names, else the only one. */
static const char *
model_of(const struct form *s, const struct param_info *param)
{
	if (param->of != NULL)
		return value_of(s, param->of);
	for (size_t i = 0; i < s->book->n_params; i++)
		if (s->book->params[i].type == PARAM_MODEL)
			return value_of(s, s->book->params[i].name);
	return "";
}

/* NULL: nothing is wrong with it. */
static const char *
refusal_of_field(const struct form *s, int field, struct err *err)
{
	const struct param_info *param = param_of(s, field);

	return param == NULL ? NULL : choices_refusal(param, s->fields[field].text, err);
}

/* The first field that is wrong; s->n: none is. */
static int
first_wrong(const struct form *s, struct err *err)
{
	for (int i = 0; i < s->n; i++)
		if (refusal_of_field(s, i, err) != NULL)
			return i;
	return s->n;
}

/* --- opening and planning -------------------------------------------------------------------------------------------- */

static int
form_open(struct panel *p, const struct view *v, const struct op *op)
{
	const struct runbook_set *set = v->live != NULL ? model_runbooks(v->live) : NULL;
	struct form *s = state_of(p);
	struct err err = ERR_INIT;

	if (op == NULL || op->text == NULL || set == NULL)
		return -1;
	for (size_t i = 0; i < set->n && s->book == NULL; i++)
		if (strcmp(set->v[i].name, op->text) == 0 && *set->v[i].error == '\0')
			s->book = &set->v[i];
	if (s->book == NULL)
		return -1;
	s->set = block_ref(set);
	s->alert = xstrdup_or_null(op->arg);
	s->n = (int)s->book->n_params + has_limit(s);
	s->fields = xcalloc((size_t)s->n + 1, sizeof *s->fields);
	s->pick = -1;
	/* Where everything is known there is nothing to fill in: Enter plans. */
	s->focus = first_wrong(s, &err);
	return 0;
}

static void
form_close(struct panel *p)
{
	struct form *s = state_of(p);

	/* There may be a secret among them. */
	if (s->fields != NULL)
		explicit_bzero(s->fields, ((size_t)s->n + 1) * sizeof *s->fields);
	free(s->fields);
	free(s->alert);
	choices_done(&s->choices);
	block_unref(s->set);
}

static struct op *
submit(struct form *s, const struct view *v)
{
	struct err err = ERR_INIT;
	int wrong = first_wrong(s, &err);
	struct op *op;
	struct buf b;

	s->is_refused = wrong < s->n || !v->range.is_live;
	if (wrong < s->n) {
		s->focus = wrong;
		s->pick = -1;
	}
	if (s->is_refused)
		return NULL;
	buf_init(&b, VALUES_MAX);
	for (size_t i = 0; i < s->book->n_params; i++)
		if (s->fields[i].len > 0)
			buf_printf(&b, "%s=%s\n", s->book->params[i].name, s->fields[i].text);
	op = op_text(OP_RUN_PLAN, "%s", s->book->name);
	op->arg = buf_take(&b, NULL);
	buf_done(&b);
	op->source = xstrdup_or_null(s->alert);
	if (has_limit(s) && s->fields[s->n - 1].len > 0)
		op_confirm_line(op, "%s", s->fields[s->n - 1].text);
	return op;
}

/* --- choices ------------------------------------------------------------------------------------------------------------------------ */

/* What was typed narrows the list, unless it is one of them: then all are there to choose from again. */
static bool
is_match(const struct form *s, size_t i)
{
	const char *typed = s->fields[s->focus].text;

	for (size_t k = 0; k < s->choices.n; k++)
		if (strcmp(s->choices.v[k].value, typed) == 0)
			return true;
	return str_contains(s->choices.v[i].value, typed);
}

static int
n_matches(const struct form *s)
{
	int n = 0;

	for (size_t i = 0; s->focus < s->n && i < s->choices.n; i++)
		n += is_match(s, i);
	return n;
}

static const struct choice *
match_at(const struct form *s, int at)
{
	for (size_t i = 0; at >= 0 && s->focus < s->n && i < s->choices.n; i++)
		if (is_match(s, i) && at-- == 0)
			return &s->choices.v[i];
	return NULL;
}

static void
choices_update(struct form *s, const struct view *v)
{
	const struct param_info *param = param_of(s, s->focus);
	struct param_info hosts = { .name = "hosts", .type = PARAM_HOST };
	int n;

	/* A pattern in its place names hosts of any group. */
	hosts.of = str_has_prefix(s->book->hosts, GROUP) ? s->book->hosts + strlen(GROUP) : NULL;
	choices_done(&s->choices);
	if (param == NULL && s->focus < s->n)
		param = &hosts;
	if (param != NULL)
		s->choices = choices_of(v, param, param->type == PARAM_MODEL_VERSION ? model_of(s, param) : NULL);
	n = n_matches(s);
	if (s->pick >= n)
		s->pick = n - 1;
}

/* --- keys ---------------------------------------------------------------------------------------------------------------------------- */

static void
move_focus(struct form *s, int by)
{
	s->focus = (s->focus + by + s->n + 1) % (s->n + 1);
	s->pick = -1;
	s->choice_top = 0;
}

/* Among the choices where there are some, else to the next field. */
static void
move_down(struct form *s, int by)
{
	int n = n_matches(s);

	if (n == 0 || (by < 0 && s->pick <= 0)) {
		if (n > 0 && s->pick == 0)
			s->pick = -1;
		else
			move_focus(s, by);
		return;
	}
	s->pick = s->pick + by >= n ? n - 1 : s->pick + by;
}

static struct op *
enter(struct form *s, const struct view *v)
{
	const struct choice *choice = match_at(s, s->pick);

	if (s->focus == s->n)
		return submit(s, v);
	if (choice != NULL)
		editor_set(&s->fields[s->focus], choice->value);
	s->is_refused = false;
	move_focus(s, 1);
	return NULL;
}

static bool
form_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct form *s = state_of(p);
	struct editor *e = s->focus < s->n ? &s->fields[s->focus] : NULL;

	/* A paste goes into the field whole: a newline in it moves nothing. */
	if (key == KEY_PASTE_BEGIN || key == KEY_PASTE_END || (e != NULL && e->is_pasting)) {
		if (e != NULL)
			editor_key(e, key);
		return true;
	}
	switch (key) {
	case KEY_TAB: move_focus(s, 1); break;
	case KEY_BACKTAB: move_focus(s, -1); break;
	case KEY_DOWN_: move_down(s, 1); break;
	case KEY_UP_: move_down(s, -1); break;
	case KEY_ENTER_: *ret_op = enter(s, v); break;
	case KEY_ESC: case KEY_CTRL | 'c': *ret_op = op_new(OP_CLOSE); break;
	default:
		if (e != NULL && editor_key(e, key)) {
			s->pick = -1;
			s->is_refused = false;
		}
		break;
	}
	return true;
}

/* --- drawing -------------------------------------------------------------------------------------------------------------------------- */

static void
form_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct form *s = state_of(p);
	int left = h - HEAD_H - 2;	/* a row that separates, the button */

	(void)w;
	choices_update(s, v);
	s->room = s->n > left - CHOICES_LEAST ? left - CHOICES_LEAST : s->n;
	s->room = s->room < 1 ? 1 : s->room;
	if (s->focus < s->n && s->focus < s->top)
		s->top = s->focus;
	if (s->focus < s->n && s->focus >= s->top + s->room)
		s->top = s->focus - s->room + 1;
	s->choice_room = left - s->room - 1;
	s->choice_room = s->choice_room < 1 ? 1 : s->choice_room;
	if (s->pick >= 0 && s->pick < s->choice_top)
		s->choice_top = s->pick;
	if (s->pick >= s->choice_top + s->choice_room)
		s->choice_top = s->pick - s->choice_room + 1;
}

/* A secret is as many stars as it has characters. */
static struct editor
masked(const struct editor *e)
{
	struct editor shown = { .len = 0 };

	for (size_t i = 0; i < e->len; i++) {
		if (((unsigned char)e->text[i] & 0xc0) == 0x80)
			continue;
		if (i == e->at)
			shown.at = shown.len;
		shown.text[shown.len++] = '*';
	}
	if (e->at == e->len)
		shown.at = shown.len;
	return shown;
}

/* What stands in a field that nothing was typed into. */
static const char *
placeholder(const struct param_info *param)
{
	if (param == NULL)
		return "all of them";
	if (param->type == PARAM_SECRET)
		return param->from != NULL ? "as in the config" : param->is_required ? "needed" : "not needed";
	return param->def != NULL ? param->def : param->is_required ? "needed" : "found, or none";
}

static void
draw_beside(struct canvas *c, int x, int y, const struct form *s, int field)
{
	const struct param_info *param = param_of(s, field);
	bool is_told = param != NULL && param->from != NULL && s->fields[field].len == 0;
	struct err err = ERR_INIT;
	const char *why = refusal_of_field(s, field, &err);
	char text[256];

	/* What is missing is no mistake until it was asked for. */
	if (why != NULL && (s->is_refused || s->fields[field].len > 0)) {
		snprintf(text, sizeof text, "%s %.200s", GLYPH_FIRING, why);
		canvas_text_w(c, x, y, c->w - x - 1, ROLE_ERROR, text, false);
		return;
	}
	if (param == NULL)
		snprintf(text, sizeof text, "only these of %.100s", s->book->hosts);
	else if (is_told)
		snprintf(text, sizeof text, "%.40s: %.150s", param->from, *param->title != '\0' ? param->title : param_type_name(param->type));
	else
		snprintf(text, sizeof text, "%.40s%s%.150s", param_type_name(param->type), *param->title != '\0' ? ", " : "", param->title);
	canvas_text_w(c, x, y, c->w - x - 1, ROLE_DIM, text, false);
}

static void
draw_field(struct canvas *c, int y, const struct form *s, int field, int name_w)
{
	const struct param_info *param = param_of(s, field);
	const struct editor *e = &s->fields[field];
	int w = (c->w - name_w) / 2 - 4;
	bool is_focused = s->focus == field;

	w = w > FIELD_W_MAX ? FIELD_W_MAX : w < FIELD_W_MIN ? FIELD_W_MIN : w;
	canvas_text(c, 0, y, ROLE_KEY, is_focused ? "›" : " ");
	canvas_text_w(c, 1, y, name_w, is_focused ? ROLE_STRONG : ROLE_TEXT, param != NULL ? param->name : "hosts", false);
	if (param != NULL && param->type == PARAM_SECRET) {
		struct editor shown = masked(e);

		editor_draw(c, name_w + 2, y, w, &shown, is_focused);
	} else {
		editor_draw(c, name_w + 2, y, w, e, is_focused);
	}
	/* What it is when nothing is typed is as good as typed. */
	if (e->len == 0)
		canvas_text_w(c, name_w + 3, y, w - 2, param != NULL && param->def != NULL ? ROLE_TEXT : ROLE_DIM, placeholder(param), false);
	draw_beside(c, name_w + w + 4, y, s, field);
}

static int
name_width(const struct form *s)
{
	int widest = NAME_W_MIN;

	for (size_t i = 0; i < s->book->n_params; i++) {
		int w = (int)str_width(s->book->params[i].name);

		widest = w > widest ? w : widest;
	}
	return widest > NAME_W_MAX ? NAME_W_MAX : widest;
}

static void
draw_choices(struct canvas *c, const struct form *s)
{
	const struct param_info *param = param_of(s, s->focus);
	int n = n_matches(s), widest = 6;
	char right[96] = "";

	if (s->focus == s->n) {
		struct canvas text = canvas_sub(c, 1, 0, c->w - 2, c->h);
		struct pen pen = { .c = &text };

		pen_text(&pen, ROLE_DIM, s->book->description);
		return;
	}
	if (s->choices.n == 0) {
		if (param != NULL && param->type == PARAM_MODEL_VERSION)
			canvas_text_w(c, 1, 0, c->w - 2, ROLE_DIM, "Its versions are listed once the model is chosen.", false);
		return;
	}
	snprintf(right, sizeof right, "%d of %zu%s", n, s->choices.n, s->choices.n_left_out > 0 ? ", older ones not listed" : "");
	part_heading(c, 0, "Choices: Down and Enter take one", right);
	for (int i = 0; i < n; i++) {
		int w = (int)str_width(match_at(s, i)->value);

		widest = w > widest ? w : widest;
	}
	widest = widest > c->w / 2 ? c->w / 2 : widest;
	for (int i = 0; i < s->choice_room && s->choice_top + i < n; i++) {
		const struct choice *choice = match_at(s, s->choice_top + i);

		canvas_text_w(c, 2, i + 1, widest, ROLE_TEXT, choice->value, false);
		canvas_text_w(c, 4 + widest, i + 1, c->w - widest - 5, ROLE_DIM, choice->beside, false);
		if (s->choice_top + i == s->pick) {
			canvas_text(c, 0, i + 1, ROLE_KEY, "›");
			canvas_select(c, 1, i + 1, c->w - 2);
		}
	}
}

static void
form_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct form *s = state_of(p);
	struct canvas list;
	int y, x, name_w = name_width(s);

	canvas_text_w(c, 1, 0, c->w - 2, ROLE_STRONG, s->book->title, false);
	x = canvas_text(c, 1, 1, ROLE_DIM, "danger");
	x = canvas_text(c, x + 1, 1, part_danger_role(s->book->danger), danger_name(s->book->danger));
	canvas_text_w(c, x + 3, 1, c->w - x - 4, ROLE_DIM, "the plan that follows changes nothing", false);
	y = HEAD_H;
	for (int i = s->top; i < s->n && i < s->top + s->room; i++)
		draw_field(c, y++, s, i, name_w);
	if (s->n > s->room)
		canvas_printf(c, c->w - 16, HEAD_H - 1, ROLE_DIM, "%d of %d fields", s->focus < s->n ? s->focus + 1 : s->n, s->n);
	list = canvas_sub(c, 0, y + 1, c->w, c->h - y - 2);
	draw_choices(&list, s);
	y = c->h - 1;
	canvas_text(c, 0, y, ROLE_KEY, s->focus == s->n ? "›" : " ");
	x = canvas_text(c, 1, y, s->focus == s->n ? ROLE_STRONG : ROLE_TEXT, "[ Plan it ]");
	if (s->focus == s->n)
		canvas_select(c, 1, y, x - 1);
	if (s->is_refused && !v->range.is_live)
		canvas_text_w(c, x + 2, y, c->w - x - 3, ROLE_ERROR, "the past is shown: go live (=) first", false);
	else
		canvas_text_w(c, x + 2, y, c->w - x - 3, ROLE_DIM, s->focus == s->n ? "Enter plans it; nothing is done yet    Esc leave" :
		    "Tab or Enter: next field    Esc leave", false);
}

static void
form_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct form *s = state_of(p);
	const struct environment *e = v->live != NULL ? model_environment(v->live) : NULL;

	snprintf(buf, size, "%.40s  %.40s%s%s%.60s", s->book->name, e != NULL ? e->name : "", e != NULL && e->is_protected ? " (protected)" : "",
	    s->alert != NULL ? "  for " : "", s->alert != NULL ? s->alert : "");
}

static const struct command no_commands[] = { { 0 } };

const struct panel_ops panel_runbook_form = {
	.name = "runbook-form",
	.title = "Plan a run",
	.help = "The parameters of a runbook, with what they may be.",
	.flags = PANEL_DIALOG,
	.state_size = sizeof(struct form),
	.watches = MODEL_RUNBOOKS | MODEL_MODELS | MODEL_HOSTS,
	.commands = no_commands,
	.open = form_open,
	.arrange = form_arrange,
	.draw = form_draw,
	.key = form_key,
	.summary = form_summary,
	.close = form_close,
};
