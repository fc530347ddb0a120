#include "config.h"

#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	max_align_t bytes[];
};

enum { CHUNK_FIRST = 1024, CHUNK_MAX = 256 * 1024 };

void
arena_done(struct arena *a)
{
	struct arena_chunk *c, *next;

	for (c = a->chunks; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	*a = (struct arena)ARENA_INIT;
}

/* Chunks double up to CHUNK_MAX, so small answers stay small and large ones need few chunks. */
static struct arena_chunk *
chunk_for(struct arena *a, size_t size)
{
	size_t want = a->chunks == NULL ? CHUNK_FIRST : a->chunks->size * 2;
	struct arena_chunk *c;

	if (want > CHUNK_MAX)
		want = CHUNK_MAX;
	if (want < size)
		want = size;
	c = xmalloc(sizeof *c + want);
	c->used = 0;
	c->size = want;
	/* A chunk made for one large thing goes behind the current one, which has room left. */
	if (a->chunks != NULL && want == size && size > CHUNK_MAX) {
		c->next = a->chunks->next;
		a->chunks->next = c;
	} else {
		c->next = a->chunks;
		a->chunks = c;
	}
	a->bytes += sizeof *c + want;
	return c;
}

static void *
arena_take(struct arena *a, size_t size, size_t align)
{
	struct arena_chunk *c = a->chunks;
	size_t at = 0;

	if (c != NULL)
		at = (c->used + align - 1) & ~(align - 1);
	if (c == NULL || at > c->size || size > c->size - at) {
		c = chunk_for(a, size);
		at = 0;
	}
	c->used = at + size;
	return (char *)c->bytes + at;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	return memset(arena_take(a, size, _Alignof(max_align_t)), 0, size);
}

char *
arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_take(a, len + 1, 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}
