/*
 * The supervisor under real shells: /bin/sh always, and whichever of bash, busybox, ksh, mksh, yash and zsh are there (more by OPS_TEST_SHELLS,
 * a list of paths). Each plays /bin/sh and the login shell.
 */
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
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "supervised.h"

#define DATA_LEN 300000

static char root[64], state[96];	/* a folder of this test; the folder of states in it */
static char nonce[24];
static unsigned n_nonces;
static uint32_t seed = 20300101;

static unsigned
random_below(unsigned n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static const char *
new_nonce(void)
{
	snprintf(nonce, sizeof nonce, "%016x", 0xabc000 + n_nonces++);
	return nonce;
}

static void
write_file(const char *name, const char *text, mode_t mode)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", root, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

static void
start(struct supervised_run *r, struct ssh_command cmd)
{
	struct supervised sv;
	struct err err = ERR_INIT;

	cmd.nonce = cmd.nonce != NULL ? cmd.nonce : new_nonce();
	cmd.timeout_ns = cmd.timeout_ns != 0 ? cmd.timeout_ns : 100 * NS_PER_S;
	if (supervisor_wrap(&cmd, state, &sv, &err) < 0)
		fail_msg("%s", err.msg);
	supervised_start(r, &sv, cmd.nonce, cmd.in, cmd.in_len);
}

static void
run(struct supervised_run *r, struct ssh_command cmd)
{
	start(r, cmd);
	supervised_wait(r);
	supervisor_closed(&r->reader);
}

static void
ask(struct supervised_run *r, bool is_cancel, const char *of)
{
	struct supervised sv;

	assert_int_equal(is_cancel ? supervisor_cancel(of, state, &sv, NULL) : supervisor_settle(of, state, &sv, NULL), 0);
	supervised_start(r, &sv, of, NULL, 0);
	supervised_wait(r);
}

/* settle() and cancel() for their outcome alone; -1 status of a run that is still there is told as running. */
static enum ssh_outcome
answer(bool is_cancel, const char *of, int *ret_status, bool *ret_is_running)
{
	struct supervised_run r;
	enum ssh_outcome outcome;

	ask(&r, is_cancel, of);
	assert_true(r.reader.is_ended);
	assert_string_equal(r.err.data, "");
	outcome = r.reader.outcome;
	if (ret_status != NULL)
		*ret_status = r.reader.status;
	if (ret_is_running != NULL)
		*ret_is_running = r.reader.is_running;
	supervised_run_done(&r);
	return outcome;
}

static enum ssh_outcome
settle(const char *of, int *ret_status, bool *ret_is_running)
{
	return answer(false, of, ret_status, ret_is_running);
}

static enum ssh_outcome
cancel(const char *of)
{
	return answer(true, of, NULL, NULL);
}

#define WORDS(...) .argv = (const char *const[]){ __VA_ARGS__, NULL }
#define SH(text) WORDS("/bin/sh", "-c", text)

static void
wait_for_output(struct supervised_run *r, size_t len)
{
	for (int i = 0; i < 6000 && r->out.len < len; i++)
		loop_once(supervised_loop, 10 * NS_PER_MS);
	assert_true(r->out.len >= len);
}

/* Processes of a session, zombies aside. */
static int
alive_in_session(pid_t sid)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		char path[300], text[512] = "", state_char = 'Z';
		int ppid, pgid, session = 0;
		FILE *f;

		snprintf(path, sizeof path, "/proc/%s/stat", e->d_name);
		f = fopen(path, "r");
		if (f == NULL)
			continue;
		if (fgets(text, sizeof text, f) != NULL && strrchr(text, ')') != NULL &&
		    sscanf(strrchr(text, ')') + 1, " %c %d %d %d", &state_char, &ppid, &pgid, &session) == 4)
			n += session == sid && state_char != 'Z';
		fclose(f);
	}
	closedir(d);
	return n;
}

static void
until_session_gone(pid_t sid)
{
	for (int i = 0; i < 1000 && alive_in_session(sid) > 0; i++)
		supervised_turn(10);
	assert_int_equal(alive_in_session(sid), 0);
}

/* --- with each shell -------------------------------------------------------------------------- */

