/* Nodes to structs, by the rows of a table. Every problem is noted and the rest goes on. */
#include "config.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_table.h"

enum { SHOWN = 72, ROWS_MAX = 64 };

static bool decode_row(struct conf_decode *d, const struct conf_row *row, const char *name,
    const struct yaml_node *node,
    void *item);
static bool decode_rows(struct conf_decode *d, const struct conf_table *table,
    const struct yaml_node *map, void *item);

/* sentence is owned. What was said already, of the same place, is not said again: many may refer to
 * one that is wrong. */
static void
take_problem(struct conf_problems *p, char *sentence)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->v[i], sentence)) {
			free(sentence);
			return;
		}
	p->v = xreallocarray(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n++] = sentence;
}

void
conf_problem_add(struct conf_decode *d, const char *sentence)
{
	if (d->problems->n < CONF_PROBLEMS_MAX)
		take_problem(d->problems, xstrdup(sentence));
	else if (d->problems->n == CONF_PROBLEMS_MAX)
		take_problem(d->problems, xasprintf("%s: more problems than the first %d are not "
		    "listed", d->name, CONF_PROBLEMS_MAX));
}

void
conf_problem(struct conf_decode *d, const struct yaml_node *at, const char *fmt, ...)
{
	struct conf_problems *p = d->problems;
	char *sentence;
	va_list ap;

	if (p->n > CONF_PROBLEMS_MAX)
		return;
	if (p->n == CONF_PROBLEMS_MAX) {
		take_problem(p, xasprintf("%s:%u:%u: more problems than the first %d are not "
		    "listed", d->name, at->line, at->column, CONF_PROBLEMS_MAX));
		return;
	}
	va_start(ap, fmt);
	sentence = xvasprintf(fmt, ap);
	va_end(ap);
	take_problem(p, xasprintf("%s:%u:%u: %s", d->name, at->line, at->column, sentence));
	free(sentence);
}

void
conf_problems_add(struct conf_problems *p, const char *fmt, ...)
{
	va_list ap;

	if (p->n > CONF_PROBLEMS_MAX)
		return;
	va_start(ap, fmt);
	take_problem(p, xvasprintf(fmt, ap));
	va_end(ap);
}

/* --- storing and freeing --------------------------------------------------------------------- */

static void *
member(void *item, size_t offset)
{
	return (char *)item + offset;
}

static void
strings_free(char ***v)
{
	for (size_t i = 0; *v != NULL && (*v)[i] != NULL; i++)
		free((*v)[i]);
	free(*v);
	*v = NULL;
}

static void
store(const struct conf_row *row, void *item, struct conf_value *v)
{
	void *to = member(item, row->offset);

	switch (row->type) {
	case CONF_CONST:
	case CONF_ANY: break;
	case CONF_INT:
	case CONF_BYTES:
	case CONF_DURATION: memcpy(to, &v->number, sizeof v->number); break;
	case CONF_BOOL: *(bool *)to = v->number != 0; break;
	case CONF_CHOICE: *(int *)to = (int)v->number; break;
	case CONF_DOUBLE:
	case CONF_RATIO:
	case CONF_AMOUNT: memcpy(to, &v->real, sizeof v->real); break;
	default:
		free(*(char **)to);
		*(char **)to = v->text;
		v->text = NULL;
	}
}

static void
header_done(struct conf_header *h)
{
	free(h->value);
	conf_item_done(&conf_table_secret, &h->secret);
}

static void
array_done(const struct conf_row *row, void *item)
{
	void **array = member(item, row->offset);
	size_t *n = member(item, row->n_offset);

	for (size_t i = 0; i < *n; i++)
		conf_item_done(row->table, (char *)*array + i * row->table->size);
	free(*array);
	*array = NULL;
	*n = 0;
}

static void
map_done(const struct conf_row *row, void *item)
{
	void **map = member(item, row->offset);

	if (*map != NULL)
		conf_item_done(row->table, *map);
	free(*map);
	*map = NULL;
}

