/*
 * Requests: many cells or tiles of one source and one time in one expression, their answers, and
 * what is done when one is refused.
 *
 * A request that costs too much is halved by terms, down to one; how much was too much is
 * remembered for the source. Tiles of one term are halved in time. What is wrong by itself (the
 * server does not understand it, or it cannot be worked out) is found by the same halving, and is
 * then its term's error alone.
 */
#include "config.h"

#include "insight/slo_book_priv.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "insight/slo_promql.h"

#define LABEL "ops"

/* --- batches ---------------------------------------------------------------------------------- */

static const char *const kind_names[] = {
	[BATCH_INSTANTS] = "now", [BATCH_TILES] = "tiles", [BATCH_BESIDE] = "beside"
};

static struct batch *
batch_new(struct slo_book *b, enum batch_kind kind, enum view_kind view, struct book_source *source)
{
	struct batch *batch = xcalloc(1, sizeof *batch);

	batch->kind = kind;
	batch->view = view;
	batch->source = source;
	batch->id = xasprintf(SLO_ASK_PREFIX "%s%s:%" PRIu64, view == VIEW_THEN ? "then:" : "",
	    kind_names[kind], ++b->n_ids);
	b->stats.n_batches++;
	return batch;
}

static void
batch_out(struct slo_book *b, struct batch *batch, bool is_out)
{
	unsigned *n = batch->kind == BATCH_INSTANTS ? &batch->source->n_instants_out :
						      &batch->source->n_ranges_out;

	if (batch->is_out == is_out)
		return;
	batch->is_out = is_out;
	batch->out_ns = b->now_ns;
	batch->n_answers = batch->source->n_answers;
	*n += is_out ? 1 : -1u;
	b->stats.n_asked += is_out;
	b->is_changed = true;
}

static void
batch_free(struct slo_book *b, struct batch *batch)
{
	batch_out(b, batch, false);
	TAILQ_REMOVE(&b->batches, batch, next);
	free(batch->id);
	free(batch->expr);
	free(batch->items);
	free(batch);
}

/* Instants before tiles, tiles before what is only told beside; else in the order they come in. */
static void
enqueue(struct slo_book *b, struct batch *batch)
{
	struct batch *after = NULL, *other;

	TAILQ_FOREACH(other, &b->batches, next)
		if (other->kind <= batch->kind)
			after = other;
	if (after == NULL)
		TAILQ_INSERT_HEAD(&b->batches, batch, next);
	else
		TAILQ_INSERT_AFTER(&b->batches, after, batch, next);
}

static void
item_fill(const struct batch *batch, const struct item *item, size_t i, struct buf *out)
{
	char index[24];

	buf_addstr(out, i == 0 ? "label_replace(" : " or label_replace(");
	if (item->strip != NULL)
		slo_fill_exact(out, item->term->template, batch->step_ns, item->term->overlap_ns);
	else if (item->cell->is_exact)
		slo_fill_exact(
		    out, item->term->template, item->cell->window_ns, item->term->overlap_ns);
	else
		slo_fill(out, item->term->template, item->cell->window_ns);
	snprintf(index, sizeof index, "%zu", i);
	buf_printf(out, ", \"" LABEL "\", \"%s\", \"\", \"\")", index);
}

/* As many of items as fit under the limits; returns how many. */
static size_t
batch_fill(struct batch *batch, const struct item *items, size_t n, size_t max)
{
	struct buf expr, one;

	buf_init(&expr, EXPR_BYTES_MAX + 2 * SLO_TEMPLATE_MAX);
	buf_init(&one, 2 * SLO_TEMPLATE_MAX);
	for (batch->n = 0; batch->n < n && batch->n < max; batch->n++) {
		buf_reset(&one);
		item_fill(batch, &items[batch->n], batch->n, &one);
		if (batch->n > 0 && expr.len + one.len > EXPR_BYTES_MAX)
			break;
		buf_add(&expr, one.data, one.len);
	}
	batch->expr = buf_take(&expr, NULL);
	batch->items = xcalloc(batch->n, sizeof *batch->items);
	memcpy(batch->items, items, batch->n * sizeof *items);
	buf_done(&expr);
	buf_done(&one);
	return batch->n;
}

static void
items_asked(const struct batch *batch, bool is_asked)
{
	for (size_t i = 0; i < batch->n; i++) {
		struct cell *c = batch->items[i].cell;

		if (c != NULL && c->state <= CELL_ASKED)
			c->state = is_asked ? CELL_ASKED : CELL_WANTED;
		if (batch->items[i].strip != NULL)
			strip_mark(batch->items[i].strip, batch->start_ns, batch->end_ns,
			    is_asked ? TILE_ASKED : 0, is_asked ? 0 : TILE_ASKED);
	}
}

