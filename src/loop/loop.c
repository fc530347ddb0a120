/*
 * One turn, always in this order:
 *
 *   1. wait         ppoll(): until a descriptor is ready, a timer's latest time is reached, or something is posted
 *   2. clock        clock_tick(): one "now" for everything below
 *   3. descriptors  in the order in which they were added
 *   4. timers       those due, earliest first; one set by a callback of this turn waits for the next turn
 *   5. signals
 *   6. posts        in the order posted; what they post themselves waits for the next turn
 *   7. the turn callback
 *
 * Nothing due and nothing ready: the loop sleeps in ppoll() without a limit. poll and not epoll: the
 * descriptors are a few, at most some hundred, their wishes change with every request, and changing them here
 * costs no system call.
 */
#include "config.h"

#include "loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

/* Our own descriptors stand first in the arrays; they have no handle. */
enum { SLOT_POST, SLOT_SIGNAL, SLOTS_OWN };

struct loop_fd {
	struct loop *loop;
	size_t slot;
	int fd;
	unsigned events;
	loop_fd_cb *cb;
	void *arg;
};

struct loop_timer {
	struct loop *loop;
	LIST_ENTRY(loop_timer) all;
	TAILQ_ENTRY(loop_timer) due;	/* while is_due */
	size_t place;			/* in the heap, from 1; 0: not in it */
	bool is_due;			/* taken out of the heap, about to fire in this turn */
	int64_t at_ns, slack_ns;
	loop_timer_cb *cb;
	void *arg;
};
TAILQ_HEAD(due_timers, loop_timer);

struct post {
	void (*cb)(void *arg);
	void *arg;
};
struct posts {
	size_t n, cap;
	struct post *v;
};

struct loop {
	/* Two parallel arrays: what ppoll() reads, and whose it is (NULL: freed within a turn). */
	struct pollfd *polled;
	struct loop_fd **fds;
	size_t n_slots, cap_slots;
	bool has_holes;

	LIST_HEAD(, loop_timer) timers;
	struct loop_timer **heap;	/* by at_ns; [0] is unused */
	size_t n_heap, cap_heap;
	struct due_timers due;

	sigset_t signals, mask_before;	/* what we take; the thread's mask before the first of them */
	struct {
		loop_signal_cb *cb;
		void *arg;
	} on_signal[NSIG];
	bool has_signals;

	pthread_mutex_t lock;		/* guards posts */
	struct posts posts;

	loop_turn_cb *on_turn;
	void *on_turn_arg;
	uint64_t n_turns;
	bool is_in_turn, is_stopped;
	int status;
};

/* --- descriptors ------------------------------------------------------------------------------ */

static size_t
slot_add(struct loop *l, int fd, struct loop_fd *f)
{
	if (l->n_slots == l->cap_slots) {
		l->cap_slots = l->cap_slots * 2 + 8;
		l->polled = xreallocarray(l->polled, l->cap_slots, sizeof *l->polled);
		l->fds = xreallocarray(l->fds, l->cap_slots, sizeof *l->fds);
	}
	l->polled[l->n_slots] = (struct pollfd){ .fd = fd, .events = f == NULL ? POLLIN : 0 };
	l->fds[l->n_slots] = f;
	return l->n_slots++;
}

struct loop_fd *
loop_fd_new(struct loop *l, int fd, unsigned events, loop_fd_cb *cb, void *arg)
{
	struct loop_fd *f = xcalloc(1, sizeof *f);

	*f = (struct loop_fd){ .loop = l, .fd = fd, .cb = cb, .arg = arg };
	f->slot = slot_add(l, fd, f);
	loop_fd_set(f, events);
	return f;
}

void
loop_fd_set(struct loop_fd *f, unsigned events)
{
	struct pollfd *p = &f->loop->polled[f->slot];

	f->events = events;
	/* ppoll() tells of hang-ups even when asked for nothing; a negative descriptor it passes over. */
	p->fd = events == 0 ? -1 : f->fd;
	p->events = (short)((events & LOOP_READ ? POLLIN : 0) | (events & LOOP_WRITE ? POLLOUT : 0));
}

