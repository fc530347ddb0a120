/*
 * Folders and files for this user alone, or what is in them could be read or changed by others: mode 0700 or 0600, nobody else's, no symbolic links.
 * Sentences begin with the path, so that callers put before it what it is (err_prefix()).
 */
#ifndef OPS_BASE_PRIVATE_H
#define OPS_BASE_PRIVATE_H

#include <sys/types.h>

#include "base/err.h"

/* The folder, with those above it that are missing, mode 0700; what exists is left as it is. ERR_DENIED, ERR_IO. */
int private_make(const char *dir, struct err *err);
int private_make_parents(const char *path, struct err *err);	/* of a file */
/* One folder in that of descriptor at. */
int private_make_at(int at, const char *name, struct err *err);
/* Opens the folder and looks whether it is private. ERR_DENIED, ERR_NOTFOUND, ERR_IO. */
int private_open(int at, const char *dir, int *ret_fd, struct err *err);
/* kind: S_IFDIR or S_IFREG. A file has one name. ERR_DENIED, ERR_IO. */
int private_check(int fd, mode_t kind, const char *path, struct err *err);

#endif
