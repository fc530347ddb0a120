/* Ahead: the most of the last minutes. Behind: the least of the last rounds. */
#include "config.h"

#include "source/log_skew.h"

#include <stdio.h>

#include "base/clock.h"

#define AHEAD_LEAST (5 * NS_PER_S)	/* what is less is nothing that moves a line in the eyes of a reader */
#define AHEAD_MEMORY (5 * NS_PER_MIN)
#define LAG_LEAST (30 * NS_PER_S)	/* stores that collect lines before they tell them take some seconds */

static void
take_ahead(struct log_skew *s, int64_t now_ns, int64_t ahead_ns)
{
	bool is_over = s->ahead_ns != 0 && now_ns - s->ahead_at_ns > AHEAD_MEMORY;

	if (is_over)
		s->ahead_ns = 0;
	if (ahead_ns < AHEAD_LEAST)
		return;
	s->ahead_at_ns = now_ns;
	/* A clock that was put right partly: half as much is another measure, a little less is a line that took its time. */
	if (ahead_ns > s->ahead_ns || ahead_ns < s->ahead_ns / 2)
		s->ahead_ns = ahead_ns;
}

static void
take_lag(struct log_skew *s, int64_t now_ns, int64_t lag_ns)
{
	if (lag_ns < LAG_LEAST) {
		s->n_lags = 0;
		return;
	}
	if (s->n_lags == 0)
		s->lags_since_ns = now_ns;
	s->lags[s->n_lags++ % LOG_SKEW_ROUNDS] = lag_ns;
}

int64_t
log_skew_lag(const struct log_skew *s)
{
	int64_t least = INT64_MAX;

	if (s->n_lags < LOG_SKEW_ROUNDS)
		return 0;
	for (unsigned i = 0; i < LOG_SKEW_ROUNDS; i++)
		least = s->lags[i] < least ? s->lags[i] : least;
	return least;
}

/* A fifth more or less is no news. */
static bool
is_news(int64_t now, int64_t told)
{
	int64_t by = now > told ? now - told : told - now, size = told < 0 ? -told : told;

	return (now == 0) != (told == 0) || (now < 0) != (told < 0) || (by > size / 5 && by > NS_PER_S);
}

bool
log_skew_round(struct log_skew *s, int64_t now_ns, int64_t newest_ns, bool is_later, char *text)
{
	char much[DURATION_TEXT_MAX];
	int64_t standing;

	take_ahead(s, now_ns, newest_ns != INT64_MIN ? newest_ns - now_ns : 0);
	if (is_later && newest_ns != INT64_MIN)
		take_lag(s, now_ns, now_ns - newest_ns);
	standing = s->ahead_ns > 0 ? s->ahead_ns : -log_skew_lag(s);
	if (!is_news(standing, s->told_ns))
		return false;
	s->told_ns = standing;
	if (standing > 0)
		snprintf(text, LOG_SKEW_TEXT_MAX, "%s ahead of this machine: lines stand as much later than they were written", duration_format(much, standing));
	else if (standing < 0)
		snprintf(text, LOG_SKEW_TEXT_MAX, "new lines are %s old or more: they come late, or its clock is behind that of this machine",
		    duration_format(much, -standing));
	else
		snprintf(text, LOG_SKEW_TEXT_MAX, "lines come in time again, by the clock of this machine");
	return true;
}
