/* What happened, in order: what makes an entry, what does not, and what of it was known when. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/feed.h"

#define A(state, since) "{'name':'A','labels':{'alertname':'A','severity':'page'},'state':'" state "','since':'2030-01-01T00:" since "Z'," \
	"'annotations':{'summary':'it hurts'}}"
#define A_AM(since) "{'name':'A','labels':{'alertname':'A','cluster':'lab','severity':'page'},'state':'firing','fingerprint':'f','since':'2030-01-01T00:" since "Z'}"

/* "at known kind begin|end what: text" of entry i; the times in seconds. */
static const char *
line(const struct model *m, size_t i)
{
	static char text[4][512];
	static unsigned at;
	const struct timeline_entry *e;

	assert_true(i < model_n_timeline(m));
	e = model_timeline(m, i);
	snprintf(text[++at % 4], sizeof text[0], "%lld %lld %s %s %s: %s", (long long)((e->at_ns - T0) / NS_PER_S),
	    (long long)((e->known_ns - T0) / NS_PER_S), timeline_kind_name(e->kind), e->is_end ? "end" : "begin", e->what, e->text);
	return text[at % 4];
}

static struct model *
world(void)
{
	struct model *m = model_new(0, 0);

	feed_environment(m, FEED_SOURCES_ALL);
	return m;
}

static void
an_alert_begins_at_its_own_time_and_ends_when_nobody_tells_it(void **state)
{
	struct model *m = world();

	(void)state;
	feed_alerts(m, 60, "p1", A("pending", "00:50"));
	assert_int_equal(model_n_timeline(m), 0);
	feed_alerts(m, 65, "p1", A("firing", "00:50"));
	assert_int_equal(model_n_timeline(m), 1);
	assert_string_equal(line(m, 0), "50 65 alert begin A: page, it hurts");
	assert_int_equal(model_timeline(m, 0)->severity, SEVERITY_PAGE);
	/* Told again, and by another source under more labels. */
	feed_alerts(m, 70, "p1", A("firing", "00:50"));
	feed_alerts(m, 70, "am", A_AM("00:55"));
	feed_alerts(m, 75, "p1", "");
	assert_int_equal(model_n_timeline(m), 1);
	feed_alerts(m, 80, "am", "");
	assert_int_equal(model_n_timeline(m), 2);
	assert_string_equal(line(m, 1), "80 80 alert end A: resolved: it hurts");
	assert_string_equal(model_timeline(m, 0)->id, model_timeline(m, 1)->id);
	/* And once more: entries each time. */
	feed_alerts(m, 85, "p1", A("firing", "01:24"));
	feed_alerts(m, 90, "p1", "");
	assert_int_equal(model_n_timeline(m), 4);
	assert_string_equal(line(m, 2), "84 85 alert begin A: page, it hurts");
	model_free(m);
}

static void
an_alert_keeps_its_name_when_it_is_known_by_another(void **state)
{
	struct model *m = world();
	char id[64];

	(void)state;
	/* Alertmanager alone: the label cluster is not known to be an external one. */
	feed_alerts(m, 60, "am", A_AM("00:55"));
	snprintf(id, sizeof id, "%s", model_timeline(m, 0)->id);
	assert_int_equal(model_n_timeline(m), 1);
	feed_alerts(m, 65, "p1", A("firing", "00:50"));
	assert_int_equal(model_n_timeline(m), 1);
	feed_alerts(m, 70, "am", "");
	feed_alerts(m, 75, "p1", "");
	assert_int_equal(model_n_timeline(m), 2);
	assert_string_equal(model_timeline(m, 1)->id, id);
	model_free(m);
}

