/* Objectives in their short form: what they become, and the sentences when they are wrong. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/conf_env.h"
#include "conf/conf_slo.h"

#define HEAD "apiVersion: opsconsole/v1\nkind: Config\nenvironments:\n- name: e\n" \
    "  sources:\n  - { name: p, type: prometheus, url: 'http://h' }\n" \
    "  - { name: q, type: prometheus, url: 'http://i' }\n" \
    "  - { name: am, type: alertmanager, url: 'http://j' }\n"
/* Options of one objective stand at line 10 and on. */
#define SLO HEAD "  slos:\n  - name: s\n    target: 0.999\n"
#define RATIO SLO "    bad: b_total\n    total: t_total\n"

static struct conf *conf;
static struct conf_problems problems;
static struct slo_def_set *set;

static int
setup(void **state)
{
	(void)state;
	setenv("HOME", "/home/ann", 1);
	/* 2030-06-15T12:00:00Z */
	clock_freeze(INT64_C(1907755200) * NS_PER_S);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	conf_free(conf);
	conf_problems_done(&problems);
	block_unref(set);
	conf = NULL;
	set = NULL;
	return 0;
}

static void
parse(const char *text)
{
	struct err err = ERR_INIT;

	teardown(NULL);
	if (conf_parse("/etc/c.yaml", text, strlen(text), &conf, &problems, &err) < 0)
		fail_msg("%s\n%s", err.msg, text);
	set = conf_slos(&conf->environments[0]);
}

static const struct slo_def *
parse_good(const char *text)
{
	parse(text);
	if (problems.n > 0)
		fail_msg("%s\n%s", problems.v[0], text);
	assert_int_equal(set->n, 1);
	return &set->v[0];
}

/* expected: the problems without the file's name, a line each. */
static void
assert_problems(const char *text, const char *expected)
{
	struct buf b;

	parse(text);
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < problems.n; i++)
		buf_printf(&b, "%s%s", i > 0 ? "\n" : "", strchr(problems.v[i], ':') + 1);
	if (!str_eq(b.data, expected))
		fail_msg("in:\n%s\ngot:\n%s\nexpected:\n%s", text, b.data, expected);
	buf_done(&b);
}

/* --- what they become ------------------------------------------------------------------------ */

static void
least(void **state)
{
	const struct slo_def *d = parse_good(RATIO);

	(void)state;
	assert_string_equal(d->id, "slo:s");
	assert_string_equal(d->name, "s");
	assert_string_equal(d->title, "");
	assert_string_equal(d->service, "");
	assert_string_equal(d->kind, "");
	assert_string_equal(d->source, "p");
	assert_int_equal(d->origin, SLO_FROM_CONFIG);
	assert_string_equal(d->where, "c.yaml:10:5");
	assert_true(d->target == 0.999);
	assert_int_equal(d->method, SLO_OCCURRENCES);
	assert_int_equal(d->slice_ns, 0);
	assert_true(isnan(d->slice_target));
	assert_int_equal(d->period_ns, 30 * 24 * NS_PER_HOUR);
	assert_int_equal(d->n_bounds, 0);
	assert_int_equal(d->sli, SLI_RATIO);
	assert_null(d->good);
	assert_string_equal(d->bad, "b_total");
	assert_string_equal(d->total, "t_total");
	assert_true(d->is_counter);
	assert_null(d->raw);
	assert_int_equal(d->resolution_ns, NS_PER_MIN);
	assert_int_equal(d->n_rules, 4);
	assert_true(d->rules[0].factor == 14.4);
	assert_int_equal(d->rules[0].severity, SEVERITY_PAGE);
	assert_int_equal(d->no_data_severity, SEVERITY_NONE);
	assert_true(d->min_bad == 3 && d->min_events == 0);
	assert_int_equal(d->n_corrections, 0);
	assert_int_equal(d->alert_labels.n, 1);
	assert_string_equal(labels_get(&d->alert_labels, "slo"), "s");
	assert_int_equal(d->recorded_ns, 0);
	assert_int_equal(d->notes.n, 0);
	assert_int_equal(conf->environments[0].slo_interval_ns, 15 * NS_PER_S);
	assert_true(conf->environments[0].slo_found);
	assert_null(conf->environments[0].slo_corrections);
}

