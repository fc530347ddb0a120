/* slo_evaluate(): numbers worked out by hand, in the comments. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slo_world.h"

/* --- the budget ------------------------------------------------------------------------------------------------- */

static void
test_rolling(void **state)
{
	struct world *w = world_new();
	const struct slo *s;

	(void)state;
	/*
	 * 720 h x 100 events = 72,000; of them 0.1 % = 72 may be bad. 27 bad: 1 - 27/72 = 0.625. As
	 * time 0.001 x 30 d x 0.625 = 1620 s.
	 */
	world_tile(w, 100, 20, 100);
	world_tile(w, 719, 7, 100);
	s = world_evaluate(w);
	near("bad", s->bad, 27);
	near("total", s->total, 72000);
	near("left", s->left, 0.625);
	near("sli", s->sli, 1 - 27.0 / 72000);
	near_ns("left as time", s->left_ns, 1620 * NS_PER_S);
	assert_int_equal(s->start_ns, AT - 30 * DAY);
	assert_int_equal(s->end_ns, AT);
	assert_int_equal(s->covered_ns, 30 * DAY);
	is_state(s, SLO_OK);
	assert_string_equal(s->why, "");
	assert_string_equal(s->id, "slo:web");
	assert_int_equal(s->notes.n, 0);
	world_free(w);
}

/* Good and bad say the same. */
static void
test_good(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->in.is_good = true;
	for (size_t i = 0; i < w->in.n_tiles; i++)
		world_tile(w, i, i == 5 ? 36 : 0, 100);
	for (size_t i = 0; i < w->in.n_windows; i++)
		world_window(w, w->windows[i].window_ns, 0, 100);
	near("left", world_evaluate(w)->left, 0.5);	/* 36 of 72 */
	world_free(w);
}

static void
test_straddling(void **state)
{
	struct world *w = world_new();

	(void)state;
	/*
	 * Tiles end 15 minutes before at; 720 of them begin 30 d 15 min before: of the first only
	 * 45 of 60 minutes are in the window.
	 */
	w->in.tiles_end_ns = AT - 15 * MINUTE;
	world_tile(w, 0, 40, 100);			/* 30 bad of 75 count */
	w->in.head = (struct slo_sum){ 6, 25 };
	/* bad 30 + 6 = 36, total 75 + 71,900 + 25 = 72,000: half of 72 is left. */
	near("bad", world_evaluate(w)->bad, 36);
	near("total", w->slo.total, 72000);
	near("left", w->slo.left, 0.5);
	assert_int_equal(w->slo.covered_ns, 30 * DAY);
	/* The tile before it is not in the window at all. */
	w->in.n_tiles = 721;
	world_tile(w, 720, 0, 100);
	for (size_t i = 720; i > 0; i--)
		w->tiles[i] = w->tiles[i - 1];
	world_tile(w, 0, 100, 100);
	near("left with one more", world_evaluate(w)->left, 0.5);
	world_free(w);
}

static void
test_splitting_changes_nothing(void **state)
{
	struct world *w = world_new();
	double left, projected;
	size_t n;

	(void)state;
	for (size_t i = 0; i < w->in.n_tiles; i++)
		world_tile(w, i, (double)(i * 7 % 11) / 64, (double)(64 + i * 5 % 128));
	left = world_evaluate(w)->left;
	projected = w->slo.projected;
	/* Each hour as four quarters. */
	n = w->in.n_tiles;
	for (size_t i = 4 * n; i-- > 0;)
		w->tiles[i] = (struct slo_sum){ w->tiles[i / 4].first / 4, w->tiles[i / 4].total / 4 };
	w->in.n_tiles = 4 * n;
	w->in.step_ns = 15 * MINUTE;
	near("left", world_evaluate(w)->left, left);
	near("projected", w->slo.projected, projected);
	/* And back, two at a time. */
	for (size_t i = 0; i < 2 * n; i++) {
		const struct slo_sum *pair = &w->tiles[2 * i];

		w->tiles[i] = (struct slo_sum){ pair[0].first + pair[1].first, pair[0].total + pair[1].total };
	}
	w->in.n_tiles = 2 * n;
	w->in.step_ns = 30 * MINUTE;
	near("left of halves", world_evaluate(w)->left, left);
	/* The last of them as the head. */
	w->in.n_tiles--;
	w->in.tiles_end_ns -= 30 * MINUTE;
	w->in.head = w->tiles[w->in.n_tiles];
	near("left with a head", world_evaluate(w)->left, left);
	world_free(w);
}