static void
a_source_that_is_stale_ends_nothing_and_is_an_entry_itself(void **state)
{
	struct model *m = world();

	(void)state;
	feed_alerts(m, 60, "p1", A("firing", "00:50"));
	model_advance(m, T(74));
	assert_int_equal(model_n_timeline(m), 1);
	model_advance(m, T(100));
	assert_int_equal(model_n_timeline(m), 2);
	assert_string_equal(line(m, 1), "75 75 source begin p1: no good answer any more");
	feed_failed(m, 101, "p1", "alerts", "refused");
	model_advance(m, T(102));
	assert_int_equal(model_n_timeline(m), 2);
	feed_alerts(m, 110, "p1", A("firing", "00:50"));
	assert_int_equal(model_n_timeline(m), 3);
	assert_string_equal(line(m, 2), "110 110 source end p1: answers again");
	/* Nobody looked while it was silent. */
	feed_ok(m, 200, "p1", "alerts");
	assert_int_equal(model_n_timeline(m), 5);
	assert_string_equal(line(m, 3), "125 125 source begin p1: no good answer any more");
	assert_string_equal(line(m, 4), "200 200 source end p1: answers again");
	model_free(m);
}

static void
a_source_that_never_answered_is_down(void **state)
{
	struct model *m = world();

	(void)state;
	feed_failed(m, 3, "am", "alerts", "connection refused");
	feed_failed(m, 8, "am", "alerts", "connection refused");
	assert_int_equal(model_n_timeline(m), 1);
	assert_string_equal(line(m, 0), "3 3 source begin am: does not answer: connection refused");
	/* An environment without it: gone, not well. */
	feed_environment(m, "{'name':'p1','type':'prometheus','interval_ns':5000000000}");
	feed_environment(m, FEED_SOURCES_ALL);
	feed_ok(m, 20, "am", "alerts");
	assert_int_equal(model_n_timeline(m), 1);
	model_free(m);
}

static void
what_a_new_config_does_not_name_did_not_end(void **state)
{
	struct model *m = world();

	(void)state;
	feed_alerts(m, 60, "p1", A("firing", "00:50"));
	feed_environment(m, "{'name':'am','type':'alertmanager','interval_ns':5000000000}");
	feed_alerts(m, 65, "am", "");
	assert_int_equal(model_n_timeline(m), 1);
	model_free(m);
}

#define SLO(seconds, state, since, why) feed(m, seconds, "{'event':'slos','at':'2030-01-01T00:00:00Z','every_ns':5000000000,'slos':[{'id':'slo:a'," \
	"'state':'" state "','since':'" since "','why':'" why "','left':0.5}]}")

static void
an_objective_burns_gets_worse_and_recovers(void **state)
{
	struct model *m = world();

	(void)state;
	feed(m, 1, "{'event':'slo-defs','slos':[{'id':'slo:a','name':'mail','target':0.9,'period_ns':1}]}");
	SLO(10, "ok", "1970-01-01T00:00:00Z", "");
	SLO(20, "ticket", "2030-01-01T00:00:15Z", "burns");
	SLO(25, "ticket", "2030-01-01T00:00:15Z", "burns on");
	SLO(30, "unknown", "2030-01-01T00:00:29Z", "no answer");
	SLO(35, "page", "2030-01-01T00:00:35Z", "burns fast");
	SLO(40, "no-data", "2030-01-01T00:00:40Z", "");
	SLO(50, "ok", "2030-01-01T00:00:48Z", "");
	feed(m, 55, "{'event':'slos','at':'2030-01-01T00:00:00Z','past':true,'slos':[{'id':'slo:a','state':'page'}]}");
	assert_int_equal(model_n_timeline(m), 3);
	assert_string_equal(line(m, 0), "15 20 slo begin mail: ticket, burns; 50% left");
	assert_string_equal(line(m, 1), "35 35 slo begin mail: page, burns fast; 50% left");
	assert_string_equal(line(m, 2), "48 50 slo end mail: no rule fires, 50% left");
	model_free(m);
}

#define DRIFT(seconds, state) feed(m, seconds, "{'event':'drifts','at':'2030-01-01T00:00:00Z','drifts':[{'id':'drift:m:f','state':'" state "','why':'PSI 0.4'}]}")

