/* The options of drift: of an environment, of a model, and of what is watched. */
#include "config.h"

#include "conf/conf_drift.h"
#include "conf/conf_table.h"

static const char *const severities[] = { "page", "ticket", "info", "none", NULL };
static const char *const froms[] = { "training", "previous", NULL };

#define AT(member) offsetof(struct conf_drift_reference, member)
static const struct conf_row reference_rows[] = {
	{ .name = "from", .type = CONF_ENUM, .offset = AT(from), .choices = froms,
	  .flags = ROW_ESSENTIAL, .help = "The training profile, or the version before." },
	{ .name = "version", .type = CONF_NAME, .offset = AT(version), .flags = ROW_ESSENTIAL,
	  .max = "120", .help = "A version." },
	{ .name = "ago", .type = CONF_DURATION, .offset = AT(ago_ns), .flags = ROW_ESSENTIAL,
	  .min = "1m", .max = "366d", .help = "How long ago a past window ends." },
	{ .name = "window", .type = CONF_DURATION, .offset = AT(window_ns), .flags = ROW_ESSENTIAL,
	  .min = "1m", .max = "30d", .help = "How long it is; as long as the one now when absent." },
	{ 0 }
};
const struct conf_table conf_table_drift_reference = {
	.what = "reference", .rows = reference_rows, .size = sizeof(struct conf_drift_reference),
	.bare = "from", .is_strict = true, .check = conf_rule_drift_reference,
};
#undef AT

#define AT(member) offsetof(struct conf_drift_item, member)
static const struct conf_row item_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = AT(name), .flags = ROW_REQUIRED,
	  .max = "120", .help = "Its name, unique in the model." },
	{ .name = "title", .type = CONF_STRING, .offset = AT(title), .max = "120",
	  .help = "What it is, in words." },
	{ .name = "histogram", .type = CONF_PROMQL, .offset = AT(histogram),
	  .flags = ROW_ESSENTIAL, .max = "10000", .help = "A classic histogram of its values." },
	{ .name = "native", .type = CONF_PROMQL, .offset = AT(native), .flags = ROW_ESSENTIAL,
	  .max = "10000", .help = "A native histogram of its values." },
	{ .name = "categories", .type = CONF_PROMQL, .offset = AT(categories),
	  .flags = ROW_ESSENTIAL, .max = "10000", .help = "Counters, one for each value." },
	{ .name = "gauge", .type = CONF_PROMQL, .offset = AT(gauge), .flags = ROW_ESSENTIAL,
	  .max = "10000", .help = "A gauge whose samples are looked at." },
	{ .name = "label", .type = CONF_NAME, .offset = AT(label), .flags = ROW_ESSENTIAL,
	  .max = "120", .help = "The label of the counters that holds the value." },
	{ .name = "missing", .type = CONF_PROMQL, .offset = AT(missing), .flags = ROW_ESSENTIAL,
	  .max = "20000", .help = "PromQL for the share of missing values." },
	{ .name = "feature", .type = CONF_NAME, .offset = AT(feature), .flags = ROW_ESSENTIAL,
	  .max = "250", .help = "Its name in the training profile; name when absent." },
	{ .name = "window", .type = CONF_DURATION, .offset = AT(window_ns), .flags = ROW_ESSENTIAL,
	  .min = "1m", .max = "30d", .help = "In place of the model's." },
	{ .name = "reference", .type = CONF_MAP, .offset = AT(reference), .flags = ROW_ESSENTIAL,
	  .table = &conf_table_drift_reference, .help = "In place of the model's." },
	{ .name = "effect", .type = CONF_DOUBLE, .offset = AT(effect), .flags = ROW_ESSENTIAL,
	  .min = "0", .max = "10", .help = "In place of the model's." },
	{ .name = "min", .type = CONF_DOUBLE, .offset = AT(min), .flags = ROW_ESSENTIAL,
	  .min = "1", .max = "1e15", .help = "In place of the model's." },
	{ .name = "severity", .type = CONF_ENUM, .offset = AT(severity), .choices = severities,
	  .flags = ROW_ESSENTIAL, .help = "In place of the model's." },
	{ 0 }
};
#define ITEM_TABLE(text) { .what = text, .rows = item_rows, \
	.size = sizeof(struct conf_drift_item), .is_unique = true, .has_position = true, \
	.position = AT(line), .is_strict = true, .check = conf_rule_drift_item }
