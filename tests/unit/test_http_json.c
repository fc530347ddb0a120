/* Registries of any shape: paths, what may stand where, wrong shapes and their sentences, links and pages. */
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
#include "base/jpath.h"
#include "base/str.h"
#include "fakes/chain_driver.h"
#include "model/registry.h"
#include "source/http_json.h"

#define T(text) ((char *)(uintptr_t)(text))

/* --- paths ------------------------------------------------------------------------------------------------------------------- */

static void
test_paths(void **state)
{
	static const struct {
		const char *path, *found;	/* NULL: nothing there */
	} cases[] = {
		{ "a", "1" }, { "b.c", "2" }, { "b['d.e']", "3" }, { "b[\"d.e\"]", "3" }, { "l[0]", "4" }, { "l[1].x", "5" }, { "['a']", "1" },
		{ "l[2][1]", "7" }, { "l[9]", NULL }, { "a.b", NULL }, { "b[0]", NULL }, { "x.y.z", NULL }, { "b", NULL }, { "l", NULL }, { "t", "true" }, { "n", NULL },
		{ "big", "123456789012345678901234567890.10" },
	};
	static const char body[] = "{\"a\": 1, \"b\": {\"c\": \"2\", \"d.e\": \"3\"}, \"l\": [4, {\"x\": 5}, [6, 7]], \"t\": true, \"n\": null, "
	    "\"big\": 123456789012345678901234567890.10}";
	json_t *json = json_texts(body, strlen(body), "it", NULL);
	struct arena a = ARENA_INIT;
	struct jpath path;

	(void)state;
	assert_non_null(json);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *found;

		assert_int_equal(jpath_parse(cases[i].path, &path, NULL), 0);
		found = json_word(&a, json_walk(json, &path));
		if (!str_eq(found, cases[i].found))
			fail_msg("%s leads to %s", cases[i].path, found == NULL ? "nothing" : found);
	}
	assert_int_equal(jpath_parse("", &path, NULL), 0);
	assert_ptr_equal(json_walk(json, &path), json);
	json_decref(json);
	arena_done(&a);
}

static void
test_paths_that_are_none(void **state)
{
	static const struct {
		const char *path, *says;
	} cases[] = {
		{ ".a", "breaks at column 1: a key is expected" }, { "a.", "breaks at column 3" }, { "a..b", "column 3" }, { "a[", "column 3: a number or a key in quotes" },
		{ "a[b]", "column 3" }, { "a[1", "column 4: ']' is expected" }, { "a['b", "column 3: the quote is not closed" }, { "a[1]b", "column 5: '.' or '['" },
		{ "a[99999999999]", "the index is too large" }, { "a]", "column 2" }, { "a[-1]", "column 3" }, { "a[*]", "column 3" },
		{ "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a", "more than 32 steps" },
	};
	struct jpath path;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = ERR_INIT;

		assert_true(jpath_parse(cases[i].path, &path, &err) < 0);
		if (strstr(err.msg, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].path, err.msg);
	}
}

static void
test_bodies_that_are_none(void **state)
{
	static const struct {
		const char *body, *says;
	} cases[] = {
		{ "", "the body is empty, not it" }, { " \n", "the body is empty" }, { "{", "not it: " }, { "{}x", "the body begins: {}x" }, { "[1,]", "not it" },
		{ "\"\xff\"", "the body begins: \"\\xFF\"" }, { "01", "not it" },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "not it" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = ERR_INIT;

		assert_null(json_texts(cases[i].body, strlen(cases[i].body), "it", &err));
		if (err.code == 0 || strstr(err.msg, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].body, err.msg);
	}
}

/* --- rounds ------------------------------------------------------------------------------------------------------------------ */

struct row {
	const char *path;	/* whole */
	long status;
	const char *body;
};
static const struct row *rows;
static struct conf_source conf;
static struct chain_round round_;

static void
serve(const struct chain_ask *ask, struct chain_reply *ret, void *arg)
{
	(void)arg;
	for (const struct row *r = rows; r->path != NULL; r++)
		if (strcmp(ask->request.path, r->path) == 0) {
			ret->status = r->status;
			ret->body = r->body;
			return;
		}
	ret->status = 404;
	ret->body = "{\"errors\": [{\"message\": \"no such thing\"}]}";
}

