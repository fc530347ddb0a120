/*
 * One agent behind its socket: requests one at a time, never waiting.
 *
 * An agent that is slow holds up its own queue only; one that does not answer in time fails the whole queue at once, so that 200 hosts wait for it once.
 */
#ifndef OPS_SSH_AGENT_CLIENT_H
#define OPS_SSH_AGENT_CLIENT_H

#include "base/buf.h"
#include "loop/loop.h"

struct agent_client;
struct agent_call;
/* reply: the message without its length; NULL: err says why there is none. */
typedef void agent_reply_cb(const unsigned char *reply, size_t len, const struct err *err, void *arg);

struct agent_client *agent_client_new(struct loop *l, const char *path);
void agent_client_free(struct agent_client *c);		/* no callback comes any more */
/* request: whole message with its length, taken. cb comes later, once. */
struct agent_call *agent_client_call(struct agent_client *c, struct buf *request, int64_t timeout_ns, agent_reply_cb *cb, void *arg);
void agent_call_cancel(struct agent_call *call);	/* NULL is fine; not after cb */

#endif
