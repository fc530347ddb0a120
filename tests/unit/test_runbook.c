/* Reading one runbook: what it becomes, and what is told of each mistake. */
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

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/runbook.h"

/* The example of design and manual. */
static const char rollback[] =
    "apiVersion: opsconsole/v1\n"
    "kind: Runbook\n"
    "name: rollback\n"
    "title: Put a model's previous version back\n"
    "danger: high\n"
    "confirm: '${env}/${model}'\n"
    "offer_when: { alerts: ['SpamFalsePositive.*'] }\n"
    "params:\n"
    "  model: { type: model, required: true }\n"
    "  to:    { type: model-version, default: previous }\n"
    "hosts: { group: serving }\n"
    "rollout: { batch: [1, 25%, 100%], max_failures: 0, pause: 10s, health: { promql: 'up{job=\"serving\"}', expect: '== 1' } }\n"
    "preconditions:\n"
    "  - { promql: 'up{job=\"serving\"}', expect: '== 1', match: every }\n"
    "steps:\n"
    "  - name: activate\n"
    "    scope: host\n"
    "    ssh: { run: [activate-model, '${model}', '${to}'], timeout: 60s }\n"
    "    check: { run: [active-model, '${model}'], expect: '${to}' }\n"
    "    undo:  { run: [activate-model, '${model}', '${host.serving}'] }\n"
    "  - name: registry\n"
    "    scope: run\n"
    "    registry: { alias: champion, model: '${model}', version: '${to}' }\n"
    "    undo: restore\n"
    "verify:\n"
    "  - { promql: 'served_model_version{model=\"${model}\"}', label: version, expect: '${to}', within: 60s }\n"
    "  - { alert: 'SpamFalsePositiveRateHigh', expect: resolved, within: 5m, settle: 30s }\n"
    "escalate: { contact: secondary }\n";

static const char config[] =
    "apiVersion: opsconsole/v1\n"
    "kind: Config\n"
    "environments:\n"
    "  - name: prod\n"
    "    sources:\n"
    "      - { name: metrics, type: prometheus, url: 'http://m:9090' }\n"
    "      - { name: alerts, type: alertmanager, url: 'http://a:9093' }\n"
    "      - { name: mlflow, type: mlflow, url: 'http://r:5000' }\n"
    "      - { name: flags, type: http, url: 'http://f' }\n"
    "    hosts:\n"
    "      - { name: serving, hosts: ['web-[01-03]'] }\n"
    "    models:\n"
    "      - { name: spam-filter, registry: mlflow, alias: champion, group: serving, serving: { expr: v, label: version, host: instance } }\n"
    "    contacts:\n"
    "      - { role: secondary, name: Bea }\n"
    "    params: { model: spam-filter }\n"
    "    exec: [kubectl]\n"
    "    actions:\n"
    "      drain:\n"
    "        ssh: { run: [drain-web, 'pool-${pool}', '${host}'], timeout: 30s }\n"
    "        check: { run: [is-drained, '${pool}'], expect: 'yes' }\n"
    "        undo: { run: [undrain, '${pool}'] }\n"
    "      flag:\n"
    "        http: { endpoint: flags, method: PUT, path: '/f/${name}', body: { to: '${to}' } }\n"
    "      broken:\n"
    "        ssh: { run: [drain-web, '${pol}'] }\n";

struct world {
	struct conf *conf;
	struct conf_problems problems;
};
static struct world w;

static int
world_setup(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	if (conf_parse("ops.yaml", config, strlen(config), &w.conf, &w.problems, &err) < 0)
		fail_msg("%s", err.msg);
	if (w.problems.n > 0)
		fail_msg("%s", w.problems.v[0]);
	return 0;
}

static int
world_teardown(void **state)
{
	(void)state;
	conf_free(w.conf);
	conf_problems_done(&w.problems);
	return 0;
}

static struct runbook *
read_good(const char *text, bool has_env)
{
	struct conf_problems problems = { 0 };
	struct runbook *rb = NULL;
	struct err err = ERR_INIT;

	if (runbook_read("r.yaml", text, strlen(text), w.conf, has_env ? &w.conf->environments[0] : NULL,
	    &rb, &problems, &err) < 0)
		fail_msg("%s", err.msg);
	if (problems.n > 0)
		fail_msg("%s", problems.v[0]);
	assert_non_null(rb);
	return rb;
}

/* --- the example --------------------------------------------------------------------------------------- */

