/* Groups of hosts in the config: what they come to with inventories and targets, and what is refused. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/conf_env.h"
#include "conf/conf_hosts.h"

#define HEAD "apiVersion: opsconsole/v1\nkind: Config\nenvironments:\n- name: e\n" \
    "  sources:\n  - { name: p, type: prometheus, url: 'http://h' }\n" \
    "  - { name: q, type: prometheus, url: 'http://i' }\n" \
    "  - { name: am, type: alertmanager, url: 'http://j' }\n"
/* The first group stands at line 10. */
#define HOSTS HEAD "  hosts:\n"
#define N(v) (sizeof(v) / sizeof(v)[0])

static char dir[64];
static struct conf *conf;
static struct conf_problems problems;
static struct host_set *set;

static void
forget(void)
{
	conf_free(conf);
	conf_problems_done(&problems);
	block_unref(set);
	conf = NULL;
	set = NULL;
}

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/test_conf_hosts.XXXXXX");
	assert_non_null(mkdtemp(dir));
	setenv("HOME", dir, 1);
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "c.yaml", "hosts", "other.yml", "bad" };

	(void)state;
	forget();
	for (size_t i = 0; i < N(names); i++) {
		char *path = xasprintf("%s/%s", dir, names[i]);

		unlink(path);
		free(path);
	}
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static char *
write_file(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
	return path;
}

static void
parse(const char *text)
{
	struct err err = ERR_INIT;

	forget();
	if (conf_parse("/etc/c.yaml", text, strlen(text), &conf, &problems, &err) < 0)
		fail_msg("%s\n%s", err.msg, text);
}

/* The same as a file, with the inventories it names. */
static void
load(const char *text)
{
	char *path = write_file("c.yaml", text);
	struct err err = ERR_INIT;

	forget();
	if (conf_load(path, &conf, &problems, &err) < 0)
		fail_msg("%s\n%s", err.msg, text);
	free(path);
}

static void
assert_good(void)
{
	if (problems.n > 0)
		fail_msg("%s", problems.v[0]);
}

/* Without the part before the file's name, and the folder of the test as DIR. */
static char *
cut_folder(const char *text)
{
	size_t len = strlen(dir);
	struct buf b;
	char *cut;

	buf_init(&b, 1 << 20);
	for (const char *p = text; *p != '\0'; p++) {
		if (strncmp(p, dir, len) == 0) {
			buf_addstr(&b, "DIR");
			p += len - 1;
		} else {
			buf_addch(&b, *p);
		}
	}
	cut = buf_take(&b, NULL);
	buf_done(&b);
	return cut;
}

static void
assert_problems(const char *text, const char *expected)
{
	struct buf b;
	char *got;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < problems.n; i++)
		buf_printf(&b, "%s%s", i > 0 ? "\n" : "", problems.v[i]);
	got = cut_folder(b.data);
	if (!str_eq(got, expected))
		fail_msg("in:\n%s\ngot:\n%s\nexpected:\n%s", text, got, expected);
	free(got);
	buf_done(&b);
}

/* "NAME address user@port where: groups" a line each, then the notes. */
static void
assert_hosts(const struct host_targets *targets, size_t n, const char *expected)
{
	struct buf b;
	char *got;

	block_unref(set);
	set = conf_hosts(&conf->environments[0], targets, n);
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < set->n; i++) {
		const struct host_def *h = &set->v[i];

		buf_printf(&b, "%s %s %s:%u %s:", h->name, h->address, h->user, h->port, h->where);
		for (size_t k = 0; k < h->groups.n; k++)
			buf_printf(&b, " %s", h->groups.v[k]);
		buf_addch(&b, '\n');
	}
	for (size_t i = 0; i < set->notes.n; i++)
		buf_printf(&b, "# %s\n", set->notes.v[i]);
	got = cut_folder(b.data);
	if (!str_eq(got, expected))
		fail_msg("got:\n%sexpected:\n%s", got, expected);
	free(got);
	buf_done(&b);
}

/* --- patterns -------------------------------------------------------------------------------- */

