#include "config.h"

#include "runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "audit/reader.h"
#include "base/clock.h"
#include "base/state.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_find.h"
#include "runbook/lock.h"

#define ASK_PREFIX "run:"		/* ids of the queries of runs */
#define ASK_TIMEOUT (15 * NS_PER_S)
#define LIMIT_SETS 64

enum { PAST_MAX = 50, PLANS_MAX = 8, RUNS_MAX = 32 };

struct world_ask {			/* one instant query */
	LIST_ENTRY(world_ask) next;
	struct runs *runs;
	char *id, *source, *expr;
	int64_t at_ns;
	world_series_cb *cb;
	void *arg;
	struct loop_timer *timeout;
};

struct one_run {
	TAILQ_ENTRY(one_run) next;
	struct run *run;
	struct run_request request;	/* its strings are in text */
	struct run_set *sets;
	char **text;
	size_t n_text;
	run_notice_cb *notice;
	void *arg;
	struct runs *runs;
	bool is_detached;
};

struct runs {
	struct app *app;
	bool is_interactive;
	struct run_world world;
	char *state_dir;
	struct ssh *ssh;
	struct runbooks books;
	struct runbooks *old_books;	/* read before; runs may still be of them */
	size_t n_old_books;
	uint64_t books_stamp;
	TAILQ_HEAD(one_run_list, one_run) runs;	/* newest first */
	LIST_HEAD(, world_ask) asks;
	unsigned n_asked;
	struct query_want *wants;
	size_t n_wants;
	struct past_run *past;		/* strings point into past_runs */
	struct audit_run *past_runs;
	size_t n_past;
	struct past_task *reading_past;
	bool is_past_stale;		/* something was recorded while it was read */
	char *told_left;		/* run whose missing end was told */
	ssh_passphrase_cb *ask_passphrase;
	void *ask_arg;
};

/* --- the world: queries ----------------------------------------------------------------------------------------------- */

static void
ask_free(struct world_ask *ask)
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

	ask_free(ask);
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

static struct world_ask *
world_query(void *arg, const char *source, const char *expr, world_series_cb *cb, void *cb_arg)
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

