/*
 * Burn rates, the rules over them, states, and what they lead to: the Workbook's own numbers, and
 * some by hand.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slo_world.h"

/* --- rules ------------------------------------------------------------------------------------------------------ */

static void
test_states_of_the_workbook(void **state)
{
	/* All windows burn so. A rule fires above its factor, not at it. */
	static const struct {
		double rate;
		enum slo_state want;
		double told;	/* long window of the worst rule above, else the shortest long one, in hours */
		const char *why;
	} cases[] = {
		{ 0, SLO_OK, 1, "" },
		{ 0.99, SLO_OK, 1, "" },
		{ 1.04, SLO_TICKET, 72, "burns 1.04x over 3d and 1.04x over 6h; 1x makes a ticket" },
		{ 3.5, SLO_TICKET, 24, "burns 3.5x over 1d and 3.5x over 2h; 3x makes a ticket" },
		{ 7, SLO_PAGE, 6, "burns 7x over 6h and 7x over 30m; 6x pages" },
		{ 14.3, SLO_PAGE, 6, "burns 14.3x over 6h and 14.3x over 30m; 6x pages" },
		{ 14.9, SLO_PAGE, 1, "burns 14.9x over 1h and 14.9x over 5m; 14.4x pages" },
		{ 1000, SLO_PAGE, 1, "burns 1000x over 1h and 1000x over 5m; 14.4x pages" },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct world *w = world_new();

		world_burn(w, cases[i].rate);
		is_state(world_evaluate(w), cases[i].want);
		assert_string_equal(w->slo.why, cases[i].why);
		near("told window", (double)w->slo.burn_window_ns, cases[i].told * (double)HOUR);
		near("burn", w->slo.burn, cases[i].rate);
		world_free(w);
	}
}

static void
test_both_windows_must_be_above(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_window(w, HOUR, 2, 100);			/* 20x */
	is_state(world_evaluate(w), SLO_OK);		/* it is over: 5m burns at 0 */
	world_window(w, HOUR, 0, 100);
	world_window(w, 5 * MINUTE, 2, 10);
	is_state(world_evaluate(w), SLO_OK);		/* not for long enough to matter */
	world_window(w, HOUR, 2, 100);
	is_state(world_evaluate(w), SLO_PAGE);
	/* Without a short window the long one decides. */
	world_window(w, 5 * MINUTE, 0, 10);
	w->rules[0].short_ns = 0;
	is_state(world_evaluate(w), SLO_PAGE);
	assert_string_equal(w->slo.why, "burns 20x over 1h; 14.4x pages");
	/* A window that was not asked, or has no data, fires nothing. */
	world_window(w, HOUR, NAN, NAN);
	assert_false(world_evaluate(w)->rules[0].is_above);
	w->rules[0].long_ns = 77 * MINUTE;
	assert_false(world_evaluate(w)->rules[0].is_above);
	world_free(w);
}

/* Not at the factor, strictly: numbers that are exact in binary. */
static void
test_at_the_factor(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->def.target = 0.5;
	w->rules[0] = (struct slo_rule){ 1.5, HOUR, 0, 0, SEVERITY_PAGE };
	w->def.n_rules = 1;
	world_window(w, HOUR, 75, 100);			/* 0.75 / 0.5 = 1.5 */
	is_state(world_evaluate(w), SLO_OK);
	world_window(w, HOUR, 75.0000001, 100);
	is_state(world_evaluate(w), SLO_PAGE);
	world_free(w);
}

