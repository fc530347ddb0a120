#include "config.h"

#include "source/series_build.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum { NEW_MAX = 1000 };	/* so many new values in a row: the next one will be new too */

void
series_build_init(struct series_build *b, size_t series_max)
{
	*b = (struct series_build){ .series_max = series_max };
	b->set = block_new(sizeof *b->set);
	intern_init(&b->intern, &b->set->block.arena);
}

void
series_build_done(struct series_build *b)
{
	block_unref(b->set);
	intern_done(&b->intern);
	free(b->series);
	free(b->labels);
	free(b->samples);
	free(b->histograms);
	free(b->buckets);
	*b = (struct series_build){ 0 };
}

/* n things of size bytes each at their final place; no memory for none. */
static void *
settle(struct series_build *b, const void *v, size_t n, size_t size)
{
	return n == 0 ? NULL : memcpy(arena_alloc(&b->set->block.arena, n * size), v, n * size);
}

struct series_set *
series_build_take(struct series_build *b)
{
	struct series_set *set = b->set;

	set->n = b->n_series;
	set->v = settle(b, b->series, b->n_series, sizeof *b->series);
	b->set = NULL;
	series_build_done(b);
	return set;
}

/* Room for one more; inlined for the sake of matrices, which add millions. */
static inline void
room(void **v, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return;
	*cap = *cap == 0 ? 16 : *cap + *cap / 2;
	*v = xreallocarray(*v, *cap, size);
}
#define ROOM(b, what) room((void **)&(b)->what, (b)->n_##what, &(b)->cap_##what, sizeof *(b)->what)

bool
series_build_begin(struct series_build *b)
{
	if (b->n_series >= b->series_max) {
		b->set->n_left_out++;
		return false;
	}
	b->n_labels = b->n_samples = b->n_histograms = b->n_buckets = 0;
	return true;
}

static bool
is_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

void
series_build_label_name(struct series_build *b, const char *text, size_t len)
{
	struct label_memory *l;

	ROOM(b, labels);
	l = &b->labels[b->n_labels];
	if (b->n_labels == b->n_known_labels) {
		*l = (struct label_memory){ .name = "", .value = "" };
		b->n_known_labels++;
	}
	if (is_same(l->name, l->name_len, text, len))
		return;
	l->name = intern_text(&b->intern, text, len);
	l->name_len = len;
}

void
series_build_label_value(struct series_build *b, const char *text, size_t len)
{
	struct label_memory *l = &b->labels[b->n_labels++];
	size_t n_known = b->intern.n;

	if (is_same(l->value, l->value_len, text, len))
		return;
	l->value_len = len;
	if (l->n_new >= NEW_MAX) {
		l->value = text_copy(b->intern.arena, text, len);
		return;
	}
	l->value = intern_text(&b->intern, text, len);
	l->n_new = b->intern.n > n_known ? l->n_new + 1 : 0;
}

void
series_build_sample(struct series_build *b, int64_t t_ns, double v)
{
	ROOM(b, samples);
	b->samples[b->n_samples++] = (struct sample){ .t_ns = t_ns, .v = v };
}

void
series_build_bucket(struct series_build *b, const struct bucket *bucket)
{
	ROOM(b, buckets);
	b->buckets[b->n_buckets++] = *bucket;
}

void
series_build_histogram(struct series_build *b, int64_t t_ns, double count, double sum)
{
	struct histogram *h;

	ROOM(b, histograms);
	h = &b->histograms[b->n_histograms++];
	*h = (struct histogram){ .t_ns = t_ns, .count = count, .sum = sum, .n = b->n_buckets };
	h->v = settle(b, b->buckets, b->n_buckets, sizeof *b->buckets);
	b->n_buckets = 0;
}

/* --- the end of a series ------------------------------------------------------------------------------------------ */

static int
label_cmp(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

static bool
settle_labels(struct series_build *b, struct labels *ret)
{
	struct label *v;
	size_t i;

	if (b->n_labels == 0)
		return true;
	v = arena_alloc(&b->set->block.arena, b->n_labels * sizeof *v);
	for (i = 0; i < b->n_labels; i++)
		v[i] = (struct label){ b->labels[i].name, b->labels[i].value };
	*ret = (struct labels){ .n = b->n_labels, .v = v };
	/* Servers send them sorted, nearly always. */
	for (i = 1; i < ret->n && strcmp(v[i - 1].name, v[i].name) < 0; i++)
		;
	if (i == ret->n)
		return true;
	qsort(v, ret->n, sizeof *v, label_cmp);
	for (i = 1; i < ret->n; i++)
		if (strcmp(v[i - 1].name, v[i].name) == 0)
			return false;
	return true;
}

/* Equal times stay in the order of arrival. */
struct by_time {
	int64_t t_ns;
	size_t index;
};

static int
time_cmp(const void *a, const void *b)
{
	const struct by_time *x = a, *y = b;

	if (x->t_ns != y->t_ns)
		return x->t_ns < y->t_ns ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* Sort v by time, keep the last of equal times; returns how many are left. Elements begin with int64_t t_ns. */
static size_t
sort_by_time(void *v, size_t n, size_t size)
{
	struct by_time *order;
	char *bytes = v, *copy;
	size_t i, left = 0;
	int64_t t, before;

	for (i = 1; i < n; i++) {
		memcpy(&before, bytes + (i - 1) * size, sizeof before);
		memcpy(&t, bytes + i * size, sizeof t);
		if (t <= before)
			break;
	}
	if (i >= n)
		return n;
	order = xcalloc(n, sizeof *order);
	copy = xmalloc(n * size);
	memcpy(copy, v, n * size);
	for (i = 0; i < n; i++) {
		memcpy(&order[i].t_ns, bytes + i * size, sizeof order[i].t_ns);
		order[i].index = i;
	}
	qsort(order, n, sizeof *order, time_cmp);
	for (i = 0; i < n; i++) {
		if (i + 1 < n && order[i].t_ns == order[i + 1].t_ns)
			continue;
		memcpy(bytes + left++ * size, copy + order[i].index * size, size);
	}
	free(copy);
	free(order);
	return left;
}

bool
series_build_end(struct series_build *b)
{
	struct series s = { 0 };

	if (!settle_labels(b, &s.labels))
		return false;
	s.n = sort_by_time(b->samples, b->n_samples, sizeof *b->samples);
	s.v = settle(b, b->samples, s.n, sizeof *b->samples);
	s.n_histograms = sort_by_time(b->histograms, b->n_histograms, sizeof *b->histograms);
	s.histograms = settle(b, b->histograms, s.n_histograms, sizeof *b->histograms);
	ROOM(b, series);
	b->series[b->n_series++] = s;
	return true;
}
