/* The pool: order within a lane, done callbacks in the loop's thread, lanes and pool freed with work in them. */
#include "config.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "loop/pool.h"

static struct loop *loop;
static struct pool *pool;
static pthread_t loop_thread;

static int
setup(void **state)
{
	(void)state;
	loop_thread = pthread_self();
	assert_int_equal(loop_new(&loop, NULL), 0);
	pool = pool_new(loop, 3);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	pool_free(pool);
	loop_free(loop);
	return 0;
}

/* --- order ------------------------------------------------------------------------------------ */

struct step {
	unsigned number;
	struct line {
		atomic_uint n_working, n_worked;
		unsigned n_done;
	} *line;
};

static void
step_work(void *arg)
{
	struct step *s = arg;

	assert_false(pthread_equal(pthread_self(), loop_thread));
	assert_int_equal(atomic_fetch_add(&s->line->n_working, 1), 0);
	assert_int_equal(atomic_load(&s->line->n_worked), s->number);
	atomic_fetch_add(&s->line->n_worked, 1);
	atomic_fetch_sub(&s->line->n_working, 1);
}

static void
step_done(void *arg)
{
	struct step *s = arg;

	assert_true(pthread_equal(pthread_self(), loop_thread));
	assert_int_equal(s->line->n_done, s->number);
	s->line->n_done++;
}

static void
test_lanes_keep_order(void **state)
{
	enum { LANES = 5, STEPS = 400 };
	static struct step steps[LANES][STEPS];
	struct pool_lane *lanes[LANES];
	struct line lines[LANES];
	unsigned n_done = 0;

	(void)state;
	memset(lines, 0, sizeof lines);
	for (unsigned i = 0; i < LANES; i++)
		lanes[i] = pool_lane_new(pool);
	for (unsigned k = 0; k < STEPS; k++)
		for (unsigned i = 0; i < LANES; i++) {
			steps[i][k] = (struct step){ .number = k, .line = &lines[i] };
			pool_run(lanes[i], step_work, step_done, &steps[i][k]);
		}
	while (n_done < LANES * STEPS) {
		loop_once(loop, -1);
		n_done = 0;
		for (unsigned i = 0; i < LANES; i++)
			n_done += lines[i].n_done;
	}
	for (unsigned i = 0; i < LANES; i++)
		pool_lane_free(lanes[i]);
}

/* --- work that stands still until it is told to go on ----------------------------------------- */

struct gate {
	sem_t begun, go;
	bool has_worked;
	unsigned n_done;
};

static void
gate_init(struct gate *g)
{
	*g = (struct gate){ 0 };
	sem_init(&g->begun, 0, 0);
	sem_init(&g->go, 0, 0);
}

static void
gate_work(void *arg)
{
	struct gate *g = arg;

	sem_post(&g->begun);
	while (sem_wait(&g->go) < 0)
		;
	g->has_worked = true;
}

static void
gate_done(void *arg)
{
	((struct gate *)arg)->n_done++;
}

/* A task that takes long does not hold up another lane. */
static void
test_lanes_do_not_wait_for_each_other(void **state)
{
	struct pool_lane *slow = pool_lane_new(pool), *quick = pool_lane_new(pool);
	struct gate a, b;

	(void)state;
	gate_init(&a);
	gate_init(&b);
	sem_post(&b.go);
	pool_run(slow, gate_work, gate_done, &a);
	pool_run(quick, gate_work, gate_done, &b);
	while (b.n_done == 0)
		loop_once(loop, -1);
	assert_int_equal(a.n_done, 0);
	sem_post(&a.go);
	while (a.n_done == 0)
		loop_once(loop, -1);
	pool_lane_free(slow);
	pool_lane_free(quick);
}

static void
test_freed_lane_cancels_what_waits(void **state)
{
	struct pool_lane *lane = pool_lane_new(pool);
	struct gate running, waiting;

	(void)state;
	gate_init(&running);
	gate_init(&waiting);
	pool_run(lane, gate_work, gate_done, &running);
	pool_run(lane, gate_work, gate_done, &waiting);
	while (sem_wait(&running.begun) < 0)
		;
	pool_lane_free(lane);	/* does not wait for the one that runs */
	assert_int_equal(running.n_done + waiting.n_done, 0);
	while (waiting.n_done == 0)
		loop_once(loop, -1);
	assert_false(waiting.has_worked);
	sem_post(&running.go);
	while (running.n_done == 0)
		loop_once(loop, -1);
	assert_true(running.has_worked);
}

