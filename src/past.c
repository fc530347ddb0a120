#include "config.h"

#include "past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "flight.h"

/* Ids of what is asked. */
#define RANGE_PREFIX "past:alerts-range:"
#define CURSOR_PREFIX "past:alerts-at:"
enum { SAME_STEPS = 2 };		/* begins that lie no further apart are one */

struct past_source {
	const char *name;
	char *range_id, *cursor_id;
};

struct past {
	struct app *app;
	size_t n_sources;
	struct past_source *sources;
	size_t n_wants;
	struct query_want *wants;
	int64_t cursor_ns;		/* asked for; 0 none */
	int64_t range_end_ns, range_span_ns;	/* looked through for the timeline */
	int64_t opened_ns;		/* from here on the console saw for itself */
	struct model *at;		/* alerts at at_ns */
	int64_t at_ns;
};

/* --- what is asked --------------------------------------------------------------------------------------------------------- */

static int64_t
step_of(const struct past *p)
{
	return app_range_resolution(p->app);
}

static void
want(struct past *p, const struct query_want *w)
{
	p->wants = xreallocarray(p->wants, p->n_wants + 1, sizeof *p->wants);
	p->wants[p->n_wants++] = *w;
}

static void
want_all(struct past *p)
{
	int64_t end = p->range_end_ns;

	p->n_wants = 0;
	for (size_t i = 0; i < p->n_sources; i++) {
		struct past_source *s = &p->sources[i];

		want(p, &(struct query_want){ .id = s->range_id, .source = s->name, .expr = "ALERTS{alertstate=\"firing\"}",
		    .start_ns = end - p->range_span_ns, .end_ns = end, .step_ns = step_of(p) });
		if (p->cursor_ns != 0)
			want(p, &(struct query_want){ .id = s->cursor_id, .source = s->name, .expr = "ALERTS", .at_ns = p->cursor_ns });
	}
}

/* Nothing but the metrics knows of that time. */
static bool
is_only_in_metrics(const struct past *p, int64_t t_ns)
{
	return model_at(p->app->model, t_ns, NULL) == NULL && flight_at(p->app->flight, t_ns) == NULL;
}

void
past_range(struct past *p)
{
	const struct timerange *r;

	if (p == NULL)
		return;
	r = &p->app->range;
	p->cursor_ns = !r->is_live && is_only_in_metrics(p, r->cursor_ns) ? r->cursor_ns : 0;
	/* A live range that goes on needs no second look: from opened_ns on, things are seen as they happen. */
	if (!r->is_live || p->range_span_ns != p->app->span_ns || p->range_end_ns == 0) {
		p->range_end_ns = r->end_ns;
		p->range_span_ns = p->app->span_ns;
	}
	want_all(p);
}

size_t
past_wants(struct past *p, const struct query_want **ret)
{
	*ret = p != NULL ? p->wants : NULL;
	return p != NULL ? p->n_wants : 0;
}

/* --- answers: the timeline --------------------------------------------------------------------------------------------------- */

/* As /api/v1/alerts tells them, so that both are one alert. */
static struct labels
alert_labels(const struct labels *l, struct arena *arena)
{
	struct label *v = arena_alloc(arena, (l->n + 1) * sizeof *v);
	struct labels ret = { .v = v };

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].name, "__name__") != 0 && strcmp(l->v[i].name, "alertstate") != 0)
			v[ret.n++] = (struct label){ arena_strdup(arena, l->v[i].name), arena_strdup(arena, l->v[i].value) };
	return ret;
}

static bool
is_known(const struct past *p, const struct timeline_entry *e)
{
	const struct model *m = p->app->model;
	int64_t near = SAME_STEPS * step_of(p);

	for (size_t i = 0; i < model_n_timeline(m); i++) {
		const struct timeline_entry *other = model_timeline(m, i);

		if (other->is_end == e->is_end && other->at_ns - e->at_ns <= near && e->at_ns - other->at_ns <= near && strcmp(other->id, e->id) == 0)
			return true;
	}
	return false;
}

struct fill {
	struct past *past;
	struct timeline_set *set;
	struct timeline_entry *v;
	size_t n;
};

static void
fill_one(struct fill *f, const struct labels *labels, int64_t at_ns, bool is_end)
{
	struct arena *arena = &f->set->block.arena;
	const struct environment *env = f->past->app->environment;
	const char *name = labels_get(labels, "alertname"), *severity = labels_get(labels, *env->severity_label != '\0' ? env->severity_label : "severity");
	char id[32], text[128];
	struct timeline_entry e = { .at_ns = at_ns, .known_ns = at_ns, .kind = TIMELINE_ALERT, .is_end = is_end, .is_backfilled = true, .by = "" };

	if (at_ns >= f->past->opened_ns)
		return;
	snprintf(id, sizeof id, "alert:%016llx", (unsigned long long)labels_hash(labels));
	e.id = id;
	if (is_known(f->past, &e))
		return;
	e.id = arena_strdup(arena, id);
	e.what = arena_strdup(arena, name != NULL ? name : "");
	e.severity = severity_of_text(env, severity != NULL ? severity : "");
	snprintf(text, sizeof text, "%.60s, as the metrics have it", severity != NULL ? severity : "no severity");
	e.text = arena_strdup(arena, text);
	f->v[f->n++] = e;
}

