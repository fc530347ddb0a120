/* slo_detail(): the burn-down, when the budget was spent, and what was beside it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slo_world.h"

/* The end of so many hours before at. */
static int64_t
hours_ago(int hours)
{
	return AT - hours * HOUR;
}

static void
test_burn_down(void **state)
{
	struct world *w = world_new();
	const struct slo_detail *d;

	(void)state;
	world_tile(w, 0, 18, 100);
	world_tile(w, 100, 9, 100);
	w->tiles[50] = (struct slo_sum){ NAN, NAN };
	d = world_detail(w);
	world_evaluate(w);
	/* 71,900 events: 71.9 may be bad. */
	assert_int_equal(d->n, 720);
	assert_int_equal(d->step_ns, HOUR);
	assert_string_equal(d->id, "slo:web");
	assert_int_equal(d->left[0].t_ns, hours_ago(719));
	near("after the first", d->left[0].v, 1 - 18 / 71.9);
	near("before the second", d->left[99].v, 1 - 18 / 71.9);
	near("after the second", d->left[100].v, 1 - 27 / 71.9);
	assert_int_equal(d->left[719].t_ns, AT);
	assert_true(d->left[719].v == w->slo.left);
	for (size_t i = 1; i < d->n; i++) {
		assert_true(d->left[i].t_ns > d->left[i - 1].t_ns);
		assert_true(d->left[i].v <= d->left[i - 1].v + 1e-12);
	}
	world_free(w);
}

/* The head is a point too, and of the first tile only its part. */
static void
test_burn_down_between_tiles(void **state)
{
	struct world *w = world_new();
	const struct slo_detail *d;

	(void)state;
	w->in.tiles_end_ns = AT - 15 * MINUTE;
	world_tile(w, 0, 40, 100);
	w->in.head = (struct slo_sum){ 6, 25 };
	d = world_detail(w);
	assert_int_equal(d->n, 721);
	near("the part of the first", d->left[0].v, 1 - 30.0 / 72);
	near("before the head", d->left[719].v, 1 - 30.0 / 72);
	assert_int_equal(d->left[720].t_ns, AT);
	near("with the head", d->left[720].v, 0.5);
	/* A head without data ends it all the same: nothing was spent that is known of. */
	w->in.head = (struct slo_sum){ NAN, NAN };
	d = world_detail(w);
	assert_int_equal(d->left[d->n - 1].t_ns, AT);
	world_free(w);
}

/* It ends where the budget stands, whatever corrections take out. */
static void
test_burn_down_with_corrections(void **state)
{
	struct world *w = world_new();
	const struct slo_detail *d;

	(void)state;
	for (size_t i = 0; i < w->in.n_tiles; i++)
		world_tile(w, i, (double)(i % 3) / 8, 100);
	world_tile(w, 300, 80, 100);
	world_tile(w, 301, 40, 100);
	/*
	 * An hour and a half from the middle of one to the end of the other; its own sums are not
	 * quite those of the tiles.
	 */
	world_correct(w, AT - 30 * DAY + 300 * HOUR + 30 * MINUTE, AT - 30 * DAY + 302 * HOUR, 78, 149);
	d = world_detail(w);
	world_evaluate(w);
	assert_true(d->left[d->n - 1].v == w->slo.left);
	/*
	 * By halves (40 and 40 of the tiles' 80) 39 go out of each: 41 remain, and 1; but of its
	 * 100 events 149 x 100/150 are out, and what remains is all that can be bad.
	 */
	near("the excluded hour", (d->left[300].v - d->left[301].v) / (d->left[299].v - d->left[300].v), 2.0 / 3 / 41);
	assert_true(d->left[300].v < d->left[299].v);
	world_free(w);
}

