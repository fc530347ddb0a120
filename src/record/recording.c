/* What there is of a recording: its chunks, what lies between them, and what became of it since. */
#include "config.h"

#include "record/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "record/folder.h"
#include "record/recording_priv.h"

enum { CHUNKS_MAX = 1 << 20 };

/* --- one chunk -------------------------------------------------------------------------------------------------------------------------- */

static void
chunk_free(struct rchunk *c)
{
	chunk_header_done(&c->head);
	free(c->file);
	free(c->problem);
	free(c);
}

static void
set_problem(struct rchunk *c, const char *text)
{
	free(c->problem);
	c->problem = xstrdup(text);
	c->pub.problem = c->problem;
}

static struct rchunk *
chunk_new(const char *file, uint64_t number)
{
	struct rchunk *c = xcalloc(1, sizeof *c);

	c->file = xstrdup(file);
	c->pub.file = c->file;
	c->file_number = c->pub.number = number;
	c->pub.sha256 = c->sha256;
	c->pub.prev = c->head.prev;
	c->dir_fd = -1;
	c->show_from_ns = INT64_MIN;
	c->show_to_ns = INT64_MAX;
	set_problem(c, "");
	return c;
}

/* Header and trailer say all that is needed of a chunk that was closed. */
static int
take_head(struct rchunk *c, const char *first, size_t first_len, const char *last, size_t last_len, struct err *err)
{
	uint64_t events;
	int r = chunk_header_read(first, first_len, &c->head, err);

	if (r < 0)
		return r;
	c->is_usable = true;
	c->pub.number = c->head.number;
	if (c->file_number == 0)
		c->file_number = c->head.number;	/* of a packed one */
	c->pub.from_ns = c->pub.to_ns = c->head.from_ns;
	c->pub.is_closed = chunk_trailer_read(last, last_len, &c->pub.to_ns, &events) && c->pub.to_ns >= c->pub.from_ns;
	if (!c->pub.is_closed)
		c->pub.to_ns = c->pub.from_ns;
	return 0;
}

static size_t
read_at(int fd, char *buf, size_t len, off_t at)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, buf + done, len - done, at + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

static int
look_at_file(const struct recording *r, struct rchunk *c, struct err *err)
{
	static const size_t size = RECORD_HEADER_MAX, usual = 4096;
	int fd = openat(r->dir_fd, c->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), code;
	char last[RECORD_TRAILER], *first;
	struct stat st;
	size_t n, n_last = 0;

	if (fd < 0)
		return err_set_errno(err, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, errno, "cannot be read");
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, ERR_SYNTAX, "is no file");
	}
	first = xmalloc(size);
	n = read_at(fd, first, usual, 0);
	if (n == usual && memchr(first, '\n', n) == NULL)
		n += read_at(fd, first + n, size - n, (off_t)n);
	if (st.st_size > RECORD_TRAILER)
		n_last = read_at(fd, last, sizeof last, st.st_size - RECORD_TRAILER);
	close(fd);
	c->size = (size_t)st.st_size;
	c->pub.bytes = (uint64_t)st.st_size;
	code = take_head(c, first, n, last, n_last, err);
	free(first);
	return code;
}

bool
chunk_follows(const struct rchunk *a, const struct rchunk *b)
{
	return (b->head.after == AFTER_CHUNK || b->head.after == AFTER_QUIET) && b->head.number == a->head.number + 1 &&
	    str_eq(a->head.id, b->head.id) && a->pub.is_closed && a->problem[0] == '\0';
}

void
recording_damaged(struct recording *r, struct rchunk *c, int64_t known_to_ns, const char *text)
{
	const char *of = r->n_parts > 1 ? c->head.id : "", *slash = *of != '\0' ? "/" : "";
	char at[CLOCK_TEXT_MAX], *said;

	if (known_to_ns == INT64_MIN) {
		c->is_usable = false;
		said = xasprintf("%s%s%s: %s", of, slash, c->file, text);
	} else {
		c->pub.to_ns = known_to_ns;
		said = xasprintf("%s%s%s: %s, after %s", of, slash, c->file, text, clock_format(at, known_to_ns, 0));
	}
	set_problem(c, said);
	free(said);
	if (r->is_arranged)
		recording_arrange(r);	/* another recording may know that time */
	recording_worked_out(r);
}

