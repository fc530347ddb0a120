/*
 * Lines of logs, from all stores in one order of time.
 *
 * A source tells lines as batches (EVENT_LOG_LINES). The model keeps them in segments: immutable blocks whose times do not overlap, so that a worker can search them without a
 * lock and the memory of 10^6 lines is little more than their text. Late lines are sorted in (a segment is remade), repeats (same source, time, id or text) are dropped and counted.
 * Beyond the budget the oldest go first, and how many went is told. The history of model_at() keeps no lines: in the past the live store is shown up to that time.
 */
#ifndef OPS_MODEL_LOG_H
#define OPS_MODEL_LOG_H

#include "model/event.h"

enum line_level { LOG_LEVEL_UNKNOWN, LOG_LEVEL_TRACE, LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_NOTICE, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR, LOG_LEVEL_CRITICAL, LOG_LEVELS };
const char *log_level_name(enum line_level level);	/* "warning"; "unknown" */
const char *log_level_short(enum line_level level);	/* "WARN" "ERR " : four columns */
/* "warn", "WARNING", "W", "err", "3" with is_syslog, .. LOG_LEVEL_UNKNOWN where it is none. */
enum line_level log_level_find(const char *word, size_t len, bool is_syslog);
/* From the line itself where the store says nothing: a level word near the beginning, level=, "level":, [ERROR], E0101 (klog). */
enum line_level log_level_guess(const char *text, size_t len);

struct log_stream {		/* what many lines share */
	struct labels labels;	/* of the stream, or of the unit; sorted */
	const char *service;	/* by the source's mapping; "" unknown */
};
struct log_line {
	int64_t time_ns;	/* the store's */
	const char *text;	/* UTF-8 or not, may hold any byte but is ended by NUL; redacted; escape before showing */
	size_t len;
	enum line_level level;
	uint32_t stream;	/* index */
	const char *fields;	/* JSON object of what the store has beside the text, or NULL */
	const char *id;		/* what makes it one of its kind: _index/_id, journal cursor; NULL: time and text do */
};
struct log_batch {		/* EVENT_LOG_LINES; the event's source is the store */
	struct block block;
	const char *want;	/* id of the log_want it answers */
	size_t n;
	const struct log_line *v;	/* any order */
	size_t n_streams;
	const struct log_stream *streams;
	int64_t start_ns, end_ns;	/* of this stretch everything that the store has (and matches) is told now; 0, 0: it is not known */
	size_t n_cut;		/* texts cut at LOG_TEXT_MAX */
	const char *note;	/* what is missing and why, a sentence for people: "more than 5000 lines in one nanosecond", "2 of 5 shards failed: .." ; NULL */
};
enum { LOG_TEXT_MAX = 1 << 20 };

/* --- as the model keeps them --------------------------------------------------------------------------------------------------- */
struct log_segment;		/* a block; ascending in time inside */
size_t log_segment_n(const struct log_segment *s);
int64_t log_segment_first(const struct log_segment *s);
int64_t log_segment_last(const struct log_segment *s);
struct log_ref {		/* a line in place: everything borrowed from its segment */
	int64_t time_ns;
	const char *text;
	size_t len;
	enum line_level level;
	const char *source, *service, *fields, *id;	/* fields, id NULL when there are none */
	const struct labels *labels;
	uint64_t key;		/* the same as long as the line is kept, for bookmarks */
};
void log_segment_line(const struct log_segment *s, size_t i, struct log_ref *ret);
size_t log_segment_find(const struct log_segment *s, int64_t t_ns);	/* the first line not before t; its n: none */
/* The lines of before are the first ones of now: what was found in it still holds. */
bool log_segment_extends(const struct log_segment *now, const struct log_segment *before);
/* All of it at once, for those who look at every line: line i is text[at[i]] up to at[i + 1], the last byte being its NUL. */
struct log_texts {
	size_t n;
	const char *text;
	const uint32_t *at;		/* n + 1 */
	const int64_t *times;
	const uint8_t *levels;		/* enum line_level */
	const uint16_t *streams;
	size_t n_streams;
	bool is_ascii, has_nul;		/* of all texts; has_nul: some hold one inside */
};
void log_segment_texts(const struct log_segment *s, struct log_texts *ret);
/* What the lines of stream k (< n_streams) share: source, service, labels; the rest of ret is zero. */
void log_segment_stream(const struct log_segment *s, size_t k, struct log_ref *ret);
/* A segment of its own, one reference, of at most 65535 lines in any order; not those of the model. For tests, and for lines that were written down. */
struct log_segment *log_segment_new(const struct log_ref *v, size_t n);

