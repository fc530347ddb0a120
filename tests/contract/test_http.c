/* What really goes over a socket: the transport against a server that behaves, and against one that does not. */
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
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "fakes/fake_http.h"
#include "source/web.h"

/* --- a decoder that notes what it was given ---------------------------------------------------------------------------- */

static struct {
	size_t bytes;
	bool is_pattern;		/* byte i of the body is pattern(i) */
	long status;
	char refusal[64];
	atomic_uint n_decoders;
	sem_t *gate;			/* each push waits for it, when set */
	bool fails;
} seen;

static unsigned char
pattern(size_t i)
{
	return (unsigned char)(i ^ (i >> 8) ^ (i >> 16));
}

static int
note_begin(struct decoder *d)
{
	(void)d;
	atomic_fetch_add(&seen.n_decoders, 1);
	return 0;
}

static int
note_push(struct decoder *d, const char *bytes, size_t len, struct err *err)
{
	(void)d;
	while (seen.gate != NULL && sem_wait(seen.gate) < 0)
		;
	if (seen.fails)
		return err_set(err, ERR_SYNTAX, "this is not it");
	for (size_t i = 0; i < len && seen.is_pattern; i++)
		seen.is_pattern = (unsigned char)bytes[i] == pattern(seen.bytes + i);
	seen.bytes += len;
	return 0;
}

static int
note_finish(struct decoder *d, struct event_list *events, struct err *err)
{
	(void)err;
	seen.status = 200;
	event_list_add(events, EVENT_SERIES, decoder_ctx(d)->requested_ns, decoder_ctx(d)->source, block_new(sizeof(struct series_set)));
	return 0;
}

static int
note_refuse(struct decoder *d, const struct answer *answer, const char *body, size_t len, struct err *err)
{
	(void)d;
	seen.status = answer->status;
	snprintf(seen.refusal, sizeof seen.refusal, "%s%.*s", answer->is_authorised_retry ? "again: " : "", (int)len, body);
	return err_set(err, ERR_REFUSED, "status %ld", answer->status);
}

static const struct decoder_ops note_decoder = {
	.name = "prometheus test", .size = 1, .begin = note_begin, .push = note_push, .finish = note_finish, .refuse = note_refuse,
};

/* --- driving it ---------------------------------------------------------------------------------------------------- */

static struct loop *loop;
static struct pool *pool;
static struct transport *web;
static struct fake_http *server;
static struct conf_source conf;
static char url[64];

/* The result of a fetch, with what is only lent copied. */
struct got {
	bool is_done;
	struct fetch_result r;
	size_t n_events;
	char body[256], type[64];
};

static void
on_done(const struct fetch_result *r, void *arg)
{
	struct got *g = arg;

	assert_false(g->is_done);
	g->is_done = true;
	g->r = *r;
	g->n_events = r->events.n;
	snprintf(g->body, sizeof g->body, "%.*s", (int)r->len, r->body == NULL ? "" : r->body);
	snprintf(g->type, sizeof g->type, "%s", r->content_type == NULL ? "" : r->content_type);
}

static int
setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof seen);
	seen.is_pattern = true;
	conf = (struct conf_source){
		.name = "s", .type = "prometheus", .url = url, .interval_ns = NS_PER_S, .timeout_ns = 60 * NS_PER_S, .body_max = 64 << 20,
		.series_max = 10, .tls_verify = true };
	assert_int_equal(loop_new(&loop, NULL), 0);
	pool = pool_new(loop, 2);
	assert_int_equal(web_new(loop, pool, 256 << 20, &web, NULL), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	web->ops->free(web);
	pool_free(pool);
	loop_free(loop);
	fake_http_free(server);
	server = NULL;
	return 0;
}

static void
serve(fake_handler *handler)
{
	server = fake_http_new(handler, NULL);
	snprintf(url, sizeof url, "http://127.0.0.1:%d", fake_http_port(server));
}

static struct endpoint *
endpoint(void)
{
	struct endpoint *e;

	assert_int_equal(web->ops->endpoint_new(web, &conf, conf.url, &e, NULL), 0);
	return e;
}

static struct fetch *
start(struct endpoint *e, const char *method, const char *path, const char *body, struct got *g)
{
	struct request r;
	struct fetch_spec spec = { .request = &r, .ctx = { .source = "s", .query = "" } };
	struct fetch *f;

	*g = (struct got){ .is_done = false };
	request_init(&r, method);
	r.path = xstrdup(path);
	if (body != NULL) {
		r.content_type = xstrdup("application/json");
		buf_addstr(&r.body, body);
	} else if (strcmp(method, "GET") == 0) {
		spec.decoder = &note_decoder;
	}
	f = web->ops->fetch(web, e, &spec, on_done, g);
	request_done(&r);	/* it was lent */
	assert_false(g->is_done);
	return f;
}

