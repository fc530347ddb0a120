/* Folders and files for the user alone: made so, and refused when they are not. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/private.h"

static char root[] = "/tmp/opsprivate.XXXXXX";

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
expect_refused(int r, int code, const struct err *err, const char *wanted)
{
	assert_int_equal(r, code);
	assert_int_equal(err->code, code);
	if (strstr(err->msg, wanted) == NULL)
		fail_msg("'%s' is not in '%s'", wanted, err->msg);
}

static void
folders_are_made_with_those_above(void **state)
{
	struct err err = ERR_INIT;
	mode_t old = umask(0);

	(void)state;
	assert_int_equal(private_make("a/b//c/", &err), 0);
	assert_int_equal(private_make("a/b/c", &err), 0);
	assert_int_equal(mode_of("a"), 0700);
	assert_int_equal(mode_of("a/b/c"), 0700);
	assert_int_equal(private_make_parents("d/e/file", &err), 0);
	assert_int_equal(mode_of("d/e"), 0700);
	assert_int_equal(access("d/e/file", F_OK), -1);
	assert_int_equal(private_make_parents("file", &err), 0);
	assert_int_equal(private_make_parents("/file", &err), 0);
	assert_int_equal(private_make("/", &err), 0);
	assert_int_equal(err.code, 0);
	umask(old);
	/* What exists keeps its mode. */
	assert_int_equal(chmod("a/b", 0755), 0);
	assert_int_equal(private_make("a/b/d", &err), 0);
	assert_int_equal(mode_of("a/b"), 0755);
}

static void
what_cannot_be_made_is_named(void **state)
{
	struct err err = ERR_INIT;
	char name[300];
	int fd = open("plain", O_WRONLY | O_CREAT, 0600);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	expect_refused(private_make("plain/x/y", &err), ERR_IO, &err, "cannot make the folder plain/x: ");
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	expect_refused(private_make_at(AT_FDCWD, name, &err), ERR_IO, &err, strerror(ENAMETOOLONG));
}

static void
only_private_folders_are_opened(void **state)
{
	struct err err = ERR_INIT;
	int fd = -1;

	(void)state;
	assert_int_equal(private_make("p", &err), 0);
	assert_int_equal(private_open(AT_FDCWD, "p", &fd, &err), 0);
	assert_int_equal(private_make_at(fd, "in", &err), 0);
	assert_int_equal(mode_of("p/in"), 0700);
	close(fd);
	fd = -7;
	expect_refused(private_open(AT_FDCWD, "missing", &fd, &err), ERR_NOTFOUND, &err, "missing: ");
	assert_int_equal(chmod("p", 0750), 0);
	expect_refused(private_open(AT_FDCWD, "p", &fd, &err), ERR_DENIED, &err, "p is open to others (mode 750): chmod 700 it");
	assert_int_equal(chmod("p", 0700), 0);
	assert_int_equal(symlink("p", "link"), 0);
	expect_refused(private_open(AT_FDCWD, "link", &fd, &err), ERR_DENIED, &err, "link is no folder, or a symbolic link");
	if (geteuid() == 0) {
		assert_int_equal(chown("p", 54321, (gid_t)-1), 0);
		expect_refused(private_open(AT_FDCWD, "p", &fd, &err), ERR_DENIED, &err, "p belongs to user 54321 and not to you");
	} else {
		expect_refused(private_open(AT_FDCWD, "/", &fd, &err), ERR_DENIED, &err, "/ belongs to user 0 and not to you");
	}
	assert_int_equal(fd, -7);
}

static void
files_have_one_name(void **state)
{
	struct err err = ERR_INIT;
	int fd = open("f", O_RDWR | O_CREAT, 0600), dir = open(".", O_RDONLY);

	(void)state;
	assert_true(fd >= 0 && dir >= 0);
	assert_int_equal(private_check(fd, S_IFREG, "f", &err), 0);
	expect_refused(private_check(fd, S_IFDIR, "f", &err), ERR_DENIED, &err, "f is no folder");
	expect_refused(private_check(dir, S_IFREG, ".", &err), ERR_DENIED, &err, ". is no regular file");
	assert_int_equal(fchmod(fd, 0640), 0);
	expect_refused(private_check(fd, S_IFREG, "a\nb", &err), ERR_DENIED, &err, "a\\nb is open to others (mode 640): chmod 600 it");
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(link("f", "g"), 0);
	expect_refused(private_check(fd, S_IFREG, "f", &err), ERR_DENIED, &err, "f has a second name (hard link)");
	close(fd);
	close(dir);
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
	static const char *const names[] = { "a/b/c", "a/b/d", "a/b", "a", "d/e", "d", "plain", "p/in", "p", "link", "f", "g" };
	int failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		failed += remove(names[i]) < 0;
	failed += chdir("/") < 0 || rmdir(root) < 0;
	return failed == 0 ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_are_made_with_those_above),
		cmocka_unit_test(what_cannot_be_made_is_named),
		cmocka_unit_test(only_private_folders_are_opened),
		cmocka_unit_test(files_have_one_name),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
