/*
 * The chain that reads a registry of any shape: pages of models (or of versions), and for each model a further
 * request where its versions are not in the list. What is in the answers the config declares.
 */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "source/chain.h"
#include "source/http_json.h"

enum { PAGES_MAX = 200, BUDGET = 1500, PATH_BYTES_MAX = 32 << 10 };

static const char expected[] = "a JSON answer";

enum job_kind { JOB_PAGE, JOB_VERSIONS };

struct http_json {
	struct draft draft;
	struct jobs jobs;
	const struct shape *shape;
	const char *source, *url;
	int64_t began_ns;
	json_t *pages;			/* paths that were asked -> number of the page */
	json_t *seen;			/* versions that stand alone */
	size_t n_later;
};

/* --- requests --------------------------------------------------------------------------------- */

struct filling {
	const char *name, *value;
};

/* text with each {name} filled in, encoded. */
static char *
fill(const char *text, const struct filling *v, size_t n)
{
	struct buf b;
	char *whole;
	size_t i;

	buf_init(&b, PATH_BYTES_MAX);
	while (*text != '\0') {
		for (i = 0; i < n && !str_has_prefix(text, v[i].name); i++)
			;
		if (i < n) {
			request_escape(&b, v[i].value);
			text += strlen(v[i].name);
		} else {
			buf_addch(&b, *text++);
		}
	}
	whole = xstrdup(b.data);
	buf_done(&b);
	return whole;
}

/* Of the list, or of the versions of a model. */
static const char *
request_of(const struct http_json *c, const struct job *job)
{
	return job->kind == JOB_PAGE ? c->shape->list : c->shape->versions_list;
}

/* The page of which job says the number, and how much there was before. */
static char *
page_path(const struct http_json *c, const struct job *job, const char *token)
{
	const char *model = job->kind == JOB_PAGE ? "" : c->draft.v[job->model].m.name;
	char page[32], offset[32], *path, *whole;
	const struct filling v[] = { { "{page}", page }, { "{offset}", offset }, { "{token}", token },
		{ "{model}", model } };
	struct buf b;

	snprintf(page, sizeof page, "%" PRId64, c->shape->page_first + job->number - 1);
	snprintf(offset, sizeof offset, "%zu", job->n_before);
	path = fill(request_of(c, job), v, sizeof v / sizeof *v);
	if (c->shape->page_param == NULL || *token == '\0')
		return path;
	buf_init(&b, PATH_BYTES_MAX);
	request_add_form(&b, c->shape->page_param, token);
	whole = xasprintf("%s%c%s", path, strchr(path, '?') != NULL ? '&' : '?', b.data);
	buf_done(&b);
	free(path);
	return whole;
}

static void
add_page(struct http_json *c, const struct job *page, const char *path)
{
	struct job job = *page;

	json_object_set_new(c->pages, path, json_integer(page->number));
	job.text = arena_strdup(&c->draft.mem, path);
	jobs_add(&c->jobs, &job);
}

static bool
http_json_next(void *arg, struct chain_ask *ret)
{
	struct http_json *c = arg;
	const struct job *job = &c->jobs.v[c->jobs.n_asked];

	if (c->jobs.n_asked == c->jobs.n)
		return false;
	*ret = (struct chain_ask){ .tag = (unsigned)c->jobs.n_asked++ };
	request_init(&ret->request, "GET");
	ret->request.path = xstrdup(job->text);
	return true;
}

/* --- life ------------------------------------------------------------------------------------- */

static void
http_json_free(void *arg)
{
	struct http_json *c = arg;

	json_decref(c->pages);
	json_decref(c->seen);
	jobs_done(&c->jobs);
	draft_done(&c->draft);
	free(c);
}

static void *
http_json_begin(const struct conf_source *conf, const void *arg, void *kept, struct err *err)
{
	const struct registry_arg *models = arg;
	const struct job first = { .kind = JOB_PAGE, .number = 1 };
	struct http_json *c = xcalloc(1, sizeof *c);
	char *path;

	(void)kept;
	draft_init(&c->draft, conf->name, models->models, models->n_models);
	if (shape_new(&c->draft.mem, &conf->registry, &c->shape, err) < 0) {
		http_json_free(c);
		return NULL;
	}
	c->source = arena_strdup(&c->draft.mem, conf->name);
	c->url = arena_strdup(&c->draft.mem, conf->url);
	c->began_ns = clock_now();
	c->pages = json_object();
	c->seen = json_object();
	path = page_path(c, &first, "");
	add_page(c, &first, path);
	free(path);
	return c;
}

static void *
http_json_keep(void *arg)
{
	(void)arg;
	return NULL;
}

static void
http_json_kept_free(void *kept)
{
	(void)kept;
}

