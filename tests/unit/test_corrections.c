/* The log of corrections: what is written is read, by many at once, whatever else is in the file. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/corrections.h"

static char dir[64];
static struct conf_environment env;
static bool is_disk_broken, is_cutting_broken;

/* In place of the C library's: disks do not fail on demand. */
int
fdatasync(int fd)
{
	if (is_disk_broken) {
		errno = EIO;
		return -1;
	}
	return fsync(fd);
}

int
ftruncate(int fd, off_t size)
{
	if (is_cutting_broken) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_ftruncate, fd, size);
}

static int
setup(void **state)
{
	static char name[] = "prod";

	(void)state;
	snprintf(dir, sizeof dir, "/tmp/test_corrections.XXXXXX");
	assert_non_null(mkdtemp(dir));
	setenv("XDG_STATE_HOME", dir, 1);
	env = (struct conf_environment){ .name = name };
	/* 2030-01-01T02:14:00Z */
	clock_freeze(INT64_C(1893464040) * NS_PER_S);
	umask(022);
	is_disk_broken = is_cutting_broken = false;
	return 0;
}

static int
teardown(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		execlp("rm", "rm", "-rf", dir, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	return 0;
}

static char *
log_file(void)
{
	return xasprintf("%s/opsconsole/prod/slo-corrections.jsonl", dir);
}

static void
read_all(struct corrections *c)
{
	struct err err = ERR_INIT;

	if (corrections_read(&env, c, &err) < 0)
		fail_msg("%s", err.msg);
}

static void
add(const char *slo, int64_t start_s, int64_t end_s, const char *reason)
{
	struct err err = ERR_INIT;

	if (corrections_add(&env, slo, start_s * NS_PER_S, end_s * NS_PER_S, "ann", reason, NULL,
	    &err) < 0)
		fail_msg("%s", err.msg);
}

static void
append_bytes(const char *bytes, size_t len)
{
	char *path = log_file();
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
	free(path);
}

static char *
read_bytes(void)
{
	char *path = log_file(), *text = xcalloc(1, 65536);
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) > 0);
	fclose(f);
	free(path);
	return text;
}

/* --- as it should be ------------------------------------------------------------------------- */

static void
empty(void **state)
{
	struct corrections c;
	char *path = log_file();

	(void)state;
	read_all(&c);
	assert_int_equal(c.n, 0);
	assert_int_equal(c.problems.n, 0);
	assert_string_equal(c.path, path);
	corrections_done(&c);
	free(path);
}

