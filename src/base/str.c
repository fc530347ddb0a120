#include "config.h"

#include "base/str.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ESCAPE_MAX = 16, NEAREST_WORD_MAX = 64 };

/* --- UTF-8 ----------------------------------------------------------------------------------------------------------- */

/* Well-formed sequences by first byte, with the range of the second byte that keeps out overlong forms, surrogates and what is
 * beyond U+10FFFF. Source: The Unicode Standard, table 3-7. */
static const struct {
	unsigned char first, last;	/* first byte */
	unsigned char second_lo, second_hi;
	unsigned char len, mask;
} utf8_forms[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2, 0x1f },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3, 0x0f },
	{ 0xe1, 0xec, 0x80, 0xbf, 3, 0x0f },
	{ 0xed, 0xed, 0x80, 0x9f, 3, 0x0f },
	{ 0xee, 0xef, 0x80, 0xbf, 3, 0x0f },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4, 0x07 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4, 0x07 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4, 0x07 },
};

static size_t
utf8_decode_long(const unsigned char *s, size_t len, uint32_t *ret_cp)
{
	size_t f = 0, n = sizeof utf8_forms / sizeof utf8_forms[0];
	uint32_t cp;

	while (f < n && (s[0] < utf8_forms[f].first || s[0] > utf8_forms[f].last))
		f++;
	if (f == n || len < utf8_forms[f].len || s[1] < utf8_forms[f].second_lo || s[1] > utf8_forms[f].second_hi)
		return 0;
	cp = s[0] & utf8_forms[f].mask;
	for (size_t i = 1; i < utf8_forms[f].len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (s[i] & 0x3f);
	}
	*ret_cp = cp;
	return utf8_forms[f].len;
}

size_t
utf8_decode(const char *s, size_t len, uint32_t *ret_cp)
{
	if (len > 0 && (unsigned char)s[0] < 0x80) {
		*ret_cp = (unsigned char)s[0];
		return 1;
	}
	return len == 0 ? 0 : utf8_decode_long((const unsigned char *)s, len, ret_cp);
}

size_t
utf8_encode(uint32_t cp, char *out)
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t len;

	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	len = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	for (size_t i = len - 1; i > 0; i--, cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3f));
	out[0] = (char)(lead[len] | cp);
	return len;
}

bool
utf8_is_valid(const char *s, size_t len)
{
	while (len > 0) {
		uint32_t cp;
		size_t took = utf8_decode(s, len, &cp);

		if (took == 0)
			return false;
		s += took;
		len -= took;
	}
	return true;
}

/* --- escaping -------------------------------------------------------------------------------------------------------- */

/* Write the first thing in s as it may be shown into out[ESCAPE_MAX]; both lengths come back. */
static size_t
escape_one(const char *s, size_t len, char *out, size_t *ret_out_len)
{
	uint32_t cp = 0;
	size_t took = utf8_decode(s, len, &cp);
	int n;

	if (took == 0) {
		took = 1;
		n = snprintf(out, ESCAPE_MAX, "\\x%02X", (unsigned char)s[0]);
	} else if (cp == '\n' || cp == '\t' || cp == '\r') {
		n = snprintf(out, ESCAPE_MAX, "\\%c", cp == '\n' ? 'n' : cp == '\t' ? 't' : 'r');
	} else if (cp_width(cp) >= 0) {
		memcpy(out, s, took);
		n = (int)took;
	} else if (cp < 0x80) {
		n = snprintf(out, ESCAPE_MAX, "\\x%02X", (unsigned)cp);
	} else {
		n = snprintf(out, ESCAPE_MAX, "\\u{%X}", (unsigned)cp);
	}
	*ret_out_len = (size_t)n;
	return took;
}

/* How many bytes at s are plain ASCII: nearly all of most texts, and copied at once. */
static size_t
plain_run(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len && (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x7f)
		i++;
	return i;
}

void
str_escape(struct buf *b, const char *s, size_t len)
{
	while (len > 0) {
		char out[ESCAPE_MAX];
		size_t run = plain_run(s, len), out_len = 0;

		if (run > 0) {
			buf_add(b, s, run);
		} else {
			run = escape_one(s, len, out, &out_len);
			buf_add(b, out, out_len);
		}
		s += run;
		len -= run;
	}
}

