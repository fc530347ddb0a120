/* What single options of models cannot say, and what their names refer to. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_table.h"
#include "conf/inventory.h"

enum { SHOWN = 72, NAMES_MAX = 4000 };

/* --- one model ------------------------------------------------------------------------------- */

/* false, with a problem: it is not exactly one of them. */
static bool
check_one_of(struct conf_decode *d, const struct yaml_node *map, const char *a, const char *b,
    const char *what)
{
	if (conf_is_given(map, a) && conf_is_given(map, b)) {
		conf_problem(d, conf_at(map, b), "%s: cannot go with %s:; keep one", b, a);
		return false;
	}
	if (!conf_is_given(map, a) && !conf_is_given(map, b)) {
		conf_problem(d, map, "%s: %s or %s is expected", what, a, b);
		return false;
	}
	return true;
}

/* Host and path as those of a source's url; a query is the user's own here. */
static int
check_url(const char *text, struct err *err)
{
	static const char query[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	    "-._~!$&'()*+,;=:@%/?";
	static const char placeholder[] = "{host}";
	const char *p = text, *next;
	char *url, *mark;
	struct buf b;
	int r = 0;

	if (strstr(text, placeholder) == NULL)
		return err_set(err, ERR_INVALID, "has no {host}: every host would be asked at the "
		    "same place");
	buf_init(&b, 4096);
	for (; (next = strstr(p, placeholder)) != NULL; p = next + strlen(placeholder)) {
		buf_add(&b, p, (size_t)(next - p));
		buf_addstr(&b, "host");
	}
	buf_addstr(&b, p);
	mark = strchr(b.data, '?');
	if (strpbrk(b.data, "{}") != NULL)
		r = err_set(err, ERR_INVALID, "only {host} is filled in");
	else if (mark != NULL && mark[1 + strspn(mark + 1, query)] != '\0')
		r = err_set(err, ERR_INVALID, "the query holds a character that must be written as "
		    "%%XX");
	if (r == 0) {
		r = conf_url(b.data, mark != NULL ? (size_t)(mark - b.data) : b.len, &url, err);
		if (r == 0)
			free(url);
	}
	buf_done(&b);
	return r;
}

/* Options of one way to ask do not go with the other. */
static bool
check_options(struct conf_decode *d, const struct yaml_node *serving, const char *way,
    const char *const *others)
{
	for (size_t i = 0; others[i] != NULL; i++)
		if (conf_is_given(serving, others[i])) {
			conf_problem(d, conf_at(serving, others[i]), "%s: does not go with %s:",
			    others[i], way);
			return false;
		}
	return true;
}

static bool
check_serving(struct conf_decode *d, const struct yaml_node *node, const struct conf_model *m)
{
	static const char *const of_expr[] = { "label", "host", "source", NULL };
	static const char *const of_url[] = { "path", NULL };
	const struct yaml_node *serving = yaml_get(node, "serving");
	struct err err = ERR_INIT;

	/* Where it is missing or no map, that has been said already. */
	if (yaml_is_null(serving) || serving->type != YAML_TYPE_MAP)
		return false;
	if (!check_one_of(d, serving, "expr", "url", "serving"))
		return false;
	if (conf_is_given(serving, "expr"))
		return check_options(d, serving, "expr", of_url);
	if (!check_options(d, serving, "url", of_expr))
		return false;
	if (m->url != NULL && check_url(m->url, &err) < 0) {
		conf_problem(d, conf_at(serving, "url"), "url: %s", err.msg);
		return false;
	}
	if (!conf_is_given(node, "group")) {
		conf_problem(d, conf_at(serving, "url"), "url: needs group: beside serving:, the hosts "
		    "to ask");
		return false;
	}
	return true;
}

bool
conf_rule_model(struct conf_decode *d, const struct yaml_node *node, void *item)
{
	const struct conf_model *m = item;
	bool is_good = check_one_of(d, node, "alias", "stage", "what should serve");

	is_good = check_serving(d, node, m) && is_good;
	if (m->max_data_age_ns > 0 && !conf_is_given(node, "data")) {
		conf_problem(d, conf_at(node, "max_data_age"), "max_data_age: needs data:, the tag or "
		    "param that says up to when the training data goes");
		is_good = false;
	}
	return is_good;
}

/* --- what names refer to --------------------------------------------------------------------- */

struct resolve {
	struct conf_decode *d;
	const struct yaml_node *env_node;
	struct conf_environment *env;
	const char **groups;	/* names of all groups, for suggestions */
	size_t n_groups;
	bool are_groups_known;
};

static void
unknown_registry(struct resolve *r, const struct yaml_node *where, const char *name)
{
	const char *names[100], *near;
	char shown[SHOWN];
	size_t n = 0;

	for (size_t i = 0; i < r->env->n_sources && n < 100; i++)
		if (conf_source_is_registry(&r->env->sources[i]))
			names[n++] = r->env->sources[i].name;
	near = str_nearest(name, names, n);
	str_escape_to(shown, sizeof shown, name);
	if (conf_is_written(yaml_get(r->env_node, "sources"), name))
		conf_problem(r->d, where, "registry: its source '%s' has a mistake of its own",
		    shown);
	else if (near != NULL)
		conf_problem(r->d, where, "registry: there is no source '%s'; did you mean '%s'?",
		    shown, near);
	else
		conf_problem(r->d, where, "registry: there is no source '%s' in this environment",
		    shown);
}

static bool
check_registry(struct resolve *r, const struct yaml_node *node, const char *name)
{
	const struct yaml_node *where = conf_at(node, "registry");
	char shown[SHOWN];

	for (size_t i = 0; i < r->env->n_sources; i++) {
		const struct conf_source *s = &r->env->sources[i];

		if (!str_eq(s->name, name))
			continue;
		if (conf_source_is_registry(s))
			return true;
		conf_problem(r->d, where, "registry: the source '%s' is of type %s, which is no "
		    "registry", str_escape_to(shown, sizeof shown, name), s->type);
		return false;
	}
	unknown_registry(r, where, name);
	return false;
}

/* Without a word the only one is meant. */
static bool
resolve_registry(struct resolve *r, const struct yaml_node *node, struct conf_model *m)
{
	const char *only = NULL;
	size_t n = 0;

	if (m->registry != NULL)
		return check_registry(r, node, m->registry);
	for (size_t i = 0; i < r->env->n_sources; i++)
		if (conf_source_is_registry(&r->env->sources[i])) {
			only = r->env->sources[i].name;
			n++;
		}
	if (n == 1) {
		m->registry = xstrdup(only);
		return true;
	}
	if (n == 0)
		conf_problem(r->d, node, "model: the environment has no source of type mlflow or "
		    "http-json to find it in");
	else
		conf_problem(r->d, node, "registry: is needed: %zu sources are registries", n);
	return false;
}

static void
resolve_online(struct resolve *r, struct conf_model *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n_online; i++) {
		struct conf_online *o = &m->online[i];

		if (conf_resolve_source(r->d, r->env_node, r->env, "online", o->line, o->column,
		    &o->source)) {
			m->online[kept++] = *o;
			continue;
		}
		free(o->metric);
		free(o->expr);
		free(o->label);
		free(o->source);
	}
	m->n_online = kept;
}

