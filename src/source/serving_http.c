/*
 * The chain that asks each host of a model over HTTP what it serves. What a host says, and why it says nothing,
 * stands beside its name; no host fails the round for the others.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/hostlist.h"
#include "source/chain.h"
#include "source/json_walk.h"
#include "source/registry_draft.h"

enum { VERSION_MAX = 200, HOSTS_MAX = 10000, URL_BYTES_MAX = 4096 };

struct asked {			/* a host */
	const char *name, *address;
	const char *version, *error;	/* both NULL: not heard of yet */
};
struct serving_http {
	struct arena mem;
	const char *model, *source, *url;
	struct jpath path;
	bool is_text;			/* the whole body is the version */
	int64_t began_ns;
	size_t n, n_asked, n_left_out;
	struct asked *hosts;
};

/* --- life ------------------------------------------------------------------------------------- */

static void
serving_http_free(void *arg)
{
	struct serving_http *c = arg;

	arena_done(&c->mem);
	free(c);
}

static void
take_hosts(struct serving_http *c, const struct serving_want *w)
{
	c->n = w->n_hosts < HOSTS_MAX ? w->n_hosts : HOSTS_MAX;
	c->n_left_out = w->n_hosts - c->n;
	c->hosts = arena_alloc(&c->mem, c->n * sizeof *c->hosts);
	for (size_t i = 0; i < c->n; i++) {
		const char *address = w->hosts[i].address != NULL ? w->hosts[i].address : w->hosts[i].name;

		c->hosts[i].name = arena_strdup(&c->mem, w->hosts[i].name);
		c->hosts[i].address = arena_strdup(&c->mem, address);
	}
}

static void *
serving_http_begin(const struct conf_source *conf, const void *arg, void *kept, struct err *err)
{
	const struct serving_want *w = arg;
	struct serving_http *c = xcalloc(1, sizeof *c);

	(void)kept;
	c->is_text = w->path == NULL || *w->path == '\0';
	if (!c->is_text && jpath_parse(arena_strdup(&c->mem, w->path), &c->path, err) < 0) {
		serving_http_free(c);
		return NULL;
	}
	c->model = arena_strdup(&c->mem, w->model);
	c->source = arena_strdup(&c->mem, conf->name);
	c->url = arena_strdup(&c->mem, w->url);
	c->began_ns = clock_now();
	take_hosts(c, w);
	return c;
}

static void *
serving_http_keep(void *arg)
{
	(void)arg;
	return NULL;
}

static void
serving_http_kept_free(void *kept)
{
	(void)kept;
}

/* --- asking ----------------------------------------------------------------------------------- */

/* {host} of url filled in; an IPv6 address stands in brackets where the host of a URL does. */
static char *
url_of(const char *url, const char *address)
{
	static const char place[] = "{host}";
	const char *host = strstr(url, "://"), *at;
	size_t authority = host == NULL ? 0 : (size_t)(host - url) + 3 + strcspn(host + 3, "/?#");
	const char *rest = url;
	struct buf b;
	char *whole;

	buf_init(&b, URL_BYTES_MAX);
	while ((at = strstr(rest, place)) != NULL) {
		bool is_bracketed = strchr(address, ':') != NULL && (size_t)(at - url) < authority &&
		    (at == url || at[-1] != '[');

		buf_add(&b, rest, (size_t)(at - rest));
		buf_printf(&b, is_bracketed ? "[%s]" : "%s", address);
		rest = at + strlen(place);
	}
	buf_addstr(&b, rest);
	whole = xstrdup(b.data);
	buf_done(&b);
	return whole;
}

/* "http://h:1/a?b" -> "http://h:1" and "/a?b". */
static void
split_url(const char *whole, struct chain_ask *ret)
{
	const char *host = strstr(whole, "://"), *path = host == NULL ? NULL : strpbrk(host + 3, "/?#");
	size_t len = path == NULL ? strlen(whole) : (size_t)(path - whole);

	request_init(&ret->request, "GET");
	ret->url = xstrndup(whole, len);
	ret->request.path = path == NULL
	    ? xstrdup("/")
	    : xasprintf("%s%.*s", *path == '/' ? "" : "/", (int)strcspn(path, "#"), path);
}

static bool
serving_http_next(void *arg, struct chain_ask *ret)
{
	struct serving_http *c = arg;

	while (c->n_asked < c->n) {
		struct asked *h = &c->hosts[c->n_asked++];
		char *url;

		/* A name from outside goes into a URL: nothing but a name may stand there. */
		if (!host_name_is_valid(h->address)) {
			h->error = "this is not the name of a host: it was not asked";
			continue;
		}
		url = url_of(c->url, h->address);
		*ret = (struct chain_ask){ .tag = (unsigned)(h - c->hosts) };
		split_url(url, ret);
		free(url);
		return true;
	}
	return false;
}

/* --- answers ---------------------------------------------------------------------------------- */

static int
check_version(const char *text, size_t len, struct err *err)
{
	if (len > VERSION_MAX)
		return err_set(err, ERR_LIMIT, "the version is longer than %d bytes", VERSION_MAX);
	if (!utf8_is_valid(text, len) || memchr(text, '\0', len) != NULL)
		return err_set(err, ERR_INVALID, "the version is not a text");
	return 0;
}

