/*
 * Lines looked at through a filter, a segment at a time: which of them match, how many by level over time, and how many errors each service had lately. Pure: workers call it on
 * immutable segments; what comes out are blocks, so that views share them.
 */
#ifndef OPS_INSIGHT_LOG_LOOK_H
#define OPS_INSIGHT_LOG_LOOK_H

#include "insight/log_filter.h"
#include "model/log.h"

#define LOG_LATELY (5 * INT64_C(60000000000))	/* errors are counted so far back */

struct log_look {		/* what is asked of each segment */
	const struct log_filter *filter;	/* NULL: all match */
	int64_t step_ns;		/* of the buckets: they begin at its multiples */
	int64_t lo_ns, hi_ns;		/* lines in [lo, hi) are counted into buckets */
	const int *stop;		/* atomic; not 0: nobody wants it any more. NULL: never */
};

struct log_found {		/* of one segment */
	struct block block;
	size_t n_looked;		/* its first lines: all that it had */
	size_t n;			/* match */
	const uint32_t *v;		/* their indices; NULL: all */
	size_t n_costly;		/* lines on which the regex cost too much */
	int64_t step_ns, lo_ns, hi_ns;
	int64_t first;			/* the first bucket begins at first * step_ns */
	size_t n_buckets;
	const struct log_bucket *buckets;
};
/*
 * before  what was found in a segment that this one goes on from, through the same filter; NULL none
 * within  what was found in this very segment through a filter that this one narrows; NULL none
 * NULL when it was stopped.
 */
struct log_found *log_found_new(const struct log_look *look, const struct log_segment *s, const struct log_found *before,
    const struct log_found *within);
/* The same matches with other buckets. */
struct log_found *log_found_again(const struct log_look *look, const struct log_segment *s, const struct log_found *found);

enum { LOG_TALLY_SLOTS = 64, LOG_TALLY_SERVICES = 64 };
struct log_tally_service {
	const char *name;
	uint32_t n_lines[LOG_TALLY_SLOTS], n_errors[LOG_TALLY_SLOTS];
};
struct log_tally {		/* lines of one segment by service, lately */
	struct block block;
	size_t n_looked;
	int64_t first;			/* slot: ten seconds, counted from the epoch */
	size_t n;			/* services; beyond the limit the last one is all others */
	struct log_tally_service *v;
};
/* NULL when none of its lines is new enough. */
struct log_tally *log_tally_new(const struct log_segment *s, const struct log_tally *before, int64_t now_ns);

/* s holds what before held, unchanged, and more behind it. */
bool log_segment_goes_on(const struct log_segment *s, const struct log_segment *before);

/* --- a view of what was found ---------------------------------------------------------------------------------------------- */
struct log_seen {
	const struct log_segment *segment;
	const struct log_found *found;		/* NULL: not yet */
	const struct log_tally *tally;		/* NULL: none, or not yet */
};
struct log_view_ask {
	const char *query, *error;		/* as struct log_view has them */
	int64_t start_ns, end_ns, step_ns;	/* the shared range */
	int64_t now_ns;
};
struct log_view *log_look_view(const struct log_view_ask *ask, const struct log_seen *v, size_t n);
/* Everything at once, in this thread: for tests, and where nobody waits. filter NULL: all. */
struct model;
struct log_view *log_look_now(const struct model *m, const struct log_filter *filter, const struct log_view_ask *ask);

/*
 * Since when a pattern is new, and what was then. Of the earlier of the incident's opening and the first page that fires now: half a minute before the first change of the quarter of
 * an hour before it, or five minutes before it where nothing changed. Without either half a minute before the newest change in the range, else its last tenth.
 */
int64_t log_anchor(const struct model *m, int64_t start_ns, int64_t end_ns, const char **ret_what);

#endif
