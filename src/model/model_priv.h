/*
 * The inside of struct model, for src/model only.
 *
 * What events said is kept as it came (blocks by reference, so that a copy of a model is cheap); what follows from it - merged alerts,
 * silences, markers, problems - is worked out when somebody asks, and kept until something it depends on changes.
 */
#ifndef OPS_MODEL_PRIV_H
#define OPS_MODEL_PRIV_H

#include "model/hindex.h"
#include "model/log.h"
#include "model/model.h"

enum {
	SOURCES_MAX = 256,
	REQUESTS_MAX = 1024,
	QUERIES_MAX = 1024,
	MODELS_MAX = 1024,
	MARKER_SETS_MAX = 8,		/* of one definition */
	MOVE_SETS_MAX = 256,		/* of one registry */
	OPERATIONS_MAX = 64,
	EXTERNAL_LABELS_MAX = 16,
	ALERT_GROUPS_MAX = 32,
	RUNS_MAX = 32,
	RUN_OUTPUTS_MAX = 8192,
	RUN_OUTPUT_BYTES_MAX = 32 << 20,	/* of all outputs */
	INCIDENTS_MAX = 32,
	NOTES_MAX = 200,
	STALE_INTERVALS = 3,
	FORGET_INTERVALS = 10,
};

/* When an event was told, and by whom. */
struct told {
	int64_t time_ns;
	const char *source;			/* lives as long as its block */
};

struct source {
	struct model_source pub;		/* name, type, url belong to this struct */
	struct source_request *requests;	/* pub.requests; each holds a reference to its report */
	const struct alert_set *alerts;
	int64_t alerts_ns;
	const struct silence_set *silences;
	int64_t silences_ns;
	struct told info_told;
	/* Of the events that told them; each lives as long as what it told. */
	const char *alerts_source, *silences_source, *targets_source, *rules_source, *groups_source;
	int64_t targets_down_since_ns, rules_failing_since_ns;	/* 0 when none is */
	bool is_alerts_stale;			/* as of the last model_advance() or event */
	char error[1024];			/* pub.error, where it says which stream */
};

struct query {
	struct model_query pub;			/* id belongs to this struct */
	int64_t seen_ns;			/* newest event about it */
	const char *range_source, *instant_source;	/* of the answers; live as long as they do */
};

struct operation_entry {
	const struct operation *operation;
	int64_t time_ns;
	const char *source;			/* lives as long as it, as with all of these */
};

/* Runs, incidents, notes: runs.c. */
struct run_entry {
	const struct run_info *run;
	int64_t time_ns;
	const char *source;
};
struct run_output_entry {
	const struct run_output *output;
	int64_t time_ns;
	const char *source;
};
struct note_entry {
	const struct note *note;
	int64_t time_ns;
	const char *source;
};
struct incident_entry {
	const struct incident *incident;
	struct told told;
};
struct marker_set_entry {
	const struct marker_set *set;
	struct told told;
};

/* Merged alerts and what silences hide: alerts.c, silences.c. */
struct alerts_view {
	size_t n;
	struct model_alert *rows;
	struct model_alert **order;		/* worst first */
	size_t n_silences;
	struct model_silence *silences;
	int64_t next_end_ns;			/* when a silence known only by a stale source ends; INT64_MAX never */
	struct arena groups;			/* the lists of groups of the rows */
};

struct markers_view {
	struct arena arena;			/* texts about runs */
	size_t n;
	struct marker *v;
};

/* Which runbooks are for which alerts: offers.c. */
struct offers_view {
	size_t n;				/* as many as there are runbooks */
	struct offer {
		const struct model_alert *alert;	/* the worst one it is for; NULL none */
		size_t rank;				/* of that alert, 0 the worst */
	} *v;
};

/* Objectives: slos.c. */
struct slo_row {
	struct model_slo pub;
	enum severity alert_severity;		/* of pub.alert_id */
	int64_t alert_since_ns;			/* likewise */
	enum severity told;			/* the worst alert that tells of it and has gone beyond pending, also a silenced one */
};
struct slos_view {
	size_t n, n_past, n_stale;
	struct slo_row *rows, *past;		/* most urgent first */
	struct hindex by_alert;			/* id of an alert that tells of an objective -> the definition, the most urgent of several */
	int64_t next_stale_ns;			/* when the next of them becomes stale; INT64_MAX never */
};

