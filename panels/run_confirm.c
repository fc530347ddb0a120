/*
 * The confirmation of a planned run: what would be done where, and what speaks for and against it. Danger high: the
 * target has to be typed, and Enter does nothing until it stands there; else y, and Enter never confirms. It is bound
 * to the plan that was shown: another hash is another plan.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hostfold.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "run.h"
#include "ui/key.h"
#include "ui/widget.h"

enum { STEPS_MAX = 1 << 14, ANSWER_H = 3 };

struct form {
	char *run, *plan;		/* id; hash as it was shown */
	struct editor typed;
	int n_rows, top, page;
	bool is_seen;			/* down to the last row */
	bool is_enter_pressed;
};

static struct form *
state_of(const struct panel *p)
{
	return p->state;
}

static const struct run_info *
run_of(const struct form *s, const struct view *v)
{
	return v->live != NULL ? model_run_find(v->live, s->run) : NULL;
}

static int
form_open(struct panel *p, const struct view *v, const struct op *op)
{
	struct form *s = state_of(p);
	const struct run_info *r;

	if (op == NULL || op->text == NULL)
		return -1;
	s->run = xstrdup(op->text);
	r = run_of(s, v);
	if (r == NULL || r->state != RUN_PLANNED)
		return -1;
	s->plan = xstrdup(r->plan);
	return 0;
}

/* Why it cannot be run; NULL when it can. */
static const char *
refusal_of(const struct form *s, const struct view *v)
{
	const struct run_info *r = run_of(s, v);

	if (r == NULL || r->state != RUN_PLANNED)
		return "this plan does not stand any more";
	if (strcmp(r->plan, s->plan) != 0)
		return "the plan has changed since it was shown: leave, and look at it again";
	if (v->is_read_only)
		return "read-only: nothing that changes the world runs";
	return v->range.is_live ? NULL : "the past is shown: go live (=) first";
}

/* --- what it would do ------------------------------------------------------------------------------------------------------- */

/* "web-01 | web-[02-03]": batch by batch. */
static void
draw_hosts(struct pen *p, const struct run_info *r)
{
	const char **names = xcalloc(r->n_rows + 1, sizeof *names);
	size_t n_all = 0, n_batches = 0;
	struct buf b;

	buf_init(&b, STEPS_MAX);
	for (unsigned batch = 0; batch < (r->n_batches > 0 ? r->n_batches : 1); batch++) {
		size_t n = 0;

		for (size_t i = 0; i < r->n_rows; i++)
			if (*r->rows[i].host != '\0' && r->rows[i].batch == (int)batch)
				names[n++] = r->rows[i].host;
		if (n == 0)
			continue;
		if (n_batches++ > 0)
			buf_addstr(&b, " | ");
		host_fold(&b, names, n);
		n_all += n;
	}
	if (n_all > 0)
		pen_field_printf(p, "hosts", ROLE_TEXT, "%s   %zu in %zu batch%s; stops when more than %u fail%s", b.data, n_all, n_batches,
		    n_batches == 1 ? "" : "es", r->max_failures, r->max_failures == 1 ? "s" : "");
	buf_done(&b);
	free(names);
}

/* Each step once, with what would become of its cells: "activate: 2 WOULD RUN, 1 SKIPPED (undo)". */
static void
draw_steps(struct pen *p, const struct run_info *r)
{
	bool is_first = true;

	for (size_t i = 0; i < r->n_columns; i++) {
		size_t n[OUTCOME_UNDONE + 1] = { 0 }, n_undo = 0;
		char text[256] = "";

		if (r->columns[i].phase != PHASE_STEP && r->columns[i].phase != PHASE_CLOSING)
			continue;
		for (size_t j = 0; j < r->n_rows; j++) {
			const struct run_cell *cell = &r->rows[j].cells[i];

			n[(unsigned)cell->outcome <= OUTCOME_UNDONE ? cell->outcome : OUTCOME_UNKNOWN]++;
			n_undo += cell->outcome == OUTCOME_WOULD_RUN && *cell->undo != '\0';
		}
		for (int o = OUTCOME_OK; o <= OUTCOME_UNDONE; o++) {
			size_t len = strlen(text);

			if (n[o] > 0)
				snprintf(text + len, sizeof text - len, "%s%zu %s", len > 0 ? ", " : "", n[o], outcome_name((enum outcome)o));
		}
		pen_field_printf(p, is_first ? "steps" : "", ROLE_TEXT, "%s: %s%s", r->columns[i].name, *text != '\0' ? text : "nothing to do",
		    n[OUTCOME_WOULD_RUN] == 0 ? "" : n_undo == n[OUTCOME_WOULD_RUN] ? " (can be undone)" : " (CANNOT all be undone)");
		is_first = false;
	}
}

