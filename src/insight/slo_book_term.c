/* What is known: terms, their cells and their strips of tiles. */
#include "config.h"

#include "insight/slo_book_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

/* --- sources and terms ------------------------------------------------------------------------ */

struct book_source *
book_source_get(struct slo_book *b, const char *name)
{
	struct book_source *s;

	TAILQ_FOREACH(s, &b->sources, next)
		if (strcmp(s->name, name) == 0)
			return s;
	s = xcalloc(1, sizeof *s);
	s->name = xstrdup(name);
	limit_init(&s->instants, INSTANTS_MAX);
	limit_init(&s->tiles, TILES_MAX);
	TAILQ_INSERT_TAIL(&b->sources, s, next);
	return s;
}

void
sources_free_all(struct slo_book *b)
{
	struct book_source *s;

	while ((s = TAILQ_FIRST(&b->sources)) != NULL) {
		TAILQ_REMOVE(&b->sources, s, next);
		free(s->name);
		free(s->error);
		free(s);
	}
}

struct term *
term_get(struct slo_book *b, const char *source, const char *template, int64_t overlap_ns)
{
	uint64_t hash = str_hash(
	    template, strlen(template) + 1, str_hash(source, strlen(source) + 1, STR_HASH_SEED));
	struct term *t;

	LIST_FOREACH(t, &b->buckets[hash % HASH_SIZE], in_bucket)
	if (t->hash == hash && t->overlap_ns == overlap_ns && strcmp(t->template, template) == 0 &&
	    strcmp(t->source->name, source) == 0)
		return t;
	t = xcalloc(1, sizeof *t);
	t->source = book_source_get(b, source);
	t->template = xstrdup(template);
	t->overlap_ns = overlap_ns;
	t->hash = hash;
	TAILQ_INIT(&t->cells);
	TAILQ_INIT(&t->strips);
	LIST_INSERT_HEAD(&b->buckets[hash % HASH_SIZE], t, in_bucket);
	TAILQ_INSERT_TAIL(&b->terms, t, next);
	return t;
}

void
term_refuse(struct term *t, const char *error, int64_t again_ns)
{
	free(t->error);
	t->error = xstrdup_or_null(error);
	t->again_ns = again_ns;
}

void
terms_sweep(struct slo_book *b)
{
	struct term *t, *after;

	for (t = TAILQ_FIRST(&b->terms); t != NULL; t = after) {
		after = TAILQ_NEXT(t, next);
		if (t->n_users > 0)
			continue;
		for (int view = 0; view < N_VIEWS; view++) {
			cells_drop(t, (enum view_kind)view);
			strips_drop(t, (enum view_kind)view);
		}
		TAILQ_REMOVE(&b->terms, t, next);
		LIST_REMOVE(t, in_bucket);
		free(t->template);
		free(t->error);
		free(t);
	}
}

/* --- cells ------------------------------------------------------------------------------------ */

static struct cell *
find_cell(
    const struct term *t, enum view_kind view, int64_t window_ns, int64_t at_ns, bool is_exact)
{
	struct cell *c;

	TAILQ_FOREACH(c, &t->cells, next)
	if (c->view == view && c->window_ns == window_ns && c->at_ns == at_ns &&
	    c->is_exact == is_exact)
		return c;
	return NULL;
}

const struct cell *
cell_since(const struct term *t, const struct term *other, enum view_kind view, int64_t start_ns,
    int64_t at_ns, const struct cell **ret_other)
{
	const struct cell *c, *beside, *newest = NULL;

	TAILQ_FOREACH(c, &t->cells, next) {
		if (c->view != view || !c->is_exact || c->state != CELL_KNOWN ||
		    c->at_ns - c->window_ns != start_ns || c->at_ns > at_ns)
			continue;
		if (newest != NULL && c->at_ns <= newest->at_ns)
			continue;
		beside = find_cell(other, view, c->window_ns, c->at_ns, true);
		if (beside != NULL && beside->state == CELL_KNOWN) {
			newest = c;
			*ret_other = beside;
		}
	}
	return newest;
}

struct cell *
cell_want(struct term *t, const struct view *view, int64_t window_ns, int64_t at_ns, bool is_exact)
{
	struct cell *c = find_cell(t, view->kind, window_ns, at_ns, is_exact);

	if (c == NULL) {
		c = xcalloc(1, sizeof *c);
		*c = (struct cell){ .term = t,
			.view = view->kind,
			.is_exact = is_exact,
			.window_ns = window_ns,
			.at_ns = at_ns,
			.value = NAN };
		TAILQ_INSERT_HEAD(&t->cells, c, next);
	}
	c->round = view->round;
	return c;
}

struct cell *
cell_newest(const struct term *t, const struct term *other, enum view_kind view, int64_t window_ns,
    int64_t at_ns, struct cell **ret_other)
{
	struct cell *c, *beside, *newest = NULL;

	TAILQ_FOREACH(c, &t->cells, next) {
		if (c->view != view || c->window_ns != window_ns || c->is_exact ||
		    c->state != CELL_KNOWN || c->at_ns > at_ns)
			continue;
		if (newest != NULL && c->at_ns <= newest->at_ns)
			continue;
		beside = find_cell(other, view, window_ns, c->at_ns, false);
		if (beside != NULL && beside->state == CELL_KNOWN) {
			newest = c;
			*ret_other = beside;
		}
	}
	return newest;
}

