/*
 * How everything stands now, and at the time cursor: a round; for what is beyond noise and has no
 * earlier window to say so, too, a second round half a window before; then the verdicts.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "insight/drift_book_priv.h"

static bool
is_past(const struct drift_book *b, const struct view *v)
{
	return v == &b->views[ROUND_THEN];
}

static struct round *
main_round(struct drift_book *b, const struct view *v)
{
	return &b->rounds[is_past(b, v) ? ROUND_THEN : ROUND_NOW];
}

static struct round *
before_round(struct drift_book *b, const struct view *v)
{
	return &b->rounds[is_past(b, v) ? ROUND_THEN_BEFORE : ROUND_NOW_BEFORE];
}

void
view_drop(struct drift_book *b, struct view *v)
{
	round_end(b, main_round(b, v));
	round_end(b, before_round(b, v));
	block_unref(v->set);
	v->set = NULL;
	v->is_running = v->is_again = false;
}

/* --- a round ---------------------------------------------------------------------------------- */

static bool
is_due(const struct drift_book *b, const struct view *v)
{
	if (!v->is_on || v->is_running || b->n == 0)
		return false;
	if (!v->is_begun)
		return true;
	/* What was, stays; but what could not be read of it is asked again. */
	if (is_past(b, v) && !v->is_lacking)
		return false;
	/* A clock that was set back starts anew. */
	return b->now_ns >= v->begin_ns + b->every_ns || b->now_ns < v->begin_ns;
}

static void
begin(struct drift_book *b, struct view *v)
{
	v->is_begun = v->is_running = true;
	v->is_lacking = false;
	v->begin_ns = b->now_ns;
	if (!is_past(b, v)) {
		v->at_ns = b->now_ns - b->now_ns % NS_PER_S;
		b->history_left = b->n <= HISTORY_FEW ? 4 : 1;
	}
	round_begin(b, main_round(b, v), v->at_ns, NULL);
}

static void
judge_main(struct drift_book *b, struct view *v)
{
	struct drift_set *set = block_new(sizeof *set);
	struct arena *mem = &set->block.arena;
	struct round *r = main_round(b, v);

	v->set = set;
	v->judged = arena_alloc(mem, (b->n + 1) * sizeof *v->judged);
	v->against = arena_alloc(mem, (b->n + 1) * sizeof *v->against);
	v->was_beyond = arena_alloc(mem, (b->n + 1) * sizeof *v->was_beyond);
	judge_round(b, r, v->judged, v->against, mem);
	v->is_lacking |= r->has_source_failed;
	round_end(b, r);
}

/* true: earlier windows must be asked. */
static bool
look_before(struct drift_book *b, struct view *v)
{
	bool *is_in = xcalloc(b->n + 1, sizeof *is_in), is_any = false;

	for (size_t i = 0; i < b->n; i++) {
		bool is_known = false;

		if (!drift_judged_is_beyond(&v->judged[i], b->defs->fdr))
			continue;
		if (!is_past(b, v))
			v->was_beyond[i] = item_was_beyond(&b->items[i], v->at_ns, &is_known);
		is_in[i] = !is_known;
		is_any |= is_in[i];
	}
	if (is_any)
		round_begin(b, before_round(b, v), v->at_ns, is_in);
	free(is_in);
	return is_any;
}

static void
judge_before(struct drift_book *b, struct view *v)
{
	struct drift_judged *judged = xcalloc(b->n + 1, sizeof *judged);
	const char **against = xcalloc(b->n + 1, sizeof *against);
	struct round *r = before_round(b, v);
	struct arena mem = ARENA_INIT;

	judge_round(b, r, judged, against, &mem);
	for (size_t i = 0; i < b->n; i++) {
		struct item *item = &b->items[i];

		if (!r->got[i].is_in)
			continue;
		v->was_beyond[i] = drift_judged_is_beyond(&judged[i], b->defs->fdr);
		if (!is_past(b, v) && !r->has_source_failed)
			item_remember(
			    item, v->at_ns - item->def->window_ns / 2, v->was_beyond[i]);
	}
	v->is_lacking |= r->has_source_failed;
	arena_done(&mem);
	free(against);
	free(judged);
	round_end(b, r);
}

