/*
 * The shared state model: what is known, when it was seen, and how sure we are.
 *
 * Changed only by model_apply(); read as const by panels, insight and --status. Every value knows when it was observed. A failed poll keeps the last
 * good value, its age and the reason. Unknown is its own state: no data is never green. One thread.
 */
#ifndef OPS_MODEL_MODEL_H
#define OPS_MODEL_MODEL_H

#include "model/audit_view.h"
#include "model/drift.h"
#include "model/event.h"
#include "model/log.h"
#include "model/registry.h"
#include "model/run.h"
#include "model/slo.h"
#include "model/snapshot.h"
#include "model/timeline.h"

struct model;

/* What a panel may watch; model_changes() tells which of them changed. */
enum {
	MODEL_ENVIRONMENT = 1u << 0,
	MODEL_SOURCES = 1u << 1,	/* health, info, targets, rules */
	MODEL_ALERTS = 1u << 2,		/* merged alerts, silences */
	MODEL_SERIES = 1u << 3,
	MODEL_MARKERS = 1u << 4,
	MODEL_OPERATIONS = 1u << 5,
	MODEL_PROBLEMS = 1u << 6,	/* also when something became stale by time alone */
	MODEL_MODELS = 1u << 8,		/* registry, serving */
	MODEL_HOSTS = 1u << 9,
	MODEL_SLOS = 1u << 7,
	MODEL_RUNBOOKS = 1u << 10,	/* what can be run */
	MODEL_RUNS = 1u << 11,		/* runs and their output */
	MODEL_INCIDENT = 1u << 12,	/* incident, notes */
	MODEL_DRIFT = 1u << 13,
	MODEL_TIMELINE = 1u << 14,
	MODEL_AUDIT = 1u << 15,		/* the audit log as the audit panel shows it */
	MODEL_LOGS = 1u << 16,
	MODEL_ALL = ~0u
};

/* history_bytes bounds the events kept for model_at(), history_ns their age (defaults when 0: 8 MiB, 30 min). */
struct model *model_new(size_t history_bytes, int64_t history_ns);
void model_free(struct model *m);

/* Take in one event (the event stays the caller's; blocks are shared). */
void model_apply(struct model *m, const struct event *ev);
/* Time passes: staleness is judged against now. Call once per turn. */
void model_advance(struct model *m, int64_t now_ns);
int64_t model_now(const struct model *m);
/* Sections changed since the last call; clears. */
unsigned model_changes(struct model *m);

/*
 * What was known at t. Borrowed from m, valid until the next model_at() or model_free(); m itself when t >= now. NULL when nothing was
 * recorded then: the panel says "not recorded". ret_first_ns (may be NULL): the earliest time that is recorded, 0 when nothing is.
 *
 * Events are kept in a ring, by count of bytes (a block shared by several counts once) and age; those that fall out are folded into a base,
 * from which model_at() starts. Answers over a range are not kept there: they are large and carry their own history, so the
 * newest one of each query is shown whatever t. So are the newest details of objectives, the newest history of drift and the newest view of the audit log. Entries of the
 * timeline are shown when they were known by t. Outputs of runs are shown when they had come by t. Of what a run
 * tells of itself, each change of its state is kept, and in between what leaves half of the ring to others. An answer of a registry that alone takes more than half of the
 * ring is not kept, and not known then. Standings of drift are kept as often as half of the ring allows.
 *
 * Events are kept as they came, and their times need not ascend: the clock may be set back, and an answer that took long is told with the time it was
 * observed. model_at(t) then takes in all events up to the last one whose time is not after t: what the console had been told when it was
 * last t. Among them may be some of a later time; it never leaves out one that was known.
 */
const struct model *model_at(struct model *m, int64_t t_ns, int64_t *ret_first_ns);

/* --- environment ----------------------------------------------------------------------------------------------------- */
const struct environment *model_environment(const struct model *m);	/* NULL before the first event */

