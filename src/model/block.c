#include "config.h"

#include "model/event.h"

#include <stdlib.h>

#include "base/xalloc.h"

/* A block is one allocation that begins with struct block; its size is remembered in front of it for the accounting. */
struct block_head {
	_Alignas(max_align_t) size_t size;
};

void *
block_new(size_t size)
{
	struct block_head *head = xcalloc(1, sizeof *head + size);
	struct block *b = (struct block *)(head + 1);

	head->size = size;
	b->refs = 1;
	return b;
}

void *
block_ref(const void *block)
{
	struct block *b = (struct block *)block;

	if (b != NULL)
		__atomic_add_fetch(&b->refs, 1, __ATOMIC_RELAXED);
	return b;
}

void
block_unref(const void *block)
{
	struct block *b = (struct block *)block;

	/* Release what this thread did with it; the last one out acquires what all others did. */
	if (b == NULL || __atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (b->done != NULL)
		b->done(b);
	arena_done(&b->arena);
	free((struct block_head *)b - 1);
}

size_t
block_bytes(const void *block)
{
	const struct block *b = block;

	if (b == NULL)
		return 0;
	return sizeof(struct block_head) + ((const struct block_head *)b - 1)->size + b->arena.bytes;
}
