#include "config.h"

#include "source/mlflow.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "source/decode_json.h"

const char mlflow_expected[] = "an MLflow answer";

/* --- values ----------------------------------------------------------------------------------- */

const char *
mlflow_text(struct arena *a, const json_t *object, const char *key)
{
	const char *text = json_word(a, json_object_get(object, key));

	return text == NULL ? "" : text;
}

int64_t
mlflow_time(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);
	const char *text = json_is_string(v) ? json_string_value(v) : "";
	size_t digits = strspn(text, "0123456789");
	long long ms;

	if (text[digits] != '\0' || digits == 0 || digits > 18)
		return 0;
	ms = strtoll(text, NULL, 10);
	return ms > CLOCK_FAR_NS / NS_PER_MS ? CLOCK_FAR_NS : ms * NS_PER_MS;
}

/* Of {"key", "value"}; parameters of 3.x's versions have a name instead. */
static const char *
key_of(struct arena *a, const json_t *pair)
{
	const char *key = json_word(a, json_object_get(pair, "key"));

	return key != NULL ? key : json_word(a, json_object_get(pair, "name"));
}

struct labels
mlflow_labels(struct arena *a, const json_t *list)
{
	struct label *v;
	json_t *pair;
	size_t i, n = 0;

	if (json_array_size(list) == 0)
		return (struct labels){ 0 };
	v = arena_alloc(a, json_array_size(list) * sizeof *v);
	json_array_foreach(list, i, pair) {
		v[n].name = key_of(a, pair);
		v[n].value = mlflow_text(a, pair, "value");
		n += v[n].name != NULL;
	}
	return registry_labels(v, n);
}

static int
metric_cmp(const void *a, const void *b)
{
	return strcmp(((const struct reg_metric *)a)->name, ((const struct reg_metric *)b)->name);
}

/* The last value of each, as the server gives them; a version of 3.x may have one for each data set, and then
 * the last of those. */
static void
read_metrics(struct arena *a, const json_t *list, struct reg_version *ver)
{
	struct reg_metric *v;
	json_t *item;
	size_t i, n = 0, kept = 0;

	if (json_array_size(list) == 0)
		return;
	v = arena_alloc(a, json_array_size(list) * sizeof *v);
	json_array_foreach(list, i, item) {
		const json_t *value = json_object_get(item, "value");

		v[n].name = key_of(a, item);
		v[n].at_ns = mlflow_time(item, "timestamp");
		/* A value of 0 may be omitted, as protobuf's defaults are. */
		if (value != NULL &&
		    (!json_is_string(value) || !registry_double(json_string_value(value), &v[n].value)))
			continue;
		n += v[n].name != NULL;
	}
	qsort(v, n, sizeof *v, metric_cmp);
	for (i = 0; i < n; i++) {
		if (kept > 0 && strcmp(v[kept - 1].name, v[i].name) == 0 && v[kept - 1].at_ns <= v[i].at_ns)
			kept--;
		else if (kept > 0 && strcmp(v[kept - 1].name, v[i].name) == 0)
			continue;
		v[kept++] = v[i];
	}
	ver->metrics = v;
	ver->n_metrics = kept;
}

/* --- versions --------------------------------------------------------------------------------- */

static size_t
version_find(const struct draft_model *m, const char *version)
{
	for (size_t i = 0; i < m->n_versions; i++)
		if (strcmp(m->versions[i].version, version) == 0)
			return i;
	return SIZE_MAX;
}

static void
fill_version(struct arena *a, const json_t *json, struct reg_version *v)
{
	const char *stage = mlflow_text(a, json, "current_stage");

	v->stage = strcmp(stage, "None") == 0 ? "" : stage;
	v->status = mlflow_text(a, json, "status");
	v->by = mlflow_text(a, json, "user_id");
	v->description = mlflow_text(a, json, "description");
	v->uri = mlflow_text(a, json, "source");
	v->run = mlflow_text(a, json, "run_id");
	v->created_ns = mlflow_time(json, "creation_timestamp");
	v->updated_ns = mlflow_time(json, "last_updated_timestamp");
	v->tags = mlflow_labels(a, json_object_get(json, "tags"));
	v->params = mlflow_labels(a, json_object_get(json, "params"));
	read_metrics(a, json_object_get(json, "metrics"), v);
}

