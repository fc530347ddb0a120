/* What really goes over a socket: the transport against a server that behaves, and against one that does not. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "fakes/web_driver.h"

/* --- answers ---------------------------------------------------------------------------------- */

static void
test_request_and_answer(void **state)
{
	struct conf_header header = { .name = "X-Scope-OrgID", .value = "tenant" };
	struct got g;

	(void)state;
	serve(answer_hello);
	strcat(url, "/prefix/");
	conf.headers = &header;
	conf.n_headers = 1;
	conf.user = "alice";
	g = get("/api?q=1");
	assert_int_equal(g.r.err.code, 0);
	assert_int_equal(g.r.status, 200);
	assert_int_equal(g.r.bytes, 5);
	assert_int_equal(g.n_events, 1);
	assert_true(g.r.latency_ns > 0);
	assert_true(str_has_prefix(request_head, "GET /prefix/api?q=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(request_head, "User-Agent: opsconsole/" PACKAGE_VERSION "\r\n"));
	assert_non_null(strstr(request_head, "X-Scope-OrgID: tenant\r\n"));
	assert_non_null(strstr(request_head, "Authorization: Basic YWxpY2U6\r\n"));
	assert_non_null(strstr(request_head, "gzip"));
}

static void
test_connections_are_kept(void **state)
{
	struct endpoint *e;
	struct got g;

	(void)state;
	serve(answer_hello);
	e = endpoint();
	for (int i = 0; i < 5; i++) {
		start(e, "GET", "/", NULL, &g);
		wait_for(&g);
		assert_int_equal(g.r.err.code, 0);
	}
	assert_int_equal(fake_http_requests(server), 5);
	assert_int_equal(fake_http_connections(server), 1);
	web->ops->endpoint_free(web, e);
}

static void
test_large_answer_in_order(void **state)
{
	struct got g;

	(void)state;
	serve(answer_large);
	g = get("/");
	assert_int_equal(g.r.err.code, 0);
	assert_int_equal(g.r.bytes, LARGE);
	assert_int_equal(seen.bytes, LARGE);
	assert_true(seen.is_pattern);
}

static char *packed;
static size_t packed_len;

/* What a shell command prints, for bodies that were packed by the real gzip. */
static char *
output_of(const char *command, size_t *ret_len)
{
	enum { MAX = 1 << 20 };
	char *bytes = xmalloc(MAX);
	FILE *f = popen(command, "r");

	assert_non_null(f);
	*ret_len = fread(bytes, 1, MAX, f);
	assert_int_equal(pclose(f), 0);
	assert_true(*ret_len > 0 && *ret_len < MAX);
	return bytes;
}

/* Not while the server may be sending it. */
static void
free_packed(void)
{
	fake_http_free(server);
	server = NULL;
	free(packed);
}

static bool
answer_packed(const struct fake_request *r, void *arg)
{
	(void)arg;
	return fake_answer(r, 200, "Content-Encoding: gzip\r\n", packed, packed_len);
}

static void
test_gzip_is_unpacked(void **state)
{
	struct got g;

	(void)state;
	packed = output_of("head -c 3000000 /dev/zero | gzip -1", &packed_len);
	serve(answer_packed);
	g = get("/");
	assert_int_equal(g.r.err.code, 0);
	assert_int_equal(g.r.bytes, 3000000);
	assert_int_equal(seen.bytes, 3000000);
	free_packed();
}

static void
test_gzip_bomb_stops_at_the_ceiling(void **state)
{
	struct got g;

	(void)state;
	packed = output_of("head -c 100000000 /dev/zero | gzip -9", &packed_len);
	serve(answer_packed);
	conf.body_max = 1 << 20;
	g = get("/");
	assert_error(&g, ERR_LIMIT, "answer larger than 1 MiB (body_max)");
	assert_true(g.r.bytes <= 1 << 20);
	free_packed();
}

static bool
answer_bad_gzip(const struct fake_request *r, void *arg)
{
	(void)arg;
	return fake_answer(r, 200, "Content-Encoding: gzip\r\n", "this is no gzip", 15);
}

static void
test_broken_gzip(void **state)
{
	struct got g;

	(void)state;
	serve(answer_bad_gzip);
	g = get("/");
	assert_error(&g, ERR_SYNTAX, "cannot be unpacked");
}

static void
test_ceiling_without_announcement(void **state)
{
	struct got g;

	(void)state;
	serve(answer_large);
	conf.body_max = 100000;
	g = get("/");
	assert_error(&g, ERR_LIMIT, "answer larger than 97 KiB (body_max)");
	assert_true(g.r.bytes <= 100000);
}

static bool
answer_announced(const struct fake_request *r, void *arg)
{
	(void)arg;
	return fake_printf(r->fd, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n");
}

static void
test_announced_size_is_refused_before_it_is_read(void **state)
{
	struct got g;

	(void)state;
	serve(answer_announced);
	g = get("/");
	assert_error(&g, ERR_LIMIT, "answer larger than 64 MiB (body_max)");
	assert_int_equal(g.r.bytes, 0);
}

static bool
answer_refused(const struct fake_request *r, void *arg)
{
	(void)arg;
	return fake_answer(r, 503,
	    "Retry-After: 17\r\nDate: Tue, 01 Jan 2030 00:00:00 GMT\r\n", "still starting", 14);
}

static void
test_refusal_reaches_the_decoder(void **state)
{
	struct got g;
	int64_t skew;

	(void)state;
	serve(answer_refused);
	g = get("/");
	assert_error(&g, ERR_REFUSED, "status 503");
	assert_int_equal(g.r.status, 503);
	assert_string_equal(seen.refusal, "still starting");
	assert_int_equal(g.r.retry_after_ns, 17 * NS_PER_S);
	skew = INT64_C(1893456000) * NS_PER_S - clock_now();
	assert_true(llabs(g.r.skew_ns - skew) < 300 * NS_PER_S);
}

static bool
answer_on_time(const struct fake_request *r, void *arg)
{
	char date[64], header[96];
	time_t now = time(NULL);
	struct tm tm;

	(void)arg;
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	snprintf(header, sizeof header, "Date: %s\r\n", date);
	return fake_answer(r, 200, header, "", 0);
}

static void
test_clocks_that_agree_have_no_skew(void **state)
{
	struct got g;

	(void)state;
	serve(answer_on_time);
	g = get("/");
	assert_int_equal(g.r.err.code, 0);
	assert_int_equal(g.r.skew_ns, 0);
}

static bool
answer_in_9999(const struct fake_request *r, void *arg)
{
	(void)arg;
	return fake_answer(r, 200, "Date: Fri, 31 Dec 9999 23:59:59 GMT\r\n", "", 0);
}

static void
test_a_clock_out_of_reach_is_far_ahead(void **state)
{
	struct got g;

	(void)state;
	serve(answer_in_9999);
	g = get("/");
	assert_int_equal(g.r.err.code, 0);
	assert_true(g.r.skew_ns > 365 * 24 * NS_PER_HOUR);
}

/* --- answers gone wrong ----------------------------------------------------------------------- */

static bool
answer_half(const struct fake_request *r, void *arg)
{
	(void)arg;
	fake_printf(r->fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf of it");
	return false;
}

static bool
answer_reset(const struct fake_request *r, void *arg)
{
	(void)arg;
	if (strcmp(r->path, "/late") == 0)
		fake_printf(r->fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nsome");
	fake_reset(r->fd);
	return false;
}

static bool
answer_nothing(const struct fake_request *r, void *arg)
{
	(void)r;
	(void)arg;
	return false;
}

static bool
answer_ssh(const struct fake_request *r, void *arg)
{
	(void)arg;
	fake_printf(r->fd, "SSH-2.0-OpenSSH_9.2p1 \033[2J\r\n");
	return false;
}

static bool
answer_headers(const struct fake_request *r, void *arg)
{
	(void)arg;
	fake_printf(r->fd, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 100000; i++)
		if (!fake_printf(r->fd, "X-Filler-%d: 0123456789012345678901234567890123456789\r\n", i))
			break;
	return false;
}

static void
test_broken_answers(void **state)
{
	static const struct {
		fake_handler *handler;
		const char *path;
		int code;
		const char *text;
	} cases[] = {
		{ answer_half, "/", ERR_IO, "ended early, after 10 bytes" },
		{ answer_reset, "/late", ERR_IO, "half an answer is not used" },
		{ answer_reset, "/", ERR_IO, "closed the connection without an answer" },
		{ answer_nothing, "/", ERR_IO, "closed the connection without an answer" },
		{ answer_ssh, "/", ERR_SYNTAX, "does not speak HTTP" },
		{ answer_headers, "/", ERR_LIMIT, "headers of the answer larger than 64 KiB" },
	};
	struct got g;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		serve(cases[i].handler);
		g = get(cases[i].path);
		assert_error(&g, cases[i].code, cases[i].text);
		assert_int_equal(g.n_events, 0);
		assert_int_equal(seen.status, 0);	/* no decoder has finished */
		assert_true(utf8_is_valid(g.r.err.msg, strlen(g.r.err.msg)) && strchr(g.r.err.msg, '\033') == NULL);
		fake_http_free(server);
	}
	server = NULL;
}

/* Says a byte now and then, until the other side goes. */
static bool
answer_slowly(const struct fake_request *r, void *arg)
{
	static const struct timespec pause = { .tv_nsec = 10 * NS_PER_MS };

	(void)arg;
	if (!fake_printf(r->fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"))
		return false;
	while (fake_send(r->fd, " ", 1))
		nanosleep(&pause, NULL);
	return false;
}

/* Says nothing until the other side goes. */
static bool
answer_never(const struct fake_request *r, void *arg)
{
	char c;

	(void)arg;
	return read(r->fd, &c, 1) > 0;
}

static void
test_slow_answers_end_with_the_timeout(void **state)
{
	struct got g;

	(void)state;
	conf.timeout_ns = 300 * NS_PER_MS;
	serve(answer_slowly);
	g = get("/");
	assert_error(&g, ERR_TIMEOUT, "answer not complete within 300ms");
	assert_int_equal(g.r.status, 200);
	fake_http_free(server);
	serve(answer_never);
	g = get("/");
	assert_error(&g, ERR_TIMEOUT, "no answer within 300ms from 127.0.0.1:");
	assert_int_equal(g.r.status, 0);
}

static void
test_nobody_there(void **state)
{
	char expected[128];
	struct got g;

	(void)state;
	serve(answer_hello);
	fake_http_free(server);
	server = NULL;
	g = get("/");
	snprintf(expected, sizeof expected, "connection refused by %s: is Prometheus running there?",
	    url + strlen("http://"));
	assert_error(&g, ERR_REFUSED, expected);
	assert_false(g.r.is_maybe_sent);
}

/* --- redirects -------------------------------------------------------------------------------- */

static struct fake_http *elsewhere;

static bool
answer_redirect(const struct fake_request *r, void *arg)
{
	char header[128];

	(void)arg;
	if (strcmp(r->path, "/there") == 0)
		return fake_answer(r, 200, "", "arrived", 7);
	if (strcmp(r->path, "/loop") == 0)
		return fake_answer(r, 302, "Location: /loop\r\n", "", 0);
	if (strcmp(r->path, "/here") == 0)
		return fake_answer(r, 301, "Location: there\r\n", "a page that says so", 19);
	if (strcmp(r->path, "/file") == 0)
		return fake_answer(r, 302, "Location: file:///etc/passwd\r\n", "", 0);
	snprintf(header, sizeof header, "Location: http://alice:secret@127.0.0.1:%d/there\r\n",
	    fake_http_port(elsewhere));
	return fake_answer(r, 302, header, "", 0);
}

static void
test_redirects(void **state)
{
	char expected[128];
	struct got g;

	(void)state;
	serve(answer_redirect);
	elsewhere = fake_http_new(answer_hello, NULL);
	g = get("/here");
	assert_int_equal(g.r.err.code, 0);
	assert_int_equal(g.r.bytes, 7);
	g = get("/loop");
	assert_error(&g, ERR_REFUSED, "redirected more than 5 times");
	g = get("/file");
	assert_error(&g, ERR_REFUSED, "redirected to another origin (file://");
	g = get("/other");
	snprintf(expected, sizeof expected,
	    "redirected to another origin (http://127.0.0.1:%d), which is not followed",
	    fake_http_port(elsewhere));
	assert_error(&g, ERR_REFUSED, expected);
	assert_null(strstr(g.r.err.msg, "secret"));
	assert_int_equal(fake_http_connections(elsewhere), 0);
	fake_http_free(elsewhere);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, web_setup, web_teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_request_and_answer),
		TEST(test_connections_are_kept),
		TEST(test_large_answer_in_order),
		TEST(test_gzip_is_unpacked),
		TEST(test_gzip_bomb_stops_at_the_ceiling),
		TEST(test_broken_gzip),
		TEST(test_ceiling_without_announcement),
		TEST(test_announced_size_is_refused_before_it_is_read),
		TEST(test_refusal_reaches_the_decoder),
		TEST(test_clocks_that_agree_have_no_skew),
		TEST(test_a_clock_out_of_reach_is_far_ahead),
		TEST(test_broken_answers),
		TEST(test_slow_answers_end_with_the_timeout),
		TEST(test_nobody_there),
		TEST(test_redirects),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
