/* Log stores, streams, lines of alerts and what is redacted, in the config: what they become, and the sentences when they are wrong. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "conf/conf.h"

#define HEAD "apiVersion: opsconsole/v1\nkind: Config\n"
#define TOP HEAD "environments:\n- name: e\n  sources:\n"
#define LOKI "  - { name: l, type: loki, url: 'http://h' }\n"
#define SEARCH "  - { name: s, type: elasticsearch, url: 'http://h' }\n"
#define JOURNAL "  - { name: j, type: journald, url: 'http://h' }\n"

static struct conf *conf;
static struct conf_problems problems;

static int
teardown(void **state)
{
	(void)state;
	conf_free(conf);
	conf_problems_done(&problems);
	conf = NULL;
	return 0;
}

static void
parse(const char *text)
{
	struct err err = ERR_INIT;

	teardown(NULL);
	if (conf_parse("/etc/c.yaml", text, strlen(text), &conf, &problems, &err) < 0)
		fail_msg("%s\n%s", err.msg, text);
}

/* expected: the problems without the file's name, a line each. */
static void
assert_problems(const char *text, const char *expected)
{
	struct buf b;

	parse(text);
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < problems.n; i++)
		buf_printf(&b, "%s%s", i > 0 ? "\n" : "", strchr(problems.v[i], ':') + 1);
	if (!str_eq(b.data, expected))
		fail_msg("in:\n%s\ngot:\n%s\nexpected:\n%s", text, b.data, expected);
	buf_done(&b);
}

static void
defaults(void **state)
{
	const struct conf_logs *logs;

	(void)state;
	assert_problems(TOP LOKI, "");
	logs = &conf->environments[0].logs;
	assert_int_equal(logs->n_streams, 0);
	assert_int_equal(logs->n_alerts, 0);
	assert_int_equal(logs->keep_bytes, 128 << 20);
	assert_int_equal(logs->keep_lines, 2000000);
	assert_int_equal(logs->late_ns, 30 * NS_PER_S);
	assert_int_equal(logs->page, 5000);
	assert_true(conf->redact_builtin);
	assert_int_equal(conf->n_redact, 0);
}

static void
all_of_it(void **state)
{
	const struct conf_environment *env;

	(void)state;
	assert_problems(HEAD "redact: { builtin: false, patterns: [{ name: card, pattern: '\\d{16}' }] }\n"
	    "environments:\n- name: e\n  sources:\n"
	    "  - { name: l, type: loki, url: 'http://h', tenant: a|b, fields: { level: lvl, service: svc } }\n"
	    "  - { name: s, type: elasticsearch, url: 'http://h', indices: [logs-*, '-logs-b', 'remote:logs-2026.*'], api_key: { env: K },\n"
	    "      fields: { time: t, level: a.b, message: m, service: s } }\n" JOURNAL
	    "  logs:\n    streams:\n    - { name: app, query: '{a=\"b\"}' }\n    - { name: j, title: J, source: j, query: 'A=b + C=d' }\n    - { name: all, source: s }\n"
	    "    alerts:\n    - { match: { service: 'web*' }, query: 'loki: {app=\"${labels.service}\"}', before: 1m, after: 2h }\n    - { query: '${alert} $ {x}' }\n"
	    "    keep: 1GiB\n    keep_lines: 5000\n    late: 1m\n    page: 100\n", "");
	env = &conf->environments[0];
	assert_false(conf->redact_builtin);
	assert_string_equal(conf->redact[0].pattern, "\\d{16}");
	assert_string_equal(env->sources[0].tenant, "a|b");
	assert_string_equal(env->sources[0].log_fields.service, "svc");
	assert_string_equal(env->sources[1].indices[2], "remote:logs-2026.*");
	assert_null(env->sources[1].indices[3]);
	assert_true(secret_is_set(&env->sources[1].api_key));
	assert_string_equal(env->sources[1].log_fields.time, "t");
	assert_int_equal(env->logs.n_streams, 3);
	assert_string_equal(env->logs.streams[0].source, "l");
	assert_string_equal(env->logs.streams[0].title, "app");
	assert_string_equal(env->logs.streams[1].title, "J");
	assert_string_equal(env->logs.streams[2].query, "");
	assert_int_equal(env->logs.n_alerts, 2);
	assert_string_equal(env->logs.alerts[0].match[0].value, "web*");
	assert_int_equal(env->logs.alerts[0].after_ns, 2 * NS_PER_HOUR);
	assert_int_equal(env->logs.alerts[1].before_ns, 5 * NS_PER_MIN);
	assert_int_equal(env->logs.keep_bytes, INT64_C(1) << 30);
	assert_int_equal(env->logs.page, 100);
}

