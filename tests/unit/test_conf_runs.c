/* What the config says of runbooks, SSH and the audit log. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "base/yaml.h"
#include "conf/conf.h"

#define TOP "apiVersion: opsconsole/v1\nkind: Config\n"
#define ENV "environments:\n  - name: lab\n    sources: [{ name: p, type: prometheus, url: 'http://p' }]\n"

static void
read_conf(const char *text, struct conf **ret, struct conf_problems *problems)
{
	struct err err = ERR_INIT;

	if (conf_parse("c", text, strlen(text), ret, problems, &err) < 0)
		fail_msg("%s", err.msg);
}

static void
all_of_it_is_read(void **state)
{
	struct conf_problems problems;
	const struct conf_environment *env;
	struct conf *c;

	(void)state;
	read_conf(TOP "runbooks: [/etc/ops/runbooks]\nlock_dir: /run/ops\n"
	    "ssh: { config: /etc/ops/ssh, transport: openssh, connect_timeout: 3s, idle: 1m, connecting_max: 8, output_max: 64KiB, state_dir: /var/tmp/o }\n"
	    "audit: { dir: /var/log/ops, head: /srv/head, fallback: [/a, /b], rotate: 1MiB, copies: [/mnt/head], journald: false,\n"
	    "  checkpoint: { key: /k.pub, every: 1h, dir: /srv/cp },\n"
	    "  ship: [{ name: a, type: http, url: 'http://h/x' }, { name: b, type: loki, url: 'http://l', bearer: { env: T } }] }\n"
	    "record: { keep: 0s, keep_bytes: 1MiB, kept_max: 1GiB, dir: /srv/rec }\n"
	    ENV "    read_only: true\n    params: { model: spam-filter }\n    exec: [kubectl, /bin/true]\n"
	    "    actions: { drain: { ssh: { run: [drain, '${pool}'] } } }\n", &c, &problems);
	if (problems.n > 0)
		fail_msg("%s", problems.v[0]);
	env = &c->environments[0];
	assert_string_equal(c->runbooks[0], "/etc/ops/runbooks");
	assert_string_equal(c->lock_dir, "/run/ops");
	assert_string_equal(c->ssh.config, "/etc/ops/ssh");
	assert_int_equal(c->ssh.transport, 2);
	assert_int_equal(c->ssh.connect_ns, 3 * NS_PER_S);
	assert_int_equal(c->ssh.idle_ns, NS_PER_MIN);
	assert_int_equal(c->ssh.connecting_max, 8);
	assert_int_equal(c->ssh.output_max, 64 << 10);
	assert_string_equal(c->ssh.state_dir, "/var/tmp/o");
	assert_string_equal(c->audit.dir, "/var/log/ops");
	assert_string_equal(c->audit.head, "/srv/head");
	assert_string_equal(c->audit.fallback[1], "/b");
	assert_int_equal(c->audit.rotate_bytes, 1 << 20);
	assert_string_equal(c->audit.copies[0], "/mnt/head");
	assert_int_equal(c->audit.journald, CONF_JOURNALD_NO);
	assert_string_equal(c->audit.checkpoint_key, "/k.pub");
	assert_int_equal(c->audit.checkpoint_every_ns, 60 * NS_PER_MIN);
	assert_string_equal(c->audit.checkpoint_dir, "/srv/cp");
	assert_int_equal(c->audit.n_ship, 2);
	assert_string_equal(c->audit.ship[1].type, "loki");
	assert_string_equal(c->audit.ship[1].bearer.env, "T");
	assert_true(c->audit.ship[0].tls_verify);
	assert_true(c->audit.ship[0].body_max > 0);
	assert_int_equal(c->audit.ship[0].timeout_ns, 10 * NS_PER_S);
	assert_int_equal(c->record.keep_ns, 0);
	assert_string_equal(c->record.dir, "/srv/rec");
	assert_true(env->is_read_only);
	assert_string_equal(env->params[0].value, "spam-filter");
	assert_string_equal(env->exec[1], "/bin/true");
	/* The copy knows where it stood. */
	assert_string_equal(yaml_get(yaml_get(yaml_get(env->actions, "drain"), "ssh"), "run")->items[1]->text, "${pool}");
	assert_int_equal(env->actions->keys[0]->line, 16);
	conf_problems_done(&problems);
	conf_free(c);
}