/* Drift: drifts.c. */
struct drift_entry {
	struct model_drift pub;
	double ratio;				/* PSI over its floor, the larger the further up; -1 unknown */
	enum severity alert_severity, told;	/* as struct slo_row */
	int64_t alert_since_ns;
};
struct drifts_view {
	size_t n, n_past, n_stale;
	struct drift_entry *rows, *past;	/* worst first */
	struct hindex by_alert;			/* id of an alert that tells of some -> the definition, the worst of several */
	int64_t next_stale_ns;			/* when the next of them becomes stale; INT64_MAX never */
};

/* Models and hosts: models.c, models_judge.c, models_why.c, models_view.c, hosts.c. */
struct registry_state {
	const struct registry_set *set;
	const char *source;			/* lives as long as set */
	int64_t at_ns;
};
struct seen_version {				/* a version that a host was seen to serve, and was not seen to leave; "": it serves none */
	char *host, *version;
	int64_t since_ns, last_ns;
	bool has_arrived;	/* the host served what it should, and that alone, since that is what it should */
};
struct model_memory {				/* what was seen of one model_def */
	char *id;
	const struct serving_set *serving;	/* newest answer, NULL none */
	const char *serving_source;		/* lives as long as serving */
	int64_t serving_ns, first_ns;		/* of the newest and the first answer; 0 none */
	char *wanted, *previous;		/* version that should serve ("" none is; NULL never looked), and before it ("" none) */
	int64_t wanted_since_ns;		/* as far as was seen */
	int64_t wanted_seen_ns;			/* the newest answer that said so */
	int64_t moved_ns;			/* when wanted was seen to change; 0: it was not */
	size_t n_seen;
	struct seen_version *seen;		/* by host */
};
struct host_index {				/* finds hosts by what others call them */
	struct hindex by_name, by_address;
	size_t n, cap;
	struct host_names {
		const char *name, *address;
	} *v;
};
struct other_model {
	const struct reg_model *model;
	const char *source;
};
struct models_view {
	struct arena arena;
	size_t n, n_others, n_stale;
	struct model_model *rows;
	struct other_model *others;
	struct host_index hosts;		/* of the hosts of the config, in their order */
	int64_t next_ns;			/* after this it is to be made anew; INT64_MAX never */
};
struct hosts_view {
	struct arena arena;
	size_t n;
	struct model_host_row *rows;
	struct strings groups;
	int64_t next_ns;
};

struct problems_view {
	struct arena arena;
	size_t n, cap;
	struct problem *v;
	enum health health;
};

/* Everything worked out; reached through a pointer so that asking a const model may fill it in. */
struct derived {
	bool has_alerts, has_markers, has_slos, has_drifts, has_models, has_hosts, has_offers, has_problems;
	struct alerts_view alerts;
	struct markers_view markers;
	struct slos_view slos;
	struct drifts_view drifts;
	struct models_view models;
	struct hosts_view hosts;
	struct offers_view offers;
	struct problems_view problems;
};

struct history;
struct timeline;
struct model_memory_set;

