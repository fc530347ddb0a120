/* Filters: what is typed, what it lets through, what it costs at worst, narrowing, highlighting. */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "insight/drain.h"
#include "insight/log_filter.h"
#include "tests/unit/log_world.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static struct log_filter *
filter(const char *query)
{
	struct err err = ERR_INIT;
	struct log_filter *f;

	if (log_filter_new(query, &f, &err) < 0)
		fail_msg("%s: %s", query, err.msg);
	return f;
}

static const struct label label_app[] = { { "app", "spam-filter" }, { "host", "web-1" } }, label_db[] = { { "app", "db" } };
static const struct labels labels_app = { 2, label_app }, labels_db = { 1, label_db }, labels_none;

#define LINE(t, str, lvl, src, svc, lbl) { .time_ns = t, .text = str, .len = sizeof(str) - 1, .level = lvl, .source = src, .service = svc, .labels = lbl }
static const struct log_ref lines[] = {
	LINE(0, "GET /api/v1/users 200 took=12ms", LOG_LEVEL_INFO, "loki", "web", &labels_app),
	LINE(1, "Ranker TIMEOUT after 300 ms", LOG_LEVEL_ERROR, "loki", "ranker", &labels_app),
	LINE(2, "slow query: select * from posts", LOG_LEVEL_WARNING, "journal", "db", &labels_db),
	LINE(3, "", LOG_LEVEL_UNKNOWN, "journal", "", &labels_none),
	LINE(4, "stderr: out of memory", LOG_LEVEL_CRITICAL, "es", "web-api", &labels_app),
	LINE(5, "timeout\nsecond line ends here", LOG_LEVEL_ERROR, "loki", "web", &labels_none),
	LINE(6, "nul\0timeout", LOG_LEVEL_DEBUG, "es", "web", &labels_db),
	LINE(7, "gr\xc3\xb6\xc3\x9f" "er als \xc3\x84rger", LOG_LEVEL_NOTICE, "es", "\xc3\xbc", &labels_db),
	LINE(8, "bad \xff byte timeout \xc3", LOG_LEVEL_TRACE, "es", "web", &labels_none),
};

/* Which lines, one letter each. */
static const struct {
	const char *query, *expected;
} cases[] = {
	{ "", "012345678" }, { "   ", "012345678" }, { "timeout", "1568" }, { "TimeOut ms", "1" }, { "!timeout", "02347" }, { "!timeout !memory took", "0" },
	{ "/timeout/", "568" }, { "/timeout/i", "1568" }, { "!/timeout/i", "02347" }, { "/^Ranker/", "1" }, { "/here$/", "5" }, { "/^$/", "3" }, { "/^/", "012345678" },
	{ "/timeout.second/", "5" }, { "/took=\\d+ms/", "0" }, { "/\\/api\\/v\\d/", "0" }, { "/api/v1/users", "0" }, { "/api/", "0" }, { "/mem", "4" },
	{ "/[^ ]+query/", "" }, { "/[^x]query/", "2" }, { "/(?<=slow )query/", "2" }, { "/(?i)ranker/", "1" }, { "/\\S+:/", "24" }, { "/l\\Wo/", "" },
	{ "level:warning", "1245" }, { "level:error", "145" }, { "level:=error", "15" }, { "!level:error", "023678" }, { "level:=unknown", "3" }, { "level:trace", "01245678" },
	{ "pattern:\"stderr: out of memory\"", "4" }, { "!pattern:\"stderr: <*> of <*>\"", "01235678" }, { "pattern:nothing", "" }, { "\"levl:error\"", "" },
	{ "level:ERR", "145" }, { "service:web", "0568" }, { "service:web*", "04568" }, { "!service:web*", "1237" }, { "service:we[a-c]", "0568" }, { "service:?", "" },
	{ "source:loki", "015" }, { "source:l*i timeout", "15" }, { "label:app=db", "267" }, { "label:app", "012467" }, { "!label:app", "358" }, { "label:app=*-filter", "014" },
	{ "label:host=web-1 level:error", "14" }, { "\"out of\"", "4" }, { "!\"out of\" level:critical", "" }, { "\"after 300", "1" }, { "label:app=\"db\"", "267" },
	{ "gr\xc3\xb6\xc3\x9f", "7" }, { "\xc3\xa4rger", "7" }, { "/\xc3\x84rger/", "7" }, { "/\xc3\xa4RGER/i", "7" }, { "/gr..er/", "7" }, { "byte", "8" }, { "/bad . byte/", "" },
	{ "service:\xc3\xbc", "7" }, { "!", "" }, { "a:b", "" }, { "query:", "2" }, { "*", "2" }, { "nul", "6" }, { "/nul.timeout/", "" }, { "/^timeout$/", "6" },
	{ "/(?:x|y)?memory/", "4" }, { "/timeou?t/", "568" }, { "/tim(?:e|x)+out second|queri?y/", "2" }, { "/abc|timeout/", "568" }, { "/time{1}out/", "568" }, { "/out.*memory+$/", "4" },
	{ "/(?:timeout){0}byte/", "8" }, { "/tim\\wout/", "568" }, { "/\\/users/", "0" }, { "/[u]sers\\b/", "0" }, { "/(us(?:er)s)/", "0" }, { "/out{x|y}byte|stderr/", "4" }, { "/abc{d|byte/", "8" }, { "/byte time+?out/", "8" }, { "/STDERR:/i", "4" },
	{ "loki: {job=\"x\"} |= \"y\"", "012345678" },
};

