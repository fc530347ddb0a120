#include "config.h"

#include "ssh_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"

/* --- servers --- */

static void
farm_exec(const struct farm *f, const char *const *groups, int in, int out)
{
	const char *srcdir = getenv("srcdir"), *argv[40];
	char program[512];
	size_t n = 0;

	snprintf(program, sizeof program, "%s/tests/fakes/sshd-farm", srcdir != NULL ? srcdir : ".");
	argv[n++] = program;
	argv[n++] = f->dir;
	while (*groups != NULL && n < 39)
		argv[n++] = *groups++;
	argv[n] = NULL;
	dup2(in, 0);
	dup2(out, 1);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	execv(program, (char *const *)(uintptr_t)argv);
	_exit(127);
}

void
farm_start(struct farm *f, const char *const *groups)
{
	int in[2], out[2];
	char line[200] = "";
	size_t n = 0;

	memset(f, 0, sizeof *f);
	snprintf(f->dir, sizeof f->dir, "/tmp/ops-test-ssh-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	f->pid = fork();
	if (f->pid == 0)
		farm_exec(f, groups, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	f->in = in[1];
	while (n < sizeof line - 1 && read(out[0], line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
	close(out[0]);
	if (sscanf(line, "ready %u", &f->port) != 1)
		snprintf(f->why, sizeof f->why, "%.190s", line[0] != '\0' ? line : "sshd-farm did not run");
}

void
farm_stop(struct farm *f)
{
	char command[300];

	close(f->in);
	waitpid(f->pid, NULL, 0);
	snprintf(command, sizeof command, "rm -rf %s", f->dir);
	assert_int_equal(system(command), 0);
}

void
farm_write(const struct farm *f, const char *name, const char *text)
{
	char path[300];
	FILE *to;

	snprintf(path, sizeof path, "%s/%s", f->dir, name);
	to = fopen(path, "w");
	assert_non_null(to);
	fputs(text, to);
	assert_int_equal(fclose(to), 0);
}

char *
farm_read(const struct farm *f, const char *name)
{
	char path[300], *text = xcalloc(1, 1 << 18);
	FILE *from;

	snprintf(path, sizeof path, "%s/%s", f->dir, name);
	from = fopen(path, "r");
	assert_non_null(from);
	assert_true(fread(text, 1, (1 << 18) - 1, from) > 0);
	fclose(from);
	return text;
}

const char *
farm_config(const struct farm *f, const char *name, const char *extra, char *buf, size_t size)
{
	char *text = xasprintf("%s\nHost *\nInclude %s/config\n", extra, f->dir), file[100];

	snprintf(file, sizeof file, "config.%s", name);
	farm_write(f, file, text);
	free(text);
	snprintf(buf, size, "%s/%s", f->dir, file);
	return buf;
}

/* --- jobs --- */

const char *
next_nonce(void)
{
	static unsigned count;
	static char nonce[40];

	snprintf(nonce, sizeof nonce, "%08x%08x%08x", (unsigned)getpid(), (unsigned)(clock_mono_fresh() / 1000), ++count);
	return nonce;
}

static void
on_read(struct ssh_job *job, enum ssh_stream stream, const char *bytes, size_t len, void *arg)
{
	struct answer *a = arg;

	(void)job;
	assert_non_null(bytes);
	assert_true(len > 0);
	a->streamed[stream] += len;
}

static void
on_stage(struct ssh_job *job, enum ssh_stage stage, void *arg)
{
	struct answer *a = arg;

	(void)job;
	a->stages |= 1u << stage;
}

static char *
copy_bytes(const char *bytes, size_t len)
{
	char *copy = xmalloc(len + 1);

	memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

static void
on_done(struct ssh_job *job, const struct ssh_result *result, void *arg)
{
	struct answer *a = arg;

	(void)job;
	assert_false(a->is_done);
	a->is_done = true;
	a->result = *result;
	snprintf(a->why, sizeof a->why, "%s", result->transport_why);
	a->out = copy_bytes(result->out, result->out_len);
	a->err_out = copy_bytes(result->err_out, result->err_len);
	a->result.out = a->out;
	a->result.err_out = a->err_out;
	a->result.transport_why = a->why;
	a->job = NULL;
}

void
answer_done(struct answer *a)
{
	free(a->out);
	free(a->err_out);
	memset(a, 0, sizeof *a);
}

void
ask_command(struct ssh *s, const char *host, struct ssh_command *cmd, struct answer *a)
{
	const struct ssh_host h = { .name = host, .address = host };
	struct err err = ERR_INIT;

	memset(a, 0, sizeof *a);
	if (cmd->timeout_ns == 0)
		cmd->timeout_ns = 60 * NS_PER_S;
	if (cmd->nonce == NULL)
		cmd->nonce = next_nonce();
	if (ssh_exec(s, &h, cmd, on_read, on_stage, on_done, a, &a->job, &err) < 0)
		fail_msg("%s", err.msg);
}

void
ask(struct ssh *s, const char *host, const char *const *argv, struct answer *a)
{
	struct ssh_command cmd = { .argv = argv };

	ask_command(s, host, &cmd, a);
}

void
ask_settle(struct ssh *s, const char *host, const char *nonce, struct answer *a)
{
	const struct ssh_host h = { .name = host, .address = host };
	struct err err = ERR_INIT;

	memset(a, 0, sizeof *a);
	if (ssh_settle(s, &h, nonce, on_done, a, &a->job, &err) < 0)
		fail_msg("%s", err.msg);
}

void
wait_for(struct loop *l, struct answer *a, size_t n)
{
	int64_t until = clock_mono_fresh() + 60 * NS_PER_S;

	for (size_t i = 0; i < n; i++)
		while (!a[i].is_done) {
			if (clock_mono_fresh() > until)
				fail_msg("job %zu is not done: %s", i, ssh_stage_name(ssh_job_stage(a[i].job)));
			loop_once(l, 100 * NS_PER_MS);
		}
}

void
wait_for_stage(struct loop *l, const struct answer *a, enum ssh_stage stage)
{
	int64_t until = clock_mono_fresh() + 60 * NS_PER_S;

	while (!(a->stages & 1u << stage)) {
		if (a->is_done || clock_mono_fresh() > until)
			fail_msg("it does not come to %s: %s", ssh_stage_name(stage), a->result.err.msg);
		loop_once(l, 100 * NS_PER_MS);
	}
}

void
turn_for(struct loop *l, int64_t ns)
{
	int64_t until = clock_mono_fresh() + ns;

	while (clock_mono_fresh() < until)
		loop_once(l, 10 * NS_PER_MS);
}
