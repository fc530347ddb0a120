/* Error budgets: from sums to counts, and the budget of the window. */
#include "config.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "insight/slo_eval_priv.h"

/*
 * increase() extrapolates each series by itself, so that good and total of a short time may differ
 * by a little though they belong together: only what is above the total by more than this share,
 * and by a whole event, is called odd.
 */
#define EXCESS_SLACK 0.005
#define LEFT_NOTHING 1e-12
/* A rolling window of which less than this has data has a budget of less. */
#define COVERED_ENOUGH 0.95

int64_t
slo_ns_of(double ns)
{
	if (isnan(ns))
		return 0;
	if (ns >= (double)INT64_MAX)
		return INT64_MAX;
	if (ns <= -(double)INT64_MAX)
		return -INT64_MAX;
	return llrint(ns);
}

bool
slo_is_calendar(const struct slo_def *def)
{
	return def->n_bounds > 0;
}

/* --- one sum ---------------------------------------------------------------------------------------------------- */

bool
slo_count_of(const struct slo_input *in, const struct slo_sum *sum, double weight_ns, struct slo_count *ret,
    struct slo_oddity *odd)
{
	bool is_missing = !isfinite(sum->first);
	/* A difference of counters (all less those in time) may come out a little below zero. */
	double first = is_missing ? 0 : fmax(sum->first, 0), total = fmax(sum->total, 0);

	if (!isfinite(sum->total))
		return false;
	if (odd != NULL && total > 0) {
		odd->events_ns += weight_ns;
		if (is_missing)
			odd->missing_ns += weight_ns;
	}
	if (odd != NULL && first > total * (1 + EXCESS_SLACK) && first - total >= 1 - SLO_COUNT_SLACK)
		odd->excess = fmax(odd->excess, total > 0 ? first / total - 1 : INFINITY);
	first = fmin(first, total);
	ret->bad = in->is_good ? total - first : first;
	ret->total = total;
	return true;
}

void
slo_count_subtract(struct slo_count *count, const struct slo_count *less)
{
	count->total = fmax(count->total - less->total, 0);
	count->bad = fmin(fmax(count->bad - less->bad, 0), count->total);
}

/* --- tiles and head --------------------------------------------------------------------------------------------- */

static bool
has_head(const struct slo_input *in)
{
	/* Without a tile and without their end nothing has been read. */
	return in->at_ns > in->tiles_end_ns && (in->n_tiles > 0 || in->tiles_end_ns != 0);
}

size_t
slo_n_pieces(const struct slo_input *in)
{
	return in->n_tiles + has_head(in);
}

const struct slo_sum *
slo_piece(const struct slo_input *in, size_t i, int64_t *ret_start_ns, int64_t *ret_end_ns)
{
	if (i == in->n_tiles) {
		*ret_start_ns = in->tiles_end_ns;
		*ret_end_ns = in->at_ns;
		return &in->head;
	}
	*ret_start_ns = in->tiles_end_ns - (int64_t)(in->n_tiles - i) * in->step_ns;
	*ret_end_ns = *ret_start_ns + in->step_ns;
	return &in->tiles[i];
}

/* The first piece that ends after start. */
static size_t
first_piece(const struct slo_input *in, int64_t start_ns)
{
	int64_t begin_ns = in->tiles_end_ns - (int64_t)in->n_tiles * in->step_ns;

	if (in->n_tiles == 0 || start_ns <= begin_ns)
		return 0;
	if (start_ns >= in->tiles_end_ns)
		return in->n_tiles;
	return (size_t)((start_ns - begin_ns) / in->step_ns);
}

static void
stretch_add(const struct slo_input *in, size_t i, int64_t start_ns, int64_t end_ns, struct slo_stretch *stretch,
    struct slo_oddity *odd)
{
	struct slo_count count;
	int64_t a, b;
	const struct slo_sum *sum = slo_piece(in, i, &a, &b);
	double length = (double)(b - a), part;