static int
read_text(struct serving_http *c, struct asked *h, const char *body, size_t len, struct err *err)
{
	static const char blanks[] = " \t\r\n";
	int r;

	for (; len > 0 && *body != '\0' && strchr(blanks, *body) != NULL; body++, len--)
		;
	for (; len > 0 && body[len - 1] != '\0' && strchr(blanks, body[len - 1]) != NULL; len--)
		;
	r = check_version(body, len, err);
	if (r == 0)
		h->version = arena_strndup(&c->mem, body, len);
	return r;
}

/* null, or a list that ends before the index: it serves none. A member that is not there at all is another
 * answer than was thought of. */
static bool
serves_none(const struct serving_http *c, const json_t *json)
{
	struct jpath before = c->path;

	while (before.n > 0 && !before.v[before.n - 1].is_index)
		before.n--;
	if (json_is_null(json_walk(json, &c->path)))
		return true;
	if (before.n == 0)
		return false;
	before.n--;
	return json_is_array(json_walk(json, &before)) &&
	    json_array_get(json_walk(json, &before), before.v[before.n].index) == NULL;
}

static int
read_json(struct serving_http *c, struct asked *h, const char *body, size_t len, struct err *err)
{
	json_t *json = json_texts(body, len, "JSON", err);
	const char *text;
	int r = 0;

	if (json == NULL)
		return ERR_SYNTAX;
	text = json_word(&c->mem, json_walk(json, &c->path));
	if (text != NULL)
		r = check_version(text, strlen(text), err);
	else if (serves_none(c, json))
		text = "";
	else
		r = err_set(err, ERR_INVALID, "the answer has %s where its version is looked for",
		    json_kind(json_walk(json, &c->path)));
	if (r == 0)
		h->version = text;
	json_decref(json);
	return r;
}

static int
serving_http_answer(void *arg, unsigned tag, const char *body, size_t len, struct err *err)
{
	struct serving_http *c = arg;
	struct asked *h = &c->hosts[tag];

	return c->is_text ? read_text(c, h, body, len, err) : read_json(c, h, body, len, err);
}

static int
serving_http_failed(void *arg, unsigned tag, long status, const struct err *why, struct err *err)
{
	struct serving_http *c = arg;

	(void)status;
	(void)err;
	c->hosts[tag].error = arena_strdup(&c->mem, why->msg);
	return 0;
}

/* --- the end ---------------------------------------------------------------------------------- */

static int
by_host(const void *a, const void *b)
{
	return host_name_compare(((const struct serving *)a)->host, ((const struct serving *)b)->host);
}

static void
serving_http_end(void *arg, struct event_list *ret)
{
	struct serving_http *c = arg;
	struct serving_set *set = block_new(sizeof *set);
	struct arena *mem = &set->block.arena;
	struct serving *v = arena_alloc(mem, c->n * sizeof *v);
	const char **notes = arena_alloc(mem, sizeof *notes);
	char note[96];

	for (size_t i = 0; i < c->n; i++) {
		const struct asked *h = &c->hosts[i];

		v[i].host = arena_strdup(mem, h->name);
		v[i].version = arena_strdup(mem, h->version == NULL ? "" : h->version);
		v[i].error = arena_strdup(mem, h->error == NULL ? "" : h->error);
		v[i].at_ns = c->began_ns;
	}
	if (c->n > 0)
		qsort(v, c->n, sizeof *v, by_host);
	set->model = arena_strdup(mem, c->model);
	set->v = v;
	set->n = c->n;
	if (c->n_left_out > 0) {
		snprintf(note, sizeof note, "%zu hosts beyond %d were not asked", c->n_left_out, HOSTS_MAX);
		notes[0] = arena_strdup(mem, note);
		set->notes = (struct strings){ .n = 1, .v = notes };
	}
	event_list_add(ret, EVENT_SERVING, c->began_ns, c->source, set);
}

/* --- the type --------------------------------------------------------------------------------- */

static int
refuse(struct decoder *d, const struct answer *answer, const char *body, size_t len, struct err *err)
{
	char detail[SENTENCE_MAX];

	(void)d;
	registry_detail(detail, body, len);
	return err_set(err, answer->status == 404 ? ERR_NOTFOUND : ERR_REFUSED, "HTTP %ld%s%.300s",
	    answer->status, *detail != '\0' ? ": " : "", detail);
}

static const struct decoder_ops serving_decoder = {
	.name = "serving version", .refuse = refuse, CHAIN_DECODER
};

const struct chain_ops serving_http_chain = {
	.what = "serving",
	.at_once = CHAIN_HOSTS_AT_ONCE,
	.requests_max = HOSTS_MAX,
	.decoder = &serving_decoder,
	.begin = serving_http_begin,
	.next = serving_http_next,
	.answer = serving_http_answer,
	.failed = serving_http_failed,
	.end = serving_http_end,
	.keep = serving_http_keep,
	.kept_free = serving_http_kept_free,
	.free = serving_http_free,
};
