/*
 * Private to ssh_*.c, session*.c and jump.c: what a struct ssh is made of.
 *
 *   job      one command: asks the path to its host, waits on a session for a channel (or starts the system's ssh), judges how it ended
 *   path     settings of all hops to a host, and why libssh2 cannot carry it, if so
 *   session  one libssh2 connection to one hop; over TCP, or over a channel of the session before it
 *   channel  one command or one way through, on a session
 *
 * Who calls whom: everything that happens (a ready descriptor, a timer, an answer of an agent, of ssh -G, of the resolver) only notes it and wakes a
 * session; the pump (a timer that is due in the same turn) advances what was woken, at most handshakes_per_turn of those that are not ready yet, starts what waits
 * for a place, calls done callbacks and frees what has ended. So no session or channel is freed while code of it is on the stack.
 */
#ifndef OPS_SSH_PRIV_H
#define OPS_SSH_PRIV_H

#include <sys/queue.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "ssh/agent.h"
#include "ssh/known_hosts.h"
#include "ssh/openssh.h"
#include "ssh/settings.h"
#include "ssh/ssh.h"
#include "ssh/supervisor.h"

#ifndef TAILQ_FOREACH_SAFE	/* glibc has none */
#define TAILQ_FOREACH_SAFE(var, head, field, tmp) \
	for ((var) = TAILQ_FIRST(head); (var) != NULL && ((tmp) = TAILQ_NEXT(var, field), 1); (var) = (tmp))
#endif

enum {
	SSH_HANDSHAKES_PER_TURN = 8,
	SSH_CHUNK = 32768,		/* read or written at once; a quarter of the window and less, so that an answer of usual size needs no adjustment */
	SSH_WINDOW = 256 << 10,
	SSH_REFUSED_MAX = 20,
	SSH_FIFO_MAX = 256 << 10,	/* of what waits in one direction of a session */
	SSH_FIFO_KEPT = 1024,		/* by an empty one */
};
#define SSH_CONNECT_NS (15 * NS_PER_S)
#define SSH_GRACE_NS (10 * NS_PER_S)	/* beyond a command's own timeout, before we end it ourselves */
#define SSH_AGAIN_NS (50 * NS_PER_MS)
#define SSH_DRAIN_NS (2 * NS_PER_S)	/* after the status line, for output that is still under way */

/* --- bytes that wait --- */

struct fifo { char *data; size_t at, len, cap; };	/* len bytes from data + at */
void fifo_add(struct fifo *f, const void *bytes, size_t len);
void fifo_cut(struct fifo *f, size_t n);
void fifo_done(struct fifo *f);
/* The text of a buffer that ends here. */
char *ssh_buf_text(struct buf *b);
static inline const char *
fifo_bytes(const struct fifo *f)
{
	return f->data + f->at;
}

/* --- names to addresses, off the loop --- */

struct resolver;
struct resolve_ask;
struct addrinfo;
/* list: getaddrinfo's, freed after the call; NULL: why says why not (gai_strerror). */
typedef void resolve_cb(const struct addrinfo *list, const char *why, void *arg);
int resolver_new(struct loop *l, struct resolver **ret, struct err *err);
/* Threads that hang in a lookup are left to end by themselves; they touch nothing of ours any more. */
void resolver_free(struct resolver *r);
/* Numeric addresses are answered at once, before this returns (*ret is then NULL). */
void resolver_ask(struct resolver *r, const char *name, unsigned port, int family, resolve_cb *cb, void *arg, struct resolve_ask **ret);
void resolve_ask_cancel(struct resolve_ask *a);

/* --- the way to a host --- */

struct ssh_path {
	unsigned n;			/* hops; the last is the host itself */
	struct ssh_path_hop { char *name; struct ssh_settings *settings; } hop[SSH_HOPS_MAX + 1];
	char *why_openssh;		/* NULL: libssh2 can carry it */
};
struct path_ask;
/* path NULL: err says why. path is freed after the call. */
typedef void path_cb(const struct ssh_path *path, const struct err *err, void *arg);
/* *ret is set before cb may come, and NULL again when it comes. */
void path_get(struct ssh *ssh, const struct ssh_host *host, path_cb *cb, void *arg, struct path_ask **ret);
void path_ask_cancel(struct path_ask *a);
/* The name under which a host's key is looked up, and the port. */
const char *path_known_name(const struct ssh_settings *s, unsigned *ret_port);
/* Known hosts of these settings, read anew when a file changed. Borrowed until the next call. NULL: err. */
const struct known_hosts *path_known_hosts(struct ssh *ssh, const struct ssh_settings *s, struct err *err);

