/*
 * Inside of the engine. Files: run.c (states, requests from outside), run_stage.c (the order of a run), run_lane.c (one host's way through the steps), run_lane_state.c, run_undo.c,
 * run_look.c (conditions), run_output.c, run_audit.c (records), run_info.c (snapshots), run_end.c (how it ended), plan.c (the order of planning), plan_params.c,
 * plan_hosts.c, plan_bind.c, plan_reads.c, plan_facts.c, plan_hash.c, plan_resume.c.
 *
 * A lane is one row: a host, or what is done once ("the run's own"). A column is one step, or precheck, health, verify. A cell is one column in one lane.
 */
#ifndef OPS_RUNBOOK_RUN_PRIV_H
#define OPS_RUNBOOK_RUN_PRIV_H

#include <sys/queue.h>

#include "base/clock.h"
#include "base/digest.h"
#include "conf/hostlist.h"
#include "runbook/lock.h"
#include "runbook/run.h"

enum { RUN_READS_MAX = 64, RUN_HEAD_MAX = 8 << 10, RUN_TAIL_MAX = 64 << 10, RUN_TEXT_MAX = 400, RUN_NONCE_MAX = 33 };
#define RUN_PLAN_AGE (10 * NS_PER_MIN)
#define RUN_SETTLE_PAUSE (2 * NS_PER_S)
#define RUN_SETTLE_GRACE (5 * NS_PER_S)

enum part { PART_NONE, PART_OPENING, PART_HOST, PART_CLOSING };

struct column {
	enum run_phase phase;
	enum part part;				/* of a step */
	const struct runbook_step *step;	/* NULL: precheck, health, verify */
	const char *name, *kind;
};

struct cell {
	enum outcome outcome;
	unsigned attempt;
	int64_t started_ns, ended_ns;
	char *text, *transport;
	uint64_t intent, result;
	struct bound *act, *check, *undo;
	char *expect;			/* what the check says when it is done; NULL: its exit status does */
	char *previous;			/* found when the plan was made */
	char *unbound;			/* why the act cannot be put together, NULL: it is */
	char *undo_unbound;
	char *done_in;			/* resume: run that did it */
	char nonce[RUN_NONCE_MAX];	/* of the newest attempt */
	bool is_begun;			/* by us: it was, or may have been, sent */
	bool was_begun;			/* by an attempt before this one */
	int64_t begun_ns;		/* when the newest attempt was begun: what it made cannot be older. 0: not known */
	int64_t undo_begun_ns;		/* 0: it was not */
	bool is_undo_failed;
	bool must_settle;		/* an earlier attempt's outcome is unknown: found out before anything else */
};

enum lane_state {
	LANE_WAITING,		/* its turn has not come */
	LANE_NEXT,		/* between two steps */
	LANE_WHEN, LANE_CHECK, LANE_INTENT, LANE_ACT, LANE_SETTLE, LANE_SETTLE_PAUSE, LANE_RECHECK, LANE_BACKOFF, LANE_ASK,
	LANE_DONE,		/* through the steps of its part */
	LANE_FAILED, LANE_LEFT /* skipped by a person, or done in the run that is resumed */,
	LANE_UNDO_NEXT, LANE_UNDO_CHECK, LANE_UNDO_INTENT, LANE_UNDO_ACT, LANE_UNDO_SETTLE, LANE_UNDO_DONE
};

struct tail { char *data; size_t len; uint64_t total; };

