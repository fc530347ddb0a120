/*
 * Runs: a plan before it is confirmed, and a run while it goes on and after. A row for each host, a column for
 * each step; below it what the selected step said, folded, what is next and what is recorded. Stopping is always
 * allowed.
 */
#include "config.h"

#include "run.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "ui/key.h"

enum { GRID_ROWS_LEAST = 4, OUTPUTS_LEAST = 3, OUTPUT_LINES = 3, OUTPUT_LINES_ALL = 400, COUNTS_FROM = 8, SUMMARY_MAX = 160 };

static struct run_panel *
state_of(const struct panel *p)
{
	return p->state;
}

const struct run_info *
run_shown(const struct run_panel *s, const struct model *m)
{
	const struct run_info *r = m != NULL && s->run != NULL ? model_run_find(m, s->run) : NULL;

	return r != NULL ? r : part_run_first(m);
}

const struct run_row *
run_selected(const struct run_panel *s, const struct run_info *r, size_t *ret_row)
{
	if (s->list.selected < 0 || s->list.selected >= s->n || s->order[s->list.selected] >= r->n_rows)
		return NULL;
	if (ret_row != NULL)
		*ret_row = s->order[s->list.selected];
	return &r->rows[s->order[s->list.selected]];
}

const char *
run_row_name(const struct run_row *row)
{
	return *row->host != '\0' ? row->host : "(once)";
}

const struct run_row *
run_row_of_step(const struct run_info *r, const struct run_row *row, unsigned column)
{
	const struct run_column *col = &r->columns[column];
	bool is_step = col->phase == PHASE_STEP || col->phase == PHASE_CLOSING;

	for (size_t i = 0; is_step && col->is_run_scope && *row->host != '\0' && i < r->n_rows; i++)
		if (*r->rows[i].host == '\0')
			return &r->rows[i];
	return row;
}

/* --- arranging --------------------------------------------------------------------------------------------------------------- */

static int
at_most(int v, int most)
{
	return v > most ? (most < 0 ? 0 : most) : v;
}

/* Another run than before: what was folded, scrolled and asked belonged to that one. */
static void
follow(struct run_panel *s, const struct run_info *r)
{
	if (s->shown != NULL && strcmp(s->shown, r->id) == 0)
		return;
	free(s->shown);
	s->shown = xstrdup(r->id);
	s->is_detail = s->is_outputs = s->is_answering = false;
	s->detail_top = s->outputs_top = 0;
	s->list = (struct list){ 0 };
	s->column = s->column_left = 0;
	/* The first step is what one wants to see, not what was looked at before it. */
	while (s->column + 1 < r->n_columns && r->columns[s->column].phase == PHASE_CHECK)
		s->column++;
	if (s->column < r->n_columns && r->columns[s->column].phase != PHASE_STEP)
		s->column = 0;
}

static int
facts_rows(const struct run_info *r, int w)
{
	struct pen_measure m;

	run_plan_draw(pen_measure(&m, w), r);
	return pen_measure_done(&m);
}

static int
outputs_rows(const struct run_panel *s, const struct view *v, const struct run_info *r, int w, int lines_max)
{
	struct pen_measure m;

	run_outputs_draw(pen_measure(&m, w), s, v->model, r, lines_max);
	return pen_measure_done(&m);
}

/*
 * Head and tail have their rows; then the grid its least, the plan's facts what they need, the grid the rest, and
 * the outputs what it leaves.
 */
static void
share_rows(struct run_panel *s, const struct view *v, const struct run_info *r, int w, int h)
{
	int left, least = at_most(s->n, GRID_ROWS_LEAST) + 1;

	s->has_counts = s->n > COUNTS_FROM;
	s->head_h = run_head_rows(r, w, h);
	left = h - s->head_h - run_tail_rows(r, h) - s->has_counts;
	s->facts_h = 0;
	if (run_is_plan(r)) {
		int rows = facts_rows(r, w);

		s->facts_h = at_most(rows, left - least);
		s->outputs_top = at_most(s->outputs_top, rows - s->facts_h);
	}
	left -= s->facts_h;
	s->outputs_h = 0;
	if (!run_is_plan(r) && s->n_groups > 0) {
		int want = 1 + outputs_rows(s, v, r, w, OUTPUT_LINES), spare = left - (s->n + 1);

		s->outputs_h = at_most(want, spare > left / 3 ? spare : left / 3);
		if (s->outputs_h < OUTPUTS_LEAST)
			s->outputs_h = 0;
	}
	s->grid_h = at_most(s->n + 1, left - s->outputs_h);
}

