/*
 * A model as events: the newest of each thing it knows, in an order in which each finds what it belongs to, and last what they do not say.
 *
 * Blocks are shared with the model, and an event's source lives in its block, so that nothing is copied but the memory.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "model/model_priv.h"
#include "model/snapshot.h"

static void
add(struct event_list *l, enum event_kind kind, int64_t time_ns, const char *source, const void *block)
{
	if (block == NULL)
		return;
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->v = xreallocarray(l->v, l->cap, sizeof *l->v);
	}
	l->v[l->n++] = (struct event){ .kind = kind, .time_ns = time_ns, .source = source == NULL ? "" : source, .block = block_ref(block) };
}

static void
add_told(struct event_list *l, enum event_kind kind, struct told told, const void *block)
{
	add(l, kind, told.time_ns, told.source, block);
}

static void
add_source(struct event_list *l, const struct source *s)
{
	add_told(l, EVENT_SOURCE_INFO, s->info_told, s->pub.info);
	add(l, EVENT_TARGETS, s->pub.targets_ns, s->targets_source, s->pub.targets);
	add(l, EVENT_RULES, s->pub.rules_ns, s->rules_source, s->pub.rules);
	add(l, EVENT_GROUPS, s->pub.groups_ns, s->groups_source, s->pub.groups);
	add(l, EVENT_SILENCES, s->silences_ns, s->silences_source, s->silences);
	add(l, EVENT_ALERTS, s->alerts_ns, s->alerts_source, s->alerts);
	for (size_t i = 0; i < s->pub.n_requests; i++)
		add(l, EVENT_SOURCE_REPORT, s->requests[i].last_ns, s->requests[i].source, s->requests[i].last);
}

static void
add_models(struct event_list *l, const struct model *m)
{
	add(l, EVENT_HOSTS, m->hosts_ns, m->hosts_source, m->hosts);
	for (size_t i = 0; i < m->n_registries; i++)
		add(l, EVENT_REGISTRY, m->registries[i].at_ns, m->registries[i].source, m->registries[i].set);
	for (size_t i = 0; i < m->n_memories; i++)
		add(l, EVENT_SERVING, m->memories[i].serving_ns, m->memories[i].serving_source, m->memories[i].serving);
}

static void
add_series(struct event_list *l, const struct model *m, bool with_ranges)
{
	for (size_t i = 0; i < m->n_queries; i++) {
		const struct query *q = m->queries[i];

		add(l, EVENT_SERIES, q->pub.instant_ns, q->instant_source, q->pub.instant);
		if (with_ranges)
			add(l, EVENT_SERIES, q->pub.range_ns, q->range_source, q->pub.range);
	}
}

static void
add_runs(struct event_list *l, const struct model *m)
{
	add_told(l, EVENT_RUNBOOKS, m->runbooks_told, m->runbooks);
	/* A run that is applied puts out the plan it is of: what is planned again since comes after. */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < m->n_runs; i++)
			if (run_is_plan(m->runs[i].run) == (pass == 1))
				add(l, EVENT_RUN, m->runs[i].time_ns, m->runs[i].source, m->runs[i].run);
	for (size_t i = 0; i < m->n_outputs; i++)
		add(l, EVENT_RUN_OUTPUT, m->outputs[i].time_ns, m->outputs[i].source, m->outputs[i].output);
	for (size_t i = 0; i < m->n_incidents; i++)
		add_told(l, EVENT_INCIDENT, m->incidents[i].told, m->incidents[i].incident);
	for (size_t i = 0; i < m->n_notes; i++)
		add(l, EVENT_NOTE, m->notes[i].time_ns, m->notes[i].source, m->notes[i].note);
}

void
model_snapshot(const struct model *m, bool with_ranges, struct event_list *ret)
{
	struct model_memory_set *memory = memory_take(m);

	add(ret, EVENT_ENVIRONMENT, m->env_ns, m->env_source, m->env);
	for (size_t i = 0; i < m->n_sources; i++)
		add_source(ret, m->sources[i]);
	add_models(ret, m);
	add_told(ret, EVENT_SLO_DEFS, m->slo_defs_told, m->slo_defs);
	add_told(ret, EVENT_SLOS, m->slos_told, m->slos);
	add_told(ret, EVENT_SLO_DETAILS, m->slo_details_told, m->slo_details);
	add_told(ret, EVENT_DRIFT_DEFS, m->drift_defs_told, m->drift_defs);
	add_told(ret, EVENT_DRIFTS, m->drifts_told, m->drifts);
	add_told(ret, EVENT_DRIFT_HISTORY, m->drift_history_told, m->drift_history);
	add_series(ret, m, with_ranges);
	for (size_t i = 0; i < m->n_marker_sets; i++)
		add_told(ret, EVENT_MARKERS, m->marker_sets[i].told, m->marker_sets[i].set);
	for (size_t i = 0; i < m->n_operations; i++)
		add(ret, EVENT_OPERATION, m->operations[i].time_ns, m->operations[i].source, m->operations[i].operation);
	add_runs(ret, m);
	logs_snapshot(m, ret);
	add_told(ret, EVENT_FOCUS, m->focus_told, m->focus);
	add_told(ret, EVENT_AUDIT_VIEW, m->audit_told, m->audit_view);
	add(ret, EVENT_MEMORY, m->now_ns, "", memory);
	block_unref(memory);
}

