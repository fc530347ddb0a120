/* What is drawn is what a person sees, whatever the text holds. */
#include "config.h"

#include <limits.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ui/canvas.h"

static void
assert_grid(const struct grid *g, const char *expected)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	grid_dump(g, &b);
	assert_string_equal(b.data, expected);
	buf_done(&b);
}

static void
draws_text_and_says_where_it_ends(void **state)
{
	struct grid *g = grid_new(10, 3, false);
	struct canvas c = grid_canvas(g);

	(void)state;
	assert_int_equal(canvas_text(&c, 1, 0, ROLE_TEXT, "abc"), 4);
	assert_int_equal(canvas_text(&c, 8, 1, ROLE_TEXT, "wxyz"), 12);
	assert_int_equal(canvas_text(&c, -2, 2, ROLE_TEXT, "12345"), 3);
	assert_int_equal(canvas_text(&c, 0, 7, ROLE_TEXT, "below"), 5);
	assert_int_equal(canvas_text(&c, 0, -1, ROLE_TEXT, "above"), 5);
	assert_grid(g, " abc\n        wx\n345\n");
	grid_free(g);
}

static void
makes_text_harmless(void **state)
{
	static const struct {
		const char *text, *seen;
	} cases[] = {
		{ "a\033[2Jb", "a\\x1B[2Jb\n" }, { "a\nb\tc", "a\\nb\\tc\n" }, { "\xff", "\\xFF\n" },
		{ "a\xe2\x80\xae" "b", "a\\u{202E}b\n" }, { "\xc2\x9b" "2J", "\\u{9B}2J\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct grid *g = grid_new(20, 1, false);
		struct canvas c = grid_canvas(g);

		assert_int_equal(canvas_text(&c, 0, 0, ROLE_TEXT, cases[i].text), strlen(cases[i].seen) - 1);
		assert_grid(g, cases[i].seen);
		grid_free(g);
	}
}

static void
wide_characters_are_never_cut(void **state)
{
	struct grid *g = grid_new(6, 5, false);
	struct canvas c = grid_canvas(g), left = canvas_sub(&c, 0, 1, 3, 1), right = canvas_sub(&c, 3, 2, 3, 1);

	(void)state;
	assert_int_equal(canvas_text(&c, 0, 0, ROLE_TEXT, "日本語x"), 7);
	/* At the edge of a part, half would show: a blank does. */
	canvas_text(&left, 0, 0, ROLE_TEXT, "日本");
	canvas_text(&right, -1, 0, ROLE_TEXT, "日本");
	/* Drawing over one half takes the other away. */
	canvas_text(&c, 0, 3, ROLE_TEXT, "日本語");
	canvas_text(&c, 1, 3, ROLE_TEXT, "x");
	canvas_text(&c, 4, 3, ROLE_TEXT, "y");
	/* A wide one over the right half of another. */
	canvas_text(&c, 0, 4, ROLE_TEXT, "日本語");
	canvas_text(&c, 1, 4, ROLE_TEXT, "猫");
	assert_grid(g, "日本語\n日\n    本\n x本y\n 猫 語\n");
	grid_free(g);
}

static void
marks_stay_with_their_character(void **state)
{
	struct grid *g = grid_new(8, 3, false);
	struct canvas c = grid_canvas(g);

	(void)state;
	assert_int_equal(canvas_text(&c, 0, 0, ROLE_TEXT, "e\xcc\x81x"), 2);
	/* Two are kept, and one without a character is nobody's. */
	canvas_text(&c, 0, 1, ROLE_TEXT, "\xcc\x81" "a\xcc\x81\xcc\x82\xcc\x83");
	canvas_text(&c, 0, 2, ROLE_TEXT, "日\xcc\x81!");
	assert_grid(g, "e\xcc\x81x\na\xcc\x81\xcc\x82\n日\xcc\x81!\n");
	assert_int_equal(grid_cell(g, 0, 2)->marks[0], 0x301);
	grid_free(g);
}

static void
cuts_with_a_sign(void **state)
{
	static const struct {
		const char *text;
		int w;
		bool is_padded;
		int end;
		const char *seen;
	} cases[] = {
		{ "abcdef", 6, false, 6, "abcdef|\n" }, { "abcdef", 5, false, 5, "abcd…|\n" }, { "abc", 5, false, 3, "abc|\n" },
		{ "abc", 5, true, 5, "abc  |\n" }, { "日本語", 5, true, 5, "日本…|\n" }, { "日本語", 4, true, 4, "日… |\n" },
		{ "abc", 1, false, 1, "…|\n" }, { "abc", 0, true, 0, "|\n" }, { "a\tb", 3, false, 3, "a\\…|\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct grid *g = grid_new(12, 1, false);
		struct canvas c = grid_canvas(g);
		int end = canvas_text_w(&c, 0, 0, cases[i].w, ROLE_TEXT, cases[i].text, cases[i].is_padded);

		assert_int_equal(end, cases[i].end);
		canvas_text(&c, end, 0, ROLE_TEXT, "|");
		assert_grid(g, cases[i].seen);
		grid_free(g);
	}
}

static void
aligns_right(void **state)
{
	struct grid *g = grid_new(8, 2, false);
	struct canvas c = grid_canvas(g);

	(void)state;
	assert_int_equal(canvas_text_right(&c, 8, 0, ROLE_TEXT, "12ms"), 4);
	assert_int_equal(canvas_text_right(&c, 3, 1, ROLE_TEXT, "12345"), -2);
	assert_grid(g, "    12ms\n345\n");
	grid_free(g);
}

static void
wraps_at_blanks(void **state)
{
	static const struct {
		const char *text;
		int w, h, rows;
		const char *seen;
	} cases[] = {
		{ "the quick brown fox", 9, 4, 2, "the quick\nbrown fox\n\n\n" },
		{ "the quick brown fox", 9, 1, 1, "the quic…\n\n\n\n" },
		{ "abcdefghij kl", 4, 4, 4, "abcd\nefgh\nij\nkl\n" },
		{ "one\ntwo", 9, 4, 2, "one\ntwo\n\n\n" },
		{ "日本語", 3, 4, 3, "日\n本\n語\n\n" },
		{ "", 9, 4, 0, "\n\n\n\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct grid *g = grid_new(12, 4, false);
		struct canvas c = grid_canvas(g);
		int rows = canvas_wrap(&c, 0, 0, cases[i].w, cases[i].h, ROLE_TEXT, cases[i].text);

		assert_grid(g, cases[i].seen);
		assert_int_equal(rows, cases[i].rows);
		grid_free(g);
	}
}

static void
ascii_tells_states_apart(void **state)
{
	struct grid *g = grid_new(24, 2, true);
	struct canvas c = grid_canvas(g);

	(void)state;
	canvas_text(&c, 0, 0, ROLE_TEXT, GLYPH_FIRING GLYPH_PENDING GLYPH_OK GLYPH_SILENCED GLYPH_UNKNOWN GLYPH_STALE GLYPH_CHANGED GLYPH_INHIBITED);
	canvas_text(&c, 9, 0, ROLE_TEXT, "日é…⣿⠁ █▁│─┼");
	canvas_hline(&c, 0, 1, 3, ROLE_TEXT);
	canvas_vline(&c, 3, 1, 1, ROLE_TEXT);
	assert_grid(g, "!?.s?~^i ?" "?" "?>*. #_|-+\n---|\n");
	grid_free(g);
}

static void
parts_stay_inside(void **state)
{
	struct grid *g = grid_new(6, 3, false);
	struct canvas c = grid_canvas(g), sub = canvas_sub(&c, 2, 1, 3, 1), none = canvas_sub(&c, 7, 1, 3, 1);
	struct canvas huge = canvas_sub(&c, 1, 1, INT_MAX, INT_MAX), cut = canvas_sub(&c, -1, -1, 3, 2);

	(void)state;
	assert_int_equal(huge.w, 5);
	assert_int_equal(huge.h, 2);
	assert_int_equal(cut.w, 2);
	assert_int_equal(cut.h, 1);
	canvas_fill(&c, INT_MIN / 2, INT_MIN / 2, INT_MAX, INT_MAX, ROLE_DIM);
	canvas_text(&sub, 0, 0, ROLE_TEXT, "abcdef");
	canvas_text(&sub, 0, 1, ROLE_TEXT, "below");
	canvas_text(&none, 0, 0, ROLE_TEXT, "none");
	canvas_set_cursor(&sub, 3, 0);
	assert_grid(g, "\n  abc\n\n");
	grid_free(g);
}

static void
selection_keeps_what_is_said(void **state)
{
	struct grid *g = grid_new(6, 2, false);
	struct canvas c = grid_canvas(g);
	struct buf b;
	int x, y;

	(void)state;
	buf_init(&b, 1000);
	canvas_text(&c, 0, 1, ROLE_DIM, "abc");
	canvas_select(&c, 0, 1, 6);
	canvas_set_cursor(&c, 2, 1);
	grid_cursor(g, &x, &y);
	assert_int_equal(x, 2);
	assert_int_equal(y, 1);
	grid_dump_roles(g, &b);
	assert_string_equal(b.data, "\naaa <\n");
	assert_grid(g, "\nabc\n");
	grid_clear(g);
	grid_cursor(g, &x, &y);
	assert_int_equal(x, -1);
	assert_grid(g, "\n\n");
	buf_done(&b);
	grid_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_text_and_says_where_it_ends),
		cmocka_unit_test(makes_text_harmless),
		cmocka_unit_test(wide_characters_are_never_cut),
		cmocka_unit_test(marks_stay_with_their_character),
		cmocka_unit_test(cuts_with_a_sign),
		cmocka_unit_test(aligns_right),
		cmocka_unit_test(wraps_at_blanks),
		cmocka_unit_test(ascii_tells_states_apart),
		cmocka_unit_test(parts_stay_inside),
		cmocka_unit_test(selection_keeps_what_is_said),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
