#include "config.h"

#include "model/codec.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/event.h"

enum { ENCODED_TEXT_MAX = 1 << 20 };

/* The field of type at offset in the struct at p. */
#define AT(p, type, offset) (*(type *)((char *)(p) + (offset)))
#define CONST_AT(p, type, offset) (*(const type *)((const char *)(p) + (offset)))

/* --- to JSON ---------------------------------------------------------------------------------------------------------- */

static json_t *encode_value(const struct field *f, const void *p);

static const char *
text_at(const struct field *f, const void *p)
{
	return *(const char *const *)((const char *)p + f->offset);
}

void
codec_escape(struct buf *b, const char *s)
{
	buf_init(b, ENCODED_TEXT_MAX);
	str_escape(b, s, strlen(s));
}

json_t *
codec_text(const char *s)
{
	json_t *json = json_string(s);
	struct buf b;

	if (json != NULL)
		return json;
	codec_escape(&b, s);
	json = json_stringn_nocheck(b.data, b.len);
	buf_done(&b);
	return json;
}

json_t *
codec_time(int64_t ns)
{
	char text[CLOCK_TEXT_MAX];

	return json_string(clock_format(text, ns, 9));
}

json_t *
codec_double(double v)
{
	if (isnan(v))
		return json_string("NaN");
	if (isinf(v))
		return json_string(v > 0 ? "+Inf" : "-Inf");
	return json_real(v);
}

json_t *
codec_enum(const char *const *names, int value)
{
	for (int i = 0; names[i] != NULL; i++)
		if (i == value)
			return json_string(names[i]);
	return json_string(names[0]);
}

static json_t *
encode_labels(const struct labels *l)
{
	json_t *object = json_object();

	for (size_t i = 0; i < l->n; i++) {
		json_t *name = codec_text(l->v[i].name);

		json_object_set_new(object, json_string_value(name), codec_text(l->v[i].value));
		json_decref(name);
	}
	return object;
}

static json_t *
encode_strings(const struct strings *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(list, codec_text(s->v[i]));
	return list;
}

static json_t *
encode_times(const struct field *f, const void *p)
{
	const int64_t *v = CONST_AT(p, int64_t *, f->offset);
	size_t n = CONST_AT(p, size_t, f->n_offset);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, codec_time(v[i]));
	return list;
}

static json_t *
encode_floats(const struct field *f, const void *p)
{
	const float *v = CONST_AT(p, float *, f->offset);
	size_t n = CONST_AT(p, size_t, f->n_offset);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, codec_double((double)v[i]));
	return list;
}

