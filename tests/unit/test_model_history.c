/* What was known at a time. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/feed.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* An incident with something of every kind; t in seconds. */
static const struct {
	double t;
	const char *json;
} incident[] = {
	{ 0, "{'event':'environment','name':'prod','sources':[" FEED_SOURCES_ALL "],'queries':[{'id':'query:errors'}],'markers':[{'id':'marker:b'}]}" },
	{ 1, "{'event':'source-report','source':'am','what':'alerts','ok':true,'latency_ns':1000}" },
	{ 1, "{'event':'alerts','source':'am','alerts':[]}" },
	{ 1.5, "{'event':'source-report','source':'p1','what':'alerts','ok':false,'error':'refused'}" },
	{ 2, "{'event':'source-report','source':'p1','what':'alerts','ok':true}" },
	{ 2, "{'event':'alerts','source':'p1','alerts':[{'name':'A','labels':{'alertname':'A','severity':'page'},'state':'pending'}]}" },
	{ 2.5, "{'event':'slo-defs','slos':[{'id':'slo:a','name':'a','target':0.9,'period_ns':1,'alert_labels':{'alertname':'A'}},"
	    "{'id':'slo:b','name':'b','source':'p1','target':0.9,'period_ns':1}]}" },
	{ 3, "{'event':'series','source':'p1','type':'vector','query':'query:errors','series':[{'samples':[[1,0.5]]}]}" },
	{ 5, "{'event':'markers','source':'p1','def':'marker:b','start':'2030-01-01T00:00:00Z','end':'2030-01-01T01:00:00Z','markers':[{'what':'v7'}]}" },
	{ 7, "{'event':'alerts','source':'p1','alerts':[{'name':'A','labels':{'alertname':'A','severity':'page'},'state':'firing'}]}" },
	{ 8, "{'event':'alerts','source':'am','alerts':[{'name':'A','labels':{'alertname':'A','cluster':'lab','severity':'page'},'state':'firing','fingerprint':'f'}]}" },
	{ 9, "{'event':'slos','at':'2030-01-01T00:00:09Z','every_ns':5000000000,'slos':[{'id':'slo:a','state':'ticket'},{'id':'slo:b','state':'ok'}]}" },
	{ 30, "{'event':'targets','source':'p1','targets':[{'instance':'web-1','health':'down'}]}" },
	{ 31, "{'event':'rules','source':'p1','rules':[{'name':'r','error':'e'}]}" },
	{ 32, "{'event':'source-info','source':'am','product':'Alertmanager','version':'0.25'}" },
	{ 40, "{'event':'operation','source':'am','id':'1','verb':'ack','text':'acked','state':'started'}" },
	{ 41, "{'event':'silences','source':'am','silences':[{'id':'s','state':'active','comment':'ACK','ends':'2030-01-01T00:15:00Z'}]}" },
	{ 41, "{'event':'operation','source':'am','id':'1','verb':'ack','text':'acked','state':'done'}" },
	{ 42, "{'event':'alerts','source':'am','alerts':[{'name':'A','labels':{'alertname':'A','cluster':'lab','severity':'page'},'state':'silenced','silenced_by':['s'],'fingerprint':'f'}]}" },
	{ 42, "{'event':'source-report','source':'am','what':'alerts','ok':true}" },
	{ 43, "{'event':'groups','source':'am','groups':[{'labels':{'alertname':'A'},'receiver':'oncall','fingerprints':['f']}]}" },
	{ 50, "{'event':'source-report','source':'p1','what':'query:errors','ok':false,'error':'timeout'}" },
	{ 55, "{'event':'slo-defs','slos':[{'id':'slo:b','name':'b','source':'p1','target':0.9,'period_ns':1}]}" },
	{ 60, "{'event':'alerts','source':'p1','alerts':[]}" },
};