struct lane {
	struct run *run;
	char *name;			/* "" the run's own */
	char *address, *user;
	struct ssh_host ssh;
	int batch;			/* -1: the run's own */
	char *serving, *serving_why;
	struct bindings bindings;
	struct cell *cells;		/* n_columns */
	enum lane_state state;
	enum part part;
	size_t column;
	size_t result_column;		/* of the result that is being recorded: one at a time, the next intent comes behind it */
	char *phrase;
	char *cause;			/* of its failing: what was found; NULL: it has not failed at a step */
	size_t cause_column;		/* n_columns: its health was not seen */
	bool is_failed, is_unreachable, is_left;
	bool is_asked_confirm;		/* LANE_ASK: by a confirm step, else by on_failure */
	bool must_undo;			/* on_failure: undo, of this lane alone */
	bool is_cancelled;		/* what runs was asked to end */
	bool is_finding_out;		/* what became of an attempt of an earlier run, or before a retry */
	enum lane_state before_undo;	/* to go back to */
	struct running *running;
	struct look *look;
	struct loop_timer *timer;
	int64_t settle_until;		/* monotonic */
	/* Output of what runs. */
	struct buf pending[2];
	struct tail tail[2];
	struct digest *digest[2];	/* over all bytes */
	int64_t output_ns;		/* monotonic: of the newest EVENT_RUN_OUTPUT */
	bool is_output_due;
};

enum stage {
	STAGE_NONE, STAGE_PRECHECK, STAGE_OPENING, STAGE_BATCH_CHECK, STAGE_BATCH, STAGE_HEALTH, STAGE_PAUSE, STAGE_CLOSING, STAGE_VERIFY, STAGE_UNDO, STAGE_END
};

struct value {
	const struct runbook_param *param;
	char *value, *from;		/* value NULL: not known yet */
	char *current;			/* of `previous`: what it would leave */
	bool is_previous;
	struct previous_ask *ask;
	struct run *run;
};

struct batch {
	size_t first, n;		/* of lanes */
	bool is_well;			/* since the last attempt there its health was judged, and lets the run go on */
};

struct fact { char *name, *text; enum outcome outcome; };

struct canon { char *label; size_t at, len; };	/* a part of the plan's bytes, for saying what changed */
struct plan_bytes { struct buf bytes; struct canon *v; size_t n; char hash[65]; };

/* Conditions that are judged together. */
struct look_item {
	struct look *look;
	const struct condition *c;
	struct lane *lane;		/* the run's own unless the condition is by host */
	struct bindings bindings;
	struct judging *judging;
	enum outcome outcome;		/* OUTCOME_RUNNING until judged */
	char *text;
};
typedef void look_done_cb(struct look *k, void *arg);
struct look {
	struct run *run;
	enum run_phase phase;
	const char **hosts;		/* NULL-terminated; names are the lanes' */
	size_t n, left;
	struct look_item *v;
	struct hostlist failed;		/* hosts it does not hold for */
	bool is_reported;
	look_done_cb *done;
	void *arg;
	struct loop_timer *timer;	/* done is never called from inside */
};

struct route_ask { LIST_ENTRY(route_ask) next; struct run *run; struct lane *lane; };

enum plan_step { PLAN_PREVIOUS, PLAN_ROUTES, PLAN_READS, PLAN_CONDITIONS, PLAN_DONE };
enum read_what { READ_CHECK, READ_VALUE, READ_REACH /* is it there, and does it let us in? */ };
struct plan_read { struct lane *lane; size_t column; enum read_what what; struct running *running; bool is_done; };

struct run {
	const struct run_world *w;
	const struct runbook *rb;
	struct run_request q;		/* sets copied, strings owned */
	struct run_set *sets;
	char *limit, *incident, *alert, *resume, *reason;
	char id[RUN_ID_MAX];
	run_notice_cb *notice;
	void *notice_arg;
	enum run_state state;
	enum stage stage;
	int exit;
	int64_t planned_ns, started_ns, ended_ns, last_act_ns, last_begun_ns /* of the act that ended last; 0: not known */;
	struct loop_timer *pump;

	struct value *values; size_t n_values;
	char *target;
	struct column *columns; size_t n_columns;
	struct lane *lanes; size_t n_lanes;
	struct lane own;
	const char **hosts;		/* names of all lanes, NULL-terminated */
	struct batch *batches; size_t n_batches;
	struct runbook_step mark_bad;	/* put together here: what a done run marks as bad */
	struct act mark_bad_act;
	bool has_mark_bad;