static void
most(void **state)
{
	const struct slo_def *d = parse_good(HEAD
	    "  slo: { interval: 2s, found: false, corrections: ~/log }\n"
	    "  slos:\n"
	    "  - name: s t\n"
	    "    title: The title\n"
	    "    service: web\n"
	    "    kind: time-to-deploy\n"
	    "    target: 0.95\n"
	    "    window: 2h\n"
	    "    source: q\n"
	    "    good: g{a=\"b\"}\n"
	    "    total: sum(rate(t[${window}]))\n"
	    "    counter: false\n"
	    "    method: timeslices\n"
	    "    slice: 4s\n"
	    "    slice_target: 99%\n"
	    "    resolution: 2s\n"
	    "    min_bad: 0\n"
	    "    min_events: 12.5\n"
	    "    burn:\n"
	    "    - { factor: 1, long: 12m, short: 60s, severity: ticket }\n"
	    "    - { factor: 6, long: 60s, for: 4s }\n"
	    "    - { factor: 14.4, long: 10s, short: 5s, severity: page }\n"
	    "    no_data: ticket\n"
	    "    alerts: { slo: x, alertname: Burn }\n");

	(void)state;
	assert_string_equal(d->id, "slo:s t");
	assert_string_equal(d->title, "The title");
	assert_string_equal(d->service, "web");
	assert_string_equal(d->kind, "time-to-deploy");
	assert_true(d->target == 0.95);
	assert_int_equal(d->period_ns, 2 * NS_PER_HOUR);
	assert_string_equal(d->source, "q");
	assert_string_equal(d->good, "g{a=\"b\"}");
	assert_false(d->is_counter);
	assert_int_equal(d->method, SLO_TIMESLICES);
	assert_int_equal(d->slice_ns, 4 * NS_PER_S);
	assert_true(d->slice_target == 0.99);
	assert_int_equal(d->resolution_ns, 2 * NS_PER_S);
	assert_true(d->min_bad == 0 && d->min_events == 12.5);
	assert_int_equal(d->n_rules, 3);
	assert_true(d->rules[0].factor == 14.4 && d->rules[1].factor == 6 &&
	    d->rules[2].factor == 1);
	assert_int_equal(d->rules[0].short_ns, 5 * NS_PER_S);
	assert_int_equal(d->rules[1].short_ns, 0);
	assert_int_equal(d->rules[1].for_ns, 4 * NS_PER_S);
	assert_int_equal(d->rules[1].severity, SEVERITY_PAGE);
	assert_int_equal(d->rules[2].severity, SEVERITY_TICKET);
	assert_int_equal(d->rules[2].long_ns, 12 * NS_PER_MIN);
	assert_int_equal(d->no_data_severity, SEVERITY_TICKET);
	assert_int_equal(d->alert_labels.n, 2);
	assert_string_equal(d->alert_labels.v[0].name, "alertname");
	assert_string_equal(labels_get(&d->alert_labels, "slo"), "x");
	assert_int_equal(conf->environments[0].slo_interval_ns, 2 * NS_PER_S);
	assert_false(conf->environments[0].slo_found);
	assert_string_equal(conf->environments[0].slo_corrections, "/home/ann/log");
}

