/* Nodes to runbooks, by the rows of tables. */
#include "config.h"

#include "runbook/read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

enum { SHOWN = 72, ROWS_MAX = 64, NAMES_MAX = 100 };

/* --- sentences ----------------------------------------------------------------------------------------- */

void
read_problem(struct reader *rd, const struct yaml_node *at, const char *fmt, ...)
{
	char shown[256], *sentence;
	va_list ap;

	va_start(ap, fmt);
	sentence = xvasprintf(fmt, ap);
	va_end(ap);
	rd->is_broken = true;
	conf_problems_add(rd->problems, "%s:%u:%u: %s", str_escape_to(shown, sizeof shown, rd->file),
	    at->line, at->column, sentence);
	free(sentence);
}

void
read_unknown(struct reader *rd, const struct yaml_node *at, const char *sentence, const char *word,
    const char *const *candidates, size_t n)
{
	const char *near = str_nearest(word, candidates, n);
	char shown[SHOWN], other[SHOWN];

	str_escape_to(shown, sizeof shown, word);
	if (near != NULL)
		read_problem(rd, at, "'%s' %s; did you mean '%s'?", shown, sentence,
		    str_escape_to(other, sizeof other, near));
	else
		read_problem(rd, at, "'%s' %s", shown, sentence);
}

struct position
read_position(const struct reader *rd, const struct yaml_node *node)
{
	return (struct position){ .file = rd->file, .line = node->line, .column = node->column };
}

/* --- variables ------------------------------------------------------------------------------------------- */

static const char *const run_names[] = { "env", "run", "user", "incident", "reason" };
static const char *const host_names[] = { "host", "host.address", "host.serving" };

static bool
is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(names[i], name))
			return true;
	return false;
}

const struct runbook_param *
read_find_param(const struct runbook *rb, const char *name)
{
	for (size_t i = 0; i < rb->n_params; i++)
		if (str_eq(rb->params[i].name, name))
			return &rb->params[i];
	return NULL;
}

static void
mark_used(struct reader *rd, const char *name)
{
	for (size_t i = 0; i < rd->rb->n_params; i++) {
		struct runbook_param *p = &rd->rb->params[i];

		/* What a host serves is meant of the model. */
		p->is_used |= str_eq(p->name, name) || (p->type == PARAM_MODEL && str_eq(name, "host.serving"));
	}
}

static bool
is_param_secret(const struct reader *rd, const char *name)
{
	const struct runbook_param *p = read_find_param(rd->rb, name);

	return p != NULL && p->type == PARAM_SECRET;
}

static bool
is_pair_secret(const struct reader *rd, const struct pair *p)
{
	const char *const *names = NULL;
	size_t n = p->value != NULL ? template_names(p->value, &names) : 0;

	for (size_t i = 0; i < n; i++)
		if (is_param_secret(rd, names[i]))
			return true;
	return false;
}

static const struct pair *
find_given(const struct given *g, const char *name)
{
	for (size_t i = 0; i < g->n; i++)
		if (str_eq(g->v[i].name, name))
			return &g->v[i];
	return NULL;
}

bool
read_is_secret(const struct reader *rd, const char *name)
{
	const struct pair *p = rd->given != NULL ? find_given(rd->given, name) : NULL;

	return rd->given == NULL ? is_param_secret(rd, name) : p != NULL && is_pair_secret(rd, p);
}

/* Where a secret never reaches screen, argv, log or plan. */
static bool
is_place_secret(enum template_place place)
{
	return place == PLACE_STDIN || place == PLACE_ENV || place == PLACE_HEADER ||
	    place == PLACE_JSON || place == PLACE_JSON_TEXT || place == PLACE_FORM;
}

