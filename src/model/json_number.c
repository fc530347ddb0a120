#include "config.h"

#include "model/json_number.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

/* --- integers ------------------------------------------------------------------------------------------------------------- */

static const char pairs[] = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/* The digits of v end before end; returns where they begin. */
static char *
digits_before(char *end, uint64_t v)
{
	while (v >= 100) {
		end -= 2;
		memcpy(end, &pairs[v % 100 * 2], 2);
		v /= 100;
	}
	if (v >= 10) {
		end -= 2;
		memcpy(end, &pairs[v * 2], 2);
	} else {
		*--end = (char)('0' + v);
	}
	return end;
}

static size_t
write_unsigned(char *to, uint64_t v)
{
	char text[24], *begin = digits_before(text + sizeof text, v);
	size_t n = (size_t)(text + sizeof text - begin);

	memcpy(to, begin, n);
	return n;
}

size_t
json_write_integer(char *to, int64_t v)
{
	if (v >= 0)
		return write_unsigned(to, (uint64_t)v);
	*to = '-';
	return 1 + write_unsigned(to + 1, 0 - (uint64_t)v);
}

/* --- times ------------------------------------------------------------------------------------------------------------------ */

static void
two(char *to, unsigned v)
{
	memcpy(to, &pairs[v * 2], 2);
}

/* Year, month and day of a day counted from 1970-01-01, by the calendar that repeats every 146097 days (400 years) from a 1st of March on. */
static void
civil(int64_t day, unsigned *year, unsigned *month, unsigned *mday)
{
	uint64_t z = (uint64_t)(day + 719468 + 146097 * 4);	/* positive for all that an int64 of nanoseconds holds */
	uint64_t era = z / 146097, doe = z % 146097;
	uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	uint64_t mp = (5 * doy + 2) / 153;

	*mday = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	*month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	*year = (unsigned)(yoe + era * 400 - 1600 + (*month <= 2));
}

size_t
json_write_time(char *to, int64_t ns)
{
	int64_t s = ns / NS_PER_S, rest = ns % NS_PER_S, day;
	unsigned year, month, mday, in_day;

	if (rest < 0) {
		rest += NS_PER_S;
		s--;
	}
	day = s / 86400;
	if (s % 86400 < 0)
		day--;
	in_day = (unsigned)(s - day * 86400);
	civil(day, &year, &month, &mday);
	two(to, year / 100);
	two(to + 2, year % 100);
	to[4] = to[7] = '-';
	two(to + 5, month);
	two(to + 8, mday);
	to[10] = 'T';
	two(to + 11, in_day / 3600);
	to[13] = to[16] = ':';
	two(to + 14, in_day / 60 % 60);
	two(to + 17, in_day % 60);
	to[19] = '.';
	for (int i = 28; i >= 20; i--, rest /= 10)
		to[i] = (char)('0' + rest % 10);
	to[29] = 'Z';
	return 30;
}

/* --- reals -------------------------------------------------------------------------------------------------------------------- */

typedef unsigned __int128 u128;

enum { POW_MIN = -27, POW_MAX = 54 };		/* of 10; what is beyond is left to printf() */

/* 10^k as 128 bits that begin with a one, rounded up. */
static u128 powers[POW_MAX - POW_MIN + 1];

static u128
normalized(u128 v)
{
	while (v >> 127 == 0)
		v <<= 1;
	return v;
}

/* 2^n / d for the n that gives 128 bits beginning with a one, rounded up; d is no power of two and below 2^63. */
static u128
reciprocal(uint64_t d)
{
	u128 quotient = 0;
	uint64_t rest = 1;

	while (quotient >> 127 == 0) {
		rest <<= 1;
		quotient = quotient << 1 | (rest >= d);
		if (rest >= d)
			rest -= d;
	}
	return quotient + 1;
}

/* Worked out before main(), so that threads only read it. */
__attribute__((constructor)) static void
powers_init(void)
{
	u128 five = 1;
	uint64_t small = 1;

	for (int k = 0; k <= POW_MAX; k++, five *= 5)
		powers[k - POW_MIN] = normalized(five);
	for (int k = -1; k >= POW_MIN; k--) {
		small *= 5;
		powers[k - POW_MIN] = reciprocal(small);
	}
}

/* The upper 64 bits of g times cp, with all that is below them in the last bit. */
static uint64_t
round_to_odd(u128 g, uint64_t cp)
{
	u128 x = (u128)(uint64_t)g * cp, y = (u128)(uint64_t)(g >> 64) * cp + (uint64_t)(x >> 64);

	return (uint64_t)(y >> 64) | ((uint64_t)y > 1);
}

static int
floor_log2_pow10(int e)
{
	return (e * 1741647) >> 19;
}

struct decimal {
	uint64_t digits;
	int exponent;		/* of 10 */
};

