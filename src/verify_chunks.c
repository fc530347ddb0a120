#include "config.h"

#include "verify_chunks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"
#include "audit/record.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/state.h"
#include "base/str.h"
#include "base/xalloc.h"

struct claim {
	uint64_t seq, number;
	char *recording, *env, *file;
	char sha256[AUDIT_HASH_HEX + 1];
	int64_t from_ns, to_ns;
};
struct told_path { char *recording, *path; };	/* where a record of the log says it is */

struct chunk_claims {
	struct claim *v;
	size_t n, cap;
	struct told_path *paths;
	size_t n_paths;
	bool (*go_on)(uint64_t n, void *arg);	/* NULL: to the end */
	void *arg;
};

struct chunk_claims *
chunk_claims_new(void)
{
	return xcalloc(1, sizeof(struct chunk_claims));
}

void
chunk_claims_watch(struct chunk_claims *c, bool (*go_on)(uint64_t n, void *arg), void *arg)
{
	c->go_on = go_on;
	c->arg = arg;
}

static bool
goes_on(const struct chunk_claims *c, size_t n)
{
	return c->go_on == NULL || c->go_on(n, c->arg);
}

void
chunk_claims_free(struct chunk_claims *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].recording);
		free(c->v[i].env);
		free(c->v[i].file);
	}
	for (size_t i = 0; i < c->n_paths; i++) {
		free(c->paths[i].recording);
		free(c->paths[i].path);
	}
	free(c->v);
	free(c->paths);
	free(c);
}

/* --- what the records say ------------------------------------------------------------------------------------------------------------------------------------- */

/* A name of one folder or file: what a record says must not lead elsewhere. */
static bool
is_name(const char *s)
{
	return s != NULL && *s != '\0' && *s != '.' && strchr(s, '/') == NULL && strlen(s) < 200;
}

static int64_t
time_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));
	int64_t ns = 0;

	return s != NULL && clock_parse(s, &ns, NULL) == 0 ? ns : 0;
}

static void
take_chunk(struct chunk_claims *c, const struct audit_record *r)
{
	const char *recording = json_string_value(json_object_get(r->json, "recording")), *file = json_string_value(json_object_get(r->json, "file"));
	const char *sha256 = json_string_value(json_object_get(r->json, "sha256"));
	struct claim *v;

	if (!is_name(recording) || !is_name(file) || sha256 == NULL || strlen(sha256) != AUDIT_HASH_HEX)
		return;
	if (c->n == c->cap) {
		c->cap = c->cap * 2 + 64;
		c->v = xreallocarray(c->v, c->cap, sizeof *c->v);
	}
	v = &c->v[c->n++];
	*v = (struct claim){ .seq = r->seq, .number = (uint64_t)json_integer_value(json_object_get(r->json, "number")), .recording = xstrdup(recording),
	    .env = xstrdup(r->env != NULL ? r->env : ""), .file = xstrdup(file), .from_ns = time_of(r->json, "from"), .to_ns = time_of(r->json, "to") };
	memcpy(v->sha256, sha256, sizeof v->sha256);
}

static void
take_path(struct chunk_claims *c, const struct audit_record *r)
{
	const char *recording = json_string_value(json_object_get(r->json, "recording")), *path = json_string_value(json_object_get(r->json, "path"));

	if (!is_name(recording) || path == NULL || path[0] != '/')
		return;
	for (size_t i = 0; i < c->n_paths; i++)
		if (strcmp(c->paths[i].recording, recording) == 0)
			return;
	c->paths = xreallocarray(c->paths, c->n_paths + 1, sizeof *c->paths);
	c->paths[c->n_paths++] = (struct told_path){ xstrdup(recording), xstrdup(path) };
}

void
chunk_claims_record(const char *line, size_t len, enum audit_type type, void *arg)
{
	struct audit_record r;

	if ((type != AUDIT_CHUNK && type != AUDIT_RECORDING) || audit_record_read(line, len, &r, NULL) < 0)
		return;
	if (type == AUDIT_CHUNK)
		take_chunk(arg, &r);
	else
		take_path(arg, &r);
	audit_record_done(&r);
}

