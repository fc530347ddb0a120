/*
 * slo_book.h: rounds, requests, and the numbers at the end, against a Prometheus made of formulas.
 */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "insight/slo_eval.h"
#include "slo_book_world.h"

/* --- numbers ---------------------------------------------------------------------------------- */

static void
test_numbers(void **state)
{
	struct world w;
	const struct slo *slo;

	(void)state;
	world_init(&w);
	world_add(&w, "web", "bad_1", "total_1");
	world_define(&w);
	assert_false(slo_book_is_settled(w.book));
	assert_true(slo_book_due_ns(w.book) <= NOW);
	world_pump(&w);
	assert_true(slo_book_is_settled(w.book));
	slo = world_find(w.set, "web");
	world_check(&w.servers[0], slo, "bad_1", "total_1", NOW);
	assert_int_equal(slo->covered_ns, PERIOD);
	assert_int_equal(w.set->every_ns, EVERY);
	assert_false(w.set->is_past);
	/* The outage: an hour of 2 a second, of a budget of 30 d x 0.1 a second. */
	assert_non_null(w.details);
	assert_int_equal(w.details->n, 1);
	assert_near(
	    w.details->v[0].left[w.details->v[0].n - 1].v, slo->left, "the end of the burn-down");
	assert_true(w.details->v[0].n_spends >= 1);
	assert_true(w.details->v[0].spends[0].start_ns < w.servers[0].outage_end_ns);
	assert_true(w.details->v[0].spends[0].end_ns > w.servers[0].outage_start_ns);
	assert_near(w.details->v[0].spends[0].share > 0.02, 1, "the outage is remarkable");
	assert_non_null(strstr(w.details->v[0].spends[0].beside, "ErrorsHigh"));
	assert_non_null(strstr(w.details->v[0].spends[0].beside, "spam-filter 6 -> 7"));
	world_done(&w);
}

static void
test_good_events_and_short_store(void **state)
{
	struct world w;
	struct slo_def *d;
	const struct slo *slo;

	(void)state;
	world_init(&w);
	w.servers[0].store_start_ns = NOW - 5 * DAY - NS_PER_MIN;
	d = world_add(&w, "web", "", "total_1");
	d->bad = NULL;
	d->good = "good_1";
	world_define(&w);
	world_pump(&w);
	slo = world_find(w.set, "web");
	assert_near(slo->left,
	    1 - world_ratio(&w.servers[0], "bad", "total", NOW - 6 * DAY, NOW) / (1 - TARGET),
	    "left");
	assert_true(slo->covered_ns >= 5 * DAY && slo->covered_ns <= 5 * DAY + NS_PER_HOUR);
	world_done(&w);
}

static void
test_no_data(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_add(&w, "silent", "bad_1", "silent_1");
	world_add(&w, "web", "bad_1", "total_1");
	world_add(&w, "zero", "silent_2", "total_1");
	world_define(&w);
	world_pump(&w);
	assert_int_equal(world_find(w.set, "silent")->state, SLO_NO_DATA);
	assert_true(world_find(w.set, "web")->state != SLO_NO_DATA);
	assert_near(world_find(w.set, "zero")->left, 1, "errors that never happened");
	assert_true(slo_book_is_settled(w.book));
	world_done(&w);
}