	part = (double)((b < end_ns ? b : end_ns) - (a > start_ns ? a : start_ns)) / length;
	if (part <= 0 || !slo_count_of(in, sum, part * length, &count, odd))
		return;
	stretch->count.bad += part * count.bad;
	stretch->count.total += part * count.total;
	stretch->covered_ns += part * length;
	stretch->data_end_ns = b < end_ns ? b : end_ns;
}

void
slo_stretch_sum(const struct slo_input *in, int64_t start_ns, int64_t end_ns, struct slo_stretch *ret,
    struct slo_oddity *odd)
{
	size_t n = slo_n_pieces(in);

	memset(ret, 0, sizeof *ret);
	for (size_t i = first_piece(in, start_ns); i < n; i++) {
		int64_t a, b;

		(void)slo_piece(in, i, &a, &b);
		if (a >= end_ns)
			break;
		stretch_add(in, i, start_ns, end_ns, ret, odd);
	}
}

/* --- corrections ------------------------------------------------------------------------------------------------ */

struct span {
	int64_t start_ns, end_ns;
};

static struct span
span_cut(int64_t start_ns, int64_t end_ns, int64_t from_ns, int64_t to_ns)
{
	return (struct span){ start_ns > from_ns ? start_ns : from_ns, end_ns < to_ns ? end_ns : to_ns };
}

static double
share_of(double part, double whole, double otherwise)
{
	return whole > 0 ? fmin(part / whole, 1) : otherwise;
}

/*
 * What a correction, whose sum is over all of whole, takes out of part, which lies in it. The tiles
 * say how the sum is spread over the time.
 */
static void
excluded_part(const struct slo_input *in, size_t i, struct span whole, struct span part, struct slo_count *ret)
{
	struct slo_stretch of_part, of_whole;
	struct slo_count count;
	double by_time = (double)(part.end_ns - part.start_ns) / (double)(whole.end_ns - whole.start_ns);

	slo_stretch_sum(in, part.start_ns, part.end_ns, &of_part, NULL);
	if (in->excluded == NULL || !slo_count_of(in, &in->excluded[i], 0, &count, NULL)) {
		*ret = of_part.count;
		return;
	}
	if (by_time >= 1) {
		*ret = count;
		return;
	}
	slo_stretch_sum(in, whole.start_ns, whole.end_ns, &of_whole, NULL);
	ret->bad = count.bad * share_of(of_part.count.bad, of_whole.count.bad, by_time);
	ret->total = count.total * share_of(of_part.count.total, of_whole.count.total, by_time);
}

static void
count_add(struct slo_count *count, const struct slo_count *more)
{
	count->bad += more->bad;
	count->total += more->total;
}

/* What correction i takes out of span, all of which it covers. */
static void
excluded_span(const struct slo_input *in, size_t i, int64_t window_start_ns, struct span span, struct slo_count *ret)
{
	const struct slo_correction *c = &in->def->corrections[i];
	struct span before = span_cut(span.start_ns, span.end_ns, INT64_MIN, window_start_ns);
	struct span within = span_cut(span.start_ns, span.end_ns, window_start_ns, in->at_ns);
	struct slo_stretch stretch;
	struct slo_count count;

	/* A burn window may reach back over the start of a calendar window, where the correction's own sum does not. */
	if (before.end_ns > before.start_ns) {
		slo_stretch_sum(in, before.start_ns, before.end_ns, &stretch, NULL);
		count_add(ret, &stretch.count);
	}
	if (within.end_ns > within.start_ns) {
		excluded_part(in, i, span_cut(c->start_ns, c->end_ns, window_start_ns, in->at_ns), within, &count);
		count_add(ret, &count);
	}
}

/* The next span that corrections take out of (*done_ns, end_ns], each moment once. false: there is none. */
static bool
next_span(const struct slo_input *in, size_t *i, int64_t *done_ns, int64_t end_ns, struct span *ret)
{
	while (*i < in->def->n_corrections) {
		const struct slo_correction *c = &in->def->corrections[(*i)++];

		*ret = span_cut(c->start_ns, c->end_ns, *done_ns, end_ns);
		if (ret->end_ns > ret->start_ns) {
			*done_ns = ret->end_ns;
			return true;
		}
	}
	return false;
}

