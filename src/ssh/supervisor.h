/*
 * What runs on the host around a command: one small POSIX-sh program, the same for both transports, documented in doc/opsconsole-runbook.5 and shown whole by the dry run.
 *
 * It makes sure the shell is POSIX, starts the command in a session of its own (setsid, or the group that set -m makes), ends the group at the timeout, keeps a
 * state file and prints a status line as the last thing on stderr, which is cut from what the user sees. No status line = outcome unknown; the state file
 * settles it. Pure: text in, text out; the transports carry it.
 *
 * The exec request is   [ "$?0" = 00 ] || exec false; [ "${0+x}" = x ] && set -- 'PROGRAM' opsconsole NONCE STATE_DIR SECONDS WORD..   (two lines), run by the
 * login shell itself if that is sh, else by `exec /bin/sh -c "$@"`. csh leaves
 * at the first guard, fish takes both for mistakes, nologin knows neither: nothing of ours is printed, and the channel closing with a status and without a line of ours means that nothing ran. Each word is quoted
 * and reaches the program byte for byte. Environment values and scripts are the first line of stdin (one line: line ends travel as "$opsconsole_nl"), read
 * with `read -r`, which POSIX forbids to read further; what follows is the command's own input. They are in no argv and in no file.
 *
 * Lines of ours are "::opsconsole:NONCE:" and one of
 *	shell			the login shell is POSIX; sudo comes next (become only)
 *	ready			the state file is made; the command is started now
 *	refused WORDS		nothing was started
 *	exited N, timeout N, cancelled N, lost	it is over; lost: parts of its group would not die
 *	running, never [S]	only as an answer to settle and cancel; S: seconds for which this host has kept states
 * The state file STATE_DIR/NONCE (folder 0700, refused when it is a link or somebody else's) grows by lines of one write each: "claimed", "started PID BORN" (field 22
 * of /proc/PID/stat, so that a PID used again is not mistaken), "timeout" or "cancelled" before the group is sent TERM (KILL 5 s later), "exited N".
 * It is made with O_EXCL: one nonce runs once. Settling a nonce that has no file writes "never" in its place, so that a command still under way there is refused when
 * it comes. Files older than 7 days go. With become the file of the login user says "become USER"; the supervisor itself runs inside sudo, with a
 * folder of that user's own, and cancel and settle follow it there.
 * A shell cannot tell exit 143 from an end by SIGTERM: both are reported, status 143 and signal "TERM".
 */
#ifndef OPS_SSH_SUPERVISOR_H
#define OPS_SSH_SUPERVISOR_H

#include "base/buf.h"
#include "ssh/ssh.h"

/* Room for the exec request: Linux takes 128 KiB in one word of an argv. */
enum { SUPERVISOR_COMMAND_MAX = 120 * 1024, SUPERVISOR_INPUT_MAX = 16 * 1024 * 1024 };

/* The one word to exec on the host, and what goes to its stdin before the command's own input (environment and script travel there: never in an argv). */
struct supervised {
	struct buf command;	/* for the exec request */
	struct buf input;	/* sent first; then cmd->in */
};
/* state_dir NULL: the usual. 0, ERR_INVALID (no words, no timeout, bad nonce, name of variable or user) or ERR_LIMIT; ret is untouched then. */
int supervisor_wrap(const struct ssh_command *cmd, const char *state_dir, struct supervised *ret, struct err *err);
void supervised_done(struct supervised *s);
/* A command that ends the group of nonce and prints its status; one that reads the state file. Neither has input. */
int supervisor_cancel(const char *nonce, const char *state_dir, struct supervised *ret, struct err *err);
int supervisor_settle(const char *nonce, const char *state_dir, struct supervised *ret, struct err *err);

/* Reads stderr as it comes, keeps back what may be a line of ours. */
struct supervisor_reader {
	char nonce[40];
	struct buf held;
	bool is_started, is_ended;	/* started: "ready" was said; without it nothing was started by us */
	enum ssh_outcome outcome;	/* once is_ended */
	int status;			/* -1: not known */
	char signal[16];
	enum ssh_fail fail;		/* SSH_FAIL_SHELL, SSH_FAIL_BECOME, SSH_FAIL_OPEN (settled: never came there): nothing ran */
	bool is_shell;			/* "shell" was said: what fails now is sudo */
	bool is_running;		/* settle, cancel: it runs still (outcome SSH_UNKNOWN) */
	int64_t kept_s;			/* never: for how long this host has kept states; -1 not said. Shorter than ago: the host may have lost it */
	char words[200];		/* why, escaped: of a refusal, or what sudo said last; "" */
	char raw[200];			/* collects words */
};
void supervisor_reader_init(struct supervisor_reader *r, const char *nonce);
void supervisor_reader_done(struct supervisor_reader *r);
/* Gives what is the command's own to out (ERR_LIMIT of out is not an error: total is counted by the caller). */
void supervisor_read(struct supervisor_reader *r, const char *bytes, size_t len, void (*out)(const char *bytes, size_t len, void *arg), void *arg);
/* No more comes: what was held back and is no status line goes to out. */
void supervisor_read_end(struct supervisor_reader *r, void (*out)(const char *bytes, size_t len, void *arg), void *arg);
/*
 * After supervisor_read_end(), for wrapped commands (not for cancel and settle): the channel was closed in order, with the exit status of what ran there. A
 * supervisor that has not spoken then has not started anything: is_ended, SSH_NOT_RUN, SSH_FAIL_SHELL or SSH_FAIL_BECOME.
 */
void supervisor_closed(struct supervisor_reader *r);
/* The sentence for r->fail, or for an outcome that is not SSH_EXITED. host for the words. */
void supervisor_explain(const struct supervisor_reader *r, const char *host, struct err *err);
/* One word for POSIX sh: 'it'\''s'. Any byte but NUL. 0, ERR_INVALID, ERR_LIMIT. */
int supervisor_quote(struct buf *b, const char *word, struct err *err);

#endif
