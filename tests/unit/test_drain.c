/* Patterns: templates, counts, trend, what is new, bounds. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "insight/drain.h"
#include "insight/drain_priv.h"
#include "tests/unit/log_world.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define S INT64_C(1000000000)

static void
add(struct drain *d, int64_t at_s, const char *text, enum line_level level, const char *service)
{
	drain_add(d, &(struct log_ref){ .time_ns = at_s * S, .text = text, .len = strlen(text), .level = level, .service = service });
}

static void
what_varies_is_taken_out(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "took 12ms of 3.5s", "took|<*>ms|of|<*>s" },
		{ "from 10.0.0.1:8080 to 2001:db8::1", "from|<*>|to|<*>:db8::<*>" },
		{ "2030-01-01T00:05:00.123Z up", "<*>Z|up" },
		{ "id 123e4567-e89b-12d3-a456-426614174000 x", "id|<*>|x" },
		{ "id deadbeef-cafe-babe-feed-facefeedbeef", "id|<*>" },
		{ "trace=085fa8f6 0xDEAD 7fffcafe12", "trace=<*>|<*>|<*>" },
		{ "/api/v1/posts/1234/x p99", "/api/v1/posts/<*>/x|p99" },
		{ "user12345 web-01 ranker2", "<*>|web-<*>|ranker2" },
		{ "{\"a\":1,\"b\":\"x y\",\"msg\":\"hello there\"}", "{|\"a\":<*>,|\"b\":<*>,|\"msg\":\"hello|there\"}" },
		{ "msg=\"slow query\" q=\"select 1 from x\" name=\"bob\"", "msg=\"slow|query\"|q=<*>|name=\"bob\"" },
		{ "deadbeef defaced feedback", "deadbeef|defaced|feedback" },
		{ "", "" }, { "   ", "" }, { "a\tb\nc", "a|b|c" },
	};
	struct drain_words *w = calloc(1, sizeof *w);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char got[512] = "";

		drain_words(w, cases[i].text, strlen(cases[i].text));
		for (size_t j = 0; j < w->n; j++) {
			assert_true(strlen(got) + w->v[j].len + 2 < sizeof got);
			strcat(got, j == 0 ? "" : "|");
			strncat(got, w->v[j].text, w->v[j].len);
		}
		assert_string_equal(got, cases[i].expected);
	}
	free(w);
}

static void
lines_of_one_kind_become_one_template(void **state)
{
	static const char *const names[] = { "bob", "eve", "mallory" };
	struct drain *d = drain_new(NULL);
	struct log_pattern_set *set;

	(void)state;
	for (int i = 0; i < 90; i++) {
		char text[100];

		snprintf(text, sizeof text, "user %s not found in shard %d", names[i % 3], i);
		add(d, i, text, i == 7 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, i % 2 == 0 ? "web" : "ranker");
	}
	add(d, 100, "connection reset by peer", LOG_LEVEL_INFO, "");
	set = drain_patterns(d, 0, 100 * S, 95 * S, 0);
	assert_int_equal(set->n, 2);
	assert_int_equal(set->n_lines, 91);
	assert_string_equal(set->v[0].text, "connection reset by peer");
	assert_true(set->v[0].is_new);
	assert_string_equal(set->v[1].text, "user <*> not found in shard <*>");
	assert_string_equal(set->v[1].example, "user bob not found in shard 0");
	assert_int_equal(set->v[1].n, 90);
	assert_int_equal(set->v[1].level, LOG_LEVEL_ERROR);
	assert_string_equal(set->v[1].services, "web, ranker");
	assert_false(set->v[1].is_new);
	assert_true(set->v[1].first_ns == 0 && set->v[1].last_ns == 89 * S);
	assert_true(drain_of(d, "user zed not found in shard 1000", 32) == set->v[1].id);
	assert_true(drain_of(d, "nothing like it", 15) == 0);
	block_unref(set);
	drain_free(d);
}

/* What came first in the part of a store that is held may have been there before. */
static void
what_is_new_is_known_only_where_lines_are_held_from_before(void **state)
{
	struct drain *d = drain_new(NULL);
	struct log_pattern_set *set;
	struct log_ref line = { .time_ns = 60 * S, .text = "loaded model", .len = 12, .source = "loki", .service = "web" };

	(void)state;
	drain_add(d, &line);
	line.source = "journal";
	line.text = "began service now";
	line.len = strlen(line.text);
	drain_add(d, &line);
	drain_reach(d, "journal", 10 * S);
	drain_reach(d, "loki", 55 * S);
	set = drain_patterns(d, 0, 100 * S, 50 * S, 0);
	assert_int_equal(set->n, 2);
	assert_string_equal(set->v[0].text, "began service now");
	assert_true(set->v[0].is_new && !set->v[0].is_unknown);
	assert_true(!set->v[1].is_new && set->v[1].is_unknown);
	block_unref(set);
	drain_reach(d, "loki", 50 * S);
	set = drain_patterns(d, 0, 100 * S, 50 * S, 0);
	assert_true(set->v[0].is_new && set->v[1].is_new);
	block_unref(set);
	drain_free(d);
}

