/* Events to JSON text straight from the tables, without a tree between: for recordings, which write all that comes. */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "model/event_fields.h"
#include "model/json_number.h"
#include "model/snapshot.h"

#define CONST_AT(p, type, offset) (*(const type *)((const char *)(p) + (offset)))

enum { ROOM_MIN = 64 };

/* What is written stands between b->data + b->len and p until it is all there. Once it does not fit, it goes nowhere. */
struct writer {
	struct buf *b;
	char *p, *end;
	bool is_over;
};

/* --- bytes ---------------------------------------------------------------------------------------------------------------- */

static void
writer_grow(struct writer *w, size_t more)
{
	struct buf *b = w->b;
	size_t used = (size_t)(w->p - b->data), cap = b->cap;

	if (w->is_over || more > b->max || used > b->max - more) {
		w->is_over = true;
		return;
	}
	while (cap < used + more + 1)
		cap += cap / 2 + ROOM_MIN;
	b->data = xreallocarray(b->data, cap, 1);
	b->cap = cap;
	w->p = b->data + used;
	w->end = b->data + (cap - 1 < b->max ? cap - 1 : b->max);
}

/* Room for n bytes at w->p; false when there is none. */
static bool
has_room(struct writer *w, size_t n)
{
	if ((size_t)(w->end - w->p) < n)
		writer_grow(w, n);
	return !w->is_over;
}

static void
put(struct writer *w, const char *bytes, size_t len)
{
	if (!has_room(w, len))
		return;
	memcpy(w->p, bytes, len);
	w->p += len;
}

static void
put_char(struct writer *w, char c)
{
	if (has_room(w, 1))
		*w->p++ = c;
}

/* --- texts ------------------------------------------------------------------------------------------------------------------ */

static const unsigned char is_plain[256] = { [' '] = 1, ['!'] = 1, ['#' ... '['] = 1, [']' ... 0x7F] = 1 };

static void
put_escaped(struct writer *w, unsigned char c)
{
	static const char short_for[] = "btn\0fr", hex[] = "0123456789abcdef";
	char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	if (c == '"' || c == '\\')
		text[1] = (char)c;
	else if (c >= '\b' && c <= '\r' && c != '\v')
		text[1] = short_for[c - '\b'];
	put(w, text, text[1] == 'u' ? 6 : 2);
}

/* false: s is not UTF-8, and what was written is to be taken back. */
static bool
put_string(struct writer *w, const char *s, size_t len)
{
	size_t i = 0;

	put_char(w, '"');
	while (i < len) {
		size_t begin = i, n;
		uint32_t cp;

		while (i < len && is_plain[(unsigned char)s[i]])
			i++;
		put(w, s + begin, i - begin);
		if (i == len)
			break;
		if ((unsigned char)s[i] < 0x80) {
			put_escaped(w, (unsigned char)s[i++]);
			continue;
		}
		n = utf8_decode(s + i, len - i, &cp);
		if (n == 0)
			return false;
		put(w, s + i, n);
		i += n;
	}
	put_char(w, '"');
	return true;
}

static void
put_text(struct writer *w, const char *s)
{
	size_t used = (size_t)(w->p - w->b->data);
	struct buf escaped;

	if (put_string(w, s, strlen(s)))
		return;
	w->p = w->b->data + used;
	codec_escape(&escaped, s);
	put_string(w, escaped.data, escaped.len);
	buf_done(&escaped);
}

/* --- values ------------------------------------------------------------------------------------------------------------------- */

static void put_fields(struct writer *w, const struct field *fields, const void *p);
static void put_value(struct writer *w, const struct field *f, const void *p);

static void
put_integer(struct writer *w, int64_t v)
{
	if (has_room(w, JSON_NUMBER_MAX))
		w->p += json_write_integer(w->p, v);
}

static void
put_double(struct writer *w, double v)
{
	if (isnan(v))
		put(w, "\"NaN\"", 5);
	else if (isinf(v))
		put(w, v > 0 ? "\"+Inf\"" : "\"-Inf\"", 6);
	else if (has_room(w, JSON_NUMBER_MAX))
		w->p += json_write_real(w->p, v);
}

static void
put_time(struct writer *w, int64_t ns)
{
	if (!has_room(w, JSON_TIME_MAX + 2))
		return;
	*w->p++ = '"';
	w->p += json_write_time(w->p, ns);
	*w->p++ = '"';
}

static void
put_enum(struct writer *w, const char *const *names, int value)
{
	const char *name = names[0];

	for (int i = 0; names[i] != NULL; i++)
		if (i == value)
			name = names[i];
	put_char(w, '"');
	put(w, name, strlen(name));
	put_char(w, '"');
}

