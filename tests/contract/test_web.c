/* Credentials, proxies, writes, load, and what may hang: the transport as a whole. */
#include "config.h"

#include <netdb.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "fakes/web_driver.h"
#include "source/web.h"

static struct fake_http *elsewhere;

/* --- credentials ------------------------------------------------------------------------------ */

static char right_token[32];

static bool
answer_authorised(const struct fake_request *r, void *arg)
{
	char value[64], expected[64];

	(void)arg;
	snprintf(expected, sizeof expected, "Bearer %s", right_token);
	if (strcmp(fake_header(r, "Authorization", value, sizeof value), expected) != 0)
		return fake_answer(r, 401, "", "no such token", 13);
	return fake_answer(r, 200, "", "welcome", 7);
}

static void
test_token_is_read_again_after_401(void **state)
{
	struct endpoint *e;
	struct got g, h;

	(void)state;
	serve(answer_authorised);
	conf.bearer.env = "TEST_HTTP_TOKEN";
	setenv("TEST_HTTP_TOKEN", "one", 1);
	strcpy(right_token, "one");
	e = endpoint();
	start(e, "GET", "/", NULL, &g);
	start(e, "GET", "/", NULL, &h);		/* both wait for one reading */
	wait_for(&g);
	wait_for(&h);
	assert_int_equal(g.r.err.code, 0);
	assert_int_equal(h.r.err.code, 0);
	assert_int_equal(fake_http_requests(server), 2);
	/* kept: a change is not looked for ... */
	setenv("TEST_HTTP_TOKEN", "two", 1);
	start(e, "GET", "/", NULL, &g);
	wait_for(&g);
	assert_int_equal(g.r.err.code, 0);
	assert_int_equal(fake_http_requests(server), 3);
	/* ... until the server wants it */
	strcpy(right_token, "two");
	start(e, "GET", "/", NULL, &g);
	start(e, "GET", "/", NULL, &h);
	wait_for(&g);
	wait_for(&h);
	assert_int_equal(g.r.err.code, 0);
	assert_int_equal(h.r.err.code, 0);
	assert_int_equal(fake_http_requests(server), 7);
	/* and once only */
	strcpy(right_token, "three");
	start(e, "GET", "/", NULL, &g);
	wait_for(&g);
	assert_error(&g, ERR_REFUSED, "status 401");
	assert_string_equal(seen.refusal, "again: no such token");
	assert_int_equal(fake_http_requests(server), 9);
	web->ops->endpoint_free(web, e);
}

static void
test_missing_secret_sends_nothing(void **state)
{
	struct got g;

	(void)state;
	serve(answer_hello);
	conf.bearer.env = "TEST_HTTP_NOT_SET";
	g = get("/");
	assert_true(g.r.err.code != 0);
	assert_non_null(strstr(g.r.err.msg, "TEST_HTTP_NOT_SET"));
	assert_int_equal(fake_http_connections(server), 0);
}

/* A command that never ends: neither cancelling nor the end of the program waits for it. */
static void
test_cancelled_while_a_secret_is_read(void **state)
{
	char *command[] = { "sleep", "3", NULL };
	struct endpoint *e;
	struct got g;
	struct fetch *f;

	(void)state;
	serve(answer_hello);
	conf.bearer.command = command;
	e = endpoint();
	f = start(e, "GET", "/", NULL, &g);
	loop_once(loop, 0);
	web->ops->cancel(web, f);
	web->ops->endpoint_free(web, e);
	assert_false(g.is_done);
	assert_int_equal(fake_http_connections(server), 0);
}

static void
test_a_slow_secret_does_not_hide(void **state)
{
	char *command[] = { "sleep", "3", NULL };
	struct got g;

	(void)state;
	serve(answer_hello);
	conf.bearer.command = command;
	conf.timeout_ns = 100 * NS_PER_MS;
	g = get("/");
	assert_error(&g, ERR_TIMEOUT, "credentials could not be read within 100ms");
	assert_int_equal(fake_http_connections(server), 0);
}

