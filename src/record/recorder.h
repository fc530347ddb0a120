/*
 * The flight recorder: what the model was told, on disk, so that it can be shown again as it was known.
 *
 * Every event that reaches the model is given to recorder_event(), which costs a reference; a lane of the pool writes it as JSON
 * (event_write()), unchanged ones as a word, ranges as what is new of them, through zstd into the chunk under way. A chunk spans a minute
 * at most and begins with a snapshot of the whole model, so that it can be read alone. Once a second what there is reaches the file (write,
 * not fsync): a kill -9 loses at most that second. When a chunk is full it is closed, synced, and its SHA-256 is told.
 *
 * While nothing is pinned, chunks older than keep_ns or beyond keep_bytes are removed, oldest first. recorder_pin() keeps all that is there
 * and all that comes, until recorder_unpin(); what was kept is not removed by this program again (`opsconsole --recordings` lists it, rm
 * removes it). Where: DIR/ENV/YYYYMMDD-HHMMSS-PID/ , mode 0700. Recordings of processes that died unpinned are removed by the next one once they are older than keep_ns.
 * Format: doc/recording-format.md. When the disk is full or a write fails it stops, says so once, and tries again every ten seconds: a
 * recorder never stops the console.
 */
#ifndef OPS_RECORD_RECORDER_H
#define OPS_RECORD_RECORDER_H

#include "loop/pool.h"
#include "model/model.h"

struct recorder;

struct chunk_info {		/* of a closed chunk */
	const char *recording;	/* id: name of the folder */
	const char *dir;
	uint64_t number;	/* from 1 */
	const char *file;	/* name in the folder */
	int64_t from_ns, to_ns;	/* times of the model */
	uint64_t bytes, n_events;
	const char *sha256;	/* 64 hex, of the whole file */
	const char *prev;	/* of the chunk before, as its header has it; 64 zeros first */
};
struct recorder_options {
	const char *dir;	/* NULL: $XDG_STATE_HOME/opsconsole/recordings */
	const char *env;
	int64_t keep_ns;	/* 0: 30 min */
	int64_t keep_bytes;	/* 0: 64 MiB */
	int64_t kept_max;	/* of all pinned recordings of this folder, in bytes; beyond it nothing more is pinned, which is said. 0: 4 GiB */
	const char *version;	/* of the program, for the header */
	/* In the loop. A chunk was closed; is_pinned: it is kept, and belongs into the audit log. After recorder_pin() the chunks that are there already come too, in order. */
	void (*chunk)(const struct chunk_info *c, bool is_pinned, void *arg);
	void (*problem)(const char *text, void *arg);	/* a sentence, once per outage; and when it is over */
	void *arg;
};
/* Nothing is made on disk before the first event. 0, ERR_DENIED, ERR_IO. */
int recorder_new(struct loop *l, struct pool *p, const struct recorder_options *o, struct recorder **ret, struct err *err);
/* Closes the chunk under way, waits at most timeout_ns for it, removes the recording when nothing was pinned. */
void recorder_free(struct recorder *r, int64_t timeout_ns);
/* model: as it is now, with ev in it; for the snapshot when a chunk begins. now_ns: the clock. */
void recorder_event(struct recorder *r, const struct model *model, const struct event *ev, int64_t now_ns);
/* why: "incident 20300101-021405-web", "page SpamFalsePositiveRateHigh", "run 2030..". Several may hold it; the same why twice is one. */
void recorder_pin(struct recorder *r, const char *why);
void recorder_unpin(struct recorder *r, const char *why);

struct recorder_state {
	char path[512];			/* folder; "" nothing was written */
	int64_t since_ns;		/* oldest that can be shown again; 0 nothing */
	uint64_t bytes, chunks, events;
	double bytes_per_hour;		/* over the chunks that are there; 0 not known yet */
	bool is_pinned, is_broken;
	size_t waiting;			/* events not written yet */
};
void recorder_state(const struct recorder *r, struct recorder_state *ret);

#endif
