/* slo_book.h: rounds, requests, what becomes of refusals, and the numbers at the end, against a Prometheus made of formulas. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "insight/slo_book.h"
#include "insight/slo_eval.h"
#include "slo_server.h"

#define DAY (24 * NS_PER_HOUR)
#define PERIOD (30 * DAY)
#define EVERY (15 * NS_PER_S)
/* 2030-01-20T10:17:30Z: no edge of a tile. */
#define NOW ((INT64_C(1893456000) + 19 * 86400 + 10 * 3600 + 17 * 60 + 30) * NS_PER_S)
#define TARGET 0.99

enum { DEFS_MAX = 256, PUMPS_MAX = 2000 };

/* --- a world ---------------------------------------------------------------------------------------------------------- */

struct world {
	struct slo_server servers[2];	/* "prom" and "other" */
	struct slo_book *book;
	int64_t now_ns;
	bool is_held;			/* requests for tiles stay unanswered */
	bool is_held_instants;
	struct slo_set *set, *past;	/* the last ones */
	struct slo_detail_set *details, *past_details;
	size_t n_sets, n_details, n_pasts;
	size_t n_def;
	struct slo_def defs[DEFS_MAX];
	char text[DEFS_MAX][3][64];	/* id, first, total */
};

static const struct slo_rule rules[] = {
	{ .factor = 14.4, .long_ns = NS_PER_HOUR, .short_ns = 5 * NS_PER_MIN, .severity = SEVERITY_PAGE },
	{ .factor = 6, .long_ns = 6 * NS_PER_HOUR, .short_ns = 30 * NS_PER_MIN, .severity = SEVERITY_PAGE },
	{ .factor = 3, .long_ns = DAY, .short_ns = 2 * NS_PER_HOUR, .severity = SEVERITY_TICKET },
	{ .factor = 1, .long_ns = 3 * DAY, .short_ns = 6 * NS_PER_HOUR, .severity = SEVERITY_TICKET },
};

static struct slo_def *
add_def(struct world *w, const char *name, const char *bad, const char *total)
{
	struct slo_def *d = &w->defs[w->n_def];
	char *const *t = (char *[]){ w->text[w->n_def][0], w->text[w->n_def][1], w->text[w->n_def][2] };

	snprintf(t[0], sizeof w->text[0][0], "slo:%s", name);
	snprintf(t[1], sizeof w->text[0][1], "%s", bad);
	snprintf(t[2], sizeof w->text[0][2], "%s", total);
	*d = (struct slo_def){ .id = t[0], .name = t[0] + 4, .title = "", .service = "", .kind = "", .source = "prom", .where = "test:1:1",
		.target = TARGET, .method = SLO_OCCURRENCES, .slice_target = NAN, .period_ns = PERIOD, .sli = SLI_RATIO, .bad = t[1], .total = t[2],
		.is_counter = true, .resolution_ns = NS_PER_MIN, .n_rules = 4, .rules = rules };
	w->n_def++;
	return d;
}

static struct environment *
make_environment(void)
{
	struct environment *e = block_new(sizeof *e);
	struct marker_def *m = arena_alloc(&e->block.arena, sizeof *m);

	*m = (struct marker_def){ .id = "marker:version", .name = "version", .title = "spam-filter {{version}}", .expr = "served_version",
		.source = "prom", .label = "version" };
	e->severity_label = "severity";
	e->n_markers = 1;
	e->markers = m;
	return e;
}

static void
define(struct world *w)
{
	struct slo_def_set *set = block_new(sizeof *set);
	struct environment *env = make_environment();
	struct slo_def *v = arena_alloc(&set->block.arena, (w->n_def + 1) * sizeof *v);

	memcpy(v, w->defs, w->n_def * sizeof *v);
	set->v = v;
	set->n = w->n_def;
	slo_book_define(w->book, set, env);
	block_unref(set);
	block_unref(env);
}

