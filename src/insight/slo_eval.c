/* Error budgets: how an objective stands. */
#include "config.h"

#include "insight/slo_eval.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "insight/slo_eval_priv.h"

/*
 * Of a window of which corrections leave less than this not the difference counts, which is mostly
 * the error of taking one sum from another, but what is known of the rest as such.
 */
#define JUDGED_LEAST 0.5

/* --- burn rates ------------------------------------------------------------------------------------------------- */

/* What corrections leave of a window; false: nothing yet. */
static bool
leave_out(const struct slo_standing *st, const struct slo_window_sum *w, struct slo_count *count)
{
	int64_t start_ns = w->at_ns - w->window_ns;
	struct slo_count excluded;
	double out_ns = slo_excluded(st->in, st->budget.start_ns, start_ns, w->at_ns, &excluded);

	if (out_ns > (1 - JUDGED_LEAST) * (double)w->window_ns)
		return slo_counted_apart(st->in, start_ns, w->at_ns, count) > 0;
	if (out_ns > 0)
		slo_count_subtract(count, &excluded);
	return true;
}

static void
burn_of(struct slo_standing *st, size_t i)
{
	const struct slo_window_sum *w = &st->in->windows[i];
	struct slo_oddity *odd = st->budget.count.total > 0 ? &(struct slo_oddity){ 0 } : &st->odd;
	struct slo_burn *burn = &st->burns[i];
	struct slo_count count;

	*burn = (struct slo_burn){ .window_ns = w->window_ns, .rate = NAN, .bad = NAN, .total = NAN, .at_ns = w->at_ns };
	if (st->is_good_nowhere || !slo_count_of(st->in, &w->sum, (double)w->window_ns, &count, odd))
		return;
	st->odd.excess = fmax(st->odd.excess, odd->excess);
	st->is_unjudged[i] = !leave_out(st, w, &count);
	if (st->is_unjudged[i])
		return;
	burn->bad = count.bad;
	burn->total = count.total;
	burn->rate = count.total > 0 ? count.bad / count.total / (1 - st->def->target) : 0;
}

static void
all_burns(struct slo_standing *st)
{
	size_t n = st->in->n_windows;

	st->burns = arena_alloc(st->mem, (n + 1) * sizeof *st->burns);
	st->is_unjudged = arena_alloc(st->mem, (n + 1) * sizeof *st->is_unjudged);
	memset(st->is_unjudged, 0, (n + 1) * sizeof *st->is_unjudged);
	for (size_t i = 0; i < n; i++)
		burn_of(st, i);
	st->slo->n_burns = n;
	st->slo->burns = st->burns;
}

const struct slo_burn *
slo_burn_find(const struct slo_standing *st, int64_t window_ns)
{
	for (size_t i = 0; i < st->slo->n_burns; i++)
		if (st->burns[i].window_ns == window_ns)
			return &st->burns[i];
	return NULL;
}

/* --- rules ------------------------------------------------------------------------------------------------------ */

static bool
is_above(const struct slo_standing *st, int64_t window_ns, double factor)
{
	const struct slo_burn *burn = slo_burn_find(st, window_ns);

	return burn != NULL && burn->rate > factor;	/* NaN is not */
}

/*
 * The Workbook, ch. 5, "Low-Traffic Services and Error Budget Alerting": at ten requests an hour
 * one failure burns at 1000x. Slices and samples come at their own pace, however little traffic
 * there is, so only events are asked how many they are.
 */
static bool
is_on_few(const struct slo_standing *st, const struct slo_rule *rule)
{
	const struct slo_burn *burn = slo_burn_find(st, rule->long_ns);

	if (st->def->sli != SLI_RATIO || st->def->method != SLO_OCCURRENCES || burn == NULL)
		return false;
	return burn->bad < st->def->min_bad - SLO_COUNT_SLACK || burn->total < st->def->min_events - SLO_COUNT_SLACK;
}

/* The rules when they were last looked at; NULL: they were not, or are others now. */
static const struct slo_rule_state *
rules_before(const struct slo_standing *st)
{
	const struct slo *previous = st->in->previous;

	return previous != NULL && previous->n_rules == st->def->n_rules ? previous->known.rules : NULL;
}

