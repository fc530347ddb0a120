/*
 * The filter over the lines that are held, worked out in workers: what was found in a segment is kept as long as segment and query stay, so that new lines cost only themselves,
 * and a query that narrows the one before looks only at what that one let through. The newest query wins; until all is looked at, what is found is told in parts, the newest
 * lines first.
 */
#ifndef OPS_LOGS_WORK_H
#define OPS_LOGS_WORK_H

#include "loop/loop.h"
#include "loop/pool.h"
#include "model/model.h"

struct logs_work;
/* In the loop's thread; view's reference passes on. */
typedef void logs_work_cb(struct log_view *view, void *arg);

struct logs_work *logs_work_new(struct loop *l, struct pool *p, const struct model *m, logs_work_cb *cb, void *arg);
/* Nothing new begins, nothing more is told: before pool_stop(). */
void logs_work_stop(struct logs_work *w);
/* After pool_stop(). */
void logs_work_free(struct logs_work *w);
/* One that cannot be is told in the next view, which else stays as it was. */
void logs_work_query(struct logs_work *w, const char *query);
const char *logs_work_asked(const struct logs_work *w);	/* the last one that was good */
void logs_work_range(struct logs_work *w, int64_t start_ns, int64_t end_ns, int64_t step_ns);
/* Lines may have come or gone. Cheap; looked at no more often than a screen can show. */
void logs_work_lines(struct logs_work *w);
/* The view is told again, as it is. */
void logs_work_again(struct logs_work *w);
/* true: everything that is held has been looked at, and told. */
bool logs_work_is_done(const struct logs_work *w);

#endif
