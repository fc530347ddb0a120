/* What was seen of models: which version should serve since when, and which host serves what since when. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "model/memory_priv.h"

static const struct memory_seen *
take_seen(const struct model_memory *mem, struct arena *a)
{
	struct memory_seen *v = arena_alloc(a, mem->n_seen * sizeof *v);

	for (size_t i = 0; i < mem->n_seen; i++) {
		const struct seen_version *s = &mem->seen[i];

		v[i] = (struct memory_seen){ arena_strdup(a, s->host), arena_strdup(a, s->version), s->since_ns, s->last_ns, s->has_arrived };
	}
	return v;
}

void
memory_take_models(const struct model *m, struct model_memory_set *set, struct arena *a)
{
	struct memory_model *v = arena_alloc(a, m->n_memories * sizeof *v);

	for (size_t i = 0; i < m->n_memories; i++) {
		const struct model_memory *mem = &m->memories[i];

		v[i] = (struct memory_model){ .id = arena_strdup(a, mem->id), .wanted = mem->wanted == NULL ? NULL : arena_strdup(a, mem->wanted),
			.previous = arena_strdup(a, mem->previous), .wanted_since_ns = mem->wanted_since_ns, .wanted_seen_ns = mem->wanted_seen_ns,
			.moved_ns = mem->moved_ns, .first_ns = mem->first_ns, .n_seen = mem->n_seen, .seen = take_seen(mem, a) };
	}
	set->n_models = m->n_memories;
	set->models = v;
}

static int
seen_compare(const void *pa, const void *pb)
{
	const struct seen_version *a = pa, *b = pb;
	int c = strcmp(a->host, b->host);

	return c != 0 ? c : strcmp(a->version, b->version);
}

/* Each host and version once, in order: that is how they are found. */
static void
put_seen(struct model_memory *mem, const struct memory_model *was)
{
	struct seen_version *v = xcalloc(was->n_seen + 1, sizeof *v);
	size_t n = 0;

	for (size_t i = 0; i < was->n_seen; i++) {
		const struct memory_seen *s = &was->seen[i];

		v[i] = (struct seen_version){ .host = xstrdup(s->host), .version = xstrdup(s->version), .since_ns = s->since_ns, .last_ns = s->last_ns,
			.has_arrived = s->has_arrived };
	}
	qsort(v, was->n_seen, sizeof *v, seen_compare);
	for (size_t i = 0; i < was->n_seen; i++) {
		if (n > 0 && seen_compare(&v[n - 1], &v[i]) == 0)
			seen_version_done(&v[i]);
		else
			v[n++] = v[i];
	}
	for (size_t i = 0; i < mem->n_seen; i++)
		seen_version_done(&mem->seen[i]);
	free(mem->seen);
	mem->seen = v;
	mem->n_seen = n;
}

static void
put_model(struct model_memory *mem, const struct memory_model *was)
{
	free(mem->wanted);
	free(mem->previous);
	mem->wanted = xstrdup_or_null(was->wanted);
	mem->previous = xstrdup(was->previous);
	mem->wanted_since_ns = was->wanted_since_ns;
	mem->wanted_seen_ns = was->wanted_seen_ns;
	mem->moved_ns = was->moved_ns;
	mem->first_ns = was->first_ns;
	put_seen(mem, was);
}

static void
move_to(struct model *m, size_t to, size_t i)
{
	struct model_memory mem = m->memories[i];

	memmove(&m->memories[to + 1], &m->memories[to], (i - to) * sizeof mem);
	m->memories[to] = mem;
}

void
memory_put_models(struct model *m, const struct model_memory_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n_models && i < MODELS_MAX; i++) {
		struct model_memory *mem = model_memory_for(m, set->models[i].id);

		if (mem == NULL || (size_t)(mem - m->memories) < n)
			continue;
		put_model(mem, &set->models[i]);
		move_to(m, n++, (size_t)(mem - m->memories));
	}
}
