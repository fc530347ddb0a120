#include "config.h"

#include "base/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"

enum { SHOWN = 256 };

static int
made(int r, const char *path, struct err *err)
{
	char shown[SHOWN];

	if (r == 0 || errno == EEXIST)
		return 0;
	return err_set_errno(err, errno == EACCES || errno == EPERM || errno == EROFS ? ERR_DENIED : ERR_IO, errno, "cannot make the folder %s",
	    str_escape_to(shown, sizeof shown, path));
}

int
private_make_parents(const char *path, struct err *err)
{
	char *copy = xstrdup(path);
	int r = 0;

	/* The first byte may be the root, which is there. */
	for (char *p = copy; r == 0 && *p != '\0' && (p = strchr(p + 1, '/')) != NULL;) {
		*p = '\0';
		r = made(mkdir(copy, 0700), copy, err);
		*p = '/';
	}
	free(copy);
	return r;
}

int
private_make(const char *dir, struct err *err)
{
	int r = private_make_parents(dir, err);

	return r < 0 ? r : private_make_at(AT_FDCWD, dir, err);
}

int
private_make_at(int at, const char *name, struct err *err)
{
	return made(mkdirat(at, name, 0700), name, err);
}

int
private_check(int fd, mode_t kind, const char *path, struct err *err)
{
	struct stat st;
	char shown[SHOWN];

	str_escape_to(shown, sizeof shown, path);
	if (fstat(fd, &st) < 0)
		return err_set_errno(err, ERR_IO, errno, "%s", shown);
	if ((st.st_mode & S_IFMT) != kind)
		return err_set(err, ERR_DENIED, "%s is no %s", shown, kind == S_IFDIR ? "folder" : "regular file");
	if (st.st_uid != geteuid())
		return err_set(err, ERR_DENIED, "%s belongs to user %ld and not to you", shown, (long)st.st_uid);
	if (st.st_mode & 077)
		return err_set(err, ERR_DENIED, "%s is open to others (mode %03o): chmod %s it", shown, (unsigned)st.st_mode & 0777,
		    kind == S_IFDIR ? "700" : "600");
	if (kind == S_IFREG && st.st_nlink > 1)
		return err_set(err, ERR_DENIED, "%s has a second name (hard link): remove that one", shown);
	return 0;
}

int
private_open(int at, const char *dir, int *ret_fd, struct err *err)
{
	char shown[SHOWN];
	int fd = openat(at, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;

	str_escape_to(shown, sizeof shown, dir);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return err_set(err, ERR_DENIED, "%s is no folder, or a symbolic link: give the real one", shown);
	if (fd < 0)
		return err_set_errno(err, errno == EACCES ? ERR_DENIED : errno == ENOENT ? ERR_NOTFOUND : ERR_IO, errno, "%s", shown);
	r = private_check(fd, S_IFDIR, dir, err);
	if (r < 0)
		close(fd);
	else
		*ret_fd = fd;
	return r;
}
