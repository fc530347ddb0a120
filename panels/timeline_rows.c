/* Which lines the timeline has: in the order of when things happened, each begin with its end, and lanes for what lasts. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "timeline.h"

#define DAY_NS (24 * NS_PER_HOUR)

const struct model *
timeline_model(const struct view *v, bool *ret_is_hindsight)
{
	bool is_known = v->model != NULL && v->past_from != PAST_METRICS;

	*ret_is_hindsight = !is_known && v->live != NULL && v->replay == NULL;
	return is_known ? v->model : v->live;
}

/* Also of one that is closed: it is what one reads about. */
int64_t
timeline_zero(const struct model *m)
{
	const struct incident *i = m != NULL ? model_incident(m) : NULL;

	for (size_t n = m != NULL && i == NULL ? model_n_timeline(m) : 0; n > 0; n--) {
		const struct timeline_entry *e = model_timeline(m, n - 1);

		if (e->kind == TIMELINE_INCIDENT && !e->is_end)
			return e->at_ns;
	}
	return i != NULL ? i->opened_ns : 0;
}

static uint64_t
hash_text(const char *text, uint64_t seed)
{
	return str_hash(text, strlen(text) + 1, seed);
}

static uint64_t
entry_hash(const struct timeline_entry *e)
{
	const int64_t numbers[] = { e->at_ns, e->kind, e->is_end, (int64_t)e->seq };
	uint64_t h = str_hash(numbers, sizeof numbers, STR_HASH_SEED);

	h = hash_text(e->text, hash_text(e->what, hash_text(e->id, h)));
	return h != 0 ? h : 1;
}

const struct timeline_entry *
timeline_entry_of(const struct timeline_panel *s, const struct model *m, int item)
{
	const struct timeline_item *it = &s->items[item];
	size_t n = m != NULL ? model_n_timeline(m) : 0;

	if (it->index < n && entry_hash(model_timeline(m, it->index)) == it->hash)
		return model_timeline(m, it->index);
	/* The oldest made room since: everything moved up. */
	for (size_t i = 0; i < n; i++)
		if (entry_hash(model_timeline(m, i)) == it->hash)
			return model_timeline(m, i);
	return NULL;
}

/* --- items --------------------------------------------------------------------------------------- */

struct sorted {
	const struct timeline_entry *e;
	size_t index;
};

