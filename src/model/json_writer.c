#include "config.h"

#include "model/json_writer.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "model/codec.h"
#include "model/json_number.h"

enum { ROOM_MIN = 64 };

/* --- bytes ---------------------------------------------------------------------------------------------------------------- */

void
json_writer_begin(struct json_writer *w, struct buf *b)
{
	size_t room = b->cap - 1 < b->max ? b->cap - 1 : b->max;

	*w = (struct json_writer){ .b = b, .p = b->data + b->len, .end = b->data + room, .is_over = b->is_over };
}

int
json_writer_end(struct json_writer *w)
{
	struct buf *b = w->b;

	if (w->is_over) {
		b->data[b->len] = '\0';
		b->is_over = true;
		return ERR_LIMIT;
	}
	b->len = (size_t)(w->p - b->data);
	b->data[b->len] = '\0';
	return 0;
}

void
json_writer_grow(struct json_writer *w, size_t more)
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

/* --- texts ------------------------------------------------------------------------------------------------------------------ */

static const unsigned char is_plain[256] = { [' '] = 1, ['!'] = 1, ['#' ... '['] = 1, [']' ... 0x7F] = 1 };

static void
put_escaped(struct json_writer *w, unsigned char c)
{
	static const char short_for[] = "btn\0fr", hex[] = "0123456789abcdef";
	char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	if (c == '"' || c == '\\')
		text[1] = (char)c;
	else if (c >= '\b' && c <= '\r' && c != '\v')
		text[1] = short_for[c - '\b'];
	json_put(w, text, text[1] == 'u' ? 6 : 2);
}

bool
json_put_string(struct json_writer *w, const char *s, size_t len)
{
	size_t used = (size_t)(w->p - w->b->data), i = 0;

	json_put_char(w, '"');
	while (i < len) {
		size_t begin = i, n;
		uint32_t cp;

		while (i < len && is_plain[(unsigned char)s[i]])
			i++;
		json_put(w, s + begin, i - begin);
		if (i == len)
			break;
		if ((unsigned char)s[i] < 0x80) {
			put_escaped(w, (unsigned char)s[i++]);
			continue;
		}
		n = utf8_decode(s + i, len - i, &cp);
		if (n == 0) {
			w->p = w->b->data + used;
			return false;
		}
		json_put(w, s + i, n);
		i += n;
	}
	json_put_char(w, '"');
	return true;
}

void
json_put_text(struct json_writer *w, const char *s)
{
	struct buf escaped;

	if (json_put_string(w, s, strlen(s)))
		return;
	codec_escape(&escaped, s);
	json_put_string(w, escaped.data, escaped.len);
	buf_done(&escaped);
}

/* --- values ------------------------------------------------------------------------------------------------------------------- */

void
json_put_integer(struct json_writer *w, int64_t v)
{
	if (json_has_room(w, JSON_NUMBER_MAX))
		w->p += json_write_integer(w->p, v);
}

void
json_put_double(struct json_writer *w, double v)
{
	if (isnan(v))
		json_put(w, "\"NaN\"", 5);
	else if (isinf(v))
		json_put(w, v > 0 ? "\"+Inf\"" : "\"-Inf\"", 6);
	else if (json_has_room(w, JSON_NUMBER_MAX))
		w->p += json_write_real(w->p, v);
}

void
json_put_time(struct json_writer *w, int64_t ns)
{
	if (!json_has_room(w, JSON_TIME_MAX + 2))
		return;
	*w->p++ = '"';
	w->p += json_write_time(w->p, ns);
	*w->p++ = '"';
}

void
json_put_labels(struct json_writer *w, const struct labels *l)
{
	json_put_char(w, '{');
	for (size_t i = 0; i < l->n; i++) {
		if (i > 0)
			json_put_char(w, ',');
		json_put_text(w, l->v[i].name);
		json_put_char(w, ':');
		json_put_text(w, l->v[i].value);
	}
	json_put_char(w, '}');
}

void
json_put_strings(struct json_writer *w, const struct strings *s)
{
	json_put_char(w, '[');
	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			json_put_char(w, ',');
		json_put_text(w, s->v[i]);
	}
	json_put_char(w, ']');
}

void
json_put_key(struct json_writer *w, const char *key)
{
	size_t len = strlen(key);

	if (!json_has_room(w, len + 4))
		return;
	if (w->p[-1] != '{')
		*w->p++ = ',';
	*w->p++ = '"';
	memcpy(w->p, key, len);
	w->p += len;
	*w->p++ = '"';
	*w->p++ = ':';
}

/* --- into a buffer ------------------------------------------------------------------------------------------------------------ */

void
json_add_text(struct buf *b, const char *s)
{
	struct json_writer w;

	json_writer_begin(&w, b);
	json_put_text(&w, s);
	json_writer_end(&w);
}

void
json_add_labels(struct buf *b, const struct labels *l)
{
	struct json_writer w;

	json_writer_begin(&w, b);
	json_put_labels(&w, l);
	json_writer_end(&w);
}

void
json_add_strings(struct buf *b, const struct strings *s)
{
	struct json_writer w;

	json_writer_begin(&w, b);
	json_put_strings(&w, s);
	json_writer_end(&w);
}

void
json_add_number(struct buf *b, double v)
{
	struct json_writer w;

	json_writer_begin(&w, b);
	/* An integer has no negative zero. */
	if (v == 0 && !signbit(v))
		json_put_char(&w, '0');
	else if (v != 0 && fabs(v) < 1e15 && v == (double)(int64_t)v)
		json_put_integer(&w, (int64_t)v);
	else
		json_put_double(&w, v);
	json_writer_end(&w);
}
