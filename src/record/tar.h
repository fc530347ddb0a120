/*
 * The little of POSIX tar (ustar) that a packed file is: regular files with plain names, one after another. IEEE Std 1003.1-2017, pax,
 * "ustar Interchange Format".
 */
#ifndef OPS_RECORD_TAR_H
#define OPS_RECORD_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { TAR_BLOCK = 512, TAR_NAME_MAX = 100 };
#define TAR_SIZE_MAX UINT64_C(077777777777)

/* Letters, digits and . _ @ - + , at most 99 of them, not beginning with a dot: nothing that could lead anywhere when it is unpacked. */
bool tar_name_is_plain(const char *name);
/* Makes any text such a name, in place. */
void tar_name_make_plain(char *name);
void tar_header_write(char *block, const char *name, uint64_t size, int64_t mtime_s);
/* The block at bytes (TAR_BLOCK of them): 1 a file; 0 zeros, the end; ERR_SYNTAX. name of TAR_NAME_MAX + 1. */
int tar_header_read(const char *block, char *ret_name, uint64_t *ret_size, struct err *err);
/* Bytes that a member of that size takes behind its header. */
uint64_t tar_padded(uint64_t size);

#endif
