/* How an objective stands, in a few words: the same ones on every screen and in --status. */
#include "config.h"

#include "model/slo.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"

#define NS_PER_DAY (24 * NS_PER_HOUR)
enum { TEXT_MAX = 1 << 16 };
#define MISSING_MUCH 0.05

/* --- names -------------------------------------------------------------------------------------------------------------------- */

const char *
slo_state_name(enum slo_state state)
{
	switch (state) {
	case SLO_PAGE: return "page";
	case SLO_TICKET: return "ticket";
	case SLO_EXHAUSTED: return "exhausted";
	case SLO_NO_DATA: return "no-data";
	case SLO_UNKNOWN: return "unknown";
	case SLO_GATED: return "gated";
	case SLO_OK: return "ok";
	case SLO_EXCLUDED: return "excluded";
	}
	return "unknown";
}

const char *
slo_origin_name(enum slo_origin origin)
{
	switch (origin) {
	case SLO_FROM_CONFIG: return "config";
	case SLO_FROM_OPENSLO: return "OpenSLO";
	case SLO_FROM_SLOTH: return "Sloth";
	case SLO_FROM_PYRRA: return "Pyrra";
	}
	return "unknown";
}

const char *
slo_method_name(enum slo_method method)
{
	switch (method) {
	case SLO_OCCURRENCES: return "Occurrences";
	case SLO_TIMESLICES: return "Timeslices";
	case SLO_RATIO_TIMESLICES: return "RatioTimeslices";
	}
	return "unknown";
}

const char *
sli_compare_text(enum sli_compare compare)
{
	switch (compare) {
	case SLI_LT: return "<";
	case SLI_LTE: return "<=";
	case SLI_GT: return ">";
	case SLI_GTE: return ">=";
	}
	return "?";
}

/* --- numbers and times ---------------------------------------------------------------------------------------------------- */

/* Never rounded to all or to nothing: "100%" and "0%" mean exactly that. */
const char *
slo_share_text(char *buf, double share)
{
	double percent = 100 * share, size = percent < 0 ? -percent : percent;
	const char *sign = percent < 0 ? "-" : "";

	if (!isfinite(percent))
		snprintf(buf, SLO_SHARE_MAX, "?");
	else if (size == 0)
		snprintf(buf, SLO_SHARE_MAX, "0%%");
	else if (size < 0.1)
		snprintf(buf, SLO_SHARE_MAX, "%s<0.1%%", sign);
	else if (size < 9.95)
		snprintf(buf, SLO_SHARE_MAX, "%s%.1f%%", sign, size);
	else if (size > 99 && size < 100)
		snprintf(buf, SLO_SHARE_MAX, "%s%.1f%%", sign, size > 99.9 ? 99.9 : size);
	else if (size < 1e6)
		snprintf(buf, SLO_SHARE_MAX, "%s%.0f%%", sign, size);
	else
		snprintf(buf, SLO_SHARE_MAX, "%s%.0e%%", sign, size);
	return buf;
}

const char *
slo_rate_text(char *buf, double rate)
{
	double size = rate < 0 ? -rate : rate, whole;

	if (!isfinite(rate)) {
		snprintf(buf, SLO_RATE_MAX, "?");
		return buf;
	}
	whole = size < 100 ? (double)(int)(size * 10 + 0.5) / 10 : size;
	if (size >= 1e6)
		snprintf(buf, SLO_RATE_MAX, "%.0ex", rate);
	else if (size >= 100 || whole == (double)(int)whole)
		snprintf(buf, SLO_RATE_MAX, "%.0fx", rate);
	else
		snprintf(buf, SLO_RATE_MAX, "%.1fx", rate);
	return buf;
}

/* To the nearest unit that is shown: half of one and more counts as a whole. */
static int64_t
rounded(int64_t n, int64_t unit)
{
	return n / unit * unit + (n % unit >= unit - unit / 2 ? unit : 0);
}

static void
two_units(char *buf, const char *sign, int64_t s, int64_t unit, char letter, int64_t small, char small_letter)
{
	if (s % unit / small == 0)
		snprintf(buf, DURATION_TEXT_MAX, "%s%" PRId64 "%c", sign, s / unit, letter);
	else
		snprintf(buf, DURATION_TEXT_MAX, "%s%" PRId64 "%c%02" PRId64 "%c", sign, s / unit, letter, s % unit / small, small_letter);
}

const char *
slo_time_text(char *buf, int64_t ns)
{
	const char *sign = ns < 0 ? "-" : "";
	int64_t size = ns == INT64_MIN ? INT64_MAX : ns < 0 ? -ns : ns, s = rounded(size / NS_PER_MS, 1000) / 1000;

	if (size < NS_PER_S)
		return duration_format(buf, ns);
	if (s >= 3600)
		s = rounded(s, 60);
	if (s >= 86400)
		s = rounded(s, s >= 10 * 86400 ? 86400 : 3600);
	if (s < 60)
		snprintf(buf, DURATION_TEXT_MAX, "%s%" PRId64 "s", sign, s);
	else if (s < 3600)
		two_units(buf, sign, s, 60, 'm', 1, 's');
	else if (s < 86400)
		two_units(buf, sign, s, 3600, 'h', 60, 'm');
	else
		two_units(buf, sign, s, 86400, 'd', 3600, 'h');
	return buf;
}

