/* A stream on which things are told and which nobody waits for: what a reader that has stopped reading does not take is kept in memory, and beyond a ceiling left out. */
#ifndef OPS_SPOOL_H
#define OPS_SPOOL_H

#include <stdint.h>
#include <stdio.h>

#include "loop/loop.h"

struct spool;
enum { SPOOL_MAX = 64 << 20 };

/* Of a descriptor, which stays the caller's and as it is. */
struct spool *spool_new(struct loop *l, int fd, size_t max);
FILE *spool_file(struct spool *s);
size_t spool_waiting(const struct spool *s);		/* bytes that the reader has not taken yet */
uint64_t spool_left_out(const struct spool *s);		/* bytes, so far */
int spool_error(const struct spool *s);			/* errno of the write that failed: nothing is written any more; 0: none has */
/* What waits is left out: for who must end without its reader. */
void spool_drop(struct spool *s);
/* Waits until all is taken, or nobody is there to take it; signals end the process as usual meanwhile. Returns how many bytes were left out. */
uint64_t spool_free(struct spool *s);

#endif