struct model {
	int64_t now_ns;
	unsigned changes;
	const struct environment *env;
	int64_t env_ns;
	const char *env_source;			/* lives as long as env */
	size_t n_sources;
	struct source **sources;
	size_t n_queries, queries_cap;
	struct query **queries;
	size_t n_marker_sets;
	struct marker_set_entry *marker_sets;	/* oldest first */
	size_t n_operations;
	struct operation_entry operations[OPERATIONS_MAX];	/* oldest first */
	const struct slo_def_set *slo_defs;
	const struct slo_set *slos, *past_slos;
	const struct slo_detail_set *slo_details, *past_slo_details;
	const struct drift_def_set *drift_defs;
	const struct drift_set *drifts, *past_drifts;
	const struct drift_history *drift_history;
	struct told slo_defs_told, slos_told, slo_details_told, drift_defs_told, drifts_told, drift_history_told;
	int64_t drift_gap_ns;				/* of a past model, see drifts_lend_history() */
	size_t n_registries, n_memories;
	struct registry_state *registries;
	struct model_memory *memories;
	const struct host_set *hosts;
	const char *hosts_source;			/* lives as long as hosts */
	int64_t hosts_ns;
	const struct runbook_set *runbooks;
	struct told runbooks_told;
	size_t n_runs;
	struct run_entry runs[RUNS_MAX];		/* in the order they were first heard of */
	size_t n_outputs, outputs_cap, output_bytes;
	struct run_output_entry *outputs;		/* by run, column, host */
	size_t n_incidents;
	struct incident_entry incidents[INCIDENTS_MAX];	/* in the order they were first heard of */
	size_t n_notes;
	struct note_entry notes[NOTES_MAX];		/* oldest first */
	struct log_book *logs;			/* model/log_book.h; NULL: no log store has said anything */
	/* Hashes of name and value of labels that Alertmanager's alerts have more than Prometheus' ones. */
	size_t n_external;
	uint64_t external[EXTERNAL_LABELS_MAX];
	const struct operator_focus *focus;
	const struct audit_view *audit_view;
	struct told focus_told, audit_told;
	struct timeline *timeline;		/* NULL in the models of history, until they are lent one */
	struct derived *derived;
	struct history *history;		/* NULL in the models of history itself */
};

/* model.c */
void model_apply_state(struct model *m, const struct event *ev);	/* without recording it */
struct model *model_new_bare(void);					/* without a history */
struct model *model_clone(const struct model *m);			/* without its history */
/* Note what changed and forget what was derived from it. */
void model_touch(struct model *m, unsigned changes);
/* Put a new reference where an old one was. */
#define block_replace(slot, block) do { \
	const void *old_ = *(slot); \
	*(slot) = block_ref(block);	/* before the old one goes: both may be the same */ \
	block_unref(old_); \
} while (0)

/* sources.c */
struct source *source_get(const struct model *m, const char *name);
void sources_environment(struct model *m);
void sources_apply(struct model *m, const struct event *ev);
void sources_advance(struct model *m);
void sources_clone(struct model *to, const struct model *from);
void sources_done(struct model *m);
/* The source an event speaks of. Where an environment is known, one it does not name is an answer that came after a switch: NULL. */
struct source *source_for_event(struct model *m, const char *name);
/* Work out its state. */
void source_judge(struct source *s, int64_t now_ns);
/* After this long without a good answer its values are stale. */
int64_t source_patience_ns(const struct source *s);
/* Until when something that the source's answer for what said at seen_ns is not too old; a later answer may have come as a report alone. */
int64_t source_fresh_until_ns(const struct source *s, const char *what, int64_t seen_ns);
/* Does what name a query, polled as long as somebody asks for it? */
bool report_is_of_query(const char *what);
/* Lines of logs that a person asked for once: forgotten like a query, but no series of the model. */
bool report_is_of_lines(const char *what);
bool source_tells_alerts(const struct source *s);
bool source_is_alertmanager(const struct source *s);
/* When its alerts were last known to be as they are; 0 never. */
int64_t source_alerts_seen_ns(const struct source *s);
/* How many of its requests fail or are late, of how many that count. */
size_t source_n_failing(const struct source *s, int64_t now_ns, size_t *ret_n);
const struct source_request *source_request_find(const struct source *s, const char *what);

/* alerts.c */
uint64_t label_hash(const struct label *l);		/* of name and value */
void alerts_learn_external(struct model *m);
const struct alerts_view *alerts_get(const struct model *m);
void alerts_view_done(struct alerts_view *v);

/* groups.c */
/* Which groups hold each row: once every row has the side it keeps. */
void groups_collect(const struct model *m, struct alerts_view *v);

/* silences.c */
/* All silences, unsorted; ids finds them while the alerts are looked at. */
void silences_collect(const struct model *m, struct alerts_view *v, struct hindex *ids);
/* Until when row is silenced and whether that is an acknowledgement; counts what each silence hides. */
void silences_mute(struct alerts_view *v, const struct hindex *ids, struct model_alert *row);
void silences_sort(struct alerts_view *v);

