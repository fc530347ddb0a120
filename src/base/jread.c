/*
 * The reader is a state machine over tokens. A token that lies whole in its chunk is reported
 * where it stands; one that a chunk's end cuts is collected in r->text. Functions that read take a
 * position and return the one after what they took, or NULL once r->failed is set. Every limit is
 * checked before the byte that follows is judged, which keeps errors independent of how the bytes
 * were cut.
 */
#include "config.h"

#include "base/jread.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/jread_text.h"

enum state {
	S_VALUE,
	S_VALUE_OR_END,		/* after [ */
	S_KEY,
	S_KEY_OR_END,		/* after { */
	S_COLON,
	S_COMMA_OR_END,
	S_DONE,
	S_STRING,		/* inside the token, from here on */
	S_NUMBER,
	S_LITERAL,
};

enum number_state { N_START, N_MINUS, N_ZERO, N_INT, N_DOT, N_FRACTION, N_E, N_E_SIGN, N_EXPONENT };

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* --- failing --- */

static uint64_t
offset_of(const struct jread *r, const char *p)
{
	return r->chunk_at + (uint64_t)(p - r->chunk);
}

static const char * __attribute__((cold, noinline))
fail_expected(struct jread *r, const char *at, const char *expected)
{
	unsigned char c = (unsigned char)*at;

	if (c > 0x20 && c < 0x7f)
		err_set(&r->failed, ERR_SYNTAX, "JSON, byte %" PRIu64 ": expected %s, found '%c'",
		    offset_of(r, at), expected, c);
	else
		err_set(&r->failed, ERR_SYNTAX, "JSON, byte %" PRIu64 ": expected %s, found byte 0x%02x",
		    offset_of(r, at), expected, c);
	return NULL;
}

static const char * __attribute__((cold, noinline))
fail_end(struct jread *r, const char *expected)
{
	err_set(&r->failed, ERR_SYNTAX, "JSON ends at byte %" PRIu64 ": expected %s", r->chunk_at, expected);
	return NULL;
}

static const char * __attribute__((cold, noinline))
fail_text_limit(struct jread *r)
{
	err_set(&r->failed, ERR_LIMIT,
	    "JSON, byte %" PRIu64 ": expected at most %zu bytes of text, found more", r->token_at, r->text.max);
	return NULL;
}

static const char * __attribute__((cold, noinline))
fail_depth_limit(struct jread *r)
{
	err_set(&r->failed, ERR_LIMIT,
	    "JSON, byte %" PRIu64 ": expected at most %u levels of nesting, found more", r->token_at, r->depth_max);
	return NULL;
}

/* The sentence may have been written to the caller's err already; pass_failure() sees to that. */
static const char * __attribute__((cold, noinline))
fail_callback(struct jread *r, int code)
{
	r->failed.code = code;
	r->failed.msg[0] = '\0';
	return NULL;
}

static int __attribute__((cold, noinline))
pass_failure(struct jread *r, struct err *err)
{
	int code = r->failed.code;

	if (r->failed.msg[0] == '\0') {
		if (err != NULL && err->code == code && err->msg[0] != '\0')
			r->failed = *err;
		else
			err_set(&r->failed, code, "JSON, byte %" PRIu64 ": stopped by the one who reads it",
			    r->token_at);
	}
	if (err != NULL)
		*err = r->failed;
	return code;
}

/* --- structure --- */

static inline enum state
state_after_value(const struct jread *r)
{
	return r->depth == 0 ? S_DONE : S_COMMA_OR_END;
}

static const char *
container_begin(struct jread *r, const char *p, bool is_object)
{
	uint64_t bit = UINT64_C(1) << (r->depth % 64);
	uint64_t *word = &r->is_object[r->depth / 64];
	int (*cb)(void *) = is_object ? r->ops->object_begin : r->ops->array_begin;
	int rc;

	if (UNLIKELY(r->depth == r->depth_max))
		return fail_depth_limit(r);
	*word = is_object ? *word | bit : *word & ~bit;
	r->depth++;
	r->in_object = is_object;
	r->state = is_object ? S_KEY_OR_END : S_VALUE_OR_END;
	if (cb != NULL && (rc = cb(r->arg)) < 0)
		return fail_callback(r, rc);
	return p + 1;
}

static const char *
container_end(struct jread *r, const char *p)
{
	int (*cb)(void *) = r->in_object ? r->ops->object_end : r->ops->array_end;
	unsigned outer;
	int rc;

	r->token_at = offset_of(r, p);
	if (cb != NULL && (rc = cb(r->arg)) < 0)
		return fail_callback(r, rc);
	r->depth--;
	if (r->depth > 0) {
		outer = r->depth - 1;
		r->in_object = r->is_object[outer / 64] >> (outer % 64) & 1;
	}
	r->state = state_after_value(r);
	return p + 1;
}

