/*
 * What a definition is held against: a profile, another version, a past window, or training data as it
 * is logged now; and how long what was asked of it holds.
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "insight/drift_book_priv.h"
#include "insight/slo_promql.h"

enum { PAST_PARTS = 12 };	/* a past window is asked anew when it has moved by so much of itself */
#define GONE_AGAIN NS_PER_HOUR	/* whether a version that is gone serves again */

enum from { FROM_PROFILE, FROM_VERSION, FROM_PAST, FROM_TRAINED };

static enum from
from_of(const struct item *item)
{
	if (item->def->kind == DRIFT_SKEW)
		return FROM_TRAINED;
	switch (item->def->reference) {
	case DRIFT_FROM_VERSION:
		return FROM_VERSION;
	case DRIFT_FROM_PAST:
		return FROM_PAST;
	default:
		return FROM_PROFILE;
	}
}

void
reference_done(struct reference *r)
{
	arena_done(&r->arena);
	free(r->version);
	free(r->reason);
	*r = (struct reference){ 0 };
}

/* Which version; NULL: not known. */
static const char *
version_of(const struct drift_book *b, const struct item *item)
{
	const struct served *s = item_served(b, item);

	if (item->def->version == NULL)
		return NULL;
	if (strcmp(item->def->version, "previous") != 0)
		return item->def->version;
	return s == NULL || *s->previous == '\0' ? NULL : s->previous;
}

/* Why there can be none; NULL: it can be asked. */
static const char *
version_problem(const struct drift_book *b, const struct item *item, struct arena *mem)
{
	const struct served *s = item_served(b, item);
	const char *version = version_of(b, item);
	char text[200], shown[80];

	if (item->def->version_label == NULL)
		return "to hold a version against another, say which label tells them apart: "
		       "version: LABEL";
	if (version == NULL)
		return "which version served before is not known: no change was seen, and the "
		       "registry does not say";
	if (s == NULL || strcmp(s->version, version) != 0)
		return NULL;
	snprintf(text, sizeof text,
	    "version %s should serve, and is not held against itself: name another in reference:",
	    str_escape_to(shown, sizeof shown, version));
	return arena_strdup(mem, text);
}

/* --- asking ----------------------------------------------------------------------------------- */

static bool
is_version_kept(const struct drift_book *b, const struct item *item, const char *version)
{
	const struct reference *ref = &item->reference;

	return ref->is_known && ref->is_gone && str_eq(ref->version, version) &&
	    b->now_ns - ref->asked_ns < GONE_AGAIN && b->now_ns >= ref->asked_ns;
}

static bool
is_past_kept(const struct drift_book *b, const struct round *r, const struct item *item)
{
	const struct reference *ref = &item->reference;

	if (r->kind == ROUND_NOW_BEFORE)
		return true;
	return r->kind == ROUND_NOW && ref->is_known && b->now_ns >= ref->asked_ns &&
	    b->now_ns - ref->asked_ns < item->def->reference_ns / PAST_PARTS;
}

static int64_t
at_of(const struct round *r, const struct item *item)
{
	bool is_before = r->kind == ROUND_NOW_BEFORE || r->kind == ROUND_THEN_BEFORE;

	return is_before ? r->at_ns - item->def->window_ns / 2 : r->at_ns;
}

void
reference_wants(struct drift_book *b, struct round *r, struct item *item)
{
	const struct drift_def *def = item->def;
	const char *version;

	switch (from_of(item)) {
	case FROM_TRAINED:
		round_side_wants(r, item, THEN, at_of(r, item), def->window_ns, NULL, true);
		break;
	case FROM_PAST:
		if (!is_past_kept(b, r, item))
			round_side_wants(r, item, THEN, at_of(r, item) - def->ago_ns,
			    def->reference_ns, NULL, true);
		break;
	case FROM_VERSION:
		version = version_of(b, item);
		if (r->kind == ROUND_NOW && version_problem(b, item, &r->arena) == NULL &&
		    !is_version_kept(b, item, version))
			round_side_wants(
			    r, item, THEN, r->at_ns, def->window_ns, version, true);
		break;
	case FROM_PROFILE:
		break;
	}
}

/* How much the version sees now, for what was asked of it. */
static double
seen_now(struct item *item, struct round *r, const struct got *got)
{
	struct drift_side side;
	const char *error = side_make(&side, item, got, THEN, &r->arena);

	return error != NULL ? NAN : side.n;
}

