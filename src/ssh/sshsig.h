/*
 * Signatures over files as ssh-keygen -Y makes them (OpenSSH PROTOCOL.sshsig), by a key that an agent holds.
 */
#ifndef OPS_SSH_SSHSIG_H
#define OPS_SSH_SSHSIG_H

#include "base/buf.h"
#include "ssh/agent.h"

/* What the agent is to sign for message (SHA-512 of it inside), namespace. */
int sshsig_blob(const char *message, size_t len, const char *name_space, struct buf *ret, struct err *err);
/* The armoured signature from the public key's blob and the agent's answer. */
int sshsig_armour(const void *key, size_t key_len, const void *signature, size_t signature_len, const char *name_space, struct buf *ret, struct err *err);

#endif