static void
written_is_read(void **state)
{
	char *id = NULL, *text, *path = log_file();
	struct corrections c;
	struct stat st;

	(void)state;
	add("b", 2000, 3000, "later \"quoted\"\nsecond line \xc3\xbc");
	assert_int_equal(corrections_add(&env, "*", 1000 * NS_PER_S + 5, 1500 * NS_PER_S, "bob",
	    "load test", &id, NULL), 0);
	assert_string_equal(id, "c-20300101T021400Z-2");
	read_all(&c);
	assert_int_equal(c.problems.n, 0);
	assert_int_equal(c.n, 2);
	assert_string_equal(c.v[0].id, id);
	assert_string_equal(c.v[0].slo, "*");
	assert_string_equal(c.v[0].by, "bob");
	assert_string_equal(c.v[0].reason, "load test");
	assert_int_equal(c.v[0].start_ns, 1000 * NS_PER_S + 5);
	assert_int_equal(c.v[0].end_ns, 1500 * NS_PER_S);
	assert_int_equal(c.v[0].at_ns, clock_now());
	assert_string_equal(c.v[1].id, "c-20300101T021400Z-1");
	assert_string_equal(c.v[1].reason, "later \"quoted\"\nsecond line \xc3\xbc");
	corrections_done(&c);
	free(id);
	text = read_bytes();
	assert_true(str_has_prefix(text, "{\"time\":\"2030-01-01T02:14:00Z\",\"type\":\"exclude\","
	    "\"id\":\"c-20300101T021400Z-1\",\"slo\":\"b\","
	    "\"start\":\"1970-01-01T00:33:20.000000000Z\",\"end\":\"1970-01-01T00:50:00.000000000Z\","
	    "\"by\":\"ann\",\"reason\":\"later "));
	free(text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	*strrchr(path, '/') = '\0';
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	free(path);
}

static void
taken_back(void **state)
{
	struct corrections c;
	struct err err;
	char *text, *id = NULL;

	(void)state;
	add("a", 1, 2, "one");
	add("a", 3, 4, "two");
	assert_int_equal(corrections_revoke(&env, "c-20300101T021400Z-1", "bob", "wrong", NULL), 0);
	read_all(&c);
	assert_int_equal(c.problems.n, 0);
	assert_int_equal(c.n, 1);
	assert_string_equal(c.v[0].reason, "two");
	corrections_done(&c);
	/* Not twice, and not what never was. */
	assert_int_equal(corrections_revoke(&env, "c-20300101T021400Z-1", "bob", "wrong", &err),
	    ERR_NOTFOUND);
	assert_string_equal(err.msg, "there is no correction 'c-20300101T021400Z-1' that counts");
	assert_int_equal(corrections_revoke(&env, "x", "bob", "wrong", NULL), ERR_NOTFOUND);
	/* Its id is not used again; nothing was removed from the file. */
	assert_int_equal(corrections_add(&env, "a", 5, 6, "ann", "three", &id, NULL), 0);
	assert_string_equal(id, "c-20300101T021400Z-3");
	free(id);
	text = read_bytes();
	assert_non_null(strstr(text, "\"reason\":\"one\""));
	assert_non_null(strstr(text, "{\"time\":\"2030-01-01T02:14:00Z\",\"type\":\"include\","
	    "\"id\":\"c-20300101T021400Z-1\",\"by\":\"bob\",\"reason\":\"wrong\"}\n"));
	free(text);
}

static void
where_it_stands(void **state)
{
	static const struct {
		const char *name, *folder;
	} rows[] = {
		{ "prod", "prod" }, { "a/b", "a%2Fb" }, { "..", "%2E." }, { ".x", "%2Ex" },
		{ "\xc3\xbc 1", "%C3%BC%201" },
	};
	struct corrections c;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *expected = xasprintf("%s/opsconsole/%s/slo-corrections.jsonl", dir,
		    rows[i].folder);

		env.name = (char *)rows[i].name;
		read_all(&c);
		assert_string_equal(c.path, expected);
		corrections_done(&c);
		free(expected);
	}
	setenv("XDG_STATE_HOME", "relative", 1);
	setenv("HOME", "/home/ann", 1);
	env.name = (char *)"prod";
	read_all(&c);
	assert_string_equal(c.path,
	    "/home/ann/.local/state/opsconsole/prod/slo-corrections.jsonl");
	corrections_done(&c);
	env.slo_corrections = xasprintf("%s/own/log", dir);
	add("a", 1, 2, "here");
	read_all(&c);
	assert_string_equal(c.path, env.slo_corrections);
	assert_int_equal(c.n, 1);
	corrections_done(&c);
	free(env.slo_corrections);
}

/* --- what is refused ------------------------------------------------------------------------- */

