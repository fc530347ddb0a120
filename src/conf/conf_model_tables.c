/* The options of models, and of how a registry of type http-json answers. */
#include "config.h"

#include "conf/conf_table.h"

/* --- models ---------------------------------------------------------------------------------- */

#define AT(member) offsetof(struct conf_online, member)
static const struct conf_row online_rows[] = {
	{ .name = "metric", .type = CONF_NAME, .offset = AT(metric), .flags = ROW_REQUIRED,
	  .max = "250", .help = "The metric's name in the registry." },
	{ .name = "expr", .type = CONF_PROMQL, .offset = AT(expr), .flags = ROW_REQUIRED,
	  .max = "20000", .help = "PromQL for the same, measured while serving." },
	{ .name = "label", .type = CONF_NAME, .offset = AT(label), .def = "version", .max = "120",
	  .help = "The label that holds the version." },
	{ .name = "source", .type = CONF_NAME, .offset = AT(source), .max = "64",
	  .help = "The Prometheus source to ask; the first when absent." },
	{ 0 }
};
static const struct conf_table online_table = {
	.what = "an online metric", .rows = online_rows, .size = sizeof(struct conf_online),
	.is_unique = true, .has_position = true, .position = AT(line),
};
#undef AT

#define AT(member) offsetof(struct conf_model, member)
static const struct conf_row serving_rows[] = {
	{ .name = "expr", .type = CONF_PROMQL, .offset = AT(expr), .flags = ROW_ESSENTIAL,
	  .max = "20000", .help = "PromQL whose series say which host serves which version." },
	{ .name = "label", .type = CONF_NAME, .offset = AT(version_label), .flags = ROW_ESSENTIAL,
	  .def = "version", .max = "120", .help = "Their label that holds the version." },
	{ .name = "host", .type = CONF_NAME, .offset = AT(host_label), .flags = ROW_ESSENTIAL,
	  .def = "instance", .max = "120", .help = "Their label that names the host." },
	{ .name = "source", .type = CONF_NAME, .offset = AT(source), .flags = ROW_ESSENTIAL,
	  .max = "64", .help = "The Prometheus source to ask; the first when absent." },
	{ .name = "url", .type = CONF_STRING, .offset = AT(url), .flags = ROW_ESSENTIAL,
	  .max = "2000", .help = "URL to ask each host of the group at, with {host}." },
	{ .name = "path", .type = CONF_JPATH, .offset = AT(path), .flags = ROW_ESSENTIAL,
	  .help = "Where the version stands in its JSON; the whole body when absent." },
	{ 0 }
};
static const struct conf_table serving_table = { .what = "serving", .rows = serving_rows };

static const struct conf_row model_rows[] = {
	{ .name = "name", .type = CONF_NAME, .offset = AT(name), .flags = ROW_REQUIRED,
	  .max = "250", .help = "Its name in the registry." },
	{ .name = "title", .type = CONF_STRING, .offset = AT(title), .max = "120",
	  .help = "What it does; its name when absent." },
	{ .name = "registry", .type = CONF_NAME, .offset = AT(registry), .flags = ROW_ESSENTIAL,
	  .max = "64", .help = "The source that has it; needed where several are registries." },
	{ .name = "alias", .type = CONF_NAME, .offset = AT(alias), .flags = ROW_ESSENTIAL,
	  .max = "250", .help = "The version with this alias should serve." },
	{ .name = "stage", .type = CONF_NAME, .offset = AT(stage), .flags = ROW_ESSENTIAL,
	  .max = "250", .help = "The newest version in this stage should serve." },
	{ .name = "serving", .type = CONF_GROUP, .flags = ROW_REQUIRED, .table = &serving_table,
	  .help = "How it is told what serves." },
	{ .name = "group", .type = CONF_NAME, .offset = AT(group), .flags = ROW_ESSENTIAL,
	  .max = "120", .help = "The group of hosts that should serve it." },
	{ .name = "max_age", .type = CONF_DURATION, .offset = AT(max_age_ns),
	  .flags = ROW_ESSENTIAL, .min = "1m", .max = "3650d",
	  .help = "How old the version that should serve may be." },
	{ .name = "data", .type = CONF_NAME, .offset = AT(data_key), .flags = ROW_ESSENTIAL,
	  .max = "250", .help = "Tag or param that says up to when the training data goes." },
	{ .name = "max_data_age", .type = CONF_DURATION, .offset = AT(max_data_age_ns),
	  .flags = ROW_ESSENTIAL, .min = "1m", .max = "3650d",
	  .help = "How old that data may be." },
	{ .name = "online", .type = CONF_LIST, .offset = AT(online), .n_offset = AT(n_online),
	  .table = &online_table, .max = "20", .help = "Metrics that are measured online, too." },
	{ .name = "drift", .type = CONF_MAP, .offset = AT(drift), .table = &conf_table_drift,
	  .help = "Which of its inputs and predictions are looked at for drift." },
	{ 0 }
};
const struct conf_table conf_table_model = {
	.what = "a model", .rows = model_rows, .size = sizeof(struct conf_model),
	.is_unique = true, .has_position = true, .position = AT(line), .check = conf_rule_model,
};
#undef AT

