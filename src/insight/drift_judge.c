/* Two sides of a definition: scores, floors and p-values. */
#include "config.h"

#include "insight/drift_judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "insight/drift.h"
#include "insight/drift_judge_priv.h"

/* --- sides ------------------------------------------------------------------------------------ */

void
drift_side_init(struct drift_side *s)
{
	*s = (struct drift_side){
		.dof = INFINITY, .missing = NAN, .mean = NAN, .stddev = NAN, .q50 = NAN, .q95 = NAN
	};
}

void
drift_side_note(struct drift_side *s, const char *note)
{
	for (size_t i = 0; i < s->n_notes; i++)
		if (strcmp(s->notes[i], note) == 0)
			return;
	if (s->n_notes < DRIFT_NOTES_MAX)
		s->notes[s->n_notes++] = note;
}

static void *
copy(struct arena *mem, const void *v, size_t size)
{
	return v == NULL ? NULL : memcpy(arena_alloc(mem, size), v, size);
}

void
drift_side_copy(struct drift_side *to, const struct drift_side *from, struct arena *mem)
{
	const char **values = NULL;

	*to = *from;
	to->edges = copy(mem, from->edges, (from->n_cells + 1) * sizeof *from->edges);
	to->counts = copy(mem, from->counts, from->n_cells * sizeof *from->counts);
	if (from->values != NULL) {
		values = arena_alloc(mem, from->n_cells * sizeof *values + 1);
		for (size_t i = 0; i < from->n_cells; i++)
			values[i] = arena_strdup(mem, from->values[i]);
	}
	to->values = values;
	for (size_t i = 0; i < from->n_notes; i++)
		to->notes[i] = arena_strdup(mem, from->notes[i]);
}

/* --- scores ----------------------------------------------------------------------------------- */

struct sheet {			/* scores of one, as they come */
	struct drift_judged *j;
	struct drift_score *v;
	size_t n;
};

static void
score(struct sheet *s, enum drift_measure measure, double value, double floor)
{
	if (isnan(value))
		return;
	s->v[s->n++] = (struct drift_score){
		.measure = measure, .value = value, .floor = floor, .is_bound = measure == DRIFT_KS
	};
}

/*
 * The parts of the sum; scaled, for drift_psi() may have joined rare cells, so that they add up to
 * what it says.
 */
static void
fill_parts(struct drift_cell *v, size_t n, double n_then, double n_now, double psi)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double half = v[i].then > 0 && v[i].now > 0 ? 0 : 0.5;
		double p = (v[i].now + half) / n_now, q = (v[i].then + half) / n_then;

		v[i].part = v[i].then > 0 || v[i].now > 0 ? (p - q) * log(p / q) : 0;
		sum += v[i].part;
	}
	for (size_t i = 0; i < n && sum > 0; i++)
		v[i].part *= psi / sum;
}

static int
by_part(const void *a, const void *b)
{
	const struct drift_cell *x = a, *y = b;

	return (x->part < y->part) - (x->part > y->part);
}

static void
keep_cells(struct drift_judged *j, const struct drift_pairs *c, double psi, struct arena *mem)
{
	struct drift_cell *v = arena_alloc(mem, (c->n + 1) * sizeof *v);

	for (size_t i = 0; i < c->n; i++)
		v[i] = (struct drift_cell){ .lo = c->edges == NULL ? NAN : c->edges[i],
			.hi = c->edges == NULL ? NAN : c->edges[i + 1],
			.value = c->values == NULL ? NULL : arena_strdup(mem, c->values[i]),
			.then = c->then[i],
			.now = c->now[i] };
	fill_parts(v, c->n, j->d.n_then, j->d.n_now, psi);
	if (c->edges == NULL && c->n > 0)
		qsort(v, c->n, sizeof *v, by_part);
	j->d.n_cells = c->n;
	j->d.cells = v;
}

static void
score_distance(struct sheet *s, const struct drift_pairs *c, double confidence)
{
	struct drift_judged *j = s->j;
	double df, p, psi = drift_psi(c->then, c->now, c->n), n_then = j->d.n_then, n_now = j->d.n_now,
		      chi2 = drift_chi2(c->then, c->now, c->n, c->edges != NULL, &df, &p);
	size_t used = drift_cells(c->then, c->now, c->n);

	j->score = psi;
	/* All that counts in one cell, and the same on both sides: not even noise can move that. */
	j->floor = used < 2 ? 0 : drift_psi_floor(used, n_then, n_now, confidence);
	j->effect = psi;
	j->d.p = p;
	score(s, DRIFT_PSI, psi, used < 2 ? NAN : j->floor);
	score(s, DRIFT_JS, drift_js(c->then, c->now, c->n),
	    used < 2 ? NAN : drift_js_floor(used, n_then, n_now, confidence));
	score(s, DRIFT_CHI2, df > 0 ? chi2 : NAN, df > 0 ? drift_chi2_quantile(confidence, df) : NAN);
}

