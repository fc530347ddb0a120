#include "config.h"

#include "base/clock.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct {
	int64_t now_ns, mono_ns;
	bool is_frozen;
} clk;

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

void
clock_tick(void)
{
	if (clk.is_frozen)
		return;
	clk.now_ns = read_clock(CLOCK_REALTIME);
	clk.mono_ns = read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_now(void)
{
	if (clk.now_ns == 0)
		clock_tick();
	return clk.now_ns;
}

int64_t
clock_mono(void)
{
	if (clk.mono_ns == 0)
		clock_tick();
	return clk.mono_ns;
}

int64_t
clock_mono_fresh(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void
clock_freeze(int64_t ns)
{
	clk.is_frozen = ns != 0;
	clk.now_ns = clk.mono_ns = ns;
	clock_tick();
}

const char *
clock_format(char *buf, int64_t ns, unsigned fraction_digits)
{
	int64_t s = ns / NS_PER_S, rest = ns % NS_PER_S;
	struct tm tm;
	time_t t;
	size_t used;

	if (rest < 0) {
		rest += NS_PER_S;
		s--;
	}
	t = (time_t)s;
	gmtime_r(&t, &tm);
	used = strftime(buf, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	if (fraction_digits > 9)
		fraction_digits = 9;
	if (fraction_digits > 0) {
		char digits[16];

		snprintf(digits, sizeof digits, "%09" PRId64, rest);
		used += (size_t)snprintf(buf + used, CLOCK_TEXT_MAX - used, ".%.*s", (int)fraction_digits, digits);
	}
	snprintf(buf + used, CLOCK_TEXT_MAX - used, "Z");
	return buf;
}

/* Exactly n digits at *p; moves *p behind them. */
static bool
take_digits(const char **p, int n, int *ret)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (!isdigit((unsigned char)(*p)[i]))
			return false;
		v = v * 10 + ((*p)[i] - '0');
	}
	*p += n;
	*ret = v;
	return true;
}

static bool
take_char(const char **p, const char *set)
{
	if (**p == '\0' || strchr(set, **p) == NULL)
		return false;
	(*p)++;
	return true;
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar. Source: H. Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms", days_from_civil. */
static int64_t
days_from_civil(int y, int m, int d)
{
	int64_t era, yoe, doy, doe;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

static int
days_in_month(int y, int m)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return m == 2 && is_leap ? 29 : days[m - 1];
}

static bool
take_fraction(const char **p, int64_t *ret_ns)
{
	int64_t ns = 0, unit = NS_PER_S / 10;

	if (!isdigit((unsigned char)**p))
		return false;
	for (; isdigit((unsigned char)**p); (*p)++, unit /= 10)
		ns += (**p - '0') * unit;
	*ret_ns = ns;
	return true;
}

static bool
take_offset(const char **p, int64_t *ret_s)
{
	int sign, h, m;

	if (take_char(p, "Zz")) {
		*ret_s = 0;
		return true;
	}
	sign = **p == '-' ? -1 : 1;
	if (!take_char(p, "+-") || !take_digits(p, 2, &h) || !take_char(p, ":") || !take_digits(p, 2, &m) || h > 23 || m > 59)
		return false;
	*ret_s = sign * (h * 3600 + m * 60);
	return true;
}

int
clock_parse(const char *text, int64_t *ret_ns, struct err *err)
{
	const char *p = text;
	int y, mo, d, h, mi, s;
	int64_t fraction = 0, offset, secs;

	if (!take_digits(&p, 4, &y) || !take_char(&p, "-") || !take_digits(&p, 2, &mo) || !take_char(&p, "-") ||
	    !take_digits(&p, 2, &d) || !take_char(&p, "Tt ") || !take_digits(&p, 2, &h) || !take_char(&p, ":") ||
	    !take_digits(&p, 2, &mi) || !take_char(&p, ":") || !take_digits(&p, 2, &s) ||
	    (take_char(&p, ".") && !take_fraction(&p, &fraction)) || !take_offset(&p, &offset) || *p != '\0' ||
	    mo < 1 || mo > 12 || d < 1 || d > days_in_month(y, mo) || h > 23 || mi > 59 || s > 60)
		return err_set(err, ERR_SYNTAX, "not a time in RFC 3339 form (2030-01-31T02:10:00Z): '%.64s'", text);
	secs = days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + s - offset;
	if (secs > INT64_MAX / NS_PER_S - 1)
		*ret_ns = INT64_MAX;
	else if (secs < INT64_MIN / NS_PER_S + 1)
		*ret_ns = INT64_MIN;
	else
		*ret_ns = secs * NS_PER_S + fraction;
	return 0;
}

int64_t
clock_within(int64_t ns)
{
	return ns > CLOCK_FAR_NS ? CLOCK_FAR_NS : ns < -CLOCK_FAR_NS ? -CLOCK_FAR_NS : ns;
}

static const struct {
	const char *name;
	int64_t ns;
} units[] = {	/* "ms" before "m" when reading */
	{ "ms", NS_PER_MS }, { "us", NS_PER_US }, { "ns", 1 }, { "s", NS_PER_S }, { "m", NS_PER_MIN }, { "h", NS_PER_HOUR },
	{ "d", 24 * NS_PER_HOUR }, { "w", 7 * 24 * NS_PER_HOUR }, { "y", 365 * 24 * NS_PER_HOUR },
};

const char *
duration_format(char *buf, int64_t ns)
{
	const char *sign = ns < 0 ? "-" : "";
	int64_t s;

	if (ns == INT64_MIN)
		ns++;
	if (ns < 0)
		ns = -ns;
	s = ns / NS_PER_S;
	if (ns > 0 && ns < NS_PER_S)
		snprintf(buf, DURATION_TEXT_MAX, "%s%" PRId64 "ms", sign, ns / NS_PER_MS);
	else if (s < 60)
		snprintf(buf, DURATION_TEXT_MAX, "%s%" PRId64 "s", sign, s);
	else if (s < 3600)
		snprintf(buf, DURATION_TEXT_MAX, "%s%" PRId64 "m", sign, s / 60);
	else if (s < 86400)
		snprintf(buf, DURATION_TEXT_MAX, "%s%" PRId64 "h%02" PRId64 "m", sign, s / 3600, s % 3600 / 60);
	else if (s < 10 * 86400)
		snprintf(buf, DURATION_TEXT_MAX, "%s%" PRId64 "d%02" PRId64 "h", sign, s / 86400, s % 86400 / 3600);
	else
		snprintf(buf, DURATION_TEXT_MAX, "%s%" PRId64 "d", sign, s / 86400);
	return buf;
}

int
duration_parse(const char *text, int64_t *ret_ns, struct err *err)
{
	const char *p = text;
	int64_t total = 0;

	do {
		int64_t v = 0;
		size_t u = 0;

		if (!isdigit((unsigned char)*p))
			goto bad;
		for (; isdigit((unsigned char)*p); p++)
			if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *p - '0', &v))
				goto large;
		while (u < sizeof units / sizeof units[0] && strncmp(p, units[u].name, strlen(units[u].name)) != 0)
			u++;
		if (u == sizeof units / sizeof units[0])
			goto bad;
		if (__builtin_mul_overflow(v, units[u].ns, &v) || __builtin_add_overflow(total, v, &total))
			goto large;
		p += strlen(units[u].name);
	} while (*p != '\0');
	*ret_ns = total;
	return 0;
bad:
	return err_set(err, ERR_SYNTAX, "not a duration with a unit (such as 500ms, 30s, 1h30m, 7d): '%.64s'", text);
large:
	return err_set(err, ERR_LIMIT, "a duration of more than 292 years: '%.64s'", text);
}
