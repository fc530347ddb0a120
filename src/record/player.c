/* A model taken through a recording. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "record/recording_priv.h"

#define PLAYED_ON (15 * NS_PER_S)	/* what lies no further is come to by playing, also at the highest speed */

typedef void player_event_cb(const struct event *ev, int64_t at_ns, void *arg);

struct player {
	struct recording *r;
	struct model *model;		/* NULL: nowhere */
	struct rchunk *chunk;		/* where it stands */
	size_t pos;			/* the next line of it */
	struct slots slots;
	size_t lines_from, lines_end;	/* of lines before lines_end those of logs before lines_from were left out */
	bool needs_no_lines;		/* of logs: only the timeline is looked at */
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
	int64_t from = p->chunk != NULL ? chunk_from(p->chunk) : INT64_MIN;

	if (p->cb != NULL)
		p->cb(ev, at_ns > from ? at_ns : from, p->arg);
}

static void
damaged(struct player *p, const struct decoded *d, const struct err *err)
{
	const struct chunk_line *line = &d->text.lines[p->pos];
	char text[sizeof err->msg + 64];

	snprintf(text, sizeof text, "line %zu of it is damaged: %s", p->pos + 2, err->msg);
	recording_damaged(p->r, p->chunk, p->pos > d->text.n_snapshot ? line[-1].time_ns : p->chunk->pub.from_ns, text);
}

/* Line i would only be forgotten: the seek that came here left out what is older. */
static bool
is_left_out(const struct player *p, const struct decoded *d)
{
	return p->lines_from > d->text.n_snapshot && p->pos < p->lines_end && line_is_of_logs(d, p->pos) && (p->pos < p->lines_from || line_is_again(d, p->pos));
}

/* Applies what came up to t. Time passes as it did: what became stale in between is noticed before what came then. false: it ends early, damaged. */
static bool
apply_until(struct player *p, int64_t t_ns)
{
	struct decoded *d = store_text(p->r, p->chunk);

	if (d == NULL)
		return false;
	for (; p->pos < d->text.n_lines && d->text.lines[p->pos].time_ns <= t_ns; p->pos++) {
		const struct chunk_line *line = &d->text.lines[p->pos];
		struct err err = ERR_INIT;
		struct event ev;
		int r = is_left_out(p, d) ? 0 : store_event(p->r, p->chunk, p->pos, &p->slots, &p->work, &ev, &err);

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
	}
	return true;
}

