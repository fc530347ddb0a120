/*
 * Keys and signatures from real agents: the user's, and our private one with key files of every kind.
 */
#include "config.h"

#include <errno.h>
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
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "ssh/agent.h"
#include "ssh/agent_file.h"
#include "ssh/agent_private.h"
#include "ssh_world.h"

struct test {
	struct ssh_world *w;
	struct loop *l;
	struct agents *a;
	/* What came. */
	bool is_done, is_signed;
	unsigned n_calls, n_asked;
	struct agent_key keys[16];
	size_t n;
	char notes[1024];
	struct err err;
	unsigned char signature[2048];
	size_t signature_len;
	struct err sign_err;
	const char *answer;	/* to the next question for a passphrase */
};

static void
begin(struct test *t, void **state)
{
	*t = (struct test){ .w = *state };
	assert_int_equal(loop_new(&t->l, NULL), 0);
	t->a = agents_new(t->l, t->w->dir);
}

static void
forget(struct test *t)
{
	for (size_t i = 0; i < t->n; i++)
		agent_key_done(&t->keys[i]);
	t->n = 0;
	t->is_done = false;
	t->err = (struct err)ERR_INIT;
}

static void
end(struct test *t)
{
	forget(t);
	agents_free(t->a);
	loop_free(t->l);
}

static void
got_keys(const struct agent_list *list, const struct err *err, void *arg)
{
	struct test *t = arg;

	t->n_calls++;
	t->is_done = true;
	snprintf(t->notes, sizeof t->notes, "%s", list->notes);
	if (err != NULL)
		t->err = *err;
	for (t->n = 0; t->n < list->n && t->n < 16; t->n++)
		agent_key_copy(&t->keys[t->n], &list->v[t->n]);
}

/* Settings of a host with these identity files, NULL-terminated. */
static struct ssh_settings *
settings_with(const char *agent, bool identities_only, const char *const *files)
{
	struct ssh_settings *s;
	struct buf b;

	buf_init(&b, 1 << 16);
	buf_printf(&b, "hostname h\nuser u\nport 22\nidentityagent %s\nidentitiesonly %s\n", agent != NULL ? agent : "none", identities_only ? "yes" : "no");
	for (size_t i = 0; files[i] != NULL; i++)
		buf_printf(&b, "identityfile %s\n", files[i]);
	assert_int_equal(ssh_settings_parse("h", b.data, b.len, &s, NULL), 0);
	buf_done(&b);
	return s;
}

static void
ask(struct test *t, const char *agent, bool identities_only, const char *const *files)
{
	struct ssh_settings *s = settings_with(agent, identities_only, files);

	forget(t);
	agents_keys(t->a, s, got_keys, t);
	ssh_settings_unref(s);
	assert_true(world_wait(t->l, &t->is_done));
}

static void
got_signature(const unsigned char *signature, size_t len, const struct err *err, void *arg)
{
	struct test *t = arg;

	t->is_signed = true;
	t->signature_len = len;
	t->sign_err = err != NULL ? *err : (struct err)ERR_INIT;
	if (signature != NULL) {
		assert_true(len <= sizeof t->signature);
		memcpy(t->signature, signature, len);
	}
}

static void
sign(struct test *t, const struct agent_key *key, const char *data)
{
	t->is_signed = false;
	agents_sign(t->a, key, data, strlen(data), 0, got_signature, t);
	assert_true(world_wait(t->l, &t->is_signed));
}

/* An ed25519 signature by the key, over data: string "ssh-ed25519", string of 64 bytes; the blob ends in the 32 of the point. */
static bool
verifies(const struct agent_key *key, const char *data, const unsigned char *signature, size_t len)
{
	EVP_PKEY *pkey;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool r;

	if (len != 4 + 11 + 4 + 64 || memcmp(signature + 4, "ssh-ed25519", 11) != 0)
		return false;
	pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->blob + key->len - 32, 32);
	r = EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	    EVP_DigestVerify(ctx, signature + 19, 64, (const unsigned char *)data, strlen(data)) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return r;
}