/* --- gaps and problems -------------------------------------------------------------------------------------------------------------------- */

static void
add_gap(struct recording *r, int64_t from_ns, int64_t to_ns, const char *why)
{
	if (to_ns <= from_ns)
		return;
	r->gaps = xreallocarray(r->gaps, r->n_gaps + 1, sizeof *r->gaps);
	r->gaps[r->n_gaps++] = (struct recording_gap){ from_ns, to_ns, why };
}

static const char *
why_gap(const struct recording *r, const struct rchunk *a, const struct rchunk *b)
{
	for (size_t i = recording_index(r, a) + 1; i < r->n && r->chunks[i] != b; i++)
		if (r->chunks[i]->problem[0] != '\0')
			return r->chunks[i]->problem;
	if (a->problem[0] != '\0')
		return a->problem;
	if (!str_eq(a->head.id, b->head.id))
		return "between two recordings";
	if (b->head.number != a->head.number + 1)
		return "chunks are missing";
	if (b->head.why[0] != '\0')
		return b->head.why;
	return a->pub.is_closed ? "not recorded" : "the chunk before was not closed";
}

void
recording_worked_out(struct recording *r)
{
	const struct rchunk *before = NULL;

	r->n_gaps = r->n_problems = 0;
	r->problems = xreallocarray(r->problems, r->n, sizeof *r->problems);
	for (size_t i = 0; i < r->n; i++) {
		struct rchunk *c = r->chunks[i];

		if (c->problem[0] != '\0')
			r->problems[r->n_problems++] = c->problem;
		if (!chunk_is_shown(c))
			continue;
		if (before != NULL && !chunk_follows(before, c))
			add_gap(r, chunk_to(before), chunk_from(c), why_gap(r, before, c));
		before = c;
	}
}

size_t
recording_gaps(const struct recording *r, const struct recording_gap **ret)
{
	*ret = r->gaps;
	return r->n_gaps;
}

/* --- putting chunks in order ---------------------------------------------------------------------------------------------------------------- */

static void
add_chunk(struct recording *r, struct rchunk *c)
{
	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 64 : r->cap * 2;
		r->chunks = xreallocarray(r->chunks, r->cap, sizeof *r->chunks);
	}
	r->chunks[r->n++] = c;
}

static int
by_number(const void *a, const void *b)
{
	const struct rchunk *x = *(struct rchunk *const *)a, *y = *(struct rchunk *const *)b;

	return x->file_number < y->file_number ? -1 : x->file_number > y->file_number;
}

/* Time only goes forwards: a chunk that begins before what stands in front of it ends is left out; but recordings of two consoles may overlap. */
static void
leave_out_overlaps(struct recording *r)
{
	const struct rchunk *before = NULL;

	for (size_t i = 0; i < r->n; i++) {
		struct rchunk *c = r->chunks[i];

		if (r->pack != NULL && before != NULL && c->is_usable && !str_eq(before->head.id, c->head.id))
			before = NULL;
		if (c->is_usable && before != NULL && c->pub.from_ns < before->pub.to_ns) {
			char *text = xasprintf("%s: it begins before %s ends, and is left out", c->file, before->file);

			c->is_usable = false;
			set_problem(c, text);
			free(text);
		}
		if (c->is_usable)
			before = c;
	}
}

/* What was not closed is read to its end, which only it knows. */
static void
find_ends(struct recording *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->chunks[i]->is_usable && !r->chunks[i]->pub.is_closed)
			store_text(r, r->chunks[i]);
}

void
recording_in_order(struct recording *r)
{
	r->is_arranged = false;
	if (r->n_parts > 0) {
		recording_gather(r);
	} else {
		if (r->pack != NULL)
			recording_sort(r);
		else if (r->n > 1)
			qsort(r->chunks, r->n, sizeof *r->chunks, by_number);
		r->n_sorted = r->n;
		find_ends(r);
		leave_out_overlaps(r);
	}
	if (r->n_parts > 0 || r->pack != NULL) {
		recording_arrange(r);
		r->is_arranged = true;
	}
	recording_worked_out(r);
}

size_t
recording_index(const struct recording *r, const struct rchunk *c)
{
	size_t i = 0;

	while (i < r->n && r->chunks[i] != c)
		i++;
	return i;
}