static struct model *
model_of_prefix(double until)
{
	struct model *m = model_new(0, 0);

	for (size_t i = 0; i < COUNT(incident); i++)
		if (incident[i].t <= until)
			feed(m, incident[i].t, "%s", incident[i].json);
	model_advance(m, T0 + (int64_t)(until * 1e9));
	return m;
}

static void
check_at(struct model *m, double t)
{
	struct model *expected = model_of_prefix(t);
	const struct model *then = model_at(m, T0 + (int64_t)(t * 1e9), NULL);
	char *a, *b;

	assert_non_null(then);
	assert_true(model_now(then) == T0 + (int64_t)(t * 1e9));
	a = feed_dump(then);
	b = feed_dump(expected);
	if (strcmp(a, b) != 0)
		fail_msg("at %g:\n%s\nexpected:\n%s", t, a, b);
	free(a);
	free(b);
	model_free(expected);
}

/* The live model as it grew turn by turn. */
static struct model *
live_model(size_t bytes)
{
	struct model *m = model_new(bytes, 0);

	for (size_t i = 0; i < COUNT(incident); i++) {
		feed(m, incident[i].t, "%s", incident[i].json);
		model_advance(m, T0 + (int64_t)(incident[i].t * 1e9));
	}
	model_advance(m, T(100));
	return m;
}

static void
at_every_boundary_it_is_what_was_known(void **state)
{
	struct model *m = live_model(0);

	(void)state;
	for (size_t i = 0; i < COUNT(incident); i++) {		/* forwards: the difference only */
		check_at(m, incident[i].t);
		check_at(m, incident[i].t + 0.25);
	}
	for (size_t i = COUNT(incident); i-- > 0;)		/* and back */
		check_at(m, incident[i].t);
	check_at(m, 99);
	model_free(m);
}

/* What fell out of the ring is in the base: later times are unchanged, earlier ones are not recorded. */
static void
a_small_ring_knows_less_but_nothing_wrong(void **state)
{
	struct model *m = live_model(8000);
	int64_t first_ns = 0;

	(void)state;
	assert_null(model_at(m, T(0), &first_ns));
	assert_true(first_ns > T(0));
	assert_true(first_ns < T(60));
	for (size_t i = 0; i < COUNT(incident); i++) {
		if (T0 + (int64_t)(incident[i].t * 1e9) > first_ns)
			check_at(m, incident[i].t);
		else if (T0 + (int64_t)(incident[i].t * 1e9) < first_ns)
			assert_null(model_at(m, T0 + (int64_t)(incident[i].t * 1e9), NULL));
	}
	model_free(m);
}

static void
age_bounds_it_too(void **state)
{
	struct model *m = model_new(0, 60 * NS_PER_S);
	int64_t first_ns = 0;

	(void)state;
	for (int t = 0; t <= 600; t++)
		feed_ok(m, t, "am", "alerts");
	model_advance(m, T(600));
	assert_null(model_at(m, T(500), &first_ns));
	assert_true(first_ns == T(539));
	assert_non_null(model_at(m, T(545), NULL));
	assert_true(model_source_find(model_at(m, T(545), NULL), "am")->last_ok_ns == T(545));
	model_free(m);
}

static void
nothing_recorded_is_said(void **state)
{
	struct model *m = model_new(0, 0);
	int64_t first_ns = 1;

	(void)state;
	model_advance(m, T(10));
	assert_null(model_at(m, T(5), &first_ns));
	assert_true(first_ns == 0);
	assert_ptr_equal(model_at(m, T(10), NULL), m);
	assert_ptr_equal(model_at(m, T(11), NULL), m);
	model_free(m);
}

