/* The chunk under way: its file, packed by zstd, hashed as it is written. In a worker. */
#ifndef OPS_RECORD_CHUNK_FILE_H
#define OPS_RECORD_CHUNK_FILE_H

#include <zstd.h>

#include "base/digest.h"
#include "record/folder.h"
#include "record/format.h"

struct chunk_head {		/* what its first line says */
	const char *id, *env, *user, *host, *version, *prev, *why;
	uint64_t number;
	int64_t from_ns;
	enum chunk_after after;
};
struct chunk_file {
	int fd;			/* -1: none is open */
	char name[FOLDER_FILE_MAX];
	uint64_t number;
	int64_t from_ns, to_ns;
	uint64_t bytes, n_events;
	char sha256[RECORD_SHA_HEX + 1];	/* of a closed one */
	char prev[RECORD_SHA_HEX + 1];
	ZSTD_CCtx *z;		/* kept from chunk to chunk */
	char *out;
	size_t out_size, out_len;
	struct digest *digest;
};

void chunk_file_init(struct chunk_file *c);
void chunk_file_done(struct chunk_file *c);	/* what is open stays as it is */
/* Each: 0 or ERR_IO; after a failure the file is closed as it is, and not used again. */
int chunk_file_begin(struct chunk_file *c, int dir_fd, const struct chunk_head *head, struct err *err);
int chunk_file_add(struct chunk_file *c, const char *text, size_t len, struct err *err);
/* All of it reaches the file, and can be read from there. */
int chunk_file_flush(struct chunk_file *c, struct err *err);
/* Ends it: trailer, fdatasync, hash. */
int chunk_file_close(struct chunk_file *c, int64_t to_ns, struct err *err);

#endif