static void
world_query_cancel(void *arg, struct world_ask *ask)
{
	struct runs *r = arg;

	if (ask == NULL)
		return;
	ask_free(ask);
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

/* --- the world: the rest ------------------------------------------------------------------------------------------------- */

static const struct model *
world_model(void *arg)
{
	return ((struct runs *)arg)->app->model;
}

static int
world_write(void *arg, const char *source, const struct request *request, sources_write_cb *cb, void *cb_arg, struct err *err)
{
	return sources_write(((struct runs *)arg)->app->sources, source, request, cb, cb_arg, err);
}

static void
world_poll_now(void *arg, const char *source, const char *what)
{
	struct app *a = ((struct runs *)arg)->app;

	if (source != NULL) {
		sources_poll_now(a->sources, source, what);
		return;
	}
	for (size_t i = 0; i < a->env->n_sources; i++)
		sources_poll_now(a->sources, a->env->sources[i].name, what);
}

static void
world_apply(void *arg, const struct event *ev)
{
	app_apply(((struct runs *)arg)->app, ev);
}

/* --- life --------------------------------------------------------------------------------------------------------------------- */

static int
open_ssh(struct runs *r, struct err *err)
{
	const struct conf_ssh *c = &r->app->conf->ssh;
	const struct ssh_options o = {
		.config = c->config, .transport = (enum ssh_transport)c->transport, .connect_ns = c->connect_ns,
		.idle_ns = r->is_interactive ? c->idle_ns : 0, .connecting_max = (unsigned)c->connecting_max,
		.output_max = (size_t)c->output_max, .state_dir = c->state_dir };

	if (r->ssh != NULL)
		return 0;
	if (ssh_new(r->app->loop, &o, &r->ssh, err) < 0)
		return err->code;
	r->world.ssh = r->ssh;
	if (r->ask_passphrase != NULL)
		ssh_on_passphrase(r->ssh, r->ask_passphrase, r->ask_arg);
	return 0;
}

struct runs *
runs_new(struct app *a, bool is_interactive)
{
	struct runs *r = xcalloc(1, sizeof *r);

	r->app = a;
	r->is_interactive = is_interactive;
	TAILQ_INIT(&r->runs);
	LIST_INIT(&r->asks);
	r->state_dir = state_dir();
	r->world = (struct run_world){
		.loop = a->loop, .conf = a->conf, .env = a->env, .user = a->user, .state_dir = r->state_dir, .lane = a->insight, .arg = r,
		.model = world_model, .query = world_query, .query_cancel = world_query_cancel, .write = world_write, .poll_now = world_poll_now,
		.apply = world_apply };
	return r;
}

static void
one_run_free(struct one_run *o)
{
	TAILQ_REMOVE(&o->runs->runs, o, next);
	run_free(o->run);
	for (size_t i = 0; i < o->n_text; i++)
		free(o->text[i]);
	free(o->text);
	free(o->sets);
	free(o);
}

struct past_task {
	struct runs *runs;	/* NULL: they are gone */
	char *dir, *env, *lock_dir, *state_dir;	/* lock_dir as configured */
	struct audit_run *v;
	size_t n;
	bool is_left;		/* the newest has no end recorded, and nobody is at it */
	int r;
};

static void
drop_old_books(struct runs *r)
{
	for (size_t i = 0; i < r->n_old_books; i++)
		runbooks_done(&r->old_books[i]);
	free(r->old_books);
	r->old_books = NULL;
	r->n_old_books = 0;
}

void
runs_free(struct runs *r)
{
	struct one_run *o;
	struct world_ask *ask;

	if (r == NULL)
		return;
	while ((o = TAILQ_FIRST(&r->runs)) != NULL)
		one_run_free(o);
	while ((ask = LIST_FIRST(&r->asks)) != NULL)
		ask_free(ask);
	if (r->reading_past != NULL)
		r->reading_past->runs = NULL;
	ssh_free(r->ssh);
	runbooks_done(&r->books);
	drop_old_books(r);
	audit_runs_free(r->past_runs, r->n_past);
	free(r->past);
	free(r->wants);
	free(r->told_left);
	free(r->state_dir);
	free(r);
}

/* --- what can be run, and what was ------------------------------------------------------------------------------------------ */

static void
tell_books(struct runs *r)
{
	struct event ev;

	event_init(&ev, EVENT_RUNBOOKS, clock_now(), "", runbooks_event(&r->books, r->app->env, r->past, r->n_past));
	app_apply(r->app, &ev);
	event_done(&ev);
}

/* Nobody holds a lock that the run would hold. Which parameter was its model is not recorded: each may be. */
static bool
is_unlocked(const struct past_task *t, const struct audit_run *run)
{
	const json_t *hosts = json_object_get(run->start, "hosts"), *v;
	json_t *params = json_object_get(run->start, "params");
	const char **targets = xcalloc(json_array_size(hosts) + json_object_size(params) + 1, sizeof *targets), *name;
	struct lock_place place;
	size_t n = 0, n_hosts, i;
	struct err err = ERR_INIT;
	int r;

	json_array_foreach(hosts, i, v)
		if (json_is_string(v))
			targets[n++] = json_string_value(v);
	n_hosts = n;
	targets[n++] = xasprintf("run:%s", run->runbook);
	json_object_foreach(params, name, v)
		if (json_is_string(v))
			targets[n++] = xasprintf("run:%s", json_string_value(v));
	r = lock_place_find(t->lock_dir, t->state_dir, &place, &err);
	if (r == 0) {
		r = lock_place_look(&place, t->env, targets, n, &err);
		lock_place_done(&place);
	}
	for (i = n_hosts; i < n; i++)
		free((char *)(uintptr_t)targets[i]);
	free(targets);
	return r == 0;
}

/* Twice where the newest has no end: it may have ended between the look at the log and that at its locks. */
static void
past_work(void *arg)
{
	struct past_task *t = arg;
	struct err err = ERR_INIT;

	for (int i = 0; i < 2; i++) {
		audit_runs_free(t->v, t->n);
		t->v = NULL;
		t->n = 0;
		t->r = audit_runs(t->dir, t->env, NULL, PAST_MAX, &t->v, &t->n, &err);
		if (t->r < 0 || t->n == 0 || t->v[0].ended_ns != 0 || (i == 0 && !is_unlocked(t, &t->v[0])))
			return;
	}
	t->is_left = true;
}

/* Once a run: after kill -9 or a power cut nobody else says so. */
static void
tell_left(struct runs *r, const struct audit_run *run)
{
	char *text;

	if (str_eq(r->told_left, run->run))
		return;
	free(r->told_left);
	r->told_left = xstrdup(run->run);
	text = xasprintf("run %s of %s has no end recorded: opsconsole --runbook %s --resume %s finds out", run->run, run->runbook, run->runbook,
	    run->run);
	app_note(r->app, text);
	free(text);
}

static void read_past(struct runs *r);

static void
past_done(void *arg)
{
	struct past_task *t = arg;
	struct runs *r = t->runs;

	if (r != NULL)
		r->reading_past = NULL;
	if (r == NULL) {
		audit_runs_free(t->v, t->n);
	} else if (t->r == 0) {
		audit_runs_free(r->past_runs, r->n_past);
		r->past_runs = t->v;
		r->n_past = t->n;
		r->past = xreallocarray(r->past, t->n + 1, sizeof *r->past);
		for (size_t i = 0; i < t->n; i++)
			r->past[i] = (struct past_run){ .run = t->v[i].run, .runbook = t->v[i].runbook, .target = t->v[i].target != NULL ? t->v[i].target : "",
				.outcome = t->v[i].outcome, .user = t->v[i].user, .started_ns = t->v[i].started_ns, .ended_ns = t->v[i].ended_ns,
				.is_verified = t->v[i].is_verified, .is_left = i == 0 && t->is_left };
		tell_books(r);
		if (t->is_left)
			tell_left(r, &r->past_runs[0]);
	}
	if (r != NULL && r->is_past_stale)
		read_past(r);
	free(t->lock_dir);
	free(t->state_dir);
	free(t->dir);
	free(t->env);
	free(t);
}

static void
read_past(struct runs *r)
{
	struct past_task *t;

	r->is_past_stale = r->reading_past != NULL;
	if (r->is_past_stale)
		return;
	t = r->reading_past = xcalloc(1, sizeof *t);
	*t = (struct past_task){ .runs = r, .dir = audit_dir(r->app->conf->audit.dir), .env = xstrdup(r->app->env->name), .r = ERR_CANCELLED,
		.lock_dir = xstrdup_or_null(r->app->conf->lock_dir), .state_dir = xstrdup(r->state_dir) };
	pool_run(r->app->insight, past_work, past_done, t);
}

static void
stamp_add(uint64_t *stamp, const char *path)
{
	struct stat st;
	int64_t v[2] = { 0, 0 };

	if (stat(path, &st) == 0) {
		v[0] = st.st_mtim.tv_sec;
		v[1] = st.st_mtim.tv_nsec;
	}
	*stamp = str_hash((const char *)v, sizeof v, *stamp);
}

/* Another one when a folder of runbooks, or a file in it, was changed. */
static uint64_t
books_stamp(const struct runs *r)
{
	char *const *folders = r->app->conf->runbooks;
	char *user = conf_user_path(), *slash = user != NULL ? strrchr(user, '/') : NULL;
	uint64_t stamp = STR_HASH_SEED;

	for (size_t i = 0; folders != NULL && folders[i] != NULL; i++)
		stamp_add(&stamp, folders[i]);
	if (slash != NULL) {
		char *folder = xasprintf("%.*s/runbooks", (int)(slash - user), user);

		stamp_add(&stamp, folder);
		free(folder);
	}
	free(user);
	for (size_t i = 0; i < r->books.n; i++)
		stamp_add(&stamp, r->books.v[i]->file);
	for (size_t i = 0; i < r->books.n_broken; i++)
		stamp_add(&stamp, r->books.broken[i].file);
	return stamp;
}

void
runs_start(struct runs *r)
{
	struct err err = ERR_INIT;

	if (runbooks_read(r->app->conf, r->app->env, &r->books, &err) < 0)
		app_note(r->app, err.msg);
	r->books_stamp = books_stamp(r);
	tell_books(r);
	if (r->is_interactive)
		read_past(r);
}

/* Runs and plans are of the runbooks that they began with. */
static void
read_books_again(struct runs *r)
{
	struct runbooks books = { 0 };
	struct err err = ERR_INIT;

	if (runbooks_read(r->app->conf, r->app->env, &books, &err) < 0) {
		app_note(r->app, err.msg);
		return;
	}
	if (TAILQ_EMPTY(&r->runs)) {
		drop_old_books(r);
		runbooks_done(&r->books);
	} else {
		r->old_books = xreallocarray(r->old_books, r->n_old_books + 1, sizeof *r->old_books);
		r->old_books[r->n_old_books++] = r->books;
	}
	r->books = books;
	r->books_stamp = books_stamp(r);
	tell_books(r);
}

void
runs_look_again(struct runs *r, bool is_log_new)
{
	if (r == NULL || !r->is_interactive)
		return;
	if (books_stamp(r) != r->books_stamp)
		read_books_again(r);
	if (is_log_new)
		read_past(r);
}

void
runs_refresh(struct runs *r)
{
	read_books_again(r);
	read_past(r);
}

const struct runbooks *
runs_books(const struct runs *r)
{
	return &r->books;
}

/* --- runs ---------------------------------------------------------------------------------------------------------------------- */

static bool
is_acting(const struct run *run)
{
	switch (run_state(run)) {
	case RUN_PLANNING:
	case RUN_PLANNED:
	case RUN_REFUSED:
	case RUN_ENDED:
		return false;
	default:
		return true;
	}
}

size_t
runs_acting(const struct runs *r)
{
	const struct one_run *o;
	size_t n = 0;

	if (r == NULL)
		return 0;
	TAILQ_FOREACH(o, &r->runs, next)
		n += is_acting(o->run);
	return n;
}

static bool
is_only_a_plan(const struct run *run)
{
	return run_info(run)->started_ns == 0;
}

/* The oldest make room: plans that nobody confirmed soon, runs late, as they are there to be tried again and undone. */
static void
drop_old(struct runs *r, bool is_plan, unsigned max)
{
	struct one_run *o, *before;
	unsigned n = 0;

	TAILQ_FOREACH(o, &r->runs, next)
		n += is_only_a_plan(o->run) == is_plan;
	for (o = TAILQ_LAST(&r->runs, one_run_list); o != NULL && n >= max; o = before) {
		before = TAILQ_PREV(o, one_run_list, next);
		if (!is_acting(o->run) && is_only_a_plan(o->run) == is_plan) {
			one_run_free(o);
			n--;
		}
	}
}

static const char *
keep(struct one_run *o, const char *text)
{
	if (text == NULL)
		return NULL;
	o->text = xreallocarray(o->text, o->n_text + 1, sizeof *o->text);
	return o->text[o->n_text++] = xstrdup(text);
}

static void
on_notice(struct run *run, const struct run_notice *n, void *arg)
{
	struct one_run *o = arg;

	if (n->kind == NOTICE_END && o->runs->is_interactive)
		read_past(o->runs);
	if (o->notice != NULL)
		o->notice(run, n, o->arg);
}

int
runs_begin(struct runs *r, const struct run_request *q, run_notice_cb *notice, void *arg, struct run **ret, struct err *err)
{
	struct one_run *o;
	int rc;

	rc = open_ssh(r, err);
	if (rc < 0)
		return rc;
	/* Nothing is written before the first record: a dry run only looks whether it could be. */
	r->world.audit = trail_audit(r->app->trail, err);
	if (r->world.audit == NULL && !q->is_dry_run)
		return err->code;
	drop_old(r, true, PLANS_MAX);
	drop_old(r, false, RUNS_MAX);
	o = xcalloc(1, sizeof *o);
	o->runs = r;
	o->notice = notice;
	o->arg = arg;
	o->request = *q;
	o->sets = xcalloc(q->n_sets + 1, sizeof *o->sets);
	for (size_t i = 0; i < q->n_sets; i++)
		o->sets[i] = (struct run_set){ .name = keep(o, q->sets[i].name), .value = keep(o, q->sets[i].value), .from = keep(o, q->sets[i].from) };
	o->request.sets = o->sets;
	o->request.limit = keep(o, q->limit);
	o->request.id = keep(o, q->id);
	o->request.incident = keep(o, q->incident);
	o->request.alert = keep(o, q->alert);
	o->request.resume = keep(o, q->resume);
	TAILQ_INSERT_HEAD(&r->runs, o, next);
	rc = run_new(&r->world, &o->request, on_notice, o, &o->run, err);
	if (rc < 0) {
		one_run_free(o);
		return rc;
	}
	if (ret != NULL)
		*ret = o->run;
	return 0;
}

/* --- what the operator asks for ------------------------------------------------------------------------------------------------ */

static struct run *
find_run(struct runs *r, const char *id, struct err *err)
{
	struct one_run *o;
	char shown[128];

	TAILQ_FOREACH(o, &r->runs, next)
		if (str_eq(run_info(o->run)->id, id))
			return o->run;
	err_set(err, ERR_NOTFOUND, "run %s is not one of this console", str_escape_to(shown, sizeof shown, id != NULL ? id : "-"));
	return NULL;
}

/* "name=value" lines. Returns how many; they point into text, which is cut up. */
static size_t
split_sets(char *text, struct run_set *v, size_t max)
{
	size_t n = 0;

	while (text != NULL && *text != '\0' && n < max) {
		char *line = text, *eq;

		text = strchr(line, '\n');
		if (text != NULL)
			*text++ = '\0';
		eq = strchr(line, '=');
		if (eq == NULL)
			continue;
		*eq = '\0';
		v[n++] = (struct run_set){ .name = line, .value = eq + 1, .from = "given" };
	}
	return n;
}

static int
plan(struct runs *r, const struct op *op, const char **ret_run, struct err *err)
{
	struct run_set sets[LIMIT_SETS];
	struct run_request q = { .incident = trail_incident(r->app->trail), .alert = op->source, .is_interactive = true, .sets = sets,
		.is_dry_run = r->app->env->is_read_only };	/* a plan can be looked at there, too */
	const struct runbook *book;
	char *text;
	struct run *run;
	int rc;

	rc = runbooks_pick(&r->books, op->text, &book, err);
	if (rc < 0)
		return rc;
	q.runbook = book;
	if (op->confirm != NULL)
		q.limit = op->confirm[0];
	text = op->arg != NULL ? xstrdup(op->arg) : NULL;
	q.n_sets = split_sets(text, sets, LIMIT_SETS);
	rc = runs_begin(r, &q, NULL, NULL, &run, err);
	free(text);
	if (rc == 0 && ret_run != NULL)
		*ret_run = run_info(run)->id;
	return rc;
}

static void
drop(struct runs *r, struct run *run)
{
	struct one_run *o;

	run_decline(run);
	TAILQ_FOREACH(o, &r->runs, next)
		if (o->run == run && !is_acting(run)) {
			one_run_free(o);
			return;
		}
}

int
runs_op(struct runs *r, const struct op *op, const char **ret_run, struct err *err)
{
	struct run *run;

	if (op->kind == OP_RUN_PLAN)
		return plan(r, op, ret_run, err);
	run = find_run(r, op->text, err);
	if (run == NULL)
		return err->code;
	if (ret_run != NULL)
		*ret_run = run_info(run)->id;
	switch (op->kind) {
	case OP_RUN_GO: return run_confirm(run, op->source, op->arg, run_info(run)->is_confirm_typed ? "typed" : "yes", err);
	case OP_RUN_STOP: run_stop(run, "by the operator"); return 0;
	case OP_RUN_SKIP: return run_skip(run, op->arg, err);
	case OP_RUN_RETRY: return run_retry(run, op->arg, err);
	case OP_RUN_UNDO: return run_undo(run, err);
	case OP_RUN_ANSWER: return run_answer(run, op->arg, err);
	case OP_RUN_DROP: drop(r, run); return 0;
	default: return err_set(err, ERR_UNSUPPORTED, "that is not about a run");
	}
}

void
runs_on_passphrase(struct runs *r, ssh_passphrase_cb *cb, void *arg)
{
	r->ask_passphrase = cb;
	r->ask_arg = arg;
	if (r->ssh != NULL)
		ssh_on_passphrase(r->ssh, cb, arg);
}

void
runs_passphrase(struct runs *r, const char *path, char *passphrase)
{
	if (r->ssh != NULL)
		ssh_passphrase(r->ssh, path, passphrase);
	else if (passphrase != NULL)
		explicit_bzero(passphrase, strlen(passphrase));
}

bool
runs_detach(struct runs *r)
{
	struct one_run *o;

	if (r == NULL)
		return false;
	TAILQ_FOREACH(o, &r->runs, next)
		if (is_acting(o->run) && !o->is_detached) {
			o->is_detached = true;
			run_detach(o->run);
		}
	return runs_acting(r) > 0;
}
