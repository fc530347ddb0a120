/*
 * A want of a log store at work: what all stores share of their chains (source/chain.h).
 *
 * A store says which request comes next and adds the lines of an answer; the round keeps the stretch of time that is still to be asked, drops what is known, closes
 * a page into a batch, and remembers for the next round of a want that follows. What a round has learnt is kept only when it ends well, so a failure loses nothing:
 * the next round asks for the same again.
 */
#ifndef OPS_SOURCE_LOG_ROUND_H
#define OPS_SOURCE_LOG_ROUND_H

#include "source/log.h"
#include "source/log_build.h"
#include "source/log_seen.h"
#include "source/log_skew.h"

enum {
	LOG_PAGE = 5000,		/* lines that are asked for at once */
	LOG_ROUND_LINES = 50000,	/* of a round of following; what is more comes in the next one, at once */
	LOG_ROUND_BYTES = 64 << 20,
	LOG_ROUND_REQUESTS = 120,
	LOG_LATE_LINES = 20000,		/* asked for again each time at most: the window shrinks to that */
	LOG_BODY_MAX = 64 << 20
};
/* Following: the store's clock may be behind or ahead of ours. */
#define LOG_BEHIND_NS (2 * NS_PER_MIN)
#define LOG_AHEAD_NS (10 * NS_PER_MIN)
/* Now and then it is looked for lines of a clock that is further behind than that: so far back, every so many rounds. */
#define LOG_DEEP_NS (30 * NS_PER_MIN)
enum { LOG_DEEP_EVERY = 10 };

struct log_arg {		/* chain_arg: lent for the round's begin */
	const struct log_want *want;
	const struct redact *redact;
	size_t page;		/* lines at once; 0: LOG_PAGE */
};

struct log_kept {		/* from one round to the next */
	bool is_begun;		/* lines up to newest_ns have been told */
	int64_t newest_ns;
	int64_t late_ns;	/* as far as it is looked back now */
	int64_t told_ns;	/* the newest line that there was, but no later than when it was told; INT64_MIN: none yet */
	int64_t behind_ns;	/* lines come so old; 0: no older than LOG_BEHIND_NS */
	struct log_skew skew;
	unsigned n_rounds;
	struct log_seen seen;	/* lines since newest_ns - late_ns */
	int64_t seen_since_ns;	/* of lines from there on all that were told are in it; INT64_MIN: of all */
	size_t page_max;	/* lines that the server answers with at once; 0: not known */
	int64_t window_ns;	/* longest stretch of one query; 0: any */
	int flavour;		/* of the store; 0: not known */
	char *cursor;		/* of journald: the entry that was read last; NULL none */
};

/* log_names.c: names as they come, in any order and again and again. */
enum { LOG_NAMES_ROOM = 2 * LOG_NAMES_MAX };
struct log_names_list {
	struct arena *mem;
	size_t n;
	const char **v;
};
void log_names_begin(struct log_names_list *l, struct arena *mem);
bool log_names_add(struct log_names_list *l, struct slice name);	/* false: there is no room for more */
struct strings log_names_take(struct log_names_list *l);		/* in its arena */

struct log_round;
/* The row of a type of store. */
struct log_store {
	const char *type;
	/* What it needs beside the round, zeroed, size bytes; open may refuse the query. */
	size_t size;
	int (*open)(struct log_round *r, void *own, struct err *err);
	bool (*next)(struct log_round *r, void *own, struct chain_ask *ret);
	int (*answered)(struct log_round *r, void *own, unsigned tag, const char *body, size_t len, struct err *err);
	/* ERR code: the round fails with *err; 0: it was foreseen. */
	int (*failed)(struct log_round *r, void *own, unsigned tag, long status, const struct err *why, struct err *err);
	/* A last request, when the round ends early. false: none. May be NULL. */
	bool (*abandon)(struct log_round *r, void *own, struct request *ret);
	void (*close)(void *own);	/* may be NULL */
	const struct decoder_ops *decoder;	/* for its refusals */
	/* Names for completion: requests for the names (label NULL) or the values of one, and what the answer says. */
	int (*names)(const struct conf_source *conf, const struct log_names_want *w, struct request *ret, struct err *err);
	int (*named)(const char *label, const char *body, size_t len, struct log_names_list *ret, struct err *err);
};
extern const struct log_store log_store_loki, log_store_elastic, log_store_journald;
extern const struct decoder_ops loki_decoder, elastic_decoder, journald_decoder;
const struct log_store *log_store_find(const char *type);	/* NULL: none */

