/* Pages of lines: every line exactly once, or it is said that some are missing; whatever the size of pages, the direction and how many share a time. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "log_stores.h"

#define MINUTE (60 * NS_PER_S)

static const char *const types[] = { "loki", "elasticsearch", "opensearch", "plain", "plain-ms", "journald" };
enum { N_TYPES = sizeof types / sizeof *types };

static struct store *
make(const char *type)
{
	struct store *s = store_new(strcmp(type, "opensearch") == 0 || strncmp(type, "plain", 5) == 0 ? "elasticsearch" : type);

	s->is_open_search = strcmp(type, "opensearch") == 0;
	s->is_without_pit = strncmp(type, "plain", 5) == 0;
	if (strcmp(type, "journald") == 0)
		s->granularity_us = 1;
	if (strcmp(type, "plain-ms") == 0)
		s->granularity_us = 1000;
	return s;
}

/* Lines within a minute; many share a time. Returns the most of one time within the range. */
static unsigned
fill(struct store *s, uint32_t *seed, unsigned n, unsigned crowd)
{
	int64_t step = s->granularity_us > 0 ? s->granularity_us * NS_PER_US : 1, t = STORE_T0;
	unsigned most = 0, k;

	while (s->n < n) {
		t += step * (1 + store_next(seed, 50));
		for (k = 1 + (store_next(seed, 4) == 0 ? store_next(seed, crowd) : 0); k > 0 && s->n < n; k--)
			store_add(s, t, false);
	}
	for (size_t i = 0; i < s->n; i++) {
		for (k = 0; i + k < s->n && s->v[i + k].time_ns == s->v[i].time_ns; k++)
			;
		most = k > most ? k : most;
	}
	return most;
}

static struct log_want
want_all(const struct store *s, bool is_forward)
{
	(void)s;
	return (struct log_want){ .id = "w", .source = "s", .query = strcmp(s->type, "loki") == 0 ? "{app=~\"a.*\"}" : "", .start_ns = STORE_T0, .end_ns = STORE_T0 + MINUTE,
		.is_forward = is_forward, .limit = 100000 };
}

static void
check(struct store *s, const char *type, const struct log_want *w, unsigned round)
{
	unsigned untold = store_untold(s, w->start_ns, w->end_ns);

	if (s->error[0] != '\0' || s->n_stray > 0 || s->n_lies > 0 || store_told_twice(s) > 0 || (untold > 0 && strstr(s->notes, "one nanosecond") == NULL))
		fail_msg("%s, round %u, %s: %zu lines, page %zu: error '%s', %u untold, %u twice, %u stray, %u lies; notes %s", type, round, w->is_forward ? "forward" : "backward",
		    s->n, s->page_max, s->error, untold, store_told_twice(s), s->n_stray, s->n_lies, s->notes);
}

static void
every_line_once(void **state)
{
	uint32_t seed = 7;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		const char *type = types[round % N_TYPES];
		struct store *s = make(type);
		size_t page = 2 + store_next(&seed, 30);
		unsigned most = fill(s, &seed, store_next(&seed, 60), 1 + store_next(&seed, 40));
		struct log_want w = want_all(s, store_next(&seed, 2) != 0);

		s->is_null_message = store_next(&seed, 3) == 0;
		store_ask(s, &w, page);
		check(s, type, &w, round);
		/* Only a time that fills a page has lines that cannot be told. */
		if (s->n_notes > 0 && most < page && strstr(s->notes, "one nanosecond") != NULL)
			fail_msg("%s: %u of one time and pages of %zu: %s", type, most, page, s->notes);
		assert_int_equal(s->n_pits_open, 0);
		store_free(s);
	}
}