static const struct registry_set *
ask(const struct row *v)
{
	const struct registry_arg arg = { 0 };
	void *kept = NULL;

	chain_round_done(&round_);
	rows = v;
	chain_drive(&http_json_chain, &conf, &arg, &kept, serve, NULL, &round_);
	assert_null(kept);
	return round_.events.n == 0 ? NULL : round_.events.v[0].block;
}

static int
setup(void **state)
{
	(void)state;
	conf = (struct conf_source){ .name = T("s"), .url = T("http://a:1/pre/"), .registry = { .list = T("/l"), .items = T(""), .name = T("n"), .version = T("v"), .page_first = 1 } };
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	chain_round_done(&round_);
	return 0;
}

static const char *
only_note(const struct registry_set *s)
{
	if (s->notes.n != 1)
		fail_msg("%zu notes; the first: %s", s->notes.n, s->notes.n == 0 ? "" : s->notes.v[0]);
	return s->notes.v[0];
}

static void
test_the_least(void **state)
{
	static const struct row v[] = { { "/l", 200, "[{\"n\": \"b\", \"v\": 1.10}, {\"n\": \"a\", \"v\": \"x\"}, {\"n\": \"b\", \"v\": 9007199254740993}]" }, { 0 } };
	const struct registry_set *s = ask(v);

	(void)state;
	assert_int_equal(s->n, 2);
	assert_string_equal(s->v[0].name, "a");
	assert_string_equal(s->v[1].name, "b");
	assert_string_equal(s->v[1].versions[0].version, "9007199254740993");
	assert_string_equal(s->v[1].versions[1].version, "1.10");
	assert_false(s->v[1].versions[1].is_run_known);
	assert_int_equal(s->notes.n, 0);
	assert_int_equal(round_.n_requests, 1);
}

/* Each way in which aliases, tags and metrics are written. */
static void
test_ways_to_write_it(void **state)
{
	static const struct row v[] = { { "/l", 200,
	    "[{\"n\": \"m\", \"al\": {\"champion\": 2, \"next\": {\"version\": \"3\"}, \"odd\": null}, \"vs\": ["
	    "{\"v\": 1, \"a\": \"one\", \"t\": {\"k\": \"x\", \"d\": {\"value\": 5}, \"l\": []}, \"m\": {\"auc\": 0.5, \"who\": \"ann\"}, \"st\": \"None\"},"
	    "{\"v\": 2, \"a\": [\"two\", \"zwei\"], \"t\": [{\"key\": \"k\", \"value\": \"y\"}, {\"key\": \"k\", \"value\": \"z\"}, {\"value\": 1}], "
	    "\"m\": [{\"key\": \"auc\", \"value\": 0.7}]},"
	    "{\"v\": 3, \"a\": [{\"name\": \"three\"}, {\"alias\": \"drei\"}, 7], \"t\": [\"prod\", \"ok\"], \"m\": {\"auc\": \"NaN\"}},"
	    "{\"v\": 4, \"a\": null, \"t\": null, \"m\": null}]}]" }, { 0 } };
	const struct registry_set *s;
	const struct reg_model *m;

	(void)state;
	conf.registry.versions = T("vs");
	conf.registry.model_aliases = T("al");
	conf.registry.aliases = T("a");
	conf.registry.tags = T("t");
	conf.registry.metrics = T("m");
	conf.registry.stage = T("st");
	s = ask(v);
	m = &s->v[0];
	assert_int_equal(s->notes.n, 0);
	assert_int_equal(m->n_versions, 4);
	assert_string_equal(reg_version_wanted(m, "champion", NULL), "2");
	assert_string_equal(reg_version_wanted(m, "next", NULL), "3");
	assert_string_equal(reg_version_wanted(m, "one", NULL), "1");
	assert_string_equal(reg_version_wanted(m, "zwei", NULL), "2");
	assert_string_equal(reg_version_wanted(m, "three", NULL), "3");
	assert_string_equal(reg_version_wanted(m, "drei", NULL), "3");
	assert_string_equal(reg_version_wanted(m, "7", NULL), "3");
	assert_int_equal(m->n_aliases, 8);
	assert_int_equal(m->versions[3].tags.n, 2);
	assert_string_equal(labels_get(&m->versions[3].tags, "d"), "5");
	assert_string_equal(m->versions[3].stage, "");
	assert_int_equal(m->versions[3].n_metrics, 1);	/* "ann" is no number */
	assert_int_equal(m->versions[2].tags.n, 1);
	assert_string_equal(labels_get(&m->versions[2].tags, "k"), "z");
	assert_true(m->versions[2].metrics[0].value == 0.7);
	assert_string_equal(labels_get(&m->versions[1].tags, "prod"), "");
	assert_true(m->versions[1].metrics[0].value != m->versions[1].metrics[0].value);
	assert_int_equal(m->versions[0].tags.n, 0);
}

