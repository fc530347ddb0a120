/*
 * Versions and key exchange through libssh2, and the check of the host's key. Keys of the types that known_hosts has are asked for first.
 */
#include "config.h"

#include "ssh/ssh_priv.h"

#include <errno.h>
#include <libssh2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

/* --- libssh2's way to the bytes --- */

static LIBSSH2_RECV_FUNC(keys_recv)
{
	struct session *s = *abstract;
	size_t n = s->rx.len < length ? s->rx.len : length;

	(void)socket;
	(void)flags;
	if (s->state == SESSION_CLOSED)
		return 0;
	if (n == 0)
		return s->is_eof ? 0 : -EAGAIN;
	memcpy(buffer, fifo_bytes(&s->rx), n);
	if (s->state == SESSION_KEYS && s->hello.len < s->hello.max) {
		size_t room = s->hello.max - s->hello.len;

		buf_add(&s->hello, buffer, n < room ? n : room);
	}
	fifo_cut(&s->rx, n);
	return (ssize_t)n;
}

static LIBSSH2_SEND_FUNC(keys_send)
{
	struct session *s = *abstract;

	(void)socket;
	(void)flags;
	/* Closed: into nothing, so that libssh2_session_free() never has to wait. */
	if (s->state == SESSION_CLOSED)
		return (ssize_t)length;
	if (s->tx.len + length > SSH_FIFO_MAX)
		return -EPIPE;
	fifo_add(&s->tx, buffer, length);
	return (ssize_t)length;
}

/* --- what is asked for --- */

static char *
supported(LIBSSH2_SESSION *ssh2, int method)
{
	const char **list = NULL;
	struct buf b;
	int n;

	buf_init(&b, 8192);
	n = libssh2_session_supported_algs(ssh2, method, &list);
	for (int i = 0; i < n; i++)
		buf_printf(&b, "%s%s", b.len > 0 ? "," : "", list[i]);
	if (n > 0)
		libssh2_free(ssh2, list);
	return ssh_buf_text(&b);
}

static void
supported_once(struct ssh *ssh, LIBSSH2_SESSION *ssh2)
{
	if (ssh->kex != NULL)
		return;
	ssh->kex = supported(ssh2, LIBSSH2_METHOD_KEX);
	ssh->host_keys = supported(ssh2, LIBSSH2_METHOD_HOSTKEY);
	ssh->ciphers = supported(ssh2, LIBSSH2_METHOD_CRYPT_CS);
	ssh->macs = supported(ssh2, LIBSSH2_METHOD_MAC_CS);
}

/* Those of wanted that libssh2 has, set for both directions. wanted NULL: libssh2's own order. ERR_UNSUPPORTED: none. */
static int
prefer(struct session *s, int method, int other, const char *wanted, const char *has, const char *what, struct err *err)
{
	struct buf b;
	int r = 0;

	buf_init(&b, 8192);
	kex_common(&b, wanted != NULL ? wanted : has, has);
	if (b.len == 0 || libssh2_session_method_pref(s->ssh2, method, b.data) != 0 ||
	    (other >= 0 && libssh2_session_method_pref(s->ssh2, other, b.data) != 0))
		r = err_set(err, ERR_UNSUPPORTED, "libssh2 has none of the %s that ssh_config allows for %s", what, s->name);
	buf_done(&b);
	return r;
}

static int
prefer_host_keys(struct session *s, struct err *err)
{
	const struct known_hosts *kh = path_known_hosts(s->ssh, s->settings, err);
	const char *allowed = s->settings->host_key_algorithms;
	struct buf known, list;
	const char *as;
	unsigned port;
	int r;

	if (kh == NULL)
		return ERR_IO;
	as = path_known_name(s->settings, &port);
	buf_init(&known, 8192);
	buf_init(&list, 16384);
	known_hosts_types(kh, as, port, &known);
	/* The word ssh-rsa of a known key would ask for SHA-1 signatures; such hosts go by openssh before they come here. */
	kex_common(&list, known.data, allowed != NULL ? allowed : s->ssh->host_keys);
	buf_printf(&list, "%s%s", list.len > 0 ? "," : "", allowed != NULL ? allowed : s->ssh->host_keys);
	r = prefer(s, LIBSSH2_METHOD_HOSTKEY, -1, list.data, s->ssh->host_keys, "HostKeyAlgorithms", err);
	buf_done(&known);
	buf_done(&list);
	return r;
}