struct rchunk *
recording_after(const struct recording *r, const struct rchunk *c)
{
	for (size_t i = recording_index(r, c) + 1; i < r->n; i++)
		if (chunk_is_shown(r->chunks[i]))
			return r->chunks[i];
	return NULL;
}

/* Of two that meet at t the later one: its snapshot is what the other one ended with. */
struct rchunk *
recording_at(const struct recording *r, int64_t t_ns, const char **ret_why)
{
	struct rchunk *found = NULL, *next = NULL;

	for (size_t i = 0; i < r->n && next == NULL; i++) {
		struct rchunk *c = r->chunks[i];

		if (chunk_is_shown(c) && chunk_from(c) <= t_ns)
			found = c;
		else if (chunk_is_shown(c))
			next = c;
	}
	if (found != NULL && (t_ns <= chunk_to(found) || (next != NULL && chunk_follows(found, next))))
		return found;
	if (found == NULL)
		*ret_why = next == NULL ? "nothing is recorded" : "before the recording begins";
	else if (next == NULL)
		*ret_why = found->problem[0] != '\0' ? found->problem : "after the recording ends";
	else
		*ret_why = why_gap(r, found, next);
	return NULL;
}

/* --- a folder -------------------------------------------------------------------------------------------------------------------------------- */

/* Of those that were there when it was last looked: a day has 1,440 of them, and is looked at every second. */
static struct rchunk *
find_file(const struct recording *r, uint64_t number)
{
	size_t lo = 0, hi = r->n_sorted;

	if (r->is_file)
		return r->chunks[0];
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->chunks[mid]->file_number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < r->n_sorted && r->chunks[lo]->file_number == number ? r->chunks[lo] : NULL;
}

static void
not_a_chunk(struct rchunk *c, const struct err *err)
{
	char *text = xasprintf("%s: %s", c->file, err->msg);

	set_problem(c, text);
	free(text);
}

static void
add_file(struct recording *r, const char *name, uint64_t number)
{
	struct rchunk *c = chunk_new(name, number);
	struct err err = ERR_INIT;

	c->is_seen = true;
	c->dir_fd = r->dir_fd;
	if (look_at_file(r, c, &err) < 0)
		not_a_chunk(c, &err);
	add_chunk(r, c);
}

struct scan {
	struct recording *r;
	bool is_changed;
};

static bool
has_grown(const struct recording *r, const struct rchunk *c)
{
	struct stat st;

	return !c->pub.is_closed && fstatat(r->dir_fd, c->file, &st, 0) == 0 && (size_t)st.st_size != c->size;
}

/* One that was too young for a header, or goes on being written. */
static void
look_again(struct recording *r, struct rchunk *c)
{
	struct err err = ERR_INIT;
	int64_t to_ns;
	uint64_t events;
	char last[RECORD_TRAILER];
	struct stat st;
	int fd;

	if (c->head.size == 0) {
		set_problem(c, "");
		if (look_at_file(r, c, &err) < 0)
			not_a_chunk(c, &err);
		return;
	}
	store_grown(r, c);
	fd = openat(r->dir_fd, c->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && (size_t)st.st_size == c->size && c->size > sizeof last &&
	    chunk_trailer_read(last, read_at(fd, last, sizeof last, st.st_size - (off_t)sizeof last), &to_ns, &events) && to_ns >= c->pub.to_ns) {
		c->pub.is_closed = true;
		c->pub.to_ns = to_ns;
	}
	close(fd);
}

static int
scan_file(int fd, const char *name, void *arg)
{
	struct scan *s = arg;
	uint64_t number = folder_chunk_number(name);
	struct rchunk *c;

	(void)fd;
	if (!s->r->is_file && (number == 0 || s->r->n >= CHUNKS_MAX))
		return 0;
	c = find_file(s->r, number);
	if (c == NULL) {
		add_file(s->r, name, number);
		s->is_changed = true;
	} else {
		c->is_seen = true;
		if (has_grown(s->r, c)) {
			look_again(s->r, c);
			s->is_changed = true;
		}
	}
	return 0;
}

