#include "config.h"

#include "drifts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_drift.h"
#include "conf/conf_owner.h"
#include "insight/drift_book.h"

enum { PROFILE_MAX = 1 << 20, PATH_BYTES = 2048 };
#define CURSOR_REST (150 * NS_PER_MS)	/* a cursor that is being moved is not asked for at every stop */
#define PROFILE_AGAIN (60 * NS_PER_S)	/* after one could not be read */

enum input_kind { INPUT_ANSWER, INPUT_FAILED, INPUT_SERVING, INPUT_PROFILE };
struct input {				/* what the book is told, in order; it may be in a worker's hands when it comes */
	STAILQ_ENTRY(input) next;
	enum input_kind kind;
	const struct series_set *series;
	char *id;			/* query or model */
	size_t leader;			/* of the definitions that a profile is for */
	char *text, *why;		/* error; profile or why there is none; version and the one before */
	size_t len;
	long http_status;
};
STAILQ_HEAD(inputs, input);

struct serving_now {			/* as the book was last told, by definition */
	char *version, *previous;
	size_t leader;			/* the first definition with the same profile, which reads it for all */
	char *profile_of;		/* version whose profile was asked for; NULL: none yet */
	int64_t again_ns;		/* monotonic: not before; 0: it is there */
	struct fetch_profile *fetch;	/* under way; NULL: none */
};

struct drifts {
	struct app *app;
	struct drift_book *book;	/* in the worker while is_busy */
	struct drift_def_set *defs;
	struct serving_now *now;	/* one for each definition */
	struct inputs inputs;
	struct loop_timer *timer, *cursor;
	int64_t past_ns;
	struct arena arena;		/* of the wants */
	struct query_want *wants;
	size_t n_wants;
	bool is_busy, is_settled, is_started;
};

static void work(struct drifts *d);

/* --- what the book is told ----------------------------------------------------------------------------------------------- */

static struct input *
add_input(struct drifts *d, enum input_kind kind, const char *id)
{
	struct input *in = xcalloc(1, sizeof *in);

	in->kind = kind;
	in->id = id != NULL ? xstrdup(id) : NULL;
	STAILQ_INSERT_TAIL(&d->inputs, in, next);
	return in;
}

static void
input_free(struct input *in)
{
	block_unref(in->series);
	free(in->id);
	free(in->text);
	free(in->why);
	free(in);
}

static void
inputs_done(struct inputs *v)
{
	struct input *in;

	while ((in = STAILQ_FIRST(v)) != NULL) {
		STAILQ_REMOVE_HEAD(v, next);
		input_free(in);
	}
}

/* What is wrong with it, its definitions say. */
static void
tell_profile(const struct drifts *d, const struct input *in)
{
	struct err err = ERR_INIT;

	for (size_t i = in->leader; i < d->defs->n; i++)
		if (d->now[i].leader == in->leader)
			drift_book_profile(d->book, d->defs->v[i].id, in->text, in->len, in->why, &err);
}

static void
tell_book(const struct drifts *d, const struct input *in)
{
	struct drift_book *b = d->book;

	switch (in->kind) {
	case INPUT_ANSWER: drift_book_answer(b, in->series); break;
	case INPUT_FAILED: drift_book_failed(b, in->id, in->http_status, in->why); break;
	case INPUT_SERVING: drift_book_serving(b, in->id, in->text, in->why); break;
	case INPUT_PROFILE: tell_profile(d, in); break;
	}
}

/* --- a round, in a worker --------------------------------------------------------------------------------------------------- */

struct task {
	struct drifts *drifts;
	struct inputs inputs;
	int64_t now_ns, past_ns, due_ns;
	bool was_run, has_asks, is_settled;
	struct event_list events;
	struct arena arena;
	struct query_want *wants;
	size_t n_wants;
};

static void
copy_asks(struct task *t, struct drift_book *b)
{
	const struct drift_ask *asks;

	t->n_wants = drift_book_asks(b, &asks);
	t->wants = arena_alloc(&t->arena, (t->n_wants + 1) * sizeof *t->wants);
	for (size_t i = 0; i < t->n_wants; i++)
		t->wants[i] = (struct query_want){ .id = arena_strdup(&t->arena, asks[i].id), .source = arena_strdup(&t->arena, asks[i].source),
			.expr = arena_strdup(&t->arena, asks[i].expr), .at_ns = asks[i].at_ns };
}

