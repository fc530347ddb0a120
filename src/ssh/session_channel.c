/*
 * Channels of a session: opened one after the other (libssh2 keeps one opening at a time), then fed and read side by side.
 *
 * Nothing is written to a channel while earlier bytes wait in the session's send fifo, and a reader without room is not read for: the window closes and the other
 * side waits. libssh2 widens the window by itself as we read.
 * Source: RFC 4254, sections 5 and 6.
 */
#include "config.h"

#include "ssh/ssh_priv.h"

#include <libssh2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

enum { ROUNDS = 8 };	/* chunks read for one channel before others have their turn */

struct channel *
channel_new(struct session *s, char *command, size_t command_len, const char *host, unsigned port, struct fifo *tx, bool is_tx_end,
    const struct channel_ops *ops, void *arg)
{
	struct channel *c = xcalloc(1, sizeof *c);

	*c = (struct channel){ .session = s, .command = command, .command_len = command_len, .host = xstrdup_or_null(host), .port = port, .tx = tx,
	    .is_tx_end = is_tx_end, .ops = ops, .arg = arg, .status = -1 };
	TAILQ_INSERT_TAIL(&s->channels, c, next);
	session_settle_idle(s);
	session_wake(s);
	return c;
}

unsigned
session_channels(const struct session *s)
{
	const struct channel *c;
	unsigned n = 0;

	TAILQ_FOREACH(c, &s->channels, next)
		n += c->command != NULL && c->state != CHANNEL_GONE;
	return n;
}

bool
channel_is_requested(const struct channel *c)
{
	return c->state >= CHANNEL_EXEC;
}

static void
channel_free(struct channel *c)
{
	TAILQ_REMOVE(&c->session->channels, c, next);
	if (c->session->opening == c)
		c->session->opening = NULL;
	free(c->command);
	free(c->host);
	free(c);
}

/* Tells the owner, once. */
static void
channel_tell_end(struct channel *c, enum channel_end how, const struct err *err)
{
	const struct channel_ops *ops = c->ops;

	c->ops = NULL;
	c->tx = NULL;
	if (ops != NULL)
		ops->end(how, err, c->arg);
}

void
channel_close(struct channel *c)
{
	if (c == NULL)
		return;
	c->ops = NULL;
	c->tx = NULL;
	/* One that is being opened is closed when the answer has come. */
	if (c->state == CHANNEL_EXEC || c->state == CHANNEL_OPEN)
		c->state = CHANNEL_CLOSING;
	else if (c->state == CHANNEL_NEW)
		c->state = CHANNEL_GONE;
	session_settle_idle(c->session);
	session_wake(c->session);
}

void
channels_drop(struct session *s, const struct err *err)
{
	struct channel *c;

	while ((c = TAILQ_FIRST(&s->channels)) != NULL) {
		channel_tell_end(c, CHANNEL_END_BROKEN, err);
		channel_free(c);	/* libssh2's own goes with its session */
	}
}

/* An error that is not of this channel alone ends the session. */
static void
channel_broken(struct channel *c, const char *doing)
{
	struct session *s = c->session;
	char why[160];

	session_ssh2_error(s, why, sizeof why);
	if (s->is_eof && s->rx.len == 0)
		session_fail_text(s, SSH_FAIL_OPEN, ERR_IO, "%s closed the connection (%s)", s->name, doing);
	else
		session_fail_text(s, SSH_FAIL_OPEN, ERR_IO, "the connection to %s failed (%s): %s", s->name, doing, why);
}

static void
channel_refused(struct channel *c, const char *what)
{
	struct err err = { .code = ERR_REFUSED };
	char why[160];

	session_ssh2_error(c->session, why, sizeof why);
	if (c->command == NULL)
		snprintf(err.msg, sizeof err.msg, "%s", why);
	else
		snprintf(err.msg, sizeof err.msg, "%s %s: %s", c->session->name, what, why);
	c->state = c->ssh2 != NULL ? CHANNEL_CLOSING : CHANNEL_GONE;
	channel_tell_end(c, CHANNEL_END_REFUSED, &err);
}

/* --- opening --- */

static void
channel_opened(struct channel *c)
{
	c->session->opening = NULL;
	if (c->ops == NULL) {
		c->state = CHANNEL_CLOSING;	/* nobody wants it any more */
	} else if (c->command != NULL) {
		c->state = CHANNEL_EXEC;
	} else {
		c->state = CHANNEL_OPEN;
		c->ops->opened(c->arg);
	}
	session_wake(c->session);	/* the next one can be opened */
}

static void
channel_open(struct channel *c)
{
	struct session *s = c->session;

	if (s->opening != NULL && s->opening != c)
		return;
	s->opening = c;
	c->state = CHANNEL_OPENING;
	if (c->command != NULL)
		c->ssh2 = libssh2_channel_open_ex(s->ssh2, "session", 7, SSH_WINDOW, LIBSSH2_CHANNEL_PACKET_DEFAULT, NULL, 0);
	else
		c->ssh2 = libssh2_channel_direct_tcpip_ex(s->ssh2, c->host, (int)c->port, "127.0.0.1", 0);
	if (c->ssh2 != NULL) {
		channel_opened(c);
		return;
	}
	switch (libssh2_session_last_errno(s->ssh2)) {
	case LIBSSH2_ERROR_EAGAIN:
		return;
	case LIBSSH2_ERROR_CHANNEL_FAILURE:
		s->opening = NULL;
		channel_refused(c, "opens no channel (MaxSessions?)");
		return;
	default:
		channel_broken(c, "while a channel was opened");
	}
}

