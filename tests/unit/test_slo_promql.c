/*
 * slo_promql.h: expressions of people to templates, and PromQL taken apart. All texts that are
 * wanted here pass promtool's parser.
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

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "insight/slo_promql.h"

#define COUNT(metric) "sum(increase(" metric "[${window}]))"

/* --- events ----------------------------------------------------------------------------------- */

/* What becomes of an expression that counts events. wrong: a part of the sentence, or NULL. */
static const struct {
	const char *text, *want, *wrong;
	bool is_gauge;
} counts[] = {
	{ .text = "http_requests_total", .want = COUNT("http_requests_total") },
	{ .text = "  http_requests_total{code!~\"5..\"} \n",
	    .want = COUNT("http_requests_total{code!~\"5..\"}") },
	{ .text = "{__name__=\"job:errors:total\", job='a}b'}",
	    .want = COUNT("{__name__=\"job:errors:total\", job='a}b'}") },
	{ .text = "sum(http_requests_total)", .want = COUNT("http_requests_total") },
	{ .text = "((sum((http_requests_total))))", .want = COUNT("http_requests_total") },
	{ .text = "sum by (job) (http_requests_total)", .want = COUNT("http_requests_total") },
	{ .text = "SUM(http_requests_total) WITHOUT (instance, pod)",
	    .want = COUNT("http_requests_total") },
	{ .text = "sum without (x) (sum by (x, y) (a{z=\"(\"}))", .want = COUNT("a{z=\"(\"}") },
	{ .text = "max by (job) (a_total)",
	    .want = "sum(max by (job) (increase(a_total[${window}])))" },
	{ .text = "a_total offset 5m", .want = "sum(increase(a_total[${window}] offset 5m))" },
	{ .text = "a_total{x=\"1\"} offset -1h30m @ 1609746000",
	    .want = "sum(increase(a_total{x=\"1\"}[${window}] offset -1h30m @ 1609746000))" },
	/* The server says what is missing there. */
	{ .text = "sum(a_total offset)", .want = "sum(increase(a_total[${window}] offset))" },
	{ .text = "sum(a_total offset -) - b_total",
	    .want = "(sum(increase(a_total[${window}] offset -)) - (" COUNT("b_total") " or vector(0)))" },
	{ .text = "sum(a_total @)", .want = "sum(increase(a_total[${window}] @))" },
	{ .text = "a_total @ end()", .want = "sum(increase(a_total[${window}] @ end()))" },
	{ .text = "a_total * 1000", .want = "sum(increase(a_total[${window}]) * 1000)" },
	{ .text = "histogram_count(rpc_seconds{job=\"api\"})",
	    .want = "sum(histogram_count(increase(rpc_seconds{job=\"api\"}[${window}])))" },
	{ .text = "sum(a_total) or vector(0)",
	    .want = "sum(sum(increase(a_total[${window}])) or vector(0))" },
	{ .text = "a_count - a_bucket{le=\"0.3\"}",
	    .want = "(" COUNT("a_count") " - (" COUNT("a_bucket{le=\"0.3\"}") " or vector(0)))" },
	{ .text = "sum(a_count) - sum(a_bucket{le=\"0.3\"})",
	    .want = "(" COUNT("a_count") " - (" COUNT("a_bucket{le=\"0.3\"}") " or vector(0)))" },
	{ .text = "sum(a - (b - c))",
	    .want =
		"(sum(label_replace(" COUNT("a") ", \"part\", \"1\", \"\", \"\") or label_replace(" COUNT(
		    "c") ", \"part\", \"2\", \"\", \"\")) - (" COUNT("b") " or vector(0)))" },
	{ .text = "sum(e_500) + sum(e_503)",
	    .want =
		"sum(label_replace(" COUNT("e_500") ", \"part\", \"1\", \"\", \"\") or label_replace(" COUNT(
		    "e_503") ", \"part\", \"2\", \"\", \"\"))" },
	{ .text = "a_total # all of them\n", .want = COUNT("a_total") },
	{ .text = "a_total # [5m] is no range here", .want = COUNT("a_total") },
	{ .text = "a_total{path=\"/x[5m]#${y}\"}", .want = COUNT("a_total{path=\"/x[5m]#${y}\"}") },
	{ .text = "jobs_done", .want = "sum(sum_over_time(jobs_done[${less}]))", .is_gauge = true },
	{ .text = "sum by (q) (jobs_done{q=~\"a|b\"} offset 1m)",
	    .want = "sum(sum_over_time(jobs_done{q=~\"a|b\"}[${less}] offset 1m))",
	    .is_gauge = true },
	/* with ${window}: as it stands */
	{ .text = "increase(a_total[${window}])", .want = COUNT("a_total") },
	{ .text = "sum(increase(a_total[$window]))", .want = COUNT("a_total") },
	{ .text = "sum(increase(a_total[{{ .window }}]))", .want = COUNT("a_total") },
	{ .text = "sum(increase(a_total[{{.window}}]))", .want = COUNT("a_total") },
	{ .text = "sum(increase(a_total[$__rate_interval]))", .want = COUNT("a_total") },
	{ .text = "sum(increase(a_total[${__range}]))", .want = COUNT("a_total") },
	{ .text = "sum(rate(a_total{b=\"rate(x)\"}[${window}]))",
	    .want = COUNT("a_total{b=\"rate(x)\"}") },
	{ .text = "sum by (job) (rate(a_total[${window}])) / 2",
	    .want = "sum(sum by (job) (increase(a_total[${window}])) / 2)" },
	{ .text = "sum(irate(a_total[${window}]))",
	    .want = "sum((irate(a_total[${window}]) * ${seconds}))" },
	{ .text = "rate(a_total[${window}]) > 0.1",
	    .want = "sum((rate(a_total[${window}]) > 0.1) * ${seconds})" },
	{ .text = "sum_over_time(sum(rate(a_total[5m]))[${window}:1m])",
	    .want = "sum(sum_over_time(sum(rate(a_total[5m]))[${window}:1m]))" },
	{ .text = "histogram_count(increase(rpc_seconds[${window}]))",
	    .want = "sum(histogram_count(increase(rpc_seconds[${window}])))" },
	{ .text =
		"histogram_fraction(0, 0.3, rate(x[${window}])) * histogram_count(increase(x[${window}]))",
	    .want =
		"sum(histogram_fraction(0, 0.3, increase(x[${window}])) * histogram_count(increase(x[${window}])))" },
	/* each side is added up by itself, and a side without series takes nothing away */
	{ .text = "sum(increase(a_total[${window}])) - sum(rate(b_total[${window}]))",
	    .want = "(" COUNT("a_total") " - (" COUNT("b_total") " or vector(0)))" },
	{ .text = "increase(a_total[${window}]) - (increase(b_total[${window}]) - increase(c_total[${window}]))",
	    .want = "(sum(label_replace(" COUNT("a_total") ", \"part\", \"1\", \"\", \"\") or label_replace(" COUNT("c_total") ", \"part\", \"2\", \"\", \"\")) - (" COUNT("b_total") " or vector(0)))" },
	{ .text = "increase(a_total[${window}]) - on(job) increase(b_total[${window}])",
	    .want = "sum(increase(a_total[${window}]) - on(job) increase(b_total[${window}]))" },
	{ .text = "sum(increase(a_total[${window}]) - 5)",
	    .want = "sum(increase(a_total[${window}]) - 5)" },
	{ .text = "rate(a_total[${window}]) + b_rate(c)",
	    .want = "sum(increase(a_total[${window}]) + b_rate(c))" },
	/* what cannot be */
	{ .text = "", .wrong = "is empty" },
	{ .text = " # nothing but a comment", .wrong = "is empty" },
	{ .text = "sum by (${window}) ( )", .wrong = "a part of the expression is empty" },
	{ .text = "sum(${window}) + ()", .wrong = "a part of the expression is empty" },
	{ .text = "rate(a_total[5m])", .wrong = "write ${window} in its place" },
	{ .text = "increase(a_total[1h]) + b_total", .wrong = "write ${window} in its place" },
	{ .text = "a_total / b_total", .wrong = "'/' between counters" },
	{ .text = "a_total * on (pod) group_left () kube_pod_info",
	    .wrong = "'on' between counters" },
	{ .text = "a_total and b", .wrong = "'and' between counters" },
	{ .text = "a_total > 5", .wrong = "'>' between counters" },
	{ .text = "count(a_total)", .wrong = "'count' around a counter" },
	{ .text = "count by (x) (a_total)", .wrong = "'count' around a counter" },
	{ .text = "topk(3, a_total)", .wrong = "'topk' around a counter" },
	{ .text = "rate(a_total)", .wrong = "'rate' around a counter" },
	{ .text = "42", .wrong = "selects no counter" },
	{ .text = "vector(1)", .wrong = "selects no counter" },
	{ .text = "a_total{x=\"1\"", .wrong = "a brace '{' is not closed" },
	{ .text = "a_total{x=\"1}", .wrong = "a brace '{' is not closed" },
	{ .text = "sum(a_total", .wrong = "a bracket '(' is not closed: (a_total" },
	{ .text = "a_total)", .wrong = "closes nothing" },
	{ .text = "a_total[${window}", .wrong = "a range '[' is not closed" },
	{ .text = "a_total; drop", .wrong = "';' has no meaning" },
	{ .text = "sum()", .wrong = "is empty" },
};