static void
round_work(void *arg)
{
	struct task *t = arg;
	struct drift_book *b = t->drifts->book;
	const struct input *in;

	t->was_run = true;
	STAILQ_FOREACH(in, &t->inputs, next)
		tell_book(t->drifts, in);
	drift_book_at(b, t->past_ns);
	drift_book_turn(b, t->now_ns);
	drift_book_take(b, &t->events);
	copy_asks(t, b);
	t->due_ns = drift_book_due_ns(b);
	t->is_settled = drift_book_is_settled(b);
}

static void
round_done(void *arg)
{
	struct task *t = arg;
	struct drifts *d = t->drifts;

	d->is_busy = false;
	if (t->was_run) {
		arena_done(&d->arena);
		d->arena = t->arena;
		d->wants = t->wants;
		d->n_wants = t->n_wants;
		d->is_settled = t->is_settled;
		for (size_t i = 0; i < t->events.n; i++)
			app_apply(d->app, &t->events.v[i]);
		app_tell_wants(d->app);
		if (t->due_ns != INT64_MAX)
			loop_timer_in(d->timer, t->due_ns > clock_now() ? t->due_ns - clock_now() : 0);
		/* What came meanwhile: answers, or another time at the cursor. */
		if (!STAILQ_EMPTY(&d->inputs) || d->past_ns != t->past_ns)
			work(d);
	}
	event_list_done(&t->events);
	inputs_done(&t->inputs);
	free(t);
}

static void
work(struct drifts *d)
{
	struct task *t;

	if (d->is_busy)
		return;
	d->is_busy = true;
	t = xcalloc(1, sizeof *t);
	t->drifts = d;
	STAILQ_INIT(&t->inputs);
	STAILQ_CONCAT(&t->inputs, &d->inputs);
	t->now_ns = clock_now();
	t->past_ns = d->past_ns;
	pool_run(d->app->insight, round_work, round_done, t);
}

static void
on_timer(void *arg)
{
	work(arg);
}

/* --- training profiles --------------------------------------------------------------------------------------------------------- */

static void
give_profile(struct drifts *d, size_t i, const char *text, size_t len, const char *why)
{
	struct input *in = add_input(d, INPUT_PROFILE, NULL);

	in->leader = i;
	if (text != NULL) {
		in->text = xmalloc(len + 1);
		memcpy(in->text, text, len);
		in->text[len] = '\0';
		in->len = len;
	}
	in->why = why != NULL ? xstrdup(why) : NULL;
	d->now[i].again_ns = text == NULL ? clock_mono() + PROFILE_AGAIN : 0;
	work(d);
}

static void
profile_from_file(struct drifts *d, size_t i)
{
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, PROFILE_MAX);
	if (conf_owner_read(d->defs->v[i].profile, &b, &err) < 0)
		give_profile(d, i, NULL, 0, err.msg);
	else
		give_profile(d, i, b.data, b.len, NULL);
	buf_done(&b);
}

static void
profile_from_tag(struct drifts *d, size_t i, const struct reg_version *v, const char *tag)
{
	const char *text = labels_get(&v->tags, tag);
	char why[200];

	if (text == NULL)
		text = labels_get(&v->params, tag);
	snprintf(why, sizeof why, "version %s has no tag %s in the registry", v->version, tag);
	give_profile(d, i, text, text != NULL ? strlen(text) : 0, text == NULL ? why : NULL);
}

struct fetch_profile {
	struct drifts *drifts;
	size_t i;
	char *version;
};

static void
fetch_done(struct serving_now *now)
{
	if (now->fetch != NULL)
		free(now->fetch->version);
	free(now->fetch);
	now->fetch = NULL;
}

