#include "config.h"

#include "conf/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "base/yaml.h"
#include "conf/conf_find.h"
#include "conf/conf_owner.h"
#include "conf/conf_table.h"

enum { SHOWN = 200 };

/* --- search ---------------------------------------------------------------------------------- */

char *
conf_user_path(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME");
	char *home, *path;

	/* Relative ones are ignored, as the XDG base directory specification asks. */
	if (xdg != NULL && xdg[0] == '/')
		return xasprintf("%s/opsconsole/opsconsole.yaml", xdg);
	home = conf_home();
	path = home != NULL ? xasprintf("%s/.config/opsconsole/opsconsole.yaml", home) : NULL;
	free(home);
	return path;
}

int
conf_named_path(char **ret_path, struct err *err)
{
	const char *named = getenv("OPSCONSOLE_CONFIG");
	char shown[SHOWN];

	if (named == NULL || named[0] == '\0')
		return ERR_NOTFOUND;
	if (named[0] != '/')
		return err_set(err, ERR_INVALID,
		    "$OPSCONSOLE_CONFIG must be an absolute path, not '%s'",
		    str_escape_to(shown, sizeof shown, named));
	*ret_path = xstrdup(named);
	return 0;
}

/* Also true for what is there but cannot be read: the reader then says so, rather than another
 * file being taken. */
static bool
is_there(const char *path)
{
	struct stat st;

	return path != NULL && (lstat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR));
}

int
conf_find(const char *path, char **ret_path, struct err *err)
{
	static const char system_path[] = "/etc/opsconsole/opsconsole.yaml";
	char shown[SHOWN], *user;
	int r;

	if (path != NULL) {
		*ret_path = xstrdup(path);
		return 0;
	}
	r = conf_named_path(ret_path, err);
	if (r != ERR_NOTFOUND)
		return r;
	user = conf_user_path();
	if (is_there(user)) {
		*ret_path = user;
		return 0;
	}
	if (is_there(system_path)) {
		free(user);
		*ret_path = xstrdup(system_path);
		return 0;
	}
	err_set(err, ERR_NOTFOUND,
	    "no config found. Ways on: opsconsole --demo (look around in the bundled lab), "
	    "opsconsole --init (write a first config for this machine), opsconsole --config FILE. "
	    "Looked for %s and %s",
	    user != NULL ? str_escape_to(shown, sizeof shown, user) :
	    "~/.config/opsconsole/opsconsole.yaml (no $HOME)",
	    system_path);
	free(user);
	return ERR_NOTFOUND;
}

/* --- reading --------------------------------------------------------------------------------- */

/* A file for something else is no config with mistakes: say so at once. */
static int
check_kind(const char *name, const struct yaml_node *root, struct err *err)
{
	static const char *const expected[][2] = {
		{ "apiVersion", "opsconsole/v1" }, { "kind", "Config" },
	};
	char shown[SHOWN];

	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		const struct yaml_node *node = yaml_get(root, expected[i][0]);

		if (node == NULL || node->type != YAML_TYPE_SCALAR ||
		    str_eq(node->text, expected[i][1]))
			continue;
		return err_set(err, ERR_SYNTAX,
		    "%s:%u:%u: %s is '%s', but a config of this program has '%s'", name, node->line,
		    node->column, expected[i][0], str_escape_to(shown, 64, node->text),
		    expected[i][1]);
	}
	return 0;
}

static int
find_root(const char *name, const struct yaml_file *f, const struct yaml_node **ret_root,
    struct err *err)
{
	if (f->n_docs == 0)
		return err_set(err, ERR_SYNTAX,
		    "%s: is empty; opsconsole --init writes a first config", name);
	if (f->n_docs > 1)
		return err_set(err, ERR_SYNTAX,
		    "%s:%u:%u: a second document begins here (---); a config has one", name,
		    f->docs[1]->line, f->docs[1]->column);
	if (f->docs[0]->type != YAML_TYPE_MAP)
		return err_set(err, ERR_SYNTAX,
		    "%s:%u:%u: a config is a map of options (NAME: VALUE)", name, f->docs[0]->line,
		    f->docs[0]->column);
	*ret_root = f->docs[0];
	return check_kind(name, f->docs[0], err);
}

