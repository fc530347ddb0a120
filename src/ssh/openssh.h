/*
 * The other transport: the system's ssh as a child, for what libssh2 cannot do. Same supervisor, same results, same tests.
 *
 * ssh -T -o BatchMode=yes -o EscapeChar=none -o ClearAllForwardings=yes -o ForwardAgent=no -o PermitLocalCommand=no -o RemoteCommand=none [-F config] [-p port] [-l user] -- address COMMAND,
 * in a session of its own, so that it has no terminal to ask on. StrictHostKeyChecking is set to yes whatever the config says; a ControlMaster of the user's config is used when it is there.
 * What went wrong before the supervisor spoke is told from ssh's exit status 255 and its words (unknown and changed keys, logins, names, refused, timed out).
 */
#ifndef OPS_SSH_OPENSSH_H
#define OPS_SSH_OPENSSH_H

#include "ssh/settings.h"
#include "ssh/ssh.h"
#include "ssh/supervisor.h"

struct openssh;
struct openssh_events {
	void (*stage)(enum ssh_stage stage, void *arg);
	void (*read)(enum ssh_stream stream, const char *bytes, size_t len, void *arg);	/* the command's own, status line cut */
	/* Once. outcome, stage, fail, err, status, signal, started_ns and ended_ns are filled in; output is the caller's to keep. */
	void (*end)(const struct ssh_result *result, void *arg);
	void *arg;
};
/* sv's bytes are taken over (buffers emptied). nonce NULL: unsupervised. */
int openssh_start(struct loop *l, const struct ssh_options *o, const struct ssh_settings *settings, const struct ssh_host *host, struct supervised *sv,
    const struct ssh_command *cmd, const struct openssh_events *ev, struct openssh **ret, struct err *err);
/* Ends the local ssh; the command on the host is the supervisor's (cancel it by a second exec). No callback any more. NULL is fine. */
void openssh_free(struct openssh *o);

#endif
