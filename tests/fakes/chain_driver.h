/* A chain without a network: the test is the server, and answers each request at once. */
#ifndef OPS_FAKES_CHAIN_DRIVER_H
#define OPS_FAKES_CHAIN_DRIVER_H

#include "source/chain.h"

struct chain_reply {		/* status 0: no answer, body is the reason */
	long status;
	const char *content_type;
	const char *body;	/* lent until the next call */
	size_t len;		/* 0: strlen(body) */
};
typedef void chain_server(const struct chain_ask *ask, struct chain_reply *ret, void *arg);

struct chain_round {
	struct event_list events;
	struct err err;
	unsigned n_requests;
	char paths[64][512];	/* of the first; with ask.url in front, where it has one */
};
/* One round as the schedule makes it, with requests at once as the chain allows. kept: in and out. Free with chain_round_done(). */
void chain_drive(const struct chain_ops *ops, const struct conf_source *conf, const void *arg, void **kept, chain_server *server, void *server_arg,
    struct chain_round *ret);
void chain_round_done(struct chain_round *r);
/* Was a path that begins like this asked for? */
bool chain_was_asked(const struct chain_round *r, const char *prefix);

#endif
