#include "config.h"

#include "ssh_stall.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/xalloc.h"

enum { PAIRS_MAX = 256 };

struct pair { int client, server; size_t left; };
struct stall {
	pthread_t thread;
	int wake[2];
	struct sockaddr_in target;
	size_t n;
	int *doors;
	size_t *limits;
	const char *const *texts;
	struct pair pairs[PAIRS_MAX];
	size_t n_pairs;
};

static int
door_open(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	r = bind(fd, (struct sockaddr *)&a, sizeof a);
	assert(r == 0);
	r = listen(fd, 64);
	assert(r == 0);
	return fd;
}

static void
door_answer(struct stall *s, size_t i)
{
	struct pair *p = &s->pairs[s->n_pairs];
	ssize_t n;

	assert(s->n_pairs < PAIRS_MAX);
	*p = (struct pair){ .client = accept(s->doors[i], NULL, NULL), .server = -1 };
	if (p->client < 0)
		return;
	s->n_pairs++;
	if (s->texts != NULL) {
		n = send(p->client, s->texts[i], strlen(s->texts[i]), MSG_NOSIGNAL);
		(void)n;
		return;
	}
	p->left = s->limits[i];
	p->server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(p->server, (struct sockaddr *)&s->target, sizeof s->target) != 0)
		assert(!"the server behind is not there");
}

/* false: this direction has nothing more to say. */
static bool
pass(int from, int to, size_t *left)
{
	char bytes[16384];
	ssize_t n = recv(from, bytes, sizeof bytes, 0);

	if (n <= 0)
		return false;
	if (to < 0)
		return true;
	if (left != NULL) {
		if ((size_t)n > *left)
			n = (ssize_t)*left;
		*left -= (size_t)n;
	}
	return n == 0 || send(to, bytes, (size_t)n, MSG_NOSIGNAL) == n;
}

static void *
stall_thread(void *arg)
{
	struct stall *s = arg;
	struct pollfd fds[1 + 2 * PAIRS_MAX + 256];

	for (;;) {
		size_t n = 0, n_pairs = s->n_pairs;

		fds[n++] = (struct pollfd){ .fd = s->wake[0], .events = POLLIN };
		for (size_t i = 0; i < s->n; i++)
			fds[n++] = (struct pollfd){ .fd = s->doors[i], .events = POLLIN };
		for (size_t i = 0; i < n_pairs; i++) {
			fds[n++] = (struct pollfd){ .fd = s->pairs[i].client, .events = POLLIN };
			fds[n++] = (struct pollfd){ .fd = s->pairs[i].server, .events = POLLIN };
		}
		if (poll(fds, n, -1) < 0 || fds[0].revents != 0)
			return NULL;
		for (size_t i = 0; i < n_pairs; i++) {
			struct pair *p = &s->pairs[i];
			const struct pollfd *f = &fds[1 + s->n + 2 * i];

			if (f[0].revents != 0 && !pass(p->client, p->server, NULL)) {
				close(p->client);
				if (p->server >= 0)
					close(p->server);
				p->client = p->server = -1;
			} else if (f[1].revents != 0 && p->server >= 0 && !pass(p->server, p->client, &p->left)) {
				close(p->server);
				p->server = -1;	/* the client hears nothing of it */
			}
		}
		for (size_t i = 0; i < s->n; i++)
			if (fds[1 + i].revents != 0)
				door_answer(s, i);
	}
}

static struct stall *
stall_start(struct stall *s, size_t n)
{
	int r = pipe(s->wake);

	assert(r == 0 && n <= 256);
	s->n = n;
	s->doors = xcalloc(n, sizeof *s->doors);
	for (size_t i = 0; i < n; i++)
		s->doors[i] = door_open();
	r = pthread_create(&s->thread, NULL, stall_thread, s);
	assert(r == 0);
	return s;
}

struct stall *
stall_new(const char *address, unsigned port, const size_t *limits, size_t n)
{
	struct stall *s = xcalloc(1, sizeof *s);

	s->target = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	inet_pton(AF_INET, address, &s->target.sin_addr);
	s->limits = xcalloc(n, sizeof *s->limits);
	memcpy(s->limits, limits, n * sizeof *limits);
	return stall_start(s, n);
}

struct stall *
stall_new_text(const char *const *texts, size_t n)
{
	struct stall *s = xcalloc(1, sizeof *s);

	s->texts = texts;
	return stall_start(s, n);
}

unsigned
stall_port(const struct stall *s, size_t i)
{
	struct sockaddr_in a;
	socklen_t len = sizeof a;

	getsockname(s->doors[i], (struct sockaddr *)&a, &len);
	return ntohs(a.sin_port);
}

void
stall_free(struct stall *s)
{
	ssize_t n = write(s->wake[1], "x", 1);

	(void)n;
	pthread_join(s->thread, NULL);
	for (size_t i = 0; i < s->n; i++)
		close(s->doors[i]);
	for (size_t i = 0; i < s->n_pairs; i++) {
		if (s->pairs[i].client >= 0)
			close(s->pairs[i].client);
		if (s->pairs[i].server >= 0)
			close(s->pairs[i].server);
	}
	close(s->wake[0]);
	close(s->wake[1]);
	free(s->doors);
	free(s->limits);
	free(s);
}
