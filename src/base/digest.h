/* SHA-256, whole or of what comes in pieces. The algorithm is looked up once for the program. From any thread; one struct digest belongs to one at a time. */
#ifndef OPS_BASE_DIGEST_H
#define OPS_BASE_DIGEST_H

#include <stddef.h>

enum { DIGEST_LEN = 32, DIGEST_HEX = 64 };

/* In lower-case hex and a NUL, into ret of DIGEST_HEX + 1. Cheap for many small inputs: each thread keeps its context. */
void digest_hex(const void *bytes, size_t len, char *ret);
/* The same of what can be read from fd. -1: errno. */
int digest_file(int fd, char *ret);

struct digest;
struct digest *digest_new(void);
void digest_free(struct digest *d);	/* NULL is fine */
void digest_add(struct digest *d, const void *bytes, size_t len);
/* Into ret of DIGEST_LEN, or of DIGEST_HEX + 1; frees d. */
void digest_end(struct digest *d, unsigned char *ret);
void digest_end_hex(struct digest *d, char *ret);
/* Of all that came so far; more may come. */
void digest_so_far_hex(const struct digest *d, char *ret);

#endif
