#include "config.h"

#include "ssh/openssh_words.h"

#include <string.h>

#include "base/str.h"

static const char login_words[] = "Authenticated to ";

/* The first row that is found decides: ssh says the particular before the general ("Host key verification failed." comes last). */
static const struct row {
	const char *words;
	enum ssh_fail fail;
	bool after_login;		/* also then a proof that nothing ran */
} rows[] = {
	{ "REVOKED HOST KEY DETECTED", SSH_FAIL_HOST_KEY_REVOKED, false },
	{ "is marked as revoked", SSH_FAIL_HOST_KEY_REVOKED, false },
	{ "REMOTE HOST IDENTIFICATION HAS CHANGED", SSH_FAIL_HOST_KEY_CHANGED, false },
	{ "has changed and you have requested strict checking", SSH_FAIL_HOST_KEY_CHANGED, false },
	{ "host key is known for", SSH_FAIL_HOST_KEY_UNKNOWN, false },
	{ "host certificate", SSH_FAIL_HOST_KEY_UNKNOWN, false },
	{ "Host key verification failed", SSH_FAIL_HOST_KEY_UNKNOWN, false },
	{ "Could not resolve hostname", SSH_FAIL_RESOLVE, false },
	{ "Bad configuration option", SSH_FAIL_SETTINGS, false },
	{ "bad configuration options", SSH_FAIL_SETTINGS, false },
	{ "Bad owner or permissions on", SSH_FAIL_SETTINGS, false },
	{ "Can't open user config file", SSH_FAIL_SETTINGS, false },
	{ "command-line: line 0", SSH_FAIL_SETTINGS, false },
	{ "Permission denied (", SSH_FAIL_LOGIN, false },
	{ "Too many authentication failures", SSH_FAIL_LOGIN, false },
	{ "No supported authentication methods", SSH_FAIL_LOGIN, false },
	{ "connect to host", SSH_FAIL_CONNECT, false },
	{ "Unable to negotiate with", SSH_FAIL_KEYS, false },
	{ "banner exchange", SSH_FAIL_KEYS, false },
	{ "kex_exchange_identification", SSH_FAIL_KEYS, false },
	{ "ssh_dispatch_run_fatal", SSH_FAIL_KEYS, false },
	{ "Received disconnect from", SSH_FAIL_KEYS, false },
	{ "Connection closed by", SSH_FAIL_KEYS, false },
	{ "Connection reset by", SSH_FAIL_KEYS, false },
	{ "Connection refused", SSH_FAIL_CONNECT, false },
	{ "timed out", SSH_FAIL_CONNECT, false },
	{ "Connection to UNKNOWN port", SSH_FAIL_CONNECT, false },
	{ "exec request failed on channel", SSH_FAIL_OPEN, true },
	{ "open failed: ", SSH_FAIL_OPEN, true },
};

enum ssh_stage
openssh_fail_stage(enum ssh_fail fail)
{
	switch (fail) {
	case SSH_FAIL_SETTINGS:
		return SSH_SETTINGS;
	case SSH_FAIL_RESOLVE:
		return SSH_RESOLVE;
	case SSH_FAIL_KEYS:
		return SSH_KEYS;
	case SSH_FAIL_HOST_KEY_UNKNOWN:
	case SSH_FAIL_HOST_KEY_CHANGED:
	case SSH_FAIL_HOST_KEY_REVOKED:
		return SSH_HOST_KEY;
	case SSH_FAIL_LOGIN:
		return SSH_LOGIN;
	case SSH_FAIL_OPEN:
	case SSH_FAIL_SHELL:
	case SSH_FAIL_BECOME:
		return SSH_OPEN;
	default:
		return SSH_CONNECT;
	}
}

/* --- pieces of the words ---------------------------------------------------------------------- */

/* len bytes, escaped, without the carriage returns that ssh ends its lines with. */
static const char *
shown(const char *s, size_t len, char *buf, size_t size)
{
	char raw[256];
	size_t n = 0;

	for (size_t i = 0; i < len && n < sizeof raw - 1 && s[i] != '\0'; i++)
		if (s[i] != '\r')
			raw[n++] = s[i];
	raw[n] = '\0';
	return str_escape_to(buf, size, raw);
}

static const char *
line_at(const char *words, size_t len, const char *at, char *buf, size_t size)
{
	const char *end = memchr(at, '\n', (size_t)(words + len - at));

	while (at > words && at[-1] != '\n')
		at--;
	return shown(at, (size_t)((end != NULL ? end : words + len) - at), buf, size);
}

