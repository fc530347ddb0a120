#include "config.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/jread.h"
#include "base/str.h"

enum { DEPTH = 8, TEXT = 100, EVENTS_MAX = 64 << 10 };

/* --- a reader whose events become one line of text --- */

struct recorder {
	struct jread reader;
	struct buf events;
	struct err err;
	const char *stop_at;	/* kind of event whose callback fails, or NULL */
	int stop_code;
	bool fills_err;
};

static int
record(struct recorder *rec, const char *kind)
{
	assert_int_equal(buf_printf(&rec->events, "%s ", kind), 0);
	if (rec->stop_at == NULL || strcmp(kind, rec->stop_at) != 0)
		return 0;
	return rec->fills_err ? err_set(&rec->err, rec->stop_code, "enough of it") : rec->stop_code;
}

static int
record_text(struct recorder *rec, const char *kind, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] > ' ' && text[i] < 0x7f && text[i] != '\\')
			buf_addch(&rec->events, text[i]);
		else
			buf_printf(&rec->events, "\\%02x", (unsigned char)text[i]);
	}
	assert_int_equal(buf_addstr(&rec->events, "="), 0);
	return record(rec, kind);
}

static int
on_object_begin(void *arg)
{
	return record(arg, "{");
}

static int
on_object_end(void *arg)
{
	return record(arg, "}");
}

static int
on_array_begin(void *arg)
{
	return record(arg, "[");
}

static int
on_array_end(void *arg)
{
	return record(arg, "]");
}

static int
on_key(void *arg, const char *text, size_t len)
{
	return record_text(arg, "key", text, len);
}

static int
on_string(void *arg, const char *text, size_t len)
{
	return record_text(arg, "string", text, len);
}

static int
on_number(void *arg, const char *text, size_t len)
{
	return record_text(arg, "number", text, len);
}

static int
on_boolean(void *arg, bool value)
{
	return record(arg, value ? "true" : "false");
}

static int
on_null(void *arg)
{
	return record(arg, "null");
}

static const struct jread_ops record_ops = {
	.object_begin = on_object_begin, .object_end = on_object_end, .array_begin = on_array_begin,
	.array_end = on_array_end, .key = on_key, .string = on_string, .number = on_number, .boolean = on_boolean,
	.null = on_null,
};

static void
recorder_init(struct recorder *rec)
{
	*rec = (struct recorder){ .stop_at = NULL };
	buf_init(&rec->events, EVENTS_MAX);
	jread_init(&rec->reader, &record_ops, rec, DEPTH, TEXT);
}

static void
recorder_done(struct recorder *rec)
{
	jread_done(&rec->reader);
	buf_done(&rec->events);
}

/* Every piece stands in memory of its own size, so that a read beyond its end is seen by the sanitizers. */
static int
push_piece(struct recorder *rec, const char *bytes, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	r = jread_push(&rec->reader, copy, len, &rec->err);
	free(copy);
	return r;
}

/* Read text in pieces: the first of `first` bytes, the others of `others`. */
static int
read_split(struct recorder *rec, const char *text, size_t len, size_t first, size_t others)
{
	size_t at = 0, n = first;
	int r = 0;

	jread_reset(&rec->reader);
	buf_reset(&rec->events);
	rec->err = (struct err)ERR_INIT;
	while (at < len && r == 0) {
		n = n < len - at ? n : len - at;
		r = push_piece(rec, text + at, n);
		at += n;
		n = others;
	}
	return r < 0 ? r : jread_finish(&rec->reader, &rec->err);
}

static int
read_whole(struct recorder *rec, const char *text, size_t len)
{
	return read_split(rec, text, len, len, len);
}

/* However the bytes are cut, result, sentence and events are those given. */
static void
check_splits(const char *text, size_t len, int code, const char *events, const char *msg)
{
	struct recorder rec;
	size_t first;

	recorder_init(&rec);
	for (first = 0; first <= len; first++) {
		assert_int_equal(read_split(&rec, text, len, first, len), code);
		assert_string_equal(rec.err.msg, msg);
		assert_string_equal(rec.events.data, events);
	}
	for (first = 1; first < 4; first++) {
		assert_int_equal(read_split(&rec, text, len, first, first), code);
		assert_string_equal(rec.err.msg, msg);
		assert_string_equal(rec.events.data, events);
	}
	recorder_done(&rec);
}

