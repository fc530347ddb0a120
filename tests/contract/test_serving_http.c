/* Hosts asked over HTTP what they serve, through the real transport and schedule. */
#include "config.h"

#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fakes/fake_http.h"
#include "model/registry.h"
#include "source/source.h"

static struct loop *loop;
static struct pool *pool;
static struct sources *sources;
static struct conf_environment env;
static struct event serving;		/* the last */
static char url[64], error[512];
static unsigned n_reports;

static void
on_event(const struct event *ev, void *arg)
{
	(void)arg;
	if (ev->kind == EVENT_SERVING) {
		if (serving.block != NULL)
			event_done(&serving);
		serving = *ev;
		block_ref(ev->block);
	} else if (ev->kind == EVENT_SOURCE_REPORT) {
		n_reports++;
		snprintf(error, sizeof error, "%s", ((const struct source_report *)ev->block)->error);
	}
}

static void
wait_for_reports(unsigned n)
{
	while (n_reports < n)
		loop_once(loop, NS_PER_S);
}

static int
setup(void **state)
{
	(void)state;
	n_reports = 0;
	error[0] = '\0';
	if (loop_new(&loop, NULL) < 0)
		return -1;
	pool = pool_new(loop, 2);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	sources_free(sources);
	sources = NULL;
	pool_free(pool);
	loop_free(loop);
	if (serving.block != NULL)
		event_done(&serving);
	serving = (struct event){ 0 };
	return 0;
}

static bool
answer_host(const struct fake_request *r, void *arg)
{
	static const char body[] = "{\"model_version_status\": [{\"version\": \"9007199254740993\", \"state\": \"AVAILABLE\"}]}";
	static const char none[] = "{\"model_version_status\": []}";
	static const char missing[] = "{\"error\": \"Could not find any versions of model m\"}";

	(void)arg;
	if (strstr(r->path, "web-1/") != NULL)
		return fake_answer(r, 200, "Content-Type: application/json\r\n", body, strlen(body));
	if (strstr(r->path, "web-2/") != NULL)
		return fake_answer(r, 200, "Content-Type: application/json\r\n", none, strlen(none));
	if (strstr(r->path, "web-10/") != NULL)
		return fake_answer(r, 404, "Content-Type: application/json\r\n", missing, strlen(missing));
	if (strcmp(r->path, "/version") == 0)
		return fake_answer(r, 200, "Content-Type: text/plain\r\n", " 1.10\n", 6);
	return fake_answer(r, 200, "Content-Type: text/html\r\n", "<html>", 6);
}

static void
open_serving(const struct serving_want *w)
{
	assert_int_equal(sources_new(loop, pool, &env, 64 << 20, on_event, NULL, &sources, NULL), 0);
	sources_start(sources);
	sources_serving(sources, w, 1);
	wait_for_reports(1);
}

static void
test_serving(void **state)
{
	struct fake_http *f = fake_http_new(answer_host, NULL);
	struct serving_host hosts[40] = {
		{ "web-10", NULL }, { "web-2", "web-2" }, { "web-1", NULL }, { "../etc", NULL }, { "db", "web-3" },
	};
	char names[40][16];
	struct serving_want w = {
		.model = "model:m", .source = "serving:m", .url = url, .path = "model_version_status[0].version", .every_ns = NS_PER_HOUR,
		.timeout_ns = 10 * NS_PER_S, .n_hosts = 40, .hosts = hosts,
	};
	const struct serving_set *s;

	(void)state;
	for (int i = 5; i < 40; i++) {
		snprintf(names[i], sizeof names[i], "x-%d", i);
		hosts[i] = (struct serving_host){ names[i], "web-1" };
	}
	snprintf(url, sizeof url, "http://127.0.0.1:%d/hosts/{host}/v1/models/m", fake_http_port(f));
	open_serving(&w);
	s = serving.block;
	assert_string_equal(error, "");
	assert_non_null(s);
	assert_string_equal(serving.source, "serving:m");
	assert_string_equal(s->model, "model:m");
	assert_int_equal(s->n, 40);
	assert_string_equal(s->v[0].host, "../etc");
	assert_string_equal(s->v[0].error, "this is not the name of a host: it was not asked");
	assert_string_equal(s->v[1].host, "db");
	assert_non_null(strstr(s->v[1].error, "an HTML page"));
	assert_string_equal(s->v[2].host, "web-1");
	assert_string_equal(s->v[2].version, "9007199254740993");
	assert_string_equal(s->v[2].error, "");
	assert_string_equal(s->v[3].host, "web-2");
	assert_string_equal(s->v[3].version, "");
	assert_string_equal(s->v[3].error, "");
	assert_string_equal(s->v[4].host, "web-10");
	assert_string_equal(s->v[4].error, "HTTP 404: Could not find any versions of model m");
	assert_int_equal(fake_http_requests(f), 39);
	/* the same again is no change; another list is asked at once */
	sources_serving(sources, &w, 1);
	w.n_hosts = 3;
	sources_serving(sources, &w, 1);
	wait_for_reports(2);
	assert_int_equal(((const struct serving_set *)serving.block)->n, 3);
	sources_serving(sources, NULL, 0);
	fake_http_free(f);
}

