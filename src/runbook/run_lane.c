/*
 * One lane's way through the steps of its part: when, check, intent durable, act, settled where unknown, result recorded; then the next step, or what on_failure says.
 *
 * Whatever a callback finds, the next thing is begun only while the run is not halted and nobody is asked; else the lane stands in LANE_NEXT.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/run_priv.h"

static void
tell_step(struct lane *l, uint64_t seq)
{
	const struct cell *c = lane_cell(l);

	run_tell(l->run, NOTICE_STEP, &(struct run_notice){ .name = lane_column(l)->name, .host = l->name, .batch = l->batch, .outcome = c->outcome,
	    .attempt = c->attempt, .text = c->text, .seq = seq });
}

/* --- failing ----------------------------------------------------------------------------------------------------------------------- */

static void
lane_ask(struct lane *l, bool is_confirm)
{
	l->is_asked_confirm = is_confirm;
	lane_enter(l, LANE_ASK);
}

static void
lane_fail(struct lane *l)
{
	text_set(&l->cause, "%s%s", l->is_unreachable ? "unreachable: " : "", lane_cell(l)->text != NULL && *lane_cell(l)->text != '\0' ? lane_cell(l)->text : "failed");
	l->cause_column = l->column;
	lane_sum_up(l);
	lane_enter(l, LANE_FAILED);
}

static void
step_failed(struct lane *l)
{
	const struct runbook_step *s = lane_column(l)->step;

	if (s->on_failure == FAIL_CONTINUE && !l->is_unreachable) {
		l->column++;
		lane_enter(l, LANE_NEXT);
		return;
	}
	if (s->on_failure == FAIL_ASK && l->run->q.is_interactive && !run_is_halted(l->run)) {
		lane_ask(l, false);
		return;
	}
	/* Who cancels has not asked for the rest to be taken back. */
	l->must_undo = s->on_failure == FAIL_UNDO && lane_cell(l)->outcome != OUTCOME_CANCELLED;
	lane_fail(l);
}

void
lane_answer(struct lane *l, const char *answer)
{
	struct run *r = l->run;

	if (l->state != LANE_ASK)
		return;
	if (l->is_asked_confirm) {
		bool is_yes = strcmp(answer, "continue") == 0;

		cell_set(l, l->column, is_yes ? OUTCOME_OK : OUTCOME_CANCELLED, is_yes ? "confirmed" : "not confirmed");
		tell_step(l, 0);
		if (is_yes) {
			l->column++;
			lane_enter(l, LANE_NEXT);
			return;
		}
		r->is_declined = true;
		lane_fail(l);
		run_halt(r, "stopped: %s was not confirmed", lane_column(l)->name);
		return;
	}
	if (strcmp(answer, "retry") == 0) {
		lane_retry(l);
	} else if (strcmp(answer, "continue") == 0) {
		l->column++;
		lane_enter(l, LANE_NEXT);
	} else {
		lane_fail(l);
		char *why = lane_why(l);

		run_halt(r, "stopped: %s%s%s", l->name, *l->name != '\0' ? ": " : "", why);
		free(why);
		r->is_undo_wanted |= strcmp(answer, "undo") == 0;
	}
}

/* --- the act's end ------------------------------------------------------------------------------------------------------------------- */

static void
on_backoff(void *arg)
{
	struct lane *l = arg;

	if (l->state == LANE_SETTLE_PAUSE)
		lane_enter(l, LANE_SETTLE);
	else if (l->state == LANE_BACKOFF)
		lane_enter(l, LANE_NEXT);
}

static void
lane_wait(struct lane *l, enum lane_state state, int64_t ns)
{
	if (l->timer == NULL)
		l->timer = loop_timer_new(l->run->w->loop, on_backoff, l);
	lane_enter(l, state);
	loop_timer_in(l->timer, ns);
}

static bool
may_try_again(const struct lane *l, const struct act_result *res, enum outcome outcome)
{
	const struct runbook_step *s = l->run->columns[l->column].step;

	/* Only what is certain: a lost answer is no reason to do it twice. What the world refused stays refused. */
	return outcome == OUTCOME_FAILED && (res == NULL || !res->is_refused) && l->cells[l->column].attempt <= s->retries && !run_is_halted(l->run);
}

