#include "config.h"

#include "fakes/web_driver.h"

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
#include "source/web.h"

/* --- the decoder ------------------------------------------------------------------------------ */

struct web_seen seen;

unsigned char
web_pattern(size_t i)
{
	return (unsigned char)(i ^ (i >> 8) ^ (i >> 16));
}

static int
note_begin(struct decoder *d)
{
	(void)d;
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
		seen.is_pattern = (unsigned char)bytes[i] == web_pattern(seen.bytes + i);
	seen.bytes += len;
	return 0;
}

static int
note_finish(struct decoder *d, struct event_list *events, struct err *err)
{
	(void)err;
	seen.status = 200;
	event_list_add(events, EVENT_SERIES, decoder_ctx(d)->requested_ns, decoder_ctx(d)->source,
	    block_new(sizeof(struct series_set)));
	return 0;
}

static int
note_refuse(struct decoder *d, const struct answer *answer, const char *body, size_t len, struct err *err)
{
	(void)d;
	seen.status = answer->status;
	snprintf(seen.refusal, sizeof seen.refusal, "%s%.*s", answer->is_authorised_retry ? "again: " : "",
	    (int)len, body);
	return err_set(err, ERR_REFUSED, "status %ld", answer->status);
}

static const struct decoder_ops note_decoder = {
	.name = "prometheus test",
	.size = 1,
	.begin = note_begin,
	.push = note_push,
	.finish = note_finish,
	.refuse = note_refuse,
};

/* --- driving it ------------------------------------------------------------------------------- */

struct loop *loop;
struct pool *pool;
struct transport *web;
struct fake_http *server;
struct conf_source conf;
char url[64];

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

int
web_setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof seen);
	seen.is_pattern = true;
	conf = (struct conf_source){
		.name = "s",
		.type = "prometheus",
		.url = url,
		.interval_ns = NS_PER_S,
		.timeout_ns = 60 * NS_PER_S,
		.body_max = 64 << 20,
		.series_max = 10,
		.tls_verify = true,
	};
	assert_int_equal(loop_new(&loop, NULL), 0);
	pool = pool_new(loop, 2);
	assert_int_equal(web_new(loop, pool, 256 << 20, &web, NULL), 0);
	return 0;
}

int
web_teardown(void **state)
{
	(void)state;
	web->ops->free(web);
	pool_free(pool);
	loop_free(loop);
	fake_http_free(server);
	server = NULL;
	return 0;
}

void
serve(fake_handler *handler)
{
	server = fake_http_new(handler, NULL);
	snprintf(url, sizeof url, "http://127.0.0.1:%d", fake_http_port(server));
}

struct endpoint *
endpoint(void)
{
	struct endpoint *e;

	assert_int_equal(web->ops->endpoint_new(web, &conf, conf.url, &e, NULL), 0);
	return e;
}

struct fetch *
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

void
wait_for(const struct got *g)
{
	while (!g->is_done)
		loop_once(loop, -1);
}

struct got
get(const char *path)
{
	struct endpoint *e = endpoint();
	struct got g;

	start(e, "GET", path, NULL, &g);
	wait_for(&g);
	web->ops->endpoint_free(web, e);
	return g;
}

void
assert_error(const struct got *g, int code, const char *text)
{
	if (g->r.err.code != code || strstr(g->r.err.msg, text) == NULL)
		fail_msg("expected %s '%s', got %s '%s'", err_code_name(code), text,
		    err_code_name(g->r.err.code), g->r.err.msg);
}

/* --- answers ---------------------------------------------------------------------------------- */

char request_head[2048];

bool
answer_hello(const struct fake_request *r, void *arg)
{
	(void)arg;
	snprintf(request_head, sizeof request_head, "%s", r->head);
	return fake_answer(r, 200, "Content-Type: application/json\r\n", "hello", 5);
}

bool
answer_large(const struct fake_request *r, void *arg)
{
	unsigned char chunk[32 << 10];
	size_t sent = 0;

	(void)arg;
	if (!fake_printf(r->fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
		return false;
	while (sent < LARGE) {
		for (size_t i = 0; i < sizeof chunk; i++)
			chunk[i] = web_pattern(sent + i);
		if (!fake_printf(r->fd, "%zx\r\n", sizeof chunk) || !fake_send(r->fd, chunk, sizeof chunk) ||
		    !fake_printf(r->fd, "\r\n"))
			return false;
		sent += sizeof chunk;
	}
	return fake_printf(r->fd, "0\r\n\r\n");
}