/* Of the decimals between the neighbours' midpoints the shortest, of those the nearest. false: beyond the table. */
static bool
shortest(uint64_t fraction, int biased, struct decimal *ret)
{
	bool is_power = fraction == 0 && biased > 1;	/* the neighbour below is nearer */
	uint64_t c = biased == 0 ? fraction : fraction | UINT64_C(1) << 52;
	int q = (biased == 0 ? 1 : biased) - 1075;
	int k = (q * 1262611 - (is_power ? 524031 : 0)) >> 22, h = q + floor_log2_pow10(-k) + 1;
	uint64_t odd = c & 1, lower, upper, vb, s, s10;
	bool is_in, is_next_in;

	if (-k < POW_MIN || -k > POW_MAX)
		return false;
	vb = round_to_odd(powers[-k - POW_MIN], c * 4 << h);
	lower = round_to_odd(powers[-k - POW_MIN], (c * 4 - 2 + is_power) << h) + odd;
	upper = round_to_odd(powers[-k - POW_MIN], (c * 4 + 2) << h) - odd;
	s = vb / 4;
	s10 = s / 10;
	is_in = lower <= 40 * s10;
	is_next_in = 40 * s10 + 40 <= upper;
	if (s >= 10 && is_in != is_next_in) {
		*ret = (struct decimal){ s10 + is_next_in, k + 1 };
		return true;
	}
	is_in = lower <= 4 * s;
	is_next_in = 4 * s + 4 <= upper;
	if (is_in != is_next_in)
		*ret = (struct decimal){ s + is_next_in, k };
	else
		*ret = (struct decimal){ s + (vb > 4 * s + 2 || (vb == 4 * s + 2 && (s & 1) != 0)), k };
	return true;
}

static void
strip_zeros(struct decimal *d)
{
	while (d->digits % 100 == 0 && d->digits >= 100) {
		d->digits /= 100;
		d->exponent += 2;
	}
	if (d->digits % 10 == 0 && d->digits >= 10) {
		d->digits /= 10;
		d->exponent++;
	}
}

enum { POINT_MIN = -4, POINT_MAX = 17 };	/* where the point may stand without an exponent */

/* "123.4": point digits stand before the point, or so many zeros behind it. */
static size_t
write_plain(char *to, const char *digits, int n, int point)
{
	char *p = to;

	if (point <= 0) {
		memcpy(p, "0.0000", 2 - (size_t)(ptrdiff_t)point);
		p += 2 - point;
		memcpy(p, digits, (size_t)n);
		return (size_t)(p + n - to);
	}
	if (point >= n) {
		memcpy(p, digits, (size_t)n);
		memset(p + n, '0', (size_t)(point - n));
		memcpy(p + point, ".0", 2);
		return (size_t)point + 2;
	}
	memcpy(p, digits, (size_t)point);
	p[point] = '.';
	memcpy(p + point + 1, digits + point, (size_t)(n - point));
	return (size_t)n + 1;
}

static size_t
write_scientific(char *to, const char *digits, int n, int point)
{
	char *p = to;

	*p++ = digits[0];
	if (n > 1) {
		*p++ = '.';
		memcpy(p, digits + 1, (size_t)n - 1);
		p += n - 1;
	}
	*p++ = 'e';
	return (size_t)(p - to) + json_write_integer(p, point - 1);
}

static size_t
write_decimal(char *to, struct decimal d)
{
	char text[24], *begin;
	int n;

	strip_zeros(&d);
	begin = digits_before(text + sizeof text, d.digits);
	n = (int)(text + sizeof text - begin);
	if (n + d.exponent < POINT_MIN || n + d.exponent > POINT_MAX)
		return write_scientific(to, begin, n, n + d.exponent);
	return write_plain(to, begin, n, n + d.exponent);
}

/* Far from one: seldom, and then with as many digits as always do. */
static size_t
write_far(char *to, double v)
{
	int n = snprintf(to, JSON_NUMBER_MAX, "%.17g", v);

	return (size_t)n;
}

size_t
json_write_real(char *to, double v)
{
	struct decimal d;
	uint64_t bits, sign;
	int biased;

	memcpy(&bits, &v, sizeof bits);
	sign = bits >> 63;
	biased = (int)(bits >> 52 & 0x7FF);
	bits &= (UINT64_C(1) << 52) - 1;
	if (sign)
		*to++ = '-';
	if (biased == 0 && bits == 0) {
		memcpy(to, "0.0", 3);
		return sign + 3;
	}
	v = sign ? -v : v;
	if (v < 1e15 && v == (double)(uint64_t)v)
		return sign + write_decimal(to, (struct decimal){ (uint64_t)v, 0 });
	if (!shortest(bits, biased, &d))
		return sign + write_far(to, v);
	return sign + write_decimal(to, d);
}
