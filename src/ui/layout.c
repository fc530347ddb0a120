#include "config.h"

#include "ui/layout.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "base/yaml.h"

enum { CHILDREN_MAX = 16, NUMBER_MAX = 1000, ROWS_MIN = 3, COLUMNS_MIN = 20 };

enum axis { AXIS_NONE, AXIS_ROWS, AXIS_COLUMNS };

/* A panel, or a list of nodes side by side or one above the other. */
struct node {
	enum axis axis;		/* AXIS_NONE: a panel */
	char *panel;
	int weight, min, priority;
	unsigned line, column;	/* of the panel's name */
	struct node *children;
	size_t n;
};

struct layout {
	char *path;
	struct node root;
};

struct reader {
	const char *path;
	struct err *err;
};

/* --- reading --------------------------------------------------------------------------------- */

static int
fail(const struct reader *r, const struct yaml_node *at, const char *expected)
{
	return err_set(r->err, ERR_INVALID, "%s:%u:%u: expected %s", r->path, at->line, at->column, expected);
}

static int
fail_unknown(const struct reader *r, const struct yaml_node *key, const char *const *known, size_t n)
{
	const char *near = str_nearest(key->text, known, n);
	char word[80];

	str_escape_to(word, sizeof word, key->text);
	return err_set(r->err, ERR_INVALID, "%s:%u:%u: there is no member \"%s\" here%s%s%s", r->path, key->line, key->column, word,
	    near != NULL ? "; did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "");
}

static int
read_number(const struct reader *r, const struct yaml_node *node, int *ret_number)
{
	size_t digits = node->type == YAML_TYPE_SCALAR ? strspn(node->text, "0123456789") : 0;

	if (digits == 0 || digits > 4 || node->text[digits] != '\0' || atoi(node->text) < 1 || atoi(node->text) > NUMBER_MAX)
		return fail(r, node, "a whole number from 1 to 1000");
	*ret_number = atoi(node->text);
	return 0;
}

static int read_node(const struct reader *r, const struct yaml_node *map, struct node *node);

static int
read_children(const struct reader *r, const struct yaml_node *list, struct node *node)
{
	if (list->type != YAML_TYPE_LIST || list->n == 0 || list->n > CHILDREN_MAX)
		return fail(r, list, "a list of one to 16 entries");
	node->children = xcalloc(list->n, sizeof *node->children);
	for (size_t i = 0; i < list->n; i++) {
		struct node *child = &node->children[i];
		int e;

		*child = (struct node){ .weight = 1, .priority = (int)i + 1 };
		child->min = node->axis == AXIS_ROWS ? ROWS_MIN : COLUMNS_MIN;
		node->n++;
		e = read_node(r, list->items[i], child);
		if (e < 0)
			return e;
	}
	return 0;
}

static int
read_panel(const struct reader *r, const struct yaml_node *name, struct node *node)
{
	if (name->type != YAML_TYPE_SCALAR || name->len == 0)
		return fail(r, name, "the name of a panel");
	node->panel = xstrdup(name->text);
	node->line = name->line;
	node->column = name->column;
	return 0;
}

static int
read_member(const struct reader *r, const struct yaml_node *key, const struct yaml_node *value, struct node *node)
{
	static const char *const members[] = { "panel", "rows", "columns", "weight", "min", "priority" };
	size_t m = 0;

	while (m < sizeof members / sizeof members[0] && strcmp(members[m], key->text) != 0)
		m++;
	switch (m) {
	case 0:
		return read_panel(r, value, node);
	case 1: case 2:
		node->axis = m == 1 ? AXIS_ROWS : AXIS_COLUMNS;
		return read_children(r, value, node);
	case 3:
		return read_number(r, value, &node->weight);
	case 4:
		return read_number(r, value, &node->min);
	case 5:
		return read_number(r, value, &node->priority);
	default:
		return fail_unknown(r, key, members, sizeof members / sizeof members[0]);
	}
}

static int
read_node(const struct reader *r, const struct yaml_node *map, struct node *node)
{
	size_t kinds = 0;

	if (map->type != YAML_TYPE_MAP)
		return fail(r, map, "a panel, rows or columns, as in { panel: alerts }");
	for (size_t i = 0; i < map->n; i++) {
		const char *key = map->keys[i]->text;
		int e;

		kinds += strcmp(key, "panel") == 0 || strcmp(key, "rows") == 0 || strcmp(key, "columns") == 0;
		if (kinds > 1)
			return fail(r, map->keys[i], "only one of panel, rows and columns");
		e = read_member(r, map->keys[i], map->items[i], node);
		if (e < 0)
			return e;
	}
	return kinds == 1 ? 0 : fail(r, map, "one of panel, rows and columns");
}

static void
node_done(struct node *node)
{
	for (size_t i = 0; i < node->n; i++)
		node_done(&node->children[i]);
	free(node->children);
	free(node->panel);
}

void
layout_free(struct layout *l)
{
	if (l == NULL)
		return;
	node_done(&l->root);
	free(l->path);
	free(l);
}

static int
read_root(const struct reader *r, const struct yaml_file *file, struct layout *l)
{
	static const char *const members[] = { "root", "title" };
	const struct yaml_node *map, *root;

	if (file->n_docs != 1)
		return err_set(r->err, ERR_INVALID, "%s: expected one document with root, not %zu", r->path, file->n_docs);
	map = file->docs[0];
	if (map->type != YAML_TYPE_MAP)
		return fail(r, map, "a map with root");
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->keys[i]->text, "root") != 0 && strcmp(map->keys[i]->text, "title") != 0)
			return fail_unknown(r, map->keys[i], members, 2);
	root = yaml_get(map, "root");
	return root != NULL ? read_node(r, root, &l->root) : fail(r, map, "root: the rows or columns of the layout");
}

