/*
 * Training profiles: what a model saw in training, as JSON that the training run left behind.
 *
 *   {"version": "6",
 *    "features": {
 *      "url_count": {"n": 50000, "missing": 0.001, "bounds": [0, 1, 2, 4], "counts": [9, 80, 40, 3, 1]},
 *      "language":  {"n": 50000, "categories": {"en": 40000, "de": 10000}},
 *      "queue_age": {"n": 50000, "mean": 3.1, "stddev": 1.2, "quantiles": {"0.5": 2.9, "0.95": 5.4}}},
 *    "predictions": {...}, "labels": {...}}
 *
 * counts[i] is of values above bounds[i - 1] and up to bounds[i], as in a histogram of Prometheus; the
 * last is of those beyond the last bound. With n, counts and categories may be shares (their sum is 1).
 * Unknown members are passed over. What is no number where one belongs is refused, and the sentence
 * says which.
 */
#ifndef OPS_INSIGHT_DRIFT_PROFILE_H
#define OPS_INSIGHT_DRIFT_PROFILE_H

#include "base/arena.h"
#include "model/drift.h"

enum {
	DRIFT_PROFILE_BYTES_MAX = 16 << 20,
	DRIFT_PROFILE_FEATURES_MAX = 10000,	/* of each group */
	DRIFT_PROFILE_CELLS_MAX = 4096		/* of a feature; categories too */
};

struct drift_profile_feature {
	const char *name;
	double n;		/* values that were there, missing ones not counted */
	double missing;		/* share; NaN unknown */
	size_t n_cells;		/* 0: has neither bounds nor categories */
	const double *edges;	/* n_cells + 1, from -INFINITY to INFINITY; NULL: categories */
	const char *const *values;	/* of categories, sorted; NULL: bounds */
	const double *counts;
	double mean, stddev, q50, q95;	/* NaN: not given */
};
struct drift_profile {
	struct arena arena;
	const char *version;	/* "" not given */
	struct drift_profile_group {
		size_t n;
		const struct drift_profile_feature *v;	/* by name */
	} features, predictions, labels;
};

/* 0; ERR_SYNTAX, ERR_INVALID or ERR_LIMIT. drift_profile_free() frees *ret. */
int drift_profile_parse(
    const char *text, size_t len, struct drift_profile **ret, struct err *err);
void drift_profile_free(struct drift_profile *p);
/* In the group of its kind, else among the features; NULL: there is none of that name. */
const struct drift_profile_feature *drift_profile_find(
    const struct drift_profile *p, enum drift_kind kind, const char *name);

#endif
