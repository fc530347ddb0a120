/*
 * What the metrics themselves tell of the past: which alerts fired (ALERTS), before this console looked and where nothing was recorded.
 */
#ifndef OPS_PAST_H
#define OPS_PAST_H

#include "app.h"

struct past;
struct past *past_new(struct app *a);
void past_free(struct past *p);
/* What is to be asked besides: the alerts of the shared range, for the timeline, and those at the cursor. */
size_t past_wants(struct past *p, const struct query_want **ret);
/* true: taken. */
bool past_event(struct past *p, const struct event *ev);
/* The shared range, or its cursor, changed. */
void past_range(struct past *p);
/* The alerts that fired or were pending at the cursor, and nothing else; NULL: not asked, or no answer yet. */
const struct model *past_at(struct past *p, int64_t t_ns);

#endif
