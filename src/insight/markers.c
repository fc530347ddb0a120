#include "config.h"

#include "insight/markers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"

/* Values count as there at a moment when they were within so many steps before it. */
enum { SETTLE_STEPS = 3, TOGETHER_STEPS = 2, NAMES_MAX = 1024, TITLE_MAX = 1024, TITLE_LABELS_MAX = 8, TITLE_PIECES_MAX = 32 };

struct span {			/* one value on one host, without a break */
	const char *group, *value;
	const struct labels *labels;	/* of its series */
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
	const struct labels *labels;	/* of the series that has the new value */
	int64_t at_ns;
};
struct change {			/* a marker in the making */
	const char *group, *from, *to;
	int64_t at_ns;
	unsigned n_hosts;
	bool is_newcomer;	/* brought by a new host */
	const char *shared[TITLE_LABELS_MAX];	/* values of the title's labels; NULL where its series differ */
};

enum piece_kind { PIECE_TEXT, PIECE_VERSION, PIECE_GROUP, PIECE_OTHER };
struct piece {
	enum piece_kind kind;
	const char *text;	/* PIECE_TEXT; NULL nothing */
	const char *label;	/* of the others */
	size_t which;		/* PIECE_OTHER: of title_labels[] */
};
struct title {
	size_t n;
	struct piece v[TITLE_PIECES_MAX];
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
	size_t n_refused;	/* groups with too many values */
	const char *title_labels[TITLE_LABELS_MAX];	/* what the title names beside the version and the group */
	size_t n_title_labels;
	struct title title;
};

static void
room(void **v, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return;
	*cap = *cap == 0 ? 16 : *cap * 2;
	*v = xreallocarray(*v, *cap, size);
}

/* --- the title, in pieces -------------------------------------------------------------------------------------------- */

/* Take the title apart; a text that is no {{LABEL}} stays as it is. Names of labels are copied into the set's arena. */
static void
title_read(struct finder *f, const char *s)
{
	struct arena *mem = &f->set->block.arena;

	while (*s != '\0' && f->title.n < TITLE_PIECES_MAX) {
		const char *open = strstr(s, "{{"), *close = open == NULL ? NULL : strstr(open, "}}"), *name, *end;
		struct piece *piece = &f->title.v[f->title.n++];

		if (open != s || close == NULL) {
			piece->text = arena_strndup(mem, s, close == NULL ? strlen(s) : (size_t)(open - s));
			s += strlen(piece->text);
			continue;
		}
		for (name = open + 2; *name == ' '; name++)
			;
		for (end = close; end > name && end[-1] == ' '; end--)
			;
		piece->label = arena_strndup(mem, name, (size_t)(end - name));
		s = close + 2;
	}
}

static void
title_label(struct finder *f, struct piece *piece)
{
	if (strcmp(piece->label, f->def->label) == 0) {
		piece->kind = PIECE_VERSION;
	} else if (str_eq(piece->label, f->def->group_by)) {
		piece->kind = PIECE_GROUP;
	} else if (f->n_title_labels < TITLE_LABELS_MAX) {
		piece->kind = PIECE_OTHER;
		piece->which = f->n_title_labels;
		f->title_labels[f->n_title_labels++] = piece->label;
	}
}

static void
title_init(struct finder *f)
{
	const char *title = f->def->title;

	if (title == NULL || *title == '\0') {
		f->title = (struct title){ .n = 3, .v = { { .kind = PIECE_GROUP }, { .text = " " }, { .kind = PIECE_VERSION } } };
		return;
	}
	title_read(f, title);
	for (size_t i = 0; i < f->title.n; i++)
		if (f->title.v[i].label != NULL)
			title_label(f, &f->title.v[i]);
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
	struct span span = { .group = group == NULL ? "" : group, .value = labels_get(&s->labels, f->def->label), .labels = &s->labels };
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
	const struct labels *labels;
	int64_t end_ns;
	const char *beside;	/* another that was seen, and lasts longest */
	const struct labels *beside_labels;
	int64_t beside_end_ns;
};

