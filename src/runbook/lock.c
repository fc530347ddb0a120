/*
 * Locks by flock() on one file per environment and target. The kernel frees them with their holder, so that none is ever stale; what is written into them is for
 * people only. Files are left where they are: taking one away would let two hold "the same" lock.
 *
 * The folder may be shared by several users, and another user may have prepared names in it: links are not followed, and only plain files with one name are used.
 */
#include "config.h"

#include "runbook/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/private.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { LOCK_TRIES = 64, OWNER_MAX = 1024 };

struct locks {
	size_t n;
	int *fds;
};

struct owner {
	char user[64], host[80], run[80];
	long pid;
	int64_t since_ns;
};

/* --- who holds it ------------------------------------------------------------------------------------------------------------------- */

static void
own_host(char *buf, size_t size)
{
	if (gethostname(buf, size) < 0)
		snprintf(buf, size, "?");
	buf[size - 1] = '\0';
}

static void
take_word(char *dst, size_t size, const char *text, const char *name)
{
	char *word = NULL;
	const char *p = strstr(text, name), *end;

	*dst = '\0';
	if (p == NULL || (p != text && p[-1] != '\n'))
		return;
	p += strlen(name);
	end = strchr(p, '\n');
	word = xstrndup(p, end != NULL ? (size_t)(end - p) : strlen(p));
	str_escape_to(dst, size, word);
	free(word);
}

static void
owner_read(int fd, struct owner *o)
{
	char text[OWNER_MAX], number[32];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	take_word(o->user, sizeof o->user, text, "user=");
	take_word(o->host, sizeof o->host, text, "host=");
	take_word(o->run, sizeof o->run, text, "run=");
	take_word(number, sizeof number, text, "pid=");
	o->pid = strtol(number, NULL, 10);
	take_word(number, sizeof number, text, "since_ns=");
	o->since_ns = strtoll(number, NULL, 10);
}

static int
owner_write(int fd, const char *run, const char *user)
{
	char text[OWNER_MAX], host[80];
	int n;

	own_host(host, sizeof host);
	n = snprintf(text, sizeof text, "user=%.60s\npid=%ld\nhost=%s\nrun=%.70s\nsince_ns=%lld\n", user, (long)getpid(), host, run, (long long)clock_now());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return -1;
	return 0;
}

/* What is written is of somebody who is no more: the lock is held by who has not written yet, or only looks. */
static bool
is_owner_gone(const struct owner *o)
{
	char host[80];

	own_host(host, sizeof host);
	if (o->pid <= 0)
		return true;
	return strcmp(o->host, host) == 0 && kill((pid_t)o->pid, 0) < 0 && errno == ESRCH;
}

static int
refuse(const char *target, const struct owner *o, struct err *err)
{
	char age[DURATION_TEXT_MAX];

	if (o->pid <= 0)
		return err_set(err, ERR_REFUSED, "%s is locked by another run, which has not said who it is", target);
	return err_set(err, ERR_REFUSED, "%s is locked by %s (pid %ld on %s) for run %s, %s ago", target, *o->user != '\0' ? o->user : "?", o->pid,
	    *o->host != '\0' ? o->host : "?", *o->run != '\0' ? o->run : "?", duration_format(age, clock_now() > o->since_ns ? clock_now() - o->since_ns : 0));
}

/* --- files ------------------------------------------------------------------------------------------------------------------------------ */

static int
make_dirs(const char *dir, struct err *err)
{
	int r = private_make(dir, err);

	if (r < 0)
		err_prefix(err, "the folder of locks");
	return r;
}

static int
open_dir(const char *dir, struct stat *st, struct err *err)
{
	int fd, r = make_dirs(dir, err);

	if (r < 0)
		return r;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return err_set(err, ERR_DENIED, "the folder of locks %s must be a folder, and no link to one", dir);
	if (fd < 0 || fstat(fd, st) < 0) {
		int e = errno;

		if (fd >= 0)
			close(fd);
		return err_set_errno(err, e == EACCES ? ERR_DENIED : ERR_IO, e, "cannot open the folder of locks %s", dir);
	}
	if ((st->st_mode & S_IWOTH) != 0 && (st->st_mode & S_ISVTX) == 0) {
		close(fd);
		return err_set(err, ERR_DENIED, "the folder of locks %s may be written by everybody and has no sticky bit: chmod +t it", dir);
	}
	return fd;
}