static void
parts_of_the_range(void **state)
{
	uint32_t seed = 11;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		const char *type = types[round % N_TYPES];
		struct store *s = make(type);
		struct log_want w;

		fill(s, &seed, 40, 3);
		w = want_all(s, store_next(&seed, 2) != 0);
		w.start_ns = s->v[store_next(&seed, 20)].time_ns;
		w.end_ns = s->v[20 + store_next(&seed, 20)].time_ns + store_next(&seed, 2);
		store_ask(s, &w, 7);
		check(s, type, &w, round);
		for (size_t i = 0; i < s->n; i++)
			if (s->v[i].n_told > 0 && (s->v[i].time_ns < w.start_ns || s->v[i].time_ns >= w.end_ns))
				fail_msg("%s: a line outside of the range", type);
		store_free(s);
	}
}

static void
a_limit_is_kept(void **state)
{
	uint32_t seed = 3;

	(void)state;
	for (unsigned round = 0; round < 120; round++) {
		const char *type = types[round % N_TYPES];
		struct store *s = make(type);
		struct log_want w;
		unsigned told = 0, n_newer = 0;

		fill(s, &seed, 50, 2);
		w = want_all(s, false);
		w.limit = 1 + store_next(&seed, 45);
		store_ask(s, &w, 4 + store_next(&seed, 10));
		assert_string_equal(s->error, "");
		assert_int_equal(s->n_lies, 0);
		/* The newest, without a gap. */
		for (size_t i = s->n; i-- > 0 && s->v[i].n_told > 0; )
			n_newer++;
		for (size_t i = 0; i < s->n; i++)
			told += s->v[i].n_told;
		if (told < w.limit || told > w.limit + 2 || (told != n_newer && s->v[s->n - n_newer - 1].time_ns < s->v[s->n - n_newer].time_ns))
			fail_msg("%s: limit %zu, %u told, %u newest", type, w.limit, told, n_newer);
		store_free(s);
	}
}

static void
more_in_one_nanosecond_than_a_page(void **state)
{
	struct store *s = make("loki");
	struct log_want w = want_all(s, true);

	(void)state;
	for (int i = 0; i < 30; i++)
		store_add(s, STORE_T0 + 5, false);
	store_add(s, STORE_T0 + 6, false);
	store_ask(s, &w, 10);
	assert_non_null(strstr(s->notes, "10 lines or more in one nanosecond"));
	assert_int_equal(store_untold(s, STORE_T0, STORE_T0 + MINUTE), 20);
	assert_int_equal(s->n_lies, 0);
	assert_int_equal(s->v[30].n_told, 1);
	store_free(s);
}

static void
the_server_says_how_many(void **state)
{
	struct store *s = make("loki");
	struct log_want w = want_all(s, false);
	uint32_t seed = 5;

	(void)state;
	fill(s, &seed, 200, 2);
	s->page_max = 50;
	store_ask(s, &w, 5000);
	check(s, "loki", &w, 0);
	assert_int_equal(store_untold(s, w.start_ns, w.end_ns), 0);
	/* Once is enough. */
	store_ask(s, &w, 5000);
	assert_null(strstr(s->round.paths[0], "limit=5000"));
	store_free(s);
}

static void
a_lost_point_in_time(void **state)
{
	(void)state;
	for (int forward = 0; forward < 2; forward++)
		for (int at = 1; at <= 4; at++) {
			struct store *s = make(at % 2 ? "elasticsearch" : "opensearch");
			struct log_want w = want_all(s, forward != 0);
			uint32_t seed = (uint32_t)at;

			fill(s, &seed, 60, 8);
			s->lose_pit_at = at;
			store_ask(s, &w, 15);
			check(s, "elasticsearch", &w, (unsigned)at);
			assert_int_equal(store_untold(s, w.start_ns, w.end_ns), 0);
			assert_int_equal(s->n_pits_open, 0);
			store_free(s);
		}
}

static void
without_a_point_in_time_it_is_said(void **state)
{
	struct store *s = make("plain");
	struct log_want w = want_all(s, true);

	(void)state;
	store_add(s, STORE_T0 + 5, false);
	store_ask(s, &w, 10);
	assert_non_null(strstr(s->notes, "does not hold a point in time (HTTP 405)"));
	assert_int_equal(s->v[0].n_told, 1);
	store_free(s);
}

