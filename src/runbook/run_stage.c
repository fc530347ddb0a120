/*
 * The order of a run: locks and first record, preconditions, opening steps, then batch by batch (preconditions again, hosts, health, pause), closing steps, verification; or undo,
 * in the reverse order. One stage at a time; stage_pump() goes on whenever something has changed.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "runbook/run_priv.h"

static void stage_enter(struct run *r, enum stage to);
static void stage_finish(struct run *r);

/* --- what stands ---------------------------------------------------------------------------------------------------------------- */

/* Failed hosts that count: those left out by a person do not. */
unsigned
run_n_failed(const struct run *r)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->n_lanes; i++)
		n += r->lanes[i].is_failed && !r->lanes[i].is_left;
	return n;
}

static bool
is_any_busy(const struct run *r)
{
	bool is_busy = lane_is_busy(&r->own);

	for (size_t i = 0; i < r->n_lanes; i++)
		is_busy |= lane_is_busy(&r->lanes[i]);
	return is_busy;
}

static bool
is_batch_over(const struct run *r)
{
	for (size_t i = 0; i < r->n_lanes; i++)
		if ((size_t)r->lanes[i].batch <= r->batch && !lane_is_over(&r->lanes[i]))
			return false;
	return true;
}

/* Nobody is in it any more. */
static bool
is_batch_left(const struct run *r)
{
	const struct batch *b = &r->batches[r->batch];

	for (size_t i = b->first; i < b->first + b->n; i++)
		if (!r->lanes[i].is_left)
			return false;
	return true;
}

static enum run_state
state_of(const struct run *r)
{
	if (r->stage == STAGE_UNDO)
		return RUN_UNDOING;
	if (run_is_halted(r) || r->stage == STAGE_END)
		return RUN_STOPPING;
	if (r->asking != NULL)
		return RUN_ASKING;
	return r->stage == STAGE_VERIFY ? RUN_VERIFYING : r->stage <= STAGE_PRECHECK ? RUN_STARTING : RUN_ACTING;
}

static void
state_text(struct run *r, enum run_state state)
{
	switch (state) {
	case RUN_ACTING:
		text_set(&r->text, r->n_batches > 1 ? "in %zu batches" : "acting", r->n_batches);
		break;
	case RUN_ASKING:
		text_set(&r->text, "waits for an answer: %s", r->question);
		break;
	case RUN_VERIFYING:
		text_set(&r->text, "every step is done: is it so?");
		break;
	case RUN_UNDOING:
		text_set(&r->text, "undoing%s%s", r->why_stopping != NULL ? ": " : "", r->why_stopping != NULL ? r->why_stopping : "");
		break;
	default:
		if (r->why_stopping != NULL)
			text_set(&r->text, "%s", r->why_stopping);
	}
}

/* --- conditions ------------------------------------------------------------------------------------------------------------------- */

static size_t
column_of(const struct run *r, enum run_phase phase)
{
	size_t c = 0;

	while (c < r->n_columns && (r->columns[c].step != NULL || r->columns[c].phase != phase))
		c++;
	return c;
}

static void
show_look(struct run *r, enum run_phase phase, enum outcome outcome, const char *text, const struct hostlist *failed)
{
	size_t c = column_of(r, phase);

	if (c == r->n_columns)
		return;
	cell_set(&r->own, c, outcome, text);
	for (size_t i = 0; i < r->n_lanes; i++) {
		struct lane *l = &r->lanes[i];
		bool is_failed = false;

		if (l->is_left || l->is_failed || (phase == PHASE_HEALTH && (size_t)l->batch != r->batch))
			continue;
		for (size_t j = 0; failed != NULL && j < failed->n; j++)
			is_failed |= strcmp(failed->v[j], l->name) == 0;
		cell_set(l, c, is_failed ? outcome : outcome == OUTCOME_RUNNING ? OUTCOME_RUNNING : failed != NULL && failed->n > 0 ? OUTCOME_OK : outcome, "");
	}
}

/* Health that fails for named hosts counts for them; what names none of the run's stops it. */
static void
hosts_are_ill(struct run *r, const struct look *k, const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_lanes; i++)
		for (size_t j = 0; j < k->failed.n; j++)
			if (strcmp(k->failed.v[j], r->lanes[i].name) == 0 && !r->lanes[i].is_left) {
				r->lanes[i].is_failed = true;
				text_set(&r->lanes[i].cause, "health not seen: %s", text);
				r->lanes[i].cause_column = r->n_columns;
				lane_sum_up(&r->lanes[i]);
				n++;
			}
	if (n == 0)
		run_halt(r, "stopped: health of batch %zu: %s", r->batch + 1, text);
}

