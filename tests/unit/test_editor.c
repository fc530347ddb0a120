/* One line of text: readline's keys, whole characters, and pastes that cannot press Enter. */
#include "config.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ui/key.h"
#include "ui/widget.h"

/* keys as key_parse() names, parted by blanks; "text|" shows where the cursor stands. */
static void
type(struct editor *e, const char *keys)
{
	char copy[256], *save = NULL;

	strcpy(copy, keys);
	for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
		assert_true(editor_key(e, key_parse(word)));
}

static void
assert_editor(const struct editor *e, const char *expected)
{
	char text[EDITOR_MAX + 2];

	memcpy(text, e->text, e->at);
	strcpy(text + e->at, "|");
	strcat(text, e->text + e->at);
	assert_string_equal(text, expected);
	assert_int_equal(e->len, strlen(e->text));
}

static void
edits_as_readline_does(void **state)
{
	static const struct {
		const char *text, *keys, *result;
	} cases[] = {
		{ "", "a b Space c", "ab c|" }, { "abc", "Left Left x", "ax|bc" }, { "abc", "Home Del", "|bc" }, { "abc", "C-a C-d C-e x", "bcx|" },
		{ "abc", "Backspace C-h", "a|" }, { "up{job=\"a b\"} > 1", "C-w", "up{job=\"a b\"} > |" }, { "one two", "M-b C-k", "one |" },
		{ "one two", "C-u x", "x|" }, { "one two", "Home M-f", "one| two" }, { "one two", "Home M-d", "| two" }, { "a.b", "M-Backspace", "a.|" },
		{ "äö", "Backspace", "ä|" }, { "äö", "Left Left Del", "|ö" }, { "e\xcc\x81x", "Left Backspace", "|x" }, { "", "Backspace Left Del C-w", "|" },
		{ "日本", "Left x", "日x|本" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct editor e = { .len = 0 };

		editor_set(&e, cases[i].text);
		type(&e, cases[i].keys);
		assert_editor(&e, cases[i].result);
	}
}

static void
leaves_other_keys_alone(void **state)
{
	static const char *const keys[] = { "Enter", "Esc", "Up", "Down", "Tab", "C-c", "C-l", "F1", "M-x", "PgUp" };
	struct editor e = { .len = 0 };

	(void)state;
	editor_set(&e, "abc");
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		assert_false(editor_key(&e, key_parse(keys[i])));
	assert_false(editor_key(&e, 0x202e));
	assert_editor(&e, "abc|");
}

static void
pastes_cannot_press_enter(void **state)
{
	static const int pasted[] = { KEY_PASTE_BEGIN, 'a', KEY_ENTER_, 'b', KEY_TAB, KEY_CTRL | 'c', 0x202e, KEY_ESC, KEY_UP_, 'c', KEY_PASTE_END };
	struct editor e = { .len = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof pasted / sizeof pasted[0]; i++)
		assert_true(editor_key(&e, pasted[i]));
	assert_editor(&e, "a b   c|");
	assert_false(e.is_pasting);
	assert_false(editor_key(&e, KEY_ENTER_));
}

static void
stops_at_its_end(void **state)
{
	static char text[2 * EDITOR_MAX];
	struct editor e = { .len = 0 };

	(void)state;
	memset(text, 'x', sizeof text - 1);
	editor_set(&e, text);
	assert_int_equal(e.len, EDITOR_MAX - 1);
	assert_true(editor_key(&e, 0xe4));
	assert_int_equal(e.len, EDITOR_MAX - 1);
	editor_set(&e, "good\033bad");
	assert_editor(&e, "good|");
}

static void
keeps_the_cursor_in_sight(void **state)
{
	struct grid *g = grid_new(8, 1, false);
	struct canvas c = grid_canvas(g);
	struct editor e = { .len = 0 };
	struct buf b;
	int x, y;

	(void)state;
	buf_init(&b, 1000);
	editor_set(&e, "abcdefghij");
	editor_draw(&c, 1, 0, 6, &e, true);
	grid_dump(g, &b);
	assert_string_equal(b.data, " …ghij\n");
	grid_cursor(g, &x, &y);
	assert_int_equal(x, 6);
	editor_key(&e, KEY_HOME_);
	editor_draw(&c, 1, 0, 6, &e, true);
	buf_reset(&b);
	grid_dump(g, &b);
	assert_string_equal(b.data, " abcde…\n");
	grid_cursor(g, &x, &y);
	assert_int_equal(x, 1);
	buf_done(&b);
	grid_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edits_as_readline_does),
		cmocka_unit_test(leaves_other_keys_alone),
		cmocka_unit_test(pastes_cannot_press_enter),
		cmocka_unit_test(stops_at_its_end),
		cmocka_unit_test(keeps_the_cursor_in_sight),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
