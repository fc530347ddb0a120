/*
 * SSH without a network: ssh.h's functions with answers that a test has written down. Each command takes the next answer of its host (or of "*"), in order;
 * what was asked for is kept. Link it instead of libopsssh.a.
 */
#ifndef OPS_FAKES_FAKE_SSH_H
#define OPS_FAKES_FAKE_SSH_H

#include "ssh/ssh.h"

struct fake_ssh_answer {
	const char *host;		/* "*": any */
	enum ssh_outcome outcome;
	enum ssh_fail fail;
	int status;
	const char *signal, *out, *err_out;	/* NULL: "" */
	const char *why;		/* sentence of err; NULL none */
	int64_t delay_ns;
	bool waits;			/* only ends when it is cancelled */
};
struct fake_ssh_seen {			/* the newest command */
	unsigned n_exec, n_settle, n_cancel;
	char host[64], address[64], user[32], nonce[64], become[32];
	unsigned port;
	char **argv, **env;		/* NULL-terminated */
	char *script;
	char *in;
	size_t in_len;
	int64_t timeout_ns;
	bool is_read_only, is_unsupervised;
};
extern struct fake_ssh_seen fake_ssh_seen;

struct ssh *fake_ssh_new(struct loop *l);
/* Copied; strings must live on. */
void fake_ssh_answer(struct ssh *s, const struct fake_ssh_answer *a);
/* The next ssh_exec() itself refuses, with this. */
void fake_ssh_refuse(struct ssh *s, int code, const char *why);

#endif
