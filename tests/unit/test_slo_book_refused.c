/*
 * slo_book.h: what becomes of requests that are refused, too large, too late or not answered at
 * all.
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
#include "slo_book_world.h"

/* --- refusals --------------------------------------------------------------------------------- */

static void
test_too_large(void **state)
{
	struct world w;
	size_t n_split;

	(void)state;
	world_init(&w);
	for (int i = 0; i < 40; i++) {
		char name[16], bad[16];

		snprintf(name, sizeof name, "s%02d", i);
		snprintf(bad, sizeof bad, "bad_%d", i);
		world_add(&w, name, bad, "total_1");
	}
	w.servers[0].items_max = 5;
	world_define(&w);
	world_pump(&w);
	n_split = world_split(&w);
	assert_true(n_split > 0);
	for (int i = 0; i < 40; i++)
		world_check(&w.servers[0], world_find(w.set, w.defs[i].name), w.defs[i].bad,
		    "total_1", NOW);
	/* It is remembered. */
	for (int i = 0; i < 5; i++)
		world_pass(&w, EVERY);
	assert_int_equal(world_split(&w), n_split);
	/* And tried again after a good while. */
	w.servers[0].items_max = 0;
	world_pass(&w, 90 * NS_PER_MIN);
	w.servers[0].items_most = 0;
	for (int i = 0; i < 40; i++)
		world_pass(&w, NS_PER_HOUR + NS_PER_MIN);
	assert_int_equal(w.servers[0].items_most, 32);
	world_done(&w);
}

static void
test_one_is_wrong(void **state)
{
	struct world w;
	size_t n_split, n_refused;

	(void)state;
	world_init(&w);
	for (int i = 0; i < 30; i++) {
		char name[16], bad[16];

		snprintf(name, sizeof name, "s%02d", i);
		snprintf(bad, sizeof bad, "bad_%d", i);
		world_add(&w, name, bad, "total_1");
	}
	w.servers[0].wrong_metric = "bad_7";
	world_define(&w);
	world_pump(&w);
	assert_int_equal(world_find(w.set, "s07")->state, SLO_UNKNOWN);
	assert_non_null(strstr(world_find(w.set, "s07")->why, "parse error"));
	for (int i = 0; i < 30; i++)
		if (i != 7)
			world_check(&w.servers[0], world_find(w.set, w.defs[i].name), w.defs[i].bad,
			    "total_1", NOW);
	assert_true(slo_book_is_settled(w.book));
	/* It rests, and nothing else is made smaller for it. */
	n_split = world_split(&w);
	n_refused = w.servers[0].n_refused;
	w.servers[0].items_most = 0;
	world_pass(&w, EVERY);
	assert_int_equal(w.servers[0].n_refused, n_refused);
	assert_int_equal(w.servers[0].items_most, 32);
	/* Tried again later, alone; and when it is right, it counts again. */
	world_pass(&w, 20 * EVERY);
	assert_int_equal(world_split(&w), n_split);
	assert_true(w.servers[0].n_refused > n_refused);
	w.servers[0].wrong_metric = NULL;
	world_pass(&w, 20 * EVERY);
	world_check(&w.servers[0], world_find(w.set, "s07"), "bad_7", "total_1", w.now_ns);
	world_done(&w);
}

static void
test_window_in_chunks(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_add(&w, "web", "bad_1", "total_1");
	world_add(&w, "worker", "bad_2", "total_1");
	w.servers[0].points_max = 50;
	world_define(&w);
	world_pump(&w);
	world_check(&w.servers[0], world_find(w.set, "web"), "bad_1", "total_1", NOW);
	world_check(&w.servers[0], world_find(w.set, "worker"), "bad_2", "total_1", NOW);
	assert_true(world_split(&w) > 0);
	world_done(&w);
}

/* Proxies tell their limit on the length of a range with 400. */
static void
test_range_too_long(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_add(&w, "web", "bad_1", "total_1");
	world_add(&w, "worker", "bad_2", "total_1");
	w.servers[0].range_max_ns = 7 * DAY;
	world_define(&w);
	world_pump(&w);
	world_check(&w.servers[0], world_find(w.set, "web"), "bad_1", "total_1", NOW);
	world_check(&w.servers[0], world_find(w.set, "worker"), "bad_2", "total_1", NOW);
	assert_true(world_split(&w) > 0);
	world_done(&w);
}

