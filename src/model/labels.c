#include "config.h"

#include "model/event.h"

#include <string.h>

#include "base/str.h"

const char *
labels_get(const struct labels *l, const char *name)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(name, l->v[mid].name);

		if (c == 0)
			return l->v[mid].value;
		if (c > 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

bool
labels_equal(const struct labels *a, const struct labels *b)
{
	return a->n == b->n && labels_within(a, b);
}

bool
labels_within(const struct labels *a, const struct labels *b)
{
	size_t j = 0;

	if (a->n > b->n)
		return false;
	for (size_t i = 0; i < a->n; i++, j++) {
		int c = 1;

		while (j < b->n && (c = strcmp(a->v[i].name, b->v[j].name)) > 0)
			j++;
		if (c != 0 || strcmp(a->v[i].value, b->v[j].value) != 0)
			return false;
	}
	return true;
}

/* With the terminating NUL, so that {a="bc"} and {ab="c"} differ. */
uint64_t
labels_hash(const struct labels *l)
{
	uint64_t h = STR_HASH_SEED;

	for (size_t i = 0; i < l->n; i++) {
		h = str_hash(l->v[i].name, strlen(l->v[i].name) + 1, h);
		h = str_hash(l->v[i].value, strlen(l->v[i].value) + 1, h);
	}
	return h;
}

int
labels_compare(const struct labels *a, const struct labels *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		int c = strcmp(a->v[i].name, b->v[i].name);

		if (c == 0)
			c = strcmp(a->v[i].value, b->v[i].value);
		if (c != 0)
			return c;
	}
	return (a->n > b->n) - (a->n < b->n);
}
