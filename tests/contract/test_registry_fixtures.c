/*
 * Every recorded answer of MLflow gives the right models, the right sentence, or the right outcome of a change.
 *
 * What is right stands in tests/contract/expected/mlflow/NAME.txt; GENERATE=1 writes these files anew, and their diff is reviewed as a change of
 * behaviour. A fixture that no row below accounts for is a failure, and so is a row without a fixture. A recorded change is also what we send.
 */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "fakes/chain_driver.h"
#include "fixture.h"
#include "source/mlflow.h"
#include "source/registry_write.h"

enum { TEXT_MAX = 8 << 20 };

/* --- what we do not ask for ---------------------------------------------------------------------------------------- */

static const struct {
	const char *name, *why;
} passed_over[] = {
	{ "ajax-path-alias", "the browser's path; the API's own is asked" },
	{ "artifacts-list-empty", "artifacts are not read" },
	{ "auth-err-400-user-exists", "users are not made" },
	{ "auth-user-create", "the same" },
	{ "err-400-already-exists", "models are not made" },
	{ "err-400-form-content-type", "the same" },
	{ "err-400-not-json", "the same" },
	{ "registered-model-create", "the same" },
	{ "registered-model-delete", "models are not deleted" },
	{ "registered-model-update", "descriptions are not written" },
	{ "model-version-create", "versions are not made" },
	{ "model-version-delete", "versions are not deleted" },
	{ "model-version-update", "descriptions are not written" },
	{ "err-404-preview-path", "the path of before 1.0 is not asked" },
	{ "v1-preview-path", "the same" },
	{ "experiments-get-by-name", "runs are found by their versions" },
	{ "experiments-search", "the same" },
	{ "runs-search", "the same" },
	{ "runs-search-empty", "the same" },
	{ "runs-search-filter", "the same" },
	{ "get-latest-versions", "the list of models has them" },
	{ "get-latest-versions-after-transition", "the same" },
	{ "get-latest-versions-post", "the same" },
	{ "get-latest-versions-stage", "the same" },
	{ "v1-get-latest-versions", "the same" },
	{ "health", "a good answer says more than a probe" },
	{ "metrics-get-history", "a run has the last value of each metric" },
	{ "metrics-get-history-nan", "the same" },
	{ "metrics-get-history-unknown", "the same" },
	{ "model-versions-get-download-uri", "files of models are not fetched" },
	{ "ui-root-without-ui", "the interface for browsers" },
	{ "v1-log-metric", "runs are not written" },
	{ "v1-model-version-create", "versions are not made" },
	{ "v1-registered-model-create", "models are not made" },
	{ "v1-run-create", "runs are not made" },
	{ "version", "no part of the API; 1.x does not have it" },
};
enum { N_PASSED_OVER = sizeof passed_over / sizeof *passed_over };

static bool
is_passed_over(const struct fixture *f)
{
	for (size_t i = 0; i < N_PASSED_OVER; i++)
		if (strcmp(passed_over[i].name, f->name) == 0)
			return true;
	return false;
}

static unsigned n_failed;

static void
failed(const struct fixture *f, const char *why)
{
	fprintf(stderr, "FAIL mlflow/%s: %s\n", f->name, why);
	n_failed++;
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

/* The parameter of a recorded path, decoded; "" when it has none. */
static char *
parameter(const char *path, const char *name)
{
	char *key = xasprintf("%s=", name), *value, *out;
	const char *at = strchr(path, '?'), *p;

	for (p = at == NULL ? "" : at + 1; *p != '\0' && !str_has_prefix(p, key); p += strcspn(p, "&"), p += *p == '&')
		;
	value = *p == '\0' ? xstrdup("") : xstrndup(p + strlen(key), strcspn(p + strlen(key), "&"));
	for (p = out = value; *p != '\0'; p++) {
		unsigned byte;

		if (*p == '%' && sscanf(p + 1, "%2x", &byte) == 1) {
			*out++ = (char)byte;
			p += 2;
		} else {
			*out++ = *p == '+' ? ' ' : *p;
		}
	}
	*out = '\0';
	free(key);
	return value;
}

/* A registry in which the recorded answer is the one to the request of its kind; what else is asked for is not there. */
struct world {
	const struct fixture *f;
	char list[2048];
	bool is_served;
};

static bool
is_to(const char *path, const char *what)
{
	char whole[128];

	snprintf(whole, sizeof whole, "%s%s", MLFLOW_API, what);
	return str_has_prefix(path, whole);
}

static const char *const kinds[] = { "registered-models/search", "registered-models/get", "model-versions/search", "model-versions/get", "runs/get" };

static const char *
kind_of(const char *path)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (is_to(path, kinds[i]))
			return kinds[i];
	return NULL;
}

static void
serve(const struct chain_ask *ask, struct chain_reply *ret, void *arg)
{
	struct world *w = arg;

	if (str_eq(kind_of(ask->request.path), kind_of(w->f->path)) && !w->is_served) {
		w->is_served = true;
		*ret = (struct chain_reply){ w->f->status, w->f->content_type, w->f->body, w->f->len };
	} else if (is_to(ask->request.path, "registered-models/search")) {
		ret->body = w->list;
	} else {
		ret->status = 404;
		ret->body = "{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\", \"message\": \"not recorded\"}";
	}
}

