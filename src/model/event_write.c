/* Events to JSON text straight from the tables, without a tree between: for recordings, which write all that comes. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "model/event_fields.h"
#include "model/json_writer.h"
#include "model/snapshot.h"

#define CONST_AT(p, type, offset) (*(const type *)((const char *)(p) + (offset)))

/* --- values ------------------------------------------------------------------------------------------------------------------- */

static void put_fields(struct json_writer *w, const struct field *fields, const void *p);
static void put_value(struct json_writer *w, const struct field *f, const void *p);

static void
put_enum(struct json_writer *w, const char *const *names, int value)
{
	const char *name = names[0];

	for (int i = 0; names[i] != NULL; i++)
		if (i == value)
			name = names[i];
	json_put_char(w, '"');
	json_put(w, name, strlen(name));
	json_put_char(w, '"');
}

static void
put_times(struct json_writer *w, const struct field *f, const void *p)
{
	const int64_t *v = CONST_AT(p, int64_t *, f->offset);
	size_t n = CONST_AT(p, size_t, f->n_offset);

	json_put_char(w, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			json_put_char(w, ',');
		json_put_time(w, v[i]);
	}
	json_put_char(w, ']');
}

static void
put_floats(struct json_writer *w, const struct field *f, const void *p)
{
	const float *v = CONST_AT(p, float *, f->offset);
	size_t n = CONST_AT(p, size_t, f->n_offset);

	json_put_char(w, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			json_put_char(w, ',');
		json_put_double(w, (double)v[i]);
	}
	json_put_char(w, ']');
}

static void
put_tuple(struct json_writer *w, const struct field *fields, const void *p)
{
	json_put_char(w, '[');
	for (const struct field *f = fields; f->key != NULL; f++) {
		if (f != fields)
			json_put_char(w, ',');
		put_value(w, f, p);
	}
	json_put_char(w, ']');
}

static void
put_list(struct json_writer *w, const struct field *f, const void *p)
{
	size_t n = CONST_AT(p, size_t, f->n_offset);
	const char *item;

	/* Copied, as it is a pointer to a struct that this function does not know. */
	memcpy(&item, (const char *)p + f->offset, sizeof item);
	json_put_char(w, '[');
	for (size_t i = 0; i < n && !w->is_over; i++, item += f->size) {
		if (i > 0)
			json_put_char(w, ',');
		if (f->type == FIELD_TUPLES) {
			put_tuple(w, f->sub, item);
		} else {
			json_put_char(w, '{');
			put_fields(w, f->sub, item);
			json_put_char(w, '}');
		}
	}
	json_put_char(w, ']');
}

static void
put_text_or_null(struct json_writer *w, const struct field *f, const void *p)
{
	const char *text = CONST_AT(p, char *, f->offset);

	if (text == NULL && f->type == FIELD_TEXT_OR_NULL)
		json_put(w, "null", 4);
	else
		json_put_text(w, text == NULL ? "" : text);
}

static void
put_value(struct json_writer *w, const struct field *f, const void *p)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_TEXT_OR_NULL:
		put_text_or_null(w, f, p);
		break;
	case FIELD_BOOL:
		if (CONST_AT(p, bool, f->offset))
			json_put(w, "true", 4);
		else
			json_put(w, "false", 5);
		break;
	case FIELD_ENUM:
		put_enum(w, f->names, CONST_AT(p, int, f->offset));
		break;
	case FIELD_TIME:
		json_put_time(w, CONST_AT(p, int64_t, f->offset));
		break;
	case FIELD_TIMES:
		put_times(w, f, p);
		break;
	case FIELD_FLOATS:
		put_floats(w, f, p);
		break;
	case FIELD_NS:
	case FIELD_NS_OR_NEVER:
		json_put_integer(w, CONST_AT(p, int64_t, f->offset));
		break;
	case FIELD_SIZE:
		json_put_integer(w, (int64_t)CONST_AT(p, size_t, f->offset));
		break;
	case FIELD_UINT:
		json_put_integer(w, CONST_AT(p, unsigned, f->offset));
		break;
	case FIELD_UINT64:
		json_put_integer(w, (int64_t)(CONST_AT(p, uint64_t, f->offset) & INT64_MAX));
		break;
	case FIELD_INT_OR_NONE:
		json_put_integer(w, CONST_AT(p, int, f->offset));
		break;
	case FIELD_LONG:
		json_put_integer(w, CONST_AT(p, long, f->offset));
		break;
	case FIELD_DOUBLE:
	case FIELD_DOUBLE_OR_NAN:
		json_put_double(w, CONST_AT(p, double, f->offset));
		break;
	case FIELD_LABELS:
		json_put_labels(w, &CONST_AT(p, struct labels, f->offset));
		break;
	case FIELD_STRINGS:
		json_put_strings(w, &CONST_AT(p, struct strings, f->offset));
		break;
	case FIELD_LIST:
	case FIELD_TUPLES:
		put_list(w, f, p);
		break;
	}
}