/* series.c */
void series_environment(struct model *m);
void series_apply(struct model *m, const struct event *ev);
void series_report(struct model *m, const struct event *ev);
/* NULL: nobody asks it. */
struct query *query_for_event(struct model *m, const char *id);
/* Forget those from the n-th on that the environment does not name. */
void queries_forget(struct model *m, size_t n);
void series_clone(struct model *to, const struct model *from);
/* Show from's answers over a range in to, which has none of its own. */
void series_lend_ranges(struct model *to, const struct model *from);
void series_done(struct model *m);

/* markers.c */
void markers_environment(struct model *m);
void markers_apply(struct model *m, const struct event *ev);
void markers_clone(struct model *to, const struct model *from);
void markers_done(struct model *m);
void markers_view_done(struct markers_view *v);

/* operations.c */
void operations_apply(struct model *m, const struct event *ev);
void operations_clone(struct model *to, const struct model *from);
void operations_done(struct model *m);

/* runs.c */
void runs_apply(struct model *m, const struct event *ev);
void runs_clone(struct model *to, const struct model *from);
/* Show in to, which has none of its own, those of from's outputs that were there at t. */
void runs_lend_outputs(struct model *to, const struct model *from, int64_t t_ns);
void runs_done(struct model *m);
/* A marker for what each of the runs did, and for each note, to the end of v, which has room for runs_n_markers() more. */
size_t runs_n_markers(const struct model *m);
void runs_add_markers(const struct model *m, struct markers_view *v);
json_t *run_json(const struct run_info *run);	/* model_json_run.c */
json_t *incident_json(const struct incident *incident);
json_t *note_json(const struct note *note, int64_t at_ns);

/* logs.c */
void logs_apply(struct model *m, const struct event *ev);
void logs_clone(struct model *to, const struct model *from);
/* Show in to, which has none of its own, from's lines up to t. */
/* Appends the newest lines, at most a thousand: logs_snapshot.c. */
void logs_snapshot(const struct model *m, struct event_list *ret);
void logs_lend(struct model *to, const struct model *from, int64_t t_ns);
void logs_done(struct model *m);		/* the limits stay */
/* log_view.c */
void log_view_init(struct log_view *v);		/* its parts are released with it */
struct log_view *log_view_until(const struct log_view *v, int64_t t_ns);	/* what of it is not after t */
/* timeline.c, timeline_watch.c */
struct timeline *timeline_new(void);
void timeline_free(struct timeline *t);
void timeline_reset(struct timeline *t);
void timeline_clone(struct model *to, const struct model *from);
/* Show in to, which has none of its own, those of from's entries that were known at t. */
void timeline_lend(struct model *to, const struct model *from, int64_t t_ns);
/* Look at ev before it is applied, and after it was. */
void timeline_before(struct model *m, const struct event *ev);
void timeline_after(struct model *m, const struct event *ev);
/* What changed is to be looked at; all that does not come with an event changes at now. */
void timeline_touched(struct model *m, unsigned changes);
void timeline_turn(struct model *m, int64_t now_ns);
void timeline_source(struct model *m, const struct source *s);	/* time has passed for it */
/* Up to when things were told since time went on last, where some of it is not looked at yet; else INT64_MAX. */
int64_t timeline_told_ns(const struct model *m);
void timeline_settle(struct model *m);		/* look at what has changed */

/* memory.c */
struct model_memory_set *memory_take(const struct model *m);	/* a new block */
void memory_apply(struct model *m, const struct event *ev);

/* after.c */
void after_apply(struct model *m, const struct event *ev);
void after_clone(struct model *to, const struct model *from);
/* Show from's view of the audit log in to, which has none of its own. */
void after_lend(struct model *to, const struct model *from);
void after_done(struct model *m);

/* model_json_after.c */
json_t *timeline_json(const struct model *m);

/* offers.c */
void offers_view_done(struct offers_view *v);

/* slos.c */
void slos_apply(struct model *m, const struct event *ev);
/* Time has passed from before to now: what was fresh may be stale. */
void slos_advance(struct model *m, int64_t before_ns);
void slos_clone(struct model *to, const struct model *from);
/* Show from's details in to, which has none of its own. */
void slos_lend_details(struct model *to, const struct model *from);
void slos_done(struct model *m);
const struct slos_view *slos_get(const struct model *m);
void slos_view_done(struct slos_view *v);
/* Of two struct slo_row the more urgent first; for qsort(). */
int slo_row_compare(const void *a, const void *b);
/* Id of the objective that the alert tells of, or NULL. */
const char *slos_alert_tells(const struct model *m, uint64_t alert_id);

