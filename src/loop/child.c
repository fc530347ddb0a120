/*
 * A child is watched by a pidfd; where the kernel has none, by looking every 20 ms. An ended child stays a zombie until we let go of it, so that its
 * process group cannot have become somebody else's when we signal it.
 */
#include "config.h"

#include "loop/child_priv.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"

#define KILL_AFTER_NS (2 * NS_PER_S)	/* between SIGTERM and SIGKILL */
#define LINGER_NS NS_PER_S		/* for streams that somebody else holds open */
#define LOOK_NS (20 * NS_PER_MS)	/* without pidfds */
enum { READ_MAX = 64 * 1024, DRAIN_MAX = 1024 * 1024 };

struct stream {
	struct child *child;
	enum child_stream which;
	int fd;				/* -1: at its end */
	struct loop_fd *watch;
};

/* The process alone; outlives the child that was let go before it ended. */
struct process {
	LIST_ENTRY(process) orphans;	/* while child is NULL */
	struct child *child;
	pid_t pid;			/* -1: it never ran */
	int pidfd;
	struct loop_fd *watch;
	struct loop_timer *look;	/* where there are no pidfds */
};

struct child {
	struct process *process;
	struct stream out, err;
	int in_fd;
	struct loop_fd *in_watch;
	char *in;
	size_t in_len, in_done;
	struct loop_timer *timer;	/* timeout, then kill, then linger */
	bool has_ended;			/* waits to be reaped */
	bool is_paused, is_killing, is_lingering;
	unsigned busy;			/* inside a callback */
	bool is_freed;
	struct child_end result;
	child_read_cb *read;
	child_end_cb *end;
	void *arg;
};

/* Reachable on purpose: the loop may be freed before the last of them has ended. One thread, as the loop. */
static LIST_HEAD(, process) orphans = LIST_HEAD_INITIALIZER(orphans);

/* --- its end ---------------------------------------------------------------------------------- */

static void
process_free(struct process *p)
{
	loop_fd_free(p->watch);
	loop_timer_free(p->look);
	if (p->pidfd >= 0)
		close(p->pidfd);
	if (p->child == NULL)
		LIST_REMOVE(p, orphans);
	free(p);
}

static void
process_reap(struct process *p)
{
	if (p->pid > 0)
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
	process_free(p);
}

static void
stream_close(struct stream *s)
{
	loop_fd_free(s->watch);
	s->watch = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void
input_close(struct child *c)
{
	loop_fd_free(c->in_watch);
	c->in_watch = NULL;
	if (c->in_fd >= 0)
		close(c->in_fd);
	c->in_fd = -1;
	if (c->in != NULL)
		explicit_bzero(c->in, c->in_len);
	free(c->in);
	c->in = NULL;
}

static void
child_destroy(struct child *c)
{
	stream_close(&c->out);
	stream_close(&c->err);
	input_close(c);
	loop_timer_free(c->timer);
	free(c);
}

/* Returns false when the callback has freed the child. */
static bool
give(struct child *c, enum child_stream which, const char *bytes, size_t len)
{
	if (c->read == NULL)
		return true;
	c->busy++;
	c->read(c, which, bytes, len, c->arg);
	c->busy--;
	if (!c->is_freed)
		return true;
	if (c->busy == 0)
		child_destroy(c);
	return false;
}

static void
finish(struct child *c)
{
	child_end_cb *end = c->end;

	c->end = NULL;
	c->read = NULL;
	stream_close(&c->out);
	stream_close(&c->err);
	input_close(c);
	loop_timer_stop(c->timer);
	if (c->result.is_timeout)
		child_signal(c, SIGKILL);
	if (c->process != NULL) {
		struct process *p = c->process;

		c->process = NULL;
		process_reap(p);
	}
	if (end == NULL)
		return;
	c->busy++;
	end(c, &c->result, c->arg);
	c->busy--;
	if (c->is_freed && c->busy == 0)
		child_destroy(c);
}

/* Whoever holds the streams open without the program writing to them is not waited for. */
static void
check_end(struct child *c)
{
	if (!c->has_ended)
		return;
	if (c->out.fd < 0 && c->err.fd < 0)
		finish(c);
	else if (!c->is_lingering && !c->is_paused) {
		c->is_lingering = true;
		loop_timer_in(c->timer, LINGER_NS);
	}
}

static void
take_status(struct child *c, const siginfo_t *info)
{
	c->has_ended = true;
	if (info->si_code == CLD_EXITED)
		c->result.status = info->si_status;
	else
		c->result.signo = info->si_status;
	loop_timer_stop(c->timer);
	check_end(c);
}

/* Looks without reaping (see above). */
static void
process_look(struct process *p)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
		if (errno == EINTR)
			return;
		info.si_code = CLD_KILLED;	/* somebody else has reaped it: its status is lost */
		info.si_status = 0;
		info.si_pid = p->pid;
	}
	if (info.si_pid == 0) {
		if (p->look != NULL)
			loop_timer_in(p->look, LOOK_NS);
		return;
	}
	if (p->child == NULL) {
		process_reap(p);
		return;
	}
	if (p->watch != NULL)
		loop_fd_set(p->watch, 0);	/* it stays readable until the zombie is gone */
	take_status(p->child, &info);
}

