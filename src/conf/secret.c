/* Reading secrets: at use, never earlier; wiped by secret_free(). No sentence repeats one. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/conf_owner.h"

enum { SECRET_MAX = 64 << 10, SHOWN = 120 };
static const int64_t command_timeout_ns = 5 * NS_PER_S;

bool
secret_is_set(const struct conf_secret *s)
{
	return s->file != NULL || s->env != NULL || s->command != NULL;
}

void
secret_free(char *secret)
{
	if (secret == NULL)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void
wipe_buf(struct buf *b)
{
	explicit_bzero(b->data, b->cap);
	buf_done(b);
}

/* One trailing newline is the editor's, not the secret's. what: where it came from, escaped. */
static int
take_secret(const char *what, const char *bytes, size_t len, char **ret_secret, struct err *err)
{
	if (len > 0 && bytes[len - 1] == '\n')
		len--;
	if (len > 0 && bytes[len - 1] == '\r')
		len--;
	if (len == 0)
		return err_set(err, ERR_INVALID, "%s holds no secret: it is empty", what);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
			return err_set(err, ERR_INVALID,
			    "%s: a secret is one line of text, without control characters", what);
	*ret_secret = xstrndup(bytes, len);
	return 0;
}

static int
read_file(const char *path, char **ret_secret, struct err *err)
{
	char shown[SHOWN];
	struct buf b;
	int r;

	buf_init(&b, SECRET_MAX);
	r = conf_owner_read_private(path, &b, err);
	if (r == 0)
		r = take_secret(str_escape_to(shown, sizeof shown, path), b.data, b.len, ret_secret,
		    err);
	wipe_buf(&b);
	return r;
}

static int
read_env(const char *name, char **ret_secret, struct err *err)
{
	const char *value = getenv(name);
	char shown[SHOWN];

	shown[0] = '$';
	str_escape_to(shown + 1, sizeof shown - 1, name);
	if (value == NULL)
		return err_set(err, ERR_NOTFOUND, "%s is not set, and a secret should come from it",
		    shown);
	return take_secret(shown, value, strlen(value), ret_secret, err);
}

/* --- commands -------------------------------------------------------------------------------- */

/* In a process group of its own, so that a timeout ends all of it; with no signal blocked,
 * whatever this thread blocks. */
static int
spawn(char *const *argv, int out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	/* Its complaints would be written over the screen, and may hold the secret. */
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	r = posix_spawnp(ret_pid, argv[0], &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static int
ms_left(int64_t deadline)
{
	int64_t left = deadline - clock_mono_fresh();

	return left <= 0 ? 0 : (int)(left / NS_PER_MS) + 1;
}

/* Until end of file. */
static int
read_output(int fd, int64_t deadline, struct buf *b)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char chunk[4096];
	ssize_t n = 1;
	int left, r = 0;

	while (n != 0 && r == 0) {
		left = ms_left(deadline);
		if (left == 0)
			r = ERR_TIMEOUT;
		else if (poll(&p, 1, left) > 0) {
			n = read(fd, chunk, sizeof chunk);
			if (n > 0 && buf_add(b, chunk, (size_t)n) < 0)
				r = ERR_LIMIT;
			else if (n < 0 && errno != EINTR)
				r = ERR_IO;
		}
	}
	explicit_bzero(chunk, sizeof chunk);
	return r;
}

static int
wait_exit(pid_t pid, int64_t deadline, int *ret_status)
{
	int left;
	pid_t r;

	/* It has closed its output, so it is about to end: a look now and then costs nothing. */
	while ((r = waitpid(pid, ret_status, WNOHANG)) != pid) {
		if (r < 0 && errno != EINTR)
			return ERR_IO;
		left = ms_left(deadline);
		if (left == 0)
			return ERR_TIMEOUT;
		poll(NULL, 0, left < 5 ? left : 5);
	}
	return 0;
}

static int
explain(int r, const char *program, int status, struct err *err)
{
	switch (r) {
	case ERR_TIMEOUT:
		return err_set(err, r, "%s gave no secret within 5 seconds and was ended", program);
	case ERR_LIMIT:
		return err_set(err, r, "%s wrote more than %d KiB, where a secret was expected",
		    program, SECRET_MAX >> 10);
	case ERR_IO:
		return err_set(err, r, "the output of %s could not be read", program);
	}
	if (WIFSIGNALED(status))
		return err_set(err, ERR_REFUSED,
		    "%s, which should print a secret, was ended by signal %d", program,
		    WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(err, ERR_REFUSED,
		    "%s, which should print a secret, failed with exit status %d; "
		    "run it by hand to see why", program, WEXITSTATUS(status));
	return 0;
}

static int
run_command(char *const *argv, const char *program, struct buf *b, struct err *err)
{
	int64_t deadline = clock_mono_fresh() + command_timeout_ns;
	int fds[2], status = 0, r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot start %s", program);
	r = spawn(argv, fds[1], &pid);
	close(fds[1]);
	if (r != 0) {
		close(fds[0]);
		return err_set_errno(err, ERR_IO, r, "cannot start %s", program);
	}
	r = read_output(fds[0], deadline, b);
	close(fds[0]);
	if (r == 0)
		r = wait_exit(pid, deadline, &status);
	if (r < 0) {
		kill(-pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	return explain(r, program, status, err);
}

static int
read_command(char *const *argv, char **ret_secret, struct err *err)
{
	char shown[SHOWN];
	struct buf b;
	int r;

	/* The program only: arguments may tell more than they should. */
	str_escape_to(shown, sizeof shown, argv[0]);
	buf_init(&b, SECRET_MAX);
	r = run_command(argv, shown, &b, err);
	if (r == 0)
		r = take_secret(shown, b.data, b.len, ret_secret, err);
	wipe_buf(&b);
	return r;
}

int
secret_read(const struct conf_secret *s, char **ret_secret, struct err *err)
{
	if (s->file != NULL)
		return read_file(s->file, ret_secret, err);
	if (s->env != NULL)
		return read_env(s->env, ret_secret, err);
	if (s->command != NULL)
		return read_command(s->command, ret_secret, err);
	return err_set(err, ERR_INVALID, "no secret is named");
}
