/* Where shipped data lies: $OPSCONSOLE_DATADIR, the source folder of the build tree the program
 * runs from, the installed folder. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/conf_owner.h"

enum { SHOWN = 150 };

/* What lies elsewhere in the source tree than when installed. */
static const struct {
	const char *installed, *source;
} moved[] = {
	{ "lab/opslab", "tests/lab/opslab" },
	{ "opsconsole.yaml.example", "doc/opsconsole.yaml.example" },
};

static const char *
source_name(const char *name)
{
	for (size_t i = 0; i < sizeof moved / sizeof moved[0]; i++)
		if (str_eq(name, moved[i].installed))
			return moved[i].source;
	return name;
}

/* Folder of the running program; NULL when the system does not say. */
static char *
program_folder(void)
{
	char exe[4096], *slash;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	return slash == NULL ? NULL : xstrndup(exe, slash == exe ? 1 : (size_t)(slash - exe));
}

/* The primary group of the user; (gid_t)-1, which nothing belongs to, when the system does not say. */
static gid_t
group_of_user(uid_t uid)
{
	struct passwd storage, *pw = NULL;
	char strings[2048];

	if (getpwuid_r(uid, &storage, strings, sizeof strings, &pw) != 0 || pw == NULL)
		return (gid_t)-1;
	return pw->pw_gid;
}

/* Nobody else could have put it there. */
static bool
is_own_build(int fd, mode_t type)
{
	uid_t me = geteuid();
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type &&
	    conf_owner_is_own_build(&st, me, group_of_user(me));
}

/* The first line of a file that configure wrote; only from one that could not have been put there
 * by somebody else, nor its folder filled by them. */
static char *
read_srcdir(const char *folder)
{
	char line[4096];
	ssize_t n = -1;
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (dir < 0)
		return NULL;
	fd = openat(dir, "srcdir", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && is_own_build(dir, S_IFDIR) && is_own_build(fd, S_IFREG))
		n = read(fd, line, sizeof line - 1);
	if (fd >= 0)
		close(fd);
	close(dir);
	if (n <= 0)
		return NULL;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return line[0] == '/' ? xstrdup(line) : NULL;
}

/* NULL for an installed program. */
static char *
build_tree_source(void)
{
	char *folder = program_folder(), *path, *srcdir;

	if (folder == NULL)
		return NULL;
	path = xasprintf("%s/build-aux", folder);
	srcdir = read_srcdir(path);
	free(path);
	free(folder);
	return srcdir;
}

static bool
take_if_there(const char *folder, const char *name, char **ret_path)
{
	char *path = xasprintf("%s/%s", folder, name);

	if (access(path, F_OK) == 0) {
		*ret_path = path;
		return true;
	}
	free(path);
	return false;
}

static bool
is_plain_name(const char *name)
{
	return name[0] != '\0' && name[0] != '/' && strstr(name, "..") == NULL;
}

/* "A, B" of the folders looked in. */
static const char *
list_folders(char *buf, size_t size, const char *const *folders, size_t n)
{
	char shown[SHOWN];
	size_t used = 0;

	for (size_t i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i == 0 ? "" : ", ",
		    str_escape_to(shown, sizeof shown, folders[i]));
	return buf;
}

static int
find_in(const char *name, const char *named, const char *source, char **ret_path, struct err *err)
{
	const char *folders[3];
	char list[3 * SHOWN], shown[64];
	size_t n = 0;

	if (named != NULL) {
		if (take_if_there(named, name, ret_path))
			return 0;
		folders[n++] = named;
	}
	if (source != NULL) {
		if (take_if_there(source, source_name(name), ret_path))
			return 0;
		folders[n++] = source;
	}
	if (take_if_there(PKGDATADIR, name, ret_path))
		return 0;
	folders[n++] = PKGDATADIR;
	return err_set(err, ERR_NOTFOUND,
	    "the shipped file %s is not in %s; install opsconsole again, or set "
	    "OPSCONSOLE_DATADIR to the folder that holds it",
	    str_escape_to(shown, sizeof shown, name),
	    list_folders(list, sizeof list, folders, n));
}

int
conf_data_path(const char *name, char **ret_path, struct err *err)
{
	const char *named = getenv("OPSCONSOLE_DATADIR");
	char shown[SHOWN], *source;
	int r;

	if (!is_plain_name(name))
		return err_set(err, ERR_INVALID, "'%s' is no name of a shipped file",
		    str_escape_to(shown, 64, name));
	if (named != NULL && named[0] == '\0')
		named = NULL;
	if (named != NULL && named[0] != '/')
		return err_set(err, ERR_INVALID,
		    "$OPSCONSOLE_DATADIR must be an absolute path, not '%s'",
		    str_escape_to(shown, sizeof shown, named));
	source = build_tree_source();
	r = find_in(name, named, source, ret_path, err);
	free(source);
	return r;
}
