/* The recorder, as recorder.c (events, chunks) and ring.c (what is kept, what came of the batches) share it. */
#ifndef OPS_RECORD_RECORDER_PRIV_H
#define OPS_RECORD_RECORDER_PRIV_H

#include "record/recorder.h"
#include "record/writer.h"

enum {
	WAITING_MAX = 200000,			/* events */
	WAITING_BYTES_MAX = 64 << 20,		/* of their blocks, which the model may share */
	BATCH_BYTES = 4 << 20,			/* so much is written at once and not a second later */
	CHUNK_EVENTS_MAX = 200000
};
#define CHUNK_NS (60 * INT64_C(1000000000))
#define QUIET_NS (120 * INT64_C(1000000000))
#define FLUSH_NS INT64_C(800000000)		/* with the slack and the writing: within a second */
#define FLUSH_SLACK_NS INT64_C(100000000)
#define RETRY_NS (10 * INT64_C(1000000000))

struct ring_chunk {
	struct chunk_facts facts;
	bool is_kept, is_told;
};
struct recorder {
	struct recorder_options options;	/* its texts are not used after recorder_new() */
	char *root, *env, *id;			/* id NULL: no folder yet */
	struct writer *writer;
	struct pool_lane *lane;
	struct loop_timer *flush, *quiet;
	struct batch *next;			/* being filled; NULL none */
	TAILQ_HEAD(, batch) batches;		/* given to the lane */
	size_t waiting, waiting_bytes;
	/* the chunk under way */
	bool has_chunk;
	uint64_t number;			/* of it, or of the last one */
	int64_t from_ns, last_ns, last_event_ns;
	size_t n_in_chunk;
	uint64_t chunk_bytes;
	/* outages */
	bool is_broken, is_behind, is_told, is_ending;
	int64_t retry_mono, gap_ns;
	char *gap;				/* why the next chunk does not follow; NULL it does */
	/* the ring */
	size_t n_chunks, cap_chunks;
	struct ring_chunk *chunks;		/* closed, oldest first */
	size_t n_pins;
	char **pins;
	uint64_t kept_through;			/* chunks up to this number are kept although nothing pins any more */
	uint64_t kept_bytes, kept_elsewhere;
	bool is_full;				/* said */
	bool was_pinned;
	int64_t since_ns;
	uint64_t n_events;
};

struct job *recorder_job(struct recorder *r, enum job_kind kind);
void recorder_send(struct recorder *r);
void recorder_close_chunk(struct recorder *r, int64_t at_ns);
void recorder_gap(struct recorder *r, const char *why);
void recorder_tell(struct recorder *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void recorder_reports(struct recorder *r, const struct batch *b);
/* The last jobs: what nothing pins is removed. */
void recorder_end(struct recorder *r);
void ring_done(struct recorder *r);

#endif
