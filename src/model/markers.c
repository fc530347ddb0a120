/*
 * Markers: when something changed.
 *
 * A set is all that one definition has in a range of time. A newer set speaks for its whole range; sets of other ranges are kept beside it,
 * so that stepping back in time does not lose what is known about now. Moves in a registry ("registry:SOURCE") are told once, when they are seen:
 * their sets add up, and speak for nothing else. What drifts ("drift") needs no definition in the environment.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "model/model_priv.h"

static void
set_remove(struct model *m, size_t i)
{
	block_unref(m->marker_sets[i].set);
	m->n_marker_sets--;
	memmove(&m->marker_sets[i], &m->marker_sets[i + 1], (m->n_marker_sets - i) * sizeof *m->marker_sets);
}

#define MOVES_PREFIX "registry:"
#define DRIFT_DEF "drift"

static bool
is_moves(const char *def)
{
	return str_has_prefix(def, MOVES_PREFIX);
}

static bool
is_defined(const struct environment *env, const char *def)
{
	if (strcmp(def, DRIFT_DEF) == 0)
		return true;
	for (size_t i = 0; env != NULL && is_moves(def) && i < env->n_sources; i++)
		if (strcmp(env->sources[i].name, def + strlen(MOVES_PREFIX)) == 0)
			return true;
	for (size_t i = 0; env != NULL && i < env->n_markers; i++)
		if (strcmp(env->markers[i].id, def) == 0)
			return true;
	return env == NULL;
}

void
markers_environment(struct model *m)
{
	for (size_t i = m->n_marker_sets; i-- > 0;)
		if (!is_defined(m->env, m->marker_sets[i].set->def))
			set_remove(m, i);
}

void
markers_apply(struct model *m, const struct event *ev)
{
	const struct marker_set *set = ev->block;
	size_t n_same = 0, max = is_moves(set->def) ? MOVE_SETS_MAX : MARKER_SETS_MAX;

	if (!is_defined(m->env, set->def) || (is_moves(set->def) && set->n == 0))
		return;
	for (size_t i = m->n_marker_sets; i-- > 0;) {
		const struct marker_set *old = m->marker_sets[i].set;

		if (strcmp(old->def, set->def) != 0)
			continue;
		if ((!is_moves(set->def) && old->start_ns >= set->start_ns && old->end_ns <= set->end_ns) || ++n_same >= max)
			set_remove(m, i);
	}
	m->marker_sets = xreallocarray(m->marker_sets, m->n_marker_sets + 1, sizeof *m->marker_sets);
	m->marker_sets[m->n_marker_sets++] = (struct marker_set_entry){ block_ref(set), { ev->time_ns, ev->source } };
	model_touch(m, MODEL_MARKERS);
}

void
markers_clone(struct model *to, const struct model *from)
{
	to->n_marker_sets = from->n_marker_sets;
	to->marker_sets = xcalloc(from->n_marker_sets + 1, sizeof *to->marker_sets);
	for (size_t i = 0; i < from->n_marker_sets; i++) {
		to->marker_sets[i] = from->marker_sets[i];
		block_ref(to->marker_sets[i].set);
	}
}

void
markers_done(struct model *m)
{
	while (m->n_marker_sets > 0)
		set_remove(m, m->n_marker_sets - 1);
	free(m->marker_sets);
	m->marker_sets = NULL;
}

/* --- all of them, newest first ---------------------------------------------------------------------------------------------- */

/* Does a newer set of the same definition speak for this time? */
static bool
is_superseded(const struct model *m, size_t i, int64_t at_ns)
{
	if (is_moves(m->marker_sets[i].set->def))
		return false;
	for (size_t j = i + 1; j < m->n_marker_sets; j++) {
		const struct marker_set *newer = m->marker_sets[j].set;

		if (at_ns >= newer->start_ns && at_ns <= newer->end_ns && strcmp(newer->def, m->marker_sets[i].set->def) == 0)
			return true;
	}
	return false;
}

static int
marker_compare(const void *pa, const void *pb)
{
	const struct marker *a = pa, *b = pb;
	int c = (a->at_ns < b->at_ns) - (a->at_ns > b->at_ns);

	return c != 0 ? c : strcmp(a->what, b->what);
}

static struct marker
marker_of_operation(const struct operation_entry *e)
{
	return (struct marker){ .kind = MARKER_ACTION, .at_ns = e->time_ns, .what = e->operation->verb,
	    .from = "", .to = "", .text = e->operation->text };
}

static void
markers_build(const struct model *m, struct markers_view *v)
{
	size_t max = m->n_operations + runs_n_markers(m);

	for (size_t i = 0; i < m->n_marker_sets; i++)
		max += m->marker_sets[i].set->n;
	v->v = xcalloc(max, sizeof *v->v);
	for (size_t i = 0; i < m->n_marker_sets; i++)
		for (size_t j = 0; j < m->marker_sets[i].set->n; j++)
			if (!is_superseded(m, i, m->marker_sets[i].set->v[j].at_ns))
				v->v[v->n++] = m->marker_sets[i].set->v[j];
	for (size_t i = 0; i < m->n_operations; i++)
		if (m->operations[i].operation->state == OPERATION_DONE)
			v->v[v->n++] = marker_of_operation(&m->operations[i]);
	runs_add_markers(m, v);
	qsort(v->v, v->n, sizeof *v->v, marker_compare);
}

static const struct markers_view *
markers_get(const struct model *m)
{
	struct derived *d = m->derived;

	if (!d->has_markers) {
		markers_view_done(&d->markers);
		markers_build(m, &d->markers);
		d->has_markers = true;
	}
	return &d->markers;
}

void
markers_view_done(struct markers_view *v)
{
	free(v->v);
	arena_done(&v->arena);
	*v = (struct markers_view){ 0 };
}

size_t
model_n_markers(const struct model *m)
{
	return markers_get(m)->n;
}

const struct marker *
model_marker(const struct model *m, size_t i)
{
	return &markers_get(m)->v[i];
}
