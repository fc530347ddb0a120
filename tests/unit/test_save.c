/* A file is saved whole or not at all, and nothing is left beside it. */
#include "config.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fault.h"
#include "base/save.h"

enum { LONG = 300000 };

static char root[] = "/tmp/opssave.XXXXXX";

static void
expect_text(const char *path, const char *wanted)
{
	char text[64] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(text, wanted);
}

static unsigned
n_files(void)
{
	DIR *d = opendir(".");
	const struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static int
save_text(const char *path, const char *text, unsigned flags, struct err *err)
{
	return save_bytes(path, text, strlen(text), flags, err);
}

static int
stream_text(const char *path, const char *text, unsigned flags, struct err *err)
{
	struct save s;
	int r = save_begin(&s, path, flags, err);

	if (r < 0)
		return r;
	assert_true(fputs(text, s.f) >= 0);
	return save_end(&s, err);
}

typedef int save_fn(const char *path, const char *text, unsigned flags, struct err *err);
static save_fn *const ways[] = { save_text, stream_text };

static void
the_old_one_is_replaced(void **state)
{
	struct err err = ERR_INIT;
	mode_t old = umask(0);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(ways[i]("a", "one", 0, &err), 0);
		assert_int_equal(mode_of("a"), 0600);
		assert_int_equal(chmod("a", 0644), 0);
		assert_int_equal(ways[i]("a", "two", SAVE_KEEP_MODE, &err), 0);
		assert_int_equal(mode_of("a"), 0644);
		assert_int_equal(ways[i]("a", "", SAVE_ALONE, &err), 0);
		assert_int_equal(mode_of("a"), 0600);
		expect_text("a", "");
		assert_int_equal(ways[i]("a", "three", 0, NULL), 0);
		expect_text("a", "three");
		assert_int_equal(n_files(), 1);
		assert_int_equal(remove("a"), 0);
	}
	assert_int_equal(err.code, 0);
	umask(old);
}

static void
a_new_one_takes_nobodys_place(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(ways[i]("a", "one", SAVE_NEW, &err), 0);
		assert_int_equal(ways[i]("a", "two", SAVE_NEW, &err), ERR_IO);
		assert_string_equal(err.msg, "a could not be written: File exists");
		expect_text("a", "one");
		assert_int_equal(n_files(), 1);
		assert_int_equal(remove("a"), 0);
	}
}

static void
what_fails_leaves_the_old_one_and_nothing_else(void **state)
{
	static const struct { enum fault_place place; enum fault_kind kind; const char *why; bool is_of_bytes; } cases[] = {
		{ FAULT_SAVE_WRITE, FAULT_ENOSPC, "a could not be written: No space left on device", true },
		{ FAULT_SAVE_WRITE, FAULT_EIO, "a could not be written: Input/output error", true },
		{ FAULT_SAVE_FSYNC, FAULT_ENOSPC, "a could not be written: No space left on device", false },
		{ FAULT_SAVE_FSYNC, FAULT_EIO, "a could not be written: Input/output error", false },
		{ FAULT_SAVE_RENAME, FAULT_EIO, "a could not be written: Input/output error", false },
	};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(save_text("a", "old", 0, &err), 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (size_t way = 0; way < (cases[i].is_of_bytes ? 1 : 2); way++)
			for (unsigned flags = 0; flags <= SAVE_ALONE; flags += SAVE_ALONE) {
				fault_set(cases[i].place, 1, cases[i].kind);
				assert_int_equal(ways[way]("a", "new", flags, &err), ERR_IO);
				assert_string_equal(err.msg, cases[i].why);
				expect_text("a", "old");
				assert_int_equal(n_files(), 1);
			}
	fault_set(FAULT_SAVE_WRITE, 1, FAULT_SHORT);
	assert_int_equal(save_text("a", "in two pieces", 0, &err), 0);
	expect_text("a", "in two pieces");
	assert_int_equal(remove("a"), 0);
}

/* A disk that fills while a stream is written: the limit of a file's size stands for it, in a process of its own. */
static int
fill_the_disk(void)
{
	static char bytes[LONG];
	struct rlimit limit = { LONG / 2, LONG / 2 };
	struct err err = ERR_INIT;
	struct save s;

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || save_begin(&s, "a", 0, &err) < 0)
		return 1;
	for (int i = 0; i < 4; i++)
		fwrite(bytes, 1, LONG / 4, s.f);	/* what it answers need not be looked at: save_end() knows */
	if (save_end(&s, &err) != ERR_IO || strncmp(err.msg, "a could not be written: ", 24) != 0)
		return 2;
	return save_bytes("a", bytes, LONG, 0, &err) == ERR_IO && strcmp(err.msg, "a could not be written: File too large") == 0 ? 0 : 3;
}

static void
run_apart(int (*fn)(void), int *ret_status)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, ret_status, 0), pid);
}

static void
a_disk_that_fills_is_told_at_the_end(void **state)
{
	int status;

	(void)state;
	assert_int_equal(save_text("a", "old", 0, NULL), 0);
	run_apart(fill_the_disk, &status);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	expect_text("a", "old");
	assert_int_equal(n_files(), 1);
	assert_int_equal(remove("a"), 0);
}

static int
die_before_the_rename(void)
{
	fault_set(FAULT_SAVE_RENAME, 1, FAULT_KILL);
	return save_text("a", "never", SAVE_ALONE, NULL);
}

static void
what_a_death_left_is_used_up(void **state)
{
	struct err err = ERR_INIT;
	int status;

	(void)state;
	assert_int_equal(save_text("a", "old", SAVE_ALONE, &err), 0);
	run_apart(die_before_the_rename, &status);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	expect_text("a", "old");
	expect_text("a.new", "never");
	assert_int_equal(save_text("a", "new", SAVE_ALONE, &err), 0);
	expect_text("a", "new");
	assert_int_equal(n_files(), 1);
	assert_int_equal(remove("a"), 0);
	/* A name that points elsewhere is not written through. */
	assert_int_equal(symlink("b", "a.new"), 0);
	assert_int_equal(save_text("a", "new", SAVE_ALONE, &err), ERR_IO);
	assert_int_equal(remove("a.new"), 0);
	assert_int_equal(n_files(), 0);
}

static void
what_is_dropped_was_never_there(void **state)
{
	struct err err = ERR_INIT;
	struct save s;

	(void)state;
	assert_int_equal(save_begin(&s, "a", 0, &err), 0);
	assert_int_equal(n_files(), 1);
	fputs("half", s.f);
	save_drop(&s);
	assert_int_equal(n_files(), 0);
	assert_int_equal(save_begin(&s, "missing/a", 0, &err), ERR_IO);
	assert_string_equal(err.msg, "missing/a could not be written: No such file or directory");
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_int_equal(save_text("folder", "text", 0, &err), ERR_IO);
	assert_int_equal(n_files(), 1);
	assert_int_equal(rmdir("folder"), 0);
}

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(root) == NULL || chdir(root) < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	return chdir("/") < 0 || rmdir(root) < 0 ? -1 : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_old_one_is_replaced),
		cmocka_unit_test(a_new_one_takes_nobodys_place),
		cmocka_unit_test(what_fails_leaves_the_old_one_and_nothing_else),
		cmocka_unit_test(a_disk_that_fills_is_told_at_the_end),
		cmocka_unit_test(what_a_death_left_is_used_up),
		cmocka_unit_test(what_is_dropped_was_never_there),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