/* What follows `before` up to white space: "SHA256:..." or "/path:3". */
static const char *
word_after(const char *words, size_t len, const char *before, char *buf, size_t size)
{
	const char *at = memmem(words, len, before, strlen(before)), *end = words + len;
	size_t n = 0;

	buf[0] = '\0';
	if (at == NULL)
		return buf;
	for (at += strlen(before); at < end && (*at == ' ' || *at == '\n' || *at == '\r'); at++)
		;
	while (at + n < end && (unsigned char)at[n] > ' ')
		n++;
	if (n > 0 && at[n - 1] == '.')
		n--;
	return shown(at, n, buf, size);
}

const char *
openssh_words_last(const char *words, size_t len, char *buf, size_t size)
{
	buf[0] = '\0';
	while (len > 0) {
		const char *nl = memrchr(words, '\n', len), *line = nl != NULL ? nl + 1 : words;

		shown(line, (size_t)(words + len - line), buf, size);
		if (buf[strspn(buf, " @")] != '\0' || nl == NULL)
			return buf;
		len = (size_t)(nl - words);
	}
	return buf;
}

bool
openssh_words_is_login(const char *words, size_t len)
{
	return memmem(words, len, login_words, sizeof login_words - 1) != NULL;
}

size_t
openssh_words_after_login(const char *words, size_t len)
{
	const char *said = memmem(words, len, login_words, sizeof login_words - 1);
	const char *nl = said != NULL ? memchr(said, '\n', (size_t)(words + len - said)) : NULL;

	if (said == NULL)
		return 0;
	return nl != NULL ? (size_t)(nl + 1 - words) : len;
}

/* --- sentences -------------------------------------------------------------------------------- */

static int
code_of(enum ssh_fail fail)
{
	switch (fail) {
	case SSH_FAIL_SETTINGS:
		return ERR_INVALID;
	case SSH_FAIL_RESOLVE:
		return ERR_NOTFOUND;
	case SSH_FAIL_LOGIN:
	case SSH_FAIL_HOST_KEY_UNKNOWN:
	case SSH_FAIL_HOST_KEY_CHANGED:
	case SSH_FAIL_HOST_KEY_REVOKED:
		return ERR_DENIED;
	case SSH_FAIL_KEYS:
	case SSH_FAIL_OPEN:
		return ERR_REFUSED;
	default:
		return ERR_IO;
	}
}

static const char *
advice(enum ssh_fail fail)
{
	switch (fail) {
	case SSH_FAIL_SETTINGS:
		return "ssh does not accept its settings";
	case SSH_FAIL_RESOLVE:
		return "its name is not known";
	case SSH_FAIL_HOST_KEY_UNKNOWN:
		return "its host key is not known; connect once with ssh -o StrictHostKeyChecking=ask and compare the fingerprint, or put its line into known_hosts by hand (ssh-keyscan)";
	case SSH_FAIL_HOST_KEY_REVOKED:
		return "its host key is marked as revoked; nothing was sent to it";
	case SSH_FAIL_LOGIN:
		return "the login was refused; is the key in the agent, and the user right?";
	case SSH_FAIL_KEYS:
		return "the connection ended before the login";
	case SSH_FAIL_OPEN:
		return "the host takes no command";
	default:
		return "it cannot be reached";
	}
}

/* Both fingerprints are not to be had from ssh: it names the one that was sent, and the line of the one it knows. */
static void
explain_changed(const char *words, size_t len, const char *host, struct err *err)
{
	char sent[100], type[40], where[200];
	const char *offending = memmem(words, len, "Offending ", 10);

	word_after(words, len, "key sent by the remote host is", sent, sizeof sent);
	word_after(words, len, "Offending ", type, sizeof type);
	where[0] = '\0';
	if (offending != NULL)
		word_after(offending, (size_t)(words + len - offending), " in ", where, sizeof where);
	err_set(err, ERR_DENIED, "%s: its HOST KEY HAS CHANGED; nothing was sent to it. It shows %s, which is not the %s key of %s. Find out why before you change that line",
	    host, sent[0] != '\0' ? sent : "another key", type[0] != '\0' ? type : "known", where[0] != '\0' ? where : "known_hosts");
}

enum ssh_fail
openssh_words_fail(const char *words, size_t len, bool is_login, const char *host, struct err *err)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *row = &rows[i];
		const char *at = memmem(words, len, row->words, strlen(row->words));
		char line[240];

		if (at == NULL || (is_login && !row->after_login))
			continue;
		if (row->fail == SSH_FAIL_HOST_KEY_CHANGED)
			explain_changed(words, len, host, err);
		else
			err_set(err, strstr(row->words, "timed out") != NULL ? ERR_TIMEOUT : code_of(row->fail), "%s: %s (ssh: %s)", host, advice(row->fail),
			    line_at(words, len, at, line, sizeof line));
		return row->fail;
	}
	return SSH_FAIL_NONE;
}