static void
example_is_read(void **state)
{
	struct runbook *rb = read_good(rollback, true);
	const struct runbook_step *s = rb->steps;

	(void)state;
	assert_string_equal(rb->name, "rollback");
	assert_int_equal(rb->danger, DANGER_HIGH);
	assert_string_equal(template_source(rb->confirm), "${env}/${model}");
	assert_string_equal(rb->offer_alerts[0], "SpamFalsePositive.*");
	assert_string_equal(rb->group, "serving");
	assert_int_equal(rb->n_batches, 3);
	assert_true(rb->batches[0].value == 1 && !rb->batches[0].is_percent);
	assert_true(rb->batches[1].value == 25 && rb->batches[1].is_percent);
	assert_int_equal(rb->pause_ns, 10 * NS_PER_S);
	assert_int_equal(rb->n_health, 1);
	assert_string_equal(rb->escalate, "secondary");
	assert_string_equal(rb->params[1].of, "model");
	assert_int_equal(rb->n_steps, 2);
	assert_int_equal(s[0].act->kind, STEP_SSH);
	assert_false(s[0].is_run_scope);
	assert_string_equal(template_source(s[0].act->argv[2]), "${to}");
	assert_null(s[0].act->argv[3]);
	assert_int_equal(s[0].act->timeout_ns, 60 * NS_PER_S);
	assert_string_equal(template_source(s[0].check_expect), "${to}");
	assert_string_equal(template_source(s[0].check->argv[0]), "active-model");
	assert_string_equal(template_source(s[0].undo->argv[2]), "${host.serving}");
	assert_true(s[1].is_run_scope && s[1].is_closing && s[1].is_undo_restore);
	assert_string_equal(s[1].act->alias, "champion");
	assert_int_equal(s[1].at.line, 21);
	assert_int_equal(strlen(rb->sha256), 64);
	runbook_free(rb);
}

static void
conditions_have_words(void **state)
{
	static const char *const verify[] = {
		"version of served_model_version{model=\"${model}\"} is ${to} for every series, within 1m",
		"alert SpamFalsePositiveRateHigh is resolved, within 5m, settled for 30s",
	};
	struct runbook *rb = read_good(rollback, false);

	(void)state;
	assert_string_equal(rb->health[0]->text, "up{job=\"serving\"} == 1 for every series");
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(rb->verify[i]->text, verify[i]);
	assert_int_equal(rb->verify[0]->kind, COND_PROMQL);
	assert_string_equal(rb->verify[0]->label, "version");
	assert_int_equal(rb->verify[1]->settle_ns, 30 * NS_PER_S);
	runbook_free(rb);
}

/* --- other members ----------------------------------------------------------------------------------------- */

#define HEAD "apiVersion: opsconsole/v1\nkind: Runbook\nname: r\ntitle: t\n"
#define ONE "steps:\n  - { name: a, notify: hello }\n"

