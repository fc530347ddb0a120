/* What the model keeps of runs, outputs, incidents and notes, and for which alerts a runbook is offered. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "tests/unit/feed.h"

enum { KEPT_RUNS = 32, KEPT_NOTES = 200 };

static void
feed_run(struct model *m, double t, const char *id, const char *state, const char *plan)
{
	feed(m, t, "{'event':'run','id':'%s','runbook':'rollback','target':'prod/x','actor':'me','state':'%s','plan':'%s','started':"
	    "'2030-01-01T00:00:00Z','text':'t'}", id, state, plan);
}

static void
feed_output(struct model *m, double t, const char *run, const char *host, unsigned column, const char *out)
{
	feed(m, t, "{'event':'run-output','run':'%s','host':'%s','column':%u,'out':'%s','ended':true}", run, host, column, out);
}

static void
words_are_those_of_the_contract(void **state)
{
	enum outcome o = OUTCOME_NONE;

	(void)state;
	assert_string_equal(outcome_name(OUTCOME_WOULD_RUN), "WOULD RUN");
	for (int i = OUTCOME_NONE; i <= OUTCOME_UNDONE; i++) {
		assert_true(outcome_find(outcome_name((enum outcome)i), &o));
		assert_int_equal(o, i);
	}
	assert_false(outcome_find("would run", &o));
	assert_string_equal(outcome_name((enum outcome)99), "unknown");
	assert_string_equal(param_type_name(PARAM_MODEL_VERSION), "model-version");
	assert_string_equal(danger_name(DANGER_HIGH), "high");
	assert_string_equal(run_state_name(RUN_ENDED), "ended");
}

static void
the_newest_run_comes_first_and_an_old_one_makes_room(void **state)
{
	struct model *m = model_new(0, 0);
	char id[32];

	(void)state;
	feed_run(m, 0, "going", "acting", "");
	for (int i = 0; i < KEPT_RUNS; i++) {
		snprintf(id, sizeof id, "r%d", i);
		feed_run(m, 1 + i, id, "ended", "");
		feed_output(m, 1 + i, id, "h", 0, "x");
	}
	assert_int_equal(model_runs(m), KEPT_RUNS);
	assert_string_equal(model_run(m, 0)->id, "r31");
	/* One that is under way stays, whatever its age. */
	assert_non_null(model_run_find(m, "going"));
	assert_null(model_run_find(m, "r0"));
	assert_null(model_run_output(m, "r0", "h", 0));
	assert_non_null(model_run_output(m, "r1", "h", 0));
	model_free(m);
}

static void
a_run_replaces_the_plan_it_came_of(void **state)
{
	struct model *m = model_new(0, 0);

	(void)state;
	feed_run(m, 0, "plan-1", "planned", "aa");
	feed_run(m, 1, "plan-2", "planned", "bb");
	feed_run(m, 2, "20300101-000002-web", "starting", "aa");
	assert_null(model_run_find(m, "plan-1"));
	assert_non_null(model_run_find(m, "plan-2"));
	assert_true(run_is_under_way(model_run(m, 0)));
	assert_true(run_is_plan(model_run(m, 1)));
	/* Without a plan's hash nothing tells which it came of. */
	feed_run(m, 3, "plan-3", "planned", "");
	feed_run(m, 4, "x", "acting", "");
	assert_non_null(model_run_find(m, "plan-3"));
	model_free(m);
}

static void
an_output_is_found_by_run_host_and_column(void **state)
{
	struct model *m = model_new(0, 0);
	static const char *const hosts[] = { "b", "a", "", "c" };

	(void)state;
	feed_run(m, 0, "r", "acting", "");
	for (unsigned column = 0; column < 3; column++)
		for (int i = 0; i < 4; i++)
			feed_output(m, 1, "r", hosts[i], 2 - column, hosts[i]);
	for (unsigned column = 0; column < 3; column++)
		for (int i = 0; i < 4; i++)
			assert_string_equal(model_run_output(m, "r", hosts[i], column)->out, hosts[i]);
	feed_output(m, 2, "r", "a", 1, "again");
	assert_string_equal(model_run_output(m, "r", "a", 1)->out, "again");
	assert_string_equal(model_run_output(m, "r", "a", 2)->out, "a");
	assert_null(model_run_output(m, "r", "d", 0));
	assert_null(model_run_output(m, "r", "a", 3));
	assert_null(model_run_output(m, "q", "a", 0));
	model_free(m);
}

