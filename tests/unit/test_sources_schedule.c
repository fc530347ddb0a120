/* The schedule on a frozen clock and a transport of our own: what is asked when, and what an answer or a
 * failure changes. */
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
#include "base/xalloc.h"
#include "source/transport.h"

#define T0 (INT64_C(1900000000) * NS_PER_S)
#define INTERVAL (5 * NS_PER_S)

/* --- a transport that only remembers ---------------------------------------------------------- */

enum { FETCHES_MAX = 64 };

struct fetch {
	char url[64], path[160];
	fetch_done_cb *done;
	void *arg;
	bool is_write;
	struct decode_ctx ctx;
};

static struct fetch *under_way[FETCHES_MAX];
static size_t n_under_way, n_sent, n_cancelled;

static int
fake_endpoint_new(struct transport *t, const struct conf_source *conf, const char *url, struct endpoint **ret,
    struct err *err)
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
	snprintf(f->url, sizeof f->url, "%s", e->shown);
	snprintf(f->path, sizeof f->path, "%s", spec->request->path);
	f->done = done;
	f->arg = arg;
	f->is_write = spec->decoder == NULL;
	f->ctx = spec->ctx;
	assert_true(n_under_way < FETCHES_MAX);
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
	.endpoint_new = fake_endpoint_new,
	.endpoint_free = fake_endpoint_free,
	.fetch = fake_fetch,
	.cancel = fake_cancel,
	.free = fake_free,
};
static struct transport fake = { .ops = &fake_ops };

/* --- a type of source, so that the test does not depend on Prometheus' polls ------------------ */

static const struct decoder_ops no_decoder = { .name = "test answer" };

static int
test_query(const struct query_want *w, int64_t start_ns, int64_t end_ns, struct request *ret, struct err *err)
{
	if (strcmp(w->expr, "bad") == 0)
		return err_set(err, ERR_INVALID, "the query is bad");
	request_init(ret, "GET");
	ret->path = xasprintf("/q?%s&%lld-%lld", w->expr, (long long)((start_ns - T0) / NS_PER_S),
	    (long long)((end_ns - T0) / NS_PER_S));
	return 0;
}

static const struct poll polls[] = {
	{ "often", "/often", 1, &no_decoder }, { "seldom", "/seldom", 6, &no_decoder }, { 0 } };
static const struct source_ops test_type = {
	.type = "test", .polls = polls, .query = test_query, .query_decoder = &no_decoder
};
static const struct poll mute_polls[] = { { "often", "/often", 1, &no_decoder }, { 0 } };
static const struct source_ops mute_type = { .type = "mute", .polls = mute_polls };

const struct source_ops *
source_ops_find(const char *type)
{
	return strcmp(type, "test") == 0 ? &test_type : strcmp(type, "mute") == 0 ? &mute_type : NULL;
}

/* --- driving it ------------------------------------------------------------------------------- */

static struct loop *loop;
static struct sources *sources;
static char *replicas[] = { "http://b", "http://c", NULL };
static struct conf_source conf_sources[2];
static struct conf_environment conf = { .name = "test", .sources = conf_sources, .n_sources = 1 };

/* The last report of each kind is enough. */
static struct {
	char what[64], error[256], source[32], replica[64];
	bool is_ok;
	int64_t next_due_ns;
} report;
static size_t n_reports, n_others;

static void
on_event(const struct event *ev, void *arg)
{
	const struct source_report *r = ev->block;

	(void)arg;
	if (ev->kind != EVENT_SOURCE_REPORT) {
		n_others++;
		return;
	}
	n_reports++;
	snprintf(report.what, sizeof report.what, "%s", r->what);
	snprintf(report.error, sizeof report.error, "%s", r->error);
	snprintf(report.source, sizeof report.source, "%s", ev->source);
	snprintf(report.replica, sizeof report.replica, "%s", r->replica);
	report.is_ok = r->is_ok;
	report.next_due_ns = r->next_due_ns;
}

static void
open_sources(bool has_replicas)
{
	conf_sources[0].replicas = has_replicas ? replicas : NULL;
	assert_int_equal(sources_new_on(loop, NULL, &fake, &conf, on_event, NULL, &sources, NULL), 0);
	loop_once(loop, 0);
	assert_int_equal(n_sent, 0);	/* nothing before the start */
	sources_start(sources);
	loop_once(loop, 0);
}