static void
a_feature_drifts_until_it_is_steady(void **state)
{
	struct model *m = world();

	(void)state;
	feed(m, 1, "{'event':'drift-defs','confidence':0.99,'fdr':0.05,'drifts':[{'id':'drift:m:f','model':'model:m','name':'f','severity':'ticket','window_ns':3600000000000,'reference':'past','ago_ns':1,'reference_ns':3600000000000}]}");
	DRIFT(10, "moving");
	DRIFT(20, "drifted");
	DRIFT(30, "moving");
	DRIFT(40, "unknown");
	DRIFT(50, "drifted");
	DRIFT(60, "steady");
	assert_int_equal(model_n_timeline(m), 2);
	assert_string_equal(line(m, 0), "20 20 drift begin f: PSI 0.4");
	assert_string_equal(line(m, 1), "60 60 drift end f: steady again");
	assert_int_equal(model_timeline(m, 0)->severity, SEVERITY_TICKET);
	model_free(m);
}

static void
a_model_is_out_of_step_and_in_step_again(void **state)
{
	struct model *m = model_new(0, 0);
	static const char serving[] = "{'event':'serving','source':'p','model':'model:a','serving':[{'host':'web-1','version':'%s'}]}";

	(void)state;
	feed(m, 0, "{'event':'environment','name':'prod','sources':[{'name':'p','type':'prometheus','interval_ns':5000000000},"
	    "{'name':'mlflow','type':'mlflow','interval_ns':5000000000}],'models':[{'id':'model:a','name':'a','registry':'mlflow','alias':'champion',"
	    "'serving_source':'p','serving_expr':'e'}]}");
	feed(m, 1, "{'event':'registry','source':'mlflow','models':[{'name':'a','aliases':[{'alias':'champion','version':'7'}],'versions':[{'version':'7'}]}]}");
	feed_ok(m, 1, "mlflow", "registry");
	feed(m, 1, serving, "7");
	feed_ok(m, 1, "p", "serving:a");
	model_advance(m, T(2));
	assert_int_equal(model_model(m, 0)->state, MODEL_IN_STEP);
	assert_int_equal(model_n_timeline(m), 0);
	feed(m, 5, serving, "6");
	feed_ok(m, 5, "p", "serving:a");
	feed_ok(m, 5, "mlflow", "registry");
	model_advance(m, T(5));
	assert_int_equal(model_model(m, 0)->state, MODEL_OUT_OF_STEP);
	assert_int_equal(model_n_timeline(m), 1);
	assert_int_equal(model_timeline(m, 0)->kind, TIMELINE_MODEL);
	assert_string_equal(model_timeline(m, 0)->id, "model:a");
	feed(m, 9, serving, "7");
	feed_ok(m, 9, "p", "serving:a");
	assert_int_equal(model_n_timeline(m), 2);
	assert_string_equal(line(m, 1), "9 9 model end a: in step");
	model_free(m);
}

static void
a_change_is_one_entry_however_often_and_roughly_it_is_told(void **state)
{
	struct model *m = model_new(0, 0);

	(void)state;
	feed(m, 0, "{'event':'environment','name':'prod','sources':[" FEED_SOURCES_ALL "],'markers':[{'id':'marker:b'}]}");
	for (int i = 0; i < 3; i++)
		feed(m, 1900 + i, "{'event':'markers','source':'p1','def':'marker:b','start':'2030-01-01T00:00:00Z','end':'2030-01-01T01:00:00Z','markers':["
		    "{'at':'2030-01-01T00:30:%02dZ','what':'spam','from':'6','to':'7','text':'spam 6 -> 7'}]}", i * 15);
	/* A range of a week, in steps of an hour. */
	feed(m, 1910, "{'event':'markers','source':'p1','def':'marker:b','start':'2029-12-25T00:00:00Z','end':'2030-01-01T01:00:00Z','markers':["
	    "{'at':'2029-12-28T00:00:00Z','what':'spam','from':'6','to':'7','text':'spam 6 -> 7'},"
	    "{'at':'2030-01-01T01:00:00Z','what':'spam','from':'6','to':'7','text':'spam 6 -> 7'}]}");
	/* Of nothing that the config names. */
	feed(m, 1920, "{'event':'markers','source':'p1','def':'marker:other','markers':[{'at':'2030-01-01T00:00:00Z','what':'x'}]}");
	assert_int_equal(model_n_timeline(m), 2);
	assert_string_equal(line(m, 0), "1800 1900 change begin spam: 6 -> 7");
	assert_int_equal(model_timeline(m, 1)->at_ns, T(-4 * 86400));
	model_free(m);
}