/* --- what is read --- */

#define JSON(text) text, sizeof text - 1

static const struct {
	const char *text;
	size_t len;
	const char *events;
} accepted[] = {
	{ JSON("{}"), "{ } " },
	{ JSON("[]"), "[ ] " },
	{ JSON(" \t\r\n[ \n] \t\r\n"), "[ ] " },
	{ JSON("true"), "true " },
	{ JSON("false"), "false " },
	{ JSON("null"), "null " },
	{ JSON("[true,false,null]"), "[ true false null ] " },
	{ JSON("{\"a\":1,\"b\":{\"c\":[]},\"a\":2}"), "{ a=key 1=number b=key { c=key [ ] } a=key 2=number } " },
	{ JSON("{ \"a\" : 1 , \"b\" : \"x\" }"), "{ a=key 1=number b=key x=string } " },
	{ JSON("[[],{},[{}],\"\"]"), "[ [ ] { } [ { } ] =string ] " },
	{ JSON("{\"\":\"\"}"), "{ =key =string } " },
	{ JSON("[[[[[[[[]]]]]]]]"), "[ [ [ [ [ [ [ [ ] ] ] ] ] ] ] ] " },
	{ JSON("0"), "0=number " },
	{ JSON("-0"), "-0=number " },
	{ JSON(" 12 "), "12=number " },
	{ JSON("[0,-0,10,-10]"), "[ 0=number -0=number 10=number -10=number ] " },
	{ JSON("[0.0,1.10,-3.25]"), "[ 0.0=number 1.10=number -3.25=number ] " },
	{ JSON("[1e5,1E5,1e+5,1e-05,0e0,-0.0E-0]"),
	    "[ 1e5=number 1E5=number 1e+5=number 1e-05=number 0e0=number -0.0E-0=number ] " },
	{ JSON("123456789012345678901234567890.123456789e-12345"),
	    "123456789012345678901234567890.123456789e-12345=number " },
	{ JSON("\"plain text that is longer than sixteen bytes, twice over\""),
	    "plain\\20text\\20that\\20is\\20longer\\20than\\20sixteen\\20bytes,\\20twice\\20over=string " },
	{ JSON("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"\\5c/\\08\\0c\\0a\\0d\\09=string " },
	{ JSON("\"\\u0041\\u00e9\\u20AC\\uFFFF\""), "A\\c3\\a9\\e2\\82\\ac\\ef\\bf\\bf=string " },
	{ JSON("\"a\\u0000b\""), "a\\00b=string " },
	{ JSON("{\"a\\u0000\":0}"), "{ a\\00=key 0=number } " },
	{ JSON("\"x\\uD83D\\uDE00y\\ud800\\udc00\\uDBFF\\uDFFF\""),
	    "x\\f0\\9f\\98\\80y\\f0\\90\\80\\80\\f4\\8f\\bf\\bf=string " },
	{ JSON("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 and \xc2\x80 again\x7f\""),
	    "\\c3\\a9\\e2\\82\\ac\\f0\\9f\\98\\80\\20and\\20\\c2\\80\\20again\\7f=string " },
	{ JSON("[1,\"1\",{\"1\":1}]"), "[ 1=number 1=string { 1=key 1=number } ] " },
	{ JSON("{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"le\":\"+Inf\"},"
	    "\"value\":[1893456300.123,\"NaN\"]}]}}"),
	    "{ status=key success=string data=key { resultType=key vector=string result=key [ { metric=key { le=key "
	    "+Inf=string } value=key [ 1893456300.123=number NaN=string ] } ] } } " },
};

static void
test_accepted(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof accepted / sizeof accepted[0]; i++)
		check_splits(accepted[i].text, accepted[i].len, 0, accepted[i].events, "");
}

/* --- what is refused --- */

#define AT(byte, expected, found) "JSON, byte " #byte ": expected " expected ", found " found
#define ENDS(byte, expected) "JSON ends at byte " #byte ": expected " expected
#define LOW_HALF "the second half of a surrogate pair, \\uDC00 to \\uDFFF"
#define HIGH_HALF "the first half of a surrogate pair, \\uD800 to \\uDBFF, before its second"
#define CONTROL "a control character to be written as an escape"
#define UTF8_REST "the rest of a character in UTF-8"
#define UTF8_CHAR "a character in UTF-8"
#define ESCAPE "one of \"\\/bfnrtu after a backslash"

static const struct {
	const char *text;
	size_t len;
	const char *events;
	const char *msg;
} refused[] = {
	/* nothing, or not enough */
	{ JSON(""), "", ENDS(0, "a value") },
	{ JSON("  "), "", ENDS(2, "a value") },
	{ JSON("["), "[ ", ENDS(1, "a value or ']'") },
	{ JSON("[1"), "[ ", ENDS(2, "',' or ']'") },
	{ JSON("[1 "), "[ 1=number ", ENDS(3, "',' or ']'") },
	{ JSON("[1,"), "[ 1=number ", ENDS(3, "a value") },
	{ JSON("{"), "{ ", ENDS(1, "a key in quotes or '}'") },
	{ JSON("{\"a\""), "{ a=key ", ENDS(4, "':'") },
	{ JSON("{\"a\":"), "{ a=key ", ENDS(5, "a value") },
	{ JSON("{\"a\":1"), "{ a=key ", ENDS(6, "',' or '}'") },
	{ JSON("{\"a\":{}"), "{ a=key { } ", ENDS(7, "',' or '}'") },
	{ JSON("{\"a\":{},"), "{ a=key { } ", ENDS(8, "a key in quotes") },
	{ JSON("\"abc"), "", ENDS(4, "the rest of a string") },
	{ JSON("\"abc\\"), "", ENDS(5, "the rest of a string") },
	{ JSON("\"\\u12"), "", ENDS(5, "the rest of a string") },
	{ JSON("\"\xe2\x82"), "", ENDS(3, "the rest of a string") },
	{ JSON("tru"), "", ENDS(3, "true") },
	{ JSON("-"), "", ENDS(1, "a digit after the minus") },
	{ JSON("1."), "", ENDS(2, "a digit after the point") },
	{ JSON("1e"), "", ENDS(2, "a digit or a sign after the e") },
	{ JSON("1e+"), "", ENDS(3, "a digit of the exponent") },
	/* structure */
	{ JSON("]"), "", AT(0, "a value", "']'") },
	{ JSON("}"), "", AT(0, "a value", "'}'") },
	{ JSON("[1,]"), "[ 1=number ", AT(3, "a value", "']'") },
	{ JSON("[,1]"), "[ ", AT(1, "a value or ']'", "','") },
	{ JSON("[1 2]"), "[ 1=number ", AT(3, "',' or ']'", "'2'") },
	{ JSON("[1}"), "[ 1=number ", AT(2, "',' or ']'", "'}'") },
	{ JSON("[{]"), "[ { ", AT(2, "a key in quotes or '}'", "']'") },
	{ JSON("[{}}"), "[ { } ", AT(3, "',' or ']'", "'}'") },
	{ JSON("{\"a\":[}"), "{ a=key [ ", AT(6, "a value or ']'", "'}'") },
	{ JSON("{\"a\":1]"), "{ a=key 1=number ", AT(6, "',' or '}'", "']'") },
	{ JSON("{\"a\":1,}"), "{ a=key 1=number ", AT(7, "a key in quotes", "'}'") },
	{ JSON("{,}"), "{ ", AT(1, "a key in quotes or '}'", "','") },
	{ JSON("{a:1}"), "{ ", AT(1, "a key in quotes or '}'", "'a'") },
	{ JSON("{1:1}"), "{ ", AT(1, "a key in quotes or '}'", "'1'") },
	{ JSON("{\"a\" 1}"), "{ a=key ", AT(5, "':'", "'1'") },
	{ JSON("{\"a\"}"), "{ a=key ", AT(4, "':'", "'}'") },
	{ JSON("{\"a\":}"), "{ a=key ", AT(5, "a value", "'}'") },
	{ JSON("{\"a\"::1}"), "{ a=key ", AT(5, "a value", "':'") },
	{ JSON("{} {}"), "{ } ", AT(3, "the end", "'{'") },
	{ JSON("1 2"), "1=number ", AT(2, "the end", "'2'") },
	{ JSON("\"\"\""), "=string ", AT(2, "the end", "'\"'") },
	{ JSON("[]\0"), "[ ] ", AT(2, "the end", "byte 0x00") },
	{ JSON("\0"), "", AT(0, "a value", "byte 0x00") },
	{ JSON("\xef\xbb\xbf{}"), "", AT(0, "a value", "byte 0xef") },
	{ JSON("[1,\v2]"), "[ 1=number ", AT(3, "a value", "byte 0x0b") },
	{ JSON("[\xc2\xa0]"), "[ ", AT(1, "a value or ']'", "byte 0xc2") },
	{ JSON("[1/**/]"), "[ 1=number ", AT(2, "',' or ']'", "'/'") },
	{ JSON("['a']"), "[ ", AT(1, "a value or ']'", "'''") },
	/* literals */
	{ JSON("nul"), "", ENDS(3, "null") },
	{ JSON("nulL"), "", AT(3, "null", "'L'") },
	{ JSON("True"), "", AT(0, "a value", "'T'") },
	{ JSON("[fals]"), "[ ", AT(5, "false", "']'") },
	{ JSON("truex"), "true ", AT(4, "the end", "'x'") },
	{ JSON("NaN"), "", AT(0, "a value", "'N'") },
	/* numbers */
	{ JSON("01"), "0=number ", AT(1, "the end", "'1'") },
	{ JSON("[-01]"), "[ -0=number ", AT(3, "',' or ']'", "'1'") },
	{ JSON("+1"), "", AT(0, "a value", "'+'") },
	{ JSON(".5"), "", AT(0, "a value", "'.'") },
	{ JSON("[--1]"), "[ ", AT(2, "a digit after the minus", "'-'") },
	{ JSON("[-a]"), "[ ", AT(2, "a digit after the minus", "'a'") },
	{ JSON("[1.]"), "[ ", AT(3, "a digit after the point", "']'") },
	{ JSON("[1.e5]"), "[ ", AT(3, "a digit after the point", "'e'") },
	{ JSON("[1.5.5]"), "[ 1.5=number ", AT(4, "',' or ']'", "'.'") },
	{ JSON("[1e]"), "[ ", AT(3, "a digit or a sign after the e", "']'") },
	{ JSON("[1e+-5]"), "[ ", AT(4, "a digit of the exponent", "'-'") },
	{ JSON("[1e5.5]"), "[ 1e5=number ", AT(4, "',' or ']'", "'.'") },
	{ JSON("[1e5e5]"), "[ 1e5=number ", AT(4, "',' or ']'", "'e'") },
	{ JSON("0x10"), "0=number ", AT(1, "the end", "'x'") },
	{ JSON("1_000"), "1=number ", AT(1, "the end", "'_'") },
	{ JSON("-Infinity"), "", AT(1, "a digit after the minus", "'I'") },
	/* strings */
	{ JSON("\"a\nb\""), "", AT(2, CONTROL, "byte 0x0a") },
	{ JSON("\"\0\""), "", AT(1, CONTROL, "byte 0x00") },
	{ JSON("\"0123456789abcdef\x1f\""), "", AT(17, CONTROL, "byte 0x1f") },
	{ JSON("\"\\x41\""), "", AT(2, ESCAPE, "'x'") },
	{ JSON("\"\\'\""), "", AT(2, ESCAPE, "'''") },
	{ JSON("\"\\\0\""), "", AT(2, ESCAPE, "byte 0x00") },
	{ JSON("\"\\u12G4\""), "", AT(5, "a hexadecimal digit", "'G'") },
	{ JSON("\"\\u\""), "", AT(3, "a hexadecimal digit", "'\"'") },
	{ JSON("\"\\u123\""), "", AT(6, "a hexadecimal digit", "'\"'") },
	{ JSON("\"\\u+123\""), "", AT(3, "a hexadecimal digit", "'+'") },
	{ JSON("\"\\uD800\""), "", AT(7, LOW_HALF, "'\"'") },
	{ JSON("\"\\uD800x\""), "", AT(7, LOW_HALF, "'x'") },
	{ JSON("\"\\uD800\\n\""), "", AT(8, LOW_HALF, "'n'") },
	{ JSON("\"\\uD800\\u0041\""), "", AT(9, LOW_HALF, "'0'") },
	{ JSON("\"\\uD800\\uD800\""), "", AT(10, LOW_HALF, "'8'") },
	{ JSON("\"\\uD800\\uDBFF\""), "", AT(10, LOW_HALF, "'B'") },
	{ JSON("\"\\uD800\\uE000\""), "", AT(9, LOW_HALF, "'E'") },
	{ JSON("\"\\uD800\\uDC0z\""), "", AT(12, "a hexadecimal digit", "'z'") },
	{ JSON("\"\\uDC00\""), "", AT(4, HIGH_HALF, "'C'") },
	{ JSON("\"\\udfff\\ud800\""), "", AT(4, HIGH_HALF, "'f'") },
	{ JSON("\"\x80\""), "", AT(1, UTF8_CHAR, "byte 0x80") },
	{ JSON("\"\xc0\x80\""), "", AT(1, UTF8_CHAR, "byte 0xc0") },
	{ JSON("\"\xc1\xbf\""), "", AT(1, UTF8_CHAR, "byte 0xc1") },
	{ JSON("\"\xf5\x80\x80\x80\""), "", AT(1, UTF8_CHAR, "byte 0xf5") },
	{ JSON("\"\xff\""), "", AT(1, UTF8_CHAR, "byte 0xff") },
	{ JSON("\"a\xc3\""), "", AT(3, UTF8_REST, "'\"'") },
	{ JSON("\"\xe0\x9f\xbf\""), "", AT(2, UTF8_REST, "byte 0x9f") },
	{ JSON("\"\xed\xa0\x80\""), "", AT(2, UTF8_REST, "byte 0xa0") },
	{ JSON("\"\xe2\x82\""), "", AT(3, UTF8_REST, "'\"'") },
	{ JSON("\"\xf0\x8f\xbf\xbf\""), "", AT(2, UTF8_REST, "byte 0x8f") },
	{ JSON("\"\xf4\x90\x80\x80\""), "", AT(2, UTF8_REST, "byte 0x90") },
	{ JSON("\"\xf0\x9f\x98\\\""), "", AT(4, UTF8_REST, "'\\'") },
	{ JSON("{\"\xff\":1}"), "{ ", AT(2, UTF8_CHAR, "byte 0xff") },
};

static void
test_refused(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof refused / sizeof refused[0]; i++)
		check_splits(refused[i].text, refused[i].len, ERR_SYNTAX, refused[i].events, refused[i].msg);
}

