/*
 * What the model holds of logs: chunks of lines in order of time, and batches that are not sorted in yet. For src/model only.
 *
 * Batches come many a turn and are sorted in once, when somebody asks (log_book_settle()), or when there are too many to wait.
 */
#ifndef OPS_MODEL_LOG_BOOK_H
#define OPS_MODEL_LOG_BOOK_H

#include "model/log_store.h"

enum {
	LOG_BOOK_BYTES = 128 << 20,
	LOG_BOOK_LINES = 2000000,
	LOG_CHUNK_LINES = 16384,
	LOG_CHUNK_TEXT = 2 << 20,
	LOG_PENDING_LINES = 65536,
	LOG_PENDING_BYTES = 8 << 20,
	LOG_NOTICES_MAX = 32,
	LOG_SOURCES_MAX = 256,
};

struct log_chunk {
	struct log_store *store;
	struct log_segment *segment;	/* of all its lines, or of those there were when it was asked for last; NULL: it never was */
	bool is_shared;			/* another model's: not to be added to */
};
struct log_pending {
	const struct log_batch *batch;
	const char *source;		/* lives as long as the batch */
};
struct log_seen {			/* what was shown of a source */
	char *source;
	int64_t first_ns, last_ns;
};
struct log_book {
	size_t n, cap;
	struct log_chunk *v;		/* ascending; the last of one is not after the first of the next */
	size_t n_pending, pending_cap, pending_lines, pending_bytes;
	struct log_pending *pending;
	size_t n_seen;
	struct log_seen seen[LOG_SOURCES_MAX];
	size_t max_bytes, max_lines;
	struct log_totals totals;
	size_t n_notices;
	struct log_notice notices[LOG_NOTICES_MAX];	/* newest first; texts are its own */
	const struct log_view *view;
	const struct log_pattern_set *patterns;
};

struct log_book *log_book_new(void);
void log_book_free(struct log_book *b);
/* Have the batches in the chunks. */
void log_book_settle(struct log_book *b);
/* Forget all of it; the limits stay. */
void log_book_clear(struct log_book *b);
/* The oldest chunks go until the limits are kept. */
void log_book_drop(struct log_book *b);
void log_chunk_done(struct log_chunk *c);
size_t log_chunk_lines(const struct log_book *b);	/* how many and how much a chunk may hold */
size_t log_chunk_text(const struct log_book *b);
size_t log_chunk_n(const struct log_chunk *c);
struct log_segment *log_chunk_segment(struct log_chunk *c);

#endif
