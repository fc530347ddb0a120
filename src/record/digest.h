/* SHA-256 of what comes in pieces. The algorithm is looked up once for the program. */
#ifndef OPS_RECORD_DIGEST_H
#define OPS_RECORD_DIGEST_H

#include <stddef.h>

struct digest;
struct digest *digest_new(void);
void digest_add(struct digest *d, const void *bytes, size_t len);
/* Into ret of 32; frees d. */
void digest_end(struct digest *d, unsigned char *ret);
void digest_free(struct digest *d);	/* NULL is fine */
/* 64 hex and a NUL into ret of 65; frees d. */
void digest_end_hex(struct digest *d, char *ret);
void digest_hex(const void *bytes, size_t len, char *ret);

#endif
