/*
 * Runbooks: what can be run, those offered for what fires first. Enter opens the form of the parameters; that leads to a plan, which changes nothing,
 * and only from there to a run.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "runbooks.h"
#include "ui/key.h"

#define ALERT_PREFIX "alert:"

static struct runbooks_panel *
state_of(const struct panel *p)
{
	return p->state;
}

static const struct runbooks_row *
selected(const struct runbooks_panel *s)
{
	return s->list.selected >= 0 && s->list.selected < s->n ? &s->rows[s->list.selected] : NULL;
}

static void
set_text(char **slot, const char *text)
{
	free(*slot);
	*slot = xstrdup_or_null(text);
}

/* --- arranging and drawing ------------------------------------------------------------------------------------------------- */

static void
clamp_detail(struct runbooks_panel *s, const struct view *v)
{
	struct pen_measure measure;
	int most = 0;

	if (s->split.kind != SPLIT_NONE && s->detail_top > 0 && selected(s) != NULL) {
		runbooks_detail_draw(pen_measure(&measure, s->split.detail_w), v, model_runbooks(v->model), selected(s));
		most = pen_measure_done(&measure) - s->split.detail_h;
	}
	most = most < 0 ? 0 : most;
	s->detail_top = s->detail_top > most ? most : s->detail_top;
}

static void
runbooks_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct runbooks_panel *s = state_of(p);

	runbooks_rows_build(s, v->model);
	s->split = part_split(w, h, s->is_detail && s->n > 0, s->n + 1);
	s->page = s->split.list_h - (s->split.list_h >= 4);
	s->page = s->page < 1 ? 1 : s->page;
	list_arrange(&s->list, s->ids, s->n, s->page);
	clamp_detail(s, v);
}

static void
draw_empty(const struct runbooks_panel *s, const struct view *v, struct canvas *c)
{
	struct pen pen = { .c = c };

	if (model_runbooks(v->model) == NULL) {
		pen_text(&pen, ROLE_UNKNOWN, GLYPH_UNKNOWN " not known: runbooks have not been read yet");
	} else if (s->n_filtered > 0 && s->alert != NULL && *s->alert != '\0') {
		pen_printf(&pen, ROLE_TEXT, "None of %zu runbooks is offered for %s.", s->n_filtered, s->alert);
		pen_text(&pen, ROLE_DIM, "Esc shows all of them.");
	} else if (s->n_filtered > 0) {
		pen_printf(&pen, ROLE_TEXT, "None of %zu runbooks matches the filter.", s->n_filtered);
		pen_text(&pen, ROLE_DIM, "Esc clears it.");
	} else {
		pen_text(&pen, ROLE_TEXT, "There are no runbooks.");
		pen_field(&pen, "runbooks:", ROLE_DIM, "in opsconsole.yaml names folders of them; man opsconsole-runbook has one to copy.");
	}
}

static void
runbooks_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct runbooks_panel *s = state_of(p);
	struct canvas list, part;
	struct pen pen;

	if (part_not_recorded(c, v))
		return;
	if (s->n == 0) {
		draw_empty(s, v, c);
		return;
	}
	list = canvas_sub(c, 0, 0, s->split.list_w, s->split.list_h);
	if (list.h > 0)
		runbooks_rows_draw(s, v, &list);
	if (s->split.kind == SPLIT_NONE || selected(s) == NULL)
		return;
	part = part_split_detail(c, &s->split);
	pen = (struct pen){ .c = &part, .y = -s->detail_top };
	runbooks_detail_draw(&pen, v, model_runbooks(v->model), selected(s));
	part_more(&part, pen.y);
}

static void
runbooks_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct runbooks_panel *s = state_of(p);
	char hidden[48] = "", broken[48] = "";

	if (v->model == NULL) {
		snprintf(buf, size, "? not recorded");
		return;
	}
	if (s->n_filtered > 0)
		snprintf(hidden, sizeof hidden, "  (%zu not shown)", s->n_filtered);
	if (s->n_broken > 0)
		snprintf(broken, sizeof broken, ", %d with mistakes", s->n_broken);
	if (s->alert != NULL && *s->alert != '\0')
		snprintf(buf, size, "for %.60s%s", s->alert, hidden);
	else
		snprintf(buf, size, "%d, %d offered now%s%s", s->n - s->n_broken, s->n_offered, broken, hidden);
}

static void
runbooks_filter(struct panel *p, const char *text)
{
	set_text(&state_of(p)->filter, text);
}

static void
runbooks_show(struct panel *p, const struct view *v, const char *arg)
{
	struct runbooks_panel *s = state_of(p);

	(void)v;
	set_text(&s->filter, NULL);
	if (str_has_prefix(arg, ALERT_PREFIX)) {
		set_text(&s->alert, arg + strlen(ALERT_PREFIX));
		s->list.selected = 0;
		s->list.selected_id = 0;
		return;
	}
	set_text(&s->alert, NULL);
	s->list.selected_id = runbooks_id(arg);
	s->is_detail = true;
	s->detail_top = 0;
}

