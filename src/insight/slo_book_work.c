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

enum { NOTES_MAX = 4, STRETCH_TILES_MIN = 6 };

struct desk { /* one objective's input, with room that is used again for the next one */
	struct slo_book *b;
	const struct view *view;
	const struct objective *o;
	struct slo_input in;
	struct slo previous;
	struct slo_rule_state *states;	/* of previous, by the rules there are now */
	struct slo_window_sum windows[SLO_WINDOWS_MAX];
	size_t cap_tiles, cap_excluded;
	struct slo_sum *tiles, *excluded;
	int64_t start_ns, end_ns;	/* of the window */
	int64_t edge_ns;		/* end of the newest tile that is known */
	const struct strip *first, *total;	/* NULL: none is needed yet, or known */
	bool has_window;		/* a calendar's bounds may not reach so far */
	bool are_tiles_known;
	bool is_complete;		/* the whole window is known */
	size_t n_missing;		/* windows that are not known */
	char *doubt;			/* why nobody can say that it is well; NULL: that can be said */
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

/* The first doubt is the one to tell. */
static void
desk_doubt(struct desk *d, const char *text)
{
	if (d->doubt == NULL)
		d->doubt = xstrdup(text);
}

static void
desk_clear(struct desk *d)
{
	for (size_t i = 0; i < d->n_notes; i++)
		free(d->notes[i]);
	d->n_notes = d->n_missing = 0;
	free(d->doubt);
	d->doubt = NULL;
}

/* --- why something is not known --------------------------------------------------------------- */

/* Why a sum over so long, or less, is missing. */
static const char *
why_missing(const struct desk *d, int64_t window_ns)
{
	const struct term *terms[] = { d->o->first, d->o->total };

	for (size_t i = 0; i < 2; i++) {
		const struct cell *c = cell_refused(terms[i], d->view->kind, window_ns);

		if (c != NULL)
			return c->error;
	}
	return d->o->total->source->error != NULL ? d->o->total->source->error :
						    "its source has not answered yet";
}

/* --- tiles ------------------------------------------------------------------------------------ */

/* Reads all tiles of the window up to edge; false: one is not known. */
static bool
read_tiles(struct desk *d, int64_t edge_ns)
{
	int64_t step = d->o->step_ns, first = align_down(d->start_ns, step) + step;
	size_t n = edge_ns < first ? 0 : (size_t)((edge_ns - first) / step) + 1;

	if (n > d->cap_tiles) {
		d->tiles = xreallocarray(d->tiles, n, sizeof *d->tiles);
		d->cap_tiles = n;
	}
	for (size_t i = 0; i < n; i++) {
		int64_t end = first + (int64_t)i * step;

		if (d->first == NULL || !strip_value(d->first, end, &d->tiles[i].first))
			return false;
		if (d->total == NULL || !strip_value(d->total, end, &d->tiles[i].total))
			return false;
	}
	d->edge_ns = edge_ns;
	d->in.tiles = d->tiles;
	d->in.n_tiles = n;
	d->in.tiles_end_ns = edge_ns;
	return true;
}

/*
 * The sums from start on up to at; where that is now, those of a little earlier serve when none
 * came this time. false: not known.
 */
static bool
read_since(const struct desk *d, int64_t start_ns, int64_t at_ns, struct slo_sum *ret)
{
	int64_t oldest_ns = d->view->kind == VIEW_NOW && at_ns == d->view->at_ns ?
	    at_ns - ROUNDS_KEPT * d->b->every_ns :
	    at_ns;
	const struct cell *total,
	    *first = cell_since(d->o->first, d->o->total, d->view->kind, start_ns, at_ns, &total);

	if (first == NULL || first->at_ns < oldest_ns)
		return false;
	*ret = (struct slo_sum){ first->value, total->value };
	return true;
}

/*
 * The newest tile may have been lost on the way: then what was known of it before it ended serves
 * until it comes.
 */
static bool
read_window(struct desk *d)
{
	int64_t edge = window_edge(d->o, d->start_ns, d->view->at_ns);

	for (int back = 0; back <= LATE_TILES; back++, edge -= d->o->step_ns) {
		if (!read_tiles(d, edge))
			continue;
		d->are_tiles_known = true;
		if (edge == d->view->at_ns || read_since(d, edge, d->view->at_ns, &d->in.head))
			return true;
	}
	return false;
}

static void
doubt_window(struct desk *d)
{
	const char *error = d->first != NULL ? d->first->error : NULL;
	char *text;

	if (error == NULL && d->total != NULL)
		error = d->total->error;
	if (error != NULL)
		text = xasprintf(
		    "the window is too costly to read: have it recorded, see opsconsole --export slo-rules (%s)",
		    error);
	else if (d->are_tiles_known)
		text = xasprintf(
		    "the end of the window was not read: %s", why_missing(d, d->o->step_ns));
	else
		return;		/* it is being read */
	desk_doubt(d, text);
	desk_note(d, text);
}

static void
forget_window(struct desk *d)
{
	d->is_complete = false;
	d->in.tiles = NULL;
	d->in.n_tiles = 0;
	d->in.tiles_end_ns = 0;
	d->in.head = (struct slo_sum){ NAN, NAN };
}

static void
fill_tiles(struct desk *d)
{
	if (!slo_window_at(d->o->def, d->view->at_ns, &d->start_ns, &d->end_ns)) {
		d->is_complete = true;		/* there is nothing to read */
		return;
	}
	d->first = strip_get(d->o->first, d->view->kind, d->o->step_ns, false);
	d->total = strip_get(d->o->total, d->view->kind, d->o->step_ns, false);
	d->has_window = true;
	d->is_complete = read_window(d);
	if (!d->is_complete) {
		forget_window(d);
		doubt_window(d);
	}
}

static void
add_part(struct slo_sum *sum, const struct slo_sum *part, double share)
{
	if (isnan(part->total) || !(share > 0))
		return;
	sum->total = (isnan(sum->total) ? 0 : sum->total) + share * part->total;
	if (!isnan(part->first))
		sum->first = (isnan(sum->first) ? 0 : sum->first) + share * part->first;
}

/* What part of (start, end] lies in (from, to]. */
static double
share_within(int64_t start_ns, int64_t end_ns, int64_t from_ns, int64_t to_ns)
{
	int64_t a = start_ns > from_ns ? start_ns : from_ns, b = end_ns < to_ns ? end_ns : to_ns;

	return end_ns > start_ns ? (double)(b - a) / (double)(end_ns - start_ns) : 0;
}

/*
 * A long stretch that the server does not work out at once is the sum of its tiles; false: it is
 * too short for that, or not all of it is known.
 */
static bool
sum_of_tiles(const struct desk *d, int64_t from_ns, int64_t to_ns, struct slo_sum *ret)
{
	int64_t step = d->o->step_ns, start = d->edge_ns - (int64_t)d->in.n_tiles * step;
	struct slo_sum sum = { NAN, NAN };

	if (!d->is_complete || to_ns - from_ns < STRETCH_TILES_MIN * step || from_ns < start)
		return false;
	for (size_t i = 0; i < d->in.n_tiles; i++, start += step)
		add_part(&sum, &d->tiles[i], share_within(start, start + step, from_ns, to_ns));
	add_part(&sum, &d->in.head, share_within(d->edge_ns, d->view->at_ns, from_ns, to_ns));
	*ret = sum;
	return true;
}

/* --- corrections ------------------------------------------------------------------------------ */

/* false: not known. */
static bool
read_correction(const struct desk *d, const struct slo_correction *c, struct slo_sum *ret)
{
	int64_t start, end, asked, edge = align_down(d->start_ns, d->o->step_ns);
	double share;

	*ret = (struct slo_sum){ 0, 0 };
	if (!correction_span(c, d->start_ns, d->view->at_ns, &start, &end))
		return true;
	asked = c->start_ns > edge ? c->start_ns : edge;
	if (read_since(d, asked, end, ret)) {
		share = (double)(end - start) / (double)(end - asked);
		ret->first *= share;
		ret->total *= share;
		return true;
	}
	if (sum_of_tiles(d, start, end, ret))
		return true;
	*ret = (struct slo_sum){ NAN, NAN };
	return false;
}

/* Without what it takes out, neither the budget nor the burn rates that reach into it are right. */
static void
correction_missing(struct desk *d, const struct slo_correction *c)
{
	const char *why = why_missing(d, c->end_ns - c->start_ns);
	/* A window of some minutes may have no burn rates, and no windows to ask them over. */
	int64_t longest_ns = d->o->n_windows > 0 ? d->o->windows[d->o->n_windows - 1] : 0;
	char *text = xasprintf("what the correction %s takes out was not read: %s", c->id, why);

	forget_window(d);
	desk_doubt(d, text);
	desk_note(d, text);
	if (c->end_ns > d->view->at_ns - longest_ns)
		d->in.error = why;
}

static void
fill_corrections(struct desk *d)
{
	size_t n = d->o->def->n_corrections;

	if (n > d->cap_excluded) {
		d->excluded = xreallocarray(d->excluded, n, sizeof *d->excluded);
		d->cap_excluded = n;
	}
	d->in.excluded = n > 0 ? d->excluded : NULL;
	for (size_t i = 0; i < n; i++) {
		d->excluded[i] = (struct slo_sum){ NAN, NAN };
		if (d->has_window &&
		    !read_correction(d, &d->o->def->corrections[i], &d->excluded[i]))
			correction_missing(d, &d->o->def->corrections[i]);
	}
}

/* --- burn windows ----------------------------------------------------------------------------- */

/* A little while an old answer stands in for one that did not come. */
static bool
is_usable(const struct desk *d, const struct cell *c)
{
	int64_t age = d->view->at_ns - c->at_ns;

	return age == 0 || age <= ROUNDS_KEPT * d->b->every_ns ||
	    age <= 2 * c->window_ns / WINDOW_TIMES;
}

static bool
is_of_a_rule(const struct slo_def *def, int64_t window_ns)
{
	for (size_t i = 0; i < def->n_rules; i++)
		if (def->rules[i].long_ns == window_ns || def->rules[i].short_ns == window_ns)
			return true;
	return false;
}

static void
window_missing(struct desk *d, int64_t window_ns)
{
	char duration[DURATION_TEXT_MAX], *text;
	const char *why = why_missing(d, window_ns);

	text = xasprintf("no burn rate over %s: %s", duration_format(duration, window_ns), why);
	if (is_of_a_rule(d->o->def, window_ns))
		desk_doubt(d, text);
	desk_note(d, text);
	/* None at all: it is not about windows. */
	if (++d->n_missing == d->o->n_windows)
		d->in.error = why;
}

static void
fill_window(struct desk *d, size_t i)
{
	struct cell *total = NULL;
	const struct cell *first = cell_newest(
	    d->o->first, d->o->total, d->view->kind, d->o->windows[i], d->view->at_ns, &total);
	struct slo_window_sum *w = &d->windows[i];

	*w = (struct slo_window_sum){
		.window_ns = d->o->windows[i], .at_ns = d->view->at_ns, .sum = { NAN, NAN }
	};
	if (first != NULL && is_usable(d, first)) {
		w->sum = (struct slo_sum){ first->value, total->value };
		w->at_ns = first->at_ns;
	} else if (!sum_of_tiles(d, w->at_ns - w->window_ns, w->at_ns, &w->sum)) {
		window_missing(d, w->window_ns);
	}
}

/* --- how it stood ----------------------------------------------------------------------------- */

static bool
is_same_rule(const struct slo_rule *a, const struct slo_rule *b)
{
	return a->factor == b->factor && a->long_ns == b->long_ns && a->short_ns == b->short_ns &&
	    a->for_ns == b->for_ns && a->severity == b->severity;
}

/* Rules are known by what they say: their place may be another in new definitions. */
static struct slo_rule_state
state_of_rule(const struct slo_def *def, const struct slo_rule_state *states, const struct slo_rule *rule)
{
	for (size_t i = 0; i < def->n_rules; i++)
		if (is_same_rule(&def->rules[i], rule))
			return states[i];
	return (struct slo_rule_state){ 0 };
}

/* By the rules there are now; one that is new has not been above so far. */
static void
match_rules(struct desk *d, const struct slo_def *def)
{
	const struct slo_def *last = slo_def_find(d->b->last_defs, def->id);
	const struct slo_rule_state *states = d->previous.known.rules;

	if (last == NULL || states == NULL || d->previous.n_rules != last->n_rules)
		return;
	d->states = xreallocarray(d->states, def->n_rules + 1, sizeof *d->states);
	for (size_t i = 0; i < def->n_rules; i++)
		d->states[i] = state_of_rule(last, states, &def->rules[i]);
	d->previous.known.rules = d->previous.rules = d->states;
	d->previous.n_rules = def->n_rules;
}

static const struct slo *
previous_of(struct desk *d, const struct objective *o)
{
	/* A first answer that went before the window was read does not know since when. */
	if (d->view->kind != VIEW_NOW || !(o->is_settled || o->was_known) || o->last == NULL)
		return NULL;
	d->previous = *o->last;
	match_rules(d, o->def);
	return &d->previous;
}

/* --- one objective ---------------------------------------------------------------------------- */

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
	d->is_complete = d->are_tiles_known = d->has_window = false;
	d->in = (struct slo_input){ .def = o->def,
		.is_good = o->is_good,
		.at_ns = d->view->at_ns,
		.step_ns = o->step_ns,
		.head = { NAN, NAN },
		.error = error_of(o) };
	d->in.previous = previous_of(d, o);
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

/* Worked out, or nothing more is waited for. */
static bool
is_settled(const struct desk *d)
{
	return error_of(d->o) != NULL || d->is_complete ||
	    batches_count(d->b, VIEW_NOW, BATCH_TILES) == 0;
}

/*
 * A rule that fires does so whatever else is not known; but nobody calls well what was not looked
 * at, or silent what was not heard.
 */
static bool
is_doubtful(const struct desk *d, enum slo_state state)
{
	return d->doubt != NULL && (state == SLO_OK || state == SLO_GATED || state == SLO_NO_DATA);
}

static void
evaluate(struct desk *d, struct arena *arena, struct slo *ret)
{
	slo_evaluate(&d->in, arena, ret);
	if (is_doubtful(d, ret->state)) {
		d->in.error = d->doubt;
		slo_evaluate(&d->in, arena, ret);
	}
	/* Where it is unknown, `why` says it all. */
	if (ret->state != SLO_UNKNOWN)
		add_notes(d, arena, ret);
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
	free(d->states);
	free(d->tiles);
	free(d->excluded);
	free(d);
}

/* --- all of them ------------------------------------------------------------------------------ */

static int
by_id(const void *key, const void *item)
{
	return strcmp(key, ((const struct objective *)item)->def->id);
}

static void
keep_last(struct slo_book *b, struct slo_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct objective *o = bsearch(
		    set->v[i].id, b->objectives, b->n_objectives, sizeof *b->objectives, by_id);

		if (o != NULL)
			o->last = &set->v[i];
	}
	block_unref(b->last);
	block_unref(b->last_defs);
	b->last = block_ref(set);
	b->last_defs = block_ref(b->defs);
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
		evaluate(d, &set->block.arena, &v[i]);
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
		if (d->in.error != NULL || !d->is_complete || !d->has_window)
			continue;
		past = beside_past(b, view->kind, &b->objectives[i], &d->in.n_past);
		d->in.past = past;
		slo_detail(&d->in, &set->block.arena, &v[set->n++]);
		free(past);
	}
	desk_free(d);
	*ret = set;
}
