/* opsconsole.yaml: every type's good and bad values, sentences and positions, what is kept and
 * what is left out. */
#include "config.h"

#include <math.h>
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
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/conf_env.h"
#include "conf/conf_table.h"
#include "model/event.h"

#define HEAD "apiVersion: opsconsole/v1\nkind: Config\n"
#define ENV HEAD "environments:\n- name: e\n"
#define SOURCE ENV "  sources:\n  - name: p\n    type: prometheus\n    url: http://h\n"
#define QUERY SOURCE "  queries:\n  - name: q\n    expr: up\n"

static struct conf *conf;
static struct conf_problems problems;

static int
setup(void **state)
{
	(void)state;
	setenv("HOME", "/home/ann", 1);
	conf = NULL;
	return 0;
}

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
	if (conf_parse("c", text, strlen(text), &conf, &problems, &err) < 0)
		fail_msg("%s\n%s", err.msg, text);
}

/* expected: the problems, a line each; "" for none. */
static void
assert_problems(const char *text, const char *expected)
{
	struct buf b;

	parse(text);
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < problems.n; i++)
		buf_printf(&b, "%s%s", i > 0 ? "\n" : "", problems.v[i]);
	if (!str_eq(b.data, expected))
		fail_msg("in:\n%s\ngot:\n%s\nexpected:\n%s", text, b.data, expected);
	buf_done(&b);
}

/* --- types ----------------------------------------------------------------------------------- */

static void
defaults(void **state)
{
	const struct conf_environment *e;
	const struct conf_source *s;

	(void)state;
	assert_problems(QUERY, "");
	assert_string_equal(conf->path, "c");
	assert_string_equal(conf->theme, "dark");
	assert_string_equal(conf->layout, "auto");
	assert_true(conf->bell && conf->osc9 && conf->ack_enabled);
	assert_int_equal(conf->ack_ns, 15 * NS_PER_MIN);
	assert_int_equal(conf->history_ns, 30 * NS_PER_MIN);
	assert_int_equal(conf->history_bytes, 8 << 20);
	assert_int_equal(conf->range_ns, NS_PER_HOUR);
	assert_int_equal(conf->in_flight_max, 256 << 20);
	assert_false(conf->is_policy_broken);
	assert_int_equal(conf->n_environments, 1);
	e = &conf->environments[0];
	assert_string_equal(e->title, "e");
	assert_string_equal(e->colour, "other");
	assert_string_equal(e->severity_label, "severity");
	assert_false(e->is_protected);
	assert_int_equal(e->line, 4);
	assert_int_equal(e->column, 3);
	s = &e->sources[0];
	assert_int_equal(s->interval_ns, 5 * NS_PER_S);
	assert_int_equal(s->timeout_ns, 10 * NS_PER_S);
	assert_int_equal(s->body_max, 64 << 20);
	assert_int_equal(s->series_max, 20000);
	assert_true(s->tls_verify);
	assert_null(s->proxy);
	assert_null(s->replicas);
	assert_int_equal(s->line, 6);
	assert_string_equal(e->queries[0].title, "q");
	assert_string_equal(e->queries[0].unit, "none");
	assert_string_equal(e->queries[0].source, "p");
	assert_true(isnan(e->queries[0].objective));
}