/* The nth node, counted from 1 in reading order, that is this panel; NULL when there are fewer. */
static const struct node *
find_nth(const struct node *node, const char *panel, int *n)
{
	const struct node *found = NULL;

	if (node->panel != NULL && strcmp(node->panel, panel) == 0 && --*n == 0)
		return node;
	for (size_t i = 0; i < node->n && found == NULL; i++)
		found = find_nth(&node->children[i], panel, n);
	return found;
}

/* A panel stands once: it has one state and one focus. */
static const struct node *
find_twice(const struct node *node, const struct node *root)
{
	const struct node *found = NULL;
	int second = 2;

	if (node->panel != NULL)
		return find_nth(root, node->panel, &second);
	for (size_t i = 0; i < node->n && found == NULL; i++)
		found = find_twice(&node->children[i], root);
	return found;
}

int
layout_load(const char *path, struct layout **ret_layout, struct err *err)
{
	struct layout *l = xcalloc(1, sizeof *l);
	struct reader r = { .path = path, .err = err };
	struct yaml_file *file = NULL;
	const struct node *twice;
	int e = yaml_read(path, &file, err);

	if (e < 0)
		goto fail;
	l->path = xstrdup(path);
	e = read_root(&r, file, l);
	if (e < 0)
		goto fail;
	twice = find_twice(&l->root, &l->root);
	if (twice != NULL) {
		e = err_set(err, ERR_INVALID, "%s:%u:%u: panel %s stands here a second time", path, twice->line, twice->column,
		    twice->panel);
		goto fail;
	}
	yaml_file_free(file);
	*ret_layout = l;
	return 0;
fail:
	yaml_file_free(file);
	layout_free(l);
	return e;
}

static bool
is_one_of(const char *name, const char *const *known, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(known[i], name) == 0)
			return true;
	return false;
}

