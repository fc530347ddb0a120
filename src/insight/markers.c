#include "config.h"

#include "insight/markers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"

/* Values count as there at a moment when they were within so many steps before it. */
enum { SETTLE_STEPS = 3, TOGETHER_STEPS = 2, NAMES_MAX = 1024 };

struct span {			/* one value on one host, without a break */
	const char *group, *value;
	uint64_t host;
	int64_t start_ns, end_ns;	/* first and last sample */
};
struct value {			/* one value within the group at hand */
	const char *text;
	const struct span *v;	/* its spans, by start */
	size_t n;
};
struct arrival {
	const char *from, *to;	/* from NULL: a host that was not there before */
	int64_t at_ns;
};
struct change {			/* a marker in the making */
	const char *group, *from, *to;
	int64_t at_ns;
	unsigned n_hosts;
	bool is_newcomer;	/* brought by a new host */
};

struct finder {
	const struct marker_def *def;
	const struct series_set *range;
	struct marker_set *set;
	int64_t end_ns;		/* newest sample of all */
	struct span *spans;
	size_t n_spans, cap_spans;
	struct value *values;	/* of the group at hand */
	size_t n_values, cap_values;
	struct arrival *arrivals;	/* of it too */
	size_t n_arrivals, cap_arrivals;
	struct change *changes;
	size_t n_changes, cap_changes;
};

static void
room(void **v, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return;
	*cap = *cap == 0 ? 16 : *cap * 2;
	*v = xreallocarray(*v, *cap, size);
}

/* --- series to spans ----------------------------------------------------------------------------------------------- */

static uint64_t
host_of(const struct labels *labels, const char *but)
{
	uint64_t h = STR_HASH_SEED;
	size_t i;

	for (i = 0; i < labels->n; i++) {
		const struct label *l = &labels->v[i];

		if (strcmp(l->name, but) == 0 || strcmp(l->name, "__name__") == 0)
			continue;
		h = str_hash(l->name, strlen(l->name) + 1, h);
		h = str_hash(l->value, strlen(l->value) + 1, h);
	}
	return h;
}

static void
add_span(struct finder *f, const struct span *span)
{
	room((void **)&f->spans, f->n_spans, &f->cap_spans, sizeof *f->spans);
	f->spans[f->n_spans++] = *span;
	if (f->n_spans == 1 || span->end_ns > f->end_ns)
		f->end_ns = span->end_ns;
}

static void
add_series(struct finder *f, const struct series *s)
{
	const char *group = f->def->group_by == NULL ? "" : labels_get(&s->labels, f->def->group_by);
	struct span span = { .group = group == NULL ? "" : group, .value = labels_get(&s->labels, f->def->label) };
	int64_t step_ns = f->range->step_ns;
	bool is_open = false;
	size_t i;

	if (span.value == NULL || *span.value == '\0')
		return;
	span.host = host_of(&s->labels, f->def->label);
	for (i = 0; i < s->n; i++) {
		bool is_there = s->v[i].v != 0 && !isnan(s->v[i].v);

		if (is_open && (!is_there || s->v[i].t_ns - span.end_ns > step_ns + step_ns / 2)) {
			add_span(f, &span);
			is_open = false;
		}
		if (!is_there)
			continue;
		if (!is_open)
			span.start_ns = s->v[i].t_ns;
		span.end_ns = s->v[i].t_ns;
		is_open = true;
	}
	if (is_open)
		add_span(f, &span);
}

