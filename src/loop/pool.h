/*
 * A small pool of worker threads for pure work: bytes in, immutable blocks of model data out.
 *
 * A task runs once in some worker, then its done callback runs in the loop's thread. Tasks of one lane run in
 * the order given and never at the same time, so the chunks of one answer can be fed to its decoder while later
 * ones arrive.
 */
#ifndef OPS_LOOP_POOL_H
#define OPS_LOOP_POOL_H

#include "loop/loop.h"

struct pool;
struct pool_lane;

typedef void pool_work_cb(void *arg);	/* in a worker; touches only arg */
typedef void pool_done_cb(void *arg);	/* in the loop's thread; may be NULL */

struct pool *pool_new(struct loop *l, unsigned n_threads);	/* threads start with the first task */
/* Waits for the tasks that run (they are short and pure), drops the ones that wait, and runs the done callbacks of all: while what they are
 * about is still there. Lanes stay; what is given to them from now on is dropped, too. */
void pool_stop(struct pool *p);
void pool_free(struct pool *p);		/* stopped first */
struct pool_lane *pool_lane_new(struct pool *p);
/* Done callbacks of tasks still in the lane are run, with the lane's tasks cancelled where they have not begun. */
void pool_lane_free(struct pool_lane *lane);
void pool_run(struct pool_lane *lane, pool_work_cb *work, pool_done_cb *done, void *arg);

#endif
