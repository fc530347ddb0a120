/*
 * YAML as a tree of nodes that know where they stand.
 *
 * Scalars stay text (1.10 is not 1.1, `on` is not true): a table's type decodes them later. Every node has line and column (from 1), so that
 * an error can say file:line:column. Anchors and aliases work (an alias is a copy); cycles, duplicate keys, keys that are not scalars, documents deeper than
 * YAML_DEPTH_MAX or with more than YAML_NODES_MAX nodes after aliases, bytes that are not UTF-8 and files over YAML_BYTES_MAX are refused.
 */
#ifndef OPS_BASE_YAML_H
#define OPS_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { YAML_DEPTH_MAX = 64, YAML_NODES_MAX = 200000, YAML_BYTES_MAX = 4 << 20 };

enum yaml_type { YAML_TYPE_SCALAR, YAML_TYPE_LIST, YAML_TYPE_MAP };

struct yaml_node {
	enum yaml_type type;
	unsigned line, column;		/* from 1 */
	char *text;			/* scalar: its text, decoded; else NULL */
	size_t len;			/* bytes of text (may hold NUL) */
	bool is_plain;			/* scalar without quotes: only then "", "~" and "null" mean null */
	size_t n;			/* list: items; map: pairs */
	struct yaml_node **items;	/* list items, or map values */
	struct yaml_node **keys;	/* map keys (scalars), in file order; NULL for a list */
};

struct yaml_file {
	char *name;			/* as given, for messages */
	size_t n_docs;			/* documents separated by --- ; empty ones are left out */
	struct yaml_node **docs;
};

/* name is only for messages. 0, ERR_SYNTAX or ERR_LIMIT, err says "name:line:column: ...". */
int yaml_parse(const char *name, const char *text, size_t len, struct yaml_file **ret_file, struct err *err);
/* Also ERR_IO. Ownership and mode are the caller's business. */
int yaml_read(const char *path, struct yaml_file **ret_file, struct err *err);
void yaml_file_free(struct yaml_file *f);

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);	/* NULL when absent or not a map */
bool yaml_is_null(const struct yaml_node *node);				/* NULL itself counts */

#endif