/* A search of days: made once for all definitions of a model that look for the same version. */
static struct want *
seen_by_another(const struct drift_book *b, const struct round *r, const struct item *item)
{
	for (size_t i = 0; i < item->index; i++) {
		const struct drift_def *def = b->items[i].def;
		struct want *w = r->got[i].w[THEN][WHAT_SEEN];

		if (w != NULL && strcmp(def->source, item->def->source) == 0 &&
		    strcmp(def->model, item->def->model) == 0 &&
		    str_eq(def->version_label, item->def->version_label) &&
		    str_eq(def->version, item->def->version))
			return w;
	}
	return NULL;
}

void
reference_seen_wants(struct drift_book *b, struct round *r, struct item *item)
{
	struct got *got = &r->got[item->index];
	bool was_asked = got->w[THEN][WHAT_CELLS] != NULL || got->w[THEN][WHAT_N] != NULL;
	struct buf expr;

	if (from_of(item) != FROM_VERSION || r->kind != ROUND_NOW || !was_asked ||
	    !(seen_now(item, r, got) < item->def->min_n))
		return;
	got->w[THEN][WHAT_SEEN] = seen_by_another(b, r, item);
	if (got->w[THEN][WHAT_SEEN] != NULL)
		return;
	buf_init(&expr, 64 << 10);
	want_expr(&expr, item, &item->metric, WHAT_SEEN, item->def->window_ns, version_of(b, item));
	round_want(r, item, THEN, WHAT_SEEN, r->at_ns, item->def->window_ns, expr.data);
	buf_done(&expr);
}

void
reference_gone_wants(struct drift_book *b, struct round *r, struct item *item)
{
	const struct want *seen = r->got[item->index].w[THEN][WHAT_SEEN];
	double at;

	if (seen == NULL || seen->n == 0 || seen->v[0]->n == 0)
		return;
	at = seen->v[0]->v[seen->v[0]->n - 1].v;
	if (!(at > 0 && at < 9e9))
		return;
	round_side_wants(r, item, THEN, (int64_t)(at * (double)NS_PER_S), item->def->window_ns,
	    version_of(b, item), true);
}

/* --- keeping what was asked ------------------------------------------------------------------- */

static void
keep(struct drift_book *b, struct item *item, const struct drift_side *side, const char *version,
    bool is_gone)
{
	struct reference *ref = &item->reference;

	reference_done(ref);
	drift_side_copy(&ref->side, side, &ref->arena);
	ref->is_known = true;
	ref->is_gone = is_gone;
	ref->version = xstrdup_or_null(version);
	ref->asked_ns = b->now_ns;
}

static void
keep_reason(struct item *item, const char *reason)
{
	reference_done(&item->reference);
	item->reference.reason = xstrdup(reason);
}

static const char *
lend(const struct item *item, struct drift_side *ret, struct arena *mem)
{
	const struct reference *ref = &item->reference;

	*ret = ref->side;
	if (ref->is_known)
		return NULL;
	return ref->reason == NULL ? "the reference was not read yet" :
				     arena_strdup(mem, ref->reason);
}

/* --- profiles --------------------------------------------------------------------------------- */

static const char *
profile_side(struct item *item, struct drift_side *ret, const char **ret_against, struct arena *mem)
{
	const struct drift_profile *p = item->profile == NULL ? NULL : item->profile->profile;
	const char *name = item->def->feature != NULL ? item->def->feature : item->def->name;
	const struct drift_profile_feature *f;
	char text[200], shown[80];

	*ret_against = "the training profile";
	if (p == NULL)
		return item->profile_why != NULL ? arena_strdup(mem, item->profile_why) :
						   "the training profile was not read yet";
	if (*p->version != '\0') {
		snprintf(text, sizeof text, "the training profile of version %s",
		    str_escape_to(shown, sizeof shown, p->version));
		*ret_against = arena_strdup(mem, text);
	}
	f = drift_profile_find(p, item->def->kind, name);
	if (f == NULL) {
		snprintf(text, sizeof text, "the training profile has no \"%s\": add it, or say feature:",
		    str_escape_to(shown, sizeof shown, name));
		return arena_strdup(mem, text);
	}
	ret->shape = f->n_cells == 0 ? SHAPE_SUMMARY :
	    f->values != NULL	     ? SHAPE_CATEGORIES :
				       SHAPE_CELLS;
	ret->n_cells = f->n_cells;
	ret->edges = f->edges;
	ret->counts = f->counts;
	ret->values = f->values;
	ret->n = ret->n_effective = f->n;
	ret->missing = f->missing;
	ret->mean = f->mean;
	ret->stddev = f->stddev;
	ret->q50 = f->q50;
	ret->q95 = f->q95;
	return NULL;
}