static void
test_low_traffic(void **state)
{
	struct world *w = world_new();

	(void)state;
	/*
	 * The Workbook's service with ten requests an hour: one that fails is 10 % of the hour,
	 * 1000x at 99.9 %...
	 */
	w->def.min_bad = 3;
	for (size_t i = 0; i < w->in.n_tiles; i++)
		world_tile(w, i, i == 719, 10);
	world_window(w, HOUR, 1, 10);
	world_window(w, 5 * MINUTE, 1, 1);
	world_evaluate(w);
	near("burn over the hour", world_burn_over(w, HOUR)->rate, 100);
	near("burn over 5m", world_burn_over(w, 5 * MINUTE)->rate, 1000);
	/* ...and 13.9 % of the budget of 30 days: 1 of 7.2. */
	near("left", w->slo.left, 1 - 1 / 7.2);
	is_state(&w->slo, SLO_GATED);
	assert_true(w->slo.rules[0].is_gated);
	assert_true(w->slo.rules[0].is_above);
	assert_false(w->slo.rules[0].is_firing);
	assert_string_equal(w->slo.why,
	    "burns 100x over 1h and 1000x over 5m, but with only 1 bad of 10 events; it takes 3 bad");
	/* Three are enough, though increase() makes a little less of them. */
	world_window(w, HOUR, 2.9999999, 10);
	is_state(world_evaluate(w), SLO_PAGE);
	/* The other gate. */
	w->def.min_events = 20;
	is_state(world_evaluate(w), SLO_GATED);
	assert_string_equal(w->slo.why, "burns 300x over 1h and 1000x over 5m, but with only 10 events; it takes 20");
	/* Slices are no events. */
	w->def.method = SLO_TIMESLICES;
	is_state(world_evaluate(w), SLO_PAGE);
	w->def.method = SLO_OCCURRENCES;
	w->def.sli = SLI_RAW;
	is_state(world_evaluate(w), SLO_PAGE);
	world_free(w);
}

/* A gate that holds one rule leaves the others. */
static void
test_gate_and_fire(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->def.min_bad = 3;
	world_window(w, HOUR, 2, 10);
	world_window(w, 5 * MINUTE, 1, 1);
	world_window(w, 6 * HOUR, 4, 60);
	world_window(w, 30 * MINUTE, 2, 5);
	is_state(world_evaluate(w), SLO_PAGE);
	assert_true(w->slo.rules[0].is_gated);
	assert_true(w->slo.rules[1].is_firing);
	assert_non_null(strstr(w->slo.why, "6x pages"));
	world_free(w);
}

static void
test_for(void **state)
{
	struct world *w = world_new();
	struct slo previous;

	(void)state;
	w->rules[0].for_ns = 10 * MINUTE;
	w->def.n_rules = 1;
	/* Nothing burns; then it does: not until ten minutes have passed. */
	previous = *world_evaluate(w);
	w->in.previous = &previous;
	world_burn(w, 20);
	for (int minute = 0; minute <= 12; minute++) {
		w->in.at_ns = AT + minute * MINUTE;
		is_state(world_evaluate(w), minute < 10 ? SLO_OK : SLO_PAGE);
		assert_int_equal(w->slo.rules[0].above_since_ns, AT);
		assert_int_equal(w->slo.since_ns, minute < 10 ? 0 : AT + 10 * MINUTE);
		if (minute == 7)
			assert_string_equal(w->slo.why, "burns 20x over 1h and 20x over 5m for 7m; fires after 10m");
		previous = w->slo;
	}
	/* It stops, and begins anew. */
	world_burn(w, 0);
	w->in.at_ns = AT + 20 * MINUTE;
	previous = *world_evaluate(w);
	is_state(&previous, SLO_OK);
	assert_int_equal(previous.since_ns, AT + 20 * MINUTE);
	assert_int_equal(previous.rules[0].above_since_ns, 0);
	world_burn(w, 20);
	w->in.at_ns = AT + 21 * MINUTE;
	is_state(world_evaluate(w), SLO_OK);
	/* Nothing known from before: it is taken to have held, and goes on firing the next time. */
	w->in.previous = NULL;
	is_state(world_evaluate(w), SLO_PAGE);
	assert_int_equal(w->slo.since_ns, 0);
	previous = w->slo;
	w->in.previous = &previous;
	w->in.at_ns += MINUTE;
	is_state(world_evaluate(w), SLO_PAGE);
	/* Rules that have changed are not those of before; nor is anything known of a time that was not worked out. */
	previous.n_rules = 0;
	previous.rules = NULL;
	is_state(world_evaluate(w), SLO_PAGE);
	w->in.error = "no answer";
	previous = *world_evaluate(w);
	w->in.error = NULL;
	is_state(world_evaluate(w), SLO_PAGE);
	assert_int_equal(w->slo.since_ns, 0);
	world_free(w);
}

