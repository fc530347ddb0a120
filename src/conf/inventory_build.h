/* An inventory while it is read: both forms fill it in by the same calls. */
#ifndef OPS_CONF_INVENTORY_BUILD_H
#define OPS_CONF_INVENTORY_BUILD_H

#include "conf/conf_table.h"
#include "conf/inventory.h"

#define INVENTORY_NONE SIZE_MAX
enum { INVENTORY_ALL, INVENTORY_UNGROUPED };	/* groups that are always there */

struct inventory_vars {
	char *address, *user;
	unsigned port;
	bool is_address_wrong;	/* whoever it was meant for cannot be reached by its name instead */
};
struct inventory_edge {
	size_t child;
	struct yaml_node at;	/* where it is named */
};
struct inventory_group {
	char *name;
	bool is_defined;
	struct yaml_node at;	/* where it was first named */
	struct inventory_vars vars;
	struct inventory_edge *children;
	size_t n_children;
	/* Worked out at the end. */
	int mark;
	size_t depth;		/* longest way from "all" */
	unsigned char *within;	/* bits: the groups it is in, itself too */
};
struct inventory_mention {	/* of a host, in a group */
	char *name;
	size_t group, order;
	unsigned line;
	struct inventory_vars vars;
};
struct inventory_build {
	struct conf_decode d;	/* where problems go */
	struct inventory_group *groups;
	size_t n_groups, n_edges;
	struct inventory_mention *mentions;
	size_t n_mentions, cap_mentions;
	char **unused;		/* names of variables that mean nothing here */
	size_t n_unused;
	bool is_full;		/* a limit was met, and told */
};

void inventory_build_init(struct inventory_build *b, const char *name,
    struct conf_problems *problems);
void inventory_build_done(struct inventory_build *b);
/* Its place among groups; named for the first time it is new. INVENTORY_NONE with a problem. */
size_t inventory_group(struct inventory_build *b, const char *name, const struct yaml_node *at);
void inventory_child(struct inventory_build *b, size_t parent, size_t child,
    const struct yaml_node *at);
/* One variable of a host or group. */
void inventory_var(struct inventory_build *b, struct inventory_vars *vars, const char *name,
    const char *value, const struct yaml_node *at);
/* Hosts by a name or pattern, perhaps with a port behind it. vars is copied. */
void inventory_hosts(struct inventory_build *b, size_t group, const char *pattern,
    const struct inventory_vars *vars, const struct yaml_node *at);
void inventory_vars_done(struct inventory_vars *vars);
/* What all of it says; b has given its names away. */
void inventory_finish(struct inventory_build *b, struct inventory *ret);

/* ret: names malloc()ed, n of them. at most max. err: a sentence without position. */
int inventory_expand(const char *pattern, size_t len, size_t max, char ***ret, size_t *ret_n,
    struct err *err);

void inventory_read_ini(struct inventory_build *b, const char *text, size_t len);
/* ERR_SYNTAX, ERR_LIMIT or ERR_UNSUPPORTED: nothing of it can be read. */
int inventory_read_yaml(struct inventory_build *b, const char *path, const char *text, size_t len,
    struct err *err);

#endif
