/*
 * Snapshots: everything there is to show of a run as one block, made anew when something changed: at once when the state does, else at most ten times a second, and
 * less often the more cells there are, so that a long run does not push all else out of the model's history.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "runbook/run_priv.h"

#define INFO_PAUSE (NS_PER_S / 10)
#define INFO_CELLS 400

static char *
dup(struct run_info *i, const char *s)
{
	return arena_strdup(&i->block.arena, s != NULL ? s : "");
}

static void
fill_values(struct run_info *i, const struct run *r)
{
	struct run_value *v = arena_alloc(&i->block.arena, (r->n_values + 1) * sizeof *v);

	for (size_t k = 0; k < r->n_values; k++) {
		const struct value *from = &r->values[k];

		/* Not found (yet): nothing is not its value. */
		if (from->value == NULL)
			continue;
		v[i->n_values++] = (struct run_value){ dup(i, from->param->name), dup(i, from->param->type == PARAM_SECRET ? "[secret]" : from->value),
			dup(i, from->from) };
	}
	i->values = v;
}

static void
fill_facts(struct run_info *i, const struct run *r)
{
	struct run_fact *v = arena_alloc(&i->block.arena, (r->n_facts + 1) * sizeof *v);

	for (size_t k = 0; k < r->n_facts; k++)
		v[k] = (struct run_fact){ dup(i, r->facts[k].name), dup(i, r->facts[k].text), r->facts[k].outcome };
	i->n_facts = r->n_facts;
	i->facts = v;
}

static void
fill_columns(struct run_info *i, const struct run *r)
{
	struct run_column *v = arena_alloc(&i->block.arena, (r->n_columns + 1) * sizeof *v);

	for (size_t k = 0; k < r->n_columns; k++)
		v[k] = (struct run_column){ dup(i, r->columns[k].name), dup(i, r->columns[k].kind), r->columns[k].phase,
		    r->columns[k].step != NULL && r->columns[k].part != PART_HOST };
	i->n_columns = r->n_columns;
	i->columns = v;
}

static const char *
undo_text(const struct run *r, const struct lane *l, size_t column)
{
	const struct cell *c = &l->cells[column];

	if (c->undo != NULL)
		return bound_text(c->undo);
	if (r->columns[column].step != NULL && r->columns[column].step->is_undo_nothing)
		return "nothing: it changes nothing";
	return r->columns[column].step != NULL && r->columns[column].step->is_undo_restore && c->act != NULL ? "restore what was there" : "";
}

static bool
is_in_part(const struct run *r, const struct lane *l, size_t column)
{
	return (r->columns[column].part == PART_HOST) == (l != &r->own) && r->columns[column].part != PART_NONE;
}

static const struct run_cell *
fill_cells(struct run_info *i, const struct run *r, const struct lane *l)
{
	struct run_cell *v = arena_alloc(&i->block.arena, (r->n_columns + 1) * sizeof *v);

	for (size_t k = 0; k < r->n_columns; k++) {
		const struct cell *c = &l->cells[k];
		bool has_act = is_in_part(r, l, k) && c->act != NULL;

		v[k] = (struct run_cell){ c->outcome, c->started_ns, c->ended_ns, c->attempt, c->text != NULL && *c->text != '\0' ? dup(i, c->text) : "",
			has_act ? dup(i, bound_text(c->act)) : "", has_act ? dup(i, undo_text(r, l, k)) : "", c->intent, c->result,
			c->transport != NULL ? dup(i, c->transport) : "" };
	}
	return v;
}

static const char *
lane_text(struct run_info *i, const struct lane *l)
{
	const char *step = l->column < l->run->n_columns ? l->run->columns[l->column].name : "";
	char text[RUN_TEXT_MAX];

	switch (l->state) {
	case LANE_ACT: case LANE_INTENT: case LANE_CHECK: case LANE_WHEN:
		snprintf(text, sizeof text, "%s", step);
		break;
	case LANE_SETTLE: case LANE_SETTLE_PAUSE: case LANE_RECHECK: case LANE_UNDO_SETTLE:
		snprintf(text, sizeof text, "%s: what became of it?", step);
		break;
	case LANE_BACKOFF:
		snprintf(text, sizeof text, "%s failed, is tried again", step);
		break;
	case LANE_ASK:
		snprintf(text, sizeof text, "%s: waits for an answer", step);
		break;
	case LANE_UNDO_NEXT: case LANE_UNDO_CHECK: case LANE_UNDO_INTENT: case LANE_UNDO_ACT:
		snprintf(text, sizeof text, "undoing %s", step);
		break;
	default:
		return l->phrase != NULL ? dup(i, l->phrase) : l->state == LANE_DONE ? "done" : "unchanged";
	}
	return dup(i, text);
}

static void
fill_rows(struct run_info *i, const struct run *r)
{
	struct run_row *v = arena_alloc(&i->block.arena, (r->n_lanes + 1) * sizeof *v);

	i->n_rows = r->own.cells != NULL ? r->n_lanes + 1 : 0;
	for (size_t k = 0; k < i->n_rows; k++) {
		const struct lane *l = k < r->n_lanes ? &r->lanes[k] : &r->own;

		v[k] = (struct run_row){ dup(i, l->name), l->batch, lane_text(i, l), l->is_failed, fill_cells(i, r, l) };
	}
	i->rows = v;
}