void
conf_item_done(const struct conf_table *table, void *item)
{
	for (const struct conf_row *row = table->rows; row->name != NULL; row++)
		switch (row->type) {
		case CONF_CONST:
		case CONF_ANY:
		case CONF_INT:
		case CONF_BYTES:
		case CONF_DURATION:
		case CONF_BOOL:
		case CONF_CHOICE:
		case CONF_DOUBLE:
		case CONF_RATIO:
		case CONF_AMOUNT: break;
		case CONF_URLS:
		case CONF_PATHS:
		case CONF_UNUSED:
		case CONF_PATTERNS:
		case CONF_INDICES:
		case CONF_PROGRAMS:
		case CONF_ARGV: strings_free(member(item, row->offset)); break;
		case CONF_SECRET:
			conf_item_done(&conf_table_secret, member(item, row->offset));
			break;
		case CONF_HEADER: header_done(item); break;
		case CONF_GROUP: conf_item_done(row->table, item); break;
		case CONF_LIST:
		case CONF_PAIRS: array_done(row, item); break;
		case CONF_MAP: map_done(row, item); break;
		case CONF_NODE:
			conf_node_free(*(struct yaml_node **)member(item, row->offset));
			*(struct yaml_node **)member(item, row->offset) = NULL;
			break;
		default:
			free(*(char **)member(item, row->offset));
			*(char **)member(item, row->offset) = NULL;
		}
	if (table->done != NULL)
		table->done(item);
}

static bool
is_real(enum conf_type type)
{
	return type == CONF_DOUBLE || type == CONF_RATIO || type == CONF_AMOUNT;
}

static void
set_defaults(const struct conf_table *table, void *item)
{
	struct conf_value v;

	for (const struct conf_row *row = table->rows; row->name != NULL; row++) {
		v = (struct conf_value){ .real = NAN };
		if (row->type == CONF_GROUP)
			set_defaults(row->table, item);
		else if (is_real(row->type) && row->def == NULL)
			store(row, item, &v);
		else if (row->def != NULL &&
		    conf_scalar(row, row->def, strlen(row->def), &v, NULL) == 0)
			store(row, item, &v);
	}
}

/* --- keys that no row has -------------------------------------------------------------------- */

static const struct conf_row *
find_row(const struct conf_table *table, const char *name)
{
	for (const struct conf_row *row = table->rows; row->name != NULL; row++)
		if (str_eq(row->name, name))
			return row;
	return NULL;
}

/* The group of the table that has such a row: `ca_file` belongs in `tls`. */
static const struct conf_row *
find_group_of(const struct conf_table *table, const char *name)
{
	for (const struct conf_row *row = table->rows; row->name != NULL; row++)
		if (row->type == CONF_GROUP && find_row(row->table, name) != NULL)
			return row;
	return NULL;
}

/* Returns what it was told to be meant for; NULL: nothing. */
static const char *
unknown_key(struct conf_decode *d, const struct conf_table *table, const struct yaml_node *key)
{
	const char *names[ROWS_MAX], *near;
	const struct conf_row *group = find_group_of(table, key->text), *row;
	char shown[SHOWN];
	size_t n = 0;

	for (row = table->rows; row->name != NULL && n < ROWS_MAX; row++)
		names[n++] = row->name;
	near = str_nearest(key->text, names, n);
	row = near != NULL ? find_row(table, near) : group;
	/* `belll` for `bell` does no harm; what is like nothing known may be a guard. */
	if (table->is_guard && (row == NULL || row->flags & ROW_GUARDS))
		d->conf->is_policy_broken = true;
	str_escape_to(shown, sizeof shown, key->text);
	if (table->is_secret)
		conf_problem(d, key, "%s has no such option; use one of file, env, command",
		    table->what);
	else if (group != NULL)
		conf_problem(d, key, "'%s' belongs inside '%s:'", shown, group->name);
	else if (near != NULL)
		conf_problem(d, key, "'%s' is not an option of %s; did you mean '%s'?", shown,
		    table->what, near);
	else
		conf_problem(d, key, "'%s' is not an option of %s; man 5 opsconsole.yaml lists "
		    "them", shown, table->what);
	return table->is_secret || group != NULL ? NULL : near;
}

/* --- one option ------------------------------------------------------------------------------ */

static bool
decode_scalar(struct conf_decode *d, const struct conf_row *row, const char *name,
    const struct yaml_node *node, void *item)
{
	struct conf_value v = { .text = NULL };
	struct err err = ERR_INIT;

	if (node->type != YAML_TYPE_SCALAR) {
		conf_problem(d, node, "%s: a %s is expected, not a %s", name,
		    conf_type_name(row->type),
		    node->type == YAML_TYPE_LIST ? "list" : "map");
		return false;
	}
	if (conf_scalar(row, node->text, node->len, &v, &err) < 0) {
		conf_problem(d, node, "%s: %s", name, err.msg);
		return false;
	}
	store(row, item, &v);
	return true;
}