/* A player may stand in what the writer has removed: it is put aside, not freed. */
static bool
put_gone_aside(struct recording *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct rchunk *c = r->chunks[i];

		if (c->is_seen) {
			r->chunks[n++] = c;
			continue;
		}
		store_forget(r, c);
		r->gone = xreallocarray(r->gone, r->n_gone + 1, sizeof *r->gone);
		r->gone[r->n_gone++] = c;
	}
	if (n == r->n)
		return false;
	r->n = r->n_sorted = n;	/* until recording_in_order(), which comes next, nothing is looked for */
	return true;
}

bool
recording_refresh(struct recording *r)
{
	struct scan s = { .r = r };

	if (r->pack != NULL)
		return false;
	if (r->n_parts > 0) {
		if (!recording_refresh_parts(r))
			return false;
		recording_in_order(r);
		r->generation++;
		return true;
	}
	for (size_t i = 0; i < r->n; i++)
		r->chunks[i]->is_seen = r->is_file;
	if (r->is_file)
		scan_file(r->dir_fd, r->chunks[0]->file, &s);
	else
		folder_each(r->dir_fd, scan_file, &s);
	if (put_gone_aside(r))
		s.is_changed = true;
	if (s.is_changed) {
		recording_in_order(r);
		r->generation++;
	}
	return s.is_changed;
}

/* --- opening ----------------------------------------------------------------------------------------------------------------------------------- */

/* Nothing in it can be opened: then it is said why, as of its first chunk. */
static int
check_any(const struct recording *r, struct err *err)
{
	struct chunk_header head;
	struct err e = ERR_INIT;
	int code = ERR_SYNTAX;
	char shown[256];
	struct stat st;

	str_escape_to(shown, sizeof shown, r->path);
	for (size_t i = 0; i < r->n; i++)
		if (r->chunks[i]->head.size > 0)
			return 0;
	if (r->n == 0 && !r->is_file && r->pack == NULL && fstatat(r->dir_fd, "lock", &st, 0) == 0)
		return 0;	/* its first chunk is still to come */
	if (r->n == 0)
		return err_set(err, ERR_SYNTAX, "%s: not a recording: %s without chunks (000001.rec, ..)", shown, r->pack != NULL ? "a packed file" : "a folder");
	if (r->pack == NULL) {
		struct rchunk *c = r->chunks[0];
		const char *bytes;
		size_t len;

		code = store_bytes(r, c, &bytes, &len, &e);
		if (code == 0) {
			code = chunk_header_read(bytes, len, &head, &e);
			chunk_header_done(&head);
			store_bytes_done(c, bytes);
		}
	}
	return err_set(err, code < 0 ? code : ERR_SYNTAX, "%s: not a recording: %s %s", shown, r->chunks[0]->file, e.msg);
}

static int
open_folder(struct recording *r, struct err *err)
{
	struct scan s = { .r = r };
	char shown[256];

	r->dir_fd = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir_fd < 0 || folder_each(r->dir_fd, scan_file, &s) < 0)
		return err_set_errno(err, ERR_IO, errno, "%s", str_escape_to(shown, sizeof shown, r->path));
	return 0;
}

static int
open_file(struct recording *r, struct err *err)
{
	const char *slash = strrchr(r->path, '/');
	char *dir = slash == NULL ? xstrdup(".") : slash == r->path ? xstrdup("/") : xstrndup(r->path, (size_t)(slash - r->path)), shown[256];

	r->is_file = true;
	r->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (r->dir_fd < 0)
		return err_set_errno(err, ERR_IO, errno, "%s", str_escape_to(shown, sizeof shown, r->path));
	add_file(r, slash == NULL ? r->path : slash + 1, 1);
	return 0;
}

static int
open_pack(struct recording *r, struct err *err)
{
	const struct pack_member *members;
	int code = pack_open(r->path, &r->pack, err);
	size_t n;

	if (code < 0)
		return code;
	pack_info(r->pack, &r->pack_info);
	n = pack_members(r->pack, &members);
	for (size_t i = 0; i < n; i++) {
		size_t name_len = strlen(members[i].name), len;
		struct rchunk *c;
		struct err e = ERR_INIT;

		if (name_len < 4 || strcmp(members[i].name + name_len - 4, ".rec") != 0)
			continue;
		c = chunk_new(members[i].name, 0);
		c->bytes = pack_bytes(r->pack, members[i].name, &len);
		c->size = len;
		c->pub.bytes = len;
		if (take_head(c, c->bytes, len, c->bytes, len, &e) < 0)
			not_a_chunk(c, &e);
		add_chunk(r, c);
	}
	return 0;
}