static void
check_count(const char *text, bool is_gauge, const char *want, const char *wrong)
{
	const struct slo_def def = { .id = "slo:x",
		.name = "x",
		.method = SLO_OCCURRENCES,
		.sli = SLI_RATIO,
		.bad = "errors_total",
		.total = text,
		.is_counter = !is_gauge };
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	struct slo_terms terms = { 0 };
	int r = slo_terms(&def, &arena, &terms, &err);

	if (want != NULL && (r != 0 || strcmp(terms.total, want) != 0))
		fail_msg("%s\nbecame %s (%s)\nwanted %s", text, r == 0 ? terms.total : "", err.msg,
		    want);
	if (wrong != NULL &&
	    (r >= 0 || strstr(err.msg, wrong) == NULL || !str_has_prefix(err.msg, "total: ")))
		fail_msg("%s: became \"%s\", said \"%s\", wanted \"%s\"", text,
		    r == 0 ? terms.total : "", err.msg, wrong);
	arena_done(&arena);
}

static void
test_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		check_count(counts[i].text, counts[i].is_gauge, counts[i].want, counts[i].wrong);
}

static void
test_long_expressions_are_refused(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	buf_addstr(&text, "a_total{x=\"");
	while (text.len < SLO_TEMPLATE_MAX - 10)
		buf_addch(&text, 'y');
	buf_addstr(&text, "\"}");
	check_count(text.data, false, NULL, "longer than 8192 bytes");
	while (text.len < 3 * SLO_TEMPLATE_MAX)
		buf_addstr(&text, "  ");
	check_count(text.data, false, NULL, "longer than 8192 bytes");
	buf_reset(&text);
	for (int i = 0; i < 40; i++)
		buf_printf(&text, "%sx%d", i > 0 ? " + " : "", i);
	check_count(text.data, false, NULL, "more than 32 sums");
	buf_reset(&text);
	for (int i = 0; i < 1000; i++)
		buf_addch(&text, '(');
	check_count(text.data, false, NULL, "more than 256 brackets");
	buf_done(&text);
}

