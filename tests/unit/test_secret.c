/* Secrets: from file, environment and command; refused where others can read; never repeated. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"

static char dir[64], *file;

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/test_secret.XXXXXX");
	assert_non_null(mkdtemp(dir));
	file = xasprintf("%s/token", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(file);
	rmdir(dir);
	free(file);
	return 0;
}

static void
write_bytes(const char *bytes, size_t len, mode_t mode)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
	assert_int_equal(chmod(file, mode), 0);
}

static void
assert_secret(const struct conf_secret *s, const char *expected)
{
	struct err err = ERR_INIT;
	char *secret;

	if (secret_read(s, &secret, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(secret, expected);
	secret_free(secret);
}

static void
assert_no_secret(const struct conf_secret *s, int code, const char *sentence)
{
	struct err err = ERR_INIT;
	char *secret = NULL;

	assert_int_equal(secret_read(s, &secret, &err), code);
	assert_null(secret);
	assert_string_equal(err.msg, sentence);
}

static void
from_file(void **state)
{
	static const struct {
		const char *bytes, *secret;
	} rows[] = {
		{ "hunter2", "hunter2" }, { "hunter2\n", "hunter2" }, { "hunter2\r\n", "hunter2" },
		{ " a b \n", " a b " },
		{ "\xc3\xa4\n", "\xc3\xa4" },
	};
	struct conf_secret s = { .file = file };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		write_bytes(rows[i].bytes, strlen(rows[i].bytes), 0600);
		assert_secret(&s, rows[i].secret);
	}
	write_bytes("x", 1, 0400);
	assert_secret(&s, "x");
}

static void
bad_files(void **state)
{
	struct conf_secret s = { .file = file };
	char *sentence, *large = xmalloc((64 << 10) + 1);

	(void)state;
	sentence = xasprintf("cannot read %s: No such file or directory", file);
	assert_no_secret(&s, ERR_IO, sentence);
	free(sentence);
	write_bytes("hunter2\n", 8, 0640);
	sentence = xasprintf("%s can be read by others (mode 0640): chmod 600 %s", file, file);
	assert_no_secret(&s, ERR_DENIED, sentence);
	free(sentence);
	write_bytes("hunter2\n", 8, 0604);
	sentence = xasprintf("%s can be read by others (mode 0604): chmod 600 %s", file, file);
	assert_no_secret(&s, ERR_DENIED, sentence);
	free(sentence);
	write_bytes("hunter2\n", 8, 0622);
	sentence = xasprintf("%s can be written by others (mode 0622): chmod go-w %s", file, file);
	assert_no_secret(&s, ERR_DENIED, sentence);
	free(sentence);
	sentence = xasprintf("%s holds no secret: it is empty", file);
	write_bytes("", 0, 0600);
	assert_no_secret(&s, ERR_INVALID, sentence);
	write_bytes("\n", 1, 0600);
	assert_no_secret(&s, ERR_INVALID, sentence);
	free(sentence);
	/* A header of one's own could be slipped in behind a line break. */
	sentence = xasprintf("%s: a secret is one line of text, without control characters", file);
	write_bytes("hunter2\nX: y\n", 13, 0600);
	assert_no_secret(&s, ERR_INVALID, sentence);
	write_bytes("hun\0ter", 7, 0600);
	assert_no_secret(&s, ERR_INVALID, sentence);
	free(sentence);
	memset(large, 'x', (64 << 10) + 1);
	write_bytes(large, (64 << 10) + 1, 0600);
	sentence = xasprintf("%s is larger than 64 KiB", file);
	assert_no_secret(&s, ERR_LIMIT, sentence);
	free(sentence);
	free(large);
}

static void
from_environment(void **state)
{
	struct conf_secret s = { .env = (char *)"TEST_SECRET" };

	(void)state;
	setenv("TEST_SECRET", "hunter2", 1);
	assert_secret(&s, "hunter2");
	setenv("TEST_SECRET", "", 1);
	assert_no_secret(&s, ERR_INVALID, "$TEST_SECRET holds no secret: it is empty");
	setenv("TEST_SECRET", "a\nb", 1);
	assert_no_secret(&s, ERR_INVALID,
	    "$TEST_SECRET: a secret is one line of text, without control characters");
	unsetenv("TEST_SECRET");
	assert_no_secret(&s, ERR_NOTFOUND,
	    "$TEST_SECRET is not set, and a secret should come from it");
}