/* A service that is ten days old had no budget before: no flat line at 100 % leads up to it. */
static void
test_burn_down_of_the_young(void **state)
{
	static const int64_t months[] = { AT - 20 * DAY, AT + 11 * DAY };
	struct world *w = world_new();
	const struct slo_detail *d;

	(void)state;
	for (size_t i = 0; i < 480; i++)
		w->tiles[i] = (struct slo_sum){ NAN, NAN };
	w->tiles[600] = w->tiles[0];
	world_tile(w, 500, 6, 100);
	d = world_detail(w);
	assert_int_equal(d->n, 240);
	assert_int_equal(d->left[0].t_ns, hours_ago(239));
	near("first", d->left[0].v, 1);
	near("last", d->left[239].v, 1 - 6 / 23.9);
	/* Of a month too. */
	w->def.bounds = months;
	w->def.n_bounds = N_OF(months);
	d = world_detail(w);
	assert_int_equal(d->n, 240);
	assert_int_equal(d->left[0].t_ns, hours_ago(239));
	world_free(w);
}

/* The first half hour of a month, of which nothing is known yet, is one whole budget. */
static void
test_burn_down_begins(void **state)
{
	static const int64_t months[] = { AT - 30 * MINUTE, AT + 30 * DAY };
	struct world *w = world_new();

	(void)state;
	w->def.bounds = months;
	w->def.n_bounds = N_OF(months);
	w->in.tiles_end_ns = months[0];
	assert_int_equal(world_detail(w)->n, 1);
	assert_int_equal(w->detail.left[0].t_ns, AT);
	near("left", w->detail.left[0].v, 1);
	near("rest", w->detail.rest, 0);
	world_free(w);
}

/* In the first days of a month the even pace is that of all of it. */
static void
test_spends_early_in_a_calendar(void **state)
{
	static const int64_t months[] = { AT - 3 * DAY, AT + 27 * DAY };
	struct world *w = world_new();

	(void)state;
	w->def.bounds = months;
	w->def.n_bounds = N_OF(months);
	/* 7,200 events in 3 days: 72 of the month's may be bad, 0.1 an hour; three times that for ten hours are 3 of 72. */
	for (size_t i = 700; i < 710; i++)
		world_tile(w, i, 0.3, 100);
	assert_int_equal(world_detail(w)->n_spends, 1);
	near("share", w->detail.spends[0].share, 3 / 72.);
	near("rest", w->detail.rest, 0);
	world_free(w);
}

static void
test_spends(void **state)
{
	struct world *w = world_new();
	const struct slo_detail *d;

	(void)state;
	/*
	 * 72 may be bad, 0.1 an hour is the even pace. 18 in two hours with one between; 7.2 in
	 * one; 1 in one is no 2 %.
	 */
	world_tile(w, 100, 9, 100);
	world_tile(w, 102, 9, 100);
	world_tile(w, 400, 7.2, 100);
	world_tile(w, 500, 1, 100);
	/* A week at the even pace is remarkable by its sum, but it is just what the budget is for. */
	for (size_t i = 510; i < 678; i++)
		world_tile(w, i, 0.1, 100);
	d = world_detail(w);
	assert_int_equal(d->n_spends, 2);
	near("largest", d->spends[0].share, 0.25);
	assert_int_equal(d->spends[0].start_ns, hours_ago(620));
	assert_int_equal(d->spends[0].end_ns, hours_ago(617));
	near("other", d->spends[1].share, 0.1);
	assert_int_equal(d->spends[1].start_ns, hours_ago(320));
	assert_int_equal(d->spends[1].end_ns, hours_ago(319));
	assert_string_equal(d->spends[0].beside, "");
	/* 1 in one hour and 16.8 in the week went beside them. */
	near("rest", d->rest, 17.8 / 72);
	near("all together", d->rest + d->spends[0].share + d->spends[1].share, 1 - d->left[719].v);
	/* A slow burn of days at 3x is one stretch. */
	for (size_t i = 510; i < 678; i++)
		world_tile(w, i, 0.3, 100);
	d = world_detail(w);
	near("slow burn", d->spends[0].share, 168 * 0.3 / 72);
	assert_int_equal(d->spends[0].end_ns - d->spends[0].start_ns, 7 * DAY);
	world_free(w);
}

