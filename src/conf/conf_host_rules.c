/* What single options of hosts cannot say; reading the inventories they name. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_table.h"
#include "conf/hostlist.h"
#include "conf/inventory.h"

enum { SHOWN = 72 };
/* File systems that are full by nature, or hold nothing that stays. */
#define NO_DISK "tmpfs|ramfs|devtmpfs|overlay|squashfs|erofs|iso9660|fuse.*|nsfs|autofs"

const struct yaml_node *
conf_find_item(const struct yaml_node *list, unsigned line, unsigned column)
{
	for (size_t i = 0; list != NULL && i < list->n; i++)
		if (list->items[i]->line == line && list->items[i]->column == column)
			return list->items[i];
	return NULL;
}

bool
conf_is_written(const struct yaml_node *list, const char *name)
{
	for (size_t i = 0; list != NULL && list->type == YAML_TYPE_LIST && i < list->n; i++) {
		const struct yaml_node *node = yaml_get(list->items[i], "name");

		if (node != NULL && node->type == YAML_TYPE_SCALAR && str_eq(node->text, name))
			return true;
	}
	return false;
}

/* --- one group ------------------------------------------------------------------------------- */

static bool
check_within(struct conf_decode *d, const struct yaml_node *node, const struct conf_host_group *g)
{
	/* Where within is there but wrong, that has been said already. */
	if (g->has_targets && yaml_is_null(yaml_get(node, "within"))) {
		conf_problem(d, conf_at(node, "targets"), "targets: needs within: too, a regular "
		    "expression that hosts found there must match");
		return false;
	}
	if (g->within != NULL && !g->has_targets && g->inventory == NULL) {
		conf_problem(d, conf_at(node, "within"), "within: is for hosts of targets: or "
		    "inventory:");
		return false;
	}
	return true;
}

/* Each was read alone; together they may be too many. */
static bool
check_patterns(struct conf_decode *d, const struct yaml_node *node,
    const struct conf_host_group *g)
{
	struct err err = ERR_INIT;
	struct hostlist l = { 0 };

	for (size_t i = 0; g->hosts != NULL && g->hosts[i] != NULL && err.code == 0; i++)
		hostlist_add(&l, g->hosts[i], &err);
	hostlist_done(&l);
	if (err.code != 0)
		conf_problem(d, conf_at(node, "hosts"), "hosts: %s", err.msg);
	return err.code == 0;
}

/* "opsconsole.yaml:40:9" */
static char *
where_of(const struct conf_decode *d, const struct conf_host_group *g)
{
	const char *slash = strrchr(d->name, '/');

	return xasprintf("%s:%u:%u", slash != NULL ? slash + 1 : d->name, g->line, g->column);
}

bool
conf_rule_host_group(struct conf_decode *d, const struct yaml_node *node, void *item)
{
	struct conf_host_group *g = item;
	bool is_good;

	g->where = where_of(d, g);
	g->has_targets = !yaml_is_null(yaml_get(node, "targets"));
	if (yaml_is_null(yaml_get(node, "hosts")) && yaml_is_null(yaml_get(node, "inventory")) &&
	    !g->has_targets) {
		conf_problem(d, node, "nothing says which hosts: at least one of hosts, inventory "
		    "and targets is expected");
		return false;
	}
	if (g->inventory_group != NULL && yaml_is_null(yaml_get(node, "inventory"))) {
		conf_problem(d, conf_at(node, "group"), "group: is of an inventory:; a group here has a "
		    "name:");
		return false;
	}
	is_good = check_patterns(d, node, g);
	return check_within(d, node, g) && is_good;
}

void
conf_host_group_done(void *item)
{
	struct conf_host_group *g = item;

	free(g->where);
	g->where = NULL;
}

/* --- inventories ----------------------------------------------------------------------------- */

static const struct inventory *
find_inventory(const struct conf_environment *env, const char *path)
{
	for (size_t i = 0; i < env->n_inventories; i++)
		if (str_eq(env->inventories[i]->path, path))
			return env->inventories[i];
	return NULL;
}

/* NULL, with a problem: it cannot be read. What is wrong inside it is a problem, too. */
static const struct inventory *
read_inventory(struct conf_decode *d, const struct yaml_node *where, struct conf_environment *env,
    const char *path)
{
	struct inventory *inv = xcalloc(1, sizeof *inv);
	struct err err = ERR_INIT;
	size_t n = d->problems->n;

	if (inventory_read(path, inv, d->problems, &err) < 0) {
		conf_problem(d, where, "inventory: %s", err.msg);
		free(inv);
		inv = NULL;
	} else {
		env->inventories = xreallocarray(env->inventories, env->n_inventories + 1,
		    sizeof(*env->inventories));
		env->inventories[env->n_inventories++] = inv;
	}
	/* A host may be missing, or be in another group than is meant. */
	if (d->problems->n > n)
		d->conf->is_policy_broken = true;
	return inv;
}

static bool
has_group(const struct inventory *inv, const char *name)
{
	for (size_t i = 0; i < inv->n_groups; i++)
		if (str_eq(inv->groups[i], name))
			return true;
	return str_eq(name, "all");
}