static void
test_named_parts(void **state)
{
	static const struct row v[] = { { "/l", 200, "[{\"n\": \"m\", \"v\": 1, \"a\": [{\"who\": {\"is\": \"x\"}}], \"t\": [{\"k\": \"a\", \"of\": {\"v\": \"b\"}}]}]" }, { 0 } };
	const struct registry_set *s;

	(void)state;
	conf.registry.aliases = T("a");
	conf.registry.alias_name = T("who.is");
	conf.registry.tags = T("t");
	conf.registry.pair_key = T("k");
	conf.registry.pair_value = T("of.v");
	s = ask(v);
	assert_string_equal(reg_version_wanted(&s->v[0], "x", NULL), "1");
	assert_string_equal(labels_get(&s->v[0].versions[0].tags, "a"), "b");
}

/* --- order -------------------------------------------------------------------------------------------------------------------- */

static void
test_names_without_order(void **state)
{
	static const struct row v[] = { { "/l", 200, "[{\"n\": \"m\", \"v\": \"f00\", \"c\": \"2026-08-01\"}, {\"n\": \"m\", \"v\": \"abc\", \"c\": 1785628800}, "
	    "{\"n\": \"m\", \"v\": \"zzz\", \"c\": \"2026-07-01T10:00:00+02:00\"}]" }, { 0 } };
	const struct registry_set *s;

	(void)state;
	conf.registry.created = T("c");
	s = ask(v);
	assert_string_equal(s->v[0].versions[0].version, "abc");
	assert_string_equal(s->v[0].versions[1].version, "f00");
	assert_string_equal(s->v[0].versions[2].version, "zzz");
}

/* Numbers tell the order themselves: a version may be built again. */
static void
test_numbers_before_times(void **state)
{
	static const struct row v[] = { { "/l", 200, "[{\"n\": \"m\", \"v\": \"v9\", \"c\": \"2026-08-02\"}, {\"n\": \"m\", \"v\": \"v10\", \"c\": \"2026-08-01\"}]" }, { 0 } };

	(void)state;
	conf.registry.created = T("c");
	assert_string_equal(ask(v)->v[0].versions[0].version, "v10");
}

/* --- wrong shapes ------------------------------------------------------------------------------------------------------------- */

