/* What the files of this folder know of a line beyond record.h. */
#ifndef OPS_AUDIT_RECORD_PRIV_H
#define OPS_AUDIT_RECORD_PRIV_H

#include "audit/record.h"

/* The grammar alone: of the frame and of all that follows it; not whether the hash holds. 0 or ERR_SYNTAX. */
int audit_frame_check(const char *line, size_t len, struct err *err);
/* The type's name where a line has it, without looking at anything else; false: no frame. */
bool audit_line_type(const char *line, size_t len, const char **ret_name, size_t *ret_len);
/*
 * Whole lines one after the other, as long as each is a record whose hash holds; how many these were. The line behind them, if any, is for
 * who can say what is wrong with it. is_strict: all of its grammar; else the hash, and where seq and prev stand.
 */
struct audit_checked {
	const char *line, *prev, *hash;		/* in the bytes; without NUL */
	uint64_t seq, ref;			/* ref: of a result, its intent or act, 0 none; known only when strict */
	uint32_t len;
	enum audit_type type;			/* AUDIT_TYPES: unknown */
};
size_t audit_check_lines(const char *bytes, size_t len, bool is_strict, struct audit_checked *v, size_t max);
/* The same of one line without its LF. false: it is none. */
bool audit_check_line(const char *line, size_t len, struct audit_checked *ret);
/* From 1970 to 2261, nine digits of fraction, Z. */
enum { AUDIT_TIME_LEN = 30 };
bool audit_time_read(const char *text, int64_t *ret_ns);
/* "SEQ:HASH". */
struct audit_head {
	uint64_t seq;
	char hash[AUDIT_HASH_HEX + 1];
};
bool audit_head_parse(const char *text, size_t len, struct audit_head *ret);
/* 0, ERR_NOTFOUND, ERR_IO, ERR_SYNTAX. */
int audit_head_read(const char *path, struct audit_head *ret, struct err *err);

#endif