static void
on_pidfd(int fd, unsigned ready, void *arg)
{
	(void)fd;
	(void)ready;
	process_look(arg);
}

static void
on_look(void *arg)
{
	process_look(arg);
}

/* --- while it runs ---------------------------------------------------------------------------- */

/* One piece. Returns how much, 0 for none now or the end; -1: the child is gone. */
static ssize_t
stream_read(struct stream *s)
{
	char bytes[READ_MAX];
	ssize_t n = read(s->fd, bytes, sizeof bytes);

	if (n > 0)
		return give(s->child, s->which, bytes, (size_t)n) ? n : -1;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	stream_close(s);
	return 0;
}

static void
on_stream(int fd, unsigned ready, void *arg)
{
	struct stream *s = arg;

	(void)fd;
	(void)ready;
	if (stream_read(s) >= 0)
		check_end(s->child);
}

/* What is in the pipe already, when nobody waits for more; bounded, for somebody may still be writing. */
static bool
drain(struct stream *s)
{
	size_t total = 0;

	while (s->fd >= 0 && total < DRAIN_MAX) {
		ssize_t n = stream_read(s);

		if (n < 0)
			return false;
		if (n == 0)
			break;
		total += (size_t)n;
	}
	return true;
}

/* Writing to a program that has gone must not end ours, whatever the process does with SIGPIPE. */
static ssize_t
write_quietly(int fd, const void *bytes, size_t len)
{
	const struct timespec none = { 0 };
	sigset_t sigpipe, pending, before;
	bool was_pending;
	ssize_t n;
	int e;

	sigemptyset(&sigpipe);
	sigaddset(&sigpipe, SIGPIPE);
	sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
	n = write(fd, bytes, len);
	e = errno;
	if (n < 0 && e == EPIPE && !was_pending)
		sigtimedwait(&sigpipe, NULL, &none);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = e;
	return n;
}

static void
on_input(int fd, unsigned ready, void *arg)
{
	struct child *c = arg;
	ssize_t n = write_quietly(fd, c->in + c->in_done, c->in_len - c->in_done);

	(void)ready;
	if (n > 0)
		c->in_done += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		c->in_done = c->in_len;		/* it does not read: that is its own affair */
	if (c->in_done == c->in_len)
		input_close(c);
}

static void
on_timer(void *arg)
{
	struct child *c = arg;

	if (c->process == NULL) {
		finish(c);		/* it could not be run */
	} else if (c->is_lingering) {
		if (drain(&c->out) && drain(&c->err))
			finish(c);
	} else if (c->is_killing) {
		child_signal(c, SIGKILL);
	} else {
		c->result.is_timeout = c->is_killing = true;
		child_signal(c, SIGTERM);
		loop_timer_in(c->timer, KILL_AFTER_NS);
	}
}

/* --- starting --------------------------------------------------------------------------------- */

static struct child *
child_new(struct loop *l, const struct child_spec *spec)
{
	struct child *c = xcalloc(1, sizeof *c);

	c->read = spec->read;
	c->end = spec->end;
	c->arg = spec->arg;
	c->in_fd = -1;
	c->out = (struct stream){ .child = c, .which = CHILD_OUT, .fd = -1 };
	c->err = (struct stream){ .child = c, .which = CHILD_ERR, .fd = -1 };
	c->result.status = -1;
	c->timer = loop_timer_new(l, on_timer, c);
	return c;
}

