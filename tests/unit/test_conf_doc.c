/* The shipped example and the manual know every option of the tables, with its default and range. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "base/yaml.h"
#include "conf/conf_table.h"

static char *
read_doc(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char *path = xasprintf("%s/doc/%s", srcdir != NULL ? srcdir : ".", name), chunk[4096];
	FILE *f = fopen(path, "r");
	struct buf b;
	char *text;
	size_t n;

	if (f == NULL)
		fail_msg("cannot read %s", path);
	buf_init(&b, 1 << 20);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		assert_int_equal(buf_add(&b, chunk, n), 0);
	fclose(f);
	free(path);
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

/* --- the example ----------------------------------------------------------------------------- */

static void
example_has_no_problem(void **state)
{
	char *text = read_doc("opsconsole.yaml.example");
	struct conf_problems problems;
	struct conf *conf;
	struct err err;

	(void)state;
	if (conf_parse("example", text, strlen(text), &conf, &problems, &err) < 0)
		fail_msg("%s", err.msg);
	if (problems.n > 0)
		fail_msg("%s", problems.v[0]);
	assert_int_equal(conf->n_environments, 2);
	conf_problems_done(&problems);
	conf_free(conf);
	free(text);
}

static void assert_has_rows(const struct conf_table *table, const struct yaml_node *const *maps,
    size_t n, const char *where);

/* The values that any of the maps has for a key; items of lists one by one. */
static size_t
collect(const struct yaml_node *const *maps, size_t n, const struct conf_row *row,
    const struct yaml_node **ret, size_t max)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		const struct yaml_node *node = yaml_get(maps[i], row->name);

		if (yaml_is_null(node))
			continue;
		if (row->type != CONF_LIST && found < max)
			ret[found++] = node;
		for (size_t j = 0; row->type == CONF_LIST && j < node->n && found < max; j++)
			ret[found++] = node->items[j];
	}
	return found;
}

static void
assert_has_row(const struct conf_row *row, const struct yaml_node *const *maps, size_t n,
    const char *where)
{
	const struct yaml_node *found[64];
	char *name = xasprintf("%s.%s", where, row->name);
	size_t n_found = collect(maps, n, row, found, 64);

	if (n_found == 0)
		fail_msg("the example has no %s", name);
	if (row->type == CONF_GROUP || row->type == CONF_LIST)
		assert_has_rows(row->table, found, n_found, name);
	free(name);
}

static void
assert_has_rows(const struct conf_table *table, const struct yaml_node *const *maps, size_t n,
    const char *where)
{
	for (const struct conf_row *row = table->rows; row->name != NULL; row++)
		assert_has_row(row, maps, n, where);
}

/* A map of its own, and its lists have one form. */
static void
assert_has_drift(const struct yaml_node *environments)
{
	const struct yaml_node *models = yaml_get(environments->items[0], "models");
	const struct yaml_node *drift = yaml_get(models->items[0], "drift"), *items[8];
	const struct yaml_node *features = yaml_get(drift, "features");

	for (const struct conf_row *row = conf_table_drift.rows; row->name != NULL; row++)
		assert_non_null(yaml_get(drift, row->name));
	assert_true(features->n <= 8);
	for (size_t i = 0; i < features->n; i++)
		items[i] = features->items[i];
	assert_has_rows(&conf_table_drift_item, items, features->n, "features");
}

static void
example_has_every_option(void **state)
{
	char *text = read_doc("opsconsole.yaml.example");
	const struct yaml_node *root;
	struct yaml_file *f;

	(void)state;
	assert_int_equal(yaml_parse("example", text, strlen(text), &f, NULL), 0);
	root = f->docs[0];
	assert_has_rows(&conf_table_top, &root, 1, "");
	assert_has_drift(yaml_get(root, "environments"));
	/* Each way to a secret. */
	for (const struct conf_row *row = conf_table_secret.rows; row->name != NULL; row++) {
		char *word = xasprintf("{ %s: ", row->name);

		if (strstr(text, word) == NULL)
			fail_msg("the example has no secret by %s", row->name);
		free(word);
	}
	yaml_file_free(f);
	free(text);
}

/* --- the manual ------------------------------------------------------------------------------ */

/* The manual's text on an option: from its .It to the next. NULL when there is none. */
static char *
manual_entry(const char *section, const char *name)
{
	char *head = xasprintf("\n.It Cm %s\n", name);
	const char *at = strstr(section, head), *end;
	char *entry = NULL;

	if (at != NULL) {
		end = strstr(at + 1, "\n.It Cm ");
		entry = end != NULL ? xstrndup(at, (size_t)(end - at)) : xstrdup(at);
	}
	free(head);
	return entry;
}

