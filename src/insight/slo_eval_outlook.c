/*
 * Error budgets: when nothing will be left, and what will be.
 *
 * Both rest on one burn rate and on one course of what is left, so that they cannot contradict each
 * other. The Workbook, ch. 5: at burn rate B the budget lasts period / B, and what is left of it so
 * much less. Traffic is taken to be even, as it is there; all is reckoned in time: a bad event is as
 * long as the time whose budget it spends.
 */
#include "config.h"

#include <math.h>

#include "base/clock.h"
#include "insight/slo_eval_priv.h"

#define NS_PER_DAY (24 * NS_PER_HOUR)

/* What is left of the budget's time, of all of it, when it comes to nothing but for rounding. */
#define NOTHING 1e-9

enum { PROJECTED_PART = 30 };

/* --- a rolling window moves on ---------------------------------------------------------------------------------- */

struct course {
	const struct slo_standing *st;
	double counted_ns;		/* the time in the window that counts */
	double spent_ns;		/* of that, whose budget is spent */
	double spent_by_bad_ns;		/* by each bad event */
	int64_t ahead_ns;		/* so far from now */
	double gone_ns;			/* when nothing was left first; INFINITY */
};

static void
course_begin(struct course *c, const struct slo_standing *st)
{
	const struct slo_budget *b = &st->budget;

	*c = (struct course){ .st = st, .counted_ns = b->counted_ns, .gone_ns = INFINITY };
	if (b->allowed > 0)
		c->spent_by_bad_ns = b->counted_ns / b->allowed;
	c->spent_ns = b->count.bad * c->spent_by_bad_ns;
}

static double
course_left(const struct course *c)
{
	return c->counted_ns > 0 ? 1 - c->spent_ns / c->counted_ns : 1;
}

/* So much further, while so much time and so much of what was spent drops out at the old end. */
static void
course_step(struct course *c, double ns, double counted_out_ns, double spent_out_ns)
{
	double before = c->counted_ns - c->spent_ns, after;

	c->counted_ns = fmax(c->counted_ns - counted_out_ns, 0) + ns;
	c->spent_ns = fmax(c->spent_ns - spent_out_ns, 0) + ns * c->st->slo->burn;
	after = c->counted_ns - c->spent_ns;
	/* Between two edges of pieces it goes evenly. */
	if (isinf(c->gone_ns) && after <= NOTHING * c->counted_ns)
		c->gone_ns = (double)c->ahead_ns + ns * (before > after ? fmin(before / (before - after), 1) : 1);
	c->ahead_ns += (int64_t)ns;
}

/* What of a piece counts, from start to its end. */
static void
piece_left(const struct slo_standing *st, int64_t start_ns, int64_t end_ns, struct slo_stretch *ret)
{
	struct slo_count excluded;
	double out_ns = slo_excluded_ns(st->in, start_ns, end_ns);

	slo_stretch_sum(st->in, start_ns, end_ns, ret, NULL);
	ret->covered_ns = fmax(ret->covered_ns - out_ns, 0);
	if (ret->covered_ns <= 0) {
		ret->count = (struct slo_count){ 0, 0 };
	} else if (out_ns > 0) {
		(void)slo_excluded(st->in, st->budget.start_ns, start_ns, end_ns, &excluded);
		slo_count_subtract(&ret->count, &excluded);
	}
}

/* The next edge of a piece after t, at most until. */
static int64_t
next_edge(const struct slo_input *in, size_t *i, int64_t t, int64_t until_ns)
{
	size_t n = slo_n_pieces(in);

	for (; *i < n; (*i)++) {
		int64_t a, b;

		(void)slo_piece(in, *i, &a, &b);
		if (a > t)
			return a < until_ns ? a : until_ns;
		if (b > t)
			return b < until_ns ? b : until_ns;
	}
	return until_ns;
}

static void
course_run(struct course *c, int64_t ahead_ns)
{
	const struct slo_standing *st = c->st;
	int64_t start_ns = st->budget.start_ns, t = start_ns;
	struct slo_stretch out;
	size_t i = 0;

	while (t < start_ns + ahead_ns) {
		int64_t next_ns = next_edge(st->in, &i, t, start_ns + ahead_ns);

		piece_left(st, t, next_ns, &out);
		course_step(c, (double)(next_ns - t), out.covered_ns, out.count.bad * c->spent_by_bad_ns);
		t = next_ns;
	}
}

/* After a whole period what was spent until now no longer counts: who lasts that long lasts for ever. */
static void
look_rolling(const struct slo_standing *st, int64_t ahead_ns)
{
	struct slo *s = st->slo;
	struct course c;

	course_begin(&c, st);
	course_run(&c, ahead_ns);
	s->projected = course_left(&c);
	if (s->left <= 0 || !(s->burn > 0))
		return;
	course_begin(&c, st);
	course_run(&c, st->def->period_ns);
	if (!isinf(c.gone_ns))
		s->exhaustion_ns = slo_ns_of(fmax(c.gone_ns, 1));
}

/* --- a calendar window ends ------------------------------------------------------------------------------------- */

/* At its end there is a new budget. */
static void
look_calendar(const struct slo_standing *st, int64_t ahead_ns)
{
	double whole_ns = slo_budget_ns(st->in, &st->budget), gone_ns;
	struct slo *s = st->slo;

	s->projected = whole_ns > 0 ? s->left - s->burn * (double)ahead_ns / whole_ns : s->left;
	if (s->left <= 0 || !(s->burn > 0))
		return;
	gone_ns = s->left * whole_ns / s->burn;
	/* To the nanosecond at its end is still within it: 1x lasts just so long. */
	if (gone_ns <= (double)ahead_ns + 1)
		s->exhaustion_ns = slo_ns_of(fmax(gone_ns, 1));
}

/* --- either ----------------------------------------------------------------------------------------------------- */

void
slo_look_ahead(struct slo_standing *st)
{
	bool is_calendar = slo_is_calendar(st->def) && st->budget.is_window;
	int64_t ahead_ns = st->def->period_ns / PROJECTED_PART;
	struct slo *s = st->slo;

	if (ahead_ns > NS_PER_DAY)
		ahead_ns = NS_PER_DAY;
	if (is_calendar)
		ahead_ns = st->budget.end_ns - st->in->at_ns;
	s->projected_ns = st->in->at_ns + ahead_ns;
	s->projected = NAN;
	s->exhaustion_ns = s->left <= 0 ? 0 : INT64_MAX;
	if (isnan(s->left) || isnan(s->burn))
		return;
	if (is_calendar)
		look_calendar(st, ahead_ns);
	else
		look_rolling(st, ahead_ns);
	/* What comes back after all was gone does not undo that it was. */
	if (s->exhaustion_ns > 0 && s->exhaustion_ns <= ahead_ns)
		s->projected = fmin(s->projected, 0);
}
