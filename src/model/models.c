/*
 * Models: what registries said, who serves what, and what is remembered of both: since when.
 *
 * An answer tells how things are, not since when. So it is remembered, over answers, since when a host serves what it serves, and since when a version
 * should: as far as was seen. All of it follows from the events, so that live, history and replay agree. What it means is worked out in models_judge.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "model/event_fields.h"
#include "model/model_priv.h"

enum { SEEN_MAX = 40000 };
#define SEEN_FORGET_NS (24 * NS_PER_HOUR)	/* a host not heard of for so long is another one when it comes back */

/* --- lists ---------------------------------------------------------------------------------------------------------------- */

const struct registry_state *
registry_state_find(const struct model *m, const char *source)
{
	for (size_t i = 0; i < m->n_registries; i++)
		if (strcmp(m->registries[i].source, source) == 0)
			return &m->registries[i];
	return NULL;
}

const struct model_memory *
model_memory_find(const struct model *m, const char *id)
{
	for (size_t i = 0; i < m->n_memories; i++)
		if (strcmp(m->memories[i].id, id) == 0)
			return &m->memories[i];
	return NULL;
}

static const struct model_def *
def_find(const struct environment *env, const char *id)
{
	for (size_t i = 0; env != NULL && i < env->n_models; i++)
		if (strcmp(env->models[i].id, id) == 0)
			return &env->models[i];
	return NULL;
}

/* With an environment known, models and sources it does not name are answers that came after a switch. */
struct model_memory *
model_memory_for(struct model *m, const char *id)
{
	const struct model_memory *known = model_memory_find(m, id);
	struct model_memory *mem;

	if (known != NULL)
		return &m->memories[known - m->memories];
	if ((m->env != NULL && def_find(m->env, id) == NULL) || m->n_memories >= MODELS_MAX)
		return NULL;
	m->memories = xreallocarray(m->memories, m->n_memories + 1, sizeof *m->memories);
	mem = &m->memories[m->n_memories++];
	*mem = (struct model_memory){ .id = xstrdup(id), .previous = xstrdup(""), .serving_source = "" };
	return mem;
}

static struct registry_state *
registry_for(struct model *m, const char *source)
{
	const struct registry_state *known = registry_state_find(m, source);

	if (known != NULL)
		return &m->registries[known - m->registries];
	if ((m->env != NULL && source_get(m, source) == NULL) || m->n_registries >= SOURCES_MAX)
		return NULL;
	m->registries = xreallocarray(m->registries, m->n_registries + 1, sizeof *m->registries);
	m->registries[m->n_registries] = (struct registry_state){ .source = source };
	return &m->registries[m->n_registries++];
}

void
seen_version_done(struct seen_version *s)
{
	free(s->host);
	free(s->version);
}

static void
memory_done(struct model_memory *mem)
{
	for (size_t i = 0; i < mem->n_seen; i++)
		seen_version_done(&mem->seen[i]);
	free(mem->seen);
	block_unref(mem->serving);
	free(mem->id);
	free(mem->wanted);
	free(mem->previous);
}

/* --- since when a version should serve ----------------------------------------------------------------------------------------- */

/*
 * A move of a stage is an update of the version; of a move of an alias registries tell no time. A version that takes its place again because a newer one
 * left it was not updated for that: it cannot have its place since before another one was last seen there.
 */
static int64_t
wanted_time(const struct model_def *def, const struct reg_model *model, const char *wanted, int64_t other_seen_ns, int64_t seen_ns)
{
	const struct reg_version *v = def->alias != NULL || model == NULL ? NULL : reg_version_find(model, wanted);

	if (v == NULL || v->updated_ns <= 0 || v->updated_ns > seen_ns || other_seen_ns > seen_ns)
		return seen_ns;
	return v->updated_ns < other_seen_ns ? other_seen_ns : v->updated_ns;
}

static void
replace_text(char **slot, const char *text)
{
	char *old = *slot;

	*slot = xstrdup(text);
	free(old);
}

