#include "config.h"

#include "source/web_decode.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "source/unpack.h"

/* Most polls are smaller than this, and are decoded in one task when they are complete. */
enum { BATCH_BYTES = 64 << 10 };

struct decoding {
	/* The loop's thread. */
	struct pool *pool;
	struct pool_lane *lane;		/* made with the first task */
	const struct decoding_ops *cb;	/* NULL: nobody waits any more */
	void *arg;
	struct buf gathered;
	size_t waiting;
	unsigned n_tasks;		/* not done: the struct lives until they are */
	bool is_over;			/* done() was called, or it failed: nothing more is given to the pool */
	/* The strings of the context. */
	char *source, *query;
	/* A worker while there are tasks, the loop's thread else. */
	struct decoder *decoder;
	struct answer answer;
	char *content_type;
	struct unpack *unpack;
	bool is_started;
	struct err err;
	struct event_list events;
};

struct piece {
	struct decoding *decoding;
	char *bytes;
	size_t len;
	bool is_last;
	bool is_failed;		/* set by the worker that read it */
};

struct decoding *
decoding_new(struct pool *p, const struct decoder_ops *ops, const struct decode_ctx *ctx,
    const struct decoding_ops *cb, void *arg)
{
	struct decoding *d = xcalloc(1, sizeof *d);
	struct decode_ctx own = *ctx;

	*d = (struct decoding){ .pool = p, .cb = cb, .arg = arg };
	own.source = d->source = xstrdup(ctx->source);
	own.query = d->query = xstrdup(ctx->query);
	buf_init(&d->gathered, SIZE_MAX / 2);	/* the ceiling is http's */
	d->decoder = decoder_new(ops, &own);
	return d;
}

static void
destroy(struct decoding *d)
{
	decoder_free(d->decoder);
	unpack_free(d->unpack);
	event_list_done(&d->events);
	buf_done(&d->gathered);
	free(d->content_type);
	free(d->source);
	free(d->query);
	free(d);
}

void
decoding_free(struct decoding *d)
{
	if (d == NULL)
		return;
	d->cb = NULL;
	d->is_over = true;
	pool_lane_free(d->lane);
	d->lane = NULL;
	if (d->n_tasks == 0)
		destroy(d);
}

void
decoding_start(struct decoding *d, long status, const char *content_type, const char *encoding, size_t bytes_max,
    bool is_authorised_retry)
{
	/* An encoding we cannot undo is told by the first task, as what is wrong with a body is. */
	d->unpack = unpack_new(encoding, bytes_max, &d->err);
	d->content_type = xstrdup(content_type);
	d->answer = (struct answer){
		.status = status, .content_type = d->content_type, .is_authorised_retry = is_authorised_retry
	};
}

/* --- in a worker ------------------------------------------------------------------------------ */

static int
on_unpacked(void *arg, const char *bytes, size_t len, struct err *err)
{
	struct decoding *d = arg;

	return decoder_push(d->decoder, bytes, len, err);
}

/* 0, or d->err is filled in. */
static int
read_piece(struct decoding *d, const struct piece *piece)
{
	bool is_refusal = d->answer.status < 200 || d->answer.status > 299;
	int r;

	if (!d->is_started) {
		d->is_started = true;
		if (decoder_start(d->decoder, &d->answer) < 0)
			return err_set(&d->err, ERR_NOMEM, "the answer cannot be read: its decoder did not start");
	}
	if (piece->len > 0) {
		r = unpack_push(d->unpack, piece->bytes, piece->len, on_unpacked, d, &d->err);
		if (r < 0)
			return r;
	}
	if (!piece->is_last)
		return 0;
	/* Of a refusal the beginning is enough, and perhaps all that was read. */
	if (!is_refusal) {
		r = unpack_finish(d->unpack, &d->err);
		if (r < 0)
			return r;
	}
	return decoder_finish(d->decoder, &d->events, &d->err);
}

/* The loop's thread learns of a failure by the piece, which the pool hands over: d->err may be at work in the next one. */
static void
work(void *arg)
{
	struct piece *piece = arg;
	struct decoding *d = piece->decoding;

	piece->is_failed = d->err.code != 0 || read_piece(d, piece) < 0;
}

/* --- in the loop's thread --------------------------------------------------------------------- */

static void
on_worked(void *arg)
{
	struct piece *piece = arg;
	struct decoding *d = piece->decoding;
	bool is_last = piece->is_last, is_failed = piece->is_failed;

	d->n_tasks--;
	d->waiting -= piece->len;
	free(piece->bytes);
	free(piece);
	if (d->cb == NULL) {
		if (d->n_tasks == 0)
			destroy(d);
	} else if (d->is_over) {
		/* tasks that were given before one failed */
	} else if (is_last || is_failed) {
		d->is_over = true;
		d->cb->done(d->arg, &d->err, &d->events);	/* may free it */
	} else {
		d->cb->progress(d->arg);
	}
}

static void
give(struct decoding *d, bool is_last)
{
	struct piece *piece = xcalloc(1, sizeof *piece);

	*piece = (struct piece){ .decoding = d, .is_last = is_last };
	piece->bytes = buf_take(&d->gathered, &piece->len);
	d->waiting += piece->len;
	d->n_tasks++;
	if (d->lane == NULL)
		d->lane = pool_lane_new(d->pool);
	pool_run(d->lane, work, on_worked, piece);
}

void
decoding_push(struct decoding *d, const char *bytes, size_t len)
{
	if (d->is_over)
		return;
	buf_add(&d->gathered, bytes, len);
	if (d->gathered.len >= BATCH_BYTES)
		give(d, false);
}

void
decoding_finish(struct decoding *d)
{
	if (!d->is_over)
		give(d, true);
}

size_t
decoding_bytes(const struct decoding *d)
{
	return d->unpack != NULL ? unpack_bytes(d->unpack) : 0;
}

size_t
decoding_waiting(const struct decoding *d)
{
	return d->waiting;
}
