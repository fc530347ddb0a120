#include "config.h"

#include "ui/graph_scale.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"

/* --- values -------------------------------------------------------------------------------------- */

/* What num_format() divides by for values of about this size: steps are round in what people read. */
static double
unit_base(const char *unit, double size)
{
	double base = 1;

	if (unit == NULL)
		return 1;
	if (strcmp(unit, "bytes") == 0) {
		while (size / base >= 1024 && base < 0x1p60)
			base *= 1024;
		return base;
	}
	if (strcmp(unit, "seconds") == 0)
		return size >= 172800 ? 86400 : size >= 7200 ? 3600 : size >= 120 ? 60 : 1;
	return 1;
}

static double
round_step(double rough)
{
	double power = pow(10, floor(log10(rough))), part = rough / power;

	/* A hair of tolerance, so that 0.1 * 3 / 3 stays 0.1. */
	return (part <= 1.0000001 ? 1 : part <= 2.0000001 ? 2 : part <= 5.0000001 ? 5 : 10) * power;
}

/* Smaller differences are rounding, not measurements. */
#define RANGE_MIN 1e-290

/* The range that is to be seen: never empty, never beyond what doubles can subtract. */
static void
range_settle(double *lo, double *hi)
{
	*lo = fmax(*lo, -DBL_MAX / 8);
	*hi = fmin(*hi, DBL_MAX / 8);
	if (*lo >= 0 && *lo <= *hi * 0.75)
		*lo = 0;
	if (*hi <= 0 && *hi >= *lo * 0.75)
		*hi = 0;
	if (*hi - *lo < RANGE_MIN)
		*hi = *lo + RANGE_MIN;
	if (*hi - *lo > fmax(fabs(*hi), fabs(*lo)) * 1e-9 && *hi - *lo > RANGE_MIN)
		return;
	/* Flat: from zero to the value, or zero to one. */
	if (*hi > RANGE_MIN)
		*lo = 0;
	else if (*lo < -RANGE_MIN)
		*hi = 0;
	else
		*hi = *lo + 1;
}

void
scale_fit(struct scale *s, double lo, double hi, int n_wanted, const char *unit)
{
	double base;

	range_settle(&lo, &hi);
	base = unit_base(unit, fmax(fabs(lo), fabs(hi)));
	s->step = round_step((hi - lo) / base / (n_wanted < 1 ? 1 : n_wanted)) * base;
	if (s->step < 1 && unit != NULL && strcmp(unit, "bytes") == 0)
		s->step = 1;
	s->lo = floor(lo / s->step + 1e-9) * s->step;
	s->hi = ceil(hi / s->step - 1e-9) * s->step;
	if (s->hi <= s->lo)
		s->hi = s->lo + s->step;
	s->n = (int)lround((s->hi - s->lo) / s->step) + 1;
}

double
scale_tick(const struct scale *s, int i)
{
	double v = s->lo + s->step * i;

	/* What is left of subtracting equals is zero, not 5e-17. */
	return fabs(v) < s->step * 1e-6 ? 0 : v;
}

/* Plain decimals, for ticks that three digits cannot tell apart. */
static const char *
label_precise(const struct scale *s, double v, const char *unit, char *buf)
{
	double factor = unit != NULL && strcmp(unit, "ratio") == 0 ? 100 : 1;
	int decimals = (int)-floor(log10(s->step * factor) + 1e-9);

	decimals = decimals < 0 ? 0 : decimals > 12 ? 12 : decimals;
	if (fabs(v) >= 1e15)
		snprintf(buf, SCALE_LABEL_MAX, "%.9g", v);
	else
		snprintf(buf, SCALE_LABEL_MAX, "%.*f%s", decimals, v * factor, factor == 100 ? "%" : "");
	return buf;
}

/* Units that are words would fill the axis; the title of a graph names them. */
static const char *
label_unit(const char *unit)
{
	static const char *const shown[] = { "ratio", "seconds", "bytes", "per-second" };

	for (size_t i = 0; unit != NULL && i < sizeof shown / sizeof shown[0]; i++)
		if (strcmp(unit, shown[i]) == 0)
			return unit;
	return "none";
}

const char *
scale_label(const struct scale *s, double v, const char *unit, char *buf)
{
	char text[NUM_TEXT_MAX];

	if (s->step < fmax(fabs(s->lo), fabs(s->hi)) / 200)
		return label_precise(s, v, unit, buf);
	num_format(text, v, label_unit(unit));
	if (strlen(text) >= SCALE_LABEL_MAX)
		return label_precise(s, v, unit, buf);
	memcpy(buf, text, strlen(text) + 1);
	return buf;
}

/* --- times ----------------------------------------------------------------------------------------- */

#define DAY_S 86400
#define SHORT_SPAN (10 * NS_PER_MIN)
#define DAYS_SPAN (24 * NS_PER_HOUR)

static const int64_t time_steps_s[] = {
	1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
	DAY_S, 2 * DAY_S, 7 * DAY_S, 14 * DAY_S, 28 * DAY_S, 91 * DAY_S, 364 * DAY_S,
};

static int
time_label_width(int64_t span_ns, int64_t step_ns)
{
	if (span_ns < SHORT_SPAN)
		return 8;
	return span_ns > DAYS_SPAN && step_ns < DAY_S * NS_PER_S ? 11 : 5;
}

int64_t
time_step(int64_t span_ns, int w)
{
	size_t n = sizeof time_steps_s / sizeof time_steps_s[0];
	int64_t step = NS_PER_S;

	for (size_t i = 0; i < n; i++) {
		step = time_steps_s[i] * NS_PER_S;
		if ((double)step / (double)span_ns * w >= time_label_width(span_ns, step) + 3)
			break;
	}
	return step;
}

int64_t
time_tick(int64_t start_ns, int64_t step_ns)
{
	int64_t over = start_ns % step_ns;

	if (over < 0)
		over += step_ns;
	return over == 0 ? start_ns : start_ns - over + step_ns;
}

const char *
time_label(int64_t t_ns, int64_t span_ns, int64_t step_ns, char *buf)
{
	time_t t = (time_t)(t_ns / NS_PER_S);
	int width = time_label_width(span_ns, step_ns);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		return memcpy(buf, "?", sizeof "?");
	if (width == 8)
		strftime(buf, SCALE_LABEL_MAX, "%H:%M:%S", &tm);
	else if (width == 11)
		strftime(buf, SCALE_LABEL_MAX, "%m-%d %H:%M", &tm);
	else
		strftime(buf, SCALE_LABEL_MAX, span_ns > DAYS_SPAN ? "%m-%d" : "%H:%M", &tm);
	return buf;
}
