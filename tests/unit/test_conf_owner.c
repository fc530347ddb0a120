/* Whom files must belong to: the rule by a table, and real files. As root also files of others. */
#include "config.h"

#include <fcntl.h>
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
#include "conf/conf_owner.h"

static const char text[] = "apiVersion: opsconsole/v1\nkind: Config\nenvironments:\n- name: e\n"
    "  sources: [{ name: p, type: prometheus, url: 'http://h' }]\n";
static char dir[64], *file, *link_path, *shared, *shared_file;

static void
write_file(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, sizeof text - 1, f), sizeof text - 1);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
}

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/test_conf_owner.XXXXXX");
	assert_non_null(mkdtemp(dir));
	file = xasprintf("%s/c.yaml", dir);
	link_path = xasprintf("%s/link", dir);
	shared = xasprintf("%s/shared", dir);
	shared_file = xasprintf("%s/c.yaml", shared);
	write_file(file);
	assert_int_equal(mkdir(shared, 0700), 0);
	write_file(shared_file);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(link_path);
	unlink(file);
	unlink(shared_file);
	rmdir(shared);
	rmdir(dir);
	free(file);
	free(link_path);
	free(shared);
	free(shared_file);
	return 0;
}

/* --- the rule -------------------------------------------------------------------------------- */