/* --- limits --- */

static void
test_depth_limit(void **state)
{
	struct recorder rec;

	(void)state;
	check_splits(JSON("[[[[[[[[[]]]]]]]]]"), ERR_LIMIT, "[ [ [ [ [ [ [ [ ",
	    AT(8, "at most 8 levels of nesting", "more"));
	check_splits(JSON("[[[[[[[{\"a\":{"), ERR_LIMIT, "[ [ [ [ [ [ [ { a=key ",
	    AT(12, "at most 8 levels of nesting", "more"));

	recorder_init(&rec);
	jread_done(&rec.reader);
	jread_init(&rec.reader, &record_ops, &rec, 0, TEXT);
	assert_int_equal(read_whole(&rec, JSON("1")), 0);
	assert_int_equal(read_whole(&rec, JSON("[]")), ERR_LIMIT);
	recorder_done(&rec);
}

static void
test_deepest(void **state)
{
	static char text[4 * JREAD_DEPTH_MAX];
	struct recorder rec;
	size_t i, len = 0;

	(void)state;
	/* Objects and arrays by turns, so that each bit of the stack matters. */
	for (i = 0; i < JREAD_DEPTH_MAX; i++) {
		memcpy(text + len, i % 2 ? "{\"\":" : "[", i % 2 ? 4 : 1);
		len += i % 2 ? 4 : 1;
	}
	text[len++] = '1';
	for (i = JREAD_DEPTH_MAX; i-- > 0; )
		text[len++] = i % 2 ? '}' : ']';
	recorder_init(&rec);
	jread_done(&rec.reader);
	jread_init(&rec.reader, &record_ops, &rec, JREAD_DEPTH_MAX, TEXT);
	assert_int_equal(read_whole(&rec, text, len), 0);
	text[len - JREAD_DEPTH_MAX / 2] = '?';
	assert_int_equal(read_whole(&rec, text, len), ERR_SYNTAX);
	recorder_done(&rec);
}