/* A real agent of the user's, with a key of that path (NULL: none). Its number; the socket is at dir/NAME. */
static pid_t
user_agent(struct test *t, const char *name, const char *key)
{
	char *sock = world_path(t->w, name), *variable = xasprintf("SSH_AUTH_SOCK=%s", sock);
	const char *const start[] = { "ssh-agent", "-s", "-a", sock, NULL }, *const add[] = { "env", variable, "ssh-add", "-q", key, NULL };
	struct buf out;
	const char *p;
	pid_t pid;

	buf_init(&out, 65536);
	assert_int_equal(world_run(start, &out), 0);
	p = strstr(out.data, "SSH_AGENT_PID=");
	assert_non_null(p);
	pid = (pid_t)strtol(p + strlen("SSH_AGENT_PID="), NULL, 10);
	if (key != NULL)
		assert_int_equal(world_run(add, NULL), 0);
	buf_done(&out);
	free(sock);
	free(variable);
	return pid;
}

static bool
has_programs(void)
{
	return world_has("ssh-agent") && world_has("ssh-add") && world_has("ssh-keygen");
}

/* --- key files -------------------------------------------------------------------------------- */

static void
test_file(void **state)
{
	struct test t;
	char *key;

	if (!has_programs())
		skip();
	begin(&t, state);
	key = world_key(t.w, "plain", "ed25519", "");
	{
		const char *const files[] = { "/no/such/key", key, NULL };

		ask(&t, NULL, false, files);
		assert_int_equal(t.n, 1);
		assert_string_equal(t.keys[0].path, key);
		assert_string_equal(t.keys[0].type, "ssh-ed25519");
		assert_true(t.keys[0].is_from_file);
		assert_string_equal(t.notes, "");
		sign(&t, &t.keys[0], "to be signed");
		assert_int_equal(t.sign_err.code, 0);
		assert_true(verifies(&t.keys[0], "to be signed", t.signature, t.signature_len));
		assert_false(verifies(&t.keys[0], "to be signef", t.signature, t.signature_len));
	}
	end(&t);
	free(key);
}

/* A PEM file without a .pub does not tell its key: the agent does. */
static void
test_pem(void **state)
{
	struct test t;
	char *pem, *plain, *pub;

	if (!has_programs())
		skip();
	begin(&t, state);
	pem = world_path(t.w, "pem");
	plain = world_key(t.w, "plain", "ed25519", "");
	pub = xasprintf("%s.pub", pem);
	{
		const char *const make[] = { "ssh-keygen", "-q", "-t", "ecdsa", "-m", "PEM", "-N", "", "-f", pem, NULL };
		const char *const files[] = { plain, pem, NULL };

		assert_int_equal(world_run(make, NULL), 0);
		assert_int_equal(unlink(pub), 0);
		ask(&t, NULL, false, files);
		assert_int_equal(t.n, 2);
		assert_string_equal(t.keys[0].path, plain);
		assert_string_equal(t.keys[1].path, pem);
		assert_string_equal(t.keys[1].type, "ecdsa-sha2-nistp256");
	}
	end(&t);
	free(pem);
	free(plain);
	free(pub);
}

static void
test_no_key(void **state)
{
	struct test t;
	const char *const files[] = { "/no/such/key", NULL };

	begin(&t, state);
	ask(&t, NULL, false, files);
	assert_int_equal(t.n, 0);
	assert_int_equal(t.err.code, ERR_NOTFOUND);
	end(&t);
}

/* What ssh-add says of a file that others may read, and of one that is none; both are told, neither is fatal. */
static void
test_refused(void **state)
{
	struct test t;
	char *open, *plain, *junk;

	if (!has_programs())
		skip();
	begin(&t, state);
	open = world_key(t.w, "open", "ed25519", "");
	plain = world_key(t.w, "plain", "ed25519", "");
	junk = world_path(t.w, "junk");
	assert_int_equal(chmod(open, 0644), 0);
	world_write(junk, "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n");
	{
		const char *const files[] = { open, junk, plain, NULL };

		ask(&t, NULL, false, files);
		assert_int_equal(t.n, 1);
		assert_string_equal(t.keys[0].path, plain);
		assert_non_null(strstr(t.notes, open));
		assert_non_null(strstr(t.notes, "too open"));
		assert_null(strchr(t.notes, '\n'));
		assert_null(strchr(t.notes, '@'));
	}
	end(&t);
	free(open);
	free(plain);
	free(junk);
}