static void
clamp_scroll(struct run_panel *s, const struct view *v, const struct run_info *r)
{
	const struct run_row *row = run_selected(s, r, NULL);
	struct pen_measure m;
	int most = 0;

	if (s->is_outputs)
		s->outputs_top = at_most(s->outputs_top,
		    outputs_rows(s, v, r, s->split.list_w, OUTPUT_LINES_ALL) - (s->split.list_h - s->head_h - 1));
	if (s->split.kind != SPLIT_NONE && s->detail_top > 0 && row != NULL && r->n_columns > 0) {
		run_detail_draw(pen_measure(&m, s->split.detail_w), v, r, run_row_of_step(r, row, s->column), s->column);
		most = pen_measure_done(&m) - s->split.detail_h;
	}
	s->detail_top = at_most(s->detail_top, most);
}

/* One that was only looked at, as all are in a read-only environment, leads nowhere. */
static bool
is_runnable(const struct run_info *r)
{
	return (r->state == RUN_PLANNED || r->state == RUN_PLANNING) && !r->is_dry_run;
}

static void
run_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct run_panel *s = state_of(p);
	const struct run_info *r = run_shown(s, v->model);

	s->n = 0;
	if (r == NULL)
		return;
	follow(s, r);
	s->is_plan = run_is_plan(r);
	s->is_runnable = is_runnable(r);
	s->is_asking = r->question != NULL;
	s->is_going = run_is_under_way(r);
	s->is_answering &= s->is_asking;
	s->is_answer_shown = s->is_answering;
	run_grid_build(s, r);
	s->split = part_split(w, h, s->is_detail && s->n > 0 && r->n_columns > 0, h / 2);
	run_grid_fit(s, v, r, s->split.list_w);
	run_outputs_build(s, v->model, r);
	share_rows(s, v, r, s->split.list_w, s->split.list_h);
	list_arrange(&s->list, s->ids, s->n, s->grid_h - 1);
	clamp_scroll(s, v, r);
}

/* --- drawing -------------------------------------------------------------------------------------------------------------------- */

static void
draw_outputs_heading(struct canvas *c, int y, const struct run_panel *s, const struct run_info *r)
{
	char title[128];

	snprintf(title, sizeof title, "Output of %.80s", s->column < r->n_columns ? r->columns[s->column].name : "");
	part_heading(c, y, title, run_outputs_differ(s) ? "not all said the same" : "");
}

static void
draw_outputs(const struct run_panel *s, const struct view *v, const struct run_info *r, struct canvas *c, int top, int lines_max)
{
	struct canvas below = canvas_sub(c, 0, 1, c->w, c->h - 1);
	struct pen pen = { .c = &below, .y = -top };

	draw_outputs_heading(c, 0, s, r);
	if (s->n_groups == 0)
		canvas_text_w(&below, 1, 0, c->w - 2, ROLE_DIM, "No output of this step is kept. h and l go to another step.", false);
	run_outputs_draw(&pen, s, v->model, r, lines_max);
	if (pen.y > below.h && below.h > 2) {
		canvas_fill(&below, 0, below.h - 1, below.w, 1, ROLE_TEXT);
		canvas_text_right(&below, below.w - 1, below.h - 1, ROLE_DIM, lines_max > OUTPUT_LINES ? "J more" : "f all of it");
	}
}

