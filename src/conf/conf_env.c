#include "config.h"

#include "conf/conf_env.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "model/event.h"

static const char *
copy(struct arena *a, const char *s)
{
	return s != NULL ? arena_strdup(a, s) : NULL;
}

/* "query:NAME": ids are stable as long as the name is. */
static const char *
make_id(struct arena *a, const char *kind, const char *name)
{
	size_t size = strlen(kind) + 1 + strlen(name) + 1;
	char *id = arena_alloc(a, size);

	snprintf(id, size, "%s:%s", kind, name);
	return id;
}

static void
add_sources(struct arena *a, struct environment *e, const struct conf_environment *env)
{
	struct source_def *v = arena_alloc(a, (env->n_sources + 1) * sizeof *v);

	for (size_t i = 0; i < env->n_sources; i++) {
		const struct conf_source *s = &env->sources[i];

		v[i] = (struct source_def){
			.name = copy(a, s->name), .type = copy(a, s->type), .url = copy(a, s->url),
			.interval_ns = s->interval_ns,
		};
	}
	e->sources = v;
	e->n_sources = env->n_sources;
}

static void
add_queries(struct arena *a, struct environment *e, const struct conf_environment *env)
{
	struct query_def *v = arena_alloc(a, (env->n_queries + 1) * sizeof *v);

	for (size_t i = 0; i < env->n_queries; i++) {
		const struct conf_query *q = &env->queries[i];

		v[i] = (struct query_def){
			.id = make_id(a, "query", q->name), .name = copy(a, q->name),
			.title = copy(a, q->title),
			.expr = copy(a, q->expr), .unit = copy(a, q->unit),
			.source = copy(a, q->source),
			.objective = q->objective,
			.slo = q->slo != NULL ? make_id(a, "slo", q->slo) : NULL,
		};
	}
	e->queries = v;
	e->n_queries = env->n_queries;
}

static void
add_markers(struct arena *a, struct environment *e, const struct conf_environment *env)
{
	struct marker_def *v = arena_alloc(a, (env->n_markers + 1) * sizeof *v);

	for (size_t i = 0; i < env->n_markers; i++) {
		const struct conf_marker *m = &env->markers[i];

		v[i] = (struct marker_def){
			.id = make_id(a, "marker", m->name), .name = copy(a, m->name),
			.title = copy(a, m->title),
			.expr = copy(a, m->expr), .source = copy(a, m->source),
			.label = copy(a, m->label),
			.group_by = copy(a, m->group_by),
		};
	}
	e->markers = v;
	e->n_markers = env->n_markers;
}

static void
add_contacts(struct arena *a, struct environment *e, const struct conf_environment *env)
{
	struct contact *v = arena_alloc(a, (env->n_contacts + 1) * sizeof *v);

	for (size_t i = 0; i < env->n_contacts; i++) {
		const struct conf_contact *c = &env->contacts[i];

		v[i] = (struct contact){
			.role = copy(a, c->role), .name = copy(a, c->name),
			.channel = copy(a, c->channel),
			.responsibility = copy(a, c->responsibility),
		};
	}
	e->contacts = v;
	e->n_contacts = env->n_contacts;
}

static void
add_severities(struct arena *a, struct environment *e, const struct conf_environment *env)
{
	struct severity_def *v = arena_alloc(a, (env->n_severities + 1) * sizeof *v);

	for (size_t i = 0; i < env->n_severities; i++)
		v[i] = (struct severity_def){
			.value = copy(a, env->severities[i].value),
			.severity = (enum severity)env->severities[i].severity,
		};
	e->severities = v;
	e->n_severities = env->n_severities;
}

void *
conf_environment_block(const struct conf_environment *env)
{
	struct environment *e = block_new(sizeof *e);
	struct arena *a = &e->block.arena;

	e->name = copy(a, env->name);
	e->title = copy(a, env->title);
	e->colour = copy(a, env->colour);
	e->is_protected = env->is_protected;
	e->severity_label = copy(a, env->severity_label);
	add_severities(a, e, env);
	add_sources(a, e, env);
	add_queries(a, e, env);
	add_markers(a, e, env);
	add_contacts(a, e, env);
	return e;
}
