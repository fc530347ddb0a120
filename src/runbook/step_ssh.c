/* ssh: a command, or a script, on a host. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/step_priv.h"

/* A job cannot be forgotten, only cancelled: its ticket lives until it has ended, whoever began it being there or not. */
struct ticket {
	LIST_ENTRY(ticket) next;
	struct running *r;	/* NULL: gone */
};
static LIST_HEAD(, ticket) tickets = LIST_HEAD_INITIALIZER(tickets);

struct ssh_state {
	struct ssh_job *job;	/* NULL: over */
	struct ticket *ticket;
};

static int
ssh_bind(const struct run_world *w, struct bound *b, const struct bindings *bs, struct err *err)
{
	(void)w;
	if (bs->host == NULL)
		return err_set(err, ERR_INVALID, "ssh needs a host: give the step scope: host");
	if (b->n_argv == 0 && b->act->script == NULL)
		return err_set(err, ERR_INVALID, "ssh has nothing to run");
	return 0;
}

/* --- for people ------------------------------------------------------------------------------- */

static void
text_words(const struct bound *b, struct buf *to)
{
	for (size_t i = 0; i < b->n_env; i++) {
		buf_printf(to, "%s=", b->env[i].name);
		quote_word(to, b->env[i].value.shown);
		buf_addch(to, ' ');
	}
	if (b->act->script != NULL)
		buf_addstr(to, b->n_argv > 0 ? "sh -s " : "sh -s");
	for (size_t i = 0; i < b->n_argv; i++) {
		if (i > 0)
			buf_addch(to, ' ');
		quote_word(to, b->argv[i].shown);
	}
	if (b->act->script != NULL) {
		buf_addstr(to, " <<");
		quote_word(to, b->act->script);
	}
	if (b->in.shown != NULL) {
		buf_addstr(to, " <<<");
		quote_word(to, b->in.shown);
	}
}

static void
ssh_text(const struct bound *b, struct buf *to)
{
	buf_addstr(to, "ssh ");
	str_escape(to, b->host.name, strlen(b->host.name));
	buf_addstr(to, ": ");
	if (b->act->become != NULL)
		buf_printf(to, "sudo -n -u %s ", b->act->become);
	text_words(b, to);
}

static int
ssh_check(const struct run_world *w, const struct bound *b, struct err *err)
{
	(void)b;
	return w->ssh != NULL ? 0 : err_set(err, ERR_NOTFOUND, "SSH is not set up in this environment");
}

/* --- what came of it -------------------------------------------------------------------------- */

static int
code_of(const struct ssh_result *s)
{
	return s->err.code != 0 ? s->err.code : ERR_REFUSED;
}

static const char *
exit_text(char *dst, size_t size, const struct ssh_result *s)
{
	char line[STEP_LINE_MAX], shown[32];

	last_line(line, s->err_len > 0 ? s->err_out : s->out, s->err_len > 0 ? s->err_len : s->out_len);
	if (s->signal[0] != '\0')
		snprintf(dst, size, "ended by signal %s%s%s", str_escape_to(shown, sizeof shown, s->signal), *line != '\0' ? ": " : "", line);
	else
		snprintf(dst, size, "exit %d%s%s", s->status, *line != '\0' ? ": " : "", line);
	return dst;
}

static void
exited(const struct ssh_result *s, struct act_result *to, char *text, size_t size)
{
	to->is_exited = s->signal[0] == '\0';
	to->status = s->status;
	if (s->status == 0 && s->signal[0] == '\0') {
		to->outcome = OUTCOME_OK;
		to->text = first_line(text, s->out, s->out_len);
		return;
	}
	to->outcome = OUTCOME_FAILED;
	to->text = exit_text(text, size, s);
	err_set(&to->err, ERR_REFUSED, "%s", to->text);
}

/* Of a read nothing can be left half done: what is not known has failed, and may be asked again. */
static void
map_outcome(const struct running *r, const struct ssh_result *s, struct act_result *to, char *text, size_t size)
{
	to->ssh = s;
	to->out = s->out;
	to->out_len = s->out_len;
	to->err_out = s->err_out;
	to->err_len = s->err_len;
	to->err = s->err;
	to->text = s->err.msg;
	switch (s->outcome) {
	case SSH_EXITED:
		exited(s, to, text, size);
		break;
	case SSH_NOT_RUN:
		to->outcome = s->fail == SSH_FAIL_CANCELLED ? OUTCOME_CANCELLED : OUTCOME_FAILED;
		to->is_not_begun = true;
		break;
	case SSH_TIMED_OUT:
		to->outcome = OUTCOME_FAILED;
		if (to->err.code == 0)
			err_set(&to->err, ERR_TIMEOUT, "not done within its timeout: it was ended");
		to->text = to->err.msg;
		break;
	case SSH_CANCELLED:
		to->outcome = OUTCOME_CANCELLED;
		break;
	case SSH_UNKNOWN:
		to->outcome = r->mode == ACT_READ ? OUTCOME_FAILED : OUTCOME_UNKNOWN;
		break;
	}
	if (to->outcome != OUTCOME_OK && to->err.code == 0)
		err_set(&to->err, code_of(s), "%s", to->outcome == OUTCOME_CANCELLED ? "cancelled" : "no reason was given");
	if (to->outcome != OUTCOME_OK && s->outcome != SSH_EXITED)
		to->text = to->err.msg;
}