static void
failed_shards_are_said(void **state)
{
	struct store *s = make("elasticsearch");
	struct log_want w = want_all(s, true);

	(void)state;
	store_add(s, STORE_T0 + 5, false);
	s->is_failing_shard = true;
	store_ask(s, &w, 10);
	assert_non_null(strstr(s->notes, "1 of 3 shards failed, their lines are missing: queue is full"));
	s->is_failing_shard = false;
	s->is_timed_out = true;
	store_ask(s, &w, 10);
	assert_non_null(strstr(s->notes, "longer than the store allows"));
	store_free(s);
}

/* A field of type date holds milliseconds, whatever the documents say: within one of them they come in any order. */
static void
documents_finer_than_the_index(void **state)
{
	uint32_t seed = 31;

	(void)state;
	for (unsigned round = 0; round < 120; round++) {
		const char *type = types[1 + round % 3];
		struct store *s = make(type);
		struct log_want w = want_all(s, store_next(&seed, 2) != 0);

		s->index_us = 1000;
		for (int64_t ms = 0; s->n < 60; ms += 1 + store_next(&seed, 3))
			for (unsigned k = 1 + store_next(&seed, 4); k > 0 && s->n < 60; k--)
				store_add(s, STORE_T0 + ms * NS_PER_MS + store_next(&seed, (unsigned)NS_PER_MS), false);
		store_ask(s, &w, 6 + store_next(&seed, 10));
		if (s->error[0] != '\0' || s->n_stray > 0 || store_untold(s, w.start_ns, w.end_ns) > 0 || store_told_twice(s) > 0)
			fail_msg("%s, round %u: error '%s', %u untold, %u twice, %u stray; %s", type, round, s->error, store_untold(s, w.start_ns, w.end_ns),
			    store_told_twice(s), s->n_stray, s->notes);
		store_free(s);
	}
}

static void
documents_that_cannot_be_read_end_no_page(void **state)
{
	uint32_t seed = 37;

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		const char *type = types[1 + round % 4];
		struct store *s = make(type);
		struct log_want w = want_all(s, store_next(&seed, 2) != 0);

		fill(s, &seed, 60, 2);
		s->bad_every = 2 + store_next(&seed, 6);
		store_ask(s, &w, 8 + store_next(&seed, 10));
		assert_string_equal(s->error, "");
		assert_non_null(strstr(s->notes, "are not shown"));
		for (size_t i = 0; i < s->n; i++)
			if ((s->v[i].id % s->bad_every == 0) != (s->v[i].n_told == 0))
				fail_msg("%s, round %u, %s: line %u told %u times; %s", type, round, w.is_forward ? "forward" : "backward", s->v[i].id, s->v[i].n_told, s->notes);
		store_free(s);
	}
}

static void
a_rejected_page_fails_the_round(void **state)
{
	struct store *s = make("elasticsearch");
	struct log_want w = want_all(s, true);
	uint32_t seed = 9;

	(void)state;
	fill(s, &seed, 30, 2);
	s->status_at = 2;
	s->status = 429;
	store_ask(s, &w, 10);
	assert_non_null(strstr(s->error, "429"));
	assert_int_equal(store_untold(s, w.start_ns, w.end_ns), 30);
	/* The next round has it all. */
	s->status_at = 0;
	store_ask(s, &w, 10);
	check(s, "elasticsearch", &w, 0);
	assert_int_equal(store_untold(s, w.start_ns, w.end_ns), 0);
	store_free(s);
}

/* --- following ------------------------------------------------------------------------------------------------------------------- */

