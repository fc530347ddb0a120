/* A stream on which a run is told and which it never waits for: what a reader that has stopped reading does not take is kept in memory, and beyond a ceiling left out. */
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
/* Waits until all is taken, or nobody is there to take it; signals end the process as usual meanwhile. Returns how many bytes were left out. */
uint64_t spool_free(struct spool *s);

#endif