static json_t *
encode_list(const struct field *f, const void *p)
{
	const char *item;
	size_t n = CONST_AT(p, size_t, f->n_offset);
	json_t *list = json_array();

	/* Copied, as it is a pointer to a struct that this function does not know. */
	memcpy(&item, (const char *)p + f->offset, sizeof item);
	for (size_t i = 0; i < n; i++, item += f->size) {
		json_t *one;

		if (f->type == FIELD_LIST) {
			one = json_object();
			codec_encode(one, f->sub, item);
		} else {
			one = json_array();
			for (const struct field *sub = f->sub; sub->key != NULL; sub++)
				json_array_append_new(one, encode_value(sub, item));
		}
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *
encode_value(const struct field *f, const void *p)
{
	const char *text;

	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_TEXT_OR_NULL:
		text = text_at(f, p);
		/* One that may be NULL is left out of an object then; in a list it has its place. */
		if (text == NULL && f->type == FIELD_TEXT_OR_NULL)
			return json_null();
		return text == NULL ? codec_text("") : codec_text(text);
	case FIELD_BOOL:
		return json_boolean(CONST_AT(p, bool, f->offset));
	case FIELD_ENUM:
		return codec_enum(f->names, CONST_AT(p, int, f->offset));
	case FIELD_TIME:
		return codec_time(CONST_AT(p, int64_t, f->offset));
	case FIELD_TIMES:
		return encode_times(f, p);
	case FIELD_FLOATS:
		return encode_floats(f, p);
	case FIELD_NS:
	case FIELD_NS_OR_NEVER:
		return json_integer(CONST_AT(p, int64_t, f->offset));
	case FIELD_SIZE:
		return json_integer((json_int_t)CONST_AT(p, size_t, f->offset));
	case FIELD_UINT:
		return json_integer(CONST_AT(p, unsigned, f->offset));
	case FIELD_UINT64:
		return json_integer((json_int_t)(CONST_AT(p, uint64_t, f->offset) & INT64_MAX));
	case FIELD_INT_OR_NONE:
		return json_integer(CONST_AT(p, int, f->offset));
	case FIELD_LONG:
		return json_integer(CONST_AT(p, long, f->offset));
	case FIELD_DOUBLE:
	case FIELD_DOUBLE_OR_NAN:
		return codec_double(CONST_AT(p, double, f->offset));
	case FIELD_LABELS:
		return encode_labels(&CONST_AT(p, struct labels, f->offset));
	case FIELD_STRINGS:
		return encode_strings(&CONST_AT(p, struct strings, f->offset));
	case FIELD_LIST:
	case FIELD_TUPLES:
		return encode_list(f, p);
	}
	return json_null();
}

bool
codec_is_left_out(const struct field *f, const void *p)
{
	return (f->type == FIELD_TEXT_OR_NULL && text_at(f, p) == NULL) ||
	    (f->type == FIELD_DOUBLE_OR_NAN && isnan(CONST_AT(p, double, f->offset))) ||
	    (f->type == FIELD_NS_OR_NEVER && CONST_AT(p, int64_t, f->offset) == INT64_MAX) ||
	    (f->type == FIELD_INT_OR_NONE && CONST_AT(p, int, f->offset) < 0);
}

void
codec_encode(json_t *object, const struct field *fields, const void *p)
{
	for (const struct field *f = fields; f->key != NULL; f++)
		if (!codec_is_left_out(f, p))
			json_object_set_new(object, f->key, encode_value(f, p));
}

/* --- from JSON -------------------------------------------------------------------------------------------------------- */

static int decode_value(const json_t *json, const struct field *f, void *p, struct arena *arena, struct err *err);

static int
expected(const struct field *f, const char *what, struct err *err)
{
	return err_set(err, ERR_INVALID, "%s: expected %s", f->key, what);
}

/* NULL when json is not a string, or one that C cannot hold. */
static const char *
take_text(const json_t *json, struct arena *arena)
{
	const char *s = json_string_value(json);

	if (s == NULL || strlen(s) != json_string_length(json))
		return NULL;
	return s[0] == '\0' ? "" : arena_strdup(arena, s);
}

static int
decode_integer(const json_t *json, const struct field *f, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
	json_int_t v = json_integer_value(json);

	if (!json_is_integer(json) || v < min || v > max)
		return expected(f, min == 0 ? "an integer from 0 on" : "an integer", err);
	*ret = v;
	return 0;
}

static int
decode_double(const json_t *json, const struct field *f, double *ret, struct err *err)
{
	static const struct {
		const char *text;
		double v;
	} words[] = { { "NaN", NAN }, { "+Inf", INFINITY }, { "-Inf", -INFINITY } };

	if (json_is_number(json)) {
		*ret = json_number_value(json);
		return 0;
	}
	for (size_t i = 0; json_is_string(json) && i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(json_string_value(json), words[i].text) == 0) {
			*ret = words[i].v;
			return 0;
		}
	}
	return expected(f, "a number, \"NaN\", \"+Inf\" or \"-Inf\"", err);
}

