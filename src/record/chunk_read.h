/*
 * The bytes of a chunk, read: header, trailer, and its lines. Bytes are untrusted; all sizes have ceilings (format.h). No files here.
 */
#ifndef OPS_RECORD_CHUNK_READ_H
#define OPS_RECORD_CHUNK_READ_H

#include "base/buf.h"
#include "base/err.h"
#include "record/format.h"
#include "record/slots.h"

struct chunk_header {
	unsigned format;
	char *id, *env, *user, *host, *version, *why;	/* why "" */
	char prev[RECORD_SHA_HEX + 1];
	uint64_t number;
	int64_t from_ns;
	enum chunk_after after;
	size_t size;		/* with its LF: the body begins there */
};
/* 0; ERR_SYNTAX: not a chunk; ERR_INVALID: a newer format (ret->format is set). */
int chunk_header_read(const char *bytes, size_t len, struct chunk_header *ret, struct err *err);
void chunk_header_done(struct chunk_header *h);
/* The last bytes of a file: true when they are a trailer. */
bool chunk_trailer_read(const char *bytes, size_t len, int64_t *ret_to_ns, uint64_t *ret_events);

struct chunk_line {
	size_t at, len;		/* in the text, without LF */
	int64_t time_ns;	/* of the model; lines of the snapshot have the chunk's */
};
struct chunk_text {
	struct buf text;
	size_t n_lines, cap_lines;
	struct chunk_line *lines;
	size_t n_snapshot;	/* the first of them; events follow */
	bool has_snapshot;	/* whole, with its mark; else nothing can be shown */
	bool is_ended;		/* zstd's frame is whole, and its checksum right */
	int64_t end_ns;		/* of the last line */
	char problem[256];	/* ""; what ends it early */
};
/* Unpacks the body of a chunk. What can be read is in ret, also where it has a problem. */
void chunk_text_read(const char *body, size_t len, int64_t from_ns, struct chunk_text *ret);
void chunk_text_done(struct chunk_text *t);

/*
 * A line as an event: 1; 0 it has none that this version knows; ERR_SYNTAX, ERR_INVALID, ERR_LIMIT. slots has what came before in this
 * chunk and is brought up to date. work: what may still be unfolded. ret_slot: its slot, "" none; belongs to slots.
 */
int chunk_line_read(unsigned format, const char *line, size_t len, struct slots *slots, uint64_t *work, struct event *ret, const char **ret_slot,
    struct err *err);

#endif
