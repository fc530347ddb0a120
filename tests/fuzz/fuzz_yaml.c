/*
 * yaml_parse() on any bytes: within its limits, the same twice, and every node where it may be.
 *
 * Held against what yaml.h promises: depth, number of nodes, marks inside the text, keys that are
 * unique scalars, and errors that say name:line:column.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
check_scalar(const struct yaml_node *node)
{
	if (node->text == NULL || node->text[node->len] != '\0' || node->n != 0)
		die("a scalar without its text");
	if (!utf8_is_valid(node->text, node->len))
		die("a scalar that is not UTF-8");
}

static void
check_map(const struct yaml_node *node)
{
	if (node->n > 0 && node->keys == NULL)
		die("a map without keys");
	for (size_t i = 0; i < node->n; i++) {
		if (node->keys[i]->type != YAML_TYPE_SCALAR ||
		    strlen(node->keys[i]->text) != node->keys[i]->len)
			die("a key that is not plain text");
		/* Quadratic, so only the first few; the rest is sorted and compared by the same
		 * code. */
		for (size_t j = 0; j < i && i < 30; j++)
			if (str_eq(node->keys[i]->text, node->keys[j]->text))
				die("a key twice");
	}
}

static size_t
check_tree(const struct yaml_node *node, unsigned depth, unsigned lines)
{
	size_t n = 1;

	if (node->line == 0 || node->column == 0 || node->line > lines)
		die("a mark outside the text");
	if (node->type == YAML_TYPE_SCALAR)
		check_scalar(node);
	else if (depth >= YAML_DEPTH_MAX)
		die("too deep");
	if (node->type == YAML_TYPE_MAP)
		check_map(node);
	for (size_t i = 0; i < node->n; i++) {
		n += check_tree(node->items[i], depth + 1, lines);
		n += node->keys != NULL ? check_tree(node->keys[i], depth + 1, lines) : 0;
	}
	return n;
}

/* As libyaml counts them: also CR, NEL, LS and PS end a line. */
static unsigned
count_lines(const uint8_t *data, size_t size)
{
	unsigned n = 2;

	for (size_t i = 0; i < size; i++)
		n += data[i] == '\n' || data[i] == '\r' || data[i] == 0x85 || data[i] == 0xa8 ||
		    data[i] == 0xa9;
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT, again = ERR_INIT;
	struct yaml_file *f = NULL;
	char *copy = xmalloc(size + 1);
	size_t n = 0;
	int r;

	/* Moved, so that the sanitizer sees a step beyond the end. */
	memcpy(copy, data, size);
	copy = xreallocarray(copy, size > 0 ? size : 1, 1);
	r = yaml_parse("fuzz", copy, size, &f, &err);
	if ((r == 0) != (f != NULL) || r != err.code ||
	    (r != 0 && r != ERR_SYNTAX && r != ERR_LIMIT))
		die("result and error disagree");
	if (r != 0 && !str_has_prefix(err.msg, "fuzz:"))
		die("an error that does not say where");
	for (size_t i = 0; f != NULL && i < f->n_docs; i++)
		n += check_tree(f->docs[i], 0, count_lines(data, size));
	if (n > YAML_NODES_MAX)
		die("too many nodes");
	yaml_file_free(f);
	f = NULL;
	if (yaml_parse("fuzz", copy, size, &f, &again) != r || !str_eq(err.msg, again.msg))
		die("not the same twice");
	yaml_file_free(f);
	free(copy);
	return 0;
}
