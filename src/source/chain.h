/*
 * A chain: a poll that takes several requests, each made from the answers before: pages of a registry, the run
 * behind a version, one request a host.
 *
 * A type of source gives a chain as a small machine without sockets and without a clock: it says what to ask
 * next and takes the bodies. The schedule (sources_chain.c) sends the requests with all that applies to any
 * request of the source (auth, TLS, ceilings, replicas), at most at_once at a time, and the events at the end.
 * When a request fails, the chain is told and decides whether it can go on without it. begin, keep and free are
 * called in the loop's thread, all else in a worker, and never two of them at once.
 */
#ifndef OPS_SOURCE_CHAIN_H
#define OPS_SOURCE_CHAIN_H

#include "source/decode_json.h"
#include "source/source.h"

enum { CHAIN_AT_ONCE = 4, CHAIN_HOSTS_AT_ONCE = 64, CHAIN_REQUESTS_MAX = 2000 };

struct chain_ask {		/* one request; chain_ask_done() frees */
	struct request request;
	char *url; /* where to: NULL the source and its replicas, else a site of its own (a host that serves) */
	unsigned tag;		/* of the chain's own choosing */
};
void chain_ask_done(struct chain_ask *ask);

struct chain_outcome {		/* of a round that went well */
	char flaw[400];		/* what is missing of it, a sentence: reported as a failure, but what came counts; "" nothing */
	bool is_whole;		/* all that was wanted */
	bool is_more;		/* the next round is due at once */
};

struct chain_ops {
	const char *what;	/* in health and events: "registry" */
	unsigned at_once;	/* requests under way together */
	unsigned requests_max;	/* in one round; more are a failure */
	/* Reads the answers: CHAIN_DECODER with a name and a way to tell a refusal. */
	const struct decoder_ops *decoder;
	/* A round begins. conf: of the source; arg: what the environment says, see struct registry_arg and
	 * struct serving_want; kept: what the last round left behind, may be NULL, now the chain's. NULL and
	 * err when there is nothing that could be asked. */
	void *(*begin)(const struct conf_source *conf, const void *arg, void *kept, struct err *err);
	/* The next request. false: none now (wait for answers), or the chain is done when none is under way. */
	bool (*next)(void *chain, struct chain_ask *ret);
	/* The body of an answer (any status below 300). 0, or err: what is wrong with it, which is then told to
	 * failed(). */
	int (*answer)(void *chain, unsigned tag, const char *body, size_t len, struct err *err);
	/* No answer (status 0), one that says no, or one that makes no sense. 0: the chain goes on without it;
	 * else err is why the whole round failed. */
	int (*failed)(void *chain, unsigned tag, long status, const struct err *why, struct err *err);
	/* What it all says. */
	void (*end)(void *chain, struct event_list *ret);
	/* After end(); NULL: all is well. */
	void (*outcome)(void *chain, struct chain_outcome *ret);
	/* The round failed, or nobody wants it any more: a last request, sent without waiting for what comes of it. NULL: none. */
	bool (*abandon)(void *chain, struct request *ret);
	/* For the next round; NULL nothing. After a failed one as well. */
	void *(*keep)(void *chain);
	void (*kept_free)(void *kept);	/* NULL is fine */
	void (*free)(void *chain);
};

/* The body of an answer, as the decoder hands it over: the only event of it, and not one for the model. */
struct chain_body {
	struct block block;
	const char *bytes;
	size_t len;
};
int chain_finish(struct decoder *d, struct event_list *events, struct err *err);
#define CHAIN_DECODER                                                                                          \
	.size = sizeof(struct small_body), .begin = small_begin, .push = small_push, .finish = chain_finish,   \
	.end = small_end

/* What a registry's chain has to know of the environment. */
struct registry_arg {
	const struct model_def *models;
	size_t n_models;
};

extern const struct chain_ops mlflow_chain, http_json_chain, serving_http_chain;
extern const struct chain_ops loki_chain, elastic_chain, journald_chain;

#endif