static void
a_note_stands_at_the_time_of_its_record(void **state)
{
	struct model *m = model_new(0, 0);

	(void)state;
	feed(m, 17, "{'event':'note','by':'alice','text':'hello','seq':10,'at':'2030-01-01T00:00:10Z'}");
	feed(m, 20, "{'event':'note','by':'alice','text':'at once','seq':11}");
	assert_int_equal(model_n_timeline(m), 2);
	assert_string_equal(line(m, 0), "10 17 note begin note: hello");
	assert_string_equal(line(m, 1), "20 20 note begin note: at once");
	model_free(m);
}

static void
aliases_and_stages_that_move_alike_are_entries_of_their_own(void **state)
{
	static const char told[] = "{'event':'markers','source':'mlflow','def':'registry:mlflow','start':'2030-01-01T00:00:10Z','end':'2030-01-01T00:00:10Z','markers':["
	    "{'at':'2030-01-01T00:00:10Z','what':'spam','from':'6','to':'7','text':'spam Production 6 -> 7'},"
	    "{'at':'2030-01-01T00:00:10Z','what':'spam','from':'6','to':'7','text':'spam champion 6 -> 7'}]}";
	struct model *m = model_new(0, 0);

	(void)state;
	feed(m, 0, "{'event':'environment','name':'prod','sources':[{'name':'mlflow','type':'mlflow'}]}");
	feed(m, 10, told);
	feed(m, 11, told);
	assert_int_equal(model_n_timeline(m), 2);
	assert_string_equal(line(m, 0), "10 10 change begin spam: Production 6 -> 7");
	assert_string_equal(line(m, 1), "10 10 change begin spam: champion 6 -> 7");
	assert_string_equal(model_timeline(m, 1)->id, "change:registry:mlflow:spam:champion 6 -> 7");
	model_free(m);
}

#define RUN(seconds, state, more) feed(m, seconds, "{'event':'run','id':'r1','runbook':'rollback','target':'prod/spam','actor':'alice','state':'" state "'," \
	"'plan':'ab','started':'2030-01-01T00:00:10Z','columns':[{'name':'tell','kind':'notify','phase':'step','run_scope':true}]," more "}")

static void
a_run_begins_ends_and_tells_the_public(void **state)
{
	struct model *m = world();

	(void)state;
	RUN(9, "planned", "'rows':[{'cells':[{}]}]");
	assert_int_equal(model_n_timeline(m), 0);
	RUN(10, "starting", "'rows':[{'cells':[{}]}]");
	RUN(11, "acting", "'seq_first':7,'rows':[{'cells':[{'outcome':'RUNNING'}]}]");
	RUN(12, "acting", "'seq_first':7,'rows':[{'cells':[{'outcome':'OK','ended':'2030-01-01T00:00:12Z','text':'told example.org'}]}]");
	RUN(13, "acting", "'seq_first':7,'rows':[{'cells':[{'outcome':'OK','ended':'2030-01-01T00:00:12Z','text':'told example.org','result':9}]}]");
	RUN(14, "ended", "'ended':'2030-01-01T00:00:14Z','exit':0,'text':'done','seq_first':7,'seq_last':12,"
	    "'rows':[{'cells':[{'outcome':'OK','ended':'2030-01-01T00:00:12Z','text':'told example.org','result':9}]}]");
	RUN(15, "ended", "'ended':'2030-01-01T00:00:14Z','exit':0,'text':'done','seq_first':7,'seq_last':12,"
	    "'rows':[{'cells':[{'outcome':'OK','ended':'2030-01-01T00:00:12Z','text':'told example.org','result':9}]}]");
	assert_int_equal(model_n_timeline(m), 3);
	assert_string_equal(line(m, 0), "10 10 run begin rollback: prod/spam");
	assert_string_equal(line(m, 1), "12 12 message begin tell: told example.org");
	assert_string_equal(line(m, 2), "14 14 run end rollback: done");
	assert_int_equal(model_timeline(m, 0)->seq, 7);
	assert_int_equal(model_timeline(m, 1)->seq, 9);
	assert_int_equal(model_timeline(m, 2)->seq, 12);
	assert_string_equal(model_timeline(m, 2)->by, "alice");
	model_free(m);
}

