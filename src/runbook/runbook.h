/*
 * A runbook as it is written: YAML read, checked offline, immutable. The user's side of every member is doc/opsconsole-runbook.5.
 *
 * Reading collects every mistake as "file:line:column: sentence" (conf_problems): unknown keys with the nearest known one, types, missing params, undefined variables,
 * unreachable steps, variables where they cannot stand. A file with one mistake is not run. include: shares steps (relative to the file, within the same folder tree).
 */
#ifndef OPS_RUNBOOK_RUNBOOK_H
#define OPS_RUNBOOK_RUNBOOK_H

#include <jansson.h>

#include "conf/conf.h"
#include "model/run.h"
#include "runbook/template.h"

struct position { const char *file; unsigned line, column; };

struct runbook_param {
	char *name, *title;
	enum param_type type;
	bool is_required;
	char *def;			/* NULL none */
	char *of;			/* model-version: name of the model param (found by itself when there is one); host: a group */
	char **choices;			/* enum; NULL-terminated or NULL */
	char *pattern;			/* regex over the whole value; NULL: the type's usual one */
	int64_t min, max;		/* int, duration (ns) */
	bool is_used;			/* something in the file says ${name}, or means it */
	struct position at;
};

/* What is looked at: a precondition, health, verify, wait or when. */
enum condition_kind {
	COND_PROMQL,		/* expr, with expect: "== 1", or label + expect: a value */
	COND_ALERT,		/* name, expect: firing | resolved */
	COND_SERVED,		/* model: its hosts serve version (within the hosts of the run) */
	COND_SLO,		/* objective, expect: ok | not-firing | "left > 10%" */
	COND_DRIFT,		/* model, or one feature of it (label), expect: steady | not-drifted */
	COND_HTTP,		/* endpoint + path, expect: a status, or jpath + value */
	COND_TIME,		/* wait only: a duration */
	COND_VALUE,		/* when only: ${a} == or != a text */
	COND_LOG,		/* lines of a store, in its own language, expect: how many */
};
enum compare { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE };
struct condition {
	enum condition_kind kind;
	struct template *subject;	/* PromQL, alert name, model, objective, path, left side, query of lines */
	char *source;			/* of PromQL, of lines, endpoint of HTTP; NULL: the usual one */
	char *label;			/* PromQL: whose value is compared; HTTP: the jpath; drift: one feature */
	enum compare compare;
	double number;			/* COND_PROMQL without label, COND_SLO, COND_LOG */
	struct template *expect;	/* the text compared with; NULL: number */
	bool is_any;			/* match: any; else every */
	bool is_per_host;		/* has ${host}: judged for each host by itself */
	char *host_label;		/* PromQL: label that names the host, so that each host's series count for it and missing hosts are unknown; NULL: not by host */
	int64_t within_ns;		/* verify, health: keeps being asked so long; 0: once */
	int64_t settle_ns;		/* only samples newer than the last act plus this count */
	int64_t time_ns;		/* COND_TIME */
	int64_t window_ns;		/* COND_LOG: only lines of so long ago count; 0: see condition_log.c */
	char *text;			/* as a person reads it: 'up{job="serving"} == 1 for every series' */
	struct position at;
};

enum step_kind { STEP_SSH, STEP_REGISTRY, STEP_HTTP, STEP_SILENCE, STEP_WAIT, STEP_CONFIRM, STEP_NOTIFY, STEP_ACTION, STEP_EXEC, STEP_KINDS };
const char *step_kind_name(enum step_kind k);
enum on_failure { FAIL_STOP, FAIL_CONTINUE, FAIL_UNDO, FAIL_ASK };

struct pair { char *name; struct template *value; };
/* One thing that is done (or undone, or read): what stands under ssh:, registry:, .. All members of other kinds are NULL or 0. */
struct act {
	enum step_kind kind;
	int64_t timeout_ns;
	/* ssh, exec */
	struct template **argv;		/* NULL-terminated */
	char *script;			/* ssh only: text, no variables in it; argv are $1.. */
	struct pair *env; size_t n_env;
	struct template *in;		/* stdin; NULL none */
	char *become;
	bool is_unsupervised;
	char *dir;			/* exec */
	/* registry */
	char *registry;			/* source; NULL: the model's */
	char *alias, *stage, *tag;	/* one of them */
	struct template *model, *version, *value;
	/* http */
	char *endpoint;			/* source of type http (or any other source) */
	char *method;
	struct template *path;
	struct pair *headers; size_t n_headers;
	json_t *body;			/* strings in it are template sources; body_templates has one for each, in order of walk (objects as written, depth first), NULL-terminated.
					 * An expansion is the inside of a JSON string (PLACE_JSON): what stands between its quotes */
	struct template **body_templates;
	struct template *body_text;	/* instead of body */
	char *content_type;
	int status_min, status_max;	/* expected; default 200..299 */
	char *expect_path; struct template *expect_value;	/* jpath in the JSON answer */
	/* silence */
	struct pair *matchers; size_t n_matchers; bool *matcher_is_regex;
	int64_t duration_ns; struct template *comment; char *alertmanager;
	bool is_silence_end;		/* those with exactly these matchers are ended; none is made */
	/* wait: conditions (all), or a time */
	struct condition **conditions; size_t n_conditions;
	/* confirm, notify */
	struct template *text;
	char *contact;			/* notify: role; NULL: only the screen and the log */
	/* action */
	char *action; struct pair *with; size_t n_with;	/* read for an environment, an act of kind ssh, http or exec stands here instead: what its actions: has, with the values put in
							 * (action is its name still); so the kind action is seen only where no environment was given */
	struct position at;
};