static void
test_window_too_costly(void **state)
{
	struct world w;
	const struct slo *slo;
	size_t n_refused;

	(void)state;
	world_init(&w);
	world_add(&w, "heavy", "bad_1", "total_1");
	world_add(&w, "web", "bad_2", "total_1");
	w.servers[0].heavy_metric = "bad_1";
	w.servers[0].heavy_points = 2;
	world_define(&w);
	world_pump(&w);
	slo = world_find(w.set, "heavy");
	assert_true(isnan(slo->left));
	assert_int_equal(slo->state, SLO_UNKNOWN);
	assert_non_null(strstr(slo->why, "--export slo-rules"));
	assert_near(world_burn(slo, NS_PER_HOUR)->rate,
	    world_ratio(&w.servers[0], "bad", "total", NOW - NS_PER_HOUR, NOW) / (1 - TARGET),
	    "burn");
	world_check(&w.servers[0], world_find(w.set, "web"), "bad_2", "total_1", NOW);
	assert_true(slo_book_is_settled(w.book));
	n_refused = w.servers[0].n_refused;
	world_pass(&w, EVERY);
	assert_int_equal(w.servers[0].n_refused, n_refused);
	world_done(&w);
}

/* What fires does so, whatever else cannot be worked out. */
static void
test_page_beside_what_is_too_costly(void **state)
{
	struct world w;
	const struct slo *slo;

	(void)state;
	world_init(&w);
	world_add(&w, "heavy", "bad_1", "total_1");
	w.servers[0].outage_start_ns = NOW - NS_PER_HOUR;
	w.servers[0].outage_end_ns = NOW;
	w.servers[0].heavy_metric = "bad_1";
	w.servers[0].heavy_points = 2;
	w.servers[0].heavy_ns = 3 * NS_PER_HOUR;
	world_define(&w);
	world_pump(&w);
	slo = world_find(w.set, "heavy");
	assert_int_equal(slo->state, SLO_PAGE);
	assert_true(isnan(slo->left));
	assert_true(world_has_note(slo, "the window is too costly to read"));
	assert_true(world_has_note(slo, "no burn rate over 1d"));
	assert_true(isnan(world_burn(slo, DAY)->rate));
	/* Without it nobody can say that the rule of the day does not fire. */
	w.servers[0].outage_start_ns = w.servers[0].outage_end_ns = 0;
	world_pass(&w, EVERY);
	assert_int_equal(world_find(w.set, "heavy")->state, SLO_UNKNOWN);
	world_done(&w);
}

/* Without what a correction takes out the budget would be wrong, and is not told. */
static void
test_correction_too_costly(void **state)
{
	const struct slo_correction c = {
		.id = "c-1", .start_ns = NOW - 9 * DAY, .end_ns = NOW - 9 * DAY + 5 * NS_PER_HOUR
	};
	struct world w;
	const struct slo *slo;

	(void)state;
	world_init(&w);
	world_add(&w, "web", "bad_1", "total_1");
	w.defs[0].n_corrections = 1;
	w.defs[0].corrections = &c;
	w.servers[0].heavy_metric = "bad_1";
	w.servers[0].heavy_ns = 4 * NS_PER_HOUR;
	world_define(&w);
	world_pump(&w);
	slo = world_find(w.set, "web");
	assert_int_equal(slo->state, SLO_UNKNOWN);
	assert_true(isnan(slo->left));
	assert_non_null(
	    strstr(slo->why, "what the correction c-1 takes out was not read: query processing"));
	assert_true(slo_book_is_settled(w.book));
	/* Tried again later. */
	w.servers[0].heavy_ns = 0;
	world_pass(&w, 21 * EVERY);
	assert_near(world_find(w.set, "web")->total, TOTAL_RATE * (30 * 86400 - 5 * 3600), "total");
	world_done(&w);
}