static void
patterns(void **state)
{
	(void)state;
	parse(HOSTS
	    "  - name: serving\n"
	    "    hosts: ['serving-[01-03]', '!serving-02']\n"
	    "    user: deploy\n"
	    "    port: 2222\n"
	    "  - { name: db, hosts: [db-1] }\n"
	    "  - { name: all, hosts: ['serving-[01-03],db-1', 10.0.0.7] }\n");
	assert_good();
	assert_hosts(NULL, 0,
	    "10.0.0.7 10.0.0.7 :0 c.yaml:15:5: all\n"
	    "db-1 db-1 :0 c.yaml:14:5: all db\n"
	    "serving-01 serving-01 deploy:2222 c.yaml:10:5: all serving\n"
	    "serving-02 serving-02 :0 c.yaml:15:5: all\n"
	    "serving-03 serving-03 deploy:2222 c.yaml:10:5: all serving\n");
}

static void
first_of_two_counts(void **state)
{
	(void)state;
	parse(HOSTS "  - { name: a, hosts: [x], user: one }\n  - { name: b, hosts: [x], user: two, port: 5 }\n");
	assert_good();
	assert_hosts(NULL, 0, "x x one:5 c.yaml:10:5: a b\n"
	    "# x: groups say different things of its user; the first counts\n");
}

static void
none(void **state)
{
	(void)state;
	parse(HEAD);
	assert_good();
	assert_hosts(NULL, 0, "");
	assert_int_equal(conf->environments[0].n_host_queries, 0);
}

/* --- inventories ----------------------------------------------------------------------------- */

#define INVENTORY "[web]\nweb-[1:3] ansible_user=www http_port=80\nweb-9 ansible_host=10.0.0.9\n[db]\ndb-1 ansible_port=23\n" \
    "[prod:children]\nweb\n[empty]\n"

static void
inventories(void **state)
{
	(void)state;
	free(write_file("hosts", INVENTORY));
	load(HOSTS
	    "  - { name: serving, inventory: ~/hosts, group: prod, within: 'web-[1-8]', user: ops, port: 22 }\n"
	    "  - { name: every, inventory: ~/hosts }\n"
	    "  - { name: db, hosts: [other] }\n");
	assert_good();
	/* What the config calls db is all there is of it. */
	assert_hosts(NULL, 0,
	    "db-1 db-1 :23 DIR/hosts:5: every\n"
	    "other other :0 c.yaml:12:5: db\n"
	    "web-1 web-1 www:22 DIR/hosts:2: every prod serving web\n"
	    "web-2 web-2 www:22 DIR/hosts:2: every prod serving web\n"
	    "web-3 web-3 www:22 DIR/hosts:2: every prod serving web\n"
	    "web-9 10.0.0.9 :0 DIR/hosts:3: every prod web\n"
	    "# group serving: 1 host of the inventory is not within 'web-[1-8]' and left out\n"
	    "# DIR/hosts: 1 variable means nothing here: http_port\n");
	assert_int_equal(conf->environments[0].n_inventories, 1);
	/* From memory no file is read, and nothing is said of it. */
	parse(HOSTS "  - { name: every, inventory: /nowhere, group: nothing }\n");
	assert_good();
	assert_hosts(NULL, 0, "");
}

static void
inventories_with_mistakes(void **state)
{
	static const char *const text = HOSTS
	    "  - { name: a, inventory: ~/hosts, group: wob }\n"
	    "  - { name: b, inventory: ~/gone, hosts: [x] }\n"
	    "  - { name: c, inventory: ~/bad }\n"
	    "  - { name: d, inventory: ~/bad }\n";

	(void)state;
	free(write_file("hosts", INVENTORY));
	free(write_file("bad", "[w]\nok\na b\n"));
	load(text);
	assert_problems(text, "DIR/c.yaml:10:43: group: there is no group 'wob' in DIR/hosts; did you mean 'web'?\n"
	    "DIR/c.yaml:11:27: inventory: cannot read DIR/gone: No such file or directory\n"
	    "DIR/bad:3:3: 'b' is no variable: NAME=VALUE is expected behind a host");
	assert_true(conf->is_policy_broken);
	/* What is right is kept. */
	assert_hosts(NULL, 0, "ok ok :0 DIR/bad:2: c d w\nx x :0 c.yaml:11:5: b\n"
	    "# DIR/hosts: 1 variable means nothing here: http_port\n");
}