static void
on_artifact(const struct write_result *result, void *arg)
{
	struct fetch_profile *f = arg;
	struct drifts *d = f->drifts;
	char why[700];

	if (str_eq(d->now[f->i].profile_of, f->version)) {
		if (result->err.code != 0)
			snprintf(why, sizeof why, "the training profile could not be read: %s", result->err.msg);
		else
			snprintf(why, sizeof why, "the registry has no artifact %s for version %s (HTTP %ld)",
			    d->defs->v[f->i].profile + strlen("artifact:"), f->version, result->answer.status);
		if (result->err.code == 0 && result->answer.status == 200)
			give_profile(d, f->i, result->body, result->len, NULL);
		else
			give_profile(d, f->i, NULL, 0, why);
	}
	fetch_done(&d->now[f->i]);
}

/* As MLflow's own web pages ask for it; works with a tracking server that serves artifacts. */
static void
profile_from_artifact(struct drifts *d, size_t i, const struct model_def *model, const struct reg_version *v, const char *path)
{
	struct fetch_profile *f;
	struct err err = ERR_INIT;
	struct request r;
	struct buf url;

	if (*v->run == '\0') {
		give_profile(d, i, NULL, 0, "this version names no training run, so that its artifact cannot be found");
		return;
	}
	buf_init(&url, PATH_BYTES);
	buf_addstr(&url, "/get-artifact?");
	request_add_form(&url, "run_uuid", v->run);
	buf_addch(&url, '&');
	request_add_form(&url, "path", path);
	request_init(&r, "GET");
	r.path = buf_take(&url, NULL);
	buf_done(&url);
	f = xcalloc(1, sizeof *f);
	*f = (struct fetch_profile){ .drifts = d, .i = i, .version = xstrdup(v->version) };
	d->now[i].fetch = f;
	if (sources_write(d->app->sources, model->registry, &r, on_artifact, f, &err) < 0) {
		fetch_done(&d->now[i]);
		give_profile(d, i, NULL, 0, err.msg);
	}
	request_done(&r);
}

static bool
has_profile(const struct drift_def *def)
{
	return def->reference == DRIFT_FROM_PROFILE && def->profile != NULL;
}

/* A profile of a thousand features is read once, not a thousand times. */
static void
find_leaders(struct drifts *d)
{
	const struct drift_def *v = d->defs->v;

	for (size_t i = 0; i < d->defs->n; i++) {
		size_t k = 0;

		while (k < i && !(has_profile(&v[k]) && has_profile(&v[i]) && str_eq(v[k].profile, v[i].profile) && str_eq(v[k].model, v[i].model)))
			k++;
		d->now[i].leader = k;
	}
}

static void
want_profile(struct drifts *d, size_t i, const struct model_model *m)
{
	const struct drift_def *def = &d->defs->v[i];
	struct serving_now *now = &d->now[i];
	const char *version = m->wanted != NULL ? m->wanted->version : "";

	if (!has_profile(def) || now->leader != i || now->fetch != NULL)
		return;
	if (str_eq(now->profile_of, version) && (now->again_ns == 0 || clock_mono() < now->again_ns))
		return;
	if (def->profile[0] != '/' && m->wanted == NULL)
		return;		/* its version is not known yet: the definition says so */
	free(now->profile_of);
	now->profile_of = xstrdup(version);
	if (str_has_prefix(def->profile, "tag:"))
		profile_from_tag(d, i, m->wanted, def->profile + strlen("tag:"));
	else if (str_has_prefix(def->profile, "artifact:"))
		profile_from_artifact(d, i, m->def, m->wanted, def->profile + strlen("artifact:"));
	else
		profile_from_file(d, i);
}

/* --- which version serves --------------------------------------------------------------------------------------------------------- */

static void
tell_serving(struct drifts *d, size_t i, const struct model_model *m)
{
	struct serving_now *now = &d->now[i];
	const char *version = m->wanted != NULL ? m->wanted->version : "", *previous = m->previous != NULL ? m->previous : "";
	struct input *in;

	if (str_eq(now->version, version) && str_eq(now->previous, previous))
		return;
	free(now->version);
	free(now->previous);
	now->version = xstrdup(version);
	now->previous = xstrdup(previous);
	in = add_input(d, INPUT_SERVING, d->defs->v[i].model);
	in->text = xstrdup(version);
	in->why = xstrdup(previous);
	work(d);
}

