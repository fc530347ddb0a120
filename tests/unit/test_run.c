/* Runs, from the plan to their end: what is begun in which order, what is recorded, and the exit status. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/engine_world.h"

#define PARAMS "params:\n  model: { type: model, required: true }\n  to: { type: model-version, default: previous }\n"
#define ACTIVATE "  - name: activate\n    scope: host\n    ssh: { run: [activate, '${model}', '${to}'], timeout: 5s }\n"
#define CHECK "    check: { run: [active, '${model}'], expect: '${to}' }\n"
#define UNDO "    undo: { ssh: { run: [activate, '${model}', old] } }\n"
#define REGISTRY "  - name: registry\n    scope: run\n    registry: { alias: champion, model: '${model}', version: '${to}' }\n    undo: restore\n"
#define VERIFY "verify:\n  - { promql: 'up{job=\"verify\"}', expect: '== 1' }\n"
#define HEALTH ", health: { promql: 'up{job=\"health\"}', expect: '== 1' }"
#define HOSTS(rollout) "hosts: { group: serving }\nrollout: { " rollout " }\n"

static int
setup(void **state)
{
	struct engine *e = calloc(1, sizeof *e);

	engine_open(e, 4);
	fake_previous("6", "audit 01-serving:4127", "7");
	*state = e;
	return 0;
}

static int
teardown(void **state)
{
	engine_close(*state);
	free(*state);
	return 0;
}

static void
assert_exit(struct engine *e, int expected)
{
	if (run_exit(e->run) != expected)
		fail_msg("exit %d instead of %d: %s\n%s\n%s", run_exit(e->run), expected, run_info(e->run)->text, fake_journal(), e->notices.data);
	assert_true(fake_audit_all_intended());
}

#define assert_journal_order(a, b) do { if (!fake_journal_order(a, b)) fail_msg("'%s' is not before '%s':\n%s", a, b, fake_journal()); } while (0)
#define assert_journal_has(a) do { if (!fake_journal_has(a)) fail_msg("no '%s':\n%s", a, fake_journal()); } while (0)
#define assert_journal_not(a) do { if (fake_journal_has(a)) fail_msg("'%s' stands there:\n%s", a, fake_journal()); } while (0)
#define assert_text_has(text, part) do { if (strstr(text, part) == NULL) fail_msg("'%s' does not say '%s'", text, part); } while (0)

static const json_t *
last_record(enum audit_type type)
{
	for (size_t i = fake_audit_n(); i-- > 0;) {
		enum audit_type t;
		const json_t *body = fake_audit_body(i, &t);

		if (t == type)
			return body;
	}
	fail_msg("no such record");
	return NULL;
}

/* Hosts first, batch by batch, the alias last; each act behind its intent, its result behind it. */
static void
test_in_order(void **state)
{
	struct engine *e = *state;

	engine_runbook(e, PARAMS HOSTS("batch: [1, 50%, 100%]" HEALTH) "preconditions:\n  - { promql: 'up{job=\"pre\"}', expect: '== 1' }\nsteps:\n" ACTIVATE REGISTRY VERIFY);
	engine_run(e, false);
	assert_exit(e, 0);
	assert_journal_order("record run-start", "record intent activate on web-01");
	assert_journal_order("record intent activate on web-01", "do web-01: activate spam 6");
	assert_journal_order("do web-01: activate spam 6", "record result activate on web-01 OK");
	assert_journal_order("record result activate on web-01 OK", "do web-02");
	assert_journal_order("ended web-02", "do web-03");
	assert_journal_order("ended web-04", "do run: alias champion 6");
	assert_journal_order("do run: alias champion 6", "judge up{job=\"verify\"}");
	assert_journal_order("judge up{job=\"verify\"}", "record run-end done");
	assert_int_equal(fake_journal_count("judge up{job=\"health\"}"), 3);
	/* When the plan is made, at the start, and before each further batch. */
	assert_int_equal(fake_journal_count("judge up{job=\"pre\"}"), 4);
	assert_int_equal(run_info(e->run)->n_batches, 3);
	assert_int_equal(engine_cell(e, "web-03", "activate")->outcome, OUTCOME_OK);
	assert_string_equal(engine_cell(e, "web-03", "activate")->command, "web-03: activate spam 6");
	assert_true(engine_cell(e, "web-03", "activate")->intent > 0);
	assert_string_equal(run_info(e->run)->text, "done and verified; 4 of 4 hosts done");
	assert_true(json_is_true(json_object_get(last_record(AUDIT_RUN_END), "verified")));
	assert_text_has(engine_fact(e, "to"), "7 -> 6: audit 01-serving:4127");
	assert_text_has(engine_fact(e, "hosts"), "web-01 | web-02 | web-[03-04]");
}

/* --- the table of exit statuses ---------------------------------------------------------------------------------------------- */

struct scenario {
	const char *name, *runbook;
	struct fake_rule rules[3];
	int exit;
	const char *text;		/* part of the run's sentence */
	const char *has[3], *has_not[2];	/* of the journal */
};

