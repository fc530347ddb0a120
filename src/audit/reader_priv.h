/* What verify needs of a reader beyond reader.h. */
#ifndef OPS_AUDIT_READER_PRIV_H
#define OPS_AUDIT_READER_PRIV_H

#include "audit/reader.h"

/* Files and folders in the order given, as one log. */
int audit_reader_open_many(const char *const *paths, size_t n, struct audit_reader **ret, struct err *err);
/* It is a part of a log, as packed files have it: it may begin with any record. */
void audit_reader_set_slice(struct audit_reader *r);
/* It reads a folder: the whole log, which begins with record 1. */
bool audit_reader_is_whole(const struct audit_reader *r);
/* Somebody was appending when it was opened: a torn end may be a line that is being written. */
bool audit_reader_is_busy(const struct audit_reader *r);
/* From now on it has what was appended to its newest file since it was opened. false: nothing was. */
bool audit_reader_grow(struct audit_reader *r);

/* The place of the next line; number counts the lines before it in its file. */
struct audit_place { size_t file; int64_t offset; uint64_t number; };
void audit_reader_place(const struct audit_reader *r, struct audit_place *ret);
/* Go on there: a place that audit_reader_place() told, or where a line begins for sure. */
void audit_reader_seek(struct audit_reader *r, const struct audit_place *p);
/* Its files. NULL: there are no more. */
const char *audit_reader_file(const struct audit_reader *r, size_t i, int64_t *ret_size);
/*
 * As many whole lines as fit, from the place on, of one file; *ret_at is where they begin (but for the number). 1 read, 0 none: the end, or a line that is torn or does not
 * fit. From then on audit_reader_seek() has to say how many lines these were, before other functions are used.
 */
int audit_reader_block(struct audit_reader *r, char *bytes, size_t size, size_t *ret_len, struct audit_place *ret_at, struct err *err);

#endif
