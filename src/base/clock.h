/*
 * Time: int64 nanoseconds since the epoch (_ns), and a monotonic clock for intervals.
 *
 * clock_now() and clock_mono() are read once per turn of the loop (clock_tick()) so that all parts of the program agree about
 * "now"; tests freeze them with clock_freeze(). Wall time may step back; intervals never use it.
 */
#ifndef OPS_BASE_CLOCK_H
#define OPS_BASE_CLOCK_H

#include <stdint.h>

#include "base/err.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MIN (60 * NS_PER_S)
#define NS_PER_HOUR (60 * NS_PER_MIN)

/* Read the system's clocks; the loop calls it once per turn. No effect while frozen. */
void clock_tick(void);
int64_t clock_now(void);	/* wall time of this turn */
int64_t clock_mono(void);	/* monotonic time of this turn */
int64_t clock_mono_fresh(void);	/* read now, for measuring how long something takes */
/* For tests: both clocks stand at ns from here on; 0 lets them run again. */
void clock_freeze(int64_t ns);

/* RFC 3339 in UTC: "2030-01-01T00:05:00Z", with as many fraction digits as asked (0 to 9). buf of CLOCK_TEXT_MAX. */
enum { CLOCK_TEXT_MAX = 40 };
const char *clock_format(char *buf, int64_t ns, unsigned fraction_digits);
/* Accepts RFC 3339 with any fraction (beyond 9 digits cut) and any offset, years 1 to 9999. What does not fit int64 (such as Alertmanager's 0001-01-01 for
 * "no end") is clamped to INT64_MIN or INT64_MAX. 0 or ERR_SYNTAX. */
int clock_parse(const char *text, int64_t *ret_ns, struct err *err);
/* Times from outside are kept between 1823 and 2116: the difference of any two, and a length added to one, then fit an int64. */
#define CLOCK_FAR_NS (INT64_MAX / 2)
int64_t clock_within(int64_t ns);

/* "41s", "14m", "6h10m", "12d"; at most two units, never longer than 8 columns. Negative is shown with a minus. */
enum { DURATION_TEXT_MAX = 24 };
const char *duration_format(char *buf, int64_t ns);
/* "500ms", "30s", "1h30m", "7d", "2w"; a bare number is refused (no unit). 0, ERR_SYNTAX or ERR_LIMIT. */
int duration_parse(const char *text, int64_t *ret_ns, struct err *err);

#endif
