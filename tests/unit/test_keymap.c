/* One list of keys: defaults, the user's own, and what help and hint bar make of it. */
#include "config.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ui/help.h"
#include "ui/key.h"
#include "ui/keymap.h"

static const struct command global[] = {
	{ "quit", "q", 0, NULL, "leave the console" },
	{ "help", "?", CMD_HINT, NULL, "show the keys" },
	{ "live", "L", 0, NULL, "go back to now" },
	{ "next", "j", CMD_HIDDEN, NULL, NULL },
	{ 0 }
};
static const struct command alert_commands[] = {
	{ "next", "j", 0, NULL, "move to the next alert" },
	{ "next", "Down", CMD_HIDDEN, NULL, NULL },
	{ "ack", "a", CMD_WRITES | CMD_HINT, NULL, "acknowledge the selected alert" },
	{ "group", "g", CMD_HINT, NULL, "group by another label" },
	{ "goto", NULL, CMD_ARG, NULL, "go to an alert by name" },
	{ 0 }
};
static const struct command source_commands[] = { { "refresh", "a", 0, NULL, "ask again now" }, { 0 } };

static const struct panel_ops alerts = { .name = "alerts", .title = "Alerts", .help = "What fires, and why.", .commands = alert_commands };
static const struct panel_ops sources = { .name = "sources", .title = "Sources", .help = "Who answers.", .commands = source_commands };
static const struct panel_ops *const both[] = { &alerts, &sources, NULL };

struct problems {
	size_t n, index;
	char text[400];
};

static void
on_problem(size_t index, const char *sentence, void *arg)
{
	struct problems *p = arg;

	p->n++;
	p->index = index;
	snprintf(p->text, sizeof p->text, "%s", sentence);
}

static struct keymap *
with(const struct keymap_override *v, size_t n, struct problems *p)
{
	*p = (struct problems){ 0 };
	return keymap_new(global, both, v, n, on_problem, p);
}

static const char *
name_at(const struct keymap *km, const struct panel_ops *panel, const char *key)
{
	const struct keymap_row *row = keymap_lookup(km, panel, key_parse(key));

	return row != NULL ? row->command->name : "-";
}

static void
the_focused_panel_comes_first(void **state)
{
	struct problems p;
	struct keymap *km = with(NULL, 0, &p);

	(void)state;
	assert_int_equal(p.n, 0);
	assert_string_equal(name_at(km, &alerts, "a"), "ack");
	assert_string_equal(name_at(km, &sources, "a"), "refresh");
	assert_string_equal(name_at(km, NULL, "a"), "-");
	assert_string_equal(name_at(km, &alerts, "q"), "quit");
	assert_string_equal(name_at(km, &alerts, "Down"), "next");
	assert_ptr_equal(keymap_lookup(km, &alerts, key_parse("j"))->panel, &alerts);
	assert_null(keymap_lookup(km, &alerts, KEY_NONE));
	keymap_free(km);
}