static const struct slo_rule_state *
rule_before(const struct slo_standing *st, size_t i)
{
	const struct slo_rule_state *rules = rules_before(st);

	return rules != NULL ? &rules[i] : NULL;
}

/*
 * Where nothing was seen before, such as in a single --status or at a past time, what is above is
 * taken to have been so for long enough.
 */
static bool
has_lasted(const struct slo_standing *st, size_t i)
{
	const struct slo_rule_state *before = rule_before(st, i);

	if (before == NULL || before->is_firing)
		return true;
	return st->in->at_ns - st->rules[i].above_since_ns >= st->def->rules[i].for_ns;
}

static void
rule_judge(struct slo_standing *st, size_t i)
{
	const struct slo_rule *rule = &st->def->rules[i];
	const struct slo_rule_state *before = rule_before(st, i);
	struct slo_rule_state *state = &st->rules[i];

	state->is_above = is_above(st, rule->long_ns, rule->factor) &&
	    (rule->short_ns == 0 || is_above(st, rule->short_ns, rule->factor));
	if (!state->is_above)
		return;
	state->above_since_ns = before != NULL && before->is_above ? before->above_since_ns : st->in->at_ns;
	state->is_gated = is_on_few(st, rule);
	state->is_firing = !state->is_gated && has_lasted(st, i);
}

static void
all_rules(struct slo_standing *st)
{
	size_t n = st->def->n_rules;

	st->rules = arena_alloc(st->mem, (n + 1) * sizeof *st->rules);
	st->slo->n_rules = n;
	st->slo->rules = st->rules;
	/* What could not be asked is of some time ago. */
	for (size_t i = 0; i < n && st->in->error == NULL; i++)
		rule_judge(st, i);
}

/* --- what the burn leads to ------------------------------------------------------------------------------------- */

/* The window the burn is told of: see struct slo. Without rules an hour, or what is nearest below. */
static const struct slo_burn *
burn_to_tell(const struct slo_standing *st)
{
	const struct slo_rule *shortest = NULL;
	const struct slo_burn *burn = NULL;

	for (size_t i = 0; i < st->def->n_rules; i++) {
		const struct slo_rule *rule = &st->def->rules[i];

		if (st->rules[i].is_above)
			return slo_burn_find(st, rule->long_ns);
		if (shortest == NULL || rule->long_ns < shortest->long_ns)
			shortest = rule;
	}
	if (shortest != NULL)
		return slo_burn_find(st, shortest->long_ns);
	for (size_t i = 0; i < st->slo->n_burns; i++)
		if (burn == NULL || st->burns[i].window_ns <= NS_PER_HOUR)
			burn = &st->burns[i];
	return burn;
}

static void
set_budget(struct slo_standing *st)
{
	const struct slo_budget *b = &st->budget;
	struct slo *s = st->slo;
	bool is_known = !isnan(b->left);
	double budget_ns = (1 - st->def->target) * slo_budget_ns(st->in, b);

	s->start_ns = b->start_ns;
	s->end_ns = b->end_ns;
	s->covered_ns = slo_ns_of(b->covered_ns);
	s->excluded_ns = slo_ns_of(b->excluded_ns);
	s->left = b->left;
	s->budget_ns = is_known ? slo_ns_of(budget_ns) : 0;
	s->left_ns = is_known ? slo_ns_of(budget_ns * b->left) : 0;
	s->bad = is_known ? b->count.bad : NAN;
	s->total = is_known ? b->count.total : NAN;
	s->sli = is_known && b->count.total > 0 ? 1 - b->count.bad / b->count.total : NAN;
}

static void
set_outlook(struct slo_standing *st)
{
	const struct slo_burn *burn = burn_to_tell(st);

	st->slo->burn = burn != NULL ? burn->rate : NAN;
	st->slo->burn_window_ns = burn != NULL ? burn->window_ns : 0;
	slo_look_ahead(st);
}

/* --- state ------------------------------------------------------------------------------------------------------ */