static void
world_init(struct world *w)
{
	memset(w, 0, sizeof *w);
	w->book = slo_book_new();
	w->now_ns = NOW;
	for (int i = 0; i < 2; i++) {
		w->servers[i].outage_start_ns = NOW - 2 * DAY - 7 * NS_PER_MIN;
		w->servers[i].outage_end_ns = NOW - 2 * DAY + 53 * NS_PER_MIN;
		w->servers[i].has_firing = true;
	}
	slo_book_every(w->book, EVERY);
}

static void
world_done(struct world *w)
{
	slo_book_free(w->book);
	block_unref(w->set);
	block_unref(w->past);
	block_unref(w->details);
	block_unref(w->past_details);
}

static void
take(struct world *w)
{
	struct slo_set *set;
	struct slo_detail_set *details;

	for (;;) {
		slo_book_take(w->book, &set, &details);
		if (set == NULL && details == NULL)
			return;
		if (set != NULL) {
			struct slo_set **to = set->is_past ? &w->past : &w->set;

			block_unref(*to);
			*to = set;
			*(set->is_past ? &w->n_pasts : &w->n_sets) += 1;
		}
		if (details != NULL) {
			struct slo_detail_set **to = details->is_past ? &w->past_details : &w->details;

			block_unref(*to);
			*to = details;
			w->n_details++;
		}
	}
}

static bool
is_held(const struct world *w, const struct slo_ask *ask)
{
	return ask->step_ns > 0 ? w->is_held : w->is_held_instants;
}

/* Answers one request that is not held back; false: there is none. */
static bool
serve_one(struct world *w)
{
	const struct slo_ask *v;
	size_t n = slo_book_asks(w->book, &v);

	for (size_t i = 0; i < n; i++) {
		struct slo_server *s = &w->servers[strcmp(v[i].source, "prom") != 0];
		struct series_set *set;
		long status = 0;
		const char *error = NULL;
		char id[64];

		if (is_held(w, &v[i]))
			continue;
		assert_true(str_has_prefix(v[i].id, SLO_ASK_PREFIX));
		snprintf(id, sizeof id, "%s", v[i].id);
		s->now_ns = w->now_ns;
		set = slo_server_answer(s, &v[i], &status, &error);
		if (set != NULL)
			assert_true(slo_book_answer(w->book, set));
		else
			assert_true(slo_book_failed(w->book, id, status, error));
		block_unref(set);
		return true;
	}
	return false;
}

/* All that happens at this moment. */
static void
pump(struct world *w)
{
	size_t n = 0;
	bool has_changed, was_served;

	do {
		has_changed = slo_book_turn(w->book, w->now_ns);
		take(w);
		was_served = serve_one(w);
		assert_true(n++ < PUMPS_MAX);
	} while (has_changed || was_served);
}

static void
pass(struct world *w, int64_t ns)
{
	w->now_ns += ns;
	pump(w);
}

static const struct slo *
find(const struct slo_set *set, const char *name)
{
	for (size_t i = 0; set != NULL && i < set->n; i++)
		if (strcmp(set->v[i].id + 4, name) == 0)
			return &set->v[i];
	fail_msg("%s is not in the set", name);
	return NULL;
}

static const struct slo_burn *
burn_of(const struct slo *slo, int64_t window_ns)
{
	for (size_t i = 0; i < slo->n_burns; i++)
		if (slo->burns[i].window_ns == window_ns)
			return &slo->burns[i];
	fail_msg("%s has no burn rate over %lld s", slo->id, (long long)(window_ns / NS_PER_S));
	return NULL;
}

static bool
has_note(const struct slo *slo, const char *text)
{
	for (size_t i = 0; i < slo->notes.n; i++)
		if (strstr(slo->notes.v[i], text) != NULL)
			return true;
	return false;
}

static void
assert_near(double got, double want, const char *what)
{
	if (!(fabs(got - want) <= 1e-9 * fmax(1, fabs(want))))
		fail_msg("%s: got %.15g, wanted %.15g", what, got, want);
}

static double
ratio(const struct slo_server *s, const char *bad, const char *total, int64_t start_ns, int64_t end_ns)
{
	return slo_server_sum(s, bad, start_ns, end_ns) / slo_server_sum(s, total, start_ns, end_ns);
}

