/* Steps that write over HTTP: registry, http, silence. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "fakes/fake_world.h"
#include "runbook/step_priv.h"

#define ALIAS "GET /api/2.0/mlflow/registered-models/alias?name=spam&alias=champion"
#define SET_ALIAS "POST /api/2.0/mlflow/registered-models/alias"
#define SET_TAG "POST /api/2.0/mlflow/registered-models/set-tag"
#define AT(version) "{\"model_version\":{\"name\":\"spam\",\"version\":\"" version "\"}}"
#define NO_ALIAS "{\"error_code\":\"INVALID_PARAMETER_VALUE\",\"message\":\"Registered model alias champion not found.\"}"

static const struct act_start do_it = { .mode = ACT_DO }, read_it = { .mode = ACT_READ };
static struct test_values values = { { "model", "to", "secret_token" }, { "spam", "6", "s3cret-t0ken" } };

static struct act
alias_act(void)
{
	return (struct act){
		.kind = STEP_REGISTRY, .alias = (char *)"champion", .model = tpl("${model}", PLACE_WORD), .version = tpl("${to}", PLACE_WORD),
		.timeout_ns = 5 * NS_PER_S,
	};
}

static void
run(struct act *act, const struct act_start *start)
{
	struct bindings b = world_bindings(&values, NULL);
	struct err err = ERR_INIT;

	if (world_act(act, &b, start, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(world_replies_left(), 0);
}

static int
refused(struct act *act, const struct act_start *start, struct err *err)
{
	struct bindings b = world_bindings(&values, NULL);

	return world_act(act, &b, start, err);
}

static void
assert_told(enum outcome outcome, const char *text)
{
	assert_string_equal(told.text, text);
	assert_int_equal(told.outcome, outcome);
}

static void
assert_text(struct act *act, const char *expected)
{
	struct bindings b = world_bindings(&values, NULL);
	struct bound *bound = world_bind(act, &b);

	assert_string_equal(bound_text(bound), expected);
	bound_unref(bound);
}

/* --- registry ----------------------------------------------------------------------------------- */

static void
test_alias_is_moved(void **state)
{
	struct act act = alias_act();
	struct act_start start = { .mode = ACT_DO, .previous = "7" };

	(void)state;
	assert_text(&act, "mlflow registry: alias champion of spam -> 6");
	world_reply(ALIAS, 200, AT("7"));
	run(&act, &read_it);
	assert_told(OUTCOME_OK, "7");
	assert_string_equal(told.previous, "7");
	world_reply(ALIAS, 200, AT("7"));
	world_reply(SET_ALIAS, 200, "{}");
	world_reply(ALIAS, 200, AT("6"));
	world_reply(SET_TAG, 200, "{}");
	run(&act, &start);
	assert_told(OUTCOME_OK, "alias champion: 7 -> 6");
	assert_string_equal(told.previous, "7");
	assert_string_equal(last_request.body, "{\"name\":\"spam\",\"key\":\"opsconsole.previous\",\"value\":\"7\"}");
}

/* That the way back cannot be noted does not undo the move. */
static void
test_previous_tag_fails(void **state)
{
	struct act act = alias_act();

	(void)state;
	world_reply(ALIAS, 200, AT("7"));
	world_reply(SET_ALIAS, 200, "{}");
	world_reply(ALIAS, 200, AT("6"));
	world_reply(SET_TAG, 403, "{}");
	run(&act, &do_it);
	assert_int_equal(told.outcome, OUTCOME_OK);
	assert_memory_equal(told.text, "alias champion: 7 -> 6; tag opsconsole.previous not written: ", 60);
}

/* Another alias than the one that says what serves tells nothing of what served before. */
static void
test_other_alias_leaves_no_tag(void **state)
{
	struct act act = alias_act();

	(void)state;
	act.alias = (char *)"shadow";
	world_reply("GET /api/2.0/mlflow/registered-models/alias?name=spam&alias=shadow", 200, AT("7"));
	world_reply(SET_ALIAS, 200, "{}");
	world_reply("GET /api/2.0/mlflow/registered-models/alias?name=spam&alias=shadow", 200, AT("6"));
	run(&act, &do_it);
	assert_told(OUTCOME_OK, "alias shadow: 7 -> 6");
}