/* --- every kind and method -------------------------------------------------------------------- */

static const struct {
	const char *name;
	struct slo_def def;
	const char *first, *total;
	bool is_good;
} kinds[] = {
	{ .name = "good over total",
	    .def = { .sli = SLI_RATIO,
		.is_counter = true,
		.good = "good_total",
		.total = "all_total" },
	    .first = COUNT("good_total"),
	    .total = COUNT("all_total"),
	    .is_good = true },
	{ .name = "bad over total",
	    .def = { .sli = SLI_RATIO,
		.is_counter = true,
		.bad = "bad_total",
		.total = "all_total" },
	    .first = COUNT("bad_total"),
	    .total = COUNT("all_total") },
	{ .name = "a ratio of errors",
	    .def = { .sli = SLI_RAW, .raw = "job:error_ratio", .resolution_ns = NS_PER_MIN },
	    .first = "sum(sum_over_time(((job:error_ratio) > -Inf)[${less}:${step:60000}]))",
	    .total = "sum(count_over_time(((job:error_ratio) > -Inf)[${less}:${step:60000}]))" },
	{ .name = "a ratio of success, no resolution given",
	    .def = { .sli = SLI_RAW, .raw = "job:ok_ratio # as recorded", .is_raw_success = true },
	    .first = "sum(sum_over_time(((job:ok_ratio ) > -Inf)[${less}:${step:60000}]))",
	    .total = "sum(count_over_time(((job:ok_ratio ) > -Inf)[${less}:${step:60000}]))",
	    .is_good = true },
	{ .name = "a ratio of two rates over the window: by its sides",
	    .def = { .sli = SLI_RAW,
		.raw = "sum(rate(e[{{.window}}])) / sum(rate(r[{{.window}}]))",
		.resolution_ns = NS_PER_MIN },
	    .first = COUNT("e"),
	    .total = COUNT("r") },
	{ .name = "a ratio over the window that is no division",
	    .def = { .sli = SLI_RAW,
		.raw = "1 - avg_over_time(up[${window}])",
		.resolution_ns = 2 * NS_PER_MIN },
	    .first =
		"sum(sum_over_time(((1 - avg_over_time(up[2m])) > -Inf)[${less}:${step:120000}]))",
	    .total =
		"sum(count_over_time(((1 - avg_over_time(up[2m])) > -Inf)[${less}:${step:120000}]))" },
	{ .name = "threshold",
	    .def = { .sli = SLI_THRESHOLD,
		.raw = "p99_seconds",
		.compare = SLI_LTE,
		.threshold = 0.3,
		.resolution_ns = 30 * NS_PER_S },
	    .first =
		"sum(sum_over_time((((p99_seconds) > -Inf) <= bool 0.3)[${less}:${step:30000}]))",
	    .total = "sum(count_over_time(((p99_seconds) > -Inf)[${less}:${step:30000}]))",
	    .is_good = true },
	{ .name = "threshold below zero",
	    .def = { .sli = SLI_THRESHOLD,
		.raw = "t",
		.compare = SLI_GT,
		.threshold = -1.5e-7,
		.resolution_ns = NS_PER_S },
	    .first = "sum(sum_over_time((((t) > -Inf) > bool -1.5e-07)[${less}:${step:1000}]))",
	    .total = "sum(count_over_time(((t) > -Inf)[${less}:${step:1000}]))",
	    .is_good = true },
	{ .name = "slices of bad over total",
	    .def = { .sli = SLI_RATIO,
		.is_counter = true,
		.bad = "bad_total",
		.total = "all_total",
		.method = SLO_TIMESLICES,
		.slice_ns = 5 * NS_PER_MIN,
		.slice_target = 0.95 },
	    .first =
		"sum(sum_over_time(((1 - ((sum(increase(bad_total[5m])) or vector(0)) / (sum(increase(all_total[5m])) > 0))) >= bool 0.95)"
		"[${less}:${step:300000}]))",
	    .total =
		"sum(count_over_time(((sum(increase(bad_total[5m])) or vector(0)) / (sum(increase(all_total[5m])) > 0))"
		"[${less}:${step:300000}]))",
	    .is_good = true },
	{ .name = "ratio of slices",
	    .def = { .sli = SLI_RATIO,
		.is_counter = true,
		.bad = "bad_total",
		.total = "all_total",
		.method = SLO_RATIO_TIMESLICES,
		.slice_ns = NS_PER_MIN },
	    .first =
		"sum(sum_over_time(((sum(increase(bad_total[1m])) or vector(0)) / (sum(increase(all_total[1m])) > 0))"
		"[${less}:${step:60000}]))",
	    .total =
		"sum(count_over_time(((sum(increase(bad_total[1m])) or vector(0)) / (sum(increase(all_total[1m])) > 0))"
		"[${less}:${step:60000}]))" },
	{ .name = "slices of a gauge of events",
	    .def = { .sli = SLI_RATIO,
		.good = "ok",
		.total = "all",
		.method = SLO_TIMESLICES,
		.slice_ns = NS_PER_MIN,
		.slice_target = 0.5 },
	    .first =
		"(sum(sum_over_time((((sum(sum_over_time(ok[59999ms])) or vector(0)) / (sum(sum_over_time(all[59999ms])) > 0)) >= bool 0.5)"
		"[${less}:${step:60000}]))"
		" and on () sum(count_over_time(sum(sum_over_time(ok[59999ms]))[${less}:${step:60000}])))",
	    .total =
		"sum(count_over_time(((sum(sum_over_time(ok[59999ms])) or vector(0)) / (sum(sum_over_time(all[59999ms])) > 0))"
		"[${less}:${step:60000}]))",
	    .is_good = true },
	{ .name = "ratio of slices of good",
	    .def = { .sli = SLI_RATIO,
		.is_counter = true,
		.good = "ok_total",
		.total = "all_total",
		.method = SLO_RATIO_TIMESLICES,
		.slice_ns = NS_PER_MIN },
	    .first =
		"(sum(sum_over_time(((sum(increase(ok_total[1m])) or vector(0)) / (sum(increase(all_total[1m])) > 0))"
		"[${less}:${step:60000}]))"
		" and on () sum(count_over_time(sum(increase(ok_total[1m]))[${less}:${step:60000}])))",
	    .total =
		"sum(count_over_time(((sum(increase(ok_total[1m])) or vector(0)) / (sum(increase(all_total[1m])) > 0))"
		"[${less}:${step:60000}]))",
	    .is_good = true },
	{ .name = "slices of a threshold",
	    .def = { .sli = SLI_THRESHOLD,
		.raw = "p99",
		.compare = SLI_LT,
		.threshold = 2,
		.resolution_ns = 30 * NS_PER_S,
		.method = SLO_TIMESLICES,
		.slice_ns = 5 * NS_PER_MIN,
		.slice_target = 0.9 },
	    .first =
		"sum(sum_over_time((avg(avg_over_time((((p99) > -Inf) < bool 2)[299999ms:30s])) >= bool 0.9)[${less}:${step:300000}]))",
	    .total =
		"sum(count_over_time(avg(avg_over_time((((p99) > -Inf) < bool 2)[299999ms:30s]))[${less}:${step:300000}]))",
	    .is_good = true },
	{ .name = "slices of a ratio, each looked at once",
	    .def = { .sli = SLI_RAW,
		.raw = "err",
		.resolution_ns = NS_PER_MIN,
		.method = SLO_RATIO_TIMESLICES,
		.slice_ns = NS_PER_MIN },
	    .first = "sum(sum_over_time(avg(((err) > -Inf))[${less}:${step:60000}]))",
	    .total = "sum(count_over_time(avg(((err) > -Inf))[${less}:${step:60000}]))" },
	{ .name = "recorded",
	    .def = { .name = "a\"b\\c",
		.sli = SLI_RATIO,
		.is_counter = true,
		.bad = "bad_total",
		.total = "all_total",
		.recorded_ns = 5 * NS_PER_MIN },
	    .first =
		"sum(sum_over_time(slo:first:increase5m{slo=\"a\\\"b\\\\c\"}[${less}:${step:300000}]))",
	    .total =
		"sum(sum_over_time(slo:total:increase5m{slo=\"a\\\"b\\\\c\"}[${less}:${step:300000}]))" },
};