/* prefix, n times one unit, suffix: as many units as 100 bytes of text hold, and one more. */
static void
check_text_limit(const char *prefix, const char *unit, const char *suffix, unsigned unit_bytes, const char *msg)
{
	char text[1400];
	struct recorder rec;
	size_t n, i, len;

	for (n = TEXT / unit_bytes; n <= TEXT / unit_bytes + 1; n++) {
		len = (size_t)snprintf(text, sizeof text, "%s", prefix);
		for (i = 0; i < n; i++)
			len += (size_t)snprintf(text + len, sizeof text - len, "%s", unit);
		len += (size_t)snprintf(text + len, sizeof text - len, "%s", suffix);
		recorder_init(&rec);
		for (i = 0; i <= len; i++) {
			assert_int_equal(read_split(&rec, text, len, i, len),
			    n == TEXT / unit_bytes ? 0 : ERR_LIMIT);
			assert_string_equal(rec.err.msg, n == TEXT / unit_bytes ? "" : msg);
		}
		assert_int_equal(read_split(&rec, text, len, 1, 1), n == TEXT / unit_bytes ? 0 : ERR_LIMIT);
		recorder_done(&rec);
	}
}

static void
test_text_limit(void **state)
{
	(void)state;
	check_text_limit("[\"", "x", "\"]", 1, AT(1, "at most 100 bytes of text", "more"));
	check_text_limit("{\"", "x", "\":1}", 1, AT(1, "at most 100 bytes of text", "more"));
	check_text_limit("[", "7", "]", 1, AT(1, "at most 100 bytes of text", "more"));
	check_text_limit("\"", "\\n", "\"", 1, AT(0, "at most 100 bytes of text", "more"));
	check_text_limit("\"", "\\ud83d\\ude00", "\"", 4, AT(0, "at most 100 bytes of text", "more"));
	check_text_limit("\"", "\xc3\xa9", "\"", 2, AT(0, "at most 100 bytes of text", "more"));
	/* The limit is met before the mistake behind it, however the bytes are cut. */
	check_splits(JSON("[\"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123"
	    "4567890\x01"), ERR_LIMIT, "[ ", AT(1, "at most 100 bytes of text", "more"));
	check_splits(JSON("[0.12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
	    "67890e?"), ERR_LIMIT, "[ ", AT(1, "at most 100 bytes of text", "more"));
}

