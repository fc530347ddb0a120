/*
 * One portable file of an incident: a POSIX tar (ustar) of manifest.json, audit-NAME.jsonl (the slices of each chain from the first record
 * of the incident and its time to the last, whole and in order) with the head each was packed under, and the chunks of the recordings between. Opens
 * with tar tf; replays and verifies on another machine.
 */
#ifndef OPS_RECORD_PACK_H
#define OPS_RECORD_PACK_H

#include "base/err.h"
#include "record/recording.h"

struct pack_slice { const char *path; uint64_t first_seq, last_seq; };	/* of a log (folder): what goes in */
struct pack_draft {
	const char *incident, *title, *env, *version;
	int64_t from_ns, to_ns;		/* chunks that overlap this go in */
	const struct pack_slice *slices;
	size_t n_slices;
	struct recording *const *recordings;
	size_t n_recordings;
};
/* Writes to fd as a stream. ERR_IO, ERR_NOTFOUND: nothing to pack. */
int pack_write(int fd, const struct pack_draft *d, struct err *err);

struct pack;
int pack_open(const char *path, struct pack **ret, struct err *err);	/* ERR_SYNTAX with offset: not a packed file, or damaged */
void pack_free(struct pack *p);
bool pack_is(const char *path);		/* by its first bytes */
/* Are the members the bytes that were packed? 0, ERR_SYNTAX with the first that is not. pack_open() looks at names, sizes and places only. */
int pack_check(const struct pack *p, struct err *err);
struct pack_member { const char *name; uint64_t offset, size; };
size_t pack_members(const struct pack *p, const struct pack_member **ret);
const char *pack_bytes(const struct pack *p, const char *name, size_t *ret_len);	/* mapped; NULL no such member */
struct pack_info { const char *incident, *title, *env, *version; int64_t from_ns, to_ns, packed_ns; };
void pack_info(const struct pack *p, struct pack_info *ret);
/* Slice i: its bytes and the head it was packed under ("SEQ:HASH"). */
size_t pack_n_slices(const struct pack *p);
const char *pack_slice(const struct pack *p, size_t i, size_t *ret_len, const char **ret_name, const char **ret_head);

#endif