static void
unknown_variable(struct reader *rd, const char *name, const struct yaml_node *node,
    const char *variable)
{
	const char *known[NAMES_MAX];
	char *sentence = xasprintf(rd->given != NULL ?
	    "(a variable of %s) is given by no with: of the step that calls it" :
	    "(a variable of %s) is no parameter of this runbook", name);
	size_t n = 0;

	for (size_t i = 0; i < sizeof run_names / sizeof run_names[0]; i++)
		known[n++] = run_names[i];
	for (size_t i = 0; i < sizeof host_names / sizeof host_names[0]; i++)
		known[n++] = host_names[i];
	for (size_t i = 0; rd->given == NULL && i < rd->rb->n_params && n < NAMES_MAX; i++)
		known[n++] = rd->rb->params[i].name;
	for (size_t i = 0; rd->given != NULL && i < rd->given->n && n < NAMES_MAX; i++)
		known[n++] = rd->given->v[i].name;
	read_unknown(rd, node, sentence, variable, known, n);
	free(sentence);
}

static bool
has_model(const struct reader *rd)
{
	for (size_t i = 0; i < rd->rb->n_params; i++)
		if (rd->rb->params[i].type == PARAM_MODEL)
			return true;
	return false;
}

static void
check_host_variable(struct reader *rd, const char *name, const struct yaml_node *node,
    const char *variable)
{
	if (!rd->has_hosts)
		read_problem(rd, node, "%s: ${%s} needs hosts: the runbook stands for none", name,
		    variable);
	else if (!rd->is_per_host)
		read_problem(rd, node, "%s: ${%s} stands only in what is done for each host (scope: "
		    "host)", name, variable);
	else if (str_eq(variable, "host.serving") && !has_model(rd))
		read_problem(rd, node, "%s: ${host.serving} needs a parameter of type model: what is "
		    "served is meant of it", name);
}

static void
check_variable(struct reader *rd, const char *name, const struct yaml_node *node,
    enum template_place place, const char *variable)
{
	bool is_known = rd->given != NULL ? find_given(rd->given, variable) != NULL :
	    read_find_param(rd->rb, variable) != NULL;

	if (rd->given == NULL)
		mark_used(rd, variable);
	if (is_among(variable, host_names, sizeof host_names / sizeof host_names[0]))
		check_host_variable(rd, name, node, variable);
	else if (!is_known && !is_among(variable, run_names, sizeof run_names / sizeof run_names[0]))
		unknown_variable(rd, name, node, variable);
	else if (read_is_secret(rd, variable) && !is_place_secret(place))
		read_problem(rd, node, "%s: ${%s} is a secret: it stands only in stdin:, env:, "
		    "headers: and body:", name, variable);
}

/* Where in the file the column of a text is; of a text that is not written as it is read, its beginning. */
static struct yaml_node
column_of(const struct yaml_node *node, size_t column)
{
	struct yaml_node at = *node;

	if (memchr(node->text, '\n', node->len) == NULL)
		at.column += (unsigned)column - 1 + !node->is_plain;
	return at;
}

/* What with: gave stands in for the names inside actions:. It has been parsed once without, so it can be again. */
static struct template *
put_in(const struct given *g, const char *text, enum template_place place)
{
	struct template_given *v = xcalloc(g->n + 1, sizeof *v);
	struct template *t = NULL;

	for (size_t i = 0; i < g->n; i++)
		v[i] = (struct template_given){ g->v[i].name, g->v[i].value };
	if (template_parse_given(text, place, v, g->n, &t, NULL, NULL) < 0)
		abort();
	free(v);
	return t;
}

struct template *
read_template(struct reader *rd, const char *name, const struct yaml_node *node,
    enum template_place place)
{
	const char *const *names = NULL;
	struct err err = ERR_INIT;
	struct yaml_node at;
	struct template *t;
	size_t column, n;

	if (!read_is_text(rd, name, node))
		return NULL;
	if (template_parse(node->text, place, &t, &column, &err) < 0) {
		at = column_of(node, column);
		read_problem(rd, &at, "%s: %s", name, err.msg);
		return NULL;
	}
	n = template_names(t, &names);
	for (size_t i = 0; i < n; i++)
		check_variable(rd, name, node, place, names[i]);
	if (rd->given != NULL) {
		template_free(t);
		t = put_in(rd->given, node->text, place);
	}
	return t;
}

/* --- rows -------------------------------------------------------------------------------------------------- */

static void *
member(void *item, size_t offset)
{
	return (char *)item + offset;
}

static const char *
type_name(const struct yaml_node *node)
{
	return node->type == YAML_TYPE_LIST ? "list" : node->type == YAML_TYPE_MAP ? "map" : "text";
}

