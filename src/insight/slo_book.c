/* The book's life: definitions, and the rounds in which all is asked and worked out. */
#include "config.h"

#include "insight/slo_book_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "insight/slo_promql.h"

#define EVERY_DEFAULT (15 * NS_PER_S)

struct slo_book *
slo_book_new(void)
{
	struct slo_book *b = xcalloc(1, sizeof *b);

	b->every_ns = EVERY_DEFAULT;
	b->views[VIEW_NOW].kind = VIEW_NOW;
	b->views[VIEW_THEN].kind = VIEW_THEN;
	TAILQ_INIT(&b->terms);
	TAILQ_INIT(&b->sources);
	TAILQ_INIT(&b->batches);
	TAILQ_INIT(&b->besides);
	return b;
}

static void
objectives_free(struct slo_book *b)
{
	for (size_t i = 0; i < b->n_objectives; i++)
		free(b->objectives[i].error);
	free(b->objectives);
	b->objectives = NULL;
	b->n_objectives = 0;
}

static void
views_drop(struct slo_book *b)
{
	for (int view = 0; view < N_VIEWS; view++) {
		batches_drop(b, (enum view_kind)view);
		besides_drop(b, (enum view_kind)view);
	}
}

void
slo_book_free(struct slo_book *b)
{
	struct term *t;

	if (b == NULL)
		return;
	views_drop(b);
	TAILQ_FOREACH(t, &b->terms, next)
		t->n_users = 0;
	terms_sweep(b);
	sources_free_all(b);
	objectives_free(b);
	block_unref(b->last);
	block_unref(b->last_defs);
	block_unref(b->defs);
	block_unref(b->env);
	free(b->asks);
	free(b);
}

/* --- definitions ------------------------------------------------------------------------------ */

static const struct slo *
find_last(const struct slo_book *b, const char *id)
{
	for (size_t i = 0; b->last != NULL && i < b->last->n; i++)
		if (strcmp(b->last->v[i].id, id) == 0)
			return &b->last->v[i];
	return NULL;
}

static void
objective_init(struct slo_book *b, struct objective *o, const struct slo_def *def)
{
	struct arena arena = ARENA_INIT;
	struct slo_terms terms;
	struct err err = ERR_INIT;

	*o = (struct objective){ .def = def, .last = find_last(b, def->id) };
	o->was_known = o->last != NULL;
	if (slo_terms(def, &arena, &terms, &err) < 0) {
		o->error = xstrdup(err.msg);
	} else {
		o->first = term_get(b, def->source, terms.first, def->resolution_ns);
		o->total = term_get(b, def->source, terms.total, def->resolution_ns);
		o->first->n_users++;
		o->total->n_users++;
		o->is_good = terms.is_good;
		o->n_windows = slo_windows(def, o->windows);
		o->step_ns = slo_tile_step(def);
	}
	arena_done(&arena);
}

static void
count_terms(struct slo_book *b)
{
	struct term *t;

	b->stats.n_terms = b->stats.n_shared = 0;
	TAILQ_FOREACH(t, &b->terms, next) {
		b->stats.n_terms++;
		b->stats.n_shared += t->n_users - 1;
	}
}

void
slo_book_define(struct slo_book *b, const struct slo_def_set *defs, const struct environment *env)
{
	const struct slo_def_set *old_defs = b->defs;
	const struct environment *old_env = b->env;
	struct term *t;

	views_drop(b);
	b->defs = block_ref(defs);
	b->env = block_ref(env);
	TAILQ_FOREACH(t, &b->terms, next)
		t->n_users = 0;
	objectives_free(b);
	b->n_objectives = defs == NULL ? 0 : defs->n;
	b->objectives = xcalloc(b->n_objectives + 1, sizeof *b->objectives);
	for (size_t i = 0; i < b->n_objectives; i++)
		objective_init(b, &b->objectives[i], &defs->v[i]);
	terms_sweep(b);
	count_terms(b);
	for (int i = 0; i < N_VIEWS; i++)
		b->views[i].is_running = b->views[i].is_begun = b->views[i].is_set_due =
		    b->views[i].is_details_due = false;
	b->views[VIEW_NOW].is_on = b->n_objectives > 0;
	batches_list(b);
	block_unref(old_defs);
	block_unref(old_env);
	b->is_changed = true;
}

void
slo_book_every(struct slo_book *b, int64_t every_ns)
{
	b->every_ns = every_ns > 0 ? every_ns : EVERY_DEFAULT;
}

void
slo_book_at(struct slo_book *b, int64_t past_ns)
{
	struct view *then = &b->views[VIEW_THEN];
	int64_t at_ns = align_down(past_ns, NS_PER_S);
	struct term *t;

	if (past_ns == 0 ? !then->is_on : then->is_on && then->at_ns == at_ns)
		return;
	batches_drop(b, VIEW_THEN);
	TAILQ_FOREACH(t, &b->terms, next) {
		cells_drop(t, VIEW_THEN);
		if (past_ns == 0)
			strips_drop(t, VIEW_THEN);
	}
	if (past_ns == 0)
		besides_drop(b, VIEW_THEN);
	*then = (struct view){
		.kind = VIEW_THEN, .is_on = past_ns != 0, .at_ns = at_ns, .round = then->round
	};
	batches_list(b);
	b->is_changed = true;
}

/* --- rounds ----------------------------------------------------------------------------------- */