/* --- versions --------------------------------------------------------------------------------- */

static const char *
version_text(const char *version, bool is_gone, struct arena *mem)
{
	char text[160], shown[80];

	snprintf(text, sizeof text, "version %s%s", str_escape_to(shown, sizeof shown, version),
	    is_gone ? " when it last served" : "");
	return arena_strdup(mem, text);
}

static void
read_version(struct drift_book *b, struct round *r, struct item *item, const char *version)
{
	const struct got *got = &r->got[item->index];
	const struct want *seen = got->w[THEN][WHAT_SEEN];
	struct drift_side side;
	const char *error = side_make(&side, item, got, THEN, &r->arena);
	char text[200], shown[80];

	if (error == NULL && seen != NULL && seen->error != NULL)
		error = seen->error;
	/* What was read of it before is better than nothing. */
	if (error != NULL && item->reference.is_known &&
	    str_eq(item->reference.version, version))
		return;
	if (error == NULL && side.shape == SHAPE_NONE) {
		snprintf(text, sizeof text,
		    "version %s is not there any more: it has no data now, and had none in the last "
		    SEEN_RANGE, str_escape_to(shown, sizeof shown, version));
		error = text;
	}
	if (error != NULL)
		keep_reason(item, error);
	else
		keep(b, item, &side, version, seen != NULL);
}

static const char *
version_side(struct drift_book *b, struct round *r, struct item *item, struct drift_side *ret,
    const char **ret_against, struct arena *mem)
{
	const struct got *got = &r->got[item->index];
	const char *version = version_of(b, item), *problem = version_problem(b, item, mem);

	*ret_against = version == NULL ? "the version before" : version_text(version, false, mem);
	if (problem != NULL)
		return problem;
	if (r->kind == ROUND_NOW && (got->w[THEN][WHAT_CELLS] != NULL || got->w[THEN][WHAT_N] != NULL))
		read_version(b, r, item, version);
	if (!str_eq(item->reference.version, version) && item->reference.reason == NULL)
		return "what the other version sees was not read yet";
	if (item->reference.is_gone)
		*ret_against = version_text(version, true, mem);
	return lend(item, ret, mem);
}

/* --- past windows ----------------------------------------------------------------------------- */

static const char *
past_text(int64_t ago_ns, struct arena *mem)
{
	char ago[PROMQL_DURATION_MAX], text[64];

	if (ago_ns == 7 * 24 * NS_PER_HOUR)
		return "the same hours a week ago";
	if (ago_ns == 24 * NS_PER_HOUR)
		return "the same hours a day ago";
	snprintf(text, sizeof text, "what it was %s ago", promql_duration(ago, ago_ns));
	return arena_strdup(mem, text);
}

static const char *
past_side(struct drift_book *b, struct round *r, struct item *item, struct drift_side *ret,
    const char **ret_against, struct arena *mem)
{
	const struct got *got = &r->got[item->index];
	bool is_kept = r->kind == ROUND_NOW || r->kind == ROUND_NOW_BEFORE;
	const char *error;

	*ret_against = past_text(item->def->ago_ns, mem);
	if (got->w[THEN][WHAT_CELLS] == NULL && got->w[THEN][WHAT_N] == NULL)
		return lend(item, ret, mem);
	error = side_make(ret, item, got, THEN, mem);
	if (error == NULL && ret->shape == SHAPE_NONE)
		error = "there is no data of then: does the server keep it that long?";
	if (is_kept && error == NULL)
		keep(b, item, ret, NULL, false);
	else if (is_kept && !item->reference.is_known)
		keep_reason(item, error);
	return is_kept ? lend(item, ret, mem) : error;
}

const char *
reference_side(struct drift_book *b, struct round *r, struct item *item, struct drift_side *ret,
    const char **ret_against, struct arena *mem)
{
	const char *error;

	drift_side_init(ret);
	switch (from_of(item)) {
	case FROM_PROFILE:
		return profile_side(item, ret, ret_against, mem);
	case FROM_VERSION:
		return version_side(b, r, item, ret, ret_against, mem);
	case FROM_PAST:
		return past_side(b, r, item, ret, ret_against, mem);
	default:
		*ret_against = "training data as it is logged now";
		error = side_make(ret, item, &r->got[item->index], THEN, mem);
		if (error == NULL && ret->shape == SHAPE_NONE)
			error = "nothing logs this of training data now";
		return error;
	}
}
