/* Groups, hosts and variables as they are named; inventory_finish.c says what they come to. */
#include "config.h"

#include "conf/inventory_build.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/hostlist.h"

enum { SHOWN = 72, GROUP_NAME_MAX = 120, UNUSED_MAX = 100, EDGES_MAX = 20000,
    MENTIONS_MAX = 100000 };

/* --- groups ---------------------------------------------------------------------------------- */

static bool
is_group_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789_.-";
	size_t len = strlen(name);

	return len > 0 && len <= GROUP_NAME_MAX && name[0] != '-' && strspn(name, allowed) == len;
}

/* One sentence, however much more there is. */
static void
too_many(struct inventory_build *b, const struct yaml_node *at, const char *what, int max)
{
	if (!b->is_full)
		conf_problem(&b->d, at, "more than %d %s; the rest is left out", max, what);
	b->is_full = true;
}

static size_t
add_group(struct inventory_build *b, const char *name, const struct yaml_node *at)
{
	b->groups = xreallocarray(b->groups, b->n_groups + 1, sizeof(*b->groups));
	b->groups[b->n_groups] = (struct inventory_group){
		.name = xstrdup(name), .at = { .line = at->line, .column = at->column },
	};
	return b->n_groups++;
}

size_t
inventory_group(struct inventory_build *b, const char *name, const struct yaml_node *at)
{
	char shown[SHOWN];

	for (size_t i = 0; i < b->n_groups; i++)
		if (str_eq(b->groups[i].name, name))
			return i;
	if (!is_group_name(name)) {
		conf_problem(&b->d, at, "'%s' is not the name of a group (letters, digits, _, - "
		    "and dots)", str_escape_to(shown, sizeof shown, name));
		return INVENTORY_NONE;
	}
	if (b->n_groups == INVENTORY_GROUPS_MAX) {
		too_many(b, at, "groups", INVENTORY_GROUPS_MAX);
		return INVENTORY_NONE;
	}
	return add_group(b, name, at);
}

void
inventory_child(struct inventory_build *b, size_t parent, size_t child,
    const struct yaml_node *at)
{
	struct inventory_group *g = &b->groups[parent];

	for (size_t i = 0; i < g->n_children; i++)
		if (g->children[i].child == child)
			return;
	if (b->n_edges == EDGES_MAX) {
		too_many(b, at, "children of groups", EDGES_MAX);
		return;
	}
	b->n_edges++;
	g->children = xreallocarray(g->children, g->n_children + 1, sizeof(*g->children));
	g->children[g->n_children++] = (struct inventory_edge){
		.child = child, .at = { .line = at->line, .column = at->column },
	};
}

/* --- variables ------------------------------------------------------------------------------- */

static void
note_unused(struct inventory_build *b, const char *name)
{
	for (size_t i = 0; i < b->n_unused; i++)
		if (str_eq(b->unused[i], name))
			return;
	if (b->n_unused == UNUSED_MAX)
		return;
	b->unused = xreallocarray(b->unused, b->n_unused + 1, sizeof(*b->unused));
	b->unused[b->n_unused++] = xstrdup(name);
}

static void
set_text(char **to, const char *value)
{
	free(*to);
	*to = xstrdup(value);
}

static void
set_address(struct inventory_build *b, struct inventory_vars *vars, const char *name,
    const char *value, const struct yaml_node *at)
{
	char shown[SHOWN];

	vars->is_address_wrong = !host_name_is_valid(value);
	if (vars->is_address_wrong)
		conf_problem(&b->d, at, "%s: '%s' is neither the name of a host nor an IP address",
		    name, str_escape_to(shown, sizeof shown, value));
	else
		set_text(&vars->address, value);
}

static bool
read_port(const char *value, unsigned *ret)
{
	size_t len = strlen(value);

	if (len == 0 || len > 5 || strspn(value, "0123456789") != len)
		return false;
	*ret = (unsigned)strtoul(value, NULL, 10);
	return *ret > 0 && *ret < 65536;
}

static void
set_port(struct inventory_build *b, struct inventory_vars *vars, const char *name,
    const char *value, const struct yaml_node *at)
{
	char shown[SHOWN];
	unsigned port;

	if (read_port(value, &port))
		vars->port = port;
	else
		conf_problem(&b->d, at, "%s: '%s' is not a number from 1 to 65535", name,
		    str_escape_to(shown, sizeof shown, value));
}

static void
set_user(struct inventory_build *b, struct inventory_vars *vars, const char *name,
    const char *value, const struct yaml_node *at)
{
	char shown[SHOWN];

	if (host_user_is_valid(value))
		set_text(&vars->user, value);
	else
		conf_problem(&b->d, at, "%s: '%s' is not the name of a user", name,
		    str_escape_to(shown, sizeof shown, value));
}

static const struct {
	const char *name;
	void (*set)(struct inventory_build *b, struct inventory_vars *vars, const char *name,
	    const char *value, const struct yaml_node *at);
} known[] = {
	{ "ansible_host", set_address }, { "ansible_ssh_host", set_address },
	{ "ansible_port", set_port }, { "ansible_ssh_port", set_port },
	{ "ansible_user", set_user }, { "ansible_ssh_user", set_user },
};