#define COMMAND(...) { .command = (char *[]){ __VA_ARGS__, NULL } }

static void
from_command(void **state)
{
	struct conf_secret found = COMMAND((char *)"printf", (char *)"%s\\n", (char *)"hunter2");
	/* No shell: what would be special to one is text. */
	struct conf_secret special = COMMAND((char *)"/bin/echo", (char *)"$HOME; `id` 'x'");
	struct conf_secret no_input = COMMAND((char *)"sh", (char *)"-c",
	    (char *)"cat; echo noise >&2; echo end");

	(void)state;
	assert_secret(&found, "hunter2");
	assert_secret(&special, "$HOME; `id` 'x'");
	assert_secret(&no_input, "end");
}

static void
bad_commands(void **state)
{
	struct conf_secret missing = COMMAND((char *)"/nowhere/at all");
	struct conf_secret fails = COMMAND((char *)"sh", (char *)"-c",
	    (char *)"echo hunter2; exit 3");
	struct conf_secret silent = COMMAND((char *)"true");
	struct conf_secret killed = COMMAND((char *)"sh", (char *)"-c", (char *)"kill -9 $$");
	struct conf_secret endless = COMMAND((char *)"yes", (char *)"hunter2");
	struct conf_secret none = { 0 };

	(void)state;
	assert_no_secret(&missing, ERR_IO,
	    "cannot start /nowhere/at all: No such file or directory");
	assert_no_secret(&fails, ERR_REFUSED,
	    "sh, which should print a secret, failed with exit status 3; run it by hand to see "
	    "why");
	assert_no_secret(&silent, ERR_INVALID, "true holds no secret: it is empty");
	assert_no_secret(&killed, ERR_REFUSED,
	    "sh, which should print a secret, was ended by signal 9");
	assert_no_secret(&endless, ERR_LIMIT,
	    "yes wrote more than 64 KiB, where a secret was expected");
	assert_no_secret(&none, ERR_INVALID, "no secret is named");
}

/* Gone, or dead and not yet reaped by init. The signal is sent, but the system takes its time. */
static void
wait_until_dead(const char *pid)
{
	char *path = xasprintf("/proc/%d/cmdline", atoi(pid));
	bool is_alive = true;

	while (is_alive) {
		FILE *f = fopen(path, "r");

		is_alive = f != NULL && fgetc(f) != EOF;
		if (f != NULL)
			fclose(f);
		usleep(1000);
	}
	free(path);
}

/* Ended with all it started, also what closed its output and went on. */
static void
slow_commands_are_ended(void **state)
{
	char *script = xasprintf("sleep 600 & echo $! >%s; wait", file), line[32] = "";
	struct conf_secret slow = COMMAND((char *)"sh", (char *)"-c", script);
	struct conf_secret closed = COMMAND((char *)"sh", (char *)"-c",
	    (char *)"exec >&-; sleep 600");
	FILE *f;

	(void)state;
	assert_no_secret(&slow, ERR_TIMEOUT, "sh gave no secret within 5 seconds and was ended");
	f = fopen(file, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	fclose(f);
	wait_until_dead(line);
	free(script);
	assert_no_secret(&closed, ERR_TIMEOUT, "sh gave no secret within 5 seconds and was ended");
}

static void
set_or_not(void **state)
{
	struct conf_secret none = { 0 }, env = { .env = (char *)"X" },
	    by_file = { .file = (char *)"/x" }, by_command = COMMAND((char *)"x");

	(void)state;
	assert_false(secret_is_set(&none));
	assert_true(secret_is_set(&env) && secret_is_set(&by_file) && secret_is_set(&by_command));
	secret_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(from_file), TEST(bad_files), TEST(from_environment), TEST(from_command),
		    TEST(bad_commands),
		TEST(slow_commands_are_ended), TEST(set_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
