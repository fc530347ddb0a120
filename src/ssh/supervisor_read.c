/* The lines of the supervisor, taken out of stderr. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ssh/supervisor.h"

enum { LINE_MAX_LEN = 512, PIECE = 16 * 1024 };

typedef void out_cb(const char *bytes, size_t len, void *arg);

void
supervisor_reader_init(struct supervisor_reader *r, const char *nonce)
{
	memset(r, 0, sizeof *r);
	snprintf(r->nonce, sizeof r->nonce, "%s", nonce);
	buf_init(&r->held, PIECE + 2 * LINE_MAX_LEN);
	r->outcome = SSH_UNKNOWN;
	r->status = -1;
	r->kept_s = -1;
}

void
supervisor_reader_done(struct supervisor_reader *r)
{
	buf_done(&r->held);
}

/* Between "shell" and "ready" it is sudo who speaks. */
static void
emit(struct supervisor_reader *r, const char *bytes, size_t len, out_cb *out, void *arg)
{
	if (len == 0)
		return;
	if (r->is_shell && !r->is_started && !r->is_ended) {
		size_t n = strlen(r->raw);

		for (size_t i = 0; i < len && n < sizeof r->raw - 1; i++)
			if (bytes[i] != '\0')
				r->raw[n++] = bytes[i];
		r->raw[n] = '\0';
	}
	if (out != NULL)
		out(bytes, len, arg);
}

/* --- a line ----------------------------------------------------------------------------------- */

/* Signals that end a program, by their number in Linux on all but old machines; others of these hosts agree up to 15 save 10 and 12. */
static const struct { int number; const char *name; } signals[] = {
	{ 1, "HUP" }, { 2, "INT" }, { 3, "QUIT" }, { 4, "ILL" }, { 5, "TRAP" }, { 6, "ABRT" }, { 7, "BUS" }, { 8, "FPE" }, { 9, "KILL" },
	{ 10, "USR1" }, { 11, "SEGV" }, { 12, "USR2" }, { 13, "PIPE" }, { 14, "ALRM" }, { 15, "TERM" }, { 24, "XCPU" }, { 25, "XFSZ" }, { 31, "SYS" },
};

/* 128 + N of most shells; ksh says 256 + N. */
static void
set_status(struct supervisor_reader *r, int status)
{
	int signo = status > 256 ? status - 256 : status - 128;

	r->status = status > 256 ? 128 + signo : status;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if (signals[i].number == signo)
			snprintf(r->signal, sizeof r->signal, "%s", signals[i].name);
}

static bool
number(const char *text, long long max, long long *ret)
{
	char *end;

	if (*text < '0' || *text > '9' || strlen(text) > 15)
		return false;
	*ret = strtoll(text, &end, 10);
	return *end == '\0' && *ret <= max;
}

static void
ended(struct supervisor_reader *r, enum ssh_outcome outcome, enum ssh_fail fail)
{
	r->is_ended = true;
	r->outcome = outcome;
	r->fail = fail;
}

/* An end that has a status: exited must have one. */
static bool
take_end(struct supervisor_reader *r, const char *word, const char *rest)
{
	static const struct { const char *word; enum ssh_outcome outcome; } ends[] = {
		{ "exited", SSH_EXITED }, { "timeout", SSH_TIMED_OUT }, { "cancelled", SSH_CANCELLED }, { "lost", SSH_UNKNOWN },
	};
	long long status = -1;

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		if (strcmp(word, ends[i].word) != 0)
			continue;
		if (!number(rest, 511, &status) && (*rest != '\0' || ends[i].outcome == SSH_EXITED))
			return false;
		if (r->is_ended)
			return true;
		ended(r, ends[i].outcome, SSH_FAIL_NONE);
		if (status >= 0)
			set_status(r, (int)status);
		return true;
	}
	return false;
}

static bool
take_never(struct supervisor_reader *r, const char *rest)
{
	long long kept;

	if (*rest != '\0' && !number(rest, INT64_MAX, &kept))
		return false;
	if (r->is_ended)
		return true;
	r->kept_s = *rest != '\0' ? kept : -1;
	if (r->kept_s == 0)		/* its folder was made just now: it says nothing about before */
		ended(r, SSH_UNKNOWN, SSH_FAIL_NONE);
	else
		ended(r, SSH_NOT_RUN, SSH_FAIL_OPEN);
	return true;
}

/* false: not one of ours, so it is the command's own text. */
static bool
take_line(struct supervisor_reader *r, const char *text, size_t len)
{
	char line[LINE_MAX_LEN], *rest;

	if (memchr(text, '\0', len) != NULL)
		return false;
	snprintf(line, sizeof line, "%.*s", (int)len, text);
	rest = strchr(line, ' ');
	if (rest != NULL)
		*rest++ = '\0';
	else
		rest = line + strlen(line);
	if (strcmp(line, "shell") == 0 && *rest == '\0') {
		r->is_shell = true;
	} else if (strcmp(line, "ready") == 0 && *rest == '\0') {
		r->is_started = true;
	} else if (strcmp(line, "running") == 0 && *rest == '\0') {
		r->is_running = !r->is_ended;
		r->is_ended = true;
	} else if (strcmp(line, "refused") == 0) {
		if (!r->is_ended && !r->is_started) {
			ended(r, SSH_NOT_RUN, SSH_FAIL_SHELL);
			str_escape_to(r->words, sizeof r->words, rest);
		}
	} else if (strcmp(line, "never") == 0) {
		return take_never(r, rest);
	} else {
		return take_end(r, line, rest);
	}
	return true;
}

