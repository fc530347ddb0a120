/*
 * Every field of OpenSLO v1, from its specification (github.com/OpenSLO/OpenSLO, README.md,
 * "Object Types"), with `op` of alert conditions and RatioTimeslices, which its examples have.
 */
#include "config.h"

#include "conf/openslo_tables.h"

#define DESCRIPTION { .name = "description", .type = CONF_LINES, .offset = AT(description), \
    .flags = ROW_ESSENTIAL, .max = "1050", .help = "For people." }

const char *const openslo_kinds[OPENSLO_KINDS + 1] = {
	[OPENSLO_DATA_SOURCE] = "DataSource", [OPENSLO_SERVICE] = "Service",
	[OPENSLO_SLI] = "SLI", [OPENSLO_SLO] = "SLO", [OPENSLO_ALERT_POLICY] = "AlertPolicy",
	[OPENSLO_ALERT_CONDITION] = "AlertCondition",
	[OPENSLO_ALERT_NOTIFICATION_TARGET] = "AlertNotificationTarget",
};
static const char *const operators[] = { "lte", "gte", "lt", "gt", NULL };

/* --- what all have --------------------------------------------------------------------------- */

#define AT(member) offsetof(struct os_meta, member)
static const struct conf_row meta_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = AT(name), .flags = ROW_REQUIRED,
	  .max = "255", .help = "Its name, unique among its kind." },
	{ .name = "displayName", .type = CONF_STRING, .offset = AT(display_name),
	  .flags = ROW_ESSENTIAL, .help = "Its name for people." },
	{ .name = "labels", .type = CONF_UNUSED, .offset = AT(unused), .help = "metadata.labels" },
	{ .name = "annotations", .type = CONF_UNUSED, .offset = AT(unused),
	  .help = "metadata.annotations" },
	{ 0 }
};
#undef AT
static const struct conf_table meta_table = { .what = "metadata", .rows = meta_rows,
    .size = sizeof(struct os_meta), .is_strict = true };

/* The rows of a document, or of one inside another. object_type: its struct, which begins with a
 * struct os_object. */
#define OBJECT_ROWS(object_type, kind_name, spec_table) \
	{ .name = "apiVersion", .type = CONF_CONST, .def = "openslo/v1", \
	  .flags = ROW_ESSENTIAL, .help = "Version of the format." }, \
	{ .name = "kind", .type = CONF_CONST, .def = kind_name, .flags = ROW_ESSENTIAL, \
	  .help = "What it is." }, \
	{ .name = "metadata", .type = CONF_MAP, .offset = offsetof(object_type, object.meta), \
	  .table = &meta_table, .flags = ROW_ESSENTIAL, .help = "Name and labels." }, \
	{ .name = "spec", .type = CONF_MAP, .offset = offsetof(object_type, spec), \
	  .table = spec_table, .flags = ROW_ESSENTIAL, .help = "What it says." }

#define OBJECT_TABLE(object_type, name, object_rows) \
	{ .what = name, .rows = object_rows, .size = sizeof(object_type), .is_strict = true, \
	  .has_node = true, .node = offsetof(object_type, object.node) }

/* --- indicators ------------------------------------------------------------------------------ */

#define AT(member) offsetof(struct os_query, member)
static const struct conf_row query_rows[] = {
	{ .name = "query", .type = CONF_PROMQL, .offset = AT(query), .flags = ROW_ESSENTIAL,
	  .max = "20000", .help = "PromQL." },
	{ .name = "promql", .type = CONF_PROMQL, .offset = AT(promql), .flags = ROW_ESSENTIAL,
	  .max = "20000", .help = "The same by another name." },
	{ 0 }
};
static const struct conf_table query_table = { .what = "the spec of a Prometheus metric",
    .rows = query_rows, .size = sizeof(struct os_query), .is_strict = true, .bare = "query",
    .has_node = true, .node = AT(node) };
#undef AT