/* 32 MiB of all of them: the oldest go. */
static void
outputs_are_bounded_together(void **state)
{
	struct model *m = model_new(0, 0);
	size_t n = 1 << 20, n_kept = 0;
	char *big = malloc(n + 1), host[16];

	(void)state;
	memset(big, 'x', n);
	big[n] = '\0';
	for (int i = 0; i < 40; i++) {
		snprintf(host, sizeof host, "h%02d", i);
		feed_output(m, 100 - i, "r", host, 0, big);
	}
	for (int i = 0; i < 40; i++) {
		snprintf(host, sizeof host, "h%02d", i);
		n_kept += model_run_output(m, "r", host, 0) != NULL;
	}
	assert_in_range(n_kept, 20, 32);
	assert_non_null(model_run_output(m, "r", "h00", 0));	/* the newest by its time */
	free(big);
	model_free(m);
}

static void
the_past_shows_what_had_come_by_then(void **state)
{
	struct model *m = model_new(0, 0);
	const struct model *then;

	(void)state;
	feed_run(m, 10, "r", "acting", "");
	feed_output(m, 12, "r", "a", 0, "early");
	feed_output(m, 18, "r", "b", 0, "late");
	feed_run(m, 20, "r", "ended", "");
	model_advance(m, T(30));
	then = model_at(m, T(15), NULL);
	assert_non_null(then);
	assert_int_equal(model_run_find(then, "r")->state, RUN_ACTING);
	assert_non_null(model_run_output(then, "r", "a", 0));
	assert_null(model_run_output(then, "r", "b", 0));
	assert_non_null(model_run_output(model_at(m, T(19), NULL), "r", "b", 0));
	assert_int_equal(model_run_find(m, "r")->state, RUN_ENDED);
	model_free(m);
}

/* Ten times a second all of itself: the rest of what was known stays known. */
static void
a_long_run_does_not_push_the_rest_out(void **state)
{
	struct model *m = model_new(1 << 20, 0);
	int64_t first_ns;

	(void)state;
	feed(m, 0, "{'event':'note','by':'me','text':'begin'}");
	for (int i = 0; i < 3000; i++)
		feed(m, 1 + i / 10.0, "{'event':'run','id':'r','state':'acting','text':'%0200d'}", i);
	feed_run(m, 302, "r", "ended", "");
	model_advance(m, T(310));
	assert_non_null(model_at(m, T(2), &first_ns));
	assert_true(first_ns == T(0));
	assert_int_equal(model_run_find(model_at(m, T(303), NULL), "r")->state, RUN_ENDED);
	assert_int_equal(model_run_find(model_at(m, T(200), NULL), "r")->state, RUN_ACTING);
	model_free(m);
}

static void
the_open_incident_is_the_newest_that_is_not_closed(void **state)
{
	struct model *m = model_new(0, 0);
	char id[32];

	(void)state;
	assert_null(model_incident(m));
	feed(m, 1, "{'event':'incident','id':'a','title':'A','opened':'2030-01-01T00:00:01Z'}");
	feed(m, 2, "{'event':'incident','id':'b','title':'B','opened':'2030-01-01T00:00:02Z'}");
	assert_string_equal(model_incident(m)->id, "b");
	feed(m, 3, "{'event':'incident','id':'b','title':'B','opened':'2030-01-01T00:00:02Z','closed':'2030-01-01T00:00:03Z'}");
	assert_string_equal(model_incident(m)->id, "a");
	for (int i = 0; i < 40; i++) {
		snprintf(id, sizeof id, "c%d", i);
		feed(m, 4, "{'event':'incident','id':'%s','opened':'2030-01-01T00:00:02Z','closed':'2030-01-01T00:00:03Z'}", id);
	}
	model_incident(m);
	model_free(m);
}

static void
notes_come_newest_first_and_the_last_are_kept(void **state)
{
	struct model *m = model_new(0, 0);
	int64_t at_ns = 0;

	(void)state;
	for (int i = 0; i < KEPT_NOTES + 5; i++)
		feed(m, i, "{'event':'note','by':'me','text':'note %d','seq':%d}", i, i);
	assert_int_equal(model_notes(m), KEPT_NOTES);
	assert_string_equal(model_note(m, 0, &at_ns)->text, "note 204");
	assert_true(at_ns == T(204));
	assert_string_equal(model_note(m, KEPT_NOTES - 1, NULL)->text, "note 5");
	model_free(m);
}

static size_t
count_markers(const struct model *m, const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < model_n_markers(m); i++)
		n += str_contains(model_marker(m, i)->text, text);
	return n;
}

