/*
 * Runbooks: what can be run, those offered for what fires first. Enter opens the form of the parameters; that leads to a plan, which changes nothing,
 * and only from there to a run.
 */
#include "config.h"

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
	return list_detail_selected(&s->ld) >= 0 ? &s->rows[s->ld.list.selected] : NULL;
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
	int rows = 0;

	if (list_detail_is_scrolled(&s->ld) && selected(s) != NULL) {
		runbooks_detail_draw(pen_measure(&measure, s->ld.split.detail_w), v, model_runbooks(v->model), selected(s));
		rows = pen_measure_done(&measure);
	}
	list_detail_clamp(&s->ld, rows);
}

static void
runbooks_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct runbooks_panel *s = state_of(p);

	runbooks_rows_build(s, v->model);
	list_detail_stay_first(&s->ld);
	list_detail_split(&s->ld, w, h, s->ld.n + 1);
	list_detail_fit(&s->ld, list_detail_header(&s->ld, LIST_HEADER_FROM, s->ld.n));
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
		list_detail_no_match(&s->ld, c, s->n_filtered, "runbooks");
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
	if (s->ld.n == 0) {
		draw_empty(s, v, c);
		return;
	}
	list = canvas_sub(c, 0, 0, s->ld.split.list_w, s->ld.split.list_h);
	if (list.h > 0)
		runbooks_rows_draw(s, v, &list);
	if (s->ld.split.kind == SPLIT_NONE || selected(s) == NULL)
		return;
	part = part_split_detail(c, &s->ld.split);
	pen = (struct pen){ .c = &part, .y = -s->ld.detail_top };
	runbooks_detail_draw(&pen, v, model_runbooks(v->model), selected(s));
	part_more(&part, pen.y);
}

static void
runbooks_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct runbooks_panel *s = state_of(p);
	char hidden[48] = "", broken[48] = "", beyond[LIST_DETAIL_TEXT_MAX];

	if (v->model == NULL) {
		snprintf(buf, size, "? not recorded");
		return;
	}
	if (s->n_filtered > 0)
		snprintf(hidden, sizeof hidden, "%zu not shown  ", s->n_filtered);
	if (s->n_broken > 0)
		snprintf(broken, sizeof broken, ", %d with mistakes", s->n_broken);
	list_detail_beyond(&s->ld, false, beyond);
	if (s->alert != NULL && *s->alert != '\0')
		snprintf(buf, size, "%s%sfor %.60s", beyond, hidden, s->alert);
	else
		snprintf(buf, size, "%s%s%d, %d offered now%s", beyond, hidden, s->ld.n - s->n_broken, s->n_offered, broken);
}

static void
runbooks_show(struct panel *p, const struct view *v, const char *arg)
{
	struct runbooks_panel *s = state_of(p);

	(void)v;
	if (str_has_prefix(arg, ALERT_PREFIX)) {
		list_detail_filter(p, NULL);
		set_text(&s->alert, arg + strlen(ALERT_PREFIX));
		s->ld.has_moved = false;
		return;
	}
	set_text(&s->alert, NULL);
	list_detail_show(&s->ld, runbooks_id(arg));
}

static void
runbooks_close(struct panel *p)
{
	struct runbooks_panel *s = state_of(p);

	runbooks_rows_done(s);
	list_detail_done(&s->ld);
	free(s->alert);
}

/* --- commands ----------------------------------------------------------------------------------------------------------------- */

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
COMMAND(runs, (void)s; return op_text(OP_PANEL, "run");)

static const struct command runbooks_commands[] = {
	{ "plan", "Enter", CMD_HINT, runbooks_run, "fill in the parameters and plan it: nothing is changed yet" },
	{ "run", "r", CMD_HIDDEN, runbooks_run, "fill in the parameters and plan it" },
	{ "details", "d", CMD_HINT, list_detail_details, "show all of the runbook" },
	{ "runs", "g", CMD_HINT, runbooks_runs, "go to the runs" },
	LIST_DETAIL_COMMANDS,
	{ 0 }
};

/* Esc closes what was opened, then shows all of them again, before it means anything else. */
static bool
runbooks_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct runbooks_panel *s = state_of(p);

	if (list_detail_key(p, v, key, ret_op))
		return true;
	if (key != KEY_ESC || s->alert == NULL)
		return false;
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
	.filter = list_detail_filter,
	.summary = runbooks_summary,
	.close = runbooks_close,
};
