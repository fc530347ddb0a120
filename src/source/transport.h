/*
 * What the schedule (sources.c) needs of a network: one request to one endpoint, one result, later. web.c is
 * the real one; the tests of the schedule bring their own, so backoff, replicas and queries are tested without
 * a socket.
 */
#ifndef OPS_SOURCE_TRANSPORT_H
#define OPS_SOURCE_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "source/source.h"

struct transport;
struct fetch;			/* one request under way */

/* One URL of a source: its own, or one of its replicas. */
struct endpoint {
	char *shown;		/* the URL for people: escaped, without credentials */
};

struct fetch_spec {		/* lent for the call; decoder, and conf behind the endpoint, live on */
	const struct request *request;
	/* NULL: a write. It is sent once on a connection of its own, its answer is collected, and every status
	 * is an answer. */
	const struct decoder_ops *decoder;
	struct decode_ctx ctx;	/* requested_ns and series_max are filled in */
};

struct fetch_result {
	struct err err;		/* code 0: a whole answer, decoded to its end */
	bool is_unready;	/* nothing was asked: the credentials could not be read */
	long status;		/* 0: no answer */
	int64_t latency_ns;
	size_t bytes;		/* decoded */
	int64_t skew_ns;	/* server's clock minus ours, 0 when not sure or within a second */
	int64_t retry_after_ns;	/* what a 429 or 503 asked for; 0 nothing */
	struct event_list events;	/* freed by the transport after the callback */
	/* Of a write: */
	bool is_maybe_sent;
	const char *content_type, *body;
	size_t len;
};

/* Once, from the loop. The fetch is over: not to be cancelled any more. */
typedef void fetch_done_cb(const struct fetch_result *result, void *arg);

struct transport_ops {
	int (*endpoint_new)(struct transport *t, const struct conf_source *conf, const char *url,
	    struct endpoint **ret, struct err *err);
	void (*endpoint_free)(struct transport *t, struct endpoint *e);	/* after its fetches; NULL is fine */
	/* Never calls done before it returns. */
	struct fetch *(*fetch)(struct transport *t, struct endpoint *e, const struct fetch_spec *spec,
	    fetch_done_cb *done, void *arg);
	void (*cancel)(struct transport *t, struct fetch *f);	/* without waiting; done is not called */
	void (*free)(struct transport *t);
};
struct transport {
	const struct transport_ops *ops;
};

/* sources_new() on a transport of the caller's choice, which the sources then own, also when this fails. p NULL: chains do their work in the loop's thread. */
int sources_new_on(struct loop *l, struct pool *p, struct transport *t, const struct conf_environment *env,
    sources_event_cb *cb, void *arg, struct sources **ret, struct err *err);

#endif