static void
draw_plan(struct pen *p, const struct run_info *r)
{
	pen_printf(p, ROLE_STRONG, "%s   %s", r->runbook, *r->target != '\0' ? r->target : r->env);
	run_values_draw(p, r);
	/* Where the plan does not tell of them itself. */
	if (!run_has_fact(r, "hosts"))
		draw_hosts(p, r);
	if (!run_has_fact(r, "steps"))
		draw_steps(p, r);
	run_facts_draw(p, r, false);
}

/* --- arranging and drawing -------------------------------------------------------------------------------------------------------- */

static void
form_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct form *s = state_of(p);
	const struct run_info *r = run_of(s, v);
	struct pen_measure m;
	struct pen *pen = pen_measure(&m, w);

	if (r != NULL)
		draw_plan(pen, r);
	s->n_rows = pen_measure_done(&m);
	s->page = h - ANSWER_H < 1 ? 1 : h - ANSWER_H;
	/* The row that separates the answer gives way where that is all it takes. */
	if (s->n_rows == s->page + 1)
		s->page++;
	if (s->top > s->n_rows - s->page)
		s->top = s->n_rows - s->page;
	if (s->top < 0)
		s->top = 0;
	s->is_seen |= s->top + s->page >= s->n_rows;
}

static bool
is_typed(const struct form *s, const struct run_info *r)
{
	return *r->target != '\0' && strcmp(s->typed.text, r->target) == 0;	/* no target: nothing can be typed that is it */
}

static void
draw_typed(struct canvas *c, const struct form *s, const struct run_info *r)
{
	bool is_right = is_typed(s, r);
	int y = c->h - 2, x;

	x = canvas_text(c, 1, y, ROLE_TEXT, "Type");
	x = canvas_text_w(c, x + 1, y, c->w / 2, ROLE_STRONG, r->target, false);
	canvas_text_w(c, x + 1, y, c->w - x - 2, ROLE_TEXT, s->is_seen ? "to run it, Esc to leave" : "to run it, Esc to leave   Down: more to read", false);
	editor_draw(c, 1, c->h - 1, c->w / 2, &s->typed, true);
	if (is_right)
		canvas_text_w(c, c->w / 2 + 3, c->h - 1, c->w / 2 - 4, s->is_seen ? ROLE_WARNING : ROLE_DIM, s->is_seen ? "Enter runs it" :
		    "read it to the end first", false);
	else if (s->is_enter_pressed)
		canvas_text_w(c, c->w / 2 + 3, c->h - 1, c->w / 2 - 4, ROLE_WARNING, "not what is to be typed", false);
}

static void
draw_yes_no(struct canvas *c, const struct form *s)
{
	int y = c->h - 1, x;

	if (!s->is_seen) {
		canvas_text_w(c, 1, y, c->w - 2, ROLE_KEY, "j more to read below    Esc leave", false);
		return;
	}
	x = canvas_text(c, 1, y, s->is_enter_pressed ? ROLE_WARNING : ROLE_KEY, "y");
	x = canvas_text(c, x + 1, y, ROLE_TEXT, s->is_enter_pressed ? "runs it; Enter does not" : "run it at once, without Enter");
	x = canvas_text(c, x + 4, y, ROLE_KEY, "n");
	canvas_text(c, x + 1, y, ROLE_TEXT, "leave it");
}