/* Stretches without a hole of more than a step. */
static void
fill_series(struct fill *f, const struct series_set *set, const struct series *s)
{
	struct labels labels = alert_labels(&s->labels, &f->set->block.arena);
	int64_t hole = SAME_STEPS * set->step_ns;

	for (size_t i = 0; i < s->n; i++) {
		if (i == 0 || s->v[i].t_ns - s->v[i - 1].t_ns > hole)
			fill_one(f, &labels, s->v[i].t_ns, false);
		if (i + 1 == s->n ? set->end_ns - s->v[i].t_ns > hole : s->v[i + 1].t_ns - s->v[i].t_ns > hole)
			fill_one(f, &labels, s->v[i].t_ns + set->step_ns, true);
	}
}

static int
by_time(const void *a, const void *b)
{
	const struct timeline_entry *x = a, *y = b;

	return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

static void
take_range(struct past *p, const struct event *ev)
{
	const struct series_set *answer = ev->block;
	struct fill f = { .past = p, .set = block_new(sizeof *f.set) };
	struct event out;
	size_t n = 0;

	for (size_t i = 0; i < answer->n; i++)
		n += answer->v[i].n + 1;
	f.v = arena_alloc(&f.set->block.arena, 2 * (n + 1) * sizeof *f.v);
	for (size_t i = 0; i < answer->n; i++)
		fill_series(&f, answer, &answer->v[i]);
	qsort(f.v, f.n, sizeof *f.v, by_time);
	f.set->n = f.n;
	f.set->v = f.v;
	event_init(&out, EVENT_TIMELINE, ev->time_ns, ev->source, f.set);
	if (f.n > 0)
		app_apply(p->app, &out);
	event_done(&out);
}

/* --- answers: alerts at the cursor ------------------------------------------------------------------------------------------- */

static void
add_alert(struct alert *a, const struct series *s, struct arena *arena, int64_t t_ns)
{
	const char *state = labels_get(&s->labels, "alertstate");

	*a = (struct alert){ .labels = alert_labels(&s->labels, arena), .state = str_eq(state, "pending") ? ALERT_PENDING : ALERT_FIRING,
		.since_ns = t_ns, .ends_ns = INT64_MAX };
	a->name = labels_get(&a->labels, "alertname");
	if (a->name == NULL)
		a->name = "";
}

static void
take_cursor(struct past *p, const struct event *ev)
{
	const struct series_set *answer = ev->block;
	struct alert_set *set = block_new(sizeof *set);
	struct alert *v = arena_alloc(&set->block.arena, (answer->n + 1) * sizeof *v);
	struct event env, alerts;

	if (p->at == NULL || p->at_ns != p->cursor_ns) {
		model_free(p->at);
		p->at = model_new(0, 0);
		p->at_ns = p->cursor_ns;
		env = (struct event){ .kind = EVENT_ENVIRONMENT, .time_ns = p->at_ns, .source = "", .block = p->app->environment };
		model_apply(p->at, &env);
	}
	for (size_t i = 0; i < answer->n; i++)
		add_alert(&v[set->n++], &answer->v[i], &set->block.arena, p->at_ns);
	set->v = v;
	event_init(&alerts, EVENT_ALERTS, p->at_ns, ev->source, set);
	model_apply(p->at, &alerts);
	event_done(&alerts);
	model_advance(p->at, p->at_ns);
	app_changed(p->app);
}

bool
past_event(struct past *p, const struct event *ev)
{
	const struct source_report *report = ev->block;
	const struct series_set *set = ev->block;

	if (p == NULL)
		return false;
	if (ev->kind == EVENT_SOURCE_REPORT)	/* a server without ALERTS is none the worse for it */
		return str_has_prefix(report->what, RANGE_PREFIX) || str_has_prefix(report->what, CURSOR_PREFIX);
	if (ev->kind != EVENT_SERIES)
		return false;
	if (str_has_prefix(set->query, CURSOR_PREFIX)) {
		if (p->cursor_ns != 0)
			take_cursor(p, ev);
		return true;
	}
	if (!str_has_prefix(set->query, RANGE_PREFIX))
		return false;
	take_range(p, ev);
	return true;
}

const struct model *
past_at(struct past *p, int64_t t_ns)
{
	return p != NULL && p->at != NULL && p->at_ns == t_ns ? p->at : NULL;
}

/* --- life ---------------------------------------------------------------------------------------------------------------------- */

struct past *
past_new(struct app *a)
{
	struct past *p = xcalloc(1, sizeof *p);

	p->app = a;
	p->opened_ns = clock_now();
	p->sources = xcalloc(a->env->n_sources, sizeof *p->sources);
	for (size_t i = 0; i < a->env->n_sources; i++) {
		const struct conf_source *s = &a->env->sources[i];

		if (strcmp(s->type, "prometheus") == 0)
			p->sources[p->n_sources++] = (struct past_source){ s->name, xasprintf(RANGE_PREFIX "%s", s->name), xasprintf(CURSOR_PREFIX "%s", s->name) };
	}
	past_range(p);
	return p;
}

void
past_free(struct past *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n_sources; i++) {
		free(p->sources[i].range_id);
		free(p->sources[i].cursor_id);
	}
	free(p->sources);
	free(p->wants);
	model_free(p->at);
	free(p);
}