/* --- sources --------------------------------------------------------------------------------------------------------- */
enum source_state {
	SOURCE_UNKNOWN,		/* has not answered yet, nor failed */
	SOURCE_OK,
	SOURCE_DEGRADED,	/* some of its requests fail, or are overdue; what a person typed (adhoc:) does not count */
	SOURCE_STALE,		/* no good answer for three intervals and the usual latency; values are old */
	SOURCE_DOWN,		/* has never given a good answer, and fails */
};
struct source_request {		/* one kind of request of a source */
	const struct source_report *last;
	const char *source;		/* of last's event; lives as long as last */
	int64_t last_ns, last_ok_ns;	/* 0 never */
	unsigned n_failed_in_row;
	int64_t failing_since_ns;	/* 0 when ok */
	int64_t ok_since_ns;		/* first good answer without a failure or a long silence since; 0 never */
};
struct model_source {
	const char *name, *type, *url;
	int64_t interval_ns;
	enum source_state state;
	int64_t since_ns;		/* of this state */
	/* Newest good answer of any request but what a person typed (adhoc:), which tells nothing of how old the rest is; 0 never. */
	int64_t last_ok_ns;
	const char *error;		/* newest sentence while not ok, "" otherwise */
	const struct source_info *info;	/* NULL unknown */
	const struct target_set *targets;	/* NULL unknown */
	int64_t targets_ns;
	const struct rule_set *rules;	/* NULL unknown */
	int64_t rules_ns;
	const struct group_set *groups;	/* NULL unknown */
	int64_t groups_ns;
	size_t n_requests;
	const struct source_request *requests;	/* sorted by what */
};
size_t model_n_sources(const struct model *m);
const struct model_source *model_source(const struct model *m, size_t i);
const struct model_source *model_source_find(const struct model *m, const char *name);
const char *source_state_name(enum source_state state);

/* --- alerts: one row per alert, whoever tells of it ------------------------------------------------------------------- */
struct model_alert {
	/* Stable while the alert lasts, whoever tells of it: the hash of the labels Prometheus gives it. Where only Alertmanager tells of
	 * it, the hash of its labels without the external ones, which are learnt from alerts that both tell of. */
	uint64_t id;
	const char *name;
	enum alert_state state;		/* Alertmanager's word where it has one, else Prometheus' */
	enum severity severity;		/* by the environment's table, else by the usual words; TICKET when neither knows it */
	const char *severity_text;	/* label's value, "" none */
	int64_t since_ns;
	const struct labels *labels, *annotations;
	const struct alert *am, *prometheus;	/* NULL where that side does not tell of it */
	const char *am_source, *prometheus_source;	/* NULL likewise */
	int64_t seen_ns;		/* newest good answer that held it */
	bool is_stale;			/* every source that tells of it is stale */
	bool is_acked;			/* silenced by a silence whose comment begins with ACK */
	int64_t silenced_until_ns;	/* 0 unless silenced by a known silence */
	size_t n_groups;		/* at most the first 32 */
	const struct alert_group **groups;	/* Alertmanager's that hold it, in its order; each pair of labels and receiver once */
};
size_t model_n_alerts(const struct model *m);
const struct model_alert *model_alert(const struct model *m, size_t i);	/* worst first: state, severity, newest */
const struct model_alert *model_alert_find(const struct model *m, uint64_t id);
/* false: no source that tells of alerts has ever answered, so "no alerts" means nothing. */
bool model_alerts_known(const struct model *m);
/* false: no Alertmanager has told of its notification groups, so that "in no group" means nothing. */
bool model_groups_known(const struct model *m);
const char *alert_state_name(enum alert_state state);
const char *severity_name(enum severity severity);
/* By the environment's table, else by the usual words; TICKET when neither knows it. */
enum severity severity_of_text(const struct environment *env, const char *text);

struct model_silence {
	const struct silence *silence;
	const char *source;
	size_t n_hides;			/* alerts it mutes now */
};
size_t model_n_silences(const struct model *m);
const struct model_silence *model_silence(const struct model *m, size_t i);	/* active, pending, then expired; soonest end first */
const struct model_silence *model_silence_find(const struct model *m, const char *id);
/* Would matchers mute an alert with these labels? A missing label equals "". A regex matches whole values (anchored, as Alertmanager does). A regex that
 * does not compile, or costs too much to try, matches nothing, and then *ret_bad (may be NULL) is set. Alertmanager's own answer counts in the end; this is for the preview. */
bool matchers_match(const struct matcher *v, size_t n, const struct labels *labels, bool *ret_bad);
/*
 * The same for many alerts: each regex is compiled once, and all tries together have a budget of steps, so that no regex holds the screen up. UNKNOWN: it
 * cannot be told here, for what a label asks or because the budget is spent; further answers are UNKNOWN too once it is. NULL, and err names the matcher,
 * when one does not compile. v stays the caller's and must outlive the set.
 */
