/*
 * TCP: the addresses of a name in turn, then bytes in and out.
 *
 * libssh2 never touches the socket: its callbacks read what has been received and add to what is to be sent. So it never meets a send that would block, after
 * which it insists on the very same call before any other; and what happened to an idle connection is seen without asking it.
 * Each address but the last gets its share of the time that is left.
 */
#include "config.h"

#include "ssh/ssh_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libssh2.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/xalloc.h"

static void try_address(struct session *s);

static const char *
address_text(const struct session *s, char *buf, size_t size)
{
	const struct sockaddr_storage *a = &s->addresses[s->at_address];
	char host[INET6_ADDRSTRLEN] = "";

	if (getnameinfo((const struct sockaddr *)a, a->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6), host,
	    sizeof host, NULL, 0, NI_NUMERICHOST) != 0)
		host[0] = '\0';
	snprintf(buf, size, "%s port %u", host, s->settings->port);
	return buf;
}

static void
close_socket(struct session *s)
{
	loop_fd_free(s->watch);
	s->watch = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void
session_connect_stop(struct session *s)
{
	resolve_ask_cancel(s->resolving);
	loop_timer_free(s->next_address);
	s->next_address = NULL;
	free(s->addresses);
	s->addresses = NULL;
	close_socket(s);
	channel_close(s->link);
	s->link = NULL;
}

/* --- bytes --- */

void
session_watch(struct session *s)
{
	unsigned events = 0;

	if (s->watch == NULL)
		return;
	if (!s->is_eof && s->rx.len < SSH_FIFO_MAX)
		events |= LOOP_READ;
	if (s->tx.len > 0)
		events |= LOOP_WRITE;
	loop_fd_set(s->watch, events);
}

/* The kernel forgets it after a while. Without it our delayed acknowledgement and sshd's Nagle wait for each other: 40 ms of every fresh connection. */
static void
ack_quickly(struct session *s)
{
	static const int one = 1;

	setsockopt(s->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
}

static void
socket_receive(struct session *s)
{
	ssize_t n;

	do {
		n = recv(s->fd, s->ssh->chunk, sizeof s->ssh->chunk, 0);
		if (n > 0)
			fifo_add(&s->rx, s->ssh->chunk, (size_t)n);
	} while (n == (ssize_t)sizeof s->ssh->chunk && s->rx.len < SSH_FIFO_MAX);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		s->is_eof = true;
	s->heard_mono = clock_mono();
	ack_quickly(s);
}

static void
socket_send(struct session *s)
{
	while (s->tx.len > 0) {
		ssize_t n = send(s->fd, fifo_bytes(&s->tx), s->tx.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			/* A broken one is told by reading: what the server said last is there still. */
			if (errno != EAGAIN)
				fifo_cut(&s->tx, s->tx.len);
			return;
		}
		fifo_cut(&s->tx, (size_t)n);
	}
}

void
session_flush(struct session *s)
{
	if (s->via != NULL) {
		/* The channel of the session before takes them from tx by itself. */
		if (s->link != NULL && (s->tx.len > 0 || (s->was_full && s->rx.len < SSH_FIFO_MAX)))
			session_wake(s->via);
		s->was_full = s->rx.len >= SSH_FIFO_MAX;
		return;
	}
	if (s->fd < 0 || s->state == SESSION_CONNECT)
		return;
	socket_send(s);
	session_watch(s);
}

static void
socket_ready(int fd, unsigned ready, void *arg)
{
	struct session *s = arg;

	(void)fd;
	if (s->state == SESSION_CONNECT) {
		session_connected(s);
		return;
	}
	if (ready & (LOOP_READ | LOOP_HANGUP))
		socket_receive(s);
	if (ready & LOOP_WRITE)
		socket_send(s);
	session_watch(s);
	session_wake(s);
}

/* --- connecting --- */

static void
address_failed(struct session *s, int why)
{
	char text[80];

	address_text(s, text, sizeof text);
	close_socket(s);
	loop_timer_stop(s->next_address);
	if (++s->at_address < s->n_addresses) {
		try_address(s);
		return;
	}
	session_fail_text(s, SSH_FAIL_CONNECT, why == ECONNREFUSED ? ERR_REFUSED : ERR_IO, "cannot connect to %s (%s): %s", s->name, text, strerror(why));
}

static void
address_overdue(void *arg)
{
	address_failed(arg, ETIMEDOUT);
}

void
session_connected(struct session *s)
{
	socklen_t len = sizeof(int);
	int why = 0;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &why, &len) < 0)
		why = errno;
	if (why != 0) {
		address_failed(s, why);
		return;
	}
	loop_timer_stop(s->next_address);
	ack_quickly(s);
	session_enter(s, SESSION_KEYS);
	session_watch(s);
}

static int
open_socket(struct session *s, const struct sockaddr_storage *a)
{
	static const int one = 1;

	s->fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return -1;
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(s->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
	s->watch = loop_fd_new(s->ssh->loop, s->fd, LOOP_WRITE, socket_ready, s);
	return connect(s->fd, (const struct sockaddr *)a, a->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
}

static void
try_address(struct session *s)
{
	size_t left = s->n_addresses - s->at_address;

	if (open_socket(s, &s->addresses[s->at_address]) < 0 && errno != EINPROGRESS) {
		address_failed(s, errno);
		return;
	}
	if (left > 1)
		loop_timer_in(s->next_address, s->connect_ns / (int64_t)s->n_addresses);
}

static void
session_resolved(const struct addrinfo *list, const char *why, void *arg)
{
	struct session *s = arg;
	size_t n = 0;

	if (list == NULL) {
		session_fail_text(s, SSH_FAIL_RESOLVE, ERR_NOTFOUND, "cannot find the address of %s (%s): %s", s->name, s->settings->hostname, why);
		return;
	}
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
		n++;
	s->addresses = xcalloc(n, sizeof *s->addresses);
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
		if ((a->ai_family == AF_INET || a->ai_family == AF_INET6) && a->ai_addrlen <= sizeof *s->addresses)
			memcpy(&s->addresses[s->n_addresses++], a->ai_addr, a->ai_addrlen);
	s->next_address = loop_timer_new(s->ssh->loop, address_overdue, s);
	if (s->n_addresses == 0) {
		session_fail_text(s, SSH_FAIL_RESOLVE, ERR_NOTFOUND, "%s (%s) has no address of a kind known here", s->name, s->settings->hostname);
		return;
	}
	session_enter(s, SESSION_CONNECT);
	try_address(s);
}

void
session_connect(struct session *s)
{
	resolver_ask(s->ssh->resolver, s->settings->hostname, s->settings->port, s->settings->address_family, session_resolved, s, &s->resolving);
}