static char *
hostile(size_t *ret_len)
{
	static const char *const nasty[] = {
		"", "-", "--", "-rf", "$(reboot)", "`reboot`", "; rm -rf /", "'", "''", "'\\''", "\"", "\\", "\\\\", "\n", "a\nb\n", "*", "~", "~root", "#", "!!",
		"${IFS}", "&", "|", "a=b", "=ls", "{a,b}", "\x01\x02\x7f", "\xff\xfe", "\xc3", "\xe2\x80\xae", "%s%n", "\t \t", "\r\n", "::opsconsole:", "$'x'",
	};
	size_t n = sizeof nasty / sizeof *nasty, len;
	char *word;

	if (random_below(3) == 0) {
		word = xstrdup(nasty[random_below((unsigned)n)]);
	} else {
		len = random_below(24);
		word = xcalloc(len + 1, 1);
		for (size_t i = 0; i < len; i++)
			word[i] = (char)(1 + random_below(255));
	}
	*ret_len = strlen(word) + 1;
	return word;
}

static void
check_words_round_trip(void)
{
	for (int round = 0; round < 40; round++) {
		const char *argv[24] = { "/usr/bin/printf", "%s\\0" };
		size_t n = 2 + 1 + random_below(20), len;
		struct supervised_run r;
		struct buf expected;

		buf_init(&expected, 1 << 20);
		for (size_t i = 2; i < n; i++) {
			argv[i] = hostile(&len);
			buf_add(&expected, argv[i], len);
		}
		run(&r, (struct ssh_command){ .argv = argv });
		assert_string_equal(r.err.data, "");
		assert_int_equal(r.out.len, expected.len);
		assert_memory_equal(r.out.data, expected.data, expected.len);
		assert_true(r.reader.is_started);
		assert_int_equal(r.reader.outcome, SSH_EXITED);
		assert_int_equal(r.reader.status, 0);
		supervised_run_done(&r);
		buf_done(&expected);
		for (size_t i = 2; i < n; i++)
			free((void *)(uintptr_t)argv[i]);
	}
}

/* Values and input arrive byte for byte, and the words that go over the wire do not hold them. */
static void
check_env_and_input(void)
{
	char *data = xmalloc(DATA_LEN);

	for (size_t i = 0; i < DATA_LEN; i++)
		data[i] = (char)random_below(256);
	for (int round = 0; round < 5; round++) {
		size_t len;
		char *value = hostile(&len), *a = xasprintf("OPS_A=%s", value), *b = xasprintf("OPS_B=line\n%s'\n\n  ", value);
		struct supervised_run r;
		struct buf expected;

		buf_init(&expected, 1 << 20);
		buf_addstr(&expected, value);
		buf_addstr(&expected, b + strlen("OPS_B="));
		buf_add(&expected, data, DATA_LEN);
		run(&r, (struct ssh_command){ SH("printf %s \"$OPS_A\" \"$OPS_B\"; exec cat"), .env = (const char *const[]){ a, b, NULL },
		    .in = data, .in_len = DATA_LEN });
		assert_string_equal(r.err.data, "");
		assert_int_equal(r.out.len, expected.len);
		assert_memory_equal(r.out.data, expected.data, expected.len);
		supervised_run_done(&r);
		buf_done(&expected);
		free(value);
		free(a);
		free(b);
	}
	free(data);
}

static void
check_script(void)
{
	struct supervised_run r;

	run(&r, (struct ssh_command){ .script = "# it's \"text\"\nx='a  b'\nprintf '%s|' \"$x\" \"$@\" \"$OPS_S\"\ncat\nread y || echo over >&2\nexit 7\n",
	    WORDS("one two", "$(x)"), .env = (const char *const[]){ "OPS_S=s\ns", NULL } });
	assert_string_equal(r.out.data, "a  b|one two|$(x)|s\ns|");
	assert_string_equal(r.err.data, "over\n");
	assert_int_equal(r.reader.status, 7);
	supervised_run_done(&r);
}

static void
check_statuses(void)
{
	static const struct { const char *text, *signal; int status; } cases[] = {
		{ "exit 0", "", 0 }, { "exit 3", "", 3 }, { "exit 255", "", 255 }, { "kill -9 $$", "KILL", 137 }, { "kill -TERM $$", "TERM", 143 },
		{ "kill -SEGV $$", "SEGV", 139 }, { "printf 'no line end' >&2; exit 126", "", 126 },
	};
	struct supervised_run r;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		run(&r, (struct ssh_command){ SH(cases[i].text) });
		assert_int_equal(r.reader.outcome, SSH_EXITED);
		assert_int_equal(r.reader.status, cases[i].status);
		assert_string_equal(r.reader.signal, cases[i].signal);
		assert_string_equal(r.err.data, cases[i].status == 126 ? "no line end" : "");
		supervised_run_done(&r);
	}
	run(&r, (struct ssh_command){ WORDS("/nonexistent/no-such-program-here") });
	assert_int_equal(r.reader.status, 127);
	assert_non_null(strstr(r.err.data, "no-such-program-here"));
	supervised_run_done(&r);
	run(&r, (struct ssh_command){ WORDS("/etc/passwd") });
	assert_int_equal(r.reader.status, 126);
	supervised_run_done(&r);
}