/* --- proxies ---------------------------------------------------------------------------------- */

static void
test_proxy_only_from_the_config(void **state)
{
	char proxy[64];
	struct got g;

	(void)state;
	serve(answer_hello);
	elsewhere = fake_http_new(answer_hello, NULL);
	snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", fake_http_port(elsewhere));
	setenv("http_proxy", proxy, 1);
	g = get("/");
	assert_int_equal(g.r.err.code, 0);
	assert_int_equal(fake_http_requests(elsewhere), 0);
	conf.proxy = "environment";
	g = get("/");
	assert_int_equal(g.r.err.code, 0);
	assert_int_equal(fake_http_requests(elsewhere), 1);
	assert_true(str_has_prefix(request_head, "GET http://127.0.0.1:"));
	unsetenv("http_proxy");
	setenv("no_proxy", "*", 1);
	conf.proxy = proxy;
	g = get("/");
	assert_int_equal(g.r.err.code, 0);
	assert_int_equal(fake_http_requests(elsewhere), 2);
	assert_int_equal(fake_http_requests(server), 1);
	unsetenv("no_proxy");
	fake_http_free(elsewhere);
}

/* --- writes ----------------------------------------------------------------------------------- */

static bool
answer_write(const struct fake_request *r, void *arg)
{
	(void)arg;
	if (strcmp(r->method, "GET") == 0)
		return fake_answer(r, 200, "", "", 0);
	if (strcmp(r->path, "/drop") == 0) {
		fake_reset(r->fd);
		return false;
	}
	if (strcmp(r->path, "/moved") == 0)
		return fake_answer(r, 307, "Location: /write\r\n", "", 0);
	if (strcmp(r->path, "/bad") == 0)
		return fake_answer(r, 422, "Content-Type: application/json\r\n", "\"no\"", 4);
	return fake_answer(r, 200, "Content-Type: text/plain\r\n", r->body, r->body_len);
}

static struct got
write_to(const char *method, const char *path, const char *body)
{
	struct endpoint *e = endpoint();
	struct got g;

	start(e, method, path, body, &g);
	wait_for(&g);
	web->ops->endpoint_free(web, e);
	return g;
}

static void
test_writes(void **state)
{
	struct got g;
	unsigned n;

	(void)state;
	serve(answer_write);
	g = write_to("POST", "/write", "{\"a\":1}");
	assert_int_equal(g.r.err.code, 0);
	assert_string_equal(g.body, "{\"a\":1}");
	assert_string_equal(g.type, "text/plain");
	g = write_to("DELETE", "/write", NULL);
	assert_int_equal(g.r.err.code, 0);
	/* a refusal is an answer, and not the transport's to judge */
	g = write_to("POST", "/bad", "{}");
	assert_int_equal(g.r.err.code, 0);
	assert_int_equal(g.r.status, 422);
	assert_string_equal(g.body, "\"no\"");
	g = write_to("POST", "/moved", "{}");
	assert_error(&g, ERR_REFUSED, "not followed");
	/* read and dropped: it may have been done, and is sent once even though a kept connection was there */
	get("/");
	n = fake_http_requests(server);
	g = write_to("POST", "/drop", "{}");
	assert_error(&g, ERR_IO, "without an answer");
	assert_true(g.r.is_maybe_sent);
	assert_int_equal(fake_http_requests(server), n + 1);
	fake_http_free(server);
	server = NULL;
	g = write_to("POST", "/write", "{}");
	assert_error(&g, ERR_REFUSED, "connection refused");
	assert_false(g.r.is_maybe_sent);
}

static char seen_methods[64], seen_flag[64], seen_team[64];