static void
check_inventory_group(struct conf_decode *d, const struct yaml_node *where,
    const struct conf_host_group *g)
{
	const char *near;
	char shown[SHOWN], path[SHOWN];

	if (g->inventory_group == NULL || has_group(g->read, g->inventory_group))
		return;
	near = str_nearest(g->inventory_group, (const char *const *)g->read->groups,
	    g->read->n_groups);
	str_escape_to(shown, sizeof shown, g->inventory_group);
	str_escape_to(path, sizeof path, g->read->path);
	if (near != NULL)
		conf_problem(d, where, "group: there is no group '%s' in %s; did you mean '%s'?",
		    shown, path, near);
	else
		conf_problem(d, where, "group: there is no group '%s' in %s", shown, path);
	d->conf->is_policy_broken = true;
}

static void
take_inventory(struct conf_decode *d, const struct yaml_node *node, struct conf_environment *env,
    struct conf_host_group *g)
{
	g->read = find_inventory(env, g->inventory);
	if (g->read == NULL)
		g->read = read_inventory(d, conf_at(node, "inventory"), env, g->inventory);
	if (g->read != NULL)
		check_inventory_group(d, conf_at(node, "group"), g);
}

/* --- what is measured of hosts --------------------------------------------------------------- */

/* By node_exporter. Rates look back far enough for the usual times from one scrape to the next. */
static const struct {
	const char *name, *title, *unit, *expr;
	double objective;
} usual[] = {
	{ "cpu", "CPU busy", "ratio",
	  "1 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m]))", 0.9 },
	{ "memory", "memory used", "ratio",
	  "max by (instance) (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)",
	  0.9 },
	{ "disk", "fullest disk", "ratio",
	  "max by (instance) (1 - node_filesystem_avail_bytes{fstype!~\"" NO_DISK "\"}"
	  " / node_filesystem_size_bytes{fstype!~\"" NO_DISK "\"})", 0.9 },
	{ "load", "load per CPU", "none",
	  "max by (instance) (node_load5 / on (instance, job) group_left ()"
	  " count by (instance, job) (node_cpu_seconds_total{mode=\"idle\"}))", 1.5 },
};

static const char *
first_prometheus(const struct conf_environment *env)
{
	for (size_t i = 0; i < env->n_sources; i++)
		if (str_eq(env->sources[i].type, "prometheus"))
			return env->sources[i].name;
	return NULL;
}

static void
add_usual_queries(struct conf_environment *env)
{
	const char *source = first_prometheus(env);
	size_t n = sizeof usual / sizeof usual[0];

	if (source == NULL)
		return;
	env->host_queries = xcalloc(n, sizeof(*env->host_queries));
	for (size_t i = 0; i < n; i++)
		env->host_queries[i] = (struct conf_query){
			.name = xstrdup(usual[i].name), .title = xstrdup(usual[i].title),
			.expr = xstrdup(usual[i].expr), .unit = xstrdup(usual[i].unit),
			.source = xstrdup(source), .objective = usual[i].objective,
		};
	env->n_host_queries = n;
}

static void
resolve_queries(struct conf_decode *d, const struct yaml_node *env_node,
    struct conf_environment *env)
{
	size_t kept = 0;

	for (size_t i = 0; i < env->n_host_queries; i++) {
		struct conf_query *q = &env->host_queries[i];

		if (!conf_resolve_source(d, env_node, env, "hosts_health", q->line, q->column,
		    &q->source)) {
			conf_item_done(&conf_table_host_query, q);
			continue;
		}
		if (q->title == NULL)
			q->title = xstrdup(q->name);
		env->host_queries[kept++] = *q;
	}
	env->n_host_queries = kept;
}

/* --- an environment -------------------------------------------------------------------------- */

void
conf_rule_hosts(struct conf_decode *d, const struct yaml_node *env_node,
    struct conf_environment *env)
{
	const struct yaml_node *list = yaml_get(env_node, "hosts");

	for (size_t i = 0; i < env->n_host_groups; i++) {
		struct conf_host_group *g = &env->host_groups[i];
		const struct yaml_node *node = conf_find_item(list, g->line, g->column);

		if (g->has_targets && !conf_resolve_source(d, env_node, env, "targets", g->line,
		    g->column, &g->target_source)) {
			g->has_targets = false;
			d->conf->is_policy_broken = true;
		}
		if (g->inventory != NULL && d->reads_files && node != NULL)
			take_inventory(d, node, env, g);
	}
	if (!yaml_is_null(yaml_get(env_node, "hosts_health")))
		resolve_queries(d, env_node, env);
	else if (env->n_host_groups > 0 || env->n_models > 0)
		add_usual_queries(env);
}

void
conf_environment_free(void *item)
{
	struct conf_environment *env = item;

	for (size_t i = 0; i < env->n_inventories; i++) {
		inventory_done(env->inventories[i]);
		free(env->inventories[i]);
	}
	free(env->inventories);
	env->inventories = NULL;
	env->n_inventories = 0;
	conf_environment_done(env);
}
