/*
 * The inside of struct model, for src/model only.
 *
 * What events said is kept as it came (blocks by reference, so that a copy of a model is cheap); what follows from it - merged alerts,
 * silences, markers, problems - is worked out when somebody asks, and kept until something it depends on changes.
 */
#ifndef OPS_MODEL_PRIV_H
#define OPS_MODEL_PRIV_H

#include "model/hindex.h"
#include "model/model.h"

enum {
	SOURCES_MAX = 256,
	REQUESTS_MAX = 1024,
	QUERIES_MAX = 1024,
	MARKER_SETS_MAX = 8,		/* of one definition */
	OPERATIONS_MAX = 64,
	EXTERNAL_LABELS_MAX = 16,
	ALERT_GROUPS_MAX = 32,
	STALE_INTERVALS = 3,
	FORGET_INTERVALS = 10,
};

struct source {
	struct model_source pub;		/* name, type, url belong to this struct */
	struct source_request *requests;	/* pub.requests; each holds a reference to its report */
	const struct alert_set *alerts;
	int64_t alerts_ns;
	const struct silence_set *silences;
	int64_t silences_ns;
	int64_t targets_down_since_ns, rules_failing_since_ns;	/* 0 when none is */
	bool is_alerts_stale;			/* as of the last model_advance() or event */
};

struct query {
	struct model_query pub;			/* id belongs to this struct */
	int64_t seen_ns;			/* newest event about it */
};

struct operation_entry {
	const struct operation *operation;
	int64_t time_ns;
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
	size_t n;
	struct marker *v;
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

struct problems_view {
	struct arena arena;
	size_t n, cap;
	struct problem *v;
	enum health health;
};

/* Everything worked out; reached through a pointer so that asking a const model may fill it in. */
struct derived {
	bool has_alerts, has_markers, has_slos, has_problems;
	struct alerts_view alerts;
	struct markers_view markers;
	struct slos_view slos;
	struct problems_view problems;
};

struct history;

struct model {
	int64_t now_ns;
	unsigned changes;
	const struct environment *env;
	int64_t env_ns;
	size_t n_sources;
	struct source **sources;
	size_t n_queries, queries_cap;
	struct query **queries;
	size_t n_marker_sets;
	const struct marker_set **marker_sets;	/* oldest first */
	size_t n_operations;
	struct operation_entry operations[OPERATIONS_MAX];	/* oldest first */
	const struct slo_def_set *slo_defs;
	const struct slo_set *slos, *past_slos;
	const struct slo_detail_set *slo_details, *past_slo_details;
	/* Hashes of name and value of labels that Alertmanager's alerts have more than Prometheus' ones. */
	size_t n_external;
	uint64_t external[EXTERNAL_LABELS_MAX];
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
/* After this long without a good answer its values are stale. */
int64_t source_patience_ns(const struct source *s);
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

/* model_json_slo.c */
json_t *slo_row_json(const struct model_slo *row);
/* null for a time that is not known; model_json.c */
json_t *json_time_or_null(int64_t ns);
json_t *json_alert_id(uint64_t id);

/* problems_slo.c */
void problems_add_slos(const struct model *m, struct problems_view *v);

/* problems.c */
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
