/* What does not come to a command: keys, logins, algorithms, servers that stall; and what goes by the system's ssh instead. */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "ssh_driver.h"
#include "ssh_stall.h"

static struct farm farm;
static struct loop *loop;
static struct ssh *ssh;

#define WORDS(...) (const char *const[]){ __VA_ARGS__, NULL }
#define need_farm() do { if (farm.why[0] != '\0') { print_message("%s\n", farm.why); skip(); } } while (0)

static int
setup(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	ssh = NULL;
	assert_int_equal(loop_new(&loop, &err), 0);
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
open_with(const char *name, const char *extra, struct ssh_options o)
{
	static char config[300], state[300];
	struct err err = ERR_INIT;

	o.config = farm_config(&farm, name, extra, config, sizeof config);
	o.idle_ns = o.idle_ns == 0 ? NS_PER_MIN : o.idle_ns;
	snprintf(state, sizeof state, "%s/state", farm.dir);
	o.state_dir = state;
	ssh_free(ssh);
	if (ssh_new(loop, &o, &ssh, &err) < 0)
		fail_msg("%s", err.msg);
}

static void
run_one(const char *host, struct answer *a)
{
	ask(ssh, host, WORDS("echo", "ran"), a);
	wait_for(loop, a, 1);
}

static void
assert_refused(struct answer *a, enum ssh_fail fail, const char *words)
{
	if (a->result.outcome != SSH_NOT_RUN || a->result.fail != fail || strstr(a->result.err.msg, words) == NULL)
		fail_msg("outcome %d fail %d, \"%s\" does not say \"%s\"", a->result.outcome, a->result.fail, a->result.err.msg, words);
	assert_int_equal(a->result.started_ns, 0);
	assert_null(strstr(a->out, "ran"));
	answer_done(a);
}

static void
assert_by_openssh(struct answer *a, const char *why)
{
	if (a->result.outcome != SSH_EXITED || a->result.status != 0)
		fail_msg("outcome %d fail %d: %s", a->result.outcome, a->result.fail, a->result.err.msg);
	assert_int_equal(a->result.transport, SSH_OPENSSH);
	if (strstr(a->why, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", a->why, why);
	assert_string_equal(a->out, "ran\n");
	answer_done(a);
}

/* --- keys --- */

static char *
with_known(const char *file, const char *text)
{
	farm_write(&farm, file, text);
	return xasprintf("Host *\n\tUserKnownHostsFile %s/%s\n", farm.dir, file);
}

static void
an_unknown_key_is_refused(void **state)
{
	char *extra;
	struct answer a;

	(void)state;
	need_farm();
	extra = with_known("known.none", "");
	open_with("unknown", extra, (struct ssh_options){ 0 });
	run_one("a-1", &a);
	assert_true(strstr(a.result.err.msg, "ED25519 SHA256:") != NULL);
	assert_refused(&a, SSH_FAIL_HOST_KEY_UNKNOWN, "is not known");
	free(extra);
}

static void
accept_new_and_no_do_not_accept_either(void **state)
{
	char *extra, *all;
	struct answer a;

	(void)state;
	need_farm();
	extra = with_known("known.none", "");
	all = xasprintf("%s\tStrictHostKeyChecking accept-new\n", extra);
	open_with("acceptnew", all, (struct ssh_options){ 0 });
	run_one("a-1", &a);
	assert_refused(&a, SSH_FAIL_HOST_KEY_UNKNOWN, "is not known");
	free(all);
	all = xasprintf("%s\tStrictHostKeyChecking no\n", extra);
	open_with("no", all, (struct ssh_options){ 0 });
	run_one("a-1", &a);
	assert_int_equal(a.result.outcome, SSH_NOT_RUN);
	assert_int_equal(a.result.fail, SSH_FAIL_HOST_KEY_UNKNOWN);
	answer_done(&a);
	free(all);
	free(extra);
}

static void
a_changed_key_is_refused_with_both(void **state)
{
	char *key, *line, *extra;
	struct answer a;

	(void)state;
	need_farm();
	key = farm_read(&farm, "id_ed25519.pub");	/* a key, but not the host's */
	line = xasprintf("# comment\n[127.0.100.1]:%u %s", farm.port, key);
	extra = with_known("known.changed", line);
	open_with("changed", extra, (struct ssh_options){ 0 });
	run_one("a-1", &a);
	assert_true(strstr(a.result.err.msg, "known.changed:2") != NULL);
	assert_true(strstr(strstr(a.result.err.msg, "SHA256:") + 1, "SHA256:") != NULL);
	assert_refused(&a, SSH_FAIL_HOST_KEY_CHANGED, "HAS CHANGED");
	free(extra);
	free(line);
	free(key);
}

static void
a_revoked_key_is_refused(void **state)
{
	char *key, *lines, *extra;
	struct answer a;

	(void)state;
	need_farm();
	key = farm_read(&farm, "a-0.key.pub");
	lines = xasprintf("[127.0.100.1]:%u %s@revoked * %s", farm.port, key, key);
	extra = with_known("known.revoked", lines);
	open_with("revoked", extra, (struct ssh_options){ 0 });
	run_one("a-1", &a);
	assert_refused(&a, SSH_FAIL_HOST_KEY_REVOKED, "IS REVOKED");
	free(extra);
	free(lines);
	free(key);
}

static void
a_jump_host_is_checked_too(void **state)
{
	char *key, *line, *known, *extra;
	struct answer a;

	(void)state;
	need_farm();
	key = farm_read(&farm, "a-0.key.pub");
	line = xasprintf("[127.0.100.1]:%u %s", farm.port, key);
	known = with_known("known.target", line);
	extra = xasprintf("%sHost a-1\n\tProxyJump e-1\n", known);
	open_with("jumpkey", extra, (struct ssh_options){ 0 });
	run_one("a-1", &a);
	assert_refused(&a, SSH_FAIL_HOST_KEY_UNKNOWN, "e-1");
	free(extra);
	free(known);
	free(line);
	free(key);
}

static void
ecdsa_keys_work(void **state)
{
	struct answer a;

	(void)state;
	need_farm();
	open_with("ecdsa", "", (struct ssh_options){ 0 });
	run_one("e-1", &a);
	assert_int_equal(a.result.outcome, SSH_EXITED);
	assert_int_equal(a.result.transport, SSH_LIBSSH2);
	assert_string_equal(a.out, "ran\n");
	answer_done(&a);
}

static void
a_login_that_is_refused_names_the_key(void **state)
{
	char *extra;
	struct answer a;

	(void)state;
	need_farm();
	extra = xasprintf("Host e-1\n\tIdentityFile %s/id_ed25519\nHost a-1\n\tIdentityFile %s/not-there\nHost a-2\n\tUser stranger\n", farm.dir, farm.dir);
	open_with("login", extra, (struct ssh_options){ 0 });
	run_one("a-2", &a);
	assert_refused(&a, SSH_FAIL_LOGIN, "stranger");
	free(extra);
}

/* --- by the system's ssh --- */

static void
servers_that_libssh2_cannot_talk_to_go_by_openssh(void **state)
{
	struct answer a;

	(void)state;
	need_farm();
	open_with("openssh", "", (struct ssh_options){ 0 });
	run_one("gcm-1", &a);
	assert_by_openssh(&a, "cipher");
	run_one("gcm-1", &a);		/* not tried again */
	assert_by_openssh(&a, "cipher");
	run_one("etm-1", &a);
	assert_by_openssh(&a, "MAC");
	run_one("rsauser-1", &a);
	assert_by_openssh(&a, "ssh-rsa");
	run_one("rsahost-1", &a);
	assert_by_openssh(&a, "rsa");
}

static void
a_jump_over_such_a_server_goes_by_openssh_whole(void **state)
{
	struct answer a;

	(void)state;
	need_farm();
	open_with("gcmjump", "Host a-2\n\tProxyJump gcm-1\n", (struct ssh_options){ 0 });
	run_one("a-2", &a);
	assert_by_openssh(&a, "jump host gcm-1");
}

static void
libssh2_by_configuration_does_not_fall_back(void **state)
{
	struct answer a;

	(void)state;
	need_farm();
	open_with("only", "", (struct ssh_options){ .transport = SSH_LIBSSH2 });
	run_one("gcm-1", &a);
	assert_refused(&a, SSH_FAIL_KEYS, "no common cipher");
	run_one("rsahost-1", &a);
	assert_refused(&a, SSH_FAIL_SETTINGS, "cannot be reached by libssh2");
}

static void
openssh_by_configuration_is_used_for_all(void **state)
{
	struct answer a;

	(void)state;
	need_farm();
	open_with("all", "", (struct ssh_options){ .transport = SSH_OPENSSH });
	run_one("a-1", &a);
	assert_by_openssh(&a, "configuration");
}

/* --- no way there --- */

static void
names_and_ports_that_are_not_there(void **state)
{
	struct answer a;
	char *extra;

	(void)state;
	need_farm();
	extra = xasprintf("Host shut\n\tHostName 127.0.100.1\n\tPort 1\nHost gone\n\tHostName no-such-host.invalid\nHost shut gone\n"
	    "\tIdentityFile %s/id_ed25519\n", farm.dir);
	open_with("nobody", extra, (struct ssh_options){ 0 });
	free(extra);
	run_one("shut", &a);
	assert_refused(&a, SSH_FAIL_CONNECT, "Connection refused");
	run_one("gone", &a);
	assert_refused(&a, SSH_FAIL_RESOLVE, "no-such-host.invalid");
}

static void
a_login_shell_that_is_none_runs_nothing(void **state)
{
	struct answer a;

	(void)state;
	need_farm();
	open_with("nologin", "", (struct ssh_options){ 0 });
	run_one("nologin-1", &a);
	assert_refused(&a, SSH_FAIL_SHELL, "login shell");
}

static void
a_full_server_is_waited_for(void **state)
{
	struct answer a[3];

	(void)state;
	need_farm();
	open_with("full", "", (struct ssh_options){ 0 });
	for (int i = 0; i < 3; i++)
		ask(ssh, "one-1", WORDS("sleep", "0.1"), &a[i]);
	wait_for(loop, a, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(a[i].result.outcome, SSH_EXITED);
		answer_done(&a[i]);
	}
}

static void
a_command_on_a_full_server_can_be_cancelled(void **state)
{
	struct answer a;

	(void)state;
	need_farm();
	open_with("fullcancel", "", (struct ssh_options){ 0 });
	ask(ssh, "one-1", WORDS("sleep", "30"), &a);
	wait_for_stage(loop, &a, SSH_RUN);
	turn_for(loop, 200 * NS_PER_MS);
	ssh_job_cancel(a.job);
	wait_for(loop, &a, 1);
	if (a.result.outcome != SSH_CANCELLED)
		fail_msg("outcome %d: %s", a.result.outcome, a.result.err.msg);
	answer_done(&a);
}

/* --- servers that stall --- */

enum { CUTS = 60 };

static char *
stall_config(const struct stall *s, size_t n)
{
	struct buf b;
	char *text;

	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "Host stall-%zu\n\tHostName 127.0.0.1\n\tPort %u\n\tHostKeyAlias a\n\tIdentityFile %s/id_ed25519\n", i, stall_port(s, i), farm.dir);
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

/* Wherever it stops to talk, nothing hangs, and the stage that was waited for is named. */
static void
a_server_may_stall_anywhere(void **state)
{
	struct ssh_command cmd = { .argv = WORDS("true"), .timeout_ns = NS_PER_S };
	char *extra, *known, *key, *line, name[20];
	struct answer a[CUTS];
	size_t limits[CUTS], n_early = 0;
	struct stall *s;
	unsigned stages = 0;

	(void)state;
	need_farm();
	for (size_t i = 0; i < CUTS; i++)
		limits[i] = i < 4 ? i * 8 : (i - 3) * 60;
	s = stall_new("127.0.100.1", farm.port, limits, CUTS);
	key = farm_read(&farm, "a-0.key.pub");
	line = xasprintf("a %s", key);
	known = with_known("known.stall", line);
	extra = stall_config(s, CUTS);
	line = (free(line), xasprintf("%s%s", extra, known));
	open_with("stall", line, (struct ssh_options){ .connect_ns = NS_PER_S });
	for (size_t i = 0; i < CUTS; i++) {
		snprintf(name, sizeof name, "stall-%zu", i);
		cmd.nonce = NULL;
		ask_command(ssh, name, &cmd, &a[i]);
	}
	turn_for(loop, 4 * NS_PER_S);
	for (size_t i = 0; i < CUTS; i++) {
		enum ssh_stage stage = a[i].is_done ? a[i].result.stage : ssh_job_stage(a[i].job);

		/* Beyond the request the command's own time counts. */
		if (!a[i].is_done) {
			assert_int_equal(stage, SSH_RUN);
			continue;
		}
		if (a[i].result.outcome != SSH_EXITED) {
			assert_int_equal(a[i].result.outcome, SSH_NOT_RUN);
			if (strstr(a[i].result.err.msg, "no answer within") == NULL)
				fail_msg("%zu bytes: %s", limits[i], a[i].result.err.msg);
			n_early++;
		}
		stages |= 1u << stage;
		answer_done(&a[i]);
	}
	assert_true(n_early > 20);
	assert_int_equal(stages & (1u << SSH_KEYS | 1u << SSH_LOGIN | 1u << SSH_OPEN), 1u << SSH_KEYS | 1u << SSH_LOGIN | 1u << SSH_OPEN);
	ssh_free(ssh);
	ssh = NULL;
	stall_free(s);
	free(extra);
	free(known);
	free(line);
	free(key);
}

static void
servers_that_are_none(void **state)
{
	static const char *const texts[] = { "", "HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-1.5-old\r\n", "SSH-2.0-x\r\n\xff\xff\xff\xff\x04garbage",
		"SSH-2.0-x\r\n", "220 mail.example ESMTP\r\n" };
	struct answer a[sizeof texts / sizeof texts[0]];
	const size_t n = sizeof texts / sizeof texts[0];
	struct stall *s;
	char *extra, name[20];

	(void)state;
	need_farm();
	s = stall_new_text(texts, n);
	extra = stall_config(s, n);
	open_with("none", extra, (struct ssh_options){ .connect_ns = NS_PER_S / 2 });
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof name, "stall-%zu", i);
		ask(ssh, name, WORDS("true"), &a[i]);
	}
	wait_for(loop, a, n);
	for (size_t i = 0; i < n; i++)
		assert_refused(&a[i], SSH_FAIL_KEYS, "stall-");
	ssh_free(ssh);
	ssh = NULL;
	stall_free(s);
	free(extra);
}

/* --- what is asked wrongly, and routes --- */

static void
wrong_questions_are_refused_at_once(void **state)
{
	const struct ssh_host host = { .name = "a-1", .address = "a-1" }, option = { .name = "x", .address = "-oProxyCommand=reboot" };
	const struct ssh_command good = { .argv = WORDS("true"), .timeout_ns = NS_PER_S, .nonce = "0123456789abcdef" };
	struct ssh_command cmd;
	struct err err;

	(void)state;
	need_farm();
	open_with("wrong", "", (struct ssh_options){ 0 });
	assert_int_equal(ssh_exec(ssh, &option, &good, NULL, NULL, NULL, NULL, NULL, &err), ERR_INVALID);
	cmd = good;
	cmd.timeout_ns = 0;
	assert_int_equal(ssh_exec(ssh, &host, &cmd, NULL, NULL, NULL, NULL, NULL, &err), ERR_INVALID);
	cmd = good;
	cmd.nonce = "../../etc/passwd0000";
	assert_int_equal(ssh_exec(ssh, &host, &cmd, NULL, NULL, NULL, NULL, NULL, &err), ERR_INVALID);
	cmd = good;
	cmd.argv = WORDS(NULL);
	assert_int_equal(ssh_exec(ssh, &host, &cmd, NULL, NULL, NULL, NULL, NULL, &err), ERR_INVALID);
	assert_true(err.msg[0] != '\0');
}

static bool is_routed;
static void
on_route(const struct ssh_route *r, void *arg)
{
	is_routed = true;
	assert_int_equal(r->err.code, 0);
	assert_string_equal(r->user, "ops");
	if (arg != NULL) {
		assert_int_equal(r->transport, SSH_LIBSSH2);
		assert_string_equal(r->why, "");
		assert_string_equal(r->jumps, "e-1");
		assert_string_equal(r->hostname, "127.0.100.2");
		assert_int_equal(r->port, farm.port);
		assert_true(strncmp(r->known_as, "ED25519 SHA256:", 15) == 0);
	} else {
		assert_int_equal(r->transport, SSH_OPENSSH);
		assert_true(strstr(r->why, "rsa") != NULL);
	}
}

static void
a_route_is_told_without_contact(void **state)
{
	const struct ssh_host host = { .name = "a-2", .address = "a-2" }, rsa = { .name = "rsahost-1", .address = "rsahost-1" },
	    user = { .name = "rsauser-1", .address = "rsauser-1" };
	const struct ssh_host *const hosts[] = { &host, &rsa, &user };
	struct ssh_stats stats;
	struct err err;

	(void)state;
	need_farm();
	open_with("route", "Host a-2\n\tProxyJump e-1\n", (struct ssh_options){ 0 });
	for (int i = 0; i < 3; i++) {
		is_routed = false;
		assert_int_equal(ssh_route(ssh, hosts[i], on_route, i == 0 ? &farm : NULL, &err), 0);
		assert_false(is_routed);
		for (int k = 0; k < 100 && !is_routed; k++)
			loop_once(loop, 100 * NS_PER_MS);
		assert_true(is_routed);
	}
	ssh_stats(ssh, &stats);
	assert_int_equal(stats.fresh, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_unknown_key_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(accept_new_and_no_do_not_accept_either, setup, teardown),
		cmocka_unit_test_setup_teardown(a_changed_key_is_refused_with_both, setup, teardown),
		cmocka_unit_test_setup_teardown(a_revoked_key_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_jump_host_is_checked_too, setup, teardown),
		cmocka_unit_test_setup_teardown(ecdsa_keys_work, setup, teardown),
		cmocka_unit_test_setup_teardown(a_login_that_is_refused_names_the_key, setup, teardown),
		cmocka_unit_test_setup_teardown(servers_that_libssh2_cannot_talk_to_go_by_openssh, setup, teardown),
		cmocka_unit_test_setup_teardown(a_jump_over_such_a_server_goes_by_openssh_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(libssh2_by_configuration_does_not_fall_back, setup, teardown),
		cmocka_unit_test_setup_teardown(openssh_by_configuration_is_used_for_all, setup, teardown),
		cmocka_unit_test_setup_teardown(names_and_ports_that_are_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(a_login_shell_that_is_none_runs_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_server_is_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(a_command_on_a_full_server_can_be_cancelled, setup, teardown),
		cmocka_unit_test_setup_teardown(a_server_may_stall_anywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(servers_that_are_none, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_questions_are_refused_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_route_is_told_without_contact, setup, teardown),
	};
	int r;

	signal(SIGPIPE, SIG_IGN);
	farm_start(&farm, WORDS("a:3", "e:1:hostkey=ecdsa;userkey=ecdsa", "gcm:1:Ciphers=aes256-gcm@openssh.com", "etm:1:MACs=hmac-sha2-256-etm@openssh.com;Ciphers=aes128-ctr",
	    "rsauser:1:userkey=rsa", "rsahost:1:hostkey=rsa", "nologin:1:shell=/usr/sbin/nologin", "one:1:MaxSessions=1"));
	r = cmocka_run_group_tests(tests, NULL, NULL);
	farm_stop(&farm);
	return r;
}