/* What the formulas say of an objective at a time: left, and all burn rates. */
static void
check_numbers(const struct slo_server *s, const struct slo *slo, const char *bad, const char *total, int64_t at_ns)
{
	int64_t start = at_ns - PERIOD > s->store_start_ns ? at_ns - PERIOD : s->store_start_ns;

	assert_int_equal(slo->at_ns, at_ns);
	assert_near(slo->left, 1 - ratio(s, bad, total, start, at_ns) / (1 - TARGET), "left");
	assert_near(slo->total, slo_server_sum(s, total, start, at_ns), "total");
	assert_near(slo->bad, slo_server_sum(s, bad, start, at_ns), "bad");
	assert_int_equal(slo->n_burns, 7);
	for (size_t i = 0; i < slo->n_burns; i++) {
		const struct slo_burn *b = &slo->burns[i];

		assert_near(b->rate, ratio(s, bad, total, b->at_ns - b->window_ns, b->at_ns) / (1 - TARGET), "a burn rate");
	}
}

static size_t
asked(const struct world *w)
{
	struct slo_book_stats stats;

	slo_book_stats(w->book, &stats);
	return stats.n_asked;
}

static size_t
split(const struct world *w)
{
	struct slo_book_stats stats;

	slo_book_stats(w->book, &stats);
	return stats.n_split;
}

/* --- numbers ---------------------------------------------------------------------------------------------------------- */

static void
test_numbers(void **state)
{
	struct world w;
	const struct slo *slo;

	(void)state;
	world_init(&w);
	add_def(&w, "web", "bad_1", "total_1");
	define(&w);
	assert_false(slo_book_is_settled(w.book));
	assert_true(slo_book_due_ns(w.book) <= NOW);
	pump(&w);
	assert_true(slo_book_is_settled(w.book));
	slo = find(w.set, "web");
	check_numbers(&w.servers[0], slo, "bad_1", "total_1", NOW);
	assert_int_equal(slo->covered_ns, PERIOD);
	assert_int_equal(w.set->every_ns, EVERY);
	assert_false(w.set->is_past);
	/* The outage: an hour of 2 a second, of a budget of 30 d x 0.1 a second. */
	assert_non_null(w.details);
	assert_int_equal(w.details->n, 1);
	assert_near(w.details->v[0].left[w.details->v[0].n - 1].v, slo->left, "the end of the burn-down");
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
	d = add_def(&w, "web", "", "total_1");
	d->bad = NULL;
	d->good = "good_1";
	define(&w);
	pump(&w);
	slo = find(w.set, "web");
	assert_near(slo->left, 1 - ratio(&w.servers[0], "bad", "total", NOW - 6 * DAY, NOW) / (1 - TARGET), "left");
	assert_true(slo->covered_ns >= 5 * DAY && slo->covered_ns <= 5 * DAY + NS_PER_HOUR);
	world_done(&w);
}

static void
test_no_data(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	add_def(&w, "silent", "bad_1", "silent_1");
	add_def(&w, "web", "bad_1", "total_1");
	add_def(&w, "zero", "silent_2", "total_1");
	define(&w);
	pump(&w);
	assert_int_equal(find(w.set, "silent")->state, SLO_NO_DATA);
	assert_true(find(w.set, "web")->state != SLO_NO_DATA);
	assert_near(find(w.set, "zero")->left, 1, "errors that never happened");
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
		{ .id = "c-2", .start_ns = NOW - 2 * DAY - 7 * NS_PER_MIN, .end_ns = NOW - 2 * DAY + 53 * NS_PER_MIN },
		{ .id = "c-3", .start_ns = NOW - 10 * NS_PER_MIN, .end_ns = NOW + DAY },
	};
	struct world w;
	const struct slo *slo;
	struct slo_def *d;
	size_t n;

	(void)state;
	world_init(&w);
	d = add_def(&w, "web", "bad_1", "total_1");
	d->n_corrections = 4;
	d->corrections = c;
	define(&w);
	pump(&w);
	slo = find(w.set, "web");
	assert_int_equal(slo->state, SLO_EXCLUDED);
	/* 1 d of the second, the hour of the outage, 10 min of the last; what stays has the usual rate only. */
	assert_int_equal(slo->excluded_ns, DAY + NS_PER_HOUR + 10 * NS_PER_MIN);
	assert_near(slo->total, TOTAL_RATE * (29 * 86400 - 3600 - 600), "total");
	assert_near(slo->left, 1 - BAD_RATE / TOTAL_RATE / (1 - TARGET), "left");
	/* Later only what goes on and what the start of the window cuts are asked again. */
	n = w.servers[0].n_items;
	pass(&w, EVERY);
	assert_near(find(w.set, "web")->left, 1 - BAD_RATE / TOTAL_RATE / (1 - TARGET), "left");
	assert_true(w.servers[0].n_items - n <= 2 * (3 + 1 + 1));
	world_done(&w);
}

