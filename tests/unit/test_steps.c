/* Steps: binding, the line for people, the hash; ssh, exec, notify, wait. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/secrets.h"
#include "base/xalloc.h"
#include "fakes/fake_ssh.h"
#include "fakes/fake_world.h"

#define NONCE "00112233445566778899aabbccddeeff"
static const struct act_start do_it = { .mode = ACT_DO, .nonce = NONCE };

static struct act
ssh_act(struct template **argv)
{
	return (struct act){ .kind = STEP_SSH, .argv = argv, .timeout_ns = 7 * NS_PER_S };
}

static void
assert_text(struct act *act, const struct bindings *b, const char *expected)
{
	struct bound *bound = world_bind(act, b);

	assert_string_equal(bound_text(bound), expected);
	bound_unref(bound);
}

static char *
hash_of(struct act *act, const struct bindings *b)
{
	struct bound *bound = world_bind(act, b);
	struct buf into;
	char *text;

	buf_init(&into, 1 << 20);
	bound_hash(bound, &into);
	text = buf_take(&into, NULL);
	buf_done(&into);
	bound_unref(bound);
	return text;
}

/* --- binding ------------------------------------------------------------------------------------ */

static void
test_ssh_text(void **state)
{
	struct test_values v = { { "model", "to" }, { "spam-filter", "6" } };
	struct bindings b = world_bindings(&v, "web-01");
	struct template *argv[] = { tpl("activate-model", PLACE_WORD), tpl("${model}", PLACE_WORD), tpl("${to}", PLACE_WORD), NULL };
	struct pair env[] = { { (char *)"MODE", tpl("x y", PLACE_ENV) } };
	struct act act = ssh_act(argv);

	(void)state;
	assert_text(&act, &b, "ssh web-01: activate-model spam-filter 6");
	act.become = (char *)"root";
	act.env = env;
	act.n_env = 1;
	assert_text(&act, &b, "ssh web-01: sudo -n -u root MODE='x y' activate-model spam-filter 6");
	act.script = (char *)"echo a\necho b\n";
	act.become = NULL;
	act.n_env = 0;
	assert_text(&act, &b, "ssh web-01: sh -s activate-model spam-filter 6 <<$'echo a\\necho b\\n'");
	act.script = (char *)"it='x'; rm $1";
	assert_text(&act, &b, "ssh web-01: sh -s activate-model spam-filter 6 <<'it='\\''x'\\''; rm $1'");
}