static void
refused(void **state)
{
	static char long_reason[5000];
	static const struct {
		const char *slo;
		int64_t start, end;
		const char *by, *reason, *sentence;
	} rows[] = {
		{ "a", 2, 2, "ann", "r", "the end must be after the start" },
		{ "a", 3, 2, "ann", "r", "the end must be after the start" },
		{ "", 1, 2, "ann", "r", "the name of an objective is needed, or *" },
		{ "a", 1, 2, "", "r", "who says so is not known" },
		{ "a", 1, 2, "ann", "", "a reason is needed: it is what others will read" },
		{ "a", 1, 2, "ann", " \n", "a reason is needed: it is what others will read" },
		{ "a", 1, 2, "ann", "\xff", "a name or reason holds bytes that are not UTF-8" },
		{ "a", 1, 2, "ann", long_reason, "the reason is too long: the line would have 5188 "
		    "bytes, at most 4096" },
	};
	struct corrections c;
	struct err err;

	(void)state;
	memset(long_reason, 'x', sizeof long_reason - 1);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(corrections_add(&env, rows[i].slo, rows[i].start, rows[i].end,
		    rows[i].by, rows[i].reason, NULL, &err), ERR_INVALID);
		assert_string_equal(err.msg, rows[i].sentence);
	}
	read_all(&c);
	assert_int_equal(c.n + c.problems.n, 0);
	corrections_done(&c);
}