static void
test_calendar_window(void **state)
{
	int64_t start = (INT64_C(1893456000)) * NS_PER_S, bounds[] = { start - 31 * DAY, start, start + 31 * DAY, start + 59 * DAY };
	struct world w;
	struct slo_def *d;

	(void)state;
	world_init(&w);
	d = add_def(&w, "month", "bad_1", "total_1");
	d->n_bounds = 4;
	d->bounds = bounds;
	define(&w);
	pump(&w);
	assert_int_equal(find(w.set, "month")->start_ns, start);
	assert_near(find(w.set, "month")->left, 1 - ratio(&w.servers[0], "bad", "total", start, NOW) / (1 - TARGET), "left");
	/* The next month begins. */
	w.now_ns = start + 31 * DAY + 90 * NS_PER_MIN;
	pump(&w);
	assert_near(find(w.set, "month")->total, TOTAL_RATE * 5400, "total of the new month");
	assert_near(find(w.set, "month")->left, 1 - BAD_RATE / TOTAL_RATE / (1 - TARGET), "left of the new month");
	world_done(&w);
}

/* --- how often what is asked ------------------------------------------------------------------------------------------ */

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
		add_def(&w, name, bad, total);
	}
	define(&w);
	pump(&w);
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
		check_numbers(&w.servers[0], find(w.set, w.defs[i].name), bad, "total_1", NOW);
	}
	/* Next round: 5m, 30m, 1h and the head. */
	n = asked(&w);
	pass(&w, EVERY);
	assert_int_equal(asked(&w) - n, (210 * 4 + 31) / 32);
	/* Two minutes on the window of 2 h is due too; of a day only after 24. */
	n = asked(&w);
	pass(&w, 2 * NS_PER_MIN);
	assert_int_equal(asked(&w) - n, (210 * 5 + 31) / 32);
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
	add_def(&w, "web", "bad_1", "total_1");
	define(&w);
	pump(&w);
	assert_int_equal(find(w.set, "web")->state, SLO_OK);
	for (int i = 0; i < 400; i++) {
		pass(&w, EVERY);
		check_numbers(&w.servers[0], find(w.set, "web"), "bad_1", "total_1", w.now_ns);
		/* A long window is never older than a 60th of its length. */
		oldest = burn_of(find(w.set, "web"), 3 * DAY)->at_ns;
		assert_true(w.now_ns - oldest <= 3 * DAY / 60);
		assert_int_equal(burn_of(find(w.set, "web"), NS_PER_HOUR)->at_ns, w.now_ns);
		if (w.now_ns == NOW + 60 * NS_PER_MIN)
			assert_int_equal(find(w.set, "web")->state, SLO_PAGE);
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
	add_def(&w, "web", "bad_1", "total_1");
	step = slo_tile_step(&w.defs[0]);
	define(&w);
	pump(&w);
	n_points = w.servers[0].n_points;
	n_details = w.n_details;
	pass(&w, EVERY);
	assert_int_equal(w.servers[0].n_points - n_points, 2 * 4);
	assert_int_equal(w.n_details, n_details);
	/* Behind the edge of a tile: the new one, and two that may have had late samples. 2h, 6h and 1d are due, too. */
	w.servers[0].late_ns = NOW - NOW % step - step / 2;
	w.servers[0].extra_bad = 1000;
	w.servers[0].known_ns = w.now_ns + 1;
	pass(&w, step - w.now_ns % step + NS_PER_S);
	assert_near(find(w.set, "web")->bad, slo_server_sum(&w.servers[0], "bad", w.now_ns - PERIOD, w.now_ns), "bad, with the late ones");
	assert_int_equal(w.n_details, n_details + 1);
	assert_int_equal(w.servers[0].n_points - n_points, 2 * 4 + 2 * (4 + 3 + 3));
	world_done(&w);
}

