#include "config.h"

#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "model/log_book.h"
#include "model/model_priv.h"

enum { HISTORY_BYTES = 8 << 20 };
#define HISTORY_NS (30 * NS_PER_MIN)

struct model *
model_new_bare(void)
{
	struct model *m = xcalloc(1, sizeof *m);

	m->derived = xcalloc(1, sizeof *m->derived);
	return m;
}

struct model *
model_new(size_t history_bytes, int64_t history_ns)
{
	struct model *m = model_new_bare();

	m->timeline = timeline_new();
	m->history = history_new(history_bytes == 0 ? HISTORY_BYTES : history_bytes, history_ns == 0 ? HISTORY_NS : history_ns);
	return m;
}

static void
derived_free(struct derived *d)
{
	alerts_view_done(&d->alerts);
	markers_view_done(&d->markers);
	slos_view_done(&d->slos);
	drifts_view_done(&d->drifts);
	models_view_done(&d->models);
	hosts_view_done(&d->hosts);
	offers_view_done(&d->offers);
	problems_view_done(&d->problems);
	free(d);
}

void
model_free(struct model *m)
{
	if (m == NULL)
		return;
	history_free(m->history);
	timeline_free(m->timeline);
	derived_free(m->derived);
	sources_done(m);
	series_done(m);
	markers_done(m);
	operations_done(m);
	slos_done(m);
	drifts_done(m);
	models_done(m);
	runs_done(m);
	log_book_free(m->logs);
	after_done(m);
	block_unref(m->env);
	free(m);
}

struct model *
model_clone(const struct model *m)
{
	struct model *copy = model_new_bare();

	copy->now_ns = m->now_ns;
	copy->env = block_ref(m->env);
	copy->env_ns = m->env_ns;
	copy->env_source = m->env_source;
	copy->n_external = m->n_external;
	memcpy(copy->external, m->external, sizeof copy->external);
	sources_clone(copy, m);
	series_clone(copy, m);
	markers_clone(copy, m);
	operations_clone(copy, m);
	slos_clone(copy, m);
	drifts_clone(copy, m);
	models_clone(copy, m);
	runs_clone(copy, m);
	logs_clone(copy, m);
	after_clone(copy, m);
	timeline_clone(copy, m);
	return copy;
}

void
model_touch(struct model *m, unsigned changes)
{
	struct derived *d = m->derived;

	m->changes |= changes;
	timeline_touched(m, changes);
	if (changes & (MODEL_ENVIRONMENT | MODEL_ALERTS))
		d->has_alerts = false;
	if (changes & (MODEL_ENVIRONMENT | MODEL_MARKERS))
		d->has_markers = false;
	if (changes & (MODEL_ENVIRONMENT | MODEL_ALERTS | MODEL_RUNBOOKS)) {
		d->has_offers = false;
		if (m->runbooks != NULL)
			m->changes |= MODEL_RUNBOOKS;
	}
	/* Alerts tell of objectives, and of drift. */
	if (changes & (MODEL_ENVIRONMENT | MODEL_ALERTS | MODEL_SLOS)) {
		d->has_slos = false;
		if (m->slo_defs != NULL)
			m->changes |= MODEL_SLOS;
	}
	if (changes & (MODEL_ENVIRONMENT | MODEL_ALERTS | MODEL_DRIFT)) {
		d->has_drifts = false;
		if (m->drift_defs != NULL)
			m->changes |= MODEL_DRIFT;
	}
	/* Host rows show what the host serves. */
	if (changes & (MODEL_ENVIRONMENT | MODEL_MODELS)) {
		d->has_models = d->has_hosts = false;
		m->changes |= MODEL_MODELS | MODEL_HOSTS;
	}
	if (changes & MODEL_HOSTS)
		d->has_hosts = false;
	if (changes & (MODEL_ENVIRONMENT | MODEL_ALERTS | MODEL_SOURCES | MODEL_SLOS | MODEL_DRIFT | MODEL_MODELS | MODEL_PROBLEMS)) {
		d->has_problems = false;
		m->changes |= MODEL_PROBLEMS;
	}
}

/* Another environment is another world; the same one again is a config read anew, which keeps what is known. */
static void
apply_environment(struct model *m, const struct event *ev)
{
	const struct environment *env = ev->block;
	bool is_other = m->env == NULL || strcmp(m->env->name, env->name) != 0;

	/* What was derived points into the old blocks. */
	model_touch(m, MODEL_ALL);
	if (is_other && m->env != NULL) {
		sources_done(m);
		series_done(m);
		markers_done(m);
		slos_done(m);
		drifts_done(m);
		models_done(m);
		runs_done(m);
		logs_done(m);
		timeline_reset(m->timeline);
		m->n_external = 0;
	}
	if (is_other)
		m->env_ns = ev->time_ns;
	block_replace(&m->env, env);
	m->env_source = ev->source;
	sources_environment(m);
	series_environment(m);
	markers_environment(m);
	models_environment(m);
}