static void
test_somebody_else_moved_it(void **state)
{
	struct act act = alias_act();
	struct act_start start = { .mode = ACT_DO, .previous = "7" };

	(void)state;
	world_reply(ALIAS, 200, AT("8"));
	run(&act, &start);
	assert_told(OUTCOME_FAILED, "alias champion is 8 now, not 7 as planned: somebody else has moved it");
	assert_true(told.is_refused);
	assert_true(told.is_not_begun);
	/* And between our write and the reading back. */
	world_reply(ALIAS, 200, AT("7"));
	world_reply(SET_ALIAS, 200, "{}");
	world_reply(ALIAS, 200, AT("9"));
	run(&act, &start);
	assert_told(OUTCOME_FAILED, "it was set, and is 9 now: somebody else has moved it since");
	assert_false(told.is_refused);
	assert_false(told.is_not_begun);
}

static void
test_already_there(void **state)
{
	struct act act = alias_act();

	(void)state;
	world_reply(ALIAS, 200, AT("6"));
	run(&act, &do_it);
	assert_told(OUTCOME_OK, "already 6");
}

static void
test_registry_says_no(void **state)
{
	struct act act = alias_act();

	(void)state;
	world_reply(ALIAS, 500, "{}");
	run(&act, &do_it);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	assert_true(told.is_not_begun);
	world_reply(ALIAS, 200, AT("7"));
	world_reply(SET_ALIAS, 403, "{\"message\":\"no permission\"}");
	run(&act, &do_it);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	assert_non_null(strstr(told.text, "no permission"));
	world_reply(ALIAS, 200, AT("7"));
	world_no_reply(SET_ALIAS, false);
	run(&act, &do_it);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	assert_true(told.is_not_begun);
}

/* The answer is lost, and reading back decides: it is there, or nobody knows whether it still comes. */
static void
test_lost_answer_is_read_back(void **state)
{
	struct act act = alias_act();

	(void)state;
	world_reply(ALIAS, 200, AT("7"));
	world_no_reply(SET_ALIAS, true);
	world_reply(ALIAS, 200, AT("6"));
	world_reply(SET_TAG, 200, "{}");
	run(&act, &do_it);
	assert_told(OUTCOME_OK, "alias champion: 7 -> 6");
	world_reply(ALIAS, 200, AT("7"));
	world_no_reply(SET_ALIAS, true);
	world_reply(ALIAS, 200, AT("7"));
	run(&act, &do_it);
	assert_told(OUTCOME_UNKNOWN, "no answer came; read back it is 7");
	world_reply(ALIAS, 200, AT("7"));
	world_reply(SET_ALIAS, 200, "<html>a proxy</html>");
	world_no_reply(ALIAS, false);
	run(&act, &do_it);
	assert_int_equal(told.outcome, OUTCOME_UNKNOWN);
}

static void
test_written_but_not_read_back(void **state)
{
	struct act act = alias_act();

	(void)state;
	world_reply(ALIAS, 200, AT("7"));
	world_reply(SET_ALIAS, 200, "{}");
	world_no_reply(ALIAS, false);
	run(&act, &do_it);
	assert_told(OUTCOME_OK, "alias champion: 7 -> 6; not read back: no answer came");
}

static void
test_restore(void **state)
{
	struct act act = alias_act();
	struct act_start back = { .mode = ACT_RESTORE, .previous = "7" }, nowhere = { .mode = ACT_RESTORE }, none = { .mode = ACT_RESTORE, .previous = "" };
	struct err err = ERR_INIT;

	(void)state;
	world_reply(ALIAS, 200, AT("6"));
	world_reply(SET_ALIAS, 200, "{}");
	world_reply(ALIAS, 200, AT("7"));
	run(&act, &back);
	assert_told(OUTCOME_OK, "alias champion: 6 -> 7");
	world_reply(ALIAS, 200, AT("8"));
	run(&act, &back);
	assert_told(OUTCOME_FAILED, "alias champion is 8 now, not 6 as we had set: somebody else has moved it");
	assert_true(told.is_refused);
	assert_int_equal(refused(&act, &nowhere, &err), ERR_INVALID);
	/* There was none: it is taken away again. */
	world_reply(ALIAS, 200, AT("6"));
	world_reply("DELETE /api/2.0/mlflow/registered-models/alias", 200, "{}");
	world_reply(ALIAS, 400, NO_ALIAS);
	run(&act, &none);
	assert_told(OUTCOME_OK, "alias champion: 6 -> none");
}

