/*
 * What was known at a time: a ring of events over a base model.
 *
 * Blocks are shared, so that keeping an event costs little. What falls out of the ring, by bytes or by age, is applied to the base, and the base is
 * then what was known at the time of the last one folded in. The model of the time asked last is kept: going forward from there
 * applies the difference only.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "model/model_priv.h"

enum { EVENTS_MAX = 16384, REGISTRY_SHARE = 2, RUNS_SHARE = 2, DRIFTS_SHARE = 2 };

struct entry {
	struct event ev;	/* owns a reference; source points into the block or to "" */
	size_t bytes;		/* of its block where this entry counts it, else 0 */
};

struct history {
	size_t max_bytes, bytes;
	int64_t max_age_ns;
	size_t n, cap, head;	/* ring: entries head .. head + n */
	struct entry *v;
	uint64_t first;		/* number of the oldest entry, counted over the whole life */
	struct model *base;	/* NULL: nothing was folded yet */
	int64_t base_ns;
	struct model *at;	/* cache: all events before number at_next are in it */
	uint64_t at_next;
};

struct history *
history_new(size_t max_bytes, int64_t max_age_ns)
{
	struct history *h = xcalloc(1, sizeof *h);

	h->max_bytes = max_bytes;
	h->max_age_ns = max_age_ns;
	return h;
}

static struct entry *
entry_at(const struct history *h, size_t i)
{
	return &h->v[(h->head + i) % h->cap];
}

void
history_free(struct history *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < h->n; i++)
		block_unref(entry_at(h, i)->ev.block);
	free(h->v);
	model_free(h->base);
	model_free(h->at);
	free(h);
}

static struct entry *
find_block(const struct history *h, const void *block)
{
	for (size_t i = 0; i < h->n; i++)
		if (entry_at(h, i)->ev.block == block)
			return entry_at(h, i);
	return NULL;
}

static void
fold_oldest(struct history *h)
{
	struct entry e = *entry_at(h, 0), *other;

	h->head = (h->head + 1) % h->cap;
	h->n--;
	h->first++;
	if (h->base == NULL)
		h->base = model_new_bare();
	model_apply_state(h->base, &e.ev);
	model_advance(h->base, e.ev.time_ns);
	h->base_ns = e.ev.time_ns;
	/* An answer that came unchanged is one block in several entries: the next of them now counts it. */
	other = e.bytes == 0 ? NULL : find_block(h, e.ev.block);
	if (other != NULL)
		other->bytes = e.bytes;
	else
		h->bytes -= e.bytes;
	block_unref(e.ev.block);
}

static bool
is_too_old(const struct history *h, int64_t now_ns)
{
	int64_t age;

	/* Of two times without bounds the difference may not be a number; then it is surely too long. */
	return __builtin_sub_overflow(now_ns, entry_at(h, 0)->ev.time_ns, &age) || age > h->max_age_ns;
}

/*
 * A run tells all of itself many times a second. Each change of its state is kept; between them no more than what lets all of them together fill a share of the
 * ring in the time it spans, so that a large run does not push out what was known of the rest.
 */
static bool
is_run_kept(const struct history *h, const struct event *ev)
{
	const struct run_info *run = ev->block;
	double gap_ns = (double)h->max_age_ns * (double)block_bytes(run) / ((double)h->max_bytes / RUNS_SHARE);

	for (size_t i = h->n; i-- > 0;) {
		const struct event *last = &entry_at(h, i)->ev;
		const struct run_info *before = last->block;

		if (last->kind == EVENT_RUN && strcmp(before->id, run->id) == 0)
			return before->state != run->state || (double)(ev->time_ns - last->time_ns) >= gap_ns || ev->time_ns < last->time_ns;
	}
	return true;
}

/* What thousands of features are like takes a megabyte each time: sets are kept so far apart that all of them together fill a share of the ring. */
static int64_t
drift_gap_ns(const struct history *h, const struct drift_set *set)
{
	double gap_ns = set == NULL ? 0 : (double)h->max_age_ns * (double)block_bytes(set) / ((double)h->max_bytes / DRIFTS_SHARE);

	return gap_ns < (double)h->max_age_ns ? (int64_t)gap_ns : h->max_age_ns;
}

static bool
is_drift_kept(const struct history *h, const struct event *ev)
{
	const struct drift_set *set = ev->block;
	int64_t gap_ns = drift_gap_ns(h, set);

	if (set->is_past || block_bytes(set) > h->max_bytes / DRIFTS_SHARE)
		return false;
	for (size_t i = h->n; i-- > 0;) {
		const struct event *last = &entry_at(h, i)->ev;

		if (last->kind == EVENT_DRIFTS)
			return ev->time_ns - last->time_ns >= gap_ns || ev->time_ns < last->time_ns;
	}
	return true;
}

