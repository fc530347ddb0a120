/* A model taken through a recording. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "record/recording_priv.h"

typedef void player_event_cb(const struct event *ev, int64_t at_ns, void *arg);

struct player {
	struct recording *r;
	struct model *model;		/* NULL: nowhere */
	struct rchunk *chunk;		/* where it stands */
	size_t pos;			/* the next line of it */
	struct slots slots;
	uint64_t work;
	int64_t at_ns;
	player_event_cb *cb;
	void *arg;
	/* the timeline as known at the end */
	struct player *end;		/* that stands there; NULL: not asked for */
	unsigned end_generation;
	size_t n_entries;
	struct timeline_entry *entries;
	struct arena texts;
};

struct player *
player_new(struct recording *r)
{
	struct player *p = xcalloc(1, sizeof *p);

	p->r = r;
	return p;
}

static void
forget_timeline(struct player *p)
{
	free(p->entries);
	arena_done(&p->texts);
	p->texts = (struct arena)ARENA_INIT;
	p->entries = NULL;
	p->n_entries = 0;
}

/* It stands nowhere from here on. */
static void
leave(struct player *p)
{
	model_free(p->model);
	p->model = NULL;
	p->chunk = NULL;
	slots_done(&p->slots);
}

void
player_free(struct player *p)
{
	if (p == NULL)
		return;
	player_free(p->end);
	forget_timeline(p);
	leave(p);
	free(p);
}

int64_t
player_time(const struct player *p)
{
	return p->at_ns;
}

void
player_on_event(struct player *p, player_event_cb *cb, void *arg)
{
	p->cb = cb;
	p->arg = arg;
}

/* --- through a chunk ------------------------------------------------------------------------------------------------------------------------ */

static void
tell(struct player *p, const struct event *ev, int64_t at_ns)
{
	if (p->cb != NULL)
		p->cb(ev, at_ns, p->arg);
}

/* Begins c: a model of its own from its snapshot. is_told: whoever mirrors events is told of them, as it cannot know them. */
static bool
enter(struct player *p, struct rchunk *c, bool is_told)
{
	struct decoded *d = store_snapshot(p->r, c);

	leave(p);
	if (d == NULL)
		return false;
	p->model = model_new(1, 1);	/* it is the past itself, and needs none */
	model_advance(p->model, c->pub.from_ns);
	for (size_t i = 0; i < d->n_snaps; i++) {
		const struct snap *s = &d->snaps[i];

		model_apply(p->model, &s->ev);
		if (s->slot[0] != '\0')
			slot_keep(slots_get(&p->slots, s->slot), &s->ev);
		if (is_told)
			tell(p, &s->ev, c->pub.from_ns);
	}
	model_advance(p->model, c->pub.from_ns);
	p->chunk = c;
	p->pos = d->text.n_snapshot;
	p->work = d->work;
	p->at_ns = c->pub.from_ns;
	return true;
}

static void
damaged(struct player *p, const struct decoded *d, const struct err *err)
{
	const struct chunk_line *line = &d->text.lines[p->pos];
	char text[sizeof err->msg + 64];

	snprintf(text, sizeof text, "line %zu of it is damaged: %s", p->pos + 2, err->msg);
	recording_damaged(p->r, p->chunk, p->pos > d->text.n_snapshot ? line[-1].time_ns : p->chunk->pub.from_ns, text);
}

/* Applies what came up to t. Time passes as it did: what became stale in between is noticed before what came then. false: it ends early, damaged. */
static bool
apply_until(struct player *p, int64_t t_ns)
{
	struct decoded *d = store_text(p->r, p->chunk);

	if (d == NULL)
		return false;
	while (p->pos < d->text.n_lines && d->text.lines[p->pos].time_ns <= t_ns) {
		const struct chunk_line *line = &d->text.lines[p->pos];
		struct err err = ERR_INIT;
		const char *slot;
		struct event ev;
		int r = chunk_line_read(p->chunk->head.format, d->text.text.data + line->at, line->len, &p->slots, &p->work, &ev, &slot, &err);

		if (r < 0) {
			damaged(p, d, &err);
			return false;
		}
		if (line->time_ns > p->at_ns) {
			model_advance(p->model, line->time_ns);
			p->at_ns = line->time_ns;
		}
		if (r == 1 && ev.block != NULL) {
			model_apply(p->model, &ev);
			tell(p, &ev, line->time_ns);
			event_done(&ev);
		}
		p->pos++;
	}
	return true;
}