static void
users_keys_win_or_are_explained(void **state)
{
	static const struct {
		const char *command, *key, *says;
	} cases[] = {
		{ "alerts.akc", "A", "no command is called \"alerts.akc\"; did you mean \"alerts.ack\"?" },
		{ "alerts.ack", "q", "alerts.ack: key q is already global.quit" }, { "alerts.ack", "g", "alerts.ack: key g is already alerts.group" },
		{ "alerts.ack", "Hyper-x", "\"Hyper-x\" names no key" }, { "global.live", "a", "global.live: key a is already alerts.ack" },
		{ "ack", "A", "no command is called \"ack\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct keymap_override v = { cases[i].command, cases[i].key };
		struct problems p;
		struct keymap *km = with(&v, 1, &p);

		assert_int_equal(p.n, 1);
		assert_int_equal(p.index, 0);
		if (strstr(p.text, cases[i].says) == NULL)
			fail_msg("%s", p.text);
		assert_string_equal(name_at(km, &alerts, "a"), "ack");	/* the default stays */
		assert_string_equal(name_at(km, &alerts, "L"), "live");
		keymap_free(km);
	}
}

static void
keys_can_be_swapped_and_taken(void **state)
{
	static const struct keymap_override v[] = {
		{ "alerts.ack", "g" }, { "alerts.group", "a" }, { "global.live", "none" }, { "alerts.goto", "Down" },
	};
	struct problems p;
	struct keymap *km = with(v, 4, &p);

	(void)state;
	assert_int_equal(p.n, 0);
	assert_string_equal(name_at(km, &alerts, "g"), "ack");
	assert_string_equal(name_at(km, &alerts, "a"), "group");
	assert_string_equal(name_at(km, &alerts, "L"), "-");
	assert_string_equal(name_at(km, &alerts, "Down"), "goto");	/* a second key gives way */
	assert_string_equal(name_at(km, &alerts, "j"), "next");
	keymap_free(km);
}

static void
clashing_defaults_are_our_bug(void **state)
{
	static const struct command bad[] = { { "a", "x", 0, NULL, "" }, { "b", "x", 0, NULL, "" }, { "c", "Hyper", 0, NULL, "" }, { 0 } };
	struct problems p = { 0 };
	struct keymap *km = keymap_new(bad, NULL, NULL, 0, on_problem, &p);

	(void)state;
	assert_int_equal(p.n, 2);
	keymap_free(km);
}

static void
names_are_found_and_completed(void **state)
{
	const char *names[8];
	struct problems p;
	struct keymap *km = with(NULL, 0, &p);

	(void)state;
	assert_ptr_equal(keymap_find(km, &alerts, "ack")->command, &alert_commands[2]);
	assert_ptr_equal(keymap_find(km, NULL, "alerts.ack")->command, &alert_commands[2]);
	assert_null(keymap_find(km, &sources, "ack"));
	assert_ptr_equal(keymap_find(km, &sources, "quit")->command, &global[0]);
	assert_string_equal(keymap_nearest(km, &alerts, "qiut"), "quit");
	assert_int_equal(keymap_complete(km, &alerts, "g", names, 8), 2);
	assert_string_equal(names[0], "goto");
	assert_string_equal(names[1], "group");
	assert_int_equal(keymap_complete(km, &sources, "alerts.", names, 1), 4);
	assert_string_equal(names[0], "alerts.ack");
	assert_int_equal(keymap_complete(km, &alerts, "zz", names, 8), 0);
	keymap_free(km);
}

static void
hints_fit_their_room(void **state)
{
	static const struct {
		int w;
		bool is_read_only;
		const char *seen;
	} cases[] = {
		{ 40, false, "a ack  g group  ? help\n" }, { 40, true, "g group  ? help\n" }, { 14, false, "a ack  ? help\n" },
		{ 13, false, "a ack  ? help\n" }, { 12, false, "? help\n" }, { 4, false, "\n" },
	};
	const struct panel panel = { .ops = &alerts };
	struct problems p;
	struct keymap *km = with(NULL, 0, &p);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct grid *g = grid_new(40, 1, false);
		struct canvas c = grid_canvas(g);
		struct buf b;

		buf_init(&b, 1000);
		keymap_hints(km, &panel, cases[i].is_read_only, &c, 0, 0, cases[i].w);
		grid_dump(g, &b);
		assert_string_equal(b.data, cases[i].seen);
		buf_done(&b);
		grid_free(g);
	}
	keymap_free(km);
}

/* Of the commands the ones that start with g, and those under other names. */
static const char *
hint_of_g(const struct panel *p, const struct command *c)
{
	(void)p;
	return c->name[0] == 'g' ? "G!" : NULL;
}

