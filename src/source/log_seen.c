#include "config.h"

#include "source/log_seen.h"

#include <stdlib.h>

#include "base/xalloc.h"

enum { CAP_FIRST = 256 };

void
log_seen_done(struct log_seen *s)
{
	free(s->v);
	*s = (struct log_seen){ 0 };
}

/* Where it is, or would be. */
static size_t
place(const struct log_seen *s, uint64_t hash)
{
	size_t i = (size_t)(hash ^ hash >> 32) & (s->cap - 1);

	while (s->v[i].hash != 0 && s->v[i].hash != hash)
		i = (i + 1) & (s->cap - 1);
	return i;
}

bool
log_seen_has(const struct log_seen *s, uint64_t hash)
{
	if (hash == 0)
		hash = 1;
	return s->cap > 0 && s->v[place(s, hash)].hash == hash;
}

static void
rebuild(struct log_seen *s, size_t cap, int64_t since_ns)
{
	struct log_seen old = *s;

	*s = (struct log_seen){ .cap = cap };
	s->v = xcalloc(cap, sizeof *s->v);
	for (size_t i = 0; i < old.cap; i++)
		if (old.v[i].hash != 0 && old.v[i].time_ns >= since_ns) {
			s->v[place(s, old.v[i].hash)] = old.v[i];
			s->n++;
		}
	free(old.v);
}

bool
log_seen_add(struct log_seen *s, uint64_t hash, int64_t time_ns)
{
	size_t i;

	if (hash == 0)
		hash = 1;
	if (s->n * 2 >= s->cap)
		rebuild(s, s->cap == 0 ? CAP_FIRST : s->cap * 2, INT64_MIN);
	i = place(s, hash);
	if (s->v[i].hash != 0)
		return false;
	s->v[i] = (struct log_seen_entry){ hash, time_ns };
	s->n++;
	return true;
}

void
log_seen_add_all(struct log_seen *s, const struct log_seen *from)
{
	for (size_t i = 0; i < from->cap; i++)
		if (from->v[i].hash != 0)
			log_seen_add(s, from->v[i].hash, from->v[i].time_ns);
}

void
log_seen_since(struct log_seen *s, int64_t since_ns)
{
	size_t n = 0, cap = CAP_FIRST;

	for (size_t i = 0; i < s->cap; i++)
		n += s->v[i].hash != 0 && s->v[i].time_ns >= since_ns;
	if (n == s->n)
		return;
	while (cap < n * 2)
		cap *= 2;
	rebuild(s, cap, since_ns);
}

static int
by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t
log_seen_newest(const struct log_seen *s, size_t max)
{
	int64_t *v, t;
	size_t n = 0;

	if (s->n <= max)
		return INT64_MIN;
	v = xcalloc(s->n, sizeof *v);
	for (size_t i = 0; i < s->cap; i++)
		if (s->v[i].hash != 0)
			v[n++] = s->v[i].time_ns;
	qsort(v, n, sizeof *v, by_time);
	t = v[n - max];
	free(v);
	return t;
}
