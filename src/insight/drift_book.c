/* The book's life: definitions, profiles, versions, and turns. */
#include "config.h"

#include "insight/drift_book.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "insight/drift_book_priv.h"

#define EVERY_DEFAULT NS_PER_MIN

struct drift_book *
drift_book_new(void)
{
	struct drift_book *b = xcalloc(1, sizeof *b);

	b->every_ns = EVERY_DEFAULT;
	for (int i = 0; i < ROUNDS; i++)
		b->rounds[i].kind = (enum round_kind)i;
	TAILQ_INIT(&b->profiles);
	TAILQ_INIT(&b->served);
	TAILQ_INIT(&b->batches);
	return b;
}

/* --- profiles --------------------------------------------------------------------------------- */

static void
profile_unref(struct drift_book *b, struct profile_text *p)
{
	if (p == NULL || --p->n_users > 0)
		return;
	TAILQ_REMOVE(&b->profiles, p, next);
	drift_profile_free(p->profile);
	free(p->text);
	free(p);
}

/* The profile of a text, parsed once for all that share it. One reference. */
static int
profile_get(struct drift_book *b, const char *text, size_t len, struct profile_text **ret,
    struct err *err)
{
	uint64_t hash = str_hash(text, len, STR_HASH_SEED);
	struct drift_profile *parsed;
	struct profile_text *p;
	int r;

	TAILQ_FOREACH(p, &b->profiles, next) {
		if (p->hash != hash || p->len != len || memcmp(p->text, text, len) != 0)
			continue;
		p->n_users++;
		*ret = p;
		return 0;
	}
	r = drift_profile_parse(text, len, &parsed, err);
	if (r < 0)
		return r;
	p = xcalloc(1, sizeof *p);
	*p = (struct profile_text){
		.hash = hash, .len = len, .text = xmalloc(len + 1), .n_users = 1, .profile = parsed
	};
	memcpy(p->text, text, len);
	TAILQ_INSERT_TAIL(&b->profiles, p, next);
	*ret = p;
	return 0;
}

static void
again(struct drift_book *b)
{
	for (int i = 0; i < 2; i++) {
		if (!b->views[i].is_running)
			b->views[i].is_begun = false;
		b->views[i].is_again = b->views[i].set != NULL;
	}
	b->is_changed = true;
}

static struct item *
item_find(const struct drift_book *b, const char *id)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->items[i].def->id, id) == 0)
			return &b->items[i];
	return NULL;
}

int
drift_book_profile(struct drift_book *b, const char *id, const char *text, size_t len,
    const char *why, struct err *err)
{
	struct item *item = item_find(b, id);
	struct profile_text *p = NULL;
	struct err own = ERR_INIT;
	int r = 0;

	if (item == NULL)
		return err_set(err, ERR_NOTFOUND, "there is no definition \"%s\"", id);
	if (text != NULL)
		r = profile_get(b, text, len, &p, &own);
	if (r == 0 && p != NULL && p == item->profile) {
		profile_unref(b, p);
		return 0;
	}
	profile_unref(b, item->profile);
	free(item->profile_why);
	item->profile = p;
	item->profile_why = p != NULL ? NULL :
	    xstrdup(r < 0 ? own.msg : why != NULL ? why : "there is no training profile");
	item->n_ring = 0;
	item->filled = 0;
	again(b);
	return r < 0 ? err_set(err, r, "%s", own.msg) : 0;
}

/* --- versions --------------------------------------------------------------------------------- */

static struct served *
served_get(struct drift_book *b, const char *model)
{
	struct served *s;

	TAILQ_FOREACH(s, &b->served, next)
		if (strcmp(s->model, model) == 0)
			return s;
	s = xcalloc(1, sizeof *s);
	s->model = xstrdup(model);
	s->version = xstrdup("");
	s->previous = xstrdup("");
	TAILQ_INSERT_TAIL(&b->served, s, next);
	return s;
}

