/* Writing packed files: everything is hashed first, as the manifest stands in front, then it all goes out as a stream. */
#include "config.h"

#include "record/pack.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/reader.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "model/codec.h"
#include "record/pack_priv.h"
#include "record/recording_priv.h"
#include "record/tar.h"

#define SLICE_MAX (UINT64_C(1) << 30)

struct member {
	char name[TAR_NAME_MAX];
	struct buf text;		/* of a slice */
	const struct recording *recording;	/* of a chunk ... */
	const struct rchunk *chunk;	/* ... that is read again when its turn comes */
	uint64_t size;
	char sha256[RECORD_SHA_HEX + 1];
};
struct packing {
	int fd;
	const struct pack_draft *draft;
	int64_t now_s;
	size_t n;
	struct member *members;
	json_t *list, *slices, *chunks;
};

/* --- collecting ----------------------------------------------------------------------------------------------------------------------------- */

static struct member *
add_member(struct packing *p, const char *name, const char *end)
{
	struct member *m;
	char *plain = xstrdup(name);

	p->members = xreallocarray(p->members, p->n + 1, sizeof *p->members);
	m = &p->members[p->n];
	*m = (struct member){ 0 };
	tar_name_make_plain(plain);
	snprintf(m->name, sizeof m->name, "%.70s%s", plain, end);
	for (unsigned i = 2; ; i++) {
		size_t at = 0;

		while (at < p->n && strcmp(p->members[at].name, m->name) != 0)
			at++;
		if (at == p->n)
			break;
		snprintf(m->name, sizeof m->name, "%.70s-%u%s", plain, i, end);
	}
	free(plain);
	p->n++;
	return m;
}

static void
list_member(struct packing *p, const struct member *m)
{
	json_array_append_new(p->list, json_pack("{s:s, s:I, s:s}", "name", m->name, "size", (json_int_t)m->size, "sha256", m->sha256));
}

/* Each record begins {"seq":N, and ends ,"hash":"<64 hex>"}: doc/audit-format.md. */
static uint64_t
line_seq(const struct audit_line *line)
{
	static const char member[] = "{\"seq\":";
	uint64_t v = 0;

	if (line->len < sizeof member || memcmp(line->bytes, member, sizeof member - 1) != 0)
		return 0;
	for (size_t i = sizeof member - 1; i < line->len && line->bytes[i] >= '0' && line->bytes[i] <= '9' && v < UINT64_MAX / 16; i++)
		v = v * 10 + (uint64_t)(line->bytes[i] - '0');
	return v;
}

/* Lines from the first record to the last, also what stands between them and is no record: it is evidence, too. */
static int
read_slice(const struct pack_slice *s, struct buf *b, uint64_t *ret_last, char *ret_hash, struct err *err)
{
	struct audit_reader *r = NULL;
	struct audit_line line;
	bool is_in = false;
	int code = audit_reader_open(s->path, &r, err);

	*ret_last = 0;
	while (code >= 0 && (code = audit_reader_next(r, &line, err)) == 1) {
		uint64_t seq = line_seq(&line);

		is_in = is_in || seq == s->first_seq;
		if (!is_in || line.is_torn)
			continue;
		if (buf_add(b, line.bytes, line.len) < 0 || buf_addch(b, '\n') < 0)
			code = err_set(err, ERR_LIMIT, "%s: more than %d MiB belong to it", s->path, (int)(SLICE_MAX >> 20));
		if (seq > 0 && line.len > RECORD_SHA_HEX + 2) {
			*ret_last = seq;
			memcpy(ret_hash, line.bytes + line.len - 2 - RECORD_SHA_HEX, RECORD_SHA_HEX);
			ret_hash[RECORD_SHA_HEX] = '\0';
		}
		if (seq == s->last_seq)
			break;
	}
	if (code >= 0 && (!is_in || *ret_last < s->last_seq))
		code = err_set(err, ERR_NOTFOUND, "%s: has no records %" PRIu64 " to %" PRIu64, s->path, s->first_seq, s->last_seq);
	audit_reader_free(r);
	return code < 0 ? code : 0;
}

/* audit-alice@web.jsonl: whose chain it is, as its first record says. */
static char *
slice_name(const struct buf *b)
{
	const char *lf = memchr(b->data, '\n', b->len), *user, *host;
	json_t *first = lf == NULL ? NULL : json_loadb(b->data, (size_t)(lf - b->data), 0, NULL);
	const json_t *actor = json_object_get(first, "actor");
	char *name;

	user = json_string_value(json_object_get(actor, "user"));
	host = json_string_value(json_object_get(actor, "host"));
	name = xasprintf("audit-%s@%s", user != NULL ? user : "unknown", host != NULL ? host : "unknown");
	json_decref(first);
	return name;
}

static int
add_slice(struct packing *p, const struct pack_slice *s, struct err *err)
{
	struct member *m;
	struct buf text;
	uint64_t last;
	char hash[RECORD_SHA_HEX + 1] = "", head[RECORD_SHA_HEX + 32], *name;
	int r;

	buf_init(&text, SLICE_MAX);
	r = read_slice(s, &text, &last, hash, err);
	if (r < 0) {
		buf_done(&text);
		return r;
	}
	name = slice_name(&text);
	m = add_member(p, name, ".jsonl");
	free(name);
	m->text = text;
	m->size = text.len;
	digest_hex(text.data, text.len, m->sha256);
	list_member(p, m);
	snprintf(head, sizeof head, "%" PRIu64 ":%s", last, hash);
	json_array_append_new(p->slices, json_pack("{s:s, s:o, s:I, s:I, s:s}", "member", m->name, "path", codec_text(s->path), "first",
	    (json_int_t)s->first_seq, "last", (json_int_t)last, "head", head));
	return 0;
}

