#include "config.h"

#include "logs_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "insight/log_look.h"

void
logs_tell(struct logs *l, bool is_error, const char *fmt, ...)
{
	va_list ap;
	char *text;

	if (l->say == NULL)
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	l->say(is_error, text, l->say_arg);
	free(text);
}

/* --- what comes ----------------------------------------------------------------------------------------------------- */

static struct followed *
followed_by_id(struct logs *l, const char *id)
{
	for (size_t i = 0; i < l->n_streams; i++)
		if (str_eq(l->streams[i].id, id))
			return &l->streams[i];
	return NULL;
}

static struct followed *
followed_of(struct logs *l, const struct log_batch *b)
{
	struct followed *f = followed_by_id(l, b->want);

	for (size_t i = 0; f == NULL && i < l->n_shots; i++)
		if (l->shots[i].kind == SHOT_OLDER && l->shots[i].stream < l->n_streams && str_eq(l->shots[i].id, b->want))
			f = &l->streams[l->shots[i].stream];
	return f;
}

/* Since when its lines are known: from what the store says it told all of, else from the lines. */
static int64_t
reach_of(const struct log_batch *b)
{
	int64_t from = b->start_ns != 0 ? b->start_ns : INT64_MAX;

	for (size_t i = 0; b->start_ns == 0 && i < b->n; i++)
		from = b->v[i].time_ns < from ? b->v[i].time_ns : from;
	return from;
}

static void
take_around(struct logs *l, const struct log_batch *b)
{
	for (size_t i = 0; i < l->n_shots; i++) {
		struct shot *s = &l->shots[i];
		int64_t from = reach_of(b);

		if (s->kind == SHOT_AROUND && str_eq(s->id, b->want) && from < s->reach_ns)
			s->reach_ns = from;
	}
}

static void
take_reach(struct logs *l, const struct log_batch *b)
{
	struct followed *f = followed_of(l, b);
	int64_t from = reach_of(b);

	take_around(l, b);
	if (f == NULL)
		return;
	if (from < f->from_ns)
		f->from_ns = from;
	if (f->asked_ns == INT64_MAX)
		f->asked_ns = f->since_ns;
}

bool
logs_event(struct logs *l, const struct event *ev)
{
	struct followed *f;

	if (l == NULL)
		return false;
	logs_search_applied(l);
	if (ev->kind == EVENT_LOG_LINES) {
		logs_search_lines(l, ev->block);
		take_reach(l, ev->block);
		logs_work_lines(l->work);
		logs_patterns_lines(l->patterns);
	} else if (ev->kind == EVENT_SOURCE_REPORT) {
		f = followed_by_id(l, ((const struct source_report *)ev->block)->what);
		if (f != NULL)
			f->is_tried = true;
	}
	return false;
}

static void
on_view(struct log_view *view, void *arg)
{
	struct logs *l = arg;
	struct event ev;

	logs_count_take(l, view);
	event_init(&ev, EVENT_LOG_VIEW, clock_now(), "", view);
	app_apply(l->app, &ev);
	event_done(&ev);
}

static void
on_patterns(struct log_pattern_set *set, void *arg)
{
	struct logs *l = arg;
	struct event ev;

	event_init(&ev, EVENT_LOG_PATTERNS, clock_now(), "", set);
	app_apply(l->app, &ev);
	event_done(&ev);
}

/* --- what is asked here --------------------------------------------------------------------------------------------- */

void
logs_filter(struct logs *l, const char *query)
{
	if (l != NULL)
		logs_work_query(l->work, query);
}

void
logs_patterns_wanted(struct logs *l, bool is_wanted)
{
	if (l != NULL)
		logs_patterns_want(l->patterns, is_wanted);
}

/* Of a source with several streams the one that is known the least far back counts. */
static void
tell_reach(struct logs *l)
{
	struct log_reach *v = xcalloc(l->n_streams + 1, sizeof *v);
	size_t n = 0, at;

	for (size_t i = 0; i < l->n_streams; i++) {
		const struct followed *f = &l->streams[i];

		if (f->from_ns == INT64_MAX)
			continue;	/* no line of it is held */
		for (at = 0; at < n && !str_eq(v[at].source, f->def->source); at++)
			;
		if (at == n)
			v[n++] = (struct log_reach){ f->def->source, f->from_ns };
		v[at].from_ns = f->from_ns > v[at].from_ns ? f->from_ns : v[at].from_ns;
	}
	logs_patterns_reach(l->patterns, v, n);
	free(v);
}