/* Corrections: one within the window, one cut by its start, one that goes on, one before it. */
static void
test_corrections(void **state)
{
	struct slo_correction c[] = {
		{ .id = "c-0", .start_ns = NOW - 40 * DAY, .end_ns = NOW - 35 * DAY },
		{ .id = "c-1", .start_ns = NOW - 31 * DAY, .end_ns = NOW - 29 * DAY },
		{ .id = "c-2",
		    .start_ns = NOW - 2 * DAY - 7 * NS_PER_MIN,
		    .end_ns = NOW - 2 * DAY + 53 * NS_PER_MIN },
		{ .id = "c-3", .start_ns = NOW - 10 * NS_PER_MIN, .end_ns = NOW + DAY },
	};
	struct world w;
	const struct slo *slo;
	struct slo_def *d;
	size_t n;

	(void)state;
	world_init(&w);
	d = world_add(&w, "web", "bad_1", "total_1");
	d->n_corrections = 4;
	d->corrections = c;
	world_define(&w);
	world_pump(&w);
	slo = world_find(w.set, "web");
	assert_int_equal(slo->state, SLO_EXCLUDED);
	/*
	 * 1 d of the second, the hour of the outage, 10 min of the last; what stays has the usual
	 * rate only.
	 */
	assert_int_equal(slo->excluded_ns, DAY + NS_PER_HOUR + 10 * NS_PER_MIN);
	assert_near(slo->total, TOTAL_RATE * (29 * 86400 - 3600 - 600), "total");
	assert_near(slo->left, 1 - BAD_RATE / TOTAL_RATE / (1 - TARGET), "left");
	/* Later only what goes on and what the start of the window cuts are asked again. */
	n = w.servers[0].n_items;
	world_pass(&w, EVERY);
	assert_near(
	    world_find(w.set, "web")->left, 1 - BAD_RATE / TOTAL_RATE / (1 - TARGET), "left");
	assert_true(w.servers[0].n_items - n <= 2 * (3 + 1 + 1));
	world_done(&w);
}

static void
test_calendar_window(void **state)
{
	int64_t start = (INT64_C(1893456000)) * NS_PER_S,
		bounds[] = { start - 31 * DAY, start, start + 31 * DAY, start + 59 * DAY };
	struct world w;
	struct slo_def *d;

	(void)state;
	world_init(&w);
	d = world_add(&w, "month", "bad_1", "total_1");
	d->n_bounds = 4;
	d->bounds = bounds;
	world_define(&w);
	world_pump(&w);
	assert_int_equal(world_find(w.set, "month")->start_ns, start);
	assert_near(world_find(w.set, "month")->bad,
	    slo_server_sum(&w.servers[0], "bad", start, NOW), "bad so far");
	assert_near(world_find(w.set, "month")->total,
	    slo_server_sum(&w.servers[0], "total", start, NOW), "total so far");
	/* The next month begins. */
	w.now_ns = start + 31 * DAY + 90 * NS_PER_MIN;
	world_pump(&w);
	assert_near(world_find(w.set, "month")->total, TOTAL_RATE * 5400, "total of the new month");
	assert_near(world_find(w.set, "month")->bad, BAD_RATE * 5400, "bad of the new month");
	world_done(&w);
}

/* --- how often what is asked ------------------------------------------------------------------ */

static void
test_two_hundred_share(void **state)
{
	struct world w;
	struct slo_book_stats stats;
	size_t n;

	(void)state;
	world_init(&w);
	for (int i = 0; i < 200; i++) {
		char name[16], bad[16], total[16];

		snprintf(name, sizeof name, "s%03d", i);
		snprintf(bad, sizeof bad, "bad_%d", i);
		snprintf(total, sizeof total, "total_%d", i % 10);
		world_add(&w, name, bad, total);
	}
	world_define(&w);
	world_pump(&w);
	slo_book_stats(w.book, &stats);
	assert_int_equal(stats.n_terms, 210);
	assert_int_equal(stats.n_shared, 190);
	/* 210 terms x (7 windows + head) by 32, the terms' tiles by 16; alerts and changes. */
	assert_int_equal(stats.n_asked, (210 * 8 + 31) / 32 + (210 + 15) / 16 + 2);
	assert_int_equal(w.set->n, 200);
	assert_true(w.servers[0].items_most <= 32);
	for (size_t i = 0; i < 200; i += 37) {
		char bad[16];

		snprintf(bad, sizeof bad, "bad_%zu", i);
		world_check(&w.servers[0], world_find(w.set, w.defs[i].name), bad, "total_1", NOW);
	}
	/* Next round: 5m, 30m, 1h and the head. */
	n = world_asked(&w);
	world_pass(&w, EVERY);
	assert_int_equal(world_asked(&w) - n, (210 * 4 + 31) / 32);
	/* Two minutes on the window of 2 h is due too; of a day only after 24. */
	n = world_asked(&w);
	world_pass(&w, 2 * NS_PER_MIN);
	assert_int_equal(world_asked(&w) - n, (210 * 5 + 31) / 32);
	world_done(&w);
}

