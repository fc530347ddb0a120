#include "config.h"

#include "conf/conf_calendar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { SHOWN = 72, DAY_S = 86400 };

/* --- zones ----------------------------------------------------------------------------------- */

static bool
is_utc(const char *zone)
{
	return str_eq(zone, "UTC") || str_eq(zone, "Etc/UTC") || str_eq(zone, "GMT");
}

/* No way out of the folder of zones. */
static bool
is_zone_name(const char *zone)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789_+-/";
	size_t len = strlen(zone);

	return len > 0 && len < 64 && zone[0] != '/' && zone[0] != '-' &&
	    strspn(zone, letters) == len;
}

static bool
has_zone_file(const char *zone)
{
	const char *folder = getenv("TZDIR");
	char magic[4] = "", *path;
	bool is_zone;
	FILE *f;

	path = xasprintf("%s/%s", folder != NULL && folder[0] == '/' ? folder :
	    "/usr/share/zoneinfo", zone);
	f = fopen(path, "re");
	free(path);
	if (f == NULL)
		return false;
	is_zone = fread(magic, 1, sizeof magic, f) == sizeof magic &&
	    memcmp(magic, "TZif", sizeof magic) == 0;	/* RFC 8536, section 3.1 */
	fclose(f);
	return is_zone;
}

int
calendar_check_zone(const char *zone, struct err *err)
{
	char shown[SHOWN];

	if (is_utc(zone) || (is_zone_name(zone) && has_zone_file(zone)))
		return 0;
	return err_set(err, ERR_INVALID, "'%s' is not a time zone known on this machine (such as "
	    "Europe/Berlin; the package tzdata has them)", str_escape_to(shown, sizeof shown, zone));
}

/* The C library reckons in one zone at a time. */
static char *
zone_enter(const char *zone)
{
	char *before = xstrdup_or_null(getenv("TZ"));

	setenv("TZ", zone, 1);
	tzset();
	return before;
}

static void
zone_leave(char *before)
{
	if (before != NULL)
		setenv("TZ", before, 1);
	else
		unsetenv("TZ");
	tzset();
	free(before);
}

/* --- local time to moments ------------------------------------------------------------------- */

static bool
is_same_clock(const struct tm *a, const struct tm *b)
{
	return a->tm_hour == b->tm_hour && a->tm_min == b->tm_min && a->tm_mday == b->tm_mday;
}

/* Clocks that are put back show the same time twice; by how much differs between zones. */
static time_t
first_of_two(time_t t, const struct tm *local)
{
	static const time_t shifts[] = { 1800, 3600, 7200 };
	struct tm tm;
	time_t earlier;

	for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
		earlier = t - shifts[i];
		if (localtime_r(&earlier, &tm) != NULL && is_same_clock(&tm, local))
			return earlier;
	}
	return t;
}

/* What clocks show, as if there were no zones. */
static time_t
shown_at(time_t t)
{
	struct tm tm;

	return localtime_r(&t, &tm) != NULL ? t + tm.tm_gmtoff : t;
}

/* The moment at which clocks go past local. Far enough around it for any zone: a day was skipped
 * where the date line moved. */
static time_t
moment_of_skip(const struct tm *local)
{
	struct tm tm = *local;
	time_t wanted = timegm(&tm), before = wanted - 2 * DAY_S, after = wanted + 2 * DAY_S;

	while (before + 1 < after) {
		time_t mid = before + (after - before) / 2;

		if (shown_at(mid) < wanted)
			before = mid;
		else
			after = mid;
	}
	return after;
}

/* The zone is entered. local is normal. */
static time_t
to_moment(const struct tm *local)
{
	struct tm tm = *local;
	time_t t;

	/* Not asked for summer time where there is none: the C library would search for years. */
	tm.tm_isdst = -1;
	t = mktime(&tm);
	if (is_same_clock(&tm, local))
		return first_of_two(t, local);
	return moment_of_skip(local);
}

static int
days_of_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && is_leap ? 29 : days[month - 1];
}

/* The local time at which window k begins. */
static struct tm
local_bound(const struct calendar *c, int k)
{
	struct tm tm = { .tm_hour = c->hour, .tm_min = c->minute, .tm_sec = c->second };
	int months = c->year * 12 + c->month - 1 + (c->unit == CALENDAR_MONTH ? k * c->length : 0);
	int year = months / 12, month = months % 12 + 1, last = days_of_month(year, month);
	time_t t;

	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = c->day < last ? c->day : last;
	t = timegm(&tm);	/* only the calendar's arithmetic, in no zone */
	if (c->unit == CALENDAR_DAY)
		t += (time_t)k * c->length * DAY_S;
	gmtime_r(&t, &tm);
	return tm;
}

