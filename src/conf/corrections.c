#include "config.h"

#include "conf/corrections.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
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
#include "conf/conf_owner.h"
#include "conf/conf_table.h"

enum { SHOWN = 160, SENTENCE = 512, LINE_MAX_BYTES = 4096, FILE_MAX_BYTES = 16 << 20,
    LOCK_TRIES = 1000, LOCK_WAIT_MS = 5 };

/* --- where it stands ------------------------------------------------------------------------- */

/* A name of an environment as the name of a folder: no way to another folder, none hidden. */
static void
add_folder(struct buf *b, const char *name)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789_-.";

	for (const char *p = name; *p != '\0'; p++)
		if (strchr(plain, *p) != NULL && !(p == name && *p == '.'))
			buf_addch(b, *p);
		else
			buf_printf(b, "%%%02X", (unsigned char)*p);
}

static int
log_path(const struct conf_environment *env, char **ret_path, struct err *err)
{
	const char *state = getenv("XDG_STATE_HOME");
	struct buf b;
	char *home;

	if (env->slo_corrections != NULL) {
		*ret_path = xstrdup(env->slo_corrections);
		return 0;
	}
	buf_init(&b, 8192);
	if (state != NULL && state[0] == '/') {
		buf_addstr(&b, state);
	} else {
		home = conf_home();
		if (home == NULL) {
			buf_done(&b);
			return err_set(err, ERR_NOTFOUND, "your home folder is not known ($HOME is "
			    "not set): say slo: { corrections: PATH } in the config");
		}
		buf_printf(&b, "%s/.local/state", str_eq(home, "/") ? "" : home);
		free(home);
	}
	buf_addstr(&b, "/opsconsole/");
	add_folder(&b, env->name);
	buf_addstr(&b, "/slo-corrections.jsonl");
	*ret_path = buf_take(&b, NULL);
	buf_done(&b);
	return 0;
}

/* --- reading --------------------------------------------------------------------------------- */

static void
correction_done(struct correction *c)
{
	free(c->id);
	free(c->slo);
	free(c->by);
	free(c->reason);
}

void
corrections_done(struct corrections *c)
{
	for (size_t i = 0; i < c->n; i++)
		correction_done(&c->v[i]);
	free(c->v);
	free(c->path);
	conf_problems_done(&c->problems);
	*c = (struct corrections){ .n = 0 };
}

static const struct correction *
find(const struct corrections *c, const char *id)
{
	for (size_t i = 0; i < c->n; i++)
		if (str_eq(c->v[i].id, id))
			return &c->v[i];
	return NULL;
}

/* One that a line makes. Those taken back stay in place until all lines are read. */
struct made {
	struct correction correction;
	bool is_back;
};
struct reader {
	struct corrections *c;
	struct made *v;
	size_t n;
	/* By id: index into v + 1, 0 for none. At most half of them are in use. */
	size_t *slots;
	size_t n_slots;			/* a power of two */
};

/* Where an id stands, or would. */
static size_t *
find_slot(const struct reader *rd, const char *id)
{
	size_t i = str_hash(id, strlen(id), STR_HASH_SEED) & (rd->n_slots - 1);

	while (rd->slots[i] != 0 && !str_eq(rd->v[rd->slots[i] - 1].correction.id, id))
		i = (i + 1) & (rd->n_slots - 1);
	return &rd->slots[i];
}

static void
grow_slots(struct reader *rd)
{
	if (2 * (rd->n + 1) <= rd->n_slots)
		return;
	free(rd->slots);
	rd->n_slots = rd->n_slots > 0 ? 2 * rd->n_slots : 64;
	rd->slots = xcalloc(rd->n_slots, sizeof *rd->slots);
	for (size_t i = 0; i < rd->n; i++)	/* of one id the last: it was made anew */
		*find_slot(rd, rd->v[i].correction.id) = i + 1;
}

/* NULL: none that counts is called that. */
static struct made *
find_made(const struct reader *rd, const char *id)
{
	size_t at = rd->n_slots > 0 ? *find_slot(rd, id) : 0;

	return at > 0 && !rd->v[at - 1].is_back ? &rd->v[at - 1] : NULL;
}

static void
add_made(struct reader *rd, const struct correction *c)
{
	grow_slots(rd);
	rd->v = xreallocarray(rd->v, rd->n + 1, sizeof *rd->v);
	rd->v[rd->n++] = (struct made){ .correction = *c };
	*find_slot(rd, c->id) = rd->n;
}

