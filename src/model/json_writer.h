/*
 * JSON text straight into a buffer, a piece at a time; commas and brackets are the caller's.
 *
 * Texts are as the codec has them: what is not UTF-8 is escaped first (str_escape()). Numbers that JSON has no word for are texts: "NaN", "+Inf", "-Inf".
 */
#ifndef OPS_MODEL_JSON_WRITER_H
#define OPS_MODEL_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "model/event.h"

/* What is written stands between b->data + b->len and p until it is all there. Once it does not fit, it goes nowhere. */
struct json_writer {
	struct buf *b;
	char *p, *end;
	bool is_over;
};

void json_writer_begin(struct json_writer *w, struct buf *b);
/* 0, or ERR_LIMIT: nothing was added, and b->is_over says so. */
int json_writer_end(struct json_writer *w);
void json_writer_grow(struct json_writer *w, size_t more);

/* Room for n bytes at w->p; false when there is none. */
static inline bool
json_has_room(struct json_writer *w, size_t n)
{
	if ((size_t)(w->end - w->p) < n)
		json_writer_grow(w, n);
	return !w->is_over;
}

static inline void
json_put(struct json_writer *w, const char *bytes, size_t len)
{
	if (!json_has_room(w, len))
		return;
	memcpy(w->p, bytes, len);
	w->p += len;
}

static inline void
json_put_char(struct json_writer *w, char c)
{
	if (json_has_room(w, 1))
		*w->p++ = c;
}

/* false: s is not UTF-8, and nothing is written. */
bool json_put_string(struct json_writer *w, const char *s, size_t len);
void json_put_text(struct json_writer *w, const char *s);
void json_put_integer(struct json_writer *w, int64_t v);
/* With a point or an exponent, so that it is read back as a real. */
void json_put_double(struct json_writer *w, double v);
void json_put_time(struct json_writer *w, int64_t ns);
void json_put_labels(struct json_writer *w, const struct labels *l);
void json_put_strings(struct json_writer *w, const struct strings *s);
/* Behind a '{', or a member and then with a comma. key needs no escapes. */
void json_put_key(struct json_writer *w, const char *key);

/* The same into a buffer that others write to as well. */
void json_add_text(struct buf *b, const char *s);
void json_add_labels(struct buf *b, const struct labels *l);
void json_add_strings(struct buf *b, const struct strings *s);
/* The shortest that reads back as the same double: whole numbers without a point. */
void json_add_number(struct buf *b, double v);

#endif
