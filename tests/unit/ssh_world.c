#include "config.h"

#include "ssh_world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"

extern char **environ;

int
world_setup(void **state)
{
	struct ssh_world *w = xcalloc(1, sizeof *w);

	/* What the machine of the tester has set must not show. */
	unsetenv("SSH_AUTH_SOCK");
	unsetenv("SSH_ASKPASS");
	unsetenv("DISPLAY");
	snprintf(w->dir, sizeof w->dir, "/tmp/ops-ssh-XXXXXX");
	if (mkdtemp(w->dir) == NULL)
		return -1;
	*state = w;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
world_teardown(void **state)
{
	struct ssh_world *w = *state;
	int r = nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	free(w);
	return r;
}

char *
world_path(const struct ssh_world *w, const char *name)
{
	return xasprintf("%s/%s", w->dir, name);
}

void
world_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

bool
world_has(const char *program)
{
	const char *path = getenv("PATH");
	bool is_found = false;

	while (path != NULL && *path != '\0' && !is_found) {
		size_t n = strcspn(path, ":");
		char *full = xasprintf("%.*s/%s", (int)n, path, program);

		is_found = access(full, X_OK) == 0;
		free(full);
		path += n + (path[n] == ':');
	}
	return is_found;
}

int
world_run(const char *const *argv, struct buf *out)
{
	posix_spawn_file_actions_t actions;
	char chunk[4096];
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	assert_int_equal(posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	while ((n = read(fds[0], chunk, sizeof chunk)) > 0)
		if (out != NULL)
			buf_add(out, chunk, (size_t)n);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

char *
world_key(struct ssh_world *w, const char *name, const char *type, const char *passphrase)
{
	char *path = world_path(w, name);
	const char *const argv[] = { "ssh-keygen", "-q", "-t", type, "-N", passphrase, "-C", name, "-f", path, NULL };

	if (access(path, F_OK) != 0)
		assert_int_equal(world_run(argv, NULL), 0);
	return path;
}

char *
world_public_key(struct ssh_world *w, const char *type)
{
	char *path = world_key(w, type, type, ""), *pub = xasprintf("%s.pub", path), word[64], base64[1024];
	FILE *f = fopen(pub, "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%63s %1023s", word, base64), 2);
	fclose(f);
	free(path);
	free(pub);
	return xstrdup(base64);
}

bool
world_wait(struct loop *l, const bool *is_done)
{
	int64_t until = clock_mono_fresh() + 30 * NS_PER_S;

	while (!*is_done && clock_mono_fresh() < until)
		loop_once(l, 100 * NS_PER_MS);
	return *is_done;
}
