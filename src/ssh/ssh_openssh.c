/* Jobs by the system's ssh: the same supervisor and results; as many start at the same time as there may be handshakes. */
#include "config.h"

#include "ssh/ssh_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void
job_to_openssh(struct ssh_job *j, const char *why)
{
	char *copy = xstrdup(why);	/* it may be our own */

	free(j->why);
	j->why = copy;
	j->result.transport = SSH_OPENSSH;
	j->state = JOB_LINE;
	TAILQ_INSERT_TAIL(&j->ssh->line, j, line);
	ssh_pump_soon(j->ssh);
}

static void
not_starting(struct ssh_job *j)
{
	if (!j->is_starting)
		return;
	j->is_starting = false;
	j->ssh->n_starting--;
	ssh_pump_soon(j->ssh);
}

static void
openssh_stage(enum ssh_stage stage, void *arg)
{
	struct ssh_job *j = arg;

	if (stage >= SSH_RUN) {
		not_starting(j);
		if (j->result.connected_ns == 0)
			j->result.connected_ns = clock_now();
		job_started(j);
	} else {
		job_set_stage(j, stage);
	}
}

static void
openssh_read(enum ssh_stream stream, const char *bytes, size_t len, void *arg)
{
	job_keep(arg, stream, bytes, len);
}

static void
openssh_end(const struct ssh_result *result, void *arg)
{
	struct ssh_job *j = arg;
	struct ssh_result *r = &j->result;

	not_starting(j);
	r->fail = result->fail;
	r->err = result->err;
	r->status = result->status;
	memcpy(r->signal, result->signal, sizeof r->signal);
	if (result->started_ns != 0)
		r->started_ns = result->started_ns;
	job_set_stage(j, result->stage);
	job_finish(j, result->outcome);
}

void
job_start_openssh(struct ssh_job *j)
{
	const struct openssh_events events = { .stage = openssh_stage, .read = openssh_read, .end = openssh_end, .arg = j };
	struct err err = ERR_INIT;

	/* While nothing is on its way: whoever is told may cancel it. */
	job_set_stage(j, SSH_CONNECT);
	if (j->state == JOB_DONE)
		return;
	TAILQ_REMOVE(&j->ssh->line, j, line);
	j->state = JOB_OPENSSH;
	j->is_starting = true;
	j->ssh->n_starting++;
	job_wrap_again(j);
	if (openssh_start(j->ssh->loop, &j->ssh->o, j->settings, &j->host, &j->sv, &j->cmd, &events, &j->openssh, &err) < 0)
		job_not_run(j, SSH_FAIL_CONNECT, &err);
}
