/* Windows of the calendar: ends of months, leap years, changes of clocks. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "conf/conf_calendar.h"

static int64_t
ns_of(const char *text)
{
	int64_t ns = 0;

	if (clock_parse(text, &ns, NULL) < 0)
		fail_msg("%s", text);
	return ns;
}

/* Bounds from the first not after from; expected ends with NULL. */
static void
assert_bounds(const struct calendar *c, const char *from, const char *const *expected)
{
	char got[CLOCK_TEXT_MAX];
	struct err err = ERR_INIT;
	int64_t *v;
	size_t n;

	if (calendar_bounds(c, ns_of(from), ns_of(from) + 3000 * 24 * NS_PER_HOUR, &v, &n,
	    &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; expected[i] != NULL; i++) {
		assert_true(i < n);
		clock_format(got, v[i], 0);
		if (strcmp(got, expected[i]) != 0)
			fail_msg("bound %zu from %s: %s, expected %s", i, from, got, expected[i]);
	}
	free(v);
}

#define BOUNDS(...) (const char *const[]){ __VA_ARGS__, NULL }

static void
utc(void **state)
{
	struct calendar c = { .year = 2001, .month = 1, .day = 1, .length = 1, .zone = "UTC" };

	(void)state;
	assert_bounds(&c, "2028-02-28T10:00:00Z", BOUNDS("2028-02-28T00:00:00Z",
	    "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"));
	assert_bounds(&c, "2028-02-28T00:00:00Z", BOUNDS("2028-02-28T00:00:00Z"));
	/* The anchor may lie in the future, or far back. */
	assert_bounds(&c, "1999-12-31T23:59:59Z", BOUNDS("1999-12-31T00:00:00Z",
	    "2000-01-01T00:00:00Z"));
	c.length = 7;	/* 2001-01-01 was a Monday */
	assert_bounds(&c, "2030-06-16T23:59:59Z", BOUNDS("2030-06-10T00:00:00Z",
	    "2030-06-17T00:00:00Z"));
	c.unit = CALENDAR_MONTH;
	c.length = 3;
	assert_bounds(&c, "2029-12-31T00:00:00Z", BOUNDS("2029-10-01T00:00:00Z",
	    "2030-01-01T00:00:00Z", "2030-04-01T00:00:00Z"));
	c.length = 12;
	assert_bounds(&c, "2027-12-31T00:00:00Z", BOUNDS("2027-01-01T00:00:00Z",
	    "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z"));
}

static void
ends_of_months(void **state)
{
	const struct calendar c = { .year = 2029, .month = 12, .day = 31, .hour = 6, .minute = 30,
	    .unit = CALENDAR_MONTH, .length = 1, .zone = "UTC" };

	(void)state;
	assert_bounds(&c, "2027-12-31T07:00:00Z", BOUNDS("2027-12-31T06:30:00Z",
	    "2028-01-31T06:30:00Z", "2028-02-29T06:30:00Z", "2028-03-31T06:30:00Z",
	    "2028-04-30T06:30:00Z"));
	assert_bounds(&c, "2100-01-31T07:00:00Z", BOUNDS("2100-01-31T06:30:00Z",
	    "2100-02-28T06:30:00Z"));
}

/* Rules of zones change; these have long stood. */
static void
changes_of_clocks(void **state)
{
	struct calendar c = { .year = 2001, .month = 1, .day = 1, .length = 1,
	    .zone = "Europe/Berlin" };

	(void)state;
	if (calendar_check_zone("Europe/Berlin", NULL) < 0)
		skip();	/* this machine has no zones */
	/* 23 hours, then, in autumn, 25. */
	assert_bounds(&c, "2022-03-26T12:00:00Z", BOUNDS("2022-03-25T23:00:00Z",
	    "2022-03-26T23:00:00Z", "2022-03-27T22:00:00Z"));
	assert_bounds(&c, "2022-10-29T12:00:00Z", BOUNDS("2022-10-28T22:00:00Z",
	    "2022-10-29T22:00:00Z", "2022-10-30T23:00:00Z"));
	c.unit = CALENDAR_MONTH;
	assert_bounds(&c, "2022-03-15T12:00:00Z", BOUNDS("2022-02-28T23:00:00Z",
	    "2022-03-31T22:00:00Z"));
	/* 02:30 is skipped in spring, and stands for the change. It comes twice in autumn: its
	 * first counts. */
	c.unit = CALENDAR_DAY;
	c.hour = 2;
	c.minute = 30;
	assert_bounds(&c, "2022-03-26T12:00:00Z", BOUNDS("2022-03-26T01:30:00Z",
	    "2022-03-27T01:00:00Z", "2022-03-28T00:30:00Z"));
	assert_bounds(&c, "2022-10-29T12:00:00Z", BOUNDS("2022-10-29T00:30:00Z",
	    "2022-10-30T00:30:00Z", "2022-10-31T01:30:00Z"));
	c.hour = c.minute = 0;
	/* Clocks there change at midnight: the day begins at one, which is the change itself. */
	c.zone = "Asia/Beirut";
	assert_bounds(&c, "2022-03-26T12:00:00Z", BOUNDS("2022-03-25T22:00:00Z",
	    "2022-03-26T22:00:00Z", "2022-03-27T21:00:00Z"));
	/* There midnight comes twice: 01:00 becomes 00:00. */
	c.zone = "America/Havana";
	assert_bounds(&c, "2022-11-05T12:00:00Z", BOUNDS("2022-11-05T04:00:00Z",
	    "2022-11-06T04:00:00Z", "2022-11-07T05:00:00Z"));
	/* Clocks that move by half an hour, south of the equator. */
	c.zone = "Australia/Lord_Howe";
	assert_bounds(&c, "2022-04-02T01:00:00Z", BOUNDS("2022-04-01T13:00:00Z",
	    "2022-04-02T13:00:00Z", "2022-04-03T13:30:00Z"));
	/* Winter is said to be the other time there. */
	c.zone = "Europe/Dublin";
	assert_bounds(&c, "2022-03-26T12:00:00Z", BOUNDS("2022-03-26T00:00:00Z",
	    "2022-03-27T00:00:00Z", "2022-03-27T23:00:00Z"));
	c.hour = 1;
	c.minute = 30;
	assert_bounds(&c, "2022-03-26T12:00:00Z", BOUNDS("2022-03-26T01:30:00Z",
	    "2022-03-27T01:00:00Z", "2022-03-28T00:30:00Z"));
	/* Half an hour is skipped, from two on. */
	c.zone = "Australia/Lord_Howe";
	c.hour = 2;
	c.minute = 15;
	assert_bounds(&c, "2022-10-01T00:00:00Z", BOUNDS("2022-09-30T15:45:00Z",
	    "2022-10-01T15:30:00Z", "2022-10-02T15:15:00Z"));
	/* The date line moved: there was no 30 December, which ends where it would begin. */
	c.zone = "Pacific/Apia";
	c.hour = c.minute = 0;
	assert_bounds(&c, "2011-12-29T12:00:00Z", BOUNDS("2011-12-29T10:00:00Z",
	    "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"));
}

static void
the_program_keeps_its_zone(void **state)
{
	const struct calendar c = { .year = 2001, .month = 1, .day = 1, .length = 1,
	    .zone = "Asia/Tokyo" };
	time_t t = 0;
	struct tm tm;
	int64_t *v;
	size_t n;

	(void)state;
	if (calendar_check_zone("Asia/Tokyo", NULL) < 0)
		skip();	/* this machine has no zones */
	setenv("TZ", "XXX-5", 1);
	tzset();
	assert_int_equal(calendar_bounds(&c, 0, NS_PER_HOUR, &v, &n, NULL), 0);
	free(v);
	assert_string_equal(getenv("TZ"), "XXX-5");
	assert_non_null(localtime_r(&t, &tm));
	assert_int_equal(tm.tm_hour, 5);
	unsetenv("TZ");
	assert_int_equal(calendar_bounds(&c, 0, NS_PER_HOUR, &v, &n, NULL), 0);
	free(v);
	assert_null(getenv("TZ"));
}

/* Every day of many years, in many zones: windows touch, ascend, and begin at midnight. */
static void
days_are_whole(void **state)
{
	static const char *const zones[] = { "Europe/Berlin", "America/New_York", "Asia/Beirut",
	    "America/Havana", "Africa/Casablanca", "Pacific/Apia", "Asia/Kathmandu" };

	(void)state;
	for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
		struct calendar c = { .year = 2001, .month = 1, .day = 1, .length = 1,
		    .zone = zones[i] };
		int64_t from = ns_of("2020-01-01T00:00:00Z"), *v;
		size_t n;

		if (calendar_check_zone(zones[i], NULL) < 0)
			continue;
		assert_int_equal(calendar_bounds(&c, from, from + 2557 * 24 * NS_PER_HOUR, &v, &n,
		    NULL), 0);
		assert_in_range(n, 2557, 2560);
		for (size_t j = 0; j + 1 < n; j++)
			assert_in_range(v[j + 1] - v[j], 23 * NS_PER_HOUR, 25 * NS_PER_HOUR);
		free(v);
	}
}

