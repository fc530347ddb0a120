/*
 * Lines of the files of a log, through a window. Sizes are taken once, when the reader is opened, under the writers' lock if it can be had at once: what is
 * appended later is not read, so that an end seen is the end of a group. Where the bytes come from is a vtable: files, or memory.
 */
#include "config.h"

#include "audit/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/reader_priv.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { WINDOW = 1 << 20 };

struct source_file {
	char *name;		/* as it is shown: a path */
	int64_t size;
	const char *text;	/* memory: its bytes */
};

struct reader_ops {
	/* len bytes at offset of file i, all of them. */
	int (*read)(struct audit_reader *r, size_t i, char *bytes, size_t len, int64_t offset, struct err *err);
};

struct audit_reader {
	const struct reader_ops *ops;
	struct source_file *files;
	size_t n_files;
	bool is_whole, is_busy;
	int fd;			/* of file `open` */
	size_t open;

	size_t file;		/* being read */
	int64_t window_at;	/* offset of the window in it */
	size_t window_len, pos;
	uint64_t number;	/* lines taken of it */
	bool is_skipping;	/* the rest of a line that was too long */
	char *window;
};

/* --- where the bytes come from -------------------------------------------------------------------------------------------------------------------- */

static int
disk_read(struct audit_reader *r, size_t i, char *bytes, size_t len, int64_t offset, struct err *err)
{
	char shown[256];

	str_escape_to(shown, sizeof shown, r->files[i].name);
	if (r->fd < 0 || r->open != i) {
		if (r->fd >= 0)
			close(r->fd);
		r->open = i;
		r->fd = open(r->files[i].name, O_RDONLY | O_CLOEXEC);
		if (r->fd < 0)
			return err_set_errno(err, errno == EACCES ? ERR_DENIED : ERR_IO, errno, "audit log: %s", shown);
	}
	for (size_t have = 0; have < len;) {
		ssize_t n = pread(r->fd, bytes + have, len - have, (off_t)offset + (off_t)have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_IO, errno, "audit log: cannot read %s", shown);
		if (n == 0)
			return err_set(err, ERR_IO, "audit log: %s became shorter while it was read: try again", shown);
		have += (size_t)n;
	}
	return 0;
}

static int
memory_read(struct audit_reader *r, size_t i, char *bytes, size_t len, int64_t offset, struct err *err)
{
	(void)err;
	memcpy(bytes, r->files[i].text + offset, len);
	return 0;
}

static const struct reader_ops disk_ops = { .read = disk_read };
static const struct reader_ops memory_ops = { .read = memory_read };

/* --- opening ------------------------------------------------------------------------------------------------------------------------------------- */

static struct audit_reader *
reader_new(const struct reader_ops *ops)
{
	struct audit_reader *r = xcalloc(1, sizeof *r);

	r->ops = ops;
	r->fd = -1;
	r->window = xmalloc(WINDOW);
	return r;
}

static void
file_add(struct audit_reader *r, char *name, int64_t size, const char *text)
{
	r->files = xreallocarray(r->files, r->n_files + 1, sizeof *r->files);
	r->files[r->n_files++] = (struct source_file){ name, size, text };
}

static int
file_add_path(struct audit_reader *r, const char *path, struct err *err)
{
	struct stat st;
	char shown[256];

	str_escape_to(shown, sizeof shown, path);
	if (stat(path, &st) < 0)
		return err_set_errno(err, errno == ENOENT ? ERR_NOTFOUND : errno == EACCES ? ERR_DENIED : ERR_IO, errno, "audit log: %s", shown);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "audit log: %s is no regular file", shown);
	file_add(r, xstrdup(path), st.st_size, NULL);
	return 0;
}

static int
is_log_file(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return str_has_prefix(e->d_name, "audit-") && len >= 18 && strcmp(e->d_name + len - 6, ".jsonl") == 0 &&
	    strspn(e->d_name + 6, "0123456789") == len - 12;
}

/* By number: more digits come later. */
static int
by_number(const struct dirent **a, const struct dirent **b)
{
	size_t la = strlen((*a)->d_name), lb = strlen((*b)->d_name);

	return la != lb ? (la < lb ? -1 : 1) : strcmp((*a)->d_name, (*b)->d_name);
}

static int
folder_add(struct audit_reader *r, const char *dir, struct err *err)
{
	char *lock = xasprintf("%s/lock", dir), shown[256];
	int fd = open(lock, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), n, result = 0;
	struct dirent **v = NULL;

	free(lock);
	str_escape_to(shown, sizeof shown, dir);
	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		r->is_busy = true;
	n = scandir(dir, &v, is_log_file, by_number);
	if (n < 0)
		result = err_set_errno(err, errno == EACCES ? ERR_DENIED : ERR_IO, errno, "audit log: %s", shown);
	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", dir, v[i]->d_name);

		if (result == 0)
			result = file_add_path(r, path, err);
		free(path);
		free(v[i]);
	}
	free(v);
	if (fd >= 0)
		close(fd);
	return result;
}