#define AT(member) offsetof(struct os_metric_source, member)
static const struct conf_row metric_source_rows[] = {
	{ .name = "metricSourceRef", .type = CONF_NAME, .offset = AT(ref), .flags = ROW_ESSENTIAL,
	  .max = "255", .help = "Name of a DataSource." },
	{ .name = "type", .type = CONF_NAME, .offset = AT(type), .flags = ROW_ESSENTIAL,
	  .max = "64", .help = "What it is asked in." },
	{ .name = "spec", .type = CONF_MAP, .offset = AT(spec), .flags = ROW_REQUIRED,
	  .table = &query_table, .help = "What is asked." },
	{ 0 }
};
static const struct conf_table metric_source_table = { .what = "a metricSource",
    .rows = metric_source_rows, .size = sizeof(struct os_metric_source), .is_strict = true,
    .has_node = true, .node = AT(node) };
#undef AT

#define AT(member) offsetof(struct os_metric, member)
static const struct conf_row metric_rows[] = {
	{ .name = "metricSource", .type = CONF_MAP, .offset = AT(source), .flags = ROW_REQUIRED,
	  .table = &metric_source_table, .help = "Where it is asked." },
	{ 0 }
};
static const struct conf_table metric_table = { .what = "a metric", .rows = metric_rows,
    .size = sizeof(struct os_metric), .is_strict = true, .has_node = true, .node = AT(node) };
#undef AT

#define AT(member) offsetof(struct os_ratio, member)
#define METRIC(field) { .name = #field, .type = CONF_MAP, .offset = AT(field), \
    .flags = ROW_ESSENTIAL, .table = &metric_table, .help = "A metric." }
static const char *const raw_types[] = { "success", "failure", NULL };
static const struct conf_row ratio_rows[] = {
	{ .name = "counter", .type = CONF_BOOL, .offset = AT(is_counter), .flags = ROW_ESSENTIAL,
	  .help = "Whether the metrics only grow." },
	METRIC(good), METRIC(bad), METRIC(total), METRIC(raw),
	{ .name = "rawType", .type = CONF_ENUM, .offset = AT(raw_type), .choices = raw_types,
	  .flags = ROW_ESSENTIAL, .help = "What the ratio is of." },
	{ 0 }
};
static const struct conf_table ratio_table = { .what = "a ratioMetric", .rows = ratio_rows,
    .size = sizeof(struct os_ratio), .is_strict = true, .has_node = true, .node = AT(node) };
#undef METRIC
#undef AT

#define AT(member) offsetof(struct os_sli_spec, member)
static const struct conf_row sli_spec_rows[] = {
	DESCRIPTION,
	{ .name = "thresholdMetric", .type = CONF_MAP, .offset = AT(threshold),
	  .flags = ROW_ESSENTIAL, .table = &metric_table, .help = "A value." },
	{ .name = "ratioMetric", .type = CONF_MAP, .offset = AT(ratio), .flags = ROW_ESSENTIAL,
	  .table = &ratio_table, .help = "A ratio." },
	{ 0 }
};
static const struct conf_table sli_spec_table = { .what = "the spec of an SLI",
    .rows = sli_spec_rows, .size = sizeof(struct os_sli_spec), .is_strict = true,
    .has_node = true, .node = AT(node) };
#undef AT

static const struct conf_row sli_rows[] = {
	OBJECT_ROWS(struct os_sli, "SLI", &sli_spec_table), { 0 }
};
static const struct conf_table sli_table = OBJECT_TABLE(struct os_sli, "an SLI", sli_rows);

/* --- alerts ---------------------------------------------------------------------------------- */

#define AT(member) offsetof(struct os_burn, member)
static const char *const burn_kinds[] = { "burnrate", NULL };
static const struct conf_row burn_rows[] = {
	{ .name = "kind", .type = CONF_ENUM, .offset = AT(kind), .choices = burn_kinds,
	  .flags = ROW_ESSENTIAL, .def = "burnrate", .help = "What is looked at." },
	{ .name = "op", .type = CONF_ENUM, .offset = AT(op), .choices = operators,
	  .flags = ROW_ESSENTIAL, .help = "How it compares." },
	{ .name = "threshold", .type = CONF_DOUBLE, .offset = AT(threshold),
	  .flags = ROW_REQUIRED, .min = "0.001", .max = "1000000", .help = "Burn rate." },
	{ .name = "lookbackWindow", .type = CONF_NAME, .offset = AT(lookback),
	  .flags = ROW_REQUIRED, .help = "Over which it is worked out." },
	{ .name = "alertAfter", .type = CONF_NAME, .offset = AT(after), .flags = ROW_ESSENTIAL,
	  .def = "0m", .help = "How long it must hold." },
	{ 0 }
};
static const struct conf_table burn_table = { .what = "a condition", .rows = burn_rows,
    .size = sizeof(struct os_burn), .is_strict = true, .has_node = true, .node = AT(node) };
