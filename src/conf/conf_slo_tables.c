/* The options of an objective in its short form. */
#include "config.h"

#include "conf/conf_table.h"

static const char *const kinds[] = { "availability", "error-rate", "latency", "throughput",
    "time-to-deploy", "durability", "freshness", NULL };
/* In the order of enum slo_method. */
static const char *const methods[] = { "occurrences", "timeslices", "ratio-timeslices", NULL };
static const char *const burn_severities[] = { "page", "ticket", "info", NULL };
static const char *const no_data[] = { "unknown", "ticket", "page", NULL };

#define AT(member) offsetof(struct conf_burn, member)
static const struct conf_row burn_rows[] = {
	{ .name = "factor", .type = CONF_DOUBLE, .offset = AT(factor), .flags = ROW_REQUIRED,
	  .min = "0.001", .max = "1000000",
	  .help = "Fires above this burn rate; 1 spends the budget in exactly the window." },
	{ .name = "long", .type = CONF_DURATION, .offset = AT(long_ns), .flags = ROW_REQUIRED,
	  .min = "1s", .max = "400d", .help = "The time that shows the burn matters." },
	{ .name = "short", .type = CONF_DURATION, .offset = AT(short_ns), .flags = ROW_ESSENTIAL,
	  .min = "1s", .max = "400d",
	  .help = "The time that shows it still burns; the long one alone decides without it." },
	{ .name = "for", .type = CONF_DURATION, .offset = AT(for_ns), .flags = ROW_ESSENTIAL,
	  .min = "0s", .max = "30d", .def = "0s", .help = "Both must have burnt so long." },
	{ .name = "severity", .type = CONF_CHOICE, .offset = AT(severity),
	  .choices = burn_severities, .flags = ROW_ESSENTIAL, .def = "page",
	  .help = "How urgent that is." },
	{ 0 }
};
static const struct conf_table burn_table = {
	.what = "a burn rule", .rows = burn_rows, .size = sizeof(struct conf_burn),
	.has_position = true, .position = AT(line), .is_strict = true,
};
#undef AT

static const struct conf_row label_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = offsetof(struct conf_label, name),
	  .max = "120", .help = "A label of the alert." },
	{ .name = "value", .type = CONF_STRING, .offset = offsetof(struct conf_label, value),
	  .help = "Its value." },
	{ 0 }
};
static const struct conf_table label_table = { .what = "a label", .rows = label_rows,
    .size = sizeof(struct conf_label) };