#define ALL HOSTS("batch: [100%]")
#define ONE_BY_ONE HOSTS("batch: [1, 100%]")
static const struct scenario scenarios[] = {
	{ "a host fails: the next batch is not begun", PARAMS ONE_BY_ONE "steps:\n" ACTIVATE,
	    { { .what = FAKE_DO, .text = "web-01", .outcome = OUTCOME_FAILED, .say = "exit 1" } }, 1, "web-01: activate: exit 1",
	    { "record result activate on web-01 FAILED", "record run-end failed" }, { "do web-02" } },
	{ "nothing was begun on the first host", PARAMS ONE_BY_ONE "steps:\n" ACTIVATE,
	    { { .what = FAKE_DO, .text = "web-01", .outcome = OUTCOME_FAILED, .say = "no route", .is_not_begun = true } }, 3, "unreachable: no route", { NULL }, { "do web-02" } },
	{ "tolerated failures let it go on, but it is not done", PARAMS HOSTS("batch: [1, 100%], max_failures: 1") "steps:\n" ACTIVATE,
	    { { .what = FAKE_DO, .text = "web-01", .outcome = OUTCOME_FAILED } }, 1, "3 of 4 hosts done", { "do web-04" }, { NULL } },
	{ "retried with backoff until it works", PARAMS ALL "steps:\n" ACTIVATE "    retries: 2\n    backoff: 100ms\n",
	    { { .what = FAKE_DO, .text = "web-02", .last = 2, .outcome = OUTCOME_FAILED } }, 0, "done; the runbook verifies nothing", { "record result activate on web-02 FAILED" }, { NULL } },
	{ "what the world refused is not tried again", PARAMS "steps:\n" REGISTRY,
	    { { .what = FAKE_DO, .text = "alias", .outcome = OUTCOME_FAILED, .is_refused = true, .say = "it is 8 by now" } }, 3, "it is 8 by now", { NULL }, { "record result registry on  OK" } },
	{ "unknown, settled by the state file", PARAMS ALL "steps:\n" ACTIVATE,
	    { { .what = FAKE_DO, .text = "web-02", .outcome = OUTCOME_UNKNOWN }, { .what = FAKE_SETTLE, .outcome = OUTCOME_OK } }, 0, "done", { "settle web-02" }, { NULL } },
	{ "unknown, told by the check", PARAMS ALL "steps:\n" ACTIVATE CHECK,
	    { { .what = FAKE_DO, .text = "web-02", .outcome = OUTCOME_UNKNOWN }, { .what = FAKE_SETTLE, .outcome = OUTCOME_FAILED },
	      { .what = FAKE_READ, .text = "web-02", .first = 3, .previous = "6" } }, 1, "broken", { "settle web-02" }, { "record result activate on web-02 OK" } },
	{ "already done is skipped", PARAMS ALL "steps:\n" ACTIVATE CHECK,
	    { { .what = FAKE_READ, .text = "web-03", .outcome = OUTCOME_OK, .previous = "6\n" } }, 0, "done", { "do web-01" }, { "do web-03" } },
	{ "every step done, not verified", PARAMS ALL "steps:\n" ACTIVATE UNDO "    on_failure: undo\n" VERIFY,
	    { { .what = FAKE_JUDGE, .text = "verify", .outcome = OUTCOME_UNKNOWN, .say = "no data since 02:20" } }, 9, "no data since 02:20", { "record run-end not verified" }, { "old" } },
	{ "failed and undone", PARAMS ONE_BY_ONE "steps:\n" ACTIVATE UNDO "    on_failure: undo\n",
	    { { .what = FAKE_DO, .text = "web-03: activate spam 6", .outcome = OUTCOME_FAILED } }, 4, "failed and undone",
	    { "do web-01: activate spam old", "do web-03: activate spam old", "record result activate on web-01 UNDONE" }, { NULL } },
	{ "undo that fails is incomplete", PARAMS ONE_BY_ONE "steps:\n" ACTIVATE UNDO "    on_failure: undo\n",
	    { { .what = FAKE_DO, .text = "web-03: activate spam 6", .outcome = OUTCOME_FAILED }, { .what = FAKE_DO, .text = "web-01: activate spam old", .outcome = OUTCOME_FAILED } },
	    1, "undo incomplete: 1 of 4", { "do web-02: activate spam old" }, { NULL } },
	{ "undo leaves alone what somebody changed since", PARAMS ONE_BY_ONE "steps:\n" ACTIVATE CHECK UNDO "    on_failure: undo\n",
	    { { .what = FAKE_DO, .text = "web-03: activate spam 6", .outcome = OUTCOME_FAILED }, { .what = FAKE_READ, .text = "web-01", .first = 3, .previous = "9" } },
	    1, "undo incomplete", { "read web-01" }, { "do web-01: activate spam old" } },
	{ "a step whose failure does not matter", PARAMS ALL "steps:\n" ACTIVATE "    on_failure: continue\n" REGISTRY,
	    { { .what = FAKE_DO, .text = "web-02", .outcome = OUTCOME_FAILED } }, 0, "done", { "do run: alias" }, { NULL } },
	{ "ill after the first batch", PARAMS HOSTS("batch: [1, 100%]" HEALTH) "steps:\n" ACTIVATE,
	    { { .what = FAKE_JUDGE, .text = "health", .outcome = OUTCOME_FAILED, .say = "web-01: 0", .failed_host = "web-01" } }, 1, "health not seen", { "do web-01" }, { "do web-02" } },
	{ "a precondition that has ceased to hold before the second batch", PARAMS ONE_BY_ONE "preconditions:\n  - { promql: 'up{job=\"pre\"}', expect: '== 1' }\nsteps:\n" ACTIVATE,
	    { { .what = FAKE_JUDGE, .text = "pre", .first = 3, .outcome = OUTCOME_FAILED } }, 1, "precondition", { "do web-01" }, { "do web-02" } },
	{ "a precondition that does not hold at the start", PARAMS ALL "preconditions:\n  - { promql: 'up{job=\"pre\"}', expect: '== 1' }\nsteps:\n" ACTIVATE,
	    { { .what = FAKE_JUDGE, .text = "pre", .first = 2, .outcome = OUTCOME_FAILED } }, 3, "nothing was done", { "record run-end refused" }, { "do web" } },
	{ "tried twice, and both times nothing was begun", PARAMS ONE_BY_ONE "steps:\n" ACTIVATE "    retries: 1\n    backoff: 100ms\n",
	    { { .what = FAKE_DO, .text = "web-01", .outcome = OUTCOME_FAILED, .say = "no route", .is_not_begun = true } }, 3, "unreachable: no route", { NULL }, { "do web-02" } },
	{ "nothing was begun, so that there is nothing to undo", PARAMS ONE_BY_ONE "steps:\n" ACTIVATE UNDO "    on_failure: undo\n",
	    { { .what = FAKE_DO, .text = "web-01", .outcome = OUTCOME_FAILED, .say = "no route", .is_not_begun = true } }, 3, "nothing was done", { NULL }, { "old" } },
	{ "a step that must be confirmed, and nobody is there", PARAMS ALL "steps:\n  - name: sure\n    scope: run\n    first: true\n    confirm: 'are you sure?'\n" ACTIVATE,
	    { { 0 } }, 3, "nobody is here", { NULL }, { "do web" } },
};