/* --- first answers early ---------------------------------------------------------------------------------------------- */

static void
test_early(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	add_def(&w, "web", "bad_1", "total_1");
	define(&w);
	w.is_held = true;
	pump(&w);
	assert_int_equal(w.n_sets, 1);
	assert_true(isnan(find(w.set, "web")->left));
	assert_true(has_note(find(w.set, "web"), "the window is being read"));
	assert_near(burn_of(find(w.set, "web"), 3 * DAY)->rate, ratio(&w.servers[0], "bad", "total", NOW - 3 * DAY, NOW) / (1 - TARGET), "burn");
	assert_false(slo_book_is_settled(w.book));
	assert_null(w.details);
	/* Rounds go on meanwhile. */
	pass(&w, EVERY);
	pass(&w, EVERY);
	assert_int_equal(w.set->at_ns, w.now_ns);
	assert_false(slo_book_is_settled(w.book));
	w.is_held = false;
	pass(&w, NS_PER_S);
	assert_true(slo_book_is_settled(w.book));
	assert_near(find(w.set, "web")->left, 1 - ratio(&w.servers[0], "bad", "total", w.set->at_ns - PERIOD, w.set->at_ns) / (1 - TARGET), "left");
	assert_non_null(w.details);
	world_done(&w);
}

/* --- refusals --------------------------------------------------------------------------------------------------------- */

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
		add_def(&w, name, bad, "total_1");
	}
	w.servers[0].items_max = 5;
	define(&w);
	pump(&w);
	n_split = split(&w);
	assert_true(n_split > 0);
	for (int i = 0; i < 40; i++)
		check_numbers(&w.servers[0], find(w.set, w.defs[i].name), w.defs[i].bad, "total_1", NOW);
	/* It is remembered. */
	for (int i = 0; i < 5; i++)
		pass(&w, EVERY);
	assert_int_equal(split(&w), n_split);
	/* And tried again after a good while. */
	w.servers[0].items_max = 0;
	pass(&w, 90 * NS_PER_MIN);
	w.servers[0].items_most = 0;
	for (int i = 0; i < 40; i++)
		pass(&w, NS_PER_HOUR + NS_PER_MIN);
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
		add_def(&w, name, bad, "total_1");
	}
	w.servers[0].wrong_metric = "bad_7";
	define(&w);
	pump(&w);
	assert_int_equal(find(w.set, "s07")->state, SLO_UNKNOWN);
	assert_non_null(strstr(find(w.set, "s07")->why, "parse error"));
	for (int i = 0; i < 30; i++)
		if (i != 7)
			check_numbers(&w.servers[0], find(w.set, w.defs[i].name), w.defs[i].bad, "total_1", NOW);
	assert_true(slo_book_is_settled(w.book));
	/* It rests, and nothing else is made smaller for it. */
	n_split = split(&w);
	n_refused = w.servers[0].n_refused;
	w.servers[0].items_most = 0;
	pass(&w, EVERY);
	assert_int_equal(w.servers[0].n_refused, n_refused);
	assert_int_equal(w.servers[0].items_most, 32);
	/* Tried again later, alone; and when it is right, it counts again. */
	pass(&w, 20 * EVERY);
	assert_int_equal(split(&w), n_split);
	assert_true(w.servers[0].n_refused > n_refused);
	w.servers[0].wrong_metric = NULL;
	pass(&w, 20 * EVERY);
	check_numbers(&w.servers[0], find(w.set, "s07"), "bad_7", "total_1", w.now_ns);
	world_done(&w);
}

