/*
 * What the files of slo_eval share: sums with all oddities taken care of, the budget of a window,
 * and an objective in the making.
 */
#ifndef OPS_INSIGHT_SLO_EVAL_PRIV_H
#define OPS_INSIGHT_SLO_EVAL_PRIV_H

#include "insight/slo_eval.h"

struct slo_count {			/* 0 <= bad <= total, never NaN */
	double bad, total;
};
struct slo_oddity {			/* what was odd about the sums that were looked at */
	double events_ns, missing_ns;	/* time with events; of that, without a series of first */
	double excess;			/* by how much of the total first was above it, at most */
};
struct slo_stretch {
	struct slo_count count;
	double covered_ns;		/* how much of it has data */
	int64_t data_end_ns;		/* end of the last piece with data; 0: there is none */
};
struct slo_budget {
	bool is_window;			/* at falls into a window */
	bool is_read;			/* tiles (or the head alone) reach over it */
	int64_t start_ns, end_ns;
	struct slo_count count;		/* in the window, corrections taken out */
	double covered_ns, excluded_ns;
	double counted_ns;		/* how much of the time has data that corrections leave */
	int64_t data_end_ns;
	double allowed;			/* bad ones until nothing is left */
	double left;			/* NaN: not known */
};

/* false: no data. weight_ns: how long a time the sum stands for, for the oddities; odd may be NULL. */
bool slo_count_of(const struct slo_input *in, const struct slo_sum *sum, double weight_ns, struct slo_count *ret,
    struct slo_oddity *odd);

/* Pieces are the tiles and, as the last one, the head. */
size_t slo_n_pieces(const struct slo_input *in);
const struct slo_sum *slo_piece(const struct slo_input *in, size_t i, int64_t *ret_start_ns, int64_t *ret_end_ns);
/* All in (start, end]; a piece that is partly in it counts by its part. */
void slo_stretch_sum(const struct slo_input *in, int64_t start_ns, int64_t end_ns, struct slo_stretch *ret,
    struct slo_oddity *odd);
/*
 * What corrections take out of (start, end], and how much of that time. A moment that two
 * corrections name is taken out once.
 */
double slo_excluded(const struct slo_input *in, int64_t window_start_ns, int64_t start_ns, int64_t end_ns,
    struct slo_count *ret);
/* How much of that time corrections take out. */
double slo_excluded_ns(const struct slo_input *in, int64_t start_ns, int64_t end_ns);
void slo_count_subtract(struct slo_count *count, const struct slo_count *less);
/*
 * Of a window (start, end] that corrections leave little of: the longest part that is known as such,
 * rather than as a difference. Returns how long it is; 0: there is none.
 */
double slo_counted_apart(const struct slo_input *in, int64_t start_ns, int64_t end_ns, struct slo_count *ret);
/* Nothing that the window or the burns hold is a series of `good`, though there were events. */
bool slo_good_is_nowhere(const struct slo_input *in);

void slo_budget_of(const struct slo_input *in, struct slo_budget *ret, struct slo_oddity *odd);
/* Share of the budget that is left of count. */
double slo_left_of(const struct slo_budget *b, double bad);
bool slo_is_calendar(const struct slo_def *def);
/* There is data of all the time there was, but for a little. */
bool slo_is_covered(const struct slo_input *in, const struct slo_budget *b);
/* How long a time the budget is of: at 1x it is spent in just so long. */
double slo_budget_ns(const struct slo_input *in, const struct slo_budget *b);

/* --- an objective while it is worked out ------------------------------------------------------------------------ */

/* Counts come out of increase() a little off whole numbers. */
#define SLO_COUNT_SLACK 1e-6

enum { SLO_NOTES_MAX = 8 };

struct slo_standing {
	const struct slo_input *in;
	const struct slo_def *def;
	struct arena *mem;
	struct slo *slo;
	struct slo_budget budget;
	struct slo_oddity odd;
	bool is_good_nowhere;		/* see slo_good_is_nowhere() */
	struct slo_burn *burns;
	bool *is_unjudged;		/* of each burn: there is data, but nothing that counts */
	struct slo_rule_state *rules;
	const char *notes[SLO_NOTES_MAX];
	size_t n_notes;
};

const struct slo_burn *slo_burn_find(const struct slo_standing *st, int64_t window_ns);	/* NULL: not asked */
const struct slo_rule *slo_rule_firing(const struct slo_standing *st);			/* the worst; NULL: none */
/* Of the corrections that cover the time the one that does so longest; NULL: none does. */
const struct slo_correction *slo_correction_now(const struct slo_standing *st);
/* The one that ended last; NULL: none has. */
const struct slo_correction *slo_correction_ended(const struct slo_standing *st);
/* Fill in when nothing is left, and what will be left, at the burn rate that is told. */
void slo_look_ahead(struct slo_standing *st);
/* Fill in why and the notes, when all else is there. */
void slo_say(struct slo_standing *st);

/* Rounded; what does not fit becomes INT64_MAX or -INT64_MAX, NaN 0. */
int64_t slo_ns_of(double ns);

#endif
