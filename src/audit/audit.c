/*
 * The queue between the loop and the disk.
 *
 * Entries wait in one list in the order of the appends. The audit thread works on the first of them, a group at a time: what comes while the group is made joins
 * it, so that a burst takes one sync and a lone record waits for nobody. What was dealt with moves to a second list, the loop is woken once through an eventfd
 * and takes that list as a whole. The lock guards the lists and the state that audit_state() copies; it is never held while the disk is waited for. Callbacks
 * come as soon as a group is durable. The head follows when nothing more waits, within HEAD_DELAY at the latest. Bodies are freed by the thread that made them:
 * malloc() keeps what a thread allocates together, and two threads at it would wait for each other.
 */
#include "config.h"

#include "audit/audit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "audit/chain.h"
#include "audit/glass.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

enum { GROUP_RECORDS = 2048, GROUP_BYTES = 512 << 10 };
#define HEAD_IDLE (5 * NS_PER_MS)	/* without a further record: the head is written */
#define HEAD_DELAY (50 * NS_PER_MS)	/* it is written at the latest */
#define ROTATE_DEFAULT (INT64_C(16) << 20)

struct entry {
	TAILQ_ENTRY(entry) link;
	struct audit_draft draft;	/* its strings and body are ours */
	int64_t at_ns;
	audit_done_cb *cb;
	void *arg;
	int err_code;
	char *err;
	uint64_t seq;
	char hash[AUDIT_HASH_HEX + 1];
};
TAILQ_HEAD(entries, entry);

struct place {
	char *dir, *head;
};

struct audit {
	/* constant after audit_open() */
	struct place *places;		/* [0] is the log proper, then the fallbacks */
	size_t n_places;
	int64_t rotate_bytes;
	char *env, *mode;
	struct audit_actor actor;
	struct chain_who who;
	struct loop_fd *ready;
	struct entries calling;		/* the loop's own: about to be called back */
	int ready_fd;
	pthread_t thread;
	bool has_thread;

	/* the thread's own once it runs (audit_open()'s before) */
	struct chain *chain;		/* NULL: not opened yet, or broken */
	size_t place;			/* which it is */
	struct glass *glass;
	int64_t head_due_ns;		/* monotonic; 0: the head stands */
	int64_t now_ns;			/* when the newest group was appended: the loop's clock is not this thread's to read */

	/* under the lock */
	pthread_mutex_t lock;
	pthread_cond_t work, idle;
	struct entries waiting;		/* the thread is at the first of them, or about to be */
	struct entries done;		/* to be called back */
	size_t n_waiting;
	bool is_stopping, is_gone, is_abandoned, wants_glass, is_open;
	struct audit_state state;
	int broken_code, short_code;
};

/* --- state --------------------------------------------------------------------------------------------------------------------------------------- */

static void
state_end(struct audit *a)
{
	struct audit_head end;

	chain_end(a->chain, &end);
	pthread_mutex_lock(&a->lock);
	snprintf(a->state.path, sizeof a->state.path, "%s", chain_path(a->chain));
	a->state.seq = end.seq;
	memcpy(a->state.hash, end.hash, sizeof a->state.hash);
	a->state.is_fallback = a->place > 0;
	a->short_code = chain_is_short_of_space(a->chain) ? ERR_LIMIT : 0;
	a->is_open = true;
	pthread_mutex_unlock(&a->lock);
}

static void
state_broken(struct audit *a, const struct err *err)
{
	log_write(LOG_ERROR, "audit", "%s", err->msg);
	pthread_mutex_lock(&a->lock);
	a->state.is_broken = true;
	a->broken_code = err->code;
	snprintf(a->state.why, sizeof a->state.why, "%s", err->msg);
	pthread_mutex_unlock(&a->lock);
}

