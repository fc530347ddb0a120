/*
 * Writing to MLflow: aliases, stages, tags.
 *
 * What there is now is read where the write goes: an alias from the alias endpoint, which 1.x does not have and
 * answers with its HTML page for unknown paths. Moving to Staging or Production archives what was in it, or "the
 * newest in Production" would stay the one rolled back from. Source: MLflow's REST API page; answers of 1.29 and
 * 2.9.
 */
#include "config.h"

#include "source/registry_write.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "source/decode_json.h"
#include "source/json_walk.h"
#include "source/mlflow.h"

/* --- requests --------------------------------------------------------------------------------- */

static bool
is_set(const char *text)
{
	return text != NULL && *text != '\0';
}

static bool
is_text(const char *text)
{
	return text == NULL || utf8_is_valid(text, strlen(text));
}

static int
check_change(const struct registry_change *c, struct err *err)
{
	if (!is_set(c->model))
		return err_set(err, ERR_INVALID, "no model is named");
	if (!is_set(c->name))
		return err_set(err, ERR_INVALID, "no %s is named",
		    c->kind == REGISTRY_ALIAS	    ? "alias"
			: c->kind == REGISTRY_STAGE ? "stage"
						    : "tag");
	if (c->version != NULL && *c->version == '\0')
		return err_set(err, ERR_INVALID, "the version is empty");
	if (!is_text(c->model) || !is_text(c->name) || !is_text(c->version) || !is_text(c->value))
		return err_set(err, ERR_INVALID, "the change holds text that is not UTF-8");
	return 0;
}

static int
mlflow_read_request(
    const struct conf_source *conf, const struct registry_change *c, struct request *ret, struct err *err)
{
	const char *path = "registered-models/get";
	struct buf form;
	int r = check_change(c, err);

	(void)conf;
	if (r < 0)
		return r;
	buf_init(&form, 1 << 20);
	request_add_form(&form, "name", c->model);
	if (c->kind == REGISTRY_ALIAS) {
		path = "registered-models/alias";
		request_add_form(&form, "alias", c->name);
	} else if (c->kind == REGISTRY_TAG && c->version != NULL) {
		path = "model-versions/get";
		request_add_form(&form, "version", c->version);
	}
	request_init(ret, "GET");
	ret->path = xasprintf("%s%s?%s", MLFLOW_API, path, form.data);
	buf_done(&form);
	return 0;
}

static json_t *
alias_json(const struct registry_change *c, const char **ret_method, const char **ret_path)
{
	*ret_path = "registered-models/alias";
	*ret_method = c->version == NULL ? "DELETE" : "POST";
	if (c->version == NULL)
		return json_pack("{s:s, s:s}", "name", c->model, "alias", c->name);
	return json_pack("{s:s, s:s, s:s}", "name", c->model, "alias", c->name, "version", c->version);
}

static json_t *
tag_json(const struct registry_change *c, const char **ret_method, const char **ret_path)
{
	json_t *json = json_pack("{s:s, s:s}", "name", c->model, "key", c->name);

	*ret_method = c->value == NULL ? "DELETE" : "POST";
	if (c->version != NULL) {
		json_object_set_new(json, "version", json_string(c->version));
		*ret_path = c->value == NULL ? "model-versions/delete-tag" : "model-versions/set-tag";
	} else {
		*ret_path = c->value == NULL ? "registered-models/delete-tag" : "registered-models/set-tag";
	}
	if (c->value != NULL)
		json_object_set_new(json, "value", json_string(c->value));
	return json;
}

/* Only these two hold a version that the one moved there replaces; MLflow refuses to archive for the others. */
static bool
is_served_from(const char *stage)
{
	return strcasecmp(stage, "Production") == 0 || strcasecmp(stage, "Staging") == 0;
}

static int
mlflow_write_request(
    const struct conf_source *conf, const struct registry_change *c, struct request *ret, struct err *err)
{
	const char *method = "POST", *path = "model-versions/transition-stage";
	json_t *json;
	char *text;
	int r = check_change(c, err);

	(void)conf;
	if (r < 0)
		return r;
	if (c->kind == REGISTRY_STAGE && c->version == NULL)
		return err_set(err, ERR_INVALID, "a stage moves to a version; which one is not said");
	if (c->kind == REGISTRY_ALIAS)
		json = alias_json(c, &method, &path);
	else if (c->kind == REGISTRY_TAG)
		json = tag_json(c, &method, &path);
	else
		json = json_pack("{s:s, s:s, s:s, s:b}", "name", c->model, "version", c->version, "stage",
		    c->name, "archive_existing_versions", is_served_from(c->name));
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	request_init(ret, method);
	ret->path = xasprintf("%s%s", MLFLOW_API, path);
	ret->content_type = xstrdup("application/json");
	r = buf_addstr(&ret->body, text);
	free(text);
	if (r < 0) {
		request_done(ret);
		return err_set(err, ERR_LIMIT, "the change is too long to send");
	}
	return 0;
}

/* --- answers ---------------------------------------------------------------------------------- */

