/*
 * A strict streaming JSON reader for answers too large for a tree: bytes are pushed as they
 * arrive, events come out.
 *
 * It follows RFC 8259 to the letter: the grammar of numbers, escapes with surrogate pairs (a lone
 * one is refused), no control characters in strings, UTF-8 checked (no overlong forms, no
 * surrogates, nothing above U+10FFFF), no byte order mark, one value and after it only white
 * space. Chunks may end anywhere, also inside an escape, a character or a number; events and
 * errors are the same however the bytes are cut.
 *
 * Not checked: duplicate members. Each one is reported; what a second one means is for the caller
 * to decide.
 *
 * Memory: the struct, and one buffer of at most string_max bytes for the text that was cut by a
 * chunk's end or holds escapes. A reader belongs to one thread at a time; readers share nothing.
 */
#ifndef OPS_BASE_JREAD_H
#define OPS_BASE_JREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { JREAD_DEPTH_MAX = 1024 };

/*
 * What the caller wants to hear; NULL members are skipped. arg is the one given to jread_init().
 *
 * Text is lent until the callback returns, is not terminated, and may hold NUL. Keys and strings
 * come decoded. Numbers come as they were written, so that 1.10 stays 1.10; jread_double()
 * converts them.
 *
 * A callback that returns < 0 stops the reader, and the push returns that code. It may fill in the
 * struct err that was given to the push (through arg); left alone, that says at which byte the
 * reader was stopped.
 */
struct jread_ops {
	int (*object_begin)(void *arg);
	int (*object_end)(void *arg);
	int (*array_begin)(void *arg);
	int (*array_end)(void *arg);
	int (*key)(void *arg, const char *text, size_t len);
	int (*string)(void *arg, const char *text, size_t len);
	int (*number)(void *arg, const char *text, size_t len);
	int (*boolean)(void *arg, bool value);
	int (*null)(void *arg);
};

struct jread {			/* private to jread.c; here so that it can stand in the caller's storage */
	const struct jread_ops *ops;
	void *arg;
	unsigned state;
	unsigned number_state;
	unsigned depth;
	unsigned depth_max;
	bool in_object;		/* of the innermost container */
	bool is_key;		/* the string being read */
	unsigned pending_len;
	char pending[12];	/* beginning of an escape or character that a chunk's end cut */
	const char *literal;	/* the one being read: "true", "false" or "null" ... */
	const char *literal_rest;	/* ... and what must still come */
	const char *chunk;	/* first byte of the chunk being read ... */
	uint64_t chunk_at;	/* ... and its offset in the document */
	uint64_t token_at;	/* offset of the token being read */
	struct buf text;	/* token text so far, decoded */
	struct err failed;
	uint64_t is_object[JREAD_DEPTH_MAX / 64];	/* one bit per open container */
};

/*
 *   ops         lent until jread_done()
 *   depth_max   containers that may be open at once, 0 to JREAD_DEPTH_MAX; 0 allows only a scalar
 *   string_max  bytes of one string, key or number, after decoding
 */
void jread_init(struct jread *r, const struct jread_ops *ops, void *arg, unsigned depth_max,
    size_t string_max);
void jread_done(struct jread *r);
/* Read another document with the same settings; keeps the memory. */
void jread_reset(struct jread *r);

/*
 * Returns 0, ERR_SYNTAX, ERR_LIMIT (too deep, text too long) or what a callback returned. err says
 * at which byte of the document (from 0), what was expected and what was found. After a failure
 * each call returns the same again and no event follows.
 */
int jread_push(struct jread *r, const void *bytes, size_t len, struct err *err);
/* No more bytes come: 0 when they were one whole value. Reports a number that stood alone, so
 * callbacks may run. */
int jread_finish(struct jread *r, struct err *err);

/* For callbacks: where the token that is reported begins, and how many containers are open around
 * it (a container's own begin and end see it open). */
uint64_t jread_offset(const struct jread *r);
unsigned jread_depth(const struct jread *r);

/*
 * The double nearest to a decimal text (ties to even), whatever the locale: [+-] digits [. digits]
 * [e [+-] digits], as in JSON but with + and leading zeros allowed, or one of NaN, Inf, +Inf, -Inf
 * (what Prometheus writes). Too large becomes an infinity, too small a zero. Returns 0, or
 * ERR_SYNTAX (nothing is stored) when the text is anything else, including surrounding blanks.
 */
int jread_double(const char *text, size_t len, double *ret_value);

#endif
