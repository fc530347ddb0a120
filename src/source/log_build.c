#include "config.h"

#include "source/log_build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jread.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { TABLE_FIRST = 64, SCRATCH_MAX = 8 << 20 };

void
log_build_init(struct log_build *b, const struct redact *redact)
{
	*b = (struct log_build){ .redact = redact };
	b->batch = block_new(sizeof *b->batch);
	b->mem = &b->batch->block.arena;
	intern_init(&b->texts, b->mem);
	buf_init(&b->scratch, SCRATCH_MAX);
	buf_init(&b->scratch2, SCRATCH_MAX);
}

void
log_build_done(struct log_build *b)
{
	block_unref(b->batch);
	intern_done(&b->texts);
	free(b->v);
	free(b->streams);
	free(b->table);
	buf_done(&b->scratch);
	buf_done(&b->scratch2);
	*b = (struct log_build){ 0 };
}

/* --- streams ----------------------------------------------------------------------------------------------------------- */

/* A text by itself without what must not be kept. */
static const char *
text_of(struct log_build *b, const char *text, size_t len)
{
	buf_reset(&b->scratch2);
	if (!redact_text(b->redact, text, len, &b->scratch2))
		return intern_text(&b->texts, text, len);
	return intern_text(&b->texts, b->scratch2.data, b->scratch2.len);
}

