/*
 * The fields of a line, as text by name: those the store has beside the line, then those of the line itself when it is JSON or logfmt.
 *
 * Names inside names are joined by dots (http.status), places in lists are numbers (args.0). Bounded in number, depth and size; what is beyond is left out.
 */
#include "config.h"

#include "insight/log_filter.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "model/json_number.h"

enum { FIELDS_MAX = 512, DEPTH_MAX = 16, NAME_MAX_BYTES = 256, JSON_MAX = 256 << 10, LIST_MAX = 32 };

struct fields {
	struct arena *arena;
	size_t n, cap, max;
	bool is_whole;		/* in place of the text: nothing of it is left out */
	bool is_lacking;	/* something was all the same */
	struct log_field *v;
};

static bool
has_name(const struct fields *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].name, name) == 0)
			return true;
	return false;
}

static void
add(struct fields *f, const char *name, const char *value, size_t len)
{
	struct buf b;

	f->is_lacking |= name[0] == '\0';
	if (f->n == f->max || name[0] == '\0' || (!f->is_whole && has_name(f, name)))
		return;
	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 16 : f->cap * 2;
		f->v = xreallocarray(f->v, f->cap, sizeof *f->v);
	}
	f->v[f->n].name = arena_strdup(f->arena, name);
	if (memchr(value, '\0', len) == NULL) {
		f->v[f->n++].value = arena_strndup(f->arena, value, len);
		return;
	}
	/* The text would end at it. */
	buf_init(&b, 4 * len);
	str_escape(&b, value, len);
	f->v[f->n++].value = arena_strndup(f->arena, b.data, b.len);
	buf_done(&b);
}

/* --- JSON -------------------------------------------------------------------------------------------------------------------- */

static void add_json(struct fields *f, const char *name, const json_t *json, unsigned depth);

static void
add_dumped(struct fields *f, const char *name, const json_t *json)
{
	char number[JSON_NUMBER_MAX], *text;

	/* As few digits as say the same: 33.6 stands in the line, not 33.600000000000001. */
	if (json_is_real(json)) {
		add(f, name, number, json_write_real(number, json_real_value(json)));
		return;
	}
	text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

	if (text != NULL)
		add(f, name, text, strlen(text));
	free(text);
}

static void
add_children(struct fields *f, const char *name, const json_t *json, unsigned depth)
{
	char child[NAME_MAX_BYTES];
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_object(json)) {
		json_object_foreach((json_t *)json, key, value) {
			if ((size_t)snprintf(child, sizeof child, "%s%s%s", name, name[0] == '\0' ? "" : ".", key) < sizeof child)
				add_json(f, child, value, depth + 1);
			else
				f->is_lacking = true;
			if (f->n == f->max)
				return;
		}
	} else {
		json_array_foreach(json, i, value) {
			if (i == LIST_MAX || f->n == f->max)
				return;
			if ((size_t)snprintf(child, sizeof child, "%s.%zu", name, i) < sizeof child)
				add_json(f, child, value, depth + 1);
		}
	}
}

static void
add_json(struct fields *f, const char *name, const json_t *json, unsigned depth)
{
	size_t size = json_is_object(json) ? json_object_size(json) : json_array_size(json);

	if (json_is_string(json))
		add(f, name, json_string_value(json), json_string_length(json));
	else if (size > 0 && depth < DEPTH_MAX && !(f->is_whole && json_is_array(json)))
		add_children(f, name, json, depth);
	else
		add_dumped(f, name, json);
}

/* The JSON object in the text; what stands before it (a time, a prefix) is passed over. */
static bool
add_json_text(struct fields *f, const char *text, size_t len, bool is_whole)
{
	const char *begin = memchr(text, '{', len);
	json_error_t error;
	json_t *json;

	if (begin == NULL || (is_whole && begin != text) || len > JSON_MAX)
		return false;
	json = json_loadb(begin, len - (size_t)(begin - text), JSON_ALLOW_NUL | JSON_DISABLE_EOF_CHECK, &error);
	if (!json_is_object(json)) {
		json_decref(json);
		return false;
	}
	add_json(f, "", json, 0);
	json_decref(json);
	return true;
}

