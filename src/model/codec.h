/*
 * Structs to JSON and back, by tables of fields.
 *
 * One table describes one struct; both directions walk it, so that they cannot drift apart. A member that is missing takes its zero
 * ("" for text, NaN or never for what says so), one of a wrong type is an error that names it; unknown members are ignored, so that a newer
 * version's recording can be read. Numbers JSON has no word for are the strings "NaN", "+Inf" and "-Inf".
 */
#ifndef OPS_MODEL_CODEC_H
#define OPS_MODEL_CODEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum field_type {
	FIELD_TEXT,		/* const char *, never NULL */
	FIELD_TEXT_OR_NULL,	/* const char *; left out when NULL */
	FIELD_BOOL,
	FIELD_ENUM,		/* by its name in names */
	FIELD_TIME,		/* int64_t ns <-> RFC 3339; read, it is within CLOCK_FAR_NS, or INT64_MAX: no end */
	FIELD_TIMES,		/* n at n_offset, const int64_t * at offset <-> list of RFC 3339 */
	FIELD_FLOATS,		/* n at n_offset, const float * at offset <-> list of numbers */
	FIELD_NS,		/* int64_t ns, an integer; read, it is within CLOCK_FAR_NS */
	FIELD_NS_OR_NEVER,	/* the same, or INT64_MAX; left out when it is that */
	FIELD_SIZE,		/* size_t */
	FIELD_UINT,		/* unsigned */
	FIELD_UINT64,		/* uint64_t up to INT64_MAX */
	FIELD_INT_OR_NONE,	/* int from 0 on, or -1: left out when it is that */
	FIELD_LONG,
	FIELD_DOUBLE,
	FIELD_DOUBLE_OR_NAN,	/* left out when NaN */
	FIELD_LABELS,		/* struct labels <-> object */
	FIELD_STRINGS,		/* struct strings <-> list */
	FIELD_LIST,		/* n at n_offset, pointer at offset, each of size bytes, described by sub */
	FIELD_TUPLES,		/* the same, each written as a list of its fields without their names: for bulk */
};

struct field {
	const char *key;
	enum field_type type;
	size_t offset, n_offset, size;
	const struct field *sub;	/* ends with key NULL */
	const char *const *names;	/* ends with NULL */
};

/* Adds the fields of the struct at p to object. */
void codec_encode(json_t *object, const struct field *fields, const void *p);
/* Fills the zeroed struct at p; what it points to comes from arena. 0 or ERR_INVALID. */
int codec_decode(const json_t *object, const struct field *fields, void *p, struct arena *arena, struct err *err);

/* Do the structs at a and b say the same? Numbers that are none are equal. */
bool codec_equal(const struct field *fields, const void *a, const void *b);

/* Is the field of the struct at p one that stays away? */
bool codec_is_left_out(const struct field *f, const void *p);
/* s, which is not UTF-8, as it is written instead: begins b. */
struct buf;
void codec_escape(struct buf *b, const char *s);
/* A string, escaped where s is not UTF-8; never NULL. */
json_t *codec_text(const char *s);
json_t *codec_time(int64_t ns);
json_t *codec_double(double v);
json_t *codec_enum(const char *const *names, int value);

#endif
