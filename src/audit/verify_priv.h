/* Shared by verify*.c. */
#ifndef OPS_AUDIT_VERIFY_PRIV_H
#define OPS_AUDIT_VERIFY_PRIV_H

#include "audit/reader_priv.h"
#include "audit/record_priv.h"
#include "audit/verify.h"

struct place {
	char file[512];
	uint64_t line, offset;
};

struct verify {
	struct audit_reader *reader;
	const struct audit_verify_options *options;
	struct audit_report *report;
	struct audit_head head;
	bool is_head_met, is_head_right;
	bool mark_met[AUDIT_MARKS_MAX], mark_right[AUDIT_MARKS_MAX];
	struct audit_frame last;	/* the record before; seq 0 none */
	struct place last_place;
	const char *file;		/* the name that last_place.file holds, by pointer */
	uint64_t *open;			/* seqs of intents and acts, ascending; with OPEN_CLOSED once their result was met */
	size_t n_open, cap_open;
	bool is_careful;		/* the quick way was gone as far as it goes */
};

/* A record that follows the one before, counted; ref: of a result, its intent. */
void verify_count(struct verify *v, uint64_t seq, const char *hash, enum audit_type type, uint64_t ref);
/* Those whom the caller wants to see. */
void verify_tell(const struct verify *v, const char *line, size_t len, enum audit_type type);
/*
 * From the second record on: blocks of lines are checked by several threads, their order by this one. Ends, without a word, in front of the first line
 * that is not the good record that must follow, with the reader there: 0, or why it could not be read.
 */
int verify_blocks(struct verify *v, struct err *err);

#endif