static void
assert_tells(const char *entry, const char *name, const char *what, const char *value)
{
	if (value != NULL && strstr(entry, value) == NULL)
		fail_msg("the manual's entry of %s does not tell its %s, %s:%.200s", name, what, value, entry);
}

/* The options of a group stand behind its own entry: others may have options of the same name. */
static const char *
group_entries(const char *section, const char *name)
{
	char *head = xasprintf("\n.It Cm %s\n", name);
	const char *at = strstr(section, head);

	free(head);
	return at != NULL ? at + 1 : section;
}

static void
assert_section_has_rows(const char *section, const char *heading, const struct conf_table *table)
{
	for (const struct conf_row *row = table->rows; row->name != NULL; row++) {
		char *entry = manual_entry(section, row->name);
		bool is_number = row->type == CONF_INT || row->type == CONF_BYTES ||
		    row->type == CONF_DURATION || row->type == CONF_WINDOW ||
		    row->type == CONF_DOUBLE;

		if (entry == NULL)
			fail_msg("the manual has no %s in %s", row->name, heading);
		assert_tells(entry, row->name, "default", row->def != NULL && row->def[0] != '\0' ?
		    row->def : NULL);
		assert_tells(entry, row->name, "least value", is_number ? row->min : NULL);
		assert_tells(entry, row->name, "largest value", is_number ? row->max : NULL);
		for (size_t i = 0; row->choices != NULL && row->choices[i] != NULL; i++)
			assert_tells(entry, row->name, "choice", row->choices[i]);
		if (row->flags & ROW_REQUIRED)
			assert_tells(entry, row->name, "being needed", "Needed");
		if (row->type == CONF_GROUP)
			assert_section_has_rows(group_entries(section, row->name), heading, row->table);
		free(entry);
	}
}

static void
assert_manual_has_rows(const char *manual, const char *heading, const struct conf_table *table)
{
	char *head = xasprintf("\n.Sh %s\n", heading);
	const char *section = strstr(manual, head);

	if (section == NULL)
		fail_msg("the manual has no section %s", heading);
	assert_section_has_rows(section, heading, table);
	free(head);
}

static const struct conf_table *
table_of(const struct conf_table *table, const char *name)
{
	for (const struct conf_row *row = table->rows; row->name != NULL; row++)
		if (strcmp(row->name, name) == 0)
			return row->table;
	fail_msg("no row %s", name);
	return NULL;
}

static void
manual_has_every_option(void **state)
{
	const struct conf_table *env = table_of(&conf_table_top, "environments");
	char *manual = read_doc("opsconsole.yaml.5");

	(void)state;
	assert_manual_has_rows(manual, "THE FILE", &conf_table_top);
	assert_manual_has_rows(manual, "ENVIRONMENTS", env);
	assert_manual_has_rows(manual, "SOURCES", table_of(env, "sources"));
	assert_manual_has_rows(manual, "AUDIT TARGETS", table_of(&conf_table_audit, "ship"));
	assert_manual_has_rows(manual, "QUERIES", table_of(env, "queries"));
	assert_manual_has_rows(manual, "OBJECTIVES", table_of(env, "slos"));
	assert_manual_has_rows(manual, "BURN RULES", table_of(table_of(env, "slos"), "burn"));
	assert_manual_has_rows(manual, "MARKERS", table_of(env, "markers"));
	assert_manual_has_rows(manual, "CONTACTS", table_of(env, "contacts"));
	assert_manual_has_rows(manual, "HOSTS", table_of(env, "hosts"));
	assert_manual_has_rows(manual, "HEALTH OF HOSTS", table_of(env, "hosts_health"));
	assert_manual_has_rows(manual, "LOGS", table_of(table_of(env, "logs"), "streams"));
	assert_manual_has_rows(manual, "LOGS", table_of(table_of(env, "logs"), "alerts"));
	assert_manual_has_rows(manual, "PATTERNS TO REDACT", table_of(table_of(&conf_table_top, "redact"), "patterns"));
	assert_manual_has_rows(manual, "MODELS", table_of(env, "models"));
	assert_manual_has_rows(manual, "ONLINE METRICS", table_of(table_of(env, "models"), "online"));
	assert_manual_has_rows(manual, "DRIFT", &conf_table_drift);
	assert_manual_has_rows(manual, "FEATURES", &conf_table_drift_item);
	assert_manual_has_rows(manual, "REGISTRIES", table_of(table_of(env, "sources"), "registry"));
	assert_manual_has_rows(manual, "SECRETS", &conf_table_secret);
	free(manual);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_has_no_problem),
		cmocka_unit_test(example_has_every_option),
		cmocka_unit_test(manual_has_every_option),
	};

	setenv("HOME", "/home/ann", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