void
loop_fd_free(struct loop_fd *f)
{
	struct loop *l;

	if (f == NULL)
		return;
	l = f->loop;
	l->fds[f->slot] = NULL;
	l->polled[f->slot].fd = -1;
	l->has_holes = true;
	free(f);
}

/* Not within a turn: dispatch walks the slots by number. */
static void
close_holes(struct loop *l)
{
	size_t to = SLOTS_OWN;

	if (!l->has_holes)
		return;
	for (size_t from = SLOTS_OWN; from < l->n_slots; from++) {
		if (l->fds[from] == NULL)
			continue;
		l->fds[to] = l->fds[from];
		l->polled[to] = l->polled[from];
		l->fds[to]->slot = to;
		to++;
	}
	l->n_slots = to;
	l->has_holes = false;
}

/* Trouble wakes whoever watches, with all they watch for: their next read or write meets the error. */
static unsigned
ready_of(const struct loop_fd *f, short revents)
{
	unsigned ready = 0;

	if (revents & (POLLERR | POLLNVAL | POLLHUP))
		return f->events | LOOP_HANGUP;
	if (revents & POLLIN)
		ready |= LOOP_READ;
	if (revents & POLLOUT)
		ready |= LOOP_WRITE;
	return ready & f->events;
}

static void
dispatch_fds(struct loop *l)
{
	size_t n = l->n_slots;	/* those added by a callback have not been polled */

	for (size_t i = SLOTS_OWN; i < n; i++) {
		short revents = l->polled[i].revents;
		struct loop_fd *f = l->fds[i];
		unsigned ready;

		if (revents == 0 || f == NULL || f->events == 0)
			continue;
		ready = ready_of(f, revents);
		if (revents & POLLNVAL) {
			/* Closed behind our back; watching on would spin. */
			log_write(LOG_ERROR, "loop", "descriptor %d was closed while watched", f->fd);
			loop_fd_set(f, 0);
		}
		if (ready != 0)
			f->cb(f->fd, ready, f->arg);
	}
}

/* --- timers ----------------------------------------------------------------------------------- */

static void
heap_put(struct loop *l, size_t place, struct loop_timer *t)
{
	l->heap[place] = t;
	t->place = place;
}

static void
heap_up(struct loop *l, struct loop_timer *t)
{
	size_t i = t->place;

	for (; i > 1 && l->heap[i / 2]->at_ns > t->at_ns; i /= 2)
		heap_put(l, i, l->heap[i / 2]);
	heap_put(l, i, t);
}

static void
heap_down(struct loop *l, struct loop_timer *t)
{
	size_t i = t->place, child;

	for (; (child = 2 * i) <= l->n_heap; i = child) {
		if (child < l->n_heap && l->heap[child + 1]->at_ns < l->heap[child]->at_ns)
			child++;
		if (l->heap[child]->at_ns >= t->at_ns)
			break;
		heap_put(l, i, l->heap[child]);
	}
	heap_put(l, i, t);
}

static void
heap_add(struct loop *l, struct loop_timer *t)
{
	if (l->n_heap + 1 >= l->cap_heap) {
		l->cap_heap = l->cap_heap * 2 + 16;
		l->heap = xreallocarray(l->heap, l->cap_heap, sizeof(struct loop_timer *));
	}
	heap_put(l, ++l->n_heap, t);
	heap_up(l, t);
}

static void
heap_remove(struct loop *l, struct loop_timer *t)
{
	struct loop_timer *last = l->heap[l->n_heap--];

	if (last != t) {
		heap_put(l, t->place, last);
		heap_up(l, last);
		heap_down(l, last);
	}
	t->place = 0;
}

struct loop_timer *
loop_timer_new(struct loop *l, loop_timer_cb *cb, void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof *t);

	t->loop = l;
	t->cb = cb;
	t->arg = arg;
	LIST_INSERT_HEAD(&l->timers, t, all);
	return t;
}

void
loop_timer_set(struct loop_timer *t, int64_t at_mono_ns)
{
	loop_timer_stop(t);
	t->at_ns = at_mono_ns;
	heap_add(t->loop, t);
}

