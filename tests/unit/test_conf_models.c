/* Models and registries in the config: what they become, and the sentences when they are wrong. */
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
#include "model/registry.h"

#define TOP "apiVersion: opsconsole/v1\nkind: Config\nenvironments:\n- name: e\n  sources:\n"
#define PROMETHEUS "  - { name: p, type: prometheus, url: 'http://h' }\n"
#define MLFLOW "  - { name: ml, type: mlflow, url: 'http://m' }\n"
#define GROUPS "  hosts: [{ name: serving, hosts: ['s-[1-2]'] }]\n"
/* The first model stands at line 10. */
#define MODELS TOP PROMETHEUS MLFLOW GROUPS "  models:\n"
#define N(v) (sizeof(v) / sizeof(v)[0])

static struct conf *conf;
static struct conf_problems problems;
static struct environment *env;

static int
teardown(void **state)
{
	(void)state;
	conf_free(conf);
	conf_problems_done(&problems);
	block_unref(env);
	conf = NULL;
	env = NULL;
	return 0;
}

static void
parse(const char *text)
{
	struct err err = ERR_INIT;

	teardown(NULL);
	if (conf_parse("/etc/c.yaml", text, strlen(text), &conf, &problems, &err) < 0)
		fail_msg("%s\n%s", err.msg, text);
	env = conf_environment_block(&conf->environments[0]);
}