static void
state_head(struct audit *a, const struct err *err)
{
	pthread_mutex_lock(&a->lock);
	if (err->code == 0)
		a->state.head_ns = a->now_ns;
	if (!a->state.is_broken)
		snprintf(a->state.why, sizeof a->state.why, "%s", err->msg);
	pthread_mutex_unlock(&a->lock);
}

void
audit_state(const struct audit *ca, struct audit_state *ret)
{
	struct audit *a = (struct audit *)(uintptr_t)ca;

	pthread_mutex_lock(&a->lock);
	*ret = a->state;
	ret->waiting = a->n_waiting;
	pthread_mutex_unlock(&a->lock);
}

int
audit_check(struct audit *a, struct err *err)
{
	bool is_open;
	int r = 0;

	pthread_mutex_lock(&a->lock);
	is_open = a->is_open;
	if (a->state.is_broken)
		r = err_set(err, a->broken_code, "%s", a->state.why);
	else if (a->short_code != 0)
		r = err_set(err, ERR_IO, "audit log: no space left on the disk of %s but what is kept for runs under way", a->state.path);
	pthread_mutex_unlock(&a->lock);
	if (r < 0 || is_open)
		return r;
	for (size_t i = a->n_places; i-- > 0;)	/* the last word has the log proper */
		if ((r = chain_probe(a->places[i].dir, err)) == 0)
			return 0;
	return r;
}

/* --- opening ------------------------------------------------------------------------------------------------------------------------------------- */

/* "opened", and before it what was done without the log. */
static int
write_opened(struct audit *a, const char *why_not_first, int64_t now_ns, struct err *err)
{
	struct audit_draft opened = { .type = AUDIT_OPENED }, gap = { .type = AUDIT_GAP };
	struct audit_head first;
	char hash[AUDIT_HASH_HEX + 1];
	uint64_t seq;
	int r;

	opened.body = json_pack("{s:s, s:i, s:s}", "version", PACKAGE_VERSION, "format", 1, "mode", a->mode);
	if (a->place > 0) {
		chain_look(a->places[0].dir, &first);
		json_object_set_new(opened.body, "instead_of", json_string_nocheck(a->places[0].dir));
		json_object_set_new(opened.body, "after",
		    first.seq == 0 ? json_null() : json_sprintf("%llu:%s", (unsigned long long)first.seq, first.hash));
		json_object_set_new(opened.body, "reason", json_string_nocheck(why_not_first));
	}
	gap.body = glass_note_read(a->places[0].head);
	r = chain_begin(a->chain, now_ns, err);
	if (r < 0)
		goto out;
	/* A reason that is too odd to be recorded must not keep the log shut. */
	if (gap.body != NULL && chain_add(a->chain, now_ns, &gap, &seq, hash, NULL) < 0) {
		json_object_clear(gap.body);
		chain_add(a->chain, now_ns, &gap, &seq, hash, NULL);
	}
	r = chain_add(a->chain, now_ns, &opened, &seq, hash, err);
	if (r == 0)
		r = chain_commit(a->chain, err);
	if (r == 0 && gap.body != NULL)
		glass_note_remove(a->places[0].head);
out:
	json_decref(opened.body);
	json_decref(gap.body);
	return r;
}

static int
parent_make(const char *path, struct err *err)
{
	char *dir = xstrdup(path), *slash = strrchr(dir, '/');
	int r = 0;

	if (slash != NULL && slash != dir) {
		*slash = '\0';
		r = chain_dirs_make(dir, err);
	}
	free(dir);
	return r;
}

static int
open_place(struct audit *a, size_t i, const char *why_not_first, int64_t now_ns, struct err *err)
{
	int r = chain_open(a->places[i].dir, a->places[i].head, a->rotate_bytes, &a->who, &a->chain, err);

	if (r == 0) {
		a->place = i;
		r = write_opened(a, why_not_first, now_ns, err);
	}
	if (r < 0) {
		chain_free(a->chain);
		a->chain = NULL;
	}
	return r;
}