/* --- strings --- */

static inline int
text_add(struct jread *r, const char *bytes, size_t len)
{
	if (UNLIKELY(len > 0 && buf_add(&r->text, bytes, len) < 0)) {
		fail_text_limit(r);
		return -1;
	}
	return 0;
}

/* The unit at p, which may go on in the next chunk. */
static const char *
unit_take(struct jread *r, const char *p, const char *end)
{
	struct jread_unit u;
	int n;

	n = jread_unit_read((const unsigned char *)p, (size_t)(end - p), &u);
	if (n < 0)
		return fail_expected(r, p - n - 1, u.expected);
	if (n == 0) {
		r->pending_len = (unsigned)(end - p);
		memcpy(r->pending, p, r->pending_len);
		return end;
	}
	return text_add(r, u.out, u.out_len) < 0 ? NULL : p + n;
}

/* The rest of a unit that began in an earlier chunk. */
static const char *
unit_resume(struct jread *r, const char *p, const char *end)
{
	struct jread_unit u;
	int n = 0;

	for (; n == 0 && p < end; p++) {
		r->pending[r->pending_len++] = *p;
		n = jread_unit_read((const unsigned char *)r->pending, r->pending_len, &u);
		if (n < 0)
			return fail_expected(r, p, u.expected);
	}
	if (n > 0) {
		r->pending_len = 0;
		if (text_add(r, u.out, u.out_len) < 0)
			return NULL;
	}
	return p;
}

/* The end of the longest stretch from p that reads the same decoded: plain characters and whole
 * ones beyond ASCII. */
static inline const char *
skip_verbatim(const char *p, const char *end)
{
	struct jread_unit u;
	int n;

	for (;;) {
		p = jread_skip_plain(p, end);
		if (LIKELY(p == end || (unsigned char)*p < 0x80))
			return p;
		n = jread_unit_utf8((const unsigned char *)p, (size_t)(end - p), &u);
		if (n <= 0)
			return p;
		p += n;
	}
}

/* The string ends with the quote at q; [p, q) is what r->text does not hold yet. */
static inline const char *
string_end(struct jread *r, const char *p, const char *q)
{
	int (*cb)(void *, const char *, size_t) = r->is_key ? r->ops->key : r->ops->string;
	const char *text = p;
	size_t len = (size_t)(q - p);
	int rc;

	if (r->text.len > 0) {
		if (text_add(r, p, len) < 0)
			return NULL;
		text = r->text.data;
		len = r->text.len;
	} else if (UNLIKELY(len > r->text.max))
		return fail_text_limit(r);
	r->state = r->is_key ? S_COLON : state_after_value(r);
	if (cb != NULL && (rc = cb(r->arg, text, len)) < 0)
		return fail_callback(r, rc);
	return q + 1;
}

/* p stands somewhere inside a string; the state is S_STRING. */
static inline const char *
string_read(struct jread *r, const char *p, const char *end)
{
	const char *q;

	if (UNLIKELY(r->pending_len > 0))
		p = unit_resume(r, p, end);
	while (p != NULL && p < end) {
		q = skip_verbatim(p, end);
		if (LIKELY(q < end && *q == '"'))
			return string_end(r, p, q);
		if (text_add(r, p, (size_t)(q - p)) < 0)
			return NULL;
		p = q < end ? unit_take(r, q, end) : q;
	}
	return p;
}

static inline const char *
string_begin(struct jread *r, const char *p, const char *end, bool is_key)
{
	r->token_at = offset_of(r, p);
	r->is_key = is_key;
	r->state = S_STRING;
	if (UNLIKELY(r->text.len > 0))
		buf_reset(&r->text);
	return string_read(r, p + 1, end);
}

/* --- numbers --- */

static inline const char *
skip_digits(const char *p, const char *end)
{
	while (p < end && (unsigned char)(*p - '0') <= 9)
		p++;
	return p;
}