/* The same of a window so short that no burn rate is asked. */
static void
test_correction_without_burns(void **state)
{
	const struct slo_correction c = {
		.id = "c-1", .start_ns = NOW - 2 * NS_PER_MIN, .end_ns = NOW - NS_PER_MIN
	};
	struct world w;
	const struct slo *slo;

	(void)state;
	world_init(&w);
	world_add(&w, "web", "bad_1", "total_1");
	w.defs[0].period_ns = 4 * NS_PER_MIN;
	w.defs[0].n_rules = 0;
	w.defs[0].n_corrections = 1;
	w.defs[0].corrections = &c;
	w.servers[0].status = 503;
	world_define(&w);
	world_pump(&w);
	slo = world_find(w.set, "web");
	assert_int_equal(slo->n_burns, 0);
	assert_int_equal(slo->state, SLO_UNKNOWN);
	assert_true(isnan(slo->left));
	world_done(&w);
}

/* A burn window that is too heavy at once is added up from tiles. */
static void
test_burn_window_from_tiles(void **state)
{
	struct world w;
	const struct slo *slo;
	size_t n_refused;

	(void)state;
	world_init(&w);
	world_add(&w, "heavy", "bad_1", "total_1");
	w.servers[0].heavy_metric = "bad_1";
	w.servers[0].heavy_ns = 12 * NS_PER_HOUR;
	world_define(&w);
	world_pump(&w);
	slo = world_find(w.set, "heavy");
	world_check(&w.servers[0], slo, "bad_1", "total_1", NOW);
	n_refused = w.servers[0].n_refused;
	world_pass(&w, EVERY);
	assert_int_equal(w.servers[0].n_refused, n_refused);
	/* One that is too heavy and has no tiles to be made of. */
	w.servers[0].heavy_ns = 10 * NS_PER_MIN;
	world_pass(&w, EVERY);
	slo = world_find(w.set, "heavy");
	world_pass(&w, 10 * EVERY);
	slo = world_find(w.set, "heavy");
	assert_int_equal(slo->state, SLO_UNKNOWN);
	assert_non_null(strstr(slo->why, "too many samples"));
	world_done(&w);
}

static void
test_tiles_time_out(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	for (int i = 0; i < 12; i++) {
		char name[16], bad[16];

		snprintf(name, sizeof name, "s%02d", i);
		snprintf(bad, sizeof bad, "bad_%d", i);
		world_add(&w, name, bad, "total_1");
	}
	w.servers[0].tile_items_max = 3;
	world_define(&w);
	world_pump(&w);
	for (int i = 0; i < 6; i++)
		world_pass(&w, EVERY);
	for (int i = 0; i < 12; i++)
		world_check(&w.servers[0], world_find(w.set, w.defs[i].name), w.defs[i].bad,
		    "total_1", w.now_ns);
	world_done(&w);
}

/*
 * All is in one request, so that nothing else tells whether the server is well or the request too
 * large.
 */
static void
test_all_time_out_together(void **state)
{
	struct world w;
	size_t n_refused;

	(void)state;
	world_init(&w);
	world_add(&w, "web", "bad_1", "total_1");
	w.servers[0].slow_items_max = 3;
	world_define(&w);
	world_pump(&w);
	assert_int_equal(world_find(w.set, "web")->state, SLO_UNKNOWN);
	for (int i = 0; i < 8; i++)
		world_pass(&w, EVERY);
	world_check(&w.servers[0], world_find(w.set, "web"), "bad_1", "total_1", w.now_ns);
	/* And what is too large is tried less and less often. */
	n_refused = w.servers[0].n_refused;
	for (int i = 0; i < 100; i++)
		world_pass(&w, EVERY);
	assert_true(w.servers[0].n_refused - n_refused <= 4 * 7);
	world_done(&w);
}

static void
test_histograms_are_refused(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_add(&w, "web", "bad_1", "total_1");
	w.servers[0].is_histogram = true;
	world_define(&w);
	world_pump(&w);
	assert_int_equal(world_find(w.set, "web")->state, SLO_UNKNOWN);
	assert_non_null(strstr(world_find(w.set, "web")->why, "histogram_count()"));
	assert_true(slo_book_is_settled(w.book));
	world_done(&w);
}