static int64_t
backoff_of(const struct lane *l)
{
	const struct runbook_step *s = l->run->columns[l->column].step;
	unsigned shift = l->cells[l->column].attempt - 1;

	return s->backoff_ns << (shift < 6 ? shift : 6);
}

static void
act_ended(struct lane *l, enum outcome outcome, const char *text, const struct act_result *res)
{
	struct cell *c = lane_cell(l);
	const struct column *col = lane_column(l);
	bool is_not_begun = res != NULL && res->is_not_begun;
	char *clean = text_clean(text);

	output_end(l, res);
	if (!is_not_begun)
		l->run->last_act_ns = clock_now();
	if (!is_not_begun && step_changes(col->step))
		l->run->last_begun_ns = c->begun_ns;
	l->is_unreachable = is_not_begun && !res->is_refused && outcome == OUTCOME_FAILED && l != &l->run->own && (col->step->act->kind == STEP_SSH);
	if (is_not_begun)
		c->is_begun = c->was_begun;
	c->must_settle = outcome == OUTCOME_UNKNOWN;
	if (res != NULL && res->ssh != NULL && res->ssh->transport_why != NULL && *res->ssh->transport_why != '\0')
		text_set(&c->transport, "openssh: %s", res->ssh->transport_why);
	/* What was made, where nothing was looked at before: undo needs it. */
	if (res != NULL && res->previous != NULL && c->previous == NULL)
		c->previous = xstrdup(res->previous);
	cell_set(l, l->column, outcome, clean);
	if (col->step->act->kind == STEP_WAIT)
		record_check(l->run, PHASE_STEP, l->name, bound_text(c->act), "", clean, outcome);
	else
		record_result(l, l->column, false, outcome, clean, res);
	tell_step(l, c->intent);
	if (outcome == OUTCOME_OK) {
		if (*clean != '\0')
			lane_phrase(l, "%s: %s", col->name, clean);
		l->column++;
		lane_enter(l, LANE_NEXT);
	} else if (l->is_finding_out && outcome != OUTCOME_UNKNOWN) {
		/* Certainly not done by the earlier attempt: now it may be. */
		l->is_unreachable = false;
		lane_enter(l, LANE_NEXT);
	} else if (may_try_again(l, res, outcome)) {
		lane_wait(l, LANE_BACKOFF, backoff_of(l));
	} else {
		step_failed(l);
	}
	l->is_finding_out = false;
	free(clean);
}

static void
on_recheck(struct running *running, const struct act_result *res, void *arg)
{
	struct lane *l = arg;
	char *found = NULL, *text;
	enum check_answer a = check_answer(lane_cell(l), lane_column(l)->step, res, &found);

	lane_unbusy(l, running);
	text = xasprintf("its outcome was lost; the check says %s", a == CHECK_DONE ? "it is done" : a == CHECK_NOT_DONE ? "it is not done (yet)" : "nothing");
	act_ended(l, a == CHECK_DONE ? OUTCOME_OK : OUTCOME_UNKNOWN, text, NULL);
	free(text);
	free(found);
	act_free(running);
}

static void
lane_recheck(struct lane *l, const char *why)
{
	struct cell *c = lane_cell(l);
	struct err err = ERR_INIT;

	if (c->check != NULL && lane_begin(l, c->check, ACT_READ, NULL, false, on_recheck, &err) == 0) {
		lane_enter(l, LANE_RECHECK);
		return;
	}
	act_ended(l, OUTCOME_UNKNOWN, why, NULL);
}

static void
on_settled(struct running *running, const struct act_result *res, void *arg)
{
	struct lane *l = arg;
	int64_t now = clock_mono();

	lane_unbusy(l, running);
	if (res->outcome != OUTCOME_UNKNOWN)
		act_ended(l, res->outcome, res->text != NULL && *res->text != '\0' ? res->text : res->err.msg, res);
	else if (now < l->settle_until && !l->run->is_cancelling)
		lane_wait(l, LANE_SETTLE_PAUSE, RUN_SETTLE_PAUSE);
	else
		lane_recheck(l, *res->err.msg != '\0' ? res->err.msg : res->text);
	act_free(running);
}

static void
lane_settle(struct lane *l)
{
	struct cell *c = lane_cell(l);
	struct err err = ERR_INIT;

	lane_enter(l, LANE_SETTLE);
	if (lane_begin(l, c->act, ACT_SETTLE, c->previous, false, on_settled, &err) < 0)
		lane_recheck(l, err.msg);
}