static int
decode_enum(const json_t *json, const struct field *f, int *ret, struct err *err)
{
	for (int i = 0; json_is_string(json) && f->names[i] != NULL; i++) {
		if (strcmp(json_string_value(json), f->names[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	return expected(f, "one of its words", err);
}

static int
decode_time(const json_t *json, const struct field *f, int64_t *ret, struct err *err)
{
	int64_t ns;

	if (!json_is_string(json) || clock_parse(json_string_value(json), &ns, NULL) < 0)
		return expected(f, "a time in RFC 3339 form", err);
	/* The end of time stays what it is: "no end". */
	*ret = ns == INT64_MAX ? ns : clock_within(ns);
	return 0;
}

static int
decode_times(const json_t *json, const struct field *f, void *p, struct arena *arena, struct err *err)
{
	size_t n = json_array_size(json);
	int64_t *v;

	if (!json_is_array(json))
		return expected(f, "a list of times", err);
	v = arena_alloc(arena, n * sizeof *v);
	for (size_t i = 0; i < n; i++)
		if (decode_time(json_array_get(json, i), f, &v[i], err) < 0)
			return ERR_INVALID;
	AT(p, const int64_t *, f->offset) = v;
	AT(p, size_t, f->n_offset) = n;
	return 0;
}

static int
decode_floats(const json_t *json, const struct field *f, void *p, struct arena *arena, struct err *err)
{
	size_t n = json_array_size(json);
	float *v;

	if (!json_is_array(json))
		return expected(f, "a list of numbers", err);
	v = arena_alloc(arena, n * sizeof *v);
	for (size_t i = 0; i < n; i++) {
		double wide;

		if (decode_double(json_array_get(json, i), f, &wide, err) < 0)
			return ERR_INVALID;
		/* Beyond what a float holds is as far as there is. */
		v[i] = fabs(wide) > FLT_MAX ? (float)copysign(INFINITY, wide) : (float)wide;
	}
	AT(p, const float *, f->offset) = v;
	AT(p, size_t, f->n_offset) = n;
	return 0;
}

static int
label_compare(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

static int
decode_labels(const json_t *json, const struct field *f, struct labels *ret, struct arena *arena, struct err *err)
{
	struct label *v;
	const char *name;
	json_t *value;
	size_t n = 0;

	if (!json_is_object(json))
		return expected(f, "an object of labels", err);
	v = arena_alloc(arena, json_object_size(json) * sizeof *v);
	json_object_foreach((json_t *)json, name, value) {
		v[n].name = arena_strdup(arena, name);
		v[n].value = take_text(value, arena);
		if (v[n++].value == NULL)
			return expected(f, "values that are text", err);
	}
	qsort(v, n, sizeof *v, label_compare);
	*ret = (struct labels){ n, v };
	return 0;
}

static int
decode_strings(const json_t *json, const struct field *f, struct strings *ret, struct arena *arena, struct err *err)
{
	size_t n = json_array_size(json);
	const char **v;

	if (!json_is_array(json))
		return expected(f, "a list of texts", err);
	v = arena_alloc(arena, n * sizeof *v);
	for (size_t i = 0; i < n; i++)
		if ((v[i] = take_text(json_array_get(json, i), arena)) == NULL)
			return expected(f, "a list of texts", err);
	*ret = (struct strings){ n, v };
	return 0;
}

static int
decode_tuple(const json_t *json, const struct field *fields, void *p, struct arena *arena, struct err *err)
{
	size_t n = 0;
	int r = 0;

	while (fields[n].key != NULL)
		n++;
	if (!json_is_array(json) || json_array_size(json) != n)
		return err_set(err, ERR_INVALID, "expected a list of %zu", n);
	for (size_t i = 0; i < n && r == 0; i++)
		r = decode_value(json_array_get(json, i), &fields[i], p, arena, err);
	return r;
}

static int
decode_list(const json_t *json, const struct field *f, void *p, struct arena *arena, struct err *err)
{
	size_t n = json_array_size(json);
	char *v;

	if (!json_is_array(json))
		return expected(f, "a list", err);
	v = arena_alloc(arena, n * f->size);
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(json, i);
		int r;

		if (f->type == FIELD_LIST)
			r = codec_decode(one, f->sub, v + i * f->size, arena, err);
		else
			r = decode_tuple(one, f->sub, v + i * f->size, arena, err);
		if (r < 0) {
			err_prefix(err, "%s[%zu]", f->key, i);
			return r;
		}
	}
	memcpy((char *)p + f->offset, &v, sizeof v);
	AT(p, size_t, f->n_offset) = n;
	return 0;
}

static int
decode_text(const json_t *json, const struct field *f, const char **ret, struct arena *arena, struct err *err)
{
	const char *text;

	if (f->type == FIELD_TEXT_OR_NULL && json_is_null(json))
		return 0;
	text = take_text(json, arena);
	if (text == NULL)
		return expected(f, "a text without NUL", err);
	*ret = text;
	return 0;
}

static int64_t
number_max(enum field_type type)
{
	return type == FIELD_UINT ? UINT32_MAX : type == FIELD_INT_OR_NONE ? INT32_MAX : INT64_MAX;
}

static int
decode_number(const json_t *json, const struct field *f, void *p, struct err *err)
{
	int64_t v = 0;
	bool is_signed = f->type == FIELD_NS || f->type == FIELD_NS_OR_NEVER || f->type == FIELD_LONG;
	int r = decode_integer(json, f, is_signed ? INT64_MIN : 0, number_max(f->type), &v, err);

	if (r < 0)
		return r;
	if (f->type == FIELD_SIZE)
		AT(p, size_t, f->offset) = (size_t)v;
	else if (f->type == FIELD_UINT)
		AT(p, unsigned, f->offset) = (unsigned)v;
	else if (f->type == FIELD_UINT64)
		AT(p, uint64_t, f->offset) = (uint64_t)v;
	else if (f->type == FIELD_INT_OR_NONE)
		AT(p, int, f->offset) = (int)v;
	else if (f->type == FIELD_LONG)
		AT(p, long, f->offset) = (long)v;
	else if (f->type == FIELD_NS_OR_NEVER && v == INT64_MAX)
		AT(p, int64_t, f->offset) = v;
	else
		AT(p, int64_t, f->offset) = clock_within(v);
	return 0;
}

static int
decode_value(const json_t *json, const struct field *f, void *p, struct arena *arena, struct err *err)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_TEXT_OR_NULL:
		return decode_text(json, f, &AT(p, const char *, f->offset), arena, err);
	case FIELD_BOOL:
		if (!json_is_boolean(json))
			return expected(f, "true or false", err);
		AT(p, bool, f->offset) = json_is_true(json);
		return 0;
	case FIELD_ENUM:
		return decode_enum(json, f, &AT(p, int, f->offset), err);
	case FIELD_TIME:
		return decode_time(json, f, &AT(p, int64_t, f->offset), err);
	case FIELD_TIMES:
		return decode_times(json, f, p, arena, err);
	case FIELD_FLOATS:
		return decode_floats(json, f, p, arena, err);
	case FIELD_NS:
	case FIELD_NS_OR_NEVER:
	case FIELD_SIZE:
	case FIELD_UINT:
	case FIELD_UINT64:
	case FIELD_INT_OR_NONE:
	case FIELD_LONG:
		return decode_number(json, f, p, err);
	case FIELD_DOUBLE:
	case FIELD_DOUBLE_OR_NAN:
		return decode_double(json, f, &AT(p, double, f->offset), err);
	case FIELD_LABELS:
		return decode_labels(json, f, &AT(p, struct labels, f->offset), arena, err);
	case FIELD_STRINGS:
		return decode_strings(json, f, &AT(p, struct strings, f->offset), arena, err);
	case FIELD_LIST:
	case FIELD_TUPLES:
		return decode_list(json, f, p, arena, err);
	}
	return ERR_INVALID;
}

int
codec_decode(const json_t *object, const struct field *fields, void *p, struct arena *arena, struct err *err)
{
	if (!json_is_object(object))
		return err_set(err, ERR_INVALID, "expected an object");
	for (const struct field *f = fields; f->key != NULL; f++) {
		const json_t *json = json_object_get(object, f->key);
		int r;

		if (f->type == FIELD_TEXT)
			AT(p, const char *, f->offset) = "";
		else if (f->type == FIELD_DOUBLE_OR_NAN)
			AT(p, double, f->offset) = NAN;
		else if (f->type == FIELD_NS_OR_NEVER)
			AT(p, int64_t, f->offset) = INT64_MAX;
		else if (f->type == FIELD_INT_OR_NONE)
			AT(p, int, f->offset) = -1;
		if (json == NULL)
			continue;
		r = decode_value(json, f, p, arena, err);
		if (r < 0)
			return r;
	}
	return 0;
}
