/*
 * The secrets of one source: read off the loop, kept until the server refuses them.
 *
 * Reading may wait (a command, a file on a network), so it runs in a thread of its own and not in the pool:
 * neither other sources nor the end of the program wait for it.
 */
#ifndef OPS_SOURCE_CREDENTIALS_H
#define OPS_SOURCE_CREDENTIALS_H

#include <sys/queue.h>

#include "conf/conf.h"
#include "loop/loop.h"
#include "source/http.h"

struct credentials;

/* conf must outlive it. */
struct credentials *credentials_new(struct loop *l, const struct conf_source *conf);
void credentials_free(struct credentials *c);
/* Is anything secret in it that could be read again? */
bool credentials_can_change(const struct credentials *c);

/* Someone who needs them. cb runs once from the loop, never before credentials_ready() has returned; err->code
 * 0: they are there. */
struct credentials_waiter {
	LIST_ENTRY(credentials_waiter) next;
	void (*cb)(const struct err *err, void *arg);
	void *arg;
};
/* true: they are there already, and cb will not be called. */
bool credentials_ready(struct credentials *c, struct credentials_waiter *w);
void credentials_unwait(struct credentials_waiter *w);
/* Those of this generation were refused: the next credentials_ready() reads again, unless that has happened
 * since. */
void credentials_refused(struct credentials *c, unsigned generation);
unsigned credentials_generation(const struct credentials *c);

/* Fill in what they are, lent until the loop turns. Only when ready. */
void credentials_apply(const struct credentials *c, struct http_request *r);

#endif