static void
run_to(const struct log_filter *f, const struct log_segment *s, size_t from, size_t to, char *got)
{
	uint32_t found[16];
	size_t costly, n = log_filter_run(f, s, from, to, found, &costly);

	assert_int_equal(costly, 0);
	for (size_t i = 0; i < n; i++)
		*got++ = (char)('0' + found[i]);
	*got = '\0';
}

static void
a_filter_lets_through_what_it_says(void **state)
{
	struct log_segment *all = log_segment_new(lines, COUNT(lines)), *ascii = log_segment_new(lines, 7);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct log_filter *f = filter(cases[i].query);
		char got[16], each[16] = "", *p = each;

		run_to(f, all, 0, COUNT(lines), got);
		if (strcmp(got, cases[i].expected) != 0)
			fail_msg("%s gave %s, expected %s", cases[i].query, got, cases[i].expected);
		/* One by one, in parts, and where all are ASCII, it is the same. */
		for (size_t j = 0; j < COUNT(lines); j++)
			if (log_filter_line(f, &lines[j]))
				*p++ = (char)('0' + j);
		*p = '\0';
		if (strcmp(each, got) != 0)
			fail_msg("%s gave %s, each alone %s", cases[i].query, got, each);
		run_to(f, all, 0, 4, got);
		run_to(f, all, 4, COUNT(lines), got + strlen(got));
		assert_string_equal(got, cases[i].expected);
		run_to(f, ascii, 0, 7, got);
		assert_int_equal(strlen(got), strcspn(cases[i].expected, "78"));
		assert_memory_equal(got, cases[i].expected, strlen(got));
		log_filter_free(f);
	}
	block_unref(all);
	block_unref(ascii);
}

/* Each pattern as it is told lets its own lines through, and no others. */
static void
a_pattern_is_a_filter(void **state)
{
	static const char *const texts[] = { "user bob said \"hi\" {a,b,x} 12", "user eve said \"hi\" {a,c,y} 7", "user eve said nothing", "disk /dev/sda is 91% full", "disk /dev/sdb is 17% full" };
	struct drain *d = drain_new(&(struct drain_options){ 0 });
	struct log_pattern_set *set;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct log_ref line = { .time_ns = (int64_t)i, .text = texts[i], .len = strlen(texts[i]), .service = "" };

		drain_add(d, &line);
	}
	set = drain_patterns(d, 0, 10, 0, 0);
	assert_int_equal(set->n, 3);
	assert_int_equal(set->n_lines, COUNT(texts));
	for (size_t i = 0; i < set->n; i++) {
		struct log_filter *f;
		struct err err = ERR_INIT;
		char query[512] = "pattern:\"", *to = query + strlen(query);
		size_t n = 0;

		for (const char *p = set->v[i].text; *p != '\0'; p++) {
			if (*p == '"')
				*to++ = '\\';
			*to++ = *p;
		}
		*to = '\0';
		if (log_filter_new(query, &f, &err) < 0)
			fail_msg("%s: %s", query, err.msg);
		for (size_t k = 0; k < COUNT(texts); k++) {
			struct log_ref line = { .text = texts[k], .len = strlen(texts[k]), .source = "", .service = "" };

			n += log_filter_line(f, &line);
		}
		if (n != set->v[i].n)
			fail_msg("%s: %zu lines, not %zu", query, n, set->v[i].n);
		log_filter_free(f);
	}
	block_unref(set);
	drain_free(d);
}

