/*
 * Several recordings as one: consoles that were open one after the other, or at the same time.
 *
 * Where two of them know a time, the one that reaches further is shown: it goes on where the other one ends. What the other one alone knew of that time is not lost: player_timeline() asks every
 * recording for its own.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "record/recording_priv.h"

enum { SOURCES_MAX = 1024 };

int64_t
chunk_from(const struct rchunk *c)
{
	return c->pub.from_ns > c->show_from_ns ? c->pub.from_ns : c->show_from_ns;
}

int64_t
chunk_to(const struct rchunk *c)
{
	return c->pub.to_ns < c->show_to_ns ? c->pub.to_ns : c->show_to_ns;
}

bool
chunk_is_shown(const struct rchunk *c)
{
	return c->is_usable && !c->is_beside;
}

/* --- who is shown when ---------------------------------------------------------------------------------------------------------------- */

struct source {			/* the chunks of one recording, in order */
	size_t first, n;
	int64_t last_ns;
};
struct stretch {
	int64_t from_ns, to_ns;
};
struct stretches {
	size_t n, cap;
	struct stretch *v;
};

static int
by_recording(const void *a, const void *b)
{
	const struct rchunk *x = *(struct rchunk *const *)a, *y = *(struct rchunk *const *)b;
	int r = strcmp(x->head.id != NULL ? x->head.id : "", y->head.id != NULL ? y->head.id : "");

	if (r == 0)
		r = (x->file_number > y->file_number) - (x->file_number < y->file_number);
	return r != 0 ? r : strcmp(x->file, y->file);
}

static int
by_shown_time(const void *a, const void *b)
{
	const struct rchunk *x = *(struct rchunk *const *)a, *y = *(struct rchunk *const *)b;

	if (chunk_from(x) != chunk_from(y))
		return chunk_from(x) < chunk_from(y) ? -1 : 1;
	if (x->is_beside != y->is_beside)
		return x->is_beside ? -1 : 1;
	return by_recording(a, b);
}

static int
by_reach(const void *a, const void *b)
{
	const struct source *x = a, *y = b;

	if (x->last_ns != y->last_ns)
		return x->last_ns > y->last_ns ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

static size_t
find_sources(const struct recording *r, struct source *v)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct rchunk *c = r->chunks[i];

		if (c->head.id == NULL)
			continue;
		if (n == 0 || !str_eq(r->chunks[v[n - 1].first]->head.id, c->head.id)) {
			if (n == SOURCES_MAX)
				break;
			v[n++] = (struct source){ .first = i, .last_ns = INT64_MIN };
		}
		v[n - 1].n = i + 1 - v[n - 1].first;
		if (c->is_usable && c->pub.to_ns > v[n - 1].last_ns)
			v[n - 1].last_ns = c->pub.to_ns;
	}
	return n;
}

static void
cover(struct stretches *s, size_t n_others, int64_t from_ns, int64_t to_ns)
{
	if (s->n > n_others && s->v[s->n - 1].to_ns == from_ns) {
		s->v[s->n - 1].to_ns = to_ns;
		return;
	}
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 16 : s->cap * 2;
		s->v = xreallocarray(s->v, s->cap, sizeof *s->v);
	}
	s->v[s->n++] = (struct stretch){ from_ns, to_ns };
}

/* What the others leave of [from, to] of a chunk, as one stretch: of two the first. */
static void
clip(struct rchunk *c, int64_t to_ns, const struct stretch *others, size_t n)
{
	int64_t from = c->pub.from_ns, to = to_ns;

	for (size_t i = 0; i < n && from <= to; i++) {
		const struct stretch *o = &others[i];

		if (o->from_ns <= from && o->to_ns >= to)
			c->is_beside = true;
		else if (o->from_ns <= from && o->to_ns > from)
			from = o->to_ns;
		else if (o->from_ns > from && o->from_ns < to)
			to = o->from_ns;
	}
	c->show_from_ns = from;
	c->show_to_ns = to < to_ns ? to : INT64_MAX;
}

static void
place(const struct recording *r, const struct source *s, struct stretches *covered)
{
	size_t n_others = covered->n;

	for (size_t i = s->first; i < s->first + s->n; i++) {
		struct rchunk *c = r->chunks[i], *next = i + 1 < s->first + s->n ? r->chunks[i + 1] : NULL;
		int64_t to = c->pub.to_ns;

		if (!c->is_usable)
			continue;
		if (next != NULL && next->is_usable && chunk_follows(c, next) && next->pub.from_ns > to)
			to = next->pub.from_ns;		/* it knows the quiet time, too */
		clip(c, to, covered->v, n_others);
		cover(covered, n_others, c->pub.from_ns, to);
	}
}

void
recording_sort(struct recording *r)
{
	if (r->n > 1)
		qsort(r->chunks, r->n, sizeof *r->chunks, by_recording);
}

void
recording_arrange(struct recording *r)
{
	struct source *sources = xcalloc(SOURCES_MAX, sizeof *sources);
	struct stretches covered = { 0 };
	size_t n;

	recording_sort(r);
	for (size_t i = 0; i < r->n; i++) {
		r->chunks[i]->is_beside = false;
		r->chunks[i]->show_from_ns = INT64_MIN;
		r->chunks[i]->show_to_ns = INT64_MAX;
	}
	n = find_sources(r, sources);
	if (n > 1)
		qsort(sources, n, sizeof *sources, by_reach);
	for (size_t i = 0; i < n; i++)
		place(r, &sources[i], &covered);
	if (r->n > 1)
		qsort(r->chunks, r->n, sizeof *r->chunks, by_shown_time);
	free(covered.v);
	free(sources);
}

/* --- several folders -------------------------------------------------------------------------------------------------------------------- */

void
recording_gather(struct recording *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_parts; i++)
		n += r->parts[i]->n;
	r->chunks = xreallocarray(r->chunks, n, sizeof *r->chunks);
	r->cap = n;
	r->n = 0;
	for (size_t i = 0; i < r->n_parts; i++)
		for (size_t k = 0; k < r->parts[i]->n; k++)
			r->chunks[r->n++] = r->parts[i]->chunks[k];
}

bool
recording_refresh_parts(struct recording *r)
{
	bool is_changed = false;

	for (size_t i = 0; i < r->n_parts; i++)
		if (recording_refresh(r->parts[i]))
			is_changed = true;
	return is_changed;
}

/* What was unpacked for its own sake is counted by the whole from here on. */
static void
take_part(struct recording *r, struct recording *part)
{
	part->whole = r;
	r->cached += part->cached;
	r->parts[r->n_parts++] = part;
}

int
recording_open_all(const char *const *paths, size_t n, struct recording **ret, void (*refused)(const char *why, void *arg), void *arg, struct err *err)
{
	struct recording *r;
	int code = 0;

	if (n == 0)
		return err_set(err, ERR_NOTFOUND, "nothing is recorded");
	r = xcalloc(1, sizeof *r);
	r->dir_fd = -1;
	r->parts = xcalloc(n, sizeof(struct recording *));
	for (size_t i = 0; i < n; i++) {
		struct recording *part;
		struct err e = ERR_INIT;
		int one = recording_open(paths[i], &part, &e);

		if (one == 0) {
			take_part(r, part);
			continue;
		}
		code = err_set(err, one, "%s", e.msg);
		if (n > 1 && refused != NULL)
			refused(e.msg, arg);
	}
	if (r->n_parts == 0) {
		recording_free(r);
		return code;
	}
	r->path = xstrdup(r->parts[r->n_parts - 1]->path);
	recording_in_order(r);
	*ret = r;
	return 0;
}