static void
test_words_are_shown_exactly(void **state)
{
	static const struct { const char *value, *shown; } cases[] = {
		{ "", "''" }, { "a b", "'a b'" }, { "$(reboot)", "'$(reboot)'" }, { "it's", "'it'\\''s'" },
		{ "a\nb", "$'a\\nb'" }, { "\x1b[31m", "$'\\033[31m'" }, { "q'\x01\\", "$'q\\'\\001\\\\'" }, { "\xff", "$'\\377'" },
		{ "\xc3\xa9", "'\xc3\xa9'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct test_values v = { { "x" }, { cases[i].value } };
		struct bindings b = world_bindings(&v, "h");
		struct template *argv[] = { tpl("p", PLACE_WORD), tpl("${x}", PLACE_WORD), NULL };
		struct act act = ssh_act(argv);
		char *expected = xasprintf("ssh h: p %s", cases[i].shown);

		assert_text(&act, &b, expected);
		free(expected);
	}
}

static unsigned
next_random(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

static char *
random_value(unsigned *seed)
{
	static const char hostile[] = "\"'\\`$(){};|&<>\n\r\t *?[]~#!%";
	size_t n = next_random(seed) % 40;
	char *v = xcalloc(n + 1, 1);

	for (size_t i = 0; i < n; i++)
		v[i] = (char)(next_random(seed) % 2 == 0 ? hostile[next_random(seed) % (sizeof hostile - 1)] : 1 + (int)(next_random(seed) % 255));
	return v;
}

/* Whatever a value holds, it is one word, one variable, one stdin: byte by byte. */
static void
test_words_hold_values_exactly(void **state)
{
	unsigned seed = 5;

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		char *value = random_value(&seed), *env_line = xasprintf("V=%s", value), *word = xasprintf("--x=%s.", value);
		struct test_values v = { { "x" }, { value } };
		struct bindings b = world_bindings(&v, "h");
		struct template *argv[] = { tpl("p", PLACE_WORD), tpl("${x}", PLACE_WORD), tpl("--x=${x}.", PLACE_WORD), NULL };
		struct pair env[] = { { (char *)"V", tpl("${x}", PLACE_ENV) } };
		struct act act = ssh_act(argv);
		struct err err = ERR_INIT;

		act.env = env;
		act.n_env = 1;
		act.in = tpl("${x}", PLACE_STDIN);
		fake_ssh_answer(world.ssh, &(struct fake_ssh_answer){ .host = "h", .outcome = SSH_EXITED });
		assert_int_equal(world_act(&act, &b, &do_it, &err), 0);
		assert_int_equal(told.outcome, OUTCOME_OK);
		assert_string_equal(fake_ssh_seen.argv[1], value);
		assert_string_equal(fake_ssh_seen.argv[2], word);
		assert_null(fake_ssh_seen.argv[3]);
		assert_string_equal(fake_ssh_seen.env[0], env_line);
		assert_string_equal(fake_ssh_seen.in, value);
		free(value);
		free(env_line);
		free(word);
		world_teardown(NULL);
		world_setup(NULL);
	}
}

static void
test_secrets_are_marks(void **state)
{
	struct test_values v = { { "secret_key" }, { "hunter2hunter2" } }, other = { { "secret_key" }, { "another-one" } };
	struct bindings b = world_bindings(&v, "h"), b2 = world_bindings(&other, "h");
	struct template *argv[] = { tpl("login", PLACE_WORD), NULL };
	struct act act = ssh_act(argv);
	struct err err = ERR_INIT;
	char *a, *c;

	(void)state;
	act.in = tpl("pw ${secret_key}", PLACE_STDIN);
	assert_text(&act, &b, "ssh h: login <<<'pw [secret secret_key]'");
	a = hash_of(&act, &b);
	c = hash_of(&act, &b2);
	assert_null(strstr(a, "hunter2"));
	assert_string_equal(a, c);
	fake_ssh_answer(world.ssh, &(struct fake_ssh_answer){ .host = "h", .outcome = SSH_EXITED });
	assert_int_equal(world_act(&act, &b, &do_it, &err), 0);
	assert_string_equal(fake_ssh_seen.in, "pw hunter2hunter2");
	free(a);
	free(c);
}

/* A value of an ordinary parameter that happens to hold a secret the program knows. */
static void
test_known_secrets_are_masked(void **state)
{
	struct test_values v = { { "x" }, { "my tops3cretvalue!" } };
	struct bindings b = world_bindings(&v, "h");
	struct template *argv[] = { tpl("p", PLACE_WORD), tpl("${x}", PLACE_WORD), NULL };
	struct act act = ssh_act(argv);

	(void)state;
	assert_int_equal(secrets_add("token", "tops3cretvalue", 14, NULL), 0);
	assert_text(&act, &b, "ssh h: p 'my [secret token]!'");
	secrets_wipe();
}

static void
test_hash_covers_what_decides(void **state)
{
	struct test_values v = { { "x" }, { "a" } };
	struct bindings b = world_bindings(&v, "h");
	struct template *argv[] = { tpl("p", PLACE_WORD), tpl("${x}", PLACE_WORD), NULL };
	struct template *joined[] = { tpl("p ${x}", PLACE_WORD), NULL };
	struct act act = ssh_act(argv), variants[5];
	char *first = hash_of(&act, &b), *again = hash_of(&act, &b);

	(void)state;
	assert_string_equal(first, again);
	for (size_t i = 0; i < 5; i++)
		variants[i] = act;
	variants[0].argv = joined;
	variants[1].timeout_ns++;
	variants[2].become = (char *)"root";
	variants[3].script = (char *)"true";
	variants[4].is_unsupervised = true;
	for (size_t i = 0; i < 5; i++) {
		char *other = hash_of(&variants[i], &b);

		assert_string_not_equal(first, other);
		free(other);
	}
	free(first);
	free(again);
}

static void
test_unknown_variable(void **state)
{
	struct bindings b = world_bindings(NULL, "h");
	struct template *argv[] = { tpl("${later}", PLACE_WORD), NULL };
	struct act act = ssh_act(argv);
	struct bound *bound = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(step_bind(&world, &act, &b, &bound, &err), ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "later"));
	assert_null(bound);
}