int
recording_open(const char *path, struct recording **ret, struct err *err)
{
	struct recording *r;
	char shown[256];
	struct stat st;
	int code;

	if (stat(path, &st) < 0)
		return err_set_errno(err, errno == ENOENT || errno == ENOTDIR ? ERR_NOTFOUND : ERR_IO, errno, "%s", str_escape_to(shown, sizeof shown, path));
	r = xcalloc(1, sizeof *r);
	r->dir_fd = -1;
	r->path = xstrdup(path);
	if (S_ISDIR(st.st_mode))
		code = open_folder(r, err);
	else if (!S_ISREG(st.st_mode))
		code = err_set(err, ERR_SYNTAX, "%s: not a recording: neither a folder nor a file", str_escape_to(shown, sizeof shown, path));
	else
		code = pack_is(path) ? open_pack(r, err) : open_file(r, err);
	if (code == 0)
		code = check_any(r, err);
	if (code < 0) {
		recording_free(r);
		return code;
	}
	recording_in_order(r);
	*ret = r;
	return 0;
}

void
recording_free(struct recording *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n_parts; i++)
		recording_free(r->parts[i]);
	for (size_t i = 0; r->n_parts == 0 && i < r->n + r->n_gone; i++) {
		struct rchunk *c = i < r->n ? r->chunks[i] : r->gone[i - r->n];

		store_forget(r, c);
		chunk_free(c);
	}
	free(r->chunks);
	free(r->gone);
	free(r->parts);
	free(r->gaps);
	free(r->problems);
	pack_free(r->pack);
	if (r->dir_fd >= 0)
		close(r->dir_fd);
	free(r->path);
	free(r);
}

/* --- what it is ------------------------------------------------------------------------------------------------------------------------------- */

void
recording_info(const struct recording *r, struct recording_info *ret)
{
	*ret = (struct recording_info){ .path = r->path, .id = "", .env = "", .version = "", .user = "", .host = "", .incident = "", .n_chunks = r->n, .n_recordings = r->n_parts > 0 ? r->n_parts : 1,
		.is_packed = r->pack != NULL };
	for (size_t i = r->n; i-- > 0; ) {
		const struct rchunk *c = r->chunks[i];

		ret->bytes += c->pub.bytes;
		if (!chunk_is_shown(c))
			continue;
		ret->first_ns = chunk_from(c);
		if (ret->last_ns == 0) {
			ret->last_ns = chunk_to(c);
			ret->id = c->head.id;
		}
		ret->env = c->head.env;
		ret->version = c->head.version;
		ret->user = c->head.user;
		ret->host = c->head.host;
	}
	if (r->pack != NULL) {
		ret->incident = r->pack_info.incident;
		ret->env = r->pack_info.env;
		ret->is_pinned = true;
	} else if (r->n_parts > 0) {
		for (size_t i = 0; i < r->n_parts; i++) {
			ret->is_live |= folder_is_live(r->parts[i]->dir_fd);
			ret->is_pinned |= folder_is_pinned(r->parts[i]->dir_fd);
		}
	} else {
		ret->is_live = folder_is_live(r->dir_fd);
		ret->is_pinned = folder_is_pinned(r->dir_fd);
	}
	ret->problems = (struct strings){ r->n_problems, r->problems };
}

const char *
recording_path(const struct recording *r, size_t i)
{
	if (r->n_parts > 0)
		return i < r->n_parts ? r->parts[i]->path : NULL;
	return i == 0 ? r->path : NULL;
}

const struct recording_chunk *
recording_chunk(const struct recording *r, size_t i)
{
	return i < r->n ? &r->chunks[i]->pub : NULL;
}

int
recording_chunk_hash(struct recording *r, size_t i, char *ret_hex, struct err *err)
{
	struct rchunk *c;
	const char *bytes;
	size_t len;
	int code;

	if (i >= r->n)
		return err_set(err, ERR_NOTFOUND, "%s: there is no chunk %zu", r->path, i);
	c = r->chunks[i];
	code = store_bytes(r, c, &bytes, &len, err);
	if (code < 0)
		return code;
	digest_hex(bytes, len, c->sha256);
	store_bytes_done(c, bytes);
	memcpy(ret_hex, c->sha256, sizeof c->sha256);
	return 0;
}
