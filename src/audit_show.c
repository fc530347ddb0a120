/*
 * The panel's wishes on one side, the log on the other, a worker between them: the index is its as long as a task is under way, and a task takes a tenth of a second at most.
 * Nothing is read before somebody wants to see it.
 */
#include "config.h"

#include "audit_show.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anchors.h"
#include "audit/audit.h"
#include "audit_index.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "trail.h"
#include "verify_show.h"

#define LOOK_NS (2 * NS_PER_S)
#define TELL_NS (NS_PER_S / 2)		/* what was not asked for is told at most so often */
#define BUDGET_NS (100 * NS_PER_MS)

struct show_task {			/* a worker reads and fills it */
	struct audit_show *show;	/* NULL: gone meanwhile */
	struct audit_index *ix;
	char *filter;
	uint64_t first;
	int64_t until_ns, now_ns;
	bool is_asked;			/* the view is told in any case */
	bool is_due;			/* and made even while there is more to read */
	bool is_worked;
	int r;				/* 1: there is more */
	struct audit_view *view;	/* NULL: none was made */
	struct err err;
};

struct verify_task {
	struct audit_show *show;
	char *path, *head_path, *recordings, **replayed;
	atomic_bool is_stopped;
	bool is_worked;
	int r;
	struct verify_told told;
	struct err err;
};

struct audit_show {
	struct app *app;
	char *path;
	size_t n_replayed;
	char **replayed;		/* recordings, NULL at the end; NULL none */
	struct audit_index *ix;		/* a task's while there is one */
	struct pool_lane *lane, *verify_lane;
	struct show_task *task;
	struct verify_task *verifying;
	struct loop_timer *timer;
	bool is_asked, is_again;
	char *filter;
	uint64_t first;
	int64_t until_ns;
	int64_t told_ns;		/* monotonic; 0 nothing yet */
	int64_t looked_ns;
	uint64_t told;			/* what it was, as a number */
	struct verify_told verified;
	int64_t verified_ns;
};

static void look(struct audit_show *s);

/* --- telling --------------------------------------------------------------------------------------------------------------------------------------------------- */

static void
add_state(struct audit_show *s, struct audit_view *v)
{
	struct arena *arena = &v->block.arena;
	struct audit_anchor *anchors = NULL;
	struct err err = ERR_INIT;
	struct audit *a;

	v->is_writable = s->app->trail != NULL && trail_is_writable(s->app->trail);
	v->why = "";
	if (s->app->trail != NULL && !v->is_writable) {
		a = trail_audit(s->app->trail, &err);
		if (a != NULL)
			audit_check(a, &err);
		v->why = arena_strdup(arena, err.msg);
	}
	if (s->app->anchors != NULL)
		v->n_anchors = anchors_list(s->app->anchors, arena, &anchors);
	v->anchors = anchors;
	v->verdict = arena_strdup(arena, s->verifying != NULL ? "running" : s->verified.verdict);
	v->verified_ns = s->verified_ns;
	v->verdict_text = arena_strdup(arena, s->verified.text);
}

static uint64_t
hash_text(uint64_t h, const char *text)
{
	return str_hash(text, strlen(text), h);
}

static uint64_t
hash_number(uint64_t h, uint64_t n)
{
	return str_hash(&n, sizeof n, h);
}

/* Two views with the same number say the same. */
static uint64_t
sum(const struct audit_view *v)
{
	const uint64_t numbers[] = { v->n_records, v->n_open, v->n_matching, v->first, v->n, v->is_writable, v->is_partial, (uint64_t)v->verified_ns, v->n_anchors };
	uint64_t h = str_hash(numbers, sizeof numbers, STR_HASH_SEED);

	h = hash_text(h, v->last_hash);
	h = hash_text(h, v->why);
	h = hash_text(h, v->filter);
	h = hash_text(h, v->filter_error);
	h = hash_text(h, v->verdict);
	h = hash_text(h, v->verdict_text);
	for (size_t i = 0; i < v->n; i++)
		h = hash_number(h, v->rows[i].seq * 2 + v->rows[i].is_open);
	for (size_t i = 0; i < v->n_anchors; i++) {
		h = hash_number(h, v->anchors[i].seq * 8 + v->anchors[i].state);
		h = hash_number(h, (uint64_t)v->anchors[i].at_ns);
		h = hash_text(h, v->anchors[i].text);
	}
	return h;
}

