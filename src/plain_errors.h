/*
 * Error lines of logs as rates by service: told when they jump, and when they are back. The lines themselves are for the console.
 *
 * Held against each other are the last minute and the minutes before it (as many of five as lines are held of). Errors jump when there are at least ten of them in the last minute and
 * three times as many as is usual; they jump again when that triples; and they are back when they are a third of what was told.
 */
#ifndef OPS_PLAIN_ERRORS_H
#define OPS_PLAIN_ERRORS_H

#include "base/buf.h"
#include "model/model.h"

struct plain_errors;
struct plain_errors *plain_errors_new(void);
void plain_errors_free(struct plain_errors *e);
/* can_end: all stores answer, so that few lines mean few errors. out NULL: the present is known, from now on. */
void plain_errors_look(struct plain_errors *e, const struct model *m, bool can_end, struct buf *out);

#endif
