/* The model as JSON, for --status --json and for comparing two models in tests. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "model/codec.h"
#include "model/model_priv.h"

json_t *
json_time_or_null(int64_t ns)
{
	return ns == 0 ? json_null() : codec_time(ns);
}

static json_t *
text_or_null(const char *s)
{
	return s == NULL ? json_null() : codec_text(s);
}

static json_t *
labels_json(const struct labels *l)
{
	json_t *json = json_object();

	for (size_t i = 0; i < l->n; i++) {
		json_t *name = codec_text(l->v[i].name);

		json_object_set_new(json, json_string_value(name), codec_text(l->v[i].value));
		json_decref(name);
	}
	return json;
}

/* As text: JSON's readers may keep only 53 bits of a number. */
json_t *
json_alert_id(uint64_t id)
{
	char text[24];

	snprintf(text, sizeof text, "%016" PRIx64, id);
	return json_string(text);
}

static json_t *
environment_json(const struct environment *env)
{
	json_t *json;

	if (env == NULL)
		return json_null();
	json = json_object();
	json_object_set_new(json, "name", codec_text(env->name));
	json_object_set_new(json, "title", codec_text(env->title));
	json_object_set_new(json, "protected", json_boolean(env->is_protected));
	return json;
}

static json_t *
problem_json(const struct problem *p)
{
	static const char *const kinds[] = { "alert", "source", "targets", "rules", "slo", "model", "drift", NULL };
	json_t *json = json_object();

	json_object_set_new(json, "kind", codec_enum(kinds, (int)p->kind));
	json_object_set_new(json, "severity", json_string(severity_name(p->severity)));
	json_object_set_new(json, "unknown", json_boolean(p->is_unknown));
	json_object_set_new(json, "name", codec_text(p->name));
	json_object_set_new(json, "text", codec_text(p->text));
	json_object_set_new(json, "since", json_time_or_null(p->since_ns));
	json_object_set_new(json, "seen", json_time_or_null(p->seen_ns));
	json_object_set_new(json, "evidence", codec_text(p->evidence));
	if (p->kind == PROBLEM_ALERT) {
		json_object_set_new(json, "alert", json_alert_id(p->alert_id));
		json_object_set_new(json, "state", json_string(alert_state_name(p->state)));
	}
	if (p->slo_id != NULL)
		json_object_set_new(json, "slo", codec_text(p->slo_id));
	if (p->drift_id != NULL)
		json_object_set_new(json, "drift", codec_text(p->drift_id));
	return json;
}