/* Told from the loop, as every end is. */
static int
refuse(struct child *c, struct child **ret, const struct err *why)
{
	c->result.err = *why;
	log_write(LOG_DEBUG, "child", "%s", why->msg);
	loop_timer_in(c->timer, 0);
	*ret = c;
	return 0;
}

static void
watch_process(struct loop *l, struct child *c, pid_t pid)
{
	struct process *p = xcalloc(1, sizeof *p);

	*p = (struct process){ .child = c, .pid = pid, .pidfd = -1 };
#ifdef SYS_pidfd_open
	p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0u);
#endif
	if (p->pidfd >= 0) {
		p->watch = loop_fd_new(l, p->pidfd, LOOP_READ, on_pidfd, p);
	} else {
		p->look = loop_timer_new(l, on_look, p);
		loop_timer_in(p->look, LOOK_NS);
	}
	c->process = p;
}

static void
watch_streams(struct loop *l, struct child *c, struct child_pipes *p, const struct child_spec *spec)
{
	c->out.fd = p->out[0];
	c->err.fd = p->err[0];
	c->in_fd = p->in[1];
	p->out[0] = p->err[0] = p->in[1] = -1;
	c->out.watch = loop_fd_new(l, c->out.fd, LOOP_READ, on_stream, &c->out);
	c->err.watch = loop_fd_new(l, c->err.fd, LOOP_READ, on_stream, &c->err);
	if (c->in_fd >= 0) {
		c->in_len = spec->in_len;
		c->in = xmalloc(spec->in_len);
		memcpy(c->in, spec->in, spec->in_len);
		c->in_watch = loop_fd_new(l, c->in_fd, LOOP_WRITE, on_input, c);
	}
	if (spec->timeout_ns > 0)
		loop_timer_in(c->timer, spec->timeout_ns);
}

int
child_start(struct loop *l, const struct child_spec *spec, struct child **ret, struct err *err)
{
	struct child_launch how = { 0 };
	struct err why = ERR_INIT;
	struct child_pipes pipes;
	struct child *c;
	char *path = child_find_program(spec->argv[0]);
	pid_t pid;
	int r;

	if (path == NULL) {
		char shown[200];

		err_set(&why, ERR_NOTFOUND, "cannot run %s: not found in PATH", str_escape_to(shown, sizeof shown, spec->argv[0]));
		return refuse(child_new(l, spec), ret, &why);
	}
	r = child_pipes_open(&pipes, spec->in != NULL && spec->in_len > 0, err);
	if (r < 0) {
		free(path);
		return r;
	}
	how.path = path;
	r = child_launch(&how, spec, &pipes, &pid);
	free(path);
	if (pid < 0) {
		child_pipes_close(&pipes);
		return err_set_errno(err, ERR_IO, r, "cannot start another program");
	}
	c = child_new(l, spec);
	if (r != 0) {
		child_pipes_close(&pipes);
		child_explain(&how, spec->argv[0], &why);
		return refuse(c, ret, &why);
	}
	watch_process(l, c, pid);
	watch_streams(l, c, &pipes, spec);
	child_pipes_close(&pipes);
	*ret = c;
	return 0;
}

pid_t
child_pid(const struct child *c)
{
	return c->process != NULL ? c->process->pid : -1;
}

void
child_signal(struct child *c, int signo)
{
	if (c->process != NULL)
		kill(-c->process->pid, signo);
}

void
child_pause(struct child *c, bool is_paused)
{
	c->is_paused = is_paused;
	if (c->out.watch != NULL)
		loop_fd_set(c->out.watch, is_paused ? 0 : LOOP_READ);
	if (c->err.watch != NULL)
		loop_fd_set(c->err.watch, is_paused ? 0 : LOOP_READ);
	if (c->is_lingering) {
		c->is_lingering = false;
		loop_timer_stop(c->timer);
	}
	/* From the loop: this may be called inside a callback. */
	if (!is_paused && c->has_ended) {
		c->is_lingering = true;
		loop_timer_in(c->timer, LINGER_NS);
	}
}

void
child_free(struct child *c)
{
	struct process *p;

	if (c == NULL || c->is_freed)
		return;
	p = c->process;
	c->is_freed = true;
	c->read = NULL;
	c->end = NULL;
	if (p != NULL) {
		child_signal(c, SIGKILL);
		c->process = NULL;
		p->child = NULL;
		LIST_INSERT_HEAD(&orphans, p, orphans);
		if (c->has_ended)
			process_reap(p);
	}
	if (c->busy == 0)
		child_destroy(c);
}
