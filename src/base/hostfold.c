/*
 * Names to the shortest pattern.
 *
 * Each name is a term of texts and numbers. Terms that differ in one number only are put together,
 * one place after the other until none is left to put together: a grid of racks and nodes becomes
 * one term. What that does not make shorter is written name by name.
 */
#include "config.h"

#include "base/hostfold.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum { PLACES_MAX = 4, DIGITS_MAX = 15 };

struct number {
	uint64_t value;
	int width;		/* digits it is written with */
};
/* The numbers at one place, sorted. */
struct numbers {
	struct number *v;
	size_t n;
};
struct term {
	const char *name;	/* the first */
	size_t order;		/* of that name in what was given */
	size_t n;		/* numbers */
	size_t start[PLACES_MAX], len[PLACES_MAX];	/* in name */
	struct numbers at[PLACES_MAX];
	size_t plain_len;	/* of all its names, a comma behind each */
};
struct fold {
	struct term *v;
	size_t n;
};

/* --- names to terms -------------------------------------------------------------------------- */

/* The last numbers count: they are what hosts of one kind differ by. */
static void
split(struct term *t)
{
	const char *end = t->name + strlen(t->name);

	for (const char *p = end; p > t->name && t->n < PLACES_MAX;) {
		const char *last = p;

		while (p > t->name && p[-1] >= '0' && p[-1] <= '9')
			p--;
		if (p == last) {
			p--;
			continue;
		}
		if (last - p > DIGITS_MAX)
			continue;
		t->start[t->n] = (size_t)(p - t->name);
		t->len[t->n] = (size_t)(last - p);
		t->at[t->n].v = xmalloc(sizeof(struct number));
		t->at[t->n].v[0] = (struct number){ strtoull(p, NULL, 10), (int)(last - p) };
		t->at[t->n++].n = 1;
	}
}

static void
term_done(struct term *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->at[i].v);
}

/* --- putting terms together ------------------------------------------------------------------ */

static int
compare_number(const struct number *a, const struct number *b)
{
	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return (a->width > b->width) - (a->width < b->width);
}

static int
compare_numbers(const struct numbers *a, const struct numbers *b)
{
	int c = 0;

	for (size_t i = 0; i < a->n && i < b->n && c == 0; i++)
		c = compare_number(&a->v[i], &b->v[i]);
	return c != 0 ? c : (a->n > b->n) - (a->n < b->n);
}

/* Where the text in front of place i begins, and how long it is; i == n: the text before all of
 * them. Places count from the end of the name. */
static const char *
text_of(const struct term *t, size_t i, size_t *ret_len)
{
	size_t start = i < t->n ? t->start[i] + t->len[i] : 0;
	size_t end = i == 0 ? strlen(t->name) : t->start[i - 1];

	*ret_len = end - start;
	return t->name + start;
}

static int
compare_texts(const struct term *a, const struct term *b)
{
	int c = (a->n > b->n) - (a->n < b->n);

	for (size_t i = 0; i <= a->n && c == 0; i++) {
		size_t a_len, b_len;
		const char *a_text = text_of(a, i, &a_len), *b_text = text_of(b, i, &b_len);

		c = a_len != b_len ? (a_len > b_len) - (a_len < b_len) :
		    memcmp(a_text, b_text, a_len);
	}
	return c;
}

/* All but the numbers at place. */
static int
compare_rest(const struct term *a, const struct term *b, size_t place)
{
	int c = compare_texts(a, b);

	for (size_t i = 0; i < a->n && c == 0; i++)
		if (i != place)
			c = compare_numbers(&a->at[i], &b->at[i]);
	return c;
}

static int
compare_terms(const void *pa, const void *pb, void *pplace)
{
	const struct term *a = pa, *b = pb;
	size_t place = *(const size_t *)pplace;
	int c = compare_rest(a, b, place);

	if (c == 0 && place < a->n)
		c = compare_numbers(&a->at[place], &b->at[place]);
	return c != 0 ? c : (a->order > b->order) - (a->order < b->order);
}

static int
compare_in_set(const void *a, const void *b)
{
	return compare_number(a, b);
}

static void
absorb(struct term *into, struct term *t, size_t place)
{
	struct numbers *l = &into->at[place];

	l->v = xreallocarray(l->v, l->n + t->at[place].n, sizeof(*l->v));
	memcpy(l->v + l->n, t->at[place].v, t->at[place].n * sizeof(*l->v));
	l->n += t->at[place].n;
	into->plain_len += t->plain_len;
	if (t->order < into->order)
		into->order = t->order;
	term_done(t);
}