#define AT(member) offsetof(struct conf_slo, member)
static const struct conf_row slo_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = AT(name), .flags = ROW_REQUIRED, .max = "64",
	  .help = "Its name, unique in the environment." },
	{ .name = "title", .type = CONF_STRING, .offset = AT(title), .flags = ROW_ESSENTIAL,
	  .max = "120", .help = "What is promised, in words." },
	{ .name = "service", .type = CONF_NAME, .offset = AT(service), .flags = ROW_ESSENTIAL,
	  .max = "120", .help = "The service it is promised of." },
	{ .name = "kind", .type = CONF_ENUM, .offset = AT(kind), .choices = kinds,
	  .flags = ROW_ESSENTIAL, .help = "What is measured, to sort and find by." },
	{ .name = "target", .type = CONF_RATIO, .offset = AT(target), .flags = ROW_REQUIRED,
	  .help = "The share that is to be good." },
	{ .name = "window", .type = CONF_WINDOW, .offset = AT(window), .flags = ROW_ESSENTIAL,
	  .min = "1m", .max = "1830d", .def = "30d",
	  .help = "The time over which it is promised; a word of the calendar begins anew." },
	{ .name = "timezone", .type = CONF_NAME, .offset = AT(timezone), .flags = ROW_ESSENTIAL,
	  .max = "63", .def = "UTC", .help = "Whose calendar." },
	{ .name = "source", .type = CONF_NAME, .offset = AT(source), .flags = ROW_ESSENTIAL,
	  .max = "64", .help = "The Prometheus source to ask; the first when absent." },
	{ .name = "good", .type = CONF_PROMQL, .offset = AT(good), .flags = ROW_ESSENTIAL,
	  .max = "20000", .help = "What counts good events." },
	{ .name = "bad", .type = CONF_PROMQL, .offset = AT(bad), .flags = ROW_ESSENTIAL,
	  .max = "20000", .help = "What counts bad events." },
	{ .name = "total", .type = CONF_PROMQL, .offset = AT(total), .flags = ROW_ESSENTIAL,
	  .max = "20000", .help = "What counts all events." },
	{ .name = "counter", .type = CONF_BOOL, .offset = AT(is_counter), .flags = ROW_ESSENTIAL,
	  .def = "true", .help = "Whether good, bad and total are counters; else each sample is a "
	  "number of events." },
	{ .name = "histogram", .type = CONF_PROMQL, .offset = AT(histogram),
	  .flags = ROW_ESSENTIAL, .max = "10000", .help = "A histogram, good up to below." },
	{ .name = "native", .type = CONF_BOOL, .offset = AT(is_native), .flags = ROW_ESSENTIAL,
	  .def = "false", .help = "Whether it is a native one." },
	{ .name = "expr", .type = CONF_PROMQL, .offset = AT(expr), .flags = ROW_ESSENTIAL,
	  .max = "20000", .help = "A value, good where it is not beyond below or above." },
	{ .name = "below", .type = CONF_AMOUNT, .offset = AT(below), .flags = ROW_ESSENTIAL,
	  .help = "Good is at most this." },
	{ .name = "above", .type = CONF_AMOUNT, .offset = AT(above), .flags = ROW_ESSENTIAL,
	  .help = "Good is at least this." },
	{ .name = "timestamp", .type = CONF_PROMQL, .offset = AT(timestamp),
	  .flags = ROW_ESSENTIAL, .max = "20000",
	  .help = "When it last happened, in seconds since 1970." },
	{ .name = "max_age", .type = CONF_DURATION, .offset = AT(max_age_ns),
	  .flags = ROW_ESSENTIAL, .min = "1s", .max = "1830d",
	  .help = "Good while it is at most so long ago." },
	{ .name = "error_ratio", .type = CONF_PROMQL, .offset = AT(error_ratio),
	  .flags = ROW_ESSENTIAL, .max = "20000", .help = "The share of errors, ready made." },
	{ .name = "success_ratio", .type = CONF_PROMQL, .offset = AT(success_ratio),
	  .flags = ROW_ESSENTIAL, .max = "20000", .help = "The share of successes, ready made." },
	{ .name = "method", .type = CONF_CHOICE, .offset = AT(method), .choices = methods,
	  .flags = ROW_ESSENTIAL, .def = "occurrences", .help = "What is counted." },
	{ .name = "slice", .type = CONF_DURATION, .offset = AT(slice_ns), .flags = ROW_ESSENTIAL,
	  .min = "1s", .max = "1d", .def = "1m", .help = "Length of a slice of time." },
	{ .name = "slice_target", .type = CONF_AMOUNT, .offset = AT(slice_target),
	  .flags = ROW_ESSENTIAL, .help = "The share from which on a slice is good." },
	{ .name = "resolution", .type = CONF_DURATION, .offset = AT(resolution_ns),
	  .flags = ROW_ESSENTIAL, .min = "1s", .max = "1d", .def = "1m",
	  .help = "How far apart the metric's values are looked at." },
	{ .name = "min_bad", .type = CONF_DOUBLE, .offset = AT(min_bad), .flags = ROW_ESSENTIAL,
	  .min = "0", .max = "1e15",
	  .help = "A burn that rests on fewer bad events does not fire." },
	{ .name = "min_events", .type = CONF_DOUBLE, .offset = AT(min_events),
	  .flags = ROW_ESSENTIAL, .min = "0", .max = "1e15", .def = "0",
	  .help = "A burn that rests on fewer events does not fire." },
	{ .name = "burn", .type = CONF_LIST, .offset = AT(burns), .n_offset = AT(n_burns),
	  .table = &burn_table, .flags = ROW_ESSENTIAL, .max = "8",
	  .help = "When a burn fires, instead of the usual rules." },
	{ .name = "no_data", .type = CONF_CHOICE, .offset = AT(no_data), .choices = no_data,
	  .flags = ROW_ESSENTIAL, .def = "unknown", .help = "What missing data counts as." },
	{ .name = "alerts", .type = CONF_PAIRS, .offset = AT(alerts), .n_offset = AT(n_alerts),
	  .table = &label_table, .flags = ROW_ESSENTIAL, .max = "20",
	  .help = "Labels of the alerts that tell of its burn." },
	{ 0 }
};
const struct conf_table conf_table_slo = {
	.what = "an objective", .rows = slo_rows, .size = sizeof(struct conf_slo),
	.is_unique = true, .has_position = true, .position = AT(line), .is_strict = true,
};
#undef AT

#define AT(member) offsetof(struct conf_environment, member)
static const struct conf_row group_rows[] = {
	{ .name = "interval", .type = CONF_DURATION, .offset = AT(slo_interval_ns), .min = "1s",
	  .max = "1h", .def = "15s", .help = "Time from one working out to the next." },
	{ .name = "found", .type = CONF_BOOL, .offset = AT(slo_found), .def = "true",
	  .help = "Also show the objectives that rules of Sloth and Pyrra define." },
	{ .name = "corrections", .type = CONF_PATH, .offset = AT(slo_corrections),
	  .help = "The log of what does not count." },
	{ 0 }
};
#undef AT
const struct conf_table conf_table_slo_group = { .what = "slo", .rows = group_rows };