/* --- the verdicts ----------------------------------------------------------------------------- */

/*
 * Whatever was unknown in between, what is drifted stays so until it is seen to be back within noise:
 * what goes back and forth over the effect is one drift, not many.
 */
static void
mark(struct drift_book *b, struct item *item, const struct drift *d)
{
	bool is_drifted = d->state == DRIFT_DRIFTED;

	if (is_drifted == item->is_drifted || (!is_drifted && d->state != DRIFT_STEADY))
		return;
	/* When it began before the program did is for history to tell. */
	if (item->was_judged || !is_drifted)
		marker_add(b, item, d->at_ns, is_drifted, d->why);
	else
		item->is_onset_open = true;
	item->is_drifted = is_drifted;
}

static void
close_live(struct drift_book *b, struct item *item, struct drift_judged *j)
{
	struct drift *d = &j->d;

	mark(b, item, d);
	if (!item->was_judged || item->state != d->state) {
		/* The earlier window was so, too. */
		item->since_ns = !item->was_judged && d->state == DRIFT_DRIFTED ?
		    d->at_ns - item->def->window_ns / 2 :
		    d->at_ns;
		item->state = d->state;
	}
	item->was_judged = true;
	d->since_ns = item->since_ns;
	if (j->reason == NULL)
		item_remember(item, d->at_ns, drift_judged_is_beyond(j, b->defs->fdr));
}

static bool
is_settled(const struct drift_book *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct item *item = &b->items[i];
		bool needs_profile = item->def->reference == DRIFT_FROM_PROFILE &&
		    item->def->kind != DRIFT_SKEW;

		if (!item->was_judged ||
		    (needs_profile && item->profile == NULL && item->profile_why == NULL))
			return false;
	}
	return true;
}

static void
close_view(struct drift_book *b, struct view *v)
{
	struct drift_set *set = v->set;
	struct drift *out = arena_alloc(&set->block.arena, (b->n + 1) * sizeof *out);

	for (size_t i = 0; i < b->n; i++) {
		struct drift_judged *j = &v->judged[i];

		j->d.at_ns = v->at_ns;
		j->d.id = arena_strdup(&set->block.arena, j->def->id);
		drift_judge_close(
		    j, b->defs->fdr, v->was_beyond[i], v->against[i], &set->block.arena);
		if (!is_past(b, v))
			close_live(b, &b->items[i], j);
		out[i] = j->d;
	}
	set->at_ns = v->at_ns;
	set->every_ns = b->every_ns;
	set->is_past = is_past(b, v);
	set->n = b->n;
	set->v = out;
	if (!set->is_past) {
		history_live(b, v->at_ns, v->judged);
		b->is_settled = !v->is_again && is_settled(b);
	}
	v->set = NULL;
	v->is_running = false;
	v->is_begun = !v->is_again;
	v->is_again = false;
	event_list_add(&b->events, EVENT_DRIFTS, b->now_ns, "", set);
}

void
view_turn(struct drift_book *b, struct view *v)
{
	if (is_due(b, v))
		begin(b, v);
	if (!v->is_running)
		return;
	if (v->set == NULL) {
		if (!round_advance(b, main_round(b, v)))
			return;
		judge_main(b, v);
		if (!look_before(b, v))
			close_view(b, v);
	} else if (round_advance(b, before_round(b, v))) {
		judge_before(b, v);
		close_view(b, v);
	}
}

int64_t
view_due_ns(const struct drift_book *b, const struct view *v)
{
	const struct round *r = &b->rounds[v - b->views];

	if (!v->is_on || b->n == 0)
		return INT64_MAX;
	if (!v->is_begun)
		return b->now_ns;
	if (v->is_running) {
		r = v->set == NULL ? r : &b->rounds[ROUND_NOW_BEFORE + (v - b->views)];
		return r->begin_ns + ROUND_WAIT * b->every_ns;
	}
	return is_past(b, v) && !v->is_lacking ? INT64_MAX : v->begin_ns + b->every_ns;
}
