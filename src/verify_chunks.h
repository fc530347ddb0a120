/*
 * The chunks of recordings that an audit log vouches for: what its records of type chunk say, compared with the files there are, or with those of a packed file.
 *
 * Findings of a recording and not of the chain: a chunk that is altered, or is gone while its recording is there. A recording that is not here at all (whoever keeps them may
 * remove one, or the log was brought here alone) is counted and no finding.
 */
#ifndef OPS_VERIFY_CHUNKS_H
#define OPS_VERIFY_CHUNKS_H

#include "audit/verify.h"
#include "record/pack.h"

struct chunk_claims;		/* what the records say */
struct chunk_claims *chunk_claims_new(void);
void chunk_claims_free(struct chunk_claims *c);
/* For struct audit_verify_options, with the claims as arg. */
void chunk_claims_record(const char *line, size_t len, enum audit_type type, void *arg);

enum { CHUNK_FINDINGS_MAX = 10 };
struct chunk_finding { char what[16]; /* "chunk edited", "chunk missing" */ uint64_t seq; /* of its record */ char file[512], text[700]; };
struct chunk_report {
	uint64_t good, edited, missing;
	uint64_t absent;		/* their recording is not here */
	uint64_t unrecorded;		/* of a packed file, or of one recording: no record vouches for them */
	size_t n;			/* of the findings, the first ones; edited before missing */
	struct chunk_finding v[CHUNK_FINDINGS_MAX];
};
/* Asked before each chunk: false ends the check, which then says nothing of the rest. */
void chunk_claims_watch(struct chunk_claims *c, bool (*go_on)(uint64_t n, void *arg), void *arg);
/* root: folder of recordings, NULL the usual one. */
void chunk_claims_check(struct chunk_claims *c, const char *root, struct chunk_report *ret);
void chunk_claims_check_pack(struct chunk_claims *c, const struct pack *p, struct chunk_report *ret);
/* Of this one recording alone, wherever it is: its closed chunks, and in a folder those that it does not have any more. ERR_*: it cannot be read. */
int chunk_claims_check_recording(struct chunk_claims *c, const char *path, struct chunk_report *ret, struct err *err);

#endif
