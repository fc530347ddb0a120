/* Memory that is freed all at once: what one answer of a server became. Not shared between threads while it grows. */
#ifndef OPS_BASE_ARENA_H
#define OPS_BASE_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_chunk *chunks;	/* newest first */
	size_t bytes;			/* taken from the system, for accounting */
};

#define ARENA_INIT { 0 }

void arena_done(struct arena *a);
/* Zeroed, aligned for any type; never NULL. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
/* Aligned to one byte. */
char *arena_strdup(struct arena *a, const char *s) __attribute__((returns_nonnull, warn_unused_result));
char *arena_strndup(struct arena *a, const char *s, size_t len) __attribute__((returns_nonnull, warn_unused_result));

#endif
