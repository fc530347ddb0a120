/* Whom files must belong to. Symbolic links are resolved first: what counts is the file that is
 * read and the folder it lies in. */
#ifndef OPS_CONF_CONF_OWNER_H
#define OPS_CONF_CONF_OWNER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"

/* Belongs to me or root, and nobody else may write it. The group counts as somebody else, whoever
 * is in it. */
bool conf_owner_is_trusted(const struct stat *st, uid_t me);
/* The same, but the group may write what is mine where it is my primary group and has my number:
 * systems that give each user a group of their own do so, with nobody else in it, and let it write
 * all that the user makes (umask 002), builds too. A group of another number may have anybody in
 * it. For what a build made, not for what holds secrets or commands. */
bool conf_owner_is_own_build(const struct stat *st, uid_t me, gid_t group_of_me);
/* Read a whole regular file after these checks, made on the opened file. 0, ERR_DENIED, ERR_IO,
 * ERR_LIMIT (b's ceiling). */
int conf_owner_read(const char *path, struct buf *b, struct err *err);
/* The same, and no one but its owner may read it either: for secrets. */
int conf_owner_read_private(const char *path, struct buf *b, struct err *err);
/* Could conf_owner_read_private() read it? For what others read in our name. */
int conf_owner_check_private(const char *path, struct err *err);
/* An existing folder that belongs to the user or root and is writable by no one else. */
int conf_owner_check_folder(const char *path, struct err *err);

#endif