enum matcher_answer { MATCHER_NO, MATCHER_YES, MATCHER_UNKNOWN };
struct matcher_set *matcher_set_new(const struct matcher *v, size_t n, struct err *err);
enum matcher_answer matcher_set_match(struct matcher_set *set, const struct labels *labels);
void matcher_set_free(struct matcher_set *set);
/* Can all of them be tried? 0, or ERR_INVALID naming the matcher. */
int matchers_check(const struct matcher *v, size_t n, struct err *err);

/* --- series ------------------------------------------------------------------------------------------------------------ */
struct model_query {
	const struct query_def *def;	/* NULL for a query no longer in the environment nor ad hoc */
	const char *id;
	const struct series_set *range;	/* newest good matrix, or NULL */
	int64_t range_ns;
	const struct series_set *instant;	/* newest good vector/scalar/string, or NULL */
	int64_t instant_ns;
	const char *error;		/* why the newest request failed, "" when it did not */
	int64_t error_ns;
};
size_t model_n_queries(const struct model *m);
const struct model_query *model_query(const struct model *m, size_t i);
const struct model_query *model_query_find(const struct model *m, const char *id);

/* --- markers, newest first; what the operator did is among them (MARKER_ACTION) ----------------------------------------------------------------------------------------------- */
size_t model_n_markers(const struct model *m);
const struct marker *model_marker(const struct model *m, size_t i);

/* --- operations, newest first; at most the last 64 ------------------------------------------------------------------------ */
size_t model_n_operations(const struct model *m);
const struct operation *model_operation(const struct model *m, size_t i);
int64_t model_operation_ns(const struct model *m, size_t i);

/* --- models: registry against serving, worst first ------------------------------------------------------------------------ */
size_t model_n_models(const struct model *m);
const struct model_model *model_model(const struct model *m, size_t i);
const struct model_model *model_model_find(const struct model *m, const char *id);
/* Models of the registries that the config does not name: shown, not judged. */
size_t model_n_other_models(const struct model *m);
const struct reg_model *model_other_model(const struct model *m, size_t i, const char **ret_source);

/* --- hosts, in natural order -------------------------------------------------------------------------------------------------- */
enum host_state { HOST_UNKNOWN, HOST_UP, HOST_DOWN };	/* of its targets: any down is down; none, or too old: unknown */
const char *host_state_name(enum host_state state);
struct host_serving {
	const char *model, *version;	/* name of the model */
	enum serve_state state;
	int64_t since_ns;
};
struct host_target {
	const struct target *target;
	const char *source;
};
struct host_value {
	const struct query_def *def;	/* a named query whose id begins with "host:" */
	double v;
	int64_t at_ns;
};
struct model_host_row {
	const struct host_def *def;	/* NULL: not in the config, but it serves a model or is a target of a group */
	const char *name;
	enum host_state state;
	int64_t seen_ns;		/* newest scrape that told of it */
	const char *error;		/* of a target that is down, "" */
	size_t n_targets, n_serving, n_values;
	const struct host_target *targets;
	const struct host_serving *serving;
	const struct host_value *values;	/* cpu, memory, disk, .. in the order of the queries; of several series of one, the highest */
};
size_t model_n_hosts(const struct model *m);
const struct model_host_row *model_host(const struct model *m, size_t i);
const struct model_host_row *model_host_find(const struct model *m, const char *name);
struct strings model_host_groups(const struct model *m);	/* names of all groups, sorted */

/* --- service level objectives, most urgent first ------------------------------------------------------------------------- */
struct model_slo {
	const struct slo_def *def;
	const struct slo *slo;		/* NULL: not worked out yet */
	const struct slo_detail *detail;	/* NULL likewise */
	bool is_stale;			/* it was worked out too long ago: three times as long as it takes from one time to the next */
	uint64_t alert_id;		/* the worst alert that fires for it, of those the oldest (the definition's alert_labels); 0: none, and for a past time */
};
size_t model_n_slos(const struct model *m);
const struct model_slo *model_slo(const struct model *m, size_t i);
const struct model_slo *model_slo_find(const struct model *m, const char *id);
/* As they were at a past time, worked out from the metrics' own history for the time cursor; only a live model has them. The same order, and for every
 * definition known now. n is 0 when nothing was worked out; ret_at_ns: for when. */
