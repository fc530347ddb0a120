/*
 * What ssh -G says, as settings: the ssh of the machine is asked with many configs, and its defaults held against our table.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "ssh/settings.h"
#include "ssh/settings_priv.h"
#include "ssh_world.h"

/* --- ProxyJump -------------------------------------------------------------------------------- */

static void
test_hops(void **state)
{
	struct ssh_hop h[SSH_HOPS_MAX];
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(ssh_hops_parse("gate", h, &err), 1);
	assert_string_equal(h[0].host, "gate");
	assert_string_equal(h[0].user, "");
	assert_int_equal(h[0].port, 0);
	assert_int_equal(ssh_hops_parse("me@there@a:2222,[::1]:22,ssh://bob@c:7/,[fe80::1]", h, &err), 4);
	assert_string_equal(h[0].user, "me@there");
	assert_string_equal(h[0].host, "a");
	assert_int_equal(h[0].port, 2222);
	assert_string_equal(h[1].host, "::1");
	assert_int_equal(h[1].port, 22);
	assert_string_equal(h[2].user, "bob");
	assert_string_equal(h[2].host, "c");
	assert_int_equal(h[2].port, 7);
	assert_string_equal(h[3].host, "fe80::1");
	assert_int_equal(h[3].port, 0);
	assert_int_equal(ssh_hops_parse("none", h, &err), 0);
	assert_int_equal(ssh_hops_parse("a,b,c,d,e,f,g,h", h, &err), 8);
	assert_int_equal(ssh_hops_parse("a,b,c,d,e,f,g,h,i", h, &err), ERR_LIMIT);
}

static void
test_hops_refused(void **state)
{
	static const char *const bad[] = {
		"", ",", "a,", ",a", "a,,b", "@a", "a:", "a:0", "a:65536", "a:x", "a:22:23", "::1", "[::1", "[]", "[::1]22", "-oProxyCommand=x", "me@-v",
		"-l@a", "a b", "$(reboot)", "a;b", "`x`", "u;v@a", "ssh://", "a/b",
	};
	struct ssh_hop h[SSH_HOPS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err err = ERR_INIT;
		int r = ssh_hops_parse(bad[i], h, &err);

		if (r != ERR_SYNTAX || err.code != ERR_SYNTAX)
			fail_msg("%s: %d %s", bad[i], r, err.msg);
	}
}

/* --- text ------------------------------------------------------------------------------------- */

static int
parse(const char *text, struct ssh_settings **ret, struct err *err)
{
	return ssh_settings_parse("h", text, strlen(text), ret, err);
}

static void
test_text(void **state)
{
	struct ssh_settings *s;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(parse("host h\nhostname H.example\r\nuser me\nport 2222\nhostname second\nconnecttimeout 7\naddressfamily inet6\n"
	    "stricthostkeychecking accept-new\nserveraliveinterval 15\nserveralivecountmax 2\nproxyjump none\nidentitiesonly yes", &s, &err), 0);
	assert_string_equal(s->hostname, "H.example");
	assert_int_equal(s->port, 2222);
	assert_true(s->connect_ns == 7 * NS_PER_S);
	assert_int_equal(s->address_family, AF_INET6);
	assert_int_equal(s->strict, SSH_STRICT_ACCEPT_NEW);
	assert_int_equal(s->alive_interval_s, 15);
	assert_int_equal(s->alive_count_max, 2);
	assert_null(s->proxy_jump);
	assert_null(s->why_openssh);
	assert_true(s->identities_only);
	assert_null(s->identity_files[0]);
	assert_null(s->user_known_hosts[0]);
	ssh_settings_unref(s);
}