/* The timeout ends the command and its children; nothing of ours stays either way. */
static void
check_timeout(void)
{
	struct supervised_run r;
	pid_t sid;

	start(&r, (struct ssh_command){ SH("sleep 1000 & sleep 1000"), .timeout_ns = NS_PER_S / 2 });
	sid = child_pid(r.child);
	supervised_wait(&r);
	assert_int_equal(r.reader.outcome, SSH_TIMED_OUT);
	assert_string_equal(r.reader.signal, "TERM");
	until_session_gone(sid);
	supervised_run_done(&r);
	assert_int_equal(settle(nonce, NULL, NULL), SSH_TIMED_OUT);

	start(&r, (struct ssh_command){ WORDS("true"), .timeout_ns = 1000 * NS_PER_S });
	sid = child_pid(r.child);
	supervised_wait(&r);
	assert_int_equal(r.reader.outcome, SSH_EXITED);
	until_session_gone(sid);
	supervised_run_done(&r);
}

static void
check_cancel_and_settle(void)
{
	struct supervised_run r;
	bool is_running;
	int status;
	pid_t sid;

	start(&r, (struct ssh_command){ SH("echo up; sleep 1000 & sleep 1000") });
	sid = child_pid(r.child);
	wait_for_output(&r, 3);
	assert_int_equal(settle(nonce, NULL, &is_running), SSH_UNKNOWN);
	assert_true(is_running);
	assert_int_equal(cancel(nonce), SSH_CANCELLED);
	supervised_wait(&r);
	assert_int_equal(r.reader.outcome, SSH_CANCELLED);
	until_session_gone(sid);	/* nobody waits for a timeout that ends some other group some day */
	supervised_run_done(&r);
	assert_int_equal(settle(nonce, NULL, NULL), SSH_CANCELLED);

	run(&r, (struct ssh_command){ SH("exit 9") });
	supervised_run_done(&r);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(settle(nonce, &status, &is_running), SSH_EXITED);
		assert_int_equal(status, 9);
		assert_false(is_running);
	}
	assert_int_equal(cancel(nonce), SSH_EXITED);	/* too late, and said so */
}

/* A cancel or timeout that came when the command had ended did not end it. */
static void
check_late_end(void)
{
	static const char *const late[] = { "timeout", "cancelled" };
	struct supervised_run r;
	char name[64], text[64];
	int status;

	run(&r, (struct ssh_command){ WORDS("true") });
	supervised_run_done(&r);
	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof name, "state/%s", new_nonce());
		snprintf(text, sizeof text, "claimed\nstarted 999999999 1\nexited 5\n%s\n", late[i]);
		write_file(name, text, 0600);
		assert_int_equal(settle(nonce, &status, NULL), SSH_EXITED);
		assert_int_equal(status, 5);
	}
}

/* kill -9 of the supervisor: the command goes on, is seen to, and can be ended. */
static void
check_killed_supervisor(void)
{
	struct supervised_run r;
	bool is_running;

	start(&r, (struct ssh_command){ SH("echo up; exec sleep 1000") });
	wait_for_output(&r, 3);
	supervised_turn(100);
	kill(child_pid(r.child), SIGKILL);
	supervised_wait(&r);
	assert_true(r.reader.is_started);
	assert_false(r.reader.is_ended);
	supervised_run_done(&r);
	assert_int_equal(settle(nonce, NULL, &is_running), SSH_UNKNOWN);
	assert_true(is_running);
	assert_int_equal(cancel(nonce), SSH_CANCELLED);
	assert_int_equal(settle(nonce, NULL, NULL), SSH_CANCELLED);

	start(&r, (struct ssh_command){ SH("echo up; sleep 1; exit 0") });
	wait_for_output(&r, 3);
	supervised_turn(100);
	kill(child_pid(r.child), SIGKILL);
	supervised_wait(&r);
	supervised_run_done(&r);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(settle(nonce, NULL, &is_running), SSH_UNKNOWN);
		if (!is_running)
			return;
		supervised_turn(100);
	}
	fail_msg("it is said to run for ever");
}

