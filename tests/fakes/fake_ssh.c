#include "config.h"

#include "fakes/fake_ssh.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

enum { ANSWERS_MAX = 64 };

struct ssh {
	struct loop *loop;
	struct fake_ssh_answer answers[ANSWERS_MAX];
	size_t n;
	struct err refusal;
};
struct ssh_job {
	struct ssh *ssh;
	struct fake_ssh_answer answer;
	struct loop_timer *timer;
	ssh_read_cb *read;
	ssh_done_cb *done;
	void *arg;
};
struct fake_ssh_seen fake_ssh_seen;

static char **
copy_words(const char *const *v)
{
	size_t n = 0;
	char **to;

	while (v != NULL && v[n] != NULL)
		n++;
	to = xcalloc(n + 1, sizeof *to);
	for (size_t i = 0; i < n; i++)
		to[i] = xstrdup(v[i]);
	return to;
}

static void
free_words(char **v)
{
	for (size_t i = 0; v != NULL && v[i] != NULL; i++)
		free(v[i]);
	free(v);
}

static void
forget_seen(void)
{
	free_words(fake_ssh_seen.argv);
	free_words(fake_ssh_seen.env);
	free(fake_ssh_seen.script);
	free(fake_ssh_seen.in);
	fake_ssh_seen = (struct fake_ssh_seen){
		.n_exec = fake_ssh_seen.n_exec, .n_settle = fake_ssh_seen.n_settle, .n_cancel = fake_ssh_seen.n_cancel,
	};
}

static void
note(char *dst, size_t size, const char *text)
{
	str_escape_to(dst, size, text != NULL ? text : "");
}

static void
note_command(const struct ssh_host *host, const struct ssh_command *cmd)
{
	struct fake_ssh_seen *s = &fake_ssh_seen;

	forget_seen();
	s->n_exec++;
	note(s->host, sizeof s->host, host->name);
	note(s->address, sizeof s->address, host->address);
	note(s->user, sizeof s->user, host->user);
	note(s->nonce, sizeof s->nonce, cmd->nonce);
	note(s->become, sizeof s->become, cmd->become);
	s->port = host->port;
	s->argv = copy_words(cmd->argv);
	s->env = copy_words(cmd->env);
	s->script = xstrdup_or_null(cmd->script);
	if (cmd->in != NULL)
		s->in = xstrndup(cmd->in, cmd->in_len);
	s->in_len = cmd->in_len;
	s->timeout_ns = cmd->timeout_ns;
	s->is_read_only = cmd->is_read_only;
	s->is_unsupervised = cmd->is_unsupervised;
}

static void
job_end(struct ssh_job *job)
{
	const struct fake_ssh_answer *a = &job->answer;
	struct ssh_result r = {
		.outcome = a->outcome, .stage = SSH_RUN, .fail = a->fail, .status = a->status, .transport = SSH_LIBSSH2, .transport_why = "",
		.out = a->out != NULL ? a->out : "", .err_out = a->err_out != NULL ? a->err_out : "",
	};

	note(r.signal, sizeof r.signal, a->signal);
	r.out_len = r.out_total = strlen(r.out);
	r.err_len = r.err_total = strlen(r.err_out);
	if (a->why != NULL)
		err_set(&r.err, ERR_REFUSED, "%s", a->why);
	if (job->read != NULL && r.out_len > 0)
		job->read(job, SSH_OUT, r.out, r.out_len, job->arg);
	if (job->read != NULL && r.err_len > 0)
		job->read(job, SSH_ERR, r.err_out, r.err_len, job->arg);
	job->done(job, &r, job->arg);
	loop_timer_free(job->timer);
	free(job);
}

static void
on_timer(void *arg)
{
	job_end(arg);
}

static struct fake_ssh_answer
take_answer(struct ssh *s, const char *host)
{
	struct fake_ssh_answer a = { .host = "*", .outcome = SSH_UNKNOWN, .why = "the test has no answer for this" };

	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->answers[i].host, "*") != 0 && strcmp(s->answers[i].host, host) != 0)
			continue;
		a = s->answers[i];
		memmove(&s->answers[i], &s->answers[i + 1], (s->n - i - 1) * sizeof a);
		s->n--;
		break;
	}
	return a;
}

static struct ssh_job *
job_new(struct ssh *s, const char *host, ssh_read_cb *read, ssh_done_cb *done, void *arg)
{
	struct ssh_job *job = xcalloc(1, sizeof *job);

	*job = (struct ssh_job){ .ssh = s, .answer = take_answer(s, host), .read = read, .done = done, .arg = arg };
	job->timer = loop_timer_new(s->loop, on_timer, job);
	if (!job->answer.waits)
		loop_timer_in(job->timer, job->answer.delay_ns);
	return job;
}

/* --- for tests --------------------------------------------------------------------------------- */

struct ssh *
fake_ssh_new(struct loop *l)
{
	struct ssh *s = xcalloc(1, sizeof *s);

	s->loop = l;
	return s;
}

void
fake_ssh_answer(struct ssh *s, const struct fake_ssh_answer *a)
{
	if (s->n < ANSWERS_MAX)
		s->answers[s->n++] = *a;
}

void
fake_ssh_refuse(struct ssh *s, int code, const char *why)
{
	err_set(&s->refusal, code, "%s", why);
}

/* --- ssh.h -------------------------------------------------------------------------------------- */

int
ssh_new(struct loop *l, const struct ssh_options *o, struct ssh **ret, struct err *err)
{
	(void)o;
	(void)err;
	*ret = fake_ssh_new(l);
	return 0;
}

void
ssh_free(struct ssh *s)
{
	forget_seen();
	fake_ssh_seen = (struct fake_ssh_seen){ 0 };
	free(s);
}

int
ssh_exec(struct ssh *s, const struct ssh_host *host, const struct ssh_command *cmd, ssh_read_cb *read, ssh_stage_cb *stage, ssh_done_cb *done,
    void *arg, struct ssh_job **ret_job, struct err *err)
{
	struct err refusal = s->refusal;

	(void)stage;
	note_command(host, cmd);
	s->refusal = (struct err)ERR_INIT;
	if (refusal.code != 0)
		return err_set(err, refusal.code, "%s", refusal.msg);
	*ret_job = job_new(s, host->name, read, done, arg);
	return 0;
}

int
ssh_settle(struct ssh *s, const struct ssh_host *host, const char *nonce, ssh_done_cb *done, void *arg, struct ssh_job **ret_job, struct err *err)
{
	(void)err;
	forget_seen();
	fake_ssh_seen.n_settle++;
	note(fake_ssh_seen.nonce, sizeof fake_ssh_seen.nonce, nonce);
	*ret_job = job_new(s, host->name, NULL, done, arg);
	return 0;
}

void
ssh_job_cancel(struct ssh_job *job)
{
	fake_ssh_seen.n_cancel++;
	if (job->answer.waits)
		loop_timer_in(job->timer, 0);
}

enum ssh_stage
ssh_job_stage(const struct ssh_job *job)
{
	(void)job;
	return SSH_RUN;
}
