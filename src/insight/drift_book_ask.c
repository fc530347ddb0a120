/*
 * Requests: many terms of one source and time in one expression, joined by `or` and told apart by a
 * label; their answers; and what is done when one is refused.
 *
 * What the server does not understand, or finds too costly, is halved until each wrong term stands
 * alone: it then costs only its own definition.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "insight/drift_book_priv.h"

#define LABEL DRIFT_BOOK_LABEL

/* --- wants ------------------------------------------------------------------------------------ */

void
round_want(struct round *r, struct item *item, enum which which, enum what what, int64_t at_ns,
    int64_t window_ns, const char *expr)
{
	struct want *w = arena_alloc(&r->arena, sizeof *w);

	*w = (struct want){ .item = item,
		.which = which,
		.what = what,
		.source = item->def->source,
		.expr = arena_strdup(&r->arena, expr),
		.at_ns = at_ns,
		.window_ns = window_ns,
		.is_open = true };
	if (r->n_wants == r->cap_wants) {
		r->cap_wants = r->cap_wants == 0 ? 64 : 2 * r->cap_wants;
		r->wants = xreallocarray(r->wants, r->cap_wants, sizeof *r->wants);
	}
	r->wants[r->n_wants++] = w;
	r->got[item->index].w[which][what] = w;
	r->n_open++;
}

static void
want_close(struct round *r, struct want *w, const char *error, bool is_source)
{
	if (!w->is_open)
		return;
	w->is_open = false;
	w->error = error == NULL ? NULL : arena_strdup(&r->arena, error);
	w->is_source_failed = is_source;
	r->has_source_failed |= is_source;
	r->n_open--;
}

/* --- batches ---------------------------------------------------------------------------------- */

static void
batch_free(struct drift_book *b, struct batch *batch)
{
	TAILQ_REMOVE(&b->batches, batch, next);
	b->is_changed |= batch->is_out;
	free(batch->id);
	free(batch->expr);
	free(batch->wants);
	free(batch);
}

/* In the order of the kinds of rounds: what is now before what was. */
static void
enqueue(struct drift_book *b, struct batch *batch)
{
	struct batch *after = TAILQ_LAST(&b->batches, batches);

	while (after != NULL && after->round->kind > batch->round->kind)
		after = TAILQ_PREV(after, batches, next);
	if (after == NULL)
		TAILQ_INSERT_HEAD(&b->batches, batch, next);
	else
		TAILQ_INSERT_AFTER(&b->batches, after, batch, next);
}

/* As many of v as fit; returns how many. */
static size_t
batch_make(struct drift_book *b, struct round *r, struct want **v, size_t n)
{
	struct batch *batch = xcalloc(1, sizeof *batch);
	struct buf expr;

	/* One term may be longer than the limit; it goes alone. */
	buf_init(&expr, SIZE_MAX / 2);
	for (; batch->n < n && batch->n < TERMS_MAX; batch->n++) {
		const char *one = v[batch->n]->expr;

		if (batch->n > 0 && expr.len + strlen(one) > EXPR_BYTES_MAX)
			break;
		buf_addstr(&expr, batch->n == 0 ? "label_replace(" : " or label_replace(");
		buf_addstr(&expr, one);
		buf_printf(&expr, ", \"" LABEL "\", \"%zu\", \"\", \"\")", batch->n);
	}
	batch->round = r;
	batch->source = v[0]->source;
	batch->at_ns = v[0]->at_ns;
	batch->id = xasprintf(DRIFT_ASK_PREFIX "%" PRIu64, ++b->n_ids);
	batch->expr = buf_take(&expr, NULL);
	batch->wants = xcalloc(batch->n, sizeof(struct want *));
	memcpy(batch->wants, v, batch->n * sizeof(struct want *));
	buf_done(&expr);
	enqueue(b, batch);
	return batch->n;
}