/* Batches like one (kind, view, times) of items of one source. */
static void
make_batches(
    struct slo_book *b, const struct batch *like, const struct item *items, size_t n, size_t max)
{
	size_t done = 0;

	while (done < n) {
		struct batch *batch = batch_new(b, like->kind, like->view, items[0].term->source);

		batch->at_ns = like->at_ns;
		batch->start_ns = like->start_ns;
		batch->end_ns = like->end_ns;
		batch->step_ns = like->step_ns;
		batch->ceiling = like->ceiling;
		done += batch_fill(batch, items + done, n - done, max);
		items_asked(batch, true);
		enqueue(b, batch);
	}
}

/* --- instants --------------------------------------------------------------------------------- */

/*
 * Alike in cost: a heavy window then takes only heavy ones with it. What was refused before stands
 * behind, for it is asked alone.
 */
static int
by_cost(const void *a, const void *b)
{
	const struct cell *x = *(struct cell *const *)a, *y = *(struct cell *const *)b;
	int r = strcmp(x->term->source->name, y->term->source->name);

	if (r == 0)
		r = x->is_suspect - y->is_suspect;
	if (r == 0)
		r = (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
	if (r == 0)
		r = (x->window_ns > y->window_ns) - (x->window_ns < y->window_ns);
	return r != 0 ? r : (x->term->hash > y->term->hash) - (x->term->hash < y->term->hash);
}

static bool
is_same_request(const struct cell *a, const struct cell *b)
{
	return a->term->source == b->term->source && a->at_ns == b->at_ns && !a->is_suspect &&
	    !b->is_suspect && (a->term->error == NULL) && (b->term->error == NULL);
}

/* Whether a source that gave no answer is there again is asked by the cheapest alone. */
static bool
is_probe(struct cell *const *v, size_t i)
{
	const struct book_source *s = v[i]->term->source;

	return s->is_mute && (i == 0 || v[i - 1]->term->source != s);
}

void
batches_for_cells(struct slo_book *b, struct view *view, struct cell **v, size_t n)
{
	struct item *items = xcalloc(n + 1, sizeof *items);
	size_t m;

	if (n > 0)
		qsort(v, n, sizeof(struct cell *), by_cost);
	for (size_t i = 0; i < n; i++)
		items[i] = (struct item){ .term = v[i]->term, .cell = v[i] };
	for (size_t i = 0; i < n; i += m) {
		struct batch like = {
			.kind = BATCH_INSTANTS, .view = view->kind, .at_ns = v[i]->at_ns
		};

		for (m = 1; i + m < n && !is_probe(v, i) && is_same_request(v[i], v[i + m]); m++)
			;
		make_batches(b, &like, items + i, m, v[i]->term->source->instants.now);
	}
	free(items);
}

/* --- tiles ------------------------------------------------------------------------------------ */

static int
by_range(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	int r = strcmp(x->strip->term->source->name, y->strip->term->source->name);

	if (r == 0)
		r = (x->strip->step_ns > y->strip->step_ns) -
		    (x->strip->step_ns < y->strip->step_ns);
	if (r == 0)	/* newest first */
		r = (x->end_ns < y->end_ns) - (x->end_ns > y->end_ns);
	if (r == 0)
		r = (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
	if (r == 0)
		r = (x->strip->term->hash > y->strip->term->hash) -
		    (x->strip->term->hash < y->strip->term->hash);
	return r;
}

static bool
is_same_range(const struct piece *a, const struct piece *b)
{
	return a->strip->term->source == b->strip->term->source &&
	    a->strip->step_ns == b->strip->step_ns && a->start_ns == b->start_ns &&
	    a->end_ns == b->end_ns && a->strip->error == NULL && b->strip->error == NULL;
}

void
batches_for_pieces(struct slo_book *b, enum view_kind view, struct piece *v, size_t n)
{
	struct item *items = xcalloc(n + 1, sizeof *items);
	size_t m;

	if (n > 0)
		qsort(v, n, sizeof *v, by_range);
	for (size_t i = 0; i < n; i++)
		items[i] = (struct item){ .term = v[i].strip->term, .strip = v[i].strip };
	for (size_t i = 0; i < n; i += m) {
		struct batch like = { .kind = BATCH_TILES,
			.view = view,
			.start_ns = v[i].start_ns,
			.end_ns = v[i].end_ns,
			.step_ns = v[i].strip->step_ns };

		for (m = 1; i + m < n && is_same_range(&v[i], &v[i + m]); m++)
			;
		make_batches(b, &like, items + i, m, v[i].strip->term->source->tiles.now);
	}
	free(items);
}

void
batch_for_beside(
    struct slo_book *b, struct beside *beside, const char *expr, int64_t start_ns, int64_t end_ns)
{
	struct batch *batch = batch_new(
	    b, BATCH_BESIDE, beside->view, book_source_get(b, beside->source));

	batch->beside = beside;
	batch->expr = xstrdup(expr);
	batch->start_ns = start_ns;
	batch->end_ns = end_ns;
	batch->step_ns = beside->step_ns;
	enqueue(b, batch);
}

/* --- how much goes into one request ----------------------------------------------------------- */

static struct limit *
limit_of(const struct batch *batch)
{
	return batch->kind == BATCH_INSTANTS ? &batch->source->instants : &batch->source->tiles;
}

/* One was at fault alone: the size of the request was not. */
static void
limit_restore(const struct batch *batch)
{
	struct limit *l = limit_of(batch);

	if (batch->ceiling > l->now)
		l->now = batch->ceiling;
}

/* --- refused ---------------------------------------------------------------------------------- */

static void
split_terms(struct slo_book *b, struct batch *batch, enum fault fault)
{
	struct limit *l = limit_of(batch);
	size_t half = (batch->n + 1) / 2;

	if (batch->ceiling == 0)
		batch->ceiling = l->now;
	if (fault == FAULT_COSTLY)
		limit_learn(l, batch->n, b->now_ns);
	b->stats.n_split++;
	make_batches(b, batch, batch->items, batch->n, half);
}

static void
split_time(struct slo_book *b, struct batch *batch)
{
	struct strip *s = batch->items[0].strip;
	size_t n = (size_t)((batch->end_ns - batch->start_ns) / batch->step_ns) + 1,
	       half = (n + 1) / 2;
	struct batch older = *batch, newer = *batch;

	s->chunk_max = half;
	older.end_ns = batch->start_ns + (int64_t)(half - 1) * batch->step_ns;
	newer.start_ns = older.end_ns + batch->step_ns;
	b->stats.n_split++;
	make_batches(b, &newer, batch->items, 1, 1);
	make_batches(b, &older, batch->items, 1, 1);
}

/* Requests of the term that were not sent yet need not be. */
static void
refuse_term(struct slo_book *b, struct term *t, const char *error)
{
	struct batch *batch, *after;

	term_refuse(t, error, b->now_ns + ROUNDS_REST * b->every_ns);
	for (batch = TAILQ_FIRST(&b->batches); batch != NULL; batch = after) {
		after = TAILQ_NEXT(batch, next);
		if (batch->is_out || batch->n != 1 || batch->items[0].term != t)
			continue;
		items_asked(batch, false);
		batch_free(b, batch);
	}
}

static void
refuse_tiles(struct slo_book *b, struct strip *s, const char *error)
{
	free(s->error);
	s->error = xstrdup(error);
	s->again_ns = b->now_ns + 2 * ROUNDS_REST * b->every_ns;
}

/* One item, at fault by itself. */
static void
refuse_one(struct slo_book *b, struct batch *batch, enum fault fault, const char *error)
{
	const struct item *item = &batch->items[0];
	size_t n_tiles = item->strip == NULL ?
	    0 :
	    (size_t)((batch->end_ns - batch->start_ns) / batch->step_ns) + 1;

	limit_restore(batch);
	b->views[batch->view].is_lacking = true;
	if (fault == FAULT_WRONG)
		refuse_term(b, item->term, error);
	else if (item->cell != NULL)
		cell_fail(item->cell, error);
	else if (n_tiles > CHUNK_MIN)
		split_time(b, batch);
	else
		refuse_tiles(b, item->strip, error);
}

static void
source_error(struct book_source *s, const char *error)
{
	char *copy = xstrdup_or_null(error);	/* it may be the same text */

	free(s->error);
	s->error = copy;
}

/*
 * No answer, and not because of what was asked, as far as anybody can tell: the next round asks
 * again.
 */
static void
give_up(struct slo_book *b, struct batch *batch, enum fault fault, const char *error)
{
	b->views[batch->view].is_lacking = true;
	source_error(batch->source, error);
	if (fault == FAULT_BUSY && batch->n > 1)
		limit_doubt(limit_of(batch), batch->n);
	for (size_t i = 0; i < batch->n; i++)
		if (batch->items[i].cell != NULL)
			cell_fail(batch->items[i].cell, NULL);
}

/* What waits for the answer to a probe need not wait any longer. */
static void
hold_back(struct slo_book *b, const struct book_source *s)
{
	struct batch *batch, *after;

	for (batch = TAILQ_FIRST(&b->batches); batch != NULL; batch = after) {
		after = TAILQ_NEXT(batch, next);
		if (batch->source != s || batch->is_out)
			continue;
		items_asked(batch, false);
		give_up(b, batch, FAULT_SOURCE, s->error);
		batch_free(b, batch);
	}
}

static void
fail(struct slo_book *b, struct batch *batch, long status, const char *error)
{
	struct book_source *source = batch->source;
	enum fault fault = fault_of(batch, status, error);

	source->n_failed++;
	items_asked(batch, false);
	if (fault == FAULT_WRONG || fault == FAULT_COSTLY)
		limit_spoke(source);
	if (batch->kind == BATCH_BESIDE)
		beside_failed(batch->beside);
	else if (fault == FAULT_BUSY || fault == FAULT_SOURCE)
		give_up(b, batch, fault, error);
	else if (status != 0 && source->error != NULL)
		source_error(source, NULL);	/* it speaks */
	if (batch->kind != BATCH_BESIDE && (fault == FAULT_WRONG || fault == FAULT_COSTLY)) {
		if (batch->n > 1)
			split_terms(b, batch, fault);
		else
			refuse_one(b, batch, fault, error);
	}
	batch_free(b, batch);
	if (source->is_mute && (fault == FAULT_BUSY || fault == FAULT_SOURCE))
		hold_back(b, source);
}

/* --- answered --------------------------------------------------------------------------------- */

/* Which item a series answers; n: none. */
static size_t
item_of(const struct batch *batch, const struct series *s)
{
	const char *label = labels_get(&s->labels, LABEL);
	unsigned long i;
	char *end;

	if (label == NULL || *label == '\0')
		return batch->n;
	i = strtoul(label, &end, 10);
	return *end == '\0' && i < batch->n ? i : batch->n;
}

static void
take_instants(struct batch *batch, const struct series_set *set)
{
	for (size_t i = 0; i < batch->n; i++) {
		batch->items[i].cell->state = CELL_KNOWN;
		batch->items[i].cell->value = NAN;
	}
	for (size_t i = 0; i < set->n; i++) {
		size_t k = item_of(batch, &set->v[i]);

		if (k < batch->n && set->v[i].n > 0)
			batch->items[k].cell->value = set->v[i].v[set->v[i].n - 1].v;
	}
}

static void
take_tiles(struct batch *batch, const struct series_set *set)
{
	for (size_t i = 0; i < batch->n; i++) {
		struct strip *s = batch->items[i].strip;

		/* No sample there: no data. */
		for (int64_t t = batch->start_ns; t <= batch->end_ns; t += batch->step_ns)
			strip_set(s, t, NAN);
		strip_mark(s, batch->start_ns, batch->end_ns, TILE_KNOWN, TILE_ASKED | TILE_AGAIN);
		free(s->error);
		s->error = NULL;
		s->again_ns = 0;
	}
	for (size_t i = 0; i < set->n; i++) {
		size_t k = item_of(batch, &set->v[i]);

		for (size_t j = 0; k < batch->n && j < set->v[i].n; j++) {
			const struct sample *sample = &set->v[i].v[j];

			if (sample->t_ns >= batch->start_ns && sample->t_ns <= batch->end_ns)
				strip_set(batch->items[k].strip, sample->t_ns, sample->v);
		}
	}
}

/* A histogram is no number: whoever wrote the expression must say what of it counts. */
static void
refuse_histograms(struct slo_book *b, struct batch *batch, const struct series_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		size_t k = item_of(batch, &set->v[i]);

		if (k < batch->n && set->v[i].n == 0 && set->v[i].n_histograms > 0)
			term_refuse(batch->items[k].term,
			    "the expression gives a native histogram, not a number: put histogram_count() around it",
			    b->now_ns + ROUNDS_REST * b->every_ns);
	}
}

static void
terms_are_well(struct batch *batch)
{
	for (size_t i = 0; i < batch->n; i++)
		term_refuse(batch->items[i].term, NULL, 0);
}

static struct batch *
batch_find(const struct slo_book *b, const char *id)
{
	struct batch *batch;

	TAILQ_FOREACH(batch, &b->batches, next)
		if (batch->is_out && strcmp(batch->id, id) == 0)
			return batch;
	return NULL;
}

bool
slo_book_answer(struct slo_book *b, const struct series_set *answer)
{
	struct batch *batch = answer->query == NULL ? NULL : batch_find(b, answer->query);
	struct view *view;

	if (batch == NULL)
		return false;
	view = &b->views[batch->view];
	limit_spoke(batch->source);
	batch->source->n_answered++;
	batch->source->n_answers++;
	source_error(batch->source, NULL);
	terms_are_well(batch);
	if (batch->kind == BATCH_INSTANTS)
		take_instants(batch, answer);
	else if (batch->kind == BATCH_TILES)
		take_tiles(batch, answer);
	else
		beside_answer(b, batch->beside, answer);
	refuse_histograms(b, batch, answer);
	view->has_new_tiles |= batch->kind == BATCH_TILES;
	view->has_new_beside |= batch->kind == BATCH_BESIDE;
	batch_free(b, batch);
	batches_list(b);
	return true;
}

bool
slo_book_failed(struct slo_book *b, const char *id, long http_status, const char *error)
{
	struct batch *batch = batch_find(b, id);

	if (batch == NULL)
		return false;
	fail(b, batch, http_status,
	    error == NULL || *error == '\0' ? "the source did not answer" : error);
	batches_list(b);
	return true;
}

/* --- all of them ------------------------------------------------------------------------------ */

void
batches_drop(struct slo_book *b, enum view_kind view)
{
	struct batch *batch, *after;

	for (batch = TAILQ_FIRST(&b->batches); batch != NULL; batch = after) {
		after = TAILQ_NEXT(batch, next);
		if (batch->view != view)
			continue;
		items_asked(batch, false);
		batch_free(b, batch);
	}
}

size_t
batches_count(const struct slo_book *b, enum view_kind view, enum batch_kind kind)
{
	const struct batch *batch;
	size_t n = 0;

	TAILQ_FOREACH(batch, &b->batches, next)
		n += batch->view == view && batch->kind == kind;
	return n;
}

void
batches_expire(struct slo_book *b, enum view_kind view)
{
	char *error = xasprintf(
	    "no answer within %" PRId64 " s", PER_ROUND_WAIT * b->every_ns / NS_PER_S);
	struct batch *batch, *after;
	const struct book_source *s;

	for (batch = TAILQ_FIRST(&b->batches); batch != NULL; batch = after) {
		after = TAILQ_NEXT(batch, next);
		if (batch->view != view || batch->kind != BATCH_INSTANTS)
			continue;
		batch->source->n_failed++;
		items_asked(batch, false);
		give_up(b, batch, batch->is_out ? FAULT_BUSY : FAULT_SOURCE,
		    batch->source->error != NULL ? batch->source->error : error);
		batch_free(b, batch);
	}
	TAILQ_FOREACH(s, &b->sources, next)
		if (s->is_mute)
			hold_back(b, s);
	free(error);
}

void
batches_forget(struct slo_book *b)
{
	struct batch *batch, *after;

	for (batch = TAILQ_FIRST(&b->batches); batch != NULL; batch = after) {
		after = TAILQ_NEXT(batch, next);
		if (batch->is_out && batch->kind != BATCH_INSTANTS &&
		    b->now_ns - batch->out_ns > BATCH_WAIT)
			fail(b, batch, 0, "no answer within 5 minutes");
	}
}

void
batches_list(struct slo_book *b)
{
	const struct batch *batch;

	b->n_asks = 0;
	TAILQ_FOREACH(batch, &b->batches, next) {
		if (!batch->is_out)
			continue;
		if (b->n_asks == b->cap_asks) {
			b->cap_asks = b->cap_asks == 0 ? 16 : b->cap_asks * 2;
			b->asks = xreallocarray(b->asks, b->cap_asks, sizeof *b->asks);
		}
		b->asks[b->n_asks++] = (struct slo_ask){ .id = batch->id,
			.source = batch->source->name,
			.expr = batch->expr,
			.at_ns = batch->at_ns,
			.start_ns = batch->start_ns,
			.end_ns = batch->end_ns,
			.step_ns = batch->step_ns };
	}
}

void
batches_release(struct slo_book *b)
{
	struct batch *batch;

	TAILQ_FOREACH(batch, &b->batches, next) {
		if (!batch->is_out && limit_lets_go(batch))
			batch_out(b, batch, true);
	}
	batches_list(b);
}