static void
defaults_are_the_usual_ones(void **state)
{
	struct conf_problems problems;
	struct conf *c;

	(void)state;
	read_conf(TOP ENV, &c, &problems);
	assert_int_equal(problems.n, 0);
	assert_null(c->runbooks);
	assert_null(c->lock_dir);
	assert_int_equal(c->ssh.transport, 0);
	assert_int_equal(c->ssh.connect_ns, 0);
	assert_int_equal(c->ssh.idle_ns, 5 * NS_PER_MIN);
	assert_int_equal(c->ssh.connecting_max, 64);
	assert_int_equal(c->ssh.output_max, 1 << 20);
	assert_int_equal(c->audit.rotate_bytes, 16 << 20);
	assert_int_equal(c->audit.journald, CONF_JOURNALD_AUTO);
	assert_null(c->audit.checkpoint_key);
	assert_int_equal(c->audit.n_ship, 0);
	assert_int_equal(c->record.keep_ns, 30 * NS_PER_MIN);
	assert_int_equal(c->record.keep_bytes, 64 << 20);
	assert_int_equal(c->record.kept_max, INT64_C(4) << 30);
	assert_null(c->record.dir);
	assert_false(c->environments[0].is_read_only);
	assert_null(c->environments[0].actions);
	assert_null(c->environments[0].exec);
	conf_problems_done(&problems);
	conf_free(c);
}

/* Who meant to forbid something and mistyped it must not find it allowed. */
static void
mistakes_make_it_read_only(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ TOP ENV "    read_only: yes\n", "c:6:16: read_only: 'yes' is not used here: write true" },
		{ TOP ENV "    read_onyl: true\n", "did you mean 'read_only'?" },
		{ TOP ENV "    exec: [bin/x]\n", "exec: 'bin/x' is neither a name nor an absolute path" },
		{ TOP ENV "    exec: [-x]\n", "exec: '-x' is no name of a program" },
		{ TOP ENV "    actions: [x]\n", "actions: a map is expected" },
		{ TOP ENV "    params: [x]\n", "params: a map is expected" },
		{ TOP "lock_dir: locks\n" ENV, "lock_dir: " },
		{ TOP "runbooks: [x]\n" ENV, "runbooks: " },
		{ TOP "audit: { dir: x }\n" ENV, "dir: " },
		{ TOP "audit: { dri: /x }\n" ENV, "did you mean 'dir'?" },
		{ TOP "audit: { checkpoint: { kee: /x } }\n" ENV, "did you mean 'key'?" },
		{ TOP "audit: { ship: [{ name: a, type: lokki, url: 'http://l' }] }\n" ENV, "did you mean 'loki'?" },
		{ TOP "audit: { ship: [{ name: a, type: http, url: 'http://l', user: x }] }\n" ENV, "needs a password" },
		{ TOP "ssh: { transport: opnssh }\n" ENV, "did you mean 'openssh'?" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct conf_problems problems;
		struct conf *c;

		read_conf(cases[i].text, &c, &problems);
		if (problems.n != 1 || strstr(problems.v[0], cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].says, problems.n > 0 ? problems.v[0] : "nothing");
		if (!c->is_policy_broken)
			fail_msg("%s: not read-only", cases[i].says);
		conf_problems_done(&problems);
		conf_free(c);
	}
}

static void
folders_on_hosts_need_no_quotes(void **state)
{
	static const char *const bad[] = { "x", "/a b", "/a;b", "/$x", "~/x", "/" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char *text = xasprintf(TOP "ssh: { state_dir: '%s' }\n" ENV, bad[i]);
		struct conf_problems problems;
		struct conf *c;

		read_conf(text, &c, &problems);
		assert_int_equal(problems.n, 1);
		assert_null(c->ssh.state_dir);
		conf_problems_done(&problems);
		conf_free(c);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_is_read),
		cmocka_unit_test(defaults_are_the_usual_ones),
		cmocka_unit_test(mistakes_make_it_read_only),
		cmocka_unit_test(folders_on_hosts_need_no_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