static void
test_order_of_tiles(void **state)
{
	struct world *w = world_new();
	double left;

	(void)state;
	for (size_t i = 0; i < w->in.n_tiles; i++)
		world_tile(w, i, (double)(i % 5), 1000);
	left = world_evaluate(w)->left;
	for (size_t i = 0; i < w->in.n_tiles / 2; i++) {
		struct slo_sum swap = w->tiles[i];

		w->tiles[i] = w->tiles[w->in.n_tiles - 1 - i];
		w->tiles[w->in.n_tiles - 1 - i] = swap;
	}
	near("left", world_evaluate(w)->left, left);
	world_free(w);
}

static void
test_more_bad_leaves_less(void **state)
{
	struct world *w = world_new();
	double before = INFINITY;

	(void)state;
	for (int bad = 0; bad <= 120; bad++) {
		world_tile(w, 300, bad, 100);
		assert_true(world_evaluate(w)->left <= before);
		assert_true(bad == 0 || bad > 100 || w->slo.left < before);
		before = w->slo.left;
	}
	world_free(w);
}

static const int64_t months[] = { AT - 40 * DAY, AT - 9 * DAY, AT + 21 * DAY, AT + 51 * DAY };

static void
test_calendar(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->def.bounds = months;
	w->def.n_bounds = N_OF(months);
	/*
	 * Of the last 30 days 9 are in this month: 216 h x 100 = 21,600 events so far, so 72,000 are
	 * expected in all of it, and 72 of them may be bad. 5.4 are: 0.075. The tile before does not count.
	 */
	world_tile(w, 719 - 216, 100, 100);
	world_tile(w, 720 - 216, 5.4, 100);
	near("left", world_evaluate(w)->left, 0.925);
	near("total", w->slo.total, 21600);
	assert_int_equal(w->slo.start_ns, AT - 9 * DAY);
	assert_int_equal(w->slo.end_ns, AT + 21 * DAY);
	assert_int_equal(w->slo.projected_ns, AT + 21 * DAY);
	near("projected", w->slo.projected, 0.925);	/* nothing burns */
	near_ns("as time", w->slo.left_ns, 2397600 * NS_PER_MS);	/* 0.001 x 30 d x 0.925 */
	/*
	 * At 2x a left budget of 0.925 lasts 0.925 x 30 d / 2 = 13.875 d; at 1x 27.75 d, longer than
	 * the 21 d to the end of the month.
	 */
	world_burn(w, 2);
	near_ns("exhaustion", world_evaluate(w)->exhaustion_ns, 13 * DAY + 21 * HOUR);
	near("projected at 2x", w->slo.projected, 0.925 - 2 * 21.0 / 30);
	world_burn(w, 1);
	assert_int_equal(world_evaluate(w)->exhaustion_ns, INT64_MAX);
	near("projected at 1x", w->slo.projected, 0.925 - 21.0 / 30);
	/*
	 * A day of it without its 5.4 bad ones does not count: 20,900 so far and 69,700 in all are
	 * expected in 29 d 1 h; 1x lasts so long, of which 21 d are to come.
	 */
	world_correct(w, AT - 9 * DAY, AT - 8 * DAY + HOUR, 5.4, 2500);
	near("left with a correction", world_evaluate(w)->left, 1);
	near_ns("as time with a correction", w->slo.left_ns, 695 * HOUR / 1000);
	near("projected with a correction", w->slo.projected, 1 - 21 * 24.0 / 695);
	world_free(w);
}