/* A host that serves what it should, and nothing else beside it, is not on its way any more; what it serves later it went back to. */
static void
note_arrivals(struct model_memory *mem, bool is_new)
{
	for (size_t i = 0, end; i < mem->n_seen; i = end) {
		bool has_arrived = false;

		for (end = i; end < mem->n_seen && strcmp(mem->seen[end].host, mem->seen[i].host) == 0; end++)
			has_arrived = has_arrived || (!is_new && mem->seen[end].has_arrived);
		has_arrived = has_arrived || (end == i + 1 && mem->wanted != NULL && strcmp(mem->seen[i].version, mem->wanted) == 0);
		for (size_t k = i; k < end; k++)
			mem->seen[k].has_arrived = has_arrived;
	}
}

/* is_move: the registry says so; else it is the config that looks elsewhere now. */
static void
note_wanted(struct model_memory *mem, const struct model_def *def, const struct registry_set *set, int64_t at_ns, bool is_move)
{
	const struct reg_model *model = reg_model_find(set, def->name);
	const char *wanted = model == NULL ? NULL : reg_version_wanted(model, def->alias, def->stage);
	bool is_first = mem->wanted == NULL;

	/* It may be on the page that is missing, or the version among those that were not read. */
	if (model == NULL ? registry_set_is_partial(set) : !reg_is_wanted_known(model, def->alias))
		return;
	wanted = wanted == NULL ? "" : wanted;
	if (!is_first && strcmp(mem->wanted, wanted) == 0) {
		mem->wanted_seen_ns = at_ns;
		return;
	}
	if (is_move && !is_first && mem->wanted[0] != '\0')
		replace_text(&mem->previous, mem->wanted);
	else if (!is_move)
		replace_text(&mem->previous, "");
	replace_text(&mem->wanted, wanted);
	mem->wanted_since_ns = wanted_time(def, model, wanted, is_move && !is_first ? mem->wanted_seen_ns : 0, at_ns);
	mem->wanted_seen_ns = at_ns;
	mem->moved_ns = is_move && !is_first ? mem->wanted_since_ns : 0;
	note_arrivals(mem, true);
}

static void
note_registry(struct model *m, const struct registry_state *r, int64_t at_ns, bool is_move)
{
	for (size_t i = 0; m->env != NULL && i < m->env->n_models; i++) {
		const struct model_def *def = &m->env->models[i];
		struct model_memory *mem = strcmp(def->registry, r->source) == 0 ? model_memory_for(m, def->id) : NULL;

		if (mem != NULL)
			note_wanted(mem, def, r->set, at_ns, is_move);
	}
}

/* --- since when a host serves a version ------------------------------------------------------------------------------------------ */

static int
serving_compare(const void *pa, const void *pb)
{
	const struct serving *a = *(const struct serving *const *)pa, *b = *(const struct serving *const *)pb;
	int c = strcmp(a->host, b->host);

	return c != 0 ? c : strcmp(a->version, b->version);
}

/* What is known of set, by host and version. free() it. */
static const struct serving **
serving_sorted(const struct serving_set *set, size_t *ret_n)
{
	const struct serving **v = xcalloc(set->n + 1, sizeof(const struct serving *));
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].error[0] == '\0')
			v[n++] = &set->v[i];
	qsort(v, n, sizeof(const struct serving *), serving_compare);
	*ret_n = n;
	return v;
}

static int64_t
evidence_time(const struct serving *s, int64_t seen_ns)
{
	return s->at_ns <= 0 || s->at_ns > seen_ns ? seen_ns : s->at_ns;
}

/* Since when, for what was there already when somebody first looked: only of what was before that can others know more than we saw. */
static int64_t
earlier_since(const struct serving *s, int64_t since_ns)
{
	return s->since_ns > 0 && s->since_ns < since_ns ? s->since_ns : since_ns;
}

/* The next of the remembered ones, which takes over what the old ones of the same host (from at to end) know. */
static void
remember_one(struct seen_version *to, struct seen_version *old, size_t at, size_t end, const struct serving *s, int64_t first_ns, int64_t seen_ns)
{
	int64_t at_ns = evidence_time(s, seen_ns);
	bool has_arrived = at < end && old[at].has_arrived;	/* the same of all of a host */

	for (size_t i = at; i < end; i++) {
		if (old[i].host == NULL || strcmp(old[i].version, s->version) != 0)
			continue;
		*to = old[i];
		to->last_ns = at_ns;
		if (to->since_ns <= first_ns)
			to->since_ns = earlier_since(s, to->since_ns);
		old[i] = (struct seen_version){ .has_arrived = has_arrived };
		return;
	}
	/* Of a host that was seen to serve another one before, we know when that was. */
	*to = (struct seen_version){ .host = xstrdup(s->host), .version = xstrdup(s->version), .last_ns = at_ns, .has_arrived = has_arrived,
		.since_ns = at < end ? at_ns : earlier_since(s, at_ns) };
}

