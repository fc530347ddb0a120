#include "config.h"

#include <stdbool.h>

#include "source/prometheus.h"

enum { EXPONENT_MAX = 100000, NS_DIGITS = 9 };

/* A decimal number taken apart: where its digits are, and how many of them stand before the point once the exponent is applied. */
struct decimal {
	bool is_negative;
	const char *digits, *end;	/* digits and at most one point */
	int n_before_point;
};

static inline bool
is_digit(char c)
{
	return (unsigned)(c - '0') <= 9;
}

/*
 * What nearly every sample has: up to ten digits of seconds, below the year 2255, and up to nine behind a point. No sum can overflow, so
 * there is nothing to check. false: read it the long way.
 */
static bool
read_plain(const char *p, const char *end, int64_t *ret_ns)
{
	const char *first = p;
	int64_t ns = 0;
	int n = NS_DIGITS;

	while (p < end && is_digit(*p))
		ns = ns * 10 + (*p++ - '0');
	if (p == first || p - first > 10 || (p - first == 10 && *first > '8'))
		return false;
	if (p < end && *p == '.')
		for (p++; p < end && is_digit(*p) && n > 0; n--)
			ns = ns * 10 + (*p++ - '0');
	if (p < end)
		return false;
	for (; n > 0; n--)
		ns *= 10;
	*ret_ns = ns;
	return true;
}

static bool
read_exponent(const char *p, const char *end, int *ret)
{
	bool is_negative = p < end && *p == '-';
	int v = 0;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	if (p == end)
		return false;
	for (; p < end && is_digit(*p); p++)
		v = v < EXPONENT_MAX ? v * 10 + (*p - '0') : v;
	*ret = is_negative ? -v : v;
	return p == end;
}

static bool
read_decimal(const char *p, const char *end, struct decimal *d)
{
	int n_digits = 0, point = -1, exponent = 0;

	d->is_negative = p < end && *p == '-';
	p += d->is_negative;
	d->digits = p;
	for (; p < end && (is_digit(*p) || (*p == '.' && point < 0)); p++)
		if (*p == '.')
			point = n_digits;
		else
			n_digits++;
	d->end = p;
	if (n_digits == 0 || (p < end && *p != 'e' && *p != 'E'))
		return false;
	if (p < end && !read_exponent(p + 1, end, &exponent))
		return false;
	d->n_before_point = (point < 0 ? n_digits : point) + exponent;
	return true;
}

int
prometheus_time(const char *text, size_t len, int64_t *ret_ns)
{
	struct decimal d;
	int64_t ns = 0;
	const char *p;
	int n;

	if (len <= 20 && read_plain(text, text + len, ret_ns))
		return 0;
	if (len > EXPONENT_MAX || !read_decimal(text, text + len, &d))
		return ERR_SYNTAX;
	/* n: how many digits, counted from the first, make whole nanoseconds. */
	n = d.n_before_point + NS_DIGITS;
	for (p = d.digits; p < d.end && n > 0; p++) {
		if (*p == '.')
			continue;
		if (__builtin_mul_overflow(ns, INT64_C(10), &ns) || __builtin_add_overflow(ns, *p - '0', &ns))
			return ERR_SYNTAX;
		n--;
	}
	for (; n > 0 && ns != 0; n--)
		if (__builtin_mul_overflow(ns, INT64_C(10), &ns))
			return ERR_SYNTAX;
	*ret_ns = d.is_negative ? -ns : ns;
	return 0;
}