static void
test_calendar_edges(void **state)
{
	struct world *w = world_new();
	int64_t start_ns = 7, end_ns = 7;

	(void)state;
	w->def.bounds = months;
	w->def.n_bounds = N_OF(months);
	assert_false(slo_window_at(&w->def, months[0] - 1, &start_ns, &end_ns));
	assert_false(slo_window_at(&w->def, months[3], &start_ns, &end_ns));
	assert_int_equal(start_ns, 7);
	for (size_t i = 0; i + 1 < N_OF(months); i++) {
		assert_true(slo_window_at(&w->def, months[i], &start_ns, &end_ns));
		assert_int_equal(start_ns, months[i]);
		assert_true(slo_window_at(&w->def, months[i + 1] - 1, &start_ns, &end_ns));
		assert_int_equal(start_ns, months[i]);
		assert_int_equal(end_ns, months[i + 1]);
	}
	/* Beyond the calendar nothing is known of the budget, but what burns still burns. */
	w->in.at_ns = months[3] + DAY;
	is_state(world_evaluate(w), SLO_UNKNOWN);
	assert_non_null(strstr(w->slo.why, "calendar"));
	near("left", w->slo.left, NAN);
	world_burn(w, 20);
	is_state(world_evaluate(w), SLO_PAGE);
	world_free(w);
}

/* A month that is half a minute old. */
static void
test_calendar_begins(void **state)
{
	struct world *w = world_new();
	const int64_t bounds[] = { AT - 31 * DAY, AT - 30 * NS_PER_S, AT + 30 * DAY };

	(void)state;
	w->def.bounds = bounds;
	w->def.n_bounds = N_OF(bounds);
	for (size_t i = 0; i < w->in.n_tiles; i++)
		world_tile(w, i, 50, 100);
	w->in.tiles_end_ns = bounds[1] - 30 * NS_PER_S;
	/* Too short for increase() to say anything: nothing is spent. */
	near("left", world_evaluate(w)->left, 1);
	near("total", w->slo.total, 0);
	near("sli", w->slo.sli, NAN);
	is_state(&w->slo, SLO_OK);
	assert_int_equal(w->slo.notes.n, 0);
	/* Half of the head's minute is in it: 1 bad of 1000 in 30 s, and 86,401 times that is expected. */
	w->in.head = (struct slo_sum){ 2, 2000 };
	near("left of the head's part", world_evaluate(w)->left, 1 - 1 / 86401.);
	near("bad", w->slo.bad, 1);
	world_free(w);
}

static void
test_slices(void **state)
{
	struct world *w = world_new();

	(void)state;
	/* A minute each, 99 %: over 30 rolling days 43,200 slices, 432 may be bad; 108 are. */
	w->def.target = 0.99;
	w->def.method = SLO_TIMESLICES;
	w->def.slice_ns = MINUTE;
	w->def.slice_target = 0.95;
	for (size_t i = 0; i < w->in.n_tiles; i++)
		world_tile(w, i, i < 27 ? 4 : 0, 60);
	near("left", world_evaluate(w)->left, 0.75);
	near("total", w->slo.total, 43200);
	/* Mean of the ratios: the same sums, though not of whole slices. */
	w->def.method = SLO_RATIO_TIMESLICES;
	world_tile(w, 0, 2.5, 60);
	near("left of ratios", world_evaluate(w)->left, 1 - 106.5 / 432);
	world_free(w);
}

static void
test_slices_in_a_calendar(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->def.target = 0.99;
	w->def.method = SLO_TIMESLICES;
	w->def.slice_ns = MINUTE;
	w->def.bounds = months;
	w->def.n_bounds = N_OF(months);
	for (size_t i = 0; i < w->in.n_tiles; i++)
		world_tile(w, i, i >= 720 - 27 ? 4 : 0, 60);
	/*
	 * The 30 d of this month will have 43,200 slices: 432 may be bad, 108 are, though only 9 d
	 * = 12,960 slices have been.
	 */
	near("left", world_evaluate(w)->left, 0.75);
	near("total", w->slo.total, 12960);
	near("sli", w->slo.sli, 1 - 108.0 / 12960);
	/* At 1x 14.4 a day are bad, 302.4 more in the 21 days to come: 1 - 410.4/432. */
	world_burn(w, 1);
	near("projected", world_evaluate(w)->projected, 1 - 410.4 / 432);
	/*
	 * An excluded day (with 16 of the bad ones: 4 hours of the last 27) makes it 29 d = 41,760
	 * slices, 417.6 may be bad, 92 are.
	 */
	world_correct(w, AT - 27 * HOUR - 20 * HOUR, AT - 23 * HOUR, 16, 1440);
	near("left with a correction", world_evaluate(w)->left, 1 - 92 / 417.6);
	assert_int_equal(w->slo.excluded_ns, DAY);
	/* As time: 1 % of 29 d. */
	near_ns("as time", w->slo.left_ns, llrint(0.01 * 29 * (double)DAY * (1 - 92 / 417.6)));
	world_free(w);
}