static int
setup(void **state)
{
	(void)state;
	clock_freeze(T0);
	conf_sources[0] =
	    (struct conf_source){ .name = "s", .type = "test", .url = "http://a", .interval_ns = INTERVAL };
	conf_sources[1] =
	    (struct conf_source){ .name = "m", .type = "mute", .url = "http://m", .interval_ns = INTERVAL };
	conf.n_sources = 1;
	n_under_way = n_sent = n_cancelled = n_reports = n_others = 0;
	return loop_new(&loop, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	sources_free(sources);
	sources = NULL;
	loop_free(loop);
	clock_freeze(0);
	return 0;
}

static void
at(int64_t ns)
{
	clock_freeze(T0 + ns);
	loop_once(loop, 0);
}

static struct fetch *
fetch_of(const char *path)
{
	for (size_t i = 0; i < n_under_way; i++)
		if (strncmp(under_way[i]->path, path, strlen(path)) == 0)
			return under_way[i];
	return NULL;
}

static void
answer(const char *path, const struct fetch_result *result)
{
	struct fetch *f = fetch_of(path);
	struct fetch own;

	assert_non_null(f);
	own = *f;
	forget(f);
	free(f);
	own.done(result, own.arg);
	loop_once(loop, 0);
}

static void
succeed(const char *path)
{
	answer(path, &(struct fetch_result){ .status = 200 });
}

static void
fail_with(const char *path, long status)
{
	struct fetch_result r = { .status = status };

	err_set(&r.err, ERR_IO, "failed with %ld", status);
	answer(path, &r);
}

/* --- polls ------------------------------------------------------------------------------------ */

static void
test_polls_go_at_once_and_then_together(void **state)
{
	(void)state;
	open_sources(false);
	assert_int_equal(n_under_way, 2);
	assert_false(sources_all_tried(sources));
	clock_freeze(T0 + 300 * NS_PER_MS);
	succeed("/often");
	assert_string_equal(report.what, "often");
	assert_true(report.is_ok);
	assert_string_equal(report.source, "s");
	assert_string_equal(report.replica, "http://a");
	assert_int_equal(report.next_due_ns, T0 + INTERVAL);	/* not shifted by the 300 ms */
	succeed("/seldom");
	assert_int_equal(report.next_due_ns, T0 + 6 * INTERVAL);
	assert_true(sources_all_tried(sources));
	at(INTERVAL - 1);
	assert_int_equal(n_under_way, 0);
	at(INTERVAL);
	assert_int_equal(n_under_way, 1);
	assert_non_null(fetch_of("/often"));
	/* a slow answer: no second request beside it, and missed periods are not made up for */
	at(4 * INTERVAL);
	assert_int_equal(n_under_way, 1);
	clock_freeze(T0 + 4 * INTERVAL + NS_PER_S);
	succeed("/often");
	assert_int_equal(n_under_way, 0);
	assert_int_equal(report.next_due_ns, T0 + 5 * INTERVAL);
	at(6 * INTERVAL);
	assert_int_equal(n_under_way, 2);
	assert_int_equal(n_sent, 5);
}

static void
test_failures_back_off(void **state)
{
	int64_t now = 0, wait, longest = 0;

	(void)state;
	open_sources(false);
	for (int n = 1; n <= 12; n++) {
		int64_t bound = INTERVAL << n < 60 * NS_PER_S ? INTERVAL << n : 60 * NS_PER_S;

		fail_with("/often", 0);
		assert_false(report.is_ok);
		assert_string_equal(report.error, "failed with 0");
		wait = report.next_due_ns - (T0 + now);
		assert_true(wait >= INTERVAL && wait <= bound);
		longest = wait > longest ? wait : longest;
		at(now + wait - 1);
		assert_null(fetch_of("/often"));
		now += wait;
		at(now);
		assert_non_null(fetch_of("/often"));
	}
	assert_true(longest > 4 * INTERVAL);
	succeed("/often");
	assert_true(report.next_due_ns - (T0 + now) <= INTERVAL);
}

static void
test_a_rare_poll_is_tried_again_soon_unless_refused(void **state)
{
	(void)state;
	open_sources(false);
	fail_with("/seldom", 0);
	assert_true(report.next_due_ns - T0 <= 2 * INTERVAL);
	at(2 * INTERVAL);
	fail_with("/seldom", 404);
	assert_true(report.next_due_ns - clock_now() >= 6 * INTERVAL);
}

static void
test_retry_after_is_kept_within_reason(void **state)
{
	struct fetch_result r = {
		.status = 503, .retry_after_ns = 90 * NS_PER_S, .err = { .code = ERR_REFUSED, .msg = "later" }
	};

	(void)state;
	open_sources(false);
	answer("/often", &r);
	assert_int_equal(report.next_due_ns, T0 + 90 * NS_PER_S);
	r.retry_after_ns = NS_PER_HOUR;
	answer("/seldom", &r);
	assert_int_equal(report.next_due_ns, T0 + 300 * NS_PER_S);
}

/* One request that gets through ends the waiting of those that found nobody. */
static void
test_a_server_that_is_back_is_asked_everything(void **state)
{
	(void)state;
	open_sources(false);
	fail_with("/often", 0);
	fail_with("/seldom", 0);
	sources_poll_now(sources, "s", "often");
	loop_once(loop, 0);
	assert_null(fetch_of("/seldom"));
	succeed("/often");
	assert_non_null(fetch_of("/seldom"));
}

static void
test_refresh_asks_everything_and_forgets_backoff(void **state)
{
	(void)state;
	open_sources(false);
	for (int i = 0; i < 3; i++) {
		fail_with("/often", 0);
		sources_refresh(sources);
		loop_once(loop, 0);
		assert_non_null(fetch_of("/often"));
	}
	assert_int_equal(n_under_way, 2);	/* what is under way is not asked twice */
	fail_with("/often", 0);
	assert_true(report.next_due_ns - T0 <= 2 * INTERVAL);
}

/* The answer under way may be from before the write. */
static void
test_poll_now_while_under_way_asks_again(void **state)
{
	(void)state;
	open_sources(false);
	sources_poll_now(sources, "s", "often");
	loop_once(loop, 0);
	assert_int_equal(n_under_way, 2);
	succeed("/often");
	assert_non_null(fetch_of("/often"));
	succeed("/often");
	assert_null(fetch_of("/often"));
	sources_poll_now(sources, "s", "often");
	loop_once(loop, 0);
	assert_non_null(fetch_of("/often"));
	sources_poll_now(sources, "nobody", "often");
	sources_poll_now(sources, "s", "nothing");
}

/* --- replicas --------------------------------------------------------------------------------- */

static void
test_next_replica_in_the_same_turn(void **state)
{
	(void)state;
	open_sources(true);
	assert_string_equal(fetch_of("/often")->url, "http://a");
	fail_with("/often", 0);
	assert_false(report.is_ok);
	assert_string_equal(report.replica, "http://a");
	assert_int_equal(report.next_due_ns, T0);
	assert_string_equal(fetch_of("/often")->url, "http://b");
	fail_with("/often", 503);
	assert_string_equal(fetch_of("/often")->url, "http://c");
	succeed("/often");
	assert_string_equal(report.replica, "http://c");
	/* the other one was sent to a; it finds c by itself, and then c is asked first */
	fail_with("/seldom", 0);
	succeed("/seldom");
	at(INTERVAL);
	assert_string_equal(fetch_of("/often")->url, report.replica);
}

static void
test_a_round_tries_each_replica_once(void **state)
{
	(void)state;
	open_sources(true);
	for (int i = 0; i < 3; i++)
		fail_with("/often", 0);
	assert_null(fetch_of("/often"));
	assert_true(report.next_due_ns >= T0 + INTERVAL);
	assert_int_equal(n_reports, 3);
}

static void
test_a_refusal_is_not_taken_to_another_replica(void **state)
{
	struct fetch_result large = { .status = 200, .err = { .code = ERR_LIMIT, .msg = "larger than body_max" } };

	(void)state;
	open_sources(true);
	fail_with("/often", 400);
	assert_null(fetch_of("/often"));
	answer("/seldom", &large);
	assert_null(fetch_of("/seldom"));
}

/* --- queries ---------------------------------------------------------------------------------- */

static struct query_want
want(const char *id, const char *expr)
{
	return (struct query_want){ .id = id, .source = "s", .expr = expr, .every_ns = INTERVAL };
}

static void
test_live_range_follows_the_clock_in_steps(void **state)
{
	struct query_want w = want("query:q", "up");

	(void)state;
	open_sources(false);
	w.step_ns = 2 * NS_PER_S;
	w.start_ns = T0 - 60 * NS_PER_S;
	w.end_ns = T0;
	w.is_live = true;
	sources_want(sources, &w, 1);
	at(3 * NS_PER_S);
	assert_string_equal(fetch_of("/q")->path, "/q?up&-58-2");
	assert_int_equal(fetch_of("/q")->ctx.end_ns, T0 + 2 * NS_PER_S);
	/* moved with the clock only: not asked again before it is due */
	succeed("/q");
	w.start_ns += 3 * NS_PER_S;
	w.end_ns += 3 * NS_PER_S;
	sources_want(sources, &w, 1);
	at(4 * NS_PER_S);
	assert_null(fetch_of("/q"));
	at(INTERVAL);
	assert_string_equal(fetch_of("/q")->path, "/q?up&-56-4");
}

static void
test_changed_query_replaces_the_one_under_way(void **state)
{
	struct query_want w = want("query:q", "a"), both[2];

	(void)state;
	open_sources(false);
	sources_want(sources, &w, 1);
	loop_once(loop, 0);
	assert_non_null(fetch_of("/q?a"));
	w.expr = "b";
	sources_want(sources, &w, 1);
	assert_int_equal(n_cancelled, 1);
	loop_once(loop, 0);
	assert_null(fetch_of("/q?a"));
	both[0] = w;
	both[1] = want("query:r", "c");
	sources_want(sources, both, 2);
	loop_once(loop, 0);
	assert_int_equal(n_cancelled, 1);
	assert_non_null(fetch_of("/q?b"));
	assert_non_null(fetch_of("/q?c"));
	sources_want(sources, &both[1], 1);
	assert_int_equal(n_cancelled, 2);
	assert_null(fetch_of("/q?b"));
}

static void
test_the_past_is_asked_once(void **state)
{
	struct query_want w = want("query:q", "a"), refused = want("query:r", "b");

	(void)state;
	open_sources(false);
	w.every_ns = refused.every_ns = 0;
	sources_want(sources, (struct query_want[]){ w, refused }, 2);
	loop_once(loop, 0);
	fail_with("/q?a", 0);
	at(2 * INTERVAL);
	succeed("/q?a");
	assert_int_equal(report.next_due_ns, 0);
	fail_with("/q?b", 400);
	assert_int_equal(report.next_due_ns, 0);
	at(NS_PER_HOUR);
	assert_null(fetch_of("/q"));
	sources_refresh(sources);
	loop_once(loop, 0);
	assert_non_null(fetch_of("/q?a"));
	assert_non_null(fetch_of("/q?b"));
}

static void
test_six_queries_of_a_source_at_once(void **state)
{
	struct query_want w[9];
	char ids[9][16], exprs[9][16];

	(void)state;
	open_sources(false);
	for (int i = 0; i < 9; i++) {
		snprintf(ids[i], sizeof ids[i], "query:%d", i);
		snprintf(exprs[i], sizeof exprs[i], "e%d", i);
		w[i] = want(ids[i], exprs[i]);
	}
	sources_want(sources, w, 9);
	loop_once(loop, 0);
	assert_int_equal(n_under_way, 2 + 6);
	succeed("/q?e0");
	assert_int_equal(n_under_way, 2 + 6);
	/* a cancelled one makes room too */
	sources_want(sources, &w[1], 8);
	sources_want(sources, &w[2], 7);
	loop_once(loop, 0);
	assert_int_equal(n_under_way, 2 + 6);
	assert_non_null(fetch_of("/q?e7"));
	/* those that waited longest come first: the rest is sent before any is sent again */
	at(INTERVAL);
	succeed("/q?e2");
	assert_non_null(fetch_of("/q?e8"));
}

static void
test_queries_that_cannot_be_asked_say_why(void **state)
{
	struct query_want w = want("query:q", "bad");

	(void)state;
	conf.n_sources = 2;
	open_sources(false);
	sources_want(sources, &w, 1);
	loop_once(loop, 0);
	assert_string_equal(report.what, "query:q");
	assert_string_equal(report.error, "the query is bad");
	w.source = "m";
	sources_want(sources, &w, 1);
	loop_once(loop, 0);
	assert_string_equal(report.error, "m (mute) answers no queries: name a Prometheus as source");
	w.source = "x\033";
	sources_want(sources, &w, 1);
	loop_once(loop, 0);
	assert_string_equal(report.error, "there is no source 'x\\x1B' in this environment");
	assert_string_equal(report.source, "x\033");
	n_reports = 0;
	at(INTERVAL - 1);	/* and not in each turn */
	assert_int_equal(n_reports, 0);
}

/* A callback may change what is wanted while the answer to it is being told. */
static struct query_want replacement;

static void
on_event_change(const struct event *ev, void *arg)
{
	on_event(ev, arg);
	sources_want(sources, &replacement, 1);
}

static void
test_wants_may_change_inside_the_callback(void **state)
{
	struct query_want w = want("query:q", "a");
	struct fetch_result result = { .status = 200 };

	(void)state;
	replacement = want("query:q", "b");
	assert_int_equal(sources_new_on(loop, NULL, &fake, &conf, on_event_change, NULL, &sources, NULL), 0);
	sources_start(sources);
	sources_want(sources, &w, 1);
	loop_once(loop, 0);
	event_list_add(&result.events, EVENT_SERIES, T0, "s", block_new(sizeof(struct series_set)));
	event_list_add(&result.events, EVENT_SERIES, T0, "s", block_new(sizeof(struct series_set)));
	answer("/q?a", &result);
	event_list_done(&result.events);
	assert_int_equal(n_others, 2);
	assert_string_equal(report.what, "query:q");
	assert_non_null(fetch_of("/q?b"));
}

/* --- writes ----------------------------------------------------------------------------------- */

static unsigned n_written;

static void
on_written(const struct write_result *result, void *arg)
{
	assert_ptr_equal(arg, &n_written);
	assert_int_equal(result->answer.status, 200);
	assert_string_equal(result->answer.content_type, "text/plain");
	assert_int_equal(result->len, 2);
	assert_memory_equal(result->body, "ok", 2);
	n_written++;
}

static void
test_writes_go_to_the_replica_that_works(void **state)
{
	struct request r;
	struct err err = ERR_INIT;

	(void)state;
	n_written = 0;
	open_sources(true);
	fail_with("/often", 0);
	succeed("/often");	/* b */
	request_init(&r, "POST");
	r.path = xstrdup("/write");
	assert_int_equal(sources_write(sources, "s", &r, on_written, &n_written, &err), 0);
	assert_true(fetch_of("/write")->is_write);
	assert_string_equal(fetch_of("/write")->url, "http://b");
	answer("/write",
	    &(struct fetch_result){ .status = 200, .content_type = "text/plain", .body = "ok", .len = 2 });
	assert_int_equal(n_written, 1);
	/* one under way at the end is cancelled, and nobody is told */
	assert_int_equal(sources_write(sources, "s", &r, on_written, &n_written, &err), 0);
	assert_int_equal(sources_write(sources, "nobody", &r, on_written, &n_written, &err), ERR_NOTFOUND);
	request_done(&r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_polls_go_at_once_and_then_together),
		TEST(test_failures_back_off),
		TEST(test_a_rare_poll_is_tried_again_soon_unless_refused),
		TEST(test_retry_after_is_kept_within_reason),
		TEST(test_a_server_that_is_back_is_asked_everything),
		TEST(test_refresh_asks_everything_and_forgets_backoff),
		TEST(test_poll_now_while_under_way_asks_again),
		TEST(test_next_replica_in_the_same_turn),
		TEST(test_a_round_tries_each_replica_once),
		TEST(test_a_refusal_is_not_taken_to_another_replica),
		TEST(test_live_range_follows_the_clock_in_steps),
		TEST(test_changed_query_replaces_the_one_under_way),
		TEST(test_the_past_is_asked_once),
		TEST(test_six_queries_of_a_source_at_once),
		TEST(test_queries_that_cannot_be_asked_say_why),
		TEST(test_wants_may_change_inside_the_callback),
		TEST(test_writes_go_to_the_replica_that_works),
	};

	return cmocka_run_group_tests_name("sources", tests, NULL, NULL);
}
