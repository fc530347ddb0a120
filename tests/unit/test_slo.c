/* Objectives as values: copies, sets, the Workbook's rules, words. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "tests/unit/feed.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define DAY (24 * NS_PER_HOUR)

static const struct slo_def_set *
defs_of(struct event *ev, const char *slos)
{
	*ev = feed_event(0, "{'event':'slo-defs','slos':[%s]}", slos);
	return ev->block;
}

#define DEF(name, more) "{'id':'slo:" name "','name':'" name "','target':0.99,'period_ns':2592000000000000" more "}"

/* --- copies and sets -------------------------------------------------------------------------------------------------- */

static const char full[] = DEF("a", ",'title':'A','service':'web','kind':'latency','source':'p','origin':'openslo','where':'w','method':'timeslices',"
    "'slice_ns':7,'slice_target':0.9,'bounds':['2030-01-01T00:00:00Z','2030-02-01T00:00:00Z'],'good':'g','total':'t','counter':true,'raw':'r',"
    "'rules':[{'factor':6,'long_ns':2,'short_ns':1,'severity':'ticket'}],'corrections':[{'id':'c','reason':'drill','by':'me'}],"
    "'alert_labels':{'alertname':'A','x':''},'notes':['one','two']");

/* The source of the copy is gone when the copy is looked at: whatever it still pointed to would show. */
static void
a_copy_needs_nothing_of_its_source(void **state)
{
	struct slo_def_set *copy = block_new(sizeof *copy);
	struct event ev, copied;
	struct slo_def *def = arena_alloc(&copy->block.arena, sizeof *def);
	json_t *before, *after;

	(void)state;
	slo_def_copy(def, defs_of(&ev, full)->v, &copy->block.arena);
	before = event_to_json(&ev);
	event_done(&ev);
	copy->v = def;
	copy->n = 1;
	event_init(&copied, EVENT_SLO_DEFS, T(0), "", copy);
	after = event_to_json(&copied);
	assert_true(json_equal(before, after));
	assert_null(def->bad);
	json_decref(before);
	json_decref(after);
	event_done(&copied);
}

