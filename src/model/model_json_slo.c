/* An objective as --status --json tells it: numbers that are not known are null. */
#include "config.h"

#include <math.h>

#include "model/codec.h"
#include "model/model_priv.h"

static json_t *
number_or_null(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

/* A length of time, where what it is of is known. */
static json_t *
ns_or_null(int64_t ns, bool is_known)
{
	return is_known ? json_integer(ns) : json_null();
}

static json_t *
burns_json(const struct slo *s)
{
	json_t *list = json_array();

	for (size_t i = 0; s != NULL && i < s->n_burns; i++) {
		const struct slo_burn *b = &s->burns[i];
		json_t *json = json_object();

		json_object_set_new(json, "window_ns", json_integer(b->window_ns));
		json_object_set_new(json, "rate", number_or_null(b->rate));
		json_object_set_new(json, "bad", number_or_null(b->bad));
		json_object_set_new(json, "total", number_or_null(b->total));
		json_object_set_new(json, "at", json_time_or_null(b->at_ns));
		json_array_append_new(list, json);
	}
	return list;
}

/* The definition may be newer than the result, and have other rules: then none is known to be above. */
static json_t *
rules_json(const struct slo_def *def, const struct slo *s)
{
	bool is_known = s != NULL && s->n_rules == def->n_rules;
	json_t *list = json_array();

	for (size_t i = 0; i < def->n_rules; i++) {
		const struct slo_rule_state none = { 0 }, *now = is_known ? &s->rules[i] : &none;
		const struct slo_rule *rule = &def->rules[i];
		json_t *json = json_object();

		json_object_set_new(json, "factor", number_or_null(rule->factor));
		json_object_set_new(json, "long_ns", json_integer(rule->long_ns));
		json_object_set_new(json, "short_ns", json_integer(rule->short_ns));
		json_object_set_new(json, "severity", json_string(severity_name(rule->severity)));
		json_object_set_new(json, "above", json_boolean(now->is_above));
		json_object_set_new(json, "firing", json_boolean(now->is_firing));
		json_object_set_new(json, "gated", json_boolean(now->is_gated));
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *
notes_json(const struct slo_def *def, const struct slo *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < def->notes.n; i++)
		json_array_append_new(list, codec_text(def->notes.v[i]));
	for (size_t i = 0; s != NULL && i < s->notes.n; i++)
		json_array_append_new(list, codec_text(s->notes.v[i]));
	return list;
}

static json_t *
spends_json(const struct slo_detail *detail)
{
	json_t *list = json_array();

	for (size_t i = 0; detail != NULL && i < detail->n_spends; i++) {
		const struct slo_spend *spend = &detail->spends[i];
		json_t *json = json_object();

		json_object_set_new(json, "start", codec_time(spend->start_ns));
		json_object_set_new(json, "end", codec_time(spend->end_ns));
		json_object_set_new(json, "share", number_or_null(spend->share));
		json_object_set_new(json, "beside", codec_text(spend->beside));
		json_array_append_new(list, json);
	}
	return list;
}

static void
add_definition(json_t *json, const struct slo_def *def)
{
	json_object_set_new(json, "id", codec_text(def->id));
	json_object_set_new(json, "name", codec_text(def->name));
	json_object_set_new(json, "title", codec_text(def->title));
	json_object_set_new(json, "service", codec_text(def->service));
	json_object_set_new(json, "kind", codec_text(def->kind));
	json_object_set_new(json, "origin", json_string(slo_origin_name(def->origin)));
	json_object_set_new(json, "where", codec_text(def->where));
	json_object_set_new(json, "source", codec_text(def->source));
	json_object_set_new(json, "target", number_or_null(def->target));
	json_object_set_new(json, "method", json_string(slo_method_name(def->method)));
	json_object_set_new(json, "period_ns", json_integer(def->period_ns));
}

static void
add_budget(json_t *json, const struct slo *s)
{
	bool has_left = !isnan(s->left), has_window = s->start_ns != 0;

	json_object_set_new(json, "left", number_or_null(s->left));
	json_object_set_new(json, "left_ns", ns_or_null(s->left_ns, has_left));
	json_object_set_new(json, "budget_ns", ns_or_null(s->budget_ns, has_left));
	json_object_set_new(json, "bad", number_or_null(s->bad));
	json_object_set_new(json, "total", number_or_null(s->total));
	json_object_set_new(json, "sli", number_or_null(s->sli));
	json_object_set_new(json, "window_start", json_time_or_null(s->start_ns));
	json_object_set_new(json, "window_end", json_time_or_null(s->end_ns));
	json_object_set_new(json, "covered_ns", ns_or_null(s->covered_ns, has_window));
	json_object_set_new(json, "excluded_ns", ns_or_null(s->excluded_ns, has_window));
	json_object_set_new(json, "burn", number_or_null(s->burn));
	json_object_set_new(json, "burn_window_ns", ns_or_null(s->burn_window_ns, s->burn_window_ns != 0));
	json_object_set_new(json, "exhaustion_ns", ns_or_null(s->exhaustion_ns, has_left && s->exhaustion_ns != INT64_MAX));
	json_object_set_new(json, "projected", number_or_null(s->projected));
	json_object_set_new(json, "projected_at", isnan(s->projected) ? json_null() : json_time_or_null(s->projected_ns));
}

json_t *
slo_row_json(const struct model_slo *row)
{
	static const struct slo none = { .state = SLO_UNKNOWN, .why = "not worked out yet", .left = NAN, .bad = NAN, .total = NAN,
	    .sli = NAN, .burn = NAN, .exhaustion_ns = INT64_MAX, .projected = NAN };
	const struct slo *s = row->slo == NULL ? &none : row->slo;
	json_t *json = json_object();

	add_definition(json, row->def);
	json_object_set_new(json, "state", json_string(slo_state_name(s->state)));
	json_object_set_new(json, "why", codec_text(s->why));
	json_object_set_new(json, "since", json_time_or_null(s->since_ns));
	json_object_set_new(json, "at", json_time_or_null(s->at_ns));
	add_budget(json, s);
	json_object_set_new(json, "over", json_boolean(s->is_over));
	json_object_set_new(json, "stale", json_boolean(row->is_stale));
	json_object_set_new(json, "alert", row->alert_id == 0 ? json_null() : json_alert_id(row->alert_id));
	json_object_set_new(json, "burns", burns_json(row->slo));
	json_object_set_new(json, "rules", rules_json(row->def, row->slo));
	json_object_set_new(json, "notes", notes_json(row->def, row->slo));
	json_object_set_new(json, "spends", spends_json(row->detail));
	json_object_set_new(json, "rest", number_or_null(row->detail != NULL ? row->detail->rest : NAN));
	return json;
}