void
inventory_var(struct inventory_build *b, struct inventory_vars *vars, const char *name,
    const char *value, const struct yaml_node *at)
{
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (!str_eq(known[i].name, name))
			continue;
		if (strstr(value, "{{") != NULL) {
			conf_problem(&b->d, at, "%s: is a template; none is filled in here", name);
			vars->is_address_wrong = vars->is_address_wrong ||
			    known[i].set == set_address;
			return;
		}
		known[i].set(b, vars, name, value, at);
		return;
	}
	note_unused(b, name);
}

void
inventory_vars_done(struct inventory_vars *vars)
{
	free(vars->address);
	free(vars->user);
}

/* --- hosts ----------------------------------------------------------------------------------- */

/* Where the name ends: before ":PORT". Colons in brackets are of a range, and a name with several
 * is an address. */
static size_t
name_length(const char *pattern)
{
	const char *close = strrchr(pattern, ']'), *colon;

	colon = strchr(close != NULL ? close : pattern, ':');
	if (colon == NULL || strchr(colon + 1, ':') != NULL)
		return strlen(pattern);
	return (size_t)(colon - pattern);
}

/* name is taken over. */
static void
add_mention(struct inventory_build *b, size_t group, char *name, const struct inventory_vars *vars,
    const struct yaml_node *at)
{
	if (b->n_mentions == b->cap_mentions) {
		b->cap_mentions = b->cap_mentions > 0 ? b->cap_mentions * 2 : 64;
		b->mentions = xreallocarray(b->mentions, b->cap_mentions, sizeof(*b->mentions));
	}
	b->mentions[b->n_mentions] = (struct inventory_mention){
		.name = name, .group = group, .order = b->n_mentions, .line = at->line,
		.vars = { .address = xstrdup_or_null(vars->address),
		    .user = xstrdup_or_null(vars->user), .port = vars->port,
		    .is_address_wrong = vars->is_address_wrong },
	};
	b->n_mentions++;
}

/* "[2001:db8::7]:22": the address in brackets, as it is written where a port follows. Owned by the
 * caller; NULL: it is none. ret_rest: what stands behind it. */
static char *
bracketed_address(const char *pattern, const char **ret_rest)
{
	const char *close = strchr(pattern, ']');
	char *address;

	if (pattern[0] != '[' || close == NULL || (close[1] != '\0' && close[1] != ':'))
		return NULL;
	address = xstrndup(pattern + 1, (size_t)(close - pattern) - 1);
	*ret_rest = close + 1;
	if (strchr(address, ':') != NULL && host_name_is_valid(address))
		return address;
	free(address);
	return NULL;
}

static void
add_hosts(struct inventory_build *b, size_t group, const char *pattern, size_t len,
    const struct inventory_vars *vars, const struct yaml_node *at)
{
	struct err err = ERR_INIT;
	char **names;
	size_t n;

	if (inventory_expand(pattern, len, INVENTORY_HOSTS_MAX, &names, &n, &err) < 0) {
		conf_problem(&b->d, at, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (b->n_mentions < MENTIONS_MAX) {
			add_mention(b, group, names[i], vars, at);
			continue;
		}
		too_many(b, at, "hosts in groups", MENTIONS_MAX);
		free(names[i]);
	}
	free(names);
}

void
inventory_hosts(struct inventory_build *b, size_t group, const char *pattern,
    const struct inventory_vars *vars, const struct yaml_node *at)
{
	struct inventory_vars all = *vars;
	const char *rest;
	char shown[SHOWN], *address = bracketed_address(pattern, &rest);

	if (address == NULL)
		rest = pattern + name_length(pattern);
	if (*rest != '\0' && !read_port(rest + 1, &all.port)) {
		conf_problem(&b->d, at, "'%s': the port is not a number from 1 to 65535",
		    str_escape_to(shown, sizeof shown, pattern));
	} else {
		/* One that is set as a variable counts. */
		if (vars->port != 0)
			all.port = vars->port;
		if (address != NULL)
			add_hosts(b, group, address, strlen(address), &all, at);
		else
			add_hosts(b, group, pattern, (size_t)(rest - pattern), &all, at);
	}
	free(address);
}

/* --- beginning and end ----------------------------------------------------------------------- */

void
inventory_build_init(struct inventory_build *b, const char *name, struct conf_problems *problems)
{
	static const struct yaml_node top = { .line = 1, .column = 1 };

	*b = (struct inventory_build){ .d = { .name = name, .problems = problems } };
	add_group(b, "all", &top);
	add_group(b, "ungrouped", &top);
	b->groups[INVENTORY_ALL].is_defined = b->groups[INVENTORY_UNGROUPED].is_defined = true;
}

void
inventory_build_done(struct inventory_build *b)
{
	for (size_t i = 0; i < b->n_groups; i++) {
		free(b->groups[i].name);
		free(b->groups[i].children);
		free(b->groups[i].within);
		inventory_vars_done(&b->groups[i].vars);
	}
	free(b->groups);
	for (size_t i = 0; i < b->n_mentions; i++) {
		free(b->mentions[i].name);
		inventory_vars_done(&b->mentions[i].vars);
	}
	free(b->mentions);
	for (size_t i = 0; i < b->n_unused; i++)
		free(b->unused[i]);
	free(b->unused);
}