/* A nonce runs once; settled before it came, it never runs. */
static void
check_once(void)
{
	struct supervised_run r;
	char used[24], path[256];

	run(&r, (struct ssh_command){ WORDS("true") });
	supervised_run_done(&r);
	snprintf(used, sizeof used, "%s", nonce);
	run(&r, (struct ssh_command){ WORDS("touch", root), .nonce = used });
	assert_int_equal(r.reader.outcome, SSH_NOT_RUN);
	assert_non_null(strstr(r.reader.words, "used before"));
	supervised_run_done(&r);

	snprintf(path, sizeof path, "%s/since", state);		/* it has kept states for an hour */
	write_file("state/since", "1000000000\n", 0600);
	new_nonce();
	snprintf(used, sizeof used, "%s", nonce);
	assert_int_equal(settle(used, NULL, NULL), SSH_NOT_RUN);
	assert_int_equal(settle(used, NULL, NULL), SSH_NOT_RUN);
	snprintf(path, sizeof path, "%s/ran", root);
	run(&r, (struct ssh_command){ WORDS("touch", path), .nonce = used });
	assert_int_equal(r.reader.outcome, SSH_NOT_RUN);
	assert_int_equal(access(path, F_OK), -1);
	supervised_run_done(&r);
}

/* Whoever keeps stdout open does not keep the outcome back. */
static void
check_held_output(void)
{
	struct supervised_run r;
	pid_t sid;

	start(&r, (struct ssh_command){ SH("sleep 1000 & echo $!; exit 4") });
	sid = child_pid(r.child);
	for (int i = 0; i < 6000 && !r.reader.is_ended; i++)
		loop_once(supervised_loop, 10 * NS_PER_MS);
	assert_true(r.reader.is_ended);
	assert_int_equal(r.reader.status, 4);
	supervised_wait(&r);
	assert_true(atoi(r.out.data) > 1);
	kill(atoi(r.out.data), SIGKILL);
	until_session_gone(sid);
	supervised_run_done(&r);
}

/* Hang-up of everything we hold: the command's end is recorded all the same. */
static void
check_lost_connection(void)
{
	struct supervised_run r;
	struct supervised sv;
	char go[128], done[200];
	int status = -1;

	snprintf(go, sizeof go, "%s/go-%s", root, new_nonce());
	snprintf(done, sizeof done, "while [ ! -e %s ]; do sleep 0.05; done; exit 5", go);
	assert_int_equal(supervisor_wrap(&(struct ssh_command){ SH(done), .nonce = nonce, .timeout_ns = 100 * NS_PER_S }, state, &sv, NULL), 0);
	supervised_start(&r, &sv, nonce, NULL, 0);
	while (!r.reader.is_started)
		loop_once(supervised_loop, NS_PER_S);
	supervised_turn(300);
	kill(child_pid(r.child), SIGHUP);
	child_signal(r.child, SIGHUP);
	supervised_turn(100);
	close(open(go, O_WRONLY | O_CREAT, 0600));
	for (int i = 0; i < 600 && settle(nonce, &status, NULL) != SSH_EXITED; i++)
		supervised_turn(50);
	assert_int_equal(status, 5);
	supervised_wait(&r);
	supervised_run_done(&r);
}

static void (*const checks[])(void) = {
	check_words_round_trip, check_env_and_input, check_script, check_statuses, check_timeout, check_cancel_and_settle, check_late_end, check_killed_supervisor,
	check_once, check_held_output, check_lost_connection,
};

static bool
find(const char *name, char *ret, size_t size)
{
	static const char *const folders[] = { "/bin", "/usr/bin", "/usr/local/bin" };

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		snprintf(ret, size, "%s/%s", folders[i], name);
		if (access(ret, X_OK) == 0)
			return true;
	}
	return false;
}

/* Linked as "sh", which is how bash, zsh, yash and busybox know what is wanted of them. */
static void
check_shell(const char *path)
{
	char link[128];

	snprintf(link, sizeof link, "%s/sh", root);
	unlink(link);
	assert_int_equal(symlink(path, link), 0);
	print_message("shell: %s\n", path);
	supervised_sh = supervised_login = link;
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
		checks[i]();
	supervised_sh = NULL;
	supervised_login = "/bin/sh";
}