static void
test_scenario(void **state)
{
	const struct scenario *s = *state;
	struct engine e;

	engine_open(&e, 4);
	fake_previous("6", "audit", "7");
	for (size_t i = 0; i < 3; i++)
		if (s->rules[i].text != NULL || s->rules[i].outcome != OUTCOME_NONE)
			fake_rule(s->rules[i].outcome != OUTCOME_NONE ? s->rules[i] :
			    (struct fake_rule){ .what = s->rules[i].what, .text = s->rules[i].text, .first = s->rules[i].first, .outcome = OUTCOME_OK, .previous = s->rules[i].previous });
	engine_runbook(&e, s->runbook);
	engine_run(&e, false);
	assert_exit(&e, s->exit);
	assert_text_has(run_info(e.run)->text, s->text);
	for (size_t i = 0; i < 3 && s->has[i] != NULL; i++)
		assert_journal_has(s->has[i]);
	for (size_t i = 0; i < 2 && s->has_not[i] != NULL; i++)
		assert_journal_not(s->has_not[i]);
	engine_close(&e);
}

/* --- people ------------------------------------------------------------------------------------------------------------------------ */

static void
begin(struct engine *e, bool is_interactive)
{
	struct err err = ERR_INIT;

	if (engine_new(e, &(struct run_request){ .is_interactive = is_interactive }, (const char *const[]){ "model=spam", NULL }, &err) < 0)
		fail_msg("%s", err.msg);
	engine_confirm(e);
}

static void
until_journal(struct engine *e, const char *part)
{
	for (unsigned i = 0; i < 4000 && !fake_journal_has(part); i++)
		loop_once(e->loop, NS_PER_MS);
	assert_journal_has(part);
}

#define MARK "  - name: mark\n    scope: host\n    ssh: { run: [mark] }\n    undo: { run: [unmark] }\n"
#define LOOK "  - name: look\n    scope: host\n    ssh: { run: [look] }\n    undo: nothing\n"
#define SETTLE "  - name: settle\n    scope: host\n    ssh: { run: [settle] }\n    undo: nothing\n"

static const char *
state_of(struct engine *e, const char *host)
{
	const struct run_info *i = run_info(e->run);

	for (size_t k = 0; k < i->n_rows; k++)
		if (strcmp(i->rows[k].host, host) == 0)
			return i->rows[k].state;
	fail_msg("no %s", host);
	return NULL;
}

/* All that fail are counted, whoever was first; undo leaves out what changes nothing, and the reason stays. */
static void
test_says_what_stands(void **state)
{
	struct engine *e = *state;
	struct err err = ERR_INIT;
	const json_t *undone;

	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-02: settle", .outcome = OUTCOME_FAILED, .say = "exit 1" });
	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-03: settle", .outcome = OUTCOME_FAILED, .say = "exit 2", .delay_ns = 20 * NS_PER_MS });
	engine_runbook(e, PARAMS ALL "steps:\n" MARK LOOK SETTLE);
	begin(e, true);
	engine_until(e, RUN_ENDED);
	assert_exit(e, 1);
	assert_text_has(run_info(e->run)->text, "2 of 4 hosts failed, more than 0: web-02: settle: exit 1");
	assert_string_equal(state_of(e, "web-02"), "mark done; settle failed: exit 1");
	assert_int_equal(run_undo(e->run, &err), 0);
	engine_until(e, RUN_ENDED);
	assert_exit(e, 4);
	assert_text_has(run_info(e->run)->text, "2 of 4 hosts failed, more than 0: web-02: settle: exit 1");
	assert_string_equal(state_of(e, "web-02"), "mark undone; settle failed: exit 1");
	assert_string_equal(state_of(e, "web-01"), "mark undone");
	assert_non_null(strstr(e->notices.data, "step web-01 look: SKIPPED undo: changes nothing"));
	assert_journal_not("restore");
	/* Its own time, not since the act that it takes back. */
	undone = last_record(AUDIT_RESULT);
	assert_true(json_is_true(json_object_get(undone, "undo")));
	assert_true(json_integer_value(json_object_get(undone, "elapsed_ms")) < 20);
}