size_t model_n_past_slos(const struct model *m, int64_t *ret_at_ns);
const struct model_slo *model_past_slo(const struct model *m, size_t i);

/* --- drift, worst first ---------------------------------------------------------------------------------------------------- */
struct model_drift {
	const struct drift_def *def;
	const struct drift *drift;	/* NULL: not worked out yet */
	bool is_stale;			/* it was worked out too long ago: three times as long as it takes from one time to the next. Then nothing is known */
	uint64_t alert_id;		/* the worst alert that fires for it, of those the oldest: label feature is its name, and label model, where there is one, its model; 0 none, and for a past time */
};
size_t model_n_drifts(const struct model *m);
const struct model_drift *model_drift(const struct model *m, size_t i);
const struct model_drift *model_drift_find(const struct model *m, const char *id);
/* DRIFT_UNKNOWN where it is not worked out, or too long ago. */
enum drift_state model_drift_state(const struct model_drift *row);
/* All definitions, with confidence and fdr; NULL: none are known. */
const struct drift_def_set *model_drift_defs(const struct model *m);
/* NULL: none is known. Rows of definitions that are gone may be among them. */
const struct drift_history *model_drift_history(const struct model *m);
/* As they were at a past time, as model_n_past_slos(). */
size_t model_n_past_drifts(const struct model *m, int64_t *ret_at_ns);
const struct model_drift *model_past_drift(const struct model *m, size_t i);

/* --- what is wrong now, worst first ------------------------------------------------------------------------------------- */
/*
 * An objective is a problem when a rule fires for it (with that severity), when nothing is left (ticket), and when its data is missing or it cannot be
 * worked out (unknown). It is none while an alert that fires tells of it with that severity or a worse one. Among problems of one severity, alerts that
 * are only the burn of an objective stand behind the others: the symptom is read first. Whoever silences that alert means the objective too. One that
 * cannot be worked out because its source does not answer is not listed beside that source.
 */
/*
 * A model out of step or unserved is a problem of severity page, one that is old a ticket, one that cannot be seen unknown. One that cannot be seen because a
 * source does not answer is not listed beside that source, which is unknown itself then.
 */
/*
 * What has drifted is a problem of its definition's severity, what cannot be seen unknown; what moves, or has too little data, is none. It is none while an alert
 * that fires tells of it with that severity or a worse one, and none beside a source that does not answer.
 */
enum problem_kind { PROBLEM_ALERT, PROBLEM_SOURCE, PROBLEM_TARGETS, PROBLEM_RULES, PROBLEM_SLO, PROBLEM_MODEL, PROBLEM_DRIFT };
struct problem {
	enum problem_kind kind;
	enum severity severity;		/* PAGE -> critical, TICKET -> warning */
	bool is_unknown;		/* we cannot see: a source is down or stale. Counts as unknown in --status */
	uint64_t alert_id;		/* PROBLEM_ALERT */
	const char *name;		/* alert name, source name or objective's name */
	const char *slo_id;		/* PROBLEM_SLO, and PROBLEM_ALERT that tells of an objective; else NULL */
	const char *drift_id;		/* PROBLEM_DRIFT, and PROBLEM_ALERT that tells of one; else NULL */
	const char *text;		/* what it says: summary, error */
	int64_t since_ns;		/* 0 unknown */
	int64_t seen_ns;		/* how old the evidence is */
	enum alert_state state;		/* PROBLEM_ALERT */
	const char *evidence;		/* how sure: "Alertmanager and Prometheus", "Prometheus only", "last seen 41s ago" */
};
const char *problem_kind_name(enum problem_kind kind);	/* "alert", "slo" */
size_t model_n_problems(const struct model *m);
const struct problem *model_problem(const struct model *m, size_t i);

/* Overall, by the rules of --status: critical > unknown > warning > ok; silenced, inhibited and pending do not raise it. */
enum health { HEALTH_OK, HEALTH_WARNING, HEALTH_UNKNOWN, HEALTH_CRITICAL };
enum health model_health(const struct model *m);
const char *health_name(enum health health);		/* "OK", "WARNING", "UNKNOWN", "CRITICAL" */

/* --- all of it as JSON: --status --json, and how tests compare two models ------------------------------------------------ */
/* Series are summarised by their last values. Never NULL; the caller owns it. */
json_t *model_to_json(const struct model *m);

#endif
