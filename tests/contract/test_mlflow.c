/* The chain for MLflow on what no recorded answer shows: odd servers, odd pages, missing permissions, and what is asked in the rounds after the first. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "fakes/chain_driver.h"
#include "model/registry.h"
#include "source/registry_draft.h"
#include "source/registry_write.h"

/* What the server says to requests that begin so; the first row that fits. */
struct row {
	const char *prefix;
	long status;
	const char *body;
};
static const struct row *rows;

#define API "/api/2.0/mlflow/"
#define LIST API "registered-models/search"
#define VERSIONS API "model-versions/search"
#define GET_VERSION API "model-versions/get"
#define MODEL API "registered-models/get"
#define RUN API "runs/get"

static void
serve(const struct chain_ask *ask, struct chain_reply *ret, void *arg)
{
	(void)arg;
	for (const struct row *r = rows; r->prefix != NULL; r++)
		if (str_has_prefix(ask->request.path, r->prefix)) {
			ret->status = r->status;
			ret->body = r->body;
			return;
		}
	ret->status = 404;
	ret->body = "{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\", \"message\": \"no\"}";
}

static const struct model_def named = { .id = "model:m", .registry = "s", .name = "m", .data_key = "data" };
static const struct conf_source conf = { .name = (char[]){ "s" }, .url = (char[]){ "http://a" } };
static struct chain_round round_;
static void *kept;

static const struct registry_set *
ask(const struct row *v, bool is_named)
{
	const struct registry_arg arg = { .models = &named, .n_models = is_named };

	chain_round_done(&round_);
	rows = v;
	chain_drive(&mlflow_chain, &conf, &arg, &kept, serve, NULL, &round_);
	if (round_.events.n == 0)
		return NULL;
	assert_int_equal(round_.events.v[0].kind, EVENT_REGISTRY);
	return round_.events.v[0].block;
}

static int
teardown(void **state)
{
	(void)state;
	chain_round_done(&round_);
	mlflow_chain.kept_free(kept);
	kept = NULL;
	return 0;
}

static void
check_note(const struct registry_set *s, const char *text)
{
	for (size_t i = 0; i < s->notes.n; i++)
		if (strstr(s->notes.v[i], text) != NULL)
			return;
	fail_msg("no note says '%s'; the first: %s", text, s->notes.n > 0 ? s->notes.v[0] : "none");
}

#define ONE "{\"registered_models\": [{\"name\": \"m\", \"last_updated_timestamp\": 5000, \"aliases\": [{\"alias\": \"champion\", \"version\": \"2\"}]}]}"
#define RUN_OK "{\"run\": {\"info\": {\"run_id\": \"r\"}, \"data\": {\"metrics\": [{\"key\": \"auc\", \"value\": 0.5, \"timestamp\": 1}], " \
	"\"params\": [{\"key\": \"data\", \"value\": \"2026-08-01\"}], \"tags\": [{\"key\": \"mlflow.user\", \"value\": \"ann\"}]}}}"

/* --- values ------------------------------------------------------------------------------------------------------------------ */

static void
test_versions_are_text(void **state)
{
	static const struct row v[] = {
		{ LIST, 200, ONE },
		{ VERSIONS, 200, "{\"model_versions\": [{\"name\": \"m\", \"version\": 1.10}, {\"name\": \"m\", \"version\": 9007199254740993}, "
		    "{\"name\": \"m\", \"version\": \"9007199254740992\"}, {\"name\": \"m\", \"version\": 99999999999999999999999999}, {\"name\": \"M\", \"version\": \"7\"}]}" },
		{ 0 },
	};
	const struct registry_set *s = ask(v, true);

	(void)state;
	assert_int_equal(s->v[0].n_versions, 4);	/* M is another model */
	assert_string_equal(s->v[0].versions[0].version, "99999999999999999999999999");
	assert_string_equal(s->v[0].versions[1].version, "9007199254740993");
	assert_string_equal(s->v[0].versions[2].version, "9007199254740992");
	assert_string_equal(s->v[0].versions[3].version, "1.10");
}

