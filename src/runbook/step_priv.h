/*
 * Inside of the steps: what the files of the kinds share. The public side is step.h.
 *
 * A bound act holds every text twice: `real` is what is sent, `shown` is the same with secrets as marks. Only `shown` is looked at by people and by the plan's
 * hash. A kind is a row of struct step_ops; step.c walks the table, binds what all kinds have in common and owns the life of what runs.
 */
#ifndef OPS_RUNBOOK_STEP_PRIV_H
#define OPS_RUNBOOK_STEP_PRIV_H

#include "runbook/call.h"
#include "runbook/condition.h"
#include "runbook/step.h"

enum { BOUND_TEXT_MAX = 1 << 20, STEP_OUT_MAX = 1 << 20, STEP_VALUE_MAX = 64 << 10 };
#define STEP_TIMEOUT_NS (60 * INT64_C(1000000000))

struct bound_text {
	char *real, *shown;	/* NULL: there is none */
};
struct bound_pair {
	char *name;
	struct bound_text value;
};
struct step_ops;

struct bound {
	int refs;
	const struct step_ops *ops;
	const struct act *act;		/* of the runbook, which outlives it; or own */
	struct act own;			/* of acts that no runbook has written: step_bind_mark_bad() */
	struct ssh_host host;		/* strings owned; name NULL: scope run */
	struct bound_text *argv;	/* n_argv of them */
	size_t n_argv;
	struct bound_pair *env;		/* n_env */
	size_t n_env;
	struct bound_text in;
	struct bound_pair *headers;	/* http; silence: matchers */
	size_t n_headers;
	struct bound_text path, body, expect;
	struct bound_text model, version, value;	/* registry */
	struct bound_text text;		/* confirm, notify; silence: comment */
	char *source;			/* resolved from what the environment has; NULL: it has none (bound_check()) */
	char *contact;			/* "Bob (#ops)": notify */
	struct bound_condition **conditions;
	size_t n_conditions;
	char *line;			/* bound_text() */
};

/* What runs. A kind's own state is of ops->state_size, zeroed, behind it. */
struct running {
	const struct run_world *w;
	struct bound *b;
	enum act_mode mode;
	char nonce[40];
	char *previous;			/* of act_start; NULL: not looked at */
	char *run;
	int64_t since_ns, begun_ns;	/* of act_start */
	act_output_cb *output;
	act_done_cb *done;
	void *arg;
	bool is_ended, is_cancelled;
	struct loop_timer *later;	/* tells of the end from the loop */
	struct act_result result;	/* while it waits to be told */
	char *text, *found;		/* of result: text and previous; owned */
	json_t *evidence;
	void *state;
};

struct step_ops {
	enum step_kind kind;
	size_t state_size;
	/* Beside what step.c binds for all: 0 or ERR_*. NULL: nothing. */
	int (*bind)(const struct run_world *w, struct bound *b, const struct bindings *bs, struct err *err);
	/* The line for people, from `shown`. */
	void (*text)(const struct bound *b, struct buf *to);
	int (*check)(const struct run_world *w, const struct bound *b, struct err *err);	/* NULL: nothing to check */
	/* 0, or why it was not begun. Must end in running_end() or running_end_later() once. NULL: it is not run. */
	int (*begin)(struct running *r, struct err *err);
	void (*cancel)(struct running *r);	/* NULL: it is waited for */
	void (*free)(struct running *r);	/* what state holds; NULL: nothing */
};
extern const struct step_ops step_ssh_ops, step_registry_ops, step_http_ops, step_silence_ops, step_wait_ops, step_confirm_ops, step_notify_ops, step_exec_ops;

/* --- binding (step_bind.c) ------------------------------------------------------------------------------------------------------ */

/* t NULL: both stay NULL. what: "the path", for the sentence. */
int bind_text(const struct template *t, const struct bindings *bs, struct bound_text *ret, const char *what, struct err *err);
int bind_pairs(const struct pair *v, size_t n, const struct bindings *bs, struct bound_pair **ret, const char *what, struct err *err);
/* act->body with the templates put in: compact JSON. */
int bind_body(const struct act *act, const struct bindings *bs, struct bound_text *ret, struct err *err);
/* Plain: both texts are the same. */
void bound_text_set(struct bound_text *t, const char *text);
void bound_text_done(struct bound_text *t);
void bound_pairs_done(struct bound_pair *v, size_t n);
/* One word of a command line, exact: as it is, in '...', or in $'...' where it has what a terminal must not see. */
void quote_word(struct buf *b, const char *word);

/* --- what the environment has (step_bind.c) ---------------------------------------------------------------------------------------- */

const struct conf_source *env_source(const struct conf_environment *env, const char *name);
/* The only one, or the first, of a type; NULL none. */
const struct conf_source *env_source_of(const struct conf_environment *env, const char *type);
const struct conf_model *env_model(const struct conf_environment *env, const char *name);
/* The registry of a model: its own, else the first source that can be written to. NULL none. */
const struct conf_source *env_registry(const struct conf_environment *env, const char *source, const char *model);
/* In the live model, by the name in the registry; NULL: not known. */
const struct model_model *live_model(const struct run_world *w, const char *name);

/* --- ends (step.c) ------------------------------------------------------------------------------------------------------------------ */

/* The text of result is copied, as is previous; err stays. done is called; r may be gone afterwards. */
void running_end(struct running *r, const struct act_result *result);
/* The same in the next turn, for what is known at once. result->ssh, out and err_out must be static or NULL. */
void running_end_later(struct running *r, const struct act_result *result);
/* Of these the text is the sentence of err. */
void running_failed(struct running *r, const struct err *err, bool is_not_begun);
void running_refused(struct running *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void running_unknown(struct running *r, const struct err *err);
void running_ok(struct running *r, const char *previous, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The first line of what a command printed, escaped and cut for a cell; "" none. dst of STEP_LINE_MAX. */
enum { STEP_LINE_MAX = 160 };
const char *first_line(char *dst, const char *bytes, size_t len);
const char *last_line(char *dst, const char *bytes, size_t len);

/* --- shared by http, silence and registry ---------------------------------------------------------------------------------------------- */

/* Does the answer hold what is expected: status within, and jpath. 0 or err with the sentence. */
int answer_check(const struct answer *answer, const char *body, size_t len, int status_min, int status_max, const char *jpath, const char *value, struct err *err);
/* A value at a jpath of a JSON text as text, malloc()ed; NULL and err. */
char *json_value_at(const char *body, size_t len, const char *jpath, struct err *err);
/* Everything that want has, is in have with the same value (lists: the same length). */
bool json_within(const json_t *want, const json_t *have);

#endif