/* --- odd data --------------------------------------------------------------------------------------------------- */

static void
test_partly_covered(void **state)
{
	struct world *w = world_new();

	(void)state;
	for (size_t i = 0; i < 432; i++)
		w->tiles[i] = (struct slo_sum){ NAN, NAN };
	world_tile(w, 700, 7.2, 100);
	/* 288 h x 100 = 28,800: 28.8 may be bad. */
	near("left", world_evaluate(w)->left, 0.75);
	assert_int_equal(w->slo.covered_ns, 12 * DAY);
	has_note(&w->slo, "only 12d of 30d has data: the budget is of that");
	is_state(&w->slo, SLO_OK);
	/* 0.1 % of 12 d, not of 30 d: what can still fail is of what there was. */
	near_ns("as time", w->slo.left_ns, 12 * DAY / 1000 / 4 * 3);
	near_ns("the whole as time", w->slo.budget_ns, 12 * DAY / 1000);
	/* What is excluded is not missed. */
	world_correct(w, AT - 30 * DAY, AT - 12 * DAY, NAN, NAN);
	assert_int_equal(world_evaluate(w)->notes.n, 0);
	near("left beside a correction", w->slo.left, 0.75);
	near_ns("as time beside a correction", w->slo.budget_ns, 12 * DAY / 1000);
	/* Nor does it matter whether what is excluded has data. */
	for (size_t i = 0; i < 432; i++)
		world_tile(w, i, 1, 100);
	w->excluded[0] = (struct slo_sum){ 432, 43200 };
	near("left beside one with data", world_evaluate(w)->left, 0.75);
	assert_int_equal(w->slo.notes.n, 0);
	near_ns("as time beside one with data", w->slo.left_ns, 12 * DAY / 1000 / 4 * 3);
	world_free(w);
}

static void
test_no_data_at_all(void **state)
{
	struct world *w = world_new();

	(void)state;
	for (size_t i = 0; i < w->in.n_tiles; i++)
		w->tiles[i] = (struct slo_sum){ NAN, NAN };
	for (size_t i = 0; i < w->in.n_windows; i++)
		w->windows[i].sum = (struct slo_sum){ NAN, NAN };
	is_state(world_evaluate(w), SLO_NO_DATA);
	assert_int_equal(w->slo.since_ns, 0);
	assert_string_equal(w->slo.why, "no data: the expressions find no series");
	near("left", w->slo.left, NAN);
	near("bad", w->slo.bad, NAN);
	near("burn", w->slo.burn, NAN);
	near("projected", w->slo.projected, NAN);
	assert_int_equal(w->slo.left_ns, 0);
	assert_int_equal(w->slo.exhaustion_ns, INT64_MAX);
	assert_int_equal(world_detail(w)->n, 0);
	/* Infinities are no data either. */
	for (size_t i = 0; i < w->in.n_windows; i++)
		w->windows[i].sum = (struct slo_sum){ INFINITY, INFINITY };
	is_state(world_evaluate(w), SLO_NO_DATA);
	world_free(w);
}

static void
silence_windows(struct world *w, int64_t longest_ns)
{
	for (size_t i = 0; i < w->in.n_windows; i++)
		if (w->windows[i].window_ns <= longest_ns)
			w->windows[i].sum = (struct slo_sum){ NAN, NAN };
}

static void
test_data_stops(void **state)
{
	struct world *w = world_new();
	struct slo previous;

	(void)state;
	/*
	 * Tiles end ten minutes before at, and have data up to three hours and ten minutes before
	 * it; the windows up to 2 h have none.
	 */
	w->in.tiles_end_ns = AT - 10 * MINUTE;
	for (size_t i = 717; i < 720; i++)
		w->tiles[i] = (struct slo_sum){ NAN, NAN };
	world_tile(w, 600, 36, 100);
	silence_windows(w, 2 * HOUR);
	is_state(world_evaluate(w), SLO_NO_DATA);
	assert_int_equal(w->slo.since_ns, AT - 3 * HOUR - 10 * MINUTE);
	assert_non_null(strstr(w->slo.why, "no data since 2030-03-17T14:36:40Z; 50% of the budget was left"));
	near("left", w->slo.left, 1 - 36 / (0.001 * w->slo.total));
	/* The next time it is the same silence. */
	previous = w->slo;
	w->in.previous = &previous;
	w->in.at_ns += MINUTE;
	assert_int_equal(world_evaluate(w)->since_ns, previous.since_ns);
	world_free(w);
}

