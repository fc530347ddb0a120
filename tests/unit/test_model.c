/* The state model: merging alerts, judging sources, naming what is wrong. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "tests/unit/feed.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#define AM(name, more, state, extra) "{'name':'" name "','labels':{'alertname':'" name "','cluster':'lab'" more "},'state':'" state "'," \
	"'since':'2030-01-01T00:00:00Z','fingerprint':'f'" extra "}"
#define PROM(name, more, state) "{'name':'" name "','labels':{'alertname':'" name "'" more "},'state':'" state "'," \
	"'since':'2029-12-31T23:59:00Z','value':'1'}"

static struct model *
new_model(void)
{
	struct model *m = model_new(0, 0);

	feed_environment(m, FEED_SOURCES_ALL);
	return m;
}

/* --- merging -------------------------------------------------------------------------------------------------------------- */

static void
alerts_of_both_sides_are_one_row(void **state)
{
	static const struct {
		const char *title, *am, *p1, *p2;	/* "" the source tells of none */
		const char *rows;			/* name:state:who, in order */
	} cases[] = {
		{ "both, with external labels", AM("A", "", "firing", ""), PROM("A", "", "firing"), "", "A:firing:both " },
		{ "Alertmanager only", AM("A", "", "firing", ""), "", "", "A:firing:am " },
		{ "Prometheus only", "", PROM("A", "", "firing"), "", "A:firing:prom " },
		{ "pending is not sent on", "", PROM("A", "", "pending"), "", "A:pending:prom " },
		{ "Alertmanager's word wins", AM("A", "", "silenced", ""), PROM("A", "", "firing"), "", "A:silenced:both " },
		{ "inhibited", AM("A", "", "inhibited", ""), PROM("A", "", "firing"), "", "A:inhibited:both " },
		{ "other name", AM("A", "", "firing", ""), PROM("B", "", "firing"), "", "A:firing:am B:firing:prom " },
		{ "other value", AM("A", ",'x':'1'", "firing", ""), PROM("A", ",'x':'2'", "firing"), "", "A:firing:am A:firing:prom " },
		{ "more labels at Prometheus", AM("A", "", "firing", ""), PROM("A", ",'x':'2'", "firing"), "", "A:firing:am A:firing:prom " },
		{ "a pair of Prometheus", AM("A", "", "firing", ""), PROM("A", "", "firing"), PROM("A", "", "firing"), "A:firing:both " },
		{ "a pair without Alertmanager", "", PROM("A", "", "pending"), PROM("A", "", "firing"), "A:firing:prom " },
		{ "a pair, the other way round", "", PROM("A", "", "firing"), PROM("A", "", "pending"), "A:firing:prom " },
		{ "worst first", AM("A", "", "silenced", "") "," AM("B", ",'severity':'page'", "firing", "") "," AM("C", "", "unprocessed", ""),
		  PROM("D", "", "pending"), "", "B:firing:am C:unprocessed:am D:pending:prom A:silenced:am " },
		{ "severity, then newest, then labels", AM("A", ",'severity':'info'", "firing", "") "," AM("B", ",'severity':'ticket'", "firing", ""),
		  PROM("C", ",'severity':'ticket'", "firing") "," PROM("D", ",'severity':'page'", "firing"), "",
		  "D:firing:prom B:firing:am C:firing:prom A:firing:am " },
		{ "the fewest labels more", AM("A", ",'h':'1'", "firing", "") "," AM("A", "", "inhibited", ""), PROM("A", "", "firing"), "",
		  "A:firing:am A:inhibited:both " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model *m = new_model();
		struct buf b;

		/* In either order of arrival. */
		for (int order = 0; order < 2; order++) {
			if (order == 1)
				feed_alerts(m, 1, "am", cases[i].am);
			feed_alerts(m, 1, "p1", cases[i].p1);
			feed_alerts(m, 1, "p2", cases[i].p2);
			if (order == 0)
				feed_alerts(m, 1, "am", cases[i].am);
			model_advance(m, T(2));
			buf_init(&b, 1000);
			for (size_t j = 0; j < model_n_alerts(m); j++) {
				const struct model_alert *a = model_alert(m, j);

				buf_printf(&b, "%s:%s:%s ", a->name, alert_state_name(a->state),
				    a->am != NULL && a->prometheus != NULL ? "both" : a->am != NULL ? "am" : "prom");
				assert_ptr_equal(model_alert_find(m, a->id), a);
				assert_false(a->is_stale);
			}
			if (strcmp(b.data, cases[i].rows) != 0)
				fail_msg("%s: %s", cases[i].title, b.data);
			buf_done(&b);
		}
		model_free(m);
	}
}

/* The row a person has selected stays selected while one side after the other tells of the alert and forgets it. */
static void
the_id_lasts_as_long_as_the_alert(void **state)
{
	static const char both[] = AM("Other", ",'h':'1'", "firing", "") "," AM("A", ",'h':'1'", "firing", "");
	struct model *m = new_model();
	uint64_t id;

	(void)state;
	feed_alerts(m, 1, "p1", PROM("Other", ",'h':'1'", "firing") "," PROM("A", ",'h':'1'", "pending"));
	feed_alerts(m, 1, "am", AM("Other", ",'h':'1'", "firing", ""));
	assert_int_equal(model_n_alerts(m), 2);
	id = model_alert(m, 1)->id;
	assert_string_equal(model_alert(m, 1)->name, "A");
	feed_alerts(m, 2, "am", both);
	assert_string_equal(model_alert_find(m, id)->name, "A");
	assert_non_null(model_alert_find(m, id)->am);
	feed_alerts(m, 3, "p1", PROM("Other", ",'h':'1'", "firing"));
	assert_string_equal(model_alert_find(m, id)->name, "A");
	assert_null(model_alert_find(m, id)->prometheus);
	feed_alerts(m, 4, "p1", "");
	assert_string_equal(model_alert_find(m, id)->name, "A");
	feed_alerts(m, 5, "am", "");
	assert_null(model_alert_find(m, id));
	model_free(m);
}

/* One Alertmanager for two clusters, one of whose Prometheus we do not see. */
static void
ids_never_meet(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed_alerts(m, 1, "p1", PROM("A", "", "firing"));
	feed_alerts(m, 1, "am", AM("A", "", "firing", "") ",{'name':'A','labels':{'alertname':'A','cluster':'two'},'state':'firing'},"
	    "{'name':'A','labels':{'alertname':'A'},'state':'firing'}");
	assert_int_equal(model_n_alerts(m), 3);
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(model_alert(m, i)->id != model_alert(m, j)->id);
	model_free(m);
}

static void
a_silence_by_its_comment_is_an_ack(void **state)
{
	struct model *m = new_model();
	const struct model_alert *a;
	uint64_t id;

	(void)state;
	feed(m, 1, "{'event':'silences','source':'am','silences':["
	    "{'id':'1','state':'active','comment':'ACK looking','ends':'2030-01-01T00:15:00Z'},"
	    "{'id':'2','state':'active','comment':'planned','ends':'2030-01-01T00:10:00Z'},"
	    "{'id':'3','state':'expired','comment':'ACK old','ends':'2030-01-01T09:00:00Z'},"
	    "{'id':'4','state':'pending','comment':'later','ends':'2030-01-02T00:00:00Z'}]}");
	feed_alerts(m, 1, "am", AM("A", "", "silenced", ",'silenced_by':['1','2']") "," AM("B", "", "silenced", ",'silenced_by':['2']") ","
	    AM("C", "", "silenced", ",'silenced_by':['gone']"));
	model_advance(m, T(1));
	a = model_alert(m, 0);
	assert_string_equal(a->name, "A");
	id = a->id;
	assert_true(a->is_acked);
	assert_true(a->silenced_until_ns == T(900));
	assert_false(model_alert(m, 1)->is_acked);
	assert_true(model_alert(m, 2)->silenced_until_ns == 0);
	assert_int_equal(model_n_silences(m), 4);
	assert_string_equal(model_silence(m, 0)->silence->id, "2");
	assert_int_equal(model_silence(m, 0)->n_hides, 2);
	assert_string_equal(model_silence(m, 1)->silence->id, "1");
	assert_int_equal(model_silence(m, 1)->n_hides, 1);
	assert_string_equal(model_silence(m, 2)->silence->id, "4");
	assert_string_equal(model_silence(m, 3)->silence->id, "3");
	assert_null(model_silence_find(m, "5"));
	assert_string_equal(model_silence_find(m, "4")->source, "am");
	/* When the Alertmanager is no longer heard, its silences end all the same. */
	model_advance(m, T(899));
	assert_true(model_alert(m, 0)->is_stale);
	assert_int_equal(model_alert_find(m, id)->state, ALERT_SILENCED);
	model_advance(m, T(901));
	for (size_t i = 0; i < model_n_alerts(m); i++) {
		a = model_alert(m, i);
		assert_int_equal(a->state, a->name[0] == 'C' ? ALERT_SILENCED : ALERT_FIRING);
		assert_false(a->is_acked);
	}
	model_free(m);
}

static void
ten_thousand_alerts(void **state)
{
	enum { N = 10000 };
	struct model *m = new_model();
	struct buf am, prom;
	int64_t start_ns;

	(void)state;
	buf_init(&am, 16 << 20);
	buf_init(&prom, 16 << 20);
	for (int i = 0; i < N; i++) {
		const char *comma = i == 0 ? "" : ",";

		buf_printf(&am, "%s{'name':'A','labels':{'alertname':'A','cluster':'lab','instance':'i%d','job':'j'},'state':'firing','fingerprint':'f'}", comma, i);
		buf_printf(&prom, "%s{'name':'A','labels':{'alertname':'A','instance':'i%d','job':'j'},'state':'firing'}", comma, i + N / 2);
	}
	feed_alerts(m, 1, "am", am.data);
	feed_alerts(m, 1, "p1", prom.data);
	feed_alerts(m, 1, "p2", prom.data);
	start_ns = clock_mono_fresh();
	assert_int_equal(model_n_alerts(m), N + N / 2);
	print_message("merged in %d ms\n", (int)((clock_mono_fresh() - start_ns) / NS_PER_MS));
	assert_int_equal(model_n_problems(m), N + N / 2);
	buf_done(&am);
	buf_done(&prom);
	model_free(m);
}

/* No Prometheus sends an alert twice; what stands in for one may, and each could be looked for among all rows of Alertmanager. */
static void
the_same_alert_many_times_is_looked_for_once(void **state)
{
	enum { N = 10000 };
	struct model *m = new_model();
	size_t n_both = 0;
	struct buf am, prom;

	(void)state;
	buf_init(&am, 16 << 20);
	buf_init(&prom, 16 << 20);
	for (int i = 0; i < N; i++) {
		const char *comma = i == 0 ? "" : ",";

		buf_printf(&am, "%s{'name':'A','labels':{'alertname':'A','cluster':'c%d'},'state':'firing','since':'2030-01-01T%02d:00:00Z'}", comma, i,
		    i % 24);
		buf_printf(&prom, "%s{'name':'A','labels':{'alertname':'A'},'state':'%s','since':'2030-01-01T%02d:00:00Z'}", comma,
		    i == N - 1 ? "firing" : "pending", i % 24);
	}
	feed_alerts(m, 1, "am", am.data);
	feed_alerts(m, 1, "p1", prom.data);
	assert_int_equal(model_n_alerts(m), N);
	for (size_t i = 0; i < N; i++) {
		const struct model_alert *a = model_alert(m, i);

		n_both += a->prometheus != NULL;
		/* Firing, however late it is told, is believed. */
		assert_true(a->prometheus == NULL || a->prometheus->state == ALERT_FIRING);
	}
	assert_int_equal(n_both, 1);
	buf_done(&am);
	buf_done(&prom);
	model_free(m);
}

/* --- sources ---------------------------------------------------------------------------------------------------------------- */

static const struct model_source *
p1(const struct model *m)
{
	return model_source_find(m, "p1");
}

static void
a_source_goes_from_unknown_to_stale(void **state)
{
	struct model *m = new_model();

	(void)state;
	assert_int_equal(p1(m)->state, SOURCE_UNKNOWN);
	feed_failed(m, 1, "p1", "alerts", "connection refused");
	model_advance(m, T(1));
	assert_int_equal(p1(m)->state, SOURCE_DOWN);
	assert_string_equal(p1(m)->error, "connection refused");
	assert_true(p1(m)->since_ns == T(1));
	feed_ok(m, 2, "p1", "alerts");
	model_advance(m, T(2));
	assert_int_equal(p1(m)->state, SOURCE_OK);
	assert_string_equal(p1(m)->error, "");
	assert_true(p1(m)->since_ns == T(2));
	feed_failed(m, 3, "p1", "rules", "HTTP 500");
	model_advance(m, T(3));
	assert_int_equal(p1(m)->state, SOURCE_DEGRADED);
	assert_string_equal(p1(m)->error, "HTTP 500");
	assert_int_equal(p1(m)->n_requests, 2);
	assert_string_equal(p1(m)->requests[0].last->what, "alerts");
	assert_int_equal(p1(m)->requests[1].n_failed_in_row, 1);
	model_changes(m);
	model_advance(m, T(17));
	assert_int_equal(p1(m)->state, SOURCE_DEGRADED);
	model_advance(m, T(18));
	assert_int_equal(p1(m)->state, SOURCE_STALE);
	assert_true(p1(m)->since_ns == T(17) + 10 * NS_PER_MS);
	assert_true((model_changes(m) & (MODEL_SOURCES | MODEL_PROBLEMS)) == (MODEL_SOURCES | MODEL_PROBLEMS));
	assert_int_equal(model_changes(m), 0);
	feed_ok(m, 19, "p1", "alerts");
	feed_ok(m, 19, "p1", "rules");
	model_advance(m, T(19));
	assert_int_equal(p1(m)->state, SOURCE_OK);
	assert_true(p1(m)->since_ns == T(19));
	model_free(m);
}

/* Lines that a person asked for once never come again: neither late nor a failure of the source, and no series. */
static void
a_search_says_nothing_of_the_source(void **state)
{
	struct model *m = new_model();
	size_t n_queries = model_n_queries(m);

	(void)state;
	feed_ok(m, 1, "p1", "adhoc:lines:search:1");
	feed_failed(m, 1, "p1", "adhoc:lines:older:2", "HTTP 500");
	for (int t = 1; t < 60; t += 5) {
		feed_ok(m, t, "p1", "logs:app");
		model_advance(m, T(t));
		assert_int_equal(p1(m)->state, SOURCE_OK);
	}
	assert_int_equal(model_n_queries(m), n_queries);
	model_free(m);
}

/* Old alerts of a source whose other requests answer are old all the same. */
static void
alerts_grow_stale_on_their_own(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed_alerts(m, 1, "p1", PROM("A", "", "firing"));
	for (int t = 1; t < 40; t += 5) {
		feed_ok(m, t, "p1", "rules");
		model_advance(m, T(t));
	}
	assert_int_equal(p1(m)->state, SOURCE_DEGRADED);
	assert_true(model_alert(m, 0)->is_stale);
	assert_true(model_alert(m, 0)->seen_ns == T(1));
	/* A second one that still tells of it keeps it fresh; so does a report that the answer was the same. */
	feed_alerts(m, 36, "p2", PROM("A", "", "firing"));
	assert_false(model_alert(m, 0)->is_stale);
	feed_alerts(m, 37, "p2", "");
	assert_true(model_alert(m, 0)->is_stale);
	feed_ok(m, 38, "p1", "alerts");
	model_advance(m, T(38));
	assert_false(model_alert(m, 0)->is_stale);
	assert_true(model_alert(m, 0)->seen_ns == T(38));
	model_free(m);
}

static void
a_request_with_a_longer_period_is_not_late(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed(m, 0, "{'event':'source-report','source':'p1','what':'info','ok':true,'next_due':'2030-01-01T00:05:00Z'}");
	for (int t = 0; t <= 300; t += 5)
		feed_ok(m, t, "p1", "alerts");
	model_advance(m, T(300));
	assert_int_equal(p1(m)->state, SOURCE_OK);
	for (int t = 305; t <= 320; t += 5)
		feed_ok(m, t, "p1", "alerts");
	model_advance(m, T(320));
	assert_int_equal(p1(m)->state, SOURCE_DEGRADED);
	model_free(m);
}

/* Of several streams one is refused for its query: which, where the source says what is wrong. Else the stream has nothing to do with it. */
static void
a_refused_stream_is_named(void **state)
{
	struct model *m = model_new(0, 0);

	(void)state;
	feed_environment(m, FEED_SOURCES_ALL);
	feed(m, 1, "{'event':'source-report','source':'p1','what':'logs:app','ok':false,'error':'refused','http_status':400}");
	model_advance(m, T(1));
	assert_string_equal(p1(m)->error, "stream app: refused");
	feed(m, 2, "{'event':'source-report','source':'p1','what':'logs:app','ok':false,'error':'failed inside','http_status':500}");
	model_advance(m, T(2));
	assert_string_equal(p1(m)->error, "failed inside");
	model_free(m);
}

static void
what_is_no_longer_asked_is_forgotten(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed_failed(m, 0, "p1", "query:old", "bad query");
	feed_failed(m, 0, "p1", "adhoc:1", "parse error");
	feed_ok(m, 0, "p1", "alerts");
	model_advance(m, T(0));
	assert_int_equal(p1(m)->state, SOURCE_DEGRADED);
	assert_string_equal(p1(m)->error, "bad query");
	for (int t = 5; t <= 60; t += 5) {
		feed_ok(m, t, "p1", "alerts");
		model_advance(m, T(t));
	}
	assert_int_equal(p1(m)->n_requests, 1);
	assert_int_equal(p1(m)->state, SOURCE_OK);
	/* What a person typed does not make the source bad at any time. */
	feed_failed(m, 61, "p1", "adhoc:2", "parse error");
	model_advance(m, T(61));
	assert_int_equal(p1(m)->state, SOURCE_OK);
	assert_string_equal(model_query_find(m, "adhoc:2")->error, "parse error");
	model_free(m);
}

/* A good answer to what a person typed says nothing of the alerts, which grow old. */
static void
what_a_person_types_keeps_no_source_fresh(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed_ok(m, 1, "p1", "adhoc:1");
	model_advance(m, T(1));
	assert_int_equal(p1(m)->state, SOURCE_UNKNOWN);
	feed_ok(m, 2, "p1", "alerts");
	feed_ok(m, 30, "p1", "adhoc:2");
	model_advance(m, T(30));
	assert_int_equal(p1(m)->state, SOURCE_STALE);
	assert_true(p1(m)->last_ok_ns == T(2));
	model_free(m);
}

static void
the_clock_may_step_back(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed_alerts(m, 3600, "p1", PROM("A", "", "firing"));
	model_advance(m, T(3600));
	assert_int_equal(p1(m)->state, SOURCE_OK);
	model_advance(m, T(0));
	assert_int_equal(p1(m)->state, SOURCE_OK);
	assert_true(p1(m)->last_ok_ns == T(0));
	model_advance(m, T(20));
	assert_int_equal(p1(m)->state, SOURCE_STALE);
	assert_true(model_alert(m, 0)->is_stale);
	model_free(m);
}

static void
another_environment_is_another_world(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed_alerts(m, 1, "p1", PROM("A", "", "firing"));
	feed(m, 1, "{'event':'series','source':'p1','type':'vector','query':'query:errors','series':[]}");
	feed(m, 1, "{'event':'series','source':'p1','type':'vector','query':'query:unknown','series':[]}");
	assert_null(model_query_find(m, "query:unknown"));
	/* The same one read again keeps what is known, in the new order, without what is gone. */
	feed(m, 2, "{'event':'environment','name':'prod','sources':[{'name':'p9','type':'prometheus'},{'name':'p1','type':'prometheus'},"
	    "{'name':'p1','type':'prometheus'}],'queries':[{'id':'query:new'},{'id':'query:errors','title':'E'}]}");
	assert_int_equal(model_n_sources(m), 2);
	assert_string_equal(model_source(m, 1)->name, "p1");
	assert_int_equal(model_n_alerts(m), 1);
	assert_string_equal(model_query(m, 1)->def->title, "E");
	assert_non_null(model_query(m, 1)->instant);
	feed(m, 3, "{'event':'environment','name':'test','sources':[{'name':'p1','type':'prometheus'}]}");
	assert_int_equal(model_n_alerts(m), 0);
	assert_false(model_alerts_known(m));
	/* Late answers for the one we left. */
	feed_alerts(m, 4, "p9", PROM("A", "", "firing"));
	assert_int_equal(model_n_alerts(m), 0);
	assert_int_equal(model_n_sources(m), 1);
	model_free(m);
}

/* --- series, markers, operations ---------------------------------------------------------------------------------------------- */

static void
a_failed_query_keeps_its_last_values(void **state)
{
	struct model *m = new_model();
	const struct model_query *q;

	(void)state;
	feed(m, 1, "{'event':'series','source':'p1','type':'vector','query':'query:errors','series':[{'samples':[[1,0.5]]}]}");
	feed(m, 2, "{'event':'series','source':'p1','type':'matrix','query':'query:errors','series':[]}");
	feed_failed(m, 3, "p1", "query:errors", "timeout");
	q = model_query_find(m, "query:errors");
	assert_string_equal(q->error, "timeout");
	assert_true(q->error_ns == T(3));
	assert_true(q->instant->v[0].v[0].v == 0.5);
	assert_true(q->instant_ns == T(1));
	assert_true(q->range_ns == T(2));
	feed_ok(m, 4, "p1", "query:errors");
	assert_string_equal(q->error, "");
	for (int i = 0; i < 3000; i++)
		feed(m, 5 + i, "{'event':'series','source':'p1','type':'scalar','query':'adhoc:%d','series':[]}", i);
	assert_true(model_n_queries(m) <= 1024);
	assert_non_null(model_query_find(m, "adhoc:2999"));
	assert_non_null(model_query_find(m, "query:errors"));
	model_free(m);
}

static void
markers_of_several_ranges_add_up(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed(m, 1, "{'event':'markers','def':'marker:build','start':'2030-01-01T00:00:00Z','end':'2030-01-01T01:00:00Z','markers':["
	    "{'at':'2030-01-01T00:10:00Z','what':'a'},{'at':'2030-01-01T00:50:00Z','what':'b'}]}");
	feed(m, 2, "{'event':'markers','def':'marker:build','start':'2030-01-01T00:30:00Z','end':'2030-01-01T02:00:00Z','markers':["
	    "{'at':'2030-01-01T00:51:00Z','what':'c'}]}");
	feed(m, 2, "{'event':'markers','def':'marker:other','start':'2030-01-01T00:30:00Z','end':'2030-01-01T02:00:00Z','markers':[{'what':'x'}]}");
	feed(m, 3, "{'event':'operation','id':'1','verb':'ack','text':'acknowledged','state':'started'}");
	assert_int_equal(model_n_markers(m), 2);
	assert_string_equal(model_marker(m, 0)->what, "c");
	assert_string_equal(model_marker(m, 1)->what, "a");
	feed(m, 4, "{'event':'operation','id':'1','verb':'ack','text':'acknowledged','state':'done'}");
	assert_int_equal(model_n_markers(m), 3);
	assert_int_equal(model_marker(m, 2)->kind, MARKER_ACTION);
	assert_int_equal(model_n_operations(m), 1);
	assert_true(model_operation_ns(m, 0) == T(4));
	for (int i = 0; i < 200; i++)
		feed(m, 5 + i, "{'event':'operation','id':'n%d','state':'failed'}", i);
	assert_int_equal(model_n_operations(m), 64);
	assert_string_equal(model_operation(m, 0)->id, "n199");
	model_free(m);
}

/* --- problems and health --------------------------------------------------------------------------------------------------------- */

#define ALL_QUIET 1u	/* all three sources have answered without alerts before the case */

static void
health_follows_from_problems(void **state)
{
	static const struct {
		const char *title;
		unsigned flags;
		const char *source, *alerts;	/* alerts it tells of; NULL: source fails instead */
		enum health health;
		size_t n;
		const char *text, *evidence;	/* of the first problem */
	} cases[] = {
		{ "all quiet", ALL_QUIET, "am", "", HEALTH_OK, 0, NULL, NULL },
		{ "page", ALL_QUIET, "am", AM("A", ",'severity':'page'", "firing", ",'annotations':{'summary':'it burns'}"), HEALTH_CRITICAL, 1,
		  "it burns", "Alertmanager only" },
		{ "critical is a page", ALL_QUIET, "p1", PROM("A", ",'severity':'critical'", "firing"), HEALTH_CRITICAL, 1,
		  "severity=critical", "Prometheus only" },
		{ "ticket", ALL_QUIET, "am", AM("A", ",'severity':'ticket'", "firing", ""), HEALTH_WARNING, 1, "cluster=lab severity=ticket", NULL },
		{ "not ranked", ALL_QUIET, "am", AM("A", "", "firing", ""), HEALTH_WARNING, 1, NULL, NULL },
		{ "unprocessed counts", ALL_QUIET, "am", AM("A", ",'severity':'page'", "unprocessed", ""), HEALTH_CRITICAL, 1, NULL, NULL },
		{ "info does not", ALL_QUIET, "am", AM("A", ",'severity':'info'", "firing", ""), HEALTH_OK, 1, NULL, NULL },
		{ "watchdog", ALL_QUIET, "am", AM("A", ",'severity':'none'", "firing", ""), HEALTH_OK, 0, NULL, NULL },
		{ "silenced", ALL_QUIET, "am", AM("A", ",'severity':'page'", "silenced", ""), HEALTH_OK, 0, NULL, NULL },
		{ "inhibited", ALL_QUIET, "am", AM("A", ",'severity':'page'", "inhibited", ""), HEALTH_OK, 0, NULL, NULL },
		{ "pending", ALL_QUIET, "p1", PROM("A", ",'severity':'page'", "pending"), HEALTH_OK, 1, NULL, "Prometheus" },
		{ "a source that does not answer", 0, "am", NULL, HEALTH_UNKNOWN, 3, NULL, "never seen" },
		{ "a page outranks what is unknown", 0, "am", AM("A", ",'severity':'page'", "firing", ""), HEALTH_CRITICAL, 3, NULL, NULL },
		{ "unknown outranks a ticket", 0, "am", AM("A", ",'severity':'ticket'", "firing", ""), HEALTH_UNKNOWN, 3,
		  "has not answered yet", "never seen" },
		{ "alerts fail where they once answered", ALL_QUIET, "p1", NULL, HEALTH_WARNING, 1, "1 of 1 requests fail: refused", "last seen 2s ago" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model *m = new_model();
		const struct problem *p;

		for (size_t s = 0; (cases[i].flags & ALL_QUIET) && s < model_n_sources(m); s++)
			feed_alerts(m, 1, model_source(m, s)->name, "");
		if (cases[i].alerts != NULL)
			feed_alerts(m, 2, cases[i].source, cases[i].alerts);
		else
			feed_failed(m, 2, cases[i].source, "alerts", "refused");
		model_advance(m, T(3));
		if (model_health(m) != cases[i].health || model_n_problems(m) != cases[i].n)
			fail_msg("%s: %s, %zu problems", cases[i].title, health_name(model_health(m)), model_n_problems(m));
		p = cases[i].n == 0 ? NULL : model_problem(m, 0);
		if (cases[i].text != NULL)
			assert_string_equal(p->text, cases[i].text);
		if (cases[i].evidence != NULL)
			assert_string_equal(p->evidence, cases[i].evidence);
		model_free(m);
	}
}

/* --status at its worst moment: nothing has answered, nothing is configured, nothing is known. */
static void
nothing_known_is_never_green(void **state)
{
	struct model *m = model_new(0, 0);

	(void)state;
	assert_int_equal(model_health(m), HEALTH_UNKNOWN);
	assert_string_equal(model_problem(m, 0)->text, "no source that tells of alerts has answered");
	feed(m, 0, "{'event':'environment','name':'prod','sources':[{'name':'logs','type':'loki'}]}");
	feed_ok(m, 1, "logs", "labels");
	model_advance(m, T(1));
	assert_int_equal(model_health(m), HEALTH_UNKNOWN);
	assert_int_equal(model_n_problems(m), 1);
	assert_true(model_problem(m, 0)->is_unknown);
	model_free(m);
}

static void
stale_evidence_says_its_age(void **state)
{
	struct model *m = new_model();
	bool has_alert = false;

	(void)state;
	for (size_t s = 0; s < model_n_sources(m); s++)
		feed_alerts(m, 1, model_source(m, s)->name, s == 0 ? AM("A", ",'severity':'page'", "firing", "") : "");
	feed_failed(m, 40, "am", "alerts", "timeout");
	feed_ok(m, 40, "p1", "alerts");
	feed_ok(m, 40, "p2", "alerts");
	model_advance(m, T(42));
	assert_int_equal(model_health(m), HEALTH_CRITICAL);
	assert_int_equal(model_n_problems(m), 2);
	for (size_t i = 0; i < 2; i++) {
		const struct problem *p = model_problem(m, i);

		has_alert |= p->kind == PROBLEM_ALERT;
		assert_string_equal(p->evidence, p->kind == PROBLEM_ALERT ? "Alertmanager only, last seen 41s ago" : "last seen 41s ago");
		if (p->kind == PROBLEM_SOURCE)
			assert_string_equal(p->text, "no good answer for 41s: timeout");
	}
	assert_true(has_alert);
	model_changes(m);
	model_advance(m, T(43));
	assert_true(model_changes(m) & MODEL_PROBLEMS);
	assert_non_null(strstr(model_problem(m, 0)->evidence, "42s"));
	model_free(m);
}

static void
targets_and_rules_are_summed_up(void **state)
{
	struct model *m = new_model();
	const struct problem *p;

	(void)state;
	for (size_t s = 0; s < model_n_sources(m); s++)
		feed_alerts(m, 1, model_source(m, s)->name, "");
	/* The counts beside the list are not trusted. */
	feed(m, 1, "{'event':'targets','source':'p1','n_down':99,'targets':[{'instance':'web-1','health':'up'},"
	    "{'instance':'web-2','health':'down'},{'instance':'web-3','health':'down'}]}");
	feed(m, 2, "{'event':'targets','source':'p1','targets':[{'instance':'web-1','health':'up'},{'instance':'web-2','health':'down'}]}");
	feed(m, 2, "{'event':'rules','source':'p1','rules':[{'name':'fine'},{'name':'R','error':'no such function'}]}");
	model_advance(m, T(3));
	assert_int_equal(model_n_problems(m), 2);
	p = model_problem(m, 0);
	assert_int_equal(p->kind, PROBLEM_RULES);
	assert_string_equal(p->text, "1 of 2 rules fail: R: no such function");
	p = model_problem(m, 1);
	assert_int_equal(p->kind, PROBLEM_TARGETS);
	assert_string_equal(p->text, "1 of 2 targets down: web-2");
	assert_true(p->since_ns == T(1));
	assert_int_equal(model_health(m), HEALTH_WARNING);
	model_free(m);
}

/* --- matchers ----------------------------------------------------------------------------------------------------------------------- */

static void
matchers_are_anchored_and_limited(void **state)
{
	static const struct label v[] = { { "alertname", "A" }, { "host", "web-01" }, { "long", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!" } };
	static const struct {
		struct matcher m;
		bool is_match, is_bad;
	} cases[] = {
		{ { "host", "web-01", false, true }, true, false }, { { "host", "web", false, true }, false, false },
		{ { "host", "web-01", false, false }, false, false }, { { "none", "", false, true }, true, false },
		{ { "none", "", false, false }, false, false }, { { "host", "web", true, true }, false, false },
		{ { "host", "web-[0-9]+", true, true }, true, false }, { { "host", "a|web-.*", true, true }, true, false },
		{ { "host", "web|web-01", true, true }, true, false }, { { "host", "web-.*", true, false }, false, false },
		{ { "none", ".+", true, true }, false, false }, { { "none", ".*", true, true }, true, false },
		{ { "host", "(", true, true }, false, true }, { { "host", "(", true, false }, false, true },
		{ { "long", "(a+)+[bc]", true, true }, false, true }, { { "long", "(a+)+[bc]", true, false }, false, true },
	};
	const struct labels labels = { COUNT(v), v };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool is_bad = false;

		if (matchers_match(&cases[i].m, 1, &labels, &is_bad) != cases[i].is_match || is_bad != cases[i].is_bad)
			fail_msg("%s %s", cases[i].m.name, cases[i].m.value);
	}
	assert_true(matchers_match(NULL, 0, &labels, NULL));
}

static void
a_set_of_matchers_tells_what_it_cannot_tell(void **state)
{
	static const struct label v[] = { { "host", "web-01" }, { "long", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!" } };
	const struct labels labels = { COUNT(v), v };
	const struct matcher fine[] = { { "host", "web-[0-9]+", true, true }, { "none", "", false, true } };
	const struct matcher costly[] = { { "long", "(a+)+[bc]", true, false } };
	const struct matcher other[] = { { "long", "(a+)+[bc]", true, true }, { "host", "web-02", false, true } };
	const struct matcher bad[] = { { "host", "web-[", true, true } };
	struct matcher_set *set;
	struct err err = ERR_INIT;

	(void)state;
	set = matcher_set_new(fine, COUNT(fine), &err);
	for (int i = 0; i < 3; i++)
		assert_int_equal(matcher_set_match(set, &labels), MATCHER_YES);
	matcher_set_free(set);
	set = matcher_set_new(costly, COUNT(costly), &err);
	assert_int_equal(matcher_set_match(set, &labels), MATCHER_UNKNOWN);
	matcher_set_free(set);
	/* What is cheap decides first. */
	set = matcher_set_new(other, COUNT(other), &err);
	assert_int_equal(matcher_set_match(set, &labels), MATCHER_NO);
	matcher_set_free(set);
	assert_null(matcher_set_new(bad, COUNT(bad), &err));
	assert_non_null(strstr(err.msg, "host=~web-["));
	matcher_set_free(NULL);
}

/* Each try is cheap, and there is no end of them: the set gives up, and stays so. */
static void
a_set_of_matchers_has_a_budget(void **state)
{
	static const struct label v[] = { { "host", "web-01" } };
	const struct labels labels = { COUNT(v), v }, none = { 0, NULL };
	const struct matcher m[] = { { "host", "web-.*", true, true } };
	struct matcher_set *set = matcher_set_new(m, COUNT(m), NULL);
	long n = 0;

	(void)state;
	while (n < 1000 * 1000 && matcher_set_match(set, &labels) == MATCHER_YES)
		n++;
	assert_in_range(n, 100 * 1000, 1000 * 1000 - 1);
	assert_int_equal(matcher_set_match(set, &none), MATCHER_UNKNOWN);
	matcher_set_free(set);
}

static void
a_matcher_that_cannot_be_tried_is_named(void **state)
{
	const struct matcher v[] = { { "a", "fine.*", true, true }, { "host", "web-[", true, false } };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(matchers_check(v, 1, &err), 0);
	assert_int_equal(matchers_check(v, 2, &err), ERR_INVALID);
	assert_non_null(strstr(err.msg, "host!~web-["));
}

/* --- odd events ------------------------------------------------------------------------------------------------------------------------ */

static void
odd_times_and_names_do_no_harm(void **state)
{
	static const char *const times[] = { "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2262-04-11T23:47:16Z" };
	struct model *m = model_new(0, 0);
	char *text;

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		feed(m, 0, "{'event':'source-report','time':'%s','source':'s%zu','what':'query:x','ok':true,'next_due':'%s',"
		    "'latency_ns':9223372036854775807}", times[i], i, times[COUNT(times) - 1 - i]);
		feed(m, 0, "{'event':'source-report','time':'%s','source':'s%zu','what':'','ok':false}", times[i], i);
		feed(m, 0, "{'event':'alerts','time':'%s','source':'s%zu','alerts':[{'since':'%s'},{'labels':{'a':''},'state':'silenced',"
		    "'silenced_by':['','x']}]}", times[i], i, times[i]);
		feed(m, 0, "{'event':'silences','time':'%s','source':'s%zu','silences':[{'ends':'%s'}]}", times[i], i, times[i]);
		feed(m, 0, "{'event':'markers','time':'%s','markers':[{'at':'%s'}]}", times[i], times[i]);
		feed(m, 0, "{'event':'operation','time':'%s'}", times[i]);
		feed(m, 0, "{'event':'series','time':'%s','source':'','query':''}", times[i]);
		for (size_t j = 0; j < 3; j++)
			model_advance(m, j == 0 ? INT64_MIN : j == 1 ? INT64_MAX : T(1));
		text = feed_dump(m);
		assert_non_null(text);
		free(text);
	}
	/* A state that is not Prometheus' to give. */
	feed(m, 0, "{'event':'alerts','source':'prom','alerts':[{'labels':{'b':''},'state':'silenced','silenced_by':['x']}]}");
	assert_int_equal(model_n_alerts(m), 3);
	feed(m, 0, "{'event':'environment','sources':[{'interval_ns':9223372036854775807},{'name':'x','interval_ns':-1}]}");
	model_advance(m, INT64_MAX);
	text = feed_dump(m);
	assert_non_null(text);
	free(text);
	model_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_stream_is_named),
		cmocka_unit_test(alerts_of_both_sides_are_one_row),
		cmocka_unit_test(the_id_lasts_as_long_as_the_alert),
		cmocka_unit_test(ids_never_meet),
		cmocka_unit_test(a_silence_by_its_comment_is_an_ack),
		cmocka_unit_test(ten_thousand_alerts),
		cmocka_unit_test(the_same_alert_many_times_is_looked_for_once),
		cmocka_unit_test(a_search_says_nothing_of_the_source),
		cmocka_unit_test(a_source_goes_from_unknown_to_stale),
		cmocka_unit_test(alerts_grow_stale_on_their_own),
		cmocka_unit_test(a_request_with_a_longer_period_is_not_late),
		cmocka_unit_test(what_is_no_longer_asked_is_forgotten),
		cmocka_unit_test(what_a_person_types_keeps_no_source_fresh),
		cmocka_unit_test(the_clock_may_step_back),
		cmocka_unit_test(another_environment_is_another_world),
		cmocka_unit_test(a_failed_query_keeps_its_last_values),
		cmocka_unit_test(markers_of_several_ranges_add_up),
		cmocka_unit_test(health_follows_from_problems),
		cmocka_unit_test(nothing_known_is_never_green),
		cmocka_unit_test(stale_evidence_says_its_age),
		cmocka_unit_test(targets_and_rules_are_summed_up),
		cmocka_unit_test(matchers_are_anchored_and_limited),
		cmocka_unit_test(a_set_of_matchers_tells_what_it_cannot_tell),
		cmocka_unit_test(a_set_of_matchers_has_a_budget),
		cmocka_unit_test(a_matcher_that_cannot_be_tried_is_named),
		cmocka_unit_test(odd_times_and_names_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
