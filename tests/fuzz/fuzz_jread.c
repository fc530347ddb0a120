/*
 * jread against itself, cut anywhere, and against jansson.
 *
 * Input: one byte N (modulo 8), N bytes of chunk lengths less one, used by turns (none: whole),
 * then the document. Whatever the cuts, events, result and sentence must be the same. The tree
 * that the events build must be jansson's; both must refuse the same documents. Known differences,
 * each allowed only where it applies:
 *   - jread stops at its own limits (ERR_LIMIT), which are low here so that they are met;
 *   - jansson refuses a NUL in a key, and numbers that overflow a double. It reads whole numbers
 *     as doubles here (JSON_DECODE_INT_AS_REAL), or it would refuse those beyond int64 too;
 *   - jansson 2.14 takes a NUL byte after the value for the end, whatever follows (its TOKEN_EOF
 *     is 0), and overlooks one that ends a number or literal (its stream_unget() loses it).
 * Of two members with one key the later value stays, at the earlier place: both trees are jansson's.
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/jread.h"
#include "base/xalloc.h"

enum { DEPTH = 24, TEXT = 300, EVENTS_MAX = 64 << 20 };

struct builder {
	struct jread reader;
	struct buf events;
	json_t *open[DEPTH + 1];
	unsigned depth;
	json_t *root;
	char *key;		/* of the member whose value comes next, or NULL */
	bool is_beyond_jansson;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

/* --- events to a tree, and to text --- */

static int
add_value(struct builder *b, json_t *value)
{
	json_t *outer = b->depth > 0 ? b->open[b->depth] : NULL;
	int r = 0;

	if (value == NULL)
		die("no memory, or jansson takes a string for malformed");
	if (outer == NULL) {
		if (b->root != NULL)
			die("two values at the top");
		b->root = value;
	} else if (json_is_array(outer))
		r = json_array_append_new(outer, value);
	else if (b->key == NULL)
		die("a member without a key");
	else {
		r = json_object_set_new_nocheck(outer, b->key, value);
		free(b->key);
		b->key = NULL;
	}
	if (r != 0)
		die("jansson: cannot add a value");
	return 0;
}

static int
begin(struct builder *b, const char *mark, json_t *value)
{
	buf_addstr(&b->events, mark);
	add_value(b, value);
	b->open[++b->depth] = value;
	if (b->depth != jread_depth(&b->reader))
		die("depth %u, but the reader says %u", b->depth, jread_depth(&b->reader));
	return 0;
}

static int
end(struct builder *b, const char *mark, bool is_right_kind)
{
	buf_addstr(&b->events, mark);
	if (b->depth == 0 || !is_right_kind || b->key != NULL)
		die("%s closes something else", mark);
	b->depth--;
	return 0;
}

static int
on_object_begin(void *arg)
{
	return begin(arg, "{", json_object());
}

static int
on_object_end(void *arg)
{
	struct builder *b = arg;

	return end(b, "}", json_is_object(b->open[b->depth]));
}

static int
on_array_begin(void *arg)
{
	return begin(arg, "[", json_array());
}

static int
on_array_end(void *arg)
{
	struct builder *b = arg;

	return end(b, "]", json_is_array(b->open[b->depth]));
}

static void
add_text(struct builder *b, const char *kind, const char *text, size_t len)
{
	buf_printf(&b->events, "%s %zu@%" PRIu64 ":", kind, len, jread_offset(&b->reader));
	buf_add(&b->events, text, len);
}

static int
on_key(void *arg, const char *text, size_t len)
{
	struct builder *b = arg;

	add_text(b, "key", text, len);
	if (b->key != NULL || b->depth == 0 || !json_is_object(b->open[b->depth]))
		die("a key where none belongs");
	if (memchr(text, '\0', len) != NULL)
		b->is_beyond_jansson = true;
	b->key = xstrndup(text, len);
	return 0;
}

static int
on_string(void *arg, const char *text, size_t len)
{
	add_text(arg, "string", text, len);
	/* Checks UTF-8 once more. */
	return add_value(arg, json_stringn(text, len));
}

static int
on_number(void *arg, const char *text, size_t len)
{
	struct builder *b = arg;
	char copy[TEXT + 1];
	double v, expected;

	add_text(b, "number", text, len);
	memcpy(copy, text, len);
	copy[len] = '\0';
	expected = strtod(copy, NULL);
	if (jread_double(text, len, &v) != 0 || memcmp(&v, &expected, sizeof v) != 0)
		die("jread_double(\"%s\") is not %a", copy, expected);
	if (!isfinite(v)) {
		b->is_beyond_jansson = true;
		v = 0;
	}
	return add_value(b, json_real(v));
}