static void
test_stop_waits_then_cancels(void **state)
{
	struct engine *e = *state;

	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-01", .is_never = true });
	engine_runbook(e, PARAMS ONE_BY_ONE "steps:\n" ACTIVATE);
	begin(e, false);
	until_journal(e, "do web-01");
	run_stop(e->run, "Ctrl-C");
	engine_turns(e, 5);
	assert_int_equal(run_state(e->run), RUN_STOPPING);
	assert_journal_not("cancel web-01");
	run_stop(e->run, "Ctrl-C");
	assert_journal_has("cancel web-01");
	engine_until(e, RUN_ENDED);
	assert_exit(e, 1);
	assert_journal_has("record result activate on web-01 CANCELLED");
	assert_journal_not("do web-02");
	assert_string_equal(run_info(e->run)->rows[1].state, "unchanged");
}

/* In whatever it is stopped: what has not begun does not begin, and the exit status says what was done. */
static void
test_stop_anywhere(void **state)
{
	static const struct {
		const char *until;
		struct fake_rule rule;
		int exit;
		const char *text, *not;
	} rows[] = {
		{ "judge up{job=\"pre\"}", { .what = FAKE_JUDGE, .text = "pre", .first = 2, .is_never = true }, 3, "nothing was done: stopped: Ctrl-C", "do web-01" },
		{ "judge up{job=\"health\"}", { .what = FAKE_JUDGE, .text = "health", .is_never = true }, 1, "stopped: Ctrl-C; 1 of 4 hosts done", "do web-02" },
		{ "record check on  OK", { .what = FAKE_SETTLE }, 1, "stopped: Ctrl-C; 1 of 4 hosts done", "do web-02" },	/* its pause */
		{ "do run: alias", { .what = FAKE_DO, .text = "alias", .outcome = OUTCOME_OK, .delay_ns = 20 * NS_PER_MS }, 1, "stopped: Ctrl-C; 4 of 4", "verify" },
		{ "judge up{job=\"verify\"}", { .what = FAKE_JUDGE, .text = "verify", .is_never = true }, 9, "every step done, not verified: stopped: Ctrl-C", "cancel" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool is_pause = rows[i].rule.what == FAKE_SETTLE, is_pre = i == 0;
		struct engine e;

		engine_open(&e, 4);
		fake_previous("6", "audit", "7");
		fake_rule(rows[i].rule);
		engine_runbook(&e, is_pre ? PARAMS HOSTS("batch: [1, 100%]") "preconditions:\n  - { promql: 'up{job=\"pre\"}', expect: '== 1' }\nsteps:\n" ACTIVATE :
		    is_pause ? PARAMS HOSTS("batch: [1, 100%], pause: 10s" HEALTH) "steps:\n" ACTIVATE REGISTRY VERIFY :
		    PARAMS HOSTS("batch: [1, 100%]" HEALTH) "steps:\n" ACTIVATE REGISTRY VERIFY);
		begin(&e, false);
		until_journal(&e, rows[i].until);
		for (unsigned n = 0; is_pre && fake_journal_count(rows[i].until) < 2 && n < 1000; n++)
			loop_once(e.loop, NS_PER_MS);
		run_stop(e.run, "Ctrl-C");
		engine_until(&e, RUN_ENDED);
		assert_exit(&e, rows[i].exit);
		assert_text_has(run_info(e.run)->text, rows[i].text);
		assert_journal_not(rows[i].not);
		engine_close(&e);
	}
}

/* The first also where the run had stopped by itself, or is undoing: it cancels nothing. */
static void
test_first_stop_never_cancels(void **state)
{
	struct engine *e = *state;

	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-04: activate spam 6", .outcome = OUTCOME_FAILED });
	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-03: activate spam 6", .outcome = OUTCOME_OK, .delay_ns = 50 * NS_PER_MS });
	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-03: activate spam old", .outcome = OUTCOME_OK, .delay_ns = 50 * NS_PER_MS });
	engine_runbook(e, PARAMS ONE_BY_ONE "steps:\n" ACTIVATE UNDO "    on_failure: undo\n");
	begin(e, false);
	until_journal(e, "ended web-04: activate spam 6");
	engine_turns(e, 2);
	assert_int_equal(run_state(e->run), RUN_STOPPING);
	run_stop(e->run, "Ctrl-C");
	until_journal(e, "do web-03: activate spam old");
	assert_int_equal(run_state(e->run), RUN_UNDOING);
	run_stop(e->run, "Ctrl-C");
	engine_until(e, RUN_ENDED);
	assert_exit(e, 1);
	assert_journal_not("cancel ");
	assert_journal_has("record result activate on web-03 UNDONE");
	assert_journal_not("do web-01: activate spam old");
	assert_text_has(run_info(e->run)->text, "undo incomplete");
}

static void
test_answers(void **state)
{
	struct engine *e = *state;
	struct err err = ERR_INIT;

	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-01", .last = 1, .outcome = OUTCOME_FAILED });
	engine_runbook(e, PARAMS ONE_BY_ONE "steps:\n" ACTIVATE "    on_failure: ask\n");
	begin(e, true);
	engine_until(e, RUN_ASKING);
	assert_text_has(run_info(e->run)->question, "web-01: activate");
	assert_int_equal(run_answer(e->run, "perhaps", &err), ERR_USAGE);
	assert_int_equal(run_answer(e->run, "retry", &err), 0);
	engine_until(e, RUN_ENDED);
	assert_exit(e, 0);
	assert_int_equal(fake_journal_count("do web-01"), 2);
}

static void
test_retry_after_the_end(void **state)
{
	struct engine *e = *state;
	struct err err = ERR_INIT;

	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-02", .last = 1, .outcome = OUTCOME_FAILED });
	engine_runbook(e, PARAMS ONE_BY_ONE "steps:\n" ACTIVATE REGISTRY);
	engine_run(e, false);
	assert_exit(e, 1);
	assert_int_equal(run_retry(e->run, NULL, &err), 0);
	engine_until(e, RUN_ENDED);
	assert_exit(e, 0);
	assert_int_equal(fake_journal_count("do web-02"), 2);
	assert_int_equal(fake_journal_count("do web-01"), 1);
	assert_journal_has("do run: alias champion 6");
}

/* What an attempt did stays done when a later one could not even be begun. */
static void
test_retry_that_cannot_begin(void **state)
{
	struct engine *e = *state;
	struct err err = ERR_INIT;

	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-01", .last = 1, .outcome = OUTCOME_FAILED });
	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-01: activate spam 6", .first = 2, .outcome = OUTCOME_FAILED, .is_not_begun = true, .say = "no route" });
	engine_runbook(e, PARAMS ONE_BY_ONE "steps:\n" ACTIVATE UNDO);
	engine_run(e, false);
	assert_exit(e, 1);
	assert_int_equal(run_retry(e->run, NULL, &err), 0);
	engine_until(e, RUN_ENDED);
	assert_exit(e, 1);
	assert_int_equal(run_undo(e->run, &err), 0);
	engine_until(e, RUN_ENDED);
	assert_exit(e, 4);
	assert_journal_has("do web-01: activate spam old");
}

/* What was true when the run began need not be so when somebody comes back to it. */
static void
test_retry_checks_preconditions(void **state)
{
	struct engine *e = *state;
	struct err err = ERR_INIT;

	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-02", .last = 1, .outcome = OUTCOME_FAILED });
	fake_rule((struct fake_rule){ .what = FAKE_JUDGE, .text = "pre", .first = 3, .outcome = OUTCOME_FAILED, .delay_ns = 20 * NS_PER_MS });
	engine_runbook(e, PARAMS ALL "preconditions:\n  - { promql: 'up{job=\"pre\"}', expect: '== 1' }\nsteps:\n" ACTIVATE);
	engine_run(e, false);
	assert_exit(e, 1);
	assert_int_equal(run_retry(e->run, NULL, &err), 0);
	engine_until(e, RUN_ENDED);
	assert_exit(e, 1);
	assert_int_equal(fake_journal_count("judge up{job=\"pre\"}"), 3);
	assert_int_equal(fake_journal_count("do web-02"), 1);
	assert_text_has(run_info(e->run)->text, "precondition");
}

/* A run does not end, nor is it verified, while something that was tried again is still under way. */
static void
test_retry_while_verifying(void **state)
{
	struct engine *e = *state;
	struct err err = ERR_INIT;

	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-01", .last = 1, .outcome = OUTCOME_FAILED });
	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-01", .first = 2, .outcome = OUTCOME_OK, .delay_ns = 100 * NS_PER_MS });
	fake_rule((struct fake_rule){ .what = FAKE_JUDGE, .text = "verify", .outcome = OUTCOME_OK, .delay_ns = 20 * NS_PER_MS });
	engine_runbook(e, PARAMS HOSTS("batch: [100%], max_failures: 1") "steps:\n" ACTIVATE VERIFY);
	begin(e, true);
	until_journal(e, "judge up{job=\"verify\"}");
	assert_int_equal(run_retry(e->run, "web-01", &err), 0);
	engine_until(e, RUN_ENDED);
	assert_exit(e, 0);
	assert_journal_order("ended web-01: activate spam 6: OK", "record run-end");
	assert_journal_order("record result activate on web-01 OK", "record run-end");
	assert_int_equal(fake_journal_count("judge up{job=\"verify\"}"), 2);
}

static void
test_undo_after_the_end(void **state)
{
	struct engine *e = *state;
	struct err err = ERR_INIT;

	engine_runbook(e, PARAMS ONE_BY_ONE "steps:\n" ACTIVATE UNDO REGISTRY);
	engine_run(e, false);
	assert_exit(e, 0);
	assert_int_equal(run_undo(e->run, &err), 0);
	engine_until(e, RUN_ENDED);
	assert_exit(e, 4);
	assert_journal_order("restore run: alias champion 6 to 7", "do web-04: activate spam old");
	assert_journal_order("do web-04: activate spam old", "do web-01: activate spam old");
	assert_int_equal(run_undo(e->run, &err), ERR_INVALID);
}

static void
test_detached_finishes_the_batch(void **state)
{
	struct engine *e = *state;

	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-01", .outcome = OUTCOME_OK, .delay_ns = 30 * NS_PER_MS });
	engine_runbook(e, PARAMS ONE_BY_ONE "steps:\n" ACTIVATE);
	begin(e, true);
	until_journal(e, "do web-01");
	run_detach(e->run);
	engine_until(e, RUN_ENDED);
	assert_exit(e, 1);
	assert_journal_has("ended web-01: activate spam 6: OK");
	assert_journal_not("do web-02");
	assert_text_has(run_info(e->run)->text, "--resume");
}

static void
test_skip(void **state)
{
	struct engine *e = *state;
	struct err err = ERR_INIT;

	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-01", .outcome = OUTCOME_OK, .delay_ns = 30 * NS_PER_MS });
	engine_runbook(e, PARAMS ONE_BY_ONE "steps:\n" ACTIVATE);
	begin(e, true);
	until_journal(e, "do web-01");
	assert_int_equal(run_skip(e->run, "web-01", &err), ERR_INVALID);
	assert_int_equal(run_skip(e->run, "web-03", &err), 0);
	engine_until(e, RUN_ENDED);
	assert_exit(e, 0);
	assert_journal_not("do web-03");
	assert_journal_has("do web-04");
}

/* --- the audit log ------------------------------------------------------------------------------------------------------------------- */

static void
test_no_record_no_act(void **state)
{
	struct engine *e = *state;

	fake_audit_fail_from(1);
	engine_runbook(e, PARAMS ALL "steps:\n" ACTIVATE);
	engine_run(e, false);
	assert_exit(e, 8);
	assert_journal_not("do web");
}

/* Whatever record the log breaks at: no act without its intent, and never "done". */
static void
test_audit_breaks_anywhere(void **state)
{
	(void)state;
	for (unsigned nth = 1; nth < 14; nth++) {
		struct engine e;
		int exit;

		engine_open(&e, 2);
		fake_previous("6", "audit", "7");
		fake_audit_fail_from(nth);
		engine_runbook(&e, PARAMS ONE_BY_ONE "steps:\n" ACTIVATE REGISTRY);
		exit = engine_run(&e, false);
		assert_true(fake_audit_all_intended());
		/* Neither where only the last one, about the end, was lost. */
		if (fake_audit_n() < nth)
			assert_int_equal(exit, 0);
		else if (fake_journal_has("do "))
			assert_int_equal(exit, 1);
		else
			assert_int_equal(exit, 8);
		if (exit != 0)
			assert_text_has(run_info(e.run)->text, "audit log");
		engine_close(&e);
	}
}

static void
resume(struct engine *e, const char *id)
{
	struct err err = ERR_INIT;

	if (engine_new(e, &(struct run_request){ .resume = id }, (const char *const[]){ "model=spam", NULL }, &err) < 0)
		fail_msg("%s", err.msg);
	engine_confirm(e);
	engine_until(e, RUN_ENDED);
}

/* What closes the run is not begun before the health of every batch has held, however the run was gone on with. */
static void
test_health_is_judged_again(void **state)
{
	static const struct {
		struct fake_rule ill;
		bool is_resume;
		unsigned n_health;	/* judged in all, of two batches */
		int exit;
	} rows[] = {
		{ { .what = FAKE_JUDGE, .text = "health", .first = 2, .last = 2, .outcome = OUTCOME_FAILED, .failed_host = "web-03" }, false, 3, 0 },
		{ { .what = FAKE_JUDGE, .text = "health", .first = 1, .last = 1, .outcome = OUTCOME_UNKNOWN, .failed_host = "web-01" }, false, 3, 0 },
		{ { .what = FAKE_JUDGE, .text = "health", .first = 2, .last = 2, .outcome = OUTCOME_UNKNOWN }, false, 3, 0 },
		{ { .what = FAKE_JUDGE, .text = "health", .first = 2, .outcome = OUTCOME_UNKNOWN }, false, 3, 1 },
		{ { .what = FAKE_JUDGE, .text = "health", .first = 2, .outcome = OUTCOME_FAILED, .failed_host = "web-03" }, false, 3, 1 },
		/* Of no host of the run: nothing that could be let pass. */
		{ { .what = FAKE_JUDGE, .text = "health", .first = 2, .last = 2, .outcome = OUTCOME_FAILED, .failed_host = "elsewhere" }, false, 3, 0 },
		{ { .what = FAKE_JUDGE, .text = "health", .first = 2, .last = 2, .outcome = OUTCOME_UNKNOWN }, true, 4, 0 },
		{ { .what = FAKE_JUDGE, .text = "health", .first = 2, .outcome = OUTCOME_FAILED, .failed_host = "web-01" }, true, 3, 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct engine e;
		struct err err = ERR_INIT;
		char id[RUN_ID_MAX];

		engine_open(&e, 4);
		fake_previous("6", "audit", "7");
		fake_rule(rows[i].ill);
		engine_runbook(&e, PARAMS HOSTS("batch: [1, 100%]" HEALTH) "steps:\n" ACTIVATE REGISTRY VERIFY);
		engine_run(&e, false);
		assert_exit(&e, 1);
		assert_journal_not("do run: alias");
		snprintf(id, sizeof id, "%s", run_info(e.run)->id);
		if (rows[i].is_resume) {
			resume(&e, id);
		} else {
			assert_int_equal(run_retry(e.run, NULL, &err), 0);
			engine_until(&e, RUN_ENDED);
		}
		assert_exit(&e, rows[i].exit);
		assert_int_equal(fake_journal_count("judge up{job=\"health\"}"), rows[i].n_health);
		assert_int_equal(fake_journal_count("do run: alias"), rows[i].exit == 0);
		assert_int_equal(fake_journal_count("judge up{job=\"verify\"}"), rows[i].exit == 0);
		assert_int_equal(fake_journal_count("do web-0"), 4);
		if (rows[i].exit == 0)
			for (unsigned h = 1; h <= 4; h++)
				assert_int_equal(engine_cell(&e, (char[]){ 'w', 'e', 'b', '-', '0', (char)('0' + h), 0 }, "health")->outcome, OUTCOME_OK);
		engine_close(&e);
	}
}

/* A host that is tried again while the run is being closed: the step under way is finished, the next waits for the host and its health. */
static void
test_retry_while_closing(void **state)
{
	struct engine *e = *state;
	struct err err = ERR_INIT;

	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-01", .last = 1, .outcome = OUTCOME_FAILED });
	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-01", .first = 2, .outcome = OUTCOME_OK, .delay_ns = 60 * NS_PER_MS });
	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "alias champion", .outcome = OUTCOME_OK, .delay_ns = 20 * NS_PER_MS });
	fake_rule((struct fake_rule){ .what = FAKE_JUDGE, .text = "health", .first = 3, .outcome = OUTCOME_OK, .delay_ns = 20 * NS_PER_MS });
	engine_runbook(e, PARAMS HOSTS("batch: [1, 100%], max_failures: 1" HEALTH) "steps:\n" ACTIVATE REGISTRY
	    "  - { name: second, scope: run, registry: { alias: other, model: '${model}', version: '${to}' } }\n");
	begin(e, true);
	until_journal(e, "do run: alias champion");
	assert_int_equal(fake_journal_count("judge up{job=\"health\"}"), 2);
	assert_int_equal(run_retry(e->run, "web-01", &err), 0);
	engine_until(e, RUN_ENDED);
	assert_exit(e, 0);
	assert_journal_order("ended web-01: activate spam 6: OK", "do run: alias other");
	assert_int_equal(fake_journal_count("judge up{job=\"health\"}"), 3);
	assert_int_equal(fake_journal_count("do run: alias champion"), 1);
}

