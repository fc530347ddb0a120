/*
 * What each kind of event looks like as JSON: one table a struct. Those of objectives are in event_json_slo.c, those of drift in event_json_drift.c, those of models and hosts in event_json_registry.c,
 * those of runs and incidents in event_json_run.c, those of the timeline, memories, focus and audit log in event_json_after.c, those of logs in event_json_logs.c.
 */
#include "config.h"

#include "model/event.h"

#include <string.h>

#include "base/clock.h"
#include "model/event_fields.h"
#include "model/memory.h"
#include "model/slo.h"
#include "model/snapshot.h"

static const char *const alert_states[] = { "pending", "firing", "silenced", "inhibited", "unprocessed", NULL };
static const char *const silence_states[] = { "pending", "active", "expired", NULL };
static const char *const target_healths[] = { "unknown", "up", "down", NULL };
static const char *const series_types[] = { "vector", "matrix", "scalar", "string", NULL };
const char *const severity_words[] = { "none", "info", "ticket", "page", NULL };
static const char *const marker_kinds[] = { "change", "alert", "action", NULL };
static const char *const operation_states[] = { "started", "done", "failed", "unknown", NULL };

static const struct field contact_fields[] = {
	F("role", FIELD_TEXT, contact, role),
	F("name", FIELD_TEXT, contact, name),
	F("channel", FIELD_TEXT, contact, channel),
	F("responsibility", FIELD_TEXT, contact, responsibility),
	F_END
};
static const struct field query_def_fields[] = {
	F("id", FIELD_TEXT, query_def, id),
	F("name", FIELD_TEXT, query_def, name),
	F("title", FIELD_TEXT, query_def, title),
	F("expr", FIELD_TEXT, query_def, expr),
	F("unit", FIELD_TEXT, query_def, unit),
	F("source", FIELD_TEXT, query_def, source),
	F("objective", FIELD_DOUBLE_OR_NAN, query_def, objective),
	F("slo", FIELD_TEXT_OR_NULL, query_def, slo),
	F_END
};
static const struct field marker_def_fields[] = {
	F("id", FIELD_TEXT, marker_def, id),
	F("name", FIELD_TEXT, marker_def, name),
	F("title", FIELD_TEXT, marker_def, title),
	F("expr", FIELD_TEXT, marker_def, expr),
	F("source", FIELD_TEXT, marker_def, source),
	F("label", FIELD_TEXT, marker_def, label),
	F("group_by", FIELD_TEXT_OR_NULL, marker_def, group_by),
	F_END
};
static const struct field source_def_fields[] = {
	F("name", FIELD_TEXT, source_def, name),
	F("type", FIELD_TEXT, source_def, type),
	F("url", FIELD_TEXT, source_def, url),
	F("interval_ns", FIELD_NS, source_def, interval_ns),
	F_END
};
static const struct field severity_def_fields[] = {
	F("value", FIELD_TEXT, severity_def, value),
	F_ENUM("severity", severity_def, severity, severity_words),
	F_END
};
static const struct field environment_fields[] = {
	F("name", FIELD_TEXT, environment, name),
	F("title", FIELD_TEXT, environment, title),
	F("colour", FIELD_TEXT, environment, colour),
	F("protected", FIELD_BOOL, environment, is_protected),
	F("severity_label", FIELD_TEXT, environment, severity_label),
	F_LIST("severities", FIELD_LIST, environment, severities, n_severities, severity_def_fields),
	F_LIST("sources", FIELD_LIST, environment, sources, n_sources, source_def_fields),
	F_LIST("queries", FIELD_LIST, environment, queries, n_queries, query_def_fields),
	F_LIST("markers", FIELD_LIST, environment, markers, n_markers, marker_def_fields),
	F_LIST("contacts", FIELD_LIST, environment, contacts, n_contacts, contact_fields),
	F_LIST("models", FIELD_LIST, environment, models, n_models, model_def_fields),
	F_END
};
static const struct field source_report_fields[] = {
	F("what", FIELD_TEXT, source_report, what),
	F("ok", FIELD_BOOL, source_report, is_ok),
	F("error", FIELD_TEXT, source_report, error),
	F("http_status", FIELD_LONG, source_report, http_status),
	F("latency_ns", FIELD_NS, source_report, latency_ns),
	F("bytes", FIELD_SIZE, source_report, bytes),
	F("next_due", FIELD_TIME, source_report, next_due_ns),
	F("skew_ns", FIELD_NS, source_report, skew_ns),
	F("replica", FIELD_TEXT, source_report, replica),
	F_END
};
static const struct field source_info_fields[] = {
	F("product", FIELD_TEXT, source_info, product),
	F("version", FIELD_TEXT, source_info, version),
	F("started", FIELD_TIME, source_info, started_ns),
	F("notes", FIELD_STRINGS, source_info, notes),
	F("receivers", FIELD_STRINGS, source_info, receivers),
	F_END
};
static const struct field alert_fields[] = {
	F("name", FIELD_TEXT, alert, name),
	F("labels", FIELD_LABELS, alert, labels),
	F("annotations", FIELD_LABELS, alert, annotations),
	F_ENUM("state", alert, state, alert_states),
	F("since", FIELD_TIME, alert, since_ns),
	F("updated", FIELD_TIME, alert, updated_ns),
	F("ends", FIELD_TIME, alert, ends_ns),
	F("fingerprint", FIELD_TEXT_OR_NULL, alert, fingerprint),
	F("value", FIELD_TEXT_OR_NULL, alert, value),
	F("generator_url", FIELD_TEXT_OR_NULL, alert, generator_url),
	F("silenced_by", FIELD_STRINGS, alert, silenced_by),
	F("inhibited_by", FIELD_STRINGS, alert, inhibited_by),
	F("receivers", FIELD_STRINGS, alert, receivers),
	F_END
};
static const struct field alert_set_fields[] = {
	F_LIST("alerts", FIELD_LIST, alert_set, v, n, alert_fields),
	F_END
};
static const struct field alert_group_fields[] = {
	F("labels", FIELD_LABELS, alert_group, labels),
	F("receiver", FIELD_TEXT, alert_group, receiver),
	F("fingerprints", FIELD_STRINGS, alert_group, fingerprints),
	F_END
};
static const struct field group_set_fields[] = {
	F_LIST("groups", FIELD_LIST, group_set, v, n, alert_group_fields),
	F_END
};
static const struct field matcher_fields[] = {
	F("name", FIELD_TEXT, matcher, name),
	F("value", FIELD_TEXT, matcher, value),
	F("regex", FIELD_BOOL, matcher, is_regex),
	F("equal", FIELD_BOOL, matcher, is_equal),
	F_END
};
static const struct field silence_fields[] = {
	F("id", FIELD_TEXT, silence, id),
	F_LIST("matchers", FIELD_LIST, silence, matchers, n_matchers, matcher_fields),
	F("starts", FIELD_TIME, silence, starts_ns),
	F("ends", FIELD_TIME, silence, ends_ns),
	F("updated", FIELD_TIME, silence, updated_ns),
	F("created_by", FIELD_TEXT, silence, created_by),
	F("comment", FIELD_TEXT, silence, comment),
	F_ENUM("state", silence, state, silence_states),
	F_END
};
static const struct field silence_set_fields[] = {
	F_LIST("silences", FIELD_LIST, silence_set, v, n, silence_fields),
	F_END
};
static const struct field target_fields[] = {
	F("job", FIELD_TEXT, target, job),
	F("instance", FIELD_TEXT, target, instance),
	F("url", FIELD_TEXT, target, url),
	F("error", FIELD_TEXT, target, error),
	F("labels", FIELD_LABELS, target, labels),
	F_ENUM("health", target, health, target_healths),
	F("last_scrape", FIELD_TIME, target, last_scrape_ns),
	F("scrape_s", FIELD_DOUBLE, target, scrape_s),
	F_END
};
static const struct field target_set_fields[] = {
	F_LIST("targets", FIELD_LIST, target_set, v, n, target_fields),
	F("n_up", FIELD_SIZE, target_set, n_up),
	F("n_down", FIELD_SIZE, target_set, n_down),
	F("n_unknown", FIELD_SIZE, target_set, n_unknown),
	F("n_dropped", FIELD_SIZE, target_set, n_dropped),
	F_END
};
static const struct field rule_fields[] = {
	F("group", FIELD_TEXT, rule, group),
	F("name", FIELD_TEXT, rule, name),
	F("query", FIELD_TEXT, rule, query),
	F("error", FIELD_TEXT, rule, error),
	F("alerting", FIELD_BOOL, rule, is_alerting),
	F("health", FIELD_TEXT, rule, health),
	F("labels", FIELD_LABELS, rule, labels),
	F("evaluated", FIELD_TIME, rule, evaluated_ns),
	F("evaluation_s", FIELD_DOUBLE, rule, evaluation_s),
	F_END
};
static const struct field rule_set_fields[] = {
	F_LIST("rules", FIELD_LIST, rule_set, v, n, rule_fields),
	F("n_err", FIELD_SIZE, rule_set, n_err),
	F_END
};
const struct field sample_fields[] = {
	F("time_ns", FIELD_NS, sample, t_ns),
	F("value", FIELD_DOUBLE, sample, v),
	F_END
};
static const struct field bucket_fields[] = {
	F("boundaries", FIELD_UINT, bucket, boundaries),
	F("lo", FIELD_DOUBLE, bucket, lo),
	F("hi", FIELD_DOUBLE, bucket, hi),
	F("count", FIELD_DOUBLE, bucket, count),
	F_END
};
static const struct field histogram_fields[] = {
	F("time_ns", FIELD_NS, histogram, t_ns),
	F("count", FIELD_DOUBLE, histogram, count),
	F("sum", FIELD_DOUBLE, histogram, sum),
	F_LIST("buckets", FIELD_TUPLES, histogram, v, n, bucket_fields),
	F_END
};
static const struct field series_fields[] = {
	F("labels", FIELD_LABELS, series, labels),
	F_LIST("samples", FIELD_TUPLES, series, v, n, sample_fields),
	F_LIST("histograms", FIELD_TUPLES, series, histograms, n_histograms, histogram_fields),
	F_END
};
static const struct field series_set_fields[] = {
	F_ENUM("type", series_set, type, series_types),
	F("query", FIELD_TEXT, series_set, query),
	F("start", FIELD_TIME, series_set, start_ns),
	F("end", FIELD_TIME, series_set, end_ns),
	F("step_ns", FIELD_NS, series_set, step_ns),
	F_LIST("series", FIELD_LIST, series_set, v, n, series_fields),
	F("n_left_out", FIELD_SIZE, series_set, n_left_out),
	F("text", FIELD_TEXT_OR_NULL, series_set, text),
	F("warnings", FIELD_STRINGS, series_set, warnings),
	F("infos", FIELD_STRINGS, series_set, infos),
	F_END
};
static const struct field marker_fields[] = {
	F_ENUM("kind", marker, kind, marker_kinds),
	F("at", FIELD_TIME, marker, at_ns),
	F("what", FIELD_TEXT, marker, what),
	F("from", FIELD_TEXT, marker, from),
	F("to", FIELD_TEXT, marker, to),
	F("text", FIELD_TEXT, marker, text),
	F("n_series", FIELD_UINT, marker, n_series),
	F_END
};
static const struct field marker_set_fields[] = {
	F("def", FIELD_TEXT, marker_set, def),
	F("start", FIELD_TIME, marker_set, start_ns),
	F("end", FIELD_TIME, marker_set, end_ns),
	F_LIST("markers", FIELD_LIST, marker_set, v, n, marker_fields),
	F("note", FIELD_TEXT_OR_NULL, marker_set, note),
	F_END
};
static const struct field operation_fields[] = {
	F("id", FIELD_TEXT, operation, id),
	F("verb", FIELD_TEXT, operation, verb),
	F("object", FIELD_TEXT, operation, object),
	F("text", FIELD_TEXT, operation, text),
	F_ENUM("state", operation, state, operation_states),
	F_END
};

