/* What is certain about how a job ended, and the sentence for it. */
#include "config.h"

#include "ssh/ssh_priv.h"

#include <stdarg.h>
#include <stdio.h>

void
job_not_run(struct ssh_job *j, enum ssh_fail fail, const struct err *err)
{
	j->result.fail = fail;
	j->result.err = *err;
	job_finish(j, SSH_NOT_RUN);
}

void
job_unknown(struct ssh_job *j, const char *fmt, ...)
{
	va_list ap;

	j->result.err.code = ERR_IO;
	va_start(ap, fmt);
	vsnprintf(j->result.err.msg, sizeof j->result.err.msg, fmt, ap);
	va_end(ap);
	job_finish(j, SSH_UNKNOWN);
}

void
job_unknown_by_reader(struct ssh_job *j)
{
	supervisor_explain(&j->reader, j->host.name, &j->result.err);
	job_finish(j, SSH_UNKNOWN);
}

bool
job_judge(struct ssh_job *j)
{
	const struct supervisor_reader *r = &j->reader;

	if (!j->has_reader || !r->is_ended)
		return false;
	j->result.status = r->status;
	snprintf(j->result.signal, sizeof j->result.signal, "%s", r->signal);
	j->result.fail = r->fail;
	if (r->outcome != SSH_EXITED)
		supervisor_explain(r, j->host.name, &j->result.err);
	/* Asked what became of a command, that it runs still is an answer; all else that is not known is none. */
	if (j->kind == JOB_SETTLE)
		j->stage = r->is_running ? SSH_RUN : SSH_CLOSED;
	job_finish(j, r->outcome);
	return true;
}
