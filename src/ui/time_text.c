#include "config.h"

#include "ui/time_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define DAY (24 * NS_PER_HOUR)

/* "02:10" and "02:10:30". */
static bool
time_of_day(const char *text, int64_t *ret_ns)
{
	unsigned h, m, s = 0;
	int used = 0;

	if (sscanf(text, "%2u:%2u%n:%2u%n", &h, &m, &used, &s, &used) < 2 || text[used] != '\0' || h > 23 || m > 59 || s > 59)
		return false;
	*ret_ns = (int64_t)(h * 3600 + m * 60 + s) * NS_PER_S;
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
