/*
 * Log stores behind one interface: query, time range, direction, limit, follow, fields.
 *
 * A type of log store is a row of log_ops: how a want becomes requests and what the answers mean; like a chain (source/chain.h) a machine without sockets and clock. Schedule, credentials, TLS,
 * ceilings, backoff (429 and Retry-After too) and health are common code.
 */
#ifndef OPS_SOURCE_LOG_H
#define OPS_SOURCE_LOG_H

#include "base/redact.h"
#include "model/log.h"
#include "source/chain.h"

struct log_want {
	const char *id;		/* "logs:app"; "adhoc:lines:search:1": asked once, of no weight for how well the source is */
	const char *source;
	const char *query;	/* the store's own: LogQL; query string or JSON object; NAME=VALUE words, "+" for or */
	int64_t start_ns, end_ns;	/* [start, end); end 0: now */
	bool is_forward;	/* oldest first; else newest first, which is what a screen wants */
	size_t limit;		/* lines in all; pages of the store's size are asked until then. 0: 5000 */
	bool is_follow;		/* and from then on what comes, each interval of the source */
	int64_t late_ns;	/* following: so far back is asked again each time, for lines that came late; default 30 s */
	bool is_count;		/* only how many, by level and service: the answer is no batch but goes to sources_logs_counts(). Stores that cannot count are read, limit lines of it */
};
/* The whole list, copied. One that has not changed goes on; others are asked at once; one that is gone is cancelled. Each answer is an EVENT_LOG_LINES and a report named by the id. */
/* redact must outlive the sources and their pool. */
void sources_logs(struct sources *s, const struct log_want *v, size_t n, const struct redact *redact);
/*
 * A want has been asked: its id, and whether everything in its range is told now. Of a search that is the end of it, unless error (NULL: none) is one that may
 * pass (it is asked again then, and told again); of one that follows it comes after each round. It comes after the round's events and report.
 */
typedef void log_done_cb(const char *id, bool is_whole, const char *error, void *arg);
void sources_logs_done(struct sources *s, log_done_cb *cb, void *arg);

struct log_count {		/* lines of one service at one level */
	const char *service;	/* "" unknown */
	enum line_level level;
	uint64_t n;
};
struct log_counts {
	struct block block;
	const char *want;
	int64_t start_ns, end_ns;
	uint64_t n_lines;	/* all together */
	bool is_least;		/* there may be more: the store counted no further */
	size_t n;
	const struct log_count *v;
	const char *note;	/* NULL: nothing is missing */
};
/* The answers of wants with is_count; lent. */
typedef void log_counts_cb(const struct log_counts *counts, void *arg);
void sources_logs_counts(struct sources *s, log_counts_cb *cb, void *arg);

/* Label or field names and values that the store knows, for completion: EVENT_LOG_LABELS is not in the model, the answer comes here. */
typedef void log_names_cb(const struct strings *names, const char *error, void *arg);
/* At most LOG_NAMES_MAX of them, sorted, each once. */
enum { LOG_NAMES_MAX = 5000 };
struct log_names_want {
	const char *source;
	const char *label;		/* whose values; NULL: the names */
	const char *selector;		/* of a Loki: only of streams that it selects; NULL: of all. Other stores do not narrow */
	int64_t start_ns, end_ns;	/* [start, end); 0, 0: whenever */
};
/* Once, later, unless the sources go before: then never. A journal has no list of the names of its fields, so none is asked for: ERR_INVALID. */
int sources_log_names(struct sources *s, const struct log_names_want *w, log_names_cb *cb, void *arg, struct err *err);

extern const struct source_ops source_loki, source_elasticsearch, source_journald;

#endif