static void
on_acted(struct running *running, const struct act_result *res, void *arg)
{
	struct lane *l = arg;
	const char *text = res->text != NULL && *res->text != '\0' ? res->text : res->err.msg;

	lane_unbusy(l, running);
	if (res->outcome == OUTCOME_UNKNOWN) {
		text_set(&lane_cell(l)->text, "outcome unknown: %s", *res->err.msg != '\0' ? res->err.msg : text);
		l->settle_until = clock_mono() + lane_column(l)->step->act->timeout_ns + RUN_SETTLE_GRACE;
		lane_settle(l);
	} else {
		act_ended(l, res->outcome, text, res);
	}
	act_free(running);
}

static void
act_not_begun(struct lane *l, enum outcome outcome, const char *why)
{
	struct act_result res = { .outcome = outcome, .is_not_begun = true, .text = why };

	act_ended(l, outcome, why, &res);
}

static void
lane_act(struct lane *l)
{
	struct cell *c = lane_cell(l);
	struct err err = ERR_INIT;

	c->was_begun = c->is_begun;
	c->is_begun = true;
	c->begun_ns = clock_now();
	output_begin(l);
	lane_enter(l, LANE_ACT);
	cell_set(l, l->column, OUTCOME_RUNNING, "");
	if (lane_begin(l, c->act, ACT_DO, c->previous, true, on_acted, &err) < 0) {
		act_not_begun(l, OUTCOME_FAILED, err.msg);
		return;
	}
	tell_step(l, c->intent);
}

/* A step that is tried again waits until its part has its turn, behind the preconditions; what closes the run waits for batches that are tried again. */
static bool
is_its_turn(const struct lane *l)
{
	static const enum stage turns[] = { [PART_NONE] = STAGE_NONE, [PART_OPENING] = STAGE_OPENING, [PART_HOST] = STAGE_BATCH, [PART_CLOSING] = STAGE_CLOSING };

	return l->run->stage == turns[l->part];
}

/* --- before the act ------------------------------------------------------------------------------------------------------------------ */

static void
on_intent(const struct audit_done *done, void *arg)
{
	struct lane *l = arg;

	assert(l->state == LANE_INTENT);
	if (done->err_code != 0) {
		run_audit_failed(l->run, done->err);
		cell_set(l, l->column, OUTCOME_CANCELLED, "not begun: the audit log cannot be written");
		lane_phrase(l, "%s: not begun: the audit log cannot be written", lane_column(l)->name);
		lane_enter(l, LANE_FAILED);
		return;
	}
	lane_cell(l)->intent = done->seq;
	l->run->seq_last = done->seq;
	if (run_is_halted(l->run))
		act_not_begun(l, OUTCOME_CANCELLED, "not begun: the run was stopped");
	else
		lane_act(l);
}

static void
lane_intent(struct lane *l)
{
	struct cell *c = lane_cell(l);
	const struct runbook_step *s = lane_column(l)->step;

	if (run_is_halted(l->run) || !is_its_turn(l)) {
		lane_enter(l, LANE_NEXT);
		return;
	}
	c->attempt++;
	nonce_make(c->nonce);
	switch (s->act->kind) {
	case STEP_CONFIRM:
		cell_set(l, l->column, OUTCOME_WAITING, bound_text(c->act));
		if (l->run->q.is_interactive) {
			lane_ask(l, true);
			return;
		}
		cell_set(l, l->column, OUTCOME_FAILED, "it must be confirmed, and nobody is here to answer");
		tell_step(l, 0);
		lane_fail(l);
		return;
	case STEP_WAIT:
		lane_act(l);
		return;
	default:
		cell_set(l, l->column, OUTCOME_WAITING, NULL);
		lane_enter(l, LANE_INTENT);
		record_intent(l, l->column, false, on_intent);
	}
}