/* One step of the grammar on the byte c; false when c cannot follow. */
static inline bool
number_step(unsigned *state, char c)
{
	bool is_digit = (unsigned char)(c - '0') <= 9;

	switch ((enum number_state)*state) {
	case N_START:
		if (c == '-') {
			*state = N_MINUS;
			return true;
		}
		/* FALLTHROUGH */
	case N_MINUS:
		if (is_digit)
			*state = c == '0' ? N_ZERO : N_INT;
		return is_digit;
	case N_ZERO:
	case N_INT:
	case N_FRACTION:
		if (c == '.' && *state != N_FRACTION)
			*state = N_DOT;
		else if (c == 'e' || c == 'E')
			*state = N_E;
		else
			return is_digit && *state != N_ZERO;
		return true;
	case N_DOT:
		if (is_digit)
			*state = N_FRACTION;
		return is_digit;
	case N_E:
		if (c == '+' || c == '-') {
			*state = N_E_SIGN;
			return true;
		}
		/* FALLTHROUGH */
	case N_E_SIGN:
		if (is_digit)
			*state = N_EXPONENT;
		return is_digit;
	case N_EXPONENT:
		return is_digit;
	}
	return false;
}

static const char *
number_expected(unsigned state)
{
	switch ((enum number_state)state) {
	case N_START: return "a number";
	case N_MINUS: return "a digit after the minus";
	case N_DOT: return "a digit after the point";
	case N_E: return "a digit or a sign after the e";
	case N_E_SIGN: return "a digit of the exponent";
	case N_ZERO:
	case N_INT:
	case N_FRACTION:
	case N_EXPONENT: return NULL;	/* a number may end here */
	}
	return NULL;
}

/* The number ends before q; [p, q) is what r->text does not hold yet. */
static const char *
number_end(struct jread *r, const char *p, const char *q)
{
	const char *text = p;
	size_t len = (size_t)(q - p);
	int rc;

	if (r->text.len > 0) {
		text = r->text.data;
		len = r->text.len;
	}
	r->state = state_after_value(r);
	if (r->ops->number != NULL && (rc = r->ops->number(r->arg, text, len)) < 0)
		return fail_callback(r, rc);
	return q;
}

/* p stands somewhere inside a number; the state is S_NUMBER. */
static const char *
number_read(struct jread *r, const char *p, const char *end)
{
	const char *q = p, *expected;

	while (q < end && number_step(&r->number_state, *q)) {
		q++;
		if (r->number_state == N_INT || r->number_state == N_FRACTION)
			q = skip_digits(q, end);
	}
	if (q == end || r->text.len > 0) {
		if (text_add(r, p, (size_t)(q - p)) < 0)
			return NULL;
	} else if (UNLIKELY((size_t)(q - p) > r->text.max))
		return fail_text_limit(r);
	if (q == end)
		return end;
	expected = number_expected(r->number_state);
	if (UNLIKELY(expected != NULL))
		return fail_expected(r, q, expected);
	return number_end(r, p, q);
}

static const char *
number_begin(struct jread *r, const char *p, const char *end)
{
	r->state = S_NUMBER;
	r->number_state = N_START;
	if (r->text.len > 0)
		buf_reset(&r->text);
	return number_read(r, p, end);
}

/* --- literals --- */

static const char *
literal_end(struct jread *r, const char *p)
{
	int rc = 0;

	r->state = state_after_value(r);
	if (r->literal[0] == 'n') {
		if (r->ops->null != NULL)
			rc = r->ops->null(r->arg);
	} else if (r->ops->boolean != NULL)
		rc = r->ops->boolean(r->arg, r->literal[0] == 't');
	return rc < 0 ? fail_callback(r, rc) : p;
}

static const char *
literal_read(struct jread *r, const char *p, const char *end)
{
	for (; *r->literal_rest != '\0'; p++, r->literal_rest++) {
		if (p == end)
			return end;
		if (*p != *r->literal_rest)
			return fail_expected(r, p, r->literal);
	}
	return literal_end(r, p);
}

static const char *
literal_begin(struct jread *r, const char *p, const char *end, const char *literal)
{
	r->state = S_LITERAL;
	r->literal = r->literal_rest = literal;
	return literal_read(r, p, end);
}

/* --- the whole --- */

static const char *
value_begin(struct jread *r, const char *p, const char *end)
{
	r->token_at = offset_of(r, p);
	switch (*p) {
	case '{':
		return container_begin(r, p, true);
	case '[':
		return container_begin(r, p, false);
	case 't':
		return literal_begin(r, p, end, "true");
	case 'f':
		return literal_begin(r, p, end, "false");
	case 'n':
		return literal_begin(r, p, end, "null");
	case ']':
		if (r->state == S_VALUE_OR_END)
			return container_end(r, p);
		break;
	case '-':
	case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
		return number_begin(r, p, end);
	}
	return fail_expected(r, p, r->state == S_VALUE_OR_END ? "a value or ']'" : "a value");
}

