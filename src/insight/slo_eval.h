/*
 * The arithmetic of error budgets: pure functions from sums over windows to how an objective
 * stands.
 *
 * Sources of the rules: The Site Reliability Workbook (Google, 2018), ch. 5: burn rate = error
 * ratio / (1 - target), multi-window multi-burn-rate rules (table 5-8), budget consumed by a burn
 * rate B held for W = B x W / period, detection time = (1 - target) x factor x long window / error
 * ratio; "Low-Traffic Services and Error Budget Alerting" there for the gate. ch. 2 for error
 * budgets. OpenSLO v1 for methods and windows.
 *
 * Sums come as "first" (good, or bad: is_good says which) and total, NaN where there is no data.
 * Total is there but first is not: it counts as 0, and a note says so (a counter for errors that
 * never happened does not exist yet). But good that is nowhere in all the window, though there were
 * events, is an expression that selects nothing, such as a histogram's bucket that does not exist:
 * the objective is unknown then, and pages nobody. Zero events spend nothing and burn at 0: no
 * traffic is not no data.
 *
 * The budget is (1 - target) of the events of the window: in a rolling one those there were, which
 * may be less than a whole window's (covered_ns and a note say how much; as time it is of the time
 * that has data); in a calendar window those of all of it, as many being expected for the time that
 * is left as came so far. Of slices it is known how many there will be. What corrections cover is
 * taken out of the budget and of the burn rates. Where they leave less than half of a burn window,
 * its rate is that of the longest part of the rest that is known as such (a shorter window, whole
 * tiles); where there is none yet it is NaN. Where the sums do not say how a correction's own sum is
 * spread over its time, the tiles do.
 *
 * When nothing is left and what will be left are reckoned at one burn rate, with what drops out of
 * a rolling window, so that they agree.
 *
 * States, the first that holds: excluded (a correction covers the time, or ended so short a time ago
 * that no rule has anything to look at), unknown (an error, or good is nowhere), page and ticket (a
 * rule fires), no data (the shortest window of the rules has none: the fastest rule is blind),
 * exhausted, gated, excluded (only the fastest rule has nothing to look at yet), ok. The gate asks
 * for events, and so is for Occurrences of a ratio only: slices and samples come at their own pace,
 * however little traffic there is. A rule with for_ns of which nothing is known from before
 * (previous is NULL, or was never worked out) is taken to have held so long. What could not be worked
 * out for a while goes on from how it stood before that.
 */
#ifndef OPS_INSIGHT_SLO_EVAL_H
#define OPS_INSIGHT_SLO_EVAL_H

#include "base/arena.h"
#include "model/slo.h"

struct slo_sum {
	double first, total;
};
struct slo_window_sum {
	int64_t window_ns, at_ns;
	struct slo_sum sum;
};
struct slo_past {			/* what happened when, for slo_spend.beside: markers and alerts of the window */
	int64_t start_ns, end_ns;	/* of an alert; end == start: a moment (a change, an action) */
	const char *text;
};
struct slo_input {
	const struct slo_def *def;
	bool is_good;			/* first is good */
	int64_t at_ns;
	const char *error;		/* why it could not be asked, NULL: it could */
	/* Burns: windows ascending, those of the rules among them. */
	size_t n_windows;
	const struct slo_window_sum *windows;
	/*
	 * Tiles: v[i] is the sum over (tiles_end - (n - i) * step, tiles_end - (n - i - 1) * step];
	 * they may begin before the window, and the one that straddles its start counts by its
	 * part.
	 */
	int64_t tiles_end_ns, step_ns;
	size_t n_tiles;
	const struct slo_sum *tiles;
	/* From tiles_end to at. */
	struct slo_sum head;
	/*
	 * By correction of the definition, each over (its start, its end] cut to [start of the
	 * window, at]; NULL when there are none.
	 */
	const struct slo_sum *excluded;
	/* How it stood when last worked out, for since and for_ns; NULL: not known (also for a past time). */
	const struct slo *previous;
	size_t n_past;
	const struct slo_past *past;	/* ascending by start; for details only */
};

/* The window that at falls into. false: a calendar window whose bounds do not reach that far. */
bool slo_window_at(const struct slo_def *def, int64_t at_ns, int64_t *ret_start_ns, int64_t *ret_end_ns);
/*
 * Windows to ask burn rates over: the usual seven (5m 30m 1h 2h 6h 1d 3d; those not longer than the
 * period) and those of the rules; ascending, each once. When no rule has a usual window, only those
 * of the rules. Returns how many; v has room for SLO_WINDOWS_MAX.
 */
enum { SLO_WINDOWS_MAX = 32 };
size_t slo_windows(const struct slo_def *def, int64_t *v);
/*
 * Width of a tile: about a 720th of the period, a round time, no shorter than resolution, and
 * dividing the period.
 */
int64_t slo_tile_step(const struct slo_def *def);
/*
 * Length of time after which a rule fires when errors begin at this ratio out of nothing;
 * INT64_MAX: never.
 */
int64_t slo_detection_ns(const struct slo_def *def, const struct slo_rule *rule, double error_ratio);

/*
 * ret's strings and lists are in the arena; id is the definition's. Never fails: what cannot be
 * known is NaN, and state says why.
 */
void slo_evaluate(const struct slo_input *in, struct arena *arena, struct slo *ret);
void slo_detail(const struct slo_input *in, struct arena *arena, struct slo_detail *ret);
/*
 * Most urgent first: state, then time to exhaustion, then what is left, then id. For qsort over
 * struct slo.
 */
int slo_compare_urgency(const void *a, const void *b);

#endif