static void
test_wrong_definition(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_add(&w, "odd", "rate(bad_1[5m])", "total_1");
	world_add(&w, "web", "bad_1", "total_1");
	world_define(&w);
	world_pump(&w);
	assert_int_equal(world_find(w.set, "odd")->state, SLO_UNKNOWN);
	assert_non_null(strstr(world_find(w.set, "odd")->why, "write ${window}"));
	world_check(&w.servers[0], world_find(w.set, "web"), "bad_1", "total_1", NOW);
	assert_true(slo_book_is_settled(w.book));
	world_done(&w);
}

/* --- no answers ------------------------------------------------------------------------------- */

static void
test_dead_source(void **state)
{
	static const long statuses[] = { -1, 503, 401, 429, 404 };

	(void)state;
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		struct world w;

		world_init(&w);
		world_add(&w, "web", "bad_1", "total_1");
		w.servers[0].status = statuses[i];
		world_define(&w);
		world_pump(&w);
		assert_int_equal(world_find(w.set, "web")->state, SLO_UNKNOWN);
		assert_non_null(strstr(world_find(w.set, "web")->why, "no"));
		assert_true(slo_book_is_settled(w.book));
		for (int round = 0; round < 30; round++)
			world_pass(&w, EVERY);
		w.servers[0].status = 0;
		world_pass(&w, EVERY);
		world_check(&w.servers[0], world_find(w.set, "web"), "bad_1", "total_1", w.now_ns);
		/* Dies again: for a little while what is known serves, then it is unknown. */
		w.servers[0].status = statuses[i];
		world_pass(&w, EVERY);
		assert_int_equal(world_find(w.set, "web")->state, SLO_OK);
		assert_true(fabs(world_find(w.set, "web")->left - 0.92) < 0.01);
		for (int round = 0; round < 8; round++)
			world_pass(&w, EVERY);
		assert_int_equal(world_find(w.set, "web")->state, SLO_UNKNOWN);
		world_done(&w);
	}
}

static void
test_requests_are_large_again_after_an_outage(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	for (int i = 0; i < 40; i++) {
		char name[16], bad[16];

		snprintf(name, sizeof name, "s%02d", i);
		snprintf(bad, sizeof bad, "bad_%d", i);
		world_add(&w, name, bad, "total_1");
	}
	w.servers[0].status = -1;
	world_define(&w);
	world_pump(&w);
	for (int round = 0; round < 10; round++)
		world_pass(&w, EVERY);
	w.servers[0].status = 0;
	for (int round = 0; round < 8; round++)
		world_pass(&w, EVERY);
	w.servers[0].items_most = 0;
	world_pass(&w, EVERY);
	assert_int_equal(w.servers[0].items_most, 32);
	world_done(&w);
}

/* A server that is gone gets one small request a round, and when it is back the usual ones at once. */
static void
test_a_dead_source_is_probed(void **state)
{
	struct world w;
	size_t n, n_usual;

	(void)state;
	world_init(&w);
	for (int i = 0; i < 100; i++) {
		char name[16], bad[16];

		snprintf(name, sizeof name, "s%03d", i);
		snprintf(bad, sizeof bad, "bad_%d", i);
		world_add(&w, name, bad, "total_1");
	}
	world_define(&w);
	world_pump(&w);
	for (int round = 0; round < 6; round++)
		world_pass(&w, EVERY);
	n = world_asked(&w);
	world_pass(&w, EVERY);
	n_usual = world_asked(&w) - n;
	assert_true(n_usual > 10);
	w.servers[0].status = -1;
	world_pass(&w, EVERY);
	for (int round = 0; round < 300; round++) {
		n = world_asked(&w);
		world_pass(&w, EVERY);
		assert_int_equal(world_asked(&w) - n, 1);
	}
	assert_int_equal(world_find(w.set, "s007")->state, SLO_UNKNOWN);
	w.servers[0].status = 0;
	w.servers[0].items_most = 0;
	n = world_asked(&w);
	world_pass(&w, EVERY);
	world_check(&w.servers[0], world_find(w.set, "s007"), "bad_7", "total_1", w.now_ns);
	assert_int_equal(w.servers[0].items_most, 32);
	assert_true(world_asked(&w) - n <= 4 * n_usual);
	n = world_asked(&w);
	world_pass(&w, EVERY);
	assert_int_equal(world_asked(&w) - n, n_usual);
	world_done(&w);
}