/* --- channels --- */

struct session;
enum channel_state { CHANNEL_NEW, CHANNEL_OPENING, CHANNEL_EXEC, CHANNEL_OPEN, CHANNEL_CLOSING, CHANNEL_GONE };
enum channel_end {
	CHANNEL_END_CLOSED,		/* by the other side, in order: status and signal are known */
	CHANNEL_END_REFUSED,		/* not opened, or the command was not taken: nothing was run */
	CHANNEL_END_BROKEN,		/* the session is gone */
};
struct channel_ops {
	void (*opened)(void *arg);	/* a command has been taken, a way through is there */
	void (*read)(enum ssh_stream stream, const char *bytes, size_t len, void *arg);
	bool (*has_room)(void *arg);	/* NULL: always */
	void (*end)(enum channel_end how, const struct err *err, void *arg);	/* once, unless channel_close() was called; the channel is gone */
};
struct channel {
	TAILQ_ENTRY(channel) next;
	struct session *session;
	struct _LIBSSH2_CHANNEL *ssh2;
	enum channel_state state;
	const struct channel_ops *ops;
	void *arg;
	char *command;			/* NULL: a way through to host and port */
	size_t command_len;
	char *host;
	unsigned port;
	struct fifo *tx;		/* lent; NULL: nothing */
	bool is_tx_end;			/* end of file after tx */
	bool is_eof_sent;
	int status;
	char signal[16];
};
/* Takes over command (malloc'd) when it is not NULL. tx is lent until end or channel_close(). */
struct channel *channel_new(struct session *s, char *command, size_t command_len, const char *host, unsigned port, struct fifo *tx,
    bool is_tx_end, const struct channel_ops *ops, void *arg);
/* The request to run the command may have left us. */
bool channel_is_requested(const struct channel *c);
/* No callbacks any more; it is closed in the background. NULL is fine. */
void channel_close(struct channel *c);
/* For sessions. */
unsigned session_channels(const struct session *s);	/* with commands, closing ones too */
void channels_advance(struct session *s);
void channels_drop(struct session *s, const struct err *err);	/* the session is gone */

/* --- sessions --- */

