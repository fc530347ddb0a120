/* From a 64-bit hash to a small number: an index over an array, built once and thrown away. The caller settles collisions of hashes. */
#ifndef OPS_MODEL_HINDEX_H
#define OPS_MODEL_HINDEX_H

#include <stddef.h>
#include <stdint.h>

#define HINDEX_NONE UINT32_MAX

struct hindex {
	size_t mask, n;
	struct hindex_slot {
		uint64_t key;
		uint32_t value;		/* HINDEX_NONE: the slot is free */
	} *slots;
};

void hindex_init(struct hindex *h, size_t n_expected);
void hindex_done(struct hindex *h);
/* HINDEX_NONE when there is no such key. */
uint32_t hindex_get(const struct hindex *h, uint64_t key);
/* Sets the value of key and returns the one it had (HINDEX_NONE: none). */
uint32_t hindex_set(struct hindex *h, uint64_t key, uint32_t value);

#endif
