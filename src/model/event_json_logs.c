/*
 * Lines of logs as JSON. A line is a list: [time in ns, text, level, number of its stream, fields, id], of which all after the text may be left out.
 *
 * A view is written with its newest lines, and read with those alone; what the filter lets through of all others, the app works out anew.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "model/event_fields.h"
#include "model/log.h"
#include "model/model_priv.h"

enum { VIEW_LINES_MAX = 1000 };

const char *const log_level_words[] = { "unknown", "trace", "debug", "info", "notice", "warning", "error", "critical", NULL };

static const struct field stream_fields[] = {
	F("labels", FIELD_LABELS, log_stream, labels),
	F("service", FIELD_TEXT, log_stream, service),
	F_END
};
const struct field log_batch_fields[] = {
	F("want", FIELD_TEXT, log_batch, want),
	F_LIST("streams", FIELD_LIST, log_batch, streams, n_streams, stream_fields),
	F("start", FIELD_TIME, log_batch, start_ns),
	F("end", FIELD_TIME, log_batch, end_ns),
	F("n_cut", FIELD_SIZE, log_batch, n_cut),
	F("note", FIELD_TEXT_OR_NULL, log_batch, note),
	F_END
};
static const struct field bucket_fields[] = {
	F("unknown", FIELD_UINT, log_bucket, n[LOG_LEVEL_UNKNOWN]),
	F("trace", FIELD_UINT, log_bucket, n[LOG_LEVEL_TRACE]),
	F("debug", FIELD_UINT, log_bucket, n[LOG_LEVEL_DEBUG]),
	F("info", FIELD_UINT, log_bucket, n[LOG_LEVEL_INFO]),
	F("notice", FIELD_UINT, log_bucket, n[LOG_LEVEL_NOTICE]),
	F("warning", FIELD_UINT, log_bucket, n[LOG_LEVEL_WARNING]),
	F("error", FIELD_UINT, log_bucket, n[LOG_LEVEL_ERROR]),
	F("critical", FIELD_UINT, log_bucket, n[LOG_LEVEL_CRITICAL]),
	F_END
};
static const struct field service_fields[] = {
	F("name", FIELD_TEXT, log_service, name),
	F("errors", FIELD_SIZE, log_service, n_errors),
	F("lines", FIELD_SIZE, log_service, n_lines),
	F_END
};
const struct field log_view_fields[] = {
	F("query", FIELD_TEXT, log_view, query),
	F("error", FIELD_TEXT, log_view, error),
	F("partial", FIELD_BOOL, log_view, is_partial),
	F("n", FIELD_SIZE, log_view, n),
	F("n_of", FIELD_SIZE, log_view, n_of),
	F("start", FIELD_TIME, log_view, start_ns),
	F("step_ns", FIELD_NS, log_view, step_ns),
	F_LIST("buckets", FIELD_TUPLES, log_view, buckets, n_buckets, bucket_fields),
	F("least", FIELD_BOOL, log_view, are_least),
	F_LIST("services", FIELD_LIST, log_view, services, n_services, service_fields),
	F_END
};
static const struct field pattern_fields[] = {
	F("id", FIELD_UINT64, log_pattern, id),
	F("text", FIELD_TEXT, log_pattern, text),
	F("example", FIELD_TEXT, log_pattern, example),
	F("n", FIELD_SIZE, log_pattern, n),
	F_ENUM("level", log_pattern, level, log_level_words),
	F("first", FIELD_TIME, log_pattern, first_ns),
	F("last", FIELD_TIME, log_pattern, last_ns),
	F("new", FIELD_BOOL, log_pattern, is_new),
	F("unknown", FIELD_BOOL, log_pattern, is_unknown),
	F("services", FIELD_TEXT, log_pattern, services),
	F_END
};
const struct field log_pattern_set_fields[] = {
	F_LIST("patterns", FIELD_LIST, log_pattern_set, v, n, pattern_fields),
	F("n_lines", FIELD_SIZE, log_pattern_set, n_lines),
	F("n_others", FIELD_SIZE, log_pattern_set, n_others),
	F("new_since", FIELD_TIME, log_pattern_set, new_since_ns),
	F_END
};

/* --- to JSON ------------------------------------------------------------------------------------------------------------- */

void
log_text_escape(const char *text, size_t len, struct buf *b)
{
	for (size_t i = 0, n; i < len; i += n) {
		uint32_t cp;

		n = utf8_decode(text + i, len - i, &cp);
		if (n > 0)
			buf_add(b, text + i, n);
		else
			buf_printf(b, "\\x%02X", (unsigned)(unsigned char)text[i]);
		n = n > 0 ? n : 1;
	}
}

static json_t *
text_to_json(const char *text, size_t len)
{
	json_t *json = json_stringn(text, len);
	struct buf b;

	if (json != NULL)
		return json;
	buf_init(&b, len * 4 + 1);
	log_text_escape(text, len, &b);
	json = json_stringn(b.data, b.len);
	buf_done(&b);
	return json;
}