static void
what_is_wrong_is_told_with_its_column(void **state)
{
	static const struct {
		const char *query, *words[2];
	} wrong[] = {
		{ "ok /a(b/", { "column 4", "parenthes" } }, { "level:nonsense", { "column 1", "nonsense" } }, { "x level:", { "column 3", "colon" } },
		{ "\xc3\xa4 !/[/", { "column 3", "regex" } }, { "label:=x", { "column 1", "label:NAME=VALUE" } }, { "/\\C/", { "column 1", "regex" } }, { "service:", { "column 1", "" } },
		{ "/\xff/", { "column 1", "UTF-8" } }, { "/(*UTF/", { "column 1", "" } },
		{ "x levl:error", { "column 3", "did you mean level:" } }, { "Servce:web", { "column 1", "did you mean service:" } }, { "!lable:a=b", { "column 1", "In quotes" } },
	};
	char *large = xmalloc(40000);
	struct log_filter *f = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct err err = ERR_INIT;

		assert_int_equal(log_filter_new(wrong[i].query, &f, &err), ERR_INVALID);
		if (!str_contains(err.msg, wrong[i].words[0]) || !str_contains(err.msg, wrong[i].words[1]))
			fail_msg("%s: %s", wrong[i].query, err.msg);
		assert_null(f);
	}
	memset(large, 'a', 39999);
	large[39999] = '\0';
	assert_int_equal(log_filter_new(large, &f, NULL), ERR_INVALID);
	for (size_t i = 1; i < 39999; i += 2)
		large[i] = ' ';
	large[200] = '\0';
	assert_int_equal(log_filter_new(large, &f, NULL), ERR_INVALID);
	free(large);
}

static void
native_queries_are_passed_on(void **state)
{
	static const struct {
		const char *query, *type, *native;
	} natives[] = { { "loki: {a=\"b\"} |= \"c\"", "loki", "{a=\"b\"} |= \"c\"" }, { " es:  x AND y", "elasticsearch", "x AND y" }, { "opensearch: z", "elasticsearch", "z" },
		{ "journal: _PID=1", "journald", "_PID=1" }, { "journald:", "journald", "" } };
	struct log_filter *f;

	(void)state;
	for (size_t i = 0; i < COUNT(natives); i++) {
		const char *type = NULL;

		f = filter(natives[i].query);
		assert_string_equal(log_filter_native(f, &type), natives[i].native);
		assert_string_equal(type, natives[i].type);
		log_filter_free(f);
	}
	f = filter("x loki: y");
	assert_null(log_filter_native(f, NULL));
	log_filter_free(f);
}

/* --- cost -------------------------------------------------------------------------------------------------------------------- */

static void
a_line_that_costs_too_much_is_counted_and_not_matched(void **state)
{
	char evil[64];
	struct log_ref some[3] = { lines[0], { .time_ns = 1, .text = evil, .len = sizeof evil - 1, .source = "", .service = "" }, lines[1] };
	struct log_filter *f = filter("/^(?:a+)+$/"), *not = filter("!/^(?:a+)+$/");
	struct log_segment *s;
	uint32_t found[3];
	size_t costly = 0;

	(void)state;
	memset(evil, 'a', sizeof evil);
	evil[sizeof evil - 2] = '!';
	evil[sizeof evil - 1] = '\0';
	some[2].time_ns = 2;
	s = log_segment_new(some, 3);
	assert_int_equal(log_filter_run(f, s, 0, 3, found, &costly), 0);
	assert_int_equal(costly, 1);
	/* Nor is it let through by its opposite: it is not known. */
	assert_int_equal(log_filter_run(not, s, 0, 3, found, &costly), 2);
	assert_int_equal(costly, 1);
	assert_false(log_filter_line(not, &some[1]));
	log_filter_free(f);
	log_filter_free(not);
	block_unref(s);
}

