/* Wants of lines on a frozen clock and a transport of our own: when each is asked, what is told of it, and what happens when it goes. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "source/log.h"
#include "source/log_build.h"
#include "source/transport.h"

#define T0 (INT64_C(1900000000) * NS_PER_S)

/* --- a transport that only remembers ------------------------------------------------------------------------------------ */

struct fetch {
	char method[8], path[600];
	const struct decoder_ops *decoder;
	fetch_done_cb *done;
	void *arg;
};
static struct fetch *under_way[64];
static size_t n_under_way, n_sent, n_cancelled;

static int
fake_endpoint_new(struct transport *t, const struct conf_source *conf, const char *url, struct endpoint **ret, struct err *err)
{
	(void)t;
	(void)conf;
	(void)err;
	*ret = xcalloc(1, sizeof **ret);
	(*ret)->shown = xstrdup(url);
	return 0;
}

static void
fake_endpoint_free(struct transport *t, struct endpoint *e)
{
	(void)t;
	free(e->shown);
	free(e);
}

static struct fetch *
fake_fetch(struct transport *t, struct endpoint *e, const struct fetch_spec *spec, fetch_done_cb *done, void *arg)
{
	struct fetch *f = xcalloc(1, sizeof *f);

	(void)t;
	(void)e;
	snprintf(f->method, sizeof f->method, "%s", spec->request->method);
	snprintf(f->path, sizeof f->path, "%s", spec->request->path);
	*f = (struct fetch){ .decoder = spec->decoder, .done = done, .arg = arg };
	snprintf(f->method, sizeof f->method, "%s", spec->request->method);
	snprintf(f->path, sizeof f->path, "%s", spec->request->path);
	under_way[n_under_way++] = f;
	n_sent++;
	return f;
}

static void
forget(struct fetch *f)
{
	size_t i = 0;

	while (under_way[i] != f)
		assert_true(++i < n_under_way);
	memmove(&under_way[i], &under_way[i + 1], (--n_under_way - i) * sizeof under_way[0]);
}

static void
fake_cancel(struct transport *t, struct fetch *f)
{
	(void)t;
	forget(f);
	free(f);
	n_cancelled++;
}

static void
fake_free(struct transport *t)
{
	(void)t;
	assert_int_equal(n_under_way, 0);
}

static const struct transport_ops fake_ops = {
	.endpoint_new = fake_endpoint_new, .endpoint_free = fake_endpoint_free, .fetch = fake_fetch, .cancel = fake_cancel, .free = fake_free,
};
static struct transport fake = { .ops = &fake_ops };

/* Answers the request whose path holds this, through its decoder as the real transport does. */
static void
answer(const char *path, long status, const char *body)
{
	const struct answer head = { .status = status, .content_type = "application/json" };
	const struct decode_ctx ctx = { .source = "s", .query = "" };
	struct fetch_result result = { .status = status, .body = body, .len = strlen(body), .retry_after_ns = status == 429 ? 40 * NS_PER_S : 0 };
	struct fetch *f = NULL;
	struct decoder *d;

	for (size_t i = 0; i < n_under_way && f == NULL; i++)
		if (strstr(under_way[i]->path, path) != NULL)
			f = under_way[i];
	if (f == NULL)
		fail_msg("nobody asks %s", path);
	if (f->decoder != NULL) {
		d = decoder_new(f->decoder, &ctx);
		if (decoder_start(d, &head) == 0 && decoder_push(d, body, strlen(body), &result.err) == 0)
			decoder_finish(d, &result.events, &result.err);
		decoder_free(d);
	}
	forget(f);
	f->done(&result, f->arg);
	event_list_done(&result.events);
	free(f);
}

static bool
is_asked(const char *path)
{
	for (size_t i = 0; i < n_under_way; i++)
		if (strstr(under_way[i]->path, path) != NULL)
			return true;
	return false;
}

/* --- what is told -------------------------------------------------------------------------------------------------------- */

static struct loop *loop;
static struct sources *sources;
static char told[4000];

static void
tell(const char *fmt, ...)
{
	size_t len = strlen(told);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(told + len, sizeof told - len, fmt, ap);
	va_end(ap);
}

