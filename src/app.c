#include "config.h"

#include "app.h"

#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_env.h"
#include "insight/markers.h"
#include "insight/slo_promql.h"
#include "model/registry.h"
#include "anchors.h"
#include "audit_show.h"
#include "drifts.h"
#include "flight.h"
#include "logs.h"
#include "models.h"
#include "past.h"
#include "record/recording.h"
#include "replay.h"
#include "runs.h"
#include "slos.h"
#include "trail.h"

enum { RANGE_POINTS = 240, WORKERS = 2, EXPR_MAX = 1 << 20 };
#define MARKER_SPAN NS_PER_HOUR		/* changes are looked for at least this far back */
#define SERVING_SPAN NS_PER_HOUR	/* so far back is known since when a host serves a version */
#define SERVING_EVERY NS_PER_MIN
#define SPAN_MIN NS_PER_MIN
#define SPAN_MAX (30 * 24 * NS_PER_HOUR)

/* Steps that fall on round times of the clock. */
static const int64_t steps_s[] = { 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400 };

static int64_t
resolution_of(int64_t span_ns)
{
	for (size_t i = 0; i < sizeof steps_s / sizeof steps_s[0]; i++)
		if (span_ns / (steps_s[i] * NS_PER_S) <= RANGE_POINTS)
			return steps_s[i] * NS_PER_S;
	return 86400 * NS_PER_S;
}

int64_t
app_range_resolution(const struct app *a)
{
	return resolution_of(a->span_ns);
}

/* --- wants -------------------------------------------------------------------------------------------------------- */

static int64_t
interval_of(const struct app *a, const char *source)
{
	for (size_t i = 0; i < a->env->n_sources; i++)
		if (str_eq(a->env->sources[i].name, source))
			return a->env->sources[i].interval_ns;
	return 5 * NS_PER_S;
}

/* span_ns 0: its value now. */
static struct query_want
want_of(const struct app *a, const char *id, const char *source, const char *expr, int64_t span_ns)
{
	int64_t step = resolution_of(span_ns), interval = interval_of(a, source);
	struct query_want w = { .id = id, .source = source, .expr = expr, .is_live = a->range.is_live };

	w.every_ns = step > interval ? step : interval;
	if (span_ns == 0)
		return w;
	w.step_ns = step;
	w.end_ns = a->range.end_ns;
	w.start_ns = w.end_ns - span_ns;
	if (!w.is_live)
		w.every_ns = 0;	/* the past does not change */
	return w;
}

/* Since when they serve it. What is newer than the first answer is seen as it happens, so that few more are needed. */
static struct query_want
past_of(const struct app *a, size_t i)
{
	const struct model_def *def = &a->environment->models[i];
	int64_t step = resolution_of(SERVING_SPAN), interval = interval_of(a, def->serving_source);

	return (struct query_want){ .id = models_past_query(a->models, i), .source = def->serving_source, .expr = def->serving_expr, .is_live = true,
		.start_ns = clock_now() - SERVING_SPAN, .end_ns = clock_now(), .step_ns = step,
		.every_ns = interval > SERVING_EVERY ? interval : SERVING_EVERY };
}