/* --- characters, all of them --- */

static void
assert_reads_as(struct recorder *rec, const char *text, size_t len, const char *bytes, size_t n)
{
	char expected[64];
	size_t i, used = 0;

	for (i = 0; i < n; i++) {
		if (bytes[i] > ' ' && bytes[i] < 0x7f && bytes[i] != '\\')
			expected[used++] = bytes[i];
		else
			used += (size_t)snprintf(expected + used, sizeof expected - used, "\\%02x", (unsigned char)bytes[i]);
	}
	snprintf(expected + used, sizeof expected - used, "=string ");
	assert_int_equal(read_whole(rec, text, len), 0);
	assert_string_equal(rec->events.data, expected);
}

static void
test_every_code_point(void **state)
{
	struct recorder rec;
	char text[32], out[4];
	uint32_t cp;
	size_t n;
	int len;

	(void)state;
	recorder_init(&rec);
	for (cp = 0; cp <= 0x10ffff; cp += cp < 0xffff ? 1 : 13) {
		n = utf8_encode(cp, out);
		if (cp < 0x10000)
			len = snprintf(text, sizeof text, "\"\\u%04" PRIx32 "\"", cp);
		else
			len = snprintf(text, sizeof text, "\"\\u%04" PRIX32 "\\u%04" PRIX32 "\"",
			    0xd800 + ((cp - 0x10000) >> 10), 0xdc00 + ((cp - 0x10000) & 0x3ff));
		if (n == 0) {
			assert_int_equal(read_whole(&rec, text, (size_t)len), ERR_SYNTAX);
			continue;
		}
		assert_reads_as(&rec, text, (size_t)len, out, n);
		if (cp < 0x20 || cp == '"' || cp == '\\')
			continue;
		text[0] = '"';
		memcpy(text + 1, out, n);
		text[n + 1] = '"';
		assert_reads_as(&rec, text, n + 2, out, n);
	}
	recorder_done(&rec);
}

