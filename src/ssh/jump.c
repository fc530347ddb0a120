/*
 * A hop reached through another: the way through (direct-tcpip) is a channel of the one before, and its bytes are the receive and send fifos of this one.
 * Any depth comes by itself: the one before may have been reached so too.
 */
#include "config.h"

#include "ssh/ssh_priv.h"

static void
jump_opened(void *arg)
{
	struct session *s = arg;

	if (s->state == SESSION_CONNECT)
		session_enter(s, SESSION_KEYS);
}

static void
jump_read(enum ssh_stream stream, const char *bytes, size_t len, void *arg)
{
	struct session *s = arg;

	if (stream != SSH_OUT)
		return;
	fifo_add(&s->rx, bytes, len);
	s->heard_mono = clock_mono();
	session_wake(s);
}

static bool
jump_has_room(void *arg)
{
	const struct session *s = arg;

	return s->rx.len < SSH_FIFO_MAX;
}

static void
jump_end(enum channel_end how, const struct err *err, void *arg)
{
	struct session *s = arg;

	s->link = NULL;
	if (how == CHANNEL_END_REFUSED) {
		session_fail_text(s, SSH_FAIL_CONNECT, ERR_REFUSED, "%s cannot be reached through %s: %s port %u: %s", s->name, s->via->name,
		    s->settings->hostname, s->settings->port, err->msg);
		return;
	}
	/* What came before is read first. */
	s->is_eof = true;
	session_wake(s);
}

void
jump_connect(struct session *s)
{
	static const struct channel_ops ops = { .opened = jump_opened, .read = jump_read, .has_room = jump_has_room, .end = jump_end };

	s->link = channel_new(s->via, NULL, 0, s->settings->hostname, s->settings->port, &s->tx, false, &ops, s);
}