static void
test_text_refused(void **state)
{
	static const struct { const char *text; const char *word; } bad[] = {
		{ "", "hostname" }, { "hostname h\nport 22\n", "user" }, { "hostname h\nuser u\n", "port" }, { "hostname \nuser u\nport 22\n", "hostname" },
		{ "hostname h\nuser u\nport x\n", "Port" }, { "hostname h\nuser u\nport 65536\n", "Port" }, { "hostname h\nuser u\nport -1\n", "Port" },
		{ "hostname h\nuser u\nport 22\nconnecttimeout soon\n", "ConnectTimeout" },
		{ "hostname h\nuser u\nport 22\nserveraliveinterval 99999999999\n", "ServerAliveInterval" },
	};
	struct ssh_settings *s;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err err = ERR_INIT;

		if (parse(bad[i].text, &s, &err) != ERR_SYNTAX || strstr(err.msg, bad[i].word) == NULL)
			fail_msg("%s: %s", bad[i].text, err.msg);
	}
	assert_int_equal(ssh_settings_parse("h", "hostname h\0x", 12, &s, NULL), ERR_SYNTAX);
}

/* What selects the system's ssh, and by which word. */
static void
test_why(void **state)
{
	static const struct { const char *line, *why; } rows[] = {
		{ "proxycommand nc %h %p", "ProxyCommand nc %h %p" }, { "proxycommand none", NULL }, { "bindaddress 127.0.0.1", "BindAddress 127.0.0.1" },
		{ "setenv A=b", "SetEnv A=b" }, { "sendenv LC_*", NULL }, { "sendenv LANG", NULL }, { "sendenv AWS_PROFILE", "SendEnv AWS_PROFILE" },
		{ "certificatefile ~/x-cert.pub", "CertificateFile ~/x-cert.pub" }, { "rekeylimit 0 0", NULL }, { "rekeylimit 1000 0", "RekeyLimit 1000 0" },
		{ "pubkeyauthentication false", "PubkeyAuthentication false" }, { "pubkeyauthentication unbound", NULL },
		{ "verifyhostkeydns true", "VerifyHostKeyDNS true" }, { "novelty on", "novelty is not known here" }, { "forwardagent yes", NULL },
		{ "gssapiauthentication yes", NULL }, { "gssapikeyexchange yes", "GSSAPIKeyExchange yes" }, { "controlmaster auto", NULL },
		{ "ciphers rot13", "Ciphers has nothing that libssh2 can do (rot13)" }, { "ciphers rot13,aes256-ctr", NULL },
		{ "kexalgorithms x", "KexAlgorithms has nothing" }, { "macs x,y", "MACs has nothing" }, { "hostkeyalgorithms x", "HostKeyAlgorithms has nothing" },
		{ "pubkeyacceptedalgorithms sk-ssh-ed25519@openssh.com", "PubkeyAcceptedAlgorithms has nothing" },
		{ "hostkeyalgorithms ssh-ed25519", NULL }, { "identityfile %d/x", NULL }, { "identityfile ~/x", NULL }, { "identityfile %C", "IdentityFile %C" },
		{ "identityfile ${OPS_NO_SUCH_NAME}/x", "IdentityFile ${OPS_NO_SUCH_NAME}/x" }, { "identityfile ~bob/x", "IdentityFile ~bob/x" },
		{ "identityagent %d/agent", NULL }, { "knownhostscommand /bin/true", "KnownHostsCommand /bin/true" },
		{ "setenv A=\033[31m", "SetEnv A=\\x1B[31m" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *text = xasprintf("hostname h\nuser u\nport 22\n%s\n", rows[i].line);
		struct ssh_settings *s;

		assert_int_equal(parse(text, &s, NULL), 0);
		if (rows[i].why == NULL ? s->why_openssh != NULL : s->why_openssh == NULL || strstr(s->why_openssh, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].line, s->why_openssh != NULL ? s->why_openssh : "nothing");
		ssh_settings_unref(s);
		free(text);
	}
}

static void
test_usable_keys(void **state)
{
	(void)state;
	assert_true(ssh_key_is_usable("ssh-ed25519"));
	assert_true(ssh_key_is_usable("ecdsa-sha2-nistp256"));
	assert_false(ssh_key_is_usable("sk-ssh-ed25519@openssh.com"));
	assert_false(ssh_key_is_usable("ecdsa-sha2-nistp256-cert-v01@openssh.com"));
	assert_false(ssh_key_is_usable("ssh-dss"));
	assert_false(ssh_key_is_usable("ssh-rsa"));
	assert_false(ssh_key_is_usable(""));
}

/* --- identity files --------------------------------------------------------------------------- */

static struct ssh_settings *
with_files(const char *lines)
{
	char *text = xasprintf("hostname h.example\nuser u\nport 22\nhost h\n%s", lines);
	struct ssh_settings *s;

	assert_int_equal(parse(text, &s, NULL), 0);
	free(text);
	return s;
}

static void
test_identities(void **state)
{
	struct ssh_world *w = *state;
	char *key, *lines, *cert, *agent;
	struct ssh_settings *s;

	if (!world_has("ssh-keygen"))
		skip();
	key = world_key(w, "id h", "ed25519", "");
	lines = xasprintf("identityfile %s/none\nidentityfile %s/id %%n\nidentityfile none\nidentityagent ${OPS_TEST_DIR}/%%h.sock\n", w->dir, w->dir);
	setenv("OPS_TEST_DIR", w->dir, 1);
	s = with_files(lines);
	agent = world_path(w, "h.example.sock");
	assert_string_equal(s->identity_files[0], key);
	assert_non_null(strstr(s->identity_files[1], "/none"));
	assert_null(s->identity_files[2]);
	assert_string_equal(s->identity_agent, agent);
	assert_null(s->why_openssh);
	ssh_settings_unref(s);
	cert = xasprintf("%s-cert.pub", key);
	world_write(cert, "x");
	s = with_files(lines);
	assert_non_null(strstr(s->why_openssh, "there is a certificate"));
	assert_non_null(strstr(s->why_openssh, cert));
	ssh_settings_unref(s);
	unlink(cert);
	free(agent);
	free(cert);
	free(lines);
	free(key);
}

/* Hardware keys alone: by their public part, as nobody has one here. */
static void
test_hardware(void **state)
{
	static const char pub[] = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIFeb3kSDEVVyNPnUKE1W1yVHFPOAS4qx8rSsrQDrGvKyAAAABHNzaDo= x\n";
	struct ssh_world *w = *state;
	char *path = world_path(w, "sk.pub"), *lines = xasprintf("identityfile %s/sk\n", w->dir);
	struct ssh_settings *s;

	world_write(path, pub);
	s = with_files(lines);
	assert_non_null(s->why_openssh);
	assert_non_null(strstr(s->why_openssh, "sk-ssh-ed25519@openssh.com"));
	ssh_settings_unref(s);
	/* An agent may hold others. */
	setenv("SSH_AUTH_SOCK", "/nowhere", 1);
	s = with_files(lines);
	assert_null(s->why_openssh);
	ssh_settings_unref(s);
	unsetenv("SSH_AUTH_SOCK");
	free(path);
	free(lines);
}

static void
test_known_hosts_paths(void **state)
{
	struct ssh_world *w = *state;
	char *spaced = world_path(w, "known hosts"), *line;
	struct ssh_settings *s;

	world_write(spaced, "");
	line = xasprintf("userknownhostsfile /a/b %s /c\nglobalknownhostsfile none\n", spaced);
	s = with_files(line);
	assert_string_equal(s->user_known_hosts[0], "/a/b");
	assert_string_equal(s->user_known_hosts[1], spaced);
	assert_string_equal(s->user_known_hosts[2], "/c");
	assert_null(s->user_known_hosts[3]);
	assert_null(s->global_known_hosts[0]);
	ssh_settings_unref(s);
	free(line);
	free(spaced);
}

static void
test_agent_names(void **state)
{
	struct ssh_settings *s;

	(void)state;
	s = with_files("identityagent SSH_AUTH_SOCK\n");
	assert_null(s->identity_agent);
	ssh_settings_unref(s);
	s = with_files("identityagent none\n");
	assert_string_equal(s->identity_agent, "none");
	ssh_settings_unref(s);
	setenv("OPS_TEST_AGENT", "/x/y", 1);
	s = with_files("identityagent $OPS_TEST_AGENT\n");
	assert_string_equal(s->identity_agent, "/x/y");
	ssh_settings_unref(s);
	unsetenv("OPS_TEST_AGENT");
	s = with_files("identityagent $OPS_TEST_AGENT\n");
	assert_string_equal(s->identity_agent, "none");
	ssh_settings_unref(s);
}

/* --- the ssh of the machine ------------------------------------------------------------------- */

/* Its built-in defaults: every keyword is in our table, and none needs the system's ssh. */
static void
test_defaults(void **state)
{
	const char *const argv[] = { "ssh", "-G", "-T", "-F", "/dev/null", "web1", NULL };
	struct ssh_settings *s;
	struct err err = ERR_INIT;
	struct buf out;

	(void)state;
	if (!world_has("ssh"))
		skip();
	buf_init(&out, 1 << 20);
	assert_int_equal(world_run(argv, &out), 0);
	assert_int_equal(ssh_settings_parse("web1", out.data, out.len, &s, &err), 0);
	if (s->why_openssh != NULL)
		fail_msg("by default: %s", s->why_openssh);
	assert_string_equal(s->hostname, "web1");
	assert_int_equal(s->port, 22);
	assert_int_equal(s->strict, SSH_STRICT_ASK);
	assert_non_null(s->ciphers);
	assert_non_null(s->kex);
	assert_non_null(s->identity_files[0]);
	assert_non_null(s->user_known_hosts[0]);
	ssh_settings_unref(s);
	buf_done(&out);
}

struct asked {
	bool is_done;
	unsigned n;
	struct ssh_settings *s;
	struct err err;
};

static void
answered(struct ssh_settings *s, const struct err *err, void *arg)
{
	struct asked *a = arg;

	a->n++;
	a->is_done = true;
	ssh_settings_unref(a->s);
	a->s = s != NULL ? ssh_settings_ref(s) : NULL;
	if (err != NULL)
		a->err = *err;
}

static void
ask(struct loop *l, struct ssh_settings_cache *c, const char *address, struct asked *a)
{
	struct ssh_host host = { .name = address, .address = address };

	a->is_done = false;
	ssh_settings_get(c, &host, answered, a);
	assert_true(world_wait(l, &a->is_done));
}

struct cached { struct ssh_world *w; struct loop *l; struct ssh_settings_cache *c; char *config; struct asked a; };

static void
cached_begin(struct cached *t, void **state, const char *text)
{
	*t = (struct cached){ .w = *state };
	t->config = world_path(t->w, "config");
	world_write(t->config, text);
	assert_int_equal(loop_new(&t->l, NULL), 0);
	t->c = ssh_settings_cache_new(t->l, t->config);
}

static void
cached_end(struct cached *t)
{
	ssh_settings_unref(t->a.s);
	ssh_settings_cache_free(t->c);
	loop_free(t->l);
	unlink(t->config);
	free(t->config);
}

static void
expect_runs(const struct cached *t, unsigned n_run)
{
	unsigned run, found;

	ssh_settings_counts(t->c, &run, &found);
	assert_int_equal(run, n_run);
}

static void
test_ask(void **state)
{
	struct cached t;

	if (!world_has("ssh"))
		skip();
	cached_begin(&t, state, "Host web*\n Hostname %h.example\n Port 2222\n User deploy\n ProxyJump bob@gate:23,inner\n HostKeyAlias cluster\n"
	    " UserKnownHostsFile /k/one \"/k/two three\"\n IdentityFile ~/.ssh/%h-%r\n IdentitiesOnly yes\n"
	    "Host odd\n ProxyCommand nc %h %p\n");
	ask(t.l, t.c, "web1", &t.a);
	assert_non_null(t.a.s);
	assert_string_equal(t.a.s->hostname, "web1.example");
	assert_string_equal(t.a.s->user, "deploy");
	assert_int_equal(t.a.s->port, 2222);
	assert_string_equal(t.a.s->proxy_jump, "bob@gate:23,inner");
	assert_string_equal(t.a.s->host_key_alias, "cluster");
	assert_string_equal(t.a.s->user_known_hosts[0], "/k/one");
	assert_true(t.a.s->identities_only);
	assert_non_null(strstr(t.a.s->identity_files[0], "/.ssh/web1.example-deploy"));
	assert_null(t.a.s->why_openssh);
	ask(t.l, t.c, "odd", &t.a);
	assert_string_equal(t.a.s->why_openssh, "ProxyCommand nc %h %p");
	expect_runs(&t, 2);
	ask(t.l, t.c, "web1", &t.a);
	expect_runs(&t, 2);
	cached_end(&t);
}

/* What Debian ships in /etc/ssh/ssh_config must not send every host to the system's ssh. */
static void
test_debian(void **state)
{
	struct cached t;

	if (!world_has("ssh"))
		skip();
	cached_begin(&t, state, "Host *\n SendEnv LANG LC_*\n HashKnownHosts yes\n GSSAPIAuthentication yes\n ForwardX11Trusted yes\n");
	ask(t.l, t.c, "web1", &t.a);
	assert_non_null(t.a.s);
	assert_null(t.a.s->why_openssh);
	assert_true(t.a.s->hash_known_hosts);
	cached_end(&t);
}

static void
test_user_and_port(void **state)
{
	struct cached t;
	struct ssh_host host = { .name = "web1", .address = "web1", .user = "me", .port = 4711 };

	if (!world_has("ssh"))
		skip();
	cached_begin(&t, state, "Host *\n User deploy\n Port 22\n");
	ssh_settings_get(t.c, &host, answered, &t.a);
	assert_true(world_wait(t.l, &t.a.is_done));
	assert_string_equal(t.a.s->user, "me");
	assert_int_equal(t.a.s->port, 4711);
	cached_end(&t);
}

/* The cache looks at the files once a second: older by more than that. */
static void
touch_later(struct cached *t, const char *text)
{
	int64_t until = clock_mono_fresh() + 1100 * NS_PER_MS;

	world_write(t->config, text);
	while (clock_mono_fresh() < until)
		loop_once(t->l, 50 * NS_PER_MS);
}

static void
test_changed(void **state)
{
	struct cached t;
	char *text, *included;

	if (!world_has("ssh"))
		skip();
	cached_begin(&t, state, "Host web1\n Port 1\n");
	ask(t.l, t.c, "web1", &t.a);
	assert_int_equal(t.a.s->port, 1);
	text = xasprintf("Include %s/*.more\nHost web1\n Port 2\n", t.w->dir);
	touch_later(&t, text);
	ask(t.l, t.c, "web1", &t.a);
	assert_int_equal(t.a.s->port, 2);
	/* A file that Include now matches. */
	included = world_path(t.w, "x.more");
	world_write(included, "Host web1\n Port 3\n");
	touch_later(&t, text);
	ask(t.l, t.c, "web1", &t.a);
	assert_int_equal(t.a.s->port, 3);
	expect_runs(&t, 3);
	unlink(included);
	free(included);
	free(text);
	cached_end(&t);
}

static void
test_refused(void **state)
{
	struct cached t;

	if (!world_has("ssh"))
		skip();
	cached_begin(&t, state, "Nonsense on\n");
	ask(t.l, t.c, "web1", &t.a);
	assert_null(t.a.s);
	assert_int_equal(t.a.err.code, ERR_INVALID);
	assert_non_null(strstr(t.a.err.msg, "line 1"));
	assert_null(strchr(t.a.err.msg, '\n'));
	ask(t.l, t.c, "-oProxyCommand=touch /tmp/x", &t.a);
	assert_int_equal(t.a.err.code, ERR_INVALID);
	ask(t.l, t.c, "", &t.a);
	assert_int_equal(t.a.err.code, ERR_INVALID);
	expect_runs(&t, 1);
	cached_end(&t);
}

/* Many at once: one ssh -G for each host, whoever is cancelled hears nothing. */
static void
test_shared(void **state)
{
	enum { HOSTS = 30, EACH = 4 };
	static struct asked a[HOSTS][EACH];
	struct cached t;
	struct ssh_settings_ask *asks[HOSTS][EACH];

	if (!world_has("ssh"))
		skip();
	memset(a, 0, sizeof a);
	cached_begin(&t, state, "Host *\n User deploy\n");
	for (int i = 0; i < HOSTS; i++)
		for (int j = 0; j < EACH; j++) {
			char name[20];
			struct ssh_host host = { .name = name, .address = name };

			snprintf(name, sizeof name, "h%d", i);
			asks[i][j] = ssh_settings_get(t.c, &host, answered, &a[i][j]);
		}
	for (int i = 0; i < HOSTS; i++)
		ssh_settings_ask_cancel(asks[i][1]);
	for (int i = 0; i < HOSTS; i++) {
		assert_true(world_wait(t.l, &a[i][EACH - 1].is_done));
		assert_int_equal(a[i][0].n, 1);
		assert_int_equal(a[i][1].n, 0);
		assert_ptr_equal(a[i][0].s, a[i][2].s);
		for (int j = 0; j < EACH; j++)
			ssh_settings_unref(a[i][j].s);
	}
	expect_runs(&t, HOSTS);
	cached_end(&t);
}

static void
free_cache(struct ssh_settings *s, const struct err *err, void *arg)
{
	struct cached *t = arg;

	(void)s;
	(void)err;
	t->a.n++;
	t->a.is_done = true;
	ssh_settings_cache_free(t->c);
	t->c = NULL;
}

/* In the middle of its own answer; the second one who asks is not called any more. */
static void
test_freed_inside(void **state)
{
	struct cached t;
	struct ssh_host host = { .name = "web1", .address = "web1" };

	if (!world_has("ssh"))
		skip();
	cached_begin(&t, state, "");
	ssh_settings_get(t.c, &host, free_cache, &t);
	ssh_settings_get(t.c, &host, free_cache, &t);
	assert_true(world_wait(t.l, &t.a.is_done));
	assert_int_equal(t.a.n, 1);
	cached_end(&t);
}

/* --- the files -------------------------------------------------------------------------------- */

static void
test_stamp(void **state)
{
	static const struct { const char *text; bool is_volatile; } rows[] = {
		{ "Host a\n Port 2\n", false }, { "Match exec \"test -f /x\"\n", true }, { "match host x !exec=\"y\"\n", true }, { "Match host a\n", false },
		{ "Match localnetwork 10.0.0.0/8\n", true }, { "Include ~bob/x\n", true }, { "Include %d/x\n", true }, { "include=/no/such/file\n", false },
		{ "# Match exec x\n", false }, { "Include /dev/null\n", false },
	};
	struct ssh_world *w = *state;
	char *path = world_path(w, "stamped");
	struct settings_stamp stamp, again;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		world_write(path, rows[i].text);
		settings_files_stamp(path, &stamp);
		settings_files_stamp(path, &again);
		if (stamp.is_volatile != rows[i].is_volatile || stamp.hash != again.hash)
			fail_msg("%s", rows[i].text);
	}
	/* A file that includes itself ends. */
	{
		char *text = xasprintf("Include %s\n", path);

		world_write(path, text);
		settings_files_stamp(path, &stamp);
		assert_true(stamp.is_volatile);
		free(text);
	}
	unlink(path);
	settings_files_stamp(path, &again);
	assert_true(again.hash != stamp.hash);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hops), cmocka_unit_test(test_hops_refused), cmocka_unit_test(test_text), cmocka_unit_test(test_text_refused),
		cmocka_unit_test(test_why), cmocka_unit_test(test_usable_keys), cmocka_unit_test(test_identities), cmocka_unit_test(test_hardware),
		cmocka_unit_test(test_known_hosts_paths), cmocka_unit_test(test_agent_names), cmocka_unit_test(test_defaults), cmocka_unit_test(test_ask), cmocka_unit_test(test_debian),
		cmocka_unit_test(test_user_and_port), cmocka_unit_test(test_changed), cmocka_unit_test(test_refused), cmocka_unit_test(test_shared),
		cmocka_unit_test(test_freed_inside), cmocka_unit_test(test_stamp),
	};

	return cmocka_run_group_tests_name("ssh_settings", tests, world_setup, world_teardown);
}
