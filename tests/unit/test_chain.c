/* Rounds of chains on a frozen clock and a transport of our own: how many requests go out, what a failure changes, and that each round ends once. */
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
#include "source/chain.h"
#include "source/transport.h"

#define T0 (INT64_C(1900000000) * NS_PER_S)
#define INTERVAL (5 * NS_PER_S)

/* --- a transport that only remembers ---------------------------------------------------------- */

struct fetch {
	char url[64], path[64];
	fetch_done_cb *done;
	void *arg;
};

static struct fetch *under_way[64];
static size_t n_under_way, n_sent, n_cancelled, n_endpoints;

static int
fake_endpoint_new(struct transport *t, const struct conf_source *conf, const char *url, struct endpoint **ret, struct err *err)
{
	(void)t;
	(void)conf;
	if (strncmp(url, "http://", 7) != 0)
		return err_set(err, ERR_INVALID, "not a url");
	*ret = xcalloc(1, sizeof **ret);
	(*ret)->shown = xstrdup(url);
	n_endpoints++;
	return 0;
}

static void
fake_endpoint_free(struct transport *t, struct endpoint *e)
{
	(void)t;
	free(e->shown);
	free(e);
	n_endpoints--;
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
	assert_true(n_under_way < 64);
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
	assert_int_equal(n_endpoints, 0);
}

static const struct transport_ops fake_ops = {
	.endpoint_new = fake_endpoint_new, .endpoint_free = fake_endpoint_free, .fetch = fake_fetch, .cancel = fake_cancel, .free = fake_free,
};
static struct transport fake = { .ops = &fake_ops };

/* --- a chain: /list says how many items, each is asked for by itself --------------------------- */

struct count {
	unsigned round, n_items, n_asked, n_read;
	bool is_list_asked, is_list_read;
};
static unsigned n_begun, n_freed, n_kept_freed;
static bool is_begin_refused;
static const char *own_url;

static void *
count_begin(const struct conf_source *conf, const void *arg, void *kept, struct err *err)
{
	struct count *c = xcalloc(1, sizeof *c);

	assert_string_equal(conf->name, "s");
	assert_non_null(arg);
	if (is_begin_refused) {
		err_set(err, ERR_INVALID, "there is nothing to ask");
		free(c);
		free(kept);
		return NULL;
	}
	c->round = kept == NULL ? 1 : *(unsigned *)kept + 1;
	free(kept);
	n_begun++;
	return c;
}

static bool
count_next(void *arg, struct chain_ask *ret)
{
	struct count *c = arg;

	if (c->is_list_asked && c->n_asked == c->n_items)
		return false;
	*ret = (struct chain_ask){ .tag = c->is_list_asked ? c->n_asked + 1 : 0 };
	request_init(&ret->request, "GET");
	ret->request.path = c->is_list_asked ? xasprintf("/item%u", c->n_asked) : xasprintf("/list?round=%u", c->round);
	if (c->is_list_asked && own_url != NULL)
		ret->url = xstrdup(own_url);
	c->n_asked += c->is_list_asked;
	c->is_list_asked = true;
	return true;
}

static int
count_answer(void *arg, unsigned tag, const char *body, size_t len, struct err *err)
{
	struct count *c = arg;

	if (len == 0)
		return err_set(err, ERR_SYNTAX, "nothing in it");
	if (tag == 0)
		c->n_items = (unsigned)strtoul(body, NULL, 10);
	else
		c->n_read++;
	return 0;
}

static int
count_failed(void *arg, unsigned tag, long status, const struct err *why, struct err *err)
{
	(void)arg;
	if (tag > 0 && status == 404)
		return 0;
	*err = *why;
	return why->code;
}

static void
count_end(void *arg, struct event_list *ret)
{
	struct count *c = arg;
	struct source_info *info = block_new(sizeof *info);

	info->product = "count";
	info->version = "";
	info->started_ns = c->n_read;
	event_list_add(ret, EVENT_SOURCE_INFO, T0, "s", info);
}

static void *
count_keep(void *arg)
{
	unsigned *kept = xcalloc(1, sizeof *kept);

	*kept = ((struct count *)arg)->round;
	return kept;
}

static void
count_kept_free(void *kept)
{
	n_kept_freed += kept != NULL;
	free(kept);
}

