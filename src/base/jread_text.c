#include "config.h"

#include "base/jread_text.h"

#include <stdbool.h>

/* Source: RFC 3629, section 4. */
int
jread_unit_utf8(const unsigned char *p, size_t n, struct jread_unit *u)
{
	unsigned low = 0x80, high = 0xbf;
	size_t want, i;

	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		want = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		want = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		want = 4;
	else {
		u->expected = "a character in UTF-8";
		return -1;
	}
	switch (p[0]) {
	case 0xe0: low = 0xa0; break;	/* overlong below */
	case 0xed: high = 0x9f; break;	/* surrogates above */
	case 0xf0: low = 0x90; break;	/* overlong below */
	case 0xf4: high = 0x8f; break;	/* beyond U+10FFFF above */
	}
	for (i = 1; i < want && i < n; i++) {
		if (p[i] < low || p[i] > high) {
			u->expected = "the rest of a character in UTF-8";
			return -(int)i - 1;
		}
		low = 0x80;
		high = 0xbf;
	}
	if (n < want)
		return 0;
	memcpy(u->out, p, want);
	u->out_len = want;
	return (int)want;
}

static int
hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
unit_encode(struct jread_unit *u, uint32_t cp)
{
	if (cp < 0x80) {
		u->out[0] = (char)cp;
		u->out_len = 1;
	} else if (cp < 0x800) {
		u->out[0] = (char)(0xc0 | cp >> 6);
		u->out[1] = (char)(0x80 | (cp & 0x3f));
		u->out_len = 2;
	} else if (cp < 0x10000) {
		u->out[0] = (char)(0xe0 | cp >> 12);
		u->out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		u->out[2] = (char)(0x80 | (cp & 0x3f));
		u->out_len = 3;
	} else {
		u->out[0] = (char)(0xf0 | cp >> 18);
		u->out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
		u->out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
		u->out[3] = (char)(0x80 | (cp & 0x3f));
		u->out_len = 4;
	}
}

/* The four digits of \uXXXX into *cp, each judged as it comes: 4, 0 (more is needed) or -1 -
 * index of the bad one. */
static int
hex4_read(const unsigned char *p, size_t n, uint32_t *cp, bool want_low, struct jread_unit *u)
{
	int digit;
	size_t i;

	*cp = 0;
	for (i = 0; i < 4 && i < n; i++) {
		digit = hex_value(p[i]);
		if (digit < 0) {
			u->expected = "a hexadecimal digit";
			return -(int)i - 1;
		}
		*cp = *cp << 4 | (uint32_t)digit;
		if (want_low && ((i == 0 && *cp != 0xd) || (i == 1 && *cp < 0xdc))) {
			u->expected = "the second half of a surrogate pair, \\uDC00 to \\uDFFF";
			return -(int)i - 1;
		}
		if (!want_low && i == 1 && *cp >= 0xdc && *cp <= 0xdf) {
			u->expected = "the first half of a surrogate pair, \\uD800 to \\uDBFF, before its second";
			return -(int)i - 1;
		}
	}
	return i == 4 ? 4 : 0;
}

/* p stands at the backslash of \uXXXX, and p[1] is a u. Returns as jread_unit_read(). */
static int
unicode_unit(const unsigned char *p, size_t n, struct jread_unit *u)
{
	uint32_t cp, low;
	size_t i;
	int r;

	r = hex4_read(p + 2, n - 2, &cp, false, u);
	if (r <= 0)
		return r < 0 ? r - 2 : 0;
	if (cp < 0xd800 || cp > 0xdfff) {
		unit_encode(u, cp);
		return 6;
	}
	for (i = 6; i < 8; i++) {
		if (i >= n)
			return 0;
		if (p[i] != (unsigned char)"\\u"[i - 6]) {
			u->expected = "the second half of a surrogate pair, \\uDC00 to \\uDFFF";
			return -(int)i - 1;
		}
	}
	r = hex4_read(p + 8, n - 8, &low, true, u);
	if (r <= 0)
		return r < 0 ? r - 8 : 0;
	unit_encode(u, 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00));
	return 12;
}

int
jread_unit_read(const unsigned char *p, size_t n, struct jread_unit *u)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (p[0] >= 0x80)
		return jread_unit_utf8(p, n, u);
	if (p[0] != '\\') {
		u->expected = "a control character to be written as an escape";
		return -1;
	}
	if (n == 1)
		return 0;
	if (p[1] == 'u')
		return unicode_unit(p, n, u);
	found = memchr(names, p[1], sizeof names - 1);
	if (found == NULL) {
		u->expected = "one of \"\\/bfnrtu after a backslash";
		return -2;
	}
	u->out[0] = values[found - names];
	u->out_len = 1;
	return 2;
}