static void
arrive(struct finder *f, const char *from, const char *to, const struct labels *labels, int64_t at_ns)
{
	room((void **)&f->arrivals, f->n_arrivals, &f->cap_arrivals, sizeof *f->arrivals);
	f->arrivals[f->n_arrivals++] = (struct arrival){ .from = from, .to = to, .labels = labels, .at_ns = at_ns };
}

/* Its value ended, and the one beside it went on at least until `until`: it is back at that. */
static void
fall_back(struct finder *f, struct host_walk *w, int64_t until_ns)
{
	int64_t settled = w->end_ns + TOGETHER_STEPS * f->range->step_ns;

	if (w->beside == NULL || until_ns <= settled || w->beside_end_ns <= settled)
		return;
	arrive(f, w->value, w->beside, w->beside_labels, w->end_ns + f->range->step_ns);
	w->value = w->beside;
	w->labels = w->beside_labels;
	w->end_ns = w->beside_end_ns;
	w->beside = NULL;
}

static void
keep_beside(struct host_walk *w, const char *value, const struct labels *labels, int64_t end_ns)
{
	if (w->beside != NULL && strcmp(w->beside, value) != 0 && w->beside_end_ns > end_ns)
		return;
	w->beside = value;
	w->beside_labels = labels;
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
		keep_beside(w, s->value, s->labels, s->end_ns);
		return;
	}
	arrive(f, w->value, s->value, s->labels, s->start_ns);
	keep_beside(w, w->value, w->labels, w->end_ns);
	w->value = s->value;
	w->labels = s->labels;
	w->end_ns = s->end_ns;
}