/* The source does not answer for some rounds: what was seen before that is not forgotten, and nothing is made of it. */
static void
test_source_away(void **state)
{
	struct world *w = world_new();
	struct slo previous = { 0 };

	(void)state;
	w->rules[0].for_ns = 10 * MINUTE;
	w->def.n_rules = 1;
	previous = *world_evaluate(w);
	w->in.previous = &previous;
	for (int minute = 0; minute <= 20; minute++) {
		bool is_away = minute == 5 || minute == 6 || minute == 12 || minute == 13;

		w->in.at_ns = AT + minute * MINUTE;
		world_burn(w, minute == 0 ? 0 : 20);
		w->in.error = is_away ? "no answer" : NULL;
		is_state(world_evaluate(w), is_away ? SLO_UNKNOWN : minute < 11 ? SLO_OK : SLO_PAGE);
		assert_int_equal(w->slo.rules[0].above_since_ns, is_away || minute == 0 ? 0 : AT + MINUTE);
		if (minute >= 11 && !is_away)
			assert_int_equal(w->slo.since_ns, AT + 11 * MINUTE);
		if (minute == 6)
			assert_int_equal(w->slo.since_ns, AT + 5 * MINUTE);
		previous = w->slo;
	}
	/* Away, and then well: that is new. And what burns from then on burns since then. */
	w->in.error = "no answer";
	previous = *world_evaluate(w);
	w->in.error = NULL;
	world_burn(w, 0);
	w->in.at_ns = AT + 21 * MINUTE;
	previous = *world_evaluate(w);
	is_state(&previous, SLO_OK);
	assert_int_equal(previous.since_ns, AT + 21 * MINUTE);
	w->in.error = "no answer";
	previous = *world_evaluate(w);
	w->in.error = NULL;
	world_burn(w, 20);
	w->in.at_ns = AT + 22 * MINUTE;
	is_state(world_evaluate(w), SLO_OK);
	assert_int_equal(w->slo.rules[0].above_since_ns, AT + 22 * MINUTE);
	world_free(w);
}

/* What was taken to have held goes on doing so, though it was first seen a short time ago. */
static void
test_source_away_while_firing(void **state)
{
	struct world *w = world_new();
	struct slo previous;

	(void)state;
	w->rules[0].for_ns = 10 * MINUTE;
	w->def.n_rules = 1;
	world_burn(w, 20);
	previous = *world_evaluate(w);
	is_state(&previous, SLO_PAGE);
	w->in.previous = &previous;
	w->in.error = "no answer";
	w->in.at_ns = AT + MINUTE;
	previous = *world_evaluate(w);
	is_state(&previous, SLO_UNKNOWN);
	w->in.error = NULL;
	w->in.at_ns = AT + 2 * MINUTE;
	is_state(world_evaluate(w), SLO_PAGE);
	assert_int_equal(w->slo.rules[0].above_since_ns, AT);
	world_free(w);
}

