/*
 * A checkpoint: the head of a chain, as text that is signed with the user's ssh key, in the format of `ssh-keygen -Y sign` (namespace "opsconsole-audit"), so that
 * `ssh-keygen -Y verify` checks it on any machine that has the public key. Text here, the signature itself is src/ssh/sshsig.h.
 *
 *   opsconsole audit checkpoint 1
 *   chain alice@web /home/alice/.local/state/opsconsole/audit
 *   head 4127 <64 hex>
 *   time 2030-01-01T02:29:31Z
 */
#ifndef OPS_AUDIT_CHECKPOINT_H
#define OPS_AUDIT_CHECKPOINT_H

#include <stdint.h>

#include "audit/record.h"

struct audit_checkpoint { char chain[600]; uint64_t seq; char hash[AUDIT_HASH_HEX + 1]; int64_t time_ns; };
int audit_checkpoint_write(struct buf *b, const struct audit_checkpoint *c, struct err *err);
int audit_checkpoint_read(const char *text, size_t len, struct audit_checkpoint *ret, struct err *err);

#endif
