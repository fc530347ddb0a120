/* What writer and readers of recordings agree on: doc/recording-format.md in numbers. */
#ifndef OPS_RECORD_FORMAT_H
#define OPS_RECORD_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RECORD_FORMAT = 1,		/* what is written; readers of older ones stand in formats.c */
	RECORD_HEADER_MAX = 64 << 10,
	RECORD_LINE_MAX = 64 << 20,
	RECORD_LINES_MAX = 4 << 20,	/* of one chunk */
	RECORD_TEXT_MAX = 1 << 30,	/* of one chunk, unpacked */
	RECORD_FILE_MAX = 1 << 30,	/* of one chunk, as it is on disk */
	RECORD_TRAILER = 256,		/* bytes of the frame at the end of a closed chunk, its head of 8 included */
	RECORD_WINDOW_LOG = 22,		/* zstd's window as written */
	RECORD_WINDOW_LOG_MAX = 24,	/* as read */
	RECORD_SHA_HEX = 64
};
/* What the blocks of one chunk may add up to when deltas are unfolded: far above what a chunk of a minute holds, below what would hold a reader up for long. */
#define RECORD_WORK_MAX (UINT64_C(8) << 30)
#define RECORD_TRAILER_MAGIC UINT32_C(0x184d2a50)	/* a skippable frame of zstd */
#define RECORD_ZERO "0000000000000000000000000000000000000000000000000000000000000000"

/* How a chunk follows the one before it. */
enum chunk_after {
	AFTER_START,	/* it is the first */
	AFTER_CHUNK,	/* its snapshot is the state that the one before ended with */
	AFTER_QUIET,	/* nothing happened in between; its snapshot has what happened first */
	AFTER_GAP	/* something was not recorded: why */
};
extern const char *const chunk_after_names[];	/* NULL at the end */

#endif
