/*
 * Drift: which inputs and predictions of a model have moved beyond noise, as plain data in event blocks.
 *
 * A definition says what is compared with what; a standing says how it stands at one time: every score with the numbers on both sides and its noise floor, so that nobody
 * has to believe a bare "0.11". The arithmetic is insight/drift.h's, what is asked insight/drift_book.h's.
 */
#ifndef OPS_MODEL_DRIFT_H
#define OPS_MODEL_DRIFT_H

#include "model/event.h"

/* --- definitions ------------------------------------------------------------------------------------------------------ */

enum drift_kind {
	DRIFT_FEATURE,		/* an input */
	DRIFT_PREDICTION,	/* what the model answers */
	DRIFT_LABEL,		/* what people say is right: feedback */
	DRIFT_SKEW		/* one feature in serving against the same in training data as it is logged now */
};
enum drift_data {
	DRIFT_CLASSIC,		/* classic histogram: NAME_bucket by le */
	DRIFT_NATIVE,		/* native histogram */
	DRIFT_CATEGORIES,	/* counters, one for each value of a label */
	DRIFT_GAUGE		/* samples of a gauge over the window */
};
enum drift_reference {
	DRIFT_FROM_PROFILE,	/* a training profile: from the registry run's artifact or a tag of the version, or from a file */
	DRIFT_FROM_VERSION,	/* what another version sees (or saw, when it served) */
	DRIFT_FROM_PAST		/* a past window of the same */
};
const char *drift_kind_name(enum drift_kind k);			/* "feature", "prediction", "label", "skew" */
const char *drift_reference_name(enum drift_reference r);	/* "training profile", "version 6", "the week before" is the standing's text */

struct drift_def {
	const char *id;		/* "drift:MODEL:NAME" */
	const char *model;	/* id of the model_def */
	const char *name, *title;	/* title "" when not given */
	enum drift_kind kind;
	enum drift_data data;
	const char *source;	/* the Prometheus to ask */
	const char *metric;	/* selector without range: 'spam_feature_url_count{job="serving"}', without _bucket */
	const char *label;	/* DRIFT_CATEGORIES: whose values are counted; else NULL */
	const char *trained;	/* DRIFT_SKEW: selector of the same in training data as it is logged now, what metric is held against; else NULL */
	const char *missing;	/* expression whose value is the share of missing values in the window, 0 to 1; NULL: none is given */
	const char *version_label;	/* so that only the version that should serve is looked at; NULL: all */
	enum drift_reference reference;	/* DRIFT_SKEW: nothing, it is held against trained */
	const char *profile;	/* DRIFT_FROM_PROFILE: a path of a file, or "tag:NAME", "artifact:PATH" of the version that should serve */
	const char *feature;	/* its name in the profile; NULL: name */
	const char *version;	/* DRIFT_FROM_VERSION: which; "previous" is a word */
	int64_t ago_ns;		/* DRIFT_FROM_PAST: how long before the window its window ends */
	int64_t reference_ns;	/* and how long that is */
	int64_t window_ns;	/* what is looked at now */
	double effect;		/* PSI that matters when it is beyond noise; default 0.1 */
	double min_n;		/* on each side; fewer: not enough data. Default 100 */
	enum severity severity;	/* of a drifted one; SEVERITY_TICKET unless the config says otherwise */
	const char *where;	/* "opsconsole.yaml:40:9" */
};
struct drift_def_set {		/* EVENT_DRIFT_DEFS: all */
	struct block block;
	double confidence;	/* of noise floors, such as 0.95 */
	double fdr;		/* share of false alarms among those flagged that is put up with (Benjamini-Hochberg), such as 0.05 */
	size_t n;
	const struct drift_def *v;
};

/* --- how it stands ----------------------------------------------------------------------------------------------------- */

enum drift_measure {
	DRIFT_PSI, DRIFT_JS,		/* population stability index; Jensen-Shannon distance, base 2 */
	DRIFT_KS,			/* from cells: a lower bound of the true statistic */
	DRIFT_CHI2,			/* statistic; p from it */
	DRIFT_WASSERSTEIN,		/* in standard deviations of the reference */
	DRIFT_MEAN, DRIFT_Q50, DRIFT_Q95,	/* shift, in standard deviations of the reference */
	DRIFT_MISSING,			/* share of missing values, now less then */
	DRIFT_MEASURES
};
const char *drift_measure_name(enum drift_measure m);	/* "PSI" */
struct drift_score {
	enum drift_measure measure;
	double value;		/* NaN: cannot be worked out from this kind of data */
	double floor;		/* at the set's confidence, a value that noise alone stays below; NaN: none is known for it */
	bool is_bound;		/* the true value is at least this */
};
enum drift_state {		/* worst first */
	DRIFT_DRIFTED,		/* beyond noise (after false-discovery control) and beyond effect, in two windows that do not overlap by more than half */
	DRIFT_MOVING,		/* beyond noise, and either below effect or for the first time */
	DRIFT_UNKNOWN,		/* cannot be seen: why says so */
	DRIFT_FEW,		/* not enough data on one side */
	DRIFT_STEADY
};
const char *drift_state_name(enum drift_state s);	/* "drifted", "moving", "unknown", "not enough data", "steady" */
struct drift_cell {
	double lo, hi;		/* +-INFINITY at the ends; categories: NaN */
	const char *value;	/* of a category; NULL else */
	double then, now;	/* counts */
	double part;		/* of the PSI */
};
struct drift {
	const char *id;
	enum drift_state state;
	const char *why;	/* one sentence: "PSI 0.41, noise 0.06, n 5.1k against 20k: url_count is higher" */
	const char *against;	/* "training profile of version 6", "the same hours a week ago" */
	int64_t at_ns, since_ns;	/* since: of this state, as far as was seen; 0 unknown */
	double n_then, n_now;
	double missing_then, missing_now;	/* share; NaN unknown */
	double p, q;		/* of the chi-square; q after Benjamini-Hochberg over all that were tested; NaN */
	size_t n_scores, n_cells, n_new;
	const struct drift_score *scores;
	const struct drift_cell *cells;		/* merged to the edges that both sides have; in order, categories by what they add to the PSI */
	struct strings notes;	/* "3 of 12 buckets were merged: the sides have other bounds", "counters were reset twice" */
	const char *const *new_categories;	/* seen now, not then */
};
/* NULL: it has no such score. */
const struct drift_score *drift_score_find(const struct drift *d, enum drift_measure m);
/* PSI over its noise floor: 1 is as much as noise alone may put there. NaN: not known. */
double drift_ratio(const struct drift *d);
struct drift_set {		/* EVENT_DRIFTS: all, at one time */
	struct block block;
	int64_t at_ns;
	int64_t every_ns;	/* how long until the next is due; 0: not said, a minute */
	bool is_past;		/* for the time cursor, from the metrics' own history: not what was known then */
	size_t n;
	const struct drift *v;	/* in the order of the definitions */
};
/* For the heat map: PSI over its floor in steps of the window, oldest first. NaN: not known. */
struct drift_row { const char *id; size_t n; const float *ratio; };
struct drift_history {		/* EVENT_DRIFT_HISTORY: the newest is shown whatever the time */
	struct block block;
	int64_t start_ns, step_ns;
	size_t n;
	const struct drift_row *v;
};

#endif
