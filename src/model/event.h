/*
 * Events: the only way anything enters the shared state model.
 *
 * Polls, insight, operator acts and later runs and notes are all events through model_apply(); each serialises to JSON and back, so live,
 * replay and tests share one door. The bulk of an event is a block: reference counted, immutable once published, so that a worker hands over
 * a pointer and history keeps it without a copy.
 */
#ifndef OPS_MODEL_EVENT_H
#define OPS_MODEL_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* --- blocks ------------------------------------------------------------------------------------------------------ */

struct block {
	int refs;		/* atomic */
	struct arena arena;	/* everything the block points to */
	void (*done)(void *block);	/* releases what the arena does not hold, such as other blocks; NULL: nothing */
};

/* size bytes beginning with a struct block, zeroed, one reference. */
void *block_new(size_t size);
void *block_ref(const void *block);	/* NULL stays NULL; casts const away from a shared immutable block on purpose */
void block_unref(const void *block);	/* NULL is fine */
size_t block_bytes(const void *block);

/* --- labels ------------------------------------------------------------------------------------------------------ */

struct label {
	const char *name, *value;	/* UTF-8 as received: escape before showing */
};
struct labels {
	size_t n;
	const struct label *v;		/* sorted by name (strcmp) */
};
const char *labels_get(const struct labels *l, const char *name);	/* NULL when absent */
bool labels_equal(const struct labels *a, const struct labels *b);
/* Every label of a is in b with the same value. */
bool labels_within(const struct labels *a, const struct labels *b);
uint64_t labels_hash(const struct labels *l);
int labels_compare(const struct labels *a, const struct labels *b);	/* for sorting: name, value, shorter first */

/* --- alerts ------------------------------------------------------------------------------------------------------ */

enum alert_state { ALERT_PENDING, ALERT_FIRING, ALERT_SILENCED, ALERT_INHIBITED, ALERT_UNPROCESSED };

struct strings {
	size_t n;
	const char *const *v;
};
struct alert {
	const char *name;		/* label alertname, "" when there is none */
	struct labels labels, annotations;
	enum alert_state state;
	int64_t since_ns;		/* Alertmanager startsAt; Prometheus activeAt */
	int64_t updated_ns;		/* 0 where the source does not say */
	int64_t ends_ns;		/* INT64_MAX where the source does not say */
	const char *fingerprint;	/* Alertmanager's; NULL from Prometheus */
	const char *value;		/* text of the expression's value (Prometheus), or NULL */
	const char *generator_url;	/* or NULL */
	struct strings silenced_by, inhibited_by, receivers;
};
struct alert_set {
	struct block block;
	size_t n;
	const struct alert *v;
};

/* --- notification groups ------------------------------------------------------------------------------------------ */

struct alert_group {			/* alerts that Alertmanager sends on together */
	struct labels labels;		/* what it groups them by */
	const char *receiver;
	struct strings fingerprints;	/* of its alerts */
};
struct group_set {
	struct block block;
	size_t n;
	const struct alert_group *v;
};

/* --- silences ---------------------------------------------------------------------------------------------------- */

enum silence_state { SILENCE_PENDING, SILENCE_ACTIVE, SILENCE_EXPIRED };

struct matcher {
	const char *name, *value;
	bool is_regex, is_equal;	/* = : equal; != : !equal; =~ : regex, equal; !~ : regex, !equal */
};
struct silence {
	const char *id;			/* "" in a draft that is not made yet */
	size_t n_matchers;
	const struct matcher *matchers;
	int64_t starts_ns, ends_ns, updated_ns;
	const char *created_by, *comment;
	enum silence_state state;
};
struct silence_set {
	struct block block;
	size_t n;
	const struct silence *v;
};

/* --- targets and rules --------------------------------------------------------------------------------------------- */

enum target_health { TARGET_UNKNOWN, TARGET_UP, TARGET_DOWN };
struct target {
	const char *job, *instance, *url, *error;	/* error "" when none */
	struct labels labels;	/* of the target; job and instance are among them */
	enum target_health health;
	int64_t last_scrape_ns;
	double scrape_s;
};
struct target_set {
	struct block block;
	size_t n, n_up, n_down, n_unknown, n_dropped;
	const struct target *v;
};
struct rule {
	const char *group, *name, *query, *error;	/* error "" when none */
	bool is_alerting;
	const char *health;				/* ok, err, unknown */
	struct labels labels;
	int64_t evaluated_ns;
	double evaluation_s;
};
struct rule_set {
	struct block block;
	size_t n, n_err;
	const struct rule *v;
};