int
audit_reader_open_many(const char *const *paths, size_t n, struct audit_reader **ret, struct err *err)
{
	struct audit_reader *r = reader_new(&disk_ops);
	struct stat st;
	int result = 0;

	r->is_whole = n == 1 && stat(paths[0], &st) == 0 && S_ISDIR(st.st_mode);
	for (size_t i = 0; i < n && result == 0; i++)
		result = stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode) ? folder_add(r, paths[i], err) : file_add_path(r, paths[i], err);
	if (result == 0 && r->n_files == 0)
		result = err_set(err, ERR_NOTFOUND, "audit log: there is none in %s", n > 0 ? paths[0] : "no folder");
	if (result < 0) {
		audit_reader_free(r);
		return result;
	}
	*ret = r;
	return 0;
}

int
audit_reader_open(const char *path, struct audit_reader **ret, struct err *err)
{
	return audit_reader_open_many(&path, 1, ret, err);
}

struct audit_reader *
audit_reader_memory(const char *const *names, const char *const *texts, const size_t *lens, size_t n)
{
	struct audit_reader *r = reader_new(&memory_ops);

	r->is_whole = true;
	for (size_t i = 0; i < n; i++)
		file_add(r, xstrdup(names[i]), (int64_t)lens[i], texts[i]);
	return r;
}

void
audit_reader_free(struct audit_reader *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n_files; i++)
		free(r->files[i].name);
	if (r->fd >= 0)
		close(r->fd);
	free(r->files);
	free(r->window);
	free(r);
}

void
audit_reader_set_slice(struct audit_reader *r)
{
	r->is_whole = false;
}

bool
audit_reader_is_whole(const struct audit_reader *r)
{
	return r->is_whole;
}

bool
audit_reader_is_busy(const struct audit_reader *r)
{
	return r->is_busy;
}