/* Bytes that a file name should not have are written %HH. */
static char *
file_name(const char *env, const char *target)
{
	struct buf b;
	const char *const parts[] = { env, "@", target };
	char *name;

	buf_init(&b, SIZE_MAX);
	for (size_t i = 0; i < 3; i++)
		for (const unsigned char *p = (const unsigned char *)parts[i]; *p != '\0'; p++) {
			bool is_plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("-_.:", *p) != NULL || i == 1;

			if (is_plain && !(b.len == 0 && *p == '.'))
				buf_addch(&b, (char)*p);
			else
				buf_printf(&b, "%%%02x", *p);
		}
	buf_addstr(&b, ".lock");
	name = buf_take(&b, NULL);
	buf_done(&b);
	return name;
}

/* In a folder that others may write, others must be able to take the lock after us. */
static mode_t
file_mode(const struct stat *dir)
{
	return (dir->st_mode & S_IWOTH) != 0 ? 0666 : (dir->st_mode & S_IWGRP) != 0 ? 0660 : 0600;
}

/* Without O_CREAT first: sticky folders refuse it for files of others (fs.protected_regular). */
static int
open_file(int dir, const struct stat *st, const char *name)
{
	int fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT) {
		fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0)
			(void)fchmod(fd, file_mode(st));
		else if (errno == EEXIST)
			fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	}
	return fd;
}

static int
check_file(int fd, const char *name, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
		return err_set(err, ERR_DENIED, "lock %s is no plain file with one name: somebody else has made it, take it away", name);
	return 0;
}

/* --- taking ------------------------------------------------------------------------------------------------------------------------------- */

static int
lock_file(int fd, const char *target, struct err *err)
{
	struct owner o = { 0 };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_set_errno(err, ERR_IO, errno, "cannot lock %s", target);
		owner_read(fd, &o);
		/* A look holds it for an instant. */
		if (!is_owner_gone(&o))
			break;
		sched_yield();
	}
	return refuse(target, &o, err);
}

static int
take_one(int dir, const struct stat *st, const char *env, const char *target, struct err *err)
{
	char *name = file_name(env, target);
	int fd = open_file(dir, st, name), r;

	if (fd < 0)
		r = errno == ELOOP ? err_set(err, ERR_DENIED, "lock %s is a link: somebody else has made it, take it away", name) :
		    err_set_errno(err, errno == EACCES || errno == EPERM ? ERR_DENIED : ERR_IO, errno, "cannot open lock %s", name);
	else if ((r = check_file(fd, name, err)) == 0)
		r = lock_file(fd, target, err);
	free(name);
	if (r < 0 && fd >= 0)
		close(fd);
	return r < 0 ? r : fd;
}

int
locks_take(const char *dir, const char *env, const char *const *targets, size_t n, const char *run, const char *user, struct locks **ret, struct err *err)
{
	struct locks *l;
	struct stat st;
	int d = open_dir(dir, &st, err), fd = 0;

	if (d < 0)
		return d;
	l = xcalloc(1, sizeof *l);
	l->fds = xcalloc(n + 1, sizeof *l->fds);
	for (size_t i = 0; fd >= 0 && i < n; i++)
		if ((fd = take_one(d, &st, env, targets[i], err)) >= 0)
			l->fds[l->n++] = fd;
	close(d);
	for (size_t i = 0; fd >= 0 && i < l->n; i++)
		/* On a full disk it is held all the same; only who asks is told less. What else a full disk forbids the audit log decides. */
		if (owner_write(l->fds[i], run, user) < 0 && errno != ENOSPC && errno != EDQUOT)
			fd = err_set_errno(err, ERR_IO, errno, "cannot write the lock of %s in %s", targets[i], dir);
	if (fd < 0) {
		locks_free(l);
		return fd;
	}
	*ret = l;
	return 0;
}

void
locks_free(struct locks *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++) {
		/* Who looks next should not read of us. */
		(void)!ftruncate(l->fds[i], 0);
		close(l->fds[i]);
	}
	free(l->fds);
	free(l);
}

/* --- looking -------------------------------------------------------------------------------------------------------------------------------- */

static int
look_one(int dir, const char *env, const char *target, struct err *err)
{
	char *name = file_name(env, target);
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK), r = 0;
	struct owner o;

	if (fd < 0 && errno != ENOENT)
		r = errno == ELOOP ? err_set(err, ERR_DENIED, "lock %s is a link: somebody else has made it, take it away", name) :
		    err_set_errno(err, errno == EACCES ? ERR_DENIED : ERR_IO, errno, "cannot open lock %s", name);
	if (fd >= 0 && (r = check_file(fd, name, err)) == 0 && flock(fd, LOCK_SH | LOCK_NB) < 0) {
		owner_read(fd, &o);
		r = refuse(target, &o, err);
	}
	if (fd >= 0)
		close(fd);
	free(name);
	return r;
}

