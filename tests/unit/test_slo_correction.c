/* Corrections: what they take out of the budget and of the burn rates. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slo_world.h"

static void
test_corrections(void **state)
{
	struct world *w = world_new();

	(void)state;
	/* An outage of an hour, ten days ago, and half an hour of bad luck. */
	world_tile(w, 720 - 240, 100, 100);
	world_tile(w, 10, 36.8, 100);
	near("before", world_evaluate(w)->left, 1 - 136.8 / 72);
	is_state(&w->slo, SLO_EXHAUSTED);
	assert_non_null(strstr(w->slo.why, "spent 190% of the budget"));
	assert_int_equal(w->slo.exhaustion_ns, 0);
	/* The hour does not count: 36.8 of 71,900. */
	world_correct(w, AT - 240 * HOUR, AT - 239 * HOUR, 100, 100);
	near("after", world_evaluate(w)->left, 1 - 36.8 / 71.9);
	near("total", w->slo.total, 71900);
	assert_int_equal(w->slo.excluded_ns, HOUR);
	is_state(&w->slo, SLO_OK);
	/* The same again, and within another: what two name is taken out once. */
	world_correct(w, AT - 240 * HOUR, AT - 239 * HOUR, 100, 100);
	near("twice", world_evaluate(w)->left, 1 - 36.8 / 71.9);
	assert_int_equal(w->slo.excluded_ns, HOUR);
	world_free(w);
}

static void
test_correction_partly_outside(void **state)
{
	struct world *w = world_new();

	(void)state;
	/* Ten hours, of which the last four are in the window: its sum is of those, by contract. */
	for (size_t i = 0; i < 4; i++)
		world_tile(w, i, 50, 100);
	world_tile(w, 500, 7.16, 100);
	world_correct(w, AT - 30 * DAY - 6 * HOUR, AT - 30 * DAY + 4 * HOUR, 200, 400);
	near("left", world_evaluate(w)->left, 1 - 7.16 / 71.6);
	assert_int_equal(w->slo.excluded_ns, 4 * HOUR);
	/* One that has not come is of no account. */
	world_correct(w, AT + HOUR, AT + DAY, NAN, NAN);
	near("with one to come", world_evaluate(w)->left, 1 - 7.16 / 71.6);
	assert_int_equal(w->slo.excluded_ns, 4 * HOUR);
	is_state(&w->slo, SLO_OK);
	world_free(w);
}

/* Two that overlap by half: the tiles say where the events of the second were. */
static void
test_corrections_overlap(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_tile(w, 718, 60, 100);
	world_tile(w, 719, 20, 100);
	w->in.at_ns = AT;
	world_correct(w, AT - 2 * HOUR, AT - HOUR, 60, 100);
	world_correct(w, AT - 2 * HOUR, AT, 80, 200);
	/* 60 + 20 (20/80 of its 80) are out: nothing is spent of 71,800 events. */
	near("left", world_evaluate(w)->left, 1);
	near("total", w->slo.total, 71800);
	assert_int_equal(w->slo.excluded_ns, 2 * HOUR);
	world_free(w);
}

static void
test_burns_without_corrections(void **state)
{
	struct world *w = world_new();

	(void)state;
	/*
	 * An outage of the last hour but one, excluded: windows that hold all of it burn at what is
	 * left in them.
	 */
	world_tile(w, 718, 100, 100);
	world_window(w, 2 * HOUR, 100, 200);
	world_window(w, 6 * HOUR, 100 + 3, 600);
	world_window(w, DAY, 100 + 3, 2400);
	world_correct(w, AT - 2 * HOUR, AT - HOUR, 100, 100);
	world_evaluate(w);
	near("2h: half of it is out", world_burn_over(w, 2 * HOUR)->rate, 0);
	near("6h", world_burn_over(w, 6 * HOUR)->rate, 3.0 / 500 / 0.001);
	near("6h total", world_burn_over(w, 6 * HOUR)->total, 500);
	near("1d", world_burn_over(w, DAY)->rate, 3.0 / 2300 / 0.001);
	/* More than half: the difference is told no longer, but what is known of the rest as such is. */
	w->corrections[0].end_ns = AT - 59 * MINUTE;
	world_window(w, 30 * MINUTE, 0.25, 50);
	near("2h, of half an hour", (world_evaluate(w), world_burn_over(w, 2 * HOUR)->total), 50);
	near("2h, at its rate", world_burn_over(w, 2 * HOUR)->rate, 5);
	is_state(&w->slo, SLO_OK);
	world_free(w);
}