/* --- series -------------------------------------------------------------------------------------------------------- */

enum series_type { SERIES_VECTOR, SERIES_MATRIX, SERIES_SCALAR, SERIES_STRING };

struct sample {
	int64_t t_ns;
	double v;
};
struct bucket {			/* of a native histogram; bounds per `boundaries` of the Prometheus HTTP API: */
	int boundaries;		/* 0 (lo,hi] 1 [lo,hi) 2 (lo,hi) 3 [lo,hi] */
	double lo, hi, count;
};
struct histogram {
	int64_t t_ns;
	double count, sum;
	size_t n;
	const struct bucket *v;
};
struct series {
	struct labels labels;
	size_t n;
	const struct sample *v;		/* ascending; a gap is a missing sample, never a NaN made up by us */
	size_t n_histograms;
	const struct histogram *histograms;
};
struct series_set {
	struct block block;
	enum series_type type;
	const char *query;		/* id of the query it answers, see struct query_def */
	int64_t start_ns, end_ns, step_ns;	/* what was asked; step 0 for an instant */
	size_t n;
	const struct series *v;
	size_t n_left_out;		/* series beyond the limit: read, counted, not kept */
	const char *text;		/* SERIES_STRING */
	struct strings warnings, infos;
};

/* --- what the config says, as far as the model shows it -------------------------------------------------------------- */

enum severity { SEVERITY_NONE, SEVERITY_INFO, SEVERITY_TICKET, SEVERITY_PAGE };

struct contact {
	const char *role, *name, *channel, *responsibility;
};
struct query_def {
	const char *id;			/* "query:NAME", "marker:NAME", "adhoc:N" */
	const char *name, *title, *expr, *unit, *source;
	double objective;		/* NaN: none */
	const char *slo;		/* id of the objective whose error ratio (or threshold) it shows, "slo:NAME"; NULL: none */
};
struct marker_def {
	const char *id, *name, *title, *expr, *source;
	const char *label;		/* whose value is the version */
	const char *group_by;		/* label that names what changed, or NULL */
};
struct source_def {
	const char *name, *type, *url;	/* url without credentials */
	int64_t interval_ns;
};
struct severity_def {
	const char *value;		/* of the severity label */
	enum severity severity;
};
struct model_def;
struct environment {
	struct block block;
	const char *name, *title, *colour;
	bool is_protected;
	const char *severity_label;
	size_t n_severities, n_sources, n_queries, n_markers, n_contacts;
	const struct severity_def *severities;
	const struct source_def *sources;
	const struct query_def *queries;
	const struct marker_def *markers;
	const struct contact *contacts;
	size_t n_models;
	const struct model_def *models;	/* model/registry.h */
};

/* --- small events --------------------------------------------------------------------------------------------------- */

struct source_report {		/* how one request went */
	struct block block;
	const char *what;	/* "alerts", "rules", "query:false-positives": stable per source */
	bool is_ok;
	const char *error;	/* one sentence when not ok, else "" */
	long http_status;	/* 0: no answer */
	int64_t latency_ns;
	size_t bytes;		/* decoded */
	int64_t next_due_ns;	/* wall time */
	int64_t skew_ns;	/* server's Date minus ours, when more than a second; else 0 */
	const char *replica;	/* url that answered, without credentials */
};
struct source_info {
	struct block block;
	const char *product, *version;	/* "Prometheus", "2.42.0" */
	int64_t started_ns;		/* 0 unknown */
	struct strings notes;		/* such as cluster peers, or "infos" of the server */
	struct strings receivers;	/* Alertmanager */
};
enum marker_kind { MARKER_CHANGE, MARKER_ALERT, MARKER_ACTION };
struct marker {
	enum marker_kind kind;
	int64_t at_ns;
	const char *what, *from, *to;	/* "spam-filter", "6", "7"; from "" when unknown */
	const char *text;		/* the line to show */
	unsigned n_series;		/* how many series (hosts) changed together */
};
struct marker_set {
	struct block block;
	const char *def;		/* id of the marker_def */
	int64_t start_ns, end_ns;	/* looked at */
	size_t n;
	const struct marker *v;		/* ascending */
	const char *note;		/* why some are missing, a sentence; NULL: none are */
};
enum operation_state { OPERATION_STARTED, OPERATION_DONE, OPERATION_FAILED, OPERATION_UNKNOWN };
struct operation {		/* something the operator did that changes the world */
	struct block block;
	const char *id;		/* unique in this run of the program */
	const char *verb;	/* "silence", "ack", "expire", "edit-silence" */
	const char *object;	/* such as the silence's id or matchers */
	const char *text;	/* the sentence to show */
	enum operation_state state;
};

