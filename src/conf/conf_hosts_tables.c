/* The options of groups of hosts, and of what is measured of each host. */
#include "config.h"

#include "conf/conf_table.h"

static const struct conf_row match_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = offsetof(struct conf_label, name),
	  .max = "120", .help = "A label of the target." },
	{ .name = "value", .type = CONF_STRING, .offset = offsetof(struct conf_label, value),
	  .help = "Its value." },
	{ 0 }
};
static const struct conf_table match_table = { .what = "a label", .rows = match_rows,
    .size = sizeof(struct conf_label) };

#define AT(member) offsetof(struct conf_host_group, member)
static const struct conf_row target_rows[] = {
	{ .name = "source", .type = CONF_NAME, .offset = AT(target_source),
	  .flags = ROW_ESSENTIAL, .max = "64",
	  .help = "The Prometheus source whose targets they are; the first when absent." },
	{ .name = "match", .type = CONF_PAIRS, .offset = AT(target_match),
	  .n_offset = AT(n_target_match), .table = &match_table, .flags = ROW_ESSENTIAL,
	  .max = "50", .help = "Labels that a target must have, such as job." },
	{ .name = "label", .type = CONF_NAME, .offset = AT(target_label),
	  .flags = ROW_ESSENTIAL, .def = "instance", .max = "120",
	  .help = "What names the host; a port is cut off." },
	{ 0 }
};
static const struct conf_table target_table = { .what = "targets", .rows = target_rows };

static const struct conf_row host_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = AT(name), .flags = ROW_REQUIRED,
	  .max = "120", .help = "Name of the group, unique in the environment." },
	{ .name = "hosts", .type = CONF_PATTERNS, .offset = AT(hosts), .flags = ROW_ESSENTIAL,
	  .max = "1000", .help = "Patterns of names." },
	{ .name = "inventory", .type = CONF_PATH, .offset = AT(inventory), .flags = ROW_ESSENTIAL,
	  .help = "An Ansible inventory." },
	{ .name = "group", .type = CONF_NAME, .offset = AT(inventory_group),
	  .flags = ROW_ESSENTIAL, .max = "120",
	  .help = "The group of the inventory that is meant; all of it when absent." },
	{ .name = "targets", .type = CONF_GROUP, .flags = ROW_ESSENTIAL, .table = &target_table,
	  .help = "Targets of a Prometheus." },
	{ .name = "within", .type = CONF_REGEX, .offset = AT(within),
	  .flags = ROW_ESSENTIAL | ROW_GUARDS, .help =
	  "Regular expression that hosts of targets and inventory must match wholly." },
	{ .name = "user", .type = CONF_USER, .offset = AT(user), .flags = ROW_ESSENTIAL,
	  .help = "Who to log in as." },
	{ .name = "port", .type = CONF_INT, .offset = AT(port), .flags = ROW_ESSENTIAL,
	  .min = "1", .max = "65535", .help = "Port of SSH." },
	{ 0 }
};
const struct conf_table conf_table_hosts = {
	.what = "a group of hosts", .rows = host_rows, .size = sizeof(struct conf_host_group),
	.is_unique = true, .has_position = true, .position = AT(line), .is_guard = true,
	.check = conf_rule_host_group, .done = conf_host_group_done,
};
#undef AT

#define AT(member) offsetof(struct conf_query, member)
static const struct conf_row query_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = AT(name), .flags = ROW_REQUIRED, .max = "64",
	  .help = "Its name, unique among them." },
	{ .name = "title", .type = CONF_STRING, .offset = AT(title), .max = "120",
	  .help = "Heading of its column; its name when absent." },
	{ .name = "expr", .type = CONF_PROMQL, .offset = AT(expr), .flags = ROW_REQUIRED,
	  .max = "20000", .help = "PromQL with the host in the label instance." },
	{ .name = "unit", .type = CONF_NAME, .offset = AT(unit), .def = "ratio", .max = "24",
	  .help = "As for queries." },
	{ .name = "source", .type = CONF_NAME, .offset = AT(source), .max = "64",
	  .help = "The Prometheus source to ask; the first when absent." },
	{ .name = "objective", .type = CONF_DOUBLE, .offset = AT(objective),
	  .help = "Where good ends." },
	{ 0 }
};
const struct conf_table conf_table_host_query = {
	.what = "a value of hosts", .rows = query_rows, .size = sizeof(struct conf_query),
	.is_unique = true, .has_position = true, .position = AT(line),
};
#undef AT
