/*
 * Inventories in YAML form: groups by name, each with hosts, vars and children.
 *
 *	all:
 *	  hosts: { mail.example.com: }
 *	  children:
 *	    web:
 *	      hosts: { 'www[01:50].example.com': { ansible_port: 2222 } }
 *	      vars: { ansible_user: deploy }
 *
 * Source: Ansible user guide, "How to build your inventory", and the yaml plugin's own page.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "base/yaml.h"
#include "conf/inventory_build.h"

enum { SHOWN = 72 };

static void read_group(struct inventory_build *b, const struct yaml_node *key,
    const struct yaml_node *value, size_t parent);

/* --- hosts and variables --------------------------------------------------------------------- */

static void
read_var(struct inventory_build *b, struct inventory_vars *vars, const struct yaml_node *key,
    const struct yaml_node *value)
{
	bool is_text = value->type == YAML_TYPE_SCALAR && strlen(value->text) == value->len;

	/* What is not text is none of those that mean something: these say so themselves. */
	inventory_var(b, vars, key->text, is_text && !yaml_is_null(value) ? value->text : "",
	    value);
}

static void
read_vars(struct inventory_build *b, struct inventory_vars *vars, const struct yaml_node *map)
{
	if (yaml_is_null(map))
		return;
	if (map->type != YAML_TYPE_MAP) {
		conf_problem(&b->d, map, "variables are a map: NAME: VALUE on each line");
		return;
	}
	for (size_t i = 0; i < map->n; i++)
		read_var(b, vars, map->keys[i], map->items[i]);
}

static void
read_host(struct inventory_build *b, size_t group, const struct yaml_node *key,
    const struct yaml_node *map)
{
	struct inventory_vars vars = { .port = 0 };

	read_vars(b, &vars, map);
	inventory_hosts(b, group, key->text, &vars, key);
	inventory_vars_done(&vars);
}

static void
read_hosts(struct inventory_build *b, size_t group, const struct yaml_node *node)
{
	if (yaml_is_null(node))
		return;
	/* A single one may be text. */
	if (node->type == YAML_TYPE_SCALAR && strlen(node->text) == node->len)
		read_host(b, group, node, NULL);
	else if (node->type == YAML_TYPE_MAP)
		for (size_t i = 0; i < node->n; i++)
			read_host(b, group, node->keys[i], node->items[i]);
	else
		conf_problem(&b->d, node, "hosts are a map: each name with a colon behind it");
}

/* --- groups ---------------------------------------------------------------------------------- */

static void
read_children(struct inventory_build *b, size_t group, const struct yaml_node *node)
{
	if (yaml_is_null(node))
		return;
	if (node->type != YAML_TYPE_MAP) {
		conf_problem(&b->d, node, "children are a map: each group with a colon behind it");
		return;
	}
	for (size_t i = 0; i < node->n; i++)
		read_group(b, node->keys[i], node->items[i], group);
}

static void
unknown_key(struct inventory_build *b, const struct yaml_node *key)
{
	static const char *const names[] = { "hosts", "vars", "children" };
	const char *near = str_nearest(key->text, names, 3);
	char shown[SHOWN];

	str_escape_to(shown, sizeof shown, key->text);
	if (near != NULL)
		conf_problem(&b->d, key, "'%s' is no part of a group; did you mean '%s'?", shown,
		    near);
	else
		conf_problem(&b->d, key, "'%s' is no part of a group, which has hosts, vars and "
		    "children; a group in it stands below children:", shown);
}

static void
read_parts(struct inventory_build *b, size_t group, const struct yaml_node *map)
{
	for (size_t i = 0; i < map->n; i++) {
		const char *part = map->keys[i]->text;

		if (str_eq(part, "hosts"))
			read_hosts(b, group, map->items[i]);
		else if (str_eq(part, "vars"))
			read_vars(b, &b->groups[group].vars, map->items[i]);
		else if (str_eq(part, "children"))
			read_children(b, group, map->items[i]);
		else
			unknown_key(b, map->keys[i]);
	}
}

/* Recursion ends where YAML_DEPTH_MAX does. */
static void
read_group(struct inventory_build *b, const struct yaml_node *key, const struct yaml_node *value,
    size_t parent)
{
	size_t group = inventory_group(b, key->text, key);

	if (group == INVENTORY_NONE)
		return;
	b->groups[group].is_defined = true;
	if (group == INVENTORY_ALL && parent != INVENTORY_NONE) {
		conf_problem(&b->d, key, "every group is in 'all'; it cannot be a child");
		return;
	}
	if (parent != INVENTORY_NONE)
		inventory_child(b, parent, group, key);
	if (yaml_is_null(value))
		return;
	if (value->type == YAML_TYPE_MAP)
		read_parts(b, group, value);
	else
		conf_problem(&b->d, value, "a group is a map of hosts, vars and children");
}

/* --- the file -------------------------------------------------------------------------------- */

static int
refuse(const struct inventory_build *b, const struct yaml_node *at, const char *what,
    struct err *err)
{
	return err_set(err, ERR_UNSUPPORTED, "%s:%u:%u: %s; what Ansible makes of it can be kept in "
	    "a file: ansible-inventory -i FILE --list --yaml", b->d.name, at->line, at->column,
	    what);
}

static int
read_root(struct inventory_build *b, const struct yaml_node *root, struct err *err)
{
	const struct yaml_node *plugin = yaml_get(root, "plugin"), *meta = yaml_get(root, "_meta");

	if (root->type != YAML_TYPE_MAP)
		return err_set(err, ERR_SYNTAX, "%s:%u:%u: an inventory is a map of groups",
		    b->d.name, root->line, root->column);
	if (plugin != NULL && plugin->type == YAML_TYPE_SCALAR)
		return refuse(b, plugin, "this sets up a plugin, which is a program; none is run "
		    "here", err);
	if (meta != NULL)
		return refuse(b, meta, "this is what a program said, in the form for Ansible alone",
		    err);
	for (size_t i = 0; i < root->n; i++)
		read_group(b, root->keys[i], root->items[i], INVENTORY_NONE);
	return 0;
}

/* Where text has a value that ansible-vault made; the reader of YAML knows no such tag. */
static bool
find_vault(const char *text, size_t len, unsigned *ret_line)
{
	const char *vault = memmem(text, len, "!vault", 6);

	*ret_line = 1;
	for (const char *p = text; vault != NULL && p < vault; p++)
		*ret_line += *p == '\n';
	return vault != NULL;
}

int
inventory_read_yaml(struct inventory_build *b, const char *path, const char *text, size_t len,
    struct err *err)
{
	struct yaml_file *f;
	unsigned line;
	int r;

	r = yaml_parse(path, text, len, &f, err);
	if (r < 0 && find_vault(text, len, &line))
		return err_set(err, ERR_UNSUPPORTED, "%s:%u:1: a value is encrypted by "
		    "ansible-vault; nothing is decrypted here", b->d.name, line);
	if (r < 0)
		return r;
	if (f->n_docs > 1)
		r = err_set(err, ERR_SYNTAX, "%s:%u:%u: a second document begins here (---); an "
		    "inventory has one", b->d.name, f->docs[1]->line, f->docs[1]->column);
	else if (f->n_docs == 1)
		r = read_root(b, f->docs[0], err);
	yaml_file_free(f);
	return r;
}
