/* The system's ssh as transport: against real sshds, and against an ssh that fails in every way it knows. */
#include "config.h"

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
#include "ssh/openssh.h"
#include "ssh/openssh_words.h"
#include "ssh_driver.h"

static struct loop *loop;
static struct farm farm;
static char fakes[64], states[80], config[300], *path_before;
static const char nonce_base[] = "00ff00ff";

struct seen {
	struct buf out, err;
	struct ssh_result result;
	int ends;
	unsigned stages;
	struct openssh *o;
	bool frees_at_run;
};

static void
on_stage(enum ssh_stage stage, void *arg)
{
	struct seen *s = arg;

	assert_false(s->stages & 1u << stage);
	s->stages |= 1u << stage;
	if (s->frees_at_run && stage == SSH_RUN) {
		openssh_free(s->o);
		s->o = NULL;
	}
}

static void
on_read(enum ssh_stream stream, const char *bytes, size_t len, void *arg)
{
	struct seen *s = arg;

	assert_int_equal(buf_add(stream == SSH_OUT ? &s->out : &s->err, bytes, len), 0);
}

static void
on_end(const struct ssh_result *result, void *arg)
{
	struct seen *s = arg;

	s->ends++;
	s->result = *result;
	openssh_free(s->o);
	s->o = NULL;
}

static const char *
new_nonce(void)
{
	static char nonce[24];
	static unsigned n;

	snprintf(nonce, sizeof nonce, "%s%08x", nonce_base, n++);
	return nonce;
}