double
slo_excluded(const struct slo_input *in, int64_t window_start_ns, int64_t start_ns, int64_t end_ns,
    struct slo_count *ret)
{
	double length = 0;
	struct span span;
	size_t i = 0;

	*ret = (struct slo_count){ 0, 0 };
	while (next_span(in, &i, &start_ns, end_ns, &span)) {
		length += (double)(span.end_ns - span.start_ns);
		excluded_span(in, i - 1, window_start_ns, span, ret);
	}
	return length;
}

double
slo_excluded_ns(const struct slo_input *in, int64_t start_ns, int64_t end_ns)
{
	double length = 0;
	struct span span;
	size_t i = 0;

	while (next_span(in, &i, &start_ns, end_ns, &span))
		length += (double)(span.end_ns - span.start_ns);
	return length;
}

/* How much of the time has data that corrections take out. */
static double
excluded_data(const struct slo_input *in, int64_t start_ns, int64_t end_ns)
{
	struct slo_stretch stretch;
	double length = 0;
	struct span span;
	size_t i = 0;

	while (next_span(in, &i, &start_ns, end_ns, &span)) {
		slo_stretch_sum(in, span.start_ns, span.end_ns, &stretch, NULL);
		length += stretch.covered_ns;
	}
	return length;
}

/* --- what corrections leave ------------------------------------------------------------------------------------- */

/* Whole pieces of which nothing is taken out. */
static double
pieces_apart(const struct slo_input *in, int64_t start_ns, int64_t end_ns, struct slo_count *ret)
{
	size_t n = slo_n_pieces(in);
	struct slo_count count;
	double length = 0;

	*ret = (struct slo_count){ 0, 0 };
	for (size_t i = first_piece(in, start_ns); i < n; i++) {
		int64_t a, b;
		const struct slo_sum *sum = slo_piece(in, i, &a, &b);

		if (a < start_ns || b > end_ns || slo_excluded_ns(in, a, b) > 0 || !slo_count_of(in, sum, 0, &count, NULL))
			continue;
		count_add(ret, &count);
		length += (double)(b - a);
	}
	return length;
}

/* The longest shorter window of which nothing is taken out. */
static double
window_apart(const struct slo_input *in, int64_t window_ns, struct slo_count *ret)
{
	struct slo_count count;
	double length = 0;

	for (size_t i = 0; i < in->n_windows; i++) {
		const struct slo_window_sum *w = &in->windows[i];

		if (w->window_ns >= window_ns || (double)w->window_ns <= length)
			continue;
		if (slo_excluded_ns(in, w->at_ns - w->window_ns, w->at_ns) > 0 || !slo_count_of(in, &w->sum, 0, &count, NULL))
			continue;
		*ret = count;
		length = (double)w->window_ns;
	}
	return length;
}

double
slo_counted_apart(const struct slo_input *in, int64_t start_ns, int64_t end_ns, struct slo_count *ret)
{
	struct slo_count of_pieces;
	double window_ns = window_apart(in, end_ns - start_ns, ret);
	double pieces_ns = pieces_apart(in, start_ns, end_ns, &of_pieces);

	/* Less than the least window that can be asked over says nothing yet. */
	if (pieces_ns <= window_ns || pieces_ns < (double)in->def->resolution_ns)
		return window_ns;
	*ret = of_pieces;
	return pieces_ns;
}

/* --- good that is nowhere --------------------------------------------------------------------------------------- */

struct sighting {
	bool of_first, of_events;
};

static void
look_at(struct sighting *seen, const struct slo_sum *sum)
{
	seen->of_first |= isfinite(sum->first) != 0;
	seen->of_events |= isfinite(sum->total) && sum->total > 0;
}

bool
slo_good_is_nowhere(const struct slo_input *in)
{
	struct sighting seen = { false, false };
	size_t n = slo_n_pieces(in);
	int64_t a, b;

	if (!in->is_good)
		return false;
	for (size_t i = 0; i < n && !seen.of_first; i++)
		look_at(&seen, slo_piece(in, i, &a, &b));
	for (size_t i = 0; i < in->n_windows && !seen.of_first; i++)
		look_at(&seen, &in->windows[i].sum);
	return seen.of_events && !seen.of_first;
}