struct log_page {		/* what was asked */
	int64_t start_ns, end_ns;
	size_t limit;
};

struct log_round {
	struct arena mem;
	const struct log_store *store;
	void *own;
	const char *source, *tenant, *query, *want;
	const char *const *indices;	/* NULL-terminated */
	struct conf_log_fields fields;
	const struct redact *redact;
	bool is_follow, is_later;	/* later: a round after the first of one that follows */
	bool is_forward, is_count;
	int64_t now_ns, late_ns, late_wanted_ns;
	/* Still to be asked: */
	int64_t start_ns, end_ns;
	size_t limit, page;
	struct log_page asked;
	/* So far: */
	size_t n_lines, n_bytes;
	unsigned n_requests;
	size_t n_boundary;		/* lines known at the time where the next page begins */
	bool is_done, is_whole;
	struct log_kept *kept;
	struct log_seen fresh;
	int64_t newest_ns;		/* INT64_MIN: no line */
	size_t page_max;
	int64_t window_ns;
	int flavour;
	char *cursor;
	struct log_build build;
	/* The page that is being read: */
	size_t n_page;			/* lines in it, known ones too, and those that are passed over */
	int64_t oldest_page_ns, newest_page_ns;
	struct event_list events;
	char flaw[400];			/* what is missing: the source is shown as failing in part */
	/* Counting: */
	uint64_t n_counted;
	bool is_least;
	struct log_count *counts;
	size_t n_counts;
};

/* --- for the stores ------------------------------------------------------------------------------------------------------- */

/* What to ask for next, into r->asked; false: nothing is left. A page is open from then on. */
bool log_round_ask(struct log_round *r);
/* A line of the page. key: what makes it one of its kind. One that is known, or outside of what was asked, is counted and dropped. */
void log_round_line(struct log_round *r, const struct log_draft *d, uint64_t key);
/* One that cannot be read, at its place in the store's order. */
void log_round_pass_over(struct log_round *r, int64_t at_ns);
/* The page is read: what of it is whole becomes a batch, and what is left to be asked moves on. The server was told to give r->asked.limit at most. */
void log_round_paged(struct log_round *r);
/* The same where the store itself knows: everything in [start, end) is told now. */
void log_round_close(struct log_round *r, int64_t start_ns, int64_t end_ns);
/* The server answers with at most n at once. false: that is not less than what was asked. */
bool log_round_page_max(struct log_round *r, size_t n);
/* The answer was too large: ask for half as many. false: one line is. */
bool log_round_halve(struct log_round *r);
void log_round_note(struct log_round *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_round_flaw(struct log_round *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_round_count(struct log_round *r, const char *service, enum line_level level, uint64_t n);
/* Lines enough, or too much of them. */
bool log_round_is_full(const struct log_round *r);

/* Collects up to LOG_BODY_MAX. */
struct log_body {
	struct buf buf;
};
int log_body_begin(struct decoder *d);
int log_body_push(struct decoder *d, const char *bytes, size_t len, struct err *err);
int log_body_finish(struct decoder *d, struct event_list *events, struct err *err);
void log_body_end(struct decoder *d);
#define LOG_DECODER                                                                                                   \
	.size = sizeof(struct log_body), .begin = log_body_begin, .push = log_body_push, .finish = log_body_finish,    \
	.end = log_body_end

#endif
