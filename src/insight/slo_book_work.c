/* How everything stands: what is known becomes the input of the arithmetic in slo_eval.h. */
#include "config.h"

#include "insight/slo_book_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { NOTES_MAX = 4, TAIL_MISSING = 2, WINDOW_TILES_MIN = 6 };

struct desk {			/* one objective's input, with room that is used again for the next one */
	struct slo_book *b;
	const struct view *view;
	const struct objective *o;
	struct slo_input in;
	struct slo_window_sum windows[SLO_WINDOWS_MAX];
	size_t cap_tiles, cap_excluded;
	struct slo_sum *tiles, *excluded;
	int64_t start_ns, end_ns;	/* of the window */
	int64_t edge_ns;		/* end of the newest whole tile */
	const struct strip *first, *total;
	bool is_complete;		/* all tiles are known */
	size_t n_notes;
	char *notes[NOTES_MAX];
};

static void
desk_note(struct desk *d, char *text)
{
	if (d->n_notes < NOTES_MAX)
		d->notes[d->n_notes++] = text;
	else
		free(text);
}

static void
desk_clear(struct desk *d)
{
	for (size_t i = 0; i < d->n_notes; i++)
		free(d->notes[i]);
	d->n_notes = 0;
}

/* --- tiles ------------------------------------------------------------------------------------------------------------ */

/* The newest may have been lost on the way: that hole is small, and closes with the next round. */
static bool
read_tiles(struct desk *d)
{
	int64_t step = d->o->step_ns, first = align_down(d->start_ns, step) + step;
	size_t n = d->edge_ns < first ? 0 : (size_t)((d->edge_ns - first) / step) + 1;

	if (n > d->cap_tiles) {
		d->tiles = xreallocarray(d->tiles, n, sizeof *d->tiles);
		d->cap_tiles = n;
	}
	for (size_t i = 0; i < n; i++) {
		int64_t end = first + (int64_t)i * step;
		bool is_known = strip_value(d->first, end, &d->tiles[i].first);

		is_known &= strip_value(d->total, end, &d->tiles[i].total);
		if (!is_known && (i + TAIL_MISSING < n || n <= TAIL_MISSING))
			return false;
	}
	d->in.tiles = d->tiles;
	d->in.n_tiles = n;
	d->in.tiles_end_ns = d->edge_ns;
	d->in.step_ns = step;
	return true;
}

static double
head_of(const struct desk *d, const struct term *t)
{
	const struct cell *c = cell_at(t, d->view->kind, d->view->at_ns - d->edge_ns, d->view->at_ns, true);

	return c != NULL && c->state == CELL_KNOWN ? c->value : NAN;
}

static void
note_tiles(struct desk *d)
{
	const char *error = d->first->error != NULL ? d->first->error : d->total->error;

	if (error != NULL)
		desk_note(d, xasprintf("the window is too costly to read: have it recorded, see opsconsole --export slo-rules (%s)", error));
	else
		desk_note(d, xstrdup("the window is being read"));
}

static void
fill_tiles(struct desk *d)
{
	d->in.head = (struct slo_sum){ NAN, NAN };
	d->in.step_ns = d->o->step_ns;
	if (!slo_window_at(d->o->def, d->view->at_ns, &d->start_ns, &d->end_ns)) {
		d->is_complete = true;		/* there is nothing to read */
		return;
	}
	d->edge_ns = align_down(d->view->at_ns, d->o->step_ns);
	d->first = strip_get(d->o->first, d->view->kind, d->o->step_ns, false);
	d->total = strip_get(d->o->total, d->view->kind, d->o->step_ns, false);
	d->is_complete = d->first != NULL && d->total != NULL && read_tiles(d);
	if (d->is_complete)
		d->in.head = (struct slo_sum){ head_of(d, d->o->first), head_of(d, d->o->total) };
	else if (d->first != NULL && d->total != NULL)
		note_tiles(d);
}

/* --- corrections ------------------------------------------------------------------------------------------------------ */

static double
excluded_of(const struct desk *d, const struct term *t, const struct slo_correction *c)
{
	int64_t start, end, asked, edge = align_down(d->start_ns, d->o->step_ns);
	const struct cell *cell;

	if (!correction_span(c, d->start_ns, d->view->at_ns, &start, &end))
		return 0;
	asked = c->start_ns > edge ? c->start_ns : edge;
	cell = cell_at(t, d->view->kind, end - asked, end, true);
	if (cell == NULL || cell->state != CELL_KNOWN)
		return NAN;
	return cell->value * ((double)(end - start) / (double)(end - asked));
}

