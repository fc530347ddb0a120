/* The queries of runs: asked as what the console wants is, answered from the events, before the model sees them. */
#include "config.h"

#include "runs_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

#define ASK_PREFIX "run:"		/* ids of the queries of runs */
#define ASK_TIMEOUT (15 * NS_PER_S)

void
runs_ask_free(struct world_ask *ask)
{
	LIST_REMOVE(ask, next);
	loop_timer_free(ask->timeout);
	free(ask->id);
	free(ask->source);
	free(ask->expr);
	free(ask);
}

/* Frees ask; its callback may ask again. */
static void
ask_answer(struct world_ask *ask, const struct series_set *set, const struct err *err)
{
	struct runs *r = ask->runs;
	world_series_cb *cb = ask->cb;
	void *arg = ask->arg;

	runs_ask_free(ask);
	cb(set, err, arg);
	app_tell_wants(r->app);
}

static void
on_ask_timeout(void *arg)
{
	struct world_ask *ask = arg;
	struct err err = ERR_INIT;

	if (ask->source == NULL)
		err_set(&err, ERR_NOTFOUND, "this environment has no source of metrics to ask");
	else
		err_set(&err, ERR_TIMEOUT, "%s has not answered within %lld s", ask->source, (long long)(ASK_TIMEOUT / NS_PER_S));
	ask_answer(ask, NULL, &err);
}

static const char *
first_prometheus(const struct app *a)
{
	for (size_t i = 0; i < a->env->n_sources; i++) {
		const struct source_ops *ops = source_ops_find(a->env->sources[i].type);

		if (ops != NULL && ops->query != NULL)
			return a->env->sources[i].name;
	}
	return NULL;
}

struct world_ask *
runs_query(void *arg, const char *source, const char *expr, world_series_cb *cb, void *cb_arg)
{
	struct runs *r = arg;
	struct world_ask *ask = xcalloc(1, sizeof *ask);

	if (source == NULL)
		source = first_prometheus(r->app);
	*ask = (struct world_ask){ .runs = r, .id = xasprintf(ASK_PREFIX "%u", ++r->n_asked), .source = source != NULL ? xstrdup(source) : NULL,
		.expr = xstrdup(expr), .at_ns = clock_now(), .cb = cb, .arg = cb_arg };
	LIST_INSERT_HEAD(&r->asks, ask, next);
	ask->timeout = loop_timer_new(r->app->loop, on_ask_timeout, ask);
	loop_timer_in(ask->timeout, source != NULL ? ASK_TIMEOUT : 0);
	app_tell_wants(r->app);
	return ask;
}

void
runs_query_cancel(void *arg, struct world_ask *ask)
{
	struct runs *r = arg;

	if (ask == NULL)
		return;
	runs_ask_free(ask);
	app_tell_wants(r->app);
}

size_t
runs_wants(struct runs *r, const struct query_want **ret)
{
	struct world_ask *ask;
	size_t n = 0;

	*ret = NULL;
	if (r == NULL)
		return 0;
	LIST_FOREACH(ask, &r->asks, next)
		n++;
	r->wants = xreallocarray(r->wants, n + 1, sizeof *r->wants);
	r->n_wants = 0;
	LIST_FOREACH(ask, &r->asks, next)
		if (ask->source != NULL)
			r->wants[r->n_wants++] = (struct query_want){ .id = ask->id, .source = ask->source, .expr = ask->expr, .at_ns = ask->at_ns };
	*ret = r->wants;
	return r->n_wants;
}

static struct world_ask *
ask_find(struct runs *r, const char *id)
{
	struct world_ask *ask;

	LIST_FOREACH(ask, &r->asks, next)
		if (strcmp(ask->id, id) == 0)
			return ask;
	return NULL;
}

bool
runs_event(struct runs *r, const struct event *ev)
{
	const struct source_report *report = ev->block;
	const struct series_set *set = ev->block;
	struct world_ask *ask;

	if (r == NULL)
		return false;
	if (ev->kind == EVENT_SERIES && str_has_prefix(set->query, ASK_PREFIX)) {
		ask = ask_find(r, set->query);
		if (ask != NULL)
			ask_answer(ask, set, NULL);
		return true;
	}
	if (ev->kind == EVENT_SOURCE_REPORT && str_has_prefix(report->what, ASK_PREFIX)) {
		ask = report->is_ok ? NULL : ask_find(r, report->what);
		if (ask != NULL) {
			struct err err = ERR_INIT;

			err_set(&err, ERR_REFUSED, "%s: %s", ev->source, report->error);
			ask_answer(ask, NULL, &err);
		}
		return true;
	}
	return false;
}
