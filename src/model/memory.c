/* Taking what a model has added up, and putting it back. That of models is in memory_models.c, that of the timeline in timeline_memory.c. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "model/memory_priv.h"

enum { HEX_MAX = 20 };

/* --- taking --------------------------------------------------------------------------------------------------------------- */

static struct strings
take_external(const struct model *m, struct arena *a)
{
	const char **v = arena_alloc(a, m->n_external * sizeof(const char *));
	char hex[HEX_MAX];

	for (size_t i = 0; i < m->n_external; i++) {
		snprintf(hex, sizeof hex, "%016" PRIx64, m->external[i]);
		v[i] = arena_strdup(a, hex);
	}
	return (struct strings){ m->n_external, v };
}

static const struct memory_request *
take_requests(const struct source *s, struct arena *a)
{
	struct memory_request *v = arena_alloc(a, s->pub.n_requests * sizeof *v);

	for (size_t i = 0; i < s->pub.n_requests; i++) {
		const struct source_request *r = &s->requests[i];

		v[i] = (struct memory_request){ .what = arena_strdup(a, r->last->what), .last_ns = r->last_ns, .last_ok_ns = r->last_ok_ns,
			.failing_since_ns = r->failing_since_ns, .ok_since_ns = r->ok_since_ns, .n_failed = r->n_failed_in_row };
	}
	return v;
}

static void
take_sources(const struct model *m, struct model_memory_set *set, struct arena *a)
{
	struct memory_source *v = arena_alloc(a, m->n_sources * sizeof *v);

	for (size_t i = 0; i < m->n_sources; i++) {
		const struct source *s = m->sources[i];

		v[i] = (struct memory_source){ .name = arena_strdup(a, s->pub.name), .targets_down_ns = s->targets_down_since_ns,
			.rules_failing_ns = s->rules_failing_since_ns, .n_requests = s->pub.n_requests, .requests = take_requests(s, a) };
	}
	set->n_sources = m->n_sources;
	set->sources = v;
}

static void
take_queries(const struct model *m, struct model_memory_set *set, struct arena *a)
{
	struct memory_query *v = arena_alloc(a, m->n_queries * sizeof *v);

	for (size_t i = 0; i < m->n_queries; i++) {
		const struct query *q = m->queries[i];

		v[i] = (struct memory_query){ arena_strdup(a, q->pub.id), arena_strdup(a, q->pub.error), q->pub.error_ns, q->seen_ns };
	}
	set->n_queries = m->n_queries;
	set->queries = v;
}

static void
take_runs(const struct model *m, struct model_memory_set *set, struct arena *a)
{
	const char **runs = arena_alloc(a, m->n_runs * sizeof(const char *)), **incidents = arena_alloc(a, m->n_incidents * sizeof(const char *));

	for (size_t i = 0; i < m->n_runs; i++)
		runs[i] = arena_strdup(a, m->runs[i].run->id);
	for (size_t i = 0; i < m->n_incidents; i++)
		incidents[i] = arena_strdup(a, m->incidents[i].incident->id);
	set->runs = (struct strings){ m->n_runs, runs };
	set->incidents = (struct strings){ m->n_incidents, incidents };
}

struct model_memory_set *
memory_take(const struct model *m)
{
	struct model_memory_set *set = block_new(sizeof *set);
	struct arena *a = &set->block.arena;

	set->external = take_external(m, a);
	take_sources(m, set, a);
	take_queries(m, set, a);
	take_runs(m, set, a);
	memory_take_models(m, set, a);
	memory_take_timeline(m, set, a);
	return set;
}

/* --- putting back ------------------------------------------------------------------------------------------------------------- */

static void
put_external(struct model *m, const struct strings *external)
{
	m->n_external = 0;
	for (size_t i = 0; i < external->n && m->n_external < EXTERNAL_LABELS_MAX; i++)
		m->external[m->n_external++] = strtoull(external->v[i], NULL, 16);
}

