#include "config.h"

#include "record/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/private.h"
#include "base/state.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { NAMES_TRIED = 100 };
/* A folder that is being made has this in front, and is nobody's before it has its lock. */
#define UNBORN ".new-"
#define UNBORN_OLD_S 3600

/* --- paths ---------------------------------------------------------------------------------------------------------------------- */

char *
folder_root(const char *dir)
{
	return dir != NULL ? xstrdup(dir) : state_path("recordings");
}

char *
folder_env(const char *env)
{
	char *name = xstrdup(env == NULL || env[0] == '\0' ? "none" : env);

	for (char *p = name; *p != '\0'; p++)
		if (*p == '/' || (unsigned char)*p < 0x20 || (p == name && *p == '.'))
			*p = '_';
	if (strlen(name) > 200)
		name[200] = '\0';
	return name;
}

void
folder_chunk_name(char *buf, uint64_t number)
{
	snprintf(buf, FOLDER_FILE_MAX, "%06" PRIu64 ".rec", number);
}

uint64_t
folder_chunk_number(const char *name)
{
	char again[FOLDER_FILE_MAX];
	unsigned long long n;

	if (name[0] < '0' || name[0] > '9')
		return 0;
	n = strtoull(name, NULL, 10);
	if (n == 0 || n > 999999999999)
		return 0;
	folder_chunk_name(again, n);
	return strcmp(again, name) == 0 ? n : 0;
}

/* --- ours alone ----------------------------------------------------------------------------------------------------------------- */

static int
said_of_recordings(int r, struct err *err)
{
	if (r < 0)
		err_prefix(err, "recordings");
	return r;
}

static int
open_ours(int at, const char *name, int *ret_fd, struct err *err)
{
	return said_of_recordings(private_open(at, name, ret_fd, err), err);
}

static int
make_ours(int at, const char *name, struct err *err)
{
	return said_of_recordings(private_make_at(at, name, err), err);
}

int
folder_check(const char *root, struct err *err)
{
	struct err e = ERR_INIT;
	int fd, r = open_ours(AT_FDCWD, root, &fd, &e);

	if (r == 0)
		close(fd);
	else if (r == ERR_NOTFOUND)
		r = 0;
	else if (err != NULL)
		*err = e;
	return r;
}

int
folder_open(const char *root, const char *env, bool is_made, int *ret_fd, struct err *err)
{
	int root_fd, r = is_made ? said_of_recordings(private_make(root, err), err) : 0;

	if (r < 0 || (r = open_ours(AT_FDCWD, root, &root_fd, err)) < 0)
		return r;
	if (is_made)
		r = make_ours(root_fd, env, err);
	if (r == 0)
		r = open_ours(root_fd, env, ret_fd, err);
	close(root_fd);
	return r;
}

int
folder_open_recording(int env_fd, const char *id, int *ret_fd, struct err *err)
{
	return open_ours(env_fd, id, ret_fd, err);
}

/* --- a new one ------------------------------------------------------------------------------------------------------------------- */

/* The folder under a name that no cleaner touches, with its lock; it gets its name when the lock is held. */
static int
make_unborn(int env_fd, const char *unborn, int *ret_fd, int *ret_lock_fd, struct err *err)
{
	int fd = -1, lock = -1, r = make_ours(env_fd, unborn, err);

	if (r == 0)
		r = open_ours(env_fd, unborn, &fd, err);
	if (r < 0)
		return r;
	lock = fault_openat(FAULT_RECORD_OPEN, fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0) {
		r = err_set_errno(err, ERR_IO, errno, "recordings: cannot make the lock of a new recording");
		if (lock >= 0)
			close(lock);
		close(fd);
		return r;
	}
	*ret_fd = fd;
	*ret_lock_fd = lock;
	return 0;
}

/* Two of one second and one process (tests, a new one after another was ended) get different names. */
static int
give_name(int env_fd, const char *unborn, int64_t now_ns, char **ret_id, struct err *err)
{
	time_t s = (time_t)(now_ns / NS_PER_S);
	struct tm tm;
	char stamp[32];

	gmtime_r(&s, &tm);
	strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
	for (int i = 1; i <= NAMES_TRIED; i++) {
		char *id = i == 1 ? xasprintf("%s-%ld", stamp, (long)getpid()) : xasprintf("%s-%ld.%d", stamp, (long)getpid(), i);

		if (renameat(env_fd, unborn, env_fd, id) == 0) {
			*ret_id = id;
			return 0;
		}
		free(id);
		if (errno != EEXIST && errno != ENOTEMPTY)
			break;
	}
	return err_set_errno(err, ERR_IO, errno, "recordings: cannot name the folder of a new recording");
}