static void
on_event(const struct event *ev, void *arg)
{
	const struct source_report *report = ev->block;
	const struct log_batch *batch = ev->block;

	(void)arg;
	if (ev->kind == EVENT_LOG_LINES)
		tell("%s: %zu lines of %s\n", batch->want, batch->n, ev->source);
	else
		tell("report %s %s\n", report->what, report->is_ok ? "ok" : report->error);
}

static void
on_done(const char *id, bool is_whole, const char *error, void *arg)
{
	(void)arg;
	tell("done %s %s\n", id, error != NULL ? "failed" : is_whole ? "whole" : "in part");
}

static void
on_counts(const struct log_counts *c, void *arg)
{
	(void)arg;
	tell("%s: %u counted, %zu kinds\n", c->want, (unsigned)c->n_lines, c->n);
}

static void
assert_told(const char *expected)
{
	if (strcmp(told, expected) != 0)
		fail_msg("told:\n%s\nexpected:\n%s", told, expected);
	told[0] = '\0';
}

static void
run_until(int64_t ns)
{
	clock_freeze(ns);
	loop_once(loop, 0);
}

#define S(text) ((char *)(uintptr_t)(text))

static void
start(void)
{
	static struct conf_source v[] = {
		{ .name = S("l"), .type = S("loki"), .url = S("http://l"), .interval_ns = 5 * NS_PER_S, .timeout_ns = NS_PER_S },
		{ .name = S("s"), .type = S("elasticsearch"), .url = S("http://s"), .interval_ns = 5 * NS_PER_S, .timeout_ns = NS_PER_S },
	};
	static const struct conf_environment env = { .sources = v, .n_sources = 2 };
	struct err err;

	clock_freeze(T0);
	n_sent = n_cancelled = 0;
	told[0] = '\0';
	loop = NULL;
	assert_int_equal(loop_new(&loop, &err), 0);
	assert_int_equal(sources_new_on(loop, NULL, &fake, &env, on_event, NULL, &sources, &err), 0);
	sources_logs_done(sources, on_done, NULL);
	sources_logs_counts(sources, on_counts, NULL);
	sources_start(sources);
}

static void
stop(void)
{
	sources_free(sources);
	loop_free(loop);
	clock_freeze(0);
}

#define ONE_LINE "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":[{\"stream\":{\"app\":\"a\"},\"values\":[[\"1899999999000000000\",\"x\"]]}]}}"

static const struct log_want follow = { .id = "f", .source = "l", .query = "{a=\"b\"}", .start_ns = T0 - NS_PER_HOUR, .is_follow = true };
static const struct log_want search = { .id = "q", .source = "s", .query = "x", .start_ns = T0 - NS_PER_HOUR, .end_ns = T0 };

/* --- tests --------------------------------------------------------------------------------------------------------------- */

static void
followed_each_interval(void **state)
{
	(void)state;
	start();
	sources_logs(sources, &follow, 1, NULL);
	run_until(T0);
	assert_true(is_asked("direction=backward"));
	assert_false(sources_all_tried(sources));
	answer("query_range", 200, ONE_LINE);
	assert_told("f: 1 lines of l\nreport f ok\ndone f whole\n");
	assert_true(sources_all_tried(sources));
	run_until(T0 + 4 * NS_PER_S);
	assert_int_equal(n_under_way, 0);
	run_until(T0 + 5 * NS_PER_S);
	/* From 30 seconds before the newest line on; what is known is not told again. */
	assert_true(is_asked("start=1899999969000000000"));
	answer("direction=forward", 200, ONE_LINE);
	assert_told("f: 0 lines of l\nreport f ok\ndone f whole\n");
	/* The same want goes on. */
	sources_logs(sources, &follow, 1, NULL);
	run_until(T0 + 9 * NS_PER_S);
	assert_int_equal(n_under_way, 0);
	stop();
}

