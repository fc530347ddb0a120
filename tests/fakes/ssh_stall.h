/*
 * A way to a real server that stalls: what the server says is passed on up to a number of bytes, then nothing comes any more and nothing is closed. What the client says
 * always gets through.
 */
#ifndef OPS_FAKES_SSH_STALL_H
#define OPS_FAKES_SSH_STALL_H

#include <stddef.h>

struct stall;
/* n doors on 127.0.0.1, each with its limit, all to address:port. */
struct stall *stall_new(const char *address, unsigned port, const size_t *limits, size_t n);
/* Nobody is behind: each door says its text, and no more. texts are lent. */
struct stall *stall_new_text(const char *const *texts, size_t n);
unsigned stall_port(const struct stall *s, size_t i);
void stall_free(struct stall *s);

#endif