static void
what_people_do_and_write(void **state)
{
	struct model *m = world();

	(void)state;
	feed(m, 1, "{'event':'incident','id':'i1','title':'spam','by':'alice','opened':'2030-01-01T00:00:01Z'}");
	feed(m, 2, "{'event':'incident','id':'i1','title':'spam','by':'alice','opened':'2030-01-01T00:00:01Z'}");
	feed(m, 3, "{'event':'operation','id':'1','verb':'ack','text':'A acknowledged','state':'started'}");
	feed(m, 4, "{'event':'operation','id':'1','verb':'ack','text':'A acknowledged','state':'done'}");
	feed(m, 5, "{'event':'operation','id':'1','verb':'ack','text':'A acknowledged','state':'done'}");
	feed(m, 6, "{'event':'operation','id':'2','verb':'silence','text':'B','state':'unknown'}");
	feed(m, 7, "{'event':'note','by':'bob','text':'looking','seq':4}");
	feed(m, 8, "{'event':'note','by':'bob','text':'looking','seq':4}");
	feed(m, 9, "{'event':'incident','id':'i1','title':'spam','by':'alice','opened':'2030-01-01T00:00:01Z','closed':'2030-01-01T00:00:09Z'}");
	feed(m, 10, "{'event':'incident','id':'i2','title':'again','by':'bob','opened':'2030-01-01T00:00:10Z'}");
	feed(m, 11, "{'event':'incident','id':'i2','title':'again','by':'bob','opened':'2030-01-01T00:00:10Z','closed':'2030-01-01T00:00:11Z','closing':'rolled back to 6'}");
	assert_int_equal(model_n_timeline(m), 7);
	assert_string_equal(line(m, 6), "11 11 incident end i2: closed: rolled back to 6");
	assert_string_equal(line(m, 0), "1 1 incident begin i1: spam");
	assert_string_equal(line(m, 1), "4 4 act begin ack: A acknowledged");
	assert_string_equal(line(m, 2), "6 6 act begin silence: B (outcome unknown)");
	assert_string_equal(line(m, 3), "7 7 note begin note: looking");
	assert_string_equal(line(m, 4), "9 9 incident end i1: closed");
	model_free(m);
}

static void
what_is_found_afterwards_goes_where_it_happened(void **state)
{
	struct model *m = world();

	(void)state;
	feed(m, 10, "{'event':'note','by':'b','text':'one','seq':1}");
	feed(m, 100, "{'event':'note','by':'b','text':'two','seq':2}");
	for (int i = 0; i < 2; i++)
		feed(m, 200, "{'event':'timeline','entries':[{'at':'2030-01-01T00:00:50Z','kind':'alert','backfilled':true,'id':'alert:1','what':'A','text':'fired'},"
		    "{'at':'2030-01-01T00:00:60Z','kind':'alert','end':true,'backfilled':true,'id':'alert:1','what':'A','text':'resolved'}]}");
	assert_int_equal(model_n_timeline(m), 4);
	assert_string_equal(line(m, 0), "10 10 note begin note: one");
	assert_string_equal(line(m, 1), "50 200 alert begin A: fired");
	assert_string_equal(line(m, 3), "100 100 note begin note: two");
	model_free(m);
}

