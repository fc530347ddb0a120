/*
 * Runbooks at work in one environment: which there are, what runs, and what the engine (src/runbook) needs of sources, model, trail and hosts.
 *
 * Used by the console (ops in, events out) and by `--runbook` (runs_begin() and notices).
 */
#ifndef OPS_RUNS_H
#define OPS_RUNS_H

#include "app.h"
#include "runbook/run.h"
#include "trail.h"
#include "ui/op.h"

struct runs;

struct runs *runs_new(struct app *a, bool is_interactive);
/* Runs under way end as unknown; with the terminal gone call runs_detach() first. */
void runs_free(struct runs *r);
/* Reads the runbooks and what became of earlier runs; tells the model. */
void runs_start(struct runs *r);
/* Each event of the sources before the model sees it. true: it was about a query of a run, and not for the model. */
bool runs_event(struct runs *r, const struct event *ev);
/* Queries wanted now; borrowed until the next call of runs_*(). */
size_t runs_wants(struct runs *r, const struct query_want **ret);
/* What others may have changed: runbooks, where their folders or files are not as they were, and, when the log is new, the runs in it. */
void runs_look_again(struct runs *r, bool is_log_new);
/* All of that, whether anything looks changed or not. */
void runs_refresh(struct runs *r);
const struct runbooks *runs_books(const struct runs *r);
/* Runs that act now. */
size_t runs_acting(const struct runs *r);

/* Plan a run. notice may be NULL. ret: owned by r. */
int runs_begin(struct runs *r, const struct run_request *q, run_notice_cb *notice, void *arg, struct run **ret, struct err *err);
/* Carry out OP_RUN_*. 0, or why not. ret_run (may be NULL): id of the run it was about, borrowed. */
int runs_op(struct runs *r, const struct op *op, const char **ret_run, struct err *err);
/* Who is asked for the passphrase of a key file; answered by runs_passphrase(), which wipes it. NULL: nobody, and such keys are left out. */
void runs_on_passphrase(struct runs *r, ssh_passphrase_cb *cb, void *arg);
void runs_passphrase(struct runs *r, const char *path, char *passphrase);
/* The terminal is gone: what runs finishes its batch, or stops, as on_disconnect says. true: something still runs, turn the loop until runs_acting() is 0. */
bool runs_detach(struct runs *r);

/* --runbook NAME and its kin; opens nothing of the terminal's. Exit status of doc/opsconsole.1. */
int runbook_main(struct app *a, const struct options *o);
/* --runbooks, --describe NAME. */
int runbooks_main(struct app *a, const struct options *o);

#endif
