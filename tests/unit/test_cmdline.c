/* The command line's times, and what becomes of words that are no command. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cmdline.h"
#include "console_priv.h"
#include "ui/key.h"

static int64_t
at(const char *text)
{
	int64_t ns;

	assert_int_equal(clock_parse(text, &ns, NULL), 0);
	return ns;
}

static void
test_times(void **state)
{
	static const struct {
		const char *text, *expected;
	} good[] = {
		{ "02:10", "2030-01-01T02:10:00Z" }, { "02:10:30", "2030-01-01T02:10:30Z" },
		{ "02:10:30.5", "2030-01-01T02:10:30.5Z" }, { "02:10:30.0000000019", "2030-01-01T02:10:30.000000001Z" },
		{ "02:29", "2029-12-31T02:29:00Z" },	/* later than now: yesterday's */
		{ "02:28:32", "2030-01-01T02:28:32Z" }, { "-18m", "2030-01-01T02:10:32Z" }, { "now", "2030-01-01T02:28:32Z" }, { "-1h30m", "2030-01-01T00:58:32Z" },
		{ "2029-12-24T18:00:00Z", "2029-12-24T18:00:00Z" }, { "2029-12-24T18:00:00+02:00", "2029-12-24T16:00:00Z" },
	};
	static const char *const bad[] = { "", "noon", "24:00", "02:60", "02:10:60", "02:10:30.", "02:10:30.5x", "02:10.5", "2:1x", "-", "-18", "18m", "02:10 ", "2029-12-24",
		"0001-01-01T00:00:00Z", "1700-01-01T00:00:00Z", "-290y" };
	int64_t now = at("2030-01-01T02:28:32Z"), ns;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(cmdline_time(good[i].text, now, &ns, &err), 0);
		assert_true(ns == at(good[i].expected));
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ns = 7;
		assert_int_equal(cmdline_time(bad[i], now, &ns, &err), ERR_SYNTAX);
		assert_true(ns == 7);
		assert_non_null(strstr(err.msg, "02:10"));	/* it says what would do */
	}
}

static struct op *
run_go(struct panel *p, const struct view *v, const char *arg)
{
	(void)p;
	(void)v;
	return op_text(OP_MESSAGE, "%s", arg == NULL ? "nothing" : arg);
}

static const struct command global[] = {
	{ "go", "g", CMD_ARG, run_go, "go" }, { "plain", NULL, 0, run_go, "no argument" }, { 0 } };
static const struct command things[] = {
	{ "ack", "a", CMD_WRITES, run_go, "write" }, { 0 } };
static const struct panel_ops panel_things = { .name = "things", .title = "Things", .commands = things };
static const struct panel_ops panel_other = { .name = "other", .title = "Other" };
static const struct panel_ops *const all[] = { &panel_things, &panel_other, NULL };

static void
check(const struct panel_ops *focus, bool is_read_only, bool is_live, const char *text, enum op_kind kind, const char *expected)
{
	struct keymap *km = keymap_new(global, all, NULL, 0, NULL, NULL);
	struct panel p = { .ops = focus };
	struct view v = { .is_read_only = is_read_only, .range = { .is_live = is_live } };
	struct op *op = cmdline_run(km, &p, &v, text);

	assert_non_null(op);
	assert_int_equal(op->kind, kind);
	if (strstr(op->text, expected) == NULL)
		fail_msg("'%s' does not say '%s' but '%s'", text, expected, op->text);
	op_free(op);
	keymap_free(km);
}

static void
test_words(void **state)
{
	(void)state;
	check(&panel_things, false, true, "go", OP_MESSAGE, "nothing");
	check(&panel_things, false, true, "  go  rate(x[5m]) > 1 ", OP_MESSAGE, "rate(x[5m]) > 1 ");
	check(&panel_things, false, true, "plain", OP_MESSAGE, "nothing");
	check(&panel_things, false, true, "plain x", OP_ERROR, "takes nothing behind it");
	check(&panel_things, false, true, "ack", OP_MESSAGE, "nothing");
	check(&panel_things, true, true, "ack", OP_ERROR, "read-only");
	check(&panel_things, false, false, "ack", OP_ERROR, "past");
	check(&panel_other, false, true, "things.ack", OP_ERROR, "go there first");
	check(&panel_other, false, true, "ack", OP_ERROR, "ack belongs to the things panel: go there first");
	check(&panel_things, false, true, "palin", OP_ERROR, "did you mean 'plain'?");
	check(&panel_things, false, true, "\033[2J", OP_ERROR, "no command '\\x1B[2J'");
}

static void
on_clash(size_t i, const char *sentence, void *arg)
{
	(void)arg;
	fail_msg("%zu: %s", i, sentence);
}

/* No two commands of the console want the same key in the same place, and every key is one. */
static void
test_real_tables(void **state)
{
	struct keymap *km = keymap_new(console_commands, panels, NULL, 0, on_clash, NULL);

	(void)state;
	assert_true(keymap_n(km) > 30);
	for (size_t i = 0; i < keymap_n(km); i++) {
		const struct keymap_row *row = keymap_row(km, i);

		if (row->command->key != NULL)
			assert_int_not_equal(row->key, KEY_NONE);
		assert_non_null(row->command->help);
	}
	keymap_free(km);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_real_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
