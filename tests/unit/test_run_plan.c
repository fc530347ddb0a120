/* Plans: where values come from, which hosts, what is refused before anything is done, and what the hash covers. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "model/event.h"
#include "runbook/lock.h"
#include "tests/unit/engine_world.h"

#define PARAMS "params:\n  model: { type: model, required: true }\n  to: { type: model-version, default: previous }\n"
#define ACTIVATE "  - name: activate\n    scope: host\n    ssh: { run: [activate, '${model}', '${to}'] }\n"
#define ACTIVATE_TOO "  - name: settle\n    scope: host\n    ssh: { run: [settle] }\n"
#define REGISTRY "  - name: registry\n    scope: run\n    registry: { alias: champion, model: '${model}', version: '${to}' }\n    undo: restore\n"
#define HOSTS "hosts: { group: serving }\n"
#define assert_text_has(text, part) do { if (strstr(text, part) == NULL) fail_msg("'%s' does not say '%s'", text, part); } while (0)

static const char *const given[] = { "model=spam", NULL };

static int
setup(void **state)
{
	struct engine *e = calloc(1, sizeof *e);

	engine_open(e, 4);
	fake_previous("6", "audit", "7");
	*state = e;
	return 0;
}

static int
teardown(void **state)
{
	clock_freeze(0);
	engine_close(*state);
	free(*state);
	return 0;
}

static void
dry(struct engine *e, const char *const *sets, enum run_state end, int exit)
{
	struct err err = ERR_INIT;

	if (engine_new(e, &(struct run_request){ .is_dry_run = true }, sets, &err) < 0)
		fail_msg("%s", err.msg);
	engine_until(e, end);
	if (run_exit(e->run) != exit)
		fail_msg("exit %d instead of %d: %s\n%s", run_exit(e->run), exit, run_info(e->run)->text, e->notices.data);
	assert_false(fake_journal_has("do "));
	assert_false(fake_journal_has("record "));
}

static void
test_dry_run(void **state)
{
	struct engine *e = *state;
	struct err err = ERR_INIT;

	engine_runbook(e, PARAMS HOSTS "preconditions:\n  - { promql: 'up', expect: '== 1' }\nsteps:\n" ACTIVATE REGISTRY);
	dry(e, given, RUN_PLANNED, 0);
	assert_int_equal(engine_cell(e, "web-02", "activate")->outcome, OUTCOME_WOULD_RUN);
	assert_string_equal(engine_cell(e, "web-02", "activate")->command, "web-02: activate spam 6");
	assert_text_has(engine_fact(e, "outcomes"), "5 would run");
	assert_int_equal(strlen(run_plan_hash(e->run)), 64);
	assert_int_equal(run_confirm(e->run, run_plan_hash(e->run), "", "--yes", &err), ERR_DENIED);
}

static void
test_refusals(void **state)
{
	struct engine *e = *state;

	engine_runbook(e, PARAMS HOSTS "preconditions:\n  - { promql: 'up', expect: '== 1' }\nsteps:\n" ACTIVATE REGISTRY);
	fake_rule((struct fake_rule){ .what = FAKE_JUDGE, .text = "up", .outcome = OUTCOME_FAILED, .say = "web-02: 0" });
	dry(e, given, RUN_REFUSED, 3);
	assert_text_has(run_info(e->run)->text, "web-02: 0");
	fake_reset();
	fake_loop(e->loop);
	dry(e, given, RUN_REFUSED, 3);
	assert_text_has(run_info(e->run)->text, "no previous version: looked in");
	/* What is given needs no looking. */
	dry(e, (const char *const[]){ "model=spam", "to=5", NULL }, RUN_PLANNED, 0);
	assert_string_equal(engine_cell(e, "web-01", "activate")->command, "web-01: activate spam 5");
	fake_rule((struct fake_rule){ .what = FAKE_READ, .text = "alias", .outcome = OUTCOME_FAILED, .say = "HTTP 503" });
	dry(e, (const char *const[]){ "model=spam", "to=5", NULL }, RUN_REFUSED, 3);
	assert_text_has(run_info(e->run)->text, "HTTP 503");
}