static void
fill_corrections(struct desk *d)
{
	bool has_window = d->first != NULL && d->total != NULL;
	size_t n = d->o->def->n_corrections;

	if (n > d->cap_excluded) {
		d->excluded = xreallocarray(d->excluded, n, sizeof *d->excluded);
		d->cap_excluded = n;
	}
	for (size_t i = 0; i < n; i++) {
		const struct slo_correction *c = &d->o->def->corrections[i];

		d->excluded[i] = (struct slo_sum){ NAN, NAN };
		if (has_window)
			d->excluded[i] = (struct slo_sum){ excluded_of(d, d->o->first, c), excluded_of(d, d->o->total, c) };
	}
	d->in.excluded = n > 0 ? d->excluded : NULL;
}

/* --- burn windows ----------------------------------------------------------------------------------------------------- */

/* A little while an old answer stands in for one that did not come. */
static bool
is_usable(const struct desk *d, const struct cell *c)
{
	int64_t age = d->view->at_ns - c->at_ns;

	return age == 0 || age <= ROUNDS_KEPT * d->b->every_ns || age <= 2 * c->window_ns / WINDOW_TIMES;
}

static void
add_part(struct slo_sum *sum, const struct slo_sum *part, double share)
{
	if (isnan(part->total))
		return;
	sum->total = (isnan(sum->total) ? 0 : sum->total) + share * part->total;
	if (!isnan(part->first))
		sum->first = (isnan(sum->first) ? 0 : sum->first) + share * part->first;
}

/* A long window that the server does not work out at once is the sum of its tiles. */
static bool
window_of_tiles(const struct desk *d, int64_t window_ns, struct slo_sum *ret)
{
	int64_t start = d->view->at_ns - window_ns, step = d->o->step_ns;
	struct slo_sum sum = { NAN, NAN };

	if (!d->is_complete || d->in.n_tiles == 0 || window_ns < WINDOW_TILES_MIN * step ||
	    start < d->edge_ns - (int64_t)d->in.n_tiles * step)
		return false;
	for (size_t i = d->in.n_tiles; i-- > 0;) {
		int64_t end = d->edge_ns - (int64_t)(d->in.n_tiles - 1 - i) * step;

		if (end <= start)
			break;
		add_part(&sum, &d->tiles[i], end - start < step ? (double)(end - start) / (double)step : 1);
	}
	add_part(&sum, &d->in.head, 1);
	*ret = sum;
	return true;
}

static const char *
why_missing(const struct desk *d, int64_t window_ns)
{
	const struct term *terms[] = { d->o->first, d->o->total };

	for (size_t i = 0; i < 2; i++) {
		const struct cell *c = cell_refused(terms[i], d->view->kind, window_ns);

		if (c != NULL)
			return c->error;
	}
	return d->o->total->source->error != NULL ? d->o->total->source->error : "its source has not answered yet";
}

static void
window_missing(struct desk *d, int64_t window_ns)
{
	char text[DURATION_TEXT_MAX];
	const char *why = why_missing(d, window_ns);

	/* Without the short ones nobody can say how it stands. */
	if (window_ns <= WINDOW_ALWAYS || window_ns == d->o->windows[0])
		d->in.error = why;
	else
		desk_note(d, xasprintf("no burn rate over %s: %s", duration_format(text, window_ns), why));
}

static void
fill_window(struct desk *d, size_t i)
{
	struct cell *total = NULL;
	const struct cell *first = cell_newest(d->o->first, d->o->total, d->view->kind, d->o->windows[i], d->view->at_ns, &total);
	struct slo_window_sum *w = &d->windows[i];

	*w = (struct slo_window_sum){ .window_ns = d->o->windows[i], .at_ns = d->view->at_ns, .sum = { NAN, NAN } };
	if (first != NULL && is_usable(d, first)) {
		w->sum = (struct slo_sum){ first->value, total->value };
		w->at_ns = first->at_ns;
	} else if (!window_of_tiles(d, w->window_ns, &w->sum)) {
		window_missing(d, w->window_ns);
	}
}

/* --- one objective ---------------------------------------------------------------------------------------------------- */

static const char *
error_of(const struct objective *o)
{
	if (o->error != NULL)
		return o->error;
	return o->first->error != NULL ? o->first->error : o->total->error;
}