static int
check_node(const struct layout *l, const struct node *node, const char *const *known, size_t n_known, struct err *err)
{
	int e = 0;

	if (node->panel != NULL && !is_one_of(node->panel, known, n_known)) {
		const char *near = str_nearest(node->panel, known, n_known);
		char word[80];

		str_escape_to(word, sizeof word, node->panel);
		return err_set(err, ERR_INVALID, "%s:%u:%u: there is no panel \"%s\"%s%s%s", l->path, node->line, node->column, word,
		    near != NULL ? "; did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "");
	}
	for (size_t i = 0; i < node->n && e == 0; i++)
		e = check_node(l, &node->children[i], known, n_known, err);
	return e;
}

int
layout_check(const struct layout *l, const char *const *known, size_t n_known, struct err *err)
{
	return check_node(l, &l->root, known, n_known, err);
}

/* --- placing ----------------------------------------------------------------------------------- */

struct placing {
	struct place *places;
	int n, max;
};

/* What the children still shown need, one free column between columns included. */
static int
need_of(const struct node *node, const int *sizes)
{
	int need = 0, shown = 0;

	for (size_t i = 0; i < node->n; i++) {
		if (sizes[i] < 0)
			continue;
		need += node->children[i].min;
		shown++;
	}
	return need + (node->axis == AXIS_COLUMNS && shown > 1 ? shown - 1 : 0);
}

/* The child to leave out next: highest priority number, last of equals; -1 when only one is left. */
static int
victim_of(const struct node *node, const int *sizes)
{
	int victim = -1, shown = 0;

	for (size_t i = 0; i < node->n; i++) {
		if (sizes[i] < 0)
			continue;
		shown++;
		if (victim < 0 || node->children[i].priority >= node->children[victim].priority)
			victim = (int)i;
	}
	return shown > 1 ? victim : -1;
}

/* Share room by weight; whoever would get less than their minimum gets that, and the rest is shared again. */
static void
share(const struct node *node, int *sizes, int room)
{
	bool is_settled = false;

	while (!is_settled) {
		int weights = 0, left = room;

		is_settled = true;
		for (size_t i = 0; i < node->n; i++) {
			weights += sizes[i] == 0 ? node->children[i].weight : 0;
			left -= sizes[i] > 0 ? sizes[i] : 0;
		}
		for (size_t i = 0; i < node->n && is_settled; i++) {
			if (sizes[i] == 0 && left * node->children[i].weight < node->children[i].min * weights) {
				sizes[i] = node->children[i].min;
				is_settled = false;
			}
		}
		for (size_t i = 0; i < node->n && is_settled; i++) {
			int part = sizes[i] == 0 && weights > 0 ? left * node->children[i].weight / weights : 0;

			if (sizes[i] != 0)
				continue;
			sizes[i] = part;
			left -= part;
			weights -= node->children[i].weight;
		}
	}
}

static void
place_node(struct placing *p, const struct node *node, int x, int y, int w, int h)
{
	bool is_rows = node->axis == AXIS_ROWS;
	int sizes[CHILDREN_MAX] = { 0 }, victim, gaps = -1, room = is_rows ? h : w;

	if (node->axis == AXIS_NONE) {
		if (p->n < p->max && w > 0 && h > 0)
			p->places[p->n++] = (struct place){ .panel = node->panel, .x = x, .y = y, .w = w, .h = h };
		return;
	}
	while (need_of(node, sizes) > room && (victim = victim_of(node, sizes)) >= 0)
		sizes[victim] = -1;
	for (size_t i = 0; i < node->n; i++)
		gaps += sizes[i] >= 0;
	if (need_of(node, sizes) > room) {	/* the last one takes what there is */
		for (size_t i = 0; i < node->n; i++)
			sizes[i] = sizes[i] == 0 ? room : sizes[i];
	} else {
		share(node, sizes, is_rows ? room : room - gaps);
	}
	for (size_t i = 0; i < node->n; i++) {
		if (sizes[i] <= 0)
			continue;
		place_node(p, &node->children[i], x, y, is_rows ? w : sizes[i], is_rows ? sizes[i] : h);
		x += is_rows ? 0 : sizes[i] + 1;
		y += is_rows ? sizes[i] : 0;
	}
}

int
layout_place(const struct layout *l, int w, int h, struct place *places, int max)
{
	struct placing p = { .places = places, .max = max };

	place_node(&p, &l->root, 0, 0, w, h);
	return p.n;
}
