/*
 * Service level objectives: what is promised, and how much of the error budget is left.
 *
 * A definition (struct slo_def) comes from the config, an OpenSLO file, or recording rules found in a Prometheus. What insight works out from the
 * metrics at one time is a struct slo; what needs the whole window (the burn-down, when the budget was spent) is a struct slo_detail. All of
 * them are events, so that replay and tests see what the screen saw.
 *
 * Names and arithmetic follow The Site Reliability Workbook (Google, 2018), chapter 5 "Alerting on SLOs": burn rate = error ratio / (1 - target);
 * a rule fires when the burn rates over its long and its short window are both above its factor (table 5-8). Methods and windows follow OpenSLO v1
 * (github.com/OpenSLO/OpenSLO, "SLO").
 */
#ifndef OPS_MODEL_SLO_H
#define OPS_MODEL_SLO_H

#include "model/event.h"

/* --- definitions ------------------------------------------------------------------------------------------------------ */

enum slo_origin { SLO_FROM_CONFIG, SLO_FROM_OPENSLO, SLO_FROM_SLOTH, SLO_FROM_PYRRA };
enum slo_method {
	SLO_OCCURRENCES,	/* good events / all events */
	SLO_TIMESLICES,		/* good slices / all slices; a slice is good when its ratio reaches slice_target */
	SLO_RATIO_TIMESLICES,	/* mean over the slices of the ratio in each */
};
enum sli_kind {
	SLI_RATIO,		/* good or bad, and total: expressions that select counters, or that count events in ${window} */
	SLI_RAW,		/* raw: an expression whose value is the ratio of good (or bad) already */
	SLI_THRESHOLD,		/* raw: a value that is good when it compares to threshold */
};
enum sli_compare { SLI_LT, SLI_LTE, SLI_GT, SLI_GTE };

struct slo_rule {		/* one row of table 5-8 */
	double factor;		/* burn rate */
	int64_t long_ns;
	int64_t short_ns;	/* 0: the long window alone decides (OpenSLO's burnrate condition) */
	int64_t for_ns;		/* both must hold this long; 0: at once */
	enum severity severity;
};
struct slo_correction {		/* a stretch that does not count, from the log of corrections */
	const char *id;
	int64_t start_ns, end_ns;
	const char *reason, *by;
	int64_t at_ns;		/* when it was logged */
};
struct slo_def {
	const char *id;		/* "slo:NAME", unique over all origins */
	const char *name, *title, *service;	/* title and service "" when not given */
	const char *kind;	/* "latency", "throughput", "availability", "time-to-deploy", "freshness", or "" */
	const char *source;	/* the Prometheus source to ask */
	enum slo_origin origin;
	const char *where;	/* "opsconsole.yaml:31:9", "slos.yaml:1:1", "rule group sloth-slo-sli-recordings-web-availability" */
	double target;		/* within (0, 1) */
	enum slo_method method;
	int64_t slice_ns;	/* of the timeslice methods, else 0 */
	double slice_target;	/* of SLO_TIMESLICES; NaN otherwise */

	/* The window: rolling when n_bounds is 0. Else [bounds[i], bounds[i + 1]), ascending, from two years before the start of the program (100 days
	 * where a window is shorter than a week) to 400 days after it: some 500 for windows of a day. */
	int64_t period_ns;	/* length; of a calendar window its usual length */
	size_t n_bounds;
	const int64_t *bounds;

	/* The indicator. PromQL; ${window} stands for a duration where an expression has it. NULL: not of this kind. */
	enum sli_kind sli;
	const char *good, *bad;	/* SLI_RATIO: one of them */
	const char *total;
	bool is_counter;	/* good, bad and total select counters; else each sample is a number of events (a gauge) */
	const char *raw;
	bool is_raw_success;	/* SLI_RAW: the ratio of good, else of bad */
	enum sli_compare compare;
	double threshold;
	int64_t resolution_ns;	/* how far apart values are looked at where samples, not events, count; also the least window */

