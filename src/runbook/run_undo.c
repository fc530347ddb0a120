/*
 * Undoing one lane: its steps in reverse order, with what was bound when the plan was made. What somebody else has changed since is left alone, and so is what nobody
 * can tell; both are said.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "runbook/run_priv.h"

static bool
is_restore(const struct runbook_step *s)
{
	return s->is_undo_restore;
}

/* It did something, or may have. */
bool
cell_needs_undo(const struct lane *l, size_t column)
{
	const struct cell *c = l->cells != NULL ? &l->cells[column] : NULL;
	const struct column *col = &l->run->columns[column];

	return c != NULL && col->step != NULL && step_changes(col->step) && !col->step->is_undo_nothing && c->is_begun && c->outcome != OUTCOME_UNDONE && c->outcome != OUTCOME_NONE;
}

bool
cell_can_undo(const struct lane *l, size_t column)
{
	const struct cell *c = &l->cells[column];

	return c->undo != NULL || (is_restore(l->run->columns[column].step) && c->act != NULL);
}

static void
undo_enter(struct lane *l, enum lane_state to)
{
	lane_enter(l, to);
}

static void
undo_tell(struct lane *l, enum outcome outcome, const char *text)
{
	char *line = xasprintf("undo: %s", text);

	run_tell(l->run, NOTICE_STEP, &(struct run_notice){ .name = lane_column(l)->name, .host = l->name, .batch = l->batch, .outcome = outcome,
	    .attempt = lane_cell(l)->attempt, .text = line });
	free(line);
}

/* Goes down to the next cell that needs it. */
static void
undo_step_over(struct lane *l)
{
	if (l->column == 0) {
		l->must_undo = false;
		lane_sum_up(l);
		undo_enter(l, LANE_UNDO_DONE);
		return;
	}
	l->column--;
	undo_enter(l, LANE_UNDO_NEXT);
}

static void
undo_failed(struct lane *l, enum outcome outcome, const char *text)
{
	struct cell *c = lane_cell(l);
	char *clean = text_clean(text);

	c->is_undo_failed = true;
	/* What the step did stays true; that it was not taken back is told beside it. */
	text_set(&c->text, "not undone: %s", clean);
	if (outcome == OUTCOME_UNKNOWN)
		c->outcome = OUTCOME_UNKNOWN;
	undo_tell(l, outcome, clean);
	free(clean);
	undo_step_over(l);
}

static void
undo_succeeded(struct lane *l, const char *text)
{
	char *clean = text_clean(text != NULL && *text != '\0' ? text : "taken back");

	cell_set(l, l->column, OUTCOME_UNDONE, clean);
	lane_cell(l)->is_undo_failed = false;
	lane_cell(l)->must_settle = false;
	undo_tell(l, OUTCOME_UNDONE, clean);
	free(clean);
	undo_step_over(l);
}

static void
undo_ended(struct lane *l, const struct act_result *res)
{
	const char *text = res->outcome != OUTCOME_OK && *res->err.msg != '\0' ? res->err.msg : res->text != NULL ? res->text : "";
	char *clean = text_clean(text);

	output_end(l, res);
	if (!res->is_not_begun)
		l->run->last_act_ns = clock_now();
	record_result(l, l->column, true, res->outcome == OUTCOME_OK ? OUTCOME_UNDONE : res->outcome, clean, res);
	free(clean);
	if (res->outcome == OUTCOME_OK)
		undo_succeeded(l, text);
	else
		undo_failed(l, res->outcome, text);
}

static void
on_undo_settled(struct running *running, const struct act_result *res, void *arg)
{
	struct lane *l = arg;

	lane_unbusy(l, running);
	undo_ended(l, res);
	act_free(running);
}

static void
on_undone(struct running *running, const struct act_result *res, void *arg)
{
	struct lane *l = arg;
	struct cell *c = lane_cell(l);
	struct err err = ERR_INIT;

	lane_unbusy(l, running);
	if (res->outcome == OUTCOME_UNKNOWN && c->undo != NULL && lane_begin(l, c->undo, ACT_SETTLE, NULL, false, on_undo_settled, &err) == 0)
		undo_enter(l, LANE_UNDO_SETTLE);
	else
		undo_ended(l, res);
	act_free(running);
}

