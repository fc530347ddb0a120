/* Children: what they are given, what comes back, how they end, and that nothing of them is left. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "loop/child.h"

struct seen {
	struct buf out, err;
	int ends;
	struct child_end end;
	bool frees_in_read, frees_in_end;
};

static struct loop *loop;
static struct seen seen;

static int
setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof seen);
	buf_init(&seen.out, 64 << 20);
	buf_init(&seen.err, 64 << 20);
	return loop_new(&loop, NULL);
}

/* No process of ours is left, alive or dead. */
static int
teardown(void **state)
{
	int r = 0;

	(void)state;
	for (int i = 0; i < 500; i++) {
		siginfo_t info;

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
			break;
		loop_once(loop, 20 * NS_PER_MS);
		if (i == 499)
			r = -1;
	}
	loop_free(loop);
	buf_done(&seen.out);
	buf_done(&seen.err);
	return r;
}

static void
on_read(struct child *c, enum child_stream stream, const char *bytes, size_t len, void *arg)
{
	struct seen *s = arg;

	assert_true(len > 0);
	assert_int_equal(buf_add(stream == CHILD_OUT ? &s->out : &s->err, bytes, len), 0);
	if (s->frees_in_read)
		child_free(c);
}

static void
on_end(struct child *c, const struct child_end *end, void *arg)
{
	struct seen *s = arg;

	s->ends++;
	s->end = *end;
	if (s->frees_in_end)
		child_free(c);
}

static struct child *
start(struct child_spec spec)
{
	struct child *c = NULL;
	struct err err = ERR_INIT;

	spec.read = on_read;
	spec.end = on_end;
	spec.arg = &seen;
	assert_int_equal(child_start(loop, &spec, &c, &err), 0);
	assert_non_null(c);
	assert_int_equal(seen.ends, 0);		/* never before the loop has turned */
	return c;
}

static void
until_end(void)
{
	int64_t give_up = clock_mono_fresh() + 60 * NS_PER_S;

	while (seen.ends == 0 && clock_mono_fresh() < give_up)
		loop_once(loop, NS_PER_S);
	assert_int_equal(seen.ends, 1);
}

static void
run(struct child_spec spec)
{
	struct child *c = start(spec);

	until_end();
	child_free(c);
}

#define SH(text) .argv = (const char *const[]){ "/bin/sh", "-c", text, NULL }

static void
test_streams_and_status(void **state)
{
	(void)state;
	run((struct child_spec){ SH("cat; echo beside >&2; exit 3"), .in = "one\0two", .in_len = 7 });
	assert_int_equal(seen.end.status, 3);
	assert_int_equal(seen.end.signo, 0);
	assert_false(seen.end.is_timeout);
	assert_int_equal(seen.end.err.code, 0);
	assert_int_equal(seen.out.len, 7);
	assert_memory_equal(seen.out.data, "one\0two", 7);
	assert_string_equal(seen.err.data, "beside\n");
}

static void
test_no_input_is_its_end(void **state)
{
	(void)state;
	run((struct child_spec){ SH("cat; echo done") });
	assert_string_equal(seen.out.data, "done\n");
}

static void
test_signal(void **state)
{
	(void)state;
	run((struct child_spec){ SH("kill -9 $$") });
	assert_int_equal(seen.end.status, -1);
	assert_int_equal(seen.end.signo, SIGKILL);
	assert_false(seen.end.is_timeout);
}

static void
test_program_not_there(void **state)
{
	static const struct { const char *name, *words; int code; } cases[] = {
		{ "no-such-program-here", "cannot run no-such-program-here: not found in PATH", ERR_NOTFOUND },
		{ "/nonexistent/x", "cannot run /nonexistent/x: No such file", ERR_NOTFOUND },
		{ "/etc/passwd", "cannot run /etc/passwd: Permission denied", ERR_IO },
		{ "/etc/\x1b[2J", "cannot run /etc/\\x1B[2J: No such file", ERR_NOTFOUND },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		seen.ends = 0;
		run((struct child_spec){ .argv = (const char *const[]){ cases[i].name, NULL } });
		assert_int_equal(seen.end.err.code, cases[i].code);
		assert_non_null(strstr(seen.end.err.msg, cases[i].words));
		assert_int_equal(seen.end.status, -1);
	}
}

static void
test_folder_not_there(void **state)
{
	(void)state;
	run((struct child_spec){ SH("pwd"), .dir = "/proc/nonexistent" });
	assert_string_equal(seen.end.err.msg, "cannot run /bin/sh in /proc/nonexistent: No such file or directory");
	seen.ends = 0;
	run((struct child_spec){ SH("pwd"), .dir = "/usr" });
	assert_string_equal(seen.out.data, "/usr\n");
}

