/*
 * The clock that lines of a store are dated by, against ours: ahead of it, or so that new lines are always old when they come.
 *
 * One line in the future is enough for the first: it stands where it does not belong. For the second, lines must be old again and again, as a single late one is no sign of it.
 * Pure; part of what a want keeps from round to round.
 */
#ifndef OPS_SOURCE_LOG_SKEW_H
#define OPS_SOURCE_LOG_SKEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOG_SKEW_ROUNDS = 5, LOG_SKEW_TEXT_MAX = 160 };

struct log_skew {
	int64_t ahead_ns, ahead_at_ns;		/* the most that was seen of late, and when */
	int64_t lags[LOG_SKEW_ROUNDS];		/* of the last rounds with new lines */
	int64_t lags_since_ns;			/* of the first of these */
	unsigned n_lags;
	int64_t told_ns;			/* as it was told last: above 0 ahead, below 0 behind; 0 neither */
};

/* A round is over. newest_ns: of its new lines, INT64_MIN when there are none; is_later: it only asked for what is new. true: text (of LOG_SKEW_TEXT_MAX) says what has changed. */
bool log_skew_round(struct log_skew *s, int64_t now_ns, int64_t newest_ns, bool is_later, char *text);
/* How much older than now new lines always are, at least; 0: they are not, or it is not known. */
int64_t log_skew_lag(const struct log_skew *s);

#endif
