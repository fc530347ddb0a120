/*
 * Logging in: the keys an agent holds, one attempt each, signed by the agent without waiting for it.
 *
 * libssh2_userauth_publickey() first asks the server whether it would take the key, then calls back for the signature. That callback is synchronous, but libssh2
 * 1.10 returns LIBSSH2_ERROR_EAGAIN when the callback does, stays where it was, and calls it again with the same data on the next call (undocumented; the
 * unit tests rely on it against a real server). So the callback asks the agent and says EAGAIN until the answer is there. The data is compared all
 * the same: a signature is used for nothing but the bytes it was made for. No key is parsed here, and none is read.
 *
 * RSA keys are not tried: libssh2 1.10 signs with them by SHA-1 only, which servers refuse since OpenSSH 8.8; certificates and sk- keys it does not know.
 * Where nothing else is held, the way is given to the system's ssh, as nothing has been run yet.
 */
#include "config.h"

#include "ssh/ssh_priv.h"

#include <libssh2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

static void
sign_reset(struct login *l)
{
	l->sign = SIGN_NONE;
	free(l->data);
	free(l->signature);
	l->data = l->signature = NULL;
}

void
login_done(struct session *s)
{
	struct login *l = &s->login;

	agent_ask_cancel(l->ask);
	l->ask = NULL;
	sign_reset(l);
	for (size_t i = 0; i < l->n; i++) {
		free(l->keys[i].comment);
		free(l->keys[i].blob);
		free(l->keys[i].path);
	}
	free(l->keys);
	l->keys = NULL;
	l->n = l->at = 0;
}

/* --- which keys --- */

bool
login_is_usable(const struct ssh_settings *settings, const struct agent_key *k)
{
	struct buf b;
	bool is_ok;

	if (settings->pubkey_algorithms == NULL || !ssh_key_is_usable(k->type))
		return ssh_key_is_usable(k->type);
	buf_init(&b, 128);
	kex_common(&b, k->type, settings->pubkey_algorithms);
	is_ok = b.len > 0;
	buf_done(&b);
	return is_ok;
}

static void
login_keep_key(struct login *l, const struct agent_key *k)
{
	struct agent_key *to;

	l->keys = xreallocarray(l->keys, l->n + 1, sizeof *l->keys);
	to = &l->keys[l->n++];
	*to = *k;
	to->comment = xstrdup_or_null(k->comment);
	to->path = xstrdup_or_null(k->path);
	to->blob = xmalloc(k->len > 0 ? k->len : 1);
	memcpy(to->blob, k->blob, k->len);
}

static void
login_note_unusable(struct login *l, const struct agent_key *k)
{
	char comment[80];

	if (l->unusable[0] == '\0')
		snprintf(l->unusable, sizeof l->unusable, "%s (%s)", k->type, str_escape_to(comment, sizeof comment, k->comment != NULL ? k->comment : ""));
}

static void
login_no_keys(struct session *s, const struct err *err)
{
	const struct login *l = &s->login;

	if (l->unusable[0] != '\0')
		session_give_up(s, "only keys that libssh2 1.10 cannot use are there for %s: %s", s->name, l->unusable);
	else if (err != NULL && err->code != 0)
		session_fail_text(s, SSH_FAIL_LOGIN, ERR_DENIED, "no key to log in to %s with: %s", s->name, err->msg);
	else
		session_fail_text(s, SSH_FAIL_LOGIN, ERR_DENIED, "no key to log in to %s with: %s", s->name,
		    l->notes[0] != '\0' ? l->notes : "no agent and no key file has any (ssh-add, IdentityFile)");
}

static void
login_keys(const struct agent_list *keys, const struct err *err, void *arg)
{
	struct session *s = arg;
	struct login *l = &s->login;

	l->ask = NULL;
	if (s->state != SESSION_AGENT)
		return;
	for (size_t i = 0; keys != NULL && i < keys->n; i++) {
		if (login_is_usable(s->settings, &keys->v[i]))
			login_keep_key(l, &keys->v[i]);
		else
			login_note_unusable(l, &keys->v[i]);
	}
	if (keys != NULL && keys->notes != NULL)
		str_escape_to(l->notes, sizeof l->notes, keys->notes);
	if (l->n == 0)
		login_no_keys(s, err);
	else
		session_enter(s, SESSION_VIA);
}

void
session_agent(struct session *s)
{
	struct agent_ask *ask = agents_keys(s->ssh->agents, s->settings, login_keys, s);

	/* The answer may have come already, and with it the next state. */
	if (s->state == SESSION_AGENT)
		s->login.ask = ask;
}

/* --- signatures --- */