static void
test_environment(void **state)
{
	(void)state;
	setenv("CHILD_KEPT", "kept", 1);
	setenv("CHILD_GONE", "gone", 1);
	setenv("CHILD_NEW", "old", 1);
	run((struct child_spec){ SH("echo \"$CHILD_KEPT,${CHILD_GONE-},$CHILD_NEW\"; env | grep -c ^CHILD_NEW="),
	    .env = (const char *const[]){ "CHILD_NEW=a b=c", NULL }, .unset = (const char *const[]){ "CHILD_GONE", NULL } });
	assert_string_equal(seen.out.data, "kept,,a b=c\n1\n");
	unsetenv("CHILD_KEPT");
	unsetenv("CHILD_GONE");
	unsetenv("CHILD_NEW");
}

/* Descriptors without close-on-exec, blocked and ignored signals: none of ours get through. */
static void
test_nothing_is_inherited(void **state)
{
	int fd = open("/dev/null", O_RDONLY), high = fcntl(fd, F_DUPFD, 200);
	sigset_t set, before;
	const char *ignored;

	(void)state;
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, &before);
	signal(SIGPIPE, SIG_IGN);
	run((struct child_spec){ SH("for f in /proc/self/fd/*; do [ -e $f ] && [ ${f##*/} -gt 2 ] && echo $f; done; grep -E 'Sig(Blk|Ign)' /proc/self/status") });
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, SIG_DFL);
	close(fd);
	close(high);
	assert_null(strstr(seen.out.data, "/proc/self/fd/200"));
	assert_non_null(strstr(seen.out.data, "SigBlk:\t0000000000000000"));
	ignored = strstr(seen.out.data, "SigIgn:\t");
	assert_non_null(ignored);
	/* 32 and 33 are the C library's own and cannot be set by anybody; whoever started us may have left them ignored. */
	assert_int_equal(strtoull(ignored + strlen("SigIgn:\t"), NULL, 16) & ~UINT64_C(0x180000000), 0);
}

static void
test_group_and_session(void **state)
{
	struct child *c;

	(void)state;
	c = start((struct child_spec){ SH("read x; exit 0"), .is_session = true });
	assert_int_equal(getpgid(child_pid(c)), child_pid(c));
	assert_int_equal(getsid(child_pid(c)), child_pid(c));
	until_end();
	child_free(c);
	seen.ends = 0;
	c = start((struct child_spec){ .argv = (const char *const[]){ "sleep", "60", NULL } });
	assert_int_equal(getpgid(child_pid(c)), child_pid(c));
	assert_int_equal(getsid(child_pid(c)), getsid(0));
	child_signal(c, SIGINT);
	until_end();
	assert_int_equal(seen.end.signo, SIGINT);
	child_free(c);
}

static void
test_timeout_ends_the_group(void **state)
{
	int64_t timeout_ns = 50 * NS_PER_MS;

	(void)state;
	do {	/* until the shell has come so far */
		timeout_ns *= 2;
		run((struct child_spec){ SH("sleep 100 & echo up; wait"), .timeout_ns = timeout_ns });
		assert_true(seen.end.is_timeout);
		assert_int_equal(seen.end.signo, SIGTERM);
	} while (seen.out.len == 0 && timeout_ns < 60 * NS_PER_S);
	assert_string_equal(seen.out.data, "up\n");
}

static void
test_timeout_kills_who_will_not_end(void **state)
{
	int64_t timeout_ns = 50 * NS_PER_MS;

	(void)state;
	do {	/* until the shell has come as far as its trap */
		timeout_ns *= 2;
		run((struct child_spec){ SH("trap '' TERM; echo up; while :; do sleep 1; done"), .timeout_ns = timeout_ns });
		assert_true(seen.end.is_timeout);
	} while (seen.out.len == 0 && timeout_ns < 60 * NS_PER_S);
	assert_int_equal(seen.end.signo, SIGKILL);
}

/* The grandchild keeps stdout open in a session of its own. */
static void
test_streams_held_open_are_not_waited_for(void **state)
{
	(void)state;
	run((struct child_spec){ SH("setsid sleep 5 & echo over; exit 4") });
	assert_int_equal(seen.end.status, 4);
	assert_string_equal(seen.out.data, "over\n");
}

/* 20 MB both ways at the same time, with pauses. */
static void
test_large_both_ways(void **state)
{
	size_t len = 20 << 20;
	char *in = xmalloc(len);
	struct child *c;

	(void)state;
	for (size_t i = 0; i < len; i++)
		in[i] = (char)(i * 2654435761u >> 13);
	c = start((struct child_spec){ .argv = (const char *const[]){ "cat", NULL }, .in = in, .in_len = len });
	for (int i = 0; seen.ends == 0; i++) {
		child_pause(c, i % 3 == 1);
		loop_once(loop, i % 3 == 1 ? NS_PER_MS : NS_PER_S);
	}
	assert_int_equal(seen.out.len, len);
	assert_memory_equal(seen.out.data, in, len);
	child_free(c);
	free(in);
}

