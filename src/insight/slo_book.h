/*
 * The book of objectives: which queries they need, what the answers were, and how everything
 * stands.
 *
 * A machine without sockets or clock: app tells it the time, asks Prometheus what it wants asked,
 * hands over the answers, and applies the events that come out. One round is one time at which all
 * is worked out: every `every_ns` now, and once for a time cursor in the past.
 *
 * Queries are few: the templates of all objectives (slo_promql.h) are collected and each different
 * one is asked once; many are put into one request, joined by `or` and told apart by a label. Long
 * burn windows are asked less often than short ones. The window of the budget is asked as a range
 * of tiles, once; afterwards only new tiles are. A request that is refused as too large or too
 * costly is halved, first by objectives, then by time, so that one wrong expression costs only its
 * own objective, and a window too heavy for one query is read in chunks.
 */
#ifndef OPS_INSIGHT_SLO_BOOK_H
#define OPS_INSIGHT_SLO_BOOK_H

#include "model/slo.h"

struct slo_book;

struct slo_ask { /* a query; strings are the book's, until the next slo_book_*() call */
	const char *id;		/* begins with SLO_ASK_PREFIX */
	const char *source, *expr;
	int64_t at_ns;		/* of an instant, when step_ns is 0 */
	int64_t start_ns, end_ns, step_ns;
};
#define SLO_ASK_PREFIX "slo:"

struct slo_book *slo_book_new(void);
void slo_book_free(struct slo_book *b);
/*
 * All definitions from now on (blocks are kept by reference). What is cached for expressions that
 * stay is kept. env: its markers, and that there are alerts, are what spends are put beside.
 */
void slo_book_define(
    struct slo_book *b, const struct slo_def_set *defs, const struct environment *env);
/* every_ns: between rounds. */
void slo_book_every(struct slo_book *b, int64_t every_ns);
/* Work out the past too, at this time; 0: no longer. Live rounds go on. */
void slo_book_at(struct slo_book *b, int64_t past_ns);

/* Time passes. true: slo_book_asks() has changed, or slo_book_take() has something. */
bool slo_book_turn(struct slo_book *b, int64_t now_ns);
/* When slo_book_turn() should be called again at the latest; INT64_MAX: nothing is waited for. */
int64_t slo_book_due_ns(const struct slo_book *b);
/*
 * All queries that wait for an answer. Each is asked once: an id that is asked anew has another
 * time or expression.
 */
size_t slo_book_asks(const struct slo_book *b, const struct slo_ask **ret);
/*
 * The answer, or why there is none (http_status 0: none came). false: not one of ours, or no longer
 * waited for.
 */
bool slo_book_answer(struct slo_book *b, const struct series_set *answer);
bool slo_book_failed(struct slo_book *b, const char *id, long http_status, const char *error);
/* true: every objective has been worked out, or found impossible, once. */
bool slo_book_is_settled(const struct slo_book *b);

/*
 * What was worked out since: each NULL or one reference, the caller's. Call until both are NULL.
 * Costs the arithmetic of a round: off the loop's thread it may run while nothing else touches the
 * book.
 */
void slo_book_take(
    struct slo_book *b, struct slo_set **ret_set, struct slo_detail_set **ret_details);

/* Queries sent and samples read so far, for the benchmark and the sources panel. */
struct slo_book_stats {
	size_t n_asked, n_terms, n_shared, n_batches, n_split;
};
void slo_book_stats(const struct slo_book *b, struct slo_book_stats *ret);

#endif