/* The cursor in the past does not stay without an answer for ever. */
static void
test_the_past_is_asked_again(void **state)
{
	int64_t past = NOW - 40 * DAY;
	struct world w;
	size_t n;

	(void)state;
	world_init(&w);
	world_add(&w, "web", "bad_1", "total_1");
	world_define(&w);
	world_pump(&w);
	w.servers[0].status = -1;
	slo_book_at(w.book, past);
	world_pass(&w, EVERY);
	assert_int_equal(world_find(w.past, "web")->state, SLO_UNKNOWN);
	assert_int_equal(slo_book_due_ns(w.book), w.now_ns + EVERY);
	world_pass(&w, EVERY);
	w.servers[0].status = 0;
	world_pass(&w, EVERY);
	world_check(&w.servers[0], world_find(w.past, "web"), "bad_1", "total_1", past);
	assert_non_null(w.past_details);
	assert_int_equal(w.past_details->n, 1);
	/* Nothing is missing any more: it is not asked again. */
	n = w.n_pasts;
	for (int round = 0; round < 4; round++)
		world_pass(&w, EVERY);
	assert_int_equal(w.n_pasts, n);
	world_done(&w);
}

/* Nor does its window, when only the tiles of it were not answered. */
static void
test_tiles_of_the_past_are_asked_again(void **state)
{
	int64_t past = NOW - 40 * DAY;
	struct world w;

	(void)state;
	world_init(&w);
	world_add(&w, "web", "bad_1", "total_1");
	world_define(&w);
	world_pump(&w);
	w.servers[0].points_max = 1;
	slo_book_at(w.book, past);
	world_pass(&w, EVERY);
	assert_true(isnan(world_find(w.past, "web")->left));
	w.servers[0].points_max = 0;
	for (int round = 0; round < 45; round++)
		world_pass(&w, EVERY);
	world_check(&w.servers[0], world_find(w.past, "web"), "bad_1", "total_1", past);
	world_done(&w);
}

static void
test_late_answers(void **state)
{
	struct world w;
	const struct slo_ask *v;
	struct series_set *late;
	long status;
	const char *error;

	(void)state;
	world_init(&w);
	world_add(&w, "web", "bad_1", "total_1");
	world_define(&w);
	w.is_held_instants = true;
	world_pump(&w);
	assert_int_equal(w.n_sets, 0);
	assert_true(slo_book_asks(w.book, &v) > 0);
	assert_int_equal(v[0].step_ns, 0);
	late = slo_server_answer(&w.servers[0], &v[0], &status, &error);
	assert_int_equal(slo_book_due_ns(w.book), NOW + 3 * EVERY);
	world_pass(&w, EVERY);
	assert_int_equal(w.n_sets, 0);
	/* Three periods after its begin the round is over. */
	world_pass(&w, 2 * EVERY);
	assert_int_equal(w.n_sets, 1);
	assert_int_equal(world_find(w.set, "web")->state, SLO_UNKNOWN);
	assert_non_null(strstr(world_find(w.set, "web")->why, "no answer within 45 s"));
	assert_false(slo_book_answer(w.book, late));
	assert_false(slo_book_failed(w.book, late->query, 0, "late"));
	assert_false(slo_book_failed(w.book, "slo:nothing", 0, ""));
	block_unref(late);
	w.is_held_instants = false;
	world_pass(&w, EVERY);
	world_check(&w.servers[0], world_find(w.set, "web"), "bad_1", "total_1", w.set->at_ns);
	world_done(&w);
}

static void
test_two_sources(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_add(&w, "here", "bad_1", "total_1");
	world_add(&w, "there", "bad_1", "total_1")->source = "other";
	w.servers[0].status = -1;
	world_define(&w);
	world_pump(&w);
	assert_int_equal(world_find(w.set, "here")->state, SLO_UNKNOWN);
	world_check(&w.servers[1], world_find(w.set, "there"), "bad_1", "total_1", NOW);
	assert_true(slo_book_is_settled(w.book));
	w.servers[0].status = 0;
	w.servers[1].status = 503;
	world_pass(&w, EVERY);
	world_check(&w.servers[0], world_find(w.set, "here"), "bad_1", "total_1", w.now_ns);
	world_done(&w);
}

