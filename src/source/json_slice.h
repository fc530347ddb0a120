/*
 * JSON that has been checked already (base/jread.h), walked where it lies: no tree, so a page of 5000 lines takes no more memory than its bytes.
 *
 * A slice is the text of one value. The walkers never leave their slice, whatever it holds.
 */
#ifndef OPS_SOURCE_JSON_SLICE_H
#define OPS_SOURCE_JSON_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { SLICE_DEPTH_MAX = 256 };

struct slice {
	const char *p;	/* NULL: there is nothing */
	size_t len;
};

/*
 * Is it one JSON value? ret becomes its slice. What a store sent on from elsewhere may hold bytes that are no UTF-8, and halves of surrogate pairs: they
 * become U+FFFD in mended (initialised by the caller), which then holds the text. what: "a Loki answer". ERR_SYNTAX, ERR_LIMIT.
 */
int slice_of(const char *body, size_t len, const char *what, struct buf *mended, struct slice *ret, struct err *err);

static inline bool
slice_is(struct slice s, char first)	/* '{' '[' '"' 't' 'f' 'n' */
{
	return s.p != NULL && s.len > 0 && s.p[0] == first;
}
bool slice_is_number(struct slice s);
/* Members of an object and items of a list, one by one; *at is 0 at first. The key is as it stands, with its quotes. */
bool slice_member(struct slice object, size_t *at, struct slice *ret_key, struct slice *ret_value);
bool slice_item(struct slice list, size_t *at, struct slice *ret);
/* key: plain characters. Of several the last counts, as in most readers. */
struct slice slice_get(struct slice object, const char *key);
bool slice_key_is(struct slice key, const char *name);
/* A text without quotes and escapes; other values as they stand. Appended: 0 or ERR_LIMIT. */
int slice_text(struct slice s, struct buf *b);
/* The same as a string in the arena, at most max bytes of it; NUL becomes U+2400. NULL: not a text, number, true or false. */
const char *slice_word(struct arena *a, struct slice s, size_t max);
/* A whole number, also in quotes. */
bool slice_int(struct slice s, int64_t *ret);

#endif