static void
put_labels(struct writer *w, const struct labels *l)
{
	put_char(w, '{');
	for (size_t i = 0; i < l->n; i++) {
		if (i > 0)
			put_char(w, ',');
		put_text(w, l->v[i].name);
		put_char(w, ':');
		put_text(w, l->v[i].value);
	}
	put_char(w, '}');
}

static void
put_strings(struct writer *w, const struct strings *s)
{
	put_char(w, '[');
	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			put_char(w, ',');
		put_text(w, s->v[i]);
	}
	put_char(w, ']');
}

static void
put_times(struct writer *w, const struct field *f, const void *p)
{
	const int64_t *v = CONST_AT(p, int64_t *, f->offset);
	size_t n = CONST_AT(p, size_t, f->n_offset);

	put_char(w, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			put_char(w, ',');
		put_time(w, v[i]);
	}
	put_char(w, ']');
}

static void
put_floats(struct writer *w, const struct field *f, const void *p)
{
	const float *v = CONST_AT(p, float *, f->offset);
	size_t n = CONST_AT(p, size_t, f->n_offset);

	put_char(w, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			put_char(w, ',');
		put_double(w, (double)v[i]);
	}
	put_char(w, ']');
}

static void
put_tuple(struct writer *w, const struct field *fields, const void *p)
{
	put_char(w, '[');
	for (const struct field *f = fields; f->key != NULL; f++) {
		if (f != fields)
			put_char(w, ',');
		put_value(w, f, p);
	}
	put_char(w, ']');
}

static void
put_list(struct writer *w, const struct field *f, const void *p)
{
	size_t n = CONST_AT(p, size_t, f->n_offset);
	const char *item;

	/* Copied, as it is a pointer to a struct that this function does not know. */
	memcpy(&item, (const char *)p + f->offset, sizeof item);
	put_char(w, '[');
	for (size_t i = 0; i < n && !w->is_over; i++, item += f->size) {
		if (i > 0)
			put_char(w, ',');
		if (f->type == FIELD_TUPLES) {
			put_tuple(w, f->sub, item);
		} else {
			put_char(w, '{');
			put_fields(w, f->sub, item);
			put_char(w, '}');
		}
	}
	put_char(w, ']');
}

static void
put_text_or_null(struct writer *w, const struct field *f, const void *p)
{
	const char *text = CONST_AT(p, char *, f->offset);

	if (text == NULL && f->type == FIELD_TEXT_OR_NULL)
		put(w, "null", 4);
	else
		put_text(w, text == NULL ? "" : text);
}

static void
put_value(struct writer *w, const struct field *f, const void *p)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_TEXT_OR_NULL:
		put_text_or_null(w, f, p);
		break;
	case FIELD_BOOL:
		if (CONST_AT(p, bool, f->offset))
			put(w, "true", 4);
		else
			put(w, "false", 5);
		break;
	case FIELD_ENUM:
		put_enum(w, f->names, CONST_AT(p, int, f->offset));
		break;
	case FIELD_TIME:
		put_time(w, CONST_AT(p, int64_t, f->offset));
		break;
	case FIELD_TIMES:
		put_times(w, f, p);
		break;
	case FIELD_FLOATS:
		put_floats(w, f, p);
		break;
	case FIELD_NS:
	case FIELD_NS_OR_NEVER:
		put_integer(w, CONST_AT(p, int64_t, f->offset));
		break;
	case FIELD_SIZE:
		put_integer(w, (int64_t)CONST_AT(p, size_t, f->offset));
		break;
	case FIELD_UINT:
		put_integer(w, CONST_AT(p, unsigned, f->offset));
		break;
	case FIELD_UINT64:
		put_integer(w, (int64_t)(CONST_AT(p, uint64_t, f->offset) & INT64_MAX));
		break;
	case FIELD_INT_OR_NONE:
		put_integer(w, CONST_AT(p, int, f->offset));
		break;
	case FIELD_LONG:
		put_integer(w, CONST_AT(p, long, f->offset));
		break;
	case FIELD_DOUBLE:
	case FIELD_DOUBLE_OR_NAN:
		put_double(w, CONST_AT(p, double, f->offset));
		break;
	case FIELD_LABELS:
		put_labels(w, &CONST_AT(p, struct labels, f->offset));
		break;
	case FIELD_STRINGS:
		put_strings(w, &CONST_AT(p, struct strings, f->offset));
		break;
	case FIELD_LIST:
	case FIELD_TUPLES:
		put_list(w, f, p);
		break;
	}
}