static void
test_sh(void **unused)
{
	(void)unused;
	check_shell("/bin/sh");
}

/* A login shell of another name hands over to /bin/sh, with all words. */
static void
test_login_shells(void **unused)
{
	static const char *const names[] = { "dash", "bash", "ksh93", "mksh", "yash", "zsh" };
	char path[300];

	(void)unused;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!find(names[i], path, sizeof path))
			continue;
		supervised_login = path;
		check_words_round_trip();
		check_script();
		check_cancel_and_settle();
	}
	supervised_login = "/bin/sh";
}

static void
test_other_shells(void **unused)
{
	static const char *const names[] = { "bash", "busybox", "ksh93", "mksh", "yash", "zsh" };
	char path[300], *list = xstrdup(getenv("OPS_TEST_SHELLS") != NULL ? getenv("OPS_TEST_SHELLS") : ""), *save = NULL;
	int n = 0;

	(void)unused;
	for (char *p = strtok_r(list, ":", &save); p != NULL; p = strtok_r(NULL, ":", &save), n++)
		check_shell(p);
	for (size_t i = 0; n == 0 && i < sizeof names / sizeof *names; i++)
		if (find(names[i], path, sizeof path))
			check_shell(path);
	free(list);
}

/* --- the rest, once --------------------------------------------------------------------------- */

static void
test_not_posix(void **unused)
{
	static const char *const names[] = { "fish", "tcsh", "csh", "../sbin/nologin", "../usr/sbin/nologin", "false" };
	char path[300], ran[128];

	(void)unused;
	snprintf(ran, sizeof ran, "%s/ran", root);
	write_file("forced", "#!/bin/sh\necho 'only backups here'\n", 0700);
	for (size_t i = 0; i <= sizeof names / sizeof *names; i++) {
		struct supervised_run r;
		struct err err = ERR_INIT;

		if (i == sizeof names / sizeof *names)
			snprintf(path, sizeof path, "%s/forced", root);
		else if (!find(names[i], path, sizeof path))
			continue;
		supervised_login = path;
		run(&r, (struct ssh_command){ WORDS("touch", ran) });
		assert_int_equal(r.reader.outcome, SSH_NOT_RUN);
		assert_int_equal(r.reader.fail, SSH_FAIL_SHELL);
		supervisor_explain(&r.reader, "web-01", &err);
		assert_non_null(strstr(err.msg, "not a POSIX shell"));
		assert_int_equal(access(ran, F_OK), -1);
		supervised_run_done(&r);
	}
	supervised_login = "/bin/sh";
}

static void
refused_for(const char *words)
{
	struct supervised_run r;
	char ran[128];

	snprintf(ran, sizeof ran, "%s/ran", root);
	run(&r, (struct ssh_command){ WORDS("touch", ran) });
	assert_int_equal(r.reader.outcome, SSH_NOT_RUN);
	assert_int_equal(r.reader.fail, SSH_FAIL_SHELL);
	assert_non_null(strstr(r.reader.words, words));
	assert_int_equal(access(ran, F_OK), -1);
	supervised_run_done(&r);
}