static bool
answer_noting(const struct fake_request *r, void *arg)
{
	size_t at = strlen(seen_methods);

	(void)arg;
	snprintf(seen_methods + at, sizeof seen_methods - at, "%s ", r->method);
	fake_header(r, "X-Flag", seen_flag, sizeof seen_flag);
	fake_header(r, "X-Team", seen_team, sizeof seen_team);
	if (strcmp(r->method, "HEAD") == 0)
		return fake_printf(r->fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
	return fake_answer(r, 200, "", r->body, r->body_len);
}

static void
on_written(const struct fetch_result *result, void *arg)
{
	assert_int_equal(result->err.code, 0);
	*(bool *)arg = true;
}

/* A request has headers of its own beside the source's. */
static void
test_requests_with_headers(void **state)
{
	static const char *const methods[] = { "GET", "HEAD", "PUT", "PATCH", "DELETE" };
	struct conf_header of_source = { .name = (char *)"X-Team", .value = (char *)"ops" };
	struct endpoint *e;
	struct err err = ERR_INIT;

	(void)state;
	serve(answer_noting);
	conf.headers = &of_source;
	conf.n_headers = 1;
	e = endpoint();
	*seen_methods = '\0';
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		struct request r;
		struct fetch_spec spec = { .request = &r, .ctx = { .source = "s", .query = "" } };
		bool is_done = false;

		request_init(&r, methods[i]);
		r.path = xstrdup("/flag");
		r.timeout_ns = 10 * NS_PER_S;
		assert_int_equal(request_add_header(&r, "X-Flag", "a b", &err), 0);
		assert_int_equal(request_add_header(&r, "X-Bad", "a\r\nb: c", &err), ERR_INVALID);
		assert_int_equal(request_add_header(&r, "X Bad", "a", &err), ERR_INVALID);
		web->ops->fetch(web, e, &spec, on_written, &is_done);
		request_done(&r);
		while (!is_done)
			loop_once(loop, -1);
		assert_string_equal(seen_flag, "a b");
		assert_string_equal(seen_team, "ops");
	}
	assert_string_equal(seen_methods, "GET HEAD PUT PATCH DELETE ");
	web->ops->endpoint_free(web, e);
	conf.headers = NULL;
	conf.n_headers = 0;
}

/* --- load ------------------------------------------------------------------------------------- */

static atomic_size_t n_offered;

/* More than any socket buffers take, counting what has gone. */
enum { FLOOD = 48 << 20 };