/* true: some were. */
static bool
merge_at(struct fold *f, size_t place)
{
	size_t kept = 0, before = f->n, first = 0;

	qsort_r(f->v, f->n, sizeof(*f->v), compare_terms, &place);
	for (size_t i = 0; i < f->n; i++) {
		if (kept > 0 && place < f->v[i].n &&
		    compare_rest(&f->v[first], &f->v[i], place) == 0) {
			absorb(&f->v[first], &f->v[i], place);
			continue;
		}
		first = kept;
		f->v[kept++] = f->v[i];
	}
	f->n = kept;
	for (size_t i = 0; i < f->n; i++)
		if (place < f->v[i].n && f->v[i].at[place].n > 1)
			qsort(f->v[i].at[place].v, f->v[i].at[place].n, sizeof(struct number),
			    compare_in_set);
	return f->n < before;
}

/* Which place comes first may change how much can be put together. */
static void
merge(struct fold *f, bool is_from_front)
{
	bool is_merged = true;

	while (is_merged && f->n > 1) {
		is_merged = false;
		for (size_t i = 0; i < PLACES_MAX && f->n > 1; i++)
			is_merged = merge_at(f, is_from_front ? PLACES_MAX - 1 - i : i) ||
			    is_merged;
	}
}

/* --- terms to text --------------------------------------------------------------------------- */

/* How many from first on are one after the other, written with the same number of digits. */
static size_t
run_length(const struct numbers *l, size_t first)
{
	int width = l->v[first].width;
	size_t n = 1;

	for (; first + n < l->n; n++) {
		const struct number *next = &l->v[first + n];
		char text[32];

		if (next->value != l->v[first].value + n ||
		    snprintf(text, sizeof text, "%0*llu", width,
		    (unsigned long long)next->value) != next->width)
			break;
	}
	return n;
}

static void
write_number(struct buf *b, const struct number *n)
{
	buf_printf(b, "%0*llu", n->width, (unsigned long long)n->value);
}

static void
write_numbers(struct buf *b, const struct numbers *l)
{
	if (l->n > 1)
		buf_addch(b, '[');
	for (size_t i = 0; i < l->n;) {
		size_t n = run_length(l, i);

		if (i > 0)
			buf_addch(b, ',');
		write_number(b, &l->v[i]);
		if (n > 1) {
			buf_addch(b, '-');
			write_number(b, &l->v[i + n - 1]);
		}
		i += n;
	}
	if (l->n > 1)
		buf_addch(b, ']');
}

/* pick: which number of each place; NULL: all of them, in brackets. */
static void
write_term(struct buf *b, const struct term *t, const size_t *pick)
{
	for (size_t i = t->n + 1; i-- > 0;) {
		size_t len;
		const char *text = text_of(t, i, &len);

		buf_add(b, text, len);
		if (i == 0)
			break;
		if (pick != NULL)
			write_number(b, &t->at[i - 1].v[pick[i - 1]]);
		else
			write_numbers(b, &t->at[i - 1]);
	}
}

static bool
next_pick(const struct term *t, size_t *pick)
{
	for (size_t i = 0; i < t->n; i++) {
		if (++pick[i] < t->at[i].n)
			return true;
		pick[i] = 0;
	}
	return false;
}

static void
write_shorter(struct buf *out, const struct term *t)
{
	size_t pick[PLACES_MAX] = { 0 };
	const char *comma = "";
	struct buf b;

	buf_init(&b, out->max);
	write_term(&b, t, NULL);
	if (b.len < t->plain_len) {
		buf_add(out, b.data, b.len);
	} else {
		do {
			buf_addstr(out, comma);
			write_term(out, t, pick);
			comma = ",";
		} while (next_pick(t, pick));
	}
	buf_done(&b);
}

static int
compare_order(const void *pa, const void *pb)
{
	const struct term *a = pa, *b = pb;

	return (a->order > b->order) - (a->order < b->order);
}

static void
fold_by(struct buf *out, const char *const *names, size_t n, bool is_from_front)
{
	struct fold f = { xcalloc(n + 1, sizeof(struct term)), 0 };

	for (size_t i = 0; i < n; i++) {
		if (i > 0 && strcmp(names[i - 1], names[i]) == 0)
			continue;
		f.v[f.n] = (struct term){ .name = names[i], .order = i,
		    .plain_len = strlen(names[i]) + 1 };
		split(&f.v[f.n++]);
	}
	merge(&f, is_from_front);
	if (f.n > 1)
		qsort(f.v, f.n, sizeof(*f.v), compare_order);
	for (size_t i = 0; i < f.n; i++) {
		if (i > 0)
			buf_addch(out, ',');
		write_shorter(out, &f.v[i]);
		term_done(&f.v[i]);
	}
	free(f.v);
}

void
host_fold(struct buf *out, const char *const *names, size_t n)
{
	struct buf back, front;

	buf_init(&back, out->max);
	buf_init(&front, out->max);
	fold_by(&back, names, n, false);
	fold_by(&front, names, n, true);
	buf_addstr(out, front.len < back.len ? front.data : back.data);
	buf_done(&back);
	buf_done(&front);
}