/* Those that count go to the result. */
static void
reader_done(struct reader *rd)
{
	struct corrections *c = rd->c;

	c->v = xcalloc(rd->n + 1, sizeof *c->v);
	for (size_t i = 0; i < rd->n; i++)
		if (rd->v[i].is_back)
			correction_done(&rd->v[i].correction);
		else
			c->v[c->n++] = rd->v[i].correction;
	free(rd->v);
	free(rd->slots);
}

static const char *
take_text(const json_t *line, const char *member, struct err *err)
{
	const char *text = json_string_value(json_object_get(line, member));

	if (text == NULL || text[0] == '\0')
		err_set(err, ERR_INVALID, "'%s' is missing, empty or not text", member);
	return text != NULL && text[0] != '\0' ? text : NULL;
}

static int
take_time(const json_t *line, const char *member, int64_t *ret_ns, struct err *err)
{
	const char *text = take_text(line, member, err);
	int r = text != NULL ? clock_parse(text, ret_ns, err) : ERR_INVALID;

	if (r == 0)
		*ret_ns = clock_within(*ret_ns);
	else if (text != NULL)
		err_prefix(err, "'%s'", member);
	return r;
}

static int
read_exclude(struct reader *rd, const json_t *line, struct err *err)
{
	const char *id = take_text(line, "id", err), *slo = take_text(line, "slo", err),
	    *by = take_text(line, "by", err), *reason = take_text(line, "reason", err);
	struct correction one = { .id = NULL };

	if (id == NULL || slo == NULL || by == NULL || reason == NULL ||
	    take_time(line, "time", &one.at_ns, err) < 0 ||
	    take_time(line, "start", &one.start_ns, err) < 0 ||
	    take_time(line, "end", &one.end_ns, err) < 0)
		return ERR_INVALID;
	if (one.end_ns <= one.start_ns)
		return err_set(err, ERR_INVALID, "its end is not after its start");
	if (find_made(rd, id) != NULL)
		return err_set(err, ERR_INVALID, "its id is taken by an earlier line");
	one.id = xstrdup(id);
	one.slo = xstrdup(slo);
	one.by = xstrdup(by);
	one.reason = xstrdup(reason);
	add_made(rd, &one);
	return 0;
}

static int
read_include(struct reader *rd, const json_t *line, struct err *err)
{
	const char *id = take_text(line, "id", err);
	struct made *one = id != NULL ? find_made(rd, id) : NULL;

	if (id == NULL)
		return ERR_INVALID;
	if (one == NULL)
		return err_set(err, ERR_INVALID,
		    "takes back a correction that no earlier line makes");
	one->is_back = true;
	return 0;
}

static int
read_line(struct reader *rd, const char *text, size_t len, struct err *err)
{
	json_error_t json_err;
	const char *type;
	json_t *line;
	int r;

	if (len > LINE_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "is longer than %d bytes", LINE_MAX_BYTES);
	line = json_loadb(text, len, JSON_REJECT_DUPLICATES, &json_err);
	if (!json_is_object(line)) {
		json_decref(line);
		return err_set(err, ERR_SYNTAX, "is not a JSON object%s", line == NULL ?
		    ", or not the whole of one" : "");
	}
	type = json_string_value(json_object_get(line, "type"));
	if (str_eq(type, "exclude"))
		r = read_exclude(rd, line, err);
	else if (str_eq(type, "include"))
		r = read_include(rd, line, err);
	else
		r = err_set(err, ERR_INVALID, "'type' is neither exclude nor include");
	json_decref(line);
	return r;
}

/* A sentence may repeat what stands in the line. */
static void
add_problem(struct corrections *c, unsigned line, const char *sentence)
{
	struct conf_problems *p = &c->problems;
	char shown[SHOWN], escaped[SENTENCE];

	if (p->n == CONF_PROBLEMS_MAX)
		return;
	p->v = xreallocarray(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n++] = xasprintf("%s:%u: %s; the line is passed over",
	    str_escape_to(shown, sizeof shown, c->path), line,
	    str_escape_to(escaped, sizeof escaped, sentence));
}

/* In the order of the file: a correction is taken back after it was made. */
static void
read_lines(struct corrections *c, const char *text, size_t len)
{
	const char *p = text, *end = text + len, *stop;
	struct reader rd = { .c = c };
	struct err err;

	for (unsigned line = 1; p < end; p = stop + 1, line++) {
		stop = memchr(p, '\n', (size_t)(end - p));
		if (stop == NULL)
			stop = end;
		err = (struct err)ERR_INIT;
		if (stop > p && read_line(&rd, p, (size_t)(stop - p), &err) < 0)
			add_problem(c, line, err.msg);
	}
	reader_done(&rd);
}

