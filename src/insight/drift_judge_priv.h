/* Private to drift_judge*.c: two sides as pairs of counts over the same cells. */
#ifndef OPS_INSIGHT_DRIFT_JUDGE_PRIV_H
#define OPS_INSIGHT_DRIFT_JUDGE_PRIV_H

#include "insight/drift_judge.h"

struct drift_pairs {
	size_t n;
	const double *edges;	/* n + 1; NULL: categories */
	const char *const *values;
	const double *then, *now;
	size_t n_new;
	const char *const *new_values;
	const char *note;	/* what was merged; NULL */
};
/* NULL, or why the sides cannot be compared. All in mem. */
const char *drift_pairs_make(struct drift_pairs *ret, const struct drift_side *now,
    const struct drift_side *then, struct arena *mem);

#endif