static void
test_settle(void **state)
{
	struct act act = alias_act();
	struct act_start settle = { .mode = ACT_SETTLE, .previous = "7" };

	(void)state;
	world_reply(ALIAS, 200, AT("6"));
	run(&act, &settle);
	assert_told(OUTCOME_OK, "alias is 6: it was done");
	world_reply(ALIAS, 200, AT("7"));
	run(&act, &settle);
	assert_told(OUTCOME_FAILED, "still 7: it was not done");
	world_reply(ALIAS, 200, AT("9"));
	run(&act, &settle);
	assert_int_equal(told.outcome, OUTCOME_UNKNOWN);
	world_no_reply(ALIAS, false);
	run(&act, &settle);
	assert_int_equal(told.outcome, OUTCOME_UNKNOWN);
}

static void
test_cancel_before_the_write(void **state)
{
	struct act act = alias_act();
	struct bindings b = world_bindings(&values, NULL);
	struct bound *bound = world_bind(&act, &b);
	struct act_start start = { .mode = ACT_DO, .done = world_told };
	struct running *r;
	struct err err = ERR_INIT;

	(void)state;
	told = (struct told){ 0 };
	world_reply(ALIAS, 200, AT("7"));
	assert_int_equal(act_begin(&world, bound, &start, &r, &err), 0);
	act_cancel(r);
	world_until(&told.is_done);
	assert_int_equal(told.outcome, OUTCOME_CANCELLED);
	assert_true(told.is_not_begun);
	/* Freed while a request is under way: nobody is told, and nothing is touched. */
	told = (struct told){ 0 };
	world_reply(ALIAS, 200, AT("7"));
	assert_int_equal(act_begin(&world, bound, &start, &r, &err), 0);
	act_free(r);
	world_turns(3);
	assert_false(told.is_done);
	bound_unref(bound);
}

static bool is_marked;
static void
on_marked(const struct err *err, void *arg)
{
	assert_null(err);
	*(bool *)arg = true;
}

static void
test_mark_bad(void **state)
{
	struct err err = ERR_INIT;
	struct bound *bound;

	(void)state;
	is_marked = false;
	world_reply("GET /api/2.0/mlflow/model-versions/get?name=spam&version=7", 200, AT("7"));
	world_reply("POST /api/2.0/mlflow/model-versions/set-tag", 200, "{}");
	world_reply("GET /api/2.0/mlflow/model-versions/get?name=spam&version=7", 200,
	    "{\"model_version\":{\"name\":\"spam\",\"version\":\"7\",\"tags\":[{\"key\":\"opsconsole.bad\",\"value\":\"run-1\"}]}}");
	assert_int_equal(step_mark_bad(&world, "spam", "7", "run-1", on_marked, &is_marked, &err), 0);
	world_until(&is_marked);
	assert_int_equal(step_bind_mark_bad(&world, "spam", "7", "run-1", &bound, &err), 0);
	assert_string_equal(bound_text(bound), "mlflow registry: tag opsconsole.bad of spam version 7 -> run-1");
	bound_unref(bound);
}

static void
test_registry_check(void **state)
{
	struct act act = alias_act();
	struct bindings b = world_bindings(&values, NULL);
	struct bound *bound;
	struct err err = ERR_INIT;

	(void)state;
	act.registry = (char *)"prom";
	bound = world_bind(&act, &b);
	assert_int_equal(bound_check(&world, bound, &err), ERR_UNSUPPORTED);
	bound_unref(bound);
	act.registry = (char *)"nowhere";
	bound = world_bind(&act, &b);
	assert_int_equal(bound_check(&world, bound, &err), ERR_NOTFOUND);
	bound_unref(bound);
}