static void
batch_is_well(struct run *r)
{
	r->batches[r->batch].is_well = true;
	stage_enter(r, STAGE_PAUSE);
}

static void
on_looked(struct look *k, void *arg)
{
	struct run *r = arg;
	enum outcome o = look_outcome(k);
	char *text = look_text(k);

	look_record(k);
	show_look(r, k->phase, o, text, &k->failed);
	r->look = NULL;
	switch (r->stage) {
	case STAGE_PRECHECK:
	case STAGE_BATCH_CHECK:
		if (o != OUTCOME_OK) {
			r->is_condition_failed = true;
			run_halt(r, "stopped: precondition: %s", text);
		} else if (r->stage == STAGE_PRECHECK) {
			r->is_prechecked = true;
			stage_enter(r, STAGE_OPENING);
		} else {
			stage_enter(r, STAGE_BATCH);
		}
		break;
	case STAGE_HEALTH:
		if (o != OUTCOME_OK) {
			r->is_condition_failed = true;
			hosts_are_ill(r, k, text);
		}
		if (run_n_failed(r) <= r->rb->max_failures && !run_is_halted(r))
			batch_is_well(r);
		break;
	case STAGE_VERIFY:
		r->is_verified = o == OUTCOME_OK;
		r->is_unverified = o != OUTCOME_OK;
		if (r->is_unverified)
			text_set(&r->why_stopping, "%s", text);
		stage_finish(r);
		break;
	default:
		break;
	}
	free(text);
	look_free(k);
	run_kick(r);
}

static void
look(struct run *r, enum run_phase phase, struct condition *const *v, size_t n, bool is_all, int64_t since_ns)
{
	show_look(r, phase, OUTCOME_RUNNING, "", NULL);
	r->look = look_begin(r, phase, v, n, &r->own, run_hosts_now(r, is_all), since_ns, on_looked, r);
}

/* --- entering ------------------------------------------------------------------------------------------------------------------------ */

static void
batch_begin(struct run *r)
{
	const struct batch *b = &r->batches[r->batch];
	struct buf names;
	char text[128];

	buf_init(&names, 64 << 10);
	hostlist_fold(&names, r->hosts + b->first, b->n);
	snprintf(text, sizeof text, "batch %zu of %zu", r->batch + 1, r->n_batches);
	record_state(r, "batch", text);
	run_tell(r, NOTICE_BATCH, &(struct run_notice){ .name = text, .batch = (int)r->batch, .text = names.data });
	buf_done(&names);
	for (size_t i = b->first; i < b->first + b->n; i++)
		for (size_t c = 0; c < r->n_columns; c++)
			if (r->columns[c].part == PART_HOST && r->lanes[i].cells[c].attempt == 0 && r->lanes[i].state == LANE_WAITING)
				cell_set(&r->lanes[i], c, OUTCOME_WAITING, "");
}

/* The first batch that has something to do, or whose health has not held since it was done; after the last, what closes the run. */
static void
batch_next(struct run *r)
{
	bool was_prechecked = r->is_prechecked && r->own.part != PART_OPENING;

	r->is_prechecked = false;
	for (r->batch = 0; r->batch < r->n_batches && is_batch_over(r) && (r->batches[r->batch].is_well || is_batch_left(r));)
		r->batch++;
	if (r->batch >= r->n_batches) {
		r->batch = r->n_batches > 0 ? r->n_batches - 1 : 0;
		stage_enter(r, STAGE_CLOSING);
	} else if (is_batch_over(r)) {
		stage_enter(r, STAGE_HEALTH);
	} else if (r->must_stop_after_batch) {
		run_halt(r, "detached: stopped after batch %zu of %zu; go on with --resume %s", r->batch, r->n_batches, r->id);
	} else if (r->rb->n_preconditions > 0 && !was_prechecked) {
		look(r, PHASE_CHECK, r->rb->preconditions, r->rb->n_preconditions, true, 0);
	} else {
		stage_enter(r, STAGE_BATCH);
	}
}