static void
test_resume(void **state)
{
	struct engine *e = *state;
	struct err err = ERR_INIT;
	char id[RUN_ID_MAX];

	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-02", .last = 1, .outcome = OUTCOME_UNKNOWN });
	fake_rule((struct fake_rule){ .what = FAKE_SETTLE, .text = "web-02", .first = 2, .outcome = OUTCOME_OK });
	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "alias", .last = 1, .outcome = OUTCOME_FAILED });
	engine_runbook(e, PARAMS ONE_BY_ONE "steps:\n  - name: activate\n    scope: host\n    ssh: { run: [activate, '${model}', '${to}'], timeout: 1s }\n" REGISTRY);
	begin(e, false);
	/* Settling is asked again for a while: not by this test. */
	until_journal(e, "settle web-02");
	engine_turns(e, 5);
	run_stop(e->run, "");
	run_stop(e->run, "");
	engine_until(e, RUN_ENDED);
	assert_true(run_exit(e->run) == 5 || run_exit(e->run) == 1);
	snprintf(id, sizeof id, "%s", run_info(e->run)->id);
	resume(e, id);
	assert_exit(e, 1);
	/* And that one, too: what the first did stays done, as the plan says. */
	snprintf(id, sizeof id, "%s", run_info(e->run)->id);
	if (engine_new(e, &(struct run_request){ .resume = id, .is_dry_run = true }, (const char *const[]){ "model=spam", NULL }, &err) < 0)
		fail_msg("%s", err.msg);
	engine_until(e, RUN_PLANNED);
	assert_int_equal(engine_cell(e, "web-01", "activate")->outcome, OUTCOME_SKIPPED);
	assert_text_has(engine_cell(e, "web-01", "activate")->text, "done in ");
	assert_text_has(engine_fact(e, "outcomes"), "skipped");
	resume(e, id);
	assert_exit(e, 0);
	assert_int_equal(fake_journal_count("do run: alias"), 2);
	assert_int_equal(fake_journal_count("do web-01"), 1);
	assert_int_equal(fake_journal_count("do web-02"), 1);
	assert_int_equal(fake_journal_count("do web-03"), 1);
	assert_int_equal(engine_cell(e, "web-01", "activate")->outcome, OUTCOME_SKIPPED);
	assert_int_equal(engine_new(e, &(struct run_request){ .resume = "nobody" }, (const char *const[]){ "model=spam", NULL }, &err), ERR_NOTFOUND);
}