static void
test_unreachable(void **state)
{
	struct engine *e = *state;

	e->world.ssh = (struct ssh *)e;
	fake_route("web-03", "its key is not known");
	engine_runbook(e, PARAMS HOSTS "steps:\n" ACTIVATE);
	dry(e, given, RUN_REFUSED, 3);
	assert_text_has(run_info(e->run)->text, "web-03: unreachable: its key is not known");
	/* One may be missing: it counts, and the others are done. */
	engine_runbook(e, PARAMS HOSTS "rollout: { max_failures: 1 }\nsteps:\n" ACTIVATE);
	dry(e, given, RUN_PLANNED, 0);
	assert_text_has(engine_fact(e, "unreachable"), "web-03");
}

/* A route that looks well is not enough: each host that ssh is for is logged in to, once, and nothing is done there. */
static void
test_reached(void **state)
{
	struct engine *e = *state;

	e->world.ssh = (struct ssh *)e;
	engine_runbook(e, PARAMS HOSTS "steps:\n" ACTIVATE ACTIVATE_TOO);
	dry(e, given, RUN_PLANNED, 0);
	assert_int_equal(fake_journal_count("read web-03: true"), 1);
	fake_rule((struct fake_rule){ .what = FAKE_READ, .text = "web-03: true", .outcome = OUTCOME_FAILED, .say = "no key of yours is let in", .is_not_begun = true });
	dry(e, given, RUN_REFUSED, 3);
	assert_text_has(run_info(e->run)->text, "web-03: unreachable: no key of yours is let in");
	assert_int_equal(engine_cell(e, "web-03", "activate")->outcome, OUTCOME_FAILED);
	assert_string_equal(engine_cell(e, "web-03", "activate")->text, "no key of yours is let in");
	assert_int_equal(engine_cell(e, "web-02", "activate")->outcome, OUTCOME_WOULD_RUN);
	/* One may be missing, as when it runs. */
	engine_runbook(e, PARAMS HOSTS "rollout: { max_failures: 1 }\nsteps:\n" ACTIVATE);
	dry(e, given, RUN_PLANNED, 0);
	assert_text_has(engine_fact(e, "unreachable"), "web-03: no key");
}

/* Where a check logs in anyway nothing more is asked; a host that has no `true` is there all the same. */
static void
test_reached_by_check(void **state)
{
	struct engine *e = *state;

	e->world.ssh = (struct ssh *)e;
	engine_runbook(e, PARAMS HOSTS "steps:\n" ACTIVATE "    check: { run: [active], expect: '${to}' }\n" ACTIVATE_TOO);
	dry(e, given, RUN_PLANNED, 0);
	assert_false(fake_journal_has(": true"));
	fake_rule((struct fake_rule){ .what = FAKE_READ, .text = "web-03: true", .outcome = OUTCOME_FAILED, .say = "exit 127" });
	engine_runbook(e, PARAMS HOSTS "steps:\n" ACTIVATE);
	dry(e, given, RUN_PLANNED, 0);
	assert_true(fake_journal_has("read web-03: true"));
}

static void
tell(struct engine *e, const char *text)
{
	char time[CLOCK_TEXT_MAX];
	struct err err = ERR_INIT;
	struct event ev;
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	clock_tick();
	json_object_set_new(json, "time", json_string(clock_format(time, clock_now(), 9)));
	if (event_from_json(json, &ev, &err) < 0)
		fail_msg("%s", err.msg);
	json_decref(json);
	model_apply(e->model, &ev);
	event_done(&ev);
	model_advance(e->model, clock_now());
}

#define MODEL "{\"id\":\"model:spam\",\"name\":\"spam\",\"title\":\"\",\"registry\":\"mlflow\",\"alias\":\"champion\",\"serving_expr\":\"e\"," \
	"\"serving_source\":\"prom\",\"version_label\":\"version\",\"host_label\":\"instance\",\"serving_path\":\"\"}"
#define SOURCE "{\"name\":\"mlflow\",\"type\":\"mlflow\",\"interval_ns\":5000000000}"

/* more: of the model. */
static void
tell_registry(struct engine *e, const char *more)
{
	char *text = xasprintf("{\"event\":\"registry\",\"source\":\"mlflow\",\"models\":[{\"name\":\"spam\",\"versions\":["
	    "{\"version\":\"7\",\"created\":\"2029-12-31T00:00:00Z\"},{\"version\":\"6\",\"created\":\"2029-12-31T00:00:00Z\"}]%s}]}", more);

	tell(e, "{\"event\":\"source-report\",\"source\":\"mlflow\",\"what\":\"registry\",\"ok\":true,\"http_status\":200,\"latency_ns\":10000000}");
	tell(e, text);
	free(text);
}