static void
test_many_spends(void **state)
{
	struct world *w = world_new();
	const struct slo_detail *d;

	(void)state;
	for (size_t i = 0; i < 40; i++)
		world_tile(w, 10 + i * 15, 2 + (double)i / 10, 100);
	d = world_detail(w);
	assert_int_equal(d->n_spends, 16);
	near("largest first", d->spends[0].share, 5.9 / 72);
	for (size_t i = 1; i < d->n_spends; i++)
		assert_true(d->spends[i].share < d->spends[i - 1].share);
	/* Those that are not listed, from 2 to 4.3. */
	near("rest", d->rest, 24 * (2 + 4.3) / 2 / 72);
	world_free(w);
}

static void
test_nothing_spent(void **state)
{
	struct world *w = world_new();

	(void)state;
	assert_int_equal(world_detail(w)->n_spends, 0);
	near("left", w->detail.left[719].v, 1);
	near("rest", w->detail.rest, 0);
	/* No traffic, no budget: nothing to share out. */
	for (size_t i = 0; i < w->in.n_tiles; i++)
		world_tile(w, i, 0, 0);
	assert_int_equal(world_detail(w)->n_spends, 0);
	near("left without traffic", w->detail.left[719].v, 1);
	/* Not read yet. */
	w->in.n_tiles = 0;
	w->in.tiles_end_ns = 0;
	assert_int_equal(world_detail(w)->n, 0);
	assert_int_equal(w->detail.n_spends, 0);
	near("rest of what is not known", w->detail.rest, NAN);
	world_free(w);
}

static void
test_slices_in_a_calendar(void **state)
{
	static const int64_t months[] = { AT - 15 * DAY, AT + 15 * DAY };
	struct world *w = world_new();
	const struct slo_detail *d;

	(void)state;
	/*
	 * 43,200 slices of a minute in the month, of which 43.2 may be bad: an hour with 21.6 is
	 * half of it. 360 tiles have been.
	 */
	w->def.method = SLO_TIMESLICES;
	w->def.slice_ns = MINUTE;
	w->def.bounds = months;
	w->def.n_bounds = 2;
	for (size_t i = 0; i < w->in.n_tiles; i++)
		world_tile(w, i, i < 360 ? 60 : 0, 60);
	world_tile(w, 400, 21.6, 60);
	d = world_detail(w);
	assert_int_equal(d->n, 360);
	near("left", d->left[359].v, 0.5);
	assert_int_equal(d->n_spends, 1);
	near("share", d->spends[0].share, 0.5);
	world_free(w);
}

/* What is taken from the budget again when a correction is taken back. */
static void
test_held(void **state)
{
	struct world *w = world_new();
	const struct slo_detail *d;

	(void)state;
	world_tile(w, 480, 36, 100);
	world_tile(w, 500, 18, 100);
	world_tile(w, 10, 9, 100);
	assert_int_equal(world_detail(w)->n_held, 0);
	/* Ids as the log gives them; one lies before the window, one ahead. */
	world_correct(w, AT - 40 * DAY, AT - 39 * DAY, NAN, NAN);
	world_correct(w, AT - 240 * HOUR, AT - 239 * HOUR, 36, 100);
	world_correct(w, AT - 220 * HOUR, AT - 219 * HOUR, 18, 100);
	world_correct(w, AT + HOUR, AT + DAY, NAN, NAN);
	w->corrections[1].id = "c-1";
	w->corrections[2].id = "c-2";
	d = world_detail(w);
	assert_int_equal(d->n_held, 2);
	assert_string_equal(d->held[0].id, "c-2");
	assert_string_equal(d->held[1].id, "c-1");
	/* 9 of 71.8 were spent; with one of them back 27 or 45 of 71.9. */
	near("the last", d->held[0].share, 27 / 71.9 - 9 / 71.8);
	near("the one before", d->held[1].share, 45 / 71.9 - 9 / 71.8);
	world_free(w);
	/* What another one names as well stays out. */
	w = world_new();
	world_tile(w, 480, 36, 100);
	world_correct(w, AT - 240 * HOUR, AT - 239 * HOUR, 36, 100);
	world_correct(w, AT - 240 * HOUR, AT - 239 * HOUR, 36, 100);
	d = world_detail(w);
	assert_int_equal(d->n_held, 2);
	near("twice", d->held[0].share, 0);
	near("the other of them", d->held[1].share, 0);
	world_free(w);
}

