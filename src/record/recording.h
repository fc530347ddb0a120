/*
 * A recording read back: which chunks there are, and the model as it was known at a time.
 *
 * Opens a folder (a recording, also of a console that is still writing it), one chunk file, or a packed file (record/pack.h). Reads nothing
 * but headers at first; a damaged chunk is a gap with a sentence, never the end. Bytes are untrusted: every size has a ceiling. No sockets,
 * no writing.
 */
#ifndef OPS_RECORD_RECORDING_H
#define OPS_RECORD_RECORDING_H

#include "base/err.h"
#include "model/model.h"
#include "model/timeline.h"

struct recording;

/* ERR_NOTFOUND, ERR_SYNTAX (not a recording: what it is instead, where), ERR_INVALID (a newer format: which). */
int recording_open(const char *path, struct recording **ret, struct err *err);
/*
 * Several recordings as one: consoles that were open one after the other, or at the same time. Where they overlap, the one that reaches further is shown. Those that cannot be opened are told to
 * refused (may be NULL) and passed over; ERR_* of the last one: none can be.
 */
int recording_open_all(const char *const *paths, size_t n, struct recording **ret, void (*refused)(const char *why, void *arg), void *arg, struct err *err);
void recording_free(struct recording *r);
/* What was written since (for --follow). true: something came. */
bool recording_refresh(struct recording *r);

struct recording_info {
	const char *path, *id, *env, *version, *user, *host;
	int64_t first_ns, last_ns;	/* 0 nothing */
	size_t n_chunks;
	uint64_t bytes;
	bool is_pinned, is_live;	/* live: its writer still runs (its lock is held) */
	bool is_packed;
	size_t n_recordings;	/* that it is made of; path and id are those of the one that reaches furthest */
	const char *incident;	/* of a packed file's manifest; "" */
	struct strings problems;	/* until the next player_seek() or refresh, which may find more; chunks that cannot be read: "000003.rec: checksum of zstd frame, after 02:14:05Z" */
};
void recording_info(const struct recording *r, struct recording_info *ret);
const char *recording_path(const struct recording *r, size_t i);	/* of each that it is made of; NULL beyond */
struct recording_chunk {
	uint64_t number;
	const char *file, *sha256, *prev;	/* sha256 worked out when asked: recording_chunk_hash() */
	int64_t from_ns, to_ns;
	uint64_t bytes;
	bool is_closed;
	const char *problem;	/* "" */
};
const struct recording_chunk *recording_chunk(const struct recording *r, size_t i);
/* SHA-256 of chunk i as it is now, 64 hex into ret_hex of 65. */
int recording_chunk_hash(struct recording *r, size_t i, char *ret_hex, struct err *err);

/* All recordings under dir (NULL: the usual place), of env (NULL any), oldest first. paths malloc()ed, freed by recordings_free(). */
struct recording_found { char *path, *id, *env; int64_t first_ns, last_ns; uint64_t bytes; bool is_pinned, is_live; };
int recordings_find(const char *dir, const char *env, struct recording_found **ret, size_t *ret_n, struct err *err);
void recordings_free(struct recording_found *v, size_t n);

/* --- the player ------------------------------------------------------------------------------------------------------- */
/* A model that is taken through the recording. Seeking reads the snapshot of the chunk that holds t and the events up to t. */
struct player;
struct player *player_new(struct recording *r);		/* borrows r */
void player_free(struct player *p);
/* The model as it was known at t (model_advance(t) done). NULL: not recorded then: before the first, after the last, or in a gap; ret_why (may be NULL; static or r's) says
 * which. Borrowed until the next call. Forwards within a chunk only the difference is applied. */
const struct model *player_seek(struct player *p, int64_t t_ns, const char **ret_why);
int64_t player_time(const struct player *p);
/*
 * Events applied since the last call of this, oldest first, for who mirrors them elsewhere (export); cb in the calls of player_seek(). NULL
 * ends it.
 */
void player_on_event(struct player *p, void (*cb)(const struct event *ev, int64_t at_ns, void *arg), void *arg);
/* The time of the first event after t that was applied then; INT64_MAX none. What skipping idle time and export step by. */
int64_t player_next(struct player *p, int64_t t_ns);
/*
 * The whole recording's timeline, known at its end: for the bar and for next and previous. Of several recordings, what each of them knew, without doubles. Oldest known first. Borrowed until
 * recording_refresh().
 */
size_t player_timeline(struct player *p, const struct timeline_entry **ret);
/* Stretches that are not recorded inside [first, last]. */
struct recording_gap { int64_t from_ns, to_ns; const char *why; };
size_t recording_gaps(const struct recording *r, const struct recording_gap **ret);

#endif
