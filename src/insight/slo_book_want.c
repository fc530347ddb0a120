/* What a round needs that is not known yet. */
#include "config.h"

#include "insight/slo_book_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"

int64_t
align_down(int64_t t, int64_t step)
{
	int64_t rest = t % step;

	return t - (rest < 0 ? rest + step : rest);
}

int64_t
window_edge(const struct objective *o, int64_t window_start_ns, int64_t at_ns)
{
	int64_t edge = align_down(at_ns, o->step_ns) - o->step_ns,
		first = align_down(window_start_ns, o->step_ns);

	return edge > first ? edge : first;
}

bool
correction_span(const struct slo_correction *c, int64_t window_start_ns, int64_t at_ns,
    int64_t *ret_start_ns, int64_t *ret_end_ns)
{
	*ret_start_ns = c->start_ns > window_start_ns ? c->start_ns : window_start_ns;
	*ret_end_ns = c->end_ns < at_ns ? c->end_ns : at_ns;
	return *ret_start_ns < *ret_end_ns;
}

/* --- cells ------------------------------------------------------------------------------------ */

/*
 * Long windows change slowly: an answer serves for a while. At a time in the past all is asked for
 * that time.
 */
static bool
is_fresh_enough(const struct slo_book *b, const struct view *view, const struct cell *c)
{
	if (view->kind != VIEW_NOW || c->window_ns <= WINDOW_ALWAYS)
		return c->at_ns == view->at_ns;
	return view->at_ns - c->at_ns < c->window_ns / WINDOW_TIMES ||
	    view->at_ns - c->at_ns < b->every_ns;
}

/*
 * What was too costly over a window no longer is not asked for a while, and then alone. true: it
 * rests.
 */
static bool
is_resting(const struct slo_book *b, const struct view *view, const struct term *t,
    int64_t window_ns, bool *ret_is_suspect)
{
	struct cell *refused = cell_refused(t, view->kind, window_ns);

	*ret_is_suspect = refused != NULL;
	if (refused == NULL || view->at_ns - refused->at_ns >= ROUNDS_REST * b->every_ns)
		return false;
	refused->round = view->round;
	return true;
}

static void
want_at(const struct view *view, struct term *t, int64_t window_ns, bool is_suspect)
{
	struct cell *c = cell_want(t, view, window_ns, view->at_ns, false);

	c->is_suspect = is_suspect;
	if (c->state == CELL_FAILED)
		c->state = CELL_WANTED;
}

/* Both sums of one time: a ratio of sums of different times would be of no time. */
static void
want_window(
    const struct slo_book *b, const struct view *view, const struct objective *o, int64_t window_ns)
{
	struct cell *total = NULL,
		    *first = cell_newest(
			o->first, o->total, view->kind, window_ns, view->at_ns, &total);
	bool is_first_suspect, is_total_suspect;

	if (first != NULL && is_fresh_enough(b, view, first)) {
		first->round = total->round = view->round;
		return;
	}
	if (is_resting(b, view, o->first, window_ns, &is_first_suspect) ||
	    is_resting(b, view, o->total, window_ns, &is_total_suspect))
		return;
	want_at(view, o->first, window_ns, is_first_suspect);
	want_at(view, o->total, window_ns, is_total_suspect);
}

static void
want_exact(const struct slo_book *b, const struct view *view, struct term *t, int64_t start_ns,
    int64_t end_ns)
{
	bool is_suspect;
	struct cell *c;

	if (start_ns >= end_ns || is_resting(b, view, t, end_ns - start_ns, &is_suspect))
		return;
	c = cell_want(t, view, end_ns - start_ns, end_ns, true);
	c->is_suspect = is_suspect;
	if (c->state == CELL_FAILED)
		c->state = CELL_WANTED;
}

/*
 * Cut by the start of a window that moves, it is asked from the tile's edge on, so that the answer
 * serves for a tile's time.
 */
static void
want_correction(const struct slo_book *b, const struct view *view, struct term *t,
    const struct objective *o, const struct slo_correction *c, int64_t window_start_ns)
{
	int64_t start, end, edge = align_down(window_start_ns, o->step_ns);

	if (!correction_span(c, window_start_ns, view->at_ns, &start, &end))
		return;
	start = c->start_ns > edge ? c->start_ns : edge;
	want_exact(b, view, t, start, end);
}

static void
want_tiles(
    const struct view *view, struct term *t, int64_t step_ns, int64_t first_ns, int64_t last_ns)
{
	struct strip *s = strip_get(t, view->kind, step_ns, true);

	if (first_ns < s->want_first_ns)
		s->want_first_ns = first_ns;
	if (last_ns > s->want_last_ns)
		s->want_last_ns = last_ns;
}

static void
want_term(struct slo_book *b, const struct view *view, const struct objective *o, struct term *t)
{
	int64_t start, end, edge;

	if (!slo_window_at(o->def, view->at_ns, &start, &end))
		return;
	edge = window_edge(o, start, view->at_ns);
	want_exact(b, view, t, edge, view->at_ns);
	want_tiles(view, t, o->step_ns, align_down(start, o->step_ns) + o->step_ns, edge);
	for (size_t i = 0; i < o->def->n_corrections; i++)
		want_correction(b, view, t, o, &o->def->corrections[i], start);
}