/* What other hosts did meanwhile does not make what this one made older than itself. */
static void
test_settles_from_its_own_beginning(void **state)
{
	struct engine *e = *state;
	int64_t begun;

	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-02", .outcome = OUTCOME_UNKNOWN, .delay_ns = 60 * NS_PER_MS });
	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-03", .outcome = OUTCOME_OK, .delay_ns = 30 * NS_PER_MS });
	fake_rule((struct fake_rule){ .what = FAKE_SETTLE, .outcome = OUTCOME_OK });
	engine_runbook(e, PARAMS ALL "steps:\n" ACTIVATE);
	begin(e, false);
	until_journal(e, "do web-03");
	begun = clock_now();
	engine_until(e, RUN_ENDED);
	assert_exit(e, 0);
	assert_true(fake_settle_since() > 0 && fake_settle_since() <= begun);
}

/* What a host says of its own act comes while that goes on, and what others do meanwhile makes it no older; waiting before it is no act. */
static void
test_waits_know_when_their_act_was_begun(void **state)
{
	struct engine *e = *state;
	int64_t begun;

	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-01: activate", .outcome = OUTCOME_OK, .delay_ns = 30 * NS_PER_MS });
	engine_runbook(e, PARAMS HOSTS("batch: [1, 100%]") "steps:\n" ACTIVATE
	    "  - { name: rest, scope: host, wait: { time: 1s } }\n"
	    "  - { name: said so, scope: host, wait: { promql: 'up{host=\"${host}\"}', expect: '>= 1' } }\n" VERIFY);
	begin(e, false);
	until_journal(e, "do web-01: activate");
	begun = clock_now();
	engine_until(e, RUN_ENDED);
	assert_exit(e, 0);
	assert_true(fake_wait_begun("web-01:") > 0 && fake_wait_begun("web-01:") <= begun);
	assert_true(fake_wait_begun("web-02:") > begun);
	assert_true(fake_judge_begun() >= fake_wait_begun("web-02:"));
}