/* Bytes that are not UTF-8 are refused exactly where another checker refuses them. */
static void
test_every_lead_byte(void **state)
{
	static const unsigned char tails[] = { 'a', 0x7f, 0x80, 0xbf, 0xc0 };
	const unsigned n_tails = sizeof tails, all = 128 * 256 * n_tails * n_tails;
	struct recorder rec;
	unsigned i;
	char text[6] = "\"";

	(void)state;
	recorder_init(&rec);
	for (i = 0; i < all; i++) {
		text[1] = (char)(0x80 + i % 128);
		text[2] = (char)(i / 128 % 256);
		text[3] = (char)tails[i / 128 / 256 % n_tails];
		text[4] = (char)tails[i / 128 / 256 / n_tails];
		text[5] = '"';
		if ((unsigned char)text[2] < 0x20 || text[2] == '"' || text[2] == '\\')
			continue;
		if (utf8_is_valid(text + 1, 4) != (read_whole(&rec, text, 6) == 0))
			fail_msg("bytes %02x %02x %02x %02x: utf8_is_valid() disagrees", text[1] & 0xff, text[2] & 0xff,
			    text[3] & 0xff, text[4] & 0xff);
	}
	recorder_done(&rec);
}

/* One special byte at each place of strings of each length up to four vectors: the fast loops and their ends. */
static void
test_every_place(void **state)
{
	static const struct {
		char byte;
		int code;
	} odd[] = { { '!', 0 }, { '#', 0 }, { ' ', 0 }, { '\x7f', 0 }, { '[', 0 }, { ']', 0 }, { '\x1f', ERR_SYNTAX },
		{ '\0', ERR_SYNTAX }, { '\x80', ERR_SYNTAX }, { '\xff', ERR_SYNTAX }, { '"', ERR_SYNTAX } };
	struct recorder rec;
	char text[72], place[32];
	size_t len, at, i;
	int code;

	(void)state;
	recorder_init(&rec);
	for (len = 1; len <= 66; len++) {
		for (at = 1; at <= len; at++) {
			for (i = 0; i < sizeof odd / sizeof odd[0]; i++) {
				memset(text, 'x', sizeof text);
				text[0] = text[len + 1] = '"';
				text[at] = odd[i].byte;
				code = read_whole(&rec, text, len + 2);
				assert_int_equal(code, odd[i].code);
				/* A quote ends the string, so the byte after it is the one too many. */
				snprintf(place, sizeof place, "byte %zu:", at + (odd[i].byte == '"'));
				assert_true(code == 0 || strstr(rec.err.msg, place) != NULL);
			}
		}
	}
	recorder_done(&rec);
}