/* --- events --------------------------------------------------------------------------------------------------------- */

enum event_kind {
	EVENT_ENVIRONMENT,	/* struct environment */
	EVENT_SOURCE_REPORT,	/* struct source_report */
	EVENT_SOURCE_INFO,	/* struct source_info */
	EVENT_ALERTS,		/* struct alert_set: all alerts the source has now */
	EVENT_GROUPS,		/* struct group_set: all notification groups */
	EVENT_SILENCES,		/* struct silence_set: all */
	EVENT_TARGETS,		/* struct target_set: all */
	EVENT_RULES,		/* struct rule_set: all */
	EVENT_SERIES,		/* struct series_set: the answer to one query */
	EVENT_MARKERS,		/* struct marker_set: all of one definition in a range */
	EVENT_OPERATION,	/* struct operation */
	EVENT_REGISTRY,		/* struct registry_set (model/registry.h): all models of one source */
	EVENT_SERVING,		/* struct serving_set: who serves what of one model */
	EVENT_HOSTS,		/* struct host_set: all hosts */
	EVENT_SLO_DEFS,		/* struct slo_def_set (model/slo.h): all objectives */
	EVENT_SLOS,		/* struct slo_set: how all of them stand at one time */
	EVENT_SLO_DETAILS,	/* struct slo_detail_set: burn-down and spends of all of them */
	EVENT_RUNBOOKS,		/* struct runbook_set (model/run.h): all of them */
	EVENT_RUN,		/* struct run_info: all of one run */
	EVENT_RUN_OUTPUT,	/* struct run_output */
	EVENT_INCIDENT,		/* struct incident: opened or closed */
	EVENT_NOTE,		/* struct note */
	EVENT_DRIFT_DEFS,	/* struct drift_def_set (model/drift.h): all */
	EVENT_DRIFTS,		/* struct drift_set: how all of them stand at one time */
	EVENT_DRIFT_HISTORY,	/* struct drift_history: the heat map */
	EVENT_TIMELINE,		/* struct timeline_set (model/timeline.h): found afterwards */
	EVENT_MEMORY,		/* struct model_memory_set (model/memory.h): what a model had added up; last of a snapshot */
	EVENT_FOCUS,		/* struct operator_focus (model/snapshot.h): where the operator looked */
	EVENT_AUDIT_VIEW,	/* struct audit_view (model/audit_view.h) */
	EVENT_LOG_LINES,	/* struct log_batch (model/log.h): lines of a log store */
	EVENT_LOG_VIEW,		/* struct log_view: what the filter lets through */
	EVENT_LOG_PATTERNS,	/* struct log_pattern_set */
	EVENT_KINDS
};

struct event {
	enum event_kind kind;
	int64_t time_ns;	/* when it was observed */
	const char *source;	/* name of the source, "" when none; lives as long as the block */
	const void *block;	/* one of the structs above, by kind; the event owns one reference */
};

const char *event_kind_name(enum event_kind kind);	/* stable: "alerts" */
/* block's reference passes to the event; source is copied into the block's arena. */
void event_init(struct event *ev, enum event_kind kind, int64_t time_ns, const char *source, void *block);
void event_done(struct event *ev);
/* {"event":"alerts","time":"2030-..Z","source":"alertmanager",...}; never NULL. */
json_t *event_to_json(const struct event *ev);
/* 0 or ERR_INVALID, with the member that is wrong. */
int event_from_json(const json_t *json, struct event *ret_ev, struct err *err);

/* A growing list of events, as decoders return them. */
struct event_list {
	size_t n, cap;
	struct event *v;
};
void event_list_add(struct event_list *l, enum event_kind kind, int64_t time_ns, const char *source, void *block);
void event_list_done(struct event_list *l);

#endif