static void
test_kinds_that_are_not_run(void **state)
{
	struct bindings b = world_bindings(NULL, NULL);
	struct act ask = { .kind = STEP_CONFIRM, .text = tpl("go on?", PLACE_TEXT) }, action = { .kind = STEP_ACTION, .action = (char *)"drain" };
	struct template *argv[] = { tpl("p", PLACE_WORD), NULL };
	struct act no_host = ssh_act(argv);
	struct bound *bound;
	struct err err = ERR_INIT;

	(void)state;
	assert_text(&ask, &b, "ask: go on?");
	assert_int_equal(world_act(&ask, &b, &do_it, &err), ERR_UNSUPPORTED);
	assert_int_equal(step_bind(&world, &action, &b, &bound, &err), ERR_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "drain"));
	assert_int_equal(step_bind(&world, &no_host, &b, &bound, &err), ERR_INVALID);
}

/* --- ssh ---------------------------------------------------------------------------------------- */

static void
test_ssh_outcomes(void **state)
{
	static const struct {
		struct fake_ssh_answer answer;
		enum outcome outcome;
		bool is_not_begun;
		const char *text;
	} cases[] = {
		{ { .outcome = SSH_EXITED, .out = "\nactivated 6\nmore\n" }, OUTCOME_OK, false, "activated 6" },
		{ { .outcome = SSH_EXITED, .status = 3, .err_out = "first\nno model x\n" }, OUTCOME_FAILED, false, "exit 3: no model x" },
		{ { .outcome = SSH_EXITED, .status = 1, .out = "said on stdout\n" }, OUTCOME_FAILED, false, "exit 1: said on stdout" },
		{ { .outcome = SSH_EXITED, .status = -1, .signal = "KILL" }, OUTCOME_FAILED, false, "ended by signal KILL" },
		{ { .outcome = SSH_EXITED, .status = 1, .err_out = "\x1b[2Jx\n" }, OUTCOME_FAILED, false, "exit 1: \\x1B[2Jx" },
		{ { .outcome = SSH_NOT_RUN, .fail = SSH_FAIL_CONNECT, .why = "refused" }, OUTCOME_FAILED, true, "refused" },
		{ { .outcome = SSH_NOT_RUN, .fail = SSH_FAIL_CANCELLED, .why = "cancelled" }, OUTCOME_CANCELLED, true, "cancelled" },
		{ { .outcome = SSH_TIMED_OUT, .why = "too long" }, OUTCOME_FAILED, false, "too long" },
		{ { .outcome = SSH_CANCELLED, .why = "ended" }, OUTCOME_CANCELLED, false, "ended" },
		{ { .outcome = SSH_UNKNOWN, .why = "lost" }, OUTCOME_UNKNOWN, false, "lost" },
	};
	struct bindings b = world_bindings(NULL, "h");
	struct template *argv[] = { tpl("p", PLACE_WORD), NULL };
	struct act act = ssh_act(argv);
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fake_ssh_answer a = cases[i].answer;

		a.host = "h";
		fake_ssh_answer(world.ssh, &a);
		assert_int_equal(world_act(&act, &b, &do_it, &err), 0);
		assert_int_equal(told.outcome, cases[i].outcome);
		assert_int_equal(told.is_not_begun, cases[i].is_not_begun);
		assert_string_equal(told.text, cases[i].text);
		assert_true(told.outcome == OUTCOME_OK || told.why[0] != '\0');
	}
	assert_string_equal(fake_ssh_seen.nonce, NONCE);
	assert_string_equal(fake_ssh_seen.user, "ops");
	assert_int_equal(fake_ssh_seen.port, 2222);
	assert_true(fake_ssh_seen.timeout_ns == 7 * NS_PER_S);
	assert_false(fake_ssh_seen.is_read_only);
}