/* --- pages ------------------------------------------------------------------------------------ */

/* What is behind this page is not known, and why. */
static void __attribute__((format(printf, 3, 4)))
note_rest(struct http_json *c, const struct job *page, const char *fmt, ...)
{
	char of[128] = "", shown[96], why[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	if (page->kind == JOB_VERSIONS) {
		struct reg_model *m = &c->draft.v[page->model].m;

		m->is_unread = true;
		snprintf(of, sizeof of, "versions of %s: ", str_escape_to(shown, sizeof shown, m->name));
	}
	draft_note(&c->draft, "%s%s", of, why);
}

/* Where page leads, to the one that next says; NULL: nowhere, it is the last. malloc()ed. */
static char *
path_of_next(struct http_json *c, const struct job *page, const struct job *next, const json_t *json, size_t n)
{
	const struct shape *s = c->shape;
	const char *request = request_of(c, page);
	const char *link = json_word(&c->draft.mem, shape_get(s, SHAPE_PAGE_NEXT, json));
	const char *token = json_word(&c->draft.mem, shape_get(s, SHAPE_PAGE_TOKEN, json));
	struct err err = ERR_INIT;
	char *path = NULL;

	if (link != NULL && *link != '\0') {
		if (shape_link(c->url, page->text, link, &path, &err) < 0)
			note_rest(c, page, "page %u: %s; the rest is not known", page->number, err.msg);
		return path;
	}
	if (token != NULL && strlen(token) > REGISTRY_TOKEN_MAX) {
		note_rest(c, page,
		    "page %u: the token that leads on is longer than %d bytes; the rest is not known",
		    page->number, REGISTRY_TOKEN_MAX);
		return NULL;
	}
	if (token != NULL && *token != '\0' && strcmp(token, "false") != 0)
		return page_path(c, next, token);
	if (strstr(request, "{page}") == NULL && strstr(request, "{offset}") == NULL) {
		if (s->page_size > 0 && (int64_t)n == s->page_size && page->kind == JOB_VERSIONS)
			note_rest(c, page, "there are as many as fit on a page: there may be more");
		return NULL;
	}
	return n == 0 || (int64_t)n < s->page_size ? NULL : page_path(c, next, "");
}

static void
follow(struct http_json *c, const struct job *page, const json_t *json, size_t n, size_t n_known)
{
	const struct job next = { .kind = page->kind, .model = page->model, .number = page->number + 1,
		.n_before = page->n_before + n };
	char *path = path_of_next(c, page, &next, json, n);
	const json_t *before = path == NULL ? NULL : json_object_get(c->pages, path);

	if (n > 0 && n_known == n)
		note_rest(c, page, "page %u repeats the pages before: the rest is not known", page->number);
	else if (before != NULL)
		note_rest(c, page, "page %u leads back to page %d: the rest is not known", page->number,
		    (int)json_integer_value(before));
	else if (path != NULL &&
	    (page->number == PAGES_MAX || draft_is_full(&c->draft) ||
		(page->kind == JOB_VERSIONS && c->jobs.n >= BUDGET)))
		note_rest(c, page, "the list goes on behind page %u: the rest is not known", page->number);
	else if (path != NULL)
		add_page(c, &next, path);
	free(path);
}

static void
want_versions(struct http_json *c, size_t model)
{
	const struct job first = { .kind = JOB_VERSIONS, .number = 1, .model = model };
	char *path;

	if (c->shape->versions_list == NULL)
		return;
	if (c->jobs.n >= BUDGET || draft_is_full(&c->draft)) {
		c->n_later++;
		c->draft.v[model].m.is_unread = true;
	} else {
		path = page_path(c, &first, "");
		add_page(c, &first, path);
		free(path);
	}
}

static int
answer_page(struct http_json *c, const struct job *page, const json_t *json, struct err *err)
{
	const json_t *list = shape_get(c->shape, SHAPE_ITEMS, json);
	struct err why = ERR_INIT;
	size_t i, n_known = 0, n_wrong = 0;
	struct shape_item one;
	json_t *item;

	if (!json_is_array(list))
		return shape_missing(c->shape, SHAPE_ITEMS, json, "a list", err);
	json_array_foreach(list, i, item) {
		if (shape_read_item(&c->draft, c->shape, item, c->seen, &one, &why) < 0) {
			n_wrong++;
			continue;
		}
		n_known += one.is_known;
		if (!one.is_known && one.model != SIZE_MAX)
			want_versions(c, one.model);
	}
	if (i > 0 && n_wrong == i) {
		*err = why;
		return why.code;
	}
	if (n_wrong > 0)
		draft_note(&c->draft, "%zu item%s of page %u left out: %.250s", n_wrong,
		    n_wrong == 1 ? "" : "s", page->number, why.msg);
	follow(c, page, json, i, n_known);
	return 0;
}

/* Of the last version of the list, so of the others: one that is made meanwhile moves the pages by one. */
static bool
is_last_known(const struct http_json *c, size_t model, const json_t *list)
{
	const struct draft_model *m = &c->draft.v[model];
	const json_t *last = json_array_get(list, json_array_size(list) - 1);
	const char *version = json_string_value(shape_get(c->shape, SHAPE_VERSION, last));

	for (size_t i = 0; version != NULL && i < m->n_versions; i++)
		if (strcmp(m->versions[i].version, version) == 0)
			return true;
	return false;
}

static int
answer_versions(struct http_json *c, const struct job *job, const json_t *json, struct err *err)
{
	bool is_inside = shape_has(c->shape, SHAPE_VERSIONS);
	const json_t *list = is_inside ? shape_get(c->shape, SHAPE_VERSIONS, json) : json;

	if (json_is_array(list)) {
		size_t n = json_array_size(list);
		bool is_known = job->number > 1 && n > 0 && is_last_known(c, job->model, list);
		int r = shape_read_versions(&c->draft, c->shape, job->model, list, err);

		if (r == 0)
			follow(c, job, json, n, is_known ? n : 0);
		return r;
	}
	if (is_inside)
		return shape_missing(c->shape, SHAPE_VERSIONS, json, "a list", err);
	return err_set(err, ERR_INVALID,
	    "the answer to versions_list is %s; a list is expected, or versions: with the path to one",
	    json_kind(list));
}

static int
http_json_answer(void *arg, unsigned tag, const char *body, size_t len, struct err *err)
{
	struct http_json *c = arg;
	const struct job job = c->jobs.v[tag];	/* the list may move */
	json_t *json = json_texts(body, len, expected, err);
	int r;

	if (json == NULL)
		return ERR_SYNTAX;
	r = job.kind == JOB_PAGE ? answer_page(c, &job, json, err) : answer_versions(c, &job, json, err);
	json_decref(json);
	if (r == 0)
		jobs_back(&c->jobs, job.kind == JOB_VERSIONS);
	return r;
}

/* --- without an answer ------------------------------------------------------------------------ */

static void
versions_failed(struct http_json *c, size_t model, const struct err *why)
{
	struct reg_model *m = &c->draft.v[model].m;
	char shown[96];

	m->is_unread = true;
	draft_note(&c->draft, "the versions of %s cannot be read: %.250s",
	    str_escape_to(shown, sizeof shown, m->name), why->msg);
}

/* The list is needed, and a server that is there; versions of one model may be the fault of that model, as long
 * as those of any other can be read. */
static int
http_json_failed(void *arg, unsigned tag, long status, const struct err *why, struct err *err)
{
	struct http_json *c = arg;
	const struct job *job = &c->jobs.v[tag];
	bool is_page = job->kind == JOB_PAGE, is_broken = registry_is_broken(status);

	jobs_back(&c->jobs, !is_page && !is_broken);
	if (registry_is_away(status) || (is_page && (is_broken || job->number == 1)) ||
	    (is_broken && jobs_all_failed(&c->jobs))) {
		*err = *why;
		return why->code;
	}
	if (is_page)
		draft_note(
		    &c->draft, "page %u cannot be read, the rest is not known: %.250s", job->number, why->msg);
	else
		versions_failed(c, job->model, why);
	return 0;
}

static void
http_json_end(void *arg, struct event_list *ret)
{
	struct http_json *c = arg;

	if (c->n_later > 0)
		draft_note(
		    &c->draft, "the registry is large: the versions of %zu models were not read", c->n_later);
	event_list_add(ret, EVENT_REGISTRY, c->began_ns, c->source, registry_finish(&c->draft, true));
}

/* --- the type --------------------------------------------------------------------------------- */

static int
refuse(struct decoder *d, const struct answer *answer, const char *body, size_t len, struct err *err)
{
	char detail[SENTENCE_MAX];

	(void)d;
	return refuse_status("the registry", answer, registry_detail(detail, body, len), err);
}

static const struct decoder_ops http_json_decoder = {
	.name = "JSON registry", .refuse = refuse, CHAIN_DECODER
};

const struct chain_ops http_json_chain = {
	.what = "registry",
	.at_once = CHAIN_AT_ONCE,
	.requests_max = CHAIN_REQUESTS_MAX,
	.decoder = &http_json_decoder,
	.begin = http_json_begin,
	.next = http_json_next,
	.answer = http_json_answer,
	.failed = http_json_failed,
	.end = http_json_end,
	.keep = http_json_keep,
	.kept_free = http_json_kept_free,
	.free = http_json_free,
};

const struct source_ops source_http_json = { .type = "http-json", .chain = &http_json_chain };