static bool
has_part(const struct run *r, enum part part)
{
	for (size_t c = 0; c < r->n_columns; c++)
		if (r->columns[c].part == part)
			return true;
	return false;
}

static void
own_go(struct run *r, enum part part)
{
	if (r->own.part == part)
		return;		/* it stands where it stood: after a retry */
	lane_go(&r->own, part);
	for (size_t c = 0; c < r->n_columns; c++)
		if (r->columns[c].part == part && r->own.cells[c].attempt == 0)
			cell_set(&r->own, c, OUTCOME_WAITING, "");
}

static void
stage_enter(struct run *r, enum stage to)
{
	r->stage = to;
	info_touch(r);
	run_kick(r);
	switch (to) {
	case STAGE_PRECHECK:
		look(r, PHASE_CHECK, r->rb->preconditions, r->rb->n_preconditions, true, 0);
		break;
	case STAGE_OPENING:
		if (has_part(r, PART_OPENING) && r->own.part != PART_CLOSING)
			own_go(r, PART_OPENING);
		else
			stage_enter(r, STAGE_BATCH_CHECK);
		break;
	case STAGE_BATCH_CHECK:
		batch_next(r);
		break;
	case STAGE_BATCH:
		batch_begin(r);
		break;
	case STAGE_HEALTH:
		if (r->rb->n_health == 0)
			batch_is_well(r);
		else
			look(r, PHASE_HEALTH, r->rb->health, r->rb->n_health, false, r->last_act_ns);
		break;
	case STAGE_PAUSE:
		r->pause_until = clock_mono() + (r->batch + 1 < r->n_batches && !r->must_stop_after_batch ? r->rb->pause_ns : 0);
		loop_timer_set(r->pause, r->pause_until);
		break;
	case STAGE_CLOSING:
		own_go(r, PART_CLOSING);
		break;
	case STAGE_VERIFY:
		if (r->rb->n_verify > 0) {
			look(r, PHASE_VERIFY, r->rb->verify, r->rb->n_verify, true, r->last_act_ns);
		} else {
			stage_finish(r);
		}
		break;
	case STAGE_UNDO:
		r->undo_wave = 0;
		r->is_undone = true;
		r->is_cancelling = r->is_stop_asked = false;	/* that was about what ran before */
		break;
	default:
		break;
	}
}

/* --- going on -------------------------------------------------------------------------------------------------------------------------- */

static void
batch_pump(struct run *r)
{
	const struct batch *b = &r->batches[r->batch];
	unsigned n_under_way = 0, max = r->rb->parallel > 0 ? r->rb->parallel : (unsigned)b->n;

	for (size_t i = 0; i < b->first + b->n; i++)
		n_under_way += !lane_is_over(&r->lanes[i]) && r->lanes[i].state != LANE_WAITING;
	for (size_t i = 0; i < b->first + b->n && n_under_way < max && r->asking == NULL; i++) {
		if (r->lanes[i].state != LANE_WAITING)
			continue;
		lane_go(&r->lanes[i], PART_HOST);
		lane_next(&r->lanes[i]);
		n_under_way++;
	}
	if (is_batch_over(r))
		stage_enter(r, STAGE_HEALTH);
}

static bool
wave_begin(struct run *r, size_t wave)
{
	if (wave == 0 || wave == r->n_batches + 1) {
		r->own.part = wave == 0 ? PART_CLOSING : PART_OPENING;
		undo_lane(&r->own);
		return true;
	}
	if (wave > r->n_batches + 1)
		return false;
	for (size_t i = 0; i < r->n_lanes; i++)
		if ((size_t)r->lanes[i].batch == r->n_batches - wave) {
			r->lanes[i].part = PART_HOST;
			undo_lane(&r->lanes[i]);
		}
	return true;
}

static void
undo_pump(struct run *r)
{
	while (!is_any_busy(r)) {
		if (!wave_begin(r, r->undo_wave++)) {
			stage_finish(r);
			return;
		}
		for (size_t i = 0; i < r->n_lanes; i++)
			undo_next(&r->lanes[i]);
		undo_next(&r->own);
	}
}