/* Alike in cost and answer: the same what and window stand together. */
static int
by_request(const void *a, const void *b)
{
	const struct want *x = *(struct want *const *)a, *y = *(struct want *const *)b;
	int r = strcmp(x->source, y->source);

	if (r == 0)
		r = (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
	if (r == 0)
		r = (x->window_ns > y->window_ns) - (x->window_ns < y->window_ns);
	if (r == 0)
		r = (int)x->what - (int)y->what;
	return r != 0 ? r : (x->item->index > y->item->index) - (x->item->index < y->item->index);
}

static bool
is_same_request(const struct want *a, const struct want *b)
{
	return a->at_ns == b->at_ns && a->window_ns == b->window_ns &&
	    strcmp(a->source, b->source) == 0;
}

void
batches_make(struct drift_book *b, struct round *r, size_t first)
{
	size_t n = r->n_wants - first, m;
	struct want **v;

	if (n == 0)
		return;
	v = r->wants + first;
	qsort(v, n, sizeof(struct want *), by_request);
	for (size_t i = 0; i < n; i += m) {
		for (m = 1; i + m < n && is_same_request(v[i], v[i + m]); m++)
			;
		m = batch_make(b, r, v + i, m);
	}
}

static size_t
out_to(const struct drift_book *b, const char *source)
{
	const struct batch *batch;
	size_t n = 0;

	TAILQ_FOREACH(batch, &b->batches, next)
		n += batch->is_out && strcmp(batch->source, source) == 0;
	return n;
}

static void
list_asks(struct drift_book *b)
{
	const struct batch *batch;

	b->n_asks = 0;
	TAILQ_FOREACH(batch, &b->batches, next) {
		if (!batch->is_out)
			continue;
		if (b->n_asks == b->cap_asks) {
			b->cap_asks = b->cap_asks == 0 ? 16 : 2 * b->cap_asks;
			b->asks = xreallocarray(b->asks, b->cap_asks, sizeof *b->asks);
		}
		b->asks[b->n_asks++] = (struct drift_ask){ .id = batch->id,
			.source = batch->source,
			.expr = batch->expr,
			.at_ns = batch->at_ns };
	}
}

void
drift_batches_release(struct drift_book *b)
{
	struct batch *batch;

	TAILQ_FOREACH(batch, &b->batches, next) {
		if (batch->is_out || out_to(b, batch->source) >= OUT_MAX)
			continue;
		batch->is_out = true;
		b->is_changed = true;
	}
	list_asks(b);
}

void
drift_batches_drop(struct drift_book *b, const struct round *r)
{
	struct batch *batch, *after;

	for (batch = TAILQ_FIRST(&b->batches); batch != NULL; batch = after) {
		after = TAILQ_NEXT(batch, next);
		if (batch->round == r)
			batch_free(b, batch);
	}
	list_asks(b);
}

void
drift_batches_expire(struct drift_book *b, struct round *r)
{
	char error[64];

	snprintf(error, sizeof error, "no answer within %" PRId64 " s",
	    ROUND_WAIT * b->every_ns / NS_PER_S);
	for (size_t i = 0; i < r->n_wants; i++)
		want_close(r, r->wants[i], error, true);
	drift_batches_drop(b, r);
}

size_t
drift_book_asks(const struct drift_book *b, const struct drift_ask **ret)
{
	*ret = b->asks;
	return b->n_asks;
}

/* --- answers ---------------------------------------------------------------------------------- */

static struct batch *
batch_find(const struct drift_book *b, const char *id)
{
	struct batch *batch;

	TAILQ_FOREACH(batch, &b->batches, next)
		if (batch->is_out && strcmp(batch->id, id) == 0)
			return batch;
	return NULL;
}

/* Which term; batch->n for none. */
static size_t
term_of(const struct batch *batch, const struct series *s)
{
	const char *label = labels_get(&s->labels, LABEL);
	size_t i = 0;

	if (label == NULL || *label == '\0')
		return batch->n;
	for (; *label >= '0' && *label <= '9' && i < batch->n; label++)
		i = 10 * i + (size_t)(*label - '0');
	return *label == '\0' && i < batch->n ? i : batch->n;
}

static void
keep_block(struct round *r, const struct series_set *set)
{
	if (r->n_blocks == r->cap_blocks) {
		r->cap_blocks = r->cap_blocks == 0 ? 16 : 2 * r->cap_blocks;
		r->blocks = xreallocarray(r->blocks, r->cap_blocks, sizeof *r->blocks);
	}
	r->blocks[r->n_blocks++] = block_ref(set);
}

/* Each term its own series; they stay where they came. */
static void
deal(struct batch *batch, const struct series_set *set)
{
	const struct series **v = arena_alloc(
	    &batch->round->arena, (set->n + 1) * sizeof(struct series *));
	size_t *term = xcalloc(set->n + 1, sizeof *term), at = 0;

	for (size_t i = 0; i < set->n; i++) {
		term[i] = term_of(batch, &set->v[i]);
		if (term[i] < batch->n)
			batch->wants[term[i]]->n++;
	}
	for (size_t i = 0; i < batch->n; i++) {
		batch->wants[i]->v = v + at;
		at += batch->wants[i]->n;
		batch->wants[i]->n = 0;
	}
	for (size_t i = 0; i < set->n; i++)
		if (term[i] < batch->n) {
			struct want *w = batch->wants[term[i]];

			w->v[w->n++] = &set->v[i];
		}
	free(term);
}

static void
split(struct drift_book *b, struct batch *batch)
{
	size_t half = batch->n / 2;

	batch_make(b, batch->round, batch->wants, half);
	batch_make(b, batch->round, batch->wants + half, batch->n - half);
}

bool
drift_book_answer(struct drift_book *b, const struct series_set *answer)
{
	struct batch *batch = answer->query == NULL ? NULL : batch_find(b, answer->query);

	if (batch == NULL)
		return false;
	if (answer->n_left_out > 0 && batch->n > 1) {
		split(b, batch);
	} else {
		const char *error = answer->n_left_out == 0 ? NULL :
		    "the answer has more series than are read: fewer values of the label, or "
		    "fewer bounds, are needed";

		keep_block(batch->round, answer);
		deal(batch, answer);
		for (size_t i = 0; i < batch->n; i++)
			want_close(batch->round, batch->wants[i], error, false);
	}
	batch_free(b, batch);
	list_asks(b);
	return true;
}

/* Of the request itself, and not of the source or the way there. */
static bool
is_own_fault(long status)
{
	return status == 400 || status == 413 || status == 414 || status == 422;
}

bool
drift_book_failed(struct drift_book *b, const char *id, long http_status, const char *error)
{
	struct batch *batch = batch_find(b, id);
	const char *said = error == NULL || *error == '\0' ? "the source did not answer" : error;
	bool is_own = is_own_fault(http_status);

	if (batch == NULL)
		return false;
	if (is_own && batch->n > 1)
		split(b, batch);
	else
		for (size_t i = 0; i < batch->n; i++)
			want_close(batch->round, batch->wants[i], said, !is_own);
	batch_free(b, batch);
	list_asks(b);
	return true;
}
