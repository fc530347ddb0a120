/*
 * Drift in the config: what of a model is compared with what, as definitions for the model.
 *
 * conf_load() reads and checks; what is wrong is left out, and said.
 */
#ifndef OPS_CONF_CONF_DRIFT_H
#define OPS_CONF_CONF_DRIFT_H

#include "conf/conf.h"
#include "model/drift.h"

/* reference: training | previous | { version: "6" } | { ago: 7d, window: 1d } */
struct conf_drift_reference {
	char *from;		/* "training", "previous", or NULL */
	char *version;
	int64_t ago_ns, window_ns;	/* 0: not given */
};

/* One feature, prediction, label or skew; what is not given here is the model's. */
struct conf_drift_item {
	char *name, *title;
	char *histogram, *native, *categories, *gauge;	/* one of them */
	char *label;		/* of categories */
	char *missing;
	char *feature;		/* name in the profile */
	int64_t window_ns;	/* 0: not given */
	struct conf_drift_reference *reference;
	double effect, min;	/* NaN: not given */
	char *severity;
	unsigned line, column;
};

struct conf_drift {			/* what is under drift: of a model */
	char *source;
	int64_t window_ns;
	struct conf_drift_reference *reference;	/* NULL: training */
	char *profile;
	char *version;			/* label that holds the version; NULL: all series count */
	double effect, min;
	char *severity;
	struct conf_drift_item *features, *predictions, *labels, *skew;
	size_t n_features, n_predictions, n_labels, n_skew;
	unsigned line, column;
};

/* All of an environment, models in the order of the file and within one features, predictions, labels, skew. One reference, the caller's; shared and not to be
 * changed. Ids are "drift:MODEL:NAME", those of skew "drift:MODEL:skew:NAME". From one round to the next: env->drift_interval_ns. */
struct drift_def_set *conf_drifts(const struct conf_environment *env);

#endif