static void
a_line_of_a_megabyte_is_searched_to_its_end(void **state)
{
	char *text = xmalloc(LOG_TEXT_MAX + 1);
	struct log_ref line = { .text = text, .len = LOG_TEXT_MAX, .source = "", .service = "" };
	static const struct {
		const char *query;
		bool is_in;
	} large[] = { { "needle", true }, { "/needle$/", true }, { "/needle.$/", false }, { "/^x/", true }, { "/^needle/", false }, { "/x[^y]?needle/", true }, { "/(?<!x)needle/", false } };
	struct log_segment *s;

	(void)state;
	memset(text, 'x', LOG_TEXT_MAX + 1);
	memcpy(text + LOG_TEXT_MAX - 6, "needle", 7);
	s = log_segment_new(&line, 1);
	for (size_t i = 0; i < COUNT(large); i++) {
		struct log_filter *f = filter(large[i].query);
		uint32_t found;

		if (log_filter_run(f, s, 0, 1, &found, NULL) != large[i].is_in)
			fail_msg("%s", large[i].query);
		log_filter_free(f);
	}
	block_unref(s);
	free(text);
}

/* --- many --------------------------------------------------------------------------------------------------------------------- */

static void
a_million_lines_are_filtered(void **state)
{
	static const char *const queries[] = { "timeout", "/ranker.*timeout/", "/user=\\d+ took=1\\dms/", "!level:error posts", "/[^a-z]77ms/", "!/id=[0-3]/", "/(timeout|not found|closed) .*id=7/", "/took=7?\\d+ms? +id=0a/", "/CACHE=hit/i" };
	struct model *m = model_new(0, 0);
	struct batch_line v[5000];
	char (*texts)[100] = xcalloc(COUNT(v), sizeof *texts);
	uint64_t random = 5;
	uint32_t *found = xreallocarray(NULL, 65536, sizeof *found);

	(void)state;
	for (size_t n = 0; n < 1000000; n += COUNT(v)) {
		for (size_t i = 0; i < COUNT(v); i++) {
			size_t len = log_text(texts[i], sizeof texts[i], &random);

			v[i] = (struct batch_line){ .time_ns = (int64_t)(n + i), .text = texts[i], .len = len, .level = log_level_guess(texts[i], len) };
		}
		tell(m, 0, "loki", v, COUNT(v));
	}
	assert_int_equal(model_log_totals(m)->n, 1000000);
	for (size_t q = 0; q < COUNT(queries); q++) {
		struct log_filter *f = filter(queries[q]);
		size_t n = 0;

		for (size_t i = 0; i < model_n_log_segments(m); i++) {
			const struct log_segment *s = model_log_segment(m, i);
			size_t some = log_filter_run(f, s, 0, log_segment_n(s), found, NULL), at = 0;

			n += some;
			/* Every hundredth line, alone. */
			for (size_t j = 0; j < log_segment_n(s); j += 100) {
				struct log_ref line;

				log_segment_line(s, j, &line);
				while (at < some && found[at] < j)
					at++;
				assert_int_equal(log_filter_line(f, &line), at < some && found[at] == j);
			}
		}
		assert_true(n > 0 && n < 1000000);
		log_filter_free(f);
	}
	free(found);
	free(texts);
	model_free(m);
}

struct reader {
	const struct log_filter *f;
	const struct log_segment *held[64];	/* a reference each */
	size_t n, found;
};

static void *
read_all(void *arg)
{
	struct reader *r = arg;
	uint32_t found[4096];

	for (size_t i = 0; i < r->n; i++) {
		for (size_t from = 0; from < log_segment_n(r->held[i]); from += 4096) {
			size_t n = log_segment_n(r->held[i]);

			r->found += log_filter_run(r->f, r->held[i], from, from + 4096 < n ? from + 4096 : n, found, NULL);
		}
		block_unref(r->held[i]);
	}
	return NULL;
}

/* Segments of the chunk that grows, searched by a thread meanwhile: each has what it had. */
static void
lines_are_added_while_others_are_searched(void **state)
{
	struct log_filter *f = filter("/x\\d/ service:web");
	struct model *m = model_new(0, 0);
	size_t expected = 0, n = 0;

	(void)state;
	for (int round = 0; round < 8; round++) {
		struct reader r = { .f = f };
		pthread_t thread;

		for (; r.n < COUNT(r.held); r.n++) {
			n += 2;
			tell(m, 0, "loki", (struct batch_line[]){ { .time_ns = (int64_t)n - 1, .text = "x1", .stream = 0 }, { .time_ns = (int64_t)n, .text = "y", .stream = 1, .id = "7" } }, 2);
			assert_int_equal(model_n_log_segments(m), 1);
			r.held[r.n] = block_ref(model_log_segment(m, 0));
			expected += n / 2;
		}
		assert_int_equal(pthread_create(&thread, NULL, read_all, &r), 0);
		for (int i = 0; i < 64; i++) {
			n += 2;
			tell(m, 0, "loki", (struct batch_line[]){ { .time_ns = (int64_t)n - 1, .text = "x1", .stream = 0 }, { .time_ns = (int64_t)n, .text = "\xff", .stream = 2, .fields = "{}" } }, 2);
			model_n_log_segments(m);
			model_log_segment(m, 0);
		}
		pthread_join(thread, NULL);
		assert_int_equal(r.found, expected);
		expected = 0;
	}
	log_filter_free(f);
	model_free(m);
}

