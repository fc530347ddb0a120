/*
 * Windows that follow the calendar of a time zone: where one ends and the next begins.
 *
 * Windows repeat from an anchor in both directions by whole days or whole months of local time, so
 * that a day with a change of clocks has 23 or 25 hours, and a window of a month that begins on
 * the 31st begins on the last day of shorter ones. A local time that clocks skip stands for the
 * moment of the skip; one that comes twice stands for the first.
 *
 * Works by the C library's TZ, which is the whole program's: only for the main thread while there
 * is no other. UTC needs no zone files.
 */
#ifndef OPS_CONF_CONF_CALENDAR_H
#define OPS_CONF_CONF_CALENDAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum calendar_unit { CALENDAR_DAY, CALENDAR_MONTH };

struct calendar {
	int year, month, day;		/* month and day from 1 */
	int hour, minute, second;
	enum calendar_unit unit;
	int length;			/* of a window, in units */
	const char *zone;		/* name in the IANA database */
};

enum { CALENDAR_BOUNDS_MAX = 4096 };

/* 0; ERR_INVALID: no such zone on this machine. */
int calendar_check_zone(const char *zone, struct err *err);
/* "2030-01-31 12:30:00", or the day alone. 0 or ERR_SYNTAX. */
int calendar_read_time(const char *text, struct calendar *ret, struct err *err);
/* Bounds of windows, ascending, such that the first is not after from_ns and the last not before
 * to_ns. malloc()ed. 0; ERR_INVALID as above; ERR_LIMIT: more than CALENDAR_BOUNDS_MAX, or out of
 * range. */
int calendar_bounds(const struct calendar *c, int64_t from_ns, int64_t to_ns, int64_t **ret_bounds,
    size_t *ret_n, struct err *err);

#endif