static void
put_requests(struct source *s, const struct memory_source *from)
{
	for (size_t i = 0; i < from->n_requests && i < REQUESTS_MAX; i++) {
		const struct memory_request *was = &from->requests[i];
		struct source_request *r = (struct source_request *)source_request_find(s, was->what);

		if (r == NULL)
			continue;
		r->last_ns = was->last_ns;
		r->last_ok_ns = was->last_ok_ns;
		r->failing_since_ns = was->failing_since_ns;
		r->ok_since_ns = was->ok_since_ns;
		r->n_failed_in_row = was->n_failed;
	}
}

/* Move the i-th pointer of v down to place to; what was between goes up. */
static void
rotate(void *v, size_t size, size_t to, size_t i)
{
	char *base = v;
	unsigned char one[sizeof(struct run_entry) + sizeof(struct incident_entry)];

	memcpy(one, base + i * size, size);
	memmove(base + (to + 1) * size, base + to * size, (i - to) * size);
	memcpy(base + to * size, one, size);
}

static size_t
source_place(const struct model *m, const struct source *s)
{
	size_t i = 0;

	while (m->sources[i] != s)
		i++;
	return i;
}

static void
put_sources(struct model *m, const struct model_memory_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n_sources && i < SOURCES_MAX; i++) {
		struct source *s = source_for_event(m, set->sources[i].name);
		size_t at;

		if (s == NULL || (at = source_place(m, s)) < n)
			continue;
		rotate(m->sources, sizeof(struct source *), n++, at);
		s->targets_down_since_ns = set->sources[i].targets_down_ns;
		s->rules_failing_since_ns = set->sources[i].rules_failing_ns;
		put_requests(s, &set->sources[i]);
	}
	for (size_t i = 0; i < m->n_sources; i++)
		source_judge(m->sources[i], m->now_ns);
}

static size_t
query_place(const struct model *m, const struct query *q)
{
	size_t i = 0;

	while (m->queries[i] != q)
		i++;
	return i;
}

/* Queries that the memory does not know were made by applying what it was taken with. */
static void
put_queries(struct model *m, const struct model_memory_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n_queries && i < QUERIES_MAX; i++) {
		const struct memory_query *was = &set->queries[i];
		struct query *q = query_for_event(m, was->id);
		size_t at;

		if (q == NULL || (at = query_place(m, q)) < n)
			continue;
		rotate(m->queries, sizeof(struct query *), n++, at);
		free((char *)q->pub.error);
		q->pub.error = xstrdup(was->error);
		q->pub.error_ns = was->error_ns;
		q->seen_ns = was->seen_ns;
	}
	queries_forget(m, n);
}

static void
put_runs(struct model *m, const struct model_memory_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->runs.n && i < RUNS_MAX; i++)
		for (size_t at = n; at < m->n_runs; at++)
			if (strcmp(m->runs[at].run->id, set->runs.v[i]) == 0) {
				rotate(m->runs, sizeof m->runs[0], n++, at);
				break;
			}
	n = 0;
	for (size_t i = 0; i < set->incidents.n && i < INCIDENTS_MAX; i++)
		for (size_t at = n; at < m->n_incidents; at++)
			if (strcmp(m->incidents[at].incident->id, set->incidents.v[i]) == 0) {
				rotate(m->incidents, sizeof m->incidents[0], n++, at);
				break;
			}
}

void
memory_apply(struct model *m, const struct event *ev)
{
	const struct model_memory_set *set = ev->block;

	/* What was derived depends on all of it. */
	model_touch(m, MODEL_ALL);
	m->now_ns = ev->time_ns > m->now_ns ? ev->time_ns : m->now_ns;
	put_external(m, &set->external);
	put_sources(m, set);
	put_queries(m, set);
	put_runs(m, set);
	memory_put_models(m, set);
	memory_put_timeline(m, set);
}
