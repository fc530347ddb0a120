/* A line as Drain reads it; for drain*.c only. */
#ifndef OPS_INSIGHT_DRAIN_PRIV_H
#define OPS_INSIGHT_DRAIN_PRIV_H

#include "insight/drain.h"

enum { DRAIN_WORDS_MAX = 64, DRAIN_BYTES_MAX = 2048 };	/* what is beyond does not tell patterns apart */
#define DRAIN_WILD "<*>"

struct drain_word {
	uint64_t hash;		/* of the text; 0: it is a variable as a whole */
	const char *text;
	size_t len;
	bool is_glued;		/* no blank before it */
};
struct drain_words {
	size_t n;
	struct drain_word v[DRAIN_WORDS_MAX];
	char text[4 * DRAIN_BYTES_MAX];
};
/* Words of the line, numbers, addresses, times and the like in them replaced by DRAIN_WILD. */
void drain_words(struct drain_words *w, const char *text, size_t len);
/* The words of a pattern as it is told: their hashes, 0 for what may be anything; at most DRAIN_WORDS_MAX. */
size_t drain_pattern_words(const char *pattern, uint64_t *ret);
bool drain_words_fit(const struct drain_words *w, const uint64_t *pattern, size_t n);

#endif
