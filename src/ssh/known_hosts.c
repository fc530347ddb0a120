#include "config.h"

#include "ssh/known_hosts.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "ssh/known_hosts_priv.h"

enum { FILE_MAX = 16 * 1024 * 1024, NAME_MAX_TEXT = 300, SSH_PORT = 22 };

/* --- reading ---------------------------------------------------------------------------------- */

static struct known_hosts *
set_get(struct known_hosts **kh)
{
	if (*kh == NULL)
		*kh = xcalloc(1, sizeof **kh);
	return *kh;
}

static struct known_file *
file_add(struct known_hosts *kh, const char *path)
{
	struct known_file *f;

	kh->files = xreallocarray(kh->files, kh->n_files + 1, sizeof *kh->files);
	f = &kh->files[kh->n_files++];
	*f = (struct known_file){ .path = xstrdup(path) };
	return f;
}

static void
line_add(struct known_hosts *kh, const struct known_line *l)
{
	if (kh->n_lines == kh->cap_lines) {
		kh->cap_lines = kh->cap_lines > 0 ? kh->cap_lines * 2 : 64;
		kh->lines = xreallocarray(kh->lines, kh->cap_lines, sizeof *kh->lines);
	}
	kh->lines[kh->n_lines++] = *l;
	known_index_add(kh, (uint32_t)(kh->n_lines - 1));
}

/* Lines of the last file of kh. */
static void
lines_read(struct known_hosts *kh, const char *text, size_t len)
{
	const char *end = text + len;
	uint32_t number = 0;
	unsigned broken = kh->n_broken;
	struct known_line l;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = nl != NULL ? (size_t)(nl - text) : (size_t)(end - text);
		int r = known_line_read(text, n, &l);

		number++;
		if (r > 0) {
			l.file = (uint32_t)(kh->n_files - 1);
			l.number = number;
			line_add(kh, &l);
		} else if (r < 0)
			kh->n_broken++;
		text += n + (nl != NULL);
	}
	if (kh->n_broken > broken)
		log_write(LOG_INFO, "ssh", "known hosts: %u lines of one file cannot be read and are passed over", kh->n_broken - broken);
	known_index_forget(kh);
}

int
known_hosts_parse(struct known_hosts **kh, const char *path, const char *text, size_t len, struct err *err)
{
	if (len > FILE_MAX)
		return err_set(err, ERR_LIMIT, "known hosts are larger than %d MiB", FILE_MAX >> 20);
	file_add(set_get(kh), path)->is_memory = true;
	lines_read(*kh, text, len);
	return 0;
}

/* The whole of an open file. 0, ERR_IO or ERR_LIMIT; *ret_text is the caller's. */
static int
file_slurp(int fd, const char *shown, size_t size, char **ret_text, size_t *ret_len, struct err *err)
{
	struct buf b;
	ssize_t n;
	char chunk[65536];

	buf_init(&b, FILE_MAX);
	if (size > FILE_MAX)
		b.is_over = true;
	while (!b.is_over && (n = read(fd, chunk, sizeof chunk)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			buf_done(&b);
			return err_set_errno(err, ERR_IO, errno, "%s: cannot read the known hosts", shown);
		}
		buf_add(&b, chunk, (size_t)n);
	}
	if (b.is_over) {
		buf_done(&b);
		return err_set(err, ERR_LIMIT, "%s: known hosts larger than %d MiB are not read", shown, FILE_MAX >> 20);
	}
	*ret_text = buf_take(&b, ret_len);
	buf_done(&b);
	return 0;
}

static void
file_stamp(struct known_file *f, const struct stat *st)
{
	f->is_there = true;
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	f->size = st->st_size;
	f->mtime = st->st_mtim;
}