static void
parse_good(const char *text)
{
	parse(text);
	if (problems.n > 0)
		fail_msg("%s\n%s", problems.v[0], text);
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

/* --- models ---------------------------------------------------------------------------------- */

static void
least(void **state)
{
	const struct model_def *d;

	(void)state;
	parse_good(MODELS "  - { name: spam, alias: champion, serving: { expr: served == 1 } }\n");
	assert_int_equal(env->n_models, 1);
	d = &env->models[0];
	assert_string_equal(d->id, "model:spam");
	assert_string_equal(d->name, "spam");
	assert_string_equal(d->title, "spam");
	assert_string_equal(d->registry, "ml");
	assert_string_equal(d->alias, "champion");
	assert_null(d->stage);
	assert_string_equal(d->serving_expr, "served == 1");
	assert_string_equal(d->serving_source, "p");
	assert_string_equal(d->version_label, "version");
	assert_string_equal(d->host_label, "instance");
	assert_null(d->serving_url);
	assert_string_equal(d->serving_path, "");
	assert_null(d->group);
	assert_int_equal(d->max_age_ns, 0);
	assert_int_equal(d->max_data_age_ns, 0);
	assert_null(d->data_key);
	assert_int_equal(d->n_online, 0);
}

static void
most(void **state)
{
	const struct model_def *d;

	(void)state;
	parse_good(MODELS
	    "  - name: 'team/spam filter \xc3\xbc'\n    title: Spam filter\n    registry: ml\n    stage: Production\n    group: serving\n"
	    "    serving: { url: 'https://{host}:8501/v1/models/spam?x={host}', path: 'model_version_status[0].version' }\n"
	    "    max_age: 14d\n    data: training_data_until\n    max_data_age: 30d\n"
	    "    online:\n"
	    "    - { metric: auc, expr: 'auc_online' }\n"
	    "    - { metric: fpr, expr: 'fpr', label: v, source: p }\n");
	d = &env->models[0];
	assert_string_equal(d->id, "model:team/spam filter \xc3\xbc");
	assert_string_equal(d->title, "Spam filter");
	assert_string_equal(d->stage, "Production");
	assert_null(d->alias);
	assert_null(d->serving_expr);
	assert_null(d->serving_source);
	assert_null(d->version_label);
	assert_null(d->host_label);
	assert_string_equal(d->serving_url, "https://{host}:8501/v1/models/spam?x={host}");
	assert_string_equal(d->serving_path, "model_version_status[0].version");
	assert_string_equal(d->group, "serving");
	assert_int_equal(d->max_age_ns, 14 * 24 * NS_PER_HOUR);
	assert_int_equal(d->max_data_age_ns, 30 * 24 * NS_PER_HOUR);
	assert_string_equal(d->data_key, "training_data_until");
	assert_int_equal(d->n_online, 2);
	assert_string_equal(d->online[0].query, "online:team/spam filter \xc3\xbc:auc");
	assert_string_equal(d->online[0].label, "version");
	assert_string_equal(d->online[1].label, "v");
	/* cpu, memory, disk, load, and these. */
	assert_int_equal(env->n_queries, 6);
	assert_string_equal(env->queries[4].id, d->online[0].query);
	assert_string_equal(env->queries[4].title, "Spam filter / auc");
	assert_string_equal(env->queries[4].expr, "auc_online");
	assert_true(isnan(env->queries[4].objective));
	assert_string_equal(env->queries[5].source, "p");
}

#define M(rest) MODELS "  - { name: m, " rest " }\n"
#define ALIAS "alias: a, serving: { expr: x }"

static void
mistakes_of_models(void **state)
{
	static const struct {
		const char *text, *problems;
	} tests[] = {
		{ MODELS "  - { " ALIAS " }\n", "10:5: 'name' is missing" },
		{ M("alias: a"), "10:5: 'serving' is missing" },
		{ M("alias: a, serving: x"), "10:35: serving: a map of options is expected: serving: { expr: ... }" },
		{ M("serving: { expr: x }"), "10:5: what should serve: alias or stage is expected" },
		{ M("alias: a, stage: b, serving: { expr: x }"), "10:33: stage: cannot go with alias:; keep one" },
		{ M("alias: a, serving: {}"), "10:35: serving: expr or url is expected" },
		{ M("alias: a, serving: { expr: x, url: 'http://{host}' }"), "10:51: url: cannot go with expr:; keep one" },
		{ M("alias: a, serving: { expr: x, path: a }"), "10:52: path: does not go with expr:" },
		{ M("alias: a, group: serving, serving: { url: 'http://{host}', label: a }"), "10:82: label: does not go with url:" },
		{ M("alias: a, group: serving, serving: { url: 'http://h/x' }"),
		  "10:58: url: has no {host}: every host would be asked at the same place" },
		{ M("alias: a, group: serving, serving: { url: 'http://{host}/{port}' }"), "10:58: url: only {host} is filled in" },
		{ M("alias: a, group: serving, serving: { url: 'http://u:p@{host}/' }"),
		  "10:58: url: a user or password does not belong in a URL: use user: and password:" },
		{ M("alias: a, group: serving, serving: { url: 'file:///{host}' }"),
		  "10:58: url: must begin with http:// or https://" },
		{ M("alias: a, group: serving, serving: { url: 'http://{host}/?a b' }"),
		  "10:58: url: the query holds a character that must be written as %XX" },
		{ M("alias: a, serving: { url: 'http://{host}' }"), "10:42: url: needs group: beside serving:, the hosts to ask" },
		{ M("alias: a, group: serving, serving: { url: 'http://{host}', path: 'a..b' }"),
		  "10:81: path: the path 'a..b' breaks at column 3: a key is expected (one with dots or brackets stands in quotes: "
		  "['a.b'])" },
		{ M("registry: mll, " ALIAS), "10:26: registry: there is no source 'mll'; did you mean 'ml'?" },
		{ M("registry: p, " ALIAS), "10:26: registry: the source 'p' is of type prometheus, which is no registry" },
		{ M("alias: a, serving: { expr: x, source: pp }"), "10:5: serving: there is no source 'pp'; did you mean 'p'?" },
		{ M("alias: a, serving: { expr: x, source: ml }"),
		  "10:5: serving: the source 'ml' is of type mlflow, which answers no queries" },
		{ M("group: servin, " ALIAS), "10:23: group: there is no group of hosts 'servin'; did you mean 'serving'?" },
		{ M("group: nowhere, " ALIAS), "10:23: group: there is no group of hosts 'nowhere' in this environment" },
		{ M("max_data_age: 3d, " ALIAS),
		  "10:30: max_data_age: needs data:, the tag or param that says up to when the training data goes" },
		{ M("max_age: 14, " ALIAS), "10:25: max_age: '14' has no unit (such as 500ms, 30s, 15m, 1h30m)" },
		{ M("online: [{ metric: a }], " ALIAS), "10:25: 'expr' is missing" },
		{ M("online: [{ metric: a, expr: x, source: zzz }], " ALIAS),
		  "10:25: online: there is no source 'zzz' in this environment" },
		{ M("aliass: b, " ALIAS), "10:16: 'aliass' is not an option of a model; did you mean 'alias'?" },
		{ M("expr: b, " ALIAS), "10:16: 'expr' belongs inside 'serving:'" },
		{ MODELS "  - { name: m, " ALIAS " }\n  - { name: m, " ALIAS " }\n",
		  "11:5: the name 'm' is taken by a model at line 10" },
		{ TOP PROMETHEUS "  models: [{ name: m, " ALIAS " }]\n",
		  "7:12: model: the environment has no source of type mlflow or http-json to find it in" },
		{ TOP PROMETHEUS MLFLOW "  - { name: m2, type: mlflow, url: 'http://n' }\n  models: [{ name: m, " ALIAS " }]\n",
		  "9:12: registry: is needed: 2 sources are registries" },
		{ TOP PROMETHEUS "  - { name: ml, type: mlflow, url: h }\n  models: [{ name: m, registry: ml, " ALIAS " }]\n",
		  "7:36: url: must begin with http:// or https://\n8:33: registry: its source 'ml' has a mistake of its own" },
	};

	(void)state;
	for (size_t i = 0; i < N(tests); i++) {
		assert_problems(tests[i].text, tests[i].problems);
		/* A view costs no one the right to act. */
		assert_false(conf->is_policy_broken);
	}
}

/* What is left of one with a mistake can be relied on. */
static void
what_is_left(void **state)
{
	(void)state;
	parse(M("group: nowhere, " ALIAS));
	assert_int_equal(env->n_models, 1);
	assert_null(env->models[0].group);
	parse(M("group: nowhere, alias: a, serving: { url: 'http://{host}' }"));
	assert_int_equal(env->n_models, 0);
	parse(M("online: [{ metric: a, expr: x, source: zzz }, { metric: b, expr: y }], " ALIAS));
	assert_int_equal(env->models[0].n_online, 1);
	assert_string_equal(env->models[0].online[0].metric, "b");
	parse(M("alias: a, serving: { expr: x, path: b }"));
	assert_int_equal(env->n_models, 0);
	parse(M("registry: zz, " ALIAS));
	assert_int_equal(env->n_models, 0);
}

/* --- registries ------------------------------------------------------------------------------ */

static void
registry_nested(void **state)
{
	const struct conf_registry *r;

	(void)state;
	parse_good(TOP
	    "  - name: in-house\n    type: http-json\n    url: 'http://h/in-house/v1'\n    registry:\n"
	    "      list: '/catalog?page={page}&size=50'\n      items: catalog.models\n      name: id.name\n"
	    "      model: { description: about.text, created: about.since, tags: about.labels, aliases: live }\n"
	    "      versions: builds\n      version: no\n      stage: phase\n      created: made.at\n      by: made.by\n"
	    "      params: training.settings\n      metrics: \"training['scores']\"\n"
	    "      page: { first: 0, size: 50 }\n");
	assert_int_equal(conf->environments[0].sources[0].interval_ns, 30 * NS_PER_S);
	r = &conf->environments[0].sources[0].registry;
	assert_string_equal(r->list, "/catalog?page={page}&size=50");
	assert_string_equal(r->items, "catalog.models");
	assert_string_equal(r->model_description, "about.text");
	assert_null(r->model_updated);
	assert_string_equal(r->model_aliases, "live");
	assert_string_equal(r->metrics, "training['scores']");
	assert_null(r->aliases);
	assert_int_equal(r->page_first, 0);
	assert_int_equal(r->page_size, 50);
}

static void
registry_flat(void **state)
{
	const struct conf_registry *r;

	(void)state;
	parse_good(TOP
	    "  - name: hosted\n    type: http-json\n    url: 'http://h'\n    interval: 10s\n    bearer: { env: T }\n    registry:\n"
	    "      list: '/api/artifacts?first=50'\n      items: ''\n      name: collection.name\n      version: version\n"
	    "      aliases: aliases\n      alias_name: alias\n      pair_key: name\n      pair_value: value\n"
	    "      page: { token: pageInfo.endCursor, param: after }\n"
	    "  - name: links\n    type: http-json\n    url: 'http://h'\n    registry: { list: /a, items: v, name: n, version: v, "
	    "versions_list: '/m/{model}/v', page: { next: links.next } }\n"
	    "  - name: tokens\n    type: http-json\n    url: 'http://h'\n    registry: { list: '/a/{token}', items: v, name: n, "
	    "version: v, page: { token: t } }\n");
	assert_int_equal(conf->environments[0].n_sources, 3);
	assert_int_equal(conf->environments[0].sources[0].interval_ns, 10 * NS_PER_S);
	r = &conf->environments[0].sources[0].registry;
	assert_string_equal(r->items, "");
	assert_string_equal(r->page_token, "pageInfo.endCursor");
	assert_string_equal(r->page_param, "after");
	assert_int_equal(r->page_first, 1);
	assert_int_equal(r->page_size, 0);
	assert_null(r->page_next);
	assert_string_equal(conf->environments[0].sources[1].registry.versions_list, "/m/{model}/v");
}

/* Line 6, and what is read of it there. */
#define S(type, rest) TOP "  - { name: s, type: " type ", url: 'http://h'" rest " }\n" PROMETHEUS
#define R(rest) S("http-json", ", registry: { items: i, name: n, version: v, " rest " }")

static void
mistakes_of_registries(void **state)
{
	static const struct {
		const char *text, *problems;
	} tests[] = {
		{ S("http-jsn", ""), "6:22: type: 'http-jsn' is not known; did you mean 'http-json'?" },
		{ S("http-json", ""), "6:22: type: http-json needs registry:, which says how its answers are read" },
		{ S("mlflow", ", registry: { list: /a, items: i, name: n, version: v }"),
		  "6:57: registry: goes with type: http-json only; how mlflow answers is known" },
		{ S("http-json", ", registry: { list: /a, items: i, version: v }"), "6:60: 'name' is missing" },
		{ R("list: a"), "6:99: list: begins with / : it stands behind the url" },
		{ R("list: '/a?{pag}'"), "6:99: list: '{pag}' is filled in nowhere; {page}, {offset} or {token} is expected" },
		{ R("list: '/a b'"), "6:99: list: ' b' holds a character that must be written as %XX" },
		{ R("list: '/a?{page'"), "6:99: list: '{page' is filled in nowhere; {page}, {offset} or {token} is expected" },
		{ R("list: /a, versions_list: /b"), "6:118: versions_list: has no {model}: whose versions are meant?" },
		{ R("list: /a, versions_list: '/b/{model}?p={page}'"),
		  "6:118: versions_list: '{page}' is filled in nowhere; {model} is expected" },
		{ R("list: /a, model: { tags: t }"),
		  "6:110: model: needs versions: or versions_list:; without them each item is a version" },
		{ R("list: '/a?{page}', page: { next: n }"),
		  "6:126: one way to the next page is expected: next:, token:, or {page} or {offset} in list:" },
		{ R("list: '/a?{token}'"), "6:99: list: {token} needs page: { token: PATH }, where it comes from" },
		{ R("list: /a, page: { token: t }"),
		  "6:118: token: needs param: too, the query parameter that takes it, or {token} in list:" },
		{ R("list: /a, page: { param: t }"), "6:118: param: needs token: too" },
		{ R("list: '/a?{token}', page: { token: t, param: p }"), "6:138: param: cannot go with {token} in list:; keep one" },
		{ R("list: /a, page: { token: t, param: 'a&b' }"), "6:128: param: holds what no name of a query parameter has" },
		{ R("list: /a, page: { first: 2 }"), "6:118: first: goes with {page} in list:" },
		{ R("list: /a, page: { size: 2 }"), "6:117: size: goes with {page} or {offset} in list:" },
		{ R("list: /a, tags: 'a['"),
		  "6:109: tags: the path 'a[' breaks at column 3: a number or a key in quotes is expected behind '['" },
		{ R("list: /a, tag: t"), "6:103: 'tag' is not an option of registry; did you mean 'tags'?" },
	};

	(void)state;
	for (size_t i = 0; i < N(tests); i++) {
		assert_problems(tests[i].text, tests[i].problems);
		if (strstr(tests[i].problems, "'tag'") == NULL)
			assert_int_equal(conf->environments[0].n_sources, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(least, teardown),
		cmocka_unit_test_teardown(most, teardown),
		cmocka_unit_test_teardown(mistakes_of_models, teardown),
		cmocka_unit_test_teardown(what_is_left, teardown),
		cmocka_unit_test_teardown(registry_nested, teardown),
		cmocka_unit_test_teardown(registry_flat, teardown),
		cmocka_unit_test_teardown(mistakes_of_registries, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