/* --- targets --------------------------------------------------------------------------------- */

#define TARGET(job_, instance_, url_) { .job = job_, .instance = instance_, .url = url_, .error = "", .labels = { 3, (const struct label[]){ \
	{ "instance", instance_ }, { "job", job_ }, { "zone", job_ "-zone" } } } }

static void
targets(void **state)
{
	const struct target v[] = {
		TARGET("serving", "serving-02:9100", "http://10.0.0.2:9100/metrics"),
		TARGET("serving", "serving-01:9100", "http://10.0.0.1:9100/metrics"),
		TARGET("serving", "serving-01:9101", "http://10.0.0.1:9101/metrics"),
		TARGET("serving", "serving-x:9100", "http://10.0.0.3:9100/metrics"),
		TARGET("serving", "xserving-01", "http://10.0.0.4/metrics"),
		TARGET("serving", "serving-01\nserving-03", "http://10.0.0.5/metrics"),
		TARGET("serving", "-oProxyCommand=x", "http://10.0.0.5/metrics"),
		TARGET("web", "serving-07:80", "http://[2001:db8::1]:80/metrics"),
	};
	struct target_set *ts = block_new(sizeof *ts);
	const struct host_targets known[] = { { "p", ts } };

	(void)state;
	ts->v = v;
	ts->n = N(v);
	parse(HOSTS
	    "  - name: serving\n"
	    "    targets: { source: p, match: { job: serving } }\n"
	    "    within: 'serving-[0-9]+'\n"
	    "    user: deploy\n");
	assert_good();
	assert_hosts(NULL, 0, "# group serving: the targets of p are not known yet\n");
	assert_hosts(known, 1,
	    "serving-01 serving-01 deploy:0 targets of p: serving\n"
	    "serving-02 serving-02 deploy:0 targets of p: serving\n"
	    "# group serving: 2 targets are not within 'serving-[0-9]+' and left out\n"
	    "# group serving: 2 targets were left out: no name of a host\n");
	/* Another label, all jobs, and a host that is listed, too. */
	parse(HOSTS
	    "  - { name: g, targets: { label: address }, within: '10\\.0\\.0\\.[1-2]|2001:db8::.*', hosts: [10.0.0.1] }\n");
	assert_good();
	assert_string_equal(conf->environments[0].host_groups[0].target_source, "p");
	assert_hosts(known, 1,
	    "10.0.0.1 10.0.0.1 :0 c.yaml:10:5: g\n"
	    "10.0.0.2 10.0.0.2 :0 targets of p: g\n"
	    "2001:db8::1 2001:db8::1 :0 targets of p: g\n"
	    "# group g: 4 targets are not within '10\\.0\\.0\\.[1-2]|2001:db8::.*' and left out\n");
	parse(HOSTS "  - { name: g, targets: { match: { job: serving, instance: 'serving-02:9100' } }, within: '.*' }\n");
	assert_good();
	assert_hosts(known, 1, "serving-02 serving-02 :0 targets of p: g\n");
	/* Any label of the target may be asked for. */
	parse(HOSTS "  - { name: g, targets: { match: { zone: web-zone } }, within: '.*' }\n");
	assert_good();
	assert_hosts(known, 1, "serving-07 serving-07 :0 targets of p: g\n");
	block_unref(ts);
}

/* A pattern that could cost hours costs a moment, and lets nobody in. */
static void
costly_within(void **state)
{
	const struct target v[] = { TARGET("j", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "http://x/") };
	struct target_set *ts = block_new(sizeof *ts);
	const struct host_targets known[] = { { "p", ts } };

	(void)state;
	ts->v = v;
	ts->n = 1;
	parse(HOSTS "  - { name: g, targets: {source: p}, within: '(a+)+(a+)+(a+)+c|((a*)*)*c' }\n");
	assert_good();
	assert_hosts(known, 1, "# group g: 1 target is not within '(a+)+(a+)+(a+)+c|((a*)*)*c' and left out\n");
	block_unref(ts);
}