/* Its first line after t. */
static size_t
line_after(const struct decoded *d, int64_t t_ns)
{
	size_t lo = d->text.n_snapshot, hi = d->text.n_lines;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (d->text.lines[mid].time_ns <= t_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* --- into a chunk ------------------------------------------------------------------------------------------------------------------------- */

/* Played from the chunk just before into this one, the model goes on with the lines that it has. */
static bool
share_lines(struct player *p, struct model *m, struct rchunk *c, int64_t t_ns)
{
	if (p->model == NULL || recording_index(p->r, p->chunk) + 1 != recording_index(p->r, c) || t_ns - p->at_ns > PLAYED_ON || !apply_until(p, chunk_to(p->chunk)))
		return false;
	model_share_lines(m, p->model);
	return true;
}

/* A model for the beginning of c, on the way to t: with the lines of logs that its snapshot is too small for. */
static struct model *
model_for(struct player *p, struct rchunk *c, int64_t t_ns, size_t *ret_lines_from, size_t *ret_lines_end)
{
	struct model *m = model_new(1, 1);	/* it is the past itself, and needs none */
	struct decoded *d;

	*ret_lines_from = *ret_lines_end = p->needs_no_lines ? SIZE_MAX : 0;
	if (p->needs_no_lines || share_lines(p, m, c, t_ns))
		return m;
	d = store_snapshot(p->r, c);
	if (d == NULL)
		return m;
	*ret_lines_end = line_after(d, t_ns);
	*ret_lines_from = lines_before(p->r, c, *ret_lines_end, m);
	if (p->cb != NULL)
		*ret_lines_from = *ret_lines_end = 0;	/* whoever mirrors events is told of all of them */
	return m;
}

/* Begins c, on the way to t: a model of its own from its snapshot. is_told: whoever mirrors events is told of them, as it cannot know them. */
static bool
enter(struct player *p, struct rchunk *c, int64_t t_ns, bool is_told)
{
	size_t lines_from, lines_end;
	struct model *m = model_for(p, c, t_ns, &lines_from, &lines_end);
	struct decoded *d;

	leave(p);
	d = store_snapshot(p->r, c);	/* what was read for lines may have taken its place */
	if (d == NULL) {
		model_free(m);
		return false;
	}
	p->model = m;
	p->chunk = c;
	p->lines_from = lines_from;
	p->lines_end = lines_end;
	model_advance(p->model, c->pub.from_ns);
	for (size_t i = 0; i < d->n_snaps; i++) {
		const struct snap *s = &d->snaps[i];

		/* Lines from before those that are left out would stand beside the newest as if none were missing. */
		if (s->ev.kind != EVENT_LOG_LINES || lines_from <= d->text.n_snapshot)
			model_apply(p->model, &s->ev);
		if (s->slot[0] != '\0')
			slot_keep(slots_get(&p->slots, s->slot), &s->ev);
		if (is_told)
			tell(p, &s->ev, c->pub.from_ns);
	}
	model_advance(p->model, c->pub.from_ns);
	p->pos = d->text.n_snapshot;
	p->work = d->work;
	p->at_ns = c->pub.from_ns;
	return true;
}

/* --- seeking ---------------------------------------------------------------------------------------------------------------------------------- */

/* From the chunk it stands in to c. Who mirrors events is told of all that lies between: what is left of this one, and chunks shorter than a step. */
static bool
change_chunk(struct player *p, struct rchunk *c, int64_t t_ns)
{
	bool goes_on = false;

	while (p->cb != NULL && p->model != NULL && recording_index(p->r, p->chunk) < recording_index(p->r, c)) {
		struct rchunk *next = recording_after(p->r, p->chunk);

		goes_on = apply_until(p, chunk_to(p->chunk)) && next != NULL && chunk_follows(p->chunk, next) && next->head.after == AFTER_CHUNK;
		if (next == NULL || next == c)
			break;
		if (!enter(p, next, t_ns, !goes_on))
			goes_on = false;
	}
	return enter(p, c, t_ns, !goes_on);
}

const struct model *
player_seek(struct player *p, int64_t t_ns, const char **ret_why)
{
	const char *why = "";
	struct rchunk *c = recording_at(p->r, t_ns, &why);
	bool is_there = c != NULL;

	if (is_there && (c != p->chunk || p->model == NULL || t_ns < p->at_ns))
		is_there = change_chunk(p, c, t_ns);
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
	size_t i;

	if (d == NULL)
		return INT64_MAX;
	i = line_after(d, t_ns);
	return i < d->text.n_lines ? d->text.lines[i].time_ns : INT64_MAX;
}

int64_t
player_next(struct player *p, int64_t t_ns)
{
	struct recording *r = p->r;
	const struct rchunk *before = NULL;

	for (size_t i = 0; i < r->n; i++) {
		struct rchunk *c = r->chunks[i];
		int64_t at;
		bool goes_on;

		if (!chunk_is_shown(c))
			continue;
		goes_on = before != NULL && chunk_follows(before, c) && c->head.after == AFTER_CHUNK;
		before = c;
		if (c->pub.is_closed && chunk_to(c) <= t_ns)
			continue;
		/* A snapshot that does not go on from what was before is news itself. */
		if (chunk_from(c) > t_ns && !goes_on)
			return chunk_from(c);
		at = next_in(r, c, t_ns);
		if (at != INT64_MAX && at <= chunk_to(c))
			return at;
	}
	return INT64_MAX;
}

/* --- the timeline -------------------------------------------------------------------------------------------------------------------------------- */

/* What several consoles judge for themselves or ask for on their own, they tell within so much of each other: sources are asked apart, and each has a time of its own. */
#define SAME_JUDGED (30 * NS_PER_S)

struct known_by {		/* what one recording knew at its end */
	size_t first, n;	/* of the entries */
	int64_t from_ns, to_ns;
};

static bool
is_judged_here(const struct timeline_entry *e)
{
	return e->kind == TIMELINE_SLO || e->kind == TIMELINE_DRIFT || e->kind == TIMELINE_MODEL || e->kind == TIMELINE_SOURCE;
}

static int64_t
apart_ns(const struct timeline_entry *a, const struct timeline_entry *b)
{
	return a->at_ns > b->at_ns ? a->at_ns - b->at_ns : b->at_ns - a->at_ns;
}

/* Runs and what they tell have an id of their own, notes the number of their record: who read of them afterwards has them later, and in other words. */
static bool
is_same(const struct timeline_entry *a, const struct timeline_entry *b)
{
	int64_t near = is_judged_here(a) || a->kind == TIMELINE_ALERT || a->kind == TIMELINE_CHANGE ? SAME_JUDGED : 0;

	if (a->kind != b->kind || a->is_end != b->is_end || strcmp(a->id, b->id) != 0)
		return false;
	if (a->kind == TIMELINE_RUN || a->kind == TIMELINE_MESSAGE)
		return true;
	if (a->kind == TIMELINE_NOTE && a->seq != 0 && a->seq == b->seq)
		return strcmp(a->text, b->text) == 0;
	return apart_ns(a, b) <= near && strcmp(a->what, b->what) == 0;
}

/* The one of o that tells the same, the nearest of them; NULL none does. */
static struct timeline_entry *
find_same(struct player *p, const struct known_by *o, const struct timeline_entry *e)
{
	struct timeline_entry *same = NULL;

	for (size_t k = o->first; k < o->first + o->n; k++)
		if (is_same(&p->entries[k], e) && (same == NULL || apart_ns(&p->entries[k], e) < apart_ns(same, e)))
			same = &p->entries[k];
	return same;
}

/* What stood already for o when e says that it begins: who looked later cannot know since when. */
static bool
has_begun(const struct player *p, const struct known_by *o, const struct timeline_entry *e)
{
	const struct timeline_entry *last = NULL;

	if (e->is_end || !is_judged_here(e) || e->at_ns < o->from_ns || e->at_ns > o->to_ns)
		return false;
	for (size_t k = o->first; k < o->first + o->n; k++) {
		const struct timeline_entry *other = &p->entries[k];

		if (other->kind == e->kind && other->at_ns <= e->at_ns && strcmp(other->id, e->id) == 0)
			last = other;
	}
	return last != NULL && !last->is_end && last->severity == e->severity;
}

/* Is e known from another recording? What metrics told afterwards is not asked for where a console looked. */
static bool
is_double(struct player *p, const struct timeline_entry *e, const struct known_by *others, size_t n_others)
{
	for (size_t i = 0; i < n_others; i++) {
		const struct known_by *o = &others[i];
		struct timeline_entry *same = find_same(p, o, e);

		if (e->is_backfilled && e->at_ns >= o->from_ns && e->at_ns <= o->to_ns)
			return true;
		if (same == NULL && !has_begun(p, o, e))
			continue;
		if (same != NULL) {	/* it happened no later than the first of them says */
			same->at_ns = e->at_ns < same->at_ns ? e->at_ns : same->at_ns;
			same->known_ns = e->known_ns < same->known_ns ? e->known_ns : same->known_ns;
			same->seq = same->seq == 0 ? e->seq : same->seq;
		}
		return true;
	}
	return false;
}

static void
add_timeline(struct player *p, const struct model *m, struct known_by *known, size_t n_others)
{
	struct known_by *mine = &known[n_others];
	size_t n = model_n_timeline(m);

	mine->first = p->n_entries;
	p->entries = xreallocarray(p->entries, p->n_entries + n, sizeof *p->entries);
	for (size_t i = 0; i < n; i++) {
		struct timeline_entry e = *model_timeline(m, i);

		if (is_double(p, &e, known, n_others))
			continue;
		e.id = arena_strdup(&p->texts, e.id);
		e.what = arena_strdup(&p->texts, e.what);
		e.text = arena_strdup(&p->texts, e.text);
		e.by = arena_strdup(&p->texts, e.by);
		p->entries[p->n_entries++] = e;
	}
	mine->n = p->n_entries - mine->first;
}

/* The last chunk that can be read of the recording that c is of. */
static struct rchunk *
last_chunk(const struct recording *r, const struct rchunk *c)
{
	struct rchunk *last = NULL;

	for (size_t i = 0; i < r->n; i++)
		if (r->chunks[i]->is_usable && str_eq(r->chunks[i]->head.id, c->head.id) && (last == NULL || r->chunks[i]->pub.to_ns >= last->pub.to_ns))
			last = r->chunks[i];
	return last;
}

/* The last time that can be read, shown or not; a chunk found damaged on the way makes room for the one before. */
static const struct model *
end_of(struct player *p, const struct rchunk *c)
{
	struct rchunk *last;

	while ((last = last_chunk(p->r, c)) != NULL) {
		if (!enter(p, last, last->pub.to_ns, false))
			continue;	/* it is not usable any more */
		apply_until(p, last->pub.to_ns);
		model_advance(p->model, last->pub.to_ns);
		return p->model;
	}
	return NULL;
}

static int
by_known(const void *a, const void *b)
{
	const struct timeline_entry *x = a, *y = b;

	if (x->known_ns != y->known_ns)
		return x->known_ns < y->known_ns ? -1 : 1;
	return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

static int
by_first(const void *a, const void *b)
{
	const struct rchunk *x = *(struct rchunk *const *)a, *y = *(struct rchunk *const *)b;

	return (x->pub.from_ns > y->pub.from_ns) - (x->pub.from_ns < y->pub.from_ns);
}

/* The first chunk of each recording, who began first before the others; they stay where they are while chunks are put in order anew. */
static size_t
recordings_of(const struct recording *r, struct rchunk ***ret)
{
	struct rchunk **v = xcalloc(r->n, sizeof(struct rchunk *));
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		size_t k = 0;

		if (!r->chunks[i]->is_usable)
			continue;
		while (k < n && !str_eq(v[k]->head.id, r->chunks[i]->head.id))
			k++;
		if (k == n)
			v[n++] = r->chunks[i];
		else if (r->chunks[i]->pub.from_ns < v[k]->pub.from_ns)
			v[k] = r->chunks[i];
	}
	if (n > 1)
		qsort(v, n, sizeof(struct rchunk *), by_first);
	*ret = v;
	return n;
}

static void
make_timeline(struct player *p)
{
	struct rchunk **first;
	size_t n = recordings_of(p->r, &first), n_known = 0;
	struct known_by *known = xcalloc(n, sizeof *known);

	forget_timeline(p);
	for (size_t i = 0; i < n; i++) {
		const struct model *m = end_of(p->end, first[i]);

		if (m == NULL)
			continue;
		known[n_known].from_ns = first[i]->pub.from_ns;
		known[n_known].to_ns = p->end->chunk->pub.to_ns;
		add_timeline(p, m, known, n_known);
		n_known++;
	}
	if (n_known > 1)
		qsort(p->entries, p->n_entries, sizeof *p->entries, by_known);
	free(known);
	free(first);
}

size_t
player_timeline(struct player *p, const struct timeline_entry **ret)
{
	if (p->end == NULL || p->end_generation != p->r->generation) {
		if (p->end == NULL)
			p->end = player_new(p->r);
		p->end->needs_no_lines = true;
		p->end_generation = p->r->generation;
		make_timeline(p);
	}
	*ret = p->entries;
	return p->n_entries;
}