/* --- findings -------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Edited ones come before missing ones, each in the order of the log. */
static struct chunk_finding *
finding_add(struct chunk_report *r, bool is_edited)
{
	size_t at = r->n;

	for (size_t i = 0; is_edited && i < r->n; i++)
		if (strcmp(r->v[i].what, "chunk missing") == 0 && i < at)
			at = i;
	if (at == CHUNK_FINDINGS_MAX)
		return NULL;
	if (r->n < CHUNK_FINDINGS_MAX)
		r->n++;
	memmove(&r->v[at + 1], &r->v[at], (r->n - 1 - at) * sizeof *r->v);
	return &r->v[at];
}

static void __attribute__((format(printf, 5, 6)))
found(struct chunk_report *r, bool is_edited, const struct claim *c, const char *where, const char *fmt, ...)
{
	struct chunk_finding *f = finding_add(r, is_edited);
	char text[sizeof f->text];
	va_list ap;

	*(is_edited ? &r->edited : &r->missing) += 1;
	if (f == NULL)
		return;
	snprintf(f->what, sizeof f->what, "%s", is_edited ? "chunk edited" : "chunk missing");
	f->seq = c->seq;
	str_escape_to(f->file, sizeof f->file, where);
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	str_escape_to(f->text, sizeof f->text, text);	/* names are a record's */
}

static void
compare(struct chunk_report *r, const struct claim *c, const char *where, const char *sha256)
{
	if (strcmp(sha256, c->sha256) == 0)
		r->good++;
	else
		found(r, true, c, where, "chunk %" PRIu64 " of recording %s is not the one of record %" PRIu64 ": its SHA-256 is %s, not %s", c->number, c->recording,
		    c->seq, sha256, c->sha256);
}

/* --- folders ----------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Where it is kept now, else where its record says it was. NULL: it is not here. */
static char *
find_folder(const struct chunk_claims *cs, const struct claim *c, const char *root)
{
	char *usual = root != NULL ? xstrdup(root) : state_path("recordings"), *path = xasprintf("%s/%s/%s", usual, c->env, c->recording);

	free(usual);
	if (is_name(c->env) && is_folder(path))
		return path;
	free(path);
	for (size_t i = 0; i < cs->n_paths; i++)
		if (strcmp(cs->paths[i].recording, c->recording) == 0 && is_folder(cs->paths[i].path))
			return xstrdup(cs->paths[i].path);
	return NULL;
}

static void
check_file(struct chunk_report *r, const struct claim *c, const char *path)
{
	char sha256[AUDIT_HASH_HEX + 1];
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		found(r, false, c, path, "chunk %" PRIu64 " of recording %s, which record %" PRIu64 " vouches for, is gone: %s", c->number, c->recording, c->seq,
		    fd < 0 ? strerror(errno) : "no regular file");
	else if (digest_file(fd, sha256) < 0)
		found(r, false, c, path, "chunk %" PRIu64 " of recording %s cannot be read: %s", c->number, c->recording, strerror(errno));
	else
		compare(r, c, path, sha256);
	if (fd >= 0)
		close(fd);
}

void
chunk_claims_check(struct chunk_claims *cs, const char *root, struct chunk_report *ret)
{
	char *folder = NULL;

	*ret = (struct chunk_report){ 0 };
	for (size_t i = 0; i < cs->n && goes_on(cs, i); i++) {
		const struct claim *c = &cs->v[i];
		char *path;

		if (i == 0 || strcmp(c->recording, cs->v[i - 1].recording) != 0 || strcmp(c->env, cs->v[i - 1].env) != 0) {
			free(folder);
			folder = find_folder(cs, c, root);
		}
		if (folder == NULL) {
			ret->absent++;
			continue;
		}
		path = xasprintf("%s/%s", folder, c->file);
		check_file(ret, c, path);
		free(path);
	}
	free(folder);
}

/* --- one recording --------------------------------------------------------------------------------------------------------------------------------------------- */

static const struct claim *
find_claim(const struct chunk_claims *cs, const char *recording, uint64_t number)
{
	for (size_t i = 0; i < cs->n; i++)
		if (cs->v[i].number == number && strcmp(cs->v[i].recording, recording) == 0)
			return &cs->v[i];
	return NULL;
}