static int64_t
bound_ns(const struct calendar *c, int k)
{
	struct tm tm = local_bound(c, k);

	return (int64_t)(is_utc(c->zone) ? timegm(&tm) : to_moment(&tm)) * NS_PER_S;
}

/* A window that begins before ns, not many before it. */
static int
window_before(const struct calendar *c, int64_t ns)
{
	struct tm from, anchor = local_bound(c, 0);
	time_t t = (time_t)(ns / NS_PER_S);
	int64_t units;

	gmtime_r(&t, &from);
	if (c->unit == CALENDAR_MONTH)
		units = (from.tm_year - anchor.tm_year) * 12 + from.tm_mon - anchor.tm_mon;
	else
		units = (t - timegm(&anchor)) / DAY_S;
	return (int)(units / c->length) - 3;
}

/* The zone is entered. */
static int
collect(const struct calendar *c, int64_t from_ns, int64_t to_ns, int64_t *v, size_t *ret_n)
{
	int k = window_before(c, from_ns);
	size_t n = 0;

	while (bound_ns(c, k + 1) <= from_ns)
		k++;
	for (; n < CALENDAR_BOUNDS_MAX; k++) {
		int64_t ns = bound_ns(c, k);

		/* Two skipped in one change would be the same moment. */
		if (n == 0 || ns > v[n - 1])
			v[n++] = ns;
		if (ns >= to_ns) {
			*ret_n = n;
			return 0;
		}
	}
	return ERR_LIMIT;
}

int
calendar_bounds(const struct calendar *c, int64_t from_ns, int64_t to_ns, int64_t **ret_bounds,
    size_t *ret_n, struct err *err)
{
	int64_t *v;
	char *before;
	int r = calendar_check_zone(c->zone, err);

	if (r < 0)
		return r;
	if (c->length < 1 || c->length > 12000 || from_ns > to_ns ||
	    c->year < 1970 || c->year > 2200)
		return err_set(err, ERR_LIMIT, "a calendar from year %d on with windows of %d days "
		    "or months is out of range", c->year, c->length);
	v = xcalloc(CALENDAR_BOUNDS_MAX, sizeof *v);
	before = is_utc(c->zone) ? NULL : zone_enter(c->zone);
	r = collect(c, from_ns, to_ns, v, ret_n);
	if (!is_utc(c->zone))
		zone_leave(before);
	if (r < 0) {
		free(v);
		return err_set(err, r, "the calendar has more than %d windows",
		    (int)CALENDAR_BOUNDS_MAX);
	}
	*ret_bounds = v;
	return 0;
}

/* --- times as text --------------------------------------------------------------------------- */

/* Digits, exactly n of them. */
static bool
take_number(const char **p, int n, int *ret)
{
	int v = 0;

	for (int i = 0; i < n; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		v = v * 10 + (**p - '0');
	}
	*ret = v;
	return true;
}

static bool
take(const char **p, char c)
{
	return **p == c && (*p)++ != NULL;
}

int
calendar_read_time(const char *text, struct calendar *ret, struct err *err)
{
	struct calendar c = { .hour = 0 };
	const char *p = text;
	char shown[SHOWN];
	bool is_good;

	is_good = take_number(&p, 4, &c.year) && take(&p, '-') && take_number(&p, 2, &c.month) &&
	    take(&p, '-') && take_number(&p, 2, &c.day);
	if (is_good && *p != '\0')
		is_good = (take(&p, ' ') || take(&p, 'T')) && take_number(&p, 2, &c.hour) &&
		    take(&p, ':') && take_number(&p, 2, &c.minute) && take(&p, ':') &&
		    take_number(&p, 2, &c.second) && *p == '\0';
	if (!is_good)
		return err_set(err, ERR_SYNTAX, "'%s' is not a time such as 2030-01-31 12:30:00 "
		    "(without a zone)", str_escape_to(shown, sizeof shown, text));
	if (c.year < 1970 || c.year > 2200 || c.month < 1 || c.month > 12 || c.day < 1 ||
	    c.day > days_of_month(c.year, c.month) || c.hour > 23 || c.minute > 59 || c.second > 59)
		return err_set(err, ERR_SYNTAX, "'%s' is not on the calendar",
		    str_escape_to(shown, sizeof shown, text));
	ret->year = c.year;
	ret->month = c.month;
	ret->day = c.day;
	ret->hour = c.hour;
	ret->minute = c.minute;
	ret->second = c.second;
	return 0;
}
