/*
 * Text to double, exactly rounded. Three ways, each exact where it is used:
 *   - small mantissa and power of ten: both are doubles without error, so one operation rounds
 *     once (W. D. Clinger, "How to read floating point numbers accurately", 1990);
 *   - at most 19 digits and a power up to 10^27: 5^27 fits 64 bits, so the product, or quotient
 *     and remainder, is known in whole in 128 bits and can be rounded by hand. This is where
 *     samples such as 0.30000000000000004 go;
 *   - the rest, rare: strtod in the C locale.
 */
#include "config.h"

#include "base/jread.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum { DIGITS_MAX = 19, POW5_MAX = 27, EXACT_POW10_MAX = 22 };
#define EXPONENT_CLAMP INT64_C(100000000000000000)	/* more than any text has digits */

struct decimal {		/* digits * 10^exponent */
	uint64_t digits;
	int64_t exponent;
	bool is_negative;
	bool is_too_long;	/* for digits, which then hold nothing */
};

static const double exact_pow10[EXACT_POW10_MAX + 1] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

static void
c_locale_open(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (c_locale == (locale_t)0)
		abort();	/* it is part of libc; strtod() in another locale would misread "1.5" */
}

static double
slow_double(const char *text, size_t len)
{
	char small[400], *copy = len < sizeof small ? small : xmalloc(len + 1);
	double v;

	pthread_once(&c_locale_once, c_locale_open);
	memcpy(copy, text, len);
	copy[len] = '\0';
	v = strtod_l(copy, NULL, c_locale);
	if (copy != small)
		free(copy);
	return v;
}

#ifdef __SIZEOF_INT128__
/* reciprocal = floor((2^128 - 1) / d) - 2^64, where d is value shifted until its top bit is set. */
static const struct {
	uint64_t value, reciprocal;
} pow5[POW5_MAX + 1] = {
	{ UINT64_C(1), UINT64_C(0xffffffffffffffff) },
	{ UINT64_C(5), UINT64_C(0x9999999999999999) },
	{ UINT64_C(25), UINT64_C(0x47ae147ae147ae14) },
	{ UINT64_C(125), UINT64_C(0x0624dd2f1a9fbe76) },
	{ UINT64_C(625), UINT64_C(0xa36e2eb1c432ca57) },
	{ UINT64_C(3125), UINT64_C(0x4f8b588e368f0846) },
	{ UINT64_C(15625), UINT64_C(0x0c6f7a0b5ed8d36b) },
	{ UINT64_C(78125), UINT64_C(0xad7f29abcaf48578) },
	{ UINT64_C(390625), UINT64_C(0x5798ee2308c39df9) },
	{ UINT64_C(1953125), UINT64_C(0x12e0be826d694b2e) },
	{ UINT64_C(9765625), UINT64_C(0xb7cdfd9d7bdbab7d) },
	{ UINT64_C(48828125), UINT64_C(0x5fd7fe17964955fd) },
	{ UINT64_C(244140625), UINT64_C(0x19799812dea11197) },
	{ UINT64_C(1220703125), UINT64_C(0xc25c268497681c26) },
	{ UINT64_C(6103515625), UINT64_C(0x6849b86a12b9b01e) },
	{ UINT64_C(30517578125), UINT64_C(0x203af9ee756159b2) },
	{ UINT64_C(152587890625), UINT64_C(0xcd2b297d889bc2b6) },
	{ UINT64_C(762939453125), UINT64_C(0x70ef54646d496892) },
	{ UINT64_C(3814697265625), UINT64_C(0x2725dd1d243aba0e) },
	{ UINT64_C(19073486328125), UINT64_C(0xd83c94fb6d2ac34a) },
	{ UINT64_C(95367431640625), UINT64_C(0x79ca10c9242235d5) },
	{ UINT64_C(476837158203125), UINT64_C(0x2e3b40a0e9b4f7dd) },
	{ UINT64_C(2384185791015625), UINT64_C(0xe392010175ee5962) },
	{ UINT64_C(11920928955078125), UINT64_C(0x82db34012b25144e) },
	{ UINT64_C(59604644775390625), UINT64_C(0x357c299a88ea76a5) },
	{ UINT64_C(298023223876953125), UINT64_C(0xef2d0f5da7dd8aa2) },
	{ UINT64_C(1490116119384765625), UINT64_C(0x8c240c4aecb13bb5) },
	{ UINT64_C(7450580596923828125), UINT64_C(0x3ce9a36f23c0fc90) },
};

