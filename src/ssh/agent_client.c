#include "config.h"

#include "ssh/agent_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "ssh/agent_wire.h"

#define CONNECT_AGAIN_NS (20 * NS_PER_MS)	/* its backlog is full */

struct agent_call {
	TAILQ_ENTRY(agent_call) next;
	struct calls *list;
	struct agent_client *client;
	char *request;
	size_t len;
	int64_t timeout_ns;
	agent_reply_cb *cb;
	void *arg;
};
TAILQ_HEAD(calls, agent_call);

struct agent_client {
	struct loop *loop;
	char *path, *shown;
	struct calls queue, telling;
	struct loop_timer *step, *deadline;	/* step: begin, or connect again */
	bool is_active;				/* the first of the queue is being asked */
	int fd;
	struct loop_fd *watch;
	bool is_reused;				/* the connection has answered before */
	size_t sent;
	struct buf in;
	unsigned busy;
	bool is_freed;
};

/* --- the connection --------------------------------------------------------------------------- */

static void
disconnect(struct agent_client *c)
{
	loop_fd_free(c->watch);
	c->watch = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->is_reused = false;
}

static void
call_free(struct agent_call *call)
{
	free(call->request);
	free(call);
}

static void
client_destroy(struct agent_client *c)
{
	struct agent_call *call;

	disconnect(c);
	TAILQ_CONCAT(&c->queue, &c->telling, next);
	while ((call = TAILQ_FIRST(&c->queue)) != NULL) {
		TAILQ_REMOVE(&c->queue, call, next);
		call_free(call);
	}
	loop_timer_free(c->step);
	loop_timer_free(c->deadline);
	buf_done(&c->in);
	free(c->path);
	free(c->shown);
	free(c);
}

/* The first of the queue is over; the next begins in the next turn. */
static void
call_over(struct agent_client *c)
{
	loop_timer_stop(c->deadline);
	c->is_active = false;
	if (TAILQ_EMPTY(&c->queue))
		disconnect(c);
	else
		loop_timer_in(c->step, 0);
}

static void
leave(struct agent_client *c)
{
	if (--c->busy == 0 && c->is_freed)
		client_destroy(c);
}

/* Tell those in telling. */
static void
tell(struct agent_client *c, const unsigned char *reply, size_t len, const struct err *err)
{
	struct agent_call *call;

	c->busy++;
	while (!c->is_freed && (call = TAILQ_FIRST(&c->telling)) != NULL) {
		TAILQ_REMOVE(&c->telling, call, next);
		call->cb(reply, len, err, call->arg);
		call_free(call);
	}
	leave(c);
}

static void
move_first(struct agent_client *c)
{
	struct agent_call *call = TAILQ_FIRST(&c->queue);

	TAILQ_REMOVE(&c->queue, call, next);
	call->list = &c->telling;
	TAILQ_INSERT_TAIL(&c->telling, call, next);
}

static void
fail_first(struct agent_client *c, const struct err *err)
{
	disconnect(c);
	move_first(c);
	call_over(c);
	tell(c, NULL, 0, err);
}