/* --- logfmt ------------------------------------------------------------------------------------------------------------------ */

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' || c == '/' || c == '@';
}

/* name=value or name="a value", anywhere in the line. */
static void
add_logfmt(struct fields *f, const char *text, size_t len)
{
	const char *end = text + len, *p = text;
	struct buf value;

	buf_init(&value, len + 1);
	while (p < end && f->n < f->max) {
		const char *name = p;
		char copy[NAME_MAX_BYTES];

		while (p < end && is_name_char(*p))
			p++;
		if (p == name || p == end || *p != '=' || p + 1 == end || p[1] == '=' || (size_t)(p - name) >= sizeof copy) {
			p += p == name || (p < end && *p == '=');
			continue;
		}
		memcpy(copy, name, (size_t)(p - name));
		copy[p++ - name] = '\0';
		buf_reset(&value);
		if (*p == '"') {
			for (p++; p < end && *p != '"'; p++) {
				if (*p == '\\' && p + 1 < end && (p[1] == '"' || p[1] == '\\'))
					p++;
				buf_addch(&value, *p);
			}
			p += p < end;
		} else {
			while (p < end && *p != ' ' && *p != '\t' && *p != '\n' && (*p != ',' || f->is_whole) && *p != '"')
				buf_addch(&value, *p++);
		}
		add(f, copy, value.data, value.len);
	}
	buf_done(&value);
}

/* Nothing but pairs, two at least: one alone may be a word of a sentence. */
static bool
is_logfmt(const char *text, size_t len)
{
	const char *end = text + len, *p = text;
	unsigned n = 0;

	for (; p < end; n++) {
		const char *name = p;

		while (p < end && is_name_char(*p))
			p++;
		if (p == name || p - name >= NAME_MAX_BYTES || p + 1 >= end || *p != '=' || p[1] == '=')
			return false;
		if (*++p == '"') {
			for (p++; p < end && *p != '"'; p++)
				p += *p == '\\' && p + 1 < end;
			if (p == end)
				return false;
			p++;
		} else {
			while (p < end && *p != ' ' && *p != '\t' && *p != '\n' && *p != '"')
				p++;
		}
		if (p < end && *p != ' ')
			return false;
		while (p < end && *p == ' ')
			p++;
	}
	return n >= 2;
}

/* Into the arena. */
static size_t
take(struct fields *f, const struct log_field **ret)
{
	struct log_field *v = arena_alloc(f->arena, (f->n + 1) * sizeof *v);

	if (f->n > 0)
		memcpy(v, f->v, f->n * sizeof *v);
	free(f->v);
	*ret = v;
	return f->n;
}

size_t
log_text_fields(const char *text, size_t len, struct arena *arena, const struct log_field **ret)
{
	struct fields f = { .arena = arena, .max = LOG_TEXT_FIELDS_MAX, .is_whole = true };
	json_error_t error;
	json_t *json;

	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\r' || text[len - 1] == '\n'))
		len--;
	if (len > 0 && *text == '{') {
		json = json_loadb(text, len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
		if (json_is_object(json))
			add_json(&f, "", json, 0);
		json_decref(json);
		f.n = f.is_lacking ? 0 : f.n;
	} else if (is_logfmt(text, len)) {
		add_logfmt(&f, text, len);
	}
	return take(&f, ret);
}

size_t
log_fields(const struct log_ref *line, struct arena *arena, const struct log_field **ret)
{
	size_t len = line->len < JSON_MAX ? line->len : JSON_MAX;
	struct fields f = { .arena = arena, .max = FIELDS_MAX };

	if (line->fields != NULL)
		add_json_text(&f, line->fields, strlen(line->fields), true);
	if (!add_json_text(&f, line->text, line->len, false))
		add_logfmt(&f, line->text, len);
	return take(&f, ret);
}