static void
rule(void **state)
{
	static const struct {
		uid_t owner, me;
		mode_t mode;
		bool is_trusted;
	} rows[] = {
		{ 1000, 1000, 0600, true }, { 1000, 1000, 0644, true }, { 1000, 1000, 0755, true },
		{ 0, 1000, 0644, true }, { 0, 0, 0600, true },
		{ 1000, 1000, 0664, false }, { 1000, 1000, 0602, false }, { 0, 1000, 0666, false },
		{ 1001, 1000, 0600, false }, { 1001, 1000, 0444, false },
		/* Root reads only what is root's: else a user could have root act for them. */
		{ 1000, 0, 0600, false },
		/* A sticky folder for all still lets others put files there. */
		{ 0, 1000, 01777, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct stat st = { .st_uid = rows[i].owner, .st_mode = S_IFREG | rows[i].mode };

		if (conf_owner_is_trusted(&st, rows[i].me) != rows[i].is_trusted)
			fail_msg("owner %u, me %u, mode %o", rows[i].owner, rows[i].me,
			    rows[i].mode);
	}
}

static void
rule_for_a_build(void **state)
{
	static const struct {
		uid_t owner;
		gid_t group;
		uid_t me;
		gid_t group_of_me;
		mode_t mode;
		bool is_trusted;
	} rows[] = {
		{ 1000, 1000, 1000, 1000, 0644, true }, { 1000, 1000, 1000, 1000, 0664, true },
		{ 0, 0, 1000, 1000, 0644, true }, { 0, 0, 0, 0, 0664, true },
		/* Root's group is not mine, and a group for all users has them all in it. */
		{ 0, 0, 1000, 1000, 0664, false }, { 1000, 100, 1000, 100, 0664, false },
		{ 1000, 50, 1000, 1000, 0664, false }, { 1000, 1000, 1000, (gid_t)-1, 0664, false },
		{ 0, 1000, 1000, 1000, 0664, false },
		{ 1000, 1000, 1000, 1000, 0666, false }, { 1001, 1000, 1000, 1000, 0644, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct stat st = { .st_uid = rows[i].owner, .st_gid = rows[i].group,
			.st_mode = S_IFREG | rows[i].mode };

		if (conf_owner_is_own_build(&st, rows[i].me, rows[i].group_of_me) !=
		    rows[i].is_trusted)
			fail_msg("row %zu", i);
	}
}

/* --- real files ------------------------------------------------------------------------------ */

/* Both doors: the check alone, and reading. sentence with %s for path; NULL: allowed. */
static void
assert_checked(const char *path, int code, const char *sentence)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;
	struct err err = ERR_INIT, load_err = ERR_INIT;

	assert_int_equal(conf_check_owner(path, &err), code);
	assert_int_equal(conf_load(path, &conf, &problems, &load_err), code);
	if (code == 0) {
		assert_int_equal(problems.n, 0);
		conf_free(conf);
		return;
	}
	assert_string_equal(err.msg, sentence);
	assert_string_equal(load_err.msg, sentence);
	assert_null(conf);
}

static void
own_files_are_read(void **state)
{
	(void)state;
	assert_checked(file, 0, NULL);
	assert_int_equal(chmod(file, 0644), 0);
	assert_checked(file, 0, NULL);
}

static void
writable_files_are_refused(void **state)
{
	char *sentence = xasprintf("%s can be written by others (mode 0620): chmod go-w %s", file,
	    file);

	(void)state;
	assert_int_equal(chmod(file, 0620), 0);
	assert_checked(file, ERR_DENIED, sentence);
	free(sentence);
	sentence = xasprintf("%s can be written by others (mode 0602): chmod go-w %s", file, file);
	assert_int_equal(chmod(file, 0602), 0);
	assert_checked(file, ERR_DENIED, sentence);
	free(sentence);
}

static void
writable_folders_are_refused(void **state)
{
	char *sentence = xasprintf("the folder %s can be written by others (mode 1777): chmod go-w "
	    "%s", shared, shared);

	(void)state;
	assert_int_equal(chmod(shared, 01777), 0);
	assert_checked(shared_file, ERR_DENIED, sentence);
	free(sentence);
}

/* What counts is where the link leads. */
static void
links_are_resolved(void **state)
{
	char *sentence = xasprintf("the folder %s can be written by others (mode 0777): chmod go-w "
	    "%s", shared, shared);

	(void)state;
	assert_int_equal(symlink(shared_file, link_path), 0);
	assert_checked(link_path, 0, NULL);
	assert_int_equal(chmod(shared, 0777), 0);
	assert_checked(link_path, ERR_DENIED, sentence);
	free(sentence);
}

static void
others_files_are_refused(void **state)
{
	struct err err;

	(void)state;
	if (geteuid() != 0)
		skip();	/* only root can give a file away */
	assert_int_equal(chown(file, 54321, (gid_t)-1), 0);
	assert_int_equal(conf_check_owner(file, &err), ERR_DENIED);
	assert_non_null(strstr(err.msg,
	    "belongs to user 54321; it is used only if it belongs to "));
	assert_int_equal(chown(shared, 54321, (gid_t)-1), 0);
	assert_int_equal(conf_check_owner(shared_file, &err), ERR_DENIED);
	assert_true(str_has_prefix(err.msg, "the folder "));
}

static void
what_is_no_file_is_refused(void **state)
{
	struct conf_problems problems;
	struct conf *conf;
	struct err err;
	char *sentence;

	(void)state;
	sentence = xasprintf("%s is not a regular file", shared);
	assert_int_equal(conf_load(shared, &conf, &problems, &err), ERR_IO);
	assert_string_equal(err.msg, sentence);
	free(sentence);
	/* A FIFO nobody writes to must not make us wait. */
	assert_int_equal(mkfifo(link_path, 0600), 0);
	sentence = xasprintf("%s is not a regular file", link_path);
	assert_int_equal(conf_load(link_path, &conf, &problems, &err), ERR_IO);
	assert_string_equal(err.msg, sentence);
	free(sentence);
	unlink(file);
	sentence = xasprintf("cannot read %s: No such file or directory", file);
	assert_int_equal(conf_load(file, &conf, &problems, &err), ERR_IO);
	assert_string_equal(err.msg, sentence);
	free(sentence);
}

static void
large_files_are_refused(void **state)
{
	struct conf_problems problems;
	struct conf *conf;
	struct err err;
	char *sentence = xasprintf("%s is larger than 4096 KiB", file);

	(void)state;
	assert_int_equal(truncate(file, (4 << 20) + 1), 0);
	assert_int_equal(conf_load(file, &conf, &problems, &err), ERR_LIMIT);
	assert_string_equal(err.msg, sentence);
	free(sentence);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rule), TEST(rule_for_a_build), TEST(own_files_are_read), TEST(writable_files_are_refused),
		    TEST(writable_folders_are_refused),
		TEST(links_are_resolved), TEST(others_files_are_refused),
		    TEST(what_is_no_file_is_refused),
		TEST(large_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