static int
file_read(struct known_hosts *kh, const char *path, struct err *err)
{
	struct known_file *f = file_add(kh, path);
	char shown[NAME_MAX_TEXT], *text = NULL;
	struct stat st;
	size_t len = 0;
	int fd, r = 0;

	str_escape_to(shown, sizeof shown, path);
	/* Non-blocking: a FIFO in its place must not hang us. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_set_errno(err, ERR_IO, errno, "%s: cannot open the known hosts", shown);
	if (fstat(fd, &st) < 0)
		r = err_set_errno(err, ERR_IO, errno, "%s: cannot read the known hosts", shown);
	else {
		file_stamp(f, &st);
		/* /dev/null is how people say that there are none. */
		if (S_ISREG(st.st_mode))
			r = file_slurp(fd, shown, (size_t)st.st_size, &text, &len, err);
		else if (!S_ISCHR(st.st_mode))
			r = err_set(err, ERR_IO, "%s: the known hosts are not a regular file", shown);
	}
	close(fd);
	if (r == 0 && text != NULL)
		lines_read(kh, text, len);
	free(text);
	return r;
}

int
known_hosts_read(const char *const *paths, struct known_hosts **ret, struct err *err)
{
	struct known_hosts *kh = NULL;

	set_get(&kh);
	for (size_t i = 0; paths != NULL && paths[i] != NULL; i++) {
		int r = file_read(kh, paths[i], err);

		if (r < 0) {
			known_hosts_free(kh);
			return r;
		}
	}
	*ret = kh;
	return 0;
}

void
known_hosts_free(struct known_hosts *kh)
{
	if (kh == NULL)
		return;
	for (size_t i = 0; i < kh->n_files; i++)
		free(kh->files[i].path);
	for (size_t i = 0; i < kh->n_lines; i++)
		known_line_done(&kh->lines[i]);
	known_index_done(kh);
	free(kh->files);
	free(kh->lines);
	free(kh);
}

static bool
file_is_outdated(const struct known_file *f)
{
	struct stat st;
	bool is_there = stat(f->path, &st) == 0;

	if (f->is_memory)
		return false;
	if (is_there != f->is_there)
		return true;
	return is_there && (st.st_dev != f->dev || st.st_ino != f->ino || st.st_size != f->size || st.st_mtim.tv_sec != f->mtime.tv_sec ||
	    st.st_mtim.tv_nsec != f->mtime.tv_nsec);
}

bool
known_hosts_is_outdated(const struct known_hosts *kh)
{
	for (size_t i = 0; i < kh->n_files; i++)
		if (file_is_outdated(&kh->files[i]))
			return true;
	return false;
}

unsigned
known_hosts_broken(const struct known_hosts *kh)
{
	return kh->n_broken;
}

/* --- what a key is called --------------------------------------------------------------------- */

const char *
known_hosts_fingerprint(const void *key, size_t len, char *buf)
{
	enum { SHA256_LEN = 32, PREFIX = 7, TEXT = 43 };
	unsigned char digest[EVP_MAX_MD_SIZE];

	memcpy(buf, "SHA256:", PREFIX + 1);
	if (EVP_Digest(key, len, digest, NULL, EVP_sha256(), NULL) == 1) {
		EVP_EncodeBlock((unsigned char *)buf + PREFIX, digest, SHA256_LEN);
		buf[PREFIX + TEXT] = '\0';	/* without its '=' */
	}
	return buf;
}

static void
type_of(const unsigned char *key, size_t len, char *buf, size_t size)
{
	size_t n = len >= 4 ? (size_t)key[0] << 24 | (size_t)key[1] << 16 | (size_t)key[2] << 8 | key[3] : 0;
	char raw[64];

	if (n == 0 || n > len - 4)
		n = 0;
	else if (n >= sizeof raw)
		n = sizeof raw - 1;
	if (n > 0)
		memcpy(raw, key + 4, n);
	raw[n] = '\0';
	str_escape_to(buf, size, raw);
}

/* As ssh shows them: ED25519, ECDSA, RSA; else the name of the type. */
static const char *
type_short(const char *type)
{
	static const struct { const char *type, *name; } names[] = {
		{ "ssh-ed25519", "ED25519" }, { "ssh-rsa", "RSA" }, { "ssh-dss", "DSA" }, { "ecdsa-sha2-nistp256", "ECDSA" },
		{ "ecdsa-sha2-nistp384", "ECDSA" }, { "ecdsa-sha2-nistp521", "ECDSA" }, { "sk-ssh-ed25519@openssh.com", "ED25519-SK" },
		{ "sk-ecdsa-sha2-nistp256@openssh.com", "ECDSA-SK" },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i].type, type) == 0)
			return names[i].name;
	return type;
}