static const struct kind {
	const char *name;
	size_t size;
	const struct field *fields;
} kinds[EVENT_KINDS] = {
	[EVENT_ENVIRONMENT] = { "environment", sizeof(struct environment), environment_fields },
	[EVENT_SOURCE_REPORT] = { "source-report", sizeof(struct source_report), source_report_fields },
	[EVENT_SOURCE_INFO] = { "source-info", sizeof(struct source_info), source_info_fields },
	[EVENT_ALERTS] = { "alerts", sizeof(struct alert_set), alert_set_fields },
	[EVENT_GROUPS] = { "groups", sizeof(struct group_set), group_set_fields },
	[EVENT_SILENCES] = { "silences", sizeof(struct silence_set), silence_set_fields },
	[EVENT_TARGETS] = { "targets", sizeof(struct target_set), target_set_fields },
	[EVENT_RULES] = { "rules", sizeof(struct rule_set), rule_set_fields },
	[EVENT_SERIES] = { "series", sizeof(struct series_set), series_set_fields },
	[EVENT_MARKERS] = { "markers", sizeof(struct marker_set), marker_set_fields },
	[EVENT_OPERATION] = { "operation", sizeof(struct operation), operation_fields },
	[EVENT_REGISTRY] = { "registry", sizeof(struct registry_set), registry_set_fields },
	[EVENT_SERVING] = { "serving", sizeof(struct serving_set), serving_set_fields },
	[EVENT_HOSTS] = { "hosts", sizeof(struct host_set), host_set_fields },
	[EVENT_SLO_DEFS] = { "slo-defs", sizeof(struct slo_def_set), slo_def_set_fields },
	[EVENT_SLOS] = { "slos", sizeof(struct slo_set), slo_set_fields },
	[EVENT_SLO_DETAILS] = { "slo-details", sizeof(struct slo_detail_set), slo_detail_set_fields },
	[EVENT_RUNBOOKS] = { "runbooks", sizeof(struct runbook_set), runbook_set_fields },
	[EVENT_RUN] = { "run", sizeof(struct run_info), run_info_fields },
	[EVENT_RUN_OUTPUT] = { "run-output", sizeof(struct run_output), run_output_fields },
	[EVENT_INCIDENT] = { "incident", sizeof(struct incident), incident_fields },
	[EVENT_DRIFT_DEFS] = { "drift-defs", sizeof(struct drift_def_set), drift_def_set_fields },
	[EVENT_DRIFTS] = { "drifts", sizeof(struct drift_set), drift_set_fields },
	[EVENT_DRIFT_HISTORY] = { "drift-history", sizeof(struct drift_history), drift_history_fields },
	[EVENT_LOG_LINES] = { "log-lines", sizeof(struct log_batch), log_batch_fields },
	[EVENT_LOG_VIEW] = { "log-view", sizeof(struct log_view), log_view_fields },
	[EVENT_LOG_PATTERNS] = { "log-patterns", sizeof(struct log_pattern_set), log_pattern_set_fields },
	[EVENT_NOTE] = { "note", sizeof(struct note), note_fields },
	[EVENT_TIMELINE] = { "timeline", sizeof(struct timeline_set), timeline_set_fields },
	[EVENT_MEMORY] = { "memory", sizeof(struct model_memory_set), model_memory_set_fields },
	[EVENT_FOCUS] = { "focus", sizeof(struct operator_focus), operator_focus_fields },
	[EVENT_AUDIT_VIEW] = { "audit-view", sizeof(struct audit_view), audit_view_fields },
};

