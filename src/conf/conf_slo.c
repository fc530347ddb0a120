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
was_dropped(const struct yaml_node *slos, const char *name)
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
	bool is_dropped;

	if (q->slo == NULL || is_known(env, q->slo))
		return;
	/* One of rules is known when a server answers, one of OpenSLO when its files are read. */
	is_dropped = was_dropped(yaml_get(env_node, "slos"), q->slo);
	if (!is_dropped && (env->slo_found || (env->openslo != NULL && !d->reads_files)))
		return;
	str_escape_to(shown, sizeof shown, q->slo);
	near = nearest(env, q->slo);
	if (is_dropped)
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
	block_unref(env->drift_defs);
	env->slo_defs = NULL;
	env->drift_defs = NULL;
}

struct slo_def_set *
conf_slos(const struct conf_environment *env)
{
	return env->slo_defs != NULL ? block_ref(env->slo_defs) : block_new(sizeof *env->slo_defs);
}

/* --- corrections ----------------------------------------------------------------------------- */

struct named {				/* corrections of one name, by start */
	size_t n;
	const struct correction *const *v;
};

/* The log is by start already, and stays so within a name. */
static int
compare_names(const void *a, const void *b)
{
	const struct correction *x = *(const struct correction *const *)a,
	    *y = *(const struct correction *const *)b;
	int r = strcmp(x->slo, y->slo);

	return r != 0 ? r : (x > y) - (x < y);
}

static const struct correction **
sort_by_name(const struct corrections *log)
{
	const struct correction **v = xcalloc(log->n + 1, sizeof(*v));

	for (size_t i = 0; i < log->n; i++)
		v[i] = &log->v[i];
	if (log->n > 1)
		qsort(v, log->n, sizeof(*v), compare_names);
	return v;
}

static struct named
find_named(const struct correction *const *v, size_t n, const char *name)
{
	size_t low = 0, high = n, end;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(v[mid]->slo, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < n && str_eq(v[end]->slo, name); end++)
		;
	return (struct named){ end - low, v + low };
}

/* Both, by start, in the arena. */
static void
set_corrections(struct slo_def *def, const struct named *all, const struct named *own,
    const struct corrections *log, const struct slo_correction *copies, struct arena *arena)
{
	struct slo_correction *v = arena_alloc(arena, (all->n + own->n) * sizeof *v);
	size_t n = 0, i = 0, j = 0;

	while (i < all->n || j < own->n) {
		bool is_own = i == all->n || (j < own->n && own->v[j] < all->v[i]);
		const struct correction *c = is_own ? own->v[j++] : all->v[i++];

		v[n++] = copies[c - log->v];
	}
	def->corrections = v;
	def->n_corrections = n;
}

static const struct slo_correction *
copy_log(const struct corrections *log, struct arena *arena)
{
	struct slo_correction *v = arena_alloc(arena, log->n * sizeof *v);

	for (size_t i = 0; i < log->n; i++)
		v[i] = (struct slo_correction){
			.id = arena_strdup(arena, log->v[i].id),
			.start_ns = log->v[i].start_ns, .end_ns = log->v[i].end_ns,
			.reason = arena_strdup(arena, log->v[i].reason),
			.by = arena_strdup(arena, log->v[i].by), .at_ns = log->v[i].at_ns,
		};
	return v;
}

static void
correct_all(struct slo_def_set *set, struct slo_def *v, const struct slo_def_set *defs,
    const struct corrections *log)
{
	struct arena *arena = &set->block.arena;
	const struct slo_correction *copies = copy_log(log, arena);
	const struct correction **sorted = sort_by_name(log);
	struct named all = find_named(sorted, log->n, "*"), none = { 0, NULL }, own;
	struct slo_def everyones = { .n_corrections = 0 };

	set_corrections(&everyones, &all, &none, log, copies, arena);
	for (size_t i = 0; i < defs->n; i++) {
		struct slo_def def = defs->v[i];

		def.n_corrections = 0;		/* what it had is not copied */
		slo_def_copy(&v[i], &def, arena);
		own = str_eq(def.name, "*") ? none : find_named(sorted, log->n, def.name);
		if (own.n > 0) {
			set_corrections(&v[i], &all, &own, log, copies, arena);
		} else {
			v[i].corrections = everyones.corrections;
			v[i].n_corrections = everyones.n_corrections;
		}
	}
	free(sorted);
}

struct slo_def_set *
conf_slos_correct(const struct slo_def_set *defs, const struct corrections *log)
{
	static const struct corrections empty = { .n = 0 };
	struct slo_def_set *set = block_new(sizeof *set);
	struct slo_def *v = arena_alloc(&set->block.arena, defs->n * sizeof *v);

	correct_all(set, v, defs, log != NULL ? log : &empty);
	set->v = v;
	set->n = defs->n;
	return set;
}