static void
test_versions(void **state)
{
	struct engine *e = *state;

	engine_runbook(e, PARAMS HOSTS "steps:\n" ACTIVATE);
	tell(e, "{\"event\":\"environment\",\"name\":\"prod\",\"severity_label\":\"severity\",\"sources\":[" SOURCE "],\"models\":[" MODEL "]}");
	/* Nobody has told, or not all of it: it may be there. */
	dry(e, (const char *const[]){ "model=spam", "to=99", NULL }, RUN_PLANNED, 0);
	tell_registry(e, ",\"unread\":true");
	dry(e, (const char *const[]){ "model=spam", "to=99", NULL }, RUN_PLANNED, 0);
	tell_registry(e, "");
	dry(e, (const char *const[]){ "model=spam", "to=99", NULL }, RUN_REFUSED, 3);
	assert_text_has(run_info(e->run)->text, "spam has no version 99: the registry has 7, 6");
	dry(e, (const char *const[]){ "model=spam", "to=6", NULL }, RUN_PLANNED, 0);
}

/* What is known stands in its place, what is not known is not printed as if it were something. */
static void
test_refused_shows_what_is_known(void **state)
{
	struct engine *e = *state;
	const struct run_info *i;

	fake_reset();
	fake_loop(e->loop);
	engine_runbook(e, PARAMS HOSTS "steps:\n" ACTIVATE "verify:\n  - { promql: 'served{model=\"${model}\",version=\"${to}\"}', expect: '== 1' }\n");
	dry(e, given, RUN_REFUSED, 3);
	i = run_info(e->run);
	assert_int_equal(i->n_values, 1);
	assert_string_equal(i->values[0].value, "spam");
	for (size_t k = 0; k < i->n_facts; k++)
		if (strstr(i->facts[k].text, "${model}") != NULL || strstr(i->facts[k].text, "(null)") != NULL)
			fail_msg("%s: %s", i->facts[k].name, i->facts[k].text);
	assert_text_has(engine_fact(e, "verified"), "model=\"spam\",version=\"?\"");
}

static void
test_dry_run_says_that_no_log_was_looked_at(void **state)
{
	struct engine *e = *state;

	engine_runbook(e, PARAMS HOSTS "steps:\n" ACTIVATE);
	e->world.audit = NULL;
	dry(e, given, RUN_PLANNED, 0);
	assert_string_equal(engine_fact(e, "audit"), "not looked at in a dry run");
}

/* A folder of locks that cannot be had is no lock that somebody holds. */
static void
test_no_lock_folder(void **state)
{
	struct engine *e = *state;

	engine_runbook(e, PARAMS HOSTS "steps:\n" ACTIVATE);
	e->conf->lock_dir = xstrdup("/dev/null/locks");
	assert_int_equal(engine_run(e, false), 3);
	assert_text_has(run_info(e->run)->text, "/dev/null/locks cannot be written");
	assert_text_has(engine_fact(e, "lock"), "/dev/null/locks cannot be written");
	assert_false(fake_journal_has("do "));
}

/* A value that nobody knows yet is not made up. */
static void
test_unverifiable(void **state)
{
	struct engine *e = *state;

	engine_runbook(e, PARAMS HOSTS "steps:\n  - name: put\n    scope: host\n    ssh: { run: [activate, '${host.serving}'] }\n");
	dry(e, given, RUN_PLANNED, 5);
	assert_int_equal(engine_cell(e, "web-01", "put")->outcome, OUTCOME_UNVERIFIABLE);
	engine_runbook(e, PARAMS HOSTS "steps:\n" ACTIVATE "    undo: { ssh: { run: [activate, '${host.serving}'] } }\n");
	dry(e, given, RUN_PLANNED, 0);
	assert_text_has(engine_fact(e, "steps"), "its undo is not known");
}

/* What a person confirms has the values in its place, says each thing once, and no zeros. */
static void
test_facts(void **state)
{
	struct engine *e = *state;

	engine_runbook(e, PARAMS HOSTS "rollout: { batch: [1, 100%] }\nsteps:\n" ACTIVATE "    undo: { ssh: { run: [activate, '${model}', '7'] } }\n" REGISTRY
	    "verify:\n  - { promql: 'served{model=\"${model}\"}', expect: '== 1', within: 1m }\n");
	dry(e, given, RUN_PLANNED, 0);
	assert_string_equal(engine_fact(e, "to"), "7 -> 6: audit");
	assert_string_equal(engine_fact(e, "hosts"), "2 batches: web-01 | web-[02-04]; any failure stops it");
	assert_text_has(engine_fact(e, "steps"), "activate on each host: ");
	assert_text_has(engine_fact(e, "verified"), "model=\"spam\"");
	assert_null(strstr(engine_fact(e, "verified"), "${"));
	assert_string_equal(engine_fact(e, "outcomes"), "5 would run");
	assert_string_equal(engine_fact(e, "stops"), "");
}