int
folder_new(int env_fd, int64_t now_ns, char **ret_id, int *ret_fd, int *ret_lock_fd, struct err *err)
{
	char *unborn = xasprintf(UNBORN "%ld", (long)getpid());
	int fd = -1, lock = -1, r;

	folder_remove(env_fd, unborn);	/* of a process of that number that died just then */
	r = make_unborn(env_fd, unborn, &fd, &lock, err);
	if (r == 0) {
		r = give_name(env_fd, unborn, now_ns, ret_id, err);
		if (r < 0) {
			close(fd);
			close(lock);
		} else {
			*ret_fd = fd;
			*ret_lock_fd = lock;
		}
	}
	if (r < 0)
		folder_remove(env_fd, unborn);
	free(unborn);
	return r;
}

/* --- what is there ----------------------------------------------------------------------------------------------------------------- */

/* A reader asks with a lock of its own, held for no time at all; the writer takes its lock before the folder has a name. */
bool
folder_is_live(int fd)
{
	int lock = openat(fd, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool is_live;

	if (lock < 0)
		return false;
	is_live = flock(lock, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	close(lock);
	return is_live;
}

bool
folder_is_pinned(int fd)
{
	struct stat st;

	return fstatat(fd, "pinned", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

int
folder_each(int fd, int (*cb)(int fd, const char *name, void *arg), void *arg)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *d = again < 0 ? NULL : fdopendir(again);
	struct dirent *e;

	if (d == NULL) {
		if (again >= 0)
			close(again);
		return -1;
	}
	while (r == 0 && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = cb(fd, e->d_name, arg);
	closedir(d);
	return r;
}

/* --- removing ----------------------------------------------------------------------------------------------------------------------- */

static int
remove_file(int fd, const char *name, void *arg)
{
	(void)arg;
	/* The lock goes last: until then it says that this is being removed. */
	if (strcmp(name, "lock") != 0)
		unlinkat(fd, name, 0);
	return 0;
}

int
folder_remove(int env_fd, const char *id)
{
	int fd = openat(env_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -1;
	folder_each(fd, remove_file, NULL);
	unlinkat(fd, "lock", 0);
	close(fd);
	return unlinkat(env_fd, id, AT_REMOVEDIR);
}

static int
newest_file(int fd, const char *name, void *arg)
{
	time_t *newest = arg;
	struct stat st;

	if (folder_chunk_number(name) > 0 && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtime > *newest)
		*newest = st.st_mtime;
	return 0;
}

/* A clock that was set back makes it wait. */
static bool
is_old(int fd, int64_t keep_ns)
{
	time_t newest = 0;

	folder_each(fd, newest_file, &newest);
	return newest < (clock_now() - keep_ns) / NS_PER_S;
}

/* Ours, unpinned, and nobody holds its lock: its writer is gone. The lock is held while it is removed. */
static bool
remove_if_dead(int env_fd, const char *id, int64_t keep_ns)
{
	int fd, lock;
	bool is_dead;

	if (open_ours(env_fd, id, &fd, NULL) < 0)
		return false;
	lock = openat(fd, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	is_dead = lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0 && !folder_is_pinned(fd) && is_old(fd, keep_ns) &&
	    folder_remove(env_fd, id) == 0;
	if (lock >= 0)
		close(lock);
	close(fd);
	return is_dead;
}

static bool
is_id(const char *name)
{
	size_t n = strspn(name, "0123456789");

	return n == 8 && name[8] == '-' && strspn(name + 9, "0123456789") == 6 && name[15] == '-';
}

struct leftovers {
	int64_t keep_ns;
	unsigned n;
};

static int
leftover(int env_fd, const char *name, void *arg)
{
	struct leftovers *l = arg;
	struct stat st;

	if (is_id(name)) {
		if (remove_if_dead(env_fd, name, l->keep_ns)) {
			log_write(LOG_INFO, "record", "removed the recording %s: its writer is gone, and nothing pins it", name);
			l->n++;
		}
	} else if (str_has_prefix(name, UNBORN) && fstatat(env_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_mtime < clock_now() / NS_PER_S - UNBORN_OLD_S) {
		folder_remove(env_fd, name);
	}
	return 0;
}

unsigned
folder_remove_leftovers(int env_fd, int64_t keep_ns)
{
	struct leftovers l = { .keep_ns = keep_ns };

	folder_each(env_fd, leftover, &l);
	return l.n;
}

/* --- how much is kept ----------------------------------------------------------------------------------------------------------------- */

struct kept {
	const char *but;
	uint64_t bytes;
};

static int
add_file(int fd, const char *name, void *arg)
{
	struct kept *k = arg;
	struct stat st;

	if (folder_chunk_number(name) > 0 && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		k->bytes += (uint64_t)st.st_size;
	return 0;
}

static int
add_recording(int env_fd, const char *name, void *arg)
{
	struct kept *k = arg;
	int fd;

	if (!is_id(name) || str_eq(name, k->but) || open_ours(env_fd, name, &fd, NULL) < 0)
		return 0;
	if (folder_is_pinned(fd))
		folder_each(fd, add_file, k);
	close(fd);
	return 0;
}

uint64_t
folder_kept_bytes(int env_fd, const char *id)
{
	struct kept k = { .but = id };

	folder_each(env_fd, add_recording, &k);
	return k.bytes;
}