/* --- the stream ------------------------------------------------------------------------------- */

static size_t
marker(const struct supervisor_reader *r, char *buf, size_t size)
{
	return (size_t)snprintf(buf, size, "::opsconsole:%s:", r->nonce);
}

/* How many bytes at the end of text may be the beginning of mark. */
static size_t
maybe_mark(const char *text, size_t len, const char *mark, size_t mark_len)
{
	size_t n = len < mark_len - 1 ? len : mark_len - 1;

	while (n > 0 && memcmp(text + len - n, mark, n) != 0)
		n--;
	return n;
}

/* All that can be decided in held. */
static void
sort_out(struct supervisor_reader *r, out_cb *out, void *arg)
{
	char mark[80];
	size_t mark_len = marker(r, mark, sizeof mark), at = 0;
	const char *text = r->held.data;

	for (;;) {
		size_t left = r->held.len - at, line_len;
		const char *found = memmem(text + at, left, mark, mark_len), *line, *nl;

		if (found == NULL) {
			left -= maybe_mark(text + at, left, mark, mark_len);
			emit(r, text + at, left, out, arg);
			at += left;
			break;
		}
		emit(r, text + at, (size_t)(found - text) - at, out, arg);
		at = (size_t)(found - text);
		line = found + mark_len;
		line_len = r->held.len - at - mark_len;
		nl = memchr(line, '\n', line_len);
		if (nl == NULL && line_len < LINE_MAX_LEN)
			break;			/* more is to come */
		if (nl != NULL && nl - line < LINE_MAX_LEN && take_line(r, line, (size_t)(nl - line))) {
			at = (size_t)(nl + 1 - text);
		} else {
			emit(r, found, mark_len, out, arg);
			at += mark_len;
		}
	}
	memmove(r->held.data, text + at, r->held.len - at + 1);
	r->held.len -= at;
}

void
supervisor_read(struct supervisor_reader *r, const char *bytes, size_t len, out_cb *out, void *arg)
{
	while (len > 0) {
		size_t n = len < PIECE ? len : PIECE;

		buf_add(&r->held, bytes, n);
		sort_out(r, out, arg);
		bytes += n;
		len -= n;
	}
}

void
supervisor_read_end(struct supervisor_reader *r, out_cb *out, void *arg)
{
	emit(r, r->held.data, r->held.len, out, arg);
	buf_reset(&r->held);
}

/* --- what it means ---------------------------------------------------------------------------- */

/* The last line of what sudo said, after any lecture. */
static void
take_sudo_words(struct supervisor_reader *r)
{
	size_t len = strlen(r->raw);
	char *nl;

	while (len > 0 && (r->raw[len - 1] == '\n' || r->raw[len - 1] == '\r'))
		r->raw[--len] = '\0';
	nl = strrchr(r->raw, '\n');
	str_escape_to(r->words, sizeof r->words, nl != NULL ? nl + 1 : r->raw);
}

void
supervisor_closed(struct supervisor_reader *r)
{
	if (r->is_ended || r->is_started)
		return;
	ended(r, SSH_NOT_RUN, r->is_shell ? SSH_FAIL_BECOME : SSH_FAIL_SHELL);
	if (r->is_shell)
		take_sudo_words(r);
}

static void
explain_fail(const struct supervisor_reader *r, const char *host, struct err *err)
{
	if (r->fail == SSH_FAIL_BECOME)
		err_set(err, ERR_DENIED, "%s: sudo refused, so nothing was run: %s (it has to be allowed without a password: NOPASSWD in sudoers)", host,
		    r->words[0] != '\0' ? r->words : "it said nothing");
	else if (r->fail == SSH_FAIL_OPEN)
		err_set(err, ERR_NOTFOUND, "%s: the command never came there", host);
	else if (r->words[0] != '\0')
		err_set(err, ERR_REFUSED, "%s: nothing was run: %s", host, r->words);
	else
		err_set(err, ERR_UNSUPPORTED,
		    "%s: nothing was run: the login shell there is not a POSIX shell, or runs a command of its own (supervise: none is for forced commands)",
		    host);
}

void
supervisor_explain(const struct supervisor_reader *r, const char *host, struct err *err)
{
	if (r->is_ended && r->outcome == SSH_NOT_RUN)
		explain_fail(r, host, err);
	else if (r->is_ended && r->outcome == SSH_TIMED_OUT)
		err_set(err, ERR_TIMEOUT, "%s: the command ran into its timeout and was ended", host);
	else if (r->is_ended && r->outcome == SSH_CANCELLED)
		err_set(err, ERR_CANCELLED, "%s: the command was cancelled and ended", host);
	else if (r->is_running)
		err_set(err, ERR_IO, "%s: the command runs there still", host);
	else if (r->kept_s == 0)
		err_set(err, ERR_IO, "%s: no state of the command is there, and none was kept there before: it may have run", host);
	else if (r->is_ended)
		err_set(err, ERR_IO, "%s: the host does not know how the command ended; it may have run in part", host);
	else
		err_set(err, ERR_IO, "%s: the connection ended before the command said how it ended; it may run still", host);
}