static uint32_t
u32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* string type, string signature: libssh2 wants the inner one. */
static bool
signature_inner(const unsigned char *blob, size_t len, const char *type, const unsigned char **ret, size_t *ret_len)
{
	size_t n, m;

	if (len < 4 || (n = u32(blob)) > len - 4 || n != strlen(type) || memcmp(blob + 4, type, n) != 0)
		return false;
	if (len - 4 - n < 4 || (m = u32(blob + 4 + n)) != len - 8 - n || m == 0)
		return false;
	*ret = blob + 8 + n;
	*ret_len = m;
	return true;
}

static void
login_signed(const unsigned char *signature, size_t len, const struct err *err, void *arg)
{
	struct session *s = arg;
	struct login *l = &s->login;
	const unsigned char *inner;
	size_t n;

	l->ask = NULL;
	l->sign = SIGN_FAILED;
	if (signature == NULL) {
		l->failed = *err;
	} else if (!signature_inner(signature, len, l->keys[l->at].type, &inner, &n)) {
		err_set(&l->failed, ERR_SYNTAX, "the agent answered with a signature of another kind");
	} else {
		l->signature = xmalloc(n);
		memcpy(l->signature, inner, n);
		l->signature_len = n;
		l->sign = SIGN_READY;
	}
	session_wake(s);
}

static void
login_ask(struct session *s, const unsigned char *data, size_t len)
{
	struct login *l = &s->login;
	struct agent_ask *ask;

	l->data = xmalloc(len);
	memcpy(l->data, data, len);
	l->data_len = len;
	l->sign = SIGN_ASKED;
	ask = agents_sign(s->ssh->agents, &l->keys[l->at], l->data, l->data_len, 0, login_signed, s);
	if (l->sign == SIGN_ASKED)
		l->ask = ask;
}

static LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC(login_sign)
{
	struct session *s = *abstract;
	struct login *l = &s->login;

	(void)session;
	if (l->sign == SIGN_NONE)
		login_ask(s, data, data_len);
	if (l->sign == SIGN_ASKED)
		return LIBSSH2_ERROR_EAGAIN;
	if (l->sign != SIGN_READY || l->data_len != data_len || memcmp(l->data, data, data_len) != 0)
		return -1;
	*sig = xmalloc(l->signature_len);	/* freed by libssh2, with free() */
	memcpy(*sig, l->signature, l->signature_len);
	*sig_len = l->signature_len;
	return 0;
}

/* --- attempts --- */

static void
login_refused(struct session *s)
{
	const struct login *l = &s->login;

	if (l->unusable[0] != '\0') {
		session_give_up(s, "%s takes none of the keys that libssh2 1.10 can use; %s is left", s->name, l->unusable);
		return;
	}
	session_fail_text(s, SSH_FAIL_LOGIN, ERR_DENIED, "%s does not let %s log in: %zu key%s tried, the first %s%s%s%s%s", s->name, s->settings->user,
	    l->n, l->n == 1 ? "" : "s", l->keys[0].path != NULL ? l->keys[0].path : l->keys[0].comment != NULL ? l->keys[0].comment : l->keys[0].type,
	    l->failed.code != 0 ? "; " : "", l->failed.code != 0 ? l->failed.msg : "", l->notes[0] != '\0' ? "; " : "", l->notes);
}

void
session_login_advance(struct session *s)
{
	struct login *l = &s->login;
	char why[160];

	while (l->sign != SIGN_ASKED) {
		const struct agent_key *k = &l->keys[l->at];
		int r = libssh2_userauth_publickey(s->ssh2, s->settings->user, k->blob, k->len, login_sign, libssh2_session_abstract(s->ssh2));

		if (r == LIBSSH2_ERROR_EAGAIN)
			return;
		if (r == 0) {
			session_enter(s, SESSION_READY);
			return;
		}
		if (s->is_eof && s->rx.len == 0) {
			session_fail_text(s, SSH_FAIL_LOGIN, ERR_DENIED, "%s closed the connection after %zu of %zu keys was tried for %s (MaxAuthTries, AllowUsers)",
			    s->name, l->at + 1, l->n, s->settings->user);
			return;
		}
		if (r != LIBSSH2_ERROR_AUTHENTICATION_FAILED && r != LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED) {
			session_fail_text(s, SSH_FAIL_LOGIN, ERR_IO, "cannot log in to %s: %s (libssh2 error %d)", s->name,
			    session_ssh2_error(s, why, sizeof why), r);
			return;
		}
		sign_reset(l);
		if (++l->at == l->n) {
			login_refused(s);
			return;
		}
	}
}