static bool
has_steps(const struct run *r, enum part part)
{
	for (size_t c = 0; c < r->n_columns; c++)
		if (r->columns[c].part == part)
			return true;
	return false;
}

static void
fill_next(struct run_info *i, const struct run *r)
{
	struct buf b;

	buf_init(&b, RUN_TEXT_MAX);
	if (r->stage != STAGE_NONE && r->stage < STAGE_UNDO && !run_is_halted(r)) {
		if (r->stage == STAGE_BATCH && r->rb->n_health > 0)
			buf_printf(&b, "health of batch %zu", r->batch + 1);
		if (r->stage < STAGE_CLOSING && r->batch + 1 < r->n_batches)
			buf_printf(&b, "%sbatch %zu of %zu", b.len > 0 ? ", then " : "", r->batch + 2, r->n_batches);
		for (size_t c = 0; r->stage < STAGE_CLOSING && has_steps(r, PART_CLOSING) && c < r->n_columns; c++)
			if (r->columns[c].part == PART_CLOSING)
				buf_printf(&b, "%s%s", b.len > 0 ? ", then " : "", r->columns[c].name);
		if (r->stage < STAGE_VERIFY && r->rb->n_verify > 0)
			buf_printf(&b, "%sverify", b.len > 0 ? ", then " : "");
	}
	i->next = dup(i, b.data);
	buf_done(&b);
}

/* While it waits for conditions: for which, and how that stands. */
static void
fill_text(struct run_info *i, const struct run *r)
{
	bool is_waiting = (r->state == RUN_ACTING || r->state == RUN_VERIFYING) && r->look != NULL && look_outcome(r->look) != OUTCOME_OK;
	char *what, *text;

	if (!is_waiting) {
		i->text = dup(i, r->state == RUN_STOPPING && r->why_stopping != NULL ? r->why_stopping : r->text);
		return;
	}
	what = look_text(r->look);
	text = xasprintf("%s%s", r->stage == STAGE_HEALTH ? "health: " : r->stage == STAGE_VERIFY ? "not yet: " : "precheck: ", what);
	i->text = dup(i, text);
	free(text);
	free(what);
}

static void
fill_question(struct run_info *i, const struct run *r)
{
	static const char *const failure[] = { "retry", "continue", "stop", "undo" }, *const confirm[] = { "continue", "stop" };

	if (r->asking == NULL || r->question == NULL)
		return;
	i->question = dup(i, r->question);
	i->answers = r->asking->is_asked_confirm ? (struct strings){ 2, confirm } : (struct strings){ 4, failure };
}

static struct run_info *
info_make(const struct run *r)
{
	struct run_info *i = block_new(sizeof *i);

	i->id = dup(i, r->id);
	i->runbook = dup(i, r->rb->name);
	i->title = dup(i, r->rb->title);
	i->env = dup(i, r->w->env->name);
	i->target = dup(i, r->target);
	i->danger = r->rb->danger;
	i->is_dry_run = r->q.is_dry_run;
	i->is_ours = true;
	i->state = r->state;
	i->actor = dup(i, r->w->user);
	i->plan = dup(i, r->plan.hash);
	i->incident = r->incident != NULL ? dup(i, r->incident) : NULL;
	i->started_ns = r->started_ns;
	i->ended_ns = r->ended_ns;
	fill_values(i, r);
	fill_facts(i, r);
	fill_columns(i, r);
	fill_rows(i, r);
	i->n_batches = (unsigned)r->n_batches;
	i->batch = (unsigned)r->batch;
	i->max_failures = r->rb->max_failures;
	fill_next(i, r);
	fill_text(i, r);
	i->exit = r->state == RUN_ENDED || r->state == RUN_REFUSED || r->state == RUN_PLANNED ? r->exit : -1;
	fill_question(i, r);
	i->is_confirm_typed = r->rb->danger == DANGER_HIGH;
	i->seq_first = r->seq_first;
	i->seq_last = r->seq_last;
	i->is_durable = r->is_durable;
	return i;
}

const struct run_info *
run_info(const struct run *r)
{
	/* What is kept here is no part of what the run is. */
	struct run *m = (struct run *)r;

	if (m->info == NULL || m->is_dirty) {
		block_unref(m->info_before);
		m->info_before = m->info;
		m->info = info_make(r);
		m->is_dirty = false;
	}
	return r->info;
}

void
info_now(struct run *r)
{
	struct event ev;

	loop_timer_stop(r->info_timer);
	r->is_dirty = true;
	r->info_ns = clock_mono();
	for (size_t i = 0; i < r->n_lanes; i++)
		output_apply(&r->lanes[i], NULL);
	event_init(&ev, EVENT_RUN, clock_now(), "", block_ref(run_info(r)));
	r->w->apply(r->w->arg, &ev);
	event_done(&ev);
}

void
info_touch(struct run *r)
{
	int64_t pause = INFO_PAUSE * (1 + (int64_t)(r->n_lanes * r->n_columns / INFO_CELLS));

	if (r->is_dirty)
		return;
	r->is_dirty = true;
	loop_timer_set(r->info_timer, r->info_ns + pause);
}