/* --- narrowing, highlighting ---------------------------------------------------------------------------------------------------- */

static void
narrowing_is_claimed_only_where_it_is_so(void **state)
{
	static const struct {
		const char *before, *now;
		bool is_narrower;
	} pairs[] = {
		{ "", "x", true }, { "err", "erro", true }, { "err", "stderr", true }, { "erro", "err", false }, { "a", "a b", true }, { "a b", "a", false }, { "!erro", "!err", true },
		{ "!err", "!erro", false }, { "/a/", "/a/ x", true }, { "/a/", "/ab/", false }, { "/a/", "/a/i", false }, { "level:info", "level:error", true },
		{ "level:error", "level:info", false }, { "level:info", "level:=error", true }, { "level:=error", "level:error", false }, { "!level:error", "!level:info", true },
		{ "service:web", "service:web", true }, { "service:web*", "service:web", false }, { "label:a=b", "label:a=b c", true }, { "loki: a", "loki: ab", false }, { "loki: a", "x", false },
	};
	struct log_segment *s = log_segment_new(lines, COUNT(lines));

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct log_filter *before = filter(pairs[i].before), *now = filter(pairs[i].now);

		if (log_filter_narrows(before, now) != pairs[i].is_narrower)
			fail_msg("%s -> %s", pairs[i].before, pairs[i].now);
		log_filter_free(before);
		log_filter_free(now);
	}
	/* Of all cases: what is claimed holds. */
	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t j = 0; j < COUNT(cases); j++) {
			struct log_filter *before = filter(cases[i].query), *now = filter(cases[j].query);

			if (log_filter_narrows(before, now))
				for (const char *p = cases[j].expected; *p != '\0'; p++)
					if (strchr(cases[i].expected, *p) == NULL)
						fail_msg("%s is said to narrow %s", cases[j].query, cases[i].query);
			log_filter_free(before);
			log_filter_free(now);
		}
	block_unref(s);
}

static void
what_matched_is_found_for_highlighting(void **state)
{
	static const struct {
		const char *query, *text;
		size_t from, start, end;	/* end 0: not found */
	} finds[] = {
		{ "timeout", "a TIMEOUT b timeout", 0, 2, 9 }, { "timeout", "a TIMEOUT b timeout", 3, 12, 19 }, { "timeout", "a TIMEOUT b timeout", 13, 0, 0 }, { "b a", "a b", 0, 0, 1 },
		{ "b a", "a b", 1, 2, 3 }, { "!a b", "a b", 0, 2, 3 }, { "/x*/", "aaxx", 0, 2, 4 }, { "level:error", "error", 0, 0, 0 }, { "err error", "error", 0, 0, 5 },
		{ "x", "x", 5, 0, 0 }, { "/\\d+/", "\xff 12", 0, 2, 4 }, { "", "abc", 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(finds); i++) {
		struct log_filter *f = filter(finds[i].query);
		size_t start = 0, end = 0;
		bool is_found = log_filter_find(f, finds[i].text, strlen(finds[i].text), finds[i].from, &start, &end);

		if (is_found != (finds[i].end > 0) || start != finds[i].start || end != finds[i].end)
			fail_msg("%s in %s gave %d %zu %zu", finds[i].query, finds[i].text, is_found, start, end);
		log_filter_free(f);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_lets_through_what_it_says),
		cmocka_unit_test(a_pattern_is_a_filter),
		cmocka_unit_test(what_is_wrong_is_told_with_its_column),
		cmocka_unit_test(native_queries_are_passed_on),
		cmocka_unit_test(a_line_that_costs_too_much_is_counted_and_not_matched),
		cmocka_unit_test(a_line_of_a_megabyte_is_searched_to_its_end),
		cmocka_unit_test(a_million_lines_are_filtered),
		cmocka_unit_test(lines_are_added_while_others_are_searched),
		cmocka_unit_test(narrowing_is_claimed_only_where_it_is_so),
		cmocka_unit_test(what_matched_is_found_for_highlighting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
