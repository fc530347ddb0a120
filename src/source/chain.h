/*
 * A chain: a poll that takes several requests, each made from the answers before: pages of a registry, the run behind a version, one request a host.
 *
 * A type of source gives a chain as a small machine without sockets: it says what to ask next and takes the bodies. The schedule (sources.c) sends
 * the requests with all that applies to any request of the source (auth, TLS, ceilings, replicas), at most CHAIN_AT_ONCE at a time, and the events at the end. When a request fails, the chain is
 * told and decides whether it can go on without it.
 */
#ifndef OPS_SOURCE_CHAIN_H
#define OPS_SOURCE_CHAIN_H

#include "source/source.h"

enum { CHAIN_AT_ONCE = 4, CHAIN_REQUESTS_MAX = 2000 };

struct chain_ops {
	const char *what;	/* in health and events: "registry" */
	/* A round begins. conf: of the source; arg: what the type was set up with (struct model_def list, hosts); kept: what the last round left behind, may be NULL */
	void *(*begin)(const struct conf_source *conf, const void *arg, void *kept);
	/* The next request, with a tag of its own choosing. false: none now (wait for answers), or the chain is done when none is under way. */
	bool (*next)(void *chain, struct request *ret, unsigned *ret_tag);
	/* In a worker: the body of an answer (any status below 300). 0, or err: what is wrong with it. */
	int (*answer)(void *chain, unsigned tag, const char *body, size_t len, struct err *err);
	/* In a worker: no answer, or one that says no. 0: the chain goes on without it; else err is why the whole round failed. body may be NULL. */
	int (*failed)(void *chain, unsigned tag, long status, const char *body, size_t len, const struct err *why, struct err *err);
	/* In a worker: what it all says. */
	void (*end)(void *chain, struct event_list *ret);
	void (*free)(void *chain);
};

#endif
