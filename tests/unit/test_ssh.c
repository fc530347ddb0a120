/* Commands over libssh2 on real sshds: values, output, ends, connections, keys, jumps. */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "ssh_driver.h"

static struct farm farm;
static struct loop *loop;
static struct ssh *ssh;

#define WORDS(...) (const char *const[]){ __VA_ARGS__, NULL }
#define need_farm() do { if (farm.why[0] != '\0') { print_message("%s\n", farm.why); skip(); } } while (0)

static void
open_with(const char *name, const char *extra, struct ssh_options o)
{
	struct err err = ERR_INIT;
	static char config[300], state[300];

	o.config = farm_config(&farm, name, extra, config, sizeof config);
	if (o.idle_ns == 0)
		o.idle_ns = NS_PER_MIN;
	snprintf(state, sizeof state, "%s/state", farm.dir);
	o.state_dir = state;
	if (ssh_new(loop, &o, &ssh, &err) < 0)
		fail_msg("%s", err.msg);
}

static int
setup(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	ssh = NULL;
	assert_int_equal(loop_new(&loop, &err), 0);
	if (farm.why[0] == '\0')
		open_with("plain", "", (struct ssh_options){ 0 });
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	ssh_free(ssh);
	loop_free(loop);
	return 0;
}

static void
reopen(const char *name, const char *extra, struct ssh_options o)
{
	ssh_free(ssh);
	open_with(name, extra, o);
}

static void
assert_exit(const struct answer *a, int status)
{
	if (a->result.outcome != SSH_EXITED || a->result.status != status)
		fail_msg("outcome %d status %d stage %d fail %d: %s (stderr: %s)", a->result.outcome, a->result.status, a->result.stage, a->result.fail,
		    a->result.err.msg, a->err_out);
}