static size_t
items_max(const struct conf_row *row)
{
	return row->max != NULL ? strtoul(row->max, NULL, 10) : SIZE_MAX;
}

static bool
check_list(struct conf_decode *d, const struct conf_row *row, const char *name,
    const struct yaml_node *node)
{
	if (node->type != YAML_TYPE_LIST) {
		conf_problem(d, node, "%s: a %s is expected", name, conf_type_name(row->type));
		return false;
	}
	if (node->n > items_max(row)) {
		conf_problem(d, node, "%s: %zu items are too many; at most %s", name, node->n,
		    row->max);
		return false;
	}
	return true;
}

static bool
take_string(struct conf_decode *d, const struct conf_row *row, const char *name,
    const struct yaml_node *node, char **ret)
{
	struct err err = ERR_INIT;

	/* Arguments may be secrets or hold one: none is repeated. */
	if (node->type != YAML_TYPE_SCALAR || memchr(node->text, '\0', node->len) != NULL) {
		conf_problem(d, node, "%s: each item must be text", name);
		return false;
	}
	if (row->type == CONF_ARGV) {
		*ret = xstrdup(node->text);
		return true;
	}
	if (row->type == CONF_PATTERNS || row->type == CONF_PROGRAMS || row->type == CONF_INDICES) {
		if ((row->type == CONF_PATTERNS ? conf_pattern :
		    row->type == CONF_PROGRAMS ? conf_program : conf_index)(node->text, ret,
		    &err) == 0)
			return true;
		conf_problem(d, node, "%s: %s", name, err.msg);
		return false;
	}
	if ((row->type == CONF_PATHS ? conf_path_expand(node->text, node->len, false, ret, &err) :
	    conf_url(node->text, node->len, ret, &err)) < 0) {
		conf_problem(d, node, "%s: %s", name, err.msg);
		return false;
	}
	return true;
}

static bool
decode_strings(struct conf_decode *d, const struct conf_row *row, const char *name,
    const struct yaml_node *node, void *item)
{
	char **v;

	if (!check_list(d, row, name, node))
		return false;
	if (row->type == CONF_ARGV && (node->n == 0 || node->items[0]->len == 0)) {
		conf_problem(d, node, "%s: names no program", name);
		return false;
	}
	v = xcalloc(node->n + 1, sizeof(*v));
	for (size_t i = 0; i < node->n; i++)
		if (!take_string(d, row, name, node->items[i], &v[i])) {
			strings_free(&v);
			return false;
		}
	*(char ***)member(item, row->offset) = v;
	return true;
}

static bool
decode_secret(struct conf_decode *d, const char *name, const struct yaml_node *node,
    struct conf_secret *s)
{
	size_t n = 0;

	if (node->type != YAML_TYPE_MAP) {
		conf_problem(d, node, "%s: a secret is not written into this file; use %s: { file: "
		    "PATH }, { env: NAME } "
		    "or { command: [PROGRAM, ARGUMENT] }", name, name);
		return false;
	}
	for (size_t i = 0; i < node->n; i++)
		n += !yaml_is_null(node->items[i]);
	if (n != 1) {
		conf_problem(d, node, "%s: exactly one of file, env and command is expected", name);
		return false;
	}
	return conf_decode_map(d, &conf_table_secret, node, s) && secret_is_set(s);
}

