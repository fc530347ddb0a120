#include "config.h"

#include "source/json_slice.h"

#include <string.h>

#include "base/jread.h"
#include "base/str.h"
#include "source/intern.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* --- what no reader would take ------------------------------------------------------------------------------------- */

static bool
hex4(const char *p, unsigned *ret)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			v = v * 16 + (unsigned)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = v * 16 + (unsigned)((c | 32) - 'a') + 10;
		else
			return false;
	}
	*ret = v;
	return true;
}

/* The length of the escape at p, and whether it is half of a pair. */
static size_t
escape_len(const char *p, size_t len, bool *ret_is_half)
{
	unsigned first, second;

	*ret_is_half = false;
	if (len < 6 || p[1] != 'u' || !hex4(p + 2, &first))
		return len < 2 ? 1 : 2;
	if (first < 0xd800 || first > 0xdfff)
		return 6;
	if (first < 0xdc00 && len >= 12 && p[6] == '\\' && p[7] == 'u' && hex4(p + 8, &second) && second >= 0xdc00 &&
	    second <= 0xdfff)
		return 12;
	*ret_is_half = true;
	return 6;
}

/* How many bytes can be kept as they are at p, 0: *ret_bad of them cannot. */
static size_t
good_len(const char *p, size_t len, size_t *ret_bad)
{
	uint32_t cp;
	size_t n;
	bool is_half;

	if (*p == '\\') {
		n = escape_len(p, len, &is_half);
		*ret_bad = n;
		return is_half ? 0 : n;
	}
	if ((unsigned char)*p < 0x80)
		return 1;
	*ret_bad = 1;
	return utf8_decode(p, len, &cp);
}

/* Nearly always there is nothing to mend, and nothing is copied. */
static int
mend(const char *body, size_t len, struct buf *b)
{
	size_t from = 0, bad = 0, n;
	int r = 0;

	for (size_t i = 0; i < len && r == 0; i += n) {
		n = good_len(body + i, len - i, &bad);
		if (n > 0)
			continue;
		r = buf_add(b, body + from, i - from);
		if (r == 0)
			r = buf_addstr(b, REPLACEMENT);
		n = bad;
		from = i + n;
	}
	if (r == 0 && from > 0)
		r = buf_add(b, body + from, len - from);
	return r;
}

