/* Checkpoints signed through real agents, and checked by the real ssh-keygen. */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
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

#include "base/clock.h"
#include "base/xalloc.h"
#include "checkpoints.h"
#include "ssh/agent_wire.h"
#include "ssh/sshsig.h"
#include "ssh_world.h"

extern char **environ;

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct world {
	struct ssh_world *ssh;
	struct loop *loop;
	struct pool *pool;
	struct pool_lane *lane;
	pid_t agent;
	char *socket, *dir, *signers;
	/* what came of the last one */
	bool is_done;
	char path[256], key[80];
	struct err err;
};

static bool
has_ssh(void)
{
	return world_has("ssh-keygen") && world_has("ssh-agent") && world_has("ssh-add");
}

static void
agent_start(struct world *w)
{
	const char *argv[] = { "ssh-agent", "-D", "-a", w->socket, NULL };
	posix_spawn_file_actions_t fa;
	int64_t until = clock_mono_fresh() + 30 * NS_PER_S;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	assert_int_equal(posix_spawnp(&w->agent, argv[0], &fa, NULL, (char *const *)(uintptr_t)argv, environ), 0);
	posix_spawn_file_actions_destroy(&fa);
	while (access(w->socket, F_OK) < 0 && clock_mono_fresh() < until)
		loop_once(w->loop, 5 * NS_PER_MS);
}

static int
setup(void **state)
{
	struct world *w = xcalloc(1, sizeof *w);

	world_setup((void **)&w->ssh);
	assert_int_equal(loop_new(&w->loop, NULL), 0);
	w->pool = pool_new(w->loop, 1);
	w->lane = pool_lane_new(w->pool);
	w->socket = world_path(w->ssh, "agent");
	w->dir = world_path(w->ssh, "made/here");
	w->signers = world_path(w->ssh, "signers");
	if (has_ssh())
		agent_start(w);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	void *ssh = w->ssh;

	if (w->agent > 0) {
		kill(w->agent, SIGTERM);
		waitpid(w->agent, NULL, 0);
	}
	pool_stop(w->pool);
	pool_lane_free(w->lane);
	pool_free(w->pool);
	loop_free(w->loop);
	free(w->socket);
	free(w->dir);
	free(w->signers);
	free(w);
	return world_teardown(&ssh);
}

/* Makes a key, gives it to the agent, and lists it as alice's. */
static char *
key(struct world *w, const char *type)
{
	char *path = world_key(w->ssh, type, type, ""), *pub = xasprintf("%s.pub", path), *line, *text = NULL;
	const char *const argv[] = { "ssh-add", "-q", path, NULL };
	size_t size = 0;
	FILE *f = fopen(pub, "r");

	assert_non_null(f);
	assert_true(getline(&text, &size, f) > 0);
	fclose(f);
	line = xasprintf("alice@example.org namespaces=\"opsconsole-audit\" %s", text);
	world_write(w->signers, line);
	setenv("SSH_AUTH_SOCK", w->socket, 1);
	assert_int_equal(world_run(argv, NULL), 0);
	unsetenv("SSH_AUTH_SOCK");
	free(line);
	free(text);
	free(path);
	return pub;
}

static void
on_made(const struct checkpoint_made *made, const struct err *err, void *arg)
{
	struct world *w = arg;

	w->is_done = true;
	w->err = err != NULL ? *err : (struct err)ERR_INIT;
	snprintf(w->path, sizeof w->path, "%s", made->path != NULL ? made->path : "");
	snprintf(w->key, sizeof w->key, "%s", made->key);
}

static const struct audit_checkpoint sample = { .chain = "alice@web /home/alice/audit", .seq = 4127, .hash = HASH, .time_ns = INT64_C(1893464971) * NS_PER_S };

static void
make(struct world *w, const char *pub, const char *socket)
{
	w->is_done = false;
	checkpoint_make(w->loop, w->lane, &sample, pub, w->dir, socket, on_made, w);
	assert_false(w->is_done);
	assert_true(world_wait(w->loop, &w->is_done));
}

/* --- the text ------------------------------------------------------------------------------------------------------------------------------------------ */

static void
text_round_trip(void **state)
{
	struct audit_checkpoint again;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	assert_int_equal(audit_checkpoint_write(&b, &sample, NULL), 0);
	assert_string_equal(b.data, "opsconsole audit checkpoint 1\nchain alice@web /home/alice/audit\nhead 4127 " HASH "\ntime 2030-01-01T02:29:31Z\n");
	assert_int_equal(audit_checkpoint_read(b.data, b.len, &again, NULL), 0);
	assert_int_equal(again.seq, 4127);
	assert_string_equal(again.hash, HASH);
	assert_string_equal(again.chain, sample.chain);
	assert_int_equal(again.time_ns, sample.time_ns);
	/* Cut anywhere it is none. */
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(audit_checkpoint_read(b.data, n, &again, NULL), ERR_SYNTAX);
	buf_addstr(&b, "x\n");
	assert_int_equal(audit_checkpoint_read(b.data, b.len, &again, NULL), ERR_SYNTAX);
	buf_done(&b);
	assert_int_equal(audit_checkpoint_write(&b, &(struct audit_checkpoint){ .seq = 0 }, NULL), ERR_NOTFOUND);
}

