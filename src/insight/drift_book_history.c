/*
 * The heat map: for each definition how far beyond noise it was, window by window; and markers.
 *
 * What was before the program began is asked backwards, newest first, a few windows in each round, when
 * nothing else is under way. Of the past all versions are looked at: which one should have served then is
 * not known.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "insight/drift_book_priv.h"

enum { LAST = HISTORY_STEPS - 1, REST_ROUNDS = 5 };

/* --- the steps -------------------------------------------------------------------------------- */

static int
by_length(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* One for all, so that columns are times: the window that is in the middle. */
static int64_t
middle_window(const struct drift_book *b)
{
	int64_t *v = xcalloc(b->n + 1, sizeof *v), middle;

	for (size_t i = 0; i < b->n; i++)
		v[i] = b->items[i].def->window_ns;
	if (b->n > 0)
		qsort(v, b->n, sizeof *v, by_length);
	middle = v[b->n / 2 < b->n ? b->n / 2 : 0];
	free(v);
	return middle < NS_PER_MIN ? NS_PER_MIN : middle;
}

static void
forget(struct item *item)
{
	for (size_t i = 0; i < HISTORY_STEPS; i++)
		item->ratio[i] = NAN;
	item->filled = 0;
}

/* To the front by n steps. */
static void
shift(struct item *item, int64_t n)
{
	if (n < 0 || n >= HISTORY_STEPS) {
		forget(item);
		return;
	}
	/* What was last known in a step that is over is its value. */
	if (n > 0 && !isnan(item->ratio[LAST]))
		item->filled |= UINT32_C(1) << LAST;
	memmove(item->ratio, item->ratio + n, (HISTORY_STEPS - (size_t)n) * sizeof *item->ratio);
	for (size_t i = HISTORY_STEPS - (size_t)n; i < HISTORY_STEPS; i++)
		item->ratio[i] = NAN;
	item->filled >>= n;
}

static void
move_to(struct drift_book *b, int64_t at_ns)
{
	int64_t step = b->history_step_ns, start = at_ns - at_ns % step - LAST * step;
	int64_t n = (start - b->history_start_ns) / step;

	if (start == b->history_start_ns)
		return;
	for (size_t i = 0; i < b->n; i++)
		shift(&b->items[i], b->history_start_ns == 0 ? HISTORY_STEPS : n);
	b->history_start_ns = start;
}

void
history_define(struct drift_book *b)
{
	int64_t step = middle_window(b);

	round_end(b, &b->rounds[ROUND_HISTORY]);
	if (step != b->history_step_ns)
		b->history_start_ns = 0;
	b->history_step_ns = step;
	for (size_t i = 0; i < b->n; i++)
		if (b->history_start_ns == 0 || !b->items[i].was_judged)
			forget(&b->items[i]);
}

void
history_live(struct drift_book *b, int64_t at_ns, const struct drift_judged *v)
{
	move_to(b, at_ns);
	for (size_t i = 0; i < b->n; i++)
		b->items[i].ratio[LAST] = judged_ratio(&v[i]);
	b->is_history_due = true;
}

/* --- what was before -------------------------------------------------------------------------- */

/* The newest step that something is lacking in; false: none. */
static bool
find_step(const struct drift_book *b, unsigned *ret_step, bool *ret_in)
{
	for (unsigned step = LAST; step-- > 0;) {
		bool is_any = false;

		for (size_t i = 0; i < b->n; i++) {
			ret_in[i] = (b->items[i].filled & UINT32_C(1) << step) == 0;
			is_any |= ret_in[i];
		}
		if (is_any) {
			*ret_step = step;
			return true;
		}
	}
	return false;
}

static void
begin(struct drift_book *b)
{
	bool *is_in = xcalloc(b->n + 1, sizeof *is_in);
	unsigned step;

	b->history_left--;
	if (find_step(b, &step, is_in))
		round_begin(b, &b->rounds[ROUND_HISTORY],
		    b->history_start_ns + (step + 1) * b->history_step_ns, is_in);
	else
		b->history_left = 0;
	free(is_in);
}

/*
 * When what was drifted already as the program began came to be so: at the end of the first window of
 * those in a row that are beyond noise. Not known while a step between is not.
 */
static void
find_onset(struct drift_book *b, struct item *item)
{
	unsigned step = LAST;
	int64_t at_ns;

	while (step > 0 && item->ratio[step - 1] > 1)
		step--;
	if (step > 0 && isnan(item->ratio[step - 1]) &&
	    (item->filled & UINT32_C(1) << (step - 1)) == 0)
		return;
	item->is_onset_open = false;
	if (step == 0 || step == LAST || isnan(item->ratio[step - 1]) ||
	    item->state != DRIFT_DRIFTED)
		return;
	at_ns = b->history_start_ns + (int64_t)(step + 1) * b->history_step_ns;
	if (at_ns >= item->since_ns)
		return;
	item->since_ns = at_ns;
	marker_add(b, item, at_ns, true, "as its history shows");
}

static void
take(struct drift_book *b, struct round *r)
{
	struct drift_judged *judged = xcalloc(b->n + 1, sizeof *judged);
	const char **against = xcalloc(b->n + 1, sizeof *against);
	/* Steps may have moved on meanwhile. */
	int64_t step = (r->at_ns - b->history_start_ns) / b->history_step_ns - 1;
	struct arena mem = ARENA_INIT;

	judge_round(b, r, judged, against, &mem);
	for (size_t i = 0; i < b->n && step >= 0 && step < LAST; i++) {
		if (!r->got[i].is_in)
			continue;
		b->items[i].ratio[step] = judged_ratio(&judged[i]);
		if (!r->has_source_failed)
			b->items[i].filled |= UINT32_C(1) << step;
		if (b->items[i].is_onset_open)
			find_onset(b, &b->items[i]);
	}
	if (r->has_source_failed)
		b->history_rest_ns = b->now_ns + REST_ROUNDS * b->every_ns;
	b->is_history_due = true;
	arena_done(&mem);
	free(against);
	free(judged);
	round_end(b, r);
}

void
history_turn(struct drift_book *b)
{
	struct round *r = &b->rounds[ROUND_HISTORY];

	if (round_advance(b, r))
		take(b, r);
	if (r->phase == PHASE_IDLE && b->history_left > 0 && b->history_start_ns != 0 &&
	    b->now_ns >= b->history_rest_ns && TAILQ_EMPTY(&b->batches) &&
	    !b->views[ROUND_NOW].is_running)
		begin(b);
}

void
history_take(struct drift_book *b)
{
	struct drift_history *h;
	struct drift_row *rows;
	struct arena *mem;

	if (!b->is_history_due)
		return;
	b->is_history_due = false;
	h = block_new(sizeof *h);
	mem = &h->block.arena;
	rows = arena_alloc(mem, (b->n + 1) * sizeof *rows);
	for (size_t i = 0; i < b->n; i++) {
		float *ratio = arena_alloc(mem, sizeof b->items[i].ratio);

		memcpy(ratio, b->items[i].ratio, sizeof b->items[i].ratio);
		rows[i] = (struct drift_row){
			arena_strdup(mem, b->items[i].def->id), HISTORY_STEPS, ratio
		};
	}
	h->start_ns = b->history_start_ns;
	h->step_ns = b->history_step_ns;
	h->n = b->n;
	h->v = rows;
	event_list_add(&b->events, EVENT_DRIFT_HISTORY, b->now_ns, "", h);
}

/* --- markers ---------------------------------------------------------------------------------- */

static void
marker_free(struct marker *m)
{
	free((void *)m->what);
	free((void *)m->from);
	free((void *)m->to);
	free((void *)m->text);
}

void
marker_add(struct drift_book *b, const struct item *item, int64_t at_ns, bool is_drifted,
    const char *why)
{
	const struct drift_def *d = item->def;
	/* "drift:MODEL:NAME" */
	const char *what = str_has_prefix(d->id, "drift:") ? d->id + 6 : d->id;
	const char *name = *d->title != '\0' ? d->title : what;
	size_t i;

	if (b->n_markers == MARKERS_MAX) {
		marker_free(&b->markers[0]);
		memmove(b->markers, b->markers + 1, --b->n_markers * sizeof *b->markers);
	}
	i = b->n_markers;
	b->markers = xreallocarray(b->markers, b->n_markers + 1, sizeof *b->markers);
	while (i > 0 && b->markers[i - 1].at_ns > at_ns)
		i--;
	memmove(b->markers + i + 1, b->markers + i, (b->n_markers++ - i) * sizeof *b->markers);
	b->markers[i] = (struct marker){ .kind = MARKER_CHANGE,
		.at_ns = at_ns,
		.what = xstrdup(what),
		.from = xstrdup(is_drifted ? "" : drift_state_name(DRIFT_DRIFTED)),
		.to = xstrdup(is_drifted ? drift_state_name(DRIFT_DRIFTED) : "back"),
		.text = xasprintf(is_drifted ? "%s drifted: %s" : "%s is back: %s", name, why),
		.n_series = 1 };
	if (at_ns < b->markers_start_ns)
		b->markers_start_ns = at_ns;
	b->is_markers_due = true;
}

void
markers_take(struct drift_book *b, int64_t end_ns)
{
	struct marker_set *set;
	struct marker *v;
	struct arena *mem;

	if (b->markers_start_ns == 0)
		b->markers_start_ns = end_ns;
	if (!b->is_markers_due)
		return;
	b->is_markers_due = false;
	set = block_new(sizeof *set);
	mem = &set->block.arena;
	v = arena_alloc(mem, (b->n_markers + 1) * sizeof *v);
	for (size_t i = 0; i < b->n_markers; i++) {
		v[i] = b->markers[i];
		v[i].what = arena_strdup(mem, v[i].what);
		v[i].from = arena_strdup(mem, v[i].from);
		v[i].to = arena_strdup(mem, v[i].to);
		v[i].text = arena_strdup(mem, v[i].text);
	}
	set->def = "drift";
	set->start_ns = b->markers_start_ns;
	set->end_ns = end_ns;
	set->n = b->n_markers;
	set->v = v;
	event_list_add(&b->events, EVENT_MARKERS, b->now_ns, "", set);
}

void
drift_markers_done(struct drift_book *b)
{
	for (size_t i = 0; i < b->n_markers; i++)
		marker_free(&b->markers[i]);
	free(b->markers);
}
