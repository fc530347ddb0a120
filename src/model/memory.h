/*
 * What a model has added up over time and newest events alone would not say: EVENT_MEMORY, the last event of a snapshot.
 *
 * Applied after the events it was taken with, it puts back since when requests fail and hosts serve what they serve, the order in which things were first heard of, and
 * the timeline, whatever applying those events made of them. It names things by what other events call them; what it names and the model does not know is passed over.
 */
#ifndef OPS_MODEL_MEMORY_H
#define OPS_MODEL_MEMORY_H

#include "model/event.h"
#include "model/timeline.h"

struct memory_request {		/* struct source_request */
	const char *what;
	int64_t last_ns, last_ok_ns, failing_since_ns, ok_since_ns;
	unsigned n_failed;	/* in a row */
};
struct memory_source {		/* in the model's order */
	const char *name;
	int64_t targets_down_ns, rules_failing_ns;	/* since when; 0: they are not */
	size_t n_requests;
	const struct memory_request *requests;
};
struct memory_query {		/* in the model's order */
	const char *id, *error;
	int64_t error_ns, seen_ns;
};
struct memory_seen {
	const char *host, *version;
	int64_t since_ns, last_ns;
	bool has_arrived;
};
struct memory_model {		/* in the order they were first heard of */
	const char *id;
	const char *wanted;	/* NULL: never looked */
	const char *previous;
	int64_t wanted_since_ns, wanted_seen_ns, moved_ns, first_ns;
	size_t n_seen;
	const struct memory_seen *seen;
};
struct memory_track {		/* something that the timeline says has begun and not ended */
	enum timeline_kind kind;
	const char *id, *what;	/* of its entry */
	enum severity severity;
	unsigned state;		/* of the objective, the feature, .. as its kind counts */
	const char *alert;	/* TIMELINE_ALERT: its id now, 16 hex, where that is another than the one it began with; else "" */
};
struct model_memory_set {
	struct block block;
	struct strings external;	/* hashes of labels that only Alertmanager's alerts have, 16 hex each */
	struct strings runs, incidents;	/* ids, in the order they were first heard of */
	size_t n_sources, n_queries, n_models, n_tracks, n_timeline;
	const struct memory_source *sources;
	const struct memory_query *queries;
	const struct memory_model *models;
	const struct memory_track *tracks;
	const struct timeline_entry *timeline;	/* in the model's order */
	size_t n_left_out;		/* of the timeline */
	int64_t left_out_until_ns;	/* what may be told again and happened until then made room */
};

#endif