static int
add_chunk(struct packing *p, struct recording *r, struct rchunk *c, struct err *err)
{
	struct member *m;
	const char *bytes;
	char *name;
	size_t len;
	int code = store_bytes(r, c, &bytes, &len, err);

	if (code < 0)
		return code;
	name = xasprintf("%.60s.%06" PRIu64, c->head.id, c->head.number);
	m = add_member(p, name, ".rec");
	free(name);
	m->recording = r;
	m->chunk = c;
	m->size = len;
	digest_hex(bytes, len, m->sha256);
	store_bytes_done(c, bytes);
	list_member(p, m);
	json_array_append_new(p->chunks, json_pack("{s:s, s:o, s:I, s:o, s:o}", "member", m->name, "recording", codec_text(c->head.id), "number",
	    (json_int_t)c->head.number, "from", codec_time(c->pub.from_ns), "to", codec_time(c->pub.to_ns)));
	return 0;
}

/* A damaged chunk goes in as it is; what has no header has no place in time. */
static int
add_recording(struct packing *p, struct recording *r, struct err *err)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < r->n; i++) {
		struct rchunk *c = r->chunks[i];

		if (c->head.size > 0 && c->pub.to_ns >= p->draft->from_ns && c->pub.from_ns <= p->draft->to_ns)
			code = add_chunk(p, r, c, err);
	}
	return code;
}

/* --- writing ---------------------------------------------------------------------------------------------------------------------------------- */

static int
write_all(int fd, const char *bytes, size_t len, struct err *err)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set_errno(err, ERR_IO, n == 0 ? ENOSPC : errno, "cannot write the packed file");
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
write_member(const struct packing *p, const char *name, const char *bytes, size_t len, struct err *err)
{
	static const char zeros[TAR_BLOCK];
	char block[TAR_BLOCK];
	int r;

	if (len > TAR_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "%s is too long for tar", name);
	tar_header_write(block, name, len, p->now_s);
	r = write_all(p->fd, block, sizeof block, err);
	if (r == 0)
		r = write_all(p->fd, bytes, len, err);
	return r < 0 ? r : write_all(p->fd, zeros, (size_t)(tar_padded(len) - len), err);
}

/* The chunk under way may have grown since it was hashed: what was hashed is packed. */
static int
write_chunk(const struct packing *p, const struct member *m, struct err *err)
{
	const char *bytes;
	size_t len;
	int r = store_bytes(m->recording, m->chunk, &bytes, &len, err);

	if (r < 0)
		return r;
	if (len < m->size)
		r = err_set(err, ERR_IO, "%s was cut while it was packed", m->chunk->file);
	else
		r = write_member(p, m->name, bytes, (size_t)m->size, err);
	store_bytes_done(m->chunk, bytes);
	return r;
}

static int
write_manifest(const struct packing *p, struct err *err)
{
	const struct pack_draft *d = p->draft;
	json_t *manifest = json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:O, s:O, s:O}", "opsconsole", "packed", "format", PACK_FORMAT,
	    "incident", codec_text(d->incident), "title", codec_text(d->title), "env", codec_text(d->env), "version", codec_text(d->version),
	    "from", codec_time(d->from_ns), "to", codec_time(d->to_ns), "packed", codec_time(p->now_s * NS_PER_S), "members", p->list, "slices",
	    p->slices, "chunks", p->chunks);
	char *text = json_dumps(manifest, JSON_INDENT(1));
	int r = write_member(p, PACK_MANIFEST, text, strlen(text), err);

	free(text);
	json_decref(manifest);
	return r;
}

static int
write_pack(const struct packing *p, struct err *err)
{
	static const char end[2 * TAR_BLOCK];
	int r = write_manifest(p, err);

	for (size_t i = 0; r == 0 && i < p->n; i++) {
		const struct member *m = &p->members[i];

		r = m->chunk != NULL ? write_chunk(p, m, err) : write_member(p, m->name, m->text.data, m->text.len, err);
	}
	return r < 0 ? r : write_all(p->fd, end, sizeof end, err);
}

int
pack_write(int fd, const struct pack_draft *d, struct err *err)
{
	struct packing p = { .fd = fd, .draft = d, .now_s = clock_now() / NS_PER_S, .list = json_array(), .slices = json_array(),
		.chunks = json_array() };
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->n_slices; i++)
		r = add_slice(&p, &d->slices[i], err);
	for (size_t i = 0; r == 0 && i < d->n_recordings; i++)
		r = add_recording(&p, d->recordings[i], err);
	if (r == 0 && p.n == 0)
		r = err_set(err, ERR_NOTFOUND, "incident %s: there is nothing to pack: no records, and nothing recorded then", d->incident);
	if (r == 0 && p.n >= PACK_MEMBERS_MAX)
		r = err_set(err, ERR_LIMIT, "incident %s: more than %d chunks: pack less of it", d->incident, PACK_MEMBERS_MAX - 1);
	if (r == 0)
		r = write_pack(&p, err);
	for (size_t i = 0; i < p.n; i++)
		if (p.members[i].chunk == NULL)
			buf_done(&p.members[i].text);
	free(p.members);
	json_decref(p.list);
	json_decref(p.slices);
	json_decref(p.chunks);
	return r;
}