/* More versions are behind the page than it shows: the oldest tells how many. */
static void
test_versions_behind_the_page(void **state)
{
	static const struct {
		const char *body;
		size_t n_left_out;
	} cases[] = {
		{ "{\"model_versions\": [{\"name\": \"m\", \"version\": \"9\"}, {\"name\": \"m\", \"version\": \"8\"}], \"next_page_token\": \"t\"}", 7 },
		{ "{\"model_versions\": [{\"name\": \"m\", \"version\": \"0\"}], \"next_page_token\": \"t\"}", 0 },
		{ "{\"model_versions\": [{\"name\": \"m\", \"version\": \"x\"}], \"next_page_token\": \"t\"}", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct row v[] = { { LIST, 200, "{\"registered_models\": [{\"name\": \"m\"}]}" }, { VERSIONS, 200, cases[i].body }, { 0 } };

		assert_int_equal(ask(v, true)->v[0].n_left_out, cases[i].n_left_out);
	}
}

static void
test_metrics(void **state)
{
	static const struct row v[] = {
		{ LIST, 200, ONE }, { VERSIONS, 200, "{\"model_versions\": [{\"name\": \"m\", \"version\": \"2\", \"run_id\": \"r\"}]}" },
		{ RUN, 200, "{\"run\": {\"info\": {}, \"data\": {\"metrics\": [{\"key\": \"n\", \"value\": \"NaN\", \"timestamp\": 1000}, {\"key\": \"z\", \"timestamp\": 1000}, "
		    "{\"key\": \"p\", \"value\": 1.7976931348623157e+308, \"timestamp\": 1000}, {\"key\": \"m\", \"value\": -1.7976931348623157e+308}, "
		    "{\"key\": \"a\", \"value\": 1, \"timestamp\": 1000}, {\"key\": \"a\", \"value\": 2, \"timestamp\": 3000}, {\"key\": \"x\", \"value\": \"much\"}]}}}" },
		{ 0 },
	};
	const struct reg_version *ver = &ask(v, true)->v[0].versions[0];

	(void)state;
	assert_int_equal(ver->n_metrics, 5);
	assert_string_equal(ver->metrics[0].name, "a");
	assert_true(ver->metrics[0].value == 2 && ver->metrics[0].at_ns == 3 * NS_PER_S);
	assert_true(isinf(ver->metrics[1].value) && ver->metrics[1].value < 0);
	assert_true(isnan(ver->metrics[2].value));
	assert_true(isinf(ver->metrics[3].value) && ver->metrics[3].value > 0);
	assert_true(ver->metrics[4].value == 0);
	assert_true(ver->is_run_known);
}

/* 3.x has params and metrics with the version, and aliases as everybody else. */
static void
test_mlflow_3(void **state)
{
	static const struct row v[] = {
		{ LIST, 200, ONE },
		{ VERSIONS, 200, "{\"model_versions\": [{\"name\": \"m\", \"version\": \"2\", \"model_id\": \"m-1\", \"user_id\": \"eve\", \"params\": [{\"name\": \"depth\", \"value\": \"8\"}], "
		    "\"metrics\": [{\"key\": \"f1\", \"value\": 0.25, \"dataset_name\": \"a\"}]}]}" },
		{ 0 },
	};
	const struct reg_version *ver = &ask(v, true)->v[0].versions[0];

	(void)state;
	assert_string_equal(labels_get(&ver->params, "depth"), "8");
	assert_true(ver->n_metrics == 1 && ver->metrics[0].value == 0.25);
	assert_string_equal(ver->by, "eve");
}

static void
test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{ "1795311904", 1795311904 * NS_PER_S }, { "1795311904206", INT64_C(1795311904206) * NS_PER_MS }, { "1795311904206123", INT64_C(1795311904206123) * NS_PER_US },
		{ "1795311904206123456", INT64_C(1795311904206123456) }, { "1795311904.5", INT64_C(1795311904500) * NS_PER_MS }, { "2026-08-01", 1785542400 * NS_PER_S },
		{ "2026-08-01T00:00:01", 1785542401 * NS_PER_S }, { "2026-08-01T02:00:00+02:00", 1785542400 * NS_PER_S }, { "2026-08-01 00:00:00Z", 1785542400 * NS_PER_S },
		{ "20260801", 1785542400 * NS_PER_S }, { "2026-08-01T02:00:00+0200", 1785542400 * NS_PER_S }, { "2026-08-01 02:00:00.000+02", 1785542400 * NS_PER_S },
		{ "2026-08-01T00:00", 1785542400 * NS_PER_S }, { "2026-08-01 00:00Z", 1785542400 * NS_PER_S }, { "2026-07-31T22:30-0130", 1785542400 * NS_PER_S },
		{ "1000000000", 1000000000 * NS_PER_S }, { "999999999", 0 }, { "20261301", 0 }, { "2026", 0 }, { "12345678", 0 }, { "12.5", 0 }, { "2026-08", 0 },
		{ "", 0 }, { "0", 0 }, { "never", 0 }, { "-5", 0 }, { "0001-01-01", 0 }, { "2026-13-01", 0 }, { "99999999999999999999999", 0 }, { "1e300", 0 }, { NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (registry_time(cases[i].text) != cases[i].ns)
			fail_msg("%s is %lld", cases[i].text, (long long)registry_time(cases[i].text));
}

/* --- rounds ------------------------------------------------------------------------------------------------------------------ */

static void
test_runs_are_read_once(void **state)
{
	static const struct row v[] = {
		{ LIST, 200, ONE },
		{ VERSIONS, 200, "{\"model_versions\": [{\"name\": \"m\", \"version\": \"2\", \"run_id\": \"r\"}, {\"name\": \"m\", \"version\": \"1\", \"run_id\": \"r\"}]}" },
		{ RUN, 200, RUN_OK }, { 0 },
	};
	unsigned n_runs = 0, n_lists = 0;

	(void)state;
	for (int i = 0; i < 60; i++) {
		const struct registry_set *s = ask(v, true);
		const struct reg_version *ver = &s->v[0].versions[1];

		n_runs += chain_was_asked(&round_, RUN);
		n_lists += round_.n_requests;
		if (i == 0)
			assert_int_equal(round_.n_requests, 3);	/* both versions are of one run */
		assert_true(ver->is_run_known && ver->n_metrics == 1);
		assert_string_equal(ver->by, "ann");
		assert_int_equal(ver->data_ns, 1785542400 * NS_PER_S);
		assert_int_equal(s->notes.n, 0);
	}
	/* once more in each hour of minutes, as a metric may have been added */
	assert_true(n_runs == 1 || n_runs == 2);
	assert_int_equal(n_lists, 120 + n_runs);
}

/* Models that nobody named cost nothing while they do not change. */
static void
test_models_that_do_not_change(void **state)
{
	static const char changed[] = "{\"registered_models\": [{\"name\": \"m\", \"last_updated_timestamp\": 6000, \"aliases\": [{\"alias\": \"champion\", \"version\": \"3\"}]}]}";
	struct row v[] = {
		{ LIST, 200, ONE }, { VERSIONS, 200, "{\"model_versions\": [{\"name\": \"m\", \"version\": \"2\"}, {\"name\": \"m\", \"version\": \"1\"}]}" },
		{ GET_VERSION, 200, "{\"model_version\": {\"name\": \"m\", \"version\": \"3\"}}" }, { 0 },
	};
	unsigned n = 0;

	(void)state;
	for (int i = 0; i < 12; i++) {
		const struct registry_set *s = ask(v, false);

		assert_int_equal(s->v[0].n_versions, 2);
		assert_string_equal(s->v[0].versions[0].aliases.v[0], "champion");
		n += chain_was_asked(&round_, VERSIONS);
	}
	assert_true(n == 1 || n == 2);
	v[0].body = changed;
	assert_int_equal(ask(v, false)->v[0].n_versions, 3);
	assert_true(chain_was_asked(&round_, VERSIONS));
	assert_true(chain_was_asked(&round_, GET_VERSION));	/* where the alias points now */
}

/* --- permissions, things that are gone --------------------------------------------------------------------------------------- */

static void
test_no_permission_to_read_runs(void **state)
{
	static const struct row v[] = {
		{ LIST, 200, ONE },
		{ VERSIONS, 200, "{\"model_versions\": [{\"name\": \"m\", \"version\": \"2\", \"run_id\": \"a\"}, {\"name\": \"m\", \"version\": \"1\", \"run_id\": \"b\"}]}" },
		{ RUN, 403, "Permission denied" }, { 0 },
	};
	const struct registry_set *s = ask(v, true);

	(void)state;
	assert_int_equal(s->v[0].n_versions, 2);
	assert_false(s->v[0].versions[0].is_run_known);
	check_note(s, "no permission to read 2 training runs");
	/* and is not asked again in each round, nor forgotten */
	s = ask(v, true);
	assert_true(round_.n_requests <= 3);
	check_note(s, "no permission to read 2 training runs");
}

static void
test_no_permission_to_read_versions(void **state)
{
	static const struct row v[] = { { LIST, 200, ONE }, { VERSIONS, 403, "Permission denied" }, { 0 } };
	const struct registry_set *s = ask(v, true);

	(void)state;
	assert_string_equal(reg_version_wanted(&s->v[0], "champion", NULL), "2");
	check_note(s, "no permission to read the versions of m");
}

/* What was known of its versions stays, and it is asked for again in the next round. */
static void
test_one_model_that_breaks_the_server(void **state)
{
	static const char first[] = "{\"registered_models\": [{\"name\": \"m\", \"last_updated_timestamp\": 5000}, {\"name\": \"o\", \"last_updated_timestamp\": 5000}]}";
	static const char later[] = "{\"registered_models\": [{\"name\": \"m\", \"last_updated_timestamp\": 5000}, {\"name\": \"o\", \"last_updated_timestamp\": 6000, "
	    "\"latest_versions\": [{\"name\": \"o\", \"version\": \"3\"}]}]}";
	struct row v[] = {
		{ LIST, 200, first }, { VERSIONS "?filter=name%3D%27o", 200, "{\"model_versions\": [{\"name\": \"o\", \"version\": \"2\"}, {\"name\": \"o\", \"version\": \"1\"}]}" },
		{ VERSIONS, 200, "{\"model_versions\": [{\"name\": \"m\", \"version\": \"1\"}]}" }, { 0 },
	};
	const struct registry_set *s = ask(v, true);

	(void)state;
	assert_int_equal(s->n, 2);
	assert_false(s->v[0].is_unread || s->v[1].is_unread);
	v[0].body = later;
	v[1].status = 500;
	for (int i = 0; i < 3; i++) {
		s = ask(v, true);
		assert_non_null(s);
		assert_true(chain_was_asked(&round_, v[1].prefix));
		assert_false(s->v[0].is_unread);
		assert_true(s->v[1].is_unread);
		assert_int_equal(s->v[1].n_versions, 3);
		assert_string_equal(s->v[1].versions[0].version, "3");
		check_note(s, "the versions of o cannot be read: MLflow failed inside (HTTP 500)");
	}
	v[1].status = 200;
	s = ask(v, true);
	assert_false(s->v[1].is_unread);
	assert_int_equal(s->notes.n, 0);
}

/* What may not be read is said in each round, also in those that do not ask for it. */
static void
test_missing_permissions_are_told_again(void **state)
{
	static const struct row versions[] = { { LIST, 200, ONE }, { VERSIONS, 403, "Permission denied" }, { 0 } };
	static const struct row runs[] = {
		{ LIST, 200, ONE }, { VERSIONS, 200, "{\"model_versions\": [{\"name\": \"m\", \"version\": \"2\", \"run_id\": \"a\"}]}" }, { RUN, 403, "Permission denied" }, { 0 },
	};
	unsigned n_asked = 0;

	(void)state;
	for (int i = 0; i < 12; i++) {
		const struct registry_set *s = ask(versions, false);

		assert_true(s->v[0].is_unread);
		assert_int_equal(s->notes.n, 1);
		check_note(s, "no permission to read the versions of m");
		n_asked += chain_was_asked(&round_, VERSIONS);
	}
	assert_true(n_asked == 1 || n_asked == 2);
	mlflow_chain.kept_free(kept);
	kept = NULL;
	for (int i = 0; i < 12; i++) {
		const struct registry_set *s = ask(runs, false);

		assert_false(s->v[0].is_unread);
		check_note(s, "no permission to read 1 training run,");
	}
}

static void
test_a_server_in_trouble_ends_the_round(void **state)
{
	static const struct row no_versions[] = { { LIST, 200, ONE }, { VERSIONS, 503, "" }, { 0 } };
	static const struct row no_run[] = {
		{ LIST, 200, ONE }, { VERSIONS, 200, "{\"model_versions\": [{\"name\": \"m\", \"version\": \"2\", \"run_id\": \"r\"}]}" }, { RUN, 0, "connection refused" }, { 0 },
	};
	static const struct row odd_run[] = {
		{ LIST, 200, ONE }, { VERSIONS, 200, "{\"model_versions\": [{\"name\": \"m\", \"version\": \"2\", \"run_id\": \"r\"}]}" }, { RUN, 500, "<html>" }, { 0 },
	};
	static const struct row torn_run[] = {
		{ LIST, 200, ONE }, { VERSIONS, 200, "{\"model_versions\": [{\"name\": \"m\", \"version\": \"2\", \"run_id\": \"r\"}]}" }, { RUN, 200, "{\"run\": {" }, { 0 },
	};

	(void)state;
	assert_null(ask(no_versions, true));
	assert_non_null(strstr(round_.err.msg, "MLflow is not ready (HTTP 503)"));
	assert_null(ask(no_run, true));
	assert_string_equal(round_.err.msg, "connection refused");
	check_note(ask(odd_run, true), "a training run of m cannot be read: MLflow failed inside (HTTP 500)");
	check_note(ask(torn_run, true), "a training run of m cannot be read: not an MLflow answer");
}

static void
test_no_registry_there(void **state)
{
	static const struct row html[] = { { LIST, 404, "<!doctype html>" }, { 0 } }, login[] = { { LIST, 200, "<html>login" }, { 0 } };
	static const struct row other[] = { { LIST, 200, "{\"status\": \"success\", \"data\": []}" }, { 0 } }, list[] = { { LIST, 200, "[]" }, { 0 } };
	static const struct row wrong[] = { { LIST, 200, "{\"registered_models\": {}}" }, { 0 } }, nameless[] = { { LIST, 200, "{\"registered_models\": [{}]}" }, { 0 } };

	(void)state;
	assert_null(ask(html, true));
	assert_int_equal(round_.err.code, ERR_NOTFOUND);
	assert_non_null(strstr(round_.err.msg, "there is no model registry at " LIST));
	assert_null(ask(login, true));
	assert_non_null(strstr(round_.err.msg, "an HTML page, not an MLflow answer"));
	assert_null(ask(other, true));
	assert_non_null(strstr(round_.err.msg, "it has no 'registered_models'"));
	assert_null(ask(list, true));
	assert_non_null(strstr(round_.err.msg, "check the source's url and type"));
	assert_null(ask(wrong, true));
	assert_non_null(strstr(round_.err.msg, "'registered_models' is an object, expected a list"));
	assert_null(ask(nameless, true));
	assert_non_null(strstr(round_.err.msg, "'name' is nothing"));
}

/* --- pages ------------------------------------------------------------------------------------------------------------------- */

static void
test_a_token_that_leads_back(void **state)
{
	static const struct row v[] = {
		{ LIST "?max_results=200&page_token=b", 200, "{\"registered_models\": [{\"name\": \"c\"}], \"next_page_token\": \"a\"}" },
		{ LIST "?max_results=200&page_token=a", 200, "{\"registered_models\": [{\"name\": \"b\"}], \"next_page_token\": \"b\"}" },
		{ LIST, 200, "{\"registered_models\": [{\"name\": \"a\"}], \"next_page_token\": \"a\"}" }, { VERSIONS, 200, "{}" }, { 0 },
	};
	const struct registry_set *s = ask(v, false);

	(void)state;
	assert_int_equal(s->n, 3);
	check_note(s, "page 3 of the models leads back to where page 1 led");
}

static void
endless(const struct chain_ask *ask_, struct chain_reply *ret, void *arg)
{
	static char body[256];
	unsigned *n = arg;

	ret->body = "{}";
	if (!str_has_prefix(ask_->request.path, LIST))
		return;
	snprintf(body, sizeof body, "{\"registered_models\": [{\"name\": \"m%u\"}], \"next_page_token\": \"t%u\"}", *n, *n);
	++*n;
	ret->body = body;
}

static void
test_pages_without_end(void **state)
{
	const struct registry_arg arg = { .models = &named, .n_models = 0 };
	unsigned n = 0;

	(void)state;
	chain_drive(&mlflow_chain, &conf, &arg, &kept, endless, &n, &round_);
	assert_int_equal(n, 100);
	assert_int_equal(round_.events.n, 1);
	check_note(round_.events.v[0].block, "more than 100 pages");
}

static void
test_a_later_page_that_cannot_be_read(void **state)
{
	static const struct row v[] = {
		{ LIST "?max_results=200&page_token", 400, "{\"error_code\": \"INVALID_PARAMETER_VALUE\", \"message\": \"Invalid page token\"}" },
		{ LIST, 200, "{\"registered_models\": [{\"name\": \"a\"}], \"next_page_token\": \"x\"}" },
		{ MODEL "?name=m", 200, "{\"registered_model\": {\"name\": \"m\", \"aliases\": [{\"alias\": \"champion\", \"version\": \"2\"}]}}" }, { VERSIONS, 200, "{}" }, { 0 },
	};
	const struct registry_set *s = ask(v, true);

	(void)state;
	assert_int_equal(s->n, 2);
	check_note(s, "page 2 of the models cannot be read, the rest is not known: MLflow refuses the request (HTTP 400): Invalid page token");
	assert_string_equal(reg_version_wanted(reg_model_find(s, "m"), "champion", NULL), "2");
}

static void
test_a_model_the_config_names_is_not_there(void **state)
{
	static const struct row v[] = { { LIST, 200, "{}" }, { 0 } };
	const struct registry_set *s = ask(v, true);

	(void)state;
	assert_int_equal(s->n, 0);
	assert_int_equal(s->notes.n, 0);
	assert_true(chain_was_asked(&round_, MODEL "?name=m"));
}

/* --- writing ------------------------------------------------------------------------------------------------------------------ */

static void
test_changes_that_are_none(void **state)
{
	static const struct registry_change v[] = {
		{ .kind = REGISTRY_ALIAS, .model = "", .name = "a", .version = "1" }, { .kind = REGISTRY_ALIAS, .model = "m", .name = NULL, .version = "1" },
		{ .kind = REGISTRY_ALIAS, .model = "m", .name = "a", .version = "" }, { .kind = REGISTRY_STAGE, .model = "m", .name = "Production" },
		{ .kind = REGISTRY_TAG, .model = "m", .name = "k", .value = "\xff" },
	};
	struct request r;

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		assert_int_equal(registry_write_find("mlflow")->write(&conf, &v[i], &r, NULL), ERR_INVALID);
	assert_null(registry_write_find("http-json"));
	assert_null(registry_write_find("prometheus"));
}

static void
test_answers_that_promise_nothing(void **state)
{
	const struct registry_change c = { .kind = REGISTRY_ALIAS, .model = "m", .name = "a", .version = "1" };
	const struct registry_write_ops *ops = registry_write_find("mlflow");
	const struct answer ok = { .status = 200, .content_type = "text/html" };
	static const char html[] = "<html>signed in", other[] = "{\"model_version\": {\"name\": \"n\", \"version\": \"1\"}}";
	struct err err = ERR_INIT;
	char *now = NULL;

	(void)state;
	assert_int_equal(ops->write_answer(&c, &ok, html, strlen(html), &err), ERR_INVALID);
	assert_non_null(strstr(err.msg, "read it back"));
	assert_int_equal(ops->write_answer(&c, &ok, "", 0, &err), ERR_INVALID);
	assert_int_equal(ops->read_answer(&c, &ok, html, strlen(html), &now, &err), ERR_SYNTAX);
	assert_int_equal(ops->read_answer(&c, &ok, other, strlen(other), &now, &err), ERR_INVALID);
	assert_non_null(strstr(err.msg, "another model"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_versions_are_text, teardown),
		cmocka_unit_test_teardown(test_versions_behind_the_page, teardown),
		cmocka_unit_test_teardown(test_metrics, teardown),
		cmocka_unit_test_teardown(test_mlflow_3, teardown),
		cmocka_unit_test(test_times),
		cmocka_unit_test_teardown(test_runs_are_read_once, teardown),
		cmocka_unit_test_teardown(test_models_that_do_not_change, teardown),
		cmocka_unit_test_teardown(test_no_permission_to_read_runs, teardown),
		cmocka_unit_test_teardown(test_no_permission_to_read_versions, teardown),
		cmocka_unit_test_teardown(test_one_model_that_breaks_the_server, teardown),
		cmocka_unit_test_teardown(test_missing_permissions_are_told_again, teardown),
		cmocka_unit_test_teardown(test_a_server_in_trouble_ends_the_round, teardown),
		cmocka_unit_test_teardown(test_no_registry_there, teardown),
		cmocka_unit_test_teardown(test_a_token_that_leads_back, teardown),
		cmocka_unit_test_teardown(test_pages_without_end, teardown),
		cmocka_unit_test_teardown(test_a_later_page_that_cannot_be_read, teardown),
		cmocka_unit_test_teardown(test_a_model_the_config_names_is_not_there, teardown),
		cmocka_unit_test(test_changes_that_are_none),
		cmocka_unit_test(test_answers_that_promise_nothing),
	};

	return cmocka_run_group_tests_name("mlflow", tests, NULL, NULL);
}