	/* planning */
	enum plan_step plan_step;
	size_t n_asked;			/* answers that are waited for */
	LIST_HEAD(, route_ask) routes;
	struct plan_read *reads; size_t n_reads, n_begun;
	struct act reach;		/* ssh: true */
	struct template *reach_words[2];
	struct look **whens; size_t n_whens;
	struct fact *facts; size_t n_facts;
	char *refusal; int refusal_exit; size_t n_refusals;
	struct plan_bytes plan, plan_before;
	bool is_replan;
	char *how;			/* confirmed */
	bool is_resumable;

	/* acting */
	struct locks *locks;
	struct look *look;
	size_t batch;
	bool is_stopping, is_stop_asked /* by a person: the next time cancels */, is_cancelling, is_undo_wanted, is_detached, must_stop_after_batch, is_declined;
	bool is_verified, is_unverified, is_undone, is_audit_broken, is_end_recorded, is_durable;
	bool is_condition_failed;
	bool is_prechecked;		/* preconditions held, and nothing was begun since */
	char *why_stopping, *audit_why;
	const struct lane *stopper;	/* why_stopping is that this one failed, and maybe others; NULL: something else */
	struct lane *asking;
	char *question;
	size_t undo_wave;
	uint64_t seq_first, seq_last;
	char *text;
	struct loop_timer *pause;
	int64_t pause_until;		/* monotonic */
	/* snapshots */
	struct run_info *info, *info_before;
	bool is_dirty;
	struct loop_timer *info_timer;
	int64_t info_ns;
};

