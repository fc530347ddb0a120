/* The decoders on what no recorded answer shows: other orders, other servers, limits, and answers that are not answers. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/model.h"
#include "source/prometheus.h"
#include "source/source.h"
#include "ui/view.h"

/* One decoder run; the outcome is an event (owned) or an error. */
struct result {
	struct event_list events;
	struct err err;
};

static struct result
run(const struct decoder_ops *ops, long status, const char *type, const char *body, size_t len, size_t series_max)
{
	const struct decode_ctx ctx = { .source = "s", .query = "query:q", .series_max = series_max, .requested_ns = 5 };
	const struct answer answer = { .status = status, .content_type = type };
	struct result o = { .err = ERR_INIT };
	struct decoder *d = decoder_new(ops, &ctx);

	assert_int_equal(decoder_start(d, &answer), 0);
	if (decoder_push(d, body, len, &o.err) == 0)
		decoder_finish(d, &o.events, &o.err);
	decoder_free(d);
	return o;
}

static struct result
query(const char *body)
{
	return run(&prometheus_query_decoder, 200, "application/json", body, strlen(body), 100);
}

static const struct series_set *
set_of(const struct result *o)
{
	if (o->err.code != 0)
		fail_msg("%s", o->err.msg);
	assert_int_equal(o->events.n, 1);
	assert_int_equal(o->events.v[0].kind, EVENT_SERIES);
	return o->events.v[0].block;
}

static const struct decoder_ops *
poll_decoder(const struct source_ops *type, const char *what)
{
	const struct poll *p;

	for (p = type->polls; p->what != NULL; p++)
		if (strcmp(p->what, what) == 0)
			return p->decoder;
	fail_msg("no poll %s", what);
	return NULL;
}

/* --- queries that are fine ---------------------------------------------------------------------------------------- */

static void
test_any_order(void **state)
{
	struct result o = query("{\"infos\":[\"i\"],\"data\":{\"stats\":{\"a\":[{}]},\"result\":[{\"values\":[[1,\"1\"],[2.5,\"2\"]],"
	    "\"extra\":[[1]],\"metric\":{\"b\":\"2\",\"a\":\"1\"}}],\"resultType\":\"matrix\"},\"x\":null,\"status\":\"success\"}");
	const struct series_set *set = set_of(&o);

	(void)state;
	assert_int_equal(set->type, SERIES_MATRIX);
	assert_int_equal(set->n, 1);
	assert_string_equal(labels_get(&set->v[0].labels, "a"), "1");
	assert_string_equal(set->v[0].labels.v[1].name, "b");
	assert_int_equal(set->v[0].n, 2);
	assert_true(set->v[0].v[1].t_ns == 2500000000 && set->v[0].v[1].v == 2);
	assert_int_equal(set->infos.n, 1);
	assert_string_equal(set->query, "query:q");
	event_list_done(&o.events);
}

static void
test_unsorted_samples(void **state)
{
	struct result o = query("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},"
	    "\"values\":[[3,\"3\"],[1,\"1\"],[2,\"old\"],[2,\"2\"]]}]}}");

	(void)state;
	assert_int_equal(o.err.code, ERR_INVALID);	/* "old" is no number */
	o = query("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},"
	    "\"values\":[[3,\"3\"],[1,\"1\"],[2,\"7\"],[2,\"2\"]]}]}}");
	const struct series *s = set_of(&o)->v;

	assert_int_equal(s->n, 3);
	for (int i = 0; i < 3; i++)
		assert_true(s->v[i].t_ns == (i + 1) * NS_PER_S && s->v[i].v == i + 1);
	event_list_done(&o.events);
}

