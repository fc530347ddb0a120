/*
 * A batch of lines as it grows while a page of an answer is read, in a worker.
 *
 * Here lines are redacted, cut at LOG_TEXT_MAX and given their level; what is not to be kept never reaches the block.
 */
#ifndef OPS_SOURCE_LOG_BUILD_H
#define OPS_SOURCE_LOG_BUILD_H

#include "base/redact.h"
#include "model/log.h"
#include "source/intern.h"
#include "source/json_slice.h"

enum { LOG_LABELS_MAX = 100, LOG_LABEL_VALUE_MAX = 4096, LOG_FIELDS_MAX = 1 << 20 };

struct log_build {
	struct log_batch *batch;
	struct arena *mem;		/* of its block */
	const struct redact *redact;	/* NULL: nothing is */
	struct intern texts;
	struct log_line *v;
	size_t n, cap;
	struct log_stream *streams;
	size_t n_streams, cap_streams;
	uint32_t *table;		/* of streams by their hash; 0 free, else index + 1 */
	size_t table_cap;
	size_t text_bytes;
	struct buf scratch, scratch2;
};

void log_build_init(struct log_build *b, const struct redact *redact);
void log_build_done(struct log_build *b);
/* The index of a stream: labels in any order, lent (their texts too). Those beyond LOG_LABELS_MAX are left out. service NULL: unknown. */
uint32_t log_build_stream(struct log_build *b, struct label *v, size_t n, const char *service);
struct log_draft {		/* a line; all lent */
	int64_t time_ns;
	int64_t place_ns;		/* where the store has it in its order, by which pages are asked for; 0: at its time */
	const char *text;
	size_t len;
	uint32_t stream;
	const char *level;	/* the store's word; NULL: guessed from the text */
	bool is_syslog;
	struct slice fields;	/* an object; none: p NULL */
	const char *id;
};
void log_build_line(struct log_build *b, const struct log_draft *d);
/* A sentence for people, behind those that are there. */
void log_build_note(struct log_build *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The batch with all that was added; the builder is empty and must be made anew. */
struct log_batch *log_build_take(struct log_build *b, const char *want, int64_t start_ns, int64_t end_ns);

#endif
