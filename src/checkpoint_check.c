/* Is a checkpoint signed by somebody we know? ssh-keygen is asked, as anybody else would. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "checkpoints.h"
#include "conf/conf.h"

enum { SAID_MAX = 16 << 10, TEXT_MAX = 4096 };

extern char **environ;

struct said { struct buf out; int status; };

/* Text through a pipe that holds it: PIPE_BUF is more than a checkpoint. */
static int
pipe_of(const char *text, size_t len)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	if (write(ends[1], text, len) != (ssize_t)len) {
		close(ends[0]);
		ends[0] = -1;
	}
	close(ends[1]);
	return ends[0];
}

static void
read_all(int fd, struct buf *b)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			buf_add(b, bytes, (size_t)n);
}

static int
spawn(const char *const *argv, int in, int out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t fa;
	int r;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, in, 0);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	posix_spawn_file_actions_adddup2(&fa, out, 2);
	r = posix_spawnp(ret_pid, argv[0], &fa, NULL, (char **)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	return r;
}

static int
run(const char *const *argv, const char *text, size_t len, struct said *ret, struct err *err)
{
	int in = pipe_of(text, len), ends[2] = { -1, -1 }, r = -1, status;
	pid_t pid;

	if (in >= 0 && pipe2(ends, O_CLOEXEC) == 0)
		r = spawn(argv, in, ends[1], &pid);
	if (in >= 0)
		close(in);
	if (ends[1] >= 0)
		close(ends[1]);
	if (r == 0) {
		read_all(ends[0], &ret->out);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		ret->status = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
	}
	if (ends[0] >= 0)
		close(ends[0]);
	if (r != 0)
		return err_set_errno(err, ERR_IO, r > 0 ? r : errno, "checkpoint: cannot run ssh-keygen, which checks its signature");
	return 0;
}

/* What it said, on one line. */
static const char *
shown(struct said *s, char *dst, size_t size)
{
	for (size_t i = 0; i < s->out.len; i++)
		if (s->out.data[i] == '\n' || s->out.data[i] == '\r')
			s->out.data[i] = i + 2 < s->out.len ? ';' : '\0';
	return str_escape_to(dst, size, s->out.data);
}

/* The first whom the key belongs to: namespaces and times are looked at when it is verified in their name. */
static int
find_principal(const char *sig, const char *signers, struct said *s, char *who, size_t size, struct err *err)
{
	const char *const argv[] = { "ssh-keygen", "-Y", "find-principals", "-s", sig, "-f", signers, NULL };
	char text[200];
	int r = run(argv, "", 0, s, err);

	if (r < 0)
		return r;
	if (s->status != 0)
		return err_set(err, ERR_DENIED, "checkpoint: its key is none of those in %s (ssh-keygen: %s)", signers, shown(s, text, sizeof text));
	snprintf(who, size, "%.*s", (int)strcspn(s->out.data, "\n"), s->out.data);
	return 0;
}

static int
verify_as(const char *sig, const char *signers, const char *who, const struct buf *text, struct said *s, struct err *err)
{
	const char *const argv[] = { "ssh-keygen", "-Y", "verify", "-f", signers, "-I", who, "-n", CHECKPOINT_NAMESPACE, "-s", sig, NULL };
	char said[300];
	int r;

	buf_reset(&s->out);
	r = run(argv, text->data, text->len, s, err);
	if (r == 0 && s->status != 0)
		r = err_set(err, ERR_DENIED, "checkpoint: its signature does not hold (ssh-keygen: %s)", shown(s, said, sizeof said));
	return r;
}

static char *
usual_signers(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config != NULL && config[0] == '/')
		return xasprintf("%s/opsconsole/allowed_signers", config);
	return xasprintf("%s/.config/opsconsole/allowed_signers", home != NULL ? home : "");
}

int
checkpoint_check(const char *file, const char *signers, struct audit_checkpoint *ret, char *ret_who, size_t size, struct err *err)
{
	char *allowed = signers != NULL ? xstrdup(signers) : usual_signers(), *sig = xasprintf("%s.sig", file), who[256], text[200];
	struct said said = { .status = 0 };
	struct buf b;
	int r;

	buf_init(&b, TEXT_MAX);
	buf_init(&said.out, SAID_MAX);
	r = checkpoint_read(file, &b, ret, err);
	if (r == 0 && access(sig, R_OK) < 0)
		r = err_set_errno(err, ERR_NOTFOUND, errno, "checkpoint: its signature: %s", str_escape_to(text, sizeof text, sig));
	if (r == 0)
		r = conf_check_owner(allowed, err);
	if (r == 0)
		r = find_principal(sig, allowed, &said, who, sizeof who, err);
	if (r == 0)
		r = verify_as(sig, allowed, who, &b, &said, err);
	if (r == 0 && ret_who != NULL)
		str_escape_to(ret_who, size, who);
	buf_done(&b);
	buf_done(&said.out);
	free(allowed);
	free(sig);
	return r;
}