/* The list that leads to the recorded request. */
static void
make_list(struct world *w, const char *name)
{
	char *version = parameter(w->f->path, "version"), *run = parameter(w->f->path, "run_id");

	snprintf(w->list, sizeof w->list, "{}");
	if (is_to(w->f->path, "model-versions/search"))
		snprintf(w->list, sizeof w->list, "{\"registered_models\": [{\"name\": \"%s\"}]}", name);
	else if (is_to(w->f->path, "model-versions/get"))
		snprintf(w->list, sizeof w->list, "{\"registered_models\": [{\"name\": \"%s\", \"aliases\": [{\"alias\": \"a\", \"version\": \"%s\"}]}]}", name, version);
	else if (is_to(w->f->path, "runs/get"))
		snprintf(w->list, sizeof w->list, "{\"registered_models\": [{\"name\": \"m\", \"latest_versions\": [{\"name\": \"m\", \"version\": \"1\", \"run_id\": \"%s\"}]}]}", run);
	free(version);
	free(run);
}

static void
show(struct buf *out, const struct chain_round *r)
{
	if (r->err.code != 0)
		buf_printf(out, "error %s: %s\n", err_code_name(r->err.code), r->err.msg);
	for (size_t i = 0; i < r->events.n; i++) {
		json_t *json = event_to_json(&r->events.v[i]);
		char *text = json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS);

		buf_printf(out, "%s\n", text);
		free(text);
		json_decref(json);
	}
}

/* The name in a filter, without its quotes; of model-versions-search-all there is none. */
static char *
model_of(const struct fixture *f)
{
	char *name = parameter(f->path, "name"), *filter;

	if (*name != '\0' || !is_to(f->path, "model-versions/search"))
		return name;
	free(name);
	filter = parameter(f->path, "filter");
	name = strchr(filter, '\'') == NULL ? xstrdup("spam-filter") : xstrndup(strchr(filter, '\'') + 1, strcspn(strchr(filter, '\'') + 1, "'"));
	free(filter);
	return name;
}

static void
read_registry(struct buf *out, const struct fixture *f)
{
	char *name = model_of(f), source[] = "mlflow";
	const struct conf_source conf = { .name = source, .url = source };
	const struct model_def def = { .registry = source, .name = name, .data_key = "dataset_until" };
	const struct registry_arg arg = { .models = &def, .n_models = is_to(f->path, "registered-models/get") };
	struct world w = { .f = f };
	struct chain_round *r = xcalloc(1, sizeof *r);
	void *kept = NULL;

	make_list(&w, name);
	chain_drive(&mlflow_chain, &conf, &arg, &kept, serve, &w, r);
	if (!w.is_served)
		failed(f, "the chain does not ask for it");
	show(out, r);
	chain_round_done(r);
	mlflow_chain.kept_free(kept);
	free(r);
	free(name);
}

/* --- changes ------------------------------------------------------------------------------------------------------- */