static void
count_free(void *arg)
{
	n_freed++;
	free(arg);
}

static const struct decoder_ops count_decoder = { .name = "count list", CHAIN_DECODER };
static const struct chain_ops count_chain = {
	.what = "count", .at_once = 4, .requests_max = 20, .decoder = &count_decoder, .begin = count_begin, .next = count_next,
	.answer = count_answer, .failed = count_failed, .end = count_end, .keep = count_keep, .kept_free = count_kept_free, .free = count_free,
};
static const struct source_ops count_type = { .type = "count", .chain = &count_chain };

const struct source_ops *
source_ops_find(const char *type)
{
	return strcmp(type, "count") == 0 ? &count_type : NULL;
}

/* --- driving it ------------------------------------------------------------------------------- */

static struct loop *loop;
static struct pool *pool;
static struct sources *sources;
static char *replicas[] = { "http://b", NULL };
static struct conf_source conf_source;
static struct conf_environment conf = { .name = "test", .sources = &conf_source, .n_sources = 1 };

static struct {
	char what[64], error[256], replica[64];
	bool is_ok;
	long status;
	size_t bytes;
	int64_t latency_ns, next_due_ns;
} report;
static size_t n_reports, n_events;
static int64_t n_read;

static void
on_event(const struct event *ev, void *arg)
{
	const struct source_report *r = ev->block;

	(void)arg;
	if (ev->kind != EVENT_SOURCE_REPORT) {
		assert_int_equal(ev->kind, EVENT_SOURCE_INFO);
		n_read = ((const struct source_info *)ev->block)->started_ns;
		n_events++;
		return;
	}
	n_reports++;
	snprintf(report.what, sizeof report.what, "%s", r->what);
	snprintf(report.error, sizeof report.error, "%s", r->error);
	snprintf(report.replica, sizeof report.replica, "%s", r->replica);
	report.is_ok = r->is_ok;
	report.status = r->http_status;
	report.bytes = r->bytes;
	report.latency_ns = r->latency_ns;
	report.next_due_ns = r->next_due_ns;
}

