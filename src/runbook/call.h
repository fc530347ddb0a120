/*
 * One request through run_world.write() that may be forgotten: the sources give no way to take a write back, so the ticket lives until its answer came, whoever
 * asked for it being there or not.
 */
#ifndef OPS_RUNBOOK_CALL_H
#define OPS_RUNBOOK_CALL_H

#include "runbook/world.h"

struct call;
/* result is borrowed, its body never NULL. The call is gone afterwards. */
typedef void call_cb(const struct write_result *result, void *arg);
/* cb comes later, never from inside. 0, or why nothing was sent. */
int call_begin(const struct run_world *w, const char *source, const struct request *request, call_cb *cb, void *arg, struct call **ret, struct err *err);
/* The callback does not come any more; the request goes on. NULL is fine. */
void call_forget(struct call *c);

/* What an answer's absence means: true, nothing has reached the other side. */
bool call_is_not_sent(const struct write_result *result);

#endif