void
model_apply_state(struct model *m, const struct event *given)
{
	struct event local = *given;
	const struct event *ev = &local;

	if (ev->block == NULL)
		return;
	local.time_ns = given->time_ns < 0 ? 0 : given->time_ns > CLOCK_FAR_NS ? CLOCK_FAR_NS : given->time_ns;
	timeline_before(m, ev);
	switch (ev->kind) {
	case EVENT_ENVIRONMENT:
		apply_environment(m, ev);
		break;
	case EVENT_SOURCE_REPORT:
		sources_apply(m, ev);
		series_report(m, ev);
		models_report(m, ev);
		break;
	case EVENT_SOURCE_INFO:
	case EVENT_ALERTS:
	case EVENT_GROUPS:
	case EVENT_SILENCES:
	case EVENT_TARGETS:
	case EVENT_RULES:
		sources_apply(m, ev);
		if (ev->kind == EVENT_TARGETS)
			model_touch(m, MODEL_HOSTS);
		break;
	case EVENT_SERIES:
		series_apply(m, ev);
		break;
	case EVENT_MARKERS:
		markers_apply(m, ev);
		break;
	case EVENT_OPERATION:
		operations_apply(m, ev);
		break;
	case EVENT_SLO_DEFS:
	case EVENT_SLOS:
	case EVENT_SLO_DETAILS:
		slos_apply(m, ev);
		break;
	case EVENT_DRIFT_DEFS:
	case EVENT_DRIFTS:
	case EVENT_DRIFT_HISTORY:
		drifts_apply(m, ev);
		break;
	case EVENT_TIMELINE:
		break;
	case EVENT_MEMORY:
		memory_apply(m, ev);
		break;
	case EVENT_FOCUS:
	case EVENT_AUDIT_VIEW:
		after_apply(m, ev);
		break;
	case EVENT_LOG_LINES:
	case EVENT_LOG_VIEW:
	case EVENT_LOG_PATTERNS:
		logs_apply(m, ev);
		break;
	case EVENT_REGISTRY:
	case EVENT_SERVING:
	case EVENT_HOSTS:
		models_apply(m, ev);
		break;
	case EVENT_RUNBOOKS:
	case EVENT_RUN:
	case EVENT_RUN_OUTPUT:
	case EVENT_INCIDENT:
	case EVENT_NOTE:
		runs_apply(m, ev);
		break;
	case EVENT_KINDS:
		break;
	}
	timeline_after(m, ev);
}

void
model_apply(struct model *m, const struct event *ev)
{
	struct event shared = *ev;

	if (ev->block == NULL)
		return;
	models_share(m, &shared);
	model_apply_state(m, &shared);
	if (m->history != NULL)
		history_add(m->history, &shared);
}

static void
advance_to(struct model *m, int64_t now_ns)
{
	int64_t before_ns = m->now_ns;
	bool is_any_old;

	m->now_ns = now_ns;
	timeline_turn(m, m->now_ns);
	sources_advance(m);
	if (m->derived->has_alerts && m->derived->alerts.next_end_ns <= m->now_ns)
		model_touch(m, MODEL_ALERTS);
	slos_advance(m, before_ns);
	drifts_advance(m, before_ns);
	models_advance(m, before_ns);
	/* The age of old evidence is part of a problem's text. */
	is_any_old = (m->derived->has_slos && m->derived->slos.n_stale > 0) || (m->derived->has_drifts && m->derived->drifts.n_stale > 0) ||
	    (m->derived->has_models && m->derived->models.n_stale > 0);
	for (size_t i = 0; i < m->n_sources; i++)
		is_any_old |= m->sources[i]->is_alerts_stale || m->sources[i]->pub.state == SOURCE_STALE;
	if (is_any_old && before_ns / NS_PER_S != m->now_ns / NS_PER_S)
		model_touch(m, MODEL_PROBLEMS);
	if (m->timeline != NULL)
		timeline_settle(m);
}

/* What events changed is looked at as of then: time that passes since may hide it. */
void
model_advance(struct model *m, int64_t now_ns)
{
	int64_t to_ns = now_ns < 0 ? 0 : now_ns > CLOCK_FAR_NS ? CLOCK_FAR_NS : now_ns;
	int64_t told_ns = timeline_told_ns(m);

	if (told_ns > m->now_ns && told_ns < to_ns)
		advance_to(m, told_ns);
	else if (told_ns < to_ns)
		timeline_settle(m);
	advance_to(m, to_ns);
}

int64_t
model_now(const struct model *m)
{
	return m->now_ns;
}

unsigned
model_changes(struct model *m)
{
	unsigned changes = m->changes;

	m->changes = 0;
	return changes;
}

const struct environment *
model_environment(const struct model *m)
{
	return m->env;
}
