/*
 * Where lines of logs are: one area of text and a few numbers a line, in order of time. For src/model only.
 *
 * A store grows at its end alone and never moves what it holds, so that segments (views of its first n lines) stay as they are while more lines are added: workers read the one
 * while the model adds to the other. Its memory is one mapping, of which the system gives the pages that are written to.
 */
#ifndef OPS_MODEL_LOG_STORE_H
#define OPS_MODEL_LOG_STORE_H

#include "model/event.h"
#include "model/log.h"

struct log_store;

/* Room for so many lines (at most 65535) and so many bytes of text, ends included. One reference. */
struct log_store *log_store_new(size_t lines, size_t text);
void log_store_unref(struct log_store *s);
struct log_store *log_store_ref(struct log_store *s);
size_t log_store_n(const struct log_store *s);
size_t log_store_text(const struct log_store *s);	/* bytes */
size_t log_store_bytes(const struct log_store *s);	/* of memory in use */
int64_t log_store_time(const struct log_store *s, size_t i);
bool log_store_fits(const struct log_store *s, size_t len);
/* The number of the stream that is like this. */
uint16_t log_store_stream(struct log_store *s, const char *source, const char *service, const struct labels *labels);
/* It fits, and is not before the last one. line's source, service, labels are those of the stream. */
void log_store_add(struct log_store *s, const struct log_ref *line, uint16_t stream);
/* Its first n lines. */
struct log_segment *log_store_publish(struct log_store *s, size_t n);
/* The store of a segment, borrowed. */
struct log_store *log_segment_store(const struct log_segment *s);
/* The first n lines of the segment. */
struct log_segment *log_segment_head(const struct log_segment *s, size_t n);
uint16_t log_segment_stream_of(const struct log_segment *s, size_t i);

/* Of what makes the line one of its kind; source_hash: log_hash(source, strlen(source), 0), labels_hash: labels_hash(). */
uint64_t log_ref_hash(const struct log_ref *line, uint64_t source_hash, uint64_t labels_hash);
bool log_ref_same(const struct log_ref *a, const struct log_ref *b);

#endif
