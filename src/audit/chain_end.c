/*
 * Where a chain ends: the last whole line of the newest file that has one. Other processes append to it between two of our groups, and one of them may
 * have died in the middle of a write.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/chain_priv.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/xalloc.h"

enum { LOOK_BACK = 64 << 10 };

static int
read_at(int fd, const char *path, char *bytes, size_t len, int64_t offset, struct err *err)
{
	for (size_t have = 0; have < len;) {
		ssize_t n = pread(fd, bytes + have, len - have, (off_t)offset + (off_t)have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_IO, errno, "audit log: cannot read %s", path);
		if (n == 0)
			return err_set(err, ERR_INVALID, "audit log: %s became shorter while it was read", path);
		have += (size_t)n;
	}
	return 0;
}

/* The offset behind the last LF before `size`; 0 when there is none. */
int
chain_torn_from(int fd, const char *path, int64_t size, int64_t *ret, struct err *err)
{
	char *bytes = xmalloc(LOOK_BACK);
	int64_t at = size, found = -1;
	int r = 0;

	while (r == 0 && found < 0 && at > 0) {
		size_t len = at < LOOK_BACK ? (size_t)at : LOOK_BACK;
		const char *lf;

		r = read_at(fd, path, bytes, len, at - (int64_t)len, err);
		lf = r < 0 ? NULL : memrchr(bytes, '\n', len);
		at -= (int64_t)len;
		if (lf != NULL)
			found = at + (lf - bytes) + 1;
	}
	free(bytes);
	if (r == 0)
		*ret = found < 0 ? 0 : found;
	return r;
}

int
chain_last_record(int fd, const char *path, int64_t size, struct audit_head *ret, struct err *err)
{
	size_t len = size < AUDIT_LINE_MAX ? (size_t)size : AUDIT_LINE_MAX;
	char *bytes;
	const char *line, *lf;
	struct audit_frame f;
	int r;

	*ret = (struct audit_head){ 0 };
	if (size == 0)
		return 0;
	bytes = xmalloc(len);
	r = read_at(fd, path, bytes, len, size - (int64_t)len, err);
	if (r < 0)
		goto out;
	lf = memrchr(bytes, '\n', len - 1);
	line = lf == NULL ? bytes : lf + 1;
	r = audit_frame_read(line, (size_t)(bytes + len - 1 - line), &f, err);
	if (r == 0 && !f.is_hash_right)
		r = err_set(err, ERR_INVALID, "record %" PRIu64 ": its hash does not hold", f.seq);
	if (r < 0) {
		err_prefix(err, "audit log: the last record of %s is not as it was written (see opsconsole --verify; move the folder "
		    "away to begin a new chain)", path);
		r = err == NULL ? ERR_INVALID : (err->code = ERR_INVALID);
		goto out;
	}
	ret->seq = f.seq;
	memcpy(ret->hash, f.hash, sizeof ret->hash);
out:
	free(bytes);
	return r;
}

static int
stat_of(const struct chain *c, struct stat *ret, struct err *err)
{
	return fstat(c->fd, ret) < 0 ? err_set_errno(err, ERR_IO, errno, "audit log: %s", c->path) : 0;
}

/* A file that was begun and holds nothing yet: its predecessor has the last record. */
static int
end_before(struct chain *c, struct audit_head *ret, struct err *err)
{
	for (unsigned n = c->number; n-- > 1;) {
		char name[32];
		struct stat st;
		int fd, r;

		chain_file_name(name, sizeof name, n);
		fd = openat(c->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) < 0) {
			r = err_set_errno(err, ERR_IO, errno, "audit log: %s/%s", c->dir, name);
			if (fd >= 0)
				close(fd);
			return r;
		}
		r = chain_last_record(fd, name, st.st_size, ret, err);
		close(fd);
		if (r < 0 || ret->seq > 0)
			return r;
	}
	*ret = (struct audit_head){ 0 };
	return 0;
}

