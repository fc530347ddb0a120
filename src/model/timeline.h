/*
 * What happened, in order: one line for each thing that began or ended, whoever told of it.
 *
 * The model notes an entry when an event makes something begin or end: an alert starts to fire or stops, an objective burns or recovers, a feature drifts or is steady
 * again, a source goes stale or answers again, a marker says that something changed, a run starts or ends, the operator acts, writes a note, opens or closes an incident,
 * a runbook tells the public. What repeats itself is one entry. At most TIMELINE_MAX are kept, the oldest go first. Entries are part of model_snapshot(), so that a
 * replay that jumps into the middle knows what was before.
 */
#ifndef OPS_MODEL_TIMELINE_H
#define OPS_MODEL_TIMELINE_H

#include "model/event.h"

enum { TIMELINE_MAX = 4096 };
enum timeline_kind {
	TIMELINE_ALERT,		/* began: fires; ended: resolved. Silenced and acknowledged are entries of TIMELINE_ACT */
	TIMELINE_SLO,		/* a rule of an objective fires, its budget is spent; ended: no rule fires */
	TIMELINE_DRIFT,
	TIMELINE_MODEL,		/* out of step, unserved; ended: as it should be */
	TIMELINE_SOURCE,	/* stale or down: from here on less is known; ended: answers again */
	TIMELINE_CHANGE,	/* markers: a version, an alias, a build */
	TIMELINE_RUN,		/* began, ended: text has the outcome */
	TIMELINE_ACT,		/* what the operator did outside runs: silences, acks, exclusions */
	TIMELINE_MESSAGE,	/* told to the public, by a step of kind notify */
	TIMELINE_NOTE,
	TIMELINE_INCIDENT,	/* opened; ended: closed */
	TIMELINE_KINDS
};
const char *timeline_kind_name(enum timeline_kind kind);	/* "alert" */
bool timeline_kind_find(const char *name, enum timeline_kind *ret);

struct timeline_entry {
	int64_t at_ns;		/* when it itself happened, as its source says: alert's since, marker's time */
	int64_t known_ns;	/* when it was known here: >= at_ns but for skewed clocks */
	enum timeline_kind kind;
	bool is_end;
	bool is_backfilled;	/* found afterwards in ALERTS of the metrics: before the console looked */
	enum severity severity;
	const char *id;		/* the same for begin and end: "alert:0123456789abcdef", "run:20300101-..", "slo:NAME", "drift:NAME" */
	const char *what;	/* "SpamFalsePositiveRateHigh", "spam-filter" */
	const char *text;	/* the line to show, without time and what: "page, v7 on 3 hosts", "6 -> 7" */
	const char *by;		/* person, or "" */
	uint64_t seq;		/* of its record in the audit log; 0: none is known */
};

struct model;
/* Oldest known first. Borrowed until the model changes. */
size_t model_n_timeline(const struct model *m);
const struct timeline_entry *model_timeline(const struct model *m, size_t i);
size_t model_timeline_left_out(const struct model *m);	/* older ones that made room */

/* EVENT_TIMELINE: entries found afterwards (ALERTS before the console looked; records of the audit log). Those that are known already (id, at_ns, is_end) are passed over. */
struct timeline_set {
	struct block block;
	size_t n;
	const struct timeline_entry *v;
};

#endif
