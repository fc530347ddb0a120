/*
 * What the decoders of small JSON answers share: collecting the body, reading it with jansson, and copying its values into a block.
 *
 * Text is kept as the server sent it (UTF-8, checked by the reader); a NUL inside, which no C string can hold, becomes U+2400 (the picture of NUL).
 * The get functions take the path of the member for their sentence: "alert 3: labels: ...".
 */
#ifndef OPS_SOURCE_DECODE_JSON_H
#define OPS_SOURCE_DECODE_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "source/decode.h"

/* begin, push, end of a decoder whose state begins with (or is) struct small_body. */
struct small_body {
	struct buf buf;
	size_t n_values;	/* at most, by the commas and brackets seen */
};
int small_begin(struct decoder *d);
int small_push(struct decoder *d, const char *bytes, size_t len, struct err *err);
void small_end(struct decoder *d);
/* The collected body as JSON: new reference, or NULL and ERR_SYNTAX. what: "a Prometheus answer". */
json_t *small_json(struct decoder *d, const char *what, struct err *err);
/* The same from memory; the sentence names the position and shows how the body begins. */
json_t *json_of_body(const char *body, size_t len, const char *what, struct err *err);

/* Where in the answer we are, for sentences: "alert 3", or "rule group 2 rule 5" when outer is not NULL. */
struct json_at {
	const char *outer;
	size_t outer_index;
	const char *what;
	size_t index;		/* from 0; told from 1 */
};

char *json_text(struct arena *a, const json_t *string);	/* copy; NUL -> U+2400 */
const char *json_text_or(struct arena *a, const json_t *object, const char *key, const char *otherwise);
/* An object of strings, sorted by name. Absent or null is no labels when is_optional. */
int json_labels(struct arena *a, const json_t *object, const char *key, bool is_optional, const struct json_at *at,
    struct labels *ret, struct err *err);
/* RFC 3339. Absent, null or "" give otherwise. A time before year 1678 (Go's zero time 0001-01-01) gives otherwise too. */
int json_time(const json_t *object, const char *key, int64_t otherwise, const struct json_at *at, int64_t *ret_ns, struct err *err);
/* A list of strings, or of objects whose member `member` is the string. Absent or null is the empty list; other items are passed over. */
struct strings json_strings(struct arena *a, const json_t *list, const char *member);
double json_double_or(const json_t *object, const char *key, double otherwise);
/* Fills err with "<at>: <text>" and returns ERR_INVALID. */
int json_wrong(const struct json_at *at, const char *text, struct err *err);

/* The body of an error answer as one line: escaped, white space folded, cut to fit struct err; "" when empty. dst of SENTENCE_MAX. */
enum { SENTENCE_MAX = 440 };
const char *body_line(char *dst, const char *body, size_t len);

/*
 * One sentence for a status that is not 2xx, with what to do; detail: what the server says ("" nothing).
 * server: "Prometheus". Always fills err. ERR_DENIED for 401 and 403, ERR_NOTFOUND 404, ERR_TIMEOUT 408 and 504, ERR_REFUSED the rest.
 */
int refuse_status(const char *server, const struct answer *answer, const char *detail, struct err *err);

#endif