/* Links, files and folders of others are not used for states. */
static void
test_folder_of_states(void **unused)
{
	struct supervised_run r;
	struct stat st;
	char other[128];

	(void)unused;
	run(&r, (struct ssh_command){ WORDS("true") });
	supervised_run_done(&r);
	assert_int_equal(stat(state, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);

	snprintf(other, sizeof other, "%s/other", root);
	assert_int_equal(rename(state, other), 0);
	assert_int_equal(symlink(other, state), 0);
	refused_for("not a folder of this user alone");
	unlink(state);
	write_file("state", "a file\n", 0600);
	refused_for("not a folder of this user alone");
	unlink(state);
	if (geteuid() == 0) {
		assert_int_equal(mkdir(state, 0777), 0);
		assert_int_equal(chown(state, 4242, 4242), 0);
		refused_for("not a folder of this user alone");
		rmdir(state);
	} else {
		assert_int_equal(mkdir(state, 0500), 0);
		refused_for("cannot be written");
		rmdir(state);
	}
}

/* A group that ignores SIGTERM is killed, and only then it is said to be over. */
static void
test_timeout_kills(void **unused)
{
	struct supervised_run r;
	pid_t sid;

	(void)unused;
	start(&r, (struct ssh_command){ SH("trap '' TERM; (while :; do sleep 1; done) & while :; do sleep 1; done"), .timeout_ns = NS_PER_S });
	sid = child_pid(r.child);
	supervised_wait(&r);
	assert_int_equal(r.reader.outcome, SSH_TIMED_OUT);
	assert_string_equal(r.reader.signal, "KILL");
	until_session_gone(sid);
	supervised_run_done(&r);
}

/* sudo as it refuses, and one that lets us: it notes whom it was asked for. */
static void
test_become(void **unused)
{
	char ran[128], *env = xasprintf("PATH=%s:%s", root, getenv("PATH"));
	struct supervised_run r;
	struct err err = ERR_INIT;
	int status = -1;

	(void)unused;
	snprintf(ran, sizeof ran, "%s/ran", root);
	supervised_env = (const char *const[]){ env, NULL };
	write_file("sudo", "#!/bin/sh\necho 'We trust you have received' >&2\necho 'sudo: a password is required' >&2\nexit 1\n", 0700);
	run(&r, (struct ssh_command){ WORDS("touch", ran), .become = "model" });
	assert_int_equal(r.reader.outcome, SSH_NOT_RUN);
	assert_int_equal(r.reader.fail, SSH_FAIL_BECOME);
	assert_string_equal(r.reader.words, "sudo: a password is required");
	supervisor_explain(&r.reader, "web-01", &err);
	assert_non_null(strstr(err.msg, "web-01: sudo refused"));
	assert_int_equal(access(ran, F_OK), -1);
	supervised_run_done(&r);

	write_file("sudo", "#!/bin/sh\n[ \"$1 $2 $3 $4\" = '-n -u model --' ] || exit 99\nshift 4\nOPS_WHO=model; export OPS_WHO\nexec \"$@\"\n", 0700);
	run(&r, (struct ssh_command){ SH("printf '%s|' \"$OPS_WHO\" \"$OPS_E\" \"$0\"; cat; exit 6"), .become = "model",
	    .env = (const char *const[]){ "OPS_E=e'\n", NULL }, .in = "in", .in_len = 2 });
	assert_string_equal(r.out.data, "model|e'\n|/bin/sh|in");
	assert_string_equal(r.err.data, "");
	assert_int_equal(r.reader.outcome, SSH_EXITED);
	assert_int_equal(r.reader.status, 6);
	supervised_run_done(&r);
	assert_int_equal(settle(nonce, &status, NULL), SSH_EXITED);
	assert_int_equal(status, 6);

	start(&r, (struct ssh_command){ SH("echo up; sleep 1000"), .become = "model" });
	wait_for_output(&r, 3);
	assert_int_equal(cancel(nonce), SSH_CANCELLED);
	supervised_wait(&r);
	assert_int_equal(r.reader.outcome, SSH_CANCELLED);
	supervised_run_done(&r);
	supervised_env = NULL;
	free(env);
}

/* The usual folder of states, when none is named. */
static void
test_usual_folder(void **unused)
{
	char path[200], tmpdir[100];
	struct supervised_run r;
	struct supervised sv;
	struct stat st;

	(void)unused;
	snprintf(tmpdir, sizeof tmpdir, "TMPDIR=%s", root);
	supervised_env = (const char *const[]){ tmpdir, NULL };
	assert_int_equal(supervisor_wrap(&(struct ssh_command){ WORDS("true"), .nonce = new_nonce(), .timeout_ns = NS_PER_S }, NULL, &sv, NULL), 0);
	supervised_start(&r, &sv, nonce, NULL, 0);
	supervised_wait(&r);
	assert_int_equal(r.reader.outcome, SSH_EXITED);
	snprintf(path, sizeof path, "%s/opsconsole-%u/%s", root, (unsigned)geteuid(), nonce);
	assert_int_equal(stat(path, &st), 0);
	supervised_run_done(&r);
	supervised_env = NULL;
}

/* The first command on a host whose folder is new: it may have lost what it knew. */
static void
test_settle_on_a_new_folder(void **unused)
{
	(void)unused;
	assert_int_equal(settle(new_nonce(), NULL, NULL), SSH_UNKNOWN);
}

static void
test_unsupervised(void **unused)
{
	struct supervised sv;

	(void)unused;
	assert_int_equal(supervisor_wrap(&(struct ssh_command){ WORDS("a b", "it's"), .is_unsupervised = true }, NULL, &sv, NULL), 0);
	assert_string_equal(sv.command.data, "'a b' 'it'\\''s'");
	assert_int_equal(sv.input.len, 0);
	supervised_done(&sv);
	assert_int_equal(supervisor_wrap(&(struct ssh_command){ WORDS("x"), .is_unsupervised = true, .become = "root" }, NULL, &sv, NULL), 0);
	assert_string_equal(sv.command.data, "sudo -n -u root -- 'x'");
	supervised_done(&sv);
}

static void
test_refusals(void **unused)
{
	static const char good[] = "0123456789abcdef";
	char *long_word = xcalloc(200001, 1);
	const struct { struct ssh_command cmd; const char *dir, *words; int code; } cases[] = {
		{ { .nonce = good, .timeout_ns = 1 }, NULL, "at least one word", ERR_INVALID },
		{ { WORDS("x"), .nonce = good }, NULL, "timeout", ERR_INVALID },
		{ { WORDS("x"), .timeout_ns = 1 }, NULL, "nonce", ERR_INVALID },
		{ { WORDS("x"), .timeout_ns = 1, .nonce = "0123456789abcde;" }, NULL, "nonce", ERR_INVALID },
		{ { WORDS("x"), .timeout_ns = 1, .nonce = good }, "relative", "absolute", ERR_INVALID },
		{ { WORDS("x"), .timeout_ns = 1, .nonce = good, .become = "-x" }, NULL, "become", ERR_INVALID },
		{ { WORDS("x"), .timeout_ns = 1, .nonce = good, .become = "a;b" }, NULL, "a;b", ERR_INVALID },
		{ { WORDS("x"), .timeout_ns = 1, .nonce = good, .env = (const char *const[]){ "A-B=hidden", NULL } }, NULL, "A-B", ERR_INVALID },
		{ { WORDS("x"), .timeout_ns = 1, .nonce = good, .env = (const char *const[]){ "1=hidden", NULL } }, NULL, "\"1\"", ERR_INVALID },
		{ { WORDS("x"), .timeout_ns = 1, .nonce = good, .env = (const char *const[]){ "hidden", NULL } }, NULL, "name", ERR_INVALID },
		{ { WORDS("x"), .script = "y", .in = "z", .in_len = 1, .timeout_ns = 1, .nonce = good }, NULL, "stdin", ERR_INVALID },
		{ { .script = "y", .is_unsupervised = true }, NULL, "supervise: none", ERR_INVALID },
		{ { WORDS("x", long_word), .timeout_ns = 1, .nonce = good }, NULL, "too long", ERR_LIMIT },
	};

	(void)unused;
	memset(long_word, 'x', 200000);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct supervised sv;
		struct err err = ERR_INIT;

		assert_int_equal(supervisor_wrap(&cases[i].cmd, cases[i].dir, &sv, &err), cases[i].code);
		assert_non_null(strstr(err.msg, cases[i].words));
	}
	free(long_word);
}