void
loop_timer_in(struct loop_timer *t, int64_t in_ns)
{
	int64_t at;

	if (__builtin_add_overflow(clock_mono(), in_ns, &at))
		at = INT64_MAX;
	loop_timer_set(t, at);
}

void
loop_timer_slack(struct loop_timer *t, int64_t slack_ns)
{
	t->slack_ns = slack_ns;
}

void
loop_timer_stop(struct loop_timer *t)
{
	if (t->place != 0)
		heap_remove(t->loop, t);
	if (t->is_due)
		TAILQ_REMOVE(&t->loop->due, t, due);
	t->is_due = false;
}

void
loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
		return;
	loop_timer_stop(t);
	LIST_REMOVE(t, all);
	free(t);
}

static int64_t
latest_of(const struct loop_timer *t)
{
	int64_t latest;

	return __builtin_add_overflow(t->at_ns, t->slack_ns, &latest) ? INT64_MAX : latest;
}

/* The earliest latest time in the heap below place. A child is never due before its parent, so a branch that
 * begins after the best found so far holds nothing better. */
static int64_t
earliest_latest(const struct loop *l, size_t place, int64_t best)
{
	if (place > l->n_heap || l->heap[place]->at_ns >= best)
		return best;
	if (latest_of(l->heap[place]) < best)
		best = latest_of(l->heap[place]);
	best = earliest_latest(l, 2 * place, best);
	return earliest_latest(l, 2 * place + 1, best);
}

static void
dispatch_timers(struct loop *l)
{
	int64_t now = clock_mono();
	struct loop_timer *t;

	while (l->n_heap > 0 && l->heap[1]->at_ns <= now) {
		t = l->heap[1];
		heap_remove(l, t);
		t->is_due = true;
		TAILQ_INSERT_TAIL(&l->due, t, due);
	}
	while ((t = TAILQ_FIRST(&l->due)) != NULL) {
		TAILQ_REMOVE(&l->due, t, due);
		t->is_due = false;
		t->cb(t->arg);
	}
}

/* --- signals ---------------------------------------------------------------------------------- */

int
loop_signal(struct loop *l, int signo, loop_signal_cb *cb, void *arg, struct err *err)
{
	sigset_t one;
	int fd;

	assert(signo > 0 && signo < NSIG);
	sigaddset(&l->signals, signo);
	fd = signalfd(l->polled[SLOT_SIGNAL].fd, &l->signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0) {
		sigdelset(&l->signals, signo);
		return err_set_errno(err, ERR_IO, errno, "cannot watch for signal %d (signalfd)", signo);
	}
	l->polled[SLOT_SIGNAL].fd = fd;
	sigemptyset(&one);
	sigaddset(&one, signo);
	pthread_sigmask(SIG_BLOCK, &one, l->has_signals ? NULL : &l->mask_before);
	l->has_signals = true;
	l->on_signal[signo].cb = cb;
	l->on_signal[signo].arg = arg;
	return 0;
}

static void
dispatch_signals(struct loop *l)
{
	struct signalfd_siginfo info;

	if (l->polled[SLOT_SIGNAL].revents == 0)
		return;
	while (read(l->polled[SLOT_SIGNAL].fd, &info, sizeof info) == (ssize_t)sizeof info)
		if (info.ssi_signo < NSIG && l->on_signal[info.ssi_signo].cb != NULL)
			l->on_signal[info.ssi_signo].cb((int)info.ssi_signo, l->on_signal[info.ssi_signo].arg);
}

/* --- posts ------------------------------------------------------------------------------------ */

void
loop_post(struct loop *l, void (*cb)(void *arg), void *arg)
{
	static const uint64_t one = 1;
	ssize_t n;

	pthread_mutex_lock(&l->lock);
	if (l->posts.n == l->posts.cap) {
		l->posts.cap = l->posts.cap * 2 + 8;
		l->posts.v = xreallocarray(l->posts.v, l->posts.cap, sizeof *l->posts.v);
	}
	l->posts.v[l->posts.n++] = (struct post){ cb, arg };
	/* Only the first wakes the loop. Under the lock, so that loop_free() cannot close it meanwhile. */
	if (l->posts.n == 1) {
		do
			n = write(l->polled[SLOT_POST].fd, &one, sizeof one);
		while (n < 0 && errno == EINTR);
	}
	pthread_mutex_unlock(&l->lock);
}

