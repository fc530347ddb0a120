/* What a config keeps as it was written: names and programs of other machines, and parts that others read. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_table.h"

enum { SHOWN = 72, REMOTE_MAX = 200 };

static struct yaml_node **
copy_all(struct yaml_node *const *from, size_t n)
{
	struct yaml_node **v;

	if (from == NULL)
		return NULL;
	v = xcalloc(n + 1, sizeof(*v));
	for (size_t i = 0; i < n; i++)
		v[i] = conf_node_copy(from[i]);
	return v;
}

struct yaml_node *
conf_node_copy(const struct yaml_node *node)
{
	struct yaml_node *copy = xcalloc(1, sizeof *copy);

	*copy = *node;
	/* A text may hold NUL. */
	if (node->text != NULL) {
		copy->text = xmalloc(node->len + 1);
		memcpy(copy->text, node->text, node->len + 1);
	}
	copy->items = copy_all(node->items, node->n);
	copy->keys = copy_all(node->keys, node->n);
	return copy;
}

static void
free_all(struct yaml_node **v, size_t n)
{
	for (size_t i = 0; v != NULL && i < n; i++)
		conf_node_free(v[i]);
	free(v);
}

void
conf_node_free(struct yaml_node *node)
{
	if (node == NULL)
		return;
	free_all(node->items, node->n);
	free_all(node->keys, node->n);
	free(node->text);
	free(node);
}

int
conf_program(const char *text, char **ret_program, struct err *err)
{
	char shown[SHOWN];

	str_escape_to(shown, sizeof shown, text);
	if (text[0] == '\0' || text[0] == '-')
		return err_set(err, ERR_INVALID, "'%s' is no name of a program", shown);
	if (text[0] != '/' && strchr(text, '/') != NULL)
		return err_set(err, ERR_INVALID, "'%s' is neither a name nor an absolute path", shown);
	*ret_program = xstrdup(text);
	return 0;
}

/* Put into a program that a shell of the host reads: nothing that would need quotes there. */
int
conf_read_remote_path(const struct conf_row *row, const char *text, size_t len,
    struct conf_value *v, struct err *err)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789._-/+@";
	char shown[SHOWN];

	(void)row;
	if (len > REMOTE_MAX)
		return err_set(err, ERR_LIMIT, "is %zu bytes long; at most %d", len, REMOTE_MAX);
	if (len < 2 || text[0] != '/' || text[strspn(text, allowed)] != '\0')
		return err_set(err, ERR_INVALID, "'%s' is no absolute path of letters, digits and "
		    "._-/+@ (it is on the hosts)", str_escape_to(shown, sizeof shown, text));
	v->text = xstrdup(text);
	return 0;
}