/*
 * high:low / d by two multiplications, exactly; high < d, and d has its top bit set.
 * Source: N. Moller, T. Granlund, "Improved division by invariant integers", 2011, algorithm 4.
 */
static inline uint64_t
divide_2_by_1(uint64_t high, uint64_t low, uint64_t d, uint64_t reciprocal, uint64_t *ret_rest)
{
	unsigned __int128 product = (unsigned __int128)high * reciprocal + ((unsigned __int128)high << 64 | low);
	uint64_t quotient = (uint64_t)(product >> 64) + 1, rest = low - quotient * d;

	if (rest > (uint64_t)product) {
		quotient--;
		rest += d;
	}
	if (rest >= d) {
		quotient++;
		rest -= d;
	}
	*ret_rest = rest;
	return quotient;
}

/* m * 2^exponent, plus a little more if is_inexact, to the nearest double, ties to even. m >= 2^62, and the result is known to
 * be far from both ends of what a double holds. */
static double
round_to_double(uint64_t m, int exponent, bool is_inexact)
{
	int shift = m >> 63 ? 11 : 10;
	uint64_t half = UINT64_C(1) << (shift - 1), rest = m & (half * 2 - 1), kept = m >> shift, bits;
	double v;

	if (rest > half || (rest == half && (is_inexact || (kept & 1) != 0)))
		kept++;
	/* kept may have become 2^53: adding instead of or-ing carries that into the exponent,
	 * which is then right. */
	bits = ((uint64_t)(exponent + shift + 52 + 1023 - 1) << 52) + kept;
	memcpy(&v, &bits, sizeof v);
	return v;
}

/* digits > 0, |power| <= POW5_MAX */
static double
exact_double(uint64_t digits, int power)
{
	int digits_shift = __builtin_clzll(digits), shift;
	unsigned __int128 wide;
	uint64_t high, quotient, rest;

	if (power >= 0) {
		wide = (unsigned __int128)digits * pow5[power].value;
		high = (uint64_t)(wide >> 64);
		shift = high != 0 ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)wide);
		wide <<= shift;
		return round_to_double((uint64_t)(wide >> 64), 64 - shift + power, (uint64_t)wide != 0);
	}
	/* Both with their top bit set, so that the quotient has 63 or 64 bits. */
	shift = __builtin_clzll(pow5[-power].value);
	digits <<= digits_shift;
	quotient = divide_2_by_1(digits >> 1, digits << 63, pow5[-power].value << shift,
	    pow5[-power].reciprocal, &rest);
	return round_to_double(quotient, shift - digits_shift - 63 + power, rest != 0);
}
#endif

static double
decimal_to_double(const struct decimal *d, const char *text, size_t len)
{
	double v;

	if (d->is_too_long)
		return slow_double(text, len);
	if (d->digits == 0)
		return d->is_negative ? -0.0 : 0.0;
#if FLT_EVAL_METHOD == 0
	if (d->digits <= UINT64_C(1) << 53 && d->exponent >= -EXACT_POW10_MAX && d->exponent <= EXACT_POW10_MAX) {
		v = (double)d->digits;
		v = d->exponent < 0 ? v / exact_pow10[-d->exponent] : v * exact_pow10[d->exponent];
		return d->is_negative ? -v : v;
	}
#endif
#ifdef __SIZEOF_INT128__
	if (d->exponent >= -POW5_MAX && d->exponent <= POW5_MAX) {
		v = exact_double(d->digits, (int)d->exponent);
		return d->is_negative ? -v : v;
	}
#endif
	return slow_double(text, len);
}