static void
searched_once(void **state)
{
	(void)state;
	start();
	sources_logs(sources, &search, 1, NULL);
	run_until(T0);
	answer("/", 200, "{\"version\":{\"number\":\"8.1\"}}");
	answer("/_pit", 200, "{\"id\":\"P\"}");
	answer("/_search", 200, "{\"_shards\":{\"total\":5,\"failed\":2},\"hits\":{\"hits\":[]}}");
	answer("/_pit", 200, "{}");
	assert_told("q: 0 lines of s\nreport q 2 of 5 shards failed, their lines are missing\ndone q whole\n");
	run_until(T0 + NS_PER_HOUR);
	assert_int_equal(n_under_way, 0);
	stop();
}

static void
one_that_goes_closes_its_point_in_time(void **state)
{
	(void)state;
	start();
	sources_logs(sources, &search, 1, NULL);
	run_until(T0);
	answer("/", 200, "{}");
	answer("/_pit", 200, "{\"id\":\"P\"}");
	assert_true(is_asked("/_search"));
	sources_logs(sources, NULL, 0, NULL);
	assert_int_equal(n_cancelled, 1);
	assert_int_equal(n_under_way, 1);
	assert_string_equal(under_way[0]->method, "DELETE");
	answer("/_pit", 200, "{}");
	assert_told("");
	stop();
}

static void
a_refusal_is_told(void **state)
{
	(void)state;
	start();
	sources_logs(sources, &follow, 1, NULL);
	run_until(T0);
	answer("query_range", 400, "parse error at line 1, col 1");
	assert_told("report f Loki refuses the request (HTTP 400): parse error at line 1, col 1\ndone f failed\n");
	stop();
}

static void
as_long_as_it_asks_for(void **state)
{
	(void)state;
	start();
	sources_logs(sources, &follow, 1, NULL);
	run_until(T0);
	answer("query_range", 429, "too many");
	assert_non_null(strstr(told, "429"));
	told[0] = '\0';
	run_until(T0 + 39 * NS_PER_S);
	assert_int_equal(n_under_way, 0);
	run_until(T0 + 41 * NS_PER_S);
	assert_int_equal(n_under_way, 1);
	stop();
}

static void
counted(void **state)
{
	struct log_want w = follow;

	(void)state;
	w.is_follow = false;
	w.is_count = true;
	start();
	sources_logs(sources, &w, 1, NULL);
	run_until(T0);
	assert_true(is_asked("count_over_time"));
	answer("/loki/api/v1/query?", 200,
	    "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"level\":\"error\",\"app\":\"web\"},\"value\":[1,\"7\"]},{\"metric\":{},\"value\":[1,\"3\"]}]}}");
	assert_told("f: 10 counted, 2 kinds\nreport f ok\ndone f whole\n");
	stop();
}

static void
a_source_that_is_not_there(void **state)
{
	struct log_want w = follow;

	(void)state;
	w.source = "nosuch";
	start();
	sources_logs(sources, &w, 1, NULL);
	run_until(T0);
	assert_told("report f there is no source 'nosuch' in this environment\ndone f failed\n");
	sources_poll_now(sources, "l", "lines");
	stop();
}

static void
on_names(const struct strings *names, const char *error, void *arg)
{
	(void)arg;
	tell("names");
	for (size_t i = 0; i < names->n; i++)
		tell(" %s", names->v[i]);
	tell("%s%s\n", error != NULL ? " failed: " : "", error != NULL ? error : "");
}

/* Of a minute from start_ns on; 0: whenever. */
static void
ask_names(const char *source, const char *label, const char *selector, int64_t start_ns)
{
	const struct log_names_want want = { .source = source, .label = label, .selector = selector, .start_ns = start_ns,
		.end_ns = start_ns != 0 ? start_ns + NS_PER_MIN : 0 };
	struct err err = ERR_INIT;

	assert_int_equal(sources_log_names(sources, &want, on_names, NULL, &err), 0);
}

