/*
 * Judging drift: two sides of a definition become scores with their noise floors; all that were tested
 * in one round are then held against the number of false alarms that is put up with; and each gets its
 * state and a sentence that says why.
 *
 * What is beyond noise: its adjusted p-value is at most the set's fdr, and its score is above its own
 * floor. What matters: a PSI of at least the definition's effect. A gauge has no cells: its mean is
 * tested (z squared is chi-square with one degree), and a shift of d standard deviations counts as a
 * PSI of d squared, which it is between two normal distributions of equal width. Missing values are two
 * cells of their own, there and not there, tested beside the others.
 */
#ifndef OPS_INSIGHT_DRIFT_JUDGE_H
#define OPS_INSIGHT_DRIFT_JUDGE_H

#include "base/arena.h"
#include "model/drift.h"

enum { DRIFT_NOTES_MAX = 6, DRIFT_CATEGORIES_MAX = 200, DRIFT_NEW_MAX = 20 };

enum drift_shape {
	SHAPE_NONE,		/* nothing is known */
	SHAPE_CELLS,
	SHAPE_CATEGORIES,	/* values are sorted */
	SHAPE_SUMMARY		/* mean, stddev and quantiles only */
};
struct drift_side {
	enum drift_shape shape;
	bool is_native;		/* empty cells may be left out, and edges are known wherever nothing is */
	size_t n_cells;
	const double *edges, *counts;
	const char *const *values;
	double n;		/* values; 0 when there were none */
	double n_effective;	/* as many independent ones would tell as much */
	double dof;		/* degrees of freedom that this, and so the mean's error, is known with; INFINITY: well */
	double missing;		/* share; NaN unknown */
	double mean, stddev, q50, q95;	/* SHAPE_SUMMARY, or NaN */
	size_t n_notes;
	const char *notes[DRIFT_NOTES_MAX];
};
void drift_side_init(struct drift_side *s);
/* What is beyond DRIFT_NOTES_MAX, or there already, is dropped. note is kept as it is. */
void drift_side_note(struct drift_side *s, const char *note);
/* Into to, all in mem. */
void drift_side_copy(struct drift_side *to, const struct drift_side *from, struct arena *mem);

struct drift_judged {
	const struct drift_def *def;
	struct drift d;		/* in mem */
	const char *reason;	/* it cannot be seen: why; else NULL */
	double score, floor;	/* what is judged: PSI, or the mean's shift of a gauge */
	double effect;		/* of score, as PSI */
	double missing_effect;	/* of the missing share, as PSI; 0 unknown */
	double missing_floor;
	double p_missing, q_missing;
	char direction[160];	/* "higher", "\"zh\" is 12% (3%)" */
};
/* Reason NULL. Everything it keeps is in mem, or the def's. */
void drift_judge(struct drift_judged *ret, const struct drift_def *def, const struct drift_side *now,
    const struct drift_side *then, double confidence, struct arena *mem);
/* It cannot be seen. */
void drift_judge_unseen(struct drift_judged *ret, const struct drift_def *def, const char *reason);
/* q of all of them. */
void drift_judge_round(struct drift_judged *v, size_t n);
/* Beyond noise and beyond effect: what a second window must say too. */
bool drift_judged_is_beyond(const struct drift_judged *j, double fdr);
/* State and why. was_beyond: an earlier window was, too. */
void drift_judge_close(
    struct drift_judged *j, double fdr, bool was_beyond, const char *against, struct arena *mem);

#endif