static void
assert_says(const struct answer *a, const char *words)
{
	if (strstr(a->result.err.msg, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", a->result.err.msg, words);
}

/* --- running --- */

static void
a_command_runs_and_its_streams_stay_apart(void **state)
{
	struct answer a;

	(void)state;
	need_farm();
	ask(ssh, "a-1", WORDS("sh", "-c", "echo out; echo err >&2; exit 3"), &a);
	wait_for(loop, &a, 1);
	assert_exit(&a, 3);
	assert_string_equal(a.out, "out\n");
	assert_string_equal(a.err_out, "err\n");
	assert_int_equal(a.result.transport, SSH_LIBSSH2);
	assert_string_equal(a.why, "");
	assert_int_equal(a.result.stage, SSH_CLOSED);
	assert_false(a.result.is_reused);
	assert_true(a.result.started_ns >= a.result.connected_ns && a.result.ended_ns >= a.result.started_ns && a.result.connected_ns > 0);
	assert_int_equal(a.stages & (1u << SSH_CONNECT | 1u << SSH_KEYS | 1u << SSH_LOGIN | 1u << SSH_RUN),
	    1u << SSH_CONNECT | 1u << SSH_KEYS | 1u << SSH_LOGIN | 1u << SSH_RUN);
	answer_done(&a);
}

static void
words_arrive_byte_for_byte(void **state)
{
	const char *const hostile[] = { "printf", "%s|", "$(reboot)", "; rm -rf /", "it's \"quoted\"", "two\nlines", "\xff\xfe\x01 bytes", "-n", "", "*", "`id`", "\\",
		NULL };
	struct answer a;

	(void)state;
	need_farm();
	ask(ssh, "a-1", hostile, &a);
	wait_for(loop, &a, 1);
	assert_exit(&a, 0);
	assert_string_equal(a.out, "$(reboot)|; rm -rf /|it's \"quoted\"|two\nlines|\xff\xfe\x01 bytes|-n||*|`id`|\\|");
	answer_done(&a);
}

static void
input_environment_and_script_arrive(void **state)
{
	static char big[300000];
	struct ssh_command cmd = { .argv = WORDS("sh", "-c", "cat; printf %s \"$V\""), .env = WORDS("V=a'b\n$c"), .in = big, .in_len = sizeof big };
	struct ssh_command script = { .argv = WORDS("one", "$two"), .script = "printf '%s,' \"$@\"\necho done\n" };
	struct answer a[2];

	(void)state;
	need_farm();
	memset(big, 'x', sizeof big);
	ask_command(ssh, "a-1", &cmd, &a[0]);
	ask_command(ssh, "a-1", &script, &a[1]);
	wait_for(loop, a, 2);
	assert_exit(&a[0], 0);
	assert_int_equal(a[0].result.out_len, sizeof big + 6);
	assert_memory_equal(a[0].out, big, sizeof big);
	assert_string_equal(a[0].out + sizeof big, "a'b\n$c");
	assert_exit(&a[1], 0);
	assert_string_equal(a[1].out, "one,$two,done\n");
	answer_done(&a[0]);
	answer_done(&a[1]);
}

static void
ten_megabytes_stream_and_are_capped(void **state)
{
	struct answer a;

	(void)state;
	need_farm();
	ask(ssh, "a-1", WORDS("sh", "-c", "head -c 10000000 /dev/zero; head -c 3000000 /dev/zero >&2"), &a);
	wait_for(loop, &a, 1);
	assert_exit(&a, 0);
	assert_int_equal(a.result.out_total, 10000000);
	assert_int_equal(a.streamed[SSH_OUT], 10000000);
	assert_int_equal(a.result.out_len, 1 << 20);
	assert_int_equal(a.result.err_total, 3000000);
	assert_int_equal(a.streamed[SSH_ERR], 3000000);
	assert_int_equal(a.result.err_len, 1 << 20);
	answer_done(&a);
}

static void
a_signal_and_a_missing_program_are_told(void **state)
{
	struct answer a[2];

	(void)state;
	need_farm();
	ask(ssh, "a-1", WORDS("sh", "-c", "kill -KILL $$"), &a[0]);
	ask(ssh, "a-1", WORDS("no-such-program-here"), &a[1]);
	wait_for(loop, a, 2);
	assert_int_equal(a[0].result.outcome, SSH_EXITED);
	assert_string_equal(a[0].result.signal, "KILL");
	assert_exit(&a[1], 127);
	answer_done(&a[0]);
	answer_done(&a[1]);
}

static void
an_unsupervised_command_is_the_bare_words(void **state)
{
	struct ssh_command cmd = { .argv = WORDS("sh", "-c", "printf '%s' \"$0\"; exit 5"), .is_unsupervised = true };
	struct ssh_command killed = { .argv = WORDS("sh", "-c", "kill -TERM $$"), .is_unsupervised = true };
	struct answer a[2];

	(void)state;
	need_farm();
	ask_command(ssh, "a-1", &cmd, &a[0]);
	ask_command(ssh, "a-1", &killed, &a[1]);
	wait_for(loop, a, 2);
	assert_exit(&a[0], 5);
	assert_string_equal(a[0].out, "sh");
	assert_int_equal(a[1].result.outcome, SSH_EXITED);
	assert_true(a[1].result.signal[0] != '\0' || a[1].result.status == 143);
	answer_done(&a[0]);
	answer_done(&a[1]);
}

/* --- ends --- */

static void
a_command_ends_at_its_timeout(void **state)
{
	struct ssh_command cmd = { .argv = WORDS("sleep", "30"), .timeout_ns = NS_PER_S };
	struct answer a;

	(void)state;
	need_farm();
	ask_command(ssh, "a-1", &cmd, &a);
	wait_for(loop, &a, 1);
	assert_int_equal(a.result.outcome, SSH_TIMED_OUT);
	assert_says(&a, "timeout");
	answer_done(&a);
}

static void
cancelled_is_certain_while_it_runs_and_before(void **state)
{
	struct ssh_command cmd = { .argv = WORDS("sleep", "30") };
	struct answer a[2];

	(void)state;
	need_farm();
	ask_command(ssh, "a-1", &cmd, &a[0]);
	wait_for_stage(loop, &a[0], SSH_RUN);
	turn_for(loop, 200 * NS_PER_MS);
	ssh_job_cancel(a[0].job);
	ask(ssh, "a-2", WORDS("true"), &a[1]);
	ssh_job_cancel(a[1].job);
	ssh_job_cancel(a[1].job);	/* twice is once */
	wait_for(loop, a, 2);
	if (a[0].result.outcome != SSH_CANCELLED)
		fail_msg("outcome %d: %s", a[0].result.outcome, a[0].result.err.msg);
	assert_int_equal(a[1].result.outcome, SSH_NOT_RUN);
	assert_int_equal(a[1].result.fail, SSH_FAIL_CANCELLED);
	answer_done(&a[0]);
	answer_done(&a[1]);
}

struct taken_back { enum ssh_stage at; unsigned n_done; enum ssh_outcome outcome; };

static void
take_back(struct ssh_job *job, enum ssh_stage stage, void *arg)
{
	const struct taken_back *t = arg;

	if (stage == t->at)
		ssh_job_cancel(job);
}

static void
taken_back(struct ssh_job *job, const struct ssh_result *r, void *arg)
{
	struct taken_back *t = arg;

	(void)job;
	t->n_done++;
	t->outcome = r->outcome;
}

/* From within the callback that tells the stage: what is called not run must not be run a moment later. */
static void
cancelled_at_any_stage_it_is_not_run(void **state)
{
	(void)state;
	need_farm();
	for (int i = 0; i < 2; i++) {
		reopen("stages", "", (struct ssh_options){ .transport = i == 0 ? SSH_LIBSSH2 : SSH_OPENSSH });
		/* The system's ssh tells the others too late. */
		for (enum ssh_stage at = SSH_CONNECT; at <= (i == 0 ? SSH_OPEN : SSH_CONNECT); at++) {
			char *ran = xasprintf("%s/ran-%d-%d", farm.dir, i, (int)at), *name = xasprintf("many-%d", (int)at + 1);
			const struct ssh_host host = { .name = name, .address = name };
			const struct ssh_command cmd = { .argv = WORDS("touch", ran), .timeout_ns = NS_PER_MIN, .nonce = next_nonce() };
			struct taken_back t = { .at = at };
			struct answer after;

			assert_int_equal(ssh_exec(ssh, &host, &cmd, NULL, take_back, taken_back, &t, NULL, NULL), 0);
			for (int turns = 0; turns < 6000 && t.n_done == 0; turns++)
				loop_once(loop, 10 * NS_PER_MS);
			assert_int_equal(t.n_done, 1);
			assert_int_equal(t.outcome, SSH_NOT_RUN);
			ask(ssh, name, WORDS("sleep", "1"), &after);
			wait_for(loop, &after, 1);
			assert_exit(&after, 0);
			answer_done(&after);
			assert_int_equal(access(ran, F_OK), -1);
			free(ran);
			free(name);
		}
	}
}

static void
what_a_command_leaves_behind_does_not_hold_the_job(void **state)
{
	struct answer a;

	(void)state;
	need_farm();
	ask(ssh, "a-1", WORDS("sh", "-c", "sleep 40 & echo started"), &a);
	wait_for(loop, &a, 1);
	assert_exit(&a, 0);
	assert_string_equal(a.out, "started\n");
	answer_done(&a);
}

static void
settling_tells_what_became_of_it(void **state)
{
	struct ssh_command cmd = { .argv = WORDS("sh", "-c", "exit 7"), .nonce = "00112233445566778899aabb" };
	struct answer a[2];

	(void)state;
	need_farm();
	ask_command(ssh, "a-1", &cmd, &a[0]);
	wait_for(loop, a, 1);
	answer_done(&a[0]);
	ask_settle(ssh, "a-1", "00112233445566778899aabb", &a[0]);
	ask_settle(ssh, "a-1", "ffeeffeeffeeffeeffeeffee", &a[1]);
	wait_for(loop, a, 2);
	assert_exit(&a[0], 7);
	assert_true(a[1].result.outcome == SSH_NOT_RUN || a[1].result.outcome == SSH_UNKNOWN);
	assert_true(a[1].result.err.code != 0);
	answer_done(&a[0]);
	answer_done(&a[1]);
}

static void
settling_a_running_one_says_so(void **state)
{
	struct ssh_command cmd = { .argv = WORDS("sleep", "20"), .nonce = "abcdefabcdefabcdefabcdef" };
	struct answer a[2];

	(void)state;
	need_farm();
	ask_command(ssh, "a-1", &cmd, &a[0]);
	wait_for_stage(loop, &a[0], SSH_RUN);
	turn_for(loop, 300 * NS_PER_MS);
	ask_settle(ssh, "a-1", "abcdefabcdefabcdefabcdef", &a[1]);
	wait_for(loop, &a[1], 1);
	assert_int_equal(a[1].result.outcome, SSH_UNKNOWN);
	assert_int_equal(a[1].result.stage, SSH_RUN);
	ssh_job_cancel(a[0].job);
	wait_for(loop, a, 1);
	answer_done(&a[0]);
	answer_done(&a[1]);
}

/* The sshd of the connection is killed by the command itself. */
static void
a_connection_that_breaks_leaves_the_outcome_unknown(void **state)
{
	struct answer a[2];

	(void)state;
	need_farm();
	ask(ssh, "a-1", WORDS("sh", "-c", "p=$$; while :; do p=$(ps -o ppid= -p $p | tr -d ' '); "
	    "case $(ps -o comm= -p $p) in sshd*) kill -9 $p; break ;; esac; done; sleep 20"), &a[0]);
	wait_for(loop, a, 1);
	assert_int_equal(a[0].result.outcome, SSH_UNKNOWN);
	assert_int_equal(a[0].result.stage, SSH_RUN);
	assert_says(&a[0], "connection");
	/* And the next one simply goes over a fresh connection. */
	ask(ssh, "a-1", WORDS("true"), &a[1]);
	wait_for(loop, &a[1], 1);
	assert_exit(&a[1], 0);
	assert_false(a[1].result.is_reused);
	answer_done(&a[0]);
	answer_done(&a[1]);
}

/* --- connections --- */

static void
a_connection_is_reused_and_shared(void **state)
{
	struct ssh_stats stats;
	struct answer a[12];

	(void)state;
	need_farm();
	for (int i = 0; i < 12; i++)
		ask(ssh, "a-3", WORDS("true"), &a[i]);
	wait_for(loop, a, 12);
	for (int i = 0; i < 12; i++) {
		assert_exit(&a[i], 0);
		answer_done(&a[i]);
	}
	ask(ssh, "a-3", WORDS("true"), &a[0]);
	wait_for(loop, a, 1);
	assert_true(a[0].result.is_reused);
	ssh_stats(ssh, &stats);
	assert_int_equal(stats.connections, 1);
	assert_int_equal(stats.fresh, 1);
	answer_done(&a[0]);
}

/* A host that went away without a word (here: its sshd stands still): known only when the connection is to be used again. */
static void
a_kept_connection_that_is_dead_is_made_anew(void **state)
{
	static const char find_sshd[] = "p=$PPID; until read -r c </proc/$p/comm && [ \"$c\" = sshd ]; do set -- $(cat /proc/$p/stat); p=$4; done; echo $p";
	struct answer a;
	pid_t sshd;

	(void)state;
	need_farm();
	reopen("dead", "", (struct ssh_options){ .connect_ns = 3 * NS_PER_S });
	ask(ssh, "a-1", WORDS("sh", "-c", find_sshd), &a);
	wait_for(loop, &a, 1);
	assert_exit(&a, 0);
	sshd = (pid_t)atoi(a.out);
	assert_true(sshd > 1);
	answer_done(&a);
	assert_int_equal(kill(sshd, SIGSTOP), 0);
	ask(ssh, "a-1", WORDS("true"), &a);
	wait_for(loop, &a, 1);
	kill(sshd, SIGKILL);
	assert_exit(&a, 0);
	answer_done(&a);
}

static void
idle_connections_are_closed(void **state)
{
	struct ssh_stats stats;
	struct answer a;

	(void)state;
	need_farm();
	reopen("idle", "", (struct ssh_options){ .idle_ns = 1 });
	ask(ssh, "a-3", WORDS("true"), &a);
	wait_for(loop, &a, 1);
	assert_exit(&a, 0);
	turn_for(loop, 50 * NS_PER_MS);
	ssh_stats(ssh, &stats);
	assert_int_equal(stats.connections, 0);
	answer_done(&a);
}

static void
fifty_hosts_at_once(void **state)
{
	struct answer a[50];
	char name[20];

	(void)state;
	need_farm();
	reopen("fifty", "", (struct ssh_options){ .connecting_max = 20 });
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "many-%d", i % 32 + 1);
		ask(ssh, name, WORDS("echo", name), &a[i]);
	}
	wait_for(loop, a, 50);
	for (int i = 0; i < 50; i++) {
		assert_exit(&a[i], 0);
		answer_done(&a[i]);
	}
}