static void
test_beside(void **state)
{
	/*
	 * The stretch is tile 400, from 320 to 319 hours ago; what begins up to three tiles before
	 * it is beside it.
	 */
	const struct slo_past all[] = {
		{ hours_ago(700), hours_ago(310), "DiskFull" },
		{ hours_ago(600), hours_ago(320), "EndedJustThen" },
		{ hours_ago(324), hours_ago(324), "ranker 3 -> 4" },
		{ hours_ago(322), hours_ago(322), "spam-filter 6 -> 7" },
		{ hours_ago(320) + MINUTE, hours_ago(318), "SpamFalsePositiveRateHigh" },
		{ hours_ago(319), hours_ago(319), "silence" },
		{ hours_ago(319), hours_ago(310), "SpamFalsePositiveRateHigh" },
		{ hours_ago(318), hours_ago(317), "Later" },
	};
	static const struct {
		size_t from, n;
		const char *want;
	} cases[] = {
		{ 0, 0, "" },
		{ 3, 2, "spam-filter 6 -> 7; SpamFalsePositiveRateHigh" },
		{ 1, 2, "" },
		{ 7, 1, "" },
		{ 4, 3, "silence; SpamFalsePositiveRateHigh" },
		{ 0, 8, "spam-filter 6 -> 7; silence; SpamFalsePositiveRateHigh and 1 more" },
		{ 0, 1, "DiskFull" },
	};
	struct world *w = world_new();

	(void)state;
	world_tile(w, 400, 7.2, 100);
	for (size_t i = 0; i < N_OF(cases); i++) {
		w->in.past = all + cases[i].from;
		w->in.n_past = cases[i].n;
		assert_int_equal(world_detail(w)->n_spends, 1);
		assert_string_equal(w->detail.spends[0].beside, cases[i].want);
	}
	world_free(w);
}

/*
 * 200 objectives of 720 tiles, as bench_slo has them: what a round of arithmetic costs, for people
 * to read.
 */
static void
test_cost(void **state)
{
	struct world *w = world_new();
	struct slo_past past[50];
	int64_t start_ns, evaluated_ns, detailed_ns;

	(void)state;
	for (size_t i = 0; i < w->in.n_tiles; i++)
		world_tile(w, i, i % 17 == 0 ? 2 : 0.01, 100);
	for (size_t i = 0; i < N_OF(past); i++)
		past[i] = (struct slo_past){ hours_ago(700 - (int)i * 14), hours_ago(690 - (int)i * 14),
			i % 2 == 0 ? "one" : "another" };
	w->in.past = past;
	w->in.n_past = N_OF(past);
	world_correct(w, hours_ago(500), hours_ago(430), 2, 7000);
	world_burn(w, 0.2);
	start_ns = clock_mono_fresh();
	for (int i = 0; i < 200; i++)
		world_evaluate(w);
	evaluated_ns = clock_mono_fresh();
	for (int i = 0; i < 200; i++)
		world_detail(w);
	detailed_ns = clock_mono_fresh();
	print_message("200 objectives, 720 tiles: evaluated in %.2f ms, detailed in %.2f ms\n",
	    (double)(evaluated_ns - start_ns) / 1e6, (double)(detailed_ns - evaluated_ns) / 1e6);
	assert_int_equal(w->detail.n, 720);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burn_down),
		cmocka_unit_test(test_burn_down_between_tiles),
		cmocka_unit_test(test_burn_down_with_corrections),
		cmocka_unit_test(test_burn_down_of_the_young),
		cmocka_unit_test(test_burn_down_begins),
		cmocka_unit_test(test_spends_early_in_a_calendar),
		cmocka_unit_test(test_spends),
		cmocka_unit_test(test_many_spends),
		cmocka_unit_test(test_nothing_spent),
		cmocka_unit_test(test_slices_in_a_calendar),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