/* --- how a registry answers ------------------------------------------------------------------ */

#define AT(member) offsetof(struct conf_source, registry.member)
#define PATH(key, member, text) { .name = key, .type = CONF_JPATH, .offset = AT(member), \
	.flags = ROW_ESSENTIAL, .help = text }
static const struct conf_row reg_model_rows[] = {
	PATH("description", model_description, "In words."),
	PATH("created", model_created, "When it was made."),
	PATH("updated", model_updated, "When it last changed."),
	PATH("tags", model_tags, "Its tags."),
	PATH("aliases", model_aliases, "Aliases of its versions."),
	{ 0 }
};
static const struct conf_table reg_model_table = { .what = "model", .rows = reg_model_rows };

static const struct conf_row page_rows[] = {
	PATH("next", page_next, "In the answer: a link to the next page."),
	PATH("token", page_token, "In the answer: a token that leads to the next page."),
	{ .name = "param", .type = CONF_NAME, .offset = AT(page_param), .flags = ROW_ESSENTIAL,
	  .max = "100", .help = "The query parameter that takes the token." },
	{ .name = "first", .type = CONF_INT, .offset = AT(page_first), .flags = ROW_ESSENTIAL,
	  .min = "0", .max = "1000000", .def = "1", .help = "Number of the first page." },
	{ .name = "size", .type = CONF_INT, .offset = AT(page_size), .flags = ROW_ESSENTIAL,
	  .min = "0", .max = "1000000", .def = "0",
	  .help = "A page with fewer items is the last." },
	{ 0 }
};
static const struct conf_table page_table = { .what = "page", .rows = page_rows };

static const struct conf_row registry_rows[] = {
	{ .name = "list", .type = CONF_STRING, .offset = AT(list), .flags = ROW_REQUIRED,
	  .max = "1000", .help = "The request for all models or versions." },
	{ .name = "items", .type = CONF_JPATH, .offset = AT(items), .flags = ROW_REQUIRED,
	  .help = "In the answer: the list of them." },
	{ .name = "name", .type = CONF_JPATH, .offset = AT(name), .flags = ROW_REQUIRED,
	  .help = "In an item: the model's name." },
	{ .name = "model", .type = CONF_GROUP, .flags = ROW_ESSENTIAL, .table = &reg_model_table,
	  .help = "What an item says of the model." },
	PATH("versions", versions, "In an item: the list of its versions."),
	{ .name = "versions_list", .type = CONF_STRING, .offset = AT(versions_list),
	  .flags = ROW_ESSENTIAL, .max = "1000", .help = "The request for a model's versions." },
	{ .name = "version", .type = CONF_JPATH, .offset = AT(version), .flags = ROW_REQUIRED,
	  .help = "In a version: its number or name." },
	PATH("stage", stage, "Its stage."),
	PATH("status", status, "Whether it is ready."),
	PATH("by", by, "Who made it."),
	PATH("description", description, "In words."),
	PATH("uri", uri, "Where its files are."),
	PATH("run", run, "The training run it came from."),
	PATH("created", created, "When it was made."),
	PATH("updated", updated, "When it last changed."),
	PATH("aliases", aliases, "Its aliases."),
	PATH("tags", tags, "Its tags."),
	PATH("params", params, "What it was trained with."),
	PATH("metrics", metrics, "What was measured in training."),
	PATH("alias_name", alias_name, "In an alias: its name."),
	PATH("alias_version", alias_version, "In an alias: the version."),
	PATH("pair_key", pair_key, "In lists of tags, params and metrics: the name."),
	PATH("pair_value", pair_value, "In those: the value."),
	{ .name = "page", .type = CONF_GROUP, .flags = ROW_ESSENTIAL, .table = &page_table,
	  .help = "How to get at the next page." },
	{ 0 }
};
#undef AT
const struct conf_table conf_table_registry = { .what = "registry", .rows = registry_rows };