bool
audit_reader_grow(struct audit_reader *r)
{
	struct source_file *f = r->n_files > 0 ? &r->files[r->n_files - 1] : NULL;
	struct stat st;

	if (f == NULL || f->text != NULL || stat(f->name, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= f->size)
		return false;
	f->size = st.st_size;
	return true;
}

/* --- lines ---------------------------------------------------------------------------------------------------------------------------------------- */

static void
file_begin(struct audit_reader *r, size_t i)
{
	r->file = i;
	r->window_at = 0;
	r->window_len = r->pos = 0;
	r->number = 0;
	r->is_skipping = false;
}

/* Moves the rest to the front of the window and fills it up. 1: there is more now; 0: the file has ended. */
static int
fill(struct audit_reader *r, struct err *err)
{
	const struct source_file *f = &r->files[r->file];
	size_t rest = r->window_len - r->pos, want;
	int64_t at = r->window_at + (int64_t)r->window_len;
	int result;

	if (at >= f->size)
		return 0;
	memmove(r->window, r->window + r->pos, rest);
	r->window_at += (int64_t)r->pos;
	r->window_len = rest;
	r->pos = 0;
	want = WINDOW - rest;
	if ((int64_t)want > f->size - at)
		want = (size_t)(f->size - at);
	result = r->ops->read(r, r->file, r->window + rest, want, at, err);
	if (result < 0)
		return result;
	r->window_len += want;
	return 1;
}

static int
give(struct audit_reader *r, size_t len, size_t taken, bool is_torn, struct audit_line *ret)
{
	*ret = (struct audit_line){ .bytes = r->window + r->pos, .len = len, .file = r->files[r->file].name, .number = ++r->number,
	    .offset = (uint64_t)r->window_at + r->pos, .is_torn = is_torn };
	r->pos += taken;
	return 1;
}

int
audit_reader_next(struct audit_reader *r, struct audit_line *ret, struct err *err)
{
	while (r->file < r->n_files) {
		size_t rest = r->window_len - r->pos;
		const char *lf = memchr(r->window + r->pos, '\n', rest);
		int n;

		if (lf != NULL) {
			size_t len = (size_t)(lf - (r->window + r->pos));

			if (!r->is_skipping)
				return give(r, len, len + 1, false, ret);
			r->is_skipping = false;
			r->pos += len + 1;
			continue;
		}
		if (rest > AUDIT_LINE_MAX || r->is_skipping) {
			/* Longer than any record: its beginning stands for it. */
			if (!r->is_skipping) {
				r->is_skipping = true;
				return give(r, AUDIT_LINE_MAX, rest, false, ret);
			}
			r->pos = r->window_len;
			rest = 0;
		}
		n = fill(r, err);
		if (n < 0)
			return n;
		if (n > 0)
			continue;
		if (rest > 0)
			return give(r, rest, rest, true, ret);
		file_begin(r, r->file + 1);
	}
	return 0;
}

/* --- places and blocks ---------------------------------------------------------------------------------------------------------------------------- */

void
audit_reader_place(const struct audit_reader *r, struct audit_place *ret)
{
	*ret = (struct audit_place){ r->file, r->window_at + (int64_t)r->pos, r->number };
}

void
audit_reader_seek(struct audit_reader *r, const struct audit_place *p)
{
	file_begin(r, p->file);
	r->window_at = p->offset;
	r->number = p->number;
}

const char *
audit_reader_file(const struct audit_reader *r, size_t i, int64_t *ret_size)
{
	if (i >= r->n_files)
		return NULL;
	if (ret_size != NULL)
		*ret_size = r->files[i].size;
	return r->files[i].name;
}

int
audit_reader_block(struct audit_reader *r, char *bytes, size_t size, size_t *ret_len, struct audit_place *ret_at, struct err *err)
{
	struct audit_place at;
	const char *lf;
	int result;

	audit_reader_place(r, &at);
	while (at.file < r->n_files && at.offset >= r->files[at.file].size)
		at = (struct audit_place){ at.file + 1, 0, 0 };
	audit_reader_seek(r, &at);
	if (at.file == r->n_files)
		return 0;
	if ((int64_t)size > r->files[at.file].size - at.offset)
		size = (size_t)(r->files[at.file].size - at.offset);
	result = r->ops->read(r, at.file, bytes, size, at.offset, err);
	if (result < 0)
		return result;
	lf = memrchr(bytes, '\n', size);
	if (lf == NULL)
		return 0;
	*ret_len = (size_t)(lf + 1 - bytes);
	*ret_at = at;
	at.offset += (int64_t)*ret_len;
	audit_reader_seek(r, &at);
	return 1;
}

/* --- from the end ---------------------------------------------------------------------------------------------------------------------------------- */

/* Looks for the offset behind which file i has *n whole lines; counts *n down by the lines it has. true: found. */
static int
tail_file(struct audit_reader *r, size_t i, size_t *n, int64_t *ret_at, struct err *err)
{
	int64_t at = r->files[i].size;
	bool is_last_byte = true;

	while (at > 0) {
		size_t len = at < WINDOW ? (size_t)at : WINDOW;
		int result = r->ops->read(r, i, r->window, len, at - (int64_t)len, err);
		const char *p = r->window + len;

		if (result < 0)
			return result;
		/* The LF of the last line ends it and begins nothing. */
		if (is_last_byte && p[-1] == '\n')
			p--;
		is_last_byte = false;
		while ((p = memrchr(r->window, '\n', (size_t)(p - r->window))) != NULL)
			if (--*n == 0) {
				*ret_at = at - (int64_t)len + (p - r->window) + 1;
				return 1;
			}
		at -= (int64_t)len;
	}
	if (r->files[i].size > 0 && --*n == 0) {
		*ret_at = 0;
		return 1;
	}
	return 0;
}

static int
count_lines(struct audit_reader *r, size_t i, int64_t until, uint64_t *ret, struct err *err)
{
	uint64_t n = 0;

	for (int64_t at = 0; at < until;) {
		size_t len = until - at < WINDOW ? (size_t)(until - at) : WINDOW;
		int result = r->ops->read(r, i, r->window, len, at, err);

		if (result < 0)
			return result;
		for (const char *p = r->window; (p = memchr(p, '\n', (size_t)(r->window + len - p))) != NULL; p++)
			n++;
		at += (int64_t)len;
	}
	*ret = n;
	return 0;
}

int
audit_reader_tail(struct audit_reader *r, size_t n, struct err *err)
{
	size_t left = n;

	if (n == 0) {
		file_begin(r, r->n_files);
		return 0;
	}
	for (size_t i = r->n_files; i-- > 0;) {
		int64_t at = 0;
		uint64_t before = 0;
		int result = tail_file(r, i, &left, &at, err);

		if (result > 0)
			result = count_lines(r, i, at, &before, err) < 0 ? -1 : 1;
		if (result < 0)
			return result;
		if (result > 0) {
			file_begin(r, i);
			r->window_at = at;
			r->number = before;
			return 0;
		}
	}
	file_begin(r, 0);
	return 0;
}
