/*
 * Commands on hosts over SSH, without ever blocking the loop.
 *
 * A struct ssh holds the connections of one environment. ssh_exec() runs one command on one host and reports once how it ended, with what is certain and
 * what is not. Which transport carries it (libssh2 on the loop, or the system's ssh) is decided before contact from the settings of `ssh -G`, and said, with
 * the reason. Both run the same supervisor (ssh/supervisor.h) on the host. Host keys are checked always. A fresh connection makes at most one
 * attempt of authentication with each key; passwords are never asked for.
 *
 * Connections are kept and reused for ssh_options.idle_ns; at most connecting_max handshakes are under way and each turn advances at most
 * handshakes_per_turn of them, so that keys stay quick with 200 hosts.
 * Sources: RFC 4251 to 4254; ssh_config(5), ssh(1) of OpenSSH 9.2.
 */
#ifndef OPS_SSH_SSH_H
#define OPS_SSH_SSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "loop/loop.h"

struct ssh;
struct ssh_job;

enum ssh_transport { SSH_AUTO, SSH_LIBSSH2, SSH_OPENSSH };

struct ssh_options {
	const char *config;		/* ssh_config file (ssh -F); NULL: the usual ones */
	enum ssh_transport transport;	/* SSH_AUTO decides host by host */
	int64_t connect_ns;		/* name, TCP, keys and login of one hop; 0: ConnectTimeout of ssh -G, else 15 s */
	int64_t idle_ns;		/* a connection without jobs is closed after it; 0: at once */
	unsigned connecting_max;	/* 0: 64 */
	unsigned jobs_per_host;		/* commands at the same time on one connection; 0: 4 */
	size_t output_max;		/* kept of stdout and of stderr of a job, each; the rest is counted. 0: 1 MiB */
	const char *state_dir;		/* on the hosts; NULL: "${TMPDIR:-/tmp}/opsconsole-$(id -u)" */
	const char *run_dir;		/* here, mode 0700: for the private agent's socket; NULL: made in $XDG_RUNTIME_DIR or /tmp */
};

struct ssh_host {			/* borrowed until ssh_exec() returns */
	const char *name;		/* for messages and known connections */
	const char *address;		/* what ssh -G is asked with: alias or address */
	const char *user;		/* "" or NULL: as ssh_config says */
	unsigned port;			/* 0: as ssh_config says */
};

struct ssh_command {
	const char *const *argv;	/* words, NULL-terminated, bytes as they are (no NUL): each reaches the program as one word, whatever is in it */
	const char *script;		/* instead: POSIX sh text, sent on stdin; argv are then $1.. */
	const char *const *env;		/* "NAME=value", NULL-terminated: in the environment of the command, never in an argv */
	const void *in;			/* stdin of the command (not with script); copied */
	size_t in_len;
	const char *become;		/* user to become with sudo -n; NULL: none */
	int64_t timeout_ns;		/* remote, of the command alone; needed (> 0) */
	bool is_unsupervised;		/* for forced commands: the bare words, no state file, no certain cancel */
	bool is_read_only;		/* a check: for the debug log and for settling (a lost one is simply run again by the caller) */
	const char *nonce;		/* 16 to 32 hex digits, unique per attempt: names the state file; the audit intent holds it */
};

/* How sure we are. */
enum ssh_outcome {
	SSH_EXITED,		/* it ran and ended by itself: status or signal is known */
	SSH_NOT_RUN,		/* certain: nothing was started. err says why */
	SSH_TIMED_OUT,		/* certain: it ran, and its group was ended at its timeout */
	SSH_CANCELLED,		/* certain: its group was ended because we asked */
	SSH_UNKNOWN,		/* it may have run, may run still */
};
/* How far it came, for "what was it waiting for" and for tests of hangs. */
enum ssh_stage {
	SSH_SETTINGS, SSH_RESOLVE, SSH_CONNECT, SSH_KEYS /* version and key exchange */, SSH_HOST_KEY, SSH_LOGIN, SSH_OPEN, SSH_RUN, SSH_CLOSED
};
const char *ssh_stage_name(enum ssh_stage stage);	/* "connecting" */
/* Why nothing was run, for exit codes and advice; SSH_FAIL_NONE with all other outcomes. */
enum ssh_fail {
	SSH_FAIL_NONE, SSH_FAIL_SETTINGS, SSH_FAIL_RESOLVE, SSH_FAIL_CONNECT, SSH_FAIL_KEYS, SSH_FAIL_HOST_KEY_UNKNOWN, SSH_FAIL_HOST_KEY_CHANGED,
	SSH_FAIL_HOST_KEY_REVOKED, SSH_FAIL_LOGIN, SSH_FAIL_OPEN, SSH_FAIL_SHELL, SSH_FAIL_BECOME, SSH_FAIL_CANCELLED
};

