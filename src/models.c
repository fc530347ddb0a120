#include "config.h"

#include "models.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_hosts.h"
#include "insight/serving.h"

#define SERVING_PREFIX "serving:"
#define PAST_PREFIX "serving-since:"
#define SERVING_EVERY (10 * NS_PER_S)
#define SERVING_TIMEOUT (2 * NS_PER_S)

struct seen {				/* the newest of a source that later ones are held against */
	char *source;
	const void *block;		/* struct target_set or registry_set */
};

struct asked {				/* who serves a model, asked of metrics */
	char *query, *past_query;	/* NULL: over HTTP */
	const struct series_set *now, *past;	/* newest answers; NULL none */
	char *source;			/* of now */
	int64_t now_ns;
};

struct models {
	struct app *app;
	const struct environment *environment;	/* as it was at the start: workers of the sources hold its models */
	struct host_set *hosts;
	size_t n_targets, n_registries;
	struct seen *targets, *registries;
	struct asked *asked;		/* by model of the environment */
};

static void
apply_block(struct models *m, enum event_kind kind, const char *source, void *block)
{
	struct event ev;

	event_init(&ev, kind, clock_now(), source, block);
	app_apply(m->app, &ev);
	event_done(&ev);
}

/* --- what was seen last ------------------------------------------------------------------------------------------- */

static struct seen *
seen_of(struct seen **v, size_t *n, const char *source)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp((*v)[i].source, source) == 0)
			return &(*v)[i];
	*v = xreallocarray(*v, *n + 1, sizeof **v);
	(*v)[*n] = (struct seen){ .source = xstrdup(source) };
	return &(*v)[(*n)++];
}

static void
seen_set(struct seen *s, const void *block)
{
	const void *old = s->block;

	s->block = block_ref(block);
	block_unref(old);
}

static void
seen_free(struct seen *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].source);
		block_unref(v[i].block);
	}
	free(v);
}

/* --- hosts -------------------------------------------------------------------------------------------------------- */

static bool
is_in_group(const struct host_def *host, const char *group)
{
	for (size_t i = 0; i < host->groups.n; i++)
		if (strcmp(host->groups.v[i], group) == 0)
			return true;
	return false;
}

/* Those of a group, for a model that is asked of each of them. */
static struct serving_host *
serving_hosts(const struct models *m, const char *group, size_t *ret_n)
{
	struct serving_host *v = xcalloc(m->hosts->n, sizeof *v);

	*ret_n = 0;
	for (size_t i = 0; group != NULL && i < m->hosts->n; i++)
		if (is_in_group(&m->hosts->v[i], group))
			v[(*ret_n)++] = (struct serving_host){ .name = m->hosts->v[i].name, .address = m->hosts->v[i].address };
	return v;
}

static void
want_serving(struct models *m)
{
	const struct environment *e = m->environment;
	struct serving_want *v = xcalloc(e->n_models, sizeof *v);
	size_t n = 0;

	for (size_t i = 0; i < e->n_models; i++) {
		const struct model_def *def = &e->models[i];
		struct serving_want *w = &v[n];

		if (def->serving_url == NULL)
			continue;
		*w = (struct serving_want){ .model = def->id, .source = xasprintf(SERVING_PREFIX "%s", def->name), .url = def->serving_url,
			.path = def->serving_path, .every_ns = SERVING_EVERY, .timeout_ns = SERVING_TIMEOUT };
		w->hosts = serving_hosts(m, def->group, &w->n_hosts);
		n++;
	}
	sources_serving(m->app->sources, v, n);
	for (size_t i = 0; i < n; i++) {
		free((char *)(uintptr_t)v[i].source);
		free((struct serving_host *)(uintptr_t)v[i].hosts);
	}
	free(v);
}