static int
by_time(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;

	if (x->e->at_ns != y->e->at_ns)
		return x->e->at_ns < y->e->at_ns ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* In hindsight more is known than was then; what came later is left out all the same. */
static struct sorted *
sort_items(const struct view *v, const struct model *m, bool is_hindsight, int *ret_n)
{
	size_t n = m != NULL ? model_n_timeline(m) : 0;
	struct sorted *sorted = xcalloc(n + 1, sizeof *sorted);
	int kept = 0;

	for (size_t i = 0; i < n; i++) {
		const struct timeline_entry *e = model_timeline(m, i);

		if (!is_hindsight || e->at_ns <= view_time(v))
			sorted[kept++] = (struct sorted){ e, i };
	}
	qsort(sorted, (size_t)kept, sizeof *sorted, by_time);
	*ret_n = kept;
	return sorted;
}

/* --- spans: what began and ended ------------------------------------------------------------------- */

struct named {
	const struct timeline_entry *e;
	int item;
};

static int
by_id(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int c = (x->e->kind > y->e->kind) - (x->e->kind < y->e->kind);

	if (c == 0)
		c = strcmp(x->e->id, y->e->id);
	return c != 0 ? c : (x->item > y->item) - (x->item < y->item);
}

static bool
has_length(const struct timeline_entry *e)
{
	switch (e->kind) {
	case TIMELINE_CHANGE: case TIMELINE_ACT: case TIMELINE_MESSAGE: case TIMELINE_NOTE:
		return false;
	default:
		return *e->id != '\0';
	}
}

static void
span_add(struct timeline_panel *s, int begin, int end)
{
	s->spans[s->n_spans++] = (struct timeline_span){ .begin = begin, .end = end, .lane = -1 };
}

/* One that begins twice without an end between is one. */
static void
match(struct timeline_panel *s, const struct named *v, int n)
{
	int open = -1;

	for (int i = 0; i < n; i++) {
		bool is_same = i > 0 && v[i - 1].e->kind == v[i].e->kind && strcmp(v[i - 1].e->id, v[i].e->id) == 0;

		if (!is_same)
			open = -1;
		if (open < 0) {
			span_add(s, v[i].e->is_end ? -1 : v[i].item, v[i].e->is_end ? v[i].item : s->n_items);
			open = v[i].e->is_end ? -1 : s->n_spans - 1;
			s->items[v[i].item].span = s->n_spans - 1;
			continue;
		}
		s->items[v[i].item].span = open;
		if (v[i].e->is_end) {
			s->spans[open].end = v[i].item;
			open = -1;
		}
	}
}

static int
by_begin(const void *a, const void *b)
{
	const struct timeline_span *const *x = a, *const *y = b;

	return ((*x)->begin > (*y)->begin) - ((*x)->begin < (*y)->begin);
}

/* Many tickets that nobody looks at must not crowd out what pages, and what was done about it: they have half of the lanes. */
static int
lanes_for(const struct timeline_entry *e)
{
	return e->kind == TIMELINE_RUN || e->severity == SEVERITY_PAGE ? TIMELINE_LANES : TIMELINE_LANES / 2;
}

/* The lowest lane that is free, so that what begins beside nothing stands on the left. An incident would stand beside all. */
static void
give_lanes(struct timeline_panel *s, const struct sorted *sorted)
{
	struct timeline_span **order = xcalloc((size_t)s->n_spans + 1, sizeof *order);
	int free_from[TIMELINE_LANES];

	for (int i = 0; i < TIMELINE_LANES; i++)
		free_from[i] = -2;
	for (int i = 0; i < s->n_spans; i++)
		order[i] = &s->spans[i];
	qsort(order, (size_t)s->n_spans, sizeof *order, by_begin);
	s->n_lanes = 0;
	for (int i = 0; i < s->n_spans; i++) {
		const struct timeline_entry *e = sorted[order[i]->begin >= 0 ? order[i]->begin : order[i]->end].e;
		int lane = 0, most = lanes_for(e);

		if (e->kind == TIMELINE_INCIDENT)
			continue;
		while (lane < most && free_from[lane] >= order[i]->begin)
			lane++;
		if (lane == most)
			continue;
		order[i]->lane = lane;
		free_from[lane] = order[i]->end;
		s->n_lanes = lane >= s->n_lanes ? lane + 1 : s->n_lanes;
	}
	free(order);
}

static void
find_spans(struct timeline_panel *s, const struct sorted *sorted)
{
	struct named *v = xcalloc((size_t)s->n_items + 1, sizeof *v);
	int n = 0;

	for (int i = 0; i < s->n_items; i++)
		if (has_length(sorted[i].e))
			v[n++] = (struct named){ sorted[i].e, i };
	qsort(v, (size_t)n, sizeof *v, by_id);
	s->spans = xcalloc((size_t)n + 1, sizeof *s->spans);
	s->n_spans = s->n_open = 0;
	match(s, v, n);
	for (int i = 0; i < s->n_spans; i++)
		s->n_open += s->spans[i].end == s->n_items && sorted[s->spans[i].begin].e->kind != TIMELINE_INCIDENT;
	free(v);
	give_lanes(s, sorted);
}

int64_t
timeline_lasted(const struct timeline_panel *s, const struct model *m, int item, int64_t now_ns, bool *ret_is_open)
{
	const struct timeline_span *span = s->items[item].span >= 0 ? &s->spans[s->items[item].span] : NULL;
	const struct timeline_entry *begin, *end;

	*ret_is_open = false;
	if (span == NULL || span->begin < 0)
		return -1;
	begin = timeline_entry_of(s, m, span->begin);
	*ret_is_open = span->end == s->n_items;
	end = *ret_is_open ? NULL : timeline_entry_of(s, m, span->end);
	if (begin == NULL || (end == NULL && !*ret_is_open))
		return -1;
	return (end != NULL ? end->at_ns : now_ns) - begin->at_ns;
}

/* --- rows ------------------------------------------------------------------------------------------ */

static bool
is_shown(const struct timeline_panel *s, const struct sorted *sorted, int item)
{
	const struct timeline_entry *e = sorted[item].e;
	int span = s->items[item].span;
	struct timeline_filter_fact fact = { e, !e->is_end && span >= 0 && s->spans[span].end == s->n_items };

	if (s->hidden & 1u << part_timeline_group(e->kind))
		return false;
	return timeline_filter_matches(s->ld.filter, &fact);
}

static int64_t
day_of(int64_t at_ns)
{
	int64_t day = at_ns / DAY_NS * DAY_NS;

	return day > at_ns ? day - DAY_NS : day;
}

static void
row_add(struct timeline_panel *s, struct timeline_row row, uint64_t id)
{
	/* Two that are alike in all that is shown are two all the same. */
	if (s->ld.n > 0 && s->ld.ids[s->ld.n - 1] == id)
		id += (uint64_t)s->ld.n;
	s->ld.ids[s->ld.n] = id;
	s->rows[s->ld.n++] = row;
}

static void
separator_add(struct timeline_panel *s, enum timeline_row_kind kind, int64_t from_ns, int64_t to_ns)
{
	const int64_t key[] = { kind, from_ns };

	row_add(s, (struct timeline_row){ .kind = kind, .item = -1, .from_ns = from_ns, .to_ns = to_ns },
	    str_hash(key, sizeof key, STR_HASH_SEED));
}

/* Gaps of the recording that lie between two times, in the order of the rows. */
static void
gaps_between(struct timeline_panel *s, const struct view *v, int64_t a_ns, int64_t b_ns)
{
	int64_t from = a_ns < b_ns ? a_ns : b_ns, to = a_ns < b_ns ? b_ns : a_ns;
	size_t n = v->replay != NULL ? v->replay->n_gaps : 0;

	n = n < TIMELINE_GAPS_MAX ? n : TIMELINE_GAPS_MAX;
	for (size_t i = 0; i < n; i++) {
		const struct replay_gap *g = &v->replay->gaps[s->is_oldest_first ? i : n - 1 - i];

		if (g->from_ns >= from && g->from_ns < to && g->from_ns <= view_time(v))
			separator_add(s, TIMELINE_ROW_GAP, g->from_ns, g->to_ns);
	}
}

static void
rows_fill(struct timeline_panel *s, const struct view *v, const struct sorted *sorted)
{
	int64_t day = day_of(view_time(v)), before_ns = s->is_oldest_first ? INT64_MIN : INT64_MAX;

	for (int i = 0; i < s->n_items; i++) {
		int item = s->is_oldest_first ? i : s->n_items - 1 - i;
		const struct timeline_entry *e = sorted[item].e;

		if (!is_shown(s, sorted, item))
			continue;
		gaps_between(s, v, before_ns, e->at_ns);
		if (day_of(e->at_ns) != day) {
			day = day_of(e->at_ns);
			separator_add(s, TIMELINE_ROW_DAY, day, day);
		}
		row_add(s, (struct timeline_row){ .kind = TIMELINE_ROW_ENTRY, .item = item }, s->items[item].hash);
		before_ns = e->at_ns;
	}
	if (s->ld.n > 0)
		gaps_between(s, v, before_ns, s->is_oldest_first ? INT64_MAX : INT64_MIN);
}

static size_t
count_later(const struct view *v)
{
	const struct timeline_entry *marks = v->replay != NULL ? v->replay->marks : NULL;
	size_t n = v->replay != NULL ? v->replay->n_marks : v->live != NULL ? model_n_timeline(v->live) : 0, later = 0;

	if (v->range.is_live && v->replay == NULL)
		return 0;
	for (size_t i = 0; i < n; i++) {
		const struct timeline_entry *e = v->replay != NULL ? &marks[i] : model_timeline(v->live, i);

		later += e->at_ns > view_time(v);
	}
	return later;
}

void
timeline_rows_done(struct timeline_panel *s)
{
	free(s->items);
	free(s->spans);
	free(s->rows);
	s->items = NULL;
	s->spans = NULL;
	s->rows = NULL;
	list_detail_clear(&s->ld);
	s->n_items = s->n_spans = 0;
}

void
timeline_rows_build(struct timeline_panel *s, const struct view *v)
{
	bool is_hindsight;
	const struct model *m = timeline_model(v, &is_hindsight);
	struct sorted *sorted;
	size_t most;

	timeline_rows_done(s);
	sorted = sort_items(v, m, is_hindsight, &s->n_items);
	most = 2 * (size_t)s->n_items + TIMELINE_GAPS_MAX + 1;
	s->items = xcalloc((size_t)s->n_items + 1, sizeof *s->items);
	s->rows = xcalloc(most, sizeof *s->rows);
	s->ld.ids = xcalloc(most, sizeof *s->ld.ids);
	for (int i = 0; i < s->n_items; i++)
		s->items[i] = (struct timeline_item){ sorted[i].index, entry_hash(sorted[i].e), -1 };
	find_spans(s, sorted);
	timeline_filter_refusal(s->ld.filter, s->ld.refusal, sizeof s->ld.refusal);
	if (*s->ld.refusal == '\0')
		rows_fill(s, v, sorted);
	s->n_later = count_later(v);
	free(sorted);
}