static const char *
key_or_end(struct jread *r, const char *p)
{
	if (*p == '}' && r->state == S_KEY_OR_END)
		return container_end(r, p);
	return fail_expected(r, p, r->state == S_KEY_OR_END ? "a key in quotes or '}'" : "a key in quotes");
}

static const char *
comma_or_end(struct jread *r, const char *p)
{
	if (*p == (r->in_object ? '}' : ']'))
		return container_end(r, p);
	return fail_expected(r, p, r->in_object ? "',' or '}'" : "',' or ']'");
}

/* A token that an earlier chunk began. */
static const char *
token_resume(struct jread *r, const char *p, const char *end)
{
	switch (r->state) {
	case S_STRING:
		return string_read(r, p, end);
	case S_NUMBER:
		return number_read(r, p, end);
	case S_LITERAL:
		return literal_read(r, p, end);
	}
	return p;
}

static inline bool
is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* What begins at p, a byte that is no white space, between tokens. */
static inline const char *
token_read(struct jread *r, const char *p, const char *end)
{
	switch ((enum state)r->state) {
	case S_VALUE:
	case S_VALUE_OR_END:
		if (*p == '"')
			return string_begin(r, p, end, false);
		return value_begin(r, p, end);
	case S_KEY:
	case S_KEY_OR_END:
		if (LIKELY(*p == '"'))
			return string_begin(r, p, end, true);
		return key_or_end(r, p);
	case S_COLON:
		if (UNLIKELY(*p != ':'))
			return fail_expected(r, p, "':'");
		r->state = S_VALUE;
		return p + 1;
	case S_COMMA_OR_END:
		if (*p != ',')
			return comma_or_end(r, p);
		r->state = r->in_object ? S_KEY : S_VALUE;
		return p + 1;
	case S_DONE:
		return fail_expected(r, p, "the end");
	case S_STRING:
	case S_NUMBER:
	case S_LITERAL:
		break;
	}
	return token_resume(r, p, end);
}

int
jread_push(struct jread *r, const void *bytes, size_t len, struct err *err)
{
	const char *p = bytes, *end;

	if (UNLIKELY(r->failed.code != 0))
		return pass_failure(r, err);
	if (len == 0)
		return 0;
	end = p + len;
	r->chunk = p;
	p = token_resume(r, p, end);
	while (p != NULL && p < end) {
		if (is_space(*p))
			p++;
		else
			p = token_read(r, p, end);
	}
	if (p == NULL)
		return pass_failure(r, err);
	r->chunk_at += len;
	r->chunk = NULL;
	return 0;
}

static const char *
expected_at_end(const struct jread *r)
{
	switch ((enum state)r->state) {
	case S_VALUE: return "a value";
	case S_VALUE_OR_END: return "a value or ']'";
	case S_KEY: return "a key in quotes";
	case S_KEY_OR_END: return "a key in quotes or '}'";
	case S_COLON: return "':'";
	case S_COMMA_OR_END: return r->in_object ? "',' or '}'" : "',' or ']'";
	case S_STRING: return "the rest of a string";
	case S_NUMBER: return number_expected(r->number_state);
	case S_LITERAL: return r->literal;
	case S_DONE: break;
	}
	return NULL;
}

int
jread_finish(struct jread *r, struct err *err)
{
	const char *expected;

	if (r->failed.code != 0)
		return pass_failure(r, err);
	expected = expected_at_end(r);
	if (expected == NULL && r->state == S_NUMBER) {
		if (r->depth == 0)
			number_end(r, NULL, NULL);
		else
			expected = r->in_object ? "',' or '}'" : "',' or ']'";
	}
	if (expected != NULL)
		fail_end(r, expected);
	return r->failed.code != 0 ? pass_failure(r, err) : 0;
}

void
jread_init(struct jread *r, const struct jread_ops *ops, void *arg, unsigned depth_max,
    size_t string_max)
{
	assert(depth_max <= JREAD_DEPTH_MAX);
	*r = (struct jread){ .ops = ops, .arg = arg, .depth_max = depth_max };
	buf_init(&r->text, string_max);
}

void
jread_done(struct jread *r)
{
	buf_done(&r->text);
}

void
jread_reset(struct jread *r)
{
	struct jread fresh = {
		.ops = r->ops, .arg = r->arg, .depth_max = r->depth_max, .text = r->text,
	};

	*r = fresh;
	buf_reset(&r->text);
}

uint64_t
jread_offset(const struct jread *r)
{
	return r->token_at;
}

unsigned
jread_depth(const struct jread *r)
{
	return r->depth;
}