/* One option appended to a config that is good without it. */
static void
bad_values(void **state)
{
	static const struct {
		const char *before, *option, *problem;
	} rows[] = {
		/* bool */
		{ HEAD, "bell: yes", "bell: 'yes' is not used here: write true" },
		{ HEAD, "bell: On", "bell: 'On' is not used here: write true" },
		{ HEAD, "bell: FALSE", "bell: 'FALSE' is not used here: write false" },
		{ HEAD, "bell: maybe", "bell: 'maybe' is neither true nor false" },
		{ HEAD, "bell: [true]", "bell: a true or false is expected, not a list" },
		/* duration */
		{ HEAD, "range: 60", "range: '60' has no unit (such as 500ms, 30s, 15m, 1h30m)" },
		{ HEAD, "range: soon", "range: 'soon' is not a duration (such as 500ms, 30s, 15m, "
		    "1h30m)" },
		{ HEAD, "range: ''", "range: '' is not a duration (such as 500ms, 30s, 15m, "
		    "1h30m)" },
		{ HEAD, "range: 1s", "range: '1s' is below the least allowed, 1m" },
		{ HEAD, "range: 31d", "range: '31d' is above the most allowed, 30d" },
		{ HEAD, "range: {}", "range: a duration is expected, not a map" },
		{ SOURCE, "    interval: 249ms",
		    "interval: '249ms' is below the least allowed, 250ms" },
		/* size */
		{ HEAD, "in_flight_max: 64",
		    "in_flight_max: '64' has no unit (such as 64MiB; B, KiB, MiB, GiB, kB, MB, "
		    "GB)" },
		{ HEAD, "in_flight_max: 64M",
		    "in_flight_max: '64M' is not a size (such as 64MiB; B, KiB, MiB, GiB, kB, MB, "
		    "GB)" },
		{ HEAD, "in_flight_max: -1MiB",
		    "in_flight_max: '-1MiB' is not a size (such as 64MiB; B, KiB, MiB, GiB, kB, "
		    "MB, GB)" },
		{ HEAD, "in_flight_max: 1B",
		    "in_flight_max: '1B' is below the least allowed, 1MiB" },
		{ HEAD, "in_flight_max: 9999999999999GiB",
		    "in_flight_max: '9999999999999GiB' is too large" },
		/* whole number, number */
		{ SOURCE, "    series_max: 1.5",
		    "series_max: '1.5' is not a whole number (such as 20000)" },
		{ SOURCE, "    series_max: ''",
		    "series_max: '' is not a whole number (such as 20000)" },
		{ SOURCE, "    series_max: 0", "series_max: '0' is below the least allowed, 1" },
		{ SOURCE, "    series_max: 99999999999999999999",
		    "series_max: '99999999999999999999' is too large" },
		{ QUERY, "    objective: 2%", "objective: '2%' is not a number (such as 0.02)" },
		{ QUERY, "    objective: NaN", "objective: 'NaN' is not a number (such as 0.02)" },
		/* words */
		{ ENV, "  colour: red", "colour: 'red' is not one of prod, staging, lab or other" },
		{ ENV, "  colour: prd", "colour: 'prd' is not known; did you mean 'prod'?" },
		/* text */
		{ HEAD, "theme: ../x", "theme: '../x' is neither the name of a shipped file (small "
		    "letters, digits, -) nor a path "
		    "that begins with / or ~/" },
		{ HEAD, "theme: ~bob/x", "theme: '~bob/x': only your own ~/ is expanded; write an "
		    "absolute path" },
		{ HEAD, "theme: $HOME/x",
		    "theme: '$HOME/x': variables are not expanded in paths; write an absolute path "
		    "or ~/..." },
		{ ENV, "  title: \"a\\e[31m\"",
		    "title: holds the invisible or control character U+001B" },
		{ ENV, "  title: \"a\\u202Eb\"",
		    "title: holds the invisible or control character U+202E" },
		{ ENV, "  title: \"a\\0b\"", "title: holds a NUL character" },
		{ ENV, "  severity_label: ' x'", "severity_label: begins or ends with a blank" },
		{ QUERY, "    unit: a-unit-with-more-than-24-bytes",
		    "unit: is 30 bytes long; at most 24" },
		/* maps and lists */
		{ HEAD, "ack: 15m", "ack: a map of options is expected: ack: { enabled: ... }" },
		{ HEAD, "keys: [a]", "keys: a map is expected: command: VALUE on each line" },
		{ ENV, "  sources: {}", "sources: a list is expected: begin each item with '- '" },
		{ ENV, "  severities: { P1: pge }",
		    "P1: 'pge' is not known; did you mean 'page'?" },
		{ ENV, "  severities: { P1: }", "P1: has no value" },
		/* unknown options */
		{ HEAD, "bel: true", "'bel' is not an option of this file; did you mean 'bell'?" },
		{ HEAD, "frobnicate: 1", "'frobnicate' is not an option of this file; man 5 "
		    "opsconsole.yaml lists them" },
		{ SOURCE, "    intervall: 1s",
		    "'intervall' is not an option of a source; did you mean 'interval'?" },
		{ SOURCE, "    ca_file: /x", "'ca_file' belongs inside 'tls:'" },
		{ SOURCE, "    tls: { verfy: false }",
		    "'verfy' is not an option of tls; did you mean 'verify'?" },
		{ HEAD, "\"a\\e\": 1", "'a\\x1B' is not an option of this file; man 5 "
		    "opsconsole.yaml lists them" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text = xasprintf("%s%s\n", rows[i].before, rows[i].option), *sentence;
		bool is_found = false;

		parse(text);
		for (size_t j = 0; j < problems.n; j++) {
			sentence = strchr(strchr(strchr(problems.v[j], ':') + 1, ':') + 1, ':') + 2;
			is_found = is_found || str_eq(sentence, rows[i].problem);
		}
		if (!is_found)
			fail_msg("%s\ngot: %s\nexpected: %s", text, problems.n > 0 ? problems.v[0] :
			    "nothing", rows[i].problem);
		free(text);
	}
}

static void
positions(void **state)
{
	(void)state;
	assert_problems(SOURCE "    interval: 5\n    timeout:   never\n",
	    "c:9:15: interval: '5' has no unit (such as 500ms, 30s, 15m, 1h30m)\n"
	    "c:10:16: timeout: 'never' is not a duration (such as 500ms, 30s, 15m, 1h30m)");
	/* The source is kept, with the defaults. */
	assert_int_equal(conf->environments[0].n_sources, 1);
	assert_int_equal(conf->environments[0].sources[0].interval_ns, 5 * NS_PER_S);
	assert_problems(HEAD "bell: yes\nosc9: 7\n",
	    "c:3:7: bell: 'yes' is not used here: write true\n"
	    "c:4:7: osc9: '7' is neither true nor false\n"
	    "c:1:1: 'environments' is missing");
}

static void
good_values(void **state)
{
	const struct conf_environment *e;
	const struct conf_source *s;

	(void)state;
	assert_problems(HEAD
	    "theme: ~/t.yaml\n"
	    "layout: wide\n"
	    "bell: false\n"
	    "osc9: 'false'\n"
	    "range: 1h30m\n"
	    "in_flight_max: 1GiB\n"
	    "ack: { enabled: false, duration: 1h }\n"
	    "history: { span: 2h, bytes: 10MB }\n"
	    "keys:\n"
	    "  alerts.ack: A\n"
	    "  global.quit: C-q\n"
	    "environments:\n"
	    "- name: e\n"
	    "  protected: true\n"
	    "  colour: lab\n"
	    "  severity_label: level\n"
	    "  severities: { bad: page, warning: none }\n"
	    "  sources:\n"
	    "  - name: a b\n"
	    "    type: alertmanager\n"
	    "    url: HTTPS://[::1]:9093/am/\n"
	    "    replicas: ['http://x_y.z:1']\n"
	    "    series_max: 7\n"
	    "    body_max: 100kB\n"
	    "    proxy: environment\n"
	    "    tls: { verify: false, ca_file: ~/ca }\n"
	    "  - name: p\n"
	    "    type: prometheus\n"
	    "    url: http://h/%41/\n"
	    "  markers:\n"
	    "  - { name: m, expr: x, label: v }\n"
	    "  queries:\n"
	    "  - name: q\n"
	    "    expr: |\n"
	    "\n"
	    "      up\n"
	    "        == 0\n"
	    "    objective: -1e-3\n"
	    "    unit: dB\n", "");
	assert_string_equal(conf->theme, "/home/ann/t.yaml");
	assert_string_equal(conf->layout, "wide");
	assert_true(!conf->bell && !conf->osc9 && !conf->ack_enabled);
	assert_int_equal(conf->range_ns, 90 * NS_PER_MIN);
	assert_int_equal(conf->in_flight_max, 1 << 30);
	assert_int_equal(conf->ack_ns, NS_PER_HOUR);
	assert_int_equal(conf->history_bytes, 10000000);
	assert_int_equal(conf->n_keys, 2);
	assert_string_equal(conf->keys[0].command, "alerts.ack");
	assert_string_equal(conf->keys[0].key, "A");
	assert_int_equal(conf->keys[1].line, 13);
	assert_int_equal(conf->keys[1].column, 3);
	e = &conf->environments[0];
	assert_true(e->is_protected);
	assert_string_equal(e->severities[0].value, "bad");
	assert_int_equal(e->severities[0].severity, SEVERITY_PAGE);
	/* What the config says of a value stands before what is usual, and in its place. */
	assert_string_equal(e->severities[1].value, "warning");
	assert_int_equal(e->severities[1].severity, SEVERITY_NONE);
	assert_int_equal(e->n_severities, 7);
	s = &e->sources[0];
	assert_string_equal(s->url, "HTTPS://[::1]:9093/am");
	assert_string_equal(s->replicas[0], "http://x_y.z:1");
	assert_null(s->replicas[1]);
	assert_int_equal(s->body_max, 100000);
	assert_string_equal(s->proxy, "environment");
	assert_string_equal(s->ca_file, "/home/ann/ca");
	assert_false(s->tls_verify);
	assert_string_equal(e->sources[1].url, "http://h/%41");
	assert_string_equal(e->queries[0].expr, "up\n  == 0");
	assert_string_equal(e->queries[0].source, "p");
	assert_true(e->queries[0].objective == -1e-3);
	assert_string_equal(e->markers[0].title, "m {{v}}");
}

static void
empty_options_are_absent(void **state)
{
	(void)state;
	assert_problems(HEAD "keys:\n"
	    "  # a.b: c\n"
	    "ack:\n"
	    "theme: ~\n"
	    "environments:\n"
	    "- name: e\n"
	    "  contacts:\n"
	    "  sources:\n"
	    "  - { name: p, type: prometheus, url: 'http://h', headers: null, bearer: , tls: }\n",
	    "");
	assert_string_equal(conf->theme, "dark");
	assert_true(conf->ack_enabled);
}

static void
urls(void **state)
{
	static const struct {
		const char *url, *problem;	/* NULL: good */
	} rows[] = {
		{ "http://h", NULL }, { "https://h:1/", NULL },
		{ "http://10.0.0.1:65535/a/b-c_d~e%20", NULL },
		{ "http://[fe80::1]", NULL },
		{ "h:9090", "must begin with http:// or https://" },
		{ "ftp://h", "must begin with http:// or https://" },
		{ "", "must begin with http:// or https://" },
		{ "http://", "has no host (http://HOST:PORT is expected)" },
		{ "http:///x", "has no host (http://HOST:PORT is expected)" },
		{ "http://:80", "has no host (http://HOST:PORT is expected)" },
		{ "http://h:", "the port is not a number from 1 to 65535" },
		{ "http://h:0", "the port is not a number from 1 to 65535" },
		{ "http://h:65536", "the port is not a number from 1 to 65535" },
		{ "http://h:8x", "the port is not a number from 1 to 65535" },
		{ "http://h\\\\x", "the host holds what no host name has; names in other scripts "
		    "are written as xn--..." },
		{ "http://b\xc3\xbc" "cher.example",
		    "the host holds what no host name has; names in other scripts are written as "
		    "xn--..." },
		{ "http://[x]", "what stands in brackets is not an IPv6 address" },
		{ "http://[::1", "what stands in brackets is not an IPv6 address" },
		{ "http://h/a b", "the path holds a character that must be written as %XX" },
		{ "http://h/a?token=hunter2",
		    "must end with its path, without ? or #: the program adds its own" },
		{ "http://h#x", "must end with its path, without ? or #: the program adds its "
		    "own" },
		{ "http://ann:hunter2@h/",
		    "a user or password does not belong in a URL: use user: and password:" },
		{ "http://ann@h", "a user or password does not belong in a URL: use user: and "
		    "password:" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text = xasprintf(ENV "  sources:\n  - { name: p, type: prometheus, url: "
		    "\"%s\" }\n", rows[i].url);
		char *problem = rows[i].problem != NULL ?
		    xasprintf("c:6:39: url: %s", rows[i].problem) : xstrdup("");

		assert_problems(text, problem);
		assert_int_equal(conf->environments[0].n_sources, rows[i].problem == NULL);
		free(problem);
		free(text);
	}
}

/* --- secrets --------------------------------------------------------------------------------- */

static void
secrets(void **state)
{
	static const char inline_secret[] = ": a secret is not written into this file; use ";
	static const struct {
		const char *options, *problem;	/* what the first problem contains; NULL: good */
	} rows[] = {
		{ "bearer: { file: /x }", NULL },
		{ "user: ann\n    password: { env: PW }", NULL },
		{ "bearer: { command: [pass, show, x] }", NULL },
		{ "headers: { X-Token: { env: T }, X-Scope-OrgID: 1.10 }", NULL },
		{ "bearer: hunter2", inline_secret },
		{ "user: ann\n    password: 'hunter2'", inline_secret },
		{ "bearer: [hunter2]", inline_secret },
		{ "headers: { Authorization: 'Bearer hunter2' }", inline_secret },
		{ "headers: { x-api-key: hunter2 }", inline_secret },
		{ "headers: { My-Secret-Thing: hunter2 }", inline_secret },
		{ "bearer: { file: hunter2 }", "file: what stands here is not a path" },
		{ "bearer: { env: hunter-2 }", "env: what stands here is not the name" },
		{ "bearer: { command: echo hunter2 }",
		    "command: a list of a program and its arguments is expected" },
		{ "bearer: { command: [] }", "command: names no program" },
		{ "bearer: { command: [echo, [hunter2]] }", "command: each item must be text" },
		{ "bearer: { hunter2: x }",
		    "a secret has no such option; use one of file, env, command" },
		{ "bearer: { hunter2 }", "bearer: exactly one of file, env and command is "
		    "expected" },
		{ "bearer: { file: /x, env: hunter2 }",
		    "bearer: exactly one of file, env and command is expected" },
		{ "user: ann", "user: needs a password: too" },
		{ "password: { env: X }", "password: needs a user: too" },
		{ "user: ann\n    password: { env: X }\n    bearer: { env: Y }",
		    "bearer: cannot go with user and password; keep one" },
		{ "bearer: { env: Y }\n    headers: { authorization: { env: Z } }",
		    "headers: Authorization cannot go with" },
		{ "headers: { Host: x }", "the header Host is set by the program" },
		{ "headers: { 'A:B': x }", "'A:B' is not the name of an HTTP header" },
		{ "headers: { A: \"x\\r\\nB: y\" }",
		    "A: holds the invisible or control character U+000D" },
		{ "tls: { client_cert: /x }", "client_cert: needs a client_key: too" },
		{ "tls: { client_key: /x }", "client_key: needs a client_cert: too" },
		{ "tls: { ca_file: x }", "ca_file: 'x' is not a path that begins with / or ~/" },
		{ "proxy: none", "proxy: must begin with http:// or https://" },
		{ "replicas: http://b", "replicas: a list of URLs is expected" },
		{ "replicas: [b]", "replicas: must begin with http:// or https://" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text = xasprintf(SOURCE "    %s\n", rows[i].options);

		parse(text);
		if ((problems.n == 0) != (rows[i].problem == NULL) ||
		    (problems.n > 0 && strstr(problems.v[0], rows[i].problem) == NULL))
			fail_msg("%s\ngot: %s", text, problems.n > 0 ? problems.v[0] :
			    "no problem");
		/* A source whose login or way is not what was written is not asked at all. */
		assert_int_equal(conf->environments[0].n_sources, rows[i].problem == NULL);
		for (size_t j = 0; j < problems.n; j++)
			if (strstr(problems.v[j], "hunter") != NULL)
				fail_msg("the secret is told: %s", problems.v[j]);
		free(text);
	}
	parse(SOURCE "    bearer: { command: [pass, show, x] }\n    headers: { X-A: b }\n");
	assert_string_equal(conf->environments[0].sources[0].bearer.command[2], "x");
	assert_null(conf->environments[0].sources[0].bearer.command[3]);
	assert_string_equal(conf->environments[0].sources[0].headers[0].value, "b");
}

/* --- the whole ------------------------------------------------------------------------------- */

static void
unusable_files(void **state)
{
	static const struct {
		const char *text, *sentence;
		int code;
	} rows[] = {
		{ "", "c: is empty; opsconsole --init writes a first config", ERR_SYNTAX },
		{ "- a\n", "c:1:1: a config is a map of options (NAME: VALUE)", ERR_SYNTAX },
		{ "a: b: c", "c:1:5: mapping values are not allowed in this context; text that "
		    "holds ': ' needs quotes, or it is indented otherwise than the line above", ERR_SYNTAX },
		{ HEAD "---\nx: y\n", "c:4:1: a second document begins here (---); a config has "
		    "one", ERR_SYNTAX },
		{ "apiVersion: opsconsole/v1\nkind: Runbook\n",
		    "c:2:7: kind is 'Runbook', but a config of this program has 'Config'",
		    ERR_SYNTAX },
		{ "apiVersion: v2\nkind: Config\n",
		    "c:1:13: apiVersion is 'v2', but a config of this program has 'opsconsole/v1'",
		    ERR_SYNTAX },
		{ "x: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
		    "c:1:67: nested deeper than 64 levels", ERR_LIMIT },
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(conf_parse("c", rows[i].text, strlen(rows[i].text), &conf,
		    &problems, &err), rows[i].code);
		assert_string_equal(err.msg, rows[i].sentence);
		assert_null(conf);
		assert_int_equal(problems.n, 0);
	}
}

static void
valid_parts_are_kept(void **state)
{
	(void)state;
	assert_problems(ENV
	    "  sources:\n"
	    "  - { name: bad, type: prometheus, url: h }\n"
	    "  - { type: prometheus, url: 'http://h' }\n"
	    "  - { name: p, type: prometheus, url: 'http://h' }\n"
	    "  - { name: p, type: prometheus, url: 'http://other' }\n"
	    "  - { name: am, type: alertmanager, url: 'http://h' }\n"
	    "  - text\n"
	    "  queries:\n"
	    "  - { name: one, expr: up }\n"
	    "  - { name: two, expr: up, source: bad }\n"
	    "  - { name: three, expr: up, source: am }\n"
	    "  - { name: four, expr: up, source: pp }\n"
	    "  - { name: five, expr: up, source: else }\n"
	    "  - { name: one, expr: down }\n"
	    "  - { name: six, expr: ' ' }\n"
	    "  markers:\n"
	    "  - { name: m, expr: x }\n"
	    "  - { name: n, expr: x, label: l, source: zzz }\n",
	    "c:6:41: url: must begin with http:// or https://\n"
	    "c:7:5: 'name' is missing\n"
	    "c:9:5: the name 'p' is taken by a source at line 8\n"
	    "c:11:5: a source is a map of options (NAME: VALUE)\n"
	    "c:18:5: the name 'one' is taken by a query at line 13\n"
	    "c:19:24: expr: is empty; a PromQL expression is expected, such as 'up == 0'\n"
	    "c:21:5: 'label' is missing\n"
	    "c:14:36: query: its source 'bad' has a mistake of its own\n"
	    "c:15:38: query: the source 'am' is of type alertmanager, which answers no queries\n"
	    "c:16:37: query: there is no source 'pp'; did you mean 'p'?\n"
	    "c:17:37: query: there is no source 'else' in this environment\n"
	    "c:22:43: marker: there is no source 'zzz' in this environment");
	assert_int_equal(conf->environments[0].n_sources, 2);
	assert_string_equal(conf->environments[0].sources[0].url, "http://h");
	assert_int_equal(conf->environments[0].n_queries, 1);
	assert_string_equal(conf->environments[0].queries[0].name, "one");
	assert_int_equal(conf->environments[0].n_markers, 0);
	assert_false(conf->is_policy_broken);
}

static void
what_is_needed(void **state)
{
	(void)state;
	assert_problems("environments:\n- name: e\n  sources: [{ name: p, type: prometheus, url: "
	    "'http://h' }]\n",
	    "c:1:1: 'apiVersion' is missing\nc:1:1: 'kind' is missing");
	assert_problems(ENV, "c:4:3: sources: at least one is needed, or nothing can be shown");
	assert_problems(ENV "  sources: []\n",
	    "c:5:12: sources: at least one is needed, or nothing can be shown");
	assert_problems(ENV "  sources: [{ name: a, type: alertmanager, url: 'http://h' }]\n  "
	    "queries: [{ name: q, expr: up }]\n",
	    "c:6:13: query: the environment has no source of type prometheus to ask");
}

/* What may guard acting makes the console read-only when it is wrong; the rest does not. */
static void
policy(void **state)
{
	static const struct {
		const char *text;
		bool is_broken;
	} rows[] = {
		{ SOURCE, false },
		{ SOURCE "    interval: 5\n", false },
		{ SOURCE "    bearer: x\n", false },
		{ SOURCE "  colour: red\n", false },
		{ SOURCE "  tittle: x\n", false },
		{ SOURCE "bel: true\n", false },
		{ SOURCE "  protected: yes\n", true },
		{ SOURCE "  protcted: true\n", true },
		{ SOURCE "  guard: true\n", true },
		{ SOURCE "polcy: {}\n", true },
		{ SOURCE "ack: off\n", true },
		{ SOURCE "ack: { enabled: no }\n", true },
		{ SOURCE "ack: { duration: 1 }\n", true },
		{ SOURCE "ack: { enbled: false }\n", true },
		{ SOURCE "- sources: []\n", true },
		{ SOURCE "- name: e\n  sources: [{ name: p, type: prometheus, url: 'http://h' }]\n",
		    true },
		{ HEAD "environments: {}\n", true },
		{ HEAD, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		parse(rows[i].text);
		if (conf->is_policy_broken != rows[i].is_broken)
			fail_msg("%s\npolicy %s", rows[i].text, rows[i].is_broken ? "stands" :
			    "is broken");
	}
	parse(SOURCE "  protected: yes\n");
	assert_true(conf->environments[0].is_protected);
}

static void
choosing_an_environment(void **state)
{
	const struct conf_environment *e = NULL;
	struct err err;

	(void)state;
	parse(SOURCE);
	assert_int_equal(conf_environment(conf, NULL, &e, &err), 0);
	assert_string_equal(e->name, "e");
	assert_int_equal(conf_environment(conf, "e", &e, &err), 0);
	assert_int_equal(conf_environment(conf, "x", &e, &err), ERR_NOTFOUND);
	assert_string_equal(err.msg, "there is no environment 'x' in c; it has e");
	parse(SOURCE "- { name: prod, protected: true }\n");
	assert_int_equal(conf_environment(conf, NULL, &e, &err), ERR_USAGE);
	assert_string_equal(err.msg, "c has several environments: say --env NAME (e, prod)");
	assert_int_equal(conf_environment(conf, "prod", &e, &err), 0);
	/* The one that is wrong may be the one that is meant. */
	parse(SOURCE "- { nme: prod }\n");
	assert_int_equal(conf_environment(conf, NULL, &e, &err), ERR_USAGE);
	assert_string_equal(err.msg, "another environment of c has a mistake: say --env NAME (e)");
	assert_int_equal(conf_environment(conf, "e", &e, &err), 0);
	parse(HEAD);
	assert_int_equal(conf_environment(conf, NULL, &e, &err), ERR_NOTFOUND);
	assert_string_equal(err.msg,
	    "c: has no environment that can be used; opsconsole --check says what is wrong");
}

static void
many_problems_are_cut(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_addstr(&b, SOURCE);
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "x%d: 1\n", i);
	parse(b.data);
	assert_int_equal(problems.n, CONF_PROBLEMS_MAX + 1);
	assert_string_equal(problems.v[CONF_PROBLEMS_MAX],
	    "c:209:1: more problems than the first 200 are not listed");
	/* A list that is too long is refused whole, before it takes memory. */
	buf_reset(&b);
	buf_addstr(&b, SOURCE "  queries:\n");
	for (int i = 0; i < 1001; i++)
		buf_printf(&b, "  - { name: q%d, expr: up }\n", i);
	assert_problems(b.data, "c:10:3: queries: 1001 items are too many; at most 1000");
	assert_int_equal(conf->environments[0].n_queries, 0);
	buf_done(&b);
}

static void
every_default_and_bound_is_valid(void **state)
{
	static const struct conf_table *seen[64];
	size_t n = 0, rows = 0;

	(void)state;
	seen[n++] = &conf_table_top;
	seen[n++] = &conf_table_secret;
	for (size_t i = 0; i < n; i++)
		for (const struct conf_row *row = seen[i]->rows; row->name != NULL; row++) {
			const char *const texts[] = { row->def, row->min, row->max };
			struct conf_value v;
			struct err err;

			rows++;
			assert_true(n < sizeof seen / sizeof seen[0]);
			if (row->table != NULL)
				seen[n++] = row->table;
			assert_non_null(row->help);
			if (!conf_type_is_scalar(row->type))
				continue;
			for (size_t j = 0; j < 3; j++) {
				bool is_value = j == 0 || row->type == CONF_INT ||
				    row->type == CONF_BYTES || row->type == CONF_DURATION;

				if (texts[j] == NULL || !is_value)
					continue;
				if (conf_scalar(row, texts[j], strlen(texts[j]), &v, &err) < 0)
					fail_msg("%s.%s: %s", seen[i]->what, row->name, err.msg);
				free(v.text);
			}
		}
	assert_in_range(rows, 60, 400);
}

static void
environment_block(void **state)
{
	const struct environment *e;

	(void)state;
	parse(QUERY "    objective: 0.5\n  markers: [{ name: m n, expr: x, label: v, group_by: g "
	    "}]\n"
	    "  contacts: [{ role: r, name: Ann }]\n  protected: true\n  colour: prod\n  title: "
	    "T\n");
	assert_int_equal(problems.n, 0);
	e = conf_environment_block(&conf->environments[0]);
	conf_free(conf);	/* the block holds copies */
	conf = NULL;
	assert_string_equal(e->name, "e");
	assert_string_equal(e->title, "T");
	assert_string_equal(e->colour, "prod");
	assert_true(e->is_protected);
	assert_string_equal(e->severity_label, "severity");
	assert_int_equal(e->n_severities, 6);
	assert_string_equal(e->severities[1].value, "critical");
	assert_int_equal(e->severities[1].severity, SEVERITY_PAGE);
	assert_int_equal(e->n_sources, 1);
	assert_string_equal(e->sources[0].url, "http://h");
	assert_int_equal(e->sources[0].interval_ns, 5 * NS_PER_S);
	assert_string_equal(e->queries[0].id, "query:q");
	assert_true(e->queries[0].objective == 0.5);
	assert_string_equal(e->markers[0].id, "marker:m n");
	assert_string_equal(e->markers[0].title, "{{g}} {{v}}");
	assert_string_equal(e->markers[0].group_by, "g");
	assert_string_equal(e->contacts[0].role, "r");
	assert_string_equal(e->contacts[0].channel, "");
	block_unref(e);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(defaults), TEST(bad_values), TEST(positions), TEST(good_values),
		    TEST(empty_options_are_absent), TEST(urls),
		TEST(secrets), TEST(unusable_files), TEST(valid_parts_are_kept),
		    TEST(what_is_needed), TEST(policy),
		TEST(choosing_an_environment), TEST(many_problems_are_cut),
		    TEST(every_default_and_bound_is_valid),
		TEST(environment_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