/* The second day of a month: windows that reach back into the last one find what was excluded there in the tiles. */
static void
test_burns_over_the_start_of_a_calendar_window(void **state)
{
	static const int64_t months[] = { AT - 31 * DAY, AT - DAY, AT + 30 * DAY };
	struct world *w = world_new();

	(void)state;
	w->def.bounds = months;
	w->def.n_bounds = N_OF(months);
	/* Two hours before midnight to two hours after: 80 bad then, and 3 at another time. */
	for (size_t i = 720 - 26; i < 720 - 22; i++)
		world_tile(w, i, 20, 100);
	world_window(w, 3 * DAY, 83, 7200);
	world_correct(w, AT - 26 * HOUR, AT - 22 * HOUR, 40, 200);
	world_evaluate(w);
	near("3d", world_burn_over(w, 3 * DAY)->bad, 3);
	near("3d total", world_burn_over(w, 3 * DAY)->total, 6800);
	near("left", w->slo.left, 1);
	assert_int_equal(w->slo.excluded_ns, 2 * HOUR);
	world_free(w);
}

/* --- just after one ---------------------------------------------------------------------------------------------- */

/* Two hours at 99.9 % with rules of seconds and tiles of ten; 10 events a second. */
static struct world *
quick_world(void)
{
	struct world *w = world_new();
	int64_t windows[SLO_WINDOWS_MAX];

	w->def.period_ns = 2 * HOUR;
	w->def.resolution_ns = NS_PER_S;
	w->rules[0] = (struct slo_rule){ 14.4, MINUTE, 20 * NS_PER_S, 0, SEVERITY_PAGE };
	w->rules[1] = (struct slo_rule){ 3, 4 * MINUTE, MINUTE, 0, SEVERITY_TICKET };
	w->def.n_rules = 2;
	w->in.n_windows = slo_windows(&w->def, windows);
	for (size_t i = 0; i < w->in.n_windows; i++) {
		double seconds = (double)windows[i] / (double)NS_PER_S;

		w->windows[i] = (struct slo_window_sum){ windows[i], AT, { seconds, 10 * seconds } };
	}
	world_tiles(w, 10 * NS_PER_S, 2 * HOUR);
	return w;
}

/* An outage of 220 s, excluded, that goes on: rules see what came since at once. */
static void
test_rules_after_a_correction(void **state)
{
	struct world *w = quick_world();

	(void)state;
	world_correct(w, AT - 240 * NS_PER_S, AT - 20 * NS_PER_S, 220, 2200);
	world_window(w, 20 * NS_PER_S, 4, 200);
	is_state(world_evaluate(w), SLO_PAGE);
	for (size_t i = 0; i < w->slo.n_burns; i++) {
		near("bad", w->slo.burns[i].bad, 4);
		near("total", w->slo.burns[i].total, 200);
		near("rate", w->slo.burns[i].rate, 20);
	}
	/* It is over: none burns. */
	world_window(w, 20 * NS_PER_S, 0, 200);
	is_state(world_evaluate(w), SLO_OK);
	near("burn", w->slo.burn, 0);
	/* Later there is more of the rest in tiles than in a window. */
	w->corrections[0].end_ns = AT - 35 * NS_PER_S;
	world_tile(w, 719, 3, 100);
	world_evaluate(w);
	near("30 s of tiles", world_burn_over(w, 4 * MINUTE)->bad, 3);
	near("30 s of tiles, total", world_burn_over(w, 4 * MINUTE)->total, 100 + 2 * 100.0 / 360);
	near("20 s", world_burn_over(w, 20 * NS_PER_S)->total, 200);
	world_free(w);
}

