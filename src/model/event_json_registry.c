/* Models, what serves them and hosts as JSON: what a registry says, who serves what, and what the config says of both. */
#include "config.h"

#include <string.h>

#include "model/event_fields.h"
#include "model/registry.h"

/* --- the registry ------------------------------------------------------------------------------------------------------ */

static const struct field metric_fields[] = {
	F("name", FIELD_TEXT, reg_metric, name),
	F("value", FIELD_DOUBLE, reg_metric, value),
	F("at_ns", FIELD_NS, reg_metric, at_ns),
	F_END
};
static const struct field version_fields[] = {
	F("version", FIELD_TEXT, reg_version, version),
	F("stage", FIELD_TEXT, reg_version, stage),
	F("aliases", FIELD_STRINGS, reg_version, aliases),
	F("status", FIELD_TEXT, reg_version, status),
	F("by", FIELD_TEXT, reg_version, by),
	F("description", FIELD_TEXT, reg_version, description),
	F("uri", FIELD_TEXT, reg_version, uri),
	F("run", FIELD_TEXT, reg_version, run),
	F("created", FIELD_TIME, reg_version, created_ns),
	F("updated", FIELD_TIME, reg_version, updated_ns),
	F("data", FIELD_TIME, reg_version, data_ns),
	F("tags", FIELD_LABELS, reg_version, tags),
	F("params", FIELD_LABELS, reg_version, params),
	F_LIST("metrics", FIELD_TUPLES, reg_version, metrics, n_metrics, metric_fields),
	F("run_known", FIELD_BOOL, reg_version, is_run_known),
	F_END
};
static const struct field alias_fields[] = {
	F("alias", FIELD_TEXT, reg_alias, alias),
	F("version", FIELD_TEXT, reg_alias, version),
	F_END
};
static const struct field model_fields[] = {
	F("name", FIELD_TEXT, reg_model, name),
	F("description", FIELD_TEXT, reg_model, description),
	F("created", FIELD_TIME, reg_model, created_ns),
	F("updated", FIELD_TIME, reg_model, updated_ns),
	F("tags", FIELD_LABELS, reg_model, tags),
	F_LIST("aliases", FIELD_LIST, reg_model, aliases, n_aliases, alias_fields),
	F_LIST("versions", FIELD_LIST, reg_model, versions, n_versions, version_fields),
	F("n_left_out", FIELD_SIZE, reg_model, n_left_out),
	F("unread", FIELD_BOOL, reg_model, is_unread),
	F_END
};
const struct field registry_set_fields[] = {
	F_LIST("models", FIELD_LIST, registry_set, v, n, model_fields),
	F("n_left_out", FIELD_SIZE, registry_set, n_left_out),
	F("notes", FIELD_STRINGS, registry_set, notes),
	F_END
};

/* --- what serves, and hosts ---------------------------------------------------------------------------------------------- */

static const struct field serving_fields[] = {
	F("host", FIELD_TEXT, serving, host),
	F("version", FIELD_TEXT, serving, version),
	F("at", FIELD_TIME, serving, at_ns),
	F("since", FIELD_TIME, serving, since_ns),
	F("error", FIELD_TEXT, serving, error),
	F_END
};
const struct field serving_set_fields[] = {
	F("model", FIELD_TEXT, serving_set, model),
	F_LIST("serving", FIELD_LIST, serving_set, v, n, serving_fields),
	F("notes", FIELD_STRINGS, serving_set, notes),
	F_END
};
static const struct field host_fields[] = {
	F("name", FIELD_TEXT, host_def, name),
	F("groups", FIELD_STRINGS, host_def, groups),
	F("address", FIELD_TEXT, host_def, address),
	F("port", FIELD_UINT, host_def, port),
	F("user", FIELD_TEXT, host_def, user),
	F("where", FIELD_TEXT, host_def, where),
	F_END
};
const struct field host_set_fields[] = {
	F_LIST("hosts", FIELD_LIST, host_set, v, n, host_fields),
	F("notes", FIELD_STRINGS, host_set, notes),
	F_END
};

/* --- what the config says -------------------------------------------------------------------------------------------------- */

static const struct field online_fields[] = {
	F("metric", FIELD_TEXT, online_def, metric),
	F("query", FIELD_TEXT, online_def, query),
	F("expr", FIELD_TEXT, online_def, expr),
	F("label", FIELD_TEXT, online_def, label),
	F("source", FIELD_TEXT, online_def, source),
	F_END
};
const struct field model_def_fields[] = {
	F("id", FIELD_TEXT, model_def, id),
	F("name", FIELD_TEXT, model_def, name),
	F("title", FIELD_TEXT, model_def, title),
	F("registry", FIELD_TEXT, model_def, registry),
	F("alias", FIELD_TEXT_OR_NULL, model_def, alias),
	F("stage", FIELD_TEXT_OR_NULL, model_def, stage),
	F("serving_expr", FIELD_TEXT_OR_NULL, model_def, serving_expr),
	F("serving_source", FIELD_TEXT_OR_NULL, model_def, serving_source),
	F("version_label", FIELD_TEXT_OR_NULL, model_def, version_label),
	F("host_label", FIELD_TEXT_OR_NULL, model_def, host_label),
	F("serving_url", FIELD_TEXT_OR_NULL, model_def, serving_url),
	F("serving_path", FIELD_TEXT, model_def, serving_path),
	F("group", FIELD_TEXT_OR_NULL, model_def, group),
	F("max_age_ns", FIELD_NS, model_def, max_age_ns),
	F("max_data_age_ns", FIELD_NS, model_def, max_data_age_ns),
	F("data_key", FIELD_TEXT_OR_NULL, model_def, data_key),
	F_LIST("online", FIELD_LIST, model_def, online, n_online, online_fields),
	F_END
};

/* --- what must hold ------------------------------------------------------------------------------------------------------------ */

static int
model_check(const struct reg_model *model, size_t at, struct err *err)
{
	for (size_t i = 1; i < model->n_aliases; i++)
		if (strcmp(model->aliases[i].alias, model->aliases[i - 1].alias) < 0)
			return err_set(err, ERR_INVALID, "models[%zu]: aliases[%zu]: alias: expected one that sorts behind the one before it", at, i);
	for (size_t i = 0; i < model->n_versions; i++) {
		const struct reg_version *v = &model->versions[i];

		for (size_t j = 1; j < v->n_metrics; j++)
			if (strcmp(v->metrics[j].name, v->metrics[j - 1].name) < 0)
				return err_set(err, ERR_INVALID,
				    "models[%zu]: versions[%zu]: metrics[%zu]: name: expected one that sorts behind the one before it", at, i, j);
	}
	return 0;
}

int
registry_check(const struct registry_set *set, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < set->n && r == 0; i++) {
		if (i > 0 && strcmp(set->v[i].name, set->v[i - 1].name) < 0)
			return err_set(err, ERR_INVALID, "models[%zu]: name: expected one that sorts behind the one before it", i);
		r = model_check(&set->v[i], i, err);
	}
	return r;
}

int
hosts_check(const struct host_set *set, struct err *err)
{
	for (size_t i = 1; i < set->n; i++)
		if (host_name_compare(set->v[i].name, set->v[i - 1].name) <= 0)
			return err_set(err, ERR_INVALID, "hosts[%zu]: name: expected one that comes after the one before it in natural order", i);
	return 0;
}