const char *
event_kind_name(enum event_kind kind)
{
	return (unsigned)kind < EVENT_KINDS ? kinds[kind].name : "unknown";
}

const struct field *
event_kind_fields(enum event_kind kind)
{
	return (unsigned)kind < EVENT_KINDS ? kinds[kind].fields : NULL;
}

/* What no table of fields can say. */
static void
rest_to_json(json_t *json, const struct event *ev)
{
	if (ev->kind == EVENT_RUN)
		json_object_set_new(json, "rows", run_rows_to_json(ev->block));
	else if (ev->kind == EVENT_LOG_LINES)
		json_object_set_new(json, "lines", log_lines_to_json(ev->block));
	else if (ev->kind == EVENT_LOG_VIEW)
		json_object_set_new(json, "lines", log_view_lines_to_json(ev->block));
	else if (ev->kind == EVENT_LOG_PATTERNS)
		log_trends_to_json(ev->block, json_object_get(json, "patterns"));
}

static int
rest_from_json(const json_t *json, enum event_kind kind, void *block, struct err *err)
{
	if (kind == EVENT_RUN)
		return run_rows_from_json(json_object_get(json, "rows"), block, err);
	if (kind == EVENT_LOG_LINES)
		return log_lines_from_json(json_object_get(json, "lines"), block, err);
	if (kind == EVENT_LOG_VIEW)
		return log_view_lines_from_json(json_object_get(json, "lines"), block, err);
	if (kind == EVENT_LOG_PATTERNS)
		return log_trends_from_json(json_object_get(json, "patterns"), block, err);
	return 0;
}