static void
test_window_in_chunks(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	add_def(&w, "web", "bad_1", "total_1");
	add_def(&w, "worker", "bad_2", "total_1");
	w.servers[0].points_max = 50;
	define(&w);
	pump(&w);
	check_numbers(&w.servers[0], find(w.set, "web"), "bad_1", "total_1", NOW);
	check_numbers(&w.servers[0], find(w.set, "worker"), "bad_2", "total_1", NOW);
	assert_true(split(&w) > 0);
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
	add_def(&w, "heavy", "bad_1", "total_1");
	add_def(&w, "web", "bad_2", "total_1");
	w.servers[0].heavy_metric = "bad_1";
	w.servers[0].heavy_points = 2;
	define(&w);
	pump(&w);
	slo = find(w.set, "heavy");
	assert_true(isnan(slo->left));
	assert_true(has_note(slo, "--export slo-rules"));
	assert_near(burn_of(slo, NS_PER_HOUR)->rate, ratio(&w.servers[0], "bad", "total", NOW - NS_PER_HOUR, NOW) / (1 - TARGET), "burn");
	check_numbers(&w.servers[0], find(w.set, "web"), "bad_2", "total_1", NOW);
	assert_true(slo_book_is_settled(w.book));
	n_refused = w.servers[0].n_refused;
	pass(&w, EVERY);
	assert_int_equal(w.servers[0].n_refused, n_refused);
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
	add_def(&w, "heavy", "bad_1", "total_1");
	w.servers[0].heavy_metric = "bad_1";
	w.servers[0].heavy_ns = 12 * NS_PER_HOUR;
	define(&w);
	pump(&w);
	slo = find(w.set, "heavy");
	check_numbers(&w.servers[0], slo, "bad_1", "total_1", NOW);
	n_refused = w.servers[0].n_refused;
	pass(&w, EVERY);
	assert_int_equal(w.servers[0].n_refused, n_refused);
	/* One that is too heavy and has no tiles to be made of. */
	w.servers[0].heavy_ns = 10 * NS_PER_MIN;
	pass(&w, EVERY);
	slo = find(w.set, "heavy");
	pass(&w, 10 * EVERY);
	slo = find(w.set, "heavy");
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
		add_def(&w, name, bad, "total_1");
	}
	w.servers[0].tile_items_max = 3;
	define(&w);
	pump(&w);
	for (int i = 0; i < 12; i++)
		check_numbers(&w.servers[0], find(w.set, w.defs[i].name), w.defs[i].bad, "total_1", NOW);
	world_done(&w);
}

static void
test_histograms_are_refused(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	add_def(&w, "web", "bad_1", "total_1");
	w.servers[0].is_histogram = true;
	define(&w);
	pump(&w);
	assert_int_equal(find(w.set, "web")->state, SLO_UNKNOWN);
	assert_non_null(strstr(find(w.set, "web")->why, "histogram_count()"));
	assert_true(slo_book_is_settled(w.book));
	world_done(&w);
}

static void
test_wrong_definition(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	add_def(&w, "odd", "rate(bad_1[5m])", "total_1");
	add_def(&w, "web", "bad_1", "total_1");
	define(&w);
	pump(&w);
	assert_int_equal(find(w.set, "odd")->state, SLO_UNKNOWN);
	assert_non_null(strstr(find(w.set, "odd")->why, "write ${window}"));
	check_numbers(&w.servers[0], find(w.set, "web"), "bad_1", "total_1", NOW);
	assert_true(slo_book_is_settled(w.book));
	world_done(&w);
}

/* --- no answers ------------------------------------------------------------------------------------------------------- */

