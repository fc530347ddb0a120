/* A recording, as recording.c (what there is), chunk_store.c (what is unpacked) and player.c share it. */
#ifndef OPS_RECORD_RECORDING_PRIV_H
#define OPS_RECORD_RECORDING_PRIV_H

#include "record/chunk_read.h"
#include "record/pack.h"
#include "record/recording.h"

/* An event of a snapshot, unfolded once and applied as often as the player comes by. */
struct snap {
	struct event ev;
	char *slot;
};
/* An event behind it, likewise; the first time it is come by. */
struct known_event {
	struct event ev;		/* block NULL: not yet */
	char *slot;
	uint64_t work;			/* that it took */
};
struct decoded {
	struct chunk_text text;
	size_t n_events;		/* places for them: as many as there were lines */
	struct known_event *events;	/* by the number of their line; NULL: none yet */
	size_t n_snaps;
	struct snap *snaps;
	bool has_snaps;
	uint64_t work;		/* left, after the snapshot */
	uint64_t used;		/* clock of the cache */
	size_t bytes;
};
struct rchunk {
	struct recording_chunk pub;	/* its texts point to below */
	struct chunk_header head;
	char *file;
	uint64_t file_number;		/* as its name has it */
	char *problem;			/* "" */
	char sha256[RECORD_SHA_HEX + 1];
	const char *bytes;		/* of a packed one; NULL: in a file */
	int dir_fd;			/* where that is */
	size_t size;			/* of the file when last looked at */
	bool is_usable;			/* it can be sought in */
	bool is_beside;			/* all of its time is shown from another recording */
	int64_t show_from_ns, show_to_ns;	/* of its time, what is shown from it: chunk_from(), chunk_to() */
	bool is_seen;			/* while the folder is read again */
	struct decoded *decoded;	/* NULL: not in the cache */
};
struct recording {
	char *path;
	int dir_fd;			/* -1: packed, or several */
	bool is_file;			/* one chunk alone */
	struct pack *pack;
	struct pack_info pack_info;
	size_t n_parts;			/* several as one: theirs are the chunks */
	struct recording **parts;
	struct recording *whole;	/* this is part of; NULL */
	size_t n, cap;
	struct rchunk **chunks;		/* in order ... */
	size_t n_sorted;		/* ... so many of them; the rest is new */
	size_t n_gone;
	struct rchunk **gone;		/* removed by the writer meanwhile; players may stand in them */
	size_t n_gaps;
	struct recording_gap *gaps;
	size_t n_problems;
	const char **problems;
	bool is_arranged;		/* it is known what is shown when; again when something is found damaged */
	unsigned generation;		/* of what recording_refresh() found */
	uint64_t clock;
	size_t cached;			/* bytes */
};

/* Chunk that knows t, or NULL with why. A chunk also knows the quiet time up to the next one. */
struct rchunk *recording_at(const struct recording *r, int64_t t_ns, const char **ret_why);
/* The chunk behind c that can be sought in; NULL none. */
struct rchunk *recording_after(const struct recording *r, const struct rchunk *c);
size_t recording_index(const struct recording *r, const struct rchunk *c);	/* r->n: gone */
/* Does b go on where a ends, without a gap? */
bool chunk_follows(const struct rchunk *a, const struct rchunk *b);
/* A chunk is found out to be damaged: from when on (INT64_MIN: all of it). */
void recording_damaged(struct recording *r, struct rchunk *c, int64_t known_to_ns, const char *text);
void recording_worked_out(struct recording *r);		/* gaps and problems anew */
void recording_in_order(struct recording *r);

/* --- join.c ------------------------------------------------------------------------------------------------------------------------- */
/* What of a chunk is shown: where recordings overlap, less than it knows. */
int64_t chunk_from(const struct rchunk *c);
int64_t chunk_to(const struct rchunk *c);
bool chunk_is_shown(const struct rchunk *c);
/* Chunks of several recordings: one recording's after the other's; and in the order in which they are shown. */
void recording_sort(struct recording *r);
void recording_arrange(struct recording *r);
void recording_gather(struct recording *r);		/* the chunks of its parts */
bool recording_refresh_parts(struct recording *r);

/* --- player_lines.c ----------------------------------------------------------------------------------------------------------------- */
/*
 * So many lines of logs that a seek is quick, the newest before line end of c, from c itself and, where its snapshot has any, from chunks before it; m has none yet. What is of chunks before is applied;
 * of c the number of the line from which on its own are to be applied is returned.
 */
size_t lines_before(struct recording *r, struct rchunk *c, size_t end, struct model *m);
bool line_is_of_logs(const struct decoded *d, size_t i);
/* It says once more what was said: of lines of logs, nothing new. */
bool line_is_again(const struct decoded *d, size_t i);

/* --- chunk_store.c ------------------------------------------------------------------------------------------------------------------ */
/* The bytes of the chunk's file; free() them unless it is packed. 0, ERR_IO, ERR_LIMIT. */
int store_bytes(const struct recording *r, const struct rchunk *c, const char **ret, size_t *ret_len, struct err *err);
void store_bytes_done(const struct rchunk *c, const char *bytes);
/* Its text; NULL when it cannot be read (then it is marked so). Valid until the next call for another chunk. */
struct decoded *store_text(struct recording *r, struct rchunk *c);
/* The same with its snapshot unfolded. */
struct decoded *store_snapshot(struct recording *r, struct rchunk *c);
/*
 * The event of line i: 1, 0, ERR_* as chunk_line_read(), and slots and work are brought up to date as by that. slots: what the lines before it said; NULL: it is of lines of logs, and nothing is known
 * of them. Of ret one reference is the caller's.
 */
int store_event(struct recording *r, struct rchunk *c, size_t i, struct slots *slots, uint64_t *work, struct event *ret, struct err *err);
/* The file has grown: what was unpacked is its beginning. */
void store_grown(struct recording *r, struct rchunk *c);
void store_forget(struct recording *r, struct rchunk *c);

#endif