static void
lanes_pump(struct run *r)
{
	for (size_t i = 0; i <= r->n_lanes; i++) {
		struct lane *l = i < r->n_lanes ? &r->lanes[i] : &r->own;
		enum lane_state before;

		do {
			before = l->state;
			if (before == LANE_UNDO_NEXT) {
				size_t column = l->column;

				undo_next(l);
				if (l->state == LANE_UNDO_NEXT && l->column == column)
					break;
				before = LANE_WAITING;
			} else {
				lane_next(l);
			}
		} while (l->state != before && (l->state == LANE_NEXT || l->state == LANE_UNDO_NEXT));
	}
}

/* Others may fail while this stops the run: how many they are is said at its end. */
static void
halt_for(struct run *r, const struct lane *l)
{
	char *why;

	if (r->is_stopping)
		return;
	why = run_why_stopper(r, l);
	r->stopper = r->why_stopping == NULL ? l : r->stopper;
	run_halt(r, "%s", why);
	free(why);
}

/* on_failure, and "more than max_failures failing stops". */
static void
failures_pump(struct run *r)
{
	unsigned n = run_n_failed(r);

	if (r->stage == STAGE_UNDO)
		return;
	if (r->own.is_failed && r->own.state == LANE_FAILED) {
		char *why = lane_why(&r->own);

		r->is_undo_wanted |= r->own.must_undo;
		run_halt(r, "stopped: %s", why);
		free(why);
	}
	for (size_t i = 0; i < r->n_lanes; i++) {
		struct lane *l = &r->lanes[i];

		if (!l->is_failed || l->is_left)
			continue;
		if (n > r->rb->max_failures) {
			r->is_undo_wanted |= l->must_undo;
			halt_for(r, l);
		} else if (l->must_undo && l->state == LANE_FAILED) {
			l->must_undo = false;
			undo_lane(l);
		}
	}
}

static void
halted_pump(struct run *r)
{
	for (size_t i = 0; i < r->n_lanes; i++)
		lane_stop(&r->lanes[i]);
	lane_stop(&r->own);
	loop_timer_stop(r->pause);
	if (r->look != NULL) {
		show_look(r, r->look->phase, OUTCOME_CANCELLED, "the run was stopped", NULL);
		r->is_unverified = r->look->phase == PHASE_VERIFY;
		look_free(r->look);
		r->look = NULL;
	}
	if (is_any_busy(r))
		return;
	if (r->is_undo_wanted && !r->is_audit_broken)
		stage_enter(r, STAGE_UNDO);
	else
		stage_finish(r);
}

static void
stage_turn(struct run *r)
{
	switch (r->stage) {
	case STAGE_OPENING:
		if (lane_is_over(&r->own))
			stage_enter(r, STAGE_BATCH_CHECK);
		break;
	case STAGE_BATCH:
		batch_pump(r);
		break;
	case STAGE_PAUSE:
		if (clock_mono() >= r->pause_until)
			stage_enter(r, STAGE_BATCH_CHECK);
		break;
	case STAGE_CLOSING:
		if (lane_is_over(&r->own))
			stage_enter(r, STAGE_VERIFY);
		break;
	case STAGE_UNDO:
		undo_pump(r);
		break;
	default:
		break;
	}
}

void
stage_pump(struct run *r)
{
	if (r->stage == STAGE_END || r->stage == STAGE_NONE)
		return;
	lanes_pump(r);
	failures_pump(r);
	run_ask(r);
	if (run_is_halted(r) && r->stage != STAGE_UNDO)
		halted_pump(r);
	else
		stage_turn(r);
	if (r->state == RUN_ENDED || r->stage == STAGE_END)
		return;
	if (state_of(r) != r->state)
		state_text(r, state_of(r));
	run_enter(r, state_of(r));
}

/* --- beginning and ending ------------------------------------------------------------------------------------------------------------------ */

static void
end_now(struct run *r, int exit)
{
	r->exit = exit;
	r->ended_ns = clock_now();
	r->stage = STAGE_END;
	locks_free(r->locks);
	r->locks = NULL;
	run_enter(r, RUN_ENDED);
}

static void
on_end_recorded(const struct audit_done *done, void *arg)
{
	struct run *r = arg;

	if (done->err_code != 0)
		run_audit_failed(r, done->err);
	else
		r->seq_last = done->seq;
	r->is_end_recorded = true;
	/* The last results may have been lost, too: nothing is "done" that no record tells of. */
	if (r->is_audit_broken)
		run_sum_up(r);
	end_now(r, r->exit);
}