static void
head_write(struct audit *a)
{
	struct err err = ERR_INIT;

	a->head_due_ns = 0;
	if (parent_make(a->places[a->place].head, &err) == 0)
		chain_head_write(a->chain, &err);
	state_head(a, &err);
}

/* The first place that works. The error is that of the log proper, unless every fallback has one of its own to add. */
static int
open_any(struct audit *a, int64_t now_ns, struct err *err)
{
	struct err first = ERR_INIT, e = ERR_INIT;
	size_t i;

	a->now_ns = now_ns;
	for (i = 0; i < a->n_places; i++) {
		if (open_place(a, i, first.msg, now_ns, &e) == 0)
			break;
		if (i == 0)
			first = e;
	}
	if (i == a->n_places) {
		if (err != NULL)
			*err = first;
		return first.code;
	}
	state_end(a);
	head_write(a);
	return 0;
}

/* --- the thread ---------------------------------------------------------------------------------------------------------------------------------- */

static void
entry_fail(struct entry *e, const struct err *err)
{
	e->err_code = err->code;
	e->err = xstrdup(err->msg);
}

/* Under the lock: v has the first n of those that wait; how many it has with those that stand behind them. */
static size_t
take(struct audit *a, struct entry **v, size_t n)
{
	struct entry *e = n == 0 ? TAILQ_FIRST(&a->waiting) : TAILQ_NEXT(v[n - 1], link);

	for (; e != NULL && n < GROUP_RECORDS; e = TAILQ_NEXT(e, link))
		v[n++] = e;
	return n;
}

static size_t
take_more(struct audit *a, struct entry **v, size_t n)
{
	pthread_mutex_lock(&a->lock);
	n = take(a, v, n);
	pthread_mutex_unlock(&a->lock);
	return n;
}

/* Chains entries [i, n) until the group is full; returns up to where it came. */
static size_t
group_add(struct audit *a, struct entry **v, size_t i, size_t n)
{
	for (; i < n && chain_pending(a->chain) < GROUP_BYTES; i++) {
		struct err err = ERR_INIT;

		if (chain_add(a->chain, v[i]->at_ns, &v[i]->draft, &v[i]->seq, v[i]->hash, &err) < 0)
			entry_fail(v[i], &err);
	}
	return i;
}

static size_t
group_fail(struct audit *a, struct entry **v, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (v[i]->err_code == 0)
			entry_fail(v[i], err);
	chain_free(a->chain);
	a->chain = NULL;
	a->head_due_ns = 0;
	state_broken(a, err);
	return n;
}

static size_t
group_write(struct audit *a, struct entry **v, size_t n)
{
	struct err err = ERR_INIT;
	size_t took = 0;

	a->now_ns = v[0]->at_ns;
	if (a->chain == NULL && open_any(a, v[0]->at_ns, &err) < 0)
		return group_fail(a, v, n, &err);
	if (chain_begin(a->chain, v[0]->at_ns, &err) < 0)
		return group_fail(a, v, n, &err);
	do
		took = group_add(a, v, took, n);
	while (took == n && (n = take_more(a, v, n)) > took);
	if (chain_commit(a->chain, &err) < 0)
		return group_fail(a, v, took, &err);
	state_end(a);
	if (a->head_due_ns == 0)
		a->head_due_ns = clock_mono_fresh() + HEAD_DELAY;
	return took;
}

static size_t
group_glass(struct audit *a, struct entry **v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct err err = ERR_INIT;

		if (glass_record(a->glass, v[i]->at_ns, &v[i]->draft, &v[i]->seq, v[i]->hash, &err) < 0)
			entry_fail(v[i], &err);
	}
	return n;
}

static size_t
group_refuse(struct entry **v, size_t n, const struct err *why)
{
	for (size_t i = 0; i < n; i++)
		entry_fail(v[i], why);
	return n;
}