static void
steps_are_sorted_by_scope(void **state)
{
	static const char *const names[] = { "before", "early", "one", "two", "after" };
	struct runbook *rb = read_good(HEAD "hosts: { group: serving }\nsteps:\n"
	    "  - { name: before, notify: x }\n"
	    "  - { name: one, ssh: { run: [a] } }\n"
	    "  - { name: after, notify: x }\n"
	    "  - { name: early, first: true, notify: x }\n"
	    "  - { name: two, ssh: { run: [a] } }\n", true);

	(void)state;
	assert_int_equal(rb->n_steps, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(rb->steps[i].name, names[i]);
	assert_false(rb->steps[0].is_closing || rb->steps[1].is_closing);
	assert_true(rb->steps[4].is_closing);
	runbook_free(rb);
}

static const char *
expand_with(const char *name, void *arg, const char **ret_why)
{
	(void)ret_why;
	return str_eq(name, "p") ? arg : str_eq(name, "host") ? "web-01" : NULL;
}

static void
actions_become_what_the_environment_has(void **state)
{
	struct runbook *rb = read_good(HEAD "params: { p: string }\nhosts: { group: serving }\nsteps:\n"
	    "  - { name: d, action: { name: drain, with: { pool: 'a ${p}' } } }\n"
	    "  - name: f\n"
	    "    scope: run\n"
	    "    action: { name: flag, with: { name: '${p}', to: 'off' }, timeout: 5s }\n"
	    "    undo: { action: { name: flag, with: { name: '${p}', to: 'on' } } }\n", true);
	const struct runbook_step *s = rb->steps;
	struct buf b;

	(void)state;
	assert_int_equal(s[0].act->kind, STEP_SSH);
	assert_string_equal(s[0].act->action, "drain");
	assert_int_equal(s[0].act->timeout_ns, 30 * NS_PER_S);
	buf_init(&b, 200);
	assert_int_equal(template_expand(s[0].act->argv[1], expand_with, "x\"y", &b, NULL), 0);
	assert_string_equal(b.data, "pool-a x\"y");
	assert_string_equal(template_source(s[0].check_expect), "yes");
	assert_string_equal(template_source(s[0].undo->argv[0]), "undrain");
	assert_int_equal(s[1].act->kind, STEP_HTTP);
	assert_int_equal(s[1].act->timeout_ns, 5 * NS_PER_S);
	buf_reset(&b);
	assert_int_equal(template_expand(s[1].act->path, expand_with, "a/b", &b, NULL), 0);
	assert_string_equal(b.data, "/f/a%2Fb");
	assert_int_equal(s[1].undo->kind, STEP_HTTP);
	assert_string_equal(s[1].undo->action, "flag");
	buf_done(&b);
	runbook_free(rb);
}

static void
bodies_keep_their_types(void **state)
{
	struct runbook *rb = read_good(HEAD "params: { p: string }\nsteps:\n  - name: a\n    http:\n"
	    "      endpoint: flags\n      method: PUT\n      path: '/f'\n"
	    "      body: { on: true, n: 3, x: 1.10, no: null, s: '3', v: '${p}', l: [a, { b: '-${p}' }] }\n",
	    true);
	const struct act *a = rb->steps[0].act;
	static const char *const templates[] = { "3", "${p}", "a", "-${p}" };

	(void)state;
	assert_true(json_is_true(json_object_get(a->body, "on")));
	assert_true(json_is_integer(json_object_get(a->body, "n")));
	assert_true(json_is_real(json_object_get(a->body, "x")));
	assert_true(json_is_null(json_object_get(a->body, "no")));
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(template_source(a->body_templates[i]), templates[i]);
	assert_null(a->body_templates[4]);
	assert_string_equal(a->content_type, "application/json");
	assert_int_equal(a->status_min, 200);
	assert_int_equal(a->status_max, 299);
	runbook_free(rb);
}

static void
every_kind_of_step_is_read(void **state)
{
	struct runbook *rb = read_good(HEAD "params: { p: string, s: secret, mode: { type: enum, choices: [x, y] } }\n"
	    "hosts: serving-01\nsteps:\n"
	    "  - { name: ask, confirm: 'is ${p} quiet?', when: '${mode} == x' }\n"
	    "  - { name: script, ssh: { script: \"echo $1 ${HOME}\\n\", args: ['${p}'], env: { T: '${s}' }, stdin: '${s}', become: true } }\n"
	    "  - { name: raw, ssh: { run: [x], supervise: none }, undo: nothing }\n"
	    "  - { name: hush, silence: { match: { alertname: A }, match_regex: { instance: '${p}:.*' }, duration: 1h, comment: 'by ${user}' }, undo: restore }\n"
	    "  - { name: wait, wait: [{ time: 30s }, { promql: 'up', expect: '>= 1' }] }\n"
	    "  - { name: tell, notify: { text: done, contact: secondary } }\n"
	    "  - { name: local, exec: { run: [kubectl, get, '${p}'] }, retries: 2, backoff: 5s, on_failure: ask }\n"
	    "  - { name: tag, registry: { model: spam-filter, tag: a, value: '${p}' } }\n", true);
	const struct runbook_step *s = rb->steps;

	(void)state;
	assert_int_equal(rb->n_steps, 8);
	assert_int_equal(s[0].n_when, 1);
	assert_int_equal(s[0].when[0]->kind, COND_VALUE);
	assert_string_equal(s[1].act->become, "root");
	assert_string_equal(s[1].act->script, "echo $1 ${HOME}\n");
	assert_true(s[2].act->is_unsupervised);
	assert_true(s[2].is_undo_nothing && s[2].undo == NULL && !s[1].is_undo_nothing);
	assert_int_equal(s[3].act->n_matchers, 2);
	assert_true(s[3].act->matcher_is_regex[1]);
	assert_int_equal(s[4].act->n_conditions, 2);
	assert_int_equal(s[4].act->conditions[1]->within_ns, 5 * NS_PER_MIN);
	assert_int_equal(s[6].retries, 2);
	assert_int_equal(s[6].on_failure, FAIL_ASK);
	runbook_free(rb);
}

/* --- mistakes ---------------------------------------------------------------------------------------------------- */

struct mistake {
	const char *text, *says;
};

static void
assert_tells(const struct mistake *m, bool has_env)
{
	struct conf_problems problems = { 0 };
	struct runbook *rb = NULL;
	struct err err = ERR_INIT;
	bool is_told = false;

	if (runbook_read("r.yaml", m->text, strlen(m->text), w.conf,
	    has_env ? &w.conf->environments[0] : NULL, &rb, &problems, &err) < 0)
		fail_msg("%s: %s", m->says, err.msg);
	for (size_t i = 0; i < problems.n; i++)
		is_told = is_told || strstr(problems.v[i], m->says) != NULL;
	if (!is_told)
		fail_msg("not told: %s\n%s\nbut: %s", m->says, m->text,
		    problems.n > 0 ? problems.v[0] : "nothing");
	assert_null(rb);
	conf_problems_done(&problems);
}

#define STEP(rest) HEAD "params: { p: string, s: secret }\nhosts: { group: serving }\nsteps:\n  - { name: h, ssh: { run: [x] } }\n  - { name: a, " rest " }\n"
#define COND(rest) HEAD "verify: " rest "\n" ONE

static void
mistakes_are_told_with_their_place(void **state)
{
	static const struct mistake mistakes[] = {
		/* the file */
		{ HEAD "stpes: []\n" ONE, "r.yaml:5:1: 'stpes' is no member of a runbook; did you mean 'steps'?" },
		{ HEAD, "r.yaml:1:1: a runbook: 'steps' is missing" },
		{ "kind: Runbook\nname: r\ntitle: t\n" ONE, "a runbook: 'apiVersion' is missing" },
		{ "apiVersion: opsconsole/v2\nkind: Runbook\nname: r\ntitle: t\n" ONE, "r.yaml:1:13: apiVersion: 'opsconsole/v2' is not" },
		{ "apiVersion: opsconsole/v1\nkind: Runbook\nname: R x\ntitle: t\n" ONE, "r.yaml:3:7: name: small letters" },
		{ HEAD "danger: hihg\n" ONE, "danger: 'hihg' is not known; did you mean 'high'?" },
		{ HEAD "danger: high\n" ONE, "r.yaml:5:9: danger: high needs confirm:" },
		{ HEAD "confirm: yes\n" ONE, "r.yaml:5:10: confirm: says not what it is about" },
		{ HEAD "offer_when: { alerts: ['a('] }\n" ONE, "is no regular expression" },
		{ HEAD "steps: []\n", "steps: a list is expected" },
		{ HEAD "mark_bad: { model: '${x}', version: current }\n" ONE, "'x' (a variable of mark_bad)" },
		/* params */
		{ HEAD "params: { p: { type: strnig } }\n" ONE, "type: 'strnig' is not known; did you mean 'string'?" },
		{ HEAD "params: { p: { } }\n" ONE, "a parameter: 'type' is missing" },
		{ HEAD "params: { host: string }\n" ONE, "'host' cannot be a parameter's name" },
		{ HEAD "params: { p: { type: int, default: x } }\n" ONE, "r.yaml:5:11: default: of p: 'x' is no whole number" },
		{ HEAD "params: { p: { type: int, default: 5, max: 3 } }\n" ONE, "default: of p: 5 is not between" },
		{ HEAD "params: { p: { type: duration, default: 5 } }\n" ONE, "default: of p: '5' is no duration" },
		{ HEAD "params: { p: { type: enum } }\n" ONE, "p: an enum needs choices:" },
		{ HEAD "params: { p: { type: enum, choices: [red, blue], default: bleu } }\n" ONE, "did you mean 'blue'?" },
		{ HEAD "params: { p: { type: secret, default: x } }\n" ONE, "a secret is not written into this file" },
		{ HEAD "params: { p: { type: string, pattern: '(' } }\n" ONE, "pattern: '(': is no regular expression" },
		{ HEAD "params: { p: model-version }\n" ONE, "needs a parameter of type model" },
		{ HEAD "params: { a: model, b: model, p: model-version }\n" ONE, "p: which model?" },
		{ HEAD "params: { a: model, p: { type: model-version, of: b } }\n" ONE, "of: 'b' is no parameter of type model" },
		{ HEAD "params: { p: { type: string, default: -x } }\n" ONE, "begins with '-'" },
		/* variables */
		{ STEP("notify: 'x ${q}'"), "r.yaml:9:24: 'q' (a variable of notify) is no parameter of this runbook" },
		{ STEP("notify: 'x ${uesr}'"), "did you mean 'user'?" },
		{ STEP("notify: '${host}'"), "${host} stands only in what is done for each host" },
		{ HEAD "steps:\n  - { name: a, notify: '${host}' }\n", "${host} needs hosts:" },
		{ STEP("ssh: { run: [x, '${host.serving}'] }"), "needs a parameter of type model" },
		{ STEP("ssh: { run: [x, '${s}'] }"), "${s} is a secret" },
		{ STEP("notify: '${s}'"), "${s} is a secret" },
		{ STEP("notify: 'a ${'"), "r.yaml:9:27: notify: '${' is no variable" },
		/* programs */
		{ STEP("ssh: { run: ['${p}', x] }"), "the program is written out" },
		{ STEP("ssh: { run: [sh, -c, 'echo ${p}'] }"), "no value is put into a program: what sh reads" },
		{ STEP("ssh: { run: [sudo, /bin/bash, -e, -xc, 'echo ${p}'] }"), "what bash reads" },
		{ STEP("ssh: { run: [python3, '-cprint(${p})'] }"), "what python3 reads" },
		{ STEP("ssh: { run: [ssh, other, '${p}'] }"), "what ssh reads" },
		{ STEP("ssh: { script: 'echo ${p}' }"), "script: no value is put into a script" },
		{ STEP("ssh: { run: x }"), "run: a list of a program and its arguments is expected" },
		{ STEP("ssh: { run: [x], script: y }"), "has both run: and script:" },
		{ STEP("ssh: { }"), "says not what to do" },
		{ STEP("ssh: { run: [x], args: [y] }"), "args: goes with script:" },
		{ STEP("ssh: { script: x, supervise: none }"), "supervise: none does not go with script:" },
		{ STEP("ssh: { run: [x], timeout: 0s }"), "timeout: '0s' is below the least allowed" },
		{ STEP("ssh: { run: [x], become: 'a b' }"), "is not the name of a user" },
		{ STEP("scope: run, ssh: { run: [x] }"), "ssh: needs a host" },
		/* steps */
		{ STEP("notfy: x"), "r.yaml:9:5: a step says not what it is" },
		{ STEP("notify: x, wait: { time: 1s }"), "a step has both wait: and notify:; one is expected" },
		{ STEP("notify: x, retires: 3"), "'retires' is no member of a step; did you mean 'retries'?" },
		{ HEAD "steps:\n  - { name: a, notify: x }\n  - { name: a, notify: y }\n", "r.yaml:7:5: the name 'a' is taken by the step at line 6" },
		{ HEAD "steps:\n  - { name: verify, notify: x }\n", "a step cannot be called 'verify'" },
		{ STEP("notify: x, on_failure: undo"), "on_failure: undo, but neither this step nor one before it" },
		{ STEP("notify: x, undo: restore"), "restore goes with registry, http and silence" },
		{ STEP("confirm: go on?"), "a confirm step is the last one" },
		{ STEP("scope: host, confirm: 'go on?'"), "confirm: is asked once" },
		{ STEP("scope: host, first: true, notify: x"), "first: goes with scope: run" },
		{ STEP("notify: x, when: 'a == b'"), "never holds" },
		{ HEAD "params: { n: { type: int, max: 5 } }\nsteps:\n  - { name: a, notify: x, when: '${n} == six' }\n", "never holds: n:" },
		{ STEP("notify: x, when: ['${p} == x', '${p} == y']"), "never holds: two of its conditions contradict" },
		{ STEP("notify: x, when: ['${p} == x', '${p} != x']"), "never holds: two of its conditions contradict" },
		{ STEP("silence: { end: true, match: { a: b }, duration: 1h, comment: x }"), "duration: does not go with end: true" },
		{ STEP("silence: { match: { a: b }, comment: x }"), "says not how long" },
		{ STEP("silence: { end: true, match: { a: b }, comment: x }, undo: restore"), "undo: restore does not go with end: true" },
		{ STEP("notify: x, when: { promql: up, expect: 1, within: 5s }"), "within: does not go with when:" },
		{ STEP("notify: x, check: { registry: { model: m, alias: a, version: 1 } }"), "check: only ssh, exec, and http" },
		{ STEP("http: { endpoint: e, path: '/x' }, check: { path: '/', method: POST }"), "check: only ssh, exec, and http" },
		{ STEP("include: x.yaml"), "include: stands by itself" },
		{ HEAD "steps:\n  - include: ../x.yaml\n", "is not inside the runbook's folder" },
		{ HEAD "steps:\n  - include: /etc/passwd\n", "is not inside the runbook's folder" },
		{ HEAD "hosts: { group: serving }\n" ONE, "no step is done on them" },
		{ HEAD "steps:\n  - { name: a, scope: host, notify: x }\n", "scope: host needs hosts:" },
		/* other kinds */
		{ STEP("http: { endpoint: e, path: 'x' }"), "path: begins with /" },
		{ STEP("http: { endpoint: e, path: '/${s}' }"), "${s} is a secret" },
		{ STEP("http: { endpoint: e, path: '/', body: x }"), "does not go with the method GET" },
		{ STEP("http: { endpoint: e, path: '/', status: 2xx }"), "status: an HTTP status" },
		{ STEP("http: { endpoint: e, path: '/', method: PUT, content_type: text/xml, body: '<a>${p}</a>' }"), "how values are written in text/xml is not known" },
		{ STEP("http: { endpoint: e, path: '/', headers: { Host: x } }"), "'Host' is no header that can be given here" },
		{ STEP("http: { endpoint: e, path: '/', undo: x }"), "'undo' is no member of http" },
		{ STEP("http: { endpoint: e, method: POST, path: '/' }, undo: restore"), "restore of http needs the method PUT" },
		{ STEP("registry: { model: m, alias: a, stage: b, version: 1 }"), "exactly one of alias:" },
		{ STEP("registry: { model: m, alias: a }"), "alias: needs version:" },
		{ STEP("silence: { duration: 1h, comment: x }"), "matches every alert" },
		{ STEP("silence: { match_regex: { a: '.*' }, duration: 1h, comment: x }"), "matches every alert" },
		/* conditions */
		{ COND("{ promql: 'up{a=', expect: 1 }"), "'{' is not closed" },
		{ COND("{ promql: 'up', expect: '${user}' }"), "is no comparison with a number" },
		{ COND("{ promql: 'up' }"), "a promql condition: 'expect' is missing" },
		{ COND("{ promql: 'up', expect: 1, match: all }"), "match: every or any" },
		{ COND("{ promql: 'up', label: v, expect: '< 3' }"), "texts are compared with == or != only" },
		{ COND("{ alert: A, expect: gone }"), "expect: of an alert is firing or resolved" },
		{ COND("{ slo: A, expect: good }"), "expect: of an objective is ok" },
		{ COND("{ drift: m, expect: drifted }"), "expect: of drift is steady or not-drifted" },
		{ COND("{ drift: m, feature: f, expect: steady }"), "'feature'" },
		{ COND("{ drift: m }"), "a drift condition: 'expect' is missing" },
		{ COND("{ http: e, path: '/', expect: ok }"), "an HTTP status (200)" },
		{ COND("{ time: 5s }"), "time: is something to wait: for" },
		{ COND("{ value: a, is: b }"), "value: stands in when: only" },
		{ COND("{ promql: up, alert: A, expect: 1 }"), "a condition has both promql: and alert:" },
		{ COND("{ promql: up, expect: 1, by: instance }"), "by: needs hosts:" },
		{ COND("{ promql: up, expect: 1, whitin: 5s }"), "did you mean 'within'?" },
		{ COND("{ log: '{a=\"b\"', expect: 1 }"), "'{' is not closed" },
		{ COND("{ log: '{a=${user}}', expect: 1 }"), "r.yaml:5:20: log: a variable stands only inside" },
		{ COND("{ log: '{a=\"b\"}' }"), "a log condition: 'expect' is missing" },
		{ COND("{ log: '{a=\"b\"}', expect: some }"), "such as '>= 1'" },
		{ COND("{ log: '{a=\"b\"}', expect: '> -1' }"), "expect: there cannot be less than 0 lines" },
		{ COND("{ log: '{a=\"b\"}', expect: 1, windw: 1m }"), "did you mean 'window'?" },
		{ COND("{ log: '{a=\"b\"}', expect: 1, window: 1ms }"), "window: '1ms' is below the least allowed" },
		{ COND("{ log: '{\"query_string\": {\"query\": \"${user}\"}}', expect: 1 }"), "a language of its own" },
		{ COND("{ log: '_PID=1 ${user}', expect: 1 }"), "only in the value of a match" },
		{ COND("{ log: 'app:${user}', expect: 1 }"), "only inside \"...\" in a query string" },
		{ COND("[]"), "verify: holds no condition" },
		/* rollout */
		{ HEAD "hosts: { group: serving }\nrollout: { batch: [1, 25%] }\n" ONE, "does not reach all hosts" },
		{ HEAD "hosts: { group: serving }\nrollout: { batch: [50%, 25%, 100%] }\n" ONE, "each must be larger" },
		{ HEAD "hosts: { group: serving }\nrollout: { batch: [0, 100%] }\n" ONE, "batch: a count (1) or a share" },
		{ HEAD "hosts: { group: serving }\nrollout: { batch: [[a], [a]] }\n" ONE, "batch: a stands there twice" },
		{ HEAD "rollout: { batch: [100%] }\n" ONE, "rollout: needs hosts:" },
		{ HEAD "hosts: { group: serving }\nrollout: { pause: 0s }\n" ONE, "pause: '0s' is below the least allowed" },
		{ HEAD "hosts: 'web-['\n" ONE, "r.yaml:5:8: hosts: " },
		{ HEAD "params: { p: string }\nhosts: '${p}'\n" ONE, "a parameter of type host is expected" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++)
		assert_tells(&mistakes[i], false);
}

static void
names_are_looked_up_in_the_environment(void **state)
{
	static const struct mistake mistakes[] = {
		{ HEAD "hosts: { group: servin }\n" ONE, "r.yaml:5:17: 'servin' is no group of hosts of the environment 'prod'; did you mean 'serving'?" },
		{ HEAD "params: { h: { type: host, of: web } }\n" ONE, "'web' is no group of hosts" },
		{ HEAD "params: { model: { type: enum, choices: [a] } }\n" ONE, "what params: of the environment 'prod' has does not fit: model: 'spam-filter'" },
		{ HEAD "escalate: tertiary\n" ONE, "'tertiary' is no contact" },
		{ HEAD "hosts: { group: serving }\nrollout: { batch: [[web-01], [web-02, db-1]] }\n" ONE, "batch: db-1 is no host of the group serving" },
		{ HEAD "hosts: { group: serving }\nrollout: { batch: [[web-01], [web-02]] }\n" ONE, "batch: web-03 of the group serving is in no batch" },
		{ STEP("http: { endpoint: flag, path: '/' }"), "'flag' is no source of the environment 'prod'; did you mean 'flags'?" },
		{ STEP("registry: { model: spam, alias: a, version: 1 }"), "'spam' is no model" },
		{ STEP("registry: { source: metrics, model: spam-filter, alias: a, version: 1 }"), "'metrics' is no source of type mlflow" },
		{ STEP("notify: { text: x, contact: nobody }"), "'nobody' is no contact" },
		{ STEP("exec: { run: [helm] }"), "exec: helm may not be run here: exec: of the environment 'prod' does not name it" },
		{ STEP("action: drian"), "'drian' is no action of the environment 'prod'; did you mean 'drain'?" },
		{ STEP("action: { name: drain }"), "ops.yaml:20:33: 'pool' (a variable of run) is given by no with:" },
		{ STEP("action: { name: broken, with: { pool: x } }"), "ops.yaml:26:33: 'pol' (a variable of run) is given by no with: of the step that calls it; did you mean 'pool'?" },
		{ STEP("action: { name: drain, with: { pool: '${s}' } }"), "${pool} is a secret" },
		{ STEP("scope: run, action: { name: drain, with: { pool: x } }"), "${host} stands only in what is done for each host" },
		{ COND("{ promql: up, source: alerts, expect: 1 }"), "'alerts' is no source of type prometheus" },
		{ COND("{ log: 'a', source: metrics, expect: 1 }"), "'metrics' is no store of lines of the environment 'prod'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++)
		assert_tells(&mistakes[i], true);
}

/* Noted, and no reason not to run it. */
static void
unused_parameters_are_noted(void **state)
{
	static const char text[] = HEAD "params:\n  m: { type: model, default: spam-filter }\n  to: { type: model-version, default: previous }\n  p: string\n  q: string\n"
	    "steps:\n  - { name: a, notify: '${p} ${to}' }\n";
	struct conf_problems problems = { 0 };
	struct runbook *rb = NULL;

	(void)state;
	assert_int_equal(runbook_read("r.yaml", text, strlen(text), NULL, NULL, &rb, &problems, NULL), 0);
	assert_non_null(rb);
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.v[0], "r.yaml:9:3: the parameter 'q' is used nowhere: put ${q} where it is meant, or take it out");
	conf_problems_done(&problems);
	runbook_free(rb);
}

static void
several_mistakes_are_told_at_once(void **state)
{
	static const char text[] = HEAD "danger: hgh\nparams: { p: { type: x } }\nsteps:\n  - { name: a, notify: '${q}' }\n  - { nam: b, notify: x }\n";
	struct conf_problems problems = { 0 };
	struct runbook *rb = NULL;

	(void)state;
	assert_int_equal(runbook_read("r.yaml", text, strlen(text), NULL, NULL, &rb, &problems, NULL), 0);
	assert_null(rb);
	assert_int_equal(problems.n, 5);
	/* Read again into the same list: nothing new to say, and still no runbook. */
	assert_int_equal(runbook_read("r.yaml", text, strlen(text), NULL, NULL, &rb, &problems, NULL), 0);
	assert_null(rb);
	assert_int_equal(problems.n, 5);
	conf_problems_done(&problems);
}

/* --- values of parameters ------------------------------------------------------------------------------------------- */

static void
values_are_checked(void **state)
{
	static char *choices[] = { "red", "blue", NULL };
	static const struct {
		enum param_type type;
		const char *pattern, *text, *says;	/* NULL: it is good */
	} cases[] = {
		{ PARAM_STRING, NULL, "a b; $(reboot)", NULL },
		{ PARAM_STRING, NULL, "-rf", "begins with '-'" },
		{ PARAM_STRING, NULL, "a\nb", "control character" },
		{ PARAM_STRING, NULL, "\xff", "not UTF-8" },
		{ PARAM_STRING, "-?[a-z]+", "-rf", NULL },
		{ PARAM_STRING, "[a-z]+", "ab1", "'ab1' does not fit its pattern [a-z]+" },
		{ PARAM_INT, NULL, "-5", NULL },
		{ PARAM_INT, NULL, "5x", "no whole number" },
		{ PARAM_INT, NULL, "", "no whole number" },
		{ PARAM_INT, NULL, "99999999999999999999", "no whole number" },
		{ PARAM_INT, NULL, "101", "101 is not between -100 and 100" },
		{ PARAM_ENUM, NULL, "red", NULL },
		{ PARAM_ENUM, NULL, "green", "'green' is not one of red or blue" },
		{ PARAM_HOST, NULL, "web-01.example.org", NULL },
		{ PARAM_HOST, NULL, "-oProxyCommand=x", "no name of a host" },
		{ PARAM_HOST, NULL, "web 01", "no name of a host" },
		{ PARAM_MODEL, NULL, "spam-filter", NULL },
		{ PARAM_MODEL, NULL, "", "is empty" },
		{ PARAM_MODEL_VERSION, NULL, "previous", NULL },
		{ PARAM_MODEL_VERSION, NULL, "-1", "begins with '-'" },
		{ PARAM_DURATION, NULL, "1h30m", NULL },
		{ PARAM_DURATION, NULL, "90", "no duration" },
		{ PARAM_SECRET, NULL, "-any\x01thing", NULL },
		{ PARAM_SECRET, "[a-z]+", "hunter2", "p: does not fit its pattern" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct runbook_param p = { .name = "p", .type = cases[i].type, .choices = choices,
		    .pattern = (char *)cases[i].pattern };
		struct err err = ERR_INIT;
		char *value = NULL;
		int r;

		p.min = p.type == PARAM_DURATION ? 1 : -100;
		p.max = p.type == PARAM_DURATION ? INT64_MAX : 100;
		r = runbook_param_value(&p, cases[i].text, &value, &err);
		if (cases[i].says == NULL) {
			if (r < 0)
				fail_msg("%s", err.msg);
			assert_string_equal(value, cases[i].text);
		} else if (r != ERR_INVALID || strstr(err.msg, cases[i].says) == NULL) {
			fail_msg("'%s': %d %s", cases[i].text, r, err.msg);
		}
		free(value);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_is_read),
		cmocka_unit_test(conditions_have_words),
		cmocka_unit_test(steps_are_sorted_by_scope),
		cmocka_unit_test(actions_become_what_the_environment_has),
		cmocka_unit_test(bodies_keep_their_types),
		cmocka_unit_test(every_kind_of_step_is_read),
		cmocka_unit_test(mistakes_are_told_with_their_place),
		cmocka_unit_test(names_are_looked_up_in_the_environment),
		cmocka_unit_test(unused_parameters_are_noted),
		cmocka_unit_test(several_mistakes_are_told_at_once),
		cmocka_unit_test(values_are_checked),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