int
locks_look(const char *dir, const char *env, const char *const *targets, size_t n, struct err *err)
{
	struct stat st;
	int d = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;

	if (d < 0 && errno == ENOENT)
		return 0;
	if (d < 0 || fstat(d, &st) < 0) {
		int e = errno;

		if (d >= 0)
			close(d);
		return err_set_errno(err, ERR_IO, e, "cannot open the folder of locks %s", dir);
	}
	for (size_t i = 0; r == 0 && i < n; i++)
		r = look_one(d, env, targets[i], err);
	close(d);
	return r;
}

/* --- where -------------------------------------------------------------------------------------------------------------------------------------- */

/* 0: files can be made in it, or it can be made. */
static int
check_place(const char *dir, struct err *err)
{
	char *path = xstrdup(dir), *slash;
	int e = 0;

	while (faccessat(AT_FDCWD, *path != '\0' ? path : "/", W_OK | X_OK, AT_EACCESS) < 0) {
		e = errno;
		if (e != ENOENT || (slash = strrchr(path, '/')) == NULL)
			break;
		*slash = '\0';
		e = 0;
	}
	free(path);
	return e == 0 ? 0 : err_set_errno(err, e == EACCES ? ERR_DENIED : ERR_IO, e, "the folder of locks %s cannot be written", dir);
}

/* A stand-in is nobody else's: in /tmp another user may have made one of that name. */
static int
check_own(const char *dir, struct err *err)
{
	struct stat st;

	if (lstat(dir, &st) < 0)
		return errno == ENOENT ? 0 : err_set_errno(err, ERR_IO, errno, "the folder of locks %s", dir);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return err_set(err, ERR_DENIED, "the folder of locks %s is not a folder of yours alone (0700): take it away", dir);
	return 0;
}

static char *
stand_in(unsigned i)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (i > 0)
		return xasprintf("/tmp/opsconsole-locks-%lu", (unsigned long)geteuid());
	return runtime != NULL && *runtime == '/' ? xasprintf("%s/opsconsole/locks", runtime) : NULL;
}

int
lock_place_find(const char *lock_dir, const char *state_dir, struct lock_place *ret, struct err *err)
{
	struct err why = ERR_INIT;

	*ret = (struct lock_place){ .dir = lock_dir != NULL ? xstrdup(lock_dir) : xasprintf("%s/locks", state_dir) };
	if (check_place(ret->dir, err) == 0)
		return 0;
	for (unsigned i = 0; lock_dir == NULL && i < 2; i++) {
		char *dir = stand_in(i);

		if (dir != NULL && check_own(dir, &why) == 0 && check_place(dir, &why) == 0) {
			ret->usual = ret->dir;
			ret->dir = dir;
			ret->why = xstrdup(err->msg);
			memset(err, 0, sizeof *err);
			return 0;
		}
		free(dir);
	}
	lock_place_done(ret);
	return err->code;
}

void
lock_place_done(struct lock_place *p)
{
	free(p->dir);
	free(p->usual);
	free(p->why);
	*p = (struct lock_place){ 0 };
}

/* Only what is held there: whatever else is wrong with it is why there is a stand-in. */
static int
look_usual(const struct lock_place *p, const char *env, const char *const *targets, size_t n, struct err *err)
{
	struct err why = ERR_INIT;

	if (p->usual == NULL || locks_look(p->usual, env, targets, n, &why) != ERR_REFUSED)
		return 0;
	*err = why;
	return ERR_REFUSED;
}

int
lock_place_take(const struct lock_place *p, const char *env, const char *const *targets, size_t n, const char *run, const char *user, struct locks **ret, struct err *err)
{
	int code = look_usual(p, env, targets, n, err);

	if (code == 0 && p->usual != NULL) {
		code = make_dirs(p->dir, err);
		if (code == 0)
			code = check_own(p->dir, err);
	}
	return code < 0 ? code : locks_take(p->dir, env, targets, n, run, user, ret, err);
}

int
lock_place_look(const struct lock_place *p, const char *env, const char *const *targets, size_t n, struct err *err)
{
	int code = look_usual(p, env, targets, n, err);

	return code < 0 ? code : locks_look(p->dir, env, targets, n, err);
}
