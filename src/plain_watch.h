/*
 * What changes that the timeline has no entries for: alerts that are silenced by whomever, requests, targets and rules that fail, what cannot be seen any more (objectives, models,
 * drift), and the overall health.
 *
 * A problem is told once it has stood for a little, and when it is over; what hides behind a source that has gone silent is not over.
 */
#ifndef OPS_PLAIN_WATCH_H
#define OPS_PLAIN_WATCH_H

#include "base/buf.h"
#include "model/model.h"

struct plain_watch;
struct plain_watch *plain_watch_new(void);
void plain_watch_free(struct plain_watch *w);
/* Appends a line for each, as of model_now(); out NULL: the present is known, from now on. */
void plain_watch_look(struct plain_watch *w, const struct model *m, struct buf *out);
/* "CRITICAL: 1 page firing: WebErrorsHigh 5s", the first line of --status. */
void plain_summary(const struct model *m, struct buf *out);
void plain_summary_line(const struct model *m, struct buf *out);

#endif