/* The windows know better than an hour's tile when data stopped. */
static void
test_data_has_just_stopped(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->in.tiles_end_ns = AT - 50 * MINUTE;
	w->in.head = (struct slo_sum){ 0, 80 };
	silence_windows(w, 5 * MINUTE);
	is_state(world_evaluate(w), SLO_NO_DATA);
	assert_int_equal(w->slo.since_ns, AT - 5 * MINUTE);
	/* They also know that there was data after the last tile that has any. */
	w->in.head = (struct slo_sum){ NAN, NAN };
	w->tiles[719] = w->in.head;
	assert_int_equal(world_evaluate(w)->since_ns, AT - 30 * MINUTE);
	/* A slower rule that fires is told, though the fastest is blind. */
	world_window(w, 30 * MINUTE, 40, 50);
	world_window(w, 6 * HOUR, 40, 600);
	is_state(world_evaluate(w), SLO_PAGE);
	world_free(w);
}

static void
test_no_traffic(void **state)
{
	struct world *w = world_new();

	(void)state;
	for (size_t i = 0; i < w->in.n_tiles; i++)
		world_tile(w, i, 0, 0);
	for (size_t i = 0; i < w->in.n_windows; i++)
		world_window(w, w->windows[i].window_ns, 0, 0);
	is_state(world_evaluate(w), SLO_OK);
	near("left", w->slo.left, 1);
	near("burn", w->slo.burn, 0);
	near("sli", w->slo.sli, NAN);
	near("projected", w->slo.projected, 1);
	assert_int_equal(w->slo.exhaustion_ns, INT64_MAX);
	assert_int_equal(w->slo.notes.n, 0);
	world_free(w);
}

static void
test_first_is_missing(void **state)
{
	struct world *w = world_new();

	(void)state;
	for (size_t i = 0; i < w->in.n_tiles; i++)
		w->tiles[i].first = NAN;
	near("no bad ones", world_evaluate(w)->left, 1);
	has_note(&w->slo, "bad has no series: counted as 0");
	/* Errors began at some time: nothing odd about it. */
	world_tile(w, 719, 36, 100);
	near("first bad ones", world_evaluate(w)->left, 0.5);
	assert_int_equal(w->slo.notes.n, 0);
	/* No good ones: all are bad, 72,000 of 72 that may be. */
	w->in.is_good = true;
	w->tiles[719].first = NAN;
	near("no good ones", world_evaluate(w)->left, -999);
	has_note(&w->slo, "good has no series: counted as 0, so that all events are bad");
	/* All this time the windows knew of good ones. */
	is_state(&w->slo, SLO_PAGE);
	for (size_t i = 0; i < w->in.n_tiles - 2; i++)
		w->tiles[i].first = 100;
	near("no good ones for two hours", world_evaluate(w)->left, 1 - 200.0 / 72);
	has_note(&w->slo, "good has no series for 2h00m");
	world_free(w);
}