static void
on_done(struct ssh_job *job, const struct ssh_result *s, void *arg)
{
	struct ticket *ticket = arg;
	struct running *r = ticket->r;
	struct act_result result = { 0 };
	char text[STEP_LINE_MAX + 64], *out = NULL;
	size_t len;

	(void)job;
	LIST_REMOVE(ticket, next);
	free(ticket);
	if (r == NULL)
		return;
	*(struct ssh_state *)r->state = (struct ssh_state){ 0 };
	map_outcome(r, s, &result, text, sizeof text);
	if (r->mode == ACT_READ && result.is_exited) {
		len = s->out_len > 0 && s->out[s->out_len - 1] == '\n' ? s->out_len - 1 : s->out_len;
		out = xstrndup(s->out, len < STEP_VALUE_MAX ? len : STEP_VALUE_MAX);
		result.previous = out;
	}
	running_end(r, &result);
	free(out);
}

static void
on_read(struct ssh_job *job, enum ssh_stream stream, const char *bytes, size_t len, void *arg)
{
	struct running *r = ((struct ticket *)arg)->r;

	(void)job;
	if (r != NULL && r->output != NULL)
		r->output(r, stream == SSH_ERR, bytes, len, r->arg);
}

/* --- running ---------------------------------------------------------------------------------- */

static struct ticket *
ticket_new(struct running *r)
{
	struct ticket *t = xcalloc(1, sizeof *t);

	t->r = r;
	LIST_INSERT_HEAD(&tickets, t, next);
	return t;
}

/* What was begun has its ticket; what was not, has none. */
static int
ticket_begun(struct ssh_state *state, struct ticket *t, int e)
{
	if (e < 0) {
		LIST_REMOVE(t, next);
		free(t);
		return e;
	}
	state->ticket = t;
	return 0;
}

static const char **
words_of(const struct bound *b)
{
	const char **v = xcalloc(b->n_argv + 1, sizeof *v);

	for (size_t i = 0; i < b->n_argv; i++)
		v[i] = b->argv[i].real;
	return v;
}

static char **
env_of(const struct bound *b)
{
	char **v = xcalloc(b->n_env + 1, sizeof *v);

	for (size_t i = 0; i < b->n_env; i++)
		v[i] = xasprintf("%s=%s", b->env[i].name, b->env[i].value.real);
	return v;
}

static void
env_free(char **v)
{
	for (size_t i = 0; v[i] != NULL; i++) {
		explicit_bzero(v[i], strlen(v[i]));
		free(v[i]);
	}
	free(v);
}

static int
ssh_run(struct running *r, struct err *err)
{
	const struct bound *b = r->b;
	struct ssh_state *state = r->state;
	const char **argv = words_of(b);
	char **env = env_of(b);
	struct ssh_command cmd = {
		.argv = argv,
		.script = b->act->script,
		.env = (const char *const *)env,
		.in = b->in.real,
		.in_len = b->in.real == NULL ? 0 : strlen(b->in.real),
		.become = b->act->become,
		.timeout_ns = b->act->timeout_ns > 0 ? b->act->timeout_ns : STEP_TIMEOUT_NS,
		.is_unsupervised = b->act->is_unsupervised,
		.is_read_only = r->mode == ACT_READ,
		.nonce = r->nonce,
	};
	struct ticket *t = ticket_new(r);
	int e = ssh_exec(r->w->ssh, &b->host, &cmd, on_read, NULL, on_done, t, &state->job, err);

	free(argv);
	env_free(env);
	return ticket_begun(state, t, e);
}

static int
ssh_ask(struct running *r, struct err *err)
{
	struct ssh_state *state = r->state;
	struct ticket *t = ticket_new(r);

	return ticket_begun(state, t, ssh_settle(r->w->ssh, &r->b->host, r->nonce, on_done, t, &state->job, err));
}

static int
ssh_begin(struct running *r, struct err *err)
{
	struct err why = ERR_INIT;
	int e = ssh_check(r->w, r->b, err);

	if (e < 0)
		return e;
	switch (r->mode) {
	case ACT_READ:
	case ACT_DO:
		return ssh_run(r, err);
	case ACT_RESTORE:
		return err_set(err, ERR_UNSUPPORTED, "a command has no value to put back: give the step an undo of its own");
	case ACT_SETTLE:
		break;
	}
	if (!r->b->act->is_unsupervised)
		return ssh_ask(r, err);
	err_set(&why, ERR_UNSUPPORTED, "it ran without a supervisor, so the host has no record of it");
	running_unknown(r, &why);
	return 0;
}

static void
ssh_cancel(struct running *r)
{
	struct ssh_state *state = r->state;

	if (state->job != NULL)
		ssh_job_cancel(state->job);
}

static void
ssh_forget(struct running *r)
{
	struct ssh_state *state = r->state;

	if (state->ticket != NULL)
		state->ticket->r = NULL;
}

const struct step_ops step_ssh_ops = {
	.kind = STEP_SSH,
	.state_size = sizeof(struct ssh_state),
	.bind = ssh_bind,
	.text = ssh_text,
	.check = ssh_check,
	.begin = ssh_begin,
	.cancel = ssh_cancel,
	.free = ssh_forget,
};