static int
check(const char *body, size_t len, struct err *err)
{
	static const struct jread_ops nothing = { 0 };
	struct jread reader;
	int r;

	jread_init(&reader, &nothing, NULL, SLICE_DEPTH_MAX, len + 1);
	r = jread_push(&reader, body, len, err);
	if (r == 0)
		r = jread_finish(&reader, err);
	jread_done(&reader);
	return r;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int
slice_of(const char *body, size_t len, const char *what, struct buf *mended, struct slice *ret, struct err *err)
{
	int r = mend(body, len, mended);

	if (r < 0)
		return err_set(err, r, "the answer is too large");
	if (mended->len > 0) {
		body = mended->data;
		len = mended->len;
	}
	while (len > 0 && is_blank(body[0])) {
		body++;
		len--;
	}
	while (len > 0 && is_blank(body[len - 1]))
		len--;
	if (len == 0)
		return err_set(err, ERR_SYNTAX, "the body is empty, not %s", what);
	r = check(body, len, err);
	if (r < 0) {
		err_prefix(err, "not %s", what);
		return r;
	}
	*ret = (struct slice){ body, len };
	return 0;
}

/* --- walking --------------------------------------------------------------------------------------------------------- */

static size_t
skip_blanks(struct slice s, size_t i)
{
	while (i < s.len && is_blank(s.p[i]))
		i++;
	return i;
}

/* Behind the string that begins at i. */
static size_t
skip_string(struct slice s, size_t i)
{
	for (i++; i < s.len && s.p[i] != '"'; i++)
		i += s.p[i] == '\\';
	return i < s.len ? i + 1 : s.len;
}

static size_t
skip_value(struct slice s, size_t i)
{
	size_t depth = 0;

	if (i < s.len && s.p[i] == '"')
		return skip_string(s, i);
	if (i < s.len && s.p[i] != '{' && s.p[i] != '[') {
		while (i < s.len && !is_blank(s.p[i]) && s.p[i] != ',' && s.p[i] != '}' && s.p[i] != ']')
			i++;
		return i;
	}
	while (i < s.len) {
		char c = s.p[i];

		i = c == '"' ? skip_string(s, i) : i + 1;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			break;
	}
	return i;
}

/* To what comes next inside a container; false at its end. */
static bool
enter(struct slice s, size_t *at)
{
	size_t i = *at == 0 ? 1 : *at;

	i = skip_blanks(s, i);
	if (i < s.len && s.p[i] == ',')
		i = skip_blanks(s, i + 1);
	*at = i;
	return i < s.len && s.p[i] != '}' && s.p[i] != ']';
}

bool
slice_member(struct slice object, size_t *at, struct slice *ret_key, struct slice *ret_value)
{
	size_t key, value, i;

	if (!slice_is(object, '{') || !enter(object, at))
		return false;
	key = *at;
	i = skip_value(object, key);
	*ret_key = (struct slice){ object.p + key, i - key };
	value = skip_blanks(object, i);
	if (value < object.len && object.p[value] == ':')
		value++;
	value = skip_blanks(object, value);
	i = skip_value(object, value);
	*ret_value = (struct slice){ object.p + value, i - value };
	/* One that was not checked could stand still here. */
	if (i <= key)
		return false;
	*at = i;
	return true;
}

bool
slice_item(struct slice list, size_t *at, struct slice *ret)
{
	size_t i;

	if (!slice_is(list, '[') || !enter(list, at))
		return false;
	i = skip_value(list, *at);
	*ret = (struct slice){ list.p + *at, i - *at };
	if (i <= *at)
		return false;
	*at = i;
	return true;
}

bool
slice_key_is(struct slice key, const char *name)
{
	size_t n = strlen(name);

	return key.len == n + 2 && memcmp(key.p + 1, name, n) == 0;
}

struct slice
slice_get(struct slice object, const char *key)
{
	struct slice k, v, found = { NULL, 0 };
	size_t at = 0;

	while (slice_member(object, &at, &k, &v))
		if (slice_key_is(k, key))
			found = v;
	return found;
}

/* --- values ---------------------------------------------------------------------------------------------------------- */

bool
slice_is_number(struct slice s)
{
	return s.p != NULL && s.len > 0 && (s.p[0] == '-' || (s.p[0] >= '0' && s.p[0] <= '9'));
}

/* The character that the escape at p stands for. Returns how long the escape is. */
static size_t
unescape(const char *p, size_t len, struct buf *b)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	unsigned first, second;
	const char *at;
	uint32_t cp;
	char out[4];

	if (len < 2)
		return 1;
	at = strchr(from, p[1]);
	if (p[1] != '\0' && at != NULL) {
		buf_addch(b, to[at - from]);
		return 2;
	}
	if (len < 6 || !hex4(p + 2, &first))
		return 2;
	cp = first;
	if (first >= 0xd800 && first < 0xdc00 && len >= 12 && hex4(p + 8, &second))
		cp = 0x10000 + ((first - 0xd800) << 10) + ((second - 0xdc00) & 0x3ff);
	buf_add(b, out, utf8_encode(cp, out));
	return cp >= 0x10000 ? 12 : 6;
}

int
slice_text(struct slice s, struct buf *b)
{
	size_t i, from;

	if (!slice_is(s, '"'))
		return s.p == NULL ? 0 : buf_add(b, s.p, s.len);
	for (i = from = 1; i + 1 < s.len; ) {
		if (s.p[i] != '\\') {
			i++;
			continue;
		}
		buf_add(b, s.p + from, i - from);
		i += unescape(s.p + i, s.len - 1 - i, b);
		from = i;
	}
	if (from + 1 < s.len)
		buf_add(b, s.p + from, s.len - 1 - from);
	return b->is_over ? ERR_LIMIT : 0;
}

const char *
slice_word(struct arena *a, struct slice s, size_t max)
{
	const char *text;
	struct buf b;

	if (s.p == NULL || slice_is(s, '{') || slice_is(s, '[') || slice_is(s, 'n'))
		return NULL;
	if (slice_is(s, '"') && memchr(s.p, '\\', s.len) == NULL)
		return text_copy(a, s.p + 1, s.len - 2 < max ? s.len - 2 : max);
	buf_init(&b, s.len + 1);
	slice_text(s, &b);
	text = text_copy(a, b.data, b.len < max ? b.len : max);
	buf_done(&b);
	return text;
}

bool
slice_int(struct slice s, int64_t *ret)
{
	const char *p = s.p, *end;
	bool is_minus;
	uint64_t v = 0;

	if (s.p == NULL)
		return false;
	if (slice_is(s, '"')) {
		p++;
		s.len -= s.len > 1 ? 2 : 1;
	}
	end = p + s.len;
	if (p == end)
		return false;
	is_minus = *p == '-';
	p += is_minus;
	if (p == end)
		return false;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9' || v > (uint64_t)INT64_MAX / 10)
			return false;
		v = v * 10 + (uint64_t)(*p - '0');
	}
	if (v > (uint64_t)INT64_MAX)
		return false;
	*ret = is_minus ? -(int64_t)v : (int64_t)v;
	return true;
}