static void
draw_main(const struct run_panel *s, const struct view *v, const struct run_info *r, struct canvas *c)
{
	int y = s->head_h, tail_h = run_tail_rows(r, c->h);
	struct canvas part = canvas_sub(c, 0, 0, c->w, s->head_h);
	struct pen pen = { .c = &part };
	char counts[SUMMARY_MAX];

	run_head_draw(&part, v, r);
	if (s->is_outputs) {
		part = canvas_sub(c, 0, y, c->w, c->h - y);
		draw_outputs(s, v, r, &part, s->outputs_top, OUTPUT_LINES_ALL);
		return;
	}
	part = canvas_sub(c, 0, y, c->w, s->facts_h);
	pen.y = -s->outputs_top;
	if (s->facts_h > 0)
		run_plan_draw(&pen, r);
	part_more(&part, pen.y);
	y += s->facts_h;
	part = canvas_sub(c, 0, y, c->w, s->grid_h);
	if (s->grid_h > 0)
		run_grid_draw(s, v, r, &part);
	y += s->grid_h;
	if (s->has_counts && c->h > y) {
		int shown = s->grid_h - 1;

		canvas_text_w(c, 1, y, c->w - 16, ROLE_DIM, run_counts_text(r, counts, sizeof counts), false);
		if (s->n > shown)
			snprintf(counts, sizeof counts, "%d-%d of %d", s->list.top + 1, s->list.top + shown, s->n);
		if (s->n > shown)
			canvas_text_right(c, c->w - 1, y, ROLE_DIM, counts);
		y++;
	}
	part = canvas_sub(c, 0, y, c->w, s->outputs_h);
	if (s->outputs_h > 0)
		draw_outputs(s, v, r, &part, 0, OUTPUT_LINES);
	part = canvas_sub(c, 0, c->h - tail_h, c->w, tail_h);
	run_tail_draw(&part, s, r, c->h);
}

/* Somebody was killed over it, or the power failed: what its last steps did is to be found out. */
static void
draw_left(struct pen *pen, const struct view *v)
{
	const struct runbook_set *set = model_runbooks(v->model);

	for (size_t i = 0; set != NULL && i < set->n_past; i++) {
		const struct past_run *past = &set->past[i];

		if (!past->is_left)
			continue;
		pen_printf(pen, ROLE_WARNING, "Run %s of %s has no end recorded.", past->run, past->runbook);
		pen_printf(pen, ROLE_TEXT, "opsconsole --runbook %s --resume %s finds out", past->runbook, past->run);
	}
}

static void
run_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct run_panel *s = state_of(p);
	const struct run_info *r = run_shown(s, v->model);
	const struct run_row *row;
	struct canvas part;
	struct pen pen = { .c = c };

	if (part_not_recorded(c, v))
		return;
	if (r == NULL) {
		pen_text(&pen, ROLE_TEXT, "Nothing has been run since the console began.");
		pen_text(&pen, ROLE_DIM, "8 lists what can be run; what was run before is there with each runbook.");
		draw_left(&pen, v);
		return;
	}
	part = canvas_sub(c, 0, 0, s->split.list_w, s->split.list_h);
	if (part.h > 0)
		draw_main(s, v, r, &part);
	row = run_selected(s, r, NULL);
	if (s->split.kind == SPLIT_NONE || row == NULL)
		return;
	part = part_split_detail(c, &s->split);
	pen = (struct pen){ .c = &part, .y = -s->detail_top };
	run_detail_draw(&pen, v, r, run_row_of_step(r, row, s->column), s->column);
	part_more(&part, pen.y);
}

static void
run_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct run_info *r = run_shown(state_of(p), v->model);
	size_t n = v->model != NULL ? model_runs(v->model) : 0, at = 0;
	char several[48] = "";

	if (r == NULL) {
		snprintf(buf, size, "%s", v->model == NULL ? "? not recorded" : "none");
		return;
	}
	while (at < n && model_run(v->model, at) != r)
		at++;
	if (n > 1)
		snprintf(several, sizeof several, "  %zu of %zu, [ ] others", n - at, n);
	snprintf(buf, size, "%s%s%s", run_is_plan(r) ? "plan: nothing is changed" : part_run_word(r),
	    r->is_ours ? "" : ", run elsewhere", several);
}

static void
run_show(struct panel *p, const struct view *v, const char *arg)
{
	struct run_panel *s = state_of(p);

	(void)v;
	free(s->run);
	s->run = xstrdup(arg);
}

static void
run_close(struct panel *p)
{
	struct run_panel *s = state_of(p);

	run_outputs_done(s);
	free(s->order);
	free(s->ids);
	free(s->run);
	free(s->shown);
}

/* --- commands ---------------------------------------------------------------------------------------------------------------------- */

static struct op *
move(struct run_panel *s, int by)
{
	list_move(&s->list, s->ids, s->n, by);
	s->detail_top = 0;
	return NULL;
}

