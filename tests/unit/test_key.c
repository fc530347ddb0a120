/* Bytes of terminals become keys, however they are cut; names are read and written. */
#include "config.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ui/key.h"

enum { MAX = 32 };

static const struct {
	const char *bytes;
	size_t len;
	int keys[4];	/* KEY_NONE ends */
} sequences[] = {
#define S(bytes, ...) { bytes, sizeof bytes - 1, { __VA_ARGS__ } }
	S("a", 'a'), S("A", 'A'), S(" ", ' '), S("\xc3\xa4", 0xe4), S("\xe2\x82\xac", 0x20ac), S("\xf0\x9f\x98\x80", 0x1f600),
	S("\x01", KEY_CTRL | 'a'), S("\x1a", KEY_CTRL | 'z'), S("\0", KEY_CTRL | ' '), S("\x1c", KEY_CTRL | '\\'), S("\x1f", KEY_CTRL | '_'),
	S("\r", KEY_ENTER_), S("\n", KEY_ENTER_), S("\t", KEY_TAB), S("\x7f", KEY_BACKSPACE_), S("\x08", KEY_CTRL | 'h'),
	S("\033", KEY_ESC), S("\033\033", KEY_ESC, KEY_ESC), S("\033a", KEY_ALT | 'a'), S("\033\x01", KEY_ALT | KEY_CTRL | 'a'),
	S("\033\xc3\xa4", KEY_ALT | 0xe4), S("\033\x7f", KEY_ALT | KEY_BACKSPACE_), S("\033\r", KEY_ALT | KEY_ENTER_),
	S("\033[", KEY_ALT | '['), S("\033O", KEY_ALT | 'O'), S("\033]", KEY_ALT | ']'), S("\033P", KEY_ALT | 'P'),
	S("\033[A", KEY_UP_), S("\033[B", KEY_DOWN_), S("\033[C", KEY_RIGHT_), S("\033[D", KEY_LEFT_), S("\033[H", KEY_HOME_),
	S("\033[F", KEY_END_), S("\033OA", KEY_UP_), S("\033OH", KEY_HOME_), S("\033OP", KEY_F1), S("\033OM", KEY_ENTER_),
	S("\033[1~", KEY_HOME_), S("\033[2~", KEY_INS), S("\033[3~", KEY_DEL), S("\033[4~", KEY_END_), S("\033[5~", KEY_PGUP),
	S("\033[6~", KEY_PGDN), S("\033[15~", KEY_F5), S("\033[24~", KEY_F12), S("\033[Z", KEY_BACKTAB),
	S("\033[1;5C", KEY_CTRL | KEY_RIGHT_), S("\033[1;2A", KEY_SHIFT | KEY_UP_), S("\033[1;3D", KEY_ALT | KEY_LEFT_),
	S("\033[1;8B", KEY_CTRL | KEY_ALT | KEY_SHIFT | KEY_DOWN_), S("\033[1;5P", KEY_CTRL | KEY_F1), S("\033[3;5~", KEY_CTRL | KEY_DEL),
	S("\033[15;2~", KEY_SHIFT | KEY_F5), S("\033O5C", KEY_CTRL | KEY_RIGHT_), S("\033Oc", KEY_CTRL | KEY_RIGHT_),
	S("\033[a", KEY_SHIFT | KEY_UP_), S("\033[3^", KEY_CTRL | KEY_DEL), S("\033\033[A", KEY_ALT | KEY_UP_), S("\033\033OB", KEY_ALT | KEY_DOWN_),
	S("\033[[A", KEY_F1), S("\033[[E", KEY_F5), S("\033[[F", KEY_UNKNOWN_),
	S("\033[97;5u", KEY_CTRL | 'a'), S("\033[65;5u", KEY_CTRL | 'a'), S("\033[97;2u", 'A'), S("\033[9;2u", KEY_BACKTAB),
	S("\033[13;5u", KEY_CTRL | KEY_ENTER_), S("\033[27u", KEY_ESC), S("\033[27;5;105~", KEY_TAB), S("\033[57441u", KEY_UNKNOWN_),
	S("\033[2097153u", KEY_UNKNOWN_), S("\033[0u", KEY_UNKNOWN_), S("\033[99999999999999999999u", KEY_UNKNOWN_),
	S("\033[200~x\033[201~", KEY_PASTE_BEGIN, 'x', KEY_PASTE_END), S("\033[I", KEY_FOCUS_IN), S("\033[O", KEY_FOCUS_OUT),
	S("\033[?2026;2$y", KEY_UNKNOWN_), S("\033[99~", KEY_UNKNOWN_), S("\033[1;5x", KEY_UNKNOWN_), S("\033[1;5", KEY_UNKNOWN_),
	S("\033[1\033[A", KEY_UNKNOWN_, KEY_UP_), S("\033[1;2;3;4;5;6A", KEY_SHIFT | KEY_UP_),
	S("\033]11;rgb:0000/0000/0000\033\\q", 'q'), S("\033]11;rgb:0000/0000/0000\aq", 'q'), S("\033P1+r524742=38\033\\q", 'q'),
	S("\xff", KEY_UNKNOWN_), S("\xc3", KEY_UNKNOWN_), S("\xc3" "a", KEY_UNKNOWN_, 'a'), S("\xed\xa0\x80", KEY_UNKNOWN_, KEY_UNKNOWN_, KEY_UNKNOWN_),
	S("jk", 'j', 'k'), S("\033[Bq", KEY_DOWN_, 'q'),
#undef S
};

