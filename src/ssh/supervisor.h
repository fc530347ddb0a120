/*
 * What runs on the host around a command: one small POSIX-sh program, the same for both transports, documented in doc/opsconsole-runbook.5 and shown whole by the dry run.
 *
 * It makes sure the shell is POSIX, starts the command in a process group of its own (setsid, or what there is), ends the group at the timeout, writes a state
 * file (state_dir/NONCE: "started PID TIME", then "exited STATUS" / "signal N" / "timeout" / "cancelled") with rename, and prints a status line with the nonce as
 * the last thing on stderr, which is cut from what the user sees. No status line = outcome unknown; the state file settles it. State files older than 7 days go.
 * Pure: text in, text out; the transports carry it.
 */
#ifndef OPS_SSH_SUPERVISOR_H
#define OPS_SSH_SUPERVISOR_H

#include "base/buf.h"
#include "ssh/ssh.h"

/* The one word to exec on the host, and what goes to its stdin before the command's own input (environment and script travel there: never in an argv). */
struct supervised {
	struct buf command;	/* for the exec request */
	struct buf input;	/* sent first; then cmd->in */
};
int supervisor_wrap(const struct ssh_command *cmd, const char *state_dir, struct supervised *ret, struct err *err);
void supervised_done(struct supervised *s);
/* A command that ends the group of nonce and prints its own status; one that reads the state file. */
int supervisor_cancel(const char *nonce, const char *state_dir, struct supervised *ret, struct err *err);
int supervisor_settle(const char *nonce, const char *state_dir, struct supervised *ret, struct err *err);

/* Reads stderr as it comes, keeps back what may be the status line. */
struct supervisor_reader {
	char nonce[40];
	struct buf held;
	bool is_started, is_ended;
	enum ssh_outcome outcome;	/* once is_ended */
	int status;
	char signal[16];
	enum ssh_fail fail;		/* SSH_FAIL_SHELL, SSH_FAIL_BECOME: said by the supervisor, nothing ran */
};
void supervisor_reader_init(struct supervisor_reader *r, const char *nonce);
void supervisor_reader_done(struct supervisor_reader *r);
/* Gives what is the command's own to out (ERR_LIMIT of out is not an error: total is counted by the caller). */
void supervisor_read(struct supervisor_reader *r, const char *bytes, size_t len, void (*out)(const char *bytes, size_t len, void *arg), void *arg);
/* No more comes: what was held back and is no status line goes to out. */
void supervisor_read_end(struct supervisor_reader *r, void (*out)(const char *bytes, size_t len, void *arg), void *arg);
/* One word for POSIX sh: 'it'\''s'. Any byte but NUL. 0, ERR_INVALID, ERR_LIMIT. */
int supervisor_quote(struct buf *b, const char *word, struct err *err);

#endif
