/*
 * The engine: one run of one runbook, from the plan to its end. A named state machine with one setter (run_enter()); nothing blocks.
 *
 * Planning resolves params and `previous`, freezes hosts and batches, binds every step for every host, reads what undo will need, runs checks and preconditions, and hashes all
 * that decides what would happen. A dry run ends there. Acting begins only from a plan, after a confirmation bound to its hash, with locks held and the first record durable.
 * An act is begun only in the callback of its durable intent. Results follow. Unknown outcomes are settled where they can be, and stay unknown where not.
 */
#ifndef OPS_RUNBOOK_RUN_H
#define OPS_RUNBOOK_RUN_H

#include "runbook/step.h"

struct run;

struct run_set { const char *name, *value, *from; };	/* from: "given", "config", "asked" */
enum on_disconnect { DISCONNECT_FINISH /* the batch, then stop */, DISCONNECT_STOP };
struct run_request {
	const struct runbook *runbook;
	const struct run_set *sets;
	size_t n_sets;
	const char *limit;		/* pattern of hosts (conf/hostlist.h); NULL all */
	const char *id;			/* NULL: made */
	const char *incident;		/* NULL none */
	const char *alert;		/* name of the alert it was offered for; NULL */
	enum on_disconnect on_disconnect;
	bool is_interactive;		/* somebody can answer: confirm steps, on_failure: ask. Else they stop */
	bool is_dry_run;		/* never acts */
	const char *resume;		/* id of an earlier run that did not end well: hosts whose steps are done are skipped (their checks run). NULL none */
};

/* What happened, for the scripted mode's lines, in order. Strings borrowed. */
enum run_notice_kind { NOTICE_STATE, NOTICE_FACT, NOTICE_STEP, NOTICE_OUTPUT, NOTICE_CONDITION, NOTICE_BATCH, NOTICE_QUESTION, NOTICE_END };
struct run_notice {
	enum run_notice_kind kind;
	int64_t at_ns;
	const char *name;		/* step, condition, fact */
	const char *host;		/* "" the run's own */
	int batch;			/* -1 none */
	enum outcome outcome;
	unsigned attempt;
	bool is_err;			/* NOTICE_OUTPUT: stderr */
	const char *text;
	size_t len;			/* of NOTICE_OUTPUT's text */
	uint64_t seq;			/* of the record; 0 none */
};
typedef void run_notice_cb(struct run *r, const struct run_notice *n, void *arg);

/* runbook and world must outlive it. Begins to plan at once. ERR_USAGE, ERR_INVALID with nothing done: params missing (all listed), unknown, not of their type; no host left by limit. */
int run_new(const struct run_world *w, const struct run_request *q, run_notice_cb *notice, void *arg, struct run **ret, struct err *err);
void run_free(struct run *r);		/* what is under way stays under way on the hosts, and is recorded as unknown */
/* Borrowed block, valid until the next turn: everything there is to show. */
const struct run_info *run_info(const struct run *r);
enum run_state run_state(const struct run *r);
const char *run_plan_hash(const struct run *r);	/* "" while planning */
int run_exit(const struct run *r);		/* of design.md's table; -1: not ended */

/* RUN_PLANNED -> acting. typed: what was typed (danger high: must equal the target, byte for byte); hash: the plan that was shown. ERR_INVALID: not the target, or the plan is another one by now;
 * ERR_DENIED: dry run. how: "typed", "--confirm", "--yes", "yes". Locks, audit and preconditions may still refuse (RUN_ENDED with exit 6, 8, 3). A plan older than 10 minutes is made again first:
 * when its hash differs the run is refused (exit 3) and the text says what changed. */
int run_confirm(struct run *r, const char *hash, const char *typed, const char *how, struct err *err);
void run_decline(struct run *r);		/* exit 7 */
/* The first: nothing new is begun, of an undo neither; what runs is waited for. Again (true): what runs is cancelled. */
bool run_stop(struct run *r, const char *why);
int run_answer(struct run *r, const char *answer, struct err *err);	/* RUN_ASKING */
int run_skip(struct run *r, const char *host, struct err *err);	/* a waiting or failed host is left out from here on */
int run_retry(struct run *r, const char *host, struct err *err);	/* host NULL: every failed one; also after the end of a run that failed (then acting again, same id) */
int run_undo(struct run *r, struct err *err);		/* stops, then undoes in reverse order; also after the end */
/* The terminal is gone: on_disconnect decides. Recorded as detached. */
void run_detach(struct run *r);

/* "20300101-022931-web" */
#define RUN_ID_MAX 64
void run_id_make(char *buf, int64_t now_ns, const char *host);
bool run_id_is_valid(const char *text);		/* letters, digits, '-', '_', '.', 1..63 */

#endif
