/*
 * One copy of each text within one answer: label names and values repeat in most series.
 *
 * The texts live in the arena given at intern_init() and outlast the table. Time stays linear for any input: a text that would need a long
 * search, or is very long, is simply copied once more. A NUL inside, which no C string can hold, becomes U+2400 (the picture of NUL).
 */
#ifndef OPS_SOURCE_INTERN_H
#define OPS_SOURCE_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct intern_entry {
	const char *text;	/* NULL: free */
	uint32_t len, hash;
};
struct intern {
	struct arena *arena;
	struct intern_entry *v;
	size_t n, cap;		/* cap: a power of two */
};

/* A copy in the arena, with the same care for NUL. */
char *text_copy(struct arena *a, const char *text, size_t len) __attribute__((returns_nonnull));

void intern_init(struct intern *t, struct arena *arena);
void intern_done(struct intern *t);
const char *intern_text(struct intern *t, const char *text, size_t len) __attribute__((returns_nonnull));

#endif