static bool
is_success(const struct answer *answer)
{
	return answer->status >= 200 && answer->status <= 299;
}

static bool
is_html(const struct answer *answer, const char *body, size_t len)
{
	return str_has_prefix(answer->content_type == NULL ? "" : answer->content_type, "text/html") &&
	    len > 0 && body[0] == '<';
}

static int
refused(
    const struct registry_change *c, const struct answer *answer, const char *body, size_t len, struct err *err)
{
	if (c->kind == REGISTRY_ALIAS && answer->status == 404 && is_html(answer, body, len))
		return err_set(err, ERR_UNSUPPORTED,
		    "this MLflow has no aliases (HTTP 404): they came with 2.3; use a stage there, or check "
		    "the source's url");
	return mlflow_refuse(answer, body, len, err);
}

/* MLflow says 400 and "Registered model alias champion not found.", also when there is no such model. */
static bool
is_no_alias(const struct registry_change *c, const struct answer *answer, const char *body, size_t len)
{
	char *expected, detail[SENTENCE_MAX], line[SENTENCE_MAX];
	bool is_none;

	if (c->kind != REGISTRY_ALIAS || answer->status != 400)
		return false;
	expected = xasprintf("Registered model alias %s not found.", c->name);
	body_line(line, expected, strlen(expected));
	is_none = strcmp(registry_detail(detail, body, len), line) == 0;
	free(expected);
	return is_none;
}

static const char *
tag_of(struct arena *a, const json_t *entity, const char *key)
{
	struct labels tags = mlflow_labels(a, json_object_get(entity, "tags"));

	return labels_get(&tags, key);
}

/* The newest in the stage; stages are taken in any case. */
static const char *
version_in_stage(struct arena *a, const json_t *model, const char *stage)
{
	const char *newest = NULL, *version;
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(model, "latest_versions"), i, item) {
		version = json_word(a, json_object_get(item, "version"));
		if (version != NULL && strcasecmp(mlflow_text(a, item, "current_stage"), stage) == 0 &&
		    (newest == NULL || host_name_compare(version, newest) > 0))
			newest = version;
	}
	return newest;
}

static int
read_now(
    const struct registry_change *c, const json_t *json, struct arena *a, const char **ret, struct err *err)
{
	bool is_version = c->kind == REGISTRY_ALIAS || (c->kind == REGISTRY_TAG && c->version != NULL);
	const char *what = is_version ? "model_version" : "registered_model";
	const json_t *entity = json_object_get(json, what);

	if (!json_is_object(entity))
		return err_set(
		    err, ERR_INVALID, "not %s: '%s' is %s", mlflow_expected, what, json_kind(entity));
	if (strcmp(mlflow_text(a, entity, "name"), c->model) != 0)
		return err_set(err, ERR_INVALID, "MLflow answers for another model than was asked for");
	if (c->kind == REGISTRY_TAG) {
		*ret = tag_of(a, entity, c->name);
	} else if (c->kind == REGISTRY_STAGE) {
		*ret = version_in_stage(a, entity, c->name);
	} else {
		*ret = json_word(a, json_object_get(entity, "version"));
		if (*ret == NULL)
			return err_set(err, ERR_INVALID, "not %s: 'version' is %s", mlflow_expected,
			    json_kind(json_object_get(entity, "version")));
	}
	return 0;
}

static int
mlflow_read_answer(const struct registry_change *c, const struct answer *answer, const char *body, size_t len,
    char **ret_now, struct err *err)
{
	struct arena a = ARENA_INIT;
	const char *now = NULL;
	json_t *json;
	int r;

	if (is_no_alias(c, answer, body, len)) {
		*ret_now = NULL;
		return 0;
	}
	if (!is_success(answer))
		return refused(c, answer, body, len, err);
	json = json_texts(body, len, mlflow_expected, err);
	if (json == NULL)
		return ERR_SYNTAX;
	r = read_now(c, json, &a, &now, err);
	if (r == 0)
		*ret_now = xstrdup_or_null(now);
	json_decref(json);
	arena_done(&a);
	return r;
}

/* A proxy's page with status 200 is no promise that anything was written. */
static int
mlflow_write_answer(
    const struct registry_change *c, const struct answer *answer, const char *body, size_t len, struct err *err)
{
	json_t *json;
	bool is_object;

	if (!is_success(answer))
		return refused(c, answer, body, len, err);
	json = json_texts(body, len, mlflow_expected, NULL);
	is_object = json_is_object(json);
	json_decref(json);
	if (is_object)
		return 0;
	return err_set(err, ERR_INVALID,
	    "the answer to the change is not MLflow's: read it back to see whether it was made");
}

/* --- by type ---------------------------------------------------------------------------------- */

static const struct registry_write_ops mlflow_ops = {
	.read = mlflow_read_request,
	.read_answer = mlflow_read_answer,
	.write = mlflow_write_request,
	.write_answer = mlflow_write_answer,
};

const struct registry_write_ops *
registry_write_find(const char *type)
{
	return str_eq(type, "mlflow") ? &mlflow_ops : NULL;
}