/* Eight digits at once, or false. Source of the arithmetic: J. Kankaala, "Faster integer
 * parsing"; little-endian only. */
static inline bool
eight_digits(const char *p, uint64_t *digits)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	const uint64_t sixes = UINT64_C(0x0606060606060606), highs = UINT64_C(0xf0f0f0f0f0f0f0f0);
	uint64_t v;

	memcpy(&v, p, sizeof v);
	if ((v & highs) != UINT64_C(0x3030303030303030) || ((v + sixes) & highs) != UINT64_C(0x3030303030303030))
		return false;
	v -= UINT64_C(0x3030303030303030);
	v = v * 10 + (v >> 8);
	v = ((v & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
	    (v >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >> 32;
	*digits = *digits * 100000000 + v;
	return true;
#else
	(void)p;
	(void)digits;
	return false;
#endif
}

/* A run of digits onto *digits, which overflows quietly where there are more than DIGITS_MAX. */
static inline const char *
take_digits(uint64_t *digits, const char *p, const char *end)
{
	uint64_t v = *digits;

	while (end - p >= 8 && eight_digits(p, &v))
		p += 8;
	for (; p < end && (unsigned char)(*p - '0') <= 9; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	*digits = v;
	return p;
}

/* n digits begin at p, perhaps with a point among them: did they overflow? */
static bool __attribute__((noinline))
is_too_long(const char *p, size_t n)
{
	for (; n > 0 && (*p == '0' || *p == '.'); p++)
		n -= *p == '0';
	return n > DIGITS_MAX;
}

/* The digits around the point; NULL where there are none. */
static inline const char *
take_mantissa(struct decimal *d, const char *p, const char *end)
{
	const char *from = p, *point;
	size_t n;

	p = take_digits(&d->digits, p, end);
	n = (size_t)(p - from);
	if (n == 0)
		return NULL;
	if (p < end && *p == '.') {
		point = p;
		p = take_digits(&d->digits, p + 1, end);
		if (p == point + 1)
			return NULL;
		d->exponent = point + 1 - p;
		n += (size_t)(p - point - 1);
	}
	if (n > DIGITS_MAX)
		d->is_too_long = is_too_long(from, n);
	return p;
}

static const char *
take_exponent(struct decimal *d, const char *p, const char *end)
{
	bool is_negative = p < end && *p == '-';
	int64_t e = 0;
	const char *from;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	for (from = p; p < end && (unsigned char)(*p - '0') <= 9; p++)
		if (e < EXPONENT_CLAMP)
			e = e * 10 + (*p - '0');
	d->exponent += is_negative ? -e : e;
	return p == from ? NULL : p;
}

static int
special_double(const char *text, size_t len, double *ret_value)
{
	bool is_signed = len > 0 && (text[0] == '+' || text[0] == '-');

	if (len == 3 && memcmp(text, "NaN", 3) == 0)
		*ret_value = (double)NAN;
	else if (len == 3u + is_signed && memcmp(text + is_signed, "Inf", 3) == 0)
		*ret_value = text[0] == '-' ? -(double)INFINITY : (double)INFINITY;
	else
		return ERR_SYNTAX;
	return 0;
}

int
jread_double(const char *text, size_t len, double *ret_value)
{
	const char *p = text, *end = text + len;
	struct decimal d = { 0 };

	if (p < end && (*p == '-' || *p == '+'))
		d.is_negative = *p++ == '-';
	p = take_mantissa(&d, p, end);
	if (p == NULL)
		return special_double(text, len, ret_value);
	if (p < end && (*p == 'e' || *p == 'E'))
		p = take_exponent(&d, p + 1, end);
	if (p != end)
		return ERR_SYNTAX;
	*ret_value = decimal_to_double(&d, text, len);
	return 0;
}