/* An expression that selects nothing is no outage: nobody is paged for a bucket that is not there. */
static void
test_good_is_nowhere(void **state)
{
	struct world *w = world_new();
	char good[200];

	(void)state;
	w->in.is_good = true;
	w->def.good = "sum(rate(http_seconds_bucket{le=\"0.31\"}[5m]))";
	for (size_t i = 0; i < w->in.n_tiles; i++)
		w->tiles[i].first = NAN;
	for (size_t i = 0; i < w->in.n_windows; i++)
		w->windows[i].sum.first = NAN;
	w->in.tiles_end_ns -= MINUTE;
	w->in.head = (struct slo_sum){ NAN, 2 };
	is_state(world_evaluate(w), SLO_UNKNOWN);
	assert_string_equal(w->slo.why, "good selects no series: sum(rate(http_seconds_bucket{le=\"0.31\"}[5m])); for a histogram, "
	    "`below` must be the upper bound of a bucket");
	near("left", w->slo.left, NAN);
	near("burn", w->slo.burn, NAN);
	assert_int_equal(w->slo.exhaustion_ns, INT64_MAX);
	assert_int_equal(w->slo.notes.n, 0);
	for (size_t i = 0; i < w->slo.n_rules; i++)
		assert_false(w->slo.rules[i].is_above);
	assert_int_equal(world_detail(w)->n, 0);
	/* The same before the window was read. */
	w->in.n_tiles = 0;
	w->in.tiles_end_ns = 0;
	is_state(world_evaluate(w), SLO_UNKNOWN);
	/* On one line, and not all of a long one. */
	w->def.good = "  good_ones\n\t{job=\"w\"}\n";
	world_evaluate(w);
	assert_string_equal(w->slo.why, "good selects no series: good_ones {job=\"w\"}; see that its metric and its labels are there");
	snprintf(good, sizeof good, "%0159d\xc3\xa9 is cut", 0);
	w->def.good = good;
	world_evaluate(w);
	assert_non_null(strstr(w->slo.why, "000...; see"));
	w->def.good = NULL;
	is_state(world_evaluate(w), SLO_UNKNOWN);
	assert_non_null(strstr(w->slo.why, "in the whole window"));
	/* One good event anywhere: then it is an outage. */
	w->windows[w->in.n_windows - 1].sum.first = 1;
	is_state(world_evaluate(w), SLO_PAGE);
	w->windows[w->in.n_windows - 1].sum.first = NAN;
	world_tiles(w, HOUR, 30 * DAY);
	for (size_t i = 1; i < w->in.n_tiles; i++)
		w->tiles[i].first = NAN;
	is_state(world_evaluate(w), SLO_PAGE);
	has_note(&w->slo, "good has no series for 29d");
	/* Without events nothing can be said of it, and bad ones need not be there. */
	for (size_t i = 0; i < w->in.n_tiles; i++)
		w->tiles[i] = (struct slo_sum){ NAN, 0 };
	for (size_t i = 0; i < w->in.n_windows; i++)
		w->windows[i].sum = (struct slo_sum){ NAN, 0 };
	is_state(world_evaluate(w), SLO_OK);
	w->in.is_good = false;
	for (size_t i = 0; i < w->in.n_windows; i++)
		w->windows[i].sum.total = 100;
	is_state(world_evaluate(w), SLO_OK);
	world_free(w);
}

static void
test_over(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->in.is_good = true;
	for (size_t i = 0; i < w->in.n_tiles; i++)
		world_tile(w, i, i == 0 ? 36 : 0, 100);
	assert_false(world_evaluate(w)->is_over);
	w->tiles[9].first = 112;
	near("good above total", world_evaluate(w)->left, 0.5);	/* gives nothing back */
	assert_true(w->slo.is_over);
	has_note(&w->slo, "good is up to 12% more than total");
	w->tiles[9] = (struct slo_sum){ 3, 0 };
	assert_true(world_evaluate(w)->is_over);
	has_note(&w->slo, "good counts events where total has none");
	/* Extrapolation may be off by a little. */
	w->tiles[9] = (struct slo_sum){ 100.3, 100 };
	assert_false(world_evaluate(w)->is_over);
	w->tiles[9] = (struct slo_sum){ 1.4, 1 };
	assert_false(world_evaluate(w)->is_over);
	w->tiles[9].total = 100;
	/* More bad ones than all: all are bad, not more. */
	w->in.is_good = false;
	for (size_t i = 0; i < w->in.n_tiles; i++)
		w->tiles[i].first = i == 0 ? 300 : 0;
	near("bad above total", world_evaluate(w)->left, 1 - 100.0 / 72);
	assert_true(w->slo.is_over);
	has_note(&w->slo, "bad is up to 200% more than total");
	/* In a burn window too. */
	w->tiles[0].first = 0;
	w->windows[0].sum = (struct slo_sum){ 30, 10 };
	assert_true(world_evaluate(w)->is_over);
	near("burn is cut", w->slo.burns[0].rate, 1000);
	world_free(w);
}

