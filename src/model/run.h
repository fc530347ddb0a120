/*
 * Runs of runbooks, the runbooks there are, incidents and notes, as the shared state knows them: plain data in event blocks, so that panels, replay and tests see
 * what the operator saw. The engine (src/runbook) makes them; nothing here acts.
 */
#ifndef OPS_MODEL_RUN_H
#define OPS_MODEL_RUN_H

#include "model/event.h"

/* --- what can be run --------------------------------------------------------------------------------------------------------- */

enum danger { DANGER_LOW, DANGER_MEDIUM, DANGER_HIGH };
const char *danger_name(enum danger d);		/* "low", "medium", "high" */

enum param_type { PARAM_STRING, PARAM_INT, PARAM_ENUM, PARAM_HOST, PARAM_MODEL, PARAM_MODEL_VERSION, PARAM_DURATION, PARAM_SECRET };
const char *param_type_name(enum param_type t);	/* "model-version" */
struct param_info {
	const char *name, *title;	/* title "" when not given */
	enum param_type type;
	bool is_required;		/* and has no default */
	const char *def;		/* default as text; NULL none. "previous" for model versions is a word */
	const char *of;			/* model-version: name of the model param; host: group; else NULL */
	struct strings choices;		/* of an enum */
	const char *from;		/* where def is from: "config", "the only one there is"; NULL: the runbook. A secret of the config has no def */
};
struct runbook_info {
	const char *name, *title, *description;
	enum danger danger;
	const char *file;		/* where it stands */
	bool is_shipped;
	const char *error;		/* why it cannot be used: first problem of the file, "" none */
	size_t n_params;
	const struct param_info *params;
	struct strings offer_alerts;	/* regexes, anchored, over alertname */
	struct strings steps;		/* "activate: ssh on each host", for the detail */
	const char *hosts;		/* "group serving", "" none */
};
struct past_run {			/* from the audit log */
	const char *run, *runbook, *target, *outcome, *user;
	int64_t started_ns, ended_ns;	/* ended 0: no end recorded */
	bool is_verified;
	bool is_left;		/* no end recorded, and nobody is at it any more */
};
struct runbook_set {			/* EVENT_RUNBOOKS: all of them */
	struct block block;
	size_t n;
	const struct runbook_info *v;	/* by name */
	size_t n_past;
	const struct past_run *past;	/* newest first */
	struct strings problems;	/* files that cannot be used: "file:line:column: sentence" */
};

/* --- one run (or plan) ----------------------------------------------------------------------------------------------------------- */

enum run_state {
	RUN_PLANNING,		/* params, hosts, previous version, preconditions and checks are being looked at; nothing acts */
	RUN_PLANNED,		/* plan stands: may be confirmed (console), or the dry run's end */
	RUN_REFUSED,		/* cannot be run: text says why; nothing was done */
	RUN_STARTING,		/* confirmed: locks, first record */
	RUN_ACTING,
	RUN_ASKING,		/* waits for an answer: question */
	RUN_VERIFYING,
	RUN_UNDOING,
	RUN_STOPPING,		/* nothing new is begun, what runs is waited for or cancelled */
	RUN_ENDED
};
const char *run_state_name(enum run_state s);

enum outcome {
	OUTCOME_NONE,		/* not come to it */
	OUTCOME_WAITING,	/* next, or waiting for others of the batch */
	OUTCOME_RUNNING,
	OUTCOME_OK,
	OUTCOME_SKIPPED,	/* when: false, already done, or skipped by a person: text says which */
	OUTCOME_FAILED,
	OUTCOME_WOULD_RUN,	/* dry run */
	OUTCOME_UNVERIFIABLE,	/* dry run: what it depends on cannot be known before it */
	OUTCOME_UNKNOWN,	/* it may have acted */
	OUTCOME_CANCELLED,	/* certainly ended because we asked, or never begun */
	OUTCOME_UNDONE
};
const char *outcome_name(enum outcome o);	/* "OK", "WOULD RUN", as the contract spells them */
bool outcome_find(const char *name, enum outcome *ret);

enum run_phase { PHASE_CHECK /* preconditions */, PHASE_STEP, PHASE_HEALTH, PHASE_CLOSING /* run-scope steps after all batches */, PHASE_VERIFY };