static void
limits(void **state)
{
	(void)state;
	parse(HOSTS "  - { name: a, hosts: ['a[1-9000]'] }\n  - { name: b, hosts: ['b[1-9000]'] }\n");
	assert_good();
	set = conf_hosts(&conf->environments[0], NULL, 0);
	assert_int_equal(set->n, 10000);
	assert_string_equal(set->notes.v[0], "more than 10000 hosts; the rest is left out");
	/* Patterns that are good alone and too many together. */
	parse(HOSTS "  - { name: a, hosts: ['a[1-9000]', 'b[1-9000]'] }\n");
	assert_string_equal(problems.v[0], "/etc/c.yaml:10:23: hosts: 'b[1-9000]' makes it more than 10000 hosts");
}

/* --- mistakes -------------------------------------------------------------------------------- */

static void
mistakes(void **state)
{
	static const struct {
		const char *text, *problems;
	} tests[] = {
		{ "  - { hosts: [a] }\n", "/etc/c.yaml:10:5: 'name' is missing" },
		{ "  - { name: a }\n",
		  "/etc/c.yaml:10:5: nothing says which hosts: at least one of hosts, inventory and targets is expected" },
		{ "  - { name: a, hosts: 'web-[1-3]' }\n", "/etc/c.yaml:10:23: hosts: a list of host patterns is expected" },
		{ "  - { name: a, hosts: [[1-3]] }\n", "/etc/c.yaml:10:24: hosts: each item must be text" },
		{ "  - { name: a, hosts: ['web-[1-'] }\n",
		  "/etc/c.yaml:10:24: hosts: 'web-[1-' breaks at column 8: a number is expected in brackets, as in web-[01-20]" },
		{ "  - { name: a, hosts: [a], host: [b] }\n",
		  "/etc/c.yaml:10:28: 'host' is not an option of a group of hosts; did you mean 'hosts'?" },
		{ "  - { name: a, hosts: [a] }\n  - { name: a, hosts: [b] }\n",
		  "/etc/c.yaml:11:5: the name 'a' is taken by a group of hosts at line 10" },
		{ "  - { name: a, targets: { source: p } }\n",
		  "/etc/c.yaml:10:25: targets: needs within: too, a regular expression that hosts found there must match" },
		{ "  - { name: a, targets: { source: p }, withn: x }\n",
		  "/etc/c.yaml:10:40: 'withn' is not an option of a group of hosts; did you mean 'within'?\n"
		  "/etc/c.yaml:10:25: targets: needs within: too, a regular expression that hosts found there must match" },
		{ "  - { name: a, targets: { source: p }, within: 'web-(' }\n",
		  "/etc/c.yaml:10:48: within: 'web-(': is no regular expression: missing closing parenthesis at its character 6" },
		{ "  - { name: a, hosts: [a], within: a }\n",
		  "/etc/c.yaml:10:36: within: is for hosts of targets: or inventory:" },
		{ "  - { name: a, hosts: [a], group: x }\n",
		  "/etc/c.yaml:10:35: group: is of an inventory:; a group here has a name:" },
		{ "  - { name: a, targets: { source: pp }, within: a }\n",
		  "/etc/c.yaml:10:5: targets: there is no source 'pp'; did you mean 'p'?" },
		{ "  - { name: a, targets: { source: am }, within: a }\n",
		  "/etc/c.yaml:10:5: targets: the source 'am' is of type alertmanager, which answers no queries" },
		{ "  - { name: a, hosts: [a], user: -x }\n", "/etc/c.yaml:10:34: user: '-x' is not the name of a user" },
		{ "  - { name: a, hosts: [a], port: 65536 }\n",
		  "/etc/c.yaml:10:34: port: '65536' is above the most allowed, 65535" },
		{ "  - { name: a, inventory: hosts }\n",
		  "/etc/c.yaml:10:27: inventory: 'hosts' is not a path that begins with / or ~/ (nothing is read from the current "
		  "folder)" },
	};

	(void)state;
	for (size_t i = 0; i < N(tests); i++) {
		char *text = xasprintf("%s%s", HOSTS, tests[i].text);

		parse(text);
		assert_problems(text, tests[i].problems);
		/* Who is in a group decides what is acted upon. */
		if (!conf->is_policy_broken && strstr(tests[i].problems, "'host'") == NULL)
			fail_msg("writing is allowed with:\n%s", text);
		free(text);
	}
}