static void
test_order_of_states(void **state)
{
	struct world *w = world_new();

	(void)state;
	/* Overspent, and quiet. */
	world_tile(w, 0, 90, 100);
	is_state(world_evaluate(w), SLO_EXHAUSTED);
	assert_string_equal(w->slo.why, "spent 125% of the budget; burns 0x over 1h now");
	/* Overspent, and a ticket; and a page of a rule that is not the first. */
	world_burn(w, 2);
	is_state(world_evaluate(w), SLO_TICKET);
	w->rules[3].severity = SEVERITY_PAGE;
	is_state(world_evaluate(w), SLO_PAGE);
	world_burn(w, 4);
	is_state(world_evaluate(w), SLO_PAGE);
	assert_non_null(strstr(w->slo.why, "over 3d and 4x over 6h; 1x pages"));
	w->rules[3].severity = SEVERITY_TICKET;
	/* All spent to the last bit: 72 of 72. */
	world_burn(w, 0);
	world_tile(w, 0, 72, 100);
	is_state(world_evaluate(w), SLO_EXHAUSTED);
	near("left", w->slo.left, 0);
	/* Old windows of a source that fails now fire nothing. */
	world_burn(w, 20);
	w->in.error = "no answer";
	is_state(world_evaluate(w), SLO_UNKNOWN);
	assert_false(w->slo.rules[0].is_above);
	near("left is kept", w->slo.left, 0);
	world_free(w);
}

static void
test_without_rules(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->def.n_rules = 0;
	world_burn(w, 20);
	is_state(world_evaluate(w), SLO_OK);
	near("window told", (double)w->slo.burn_window_ns, (double)HOUR);
	near_ns("exhaustion", w->slo.exhaustion_ns, 30 * DAY / 20);
	w->windows[0].sum = (struct slo_sum){ NAN, NAN };
	is_state(world_evaluate(w), SLO_NO_DATA);
	world_free(w);
}

/* --- exhaustion, projection ------------------------------------------------------------------------------------- */

static void
test_exhaustion(void **state)
{
	/*
	 * The Workbook: a whole budget of 30 days lasts 30 d at 1x, 5 d at 6x, 50 h at 14.4x, 43
	 * min in a total outage at 99.9 %.
	 */
	static const struct {
		double rate;
		int64_t want_ns;
	} cases[] = {
		{ 0, INT64_MAX }, { 0.999, INT64_MAX }, { 1, 30 * DAY }, { 6, 5 * DAY }, { 14.4, 50 * HOUR },
		{ 1000, 43 * MINUTE + 12 * NS_PER_S },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct world *w = world_new();

		world_burn(w, cases[i].rate);
		near_ns("exhaustion", world_evaluate(w)->exhaustion_ns, cases[i].want_ns);
		/*
		 * Half of it, half as long; and then a burn below 1x may use up what is left before
		 * anything old drops out.
		 */
		world_tile(w, 719, 36, 100);
		world_evaluate(w);
		if (cases[i].rate >= 1)
			near_ns("exhaustion of half", w->slo.exhaustion_ns, cases[i].want_ns / 2);
		else if (cases[i].rate > 0.5)
			near("below 1x", (double)w->slo.exhaustion_ns / (double)DAY, 15 / cases[i].rate);
		else
			assert_int_equal(w->slo.exhaustion_ns, INT64_MAX);
		world_free(w);
	}
}

static void
test_projection(void **state)
{
	struct world *w = world_new();

	(void)state;
	/*
	 * In a day (a 30th of the period): 36 bad of the first day drop out, and a burn of 2x, which
	 * is that of the shortest long window, brings in 4.8 of 2400.
	 */
	for (size_t i = 0; i < 24; i++)
		world_tile(w, i, 1.5, 100);
	world_window(w, HOUR, 0.2, 100);
	near("left", world_evaluate(w)->left, 0.5);
	assert_int_equal(w->slo.projected_ns, AT + DAY);
	near("projected", w->slo.projected, 1 - 4.8 / 72);
	/*
	 * What drops out and does not count anyway gives nothing back: 71,900 events now, 100
	 * excluded ones and 2,300 others leave.
	 */
	world_correct(w, AT - 30 * DAY, AT - 30 * DAY + HOUR, 1.5, 100);
	near("beside a correction", world_evaluate(w)->projected, 1 - 4.8 / 72);
	/* Never more than a day ahead. */
	w->def.period_ns = 90 * DAY;
	assert_int_equal(world_evaluate(w)->projected_ns, AT + DAY);
	w->def.period_ns = 30 * DAY;
	/* Nothing is known of that window. */
	world_window(w, HOUR, NAN, NAN);
	near("unknown", world_evaluate(w)->projected, NAN);
	world_free(w);
}