static const char *
member(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

/* What a recorded change is in our words; false: it is none of ours. */
static bool
change_of(const struct fixture *f, const json_t *body, struct registry_change *ret)
{
	*ret = (struct registry_change){ .model = member(body, "name"), .version = member(body, "version"), .value = member(body, "value") };
	if (is_to(f->path, "registered-models/alias")) {
		ret->kind = REGISTRY_ALIAS;
		ret->name = member(body, "alias");
	} else if (is_to(f->path, "model-versions/transition-stage")) {
		ret->kind = REGISTRY_STAGE;
		ret->name = member(body, "stage");
	} else {
		ret->kind = REGISTRY_TAG;
		ret->name = member(body, "key");
	}
	return is_to(f->path, "registered-models/alias") || is_to(f->path, "model-versions/transition-stage") ||
	    is_to(f->path, "registered-models/set-tag") || is_to(f->path, "registered-models/delete-tag") ||
	    is_to(f->path, "model-versions/set-tag") || is_to(f->path, "model-versions/delete-tag");
}

/* Staging and Production are emptied for the version that comes: we always say so, a recording may not. All else we send as it was recorded. */
static void
check_archive(const struct fixture *f, json_t *sent, json_t *body, const char *stage)
{
	bool is_emptied = strcasecmp(stage, "Staging") == 0 || strcasecmp(stage, "Production") == 0;

	if (!is_emptied)
		return;
	if (!json_is_true(json_object_get(sent, "archive_existing_versions")))
		failed(f, "our request leaves what was in the stage there");
	json_object_del(sent, "archive_existing_versions");
	json_object_del(body, "archive_existing_versions");
}

static void
check_request(const struct fixture *f, json_t *body, const struct registry_change *change)
{
	struct request r;
	struct err err = ERR_INIT;
	json_t *sent;

	if (registry_write_find("mlflow")->write(NULL, change, &r, &err) < 0) {
		/* Recorded with a member missing or of another type: we refuse to send that. */
		if (f->status != 400)
			failed(f, err.msg);
		return;
	}
	sent = json_loadb(r.body.data, r.body.len, 0, NULL);
	if (change->kind == REGISTRY_STAGE)
		check_archive(f, sent, body, change->name);
	if (strcmp(r.method, f->method) != 0 || strcmp(r.path, f->path) != 0)
		failed(f, "our request goes elsewhere");
	if (!json_equal(sent, body)) {
		failed(f, "our request has another body");
		fprintf(stderr, "--- ours\n%s\n--- recorded\n%s\n", r.body.data, f->request_body);
	}
	json_decref(sent);
	request_done(&r);
}

static bool
read_change(struct buf *out, const struct fixture *f)
{
	const struct answer answer = { .status = f->status, .content_type = f->content_type };
	json_t *body = json_loads(f->request_body, 0, NULL);
	struct registry_change change;
	struct err err = ERR_INIT;
	bool is_ours = change_of(f, body, &change);

	if (is_ours) {
		check_request(f, body, &change);
		if (registry_write_find("mlflow")->write_answer(&change, &answer, f->body, f->len, &err) == 0)
			buf_addstr(out, "changed\n");
		else
			buf_printf(out, "error %s: %s\n", err_code_name(err.code), err.msg);
	}
	json_decref(body);
	return is_ours;
}

/* The alias endpoint is read before a change of an alias. */
static void
read_before(struct buf *out, const struct fixture *f)
{
	const struct answer answer = { .status = f->status, .content_type = f->content_type };
	const struct registry_write_ops *ops = registry_write_find("mlflow");
	char *model = parameter(f->path, "name"), *alias = parameter(f->path, "alias"), *now = NULL;
	const struct registry_change change = { .kind = REGISTRY_ALIAS, .model = model, .name = alias };
	struct err err = ERR_INIT;
	struct request r;

	if (ops->read(NULL, &change, &r, &err) < 0) {
		failed(f, err.msg);
	} else {
		if (strcmp(r.path, f->path) != 0)
			failed(f, "our request goes elsewhere");
		request_done(&r);
	}
	if (ops->read_answer(&change, &answer, f->body, f->len, &now, &err) == 0)
		buf_printf(out, "now: %s\n", now == NULL ? "none" : now);
	else
		buf_printf(out, "error %s: %s\n", err_code_name(err.code), err.msg);
	free(now);
	free(model);
	free(alias);
}

/* --- the test ------------------------------------------------------------------------------------------------------ */

static void
check_expected(const struct fixture *f, const struct buf *got)
{
	char *below = xasprintf("tests/contract/expected/mlflow/%s.txt", f->name), *want;
	const char *path = source_path(below);
	size_t len;
	FILE *fp;

	if (getenv("GENERATE") != NULL) {
		fp = fopen(path, "wb");
		if (fp == NULL || fwrite(got->data, 1, got->len, fp) != got->len || fclose(fp) != 0)
			failed(f, strerror(errno));
		free(below);
		return;
	}
	want = file_read(path, &len);
	if (want == NULL) {
		failed(f, "no expected outcome (GENERATE=1 writes it; review it)");
	} else if (len != got->len || memcmp(want, got->data, len) != 0) {
		failed(f, "not as expected");
		fprintf(stderr, "--- expected\n%s--- got\n%s", want, got->data);
	}
	free(want);
	free(below);
}

static void
check_fixture(const struct fixture *f)
{
	bool is_get = strcmp(f->method, "GET") == 0;
	struct buf out;

	buf_init(&out, TEXT_MAX);
	if (is_get && kind_of(f->path) != NULL)
		read_registry(&out, f);
	else if (is_get && is_to(f->path, "registered-models/alias"))
		read_before(&out, f);
	else if (is_get && f->status == 404)
		/* A path that a server does not know: so answers one that is no MLflow. */
		buf_printf(&out, "error %s\n", err_code_name(mlflow_refuse(&(struct answer){ f->status, f->content_type, false }, f->body, f->len, NULL)));
	else if (!read_change(&out, f) && f->status == 405)
		buf_printf(&out, "error %s\n", err_code_name(mlflow_refuse(&(struct answer){ f->status, f->content_type, false }, f->body, f->len, NULL)));
	if (out.len == 0)
		failed(f, "nobody reads it: read it, or add a row with the reason to passed_over");
	else
		check_expected(f, &out);
	buf_done(&out);
}

int
main(void)
{
	unsigned n_passed = 0;
	size_t n;
	char **names = fixture_names("mlflow", &n);

	clock_freeze(1795311904 * NS_PER_S);
	for (size_t i = 0; i < n; i++) {
		struct fixture *f = fixture_read("mlflow", names[i]);

		if (is_passed_over(f))
			n_passed++;
		else
			check_fixture(f);
		fixture_free(f);
	}
	printf("mlflow: %zu fixtures, %u of them for endpoints that are not asked\n", n, n_passed);
	fixture_names_free(names, n);
	if (n_passed != N_PASSED_OVER) {
		fprintf(stderr, "FAIL passed_over names %d fixtures, %u of them exist\n", N_PASSED_OVER, n_passed);
		n_failed++;
	}
	return n_failed == 0 ? 0 : 1;
}
