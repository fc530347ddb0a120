/* The timeline in a memory: its entries, and what has begun and not ended. Alerts are not among that but where they began under another id: those that there are say it. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/memory_priv.h"
#include "model/timeline_priv.h"

static struct timeline_entry
entry_copy(const struct timeline_entry *from, struct arena *a)
{
	struct timeline_entry e = *from;

	e.id = arena_strdup(a, e.id);
	e.what = arena_strdup(a, e.what);
	e.text = arena_strdup(a, e.text);
	e.by = arena_strdup(a, e.by);
	return e;
}

static struct memory_track
take_track(const struct tl_track *track, const char *alert, struct arena *a)
{
	const struct timeline_entry *e = &track->begin->entry;

	return (struct memory_track){ e->kind, arena_strdup(a, e->id), arena_strdup(a, e->what), e->severity, track->state, arena_strdup(a, alert) };
}

static void
take_tracks(const struct timeline *t, struct model_memory_set *set, struct arena *a)
{
	struct memory_track *v = arena_alloc(a, (t->others.n + t->alerts.n) * sizeof *v);
	size_t n = 0;

	for (size_t i = 0; i < t->others.n; i++)
		v[n++] = take_track(&t->others.v[i], "", a);
	for (size_t i = 0; i < t->alerts.n; i++) {
		char id[TIMELINE_ALERT_ID_MAX];

		if (strcmp(timeline_alert_id(id, t->alerts.v[i].alert), t->alerts.v[i].begin->entry.id) != 0)
			v[n++] = take_track(&t->alerts.v[i], id + strlen("alert:"), a);
	}
	set->n_tracks = n;
	set->tracks = v;
}

void
memory_take_timeline(const struct model *m, struct model_memory_set *set, struct arena *a)
{
	const struct timeline *t = m->timeline;
	struct timeline_entry *v;

	if (t == NULL)
		return;
	timeline_settle((struct model *)m);
	v = arena_alloc(a, t->n * sizeof *v);
	for (size_t i = 0; i < t->n; i++)
		v[i] = entry_copy(&t->v[i]->entry, a);
	set->n_timeline = t->n;
	set->timeline = v;
	set->n_left_out = t->n_left_out;
	set->left_out_until_ns = t->left_out_until_ns;
	take_tracks(t, set, a);
}

static void
put_track(struct timeline *t, const struct memory_track *was)
{
	struct timeline_entry e = { .kind = was->kind, .severity = was->severity, .id = was->id, .what = was->what, .text = "", .by = "" };

	if (was->kind != TIMELINE_ALERT && was->state != 0 && t->others.n < TRACKS_MAX)
		tracks_add(&t->others, tl_item_new(&e), was->state);
}

void
memory_put_timeline(struct model *m, const struct model_memory_set *set)
{
	struct timeline *t = m->timeline;
	size_t first = set->n_timeline > TIMELINE_MAX ? set->n_timeline - TIMELINE_MAX : 0;

	if (t == NULL || !t->is_watching)
		return;
	timeline_clear(t);
	for (size_t i = first; i < set->n_timeline; i++)
		timeline_append(m, tl_item_new(&set->timeline[i]));
	t->n_left_out = set->n_left_out;
	t->left_out_until_ns = set->left_out_until_ns;
	for (size_t i = 0; i < set->n_tracks; i++)
		put_track(t, &set->tracks[i]);
	timeline_adopt_alerts(m, set->tracks, set->n_tracks);
}
