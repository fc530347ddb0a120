#include "config.h"

#include "ship_batch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/reader_priv.h"
#include "audit/record_priv.h"
#include "base/save.h"
#include "base/str.h"
#include "base/xalloc.h"

/* A record of the greatest length, escaped once more, still fits behind the limit. */
enum { PLACE_MAX = 512, BODY_LIMIT = 384 << 10, BODY_MAX = 1 << 20, STREAMS_MAX = 64 };

/* --- the place ------------------------------------------------------------------------------------------------------------------------------------------ */

int
ship_place_read(const char *path, struct ship_place *ret, struct err *err)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[PLACE_MAX], shown[256];
	struct ship_place p = { 0 };
	ssize_t n;

	str_escape_to(shown, sizeof shown, path);
	if (fd < 0)
		return err_set_errno(err, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, errno, "%s", shown);
	n = read(fd, text, sizeof text - 1);
	if (n < 0)
		err_set_errno(err, ERR_IO, errno, "%s", shown);
	close(fd);
	if (n < 0)
		return ERR_IO;
	text[n] = '\0';
	if (sscanf(text, "%18" SCNu64 ":%64[0-9a-f] %31s %18" SCNd64 " %19" SCNd64 " %19" SCNd64, &p.seq, p.hash, p.file, &p.offset, &p.time_ns, &p.at_ns) != 6 ||
	    strlen(p.hash) != AUDIT_HASH_HEX || p.seq == 0)
		return err_set(err, ERR_SYNTAX, "%s does not hold SEQ:HASH FILE OFFSET TIME WHEN", shown);
	*ret = p;
	return 0;
}

int
ship_place_write(const char *path, const struct ship_place *p, struct err *err)
{
	char text[PLACE_MAX];

	snprintf(text, sizeof text, "%" PRIu64 ":%s %s %" PRId64 " %" PRId64 " %" PRId64 "\n", p->seq, p->hash, p->file, p->offset, p->time_ns, p->at_ns);
	return save_bytes(path, text, strlen(text), SAVE_ALONE, err);
}

/* --- where to go on ------------------------------------------------------------------------------------------------------------------------------------- */

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* true: the reader stands behind the record. */
static bool
seek_behind(struct audit_reader *r, const struct ship_place *from)
{
	struct audit_line l;
	struct audit_frame f;
	const char *name;
	int64_t size;

	for (size_t i = 0; (name = audit_reader_file(r, i, &size)) != NULL; i++) {
		if (strcmp(base_name(name), from->file) != 0 || from->offset < 0 || from->offset >= size)
			continue;
		audit_reader_seek(r, &(struct audit_place){ i, from->offset, 0 });
		return audit_reader_next(r, &l, NULL) > 0 && !l.is_torn && audit_frame_read(l.bytes, l.len, &f, NULL) == 0 && f.is_hash_right &&
		    f.seq == from->seq && strcmp(f.hash, from->hash) == 0;
	}
	return false;
}

/* --- bodies --------------------------------------------------------------------------------------------------------------------------------------------- */

struct stream { char *env; struct buf values; };
struct streams { struct stream v[STREAMS_MAX]; size_t n; };

/* A line of the log holds no control characters: only these two need an escape. */
static void
add_quoted(struct buf *b, const char *s, size_t len)
{
	const char *end = s + len;

	buf_addch(b, '"');
	while (s < end) {
		const char *p = s;

		while (p < end && *p != '"' && *p != '\\')
			p++;
		buf_add(b, s, (size_t)(p - s));
		if (p < end) {
			buf_addch(b, '\\');
			buf_addch(b, *p++);
		}
		s = p;
	}
	buf_addch(b, '"');
}

static struct stream *
stream_of(struct streams *ss, const char *env)
{
	struct stream *s;

	for (size_t i = 0; i < ss->n; i++)
		if (strcmp(ss->v[i].env, env) == 0)
			return &ss->v[i];
	if (ss->n == STREAMS_MAX)
		return &ss->v[0];
	s = &ss->v[ss->n++];
	s->env = xstrdup(env);
	buf_init(&s->values, BODY_MAX);
	return s;
}

