/*
 * Paths into JSON, as people write them in a config: "model_version_status[0].version".
 *
 * Keys are joined by dots; an index stands in brackets; a key that holds a dot or a bracket stands in brackets and
 * quotes: "labels['app.kubernetes.io/name']". "" is the whole value. No wildcards, no functions: a path names one thing.
 * Only the grammar is here, so that a config is checked without JSON; source/json_walk.h follows a path.
 */
#ifndef OPS_BASE_JPATH_H
#define OPS_BASE_JPATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { JPATH_STEPS_MAX = 32, JPATH_INDEX_MAX = 1000000 };

struct jpath_step {
	bool is_index;
	size_t index;
	const char *key;	/* inside the path, not terminated */
	size_t len;
};
struct jpath {
	size_t n;
	struct jpath_step v[JPATH_STEPS_MAX];
};

/* ret points into text. 0, or ERR_SYNTAX or ERR_LIMIT with the column and what was expected. */
int jpath_parse(const char *text, struct jpath *ret, struct err *err);

#endif