/* --- the budget ------------------------------------------------------------------------------------------------- */

/*
 * How many events, slices or samples the budget is a share of. In a rolling window those there
 * were; in a calendar window those of all of it: of slices it is known how many there will be (OpenSLO v1,
 * "Timeslices": good slices to all slices in the budgeting period), of events and samples as many are
 * expected as came so far in as much time. Of those so far alone, ten minutes of outage on the first day would
 * leave nothing for days, though the month may have many more of them.
 */
static double
budget_base(const struct slo_def *def, const struct slo_budget *b)
{
	double whole_ns = fmax((double)(b->end_ns - b->start_ns) - b->excluded_ns, 0);

	if (!slo_is_calendar(def))
		return b->count.total;
	if (def->method != SLO_OCCURRENCES && def->slice_ns > 0)
		return whole_ns / (double)def->slice_ns;
	return b->counted_ns > 0 && whole_ns > b->counted_ns ? b->count.total * whole_ns / b->counted_ns : b->count.total;
}

double
slo_left_of(const struct slo_budget *b, double bad)
{
	/* No traffic spends nothing. */
	double left = b->allowed > 0 ? 1 - bad / b->allowed : 1;

	/*
	 * One bad event of the one that is allowed leaves nothing, though 1 - 0.999 is not 0.001 in
	 * binary.
	 */
	return fabs(left) < LEFT_NOTHING ? 0 : left;
}

bool
slo_is_covered(const struct slo_input *in, const struct slo_budget *b)
{
	/* The newest of it may be too young to show. */
	double known = b->counted_ns + b->excluded_ns + (double)in->step_ns;

	return known >= COVERED_ENOUGH * (double)(in->at_ns - b->start_ns);
}

/*
 * A rolling window of which there is less data has a budget of what there is: what the same
 * expressions over the whole window come to in PromQL, and so what Sloth and Pyrra show.
 */
double
slo_budget_ns(const struct slo_input *in, const struct slo_budget *b)
{
	double whole_ns = fmax((double)(b->end_ns - b->start_ns) - b->excluded_ns, 0);

	return slo_is_calendar(in->def) || slo_is_covered(in, b) ? whole_ns : b->counted_ns;
}

/* A calendar window that has just begun has nothing to show yet, which is not the same as missing data. */
static bool
has_just_begun(const struct slo_input *in, const struct slo_budget *b)
{
	return slo_is_calendar(in->def) && in->at_ns - b->start_ns < in->step_ns;
}

void
slo_budget_of(const struct slo_input *in, struct slo_budget *ret, struct slo_oddity *odd)
{
	struct slo_stretch stretch;
	struct slo_count excluded;

	memset(ret, 0, sizeof *ret);
	ret->left = NAN;
	ret->is_window = slo_window_at(in->def, in->at_ns, &ret->start_ns, &ret->end_ns);
	ret->is_read = in->n_tiles > 0 || (in->tiles_end_ns != 0 && in->tiles_end_ns <= ret->start_ns);
	if (!ret->is_window || !ret->is_read)
		return;
	slo_stretch_sum(in, ret->start_ns, in->at_ns, &stretch, odd);
	ret->count = stretch.count;
	ret->covered_ns = stretch.covered_ns;
	ret->data_end_ns = stretch.data_end_ns;
	ret->excluded_ns = slo_excluded(in, ret->start_ns, ret->start_ns, in->at_ns, &excluded);
	ret->counted_ns = fmax(ret->covered_ns - excluded_data(in, ret->start_ns, in->at_ns), 0);
	slo_count_subtract(&ret->count, &excluded);
	ret->allowed = (1 - in->def->target) * budget_base(in->def, ret);
	if ((ret->covered_ns > 0 || has_just_begun(in, ret)) && !slo_good_is_nowhere(in))
		ret->left = slo_left_of(ret, ret->count.bad);
}