static void
test_below_zero(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_tile(w, 0, -50, 100);
	world_tile(w, 1, 36, -100);
	world_tile(w, 2, 35.9, 100);
	/* bad 0 + 0 + 35.9 of 71,900 */
	near("left", world_evaluate(w)->left, 1 - 35.9 / 71.9);
	near("bad", w->slo.bad, 35.9);
	world_free(w);
}

/*
 * Whatever the numbers: nothing but NaN where nothing is known, no undefined behaviour (the
 * sanitizers look on).
 */
static void
test_wild_numbers(void **state)
{
	static const double wild[] = { NAN, INFINITY, -INFINITY, 0, -0.0, -1, 1, 1e-300, 1e300, 5e-324, 1.7e308 };
	static const double targets[] = { 1e-12, 0.5, 0.999, 1 - 1e-15 };

	(void)state;
	for (size_t i = 0; i < N_OF(wild) * N_OF(wild) * N_OF(targets); i++) {
		struct slo_sum sum = { wild[i % N_OF(wild)], wild[i / N_OF(wild) % N_OF(wild)] };
		struct world *w = world_new();

		w->def.target = targets[i / N_OF(wild) / N_OF(wild)];
		w->in.is_good = i % 2 != 0;
		for (size_t j = 0; j < w->in.n_tiles; j++)
			w->tiles[j] = j % 3 == 0 ? (struct slo_sum){ 1, 2 } : sum;
		for (size_t j = 0; j < w->in.n_windows; j++)
			w->windows[j].sum = sum;
		w->in.head = sum;
		w->in.tiles_end_ns -= MINUTE;
		world_correct(w, AT - 40 * DAY, AT - 10 * DAY, sum.first, sum.total);
		world_correct(w, AT - 11 * DAY, AT - 1, sum.total, sum.first);
		world_evaluate(w);
		assert_false(isinf(w->slo.left));
		assert_true(isnan(w->slo.sli) || (w->slo.sli >= 0 && w->slo.sli <= 1));
		assert_true(w->slo.exhaustion_ns >= 0);
		assert_false(isinf(w->slo.projected));
		for (size_t j = 0; j < w->slo.n_burns; j++)
			assert_true(isnan(w->slo.burns[j].rate) || w->slo.burns[j].rate >= 0);
		world_detail(w);
		for (size_t j = 0; j < w->detail.n; j++)
			assert_false(isnan(w->detail.left[j].v));
		world_free(w);
	}
}

static void
test_being_read(void **state)
{
	struct world *w = world_new();

	(void)state;
	/* Burn rates are there before the tiles are. */
	w->in.n_tiles = 0;
	w->in.tiles_end_ns = 0;
	w->in.head = (struct slo_sum){ 0, 0 };
	world_burn(w, 20);
	is_state(world_evaluate(w), SLO_PAGE);
	near("left", w->slo.left, NAN);
	has_note(&w->slo, "the window is being read");
	/* Nor are those. */
	w->in.n_windows = 0;
	is_state(world_evaluate(w), SLO_UNKNOWN);
	assert_string_equal(w->slo.why, "not asked yet");
	/* It cannot be asked: why is said as it was told. */
	w->in.error = "prometheus: 422: found duplicate series";
	is_state(world_evaluate(w), SLO_UNKNOWN);
	assert_string_equal(w->slo.why, w->in.error);
	assert_int_equal(w->slo.notes.n, 0);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rolling),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_straddling),
		cmocka_unit_test(test_splitting_changes_nothing),
		cmocka_unit_test(test_order_of_tiles),
		cmocka_unit_test(test_more_bad_leaves_less),
		cmocka_unit_test(test_calendar),
		cmocka_unit_test(test_calendar_edges),
		cmocka_unit_test(test_calendar_begins),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_slices_in_a_calendar),
		cmocka_unit_test(test_partly_covered),
		cmocka_unit_test(test_no_data_at_all),
		cmocka_unit_test(test_data_stops),
		cmocka_unit_test(test_data_has_just_stopped),
		cmocka_unit_test(test_no_traffic),
		cmocka_unit_test(test_first_is_missing),
		cmocka_unit_test(test_good_is_nowhere),
		cmocka_unit_test(test_over),
		cmocka_unit_test(test_below_zero),
		cmocka_unit_test(test_wild_numbers),
		cmocka_unit_test(test_being_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