/* --- http --------------------------------------------------------------------------------------- */

static struct template *body_templates[4];

static struct act
put_act(void)
{
	json_t *body = json_pack("{s:b, s:s}", "on", 0, "why", "${model} is ${to}");

	body_templates[0] = tpl("${model} is ${to}", PLACE_JSON);
	body_templates[1] = NULL;
	return (struct act){
		.kind = STEP_HTTP, .endpoint = (char *)"flags", .method = (char *)"PUT", .path = tpl("/api/flags/${model}", PLACE_URL), .body = body,
		.body_templates = body_templates, .status_min = 200, .status_max = 299, .timeout_ns = NS_PER_S,
	};
}

static void
test_put(void **state)
{
	struct act act = put_act();
	struct pair headers[] = { { (char *)"X-Token", tpl("t ${secret_token}", PLACE_HEADER) } };

	(void)state;
	act.headers = headers;
	act.n_headers = 1;
	assert_text(&act, "PUT http://flags/api/flags/spam [X-Token: t [secret secret_token]] {\"on\":false,\"why\":\"spam is 6\"}");
	world_reply("PUT /api/flags/spam", 200, "{\"on\":false}");
	run(&act, &do_it);
	assert_told(OUTCOME_OK, "200 {\"on\":false}");
	assert_string_equal(last_request.source, "flags");
	assert_string_equal(last_request.body, "{\"on\":false,\"why\":\"spam is 6\"}");
	assert_string_equal(last_request.headers, "X-Token: t s3cret-t0ken\n");
	json_decref(act.body);
}

static void
test_http_outcomes(void **state)
{
	static const struct { long status; bool is_sent; enum outcome outcome; bool is_not_begun; const char *text; } cases[] = {
		{ 204, true, OUTCOME_OK, false, "204" },
		{ 404, true, OUTCOME_FAILED, false, "HTTP 404" },
		{ 500, true, OUTCOME_FAILED, false, "HTTP 500" },
		{ 502, true, OUTCOME_UNKNOWN, false, "HTTP 502" },
		{ 504, true, OUTCOME_UNKNOWN, false, "HTTP 504" },
		{ 0, true, OUTCOME_UNKNOWN, false, "no answer came" },
		{ 0, false, OUTCOME_FAILED, true, "no answer came" },
	};
	struct act act = put_act();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (cases[i].status != 0)
			world_reply("PUT /api/flags/spam", cases[i].status, "");
		else
			world_no_reply("PUT /api/flags/spam", cases[i].is_sent);
		run(&act, &do_it);
		assert_told(cases[i].outcome, cases[i].text);
		assert_int_equal(told.is_not_begun, cases[i].is_not_begun);
	}
	json_decref(act.body);
}

static void
test_expected_value(void **state)
{
	struct act act = { .kind = STEP_HTTP, .endpoint = (char *)"flags", .path = tpl("/state", PLACE_URL), .expect_path = (char *)"a[0].version",
		.expect_value = tpl("${to}", PLACE_WORD), .status_min = 200, .status_max = 299 };

	(void)state;
	assert_text(&act, "GET http://flags/state");
	world_reply("GET /state", 200, "{\"a\":[{\"version\":6}]}");
	run(&act, &do_it);
	assert_int_equal(told.outcome, OUTCOME_OK);
	world_reply("GET /state", 200, "{\"a\":[{\"version\":7}]}");
	run(&act, &read_it);
	assert_told(OUTCOME_FAILED, "a[0].version is '7', not '6'");
	world_reply("GET /state", 200, "{\"a\":[]}");
	run(&act, &do_it);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	world_reply("GET /state", 200, "not json");
	run(&act, &do_it);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
}