/* A host that this answer does not tell of is not forgotten at once: the same version behind a gap is no change. */
static bool
is_worth_keeping(const struct seen_version *old, size_t n, int64_t seen_ns)
{
	return n < SEEN_MAX && seen_ns - old->last_ns < SEEN_FORGET_NS;
}

static void
remember(struct model_memory *mem, const struct serving_set *set, int64_t seen_ns)
{
	struct seen_version *old = mem->seen, *v;
	size_t n_old = mem->n_seen, n_now, n = 0, at = 0, end;
	const struct serving **now = serving_sorted(set, &n_now);

	v = xcalloc(n_old + n_now + 1, sizeof *v);
	for (size_t i = 0; i <= n_now;) {
		const char *host = i < n_now ? now[i]->host : NULL;

		for (; at < n_old && (host == NULL || strcmp(old[at].host, host) < 0); at++) {
			if (is_worth_keeping(&old[at], n, seen_ns))
				v[n++] = old[at];
			else
				seen_version_done(&old[at]);
		}
		if (host == NULL)
			break;
		for (end = at; end < n_old && strcmp(old[end].host, host) == 0; end++)
			;
		for (; i < n_now && strcmp(now[i]->host, host) == 0; i++)
			if (n == 0 || strcmp(v[n - 1].host, host) != 0 || strcmp(v[n - 1].version, now[i]->version) != 0)
				remember_one(&v[n++], old, at, end, now[i], mem->first_ns, seen_ns);
		for (; at < end; at++)
			seen_version_done(&old[at]);	/* it serves that no more */
	}
	free(now);
	free(old);
	mem->seen = v;
	mem->n_seen = n;
	note_arrivals(mem, false);
}