int
session_keys_begin(struct session *s, struct err *err)
{
	const struct ssh_settings *set = s->settings;
	struct ssh *ssh = s->ssh;

	s->ssh2 = libssh2_session_init_ex(NULL, NULL, NULL, s);
	if (s->ssh2 == NULL)
		return err_set(err, ERR_NOMEM, "cannot make an SSH session for %s", s->name);
	libssh2_session_set_blocking(s->ssh2, 0);
	libssh2_session_callback_set(s->ssh2, LIBSSH2_CALLBACK_RECV, (void *)keys_recv);
	libssh2_session_callback_set(s->ssh2, LIBSSH2_CALLBACK_SEND, (void *)keys_send);
	supported_once(ssh, s->ssh2);
	if (prefer(s, LIBSSH2_METHOD_KEX, -1, set->kex, ssh->kex, "KexAlgorithms", err) < 0 || prefer_host_keys(s, err) < 0 ||
	    prefer(s, LIBSSH2_METHOD_CRYPT_CS, LIBSSH2_METHOD_CRYPT_SC, set->ciphers, ssh->ciphers, "Ciphers", err) < 0 ||
	    prefer(s, LIBSSH2_METHOD_MAC_CS, LIBSSH2_METHOD_MAC_SC, set->macs, ssh->macs, "MACs", err) < 0)
		return err->code;
	return 0;
}

/* --- the host's key --- */

static const char *
key_kind(const char *type)
{
	return strcmp(type, "ssh-ed25519") == 0 ? "ED25519" : strncmp(type, "ecdsa-", 6) == 0 ? "ECDSA" : type;
}

static void
refuse_unknown(struct session *s, const struct known_answer *a)
{
	char other[360] = "";

	if (a->state == KNOWN_OTHER_TYPE)
		snprintf(other, sizeof other, " (%s has a key of another type)", a->where);
	session_fail_text(s, SSH_FAIL_HOST_KEY_UNKNOWN, ERR_DENIED,
	    "the host key of %s (%s port %u) is not known%s: it shows %s %s. Compare that with the host's own (ssh-keygen -lf on it), "
	    "then accept it with: ssh -o StrictHostKeyChecking=ask %s%s%s%s (with StrictHostKeyChecking yes ssh "
	    "takes it only so; or put it into known_hosts by hand, from ssh-keyscan)", s->name, s->settings->hostname, s->settings->port, other, key_kind(a->type), a->got,
	    s->ssh->o.config != NULL ? "-F " : "", s->ssh->o.config != NULL ? s->ssh->o.config : "", s->ssh->o.config != NULL ? " " : "", s->name);
}

static void
refuse_key(struct session *s, const struct known_answer *a)
{
	switch (a->state) {
	case KNOWN_CHANGED:
		session_fail_text(s, SSH_FAIL_HOST_KEY_CHANGED, ERR_DENIED,
		    "the host key of %s HAS CHANGED: it shows %s %s, but %s has %s. Somebody may be in between, or the host was set up anew; nothing was "
		    "sent. Find out which before that line is replaced", s->name, key_kind(a->type), a->got, a->where, a->expected);
		return;
	case KNOWN_REVOKED:
		session_fail_text(s, SSH_FAIL_HOST_KEY_REVOKED, ERR_DENIED,
		    "the host key of %s, %s %s, IS REVOKED by %s: whoever answers there must not be trusted; nothing was sent", s->name,
		    key_kind(a->type), a->got, a->where);
		return;
	default:
		refuse_unknown(s, a);
	}
}

