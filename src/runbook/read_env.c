/* What a runbook names must be there in the environment it is read for. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_hosts.h"
#include "model/slo.h"
#include "runbook/read.h"

enum { NAMES_MAX = 200, SHOWN = 72 };

/* --- names of the environment ------------------------------------------------------------------------ */

static bool
is_written(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(names[i], name))
			return true;
	return false;
}

static void
look_up(struct reader *rd, const struct yaml_node *at, const char *what, const char *name,
    const char *const *names, size_t n)
{
	char *sentence;

	if (name == NULL || is_written(name, names, n))
		return;
	sentence = xasprintf("is no %s of the environment '%s'", what, rd->env->name);
	read_unknown(rd, at, sentence, name, names, n);
	free(sentence);
}

bool
read_group_exists(const struct conf_environment *env, const char *group)
{
	struct host_set *hosts;
	bool is_there = false;

	for (size_t i = 0; i < env->n_host_groups; i++)
		if (str_eq(env->host_groups[i].name, group))
			return true;
	hosts = conf_hosts(env, NULL, 0);
	for (size_t i = 0; i < hosts->n && !is_there; i++)
		is_there = is_written(group, hosts->v[i].groups.v, hosts->v[i].groups.n);
	block_unref(hosts);
	return is_there;
}

void
read_unknown_group(struct reader *rd, const struct yaml_node *at, const char *group)
{
	const char *names[NAMES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < rd->env->n_host_groups && n < NAMES_MAX; i++)
		names[n++] = rd->env->host_groups[i].name;
	look_up(rd, at, "group of hosts", group, names, n);
}

void
read_unknown_contact(struct reader *rd, const struct yaml_node *at, const char *role)
{
	const char *names[NAMES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < rd->env->n_contacts && n < NAMES_MAX; i++)
		names[n++] = rd->env->contacts[i].role;
	look_up(rd, at, "contact", role, names, n);
}

static const char *const log_stores[] = { "loki", "elasticsearch", "journald" };

/* types: words, one of which the source's must be; NULL: any. */
static void
look_up_source(struct reader *rd, const struct yaml_node *at, const char *name, const char *const *types,
    size_t n_types)
{
	const char *names[NAMES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < rd->env->n_sources && n < NAMES_MAX; i++)
		if (types == NULL || is_written(rd->env->sources[i].type, types, n_types))
			names[n++] = rd->env->sources[i].name;
	if (name != NULL) {
		char *what = types == NULL ? xstrdup("source") : types == log_stores ? xstrdup("store of lines") :
		    xasprintf("source of type %s", types[0]);

		look_up(rd, at, what, name, names, n);
		free(what);
	} else if (n == 0) {
		read_problem(rd, at, "the environment '%s' has no %s%s", rd->env->name, types == log_stores ? "store of lines, such as a source of type " :
		    "source of type ", types[0]);
	}
}

static const char *
constant(const struct template *t)
{
	return t != NULL && template_names(t, NULL) == 0 ? template_source(t) : NULL;
}

static void
look_up_model(struct reader *rd, const struct yaml_node *at, const struct template *t)
{
	const char *names[NAMES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < rd->env->n_models && n < NAMES_MAX; i++)
		names[n++] = rd->env->models[i].name;
	look_up(rd, at, "model", constant(t), names, n);
}

static void
look_up_slo(struct reader *rd, const struct yaml_node *at, const struct template *t)
{
	const char *names[NAMES_MAX];
	const struct slo_def_set *slos = rd->env->slo_defs;
	size_t n = 0;

	/* Those that rules define are known only when a server was asked. */
	if (rd->env->slo_found)
		return;
	for (size_t i = 0; slos != NULL && i < slos->n && n < NAMES_MAX; i++)
		names[n++] = slos->v[i].name;
	look_up(rd, at, "objective", constant(t), names, n);
}

/* --- acts and conditions --------------------------------------------------------------------------------- */

static const char *const prometheus[] = { "prometheus" };
static const char *const alertmanager[] = { "alertmanager" };
static const char *const registries[] = { "mlflow", "http-json" };

bool
read_log_place(const struct reader *rd, const char *source, const char *query, enum template_place *ret)
{
	const struct conf_source *s = NULL;

	for (size_t i = 0; rd->env != NULL && i < rd->env->n_sources && s == NULL; i++)
		if (is_written(rd->env->sources[i].type, log_stores, 3) && (source == NULL || str_eq(rd->env->sources[i].name, source)))
			s = &rd->env->sources[i];
	if (s == NULL)
		return false;
	if (str_eq(s->type, "loki"))
		*ret = PLACE_LOGQL;
	else if (str_eq(s->type, "journald"))
		*ret = PLACE_JOURNAL;
	else
		*ret = query[strspn(query, " \t\r\n")] == '{' ? PLACE_JSON_TEXT : PLACE_LUCENE;
	return true;
}

static const struct yaml_node *
at_key(const struct yaml_node *node, const char *key)
{
	const struct yaml_node *at = yaml_get(node, key);

	return at != NULL ? at : node;
}