#undef AT

#define AT(member) offsetof(struct os_condition_spec, member)
static const struct conf_row condition_spec_rows[] = {
	DESCRIPTION,
	{ .name = "severity", .type = CONF_NAME, .offset = AT(severity), .flags = ROW_REQUIRED,
	  .max = "120", .help = "How urgent it is." },
	{ .name = "condition", .type = CONF_MAP, .offset = AT(burn), .flags = ROW_REQUIRED,
	  .table = &burn_table, .help = "When it is met." },
	{ 0 }
};
static const struct conf_table condition_spec_table = { .what = "the spec of an AlertCondition",
    .rows = condition_spec_rows, .size = sizeof(struct os_condition_spec), .is_strict = true,
    .has_node = true, .node = AT(node) };
#undef AT

static const struct conf_row condition_rows[] = {
	OBJECT_ROWS(struct os_condition, "AlertCondition", &condition_spec_table),
	{ .name = "conditionRef", .type = CONF_NAME, .max = "255", .flags = ROW_ESSENTIAL,
	  .offset = offsetof(struct os_condition, object.ref), .help = "One of another document." },
	{ 0 }
};
static const struct conf_table condition_table = {
	.what = "an AlertCondition", .rows = condition_rows, .size = sizeof(struct os_condition),
	.is_strict = true, .bare = "conditionRef",
	.has_node = true, .node = offsetof(struct os_condition, object.node),
};

#define AT(member) offsetof(struct os_policy_spec, member)
static const struct conf_row policy_spec_rows[] = {
	DESCRIPTION,
	{ .name = "alertWhenNoData", .type = CONF_BOOL, .offset = AT(when_no_data),
	  .flags = ROW_ESSENTIAL, .def = "false", .help = "Whether missing data alerts." },
	{ .name = "alertWhenResolved", .type = CONF_BOOL, .offset = AT(when_resolved),
	  .flags = ROW_ESSENTIAL, .def = "false", .help = "Whether its end is told." },
	{ .name = "alertWhenBreaching", .type = CONF_BOOL, .offset = AT(when_breaching),
	  .flags = ROW_ESSENTIAL, .def = "true", .help = "Whether its conditions alert." },
	{ .name = "conditions", .type = CONF_LIST, .offset = AT(conditions),
	  .n_offset = AT(n_conditions), .table = &condition_table, .flags = ROW_REQUIRED,
	  .max = "1", .help = "When it alerts." },
	{ .name = "notificationTargets", .type = CONF_UNUSED, .offset = AT(unused),
	  .help = "spec.notificationTargets" },
	{ 0 }
};
static const struct conf_table policy_spec_table = { .what = "the spec of an AlertPolicy",
    .rows = policy_spec_rows, .size = sizeof(struct os_policy_spec), .is_strict = true,
    .has_node = true, .node = AT(node) };
#undef AT

static const struct conf_row policy_rows[] = {
	OBJECT_ROWS(struct os_policy, "AlertPolicy", &policy_spec_table),
	{ .name = "alertPolicyRef", .type = CONF_NAME, .max = "255", .flags = ROW_ESSENTIAL,
	  .offset = offsetof(struct os_policy, object.ref), .help = "One of another document." },
	{ 0 }
};
static const struct conf_table policy_table = {
	.what = "an AlertPolicy", .rows = policy_rows, .size = sizeof(struct os_policy),
	.is_strict = true, .bare = "alertPolicyRef",
	.has_node = true, .node = offsetof(struct os_policy, object.node),
};

/* --- objectives ------------------------------------------------------------------------------ */