static void
names_for_completion(void **state)
{
	struct err err;

	(void)state;
	start();
	ask_names("l", NULL, NULL, 0);
	ask_names("l", "a/b", NULL, 0);
	ask_names("l", "app", "{job=\"x\"}", T0);
	ask_names("l", NULL, "{job=\"x\"}", 0);
	ask_names("s", "log.level", NULL, T0);
	ask_names("s", NULL, NULL, 0);
	assert_int_equal(sources_log_names(sources, &(struct log_names_want){ .source = "nosuch" }, on_names, NULL, &err), ERR_NOTFOUND);
	answer("/loki/api/v1/label/a%2Fb/values", 200, "{\"status\":\"success\",\"data\":[\"z\",\"y\"]}");
	answer("/loki/api/v1/labels", 401, "no org id");
	answer("/loki/api/v1/series?match%5B%5D=%7Bjob%3D%22x%22%7D&start=1900000000000000000&end=1900000060000000000", 200,
	    "{\"status\":\"success\",\"data\":[{\"app\":\"web\",\"job\":\"x\"},{\"app\":\"api\",\"job\":\"x\"},{\"app\":\"web\",\"job\":\"x\",\"pod\":\"1\"}]}");
	answer("/loki/api/v1/series?match%5B%5D=%7Bjob%3D%22x%22%7D", 200, "{\"status\":\"success\",\"data\":[{\"app\":\"web\"},{\"pod\":\"1\"}]}");
	answer("/_search", 200,
	    "{\"aggregations\":{\"values\":{\"buckets\":[{\"key\":\"error\"},{\"key\":\"debug\"},{\"key\":1,\"key_as_string\":\"true\"}]}}}");
	answer("_field_caps", 200, "{\"fields\":{\"log\":{\"object\":{\"type\":\"object\"}},\"log.level\":{\"keyword\":{\"type\":\"keyword\"}},\"b\":{\"long\":{}}}}");
	assert_told("names y z\nnames failed: Loki: HTTP 401: no org id: it has tenants; give the source a tenant:\nnames api web\nnames app pod\n"
	    "names debug error true\nnames b log.level\n");
	/* One that is never answered goes with the sources. */
	ask_names("l", NULL, NULL, 0);
	stop();
	assert_told("");
}

/* --- what is not kept ---------------------------------------------------------------------------------------------------- */

/* A service is one of the labels, or of the fields, and no better than they are. */
static void
services_and_ids_are_redacted(void **state)
{
	struct redact *redact = redact_new(true);
	struct label labels[] = { { "app", "postgres://u:hunter2@db/x" }, { "owner", "jane@example.org" } };
	struct log_draft d = { .time_ns = T0, .text = "x", .len = 1, .id = "logs-1/jane@example.org" }, other = d;
	struct err err = ERR_INIT;
	struct log_build b;
	struct log_batch *batch;

	(void)state;
	assert_int_equal(redact_add(redact, "mail", "(?:^|(?<=/))[a-z]+@[a-z.]+", &err), 0);
	log_build_init(&b, redact);
	d.stream = other.stream = log_build_stream(&b, labels, 2, labels[0].value);
	other.id = "logs-1/john@example.org";
	log_build_line(&b, &d);
	log_build_line(&b, &other);
	batch = log_build_take(&b, "w", 0, 0);
	assert_string_equal(batch->streams[0].service, "postgres://u:[redacted credentials]@db/x");
	assert_string_equal(batch->streams[0].labels.v[0].value, "postgres://u:[redacted credentials]@db/x");
	assert_string_equal(batch->streams[0].labels.v[1].value, "[redacted mail]");
	/* They are still two. */
	assert_memory_equal(batch->v[0].id, "logs-1/[redacted mail]", 22);
	assert_null(strstr(batch->v[0].id, "jane"));
	assert_string_not_equal(batch->v[0].id, batch->v[1].id);
	block_unref(batch);
	redact_free(redact);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(followed_each_interval),
		cmocka_unit_test(searched_once),
		cmocka_unit_test(one_that_goes_closes_its_point_in_time),
		cmocka_unit_test(a_refusal_is_told),
		cmocka_unit_test(as_long_as_it_asks_for),
		cmocka_unit_test(counted),
		cmocka_unit_test(a_source_that_is_not_there),
		cmocka_unit_test(names_for_completion),
		cmocka_unit_test(services_and_ids_are_redacted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