static int
take_all(struct key_reader *k, bool is_final, int *keys, int n)
{
	while (n < MAX && key_take(k, is_final, &keys[n]))
		n++;
	return n;
}

/* Put the bytes in two parts, as reads may bring them; only then nothing more comes. */
static void
check_split(size_t i, size_t cut)
{
	struct key_reader k = { .n = 0 };
	int keys[MAX] = { KEY_NONE }, n = 0, want = 0;

	assert_int_equal(key_put(&k, sequences[i].bytes, cut), cut);
	n = take_all(&k, false, keys, n);
	assert_int_equal(key_put(&k, sequences[i].bytes + cut, sequences[i].len - cut), sequences[i].len - cut);
	n = take_all(&k, false, keys, n);
	n = take_all(&k, true, keys, n);
	while (want < 4 && sequences[i].keys[want] != KEY_NONE)
		want++;
	if (n != want || memcmp(keys, sequences[i].keys, (size_t)n * sizeof *keys) != 0)
		fail_msg("sequence %zu (ESC%s) cut at %zu: %d keys, first %#x, not %d, first %#x", i, sequences[i].bytes + 1, cut, n,
		    (unsigned)keys[0], want, (unsigned)sequences[i].keys[0]);
	assert_int_equal(k.n, 0);
}

static void
reads_sequences_however_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++)
		for (size_t cut = 0; cut <= sequences[i].len; cut++)
			check_split(i, cut);
}

static void
waits_for_what_may_follow(void **state)
{
	struct key_reader k = { .n = 0 };
	int key;

	(void)state;
	key_put(&k, "\033", 1);
	assert_false(key_take(&k, false, &key));
	key_put(&k, "[", 1);
	assert_false(key_take(&k, false, &key));
	key_put(&k, "A", 1);
	assert_true(key_take(&k, false, &key));
	assert_int_equal(key, KEY_UP_);
	assert_false(key_take(&k, true, &key));
}

static void
endless_sequences_end(void **state)
{
	struct key_reader k = { .n = 0 };
	char bytes[300];
	size_t at = 0;
	int key, n = 0;

	(void)state;
	memset(bytes, ';', sizeof bytes);
	memcpy(bytes, "\033[", 2);
	while (at < sizeof bytes) {
		size_t took = key_put(&k, bytes + at, sizeof bytes - at);

		assert_true(took > 0);
		at += took;
		while (key_take(&k, false, &key))
			n++;
	}
	assert_true(n > 0);
}