/* true: nobody wrote since. */
static bool
is_unmoved(const struct chain *c, int64_t size)
{
	char name[32];
	struct stat st;

	chain_file_name(name, sizeof name, c->number + 1);
	return size == c->size && fstatat(c->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

/* The file that we hold is still there under its name. */
static bool
is_in_place(const struct chain *c, const struct stat *ours)
{
	char name[32];
	struct stat there;

	chain_file_name(name, sizeof name, c->number);
	return fstatat(c->dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && ours->st_ino == there.st_ino && ours->st_dev == there.st_dev;
}

int
chain_find_end(struct chain *c, int64_t *ret_torn, struct err *err)
{
	struct audit_head end;
	struct stat st;
	int64_t whole = 0;
	unsigned newest;
	int r;

	*ret_torn = 0;
	if (c->fd >= 0) {
		r = stat_of(c, &st, err);
		if (r < 0)
			return r;
		if (st.st_size < c->size || !is_in_place(c, &st))
			return err_set(err, ERR_INVALID, "audit log: %s was cut or replaced while it was in use", c->path);
		if (is_unmoved(c, st.st_size))
			return 0;
	}
	newest = chain_newest(c->dir_fd);
	if (newest == 0)
		return 0;
	if (newest != c->number && (r = chain_file_open(c, newest, err)) < 0)
		return r;
	if ((r = stat_of(c, &st, err)) < 0 || (r = chain_torn_from(c->fd, c->path, st.st_size, &whole, err)) < 0)
		return r;
	r = chain_last_record(c->fd, c->path, whole, &end, err);
	if (r == 0 && end.seq == 0)
		r = end_before(c, &end, err);
	if (r < 0)
		return r;
	if (end.seq < c->end.seq)
		return err_set(err, ERR_INVALID, "audit log: %s ends with record %" PRIu64 ", but %" PRIu64 " was written", c->path,
		    end.seq, c->end.seq);
	c->end = end;
	c->size = whole;
	*ret_torn = st.st_size - whole;
	return 0;
}

/* --- torn bytes ---------------------------------------------------------------------------------------------------------------------------- */

static int
side_file(struct chain *c, const char *name, const char *bytes, size_t len, struct err *err)
{
	int fd = openat(c->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), r = 0;

	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "audit log: cannot make %s/%s", c->dir, name);
	for (size_t done = 0; r == 0 && done < len;) {
		ssize_t n = write(fd, bytes + done, len - done);

		if (n < 0 && errno != EINTR)
			r = err_set_errno(err, ERR_IO, errno, "audit log: cannot write %s/%s", c->dir, name);
		done += n > 0 ? (size_t)n : 0;
	}
	if (r == 0 && fsync(fd) < 0)
		r = err_set_errno(err, ERR_IO, errno, "audit log: cannot sync %s/%s", c->dir, name);
	close(fd);
	if (r < 0)
		unlinkat(c->dir_fd, name, 0);
	return r;
}

/* The same bytes may be there from one who died between the two steps: a second name is taken then. */
static int
side_file_any(struct chain *c, int64_t now_ns, const char *bytes, size_t len, char *name, size_t name_size, struct err *err)
{
	char when[CLOCK_TEXT_MAX];
	struct stat st;

	clock_format(when, now_ns, 0);
	for (char *p = when; *p != '\0'; p++)
		if (*p == ':')
			*p = '-';
	for (unsigned i = 0; i < 1000; i++) {
		if (i == 0)
			snprintf(name, name_size, "torn-%" PRIu64 "-%s.bin", c->end.seq + 1, when);
		else
			snprintf(name, name_size, "torn-%" PRIu64 "-%s-%u.bin", c->end.seq + 1, when, i);
		if (fstatat(c->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
			return side_file(c, name, bytes, len, err);
	}
	return err_set(err, ERR_IO, "audit log: %s holds too many side files of one second", c->dir);
}

int
chain_recover(struct chain *c, int64_t now_ns, int64_t torn, json_t **ret_body, struct err *err)
{
	char name[96], hash[AUDIT_HASH_HEX + 1];
	char *bytes = xmalloc((size_t)torn);
	int r = read_at(c->fd, c->path, bytes, (size_t)torn, c->size, err);

	if (r == 0)
		r = side_file_any(c, now_ns, bytes, (size_t)torn, name, sizeof name, err);
	if (r == 0)
		r = chain_fsync_dir(c, err);
	if (r == 0 && (ftruncate(c->fd, c->size) < 0 || fsync(c->fd) < 0))
		r = err_set_errno(err, ERR_IO, errno, "audit log: cannot take torn bytes off %s", c->path);
	if (r == 0) {
		c->reserved = 0;
		digest_hex(bytes, (size_t)torn, hash);
		*ret_body = json_pack("{s:s, s:I, s:s}", "file", name, "bytes", (json_int_t)torn, "sha256", hash);
	}
	free(bytes);
	return r;
}