bool
read_is_text(struct reader *rd, const char *name, const struct yaml_node *node)
{
	if (node->type != YAML_TYPE_SCALAR)
		read_problem(rd, node, "%s: a text is expected, not a %s", name, type_name(node));
	else if (memchr(node->text, '\0', node->len) != NULL)
		read_problem(rd, node, "%s: holds a NUL byte", name);
	else
		return true;
	return false;
}

static bool
read_value(struct reader *rd, const struct read_row *row, const struct yaml_node *node,
    struct conf_value *v)
{
	const struct conf_row as = { .name = row->name, .type = row->scalar, .min = row->min,
	    .max = row->max, .def = row->def, .choices = row->choices };
	struct err err = ERR_INIT;

	if (!read_is_text(rd, row->name, node))
		return false;
	if (conf_scalar(&as, node->text, node->len, v, &err) == 0)
		return true;
	read_problem(rd, node, "%s: %s", row->name, err.msg);
	return false;
}

static void
store(const struct read_row *row, void *item, struct conf_value *v)
{
	void *to = member(item, row->offset);

	if (row->scalar == CONF_CONST)
		return;
	if (row->type == READ_UNSIGNED) {
		*(unsigned *)to = (unsigned)v->number;
	} else if (row->scalar == CONF_BOOL) {
		*(bool *)to = v->number != 0;
	} else if (row->scalar == CONF_CHOICE) {
		*(int *)to = (int)v->number;
	} else if (row->scalar == CONF_INT || row->scalar == CONF_DURATION) {
		memcpy(to, &v->number, sizeof v->number);
	} else {
		free(*(char **)to);
		*(char **)to = v->text;
		v->text = NULL;
	}
	free(v->text);
}

static void
read_words(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	struct template **v;
	size_t n = 0;

	if (node->type != YAML_TYPE_LIST || node->n == 0) {
		read_problem(rd, node, "%s: a list of a program and its arguments is expected: "
		    "[PROGRAM, ARGUMENT]; no shell reads it", row->name);
		return;
	}
	v = xcalloc(node->n + 1, sizeof(*v));
	for (size_t i = 0; i < node->n; i++) {
		v[n] = read_template(rd, row->name, node->items[i], PLACE_WORD);
		n += v[n] != NULL;
	}
	/* run: and args: both, which is told elsewhere. */
	templates_free(*(struct template ***)member(item, row->offset));
	*(struct template ***)member(item, row->offset) = v;
	if (n == node->n && str_eq(row->name, "run"))
		read_check_words(rd, node, v);
}

static void
read_pairs(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	struct pair *v;
	size_t n = 0;

	if (node->type != YAML_TYPE_MAP) {
		read_problem(rd, node, "%s: a map is expected: %s: { NAME: VALUE }", row->name,
		    row->name);
		return;
	}
	v = xcalloc(node->n + 1, sizeof *v);
	for (size_t i = 0; i < node->n; i++) {
		struct template *t;

		if (!read_is_text(rd, row->name, node->keys[i]))
			continue;
		t = read_template(rd, node->keys[i]->text, node->items[i], row->place);
		if (t != NULL)
			v[n++] = (struct pair){ .name = xstrdup(node->keys[i]->text), .value = t };
	}
	*(struct pair **)member(item, row->offset) = v;
	*(size_t *)member(item, row->n_offset) = n;
}

char **
read_texts(struct reader *rd, const char *name, const struct yaml_node *node)
{
	static const struct read_row text = { .scalar = CONF_NAME, .max = "500" };
	struct read_row row = text;
	struct conf_value value;
	char **v;
	size_t n = 0;

	row.name = name;
	if (node->type != YAML_TYPE_LIST || node->n == 0) {
		read_problem(rd, node, "%s: a list is expected: [ONE, ANOTHER]", name);
		return NULL;
	}
	v = xcalloc(node->n + 1, sizeof(*v));
	for (size_t i = 0; i < node->n; i++) {
		value = (struct conf_value){ .text = NULL };
		if (read_value(rd, &row, node->items[i], &value))
			v[n++] = value.text;
	}
	return v;
}