static void
follow_many_rounds(void **state)
{
	uint32_t seed = 21;

	(void)state;
	for (unsigned round = 0; round < 120; round++) {
		const char *type = types[round % N_TYPES];
		struct store *s = make(type);
		struct log_want w = want_all(s, false);
		int64_t unit = s->granularity_us > 1000 ? s->granularity_us * NS_PER_US : NS_PER_MS, now = STORE_T0 + MINUTE;

		w.is_follow = true;
		w.end_ns = 0;
		w.late_ns = 10 * NS_PER_S;
		/* Those of the past, and those to come: a third of which comes up to 8 seconds late. The journal's come in its own order. */
		for (int64_t t = STORE_T0; t < STORE_T0 + 3 * MINUTE; t += unit * (1 + store_next(&seed, 4000)))
			store_add(s, t, t >= now);
		for (unsigned k = 0; k < 60; k++) {
			clock_freeze(now);
			for (size_t i = 0; i < s->n; i++) {
				int64_t late = strcmp(type, "journald") != 0 && s->v[i].id % 3 == 0 ? (int64_t)(s->v[i].id % 8) * NS_PER_S : 0;

				s->v[i].is_hidden = s->v[i].time_ns + late >= now;
			}
			store_ask(s, &w, 20);
			if (s->error[0] != '\0')
				fail_msg("%s: %s", type, s->error);
			now += 2 * NS_PER_S;
		}
		if (store_untold(s, STORE_T0, now - 12 * NS_PER_S) > 0 || store_told_twice(s) > 0 || s->n_stray > 0)
			fail_msg("%s: %u untold, %u twice, %u stray; %s", type, store_untold(s, STORE_T0, now - 12 * NS_PER_S), store_told_twice(s), s->n_stray, s->notes);
		clock_freeze(STORE_T0 + MINUTE);
		store_free(s);
	}
}

static void
a_failed_round_loses_nothing(void **state)
{
	struct store *s = make("elasticsearch");
	struct log_want w = want_all(s, false);
	uint32_t seed = 2;

	(void)state;
	w.is_follow = true;
	w.end_ns = 0;
	store_ask(s, &w, 10);
	clock_freeze(STORE_T0 + MINUTE + 10 * NS_PER_S);
	for (int i = 0; i < 40; i++)
		store_add(s, STORE_T0 + MINUTE + (int64_t)store_next(&seed, 10000) * NS_PER_MS, false);
	store_sort(s);
	s->status_at = (int)s->n_searches + 2;
	s->status = 503;
	store_ask(s, &w, 10);
	assert_non_null(strstr(s->error, "503"));
	s->status_at = 0;
	store_ask(s, &w, 10);
	assert_string_equal(s->error, "");
	assert_int_equal(store_untold(s, STORE_T0, STORE_T0 + 2 * MINUTE), 0);
	assert_int_equal(store_told_twice(s), 0);
	clock_freeze(STORE_T0 + MINUTE);
	store_free(s);
}

/* Lines a second apart, dated by a clock that is so far off, are asked for every two seconds for some minutes. */
static struct store *
follow_clock(const char *type, int64_t off_ns)
{
	struct store *s = make(type);
	struct log_want w = want_all(s, false);

	w.start_ns = STORE_T0 - 30 * MINUTE;
	w.is_follow = true;
	w.end_ns = 0;
	w.late_ns = 10 * NS_PER_S;
	for (int64_t t = -60; t < 240; t++)
		store_add(s, STORE_T0 + t * NS_PER_S + off_ns, true);
	for (int64_t now = 0; now < 240; now += 2) {
		clock_freeze(STORE_T0 + now * NS_PER_S);
		for (size_t i = 0; i < s->n; i++)
			s->v[i].is_hidden = s->v[i].time_ns - off_ns >= STORE_T0 + now * NS_PER_S;
		store_ask(s, &w, 500);
		if (s->error[0] != '\0')
			fail_msg("%s: %s", type, s->error);
	}
	clock_freeze(STORE_T0 + MINUTE);
	return s;
}