static void
zones_without_files(void **state)
{
	static const char *const bad[] = { "", "Nowhere/City", "/etc/localtime", "../../etc/passwd",
	    "Europe", "-05", "Europe/Berlin\n", "zone.tab" };
	struct calendar c = { .year = 2001, .month = 1, .day = 1, .length = 1 };
	int64_t *v;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		c.zone = bad[i];
		assert_int_equal(calendar_bounds(&c, 0, 1, &v, &n, NULL), ERR_INVALID);
	}
	setenv("TZDIR", "/nonexistent", 1);
	assert_int_equal(calendar_check_zone("Europe/Berlin", NULL), ERR_INVALID);
	c.zone = "UTC";
	assert_int_equal(calendar_bounds(&c, 0, 1, &v, &n, NULL), 0);
	assert_true(v[0] == 0);
	free(v);
	unsetenv("TZDIR");
}

static void
limits(void **state)
{
	struct calendar c = { .year = 2001, .month = 1, .day = 1, .length = 1, .zone = "UTC" };
	int64_t *v;
	size_t n;

	(void)state;
	assert_int_equal(calendar_bounds(&c, 0, 5000 * 24 * NS_PER_HOUR, &v, &n, NULL), ERR_LIMIT);
	c.length = 0;
	assert_int_equal(calendar_bounds(&c, 0, 1, &v, &n, NULL), ERR_LIMIT);
}