static void
channel_request(struct channel *c)
{
	int r = libssh2_channel_process_startup(c->ssh2, "exec", 4, c->command, (unsigned)c->command_len);

	if (r == LIBSSH2_ERROR_EAGAIN)
		return;
	if (r == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED) {
		channel_refused(c, "refused to run a command");
		return;
	}
	if (r != 0) {
		channel_broken(c, "while the command was sent");
		return;
	}
	/* Of the words there is need no more, only of that there were some: two hundred hosts run at the same time. */
	c->command = xreallocarray(c->command, 1, 1);
	c->command_len = 0;
	c->state = CHANNEL_OPEN;
	c->ops->opened(c->arg);
}

/* --- open --- */

static void
channel_write(struct channel *c)
{
	struct session *s = c->session;
	ssize_t n;

	while (c->tx != NULL && c->tx->len > 0 && s->tx.len < 2 * SSH_CHUNK) {
		n = libssh2_channel_write(c->ssh2, fifo_bytes(c->tx), c->tx->len < SSH_CHUNK ? c->tx->len : SSH_CHUNK);
		if (n == LIBSSH2_ERROR_EAGAIN || n == 0)
			return;
		if (n < 0) {
			/* It has ended without reading its input, or the session is broken, which reading tells. */
			fifo_cut(c->tx, c->tx->len);
			break;
		}
		fifo_cut(c->tx, (size_t)n);
	}
	if (c->tx != NULL && c->tx->len == 0 && c->is_tx_end && !c->is_eof_sent) {
		libssh2_channel_send_eof(c->ssh2);
		c->is_eof_sent = true;
	}
}

/* One chunk of one stream. true: there may be more. */
static bool
channel_read_stream(struct channel *c, enum ssh_stream stream)
{
	struct session *s = c->session;
	ssize_t n = libssh2_channel_read_ex(c->ssh2, stream == SSH_ERR ? SSH_EXTENDED_DATA_STDERR : 0, s->ssh->chunk, sizeof s->ssh->chunk);

	if (n > 0) {
		c->ops->read(stream, s->ssh->chunk, (size_t)n, c->arg);
		return true;
	}
	if (n < 0 && n != LIBSSH2_ERROR_EAGAIN && n != LIBSSH2_ERROR_CHANNEL_CLOSED)
		channel_broken(c, "while output was read");
	return false;
}

static bool
channel_is_live(const struct channel *c)
{
	return c->session->state == SESSION_READY && c->state == CHANNEL_OPEN && c->ops != NULL;
}

/* true: all that has come was read. After it the session may be gone, and c with it: the caller looks at the session first. */
static bool
channel_read(struct channel *c)
{
	struct session *s = c->session;

	for (int i = 0; i < ROUNDS; i++) {
		bool has_more;

		if (c->ops->has_room != NULL && !c->ops->has_room(c->arg))
			return false;
		has_more = channel_read_stream(c, SSH_OUT);
		if (s->state != SESSION_READY || !channel_is_live(c))
			return false;
		if (c->command != NULL)
			has_more |= channel_read_stream(c, SSH_ERR);
		if (s->state != SESSION_READY || !channel_is_live(c))
			return false;
		if (!has_more)
			return true;
	}
	session_wake(s);
	return false;
}

static void
channel_note_exit(struct channel *c)
{
	char *name = NULL;
	size_t len = 0;

	c->status = libssh2_channel_get_exit_status(c->ssh2);
	libssh2_channel_get_exit_signal(c->ssh2, &name, &len, NULL, NULL, NULL, NULL);
	if (name == NULL)
		return;
	c->status = -1;
	str_escape_to(c->signal, sizeof c->signal, name);
	libssh2_free(c->session->ssh2, name);
}

static void
channel_run(struct channel *c)
{
	struct session *s = c->session;

	channel_write(c);
	if (!channel_read(c) || libssh2_channel_eof(c->ssh2) != 1)
		return;
	if (c->command == NULL) {
		c->state = CHANNEL_CLOSING;
		channel_tell_end(c, CHANNEL_END_CLOSED, NULL);
		return;
	}
	if (libssh2_channel_wait_closed(c->ssh2) != 0)
		return;
	channel_note_exit(c);
	c->state = CHANNEL_CLOSING;
	/* The owner may look at status and signal while it is told. */
	channel_tell_end(c, CHANNEL_END_CLOSED, NULL);
	session_wake(s);
}

static void
channel_shut(struct channel *c)
{
	if (libssh2_channel_free(c->ssh2) == LIBSSH2_ERROR_EAGAIN)
		return;
	c->state = CHANNEL_GONE;
	c->session->closed_mono = clock_mono();
}

void
channels_advance(struct session *s)
{
	struct channel *c, *next;

	TAILQ_FOREACH_SAFE(c, &s->channels, next, next) {
		if (c->state == CHANNEL_NEW || c->state == CHANNEL_OPENING)
			channel_open(c);
		if (s->state == SESSION_READY && c->state == CHANNEL_EXEC)
			channel_request(c);
		if (s->state == SESSION_READY && channel_is_live(c))
			channel_run(c);
		if (s->state == SESSION_READY && c->state == CHANNEL_CLOSING)
			channel_shut(c);
		if (s->state != SESSION_READY)
			return;		/* all channels went with it */
		if (c->state == CHANNEL_GONE)
			channel_free(c);
	}
	session_settle_idle(s);
}
