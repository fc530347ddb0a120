/*
 * How one kind of step is bound, shown, read and done. A row of struct step_ops per kind (steps.c), a file per kind (step_ssh.c, ..).
 *
 * Binding turns an act's templates into exact bytes for one host (or the run): what is bound is what the plan shows, what its hash covers, what is recorded as intent, and
 * what is sent. Nothing is expanded later.
 */
#ifndef OPS_RUNBOOK_STEP_H
#define OPS_RUNBOOK_STEP_H

#include "runbook/runbook.h"
#include "runbook/world.h"

/* Values for ${}: the engine's; host NULL for the run's own scope. */
struct bindings {
	template_lookup *lookup;
	void *arg;
	const struct ssh_host *host;	/* NULL: scope run */
	const char *const *hosts;	/* of the run, NULL-terminated: for COND_SERVED and by-host conditions */
	bool (*is_secret)(const char *name, void *arg);
};

struct bound;			/* an act with its bytes */
/* ERR_NOTFOUND: a variable that is not known yet (the plan says UNVERIFIABLE); ERR_INVALID: a value that cannot stand there. */
int step_bind(const struct run_world *w, const struct act *act, const struct bindings *b, struct bound **ret, struct err *err);
struct bound *bound_ref(struct bound *b);
void bound_unref(struct bound *b);
/* The exact command or request, for people, on one line; secrets as marks. And all bytes that decide what happens, for the plan's hash (secrets as a SHA-256 of name only). */
const char *bound_text(const struct bound *b);
void bound_hash(const struct bound *b, struct buf *into);
/* What a call of ours would need but the world lacks ("no endpoint 'flags' in this environment"), found without any contact. 0 or ERR_*. */
int bound_check(const struct run_world *w, const struct bound *b, struct err *err);

enum act_mode {
	/* Read only: what is there now, in result.previous: the registry's version ("" none), the body of a GET of an http act's path, what a check command
	 * printed (less the last newline). A command that ends with another status than 0 is OUTCOME_FAILED with result.ssh, or is_exited and status. */
	ACT_READ,
	ACT_DO,		/* do it. expected: the previous value the plan was made with; another one now: refused, OUTCOME_FAILED with is_refused, nothing was done */
	ACT_RESTORE,	/* undo: restore: put `previous` back, unless what is there now is not what we had put there */
	ACT_SETTLE	/* find out what became of an ACT_DO whose outcome is unknown; reads only */
};
struct act_result {
	enum outcome outcome;		/* OK, FAILED, UNKNOWN, CANCELLED; ACT_READ: OK or FAILED */
	bool is_not_begun;		/* certain: nothing was sent or started */
	bool is_refused;		/* not begun, because the world is not as planned */
	struct err err;
	const char *text;		/* a phrase for the cell: first line of output, "alias champion: 7 -> 6", "200" */
	const char *previous;		/* NULL none: value before, for undo and for the hash of the plan */
	const struct ssh_result *ssh;	/* or NULL */
	bool is_exited;			/* ssh, exec: it ended by itself, with */
	int status;			/* this exit status */
	const char *out, *err_out;	/* masked by whoever shows it */
	size_t out_len, err_len;
	json_t *evidence;		/* for the audit result; borrowed, may be NULL */
};
/* The caller's until act_free(), which may be called from inside done, and must be called after it. */
struct running;
typedef void act_done_cb(struct running *r, const struct act_result *result, void *arg);
typedef void act_output_cb(struct running *r, bool is_err, const char *bytes, size_t len, void *arg);

struct act_start {
	enum act_mode mode;
	const char *nonce;		/* ssh */
	const char *previous;		/* ACT_DO: as planned (NULL: not looked at); ACT_RESTORE: what to put back */
	const char *run, *incident;
	int64_t since_ns;		/* wall time of the last act, for conditions in wait */
	int64_t begun_ns;		/* and when that was begun; 0: not known */
	act_output_cb *output;		/* may be NULL */
	act_done_cb *done;
	void *arg;
};
/* Never blocks, done comes later (never from inside). 0 or why it was not even begun. confirm steps are the engine's own (asked, not run): ERR_UNSUPPORTED. */
int act_begin(const struct run_world *w, struct bound *b, const struct act_start *s, struct running **ret, struct err *err);
/* The first time gently (ssh: ends the remote group; http: waits for the answer); done still comes. */
void act_cancel(struct running *r);
/* No callback any more; what is under way stays under way. NULL is fine. */
void act_free(struct running *r);