struct bad { const char *sets[4], *limit; int code; const char *text; };

static void
test_usage(void **state)
{
	static const struct bad rows[] = {
		{ { NULL }, NULL, ERR_USAGE, "needs who (string), count (int)" },
		{ { "whom=x", NULL }, NULL, ERR_USAGE, "has no parameter 'whom': did you mean 'who'?" },
		{ { "who=x", "count=many", NULL }, NULL, ERR_INVALID, "count" },
		{ { "who=x", "count=2", "of=sapm" }, NULL, ERR_USAGE, "parameter of: 'sapm' is no model of environment prod: it has spam" },
		{ { "who=x", "count=2", NULL }, "db-[1-3]", ERR_INVALID, "no host is left by --limit db-[1-3]: the runbook's are web-[01-04]" },
		{ { "who=x", "count=2", NULL }, "web-[", ERR_SYNTAX, "--limit" },
	};
	struct engine *e = *state;

	engine_runbook(e, "params:\n  who: { type: string, required: true }\n  count: { type: int, required: true }\n  of: { type: model }\n" HOSTS
	    "steps:\n  - { name: a, scope: host, ssh: { run: [a, '${who}', '${count}'] } }\n");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = ERR_INIT;
		int code = engine_new(e, &(struct run_request){ .limit = rows[i].limit }, rows[i].sets, &err);

		if (code != rows[i].code)
			fail_msg("row %zu: %d %s", i, code, err.msg);
		assert_text_has(err.msg, rows[i].text);
		assert_null(e->run);
	}
}

static void
test_limit(void **state)
{
	struct engine *e = *state;
	struct err err = ERR_INIT;
	static const struct { const char *limit; size_t n; const char *hosts; } rows[] = {
		{ "web-[02-03]", 2, "web-[02-03]" }, { "!web-01", 3, "web-[02-04]" }, { "web-[01-09],!web-02", 3, "web-[01,03-04]" },
	};

	engine_runbook(e, PARAMS HOSTS "rollout: { batch: [1, 25%, 100%] }\nsteps:\n" ACTIVATE);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(engine_new(e, &(struct run_request){ .is_dry_run = true, .limit = rows[i].limit }, given, &err), 0);
		assert_int_equal(run_info(e->run)->n_rows, rows[i].n + 1);
		assert_int_equal(run_info(e->run)->n_batches, 2);
	}
}

static void
hash_of(struct engine *e, const char *text, const char *const *sets, const char *limit, char *hash)
{
	struct err err = ERR_INIT;

	engine_runbook(e, text);
	if (engine_new(e, &(struct run_request){ .is_dry_run = true, .limit = limit }, sets, &err) < 0)
		fail_msg("%s", err.msg);
	engine_until(e, RUN_PLANNED);
	snprintf(hash, 65, "%s", run_plan_hash(e->run));
}

static void
test_hash(void **state)
{
#define BASE PARAMS HOSTS "steps:\n  - name: a\n    scope: host\n    ssh: { run: [a, '${to}', '${run}'] }\n    check: { run: [b], expect: x }\n"
	struct engine *e = *state;
	static const char *const five[] = { "model=spam", "to=5", NULL };
	char base[65], other[65];

	hash_of(e, BASE, given, NULL, base);
	hash_of(e, BASE, given, NULL, other);
	assert_string_equal(base, other);	/* another run's id does not count */
	fake_rule((struct fake_rule){ .what = FAKE_READ, .text = "web-01", .outcome = OUTCOME_OK, .previous = "x" });
	hash_of(e, BASE, given, NULL, other);
	assert_string_equal(base, other);	/* nor what was observed */
	hash_of(e, BASE, five, NULL, other);
	assert_string_not_equal(base, other);
	hash_of(e, BASE, given, "!web-01", other);
	assert_string_not_equal(base, other);
	hash_of(e, BASE "    on_failure: continue\n", given, NULL, other);
	assert_string_not_equal(base, other);
	hash_of(e, BASE "verify:\n  - { promql: 'up', expect: '== 1' }\n", given, NULL, other);
	assert_string_not_equal(base, other);
}