static void
test_ssh_read(void **state)
{
	struct bindings b = world_bindings(NULL, "h");
	struct template *argv[] = { tpl("active-model", PLACE_WORD), NULL };
	struct act act = ssh_act(argv);
	struct act_start read = { .mode = ACT_READ, .nonce = NONCE };
	struct err err = ERR_INIT;

	(void)state;
	fake_ssh_answer(world.ssh, &(struct fake_ssh_answer){ .host = "*", .outcome = SSH_EXITED, .out = "7\n", .err_out = "warn\n" });
	assert_int_equal(world_act(&act, &b, &read, &err), 0);
	assert_int_equal(told.outcome, OUTCOME_OK);
	assert_string_equal(told.previous, "7");
	assert_string_equal(told.output, "7\n!warn\n");
	assert_true(fake_ssh_seen.is_read_only);
	fake_ssh_answer(world.ssh, &(struct fake_ssh_answer){ .host = "*", .outcome = SSH_EXITED, .status = 1 });
	assert_int_equal(world_act(&act, &b, &read, &err), 0);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	assert_true(told.is_exited);
	assert_int_equal(told.status, 1);
	/* A read that was lost may simply be made again: nothing is unknown about the host. */
	fake_ssh_answer(world.ssh, &(struct fake_ssh_answer){ .host = "*", .outcome = SSH_UNKNOWN, .why = "lost" });
	assert_int_equal(world_act(&act, &b, &read, &err), 0);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	assert_false(told.is_exited);
}

static void
test_ssh_settle(void **state)
{
	struct bindings b = world_bindings(NULL, "h");
	struct template *argv[] = { tpl("p", PLACE_WORD), NULL };
	struct act act = ssh_act(argv);
	struct act_start settle = { .mode = ACT_SETTLE, .nonce = NONCE }, restore = { .mode = ACT_RESTORE, .nonce = NONCE, .previous = "x" };
	struct err err = ERR_INIT;

	(void)state;
	fake_ssh_answer(world.ssh, &(struct fake_ssh_answer){ .host = "*", .outcome = SSH_EXITED });
	assert_int_equal(world_act(&act, &b, &settle, &err), 0);
	assert_int_equal(told.outcome, OUTCOME_OK);
	assert_int_equal(fake_ssh_seen.n_settle, 1);
	assert_int_equal(fake_ssh_seen.n_exec, 0);
	assert_string_equal(fake_ssh_seen.nonce, NONCE);
	fake_ssh_answer(world.ssh, &(struct fake_ssh_answer){ .host = "*", .outcome = SSH_NOT_RUN, .why = "never started" });
	assert_int_equal(world_act(&act, &b, &settle, &err), 0);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	assert_true(told.is_not_begun);
	act.is_unsupervised = true;
	assert_int_equal(world_act(&act, &b, &settle, &err), 0);
	assert_int_equal(told.outcome, OUTCOME_UNKNOWN);
	assert_int_equal(world_act(&act, &b, &restore, &err), ERR_UNSUPPORTED);
}

static void
test_ssh_refused_at_once(void **state)
{
	struct bindings b = world_bindings(NULL, "h");
	struct template *argv[] = { tpl("p", PLACE_WORD), NULL };
	struct act act = ssh_act(argv);
	struct err err = ERR_INIT;

	(void)state;
	fake_ssh_refuse(world.ssh, ERR_INVALID, "bad nonce");
	assert_int_equal(world_act(&act, &b, &do_it, &err), ERR_INVALID);
	assert_string_equal(err.msg, "bad nonce");
}

static struct running *
begin(struct act *act, const struct bindings *b, enum act_mode mode)
{
	struct act_start s = { .mode = mode, .nonce = NONCE, .done = world_told };
	struct bound *bound = world_bind(act, b);
	struct running *r = NULL;
	struct err err = ERR_INIT;

	told = (struct told){ 0 };
	if (act_begin(&world, bound, &s, &r, &err) < 0)
		fail_msg("%s", err.msg);
	bound_unref(bound);
	return r;
}

static void
test_ssh_cancel_and_free(void **state)
{
	struct bindings b = world_bindings(NULL, "h");
	struct template *argv[] = { tpl("p", PLACE_WORD), NULL };
	struct act act = ssh_act(argv);
	struct running *r;

	(void)state;
	fake_ssh_answer(world.ssh, &(struct fake_ssh_answer){ .host = "*", .outcome = SSH_CANCELLED, .why = "ended", .waits = true });
	r = begin(&act, &b, ACT_DO);
	world_turns(3);
	assert_false(told.is_done);
	act_cancel(r);
	act_cancel(r);
	world_until(&told.is_done);
	assert_int_equal(told.outcome, OUTCOME_CANCELLED);
	assert_int_equal(fake_ssh_seen.n_cancel, 1);
	/* Freed while it runs: it goes on, and nobody is told. */
	fake_ssh_answer(world.ssh, &(struct fake_ssh_answer){ .host = "*", .outcome = SSH_EXITED, .out = "x" });
	r = begin(&act, &b, ACT_DO);
	act_free(r);
	world_turns(5);
	assert_false(told.is_done);
	assert_int_equal(fake_ssh_seen.n_cancel, 1);
}