static void
sets_become_one(void **state)
{
	static const struct {
		const char *first, *second, *expected;	/* "id:title " */
	} cases[] = {
		{ "", "", "" },
		{ DEF("b", ",'title':'1'"), DEF("a", ",'title':'2'"), "slo:a:2 slo:b:1 " },
		/* Of one id the first, whatever it is. */
		{ DEF("a", ",'title':'1'"), DEF("a", ",'title':'2'"), "slo:a:1 " },
		{ "{'id':'slo:a','name':'x','title':'1','origin':'sloth','target':0.5,'period_ns':1}", DEF("a", ",'title':'2'"), "slo:a:1 " },
		/* Found under another id, but of the same name: what is configured counts, whichever set comes first. */
		{ DEF("a", ",'title':'1'"), "{'id':'slo:web/a','name':'a','service':'web','origin':'sloth','target':0.5,'period_ns':1}", "slo:a:1 " },
		{ "{'id':'slo:web/a','name':'a','service':'web','origin':'pyrra','target':0.5,'period_ns':1}", DEF("a", ",'title':'1'"), "slo:a:1 " },
		{ DEF("a", ",'title':'1','service':'web'"),
		  "{'id':'slo:web/a','name':'a','service':'web','origin':'sloth','target':0.5,'period_ns':1}", "slo:a:1 " },
		{ DEF("a", ",'title':'1','service':'db'"),
		  "{'id':'slo:web/a','name':'a','title':'2','service':'web','origin':'sloth','target':0.5,'period_ns':1}", "slo:a:1 slo:web/a:2 " },
		{ DEF("b", ",'title':'1'"), "{'id':'slo:web/a','name':'a','title':'2','origin':'sloth','target':0.5,'period_ns':1}", "slo:b:1 slo:web/a:2 " },
		/* Two that were found do not replace each other by name alone. */
		{ "{'id':'slo:x','name':'a','title':'1','origin':'sloth','target':0.5,'period_ns':1}",
		  "{'id':'slo:y','name':'a','title':'2','origin':'pyrra','target':0.5,'period_ns':1}", "slo:x:1 slo:y:2 " },
		/* The same rules in two sources are two objectives. */
		{ "{'id':'slo:a','name':'a','title':'1','origin':'sloth','source':'eu','target':0.5,'period_ns':1}",
		  "{'id':'slo:a','name':'a','title':'2','origin':'sloth','source':'us','target':0.5,'period_ns':1}", "slo:a:1 slo:a@us:2 " },
		{ "{'id':'slo:a','name':'a','title':'1','origin':'sloth','source':'eu','target':0.5,'period_ns':1}",
		  "{'id':'slo:a','name':'a','title':'2','origin':'sloth','source':'eu','target':0.5,'period_ns':1}", "slo:a:1 " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct event a, b;
		const struct slo_def_set *v[] = { defs_of(&a, cases[i].first), NULL, defs_of(&b, cases[i].second) };
		struct slo_def_set *set = slo_def_merge(v, COUNT(v));
		struct buf text;

		event_done(&a);
		event_done(&b);
		buf_init(&text, 1000);
		for (size_t j = 0; j < set->n; j++) {
			buf_printf(&text, "%s:%s ", set->v[j].id, set->v[j].title);
			assert_ptr_equal(slo_def_find(set, set->v[j].id), &set->v[j]);
		}
		if (strcmp(text.data, cases[i].expected) != 0)
			fail_msg("case %zu: %s", i, text.data);
		assert_null(slo_def_find(set, "slo:none"));
		buf_done(&text);
		block_unref(set);
	}
	assert_null(slo_def_find(NULL, "slo:a"));
}

/* --- rules -------------------------------------------------------------------------------------------------------------- */

static void
the_rules_fit_the_period(void **state)
{
	static const struct {
		int64_t period_ns;
		size_t n;
	} cases[] = {
		{ 30 * DAY, 4 }, { 7 * DAY, 4 }, { 3 * DAY, 3 }, { 2 * DAY, 3 }, { DAY, 2 }, { 6 * NS_PER_HOUR, 1 }, { NS_PER_HOUR, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena arena = ARENA_INIT;
		size_t n = 99;
		const struct slo_rule *rules = slo_default_rules(cases[i].period_ns, &arena, &n);

		assert_int_equal(n, cases[i].n);
		for (size_t j = 0; j < n; j++) {
			assert_int_equal(rules[j].long_ns / rules[j].short_ns, 12);
			assert_int_equal(rules[j].severity, j < 2 ? SEVERITY_PAGE : SEVERITY_TICKET);
			/* Of 30 days each takes 2, 5, 10 and 10 % of the budget before it fires. */
			assert_float_equal(rules[j].factor * (double)rules[j].long_ns / (double)(30 * DAY), j == 0 ? 0.02 : j == 1 ? 0.05 : 0.1, 1e-9);
		}
		arena_done(&arena);
	}
}

/* --- order and words ------------------------------------------------------------------------------------------------------ */

/* Each is more urgent than the next. */
static void
the_most_urgent_first(void **state)
{
	static const struct slo v[] = {
		{ .id = "z", .state = SLO_PAGE, .exhaustion_ns = 5, .left = 0.9 },
		{ .id = "y", .state = SLO_PAGE, .exhaustion_ns = 6, .left = 0.1 },
		{ .id = "x", .state = SLO_TICKET, .exhaustion_ns = 0, .left = -1 },
		{ .id = "w", .state = SLO_OK, .exhaustion_ns = INT64_MAX, .left = -1 },
		{ .id = "v", .state = SLO_OK, .exhaustion_ns = INT64_MAX, .left = 0.5 },
		{ .id = "a", .state = SLO_OK, .exhaustion_ns = INT64_MAX, .left = 0.6 },
		{ .id = "b", .state = SLO_OK, .exhaustion_ns = INT64_MAX, .left = 0.6 },
		{ .id = "a", .state = SLO_OK, .exhaustion_ns = INT64_MAX, .left = NAN },
		{ .id = "b", .state = SLO_OK, .exhaustion_ns = INT64_MAX, .left = NAN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(v); i++)
		for (size_t j = 0; j < COUNT(v); j++) {
			int c = slo_urgency(&v[i], &v[j]);

			if ((c < 0) != (i < j) || (c > 0) != (i > j))
				fail_msg("%zu and %zu: %d", i, j, c);
		}
}

static void
the_budget_in_words(void **state)
{
	static const struct {
		struct slo s;
		const char *text;
	} cases[] = {
		{ { .state = SLO_PAGE, .left = 0.38, .burn = 14.9, .exhaustion_ns = 370 * NS_PER_MIN }, "38% left, 6h10m at 14.9x" },
		{ { .state = SLO_OK, .left = 0.91, .burn = 0, .exhaustion_ns = INT64_MAX }, "91% left" },
		{ { .state = SLO_OK, .left = 0.91, .burn = NAN, .exhaustion_ns = INT64_MAX }, "91% left" },
		{ { .state = SLO_OK, .left = 0.91, .burn = 0.4, .exhaustion_ns = INT64_MAX }, "91% left, at 0.4x" },
		{ { .state = SLO_OK, .left = 1, .burn = 0, .exhaustion_ns = INT64_MAX }, "100% left" },
		{ { .state = SLO_EXHAUSTED, .left = -0.12, .burn = 2, .exhaustion_ns = 0 }, "spent 112%, at 2x" },
		{ { .state = SLO_EXHAUSTED, .left = -0.12, .burn = 0, .exhaustion_ns = 0 }, "spent 112%" },
		{ { .state = SLO_EXHAUSTED, .left = 0, .burn = 0, .exhaustion_ns = 0 }, "spent 100%" },
		{ { .state = SLO_NO_DATA, .left = 0.38, .burn = NAN, .since_ns = T(8400), .at_ns = T(9000) }, "no data since 02:20Z; 38% left" },
		{ { .state = SLO_NO_DATA, .left = NAN, .burn = NAN, .since_ns = T(8400), .at_ns = T(9000) }, "no data since 02:20Z" },
		{ { .state = SLO_NO_DATA, .left = -0.5, .burn = NAN, .since_ns = T(-60), .at_ns = T(60) }, "no data since 2029-12-31 23:59Z; spent 150%" },
		{ { .state = SLO_NO_DATA, .left = NAN }, "no data" },
		{ { .state = SLO_UNKNOWN, .left = NAN, .why = "p does not answer" }, "p does not answer" },
		{ { .state = SLO_UNKNOWN, .left = 0.5, .why = "" }, "not known; 50% left" },
		{ { .state = SLO_OK, .left = NAN, .burn = 3, .exhaustion_ns = INT64_MAX }, "budget not known, at 3x" },
		{ { .state = SLO_PAGE, .left = 0.9, .burn = 12, .exhaustion_ns = 112 * NS_PER_S }, "90% left, 1m52s at 12x" },
		/* A rolling window of which 2h20m of 30 days are known; the same of a calendar one, whose budget is that of all of it. */
		{ { .state = SLO_OK, .left = 0.5, .burn = 0, .at_ns = 30 * DAY, .end_ns = 30 * DAY, .covered_ns = 140 * NS_PER_MIN }, "50% of 2h20m left" },
		{ { .state = SLO_EXHAUSTED, .left = -0.5, .burn = 0, .at_ns = 30 * DAY, .end_ns = 30 * DAY, .covered_ns = 140 * NS_PER_MIN }, "spent 150% of 2h20m" },
		{ { .state = SLO_OK, .left = 0.5, .burn = 0, .at_ns = 30 * DAY, .end_ns = 31 * DAY, .covered_ns = 140 * NS_PER_MIN }, "50% left" },
		{ { .state = SLO_OK, .left = 0.5, .burn = 0, .at_ns = 30 * DAY, .end_ns = 30 * DAY, .covered_ns = 29 * DAY }, "50% left" },
	};
	char buf[SLO_TEXT_MAX], small[5];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(slo_budget_text(buf, sizeof buf, &cases[i].s), cases[i].text);
	assert_string_equal(slo_budget_text(buf, sizeof buf, NULL), "not worked out yet");
	/* Cut, but never within a character. */
	assert_string_equal(slo_budget_text(small, sizeof small, &cases[0].s), "38% ");
	assert_string_equal(slo_budget_text(small, sizeof small, &(struct slo){ .state = SLO_UNKNOWN, .left = NAN, .why = "ab\xe2\x82\xac!" }), "ab");
	assert_string_equal(slo_budget_text(small, 1, &cases[0].s), "");
}

/* The samples of the newest minute may not be there yet. */
static void
missing_data_is_told_from_late_samples(void **state)
{
	static const struct {
		int64_t elapsed_ns, covered_ns;
		bool is_partial;
	} cases[] = {
		{ 30 * DAY, 30 * DAY, false }, { 30 * DAY, 29 * DAY, false }, { 30 * DAY, 28 * DAY, true }, { 30 * DAY, 0, true },
		{ 5 * NS_PER_MIN, 4 * NS_PER_MIN, false }, { 5 * NS_PER_MIN, 3 * NS_PER_MIN, true }, { NS_PER_S, 0, false }, { 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(slo_is_partial(&(struct slo){ .at_ns = cases[i].elapsed_ns, .covered_ns = cases[i].covered_ns }),
		    cases[i].is_partial);
	assert_false(slo_is_partial(&(struct slo){ .left = NAN, .at_ns = DAY }));
}

static void
times_are_rounded_not_cut(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0s" }, { 250 * NS_PER_MS, "250ms" }, { 23400 * NS_PER_MS, "23s" }, { 23600 * NS_PER_MS, "24s" }, { 72 * NS_PER_S, "1m12s" },
		{ 59600 * NS_PER_MS, "1m" }, { 112 * NS_PER_S, "1m52s" }, { 62 * NS_PER_S, "1m02s" }, { 15 * NS_PER_MIN, "15m" },
		{ 3599600 * NS_PER_MS, "1h" }, { 370 * NS_PER_MIN, "6h10m" }, { 370 * NS_PER_MIN + 29 * NS_PER_S, "6h10m" },
		{ 370 * NS_PER_MIN + 30 * NS_PER_S, "6h11m" }, { DAY - NS_PER_S, "1d" }, { DAY + NS_PER_HOUR, "1d01h" },
		{ 10 * DAY - NS_PER_S, "10d" }, { 20 * DAY + 13 * NS_PER_HOUR, "21d" }, { -112 * NS_PER_S, "-1m52s" }, { -370 * NS_PER_MIN, "-6h10m" },
	};
	char buf[DURATION_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(slo_time_text(buf, cases[i].ns), cases[i].text);
	/* Whatever it is, it has room. */
	assert_in_range(strlen(slo_time_text(buf, INT64_MAX)), 2, 8);
	assert_in_range(strlen(slo_time_text(buf, INT64_MIN)), 2, 8);
}

static void
windows_have_names(void **state)
{
	static const struct {
		int64_t period_ns;
		size_t n_bounds;
		const char *text;
	} cases[] = {
		{ 30 * DAY, 0, "30d" }, { 7 * DAY, 0, "7d" }, { 2 * NS_PER_HOUR, 0, "2h" }, { 90 * NS_PER_MIN, 0, "1h30m" }, { 5 * NS_PER_MIN, 0, "5m" },
		{ DAY, 3, "the calendar day" }, { 7 * DAY, 3, "the calendar week" }, { 30 * DAY, 3, "the calendar month" },
		{ 31 * DAY, 3, "the calendar month" }, { 91 * DAY, 3, "the calendar quarter" }, { 365 * DAY, 3, "the calendar year" },
		{ 14 * DAY, 3, "14d of the calendar" }, { 12 * NS_PER_HOUR, 3, "12h of the calendar" }, { 45 * NS_PER_MIN, 3, "45m of the calendar" },
	};
	char buf[SLO_WINDOW_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(slo_window_text(buf, &(struct slo_def){ .period_ns = cases[i].period_ns, .n_bounds = cases[i].n_bounds }),
		    cases[i].text);
}

static void
shares_and_rates_are_short(void **state)
{
	static const struct {
		double v;
		const char *share, *rate;
	} cases[] = {
		{ 0, "0%", "0x" }, { 0.0002, "<0.1%", "0x" }, { 0.032, "3.2%", "0x" }, { 0.38, "38%", "0.4x" }, { 0.9996, "99.9%", "1x" },
		{ 1, "100%", "1x" }, { 1.12, "112%", "1.1x" }, { -0.12, "-12%", "-0.1x" }, { 14.4, "1440%", "14.4x" }, { 99.96, "9996%", "100x" },
		{ 1000, "100000%", "1000x" }, { 1e9, "1e+11%", "1e+09x" }, { NAN, "?", "?" }, { INFINITY, "?", "?" }, { 1e308, "?", "1e+308x" },
	};
	char share[SLO_SHARE_MAX], rate[SLO_RATE_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_string_equal(slo_share_text(share, cases[i].v), cases[i].share);
		assert_string_equal(slo_rate_text(rate, cases[i].v), cases[i].rate);
	}
}

/* What is read back is what was said. */
static void
names_are_those_of_the_recording(void **state)
{
	static const enum slo_state states[] = { SLO_PAGE, SLO_TICKET, SLO_EXHAUSTED, SLO_NO_DATA, SLO_UNKNOWN, SLO_GATED, SLO_OK, SLO_EXCLUDED };

	(void)state;
	for (size_t i = 0; i < COUNT(states); i++) {
		struct event ev = feed_event(0, "{'event':'slos','slos':[{'state':'%s'}]}", slo_state_name(states[i]));

		assert_int_equal(((const struct slo_set *)ev.block)->v[0].state, states[i]);
		event_done(&ev);
	}
	assert_string_equal(slo_origin_name(SLO_FROM_OPENSLO), "OpenSLO");
	assert_string_equal(slo_method_name(SLO_RATIO_TIMESLICES), "RatioTimeslices");
	assert_string_equal(sli_compare_text(SLI_LTE), "<=");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_needs_nothing_of_its_source),
		cmocka_unit_test(sets_become_one),
		cmocka_unit_test(the_rules_fit_the_period),
		cmocka_unit_test(the_most_urgent_first),
		cmocka_unit_test(the_budget_in_words),
		cmocka_unit_test(missing_data_is_told_from_late_samples),
		cmocka_unit_test(times_are_rounded_not_cut),
		cmocka_unit_test(windows_have_names),
		cmocka_unit_test(shares_and_rates_are_short),
		cmocka_unit_test(names_are_those_of_the_recording),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