struct runbook_step {
	char *name;			/* unique */
	bool is_run_scope;		/* scope: run; else once for each host */
	bool is_closing;		/* run scope, after all hosts (the default for run scope behind host steps; first: true puts it before) */
	struct act *act;
	struct act *check; struct template *check_expect;	/* read-only: is it already done? expect NULL: exit status 0 is yes */
	struct act *undo;
	bool is_undo_nothing;		/* undo: nothing: it changes nothing, so that there is nothing to take back */
	bool is_undo_restore;		/* undo: restore (registry, http with previous value, silence) */
	struct condition **when; size_t n_when;
	unsigned retries; int64_t backoff_ns;
	enum on_failure on_failure;
	struct position at;
};

struct runbook {
	char *name, *title, *description, *file, *sha256;	/* of the file and all it includes */
	bool is_shipped;
	enum danger danger;
	struct template *confirm;	/* NULL: yes/no is enough (never with danger high) */
	char **offer_alerts;
	struct runbook_param *params; size_t n_params;
	char *group;			/* of hosts; NULL: steps of scope run only */
	struct template *hosts;		/* instead: ${param} of type host, or a pattern */
	/* rollout */
	struct batch_size { double value; bool is_percent; } *batches; size_t n_batches;	/* cumulative targets; none: all at once */
	char ***batch_lists; size_t n_batch_lists;	/* batch: [[web-01], [web-02, web-03]] */
	unsigned max_failures;
	int64_t pause_ns;
	unsigned parallel;		/* hosts at the same time in a batch; 0: all */
	struct condition **health; size_t n_health;
	struct condition **preconditions; size_t n_preconditions;
	struct runbook_step *steps; size_t n_steps;	/* those of host scope in order; then closing ones. Order as written is kept within each */
	struct condition **verify; size_t n_verify;
	char *cannot;			/* what cannot be taken back, for the confirmation */
	char *escalate;			/* role of a contact */
	char *bad_model, *bad_version;	/* mark_bad: { model: ${model}, version: current }: names of what a done run marks as bad; NULL none */
	char **files;			/* it and all it includes, as shown; NULL-terminated. Positions borrow these */
};

/* One file; text NULL: read it (owner checked). env may be NULL (--check without one): names of groups, sources, actions and models are then not looked up.
 * 0 with problems perhaps added (ret is then NULL), or why it could not be read at all. */
int runbook_read(const char *path, const char *text, size_t len, const struct conf *conf, const struct conf_environment *env, struct runbook **ret, struct conf_problems *problems,
    struct err *err);
void runbook_free(struct runbook *r);

/* All: the config's folders (runbooks:), $XDG_CONFIG_HOME/opsconsole/runbooks, the shipped ones; the first of a name wins. */
struct runbooks {
	size_t n;
	struct runbook **v;		/* by name; those with mistakes are NULL-free but absent */
	struct runbook_broken { char *name, *file, *first; } *broken; size_t n_broken;
	struct conf_problems problems;
};
int runbooks_read(const struct conf *conf, const struct conf_environment *env, struct runbooks *ret, struct err *err);
void runbooks_done(struct runbooks *r);
const struct runbook *runbooks_find(const struct runbooks *r, const char *name);
/* ERR_NOTFOUND with the nearest name, or ERR_INVALID with the file's first mistake. */
int runbooks_pick(const struct runbooks *r, const char *name, const struct runbook **ret, struct err *err);
/* For the model: a block, one reference. past may be NULL. */
struct runbook_set *runbooks_event(const struct runbooks *r, const struct conf_environment *env, const struct past_run *past, size_t n_past);
/* --runbooks, --describe NAME: text or JSON on stdout. Exit status. */
int runbooks_list_main(const struct runbooks *r, bool is_json);
int runbook_describe_main(const struct runbook *r, bool is_json);

/* A value against its parameter: type, pattern, range, choice. Pure. ret: normalised, malloc()ed (durations and ints as written). */
int runbook_param_value(const struct runbook_param *p, const char *text, char **ret, struct err *err);

#endif