static bool
is_group(const struct resolve *r, const char *name)
{
	for (size_t i = 0; i < r->n_groups; i++)
		if (str_eq(r->groups[i], name))
			return true;
	return false;
}

/* The view is worth more than the group where it only says who should serve; without it the hosts
 * that do serve count. */
static bool
resolve_group(struct resolve *r, const struct yaml_node *node, struct conf_model *m)
{
	const char *near;
	char shown[SHOWN];

	if (m->group == NULL || is_group(r, m->group) || !r->are_groups_known)
		return true;
	near = str_nearest(m->group, r->groups, r->n_groups);
	str_escape_to(shown, sizeof shown, m->group);
	if (conf_is_written(yaml_get(r->env_node, "hosts"), m->group))
		conf_problem(r->d, conf_at(node, "group"), "group: '%s' has a mistake of its own",
		    shown);
	else if (near != NULL)
		conf_problem(r->d, conf_at(node, "group"), "group: there is no group of hosts '%s'; did "
		    "you mean '%s'?", shown, near);
	else
		conf_problem(r->d, conf_at(node, "group"), "group: there is no group of hosts '%s' in "
		    "this environment", shown);
	free(m->group);
	m->group = NULL;
	return m->url == NULL;
}

static bool
resolve_model(struct resolve *r, const struct yaml_node *node, struct conf_model *m)
{
	bool is_good = resolve_registry(r, node, m);

	if (m->expr != NULL && !conf_resolve_source(r->d, r->env_node, r->env, "serving",
	    m->line, m->column, &m->source))
		is_good = false;
	is_good = resolve_group(r, node, m) && is_good;
	resolve_online(r, m);
	if (m->title == NULL)
		m->title = xstrdup(m->name);
	return is_good;
}

/* Those of the config, and those of the inventories that could be read. */
static void
collect_groups(struct resolve *r)
{
	const struct conf_environment *env = r->env;
	size_t n = env->n_host_groups;

	for (size_t i = 0; i < env->n_inventories; i++)
		n += env->inventories[i]->n_groups;
	r->groups = xcalloc(n + 1, sizeof(*r->groups));
	r->are_groups_known = true;
	for (size_t i = 0; i < env->n_host_groups; i++) {
		r->groups[r->n_groups++] = env->host_groups[i].name;
		if (env->host_groups[i].inventory != NULL && env->host_groups[i].read == NULL)
			r->are_groups_known = false;
	}
	for (size_t i = 0; i < env->n_inventories; i++)
		for (size_t k = 0; k < env->inventories[i]->n_groups; k++)
			r->groups[r->n_groups++] = env->inventories[i]->groups[k];
}

void
conf_rule_models(struct conf_decode *d, const struct yaml_node *env_node,
    struct conf_environment *env)
{
	const struct yaml_node *list = yaml_get(env_node, "models");
	struct resolve r = { .d = d, .env_node = env_node, .env = env };
	size_t kept = 0;

	collect_groups(&r);
	for (size_t i = 0; i < env->n_models; i++) {
		struct conf_model *m = &env->models[i];
		const struct yaml_node *node = conf_find_item(list, m->line, m->column);

		if (node != NULL && resolve_model(&r, node, m))
			env->models[kept++] = *m;
		else
			conf_item_done(&conf_table_model, m);
	}
	env->n_models = kept;
	free(r.groups);
}