int64_t
read_duration(struct reader *rd, const char *name, const struct yaml_node *node)
{
	const struct read_row row = { .name = name, .scalar = CONF_DURATION, .min = "1ms",
	    .max = "30d" };
	struct conf_value v = { .text = NULL };

	return read_value(rd, &row, node, &v) ? v.number : 0;
}

void
read_one(struct reader *rd, const struct read_row *row, const struct yaml_node *node, void *item)
{
	struct conf_value v = { .text = NULL };

	switch (row->type) {
	case READ_SCALAR:
	case READ_UNSIGNED:
		if (read_value(rd, row, node, &v))
			store(row, item, &v);
		break;
	case READ_TEMPLATE:
		*(struct template **)member(item, row->offset) = read_template(rd, row->name, node,
		    row->place);
		break;
	case READ_WORDS: read_words(rd, row, node, item); break;
	case READ_PAIRS: read_pairs(rd, row, node, item); break;
	case READ_TEXTS:
		*(char ***)member(item, row->offset) = read_texts(rd, row->name, node);
		break;
	case READ_BY: row->by(rd, row, node, item); break;
	case READ_APART: break;
	}
}

/* --- maps --------------------------------------------------------------------------------------------------- */

static const struct read_row *
find_row(const struct read_table *table, const char *name)
{
	for (const struct read_row *row = table->rows; row->name != NULL; row++)
		if (str_eq(row->name, name))
			return row;
	return NULL;
}

static void
unknown_key(struct reader *rd, const struct read_table *table, const struct yaml_node *key)
{
	const char *names[ROWS_MAX];
	char *sentence = xasprintf("is no member of %s", table->what);
	size_t n = 0;

	for (const struct read_row *row = table->rows; row->name != NULL && n < ROWS_MAX; row++)
		names[n++] = row->name;
	read_unknown(rd, key, sentence, key->text, names, n);
	free(sentence);
}

static void
set_defaults(const struct read_table *table, void *item)
{
	for (const struct read_row *row = table->rows; row->name != NULL; row++) {
		const struct conf_row as = { .name = row->name, .type = row->scalar,
		    .choices = row->choices };
		struct conf_value v = { .text = NULL };

		if (row->def != NULL && row->scalar != CONF_CONST && (row->type == READ_SCALAR || row->type == READ_UNSIGNED) &&
		    conf_scalar(&as, row->def, strlen(row->def), &v, NULL) == 0)
			store(row, item, &v);
	}
}

bool
read_map(struct reader *rd, const struct read_table *table, const struct yaml_node *map, void *item)
{
	set_defaults(table, item);
	if (map->type != YAML_TYPE_MAP) {
		read_problem(rd, map, "%s is a map (NAME: VALUE), not a %s", table->what,
		    type_name(map));
		return false;
	}
	for (size_t i = 0; i < map->n; i++)
		if (find_row(table, map->keys[i]->text) == NULL)
			unknown_key(rd, table, map->keys[i]);
	for (const struct read_row *row = table->rows; row->name != NULL; row++) {
		const struct yaml_node *node = yaml_get(map, row->name);

		if (!yaml_is_null(node))
			read_one(rd, row, node, item);
		else if (row->flags & READ_REQUIRED)
			read_problem(rd, node != NULL ? node : map, "%s: '%s' is missing",
			    table->what, row->name);
	}
	return true;
}

const char *
read_kind(struct reader *rd, const char *what, const struct yaml_node *map,
    const char *const *names, size_t n, size_t *ret_i)
{
	const char *found = NULL;
	char list[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		if (used < sizeof list)
			used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
			    i == 0 ? "" : ", ", names[i]);
		if (yaml_get(map, names[i]) == NULL)
			continue;
		if (found != NULL) {
			read_problem(rd, map, "%s has both %s: and %s:; one is expected", what, found,
			    names[i]);
			return NULL;
		}
		found = names[i];
		*ret_i = i;
	}
	if (found == NULL && map->type == YAML_TYPE_MAP && map->n == 1)
		read_unknown(rd, map->keys[0], "is not known here", map->keys[0]->text, names, n);
	if (found == NULL)
		read_problem(rd, map, "%s says not what it is: one of %s is expected", what, list);
	return found;
}
