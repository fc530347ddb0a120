#include "config.h"

#include "ui/time_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define DAY (24 * NS_PER_HOUR)

/* ".5": digits behind a point, nine of them count. */
static bool
fraction(const char *text, int64_t *ret_ns)
{
	size_t n = strspn(text + 1, "0123456789");
	int64_t unit = NS_PER_S;

	if (*text != '.' || n == 0 || text[1 + n] != '\0')
		return false;
	for (*ret_ns = 0; *++text != '\0' && unit > 1;)
		*ret_ns += (*text - '0') * (unit /= 10);
	return true;
}

/* "02:10", "02:10:30" and "02:10:30.5". */
static bool
time_of_day(const char *text, int64_t *ret_ns)
{
	unsigned h, m, s = 0;
	int used = 0, n = sscanf(text, "%2u:%2u%n:%2u%n", &h, &m, &used, &s, &used);
	int64_t part = 0;

	if (n < 2 || h > 23 || m > 59 || s > 59)
		return false;
	if (text[used] != '\0' && (n < 3 || !fraction(text + used, &part)))
		return false;
	*ret_ns = (int64_t)(h * 3600 + m * 60 + s) * NS_PER_S + part;
	return true;
}

int
time_text_parse(const char *text, int64_t now_ns, int64_t *ret_ns, struct err *err)
{
	int64_t ago, t;

	if (strcmp(text, "now") == 0) {
		*ret_ns = now_ns;
		return 0;
	}
	if (text[0] == '-' && duration_parse(text + 1, &ago, NULL) == 0 && ago <= now_ns) {
		*ret_ns = now_ns - ago;
		return 0;
	}
	if (time_of_day(text, &t)) {
		t += now_ns / DAY * DAY;
		*ret_ns = t <= now_ns ? t : t - DAY;
		return 0;
	}
	if (clock_parse(text, &t, NULL) == 0 && t >= 0) {
		*ret_ns = t;
		return 0;
	}
	return err_set(err, ERR_SYNTAX, "not a time: '%.40s'; say 02:10, 02:10:30, -18m or 2030-01-31T02:10:00Z (all UTC)", text);
}
