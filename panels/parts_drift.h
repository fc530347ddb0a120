/*
 * Drift as several panels show it: which definitions stand for the time shown, glyph and word of a state, numbers, the row of
 * shades that tells how far beyond noise each window was. Pure.
 */
#ifndef OPS_PANELS_PARTS_DRIFT_H
#define OPS_PANELS_PARTS_DRIFT_H

#include "parts.h"

struct part_drifts {
	enum part_standing kind;
	const struct model *model;	/* whose rows; NULL: none */
	size_t n;
	int64_t at_ns;			/* what the rows are as of; 0 when nothing was worked out */
};
/* Those of the time shown. Nothing need have been recorded then: metrics carry their own history. */
struct part_drifts part_drifts(const struct view *v);
/* Worst first. drift is NULL while pending. */
struct model_drift part_drift(const struct part_drifts *d, size_t i);
bool part_drift_find(const struct part_drifts *d, const char *id, struct model_drift *ret);
/* How it is known, as part_standing_text() says it. buf of STANDING_TEXT_MAX; returns buf. */
const char *part_drifts_text(const struct view *v, const struct part_drifts *d, char *buf);
/* The worst of a model that has drifted or moves. false: none has, as far as is known. */
bool part_drift_of_model(const struct part_drifts *d, const char *model, struct model_drift *ret);

/* --- states: glyph and word, colour third ------------------------------------------------------------------------- */

const char *part_drift_glyph(const struct model_drift *m, enum role *ret_role);
const char *part_drift_word(const struct model_drift *m);	/* "drifted", "few data", "stale": at most 8 columns */
/* true: it says nothing of how far apart the two sides are. */
bool part_drift_is_blind(const struct model_drift *m);
/* Name of the model as people call it. */
const char *part_drift_model(const struct drift_def *def);

/* --- numbers ----------------------------------------------------------------------------------------------------------- */

enum { PART_SCORE_MAX = 32, PART_DRIFT_SHORT_MAX = 512 };
/* "0.412" for a table, ".41" (is_short) for a sentence; "?" when it is not known. buf of PART_SCORE_MAX; returns buf. */
const char *part_score(double value, bool is_short, char *buf);
/* What it is judged by: the PSI, of data that has no cells how far its mean went; NULL: neither was worked out. */
const struct drift_score *part_drift_judged(const struct drift *d);
/* "5.1k", "?". buf of NUM_TEXT_MAX; returns buf. */
const char *part_drift_n(double n, char *buf);
/* "PSI url_count .41 (noise .06, n 5.1k)", "mean queue_age +1.20 sd (noise .13, n 240)". Escaped. buf of
 * PART_DRIFT_SHORT_MAX; returns buf. */
const char *part_drift_short(const struct model_drift *m, char *buf);

/* --- over time ----------------------------------------------------------------------------------------------------------- */

/* NULL: none is known. */
const struct drift_history *part_drift_history(const struct view *v);
/* How many of its windows had ended at the time shown. */
int part_drift_columns(const struct view *v, const struct drift_history *h);
/* A shade a window, the newest on the right, for the last w of the n that have ended. Within noise, up to twice, up to five times, beyond;
 * blank where nothing is known. Returns how many are not blank. */
int part_drift_heat(struct canvas *c, int x, int y, int w, const struct drift_history *h, const char *id, int n);
/* "· noise  ▃ 1-2x  ▅ 2-5x  █ >5x": what the shades say. Returns the column behind it. */
int part_drift_legend(struct canvas *c, int x, int y);

#endif
