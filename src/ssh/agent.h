/*
 * Our client of ssh-agent, on the loop: list identities, sign. The one auth path.
 *
 * Agents asked: the user's (IdentityAgent or $SSH_AUTH_SOCK), and a private one of ours that holds the key files: started on first need as a child
 * (ssh-agent -D -a SOCKET, mode 0700 folder), filled by ssh-add with our askpass (none: a passphrase is asked for only by the console, through the callback),
 * ended with us. A key file is loaded once. An agent that does not answer costs its timeout, never the loop.
 * Source: draft-miller-ssh-agent-04 (message numbers, identities, sign flags); ssh-agent(1), ssh-add(1), SSH_ASKPASS and SSH_ASKPASS_REQUIRE in ssh(1).
 */
#ifndef OPS_SSH_AGENT_H
#define OPS_SSH_AGENT_H

#include <stdbool.h>
#include <stddef.h>

#include "loop/loop.h"
#include "ssh/settings.h"

struct agents;			/* all that one struct ssh uses */
struct agent_key {
	char *comment;
	char type[64];		/* "ssh-ed25519"; sk-, -cert-v01 and ssh-rsa are listed too: whoever uses them decides */
	unsigned char *blob;
	size_t len;
	unsigned agent;		/* which of the agents holds it */
	bool is_from_file;
	char *path;		/* of the file or public file it stands for; NULL */
};

/* Whoever keeps a key beyond a callback copies it. */
void agent_key_copy(struct agent_key *to, const struct agent_key *from);
void agent_key_done(struct agent_key *k);
void agent_keys_free(struct agent_key *keys, size_t n);

struct agents *agents_new(struct loop *l, const char *run_dir);
void agents_free(struct agents *a);

struct agent_list { size_t n; const struct agent_key *v; const char *notes; /* "~/.ssh/id_rsa needs a passphrase", ..; "" none */ };
/* err is NULL unless there is no key at all; notes say what was passed over. Lent until it returns. */
typedef void agent_keys_cb(const struct agent_list *keys, const struct err *err, void *arg);
/* Keys for a host in the order ssh would try them: identity files that an agent holds, then other keys of the agent (unless IdentitiesOnly), then identity files
 * loaded into the private one. Cached for a minute and by the mtimes of the files. */
struct agent_ask;
struct agent_ask *agents_keys(struct agents *a, struct ssh_settings *settings, agent_keys_cb *cb, void *arg);
typedef void agent_sign_cb(const unsigned char *signature, size_t len, const struct err *err, void *arg);	/* blob: string type, string signature */
/* flags as the protocol has them: 2 rsa-sha2-256, 4 rsa-sha2-512. */
struct agent_ask *agents_sign(struct agents *a, const struct agent_key *key, const void *data, size_t len, unsigned flags, agent_sign_cb *cb, void *arg);
void agent_ask_cancel(struct agent_ask *ask);	/* NULL is fine; not after cb */

/* A file needs a passphrase and somebody can be asked. answer NULL: no. The passphrase is wiped by the callee of agents_passphrase(). */
typedef void agents_ask_passphrase_cb(const char *path, void *arg);
void agents_on_passphrase(struct agents *a, agents_ask_passphrase_cb *cb, void *arg);
void agents_passphrase(struct agents *a, const char *path, char *passphrase);

#endif
