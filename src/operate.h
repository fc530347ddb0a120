/*
 * Carrying out what the operator decided: silences made, edited, expired, alerts acknowledged.
 *
 * Its intent is on disk before it is sent, its outcome follows (trail.h). Every act is an operation in the model, with a state that is never guessed: STARTED when it is sent, DONE only when it has been read back from the server, FAILED
 * when the server said no or nothing was sent, UNKNOWN when an answer is missing and reading back did not settle it.
 */
#ifndef OPS_OPERATE_H
#define OPS_OPERATE_H

#include "app.h"
#include "ui/op.h"

struct operate;

struct operate *operate_new(struct app *a);
/* Nothing is waited for: what is still under way is told on stderr, as its outcome is unknown. */
void operate_free(struct operate *o);
/* Carry out op (borrowed; op_writes() is true). 0, or why it was not even tried. */
int operate_run(struct operate *o, const struct op *op, struct err *err);
/* Call for each event before or after it was applied: read-backs are settled by EVENT_SILENCES. */
void operate_event(struct operate *o, const struct event *ev);

#endif
