#include "config.h"

#include "record/words.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "model/json_number.h"

enum { TEXT_MAX = 1 << 20 };	/* of a text that is escaped: as the codec has it */

static void
quoted(struct buf *b, const char *s, size_t len)
{
	size_t done = 0;

	buf_addch(b, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(b, s + done, i - done);
		done = i + 1;
		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c == '\n')
			buf_addstr(b, "\\n");
		else
			buf_printf(b, "\\u%04x", c);
	}
	buf_add(b, s + done, len - done);
	buf_addch(b, '"');
}

void
words_text(struct buf *b, const char *s)
{
	size_t len = strlen(s);
	struct buf escaped;

	if (utf8_is_valid(s, len)) {
		quoted(b, s, len);
		return;
	}
	buf_init(&escaped, TEXT_MAX);
	str_escape(&escaped, s, len);
	quoted(b, escaped.data, escaped.len);
	buf_done(&escaped);
}

void
words_double(struct buf *b, double v)
{
	char text[JSON_NUMBER_MAX];

	if (isnan(v) || isinf(v)) {
		buf_addstr(b, isnan(v) ? "\"NaN\"" : v > 0 ? "\"+Inf\"" : "\"-Inf\"");
		return;
	}
	if (v == 0) {
		/* an integer has no negative zero */
		buf_addstr(b, signbit(v) ? "-0.0" : "0");
		return;
	}
	if (fabs(v) < 1e15 && v == (double)(int64_t)v) {
		buf_printf(b, "%" PRId64, (int64_t)v);
		return;
	}
	buf_add(b, text, json_write_real(text, v));
}

void
words_labels(struct buf *b, const struct labels *l)
{
	buf_addch(b, '{');
	for (size_t i = 0; i < l->n; i++) {
		if (i > 0)
			buf_addch(b, ',');
		words_text(b, l->v[i].name);
		buf_addch(b, ':');
		words_text(b, l->v[i].value);
	}
	buf_addch(b, '}');
}

void
words_strings(struct buf *b, const struct strings *s)
{
	buf_addch(b, '[');
	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			buf_addch(b, ',');
		words_text(b, s->v[i]);
	}
	buf_addch(b, ']');
}