static void
test_numbers_stay_right(void **state)
{
	struct world w;
	int64_t oldest;

	(void)state;
	world_init(&w);
	w.servers[0].outage_start_ns = NOW + 10 * NS_PER_MIN;
	w.servers[0].outage_end_ns = NOW + 65 * NS_PER_MIN;
	world_add(&w, "web", "bad_1", "total_1");
	world_define(&w);
	world_pump(&w);
	assert_int_equal(world_find(w.set, "web")->state, SLO_OK);
	for (int i = 0; i < 400; i++) {
		world_pass(&w, EVERY);
		world_check(&w.servers[0], world_find(w.set, "web"), "bad_1", "total_1", w.now_ns);
		/* A long window is never older than a 60th of its length. */
		oldest = world_burn(world_find(w.set, "web"), 3 * DAY)->at_ns;
		assert_true(w.now_ns - oldest <= 3 * DAY / 60);
		assert_int_equal(
		    world_burn(world_find(w.set, "web"), NS_PER_HOUR)->at_ns, w.now_ns);
		if (w.now_ns == NOW + 60 * NS_PER_MIN)
			assert_int_equal(world_find(w.set, "web")->state, SLO_PAGE);
	}
	world_done(&w);
}

static void
test_only_new_tiles(void **state)
{
	struct world w;
	int64_t step;
	size_t n_points, n_details;

	(void)state;
	world_init(&w);
	world_add(&w, "web", "bad_1", "total_1");
	step = slo_tile_step(&w.defs[0]);
	world_define(&w);
	world_pump(&w);
	n_points = w.servers[0].n_points;
	n_details = w.n_details;
	world_pass(&w, EVERY);
	assert_int_equal(w.servers[0].n_points - n_points, 2 * 4);
	assert_int_equal(w.n_details, n_details);
	/*
	 * Behind the edge of a tile: the new one, and two that may have had late samples. 2h, 6h
	 * and 1d are due, too.
	 */
	w.servers[0].late_ns = NOW - NOW % step - step / 2;
	w.servers[0].extra_bad = 1000;
	w.servers[0].known_ns = w.now_ns + 1;
	world_pass(&w, step - w.now_ns % step + NS_PER_S);
	assert_near(world_find(w.set, "web")->bad,
	    slo_server_sum(&w.servers[0], "bad", w.now_ns - PERIOD, w.now_ns),
	    "bad, with the late ones");
	assert_int_equal(w.n_details, n_details + 1);
	assert_int_equal(w.servers[0].n_points - n_points, 2 * 4 + 2 * (4 + 3 + 3));
	world_done(&w);
}

/* --- first answers early ---------------------------------------------------------------------- */

static void
test_early(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_add(&w, "web", "bad_1", "total_1");
	world_define(&w);
	w.is_held = true;
	world_pump(&w);
	assert_int_equal(w.n_sets, 1);
	assert_true(isnan(world_find(w.set, "web")->left));
	assert_true(world_has_note(world_find(w.set, "web"), "the window is being read"));
	assert_near(world_burn(world_find(w.set, "web"), 3 * DAY)->rate,
	    world_ratio(&w.servers[0], "bad", "total", NOW - 3 * DAY, NOW) / (1 - TARGET), "burn");
	assert_false(slo_book_is_settled(w.book));
	assert_null(w.details);
	/* Rounds go on meanwhile. */
	world_pass(&w, EVERY);
	world_pass(&w, EVERY);
	assert_int_equal(w.set->at_ns, w.now_ns);
	assert_false(slo_book_is_settled(w.book));
	w.is_held = false;
	world_pass(&w, NS_PER_S);
	assert_true(slo_book_is_settled(w.book));
	assert_near(world_find(w.set, "web")->left,
	    1 -
		world_ratio(&w.servers[0], "bad", "total", w.set->at_ns - PERIOD, w.set->at_ns) /
		    (1 - TARGET),
	    "left");
	assert_non_null(w.details);
	world_done(&w);
}

