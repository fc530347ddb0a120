/*
 * Answers over a range, as what is new of them.
 *
 * A console asks for the same range every few seconds, and all but its newest samples are what they were. A range is written against the
 * one of its slot before: of each series which of that one's it is, how many samples fall out in front, how many stay, and what follows.
 * Without one before all is new, as runs of values on the grid of the step.
 */
#ifndef OPS_RECORD_RANGE_H
#define OPS_RECORD_RANGE_H

#include "base/buf.h"
#include "model/event.h"

/* false: it is written as any other event (native histograms, something else than a matrix). */
bool range_fits(const struct event *ev);
/* The object of member "range". base may be NULL. */
void range_write(struct buf *b, const struct event *ev, const struct series_set *base);
/* work: what may still be unfolded, in bytes; counted down. 0, ERR_INVALID, ERR_LIMIT. */
int range_read(const json_t *range, const struct series_set *base, uint64_t *work, struct event *ret, struct err *err);

#endif
