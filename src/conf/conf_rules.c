/* What single options cannot say: which go together, what a name refers to, defaults that depend
 * on others. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_table.h"
#include "model/event.h"

enum { SHOWN = 72, CANDIDATES_MAX = 100, SHIP_ANSWER_MAX = 256 << 10 };

/* --- a source -------------------------------------------------------------------------------- */

const struct yaml_node *
conf_at(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key);

	return node != NULL ? node : map;
}

bool
conf_is_given(const struct yaml_node *map, const char *key)
{
	return !yaml_is_null(yaml_get(map, key));
}

static bool
check_login(struct conf_decode *d, const struct yaml_node *node, const struct conf_source *s)
{
	bool has_password = secret_is_set(&s->password), has_bearer = secret_is_set(&s->bearer),
	    is_good = true;

	/* Where the other half is there but wrong, that has been said already. */
	if (s->user != NULL && yaml_is_null(yaml_get(node, "password"))) {
		conf_problem(d, conf_at(node, "user"), "user: needs a password: too");
		is_good = false;
	}
	if (has_password && yaml_is_null(yaml_get(node, "user"))) {
		conf_problem(d, conf_at(node, "password"), "password: needs a user: too");
		is_good = false;
	}
	if (has_bearer && (s->user != NULL || has_password)) {
		conf_problem(d, conf_at(node, "bearer"),
		    "bearer: cannot go with user and password; keep one");
		is_good = false;
	}
	for (size_t i = 0; i < s->n_headers; i++)
		if (strcasecmp(s->headers[i].name, "Authorization") == 0 &&
		    (has_bearer || s->user != NULL)) {
			conf_problem(d, conf_at(node, "headers"),
			    "headers: Authorization cannot go with user or bearer; keep one");
			is_good = false;
		}
	return is_good;
}

static bool
check_certificate(struct conf_decode *d, const struct yaml_node *node, const struct conf_source *s)
{
	const struct yaml_node *tls = yaml_get(node, "tls");

	if (s->client_cert != NULL && yaml_is_null(yaml_get(tls, "client_key"))) {
		conf_problem(d, conf_at(tls, "client_cert"), "client_cert: needs a client_key: too");
		return false;
	}
	if (s->client_key != NULL && yaml_is_null(yaml_get(tls, "client_cert"))) {
		conf_problem(d, conf_at(tls, "client_key"), "client_key: needs a client_cert: too");
		return false;
	}
	return true;
}

bool
conf_rule_source(struct conf_decode *d, const struct yaml_node *node, void *item)
{
	struct conf_source *s = item;
	bool is_good = check_login(d, node, s);

	is_good = check_certificate(d, node, s) && is_good;
	is_good = conf_rule_registry(d, node, s) && is_good;
	is_good = conf_rule_log_store(d, node, s) && is_good;
	for (size_t i = 0; s->url != NULL && s->replicas != NULL && s->replicas[i] != NULL; i++)
		if (str_eq(s->replicas[i], s->url))
			conf_problem(d, yaml_get(node, "replicas")->items[i],
			    "replicas: names the source's own url again");
	return is_good;
}

/* The records of an answer are nobody's to read: what it says may be short. */
bool
conf_rule_ship(struct conf_decode *d, const struct yaml_node *node, void *item)
{
	struct conf_source *s = item;
	bool is_good = check_login(d, node, s);

	s->body_max = SHIP_ANSWER_MAX;
	return check_certificate(d, node, s) && is_good;
}

/* --- an environment -------------------------------------------------------------------------- */

static const struct conf_source *
first_prometheus(const struct conf_environment *env)
{
	for (size_t i = 0; i < env->n_sources; i++)
		if (str_eq(env->sources[i].type, "prometheus"))
			return &env->sources[i];
	return NULL;
}

/* The source was written, but was left out for a mistake that has been told. */
static bool
is_dropped(const struct yaml_node *sources, const char *name)
{
	const struct yaml_node *node;

	for (size_t i = 0; sources != NULL && sources->type == YAML_TYPE_LIST &&
	    i < sources->n; i++) {
		node = yaml_get(sources->items[i], "name");
		if (node != NULL && node->type == YAML_TYPE_SCALAR && str_eq(node->text, name))
			return true;
	}
	return false;
}

static void
unknown_source(struct conf_decode *d, const struct yaml_node *where,
    const struct yaml_node *env_node,
    const struct conf_environment *env, const char *what, const char *name)
{
	const char *names[CANDIDATES_MAX], *near;
	char shown[SHOWN];
	size_t n = 0;

	for (size_t i = 0; i < env->n_sources && n < CANDIDATES_MAX; i++)
		if (str_eq(env->sources[i].type, "prometheus"))
			names[n++] = env->sources[i].name;
	near = str_nearest(name, names, n);
	str_escape_to(shown, sizeof shown, name);
	if (is_dropped(yaml_get(env_node, "sources"), name))
		conf_problem(d, where, "%s: its source '%s' has a mistake of its own", what, shown);
	else if (near != NULL)
		conf_problem(d, where, "%s: there is no source '%s'; did you mean '%s'?", what,
		    shown, near);
	else
		conf_problem(d, where, "%s: there is no source '%s' in this environment", what,
		    shown);
}

/* Where an item names its source; the item itself where it cannot be found. */
static const struct yaml_node *
find_source_node(const struct yaml_node *env_node, const char *what, const struct yaml_node *item)
{
	static const char *const lists[][2] = { { "query", "queries" }, { "marker", "markers" },
	    { "objective", "slos" } };
	const struct yaml_node *list = NULL, *node;

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		if (str_eq(what, lists[i][0]))
			list = yaml_get(env_node, lists[i][1]);
	for (size_t i = 0; list != NULL && list->type == YAML_TYPE_LIST && i < list->n; i++) {
		node = list->items[i];
		if (node->line == item->line && node->column == item->column)
			return conf_at(node, "source");
	}
	return item;
}