/* Died while it was undoing: whether it is still done there nobody knows, so that it is not left out. */
static void
test_resume_after_half_an_undo(void **state)
{
	struct engine *e = *state;
	char id[RUN_ID_MAX];

	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-02: activate spam 6", .last = 1, .outcome = OUTCOME_FAILED });
	fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-01: activate spam old", .is_never = true });
	engine_runbook(e, PARAMS ONE_BY_ONE "steps:\n" ACTIVATE UNDO "    on_failure: undo\n");
	begin(e, false);
	until_journal(e, "do web-01: activate spam old");
	snprintf(id, sizeof id, "%s", run_info(e->run)->id);
	resume(e, id);
	assert_exit(e, 0);
	assert_int_equal(fake_journal_count("do web-01: activate spam 6"), 2);
}

/* What an earlier attempt certainly did not do is done when it is tried again; what stays unknown is not. */
static void
test_retry_of_unknown(void **state)
{
	static const struct { enum outcome settled; bool is_not_begun; size_t n; int exit; } rows[] = {
		{ OUTCOME_FAILED, true, 2, 0 }, { OUTCOME_FAILED, false, 2, 0 }, { OUTCOME_OK, false, 1, 0 }, { OUTCOME_UNKNOWN, false, 1, 5 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct engine e;
		struct err err = ERR_INIT;

		engine_open(&e, 2);
		fake_previous("6", "audit", "7");
		fake_rule((struct fake_rule){ .what = FAKE_DO, .text = "web-02", .last = 1, .outcome = OUTCOME_UNKNOWN });
		fake_rule((struct fake_rule){ .what = FAKE_SETTLE, .last = 2, .outcome = OUTCOME_UNKNOWN, .text = "web-02" });
		fake_rule((struct fake_rule){ .what = FAKE_SETTLE, .first = 3, .outcome = rows[i].settled, .is_not_begun = rows[i].is_not_begun, .text = "web-02" });
		engine_runbook(&e, PARAMS ALL "steps:\n" ACTIVATE);
		begin(&e, false);
		until_journal(&e, "settle web-02");
		engine_turns(&e, 3);
		run_stop(e.run, "");
		run_stop(e.run, "");
		engine_until(&e, RUN_ENDED);
		if (run_exit(e.run) == 5) {
			assert_int_equal(run_retry(e.run, "web-02", &err), 0);
			engine_until(&e, RUN_ENDED);
		}
		assert_exit(&e, rows[i].exit);
		assert_int_equal(fake_journal_count("do web-02"), rows[i].n);
		engine_close(&e);
	}
}

/* --- how many at the same time, and what a snapshot costs ------------------------------------------------------------------------------- */

static void
test_parallel(void **state)
{
	struct engine *e = *state;

	fake_rule((struct fake_rule){ .what = FAKE_DO, .outcome = OUTCOME_OK, .text = "web", .delay_ns = 5 * NS_PER_MS });
	engine_runbook(e, PARAMS HOSTS("batch: [100%], parallel: 2") "steps:\n" ACTIVATE);
	engine_run(e, false);
	assert_exit(e, 0);
	assert_int_equal(fake_running_max(), 2);
}

static void
test_snapshots_are_bounded(void **state)
{
	struct engine e;
	int64_t begun;

	(void)state;
	engine_open(&e, 99);
	fake_previous("6", "audit", "7");
	engine_runbook(&e, PARAMS ALL "steps:\n" ACTIVATE "  - { name: two, scope: host, ssh: { run: [two] } }\n  - { name: three, scope: host, ssh: { run: [three] } }\n");
	begun = clock_mono_fresh();
	engine_run(&e, false);
	assert_exit(&e, 0);
	/* One for each state, and ten a second at most: not one for each of the 300 steps. */
	assert_true(e.n_events <= 12 + (size_t)(10 * (clock_mono_fresh() - begun) / NS_PER_S));
	assert_int_equal(e.n_outputs >= 297, 1);
	engine_close(&e);
}

int
main(void)
{
	static struct CMUnitTest tests[64];
	static const struct CMUnitTest fixed[] = {
		cmocka_unit_test_setup_teardown(test_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_waits_then_cancels, setup, teardown),
		cmocka_unit_test(test_stop_anywhere),
		cmocka_unit_test_setup_teardown(test_first_stop_never_cancels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retry_after_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retry_that_cannot_begin, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retry_checks_preconditions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retry_while_verifying, setup, teardown),
		cmocka_unit_test_setup_teardown(test_undo_after_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_detached_finishes_the_batch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_skip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_record_no_act, setup, teardown),
		cmocka_unit_test(test_audit_breaks_anywhere),
		cmocka_unit_test(test_health_is_judged_again),
		cmocka_unit_test_setup_teardown(test_retry_while_closing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_says_what_stands, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resume, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settles_from_its_own_beginning, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waits_know_when_their_act_was_begun, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resume_after_half_an_undo, setup, teardown),
		cmocka_unit_test(test_retry_of_unknown),
		cmocka_unit_test_setup_teardown(test_parallel, setup, teardown),
		cmocka_unit_test(test_snapshots_are_bounded),
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		tests[n++] = fixed[i];
	for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
		tests[n++] = (struct CMUnitTest){ scenarios[i].name, test_scenario, NULL, NULL, (void *)&scenarios[i] };
	return _cmocka_run_group_tests("run", tests, n, NULL, NULL);
}