#define AT(member) offsetof(struct os_calendar, member)
static const struct conf_row calendar_rows[] = {
	{ .name = "startTime", .type = CONF_NAME, .offset = AT(start), .flags = ROW_REQUIRED,
	  .help = "When one window begins." },
	{ .name = "timeZone", .type = CONF_NAME, .offset = AT(zone), .flags = ROW_REQUIRED,
	  .max = "63", .help = "Whose calendar." },
	{ 0 }
};
static const struct conf_table calendar_table = { .what = "a calendar", .rows = calendar_rows,
    .size = sizeof(struct os_calendar), .is_strict = true, .has_node = true, .node = AT(node) };
#undef AT

#define AT(member) offsetof(struct os_window, member)
static const struct conf_row window_rows[] = {
	{ .name = "duration", .type = CONF_NAME, .offset = AT(duration), .flags = ROW_REQUIRED,
	  .help = "Its length." },
	{ .name = "isRolling", .type = CONF_BOOL, .offset = AT(is_rolling), .flags = ROW_ESSENTIAL,
	  .help = "Whether it ends now." },
	{ .name = "calendar", .type = CONF_MAP, .offset = AT(calendar), .flags = ROW_ESSENTIAL,
	  .table = &calendar_table, .help = "Or when it begins." },
	{ 0 }
};
static const struct conf_table window_table = { .what = "a timeWindow", .rows = window_rows,
    .size = sizeof(struct os_window), .is_strict = true, .has_node = true, .node = AT(node) };
#undef AT

#define AT(member) offsetof(struct os_objective, member)
static const struct conf_row objective_rows[] = {
	{ .name = "displayName", .type = CONF_STRING, .offset = AT(display_name),
	  .flags = ROW_ESSENTIAL, .help = "Its name for people." },
	{ .name = "op", .type = CONF_ENUM, .offset = AT(op), .choices = operators,
	  .flags = ROW_ESSENTIAL, .help = "How the metric compares to value." },
	{ .name = "value", .type = CONF_DOUBLE, .offset = AT(value), .flags = ROW_ESSENTIAL,
	  .help = "What is good." },
	{ .name = "target", .type = CONF_DOUBLE, .offset = AT(target), .flags = ROW_ESSENTIAL,
	  .help = "The share that is to be good." },
	{ .name = "targetPercent", .type = CONF_DOUBLE, .offset = AT(target_percent),
	  .flags = ROW_ESSENTIAL, .help = "The same in percent." },
	{ .name = "timeSliceTarget", .type = CONF_DOUBLE, .offset = AT(slice_target),
	  .flags = ROW_ESSENTIAL, .help = "The share from which on a slice is good." },
	{ .name = "timeSliceWindow", .type = CONF_NAME, .offset = AT(slice_window),
	  .flags = ROW_ESSENTIAL, .help = "Length of a slice." },
	{ .name = "indicator", .type = CONF_UNUSED, .offset = AT(composite), .help = "indicator" },
	{ .name = "indicatorRef", .type = CONF_UNUSED, .offset = AT(composite),
	  .help = "indicatorRef" },
	{ .name = "compositeWeight", .type = CONF_UNUSED, .offset = AT(composite),
	  .help = "compositeWeight" },
	{ 0 }
};
static const struct conf_table objective_table = { .what = "an objective",
    .rows = objective_rows, .size = sizeof(struct os_objective), .is_strict = true,
    .has_node = true, .node = AT(node) };
#undef AT