/* --- anything at all -------------------------------------------------------------------------- */

static unsigned
dice(unsigned *seed, unsigned n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

/*
 * Something happens: an answer in any order, a refusal of any kind, other definitions, the cursor,
 * time.
 */
static void
happen(struct world *w, unsigned *seed)
{
	static const long statuses[] = { 0, 400, 401, 413, 422, 429, 500, 503 };
	const struct slo_ask *v;
	size_t n = slo_book_asks(w->book, &v);
	unsigned what = dice(seed, 40);
	char id[64];

	if (n > 0 && what < 34) {
		const struct slo_ask *ask = &v[dice(seed, (unsigned)n)];
		struct series_set *set;
		const char *error;
		long status;

		snprintf(id, sizeof id, "%s", ask->id);
		set = slo_server_answer(
		    &w->servers[strcmp(ask->source, "prom") != 0], ask, &status, &error);
		if (what < 20)
			assert_true(slo_book_answer(w->book, set));
		else
			assert_true(slo_book_failed(w->book, id, statuses[dice(seed, 8)],
			    dice(seed, 2) ? "too many samples" : "no"));
		assert_false(slo_book_failed(w->book, id, 0, "twice"));
		block_unref(set);
	} else if (what == 35) {
		w->n_def = 1 + dice(seed, 12);
		world_define(w);
	} else if (what == 36) {
		slo_book_at(w->book, dice(seed, 3) == 0 ? 0 : NOW - dice(seed, 40) * NS_PER_HOUR);
	} else {
		w->now_ns += dice(seed, 30) * NS_PER_S + (dice(seed, 10) == 0 ? NS_PER_HOUR : 0);
	}
}

static void
test_anything(void **state)
{
	(void)state;
	for (unsigned run = 0; run < 30; run++) {
		unsigned seed = run;
		struct world w;

		world_init(&w);
		for (int i = 0; i < 12; i++) {
			char name[16], bad[16];

			snprintf(name, sizeof name, "s%02d", i);
			snprintf(bad, sizeof bad, "bad_%d", i);
			world_add(&w, name, bad, i % 2 ? "total_1" : "total_2")->source = i % 3 ?
			    "prom" :
			    "other";
		}
		world_define(&w);
		for (int i = 0; i < 1500; i++) {
			happen(&w, &seed);
			slo_book_turn(w.book, w.now_ns);
			world_take(&w);
		}
		/* Then all is well, and right after what was refused has rested. */
		for (int i = 0; i < 45; i++)
			world_pass(&w, EVERY);
		for (size_t i = 0; i < w.n_def; i++)
			world_check(&w.servers[0], world_find(w.set, w.defs[i].name), w.defs[i].bad,
			    "total_1", w.now_ns);
		assert_true(slo_book_is_settled(w.book));
		world_done(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_one_is_wrong),
		cmocka_unit_test(test_window_in_chunks),
		cmocka_unit_test(test_range_too_long),
		cmocka_unit_test(test_window_too_costly),
		cmocka_unit_test(test_page_beside_what_is_too_costly),
		cmocka_unit_test(test_correction_too_costly),
		cmocka_unit_test(test_correction_without_burns),
		cmocka_unit_test(test_burn_window_from_tiles),
		cmocka_unit_test(test_tiles_time_out),
		cmocka_unit_test(test_all_time_out_together),
		cmocka_unit_test(test_histograms_are_refused),
		cmocka_unit_test(test_wrong_definition),
		cmocka_unit_test(test_dead_source),
		cmocka_unit_test(test_requests_are_large_again_after_an_outage),
		cmocka_unit_test(test_a_dead_source_is_probed),
		cmocka_unit_test(test_the_past_is_asked_again),
		cmocka_unit_test(test_tiles_of_the_past_are_asked_again),
		cmocka_unit_test(test_late_answers),
		cmocka_unit_test(test_two_sources),
		cmocka_unit_test(test_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
