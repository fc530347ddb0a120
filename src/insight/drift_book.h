/*
 * The book of drift: which queries it needs, what the answers were, and how every definition stands. A machine without sockets or clock, as slo_book.h is: app tells it the
 * time, asks what it wants asked, hands over the answers, and applies the events that come out.
 *
 * Queries are few: definitions whose metrics have the same source, window and labels are asked together, joined by `or` and told apart by a label. Classic histograms: increase() by le
 * over the window (resets are Prometheus's business); native ones: increase() too, whose answer is a histogram (schemas that differ are brought to the coarser one). A past window is asked by
 * the same query at an earlier time. Profiles come as text (drift_book_profile()).
 */
#ifndef OPS_INSIGHT_DRIFT_BOOK_H
#define OPS_INSIGHT_DRIFT_BOOK_H

#include "model/drift.h"
#include "model/event.h"

struct drift_book;

struct drift_ask { /* strings are the book's, until the next drift_book_*() call */
	const char *id;		/* begins with DRIFT_ASK_PREFIX */
	const char *source, *expr;
	int64_t at_ns;
};
#define DRIFT_ASK_PREFIX "drift-ask:"

struct drift_book *drift_book_new(void);
void drift_book_free(struct drift_book *b);
/* All definitions from now on. What stands is kept for those that stay. */
void drift_book_define(struct drift_book *b, const struct drift_def_set *defs);
/* Which version of a model should serve now, and which did before ("" unknown): for version labels, references and profiles. */
void drift_book_serving(struct drift_book *b, const char *model, const char *version, const char *previous);
/* The profile of a definition (JSON text, see doc/opsconsole.yaml.5 "training profile"), or why there is none (text NULL). ERR_SYNTAX, ERR_INVALID, ERR_LIMIT: the definition is unknown, and says why. */
int drift_book_profile(struct drift_book *b, const char *id, const char *text, size_t len, const char *why, struct err *err);
void drift_book_every(struct drift_book *b, int64_t every_ns);
/* Work out the past too, at this time; 0: no longer. */
void drift_book_at(struct drift_book *b, int64_t past_ns);
/* Time passes. true: asks have changed, or drift_book_take() has something. */
bool drift_book_turn(struct drift_book *b, int64_t now_ns);
int64_t drift_book_due_ns(const struct drift_book *b);
size_t drift_book_asks(const struct drift_book *b, const struct drift_ask **ret);
bool drift_book_answer(struct drift_book *b, const struct series_set *answer);
bool drift_book_failed(struct drift_book *b, const char *id, long http_status, const char *error);
bool drift_book_is_settled(const struct drift_book *b);
/* Events that came out (EVENT_DRIFTS, EVENT_DRIFT_HISTORY, EVENT_MARKERS of def "drift" when something drifted), in order; the caller owns the list. */
void drift_book_take(struct drift_book *b, struct event_list *ret);

#endif