void
app_tell_wants(struct app *a)
{
	const struct environment *e = a->environment;
	const struct query_want *slos, *runs, *drifts, *past;
	size_t n_slos = slos_wants(a->slos, &slos), n_runs = runs_wants(a->runs, &runs), n_drifts = drifts_wants(a->drifts, &drifts);
	size_t n_past = past_wants(a->past, &past);
	struct query_want *v = xcalloc(e->n_queries + e->n_markers + 2 * e->n_models + n_slos + n_runs + n_drifts + n_past, sizeof *v);
	int64_t marker_span = a->span_ns > MARKER_SPAN ? a->span_ns : MARKER_SPAN, span = a->is_instant ? 0 : a->span_ns;
	size_t n = 0;

	for (size_t i = 0; i < e->n_queries; i++)
		v[n++] = want_of(a, e->queries[i].id, e->queries[i].source, e->queries[i].expr, span);
	for (size_t i = 0; i < e->n_markers; i++)
		v[n++] = want_of(a, e->markers[i].id, e->markers[i].source, e->markers[i].expr, marker_span);
	for (size_t i = 0; i < e->n_models; i++) {
		if (models_query(a->models, i) == NULL)
			continue;
		v[n++] = want_of(a, models_query(a->models, i), e->models[i].serving_source, e->models[i].serving_expr, 0);
		v[n++] = past_of(a, i);
	}
	for (size_t i = 0; i < n_slos; i++)
		v[n++] = slos[i];
	for (size_t i = 0; i < n_runs; i++)
		v[n++] = runs[i];
	for (size_t i = 0; i < n_drifts; i++)
		v[n++] = drifts[i];
	for (size_t i = 0; i < n_past; i++)
		v[n++] = past[i];
	sources_want(a->sources, v, n);
	free(v);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static const struct marker_def *
marker_def_of(const struct app *a, const char *id)
{
	for (size_t i = 0; i < a->environment->n_markers; i++)
		if (strcmp(a->environment->markers[i].id, id) == 0)
			return &a->environment->markers[i];
	return NULL;
}

/* Work of insight on its way: blocks are shared, so that it needs nothing of the loop's thread. */
struct insight_task {
	struct app *app;
	const struct environment *environment;	/* holds def */
	const struct marker_def *def;
	const struct series_set *series;
	int64_t time_ns;
	char *source;
	struct marker_set *markers;		/* what came out */
};

static void
insight_work(void *arg)
{
	struct insight_task *t = arg;

	t->markers = insight_markers(t->def, t->series);
}

static void
insight_done(void *arg)
{
	struct insight_task *t = arg;
	struct event ev;

	t->app->n_insight--;
	if (t->markers != NULL && marker_def_of(t->app, t->def->id) != NULL) {
		event_init(&ev, EVENT_MARKERS, t->time_ns, t->source, t->markers);
		app_apply(t->app, &ev);
		event_done(&ev);
	} else {
		block_unref(t->markers);	/* NULL: it was not run, the program ends */
	}
	block_unref(t->series);
	block_unref(t->environment);
	free(t->source);
	free(t);
}

/* A marker's series are not graphed: what they say is when a version changed. */
static void
find_markers(struct app *a, const struct event *series, const struct marker_def *def)
{
	struct insight_task *t = xcalloc(1, sizeof *t);

	*t = (struct insight_task){ .app = a, .environment = block_ref(a->environment), .def = def, .series = block_ref(series->block),
		.time_ns = series->time_ns, .source = xstrdup(series->source) };
	a->n_insight++;
	pool_run(a->insight, insight_work, insight_done, t);
}

void
app_apply(struct app *a, const struct event *ev)
{
	if (ev->kind == EVENT_SERIES) {
		const struct series_set *set = ev->block;
		const struct marker_def *def = marker_def_of(a, set->query);

		if (def != NULL) {
			find_markers(a, ev, def);
			return;
		}
	}
	model_apply(a->model, ev);
	if (ev->kind == EVENT_REGISTRY)
		drifts_look(a->drifts);
	flight_event(a->flight, ev);
	if (a->observer != NULL)
		a->observer(ev, a->observer_arg);
}

void
app_changed(struct app *a)
{
	a->is_changed = true;
}

void
app_observe(struct app *a, sources_event_cb *cb, app_note_cb *note, void *arg)
{
	a->observer = cb;
	a->note = note;
	a->observer_arg = arg;
}

void
app_note(struct app *a, const char *text)
{
	if (a->note != NULL)
		a->note(text, a->observer_arg);
	else
		fprintf(stderr, "opsconsole: %s\n", text);
}

bool
app_slos_settled(const struct app *a)
{
	return slos_is_settled(a->slos) && drifts_is_settled(a->drifts) && logs_is_settled(a->logs);
}

static void
on_event(const struct event *ev, void *arg)
{
	struct app *a = arg;

	if (!past_event(a->past, ev) && !logs_event(a->logs, ev) && !runs_event(a->runs, ev) && !drifts_event(a->drifts, ev) &&
	    !slos_event(a->slos, ev) && !models_event(a->models, ev))
		app_apply(a, ev);
}

/* Ad-hoc queries stand behind the named ones, so that everybody finds their expression in the model. */
static void
add_adhoc(const struct app *a, struct environment *e)
{
	struct query_def *v = arena_alloc(&e->block.arena, (e->n_queries + a->n_adhoc) * sizeof *v);
	size_t n = e->n_queries;

	memcpy(v, e->queries, n * sizeof *v);
	for (size_t i = 0; i < a->n_adhoc; i++) {
		const char *expr = arena_strdup(&e->block.arena, a->adhoc[i].expr);

		const char *title = a->adhoc[i].title != NULL ? arena_strdup(&e->block.arena, a->adhoc[i].title) : expr;

		v[n++] = (struct query_def){
			.id = arena_strdup(&e->block.arena, a->adhoc[i].id), .name = title, .title = title, .expr = expr,
			.unit = a->adhoc[i].slo != NULL ? "ratio" : "none", .objective = NAN,
			.source = arena_strdup(&e->block.arena, a->adhoc[i].source),
			.slo = a->adhoc[i].slo != NULL ? arena_strdup(&e->block.arena, a->adhoc[i].slo) : NULL };
	}
	e->queries = v;
	e->n_queries = n;
}

static void
apply_environment(struct app *a)
{
	struct environment *e = conf_environment_block(a->env);
	struct event ev;

	if (a->n_adhoc > 0)
		add_adhoc(a, e);
	event_init(&ev, EVENT_ENVIRONMENT, clock_now(), "", e);
	block_unref(a->environment);
	a->environment = block_ref(ev.block);
	model_apply(a->model, &ev);
	flight_event(a->flight, &ev);
	event_done(&ev);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void
find_user(struct app *a)
{
	const struct passwd *pw = getpwuid(getuid());

	if (pw != NULL)
		snprintf(a->user, sizeof a->user, "%s", pw->pw_name);
	else
		snprintf(a->user, sizeof a->user, "uid %u", (unsigned)getuid());
}

int
app_open(struct app *a, const struct options *o, struct conf *conf, struct conf_problems *problems, struct err *err)
{
	int r;

	*a = (struct app){ .options = o, .conf = conf };
	find_user(a);
	r = conf_environment(conf, o->environment, &a->env, err);
	if (r < 0)
		goto fail;
	r = loop_new(&a->loop, err);
	if (r < 0)
		goto fail;
	a->pool = pool_new(a->loop, WORKERS);
	a->insight = pool_lane_new(a->pool);
	a->model = model_new((size_t)conf->history_bytes, conf->history_ns);
	apply_environment(a);
	a->span_ns = conf->range_ns;
	a->range.is_live = true;
	app_range_follow(a);
	model_advance(a->model, clock_now());
	r = sources_new(a->loop, a->pool, a->env, conf->in_flight_max, on_event, a, &a->sources, err);
	if (r < 0)
		goto fail;
	a->slos = slos_new(a);
	a->models = models_new(a);
	a->drifts = drifts_new(a);
	a->logs = logs_new(a);
	a->problems = *problems;
	*problems = (struct conf_problems){ 0 };
	return 0;
fail:
	app_close(a);
	return r;
}

void
app_open_runs(struct app *a, const char *mode)
{
	a->trail = trail_new(a, mode);
	a->runs = runs_new(a, strcmp(mode, "console") == 0);
	a->flight = flight_new(a, strcmp(mode, "console") == 0);
	a->anchors = anchors_new(a);
	if (strcmp(mode, "console") == 0) {
		char *log = audit_dir(a->conf->audit.dir);

		a->past = past_new(a);
		a->audit_show = audit_show_new(a, log);
		free(log);
	}
}

int
app_open_replay(struct app *a, const struct options *o, struct conf *conf, struct conf_problems *problems, struct recording *rec, struct err *err)
{
	struct recording_info info;
	char *log;
	int r;

	*a = (struct app){ .options = o, .conf = conf };
	find_user(a);
	recording_info(rec, &info);
	a->replay_env.name = xstrdup(info.env);
	a->env = &a->replay_env;
	r = loop_new(&a->loop, err);
	if (r < 0) {
		recording_free(rec);
		goto fail;
	}
	a->pool = pool_new(a->loop, WORKERS);
	a->insight = pool_lane_new(a->pool);
	a->model = model_new(0, 0);
	a->span_ns = conf->range_ns;
	a->range.is_live = true;
	r = replay_new(a, o, rec, &a->replay, err);
	if (r < 0)
		goto fail;
	log = info.is_packed ? xstrdup(info.path) : audit_dir(conf->audit.dir);
	a->audit_show = audit_show_new(a, log);
	if (!info.is_packed)
		for (size_t i = 0; recording_path(rec, i) != NULL; i++)
			audit_show_recording(a->audit_show, recording_path(rec, i));
	free(log);
	a->problems = *problems;
	*problems = (struct conf_problems){ 0 };
	return 0;
fail:
	app_close(a);
	return r;
}

void
app_start(struct app *a)
{
	models_start(a->models);
	slos_start(a->slos);
	drifts_start(a->drifts);
	logs_start(a->logs);
	app_tell_wants(a);
	sources_start(a->sources);
}

static void
adhoc_done(struct adhoc_query *q)
{
	free(q->id);
	free(q->title);
	free(q->expr);
	free(q->source);
	free(q->slo);
	*q = (struct adhoc_query){ 0 };
}

void
app_close(struct app *a)
{
	runs_free(a->runs);
	a->runs = NULL;
	flight_free(a->flight);	/* the hashes of its last chunks are for the audit log */
	a->flight = NULL;
	trail_free(a->trail);	/* what was told is on disk */
	a->trail = NULL;
	anchors_free(a->anchors);	/* and copied */
	a->anchors = NULL;
	logs_stop(a->logs);
	pool_stop(a->pool);	/* while those whose work it does are there to take it */
	sources_free(a->sources);
	audit_show_free(a->audit_show);
	replay_free(a->replay);
	past_free(a->past);
	pool_lane_free(a->insight);
	slos_free(a->slos);
	drifts_free(a->drifts);
	logs_free(a->logs);
	models_free(a->models);
	pool_free(a->pool);
	for (size_t i = 0; i < a->n_adhoc; i++)
		adhoc_done(&a->adhoc[i]);
	block_unref(a->environment);
	model_free(a->model);
	loop_free(a->loop);
	conf_problems_done(&a->problems);
	conf_free(a->conf);
	free(a->replay_env.name);
	*a = (struct app){ 0 };
}

/* --- time --------------------------------------------------------------------------------------------------------- */

static int64_t
align_up(int64_t t, int64_t step)
{
	return (t + step - 1) / step * step;
}

void
app_range_as_of(struct app *a, int64_t now_ns)
{
	/* In whole steps, so that a graph moves only when there is a point to add. */
	a->range.end_ns = align_up(now_ns, app_range_resolution(a));
	a->range.cursor_ns = a->range.end_ns;
	a->range.start_ns = a->range.end_ns - a->span_ns;
}

void
app_range_follow(struct app *a)
{
	if (a->range.is_live)
		app_range_as_of(a, clock_now());
}

void
app_range_span_set(struct app *a, int64_t span_ns)
{
	a->span_ns = span_ns < SPAN_MIN ? SPAN_MIN : span_ns > SPAN_MAX ? SPAN_MAX : span_ns;
}

/* Who works out a past of their own. */
static void
tell_range(struct app *a)
{
	slos_range(a->slos);
	drifts_range(a->drifts);
	logs_range(a->logs);
}

void
app_range_live(struct app *a)
{
	a->range.is_live = true;
	app_range_follow(a);
	past_range(a->past);
	app_tell_wants(a);
	tell_range(a);
}

void
app_range_span(struct app *a, int64_t span_ns)
{
	int64_t cursor = a->range.cursor_ns;

	app_range_span_set(a, span_ns);
	if (a->range.is_live) {
		app_range_live(a);
		return;
	}
	a->range.start_ns = a->range.end_ns - a->span_ns;
	app_range_jump(a, cursor);
	app_tell_wants(a);
}

void
app_range_jump(struct app *a, int64_t cursor_ns)
{
	int64_t step = app_range_resolution(a);

	if (cursor_ns >= clock_now()) {
		app_range_live(a);
		return;
	}
	if (cursor_ns < a->range.start_ns || cursor_ns > a->range.end_ns) {
		a->range.end_ns = align_up(cursor_ns + a->span_ns / 2, step);
		if (a->range.end_ns > align_up(clock_now(), step))
			a->range.end_ns = align_up(clock_now(), step);
		a->range.start_ns = a->range.end_ns - a->span_ns;
	}
	a->range.is_live = false;
	a->range.cursor_ns = cursor_ns;
	past_range(a->past);
	app_tell_wants(a);	/* what has not changed is not asked again */
	tell_range(a);
}

void
app_range_step(struct app *a, int n)
{
	int64_t step = app_range_resolution(a);
	int64_t from = a->range.is_live ? clock_now() / step * step : a->range.cursor_ns;

	app_range_jump(a, from + n * step);
}

/* --- ad-hoc queries ----------------------------------------------------------------------------------------------- */

static const char *
first_metrics_source(const struct app *a)
{
	for (size_t i = 0; i < a->env->n_sources; i++) {
		const struct source_ops *ops = source_ops_find(a->env->sources[i].type);

		if (ops != NULL && ops->query != NULL)
			return a->env->sources[i].name;
	}
	return NULL;
}

/* slo NULL: a query of its own. title NULL: the expression. */
static const char *
graph_adhoc(struct app *a, const char *title, const char *expr, const char *source, const char *slo)
{
	struct adhoc_query *q;

	for (size_t i = 0; i < a->n_adhoc; i++)
		if (str_eq(a->adhoc[i].expr, expr) && str_eq(a->adhoc[i].source, source) && str_eq(a->adhoc[i].slo, slo))
			return a->adhoc[i].id;
	if (a->n_adhoc == ADHOC_MAX) {
		adhoc_done(&a->adhoc[0]);
		memmove(&a->adhoc[0], &a->adhoc[1], (ADHOC_MAX - 1) * sizeof a->adhoc[0]);
		a->n_adhoc--;
	}
	q = &a->adhoc[a->n_adhoc++];
	*q = (struct adhoc_query){
		.id = xasprintf("adhoc:%u", ++a->adhoc_made), .title = title != NULL ? xstrdup(title) : NULL, .expr = xstrdup(expr),
		.source = xstrdup(source), .slo = slo != NULL ? xstrdup(slo) : NULL };
	apply_environment(a);
	app_tell_wants(a);
	return q->id;
}

const char *
app_query(struct app *a, const char *expr, const char *source)
{
	if (source == NULL)
		source = first_metrics_source(a);
	return source != NULL ? graph_adhoc(a, NULL, expr, source, NULL) : NULL;
}

/* One line a window. */
static void
add_windows(struct buf *out, const struct slo_def *def, const struct slo_terms *terms)
{
	int64_t windows[2] = { def->resolution_ns, 0 };
	char name[DURATION_TEXT_MAX];

	if (def->n_rules > 0) {
		windows[0] = def->rules[0].short_ns;
		windows[1] = def->rules[0].long_ns;
	}
	for (size_t i = 0; i < 2; i++) {
		if (windows[i] == 0)
			continue;
		buf_addstr(out, out->len > 0 ? " or label_replace(" : "label_replace(");
		slo_ratio_expr(out, terms, windows[i]);
		buf_printf(out, ", \"window\", \"%s\", \"\", \"\")", duration_format(name, windows[i]));
	}
}

const char *
app_query_slo(struct app *a, const char *slo, struct err *err)
{
	const struct slo_def *def = slos_find(a->slos, slo);
	struct arena arena = { 0 };
	struct slo_terms terms;
	const char *id = NULL;
	struct buf expr;

	if (def == NULL) {
		err_set(err, ERR_NOTFOUND, "this objective is not there any more");
		return NULL;
	}
	buf_init(&expr, EXPR_MAX);
	if (slo_terms(def, &arena, &terms, err) == 0) {
		char *title = xasprintf("%s / error ratio", *def->title != '\0' ? def->title : def->name);

		add_windows(&expr, def, &terms);
		id = graph_adhoc(a, title, expr.data, def->source, def->id);
		free(title);
	}
	buf_done(&expr);
	arena_done(&arena);
	return id;
}