static void
test_put_restore(void **state)
{
	struct act act = put_act();
	struct act_start planned = { .mode = ACT_DO, .previous = "{\"on\":true}" }, back = { .mode = ACT_RESTORE, .previous = "{\"on\":true}" };
	struct act_start settle = { .mode = ACT_SETTLE, .previous = "{\"on\":true}" };

	(void)state;
	world_reply("GET /api/flags/spam", 200, "{\"on\":true}");
	run(&act, &read_it);
	assert_string_equal(told.previous, "{\"on\":true}");
	world_reply("GET /api/flags/spam", 200, "{ \"on\" : true }");	/* the same, written otherwise */
	world_reply("PUT /api/flags/spam", 200, "");
	run(&act, &planned);
	assert_int_equal(told.outcome, OUTCOME_OK);
	world_reply("GET /api/flags/spam", 200, "{\"on\":\"half\"}");
	run(&act, &planned);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	assert_true(told.is_refused);
	/* The server adds members of its own. */
	world_reply("GET /api/flags/spam", 200, "{\"on\":false,\"why\":\"spam is 6\",\"at\":17}");
	world_reply("PUT /api/flags/spam", 200, "");
	run(&act, &back);
	assert_int_equal(told.outcome, OUTCOME_OK);
	assert_string_equal(last_request.body, "{\"on\":true}");
	world_reply("GET /api/flags/spam", 200, "{\"on\":false,\"why\":\"by hand\"}");
	run(&act, &back);
	assert_true(told.is_refused);
	world_reply("GET /api/flags/spam", 200, "{\"on\":false,\"why\":\"spam is 6\"}");
	run(&act, &settle);
	assert_int_equal(told.outcome, OUTCOME_OK);
	world_reply("GET /api/flags/spam", 200, "{\"on\":true}");
	run(&act, &settle);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	json_decref(act.body);
}

/* Of a POST nothing need be left to look at: that a GET tells the same is no proof, and an empty body stands in everything. */
static void
test_post_does_not_settle(void **state)
{
	struct act act = put_act();
	struct act_start settle = { .mode = ACT_SETTLE };

	(void)state;
	act.method = (char *)"POST";
	world_reply("GET /api/flags/spam", 200, "{\"on\":false,\"why\":\"spam is 6\"}");
	run(&act, &settle);
	assert_int_equal(told.outcome, OUTCOME_UNKNOWN);
	json_decref(act.body);
	act.method = (char *)"PUT";
	act.body = json_object();
	world_reply("GET /api/flags/spam", 200, "{\"on\":true}");
	run(&act, &settle);
	assert_int_equal(told.outcome, OUTCOME_UNKNOWN);
	json_decref(act.body);
}

static void
test_restore_is_for_put(void **state)
{
	struct act act = put_act();
	struct act_start back = { .mode = ACT_RESTORE, .previous = "x" };
	struct err err = ERR_INIT;
	char *large = xcalloc(STEP_VALUE_MAX + 2, 1);

	(void)state;
	act.method = (char *)"POST";
	assert_int_equal(refused(&act, &back, &err), ERR_UNSUPPORTED);
	memset(large, 'x', STEP_VALUE_MAX + 1);
	world_reply("GET /api/flags/spam", 200, large);
	run(&act, &read_it);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	assert_non_null(strstr(told.text, "64 KiB"));
	act.endpoint = (char *)"nowhere";
	assert_int_equal(refused(&act, &do_it, &err), ERR_NOTFOUND);
	assert_string_equal(err.msg, "there is no endpoint 'nowhere' in this environment");
	free(large);
	json_decref(act.body);
}

/* Whatever a value holds, the body is JSON with just that value in just that place. */
static void
test_json_holds_values_exactly(void **state)
{
	static const char *const hostile[] = {
		"", "\"", "\\", "\",\"admin\":true,\"x\":\"", "a\nb\tc", "\x01", "}]", "\xc3\xa9\xe2\x82\xac", "${to}", "</script>", "\\u0000", "'; drop",
	};
	struct act act = put_act();

	(void)state;
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		struct test_values v = { { "model", "to" }, { "m", hostile[i] } };
		struct bindings b = world_bindings(&v, NULL);
		struct bound *bound = world_bind(&act, &b);
		json_t *body = json_loads(bound->body.real, 0, NULL);
		char *expected = xasprintf("m is %s", hostile[i]);

		assert_int_equal(json_object_size(body), 2);
		assert_string_equal(json_string_value(json_object_get(body, "why")), expected);
		json_decref(body);
		free(expected);
		bound_unref(bound);
	}
	json_decref(act.body);
}