/* Behind a '{' that is there. */
static void
put_fields(struct json_writer *w, const struct field *fields, const void *p)
{
	for (const struct field *f = fields; f->key != NULL; f++) {
		if (codec_is_left_out(f, p))
			continue;
		json_put_key(w, f->key);
		put_value(w, f, p);
	}
}

/* --- events -------------------------------------------------------------------------------------------------------------------- */

static void
put_cells(struct json_writer *w, const struct run_row *row, size_t n)
{
	json_put_key(w, "cells");
	json_put_char(w, '[');
	for (size_t i = 0; i < n; i++) {
		json_put(w, i == 0 ? "{" : ",{", i == 0 ? 1 : 2);
		put_fields(w, run_cell_fields, &row->cells[i]);
		json_put_char(w, '}');
	}
	json_put_char(w, ']');
}

static void
put_run_rows(struct json_writer *w, const struct run_info *run)
{
	json_put_key(w, "rows");
	json_put_char(w, '[');
	for (size_t i = 0; i < run->n_rows; i++) {
		json_put(w, i == 0 ? "{" : ",{", i == 0 ? 1 : 2);
		put_fields(w, run_row_fields, &run->rows[i]);
		put_cells(w, &run->rows[i], run->n_columns);
		json_put_char(w, '}');
	}
	json_put_char(w, ']');
}

/* Any bytes but for NUL at the end; as log_lines_to_json() writes them. */
static void
put_log_text(struct json_writer *w, const char *text, size_t len)
{
	struct buf escaped;

	if (json_put_string(w, text, len))
		return;
	buf_init(&escaped, len * 4 + 1);
	log_text_escape(text, len, &escaped);
	json_put_string(w, escaped.data, escaped.len);
	buf_done(&escaped);
}

static void
put_log_extra(struct json_writer *w, const char *text)
{
	json_put_char(w, ',');
	if (text == NULL)
		json_put(w, "null", 4);
	else
		json_put_text(w, text);
}

static void
put_log_lines(struct json_writer *w, const struct log_batch *batch)
{
	json_put_key(w, "lines");
	json_put_char(w, '[');
	for (size_t i = 0; i < batch->n && !w->is_over; i++) {
		const struct log_line *line = &batch->v[i];

		json_put(w, i == 0 ? "[" : ",[", i == 0 ? 1 : 2);
		json_put_integer(w, line->time_ns);
		json_put_char(w, ',');
		put_log_text(w, line->text, line->len);
		json_put_char(w, ',');
		put_enum(w, log_level_words, (int)line->level);
		json_put_char(w, ',');
		json_put_integer(w, line->stream);
		if (line->fields != NULL || line->id != NULL) {
			put_log_extra(w, line->fields);
			put_log_extra(w, line->id);
		}
		json_put_char(w, ']');
	}
	json_put_char(w, ']');
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
	struct json_writer w;
	const struct field *fields = event_kind_fields(ev->kind);

	if (ev->kind == EVENT_LOG_VIEW || ev->kind == EVENT_LOG_PATTERNS)
		return write_by_tree(ev, b);
	json_writer_begin(&w, b);
	json_put_char(&w, '{');
	json_put_key(&w, "event");
	json_put_text(&w, event_kind_name(ev->kind));
	json_put_key(&w, "time");
	json_put_time(&w, ev->time_ns);
	json_put_key(&w, "source");
	json_put_text(&w, ev->source);
	if (fields != NULL && ev->block != NULL)
		put_fields(&w, fields, ev->block);
	if (ev->kind == EVENT_RUN && ev->block != NULL)
		put_run_rows(&w, ev->block);
	if (ev->kind == EVENT_LOG_LINES && ev->block != NULL)
		put_log_lines(&w, ev->block);
	json_put_char(&w, '}');
	return json_writer_end(&w);
}
