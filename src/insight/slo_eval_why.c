/* Error budgets: how an objective stands, in words. */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "insight/slo_eval_priv.h"

enum { TEXT_MAX = 64, EXPR_SHOWN_MAX = 160 };

#define BLANKS " \t\r\n"

static const struct {
	int64_t ns;
	const char *name;
} units[] = {
	{ 24 * NS_PER_HOUR, "d" }, { NS_PER_HOUR, "h" }, { NS_PER_MIN, "m" }, { NS_PER_S, "s" }, { NS_PER_MS, "ms" },
};

/* Three digits, for 14.4 is known by its name and 1.04 must not read as 1; whole from a thousand on. */
static const char *
text_rate(char *buf, double rate)
{
	if (rate > 0 && rate < 0.01)
		snprintf(buf, TEXT_MAX, "less than 0.01x");
	else
		snprintf(buf, TEXT_MAX, rate < 999.5 ? "%.3gx" : "%.0fx", rate);
	return buf;
}

/* "1h", "90m", "3d": in the largest unit that is exact. */
static const char *
text_window(char *buf, int64_t ns)
{
	size_t i = 0;

	while (i + 1 < sizeof units / sizeof *units && ns % units[i].ns != 0)
		i++;
	snprintf(buf, TEXT_MAX, "%" PRId64 "%s", ns / units[i].ns, units[i].name);
	return buf;
}

/* One digit behind the point below ten, unless it is 0. */
static const char *
number(char *buf, double v, const char *unit)
{
	bool is_whole = fabs(v) >= 10 || fabs(v - round(v)) < 0.05;

	snprintf(buf, TEXT_MAX, "%.*f%s", is_whole ? 0 : 1, v, unit);
	return buf;
}

static const char *
text_share(char *buf, double share)
{
	if (share > 0 && share < 0.001) {
		snprintf(buf, TEXT_MAX, "less than 0.1%%");
		return buf;
	}
	return number(buf, share * 100, "%");
}

static const char *
text_count(char *buf, double n)
{
	return number(buf, n, "");
}

static const char *__attribute__((format(printf, 2, 3)))
text(struct arena *mem, const char *fmt, ...)
{
	char s[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s, sizeof s, fmt, ap);
	va_end(ap);
	return arena_strdup(mem, s);
}

/* --- why -------------------------------------------------------------------------------------------------------- */

/* "burns 14.9x over 1h and 16.2x over 5m" */
static const char *
text_burns(const struct slo_standing *st, const struct slo_rule *rule)
{
	const struct slo_burn *longer = slo_burn_find(st, rule->long_ns);
	const struct slo_burn *shorter = slo_burn_find(st, rule->short_ns);
	char rate[TEXT_MAX], window[TEXT_MAX], short_rate[TEXT_MAX], short_window[TEXT_MAX];

	text_rate(rate, longer->rate);
	text_window(window, longer->window_ns);
	if (rule->short_ns == 0)
		return text(st->mem, "burns %s over %s", rate, window);
	return text(st->mem, "burns %s over %s and %s over %s", rate, window, text_rate(short_rate, shorter->rate),
	    text_window(short_window, shorter->window_ns));
}

static const char *
why_firing(const struct slo_standing *st)
{
	const struct slo_rule *rule = slo_rule_firing(st);
	char factor[TEXT_MAX];

	return text(st->mem, "%s; %s %s", text_burns(st, rule), text_rate(factor, rule->factor),
	    rule->severity == SEVERITY_PAGE ? "pages" : "makes a ticket");
}

static const char *
why_exhausted(const struct slo_standing *st)
{
	char spent[TEXT_MAX], rate[TEXT_MAX], window[TEXT_MAX];

	text_share(spent, 1 - st->slo->left);
	if (isnan(st->slo->burn))
		return text(st->mem, "spent %s of the budget", spent);
	return text(st->mem, "spent %s of the budget; burns %s over %s now", spent, text_rate(rate, st->slo->burn),
	    text_window(window, st->slo->burn_window_ns));
}

