#include "config.h"

#include "loop/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"

enum { PIECE = 4096 /* a pipe that can be written to takes as much without waiting */, STREAM_BYTES = 64 << 10 };

struct spool {
	int fd;
	bool is_own;		/* fd: opened anew, so that O_NONBLOCK is ours alone */
	struct loop_fd *watch;
	FILE *file;
	struct buf waiting;
	size_t done, max;
	uint64_t left_out;
	bool is_leaving_out, is_mid_line;
	int error;		/* errno of the write that failed */
};

/* A terminal or a pipe is opened once more: others write to the same description. -1: it is written to as it is. */
static int
open_again(int fd)
{
	char path[64];
	struct stat st;

	if (fstat(fd, &st) < 0 || !(S_ISFIFO(st.st_mode) || isatty(fd)))
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static bool
can_take(const struct spool *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLOUT };

	/* Where nobody reads any more the write tells. */
	return s->is_own || poll(&p, 1, 0) > 0;
}

/* What is taken now. */
static void
drain(struct spool *s)
{
	while (s->error == 0 && s->done < s->waiting.len && can_take(s)) {
		size_t len = s->waiting.len - s->done;
		ssize_t n = write(s->fd, s->waiting.data + s->done, len < PIECE ? len : PIECE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		s->error = n < 0 ? errno : 0;
		s->done += n > 0 ? (size_t)n : 0;
	}
	if (s->error != 0 || s->done == s->waiting.len) {
		buf_reset(&s->waiting);
		s->done = 0;
	}
	loop_fd_set(s->watch, s->waiting.len > 0 ? LOOP_WRITE : 0);
}

static void
on_writable(int fd, unsigned ready, void *arg)
{
	(void)fd;
	(void)ready;
	drain(arg);
}

/* Whole lines are left out, from the ceiling until everything that waits has been taken. */
static void
keep(struct spool *s, const char *bytes, size_t len)
{
	if (s->is_leaving_out && s->waiting.len == 0) {
		const char *lf = s->is_mid_line ? memchr(bytes, '\n', len) : NULL;
		size_t rest = lf != NULL ? (size_t)(lf - bytes) + 1 : s->is_mid_line ? len : 0;

		s->left_out += rest;
		bytes += rest;
		len -= rest;
		s->is_leaving_out = s->is_mid_line = s->is_mid_line && lf == NULL;
	}
	if (!s->is_leaving_out && s->waiting.len - s->done + len > s->max) {
		s->is_leaving_out = true;
		if (s->waiting.len > 0 && s->waiting.data[s->waiting.len - 1] != '\n')
			buf_addch(&s->waiting, '\n');
	}
	if (s->is_leaving_out) {
		s->left_out += len;
		s->is_mid_line = len > 0 ? bytes[len - 1] != '\n' : s->is_mid_line;
		return;
	}
	if (s->done > s->waiting.len / 2) {
		memmove(s->waiting.data, s->waiting.data + s->done, s->waiting.len - s->done);
		s->waiting.len -= s->done;
		s->done = 0;
	}
	buf_add(&s->waiting, bytes, len);
}

static ssize_t
on_write(void *cookie, const char *bytes, size_t len)
{
	struct spool *s = cookie;

	if (s->error == 0) {
		keep(s, bytes, len);
		drain(s);
	}
	return (ssize_t)len;
}

struct spool *
spool_new(struct loop *l, int fd, size_t max)
{
	struct spool *s = xcalloc(1, sizeof *s);

	s->fd = open_again(fd);
	s->is_own = s->fd >= 0;
	if (!s->is_own)
		s->fd = fd;
	s->max = max;
	buf_init(&s->waiting, SIZE_MAX);
	s->watch = loop_fd_new(l, s->fd, 0, on_writable, s);
	s->file = fopencookie(s, "w", (cookie_io_functions_t){ .write = on_write });
	if (s->file == NULL)
		abort();	/* no memory */
	setvbuf(s->file, NULL, _IOFBF, STREAM_BYTES);
	return s;
}

FILE *
spool_file(struct spool *s)
{
	return s->file;
}

size_t
spool_waiting(const struct spool *s)
{
	return s->waiting.len - s->done;
}

uint64_t
spool_left_out(const struct spool *s)
{
	return s->left_out;
}

int
spool_error(const struct spool *s)
{
	return s->error;
}

void
spool_drop(struct spool *s)
{
	s->left_out += s->waiting.len - s->done;
	buf_reset(&s->waiting);
	s->done = 0;
	loop_fd_set(s->watch, 0);
}

uint64_t
spool_free(struct spool *s)
{
	uint64_t left_out;
	sigset_t none;

	if (s == NULL)
		return 0;
	fclose(s->file);
	sigemptyset(&none);
	while (s->waiting.len > 0) {
		struct pollfd p = { .fd = s->fd, .events = POLLOUT };

		if (ppoll(&p, 1, NULL, &none) < 0 && errno != EINTR)
			break;
		drain(s);
	}
	left_out = s->left_out;
	loop_fd_free(s->watch);
	if (s->is_own)
		close(s->fd);
	buf_done(&s->waiting);
	free(s);
	return left_out;
}
