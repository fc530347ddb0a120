#include "config.h"

#include "insight/slo_found_value.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/jread.h"
#include "base/str.h"

enum { DURATION_MAX = 32, YEARS_MAX = 100 };

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* --- strings ------------------------------------------------------------------------------------------------------------ */

static int
hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* digits hex digits at p; false: they are none. */
static bool
read_hex(const char *p, unsigned digits, uint32_t *ret)
{
	*ret = 0;
	for (unsigned i = 0; i < digits; i++) {
		int digit = hex_digit(p[i]);

		if (digit < 0)
			return false;
		*ret = *ret * 16 + (uint32_t)digit;
	}
	return true;
}

/* The escape at p (behind the backslash), as in Go; returns how many bytes it took. */
static size_t
add_escape(struct buf *b, const char *p, const char *end)
{
	static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
	const char *simple = memchr(from, *p, sizeof from - 1);
	unsigned digits = *p == 'x' ? 2 : *p == 'u' ? 4 : *p == 'U' ? 8 : 0;
	char utf8[4];
	uint32_t cp;

	if (digits == 0 || end - p <= (ptrdiff_t)digits || !read_hex(p + 1, digits, &cp)) {
		buf_addch(b, simple == NULL ? *p : to[simple - from]);
		return 1;
	}
	if (digits == 2)
		buf_addch(b, (char)cp);
	else
		buf_add(b, utf8, utf8_encode(cp, utf8));
	return 1 + digits;
}

const char *
value_string(const char *text, size_t len, struct arena *arena)
{
	const char *p = text + 1, *end = text + len - 1, *copy;
	struct buf b;

	if (len < 2)
		return "";
	if (*text == '`')
		return arena_strndup(arena, p, (size_t)(end - p));
	buf_init(&b, len);
	while (p < end) {
		if (*p == '\\' && p + 1 < end)
			p += 1 + add_escape(&b, p + 1, end);
		else
			buf_addch(&b, *p++);
	}
	copy = arena_strndup(arena, b.data, b.len);
	buf_done(&b);
	return copy;
}

/* --- durations ------------------------------------------------------------------------------------------------------------ */

/* PromQL's largest unit is not one of ours: 365 days. Returns behind it, text when there is none, NULL when it is too long. */
static const char *
skip_years(const char *text, int64_t *ret_years)
{
	const char *p = text;

	*ret_years = 0;
	for (; is_digit(*p); p++) {
		*ret_years = *ret_years * 10 + (*p - '0');
		if (*ret_years > YEARS_MAX && *(p + strspn(p, "0123456789")) == 'y')
			return NULL;
		if (*ret_years > YEARS_MAX)
			break;
	}
	if (*p == 'y' && p > text)
		return p + 1;
	*ret_years = 0;
	return text;
}

bool
value_duration(const char *text, size_t len, int64_t *ret_ns)
{
	char copy[DURATION_MAX];
	int64_t years, ns = 0;
	const char *rest;

	if (len == 0 || len >= sizeof copy)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	rest = skip_years(copy, &years);
	if (rest == NULL || ((*rest != '\0' || rest == copy) && duration_parse(rest, &ns, NULL) < 0) || ns < 0 || ns > CLOCK_FAR_NS / 2)
		return false;
	ns += years * 365 * 24 * NS_PER_HOUR;
	if (ns <= 0)
		return false;
	*ret_ns = ns;
	return true;
}

/* --- arithmetic ------------------------------------------------------------------------------------------------------------- */

struct scalar {			/* promql_scan() bounds how deep brackets go */
	const struct promql_tokens *t;
	size_t i;
	double rest;
};

static bool read_sum(struct scalar *s, double *ret);

static bool
is_operator(const struct scalar *s, char c)
{
	return s->t->v[s->i].kind == PROMQL_OPERATOR && *s->t->v[s->i].at == c;
}

static bool
read_primary(struct scalar *s, double *ret)
{
	const struct promql_token *t = &s->t->v[s->i];
	bool is_minus = is_operator(s, '-');

	if (is_minus)
		t = &s->t->v[++s->i];
	if (t->kind == PROMQL_NUMBER) {
		s->i++;
		if (jread_double(t->at, t->len, ret) < 0)
			return false;
	} else if (t->kind == PROMQL_OPEN) {
		s->i++;
		if (!read_sum(s, ret) || s->t->v[s->i].kind != PROMQL_CLOSE)
			return false;
		s->i++;
	} else {
		return false;
	}
	if (is_minus)
		*ret = -*ret;
	return true;
}

static bool
read_product(struct scalar *s, double *ret)
{
	double right;

	if (!read_primary(s, ret))
		return false;
	while (is_operator(s, '*') || is_operator(s, '/')) {
		bool is_times = is_operator(s, '*');

		s->i++;
		if (!read_primary(s, &right))
			return false;
		*ret = is_times ? *ret * right : *ret / right;
	}
	return true;
}

static bool
read_sum(struct scalar *s, double *ret)
{
	double right;

	if (!read_product(s, ret))
		return false;
	while (is_operator(s, '+') || is_operator(s, '-')) {
		bool is_plus = is_operator(s, '+');

		s->i++;
		if (!read_product(s, &right))
			return false;
		if (!is_plus && *ret == 1)
			s->rest = right;
		*ret = is_plus ? *ret + right : *ret - right;
	}
	return true;
}

bool
value_scalar(const struct promql_tokens *t, size_t *i, double *ret, double *ret_rest)
{
	struct scalar s = { .t = t, .i = *i, .rest = NAN };
	double value;

	if (!read_sum(&s, &value) || !isfinite(value))
		return false;
	*ret = value;
	*i = s.i;
	if (ret_rest != NULL)
		*ret_rest = s.rest;
	return true;
}