/* The first one of host. */
static size_t
seen_first(const struct model_memory *mem, const char *host)
{
	size_t lo = 0, hi = mem->n_seen;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(mem->seen[mid].host, host) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int64_t
model_memory_since(const struct model_memory *mem, const char *host, const char *version)
{
	for (size_t i = seen_first(mem, host); i < mem->n_seen && strcmp(mem->seen[i].host, host) == 0; i++)
		if (strcmp(mem->seen[i].version, version) == 0)
			return mem->seen[i].since_ns;
	return 0;
}

bool
model_memory_has_arrived(const struct model_memory *mem, const char *host)
{
	size_t i = seen_first(mem, host);

	return i < mem->n_seen && strcmp(mem->seen[i].host, host) == 0 && mem->seen[i].has_arrived;
}

int64_t
model_memory_last(const struct model_memory *mem, const char *host)
{
	int64_t last_ns = 0;

	for (size_t i = seen_first(mem, host); i < mem->n_seen && strcmp(mem->seen[i].host, host) == 0; i++)
		if (mem->seen[i].last_ns > last_ns)
			last_ns = mem->seen[i].last_ns;
	return last_ns;
}

/* --- events --------------------------------------------------------------------------------------------------------------------- */

static void
apply_registry(struct model *m, const struct event *ev)
{
	struct registry_state *r = registry_for(m, ev->source);

	if (r == NULL)
		return;
	block_replace(&r->set, ev->block);
	r->source = ev->source;
	r->at_ns = ev->time_ns;
	note_registry(m, r, ev->time_ns, true);
	model_touch(m, MODEL_MODELS);
}

static void
apply_serving(struct model *m, const struct event *ev)
{
	const struct serving_set *set = ev->block;
	struct model_memory *mem = model_memory_for(m, set->model);

	if (mem == NULL)
		return;
	block_replace(&mem->serving, set);
	mem->serving_source = ev->source;
	mem->serving_ns = ev->time_ns;
	if (mem->first_ns == 0)
		mem->first_ns = ev->time_ns;
	remember(mem, set, ev->time_ns);
	model_touch(m, MODEL_MODELS);
}

static void
apply_hosts(struct model *m, const struct event *ev)
{
	block_replace(&m->hosts, ev->block);
	m->hosts_source = ev->source;
	m->hosts_ns = ev->time_ns;
	model_touch(m, MODEL_HOSTS | MODEL_MODELS);
}

void
models_apply(struct model *m, const struct event *ev)
{
	if (ev->kind == EVENT_REGISTRY)
		apply_registry(m, ev);
	else if (ev->kind == EVENT_SERVING)
		apply_serving(m, ev);
	else
		apply_hosts(m, ev);
}

void
models_share(const struct model *m, struct event *ev)
{
	const struct registry_state *r = ev->kind == EVENT_REGISTRY ? registry_state_find(m, ev->source) : NULL;

	if (r != NULL && codec_equal(registry_set_fields, r->set, ev->block)) {
		ev->block = r->set;
		ev->source = r->source;
	} else if (ev->kind == EVENT_HOSTS && m->hosts != NULL && strcmp(ev->source, m->hosts_source) == 0 &&
	    codec_equal(host_set_fields, m->hosts, ev->block)) {
		ev->block = m->hosts;
		ev->source = m->hosts_source;
	}
}

/* An answer that was the same as before may come as a report alone: what it told is fresh again. */
void
models_report(struct model *m, const struct event *ev)
{
	const char *what = ((const struct source_report *)ev->block)->what;

	if (strcmp(what, "registry") == 0 || strcmp(what, "serving") == 0 || str_has_prefix(what, "serving:"))
		model_touch(m, MODEL_MODELS);
	else if (strcmp(what, "targets") == 0)
		model_touch(m, MODEL_HOSTS);
}

/* --- the environment ------------------------------------------------------------------------------------------------------------- */

void
models_environment(struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_memories; i++) {
		if (def_find(m->env, m->memories[i].id) == NULL)
			memory_done(&m->memories[i]);
		else
			m->memories[n++] = m->memories[i];
	}
	m->n_memories = n;
	n = 0;
	for (size_t i = 0; i < m->n_registries; i++) {
		if (source_get(m, m->registries[i].source) == NULL)
			block_unref(m->registries[i].set);
		else
			m->registries[n++] = m->registries[i];
	}
	m->n_registries = n;
	for (size_t i = 0; i < m->n_registries; i++)
		note_registry(m, &m->registries[i], m->registries[i].at_ns, false);
}

static void
memory_clone(struct model_memory *to, const struct model_memory *from)
{
	*to = *from;
	to->id = xstrdup(from->id);
	to->wanted = xstrdup_or_null(from->wanted);
	to->previous = xstrdup(from->previous);
	block_ref(to->serving);
	to->seen = xcalloc(from->n_seen + 1, sizeof *to->seen);
	for (size_t i = 0; i < from->n_seen; i++) {
		to->seen[i] = from->seen[i];
		to->seen[i].host = xstrdup(from->seen[i].host);
		to->seen[i].version = xstrdup(from->seen[i].version);
	}
}

void
models_clone(struct model *to, const struct model *from)
{
	to->n_registries = from->n_registries;
	to->registries = xcalloc(from->n_registries + 1, sizeof *to->registries);
	for (size_t i = 0; i < from->n_registries; i++) {
		to->registries[i] = from->registries[i];
		block_ref(to->registries[i].set);
	}
	to->n_memories = from->n_memories;
	to->memories = xcalloc(from->n_memories + 1, sizeof *to->memories);
	for (size_t i = 0; i < from->n_memories; i++)
		memory_clone(&to->memories[i], &from->memories[i]);
	to->hosts = block_ref(from->hosts);
	to->hosts_source = from->hosts_source;
	to->hosts_ns = from->hosts_ns;
}

void
models_done(struct model *m)
{
	for (size_t i = 0; i < m->n_registries; i++)
		block_unref(m->registries[i].set);
	for (size_t i = 0; i < m->n_memories; i++)
		memory_done(&m->memories[i]);
	free(m->registries);
	free(m->memories);
	block_unref(m->hosts);
	m->registries = NULL;
	m->memories = NULL;
	m->hosts = NULL;
	m->n_registries = m->n_memories = 0;
}