static void
stage_finish(struct run *r)
{
	if (r->stage == STAGE_END)
		return;
	r->stage = STAGE_END;
	r->asking = NULL;
	run_sum_up(r);
	info_touch(r);
	record_end(r, on_end_recorded);
}

static void
on_started(const struct audit_done *done, void *arg)
{
	struct run *r = arg;

	if (done->err_code != 0) {
		run_audit_failed(r, done->err);
		text_set(&r->text, "nothing was done: the audit log cannot be written: %s", r->audit_why);
		end_now(r, 8);
		return;
	}
	r->seq_first = r->seq_first == 0 ? done->seq : r->seq_first;
	r->seq_last = done->seq;
	stage_enter(r, STAGE_PRECHECK);
}

/* 0 or ERR_*: ERR_REFUSED somebody holds one. */
static int
take_locks(struct run *r, struct err *err)
{
	const char **targets = xcalloc(r->n_lanes + 2, sizeof *targets);
	const struct value *model = run_value_of(r, PARAM_MODEL);
	char *own = xasprintf("run:%s", model != NULL && model->value != NULL ? model->value : r->rb->name);
	struct lock_place place;
	int code = lock_place_find(r->w->conf->lock_dir, r->w->state_dir, &place, err);

	for (size_t i = 0; i < r->n_lanes; i++)
		targets[i] = r->lanes[i].name;
	targets[r->n_lanes] = own;
	if (code == 0)
		code = lock_place_take(&place, r->w->env->name, targets, r->n_lanes + 1, r->id, r->w->user, &r->locks, err);
	lock_place_done(&place);
	free(targets);
	free(own);
	return code;
}

/* What the plan found gives way to what happens. */
static void
forget_plan(struct lane *l)
{
	for (size_t c = 0; c < l->run->n_columns; c++) {
		l->cells[c].outcome = OUTCOME_NONE;
		l->cells[c].started_ns = l->cells[c].ended_ns = 0;
		text_set(&l->cells[c].text, "%s", "");
	}
}

void
stage_start(struct run *r)
{
	struct err err = ERR_INIT;
	int code;

	for (size_t i = 0; i < r->n_lanes; i++)
		forget_plan(&r->lanes[i]);
	forget_plan(&r->own);

	r->started_ns = clock_now();
	text_set(&r->text, "starting");
	run_enter(r, RUN_STARTING);
	if ((code = take_locks(r, &err)) < 0) {
		text_set(&r->text, "nothing was done: %s", err.msg);
		end_now(r, code == ERR_REFUSED ? 6 : 3);
		return;
	}
	record_start(r, on_started);
}

static void
on_again(const struct audit_done *done, void *arg)
{
	struct run *r = arg;

	if (done->err_code != 0) {
		run_audit_failed(r, done->err);
		stage_finish(r);
		return;
	}
	r->seq_last = done->seq;
	stage_enter(r, r->stage);
}

void
stage_reopen(struct run *r)
{
	if (r->stage != STAGE_HEALTH && r->stage != STAGE_CLOSING && r->stage != STAGE_VERIFY)
		return;
	look_free(r->look);
	r->look = NULL;
	stage_enter(r, STAGE_BATCH_CHECK);
}

/* After its end: the same run goes on, under the same id. */
void
stage_again(struct run *r, enum stage to)
{
	struct err err = ERR_INIT;
	json_t *body = json_pack("{s:i, s:s, s:s}", "batch", -1, "state", "resumed", "text", to == STAGE_UNDO ? "to be undone" : "failed hosts are tried again");
	int exit = r->exit;

	if (take_locks(r, &err) < 0) {
		json_decref(body);
		text_set(&r->text, "%s", err.msg);
		end_now(r, exit);
		return;
	}
	r->exit = -1;
	r->ended_ns = 0;
	r->is_stop_asked = r->is_cancelling = false;
	r->is_end_recorded = r->is_verified = r->is_unverified = r->is_declined = false;
	r->batch = 0;
	r->stage = to;
	text_set(&r->text, "begun again");
	run_enter(r, to == STAGE_UNDO ? RUN_UNDOING : RUN_ACTING);
	audit_append(r->w->audit, &(struct audit_draft){ .type = AUDIT_RUN_STATE, .run = r->id, .incident = r->incident, .body = body }, on_again, r);
}