static void
test_dead_source(void **state)
{
	static const long statuses[] = { -1, 503, 401, 429, 404 };

	(void)state;
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		struct world w;

		world_init(&w);
		add_def(&w, "web", "bad_1", "total_1");
		w.servers[0].status = statuses[i];
		define(&w);
		pump(&w);
		assert_int_equal(find(w.set, "web")->state, SLO_UNKNOWN);
		assert_non_null(strstr(find(w.set, "web")->why, "no"));
		assert_true(slo_book_is_settled(w.book));
		for (int round = 0; round < 30; round++)
			pass(&w, EVERY);
		w.servers[0].status = 0;
		pass(&w, EVERY);
		check_numbers(&w.servers[0], find(w.set, "web"), "bad_1", "total_1", w.now_ns);
		/* Dies again: for a little while what is known serves, then it is unknown. */
		w.servers[0].status = statuses[i];
		pass(&w, EVERY);
		assert_int_equal(find(w.set, "web")->state, SLO_OK);
		for (int round = 0; round < 8; round++)
			pass(&w, EVERY);
		assert_int_equal(find(w.set, "web")->state, SLO_UNKNOWN);
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
		add_def(&w, name, bad, "total_1");
	}
	w.servers[0].status = -1;
	define(&w);
	pump(&w);
	for (int round = 0; round < 10; round++)
		pass(&w, EVERY);
	w.servers[0].status = 0;
	for (int round = 0; round < 8; round++)
		pass(&w, EVERY);
	w.servers[0].items_most = 0;
	pass(&w, EVERY);
	assert_int_equal(w.servers[0].items_most, 32);
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
	add_def(&w, "web", "bad_1", "total_1");
	define(&w);
	w.is_held_instants = true;
	pump(&w);
	assert_int_equal(w.n_sets, 0);
	assert_true(slo_book_asks(w.book, &v) > 0);
	assert_int_equal(v[0].step_ns, 0);
	late = slo_server_answer(&w.servers[0], &v[0], &status, &error);
	assert_int_equal(slo_book_due_ns(w.book), NOW + 3 * EVERY);
	pass(&w, EVERY);
	assert_int_equal(w.n_sets, 0);
	/* Three periods after its begin the round is over. */
	pass(&w, 2 * EVERY);
	assert_int_equal(w.n_sets, 1);
	assert_int_equal(find(w.set, "web")->state, SLO_UNKNOWN);
	assert_non_null(strstr(find(w.set, "web")->why, "no answer within 45 s"));
	assert_false(slo_book_answer(w.book, late));
	assert_false(slo_book_failed(w.book, late->query, 0, "late"));
	assert_false(slo_book_failed(w.book, "slo:nothing", 0, ""));
	block_unref(late);
	w.is_held_instants = false;
	pass(&w, EVERY);
	check_numbers(&w.servers[0], find(w.set, "web"), "bad_1", "total_1", w.set->at_ns);
	world_done(&w);
}

static void
test_two_sources(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	add_def(&w, "here", "bad_1", "total_1");
	add_def(&w, "there", "bad_1", "total_1")->source = "other";
	w.servers[0].status = -1;
	define(&w);
	pump(&w);
	assert_int_equal(find(w.set, "here")->state, SLO_UNKNOWN);
	check_numbers(&w.servers[1], find(w.set, "there"), "bad_1", "total_1", NOW);
	assert_true(slo_book_is_settled(w.book));
	w.servers[0].status = 0;
	w.servers[1].status = 503;
	pass(&w, EVERY);
	check_numbers(&w.servers[0], find(w.set, "here"), "bad_1", "total_1", w.now_ns);
	world_done(&w);
}

/* --- definitions that change ------------------------------------------------------------------------------------------ */

