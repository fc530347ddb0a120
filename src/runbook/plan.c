/*
 * The order of planning: `previous`, bindings and routes, reads (checks, values before), conditions, then facts and hash. Nothing acts. What speaks against the run is
 * collected, so that a dry run tells all of it.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "runbook/run_priv.h"

void
plan_refuse(struct run *r, int exit, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	if (r->n_refusals++ == 0) {
		r->refusal = xstrdup(text);
		r->refusal_exit = exit;
	}
	plan_fact(r, "refused", OUTCOME_FAILED, "%s", text);
	free(text);
}

static bool
is_any_unverifiable(const struct run *r)
{
	for (size_t i = 0; i <= r->n_lanes; i++)
		for (size_t c = 0; c < r->n_columns; c++)
			if ((i < r->n_lanes ? &r->lanes[i] : &r->own)->cells[c].outcome == OUTCOME_UNVERIFIABLE)
				return true;
	return false;
}

static void
too_many_unreachable(struct run *r)
{
	unsigned n = run_n_failed(r);

	for (size_t i = 0; n > r->rb->max_failures && i < r->n_lanes; i++)
		if (r->lanes[i].is_failed) {
			plan_refuse(r, 3, "%u of %zu hosts cannot be worked on, more than %u: %s: %s", n, r->n_lanes, r->rb->max_failures, r->lanes[i].name, r->lanes[i].phrase);
			break;
		}
}

static void
plan_refused(struct run *r)
{
	r->exit = r->refusal_exit;
	r->ended_ns = clock_now();
	text_set(&r->text, "nothing was done: %s%s", r->refusal, r->n_refusals > 1 ? " (and more: see the plan)" : "");
	run_enter(r, RUN_REFUSED);
}

/* The plan was made again before running it: it must be the one that was confirmed. */
static void
plan_made_again(struct run *r)
{
	char *difference;

	r->is_replan = false;
	if (strcmp(r->plan.hash, r->plan_before.hash) == 0) {
		plan_bytes_done(&r->plan_before);
		stage_start(r);
		return;
	}
	difference = plan_difference(&r->plan_before, &r->plan);
	r->exit = 3;
	r->ended_ns = clock_now();
	text_set(&r->text, "nothing was done: the plan has changed since it was confirmed: %s", difference);
	free(difference);
	run_enter(r, RUN_ENDED);
}

static void
plan_end(struct run *r)
{
	too_many_unreachable(r);
	plan_hash(r);
	plan_facts(r);
	r->planned_ns = clock_now();
	r->plan_step = PLAN_DONE;
	if (r->n_refusals > 0) {
		plan_refused(r);
	} else if (r->is_replan) {
		plan_made_again(r);
	} else {
		if (r->q.is_dry_run) {
			r->exit = is_any_unverifiable(r) ? 5 : 0;
			r->ended_ns = clock_now();
		}
		text_set(&r->text, r->exit == 5 ? "it would run; what some steps depend on cannot be known before" : r->exit == 0 ? "it would run" : "planned");
		run_enter(r, RUN_PLANNED);
	}
}

void
plan_begin(struct run *r)
{
	r->stage = STAGE_NONE;
	r->plan_step = PLAN_PREVIOUS;
	run_enter(r, RUN_PLANNING);
	plan_previous(r);
	run_kick(r);
}

void
plan_pump(struct run *r)
{
	struct err err = ERR_INIT;

	if (r->n_asked > 0)
		return;
	switch (r->plan_step) {
	case PLAN_PREVIOUS:
		plan_versions(r);
		if (r->n_refusals > 0) {
			/* What is known is shown all the same. */
			plan_bind(r);
			plan_end(r);
			return;
		}
		r->plan_step = PLAN_ROUTES;
		plan_bind(r);
		if (r->rb->confirm != NULL && run_expand(&r->own, r->rb->confirm, &r->target, &err) < 0)
			plan_refuse(r, 2, "confirm: %s", err.msg);
		plan_routes(r);
		run_kick(r);
		break;
	case PLAN_ROUTES:
		r->plan_step = PLAN_READS;
		plan_reads_begin(r);
		run_kick(r);
		break;
	case PLAN_READS:
		if (!plan_reads_pump(r))
			return;
		r->plan_step = PLAN_CONDITIONS;
		plan_conditions(r);
		run_kick(r);
		break;
	case PLAN_CONDITIONS:
		plan_end(r);
		break;
	case PLAN_DONE:
		break;
	}
}

void
plan_free(struct run *r)
{
	struct route_ask *ask;

	while ((ask = LIST_FIRST(&r->routes)) != NULL) {
		/* It still comes back, to nobody. */
		LIST_REMOVE(ask, next);
		ask->run = NULL;
	}
	for (size_t i = 0; i < r->n_reads; i++)
		act_free(r->reads[i].running);
	for (size_t i = 0; i < r->n_whens; i++)
		look_free(r->whens[i]);
	for (size_t i = 0; i < r->n_values; i++) {
		previous_cancel(r->values[i].ask);
		free(r->values[i].value);
		free(r->values[i].from);
		free(r->values[i].current);
	}
	for (size_t i = 0; i < r->n_lanes; i++)
		lane_done(&r->lanes[i]);
	if (r->own.run != NULL)
		lane_done(&r->own);
	for (size_t i = 0; i < r->n_facts; i++) {
		free(r->facts[i].name);
		free(r->facts[i].text);
	}
	template_free(r->reach_words[0]);
	r->reach_words[0] = NULL;
	if (r->has_mark_bad) {
		template_free(r->mark_bad_act.model);
		template_free(r->mark_bad_act.version);
		template_free(r->mark_bad_act.value);
	}
	plan_bytes_done(&r->plan);
	free(r->reads);
	free(r->whens);
	free(r->values);
	free(r->lanes);
	free(r->hosts);
	free(r->batches);
	free(r->columns);
	free(r->facts);
	free(r->target);
	free(r->refusal);
	memset(&r->own, 0, sizeof r->own);
	r->reads = NULL;
	r->whens = NULL;
	r->values = NULL;
	r->lanes = NULL;
	r->hosts = NULL;
	r->batches = NULL;
	r->columns = NULL;
	r->facts = NULL;
	r->target = r->refusal = NULL;
	r->n_reads = r->n_begun = r->n_whens = r->n_values = r->n_lanes = r->n_batches = r->n_columns = r->n_facts = r->n_refusals = r->n_asked = 0;
	r->has_mark_bad = false;
}