/* --- definitions that change ------------------------------------------------------------------ */

static void
test_definitions_change(void **state)
{
	struct world w;
	const struct slo_ask *v;
	char id[64];
	size_t n_points, step;

	(void)state;
	world_init(&w);
	world_add(&w, "one", "bad_1", "total_1");
	world_define(&w);
	assert_true(slo_book_turn(w.book, w.now_ns));
	step = slo_book_asks(w.book, &v);
	assert_true(step > 0);
	snprintf(id, sizeof id, "%s", v[0].id);
	/* In the middle of a round: what was asked for is asked no more. */
	world_add(&w, "two", "bad_2", "total_1");
	world_define(&w);
	assert_int_equal(slo_book_asks(w.book, &v), 0);
	assert_false(slo_book_failed(w.book, id, 0, "late"));
	world_pump(&w);
	assert_int_equal(w.set->n, 2);
	world_check(&w.servers[0], world_find(w.set, "two"), "bad_2", "total_1", NOW);
	assert_int_equal(w.details->n, 2);
	/*
	 * What is known of expressions that stay is kept: three windows and the head of each are
	 * asked, of the new one all, and the long windows of the total beside it: a ratio is of one
	 * time.
	 */
	n_points = w.servers[0].n_points;
	world_add(&w, "z", "bad_3", "total_1");
	w.now_ns += NS_PER_S;
	world_define(&w);
	world_pump(&w);
	assert_int_equal(w.servers[0].n_points - n_points, 3 * 4 + 4 + 8 + 719);
	world_check(&w.servers[0], world_find(w.set, "z"), "bad_3", "total_1", w.now_ns);
	assert_int_equal(w.details->n, 3);
	/* None at all. */
	w.n_def = 0;
	world_define(&w);
	world_pump(&w);
	assert_int_equal(slo_book_asks(w.book, &v), 0);
	assert_true(slo_book_is_settled(w.book));
	assert_true(slo_book_due_ns(w.book) == INT64_MAX);
	world_done(&w);
}

/* --- the past --------------------------------------------------------------------------------- */

static void
test_past(void **state)
{
	struct world w;
	const int64_t then = NOW - 3 * DAY - 1234 * NS_PER_S;
	size_t n_points, n_asks;
	const struct slo_ask *v;

	(void)state;
	world_init(&w);
	w.servers[0].outage_start_ns = then - 4 * NS_PER_HOUR;
	w.servers[0].outage_end_ns = then + NS_PER_HOUR;
	world_add(&w, "web", "bad_1", "total_1");
	world_define(&w);
	world_pump(&w);
	assert_null(w.past);
	n_points = w.servers[0].n_points;
	slo_book_at(w.book, then + 400 * NS_PER_MS);
	world_pump(&w);
	assert_true(w.past->is_past);
	assert_int_equal(w.past->at_ns, then);
	world_check(&w.servers[0], world_find(w.past, "web"), "bad_1", "total_1", then);
	assert_int_equal(world_find(w.past, "web")->state, SLO_PAGE);
	assert_true(w.past_details->is_past);
	/*
	 * Tiles that the live window knows are not asked again: 7 windows and a head, and three
	 * days of tiles at its start.
	 */
	assert_in_range(w.servers[0].n_points - n_points, 2 * 8 + 2 * 71, 2 * 8 + 2 * 73);
	world_check(&w.servers[0], world_find(w.set, "web"), "bad_1", "total_1", NOW);
	/* The cursor stays: nothing more is asked, and the live rounds go on. */
	w.n_pasts = 0;
	world_pass(&w, EVERY);
	assert_int_equal(w.n_pasts, 0);
	assert_int_equal(w.set->at_ns, w.now_ns);
	/* It moves while it is being worked out. */
	w.is_held_instants = true;
	slo_book_at(w.book, then - DAY);
	slo_book_turn(w.book, w.now_ns);
	n_asks = slo_book_asks(w.book, &v);
	assert_true(n_asks > 0);
	slo_book_at(w.book, then - 2 * DAY);
	w.is_held_instants = false;
	world_pump(&w);
	world_check(&w.servers[0], world_find(w.past, "web"), "bad_1", "total_1", then - 2 * DAY);
	/* Back to now. */
	slo_book_at(w.book, then - 9 * DAY);
	slo_book_turn(w.book, w.now_ns);
	slo_book_at(w.book, 0);
	assert_int_equal(slo_book_asks(w.book, &v), 0);
	w.n_pasts = 0;
	world_pass(&w, EVERY);
	assert_int_equal(w.n_pasts, 0);
	assert_int_equal(w.set->at_ns, w.now_ns);
	world_done(&w);
}

