/*
 * Our own ssh-agent, for key files: started when the first one is needed, and ended with us, however we end.
 *
 * `ssh-agent -a SOCKET sh -c ...` runs it beside a shell that reads a FIFO of which we hold the other end. Our end closes it even after SIGKILL: the shell then
 * ends the agent. (ssh-agent is often set-group-id, which takes PR_SET_PDEATHSIG away.) Should the shell be killed alone, the agent sees that
 * its parent has gone, within ten seconds.
 *
 * Keys come in by `ssh-add FILE`, one at a time, with an askpass that says no, or with one of ours that reads the passphrase from a FIFO once.
 * A passphrase never stands in an argv, an environment or a file.
 */
#ifndef OPS_SSH_AGENT_PRIVATE_H
#define OPS_SSH_AGENT_PRIVATE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "loop/loop.h"
#include "ssh/agent.h"
#include "ssh/agent_client.h"
#include "ssh/agent_file.h"

enum key_state {
	KEY_NEW,	/* nothing was asked of it yet */
	KEY_WAITING,	/* in the queue, or with ssh-add */
	KEY_ASKING,	/* somebody is asked for its passphrase */
	KEY_LOADED,
	KEY_REFUSED,	/* note says why */
};
struct key_file {
	struct key_file *next;
	char *path;
	struct stat st;			/* as it was when file was read */
	bool is_there;
	struct agent_file file;
	bool is_key;
	enum key_state state;
	char *note;			/* KEY_REFUSED */
	bool is_for_passphrase;		/* ..and a passphrase could help */
	unsigned tries;
	int64_t looked_ns, refused_ns;
	struct agent_key key;		/* KEY_LOADED: as the agent lists it */
};

struct agent_private;
typedef void agent_private_cb(void *arg);	/* the state of a file has changed */

/* run_dir NULL: one is made. */
struct agent_private *agent_private_new(struct loop *l, const char *run_dir, agent_private_cb *changed, void *arg);
void agent_private_free(struct agent_private *p);
/* What is known of a file, read anew when it has changed. */
struct key_file *agent_private_file(struct agent_private *p, const char *path);
/* KEY_NEW or KEY_ASKING -> KEY_WAITING. passphrase NULL: it has none; else it is copied, and wiped after use. */
void agent_private_load(struct agent_private *p, struct key_file *f, const char *passphrase);
void agent_private_refuse(struct key_file *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* NULL while it does not run. */
struct agent_client *agent_private_client(struct agent_private *p);
/* The files for whose passphrases nobody could be asked, may be tried again. */
void agent_private_ask_again(struct agent_private *p);
/* It does not answer on its socket: it is ended, and started again when it is needed. */
void agent_private_lost(struct agent_private *p);
/* The agent does not know a key any more. */
void agent_private_forget(struct agent_private *p, const struct agent_key *key);
/* -1 while it does not run; for tests. */
pid_t agent_private_pid(const struct agent_private *p);

#endif