/* A service that is younger than the window loses nothing at its old end. */
static void
test_projection_of_the_young(void **state)
{
	struct world *w = world_new();

	(void)state;
	for (size_t i = 0; i < 480; i++)
		w->tiles[i] = (struct slo_sum){ NAN, NAN };
	world_tile(w, 700, 12, 100);			/* 24,000 events: half of 24 */
	near("left", world_evaluate(w)->left, 0.5);
	near("projected", w->slo.projected, 1 - 12 / 26.4);
	/*
	 * As hours: 120 of 240 are spent, and t more make it 120 + 12 t of 240 + t: all at 120/11 h,
	 * long before the 1.25 d that half of a whole window's budget would last.
	 */
	world_burn(w, 12);
	near_ns("exhaustion", world_evaluate(w)->exhaustion_ns, 120 * HOUR / 11);
	near("projected at 12x", w->slo.projected, 1 - (120 + 12 * 24.0) / 264);
	/* At 1x the share stays until the window is full, at 600 of 720 h, and then 120 h are left. */
	world_burn(w, 1);
	near_ns("exhaustion at 1x", world_evaluate(w)->exhaustion_ns, 600 * HOUR);
	world_free(w);
}

/* What drops out comes back before the rest is gone. */
static void
test_exhaustion_and_what_drops_out(void **state)
{
	struct world *w = world_new();

	(void)state;
	/* Half of it in the first hour. At 15x the other half would be gone in a day; but the whole lasts two. */
	world_tile(w, 0, 36, 100);
	world_burn(w, 15);
	near_ns("exhaustion", world_evaluate(w)->exhaustion_ns, 2 * DAY);
	near("projected", w->slo.projected, 0.5);
	/* At 500x 500 of 720 h are spent after the first hour, for its 360 are back; the other 220 last 26 min 24 s. */
	world_burn(w, 500);
	near_ns("exhaustion at 500x", world_evaluate(w)->exhaustion_ns, HOUR + 1584 * NS_PER_S);
	assert_true(w->slo.projected <= 0);
	/* It comes back after it was gone: that is not what is told first. */
	world_tile(w, 0, 0, 100);
	world_tile(w, 1, 70, 100);
	world_burn(w, 30);
	near_ns("exhaustion while little is left", world_evaluate(w)->exhaustion_ns, llrint((1 - 70 / 72.) * 24 * (double)HOUR));
	near("what would be left again", w->slo.projected, 0);
	/* Nothing is left now: what will be is worth telling. */
	world_tile(w, 1, 90, 100);
	world_burn(w, 3);
	assert_int_equal(world_evaluate(w)->exhaustion_ns, 0);
	near("comes back", w->slo.projected, 0.9);
	world_free(w);
}

/* Whatever went on: what is gone before the time of the projection is not there then, and the other way round. */
static void
test_outlooks_agree(void **state)
{
	static const int64_t months[] = { AT - 20 * DAY, AT + 10 * DAY };
	size_t n_gone = 0, n_left = 0;

	(void)state;
	srand(5);
	for (int round = 0; round < 2000; round++) {
		struct world *w = world_new();
		const struct slo *s;

		w->def.n_bounds = round % 3 == 0 ? 2 : 0;
		w->def.bounds = months;
		for (int i = 0; i < 8; i++)
			world_tile(w, (size_t)(rand() % (i % 2 == 0 ? 40 : 720)), rand() % 6, 100);
		for (int i = rand() % 3 == 0 ? rand() % 719 : 0; i > 0; i--)
			w->tiles[i - 1] = (struct slo_sum){ NAN, NAN };
		if (rand() % 2 == 0)
			world_correct(w, AT - rand() % 40 * DAY, AT - rand() % 30 * 7 * HOUR, rand() % 5, 100 + rand() % 1000);
		world_burn(w, (double)(rand() % 1000) / (rand() % 2 == 0 ? 100 : 10));
		s = world_evaluate(w);
		assert_true(isnan(s->projected) == isnan(s->burn));
		if (isnan(s->projected))
			;	/* all is excluded */
		else if (s->left > 0 && s->exhaustion_ns <= s->projected_ns - AT) {
			assert_true(s->projected <= 0);
			n_gone++;
		} else if (s->left > 0) {
			assert_true(s->projected > -1e-9);
			n_left++;
		}
		world_free(w);
	}
	assert_true(n_gone > 100 && n_left > 100);
}