/* --- passphrases ------------------------------------------------------------------------------ */

static void
give_passphrase(const char *path, void *arg)
{
	struct test *t = arg;
	char *copy = xstrdup_or_null(t->n_asked == 0 ? t->answer : "right one \"$x\"");

	t->n_asked++;
	agents_passphrase(t->a, path, copy);
	if (copy != NULL)
		assert_int_equal(copy[0], '\0');
	free(copy);
}

static void
test_passphrase(void **state)
{
	struct test t;
	char *key;

	if (!has_programs())
		skip();
	begin(&t, state);
	key = world_key(t.w, "secret", "ed25519", "right one \"$x\"");
	{
		const char *const files[] = { key, NULL };

		/* Nobody to ask. */
		ask(&t, NULL, false, files);
		assert_int_equal(t.n, 0);
		assert_non_null(strstr(t.notes, "needs a passphrase: ssh-add "));
		assert_non_null(strstr(t.err.msg, "needs a passphrase"));
		/* Somebody who says no. */
		agents_on_passphrase(t.a, give_passphrase, &t);
		t.answer = NULL;
		ask(&t, NULL, false, files);
		assert_int_equal(t.n, 0);
		assert_int_equal(t.n_asked, 1);
		/* Somebody who is wrong at first. */
		agents_on_passphrase(t.a, give_passphrase, &t);
		t.n_asked = 0;
		t.answer = "wrong";
		ask(&t, NULL, false, files);
		assert_int_equal(t.n, 1);
		assert_int_equal(t.n_asked, 2);
		sign(&t, &t.keys[0], "x");
		assert_true(verifies(&t.keys[0], "x", t.signature, t.signature_len));
	}
	end(&t);
	free(key);
}

/* --- the user's agent ------------------------------------------------------------------------- */

static void
test_order(void **state)
{
	struct test t;
	char *held, *other, *plain, *sock;
	pid_t pid;

	if (!has_programs())
		skip();
	begin(&t, state);
	held = world_key(t.w, "held", "ed25519", "");
	other = world_key(t.w, "other", "ed25519", "");
	plain = world_key(t.w, "plain", "ed25519", "");
	sock = world_path(t.w, "user-agent");
	pid = user_agent(&t, "user-agent", other);
	{
		char *variable = xasprintf("SSH_AUTH_SOCK=%s", sock);
		const char *const add[] = { "env", variable, "ssh-add", "-q", held, NULL };
		const char *const files[] = { plain, held, NULL };

		assert_int_equal(world_run(add, NULL), 0);
		free(variable);
		ask(&t, sock, false, files);
		assert_int_equal(t.n, 3);
		assert_string_equal(t.keys[0].path, held);
		assert_true(t.keys[0].is_from_file);
		assert_string_equal(t.keys[1].comment, "other");
		assert_null(t.keys[1].path);
		assert_string_equal(t.keys[2].path, plain);
		/* Each is signed by the one that holds it. */
		for (size_t i = 0; i < 3; i++) {
			sign(&t, &t.keys[i], "which");
			assert_int_equal(t.sign_err.code, 0);
			assert_true(verifies(&t.keys[i], "which", t.signature, t.signature_len));
		}
		ask(&t, sock, true, files);
		assert_int_equal(t.n, 2);
		assert_string_equal(t.keys[0].path, held);
		assert_string_equal(t.keys[1].path, plain);
		/* A private key that the agent does not have is not asked of it. */
		t.keys[0].blob[t.keys[0].len - 1] ^= 1;
		sign(&t, &t.keys[0], "x");
		assert_int_equal(t.sign_err.code, ERR_REFUSED);
	}
	end(&t);
	kill(pid, SIGTERM);
	free(held);
	free(other);
	free(plain);
	free(sock);
}

static void
test_agent_gone(void **state)
{
	struct test t;
	char *plain, *sock;

	if (!has_programs())
		skip();
	begin(&t, state);
	plain = world_key(t.w, "plain", "ed25519", "");
	sock = world_path(t.w, "no-agent");
	{
		const char *const files[] = { plain, NULL };

		ask(&t, sock, false, files);
		assert_int_equal(t.n, 1);
		assert_non_null(strstr(t.notes, "cannot reach the agent at "));
		assert_non_null(strstr(t.notes, sock));
	}
	end(&t);
	free(plain);
	free(sock);
}