struct cell *
cell_refused(const struct term *t, enum view_kind view, int64_t window_ns)
{
	struct cell *c, *newest = NULL;

	TAILQ_FOREACH(c, &t->cells, next)
	if (c->view == view && c->window_ns <= window_ns && c->state == CELL_FAILED &&
	    c->error != NULL && (newest == NULL || c->at_ns > newest->at_ns))
		newest = c;
	return newest;
}

void
cell_fail(struct cell *c, const char *error)
{
	free(c->error);
	c->error = xstrdup_or_null(error);
	c->state = CELL_FAILED;
}

static void
cell_free(struct cell *c)
{
	TAILQ_REMOVE(&c->term->cells, c, next);
	free(c->error);
	free(c);
}

void
cells_sweep(struct term *t, const struct view *view)
{
	struct cell *c, *after;

	for (c = TAILQ_FIRST(&t->cells); c != NULL; c = after) {
		after = TAILQ_NEXT(c, next);
		if (c->view == view->kind && c->state != CELL_ASKED &&
		    c->round + ROUNDS_KEPT < view->round)
			cell_free(c);
	}
}

void
cells_drop(struct term *t, enum view_kind view)
{
	struct cell *c, *after;

	for (c = TAILQ_FIRST(&t->cells); c != NULL; c = after) {
		after = TAILQ_NEXT(c, next);
		if (c->view == view)
			cell_free(c);
	}
}

/* --- strips ----------------------------------------------------------------------------------- */

struct strip *
strip_get(struct term *t, enum view_kind view, int64_t step_ns, bool is_made)
{
	struct strip *s;

	TAILQ_FOREACH(s, &t->strips, next)
		if (s->view == view && s->step_ns == step_ns)
			return s;
	if (!is_made)
		return NULL;
	s = xcalloc(1, sizeof *s);
	*s = (struct strip){ .term = t,
		.view = view,
		.step_ns = step_ns,
		.chunk_max = POINTS_MAX,
		.want_first_ns = INT64_MAX,
		.want_last_ns = INT64_MIN };
	TAILQ_INSERT_TAIL(&t->strips, s, next);
	return s;
}

/* Index of the tile that ends at end; false: the strip does not reach there. */
static bool
tile_index(const struct strip *s, int64_t end_ns, size_t *ret)
{
	if (end_ns < s->first_ns || (end_ns - s->first_ns) / s->step_ns >= (int64_t)s->n)
		return false;
	*ret = (size_t)((end_ns - s->first_ns) / s->step_ns);
	return true;
}

static void
copy_tiles(struct strip *to, const struct strip *from)
{
	size_t k;

	for (size_t i = 0; i < to->n; i++)
		if ((to->flags[i] & TILE_KNOWN) == 0 &&
		    tile_index(from, to->first_ns + (int64_t)i * to->step_ns, &k) &&
		    (from->flags[k] & TILE_KNOWN) != 0) {
			to->v[i] = from->v[k];
			to->flags[i] |= TILE_KNOWN;
		}
}

/*
 * Tiles from the one that ends at first to the one that ends at last; what is known in both places
 * is kept.
 */
void
strip_move(struct strip *s, int64_t first_ns, int64_t last_ns)
{
	struct strip old = *s, *other;
	size_t k;

	s->n = last_ns < first_ns ? 0 : (size_t)((last_ns - first_ns) / s->step_ns) + 1;
	if (s->n == old.n && s->first_ns == first_ns)
		return;
	s->first_ns = first_ns;
	s->v = xcalloc(s->n + 1, sizeof *s->v);
	s->flags = xcalloc(s->n + 1, sizeof *s->flags);
	for (size_t i = 0; i < s->n; i++) {
		s->v[i] = NAN;
		if (old.n > 0 && tile_index(&old, first_ns + (int64_t)i * s->step_ns, &k)) {
			s->v[i] = old.v[k];
			s->flags[i] = old.flags[k];
		}
	}
	free(old.v);
	free(old.flags);
	/* The other view may know some of them. */
	other = strip_get(s->term, s->view == VIEW_NOW ? VIEW_THEN : VIEW_NOW, s->step_ns, false);
	if (other != NULL && other->n > 0)
		copy_tiles(s, other);
}

void
strip_mark(struct strip *s, int64_t start_ns, int64_t end_ns, unsigned set, unsigned clear)
{
	size_t i;

	for (int64_t t = start_ns; t <= end_ns; t += s->step_ns)
		if (tile_index(s, t, &i))
			s->flags[i] = (unsigned char)((s->flags[i] | set) & ~clear);
}

void
strip_set(struct strip *s, int64_t end_ns, double v)
{
	size_t i;

	if (tile_index(s, end_ns, &i))
		s->v[i] = v;
}

bool
strip_value(const struct strip *s, int64_t end_ns, double *ret)
{
	size_t i;

	*ret = NAN;
	if (!tile_index(s, end_ns, &i) || (s->flags[i] & TILE_KNOWN) == 0)
		return false;
	*ret = s->v[i];
	return true;
}

void
strip_free(struct strip *s)
{
	TAILQ_REMOVE(&s->term->strips, s, next);
	free(s->v);
	free(s->flags);
	free(s->error);
	free(s);
}

void
strips_drop(struct term *t, enum view_kind view)
{
	struct strip *s, *after;

	for (s = TAILQ_FIRST(&t->strips); s != NULL; s = after) {
		after = TAILQ_NEXT(s, next);
		if (s->view == view)
			strip_free(s);
	}
}