static int
on_boolean(void *arg, bool value)
{
	struct builder *b = arg;

	buf_addstr(&b->events, value ? "true" : "false");
	return add_value(b, json_boolean(value));
}

static int
on_null(void *arg)
{
	struct builder *b = arg;

	buf_addstr(&b->events, "null");
	return add_value(b, json_null());
}

static const struct jread_ops build_ops = {
	.object_begin = on_object_begin, .object_end = on_object_end, .array_begin = on_array_begin,
	.array_end = on_array_end, .key = on_key, .string = on_string, .number = on_number, .boolean = on_boolean,
	.null = on_null,
};

static void
builder_init(struct builder *b)
{
	*b = (struct builder){ .depth = 0 };
	buf_init(&b->events, EVENTS_MAX);
	jread_init(&b->reader, &build_ops, b, DEPTH, TEXT);
}

static void
builder_done(struct builder *b)
{
	json_decref(b->root);
	free(b->key);
	buf_done(&b->events);
	jread_done(&b->reader);
}

/* --- reading --- */

/* In a copy that ends where the chunk ends, so that the sanitizer sees a step too far. */
static int
push_copy(struct jread *r, const uint8_t *bytes, size_t len, struct err *err)
{
	uint8_t *copy = xmalloc(len > 0 ? len : 1);
	int code;

	memcpy(copy, bytes, len);
	code = jread_push(r, copy, len, err);
	free(copy);
	return code;
}

static int
read_cut(struct builder *b, const uint8_t *text, size_t len, const uint8_t *cuts, size_t n_cuts, struct err *err)
{
	size_t at, n, turn = 0;
	int r = 0;

	for (at = 0; at < len && r == 0; at += n) {
		n = n_cuts == 0 ? len : (size_t)cuts[turn++ % n_cuts] + 1;
		n = n < len - at ? n : len - at;
		r = push_copy(&b->reader, text + at, n, err);
	}
	return r < 0 ? r : jread_finish(&b->reader, err);
}

static void
compare_with_jansson(const struct builder *b, const struct err *err, const uint8_t *text, size_t len)
{
	json_error_t error;
	json_t *root = json_loadb((const char *)text, len,
	    JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
	char *theirs, *ours;

	if (root == NULL) {
		if (err->code == 0 && !(b->is_beyond_jansson &&
		    (json_error_code(&error) == json_error_numeric_overflow ||
		    json_error_code(&error) == json_error_null_byte_in_key)))
			die("jansson refuses what jread accepts: %s", error.text);
		return;
	}
	if (strstr(err->msg, "found byte 0x00") != NULL) {
		json_decref(root);
		return;
	}
	if (err->code != 0)
		die("jansson accepts what jread refuses: %s", err->msg);
	if (b->is_beyond_jansson)
		die("jansson accepts a NUL in a key, or a number beyond double");
	theirs = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY);
	ours = json_dumps(b->root, JSON_COMPACT | JSON_ENCODE_ANY);
	if (theirs == NULL || ours == NULL || strcmp(theirs, ours) != 0)
		die("jansson reads %s, jread %s", theirs, ours);
	free(theirs);
	free(ours);
	json_decref(root);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err whole_err = ERR_INIT, cut_err = ERR_INIT;
	struct builder whole, cut;
	const uint8_t *cuts = data + 1, *text;
	size_t n_cuts, len;
	int r;

	if (size == 0 || size < 1 + (size_t)data[0] % 8)
		return 0;
	n_cuts = data[0] % 8;
	text = cuts + n_cuts;
	len = size - 1 - n_cuts;

	builder_init(&whole);
	builder_init(&cut);
	r = read_cut(&whole, text, len, NULL, 0, &whole_err);
	if (read_cut(&cut, text, len, cuts, n_cuts, &cut_err) != r || strcmp(cut_err.msg, whole_err.msg) != 0)
		die("whole: %d %s; cut: %s", r, whole_err.msg, cut_err.msg);
	if (cut.events.len != whole.events.len || memcmp(cut.events.data, whole.events.data, cut.events.len) != 0)
		die("whole: %s; cut: %s", whole.events.data, cut.events.data);
	if ((r == 0) != (whole_err.code == 0) || (r != 0 && r != ERR_SYNTAX && r != ERR_LIMIT))
		die("result %d, but the error says %d", r, whole_err.code);
	if (r == 0 && (whole.root == NULL || whole.depth != 0))
		die("accepted, but not one whole value");
	if (r != ERR_LIMIT)
		compare_with_jansson(&whole, &whole_err, text, len);
	builder_done(&whole);
	builder_done(&cut);
	return 0;
}