/* A plan that is old is made again, and run only when it is the same. */
static void
test_old_plan(void **state)
{
	struct engine *e = *state;
	struct err err = ERR_INIT;
	int64_t now;

	engine_runbook(e, PARAMS HOSTS "steps:\n" ACTIVATE REGISTRY);
	assert_int_equal(engine_new(e, &(struct run_request){ 0 }, given, &err), 0);
	engine_until(e, RUN_PLANNED);
	now = clock_now();
	clock_freeze(now + 11 * NS_PER_MIN);
	assert_int_equal(run_confirm(e->run, run_plan_hash(e->run), "", "yes", &err), 0);
	assert_int_equal(run_state(e->run), RUN_PLANNING);
	engine_until(e, RUN_ENDED);
	clock_freeze(0);
	assert_int_equal(run_exit(e->run), 0);
	assert_int_equal(engine_new(e, &(struct run_request){ 0 }, given, &err), 0);
	engine_until(e, RUN_PLANNED);
	fake_rule((struct fake_rule){ .what = FAKE_READ, .text = "alias", .outcome = OUTCOME_OK, .previous = "8" });
	clock_freeze(clock_now() + 11 * NS_PER_MIN);
	assert_int_equal(run_confirm(e->run, run_plan_hash(e->run), "", "yes", &err), 0);
	engine_until(e, RUN_ENDED);
	clock_freeze(0);
	assert_int_equal(run_exit(e->run), 3);
	assert_text_has(run_info(e->run)->text, "the value before was 7, is 8");
}

static void
test_confirm(void **state)
{
	struct engine *e = *state;
	struct err err = ERR_INIT;

	engine_runbook(e, "danger: high\nconfirm: '${env}/${model}'\n" PARAMS HOSTS "steps:\n" ACTIVATE);
	assert_int_equal(engine_new(e, &(struct run_request){ 0 }, given, &err), 0);
	engine_until(e, RUN_PLANNED);
	assert_string_equal(run_info(e->run)->target, "prod/spam");
	assert_int_equal(run_confirm(e->run, "0000", "prod/spam", "typed", &err), ERR_INVALID);
	assert_int_equal(run_confirm(e->run, run_plan_hash(e->run), "PROD/spam", "typed", &err), ERR_INVALID);
	assert_int_equal(run_confirm(e->run, run_plan_hash(e->run), NULL, "--yes", &err), ERR_INVALID);
	assert_false(fake_journal_has("record"));
	run_decline(e->run);
	assert_int_equal(run_exit(e->run), 7);
}

/* Two at once: the second is told who holds the host, and does nothing. */
static void
test_locked(void **state)
{
	struct engine *e = *state;
	struct locks *locks;
	struct err err = ERR_INIT;
	char dir[96];

	snprintf(dir, sizeof dir, "%s/locks", e->dir);
	assert_int_equal(locks_take(dir, "prod", (const char *const[]){ "web-02" }, 1, "other", "bob", &locks, &err), 0);
	engine_runbook(e, PARAMS HOSTS "steps:\n" ACTIVATE);
	assert_int_equal(engine_run(e, false), 6);
	assert_text_has(run_info(e->run)->text, "web-02 is locked by bob");
	assert_text_has(engine_fact(e, "lock"), "web-02 is locked by bob");
	assert_false(fake_journal_has("record"));
	locks_free(locks);
}

static void
test_ids(void **state)
{
	char a[RUN_ID_MAX], b[RUN_ID_MAX];

	(void)state;
	run_id_make(a, INT64_C(1893464971) * NS_PER_S, "web.example.org");
	assert_string_equal(a, "20300101-022931-web");
	run_id_make(b, INT64_C(1893464971) * NS_PER_S, "web.example.org");
	assert_string_not_equal(a, b);
	assert_true(run_id_is_valid(a) && run_id_is_valid(b));
	assert_false(run_id_is_valid(""));
	assert_false(run_id_is_valid("a/b"));
	assert_false(run_id_is_valid("a b"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_dry_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreachable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reached, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reached_by_check, setup, teardown),
		cmocka_unit_test_setup_teardown(test_versions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_shows_what_is_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dry_run_says_that_no_log_was_looked_at, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_lock_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unverifiable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_facts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_usage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hash, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_plan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_confirm, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locked, setup, teardown),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
