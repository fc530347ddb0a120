/* Folder, lock and files of a chain: who owns them, how they are made, how much of the disk is kept ready. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/chain_priv.h"
#include "base/fault.h"
#include "base/private.h"
#include "base/str.h"
#include "base/xalloc.h"

static int
said_of_log(int r, struct err *err)
{
	if (r < 0)
		err_prefix(err, "audit log");
	return r;
}

int
chain_dirs_make(const char *dir, struct err *err)
{
	return said_of_log(private_make(dir, err), err);
}

int
chain_dir_open(const char *dir, bool is_made, int *ret_fd, struct err *err)
{
	int r = is_made ? private_make(dir, err) : 0;

	if (r == 0)
		r = private_open(AT_FDCWD, dir, ret_fd, err);
	return said_of_log(r, err);
}

/* --- the lock ---------------------------------------------------------------------------------------------------------------------------- */

/* A file of its own: the log's files come and go with rotation. */
static int
lock_open(struct chain *c, struct err *err)
{
	int fd = openat(c->dir_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), r;

	if (fd < 0)
		return err_set_errno(err, errno == EACCES || errno == EPERM || errno == EROFS || errno == ELOOP ? ERR_DENIED : ERR_IO,
		    errno, "audit log: %s/lock", c->dir);
	r = said_of_log(private_check(fd, S_IFREG, "its lock", err), err);
	if (r < 0)
		close(fd);
	else
		c->lock_fd = fd;
	return r;
}

/* Somebody may have removed the file that we hold: then two would write at once. */
static bool
lock_is_the_one(const struct chain *c)
{
	struct stat ours, there;

	return fstat(c->lock_fd, &ours) == 0 && fstatat(c->dir_fd, "lock", &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

int
chain_lock(struct chain *c, struct err *err)
{
	for (;;) {
		int r;

		if (c->lock_fd < 0 && (r = lock_open(c, err)) < 0)
			return r;
		while (flock(c->lock_fd, LOCK_EX) < 0)
			if (errno != EINTR)
				return err_set_errno(err, ERR_IO, errno, "audit log: cannot lock %s/lock", c->dir);
		if (lock_is_the_one(c)) {
			c->is_locked = true;
			return 0;
		}
		close(c->lock_fd);
		c->lock_fd = -1;
	}
}

void
chain_unlock(struct chain *c)
{
	if (c->is_locked)
		flock(c->lock_fd, LOCK_UN);
	c->is_locked = false;
}

/* --- the files --------------------------------------------------------------------------------------------------------------------------- */

void
chain_file_name(char *buf, size_t size, unsigned number)
{
	snprintf(buf, size, "audit-%06u.jsonl", number);
}

/* The number that a name stands for; 0: not one of ours. */
static unsigned
file_number(const char *name)
{
	char again[32];
	unsigned long n;

	if (!str_has_prefix(name, "audit-"))
		return 0;
	n = strtoul(name + 6, NULL, 10);
	if (n == 0 || n > 999999999)
		return 0;
	chain_file_name(again, sizeof again, (unsigned)n);
	return strcmp(again, name) == 0 ? (unsigned)n : 0;
}

unsigned
chain_newest(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	unsigned newest = 0;
	struct dirent *e;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((e = readdir(d)) != NULL) {
		unsigned n = file_number(e->d_name);

		if (n > newest)
			newest = n;
	}
	closedir(d);
	return newest;
}

int
chain_fsync_dir(struct chain *c, struct err *err)
{
	if (fsync(c->dir_fd) < 0)
		return err_set_errno(err, ERR_IO, errno, "audit log: cannot sync %s", c->dir);
	return 0;
}

static void
take_file(struct chain *c, int fd, unsigned number)
{
	char name[32];

	if (c->fd >= 0)
		close(c->fd);
	c->fd = fd;
	c->number = number;
	c->reserved = 0;
	chain_file_name(name, sizeof name, number);
	snprintf(c->path, sizeof c->path, "%s/%s", c->dir, name);
}

int
chain_file_open(struct chain *c, unsigned number, struct err *err)
{
	char name[32];
	int fd, r;

	chain_file_name(name, sizeof name, number);
	fd = openat(c->dir_fd, name, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, errno == EACCES || errno == EPERM || errno == EROFS || errno == ELOOP ? ERR_DENIED : ERR_IO,
		    errno, "audit log: %s/%s", c->dir, name);
	r = said_of_log(private_check(fd, S_IFREG, name, err), err);
	if (r < 0) {
		close(fd);
		return r;
	}
	take_file(c, fd, number);
	return 0;
}

/*
 * The file after the newest one. On a full disk there is none, and the old file goes on with the space that was kept ready for it.
 */
int
chain_file_new(struct chain *c, struct err *err)
{
	char name[32];
	int fd;

	chain_file_name(name, sizeof name, c->number + 1);
	fd = openat(c->dir_fd, name, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == ENOSPC && c->fd >= 0)
		return 0;
	if (fd < 0)
		return err_set_errno(err, errno == EACCES || errno == EPERM || errno == EROFS ? ERR_DENIED : ERR_IO, errno,
		    "audit log: cannot make %s/%s", c->dir, name);
	if (c->fd >= 0 && fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, CHAIN_RESERVE) < 0 && errno == ENOSPC) {
		close(fd);
		unlinkat(c->dir_fd, name, 0);
		c->is_short = true;
		return 0;
	}
	if (fault_at(FAULT_AUDIT_ROTATE) < 0) {
		int e = errno;

		close(fd);
		return err_set_errno(err, ERR_IO, e, "audit log: cannot make %s/%s", c->dir, name);
	}
	/* What was kept ready behind the old file's end is given back. */
	if (c->fd >= 0 && ftruncate(c->fd, c->size) < 0)
		c->is_short = true;
	take_file(c, fd, c->number + 1);
	c->size = 0;
	return chain_fsync_dir(c, err);
}

/* Refilled when half of it is used. File systems that cannot do it go without. */
void
chain_reserve(struct chain *c)
{
	if (c->size + CHAIN_RESERVE / 2 < c->reserved)
		return;
	if (fallocate(c->fd, FALLOC_FL_KEEP_SIZE, c->size, CHAIN_RESERVE) == 0) {
		c->reserved = c->size + CHAIN_RESERVE;
		c->is_short = false;
	} else if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) {
		c->is_short = true;
	} else {
		c->reserved = c->size + CHAIN_RESERVE;
	}
}