static const char *
why_silent(const struct slo_standing *st)
{
	char time[CLOCK_TEXT_MAX], left[TEXT_MAX];

	if (st->slo->since_ns == 0)
		return "no data: the expressions find no series";
	clock_format(time, st->slo->since_ns, 0);
	if (isnan(st->slo->left))
		return text(st->mem, "no data since %s", time);
	if (st->slo->left < 0)
		return text(st->mem, "no data since %s; the budget was spent by then", time);
	return text(st->mem, "no data since %s; %s of the budget was left", time, text_share(left, st->slo->left));
}

/* On one line, and its beginning only. */
static const char *
text_expr(char *buf, const char *expr)
{
	size_t n = 0;

	for (expr += strspn(expr, BLANKS); *expr != '\0' && n < EXPR_SHOWN_MAX; expr += strspn(expr, BLANKS)) {
		size_t len = strcspn(expr, BLANKS);

		if (n > 0)
			buf[n++] = ' ';
		len = len < EXPR_SHOWN_MAX - n ? len : EXPR_SHOWN_MAX - n;
		memcpy(buf + n, expr, len);
		n += len;
		expr += len;
	}
	/* Not within a character. */
	while (*expr != '\0' && n > 0 && ((unsigned char)*expr & 0xc0) == 0x80) {
		expr--;
		n--;
	}
	memcpy(buf + n, *expr != '\0' ? "..." : "\0\0\0", sizeof "...");
	return buf;
}

static const char *
why_nowhere(const struct slo_standing *st)
{
	char expr[EXPR_SHOWN_MAX + sizeof "..."];

	if (st->def->good == NULL)
		return "good selects no series in the whole window: see that its metric and its labels are there";
	text_expr(expr, st->def->good);
	if (strstr(st->def->good, "_bucket") != NULL)
		return text(st->mem, "good selects no series: %s; for a histogram, `below` must be the upper bound of a bucket", expr);
	return text(st->mem, "good selects no series: %s; see that its metric and its labels are there", expr);
}

static const char *
why_unknown(const struct slo_standing *st)
{
	if (st->in->error != NULL)
		return arena_strdup(st->mem, st->in->error);
	if (st->is_good_nowhere)
		return why_nowhere(st);
	if (!st->budget.is_window)
		return "the calendar is known for some years around the start of this program, not for this time";
	return "not asked yet";
}

static const char *
why_gated(const struct slo_standing *st)
{
	const struct slo_def *def = st->def;
	const struct slo_burn *burn;
	char bad[TEXT_MAX], total[TEXT_MAX], least[TEXT_MAX];
	const char *burns;
	size_t i = 0;

	while (!st->rules[i].is_gated)
		i++;
	burns = text_burns(st, &def->rules[i]);
	burn = slo_burn_find(st, def->rules[i].long_ns);
	text_count(bad, burn->bad);
	text_count(total, burn->total);
	if (burn->bad < def->min_bad - SLO_COUNT_SLACK)
		return text(st->mem, "%s, but with only %s bad of %s events; it takes %s bad", burns, bad, total,
		    text_count(least, def->min_bad));
	return text(st->mem, "%s, but with only %s events; it takes %s", burns, total, text_count(least, def->min_events));
}

static const char *
why_excluded(const struct slo_standing *st)
{
	const struct slo_correction *c = slo_correction_now(st);
	char end[CLOCK_TEXT_MAX], ago[DURATION_TEXT_MAX];

	if (c == NULL)
		return text(st->mem, "nothing counted yet since the correction ended %s ago",
		    duration_format(ago, st->in->at_ns - slo_correction_ended(st)->end_ns));
	return text(st->mem, "does not count until %s: %s (%s)", clock_format(end, c->end_ns, 0), c->reason, c->by);
}

