/*
 * known_hosts, read by our own parser: hashed names, [host]:port, * and ? wildcards, negation, lists, @revoked, @cert-authority, comments, long lines, broken ones.
 *
 * Nothing is ever written to it, and a key that is not known is never accepted here: the answer says how the user can accept it with ssh itself.
 * Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"; held against `ssh-keygen -F` by the tests.
 */
#ifndef OPS_SSH_KNOWN_HOSTS_H
#define OPS_SSH_KNOWN_HOSTS_H

#include "base/buf.h"
#include "base/err.h"

struct known_hosts;

/* NULL-terminated paths; those not there are empty. Files up to 16 MiB. A line that cannot be read is passed over and counted (notes). 0, ERR_IO, ERR_LIMIT. */
int known_hosts_read(const char *const *paths, struct known_hosts **ret, struct err *err);
/* Pure, for tests and fuzzing: one more file from memory; kh NULL begins a new set. */
int known_hosts_parse(struct known_hosts **kh, const char *path, const char *text, size_t len, struct err *err);
void known_hosts_free(struct known_hosts *kh);
/* Lines that could not be read and were passed over. */
unsigned known_hosts_broken(const struct known_hosts *kh);
/* true: a file was changed, came or went since it was read. */
bool known_hosts_is_outdated(const struct known_hosts *kh);

enum known_state { KNOWN_MATCH, KNOWN_NOT_FOUND, KNOWN_CHANGED, KNOWN_REVOKED, KNOWN_OTHER_TYPE /* known, but with keys of other types only */ };
struct known_answer {
	enum known_state state;
	char where[300];		/* "~/.ssh/known_hosts:12" of the line that decided; "" none */
	char expected[80];		/* SHA256:.. of the key known there; "" none */
	char got[80];			/* of the key shown */
	char type[32];			/* of the key shown: "ssh-ed25519" */
	bool has_authority;		/* a @cert-authority line matches the host: certificates may be in use */
};
/* name as in HostKeyAlias (then with port 0: an alias takes none, as in ssh) or hostname, lower case does not matter; not known on a port of its own, a host
 * is looked up without the port too, where only a match or a revocation counts; address: "" or the numeric address to look up too (CheckHostIP is off: "" always, for now).
 * key: the blob of RFC 4253, 6.6. */
void known_hosts_check(const struct known_hosts *kh, const char *name, unsigned port, const void *key, size_t len, struct known_answer *ret);
/* Types of the keys known for the host, best first, for the order of negotiation: "ssh-ed25519,ecdsa-sha2-nistp256". b may stay empty. */
int known_hosts_types(const struct known_hosts *kh, const char *name, unsigned port, struct buf *b);
/* "ED25519 SHA256:... (path:line)" of the first key that would be asked for; false: none. */
bool known_hosts_describe(const struct known_hosts *kh, const char *name, unsigned port, char *buf, size_t size);
/* Lines that matched in order, as `ssh-keygen -F` numbers them; returns how many. For tests. */
size_t known_hosts_lines(const struct known_hosts *kh, const char *name, unsigned port, unsigned *ret_lines, size_t max);
/* "SHA256:base64" without padding. buf of 80. */
const char *known_hosts_fingerprint(const void *key, size_t len, char *buf);

#endif
