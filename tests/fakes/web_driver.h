/*
 * The HTTP transport, driven by a test: a loop, a pool, a source's config, a decoder that notes what it is
 * given, and results that can be looked at afterwards. One of each; tests set conf as they need before
 * endpoint() or get().
 */
#ifndef OPS_FAKES_WEB_DRIVER_H
#define OPS_FAKES_WEB_DRIVER_H

#include <semaphore.h>

#include "fakes/fake_http.h"
#include "loop/pool.h"
#include "source/transport.h"

/* What the decoder was given. A worker writes it: look at it when the result is there and was a success or a
 * refusal. */
struct web_seen {
	size_t bytes;
	bool is_pattern;	/* byte i of the body is web_pattern(i) */
	long status;		/* 0: it has not come to an end */
	char refusal[64];	/* body of a refusal; "again: " before it when a token was read again */
	sem_t *gate;		/* each push waits for it, when set */
	bool fails;		/* each push is refused */
};
extern struct web_seen seen;
unsigned char web_pattern(size_t i);

extern struct loop *loop;
extern struct pool *pool;
extern struct transport *web;
extern struct fake_http *server;	/* ended by web_teardown() */
extern struct conf_source conf;
extern char url[64];			/* conf.url: of the server */

int web_setup(void **state);
int web_teardown(void **state);
void serve(fake_handler *handler);

/* The result of a fetch, with what is only lent copied. */
struct got {
	bool is_done;
	struct fetch_result r;
	size_t n_events;
	char body[256], type[64];
};

struct endpoint *endpoint(void);
/* GET without a body goes through the decoder, all else is a write. */
struct fetch *start(struct endpoint *e, const char *method, const char *path, const char *body, struct got *g);
void wait_for(const struct got *g);
/* One GET, from connecting to the result. */
struct got get(const char *path);
void assert_error(const struct got *g, int code, const char *text);

/* Handlers. The first keeps the head of the request it answered last. */
extern char request_head[2048];
bool answer_hello(const struct fake_request *r, void *arg);
enum { LARGE = 5 << 20 };
bool answer_large(const struct fake_request *r, void *arg);	/* so many bytes of the pattern, chunked */

#endif