static int
compare_starts(const void *a, const void *b)
{
	const struct correction *x = a, *y = b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return strcmp(x->id, y->id);
}

static int
read_log(const char *path, struct corrections *ret, struct err *err)
{
	struct stat st;
	struct buf b;
	int r;

	*ret = (struct corrections){ .path = xstrdup(path) };
	if (stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	buf_init(&b, FILE_MAX_BYTES);
	r = conf_owner_read(path, &b, err);
	if (r == 0)
		read_lines(ret, b.data, b.len);
	buf_done(&b);
	if (r < 0)
		corrections_done(ret);
	else if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof *ret->v, compare_starts);
	return r;
}

int
corrections_read(const struct conf_environment *env, struct corrections *ret, struct err *err)
{
	struct corrections c;
	char *path;
	int r = log_path(env, &path, err);

	if (r < 0)
		return r;
	r = read_log(path, &c, err);
	free(path);
	if (r == 0)
		*ret = c;
	return r;
}

/* --- appending ------------------------------------------------------------------------------- */

static int
check_opened(int fd, const char *shown, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot look at %s", shown);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_IO, "%s is not a regular file", shown);
	if (!conf_owner_is_trusted(&st, geteuid()))
		return err_set(err, ERR_DENIED, "%s belongs to somebody else, or others can write "
		    "it (mode %04o)", shown, (unsigned)st.st_mode & 07777);
	return 0;
}

/* Who has it keeps it for one line. A program that was stopped there must not stop this one. */
static int
lock(int fd, const char *shown, struct err *err)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_set_errno(err, ERR_IO, errno, "cannot lock %s", shown);
		poll(NULL, 0, LOCK_WAIT_MS);
	}
	return err_set(err, ERR_TIMEOUT, "%s is being written by another program; try again",
	    shown);
}

/* The name of a new file is in its folder's own bytes. */
static void
sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	free(folder);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static int
open_log(const char *path, int *ret_fd, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char shown[SHOWN], *folder;
	int fd = -1, r;

	str_escape_to(shown, sizeof shown, path);
	r = private_make_parents(path, err);
	if (r < 0)
		return r;
	folder = xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	r = conf_owner_check_folder(folder, err);
	free(folder);
	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY, 0600);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot write %s", shown);
	r = check_opened(fd, shown, err);
	if (r == 0)
		r = lock(fd, shown, err);
	if (r < 0)
		close(fd);
	else
		*ret_fd = fd;
	return r;
}

/* What could not be written for good is taken out again, as long as the file is locked: nobody may
 * count what its writer was told is not there. */
static int
take_out(int fd, off_t size, const char *shown, int failure, struct err *err)
{
	if (ftruncate(fd, size) == 0)
		return err_set_errno(err, ERR_IO, failure, "cannot write %s; nothing was added",
		    shown);
	return err_set_errno(err, ERR_IO, failure, "cannot write %s, nor take out again what was "
	    "added: look at its last line", shown);
}

/* A line that was cut off ends here, rather than spoiling the next. */
static int
append(int fd, const char *path, const char *line, struct err *err)
{
	char shown[SHOWN], last = '\n', *text;
	off_t size = lseek(fd, 0, SEEK_END);
	size_t len;
	ssize_t n;
	int r = 0;

	str_escape_to(shown, sizeof shown, path);
	if (size < 0 || (size > 0 && pread(fd, &last, 1, size - 1) != 1))
		return err_set_errno(err, ERR_IO, errno, "cannot read %s", shown);
	text = xasprintf("%s%s\n", last != '\n' ? "\n" : "", line);
	len = strlen(text);
	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)len)
		r = take_out(fd, size, shown, n < 0 ? errno : ENOSPC, err);
	else if (fdatasync(fd) < 0 && errno != EINVAL && errno != EROFS)
		r = take_out(fd, size, shown, errno, err);
	free(text);
	if (r == 0 && size == 0)
		sync_folder(path);
	return r;
}

