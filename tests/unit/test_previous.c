/* Which version is `previous`: the order of the evidence, and what is passed over. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "audit/reader.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "loop/pool.h"
#include "fakes/fake_world.h"
#include "tests/unit/models_world.h"

#define SERVED "max_over_time(timestamp(e)[7d:5m])"

/* --- the audit log: runs as a test writes them ------------------------------------------------------- */

struct past { const char *model, *to; bool is_verified; };
static const struct past *past;
static size_t n_past;
static int audit_code;

char *
audit_dir(const char *dir)
{
	return xstrdup(dir != NULL ? dir : "/nowhere");
}

int
audit_runs(const char *path, const char *env, const char *runbook, size_t n, struct audit_run **ret, size_t *ret_n, struct err *err)
{
	assert_string_equal(path, "/nowhere");
	assert_string_equal(env, "prod");
	assert_null(runbook);
	assert_true(n >= n_past);
	if (audit_code < 0)
		return err_set(err, audit_code, "the log cannot be read");
	*ret = xcalloc(n_past + 1, sizeof **ret);
	for (size_t i = 0; i < n_past; i++)
		(*ret)[i] = (struct audit_run){
			.is_verified = past[i].is_verified, .ended_ns = T(-86400),
			.start = json_pack("{s:{s:s, s:s}}", "params", "model", past[i].model, "to", past[i].to),
			.end = json_pack("{s:I, s:{s:s}}", "seq", (json_int_t)(4127 - (json_int_t)i), "actor", "host", "ops-1"),
		};
	*ret_n = n_past;
	return 0;
}

void
audit_runs_free(struct audit_run *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_decref(v[i].start);
		json_decref(v[i].end);
	}
	free(v);
}

/* --- asking ------------------------------------------------------------------------------------------ */

static struct { bool is_done; char version[64], from[256], current[64], why[512]; } answer;

static void
on_previous(const struct previous *p, const struct err *err, void *arg)
{
	(void)arg;
	answer.is_done = true;
	snprintf(answer.version, sizeof answer.version, "%s", p != NULL ? p->version : "");
	snprintf(answer.from, sizeof answer.from, "%s", p != NULL ? p->from : "");
	snprintf(answer.current, sizeof answer.current, "%s", p != NULL ? p->current : "");
	snprintf(answer.why, sizeof answer.why, "%s", err != NULL ? err->msg : "");
}

static void
ask(void)
{
	memset(&answer, 0, sizeof answer);
	previous_begin(&world, "spam", on_previous, NULL);
	assert_false(answer.is_done);
	world_until(&answer.is_done);
}

static void
assert_previous(const char *version, const char *from)
{
	ask();
	assert_string_equal(answer.why, "");
	assert_string_equal(answer.version, version);
	assert_string_equal(answer.from, from);
	assert_string_equal(answer.current, "8");
}

/* Versions 8 (champion), 7, 6 and 5; tags: of the model; seven: more of version 7; aliases: more of them. */
static void
registry(const char *tags, const char *aliases, const char *seven)
{
	feed_rest(live, 1);
	feed_ok(live, 1, "mlflow", "registry");
	feed(live, 1, "{'event':'registry','source':'mlflow','models':[{'name':'spam','tags':{%s},'aliases':[{'alias':'champion','version':'8'}%s],"
		      "'versions':[" V("8", "") ",{'version':'7','created':'2029-12-31T00:00:00Z'%s}," V("6", "") "," V("5", "") "]}]}",
	    tags, aliases, seven);
	model_advance(live, T(1));
}

static int
setup(void **state)
{
	world_setup(state);
	model_free(live);
	live = new_model();
	past = NULL;
	n_past = 0;
	audit_code = 0;
	return 0;
}

#define TAG(v) "'opsconsole.previous':'" v "'"
#define BAD ",'tags':{'opsconsole.bad':'run-1'}"
#define TARGET(v) ",{'alias':'rollback-target','version':'" v "'}"

static void
test_audit_first(void **state)
{
	static const struct past runs[] = { { "spam", "8", true }, { "spam", "5", false }, { "other", "5", true }, { "spam", "6", true }, { "spam", "5", true } };

	(void)state;
	past = runs;
	n_past = 5;
	registry("", "", "");
	assert_previous("6", "audit ops-1:4124, verified there 2029-12-31");
	registry(TAG("6"), "", "");
	assert_previous("6", "audit ops-1:4124, verified there 2029-12-31; registry tag agrees");
	registry(TAG("7"), "", "");
	assert_previous("6", "audit ops-1:4124, verified there 2029-12-31; registry tag says 7");
}