struct ssh_result {
	enum ssh_outcome outcome;
	enum ssh_stage stage;
	enum ssh_fail fail;
	struct err err;			/* sentence unless SSH_EXITED */
	int status;			/* exit status; -1 by a signal or not known */
	char signal[16];		/* "TERM"; "" none */
	enum ssh_transport transport;	/* what carried it */
	const char *transport_why;	/* why it was the system's ssh; "" for libssh2 */
	const char *out, *err_out;	/* what was kept; may hold any byte. NUL-terminated beyond their length */
	size_t out_len, err_len;
	uint64_t out_total, err_total;	/* what came */
	int64_t connected_ns, started_ns, ended_ns;	/* wall; 0: did not come to it */
	bool is_reused;			/* no handshake was needed */
};

enum ssh_stream { SSH_OUT, SSH_ERR };
typedef void ssh_read_cb(struct ssh_job *job, enum ssh_stream stream, const char *bytes, size_t len, void *arg);	/* may be NULL */
typedef void ssh_stage_cb(struct ssh_job *job, enum ssh_stage stage, void *arg);				/* may be NULL */
typedef void ssh_done_cb(struct ssh_job *job, const struct ssh_result *result, void *arg);	/* once; the job is gone afterwards */

int ssh_new(struct loop *l, const struct ssh_options *o, struct ssh **ret, struct err *err);
/* Connections are closed, jobs end without callbacks; commands on hosts go on under their supervisor. */
void ssh_free(struct ssh *s);

/* Never blocks; done comes later, from the loop, also when the host cannot be reached. 0 or ERR_INVALID (no argv, no timeout, bad nonce, NUL) with nothing sent. */
int ssh_exec(struct ssh *s, const struct ssh_host *host, const struct ssh_command *cmd, ssh_read_cb *read, ssh_stage_cb *stage, ssh_done_cb *done,
    void *arg, struct ssh_job **ret_job, struct err *err);
enum ssh_stage ssh_job_stage(const struct ssh_job *job);
/* End it: before it runs, at once (SSH_NOT_RUN, SSH_FAIL_CANCELLED); else by a second command that ends its group, answered by SSH_CANCELLED or SSH_UNKNOWN. */
void ssh_job_cancel(struct ssh_job *job);

/*
 * Ask the state file of an earlier command what became of it: SSH_EXITED, SSH_TIMED_OUT, SSH_CANCELLED with its status (no output), SSH_NOT_RUN when it certainly
 * was never started there, SSH_UNKNOWN when it still runs (stage SSH_RUN) or nothing can be told (err). Read-only, safe to repeat.
 */
int ssh_settle(struct ssh *s, const struct ssh_host *host, const char *nonce, ssh_done_cb *done, void *arg, struct ssh_job **ret_job, struct err *err);

/* The exact words that would go over the wire: what the dry run shows. 0, ERR_INVALID or ERR_LIMIT. */
int ssh_command_text(const struct ssh_command *cmd, struct buf *b, struct err *err);

/* How a host would be reached, without any contact beyond `ssh -G`: for plans. */
struct ssh_route {
	enum ssh_transport transport;
	const char *why;		/* "" for libssh2 */
	const char *user, *hostname;	/* resolved by ssh -G */
	unsigned port;
	const char *jumps;		/* "bastion, gate"; "" none */
	const char *known_as;		/* how its key stands in known_hosts: "ED25519 SHA256:.. (/root/.ssh/known_hosts:3)"; "not known" */
	struct err err;			/* it cannot be reached at all */
};
typedef void ssh_route_cb(const struct ssh_route *route, void *arg);
int ssh_route(struct ssh *s, const struct ssh_host *host, ssh_route_cb *cb, void *arg, struct err *err);

/* A key file needs its passphrase: whoever can be asked answers with ssh_passphrase() some time (NULL: go on without the key). The passphrase is wiped there. Without cb such
 * keys are left out, and said. */
typedef void ssh_passphrase_cb(const char *path, void *arg);
void ssh_on_passphrase(struct ssh *s, ssh_passphrase_cb *cb, void *arg);
void ssh_passphrase(struct ssh *s, const char *path, char *passphrase);

struct ssh_stats { unsigned connections, connecting, jobs, fresh, reused, settings_run, settings_cached; };
void ssh_stats(const struct ssh *s, struct ssh_stats *ret);

#endif