void
logs_turn(struct logs *l)
{
	const struct timerange *r;
	const char *what;

	if (l == NULL || !l->is_started)
		return;
	r = &l->app->range;
	logs_work_range(l->work, r->start_ns, r->end_ns, app_range_resolution(l->app));
	tell_reach(l);
	logs_patterns_range(l->patterns, r->start_ns, r->end_ns, log_anchor(l->app->model, r->start_ns, r->end_ns, &what));
	logs_count_turn(l);
	if (l->are_wants_old)
		logs_tell_wants(l);
}

void
logs_range(struct logs *l)
{
	if (l == NULL || !l->is_started)
		return;
	logs_ask_range(l);
	logs_turn(l);
}

bool
logs_is_settled(const struct logs *l)
{
	if (l == NULL)
		return true;
	for (size_t i = 0; i < l->n_streams; i++)
		if (!l->streams[i].is_tried)
			return false;
	return logs_count_is_settled(l) && logs_work_is_done(l->work);
}

void
logs_on_say(struct logs *l, logs_say_cb *cb, void *arg)
{
	if (l == NULL)
		return;
	l->say = cb;
	l->say_arg = arg;
}

/* --- life ------------------------------------------------------------------------------------------------------------ */

/* A pattern that does not compile has been told when the config was read. */
static struct redact *
redact_of(const struct conf *conf)
{
	struct redact *r = redact_new(conf->redact_builtin);
	struct err err = ERR_INIT;

	for (size_t i = 0; i < conf->n_redact; i++)
		if (redact_add(r, conf->redact[i].name, conf->redact[i].pattern, &err) < 0)
			log_write(LOG_ERROR, "logs", "redact: %s", err.msg);
	return r;
}

static bool
has_store(const struct conf_environment *env)
{
	for (size_t i = 0; i < env->n_sources; i++)
		if (conf_source_is_log_store(&env->sources[i]))
			return true;
	return false;
}

struct logs *
logs_new(struct app *a)
{
	const struct conf_logs *conf = &a->env->logs;
	struct logs *l;

	if (!has_store(a->env))
		return NULL;
	l = xcalloc(1, sizeof *l);
	l->app = a;
	l->redact = redact_of(a->conf);
	l->work = logs_work_new(a->loop, a->pool, a->model, on_view, l);
	l->patterns = logs_patterns_new(a->loop, a->pool, a->model, on_patterns, l);
	l->saving = pool_lane_new(a->pool);
	l->n_streams = conf->n_streams;
	l->streams = xcalloc(conf->n_streams + 1, sizeof *l->streams);
	l->searched = xcalloc(a->env->n_sources + 1, sizeof *l->searched);
	for (size_t i = 0; i < conf->n_streams; i++)
		l->streams[i] = (struct followed){ .def = &conf->streams[i], .id = xasprintf("logs:%s", conf->streams[i].name),
			.count_id = xasprintf("adhoc:lines:count:%s", conf->streams[i].name),
			.from_ns = INT64_MAX, .asked_ns = INT64_MAX };
	model_log_limit(a->model, (size_t)conf->keep_bytes, (size_t)conf->keep_lines);
	return l;
}

void
logs_start(struct logs *l)
{
	const struct timerange *r;

	if (l == NULL)
		return;
	r = &l->app->range;
	for (size_t i = 0; i < l->n_streams; i++)
		l->streams[i].since_ns = l->app->is_instant ? clock_now() - LOG_LATELY : r->start_ns;
	sources_logs_done(l->app->sources, logs_on_done, l);
	sources_logs_counts(l->app->sources, logs_on_counts, l);
	logs_names_free(l->names);
	l->names = logs_names_new(l->app->sources, l->redact, &l->app->range);
	l->are_wants_old = true;
	l->is_started = true;
	logs_turn(l);
}

void
logs_stop(struct logs *l)
{
	if (l == NULL)
		return;
	l->is_started = false;
	l->say = NULL;
	logs_on_names(l, NULL, NULL);
	logs_work_stop(l->work);
	logs_patterns_stop(l->patterns);
}

void
logs_free(struct logs *l)
{
	if (l == NULL)
		return;
	logs_work_free(l->work);
	logs_patterns_free(l->patterns);
	pool_lane_free(l->saving);
	logs_names_free(l->names);
	logs_shots_done(l);
	logs_counts_free(l);
	for (size_t i = 0; i < l->n_streams; i++)
		free(l->streams[i].id);
	free(l->streams);
	free(l->searched);
	redact_free(l->redact);
	free(l);
}