static double
in_stddevs(double now, double then, double stddev)
{
	return stddev > 0 ? (now - then) / stddev : NAN;
}

/* Of where values lie on the axis. */
static void
score_place(struct sheet *s, const struct drift_pairs *c, double confidence)
{
	struct drift_hist then = { c->n, c->edges, c->then }, now = { c->n, c->edges, c->now };
	double stddev = drift_stddev(&then), n_then = s->j->d.n_then, n_now = s->j->d.n_now,
	       shift = in_stddevs(drift_mean(&now), drift_mean(&then), stddev);

	score(s, DRIFT_KS, drift_ks(c->then, c->now, c->n), drift_ks_floor(n_then, n_now, confidence));
	score(s, DRIFT_WASSERSTEIN,
	    stddev > 0 ? drift_wasserstein(&then, &now) / stddev : NAN, NAN);
	score(s, DRIFT_MEAN, shift, drift_mean_floor(n_then, n_now, confidence));
	score(s, DRIFT_Q50,
	    in_stddevs(drift_quantile(&now, 0.5), drift_quantile(&then, 0.5), stddev), NAN);
	score(s, DRIFT_Q95,
	    in_stddevs(drift_quantile(&now, 0.95), drift_quantile(&then, 0.95), stddev), NAN);
}

/*
 * Means with their standard errors, as Welch (1947) has them, degrees of freedom too: how many values a
 * side is worth is itself known from few parts of it, and the tails of t are what that costs.
 */
static void
score_summary(struct sheet *s, const struct drift_side *now, const struct drift_side *then,
    double confidence)
{
	struct drift_judged *j = s->j;
	double shift = in_stddevs(now->mean, then->mean, then->stddev),
	       se2_then = then->stddev * then->stddev / then->n_effective,
	       se2_now = now->stddev * now->stddev / now->n_effective, se2 = se2_then + se2_now,
	       df = se2 * se2 / (se2_then * se2_then / then->dof + se2_now * se2_now / now->dof);

	j->score = shift;
	j->floor = drift_t_quantile(confidence, df) * sqrt(se2) / then->stddev;
	j->effect = shift * shift;
	j->d.p = se2 > 0 ? drift_t_p((now->mean - then->mean) / sqrt(se2), df) : NAN;
	score(s, DRIFT_MEAN, shift, j->floor);
	score(s, DRIFT_Q50, in_stddevs(now->q50, then->q50, then->stddev), NAN);
	score(s, DRIFT_Q95, in_stddevs(now->q95, then->q95, then->stddev), NAN);
}

/* There and not there. */
static void
score_missing(struct sheet *s, double confidence)
{
	struct drift_judged *j = s->j;
	double m_then = j->d.missing_then, m_now = j->d.missing_now, rows_then, rows_now, pooled, df;

	if (isnan(m_then) || isnan(m_now) || m_then >= 1 || m_now > 1)
		return;
	rows_then = j->d.n_then / (1 - m_then);
	/* Where all is missing, nobody counts how much that is. */
	rows_now = m_now < 1 ? j->d.n_now / (1 - m_now) : j->d.n_now;
	if (!(rows_then >= j->def->min_n && rows_now >= j->def->min_n))
		return;
	{
		double then[2] = { m_then * rows_then, (1 - m_then) * rows_then },
		       now[2] = { m_now * rows_now, (1 - m_now) * rows_now };

		drift_chi2(then, now, 2, false, &df, &j->p_missing);
		j->missing_effect = drift_psi(then, now, 2);
		pooled = (then[0] + now[0]) / (rows_then + rows_now);
	}
	j->missing_floor = drift_mean_floor(rows_then, rows_now, confidence) *
	    sqrt(pooled * (1 - pooled));
	score(s, DRIFT_MISSING, m_now - m_then, j->missing_floor);
}

/* --- what moved, in words --------------------------------------------------------------------- */

static void
say_place(struct drift_judged *j)
{
	const struct drift_score *mean = drift_score_find(&j->d, DRIFT_MEAN);

	if (mean == NULL || isnan(mean->floor) || fabs(mean->value) <= mean->floor)
		snprintf(j->direction, sizeof j->direction, "spread differently");
	else
		snprintf(j->direction, sizeof j->direction, mean->value > 0 ? "higher" : "lower");
}