	size_t n_rules;
	const struct slo_rule *rules;	/* worst severity first, then by factor */
	enum severity no_data_severity;	/* what missing data counts as; SEVERITY_NONE: unknown */
	double min_bad, min_events;	/* low-traffic gate: a burn resting on fewer in its long window does not fire; 0: no gate */
	size_t n_corrections;
	const struct slo_correction *corrections;	/* by start */
	struct labels alert_labels;	/* an alert with these tells of this objective's burn; at least one when known */
	int64_t recorded_ns;	/* a source has recording rules of `--export slo-rules` for it, each over so long; 0: no */
	struct strings notes;	/* what a reader must know: "an average of ratios: traffic does not weigh", "notificationTargets is not used" */
};
struct slo_def_set {
	struct block block;
	size_t n;
	const struct slo_def *v;	/* by id */
};

/* --- how it stands ------------------------------------------------------------------------------------------------------ */

enum slo_state {		/* most urgent first */
	SLO_PAGE,		/* a rule of severity page fires */
	SLO_TICKET,		/* one of severity ticket (or info) does */
	SLO_EXHAUSTED,		/* nothing is left, though nothing fires */
	SLO_NO_DATA,		/* the metrics are silent; the last budget known is kept in left */
	SLO_UNKNOWN,		/* not worked out: the source does not answer, refuses, or has not been asked yet */
	SLO_GATED,		/* a rule would fire, but on too few events */
	SLO_OK,
	SLO_EXCLUDED,		/* a correction covers this time, or one just ended and nothing that counts has come yet */
};
struct slo_burn {
	int64_t window_ns;
	double rate;		/* 1: the budget lasts exactly the period; NaN: no data, or nothing of it counts (corrections) */
	double bad, total;	/* events (or slices, samples) that the rate rests on; NaN where only a ratio is known */
	int64_t at_ns;		/* when it was asked for: long windows are asked less often */
};
struct slo_rule_state {		/* same order as the definition's rules */
	bool is_above;		/* both windows are above the factor */
	bool is_firing;		/* is_above, for long enough, and on enough events */
	bool is_gated;		/* above, but on too few events */
	int64_t above_since_ns;	/* as far as was seen; 0 when not above */
};
struct slo {
	const char *id;		/* of the definition */
	enum slo_state state;
	const char *why;	/* one sentence: "burns 14.9x over 1h and 16x over 5m"; "" when there is nothing to say */
	int64_t since_ns;	/* of this state, as far as was seen; 0 unknown */
	int64_t at_ns;		/* what follows is as of then */

	/* The budget of the window. NaN where nothing is known. */
	double left;		/* share of the budget that is left; negative when overspent */
	int64_t budget_ns;	/* the whole budget as time of total outage: (1 - target) x the time it is of, which is the window less what corrections
				 * take out; of a rolling window with much less data, the time that has data */
	int64_t left_ns;	/* budget_ns x left */
	double bad, total;	/* in the window, corrections taken out */
	double sli;		/* 1 - bad / total */
	int64_t start_ns, end_ns;	/* of the window; end is at_ns of a rolling one, the calendar's end of a calendar one */
	int64_t covered_ns;	/* how much of the time from start to at_ns has data */
	int64_t excluded_ns;	/* how much of it corrections take out */

	double burn;		/* the burn rate that the following rest on: the long window of the worst rule that is above, else the shortest long one */
	int64_t burn_window_ns;
	int64_t exhaustion_ns;	/* from at_ns until nothing is left at this burn rate; INT64_MAX: never in this window; 0: nothing is left. In a rolling
				 * window what drops out at its old end comes back meanwhile */
	double projected;	/* what is left at projected_ns at the same burn rate; not above 0 when it runs out before */
	int64_t projected_ns;	/* the end of a calendar window; of a rolling one a 30th of the period from now, at most a day */

	size_t n_burns;
	const struct slo_burn *burns;	/* by window, ascending */
	size_t n_rules;
	const struct slo_rule_state *rules;
	bool is_over;		/* good > total (or bad > total): the expressions do not belong together; ratios were clamped */
	struct strings notes;	/* "only 12d of 30d are in the store", "good has no series: counted as 0" */

	/* As of when it could last be worked out (mostly: now), for the one after to go on from; not shown. */
	struct {
		enum slo_state state;	/* SLO_UNKNOWN: never */
		int64_t since_ns;
		const struct slo_rule_state *rules;	/* n_rules; NULL: never */
	} known;
};
struct slo_set {
	struct block block;
	int64_t at_ns;
	int64_t every_ns;	/* the next one is due so much later */
	bool is_past;		/* worked out for a time cursor, not for now */
	size_t n;
	const struct slo *v;	/* most urgent first */
};