static void
a_trend_counts_every_line_of_the_range(void **state)
{
	struct drain *d = drain_new(NULL);
	struct log_pattern_set *set;
	size_t sum = 0;

	(void)state;
	/* Not in order, over a day, then over a year: slots widen. */
	for (int i = 0; i < 1000; i++)
		add(d, (i * 7919) % 86400, "tick", LOG_LEVEL_INFO, "web");
	set = drain_patterns(d, 0, 86400 * S, 0, 0);
	assert_int_equal(set->n, 1);
	for (int i = 0; i < LOG_TREND; i++) {
		sum += set->v[0].trend[i];
		assert_true(set->v[0].trend[i] > 20 && set->v[0].trend[i] < 65);
	}
	assert_int_equal(sum, 1000);
	assert_int_equal(set->v[0].n, 1000);
	block_unref(set);
	/* Half of the range: about half of them. */
	set = drain_patterns(d, 0, 43200 * S, 0, 0);
	assert_true(set->v[0].n > 450 && set->v[0].n < 550);
	block_unref(set);
	set = drain_patterns(d, -1000 * S, -500 * S, 0, 0);
	assert_int_equal(set->n, 0);
	block_unref(set);
	add(d, INT64_C(365) * 86400, "tick", LOG_LEVEL_INFO, "web");
	add(d, -INT64_C(365) * 86400, "tick", LOG_LEVEL_INFO, "web");
	drain_add(d, &(struct log_ref){ .time_ns = INT64_MAX / 2, .text = "tick", .len = 4, .service = "" });
	drain_add(d, &(struct log_ref){ .time_ns = -INT64_MAX / 2, .text = "tick", .len = 4, .service = "" });
	set = drain_patterns(d, -INT64_MAX / 2, INT64_MAX / 2, 0, 0);
	assert_int_equal(set->v[0].n, 1004);
	block_unref(set);
	drain_free(d);
}

static void
ids_are_the_same_in_every_run(void **state)
{
	uint64_t ids[2][8] = { { 0 } };

	(void)state;
	for (int run = 0; run < 2; run++) {
		struct drain *d = drain_new(NULL);
		struct log_pattern_set *set;
		uint64_t random = 3;
		char text[256];

		for (int i = 0; i < 5000; i++) {
			size_t len = log_text(text, sizeof text, &random);

			drain_add(d, &(struct log_ref){ .time_ns = i * S, .text = text, .len = len, .service = "" });
		}
		set = drain_patterns(d, 0, 5000 * S, 0, 0);
		assert_int_equal(set->n, 8);	/* as many as there are shapes */
		for (size_t i = 0; i < 8; i++) {
			ids[run][i] = set->v[i].id;
			assert_true(set->v[i].id != 0 && set->v[i].id <= INT64_MAX);
			assert_true(drain_of(d, set->v[i].example, strlen(set->v[i].example)) == set->v[i].id);
		}
		block_unref(set);
		drain_free(d);
	}
	assert_memory_equal(ids[0], ids[1], sizeof ids[0]);
}

static void
the_one_seen_longest_ago_makes_room(void **state)
{
	struct drain *d = drain_new(&(struct drain_options){ .clusters_max = 3 });
	static const char *const words[] = { "alpha", "bravo", "charlie", "alpha", "delta" };
	struct log_pattern_set *set;
	bool has_bravo = false;

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++)
		add(d, (int64_t)i, words[i], LOG_LEVEL_INFO, "");
	set = drain_patterns(d, 0, 10 * S, 0, 0);
	assert_int_equal(set->n, 3);
	for (size_t i = 0; i < set->n; i++)
		has_bravo = has_bravo || strcmp(set->v[i].text, "bravo") == 0;
	assert_false(has_bravo);
	assert_int_equal(set->n_others, 1);
	assert_int_equal(set->n_lines, 5);
	block_unref(set);
	set = drain_patterns(d, 0, 10 * S, 0, 1);
	assert_int_equal(set->n, 1);
	assert_int_equal(set->n_others, 3);
	assert_string_equal(set->v[0].text, "alpha");
	block_unref(set);
	drain_free(d);
}

static void
any_lines_keep_to_the_bounds(void **state)
{
	struct drain *d = drain_new(&(struct drain_options){ .clusters_max = 50, .children_max = 5 });
	uint64_t random = 11;
	size_t told = 0;
	struct log_pattern_set *set;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char text[200];
		size_t len = log_random(&random) % sizeof text;

		for (size_t j = 0; j < len; j++)
			text[j] = " abcABC019.:-\"={},[\\\0\xff\n"[log_random(&random) % 23];
		drain_add(d, &(struct log_ref){ .time_ns = (int64_t)(log_random(&random) % 1000) * S, .text = text, .len = len, .service = "" });
	}
	set = drain_patterns(d, 0, 1000 * S, 0, 0);
	assert_true(set->n <= 50);
	for (size_t i = 0; i < set->n; i++)
		told += set->v[i].n;
	assert_int_equal(told + set->n_others, 20000);
	assert_int_equal(set->n_lines, 20000);
	block_unref(set);
	drain_free(d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_varies_is_taken_out),
		cmocka_unit_test(lines_of_one_kind_become_one_template),
		cmocka_unit_test(what_is_new_is_known_only_where_lines_are_held_from_before),
		cmocka_unit_test(a_trend_counts_every_line_of_the_range),
		cmocka_unit_test(ids_are_the_same_in_every_run),
		cmocka_unit_test(the_one_seen_longest_ago_makes_room),
		cmocka_unit_test(any_lines_keep_to_the_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