static void
test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct arena arena = ARENA_INIT;
		struct err err = ERR_INIT;
		struct slo_terms terms = { 0 };

		if (slo_terms(&kinds[i].def, &arena, &terms, &err) < 0)
			fail_msg("%s: %s", kinds[i].name, err.msg);
		if (strcmp(terms.first, kinds[i].first) != 0 ||
		    strcmp(terms.total, kinds[i].total) != 0 || terms.is_good != kinds[i].is_good)
			fail_msg("%s:\n%s\n%s\ngood %d", kinds[i].name, terms.first, terms.total,
			    terms.is_good);
		arena_done(&arena);
	}
}

static const struct {
	struct slo_def def;
	const char *wrong;
} wrongs[] = {
	{ { .sli = SLI_RATIO, .total = "a" }, "needs total, and one of good and bad" },
	{ { .sli = SLI_RATIO, .good = "a", .bad = "b", .total = "c" }, "one of good and bad" },
	{ { .sli = SLI_RATIO, .good = "a" }, "needs total" },
	{ { .sli = SLI_RATIO, .good = "rate(x[1m])", .total = "a" }, "good: has a range" },
	{ { .sli = SLI_RAW }, "no expression" },
	{ { .sli = SLI_RAW, .raw = "sum(a" }, "not closed" },
	{ { .sli = SLI_THRESHOLD, .raw = "a", .threshold = NAN }, "threshold is no number" },
	{ { .sli = SLI_THRESHOLD, .raw = "a", .threshold = INFINITY }, "threshold is no number" },
	{ { .sli = SLI_RAW, .raw = "a", .method = SLO_RATIO_TIMESLICES },
	    "RatioTimeslices needs the length of a slice" },
	{ { .sli = SLI_RAW,
	      .raw = "a",
	      .method = SLO_TIMESLICES,
	      .slice_ns = NS_PER_MIN,
	      .slice_target = NAN },
	    "target for a slice" },
};

