/* Patterns of the lines that are held: Drain is fed in a worker, each line once, and what it has found is told now and then. */
#ifndef OPS_LOGS_PATTERNS_H
#define OPS_LOGS_PATTERNS_H

#include "loop/loop.h"
#include "loop/pool.h"
#include "model/model.h"

struct logs_patterns;
typedef void logs_patterns_cb(struct log_pattern_set *set, void *arg);	/* set's reference passes on */

struct logs_patterns *logs_patterns_new(struct loop *l, struct pool *p, const struct model *m, logs_patterns_cb *cb, void *arg);
void logs_patterns_stop(struct logs_patterns *p);	/* before pool_stop() */
void logs_patterns_free(struct logs_patterns *p);	/* after it */
/* Not wanted: what was learnt is kept, nothing new is looked at. */
void logs_patterns_want(struct logs_patterns *p, bool is_wanted);
/* The shared range, and since when a pattern is new. */
void logs_patterns_range(struct logs_patterns *p, int64_t start_ns, int64_t end_ns, int64_t new_since_ns);
/* Since when the lines of each source are held. */
struct log_reach { const char *source; int64_t from_ns; };
void logs_patterns_reach(struct logs_patterns *p, const struct log_reach *v, size_t n);
void logs_patterns_lines(struct logs_patterns *p);	/* lines may have come */

#endif