/* --- health ---------------------------------------------------------------------------------- */

static const struct environment *
environment(void)
{
	static struct environment *e;

	block_unref(e);
	e = conf != NULL ? conf_environment_block(&conf->environments[0]) : NULL;
	return e;
}

static void
usual_health(void **state)
{
	const struct environment *e;
	struct conf *kept;

	(void)state;
	parse(HOSTS "  - { name: a, hosts: [a] }\n");
	assert_good();
	e = environment();
	assert_int_equal(e->n_queries, 4);
	assert_string_equal(e->queries[0].id, "host:cpu");
	assert_string_equal(e->queries[0].name, "cpu");
	assert_string_equal(e->queries[0].title, "CPU busy");
	assert_string_equal(e->queries[0].unit, "ratio");
	assert_string_equal(e->queries[0].source, "p");
	assert_string_equal(e->queries[1].id, "host:memory");
	assert_string_equal(e->queries[2].id, "host:disk");
	assert_string_equal(e->queries[3].id, "host:load");
	assert_string_equal(e->queries[3].unit, "none");
	for (size_t i = 0; i < e->n_queries; i++)
		assert_non_null(strstr(e->queries[i].expr, "instance"));
	/* None where no hosts are, where none are wanted, and where nobody can be asked. */
	parse(HOSTS "  - { name: a, hosts: [a] }\n  hosts_health: []\n");
	assert_good();
	assert_int_equal(environment()->n_queries, 0);
	parse("apiVersion: opsconsole/v1\nkind: Config\nenvironments:\n- name: e\n"
	    "  sources: [{ name: am, type: alertmanager, url: 'http://j' }]\n  hosts: [{ name: a, hosts: [a] }]\n");
	assert_good();
	assert_int_equal(environment()->n_queries, 0);
	kept = conf;
	conf = NULL;
	environment();
	conf = kept;
}

static void
own_health(void **state)
{
	static const char *const text = HEAD "  hosts_health:\n"
	    "  - { name: gpu, title: GPU busy, expr: gpu_busy, source: q, objective: 0.8 }\n"
	    "  - { name: temp, expr: temperature, unit: C }\n"
	    "  - { name: gpu, expr: again }\n"
	    "  - { name: x, expr: y, source: am }\n";
	const struct environment *e;
	struct conf *kept;

	(void)state;
	parse(text);
	assert_problems(text, "/etc/c.yaml:12:5: the name 'gpu' is taken by a value of hosts at line 10\n"
	    "/etc/c.yaml:13:5: hosts_health: the source 'am' is of type alertmanager, which answers no queries");
	e = environment();
	assert_int_equal(e->n_queries, 2);
	assert_string_equal(e->queries[0].id, "host:gpu");
	assert_string_equal(e->queries[0].title, "GPU busy");
	assert_string_equal(e->queries[0].unit, "ratio");
	assert_string_equal(e->queries[0].source, "q");
	assert_true(e->queries[0].objective == 0.8);
	assert_string_equal(e->queries[1].title, "temp");
	assert_string_equal(e->queries[1].unit, "C");
	assert_string_equal(e->queries[1].source, "p");
	kept = conf;
	conf = NULL;
	environment();
	conf = kept;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(patterns, setup, teardown),
		cmocka_unit_test_setup_teardown(first_of_two_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(none, setup, teardown),
		cmocka_unit_test_setup_teardown(inventories, setup, teardown),
		cmocka_unit_test_setup_teardown(inventories_with_mistakes, setup, teardown),
		cmocka_unit_test_setup_teardown(targets, setup, teardown),
		cmocka_unit_test_setup_teardown(costly_within, setup, teardown),
		cmocka_unit_test_setup_teardown(limits, setup, teardown),
		cmocka_unit_test_setup_teardown(mistakes, setup, teardown),
		cmocka_unit_test_setup_teardown(usual_health, setup, teardown),
		cmocka_unit_test_setup_teardown(own_health, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
