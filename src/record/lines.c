#include "config.h"

#include "record/lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jread.h"
#include "base/xalloc.h"
#include "model/log.h"
#include "record/format.h"

enum { PLACE_TIME, PLACE_TEXT, PLACE_LEVEL, PLACE_STREAM, PLACE_FIELDS, PLACE_ID, PLACES, PLACES_LEAST = PLACE_TEXT + 1, DIGITS_MAX = 18 };
enum { HEAD = 160 };	/* where the slot is */
static const char slot[] = "\"slot\":\"log-lines", member[] = "\"lines\":[", end[] = "]}}";

bool
lines_are_in(const char *line, size_t len)
{
	return memmem(line, len < HEAD ? len : HEAD, slot, sizeof slot - 1) != NULL;
}

bool
lines_take_apart(const char *line, size_t len, struct lines_apart *ret)
{
	const char *at = lines_are_in(line, len) ? memmem(line, len, member, sizeof member - 1) : NULL;
	size_t before, n_end = sizeof end - 1;

	if (at == NULL || memcmp(line + len - n_end, end, n_end) != 0)
		return false;
	before = (size_t)(at - line) + sizeof member - 2;
	if (before + 1 + n_end > len)
		return false;
	ret->list = line + before;
	ret->len = len - before - (n_end - 1);
	buf_init(&ret->rest, RECORD_LINE_MAX);
	buf_add(&ret->rest, line, before);
	buf_addch(&ret->rest, '[');
	buf_addstr(&ret->rest, end);
	return true;
}

/* --- the list ------------------------------------------------------------------------------------------------------------ */

struct reading {
	struct jread json;
	struct log_batch *batch;
	struct log_line *v, *line;	/* line: the one being read */
	size_t n, cap;
	unsigned place;
};

static int
on_array_begin(void *arg)
{
	struct reading *r = arg;

	if (jread_depth(&r->json) == 1)
		return 0;
	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 64 : r->cap * 2;
		r->v = xreallocarray(r->v, r->cap, sizeof *r->v);
	}
	r->line = &r->v[r->n++];
	*r->line = (struct log_line){ 0 };
	r->place = PLACE_TIME;
	return 0;
}

static int
on_array_end(void *arg)
{
	struct reading *r = arg;

	if (jread_depth(&r->json) == 2 && r->place < PLACES_LEAST)
		return ERR_INVALID;
	r->line = NULL;
	return 0;
}

static int
take_level(struct log_line *line, const char *text, size_t len)
{
	for (int i = 0; i < LOG_LEVELS; i++) {
		const char *name = log_level_name((enum line_level)i);

		if (strlen(name) == len && memcmp(name, text, len) == 0) {
			line->level = (enum line_level)i;
			return 0;
		}
	}
	return ERR_INVALID;
}

static int
on_string(void *arg, const char *text, size_t len)
{
	struct reading *r = arg;
	struct arena *arena = &r->batch->block.arena;
	unsigned place = r->place++;

	if (r->line == NULL)
		return ERR_INVALID;
	if (place == PLACE_LEVEL)
		return take_level(r->line, text, len);
	if (place == PLACE_TEXT) {
		r->line->text = arena_strndup(arena, text, len);
		r->line->len = len;
		return 0;
	}
	if ((place != PLACE_FIELDS && place != PLACE_ID) || memchr(text, '\0', len) != NULL)
		return ERR_INVALID;
	*(place == PLACE_FIELDS ? &r->line->fields : &r->line->id) = arena_strndup(arena, text, len);
	return 0;
}

/* Digits alone, and no more than any time has. */
static int
on_number(void *arg, const char *text, size_t len)
{
	struct reading *r = arg;
	unsigned place = r->place++;
	int64_t v = 0;

	if (r->line == NULL || len > DIGITS_MAX + 1 || (place != PLACE_TIME && place != PLACE_STREAM))
		return ERR_INVALID;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' || v > INT64_MAX / 10 - 1)
			return ERR_INVALID;
		v = v * 10 + (text[i] - '0');
	}
	if (place == PLACE_TIME)
		r->line->time_ns = clock_within(v);
	else if ((uint64_t)v < r->batch->n_streams || v == 0)
		r->line->stream = (uint32_t)v;
	else
		return ERR_INVALID;
	return 0;
}

static int
on_null(void *arg)
{
	struct reading *r = arg;
	unsigned place = r->place++;

	return r->line != NULL && (place == PLACE_FIELDS || place == PLACE_ID) ? 0 : ERR_INVALID;
}

static int
refuse(void *arg)
{
	(void)arg;
	return ERR_INVALID;
}

static int
refuse_boolean(void *arg, bool value)
{
	(void)arg;
	(void)value;
	return ERR_INVALID;
}

bool
lines_put(const struct lines_apart *apart, struct event *ev)
{
	static const struct jread_ops ops = { .array_begin = on_array_begin, .array_end = on_array_end, .string = on_string, .number = on_number, .null = on_null,
		.object_begin = refuse, .boolean = refuse_boolean };
	struct log_batch *batch = (struct log_batch *)ev->block;
	struct reading r = { .batch = batch };
	bool is_read;

	if (ev->kind != EVENT_LOG_LINES || batch->n > 0)
		return false;
	jread_init(&r.json, &ops, &r, 2, RECORD_LINE_MAX);
	is_read = jread_push(&r.json, apart->list, apart->len, NULL) == 0 && jread_finish(&r.json, NULL) == 0;
	jread_done(&r.json);
	if (is_read && r.n > 0) {
		struct log_line *v = arena_alloc(&batch->block.arena, r.n * sizeof *v);

		memcpy(v, r.v, r.n * sizeof *v);
		batch->v = v;
		batch->n = r.n;
	}
	free(r.v);
	return is_read;
}
