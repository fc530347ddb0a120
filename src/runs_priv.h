/*
 * What the files of runs share: runs.c has their life and what the operator asks for, runs_query.c the queries of runs, runs_books.c what can be run
 * and what was.
 */
#ifndef OPS_RUNS_PRIV_H
#define OPS_RUNS_PRIV_H

#include <sys/queue.h>

#include "runs.h"

struct world_ask {			/* one instant query */
	LIST_ENTRY(world_ask) next;
	struct runs *runs;
	char *id, *source, *expr;
	int64_t at_ns;
	world_series_cb *cb;
	void *arg;
	struct loop_timer *timeout;
};

struct one_run {
	TAILQ_ENTRY(one_run) next;
	struct run *run;
	struct run_request request;	/* its strings are in text */
	struct run_set *sets;
	char **text;
	size_t n_text;
	run_notice_cb *notice;
	void *arg;
	struct runs *runs;
	bool is_detached;
};

struct runs {
	struct app *app;
	bool is_interactive;
	struct run_world world;
	char *state_dir;
	struct ssh *ssh;
	struct runbooks books;
	struct runbooks *old_books;	/* read before; runs may still be of them */
	size_t n_old_books;
	uint64_t books_stamp;
	TAILQ_HEAD(one_run_list, one_run) runs;	/* newest first */
	LIST_HEAD(, world_ask) asks;
	unsigned n_asked;
	struct query_want *wants;
	size_t n_wants;
	struct past_run *past;		/* strings point into past_runs */
	struct audit_run *past_runs;
	size_t n_past;
	struct past_task *reading_past;
	bool is_past_stale;		/* something was recorded while it was read */
	char *told_left;		/* run whose missing end was told */
	ssh_passphrase_cb *ask_passphrase;
	void *ask_arg;
};

/* runs_query.c: instant queries, for the world that the engine needs. */
struct world_ask *runs_query(void *arg, const char *source, const char *expr, world_series_cb *cb, void *cb_arg);
void runs_query_cancel(void *arg, struct world_ask *ask);
void runs_ask_free(struct world_ask *ask);

/* runs_books.c. What became of earlier runs, in a worker. */
void runs_past_read(struct runs *r);
void runs_past_stop(struct runs *r);	/* what is being read goes to nobody */
/* What was read before; no run may be of it any more. */
void runs_old_books_drop(struct runs *r);

#endif