static struct op *
move_column(struct run_panel *s, const struct run_info *r, int by)
{
	int to = (int)s->column + by;

	if (r != NULL && to >= 0 && (size_t)to < r->n_columns)
		s->column = (unsigned)to;
	s->detail_top = s->outputs_top = 0;
	return NULL;
}

static struct op *
scroll(struct run_panel *s, int by)
{
	int *top = s->is_detail ? &s->detail_top : &s->outputs_top;

	*top += by;
	*top = *top < 0 ? 0 : *top;
	return NULL;
}

/* Newest first: [ goes back to older ones. */
static struct op *
switch_run(struct run_panel *s, const struct view *v, int by)
{
	const struct run_info *r = run_shown(s, v->model);
	size_t n = v->model != NULL ? model_runs(v->model) : 0, at = 0;

	while (at < n && model_run(v->model, at) != r)
		at++;
	if (n < 2 || (by < 0 && at + 1 >= n) || (by > 0 && at == 0))
		return op_text(OP_MESSAGE, n < 2 ? "there is no other run" : by < 0 ? "this is the oldest run kept" : "this is the newest run");
	free(s->run);
	s->run = xstrdup(model_run(v->model, by < 0 ? at + 1 : at - 1)->id);
	return NULL;
}

static struct op *
answer(struct run_panel *s, const struct run_info *r)
{
	if (r == NULL || r->question == NULL)
		return op_text(OP_MESSAGE, "nothing is asked");
	if (!r->is_ours)
		return op_text(OP_MESSAGE, "%s is run by %s elsewhere: it is answered there", r->id, r->actor);
	s->is_answering = true;
	s->is_answer_shown = false;
	return NULL;
}

/* Enter goes on: from a plan to its confirmation, from a run to what its steps said. */
static struct op *
enter(struct run_panel *s, const struct run_info *r)
{
	if (r != NULL && is_runnable(r))
		return run_act_open(s, r);
	s->is_detail = !s->is_detail;
	s->detail_top = 0;
	return NULL;
}

#define COMMAND(name, ...)								\
	static struct op *								\
	run_##name(struct panel *p, const struct view *v, const char *arg)		\
	{										\
		struct run_panel *s = state_of(p);					\
		const struct run_info *r = run_shown(s, v->model);			\
											\
		(void)r;								\
		(void)arg;								\
		__VA_ARGS__								\
	}

COMMAND(enter, return enter(s, r);)
COMMAND(details, s->is_detail = !s->is_detail; s->detail_top = 0; return NULL;)
COMMAND(go, return run_act_open(s, r);)
COMMAND(stop, (void)s; return run_act_stop(r);)
COMMAND(skip, return run_act_skip(r, r != NULL ? run_selected(s, r, NULL) : NULL);)
COMMAND(retry, return run_act_retry(r, r != NULL ? run_selected(s, r, NULL) : NULL);)
COMMAND(undo, (void)s; return run_act_undo(r);)
COMMAND(answer, return answer(s, r);)
COMMAND(outputs, s->is_outputs = !s->is_outputs; s->outputs_top = 0; return NULL;)
COMMAND(sort, s->is_worst_first = !s->is_worst_first; s->list = (struct list){ 0 }; return NULL;)
COMMAND(older, return switch_run(s, v, -1);)
COMMAND(newer, return switch_run(s, v, 1);)
COMMAND(left, return move_column(s, r, -1);)
COMMAND(right, return move_column(s, r, 1);)
COMMAND(next, return move(s, 1);)
COMMAND(previous, return move(s, -1);)
COMMAND(page_down, return move(s, s->grid_h > 2 ? s->grid_h - 1 : 1);)
COMMAND(page_up, return move(s, s->grid_h > 2 ? 1 - s->grid_h : -1);)
COMMAND(first, return move(s, INT_MIN);)
COMMAND(last, return move(s, INT_MAX);)
COMMAND(scroll_down, return scroll(s, 3);)
COMMAND(scroll_up, return scroll(s, -3);)