/* --- silence ------------------------------------------------------------------------------------ */

static struct pair matchers[2];
static bool regexes[] = { false, true };

static struct act
silence_act(void)
{
	matchers[0] = (struct pair){ (char *)"alertname", tpl("Spam${to}", PLACE_WORD) };
	matchers[1] = (struct pair){ (char *)"instance", tpl("web-.*", PLACE_WORD) };
	return (struct act){
		.kind = STEP_SILENCE, .matchers = matchers, .n_matchers = 2, .matcher_is_regex = regexes, .duration_ns = NS_PER_HOUR,
		.comment = tpl("rolling back to ${to}", PLACE_TEXT), .timeout_ns = NS_PER_S,
	};
}

static void
test_silence(void **state)
{
	struct act act = silence_act();
	struct act_start back = { .mode = ACT_RESTORE, .previous = "3b1c-9" };
	json_t *sent;

	(void)state;
	assert_text(&act, "am: silence alertname=\"Spam6\" instance=~\"web-.*\" for 1h00m: rolling back to 6");
	world_reply("POST /api/v2/silences", 200, "{\"silenceID\":\"3b1c-9\"}");
	run(&act, &do_it);
	assert_int_equal(told.outcome, OUTCOME_OK);
	assert_string_equal(told.previous, "3b1c-9");
	assert_memory_equal(told.text, "silence 3b1c-9 until ", 21);
	assert_string_equal(last_poll, "silences");
	sent = json_loads(last_request.body, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(sent, "createdBy")), "ops");
	assert_string_equal(json_string_value(json_object_get(sent, "comment")), "rolling back to 6");
	assert_int_equal(json_array_size(json_object_get(sent, "matchers")), 2);
	json_decref(sent);
	world_reply("DELETE /api/v2/silence/3b1c-9", 200, "");
	run(&act, &back);
	assert_told(OUTCOME_OK, "silence ended");
	world_reply("DELETE /api/v2/silence/3b1c-9", 404, "");
	run(&act, &back);
	assert_told(OUTCOME_OK, "the silence is gone already");
	world_reply("POST /api/v2/silences", 400, "\"bad\"");
	run(&act, &do_it);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
}

static void
test_silence_settles(void **state)
{
	struct act act = silence_act();
	struct act_start settle = { .mode = ACT_SETTLE };
	static const char ours[] = "[{\"id\":\"x1\",\"comment\":\"rolling back to 6\",\"createdBy\":\"ops\",\"status\":{\"state\":\"active\"},"
				   "\"startsAt\":\"2030-01-01T00:00:00Z\",\"matchers\":[{\"name\":\"alertname\",\"value\":\"Spam6\",\"isRegex\":false},"
				   "{\"name\":\"instance\",\"value\":\"web-.*\",\"isRegex\":true}]}]";

	(void)state;
	world_no_reply("POST /api/v2/silences", true);
	run(&act, &do_it);
	assert_int_equal(told.outcome, OUTCOME_UNKNOWN);
	world_reply("GET /api/v2/silences", 200, ours);
	run(&act, &settle);
	assert_int_equal(told.outcome, OUTCOME_OK);
	assert_string_equal(told.previous, "x1");
	world_reply("GET /api/v2/silences", 200, "[]");
	run(&act, &settle);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	/* What is sent has milliseconds. */
	settle.since_ns = INT64_C(1893456000) * NS_PER_S + NS_PER_MS / 2;
	world_reply("GET /api/v2/silences", 200, ours);
	run(&act, &settle);
	assert_int_equal(told.outcome, OUTCOME_OK);
	/* One from before we began is somebody's older one. */
	settle.since_ns = INT64_C(1893456001) * NS_PER_S;
	world_reply("GET /api/v2/silences", 200, ours);
	run(&act, &settle);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	world_reply("GET /api/v2/silences", 500, "x");
	run(&act, &settle);
	assert_int_equal(told.outcome, OUTCOME_UNKNOWN);
}

