/*
 * Where recordings are: DIR/ENV/ID/, each for us alone (mode 0700), no symbolic links, nobody else's. A lock that is held on the file
 * "lock" of a recording says that its writer lives; the file "pinned" says why it is kept.
 */
#ifndef OPS_RECORD_FOLDER_H
#define OPS_RECORD_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { FOLDER_FILE_MAX = 64 };	/* of the name of a chunk */

/* dir, or the usual place. malloc()ed. */
char *folder_root(const char *dir);
/* An environment's name as a folder: one path component, never hidden. malloc()ed. */
char *folder_env(const char *env);
/* Opens DIR and the folder of env in it. is_made: makes what is missing; else ERR_NOTFOUND. */
int folder_open(const char *root, const char *env, bool is_made, int *ret_fd, struct err *err);
/* A new recording in the folder of an environment, with its lock held. ret_id malloc()ed. */
int folder_new(int env_fd, int64_t now_ns, char **ret_id, int *ret_fd, int *ret_lock_fd, struct err *err);
/* 0, or ERR_DENIED: what is there under that path is not ours alone. A missing one is fine. */
int folder_check(const char *root, struct err *err);
/* One that is there, for reading. */
int folder_open_recording(int env_fd, const char *id, int *ret_fd, struct err *err);
bool folder_is_live(int fd);
bool folder_is_pinned(int fd);
/* The number of a chunk's file; 0: another file. */
uint64_t folder_chunk_number(const char *name);
void folder_chunk_name(char *buf, uint64_t number);	/* FOLDER_FILE_MAX */
/* Recordings whose writers died, that nothing pins and that are older than keep_ns are removed: what was just before a crash may still be asked for. Returns how many. */
unsigned folder_remove_leftovers(int env_fd, int64_t keep_ns);
/* The files of a recording, and itself. 0 or -1, errno. */
int folder_remove(int env_fd, const char *id);
/* What all pinned recordings of env take, but for id (may be NULL). */
uint64_t folder_kept_bytes(int env_fd, const char *id);

/* Calls cb for each name that is not hidden; what it returns other than 0 ends it. */
int folder_each(int fd, int (*cb)(int fd, const char *name, void *arg), void *arg);

#endif