/* --- seeking ---------------------------------------------------------------------------------------------------------------------------------- */

/* From the chunk it stands in to c. Who mirrors events is told of all that lies between: what is left of this one, and chunks shorter than a step. */
static bool
change_chunk(struct player *p, struct rchunk *c)
{
	bool goes_on = false;

	while (p->cb != NULL && p->model != NULL && recording_index(p->r, p->chunk) < recording_index(p->r, c)) {
		struct rchunk *next = recording_after(p->r, p->chunk);

		goes_on = apply_until(p, p->chunk->pub.to_ns) && next != NULL && chunk_follows(p->chunk, next) && next->head.after == AFTER_CHUNK;
		if (next == NULL || next == c)
			break;
		if (!enter(p, next, !goes_on))
			goes_on = false;
	}
	return enter(p, c, !goes_on);
}

const struct model *
player_seek(struct player *p, int64_t t_ns, const char **ret_why)
{
	const char *why = "";
	struct rchunk *c = recording_at(p->r, t_ns, &why);
	bool is_there = c != NULL;

	if (is_there && (c != p->chunk || p->model == NULL || t_ns < p->at_ns))
		is_there = change_chunk(p, c);
	if (is_there)
		is_there = apply_until(p, t_ns);
	if (is_there && t_ns > p->at_ns) {
		model_advance(p->model, t_ns);
		p->at_ns = t_ns;
	}
	if (is_there)
		return p->model;
	if (c != NULL && recording_at(p->r, t_ns, &why) != NULL)
		why = c->problem;
	if (ret_why != NULL)
		*ret_why = why;
	return NULL;
}

/* The first line after t in c; INT64_MAX none. */
static int64_t
next_in(struct recording *r, struct rchunk *c, int64_t t_ns)
{
	const struct decoded *d = store_text(r, c);
	size_t lo, hi;

	if (d == NULL)
		return INT64_MAX;
	lo = d->text.n_snapshot;
	hi = d->text.n_lines;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (d->text.lines[mid].time_ns <= t_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < d->text.n_lines ? d->text.lines[lo].time_ns : INT64_MAX;
}

int64_t
player_next(struct player *p, int64_t t_ns)
{
	struct recording *r = p->r;

	for (size_t i = 0; i < r->n; i++) {
		struct rchunk *c = r->chunks[i];
		int64_t at;

		if (!c->is_usable || (c->pub.is_closed && c->pub.to_ns <= t_ns))
			continue;
		/* A snapshot that does not go on from what was before is news itself. */
		if (c->pub.from_ns > t_ns && c->head.after != AFTER_CHUNK)
			return c->pub.from_ns;
		at = next_in(r, c, t_ns);
		if (at != INT64_MAX && at <= c->pub.to_ns)
			return at;
	}
	return INT64_MAX;
}

/* --- the timeline -------------------------------------------------------------------------------------------------------------------------------- */

static void
copy_timeline(struct player *p, const struct model *m)
{
	struct arena *a = &p->texts;

	forget_timeline(p);
	p->n_entries = model_n_timeline(m);
	p->entries = xcalloc(p->n_entries, sizeof *p->entries);
	for (size_t i = 0; i < p->n_entries; i++) {
		struct timeline_entry e = *model_timeline(m, i);

		e.id = arena_strdup(a, e.id);
		e.what = arena_strdup(a, e.what);
		e.text = arena_strdup(a, e.text);
		e.by = arena_strdup(a, e.by);
		p->entries[i] = e;
	}
}

/* The last time that can be shown; a chunk found damaged on the way makes room for the one before. */
static const struct model *
seek_end(struct player *p)
{
	for (size_t tries = p->r->n + 1; tries > 0; tries--) {
		const struct model *m;
		struct recording_info info;

		recording_info(p->r, &info);
		if (info.last_ns == 0)
			return NULL;
		m = player_seek(p, info.last_ns, NULL);
		if (m != NULL)
			return m;
	}
	return NULL;
}

size_t
player_timeline(struct player *p, const struct timeline_entry **ret)
{
	if (p->end == NULL || p->end_generation != p->r->generation) {
		const struct model *m;

		if (p->end == NULL)
			p->end = player_new(p->r);
		m = seek_end(p->end);
		p->end_generation = p->r->generation;
		if (m != NULL)
			copy_timeline(p, m);
		else
			forget_timeline(p);
	}
	*ret = p->entries;
	return p->n_entries;
}