static void
times_as_text(void **state)
{
	static const char *const bad[] = { "", "2030", "2030-01-01 00:00", "2030-01-01T00:00:00Z",
	    "2030-02-29", "2030-13-01", "2030-00-10", "2030-01-32", "2030-01-01 24:00:00",
	    "2030-01-01 00:60:00", "1969-12-31", "30-01-01", "2030-1-1", "2030-01-01 00:00:00 " };
	struct calendar c = { .length = 7, .zone = "UTC" };

	(void)state;
	assert_int_equal(calendar_read_time("2028-02-29 23:59:58", &c, NULL), 0);
	assert_int_equal(c.year * 10000 + c.month * 100 + c.day, 20280229);
	assert_int_equal(c.hour * 10000 + c.minute * 100 + c.second, 235958);
	assert_int_equal(c.length, 7);
	assert_int_equal(calendar_read_time("2030-01-31", &c, NULL), 0);
	assert_int_equal(c.hour, 0);
	assert_int_equal(calendar_read_time("2030-01-31T06:00:00", &c, NULL), 0);
	assert_int_equal(c.hour, 6);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (calendar_read_time(bad[i], &c, NULL) == 0)
			fail_msg("'%s' was read", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utc), cmocka_unit_test(ends_of_months),
		cmocka_unit_test(changes_of_clocks), cmocka_unit_test(the_program_keeps_its_zone),
		cmocka_unit_test(days_are_whole), cmocka_unit_test(zones_without_files),
		cmocka_unit_test(limits), cmocka_unit_test(times_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