static void
check_exec(struct reader *rd, const struct yaml_node *node, const struct act *a)
{
	const struct yaml_node *run = yaml_get(node, "run");
	const char *program = a->argv != NULL && a->argv[0] != NULL ? constant(a->argv[0]) : NULL;
	char shown[SHOWN];
	size_t n = 0;

	for (; rd->env->exec != NULL && rd->env->exec[n] != NULL; n++)
		if (program != NULL && str_eq(rd->env->exec[n], program))
			return;
	if (program != NULL)
		read_problem(rd, run != NULL && run->n > 0 ? run->items[0] : node, "exec: %s may not be "
		    "run here: exec: of the environment '%s' %s",
		    str_escape_to(shown, sizeof shown, program), rd->env->name,
		    n == 0 ? "allows no program" : "does not name it");
}

void
read_env_act(struct reader *rd, const struct yaml_node *node, const struct act *a)
{
	switch (a->kind) {
	case STEP_HTTP:
		if (a->endpoint != NULL)
			look_up_source(rd, at_key(node, "endpoint"), a->endpoint, NULL, 0);
		break;
	case STEP_REGISTRY:
		if (a->registry != NULL)
			look_up_source(rd, at_key(node, "source"), a->registry, registries, 2);
		look_up_model(rd, at_key(node, "model"), a->model);
		break;
	case STEP_SILENCE:
		look_up_source(rd, at_key(node, "source"), a->alertmanager, alertmanager, 1);
		break;
	case STEP_NOTIFY:
		if (a->contact != NULL)
			read_unknown_contact(rd, at_key(node, "contact"), a->contact);
		break;
	case STEP_EXEC: check_exec(rd, node, a); break;
	default: break;
	}
}

void
read_env_condition(struct reader *rd, const struct yaml_node *node, const struct condition *c)
{
	switch (c->kind) {
	case COND_PROMQL:
		look_up_source(rd, at_key(node, "source"), c->source, prometheus, 1);
		break;
	case COND_LOG:
		look_up_source(rd, at_key(node, "source"), c->source, log_stores, 3);
		break;
	case COND_SERVED: look_up_model(rd, at_key(node, "served"), c->subject); break;
	case COND_DRIFT: look_up_model(rd, at_key(node, "drift"), c->subject); break;
	case COND_SLO: look_up_slo(rd, at_key(node, "slo"), c->subject); break;
	case COND_HTTP:
		if (c->source != NULL)
			look_up_source(rd, at_key(node, "http"), c->source, NULL, 0);
		break;
	default: break;
	}
}

/* --- actions: -------------------------------------------------------------------------------------------------- */

static const enum step_kind providers[] = { STEP_SSH, STEP_HTTP, STEP_EXEC };

static const struct yaml_node *
find_action(struct reader *rd, const struct yaml_node *at, const char *name)
{
	const char *names[NAMES_MAX];
	const struct yaml_node *all = rd->env->actions, *node = yaml_get(all, name);
	size_t n = 0;

	for (size_t i = 0; all != NULL && i < all->n && n < NAMES_MAX; i++)
		names[n++] = all->keys[i]->text;
	if (node == NULL)
		look_up(rd, at, "action", name, names, n);
	return node;
}

static void
check_keys(struct reader *rd, const struct yaml_node *node)
{
	static const char *const known[] = { "ssh", "http", "exec", "check", "undo" };

	for (size_t i = 0; i < node->n; i++)
		if (!is_written(node->keys[i]->text, known, sizeof known / sizeof known[0]))
			read_unknown(rd, node->keys[i], "is no member of an action",
			    node->keys[i]->text, known, sizeof known / sizeof known[0]);
}

/* The act of the environment takes the place of the call. */
static void
replace(struct act **ret, struct act *a, bool has_timeout)
{
	struct act *call = *ret;

	a->action = call->action;
	call->action = NULL;
	if (has_timeout)
		a->timeout_ns = call->timeout_ns;
	act_free_all(call);
	*ret = a;
}

static void
read_found(struct reader *rd, const struct yaml_node *call, const struct yaml_node *node,
    struct act **a, struct runbook_step *s)
{
	const char *names[sizeof providers / sizeof providers[0]];
	size_t n = sizeof providers / sizeof providers[0], i = 0;

	for (size_t j = 0; j < n; j++)
		names[j] = step_kind_name(providers[j]);
	if (read_kind(rd, "an action", node, names, n, &i) == NULL)
		return;
	check_keys(rd, node);
	replace(a, read_act(rd, providers[i], yaml_get(node, names[i])),
	    yaml_get(call, "timeout") != NULL);
	/* What the step says itself is read later, and counts instead. */
	if (s != NULL && yaml_get(node, "check") != NULL)
		read_step_check(rd, NULL, yaml_get(node, "check"), s);
	if (s != NULL && yaml_get(node, "undo") != NULL)
		read_step_undo(rd, NULL, yaml_get(node, "undo"), s);
}

void
read_provider(struct reader *rd, const struct yaml_node *call, struct act **a,
    struct runbook_step *s)
{
	const struct yaml_node *node;
	struct given given = { .v = (*a)->with, .n = (*a)->n_with };
	const char *before = rd->file;

	if (rd->given != NULL) {
		read_problem(rd, call, "action: an action calls no other one");
		return;
	}
	node = (*a)->action != NULL ? find_action(rd, call, (*a)->action) : NULL;
	if (node == NULL)
		return;
	/* They outlive the call. */
	(*a)->with = NULL;
	(*a)->n_with = 0;
	rd->given = &given;
	rd->file = rd->conf != NULL && rd->conf->path != NULL ? rd->conf->path : "the config";
	read_found(rd, call, node, a, s);
	rd->given = NULL;
	rd->file = before;
	pairs_free((struct pair *)given.v, given.n);
}