/* A rule that is above, but not for long enough yet. */
static const char *
why_ok(const struct slo_standing *st)
{
	char since_text[DURATION_TEXT_MAX], least[TEXT_MAX];

	for (size_t i = 0; i < st->def->n_rules; i++)
		if (st->rules[i].is_above)
			return text(st->mem, "%s for %s; fires after %s", text_burns(st, &st->def->rules[i]),
			    duration_format(since_text, st->in->at_ns - st->rules[i].above_since_ns),
			    text_window(least, st->def->rules[i].for_ns));
	return "";
}

static const char *
why(const struct slo_standing *st)
{
	switch (st->slo->state) {
	case SLO_PAGE:
	case SLO_TICKET:
		return why_firing(st);
	case SLO_EXHAUSTED:
		return why_exhausted(st);
	case SLO_NO_DATA:
		return why_silent(st);
	case SLO_UNKNOWN:
		return why_unknown(st);
	case SLO_GATED:
		return why_gated(st);
	case SLO_EXCLUDED:
		return why_excluded(st);
	case SLO_OK:
		break;
	}
	return why_ok(st);
}

/* --- notes ------------------------------------------------------------------------------------------------------ */

static void
note(struct slo_standing *st, const char *s)
{
	if (st->n_notes < SLO_NOTES_MAX)
		st->notes[st->n_notes++] = s;
}

static void
note_coverage(struct slo_standing *st)
{
	int64_t elapsed_ns = st->in->at_ns - st->budget.start_ns;
	char covered[DURATION_TEXT_MAX], all[DURATION_TEXT_MAX];

	if (!st->budget.is_window)
		return;
	if (!st->budget.is_read && st->in->error == NULL)
		note(st, "the window is being read");
	if (isnan(st->slo->left) || slo_is_covered(st->in, &st->budget))
		return;
	duration_format(covered, slo_ns_of(st->budget.covered_ns));
	duration_format(all, elapsed_ns);
	note(st, text(st->mem, "only %s of %s has data%s", covered, all,
	    slo_is_calendar(st->def) ? "" : ": the budget is of that"));
}

static void
note_over(struct slo_standing *st)
{
	static const char advice[] = "the expressions do not belong together, ratios are cut at 1";
	const char *first = st->in->is_good ? "good" : "bad";
	char share[TEXT_MAX];

	if (st->odd.excess <= 0)
		return;
	st->slo->is_over = true;
	if (isinf(st->odd.excess))
		note(st, text(st->mem, "%s counts events where total has none: %s", first, advice));
	else
		note(st, text(st->mem, "%s is up to %s more than total: %s", first, text_share(share, st->odd.excess), advice));
}

static void
note_missing(struct slo_standing *st)
{
	bool is_all = st->odd.missing_ns >= st->odd.events_ns;
	char length[DURATION_TEXT_MAX];

	if (st->odd.missing_ns <= 0 || st->is_good_nowhere)
		return;
	if (!st->in->is_good) {
		/* A counter of errors begins with the first error: before it there is nothing odd. */
		if (is_all)
			note(st, "bad has no series: counted as 0");
		return;
	}
	if (is_all)
		note(st, "good has no series: counted as 0, so that all events are bad");
	else
		note(st, text(st->mem, "good has no series for %s: counted as 0, so that all events then are bad",
		    duration_format(length, slo_ns_of(st->odd.missing_ns))));
}

void
slo_say(struct slo_standing *st)
{
	const char **v;

	st->slo->why = why(st);
	note_coverage(st);
	note_over(st);
	note_missing(st);
	if (st->slo->state == SLO_EXCLUDED && st->in->error != NULL)
		note(st, arena_strdup(st->mem, st->in->error));
	v = arena_alloc(st->mem, (st->n_notes + 1) * sizeof *v);
	memcpy(v, st->notes, st->n_notes * sizeof *v);
	st->slo->notes = (struct strings){ st->n_notes, v };
}
