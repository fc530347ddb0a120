/*
 * Numbers and times as text, fast: what printf() and strftime() would need most of the time of a recording for.
 *
 * A double is written with the fewest digits that read back as the same one: Schubfach, by Raffaello Giulietti ("The Schubfach way to render doubles", 2020).
 */
#ifndef OPS_MODEL_JSON_NUMBER_H
#define OPS_MODEL_JSON_NUMBER_H

#include <stddef.h>
#include <stdint.h>

enum { JSON_NUMBER_MAX = 40, JSON_TIME_MAX = 36 };

/* Each writes to `to`, which has room for JSON_NUMBER_MAX, without a NUL, and returns how many bytes. */
size_t json_write_integer(char *to, int64_t v);
/* v is finite. With a point or an exponent, so that it is read back as a real: "3.0", "-0.0", "1.5e-9". */
size_t json_write_real(char *to, double v);
/* As clock_format() with nine digits of the second; to has room for JSON_TIME_MAX. */
size_t json_write_time(char *to, int64_t ns);

#endif
