/* Models and hosts as --status --json tells them: of the registry what should serve, not all that ever was. */
#include "config.h"

#include "model/codec.h"
#include "model/model_priv.h"

static json_t *
text_or_null(const char *s)
{
	return s == NULL ? json_null() : codec_text(s);
}

static json_t *
strings_json(const struct strings *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(list, codec_text(s->v[i]));
	return list;
}

static json_t *
metrics_json(const struct reg_version *v)
{
	json_t *json = json_object();

	for (size_t i = 0; i < v->n_metrics; i++) {
		json_t *name = codec_text(v->metrics[i].name);

		json_object_set_new(json, json_string_value(name), codec_double(v->metrics[i].value));
		json_decref(name);
	}
	return json;
}

static json_t *
version_json(const struct reg_version *v)
{
	json_t *json;

	if (v == NULL)
		return json_null();
	json = json_object();
	json_object_set_new(json, "version", codec_text(v->version));
	json_object_set_new(json, "stage", codec_text(v->stage));
	json_object_set_new(json, "aliases", strings_json(&v->aliases));
	json_object_set_new(json, "status", codec_text(v->status));
	json_object_set_new(json, "by", codec_text(v->by));
	json_object_set_new(json, "run", codec_text(v->run));
	json_object_set_new(json, "created", json_time_or_null(v->created_ns));
	json_object_set_new(json, "updated", json_time_or_null(v->updated_ns));
	json_object_set_new(json, "data", json_time_or_null(v->data_ns));
	json_object_set_new(json, "metrics", v->is_run_known ? metrics_json(v) : json_null());
	return json;
}

static json_t *
model_host_json(const struct model_host *h)
{
	json_t *json = json_object();

	json_object_set_new(json, "host", codec_text(h->host));
	json_object_set_new(json, "version", codec_text(h->version));
	json_object_set_new(json, "state", json_string(serve_state_name(h->state)));
	json_object_set_new(json, "since", json_time_or_null(h->since_ns));
	json_object_set_new(json, "at", json_time_or_null(h->at_ns));
	json_object_set_new(json, "error", codec_text(h->error));
	return json;
}

json_t *
model_row_json(const struct model_model *row)
{
	json_t *json = json_object(), *hosts = json_array();

	for (size_t i = 0; i < row->n_hosts; i++)
		json_array_append_new(hosts, model_host_json(&row->hosts[i]));
	json_object_set_new(json, "id", codec_text(row->def->id));
	json_object_set_new(json, "name", codec_text(row->def->name));
	json_object_set_new(json, "title", codec_text(row->def->title));
	json_object_set_new(json, "registry", codec_text(row->def->registry));
	json_object_set_new(json, "alias", text_or_null(row->def->alias));
	json_object_set_new(json, "stage", text_or_null(row->def->stage));
	json_object_set_new(json, "group", text_or_null(row->def->group));
	json_object_set_new(json, "state", json_string(model_state_name(row->state)));
	json_object_set_new(json, "since", json_time_or_null(row->since_ns));
	json_object_set_new(json, "why", codec_text(row->why));
	json_object_set_new(json, "moving", json_boolean(row->is_moving));
	json_object_set_new(json, "wanted", version_json(row->wanted));
	json_object_set_new(json, "wanted_since", json_time_or_null(row->wanted_since_ns));
	json_object_set_new(json, "previous", row->previous[0] == '\0' ? json_null() : codec_text(row->previous));
	json_object_set_new(json, "registry_seen", json_time_or_null(row->reg_ns));
	json_object_set_new(json, "registry_stale", json_boolean(row->is_reg_stale));
	json_object_set_new(json, "serving_seen", json_time_or_null(row->serving_ns));
	json_object_set_new(json, "serving_stale", json_boolean(row->is_serving_stale));
	json_object_set_new(json, "versions", row->reg == NULL ? json_null() :
	    json_integer((json_int_t)(row->reg->n_versions + row->reg->n_left_out)));
	json_object_set_new(json, "hosts", hosts);
	json_object_set_new(json, "notes", strings_json(&row->notes));
	return json;
}

/* --- hosts ------------------------------------------------------------------------------------------------------------ */

static json_t *
target_json(const struct host_target *t)
{
	static const char *const healths[] = { "unknown", "up", "down", NULL };
	json_t *json = json_object();

	json_object_set_new(json, "source", codec_text(t->source));
	json_object_set_new(json, "job", codec_text(t->target->job));
	json_object_set_new(json, "instance", codec_text(t->target->instance));
	json_object_set_new(json, "health", codec_enum(healths, (int)t->target->health));
	json_object_set_new(json, "error", codec_text(t->target->error));
	json_object_set_new(json, "last_scrape", json_time_or_null(t->target->last_scrape_ns));
	return json;
}

static json_t *
serving_json(const struct host_serving *s)
{
	json_t *json = json_object();

	json_object_set_new(json, "model", codec_text(s->model));
	json_object_set_new(json, "version", codec_text(s->version));
	json_object_set_new(json, "state", json_string(serve_state_name(s->state)));
	json_object_set_new(json, "since", json_time_or_null(s->since_ns));
	return json;
}

static json_t *
values_json(const struct model_host_row *row)
{
	json_t *json = json_object();

	for (size_t i = 0; i < row->n_values; i++) {
		json_t *name = codec_text(row->values[i].def->name), *value = json_object();

		json_object_set_new(value, "value", codec_double(row->values[i].v));
		json_object_set_new(value, "at", codec_time(row->values[i].at_ns));
		json_object_set_new(json, json_string_value(name), value);
		json_decref(name);
	}
	return json;
}

json_t *
host_row_json(const struct model_host_row *row)
{
	json_t *json = json_object(), *targets = json_array(), *serving = json_array();
	const struct strings none = { 0 };

	for (size_t i = 0; i < row->n_targets; i++)
		json_array_append_new(targets, target_json(&row->targets[i]));
	for (size_t i = 0; i < row->n_serving; i++)
		json_array_append_new(serving, serving_json(&row->serving[i]));
	json_object_set_new(json, "name", codec_text(row->name));
	json_object_set_new(json, "address", row->def == NULL ? json_null() : codec_text(row->def->address));
	json_object_set_new(json, "groups", strings_json(row->def == NULL ? &none : &row->def->groups));
	json_object_set_new(json, "where", row->def == NULL ? json_null() : codec_text(row->def->where));
	json_object_set_new(json, "state", json_string(host_state_name(row->state)));
	json_object_set_new(json, "seen", json_time_or_null(row->seen_ns));
	json_object_set_new(json, "error", codec_text(row->error));
	json_object_set_new(json, "targets", targets);
	json_object_set_new(json, "serving", serving);
	json_object_set_new(json, "values", values_json(row));
	return json;
}
