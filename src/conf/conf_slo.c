/* Objectives of an environment: both forms together, checked once when the config is read. */
#include "config.h"

#include "conf/conf_slo.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_slo_build.h"
#include "conf/openslo.h"

enum { SHOWN = 72 };

/* --- reading --------------------------------------------------------------------------------- */

/* The node that stands at a place of a list. */
static const struct yaml_node *
find_item(const struct yaml_node *list, unsigned line, unsigned column)
{
	for (size_t i = 0; list != NULL && i < list->n; i++)
		if (list->items[i]->line == line && list->items[i]->column == column)
			return list->items[i];
	return NULL;
}

static void
build_short_forms(struct slo_build *b, struct conf_environment *env)
{
	const struct yaml_node *list = yaml_get(b->env_node, "slos");

	for (size_t i = 0; i < env->n_slos; i++) {
		struct conf_slo *s = &env->slos[i];
		const struct yaml_node *node = find_item(list, s->line, s->column);

		if (node != NULL && conf_resolve_source(b->d, b->env_node, env, "objective",
		    s->line, s->column, &s->source))
			slo_build_short(b, s, node);
	}
}

static int
compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct slo_def *)a)->id, ((const struct slo_def *)b)->id);
}

static struct slo_def_set *
finish(struct slo_build *b)
{
	struct slo_def *v = arena_alloc(&b->set->block.arena, (b->n + 1) * sizeof *v);

	if (b->n > 0) {
		qsort(b->v, b->n, sizeof *b->v, compare_ids);
		memcpy(v, b->v, b->n * sizeof *v);
	}
	free(b->v);
	b->set->v = v;
	b->set->n = b->n;
	return b->set;
}

/* --- what queries say of them ---------------------------------------------------------------- */

static bool
is_known(const struct conf_environment *env, const char *name)
{
	for (size_t i = 0; i < env->slo_defs->n; i++)
		if (str_eq(env->slo_defs->v[i].name, name))
			return true;
	return false;
}

/* The objective was written, but was left out for a mistake that has been told. */
static bool
is_dropped(const struct yaml_node *slos, const char *name)
{
	for (size_t i = 0; slos != NULL && slos->type == YAML_TYPE_LIST && i < slos->n; i++) {
		const struct yaml_node *node = yaml_get(slos->items[i], "name");

		if (node != NULL && node->type == YAML_TYPE_SCALAR && str_eq(node->text, name))
			return true;
	}
	return false;
}

static const char *
nearest(const struct conf_environment *env, const char *name)
{
	const struct slo_def_set *set = env->slo_defs;
	const char **names = xcalloc(set->n + 1, sizeof *names), *near;

	for (size_t i = 0; i < set->n; i++)
		names[i] = set->v[i].name;
	near = str_nearest(name, names, set->n);
	free(names);
	return near;
}

static void
check_query(struct conf_decode *d, const struct yaml_node *env_node,
    const struct conf_environment *env, struct conf_query *q)
{
	const struct yaml_node at = { .line = q->line, .column = q->column };
	const char *near;
	char shown[SHOWN];

	/* Without its files an objective of OpenSLO cannot be known. */
	if (q->slo == NULL || is_known(env, q->slo) || (env->openslo != NULL && !d->reads_files))
		return;
	str_escape_to(shown, sizeof shown, q->slo);
	near = nearest(env, q->slo);
	if (is_dropped(yaml_get(env_node, "slos"), q->slo))
		conf_problem(d, &at, "query: its objective '%s' has a mistake of its own", shown);
	else if (near != NULL)
		conf_problem(d, &at, "query: there is no objective '%s'; did you mean '%s'?", shown,
		    near);
	else
		conf_problem(d, &at, "query: there is no objective '%s' in this environment",
		    shown);
	free(q->slo);
	q->slo = NULL;
}

/* --- for the rest of the program ------------------------------------------------------------- */

void
conf_rule_slos(struct conf_decode *d, const struct yaml_node *env_node,
    struct conf_environment *env)
{
	struct slo_build b = { .d = d, .env_node = env_node, .env = env };

	b.set = block_new(sizeof *b.set);
	build_short_forms(&b, env);
	if (d->reads_files)
		openslo_build_paths(&b);
	env->slo_defs = finish(&b);
	for (size_t i = 0; i < env->n_queries; i++)
		check_query(d, env_node, env, &env->queries[i]);
}

void
conf_environment_done(void *item)
{
	struct conf_environment *env = item;

	block_unref(env->slo_defs);
	env->slo_defs = NULL;
}

/* Those of the log that name an objective, or all. In the arena; strings are lent. */
static void
add_corrections(struct slo_def *def, const struct corrections *log, struct slo_correction *v)
{
	def->n_corrections = 0;
	for (size_t i = 0; log != NULL && i < log->n; i++) {
		const struct correction *c = &log->v[i];

		if (!str_eq(c->slo, "*") && !str_eq(c->slo, def->name))
			continue;
		v[def->n_corrections++] = (struct slo_correction){
			.id = c->id, .start_ns = c->start_ns, .end_ns = c->end_ns,
			.reason = c->reason, .by = c->by, .at_ns = c->at_ns,
		};
	}
	def->corrections = v;
}

struct slo_def_set *
conf_slos(const struct conf_environment *env, const struct corrections *log)
{
	struct slo_def_set *set = block_new(sizeof *set);
	size_t n = env->slo_defs != NULL ? env->slo_defs->n : 0;
	struct slo_def *v = arena_alloc(&set->block.arena, (n + 1) * sizeof *v);
	struct slo_correction *corrections = xcalloc((log != NULL ? log->n : 0) + 1,
	    sizeof *corrections);

	for (size_t i = 0; i < n; i++) {
		struct slo_def def = env->slo_defs->v[i];

		add_corrections(&def, log, corrections);
		slo_def_copy(&v[i], &def, &set->block.arena);
	}
	free(corrections);
	set->v = v;
	set->n = n;
	return set;
}