static void
wake_loop(struct audit *a)
{
	uint64_t one = 1;

	/* Fails only when the counter is full, and then the loop is awake. */
	if (write(a->ready_fd, &one, sizeof one) < 0)
		log_write(LOG_DEBUG, "audit", "eventfd: %s", strerror(errno));
}

/* Called with the lock held, which it gives up while it works. */
static void
work(struct audit *a, struct entry **v)
{
	size_t n = take(a, v, 0), took;
	struct err why = ERR_INIT;
	bool wants_glass = a->wants_glass;

	if (a->state.is_broken)
		err_set(&why, a->broken_code, "%s", a->state.why);
	pthread_mutex_unlock(&a->lock);
	if (wants_glass) {
		if (a->glass == NULL)
			a->glass = glass_new(&a->who);
		took = group_glass(a, v, n);
	} else {
		took = why.code != 0 ? group_refuse(v, n, &why) : group_write(a, v, n);
	}
	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < took; i++) {
		TAILQ_REMOVE(&a->waiting, v[i], link);
		TAILQ_INSERT_TAIL(&a->done, v[i], link);
	}
	a->n_waiting -= took;
	pthread_mutex_unlock(&a->lock);
	wake_loop(a);
	pthread_mutex_lock(&a->lock);
}

/* With the lock held: until there is work, or the head wants writing (false). */
static bool
wait_for_work(struct audit *a)
{
	while (TAILQ_EMPTY(&a->waiting) && !a->is_stopping) {
		int64_t until = clock_mono_fresh() + HEAD_IDLE;
		struct timespec ts;

		if (a->head_due_ns == 0) {
			pthread_cond_wait(&a->work, &a->lock);
			continue;
		}
		if (until > a->head_due_ns)
			until = a->head_due_ns;
		ts = (struct timespec){ .tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S };
		if (pthread_cond_timedwait(&a->work, &a->lock, &ts) == ETIMEDOUT && TAILQ_EMPTY(&a->waiting))
			return false;
	}
	return !TAILQ_EMPTY(&a->waiting) && (a->head_due_ns == 0 || clock_mono_fresh() < a->head_due_ns);
}

static void audit_free(struct audit *a);

static void *
audit_thread(void *arg)
{
	struct audit *a = arg;
	struct entry **v = xreallocarray(NULL, GROUP_RECORDS, sizeof(struct entry *));
	bool is_abandoned;

	pthread_mutex_lock(&a->lock);
	while (!TAILQ_EMPTY(&a->waiting) || !a->is_stopping) {
		if (wait_for_work(a)) {
			work(a, v);
		} else if (a->head_due_ns != 0) {
			pthread_mutex_unlock(&a->lock);
			head_write(a);
			pthread_mutex_lock(&a->lock);
		}
	}
	pthread_mutex_unlock(&a->lock);
	free(v);
	if (a->head_due_ns != 0)
		head_write(a);
	pthread_mutex_lock(&a->lock);
	a->is_gone = true;
	is_abandoned = a->is_abandoned;
	pthread_cond_broadcast(&a->idle);
	pthread_mutex_unlock(&a->lock);
	if (is_abandoned)
		audit_free(a);
	return NULL;
}

/* Signals are the loop's. */
static int
thread_start(struct audit *a, struct err *err)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&a->thread, NULL, audit_thread, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		return err_set_errno(err, ERR_IO, r, "audit log: cannot start its thread");
	a->has_thread = true;
	return 0;
}

/* --- the loop's side ------------------------------------------------------------------------------------------------------------------------------ */

static void
entry_free(struct entry *e)
{
	free((void *)(uintptr_t)e->draft.run);
	free((void *)(uintptr_t)e->draft.incident);
	json_decref(e->draft.body);
	free(e->err);
	free(e);
}