static void
test_wrong_definitions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
		struct arena arena = ARENA_INIT;
		struct err err = ERR_INIT;
		struct slo_terms terms;

		if (slo_terms(&wrongs[i].def, &arena, &terms, &err) >= 0 ||
		    strstr(err.msg, wrongs[i].wrong) == NULL)
			fail_msg("wanted \"%s\", said \"%s\"", wrongs[i].wrong, err.msg);
		arena_done(&arena);
	}
}

/* --- filling in ------------------------------------------------------------------------------- */

static void
test_fill(void **state)
{
	static const struct {
		const char *template;
		int64_t window_ns;
		const char *want;
	} cases[] = {
		{ "x[${window}]", NS_PER_HOUR, "x[1h]" },
		{ "x[${window}] ${window}", 90 * NS_PER_MIN, "x[90m] 90m" },
		{ "x[${window}]", 500 * NS_PER_MS, "x[500ms]" },
		{ "x[${window}]", 3 * 24 * NS_PER_HOUR, "x[3d]" },
		{ "x[${window}]", 61 * NS_PER_S, "x[61s]" },
		{ "x[${window}]", 0, "x[1ms]" },
		{ "x[${less}:${step:60000}]", NS_PER_HOUR, "x[3599999ms:1m]" },
		{ "x[${less}:${step:60000}]", 10 * NS_PER_S, "x[9999ms:10s]" },
		{ "x * ${seconds}", 90 * NS_PER_S, "x * 90" },
		{ "x * ${seconds}", 30 * 24 * NS_PER_HOUR, "x * 2592000" },
		{ "x * ${seconds}", 250 * NS_PER_MS, "x * 0.25" },
		{ "x{y=\"${other}\"}[${window}]", NS_PER_S, "x{y=\"${other}\"}[1s]" },
		{ "${unclosed", NS_PER_S, "${unclosed" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf out;

		buf_init(&out, 1024);
		slo_fill(&out, cases[i].template, cases[i].window_ns);
		assert_string_equal(out.data, cases[i].want);
		buf_done(&out);
	}
}

/* Side by side: slices are not cut, and what lies between two samples belongs to one window. */
static void
test_fill_exact(void **state)
{
	static const struct {
		const char *template;
		int64_t window_ns, overlap_ns;
		const char *want;
	} cases[] = {
		{ "x[${less}:${step:60000}]", 10 * NS_PER_S, NS_PER_MIN, "x[9999ms:1m]" },
		{ "sum(increase(x[${window}]))", NS_PER_HOUR, 0, "sum(increase(x[1h]))" },
		{ "sum(increase(x[${window}]))", 59 * NS_PER_S, NS_PER_S + NS_PER_MS,
		    "(sum(increase(x[1m]))) * 0.983333333333333" },
		{ "sum((irate(x[${window}]) * ${seconds}))", 30 * NS_PER_S,
		    30 * NS_PER_S + NS_PER_MS, "(sum((irate(x[1m]) * 60))) * 0.5" },
		{ "sum(increase(x[${window}]))", NS_PER_HOUR, NS_PER_MIN,
		    "(sum(increase(x[3659999ms]))) * 0.983606826122084" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf out;

		buf_init(&out, 1024);
		slo_fill_exact(&out, cases[i].template, cases[i].window_ns, cases[i].overlap_ns);
		assert_string_equal(out.data, cases[i].want);
		buf_done(&out);
	}
}

static void
test_ratio_expr(void **state)
{
	const struct slo_terms good = {
		.first = "sum(a[${window}])", .is_good = true, .total = "sum(b[${window}])"
	};
	const struct slo_terms bad = { .first = "sum(a[${window}])", .total = "sum(b[${window}])" };
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	slo_ratio_expr(&out, &good, NS_PER_HOUR);
	assert_string_equal(out.data, "1 - sum(a[1h]) / sum(b[1h])");
	buf_reset(&out);
	slo_ratio_expr(&out, &bad, 5 * NS_PER_MIN);
	assert_string_equal(out.data, "sum(a[5m]) / sum(b[5m])");
	buf_done(&out);
}

static void
test_quote(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	promql_quote(&out, "a\"b\\c\nd\x7f\xc3\xa9");
	assert_string_equal(out.data, "\"a\\\"b\\\\c\\x0ad\\x7f\xc3\xa9\"");
	buf_done(&out);
}

/* --- taking apart ----------------------------------------------------------------------------- */

static const struct {
	const char *text, *a, *b;
} divisions[] = {
	{ "a / b", "a", "b" },
	{ "a/b", "a", "b" },
	{ "((a) / (b))", "a", "b" },
	{ "(\n  sum(rate(a{x=\"/\"}[5m])) # errors / all\n)\n/\n(sum(rate(b[5m])))",
	    "sum(rate(a{x=\"/\"}[5m]))", "sum(rate(b[5m]))" },
	{ "sum(rate(a[5m] offset -5m)) / sum(rate(b[5m]))", "sum(rate(a[5m] offset -5m))",
	    "sum(rate(b[5m]))" },
	{ "(a - b) / (c + d)", "a - b", "c + d" },
	{ "sum by (x) (a) / sum by (x) (b)", "sum by (x) (a)", "sum by (x) (b)" },
	{ "a ^ 2 / b", "a ^ 2", "b" },
	{ "1 - a / b", NULL, NULL },
	{ "a / b / c", NULL, NULL },
	{ "a * b / c", NULL, NULL },
	{ "a / b > 0.1", NULL, NULL },
	{ "a / b or c", NULL, NULL },
	{ "a / on (x) b", NULL, NULL },
	{ "a / ignoring (x) group_left () b", NULL, NULL },
	{ "sum(a / b)", NULL, NULL },
	{ "a", NULL, NULL },
	{ "\"a / b\"", NULL, NULL },
	{ "a /", NULL, NULL },
	{ "/ b", NULL, NULL },
	{ "(a / b", NULL, NULL },
	{ "() / ()", NULL, NULL },
	{ "", NULL, NULL },
};

static void
test_divisions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof divisions / sizeof *divisions; i++) {
		const char *a = "", *b = "";
		size_t a_len = 0, b_len = 0;
		bool is = promql_split_division(divisions[i].text, &a, &a_len, &b, &b_len);

		if (is != (divisions[i].a != NULL))
			fail_msg("%s: is%s a division", divisions[i].text, is ? "" : " not");
		if (is &&
		    (a_len != strlen(divisions[i].a) || memcmp(a, divisions[i].a, a_len) != 0 ||
			b_len != strlen(divisions[i].b) || memcmp(b, divisions[i].b, b_len) != 0))
			fail_msg("%s: became '%.*s' and '%.*s'", divisions[i].text, (int)a_len, a,
			    (int)b_len, b);
	}
}