json_t *
event_to_json(const struct event *ev)
{
	json_t *json = json_object();

	json_object_set_new(json, "event", json_string(event_kind_name(ev->kind)));
	json_object_set_new(json, "time", codec_time(ev->time_ns));
	json_object_set_new(json, "source", codec_text(ev->source));
	if ((unsigned)ev->kind < EVENT_KINDS && ev->block != NULL)
		codec_encode(json, kinds[ev->kind].fields, ev->block);
	if (ev->block != NULL)
		rest_to_json(json, ev);
	return json;
}

static int
kind_from_json(const json_t *json, enum event_kind *ret_kind, struct err *err)
{
	const char *name = json_string_value(json_object_get(json, "event"));

	for (int i = 0; name != NULL && i < EVENT_KINDS; i++) {
		if (kinds[i].name != NULL && strcmp(name, kinds[i].name) == 0) {
			*ret_kind = (enum event_kind)i;
			return 0;
		}
	}
	return err_set(err, ERR_INVALID, "event: expected the name of a kind of event, such as \"alerts\"");
}

static int
disordered(struct err *err, size_t series, const char *member, size_t i)
{
	return err_set(err, ERR_INVALID, "series[%zu]: %s[%zu]: expected a time after the one before it", series, member, i);
}

static int
check_series_order(const struct series_set *set, struct err *err)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct series *s = &set->v[i];

		for (size_t j = 1; j < s->n; j++)
			if (s->v[j].t_ns <= s->v[j - 1].t_ns)
				return disordered(err, i, "samples", j);
		for (size_t j = 1; j < s->n_histograms; j++)
			if (s->histograms[j].t_ns <= s->histograms[j - 1].t_ns)
				return disordered(err, i, "histograms", j);
	}
	return 0;
}

