/*
 * exec: a program of this machine, if the environment allows it by name. No shell, a session of its own so that it has no terminal to ask on.
 *
 * What it did before a signal ended it nobody knows: only one that ends by itself, with an exit status, has a certain outcome.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "loop/child.h"
#include "runbook/step_priv.h"

#define KILL_AFTER_NS (2 * NS_PER_S)

struct exec_state {
	struct child *child;
	struct loop_timer *kill;
	struct buf out, err;
};

static int
exec_bind(const struct run_world *w, struct bound *b, const struct bindings *bs, struct err *err)
{
	(void)w;
	(void)bs;
	return b->n_argv > 0 ? 0 : err_set(err, ERR_INVALID, "exec has nothing to run");
}

static void
exec_text(const struct bound *b, struct buf *to)
{
	buf_addstr(to, "here: ");
	if (b->act->dir != NULL) {
		buf_addstr(to, "cd ");
		quote_word(to, b->act->dir);
		buf_addstr(to, " && ");
	}
	for (size_t i = 0; i < b->n_env; i++) {
		buf_printf(to, "%s=", b->env[i].name);
		quote_word(to, b->env[i].value.shown);
		buf_addch(to, ' ');
	}
	for (size_t i = 0; i < b->n_argv; i++) {
		if (i > 0)
			buf_addch(to, ' ');
		quote_word(to, b->argv[i].shown);
	}
	if (b->in.shown != NULL) {
		buf_addstr(to, " <<<");
		quote_word(to, b->in.shown);
	}
}

static int
exec_check(const struct run_world *w, const struct bound *b, struct err *err)
{
	char shown[128];

	for (char **p = w->env == NULL ? NULL : w->env->exec; p != NULL && *p != NULL; p++)
		if (strcmp(*p, b->argv[0].real) == 0)
			return 0;
	return err_set(err, ERR_DENIED, "this environment does not allow to run %s here: name it under exec: in the config if it should",
	    str_escape_to(shown, sizeof shown, b->argv[0].real));
}

static void
on_read(struct child *c, enum child_stream stream, const char *bytes, size_t len, void *arg)
{
	struct running *r = arg;
	struct exec_state *s = r->state;
	struct buf *b = stream == CHILD_ERR ? &s->err : &s->out;
	size_t room = STEP_OUT_MAX - b->len;

	(void)c;
	buf_add(b, bytes, len < room ? len : room);
	if (r->output != NULL)
		r->output(r, stream == CHILD_ERR, bytes, len, r->arg);
}

static void
exited(const struct running *r, const struct child_end *end, struct act_result *to, char *text, size_t size)
{
	const struct exec_state *s = r->state;
	char line[STEP_LINE_MAX];

	to->is_exited = true;
	to->status = end->status;
	if (end->status == 0 && !end->is_timeout) {
		to->outcome = OUTCOME_OK;
		to->text = first_line(text, s->out.data, s->out.len);
		return;
	}
	to->outcome = OUTCOME_FAILED;
	last_line(line, s->err.len > 0 ? s->err.data : s->out.data, s->err.len > 0 ? s->err.len : s->out.len);
	snprintf(text, size, "%sexit %d%s%s", end->is_timeout ? "not done within its timeout: " : "", end->status, *line != '\0' ? ": " : "", line);
	to->text = text;
	err_set(&to->err, end->is_timeout ? ERR_TIMEOUT : ERR_REFUSED, "%s", text);
	if (r->is_cancelled)
		to->outcome = OUTCOME_CANCELLED;
}

static void
on_end(struct child *c, const struct child_end *end, void *arg)
{
	struct running *r = arg;
	struct exec_state *s = r->state;
	struct act_result result = { .out = s->out.data, .out_len = s->out.len, .err_out = s->err.data, .err_len = s->err.len };
	char text[STEP_LINE_MAX + 64];

	(void)c;
	loop_timer_stop(s->kill);
	if (end->err.code != 0) {
		result.outcome = OUTCOME_FAILED;
		result.is_not_begun = true;
		result.err = end->err;
		result.text = end->err.msg;
	} else if (end->signo == 0) {
		exited(r, end, &result, text, sizeof text);
	} else {
		result.outcome = r->mode == ACT_READ ? OUTCOME_FAILED : OUTCOME_UNKNOWN;
		err_set(&result.err, end->is_timeout ? ERR_TIMEOUT : ERR_CANCELLED, "ended by signal %d%s: what it had done by then is not known",
		    end->signo, end->is_timeout ? " at its timeout" : r->is_cancelled ? " when it was cancelled" : "");
		result.text = result.err.msg;
	}
	if (r->mode == ACT_READ && result.is_exited) {
		size_t len = s->out.len > 0 && s->out.data[s->out.len - 1] == '\n' ? s->out.len - 1 : s->out.len;

		result.previous = r->found = xstrndup(s->out.data, len < STEP_VALUE_MAX ? len : STEP_VALUE_MAX);
	}
	running_end(r, &result);
}

static void
on_kill(void *arg)
{
	struct exec_state *s = ((struct running *)arg)->state;

	if (s->child != NULL)
		child_signal(s->child, SIGKILL);
}

static int
exec_start(struct running *r, struct err *err)
{
	const struct bound *b = r->b;
	struct exec_state *s = r->state;
	const char **argv = xcalloc(b->n_argv + 1, sizeof *argv);
	char **env = xcalloc(b->n_env + 1, sizeof *env);
	struct child_spec spec = {
		.argv = argv,
		.env = (const char *const *)env,
		.dir = b->act->dir != NULL ? b->act->dir : "/",
		.is_session = true,
		.in = b->in.real,
		.in_len = b->in.real == NULL ? 0 : strlen(b->in.real),
		.timeout_ns = b->act->timeout_ns > 0 ? b->act->timeout_ns : STEP_TIMEOUT_NS,
		.read = on_read,
		.end = on_end,
		.arg = r,
	};
	int e;

	for (size_t i = 0; i < b->n_argv; i++)
		argv[i] = b->argv[i].real;
	for (size_t i = 0; i < b->n_env; i++)
		env[i] = xasprintf("%s=%s", b->env[i].name, b->env[i].value.real);
	e = child_start(r->w->loop, &spec, &s->child, err);
	for (size_t i = 0; i < b->n_env; i++) {
		explicit_bzero(env[i], strlen(env[i]));
		free(env[i]);
	}
	free(env);
	free(argv);
	return e;
}

static int
exec_begin(struct running *r, struct err *err)
{
	struct exec_state *s = r->state;
	int e = exec_check(r->w, r->b, err);

	if (e < 0)
		return e;
	if (r->mode == ACT_RESTORE)
		return err_set(err, ERR_UNSUPPORTED, "a program has no value to put back: give the step an undo of its own");
	if (r->mode == ACT_SETTLE)
		return err_set(err, ERR_UNSUPPORTED, "nobody keeps a record of what a program of this machine did: give the step a check");
	buf_init(&s->out, STEP_OUT_MAX);
	buf_init(&s->err, STEP_OUT_MAX);
	s->kill = loop_timer_new(r->w->loop, on_kill, r);
	return exec_start(r, err);
}

static void
exec_cancel(struct running *r)
{
	struct exec_state *s = r->state;

	child_signal(s->child, SIGTERM);
	loop_timer_in(s->kill, KILL_AFTER_NS);
}

static void
exec_free(struct running *r)
{
	struct exec_state *s = r->state;

	if (s->kill == NULL)
		return;
	child_free(s->child);
	loop_timer_free(s->kill);
	buf_done(&s->out);
	buf_done(&s->err);
}

const struct step_ops step_exec_ops = {
	.kind = STEP_EXEC,
	.state_size = sizeof(struct exec_state),
	.bind = exec_bind,
	.text = exec_text,
	.check = exec_check,
	.begin = exec_begin,
	.cancel = exec_cancel,
	.free = exec_free,
};