static const struct command run_commands[] = {
	{ "open", "Enter", CMD_HINT, run_enter, "a plan: to its confirmation; a run: all of the selected step on the selected host" },
	{ "go", "r", CMD_HINT, run_go, "run this plan: asks first" },
	{ "stop", "x", CMD_HINT, run_stop, "begin nothing new; again: cancel what runs. A plan is forgotten" },
	{ "answer", "a", CMD_WRITES | CMD_HINT, run_answer, "answer what the run asks" },
	{ "undo", "u", CMD_WRITES | CMD_HINT, run_undo, "undo what was done, the last first" },
	{ "retry", "t", CMD_WRITES | CMD_HINT, run_retry, "try the selected host again if it failed, else all that failed" },
	{ "skip", "s", CMD_WRITES | CMD_HINT, run_skip, "leave the selected host out from here on" },
	{ "outputs", "f", CMD_HINT, run_outputs, "what the selected step said on all hosts, the same text once" },
	{ "sort", "o", 0, run_sort, "failed and running hosts first, or as planned" },
	{ "details", "d", 0, run_details, "all of the selected step on the selected host: its exact command" },
	{ "older", "[", 0, run_older, "the run before" },
	{ "newer", "]", 0, run_newer, "the run after" },
	{ "left", "h", 0, run_left, "select the step before" },
	{ "right", "l", 0, run_right, "select the next step" },
	{ "left-arrow", "Left", CMD_HIDDEN, run_left, "select the step before" },
	{ "right-arrow", "Right", CMD_HIDDEN, run_right, "select the next step" },
	{ "next", "j", 0, run_next, "select the next host" },
	{ "previous", "k", 0, run_previous, "select the host before" },
	{ "next-arrow", "Down", CMD_HIDDEN, run_next, "select the next host" },
	{ "previous-arrow", "Up", CMD_HIDDEN, run_previous, "select the host before" },
	{ "page-down", "PgDn", 0, run_page_down, "a page down" },
	{ "page-up", "PgUp", 0, run_page_up, "a page up" },
	{ "first", "Home", 0, run_first, "select the first host" },
	{ "last", "End", 0, run_last, "select the last host" },
	{ "scroll-down", "J", 0, run_scroll_down, "scroll the details, the outputs or a plan's text down" },
	{ "scroll-up", "K", 0, run_scroll_up, "scroll the details, the outputs or a plan's text up" },
	{ 0 }
};

/* Only what can be done now. */
static const char *
run_hint(const struct panel *p, const struct command *c)
{
	const struct run_panel *s = state_of(p);

	if (!(c->flags & CMD_HINT) || s->n == 0)
		return NULL;
	if (strcmp(c->name, "open") == 0)
		return s->is_runnable ? "confirm" : "all of it";
	if (strcmp(c->name, "go") == 0)
		return NULL;
	if (strcmp(c->name, "stop") == 0)
		return s->is_plan ? "forget" : s->is_going ? "stop" : NULL;
	if (strcmp(c->name, "answer") == 0)
		return s->is_asking ? c->name : NULL;
	if (strcmp(c->name, "skip") == 0)
		return s->is_going ? c->name : NULL;
	return s->is_plan ? NULL : c->name;
}

/* While it is being answered every key is the answer; what was typed before that was on the screen is none. Esc
 * closes what was opened. */
static bool
run_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct run_panel *s = state_of(p);
	const struct run_info *r = run_shown(s, v->model);

	if (s->is_answering && r != NULL && r->question != NULL) {
		if (key == KEY_ESC)
			s->is_answering = false;
		else if (s->is_answer_shown)
			*ret_op = run_act_answer(r, key);
		s->is_answering &= *ret_op == NULL;
		return key != 'x' || *ret_op != NULL;	/* stopping is always possible */
	}
	if (key != KEY_ESC || (!s->is_detail && !s->is_outputs))
		return false;
	if (s->is_detail)
		s->is_detail = false;
	else
		s->is_outputs = false;
	return true;
}

const struct panel_ops panel_run = {
	.name = "run",
	.title = "Run",
	.help = "A plan before it is confirmed, and runs: hosts and steps, what they said, what is next; x stops, u undoes.",
	.state_size = sizeof(struct run_panel),
	.watches = MODEL_RUNS,
	.commands = run_commands,
	.show = run_show,
	.arrange = run_arrange,
	.draw = run_draw,
	.key = run_key,
	.summary = run_summary,
	.hint = run_hint,
	.close = run_close,
};