/* What was found out about another version says nothing. */
static void
forget_versions(struct drift_book *b, const char *model)
{
	for (size_t i = 0; i < b->n; i++) {
		struct item *item = &b->items[i];

		if (strcmp(item->def->model, model) != 0 || item->def->version_label == NULL)
			continue;
		item->n_ring = 0;
		item->layout_age = 0;
		if (item->def->reference == DRIFT_FROM_VERSION)
			reference_done(&item->reference);
	}
}

void
drift_book_serving(
    struct drift_book *b, const char *model, const char *version, const char *previous)
{
	struct served *s = served_get(b, model);

	if (strcmp(s->version, version) == 0 && strcmp(s->previous, previous) == 0)
		return;
	free(s->version);
	free(s->previous);
	s->version = xstrdup(version);
	s->previous = xstrdup(previous);
	forget_versions(b, model);
	/* A round under way asks about the version of before. */
	view_drop(b, &b->views[ROUND_NOW]);
	again(b);
}

/* --- definitions ------------------------------------------------------------------------------ */

static void
item_done(struct drift_book *b, struct item *item)
{
	profile_unref(b, item->profile);
	reference_done(&item->reference);
	selector_done(&item->metric);
	selector_done(&item->trained);
	for (int i = 0; i < SIDES; i++)
		free(item->partial[i].v);
	free(item->profile_why);
	free(item->error);
}

static void
item_init(struct item *item, const struct drift_def *def)
{
	struct err err = ERR_INIT;

	*item = (struct item){ .def = def };
	if (selector_parse(def->metric, &item->metric, &err) < 0 ||
	    (def->kind == DRIFT_SKEW && def->trained != NULL &&
		selector_parse(def->trained, &item->trained, &err) < 0))
		item->error = xstrdup(err.msg);
	else if (def->kind == DRIFT_SKEW && def->trained == NULL)
		item->error = xstrdup("skew needs the metric of training data to be held against");
	else if (def->data == DRIFT_CLASSIC && item->metric.name == NULL)
		item->error = xstrdup("a classic histogram needs its name before the braces");
	else if (def->data == DRIFT_CATEGORIES && def->label == NULL)
		item->error = xstrdup("categories need label:, whose values are counted");
	else if (def->data == DRIFT_CATEGORIES && strcmp(def->label, DRIFT_BOOK_LABEL) == 0)
		item->error = xstrdup("the label \"" DRIFT_BOOK_LABEL "\" cannot be counted: requests tell "
		    "their parts apart by it. Give the values another label with a recording rule");
	else if (def->window_ns < NS_PER_MIN)
		item->error = xstrdup("the window is shorter than a minute");
}

/* The same numbers are looked at: what is known of them holds. */
static bool
is_same(const struct drift_def *a, const struct drift_def *b)
{
	return a->kind == b->kind && a->data == b->data && strcmp(a->source, b->source) == 0 &&
	    strcmp(a->metric, b->metric) == 0 && str_eq(a->label, b->label) &&
	    str_eq(a->trained, b->trained) && str_eq(a->version_label, b->version_label) &&
	    a->reference == b->reference && str_eq(a->profile, b->profile) &&
	    str_eq(a->version, b->version) && a->ago_ns == b->ago_ns &&
	    a->reference_ns == b->reference_ns && a->window_ns == b->window_ns &&
	    a->effect == b->effect && a->min_n == b->min_n;
}

static struct item *
take_old(struct item *old, size_t n, const struct drift_def *def, size_t hint)
{
	for (size_t k = 0; k < n; k++) {
		struct item *item = &old[(hint + k) % n];

		if (item->def != NULL && strcmp(item->def->id, def->id) == 0)
			return is_same(item->def, def) ? item : NULL;
	}
	return NULL;
}