/* --- callbacks --- */

static void
test_callback_stops(void **state)
{
	static const char text[] = "{\"k\":[\"s\",1,true,false,null]} ";
	static const struct {
		const char *kind, *msg;
	} cases[] = {
		{ "{", "JSON, byte 0: stopped by the one who reads it" },
		{ "key", "JSON, byte 1: stopped by the one who reads it" },
		{ "[", "JSON, byte 5: stopped by the one who reads it" },
		{ "string", "JSON, byte 6: stopped by the one who reads it" },
		{ "number", "JSON, byte 10: stopped by the one who reads it" },
		{ "true", "JSON, byte 12: stopped by the one who reads it" },
		{ "false", "JSON, byte 17: stopped by the one who reads it" },
		{ "null", "JSON, byte 23: stopped by the one who reads it" },
		{ "]", "JSON, byte 27: stopped by the one who reads it" },
		{ "}", "JSON, byte 28: stopped by the one who reads it" },
	};
	struct recorder rec;
	size_t i, step, events;

	(void)state;
	recorder_init(&rec);
	rec.stop_code = ERR_CANCELLED;
	for (i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
		rec.stop_at = cases[i / 2].kind;
		rec.fills_err = i % 2 == 1;
		for (step = 1; step < sizeof text; step++) {
			assert_int_equal(read_split(&rec, text, sizeof text - 1, step, step), ERR_CANCELLED);
			assert_string_equal(rec.err.msg, rec.fills_err ? "enough of it" : cases[i / 2].msg);
		}
		/* It stays stopped, and says why again. */
		events = rec.events.len;
		rec.err = (struct err)ERR_INIT;
		assert_int_equal(push_piece(&rec, "1", 1), ERR_CANCELLED);
		assert_string_equal(rec.err.msg, rec.fills_err ? "enough of it" : cases[i / 2].msg);
		assert_int_equal(jread_finish(&rec.reader, NULL), ERR_CANCELLED);
		assert_int_equal(rec.events.len, events);
	}
	recorder_done(&rec);
}