const struct slo_correction *
slo_correction_now(const struct slo_standing *st)
{
	const struct slo_correction *found = NULL;

	for (size_t i = 0; i < st->def->n_corrections; i++) {
		const struct slo_correction *c = &st->def->corrections[i];

		if (st->in->at_ns < c->start_ns || st->in->at_ns >= c->end_ns)
			continue;
		if (found == NULL || c->end_ns > found->end_ns)
			found = c;
	}
	return found;
}

const struct slo_correction *
slo_correction_ended(const struct slo_standing *st)
{
	const struct slo_correction *found = NULL;

	for (size_t i = 0; i < st->def->n_corrections; i++) {
		const struct slo_correction *c = &st->def->corrections[i];

		if (c->end_ns <= st->in->at_ns && (found == NULL || c->end_ns > found->end_ns))
			found = c;
	}
	return found;
}

const struct slo_rule *
slo_rule_firing(const struct slo_standing *st)
{
	const struct slo_rule *worst = NULL;

	for (size_t i = 0; i < st->def->n_rules; i++)
		if (st->rules[i].is_firing && (worst == NULL || st->def->rules[i].severity > worst->severity))
			worst = &st->def->rules[i];
	return worst;
}

static int64_t
least_window(const struct slo_rule *rule)
{
	return rule->short_ns > 0 ? rule->short_ns : rule->long_ns;
}

/* The shortest window that a rule looks at (of all there are, without rules); NULL: it was not asked. */
static const struct slo_burn *
shortest_burn(const struct slo_standing *st)
{
	int64_t shortest_ns = INT64_MAX;

	for (size_t i = 0; i < st->def->n_rules; i++)
		if (least_window(&st->def->rules[i]) < shortest_ns)
			shortest_ns = least_window(&st->def->rules[i]);
	if (st->def->n_rules > 0)
		return slo_burn_find(st, shortest_ns);
	return st->slo->n_burns > 0 ? &st->burns[0] : NULL;
}

static bool
is_unjudged(const struct slo_standing *st, const struct slo_burn *burn)
{
	return burn != NULL && st->is_unjudged[burn - st->burns];
}

/* A correction has just ended: no rule has anything to look at yet. */
static bool
is_all_unjudged(const struct slo_standing *st)
{
	for (size_t i = 0; i < st->def->n_rules; i++)
		if (!is_unjudged(st, slo_burn_find(st, least_window(&st->def->rules[i]))))
			return false;
	return is_unjudged(st, shortest_burn(st));
}

/*
 * The fastest rule sees nothing, and none of the slower ones still fires: that all is well cannot
 * be said.
 */
static bool
is_silent(const struct slo_standing *st)
{
	const struct slo_burn *burn = shortest_burn(st);

	if (st->slo->n_burns == 0)
		return isnan(st->slo->left);
	return burn == NULL || (isnan(burn->rate) && !is_unjudged(st, burn));
}

static bool
is_asked(const struct slo_standing *st)
{
	return st->slo->n_burns > 0 || st->budget.is_read;
}

static bool
any_gated(const struct slo_standing *st)
{
	for (size_t i = 0; i < st->def->n_rules; i++)
		if (st->rules[i].is_gated)
			return true;
	return false;
}

static enum slo_state
state_of(const struct slo_standing *st)
{
	const struct slo_rule *firing = slo_rule_firing(st);

	if (slo_correction_now(st) != NULL)
		return SLO_EXCLUDED;
	if (st->in->error != NULL || st->is_good_nowhere)
		return SLO_UNKNOWN;
	if (is_all_unjudged(st))
		return SLO_EXCLUDED;
	if (firing != NULL)
		return firing->severity == SEVERITY_PAGE ? SLO_PAGE : SLO_TICKET;
	if (!is_asked(st) || !st->budget.is_window)
		return SLO_UNKNOWN;
	if (is_silent(st))
		return SLO_NO_DATA;
	if (st->slo->left <= 0)
		return SLO_EXHAUSTED;
	if (any_gated(st))
		return SLO_GATED;
	return is_unjudged(st, shortest_burn(st)) ? SLO_EXCLUDED : SLO_OK;
}