static int
compare_ns(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int
by_host(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int r = strcmp(x->group, y->group);

	if (r == 0)
		r = x->host < y->host ? -1 : x->host > y->host;
	if (r == 0)
		r = compare_ns(x->start_ns, y->start_ns);
	return r != 0 ? r : strcmp(x->value, y->value);
}

static int
by_value(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int r = strcmp(x->value, y->value);

	return r != 0 ? r : compare_ns(x->start_ns, y->start_ns);
}

/* --- one host: what it goes on with -------------------------------------------------------------------------------- */

struct host_walk {
	const char *value;	/* its value now: the one that began last */
	int64_t end_ns;
	const char *beside;	/* another that was seen, and lasts longest */
	int64_t beside_end_ns;
};

static void
arrive(struct finder *f, const char *from, const char *to, int64_t at_ns)
{
	room((void **)&f->arrivals, f->n_arrivals, &f->cap_arrivals, sizeof *f->arrivals);
	f->arrivals[f->n_arrivals++] = (struct arrival){ .from = from, .to = to, .at_ns = at_ns };
}

/* Its value ended, and the one beside it went on at least until `until`: it is back at that. */
static void
fall_back(struct finder *f, struct host_walk *w, int64_t until_ns)
{
	int64_t settled = w->end_ns + TOGETHER_STEPS * f->range->step_ns;

	if (w->beside == NULL || until_ns <= settled || w->beside_end_ns <= settled)
		return;
	arrive(f, w->value, w->beside, w->end_ns + f->range->step_ns);
	w->value = w->beside;
	w->end_ns = w->beside_end_ns;
	w->beside = NULL;
}

static void
keep_beside(struct host_walk *w, const char *value, int64_t end_ns)
{
	if (w->beside != NULL && strcmp(w->beside, value) != 0 && w->beside_end_ns > end_ns)
		return;
	w->beside = value;
	w->beside_end_ns = end_ns;
}

static void
walk_span(struct finder *f, struct host_walk *w, const struct span *s)
{
	fall_back(f, w, s->start_ns);
	if (strcmp(s->value, w->value) == 0) {
		if (s->end_ns > w->end_ns)
			w->end_ns = s->end_ns;
		return;
	}
	/* Back after a break, beside the newer one: the old series flickers, nothing changed. */
	if (w->beside != NULL && strcmp(s->value, w->beside) == 0 && w->end_ns > s->start_ns + TOGETHER_STEPS * f->range->step_ns) {
		keep_beside(w, s->value, s->end_ns);
		return;
	}
	arrive(f, w->value, s->value, s->start_ns);
	keep_beside(w, w->value, w->end_ns);
	w->value = s->value;
	w->end_ns = s->end_ns;
}

/* The spans of one host; first_ns is when its group was first seen. */
static void
walk_host(struct finder *f, const struct span *v, size_t n, int64_t first_ns)
{
	struct host_walk w = { .value = v[0].value, .end_ns = v[0].end_ns };
	size_t i;

	if (v[0].start_ns > first_ns + f->range->step_ns)
		arrive(f, NULL, v[0].value, v[0].start_ns);
	for (i = 1; i < n; i++) {
		/* Two from the start: the one that lasts is what it goes on with. */
		if (v[i].start_ns == v[0].start_ns) {
			keep_beside(&w, v[i].value, v[i].end_ns);
			continue;
		}
		walk_span(f, &w, &v[i]);
	}
	fall_back(f, &w, INT64_MAX);
}

/* --- a group: which of its values are there ------------------------------------------------------------------------ */

/* Sort the group's spans by value and make each end_ns the newest of its value so far, so that last_end() is one search. */
static void
find_values(struct finder *f, struct span *v, size_t n)
{
	size_t i;

	qsort(v, n, sizeof *v, by_value);
	f->n_values = 0;
	for (i = 0; i < n; i++) {
		if (i > 0 && strcmp(v[i].value, v[i - 1].value) == 0) {
			f->values[f->n_values - 1].n++;
			if (v[i - 1].end_ns > v[i].end_ns)
				v[i].end_ns = v[i - 1].end_ns;
			continue;
		}
		room((void **)&f->values, f->n_values, &f->cap_values, sizeof *f->values);
		f->values[f->n_values++] = (struct value){ .text = v[i].value, .v = &v[i], .n = 1 };
	}
}

/* When the value was last there before at; INT64_MIN: it was not. */
static int64_t
last_end(const struct value *value, int64_t at_ns)
{
	size_t lo = 0, hi = value->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (value->v[mid].start_ns < at_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return INT64_MIN;
	return value->v[lo - 1].end_ns < at_ns ? value->v[lo - 1].end_ns : at_ns;
}

static void
add_name(struct buf *names, const char *name)
{
	buf_printf(names, "%s%s", names->len > 0 ? "," : "", name);
}

static const char *
take_names(struct finder *f, struct buf *names)
{
	const char *text = arena_strdup(&f->set->block.arena, names->data);

	buf_done(names);
	return text;
}

/* The values that the group had just before at, joined: "5,6"; "" none. *ret_has: `but` is one of them. */
static const char *
values_before(struct finder *f, int64_t at_ns, const char *but, bool *ret_has)
{
	int64_t newest = INT64_MIN, end;
	struct buf names;
	size_t i;

	for (i = 0; i < f->n_values; i++) {
		end = last_end(&f->values[i], at_ns);
		newest = end > newest ? end : newest;
	}
	buf_init(&names, NAMES_MAX);
	*ret_has = false;
	for (i = 0; i < f->n_values; i++) {
		end = last_end(&f->values[i], at_ns);
		if (end == INT64_MIN || end < newest - SETTLE_STEPS * f->range->step_ns)
			continue;
		*ret_has |= strcmp(f->values[i].text, but) == 0;
		add_name(&names, f->values[i].text);
	}
	return take_names(f, &names);
}

/* The values beside `gone`, which ended at end_ns, that were there then and go on. */
static const char *
values_after(struct finder *f, int64_t end_ns, const char *gone)
{
	int64_t step = f->range->step_ns;
	struct buf names;
	size_t i;

	buf_init(&names, NAMES_MAX);
	for (i = 0; i < f->n_values; i++)
		if (strcmp(f->values[i].text, gone) != 0 && last_end(&f->values[i], INT64_MAX) > end_ns + SETTLE_STEPS * step &&
		    last_end(&f->values[i], end_ns + 2 * step) >= end_ns)
			add_name(&names, f->values[i].text);
	return take_names(f, &names);
}

static struct change *
add_change(struct finder *f, const char *group, const char *from, const char *to, int64_t at_ns)
{
	struct change *c;

	room((void **)&f->changes, f->n_changes, &f->cap_changes, sizeof *f->changes);
	c = &f->changes[f->n_changes++];
	*c = (struct change){ .group = group, .from = from, .to = to, .at_ns = at_ns, .n_hosts = 1 };
	return c;
}

/* One of the changes from index first on that this arrival is a part of, or NULL. */
static struct change *
same_change(struct finder *f, size_t first, const struct arrival *a)
{
	size_t i;

	for (i = f->n_changes; i-- > first;) {
		struct change *c = &f->changes[i];

		if (a->at_ns - c->at_ns > TOGETHER_STEPS * f->range->step_ns)
			return NULL;
		if (strcmp(c->to, a->to) == 0 && (a->from == NULL || strcmp(c->from, a->from) == 0))
			return c;
	}
	return NULL;
}

/* first: the group's first change. */
static void
take_arrival(struct finder *f, const char *group, size_t first, const struct arrival *a)
{
	struct change *c = same_change(f, first, a);
	const char *from = a->from;
	bool has = false;

	if (c != NULL) {
		c->n_hosts++;
		return;
	}
	if (from == NULL)
		from = values_before(f, a->at_ns, a->to, &has);
	if (has || *from == '\0')
		return;
	add_change(f, group, from, a->to, a->at_ns)->is_newcomer = a->from == NULL;
}

static bool
is_among(const char *names, const char *name)
{
	size_t len = strlen(name);
	const char *p;

	for (p = names; p != NULL; p = strchr(p, ','), p += p != NULL)
		if (strncmp(p, name, len) == 0 && (p[len] == ',' || p[len] == '\0'))
			return true;
	return false;
}

/* A value that new hosts brought and that is gone for good, with nothing after it that tells why. */
static void
take_departure(struct finder *f, size_t first, size_t which)
{
	const struct change c = f->changes[which];
	int64_t end = INT64_MIN;
	const char *rest;
	size_t i;

	for (i = first; i < f->n_changes; i++)
		if (i != which && f->changes[i].at_ns >= c.at_ns &&
		    (strcmp(f->changes[i].to, c.to) == 0 || is_among(f->changes[i].from, c.to)))
			return;
	for (i = 0; i < f->n_values; i++)
		if (strcmp(f->values[i].text, c.to) == 0)
			end = last_end(&f->values[i], INT64_MAX);
	if (end + SETTLE_STEPS * f->range->step_ns >= f->end_ns)
		return;
	rest = values_after(f, end, c.to);
	if (*rest != '\0')
		add_change(f, c.group, c.to, rest, end + f->range->step_ns);
}

static int
by_time(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;
	int r = compare_ns(x->at_ns, y->at_ns);

	/* Hosts that were there before speak first: they know what they had. */
	if (r == 0)
		r = (x->from == NULL) - (y->from == NULL);
	if (r == 0)
		r = strcmp(x->to, y->to);
	return r != 0 || x->from == NULL ? r : strcmp(x->from, y->from);
}

/* v: the spans of one group, by host. */
static void
look_at_group(struct finder *f, struct span *v, size_t n)
{
	size_t i, m, first = f->n_changes, n_arrived;
	int64_t first_ns = INT64_MAX;

	f->n_arrivals = 0;
	for (i = 0; i < n; i++)
		first_ns = v[i].start_ns < first_ns ? v[i].start_ns : first_ns;
	for (i = 0; i < n; i += m) {
		for (m = 1; i + m < n && v[i + m].host == v[i].host; m++)
			;
		walk_host(f, &v[i], m, first_ns);
	}
	find_values(f, v, n);
	if (f->n_arrivals > 0)
		qsort(f->arrivals, f->n_arrivals, sizeof *f->arrivals, by_time);
	for (i = 0; i < f->n_arrivals && f->n_changes < INSIGHT_MARKERS_MAX; i++)
		take_arrival(f, v[0].group, first, &f->arrivals[i]);
	n_arrived = f->n_changes;
	for (i = first; i < n_arrived && f->n_changes < INSIGHT_MARKERS_MAX; i++)
		if (f->changes[i].is_newcomer)
			take_departure(f, first, i);
}

/* --- the set ------------------------------------------------------------------------------------------------------- */

static int
by_change_time(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	int r = compare_ns(x->at_ns, y->at_ns);

	if (r == 0)
		r = strcmp(x->group, y->group);
	return r != 0 ? r : strcmp(x->to, y->to);
}

static void
write_marker(struct finder *f, const struct change *c, struct marker *m)
{
	struct arena *mem = &f->set->block.arena;
	const char *name = f->def->title != NULL && *f->def->title != '\0' ? f->def->title : f->def->name;
	char *text;

	m->kind = MARKER_CHANGE;
	m->at_ns = c->at_ns;
	m->what = arena_strdup(mem, *c->group != '\0' ? c->group : name);
	m->from = arena_strdup(mem, c->from);
	m->to = arena_strdup(mem, c->to);
	text = xasprintf("%s %s -> %s", m->what, m->from, m->to);
	m->text = arena_strdup(mem, text);
	free(text);
	m->n_series = c->n_hosts;
}

static void
look(struct finder *f)
{
	size_t i, m;

	for (i = 0; i < f->range->n; i++)
		add_series(f, &f->range->v[i]);
	if (f->n_spans > 0)
		qsort(f->spans, f->n_spans, sizeof *f->spans, by_host);
	for (i = 0; i < f->n_spans; i += m) {
		for (m = 1; i + m < f->n_spans && strcmp(f->spans[i + m].group, f->spans[i].group) == 0; m++)
			;
		look_at_group(f, &f->spans[i], m);
	}
}

struct marker_set *
insight_markers(const struct marker_def *def, const struct series_set *range)
{
	struct finder f = { .def = def, .range = range, .set = block_new(sizeof *f.set) };
	struct marker *v;
	size_t i;

	f.set->def = arena_strdup(&f.set->block.arena, def->id);
	f.set->start_ns = range->start_ns;
	f.set->end_ns = range->end_ns;
	if (range->type == SERIES_MATRIX && range->step_ns > 0 && def->label != NULL)
		look(&f);
	if (f.n_changes > 0) {
		qsort(f.changes, f.n_changes, sizeof *f.changes, by_change_time);
		f.set->v = v = arena_alloc(&f.set->block.arena, f.n_changes * sizeof *v);
		for (i = 0; i < f.n_changes; i++)
			write_marker(&f, &f.changes[i], &v[i]);
		f.set->n = f.n_changes;
	}
	free(f.spans);
	free(f.values);
	free(f.arrivals);
	free(f.changes);
	return f.set;
}
