/* What verify needs of a reader beyond reader.h. */
#ifndef OPS_AUDIT_READER_PRIV_H
#define OPS_AUDIT_READER_PRIV_H

#include "audit/reader.h"

/* Files and folders in the order given, as one log. */
int audit_reader_open_many(const char *const *paths, size_t n, struct audit_reader **ret, struct err *err);
/* It reads a folder: the whole log, which begins with record 1. */
bool audit_reader_is_whole(const struct audit_reader *r);
/* Somebody was appending when it was opened: a torn end may be a line that is being written. */
bool audit_reader_is_busy(const struct audit_reader *r);

#endif