static void
others_may_not_write_it(void **state)
{
	char *path = log_file(), *folder = log_file();
	struct corrections c;
	struct err err;

	(void)state;
	add("a", 1, 2, "r");
	*strrchr(folder, '/') = '\0';
	assert_int_equal(chmod(path, 0622), 0);
	assert_int_equal(corrections_read(&env, &c, &err), ERR_DENIED);
	assert_int_equal(corrections_add(&env, "a", 1, 2, "ann", "r", NULL, &err), ERR_DENIED);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(corrections_read(&env, &c, &err), ERR_DENIED);
	assert_int_equal(corrections_add(&env, "a", 1, 2, "ann", "r", NULL, &err), ERR_DENIED);
	assert_int_equal(chmod(folder, 0700), 0);
	/* Nor may it lead elsewhere when it is written. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(corrections_add(&env, "a", 1, 2, "ann", "r", NULL, &err), ERR_IO);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(corrections_read(&env, &c, &err), ERR_IO);
	assert_int_equal(corrections_add(&env, "a", 1, 2, "ann", "r", NULL, &err), ERR_IO);
	free(folder);
	free(path);
}

/* --- a file that others spoilt --------------------------------------------------------------- */

static void
hostile_lines(void **state)
{
	static const char good[] = "{\"time\":\"2030-01-01T00:00:00Z\",\"type\":\"exclude\","
	    "\"id\":\"x\",\"slo\":\"a\",\"start\":\"2030-01-01T00:00:00Z\","
	    "\"end\":\"2030-01-01T02:00:00+01:00\",\"by\":\"b\",\"reason\":\"r\"}\n";
	static const struct {
		const char *line;
		const char *sentence;	/* NULL: none */
	} rows[] = {
		{ "", NULL },
		{ "text", "is not a JSON object, or not the whole of one" },
		{ "[1]", "is not a JSON object" },
		{ "{\"type\":\"exclude\"", "is not a JSON object, or not the whole of one" },
		{ "{\"type\":\"a\",\"type\":\"b\"}", "is not a JSON object, or not the whole of "
		    "one" },
		{ "{\"reason\":\"\xff\"}", "is not a JSON object, or not the whole of one" },
		{ "{\"reason\":\"\\u0000\"}", "is not a JSON object, or not the whole of one" },
		{ "{}", "'type' is neither exclude nor include" },
		{ "{\"type\":\"drop\"}", "'type' is neither exclude nor include" },
		{ "{\"type\":\"include\"}", "'id' is missing, empty or not text" },
		{ "{\"type\":\"include\",\"id\":\"nobody\"}",
		    "takes back a correction that no earlier line makes" },
		{ "{\"type\":\"exclude\",\"id\":1,\"slo\":\"a\",\"by\":\"b\",\"reason\":\"r\"}",
		    "'id' is missing, empty or not text" },
		{ "{\"type\":\"exclude\",\"id\":\"y\",\"slo\":\"a\",\"by\":\"b\",\"reason\":\"r\","
		    "\"time\":\"noon\"}", "'time': not a time in RFC 3339 form "
		    "(2030-01-31T02:10:00Z): 'noon'" },
		{ "{\"type\":\"exclude\",\"id\":\"y\",\"slo\":\"a\",\"by\":\"b\",\"reason\":\"r\","
		    "\"time\":\"2030-01-01T00:00:00Z\",\"start\":\"2030-01-01T00:00:00Z\","
		    "\"end\":\"2029-01-01T00:00:00Z\"}", "its end is not after its start" },
		/* What steers a terminal stays text. */
		{ "{\"type\":\"exclude\",\"id\":\"y\",\"slo\":\"a\",\"by\":\"b\",\"reason\":\"r\","
		    "\"time\":\"\\u001b]0;x\\u0007\\u009b\"}", "'time': not a time in RFC 3339 form "
		    "(2030-01-31T02:10:00Z): '\\x1B]0;x\\x07\\u{9B}'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *path = log_file(), *expected;
		struct corrections c;

		unlink(path);
		add("before", 1, 2, "r");
		append_bytes(rows[i].line, strlen(rows[i].line));
		append_bytes("\n", 1);
		append_bytes(good, strlen(good));
		add("after", 3, 4, "r");
		read_all(&c);
		assert_int_equal(c.problems.n, rows[i].sentence != NULL);
		if (rows[i].sentence != NULL) {
			expected = xasprintf("%s:2: %s; the line is passed over", path,
			    rows[i].sentence);
			assert_string_equal(c.problems.v[0], expected);
			free(expected);
		}
		assert_int_equal(c.n, 3);
		assert_string_equal(c.v[2].id, "x");
		assert_int_equal(c.v[2].end_ns, c.v[2].start_ns + NS_PER_HOUR);
		corrections_done(&c);
		free(path);
	}
}

static void
torn_line(void **state)
{
	static const char torn[] = "{\"time\":\"2030-01-01T02:14:00Z\",\"type\":\"exclu";
	char *path = log_file(), *expected = xasprintf("%s:2: is not a JSON object, or not the "
	    "whole of one; the line is passed over", path);
	struct corrections c;

	(void)state;
	add("a", 1, 2, "one");
	append_bytes(torn, strlen(torn));
	read_all(&c);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.problems.n, 1);
	assert_string_equal(c.problems.v[0], expected);
	corrections_done(&c);
	/* What comes next has a line of its own. */
	add("a", 3, 4, "two");
	read_all(&c);
	assert_int_equal(c.n, 2);
	assert_int_equal(c.problems.n, 1);
	assert_string_equal(c.v[1].reason, "two");
	corrections_done(&c);
	free(expected);
	free(path);
}

static void
long_line(void **state)
{
	struct corrections c;
	struct buf b;

	(void)state;
	add("a", 1, 2, "one");
	buf_init(&b, 1 << 20);
	buf_addstr(&b, "{\"a\":\"");
	for (int i = 0; i < 100000; i++)
		buf_addch(&b, 'x');
	buf_addstr(&b, "\"}\n");
	for (int i = 0; i < 5000; i++)	/* nested deeper than any parser should follow */
		buf_addch(&b, '[');
	buf_addch(&b, '\n');
	append_bytes(b.data, b.len);
	buf_done(&b);
	read_all(&c);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.problems.n, 2);
	assert_non_null(strstr(c.problems.v[0], ":2: is longer than 4096 bytes; "));
	corrections_done(&c);
}

