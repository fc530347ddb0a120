/* What all of one round make of each other, and how each stands, in a sentence. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "insight/drift.h"
#include "insight/drift_judge_priv.h"

void
drift_judge_round(struct drift_judged *v, size_t n)
{
	double *p = xcalloc(2 * n + 1, sizeof *p);

	for (size_t i = 0; i < n; i++) {
		p[2 * i] = v[i].d.p;
		p[2 * i + 1] = v[i].p_missing;
	}
	drift_fdr(p, 2 * n);
	for (size_t i = 0; i < n; i++) {
		v[i].d.q = p[2 * i];
		v[i].q_missing = p[2 * i + 1];
	}
	free(p);
}

/* --- beyond what ------------------------------------------------------------------------------ */

static bool
is_above_floor(const struct drift_judged *j)
{
	return fabs(j->score) > j->floor;
}

static bool
is_noise(const struct drift_judged *j, double fdr)
{
	return !(is_above_floor(j) && j->d.q <= fdr);
}

static bool
is_missing_noise(const struct drift_judged *j, double fdr)
{
	return !(fabs(j->d.missing_now - j->d.missing_then) > j->missing_floor &&
	    j->q_missing <= fdr);
}

static bool
matters(const struct drift_judged *j, double fdr)
{
	return !is_noise(j, fdr) && j->effect >= j->def->effect;
}

static bool
missing_matters(const struct drift_judged *j, double fdr)
{
	return !is_missing_noise(j, fdr) && j->missing_effect >= j->def->effect;
}

bool
drift_judged_is_beyond(const struct drift_judged *j, double fdr)
{
	return j->reason == NULL && (matters(j, fdr) || missing_matters(j, fdr));
}

/* --- why -------------------------------------------------------------------------------------- */

static const char *
text_score(char *buf, size_t size, double v)
{
	/* Two digits tell a score from its noise; 0.004 is not 0.00. */
	snprintf(buf, size, fabs(v) < 0.095 ? "%.2g" : "%.2f", v);
	return buf;
}

/* "PSI 0.41 (noise 0.06)" */
static void
say_score(struct buf *b, const struct drift_judged *j)
{
	bool is_mean = drift_score_find(&j->d, DRIFT_PSI) == NULL;
	char value[32], floor[32];

	text_score(value, sizeof value, j->score);
	text_score(floor, sizeof floor, j->floor);
	buf_printf(b, is_mean ? "mean %s%s sd (noise %s)" : "PSI %s%s (noise %s)",
	    is_mean && j->score > 0 ? "+" : "", value, floor);
}

static void
say_n(struct buf *b, const struct drift_judged *j)
{
	char now[NUM_TEXT_MAX], then[NUM_TEXT_MAX];

	buf_printf(b, "n %s against %s", num_format(now, j->d.n_now, "count"),
	    num_format(then, j->d.n_then, "count"));
}

static void
say_missing(struct buf *b, const struct drift_judged *j)
{
	char now[NUM_TEXT_MAX], then[NUM_TEXT_MAX];

	buf_printf(b, "missing %s, was %s, ", num_format(now, j->d.missing_now, "ratio"),
	    num_format(then, j->d.missing_then, "ratio"));
	say_n(b, j);
}

static void
say_few(struct buf *b, const struct drift_judged *j)
{
	char min[NUM_TEXT_MAX];

	say_n(b, j);
	buf_printf(b, ": at least %s on each side are needed",
	    num_format(min, j->def->min_n, "count"));
}

/* Nothing is left of what is looked at, and of how many nobody counts. */
static bool
is_all_missing(const struct drift_judged *j)
{
	return j->d.missing_now >= 1 && j->d.missing_then < 1 && j->d.n_now < j->def->min_n;
}

static void
say_unknown(struct buf *b, const struct drift_judged *j)
{
	char then[NUM_TEXT_MAX];

	if (!is_all_missing(j)) {
		buf_addstr(b, "nothing of the two sides can be compared");
		return;
	}
	buf_printf(b, "all values are missing, %s were: ", num_format(then, j->d.missing_then, "ratio"));
	say_n(b, j);
}

static void
say_steady(struct buf *b, const struct drift_judged *j)
{
	if (j->floor == 0) {
		say_n(b, j);
		buf_addstr(b, ": all values, or all but a few, are in the same cell on both sides");
		return;
	}
	say_score(b, j);
	buf_addstr(b, ", ");
	say_n(b, j);
	buf_addstr(b,
	    is_above_floor(j) ? ": of so many looked at, some are that far apart by chance" :
				": within noise, no evidence of drift");
}

static void
say_moved(struct buf *b, const struct drift_judged *j, double fdr, const char *against)
{
	char effect[32];

	if (is_noise(j, fdr) || (!matters(j, fdr) && missing_matters(j, fdr))) {
		say_missing(b, j);
	} else {
		say_score(b, j);
		buf_addstr(b, ", ");
		say_n(b, j);
		buf_printf(b, ": %s", j->direction);
		if (j->d.n_cells == 0 || j->d.cells[0].value == NULL)
			buf_printf(b, " than in %s", against);
	}
	if (j->d.state != DRIFT_MOVING)
		return;
	if (drift_judged_is_beyond(j, fdr))
		buf_addstr(b, "; so far in one window only");
	else
		buf_printf(b, "; beyond noise, but below the effect of %s that matters",
		    text_score(effect, sizeof effect, j->def->effect));
}

static enum drift_state
state_of(const struct drift_judged *j, double fdr, bool was_beyond)
{
	if (j->reason != NULL)
		return DRIFT_UNKNOWN;
	if (is_all_missing(j))
		return DRIFT_UNKNOWN;
	if (is_missing_noise(j, fdr) && (!(j->d.n_now >= j->def->min_n) || !(j->d.n_then >= j->def->min_n)))
		return DRIFT_FEW;
	if (isnan(j->score) && is_missing_noise(j, fdr))
		return DRIFT_UNKNOWN;
	if (drift_judged_is_beyond(j, fdr))
		return was_beyond ? DRIFT_DRIFTED : DRIFT_MOVING;
	return is_noise(j, fdr) && is_missing_noise(j, fdr) ? DRIFT_STEADY : DRIFT_MOVING;
}

void
drift_judge_close(
    struct drift_judged *j, double fdr, bool was_beyond, const char *against, struct arena *mem)
{
	struct buf b;

	buf_init(&b, 1024);
	j->d.against = against;
	j->d.state = state_of(j, fdr, was_beyond);
	if (j->reason != NULL)
		buf_addstr(&b, j->reason);
	else if (j->d.state == DRIFT_FEW)
		say_few(&b, j);
	else if (j->d.state == DRIFT_UNKNOWN)
		say_unknown(&b, j);
	else if (j->d.state == DRIFT_STEADY)
		say_steady(&b, j);
	else
		say_moved(&b, j, fdr, against);
	j->d.why = arena_strdup(mem, b.data);
	buf_done(&b);
}