static void
test_series_max(void **state)
{
	struct buf b;
	struct result o;
	int i;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_addstr(&b, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[");
	for (i = 0; i < 250; i++)
		buf_printf(&b, "%s{\"metric\":{\"i\":\"%d\"},\"value\":[1,\"%d\"]}", i > 0 ? "," : "", i, i);
	buf_addstr(&b, "]}}");
	o = query(b.data);
	assert_int_equal(set_of(&o)->n, 100);
	assert_int_equal(set_of(&o)->n_left_out, 150);
	assert_string_equal(labels_get(&set_of(&o)->v[99].labels, "i"), "99");
	event_list_done(&o.events);
	buf_done(&b);
}

/* Equal texts are one text; the memory kept does not grow with their repetition. */
static void
test_labels_are_shared(void **state)
{
	struct result o = query("{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
	    "{\"metric\":{\"job\":\"web\",\"x\":\"1\"},\"value\":[1,\"1\"]},{\"metric\":{\"job\":\"api\",\"x\":\"1\"},\"value\":[1,\"1\"]},"
	    "{\"metric\":{\"job\":\"web\",\"x\":\"2\"},\"value\":[1,\"1\"]}]}}");
	const struct series *v = set_of(&o)->v;

	(void)state;
	assert_ptr_equal(labels_get(&v[0].labels, "job"), labels_get(&v[2].labels, "job"));
	assert_ptr_equal(v[0].labels.v[0].name, v[1].labels.v[0].name);
	assert_ptr_equal(labels_get(&v[0].labels, "x"), labels_get(&v[1].labels, "x"));
	event_list_done(&o.events);
}

static void
test_nul_and_utf8(void **state)
{
	struct result o = query("{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":"
	    "{\"n\\u0000m\":\"a\\u0000\",\"\xc3\xbc\":\"\\ud83d\\ude00\"},\"value\":[1,\"1\"]}]},\"warnings\":[\"w\\u0000\"]}");
	const struct series_set *set = set_of(&o);

	(void)state;
	assert_string_equal(labels_get(&set->v[0].labels, "n\xe2\x90\x80m"), "a\xe2\x90\x80");
	assert_string_equal(labels_get(&set->v[0].labels, "\xc3\xbc"), "\xf0\x9f\x98\x80");
	assert_string_equal(set->warnings.v[0], "w\xe2\x90\x80");
	event_list_done(&o.events);
}

static void
test_victoriametrics(void **state)
{
	struct result o = query("{\"status\":\"success\",\"isPartial\":true,\"data\":{\"resultType\":\"vector\",\"result\":["
	    "{\"metric\":{\"__name__\":\"up\"},\"value\":[1795311904,\"1\"]}]},\"stats\":{\"seriesFetched\": \"1\",\"executionTimeMsec\":0}}");
	const struct series_set *set = set_of(&o);

	(void)state;
	assert_int_equal(set->n, 1);
	assert_int_equal(set->warnings.n, 1);
	assert_non_null(strstr(set->warnings.v[0], "partial"));
	event_list_done(&o.events);
}

static void
test_many_warnings(void **state)
{
	struct buf b;
	struct result o;
	const struct series_set *set;
	int i;

	(void)state;
	buf_init(&b, 1 << 16);
	buf_addstr(&b, "{\"status\":\"success\",\"isPartial\":true,\"data\":{\"resultType\":\"vector\",\"result\":[]},\"warnings\":[\"0\"");
	for (i = 1; i < 100; i++)
		buf_printf(&b, ",\"%d\"", i);
	buf_addstr(&b, "]}");
	o = query(b.data);
	set = set_of(&o);
	assert_int_equal(set->warnings.n, 34);
	assert_string_equal(set->warnings.v[33], "and 68 more");
	event_list_done(&o.events);
	buf_done(&b);
}

/* --- queries that are not ------------------------------------------------------------------------------------------ */

#define RESULT(type, result) "{\"status\":\"success\",\"data\":{\"resultType\":\"" type "\",\"result\":" result "}}"
#define SERIES(members) RESULT("matrix", "[{\"metric\":{}," members "}]")

static void
test_not_answers(void **state)
{
	static const struct {
		const char *body;
		int code;
		const char *says;
	} cases[] = {
		{ "", ERR_SYNTAX, "" },
		{ "  <!DOCTYPE html><html>", ERR_INVALID, "an HTML page, not a Prometheus answer: is there a login or a proxy in between?" },
		{ "{}", ERR_INVALID, "check the source's url and type" },
		{ "[]", ERR_INVALID, "byte 0" },
		{ "17", ERR_INVALID, "" },
		{ "\"x\"", ERR_INVALID, "" },
		{ "null", ERR_INVALID, "" },
		{ "{\"status\":\"success\"}", ERR_INVALID, "data.result" },
		{ "{\"status\":\"success\",\"data\":null}", ERR_INVALID, "data.result" },
		{ "{\"status\":\"success\",\"data\":[]}", ERR_INVALID, "" },
		{ "{\"status\":\"success\",\"data\":5}", ERR_INVALID, "" },
		{ "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"1:7: parse error\"}", ERR_REFUSED, "Prometheus refuses: 1:7: parse error" },
		{ "{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"slow\"}", ERR_TIMEOUT, "ask for less" },
		{ "{\"status\":\"error\"}", ERR_REFUSED, "does not say why" },
		{ RESULT("streams", "[]"), ERR_UNSUPPORTED, "\"streams\"" },
		{ RESULT("scalar", "[]"), ERR_INVALID, "scalar" },
		{ RESULT("scalar", "[1]"), ERR_INVALID, "" },
		{ RESULT("scalar", "[1,\"x\"]"), ERR_INVALID, "scalar" },
		{ RESULT("scalar", "[1,\"2\",\"3\"]"), ERR_INVALID, "" },
		{ RESULT("vector", "[1,\"2\"]"), ERR_INVALID, "vector" },
		{ RESULT("vector", "{}"), ERR_INVALID, "" },
		{ RESULT("vector", "[null]"), ERR_INVALID, "" },
		{ SERIES("\"values\":{}"), ERR_INVALID, "" },
		{ SERIES("\"values\":\"x\""), ERR_INVALID, "" },
		{ SERIES("\"values\":[5]"), ERR_INVALID, "values" },
		{ SERIES("\"values\":[[1]]"), ERR_INVALID, "sample" },
		{ SERIES("\"values\":[[1,\"2\",3]]"), ERR_INVALID, "sample" },
		{ SERIES("\"values\":[[1,2]]"), ERR_INVALID, "sample" },
		{ SERIES("\"values\":[[\"1\",\"2\"]]"), ERR_INVALID, "sample" },
		{ SERIES("\"values\":[[1,\"\"]]"), ERR_INVALID, "sample" },
		{ SERIES("\"values\":[[1,\"0x10\"]]"), ERR_INVALID, "sample" },
		{ SERIES("\"values\":[[1e300,\"1\"]]"), ERR_INVALID, "sample" },
		{ SERIES("\"values\":[[1,null]]"), ERR_INVALID, "sample" },
		{ SERIES("\"values\":[[1,true]]"), ERR_INVALID, "sample" },
		{ SERIES("\"histogram\":[1,{}]"), ERR_INVALID, "histogram" },
		{ SERIES("\"histogram\":[{\"count\":\"1\",\"sum\":\"1\"},1]"), ERR_INVALID, "histogram" },
		{ SERIES("\"histogram\":[1,{\"count\":\"1\",\"sum\":\"1\",\"buckets\":[[4,\"1\",\"2\",\"3\"]]}]"), ERR_INVALID, "bucket" },
		{ SERIES("\"histogram\":[1,{\"count\":\"1\",\"sum\":\"1\",\"buckets\":[[0,\"1\",\"2\"]]}]"), ERR_INVALID, "bucket" },
		{ RESULT("vector", "[{\"metric\":{\"a\":1},\"value\":[1,\"1\"]}]"), ERR_INVALID, "metric" },
		{ RESULT("vector", "[{\"metric\":{\"a\":{}},\"value\":[1,\"1\"]}]"), ERR_INVALID, "metric" },
		{ RESULT("vector", "[{\"metric\":{\"a\":\"1\",\"a\":\"2\"},\"value\":[1,\"1\"]}]"), ERR_INVALID, "label twice" },
		{ "{\"status\":\"success\",\"warnings\":[1]}", ERR_INVALID, "warnings" },
		{ RESULT("vector", "[]") "x", ERR_SYNTAX, "" },
		{ "{\"status\":\"suc", ERR_SYNTAX, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct result o = query(cases[i].body);

		if (o.events.n != 0 || o.err.code != cases[i].code || strstr(o.err.msg, cases[i].says) == NULL)
			fail_msg("%s: got %s \"%s\"", cases[i].body, err_code_name(o.err.code), o.err.msg);
	}
}

/* An error stays the answer's outcome, whatever is pushed after it. */
static void
test_error_stays(void **state)
{
	const struct decode_ctx ctx = { .source = "s", .query = "", .series_max = 1 };
	const struct answer answer = { .status = 200, .content_type = "" };
	struct decoder *d = decoder_new(&prometheus_query_decoder, &ctx);
	struct event_list events = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	decoder_start(d, &answer);
	assert_int_equal(decoder_push(d, "<", 1, &err), ERR_INVALID);
	assert_int_equal(decoder_push(d, "{}", 2, NULL), ERR_INVALID);
	err = (struct err)ERR_INIT;
	assert_int_equal(decoder_finish(d, &events, &err), ERR_INVALID);
	assert_non_null(strstr(err.msg, "HTML"));
	assert_int_equal(events.n, 0);
	decoder_free(d);
}

/* --- times --------------------------------------------------------------------------------------------------------- */

static void
test_times(void **state)
{
	static const struct {
		const char *text;
		int code;
		int64_t ns;
	} cases[] = {
		{ "0", 0, 0 },
		{ "1795311904", 0, INT64_C(1795311904000000000) },
		{ "1795311904.5", 0, INT64_C(1795311904500000000) },
		{ "1795311904.500", 0, INT64_C(1795311904500000000) },
		{ "1795311904.123456789", 0, INT64_C(1795311904123456789) },
		{ "1795311904.1234567899", 0, INT64_C(1795311904123456789) },
		{ "1.7953119045e9", 0, INT64_C(1795311904500000000) },
		{ "17953119045E-1", 0, INT64_C(1795311904500000000) },
		{ "-1.5", 0, -1500000000 },
		{ "0.000000001", 0, 1 },
		{ "1e-9", 0, 1 },
		{ "1e-10", 0, 0 },
		{ "1e-99999999999", 0, 0 },
		{ "0e99999999999", 0, 0 },
		{ "0.0000000000000000000000000000001e31", 0, 1000000000 },
		{ "9223372036.854775807", 0, INT64_MAX },
		{ "9223372036.854775808", ERR_SYNTAX, 0 },
		{ "1e10", ERR_SYNTAX, 0 },
		{ "1e99999999999", ERR_SYNTAX, 0 },
		{ "", ERR_SYNTAX, 0 },
		{ "-", ERR_SYNTAX, 0 },
		{ ".", ERR_SYNTAX, 0 },
		{ "1e", ERR_SYNTAX, 0 },
		{ "1e+", ERR_SYNTAX, 0 },
		{ "1 ", ERR_SYNTAX, 0 },
		{ "1.2.3", ERR_SYNTAX, 0 },
		{ "NaN", ERR_SYNTAX, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t ns = 0;
		int r = prometheus_time(cases[i].text, strlen(cases[i].text), &ns);

		if (r != cases[i].code || ns != cases[i].ns)
			fail_msg("%s: got %d, %lld", cases[i].text, r, (long long)ns);
	}
}

/* --- small answers ------------------------------------------------------------------------------------------------- */

static void
test_small_answers(void **state)
{
	static const struct {
		const struct source_ops *type;
		const char *what, *body;
		int code;
		const char *says;
	} cases[] = {
		{ &source_prometheus, "alerts", "{\"status\":\"success\",\"data\":{}}", 0, "" },
		{ &source_prometheus, "alerts", "{\"status\":\"success\",\"data\":{\"alerts\":null}}", 0, "" },
		{ &source_prometheus, "alerts", "{\"status\":\"success\",\"data\":{\"alerts\":{}}}", ERR_INVALID, "data.alerts is not a list" },
		{ &source_prometheus, "alerts", "{\"status\":\"success\",\"data\":{\"alerts\":[{\"labels\":{}},{}]}}", ERR_INVALID, "alert 2: labels is missing" },
		{ &source_prometheus, "alerts", "{\"status\":\"success\",\"data\":{\"alerts\":[{\"labels\":{\"a\":1}}]}}", ERR_INVALID, "not a string" },
		{ &source_prometheus, "alerts", "{\"status\":\"success\",\"data\":{\"alerts\":[{\"labels\":{},\"activeAt\":\"then\"}]}}", ERR_INVALID,
		    "alert 1: activeAt is not a time" },
		{ &source_prometheus, "alerts", "{\"status\":\"success\"}", ERR_INVALID, "check the source's url and type" },
		{ &source_prometheus, "alerts", "\n<html>", ERR_INVALID, "HTML page" },
		{ &source_prometheus, "alerts", "", ERR_SYNTAX, "the body is empty" },
		{ &source_prometheus, "alerts", "pong \x1b[2J", ERR_SYNTAX, "the body begins: pong \\x1B[2J" },
		{ &source_prometheus, "rules", "{\"status\":\"success\",\"data\":{\"groups\":[{\"rules\":[{\"lastEvaluation\":1}]}]}}", ERR_INVALID,
		    "rule group 1, rule 1: lastEvaluation" },
		{ &source_prometheus, "rules", "{\"status\":\"success\",\"data\":{\"groups\":[{},{\"rules\":null}]}}", 0, "" },
		{ &source_prometheus, "targets", "{\"status\":\"success\",\"data\":{\"activeTargets\":[1,{}]}}", 0, "" },
		{ &source_prometheus, "buildinfo", "{\"status\":\"success\",\"data\":{}}", ERR_INVALID, "no version" },
		{ &source_alertmanager, "alerts", "<a>", ERR_INVALID, "an HTML page, not an Alertmanager answer" },
		{ &source_alertmanager, "alerts", "[]", 0, "" },
		{ &source_alertmanager, "alerts", "{}", ERR_INVALID, "expected a list" },
		{ &source_alertmanager, "alerts", "[{\"labels\":{}}]", ERR_INVALID, "alert 1: status is missing" },
		{ &source_alertmanager, "alerts", "[7]", ERR_INVALID, "alert 1: labels is missing" },
		{ &source_alertmanager, "groups", "[]", 0, "" },
		{ &source_alertmanager, "groups", "{}", ERR_INVALID, "expected a list" },
		{ &source_alertmanager, "groups", "{\"status\":\"success\",\"data\":[]}", ERR_UNSUPPORTED, "API v1" },
		{ &source_alertmanager, "groups", "[{\"labels\":{},\"receiver\":{\"name\":\"\"},\"alerts\":[]}]", 0, "" },
		{ &source_alertmanager, "groups", "[7]", ERR_INVALID, "group 1: labels is missing" },
		{ &source_alertmanager, "groups", "[{\"labels\":{\"a\":1}}]", ERR_INVALID, "not a string" },
		{ &source_alertmanager, "groups", "[{\"labels\":{},\"receiver\":\"oncall\",\"alerts\":[]}]", ERR_INVALID, "group 1: receiver.name is missing" },
		{ &source_alertmanager, "groups", "[{\"labels\":{},\"receiver\":{\"name\":\"r\"}}]", ERR_INVALID, "group 1: alerts is not a list" },
		{ &source_alertmanager, "groups", "[{\"labels\":{},\"receiver\":{\"name\":\"r\"},\"alerts\":[null]}]", ERR_INVALID, "no fingerprint" },
		{ &source_alertmanager, "silences", "[{\"id\":\"x\"}]", ERR_INVALID, "silence 1: matchers is not a list" },
		{ &source_alertmanager, "silences", "[{}]", ERR_INVALID, "silence 1: id is missing" },
		{ &source_alertmanager, "silences", "[{\"id\":\"x\",\"matchers\":[{}]}]", ERR_INVALID, "a matcher lacks name or value" },
		{ &source_alertmanager, "silences", "[{\"id\":\"x\",\"matchers\":[]}]", ERR_INVALID, "status.state" },
		{ &source_alertmanager, "status", "{\"versionInfo\":{}}", 0, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct result o = run(poll_decoder(cases[i].type, cases[i].what), 200, "", cases[i].body, strlen(cases[i].body), 10);

		if (o.err.code != cases[i].code || strstr(o.err.msg, cases[i].says) == NULL || (o.events.n == 1) != (cases[i].code == 0))
			fail_msg("%s: got %s \"%s\"", cases[i].body, err_code_name(o.err.code), o.err.msg);
		event_list_done(&o.events);
	}
}

/* State, silencedBy, inhibitedBy -> our state; the zero time of Go -> no end. */
static void
test_alert_states(void **state)
{
	static const struct {
		const char *status;
		enum alert_state want;
	} cases[] = {
		{ "\"state\":\"active\"", ALERT_FIRING },
		{ "\"state\":\"unprocessed\"", ALERT_UNPROCESSED },
		{ "\"state\":\"something new\"", ALERT_UNPROCESSED },
		{ "\"state\":\"suppressed\",\"silencedBy\":[\"s\"]", ALERT_SILENCED },
		{ "\"state\":\"suppressed\",\"inhibitedBy\":[\"i\"]", ALERT_INHIBITED },
		{ "\"state\":\"suppressed\",\"silencedBy\":[\"s\"],\"inhibitedBy\":[\"i\"]", ALERT_SILENCED },
		{ "\"state\":\"suppressed\",\"silencedBy\":null,\"inhibitedBy\":null", ALERT_SILENCED },
	};
	char body[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(body, sizeof body, "[{\"labels\":{\"alertname\":\"A\"},\"endsAt\":\"0001-01-01T00:00:00Z\",\"status\":{%s}}]",
		    cases[i].status);
		struct result o = run(poll_decoder(&source_alertmanager, "alerts"), 200, "", body, strlen(body), 1);
		const struct alert_set *set = o.events.n == 1 ? o.events.v[0].block : NULL;

		assert_non_null(set);
		assert_int_equal(set->v[0].state, cases[i].want);
		assert_true(set->v[0].ends_ns == INT64_MAX);
		assert_string_equal(set->v[0].name, "A");
		event_list_done(&o.events);
	}
}

/* What any clock may say: the model and the age shown work it out without overflow (the sanitizer build tells). */
static void
test_times_out_of_reach(void **state)
{
	static const struct {
		const char *at;
		int64_t want_ns;
		const char *age;	/* in 2030 */
	} cases[] = {
		{ "0001-01-01T00:00:00Z", 0, "-" },	/* Go's word for "not set" */
		{ "1700-01-01T00:00:00Z", -CLOCK_FAR_NS, "75290d" },
		{ "9999-12-31T23:59:59Z", CLOCK_FAR_NS, "-31460d" },
	};
	const int64_t now_ns = 1893456000 * NS_PER_S;
	char body[512], age[DURATION_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(body, sizeof body, "[{\"labels\":{\"alertname\":\"A\"},\"startsAt\":\"%s\",\"updatedAt\":\"%s\",\"endsAt\":\"%s\","
		    "\"status\":{\"state\":\"active\"}}]", cases[i].at, cases[i].at, cases[i].at);
		struct result o = run(poll_decoder(&source_alertmanager, "alerts"), 200, "", body, strlen(body), 1);
		struct view v = { .range = { .is_live = true }, .now_ns = now_ns };
		struct model *m = model_new(0, 0);
		const struct alert_set *set = o.events.n == 1 ? o.events.v[0].block : NULL;

		assert_non_null(set);
		assert_true(set->v[0].since_ns == cases[i].want_ns && set->v[0].updated_ns == cases[i].want_ns);
		assert_true(set->v[0].ends_ns == (cases[i].want_ns == -CLOCK_FAR_NS ? -CLOCK_FAR_NS : INT64_MAX));
		model_apply(m, &o.events.v[0]);
		model_advance(m, now_ns);
		assert_int_equal(model_n_alerts(m), 1);
		assert_string_equal(view_age(&v, model_alert(m, 0)->since_ns, age), cases[i].age);
		json_decref(model_to_json(m));
		model_free(m);
		event_list_done(&o.events);
	}
	struct result o = query("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},"
	    "\"values\":[[-9200000000,\"1\"],[1,\"1\"],[9200000000,\"2\"]]}]}}");
	const struct series *s = set_of(&o)->v;

	assert_true(s->n == 3 && s->v[0].t_ns == -CLOCK_FAR_NS && s->v[1].t_ns == NS_PER_S && s->v[2].t_ns == CLOCK_FAR_NS);
	event_list_done(&o.events);
}

static void
test_too_large(void **state)
{
	const size_t len = DECODE_SMALL_MAX + 1;
	char *body = malloc(len);
	struct result o;

	(void)state;
	memset(body, ' ', len);
	o = run(poll_decoder(&source_alertmanager, "alerts"), 200, "", body, len, 1);
	assert_int_equal(o.err.code, ERR_LIMIT);
	/* Of a refusal only the beginning is looked at, however long it is. */
	memset(body, 'x', len);
	o = run(poll_decoder(&source_alertmanager, "alerts"), 502, "", body, len, 1);
	assert_int_equal(o.err.code, ERR_REFUSED);
	assert_non_null(strstr(o.err.msg, "a proxy in front of Alertmanager"));
	free(body);
}

static void
test_refusals(void **state)
{
	static const struct {
		long status;
		const char *body;
		int code;
		const char *says;
	} cases[] = {
		{ 302, "", ERR_REFUSED, "points elsewhere (HTTP 302)" },
		{ 401, "<html>login</html>", ERR_DENIED, "check user and password, or bearer" },
		{ 429, "too many", ERR_REFUSED, "too many; raise the source's interval" },
		{ 500, "{\"status\":\"error\",\"errorType\":\"internal\",\"error\":\"disk\"}", ERR_REFUSED, "Prometheus refuses: disk" },
		{ 502, "<html>nginx</html>", ERR_REFUSED, "a proxy in front of Prometheus gets no answer from it (HTTP 502); is it running?" },
		{ 503, "", ERR_REFUSED, "still starting (replaying its write-ahead log)" },
		{ 504, "", ERR_TIMEOUT, "HTTP 504" },
		{ 599, "\x1b]0;x\x07 odd", ERR_REFUSED, "\\x1B]0;x\\x07 odd" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct result o = run(&prometheus_query_decoder, cases[i].status, "", cases[i].body, strlen(cases[i].body), 1);

		if (o.err.code != cases[i].code || strstr(o.err.msg, cases[i].says) == NULL)
			fail_msg("%ld %s: got %s \"%s\"", cases[i].status, cases[i].body, err_code_name(o.err.code), o.err.msg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_unsorted_samples),
		cmocka_unit_test(test_series_max),
		cmocka_unit_test(test_labels_are_shared),
		cmocka_unit_test(test_nul_and_utf8),
		cmocka_unit_test(test_victoriametrics),
		cmocka_unit_test(test_many_warnings),
		cmocka_unit_test(test_not_answers),
		cmocka_unit_test(test_error_stays),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_small_answers),
		cmocka_unit_test(test_alert_states),
		cmocka_unit_test(test_times_out_of_reach),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
