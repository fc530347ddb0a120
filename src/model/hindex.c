#include "config.h"

#include "model/hindex.h"

#include <stdlib.h>

#include "base/xalloc.h"

static void
alloc_slots(struct hindex *h, size_t size)
{
	h->mask = size - 1;
	h->slots = xreallocarray(NULL, size, sizeof *h->slots);
	for (size_t i = 0; i < size; i++)
		h->slots[i].value = HINDEX_NONE;
}

void
hindex_init(struct hindex *h, size_t n_expected)
{
	size_t size = 16;

	while (size < n_expected * 2)
		size *= 2;
	h->n = 0;
	alloc_slots(h, size);
}

void
hindex_done(struct hindex *h)
{
	free(h->slots);
	*h = (struct hindex){ 0 };
}

static struct hindex_slot *
slot_of(const struct hindex *h, uint64_t key)
{
	/* FNV's low bits are its weakest: mix the high ones in. */
	size_t i = (size_t)(key ^ key >> 29 ^ key >> 47) & h->mask;

	while (h->slots[i].value != HINDEX_NONE && h->slots[i].key != key)
		i = (i + 1) & h->mask;
	return &h->slots[i];
}

uint32_t
hindex_get(const struct hindex *h, uint64_t key)
{
	return slot_of(h, key)->value;
}

static void
grow(struct hindex *h)
{
	struct hindex_slot *old = h->slots;
	size_t n = h->mask + 1;

	alloc_slots(h, n * 2);
	for (size_t i = 0; i < n; i++)
		if (old[i].value != HINDEX_NONE)
			*slot_of(h, old[i].key) = old[i];
	free(old);
}

uint32_t
hindex_set(struct hindex *h, uint64_t key, uint32_t value)
{
	struct hindex_slot *slot = slot_of(h, key);
	uint32_t before = slot->value;

	if (before == HINDEX_NONE && ++h->n * 4 > (h->mask + 1) * 3) {
		grow(h);
		slot = slot_of(h, key);
	}
	slot->key = key;
	slot->value = value;
	return before;
}