static void
views_drop(struct drift_book *b)
{
	view_drop(b, &b->views[ROUND_NOW]);
	view_drop(b, &b->views[ROUND_THEN]);
	round_end(b, &b->rounds[ROUND_HISTORY]);
}

void
drift_book_define(struct drift_book *b, const struct drift_def_set *defs)
{
	const struct drift_def_set *old_defs = b->defs;
	struct item *old = b->items;
	size_t n_old = b->n;

	views_drop(b);
	b->defs = block_ref(defs);
	b->n = defs == NULL ? 0 : defs->n;
	b->items = xcalloc(b->n + 1, sizeof *b->items);
	for (size_t i = 0; i < b->n; i++) {
		struct item *item = take_old(old, n_old, &defs->v[i], i), *to = &b->items[i];

		if (item != NULL) {
			*to = *item;
			item->def = NULL;
			to->def = &defs->v[i];
		} else {
			item_init(to, &defs->v[i]);
		}
		to->index = i;
	}
	for (size_t i = 0; i < n_old; i++)
		if (old[i].def != NULL)
			item_done(b, &old[i]);
	free(old);
	block_unref(old_defs);
	history_define(b);
	b->views[ROUND_NOW].is_on = b->n > 0;
	b->is_settled = b->n == 0;
	again(b);
}

void
drift_book_every(struct drift_book *b, int64_t every_ns)
{
	b->every_ns = every_ns > 0 ? every_ns : EVERY_DEFAULT;
}

void
drift_book_at(struct drift_book *b, int64_t past_ns)
{
	struct view *then = &b->views[ROUND_THEN];
	int64_t at_ns = past_ns - past_ns % NS_PER_S;

	if (past_ns == 0 ? !then->is_on : then->is_on && then->at_ns == at_ns)
		return;
	view_drop(b, then);
	*then = (struct view){ .is_on = past_ns != 0, .at_ns = at_ns };
	b->is_changed = true;
}

/* --- turns ------------------------------------------------------------------------------------ */

bool
drift_book_turn(struct drift_book *b, int64_t now_ns)
{
	bool was_changed;

	b->now_ns = now_ns;
	view_turn(b, &b->views[ROUND_NOW]);
	view_turn(b, &b->views[ROUND_THEN]);
	history_turn(b);
	if (b->views[ROUND_NOW].at_ns != 0)
		markers_take(b, b->views[ROUND_NOW].at_ns);
	history_take(b);
	drift_batches_release(b);
	was_changed = b->is_changed || b->events.n > 0;
	b->is_changed = false;
	return was_changed;
}

int64_t
drift_book_due_ns(const struct drift_book *b)
{
	const struct round *history = &b->rounds[ROUND_HISTORY];
	int64_t due = INT64_MAX;

	for (int i = 0; i < 2; i++) {
		int64_t at = view_due_ns(b, &b->views[i]);

		due = at < due ? at : due;
	}
	if (history->phase != PHASE_IDLE && history->begin_ns + ROUND_WAIT * b->every_ns < due)
		due = history->begin_ns + ROUND_WAIT * b->every_ns;
	return b->events.n > 0 ? b->now_ns : due;
}

bool
drift_book_is_settled(const struct drift_book *b)
{
	return b->is_settled;
}

void
drift_book_take(struct drift_book *b, struct event_list *ret)
{
	*ret = b->events;
	b->events = (struct event_list){ 0 };
}

void
drift_book_free(struct drift_book *b)
{
	struct served *s;

	if (b == NULL)
		return;
	views_drop(b);
	for (size_t i = 0; i < b->n; i++)
		item_done(b, &b->items[i]);
	free(b->items);
	while ((s = TAILQ_FIRST(&b->served)) != NULL) {
		TAILQ_REMOVE(&b->served, s, next);
		free(s->model);
		free(s->version);
		free(s->previous);
		free(s);
	}
	drift_markers_done(b);
	event_list_done(&b->events);
	block_unref(b->defs);
	free(b->asks);
	free(b);
}
