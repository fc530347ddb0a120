/* The answers of a round, judged; and what earlier windows said. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "insight/drift_book_priv.h"
#include "insight/slo_promql.h"

enum { RING_PART = 8, RING_WINDOWS = 3 };	/* remembered each 1/8 window; as old as 3 windows counts */

static const char *
say_nothing(const struct item *item, struct arena *mem)
{
	char window[PROMQL_DURATION_MAX], metric[160], text[320];

	snprintf(text, sizeof text,
	    "nothing answers to %s over the last %s: it is not exposed, or not scraped",
	    str_escape_to(metric, sizeof metric, item->def->metric),
	    promql_duration(window, item->def->window_ns));
	return arena_strdup(mem, text);
}

/* NULL, or why what is looked at cannot be seen. */
static const char *
now_side(struct round *r, struct item *item, struct drift_side *ret, struct arena *mem)
{
	const struct got *got = &r->got[item->index];
	const char *error;

	drift_side_init(ret);
	if (item->error != NULL)
		return arena_strdup(mem, item->error);
	if (got->w[NOW][WHAT_CELLS] == NULL && got->w[NOW][WHAT_N] == NULL)
		return "which version should serve is not known, so neither is whose numbers to look at";
	error = side_make(ret, item, got, NOW, mem);
	if (error != NULL)
		return arena_strdup(mem, error);
	return ret->shape == SHAPE_NONE ? say_nothing(item, mem) : NULL;
}

static void
judge_item(struct drift_book *b, struct round *r, struct item *item, struct drift_judged *ret,
    const char **ret_against, struct arena *mem, struct arena *scratch)
{
	struct drift_side now, then;
	const char *reason = now_side(r, item, &now, scratch), *other;

	*ret_against = "";
	/* The reference is read in any case: it may hold for longer than this round. */
	other = item->error != NULL ? NULL :
				      reference_side(b, r, item, &then, ret_against, scratch);
	*ret_against = arena_strdup(mem, *ret_against);
	if (reason == NULL)
		reason = other;
	if (reason != NULL) {
		drift_judge_unseen(ret, item->def, arena_strdup(mem, reason));
		ret->d.n_now = now.n;
		ret->d.missing_now = now.missing;
		return;
	}
	drift_judge(ret, item->def, &now, &then, b->defs->confidence, mem);
}

void
judge_round(struct drift_book *b, struct round *r, struct drift_judged *ret,
    const char **ret_against, struct arena *mem)
{
	struct drift_judged *in = xcalloc(b->n + 1, sizeof *in);
	struct arena scratch = ARENA_INIT;
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (!r->got[i].is_in)
			continue;
		judge_item(b, r, &b->items[i], &in[n++], &ret_against[i], mem, &scratch);
		if (scratch.bytes > (4u << 20))
			arena_done(&scratch);
	}
	arena_done(&scratch);
	drift_judge_round(in, n);
	n = 0;
	for (size_t i = 0; i < b->n; i++)
		if (r->got[i].is_in)
			ret[i] = in[n++];
	free(in);
}

float
judged_ratio(const struct drift_judged *j)
{
	double missing = fabs(j->d.missing_now - j->d.missing_then) / j->missing_floor, ratio;

	if (j->reason != NULL || (isnan(j->score) && isnan(missing)))
		return NAN;
	ratio = isnan(j->score) || !(j->floor > 0) ? 0 : fabs(j->score) / j->floor;
	/* A floor of 0: none was ever missing. */
	return (float)(isfinite(missing) && missing > ratio ? missing : ratio);
}

/* --- earlier windows -------------------------------------------------------------------------- */

bool
item_was_beyond(const struct item *item, int64_t at_ns, bool *ret_known)
{
	int64_t window_ns = item->def->window_ns;

	*ret_known = false;
	for (size_t i = item->n_ring; i-- > 0;) {
		if (item->ring[i].at_ns > at_ns - window_ns / 2)
			continue;
		*ret_known = item->ring[i].at_ns >= at_ns - RING_WINDOWS * window_ns;
		return *ret_known && item->ring[i].is_beyond;
	}
	return false;
}

void
item_remember(struct item *item, int64_t at_ns, bool is_beyond)
{
	size_t i = item->n_ring;
	int64_t apart_ns = item->def->window_ns / RING_PART;

	while (i > 0 && item->ring[i - 1].at_ns > at_ns)
		i--;
	if (i > 0 && at_ns - item->ring[i - 1].at_ns < apart_ns)
		return;
	if (item->n_ring == RING_MAX) {
		if (i == 0)
			return;
		memmove(item->ring, item->ring + 1, (RING_MAX - 1) * sizeof *item->ring);
		item->n_ring--;
		i--;
	}
	memmove(item->ring + i + 1, item->ring + i, (item->n_ring - i) * sizeof *item->ring);
	item->ring[i] = (struct result){ at_ns, is_beyond };
	item->n_ring++;
}
