#include "config.h"

#include "loop/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"

struct task {
	TAILQ_ENTRY(task) next;
	pool_work_cb *work;
	pool_done_cb *done;
	void *arg;
};
TAILQ_HEAD(tasks, task);

struct pool_lane {
	struct pool *pool;
	LIST_ENTRY(pool_lane) all;
	TAILQ_ENTRY(pool_lane) ready;
	struct tasks tasks;		/* not begun */
	bool is_busy;			/* one of its tasks is in a worker */
	bool is_freed;			/* by its owner; goes when not busy */
};

/*
 * Under lock: the lanes, what is ready, what is finished, the counts. A lane stands in `ready` when it has
 * tasks and none of them is being worked on, and goes to the end after each task, so that a long answer does
 * not hold up the short ones.
 */
struct pool {
	struct loop *loop;
	pthread_mutex_t lock;
	pthread_cond_t work_ready;
	LIST_HEAD(, pool_lane) lanes;
	TAILQ_HEAD(, pool_lane) ready;
	struct tasks finished;
	bool is_ending;
	unsigned n_idle, n_ready;
	/* The loop's thread only. */
	unsigned n_threads, n_threads_max;
	pthread_t *threads;
	/* A descriptor of our own and not loop_post(): freeing the pool ends the watch, so nothing can be
	 * called back later. */
	int wake_fd;
	struct loop_fd *wake;
};

/* --- workers ---------------------------------------------------------------------------------- */

static void
wake_loop(struct pool *p)
{
	static const uint64_t one = 1;
	ssize_t n;

	do
		n = write(p->wake_fd, &one, sizeof one);
	while (n < 0 && errno == EINTR);
}

static void
lane_ready(struct pool *p, struct pool_lane *lane)
{
	TAILQ_INSERT_TAIL(&p->ready, lane, ready);
	p->n_ready++;
}

static void
lane_unready(struct pool *p, struct pool_lane *lane)
{
	TAILQ_REMOVE(&p->ready, lane, ready);
	p->n_ready--;
}

static void
lane_destroy(struct pool_lane *lane)
{
	LIST_REMOVE(lane, all);
	free(lane);
}

/* With the lock held: the lane's first task is over. */
static void
task_finished(struct pool *p, struct pool_lane *lane, struct task *t)
{
	if (TAILQ_EMPTY(&p->finished))
		wake_loop(p);
	TAILQ_INSERT_TAIL(&p->finished, t, next);
	lane->is_busy = false;
	if (!TAILQ_EMPTY(&lane->tasks))
		lane_ready(p, lane);
	else if (lane->is_freed)
		lane_destroy(lane);
}

static void *
worker_main(void *arg)
{
	struct pool *p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct pool_lane *lane;
		struct task *t;

		p->n_idle++;
		while (!p->is_ending && TAILQ_EMPTY(&p->ready))
			pthread_cond_wait(&p->work_ready, &p->lock);
		p->n_idle--;
		if (p->is_ending)
			break;
		lane = TAILQ_FIRST(&p->ready);
		lane_unready(p, lane);
		t = TAILQ_FIRST(&lane->tasks);
		TAILQ_REMOVE(&lane->tasks, t, next);
		lane->is_busy = true;
		pthread_mutex_unlock(&p->lock);
		t->work(t->arg);
		pthread_mutex_lock(&p->lock);
		task_finished(p, lane, t);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Signals are for the loop's thread: a worker must not run a handler, nor take what the loop's signalfd waits
 * for. */
static bool
start_worker(struct pool *p)
{
	pthread_t *thread = &p->threads[p->n_threads];
	sigset_t all, before;
	char name[16];
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(thread, NULL, worker_main, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0) {
		log_write(LOG_ERROR, "pool", "cannot start a worker: %s", strerror(r));
		return false;
	}
	snprintf(name, sizeof name, "ops-worker-%u", p->n_threads % 1000);
	pthread_setname_np(*thread, name);
	p->n_threads++;
	return true;
}

/* --- done callbacks --------------------------------------------------------------------------- */

/* What a callback gives to the pool may finish at once, hence the outer loop: until nothing is left. */
static void
run_done(struct pool *p)
{
	struct tasks taken = TAILQ_HEAD_INITIALIZER(taken);
	struct task *t;

	pthread_mutex_lock(&p->lock);
	TAILQ_CONCAT(&taken, &p->finished, next);
	pthread_mutex_unlock(&p->lock);
	while ((t = TAILQ_FIRST(&taken)) != NULL) {
		TAILQ_REMOVE(&taken, t, next);
		if (t->done != NULL)
			t->done(t->arg);
		free(t);
	}
}

static void
on_wake(int fd, unsigned ready, void *arg)
{
	uint64_t count;
	ssize_t n;

	(void)ready;
	n = read(fd, &count, sizeof count);
	(void)n;	/* it only wakes: what is finished stands in the list */
	run_done(arg);
}

/* --- the pool --------------------------------------------------------------------------------- */

struct pool *
pool_new(struct loop *l, unsigned n_threads)
{
	struct pool *p = xcalloc(1, sizeof *p);

	p->loop = l;
	p->n_threads_max = n_threads;
	p->threads = xcalloc(n_threads, sizeof *p->threads);
	p->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work_ready, NULL);
	LIST_INIT(&p->lanes);
	TAILQ_INIT(&p->ready);
	TAILQ_INIT(&p->finished);
	if (p->wake_fd < 0) {
		/* Like memory: at the start of a program one more descriptor is there, or nothing else will
		 * work either. */
		fprintf(stderr, "opsconsole: cannot make the pool of workers: %s\n", strerror(errno));
		abort();
	}
	p->wake = loop_fd_new(l, p->wake_fd, LOOP_READ, on_wake, p);
	return p;
}