static void
start_with(struct seen *s, const struct ssh_options *options, const char *host, const struct ssh_command *cmd, struct supervised *sv)
{
	const struct openssh_events ev = { .stage = on_stage, .read = on_read, .end = on_end, .arg = s };
	const struct ssh_host h = { .name = host, .address = host };
	struct err err = ERR_INIT;
	bool frees = s->frees_at_run;

	memset(s, 0, sizeof *s);
	s->frees_at_run = frees;
	buf_init(&s->out, 64 << 20);
	buf_init(&s->err, 64 << 20);
	if (openssh_start(loop, options, NULL, &h, sv, cmd, &ev, &s->o, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(sv->command.len, 0);
	assert_int_equal(sv->input.len, 0);
	supervised_done(sv);
}

static void
start(struct seen *s, const char *host, struct ssh_command cmd)
{
	const struct ssh_options options = { .config = config[0] != '\0' ? config : NULL, .connect_ns = 20 * NS_PER_S };
	struct supervised sv;
	struct err err = ERR_INIT;

	cmd.nonce = cmd.nonce != NULL ? cmd.nonce : new_nonce();
	cmd.timeout_ns = cmd.timeout_ns != 0 ? cmd.timeout_ns : 60 * NS_PER_S;
	if (supervisor_wrap(&cmd, states, &sv, &err) < 0)
		fail_msg("%s", err.msg);
	start_with(s, &options, host, &cmd, &sv);
}

static void
until_end(struct seen *s)
{
	int64_t give_up = clock_mono_fresh() + 60 * NS_PER_S;

	while (s->ends == 0 && clock_mono_fresh() < give_up)
		loop_once(loop, NS_PER_S);
	assert_int_equal(s->ends, 1);
}

static void
run(struct seen *s, const char *host, struct ssh_command cmd)
{
	start(s, host, cmd);
	until_end(s);
}

static void
seen_done(struct seen *s)
{
	openssh_free(s->o);
	buf_done(&s->out);
	buf_done(&s->err);
}

#define WORDS(...) .argv = (const char *const[]){ __VA_ARGS__, NULL }
#define SH(text) WORDS("/bin/sh", "-c", text)

/* --- with real sshds -------------------------------------------------------------------------- */

static bool
is_farm(void)
{
	if (farm.why[0] == '\0')
		return true;
	print_message("no sshd: %s\n", farm.why);
	skip();
	return false;
}

static void
test_real(void **state)
{
	struct seen s = { .ends = 0 };

	(void)state;
	if (!is_farm())
		return;
	run(&s, "web-1", (struct ssh_command){ SH("cat; printf %s \"$A\"; echo beside >&2; exit 3"), .env = (const char *const[]){ "A=it's\nsecret", NULL },
	    .in = "in\0put", .in_len = 6 });
	assert_int_equal(s.result.outcome, SSH_EXITED);
	assert_int_equal(s.result.status, 3);
	assert_int_equal(s.result.stage, SSH_CLOSED);
	assert_int_equal(s.out.len, 6 + 11);
	assert_memory_equal(s.out.data, "in\0putit's\nsecret", 17);
	assert_string_equal(s.err.data, "beside\n");
	assert_true(s.result.started_ns > 0 && s.result.ended_ns >= s.result.started_ns);
	assert_int_equal(s.stages, 1u << SSH_OPEN | 1u << SSH_RUN);
	seen_done(&s);

	run(&s, "web-2", (struct ssh_command){ SH("kill -KILL $$") });
	assert_int_equal(s.result.outcome, SSH_EXITED);
	assert_string_equal(s.result.signal, "KILL");
	seen_done(&s);

	run(&s, "web-2", (struct ssh_command){ SH("head -c 10000000 /dev/zero") });
	assert_int_equal(s.out.len, 10000000);
	assert_int_equal(s.result.status, 0);
	seen_done(&s);

	run(&s, "web-2", (struct ssh_command){ SH("exit 255") });
	assert_int_equal(s.result.outcome, SSH_EXITED);
	assert_int_equal(s.result.status, 255);
	seen_done(&s);
}

static void
test_real_timeout_and_held_output(void **state)
{
	struct seen s = { .ends = 0 };

	(void)state;
	if (!is_farm())
		return;
	run(&s, "web-1", (struct ssh_command){ SH("sleep 1000"), .timeout_ns = NS_PER_S });
	assert_int_equal(s.result.outcome, SSH_TIMED_OUT);
	seen_done(&s);
	run(&s, "web-1", (struct ssh_command){ SH("sleep 8 & exit 4") });
	assert_int_equal(s.result.outcome, SSH_EXITED);
	assert_int_equal(s.result.status, 4);
	seen_done(&s);
	/* Nor is what speaks on and on waited for. */
	run(&s, "web-1", (struct ssh_command){ SH("while :; do echo x >&2; sleep 0.5; done & echo $!; exit 4") });
	assert_int_equal(s.result.outcome, SSH_EXITED);
	assert_int_equal(s.result.status, 4);
	assert_true(atoi(s.out.data) > 1);
	kill(atoi(s.out.data), SIGKILL);
	seen_done(&s);
}

static void
test_real_cancel(void **state)
{
	const struct ssh_options options = { .config = config };
	struct seen s = { .ends = 0 }, c;
	struct supervised sv;
	const char *nonce = new_nonce();
	struct ssh_command question = { .nonce = nonce, .timeout_ns = NS_PER_S };

	(void)state;
	if (!is_farm())
		return;
	start(&s, "web-1", (struct ssh_command){ SH("echo up; sleep 1000"), .nonce = nonce });
	while (s.out.len == 0 && s.ends == 0)
		loop_once(loop, NS_PER_S);
	assert_int_equal(s.ends, 0);
	memset(&c, 0, sizeof c);
	assert_int_equal(supervisor_cancel(nonce, states, &sv, NULL), 0);
	start_with(&c, &options, "web-1", &question, &sv);
	until_end(&c);
	assert_int_equal(c.result.outcome, SSH_CANCELLED);
	seen_done(&c);
	until_end(&s);
	assert_int_equal(s.result.outcome, SSH_CANCELLED);
	seen_done(&s);
}

/* The connection dies under it: the outcome is unknown, and the host knows. */
static void
test_real_lost(void **state)
{
	const struct ssh_options options = { .config = config };
	const char *nonce = new_nonce();
	struct ssh_command question = { .nonce = nonce, .timeout_ns = NS_PER_S };
	struct supervised sv;
	struct seen s = { .ends = 0 };

	(void)state;
	if (!is_farm())
		return;
	s.frees_at_run = true;
	start(&s, "web-1", (struct ssh_command){ SH("sleep 1; exit 5"), .nonce = nonce });
	while (s.o != NULL && s.ends == 0)
		loop_once(loop, NS_PER_S);
	assert_int_equal(s.ends, 0);
	seen_done(&s);
	for (int i = 0; i < 200; i++) {
		memset(&s, 0, sizeof s);
		assert_int_equal(supervisor_settle(nonce, states, &sv, NULL), 0);
		start_with(&s, &options, "web-1", &question, &sv);
		until_end(&s);
		if (s.result.outcome == SSH_EXITED)
			break;
		assert_int_equal(s.result.outcome, SSH_UNKNOWN);
		assert_int_equal(s.result.stage, SSH_RUN);
		seen_done(&s);
	}
	assert_int_equal(s.result.status, 5);
	seen_done(&s);
}

static void
fails_with(const char *host, struct ssh_command cmd, enum ssh_fail why, enum ssh_stage stage, const char *words)
{
	struct seen s = { .ends = 0 };

	run(&s, host, cmd);
	assert_int_equal(s.result.outcome, SSH_NOT_RUN);
	assert_int_equal(s.result.fail, why);
	assert_int_equal(s.result.stage, stage);
	if (strstr(s.result.err.msg, words) == NULL)
		fail_msg("\"%s\" is not in: %s", words, s.result.err.msg);
	assert_non_null(strstr(s.result.err.msg, host));
	if (why != SSH_FAIL_SHELL)		/* nologin says so on stdout */
		assert_int_equal(s.out.len, 0);
	seen_done(&s);
}

static void
test_real_refusals(void **state)
{
	char extra[1000], *key;
	struct ssh_command cmd = { WORDS("true") };

	(void)state;
	if (!is_farm())
		return;
	key = farm_read(&farm, "id_ed25519.pub");	/* a key that is not the host's */
	assert_non_null(key);
	snprintf(extra, sizeof extra, "[127.0.100.2]:%u %s", farm.port, key);
	farm_write(&farm, "changed", extra);
	farm_write(&farm, "none", "");
	free(key);
	snprintf(extra, sizeof extra,
	    "Host web-1\nUserKnownHostsFile %s/none\nHost web-2\nUserKnownHostsFile %s/changed\nHost web-3\nUser nobody-here\n"
	    "Host shut\nHostName 127.0.0.1\nPort 1\nHost lost\nHostName no-such-name.invalid\n", farm.dir, farm.dir);
	farm_config(&farm, "refusals", extra, config, sizeof config);
	fails_with("web-1", cmd, SSH_FAIL_HOST_KEY_UNKNOWN, SSH_HOST_KEY, "not known");
	fails_with("web-2", cmd, SSH_FAIL_HOST_KEY_CHANGED, SSH_HOST_KEY, "changed:1");
	fails_with("web-2", cmd, SSH_FAIL_HOST_KEY_CHANGED, SSH_HOST_KEY, "It shows SHA256:");
	fails_with("web-3", cmd, SSH_FAIL_LOGIN, SSH_LOGIN, "Permission denied");
	fails_with("shut", cmd, SSH_FAIL_CONNECT, SSH_CONNECT, "Connection refused");
	fails_with("lost", cmd, SSH_FAIL_RESOLVE, SSH_RESOLVE, "no-such-name.invalid");
	fails_with("gone-1", cmd, SSH_FAIL_SHELL, SSH_OPEN, "not a POSIX shell");
	cmd.become = "no-such-user-here";
	fails_with("web-4", cmd, SSH_FAIL_BECOME, SSH_OPEN, "sudo");
	farm_config(&farm, "plain", "", config, sizeof config);
}

static void
test_real_unsupervised(void **state)
{
	struct seen s = { .ends = 0 };

	(void)state;
	if (!is_farm())
		return;
	run(&s, "web-1", (struct ssh_command){ SH("echo out; echo err >&2; exit 6"), .is_unsupervised = true });
	assert_int_equal(s.result.outcome, SSH_EXITED);
	assert_int_equal(s.result.status, 6);
	assert_string_equal(s.out.data, "out\n");
	assert_string_equal(s.err.data, "err\n");
	seen_done(&s);
	run(&s, "web-1", (struct ssh_command){ SH("exit 255"), .is_unsupervised = true });
	assert_int_equal(s.result.outcome, SSH_UNKNOWN);
	seen_done(&s);
}

/* --- with an ssh of ours ---------------------------------------------------------------------- */

static void
fake(const char *text)
{
	char path[100];
	FILE *f;

	snprintf(path, sizeof path, "%s/ssh", fakes);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", text);
	fclose(f);
	chmod(path, 0700);
	snprintf(path, sizeof path, "%s:/usr/bin:/bin", fakes);
	setenv("PATH", path, 1);
	config[0] = '\0';
}

/* What it is called with: no value of env, no terminal, nothing accepted. */
static void
test_arguments(void **state)
{
	static const char *const wanted[] = {
		"-T\n", "-o\nBatchMode=yes\n", "-o\nEscapeChar=none\n", "-o\nClearAllForwardings=yes\n", "-o\nForwardAgent=no\n", "-o\nPermitLocalCommand=no\n",
		"-o\nRemoteCommand=none\n", "-o\nStrictHostKeyChecking=yes\n", "-o\nUpdateHostKeys=no\n", "-o\nConnectTimeout=20\n", "-p\n2222\n", "-l\nops\n", "--\n-evil\n",
	};
	const struct ssh_options options = { .config = "/x y/config", .connect_ns = 20 * NS_PER_S };
	const struct openssh_events ev = { .read = on_read, .end = on_end };
	const struct ssh_host host = { .name = "h", .address = "-evil", .user = "ops", .port = 2222 };
	const struct ssh_command cmd = { WORDS("true"), .env = (const char *const[]){ "T=hidden", NULL }, .nonce = new_nonce(), .timeout_ns = NS_PER_S };
	struct openssh_events events = ev;
	struct supervised sv;
	struct seen s = { .ends = 0 };

	(void)state;
	fake("printf '%s\\n' \"$@\"; [ -t 0 ] && echo TERMINAL; (: </dev/tty) 2>/dev/null && echo TERMINAL; cat >&2; exit 0");
	buf_init(&s.out, 1 << 20);
	buf_init(&s.err, 1 << 20);
	events.arg = &s;
	assert_int_equal(supervisor_wrap(&cmd, states, &sv, NULL), 0);
	assert_int_equal(openssh_start(loop, &options, NULL, &host, &sv, &cmd, &events, &s.o, NULL), 0);
	supervised_done(&sv);
	until_end(&s);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (strstr(s.out.data, wanted[i]) == NULL)
			fail_msg("missing: %s", wanted[i]);
	assert_non_null(strstr(s.out.data, "-F\n/x y/config\n"));
	assert_null(strstr(s.out.data, "hidden"));
	assert_null(strstr(s.out.data, "TERMINAL"));
	seen_done(&s);
}

static void
test_fake_failures(void **state)
{
	static const struct { const char *text; enum ssh_outcome outcome; enum ssh_fail fail; const char *words; } cases[] = {
		{ "echo 'ssh: connect to host h port 22: Connection timed out' >&2; exit 255", SSH_NOT_RUN, SSH_FAIL_CONNECT, "timed out" },
		{ "echo 'kex_exchange_identification: read: Connection reset by peer' >&2; exit 255", SSH_NOT_RUN, SSH_FAIL_KEYS, "before the login" },
		{ "echo 'Unable to negotiate with 1.2.3.4 port 22: no matching host key type found.' >&2; exit 255", SSH_NOT_RUN, SSH_FAIL_KEYS, "no matching" },
		{ "echo 'ops@h: Permission denied (publickey).' >&2; exit 255", SSH_NOT_RUN, SSH_FAIL_LOGIN, "refused" },
		{ "echo '/x/config: line 3: Bad configuration option: foo' >&2; exit 255", SSH_NOT_RUN, SSH_FAIL_SETTINGS, "line 3" },
		{ "echo 'Authenticated to h' >&2; echo 'exec request failed on channel 0' >&2; exit 255", SSH_NOT_RUN, SSH_FAIL_OPEN, "takes no command" },
		/* After the login the same words prove nothing. */
		{ "echo 'Authenticated to h ([::1]:22) using \"publickey\".' >&2; echo 'Connection closed by h port 22' >&2; exit 255", SSH_UNKNOWN, SSH_FAIL_NONE, "may have run" },
		{ "echo 'Authenticated to h' >&2; echo 'x: Permission denied (x)' >&2; exit 255", SSH_UNKNOWN, SSH_FAIL_NONE, "may have run" },
		{ "exit 255", SSH_UNKNOWN, SSH_FAIL_NONE, "may have run" },
		{ "kill -9 $$", SSH_UNKNOWN, SSH_FAIL_NONE, "may have run" },
		{ "printf 'something \\033[2J strange' >&2; exit 255", SSH_UNKNOWN, SSH_FAIL_NONE, "something \\x1B[2J strange" },
		{ "echo 'This account is currently not available.'; exit 1", SSH_NOT_RUN, SSH_FAIL_SHELL, "not a POSIX shell" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct seen s = { .ends = 0 };

		fake(cases[i].text);
		run(&s, "h", (struct ssh_command){ WORDS("true") });
		assert_int_equal(s.result.outcome, cases[i].outcome);
		assert_int_equal(s.result.fail, cases[i].fail);
		if (strstr(s.result.err.msg, cases[i].words) == NULL)
			fail_msg("\"%s\" is not in: %s", cases[i].words, s.result.err.msg);
		assert_string_equal(s.err.data, "");
		seen_done(&s);
	}
}

static void
test_no_ssh(void **state)
{
	struct seen s = { .ends = 0 };

	(void)state;
	setenv("PATH", "/nonexistent", 1);
	run(&s, "h", (struct ssh_command){ WORDS("true") });
	assert_int_equal(s.result.outcome, SSH_NOT_RUN);
	assert_int_equal(s.result.fail, SSH_FAIL_SETTINGS);
	assert_string_equal(s.result.err.msg, "cannot run ssh: not found in PATH");
	seen_done(&s);
}

/* Lost in the middle: what came stays, banner and ssh's own words do not, and the outcome is unknown. */
static void
test_fake_lost_in_the_middle(void **state)
{
	char text[400];
	struct seen s = { .ends = 0 };
	const char *nonce = new_nonce();

	(void)state;
	snprintf(text, sizeof text, "echo BANNER >&2; echo 'Authenticated to h' >&2; echo 'from .profile' >&2; echo '::opsconsole:%s:ready' >&2; echo half; exit 255", nonce);
	fake(text);
	run(&s, "h", (struct ssh_command){ WORDS("true"), .nonce = nonce });
	assert_int_equal(s.result.outcome, SSH_UNKNOWN);
	assert_int_equal(s.result.stage, SSH_RUN);
	assert_string_equal(s.out.data, "half\n");
	assert_string_equal(s.err.data, "from .profile\n");
	seen_done(&s);
}

/* An ssh that hangs before the login is ended, and nothing ran. */
static void
test_fake_hang(void **state)
{
	const struct ssh_options options = { .connect_ns = 1 };
	const struct ssh_command cmd = { WORDS("true"), .nonce = new_nonce(), .timeout_ns = NS_PER_S };
	struct supervised sv;
	struct seen s = { .ends = 0 };

	(void)state;
	fake("echo 'waiting for the moon' >&2; sleep 1000");
	memset(&s, 0, sizeof s);
	assert_int_equal(supervisor_wrap(&cmd, states, &sv, NULL), 0);
	start_with(&s, &options, "h", &cmd, &sv);
	until_end(&s);
	assert_int_equal(s.result.outcome, SSH_NOT_RUN);
	assert_int_equal(s.result.fail, SSH_FAIL_CONNECT);
	assert_non_null(strstr(s.result.err.msg, "waiting for the moon"));
	seen_done(&s);
}

static void
test_words(void **state)
{
	static const char changed[] =
	    "@@@@@@@@@@@@@@@@@@\r\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n@@@@@@@@\r\n"
	    "IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r\nThe fingerprint for the ED25519 key sent by the remote host is\nSHA256:abc+/def.\r\n"
	    "Please contact your system administrator.\r\nOffending RSA key in /root/.ssh/known_hosts:17\r\nHost key verification failed.\r\n";
	struct err err = ERR_INIT;
	char line[100];

	(void)state;
	assert_int_equal(openssh_words_fail(changed, sizeof changed - 1, false, "web-01", &err), SSH_FAIL_HOST_KEY_CHANGED);
	assert_non_null(strstr(err.msg, "web-01: its HOST KEY HAS CHANGED"));
	assert_non_null(strstr(err.msg, "It shows SHA256:abc+/def, which is not the RSA key of /root/.ssh/known_hosts:17"));
	assert_int_equal(openssh_words_fail("", 0, false, "h", &err), SSH_FAIL_NONE);
	assert_int_equal(openssh_words_fail("\0\xff\n", 3, false, "h", &err), SSH_FAIL_NONE);
	assert_string_equal(openssh_words_last("one\r\ntwo\r\n@@@@\r\n\r\n", 17, line, sizeof line), "two");
	assert_string_equal(openssh_words_last("", 0, line, sizeof line), "");
}

static int
setup_all(void **state)
{
	static const char *const groups[] = { "web:4", "gone:1:shell=/usr/sbin/nologin", NULL };

	(void)state;
	path_before = xstrdup(getenv("PATH"));
	snprintf(fakes, sizeof fakes, "/tmp/opsconsole-test-XXXXXX");
	if (mkdtemp(fakes) == NULL)
		return -1;
	snprintf(states, sizeof states, "%s/states", fakes);	/* as the hosts see it: they are this machine */
	if (loop_new(&loop, NULL) < 0)
		return -1;
	farm_start(&farm, groups);
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	setenv("PATH", path_before, 1);
	config[0] = '\0';
	if (farm.why[0] == '\0')
		farm_config(&farm, "plain", "", config, sizeof config);
	return 0;
}

static int
teardown_all(void **state)
{
	char *command = xasprintf("rm -rf %s", fakes);
	int r;

	(void)state;
	setenv("PATH", path_before, 1);
	farm_stop(&farm);
	for (int i = 0; i < 20; i++)
		loop_once(loop, 10 * NS_PER_MS);
	loop_free(loop);
	r = system(command);
	free(command);
	free(path_before);
	return r;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	static const struct CMUnitTest tests[] = {
		T(test_words), T(test_arguments), T(test_fake_failures), T(test_no_ssh), T(test_fake_lost_in_the_middle), T(test_fake_hang), T(test_real),
		T(test_real_timeout_and_held_output), T(test_real_cancel), T(test_real_lost), T(test_real_refusals), T(test_real_unsupervised),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
