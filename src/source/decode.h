/*
 * Decoders: the bytes of one HTTP answer become events.
 *
 * Pure: no sockets, no clock, no shared state; runs in a worker while the bytes arrive, in order. The same decoders read the recorded answers in
 * the contract tests. Bulk answers (vectors, matrices) are read by the streaming reader (base/jread.h) and keep only the values; small ones
 * are collected (up to DECODE_SMALL_MAX) and read with jansson.
 */
#ifndef OPS_SOURCE_DECODE_H
#define OPS_SOURCE_DECODE_H

#include "model/event.h"

enum { DECODE_SMALL_MAX = 16 << 20, DECODE_SMALL_VALUES = 2000000, DECODE_ERROR_BODY_MAX = 64 << 10 };

struct decode_ctx {		/* copied; strings must outlive the decoder */
	const char *source;	/* name, for the events */
	const char *query;	/* query id for EVENT_SERIES, else "" */
	int64_t start_ns, end_ns, step_ns;	/* of a query */
	size_t series_max;
	int64_t requested_ns;	/* wall time the request was sent: time of the events */
};

struct answer {			/* what HTTP said beside the body */
	long status;
	const char *content_type;	/* "" when none */
	bool is_authorised_retry;
};

struct decoder;

/* One per kind of answer; the source's poll table names them. */
struct decoder_ops {
	const char *name;	/* "prometheus alerts" */
	size_t size;		/* of the state, zeroed; begins with struct decoder_base in decode.c's terms, opaque here */
	int (*begin)(struct decoder *d);
	int (*push)(struct decoder *d, const char *bytes, size_t len, struct err *err);
	/* The body is complete and the status was 2xx: publish events. */
	int (*finish)(struct decoder *d, struct event_list *events, struct err *err);
	/* Not 2xx: make one sentence of the body (up to DECODE_ERROR_BODY_MAX of it). Always fills err; returns the code. */
	int (*refuse)(struct decoder *d, const struct answer *answer, const char *body, size_t len, struct err *err);
	void (*end)(struct decoder *d);
};

struct decoder *decoder_new(const struct decoder_ops *ops, const struct decode_ctx *ctx);
/* answer is known from the headers before the first byte. 0 or an error after which nothing more is pushed. */
int decoder_start(struct decoder *d, const struct answer *answer);
int decoder_push(struct decoder *d, const void *bytes, size_t len, struct err *err);
/* Whole body seen. 0 and events, or the sentence why not. ret_events is the caller's (event_list_done()). */
int decoder_finish(struct decoder *d, struct event_list *ret_events, struct err *err);
void decoder_free(struct decoder *d);
const struct decode_ctx *decoder_ctx(const struct decoder *d);
void *decoder_state(struct decoder *d);

#endif