/* By its usual length; other lengths are called by it. */
static const char *
calendar_name(int64_t period_ns)
{
	static const struct {
		int64_t from_days, to_days;
		const char *name;
	} names[] = { { 1, 1, "day" }, { 7, 7, "week" }, { 28, 31, "month" }, { 89, 92, "quarter" }, { 365, 366, "year" } };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (period_ns >= names[i].from_days * NS_PER_DAY && period_ns <= names[i].to_days * NS_PER_DAY)
			return names[i].name;
	return NULL;
}

const char *
slo_window_text(char *buf, const struct slo_def *def)
{
	const char *name = def->n_bounds > 0 ? calendar_name(def->period_ns) : NULL;
	const char *calendar = def->n_bounds > 0 ? " of the calendar" : "";
	char length[DURATION_TEXT_MAX];

	if (name != NULL)
		snprintf(buf, SLO_WINDOW_MAX, "the calendar %s", name);
	else if (def->period_ns % NS_PER_DAY == 0)
		snprintf(buf, SLO_WINDOW_MAX, "%" PRId64 "d%s", def->period_ns / NS_PER_DAY, calendar);
	else if (def->period_ns % NS_PER_HOUR == 0)
		snprintf(buf, SLO_WINDOW_MAX, "%" PRId64 "h%s", def->period_ns / NS_PER_HOUR, calendar);
	else
		snprintf(buf, SLO_WINDOW_MAX, "%s%s", slo_time_text(length, def->period_ns), calendar);
	return buf;
}

/* --- the budget ---------------------------------------------------------------------------------------------------------------- */

/* "02:20Z"; with its day when that is not the day of at. */
static const char *
moment(char *buf, int64_t ns, int64_t at_ns)
{
	char at[CLOCK_TEXT_MAX], then[CLOCK_TEXT_MAX];

	clock_format(at, at_ns, 0);
	clock_format(then, ns, 0);
	/* "2030-01-01T02:20:00Z": the day is 10 long, hour and minute 5. */
	if (strncmp(at, then, 10) == 0)
		snprintf(buf, CLOCK_TEXT_MAX, "%.5sZ", then + 11);
	else
		snprintf(buf, CLOCK_TEXT_MAX, "%.10s %.5sZ", then, then + 11);
	return buf;
}

/* A minute less is how samples fall, not a gap. */
bool
slo_is_partial(const struct slo *s)
{
	double elapsed_ns = (double)s->at_ns - (double)s->start_ns, missing_ns = elapsed_ns - (double)s->covered_ns;

	return !isnan(s->left) && missing_ns > NS_PER_MIN && missing_ns > MISSING_MUCH * elapsed_ns;
}

/* Of a rolling window with much less data, the budget is of what there is: a share of 2h20m must not read like one of 30 days. */
static void
add_left(struct buf *b, const struct slo *s)
{
	char share[SLO_SHARE_MAX], covered[DURATION_TEXT_MAX], of[DURATION_TEXT_MAX + 8] = "";

	if (slo_is_partial(s) && s->end_ns <= s->at_ns && s->covered_ns > 0)
		snprintf(of, sizeof of, " of %s", slo_time_text(covered, s->covered_ns));
	if (s->left > 0)
		buf_printf(b, "%s%s left", slo_share_text(share, s->left), of);
	else
		buf_printf(b, "spent %s%s", slo_share_text(share, 1 - s->left), of);
}

/* How long it lasts, and at which rate: only where something burns. */
static void
add_pace(struct buf *b, const struct slo *s)
{
	char rate[SLO_RATE_MAX], time[DURATION_TEXT_MAX];
	bool is_ending = s->exhaustion_ns > 0 && s->exhaustion_ns < INT64_MAX;

	if (!isfinite(s->burn) || s->burn < 0.05)
		return;
	if (s->left > 0 && is_ending)
		buf_printf(b, ", %s", slo_time_text(time, s->exhaustion_ns));
	buf_printf(b, "%s%s", s->left > 0 && is_ending ? " at " : ", at ", slo_rate_text(rate, s->burn));
}

static void
add_last_known(struct buf *b, const struct slo *s)
{
	if (isnan(s->left))
		return;
	buf_addstr(b, "; ");
	add_left(b, s);
}

static void
add_text(struct buf *b, const struct slo *s)
{
	char since[CLOCK_TEXT_MAX];

	switch (s->state) {
	case SLO_NO_DATA:
		buf_addstr(b, "no data");
		if (s->since_ns != 0)
			buf_printf(b, " since %s", moment(since, s->since_ns, s->at_ns));
		add_last_known(b, s);
		break;
	case SLO_UNKNOWN:
		buf_addstr(b, s->why[0] != '\0' ? s->why : "not known");
		add_last_known(b, s);
		break;
	case SLO_PAGE:
	case SLO_TICKET:
	case SLO_EXHAUSTED:
	case SLO_GATED:
	case SLO_OK:
	case SLO_EXCLUDED:
		if (isnan(s->left))
			buf_addstr(b, "budget not known");
		else
			add_left(b, s);
		add_pace(b, s);
		break;
	}
}

const char *
slo_budget_text(char *buf, size_t size, const struct slo *s)
{
	struct buf b;
	size_t len;

	buf_init(&b, TEXT_MAX);
	if (s == NULL)
		buf_addstr(&b, "not worked out yet");
	else
		add_text(&b, s);
	len = b.len < size ? b.len : size - 1;
	/* Not within a character. */
	while (len < b.len && len > 0 && ((unsigned char)b.data[len] & 0xc0) == 0x80)
		len--;
	memcpy(buf, b.data, len);
	buf[len] = '\0';
	buf_done(&b);
	return buf;
}
