/* What the files of this folder know of a line beyond record.h. */
#ifndef OPS_AUDIT_RECORD_PRIV_H
#define OPS_AUDIT_RECORD_PRIV_H

#include "audit/record.h"

/* SHA-256 in lower-case hex. From any thread. */
void audit_digest(const void *bytes, size_t len, char *ret_hex);
/* The grammar alone: of the frame and of all that follows it; not whether the hash holds. 0 or ERR_SYNTAX. */
int audit_frame_check(const char *line, size_t len, struct err *err);
/* The type's name where a line has it, without looking at anything else; false: no frame. */
bool audit_line_type(const char *line, size_t len, const char **ret_name, size_t *ret_len);
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