/* Takes the view. */
static void
tell(struct audit_show *s, struct audit_view *v, bool is_asked)
{
	struct event ev;
	uint64_t h;

	add_state(s, v);
	h = sum(v);
	if (!is_asked && h == s->told) {
		block_unref(v);
		return;
	}
	s->told = h;
	s->told_ns = clock_mono();
	event_init(&ev, EVENT_AUDIT_VIEW, clock_now(), "", v);
	app_apply(s->app, &ev);
	event_done(&ev);
}

/* --- reading --------------------------------------------------------------------------------------------------------------------------------------------------- */

static void
show_work(void *arg)
{
	struct show_task *t = arg;

	t->is_worked = true;
	audit_index_filter(t->ix, t->filter, t->now_ns);
	audit_index_until(t->ix, t->until_ns);
	t->r = audit_index_step(t->ix, BUDGET_NS, &t->err);
	if (t->r < 0 && t->r != ERR_NOTFOUND)
		return;
	if (t->r > 0 && !t->is_due)
		return;
	t->view = block_new(sizeof *t->view);
	t->view->is_partial = t->r > 0;
	if (audit_index_window(t->ix, t->first, t->view, &t->err) < 0)
		t->r = t->err.code;
}

/* What stood there when it could still be read stays; that it cannot is said. */
static void
tell_failure(struct audit_show *s, const struct err *err)
{
	struct audit_view *v = block_new(sizeof *v);
	struct arena *arena = &v->block.arena;

	v->path = arena_strdup(arena, s->path);
	v->last_hash = "";
	v->filter = arena_strdup(arena, s->filter);
	v->filter_error = arena_strdup(arena, err->msg);
	tell(s, v, false);
}

static void
show_done(void *arg)
{
	struct show_task *t = arg;
	struct audit_show *s = t->show;

	if (s == NULL) {
		audit_index_free(t->ix);
	} else {
		s->task = NULL;
		if (t->is_worked && t->r < 0 && t->r != ERR_NOTFOUND) {
			tell_failure(s, &t->err);
		} else if (t->view != NULL) {
			tell(s, t->view, t->is_asked);
			t->view = NULL;
		}
		if (t->is_worked && (t->r > 0 || s->is_again))
			look(s);
	}
	block_unref(t->view);
	free(t->filter);
	free(t);
}

static void
look(struct audit_show *s)
{
	struct show_task *t;

	s->is_again = s->task != NULL;
	if (s->is_again)
		return;
	s->task = t = xcalloc(1, sizeof *t);
	*t = (struct show_task){ .show = s, .ix = s->ix, .filter = xstrdup(s->filter), .first = s->first, .until_ns = s->until_ns, .now_ns = clock_now() };
	t->is_asked = s->is_asked;
	t->is_due = s->is_asked || clock_mono() - s->told_ns >= TELL_NS;
	s->is_asked = false;
	s->looked_ns = clock_mono();
	pool_run(s->lane, show_work, show_done, t);
}

static void
on_timer(void *arg)
{
	struct audit_show *s = arg;

	loop_timer_in(s->timer, LOOK_NS);
	look(s);
}

/* The first wish begins it all. */
static bool
begin(struct audit_show *s)
{
	if (s == NULL)
		return false;
	if (s->timer == NULL) {
		s->ix = audit_index_new(s->path);
		s->lane = pool_lane_new(s->app->pool);
		s->verify_lane = pool_lane_new(s->app->pool);
		s->timer = loop_timer_new(s->app->loop, on_timer, s);
		loop_timer_slack(s->timer, NS_PER_S);
		loop_timer_in(s->timer, LOOK_NS);
	}
	return true;
}

void
audit_show_window(struct audit_show *s, uint64_t first, const char *filter)
{
	if (!begin(s))
		return;
	s->first = first;
	if (strcmp(s->filter, filter) != 0) {
		free(s->filter);
		s->filter = xstrdup(filter);
	}
	s->is_asked = true;
	look(s);
}