/* --- windows, tiles, detection ---------------------------------------------------------------------------------- */

static void
check_windows(const struct slo_def *def, const int64_t *want, size_t n)
{
	int64_t v[SLO_WINDOWS_MAX];

	assert_int_equal(slo_windows(def, v), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(v[i], want[i]);
}

static void
test_windows(void **state)
{
	static const int64_t usual[] = { 5 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, DAY, 3 * DAY };
	static const int64_t lab[] = { 5 * NS_PER_S, 10 * NS_PER_S };
	static const int64_t mixed[] = { 5 * MINUTE, 30 * MINUTE, HOUR, 90 * MINUTE, 2 * HOUR };
	struct world *w = world_new();
	struct slo_rule many[40];
	int64_t v[SLO_WINDOWS_MAX];

	(void)state;
	check_windows(&w->def, usual, 7);
	w->def.n_rules = 0;
	check_windows(&w->def, usual, 7);
	w->def.resolution_ns = 10 * MINUTE;
	check_windows(&w->def, usual + 1, 6);
	w->def.period_ns = 2 * HOUR;
	w->def.resolution_ns = MINUTE;
	check_windows(&w->def, usual, 4);
	/* Rules of seconds want none of minutes. */
	w->def.n_rules = 1;
	w->rules[0] = (struct slo_rule){ .factor = 14.4, .long_ns = 10 * NS_PER_S, .short_ns = 5 * NS_PER_S };
	check_windows(&w->def, lab, 2);
	w->rules[0] = (struct slo_rule){ .factor = 2, .long_ns = 90 * MINUTE, .short_ns = 5 * MINUTE };
	check_windows(&w->def, mixed, 5);
	/* More than there is room for. */
	for (size_t i = 0; i < N_OF(many); i++)
		many[i] = (struct slo_rule){ .factor = 2, .long_ns = (int64_t)(40 - i) * HOUR };
	w->def.rules = many;
	w->def.n_rules = N_OF(many);
	assert_int_equal(slo_windows(&w->def, v), SLO_WINDOWS_MAX);
	for (size_t i = 1; i < SLO_WINDOWS_MAX; i++)
		assert_true(v[i - 1] < v[i]);
	world_free(w);
}

static void
test_tile_step(void **state)
{
	static const struct {
		int64_t period_ns, resolution_ns, slice_ns;
		enum sli_kind sli;
		int64_t want_ns;
	} cases[] = {
		{ 30 * DAY, MINUTE, 0, SLI_RATIO, HOUR },
		{ 28 * DAY, MINUTE, 0, SLI_RATIO, HOUR },
		{ 7 * DAY, MINUTE, 0, SLI_RATIO, 15 * MINUTE },
		{ DAY, MINUTE, 0, SLI_RATIO, 2 * MINUTE },
		{ 90 * DAY, MINUTE, 0, SLI_RATIO, 3 * HOUR },
		{ 365 * DAY, MINUTE, 0, SLI_RATIO, 12 * HOUR },
		{ 2 * HOUR, NS_PER_S, 0, SLI_RATIO, 10 * NS_PER_S },
		{ 2 * HOUR, MINUTE, 0, SLI_RATIO, MINUTE },
		{ 30 * DAY, 6 * HOUR, 0, SLI_RAW, 6 * HOUR },
		{ 30 * DAY, MINUTE, 90 * MINUTE, SLI_RATIO, 90 * MINUTE },	/* whole slices, though no round time */
		{ 30 * DAY, MINUTE, 40 * NS_PER_S, SLI_RATIO, HOUR },
		{ 30 * DAY, 25 * MINUTE, 0, SLI_THRESHOLD, 50 * MINUTE },	/* 864 of them; 1h40m would be 432 */
	};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		const struct slo_def def = { .id = "slo:x", .period_ns = cases[i].period_ns,
			.resolution_ns = cases[i].resolution_ns, .slice_ns = cases[i].slice_ns, .sli = cases[i].sli };

		if (slo_tile_step(&def) != cases[i].want_ns)
			fail_msg("case %zu: got %lld s, expected %lld s", i, (long long)(slo_tile_step(&def) / NS_PER_S),
			    (long long)(cases[i].want_ns / NS_PER_S));
	}
}