static bool
answer_flood(const struct fake_request *r, void *arg)
{
	static const char chunk[64 << 10];

	(void)arg;
	if (!fake_printf(r->fd, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", FLOOD))
		return false;
	for (size_t sent = 0; sent < FLOOD; sent += sizeof chunk) {
		if (!fake_send(r->fd, chunk, sizeof chunk))
			return false;
		atomic_fetch_add(&n_offered, sizeof chunk);
	}
	return true;
}

/* Turn until neither side moves any more. */
static void
wait_for_standstill(void)
{
	size_t before;
	int quiet = 0;

	while (quiet < 10) {
		before = atomic_load(&n_offered);
		loop_once(loop, 10 * NS_PER_MS);
		quiet = before > 0 && before == atomic_load(&n_offered) ? quiet + 1 : 0;
	}
}

static void
open_gate(sem_t *gate)
{
	for (int i = 0; i < 100000; i++)
		sem_post(gate);
}

static void
test_a_lagging_decoder_stops_the_server(void **state)
{
	struct endpoint *e;
	struct got g;
	sem_t gate;

	(void)state;
	sem_init(&gate, 0, 0);
	seen.gate = &gate;
	atomic_store(&n_offered, 0);
	serve(answer_flood);
	e = endpoint();
	start(e, "GET", "/", NULL, &g);
	wait_for_standstill();
	assert_true(atomic_load(&n_offered) < FLOOD);
	assert_false(g.is_done);
	open_gate(&gate);
	wait_for(&g);
	assert_int_equal(g.r.err.code, 0);
	assert_int_equal(seen.bytes, FLOOD);
	web->ops->endpoint_free(web, e);
}

static void
test_answers_share_the_room_in_flight(void **state)
{
	enum { N = 3 };
	struct transport *crowded;
	struct got g[N];
	struct endpoint *e;

	(void)state;
	serve(answer_flood);
	crowded = web;
	assert_int_equal(web_new(loop, pool, 1 << 20, &web, NULL), 0);
	e = endpoint();
	for (int i = 0; i < N; i++)
		start(e, "GET", "/", NULL, &g[i]);
	for (int i = 0; i < N; i++) {
		wait_for(&g[i]);
		/* one after the other: the later ones were held back, and all came whole */
		for (int k = i + 1; k < N; k++)
			assert_false(g[k].is_done);
		assert_int_equal(g[i].r.err.code, 0);
		assert_int_equal(g[i].r.bytes, FLOOD);
	}
	web->ops->endpoint_free(web, e);
	web->ops->free(web);
	web = crowded;
}

static void
test_decoder_that_gives_up_ends_the_transfer(void **state)
{
	struct got g;

	(void)state;
	seen.fails = true;
	atomic_store(&n_offered, 0);
	serve(answer_flood);
	g = get("/");
	assert_error(&g, ERR_SYNTAX, "this is not it");
	assert_int_equal(g.r.status, 200);
}

static void
test_cancelled_at_any_time(void **state)
{
	struct endpoint *e;
	struct got g;

	(void)state;
	serve(answer_large);
	e = endpoint();
	for (int turns = 0; turns < 40; turns++) {
		struct fetch *f = start(e, "GET", "/", NULL, &g);

		for (int i = 0; i < turns && !g.is_done; i++)
			loop_once(loop, 5 * NS_PER_MS);
		if (g.is_done)
			break;
		web->ops->cancel(web, f);
	}
	web->ops->endpoint_free(web, e);
}

/* --- a resolver that never answers ------------------------------------------------------------ */

static sem_t resolver_begun, resolver_go;

/* In the place of libc's: libcurl's threads find this one first. */
int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	(void)name;
	(void)service;
	(void)hints;
	(void)ret;
	sem_post(&resolver_begun);
	while (sem_wait(&resolver_go) < 0)
		;
	return EAI_FAIL;
}

static void
test_hung_resolver_holds_up_nothing(void **state)
{
	struct endpoint *e;
	struct got g;
	struct fetch *f;

	(void)state;
	sem_init(&resolver_begun, 0, 0);
	sem_init(&resolver_go, 0, 0);
	conf.url = "http://name.invalid:9090";
	conf.timeout_ns = 200 * NS_PER_MS;
	/* the timeout comes all the same */
	g = get("/");
	assert_error(&g, ERR_TIMEOUT, "host name 'name.invalid' not resolved within");
	/* and so does the end, with a lookup under way */
	conf.timeout_ns = 60 * NS_PER_S;
	e = endpoint();
	f = start(e, "GET", "/", NULL, &g);
	while (sem_trywait(&resolver_begun) < 0)
		loop_once(loop, NS_PER_MS);
	while (sem_trywait(&resolver_begun) < 0)
		loop_once(loop, NS_PER_MS);
	web->ops->cancel(web, f);
	web->ops->endpoint_free(web, e);
	web->ops->free(web);
	assert_int_equal(web_new(loop, pool, 1 << 20, &web, NULL), 0);	/* for teardown */
	sem_post(&resolver_go);
	sem_post(&resolver_go);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, web_setup, web_teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_token_is_read_again_after_401),
		TEST(test_missing_secret_sends_nothing),
		TEST(test_proxy_only_from_the_config),
		TEST(test_writes),
		TEST(test_requests_with_headers),
		TEST(test_a_lagging_decoder_stops_the_server),
		TEST(test_answers_share_the_room_in_flight),
		TEST(test_decoder_that_gives_up_ends_the_transfer),
		TEST(test_cancelled_at_any_time),
		TEST(test_hung_resolver_holds_up_nothing),
		/* Last: their threads read the environment for a while, which the others change. */
		TEST(test_cancelled_while_a_secret_is_read),
		TEST(test_a_slow_secret_does_not_hide),
	};

	return cmocka_run_group_tests_name("web", tests, NULL, NULL);
}