#define AT(member) offsetof(struct os_slo_spec, member)
static const char *const methods[] = { "Occurrences", "Timeslices", "RatioTimeslices", NULL };
static const struct conf_row slo_spec_rows[] = {
	DESCRIPTION,
	{ .name = "service", .type = CONF_NAME, .offset = AT(service), .flags = ROW_REQUIRED,
	  .max = "255", .help = "Whose objective it is." },
	{ .name = "indicator", .type = CONF_MAP, .offset = AT(indicator), .flags = ROW_ESSENTIAL,
	  .table = &sli_table, .help = "What is measured." },
	{ .name = "indicatorRef", .type = CONF_NAME, .offset = AT(indicator_ref),
	  .flags = ROW_ESSENTIAL, .max = "255", .help = "Or its name." },
	{ .name = "timeWindow", .type = CONF_LIST, .offset = AT(windows),
	  .n_offset = AT(n_windows), .table = &window_table, .flags = ROW_REQUIRED, .max = "1",
	  .help = "Over which it is promised." },
	{ .name = "budgetingMethod", .type = CONF_ENUM, .offset = AT(method), .choices = methods,
	  .flags = ROW_REQUIRED, .help = "What is counted." },
	{ .name = "objectives", .type = CONF_LIST, .offset = AT(objectives),
	  .n_offset = AT(n_objectives), .table = &objective_table, .flags = ROW_REQUIRED,
	  .max = "100", .help = "What is promised." },
	{ .name = "alertPolicies", .type = CONF_LIST, .offset = AT(policies),
	  .n_offset = AT(n_policies), .table = &policy_table, .flags = ROW_ESSENTIAL,
	  .max = "100", .help = "When its burn fires." },
	{ 0 }
};
static const struct conf_table slo_spec_table = { .what = "the spec of an SLO",
    .rows = slo_spec_rows, .size = sizeof(struct os_slo_spec), .is_strict = true,
    .has_node = true, .node = AT(node) };
#undef AT

static const struct conf_row slo_rows[] = {
	OBJECT_ROWS(struct os_slo, "SLO", &slo_spec_table), { 0 }
};
static const struct conf_table slo_table = OBJECT_TABLE(struct os_slo, "an SLO", slo_rows);

/* --- the rest -------------------------------------------------------------------------------- */

#define AT(member) offsetof(struct os_data_source_spec, member)
static const struct conf_row data_source_spec_rows[] = {
	DESCRIPTION,
	{ .name = "type", .type = CONF_NAME, .offset = AT(type), .flags = ROW_ESSENTIAL,
	  .max = "64", .help = "What it is." },
	/* May hold secrets: it is read where its address is needed, and never repeated. */
	{ .name = "connectionDetails", .type = CONF_ANY, .help = "How to reach it." },
	{ 0 }
};
static const struct conf_table data_source_spec_table = { .what = "the spec of a DataSource",
    .rows = data_source_spec_rows, .size = sizeof(struct os_data_source_spec),
    .is_strict = true, .has_node = true, .node = AT(node) };
#undef AT

static const struct conf_row data_source_rows[] = {
	OBJECT_ROWS(struct os_data_source, "DataSource", &data_source_spec_table), { 0 }
};
static const struct conf_table data_source_table = OBJECT_TABLE(struct os_data_source,
    "a DataSource", data_source_rows);

#define AT(member) offsetof(struct os_plain_spec, member)
static const struct conf_row service_spec_rows[] = { DESCRIPTION, { 0 } };
static const struct conf_table service_spec_table = { .what = "the spec of a Service",
    .rows = service_spec_rows, .size = sizeof(struct os_plain_spec), .is_strict = true };

static const struct conf_row target_spec_rows[] = {
	DESCRIPTION,
	{ .name = "target", .type = CONF_ANY, .help = "Whom to tell." },
	{ 0 }
};
static const struct conf_table target_spec_table = {
	.what = "the spec of an AlertNotificationTarget", .rows = target_spec_rows,
	.size = sizeof(struct os_plain_spec), .is_strict = true };
#undef AT

static const struct conf_row service_rows[] = {
	OBJECT_ROWS(struct os_plain, "Service", &service_spec_table), { 0 }
};
static const struct conf_row target_rows[] = {
	OBJECT_ROWS(struct os_plain, "AlertNotificationTarget", &target_spec_table), { 0 }
};
static const struct conf_table service_table = OBJECT_TABLE(struct os_plain, "a Service",
    service_rows);
static const struct conf_table target_table = OBJECT_TABLE(struct os_plain,
    "an AlertNotificationTarget", target_rows);

const struct conf_table *const openslo_tables[OPENSLO_KINDS] = {
	[OPENSLO_DATA_SOURCE] = &data_source_table, [OPENSLO_SERVICE] = &service_table,
	[OPENSLO_SLI] = &sli_table, [OPENSLO_SLO] = &slo_table,
	[OPENSLO_ALERT_POLICY] = &policy_table, [OPENSLO_ALERT_CONDITION] = &condition_table,
	[OPENSLO_ALERT_NOTIFICATION_TARGET] = &target_table,
};