static void
put_key(struct writer *w, const char *key)
{
	size_t len = strlen(key);

	if (!has_room(w, len + 4))
		return;
	if (w->p[-1] != '{')
		*w->p++ = ',';
	*w->p++ = '"';
	memcpy(w->p, key, len);
	w->p += len;
	*w->p++ = '"';
	*w->p++ = ':';
}

/* Behind a '{' that is there. */
static void
put_fields(struct writer *w, const struct field *fields, const void *p)
{
	for (const struct field *f = fields; f->key != NULL; f++) {
		if (codec_is_left_out(f, p))
			continue;
		put_key(w, f->key);
		put_value(w, f, p);
	}
}

/* --- events -------------------------------------------------------------------------------------------------------------------- */

static void
put_cells(struct writer *w, const struct run_row *row, size_t n)
{
	put_key(w, "cells");
	put_char(w, '[');
	for (size_t i = 0; i < n; i++) {
		put(w, i == 0 ? "{" : ",{", i == 0 ? 1 : 2);
		put_fields(w, run_cell_fields, &row->cells[i]);
		put_char(w, '}');
	}
	put_char(w, ']');
}

static void
put_run_rows(struct writer *w, const struct run_info *run)
{
	put_key(w, "rows");
	put_char(w, '[');
	for (size_t i = 0; i < run->n_rows; i++) {
		put(w, i == 0 ? "{" : ",{", i == 0 ? 1 : 2);
		put_fields(w, run_row_fields, &run->rows[i]);
		put_cells(w, &run->rows[i], run->n_columns);
		put_char(w, '}');
	}
	put_char(w, ']');
}

/* Any bytes but for NUL at the end; as log_lines_to_json() writes them. */
static void
put_log_text(struct writer *w, const char *text, size_t len)
{
	size_t used = (size_t)(w->p - w->b->data);
	struct buf escaped;

	if (put_string(w, text, len))
		return;
	w->p = w->b->data + used;
	buf_init(&escaped, len * 4 + 1);
	log_text_escape(text, len, &escaped);
	put_string(w, escaped.data, escaped.len);
	buf_done(&escaped);
}

static void
put_log_extra(struct writer *w, const char *text)
{
	put_char(w, ',');
	if (text == NULL)
		put(w, "null", 4);
	else
		put_text(w, text);
}

static void
put_log_lines(struct writer *w, const struct log_batch *batch)
{
	put_key(w, "lines");
	put_char(w, '[');
	for (size_t i = 0; i < batch->n && !w->is_over; i++) {
		const struct log_line *line = &batch->v[i];

		put(w, i == 0 ? "[" : ",[", i == 0 ? 1 : 2);
		put_integer(w, line->time_ns);
		put_char(w, ',');
		put_log_text(w, line->text, line->len);
		put_char(w, ',');
		put_enum(w, log_level_words, (int)line->level);
		put_char(w, ',');
		put_integer(w, line->stream);
		if (line->fields != NULL || line->id != NULL) {
			put_log_extra(w, line->fields);
			put_log_extra(w, line->id);
		}
		put_char(w, ']');
	}
	put_char(w, ']');
}

/* What is worked out of lines is not recorded, and may take its time. */
static int
write_by_tree(const struct event *ev, struct buf *b)
{
	json_t *json = event_to_json(ev);
	char *text = json_dumps(json, JSON_COMPACT);
	int r = text == NULL ? ERR_LIMIT : buf_addstr(b, text);

	free(text);
	json_decref(json);
	return r;
}

int
event_write(const struct event *ev, struct buf *b)
{
	struct writer w = { .b = b, .p = b->data + b->len, .end = b->data + b->cap - 1 };
	const struct field *fields = event_kind_fields(ev->kind);

	if (ev->kind == EVENT_LOG_VIEW || ev->kind == EVENT_LOG_PATTERNS)
		return write_by_tree(ev, b);
	if (b->cap - 1 > b->max)
		w.end = b->data + b->max;
	put_char(&w, '{');
	put_key(&w, "event");
	put_text(&w, event_kind_name(ev->kind));
	put_key(&w, "time");
	put_time(&w, ev->time_ns);
	put_key(&w, "source");
	put_text(&w, ev->source);
	if (fields != NULL && ev->block != NULL)
		put_fields(&w, fields, ev->block);
	if (ev->kind == EVENT_RUN && ev->block != NULL)
		put_run_rows(&w, ev->block);
	if (ev->kind == EVENT_LOG_LINES && ev->block != NULL)
		put_log_lines(&w, ev->block);
	put_char(&w, '}');
	if (w.is_over || b->is_over) {
		b->data[b->len] = '\0';
		b->is_over = true;
		return ERR_LIMIT;
	}
	b->len = (size_t)(w.p - b->data);
	b->data[b->len] = '\0';
	return 0;
}