/* A label's value without what must not be kept: patterns look for "name=value", or for the value alone. */
static const char *
value_of(struct log_build *b, const struct label *l)
{
	size_t len = strlen(l->value), name = strlen(l->name);

	if (len > LOG_LABEL_VALUE_MAX)
		len = LOG_LABEL_VALUE_MAX;
	buf_reset(&b->scratch);
	buf_reset(&b->scratch2);
	buf_printf(&b->scratch, "%s=%.*s", l->name, (int)len, l->value);
	if (!redact_text(b->redact, b->scratch.data, b->scratch.len, &b->scratch2))
		return text_of(b, l->value, len);
	if (b->scratch2.len > name && b->scratch2.data[name] == '=' && memcmp(b->scratch2.data, l->name, name) == 0)
		return intern_text(&b->texts, b->scratch2.data + name + 1, b->scratch2.len - name - 1);
	return intern_text(&b->texts, b->scratch2.data, b->scratch2.len);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

static size_t
stream_place(const struct log_build *b, const struct labels *labels, const char *service)
{
	size_t i = (size_t)labels_hash(labels) & (b->table_cap - 1);

	for (; b->table[i] != 0; i = (i + 1) & (b->table_cap - 1)) {
		const struct log_stream *s = &b->streams[b->table[i] - 1];

		if (labels_equal(&s->labels, labels) && str_eq(s->service, service))
			break;
	}
	return i;
}

static void
table_grow(struct log_build *b)
{
	b->table_cap = b->table_cap == 0 ? TABLE_FIRST : b->table_cap * 2;
	free(b->table);
	b->table = xcalloc(b->table_cap, sizeof *b->table);
	for (size_t i = 0; i < b->n_streams; i++)
		b->table[stream_place(b, &b->streams[i].labels, b->streams[i].service)] = (uint32_t)i + 1;
}

uint32_t
log_build_stream(struct log_build *b, struct label *v, size_t n, const char *service)
{
	struct label kept[LOG_LABELS_MAX], *own;
	struct labels labels;
	size_t at;

	if (n > LOG_LABELS_MAX)
		n = LOG_LABELS_MAX;
	for (size_t i = 0; i < n; i++)
		kept[i] = (struct label){ intern_text(&b->texts, v[i].name, strlen(v[i].name)), value_of(b, &v[i]) };
	qsort(kept, n, sizeof *kept, by_name);
	labels = (struct labels){ n, kept };
	service = service == NULL ? "" : text_of(b, service, strlen(service));
	if (b->n_streams * 2 >= b->table_cap)
		table_grow(b);
	at = stream_place(b, &labels, service);
	if (b->table[at] != 0)
		return b->table[at] - 1;
	if (b->n_streams == b->cap_streams) {
		b->cap_streams = b->cap_streams == 0 ? 16 : b->cap_streams * 2;
		b->streams = xreallocarray(b->streams, b->cap_streams, sizeof *b->streams);
	}
	own = arena_alloc(b->mem, n * sizeof *own + 1);
	memcpy(own, kept, n * sizeof *own);
	b->streams[b->n_streams] = (struct log_stream){ .labels = { n, own }, .service = service };
	b->table[at] = (uint32_t)++b->n_streams;
	return (uint32_t)b->n_streams - 1;
}

/* --- lines --------------------------------------------------------------------------------------------------------------- */

/* Cut where a character begins, so that what was UTF-8 stays so. */
static size_t
cut_len(const char *text, size_t max)
{
	size_t n = max;

	while (n > max - 4 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static void
take_text(struct log_build *b, const struct log_draft *d, struct log_line *ret)
{
	size_t len = d->len;

	if (len > LOG_TEXT_MAX) {
		len = cut_len(d->text, LOG_TEXT_MAX);
		b->batch->n_cut++;
	}
	buf_reset(&b->scratch);
	if (redact_text(b->redact, d->text, len, &b->scratch)) {
		ret->text = arena_strndup(b->mem, b->scratch.data, b->scratch.len);
		ret->len = b->scratch.len;
	} else {
		ret->text = arena_strndup(b->mem, d->text, len);
		ret->len = len;
	}
	b->text_bytes += ret->len;
}

static bool
is_json(const char *text, size_t len)
{
	static const struct jread_ops nothing = { 0 };
	struct jread r;
	bool is_good;

	jread_init(&r, &nothing, NULL, SLICE_DEPTH_MAX, len + 1);
	is_good = jread_push(&r, text, len, NULL) == 0 && jread_finish(&r, NULL) == 0;
	jread_done(&r);
	return is_good;
}

/* A pattern may reach over the end of a text; then the object is none any more, and goes as a whole. */
static const char *
fields_of(struct log_build *b, struct slice fields)
{
	if (!slice_is(fields, '{') || fields.len <= 2)
		return NULL;
	if (fields.len > LOG_FIELDS_MAX)
		return arena_strdup(b->mem, "{\"fields\":\"[left out: larger than 1 MiB]\"}");
	buf_reset(&b->scratch);
	if (!redact_text(b->redact, fields.p, fields.len, &b->scratch))
		return arena_strndup(b->mem, fields.p, fields.len);
	if (!is_json(b->scratch.data, b->scratch.len))
		return arena_strdup(b->mem, "{\"fields\":\"[redacted]\"}");
	return arena_strndup(b->mem, b->scratch.data, b->scratch.len);
}

/* Two that differ only in what is redacted are still two: a number tells them apart, from which nobody can guess. */
static const char *
id_of(struct log_build *b, const char *id)
{
	size_t len = strlen(id);

	buf_reset(&b->scratch);
	if (!redact_text(b->redact, id, len, &b->scratch))
		return arena_strndup(b->mem, id, len);
	buf_printf(&b->scratch, " #%016llx", (unsigned long long)redact_number(b->redact, id, len));
	return arena_strndup(b->mem, b->scratch.data, b->scratch.len);
}

void
log_build_line(struct log_build *b, const struct log_draft *d)
{
	struct log_line *line;

	if (b->n == b->cap) {
		b->cap = b->cap == 0 ? 256 : b->cap * 2;
		b->v = xreallocarray(b->v, b->cap, sizeof *b->v);
	}
	line = &b->v[b->n++];
	*line = (struct log_line){ .time_ns = d->time_ns, .stream = d->stream, .level = LOG_LEVEL_UNKNOWN };
	take_text(b, d, line);
	if (d->level != NULL)
		line->level = log_level_find(d->level, strlen(d->level), d->is_syslog);
	if (line->level == LOG_LEVEL_UNKNOWN)
		line->level = log_level_guess(line->text, line->len);
	line->fields = fields_of(b, d->fields);
	if (line->fields != NULL)
		b->text_bytes += strlen(line->fields);
	if (d->id != NULL)
		line->id = id_of(b, d->id);
}

/* --- the end ----------------------------------------------------------------------------------------------------------- */

void
log_build_note(struct log_build *b, const char *fmt, ...)
{
	const char *before = b->batch->note;
	char *note, *all;
	va_list ap;

	va_start(ap, fmt);
	note = xvasprintf(fmt, ap);
	va_end(ap);
	all = before == NULL ? xstrdup(note) : xasprintf("%s; %s", before, note);
	b->batch->note = arena_strdup(b->mem, all);
	free(note);
	free(all);
}

struct log_batch *
log_build_take(struct log_build *b, const char *want, int64_t start_ns, int64_t end_ns)
{
	struct log_batch *batch = b->batch;
	struct log_line *v = arena_alloc(b->mem, b->n * sizeof *v + 1);
	struct log_stream *streams = arena_alloc(b->mem, b->n_streams * sizeof *streams + 1);

	if (b->n > 0)
		memcpy(v, b->v, b->n * sizeof *v);
	if (b->n_streams > 0)
		memcpy(streams, b->streams, b->n_streams * sizeof *streams);
	batch->want = arena_strdup(b->mem, want);
	batch->v = v;
	batch->n = b->n;
	batch->streams = streams;
	batch->n_streams = b->n_streams;
	batch->start_ns = start_ns < end_ns ? start_ns : 0;
	batch->end_ns = start_ns < end_ns ? end_ns : 0;
	b->batch = NULL;
	log_build_done(b);
	return batch;
}