int
mlflow_read_version(struct draft *d, struct draft_model *m, const json_t *json, size_t *ret_at, struct err *err)
{
	const char *version = json_word(&d->mem, json_object_get(json, "version"));
	const char *name = json_word(&d->mem, json_object_get(json, "name"));
	struct reg_version *v;
	size_t at;

	if (!json_is_object(json) || version == NULL || *version == '\0')
		return err_set(err, ERR_INVALID, "a version of a model has no number: 'version' is %s",
		    json_kind(json_object_get(json, "version")));
	*ret_at = SIZE_MAX;
	/* Where the database knows no case, a search finds more than was asked for. */
	if (name != NULL && strcmp(name, m->m.name) != 0)
		return 0;
	/* Another answer may have told of it; the later one counts. */
	at = version_find(m, version);
	v = at == SIZE_MAX ? draft_version(m, version) : &m->versions[at];
	fill_version(&d->mem, json, v);
	*ret_at = (size_t)(v - m->versions);
	return 0;
}

/* --- models ----------------------------------------------------------------------------------- */

static void
read_aliases(struct draft *d, struct draft_model *m, const json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		const char *alias = json_word(&d->mem, json_object_get(item, "alias"));
		const char *version = json_word(&d->mem, json_object_get(item, "version"));

		if (alias != NULL && version != NULL)
			draft_alias(m, alias, version);
	}
}

int
mlflow_read_model(struct draft *d, const json_t *json, size_t *ret_at, bool *ret_is_known, struct err *err)
{
	const char *name = json_word(&d->mem, json_object_get(json, "name"));
	struct draft_model *m;
	json_t *item;
	size_t i, at;

	if (!json_is_object(json) || name == NULL || *name == '\0')
		return err_set(err, ERR_INVALID, "a registered model has no name: 'name' is %s",
		    json_kind(json_object_get(json, "name")));
	*ret_is_known = draft_find(d, name) != SIZE_MAX;
	*ret_at = *ret_is_known ? SIZE_MAX : draft_model(d, name);
	if (*ret_at == SIZE_MAX)
		return 0;
	m = &d->v[*ret_at];
	m->m.description = mlflow_text(&d->mem, json, "description");
	m->m.created_ns = mlflow_time(json, "creation_timestamp");
	m->m.updated_ns = mlflow_time(json, "last_updated_timestamp");
	m->m.tags = mlflow_labels(&d->mem, json_object_get(json, "tags"));
	read_aliases(d, m, json_object_get(json, "aliases"));
	json_array_foreach(json_object_get(json, "latest_versions"), i, item)
		if (mlflow_read_version(d, m, item, &at, err) < 0)
			return ERR_INVALID;
	return 0;
}

/* --- runs ------------------------------------------------------------------------------------- */

static void
fill_run(struct arena *a, const json_t *json, struct reg_version *v)
{
	const json_t *data = json_object_get(json, "data"), *info = json_object_get(json, "info");
	struct labels params = mlflow_labels(a, json_object_get(data, "params")),
		      tags = mlflow_labels(a, json_object_get(data, "tags"));
	const char *user = labels_get(&tags, "mlflow.user");

	if (params.n > 0)
		v->params = params;
	read_metrics(a, json_object_get(data, "metrics"), v);
	if (*v->by == '\0')
		v->by = user != NULL && *user != '\0' ? user : mlflow_text(a, info, "user_id");
	v->is_run_known = true;
}

int
mlflow_read_run(struct draft *d, struct draft_model *m, const char *run, const json_t *json, struct err *err)
{
	if (!json_is_object(json_object_get(json, "info")))
		return err_set(err, ERR_INVALID, "not %s to runs/get: 'run' has %s as its 'info'",
		    mlflow_expected, json_kind(json_object_get(json, "info")));
	for (size_t i = 0; i < m->n_versions; i++)
		if (strcmp(m->versions[i].run, run) == 0)
			fill_run(&d->mem, json, &m->versions[i]);
	return 0;
}

/* --- refusals --------------------------------------------------------------------------------- */

/* A 404 of MLflow's own speaks of a model, a version or a run; one in HTML of a path that it does not have. */
static bool
is_own_404(const struct answer *answer, const char *body, size_t len)
{
	json_t *json = answer->status == 404 ? json_loadb(body, len, JSON_ALLOW_NUL, NULL) : NULL;
	bool r = json_is_string(json_object_get(json, "error_code"));

	json_decref(json);
	return r;
}

int
mlflow_refuse(const struct answer *answer, const char *body, size_t len, struct err *err)
{
	char detail[SENTENCE_MAX];

	registry_detail(detail, body, len);
	if (is_own_404(answer, body, len))
		return err_set(err, ERR_NOTFOUND, "MLflow does not have it (HTTP 404): %s", detail);
	return refuse_status("MLflow", answer, detail, err);
}
