/* Text: what reaches a terminal, how wide it is, and numbers for people. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void
decodes_only_well_formed_utf8(void **state)
{
	static const struct {
		const char *bytes;
		size_t len, took;
		uint32_t cp;
	} cases[] = {
		{ "a", 1, 1, 'a' }, { "\0", 1, 1, 0 }, { "\x7f", 1, 1, 0x7f }, { "\xc2\x80", 2, 2, 0x80 }, { "\xdf\xbf", 2, 2, 0x7ff },
		{ "\xe0\xa0\x80", 3, 3, 0x800 }, { "\xed\x9f\xbf", 3, 3, 0xd7ff }, { "\xef\xbf\xbf", 3, 3, 0xffff },
		{ "\xf0\x90\x80\x80", 4, 4, 0x10000 }, { "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff },
		{ "\x80", 1, 0, 0 }, { "\xc0\x80", 2, 0, 0 }, { "\xc1\xbf", 2, 0, 0 }, { "\xe0\x80\x80", 3, 0, 0 },
		{ "\xed\xa0\x80", 3, 0, 0 }, { "\xf0\x80\x80\x80", 4, 0, 0 }, { "\xf4\x90\x80\x80", 4, 0, 0 }, { "\xf5\x80\x80\x80", 4, 0, 0 },
		{ "\xff", 1, 0, 0 }, { "\xc3", 1, 0, 0 }, { "\xe2\x82", 2, 0, 0 }, { "\xe2\x82" "a", 3, 0, 0 }, { "\xf0\x9f\x98", 3, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint32_t cp = 0;

		assert_int_equal(utf8_decode(cases[i].bytes, cases[i].len, &cp), cases[i].took);
		assert_int_equal(cp, cases[i].cp);
		assert_int_equal(utf8_is_valid(cases[i].bytes, cases[i].len), cases[i].took > 0);
	}
}

static void
encodes_what_it_decodes(void **state)
{
	(void)state;
	for (uint32_t cp = 0; cp <= 0x110000; cp += cp < 0x3000 ? 1 : 97) {
		char out[4];
		size_t len = utf8_encode(cp, out);
		uint32_t back = 0;

		if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff)) {
			assert_int_equal(len, 0);
			continue;
		}
		assert_int_equal(utf8_decode(out, len, &back), len);
		assert_int_equal(back, cp);
	}
}

static void
refuses_what_moves_hides_or_reorders(void **state)
{
	static const struct {
		uint32_t cp;
		int width;
	} cases[] = {
		{ 0, -1 }, { 0x1b, -1 }, { '\n', -1 }, { ' ', 1 }, { '~', 1 }, { 0x7f, -1 }, { 0x85, -1 }, { 0x9b, -1 }, { 0xa0, 1 }, { 0xad, -1 },
		{ 0x300, 0 }, { 0x34f, -1 }, { 0x61c, -1 }, { 0x1100, 2 }, { 0x1160, -1 }, { 0x1161, 0 }, { 0x200b, -1 }, { 0x200d, -1 },
		{ 0x200e, -1 }, { 0x2028, -1 }, { 0x2029, -1 }, { 0x202a, -1 }, { 0x202e, -1 }, { 0x2066, -1 }, { 0x2069, -1 }, { 0x20ac, 1 },
		{ 0x2500, 1 }, { 0x2801, 1 }, { 0x25cf, 1 }, { 0x3042, 2 }, { 0x3164, -1 }, { 0xac00, 2 }, { 0xd800, -1 }, { 0xe000, -1 },
		{ 0xfdd0, -1 }, { 0xfe0f, -1 }, { 0xfeff, -1 }, { 0xff21, 2 }, { 0xfff9, -1 }, { 0xfffd, 1 }, { 0xffff, -1 }, { 0x1f600, 2 },
		{ 0x1fae8, 2 }, { 0x20000, 2 }, { 0xe0041, -1 }, { 0xe0100, -1 }, { 0xf0000, -1 }, { 0x10fffe, -1 }, { 0x110000, -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (cp_width(cases[i].cp) != cases[i].width)
			fail_msg("U+%04X: %d", (unsigned)cases[i].cp, cp_width(cases[i].cp));
}

static void
escapes_visibly(void **state)
{
	static const struct {
		const char *in, *out;
		size_t width;
	} cases[] = {
		{ "plain", "plain", 5 }, { "", "", 0 }, { "a\nb\tc\rd", "a\\nb\\tc\\rd", 10 }, { "\x1b[2J", "\\x1B[2J", 7 },
		{ "a\\b", "a\\b", 3 }, { "\xff\xfe", "\\xFF\\xFE", 8 }, { "\xc2\x9b" "31m", "\\u{9B}31m", 9 },
		{ "x\xe2\x80\xaey", "x\\u{202E}y", 10 }, { "e\xcc\x81", "e\xcc\x81", 1 }, { "日本", "日本", 4 }, { "\xe2\x82", "\\xE2\\x82", 8 },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < COUNT(cases); i++) {
		buf_reset(&b);
		str_escape(&b, cases[i].in, strlen(cases[i].in));
		assert_string_equal(b.data, cases[i].out);
		assert_int_equal(str_width(b.data), cases[i].width);
	}
	buf_reset(&b);
	str_escape(&b, "a\0b", 3);
	assert_string_equal(b.data, "a\\x00b");
	buf_done(&b);
}

/* Whatever the bytes, the result is valid UTF-8 with nothing in it that a terminal obeys. */
static void
escaped_text_is_harmless(void **state)
{
	uint32_t seed = 1;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (int round = 0; round < 2000; round++) {
		char in[64];

		for (size_t i = 0; i < sizeof in; i++)
			in[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
		buf_reset(&b);
		str_escape(&b, in, sizeof in);
		for (size_t at = 0; at < b.len;) {
			uint32_t cp = 0;
			size_t took = utf8_decode(b.data + at, b.len - at, &cp);

			assert_true(took > 0);
			assert_true(cp_width(cp) >= 0);
			at += took;
		}
	}
	buf_done(&b);
}

static void
cuts_at_whole_characters(void **state)
{
	static const struct {
		const char *in;
		size_t size;
		const char *out;
	} cases[] = {
		{ "abc", 4, "abc" }, { "abcd", 4, "…" }, { "abcdef", 6, "ab…" }, { "ab", 2, "." }, { "abcd", 3, ".." }, { "abcd", 1, "" },
		{ "a\nbc", 6, "a\\nbc" }, { "ab\nc", 5, "a…" }, { "ééé", 7, "ééé" }, { "éééé", 8, "éé…" }, { "日本語", 9, "日…" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[16];

		assert_string_equal(str_escape_to(out, cases[i].size, cases[i].in), cases[i].out);
	}
}

static void
compares(void **state)
{
	(void)state;
	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq(NULL, ""));
	assert_true(str_eq("a", "a"));
	assert_true(str_has_prefix("query:x", "query:"));
	assert_false(str_has_prefix("que", "query:"));
	assert_true(str_contains("SpamRate", "spamr"));
	assert_true(str_contains("", ""));
	assert_true(str_contains("aab", "ab"));
	assert_false(str_contains("abc", "abcd"));
	assert_false(str_contains("", "a"));
}

static void
suggests_the_nearest(void **state)
{
	static const char *const words[] = { "interval", "timeout", "token-file", "url", NULL };
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "intervall", "interval" }, { "intreval", "interval" }, { "Timeout", "timeout" }, { "time-out", "timeout" }, { "ulr", "url" },
		{ "colour", NULL }, { "", NULL }, { "x", NULL }, { "token_file", "token-file" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *got = str_nearest(cases[i].in, words, COUNT(words));

		if (!str_eq(got, cases[i].out))
			fail_msg("%s: %s", cases[i].in, got == NULL ? "nothing" : got);
	}
}