static void
runbooks_close(struct panel *p)
{
	struct runbooks_panel *s = state_of(p);

	runbooks_rows_done(s);
	free(s->filter);
	free(s->alert);
}

/* --- commands ----------------------------------------------------------------------------------------------------------------- */

static struct op *
move(struct runbooks_panel *s, int by)
{
	list_move(&s->list, s->ids, s->n, by);
	s->detail_top = 0;
	return NULL;
}

/* The form is told which alert it is for: that ends up in the plan. */
static struct op *
run_selected(const struct runbooks_panel *s, const struct view *v)
{
	const struct runbooks_row *row = selected(s);
	const struct runbook_set *set = v->model != NULL ? model_runbooks(v->model) : NULL;
	const struct model_alert *offer;
	struct op *op;

	if (row == NULL || set == NULL || row->index >= (row->is_problem ? set->problems.n : set->n))
		return op_text(OP_MESSAGE, "no runbook is selected");
	if (row->is_problem || *set->v[row->index].error != '\0')
		return op_text(OP_ERROR, "its file has mistakes: %s", row->is_problem ? set->problems.v[row->index] : set->v[row->index].error);
	offer = model_runbook_offer(v->model, row->index);
	op = op_text(OP_RUNBOOK_FORM, "%s", set->v[row->index].name);
	if (s->alert != NULL && *s->alert != '\0')
		op->arg = xstrdup(s->alert);
	else if (offer != NULL)
		op->arg = xstrdup(offer->name);
	return op;
}

static struct op *
scroll_detail(struct runbooks_panel *s, int by)
{
	s->detail_top += by;
	s->detail_top = s->detail_top < 0 ? 0 : s->detail_top;
	return NULL;
}

static struct op *
toggle_detail(struct runbooks_panel *s)
{
	s->is_detail = !s->is_detail;
	s->detail_top = 0;
	return NULL;
}

#define COMMAND(name, ...)								\
	static struct op *								\
	runbooks_##name(struct panel *p, const struct view *v, const char *arg)		\
	{										\
		struct runbooks_panel *s = state_of(p);					\
											\
		(void)v;								\
		(void)arg;								\
		__VA_ARGS__								\
	}

COMMAND(run, return run_selected(s, v);)
COMMAND(details, return toggle_detail(s);)
COMMAND(runs, (void)s; return op_text(OP_PANEL, "run");)
COMMAND(next, return move(s, 1);)
COMMAND(previous, return move(s, -1);)
COMMAND(page_down, return move(s, s->page);)
COMMAND(page_up, return move(s, -s->page);)
COMMAND(first, return move(s, INT_MIN);)
COMMAND(last, return move(s, INT_MAX);)
COMMAND(detail_down, return scroll_detail(s, 3);)
COMMAND(detail_up, return scroll_detail(s, -3);)

static const struct command runbooks_commands[] = {
	{ "plan", "Enter", CMD_HINT, runbooks_run, "fill in the parameters and plan it: nothing is changed yet" },
	{ "run", "r", CMD_HIDDEN, runbooks_run, "fill in the parameters and plan it" },
	{ "details", "d", CMD_HINT, runbooks_details, "show all of the runbook" },
	{ "runs", "g", CMD_HINT, runbooks_runs, "go to the runs" },
	{ "next", "j", 0, runbooks_next, "select the next row" },
	{ "previous", "k", 0, runbooks_previous, "select the row before" },
	{ "next-arrow", "Down", CMD_HIDDEN, runbooks_next, "select the next row" },
	{ "previous-arrow", "Up", CMD_HIDDEN, runbooks_previous, "select the row before" },
	{ "page-down", "PgDn", 0, runbooks_page_down, "a page down" },
	{ "page-up", "PgUp", 0, runbooks_page_up, "a page up" },
	{ "first", "Home", 0, runbooks_first, "select the first row" },
	{ "last", "End", 0, runbooks_last, "select the last row" },
	{ "detail-down", "J", 0, runbooks_detail_down, "scroll the details down" },
	{ "detail-up", "K", 0, runbooks_detail_up, "scroll the details up" },
	{ 0 }
};

/* Esc closes what was opened, then shows all of them again, before it means anything else. */
static bool
runbooks_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct runbooks_panel *s = state_of(p);

	(void)v;
	(void)ret_op;
	if (key != KEY_ESC || (!s->is_detail && s->alert == NULL))
		return false;
	if (s->is_detail)
		s->is_detail = false;
	else
		set_text(&s->alert, NULL);
	return true;
}

const struct panel_ops panel_runbooks = {
	.name = "runbooks",
	.title = "Runbooks",
	.help = "What can be run, those offered for what fires first; Enter plans one, which changes nothing yet; filter with / (words, !word, name=rollback, "
	    "danger=high).",
	.state_size = sizeof(struct runbooks_panel),
	.watches = MODEL_RUNBOOKS | MODEL_ALERTS,
	.commands = runbooks_commands,
	.show = runbooks_show,
	.arrange = runbooks_arrange,
	.draw = runbooks_draw,
	.key = runbooks_key,
	.filter = runbooks_filter,
	.summary = runbooks_summary,
	.close = runbooks_close,
};