/* drifts.c */
void drifts_apply(struct model *m, const struct event *ev);
void drifts_advance(struct model *m, int64_t before_ns);
void drifts_clone(struct model *to, const struct model *from);
/* Show from's history of drift in to, which has none of its own. Sets were recorded no closer than gap_ns: one is not old before the next was due. */
void drifts_lend_history(struct model *to, const struct model *from, int64_t gap_ns);
void drifts_done(struct model *m);
const struct drifts_view *drifts_get(const struct model *m);
void drifts_view_done(struct drifts_view *v);
/* Id of the definition that the alert tells of, or NULL. */
const char *drifts_alert_tells(const struct model *m, uint64_t alert_id);

/* models.c */
void models_apply(struct model *m, const struct event *ev);
void models_report(struct model *m, const struct event *ev);
void models_environment(struct model *m);
void models_clone(struct model *to, const struct model *from);
void models_done(struct model *m);
/* Where ev says what is known already, let it hold the block that says so: large answers that do not change are kept once. ev stays the caller's. */
void models_share(const struct model *m, struct event *ev);
const struct registry_state *registry_state_find(const struct model *m, const char *source);
/* Made when it is not there; NULL: the environment does not name it. */
struct model_memory *model_memory_for(struct model *m, const char *id);
void seen_version_done(struct seen_version *s);
const struct model_memory *model_memory_find(const struct model *m, const char *id);
/* Since when host serves version, as far as was seen; 0: it was not seen to. */
int64_t model_memory_since(const struct model_memory *mem, const char *host, const char *version);
bool model_memory_has_arrived(const struct model_memory *mem, const char *host);
int64_t model_memory_last(const struct model_memory *mem, const char *host);	/* when it was last heard of; 0 never */

/* models_judge.c */
/* Work out row, whose def is set; what it points to lives in v. Sets when v is to be made anew. */
void model_judge(const struct model *m, struct models_view *v, struct model_model *row);

/* models_view.c */
const struct models_view *models_get(const struct model *m);
void models_view_done(struct models_view *v);
/* Time has passed from before to now, for models and hosts. */
void models_advance(struct model *m, int64_t before_ns);
/* Does any model need this source to be judged? */
bool models_need(const struct model *m, const struct source *s);

/* hosts.c */
void host_index_init(struct host_index *h, size_t n_expected);
void host_index_done(struct host_index *h);
void host_index_add(struct host_index *h, const char *name, const char *address);	/* both must outlive it; address may be NULL */
uint32_t host_index_find(const struct host_index *h, const char *instance);	/* which one was added as that; HINDEX_NONE */
void hosts_view_done(struct hosts_view *v);

/* model_json_registry.c */
json_t *model_row_json(const struct model_model *row);
json_t *host_row_json(const struct model_host_row *row);

/* model_json_slo.c */
json_t *slo_row_json(const struct model_slo *row);
/* null for a time that is not known; model_json.c */
json_t *json_time_or_null(int64_t ns);
json_t *json_alert_id(uint64_t id);

/* problems_slo.c */
void problems_add_slos(const struct model *m, struct problems_view *v);

/* model_json_drift.c */
json_t *drift_row_json(const struct model_drift *row);

/* problems_drift.c */
void problems_add_drifts(const struct model *m, struct problems_view *v);

/* problems_models.c */
void problems_add_models(const struct model *m, struct problems_view *v);

/* problems.c */
/* A source through which we should see alerts, or what models need, and do not. */
bool source_is_unseeing(const struct model *m, const struct source *s);
struct problem *problem_add(struct problems_view *v, const struct problem *p);
/* "41s": how long ago that was; text of DURATION_TEXT_MAX. */
const char *problem_age(char *text, const struct model *m, int64_t then_ns);
/* A text that lives as long as the view. */
const char *problem_textf(struct problems_view *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void problems_view_done(struct problems_view *v);

/* history.c */
struct history *history_new(size_t max_bytes, int64_t max_age_ns);
void history_free(struct history *h);
void history_add(struct history *h, const struct event *ev);

#endif
