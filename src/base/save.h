/*
 * A whole file or none: written under a name beside it, synced, then put in its place. Whoever reads sees the old one or the new one, never half of
 * either. A new file is the user's alone (0600). The rename is not synced: after a power cut the old one may be back.
 */
#ifndef OPS_BASE_SAVE_H
#define OPS_BASE_SAVE_H

#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

enum save_flags {
	SAVE_KEEP_MODE = 1u << 0,	/* that of the file replaced */
	SAVE_NEW = 1u << 1,		/* a file that is there stays as it is: ERR_IO */
	/* The caller holds a lock: the name beside is always PATH.new, so that what a death left there is used up by the next. Else each has a name of its own. */
	SAVE_ALONE = 1u << 2
};

/* All at once. ERR_IO, ERR_DENIED: nothing is left behind. */
int save_bytes(const char *path, const void *bytes, size_t len, unsigned flags, struct err *err);

/* Piece by piece. */
struct save {
	FILE *f;		/* to be written to, or by its descriptor */
	char *path, *beside;
	int fd;
	unsigned flags;
};
int save_begin(struct save *s, const char *path, unsigned flags, struct err *err);
/* Puts it in place. ERR_IO, ERR_DENIED: something could not be written, at any time; nothing is left behind. Either way s is done with. */
int save_end(struct save *s, struct err *err);
/* Takes all back. */
void save_drop(struct save *s);

#endif