static void
test_nothing_counted_yet(void **state)
{
	struct world *w = quick_world();
	struct slo previous;

	(void)state;
	world_correct(w, AT - 10 * MINUTE, AT - 4 * NS_PER_S, 596, 5960);
	w->in.tiles_end_ns = AT - 15 * NS_PER_S;
	w->in.head = (struct slo_sum){ 2, 150 };
	is_state(world_evaluate(w), SLO_EXCLUDED);
	assert_string_equal(w->slo.why, "nothing counted yet since the correction ended 4s ago");
	assert_int_equal(w->slo.since_ns, AT - 10 * MINUTE);
	near("burn", w->slo.burn, NAN);
	near("projected", w->slo.projected, NAN);
	assert_int_equal(w->slo.exhaustion_ns, INT64_MAX);
	for (size_t i = 0; i < w->slo.n_burns; i++)
		near("rate", w->slo.burns[i].rate, NAN);
	/* It was excluded until now as well: that goes on. */
	previous = w->slo;
	previous.since_ns = 7;
	w->in.previous = &previous;
	assert_int_equal(world_evaluate(w)->since_ns, 7);
	w->in.previous = NULL;
	/* The metrics are silent too: nobody knows when there will be something to count. */
	for (size_t i = 0; i < w->in.n_windows; i++)
		w->windows[i].sum = (struct slo_sum){ NAN, NAN };
	is_state(world_evaluate(w), SLO_NO_DATA);
	world_free(w);
}

/* Three minutes, excluded until 12 s ago: the rules over hours see on, the fastest does not. */
static void
test_fastest_rule_is_blind(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_correct(w, AT - 3 * MINUTE - 12 * NS_PER_S, AT - 12 * NS_PER_S, 5, 5);
	world_window(w, 5 * MINUTE, 5, 9);
	is_state(world_evaluate(w), SLO_EXCLUDED);
	assert_non_null(strstr(w->slo.why, "ended 12s ago"));
	near("5m", world_burn_over(w, 5 * MINUTE)->rate, NAN);
	near("30m", world_burn_over(w, 30 * MINUTE)->total, 45);
	world_window(w, 30 * MINUTE, 5 + 1, 50);
	world_window(w, 6 * HOUR, 5 + 6, 600);
	is_state(world_evaluate(w), SLO_PAGE);
	world_window(w, 6 * HOUR, 5, 600);
	world_tile(w, 3, 80, 100);
	is_state(world_evaluate(w), SLO_EXHAUSTED);
	world_free(w);
}

/* What was so bad that it was excluded does not fire through the rounding of tiles. */
static void
test_no_page_for_what_is_excluded(void **state)
{
	struct world *w = world_new();

	(void)state;
	/* A total outage from three hours to ten minutes ago; the last tile holds 50 minutes of it. */
	world_tile(w, 717, 100, 100);
	world_tile(w, 718, 100, 100);
	world_tile(w, 719, 250 / 3., 100);
	world_window(w, 30 * MINUTE, 100 / 3., 50);
	world_window(w, HOUR, 250 / 3., 100);
	world_window(w, 2 * HOUR, 550 / 3., 200);
	world_window(w, 6 * HOUR, 850 / 3., 600);
	world_correct(w, AT - 3 * HOUR, AT - 10 * MINUTE, 850 / 3., 850 / 3.);
	world_evaluate(w);
	assert_false(w->slo.rules[0].is_above);
	assert_false(w->slo.rules[1].is_above);
	near("1h, of 5m", world_burn_over(w, HOUR)->rate, 0);
	near("6h, less what is excluded", world_burn_over(w, 6 * HOUR)->rate, 0);
	world_free(w);
}

static void
test_excluded(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_burn(w, 50);
	is_state(world_evaluate(w), SLO_PAGE);
	world_correct(w, AT - MINUTE, AT + HOUR, NAN, NAN);
	w->in.error = "timeout";
	is_state(world_evaluate(w), SLO_EXCLUDED);
	assert_string_equal(w->slo.why, "does not count until 2030-03-17T18:46:40Z: maintenance (ana)");
	assert_int_equal(w->slo.since_ns, AT - MINUTE);
	has_note(&w->slo, "timeout");
	w->in.error = NULL;
	is_state(world_evaluate(w), SLO_EXCLUDED);
	assert_true(w->slo.rules[0].is_above);
	assert_false(w->slo.rules[0].is_firing);
	/* Of two that cover it, that which does so longer. */
	world_correct(w, AT - 30 * NS_PER_S, AT + 2 * HOUR, NAN, NAN);
	world_correct(w, AT - NS_PER_S, AT + 90 * MINUTE, NAN, NAN);
	is_state(world_evaluate(w), SLO_EXCLUDED);
	assert_non_null(strstr(w->slo.why, "until 2030-03-17T19:46:40Z"));
	w->def.n_corrections = 1;
	/* Its end is not in it. */
	w->corrections[0].end_ns = AT;
	is_state(world_evaluate(w), SLO_PAGE);
	world_free(w);
}