static void
test_freed_pool_tells_all(void **state)
{
	struct pool *p = pool_new(loop, 1);
	struct pool_lane *lane = pool_lane_new(p);
	struct gate g[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		gate_init(&g[i]);
		sem_post(&g[i].go);	/* the worker may get to any of them before the pool ends */
		pool_run(lane, gate_work, gate_done, &g[i]);
	}
	pool_free(p);	/* the lane goes with it */
	for (int i = 0; i < 3; i++)
		assert_int_equal(g[i].n_done, 1);
}

/* All is told while the pool and its lanes are there, and once. */
static void
test_stopped_pool_tells_all(void **state)
{
	struct pool *p = pool_new(loop, 1);
	struct pool_lane *lane = pool_lane_new(p);
	struct gate g[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		gate_init(&g[i]);
		sem_post(&g[i].go);
		pool_run(lane, gate_work, gate_done, &g[i]);
	}
	pool_stop(p);
	for (int i = 0; i < 3; i++)
		assert_int_equal(g[i].n_done, 1);
	pool_lane_free(lane);
	pool_stop(p);
	pool_stop(NULL);
	pool_free(p);
	for (int i = 0; i < 3; i++)
		assert_int_equal(g[i].n_done, 1);
}

static struct pool_lane *chained_lane;
static struct gate chained;

static void
chain_done(void *arg)
{
	gate_done(arg);
	pool_run(chained_lane, gate_work, gate_done, &chained);
}

/* A done callback that runs while the pool is freed may give it more: told at once, never worked on. */
static void
test_work_given_to_an_ending_pool(void **state)
{
	struct pool *p = pool_new(loop, 1);
	struct gate first;

	(void)state;
	gate_init(&first);
	gate_init(&chained);
	chained_lane = pool_lane_new(p);
	sem_post(&first.go);
	pool_run(chained_lane, gate_work, chain_done, &first);
	while (sem_wait(&first.begun) < 0)
		;
	pool_free(p);
	assert_int_equal(first.n_done, 1);
	assert_int_equal(chained.n_done, 1);
	assert_false(chained.has_worked);
}

static void
test_unused_pool_has_no_threads(void **state)
{
	struct pool *p = pool_new(loop, 64);

	(void)state;
	pool_lane_free(pool_lane_new(p));
	pool_lane_free(NULL);
	pool_free(p);
	pool_free(NULL);
}

struct self {
	char name[16];
	sigset_t mask;
	bool is_done;
};

static void
self_work(void *arg)
{
	struct self *s = arg;

	pthread_getname_np(pthread_self(), s->name, sizeof s->name);
	pthread_sigmask(SIG_BLOCK, NULL, &s->mask);
}

static void
self_done(void *arg)
{
	((struct self *)arg)->is_done = true;
}

static void
test_workers_are_named_and_take_no_signals(void **state)
{
	struct pool_lane *lane = pool_lane_new(pool);
	struct self warm = { .is_done = false }, s = { .is_done = false };

	(void)state;
	/* The name is set by whoever starts the thread: after a first task it is. */
	pool_run(lane, self_work, self_done, &warm);
	while (!warm.is_done)
		loop_once(loop, -1);
	pool_run(lane, self_work, self_done, &s);
	while (!s.is_done)
		loop_once(loop, -1);
	assert_int_equal(strncmp(s.name, "ops-worker-", 11), 0);
	assert_true(sigismember(&s.mask, SIGTERM));
	assert_true(sigismember(&s.mask, SIGWINCH));
	pool_lane_free(lane);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_lanes_keep_order),
		TEST(test_lanes_do_not_wait_for_each_other),
		TEST(test_freed_lane_cancels_what_waits),
		TEST(test_freed_pool_tells_all),
		TEST(test_stopped_pool_tells_all),
		TEST(test_work_given_to_an_ending_pool),
		TEST(test_unused_pool_has_no_threads),
		TEST(test_workers_are_named_and_take_no_signals),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