static void
runs_and_notes_are_marked(void **state)
{
	struct model *m = model_new(0, 0);

	(void)state;
	feed_run(m, 0, "plan-1", "planned", "aa");
	assert_int_equal(model_n_markers(m), 0);
	feed_run(m, 1, "r", "acting", "aa");
	assert_int_equal(count_markers(m, "rollback prod/x begun by me"), 1);
	assert_int_equal(model_n_markers(m), 1);
	feed(m, 2, "{'event':'run','id':'r','runbook':'rollback','target':'prod/x','actor':'me','state':'ended','started':'2030-01-01T00:00:00Z','ended':"
	    "'2030-01-01T00:00:09Z','text':'6 serves'}");
	assert_int_equal(count_markers(m, "6 serves"), 1);
	feed(m, 3, "{'event':'note','by':'me','text':'seen'}");
	assert_int_equal(count_markers(m, "seen"), 1);
	assert_int_equal(model_n_markers(m), 3);
	/* One without a target is named without a gap. */
	feed(m, 4, "{'event':'run','id':'s','runbook':'flush','actor':'me','state':'acting','started':'2030-01-01T00:00:04Z'}");
	assert_int_equal(count_markers(m, "flush begun by me"), 1);
	model_free(m);
}

#define BOOKS "{'event':'runbooks','runbooks':[{'name':'a','offer_alerts':['Spam']},{'name':'b','offer_alerts':['Spam.*','Slow']},"	\
	"{'name':'c','offer_alerts':['[','(a+)+$']},{'name':'d'}]}"

static void
runbooks_are_offered_for_whole_names(void **state)
{
	struct model *m = model_new(0, 0);
	const struct runbook_set *set;

	(void)state;
	assert_null(model_runbooks(m));
	assert_null(model_runbook_offer(m, 0));
	feed(m, 0, BOOKS);
	set = model_runbooks(m);
	assert_false(runbook_is_for(&set->v[0], "SpamHigh"));
	assert_true(runbook_is_for(&set->v[0], "Spam"));
	assert_true(runbook_is_for(&set->v[1], "SpamHigh"));
	assert_true(runbook_is_for(&set->v[1], "Slow"));
	assert_false(runbook_is_for(&set->v[2], "["));		/* does not compile: for none */
	assert_false(runbook_is_for(&set->v[3], "Spam"));
	model_free(m);
}

#define ALERT(name, severity, state) "{'name':'" name "','labels':{'alertname':'" name "','severity':'" severity "'},'state':'" state	\
	"','since':'2030-01-01T00:00:00Z','ends':'9999-12-31T23:59:59Z'}"

static void
the_worst_alert_makes_the_offer(void **state)
{
	struct model *m = model_new(0, 0);

	(void)state;
	feed_environment(m, FEED_SOURCES_ALL);
	feed(m, 1, BOOKS);
	feed_alerts(m, 2, "p1", ALERT("Slow", "ticket", "firing") "," ALERT("SpamHigh", "page", "firing") "," ALERT("Spam", "page", "pending"));
	model_advance(m, T(3));
	assert_null(model_runbook_offer(m, 0));			/* pending: not yet */
	assert_string_equal(model_runbook_offer(m, 1)->name, "SpamHigh");
	assert_null(model_runbook_offer(m, 2));
	assert_null(model_runbook_offer(m, 4));
	feed_alerts(m, 4, "p1", ALERT("Slow", "ticket", "firing"));
	assert_string_equal(model_runbook_offer(m, 1)->name, "Slow");
	feed_alerts(m, 5, "p1", "");
	assert_null(model_runbook_offer(m, 1));
	model_free(m);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_those_of_the_contract),
		cmocka_unit_test(the_newest_run_comes_first_and_an_old_one_makes_room),
		cmocka_unit_test(a_run_replaces_the_plan_it_came_of),
		cmocka_unit_test(an_output_is_found_by_run_host_and_column),
		cmocka_unit_test(outputs_are_bounded_together),
		cmocka_unit_test(the_past_shows_what_had_come_by_then),
		cmocka_unit_test(a_long_run_does_not_push_the_rest_out),
		cmocka_unit_test(the_open_incident_is_the_newest_that_is_not_closed),
		cmocka_unit_test(notes_come_newest_first_and_the_last_are_kept),
		cmocka_unit_test(runs_and_notes_are_marked),
		cmocka_unit_test(runbooks_are_offered_for_whole_names),
		cmocka_unit_test(the_worst_alert_makes_the_offer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
