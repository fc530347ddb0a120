/*
 * Was anything changed? Reads a log (or several files of it in order) and compares with the head kept outside it.
 *
 * The first thing that is wrong is named, by file, line, seq and kind. What cannot be told apart: see doc/audit-format.md, "What it proves and what it does not".
 * Kinds, in the order they are judged where two explain the same bytes: malformed, torn, edited, deleted, inserted, reordered, truncated, unanchored.
 */
#ifndef OPS_AUDIT_VERIFY_H
#define OPS_AUDIT_VERIFY_H

#include "audit/reader.h"

enum { AUDIT_OPEN_MAX = 10, AUDIT_MARKS_MAX = 32 };
enum audit_verdict {
	AUDIT_GOOD, AUDIT_MALFORMED, AUDIT_TORN, AUDIT_EDITED, AUDIT_DELETED, AUDIT_INSERTED, AUDIT_REORDERED, AUDIT_TRUNCATED,
	AUDIT_UNANCHORED	/* good, but so many records stand behind the head */
};
const char *audit_verdict_name(enum audit_verdict v);
struct audit_report {
	enum audit_verdict verdict;
	uint64_t records, first_seq, last_seq;
	char last_hash[AUDIT_HASH_HEX + 1];
	char file[512];			/* of the first bad record */
	uint64_t line, offset, seq;	/* of it */
	uint64_t unanchored;
	size_t n_open;			/* of them, the first ones by name */
	struct audit_open { uint64_t seq; bool is_act; char run[64], step[64], host[128]; } open[AUDIT_OPEN_MAX];	/* of an act: its verb and object */
	uint64_t open_intents;		/* intents and acts without a result: outcome unknown */
	uint64_t recovered, gaps, unknown_types;
	bool has_head;
	size_t marks_met;		/* of the marks, that the log has */
	char text[1024];		/* the sentence */
};
/* head: "SEQ:HASH", NULL: read from head_path (NULL: none is compared). 0 with the verdict, or why it could not be read. */
int audit_verify(struct audit_reader *r, const char *head, const char *head_path, struct audit_report *ret, struct err *err);
/*
 * The same with more to it. Marks are heads known from elsewhere (copies, checkpoints): each stays good as long as the chain grows; one that names a later record than there is
 * makes the log truncated, one whose record has another hash makes it edited. One before the first record of a slice says nothing.
 */
struct audit_mark { const char *name; uint64_t seq; char hash[AUDIT_HASH_HEX + 1]; };
struct audit_verify_options {
	const char *head, *head_path;
	const struct audit_mark *marks;	/* at most AUDIT_MARKS_MAX */
	size_t n_marks;
	bool is_chain_only;		/* hashes and order, not the form of each record, and not which intents are open */
	unsigned threads;		/* 0: one for each processor, at most four */
	/* NULL: none. Records of recordings, chunks and anchors, in order, once each is known to hold. */
	void (*record)(const char *line, size_t len, enum audit_type type, void *arg);
	/* NULL: none. Now and then; false gives up with ERR_CANCELLED. */
	bool (*progress)(uint64_t records, void *arg);
	void *arg;
};
int audit_verify_with(struct audit_reader *r, const struct audit_verify_options *o, struct audit_report *ret, struct err *err);
/* "SEQ:HASH", perhaps with a LF behind. */
bool audit_mark_parse(const char *text, size_t len, struct audit_mark *ret);
/* On stdout, over several lines; and as one object. */
void audit_report_print(const struct audit_report *r);
json_t *audit_report_json(const struct audit_report *r);

#endif