char *
str_escape_to(char *dst, size_t size, const char *s)
{
	static const char more[] = "…";
	size_t len = strlen(s), used = 0, cut = 0;

	if (size == 0)
		return dst;
	while (len > 0) {
		char out[ESCAPE_MAX];
		size_t out_len = 0, took = escape_one(s, len, out, &out_len);

		if (used + out_len >= size)
			break;
		memcpy(dst + used, out, out_len);
		used += out_len;
		/* The last place where the mark still fits behind whole characters. */
		if (used + sizeof more <= size)
			cut = used;
		s += took;
		len -= took;
	}
	if (len > 0 && size >= sizeof more) {
		memcpy(dst + cut, more, sizeof more - 1);
		used = cut + sizeof more - 1;
	} else if (len > 0) {
		used = size - 1;
		memset(dst, '.', used);
	}
	dst[used] = '\0';
	return dst;
}

/* --- comparing ------------------------------------------------------------------------------------------------------- */

bool
str_has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
str_eq(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
str_contains(const char *haystack, const char *needle)
{
	for (;; haystack++) {
		size_t i = 0;

		while (needle[i] != '\0' && lower(haystack[i]) == lower(needle[i]))
			i++;
		if (needle[i] == '\0')
			return true;
		if (*haystack == '\0')
			return false;
	}
}

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b; both at most NEAREST_WORD_MAX long. */
static size_t
edit_distance(const char *a, const char *b)
{
	size_t rows[3][NEAREST_WORD_MAX + 1], la = strlen(a), lb = strlen(b);
	size_t *before = rows[0], *prev = rows[1], *row = rows[2];

	for (size_t j = 0; j <= lb; j++)
		prev[j] = before[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *oldest = before;

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			bool is_same = lower(a[i - 1]) == lower(b[j - 1]);
			size_t d = prev[j - 1] + (is_same ? 0 : 1);

			if (prev[j] + 1 < d)
				d = prev[j] + 1;
			if (row[j - 1] + 1 < d)
				d = row[j - 1] + 1;
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]) &&
			    before[j - 2] + 1 < d)
				d = before[j - 2] + 1;
			row[j] = d;
		}
		before = prev;
		prev = row;
		row = oldest;
	}
	return prev[lb];
}

const char *
str_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t len = strlen(word), best = SIZE_MAX, at = 0;

	if (len == 0 || len > NEAREST_WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t d;

		if (candidates[i] == NULL || strlen(candidates[i]) > NEAREST_WORD_MAX)
			continue;
		d = edit_distance(word, candidates[i]);
		if (d < best) {
			best = d;
			at = i;
		}
	}
	/* A third of the word may be wrong; more than that is another word. */
	return best <= (len + 2) / 3 && best < len ? candidates[at] : NULL;
}