static void
dispatch_posts(struct loop *l)
{
	struct posts taken;
	uint64_t count;
	ssize_t n;

	if (l->polled[SLOT_POST].revents == 0)
		return;
	pthread_mutex_lock(&l->lock);
	n = read(l->polled[SLOT_POST].fd, &count, sizeof count);
	(void)n;	/* it only wakes: what is to be done stands in the list */
	taken = l->posts;
	l->posts = (struct posts){ 0 };
	pthread_mutex_unlock(&l->lock);
	for (size_t i = 0; i < taken.n; i++)
		taken.v[i].cb(taken.v[i].arg);
	free(taken.v);
}

/* --- turns ------------------------------------------------------------------------------------ */

int
loop_new(struct loop **ret_loop, struct err *err)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct loop *l;

	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot make the event loop (eventfd)");
	l = xcalloc(1, sizeof *l);
	LIST_INIT(&l->timers);
	TAILQ_INIT(&l->due);
	sigemptyset(&l->signals);
	pthread_mutex_init(&l->lock, NULL);
	slot_add(l, fd, NULL);	/* SLOT_POST */
	slot_add(l, -1, NULL);	/* SLOT_SIGNAL, when there is a signal to watch for */
	clock_tick();
	*ret_loop = l;
	return 0;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	for (size_t i = SLOTS_OWN; i < l->n_slots; i++)
		free(l->fds[i]);
	while (!LIST_EMPTY(&l->timers))
		loop_timer_free(LIST_FIRST(&l->timers));
	close(l->polled[SLOT_POST].fd);
	if (l->has_signals) {
		close(l->polled[SLOT_SIGNAL].fd);
		pthread_sigmask(SIG_SETMASK, &l->mask_before, NULL);
	}
	pthread_mutex_destroy(&l->lock);
	free(l->posts.v);
	free(l->polled);
	free(l->fds);
	free(l->heap);
	free(l);
}

void
loop_on_turn(struct loop *l, loop_turn_cb *cb, void *arg)
{
	l->on_turn = cb;
	l->on_turn_arg = arg;
}

/* The only place of the program that sleeps. */
static void
wait_for_something(struct loop *l, int64_t max_wait_ns)
{
	int64_t until = earliest_latest(l, 1, INT64_MAX), wait = max_wait_ns;
	struct timespec ts;
	int n;

	close_holes(l);
	clock_tick();	/* the turn before may have taken its time */
	if (until != INT64_MAX) {
		int64_t left = until > clock_mono() ? until - clock_mono() : 0;

		if (wait < 0 || left < wait)
			wait = left;
	}
	ts = (struct timespec){ .tv_sec = wait / NS_PER_S, .tv_nsec = wait % NS_PER_S };
	n = ppoll(l->polled, l->n_slots, wait < 0 ? NULL : &ts, NULL);
	if (n < 0) {
		/* EINTR: some handler ran; the next turn polls again. Nothing else can come of our own
		 * descriptors but lack of memory. */
		if (errno != EINTR)
			log_write(LOG_ERROR, "loop", "ppoll: %s", strerror(errno));
		for (size_t i = 0; i < l->n_slots; i++)
			l->polled[i].revents = 0;
	}
}

void
loop_once(struct loop *l, int64_t max_wait_ns)
{
	assert(!l->is_in_turn);
	wait_for_something(l, max_wait_ns);
	l->is_in_turn = true;
	clock_tick();
	l->n_turns++;
	dispatch_fds(l);
	dispatch_timers(l);
	dispatch_signals(l);
	dispatch_posts(l);
	if (l->on_turn != NULL)
		l->on_turn(l->on_turn_arg);
	l->is_in_turn = false;
}

int
loop_run(struct loop *l)
{
	while (!l->is_stopped)
		loop_once(l, -1);
	l->is_stopped = false;	/* it may be run again */
	return l->status;
}

void
loop_stop(struct loop *l, int status)
{
	l->is_stopped = true;
	l->status = status;
}

uint64_t
loop_turns(const struct loop *l)
{
	return l->n_turns;
}