static void
check_host_key(struct session *s)
{
	const struct known_hosts *kh;
	struct known_answer answer;
	struct err err = ERR_INIT;
	const char *as, *key;
	unsigned port;
	size_t len;
	int type;

	session_set_stage(s, SSH_HOST_KEY);
	kh = path_known_hosts(s->ssh, s->settings, &err);
	key = libssh2_session_hostkey(s->ssh2, &len, &type);
	if (kh == NULL || key == NULL) {
		if (kh != NULL)
			err_set(&err, ERR_SYNTAX, "%s showed no host key", s->name);
		session_fail(s, SSH_FAIL_KEYS, &err);
		return;
	}
	as = path_known_name(s->settings, &port);
	known_hosts_check(kh, as, port, key, len, &answer);
	if (answer.state == KNOWN_MATCH)
		session_enter(s, SESSION_LOGIN);
	else
		refuse_key(s, &answer);
}

/* --- the exchange --- */

/* What ssh_config allows of what libssh2 has, held against what the server offers. */
static bool
explain(const struct session *s, char *text, size_t size)
{
	const struct ssh_settings *set = s->settings;
	const char *wanted[] = { set->kex, set->host_key_algorithms, set->ciphers, set->macs };
	const char *has[] = { s->ssh->kex, s->ssh->host_keys, s->ssh->ciphers, s->ssh->macs };
	struct buf b[4];
	bool is_told;

	for (int i = 0; i < 4; i++) {
		buf_init(&b[i], 8192);
		kex_common(&b[i], wanted[i] != NULL ? wanted[i] : has[i], has[i]);
	}
	is_told = kex_explain(s->hello.data, s->hello.len, &(struct kex_offer){ b[0].data, b[1].data, b[2].data, b[3].data }, text, size);
	for (int i = 0; i < 4; i++)
		buf_done(&b[i]);
	return is_told;
}

static void
keys_failed(struct session *s, int code)
{
	char text[300], why[160];

	if (explain(s, text, sizeof text)) {
		session_give_up(s, "%s and libssh2 have no common %s", s->name, text);
		return;
	}
	if (s->hello.len == 0) {
		session_fail_text(s, SSH_FAIL_KEYS, ERR_IO, "%s (%s port %u) closed the connection before it said anything (MaxStartups, or not an SSH server)",
		    s->name, s->settings->hostname, s->settings->port);
		return;
	}
	session_ssh2_error(s, why, sizeof why);
	if (s->is_eof && s->rx.len == 0)
		session_fail_text(s, SSH_FAIL_KEYS, ERR_IO, "%s closed the connection while keys were exchanged (%s)", s->name, why);
	else
		session_fail_text(s, SSH_FAIL_KEYS, ERR_SYNTAX, "key exchange with %s failed: %s (libssh2 error %d)", s->name, why, code);
}

void
session_keys_free(struct session *s)
{
	if (s->ssh2 == NULL)
		return;
	/* Our end is closed: it reads the end and sends into nothing, so nothing waits. An exchange that was under way has to fail by itself: libssh2 1.10 frees
	 * what that holds only then. */
	if (!s->is_keyed)
		libssh2_session_handshake(s->ssh2, 0);
	libssh2_session_free(s->ssh2);
	s->ssh2 = NULL;
}

void
session_keys_advance(struct session *s)
{
	/* The descriptor is only a name here: our callbacks move the bytes. libssh2 asks the kernel whether it blocks, so it must be one that does not. */
	const struct session *first = s;
	int r;

	while (first->via != NULL)
		first = first->via;
	r = libssh2_session_handshake(s->ssh2, first->fd);
	if (r == LIBSSH2_ERROR_EAGAIN)
		return;
	s->is_keyed = true;
	if (r != 0)
		keys_failed(s, r);
	else
		check_host_key(s);
}