static bool
has_chunk(const struct recording *rec, size_t n, uint64_t number)
{
	for (size_t i = 0; i < n; i++)
		if (recording_chunk(rec, i)->number == number)
			return true;
	return false;
}

/* One that is still being written is not vouched for yet, and nothing is said of it. */
static void
check_chunk(const struct chunk_claims *cs, struct recording *rec, const char *id, size_t i, struct chunk_report *r)
{
	const struct recording_chunk *chunk = recording_chunk(rec, i);
	const struct claim *c = find_claim(cs, id, chunk->number);
	char sha256[AUDIT_HASH_HEX + 1];
	struct err err = ERR_INIT;

	if (c == NULL)
		r->unrecorded += chunk->is_closed;
	else if (recording_chunk_hash(rec, i, sha256, &err) < 0)
		found(r, false, c, chunk->file, "chunk %" PRIu64 " of recording %s cannot be read: %.300s", c->number, id, err.msg);
	else
		compare(r, c, chunk->file, sha256);
}

int
chunk_claims_check_recording(struct chunk_claims *cs, const char *path, struct chunk_report *ret, struct err *err)
{
	struct recording_info info;
	struct recording *rec;
	int r = recording_open(path, &rec, err);

	*ret = (struct chunk_report){ 0 };
	if (r < 0)
		return r;
	recording_info(rec, &info);
	for (size_t i = 0; i < info.n_chunks && goes_on(cs, i); i++)
		check_chunk(cs, rec, info.id, i, ret);
	for (size_t i = 0; i < cs->n && is_folder(path); i++)
		if (strcmp(cs->v[i].recording, info.id) == 0 && !has_chunk(rec, info.n_chunks, cs->v[i].number))
			found(ret, false, &cs->v[i], path, "chunk %" PRIu64 " of recording %s, which record %" PRIu64 " vouches for, is gone", cs->v[i].number, info.id,
			    cs->v[i].seq);
	recording_free(rec);
	return 0;
}

/* --- packed files ------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Of the chunk in a packed file. */
static char *
pack_name(const struct claim *c)
{
	return xasprintf("%.60s.%06" PRIu64 ".rec", c->recording, c->number);
}

static bool
is_chunk_member(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && strcmp(name + len - 4, ".rec") == 0;
}

static bool
is_claimed(const struct chunk_claims *cs, const char *name, const char *sha256)
{
	bool is_it = false;

	for (size_t i = 0; i < cs->n && !is_it; i++) {
		char *own = pack_name(&cs->v[i]);

		/* One that was altered is a finding already. */
		is_it = strcmp(cs->v[i].sha256, sha256) == 0 || strcmp(own, name) == 0;
		free(own);
	}
	return is_it;
}

void
chunk_claims_check_pack(struct chunk_claims *cs, const struct pack *p, struct chunk_report *ret)
{
	const struct pack_member *members;
	size_t n = pack_members(p, &members), len;
	char sha256[AUDIT_HASH_HEX + 1];
	struct pack_info info;

	*ret = (struct chunk_report){ 0 };
	pack_info(p, &info);
	for (size_t i = 0; i < cs->n; i++) {
		const struct claim *c = &cs->v[i];
		char *name = pack_name(c);
		const char *bytes = pack_bytes(p, name, &len);

		if (bytes != NULL) {
			digest_hex(bytes, len, sha256);
			compare(ret, c, name, sha256);
		} else if (c->to_ns < info.from_ns || c->from_ns > info.to_ns || (c->env != NULL && info.env != NULL && *info.env != '\0' && !str_eq(c->env, info.env))) {
			ret->absent++;	/* of a time, or an environment, that is not packed */
		} else {
			found(ret, false, c, name, "chunk %" PRIu64 " of recording %s, which record %" PRIu64 " vouches for, is not in the packed file", c->number,
			    c->recording, c->seq);
		}
		free(name);
	}
	for (size_t i = 0; i < n; i++) {
		const char *bytes = is_chunk_member(members[i].name) ? pack_bytes(p, members[i].name, &len) : NULL;

		if (bytes == NULL)
			continue;
		digest_hex(bytes, len, sha256);
		ret->unrecorded += !is_claimed(cs, members[i].name, sha256);
	}
}