/* --- exec --------------------------------------------------------------------------------------- */

static struct act
exec_act(struct template **argv)
{
	return (struct act){ .kind = STEP_EXEC, .argv = argv, .timeout_ns = 20 * NS_PER_S };
}

static void
test_exec(void **state)
{
	struct test_values v = { { "x" }, { "a'b $(true)" } };
	struct bindings b = world_bindings(&v, NULL);
	struct template *argv[] = { tpl("/bin/sh", PLACE_WORD), tpl("-c", PLACE_WORD), tpl("printf '%s|%s|' \"$1\" \"$V\"; cat; pwd", PLACE_WORD),
		tpl("sh", PLACE_WORD), tpl("${x}", PLACE_WORD), NULL };
	struct pair env[] = { { (char *)"V", tpl("e ${x}", PLACE_ENV) } };
	struct act act = exec_act(argv);
	struct err err = ERR_INIT;

	(void)state;
	act.env = env;
	act.n_env = 1;
	act.in = tpl("in\n", PLACE_STDIN);
	assert_int_equal(world_act(&act, &b, &do_it, &err), 0);
	assert_int_equal(told.outcome, OUTCOME_OK);
	assert_string_equal(told.output, "a'b $(true)|e a'b $(true)|in\n/\n");
	assert_string_equal(told.text, "a'b $(true)|e a'b $(true)|in");
}

static void
test_exec_failures(void **state)
{
	struct bindings b = world_bindings(NULL, NULL);
	struct template *failing[] = { tpl("/bin/sh", PLACE_WORD), tpl("-c", PLACE_WORD), tpl("echo why >&2; exit 4", PLACE_WORD), NULL };
	struct template *killed[] = { tpl("/bin/sh", PLACE_WORD), tpl("-c", PLACE_WORD), tpl("kill -9 $$", PLACE_WORD), NULL };
	struct template *stuck[] = { tpl("/bin/sh", PLACE_WORD), tpl("-c", PLACE_WORD), tpl("while :; do read x || exec tail -f /dev/null; done", PLACE_WORD), NULL };
	struct template *other[] = { tpl("rm", PLACE_WORD), NULL };
	struct act act = exec_act(failing);
	struct bound *bound;
	struct running *r;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(world_act(&act, &b, &do_it, &err), 0);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	assert_string_equal(told.text, "exit 4: why");
	act.argv = killed;
	assert_int_equal(world_act(&act, &b, &do_it, &err), 0);
	assert_int_equal(told.outcome, OUTCOME_UNKNOWN);
	assert_false(told.is_not_begun);
	act.argv = stuck;
	r = begin(&act, &b, ACT_DO);
	world_turns(20);
	act_cancel(r);
	world_until(&told.is_done);
	assert_int_equal(told.outcome, OUTCOME_UNKNOWN);
	assert_non_null(strstr(told.why, "cancelled"));
	act.argv = other;
	bound = world_bind(&act, &b);
	assert_int_equal(bound_check(&world, bound, &err), ERR_DENIED);
	assert_non_null(strstr(err.msg, "does not allow to run rm"));
	bound_unref(bound);
	assert_int_equal(world_act(&act, &b, &do_it, &err), ERR_DENIED);
}

static void
test_exec_timeout(void **state)
{
	struct bindings b = world_bindings(NULL, NULL);
	struct template *stuck[] = { tpl("/bin/sh", PLACE_WORD), tpl("-c", PLACE_WORD), tpl("exec tail -f /dev/null", PLACE_WORD), NULL };
	struct act act = exec_act(stuck);
	struct err err = ERR_INIT;

	(void)state;
	act.timeout_ns = 100 * NS_PER_MS;
	assert_int_equal(world_act(&act, &b, &do_it, &err), 0);
	assert_int_equal(told.outcome, OUTCOME_UNKNOWN);
	assert_non_null(strstr(told.why, "timeout"));
}

