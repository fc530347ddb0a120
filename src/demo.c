#include "config.h"

#include "demo.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"

extern char **environ;

enum { READY_MS = 120000, LIFELINE_FD = 3 };

struct demo {
	pid_t pid;
	int lifeline;	/* the lab stops when this end closes, so also after kill -9 */
	char *dir;
};

/* Where ./quickstart and the lab's fetch-servers unpack the servers; the lab itself also looks in PATH. NULL: nowhere. */
static char *
find_servers(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char exe[4096], *dir = NULL;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

	if (getenv("OPSLAB_SERVERS") != NULL)
		return xstrdup(getenv("OPSLAB_SERVERS"));
	if (n > 0) {
		exe[n] = '\0';
		*strrchr(exe, '/') = '\0';
		dir = xasprintf("%s/servers", exe);
		if (access(dir, X_OK) == 0)
			return dir;
		free(dir);
	}
	if (cache != NULL && cache[0] == '/')
		dir = xasprintf("%s/opsconsole/servers", cache);
	else if (home != NULL)
		dir = xasprintf("%s/.cache/opsconsole/servers", home);
	else
		return NULL;
	if (access(dir, X_OK) == 0)
		return dir;
	free(dir);
	return NULL;
}

static char *
make_dir(struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/opsconsole-demo-XXXXXX", tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");

	if (mkdtemp(dir) == NULL) {
		err_set_errno(err, ERR_IO, errno, "no folder for the lab: %s", dir);
		free(dir);
		return NULL;
	}
	return dir;
}

static int
spawn_lab(struct demo *d, bool is_interactive, int *ret_out, struct err *err)
{
	char *lab, *servers = find_servers();
	const char *argv[16];
	int lifeline[2] = { -1, -1 }, out[2] = { -1, -1 }, n = 0, r;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;

	r = conf_data_path("lab/opslab", &lab, err);
	if (r < 0) {
		free(servers);
		return r;
	}
	argv[n++] = lab;
	argv[n++] = "start";
	argv[n++] = "--dir";
	argv[n++] = d->dir;
	argv[n++] = "--lifeline";
	argv[n++] = "3";
	argv[n++] = "--temporary";	/* also when we are killed */
	if (is_interactive)
		argv[n++] = "--demo";
	if (servers != NULL) {
		argv[n++] = "--servers";
		argv[n++] = servers;
	}
	argv[n] = NULL;
	if (pipe2(lifeline, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0) {
		r = err_set_errno(err, ERR_IO, errno, "pipe");
		goto done;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, lifeline[0], LIFELINE_FD);
	/* A group of its own: Ctrl-C in our terminal is ours. */
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	r = posix_spawn(&d->pid, lab, &actions, &attr, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (r != 0) {
		d->pid = 0;
		r = err_set_errno(err, ERR_IO, r, "%s", lab);
		goto done;
	}
	d->lifeline = lifeline[1];
	*ret_out = out[0];
	lifeline[1] = out[0] = -1;
done:
	for (int i = 0; i < 2; i++) {
		if (lifeline[i] >= 0)
			close(lifeline[i]);
		if (out[i] >= 0)
			close(out[i]);
	}
	free(lab);
	free(servers);
	return r < 0 ? r : 0;
}

struct lab_lines {	/* what the lab says on its stdout */
	int fd;
	int64_t until;
	char text[4200];
	size_t n;
};

/* The next line, without its end; valid until the next call. What the lab has to complain about it says on stderr itself. */
static int
read_line(struct lab_lines *l, size_t *used, const char **ret_line, struct err *err)
{
	memmove(l->text, l->text + *used, l->n - *used);
	l->n -= *used;
	for (;;) {
		struct pollfd p = { .fd = l->fd, .events = POLLIN };
		int64_t left_ms = (l->until - clock_mono_fresh()) / NS_PER_MS;
		char *end = memchr(l->text, '\n', l->n);
		ssize_t got;

		if (end != NULL) {
			*end = '\0';
			*used = (size_t)(end + 1 - l->text);
			*ret_line = l->text;
			return 0;
		}
		if (left_ms <= 0 || l->n == sizeof l->text || poll(&p, 1, (int)left_ms) == 0)
			return err_set(err, ERR_TIMEOUT, "the lab was not ready within %d s", READY_MS / 1000);
		got = read(l->fd, l->text + l->n, sizeof l->text - l->n);
		if (got == 0)
			return err_set(err, ERR_INVALID, "the lab did not start; what it said is above");
		if (got > 0)
			l->n += (size_t)got;
		else if (errno != EINTR)
			return err_set_errno(err, ERR_IO, errno, "reading from the lab");
	}
}

/* "ready CONFIG", "up", "measured": see tests/lab/README.md. */
static int
wait_ready(int fd, bool is_interactive, char **ret_config, struct err *err)
{
	struct lab_lines l = { .fd = fd, .until = clock_mono_fresh() + READY_MS * NS_PER_MS };
	const char *line;
	char *config;
	size_t used = 0;
	int r = read_line(&l, &used, &line, err);

	if (r < 0)
		return r;
	if (!str_has_prefix(line, "ready "))
		return err_set(err, ERR_INVALID, "the lab did not start; what it said is above");
	config = xstrdup(line + strlen("ready "));
	while (r == 0 && strcmp(line, is_interactive ? "up" : "measured") != 0)
		r = read_line(&l, &used, &line, err);
	if (r < 0) {
		free(config);
		return r;
	}
	*ret_config = config;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;	/* the rest all the same */
}

int
demo_start(struct demo **ret_demo, char **ret_config, bool is_interactive, struct err *err)
{
	struct demo *d = xcalloc(1, sizeof *d);
	int out = -1, r = ERR_IO;

	d->lifeline = -1;
	d->dir = make_dir(err);
	if (d->dir == NULL)
		goto fail;
	fprintf(stderr, "opsconsole: starting the lab in %s\n", d->dir);
	r = spawn_lab(d, is_interactive, &out, err);
	if (r < 0)
		goto fail;
	r = wait_ready(out, is_interactive, ret_config, err);
	close(out);
	if (r < 0)
		goto fail;
	*ret_demo = d;
	return 0;
fail:
	demo_stop(d);
	return r;
}

void
demo_stop(struct demo *d)
{
	if (d == NULL)
		return;
	if (d->lifeline >= 0)
		close(d->lifeline);
	if (d->pid > 0)
		while (waitpid(d->pid, NULL, 0) < 0 && errno == EINTR)
			;
	if (d->dir != NULL)
		nftw(d->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(d->dir);
	free(d);
}