static void
line_where(const struct known_hosts *kh, const struct known_line *l, char *buf, size_t size)
{
	const char *path = kh->files[l->file].path, *home = getenv("HOME");
	size_t n = home != NULL ? strlen(home) : 0;
	char shown[NAME_MAX_TEXT - 16];
	struct buf b;

	buf_init(&b, 8192);
	if (n > 1 && strncmp(path, home, n) == 0 && path[n] == '/')
		buf_printf(&b, "~%s", path + n);
	else
		buf_addstr(&b, path);
	str_escape_to(shown, sizeof shown, b.data);
	buf_done(&b);
	snprintf(buf, size, "%s:%u", shown, l->number);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* As it stands in files. port 0 or 22: the bare name. false: no host has such a name. */
static bool
name_text(const char *name, unsigned port, char *buf, size_t size)
{
	int n;

	if (port == 0 || port == SSH_PORT)
		n = snprintf(buf, size, "%s", name);
	else
		n = snprintf(buf, size, "[%s]:%u", name, port);
	for (char *p = buf; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return *name != '\0' && n > 0 && (size_t)n < size;
}

static const uint32_t *
find(const struct known_hosts *kh, const char *name, unsigned port, size_t *ret_n)
{
	char text[NAME_MAX_TEXT];

	*ret_n = 0;
	return name_text(name, port, text, sizeof text) ? known_index_find(kh, text, ret_n) : NULL;
}

static bool
is_key(const struct known_line *l, const void *key, size_t len)
{
	return l->len == len && memcmp(l->blob, key, len) == 0;
}

static void
decide(const struct known_hosts *kh, const struct known_line *l, enum known_state state, struct known_answer *a)
{
	a->state = state;
	line_where(kh, l, a->where, sizeof a->where);
	known_hosts_fingerprint(l->blob, l->len, a->expected);
}

/* Of one name as it stands in files. A revocation outranks all, a match what differs, the same type another. */
static void
check_lines(const struct known_hosts *kh, const uint32_t *lines, size_t n, const void *key, size_t len, struct known_answer *a)
{
	const struct known_line *changed = NULL, *other = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct known_line *l = &kh->lines[lines[i]];

		a->has_authority = a->has_authority || l->marker == KNOWN_AUTHORITY;
		if (l->marker == KNOWN_REVOKES && is_key(l, key, len)) {
			decide(kh, l, KNOWN_REVOKED, a);
			return;
		}
		if (l->marker != KNOWN_PLAIN || a->state == KNOWN_MATCH)
			continue;
		if (is_key(l, key, len))
			decide(kh, l, KNOWN_MATCH, a);
		else if (strcmp(l->type, a->type) == 0)
			changed = changed != NULL ? changed : l;
		else
			other = other != NULL ? other : l;
	}
	if (a->state == KNOWN_MATCH)
		return;
	if (changed != NULL)
		decide(kh, changed, KNOWN_CHANGED, a);
	else if (other != NULL)
		decide(kh, other, KNOWN_OTHER_TYPE, a);
}

/*
 * A host on another port that is not known there is looked up without the port, as ssh does; only a match counts then (and a revocation, which
 * ssh would not see: what is revoked is revoked on all ports).
 */
static void
check_bare(const struct known_hosts *kh, const char *name, const void *key, size_t len, struct known_answer *a)
{
	struct known_answer bare = { .state = KNOWN_NOT_FOUND };
	const uint32_t *lines;
	size_t n;

	snprintf(bare.type, sizeof bare.type, "%s", a->type);
	lines = find(kh, name, 0, &n);
	check_lines(kh, lines, n, key, len, &bare);
	a->has_authority = a->has_authority || bare.has_authority;
	if (bare.state != KNOWN_MATCH && bare.state != KNOWN_REVOKED)
		return;
	a->state = bare.state;
	memcpy(a->where, bare.where, sizeof a->where);
	memcpy(a->expected, bare.expected, sizeof a->expected);
}

void
known_hosts_check(const struct known_hosts *kh, const char *name, unsigned port, const void *key, size_t len, struct known_answer *ret)
{
	const uint32_t *lines;
	size_t n;

	*ret = (struct known_answer){ .state = KNOWN_NOT_FOUND };
	known_hosts_fingerprint(key, len, ret->got);
	type_of(key, len, ret->type, sizeof ret->type);
	lines = find(kh, name, port, &n);
	check_lines(kh, lines, n, key, len, ret);
	if (ret->state == KNOWN_NOT_FOUND && port != 0 && port != SSH_PORT)
		check_bare(kh, name, key, len, ret);
}

/* The lines of keys that would be accepted: of the port, or of the bare name when there are none. */
static const uint32_t *
find_accepted(const struct known_hosts *kh, const char *name, unsigned port, size_t *ret_n)
{
	const uint32_t *lines = find(kh, name, port, ret_n);

	for (size_t i = 0; i < *ret_n; i++)
		if (kh->lines[lines[i]].marker == KNOWN_PLAIN)
			return lines;
	return port == 0 || port == SSH_PORT ? lines : find(kh, name, 0, ret_n);
}

static bool
is_revoked(const struct known_hosts *kh, const uint32_t *lines, size_t n, const struct known_line *of)
{
	for (size_t i = 0; i < n; i++)
		if (kh->lines[lines[i]].marker == KNOWN_REVOKES && is_key(&kh->lines[lines[i]], of->blob, of->len))
			return true;
	return false;
}

/* The order ssh itself proposes; what is not named here comes last. */
static size_t
type_rank(const char *type)
{
	static const char *const order[] = {
		"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "sk-ssh-ed25519@openssh.com",
		"sk-ecdsa-sha2-nistp256@openssh.com", "ssh-rsa", "ssh-dss",
	};
	size_t n = sizeof order / sizeof *order;

	for (size_t i = 0; i < n; i++)
		if (strcmp(order[i], type) == 0)
			return i;
	return n;
}

/* The lines of keys that would be asked for, one of each type, best first; returns how many. */
enum { TYPES_MAX = 16 };
static size_t
best_lines(const struct known_hosts *kh, const char *name, unsigned port, const struct known_line **best)
{
	size_t n, n_best = 0;
	const uint32_t *lines = find_accepted(kh, name, port, &n);

	for (size_t i = 0; i < n && n_best < TYPES_MAX; i++) {
		const struct known_line *l = &kh->lines[lines[i]];
		size_t at = n_best;
		bool is_there = l->marker != KNOWN_PLAIN || is_revoked(kh, lines, n, l);

		for (size_t j = 0; j < n_best && !is_there; j++)
			is_there = strcmp(best[j]->type, l->type) == 0;
		if (is_there)
			continue;
		for (; at > 0 && type_rank(best[at - 1]->type) > type_rank(l->type); at--)
			best[at] = best[at - 1];
		best[at] = l;
		n_best++;
	}
	return n_best;
}

int
known_hosts_types(const struct known_hosts *kh, const char *name, unsigned port, struct buf *b)
{
	const struct known_line *best[TYPES_MAX];
	size_t n = best_lines(kh, name, port, best);

	for (size_t i = 0; i < n; i++) {
		int r = buf_printf(b, "%s%s", i > 0 ? "," : "", best[i]->type);

		if (r < 0)
			return r;
	}
	return 0;
}

bool
known_hosts_describe(const struct known_hosts *kh, const char *name, unsigned port, char *buf, size_t size)
{
	const struct known_line *best[TYPES_MAX];
	char where[NAME_MAX_TEXT], print[80];

	if (best_lines(kh, name, port, best) == 0)
		return false;
	line_where(kh, best[0], where, sizeof where);
	snprintf(buf, size, "%s %s (%s)", type_short(best[0]->type), known_hosts_fingerprint(best[0]->blob, best[0]->len, print), where);
	return true;
}

size_t
known_hosts_lines(const struct known_hosts *kh, const char *name, unsigned port, unsigned *ret_lines, size_t max)
{
	size_t n;
	const uint32_t *lines = find(kh, name, port, &n);

	for (size_t i = 0; i < n && i < max; i++)
		ret_lines[i] = kh->lines[lines[i]].number;
	return n;
}