static void
clocks_that_are_off(void **state)
{
	static const struct {
		int64_t off_s;
		const char *note;	/* "" none */
		unsigned untold_max;	/* on their way until it is looked deeper */
	} rows[] = {
		{ 0, "", 0 }, { 3, "", 0 }, { -10, "", 0 },
		{ 42, "41s ahead of this machine: lines stand as much later than they were written", 0 },
		{ -70, "new lines are 1m old or more: they come late, or its clock is behind that of this machine", 0 },
		{ -600, "old or more: they come late, or its clock is behind that of this machine", 20 },
	};

	(void)state;
	for (size_t t = 0; t < N_TYPES; t++)
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
			struct store *s = follow_clock(types[t], rows[i].off_s * NS_PER_S);

			if (strstr(s->notes, rows[i].note) == NULL || (*rows[i].note == '\0' && strstr(s->notes, "machine") != NULL))
				fail_msg("%s, %lld s: notes '%s'", types[t], (long long)rows[i].off_s, s->notes);
			if (store_untold(s, INT64_MIN, INT64_MAX) > rows[i].untold_max || store_told_twice(s) > 0)
				fail_msg("%s, %lld s: %u untold, %u twice", types[t], (long long)rows[i].off_s, store_untold(s, INT64_MIN, INT64_MAX), store_told_twice(s));
			store_free(s);
		}
}

/* One that comes much later than the others, but within what is looked back: those before it were forgotten already, and are not told again. */
static void
a_late_one_after_silence(void **state)
{
	static const struct {
		int64_t at_s, comes_s;
	} lines[] = { { 0, 0 }, { 10, 10 }, { 12, 153 } };

	(void)state;
	for (size_t k = 0; k < N_TYPES; k++) {
		struct store *s = make(types[k]);
		struct log_want w = want_all(s, false);

		w.start_ns = STORE_T0 - 30 * MINUTE;
		w.is_follow = true;
		w.end_ns = 0;
		w.late_ns = 30 * NS_PER_S;
		for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
			store_add(s, STORE_T0 + lines[i].at_s * NS_PER_S, true);
		for (int64_t now = 0; now < 180; now += 2) {
			clock_freeze(STORE_T0 + now * NS_PER_S);
			for (size_t i = 0; i < s->n; i++)
				s->v[i].is_hidden = lines[i].comes_s >= now;
			store_ask(s, &w, 500);
			assert_string_equal(s->error, "");
		}
		if (store_untold(s, INT64_MIN, INT64_MAX) > 0 || store_told_twice(s) > 0)
			fail_msg("%s: %u untold, %u twice", types[k], store_untold(s, INT64_MIN, INT64_MAX), store_told_twice(s));
		clock_freeze(STORE_T0 + MINUTE);
		store_free(s);
	}
}

/* It cannot count: it is read, and what is left when the limit is reached is said. */
static void
a_journal_is_read_to_be_counted(void **state)
{
	static const struct {
		size_t limit;
		uint64_t n;
		bool is_least;
	} rows[] = { { 3000, 2500, false }, { 1000, 1000, true } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct store *s = make("journald");
		struct log_want w = want_all(s, false);
		uint32_t seed = 3;

		s->is_null_message = true;
		fill(s, &seed, 2500, 3);
		w.is_count = true;
		w.limit = rows[i].limit;
		store_ask(s, &w, 200);
		assert_string_equal(s->error, "");
		assert_true(s->n_counted == rows[i].n);
		assert_true(s->is_least == rows[i].is_least);
		store_free(s);
	}
}

static void
a_journal_that_forgot_the_cursor(void **state)
{
	(void)state;
	for (int broken = 0; broken < 2; broken++) {
		struct store *s = make("journald");
		struct log_want w = want_all(s, false);

		w.is_follow = true;
		w.end_ns = 0;
		store_add(s, STORE_T0 + 1 * NS_PER_S, false);
		store_add(s, STORE_T0 + 59 * NS_PER_S, false);
		store_ask(s, &w, 10);
		assert_int_equal(s->v[1].n_told, 1);
		/* The entry is gone, a new one is there. */
		s->v[0].is_hidden = s->v[1].is_hidden = true;
		store_add(s, STORE_T0 + 61 * NS_PER_S, false);
		s->is_seek_broken = broken != 0;
		clock_freeze(STORE_T0 + 65 * NS_PER_S);
		store_ask(s, &w, 10);
		assert_string_equal(s->error, "");
		assert_int_equal(s->v[2].n_told, 1);
		assert_non_null(strstr(s->notes, "any more that was read last: lines may be missing"));
		clock_freeze(STORE_T0 + MINUTE);
		store_free(s);
	}
}