/* c-20300101T021400Z-1, with the first number that is free. */
static char *
make_id(const struct corrections *log, const char *text, size_t len, int64_t now_ns)
{
	char at[CLOCK_TEXT_MAX], stamp[CLOCK_TEXT_MAX], *id = NULL;
	size_t n = 0;

	clock_format(at, now_ns, 0);
	for (const char *p = at; *p != '\0'; p++)
		if (strchr("-:", *p) == NULL)
			stamp[n++] = *p;
	stamp[n] = '\0';
	/* What was taken back, or cannot be read, keeps its id, too. */
	for (unsigned i = 1; id == NULL; i++) {
		id = xasprintf("c-%s-%u", stamp, i);
		if (find(log, id) != NULL || memmem(text, len, id, strlen(id)) != NULL) {
			free(id);
			id = NULL;
		}
	}
	return id;
}

struct change {
	const char *slo;		/* NULL: takes id back */
	const char *id;
	int64_t start_ns, end_ns;
	const char *by, *reason;
};

static json_t *
change_to_json(const struct change *c, const char *id, int64_t now_ns)
{
	char now[CLOCK_TEXT_MAX], start[CLOCK_TEXT_MAX], end[CLOCK_TEXT_MAX];

	clock_format(now, now_ns, 0);
	if (c->slo == NULL)
		return json_pack("{s:s,s:s,s:s,s:s,s:s}", "time", now, "type", "include", "id", id,
		    "by", c->by, "reason", c->reason);
	clock_format(start, c->start_ns, 9);
	clock_format(end, c->end_ns, 9);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "time", now, "type", "exclude", "id",
	    id, "slo", c->slo, "start", start, "end", end, "by", c->by, "reason", c->reason);
}

/* The file is locked. */
static int
apply(int fd, const char *path, const struct change *c, char **ret_id, struct err *err)
{
	struct corrections log;
	int64_t now = clock_now();
	struct buf b;
	char *id, *line = NULL;
	json_t *json;
	int r = read_log(path, &log, err);

	if (r < 0)
		return r;
	buf_init(&b, FILE_MAX_BYTES);
	r = conf_owner_read(path, &b, err);
	if (r < 0)
		goto out;
	if (c->slo == NULL && find(&log, c->id) == NULL) {
		char shown[SHOWN];

		r = err_set(err, ERR_NOTFOUND, "there is no correction '%s' that counts",
		    str_escape_to(shown, sizeof shown, c->id));
		goto out;
	}
	id = c->slo != NULL ? make_id(&log, b.data, b.len, now) : xstrdup(c->id);
	json = change_to_json(c, id, now);
	if (json != NULL)
		line = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	if (line == NULL)
		r = err_set(err, ERR_INVALID, "a name or reason holds bytes that are not UTF-8");
	else if (strlen(line) > LINE_MAX_BYTES)
		r = err_set(err, ERR_INVALID, "the reason is too long: the line would have %zu "
		    "bytes, at most %d", strlen(line), LINE_MAX_BYTES);
	else
		r = append(fd, path, line, err);
	free(line);
	if (r == 0 && ret_id != NULL)
		*ret_id = id;
	else
		free(id);
out:
	buf_done(&b);
	corrections_done(&log);
	return r;
}

static int
make_change(const struct conf_environment *env, const struct change *c, char **ret_id,
    struct err *err)
{
	char *path;
	int fd = -1, r;

	if (c->by == NULL || c->by[0] == '\0')
		return err_set(err, ERR_INVALID, "who says so is not known");
	if (c->reason == NULL || c->reason[strspn(c->reason, " \t\n")] == '\0')
		return err_set(err, ERR_INVALID, "a reason is needed: it is what others will read");
	r = log_path(env, &path, err);
	if (r < 0)
		return r;
	r = open_log(path, &fd, err);
	if (r == 0) {
		r = apply(fd, path, c, ret_id, err);
		close(fd);	/* and the lock with it */
	}
	free(path);
	return r;
}

int
corrections_add(const struct conf_environment *env, const char *slo, int64_t start_ns,
    int64_t end_ns, const char *by, const char *reason, char **ret_id, struct err *err)
{
	const struct change c = { .slo = slo, .start_ns = clock_within(start_ns),
	    .end_ns = clock_within(end_ns), .by = by, .reason = reason };

	if (slo[0] == '\0')
		return err_set(err, ERR_INVALID, "the name of an objective is needed, or *");
	if (c.end_ns <= c.start_ns)
		return err_set(err, ERR_INVALID, "the end must be after the start");
	return make_change(env, &c, ret_id, err);
}

int
corrections_revoke(const struct conf_environment *env, const char *id, const char *by,
    const char *reason, struct err *err)
{
	const struct change c = { .id = id, .by = by, .reason = reason };

	return make_change(env, &c, NULL, err);
}