static void
desk_fill(struct desk *d, const struct objective *o)
{
	desk_clear(d);
	d->o = o;
	d->first = d->total = NULL;
	d->is_complete = false;
	d->in = (struct slo_input){ .def = o->def, .is_good = o->is_good, .at_ns = d->view->at_ns, .step_ns = o->step_ns,
		.head = { NAN, NAN }, .error = error_of(o) };
	if (d->view->kind == VIEW_NOW)
		d->in.previous = o->last;
	if (d->in.error == NULL)
		fill_tiles(d);
	fill_corrections(d);
	if (d->in.error != NULL)
		return;
	for (size_t i = 0; i < o->n_windows; i++)
		fill_window(d, i);
	d->in.n_windows = o->n_windows;
	d->in.windows = d->windows;
}

/* Worked out, or nothing more is waited for. */
static bool
is_settled(const struct desk *d)
{
	return d->in.error != NULL || d->is_complete || batches_count(d->b, VIEW_NOW, BATCH_TILES) == 0;
}

static void
add_notes(struct desk *d, struct arena *arena, struct slo *slo)
{
	const char **v;

	if (d->n_notes == 0)
		return;
	v = arena_alloc(arena, (slo->notes.n + d->n_notes) * sizeof(const char *));
	if (slo->notes.n > 0)
		memcpy(v, slo->notes.v, slo->notes.n * sizeof(const char *));
	for (size_t i = 0; i < d->n_notes; i++)
		v[slo->notes.n + i] = arena_strdup(arena, d->notes[i]);
	slo->notes = (struct strings){ .n = slo->notes.n + d->n_notes, .v = v };
}

static struct desk *
desk_new(struct slo_book *b, const struct view *view)
{
	struct desk *d = xcalloc(1, sizeof *d);

	d->b = b;
	d->view = view;
	return d;
}

static void
desk_free(struct desk *d)
{
	desk_clear(d);
	free(d->tiles);
	free(d->excluded);
	free(d);
}

/* --- all of them ------------------------------------------------------------------------------------------------------ */

static int
by_id(const void *key, const void *item)
{
	return strcmp(key, ((const struct objective *)item)->def->id);
}

static void
keep_last(struct slo_book *b, struct slo_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct objective *o = bsearch(set->v[i].id, b->objectives, b->n_objectives, sizeof *b->objectives, by_id);

		if (o != NULL)
			o->last = &set->v[i];
	}
	block_unref(b->last);
	b->last = block_ref(set);
}

void
work_set(struct slo_book *b, struct view *view, struct slo_set **ret)
{
	struct slo_set *set = block_new(sizeof *set);
	struct slo *v = arena_alloc(&set->block.arena, (b->n_objectives + 1) * sizeof *v);
	struct desk *d = desk_new(b, view);

	set->at_ns = view->at_ns;
	set->every_ns = b->every_ns;
	set->is_past = view->kind == VIEW_THEN;
	set->n = b->n_objectives;
	set->v = v;
	for (size_t i = 0; i < b->n_objectives; i++) {
		desk_fill(d, &b->objectives[i]);
		slo_evaluate(&d->in, &set->block.arena, &v[i]);
		add_notes(d, &set->block.arena, &v[i]);
		if (view->kind == VIEW_NOW)
			b->objectives[i].is_settled |= is_settled(d);
	}
	qsort(v, set->n, sizeof *v, slo_compare_urgency);
	if (view->kind == VIEW_NOW)
		keep_last(b, set);
	desk_free(d);
	*ret = set;
}

void
work_details(struct slo_book *b, struct view *view, struct slo_detail_set **ret)
{
	struct slo_detail_set *set = block_new(sizeof *set);
	struct slo_detail *v = arena_alloc(&set->block.arena, (b->n_objectives + 1) * sizeof *v);
	struct desk *d = desk_new(b, view);

	set->at_ns = view->at_ns;
	set->is_past = view->kind == VIEW_THEN;
	set->v = v;
	for (size_t i = 0; i < b->n_objectives; i++) {
		struct slo_past *past;

		desk_fill(d, &b->objectives[i]);
		if (d->in.error != NULL || !d->is_complete || d->in.n_tiles == 0)
			continue;
		past = beside_past(b, view->kind, &b->objectives[i], &d->in.n_past);
		d->in.past = past;
		slo_detail(&d->in, &set->block.arena, &v[set->n++]);
		free(past);
	}
	desk_free(d);
	*ret = set;
}