static void
freeing_with_jobs_under_way_calls_nobody(void **state)
{
	struct answer a[8];
	char name[20];

	(void)state;
	need_farm();
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof name, "many-%d", i + 1);
		ask(ssh, name, WORDS("sleep", "1"), &a[i]);
	}
	for (int i = 0; i < 12; i++)
		loop_once(loop, 5 * NS_PER_MS);
	ssh_free(ssh);
	ssh = NULL;
	turn_for(loop, 20 * NS_PER_MS);
	for (int i = 0; i < 8; i++)
		assert_false(a[i].is_done);
}

/* --- jumps --- */

static void
hosts_behind_one_two_and_three_others(void **state)
{
	static const char config[] =
	    "Host one\n\tHostName 127.0.100.2\n\tProxyJump gate-1\n"
	    "Host two\n\tHostName 127.0.100.3\n\tProxyJump gate-1,gate-2\n"
	    "Host three\n\tHostName 127.0.100.4\n\tProxyJump via\nHost via\n\tHostName 127.0.102.3\n\tProxyJump gate-1,gate-2\n"
	    "Host one two three via\n";
	struct ssh_stats stats;
	struct answer a[3];
	char *extra;

	(void)state;
	need_farm();
	extra = xasprintf("%s\tIdentityFile \"%s/id_ed25519\"\n", config, farm.dir);
	reopen("jump", extra, (struct ssh_options){ 0 });
	free(extra);
	ask(ssh, "one", WORDS("sh", "-c", "head -c 2000000 /dev/zero"), &a[0]);
	ask(ssh, "two", WORDS("echo", "2"), &a[1]);
	ask(ssh, "three", WORDS("echo", "3"), &a[2]);
	wait_for(loop, a, 3);
	for (int i = 0; i < 3; i++) {
		assert_exit(&a[i], 0);
		assert_int_equal(a[i].result.transport, SSH_LIBSSH2);
	}
	assert_int_equal(a[0].result.out_total, 2000000);
	assert_string_equal(a[1].out, "2\n");
	assert_string_equal(a[2].out, "3\n");
	ssh_stats(ssh, &stats);
	assert_int_equal(stats.fresh, 6);	/* gate-1, gate-2 over it, via over that; one, two, three */
	for (int i = 0; i < 3; i++)
		answer_done(&a[i]);
}