/* --- the end of ours -------------------------------------------------------------------------- */

struct held { struct test *t; struct agent_private *p; bool is_loaded; };

/* A zombie is none, even where nobody reaps it (a container without an init). */
static bool
is_alive(pid_t pid)
{
	char path[40], state = 'Z';
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return kill(pid, 0) == 0;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	fclose(f);
	return state != 'Z' && state != 'X';
}

static bool
wait_gone(pid_t pid)
{
	int64_t until = clock_mono_fresh() + 30 * NS_PER_S;

	while (is_alive(pid) && clock_mono_fresh() < until)
		usleep(10000);
	return !is_alive(pid);
}

static void
changed(void *arg)
{
	((struct held *)arg)->is_loaded = true;
}

static void
load_one(struct held *h, struct test *t, const char *path)
{
	struct key_file *f;

	*h = (struct held){ .t = t };
	h->p = agent_private_new(t->l, t->w->dir, changed, h);
	f = agent_private_file(h->p, path);
	agent_private_load(h->p, f, NULL);
	assert_true(world_wait(t->l, &h->is_loaded));
	assert_int_equal(f->state, KEY_LOADED);
}

static void
test_freed(void **state)
{
	struct test t;
	struct held h;
	char *plain;
	pid_t pid;

	if (!has_programs())
		skip();
	begin(&t, state);
	plain = world_key(t.w, "plain", "ed25519", "");
	load_one(&h, &t, plain);
	pid = agent_private_pid(h.p);
	assert_true(pid > 1 && is_alive(pid));
	agent_private_free(h.p);
	assert_true(wait_gone(pid));
	end(&t);
	free(plain);
}

/* kill -9 of the program that has it: nothing of ours runs any more, and yet the agent goes. */
static void
test_killed(void **state)
{
	struct test t;
	char *plain;
	int fds[2], status;
	pid_t child, pid = -1;

	if (!has_programs())
		skip();
	plain = world_key(*state, "plain", "ed25519", "");
	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct held h;

		begin(&t, state);
		load_one(&h, &t, plain);
		pid = agent_private_pid(h.p);
		if (write(fds[1], &pid, sizeof pid) != sizeof pid)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(fds[0], &pid, sizeof pid), sizeof pid);
	assert_true(is_alive(pid));
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(wait_gone(pid));
	close(fds[0]);
	close(fds[1]);
	free(plain);
}

/* An agent of ours that somebody killed is started again. */
static void
test_restarted(void **state)
{
	struct test t;
	struct held h;
	char *plain;
	pid_t pid;

	if (!has_programs())
		skip();
	begin(&t, state);
	plain = world_key(t.w, "plain", "ed25519", "");
	load_one(&h, &t, plain);
	pid = agent_private_pid(h.p);
	kill(pid, SIGKILL);
	assert_true(wait_gone(pid));
	h.is_loaded = false;
	agent_private_lost(h.p);
	assert_true(h.is_loaded);
	assert_null(agent_private_client(h.p));
	h.is_loaded = false;
	agent_private_load(h.p, agent_private_file(h.p, plain), NULL);
	assert_true(world_wait(t.l, &h.is_loaded));
	assert_int_equal(agent_private_file(h.p, plain)->state, KEY_LOADED);
	assert_int_not_equal(agent_private_pid(h.p), pid);
	agent_private_free(h.p);
	end(&t);
	free(plain);
}

/* A folder that others can look into is no place for a socket that signs. */
static void
test_open_folder(void **state)
{
	struct test t;
	char *plain, *dir;

	if (!has_programs())
		skip();
	begin(&t, state);
	plain = world_key(t.w, "plain", "ed25519", "");
	dir = world_path(t.w, "shared");
	assert_int_equal(mkdir(dir, 0755), 0);
	agents_free(t.a);
	t.a = agents_new(t.l, dir);
	{
		const char *const files[] = { plain, NULL };

		ask(&t, NULL, false, files);
		assert_int_equal(t.n, 0);
		assert_non_null(strstr(t.notes, "mode 0700"));
	}
	end(&t);
	free(plain);
	free(dir);
}