static void
test_serving_as_text(void **state)
{
	struct fake_http *f = fake_http_new(answer_host, NULL);
	const struct serving_host hosts[] = { { "web-1", "127.0.0.1" }, { "nobody", "127.0.0.1.invalid" } };
	const struct serving_want w = {
		.model = "model:m", .source = "serving:m", .url = url, .path = "", .every_ns = NS_PER_HOUR, .timeout_ns = 10 * NS_PER_S,
		.n_hosts = 2, .hosts = hosts,
	};
	const struct serving_set *s;

	(void)state;
	snprintf(url, sizeof url, "http://{host}:%d/version", fake_http_port(f));
	open_serving(&w);
	s = serving.block;
	assert_int_equal(s->n, 2);
	assert_string_equal(s->v[1].host, "web-1");
	assert_string_equal(s->v[1].version, "1.10");
	assert_string_equal(s->v[0].version, "");
	assert_true(*s->v[0].error != '\0');
	fake_http_free(f);
}

/* Waits until as many hosts as arg says are asked together, or nobody waits for the answer any more. */
static atomic_uint n_waiting;

static bool
answer_together(const struct fake_request *r, void *arg)
{
	struct pollfd fd = { .fd = r->fd, .events = POLLIN };

	if (strstr(r->path, "web-1/") == NULL) {
		atomic_fetch_add(&n_waiting, 1);
		while (atomic_load(&n_waiting) < *(const unsigned *)arg)
			if (poll(&fd, 1, 5) != 0)
				return false;
	}
	return fake_answer(r, 200, "Content-Type: text/plain\r\n", "7", 1);
}

static const struct serving_set *
ask_forty(struct fake_http *f, int64_t every_ns)
{
	static struct serving_host hosts[41];
	static char names[40][16];
	const struct serving_want w = {
		.model = "model:m", .source = "serving:m", .url = url, .path = "", .every_ns = every_ns, .timeout_ns = NS_PER_HOUR,
		.n_hosts = 41, .hosts = hosts,
	};

	atomic_store(&n_waiting, 0);
	hosts[0] = (struct serving_host){ "web-1", NULL };
	for (int i = 0; i < 40; i++) {
		snprintf(names[i], sizeof names[i], "x-%d", i);
		hosts[i + 1] = (struct serving_host){ names[i], NULL };
	}
	snprintf(url, sizeof url, "http://127.0.0.1:%d/{host}/", fake_http_port(f));
	open_serving(&w);
	return serving.block;
}

static void
test_many_hosts_are_asked_together(void **state)
{
	unsigned n = 40;
	struct fake_http *f = fake_http_new(answer_together, &n);
	const struct serving_set *s = ask_forty(f, NS_PER_MIN);

	(void)state;
	assert_int_equal(s->n, 41);
	for (size_t i = 0; i < s->n; i++)
		assert_string_equal(s->v[i].version, "7");
	sources_serving(sources, NULL, 0);
	fake_http_free(f);
}

/* Hosts that never answer are given up within the round, however long they might take. */
static void
test_dead_hosts_do_not_hold_up_the_others(void **state)
{
	unsigned never = UINT_MAX;
	struct fake_http *f = fake_http_new(answer_together, &never);
	const struct serving_set *s = ask_forty(f, 3 * NS_PER_S);

	(void)state;
	assert_int_equal(s->n, 41);
	assert_string_equal(s->v[0].host, "web-1");
	assert_string_equal(s->v[0].version, "7");
	for (size_t i = 1; i < s->n; i++)
		assert_true(*s->v[i].error != '\0');
	sources_serving(sources, NULL, 0);
	fake_http_free(f);
}

static void
test_serving_ends_while_under_way(void **state)
{
	struct fake_http *f = fake_http_new(answer_host, NULL);
	const struct serving_host hosts[] = { { "web-1", NULL }, { "web-2", NULL } };
	const struct serving_want w = {
		.model = "model:m", .source = "serving:m", .url = url, .path = "", .every_ns = NS_PER_HOUR, .timeout_ns = 10 * NS_PER_S,
		.n_hosts = 2, .hosts = hosts,
	};

	(void)state;
	snprintf(url, sizeof url, "http://127.0.0.1:%d/{host}/", fake_http_port(f));
	assert_int_equal(sources_new(loop, pool, &env, 64 << 20, on_event, NULL, &sources, NULL), 0);
	sources_start(sources);
	for (int i = 0; i < 20; i++) {
		sources_serving(sources, &w, 1);
		for (int k = 0; k < i % 5; k++)
			loop_once(loop, NS_PER_MS);
		sources_serving(sources, NULL, 0);
	}
	sources_free(sources);
	sources = NULL;
	fake_http_free(f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_serving),
		TEST(test_serving_as_text),
		TEST(test_many_hosts_are_asked_together),
		TEST(test_dead_hosts_do_not_hold_up_the_others),
		TEST(test_serving_ends_while_under_way),
	};

	return cmocka_run_group_tests_name("serving over HTTP", tests, NULL, NULL);
}