static void
test_wrong_answers(void **state)
{
	static const struct {
		const char *body, *says;
	} cases[] = {
		{ "{\"data\": []}", "items: '' is an object; a list is expected (it has: data)" },
		{ "[{\"n\": {\"x\": 1}, \"v\": 1}]", "name: 'n' is an object; a text is expected (it has: n, v)" },
		{ "[{\"name\": \"m\", \"v\": 1}]", "name: 'n' is nothing; a text is expected (it has: name, v)" },
		{ "[{\"n\": \"m\", \"version\": 1}]", "version: 'v' is nothing; a text or number is expected (it has: n, version)" },
		{ "[{\"n\": \"m\", \"v\": null}]", "version: 'v' is null" },
		{ "[{\"n\": \"\", \"v\": 1}]", "name: 'n' is a text or number; a text is expected" },
		{ "[3]", "name: 'n' is nothing" },
		{ "\"hi\"", "items: '' is a text or number; a list is expected" },
		{ "hi", "not a JSON answer" },
		{ "<html>", "an HTML page, not" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct row v[] = { { "/l", 200, cases[i].body }, { 0 } };

		assert_null(ask(v));
		if (strstr(round_.err.msg, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].body, round_.err.msg);
	}
}

static void
test_parts_that_are_wrong_are_notes(void **state)
{
	static const struct row one[] = { { "/l", 200, "[{\"n\": \"m\", \"v\": 1}, {\"n\": \"m\"}, {\"n\": \"m\"}]" }, { 0 } };
	static const struct row tags[] = { { "/l", 200, "[{\"n\": \"m\", \"v\": 1, \"t\": \"x\"}, {\"n\": \"m\", \"v\": 2, \"t\": \"x\"}]" }, { 0 } };
	static const struct row when[] = { { "/l", 200, "[{\"n\": \"m\", \"v\": 1, \"t\": \"soon\\u001b\"}]" }, { 0 } };
	static const struct row inner[] = { { "/l", 200, "[{\"n\": \"m\", \"vs\": [{\"v\": 1}, {}]}, {\"n\": \"o\", \"vs\": null}]" }, { 0 } };
	static const struct row list[] = { { "/l", 200, "[{\"n\": \"m\", \"vs\": {\"1\": {}}}]" }, { 0 } };
	const struct registry_set *s = ask(one);

	(void)state;
	assert_int_equal(s->v[0].n_versions, 1);
	assert_string_equal(only_note(s), "2 items of page 1 left out: version: 'v' is nothing; a text or number is expected (it has: n)");
	conf.registry.tags = T("t");
	assert_string_equal(only_note(ask(tags)), "tags: 't' is a text or number; an object or a list is expected");
	conf.registry.tags = NULL;
	conf.registry.created = T("t");
	assert_string_equal(only_note(ask(when)), "created: 'soon\\x1B' is not a time");
	conf.registry.versions = T("vs");
	s = ask(inner);
	assert_int_equal(s->n, 2);
	assert_string_equal(only_note(s), "1 version of m left out: version: 'v' is nothing; a text or number is expected");
	assert_string_equal(only_note(ask(list)), "versions: 'vs' is an object; a list is expected");
}

static void
test_a_config_that_cannot_be_read(void **state)
{
	static const struct row v[] = { { 0 } };

	(void)state;
	conf.registry.tags = T("a..b");
	assert_null(ask(v));
	assert_true(str_has_prefix(round_.err.msg, "registry: tags: the path 'a..b' breaks at column 3"));
	assert_int_equal(round_.n_requests, 0);
	conf.registry.tags = NULL;
	conf.registry.version = NULL;
	assert_null(ask(v));
	assert_non_null(strstr(round_.err.msg, "list, items, name and version are needed"));
}

/* --- links and pages ---------------------------------------------------------------------------------------------------------- */

static void
test_links(void **state)
{
	static const struct {
		const char *link, *path;	/* NULL: refused */
	} cases[] = {
		{ "/pre/l?page=2", "/l?page=2" }, { "http://a:1/pre/l?page=2", "/l?page=2" }, { "https://inner.example/pre/x", "/x" }, { "?page=2", "/l?page=2" },
		{ "/pre?page=2", "?page=2" }, { "/pre/l?page=2#top", "/l?page=2" }, { "http://a?page=2", "/l?page=2" },
		{ "/other/l", NULL }, { "/prefix/l", NULL }, { "//evil/pre/l", NULL }, { "l?page=2", NULL }, { "ftp://a/pre/l", NULL }, { "", NULL }, { "#x", NULL },
		{ "/pre/l\r\nHost: x", NULL }, { "/pre/l x", NULL }, { "/pre/\xc3\xa9", NULL }, { "/pre/../etc", NULL }, { "/pre/..", NULL }, { "/pre/l?a=/..", "/l?a=/.." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *path = NULL;
		struct err err = ERR_INIT;
		int r = shape_link("http://a:1/pre/", "/l?page=1", cases[i].link, &path, &err);

		if (!str_eq(path, cases[i].path) || (r < 0) != (err.code < 0) || (path == NULL) != (r < 0))
			fail_msg("'%s' gives %s (%s)", cases[i].link, path == NULL ? "nothing" : path, err.msg);
		free(path);
	}
}

static void
test_pages_by_link(void **state)
{
	static const struct row good[] = {
		{ "/l", 200, "{\"i\": [{\"n\": \"a\", \"v\": 1}], \"next\": \"/pre/l?p=2\"}" }, { "/l?p=2", 200, "{\"i\": [{\"n\": \"a\", \"v\": 2}], \"next\": null}" }, { 0 },
	};
	static const struct row back[] = {
		{ "/l", 200, "{\"i\": [{\"n\": \"a\", \"v\": 1}], \"next\": \"/pre/l?p=2\"}" }, { "/l?p=2", 200, "{\"i\": [{\"n\": \"a\", \"v\": 2}], \"next\": \"/pre/l\"}" }, { 0 },
	};
	static const struct row away[] = { { "/l", 200, "{\"i\": [{\"n\": \"a\", \"v\": 1}], \"next\": \"/elsewhere\"}" }, { 0 } };
	static const struct row lost[] = { { "/l", 200, "{\"i\": [{\"n\": \"a\", \"v\": 1}], \"next\": \"/pre/l?p=2\"}" }, { 0 } };

	(void)state;
	conf.registry.items = T("i");
	conf.registry.page_next = T("next");
	assert_int_equal(ask(good)->v[0].n_versions, 2);
	assert_int_equal(ask(good)->notes.n, 0);
	assert_string_equal(only_note(ask(back)), "page 2 leads back to page 1: the rest is not known");
	assert_string_equal(only_note(ask(away)), "page 1: the link to the next page ('/elsewhere') leads out of the source's url; the rest is not known");
	assert_true(str_has_prefix(only_note(ask(lost)), "page 2 cannot be read, the rest is not known: the registry has nothing at this path (HTTP 404): no such thing"));
}

static void
test_pages_by_number(void **state)
{
	static const struct row good[] = { { "/l?p=0&o=0", 200, "[{\"n\": \"a\", \"v\": 1}, {\"n\": \"a\", \"v\": 2}]" }, { "/l?p=1&o=2", 200, "[{\"n\": \"b\", \"v\": 1}]" },
		{ "/l?p=2&o=3", 200, "[]" }, { 0 } };
	static const struct row same[] = { { "/l?p=0&o=0", 200, "[{\"n\": \"a\", \"v\": 1}]" }, { "/l?p=1&o=1", 200, "[{\"n\": \"a\", \"v\": 1}]" }, { 0 } };

	(void)state;
	conf.registry.list = T("/l?p={page}&o={offset}");
	conf.registry.page_first = 0;
	assert_int_equal(ask(good)->n, 2);
	assert_int_equal(round_.n_requests, 3);
	conf.registry.page_size = 2;
	assert_int_equal(ask(good)->n, 2);
	assert_int_equal(round_.n_requests, 2);
	conf.registry.page_size = 0;
	assert_string_equal(only_note(ask(same)), "page 2 repeats the pages before: the rest is not known");
}

static void
test_pages_by_token(void **state)
{
	static const struct row inside[] = { { "/l?t=", 200, "{\"i\": [{\"n\": \"a\", \"v\": 1}], \"t\": \"x&y\"}" },
		{ "/l?t=x%26y", 200, "{\"i\": [{\"n\": \"a\", \"v\": 2}], \"t\": \"\"}" }, { 0 } };
	static const struct row param[] = { { "/l", 200, "{\"i\": [{\"n\": \"a\", \"v\": 1}], \"t\": 7}" }, { "/l?c=7", 200, "{\"i\": [{\"n\": \"a\", \"v\": 2}]}" }, { 0 } };

	(void)state;
	conf.registry.items = T("i");
	conf.registry.page_token = T("t");
	conf.registry.list = T("/l?t={token}");
	assert_int_equal(ask(inside)->v[0].n_versions, 2);
	conf.registry.list = T("/l");
	conf.registry.page_param = T("c");
	assert_int_equal(ask(param)->v[0].n_versions, 2);
	assert_int_equal(ask(param)->notes.n, 0);
}

static void
endless(const struct chain_ask *ask_, struct chain_reply *ret, void *arg)
{
	static char body[128];
	unsigned *n = arg;

	(void)ask_;
	snprintf(body, sizeof body, "[{\"n\": \"m\", \"v\": %u}]", ++*n);
	ret->body = body;
}

static void
test_pages_without_end(void **state)
{
	const struct registry_arg arg = { 0 };
	void *kept = NULL;
	unsigned n = 0;

	(void)state;
	conf.registry.list = T("/l?p={page}");
	chain_drive(&http_json_chain, &conf, &arg, &kept, endless, &n, &round_);
	assert_int_equal(n, 200);
	assert_string_equal(only_note(round_.events.v[0].block), "the list goes on behind page 200: the rest is not known");
}

static void
test_versions_apart(void **state)
{
	static const struct row v[] = {
		{ "/l", 200, "[{\"n\": \"a/b\"}, {\"n\": \"c\"}, {\"n\": \"d\"}]" }, { "/m/a%2Fb/v", 200, "{\"vs\": [{\"v\": 1}]}" }, { "/m/c/v", 403, "Forbidden" },
		{ "/m/d/v", 200, "{\"builds\": []}" }, { 0 },
	};
	static const struct row down[] = { { "/l", 200, "[{\"n\": \"a\"}]" }, { "/m/a/v", 502, "" }, { 0 } };
	const struct registry_set *s;

	(void)state;
	conf.registry.versions_list = T("/m/{model}/v");
	conf.registry.versions = T("vs");
	s = ask(v);
	assert_int_equal(s->n, 3);
	assert_int_equal(s->v[0].n_versions, 1);
	assert_int_equal(s->notes.n, 2);
	assert_true(str_has_prefix(s->notes.v[0], "the versions of c cannot be read: the registry forbids this request (HTTP 403)"));
	assert_string_equal(s->notes.v[1], "the versions of d cannot be read: versions: 'vs' is nothing; a list is expected (it has: builds)");
	assert_false(s->v[0].is_unread);
	assert_true(s->v[1].is_unread && s->v[2].is_unread);
	assert_null(ask(down));
	assert_non_null(strstr(round_.err.msg, "HTTP 502"));
}

/* A page of versions may lead on as a page of models does. Where the rest cannot be read the newest is not known. */
static void
test_pages_of_versions(void **state)
{
	static const struct row good[] = {
		{ "/l", 200, "{\"i\": [{\"n\": \"a\"}]}" }, { "/m/a/v", 200, "{\"vs\": [{\"v\": 1}, {\"v\": 2}], \"next\": \"/pre/m/a/v?p=2\"}" },
		{ "/m/a/v?p=2", 200, "{\"vs\": [{\"v\": 3}], \"next\": \"\"}" }, { 0 },
	};
	static const struct row lost[] = {
		{ "/l", 200, "{\"i\": [{\"n\": \"a\"}]}" }, { "/m/a/v", 200, "{\"vs\": [{\"v\": 1}, {\"v\": 2}], \"next\": \"/pre/m/a/v?p=2\"}" }, { 0 },
	};
	static const struct row same[] = {
		{ "/l", 200, "{\"i\": [{\"n\": \"a\"}]}" }, { "/m/a/v", 200, "{\"vs\": [{\"v\": 1}, {\"v\": 2}], \"next\": \"/pre/m/a/v?p=2\"}" },
		{ "/m/a/v?p=2", 200, "{\"vs\": [{\"v\": 1}, {\"v\": 2}], \"next\": \"/pre/m/a/v?p=3\"}" }, { 0 },
	};
	static const struct row full[] = { { "/l", 200, "{\"i\": [{\"n\": \"a\"}]}" }, { "/m/a/v", 200, "{\"vs\": [{\"v\": 1}, {\"v\": 2}]}" }, { 0 } };
	const struct registry_set *s;

	(void)state;
	conf.registry.items = T("i");
	conf.registry.versions = T("vs");
	conf.registry.versions_list = T("/m/{model}/v");
	conf.registry.page_next = T("next");
	s = ask(good);
	assert_int_equal(s->v[0].n_versions, 3);
	assert_false(s->v[0].is_unread);
	assert_int_equal(s->notes.n, 0);
	s = ask(lost);
	assert_int_equal(s->v[0].n_versions, 2);
	assert_true(s->v[0].is_unread);
	assert_true(str_has_prefix(only_note(s), "the versions of a cannot be read: "));
	s = ask(same);
	assert_true(s->v[0].is_unread);
	assert_string_equal(only_note(s), "versions of a: page 2 repeats the pages before: the rest is not known");
	conf.registry.page_size = 2;
	s = ask(full);
	assert_true(s->v[0].is_unread);
	assert_string_equal(only_note(s), "versions of a: there are as many as fit on a page: there may be more");
}

/* A server that fails at the versions of some models is there for the others; one that is not there is not. */
static void
test_one_model_that_breaks_the_server(void **state)
{
	static const struct row one[] = {
		{ "/l", 200, "[{\"n\": \"a\"}, {\"n\": \"b\"}, {\"n\": \"c\"}]" }, { "/m/a/v", 500, "oops" }, { "/m/b/v", 200, "[{\"v\": 1}]" }, { "/m/c/v", 503, "" }, { 0 },
	};
	static const struct row all[] = { { "/l", 200, "[{\"n\": \"a\"}, {\"n\": \"b\"}]" }, { "/m/a/v", 500, "oops" }, { "/m/b/v", 500, "oops" }, { 0 } };
	static const struct row gone[] = { { "/l", 200, "[{\"n\": \"a\"}, {\"n\": \"b\"}]" }, { "/m/a/v", 200, "[]" }, { "/m/b/v", 0, "refused" }, { 0 } };
	const struct registry_set *s;

	(void)state;
	conf.registry.versions_list = T("/m/{model}/v");
	s = ask(one);
	assert_int_equal(s->n, 3);
	assert_true(s->v[0].is_unread && s->v[2].is_unread);
	assert_false(s->v[1].is_unread);
	assert_int_equal(s->v[1].n_versions, 1);
	assert_int_equal(s->notes.n, 2);
	assert_true(str_has_prefix(s->notes.v[0], "the versions of a cannot be read: "));
	assert_null(ask(all));
	assert_non_null(strstr(round_.err.msg, "HTTP 500"));
	assert_null(ask(gone));
	assert_string_equal(round_.err.msg, "refused");
}

static void
test_limits(void **state)
{
	struct buf b;
	const struct registry_set *s;
	struct row v[] = { { "/l", 200, NULL }, { 0 } };

	(void)state;
	buf_init(&b, 8 << 20);
	buf_addstr(&b, "[{\"n\": \"m\", \"v\": 1, \"a\": \"oldest\"}");
	for (int i = 2; i <= 10000; i++)
		buf_printf(&b, ", {\"n\": \"m\", \"v\": %d}", i);
	for (int i = 0; i < 1500; i++)
		buf_printf(&b, ", {\"n\": \"x%d\", \"v\": 1}", i);
	buf_addstr(&b, "]");
	v[0].body = b.data;
	conf.registry.aliases = T("a");
	s = ask(v);
	assert_int_equal(s->n, REGISTRY_MODELS_MAX);
	assert_int_equal(s->n_left_out, 501);
	assert_int_equal(s->v[0].n_versions, REGISTRY_VERSIONS_MAX + 1);	/* an alias keeps the oldest */
	assert_int_equal(s->v[0].n_left_out, 10000 - REGISTRY_VERSIONS_MAX - 1);
	assert_string_equal(s->v[0].versions[0].version, "10000");
	assert_string_equal(s->v[0].versions[REGISTRY_VERSIONS_MAX].version, "1");
	buf_done(&b);
}

/* The model that matters may be the last of the list; versions that stand alone tell of the same model often. */
static void
test_a_named_model_behind_the_limit(void **state)
{
	static const struct model_def named = { .id = "model:zz", .registry = "s", .name = "zz" };
	const struct registry_arg arg = { .models = &named, .n_models = 1 };
	struct row v[] = { { "/l", 200, NULL }, { 0 } };
	const struct registry_set *s;
	void *kept = NULL;
	struct buf b;

	(void)state;
	buf_init(&b, 8 << 20);
	buf_addstr(&b, "[{\"n\": \"a\", \"v\": 1}");
	for (int i = 0; i < 1004; i++)
		buf_printf(&b, ", {\"n\": \"m%04d\", \"v\": 1}, {\"n\": \"m%04d\", \"v\": 2}", i, i);
	buf_addstr(&b, ", {\"n\": \"zz\", \"v\": 1}, {\"n\": \"zz\", \"v\": 2}]");
	v[0].body = b.data;
	rows = v;
	chain_drive(&http_json_chain, &conf, &arg, &kept, serve, NULL, &round_);
	s = round_.events.v[0].block;
	assert_int_equal(s->n, REGISTRY_MODELS_MAX + 1);
	assert_int_equal(reg_model_find(s, "zz")->n_versions, 2);
	assert_int_equal(s->n_left_out, 5);
	assert_string_equal(only_note(s), "5 more models are not kept");
	buf_done(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_paths_that_are_none),
		cmocka_unit_test(test_bodies_that_are_none),
		TEST(test_the_least),
		TEST(test_ways_to_write_it),
		TEST(test_named_parts),
		TEST(test_names_without_order),
		TEST(test_numbers_before_times),
		TEST(test_wrong_answers),
		TEST(test_parts_that_are_wrong_are_notes),
		TEST(test_a_config_that_cannot_be_read),
		cmocka_unit_test(test_links),
		TEST(test_pages_by_link),
		TEST(test_pages_by_number),
		TEST(test_pages_by_token),
		TEST(test_pages_without_end),
		TEST(test_versions_apart),
		TEST(test_pages_of_versions),
		TEST(test_one_model_that_breaks_the_server),
		TEST(test_limits),
		TEST(test_a_named_model_behind_the_limit),
	};

	return cmocka_run_group_tests_name("http-json", tests, NULL, NULL);
}
