/* Models whose hosts are asked over HTTP what they serve: each is a source of its own, made while we run. */
#include "config.h"

#include <stdlib.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "source/sources_priv.h"

enum { SERVING_BODY_MAX = 1 << 20 };

struct serving_source {
	LIST_ENTRY(serving_source) next;
	struct serving_want want;	/* strings owned */
	struct conf_source conf;	/* lends them */
	struct source source;
	struct slot *slot;
	bool is_wanted;			/* mark of sources_serving() */
};

static void
hosts_copy(struct serving_want *to, const struct serving_want *from)
{
	struct serving_host *v = xcalloc(from->n_hosts, sizeof *v);

	for (size_t i = 0; i < from->n_hosts; i++)
		v[i] = (struct serving_host){
			.name = xstrdup(from->hosts[i].name), .address = xstrdup_or_null(from->hosts[i].address)
		};
	to->hosts = v;
}

static void
want_free(struct serving_want *w)
{
	/* Owned here, const for everybody else. */
	for (size_t i = 0; i < w->n_hosts; i++) {
		free((char *)(uintptr_t)w->hosts[i].name);
		free((char *)(uintptr_t)w->hosts[i].address);
	}
	free((void *)(uintptr_t)w->hosts);
	free((char *)(uintptr_t)w->model);
	free((char *)(uintptr_t)w->source);
	free((char *)(uintptr_t)w->url);
	free((char *)(uintptr_t)w->path);
}

static bool
is_same(const struct serving_want *a, const struct serving_want *b)
{
	if (!str_eq(a->model, b->model) || !str_eq(a->source, b->source) || !str_eq(a->url, b->url) ||
	    !str_eq(a->path, b->path) || a->every_ns != b->every_ns || a->timeout_ns != b->timeout_ns ||
	    a->n_hosts != b->n_hosts)
		return false;
	for (size_t i = 0; i < a->n_hosts; i++)
		if (!str_eq(a->hosts[i].name, b->hosts[i].name) ||
		    !str_eq(a->hosts[i].address, b->hosts[i].address))
			return false;
	return true;
}

static void
serving_free(struct serving_source *ss)
{
	LIST_REMOVE(ss, next);
	slot_free(ss->slot);
	want_free(&ss->want);
	free(ss);
}

/* What the hosts say is known when the last has answered: dead ones must not take the whole time between rounds. */
static int64_t
timeout_of(const struct serving_want *w)
{
	int64_t third = w->every_ns / 3;

	return w->timeout_ns < third ? w->timeout_ns : third;
}

static void
serving_new(struct sources *s, const struct serving_want *w)
{
	static char type[] = "serving";
	struct serving_source *ss = xcalloc(1, sizeof *ss);

	ss->want = *w;
	ss->want.model = xstrdup(w->model);
	ss->want.source = xstrdup(w->source);
	ss->want.url = xstrdup(w->url);
	ss->want.path = xstrdup(w->path);
	hosts_copy(&ss->want, w);
	ss->conf = (struct conf_source){
		.name = (char *)(uintptr_t)ss->want.source,
		.type = type,
		.url = (char *)(uintptr_t)ss->want.url,
		.interval_ns = w->every_ns,
		.timeout_ns = timeout_of(w),
		.body_max = SERVING_BODY_MAX,
		.tls_verify = true,
	};
	ss->source = (struct source){ .all = s, .conf = &ss->conf };
	ss->slot = slot_new(s, &ss->source, serving_http_chain.what);
	ss->slot->chain = &serving_http_chain;
	ss->slot->chain_arg = &ss->want;
	ss->slot->period_ns = w->every_ns;
	ss->is_wanted = true;
	LIST_INSERT_HEAD(&s->serving, ss, next);
}

static bool
serving_keep(struct sources *s, const struct serving_want *w)
{
	struct serving_source *ss;

	LIST_FOREACH(ss, &s->serving, next)
		if (!ss->is_wanted && is_same(&ss->want, w))
			return ss->is_wanted = true;
	return false;
}

void
sources_serving(struct sources *s, const struct serving_want *v, size_t n)
{
	struct serving_source *ss, *after;

	LIST_FOREACH(ss, &s->serving, next)
		ss->is_wanted = false;
	for (size_t i = 0; i < n; i++)
		if (!serving_keep(s, &v[i]))
			serving_new(s, &v[i]);
	for (ss = LIST_FIRST(&s->serving); ss != NULL; ss = after) {
		after = LIST_NEXT(ss, next);
		if (!ss->is_wanted)
			serving_free(ss);
	}
	sources_arm(s);
}

void
serving_cancel(struct sources *s)
{
	while (!LIST_EMPTY(&s->serving))
		serving_free(LIST_FIRST(&s->serving));
}
