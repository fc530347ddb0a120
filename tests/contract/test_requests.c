/* What is sent: queries to Prometheus, silences to Alertmanager. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "source/log.h"
#include "source/source.h"

static void
test_queries(void **state)
{
	static const struct {
		const char *expr;
		int64_t start_ms, end_ms, step_ms;
		const char *path;
	} cases[] = {
		{ "up", 0, 1795311904500, 0, "/api/v1/query?query=up&time=1795311904.500" },
		{ "rate(a{b=~\"x|y\"}[5m]) > 0", 0, 1000, 0,
		    "/api/v1/query?query=rate%28a%7Bb%3D~%22x%7Cy%22%7D%5B5m%5D%29%20%3E%200&time=1.000" },
		{ "\"\xc3\xbc\"&a+b#c%", 0, 1000, 0, "/api/v1/query?query=%22%C3%BC%22%26a%2Bb%23c%25&time=1.000" },
		{ "up", 1795311844000, 1795311904750, 15000, "/api/v1/query_range?query=up&start=1795311844.000&end=1795311904.750&step=15.000" },
		{ "up", 1000, 2000, 250, "/api/v1/query_range?query=up&start=1.000&end=2.000&step=0.250" },
		{ "up", -1500, -1, 1000, "/api/v1/query_range?query=up&start=-1.500&end=-0.001&step=1.000" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct query_want want = { .expr = cases[i].expr, .step_ns = cases[i].step_ms * NS_PER_MS };
		struct err err = ERR_INIT;
		struct request r;

		if (source_prometheus.query(&want, cases[i].start_ms * NS_PER_MS, cases[i].end_ms * NS_PER_MS, &r, &err) < 0)
			fail_msg("%s", err.msg);
		assert_string_equal(r.method, "GET");
		assert_string_equal(r.path, cases[i].path);
		assert_int_equal(r.body.len, 0);
		request_done(&r);
	}
}

static void
test_long_query(void **state)
{
	struct query_want want = { 0 };
	char expr[5001];
	struct request r;

	(void)state;
	memset(expr, 'a', sizeof expr - 1);
	expr[sizeof expr - 1] = '\0';
	want.expr = expr;
	assert_int_equal(source_prometheus.query(&want, 0, 1000 * NS_PER_MS, &r, NULL), 0);
	assert_string_equal(r.method, "POST");
	assert_string_equal(r.path, "/api/v1/query");
	assert_string_equal(r.content_type, "application/x-www-form-urlencoded");
	assert_true(str_has_prefix(r.body.data, "query=aaaa"));
	assert_non_null(strstr(r.body.data, "&time=1.000"));
	request_done(&r);
}

static void
test_bad_queries(void **state)
{
	const struct query_want empty = { .expr = "" }, no_step = { .expr = "up", .step_ns = 10 }, range = { .expr = "up", .step_ns = NS_PER_S };
	struct request r;

	(void)state;
	assert_int_equal(source_prometheus.query(&empty, 0, 1, &r, NULL), ERR_INVALID);
	assert_int_equal(source_prometheus.query(&no_step, 0, 1, &r, NULL), ERR_INVALID);
	assert_int_equal(source_prometheus.query(&range, 5, 1, &r, NULL), ERR_INVALID);
}

static void
test_types(void **state)
{
	(void)state;
	assert_ptr_equal(source_ops_find("prometheus"), &source_prometheus);
	assert_ptr_equal(source_ops_find("alertmanager"), &source_alertmanager);
	assert_ptr_equal(source_ops_find("loki"), &source_loki);
	assert_ptr_equal(source_ops_find("elasticsearch"), &source_elasticsearch);
	assert_ptr_equal(source_ops_find("journald"), &source_journald);
	assert_null(source_ops_find("graylog"));
	assert_null(source_ops_find(""));
}

/* --- silences ------------------------------------------------------------------------------------------------------ */

static const struct matcher matchers[] = {
	{ .name = "alertname", .value = "Feature\"Drift", .is_equal = true },
	{ .name = "host", .value = "web-.*", .is_regex = true, .is_equal = false },
};
static const struct silence_draft draft = {
	.n_matchers = 2, .matchers = matchers, .starts_ns = 1795311904123 * NS_PER_MS, .ends_ns = 1795312804000 * NS_PER_MS,
	.created_by = "ops", .comment = "ACK",
};