const struct conf_table conf_table_drift_item = ITEM_TABLE("a feature");
static const struct conf_table prediction_table = ITEM_TABLE("a prediction");
static const struct conf_table label_table = ITEM_TABLE("a label");
static const struct conf_table skew_table = ITEM_TABLE("a skew");
#undef AT

#define AT(member) offsetof(struct conf_drift, member)
static const struct conf_row drift_rows[] = {
	{ .name = "source", .type = CONF_NAME, .offset = AT(source), .flags = ROW_ESSENTIAL,
	  .max = "64", .help = "The Prometheus source to ask; the first when absent." },
	{ .name = "window", .type = CONF_DURATION, .offset = AT(window_ns), .flags = ROW_ESSENTIAL,
	  .min = "1m", .max = "30d", .def = "1h", .help = "What is looked at now." },
	{ .name = "reference", .type = CONF_MAP, .offset = AT(reference), .flags = ROW_ESSENTIAL,
	  .table = &conf_table_drift_reference,
	  .help = "What that is held against; the training profile when absent." },
	{ .name = "profile", .type = CONF_NAME, .offset = AT(profile), .flags = ROW_ESSENTIAL,
	  .max = "1000", .help = "Where the training profile is." },
	{ .name = "version", .type = CONF_NAME, .offset = AT(version), .flags = ROW_ESSENTIAL,
	  .max = "120", .help = "The label that holds the version; without it all series count." },
	{ .name = "effect", .type = CONF_DOUBLE, .offset = AT(effect), .flags = ROW_ESSENTIAL,
	  .min = "0", .max = "10", .def = "0.1",
	  .help = "The population stability index from which on it matters." },
	{ .name = "min", .type = CONF_DOUBLE, .offset = AT(min), .flags = ROW_ESSENTIAL,
	  .min = "1", .max = "1e15", .def = "100",
	  .help = "With fewer values on a side nothing is said." },
	{ .name = "severity", .type = CONF_ENUM, .offset = AT(severity), .choices = severities,
	  .flags = ROW_ESSENTIAL, .def = "ticket", .help = "How urgent it is when it has drifted." },
	{ .name = "features", .type = CONF_LIST, .offset = AT(features),
	  .n_offset = AT(n_features), .table = &conf_table_drift_item, .max = "2000",
	  .help = "Inputs of the model." },
	{ .name = "predictions", .type = CONF_LIST, .offset = AT(predictions),
	  .n_offset = AT(n_predictions), .table = &prediction_table, .max = "200",
	  .help = "What it answers." },
	{ .name = "labels", .type = CONF_LIST, .offset = AT(labels), .n_offset = AT(n_labels),
	  .table = &label_table, .max = "200", .help = "What people say is right." },
	{ .name = "skew", .type = CONF_LIST, .offset = AT(skew), .n_offset = AT(n_skew),
	  .table = &skew_table, .max = "2000", .help = "Features as training logs them now." },
	{ 0 }
};
const struct conf_table conf_table_drift = {
	.what = "drift", .rows = drift_rows, .size = sizeof(struct conf_drift),
	.has_position = true, .position = AT(line), .is_strict = true, .check = conf_rule_drift,
};
#undef AT

#define AT(member) offsetof(struct conf_environment, member)
static const struct conf_row group_rows[] = {
	{ .name = "interval", .type = CONF_DURATION, .offset = AT(drift_interval_ns), .min = "10s",
	  .max = "1d", .def = "1m", .help = "Time from one working out to the next." },
	{ .name = "confidence", .type = CONF_RATIO, .offset = AT(drift_confidence), .def = "0.95",
	  .help = "How sure a noise floor is." },
	{ .name = "fdr", .type = CONF_RATIO, .offset = AT(drift_fdr), .def = "0.05",
	  .help = "The share of false alarms that is put up with." },
	{ 0 }
};
#undef AT
const struct conf_table conf_table_drift_group = { .what = "drift", .rows = group_rows };