/* Headers by which people log in; a value here is a secret. */
static bool
is_secret_header(const char *name)
{
	static const char *const exact[] = { "Authorization", "Proxy-Authorization", "Cookie" };
	static const char *const parts[] = { "token", "secret", "password", "passwd", "api-key",
	    "apikey", "access-key" };

	for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++)
		if (strcasecmp(name, exact[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (str_contains(name, parts[i]))
			return true;
	return false;
}

static bool
decode_header(struct conf_decode *d, const char *name, const struct yaml_node *node,
    struct conf_header *h)
{
	static const struct conf_row value = { .name = "value", .type = CONF_STRING,
	    .max = "4096" };
	struct conf_value v = { .text = NULL };
	struct err err = ERR_INIT;

	if (node->type != YAML_TYPE_SCALAR || is_secret_header(h->name))
		return decode_secret(d, name, node, &h->secret);
	if (conf_scalar(&value, node->text, node->len, &v, &err) < 0) {
		conf_problem(d, node, "%s: %s", name, err.msg);
		return false;
	}
	h->value = v.text;
	return true;
}

/* --- many items ------------------------------------------------------------------------------ */

/* The line of an earlier item with the same text in its first row; 0: none. */
static unsigned
find_same(const struct conf_row *row, const void *array, size_t n, void *item)
{
	const struct conf_table *t = row->table;
	const char *name = *(char **)member(item, t->rows->offset);

	for (size_t i = 0; t->is_unique && i < n; i++) {
		char *other = (char *)array + i * t->size;

		if (str_eq(*(char **)member(other, t->rows->offset), name))
			return *(unsigned *)member(other, t->position);
	}
	return 0;
}

static bool
decode_pair(struct conf_decode *d, const struct conf_table *t, const struct yaml_node *key,
    const struct yaml_node *value, void *item)
{
	char shown[SHOWN];

	str_escape_to(shown, sizeof shown, key->text);
	if (!decode_scalar(d, &t->rows[0], shown, key, item))
		return false;
	if (yaml_is_null(value)) {
		conf_problem(d, key, "%s: has no value", shown);
		return false;
	}
	return decode_row(d, &t->rows[1], shown, value, item);
}

static bool
decode_item(struct conf_decode *d, const struct conf_row *row, const struct yaml_node *node,
    size_t i, void *item)
{
	const struct yaml_node *at = node->keys != NULL ? node->keys[i] : node->items[i];
	const struct conf_table *t = row->table;

	if (t->has_position) {
		((unsigned *)member(item, t->position))[0] = at->line;
		((unsigned *)member(item, t->position))[1] = at->column;
	}
	if (row->type == CONF_PAIRS)
		return decode_pair(d, t, at, node->items[i], item);
	return conf_decode_map(d, t, node->items[i], item);
}

/* Items that cannot be used are left out. false when there was one, or no items could be read at
 * all. */
static bool
decode_array(struct conf_decode *d, const struct conf_row *row, const char *name,
    const struct yaml_node *node, void *item)
{
	const struct conf_table *t = row->table;
	size_t *n = member(item, row->n_offset);
	bool is_good = true;
	char *array;

	if (node->n > items_max(row)) {
		conf_problem(d, node, "%s: %zu items are too many; at most %s", name, node->n,
		    row->max);
		return false;
	}
	array = xcalloc(node->n + 1, t->size);
	for (size_t i = 0; i < node->n; i++) {
		void *one = array + *n * t->size;
		bool is_usable = decode_item(d, row, node, i, one);
		unsigned line = is_usable ? find_same(row, array, *n, one) : 0;
		char shown[SHOWN];

		if (line > 0)
			conf_problem(d, node->items[i], "the name '%s' is taken by %s at line %u",
			    str_escape_to(shown, sizeof shown,
			    *(char **)member(one, t->rows->offset)), t->what, line);
		if (is_usable && line == 0) {
			(*n)++;
			continue;
		}
		is_good = false;
		conf_item_done(t, one);
		memset(one, 0, t->size);
	}
	*(void **)member(item, row->offset) = array;
	return is_good;
}

static bool
decode_list(struct conf_decode *d, const struct conf_row *row, const char *name,
    const struct yaml_node *node, void *item)
{
	if (node->type != YAML_TYPE_LIST) {
		conf_problem(d, node, "%s: a list is expected: begin each item with '- '", name);
		return false;
	}
	return decode_array(d, row, name, node, item);
}

static bool
decode_pairs(struct conf_decode *d, const struct conf_row *row, const char *name,
    const struct yaml_node *node, void *item)
{
	if (node->type != YAML_TYPE_MAP) {
		conf_problem(d, node, "%s: a map is expected: %s: VALUE on each line", name,
		    row->table->rows->name);
		return false;
	}
	return decode_array(d, row, name, node, item);
}

static bool
not_a_map(struct conf_decode *d, const struct conf_row *row, const struct yaml_node *node)
{
	conf_problem(d, node, "%s: a map of options is expected: %s: { %s: ... }", row->name,
	    row->name, row->table->rows->name);
	return false;
}

static bool
decode_pointer(struct conf_decode *d, const struct conf_row *row, const struct yaml_node *node,
    void *item)
{
	void *map = xcalloc(1, row->table->size);

	if (!conf_decode_map(d, row->table, node, map)) {
		conf_item_done(row->table, map);
		free(map);
		return false;
	}
	*(void **)member(item, row->offset) = map;
	return true;
}

static bool
decode_node(struct conf_decode *d, const struct conf_row *row, const char *name,
    const struct yaml_node *node, void *item)
{
	if (node->type != YAML_TYPE_MAP) {
		conf_problem(d, node, "%s: a map is expected: NAME: ...", name);
		return false;
	}
	if (node->n > items_max(row)) {
		conf_problem(d, node, "%s: %zu items are too many; at most %s", name, node->n,
		    row->max);
		return false;
	}
	*(struct yaml_node **)member(item, row->offset) = conf_node_copy(node);
	return true;
}

static bool
note_unused(const struct conf_row *row, void *item)
{
	char ***v = member(item, row->offset);
	size_t n = 0;

	while (*v != NULL && (*v)[n] != NULL)
		n++;
	*v = xreallocarray(*v, n + 2, sizeof(**v));
	(*v)[n] = xstrdup(row->help);
	(*v)[n + 1] = NULL;
	return true;
}

/* --- maps ------------------------------------------------------------------------------------ */

static bool
decode_row(struct conf_decode *d, const struct conf_row *row, const char *name,
    const struct yaml_node *node, void *item)
{
	switch (row->type) {
	case CONF_URLS:
	case CONF_PATHS:
	case CONF_PATTERNS:
	case CONF_INDICES:
	case CONF_PROGRAMS:
	case CONF_ARGV: return decode_strings(d, row, name, node, item);
	case CONF_SECRET: return decode_secret(d, name, node, member(item, row->offset));
	case CONF_HEADER: return decode_header(d, name, node, item);
	case CONF_LIST: return decode_list(d, row, name, node, item);
	case CONF_PAIRS: return decode_pairs(d, row, name, node, item);
	case CONF_MAP: return decode_pointer(d, row, node, item);
	case CONF_ANY: return true;
	case CONF_NODE: return decode_node(d, row, name, node, item);
	case CONF_UNUSED: return note_unused(row, item);
	default: return decode_scalar(d, row, name, node, item);
	}
}

static bool
is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(names[i], name))
			return true;
	return false;
}