/* --- notify, wait ------------------------------------------------------------------------------- */

static void
test_notify(void **state)
{
	struct test_values v = { { "model" }, { "spam\x1b[2J" } };
	struct bindings b = world_bindings(&v, NULL);
	struct act act = { .kind = STEP_NOTIFY, .text = tpl("${model} is back", PLACE_TEXT), .contact = (char *)"secondary" };
	struct bound *bound;
	struct err err = ERR_INIT;

	(void)state;
	assert_text(&act, &b, "notify secondary, Bob (#ops): spam\\x1B[2J is back");
	assert_int_equal(world_act(&act, &b, &do_it, &err), 0);
	assert_int_equal(told.outcome, OUTCOME_OK);
	assert_string_equal(told.text, "Bob (#ops): spam\\x1B[2J is back");
	act.contact = (char *)"nobody";
	bound = world_bind(&act, &b);
	assert_int_equal(bound_check(&world, bound, &err), ERR_NOTFOUND);
	bound_unref(bound);
}

static void
test_wait(void **state)
{
	struct condition up = { .kind = COND_PROMQL, .subject = tpl("up", PLACE_PROMQL), .compare = CMP_EQ, .number = 1, .within_ns = 10 * NS_PER_S };
	struct condition pass = { .kind = COND_TIME, .time_ns = 3 * NS_PER_S };
	struct condition *v[] = { &up, &pass };
	struct bindings b = world_bindings(NULL, NULL);
	struct act act = { .kind = STEP_WAIT, .conditions = v, .n_conditions = 2, .timeout_ns = NS_PER_S };
	struct err err = ERR_INIT;
	int64_t began;

	(void)state;
	b.hosts = NULL;
	world_freeze(INT64_C(1893456000) * NS_PER_S);
	began = clock_mono();
	world_series("up", "instance=a 1", NULL);
	assert_text(&act, &b, "wait for up == 1 for every series, within 10s and 3s");
	assert_int_equal(world_act(&act, &b, &do_it, &err), 0);
	assert_int_equal(told.outcome, OUTCOME_OK);
	assert_true(clock_mono() - began >= 3 * NS_PER_S);
	/* It acts on nothing, so what cannot be seen is a failure and nothing unknown. */
	world_series("up", NULL, "down");
	assert_int_equal(world_act(&act, &b, &do_it, &err), 0);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	assert_string_equal(told.text, "not known: down");
}

static void
test_wait_cancel_and_timeout(void **state)
{
	struct condition up = { .kind = COND_PROMQL, .subject = tpl("up", PLACE_PROMQL), .compare = CMP_EQ, .number = 1, .within_ns = 10 * NS_PER_S };
	struct condition *v[] = { &up };
	struct bindings b = world_bindings(NULL, NULL);
	struct act act = { .kind = STEP_WAIT, .conditions = v, .n_conditions = 1, .timeout_ns = 60 * NS_PER_S };
	struct running *r;

	(void)state;
	b.hosts = NULL;
	world_freeze(INT64_C(1893456000) * NS_PER_S);
	world_series("up", "instance=a 0", NULL);
	r = begin(&act, &b, ACT_DO);
	act_cancel(r);
	world_until(&told.is_done);
	assert_int_equal(told.outcome, OUTCOME_CANCELLED);
	begin(&act, &b, ACT_DO);
	world_until(&told.is_done);
	assert_int_equal(told.outcome, OUTCOME_FAILED);
	assert_string_equal(told.text, "a: 0, not == 1");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_ssh_text), T(test_words_are_shown_exactly), T(test_words_hold_values_exactly), T(test_secrets_are_marks),
		T(test_known_secrets_are_masked), T(test_hash_covers_what_decides), T(test_unknown_variable), T(test_kinds_that_are_not_run),
		T(test_ssh_outcomes), T(test_ssh_read), T(test_ssh_settle), T(test_ssh_refused_at_once), T(test_ssh_cancel_and_free), T(test_exec),
		T(test_exec_failures), T(test_exec_timeout), T(test_notify), T(test_wait), T(test_wait_cancel_and_timeout),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