enum check_answer
check_answer(const struct cell *c, const struct runbook_step *s, const struct act_result *res, char **ret_found)
{
	const char *text = res->previous != NULL ? res->previous : res->out != NULL ? res->out : "";
	size_t len = strlen(text);

	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	/* A command that did not end by itself tells nothing. */
	if (res->is_not_begun || res->outcome == OUTCOME_UNKNOWN || res->outcome == OUTCOME_CANCELLED ||
	    (res->outcome != OUTCOME_OK && !res->is_exited && (s->check->kind == STEP_SSH || s->check->kind == STEP_EXEC)))
		return CHECK_UNREACHABLE;
	*ret_found = xstrndup(text, len);
	if (res->outcome != OUTCOME_OK)
		return c->expect == NULL ? CHECK_NOT_DONE : CHECK_FAILED;
	if (c->expect == NULL)
		return CHECK_DONE;
	return strlen(c->expect) == len && memcmp(c->expect, text, len) == 0 ? CHECK_DONE : CHECK_NOT_DONE;
}

static void
step_skipped(struct lane *l, const char *text)
{
	cell_set(l, l->column, OUTCOME_SKIPPED, text);
	tell_step(l, 0);
	if (l->phrase == NULL)
		lane_phrase(l, "%s: %s", lane_column(l)->name, text);
	l->column++;
	lane_enter(l, LANE_NEXT);
}

static void
on_checked(struct running *running, const struct act_result *res, void *arg)
{
	struct lane *l = arg;
	struct cell *c = lane_cell(l);
	char *found = NULL, *text;
	enum check_answer a = check_answer(c, lane_column(l)->step, res, &found);

	lane_unbusy(l, running);
	text = a == CHECK_DONE ? xasprintf("already %s", c->expect != NULL ? c->expect : "done") : xasprintf("the check found %s", found != NULL ? found : res->err.msg);
	record_check(l->run, PHASE_STEP, l->name, bound_text(c->check), c->expect, a == CHECK_UNREACHABLE ? res->err.msg : found, a == CHECK_DONE ? OUTCOME_OK : OUTCOME_FAILED);
	if (a == CHECK_DONE) {
		char *clean = text_clean(text);

		step_skipped(l, clean);
		free(clean);
	} else if (a == CHECK_UNREACHABLE) {
		char *clean = text_clean(*res->err.msg != '\0' ? res->err.msg : res->text);

		/* Nothing was begun, so that no intent is without its result. */
		l->is_unreachable = true;
		cell_set(l, l->column, OUTCOME_FAILED, clean);
		tell_step(l, 0);
		free(clean);
		step_failed(l);
	} else {
		lane_intent(l);
	}
	free(text);
	free(found);
	act_free(running);
}

static void
lane_check(struct lane *l)
{
	struct cell *c = lane_cell(l);
	struct err err = ERR_INIT;

	if (c->check == NULL) {
		lane_intent(l);
		return;
	}
	cell_set(l, l->column, OUTCOME_WAITING, "is it done already?");
	lane_enter(l, LANE_CHECK);
	if (lane_begin(l, c->check, ACT_READ, NULL, false, on_checked, &err) < 0) {
		cell_set(l, l->column, OUTCOME_FAILED, err.msg);
		step_failed(l);
	}
}

static void
on_when(struct look *k, void *arg)
{
	struct lane *l = arg;
	enum outcome o = look_outcome(k);
	char *text = look_text(k);

	look_record(k);
	l->look = NULL;
	look_free(k);
	if (o == OUTCOME_OK) {
		lane_check(l);
	} else if (o == OUTCOME_FAILED) {
		char *why = xasprintf("when: %s", text);

		step_skipped(l, why);
		free(why);
	} else {
		char *why = xasprintf("when: it cannot be told: %s", text);

		cell_set(l, l->column, OUTCOME_FAILED, why);
		tell_step(l, 0);
		free(why);
		step_failed(l);
	}
	free(text);
}

static void
lane_when(struct lane *l)
{
	const struct runbook_step *s = lane_column(l)->step;
	struct run *r = l->run;

	if (s->n_when == 0) {
		lane_check(l);
		return;
	}
	lane_enter(l, LANE_WHEN);
	cell_set(l, l->column, OUTCOME_WAITING, "when?");
	l->look = look_begin(r, PHASE_STEP, s->when, s->n_when, l, run_hosts_now(r, true), r->last_act_ns, on_when, l);
}

/* --- from step to step --------------------------------------------------------------------------------------------------------------- */