/* false: without it the item cannot be used. is_misspelt: it is there under another name, which has
 * been told. */
static bool
decode_member(struct conf_decode *d, const struct conf_row *row, const struct yaml_node *map,
    bool is_misspelt, void *item)
{
	const struct yaml_node *node = yaml_get(map, row->name);
	bool is_good = true;

	if (!yaml_is_null(node)) {
		if (row->type == CONF_GROUP && node->type == YAML_TYPE_MAP)
			return decode_rows(d, row->table, node, item);
		is_good = row->type == CONF_GROUP ? not_a_map(d, row, node) :
		    decode_row(d, row, row->name, node, item);
	} else if (row->flags & ROW_REQUIRED) {
		if (!is_misspelt)
			conf_problem(d, node != NULL ? node : map, "'%s' is missing", row->name);
		is_good = false;
	}
	if (!is_good && row->flags & ROW_GUARDS)
		d->conf->is_policy_broken = true;
	/* A list that lost an item is still a list. */
	if (row->type == CONF_LIST && *(void **)member(item, row->offset) != NULL)
		return true;
	return is_good || !(row->flags & (ROW_REQUIRED | ROW_ESSENTIAL));
}

static bool
decode_rows(struct conf_decode *d, const struct conf_table *table, const struct yaml_node *map,
    void *item)
{
	const char *meant[ROWS_MAX], *near;
	bool is_usable = true;
	size_t n = 0;

	for (size_t i = 0; i < map->n; i++)
		if (find_row(table, map->keys[i]->text) == NULL) {
			near = unknown_key(d, table, map->keys[i]);
			if (near != NULL && n < ROWS_MAX)
				meant[n++] = near;
			is_usable = is_usable && !table->is_strict;
		}
	for (const struct conf_row *row = table->rows; row->name != NULL; row++)
		is_usable = decode_member(d, row, map, is_among(row->name, meant, n), item) &&
		    is_usable;
	return is_usable;
}

bool
conf_decode_map(struct conf_decode *d, const struct conf_table *table, const struct yaml_node *map,
    void *item)
{
	bool is_usable;

	if (table->has_node)
		*(const struct yaml_node **)member(item, table->node) = map;
	if (map->type == YAML_TYPE_SCALAR && table->bare != NULL) {
		set_defaults(table, item);
		return decode_row(d, find_row(table, table->bare), table->bare, map, item);
	}
	if (map->type != YAML_TYPE_MAP) {
		conf_problem(d, map, "%s is a map of options (NAME: VALUE)", table->what);
		return false;
	}
	set_defaults(table, item);
	is_usable = decode_rows(d, table, map, item);
	return (table->check == NULL || table->check(d, map, item)) && is_usable;
}