void
audit_show_until(struct audit_show *s, int64_t until_ns)
{
	if (s == NULL || s->until_ns == until_ns)
		return;
	s->until_ns = until_ns;
	audit_show_changed(s);
}

/* Not at once: what is told of it comes in bursts. */
void
audit_show_changed(struct audit_show *s)
{
	int64_t since;

	if (s == NULL || s->timer == NULL)
		return;
	since = clock_mono() - s->looked_ns;
	loop_timer_in(s->timer, since >= TELL_NS ? TELL_NS / 10 : TELL_NS - since);
}

/* --- verification ------------------------------------------------------------------------------------------------------------------------------------------------ */

static bool
on_progress(uint64_t n, void *arg)
{
	struct verify_task *t = arg;

	(void)n;
	return !atomic_load(&t->is_stopped);
}

static void
paths_free(char **v)
{
	for (size_t i = 0; v != NULL && v[i] != NULL; i++)
		free(v[i]);
	free(v);
}

static char **
paths_copy(char *const *v, size_t n)
{
	char **copy = n > 0 ? xcalloc(n + 1, sizeof(char *)) : NULL;

	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(v[i]);
	return copy;
}

static void
verify_work(void *arg)
{
	struct verify_task *t = arg;

	const struct verify_show o = { .path = t->path, .head_path = t->head_path, .recordings = t->recordings,
		.recording = t->replayed != NULL ? t->replayed[0] : NULL, .others = t->replayed != NULL ? (const char *const *)t->replayed + 1 : NULL, .progress = on_progress, .arg = t };

	t->is_worked = true;
	t->r = verify_show(&o, &t->told, &t->err);
}

static void
verify_done(void *arg)
{
	struct verify_task *t = arg;
	struct audit_show *s = t->show;

	if (s != NULL) {
		s->verifying = NULL;
		if (t->is_worked) {
			if (t->r < 0) {
				snprintf(t->told.verdict, sizeof t->told.verdict, "unreadable");
				snprintf(t->told.text, sizeof t->told.text, "%s", t->err.msg);
			}
			s->verified = t->told;
			s->verified_ns = clock_now();
			s->is_asked = true;
			look(s);
		}
	}
	free(t->path);
	free(t->head_path);
	free(t->recordings);
	paths_free(t->replayed);
	free(t);
}

void
audit_show_verify(struct audit_show *s)
{
	struct verify_task *t;

	if (!begin(s) || s->verifying != NULL)
		return;
	s->verifying = t = xcalloc(1, sizeof *t);
	t->show = s;
	t->path = xstrdup(s->path);
	t->head_path = audit_head_path(s->app->conf->audit.head);
	t->recordings = xstrdup_or_null(s->app->conf->record.dir);
	t->replayed = paths_copy(s->replayed, s->n_replayed);
	atomic_init(&t->is_stopped, false);
	pool_run(s->verify_lane, verify_work, verify_done, t);
	s->is_asked = true;
	look(s);
}

/* --- life ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

struct audit_show *
audit_show_new(struct app *a, const char *path)
{
	struct audit_show *s = xcalloc(1, sizeof *s);

	s->app = a;
	s->path = xstrdup(path);
	s->filter = xstrdup("");
	s->first = UINT64_MAX;
	s->until_ns = INT64_MAX;
	return s;
}

void
audit_show_recording(struct audit_show *s, const char *path)
{
	s->replayed = xreallocarray(s->replayed, s->n_replayed + 2, sizeof(char *));
	s->replayed[s->n_replayed++] = xstrdup(path);
	s->replayed[s->n_replayed] = NULL;
}

void
audit_show_free(struct audit_show *s)
{
	if (s == NULL)
		return;
	if (s->verifying != NULL) {
		atomic_store(&s->verifying->is_stopped, true);
		s->verifying->show = NULL;
	}
	if (s->task != NULL)
		s->task->show = NULL;	/* the index goes with it */
	else
		audit_index_free(s->ix);
	loop_timer_free(s->timer);
	pool_lane_free(s->lane);
	pool_lane_free(s->verify_lane);
	free(s->path);
	paths_free(s->replayed);
	free(s->filter);
	free(s);
}