static void
say_category(struct drift_judged *j)
{
	char now[NUM_TEXT_MAX], then[NUM_TEXT_MAX], value[64];
	const struct drift_cell *c = j->d.cells;

	if (j->d.n_cells == 0)
		return;
	snprintf(j->direction, sizeof j->direction, "\"%s\" is %s, was %s",
	    str_escape_to(value, sizeof value, c->value),
	    num_format(now, c->now / j->d.n_now, "ratio"),
	    num_format(then, c->then / j->d.n_then, "ratio"));
}

/* --- one definition --------------------------------------------------------------------------- */

static void
keep_notes(struct drift_judged *j, const struct drift_side *now, const struct drift_side *then,
    const char *own, struct arena *mem)
{
	const char **v = arena_alloc(mem, (2 * DRIFT_NOTES_MAX + 1) * sizeof *v);
	size_t n = 0;

	if (own != NULL)
		v[n++] = own;
	for (size_t i = 0; i < now->n_notes; i++)
		v[n++] = arena_strdup(mem, now->notes[i]);
	for (size_t i = 0; i < then->n_notes; i++) {
		size_t k = 0;

		while (k < n && strcmp(v[k], then->notes[i]) != 0)
			k++;
		if (k == n)
			v[n++] = arena_strdup(mem, then->notes[i]);
	}
	j->d.notes = (struct strings){ n, v };
}

static void
init(struct drift_judged *j, const struct drift_def *def)
{
	*j = (struct drift_judged){ .def = def,
		.score = NAN,
		.floor = NAN,
		.effect = NAN,
		.missing_floor = NAN,
		.p_missing = NAN,
		.q_missing = NAN };
	j->d = (struct drift){ .id = def->id,
		.state = DRIFT_UNKNOWN,
		.why = "",
		.against = "",
		.missing_then = NAN,
		.missing_now = NAN,
		.p = NAN,
		.q = NAN };
}

void
drift_judge_unseen(struct drift_judged *ret, const struct drift_def *def, const char *reason)
{
	init(ret, def);
	ret->reason = reason;
}

static bool
is_enough(const struct drift_judged *j)
{
	return j->d.n_then >= j->def->min_n && j->d.n_now >= j->def->min_n;
}

static bool
can_compare_means(const struct drift_side *a, const struct drift_side *b)
{
	return !isnan(a->mean) && !isnan(b->mean) && a->stddev >= 0 && b->stddev > 0;
}

static const char *
judge_pairs(struct sheet *s, const struct drift_pairs *c, double confidence, struct arena *mem)
{
	struct drift_judged *j = s->j;

	/* What is beyond the edges on one side only does not count twice. */
	if (is_enough(j)) {
		score_distance(s, c, confidence);
		if (c->edges != NULL)
			score_place(s, c, confidence);
	}
	keep_cells(j, c, isnan(j->score) ? 0 : j->score, mem);
	j->d.n_new = c->n_new;
	j->d.new_categories = c->new_values;
	return c->note;
}

void
drift_judge(struct drift_judged *ret, const struct drift_def *def, const struct drift_side *now,
    const struct drift_side *then, double confidence, struct arena *mem)
{
	struct drift_pairs c = { 0 };
	struct sheet s = { .j = ret };
	const char *note = NULL;
	bool is_summary = now->shape == SHAPE_SUMMARY || then->shape == SHAPE_SUMMARY;

	init(ret, def);
	s.v = arena_alloc(mem, DRIFT_MEASURES * sizeof *s.v);
	ret->d.n_then = then->n;
	ret->d.n_now = now->n;
	ret->d.missing_then = then->missing;
	ret->d.missing_now = now->missing;
	if (!is_summary)
		ret->reason = drift_pairs_make(&c, now, then, mem);
	if ((is_summary || ret->reason != NULL) && can_compare_means(now, then)) {
		note = ret->reason == NULL ? NULL : "bounds have nothing in common: only means are compared";
		ret->reason = NULL;
		is_summary = true;
		if (is_enough(ret))
			score_summary(&s, now, then, confidence);
	} else if (is_summary && is_enough(ret)) {
		ret->reason = then->stddev == 0 ?
		    "the reference never varies: a shift has no measure" :
		    "one side has only a mean, and the other has none";
	} else if (ret->reason == NULL && !is_summary) {
		note = judge_pairs(&s, &c, confidence, mem);
	}
	/* However few are left: the more are missing, the fewer. */
	score_missing(&s, confidence);
	ret->d.n_scores = s.n;
	ret->d.scores = s.v;
	keep_notes(ret, now, then, note, mem);
	if (c.values != NULL)
		say_category(ret);
	else
		say_place(ret);
}