static bool
is_round_due(const struct slo_book *b, const struct view *view)
{
	if (!view->is_on || view->is_running || b->n_objectives == 0)
		return false;
	if (!view->is_begun)
		return true;
	/* What was, stays; but what is not known of it is asked again. */
	if (view->kind == VIEW_THEN && !view->is_lacking)
		return false;
	/* A clock that was set back starts anew. */
	return b->now_ns >= view->begin_ns + b->every_ns || b->now_ns < view->begin_ns;
}

static void
begin(struct slo_book *b, struct view *view)
{
	bool is_first = !view->is_begun;

	if (view->kind == VIEW_NOW) {
		view->at_ns = align_down(b->now_ns, b->every_ns < NS_PER_S ? NS_PER_MS : NS_PER_S);
		limits_round(b);
	}
	view->is_begun = view->is_running = true;
	view->is_early_taken = view->is_lacking = false;
	view->begin_ns = b->now_ns;
	view->round++;
	want_round(b, view);
	/* What is known already from before belongs to new definitions, too, and to what was lacking. */
	view->has_new_tiles |= is_first || view->kind == VIEW_THEN;
}

/* A first answer need not wait for a month of tiles. */
static bool
is_early_wanted(const struct slo_book *b, const struct view *view)
{
	if (view->is_early_taken)
		return false;
	if (view->kind == VIEW_THEN)
		return true;
	for (size_t i = 0; i < b->n_objectives; i++)
		if (!b->objectives[i].is_settled)
			return true;
	return false;
}

static void
end_round(struct view *view)
{
	view->is_running = false;
	view->is_set_due = true;
	view->is_details_due = view->has_new_tiles || view->has_new_beside;
	view->has_new_tiles = view->has_new_beside = false;
}

/* What came behind the end of its round, such as the tiles of a long window. */
static void
catch_up(struct view *view, size_t n_tiles)
{
	if (view->has_new_tiles && n_tiles == 0) {
		view->is_set_due = view->is_details_due = true;
		view->has_new_tiles = view->has_new_beside = false;
	} else if (view->has_new_beside && !view->has_new_tiles) {
		view->is_details_due = true;
		view->has_new_beside = false;
	}
}

static void
look_at_round(struct slo_book *b, struct view *view)
{
	size_t n_instants = batches_count(b, view->kind, BATCH_INSTANTS),
	       n_tiles = batches_count(b, view->kind, BATCH_TILES);
	bool is_late = b->now_ns >= view->begin_ns + PER_ROUND_WAIT * b->every_ns;
	/* The next round need not wait for a month of tiles; they are worked out when they come. */
	bool is_over = n_instants == 0 &&
	    (n_tiles == 0 || b->now_ns >= view->begin_ns + b->every_ns);

	if (!view->is_begun)
		return;
	if (!view->is_running) {
		catch_up(view, n_tiles);
		return;
	}
	if (is_late)
		batches_expire(b, view->kind);
	if (is_late || is_over) {
		end_round(view);
	} else if (n_instants == 0 && is_early_wanted(b, view)) {
		view->is_early_taken = true;
		view->is_set_due = true;
	}
}

bool
slo_book_turn(struct slo_book *b, int64_t now_ns)
{
	bool was_changed;

	b->now_ns = now_ns;
	batches_forget(b);
	for (int i = 0; i < N_VIEWS; i++) {
		look_at_round(b, &b->views[i]);
		if (is_round_due(b, &b->views[i]) && !b->views[i].is_set_due &&
		    !b->views[i].is_details_due) {
			begin(b, &b->views[i]);
			look_at_round(b, &b->views[i]);
		}
	}
	batches_release(b);
	was_changed = b->is_changed;
	b->is_changed = false;
	for (int i = 0; i < N_VIEWS; i++)
		was_changed |= b->views[i].is_set_due || b->views[i].is_details_due;
	return was_changed;
}

int64_t
slo_book_due_ns(const struct slo_book *b)
{
	int64_t due = INT64_MAX;

	for (int i = 0; i < N_VIEWS; i++) {
		const struct view *view = &b->views[i];
		int64_t at = INT64_MAX;

		if (!view->is_on || b->n_objectives == 0)
			continue;
		if (!view->is_begun || view->is_set_due || view->is_details_due)
			at = b->now_ns;
		else if (view->is_running)
			at = view->begin_ns +
			    b->every_ns *
				(batches_count(b, view->kind, BATCH_INSTANTS) > 0 ? PER_ROUND_WAIT :
										    1);
		else if (view->kind == VIEW_NOW || view->is_lacking)
			at = view->begin_ns + b->every_ns;
		else if (batches_count(b, view->kind, BATCH_TILES) > 0)
			at = b->now_ns + BATCH_WAIT;
		due = at < due ? at : due;
	}
	return due;
}

size_t
slo_book_asks(const struct slo_book *b, const struct slo_ask **ret)
{
	*ret = b->asks;
	return b->n_asks;
}

bool
slo_book_is_settled(const struct slo_book *b)
{
	for (size_t i = 0; i < b->n_objectives; i++)
		if (!b->objectives[i].is_settled)
			return false;
	return true;
}

void
slo_book_take(struct slo_book *b, struct slo_set **ret_set, struct slo_detail_set **ret_details)
{
	*ret_set = NULL;
	*ret_details = NULL;
	for (int i = 0; i < N_VIEWS; i++) {
		struct view *view = &b->views[i];

		if (!view->is_set_due && !view->is_details_due)
			continue;
		if (view->is_details_due)
			work_details(b, view, ret_details);
		if (view->is_set_due)
			work_set(b, view, ret_set);
		view->is_set_due = view->is_details_due = false;
		return;
	}
}

void
slo_book_stats(const struct slo_book *b, struct slo_book_stats *ret)
{
	*ret = b->stats;
}