static void
on_undo_intent(const struct audit_done *done, void *arg)
{
	struct lane *l = arg;
	struct cell *c = lane_cell(l);
	bool must_restore = c->undo == NULL;
	struct err err = ERR_INIT;

	if (done->err_code != 0) {
		run_audit_failed(l->run, done->err);
		undo_failed(l, OUTCOME_FAILED, "not begun: the audit log cannot be written");
		return;
	}
	c->intent = done->seq;
	l->run->seq_last = done->seq;
	if (l->run->is_stop_asked) {
		undo_ended(l, &(struct act_result){ .outcome = OUTCOME_CANCELLED, .is_not_begun = true, .text = "not begun: the run was stopped" });
		return;
	}
	c->undo_begun_ns = clock_now();
	output_begin(l);
	undo_enter(l, LANE_UNDO_ACT);
	if (lane_begin(l, must_restore ? c->act : c->undo, must_restore ? ACT_RESTORE : ACT_DO, must_restore ? c->previous : NULL, true, on_undone, &err) < 0) {
		struct act_result res = { .outcome = OUTCOME_FAILED, .is_not_begun = true, .text = err.msg, .err = err };

		undo_ended(l, &res);
	}
}

static void
undo_intent(struct lane *l)
{
	nonce_make(lane_cell(l)->nonce);
	lane_cell(l)->undo_begun_ns = 0;
	undo_enter(l, LANE_UNDO_INTENT);
	record_intent(l, l->column, true, on_undo_intent);
}

static void
on_undo_checked(struct running *running, const struct act_result *res, void *arg)
{
	struct lane *l = arg;
	struct cell *c = lane_cell(l);
	char *found = NULL;
	enum check_answer a = check_answer(c, lane_column(l)->step, res, &found);
	bool was_certain = c->outcome == OUTCOME_OK;
	char text[RUN_TEXT_MAX];

	lane_unbusy(l, running);
	record_check(l->run, PHASE_STEP, l->name, bound_text(c->check), c->expect, a == CHECK_UNREACHABLE ? res->err.msg : found, a == CHECK_DONE ? OUTCOME_OK : OUTCOME_FAILED);
	if (a == CHECK_DONE) {
		undo_intent(l);
	} else if (a == CHECK_UNREACHABLE) {
		undo_failed(l, c->outcome == OUTCOME_UNKNOWN ? OUTCOME_UNKNOWN : OUTCOME_FAILED, res->err.msg);
	} else if (was_certain) {
		snprintf(text, sizeof text, "it is not as it was left (now %.80s): somebody changed it since", found != NULL && *found != '\0' ? found : "something else");
		undo_failed(l, OUTCOME_FAILED, text);
	} else if (a == CHECK_NOT_DONE && c->outcome == OUTCOME_FAILED) {
		undo_succeeded(l, "the check says it was never done: nothing to take back");
	} else {
		undo_failed(l, OUTCOME_UNKNOWN, "its outcome is unknown, and the check does not say that it was done");
	}
	free(found);
	act_free(running);
}

static void
undo_check(struct lane *l)
{
	struct cell *c = lane_cell(l);
	struct err err = ERR_INIT;

	if (c->check == NULL && c->undo != NULL && c->outcome == OUTCOME_UNKNOWN) {
		undo_failed(l, OUTCOME_UNKNOWN, "its outcome is unknown, and it has no check");
		return;
	}
	/* A restore looks for itself whether what is there is ours. */
	if (c->check == NULL || c->undo == NULL) {
		undo_intent(l);
		return;
	}
	undo_enter(l, LANE_UNDO_CHECK);
	if (lane_begin(l, c->check, ACT_READ, NULL, false, on_undo_checked, &err) < 0)
		undo_failed(l, OUTCOME_FAILED, err.msg);
}

void
undo_next(struct lane *l)
{
	if (l->state != LANE_UNDO_NEXT)
		return;
	if (l->run->is_audit_broken || l->run->is_stop_asked) {
		for (size_t i = 0; i <= l->column; i++)
			l->cells[i].is_undo_failed |= cell_needs_undo(l, i);
		lane_sum_up(l);
		undo_enter(l, LANE_UNDO_DONE);
		return;
	}
	if (lane_column(l)->part != l->part || !cell_needs_undo(l, l->column)) {
		if (lane_column(l)->part == l->part && lane_column(l)->step->is_undo_nothing && lane_cell(l)->is_begun)
			undo_tell(l, OUTCOME_SKIPPED, "changes nothing");
		undo_step_over(l);
	} else if (!cell_can_undo(l, l->column)) {
		undo_failed(l, lane_cell(l)->outcome, lane_cell(l)->undo_unbound != NULL ? lane_cell(l)->undo_unbound : "this step has no undo");
	} else {
		undo_check(l);
	}
}

void
undo_lane(struct lane *l)
{
	bool is_any = false;

	for (size_t i = 0; i < l->run->n_columns; i++)
		is_any |= l->run->columns[i].part == l->part && cell_needs_undo(l, i);
	if (!is_any)
		return;
	if (l->state != LANE_UNDO_DONE)
		l->before_undo = l->state;
	l->column = l->run->n_columns - 1;
	undo_enter(l, LANE_UNDO_NEXT);
}