/* --- run.c ------------------------------------------------------------------------------------------------------------------- */
void run_enter(struct run *r, enum run_state to);	/* the only writer of r->state */
void run_kick(struct run *r);				/* go on in the next turn */
void run_halt(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));	/* nothing new is begun; the first reason is kept */
bool run_is_halted(const struct run *r);
void run_tell(struct run *r, enum run_notice_kind kind, const struct run_notice *n);
void text_set(char **p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *text_clean(const char *text);			/* masked, escaped, cut: fit for a cell */
void run_ask(struct run *r);				/* put the next question, if there is one */

/* --- plan*.c ------------------------------------------------------------------------------------------------------------------ */
void plan_begin(struct run *r);
void plan_pump(struct run *r);
void plan_free(struct run *r);				/* all that planning made */
void plan_refuse(struct run *r, int exit, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int plan_params(struct run *r, struct err *err);
void plan_previous(struct run *r);
void plan_versions(struct run *r);			/* refuses what the registry does not have */
int plan_hosts(struct run *r, struct err *err);
int plan_columns(struct run *r, struct err *err);
void plan_bind(struct run *r);
void plan_routes(struct run *r);
void plan_reads_begin(struct run *r);
bool plan_reads_pump(struct run *r);			/* true: all are done */
void plan_conditions(struct run *r);
void plan_facts(struct run *r);
void plan_fact(struct run *r, const char *name, enum outcome outcome, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void plan_hash(struct run *r);
char *plan_difference(const struct plan_bytes *before, const struct plan_bytes *now);
void plan_bytes_done(struct plan_bytes *p);
int plan_resume(struct run *r, struct err *err);
const char *run_lookup(const char *name, void *arg, const char **ret_why);	/* arg: a lane */
int run_expand(struct lane *l, const struct template *t, char **ret, struct err *err);
const struct value *run_value_of(const struct run *r, enum param_type type);	/* the first of that type; NULL */
bool step_changes(const struct runbook_step *s);	/* it does something to the world */
/* Is it done already, by what the check told? */
enum check_answer { CHECK_DONE, CHECK_NOT_DONE, CHECK_UNREACHABLE, CHECK_FAILED };
enum check_answer check_answer(const struct cell *c, const struct runbook_step *s, const struct act_result *res, char **ret_found);

/* --- stages and lanes ------------------------------------------------------------------------------------------------------------ */
void stage_start(struct run *r);		/* locks, first record */
void stage_again(struct run *r, enum stage to);	/* after the end: locks, a record, then to */
void stage_reopen(struct run *r);		/* something is tried again: what comes behind the batches waits for it */
void stage_pump(struct run *r);
unsigned run_n_failed(const struct run *r);	/* that count */
void lane_enter(struct lane *l, enum lane_state to);	/* the only writer of l->state */
void lane_go(struct lane *l, enum part part);
void lane_next(struct lane *l);
void lane_stop(struct lane *l);			/* ends what only waits or looks */
void lane_cancel(struct lane *l);
bool lane_is_busy(const struct lane *l);
bool lane_is_over(const struct lane *l);
void lane_answer(struct lane *l, const char *answer);
void lane_retry(struct lane *l);
void lane_sum_up(struct lane *l);		/* its phrase: what stands, and what failed */
void lane_phrase(struct lane *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void lane_done(struct lane *l);			/* frees what it holds */
struct cell *lane_cell(struct lane *l);
const struct column *lane_column(const struct lane *l);
void cell_set(struct lane *l, size_t column, enum outcome outcome, const char *text);
int lane_begin(struct lane *l, struct bound *b, enum act_mode mode, const char *previous, bool has_output, act_done_cb *done, struct err *err);
int64_t lane_act_begun(const struct lane *l);	/* its last act; the run's where it has none. 0: not known */
bool lane_unbusy(struct lane *l, struct running *running);	/* in done callbacks */
void nonce_make(char *buf);
void undo_lane(struct lane *l);
void undo_next(struct lane *l);
bool cell_needs_undo(const struct lane *l, size_t column);
bool cell_can_undo(const struct lane *l, size_t column);

struct look *look_begin(struct run *r, enum run_phase phase, struct condition *const *v, size_t n, struct lane *lane, const char **hosts, int64_t since_ns,
    look_done_cb *done, void *arg);
void look_free(struct look *k);
enum outcome look_outcome(const struct look *k);
char *look_text(const struct look *k);		/* of the worst; owned by the caller */
/* The condition as it was judged, its values in place: "alert ModelStale is resolved, within 10m"; owned by the caller. */
char *condition_what(const struct condition *c, const struct bindings *b);
void look_record(struct look *k);		/* AUDIT_CHECK of each */
const char **run_hosts_now(struct run *r, bool is_all);	/* names; owned by the caller */

/* --- output, records, snapshots, end ----------------------------------------------------------------------------------------------- */
void output_begin(struct lane *l);
void output_add(struct running *running, bool is_err, const char *bytes, size_t len, void *arg);
void output_end(struct lane *l, const struct act_result *res);
void output_hash(struct lane *l, bool is_err, char *hex);
void output_done(struct lane *l);
void output_apply(struct lane *l, const struct act_result *res);

void record_start(struct run *r, audit_done_cb *cb);
void record_state(struct run *r, const char *state, const char *text);
void record_intent(struct lane *l, size_t column, bool is_undo, audit_done_cb *cb);
void record_result(struct lane *l, size_t column, bool is_undo, enum outcome outcome, const char *text, const struct act_result *res);
void record_check(struct run *r, enum run_phase phase, const char *host, const char *what, const char *expected, const char *found, enum outcome outcome);
void record_end(struct run *r, audit_done_cb *cb);
void run_audit_failed(struct run *r, const char *why);

void info_touch(struct run *r);
void info_now(struct run *r);
void run_sum_up(struct run *r);			/* exit and text */
char *run_why_stopper(const struct run *r, const struct lane *l);	/* too many failed, l first; owned by the caller */
char *lane_why(const struct lane *l);		/* "settle: exit 1": why it failed; owned by the caller */

#endif