static void
the_past_shows_what_was_known_then(void **state)
{
	struct model *m = world();
	const struct model *then;

	(void)state;
	feed(m, 10, "{'event':'note','by':'b','text':'one','seq':1}");
	feed_alerts(m, 60, "p1", A("firing", "00:05"));
	feed(m, 100, "{'event':'timeline','entries':[{'at':'2030-01-01T00:00:02Z','kind':'alert','backfilled':true,'id':'alert:1','what':'B'}]}");
	model_advance(m, T(120));
	then = model_at(m, T(30), NULL);
	assert_non_null(then);
	assert_int_equal(model_n_timeline(then), 1);
	then = model_at(m, T(70), NULL);
	assert_int_equal(model_n_timeline(then), 2);
	assert_string_equal(line(then, 1), "5 60 alert begin A: page, it hurts");
	then = model_at(m, T(110), NULL);
	assert_string_equal(line(then, 0), "2 100 alert begin B: ");
	then = model_at(m, T(70), NULL);
	assert_int_equal(model_n_timeline(then), 2);
	feed_alerts(m, 130, "p1", "");
	model_advance(m, T(140));
	then = model_at(m, T(132), NULL);
	assert_true(model_timeline(then, model_n_timeline(then) - 1)->is_end);
	model_free(m);
}

static void
the_oldest_make_room(void **state)
{
	struct model *m = model_new(1 << 16, NS_PER_MIN);

	(void)state;
	feed_environment(m, FEED_SOURCES_ALL);
	for (int i = 1; i <= TIMELINE_MAX + 10; i++)
		feed(m, i, "{'event':'note','by':'b','text':'n','seq':%d}", i);
	assert_true(model_n_timeline(m) <= TIMELINE_MAX);
	assert_int_equal(model_n_timeline(m) + model_timeline_left_out(m), TIMELINE_MAX + 10);
	assert_int_equal(model_timeline(m, model_n_timeline(m) - 1)->seq, TIMELINE_MAX + 10);
	model_free(m);
}

static void
it_says_when_it_changed(void **state)
{
	struct model *m = world();

	(void)state;
	model_advance(m, T(1));
	model_changes(m);
	feed_alerts(m, 1, "p1", A("firing", "00:01"));
	model_advance(m, T(1));
	assert_true(model_changes(m) & MODEL_TIMELINE);
	feed_alerts(m, 2, "p1", A("firing", "00:01"));
	model_advance(m, T(2));
	assert_false(model_changes(m) & MODEL_TIMELINE);
	model_free(m);
}

static void
long_and_broken_texts_are_cut_between_characters(void **state)
{
	struct model *m = world();
	char text[1200];

	(void)state;
	for (size_t i = 0; i + 2 < sizeof text; i += 2)
		memcpy(text + i, "\xc3\xa9", 3);
	text[sizeof text - 2] = '\0';
	feed(m, 1, "{'event':'note','by':'b','text':'%s'}", text);
	assert_true(strlen(model_timeline(m, 0)->text) < sizeof text - 2);
	assert_int_equal(strlen(model_timeline(m, 0)->text) % 2, 0);
	model_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alert_begins_at_its_own_time_and_ends_when_nobody_tells_it),
		cmocka_unit_test(an_alert_keeps_its_name_when_it_is_known_by_another),
		cmocka_unit_test(a_source_that_is_stale_ends_nothing_and_is_an_entry_itself),
		cmocka_unit_test(a_source_that_never_answered_is_down),
		cmocka_unit_test(what_a_new_config_does_not_name_did_not_end),
		cmocka_unit_test(an_objective_burns_gets_worse_and_recovers),
		cmocka_unit_test(a_feature_drifts_until_it_is_steady),
		cmocka_unit_test(a_model_is_out_of_step_and_in_step_again),
		cmocka_unit_test(a_change_is_one_entry_however_often_and_roughly_it_is_told),
		cmocka_unit_test(a_note_stands_at_the_time_of_its_record),
		cmocka_unit_test(aliases_and_stages_that_move_alike_are_entries_of_their_own),
		cmocka_unit_test(a_run_begins_ends_and_tells_the_public),
		cmocka_unit_test(what_people_do_and_write),
		cmocka_unit_test(what_is_found_afterwards_goes_where_it_happened),
		cmocka_unit_test(the_past_shows_what_was_known_then),
		cmocka_unit_test(the_oldest_make_room),
		cmocka_unit_test(it_says_when_it_changed),
		cmocka_unit_test(long_and_broken_texts_are_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