bool
conf_resolve_source(struct conf_decode *d, const struct yaml_node *env_node,
    const struct conf_environment *env, const char *what, unsigned line, unsigned column,
    char **source)
{
	const struct yaml_node item = { .line = line, .column = column };
	const struct yaml_node *named = find_source_node(env_node, what, &item);
	const struct conf_source *first = first_prometheus(env);
	char shown[SHOWN];

	if (*source == NULL && first != NULL) {
		*source = xstrdup(first->name);
		return true;
	}
	if (*source == NULL) {
		conf_problem(d, &item, "%s: the environment has no source of type prometheus to "
		    "ask", what);
		return false;
	}
	for (size_t i = 0; i < env->n_sources; i++)
		if (str_eq(env->sources[i].name, *source)) {
			if (str_eq(env->sources[i].type, "prometheus"))
				return true;
			conf_problem(d, named, "%s: the source '%s' is of type %s, which answers "
			    "no queries", what,
			    str_escape_to(shown, sizeof shown, *source), env->sources[i].type);
			return false;
		}
	unknown_source(d, named, env_node, env, what, *source);
	return false;
}

static void
resolve_queries(struct conf_decode *d, const struct yaml_node *node, struct conf_environment *env,
    const struct conf_table *table)
{
	size_t kept = 0;

	for (size_t i = 0; i < env->n_queries; i++) {
		struct conf_query *q = &env->queries[i];

		if (!conf_resolve_source(d, node, env, "query", q->line, q->column, &q->source)) {
			conf_item_done(table, q);
			continue;
		}
		if (q->title == NULL)
			q->title = xstrdup(q->name);
		env->queries[kept++] = *q;
	}
	env->n_queries = kept;
}

static void
resolve_markers(struct conf_decode *d, const struct yaml_node *node, struct conf_environment *env,
    const struct conf_table *table)
{
	size_t kept = 0;

	for (size_t i = 0; i < env->n_markers; i++) {
		struct conf_marker *m = &env->markers[i];

		if (!conf_resolve_source(d, node, env, "marker", m->line, m->column, &m->source)) {
			conf_item_done(table, m);
			continue;
		}
		if (m->title == NULL && m->group_by != NULL)
			m->title = xasprintf("{{%s}} {{%s}}", m->group_by, m->label);
		else if (m->title == NULL)
			m->title = xasprintf("%s {{%s}}", m->name, m->label);
		env->markers[kept++] = *m;
	}
	env->n_markers = kept;
}

/* What everybody writes; the config's own values come first and win. */
static void
add_usual_severities(struct conf_environment *env)
{
	static const struct {
		const char *value;
		enum severity severity;
	} usual[] = {
		{ "page", SEVERITY_PAGE }, { "critical", SEVERITY_PAGE },
		{ "ticket", SEVERITY_TICKET },
		{ "warning", SEVERITY_TICKET }, { "info", SEVERITY_INFO },
		{ "none", SEVERITY_NONE },
	};
	size_t own = env->n_severities, n = sizeof usual / sizeof usual[0];

	env->severities = xreallocarray(env->severities, own + n, sizeof *env->severities);
	for (size_t i = 0; i < n; i++) {
		bool is_given = false;

		for (size_t j = 0; j < own; j++)
			is_given = is_given || str_eq(env->severities[j].value, usual[i].value);
		if (!is_given)
			env->severities[env->n_severities++] = (struct conf_severity){
				.value = xstrdup(usual[i].value),
				.severity = (int)usual[i].severity,
			};
	}
}

static const struct conf_table *
items_of(const struct conf_table *table, const char *name)
{
	for (const struct conf_row *row = table->rows; row->name != NULL; row++)
		if (str_eq(row->name, name))
			return row->table;
	abort();	/* a row of our own table */
}

bool
conf_rule_environment(struct conf_decode *d, const struct yaml_node *node, void *item)
{
	const struct conf_table *table = items_of(&conf_table_top, "environments");
	const struct yaml_node *sources = yaml_get(node, "sources");
	const struct yaml_node *is_protected = yaml_get(node, "protected");
	struct conf_environment *env = item;

	/* Not readable as true or false: the careful reading. */
	if (!yaml_is_null(is_protected) && !(is_protected->type == YAML_TYPE_SCALAR &&
	    str_eq(is_protected->text, "false")))
		env->is_protected = true;
	if (env->title == NULL)
		env->title = xstrdup_or_null(env->name);
	if (yaml_is_null(sources) || (sources->type == YAML_TYPE_LIST && sources->n == 0))
		conf_problem(d, conf_at(node, "sources"),
		    "sources: at least one is needed, or nothing can be shown");
	add_usual_severities(env);
	resolve_queries(d, node, env, items_of(table, "queries"));
	resolve_markers(d, node, env, items_of(table, "markers"));
	conf_rule_slos(d, node, env);
	conf_rule_hosts(d, node, env);
	conf_rule_models(d, node, env);
	conf_rule_drifts(d, node, env);
	conf_rule_logs(d, node, env);
	return true;
}

bool
conf_rule_top(struct conf_decode *d, const struct yaml_node *node, void *item)
{
	const struct yaml_node *environments = yaml_get(node, "environments");
	struct conf *c = item;

	(void)d;
	if (environments != NULL && environments->type == YAML_TYPE_LIST)
		c->n_dropped = environments->n - c->n_environments;
	return true;
}