/* --- tiles ------------------------------------------------------------------------------------ */

struct pieces {
	size_t n, cap;
	struct piece *v;
};

static void
add_piece(struct pieces *p, struct strip *s, size_t first, size_t n)
{
	if (p->n == p->cap) {
		p->cap = p->cap == 0 ? 64 : p->cap * 2;
		p->v = xreallocarray(p->v, p->cap, sizeof *p->v);
	}
	p->v[p->n++] = (struct piece){ .strip = s,
		.start_ns = s->first_ns + (int64_t)first * s->step_ns,
		.end_ns = s->first_ns + (int64_t)(first + n - 1) * s->step_ns };
}

static bool
is_tile_wanted(const struct strip *s, size_t i)
{
	return (s->flags[i] & TILE_ASKED) == 0 &&
	    ((s->flags[i] & TILE_KNOWN) == 0 || (s->flags[i] & TILE_AGAIN) != 0);
}

static void
strip_pieces(struct strip *s, struct pieces *out)
{
	size_t n;

	for (size_t i = 0; i < s->n; i += n) {
		for (n = 0; i + n < s->n && n < s->chunk_max && is_tile_wanted(s, i + n); n++)
			;
		if (n == 0)
			n = 1;
		else
			add_piece(out, s, i, n);
	}
}

/* What came late is in the newest tiles, so those are asked again when there is a newer one. */
static void
advance(struct strip *s)
{
	int64_t old_last = s->first_ns + ((int64_t)s->n - 1) * s->step_ns;
	bool is_longer = s->n > 0 && s->want_last_ns > old_last;

	strip_move(s, s->want_first_ns, s->want_last_ns);
	if (is_longer && s->view == VIEW_NOW)
		strip_mark(s, old_last - (LATE_TILES - 1) * s->step_ns, old_last, TILE_AGAIN, 0);
	s->want_first_ns = INT64_MAX;
	s->want_last_ns = INT64_MIN;
}

static bool
is_any_asked(const struct strip *s)
{
	for (size_t i = 0; i < s->n; i++)
		if ((s->flags[i] & TILE_ASKED) != 0)
			return true;
	return false;
}

static bool
is_refused(const struct slo_book *b, const struct term *t)
{
	return t->error != NULL && b->now_ns < t->again_ns;
}

static void
term_pieces(const struct slo_book *b, struct term *t, struct view *view, struct pieces *out)
{
	struct strip *s, *after;

	for (s = TAILQ_FIRST(&t->strips); s != NULL; s = after) {
		after = TAILQ_NEXT(s, next);
		if (s->view != view->kind)
			continue;
		if (s->want_first_ns >
		    s->want_last_ns) { /* no objective needs such tiles (any more) */
			if (!is_any_asked(s))
				strip_free(s);
			continue;
		}
		advance(s);
		if (b->now_ns >= s->again_ns && !is_refused(b, t))
			strip_pieces(s, out);
		else
			view->is_lacking = true;
	}
}

/* --- all of it -------------------------------------------------------------------------------- */

struct cells {
	size_t n, cap;
	struct cell **v;
};

static void
wanted_cells(struct term *t, const struct view *view, struct cells *out)
{
	struct cell *c;

	TAILQ_FOREACH(c, &t->cells, next) {
		if (c->view != view->kind || c->round != view->round || c->state != CELL_WANTED)
			continue;
		if (out->n == out->cap) {
			out->cap = out->cap == 0 ? 256 : out->cap * 2;
			out->v = xreallocarray(out->v, out->cap, sizeof(struct cell *));
		}
		out->v[out->n++] = c;
	}
}

static void
want_objective(struct slo_book *b, struct view *view, const struct objective *o)
{
	if (o->error != NULL)
		return;
	if (is_refused(b, o->first) || is_refused(b, o->total)) {
		view->is_lacking = true;
		return;
	}
	for (size_t i = 0; i < o->n_windows; i++)
		want_window(b, view, o, o->windows[i]);
	want_term(b, view, o, o->first);
	if (o->total != o->first)
		want_term(b, view, o, o->total);
}

void
want_round(struct slo_book *b, struct view *view)
{
	struct pieces pieces = { 0 };
	struct cells cells = { 0 };
	struct term *t;

	for (size_t i = 0; i < b->n_objectives; i++)
		want_objective(b, view, &b->objectives[i]);
	TAILQ_FOREACH(t, &b->terms, next) {
		wanted_cells(t, view, &cells);
		term_pieces(b, t, view, &pieces);
		cells_sweep(t, view);
	}
	batches_for_cells(b, view, cells.v, cells.n);
	batches_for_pieces(b, view->kind, pieces.v, pieces.n);
	free(cells.v);
	free(pieces.v);
	beside_want(b, view);
}