/* Ranges carry their own history: the newest is shown, and does not push events out of the ring. */
static void
ranges_are_lent_from_the_present(void **state)
{
	struct model *m = model_new(20000, 0);
	const struct model_query *q;

	(void)state;
	feed_environment(m, FEED_SOURCES_ALL);
	for (int t = 1; t <= 50; t++)
		feed(m, t, "{'event':'series','source':'p1','type':'matrix','query':'query:errors','series':[{'labels':{'x':'%0900d'}}]}", t);
	feed(m, 51, "{'event':'series','source':'p1','type':'vector','query':'query:errors','series':[]}");
	model_advance(m, T(60));
	q = model_query_find(model_at(m, T(20), NULL), "query:errors");
	assert_ptr_equal(q->range, model_query_find(m, "query:errors")->range);
	assert_true(q->range_ns == T(50));
	assert_null(q->instant);
	assert_non_null(model_query_find(model_at(m, T(52), NULL), "query:errors")->instant);
	model_free(m);
}

/* An answer that comes unchanged is one block, however often it comes. */
static void
a_shared_block_counts_once(void **state)
{
	struct model *m = model_new(400000, 0);
	struct event ev = feed_event(1, "{'event':'alerts','source':'p1','alerts':[{'annotations':{'x':'%040000d'}}]}", 1);
	int64_t first_ns = 0;

	(void)state;
	feed_environment(m, FEED_SOURCES_ALL);
	for (int t = 1; t <= 100; t++) {
		ev.time_ns = T(t);
		model_apply(m, &ev);
	}
	model_advance(m, T(200));
	assert_non_null(model_at(m, T(1), &first_ns));
	assert_true(first_ns == T(0));
	event_done(&ev);
	/* Different ones of that size push the old out. */
	for (int t = 101; t <= 110; t++)
		feed(m, t, "{'event':'alerts','source':'p1','alerts':[{'annotations':{'x':'%040000d'}}]}", t);
	model_at(m, T(1), &first_ns);
	assert_true(first_ns > T(100));
	model_free(m);
}

/* After a step back, a time that was twice means the last time that it was. */
static void
a_step_back_is_the_later_time(void **state)
{
	struct model *m = model_new(0, 0);

	(void)state;
	feed_environment(m, FEED_SOURCES_ALL);
	feed_failed(m, 100, "p1", "alerts", "first");
	model_advance(m, T(100));
	feed_failed(m, 50, "p1", "alerts", "second");
	model_advance(m, T(50));
	feed_failed(m, 60, "p1", "alerts", "third");
	model_advance(m, T(70));
	assert_string_equal(model_source_find(model_at(m, T(55), NULL), "p1")->error, "second");
	assert_string_equal(model_source_find(model_at(m, T(65), NULL), "p1")->error, "third");
	assert_string_equal(model_source_find(m, "p1")->error, "third");
	model_free(m);
}

/* The past is read while the present goes on. */
static void
the_past_stays_while_the_present_moves(void **state)
{
	struct model *m = model_new(30000, 0);
	char *before;

	(void)state;
	feed_environment(m, FEED_SOURCES_ALL);
	for (int t = 1; t <= 10; t++)
		feed_ok(m, t, "am", "alerts");
	model_advance(m, T(20));
	before = feed_dump(model_at(m, T(9.5), NULL));
	for (int t = 21; t < 400; t++) {
		int64_t first_ns = 0;
		const struct model *then;
		char *now;

		feed_ok(m, t, "am", "alerts");
		model_advance(m, T(t + 1));
		then = model_at(m, T(9.5), &first_ns);
		if (then == NULL) {
			assert_true(first_ns > T(9));
			continue;
		}
		now = feed_dump(then);
		assert_string_equal(now, before);
		free(now);
	}
	assert_null(model_at(m, T(9.5), NULL));
	free(before);
	model_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_every_boundary_it_is_what_was_known),
		cmocka_unit_test(a_small_ring_knows_less_but_nothing_wrong),
		cmocka_unit_test(age_bounds_it_too),
		cmocka_unit_test(nothing_recorded_is_said),
		cmocka_unit_test(ranges_are_lent_from_the_present),
		cmocka_unit_test(a_shared_block_counts_once),
		cmocka_unit_test(a_step_back_is_the_later_time),
		cmocka_unit_test(the_past_stays_while_the_present_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