/* Whatever the period: no shorter than the resolution, whole slices, not too many, not none. */
static void
test_tile_step_of_odd_periods(void **state)
{
	static const int64_t resolutions[] = { 500 * NS_PER_MS, NS_PER_S, 7 * NS_PER_S, MINUTE, HOUR, 11 * HOUR };
	static const int64_t slices[] = { 0, NS_PER_S, 13 * NS_PER_S, MINUTE, 7 * MINUTE };

	(void)state;
	srand(1);
	for (size_t i = 0; i < 3000; i++) {
		const struct slo_def def = { .id = "slo:x", .period_ns = (60 + rand() % 40000000) * NS_PER_S,
			.resolution_ns = resolutions[i % 6], .slice_ns = slices[i % 5], .sli = (enum sli_kind)(i % 3) };
		int64_t step_ns = slo_tile_step(&def), unit_ns = def.sli == SLI_RATIO ? 1 : def.resolution_ns;

		if (def.slice_ns > 0)
			unit_ns = def.slice_ns;

		assert_true(step_ns >= def.resolution_ns);
		assert_int_equal(step_ns % unit_ns, 0);
		assert_true(def.period_ns / step_ns <= 720 * 4);
		assert_true(def.period_ns / step_ns >= 180 || step_ns <= 4 * (def.resolution_ns + unit_ns));
	}
}

static void
test_detection(void **state)
{
	const struct slo_def three = { .id = "slo:x", .target = 0.999 }, four = { .id = "slo:x", .target = 0.9999 };
	const struct slo_rule fast = { 14.4, HOUR, 5 * MINUTE, 0, SEVERITY_PAGE };
	const struct slo_rule slow = { 6, 6 * HOUR, 30 * MINUTE, 0, SEVERITY_PAGE };
	const struct slo_rule held = { 14.4, HOUR, 0, MINUTE, SEVERITY_PAGE };

	(void)state;
	/* 0.001 x 14.4 x 3600 s = 51.84 s; 0.001 x 6 x 21,600 s = 129.6 s; a tenth of it at 99.99 %. */
	near_ns("14.4x", slo_detection_ns(&three, &fast, 1), 51840 * NS_PER_MS);
	near_ns("6x", slo_detection_ns(&three, &slow, 1), 129600 * NS_PER_MS);
	near_ns("14.4x at 99.99 %", slo_detection_ns(&four, &fast, 1), 5184 * NS_PER_MS);
	near_ns("a tenth fails", slo_detection_ns(&three, &fast, 0.1), 518400 * NS_PER_MS);
	near_ns("held a minute", slo_detection_ns(&three, &held, 1), 111840 * NS_PER_MS);
	near_ns("more than all", slo_detection_ns(&three, &fast, 7), 51840 * NS_PER_MS);
	/* At 1 % errors the burn rate is 10: never above 14.4. */
	assert_int_equal(slo_detection_ns(&three, &fast, 0.01), INT64_MAX);
	assert_int_equal(slo_detection_ns(&three, &fast, 0), INT64_MAX);
	assert_int_equal(slo_detection_ns(&three, &fast, -1), INT64_MAX);
	assert_int_equal(slo_detection_ns(&three, &fast, NAN), INT64_MAX);
}

