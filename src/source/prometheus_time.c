#include "config.h"

#include <ctype.h>
#include <stdbool.h>

#include "source/prometheus.h"

enum { EXPONENT_MAX = 100000, NS_DIGITS = 9 };

/* A decimal number taken apart: where its digits are, and how many of them stand before the point once the exponent is applied. */
struct decimal {
	bool is_negative;
	const char *digits, *end;	/* digits and at most one point */
	int n_before_point;
};

static bool
read_exponent(const char *p, const char *end, int *ret)
{
	bool is_negative = p < end && *p == '-';
	int v = 0;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	if (p == end)
		return false;
	for (; p < end && isdigit((unsigned char)*p); p++)
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
	for (; p < end && (isdigit((unsigned char)*p) || (*p == '.' && point < 0)); p++)
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