/* Far beyond what a person writes: it must not take the square of its lines. */
static void
many_lines(void **state)
{
	enum { LINES = 20000 };
	struct corrections c;
	struct buf b;

	(void)state;
	add("a", 1, 2, "r");	/* the folders */
	buf_init(&b, 16 << 20);
	for (int i = 0; i < LINES; i++)
		buf_printf(&b, "{\"time\":\"2030-01-01T00:00:00Z\",\"type\":\"exclude\","
		    "\"id\":\"x%d\",\"slo\":\"a\",\"start\":\"2030-01-01T00:00:00Z\","
		    "\"end\":\"2030-01-01T01:00:00Z\",\"by\":\"b\",\"reason\":\"r\"}\n", i);
	for (int i = 0; i < LINES; i += 2)
		buf_printf(&b, "{\"type\":\"include\",\"id\":\"x%d\"}\n", i);
	/* Made anew, then a second time. */
	for (int i = 0; i < 2; i++)
		buf_printf(&b, "{\"time\":\"2030-01-01T00:00:00Z\",\"type\":\"exclude\","
		    "\"id\":\"x0\",\"slo\":\"anew\",\"start\":\"2029-01-01T00:00:00Z\","
		    "\"end\":\"2030-01-01T01:00:00Z\",\"by\":\"b\",\"reason\":\"r\"}\n");
	append_bytes(b.data, b.len);
	buf_done(&b);
	read_all(&c);
	assert_int_equal(c.n, 1 + LINES / 2 + 1);
	assert_int_equal(c.problems.n, 1);
	assert_non_null(strstr(c.problems.v[0], "its id is taken by an earlier line"));
	assert_string_equal(c.v[1].slo, "anew");
	for (size_t i = 2; i < c.n; i++)
		assert_int_equal(atoi(c.v[i].id + 1) % 2, 1);
	corrections_done(&c);
}

/* --- a disk that fails ----------------------------------------------------------------------- */

static void
disk_fails(void **state)
{
	struct corrections c;
	struct err err = ERR_INIT;
	char *path = log_file(), *expected;

	(void)state;
	add("a", 1, 2, "one");
	is_disk_broken = true;
	assert_int_equal(corrections_add(&env, "a", 3, 4, "ann", "two", NULL, &err), ERR_IO);
	expected = xasprintf("cannot write %s; nothing was added: Input/output error", path);
	assert_string_equal(err.msg, expected);
	read_all(&c);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.problems.n, 0);
	corrections_done(&c);
	/* Where even that fails it is said. */
	is_cutting_broken = true;
	assert_int_equal(corrections_revoke(&env, "c-20300101T021400Z-1", "bob", "x", &err),
	    ERR_IO);
	assert_non_null(strstr(err.msg, "nor take out again what was added"));
	free(expected);
	free(path);
}

/* --- several programs at once ---------------------------------------------------------------- */

static void
many_writers(void **state)
{
	enum { WRITERS = 6, EACH = 15 };
	pid_t pids[WRITERS];
	struct corrections c;
	int status;

	(void)state;
	for (int w = 0; w < WRITERS; w++) {
		pids[w] = fork();
		if (pids[w] != 0)
			continue;
		for (int i = 0; i < EACH; i++)
			if (corrections_add(&env, "a", (w * EACH + i) * NS_PER_S,
			    (w * EACH + i + 1) * NS_PER_S, "ann", "r", NULL, NULL) < 0)
				_exit(1);
		_exit(0);
	}
	for (int w = 0; w < WRITERS; w++) {
		assert_int_equal(waitpid(pids[w], &status, 0), pids[w]);
		assert_int_equal(status, 0);
	}
	read_all(&c);
	assert_int_equal(c.problems.n, 0);	/* no id twice, no line torn */
	assert_int_equal(c.n, WRITERS * EACH);
	for (size_t i = 0; i < c.n; i++)
		assert_int_equal(c.v[i].start_ns, (int64_t)i * NS_PER_S);
	corrections_done(&c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(empty), TEST(written_is_read), TEST(taken_back), TEST(where_it_stands),
		TEST(refused), TEST(others_may_not_write_it), TEST(hostile_lines),
		TEST(torn_line), TEST(long_line), TEST(many_lines), TEST(disk_fails),
		TEST(many_writers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