static void
fail_all(struct agent_client *c, const struct err *err)
{
	disconnect(c);
	while (!TAILQ_EMPTY(&c->queue))
		move_first(c);
	call_over(c);
	tell(c, NULL, 0, err);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void begin(struct agent_client *c);

/* It went away. One that had answered before may have been started anew meanwhile. */
static void
lost(struct agent_client *c, int error)
{
	struct err err = ERR_INIT;

	if (c->is_reused && c->in.len == 0) {
		disconnect(c);
		begin(c);
		return;
	}
	if (error != 0)
		err_set_errno(&err, ERR_IO, error, "the agent at %s", c->shown);
	else
		err_set(&err, ERR_IO, "the agent at %s closed the connection without an answer", c->shown);
	fail_first(c, &err);
}

static void
send_more(struct agent_client *c)
{
	const struct agent_call *call = TAILQ_FIRST(&c->queue);

	while (c->sent < call->len) {
		ssize_t n = send(c->fd, call->request + c->sent, call->len - c->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			loop_fd_set(c->watch, LOOP_READ | LOOP_WRITE);
			return;
		}
		if (n < 0) {
			lost(c, errno);
			return;
		}
		c->sent += (size_t)n;
	}
	loop_fd_set(c->watch, LOOP_READ);
}

/* Length of the whole message as far as it is known; 0: not yet. */
static size_t
message_len(const struct agent_client *c)
{
	struct wire w = { (const unsigned char *)c->in.data, c->in.len };
	uint32_t n;

	return wire_u32(&w, &n) ? (size_t)n + 4 : 0;
}

static void
answered(struct agent_client *c, size_t whole)
{
	struct buf reply = c->in;

	buf_init(&c->in, WIRE_MESSAGE_MAX + 4);
	/* More than was asked for: what follows could be taken for the next answer. */
	if (reply.len > whole)
		disconnect(c);
	c->is_reused = c->fd >= 0;
	move_first(c);
	call_over(c);
	tell(c, (const unsigned char *)reply.data + 4, whole - 4, NULL);
	buf_done(&reply);
}

static void
take(struct agent_client *c, const char *bytes, size_t len)
{
	struct err err = ERR_INIT;
	size_t whole;

	buf_add(&c->in, bytes, len);
	whole = message_len(c);
	if (c->in.is_over || whole > WIRE_MESSAGE_MAX + 4 || whole == 4) {
		err_set(&err, ERR_SYNTAX, "the agent at %s does not speak the agent protocol", c->shown);
		fail_first(c, &err);
	} else if (whole != 0 && c->in.len >= whole)
		answered(c, whole);
}

static void
ready(int fd, unsigned events, void *arg)
{
	struct agent_client *c = arg;
	char chunk[16384];
	ssize_t n;

	if (!c->is_active) {
		/* It closed, or speaks unasked. */
		disconnect(c);
		return;
	}
	if ((events & LOOP_WRITE) != 0 && c->sent < TAILQ_FIRST(&c->queue)->len) {
		send_more(c);
		return;
	}
	n = read(fd, chunk, sizeof chunk);
	if (n > 0)
		take(c, chunk, (size_t)n);
	else if (n == 0)
		lost(c, 0);
	else if (errno != EAGAIN && errno != EINTR && errno != EWOULDBLOCK)
		lost(c, errno);
}

/* 0; 1: try again soon; or ERR_IO. */
static int
connect_now(struct agent_client *c, struct err *err)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int r;

	if (strlen(c->path) >= sizeof to.sun_path)
		return err_set(err, ERR_IO, "the path of the agent's socket is too long (%zu bytes of %zu): %s", strlen(c->path), sizeof to.sun_path - 1,
		    c->shown);
	memcpy(to.sun_path, c->path, strlen(c->path) + 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot make a socket for the agent");
	do
		r = connect(c->fd, (const struct sockaddr *)&to, sizeof to);
	while (r < 0 && errno == EINTR);
	if (r < 0) {
		int error = errno;

		disconnect(c);
		if (error == EAGAIN)
			return 1;
		return err_set_errno(err, ERR_IO, error, "cannot reach the agent at %s", c->shown);
	}
	c->watch = loop_fd_new(c->loop, c->fd, LOOP_READ | LOOP_WRITE, ready, c);
	return 0;
}

static void
begin(struct agent_client *c)
{
	struct err err = ERR_INIT;
	int r = c->fd < 0 ? connect_now(c, &err) : 0;

	if (r < 0) {
		fail_all(c, &err);
		return;
	}
	if (r > 0) {
		loop_timer_in(c->step, CONNECT_AGAIN_NS);
		return;
	}
	c->sent = 0;
	buf_reset(&c->in);
	send_more(c);
}

static void
step_due(void *arg)
{
	struct agent_client *c = arg;

	if (TAILQ_EMPTY(&c->queue))
		return;
	if (!c->is_active) {
		c->is_active = true;
		loop_timer_in(c->deadline, TAILQ_FIRST(&c->queue)->timeout_ns);
	}
	begin(c);
}

static void
deadline_due(void *arg)
{
	struct agent_client *c = arg;
	struct err err = ERR_INIT;

	err_set(&err, ERR_TIMEOUT, "the agent at %s gave no answer in %d s", c->shown,
	    (int)(TAILQ_FIRST(&c->queue)->timeout_ns / NS_PER_S));
	fail_all(c, &err);
}

struct agent_client *
agent_client_new(struct loop *l, const char *path)
{
	struct agent_client *c = xcalloc(1, sizeof *c);
	char shown[200];

	c->loop = l;
	c->path = xstrdup(path);
	c->shown = xstrdup(str_escape_to(shown, sizeof shown, path));
	c->fd = -1;
	TAILQ_INIT(&c->queue);
	TAILQ_INIT(&c->telling);
	c->step = loop_timer_new(l, step_due, c);
	c->deadline = loop_timer_new(l, deadline_due, c);
	buf_init(&c->in, WIRE_MESSAGE_MAX + 4);
	return c;
}

void
agent_client_free(struct agent_client *c)
{
	if (c == NULL)
		return;
	c->is_freed = true;
	if (c->busy == 0)
		client_destroy(c);
}

struct agent_call *
agent_client_call(struct agent_client *c, struct buf *request, int64_t timeout_ns, agent_reply_cb *cb, void *arg)
{
	struct agent_call *call = xcalloc(1, sizeof *call);

	call->client = c;
	call->timeout_ns = timeout_ns;
	call->cb = cb;
	call->arg = arg;
	call->request = buf_take(request, &call->len);
	call->list = &c->queue;
	TAILQ_INSERT_TAIL(&c->queue, call, next);
	if (!c->is_active)
		loop_timer_in(c->step, 0);
	return call;
}

void
agent_call_cancel(struct agent_call *call)
{
	struct agent_client *c;
	bool is_asked;

	if (call == NULL)
		return;
	c = call->client;
	is_asked = c->is_active && call == TAILQ_FIRST(&c->queue);
	TAILQ_REMOVE(call->list, call, next);
	call_free(call);
	if (is_asked) {
		/* Its answer would be taken for the next one's. */
		disconnect(c);
		call_over(c);
	}
}