struct run_column {
	const char *name;	/* step's name; "precheck", "health", "verify" */
	const char *kind;	/* "ssh", "registry", .. */
	enum run_phase phase;
	bool is_run_scope;
};
struct run_cell {
	enum outcome outcome;
	int64_t started_ns, ended_ns;	/* 0: not */
	unsigned attempt;	/* 1 the first */
	const char *text;	/* short, escaped: "activated spam-filter 6", "exit 1: no model x", "already 6" */
	const char *command;	/* the exact command or request; "" for conditions */
	const char *undo;	/* exact, "" cannot be undone */
	uint64_t intent, result;	/* seq in the audit log; 0 none */
	const char *transport;	/* "" , "libssh2", "openssh: why" */
};
struct run_row {
	const char *host;	/* "" for what is done once: the last row */
	int batch;		/* from 0; -1 for the run's own row */
	const char *state;	/* one phrase: "serves 6", "unreachable: ..", what is known of it now */
	bool is_failed;
	const struct run_cell *cells;	/* n_columns */
};
struct run_value {		/* a parameter, resolved */
	const char *name, *value;	/* value of a secret: the mark */
	const char *from;	/* "given", "default", "config", "asked", or the evidence: "audit 01-serving:4127, verified there 2029-12-19" */
};
struct run_fact {		/* lines of the confirmation, in order: "why 6", "verified", "budget", "cannot", "lock", .. */
	const char *name, *text;
	enum outcome outcome;	/* OUTCOME_NONE: plain; FAILED, UNKNOWN, OK for conditions */
};
struct run_info {		/* EVENT_RUN: all of one run, whenever something of it changed (at most 10 times a second) */
	struct block block;
	const char *id;		/* "20300101-022931-web"; of a plan that was not run "plan-3" */
	const char *runbook, *title, *env;
	const char *target;	/* the confirm expression, expanded: "prod/spam-filter"; "" none */
	enum danger danger;
	bool is_dry_run, is_ours;	/* ours: this program runs it and can stop it */
	enum run_state state;
	const char *actor;
	const char *plan;	/* hash, 64 hex */
	const char *incident;	/* or NULL */
	int64_t started_ns, ended_ns;
	size_t n_values, n_facts, n_columns, n_rows;
	const struct run_value *values;
	const struct run_fact *facts;
	const struct run_column *columns;
	const struct run_row *rows;	/* hosts in order of the plan, then the run's own row */
	unsigned n_batches, batch;	/* batch: the one under way, from 0 */
	unsigned max_failures;
	const char *next;	/* "health of batch 2, then registry, then verify" */
	const char *text;	/* how it stands or ended, one sentence */
	int exit;		/* of design.md's table; -1 until it ended */
	const char *question;	/* RUN_ASKING: what is asked; else NULL */
	struct strings answers;	/* and what may be answered: "continue", "stop", "undo", "retry" */
	bool is_confirm_typed;	/* danger high: the target must be typed; else yes/no */
	uint64_t seq_first, seq_last;	/* of its records; 0 none */
	bool is_durable;	/* all of them are on disk */
};
/* The output of one step on one host, when it ended (and while it runs, at most twice a second). */
struct run_output {		/* EVENT_RUN_OUTPUT */
	struct block block;
	const char *run, *host;
	unsigned column, attempt;
	const char *out, *err;	/* escaped and masked, lines kept; the last 64 KiB each */
	uint64_t out_bytes, err_bytes;	/* all that came */
	int status;		/* -1 not known */
	const char *signal;	/* "" none */
	bool is_ended;
};

/* --- incidents and notes -------------------------------------------------------------------------------------------------------------- */

struct incident {		/* EVENT_INCIDENT: opened, or closed */
	struct block block;
	const char *id;		/* "20300101-021405-web", or as given */
	const char *title, *by;
	int64_t opened_ns, closed_ns;	/* closed 0: open */
	const char *closing;	/* what was said when it was closed; NULL or "": nothing */
};
struct note {			/* EVENT_NOTE */
	struct block block;
	const char *incident;	/* or NULL */
	const char *by, *text;
	uint64_t seq;
	int64_t at_ns;			/* of its record; 0: it is told at once */
};

/* --- about a run ------------------------------------------------------------------------------------------------------------------------- */

bool run_is_under_way(const struct run_info *r);	/* confirmed and not ended */
bool run_is_plan(const struct run_info *r);		/* nothing was done: planning, planned or refused, also a dry run's end */
const struct run_cell *run_row_cell(const struct run_info *r, size_t row, size_t column);	/* NULL beyond either end */

/* --- in the model (model.h's const access) --------------------------------------------------------------------------------------------- */
struct model;
const struct runbook_set *model_runbooks(const struct model *m);	/* NULL: not read yet */
/* The worst alert that fires, or is silenced (acknowledged, that is, and being worked on), for which runbook i is offered; NULL none. */
struct model_alert;
const struct model_alert *model_runbook_offer(const struct model *m, size_t i);
/* Is it offered for alerts of this name? A regex that does not compile is for none. */
bool runbook_is_for(const struct runbook_info *r, const char *alert);
size_t model_runs(const struct model *m);				/* newest first; the last 32 are kept */
const struct run_info *model_run(const struct model *m, size_t i);
const struct run_info *model_run_find(const struct model *m, const char *id);	/* NULL */
const struct run_output *model_run_output(const struct model *m, const char *run, const char *host, unsigned column);	/* NULL */
const struct incident *model_incident(const struct model *m);		/* the open one, newest; NULL */
size_t model_notes(const struct model *m);				/* newest first; the last 200 are kept */
const struct note *model_note(const struct model *m, size_t i, int64_t *ret_at_ns);

#endif