static bool
part_is_over(struct lane *l)
{
	while (l->column < l->run->n_columns && lane_column(l)->part != l->part)
		l->column++;
	return l->column >= l->run->n_columns;
}

/* Steps that failed, and it went on: on_failure: continue. */
static bool
lane_has_failures(const struct lane *l)
{
	for (size_t i = 0; i < l->run->n_columns; i++)
		if (l->run->columns[i].part == l->part && (l->cells[i].outcome == OUTCOME_FAILED || l->cells[i].outcome == OUTCOME_UNKNOWN))
			return true;
	return false;
}

void
lane_go(struct lane *l, enum part part)
{
	l->part = part;
	l->column = 0;
	lane_enter(l, LANE_NEXT);
}

void
lane_next(struct lane *l)
{
	struct cell *c;

	if (l->state == LANE_SETTLE && l->running == NULL) {
		lane_settle(l);
		return;
	}
	if (l->state != LANE_NEXT)
		return;
	/* Also where nothing new is begun any more: what is done is called done. */
	if (part_is_over(l)) {
		l->column = l->run->n_columns - 1;
		if (lane_has_failures(l))
			lane_sum_up(l);
		lane_enter(l, LANE_DONE);
		return;
	}
	if (run_is_halted(l->run) || l->run->asking != NULL || !is_its_turn(l))
		return;
	c = lane_cell(l);
	if (c->must_settle) {
		/* Lost in an earlier attempt, maybe of a run that is resumed: found out first. */
		l->settle_until = clock_mono();
		l->is_finding_out = true;
		c->was_begun = false;
		c->is_begun = true;
		output_begin(l);
		cell_set(l, l->column, OUTCOME_RUNNING, "what became of the earlier attempt?");
		lane_settle(l);
	} else if (c->act == NULL && c->unbound != NULL) {
		step_skipped(l, c->unbound);
	} else if (c->done_in != NULL && c->check == NULL) {
		char *text = xasprintf("done in %s", c->done_in);

		step_skipped(l, text);
		free(text);
	} else if (c->attempt > 0) {
		lane_intent(l);
	} else {
		lane_when(l);
	}
}

void
lane_retry(struct lane *l)
{
	struct cell *c = lane_cell(l);

	l->is_failed = l->is_left = l->is_unreachable = l->must_undo = false;
	free(l->cause);
	l->cause = NULL;
	if (l->batch >= 0)
		l->run->batches[l->batch].is_well = false;
	if (l->part == PART_NONE) {
		/* It was out before it began. */
		lane_enter(l, LANE_WAITING);
		return;
	}
	c->must_settle = c->outcome == OUTCOME_UNKNOWN;
	if (!c->must_settle)
		c->attempt = 0;
	cell_set(l, l->column, OUTCOME_WAITING, "to be tried again");
	lane_enter(l, LANE_NEXT);
}

/* Nothing new: what only looks or waits ends here, what acts goes on. */
void
lane_stop(struct lane *l)
{
	switch (l->state) {
	case LANE_WHEN:
		look_free(l->look);
		l->look = NULL;
		break;
	case LANE_CHECK:
		act_free(l->running);
		l->running = NULL;
		break;
	case LANE_BACKOFF:
		loop_timer_stop(l->timer);
		lane_fail(l);
		return;
	case LANE_ASK:
		lane_fail(l);
		return;
	case LANE_ACT:
		/* A wait changes nothing, so that there is no reason to wait for its end. */
		if (lane_column(l)->step->act->kind != STEP_WAIT)
			return;
		act_free(l->running);
		l->running = NULL;
		cell_set(l, l->column, OUTCOME_CANCELLED, "not waited for any longer: the run was stopped");
		tell_step(l, 0);
		lane_fail(l);
		return;
	default:
		return;
	}
	cell_set(l, l->column, OUTCOME_WAITING, "not begun: the run was stopped");
	lane_enter(l, LANE_NEXT);
}

void
lane_cancel(struct lane *l)
{
	if (l->running != NULL && !l->is_cancelled && (l->state == LANE_ACT || l->state == LANE_UNDO_ACT)) {
		l->is_cancelled = true;
		act_cancel(l->running);
	}
	if (l->state == LANE_SETTLE_PAUSE) {
		loop_timer_stop(l->timer);
		lane_enter(l, LANE_SETTLE);
		l->settle_until = 0;
	}
}