static void
on_ready(int fd, unsigned ready, void *arg)
{
	struct audit *a = arg;
	struct entry *e;
	uint64_t n;

	(void)ready;
	if (read(fd, &n, sizeof n) < 0)
		return;
	pthread_mutex_lock(&a->lock);
	TAILQ_CONCAT(&a->calling, &a->done, link);
	pthread_mutex_unlock(&a->lock);
	while ((e = TAILQ_FIRST(&a->calling)) != NULL) {
		struct audit_done done = { .err_code = e->err_code, .err = e->err, .seq = e->err_code == 0 ? e->seq : 0, .hash = e->hash };

		TAILQ_REMOVE(&a->calling, e, link);
		if (e->cb != NULL)
			e->cb(&done, e->arg);
		entry_free(e);
	}
}

void
audit_append(struct audit *a, const struct audit_draft *draft, audit_done_cb *cb, void *arg)
{
	struct entry *e = xcalloc(1, sizeof *e);
	bool is_first;

	e->draft = (struct audit_draft){ .type = draft->type, .run = xstrdup_or_null(draft->run),
	    .incident = xstrdup_or_null(draft->incident), .body = draft->body };
	e->at_ns = clock_now();
	e->cb = cb;
	e->arg = arg;
	pthread_mutex_lock(&a->lock);
	is_first = TAILQ_EMPTY(&a->waiting);
	TAILQ_INSERT_TAIL(&a->waiting, e, link);
	a->n_waiting++;
	pthread_mutex_unlock(&a->lock);
	if (is_first)
		pthread_cond_signal(&a->work);	/* who wakes wants the lock at once */
}

static void
forget(struct entries *entries, const void *arg)
{
	struct entry *e;

	TAILQ_FOREACH(e, entries, link)
		if (e->arg == arg)
			e->cb = NULL;
}

void
audit_forget(struct audit *a, const void *arg)
{
	pthread_mutex_lock(&a->lock);
	forget(&a->waiting, arg);
	forget(&a->done, arg);
	pthread_mutex_unlock(&a->lock);
	forget(&a->calling, arg);
}

/* Waits until nothing is in the thread's hands any more. false: it did not happen in time. */
static bool
wait_idle(struct audit *a, const bool *flag, int64_t until_mono_ns)
{
	struct timespec ts = { .tv_sec = until_mono_ns / NS_PER_S, .tv_nsec = until_mono_ns % NS_PER_S };
	int r = 0;

	while (!*flag && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&a->idle, &a->lock, &ts);
	return *flag;
}

int
audit_break_glass(struct audit *a, const char *reason, struct err *err)
{
	struct err why = ERR_INIT;
	bool is_open, is_broken;
	int r;

	if (reason == NULL || reason[strspn(reason, " \t\n")] == '\0')
		return err_set(err, ERR_USAGE, "--break-glass needs a reason, which is recorded");
	pthread_mutex_lock(&a->lock);
	is_broken = a->state.is_broken;
	is_open = a->is_open;
	pthread_mutex_unlock(&a->lock);
	if (!is_broken && (is_open || audit_check(a, &why) == 0))
		return err_set(err, ERR_INVALID, "--break-glass is for when the audit log cannot be written, and it can");
	r = glass_note_leave(a->places[0].head, reason, clock_now(), err);
	if (r < 0)
		log_write(LOG_ERROR, "audit", "%s", err == NULL ? "no note could be left" : err->msg);
	pthread_mutex_lock(&a->lock);
	a->wants_glass = true;
	pthread_mutex_unlock(&a->lock);
	/* The first record outside the log says why the others are there. */
	audit_append(a, &(struct audit_draft){ .type = AUDIT_GAP, .body = json_pack("{s:o}", "reason", json_string_nocheck(reason)) }, NULL, NULL);
	return 0;
}

/* --- birth and end -------------------------------------------------------------------------------------------------------------------------------- */

