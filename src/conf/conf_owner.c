#include "config.h"

#include "conf/conf_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"

enum { SHOWN = 160 };

bool
conf_owner_is_trusted(const struct stat *st, uid_t me)
{
	return (st->st_uid == 0 || st->st_uid == me) && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool
conf_owner_is_own_build(const struct stat *st, uid_t me, gid_t group_of_me)
{
	struct stat rest = *st;

	if (st->st_uid == me && st->st_gid == group_of_me && (uid_t)group_of_me == me)
		rest.st_mode &= ~(mode_t)S_IWGRP;
	return conf_owner_is_trusted(&rest, me);
}

static const char *
user_name(uid_t uid, char *buf, size_t size)
{
	struct passwd storage, *pw = NULL;
	char strings[2048];

	/* Secrets are read in workers: nothing static. */
	if (getpwuid_r(uid, &storage, strings, sizeof strings, &pw) == 0 && pw != NULL)
		return str_escape_to(buf, size, pw->pw_name);
	snprintf(buf, size, "user %lu", (unsigned long)uid);
	return buf;
}

/* what: "the folder ", or "". */
static int
check(const char *what, const char *path, const struct stat *st, struct err *err)
{
	char shown[SHOWN], owner[64], me[64];

	if (conf_owner_is_trusted(st, geteuid()))
		return 0;
	str_escape_to(shown, sizeof shown, path);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(err, ERR_DENIED,
		    "%s%s belongs to %s; it is used only if it belongs to %s%s", what, shown,
		    user_name(st->st_uid, owner, sizeof owner), user_name(geteuid(), me, sizeof me),
		    geteuid() == 0 ? "" : " or root");
	return err_set(err, ERR_DENIED, "%s%s can be written by others (mode %04o): chmod go-w %s",
	    what, shown,
	    (unsigned)st->st_mode & 07777, shown);
}

int
conf_owner_check_folder(const char *path, struct err *err)
{
	char shown[SHOWN];
	struct stat st;

	if (stat(path, &st) < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot look at the folder %s",
		    str_escape_to(shown, sizeof shown, path));
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_IO, "%s is not a folder",
		    str_escape_to(shown, sizeof shown, path));
	return check("the folder ", path, &st, err);
}

static int
check_parent(const char *real, struct err *err)
{
	char *folder = xstrdup(real), *slash = strrchr(folder, '/');
	int r;

	slash[slash == folder ? 1 : 0] = '\0';
	r = conf_owner_check_folder(folder, err);
	free(folder);
	return r;
}

static int
resolve(const char *path, char **ret_real, struct err *err)
{
	char shown[SHOWN];

	*ret_real = realpath(path, NULL);
	if (*ret_real == NULL)
		return err_set_errno(err, ERR_IO, errno, "cannot read %s",
		    str_escape_to(shown, sizeof shown, path));
	return 0;
}

int
conf_check_owner(const char *path, struct err *err)
{
	char shown[SHOWN], *real;
	struct stat st;
	int r = resolve(path, &real, err);

	if (r < 0)
		return r;
	if (stat(real, &st) < 0)
		r = err_set_errno(err, ERR_IO, errno, "cannot look at %s",
		    str_escape_to(shown, sizeof shown, path));
	else
		r = check("", real, &st, err);
	if (r == 0)
		r = check_parent(real, err);
	free(real);
	return r;
}

/* --- reading what has been checked ----------------------------------------------------------- */

static int
read_fd(int fd, const char *shown, struct buf *b, struct err *err)
{
	char chunk[16384];
	ssize_t n;
	int r = 0;

	do {
		n = read(fd, chunk, sizeof chunk);
		if (n < 0 && errno != EINTR)
			r = err_set_errno(err, ERR_IO, errno, "cannot read %s", shown);
		else if (n > 0 && buf_add(b, chunk, (size_t)n) < 0)
			r = err_set(err, ERR_LIMIT, "%s is larger than %zu KiB", shown,
			    b->max >> 10);
	} while (r == 0 && n != 0);
	explicit_bzero(chunk, sizeof chunk);	/* it may have been a secret */
	return r;
}

/* b NULL: only the checks. */
static int
read_checked(int fd, const char *real, bool is_private, struct buf *b, struct err *err)
{
	char shown[SHOWN];
	struct stat st;
	int r;

	str_escape_to(shown, sizeof shown, real);
	if (fstat(fd, &st) < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot look at %s", shown);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_IO, "%s is not a regular file", shown);
	r = check("", real, &st, err);
	if (r == 0)
		r = check_parent(real, err);
	if (r < 0)
		return r;
	if (is_private && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return err_set(err, ERR_DENIED,
		    "%s can be read by others (mode %04o): chmod 600 %s", shown,
		    (unsigned)st.st_mode & 07777, shown);
	return b == NULL ? 0 : read_fd(fd, shown, b, err);
}

static int
open_and_read(const char *path, bool is_private, struct buf *b, struct err *err)
{
	char shown[SHOWN], *real;
	int fd, r = resolve(path, &real, err);

	if (r < 0)
		return r;
	/* Non-blocking: a FIFO in its place must not make us wait for a writer. */
	fd = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		r = err_set_errno(err, ERR_IO, errno, "cannot read %s",
		    str_escape_to(shown, sizeof shown, path));
	else
		r = read_checked(fd, real, is_private, b, err);
	if (fd >= 0)
		close(fd);
	free(real);
	return r;
}

int
conf_owner_read(const char *path, struct buf *b, struct err *err)
{
	return open_and_read(path, false, b, err);
}

int
conf_owner_read_private(const char *path, struct buf *b, struct err *err)
{
	return open_and_read(path, true, b, err);
}

int
conf_owner_check_private(const char *path, struct err *err)
{
	return open_and_read(path, true, NULL, err);
}
