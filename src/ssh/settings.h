/*
 * Effective settings of a host: what `ssh -G` says, read into a struct, cached by host and the mtimes of the config files.
 *
 * `ssh -G [-F config] [-p port] [-l user] address` runs as a child (it may run `Match exec` commands: no other use of it is made). Its output is settled defaults
 * and the files' values, one `key value` a line; proxyjump stands only if set; identityfile repeats and keeps its ~.
 * Whatever is set to something else than our transport does or can leave out selects the system's ssh, and is named (settings_transport()).
 * Source: ssh_config(5), ssh(1) -G of OpenSSH 9.2; readconf.c dump_client_config() for the names.
 */
#ifndef OPS_SSH_SETTINGS_H
#define OPS_SSH_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "loop/loop.h"
#include "ssh/ssh.h"

enum ssh_strict { SSH_STRICT_YES, SSH_STRICT_ASK, SSH_STRICT_ACCEPT_NEW, SSH_STRICT_NO };

struct ssh_settings {
	int refs;
	char *host, *hostname, *user, *host_key_alias, *proxy_jump, *proxy_command;	/* NULL: not set */
	unsigned port;
	char **identity_files;		/* ~ and tokens expanded, NULL-terminated, those that exist first and as listed */
	bool identities_only;
	char *identity_agent;		/* socket; NULL: $SSH_AUTH_SOCK; "none" */
	char **user_known_hosts, **global_known_hosts;
	enum ssh_strict strict;		/* ask and accept-new are as yes for us: nothing is ever accepted; no is too (and said) */
	int64_t connect_ns;		/* 0: none */
	unsigned alive_interval_s, alive_count_max;
	int address_family;		/* AF_UNSPEC, AF_INET, AF_INET6 */
	char *host_key_algorithms, *kex, *ciphers, *macs, *pubkey_algorithms;	/* lists as given */
	bool hash_known_hosts;
	char *why_openssh;		/* why our transport cannot carry it; NULL: it can */
};
struct ssh_settings *ssh_settings_ref(struct ssh_settings *s);
void ssh_settings_unref(struct ssh_settings *s);

/* Pure: the text of ssh -G -> settings. name for messages. 0, ERR_SYNTAX, ERR_LIMIT. */
int ssh_settings_parse(const char *name, const char *text, size_t len, struct ssh_settings **ret, struct err *err);
/* Can our transport sign with a key of this type? "ssh-ed25519": yes; "ssh-rsa" (libssh2 1.10 knows no SHA-2 signatures), hardware keys and
 * certificates: no. When no key of agents_keys() is usable, the system's ssh is what is left. */
bool ssh_key_is_usable(const char *type);
/* One ProxyJump value -> hops in order: "user@a:22,b". Arrays of ssh_hop_max; returns how many, or ERR_SYNTAX, ERR_LIMIT. Each hop is then asked of ssh -G itself. */
enum { SSH_HOPS_MAX = 8 };
struct ssh_hop { char user[64], host[256]; unsigned port; };
int ssh_hops_parse(const char *text, struct ssh_hop *ret, struct err *err);

/* The cache. config NULL: the usual files. */
struct ssh_settings_cache;
struct ssh_settings_cache *ssh_settings_cache_new(struct loop *l, const char *config);
void ssh_settings_cache_free(struct ssh_settings_cache *c);	/* pending callbacks do not come any more */
typedef void ssh_settings_cb(struct ssh_settings *s, const struct err *err, void *arg);	/* s NULL: err says why. Borrowed: take a reference */
/* cb may come before this returns when the answer is cached. Several asking for one host share one ssh -G; at most 8 run at the same time. */
struct ssh_settings_ask;
struct ssh_settings_ask *ssh_settings_get(struct ssh_settings_cache *c, const struct ssh_host *host, ssh_settings_cb *cb, void *arg);
void ssh_settings_ask_cancel(struct ssh_settings_ask *a);	/* NULL is fine; not after cb */
void ssh_settings_counts(const struct ssh_settings_cache *c, unsigned *ret_run, unsigned *ret_cached);

#endif