static void
test_definitions_change(void **state)
{
	struct world w;
	const struct slo_ask *v;
	char id[64];
	size_t n_points, step;

	(void)state;
	world_init(&w);
	add_def(&w, "one", "bad_1", "total_1");
	define(&w);
	assert_true(slo_book_turn(w.book, w.now_ns));
	step = slo_book_asks(w.book, &v);
	assert_true(step > 0);
	snprintf(id, sizeof id, "%s", v[0].id);
	/* In the middle of a round: what was asked for is asked no more. */
	add_def(&w, "two", "bad_2", "total_1");
	define(&w);
	assert_int_equal(slo_book_asks(w.book, &v), 0);
	assert_false(slo_book_failed(w.book, id, 0, "late"));
	pump(&w);
	assert_int_equal(w.set->n, 2);
	check_numbers(&w.servers[0], find(w.set, "two"), "bad_2", "total_1", NOW);
	assert_int_equal(w.details->n, 2);
	/* What is known of expressions that stay is kept: three windows and the head of each, of the new one all. */
	n_points = w.servers[0].n_points;
	add_def(&w, "z", "bad_3", "total_1");
	w.now_ns += NS_PER_S;
	define(&w);
	pump(&w);
	assert_int_equal(w.servers[0].n_points - n_points, 3 * 4 + 8 + 720);
	check_numbers(&w.servers[0], find(w.set, "z"), "bad_3", "total_1", w.now_ns);
	assert_int_equal(w.details->n, 3);
	/* None at all. */
	w.n_def = 0;
	define(&w);
	pump(&w);
	assert_int_equal(slo_book_asks(w.book, &v), 0);
	assert_true(slo_book_is_settled(w.book));
	assert_true(slo_book_due_ns(w.book) == INT64_MAX);
	world_done(&w);
}

/* --- the past --------------------------------------------------------------------------------------------------------- */

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
	add_def(&w, "web", "bad_1", "total_1");
	define(&w);
	pump(&w);
	assert_null(w.past);
	n_points = w.servers[0].n_points;
	slo_book_at(w.book, then + 400 * NS_PER_MS);
	pump(&w);
	assert_true(w.past->is_past);
	assert_int_equal(w.past->at_ns, then);
	check_numbers(&w.servers[0], find(w.past, "web"), "bad_1", "total_1", then);
	assert_int_equal(find(w.past, "web")->state, SLO_PAGE);
	assert_true(w.past_details->is_past);
	/* Tiles that the live window knows are not asked again: 7 windows and a head, and three days of tiles at its start. */
	assert_in_range(w.servers[0].n_points - n_points, 2 * 8 + 2 * 71, 2 * 8 + 2 * 73);
	check_numbers(&w.servers[0], find(w.set, "web"), "bad_1", "total_1", NOW);
	/* The cursor stays: nothing more is asked, and the live rounds go on. */
	w.n_pasts = 0;
	pass(&w, EVERY);
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
	pump(&w);
	check_numbers(&w.servers[0], find(w.past, "web"), "bad_1", "total_1", then - 2 * DAY);
	/* Back to now. */
	slo_book_at(w.book, then - 9 * DAY);
	slo_book_turn(w.book, w.now_ns);
	slo_book_at(w.book, 0);
	assert_int_equal(slo_book_asks(w.book, &v), 0);
	w.n_pasts = 0;
	pass(&w, EVERY);
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
	add_def(&w, "web", "bad_1", "total_1");
	define(&w);
	pump(&w);
	pass(&w, -2 * NS_PER_HOUR);
	assert_int_equal(w.set->at_ns, NOW - 2 * NS_PER_HOUR);
	check_numbers(&w.servers[0], find(w.set, "web"), "bad_1", "total_1", w.now_ns);
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
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_one_is_wrong),
		cmocka_unit_test(test_window_in_chunks),
		cmocka_unit_test(test_window_too_costly),
		cmocka_unit_test(test_burn_window_from_tiles),
		cmocka_unit_test(test_tiles_time_out),
		cmocka_unit_test(test_histograms_are_refused),
		cmocka_unit_test(test_wrong_definition),
		cmocka_unit_test(test_dead_source),
		cmocka_unit_test(test_requests_are_large_again_after_an_outage),
		cmocka_unit_test(test_late_answers),
		cmocka_unit_test(test_two_sources),
		cmocka_unit_test(test_definitions_change),
		cmocka_unit_test(test_past),
		cmocka_unit_test(test_clock_steps_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
