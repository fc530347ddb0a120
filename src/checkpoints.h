/*
 * Checkpoints made and checked: the head of a chain signed with the user's ssh key (audit/checkpoint.h, ssh/sshsig.h), kept as DIR/SEQ-TIME.checkpoint with its signature beside it
 * (.sig), as `ssh-keygen -Y sign` leaves them.
 *
 * By hand: ssh-keygen -Y verify -f allowed_signers -I WHO -n opsconsole-audit -s FILE.sig < FILE
 */
#ifndef OPS_CHECKPOINTS_H
#define OPS_CHECKPOINTS_H

#include "audit/checkpoint.h"
#include "loop/loop.h"
#include "loop/pool.h"

#define CHECKPOINT_NAMESPACE "opsconsole-audit"

/* $XDG_STATE_HOME/opsconsole/checkpoints unless dir is given. The caller's. */
char *checkpoint_dir(const char *dir);
/* The one of dir with the highest seq, unchecked; seq 0 when there is none. May block on the disk. */
void checkpoint_newest(const char *dir, struct audit_checkpoint *ret);

/* One file: its text, and what it says; the signature is another matter. */
int checkpoint_read(const char *path, struct buf *text, struct audit_checkpoint *ret, struct err *err);

struct checkpoint_job;
struct checkpoint_made { const char *path; const char *key; /* "SHA256:.." */ uint64_t seq; int64_t time_ns; };
/* err NULL: it is on disk. Once, in the loop, never before checkpoint_make() returns. */
typedef void checkpoint_cb(const struct checkpoint_made *made, const struct err *err, void *arg);
/* key: public key file; socket: of the agent that has its other half, NULL: $SSH_AUTH_SOCK. All copied. */
struct checkpoint_job *checkpoint_make(struct loop *l, struct pool_lane *lane, const struct audit_checkpoint *c, const char *key, const char *dir, const char *socket,
    checkpoint_cb *cb, void *arg);
/* The callback does not come any more. NULL is fine. */
void checkpoint_cancel(struct checkpoint_job *j);

/*
 * Is FILE signed by one of signers (NULL: ~/.config/opsconsole/allowed_signers)? Runs ssh-keygen and waits for it: not for the loop. ret_who (of size, may be NULL) is the principal.
 * ERR_DENIED: it is not, and what ssh-keygen says; ERR_SYNTAX: no checkpoint; ERR_IO, ERR_NOTFOUND.
 */
int checkpoint_check(const char *file, const char *signers, struct audit_checkpoint *ret, char *ret_who, size_t size, struct err *err);

#endif
