/* An inventory as a file: who may have written it, what form it has, what is refused. */
#include "config.h"

#include "conf/inventory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "base/yaml.h"
#include "conf/conf_owner.h"
#include "conf/inventory_build.h"

enum { SHOWN = 160 };

static const char static_hint[] =
    "keep what it says in a file: ansible-inventory -i FILE --list --yaml";

/* --- what form ------------------------------------------------------------------------------- */

static const char *
extension(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	const char *dot = strrchr(name, '.');

	return dot != NULL && dot != name ? dot : "";
}

/* The first line that says something: "---", "{" or "all:" is YAML. */
static bool
looks_like_yaml(const char *text, size_t len)
{
	const char *end = text + len, *p = text, *last;

	while (p < end) {
		const char *line_end = memchr(p, '\n', (size_t)(end - p));

		if (line_end == NULL)
			line_end = end;
		while (p < line_end && (*p == ' ' || *p == '\t'))
			p++;
		for (last = line_end; last > p && (last[-1] == ' ' || last[-1] == '\r'); last--)
			;
		if (last == p || *p == '#' || *p == ';') {
			p = line_end + 1;
			continue;
		}
		return *p == '{' || last[-1] == ':' || (last - p >= 3 && memcmp(p, "---", 3) == 0);
	}
	return false;
}

static bool
is_yaml(const char *path, const char *text, size_t len)
{
	const char *ext = extension(path);

	if (str_eq(ext, ".yaml") || str_eq(ext, ".yml") || str_eq(ext, ".json"))
		return true;
	return ext[0] == '\0' && looks_like_yaml(text, len);
}

/* --- reading --------------------------------------------------------------------------------- */

static bool
begins_with(const char *text, size_t len, const char *prefix)
{
	return len >= strlen(prefix) && memcmp(text, prefix, strlen(prefix)) == 0;
}

int
inventory_parse(const char *path, const char *text, size_t len, struct inventory *ret,
    struct conf_problems *problems, struct err *err)
{
	struct inventory_build b;
	char shown[SHOWN];
	int r = 0;

	str_escape_to(shown, sizeof shown, path);
	if (begins_with(text, len, "#!"))
		return err_set(err, ERR_UNSUPPORTED, "%s:1:1: is a program, and no inventory is "
		    "run here; %s", shown, static_hint);
	if (begins_with(text, len, "$ANSIBLE_VAULT"))
		return err_set(err, ERR_UNSUPPORTED, "%s:1:1: is encrypted by ansible-vault; "
		    "nothing is decrypted here", shown);
	/* A byte order mark says nothing. */
	if (begins_with(text, len, "\xef\xbb\xbf")) {
		text += 3;
		len -= 3;
	}
	inventory_build_init(&b, shown, problems);
	if (is_yaml(path, text, len))
		r = inventory_read_yaml(&b, path, text, len, err);
	else
		inventory_read_ini(&b, text, len);
	if (r == 0) {
		*ret = (struct inventory){ .path = xstrdup(path) };
		inventory_finish(&b, ret);
	}
	inventory_build_done(&b);
	return r;
}

/* Ansible would also read the variables there. */
static void
note_folders(struct inventory *inv)
{
	static const char *const folders[] = { "group_vars", "host_vars" };
	const char *slash = strrchr(inv->path, '/');
	int len = slash != NULL ? (int)(slash - inv->path) : 0;

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		char *path = xasprintf("%.*s/%s", len, inv->path, folders[i]), *note;

		if (slash != NULL && access(path, F_OK) == 0) {
			note = xasprintf("%s%s%s/ beside it is not read",
			    inv->note != NULL ? inv->note : "", inv->note != NULL ? "; " : "",
			    folders[i]);
			free(inv->note);
			inv->note = note;
		}
		free(path);
	}
}

static int
check_mode(const char *path, struct err *err)
{
	char shown[SHOWN];
	struct stat st;

	str_escape_to(shown, sizeof shown, path);
	if (stat(path, &st) < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot read %s", shown);
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_UNSUPPORTED, "%s is a folder; name the files in it, each "
		    "in a group of its own", shown);
	if (st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH))
		return err_set(err, ERR_UNSUPPORTED, "%s:1:1: can be executed, and no inventory is "
		    "run here; chmod a-x %s if it is none, else %s", shown, shown, static_hint);
	return 0;
}

int
inventory_read(const char *path, struct inventory *ret, struct conf_problems *problems,
    struct err *err)
{
	struct buf b;
	int r = check_mode(path, err);

	if (r < 0)
		return r;
	buf_init(&b, YAML_BYTES_MAX);
	r = conf_owner_read(path, &b, err);
	if (r == 0)
		r = inventory_parse(path, b.data, b.len, ret, problems, err);
	buf_done(&b);
	if (r == 0)
		note_folders(ret);
	return r;
}
