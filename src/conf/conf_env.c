#include "config.h"

#include "conf/conf_env.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "model/event.h"
#include "model/registry.h"

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

static struct query_def
query_of(struct arena *a, const char *kind, const struct conf_query *q)
{
	return (struct query_def){
		.id = make_id(a, kind, q->name), .name = copy(a, q->name),
		.title = copy(a, q->title),
		.expr = copy(a, q->expr), .unit = copy(a, q->unit),
		.source = copy(a, q->source),
		.objective = q->objective,
		.slo = q->slo != NULL ? make_id(a, "slo", q->slo) : NULL,
	};
}

/* "online:MODEL:METRIC" */
static const char *
online_id(struct arena *a, const struct conf_model *m, const struct conf_online *o)
{
	return make_id(a, make_id(a, "online", m->name), o->metric);
}

static struct query_def
online_query(struct arena *a, const struct conf_model *m, const struct conf_online *o)
{
	size_t size = strlen(m->title) + 3 + strlen(o->metric) + 1;
	char *title = arena_alloc(a, size);

	snprintf(title, size, "%s / %s", m->title, o->metric);
	return (struct query_def){
		.id = online_id(a, m, o), .name = copy(a, o->metric), .title = title,
		.expr = copy(a, o->expr), .unit = "none", .source = copy(a, o->source),
		.objective = NAN,
	};
}

static void
add_queries(struct arena *a, struct environment *e, const struct conf_environment *env)
{
	size_t max = env->n_queries + env->n_host_queries, n = 0;
	struct query_def *v;

	for (size_t i = 0; i < env->n_models; i++)
		max += env->models[i].n_online;
	v = arena_alloc(a, (max + 1) * sizeof *v);
	for (size_t i = 0; i < env->n_queries; i++)
		v[n++] = query_of(a, "query", &env->queries[i]);
	for (size_t i = 0; i < env->n_host_queries; i++)
		v[n++] = query_of(a, "host", &env->host_queries[i]);
	for (size_t i = 0; i < env->n_models; i++)
		for (size_t k = 0; k < env->models[i].n_online; k++)
			v[n++] = online_query(a, &env->models[i], &env->models[i].online[k]);
	e->queries = v;
	e->n_queries = n;
}

static const struct online_def *
online_defs(struct arena *a, const struct conf_model *m)
{
	struct online_def *v = arena_alloc(a, (m->n_online + 1) * sizeof *v);

	for (size_t i = 0; i < m->n_online; i++)
		v[i] = (struct online_def){
			.metric = copy(a, m->online[i].metric),
			.query = online_id(a, m, &m->online[i]),
			.expr = copy(a, m->online[i].expr), .label = copy(a, m->online[i].label),
			.source = copy(a, m->online[i].source),
		};
	return v;
}

static void
add_models(struct arena *a, struct environment *e, const struct conf_environment *env)
{
	struct model_def *v = arena_alloc(a, (env->n_models + 1) * sizeof *v);

	for (size_t i = 0; i < env->n_models; i++) {
		const struct conf_model *m = &env->models[i];
		bool is_by_expr = m->expr != NULL;

		v[i] = (struct model_def){
			.id = make_id(a, "model", m->name), .name = copy(a, m->name),
			.title = copy(a, m->title), .registry = copy(a, m->registry),
			.alias = copy(a, m->alias), .stage = copy(a, m->stage),
			.serving_expr = copy(a, m->expr), .serving_source = copy(a, m->source),
			.version_label = is_by_expr ? copy(a, m->version_label) : NULL,
			.host_label = is_by_expr ? copy(a, m->host_label) : NULL,
			.serving_url = copy(a, m->url),
			.serving_path = m->path != NULL ? copy(a, m->path) : "",
			.group = copy(a, m->group), .max_age_ns = m->max_age_ns,
			.max_data_age_ns = m->max_data_age_ns, .data_key = copy(a, m->data_key),
			.n_online = m->n_online, .online = online_defs(a, m),
		};
	}
	e->models = v;
	e->n_models = env->n_models;
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
	add_models(a, e, env);
	return e;
}
