/* Error budgets: windows, tiles, and how soon a rule fires. */
#include "config.h"

#include <math.h>

#include "base/clock.h"
#include "insight/slo_eval_priv.h"

#define NS_PER_DAY (24 * NS_PER_HOUR)

/*
 * Tiles of a window, about; how much wider or narrower a tile of a round length may be, and how
 * much before it is better not to divide the period.
 */
enum { TILES = 720, TILE_ROUND_MAX = 2, TILE_OFF_MAX = 4 };

static const int64_t usual_windows[] = {
	5 * NS_PER_MIN, 30 * NS_PER_MIN, NS_PER_HOUR, 2 * NS_PER_HOUR, 6 * NS_PER_HOUR, NS_PER_DAY, 3 * NS_PER_DAY,
};
static const int64_t round_times[] = {
	100 * NS_PER_MS, 200 * NS_PER_MS, 500 * NS_PER_MS,
	NS_PER_S, 2 * NS_PER_S, 5 * NS_PER_S, 10 * NS_PER_S, 15 * NS_PER_S, 20 * NS_PER_S, 30 * NS_PER_S,
	NS_PER_MIN, 2 * NS_PER_MIN, 5 * NS_PER_MIN, 10 * NS_PER_MIN, 15 * NS_PER_MIN, 20 * NS_PER_MIN, 30 * NS_PER_MIN,
	NS_PER_HOUR, 2 * NS_PER_HOUR, 3 * NS_PER_HOUR, 4 * NS_PER_HOUR, 6 * NS_PER_HOUR, 8 * NS_PER_HOUR,
	12 * NS_PER_HOUR,
	NS_PER_DAY, 2 * NS_PER_DAY, 7 * NS_PER_DAY,
};
#define N_OF(v) (sizeof(v) / sizeof *(v))

bool
slo_window_at(const struct slo_def *def, int64_t at_ns, int64_t *ret_start_ns, int64_t *ret_end_ns)
{
	size_t lo = 0, hi = def->n_bounds;

	if (!slo_is_calendar(def)) {
		*ret_start_ns = at_ns - def->period_ns;
		*ret_end_ns = at_ns;
		return true;
	}
	if (at_ns < def->bounds[0] || at_ns >= def->bounds[hi - 1])
		return false;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (def->bounds[mid] <= at_ns)
			lo = mid;
		else
			hi = mid;
	}
	*ret_start_ns = def->bounds[lo];
	*ret_end_ns = def->bounds[lo + 1];
	return true;
}

/* --- windows to ask over ---------------------------------------------------------------------------------------- */

static bool
is_usual(int64_t window_ns)
{
	for (size_t i = 0; i < N_OF(usual_windows); i++)
		if (usual_windows[i] == window_ns)
			return true;
	return false;
}

/* Into ascending order, each once; what is beyond the room is left out. */
static void
window_add(int64_t *v, size_t *n, int64_t window_ns)
{
	size_t i, at;

	for (at = 0; at < *n && v[at] < window_ns; at++)
		;
	if (window_ns <= 0 || *n == SLO_WINDOWS_MAX || (at < *n && v[at] == window_ns))
		return;
	for (i = (*n)++; i > at; i--)
		v[i] = v[i - 1];
	v[at] = window_ns;
}

size_t
slo_windows(const struct slo_def *def, int64_t *v)
{
	bool with_usual = def->n_rules == 0;
	size_t n = 0, i;

	for (i = 0; i < def->n_rules; i++) {
		const struct slo_rule *rule = &def->rules[i];

		with_usual |= is_usual(rule->long_ns) || is_usual(rule->short_ns);
		window_add(v, &n, rule->long_ns);
		window_add(v, &n, rule->short_ns);
	}
	for (i = 0; with_usual && i < N_OF(usual_windows); i++)
		if (usual_windows[i] <= def->period_ns && usual_windows[i] >= def->resolution_ns)
			window_add(v, &n, usual_windows[i]);
	return n;
}

/* --- tiles ------------------------------------------------------------------------------------------------------ */

/* Slices and samples are counted whole: a tile holds so long a time, or several of them. */
static int64_t
tile_unit(const struct slo_def *def)
{
	if (def->slice_ns > 0)
		return def->slice_ns;
	return def->sli != SLI_RATIO && def->resolution_ns > 0 ? def->resolution_ns : 1;
}

/* How far a is from b, as a factor. */
static double
distance(int64_t a, double b)
{
	return (double)a > b ? (double)a / b : b / (double)a;
}

struct tile_choice {
	const struct slo_def *def;
	int64_t least_ns, unit_ns, best_ns;
	double ideal_ns, best;
};

static void
consider(struct tile_choice *c, int64_t step_ns, bool must_divide)
{
	double d = distance(step_ns, c->ideal_ns);

	if (step_ns < c->least_ns || step_ns % c->unit_ns != 0 || d >= c->best)
		return;
	if (must_divide && c->def->period_ns % step_ns != 0)
		return;
	c->best_ns = step_ns;
	c->best = d;
}

int64_t
slo_tile_step(const struct slo_def *def)
{
	int64_t unit_ns = tile_unit(def), times;
	struct tile_choice c = { .def = def, .unit_ns = unit_ns, .best = INFINITY };

	c.least_ns = def->resolution_ns > unit_ns ? def->resolution_ns : unit_ns;
	c.ideal_ns = fmax((double)def->period_ns / TILES, (double)c.least_ns);
	for (size_t i = 0; i < N_OF(round_times); i++)
		consider(&c, round_times[i], true);
	/*
	 * No round time will do: as many slices or resolutions as divide the period, else just
	 * about as many.
	 */
	times = slo_ns_of(ceil(c.ideal_ns / (double)c.least_ns));
	if (c.best >= TILE_ROUND_MAX && c.least_ns % unit_ns == 0)
		for (int64_t i = 1; i <= TILE_OFF_MAX * times && i <= TILES * TILE_OFF_MAX; i++)
			consider(&c, i * c.least_ns, true);
	if (c.best > TILE_OFF_MAX)
		for (size_t i = 0; i < N_OF(round_times); i++)
			consider(&c, round_times[i], false);
	if (c.best > TILE_OFF_MAX)
		c.best_ns = times * ((c.least_ns + unit_ns - 1) / unit_ns) * unit_ns;
	return c.best_ns;
}

/* --- detection -------------------------------------------------------------------------------------------------- */

/*
 * The Site Reliability Workbook, ch. 5: detection time = (1 - target) x factor x window / error
 * ratio. The short window is over it sooner.
 */
int64_t
slo_detection_ns(const struct slo_def *def, const struct slo_rule *rule, double error_ratio)
{
	double ratio = error_ratio > 0 ? fmin(error_ratio, 1) : 0;
	double longer = fmax((double)rule->long_ns, (double)rule->short_ns);

	/* A window full of such errors burns just so much, and must be above the factor. */
	if (!(ratio / (1 - def->target) > rule->factor))
		return INT64_MAX;
	return slo_ns_of((1 - def->target) * rule->factor * longer / ratio + (double)rule->for_ns);
}
