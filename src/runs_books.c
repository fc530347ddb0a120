/* What can be run and what was: runbooks, read again when their files change, and what the audit log has of earlier runs. */
#include "config.h"

#include "runs_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit/reader.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_find.h"
#include "runbook/lock.h"

enum { PAST_MAX = 50 };

struct past_task {
	struct runs *runs;	/* NULL: they are gone */
	char *dir, *env, *lock_dir, *state_dir;	/* lock_dir as configured */
	struct audit_run *v;
	size_t n;
	bool is_left;		/* the newest has no end recorded, and nobody is at it */
	int r;
};

void
runs_old_books_drop(struct runs *r)
{
	for (size_t i = 0; i < r->n_old_books; i++)
		runbooks_done(&r->old_books[i]);
	free(r->old_books);
	r->old_books = NULL;
	r->n_old_books = 0;
}

void
runs_past_stop(struct runs *r)
{
	if (r->reading_past != NULL)
		r->reading_past->runs = NULL;
}

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
		runs_past_read(r);
	free(t->lock_dir);
	free(t->state_dir);
	free(t->dir);
	free(t->env);
	free(t);
}

void
runs_past_read(struct runs *r)
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
		runs_past_read(r);
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
		runs_old_books_drop(r);
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
		runs_past_read(r);
}

void
runs_refresh(struct runs *r)
{
	read_books_again(r);
	runs_past_read(r);
}

const struct runbooks *
runs_books(const struct runs *r)
{
	return &r->books;
}