enum session_state {
	SESSION_AGENT,		/* which keys are there */
	SESSION_VIA,		/* waits for the hop before */
	SESSION_QUEUED,		/* waits for its turn: connecting_max */
	SESSION_RESOLVE,
	SESSION_CONNECT,
	SESSION_KEYS,
	SESSION_LOGIN,
	SESSION_READY,
	SESSION_CLOSED,
};
enum sign_state { SIGN_NONE, SIGN_ASKED, SIGN_READY, SIGN_FAILED };
struct login {
	struct agent_ask *ask;
	struct agent_key *keys;		/* those libssh2 can use; copies */
	size_t n, at;
	char unusable[200];		/* "ssh-rsa (me@desk)": held, but not for libssh2 */
	char notes[200];
	struct err failed;		/* last thing an agent refused */
	enum sign_state sign;
	unsigned char *data, *signature;
	size_t data_len, signature_len;
};
struct session {
	TAILQ_ENTRY(session) all, woken, queued;
	struct ssh *ssh;
	char *key;			/* who is reached as whom by which way: finds it again */
	char *name;			/* for messages */
	struct ssh_settings *settings;
	struct session *via;
	unsigned n_over;		/* sessions that go through this one */
	struct channel *link;		/* on via */
	enum session_state state;	/* session_enter() writes it */
	enum ssh_stage stage;
	bool is_woken, is_queued, has_slot, is_eof, was_full, is_keyed;
	int fd;
	struct loop_fd *watch;
	struct loop_timer *timer;	/* the deadline of connecting; then of idleness */
	struct loop_timer *alive;
	int64_t closed_mono;		/* when a channel was closed last; 0: none yet */
	int64_t heard_mono, connected_ns, connect_ns;
	struct resolve_ask *resolving;
	struct sockaddr_storage *addresses;
	size_t n_addresses, at_address;
	struct loop_timer *next_address;
	struct _LIBSSH2_SESSION *ssh2;
	struct fifo rx, tx;
	struct buf hello;		/* first bytes of the server, until the keys are exchanged */
	struct login login;
	TAILQ_HEAD(, channel) channels;
	struct channel *opening;	/* libssh2 opens one at a time */
	TAILQ_HEAD(session_jobs, ssh_job) jobs;
	unsigned n_running;		/* of jobs, those that have a channel */
	unsigned running_max;		/* jobs_per_host, or what the server has room for */
	enum ssh_fail fail;
	struct err err;
	char *why_openssh;		/* it failed in a way the system's ssh may not */
};
/* The live session of a hop, made when there is none. hop is its place in path. */
struct session *session_get(struct ssh *ssh, const struct ssh_path *path, unsigned hop);
void session_enter(struct session *s, enum session_state to);
void session_wake(struct session *s);
void session_advance(struct session *s);
void session_start(struct session *s);			/* it has its turn */
void session_fail(struct session *s, enum ssh_fail fail, const struct err *err);
void session_fail_text(struct session *s, enum ssh_fail fail, int code, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* To openssh with all who wait for it. */
void session_give_up(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void session_settle_idle(struct session *s);		/* nobody uses it now: closed, or kept for a while */
void session_free(struct session *s);			/* closed ones only */
void session_close(struct session *s);			/* politely; nobody is on it */
enum ssh_stage session_stage(const struct session *s);	/* what its jobs wait for */
void session_set_stage(struct session *s, enum ssh_stage stage);
const char *session_ssh2_error(struct session *s, char *buf, size_t size);
/* session_connect.c */
void session_connect(struct session *s);
void session_connected(struct session *s);
void session_connect_stop(struct session *s);
void session_watch(struct session *s);
void session_flush(struct session *s);
/* session_keys.c */
int session_keys_begin(struct session *s, struct err *err);
void session_keys_advance(struct session *s);
void session_keys_free(struct session *s);
/* What of the server's offer (its first bytes) has nothing in common with ours: "ciphers (the server has only ..)". false: cannot be told. Pure. */
struct kex_offer { const char *kex, *host_keys, *ciphers, *macs; };
bool kex_explain(const char *hello, size_t len, const struct kex_offer *ours, char *buf, size_t size);
/* Words of list (comma-separated) that have has too, in the order of list. b may stay empty. */
void kex_common(struct buf *b, const char *list, const char *has);
/* session_login.c */
void session_agent(struct session *s);
/* libssh2 can log in with keys of this type, and these settings allow it. */
bool login_is_usable(const struct ssh_settings *settings, const struct agent_key *k);
void session_login_advance(struct session *s);
void login_done(struct session *s);
/* jump.c */
void jump_connect(struct session *s);

/* --- jobs --- */

enum job_state { JOB_NEW, JOB_PATH, JOB_WAITING, JOB_CHANNEL, JOB_LINE /* waits to start openssh */, JOB_OPENSSH, JOB_DONE };
enum job_kind { JOB_COMMAND, JOB_SETTLE, JOB_CANCEL };
enum job_timer { JOB_TIMER_NONE, JOB_TIMER_AGAIN /* to ask a full server once more */, JOB_TIMER_OPEN, JOB_TIMER_WATCH, JOB_TIMER_DRAIN, JOB_TIMER_CANCEL };
struct ssh_job {
	TAILQ_ENTRY(ssh_job) all, on_session, line;
	struct ssh *ssh;
	enum job_kind kind;
	enum job_state state;
	enum ssh_stage stage;
	struct ssh_host host;		/* copies */
	struct ssh_command cmd;		/* copies */
	struct supervised sv;
	bool has_sv;
	struct path_ask *path_ask;
	struct ssh_settings *settings;	/* of the host itself */
	struct session *session;
	struct channel *channel;
	struct openssh *openssh;
	bool is_beginning;		/* in ssh.begin */
	bool is_starting;		/* counted in ssh.n_starting */
	struct fifo tx;
	struct supervisor_reader reader;
	bool has_reader;
	struct buf out, err_out;
	uint64_t out_total, err_total;
	struct ssh_result result;
	char *why;
	ssh_read_cb *read;
	ssh_stage_cb *on_stage;
	ssh_done_cb *done;
	void *arg;
	struct loop_timer *timer;
	enum job_timer waits_for;
	bool is_requested;		/* its channel is gone, and the command may have been sent */
	unsigned n_refused;		/* channels, by a server that was full */
	bool has_retried, is_cancelled, is_overdue;
	struct ssh_job *canceller, *target;	/* the second command that ends the first */
};
int job_new(struct ssh *ssh, enum job_kind kind, const struct ssh_host *host, const struct ssh_command *cmd, struct ssh_job **ret, struct err *err);
void job_free(struct ssh_job *j);
void job_wrap_again(struct ssh_job *j);		/* sv is there */
void job_begin(struct ssh_job *j);
void job_cancel(struct ssh_job *j);
void job_set_stage(struct ssh_job *j, enum ssh_stage stage);
void job_start_channel(struct ssh_job *j);
void job_to_openssh(struct ssh_job *j, const char *why);
void job_start_openssh(struct ssh_job *j);
/* The session it waited on, or ran on, is gone. */
void job_session_lost(struct ssh_job *j, const struct session *s);
void job_not_run(struct ssh_job *j, enum ssh_fail fail, const struct err *err);
void job_unknown(struct ssh_job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void job_finish(struct ssh_job *j, enum ssh_outcome outcome);
void job_report(struct ssh_job *j);			/* calls done */
void job_unknown_by_reader(struct ssh_job *j);
/* How it ended by what the supervisor said; false: it said nothing. */
bool job_judge(struct ssh_job *j);
void job_stderr(struct ssh_job *j, const char *bytes, size_t len);
void job_keep(struct ssh_job *j, enum ssh_stream stream, const char *bytes, size_t len);
void job_timer_set(struct ssh_job *j, enum job_timer what, int64_t in_ns);
void job_started(struct ssh_job *j);

/* --- all together --- */

TAILQ_HEAD(job_list, ssh_job);
TAILQ_HEAD(session_list, session);
struct ssh_known { LIST_ENTRY(ssh_known) next; char *paths; struct known_hosts *kh; };
struct ssh_fallback { LIST_ENTRY(ssh_fallback) next; char *key, *why; int64_t until_mono; };
struct route_ask;
struct ssh {
	struct loop *loop;
	struct ssh_options o;		/* copies, defaults filled in */
	bool is_run_dir_ours;
	struct ssh_settings_cache *settings;
	struct agents *agents;
	struct resolver *resolver;
	struct loop_timer *pump;
	struct session_list sessions, woken, queued, dead;
	struct job_list jobs, begin, line, done;
	LIST_HEAD(, path_ask) asks;
	LIST_HEAD(, route_ask) routes;
	LIST_HEAD(, ssh_known) known;
	LIST_HEAD(, ssh_fallback) fallbacks;
	unsigned n_connecting, n_starting;	/* handshakes; the system's ssh before it runs its command */
	unsigned n_fresh, n_reused, n_jobs;
	char *kex, *host_keys, *ciphers, *macs;	/* what libssh2 has; NULL until asked */
	unsigned n_callbacks;		/* on the stack */
	bool is_pumping, is_freed;
	char chunk[SSH_CHUNK];
};
void ssh_pump_soon(struct ssh *ssh);
/* Around every call of the user's; false: do not call. ssh_free() within one is done when all have returned. */
bool ssh_callback_begin(struct ssh *ssh);
void ssh_callback_end(struct ssh *ssh);
void route_ask_free(struct route_ask *r);
/* Why the hop of this key goes by openssh since it was tried; NULL: it does not. */
const char *ssh_fallback_get(struct ssh *ssh, const char *key);
const char *session_fallback(struct ssh *ssh, const struct ssh_path *path);
void ssh_fallback_add(struct ssh *ssh, const char *key, const char *why);

#endif