static void
an_answer_that_never_ends_swallows_nobody(void **state)
{
	struct key_reader k = { .n = 0 };
	int key;

	(void)state;
	key_put(&k, "\033]11;rgb", 8);
	assert_false(key_take(&k, false, &key));
	assert_false(key_take(&k, true, &key));
	key_put(&k, "q", 1);
	assert_true(key_take(&k, false, &key));
	assert_int_equal(key, 'q');
}

static void
terminfo_wins(void **state)
{
	static const struct key_seq seqs[] = { { "\033[[weird", KEY_F7 }, { "\b", KEY_BACKSPACE_ }, { "\033[A", KEY_PGUP }, { "", KEY_F1 } };
	struct key_reader k = { .seqs = seqs, .n_seqs = 4 };
	int key;

	(void)state;
	key_put(&k, "\033[[we", 5);
	assert_false(key_take(&k, false, &key));
	key_put(&k, "ird\b\033[A", 7);
	assert_true(key_take(&k, false, &key));
	assert_int_equal(key, KEY_F7);
	assert_true(key_take(&k, false, &key));
	assert_int_equal(key, KEY_BACKSPACE_);
	assert_true(key_take(&k, false, &key));
	assert_int_equal(key, KEY_PGUP);
}

static void
names_are_read(void **state)
{
	static const struct {
		const char *text;
		int key;
	} cases[] = {
		{ "a", 'a' }, { "A", 'A' }, { "-", '-' }, { "ä", 0xe4 }, { "C-l", KEY_CTRL | 'l' }, { "C-L", KEY_CTRL | 'l' },
		{ "M-x", KEY_ALT | 'x' }, { "C-M-x", KEY_CTRL | KEY_ALT | 'x' }, { "F5", KEY_F5 }, { "f12", KEY_F12 }, { "Enter", KEY_ENTER_ },
		{ "esc", KEY_ESC }, { "Space", ' ' }, { "C-Space", KEY_CTRL | ' ' }, { "PgDn", KEY_PGDN }, { "S-Tab", KEY_BACKTAB },
		{ "C-i", KEY_TAB }, { "C-m", KEY_ENTER_ }, { "C-[", KEY_ESC }, { "S-a", 'A' }, { "S-Up", KEY_SHIFT | KEY_UP_ }, { "C--", KEY_CTRL | '-' },
		{ "", KEY_NONE }, { "ab", KEY_NONE }, { "F13", KEY_NONE }, { "X-a", KEY_NONE }, { "C-C-a", KEY_NONE }, { "\033", KEY_NONE },
		{ "\xff", KEY_NONE }, { "\xcc\x81", KEY_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (key_parse(cases[i].text) != cases[i].key)
			fail_msg("%s: %#x, not %#x", cases[i].text, (unsigned)key_parse(cases[i].text), (unsigned)cases[i].key);
}

static void
names_come_back(void **state)
{
	static const char *const names[] = { "a", "A", "Space", "C-l", "M-x", "C-M-x", "F5", "Enter", "Esc", "PgDn", "BackTab", "S-Up", "C-M-S-F12", "ä", "-" };
	char buf[KEY_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_string_equal(key_format(buf, key_parse(names[i])), names[i]);
	assert_string_equal(key_format(buf, KEY_UNKNOWN_), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_sequences_however_cut),
		cmocka_unit_test(waits_for_what_may_follow),
		cmocka_unit_test(endless_sequences_end),
		cmocka_unit_test(an_answer_that_never_ends_swallows_nobody),
		cmocka_unit_test(terminfo_wins),
		cmocka_unit_test(names_are_read),
		cmocka_unit_test(names_come_back),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
