/* The options of log stores, of lines that are followed, and of what must not be kept of them. */
#include "config.h"

#include "conf/conf_table.h"

#define AT(member) offsetof(struct conf_source, log_fields.member)
static const struct conf_row field_rows[] = {
	{ .name = "time", .type = CONF_NAME, .offset = AT(time), .flags = ROW_ESSENTIAL,
	  .max = "250", .help = "When it was written, of an Elasticsearch." },
	{ .name = "level", .type = CONF_NAME, .offset = AT(level), .flags = ROW_ESSENTIAL,
	  .max = "250", .help = "How bad it is." },
	{ .name = "message", .type = CONF_NAME, .offset = AT(message), .flags = ROW_ESSENTIAL,
	  .max = "250", .help = "The text, of an Elasticsearch or a journal." },
	{ .name = "service", .type = CONF_NAME, .offset = AT(service), .flags = ROW_ESSENTIAL,
	  .max = "250", .help = "Who wrote it." },
	{ 0 }
};
#undef AT
const struct conf_table conf_table_log_fields = { .what = "fields", .rows = field_rows };

/* --- lines that are followed, and those of alerts -------------------------------------------- */

#define AT(member) offsetof(struct conf_log_stream, member)
static const struct conf_row stream_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = AT(name), .flags = ROW_REQUIRED, .max = "64",
	  .help = "Its name, unique in the environment." },
	{ .name = "title", .type = CONF_STRING, .offset = AT(title), .max = "120",
	  .help = "What these lines are; its name when absent." },
	{ .name = "source", .type = CONF_NAME, .offset = AT(source), .max = "64",
	  .help = "The log store that has them; the first when absent." },
	{ .name = "query", .type = CONF_LINES, .offset = AT(query), .max = "20000",
	  .help = "Which lines, in the store's own words; all of them when absent." },
	{ 0 }
};
const struct conf_table conf_table_log_stream = {
	.what = "a stream of lines", .rows = stream_rows, .size = sizeof(struct conf_log_stream),
	.is_unique = true, .has_position = true, .position = AT(line),
};
#undef AT

#define AT(member) offsetof(struct conf_label, member)
static const struct conf_row match_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = AT(name), .max = "250",
	  .help = "A label of the alert." },
	{ .name = "value", .type = CONF_STRING, .offset = AT(value), .max = "1000",
	  .help = "Its value, perhaps with * and ?." },
	{ 0 }
};
#undef AT
static const struct conf_table match_table = { .what = "a label", .rows = match_rows,
    .size = sizeof(struct conf_label) };

#define AT(member) offsetof(struct conf_log_alert, member)
static const struct conf_row alert_rows[] = {
	{ .name = "query", .type = CONF_PROMQL, .offset = AT(query), .flags = ROW_REQUIRED,
	  .max = "20000", .help = "Its lines, as in the query box, with ${labels.NAME}." },
	{ .name = "match", .type = CONF_PAIRS, .offset = AT(match), .n_offset = AT(n_match),
	  .table = &match_table, .flags = ROW_ESSENTIAL, .max = "50",
	  .help = "Labels that the alert must have; any alert when absent." },
	{ .name = "before", .type = CONF_DURATION, .offset = AT(before_ns), .min = "1s",
	  .max = "7d", .def = "5m", .help = "How long before its beginning." },
	{ .name = "after", .type = CONF_DURATION, .offset = AT(after_ns), .min = "1s", .max = "7d",
	  .def = "5m", .help = "How long after it." },
	{ 0 }
};
const struct conf_table conf_table_log_alert = {
	.what = "the lines of an alert", .rows = alert_rows, .size = sizeof(struct conf_log_alert),
	.has_position = true, .position = AT(line), .check = conf_rule_log_alert,
};
#undef AT

#define AT(member) offsetof(struct conf_environment, logs.member)
static const struct conf_row logs_rows[] = {
	{ .name = "streams", .type = CONF_LIST, .offset = AT(streams), .n_offset = AT(n_streams),
	  .table = &conf_table_log_stream, .max = "50", .help = "Lines that are followed." },
	{ .name = "alerts", .type = CONF_LIST, .offset = AT(alerts), .n_offset = AT(n_alerts),
	  .table = &conf_table_log_alert, .max = "200",
	  .help = "Which lines belong to an alert; the first that matches counts." },
	{ .name = "keep", .type = CONF_BYTES, .offset = AT(keep_bytes), .min = "1MiB",
	  .max = "16GiB", .def = "128MiB", .help = "Memory that lines may take." },
	{ .name = "keep_lines", .type = CONF_INT, .offset = AT(keep_lines), .min = "1000",
	  .max = "100000000", .def = "2000000", .help = "Lines that are kept at most." },
	{ .name = "late", .type = CONF_DURATION, .offset = AT(late_ns), .min = "1ms", .max = "1h",
	  .def = "30s", .help = "How far back lines that came late are looked for." },
	{ .name = "page", .type = CONF_INT, .offset = AT(page), .min = "10", .max = "50000",
	  .def = "5000", .help = "Lines of the past that are fetched at a time." },
	{ 0 }
};
#undef AT
const struct conf_table conf_table_logs_group = { .what = "logs", .rows = logs_rows };

/* --- what must not be kept ------------------------------------------------------------------- */

#define AT(member) offsetof(struct conf_redact, member)
static const struct conf_row pattern_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = AT(name), .flags = ROW_REQUIRED, .max = "64",
	  .help = "What is shown in its place: [redacted NAME]." },
	{ .name = "pattern", .type = CONF_STRING, .offset = AT(pattern), .flags = ROW_REQUIRED,
	  .max = "4000", .help = "Regular expression (PCRE2); its group 1, or all of it." },
	{ 0 }
};
static const struct conf_table pattern_table = {
	.what = "a pattern", .rows = pattern_rows, .size = sizeof(struct conf_redact),
	.is_unique = true, .has_position = true, .position = AT(line), .is_guard = true,
	.check = conf_rule_redact,
};
#undef AT

#define AT(member) offsetof(struct conf, member)
static const struct conf_row redact_rows[] = {
	{ .name = "builtin", .type = CONF_BOOL, .offset = AT(redact_builtin), .flags = ROW_GUARDS,
	  .def = "true", .help = "Use the patterns for passwords, tokens and keys that come along." },
	{ .name = "patterns", .type = CONF_LIST, .offset = AT(redact), .n_offset = AT(n_redact),
	  .flags = ROW_GUARDS, .table = &pattern_table, .max = "100", .help = "Further patterns." },
	{ 0 }
};
#undef AT
const struct conf_table conf_table_redact_group = { .what = "redact", .rows = redact_rows,
    .is_guard = true };
