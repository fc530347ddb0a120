/*
 * A group of records: lock, look where the chain ends now, chain the records on it, one write, one fdatasync, unlock. Only what a whole group went through is
 * said to be durable.
 */
#include "config.h"

#include "audit/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/chain_priv.h"
#include "base/fault.h"
#include "base/str.h"
#include "base/xalloc.h"

/* --- opening --------------------------------------------------------------------------------------------------------------------------------- */

/* The head was written after the record it names was durable: a log that lacks the record was cut. */
static int
compare_head(const struct chain *c, struct err *err)
{
	struct audit_head head;
	int r = audit_head_read(c->head_path, &head, err);

	if (r == ERR_NOTFOUND)
		return 0;
	if (r < 0)
		return r;
	if (head.seq > c->end.seq)
		return err_set(err, ERR_INVALID, "audit log: %s ends with record %" PRIu64 ", but its head %s names %" PRIu64
		    ": records were cut off (move folder and head away to begin a new chain)", c->dir, c->end.seq, c->head_path, head.seq);
	if (head.seq == c->end.seq && strcmp(head.hash, c->end.hash) != 0)
		return err_set(err, ERR_INVALID, "audit log: record %" PRIu64 " of %s is not the one its head %s names (see opsconsole --verify)",
		    head.seq, c->dir, c->head_path);
	return 0;
}

int
chain_open(const char *dir, const char *head_path, int64_t rotate_bytes, const struct chain_who *who, struct chain **ret, struct err *err)
{
	struct chain *c = xcalloc(1, sizeof *c);
	int64_t torn;
	int r;

	*c = (struct chain){ .dir = xstrdup(dir), .head_path = xstrdup(head_path), .who = who, .rotate_bytes = rotate_bytes,
	    .dir_fd = -1, .lock_fd = -1, .fd = -1 };
	buf_init(&c->group, CHAIN_GROUP_MAX);
	r = chain_dir_open(dir, true, &c->dir_fd, err);
	if (r == 0)
		r = chain_lock(c, err);
	if (r == 0)
		r = chain_find_end(c, &torn, err);
	if (r == 0)
		r = compare_head(c, err);
	if (r == 0 && c->fd < 0)
		r = chain_file_new(c, err);
	chain_unlock(c);
	if (r < 0) {
		chain_free(c);
		return r;
	}
	/* Torn bytes wait for the first group, whose record tells of them. */
	*ret = c;
	return 0;
}

void
chain_free(struct chain *c)
{
	if (c == NULL)
		return;
	chain_unlock(c);
	if (c->fd >= 0)
		close(c->fd);
	if (c->lock_fd >= 0)
		close(c->lock_fd);
	if (c->dir_fd >= 0)
		close(c->dir_fd);
	buf_done(&c->group);
	free(c->dir);
	free(c->head_path);
	free(c);
}

/* --- a group ----------------------------------------------------------------------------------------------------------------------------------- */

static int
begin_locked(struct chain *c, int64_t now_ns, struct err *err)
{
	struct audit_draft draft = { .type = AUDIT_RECOVERED };
	char hash[AUDIT_HASH_HEX + 1];
	int64_t torn;
	uint64_t seq;
	int r = chain_find_end(c, &torn, err);

	c->next = c->end;
	if (r == 0 && torn > 0)
		r = chain_recover(c, now_ns, torn, &draft.body, err);
	if (r == 0 && c->size >= c->rotate_bytes)
		r = chain_file_new(c, err);
	if (r == 0 && draft.body != NULL)
		r = chain_add(c, now_ns, &draft, &seq, hash, err);
	json_decref(draft.body);
	return r;
}

int
chain_begin(struct chain *c, int64_t now_ns, struct err *err)
{
	int r;

	buf_reset(&c->group);
	r = chain_lock(c, err);
	if (r < 0)
		return r;
	r = begin_locked(c, now_ns, err);
	if (r < 0)
		chain_unlock(c);
	return r;
}

int
chain_add(struct chain *c, int64_t now_ns, const struct audit_draft *draft, uint64_t *ret_seq, char *ret_hash, struct err *err)
{
	int r = audit_record_write(&c->group, c->next.seq + 1, now_ns, c->next.seq == 0 ? AUDIT_ZERO : c->next.hash, c->who->actor,
	    c->who->env, draft, ret_hash, err);

	if (r < 0) {
		c->group.is_over = false;
		return r;
	}
	*ret_seq = ++c->next.seq;
	memcpy(c->next.hash, ret_hash, sizeof c->next.hash);
	return 0;
}