/* reads_files: what the config names is read too. */
static int
parse(const char *name, const char *text, size_t len, bool reads_files, struct conf **ret_conf,
    struct conf_problems *ret_problems, struct err *err)
{
	struct conf_problems problems = { 0 };
	char shown[SHOWN];
	struct conf_decode d = { .name = str_escape_to(shown, sizeof shown, name),
	    .problems = &problems, .reads_files = reads_files };
	const struct yaml_node *root = NULL;
	struct yaml_file *f;
	int r;

	r = yaml_parse(name, text, len, &f, err);
	if (r < 0)
		return r;
	r = find_root(shown, f, &root, err);
	if (r == 0) {
		d.conf = xcalloc(1, sizeof *d.conf);
		d.conf->path = xstrdup(name);
		conf_decode_map(&d, &conf_table_top, root, d.conf);
		*ret_conf = d.conf;
		*ret_problems = problems;
	}
	yaml_file_free(f);
	return r;
}

int
conf_parse(const char *name, const char *text, size_t len, struct conf **ret_conf,
    struct conf_problems *ret_problems, struct err *err)
{
	return parse(name, text, len, false, ret_conf, ret_problems, err);
}

int
conf_load(const char *path, struct conf **ret_conf, struct conf_problems *ret_problems,
    struct err *err)
{
	struct buf b;
	int r;

	buf_init(&b, YAML_BYTES_MAX);
	r = conf_owner_read(path, &b, err);
	if (r == 0)
		r = parse(path, b.data, b.len, true, ret_conf, ret_problems, err);
	buf_done(&b);
	return r;
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	conf_item_done(&conf_table_top, c);
	free(c->path);
	free(c);
}

void
conf_problems_done(struct conf_problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i]);
	free(p->v);
	*p = (struct conf_problems){ 0 };
}

/* --- choosing an environment ----------------------------------------------------------------- */

static const char *
list_environments(const struct conf *c, char *list, size_t size)
{
	size_t used = 0;
	char shown[64];

	list[0] = '\0';
	for (size_t i = 0; i < c->n_environments && used < size; i++)
		used += (size_t)snprintf(list + used, size - used, "%s%s", i == 0 ? "" : ", ",
		    str_escape_to(shown, sizeof shown, c->environments[i].name));
	return list;
}

int
conf_environment(const struct conf *c, const char *name, const struct conf_environment **ret_env,
    struct err *err)
{
	char list[256], shown[SHOWN], file[SHOWN];

	str_escape_to(file, sizeof file, c->path != NULL ? c->path : "the config");
	if (c->n_environments == 0)
		return err_set(err, ERR_NOTFOUND,
		    "%s: has no environment that can be used; opsconsole --check says what is "
		    "wrong", file);
	for (size_t i = 0; name != NULL && i < c->n_environments; i++)
		if (str_eq(c->environments[i].name, name)) {
			*ret_env = &c->environments[i];
			return 0;
		}
	list_environments(c, list, sizeof list);
	if (name != NULL)
		return err_set(err, ERR_NOTFOUND, "there is no environment '%s' in %s; it has %s",
		    str_escape_to(shown, 64, name), file, list);
	/* One that was left out may be the one that is meant. */
	if (c->n_dropped > 0)
		return err_set(err, ERR_USAGE,
		    "another environment of %s has a mistake: say --env NAME (%s)", file, list);
	if (c->n_environments > 1)
		return err_set(err, ERR_USAGE, "%s has several environments: say --env NAME (%s)",
		    file, list);
	*ret_env = &c->environments[0];
	return 0;
}