static void
a_jump_that_leads_nowhere_says_so(void **state)
{
	struct answer a[2];
	char *extra;

	(void)state;
	need_farm();
	extra = xasprintf("%s\tIdentityFile \"%s/id_ed25519\"\n", "Host nowhere\n\tHostName 127.0.100.1\n\tPort 1\n\tProxyJump gate-1\nHost closed\n\tHostName 127.0.100.1\n\tProxyJump a-1:1\n"
	    "Host nowhere closed\n", farm.dir);
	reopen("nowhere", extra, (struct ssh_options){ 0 });
	free(extra);
	ask(ssh, "nowhere", WORDS("true"), &a[0]);
	ask(ssh, "closed", WORDS("true"), &a[1]);
	wait_for(loop, a, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(a[i].result.outcome, SSH_NOT_RUN);
		assert_int_equal(a[i].result.fail, SSH_FAIL_CONNECT);
		answer_done(&a[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_command_runs_and_its_streams_stay_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(words_arrive_byte_for_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(input_environment_and_script_arrive, setup, teardown),
		cmocka_unit_test_setup_teardown(ten_megabytes_stream_and_are_capped, setup, teardown),
		cmocka_unit_test_setup_teardown(a_signal_and_a_missing_program_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(an_unsupervised_command_is_the_bare_words, setup, teardown),
		cmocka_unit_test_setup_teardown(a_command_ends_at_its_timeout, setup, teardown),
		cmocka_unit_test_setup_teardown(cancelled_is_certain_while_it_runs_and_before, setup, teardown),
		cmocka_unit_test_setup_teardown(cancelled_at_any_stage_it_is_not_run, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_command_leaves_behind_does_not_hold_the_job, setup, teardown),
		cmocka_unit_test_setup_teardown(settling_tells_what_became_of_it, setup, teardown),
		cmocka_unit_test_setup_teardown(settling_a_running_one_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(a_connection_that_breaks_leaves_the_outcome_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(a_connection_is_reused_and_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(a_kept_connection_that_is_dead_is_made_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(idle_connections_are_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(fifty_hosts_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(freeing_with_jobs_under_way_calls_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(hosts_behind_one_two_and_three_others, setup, teardown),
		cmocka_unit_test_setup_teardown(a_jump_that_leads_nowhere_says_so, setup, teardown),
	};
	int r;

	signal(SIGPIPE, SIG_IGN);
	farm_start(&farm, WORDS("a:4", "many:32", "gate:3"));
	r = cmocka_run_group_tests(tests, NULL, NULL);
	farm_stop(&farm);
	return r;
}