static void
wait_for(const struct got *g)
{
	while (!g->is_done)
		loop_once(loop, -1);
}

/* One GET, from connecting to the result. */
static struct got
get(const char *path)
{
	struct endpoint *e = endpoint();
	struct got g;

	start(e, "GET", path, NULL, &g);
	wait_for(&g);
	web->ops->endpoint_free(web, e);
	return g;
}

static void
assert_error(const struct got *g, int code, const char *text)
{
	if (g->r.err.code != code || strstr(g->r.err.msg, text) == NULL)
		fail_msg("expected %s '%s', got %s '%s'", err_code_name(code), text, err_code_name(g->r.err.code), g->r.err.msg);
}

/* --- answers ------------------------------------------------------------------------------------------------------- */

static char request_head[2048];

static bool
answer_hello(const struct fake_request *r, void *arg)
{
	(void)arg;
	snprintf(request_head, sizeof request_head, "%s", r->head);
	return fake_answer(r, 200, "Content-Type: application/json\r\n", "hello", 5);
}

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

enum { LARGE = 5 << 20 };

static bool
answer_large(const struct fake_request *r, void *arg)
{
	static unsigned char chunk[32 << 10];
	size_t sent = 0;

	(void)arg;
	if (!fake_printf(r->fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
		return false;
	while (sent < LARGE) {
		for (size_t i = 0; i < sizeof chunk; i++)
			chunk[i] = pattern(sent + i);
		if (!fake_printf(r->fd, "%zx\r\n", sizeof chunk) || !fake_send(r->fd, chunk, sizeof chunk) || !fake_printf(r->fd, "\r\n"))
			return false;
		sent += sizeof chunk;
	}
	return fake_printf(r->fd, "0\r\n\r\n");
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

static char *packed;
static size_t packed_len;

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
	free(packed);
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
	assert_error(&g, ERR_LIMIT, "answer larger than 1 MiB (body-max)");
	assert_true(seen.bytes <= 1 << 20);
	free(packed);
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
	assert_error(&g, ERR_LIMIT, "answer larger than 97 KiB (body-max)");
	assert_true(seen.bytes <= 100000);
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
	assert_error(&g, ERR_LIMIT, "answer larger than 64 MiB (body-max)");
	assert_int_equal(g.r.bytes, 0);
}

static bool
answer_refused(const struct fake_request *r, void *arg)
{
	(void)arg;
	return fake_answer(r, 503, "Retry-After: 17\r\nDate: Tue, 01 Jan 2030 00:00:00 GMT\r\n", "still starting", 14);
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

/* --- answers gone wrong ---------------------------------------------------------------------------------------------- */

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
	snprintf(expected, sizeof expected, "connection refused by %s: is Prometheus running there?", url + strlen("http://"));
	assert_error(&g, ERR_REFUSED, expected);
	assert_false(g.r.is_maybe_sent);
}

/* --- redirects ------------------------------------------------------------------------------------------------------ */

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
	snprintf(header, sizeof header, "Location: http://alice:secret@127.0.0.1:%d/there\r\n", fake_http_port(elsewhere));
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
	snprintf(expected, sizeof expected, "redirected to another origin (http://127.0.0.1:%d), which is not followed", fake_http_port(elsewhere));
	assert_error(&g, ERR_REFUSED, expected);
	assert_null(strstr(g.r.err.msg, "secret"));
	assert_int_equal(fake_http_connections(elsewhere), 0);
	fake_http_free(elsewhere);
}

/* --- credentials ---------------------------------------------------------------------------------------------------- */

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

/* --- proxies --------------------------------------------------------------------------------------------------------- */

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

/* --- writes ---------------------------------------------------------------------------------------------------------- */

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

/* --- load -------------------------------------------------------------------------------------------------------------- */

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

/* --- a resolver that never answers --------------------------------------------------------------------------------------- */

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

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
		TEST(test_broken_answers),
		TEST(test_slow_answers_end_with_the_timeout),
		TEST(test_nobody_there),
		TEST(test_redirects),
		TEST(test_token_is_read_again_after_401),
		TEST(test_missing_secret_sends_nothing),
		TEST(test_cancelled_while_a_secret_is_read),
		TEST(test_proxy_only_from_the_config),
		TEST(test_writes),
		TEST(test_a_lagging_decoder_stops_the_server),
		TEST(test_answers_share_the_room_in_flight),
		TEST(test_decoder_that_gives_up_ends_the_transfer),
		TEST(test_cancelled_at_any_time),
		TEST(test_hung_resolver_holds_up_nothing),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
