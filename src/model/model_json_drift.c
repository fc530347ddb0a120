/* Drift as --status --json tells it: numbers that are not known are null. */
#include "config.h"

#include <math.h>

#include "model/codec.h"
#include "model/model_priv.h"

static json_t *
number_or_null(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *
scores_json(const struct drift *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_scores; i++) {
		json_t *json = json_object();

		json_object_set_new(json, "measure", json_string(drift_measure_name(d->scores[i].measure)));
		json_object_set_new(json, "value", number_or_null(d->scores[i].value));
		json_object_set_new(json, "floor", number_or_null(d->scores[i].floor));
		json_object_set_new(json, "bound", json_boolean(d->scores[i].is_bound));
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *
texts_json(const char *const *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, codec_text(v[i]));
	return list;
}

static void
add_numbers(json_t *json, const struct drift *d)
{
	json_object_set_new(json, "n_then", number_or_null(d->n_then));
	json_object_set_new(json, "n_now", number_or_null(d->n_now));
	json_object_set_new(json, "p", number_or_null(d->p));
	json_object_set_new(json, "q", number_or_null(d->q));
	json_object_set_new(json, "missing_then", number_or_null(d->missing_then));
	json_object_set_new(json, "missing_now", number_or_null(d->missing_now));
	json_object_set_new(json, "scores", scores_json(d));
	json_object_set_new(json, "new_categories", texts_json(d->new_categories, d->n_new));
	json_object_set_new(json, "notes", texts_json(d->notes.v, d->notes.n));
}

/* What is too old tells what it was, and that it is stale. */
json_t *
drift_row_json(const struct model_drift *row)
{
	static const struct drift none = { .state = DRIFT_UNKNOWN, .why = "not worked out yet", .against = "", .n_then = NAN, .n_now = NAN,
	    .missing_then = NAN, .missing_now = NAN, .p = NAN, .q = NAN };
	const struct drift *d = row->drift == NULL ? &none : row->drift;
	json_t *json = json_object();

	json_object_set_new(json, "id", codec_text(row->def->id));
	json_object_set_new(json, "model", codec_text(row->def->model));
	json_object_set_new(json, "name", codec_text(row->def->name));
	json_object_set_new(json, "title", codec_text(row->def->title));
	json_object_set_new(json, "kind", json_string(drift_kind_name(row->def->kind)));
	json_object_set_new(json, "state", json_string(drift_state_name(d->state)));
	json_object_set_new(json, "why", codec_text(d->why));
	json_object_set_new(json, "against", codec_text(d->against));
	json_object_set_new(json, "since", json_time_or_null(d->since_ns));
	json_object_set_new(json, "at", json_time_or_null(d->at_ns));
	json_object_set_new(json, "stale", json_boolean(row->is_stale));
	json_object_set_new(json, "alert", row->alert_id == 0 ? json_null() : json_alert_id(row->alert_id));
	add_numbers(json, d);
	return json;
}
