/*
 * vfork() and not fork(): a console holds hundreds of megabytes, and copying its page tables for each of 200 hosts would be seen in the keys. What
 * runs between vfork() and execve() is system calls only; its error comes back through the shared memory.
 */
#include "config.h"

#include "loop/child_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"

extern char **environ;

/* --- between vfork() and execve() ------------------------------------------------------------- */

static void
close_others(int fds_max)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, 3u, ~0u, 0u) == 0)
		return;
#endif
	for (int fd = 3; fd < fds_max; fd++)
		close(fd);
}

static void
signals_default(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	sigemptyset(&sa.sa_mask);
	for (int s = 1; s < NSIG; s++)
		if (s != SIGKILL && s != SIGSTOP)
			sigaction(s, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child; the parent stands still and sees what is written to l. Returns only on failure. */
static void __attribute__((noinline))
launch_child(struct child_launch *l)
{
	if (dup2(l->in, 0) < 0 || dup2(l->out, 1) < 0 || dup2(l->err, 2) < 0) {
		l->failed = "its streams";
		l->error = errno;
		return;
	}
	if (l->is_session)
		setsid();
	else
		setpgid(0, 0);
	signals_default();
	if (l->is_bound) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != l->parent)
			kill(getpid(), SIGTERM);	/* not raise(): that would name a thread of the parent */
	}
	if (l->dir != NULL && chdir(l->dir) < 0) {
		l->failed = l->dir;
		l->error = errno;
		return;
	}
	close_others(l->fds_max);
	execve(l->path, l->argv, l->env);
	l->error = errno;
}

/* All signals are blocked meanwhile: a handler of ours must not run in the child, which shares our memory. */
static pid_t
launch(struct child_launch *l)
{
	sigset_t all, before;
	pid_t pid;

	l->parent = getpid();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = vfork();
	if (pid == 0) {
		launch_child(l);
		_exit(127);
	}
	if (pid < 0)
		l->error = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

/* --- what it is given ------------------------------------------------------------------------- */

static bool
is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Empty entries of PATH mean the current folder, from which nothing is run. */
char *
child_find_program(const char *name)
{
	const char *path = getenv("PATH"), *end;

	if (strchr(name, '/') != NULL)
		return xstrdup(name);
	if (path == NULL)
		path = "/usr/local/bin:/usr/bin:/bin";
	for (; *path != '\0'; path = *end == ':' ? end + 1 : end) {
		char *full;

		end = path + strcspn(path, ":");
		if (*path != '/')
			continue;
		full = xasprintf("%.*s/%s", (int)(end - path), path, name);
		if (is_program(full))
			return full;
		free(full);
	}
	return NULL;
}

static size_t
words(const char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

/* Whether entry ("NAME=value") sets one of the names in list, whose entries may have a value too. */
static bool
is_named(const char *entry, const char *const *list)
{
	size_t len = strcspn(entry, "=");

	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		if (strcspn(list[i], "=") == len && memcmp(list[i], entry, len) == 0)
			return true;
	return false;
}

/* The strings are borrowed, the array is the caller's. */
static const char **
environment(const struct child_spec *spec)
{
	const char *const *ours = (const char *const *)environ;
	const char **env = xcalloc(words(ours) + words(spec->env) + 1, sizeof *env);
	size_t n = 0;

	for (size_t i = 0; ours != NULL && ours[i] != NULL; i++)
		if (!is_named(ours[i], spec->env) && !is_named(ours[i], spec->unset))
			env[n++] = ours[i];
	for (size_t i = 0; spec->env != NULL && spec->env[i] != NULL; i++)
		env[n++] = spec->env[i];
	return env;
}

/* Above the standard three, so that dup2() in the child never overwrites one that is still needed. */
static int
raised(int fd)
{
	int high;

	if (fd < 0 || fd > 2)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return high;
}

static int
open_pipe(int fds[2])
{
	int raw[2];

	if (pipe2(raw, O_CLOEXEC) < 0)
		return -1;
	fds[0] = raised(raw[0]);
	fds[1] = raised(raw[1]);
	return fds[0] < 0 || fds[1] < 0 ? -1 : 0;
}

static void
close_pair(int fds[2])
{
	for (int i = 0; i < 2; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

void
child_pipes_close(struct child_pipes *p)
{
	close_pair(p->in);
	close_pair(p->out);
	close_pair(p->err);
}

int
child_pipes_open(struct child_pipes *p, bool has_input, struct err *err)
{
	int r;

	*p = (struct child_pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (has_input)
		r = open_pipe(p->in);
	else
		r = p->in[0] = raised(open("/dev/null", O_RDONLY | O_CLOEXEC));
	if (r < 0 || open_pipe(p->out) < 0 || open_pipe(p->err) < 0) {
		int e = errno;

		child_pipes_close(p);
		return err_set_errno(err, ERR_IO, e, "cannot make a pipe for a program");
	}
	if (has_input)
		fcntl(p->in[1], F_SETFL, O_NONBLOCK);
	fcntl(p->out[0], F_SETFL, O_NONBLOCK);
	fcntl(p->err[0], F_SETFL, O_NONBLOCK);
	return 0;
}

/* --- all of it ------------------------------------------------------------------------------- */

static int
fds_max(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0 || rl.rlim_cur == RLIM_INFINITY || rl.rlim_cur > 65536)
		return 65536;
	return (int)rl.rlim_cur;
}

int
child_launch(struct child_launch *l, const struct child_spec *spec, struct child_pipes *p, pid_t *ret_pid)
{
	const char **env = environment(spec);

	l->argv = (char *const *)spec->argv;
	l->env = (char *const *)env;
	l->dir = spec->dir;
	l->is_session = spec->is_session;
	l->is_bound = spec->is_bound;
	l->in = p->in[0];
	l->out = p->out[1];
	l->err = p->err[1];
	l->fds_max = fds_max();
	*ret_pid = launch(l);
	free(env);
	if (*ret_pid > 0 && l->error != 0)
		while (waitpid(*ret_pid, NULL, 0) < 0 && errno == EINTR)	/* it is at its _exit() already */
			;
	return l->error;
}

void
child_explain(const struct child_launch *l, const char *name, struct err *err)
{
	char shown[200], where[200];

	str_escape_to(shown, sizeof shown, name);
	if (l->failed == NULL) {
		err_set_errno(err, l->error == ENOENT ? ERR_NOTFOUND : ERR_IO, l->error, "cannot run %s", shown);
		return;
	}
	str_escape_to(where, sizeof where, l->failed);
	err_set_errno(err, ERR_IO, l->error, "cannot run %s in %s", shown, where);
}
