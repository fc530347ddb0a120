/* The decoding of one answer in the pool: bytes go in from the loop's thread, in order; events or a sentence
 * come out. */
#ifndef OPS_SOURCE_WEB_DECODE_H
#define OPS_SOURCE_WEB_DECODE_H

#include "loop/pool.h"
#include "source/decode.h"

struct decoding;

struct decoding_ops {		/* all in the loop's thread */
	void (*progress)(void *arg);	/* fewer bytes wait than before */
	/* It is over: err->code 0 and events (take them, or they are freed), or why not - perhaps before all
	 * bytes were given. */
	void (*done)(void *arg, const struct err *err, struct event_list *events);
};

/* ctx: its strings are copied. */
struct decoding *decoding_new(struct pool *p, const struct decoder_ops *ops, const struct decode_ctx *ctx,
    const struct decoding_ops *cb, void *arg);
/* Also while it runs: nothing is called afterwards, and what runs in the pool cleans up after itself. */
void decoding_free(struct decoding *d);
/* bytes_max: of the body, unpacked. */
void decoding_start(struct decoding *d, long status, const char *content_type, const char *encoding, size_t bytes_max,
    bool is_authorised_retry);
/* Bytes are gathered, so that an answer of usual size costs one task of the pool. */
void decoding_push(struct decoding *d, const char *bytes, size_t len);
void decoding_finish(struct decoding *d);
/* Bytes given to the pool and not decoded yet, as they came. */
size_t decoding_waiting(const struct decoding *d);
/* Of the body, unpacked; for done(). */
size_t decoding_bytes(const struct decoding *d);

#endif