static void
places_new(struct audit *a, const struct audit_options *o)
{
	size_t n = 1;

	for (; o->fallback != NULL && o->fallback[n - 1] != NULL; n++)
		;
	a->places = xcalloc(n, sizeof *a->places);
	a->n_places = n;
	a->places[0] = (struct place){ audit_dir(o->dir), audit_head_path(o->head) };
	/* A fallback is a chain of its own, with its own head beside the folder. */
	for (size_t i = 1; i < n; i++)
		a->places[i] = (struct place){ xstrdup(o->fallback[i - 1]), xasprintf("%s-head", o->fallback[i - 1]) };
}

static void
actor_copy(struct audit *a, const struct audit_actor *given)
{
	struct audit_actor self;

	if (given == NULL) {
		audit_actor_self(&self);
		given = &self;
	}
	a->actor = (struct audit_actor){ .user = xstrdup(given->user), .uid = given->uid, .host = xstrdup(given->host),
	    .tty = xstrdup(given->tty), .client = xstrdup(given->client) };
	a->who = (struct chain_who){ .actor = &a->actor, .env = a->env };
}

static void
locks_init(struct audit *a)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&a->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&a->work, &attr);
	pthread_cond_init(&a->idle, &attr);
	pthread_condattr_destroy(&attr);
}

static void
entries_free(struct entries *entries)
{
	struct entry *e;

	while ((e = TAILQ_FIRST(entries)) != NULL) {
		TAILQ_REMOVE(entries, e, link);
		entry_free(e);
	}
}

static void
audit_free(struct audit *a)
{
	entries_free(&a->waiting);
	entries_free(&a->done);
	entries_free(&a->calling);
	chain_free(a->chain);
	glass_free(a->glass);
	for (size_t i = 0; i < a->n_places; i++) {
		free(a->places[i].dir);
		free(a->places[i].head);
	}
	free(a->places);
	free(a->env);
	free(a->mode);
	free((void *)(uintptr_t)a->actor.user);
	free((void *)(uintptr_t)a->actor.host);
	free((void *)(uintptr_t)a->actor.tty);
	free((void *)(uintptr_t)a->actor.client);
	if (a->ready_fd >= 0)
		close(a->ready_fd);
	pthread_cond_destroy(&a->work);
	pthread_cond_destroy(&a->idle);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

int
audit_open(struct loop *l, const struct audit_options *o, struct audit **ret, struct err *err)
{
	struct audit *a = xcalloc(1, sizeof *a);
	int r = 0;

	TAILQ_INIT(&a->waiting);
	TAILQ_INIT(&a->done);
	TAILQ_INIT(&a->calling);
	locks_init(a);
	a->rotate_bytes = o->rotate_bytes > 0 ? o->rotate_bytes : ROTATE_DEFAULT;
	a->env = xstrdup_or_null(o->env);
	a->mode = xstrdup(o->mode != NULL ? o->mode : "console");
	places_new(a, o);
	actor_copy(a, o->actor);
	a->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->ready_fd < 0)
		r = err_set_errno(err, ERR_IO, errno, "audit log: eventfd");
	if (r == 0 && !o->is_lazy)
		r = open_any(a, clock_now(), err);
	if (r == 0)
		r = thread_start(a, err);
	if (r < 0) {
		audit_free(a);
		return r;
	}
	a->ready = loop_fd_new(l, a->ready_fd, LOOP_READ, on_ready, a);
	*ret = a;
	return 0;
}

void
audit_close(struct audit *a, int64_t timeout_ns)
{
	bool is_gone;

	if (a == NULL)
		return;
	loop_fd_free(a->ready);
	pthread_mutex_lock(&a->lock);
	a->is_stopping = true;
	pthread_cond_signal(&a->work);
	is_gone = wait_idle(a, &a->is_gone, clock_mono_fresh() + timeout_ns);
	a->is_abandoned = !is_gone;
	/* A disk that hangs: the thread frees everything when it comes back, which may be as soon as the lock is free. */
	if (!is_gone)
		pthread_detach(a->thread);
	pthread_mutex_unlock(&a->lock);
	if (!is_gone)
		return;
	pthread_join(a->thread, NULL);
	audit_free(a);
}