/*
 * When data stopped: the end of the last tile with data, as far as the windows do not know it
 * better. There was data within the shortest window that has any, and none within the longest that
 * has not.
 */
static int64_t
silent_since(const struct slo_standing *st)
{
	int64_t since_ns = st->budget.data_end_ns, earliest_ns = 0, latest_ns = st->in->at_ns;

	for (size_t i = 0; i < st->slo->n_burns; i++) {
		const struct slo_burn *burn = &st->burns[i];
		int64_t start_ns = burn->at_ns - burn->window_ns;

		if (!isnan(burn->rate) && start_ns > earliest_ns)
			earliest_ns = start_ns;
		else if (isnan(burn->rate) && !st->is_unjudged[i] && start_ns < latest_ns)
			latest_ns = start_ns;
	}
	if (since_ns < earliest_ns)
		since_ns = earliest_ns;
	return since_ns > latest_ns ? latest_ns : since_ns;
}

static int64_t
since(const struct slo_standing *st)
{
	const struct slo *previous = st->in->previous;
	const struct slo_correction *correction;

	if (previous != NULL && previous->state == st->slo->state)
		return previous->since_ns;
	if (previous != NULL && previous->state == SLO_UNKNOWN && previous->known.state == st->slo->state)
		return previous->known.since_ns;
	if (st->slo->state == SLO_NO_DATA)
		return silent_since(st);
	if (st->slo->state == SLO_EXCLUDED) {
		correction = slo_correction_now(st);
		return (correction != NULL ? correction : slo_correction_ended(st))->start_ns;
	}
	return previous != NULL ? st->in->at_ns : 0;
}

/* --- what the next one goes on from ----------------------------------------------------------------------------- */

static const struct slo_rule_state *
rules_known(const struct slo_standing *st)
{
	const struct slo_rule_state *before = rules_before(st);
	size_t n = st->slo->n_rules;
	struct slo_rule_state *copy;

	if (st->in->error == NULL && !st->is_good_nowhere && st->slo->n_burns > 0)
		return st->rules;
	if (before == NULL)
		return NULL;
	copy = arena_alloc(st->mem, (n + 1) * sizeof *copy);
	memcpy(copy, before, n * sizeof *copy);
	return copy;
}

/* A source that is away for a moment is no reason to forget since when something burns. */
static void
remember(struct slo_standing *st)
{
	const struct slo *previous = st->in->previous;
	struct slo *s = st->slo;

	s->known.state = s->state;
	s->known.since_ns = s->since_ns;
	s->known.rules = rules_known(st);
	if (s->state == SLO_UNKNOWN && previous != NULL) {
		s->known.state = previous->known.state;
		s->known.since_ns = previous->known.since_ns;
	}
}

void
slo_evaluate(const struct slo_input *in, struct arena *arena, struct slo *ret)
{
	struct slo_standing st = { .in = in, .def = in->def, .mem = arena, .slo = ret };

	memset(ret, 0, sizeof *ret);
	ret->id = arena_strdup(arena, in->def->id);
	ret->at_ns = in->at_ns;
	slo_budget_of(in, &st.budget, &st.odd);
	st.is_good_nowhere = slo_good_is_nowhere(in);
	set_budget(&st);
	all_burns(&st);
	all_rules(&st);
	set_outlook(&st);
	ret->state = state_of(&st);
	/* What does not count fires nothing. */
	for (size_t i = 0; ret->state == SLO_EXCLUDED && i < ret->n_rules; i++)
		st.rules[i].is_firing = false;
	ret->since_ns = since(&st);
	remember(&st);
	slo_say(&st);
}

/* --- order ------------------------------------------------------------------------------------------------------ */

static int
compare_left(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return (a > b) - (a < b);
}

int
slo_compare_urgency(const void *a, const void *b)
{
	const struct slo *x = a, *y = b;
	int left = compare_left(x->left, y->left);

	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->exhaustion_ns != y->exhaustion_ns)
		return x->exhaustion_ns < y->exhaustion_ns ? -1 : 1;
	return left != 0 ? left : strcmp(x->id, y->id);
}
