/* OpenSLO v1 documents as they are written: what the rows of openslo_tables.c fill in. */
#ifndef OPS_CONF_OPENSLO_TABLES_H
#define OPS_CONF_OPENSLO_TABLES_H

#include "conf/conf_table.h"

/* Fields that are known but mean nothing here are listed in unused, to be told. node is the map an
 * item was read from. */

struct os_meta {
	char *name, *display_name;
	char **unused;
};

/* What documents of all kinds begin with, and those that stand inside others. */
struct os_object {
	char *ref;			/* the name of a document, in place of all else */
	struct os_meta *meta;		/* may be NULL in one that stands inside another */
	const struct yaml_node *node;
};

struct os_query {
	char *query, *promql;
	const struct yaml_node *node;
};
struct os_metric_source {
	char *ref, *type;
	struct os_query *spec;
	const struct yaml_node *node;
};
struct os_metric {
	struct os_metric_source *source;
	const struct yaml_node *node;
};
struct os_ratio {
	bool is_counter;
	struct os_metric *good, *bad, *total, *raw;
	char *raw_type;
	const struct yaml_node *node;
};
struct os_sli_spec {
	struct os_metric *threshold;
	struct os_ratio *ratio;
	char *description;
	const struct yaml_node *node;
};
struct os_sli {
	struct os_object object;
	struct os_sli_spec *spec;
};

struct os_calendar {
	char *start, *zone;
	const struct yaml_node *node;
};
struct os_window {
	char *duration;
	bool is_rolling;
	struct os_calendar *calendar;
	const struct yaml_node *node;
};
struct os_objective {
	char *display_name, *op;
	double value, target, target_percent, slice_target;	/* NaN: not given */
	char *slice_window;
	char **composite;		/* fields of SLOs that are made of several indicators */
	const struct yaml_node *node;
};

struct os_burn {
	char *kind, *op;
	double threshold;
	char *lookback, *after;
	const struct yaml_node *node;
};
struct os_condition_spec {
	char *description, *severity;
	struct os_burn *burn;
	const struct yaml_node *node;
};
struct os_condition {
	struct os_object object;
	struct os_condition_spec *spec;
};
struct os_policy_spec {
	char *description;
	bool when_no_data, when_resolved, when_breaching;
	struct os_condition *conditions;
	size_t n_conditions;
	char **unused;
	const struct yaml_node *node;
};
struct os_policy {
	struct os_object object;
	struct os_policy_spec *spec;
};

struct os_slo_spec {
	char *description, *service;
	struct os_sli *indicator;
	char *indicator_ref;
	struct os_window *windows;
	size_t n_windows;
	char *method;
	struct os_objective *objectives;
	size_t n_objectives;
	struct os_policy *policies;
	size_t n_policies;
	const struct yaml_node *node;
};
struct os_slo {
	struct os_object object;
	struct os_slo_spec *spec;
};

struct os_data_source_spec {
	char *description, *type;
	const struct yaml_node *node;
};
struct os_data_source {
	struct os_object object;
	struct os_data_source_spec *spec;
};
struct os_plain_spec {		/* of kinds that only have a name for us */
	char *description;
};
struct os_plain {
	struct os_object object;
	struct os_plain_spec *spec;
};

enum openslo_kind { OPENSLO_DATA_SOURCE, OPENSLO_SERVICE, OPENSLO_SLI, OPENSLO_SLO,
    OPENSLO_ALERT_POLICY, OPENSLO_ALERT_CONDITION, OPENSLO_ALERT_NOTIFICATION_TARGET,
    OPENSLO_KINDS };
/* Names of the kinds, and NULL. */
extern const char *const openslo_kinds[OPENSLO_KINDS + 1];
extern const struct conf_table *const openslo_tables[OPENSLO_KINDS];

#endif
