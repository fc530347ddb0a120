/* Themes: what a role looks like, what is wrong with a file, and what is left of colours on poorer terminals. */
#include "config.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ui/term_colour.h"
#include "ui/theme.h"

#ifndef SRCDIR
#define SRCDIR "."
#endif

static int
load_text(const char *text, struct theme *t, struct err *err)
{
	char path[] = "/tmp/test-theme-XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	r = theme_load(path, t, err);
	unlink(path);
	return r;
}

static void
roles_have_names(void **state)
{
	(void)state;
	for (int i = 0; i < ROLES; i++)
		assert_int_equal(role_find(role_name((enum role)i)), i);
	assert_string_equal(role_name(ROLE_ALERT_FIRING), "alert.firing");
	assert_int_equal(role_find("alert.fireing"), -1);
}

static void
reads_palette_and_roles(void **state)
{
	struct theme t;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(load_text("palette: { hot: \"#d7005f\" }\n"
	    "roles:\n"
	    "  critical: { fg: hot, bold: true }\n"
	    "  text: { bg: bright-black }\n"
	    "  selected: { bg: \"#102030\", underline: true }\n", &t, &err), 0);
	assert_int_equal(t.looks[ROLE_CRITICAL].fg, 0xd7005f);
	assert_true(t.looks[ROLE_CRITICAL].is_bold);
	/* Left out: as the parent, through as many as it takes. */
	assert_memory_equal(&t.looks[ROLE_ALERT_FIRING], &t.looks[ROLE_CRITICAL], sizeof t.looks[0]);
	assert_int_equal(t.looks[ROLE_GRAPH_OBJECTIVE].bg, COLOUR_ANSI + 8);
	assert_int_equal(t.looks[ROLE_GRAPH_OBJECTIVE].fg, COLOUR_DEFAULT);
	assert_int_equal(t.selected.bg, 0x102030);
	assert_true(t.selected.is_underline);
}

static void
says_what_is_wrong_and_where(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "roles:\n  alert.fireing: { fg: red }\n", ":2:3: there is no role \"alert.fireing\"; did you mean \"alert.firing\"?" },
		{ "roles:\n  ok: { fg: gren }\n", ":2:13: there is no colour \"gren\"; did you mean \"green\"?" },
		{ "palette: { hot: red }\nroles:\n  ok: { fg: hott }\n", ":3:13: there is no colour \"hott\"; did you mean \"hot\"?" },
		{ "roles:\n  ok: { fg: \"#12345\" }\n", ":2:13: expected six hexadecimal digits" },
		{ "roles:\n  ok: { blod: true }\n", ":2:9: there is no member of a look \"blod\"; did you mean \"bold\"?" },
		{ "roles:\n  ok: { bold: yes }\n", ":2:15: expected true or false" },
		{ "roles:\n  ok: red\n", ":2:7: expected a look" },
		{ "role: {}\n", "there is no member of a theme \"role\"; did you mean \"roles\"?" },
		{ "palette: {}\n", "expected roles" },
		{ "", "expected one document" },
		{ "- a\n", "expected a map" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct theme t = { .selected = { .fg = 4711 } };
		struct err err = ERR_INIT;

		assert_int_equal(load_text(cases[i].text, &t, &err), ERR_INVALID);
		if (strstr(err.msg, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].text, err.msg);
		assert_int_equal(t.selected.fg, 4711);	/* untouched */
	}
}

/* States must differ on every terminal, and so must the text of a selected row from its background. */
static void
shipped_themes_tell_states_apart(void **state)
{
	static const char *const names[] = { "dark", "light", "high-contrast" };
	static const enum role apart[] = { ROLE_TEXT, ROLE_OK, ROLE_ALERT_FIRING, ROLE_WARNING, ROLE_UNKNOWN };
	static const int colours[] = { 256, 16, 8 };
	enum { N = sizeof apart / sizeof apart[0] };

	(void)state;
	for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
		struct err err = ERR_INIT;
		struct theme t;
		char path[512];

		snprintf(path, sizeof path, "%s/themes/%s.yaml", SRCDIR, names[n]);
		if (theme_load(path, &t, &err) < 0)
			fail_msg("%s", err.msg);
		for (size_t c = 0; c < sizeof colours / sizeof colours[0]; c++) {
			struct look looks[N];

			for (size_t i = 0; i < N; i++) {
				looks[i] = colour_fit(&t.looks[apart[i]], colours[c]);
				for (size_t j = 0; j < i; j++)
					if (memcmp(&looks[i], &looks[j], sizeof looks[i]) == 0)
						fail_msg("%s: %s and %s look the same with %d colours", names[n], role_name(apart[i]), role_name(apart[j]), colours[c]);
			}
			for (int i = 0; i < ROLES; i++) {
				struct look look = colour_fit(&t.looks[i], colours[c]), over = colour_fit(&t.selected, colours[c]);

				look = colour_select(&look, &over, colours[c]);
				if (look.fg >= 0 && look.fg == look.bg)
					fail_msg("%s: selected %s cannot be read with %d colours", names[n], role_name((enum role)i), colours[c]);
			}
		}
	}
}

static void
colours_fit_the_terminal(void **state)
{
	static const struct {
		int colour, at_256, at_16, at_8;
		bool is_bold_at_8;
	} cases[] = {
		{ 0xff5f5f, 203, 9, 1, true }, { 0xaf0000, 124, 1, 1, false }, { 0x87d787, 114, 10, 2, true }, { 0x000000, 16, 0, 0, false },
		{ 0xffffff, 231, 15, 7, true }, { 0x9e9e9e, 247, 8, -1, false }, { 0x303030, 236, 8, -1, false }, { COLOUR_ANSI + 3, 3, 3, 3, false },
		{ COLOUR_DEFAULT, -1, -1, -1, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct look look = { .fg = cases[i].colour, .bg = COLOUR_DEFAULT };

		assert_int_equal(colour_fit(&look, 256).fg, cases[i].at_256);
		assert_int_equal(colour_fit(&look, 16).fg, cases[i].at_16);
		assert_int_equal(colour_fit(&look, 8).fg, cases[i].at_8);
		assert_int_equal(colour_fit(&look, 8).is_bold, cases[i].is_bold_at_8);
		assert_int_equal(colour_fit(&look, 0).fg, -1);
	}
}

static void
the_plain_theme_needs_no_colour(void **state)
{
	struct theme t;

	(void)state;
	theme_plain(&t);
	for (int i = 0; i < ROLES; i++)
		assert_true(t.looks[i].fg == COLOUR_DEFAULT && t.looks[i].bg == COLOUR_DEFAULT);
	assert_true(t.selected.is_reverse);
	assert_true(t.looks[ROLE_ALERT_FIRING].is_bold);
	assert_true(t.looks[ROLE_ALERT_SILENCED].is_dim);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_have_names),
		cmocka_unit_test(reads_palette_and_roles),
		cmocka_unit_test(says_what_is_wrong_and_where),
		cmocka_unit_test(shipped_themes_tell_states_apart),
		cmocka_unit_test(colours_fit_the_terminal),
		cmocka_unit_test(the_plain_theme_needs_no_colour),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