static void
test_no_programs(void **state)
{
	struct test t;
	char *plain, *path = xstrdup(getenv("PATH"));

	if (!has_programs()) {
		free(path);
		skip();
	}
	begin(&t, state);
	plain = world_key(t.w, "plain", "ed25519", "");
	setenv("PATH", "/nonexistent", 1);
	{
		const char *const files[] = { plain, NULL };

		ask(&t, NULL, false, files);
	}
	setenv("PATH", path, 1);
	assert_int_equal(t.n, 0);
	assert_non_null(strstr(t.err.msg, "cannot be loaded: "));
	end(&t);
	free(plain);
	free(path);
}

/* Keys that the user adds after the first look are seen: an agent without keys is asked again. */
static void
test_added_later(void **state)
{
	struct test t;
	char *plain, *sock, *variable;
	int64_t until;
	pid_t pid;

	if (!has_programs())
		skip();
	begin(&t, state);
	plain = world_key(t.w, "plain", "ed25519", "");
	sock = world_path(t.w, "empty-agent");
	variable = xasprintf("SSH_AUTH_SOCK=%s", sock);
	pid = user_agent(&t, "empty-agent", NULL);
	{
		const char *const files[] = { NULL }, *const add[] = { "env", variable, "ssh-add", "-q", plain, NULL };

		ask(&t, sock, false, files);
		assert_int_equal(t.n, 0);
		assert_int_equal(world_run(add, NULL), 0);
		until = clock_mono_fresh() + 30 * NS_PER_S;
		while (t.n == 0 && clock_mono_fresh() < until) {
			usleep(100000);
			ask(&t, sock, false, files);
		}
		assert_int_equal(t.n, 1);
	}
	end(&t);
	kill(pid, SIGTERM);
	free(plain);
	free(sock);
	free(variable);
}

/* --- what a file tells ------------------------------------------------------------------------ */

static bool
parse_file(const char *text, struct agent_file *f)
{
	return agent_file_parse(text, strlen(text), f);
}

static void
test_file_kinds(void **state)
{
	struct ssh_world *w = *state;
	char *plain, *secret, *pub;
	struct agent_file f;

	if (!has_programs())
		skip();
	plain = world_key(w, "plain", "ed25519", "");
	secret = world_key(w, "secret", "ed25519", "right one \"$x\"");
	pub = xasprintf("%s.pub", plain);
	assert_true(agent_file_read(plain, &f));
	assert_true(f.is_private && !f.is_encrypted && f.blob != NULL);
	assert_string_equal(f.type, "ssh-ed25519");
	agent_file_done(&f);
	assert_true(agent_file_read(secret, &f));
	assert_true(f.is_private && f.is_encrypted && f.blob != NULL);
	agent_file_done(&f);
	assert_true(agent_file_read(pub, &f));
	assert_true(!f.is_private && f.blob != NULL);
	agent_file_done(&f);
	assert_false(agent_file_read("/no/such/file", &f));
	assert_false(agent_file_read("/dev/zero", &f));
	assert_true(parse_file("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", &f));
	assert_true(f.is_private && f.is_encrypted && f.blob == NULL);
	assert_true(parse_file("-----BEGIN PRIVATE KEY-----\nAAAA\n", &f));
	assert_true(f.is_private && !f.is_encrypted);
	assert_false(parse_file("-----BEGIN CERTIFICATE-----\nAAAA\n", &f));
	assert_false(parse_file("", &f));
	free(plain);
	free(secret);
	free(pub);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file), cmocka_unit_test(test_pem), cmocka_unit_test(test_no_key), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_passphrase), cmocka_unit_test(test_order), cmocka_unit_test(test_agent_gone), cmocka_unit_test(test_freed),
		cmocka_unit_test(test_killed), cmocka_unit_test(test_restarted), cmocka_unit_test(test_open_folder), cmocka_unit_test(test_no_programs),
		cmocka_unit_test(test_added_later), cmocka_unit_test(test_file_kinds),
	};

	return cmocka_run_group_tests_name("agent", tests, world_setup, world_teardown);
}