/* With the lock held: the tasks that have not begun are over as they are. */
static void
drop_tasks(struct pool *p, struct pool_lane *lane)
{
	if (TAILQ_EMPTY(&lane->tasks))
		return;
	if (!lane->is_busy)
		lane_unready(p, lane);
	if (TAILQ_EMPTY(&p->finished))
		wake_loop(p);
	TAILQ_CONCAT(&p->finished, &lane->tasks, next);
}

void
pool_stop(struct pool *p)
{
	struct pool_lane *lane;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->is_ending = true;
	LIST_FOREACH(lane, &p->lanes, all)
		drop_tasks(p, lane);
	pthread_cond_broadcast(&p->work_ready);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	p->n_threads = 0;
	while (!TAILQ_EMPTY(&p->finished))
		run_done(p);
}

void
pool_free(struct pool *p)
{
	struct pool_lane *lane;

	if (p == NULL)
		return;
	pool_stop(p);
	while ((lane = LIST_FIRST(&p->lanes)) != NULL)
		lane_destroy(lane);
	loop_fd_free(p->wake);
	close(p->wake_fd);
	pthread_cond_destroy(&p->work_ready);
	pthread_mutex_destroy(&p->lock);
	free(p->threads);
	free(p);
}

struct pool_lane *
pool_lane_new(struct pool *p)
{
	struct pool_lane *lane = xcalloc(1, sizeof *lane);

	lane->pool = p;
	TAILQ_INIT(&lane->tasks);
	pthread_mutex_lock(&p->lock);
	LIST_INSERT_HEAD(&p->lanes, lane, all);
	pthread_mutex_unlock(&p->lock);
	return lane;
}

void
pool_lane_free(struct pool_lane *lane)
{
	struct pool *p;

	if (lane == NULL)
		return;
	p = lane->pool;
	pthread_mutex_lock(&p->lock);
	drop_tasks(p, lane);
	lane->is_freed = true;
	if (!lane->is_busy)
		lane_destroy(lane);
	pthread_mutex_unlock(&p->lock);
}

/* No thread can be had: better slow than not at all. */
static void
run_here(struct pool *p, struct task *t)
{
	t->work(t->arg);
	pthread_mutex_lock(&p->lock);
	if (TAILQ_EMPTY(&p->finished))
		wake_loop(p);
	TAILQ_INSERT_TAIL(&p->finished, t, next);
	pthread_mutex_unlock(&p->lock);
}

void
pool_run(struct pool_lane *lane, pool_work_cb *work, pool_done_cb *done, void *arg)
{
	struct pool *p = lane->pool;
	struct task *t = xcalloc(1, sizeof *t);
	bool is_first = p->n_threads == 0, is_short;

	*t = (struct task){ .work = work, .done = done, .arg = arg };
	if (is_first && !p->is_ending && !start_worker(p)) {
		run_here(p, t);
		return;
	}
	pthread_mutex_lock(&p->lock);
	if (p->is_ending) {
		TAILQ_INSERT_TAIL(&p->finished, t, next);
		pthread_mutex_unlock(&p->lock);
		return;
	}
	if (!lane->is_busy && TAILQ_EMPTY(&lane->tasks))
		lane_ready(p, lane);
	TAILQ_INSERT_TAIL(&lane->tasks, t, next);
	/* An idle worker may have been woken for another lane already and not have run yet: idle ones are held
	 * against ready lanes. */
	is_short = p->n_ready > p->n_idle && !is_first;
	pthread_cond_signal(&p->work_ready);
	pthread_mutex_unlock(&p->lock);
	if (is_short && p->n_threads < p->n_threads_max)
		start_worker(p);
}