struct log_totals {
	size_t n, bytes;		/* kept: lines; bytes of memory for all of it */
	size_t text_bytes;
	uint64_t n_dropped;		/* oldest that made room */
	uint64_t n_repeats, n_late;	/* late: came after newer ones had been shown */
	uint64_t n_cut;
	int64_t first_ns, last_ns;
	int64_t whole_since_ns;		/* since then nothing was dropped */
};
/* A fast hash of texts of lines; not for anything secret. */
uint64_t log_hash(const void *bytes, size_t len, uint64_t seed);
struct model;
size_t model_n_log_segments(const struct model *m);
const struct log_segment *model_log_segment(const struct model *m, size_t i);	/* ascending, not overlapping */
const struct log_totals *model_log_totals(const struct model *m);
/* Notes of the batches, newest first, at most the last 32: what is missing. */
struct log_notice { int64_t at_ns; const char *source, *text; unsigned n; };
size_t model_n_log_notices(const struct model *m);
const struct log_notice *model_log_notice(const struct model *m, size_t i);
/* to has the lines of from, too; they are shared. to has none yet. */
void model_share_lines(struct model *to, const struct model *from);
void model_log_limit(struct model *m, size_t bytes, size_t lines);	/* default 128 MiB, 2,000,000 lines */

/* --- what a filter lets through, made by app in workers: EVENT_LOG_VIEW ----------------------------------------------------------- */
struct log_part {
	const struct log_segment *segment;	/* a reference each */
	size_t n;
	const uint32_t *v;		/* matching lines of it, ascending; NULL: all of them */
	const struct block *held;	/* a reference that goes with the segment's: where v is, shared by many views; NULL: v is in the view's own memory */
};
struct log_bucket { uint32_t n[LOG_LEVELS]; };
struct log_view {
	struct block block;
	const char *query;	/* as typed */
	const char *error;	/* why it is not what was asked (a regex that does not compile): the last good one is shown; "" */
	bool is_partial;	/* still being worked out */
	size_t n;		/* matching */
	size_t n_parts;
	const struct log_part *parts;
	size_t n_of;		/* lines looked at */
	/* Of the matching lines over the shared time range. */
	int64_t start_ns, step_ns;
	size_t n_buckets;
	const struct log_bucket *buckets;
	/* Error lines (error and worse) of the last five minutes by service, most first; of all lines, not of the matching. */
	bool are_least;		/* there may be more than services tells */
	size_t n_services;
	const struct log_service { const char *name; size_t n_errors, n_lines; } *services;
};
struct log_view *log_view_new(void);	/* its parts' references are released with it */
const struct log_view *model_log_view(const struct model *m);	/* NULL: none yet */
void log_view_line(const struct log_view *v, size_t i, struct log_ref *ret);	/* i < n */
size_t log_view_find(const struct log_view *v, int64_t t_ns);	/* the first line not before t; n: none */

/* --- patterns: EVENT_LOG_PATTERNS --------------------------------------------------------------------------------------------------- */
struct log_pattern {
	uint64_t id;
	const char *text;	/* "user <*> not found in <*>" */
	const char *example;
	size_t n;		/* lines */
	enum line_level level;	/* the worst */
	int64_t first_ns, last_ns;
	bool is_new;		/* first seen after new_since_ns, and its stores' lines are held from before */
	bool is_unknown;	/* first seen after it, but nothing is held from before: nobody knows */
	const uint32_t *trend;	/* LOG_TREND counts over the shared range */
	const char *services;	/* "web, ranker" */
};
enum { LOG_TREND = 24 };
struct log_pattern_set {
	struct block block;
	size_t n;
	const struct log_pattern *v;	/* new ones first, then those of which it is not known, then by count */
	size_t n_lines, n_others;	/* of the range, all patterns together; others: lines of patterns beyond the limit */
	int64_t new_since_ns;
};
const struct log_pattern_set *model_log_patterns(const struct model *m);	/* NULL: not asked for */

#endif