static json_t *
text_or_null(const char *text)
{
	return text == NULL ? json_null() : codec_text(text);
}

static void
extras_to_json(json_t *list, const char *fields, const char *id)
{
	if (fields == NULL && id == NULL)
		return;
	json_array_append_new(list, text_or_null(fields));
	json_array_append_new(list, text_or_null(id));
}

json_t *
log_lines_to_json(const struct log_batch *batch)
{
	json_t *list = json_array();

	for (size_t i = 0; i < batch->n; i++) {
		const struct log_line *line = &batch->v[i];
		json_t *one = json_array();

		json_array_append_new(one, json_integer(line->time_ns));
		json_array_append_new(one, text_to_json(line->text, line->len));
		json_array_append_new(one, codec_enum(log_level_words, (int)line->level));
		json_array_append_new(one, json_integer(line->stream));
		extras_to_json(one, line->fields, line->id);
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *
labels_to_json(const struct labels *l)
{
	json_t *object = json_object();

	for (size_t i = 0; i < l->n; i++) {
		json_t *name = codec_text(l->v[i].name);

		json_object_set_new(object, json_string_value(name), codec_text(l->v[i].value));
		json_decref(name);
	}
	return object;
}

json_t *
log_view_lines_to_json(const struct log_view *v)
{
	json_t *list = json_array();

	for (size_t i = v->n > VIEW_LINES_MAX ? v->n - VIEW_LINES_MAX : 0; i < v->n; i++) {
		json_t *one = json_array();
		struct log_ref line;

		log_view_line(v, i, &line);
		json_array_append_new(one, json_integer(line.time_ns));
		json_array_append_new(one, text_to_json(line.text, line.len));
		json_array_append_new(one, codec_enum(log_level_words, (int)line.level));
		json_array_append_new(one, codec_text(line.source));
		json_array_append_new(one, codec_text(line.service));
		json_array_append_new(one, labels_to_json(line.labels));
		extras_to_json(one, line.fields, line.id);
		json_array_append_new(list, one);
	}
	return list;
}

void
log_trends_to_json(const struct log_pattern_set *set, json_t *patterns)
{
	for (size_t i = 0; i < set->n; i++) {
		json_t *trend = json_array();

		for (size_t j = 0; j < LOG_TREND && set->v[i].trend != NULL; j++)
			json_array_append_new(trend, json_integer(set->v[i].trend[j]));
		json_object_set_new(json_array_get(patterns, i), "trend", trend);
	}
}

/* --- from JSON ----------------------------------------------------------------------------------------------------------- */

static int
wrong(struct err *err, const char *list, size_t i, const char *what)
{
	return err_set(err, ERR_INVALID, "%s[%zu]: expected %s", list, i, what);
}

static int
time_from_json(const json_t *json, int64_t *ret)
{
	if (json_is_integer(json))
		*ret = clock_within(json_integer_value(json));
	else if (!json_is_string(json) || clock_parse(json_string_value(json), ret, NULL) < 0)
		return ERR_INVALID;
	*ret = clock_within(*ret);
	return 0;
}

static int
level_from_json(const json_t *json, enum line_level *ret)
{
	for (int i = 0; json_is_string(json) && log_level_words[i] != NULL; i++) {
		if (strcmp(json_string_value(json), log_level_words[i]) == 0) {
			*ret = (enum line_level)i;
			return 0;
		}
	}
	return json == NULL ? 0 : ERR_INVALID;
}

/* A text without NUL; an object as its text. */
static int
extra_from_json(const json_t *json, struct arena *arena, const char **ret)
{
	char *text;

	if (json == NULL || json_is_null(json))
		return 0;
	if (json_is_object(json)) {
		text = json_dumps(json, JSON_COMPACT);
		*ret = arena_strdup(arena, text);
		free(text);
		return 0;
	}
	if (!json_is_string(json) || strlen(json_string_value(json)) != json_string_length(json))
		return ERR_INVALID;
	*ret = arena_strdup(arena, json_string_value(json));
	return 0;
}

static int
line_from_json(const json_t *json, struct log_line *ret, struct arena *arena, const char **ret_what)
{
	const json_t *text = json_array_get(json, 1), *stream = json_array_get(json, 3);

	*ret_what = "[time, text, level, stream, fields, id]";
	if (!json_is_array(json) || json_array_size(json) < 2 || time_from_json(json_array_get(json, 0), &ret->time_ns) < 0 || !json_is_string(text))
		return ERR_INVALID;
	ret->len = json_string_length(text);
	ret->text = arena_strndup(arena, json_string_value(text), ret->len);
	*ret_what = "a level, such as \"error\"";
	if (level_from_json(json_array_get(json, 2), &ret->level) < 0)
		return ERR_INVALID;
	*ret_what = "the number of a stream";
	if (stream != NULL && (!json_is_integer(stream) || json_integer_value(stream) < 0 || json_integer_value(stream) > UINT32_MAX))
		return ERR_INVALID;
	ret->stream = (uint32_t)json_integer_value(stream);
	*ret_what = "fields and id that are texts, or null";
	if (extra_from_json(json_array_get(json, 4), arena, &ret->fields) < 0)
		return ERR_INVALID;
	return extra_from_json(json_array_get(json, 5), arena, &ret->id);
}

int
log_lines_from_json(const json_t *json, struct log_batch *batch, struct err *err)
{
	size_t n = json_array_size(json);
	struct log_line *v;

	if (json != NULL && !json_is_array(json))
		return err_set(err, ERR_INVALID, "lines: expected a list");
	v = arena_alloc(&batch->block.arena, n * sizeof *v);
	for (size_t i = 0; i < n; i++) {
		const char *what;

		if (line_from_json(json_array_get(json, i), &v[i], &batch->block.arena, &what) < 0)
			return wrong(err, "lines", i, what);
		if (v[i].stream >= batch->n_streams && (v[i].stream > 0 || batch->n_streams > 0))
			return wrong(err, "lines", i, "a stream that is in streams");
	}
	batch->v = v;
	batch->n = n;
	return 0;
}

static int
label_compare(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

static int
labels_from_json(const json_t *json, struct arena *arena, const struct labels **ret)
{
	struct labels *l = arena_alloc(arena, sizeof *l);
	struct label *v = arena_alloc(arena, json_object_size(json) * sizeof *v);
	const char *name;
	json_t *value;

	if (json != NULL && !json_is_object(json))
		return ERR_INVALID;
	json_object_foreach((json_t *)json, name, value) {
		const char *text = NULL;

		if (extra_from_json(value, arena, &text) < 0 || text == NULL)
			return ERR_INVALID;
		v[l->n++] = (struct label){ arena_strdup(arena, name), text };
	}
	qsort(v, l->n, sizeof *v, label_compare);
	l->v = v;
	*ret = l;
	return 0;
}

static int
view_line_from_json(const json_t *json, struct log_ref *ret, struct arena *arena)
{
	struct log_line line = { 0 };
	const json_t *text = json_array_get(json, 1);

	ret->source = ret->service = "";
	if (!json_is_array(json) || time_from_json(json_array_get(json, 0), &ret->time_ns) < 0 || !json_is_string(text) ||
	    level_from_json(json_array_get(json, 2), &line.level) < 0 || extra_from_json(json_array_get(json, 3), arena, &ret->source) < 0 ||
	    extra_from_json(json_array_get(json, 4), arena, &ret->service) < 0 || labels_from_json(json_array_get(json, 5), arena, &ret->labels) < 0 ||
	    extra_from_json(json_array_get(json, 6), arena, &ret->fields) < 0 || extra_from_json(json_array_get(json, 7), arena, &ret->id) < 0)
		return ERR_INVALID;
	ret->level = line.level;
	ret->text = json_string_value(text);
	ret->len = json_string_length(text);
	return 0;
}

int
log_view_lines_from_json(const json_t *json, struct log_view *v, struct err *err)
{
	size_t n = json_array_size(json);
	struct log_part *part;
	struct log_ref *lines;
	int r = 0;

	log_view_init(v);
	if (json != NULL && !json_is_array(json))
		return err_set(err, ERR_INVALID, "lines: expected a list");
	if (v->n_buckets > 0 && v->step_ns <= 0)
		return err_set(err, ERR_INVALID, "step_ns: expected more than 0, as there are buckets");
	v->n = 0;
	if (n == 0)
		return 0;
	lines = xcalloc(n, sizeof *lines);
	for (size_t i = 0; i < n && r == 0; i++)
		if (view_line_from_json(json_array_get(json, i), &lines[i], &v->block.arena) < 0)
			r = wrong(err, "lines", i, "[time, text, level, source, service, labels, fields, id]");
	if (r == 0) {
		part = arena_alloc(&v->block.arena, sizeof *part);
		*part = (struct log_part){ .segment = log_segment_new(lines, n), .n = n };
		v->parts = part;
		v->n_parts = 1;
		v->n = log_segment_n(part->segment);
		part->n = v->n;
	}
	free(lines);
	return r;
}

int
log_trends_from_json(const json_t *patterns, struct log_pattern_set *set, struct err *err)
{
	for (size_t i = 0; i < set->n; i++) {
		const json_t *trend = json_object_get(json_array_get(patterns, i), "trend");
		uint32_t *v = arena_alloc(&set->block.arena, LOG_TREND * sizeof *v);

		if (trend != NULL && (!json_is_array(trend) || json_array_size(trend) > LOG_TREND))
			return wrong(err, "patterns", i, "a trend of at most 24 counts");
		for (size_t j = 0; j < json_array_size(trend); j++) {
			const json_t *one = json_array_get(trend, j);

			if (!json_is_integer(one) || json_integer_value(one) < 0 || json_integer_value(one) > UINT32_MAX)
				return wrong(err, "patterns", i, "counts in its trend");
			v[j] = (uint32_t)json_integer_value(one);
		}
		((struct log_pattern *)&set->v[i])->trend = v;
	}
	return 0;
}