uint64_t
str_hash(const void *bytes, size_t len, uint64_t seed)
{
	const unsigned char *p = bytes;
	uint64_t h = seed;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* --- numbers --------------------------------------------------------------------------------------------------------- */

/* |v| as d.dd * 10^exp. Read out of printf's text digit by digit: no rounding of our own, and no trust in the decimal point,
 * which a locale may change. */
struct three_digits {
	int digits;	/* 100 to 999, or 0 */
	int exp;
};

static struct three_digits
three_digits(double v)
{
	struct three_digits t = { 0, 0 };
	char text[32];
	const char *p = text;

	snprintf(text, sizeof text, "%.2e", fabs(v));
	for (; *p != '\0' && *p != 'e'; p++)
		if (isdigit((unsigned char)*p))
			t.digits = t.digits * 10 + (*p - '0');
	t.exp = *p == 'e' ? atoi(p + 1) : 0;
	return t;
}

/* The number t * 10^-shift, where that has one to three digits before the point or zeros behind it; trailing zeros are cut. */
static void
put_digits(char *out, size_t size, struct three_digits t, int shift)
{
	int exp = t.exp - shift, digits = t.digits, decimals = 2 - exp, scale = 1;

	while (decimals > 0 && digits % 10 == 0 && digits > 0) {
		digits /= 10;
		decimals--;
	}
	if (decimals <= 0) {
		for (; decimals < 0; decimals++)
			digits *= 10;
		snprintf(out, size, "%d", digits);
		return;
	}
	if (decimals > 6)
		decimals = 6;	/* put_si() asks for five at most */
	for (int i = 0; i < decimals; i++)
		scale *= 10;
	snprintf(out, size, "%d.%0*d", digits / scale, decimals, digits % scale);
}

struct scale {
	double above;		/* used for |v| from here on */
	double divide;
	const char *suffix;
};

static const struct scale scale_seconds[] = {	/* largest first */
	{ 172800, 86400, "d" }, { 7200, 3600, "h" }, { 120, 60, "min" }, { 0.9995, 1, "s" },
	{ 0.9995e-3, 1e-3, "ms" }, { 0.9995e-6, 1e-6, "us" }, { 0, 1e-9, "ns" },
};
static const struct scale scale_bytes[] = {
	{ 999.5 * 0x1p50, 0x1p60, "EiB" }, { 999.5 * 0x1p40, 0x1p50, "PiB" }, { 999.5 * 0x1p30, 0x1p40, "TiB" },
	{ 999.5 * 0x1p20, 0x1p30, "GiB" }, { 999.5 * 0x1p10, 0x1p20, "MiB" }, { 999.5, 0x1p10, "KiB" }, { 0, 1, "B" },
};

/* A number whose size speaks for itself, with an SI prefix from a thousand on; what no prefix reaches is written in powers of ten. */
static void
put_si(char *out, size_t size, double v, const char *suffix)
{
	static const char *const prefixes[] = { "", "k", "M", "G", "T", "P", "E" };
	struct three_digits t = three_digits(v);
	int group = t.exp / 3;
	char digits[48];

	if (t.digits == 0) {
		snprintf(out, size, "0%s", suffix);
		return;
	}
	if (t.exp < -3 || group >= (int)(sizeof prefixes / sizeof prefixes[0])) {
		int exp = t.exp;

		t.exp = 0;
		put_digits(digits, sizeof digits, t, 0);
		snprintf(out, size, "%.12se%d%s", digits, exp, suffix);
		return;
	}
	group = t.exp < 0 ? 0 : group;
	put_digits(digits, sizeof digits, t, group * 3);
	snprintf(out, size, "%.12s%s%s", digits, prefixes[group], suffix);
}

static void
put_scaled(char *out, size_t size, double v, const struct scale *scale)
{
	double a = fabs(v);

	if (v == 0) {
		while (scale->divide != 1)
			scale++;
	} else {
		while (a < scale->above)
			scale++;
	}
	put_si(out, size, a / scale->divide, scale->suffix);
}

const char *
num_format(char *buf, double v, const char *unit)
{
	char *out = buf;
	size_t size = NUM_TEXT_MAX;

	if (isnan(v) || isinf(v)) {
		snprintf(buf, NUM_TEXT_MAX, "%s", isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
		return buf;
	}
	if (v < 0) {
		*out++ = '-';
		size--;
	}
	if (strcmp(unit, "ratio") == 0 && isfinite(v * 100)) {
		put_si(out, size, fabs(v) * 100, "%");
	} else if (strcmp(unit, "seconds") == 0) {
		put_scaled(out, size, v, scale_seconds);
	} else if (strcmp(unit, "bytes") == 0) {
		put_scaled(out, size, v, scale_bytes);
	} else if (strcmp(unit, "per-second") == 0) {
		put_si(out, size, fabs(v), "/s");
	} else if (strcmp(unit, "count") == 0 || strcmp(unit, "none") == 0 || unit[0] == '\0') {
		put_si(out, size, fabs(v), "");
	} else {
		char word[24] = " ";

		str_escape_to(word + 1, sizeof word - 1, unit);
		put_si(out, size, fabs(v), word);
	}
	return buf;
}