static void
form_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct form *s = state_of(p);
	const struct run_info *r = run_of(s, v);
	const char *why = refusal_of(s, v);
	struct canvas page = canvas_sub(c, 0, 0, c->w, s->page);
	struct pen pen = { .c = &page, .y = -s->top };

	if (r != NULL)
		draw_plan(&pen, r);
	if (why != NULL) {
		int x = canvas_text_w(c, 1, c->h - 1, c->w - 14, ROLE_ERROR, why, false);

		canvas_text(c, x + 2, c->h - 1, ROLE_TEXT, "Esc leave");
	} else if (r->is_confirm_typed) {
		draw_typed(c, s, r);
	} else {
		draw_yes_no(c, s);
	}
}

/* The hash beside the name of the environment: what is confirmed is this plan. */
static void
form_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct form *s = state_of(p);
	const struct run_info *r = run_of(s, v);
	const struct environment *e = v->live != NULL ? model_environment(v->live) : NULL;

	snprintf(buf, size, "%.40s%s  danger %s  plan %.4s %.4s", r != NULL ? r->env : "", e != NULL && e->is_protected ? " (protected)" : "",
	    r != NULL ? danger_name(r->danger) : "?", s->plan, s->plan + (strlen(s->plan) >= 4 ? 4 : 0));
}

/* --- keys -------------------------------------------------------------------------------------------------------------------------------- */

static struct op *
go(const struct form *s, const struct view *v)
{
	const struct run_info *r = run_of(s, v);
	struct op *op;

	if (refusal_of(s, v) != NULL || !s->is_seen || (r->is_confirm_typed && !is_typed(s, r)))
		return NULL;
	op = op_text(OP_RUN_GO, "%s", s->run);
	op->arg = r->is_confirm_typed ? xstrdup(s->typed.text) : NULL;
	op->source = xstrdup(s->plan);
	op->is_confirmed = true;
	return op;
}

static bool
scroll_key(struct form *s, int key)
{
	switch (key) {
	case KEY_DOWN_: s->top++; return true;
	case KEY_UP_: s->top--; return true;
	case KEY_PGDN: s->top += s->page; return true;
	case KEY_PGUP: s->top -= s->page; return true;
	default: return false;
	}
}

static void
typed_key(struct form *s, const struct view *v, int key, struct op **ret_op)
{
	if (key == KEY_ENTER_ && !s->typed.is_pasting) {
		*ret_op = go(s, v);
		s->is_enter_pressed = *ret_op == NULL;
	} else if (editor_key(&s->typed, key)) {
		s->is_enter_pressed = false;
	}
}

static void
yes_no_key(struct form *s, const struct view *v, int key, struct op **ret_op)
{
	if (key == 'y')
		*ret_op = go(s, v);
	else if (key == 'n' || key == 'q')
		*ret_op = op_new(OP_CLOSE);
	else if (key == 'j')
		s->top++;
	else if (key == 'k')
		s->top--;
	s->is_enter_pressed |= key == KEY_ENTER_;
}

/* Every key ends here: nothing else may happen while the question stands. */
static bool
form_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct form *s = state_of(p);
	const struct run_info *r = run_of(s, v);

	if (key == KEY_ESC || key == (KEY_CTRL | 'c'))
		*ret_op = op_new(OP_CLOSE);
	else if (r == NULL || scroll_key(s, key))
		return true;
	else if (r->is_confirm_typed)
		typed_key(s, v, key, ret_op);
	else
		yes_no_key(s, v, key, ret_op);
	return true;
}

static void
form_close(struct panel *p)
{
	struct form *s = state_of(p);

	free(s->run);
	free(s->plan);
}

static const struct command no_commands[] = { { 0 } };

const struct panel_ops panel_run_confirm = {
	.name = "run-confirm",
	.title = "Run this plan?",
	.help = "What a planned run would do; a dangerous one is confirmed by typing its target.",
	.flags = PANEL_DIALOG,
	.state_size = sizeof(struct form),
	.watches = MODEL_RUNS,
	.commands = no_commands,
	.open = form_open,
	.arrange = form_arrange,
	.draw = form_draw,
	.key = form_key,
	.summary = form_summary,
	.close = form_close,
};