static void
hashes_as_fnv1a(void **state)
{
	(void)state;
	/* Test vectors of the FNV reference code. */
	assert_true(str_hash("", 0, STR_HASH_SEED) == UINT64_C(0xcbf29ce484222325));
	assert_true(str_hash("a", 1, STR_HASH_SEED) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(str_hash("foobar", 6, STR_HASH_SEED) == UINT64_C(0x85944171f73967e8));
}

static void
writes_numbers_for_people(void **state)
{
	static const struct {
		double v;
		const char *unit, *out;
	} cases[] = {
		{ 0, "ratio", "0%" }, { 0.1234, "ratio", "12.3%" }, { 1, "ratio", "100%" }, { -0.02, "ratio", "-2%" }, { 0.00042, "ratio", "0.042%" },
		{ 0, "seconds", "0s" }, { 0.0041, "seconds", "4.1ms" }, { 0.99999, "seconds", "1s" }, { 12.345, "seconds", "12.3s" },
		{ 90, "seconds", "90s" }, { 900, "seconds", "15min" }, { 3e-5, "seconds", "30us" }, { 1036800, "seconds", "12d" },
		{ 512, "bytes", "512B" }, { 1024, "bytes", "1KiB" }, { 1536 * 1024, "bytes", "1.5MiB" }, { 0, "bytes", "0B" },
		{ 1234, "per-second", "1.23k/s" }, { 999.6, "count", "1k" }, { 999.4, "count", "999" }, { 1e6, "count", "1M" }, { 0.05, "none", "0.05" },
		{ 1e30, "none", "1e30" }, { 1.5e-7, "none", "1.5e-7" }, { -12345, "none", "-12.3k" }, { 3, "emails", "3 emails" },
		{ 1, "\x1b[", "1 \\x1B[" }, { NAN, "ratio", "NaN" }, { INFINITY, "bytes", "+Inf" }, { -INFINITY, "seconds", "-Inf" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char buf[NUM_TEXT_MAX];

		assert_string_equal(num_format(buf, cases[i].v, cases[i].unit), cases[i].out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_only_well_formed_utf8),
		cmocka_unit_test(encodes_what_it_decodes),
		cmocka_unit_test(refuses_what_moves_hides_or_reorders),
		cmocka_unit_test(escapes_visibly),
		cmocka_unit_test(escaped_text_is_harmless),
		cmocka_unit_test(cuts_at_whole_characters),
		cmocka_unit_test(compares),
		cmocka_unit_test(suggests_the_nearest),
		cmocka_unit_test(hashes_as_fnv1a),
		cmocka_unit_test(writes_numbers_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