/* A folder's name must not forge a line. */
static void
text_is_escaped(void **state)
{
	struct audit_checkpoint c = sample, again;
	struct buf b;

	(void)state;
	snprintf(c.chain, sizeof c.chain, "a@b /x\nhead 1 " AUDIT_ZERO);
	buf_init(&b, 4096);
	assert_int_equal(audit_checkpoint_write(&b, &c, NULL), 0);
	assert_int_equal(audit_checkpoint_read(b.data, b.len, &again, NULL), 0);
	assert_int_equal(again.seq, 4127);
	buf_done(&b);
}

static void
text_is_strict(void **state)
{
	static const char *const bad[] = {
		"opsconsole audit checkpoint 2\nchain a\nhead 1 " HASH "\ntime 2030-01-01T00:00:00Z\n",
		"opsconsole audit checkpoint 1\nchain a\nhead 1:" HASH "\ntime 2030-01-01T00:00:00Z\n",
		"opsconsole audit checkpoint 1\nchain a\nhead 0 " HASH "\ntime 2030-01-01T00:00:00Z\n",
		"opsconsole audit checkpoint 1\nchain a\nhead 1 " HASH "0\ntime 2030-01-01T00:00:00Z\n",
		"opsconsole audit checkpoint 1\nhead 1 " HASH "\nchain a\ntime 2030-01-01T00:00:00Z\n",
		"opsconsole audit checkpoint 1\nchain a\nhead 1 " HASH "\ntime soon\n",
	};
	struct audit_checkpoint c;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (audit_checkpoint_read(bad[i], strlen(bad[i]), &c, NULL) != ERR_SYNTAX)
			fail_msg("taken: %s", bad[i]);
}

/* --- signatures ---------------------------------------------------------------------------------------------------------------------------------------- */

static void
each_kind_of_key(void **state)
{
	static const char *const types[] = { "ed25519", "rsa", "ecdsa" };
	struct world *w = *state;

	if (!has_ssh())
		skip();
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		char *pub = key(w, types[i]), who[64];
		struct audit_checkpoint c;
		struct err err = ERR_INIT;

		make(w, pub, w->socket);
		if (w->err.code != 0)
			fail_msg("%s: %s", types[i], w->err.msg);
		assert_non_null(strstr(w->path, "/made/here/20300101-022931-4127.checkpoint"));
		assert_int_equal(strncmp(w->key, "SHA256:", 7), 0);
		if (checkpoint_check(w->path, w->signers, &c, who, sizeof who, &err) < 0)
			fail_msg("%s: %s", types[i], err.msg);
		assert_string_equal(who, "alice@example.org");
		assert_int_equal(c.seq, 4127);
		checkpoint_newest(w->dir, &c);
		assert_int_equal(c.seq, 4127);
		free(pub);
	}
}

static char *
slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = xcalloc(1, 8192);

	assert_non_null(f);
	assert_true(fread(text, 1, 8191, f) > 0);
	fclose(f);
	return text;
}

static void
changes_are_refused(void **state)
{
	struct world *w = *state;
	char *pub, *text, *sig, *other, *line;
	struct audit_checkpoint c;
	struct err err = ERR_INIT;

	if (!has_ssh())
		skip();
	pub = key(w, "ed25519");
	make(w, pub, w->socket);
	assert_int_equal(w->err.code, 0);
	sig = xasprintf("%s.sig", w->path);
	text = slurp(w->path);
	/* Another head. */
	memcpy(strstr(text, "4127"), "4128", 4);
	world_write(w->path, text);
	assert_int_equal(checkpoint_check(w->path, w->signers, &c, NULL, 0, &err), ERR_DENIED);
	assert_non_null(strstr(err.msg, "does not hold"));
	memcpy(strstr(text, "4128"), "4127", 4);
	world_write(w->path, text);
	assert_int_equal(checkpoint_check(w->path, w->signers, &c, NULL, 0, &err), 0);
	/* Nobody's key. */
	free(world_key(w->ssh, "other", "ed25519", ""));
	other = world_path(w->ssh, "other.pub");
	line = slurp(other);
	free(other);
	other = xasprintf("bob %s", line);
	world_write(w->signers, other);
	assert_int_equal(checkpoint_check(w->path, w->signers, &c, NULL, 0, &err), ERR_DENIED);
	assert_non_null(strstr(err.msg, "none of those"));
	/* A list that others may write is nobody's word. */
	chmod(w->signers, 0666);
	assert_int_equal(checkpoint_check(w->path, w->signers, &c, NULL, 0, &err), ERR_DENIED);
	unlink(sig);
	chmod(w->signers, 0600);
	assert_int_equal(checkpoint_check(w->path, w->signers, &c, NULL, 0, &err), ERR_NOTFOUND);
	free(line);
	free(other);
	free(text);
	free(sig);
	free(pub);
}