static json_t *
groups_json(const struct model_alert *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->n_groups; i++) {
		json_t *json = json_object();

		json_object_set_new(json, "labels", labels_json(&a->groups[i]->labels));
		json_object_set_new(json, "receiver", codec_text(a->groups[i]->receiver));
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *
alert_json(const struct model_alert *a)
{
	json_t *json = json_object();

	json_object_set_new(json, "id", json_alert_id(a->id));
	json_object_set_new(json, "name", codec_text(a->name));
	json_object_set_new(json, "state", json_string(alert_state_name(a->state)));
	json_object_set_new(json, "severity", json_string(severity_name(a->severity)));
	json_object_set_new(json, "severity_text", codec_text(a->severity_text));
	json_object_set_new(json, "since", codec_time(a->since_ns));
	json_object_set_new(json, "seen", codec_time(a->seen_ns));
	json_object_set_new(json, "stale", json_boolean(a->is_stale));
	json_object_set_new(json, "acked", json_boolean(a->is_acked));
	json_object_set_new(json, "silenced_until", json_time_or_null(a->silenced_until_ns));
	json_object_set_new(json, "labels", labels_json(a->labels));
	json_object_set_new(json, "annotations", labels_json(a->annotations));
	json_object_set_new(json, "alertmanager", text_or_null(a->am_source));
	json_object_set_new(json, "prometheus", text_or_null(a->prometheus_source));
	json_object_set_new(json, "fingerprint", a->am == NULL ? json_null() : text_or_null(a->am->fingerprint));
	json_object_set_new(json, "groups", groups_json(a));
	json_object_set_new(json, "value", a->prometheus == NULL ? json_null() : text_or_null(a->prometheus->value));
	return json;
}

static json_t *
matcher_json(const struct matcher *m)
{
	json_t *json = json_object();

	json_object_set_new(json, "name", codec_text(m->name));
	json_object_set_new(json, "value", codec_text(m->value));
	json_object_set_new(json, "regex", json_boolean(m->is_regex));
	json_object_set_new(json, "equal", json_boolean(m->is_equal));
	return json;
}

static json_t *
silence_json(const struct model_silence *s)
{
	static const char *const states[] = { "pending", "active", "expired", NULL };
	json_t *json = json_object(), *matchers = json_array();

	for (size_t i = 0; i < s->silence->n_matchers; i++)
		json_array_append_new(matchers, matcher_json(&s->silence->matchers[i]));
	json_object_set_new(json, "id", codec_text(s->silence->id));
	json_object_set_new(json, "source", codec_text(s->source));
	json_object_set_new(json, "state", codec_enum(states, (int)s->silence->state));
	json_object_set_new(json, "starts", codec_time(s->silence->starts_ns));
	json_object_set_new(json, "ends", codec_time(s->silence->ends_ns));
	json_object_set_new(json, "created_by", codec_text(s->silence->created_by));
	json_object_set_new(json, "comment", codec_text(s->silence->comment));
	json_object_set_new(json, "matchers", matchers);
	json_object_set_new(json, "hides", json_integer((json_int_t)s->n_hides));
	return json;
}

static json_t *
request_json(const struct source_request *r)
{
	json_t *json = json_object();

	json_object_set_new(json, "what", codec_text(r->last->what));
	json_object_set_new(json, "ok", json_boolean(r->last->is_ok));
	json_object_set_new(json, "error", codec_text(r->last->error));
	json_object_set_new(json, "http_status", json_integer(r->last->http_status));
	json_object_set_new(json, "latency_ns", json_integer(r->last->latency_ns));
	json_object_set_new(json, "bytes", json_integer((json_int_t)r->last->bytes));
	json_object_set_new(json, "last", json_time_or_null(r->last_ns));
	json_object_set_new(json, "last_ok", json_time_or_null(r->last_ok_ns));
	json_object_set_new(json, "failed_in_row", json_integer(r->n_failed_in_row));
	json_object_set_new(json, "failing_since", json_time_or_null(r->failing_since_ns));
	json_object_set_new(json, "ok_since", json_time_or_null(r->ok_since_ns));
	return json;
}

static json_t *
targets_json(const struct target_set *set)
{
	size_t n[3] = { 0, 0, 0 };

	for (size_t i = 0; i < set->n; i++)
		n[(unsigned)set->v[i].health % 3]++;
	return json_pack("{s:I,s:I,s:I}", "up", (json_int_t)n[TARGET_UP], "down", (json_int_t)n[TARGET_DOWN],
	    "unknown", (json_int_t)n[TARGET_UNKNOWN]);
}

static json_t *
source_json(const struct model_source *s)
{
	json_t *json = json_object(), *requests = json_array();

	for (size_t i = 0; i < s->n_requests; i++)
		json_array_append_new(requests, request_json(&s->requests[i]));
	json_object_set_new(json, "name", codec_text(s->name));
	json_object_set_new(json, "type", codec_text(s->type));
	json_object_set_new(json, "url", codec_text(s->url));
	json_object_set_new(json, "state", json_string(source_state_name(s->state)));
	json_object_set_new(json, "since", json_time_or_null(s->since_ns));
	json_object_set_new(json, "last_ok", json_time_or_null(s->last_ok_ns));
	json_object_set_new(json, "error", codec_text(s->error));
	json_object_set_new(json, "product", s->info == NULL ? json_null() : text_or_null(s->info->product));
	json_object_set_new(json, "version", s->info == NULL ? json_null() : text_or_null(s->info->version));
	json_object_set_new(json, "targets", s->targets == NULL ? json_null() : targets_json(s->targets));
	json_object_set_new(json, "rules", s->rules == NULL ? json_null() : json_integer((json_int_t)s->rules->n));
	json_object_set_new(json, "requests", requests);
	return json;
}

/* One series by what it says last. */
static json_t *
series_json(const struct series *s)
{
	json_t *json = json_object();

	json_object_set_new(json, "labels", labels_json(&s->labels));
	json_object_set_new(json, "value", s->n == 0 ? json_null() : codec_double(s->v[s->n - 1].v));
	json_object_set_new(json, "time", s->n == 0 ? json_null() : codec_time(s->v[s->n - 1].t_ns));
	if (s->n_histograms > 0) {
		const struct histogram *h = &s->histograms[s->n_histograms - 1];

		json_object_set_new(json, "histogram_count", codec_double(h->count));
		json_object_set_new(json, "histogram_sum", codec_double(h->sum));
	}
	return json;
}

static json_t *
series_set_json(const struct series_set *set, int64_t seen_ns)
{
	json_t *json, *list;

	if (set == NULL)
		return json_null();
	json = json_object();
	list = json_array();
	for (size_t i = 0; i < set->n; i++)
		json_array_append_new(list, series_json(&set->v[i]));
	json_object_set_new(json, "seen", codec_time(seen_ns));
	json_object_set_new(json, "series", list);
	json_object_set_new(json, "left_out", json_integer((json_int_t)set->n_left_out));
	if (set->text != NULL)
		json_object_set_new(json, "text", codec_text(set->text));
	return json;
}

static json_t *
query_json(const struct model_query *q)
{
	json_t *json = json_object();

	json_object_set_new(json, "id", codec_text(q->id));
	json_object_set_new(json, "title", q->def == NULL ? json_null() : text_or_null(q->def->title));
	json_object_set_new(json, "unit", q->def == NULL ? json_null() : text_or_null(q->def->unit));
	json_object_set_new(json, "error", codec_text(q->error));
	json_object_set_new(json, "instant", series_set_json(q->instant, q->instant_ns));
	json_object_set_new(json, "range", series_set_json(q->range, q->range_ns));
	return json;
}

static json_t *
marker_json(const struct marker *k)
{
	static const char *const kinds[] = { "change", "alert", "action", NULL };
	json_t *json = json_object();

	json_object_set_new(json, "kind", codec_enum(kinds, (int)k->kind));
	json_object_set_new(json, "at", codec_time(k->at_ns));
	json_object_set_new(json, "what", codec_text(k->what));
	json_object_set_new(json, "from", codec_text(k->from));
	json_object_set_new(json, "to", codec_text(k->to));
	json_object_set_new(json, "text", codec_text(k->text));
	json_object_set_new(json, "series", json_integer(k->n_series));
	return json;
}

static json_t *
operation_json(const struct operation *op, int64_t time_ns)
{
	static const char *const states[] = { "started", "done", "failed", "unknown", NULL };
	json_t *json = json_object();

	json_object_set_new(json, "id", codec_text(op->id));
	json_object_set_new(json, "time", codec_time(time_ns));
	json_object_set_new(json, "verb", codec_text(op->verb));
	json_object_set_new(json, "object", codec_text(op->object));
	json_object_set_new(json, "text", codec_text(op->text));
	json_object_set_new(json, "state", codec_enum(states, (int)op->state));
	return json;
}

json_t *
model_to_json(const struct model *m)
{
	json_t *json = json_object(), *list;

	json_object_set_new(json, "time", codec_time(model_now(m)));
	json_object_set_new(json, "health", json_string(health_name(model_health(m))));
	json_object_set_new(json, "environment", environment_json(model_environment(m)));
	json_object_set_new(json, "alerts_known", json_boolean(model_alerts_known(m)));
	json_object_set_new(json, "problems", list = json_array());
	for (size_t i = 0; i < model_n_problems(m); i++)
		json_array_append_new(list, problem_json(model_problem(m, i)));
	json_object_set_new(json, "alerts", list = json_array());
	for (size_t i = 0; i < model_n_alerts(m); i++)
		json_array_append_new(list, alert_json(model_alert(m, i)));
	json_object_set_new(json, "silences", list = json_array());
	for (size_t i = 0; i < model_n_silences(m); i++)
		json_array_append_new(list, silence_json(model_silence(m, i)));
	json_object_set_new(json, "sources", list = json_array());
	for (size_t i = 0; i < model_n_sources(m); i++)
		json_array_append_new(list, source_json(model_source(m, i)));
	json_object_set_new(json, "queries", list = json_array());
	for (size_t i = 0; i < model_n_queries(m); i++)
		json_array_append_new(list, query_json(model_query(m, i)));
	json_object_set_new(json, "slos", list = json_array());
	for (size_t i = 0; i < model_n_slos(m); i++)
		json_array_append_new(list, slo_row_json(model_slo(m, i)));
	json_object_set_new(json, "drifts", list = json_array());
	for (size_t i = 0; i < model_n_drifts(m); i++)
		json_array_append_new(list, drift_row_json(model_drift(m, i)));
	json_object_set_new(json, "models", list = json_array());
	for (size_t i = 0; i < model_n_models(m); i++)
		json_array_append_new(list, model_row_json(model_model(m, i)));
	json_object_set_new(json, "other_models", json_integer((json_int_t)model_n_other_models(m)));
	json_object_set_new(json, "hosts", list = json_array());
	for (size_t i = 0; i < model_n_hosts(m); i++)
		json_array_append_new(list, host_row_json(model_host(m, i)));
	json_object_set_new(json, "markers", list = json_array());
	for (size_t i = 0; i < model_n_markers(m); i++)
		json_array_append_new(list, marker_json(model_marker(m, i)));
	json_object_set_new(json, "operations", list = json_array());
	for (size_t i = 0; i < model_n_operations(m); i++)
		json_array_append_new(list, operation_json(model_operation(m, i), model_operation_ns(m, i)));
	json_object_set_new(json, "runs", list = json_array());
	for (size_t i = 0; i < model_runs(m); i++)
		json_array_append_new(list, run_json(model_run(m, i)));
	json_object_set_new(json, "incident", model_incident(m) == NULL ? json_null() : incident_json(model_incident(m)));
	json_object_set_new(json, "notes", list = json_array());
	for (size_t i = 0; i < model_notes(m); i++) {
		int64_t at_ns = 0;
		const struct note *note = model_note(m, i, &at_ns);

		json_array_append_new(list, note_json(note, at_ns));
	}
	json_object_set_new(json, "timeline", timeline_json(m));
	json_object_set_new(json, "timeline_left_out", json_integer((json_int_t)model_timeline_left_out(m)));
	return json;
}