#define THESE(id, state) "{\"id\":\"" id "\",\"comment\":\"x\",\"createdBy\":\"who\",\"status\":{\"state\":\"" state "\"},\"matchers\":[" \
	"{\"name\":\"alertname\",\"value\":\"Spam6\",\"isRegex\":false,\"isEqual\":true},{\"name\":\"instance\",\"value\":\"web-.*\",\"isRegex\":true,\"isEqual\":true}]}"
#define OTHERS "{\"id\":\"o1\",\"status\":{\"state\":\"active\"},\"matchers\":[{\"name\":\"alertname\",\"value\":\"Spam6\",\"isRegex\":false}]}," \
	"{\"id\":\"o2\",\"status\":{\"state\":\"active\"},\"matchers\":[{\"name\":\"alertname\",\"value\":\"Spam6\",\"isRegex\":false,\"isEqual\":false}," \
	"{\"name\":\"instance\",\"value\":\"web-.*\",\"isRegex\":true,\"isEqual\":true}]}"

/* Those with exactly these matchers, whoever made them, and no other. */
static void
test_silences_are_ended(void **state)
{
	struct act act = silence_act();
	struct act_start settle = { .mode = ACT_SETTLE };

	(void)state;
	act.is_silence_end = true;
	act.duration_ns = 0;
	assert_text(&act, "am: end every silence alertname=\"Spam6\" instance=~\"web-.*\": rolling back to 6");
	world_reply("GET /api/v2/silences", 200, "[" OTHERS "," THESE("a", "active") "," THESE("b", "pending") "," THESE("c", "expired") "]");
	world_reply("DELETE /api/v2/silence/a", 200, "");
	world_reply("DELETE /api/v2/silence/b", 404, "");
	world_reply("GET /api/v2/silences", 200, "[" OTHERS "," THESE("a", "expired") "]");
	run(&act, &do_it);
	assert_told(OUTCOME_OK, "2 silences ended");
	assert_string_equal(last_poll, "silences");
	world_reply("GET /api/v2/silences", 200, "[" OTHERS "]");
	run(&act, &do_it);
	assert_told(OUTCOME_OK, "none active");
	/* What Alertmanager says is not believed before it is seen. */
	world_reply("GET /api/v2/silences", 200, "[" THESE("a", "active") "]");
	world_reply("DELETE /api/v2/silence/a", 200, "");
	world_reply("GET /api/v2/silences", 200, "[" THESE("a", "active") "]");
	run(&act, &do_it);
	assert_told(OUTCOME_FAILED, "silence a is still active");
	world_reply("GET /api/v2/silences", 500, "x");
	run(&act, &do_it);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	assert_true(told.is_not_begun);
	/* An answer that was lost: looked up. */
	world_reply("GET /api/v2/silences", 200, "[" THESE("a", "active") "]");
	world_no_reply("DELETE /api/v2/silence/a", true);
	run(&act, &do_it);
	assert_int_equal(told.outcome, OUTCOME_UNKNOWN);
	world_reply("GET /api/v2/silences", 200, "[" OTHERS "]");
	run(&act, &settle);
	assert_told(OUTCOME_OK, "none active");
	world_reply("GET /api/v2/silences", 200, "[" THESE("a", "active") "]");
	run(&act, &settle);
	assert_told(OUTCOME_FAILED, "silence a is still active");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_alias_is_moved), T(test_previous_tag_fails), T(test_other_alias_leaves_no_tag), T(test_somebody_else_moved_it), T(test_already_there),
		T(test_registry_says_no), T(test_lost_answer_is_read_back), T(test_written_but_not_read_back), T(test_restore), T(test_settle),
		T(test_cancel_before_the_write), T(test_mark_bad), T(test_registry_check), T(test_put), T(test_http_outcomes), T(test_expected_value),
		T(test_put_restore), T(test_restore_is_for_put), T(test_post_does_not_settle),
		T(test_json_holds_values_exactly), T(test_silence), T(test_silence_settles), T(test_silences_are_ended),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
