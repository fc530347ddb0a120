/* A round: one time at which all definitions are asked about, and what must be asked after that. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "insight/drift_book_priv.h"

const struct served *
item_served(const struct drift_book *b, const struct item *item)
{
	const struct served *s;

	TAILQ_FOREACH(s, &b->served, next)
		if (strcmp(s->model, item->def->model) == 0)
			return s;
	return NULL;
}

static void
want(struct round *r, struct item *item, enum which which, enum what what, int64_t at_ns,
    int64_t window_ns, const char *version)
{
	bool is_trained = which == THEN && item->def->kind == DRIFT_SKEW;
	struct buf expr;

	buf_init(&expr, 64 << 10);
	want_expr(&expr, item, is_trained ? &item->trained : &item->metric, what, window_ns, version);
	round_want(r, item, which, what, at_ns, window_ns, expr.data);
	buf_done(&expr);
}

void
round_side_wants(struct round *r, struct item *item, enum which which, int64_t at_ns,
    int64_t window_ns, const char *version, bool is_layout)
{
	const struct drift_def *def = item->def;

	if (def->data == DRIFT_GAUGE) {
		for (int what = WHAT_N; what <= WHAT_PAIRS; what++)
			want(r, item, which, (enum what)what, at_ns, window_ns, version);
	} else {
		want(r, item, which, WHAT_CELLS, at_ns, window_ns, version);
		if (is_layout && def->data == DRIFT_CLASSIC)
			want(r, item, which, WHAT_LAYOUT, at_ns, window_ns, version);
	}
	/* Of training data nobody says how much is missing, and of another version nobody can. */
	if (def->missing != NULL && (which == NOW || def->reference == DRIFT_FROM_PAST) &&
	    (which == NOW || def->kind != DRIFT_SKEW))
		want(r, item, which, WHAT_MISSING, at_ns, window_ns, NULL);
}

static bool
is_of_serving(const struct round *r)
{
	return r->kind == ROUND_NOW || r->kind == ROUND_NOW_BEFORE;
}

/*
 * What is looked at. Bounds are looked at so often that a host with others is known before two windows
 * that are half a window apart could say that something drifted. Which version should have served at another
 * time is not known here.
 */
static void
now_wants(struct drift_book *b, struct round *r, struct item *item)
{
	const struct served *s = item_served(b, item);
	bool is_one = item->def->version_label != NULL && is_of_serving(r),
	     is_layout = r->kind != ROUND_NOW || item->layout_age == 0 ||
	    LAYOUT_ROUNDS * b->every_ns > item->def->window_ns / 2;
	int64_t at_ns = r->at_ns;

	if (is_one && (s == NULL || *s->version == '\0'))
		return;
	if (r->kind == ROUND_NOW_BEFORE || r->kind == ROUND_THEN_BEFORE)
		at_ns -= item->def->window_ns / 2;
	round_side_wants(r, item, NOW, at_ns, item->def->window_ns, is_one ? s->version : NULL,
	    is_layout);
	if (r->kind == ROUND_NOW)
		item->layout_age = (item->layout_age + 1) % LAYOUT_ROUNDS;
}

void
round_begin(struct drift_book *b, struct round *r, int64_t at_ns, const bool *is_in)
{
	round_end(b, r);
	r->phase = PHASE_FIRST;
	r->at_ns = at_ns;
	r->begin_ns = b->now_ns;
	r->got = xcalloc(b->n + 1, sizeof *r->got);
	for (size_t i = 0; i < b->n; i++) {
		r->got[i].is_in = is_in == NULL || is_in[i];
		if (!r->got[i].is_in || b->items[i].error != NULL)
			continue;
		now_wants(b, r, &b->items[i]);
		reference_wants(b, r, &b->items[i]);
	}
	batches_make(b, r, 0);
}

void
round_end(struct drift_book *b, struct round *r)
{
	enum round_kind kind = r->kind;

	drift_batches_drop(b, r);
	for (size_t i = 0; i < r->n_blocks; i++)
		block_unref(r->blocks[i]);
	free(r->blocks);
	free(r->wants);
	free(r->got);
	arena_done(&r->arena);
	*r = (struct round){ .kind = kind };
}

static void
more(struct drift_book *b, struct round *r,
    void (*ask)(struct drift_book *, struct round *, struct item *))
{
	size_t first = r->n_wants;

	for (size_t i = 0; i < b->n; i++)
		if (r->got[i].is_in && b->items[i].error == NULL)
			ask(b, r, &b->items[i]);
	batches_make(b, r, first);
}

bool
round_advance(struct drift_book *b, struct round *r)
{
	if (r->phase == PHASE_IDLE)
		return false;
	if (b->now_ns >= r->begin_ns + ROUND_WAIT * b->every_ns) {
		drift_batches_expire(b, r);
		r->phase = PHASE_DONE;
	}
	while (r->n_open == 0 && r->phase != PHASE_DONE) {
		if (r->phase == PHASE_FIRST)
			more(b, r, reference_seen_wants);
		else if (r->phase == PHASE_SEEN)
			more(b, r, reference_gone_wants);
		r->phase++;
	}
	return r->phase == PHASE_DONE;
}