/* Signed for another purpose it is no checkpoint. */
static void
namespace_counts(void **state)
{
	struct world *w = *state;
	char *pub, *sig, *text;
	struct audit_checkpoint c;
	struct err err = ERR_INIT;

	if (!has_ssh())
		skip();
	pub = key(w, "ed25519");
	make(w, pub, w->socket);
	sig = xasprintf("%s.sig", w->path);
	unlink(sig);
	pub[strlen(pub) - 4] = '\0';	/* the private file */
	assert_int_equal(world_run((const char *const[]){ "ssh-keygen", "-q", "-Y", "sign", "-f", pub, "-n", "file", w->path, NULL }, NULL), 0);
	text = slurp(sig);
	assert_non_null(strstr(text, "BEGIN SSH SIGNATURE"));
	assert_int_equal(checkpoint_check(w->path, w->signers, &c, NULL, 0, &err), ERR_DENIED);
	/* And ours, by ssh-keygen, is. */
	unlink(sig);
	assert_int_equal(world_run((const char *const[]){ "ssh-keygen", "-q", "-Y", "sign", "-f", pub, "-n", "opsconsole-audit", w->path, NULL }, NULL), 0);
	assert_int_equal(checkpoint_check(w->path, w->signers, &c, NULL, 0, &err), 0);
	free(text);
	free(sig);
	free(pub);
}

static void
reasons_are_told(void **state)
{
	struct world *w = *state;
	char *pub, *path;

	make(w, "/nonexistent.pub", w->socket);
	assert_int_equal(w->err.code, ERR_NOTFOUND);
	if (!has_ssh())
		skip();
	free(world_key(w->ssh, "not-held", "ed25519", ""));
	pub = world_path(w->ssh, "not-held.pub");
	make(w, pub, w->socket);
	assert_int_equal(w->err.code, ERR_REFUSED);
	assert_non_null(strstr(w->err.msg, "ssh-add"));
	make(w, pub, NULL);
	assert_int_equal(w->err.code, ERR_NOTFOUND);
	assert_non_null(strstr(w->err.msg, "no ssh-agent"));
	path = world_path(w->ssh, "nobody");
	make(w, pub, path);
	assert_int_not_equal(w->err.code, 0);
	free(path);
	free(pub);
	/* A folder that cannot be made. */
	pub = key(w, "ed25519");
	world_write(w->signers, "x");
	free(w->dir);
	w->dir = xasprintf("%s/below", w->signers);
	make(w, pub, w->socket);
	assert_int_not_equal(w->err.code, 0);
	free(pub);
}

static void
given_up(void **state)
{
	struct world *w = *state;
	struct checkpoint_job *j = checkpoint_make(w->loop, w->lane, &sample, "/nonexistent.pub", w->dir, w->socket, on_made, w);
	int64_t until = clock_mono_fresh() + 50 * NS_PER_MS;

	w->is_done = false;
	checkpoint_cancel(j);
	while (clock_mono_fresh() < until)
		loop_once(w->loop, 10 * NS_PER_MS);
	assert_false(w->is_done);
	checkpoint_cancel(NULL);
}

/* Bytes that no agent should answer with. */
static void
bad_signatures(void **state)
{
	static const char sha1[] = "\0\0\0\7ssh-rsa\0\0\0\1x", cut[] = "\0\0\0\17ssh";
	struct err err = ERR_INIT;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	assert_int_equal(sshsig_armour("k", 1, sha1, sizeof sha1 - 1, "n", &b, &err), ERR_UNSUPPORTED);
	assert_int_equal(sshsig_armour("k", 1, cut, sizeof cut - 1, "n", &b, &err), ERR_SYNTAX);
	assert_int_equal(sshsig_armour("k", 1, "", 0, "n", &b, &err), ERR_SYNTAX);
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_round_trip),
		cmocka_unit_test(text_is_escaped),
		cmocka_unit_test(text_is_strict),
		cmocka_unit_test_setup_teardown(each_kind_of_key, setup, teardown),
		cmocka_unit_test_setup_teardown(changes_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(namespace_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(reasons_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(given_up, setup, teardown),
		cmocka_unit_test(bad_signatures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