/* --- slots ---------------------------------------------------------------------------------------------------------------- */

enum { SLOT_TEXT_MAX = 8192, HASH_TEXT = 18 };

static void
add_words(struct buf *b, const char *x, const char *y)
{
	buf_printf(b, ":%s", x);
	if (y != NULL)
		buf_printf(b, ":%s", y);
}

/* Answers of markers are kept beside each other but where one covers the other; notes and what was found add up. */
static void
slot_text(const struct event *ev, struct buf *b)
{
	const struct marker_set *markers = ev->block;
	const struct run_output *output = ev->block;
	const struct series_set *series = ev->block;

	buf_addstr(b, event_kind_name(ev->kind));
	switch (ev->kind) {
	case EVENT_SOURCE_INFO: case EVENT_ALERTS: case EVENT_GROUPS: case EVENT_SILENCES: case EVENT_TARGETS: case EVENT_RULES: case EVENT_REGISTRY:
		add_words(b, ev->source, NULL);
		break;
	case EVENT_SOURCE_REPORT:
		add_words(b, ev->source, ((const struct source_report *)ev->block)->what);
		break;
	case EVENT_SERIES:
		add_words(b, series->query, series->type == SERIES_MATRIX ? "range" : "instant");
		break;
	case EVENT_MARKERS:
		buf_printf(b, ":%s:%" PRId64 ":%" PRId64, markers->def, markers->start_ns, markers->end_ns);
		break;
	case EVENT_OPERATION:
		add_words(b, ((const struct operation *)ev->block)->id, NULL);
		break;
	case EVENT_SERVING:
		add_words(b, ((const struct serving_set *)ev->block)->model, NULL);
		break;
	case EVENT_SLOS:
		buf_addstr(b, ((const struct slo_set *)ev->block)->is_past ? ":past" : "");
		break;
	case EVENT_SLO_DETAILS:
		buf_addstr(b, ((const struct slo_detail_set *)ev->block)->is_past ? ":past" : "");
		break;
	case EVENT_DRIFTS:
		buf_addstr(b, ((const struct drift_set *)ev->block)->is_past ? ":past" : "");
		break;
	case EVENT_RUN:
		add_words(b, ((const struct run_info *)ev->block)->id, NULL);
		break;
	case EVENT_RUN_OUTPUT:
		buf_printf(b, ":%s:%u:%s", output->run, output->column, output->host);
		break;
	case EVENT_INCIDENT:
		add_words(b, ((const struct incident *)ev->block)->id, NULL);
		break;
	case EVENT_NOTE:
		buf_printf(b, ":%" PRId64 ":%" PRIu64, ev->time_ns, ((const struct note *)ev->block)->seq);
		break;
	case EVENT_TIMELINE:
		buf_printf(b, ":%" PRId64, ev->time_ns);
		break;
	case EVENT_LOG_LINES:
		buf_printf(b, ":%s:%" PRId64, ((const struct log_batch *)ev->block)->want, ev->time_ns);
		break;
	case EVENT_ENVIRONMENT: case EVENT_HOSTS: case EVENT_SLO_DEFS: case EVENT_RUNBOOKS: case EVENT_DRIFT_DEFS: case EVENT_DRIFT_HISTORY:
	case EVENT_MEMORY: case EVENT_FOCUS: case EVENT_AUDIT_VIEW: case EVENT_LOG_VIEW: case EVENT_LOG_PATTERNS:
	case EVENT_KINDS:
		break;
	}
}

char *
event_slot(const struct event *ev, char *buf, size_t size)
{
	struct buf b;

	buf_init(&b, SLOT_TEXT_MAX);
	slot_text(ev, &b);
	/* Of one that does not fit the end says which it is. */
	if (b.is_over || b.len >= size)
		snprintf(buf, size, "%.*s~%016" PRIx64, size > HASH_TEXT ? (int)(size - HASH_TEXT) : 0, b.data,
		    str_hash(b.data, b.len, b.is_over ? str_hash(&ev->block, sizeof ev->block, STR_HASH_SEED) : STR_HASH_SEED));
	else
		memcpy(buf, b.data, b.len + 1);
	buf_done(&b);
	return buf;
}