/* The spans of one host; first_ns is when its group was first seen. */
static void
walk_host(struct finder *f, const struct span *v, size_t n, int64_t first_ns)
{
	struct host_walk w = { .value = v[0].value, .labels = v[0].labels, .end_ns = v[0].end_ns };
	size_t i;

	if (v[0].start_ns > first_ns + f->range->step_ns)
		arrive(f, NULL, v[0].value, v[0].labels, v[0].start_ns);
	for (i = 1; i < n; i++) {
		/* Two from the start: the one that lasts is what it goes on with. */
		if (v[i].start_ns == v[0].start_ns) {
			keep_beside(&w, v[i].value, v[i].labels, v[i].end_ns);
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

/* The values that the group had just before at, joined: "5,6"; "" none, or `but` is one of them (*ret_has). */
static const char *
values_before(struct finder *f, int64_t at_ns, const char *but, bool *ret_has)
{
	int64_t newest = INT64_MIN, end;
	int64_t ends[INSIGHT_VALUES_MAX];
	struct buf names;
	size_t i;

	*ret_has = false;
	for (i = 0; i < f->n_values; i++) {
		ends[i] = last_end(&f->values[i], at_ns);
		newest = ends[i] > newest ? ends[i] : newest;
	}
	if (newest == INT64_MIN)
		return "";
	end = newest - SETTLE_STEPS * f->range->step_ns;
	for (i = 0; i < f->n_values && !*ret_has; i++)
		*ret_has = ends[i] != INT64_MIN && ends[i] >= end && strcmp(f->values[i].text, but) == 0;
	if (*ret_has)	/* the most frequent case: one more pod of the same, nothing to write */
		return "";
	buf_init(&names, NAMES_MAX);
	for (i = 0; i < f->n_values; i++)
		if (ends[i] != INT64_MIN && ends[i] >= end)
			add_name(&names, f->values[i].text);
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

static const char *
label_or_none(const struct labels *labels, const char *name)
{
	const char *value = labels_get(labels, name);

	return value == NULL ? "" : value;
}

static void
share_labels(const struct finder *f, struct change *c, const struct labels *labels)
{
	for (size_t i = 0; i < f->n_title_labels; i++)
		if (c->shared[i] != NULL && strcmp(c->shared[i], label_or_none(labels, f->title_labels[i])) != 0)
			c->shared[i] = NULL;
}

/* first: the group's first change. */
static void
take_arrival(struct finder *f, const char *group, size_t first, const struct arrival *a)
{
	struct change *c = same_change(f, first, a);
	const char *from = a->from;
	bool has = false;
	size_t i;

	if (c != NULL) {
		c->n_hosts++;
		share_labels(f, c, a->labels);
		return;
	}
	if (from == NULL)
		from = values_before(f, a->at_ns, a->to, &has);
	if (has || *from == '\0')
		return;
	c = add_change(f, group, from, a->to, a->at_ns);
	c->is_newcomer = a->from == NULL;
	for (i = 0; i < f->n_title_labels; i++)
		c->shared[i] = label_or_none(a->labels, f->title_labels[i]);
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
	struct change *gone;
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
	if (*rest == '\0')
		return;
	gone = add_change(f, c.group, c.to, rest, end + f->range->step_ns);
	memcpy(gone->shared, c.shared, sizeof gone->shared);	/* it is what came that is gone */
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

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A thing has a few versions in a day; a label with a value for each pod, or request, is none. v: the spans of one group. */
static bool
has_too_many_values(const struct span *v, size_t n)
{
	const char **values;
	size_t i, n_values = 1;

	if (n <= INSIGHT_VALUES_MAX)
		return false;
	values = xcalloc(n, sizeof(const char *));
	for (i = 0; i < n; i++)
		values[i] = v[i].value;
	qsort(values, n, sizeof(const char *), by_text);
	for (i = 1; i < n; i++)
		n_values += strcmp(values[i - 1], values[i]) != 0;
	free(values);
	return n_values > INSIGHT_VALUES_MAX;
}

/* v: the spans of one group, by host. */
static void
look_at_group(struct finder *f, struct span *v, size_t n)
{
	size_t i, m, first = f->n_changes, n_arrived;
	int64_t first_ns = INT64_MAX;

	if (has_too_many_values(v, n)) {
		f->n_refused++;
		return;
	}
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
write_piece(struct buf *text, const struct piece *piece, const struct change *c, const struct marker *m)
{
	switch (piece->kind) {
	case PIECE_TEXT:
		buf_addstr(text, piece->text == NULL ? "" : piece->text);
		break;
	case PIECE_VERSION:
		buf_printf(text, "%s -> %s", m->from, m->to);
		break;
	case PIECE_GROUP:
		buf_addstr(text, m->what);
		break;
	case PIECE_OTHER:
		buf_addstr(text, c->shared[piece->which] == NULL ? "" : c->shared[piece->which]);
		break;
	}
}

static void
write_marker(struct finder *f, const struct change *c, struct marker *m)
{
	struct arena *mem = &f->set->block.arena;
	struct buf text;

	m->kind = MARKER_CHANGE;
	m->at_ns = c->at_ns;
	m->what = arena_strdup(mem, *c->group != '\0' ? c->group : f->def->name);
	m->from = arena_strdup(mem, c->from);
	m->to = arena_strdup(mem, c->to);
	buf_init(&text, TITLE_MAX);
	for (size_t i = 0; i < f->title.n; i++)
		write_piece(&text, &f->title.v[i], c, m);
	m->text = arena_strdup(mem, text.data);
	buf_done(&text);
	m->n_series = c->n_hosts;
}

static void
note_refused(struct finder *f)
{
	char *note;

	if (f->n_refused == 0)
		return;
	note = xasprintf("%s: too many values of %s to be versions (more than %d%s)", f->def->name, f->def->label, INSIGHT_VALUES_MAX,
	    f->def->group_by == NULL ? "" : " in one group");
	f->set->note = arena_strdup(&f->set->block.arena, note);
	free(note);
}

static void
look(struct finder *f)
{
	size_t i, m;

	title_init(f);
	for (i = 0; i < f->range->n; i++)
		add_series(f, &f->range->v[i]);
	if (f->n_spans > 0)
		qsort(f->spans, f->n_spans, sizeof *f->spans, by_host);
	for (i = 0; i < f->n_spans; i += m) {
		for (m = 1; i + m < f->n_spans && strcmp(f->spans[i + m].group, f->spans[i].group) == 0; m++)
			;
		look_at_group(f, &f->spans[i], m);
	}
	note_refused(f);
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