static void
test_callback_stops_at_finish(void **state)
{
	struct recorder rec;

	(void)state;
	recorder_init(&rec);
	rec.stop_at = "number";
	rec.stop_code = -77;
	assert_int_equal(push_piece(&rec, "12", 2), 0);
	assert_int_equal(jread_finish(&rec.reader, &rec.err), -77);
	assert_string_equal(rec.err.msg, "JSON, byte 0: stopped by the one who reads it");
	recorder_done(&rec);
}

static void
test_no_callbacks(void **state)
{
	static const struct jread_ops none = { .key = NULL };
	struct jread r;
	size_t i;

	(void)state;
	jread_init(&r, &none, NULL, DEPTH, TEXT);
	for (i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
		assert_int_equal(jread_push(&r, accepted[i].text, accepted[i].len, NULL), 0);
		assert_int_equal(jread_finish(&r, NULL), 0);
		jread_reset(&r);
	}
	for (i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		assert_true(jread_push(&r, refused[i].text, refused[i].len, NULL) < 0 || jread_finish(&r, NULL) < 0);
		jread_reset(&r);
	}
	jread_done(&r);
}

struct places {
	struct jread reader;
	char text[200];
};

static int
note_place(void *arg)
{
	struct places *p = arg;
	size_t used = strlen(p->text);

	snprintf(p->text + used, sizeof p->text - used, "%" PRIu64 "/%u ", jread_offset(&p->reader), jread_depth(&p->reader));
	return 0;
}

static int
note_place_of_text(void *arg, const char *text, size_t len)
{
	(void)text;
	(void)len;
	return note_place(arg);
}

static void
test_offset_and_depth(void **state)
{
	static const struct jread_ops ops = {
		.object_begin = note_place, .object_end = note_place, .array_begin = note_place, .array_end = note_place,
		.key = note_place_of_text, .string = note_place_of_text, .number = note_place_of_text, .null = note_place,
	};
	static const char text[] = "{\"a\": [12, \"x\\n\", null] , \"b\":{}}";
	struct places p;
	size_t step, at, n;

	(void)state;
	for (step = 1; step < sizeof text; step++) {
		p.text[0] = '\0';
		jread_init(&p.reader, &ops, &p, DEPTH, TEXT);
		for (at = 0; at < sizeof text - 1; at += n) {
			n = step < sizeof text - 1 - at ? step : sizeof text - 1 - at;
			assert_int_equal(jread_push(&p.reader, text + at, n, NULL), 0);
		}
		assert_int_equal(jread_finish(&p.reader, NULL), 0);
		assert_string_equal(p.text, "0/1 1/1 6/2 7/2 11/2 18/2 22/2 26/1 30/2 31/2 32/1 ");
		jread_done(&p.reader);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_depth_limit),
		cmocka_unit_test(test_deepest),
		cmocka_unit_test(test_text_limit),
		cmocka_unit_test(test_every_code_point),
		cmocka_unit_test(test_every_lead_byte),
		cmocka_unit_test(test_every_place),
		cmocka_unit_test(test_callback_stops),
		cmocka_unit_test(test_callback_stops_at_finish),
		cmocka_unit_test(test_no_callbacks),
		cmocka_unit_test(test_offset_and_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
