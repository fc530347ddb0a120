#include "config.h"

#include "fakes/fake_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 64 << 10 };

struct connection {
	LIST_ENTRY(connection) next;
	struct fake_http *server;
	pthread_t thread;
	int fd;
};

struct fake_http {
	int fd, port;
	pthread_t thread;
	fake_handler *handler;
	void *arg;
	atomic_uint n_connections, n_requests;
	pthread_mutex_t lock;
	LIST_HEAD(, connection) connections;
};

static void
die(const char *what)
{
	perror(what);
	abort();
}

/* --- for handlers ----------------------------------------------------------------------------- */

bool
fake_send(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;
	ssize_t n;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

bool
fake_printf(int fd, const char *fmt, ...)
{
	va_list ap;
	char *text;
	bool is_sent;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		die("vasprintf");
	is_sent = fake_send(fd, text, (size_t)len);
	free(text);
	return is_sent;
}

bool
fake_answer(const struct fake_request *r, int status, const char *headers, const void *body, size_t len)
{
	return fake_printf(r->fd, "HTTP/1.1 %d Whatever\r\nContent-Length: %zu\r\n%s\r\n", status, len, headers) &&
	    fake_send(r->fd, body, len);
}

void
fake_reset(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

const char *
fake_header(const struct fake_request *r, const char *name, char *dst, size_t size)
{
	size_t len = strlen(name);

	dst[0] = '\0';
	for (const char *line = strstr(r->head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, len) != 0 || line[2 + len] != ':')
			continue;
		line += 2 + len + 1;
		line += strspn(line, " ");
		snprintf(dst, size, "%.*s", (int)strcspn(line, "\r"), line);
		break;
	}
	return dst;
}

/* --- connections ------------------------------------------------------------------------------ */

/* Byte by byte, so that nothing of the body or of the next request is taken. */
static bool
read_head(int fd, char *head)
{
	size_t len = 0;

	while (len < HEAD_MAX - 1) {
		if (recv(fd, head + len, 1, 0) != 1)
			return false;
		head[++len] = '\0';
		if (len >= 4 && strcmp(head + len - 4, "\r\n\r\n") == 0)
			return true;
	}
	return false;
}

static bool
read_body(struct fake_request *r)
{
	char length[32];
	size_t have = 0;
	ssize_t n;

	fake_header(r, "Content-Length", length, sizeof length);
	r->body_len = strtoul(length, NULL, 10);
	r->body = calloc(1, r->body_len + 1);
	if (r->body == NULL)
		die("calloc");
	while (have < r->body_len) {
		n = recv(r->fd, r->body + have, r->body_len - have, 0);
		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

static bool
serve_one(struct connection *c, char *head)
{
	struct fake_request r = { .fd = c->fd, .head = head };
	bool goes_on = false;

	if (!read_head(c->fd, head))
		return false;
	if (sscanf(head, "%15s %1023s", r.method, r.path) == 2 && read_body(&r)) {
		r.number = atomic_fetch_add(&c->server->n_requests, 1) + 1;
		goes_on = c->server->handler(&r, c->server->arg);
	}
	free(r.body);
	return goes_on;
}

static void *
connection_main(void *arg)
{
	struct connection *c = arg;
	char *head = malloc(HEAD_MAX);

	if (head == NULL)
		die("malloc");
	while (serve_one(c, head))
		continue;
	free(head);
	/* The descriptor is closed now, so that the other side sees it, and -1 tells the end that it is. */
	pthread_mutex_lock(&c->server->lock);
	close(c->fd);
	c->fd = -1;
	pthread_mutex_unlock(&c->server->lock);
	return NULL;
}

static void *
server_main(void *arg)
{
	struct fake_http *f = arg;
	struct connection *c;
	int fd;

	while ((fd = accept(f->fd, NULL, NULL)) >= 0) {
		atomic_fetch_add(&f->n_connections, 1);
		c = calloc(1, sizeof *c);
		if (c == NULL)
			die("calloc");
		c->server = f;
		c->fd = fd;
		pthread_mutex_lock(&f->lock);
		LIST_INSERT_HEAD(&f->connections, c, next);
		pthread_mutex_unlock(&f->lock);
		if (pthread_create(&c->thread, NULL, connection_main, c) != 0)
			die("pthread_create");
	}
	return NULL;
}

/* --- the server ------------------------------------------------------------------------------- */

struct fake_http *
fake_http_new(fake_handler *handler, void *arg)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof addr;
	struct fake_http *f = calloc(1, sizeof *f);

	if (f == NULL)
		die("calloc");
	f->handler = handler;
	f->arg = arg;
	pthread_mutex_init(&f->lock, NULL);
	f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (f->fd < 0 || bind(f->fd, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(f->fd, 64) < 0 ||
	    getsockname(f->fd, (struct sockaddr *)&addr, &len) < 0)
		die("fake server");
	f->port = ntohs(addr.sin_port);
	if (pthread_create(&f->thread, NULL, server_main, f) != 0)
		die("pthread_create");
	return f;
}

void
fake_http_free(struct fake_http *f)
{
	struct connection *c;

	if (f == NULL)
		return;
	shutdown(f->fd, SHUT_RDWR);	/* ends accept() */
	pthread_join(f->thread, NULL);
	close(f->fd);
	pthread_mutex_lock(&f->lock);
	LIST_FOREACH(c, &f->connections, next)
		if (c->fd >= 0)
			shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_unlock(&f->lock);
	while ((c = LIST_FIRST(&f->connections)) != NULL) {
		LIST_REMOVE(c, next);
		pthread_join(c->thread, NULL);
		free(c);
	}
	pthread_mutex_destroy(&f->lock);
	free(f);
}

int
fake_http_port(const struct fake_http *f)
{
	return f->port;
}

unsigned
fake_http_connections(const struct fake_http *f)
{
	return atomic_load(&f->n_connections);
}

unsigned
fake_http_requests(const struct fake_http *f)
{
	return atomic_load(&f->n_requests);
}