/* Loki wants the times of a stream in order, and clocks step back. */
static bool
add_loki(struct streams *ss, const struct audit_line *l, int64_t *time_ns)
{
	struct audit_record rec;
	struct stream *s;

	if (audit_record_read(l->bytes, l->len, &rec, NULL) < 0)
		return false;
	if (rec.time_ns > *time_ns)
		*time_ns = rec.time_ns;
	s = stream_of(ss, rec.env != NULL ? rec.env : "");
	buf_printf(&s->values, "%s[\"%" PRId64 "\",", s->values.len > 0 ? "," : "", *time_ns);
	add_quoted(&s->values, l->bytes, l->len);
	buf_addch(&s->values, ']');
	audit_record_done(&rec);
	return true;
}

static void
add_label(struct buf *b, const char *name, const char *value)
{
	json_t *text = json_string(value);
	char *dumped = text != NULL ? json_dumps(text, JSON_ENCODE_ANY) : NULL;

	buf_printf(b, ",\"%s\":%s", name, dumped != NULL ? dumped : "\"?\"");
	free(dumped);
	json_decref(text);
}

static void
finish_loki(struct streams *ss, const char *chain, struct buf *body)
{
	buf_addstr(body, "{\"streams\":[");
	for (size_t i = 0; i < ss->n; i++) {
		buf_addstr(body, i > 0 ? ",{\"stream\":{\"job\":\"opsconsole\"" : "{\"stream\":{\"job\":\"opsconsole\"");
		add_label(body, "chain", chain);
		if (ss->v[i].env[0] != '\0')
			add_label(body, "env", ss->v[i].env);
		buf_addstr(body, "},\"values\":[");
		buf_add(body, ss->v[i].values.data, ss->v[i].values.len);
		buf_addstr(body, "]}");
		free(ss->v[i].env);
		buf_done(&ss->v[i].values);
	}
	buf_addstr(body, "]}");
}

static bool
add_line(struct buf *b, const struct audit_line *l)
{
	struct audit_frame f;

	if (audit_frame_read(l->bytes, l->len, &f, NULL) < 0 || !f.is_hash_right)
		return false;
	buf_add(b, l->bytes, l->len);
	buf_addch(b, '\n');
	return true;
}

static size_t
size_of(const struct ship_batch *b, const struct streams *ss)
{
	size_t n = b->body.len;

	for (size_t i = 0; i < ss->n; i++)
		n += ss->v[i].values.len;
	return n;
}

static void
step(struct ship_place *p, const struct audit_line *l)
{
	struct audit_frame f;

	audit_frame_read(l->bytes, l->len, &f, NULL);
	p->seq = f.seq;
	memcpy(p->hash, f.hash, sizeof p->hash);
	snprintf(p->file, sizeof p->file, "%s", base_name(l->file));
	p->offset = (int64_t)l->offset;
}

static int
collect(struct audit_reader *r, const char *chain, size_t max, struct streams *ss, struct ship_batch *b, struct err *err)
{
	struct audit_line l;
	int result = 0;

	while (b->n < max && size_of(b, ss) < BODY_LIMIT && (result = audit_reader_next(r, &l, err)) > 0) {
		if (l.is_torn)
			continue;	/* it is being written, or will be moved aside */
		if (chain != NULL ? !add_loki(ss, &l, &b->after.time_ns) : !add_line(&b->body, &l)) {
			b->left_out++;
			continue;
		}
		step(&b->after, &l);
		b->n++;
	}
	return result < 0 ? result : 0;
}

int
ship_batch_read(const char *dir, const char *chain, const struct ship_place *from, size_t max, struct ship_batch *ret, struct err *err)
{
	struct ship_batch b = { .after = *from };
	struct streams ss = { .n = 0 };
	struct audit_reader *r;
	int result = audit_reader_open(dir, &r, err);

	if (result < 0)
		return result;
	buf_init(&b.body, BODY_MAX);
	if (from->seq > 0 && !seek_behind(r, from)) {
		b.was_replaced = true;
		b.after = (struct ship_place){ .time_ns = from->time_ns };
		audit_reader_seek(r, &(struct audit_place){ 0 });
	}
	result = collect(r, chain, max, &ss, &b, err);
	audit_reader_free(r);
	if (chain != NULL)
		finish_loki(&ss, chain, &b.body);
	if (result < 0) {
		ship_batch_done(&b);
		return result;
	}
	*ret = b;
	return 0;
}

void
ship_batch_done(struct ship_batch *b)
{
	buf_done(&b->body);
	*b = (struct ship_batch){ 0 };
}
