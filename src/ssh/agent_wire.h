/*
 * Messages of the agent protocol, as bytes. Pure.
 * Source: draft-miller-ssh-agent-04, sections 3 to 5; RFC 4251, section 5.
 */
#ifndef OPS_SSH_AGENT_WIRE_H
#define OPS_SSH_AGENT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "ssh/agent.h"

enum { WIRE_MESSAGE_MAX = 256 * 1024, WIRE_KEYS_MAX = 2048 };

struct wire { const unsigned char *s; size_t len; };		/* what is left to be read */
struct wire_bytes { const unsigned char *s; size_t len; };
bool wire_u32(struct wire *w, uint32_t *ret);
bool wire_string(struct wire *w, struct wire_bytes *ret);
void wire_put_u32(struct buf *b, uint32_t v);
void wire_put_string(struct buf *b, const void *s, size_t len);
/* The name that begins a key's blob, printable and short. */
bool wire_key_type(const unsigned char *blob, size_t len, char *type, size_t size);

/* Requests with their length in front. ERR_LIMIT: larger than any agent takes. */
int wire_list_request(struct buf *b);
int wire_sign_request(struct buf *b, const struct agent_key *key, const void *data, size_t len, unsigned flags);
/* Answers without it. Keys that cannot be read are left out. 0, ERR_REFUSED (the agent said no) or ERR_SYNTAX. *ret_keys is the caller's. */
int wire_list_answer(const unsigned char *s, size_t len, struct agent_key **ret_keys, size_t *ret_n, struct err *err);
int wire_sign_answer(const unsigned char *s, size_t len, struct wire_bytes *ret_signature, struct err *err);

#endif