static void
sources_that_do_not_fit(void **state)
{
	(void)state;
	assert_problems(TOP "  - { name: p, type: prometheus, url: 'http://h', tenant: t }\n", "6:59: tenant: goes with type: loki only");
	assert_problems(TOP "  - { name: p, type: loki, url: 'http://h', indices: [a] }\n", "6:54: indices: goes with type: elasticsearch only");
	assert_problems(TOP "  - { name: p, type: journald, url: 'http://h', fields: { time: t } }\n", "6:65: time: goes with type: elasticsearch only");
	assert_problems(TOP "  - { name: p, type: loki, url: 'http://h', fields: { message: t } }\n", "6:64: message: goes with type: elasticsearch journald only");
	assert_problems(TOP "  - { name: p, type: elasticsearch, url: 'http://h', indices: [A/b] }\n",
	    "6:64: indices: 'A/b' is not the name of an index or data stream (small letters, digits, - _ . and *, such as logs-*)");
	assert_problems(TOP "  - { name: p, type: elasticsearch, url: 'http://h', api_key: { env: A }, bearer: { env: B } }\n",
	    "6:63: api_key: cannot go with user and password or bearer; keep one");
	assert_problems(TOP "  - { name: p, type: loki, url: 'http://h', tenant: a, headers: { x-scope-orgid: b } }\n", "6:65: headers: X-Scope-OrgID cannot go with tenant; keep one");
	assert_int_equal(conf->environments[0].n_sources, 0);
}

static void
streams_that_do_not_fit(void **state)
{
	(void)state;
	assert_problems(TOP "  - { name: journal, type: journald, url: 'http://h' }\n  logs: { streams: [{ name: a, source: jorunal }] }\n", "7:40: stream: there is no source 'jorunal'; did you mean 'journal'?");
	assert_problems(TOP LOKI "  - { name: p, type: prometheus, url: 'http://h' }\n  logs: { streams: [{ name: a, source: p }] }\n",
	    "8:40: stream: the source 'p' is of type prometheus, which has no lines");
	assert_problems(TOP "  - { name: p, type: prometheus, url: 'http://h' }\n  logs: { streams: [{ name: a }] }\n",
	    "7:21: stream: the environment has no source of type loki, elasticsearch or journald to ask");
	assert_problems(TOP LOKI "  logs: { streams: [{ name: a, query: error }] }\n", "7:39: query: a Loki needs a selector, such as {app=\"web\"}");
	assert_problems(TOP LOKI "  logs: { streams: [{ name: a, query: 'sum(rate({a=\"b\"}[1m]))' }] }\n",
	    "7:39: query: a stream begins with its selector, such as {app=\"web\"}: what counts lines (rate, sum, ..) has none to show");
	assert_problems(TOP "  - { name: journal, type: journald, url: 'http://h' }\n  logs: { streams: [{ name: a, query: '_PID=1 + nginx' }, { name: b, query: 'A=\"x y\" + B=c' }] }\n",
	    "7:39: query: 'nginx' is no match of a journal: NAME=VALUE is expected, with a name such as _SYSTEMD_UNIT");
	assert_int_equal(conf->environments[0].logs.n_streams, 1);
	parse(TOP "  - { name: s, type: elasticsearch, url: 'http://h' }\n  logs: { streams: [{ name: a, query: '{\"term\": }' }, { name: b, query: '{\"term\":{\"a\":1}}' }] }\n");
	assert_int_equal(problems.n, 1);
	assert_non_null(strstr(problems.v[0], "7:39: query: the JSON object"));
	assert_int_equal(conf->environments[0].logs.n_streams, 1);
	assert_problems(TOP LOKI "  logs: { streams: [{ name: a, query: error }] }\n", "7:39: query: a Loki needs a selector, such as {app=\"web\"}");
	assert_int_equal(conf->environments[0].logs.n_streams, 0);
	assert_problems(TOP "  - { name: l, type: loki, url: 'ftp://h' }\n" JOURNAL "  logs: { streams: [{ name: a, source: l, query: '{a=\"b\"}' }] }\n",
	    "6:33: url: must begin with http:// or https://\n8:40: stream: its source 'l' has a mistake of its own");
}

static void
alerts_that_do_not_fit(void **state)
{
	(void)state;
	assert_problems(TOP LOKI "  logs: { alerts: [{ query: 'x ${label.a}' }, { query: '${labels.a b}' }, { query: '${alert' }, { query: '${labels.a_1}' }] }\n",
	    "7:29: query: '${label.a}' is filled in nowhere; ${alert} and ${labels.NAME} are\n"
	    "7:56: query: '${labels.a b}' is filled in nowhere; ${alert} and ${labels.NAME} are\n"
	    "7:84: query: '${alert' is filled in nowhere; ${alert} and ${labels.NAME} are");
	assert_int_equal(conf->environments[0].logs.n_alerts, 1);
}

/* Without a pattern that was meant, what must not be kept would be. */
static void
patterns_that_do_not_compile(void **state)
{
	(void)state;
	parse(HEAD "redact: { patterns: [{ name: a, pattern: '(' }] }\nenvironments: []\n");
	assert_int_equal(problems.n, 1);
	assert_non_null(strstr(problems.v[0], "3:42: pattern: "));
	assert_int_equal(conf->n_redact, 0);
	assert_true(conf->is_policy_broken);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(defaults, teardown),
		cmocka_unit_test_teardown(all_of_it, teardown),
		cmocka_unit_test_teardown(sources_that_do_not_fit, teardown),
		cmocka_unit_test_teardown(streams_that_do_not_fit, teardown),
		cmocka_unit_test_teardown(alerts_that_do_not_fit, teardown),
		cmocka_unit_test_teardown(patterns_that_do_not_compile, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