/* --- against every minute --------------------------------------------------------------------------------------- */

enum { MINUTES = 2000, TILE_MINUTES = 10 };

static struct slo_sum
minutes_sum(const struct slo_sum *v, int from, int to, const bool *is_out)
{
	struct slo_sum sum = { 0, 0 };

	for (int i = from < 0 ? 0 : from; i < to; i++)
		if (is_out == NULL || !is_out[i]) {
			sum.first += v[i].first;
			sum.total += v[i].total;
		}
	return sum;
}

/* A correction of the minutes [from, to), as the book would have asked for its sum. */
static void
minutes_correct(struct world *w, const struct slo_sum *v, int now, int from, int to, bool *is_out)
{
	int first = now - 1440 > from ? now - 1440 : from;
	struct slo_sum sum = minutes_sum(v, first, to, NULL);

	world_correct(w, AT + (from - now) * MINUTE, AT + (to - now) * MINUTE, sum.first, sum.total);
	for (int i = from; i < to; i++)
		is_out[i] = true;
}

/*
 * A day's window over random minutes, tiles that do not begin with it, corrections apart from and
 * within each other: the same as counting.
 */
static void
test_against_every_minute(void **state)
{
	static struct slo_sum minutes[MINUTES];

	(void)state;
	srand(3);
	for (int round = 0; round < 200; round++) {
		struct world *w = world_new();
		bool is_out[MINUTES] = { false };
		int now = MINUTES - rand() % 50, tiles_end = now - rand() % 15, last, from, to;
		struct slo_sum want;

		for (int i = 0; i < MINUTES; i++)
			minutes[i] = (struct slo_sum){ rand() % 4 == 0 ? rand() % 3 : 0, 5 + rand() % 100 };
		w->def.period_ns = DAY;
		w->in.tiles_end_ns = AT + (tiles_end - now) * MINUTE;
		w->in.step_ns = TILE_MINUTES * MINUTE;
		w->in.n_tiles = 150;
		for (int i = 0; i < 150; i++) {
			last = tiles_end - (149 - i) * TILE_MINUTES;
			/* What straddles the start counts by its part, which is exact where it is even. */
			for (int j = last - TILE_MINUTES; last - TILE_MINUTES < now - 1440 && j < last; j++)
				minutes[j] = (struct slo_sum){ 1, 30 };
			w->tiles[i] = minutes_sum(minutes, last - TILE_MINUTES, last, NULL);
		}
		w->in.head = minutes_sum(minutes, tiles_end, now, NULL);
		from = now - 1500 + rand() % 500;
		to = from + 70 + rand() % 200;
		minutes_correct(w, minutes, now, from, to, is_out);
		minutes_correct(w, minutes, now, to - 5 - rand() % 5, to, is_out);
		from = to + rand() % 300;
		minutes_correct(w, minutes, now, from, from + 1 + rand() % 100, is_out);
		want = minutes_sum(minutes, now - 1440, now, is_out);
		near("bad", world_evaluate(w)->bad, want.first);
		near("total", w->slo.total, want.total);
		near("left", w->slo.left, 1 - want.first / want.total / (1 - 0.999));
		near_ns("as time", w->slo.left_ns, llrint(0.001 * (double)(DAY - w->slo.excluded_ns) * w->slo.left));
		near("end of the burn-down", world_detail(w)->left[w->detail.n - 1].v, w->slo.left);
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corrections),
		cmocka_unit_test(test_correction_partly_outside),
		cmocka_unit_test(test_corrections_overlap),
		cmocka_unit_test(test_burns_without_corrections),
		cmocka_unit_test(test_burns_over_the_start_of_a_calendar_window),
		cmocka_unit_test(test_rules_after_a_correction),
		cmocka_unit_test(test_nothing_counted_yet),
		cmocka_unit_test(test_fastest_rule_is_blind),
		cmocka_unit_test(test_no_page_for_what_is_excluded),
		cmocka_unit_test(test_excluded),
		cmocka_unit_test(test_against_every_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