/* A page of a busy stream is a moment: what was before it is not asked for as if it were late, and the window does not go up and down. */
static void
a_busy_stream_is_not_asked_for_all_over(void **state)
{
	struct store *s = make("loki");
	struct log_want w = want_all(s, false);
	struct log_kept *k;

	(void)state;
	w.is_follow = true;
	w.end_ns = 0;
	w.limit = 100;
	for (unsigned i = 0; i < 1000; i++)
		store_add(s, STORE_T0 + 50 * NS_PER_S + i * 10 * NS_PER_MS, false);
	store_ask(s, &w, 100);
	assert_int_equal(store_untold(s, STORE_T0, STORE_T0 + MINUTE), 900);
	store_ask(s, &w, 100);
	assert_true(store_untold(s, STORE_T0, STORE_T0 + MINUTE) >= 800);
	k = s->kept;
	k->late_ns = 2 * NS_PER_S;
	for (unsigned i = 0; i < LOG_LATE_LINES * 3 / 4; i++)
		log_seen_add(&k->seen, 1000 + i, STORE_T0 + 59 * NS_PER_S + i);
	store_ask(s, &w, 100);
	k = s->kept;
	assert_true(k->late_ns == 2 * NS_PER_S);
	store_free(s);
}

static void
too_many_late_ones_are_said(void **state)
{
	struct store *s = make("loki");
	struct log_want w = want_all(s, false);
	struct log_kept *k;

	(void)state;
	w.is_follow = true;
	w.end_ns = 0;
	store_add(s, STORE_T0 + 59 * NS_PER_S, false);
	store_ask(s, &w, 10);
	k = s->kept;
	for (unsigned i = 0; i < LOG_LATE_LINES + 10; i++)
		log_seen_add(&k->seen, 1000 + i, STORE_T0 + 30 * NS_PER_S + i * NS_PER_MS);
	store_ask(s, &w, 10);
	assert_non_null(strstr(s->notes, "in the time in which late ones are looked for"));
	k = s->kept;
	assert_true(k->late_ns < 30 * NS_PER_S);
	/* Fewer again: it grows back to what was wanted. */
	for (unsigned i = 0; i < 80; i++) {
		clock_freeze(clock_now() + MINUTE);
		store_ask(s, &w, 10);
	}
	k = s->kept;
	assert_true(k->late_ns == 0 || k->late_ns >= 30 * NS_PER_S);
	clock_freeze(STORE_T0 + MINUTE);
	store_free(s);
}

static int
setup(void **state)
{
	(void)state;
	clock_freeze(STORE_T0 + MINUTE);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_line_once),
		cmocka_unit_test(parts_of_the_range),
		cmocka_unit_test(a_limit_is_kept),
		cmocka_unit_test(more_in_one_nanosecond_than_a_page),
		cmocka_unit_test(the_server_says_how_many),
		cmocka_unit_test(a_lost_point_in_time),
		cmocka_unit_test(without_a_point_in_time_it_is_said),
		cmocka_unit_test(failed_shards_are_said),
		cmocka_unit_test(documents_finer_than_the_index),
		cmocka_unit_test(documents_that_cannot_be_read_end_no_page),
		cmocka_unit_test(a_rejected_page_fails_the_round),
		cmocka_unit_test(follow_many_rounds),
		cmocka_unit_test(a_failed_round_loses_nothing),
		cmocka_unit_test(clocks_that_are_off),
		cmocka_unit_test(a_late_one_after_silence),
		cmocka_unit_test(a_journal_is_read_to_be_counted),
		cmocka_unit_test(a_journal_that_forgot_the_cursor),
		cmocka_unit_test(a_busy_stream_is_not_asked_for_all_over),
		cmocka_unit_test(too_many_late_ones_are_said),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
