/*
 * Content-Encoding of an answer, undone in a worker.
 *
 * Not left to libcurl: it unpacks in the loop's thread, where a small body of much air holds up the keys, and what it has unpacked while a transfer is
 * paused lies in memory that nobody counts (8 MiB of gzip took 670 MB that way). Here what waits is packed, and what is unpacked
 * is a buffer of UNPACK_BUFFER that the decoder takes at once.
 */
#ifndef OPS_SOURCE_UNPACK_H
#define OPS_SOURCE_UNPACK_H

#include <stddef.h>

#include "base/err.h"

struct unpack;

enum { UNPACK_BUFFER = 64 << 10 };

/* What to ask for in Accept-Encoding. */
#define UNPACK_ACCEPT "gzip"

typedef int unpack_out_cb(void *arg, const char *bytes, size_t len, struct err *err);

/* encoding as the answer names it ("", "identity", "gzip"). max: unpacked bytes that may come out. NULL and err: an encoding that was not asked for. */
struct unpack *unpack_new(const char *encoding, size_t max, struct err *err);
void unpack_free(struct unpack *u);
/* out gets the unpacked bytes in pieces; its error is returned. ERR_LIMIT, ERR_SYNTAX. */
int unpack_push(struct unpack *u, const char *bytes, size_t len, unpack_out_cb *out, void *arg, struct err *err);
/* The body is over: was it whole? */
int unpack_finish(const struct unpack *u, struct err *err);
size_t unpack_bytes(const struct unpack *u);	/* so many came out */

#endif
