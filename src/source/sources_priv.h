/* Inside of the sources: shared by sources.c (schedule and results), sources_want.c (queries) and
 * sources_write.c. */
#ifndef OPS_SOURCE_SOURCES_PRIV_H
#define OPS_SOURCE_SOURCES_PRIV_H

#include <sys/queue.h>

#include "source/chain.h"
#include "source/log.h"
#include "source/source.h"
#include "source/transport.h"

enum { QUERIES_AT_ONCE = 6 };	/* of one source: a Prometheus runs 20 at a time for everybody */

struct source {
	struct sources *all;
	const struct conf_source *conf;
	const struct source_ops *ops;	/* NULL: a type we do not know */
	size_t n_endpoints, current;	/* the one that answered last, or the next to try */
	struct endpoint **endpoints;
	unsigned n_queries;		/* under way */
};

/* One thing that is asked again and again: a poll of a source, a chain, or a query somebody wants. */
struct slot {
	TAILQ_ENTRY(slot) next;
	struct sources *all;
	struct source *source;		/* NULL: a query of a source that is not there */
	char *what;
	const struct poll *poll;	/* NULL: a chain, or a query */
	const struct chain_ops *chain;	/* NULL: one request */
	const void *chain_arg;		/* for its begin() */
	void *kept;			/* by its last round */
	struct chain_outcome outcome;	/* of it */
	struct log_slot *log;		/* NULL: no lines are wanted by it */
	struct query_want want;		/* strings owned */
	bool is_wanted;			/* mark of sources_want() */

	int64_t due_ns;			/* monotonic; INT64_MAX: never */
	int64_t period_ns;		/* 0: once */
	struct fetch *fetch;		/* NULL: not under way ... */
	struct chain_run *run;		/* ... likewise, of a chain */
	bool is_again;			/* asked for while under way: the answer may be from before that */
	size_t endpoint;		/* of this request ... */
	unsigned n_endpoints_tried;	/* ... and of this round, with this one */
	unsigned n_failed;		/* rounds in a row */
	bool was_unreachable;		/* the last round ended without any answer */
	bool is_tried;			/* a round is over */
};
TAILQ_HEAD(slots, slot);

struct sources {
	struct loop *loop;
	struct pool *pool;		/* for chains; NULL: they run in the loop's thread */
	struct transport *transport;
	sources_event_cb *cb;
	void *arg;
	size_t n;
	struct source *v;
	struct slots slots;		/* polls first */
	LIST_HEAD(, write) writes;
	struct registry_arg registry;
	LIST_HEAD(, serving_source) serving;
	const struct redact *log_redact;
	size_t log_page;		/* lines at once; 0: as usual */
	log_done_cb *log_done;
	void *log_done_arg;
	log_counts_cb *log_counts;
	void *log_counts_arg;
	LIST_HEAD(, log_names) log_names;
	struct loop_timer *timer;
	int64_t epoch_ns;		/* all periods count from here: what is due together shares one wake-up */
	bool is_started;
	unsigned seed;			/* of the jitter */
};

struct source *source_find(struct sources *s, const char *name);	/* NULL: none */

struct slot *slot_new(struct sources *s, struct source *source, const char *what);
void slot_free(struct slot *slot);
void slot_cancel(struct slot *slot);	/* what is under way */
void slot_due_now(struct slot *slot);
/* What is due may have changed. */
void sources_arm(struct sources *s);

/* The request of a query slot. Range ends that follow the clock are set here. */
int want_request(const struct slot *slot, struct request *ret, struct decode_ctx *ctx, struct err *err);
void want_done(struct query_want *w);

void writes_cancel(struct sources *s);

static inline bool
slot_is_query(const struct slot *slot)
{
	return slot->poll == NULL && slot->chain == NULL;
}

static inline bool
slot_is_under_way(const struct slot *slot)
{
	return slot->fetch != NULL || slot->run != NULL;
}

/* Would another replica do better? */
bool fetch_is_worth_another(const struct fetch_result *result);
/* The round has ended with result, which endpoint gave: when it is due again, what it says, and the report. The slot may be gone afterwards. */
void slot_round_over(struct slot *slot, size_t endpoint, const struct fetch_result *result);

/* A round of a chain; it ends in slot_round_over(). 0, or err: nothing was sent. */
int chain_start(struct slot *slot, struct err *err);
void chain_cancel(struct slot *slot);

void serving_cancel(struct sources *s);

void log_slot_free(struct log_slot *l);	/* NULL is fine */
void log_names_cancel(struct sources *s);
/* That a want of lines has been asked is told when its slot may be gone: what to say is taken before. NULL: the slot is none of lines. */
struct log_told *log_told_take(const struct slot *slot, const struct err *err);
void log_told(struct sources *s, struct log_told *t);	/* NULL is fine */
/* What is for those who count, and no event. true: taken. */
bool log_take_event(struct sources *s, const struct event *ev);

#endif