/* What is paused is not lost when the program has ended meanwhile. */
static void
test_paused_over_the_end(void **state)
{
	struct child *c;

	(void)state;
	c = start((struct child_spec){ SH("printf 'all of it'") });
	child_pause(c, true);
	for (int i = 0; i < 20; i++)
		loop_once(loop, 100 * NS_PER_MS);
	assert_int_equal(seen.ends, 0);
	assert_int_equal(seen.out.len, 0);
	child_pause(c, false);
	until_end();
	assert_string_equal(seen.out.data, "all of it");
	child_free(c);
}

/* A program that does not read its input: no SIGPIPE for us. */
static void
test_input_not_read(void **state)
{
	size_t len = 4 << 20;
	char *in = xcalloc(1, len);

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	run((struct child_spec){ SH("exec 0<&-; sleep 0.2; exit 5"), .in = in, .in_len = len });
	assert_int_equal(seen.end.status, 5);
	free(in);
}

static void
test_freed_while_it_runs(void **state)
{
	pid_t pid;
	struct child *c;

	(void)state;
	child_free(NULL);
	c = start((struct child_spec){ SH("sleep 100 & wait"), .timeout_ns = NS_PER_MS });
	pid = child_pid(c);
	child_free(c);
	for (int i = 0; i < 500 && kill(pid, 0) == 0; i++)
		loop_once(loop, 20 * NS_PER_MS);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(seen.ends, 0);
	assert_int_equal(seen.out.len, 0);
}

static void
test_freed_in_callbacks(void **state)
{
	(void)state;
	seen.frees_in_read = true;
	start((struct child_spec){ SH("echo x; echo y >&2; sleep 100") });
	for (int i = 0; i < 200 && seen.out.len + seen.err.len == 0; i++)
		loop_once(loop, 100 * NS_PER_MS);
	assert_int_equal(seen.out.len + seen.err.len, 2);
	for (int i = 0; i < 5; i++)
		loop_once(loop, 10 * NS_PER_MS);
	assert_int_equal(seen.ends, 0);

	seen.frees_in_read = false;
	seen.frees_in_end = true;
	start((struct child_spec){ SH("exit 0") });
	until_end();
	seen.ends = 0;
	start((struct child_spec){ .argv = (const char *const[]){ "/nonexistent/x", NULL } });
	until_end();
}

/* A bound child ends with the process that started it. */
static void
test_bound(void **state)
{
	int fds[2];
	pid_t parent, grandchild = 0;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	parent = fork();
	if (parent == 0) {
		struct child_spec spec = { .argv = (const char *const[]){ "sleep", "100", NULL }, .is_bound = true };
		struct child *c;
		pid_t pid;

		if (child_start(loop, &spec, &c, NULL) < 0)
			_exit(1);
		pid = child_pid(c);
		if (write(fds[1], &pid, sizeof pid) != sizeof pid)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(fds[0], &grandchild, sizeof grandchild), sizeof grandchild);
	close(fds[0]);
	close(fds[1]);
	assert_true(grandchild > 1);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	for (int i = 0; i < 500; i++) {
		char path[64], text[256] = "";
		FILE *f;

		snprintf(path, sizeof path, "/proc/%d/stat", (int)grandchild);
		f = fopen(path, "r");
		if (f == NULL)
			return;
		if (fgets(text, sizeof text, f) == NULL)
			text[0] = '\0';
		fclose(f);
		if (strstr(text, ") Z") != NULL)	/* whoever adopted it has not looked yet */
			return;
		loop_once(loop, 20 * NS_PER_MS);
	}
	fail_msg("it outlived its parent");
}

/* Descriptors do not pile up. */
static void
test_many(void **state)
{
	int before = 0, after = 0;

	(void)state;
	for (int round = 0; round < 60; round++) {
		DIR *d;

		seen.ends = 0;
		run((struct child_spec){ SH(round % 2 == 0 ? "exit 0" : "echo; exit 1"), .in = "x", .in_len = 1 });
		d = opendir("/proc/self/fd");
		assert_non_null(d);
		after = 0;
		while (readdir(d) != NULL)
			after++;
		closedir(d);
		if (round == 0)
			before = after;
	}
	assert_int_equal(before, after);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		T(test_streams_and_status), T(test_no_input_is_its_end), T(test_signal), T(test_program_not_there), T(test_folder_not_there),
		T(test_environment), T(test_nothing_is_inherited), T(test_group_and_session), T(test_timeout_ends_the_group),
		T(test_timeout_kills_who_will_not_end), T(test_streams_held_open_are_not_waited_for), T(test_large_both_ways),
		T(test_paused_over_the_end), T(test_input_not_read), T(test_freed_while_it_runs), T(test_freed_in_callbacks), T(test_bound), T(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