static void
test_clock_steps_back(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_add(&w, "web", "bad_1", "total_1");
	world_define(&w);
	world_pump(&w);
	world_pass(&w, -2 * NS_PER_HOUR);
	assert_int_equal(w.set->at_ns, NOW - 2 * NS_PER_HOUR);
	world_check(&w.servers[0], world_find(w.set, "web"), "bad_1", "total_1", w.now_ns);
	world_done(&w);
}

/* Rules go on as they are, wherever they stand now; one that is new has not been above yet. */
static void
test_new_rules(void **state)
{
	static const struct slo_rule rules[] = {
		{ 1e-6, NS_PER_HOUR, 5 * NS_PER_MIN, 10 * NS_PER_MIN, SEVERITY_TICKET },
		{ 2e-6, NS_PER_HOUR, 5 * NS_PER_MIN, 10 * NS_PER_MIN, SEVERITY_PAGE },
		{ 1e-6, NS_PER_HOUR, 5 * NS_PER_MIN, 10 * NS_PER_MIN, SEVERITY_TICKET },
	};
	struct world w;
	struct slo_def *d;
	const struct slo *slo;

	(void)state;
	world_init(&w);
	d = world_add(&w, "web", "bad_1", "total_1");
	d->rules = rules;
	d->n_rules = 1;
	world_define(&w);
	world_pump(&w);
	world_pass(&w, EVERY);
	assert_true(world_find(w.set, "web")->rules[0].is_firing);
	assert_true(world_find(w.set, "web")->rules[0].above_since_ns == NOW);
	/* A worse one comes before it; only once was this looked at, though it was said twice. */
	d->rules = rules + 1;
	d->n_rules = 2;
	world_define(&w);
	world_define(&w);
	world_pass(&w, EVERY);
	slo = world_find(w.set, "web");
	assert_int_equal(slo->n_rules, 2);
	assert_true(slo->rules[0].is_above && !slo->rules[0].is_firing);
	assert_true(slo->rules[0].above_since_ns == NOW + 2 * EVERY);
	assert_true(slo->rules[1].is_firing);
	assert_true(slo->rules[1].above_since_ns == NOW);
	assert_int_equal(slo->state, SLO_TICKET);
	for (int i = 0; i < 40; i++)
		world_pass(&w, EVERY);
	assert_int_equal(world_find(w.set, "web")->state, SLO_PAGE);
	assert_true(world_find(w.set, "web")->since_ns == NOW + 42 * EVERY);
	world_done(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_good_events_and_short_store),
		cmocka_unit_test(test_no_data),
		cmocka_unit_test(test_corrections),
		cmocka_unit_test(test_calendar_window),
		cmocka_unit_test(test_two_hundred_share),
		cmocka_unit_test(test_numbers_stay_right),
		cmocka_unit_test(test_only_new_tiles),
		cmocka_unit_test(test_early),
		cmocka_unit_test(test_definitions_change),
		cmocka_unit_test(test_past),
		cmocka_unit_test(test_clock_steps_back),
		cmocka_unit_test(test_new_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