static int
setup(void **state)
{
	(void)state;
	clock_freeze(T0);
	conf_source = (struct conf_source){ .name = "s", .type = "count", .url = "http://a", .interval_ns = INTERVAL };
	n_under_way = n_sent = n_cancelled = n_endpoints = n_reports = n_events = 0;
	n_begun = n_freed = n_kept_freed = 0;
	is_begin_refused = false;
	own_url = NULL;
	return loop_new(&loop, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	sources_free(sources);
	sources = NULL;
	pool_free(pool);
	pool = NULL;
	loop_free(loop);
	clock_freeze(0);
	assert_int_equal(n_begun, n_freed);
	return 0;
}

static void
open_sources(void)
{
	assert_int_equal(sources_new_on(loop, pool, &fake, &conf, on_event, NULL, &sources, NULL), 0);
	sources_start(sources);
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
answer(const char *path, struct fetch_result *result)
{
	struct fetch *f = fetch_of(path);
	struct fetch own;

	assert_non_null(f);
	own = *f;
	forget(f);
	free(f);
	own.done(result, own.arg);
	event_list_done(&result->events);
	loop_once(loop, 0);
}

static void
say(const char *path, const char *body)
{
	struct fetch_result r = { .status = 200, .bytes = strlen(body), .latency_ns = (int64_t)strlen(body) * NS_PER_MS };
	struct chain_body *b = block_new(sizeof *b);

	b->bytes = arena_strdup(&b->block.arena, body);
	b->len = strlen(body);
	event_list_add(&r.events, EVENT_KINDS, T0, "s", b);
	answer(path, &r);
}

static void
fail_with(const char *path, long status)
{
	struct fetch_result r = { .status = status };

	err_set(&r.err, ERR_IO, "failed with %ld", status);
	answer(path, &r);
}

/* --- rounds ----------------------------------------------------------------------------------- */

static void
test_a_round(void **state)
{
	(void)state;
	open_sources();
	assert_int_equal(n_under_way, 1);
	assert_false(sources_all_tried(sources));
	say("/list", "6");
	assert_int_equal(n_under_way, 4);	/* no more at once */
	assert_int_equal(n_reports, 0);
	say("/item2", "abc");
	assert_int_equal(n_under_way, 4);
	assert_non_null(fetch_of("/item4"));
	for (int i = 0; i < 6; i++)
		if (i != 2)
			say((char[]){ '/', 'i', 't', 'e', 'm', (char)('0' + i), '\0' }, "a");
	assert_int_equal(n_under_way, 0);
	assert_int_equal(n_events, 1);
	assert_int_equal(n_read, 6);
	assert_int_equal(n_reports, 1);
	assert_true(report.is_ok);
	assert_string_equal(report.what, "count");
	assert_int_equal(report.bytes, 1 + 3 + 5);
	assert_int_equal(report.latency_ns, 3 * NS_PER_MS);
	assert_int_equal(report.status, 200);
	assert_int_equal(report.next_due_ns, T0 + INTERVAL);
	assert_true(sources_all_tried(sources));
	/* the next one begins with what the first has kept */
	clock_freeze(T0 + INTERVAL);
	loop_once(loop, 0);
	assert_non_null(fetch_of("/list?round=2"));
	say("/list", "0");
	assert_int_equal(n_reports, 2);
}

static void
test_one_failure_may_be_passed_over(void **state)
{
	(void)state;
	open_sources();
	say("/list", "3");
	fail_with("/item1", 404);
	say("/item0", "a");
	say("/item2", "a");
	assert_true(report.is_ok);
	assert_int_equal(n_read, 2);
}

static void
test_another_ends_the_round(void **state)
{
	struct fetch_result busy = { .status = 429, .retry_after_ns = 90 * NS_PER_S, .err = { .code = ERR_REFUSED, .msg = "later" } };

	(void)state;
	open_sources();
	say("/list", "3");
	say("/item0", "a");
	answer("/item1", &busy);
	assert_int_equal(n_cancelled, 1);
	assert_int_equal(n_under_way, 0);
	assert_int_equal(n_events, 0);
	assert_int_equal(n_reports, 1);
	assert_false(report.is_ok);
	assert_string_equal(report.error, "later");
	assert_int_equal(report.status, 429);
	assert_int_equal(report.next_due_ns, T0 + 90 * NS_PER_S);
	/* what was kept is there */
	clock_freeze(T0 + 90 * NS_PER_S);
	loop_once(loop, 0);
	assert_non_null(fetch_of("/list?round=2"));
}

/* A body that makes no sense is told as a failure with its status. */
static void
test_a_wrong_body(void **state)
{
	(void)state;
	open_sources();
	say("/list", "");
	assert_false(report.is_ok);
	assert_string_equal(report.error, "nothing in it");
	assert_int_equal(report.status, 200);
}

static void
test_too_many_requests(void **state)
{
	(void)state;
	open_sources();
	say("/list", "100");
	for (int i = 0; n_under_way > 0; i++) {
		assert_true(i < 30);
		say("/item", "a");
	}
	assert_string_equal(report.error, "it takes more than 20 requests to read it all");
	assert_int_equal(n_events, 0);
}

static void
test_nothing_to_ask(void **state)
{
	(void)state;
	is_begin_refused = true;
	open_sources();
	assert_int_equal(n_sent, 0);
	assert_int_equal(n_reports, 1);
	assert_string_equal(report.error, "there is nothing to ask");
	assert_true(report.next_due_ns >= T0 + INTERVAL);
}

static void
test_credentials_that_cannot_be_read(void **state)
{
	struct fetch_result r = { .is_unready = true, .err = { .code = ERR_IO, .msg = "no such file" } };

	(void)state;
	conf_source.replicas = replicas;
	open_sources();
	say("/list", "4");
	answer("/item1", &r);
	assert_int_equal(n_under_way, 0);
	assert_int_equal(n_reports, 1);
	assert_string_equal(report.error, "no such file");
}

/* --- replicas, sites of their own -------------------------------------------------------------- */

static void
test_the_round_moves_to_the_next_replica(void **state)
{
	(void)state;
	conf_source.replicas = replicas;
	open_sources();
	fail_with("/list", 0);
	assert_string_equal(fetch_of("/list")->url, "http://b");
	say("/list", "3");
	say("/item0", "a");
	assert_string_equal(fetch_of("/item1")->url, "http://b");
	say("/item1", "a");
	say("/item2", "a");
	assert_true(report.is_ok);
	assert_int_equal(n_reports, 1);
	assert_string_equal(report.replica, "http://b");
	clock_freeze(T0 + INTERVAL);
	loop_once(loop, 0);
	assert_string_equal(fetch_of("/list")->url, "http://b");
	/* both of these were sent to b; one finds out, the other follows; each replica is tried once */
	say("/list", "2");
	fail_with("/item0", 503);
	assert_string_equal(fetch_of("/item0")->url, "http://a");
	fail_with("/item1", 503);
	assert_string_equal(fetch_of("/item1")->url, "http://a");
	fail_with("/item1", 503);
	assert_false(report.is_ok);
	assert_int_equal(n_under_way, 0);
}

static void
test_requests_to_sites_of_their_own(void **state)
{
	(void)state;
	conf_source.replicas = replicas;
	own_url = "http://host-1:80";
	open_sources();
	assert_int_equal(n_endpoints, 2);
	say("/list", "2");
	assert_int_equal(n_endpoints, 4);
	assert_string_equal(fetch_of("/item0")->url, "http://host-1:80");
	fail_with("/item0", 404);	/* no replica has that host */
	assert_int_equal(n_endpoints, 3);
	say("/item1", "a");
	assert_int_equal(n_endpoints, 2);
	assert_true(report.is_ok);
	/* a url that is none is a failure of its request */
	own_url = "nonsense";
	clock_freeze(T0 + INTERVAL);
	loop_once(loop, 0);
	say("/list", "2");
	assert_string_equal(report.error, "not a url");
}

/* --- asking now, cancelling -------------------------------------------------------------------- */

static void
test_asked_now_while_under_way(void **state)
{
	(void)state;
	open_sources();
	sources_poll_now(sources, "s", "count");
	loop_once(loop, 0);
	assert_int_equal(n_under_way, 1);
	sources_refresh(sources);
	loop_once(loop, 0);
	assert_int_equal(n_under_way, 1);
	say("/list", "0");
	assert_non_null(fetch_of("/list?round=2"));
	say("/list", "0");
	assert_int_equal(n_under_way, 0);
	sources_poll_now(sources, "s", "count");
	loop_once(loop, 0);
	assert_non_null(fetch_of("/list?round=3"));
}

static void
test_freed_while_under_way(void **state)
{
	(void)state;
	open_sources();
	say("/list", "3");
	sources_free(sources);
	sources = NULL;
	assert_int_equal(n_cancelled, 3);
	assert_int_equal(n_freed, 1);
	assert_int_equal(n_reports, 0);
}

/* The same with workers, whatever they are doing just then. */
static void
test_freed_while_a_worker_is_at_it(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		n_begun = n_freed = 0;
		pool = pool_new(loop, 2);
		own_url = i % 2 ? "http://host:1" : NULL;
		open_sources();
		while (i % 5 > 1 && n_under_way == 0)
			loop_once(loop, NS_PER_MS);
		if (i % 5 > 2)
			say("/list", "4");
		while (i % 5 > 3 && n_under_way == 0)
			loop_once(loop, NS_PER_MS);
		sources_free(sources);
		sources = NULL;
		pool_free(pool);
		pool = NULL;
		assert_int_equal(n_begun, n_freed);
	}
}

static void
test_with_workers(void **state)
{
	(void)state;
	pool = pool_new(loop, 2);
	open_sources();
	while (n_under_way == 0)
		loop_once(loop, NS_PER_MS);
	say("/list", "9");
	for (int i = 0; n_reports == 0; i++) {
		if (n_under_way > 0)
			say("/item", "a");
		loop_once(loop, NS_PER_MS);
	}
	assert_true(report.is_ok);
	assert_int_equal(n_read, 9);
	assert_int_equal(n_sent, 10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_a_round),
		TEST(test_one_failure_may_be_passed_over),
		TEST(test_another_ends_the_round),
		TEST(test_a_wrong_body),
		TEST(test_too_many_requests),
		TEST(test_nothing_to_ask),
		TEST(test_credentials_that_cannot_be_read),
		TEST(test_the_round_moves_to_the_next_replica),
		TEST(test_requests_to_sites_of_their_own),
		TEST(test_asked_now_while_under_way),
		TEST(test_freed_while_under_way),
		TEST(test_freed_while_a_worker_is_at_it),
		TEST(test_with_workers),
	};

	return cmocka_run_group_tests_name("chains", tests, NULL, NULL);
}
