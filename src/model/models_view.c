/* All models: the config's in the order of how bad they are (each judged in models_judge.c), and those that only registries know. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "model/model_priv.h"

static int
row_compare(const void *pa, const void *pb)
{
	const struct model_model *a = pa, *b = pb;
	int c = (int)a->state - (int)b->state;

	if (c == 0)
		c = (int)b->is_moving - (int)a->is_moving;
	if (c == 0)
		c = host_name_compare(a->def->name, b->def->name);
	return c != 0 ? c : strcmp(a->def->id, b->def->id);
}

/* Models of r that no definition names. */
static void
add_others(const struct model *m, struct models_view *v, const struct registry_state *r)
{
	bool *is_named = xcalloc(r->set->n + 1, sizeof *is_named);

	for (size_t i = 0; i < m->env->n_models; i++) {
		const struct model_def *def = &m->env->models[i];
		const struct reg_model *model = strcmp(def->registry, r->source) == 0 ? reg_model_find(r->set, def->name) : NULL;

		if (model != NULL)
			is_named[model - r->set->v] = true;
	}
	for (size_t i = 0; i < r->set->n; i++)
		if (!is_named[i])
			v->others[v->n_others++] = (struct other_model){ &r->set->v[i], r->source };
	free(is_named);
}

static void
models_build(const struct model *m, struct models_view *v)
{
	size_t n_others = 0;

	v->next_ns = INT64_MAX;
	if (m->env == NULL)
		return;
	host_index_init(&v->hosts, m->hosts == NULL ? 0 : m->hosts->n);
	for (size_t i = 0; m->hosts != NULL && i < m->hosts->n; i++)
		host_index_add(&v->hosts, m->hosts->v[i].name, m->hosts->v[i].address);
	v->rows = xcalloc(m->env->n_models + 1, sizeof *v->rows);
	for (; v->n < m->env->n_models; v->n++) {
		v->rows[v->n].def = &m->env->models[v->n];
		model_judge(m, v, &v->rows[v->n]);
	}
	qsort(v->rows, v->n, sizeof *v->rows, row_compare);
	for (size_t i = 0; i < m->n_registries; i++)
		n_others += m->registries[i].set->n;
	v->others = xcalloc(n_others + 1, sizeof *v->others);
	for (size_t i = 0; i < m->n_registries; i++)
		add_others(m, v, &m->registries[i]);
}

const struct models_view *
models_get(const struct model *m)
{
	struct derived *d = m->derived;

	if (!d->has_models) {
		models_view_done(&d->models);
		models_build(m, &d->models);
		d->has_models = true;
	}
	return &d->models;
}

void
models_view_done(struct models_view *v)
{
	host_index_done(&v->hosts);
	arena_done(&v->arena);
	free(v->rows);
	free(v->others);
	*v = (struct models_view){ .next_ns = INT64_MAX };
}

/* When the clock was set back, what we have is new as of now: else nothing would look old until the clock has caught up. */
static void
models_clamp(struct model *m)
{
	for (size_t i = 0; i < m->n_registries; i++)
		if (m->registries[i].at_ns > m->now_ns)
			m->registries[i].at_ns = m->now_ns;
	for (size_t i = 0; i < m->n_memories; i++)
		if (m->memories[i].serving_ns > m->now_ns)
			m->memories[i].serving_ns = m->now_ns;
}

void
models_advance(struct model *m, int64_t before_ns)
{
	const struct derived *d = m->derived;

	models_clamp(m);
	/* Known as soon as it is so, whenever somebody looks. */
	if (d->has_models && m->now_ns > d->models.next_ns && m->now_ns >= before_ns)
		timeline_turn(m, d->models.next_ns + 1);
	if (d->has_models && (m->now_ns > d->models.next_ns || m->now_ns < before_ns))
		model_touch(m, MODEL_MODELS);
	if (d->has_hosts && (m->now_ns > d->hosts.next_ns || m->now_ns < before_ns))
		model_touch(m, MODEL_HOSTS);
}

bool
models_need(const struct model *m, const struct source *s)
{
	for (size_t i = 0; m->env != NULL && i < m->env->n_models; i++) {
		const struct model_def *def = &m->env->models[i];
		const struct model_memory *mem = model_memory_find(m, def->id);

		if (strcmp(def->registry, s->pub.name) == 0 || (def->serving_source != NULL && strcmp(def->serving_source, s->pub.name) == 0))
			return true;
		if (mem != NULL && mem->serving != NULL && strcmp(mem->serving_source, s->pub.name) == 0)
			return true;
	}
	return false;
}

/* --- for the reader ------------------------------------------------------------------------------------------------------------------------------- */

size_t
model_n_models(const struct model *m)
{
	return models_get(m)->n;
}

const struct model_model *
model_model(const struct model *m, size_t i)
{
	return &models_get(m)->rows[i];
}

const struct model_model *
model_model_find(const struct model *m, const char *id)
{
	const struct models_view *v = models_get(m);

	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->rows[i].def->id, id) == 0)
			return &v->rows[i];
	return NULL;
}

size_t
model_n_other_models(const struct model *m)
{
	return models_get(m)->n_others;
}

const struct reg_model *
model_other_model(const struct model *m, size_t i, const char **ret_source)
{
	const struct other_model *other = &models_get(m)->others[i];

	if (ret_source != NULL)
		*ret_source = other->source;
	return other->model;
}