void
drifts_look(struct drifts *d)
{
	if (d == NULL || !d->is_started)
		return;
	for (size_t i = 0; i < d->defs->n; i++) {
		const struct model_model *m = model_model_find(d->app->model, d->defs->v[i].model);

		if (m == NULL)
			continue;
		tell_serving(d, i, m);
		want_profile(d, i, m);
	}
}

/* --- events, time ------------------------------------------------------------------------------------------------------------------ */

bool
drifts_event(struct drifts *d, const struct event *ev)
{
	const struct source_report *report = ev->block;
	const struct series_set *set = ev->block;
	struct input *in;

	if (d == NULL)
		return false;
	if (ev->kind == EVENT_SERIES && str_has_prefix(set->query, DRIFT_ASK_PREFIX)) {
		in = add_input(d, INPUT_ANSWER, NULL);
		in->series = block_ref(set);
		work(d);
		return true;
	}
	if (ev->kind != EVENT_SOURCE_REPORT || !str_has_prefix(report->what, DRIFT_ASK_PREFIX))
		return false;
	if (!report->is_ok) {
		in = add_input(d, INPUT_FAILED, report->what);
		in->why = xstrdup(report->error);
		in->http_status = report->http_status;
		work(d);
	}
	return true;
}

static void
on_cursor(void *arg)
{
	struct drifts *d = arg;

	d->past_ns = d->app->range.is_live ? 0 : d->app->range.cursor_ns;
	work(d);
}

void
drifts_range(struct drifts *d)
{
	if (d != NULL && d->is_started && d->past_ns != (d->app->range.is_live ? 0 : d->app->range.cursor_ns))
		loop_timer_in(d->cursor, CURSOR_REST);
}

size_t
drifts_wants(const struct drifts *d, const struct query_want **ret)
{
	*ret = d != NULL ? d->wants : NULL;
	return d != NULL ? d->n_wants : 0;
}

bool
drifts_is_settled(const struct drifts *d)
{
	if (d == NULL)
		return true;
	for (size_t i = 0; i < d->defs->n; i++)
		if (d->now[i].fetch != NULL)
			return false;
	return d->is_settled && !d->is_busy && STAILQ_EMPTY(&d->inputs);
}

/* --- life ------------------------------------------------------------------------------------------------------------------------------ */

struct drifts *
drifts_new(struct app *a)
{
	struct drift_def_set *defs = conf_drifts(a->env);
	struct drifts *d;

	if (defs->n == 0) {
		block_unref(defs);
		return NULL;
	}
	d = xcalloc(1, sizeof *d);
	d->app = a;
	d->defs = defs;
	d->now = xcalloc(defs->n, sizeof *d->now);
	find_leaders(d);
	STAILQ_INIT(&d->inputs);
	d->book = drift_book_new();
	drift_book_every(d->book, a->env->drift_interval_ns);
	drift_book_define(d->book, defs);
	d->timer = loop_timer_new(a->loop, on_timer, d);
	d->cursor = loop_timer_new(a->loop, on_cursor, d);
	return d;
}

void
drifts_start(struct drifts *d)
{
	struct event ev;

	if (d == NULL)
		return;
	event_init(&ev, EVENT_DRIFT_DEFS, clock_now(), "", block_ref(d->defs));
	app_apply(d->app, &ev);
	event_done(&ev);
	d->is_started = true;
	drifts_look(d);
	work(d);
}

/* Nothing of it is in the pool any more. */
void
drifts_free(struct drifts *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->defs->n; i++) {
		free(d->now[i].version);
		free(d->now[i].previous);
		free(d->now[i].profile_of);
		fetch_done(&d->now[i]);		/* its answer will not come any more */
	}
	free(d->now);
	inputs_done(&d->inputs);
	arena_done(&d->arena);
	drift_book_free(d->book);
	block_unref(d->defs);
	loop_timer_free(d->timer);
	loop_timer_free(d->cursor);
	free(d);
}