static void
check_silence(const char *id, const char *want)
{
	struct silence_draft d = draft;
	struct err err = ERR_INIT;
	struct request r;

	d.id = id;
	if (alertmanager_silence_request(&d, &r, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(r.method, "POST");
	assert_string_equal(r.path, "/api/v2/silences");
	assert_string_equal(r.content_type, "application/json");
	assert_string_equal(r.body.data, want);
	request_done(&r);
}

#define DRAFT_JSON "{\"matchers\":[{\"name\":\"alertname\",\"value\":\"Feature\\\"Drift\",\"isRegex\":false,\"isEqual\":true}," \
	"{\"name\":\"host\",\"value\":\"web-.*\",\"isRegex\":true,\"isEqual\":false}]," \
	"\"startsAt\":\"2026-11-22T01:45:04.123Z\",\"endsAt\":\"2026-11-22T02:00:04.000Z\",\"createdBy\":\"ops\",\"comment\":\"ACK\""

static void
test_silence(void **state)
{
	(void)state;
	check_silence(NULL, DRAFT_JSON "}");
	check_silence("", DRAFT_JSON "}");
	/* An edit resends startsAt to the millisecond it was told, or the silence would get a new id. */
	check_silence("764c052b-f8a6-48f0-9148-af244632d899", DRAFT_JSON ",\"id\":\"764c052b-f8a6-48f0-9148-af244632d899\"}");
}

static void
test_bad_silences(void **state)
{
	static const struct matcher unnamed = { .name = "", .value = "x", .is_equal = true };
	static const struct matcher latin1[] = {
		{ .name = "a", .value = "b", .is_equal = true }, { .name = "c", .value = "\xfc", .is_equal = true },
	};
	struct silence_draft bad[7];
	struct request r;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++)
		bad[i] = draft;
	bad[0].n_matchers = 0;
	bad[1].matchers = &unnamed;
	bad[1].n_matchers = 1;
	bad[2].ends_ns = bad[2].starts_ns;
	bad[3].created_by = "";
	bad[4].comment = "";
	bad[5].matchers = latin1;
	bad[6].comment = "\xff";
	for (i = 0; i < 7; i++) {
		err = (struct err)ERR_INIT;
		assert_int_equal(alertmanager_silence_request(&bad[i], &r, &err), ERR_INVALID);
		assert_true(err.msg[0] != '\0');
	}
}

static void
test_expire(void **state)
{
	static const char *const bad[] = { NULL, "", "../alerts", "a b", "a?x=1", "a/b", "\xc3\xbc" };
	struct request r;
	size_t i;

	(void)state;
	assert_int_equal(alertmanager_expire_request("764c052b-f8a6-48f0-9148-af244632d899", &r, NULL), 0);
	assert_string_equal(r.method, "DELETE");
	assert_string_equal(r.path, "/api/v2/silence/764c052b-f8a6-48f0-9148-af244632d899");
	request_done(&r);
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(alertmanager_expire_request(bad[i], &r, NULL), ERR_INVALID);
}

static void
test_answers(void **state)
{
	static const struct {
		long status;
		const char *body, *id, *says;
		int code;
	} cases[] = {
		{ 200, "{\"silenceID\":\"a-1\"}", "a-1", "", 0 },
		{ 202, "{\"silenceID\":\"a-1\"}", "a-1", "", 0 },
		{ 200, "{}", NULL, "read the silences back", ERR_INVALID },
		{ 200, "", NULL, "empty", ERR_SYNTAX },
		{ 200, "<html>", NULL, "the body begins: <html>", ERR_SYNTAX },
		{ 400, "\"silence invalid\"", NULL, "silence invalid", ERR_REFUSED },
		{ 401, "", NULL, "check user", ERR_DENIED },
		{ 404, "\"silence not found\"", NULL, "knows no silence", ERR_NOTFOUND },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct answer answer = { .status = cases[i].status, .content_type = "" };
		struct err err = ERR_INIT;
		char *id = NULL;
		int r = alertmanager_silence_answer(&answer, cases[i].body, strlen(cases[i].body), &id, &err);

		if (r != cases[i].code || err.code != r || !str_eq(id, cases[i].id) || strstr(err.msg, cases[i].says) == NULL)
			fail_msg("%ld %s: got %d \"%s\"", cases[i].status, cases[i].body, r, err.msg);
		free(id);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_long_query),
		cmocka_unit_test(test_bad_queries),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_bad_silences),
		cmocka_unit_test(test_expire),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
