/* Is a series set what the JSON of its answer says, read in an independent way: by jansson's tree and strtod()? */
#ifndef OPS_TESTS_CONTRACT_SERIES_TREE_H
#define OPS_TESTS_CONTRACT_SERIES_TREE_H

#include <stdbool.h>

#include "model/event.h"

/* The set holds the first set->n series of the answer. Samples and histograms are expected in the order of the answer. why says what differs. */
bool series_like_tree(const struct series_set *set, const char *body, size_t len, char *why, size_t why_size);

#endif