/* --- conditions ----------------------------------------------------------------------------------------------------------------- */

struct judgement {
	enum outcome outcome;		/* OK holds; FAILED does not; UNKNOWN: empty, stale, too few series, source down */
	const char *text;		/* "3 of 3 series == 1"; "web-02: 0"; "no data since 02:20" */
	struct strings failed_hosts;	/* by-host conditions: those it does not hold for, or is unknown for */
	struct strings unknown_hosts;
};
/* The caller's until judge_free(), which may be called from inside done, and must be called after it. */
struct judging;
typedef void judge_cb(struct judging *j, const struct judgement *result, void *arg);
/*
 * Judge once, or until within_ns has passed or it holds. since_ns: evidence must be newer than since_ns + settle_ns (0: any that is fresh). progress (may be NULL) sees each look.
 * Where all that is wrong is that newer evidence has not come yet, it is waited for JUDGE_FRESH_NS also when within_ns is 0: a scrape takes its interval. done comes later, never from
 * inside. Mistakes in binding are UNKNOWN with their sentence. begun_ns: when the act that ended at since_ns was begun (0: not known): lines whose coming is the proof may come
 * while it is under way.
 */
#define JUDGE_FRESH_NS (60 * INT64_C(1000000000))
struct judging *judge_begin(const struct run_world *w, const struct condition *c, const struct bindings *b, int64_t since_ns, int64_t begun_ns, judge_cb *progress, judge_cb *done,
    void *arg);
void judge_free(struct judging *j);	/* NULL is fine; no callback any more */
/* Purely, now, from the model alone: `when` of kind COND_VALUE, alerts. ERR_UNSUPPORTED: needs judge_begin(). */
int judge_now(const struct run_world *w, const struct condition *c, const struct bindings *b, enum outcome *ret, struct err *err);
/* Expanded, for plan and hash. */
int condition_text(const struct condition *c, const struct bindings *b, struct buf *into, struct err *err);

/* --- which version is `previous` ---------------------------------------------------------------------------------------------------- */

struct previous {
	char *version;			/* NULL: none found; err of the callback says where was looked */
	char *from;			/* the evidence, one phrase: "audit 01-serving:4127, verified there 2029-12-19; registry tag agrees" */
	char *current;			/* what the alias points to now */
};
typedef void previous_cb(const struct previous *p, const struct err *err, void *arg);	/* p NULL: err. Borrowed */
struct previous_ask;		/* gone when cb has been called, which comes later, never from inside */
/* The newest version that was champion before the current one and is not marked bad: audit log's last verified, tag opsconsole.previous, alias rollback-target, served-version series. */
struct previous_ask *previous_begin(const struct run_world *w, const char *model, previous_cb *cb, void *arg);
void previous_cancel(struct previous_ask *p);
/* After an alias was moved by a run: writes tag opsconsole.previous (of the model) and, for rollbacks, opsconsole.bad (of the version left). Done by the registry step itself. */
#define TAG_PREVIOUS "opsconsole.previous"
#define TAG_BAD "opsconsole.bad"
/* Marks a version as one not to go back to. Owns itself; done (may be NULL) comes once, err NULL: it is marked. It goes on when the run is gone; nothing waits for it. */
typedef void mark_done_cb(const struct err *err, void *arg);
int step_mark_bad(const struct run_world *w, const char *model, const char *version, const char *run, mark_done_cb *done, void *arg, struct err *err);
/* A registry act that sets it, for who wants it planned, shown and recorded like every other: model and version are bound texts. */
int step_bind_mark_bad(const struct run_world *w, const char *model, const char *version, const char *run, struct bound **ret, struct err *err);

#endif