/* --- over the window ------------------------------------------------------------------------------------------------------ */

struct slo_spend {		/* a stretch in which a remarkable part of the budget went */
	int64_t start_ns, end_ns;
	double share;		/* of the whole budget */
	const char *beside;	/* "spam-filter 6 -> 7; SpamFalsePositiveRateHigh", "" when nothing is known of that time */
};
struct slo_held {		/* what a correction keeps in the budget */
	const char *id;		/* of the correction */
	double share;		/* of the whole budget: so much goes when it is taken back */
};
struct slo_detail {
	const char *id;
	int64_t step_ns;
	size_t n;
	const struct sample *left;	/* the burn-down: share left at the end of each step, from the first that has data on */
	size_t n_spends;
	const struct slo_spend *spends;	/* largest first */
	size_t n_held;
	const struct slo_held *held;	/* of the corrections that reach into the window, the 16 that begin last; none where it is not known */
	double rest;			/* share that went outside of these: with theirs it is all that was spent */
};
struct slo_detail_set {
	struct block block;
	int64_t at_ns;
	bool is_past;
	size_t n;
	const struct slo_detail *v;
};

/* --- helpers ---------------------------------------------------------------------------------------------------------------- */

/* A copy of def, all it points to in the arena. */
void slo_def_copy(struct slo_def *to, const struct slo_def *from, struct arena *arena);
/* Definitions of several sets in one, by id; of the same id the first counts, but one that was found in the rules of another source
 * stays, as NAME@SOURCE. One that was found in rules is left out where a configured one has the same name and the same service or none. One reference, the
 * caller's. */
struct slo_def_set *slo_def_merge(const struct slo_def_set *const *v, size_t n);
const struct slo_def *slo_def_find(const struct slo_def_set *set, const char *id);
/* The rules of the Workbook for a period: 14.4 over 1h/5m and 6 over 6h/30m (page), 3 over 1d/2h and 1 over 3d/6h (ticket); those whose long window is
 * not shorter than the period are left out. In the arena. */
const struct slo_rule *slo_default_rules(int64_t period_ns, struct arena *arena, size_t *ret_n);

/* Below 0: a is more urgent than b. By state, then time to exhaustion, then what is left, then id. */
int slo_urgency(const struct slo *a, const struct slo *b);

/* More than a 20th of the window so far has no data: the budget of a rolling one is then of the time that has, and whoever shows it must say so. */
bool slo_is_partial(const struct slo *s);
/* How the budget stands, the same words everywhere: "38% left, 6h10m at 14.9x", "91% left" (nothing burns), "50% of 2h20m left" (of so much data), "spent
 * 112%, at 2x", "no data since 02:20Z; 38% left", or why it is not known. s NULL: "not worked out yet". Cut at size; text of outside is as it came: escape before showing. Returns buf. */
const char *slo_budget_text(char *buf, size_t size, const struct slo *s);
enum { SLO_TEXT_MAX = 128 };	/* enough for all but a long reason */
/* "38%", "3.2%", "<0.1%", "-12%"; "?" when not known. */
enum { SLO_SHARE_MAX = 24 };
const char *slo_share_text(char *buf, double share);
/* "14.9x", "2x"; "?" when not known. */
enum { SLO_RATE_MAX = 24 };
const char *slo_rate_text(char *buf, double rate);

/* A length of time, rounded: two units up to ten days, then days: "23s", "1m52s", "15m", "6h10m", "2d04h", "20d". buf of DURATION_TEXT_MAX (base/clock.h). */
const char *slo_time_text(char *buf, int64_t ns);
/* The window as in "99.9% over ...": "30d", "the calendar month". */
enum { SLO_WINDOW_MAX = 48 };
const char *slo_window_text(char *buf, const struct slo_def *def);

const char *slo_state_name(enum slo_state state);	/* stable: "page", "no-data" */
const char *slo_origin_name(enum slo_origin origin);	/* "config", "OpenSLO", "Sloth", "Pyrra" */
const char *slo_method_name(enum slo_method method);	/* "Occurrences", "Timeslices", "RatioTimeslices" */
const char *sli_compare_text(enum sli_compare compare);	/* "<=" */

#endif