/* The same by evaluation: a total outage fires after 51.84 s, and not before. */
static void
test_detection_by_evaluation(void **state)
{
	struct world *w = world_new();

	(void)state;
	for (int ms = 51000; ms <= 53000; ms += 20) {
		double errors = ms * 0.001 / 36;	/* at 100 an hour */

		world_window(w, 5 * MINUTE, errors, 100.0 / 12);
		world_window(w, HOUR, errors, 100);
		if (abs(ms - 51840) > 1)
			is_state(world_evaluate(w), ms < 51840 ? SLO_OK : SLO_PAGE);
	}
	world_free(w);
}

/* --- order ------------------------------------------------------------------------------------------------------ */

static void
test_urgency(void **state)
{
	static const struct slo want[] = {
		{ .id = "a", .state = SLO_PAGE, .exhaustion_ns = HOUR, .left = 0.9 },
		{ .id = "b", .state = SLO_PAGE, .exhaustion_ns = 2 * HOUR, .left = 0.1 },
		{ .id = "c", .state = SLO_TICKET, .exhaustion_ns = 1, .left = 0.1 },
		{ .id = "d", .state = SLO_EXHAUSTED, .left = -3 },
		{ .id = "e", .state = SLO_EXHAUSTED, .left = -2 },
		{ .id = "f", .state = SLO_NO_DATA, .exhaustion_ns = INT64_MAX, .left = 0.2 },
		{ .id = "g", .state = SLO_NO_DATA, .exhaustion_ns = INT64_MAX, .left = __builtin_nan("") },
		{ .id = "h", .state = SLO_NO_DATA, .exhaustion_ns = INT64_MAX, .left = __builtin_nan("") },
		{ .id = "i", .state = SLO_OK, .exhaustion_ns = INT64_MAX, .left = 0.5 },
		{ .id = "j", .state = SLO_OK, .exhaustion_ns = INT64_MAX, .left = 0.5 },
		{ .id = "k", .state = SLO_EXCLUDED, .exhaustion_ns = 0, .left = -5 },
	};
	struct slo v[N_OF(want)];

	(void)state;
	srand(2);
	for (int round = 0; round < 50; round++) {
		memcpy(v, want, sizeof v);
		for (size_t i = N_OF(v) - 1; i > 0; i--) {
			size_t j = (size_t)rand() % (i + 1);
			struct slo swap = v[i];

			v[i] = v[j];
			v[j] = swap;
		}
		qsort(v, N_OF(v), sizeof *v, slo_compare_urgency);
		for (size_t i = 0; i < N_OF(v); i++)
			assert_string_equal(v[i].id, want[i].id);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states_of_the_workbook),
		cmocka_unit_test(test_both_windows_must_be_above),
		cmocka_unit_test(test_at_the_factor),
		cmocka_unit_test(test_low_traffic),
		cmocka_unit_test(test_gate_and_fire),
		cmocka_unit_test(test_for),
		cmocka_unit_test(test_source_away),
		cmocka_unit_test(test_source_away_while_firing),
		cmocka_unit_test(test_order_of_states),
		cmocka_unit_test(test_without_rules),
		cmocka_unit_test(test_exhaustion),
		cmocka_unit_test(test_projection),
		cmocka_unit_test(test_projection_of_the_young),
		cmocka_unit_test(test_exhaustion_and_what_drops_out),
		cmocka_unit_test(test_outlooks_agree),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_tile_step),
		cmocka_unit_test(test_tile_step_of_odd_periods),
		cmocka_unit_test(test_detection),
		cmocka_unit_test(test_detection_by_evaluation),
		cmocka_unit_test(test_urgency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