static void
test_replace_range(void **state)
{
	static const struct {
		const char *text, *want;
		unsigned n;
	} cases[] = {
		{ "sum(rate(a[5m]))", "sum(rate(a[${window}]))", 1 },
		{ "a[5m] + b[ 5m ] + c[15m] + d[5m:1m]",
		    "a[${window}] + b[${window}] + c[15m] + d[5m:1m]", 2 },
		{ "a{x=\"[5m]\"} # [5m]", "a{x=\"[5m]\"} # [5m]", 0 },
		{ "a{x='[5m]'}[5m]", "a{x='[5m]'}[${window}]", 1 },
		{ "a[5m", "a[5m", 0 },
		{ "", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf out;

		buf_init(&out, 1024);
		assert_int_equal(promql_replace_range(
				     &out, cases[i].text, strlen(cases[i].text), "5m", "${window}"),
		    cases[i].n);
		assert_string_equal(out.data, cases[i].want);
		buf_done(&out);
	}
}

/*
 * Nothing that somebody writes leads the scanner astray: every prefix of every expression is read
 * or refused.
 */
static void
test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		for (size_t len = 0; len <= strlen(counts[i].text); len++) {
			char *text = strndup(counts[i].text, len);
			const struct slo_def def = { .name = "x",
				.sli = SLI_RATIO,
				.is_counter = true,
				.good = text,
				.total = text };
			struct arena arena = ARENA_INIT;
			struct slo_terms terms = { 0 };
			struct err err = ERR_INIT;
			int r = slo_terms(&def, &arena, &terms, &err);

			assert_true(r == 0 ? terms.first[0] != '\0' : err.msg[0] != '\0');
			arena_done(&arena);
			free(text);
		}
}

/* `test_slo_promql --rules` writes all texts as a rules file: promtool check rules reads it. */
static int
write_rules(void)
{
	printf("groups:\n- name: templates\n  rules:\n");
	for (size_t i = 0; i < sizeof counts / sizeof *counts + 2 * (sizeof kinds / sizeof *kinds);
	     i++) {
		size_t n = sizeof counts / sizeof *counts, k = i < n ? 0 : (i - n) / 2;
		const char *template = i < n ? counts[i].want :
		    (i - n) % 2 == 0         ? kinds[k].first :
					       kinds[k].total;
		struct buf out;

		if (template == NULL || strstr(template, "b_rate") != NULL)
			continue;
		buf_init(&out, 1 << 20);
		slo_fill(&out, template, NS_PER_HOUR);
		printf("  - record: r%zu\n    expr: |\n      %s\n", i, out.data);
		buf_done(&out);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_long_expressions_are_refused),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_wrong_definitions),
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_fill_exact),
		cmocka_unit_test(test_ratio_expr),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_divisions),
		cmocka_unit_test(test_replace_range),
		cmocka_unit_test(test_prefixes),
	};

	if (argc > 1 && strcmp(argv[1], "--rules") == 0)
		return write_rules();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