static void
test_then_the_tag(void **state)
{
	(void)state;
	registry(TAG("7"), TARGET("6"), "");
	assert_previous("7", "registry tag opsconsole.previous; alias rollback-target says 6");
	audit_code = ERR_IO;
	assert_previous("7", "registry tag opsconsole.previous; alias rollback-target says 6");
}

static void
test_then_the_alias(void **state)
{
	(void)state;
	registry("", TARGET("6"), "");
	assert_previous("6", "registry alias rollback-target");
	/* A tag that names what is current, what is bad, or what is not there, does not count. */
	registry(TAG("8"), TARGET("6"), "");
	assert_previous("6", "registry alias rollback-target");
	registry(TAG("7"), TARGET("6"), BAD);
	assert_previous("6", "registry alias rollback-target");
	registry(TAG("99"), TARGET("6"), "");
	assert_previous("6", "registry alias rollback-target");
}

static void
test_then_what_served(void **state)
{
	(void)state;
	registry("", "", "");
	world_series(SERVED,
	    "instance=s-1,version=8 1893456000\ninstance=s-1,version=7 1893450000\ninstance=s-2,version=7 1893450300\ninstance=s-1,version=6 1893400000", NULL);
	assert_previous("7", "served by 2 hosts until 2029-12-31T22:25:00Z");
	registry("", "", BAD);
	assert_previous("6", "served by 1 host until 2029-12-31T08:26:40Z");
}

static void
test_seen_from_here(void **state)
{
	(void)state;
	all_at(live, 1, "7", "s-1=7");
	all_at(live, 5, "8", "s-1=7");
	ask();
	assert_string_equal(answer.version, "7");
	assert_memory_equal(answer.from, "seen from here: it was replaced by 8 at 2030-01-01T00:00:05Z", 60);
}

static void
test_none(void **state)
{
	(void)state;
	registry(TAG("7"), "", BAD);
	world_series(SERVED, "instance=s-1,version=8 1893456000\ninstance=s-1,version=7 1893450000", NULL);
	ask();
	assert_string_equal(answer.version, "");
	assert_string_equal(answer.why, "no version of spam before 8 is known that is not marked bad: audit log: none; tag opsconsole.previous: 7, marked bad; "
					"alias rollback-target: none; who served it in the last 7d: no other. Name the version");
	world_series(SERVED, NULL, "p1 is down");
	ask();
	assert_non_null(strstr(answer.why, "p1 is down"));
}

static void
test_registry_not_seen(void **state)
{
	(void)state;
	ask();
	assert_string_equal(answer.why, "the registry does not tell of spam now");
	registry(TAG("7"), "", "");
	model_advance(live, T(1000));
	ask();
	assert_string_equal(answer.why, "the registry does not tell of spam now");
}

static void
test_unknown_model(void **state)
{
	struct previous_ask *p;

	(void)state;
	memset(&answer, 0, sizeof answer);
	previous_begin(&world, "nobody", on_previous, NULL);
	world_until(&answer.is_done);
	assert_non_null(strstr(answer.why, "model nobody is not in this environment's models:"));
	/* Taken back while it asks. */
	registry("", "", "");
	memset(&answer, 0, sizeof answer);
	world_series(SERVED, "instance=s-1,version=7 1893450000", NULL);
	p = previous_begin(&world, "spam", on_previous, NULL);
	previous_cancel(p);
	world_turns(3);
	assert_false(answer.is_done);
}

/* A worker reads the log; who has stopped asking is not told, and the model is that of when it has been read. */
static void
test_read_by_a_worker(void **state)
{
	static const struct past runs[] = { { "spam", "6", true } };
	struct pool *pool = pool_new(world.loop, 1);
	struct previous_ask *p;

	(void)state;
	past = runs;
	n_past = 1;
	world.lane = pool_lane_new(pool);
	registry("", "", "");
	assert_previous("6", "audit ops-1:4127, verified there 2029-12-31");
	memset(&answer, 0, sizeof answer);
	p = previous_begin(&world, "spam", on_previous, NULL);
	previous_cancel(p);
	memset(&answer, 0, sizeof answer);
	previous_begin(&world, "spam", on_previous, NULL);
	registry(TAG("6"), "", "");
	world_until(&answer.is_done);
	assert_string_equal(answer.from, "audit ops-1:4127, verified there 2029-12-31; registry tag agrees");
	p = previous_begin(&world, "spam", on_previous, NULL);
	memset(&answer, 0, sizeof answer);
	previous_cancel(p);
	pool_stop(pool);
	assert_false(answer.is_done);
	pool_lane_free(world.lane);
	world.lane = NULL;
	pool_free(pool);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_audit_first), TEST(test_then_the_tag), TEST(test_then_the_alias), TEST(test_then_what_served), TEST(test_seen_from_here),
		TEST(test_none), TEST(test_registry_not_seen), TEST(test_unknown_model), TEST(test_read_by_a_worker),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