/* What event.h promises to be ascending, readers search and subtract: a recording must keep it as the sources do. */
static int
check_order(enum event_kind kind, const void *block, struct err *err)
{
	const struct marker_set *markers = block;

	if (kind == EVENT_SERIES)
		return check_series_order(block, err);
	if (kind == EVENT_REGISTRY)
		return registry_check(block, err);
	if (kind == EVENT_HOSTS)
		return hosts_check(block, err);
	if (kind == EVENT_SLO_DEFS)
		return slo_defs_check(block, err);
	if (kind == EVENT_SLOS)
		return slos_check(block, err);
	if (kind == EVENT_SLO_DETAILS)
		return slo_details_check(block, err);
	if (kind == EVENT_DRIFT_DEFS)
		return drift_defs_check(block, err);
	if (kind == EVENT_DRIFTS)
		return drifts_check(block, err);
	if (kind == EVENT_DRIFT_HISTORY)
		return drift_history_check(block, err);
	if (kind == EVENT_AUDIT_VIEW)
		return audit_view_check(block, err);
	for (size_t i = 1; kind == EVENT_MARKERS && i < markers->n; i++)
		if (markers->v[i].at_ns < markers->v[i - 1].at_ns)
			return err_set(err, ERR_INVALID, "markers[%zu]: at: expected a time not before the one before it", i);
	return 0;
}

int
event_from_json(const json_t *json, struct event *ret_ev, struct err *err)
{
	const json_t *source = json_object_get(json, "source");
	const char *time = json_string_value(json_object_get(json, "time"));
	enum event_kind kind = EVENT_KINDS;
	int64_t time_ns = 0;
	void *block;
	int r;

	r = kind_from_json(json, &kind, err);
	if (r < 0)
		return r;
	if (time == NULL || clock_parse(time, &time_ns, NULL) < 0)
		return err_set(err, ERR_INVALID, "time: expected a time in RFC 3339 form");
	if (source != NULL && (!json_is_string(source) || strlen(json_string_value(source)) != json_string_length(source)))
		return err_set(err, ERR_INVALID, "source: expected a text without NUL");
	block = block_new(kinds[kind].size);
	r = codec_decode(json, kinds[kind].fields, block, &((struct block *)block)->arena, err);
	if (r == 0)
		r = rest_from_json(json, kind, block, err);
	if (r == 0)
		r = check_order(kind, block, err);
	if (r < 0) {
		block_unref(block);
		return r;
	}
	event_init(ret_ev, kind, clock_within(time_ns), json_string_value(source), block);
	return 0;
}
