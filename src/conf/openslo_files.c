/* The files and folders that openslo: names. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_owner.h"
#include "conf/openslo.h"

enum { SHOWN = 160, FILES_MAX = 1000 };

struct names {
	char **v;
	size_t n;
};

static void
read_one(struct openslo *o, struct conf_decode *d, const struct yaml_node *node, const char *path)
{
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, YAML_BYTES_MAX);
	if (conf_owner_read(path, &b, &err) < 0)
		conf_problem(d, node, "openslo: %s", err.msg);
	else
		openslo_add(o, path, b.data, b.len);
	buf_done(&b);
}

static bool
is_yaml(const char *name)
{
	const char *dot = strrchr(name, '.');

	return name[0] != '.' && (str_eq(dot, ".yaml") || str_eq(dot, ".yml"));
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of their bytes, so that problems come in the same order everywhere. */
static int
list_folder(const char *path, struct names *ret, struct err *err)
{
	char shown[SHOWN];
	struct dirent *e;
	DIR *dir;

	dir = opendir(path);
	if (dir == NULL)
		return err_set_errno(err, ERR_IO, errno, "cannot read the folder %s",
		    str_escape_to(shown, sizeof shown, path));
	while ((e = readdir(dir)) != NULL) {
		if (!is_yaml(e->d_name))
			continue;
		ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
		ret->v[ret->n++] = xasprintf("%s/%s", path, e->d_name);
	}
	closedir(dir);
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_names);
	if (ret->n > FILES_MAX)
		return err_set(err, ERR_LIMIT, "%s holds more than %d files",
		    str_escape_to(shown, sizeof shown, path), FILES_MAX);
	if (ret->n == 0)
		return err_set(err, ERR_NOTFOUND, "%s holds no file that ends in .yaml or .yml",
		    str_escape_to(shown, sizeof shown, path));
	return 0;
}

static void
read_folder(struct openslo *o, struct conf_decode *d, const struct yaml_node *node,
    const char *path)
{
	struct names names = { NULL, 0 };
	struct err err = ERR_INIT;
	int r = conf_owner_check_folder(path, &err);

	if (r == 0)
		r = list_folder(path, &names, &err);
	if (r < 0)
		conf_problem(d, node, "openslo: %s", err.msg);
	for (size_t i = 0; i < names.n; i++) {
		if (r == 0)
			read_one(o, d, node, names.v[i]);
		free(names.v[i]);
	}
	free(names.v);
}

void
openslo_build_paths(struct slo_build *b)
{
	const struct yaml_node *list = yaml_get(b->env_node, "openslo");
	char **paths = b->env->openslo;
	struct openslo *o;
	struct stat st;

	if (paths == NULL)
		return;
	o = openslo_new(b);
	for (size_t i = 0; paths[i] != NULL; i++) {
		const struct yaml_node *node = i < list->n ? list->items[i] : list;

		if (stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode))
			read_folder(o, b->d, node, paths[i]);
		else
			read_one(o, b->d, node, paths[i]);
	}
	openslo_build(o);
	openslo_free(o);
}