static void
histograms(void **state)
{
	static const struct {
		const char *options, *good, *total;
	} rows[] = {
		{ "histogram: h\n    below: 0.3", "h_bucket{le=~\"0\\\\.30*|3(\\\\.0*)?[eE]-0*1\"}",
		    "h_count" },
		{ "histogram: h\n    below: 300ms",
		    "h_bucket{le=~\"0\\\\.30*|3(\\\\.0*)?[eE]-0*1\"}", "h_count" },
		{ "histogram: 'h { job = \"le=,}\", x!~`\\`, }'\n    below: 1",
		    "h_bucket{job = \"le=,}\", x!~`\\`,le=~\"1(\\\\.0*)?|1(\\\\.0*)?[eE][+]?0*0\"}",
		    "h_count{job = \"le=,}\", x!~`\\`}" },
		{ "histogram: 'ns:h{}'\n    below: 2500",
		    "ns:h_bucket{le=~\"2500(\\\\.0*)?|2\\\\.50*[eE][+]?0*3\"}", "ns:h_count" },
		{ "histogram: h\n    below: 12.5",
		    "h_bucket{le=~\"12\\\\.50*|1\\\\.250*[eE][+]?0*1\"}", "h_count" },
		{ "histogram: h\n    below: 0.0025",
		    "h_bucket{le=~\"0\\\\.00250*|2\\\\.50*[eE]-0*3\"}", "h_count" },
		{ "histogram: h\n    below: 0", "h_bucket{le=~\"-?0(\\\\.0*)?\"}", "h_count" },
		{ "histogram: h\n    below: -1.5",
		    "h_bucket{le=~\"-(1\\\\.50*|1\\\\.50*[eE][+]?0*0)\"}", "h_count" },
		{ "histogram: h\n    below: 1e-30",
		    "h_bucket{le=~\"1(\\\\.0*)?[eE]-0*30\"}", "h_count" },
		{ "histogram: 'h{a=\"b\"}'\n    below: 0.3\n    native: true",
		    "(histogram_fraction(-Inf, 3e-01, sum(increase(h{a=\"b\"}[${window}]))) >= 0) * "
		    "histogram_count(sum(increase(h{a=\"b\"}[${window}]))) or "
		    "histogram_count(sum(increase(h{a=\"b\"}[${window}])))",
		    "histogram_count(sum(increase(h{a=\"b\"}[${window}])))" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text = xasprintf(SLO "    %s\n", rows[i].options);
		const struct slo_def *d = parse_good(text);

		assert_string_equal(d->good, rows[i].good);
		assert_string_equal(d->total, rows[i].total);
		assert_int_equal(d->sli, SLI_RATIO);
		assert_true(d->is_counter);
		assert_string_equal(d->kind, "latency");
		free(text);
	}
}

static void
other_indicators(void **state)
{
	const struct slo_def *d = parse_good(SLO "    expr: x\n    below: 2%\n");

	(void)state;
	assert_int_equal(d->sli, SLI_THRESHOLD);
	assert_int_equal(d->compare, SLI_LTE);
	assert_true(d->threshold == 0.02);
	assert_string_equal(d->raw, "x");
	assert_null(d->total);
	d = parse_good(SLO "    expr: x\n    above: 100\n");
	assert_int_equal(d->compare, SLI_GTE);
	assert_true(d->threshold == 100);
	d = parse_good(SLO "    timestamp: m\n    max_age: 1h30m\n");
	assert_int_equal(d->sli, SLI_THRESHOLD);
	assert_int_equal(d->compare, SLI_LTE);
	assert_string_equal(d->raw, "time() - (m)");
	assert_true(d->threshold == 5400);
	assert_string_equal(d->kind, "freshness");
	d = parse_good(SLO "    timestamp: 'm # of the last one'\n    max_age: 1h\n");
	assert_string_equal(d->raw, "time() - (m # of the last one\n)");
	d = parse_good(SLO "    error_ratio: e\n");
	assert_int_equal(d->sli, SLI_RAW);
	assert_false(d->is_raw_success);
	assert_string_equal(d->raw, "e");
	assert_int_equal(d->notes.n, 1);
	d = parse_good(SLO "    success_ratio: e\n    kind: durability\n");
	assert_true(d->is_raw_success);
	assert_string_equal(d->kind, "durability");
	/* Slices shorter than the usual resolution bring their own. */
	d = parse_good(RATIO "    method: ratio-timeslices\n    slice: 20s\n");
	assert_int_equal(d->method, SLO_RATIO_TIMESLICES);
	assert_int_equal(d->resolution_ns, 20 * NS_PER_S);
	assert_true(d->min_bad == 0);
	assert_true(d->rules[0].short_ns == 5 * NS_PER_MIN);
	/* The usual rules look at whole slices. */
	d = parse_good(RATIO "    method: ratio-timeslices\n    slice: 1h\n");
	assert_int_equal(d->n_rules, 4);
	assert_int_equal(d->rules[0].long_ns, NS_PER_HOUR);
	assert_int_equal(d->rules[0].short_ns, 0);
	assert_int_equal(d->rules[1].long_ns, 6 * NS_PER_HOUR);
	assert_int_equal(d->rules[1].short_ns, NS_PER_HOUR);
	assert_int_equal(d->rules[2].short_ns, 2 * NS_PER_HOUR);
	assert_string_equal(d->notes.v[0], "no burn over less than 1h can be seen: short windows "
	    "of the usual rules are as long as that");
	d = parse_good(RATIO "    resolution: 2h\n");
	assert_int_equal(d->n_rules, 3);
	assert_int_equal(d->notes.n, 1);
	/* Of a short window those that are left would fire when all is gone long since. */
	d = parse_good(RATIO "    window: 2h\n");
	assert_int_equal(d->n_rules, 1);
	assert_int_equal(d->notes.n, 1);
	assert_string_equal(d->notes.v[0],
	    "the usual rules do not fit a window of 2h: give burn: rules of its own");
	d = parse_good(RATIO "    window: 1h\n");
	assert_int_equal(d->n_rules, 0);
	assert_int_equal(d->notes.n, 1);
	assert_int_equal(parse_good(RATIO "    window: 3d\n")->notes.n, 0);
	assert_int_equal(parse_good(RATIO "    window: 2h\n    burn: [{ factor: 2, long: 5m }]\n")->notes.n,
	    0);
	/* No rules is a choice, too. */
	d = parse_good(RATIO "    burn: []\n");
	assert_int_equal(d->n_rules, 0);
}

static void
calendar_windows(void **state)
{
	static const struct {
		const char *options;
		int64_t period_days;
		const char *start, *end;	/* around now */
	} rows[] = {
		{ "window: day", 1, "2030-06-15T00:00:00Z", "2030-06-16T00:00:00Z" },
		{ "window: week", 7, "2030-06-10T00:00:00Z", "2030-06-17T00:00:00Z" },
		{ "window: month", 30, "2030-06-01T00:00:00Z", "2030-07-01T00:00:00Z" },
		{ "window: quarter", 91, "2030-04-01T00:00:00Z", "2030-07-01T00:00:00Z" },
		{ "window: year", 365, "2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text = xasprintf(RATIO "    %s\n", rows[i].options), at[CLOCK_TEXT_MAX];
		const struct slo_def *d = parse_good(text);
		size_t k = 0;

		assert_int_equal(d->period_ns, rows[i].period_days * 24 * NS_PER_HOUR);
		assert_true(d->n_bounds > 2);
		while (d->bounds[k + 1] <= clock_now())
			k++;
		assert_string_equal(clock_format(at, d->bounds[k], 0), rows[i].start);
		assert_string_equal(clock_format(at, d->bounds[k + 1], 0), rows[i].end);
		free(text);
	}
}

/* All of them are in every copy of the definition: enough to look back, and no more. */
static void
bounds_are_few(void **state)
{
	static const struct {
		const char *window;
		int64_t back_days;
		size_t most;
	} rows[] = { { "day", 100, 503 }, { "week", 732, 164 }, { "month", 732, 40 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text = xasprintf(RATIO "    window: %s\n", rows[i].window);
		const struct slo_def *def = parse_good(text);
		int64_t day = 24 * NS_PER_HOUR;

		assert_true(def->n_bounds <= rows[i].most);
		assert_true(def->bounds[0] <= clock_now() - rows[i].back_days * day);
		assert_true(def->bounds[def->n_bounds - 1] >= clock_now() + 400 * day);
		free(text);
	}
}

/* --- wrong ones ------------------------------------------------------------------------------ */

/* Options at line 12 and on of an objective that is dropped. */
static void
wrong_options(void **state)
{
	static const struct {
		const char *options, *problem;
	} rows[] = {
		{ "bad: b", "12:10: bad: needs total: too" },
		{ "total: t", "10:5: nothing says what is measured: one of good, bad, histogram, "
		    "expr, timestamp, error_ratio and success_ratio is expected" },
		{ "good: g\n    bad: b\n    total: t", "13:10: bad: cannot go with good; keep one" },
		{ "good: g\n    total: t\n    above: 1",
		    "14:12: above: does not go with good:" },
		{ "expr: x", "12:11: expr: needs below: or above: too" },
		{ "expr: x\n    below: 1\n    above: 2",
		    "14:12: above: cannot go with below; keep one" },
		{ "histogram: h", "12:16: histogram: needs below: too" },
		{ "histogram: h\n    below: 1\n    counter: true",
		    "14:14: counter: does not go with histogram:" },
		{ "histogram: h_bucket\n    below: 1", "12:16: histogram: 'h_bucket': write the "
		    "histogram's name without _bucket" },
		{ "histogram: 'h{le=\"1\"}'\n    below: 1",
		    "12:16: histogram: the label le is added by 'below:'; leave it out" },
		{ "histogram: 'h{a=\"'\n    below: 1", "12:16: histogram: 'h{a=\"' is not the name "
		    "of a histogram, perhaps with labels (such as "
		    "http_request_duration_seconds{job=\"web\"})" },
		{ "histogram: \"h{a='1' # why\\n}\"\n    below: 1", "12:16: histogram: "
		    "'h{a='1' # why\\n}' is not the name of a histogram, perhaps with labels (such "
		    "as http_request_duration_seconds{job=\"web\"})" },
		{ "histogram: 'sum(h)'\n    below: 1", "12:16: histogram: 'sum(h)' is not the name "
		    "of a histogram, perhaps with labels (such as "
		    "http_request_duration_seconds{job=\"web\"})" },
		{ "expr: x\n    below: soon", "13:12: below: 'soon' is not a number, share or "
		    "duration (such as 0.3, 2%, 300ms)" },
		{ "timestamp: m", "12:16: timestamp: needs max_age: too" },
		{ "error_ratio: e\n    total: t", "13:12: total: does not go with error_ratio:" },
		{ "error_ratio: e\n    window: moon", "13:13: window: 'moon' is neither a duration "
		    "(such as 30d) nor one of day, week, month, quarter or year" },
		{ "error_ratio: e\n    window: 10s",
		    "13:13: window: '10s' is below the least allowed, 1m" },
		{ "error_ratio: e\n    window: 1m\n    burn: []",
		    "14:11: the window is too short for the resolution of its metrics" },
		{ "error_ratio: e\n    timezone: Europe/Berlin", "13:15: timezone: only a window of "
		    "the calendar has one; window: day, week, month, quarter or year" },
		{ "error_ratio: e\n    window: day\n    timezone: Mars/Olympus", "14:15: "
		    "'Mars/Olympus' is not a time zone known on this machine (such as "
		    "Europe/Berlin; the package tzdata has them)" },
		{ "error_ratio: e\n    window: day\n    timezone: ../../../etc/passwd", "14:15: "
		    "'../../../etc/passwd' is not a time zone known on this machine (such as "
		    "Europe/Berlin; the package tzdata has them)" },
		{ "error_ratio: e\n    slice: 1m",
		    "13:12: slice: goes with method: timeslices or ratio-timeslices" },
		{ "error_ratio: e\n    method: ratio-timeslices\n    slice_target: 1",
		    "14:19: slice_target: goes with method: timeslices" },
		{ "error_ratio: e\n    method: timeslices", "10:5: slice_target: the share from "
		    "which on a slice is good is expected, above 0 and at most 100%" },
		{ "error_ratio: e\n    method: timeslices\n    slice_target: 120%", "14:19: "
		    "slice_target: the share from which on a slice is good is expected, above 0 "
		    "and at most 100%" },
		{ "error_ratio: e\n    method: timeslice",
		    "13:13: method: 'timeslice' is not known; did you mean 'timeslices'?" },
		{ "error_ratio: e\n    method: ratio-timeslices\n    slice: 7m",
		    "10:5: slices of 7m do not fill 30d evenly" },
		{ "error_ratio: e\n    method: ratio-timeslices\n    slice: 7m\n    window: month",
		    "10:5: slices of 7m do not fill an hour of the calendar evenly" },
		{ "error_ratio: e\n    method: ratio-timeslices\n    slice: 90s\n"
		    "    resolution: 1m",
		    "10:5: slices of 90s are not a multiple of the resolution, 1m" },
		{ "error_ratio: e\n    resolution: 10m\n    burn: [{ factor: 2, long: 1h, "
		    "short: 5m }]",
		    "14:11: burn: objective 's': a burn over 5m is shorter than the resolution, "
		    "10m; set resolution: 5m or less" },
		{ "error_ratio: e\n    method: ratio-timeslices\n    slice: 10m\n"
		    "    burn: [{ factor: 2, long: 5m }]",
		    "15:11: burn: objective 's': a burn over 5m is shorter than the slices, 10m; "
		    "set slice: 5m or less" },
		{ "error_ratio: e\n    burn: [{ factor: 2, long: 40d }]", "13:11: burn: "
		    "objective 's': a burn over 40d does not fit into the window of 30d" },
		{ "error_ratio: e\n    burn: [{ factor: 2, long: 1h, short: 1h }]",
		    "13:12: short: must be shorter than long:" },
		{ "error_ratio: e\n    burn: [{ factor: 0, long: 1h }]",
		    "13:22: factor: '0' is below the least allowed, 0.001" },
		{ "error_ratio: e\n    burn: [{ factor: 2, lnog: 1h }]", "13:25: 'lnog' is not an "
		    "option of a burn rule; did you mean 'long'?" },
		/* What is told to be misspelt is not missing as well; what is not, is. */
		{ "error_ratio: e\n    burn: [{ facotr: 2 }]", "13:14: 'facotr' is not an option of "
		    "a burn rule; did you mean 'factor'?\n13:12: 'long' is missing" },
		{ "error_ratio: e\n    burn: 14.4",
		    "13:11: burn: a list is expected: begin each item with '- '" },
		{ "error_ratio: e\n    min_bad: -1",
		    "13:14: min_bad: '-1' is below the least allowed, 0" },
		{ "error_ratio: e\n    no_data: fine",
		    "13:14: no_data: 'fine' is not one of unknown, ticket or page" },
		{ "error_ratio: e\n    kind: latnecy",
		    "13:11: kind: 'latnecy' is not known; did you mean 'latency'?" },
		{ "error_ratio: e\n    source: am", "13:13: objective: the source 'am' is of type "
		    "alertmanager, which answers no queries" },
		{ "error_ratio: e\n    source: x", "13:13: objective: there is no source 'x' in "
		    "this environment" },
		{ "error_ratio: e\n    objective: 1", "13:5: 'objective' is not an option of an "
		    "objective; man 5 opsconsole.yaml lists them" },
		{ "error_ratio: e\n    alerts: [x]",
		    "13:13: alerts: a map is expected: name: VALUE on each line" },
		{ "error_ratio: e\n    alerts:\n      ok: x\n      my-label: x\n      1st: x",
		    "15:7: alerts: 'my-label' is not the name of a label: letters, digits and _, no "
		    "digit first\n16:7: alerts: '1st' is not the name of a label: letters, digits "
		    "and _, no digit first" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text = xasprintf(SLO "    %s\n", rows[i].options);

		assert_problems(text, rows[i].problem);
		assert_int_equal(set->n, 0);
		assert_false(conf->is_policy_broken);
		free(text);
	}
}

static void
targets(void **state)
{
	static const struct {
		const char *text, *problem;
		double value;
	} rows[] = {
		{ "99.9%", NULL, 0.999 }, { "'99.95 %'", NULL, 0.9995 }, { "0.5", NULL, 0.5 },
		{ "99.999%", NULL, 0.99999 }, { "1e-3", NULL, 0.001 }, { "5e1%", NULL, 0.5 },
		{ "100%", "'100%' leaves no room for any error; a share below 100% is expected",
		    0 },
		{ "1", "'1' leaves no room for any error; a share below 100% is expected", 0 },
		{ "99.9", "'99.9' is not between 0 and 1; with a % sign it would be (such as "
		    "99.9%)", 0 },
		{ "0", "'0' is not between 0% and 100%", 0 },
		{ "-5%", "'-5%' is not between 0% and 100%", 0 },
		{ "101%", "'101%' is not between 0% and 100%", 0 },
		{ "nan", "'nan' is not a share (such as 99.9% or 0.999)", 0 },
		{ "high", "'high' is not a share (such as 99.9% or 0.999)", 0 },
		{ "'%'", "'%' is not a share (such as 99.9% or 0.999)", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text = xasprintf(HEAD "  slos:\n  - name: s\n    target: %s\n"
		    "    error_ratio: e\n", rows[i].text), *problem;

		if (rows[i].problem == NULL) {
			assert_true(parse_good(text)->target == rows[i].value);
		} else {
			problem = xasprintf("11:13: target: %s", rows[i].problem);
			assert_problems(text, problem);
			free(problem);
		}
		free(text);
	}
}

/* --- together -------------------------------------------------------------------------------- */

static void
one_wrong_leaves_the_others(void **state)
{
	(void)state;
	assert_problems(HEAD "  slo: { found: false }\n  slos:\n"
	    "  - { name: z, target: 90%, error_ratio: e }\n"
	    "  - { name: a, target: 90, error_ratio: e }\n"
	    "  - { name: z, target: 90%, error_ratio: e }\n"
	    "  - { name: b, target: 90%, success_ratio: e }\n"
	    "  queries:\n"
	    "  - { name: one, expr: x, slo: b }\n"
	    "  - { name: two, expr: x, slo: a }\n"
	    "  - { name: three, expr: x, slo: bb }\n"
	    "  - { name: four, expr: x, slo: nothing }\n",
	    "12:24: target: '90' is not between 0 and 1; with a % sign it would be (such as "
	    "99.9%)\n"
	    "13:5: the name 'z' is taken by an objective at line 11\n"
	    "17:5: query: its objective 'a' has a mistake of its own\n"
	    "18:5: query: there is no objective 'bb'; did you mean 'b'?\n"
	    "19:5: query: there is no objective 'nothing' in this environment");
	assert_int_equal(set->n, 2);
	assert_string_equal(set->v[0].name, "b");
	assert_string_equal(set->v[1].name, "z");
	assert_int_equal(conf->environments[0].n_queries, 4);
}

static void
queries_name_their_objective(void **state)
{
	const struct environment *e;

	(void)state;
	parse_good(RATIO "  queries:\n  - { name: one, expr: x, slo: s }\n"
	    "  - { name: two, expr: x }\n");
	e = conf_environment_block(&conf->environments[0]);
	assert_string_equal(e->queries[0].slo, "slo:s");
	assert_null(e->queries[1].slo);
	block_unref(e);
}

/* Rules of a server may define it: that is not known yet. One with a mistake is. */
static void
queries_may_name_one_of_rules(void **state)
{
	const struct environment *e;

	(void)state;
	assert_problems(RATIO "  - { name: wrong, target: 90 }\n"
	    "  queries:\n  - { name: one, expr: x, slo: elsewhere }\n"
	    "  - { name: two, expr: x, slo: wrong }\n",
	    "14:28: target: '90' is not between 0 and 1; with a % sign it would be (such as "
	    "99.9%)\n"
	    "17:5: query: its objective 'wrong' has a mistake of its own");
	e = conf_environment_block(&conf->environments[0]);
	assert_string_equal(e->queries[0].slo, "slo:elsewhere");
	assert_null(e->queries[1].slo);
	block_unref(e);
}

static void
corrections_reach_whom_they_name(void **state)
{
	struct correction v[] = {
		{ "c-2", "other", 1, 2, 3, "bob", "x" }, { "c-1", "s", 10, 20, 5, "ann", "test" },
		{ "c-3", "*", 30, 40, 6, "ann", "all" }, { "c-4", "s", 50, 60, 7, "cy", "more" },
	};
	struct corrections log = { .n = 4, .v = v };
	/* As if it had been found in rules: there are more than those of the config. */
	struct slo_def defs[2] = { { .n_bounds = 0 } };
	struct slo_def_set both = { .n = 2, .v = defs }, *with;

	(void)state;
	defs[1] = *parse_good(RATIO);
	defs[0] = defs[1];
	defs[0].name = "found";
	with = conf_slos_correct(&both, &log);
	memset(v, 0, sizeof v);	/* copies are held */
	assert_int_equal(with->n, 2);
	assert_int_equal(with->v[0].n_corrections, 1);
	assert_string_equal(with->v[0].corrections[0].id, "c-3");
	assert_int_equal(with->v[1].n_corrections, 3);
	assert_string_equal(with->v[1].corrections[0].id, "c-1");
	assert_int_equal(with->v[1].corrections[0].start_ns, 10);
	assert_int_equal(with->v[1].corrections[0].end_ns, 20);
	assert_string_equal(with->v[1].corrections[1].reason, "all");
	assert_string_equal(with->v[1].corrections[1].by, "ann");
	assert_int_equal(with->v[1].corrections[1].at_ns, 6);
	assert_string_equal(with->v[1].corrections[2].id, "c-4");
	block_unref(with);
}

/* What was taken back is gone when the set is corrected anew. */
static void
corrections_replace_those_before(void **state)
{
	struct correction v[] = { { "c-1", "*", 10, 20, 5, "ann", "test" } };
	struct corrections log = { .n = 1, .v = v };
	struct slo_def_set *with, *without;

	(void)state;
	parse_good(RATIO);
	with = conf_slos_correct(set, &log);
	assert_int_equal(with->v[0].n_corrections, 1);
	without = conf_slos_correct(with, NULL);
	assert_int_equal(without->v[0].n_corrections, 0);
	assert_string_equal(without->v[0].id, "slo:s");
	block_unref(without);
	block_unref(with);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(least), TEST(most), TEST(histograms), TEST(other_indicators),
		TEST(calendar_windows), TEST(bounds_are_few), TEST(wrong_options), TEST(targets),
		TEST(one_wrong_leaves_the_others), TEST(queries_name_their_objective),
		TEST(queries_may_name_one_of_rules),
		TEST(corrections_reach_whom_they_name), TEST(corrections_replace_those_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