/*
 * Answers over a range, of which only the newest is shown, and entries of the timeline, which say themselves when they were known; what was worked out for a past time, which is nothing that was known then; and registries so
 * large that they would push all else out: then it is not known what they said.
 */
static bool
is_kept(const struct history *h, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_SERIES:
		return ((const struct series_set *)ev->block)->type != SERIES_MATRIX;
	case EVENT_SLOS:
		return !((const struct slo_set *)ev->block)->is_past;
	case EVENT_DRIFTS:
		return is_drift_kept(h, ev);
	case EVENT_SLO_DETAILS:
	case EVENT_DRIFT_HISTORY:
	case EVENT_RUN_OUTPUT:
	case EVENT_LOG_LINES:
	case EVENT_LOG_VIEW:
	case EVENT_LOG_PATTERNS:
	case EVENT_FOCUS:
	case EVENT_AUDIT_VIEW:
	case EVENT_TIMELINE:
		return false;
	case EVENT_RUN:
		return is_run_kept(h, ev);
	case EVENT_REGISTRY:
		return block_bytes(ev->block) <= h->max_bytes / REGISTRY_SHARE;
	default:
		return true;
	}
}

static void
grow(struct history *h)
{
	size_t cap = h->cap == 0 ? 64 : h->cap * 2;
	struct entry *v = xcalloc(cap, sizeof *v);

	for (size_t i = 0; i < h->n; i++)
		v[i] = *entry_at(h, i);
	free(h->v);
	h->v = v;
	h->cap = cap;
	h->head = 0;
}

void
history_add(struct history *h, const struct event *ev)
{
	struct entry e = { .ev = *ev };

	if (!is_kept(h, ev))
		return;
	if (find_block(h, ev->block) == NULL)
		e.bytes = block_bytes(ev->block);
	block_ref(ev->block);
	if (h->n == h->cap)
		grow(h);
	h->n++;
	*entry_at(h, h->n - 1) = e;
	h->bytes += e.bytes;
	while (h->n > 0 && (h->bytes > h->max_bytes || h->n > EVENTS_MAX || is_too_old(h, ev->time_ns)))
		fold_oldest(h);
}

/* --- asking ------------------------------------------------------------------------------------------------------------------ */

/* How many entries of the ring were known at t. Searched from the end: after a step back of the clock, the last time it was t. */
static size_t
n_known(const struct history *h, int64_t t_ns)
{
	size_t n = h->n;

	while (n > 0 && entry_at(h, n - 1)->ev.time_ns > t_ns)
		n--;
	return n;
}

static bool
first_time(const struct history *h, int64_t *ret_ns)
{
	if (h->base == NULL && h->n == 0)
		return false;
	*ret_ns = h->base != NULL ? h->base_ns : entry_at(h, 0)->ev.time_ns;
	return true;
}

static void
cache_reset(struct history *h)
{
	model_free(h->at);
	h->at = h->base != NULL ? model_clone(h->base) : model_new_bare();
	h->at_next = h->first;
}

const struct model *
model_at(struct model *m, int64_t t_ns, int64_t *ret_first_ns)
{
	struct history *h = m->history;
	int64_t first_ns = 0;
	bool has_any = h != NULL && first_time(h, &first_ns);
	uint64_t next;

	if (ret_first_ns != NULL)
		*ret_first_ns = first_ns;
	if (t_ns >= m->now_ns)
		return m;
	if (!has_any || t_ns < first_ns)
		return NULL;
	next = h->first + n_known(h, t_ns);
	/* Time runs one way in a model: going back starts from the base again. */
	if (h->at == NULL || h->at_next > next || h->at_next < h->first || model_now(h->at) > t_ns)
		cache_reset(h);
	for (; h->at_next < next; h->at_next++)
		model_apply_state(h->at, &entry_at(h, (size_t)(h->at_next - h->first))->ev);
	series_lend_ranges(h->at, m);
	slos_lend_details(h->at, m);
	drifts_lend_history(h->at, m, drift_gap_ns(h, m->drifts));
	runs_lend_outputs(h->at, m, t_ns);
	logs_lend(h->at, m, t_ns);
	after_lend(h->at, m);
	timeline_lend(h->at, m, t_ns);
	model_advance(h->at, t_ns);
	return h->at;
}