size_t
chain_pending(const struct chain *c)
{
	return c->group.len;
}

/* The reason before the path, which may be longer than a screen is wide. What could not be written whole is taken back, so that nothing that failed stands in the log. A failing truncate leaves torn bytes, for the next open. */
static int
write_group(struct chain *c, struct err *err)
{
	for (size_t done = 0; done < c->group.len;) {
		ssize_t n = fault_write(FAULT_AUDIT_WRITE, c->fd, c->group.data + done, c->group.len - done);
		int e = errno;

		if (n < 0 && e == EINTR)
			continue;
		if (n <= 0) {
			if (ftruncate(c->fd, c->size) < 0)
				return err_set(err, ERR_IO, "audit log: %s: cannot write (nor take back what was half written) %s", strerror(e), c->path);
			return err_set(err, ERR_IO, "audit log: %s: cannot write %s", strerror(n == 0 ? EIO : e), c->path);
		}
		done += (size_t)n;
	}
	return 0;
}

int
chain_commit(struct chain *c, struct err *err)
{
	int r = 0;

	if (c->group.len > 0) {
		chain_reserve(c);
		r = write_group(c, err);
		if (r == 0 && fault_fdatasync(FAULT_AUDIT_FSYNC, c->fd) < 0)
			r = err_set(err, ERR_IO, "audit log: %s: cannot sync %s", strerror(errno), c->path);
	}
	if (r == 0 && c->group.len > 0) {
		c->size += (int64_t)c->group.len;
		c->end = c->next;
		chain_reserve(c);
	}
	chain_unlock(c);
	return r;
}

/* --- looking ------------------------------------------------------------------------------------------------------------------------------------- */

const char *
chain_path(const struct chain *c)
{
	return c->path;
}

void
chain_end(const struct chain *c, struct audit_head *ret)
{
	*ret = c->end;
}

bool
chain_is_short_of_space(const struct chain *c)
{
	return c->is_short;
}

/* A log whose end was tampered with would be refused by chain_open(), too late for whoever asks before anything is confirmed. */
static int
probe_end(const char *dir, int dir_fd, struct err *err)
{
	unsigned newest = chain_newest(dir_fd);
	struct audit_head head = { 0 };
	struct stat st;
	int64_t whole;
	char name[32], *path;
	int fd, r;

	if (newest == 0)
		return 0;
	chain_file_name(name, sizeof name, newest);
	path = xasprintf("%s/%s", dir, name);
	fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		r = err_set_errno(err, errno == EACCES ? ERR_DENIED : ERR_IO, errno, "audit log: cannot read %s", path);
	else if ((r = chain_torn_from(fd, path, st.st_size, &whole, err)) == 0)
		r = chain_last_record(fd, path, whole, &head, err);
	if (fd >= 0)
		close(fd);
	free(path);
	return r;
}

int
chain_probe(const char *dir, struct err *err)
{
	char *path = xstrdup(dir), shown[256], *slash;
	struct stat st;
	int r = 0, fd;

	while (stat(path, &st) < 0 && errno == ENOENT && (slash = strrchr(path, '/')) != NULL && slash != path)
		*slash = '\0';
	if (strcmp(path, dir) == 0) {
		r = chain_dir_open(dir, false, &fd, err);
		if (r == 0) {
			r = probe_end(dir, fd, err);
			close(fd);
		}
	}
	if (r == 0 && access(path, W_OK | X_OK) < 0)
		r = err_set(err, errno == EACCES || errno == EROFS ? ERR_DENIED : ERR_IO, "audit log: %s: cannot write in %s", strerror(errno),
		    str_escape_to(shown, sizeof shown, path));
	free(path);
	return r;
}

void
chain_look(const char *dir, struct audit_head *ret)
{
	char name[32];
	struct stat st;
	int64_t whole;
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;

	*ret = (struct audit_head){ 0 };
	for (unsigned n = dir_fd < 0 ? 0 : chain_newest(dir_fd); n > 0 && ret->seq == 0; n--) {
		chain_file_name(name, sizeof name, n);
		fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) < 0 || chain_torn_from(fd, name, st.st_size, &whole, NULL) < 0 ||
		    chain_last_record(fd, name, whole, ret, NULL) < 0) {
			*ret = (struct audit_head){ 0 };
			n = 1;
		}
		if (fd >= 0)
			close(fd);
	}
	if (dir_fd >= 0)
		close(dir_fd);
}