static void
find_hosts(struct models *m)
{
	struct host_targets *v = xcalloc(m->n_targets, sizeof *v);

	for (size_t i = 0; i < m->n_targets; i++)
		v[i] = (struct host_targets){ .source = m->targets[i].source, .targets = m->targets[i].block };
	block_unref(m->hosts);
	m->hosts = conf_hosts(m->app->env, v, m->n_targets);
	free(v);
	apply_block(m, EVENT_HOSTS, "", block_ref(m->hosts));
	want_serving(m);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static void
apply_serving(struct models *m, size_t i)
{
	const struct asked *a = &m->asked[i];
	struct event ev;

	event_init(&ev, EVENT_SERVING, a->now_ns, a->source, insight_serving(&m->environment->models[i], a->now, a->past));
	app_apply(m->app, &ev);
	event_done(&ev);
}

static void
keep_series(const struct series_set **slot, const struct series_set *set)
{
	const struct series_set *old = *slot;

	*slot = block_ref(set);
	block_unref(old);
}

/* true: ev answers an expression of ours. The past alone says nothing; it makes what is known of now known since when. */
static bool
take_series(struct models *m, const struct event *ev)
{
	const struct series_set *set = ev->block;

	for (size_t i = 0; i < m->environment->n_models; i++) {
		struct asked *a = &m->asked[i];

		if (str_eq(a->query, set->query)) {
			keep_series(&a->now, set);
			free(a->source);
			a->source = xstrdup(ev->source);
			a->now_ns = ev->time_ns;
		} else if (str_eq(a->past_query, set->query)) {
			keep_series(&a->past, set);
		} else {
			continue;
		}
		if (a->now != NULL)
			apply_serving(m, i);
		return true;
	}
	return false;
}

/* What moved since the last look, each a mark on every graph. */
static void
tell_moves(struct models *m, const struct event *ev)
{
	struct seen *s = seen_of(&m->registries, &m->n_registries, ev->source);
	struct marker_set *moves = NULL;

	if (s->block != NULL)
		moves = insight_registry_moves(ev->source, s->block, ev->block, ev->time_ns);
	seen_set(s, ev->block);
	if (moves != NULL && moves->n > 0)
		apply_block(m, EVENT_MARKERS, ev->source, moves);
	else
		block_unref(moves);
}

bool
models_event(struct models *m, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_TARGETS:
		seen_set(seen_of(&m->targets, &m->n_targets, ev->source), ev->block);
		find_hosts(m);
		return false;
	case EVENT_REGISTRY:
		tell_moves(m, ev);
		return false;
	case EVENT_SERIES:
		return take_series(m, ev);
	default:
		return false;
	}
}

const char *
models_query(const struct models *m, size_t i)
{
	return m->asked[i].query;
}

const char *
models_past_query(const struct models *m, size_t i)
{
	return m->asked[i].past_query;
}

void
models_start(struct models *m)
{
	sources_models(m->app->sources, m->environment->models, m->environment->n_models);
	find_hosts(m);
}

struct models *
models_new(struct app *a)
{
	const struct environment *e = a->environment;
	struct models *m = xcalloc(1, sizeof *m);

	m->app = a;
	m->environment = block_ref(e);
	m->asked = xcalloc(e->n_models, sizeof *m->asked);
	for (size_t i = 0; i < e->n_models; i++) {
		if (e->models[i].serving_expr == NULL)
			continue;
		m->asked[i].query = xasprintf(SERVING_PREFIX "%s", e->models[i].name);
		m->asked[i].past_query = xasprintf(PAST_PREFIX "%s", e->models[i].name);
	}
	return m;
}

static void
asked_done(struct asked *a)
{
	free(a->query);
	free(a->past_query);
	free(a->source);
	block_unref(a->now);
	block_unref(a->past);
}

void
models_free(struct models *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->environment->n_models; i++)
		asked_done(&m->asked[i]);
	free(m->asked);
	seen_free(m->targets, m->n_targets);
	seen_free(m->registries, m->n_registries);
	block_unref(m->hosts);
	block_unref(m->environment);
	free(m);
}