/* What a person reads in the dry run: short, the words as they are, no value of env. */
static void
test_text(void **unused)
{
	struct supervised sv;

	(void)unused;
	assert_int_equal(supervisor_wrap(&(struct ssh_command){ WORDS("activate-model", "spam filter"), .nonce = "0123456789abcdef", .timeout_ns = 1,
	    .env = (const char *const[]){ "TOKEN=hidden", NULL } }, NULL, &sv, NULL), 0);
	assert_null(strstr(sv.command.data, "hidden"));
	assert_non_null(strstr(sv.input.data, "export TOKEN='hidden'; "));
	assert_int_equal(sv.input.data[sv.input.len - 1], '\n');
	assert_ptr_equal(strchr(sv.input.data, '\n'), sv.input.data + sv.input.len - 1);
	assert_non_null(strstr(sv.command.data, " 'activate-model' 'spam filter'"));
	assert_null(strstr(sv.command.data, "'\\''"));
	assert_true(sv.command.len < 3 * 1024);
	supervised_done(&sv);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void
collect(const char *bytes, size_t len, void *arg)
{
	assert_int_equal(buf_add(arg, bytes, len), 0);
}

#define N "00112233445566778899"
#define M "::opsconsole:" N ":"

/* However it is cut into reads, the same comes out. */
static void
test_reader(void **unused)
{
	static const struct { const char *in, *out; enum ssh_outcome outcome; int status; bool is_ended; } cases[] = {
		{ "", "", SSH_UNKNOWN, -1, false },
		{ "plain", "plain", SSH_UNKNOWN, -1, false },
		{ M "ready\nwarn" M "exited 0\n", "warn", SSH_EXITED, 0, true },
		{ M "ready\n::" M "exited 300\nlater\n", "::later\n", SSH_EXITED, 172, true },
		{ M "exited 5\n" M "exited 0\n", "", SSH_EXITED, 5, true },
		{ M "exited\n", M "exited\n", SSH_UNKNOWN, -1, false },
		{ M "exited x\n", M "exited x\n", SSH_UNKNOWN, -1, false },
		{ M "exited 9999\n", M "exited 9999\n", SSH_UNKNOWN, -1, false },
		{ M "exited -1\n", M "exited -1\n", SSH_UNKNOWN, -1, false },
		{ M "something\n", M "something\n", SSH_UNKNOWN, -1, false },
		{ M "exited 0", M "exited 0", SSH_UNKNOWN, -1, false },
		{ "::opsconsole:99:exited 0\n", "::opsconsole:99:exited 0\n", SSH_UNKNOWN, -1, false },
		{ M M "timeout 143\n", M, SSH_TIMED_OUT, 143, true },
		{ M "cancelled\n", "", SSH_CANCELLED, -1, true },
		{ M "lost 0\n", "", SSH_UNKNOWN, 0, true },
		{ M "never\n", "", SSH_NOT_RUN, -1, true },
		{ M "never 0\n", "", SSH_UNKNOWN, -1, true },
		{ M "never 17\n", "", SSH_NOT_RUN, -1, true },
		{ M "running\n", "", SSH_UNKNOWN, -1, true },
		{ M "refused no\n", "", SSH_NOT_RUN, -1, true },
		{ ":::::opsconsole", ":::::opsconsole", SSH_UNKNOWN, -1, false },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (size_t step = 1; step <= 64; step += step < 8 ? 1 : 14) {
			struct supervisor_reader r;
			struct buf out;
			size_t len = strlen(cases[i].in);

			buf_init(&out, 1 << 16);
			supervisor_reader_init(&r, N);
			for (size_t at = 0; at < len; at += step)
				supervisor_read(&r, cases[i].in + at, len - at < step ? len - at : step, collect, &out);
			supervisor_read_end(&r, collect, &out);
			assert_string_equal(out.data, cases[i].out);
			assert_int_equal(r.is_ended, cases[i].is_ended);
			assert_int_equal(r.outcome, cases[i].outcome);
			assert_int_equal(r.status, cases[i].status);
			supervisor_reader_done(&r);
			buf_done(&out);
		}
	}
}

static void
test_reader_large(void **unused)
{
	size_t len = 1 << 20;
	char *text = xmalloc(len);
	struct supervisor_reader r;
	struct buf out;

	(void)unused;
	for (size_t i = 0; i < len; i++)
		text[i] = M[random_below(sizeof M - 1)];
	buf_init(&out, 3 * len);
	supervisor_reader_init(&r, N);
	supervisor_read(&r, text, len, collect, &out);
	supervisor_read(&r, M, sizeof M - 1, collect, &out);
	supervisor_read(&r, text, len, collect, &out);
	supervisor_read_end(&r, collect, &out);
	assert_int_equal(out.len, 2 * len + sizeof M - 1);
	assert_memory_equal(out.data, text, len);
	assert_memory_equal(out.data + len, M, sizeof M - 1);
	supervisor_reader_done(&r);
	buf_done(&out);
	free(text);
}

static int
setup(void **unused)
{
	(void)unused;
	snprintf(root, sizeof root, "/tmp/opsconsole-test-XXXXXX");
	if (mkdtemp(root) == NULL)
		return -1;
	snprintf(state, sizeof state, "%s/state", root);
	return loop_new(&supervised_loop, NULL);
}

static int
teardown(void **unused)
{
	char *command = xasprintf("rm -rf %s", root);
	int r;

	(void)unused;
	supervised_login = "/bin/sh";		/* also after a check that failed */
	supervised_sh = NULL;
	supervised_env = NULL;
	loop_free(supervised_loop);
	r = system(command);
	free(command);
	return r;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		T(test_reader), T(test_reader_large), T(test_refusals), T(test_text), T(test_unsupervised), T(test_sh), T(test_login_shells), T(test_not_posix), T(test_folder_of_states),
		T(test_become), T(test_usual_folder), T(test_settle_on_a_new_folder), T(test_timeout_kills), T(test_other_shells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