static void
a_panel_may_choose_its_hints(void **state)
{
	const struct panel_ops ops = { .name = "x", .commands = alert_commands, .hint = hint_of_g }, *const list[] = { &ops, NULL };
	const struct panel panel = { .ops = &ops };
	struct problems p = { 0 };
	struct keymap *km = keymap_new(global, list, NULL, 0, on_problem, &p);
	struct grid *g = grid_new(40, 1, false);
	struct canvas c = grid_canvas(g);
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	keymap_hints(km, &panel, false, &c, 0, 0, 40);
	grid_dump(g, &b);
	assert_string_equal(b.data, "g G!  ? help\n");
	buf_reset(&b);
	grid_clear(g);
	keymap_hints(km, NULL, false, &c, 0, 0, 40);
	grid_dump(g, &b);
	assert_string_equal(b.data, "? help\n");
	buf_done(&b);
	grid_free(g);
	keymap_free(km);
}

static struct op *
nothing(struct panel *p)
{
	(void)p;
	return NULL;
}

/* A panel that filters as one types offers that first. */
static void
the_filter_may_come_first(void **state)
{
	static const struct command all[] = { { "help", "?", CMD_HINT, NULL, "explain" }, { "filter", "/", CMD_HINT, NULL, "filter" }, { 0 } };
	const struct panel_ops ops = { .name = "x", .commands = alert_commands, .filtered = nothing }, *const list[] = { &ops, NULL };
	const struct panel panel = { .ops = &ops };
	struct problems p = { 0 };
	struct keymap *km = keymap_new(all, list, NULL, 0, on_problem, &p);
	struct grid *g = grid_new(40, 1, false);
	struct canvas c = grid_canvas(g);
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	keymap_hints(km, &panel, false, &c, 0, 0, 40);
	grid_dump(g, &b);
	assert_string_equal(b.data, "/ filter  a ack  g group  ? help\n");
	buf_done(&b);
	grid_free(g);
	keymap_free(km);
}

static void
help_is_the_keymap(void **state)
{
	static const struct keymap_override v = { "alerts.ack", "C-a" };
	struct problems p;
	struct keymap *km = with(&v, 1, &p);
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	help_text(km, &alerts, true, 100, &b);
	assert_string_equal(b.data,
	    "Alerts: What fires, and why.\n"
	    "  j, Down        next                 move to the next alert\n"
	    "  C-a            ack                  acknowledge the selected alert (off: read-only)\n"
	    "  g              group                group by another label\n"
	    "                 goto ...             go to an alert by name\n"
	    "\n"
	    "Everywhere\n"
	    "  q              quit                 leave the console\n"
	    "  ?              help                 show the keys\n"
	    "  L              live                 go back to now\n"
	    "\n"
	    "Sources: Who answers.\n"
	    "  a              refresh              ask again now\n");
	buf_reset(&b);
	/* Nothing is cut: what is long goes on below where it began. */
	help_text(km, &alerts, true, 50, &b);
	assert_non_null(strstr(b.data, "  C-a            acknowledge the selected alert\n                 (off: read-only)\n"));
	buf_reset(&b);
	help_text(km, &alerts, true, 22, &b);
	assert_non_null(strstr(b.data, "Alerts: What fires,\n        and why.\n"));
	assert_non_null(strstr(b.data, "\n  C-a            acknowledge\n           the\n"));
	buf_reset(&b);
	help_text(km, NULL, false, 60, &b);
	assert_non_null(strstr(b.data, "  C-a            acknowledge the selected alert\n"));
	buf_done(&b);
	keymap_free(km);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_focused_panel_comes_first),
		cmocka_unit_test(users_keys_win_or_are_explained),
		cmocka_unit_test(keys_can_be_swapped_and_taken),
		cmocka_unit_test(clashing_defaults_are_our_bug),
		cmocka_unit_test(names_are_found_and_completed),
		cmocka_unit_test(hints_fit_their_room),
		cmocka_unit_test(a_panel_may_choose_its_hints),
		cmocka_unit_test(the_filter_may_come_first),
		cmocka_unit_test(help_is_the_keymap),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
