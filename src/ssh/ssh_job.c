/*
 * Jobs: one command each, from the path to the channel. How they end is in ssh_job_end.c, by way of the system's ssh in ssh_openssh.c.
 */
#include "config.h"

#include "ssh/ssh_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"

static void job_timer(void *arg);

/* --- made and freed --- */

static const char *const *
copy_list(const char *const *list)
{
	size_t n = 0;
	char **copy;

	if (list == NULL)
		return NULL;
	while (list[n] != NULL)
		n++;
	copy = xcalloc(n + 1, sizeof *copy);
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(list[i]);
	return (const char *const *)copy;
}

/* Values of env may be secrets: no copy of them is left in freed memory. */
static void
free_list(const char *const *list)
{
	char **copy = (char **)(uintptr_t)list;

	if (list == NULL)
		return;
	for (size_t i = 0; copy[i] != NULL; i++) {
		explicit_bzero(copy[i], strlen(copy[i]));
		free(copy[i]);
	}
	free(copy);
}

static void
free_text(const char *text)
{
	free((char *)(uintptr_t)text);
}

static void
copy_host(struct ssh_host *to, const struct ssh_host *from)
{
	to->name = xstrdup(from->name != NULL ? from->name : from->address);
	to->address = xstrdup(from->address);
	to->user = xstrdup(from->user != NULL ? from->user : "");
	to->port = from->port;
}

static void
copy_command(struct ssh_command *to, const struct ssh_command *from)
{
	void *in = NULL;

	*to = *from;
	to->argv = copy_list(from->argv);
	to->env = copy_list(from->env);
	to->script = xstrdup_or_null(from->script);
	to->become = xstrdup_or_null(from->become);
	to->nonce = xstrdup_or_null(from->nonce);
	if (from->in_len > 0) {
		in = xmalloc(from->in_len);
		memcpy(in, from->in, from->in_len);
	}
	to->in = in;
}

static int
job_wrap(struct ssh_job *j, struct err *err)
{
	const char *dir = j->ssh->o.state_dir;

	switch (j->kind) {
	case JOB_SETTLE:
		return supervisor_settle(j->cmd.nonce, dir, &j->sv, err);
	case JOB_CANCEL:
		return supervisor_cancel(j->cmd.nonce, dir, &j->sv, err);
	default:
		return supervisor_wrap(&j->cmd, dir, &j->sv, err);
	}
}

int
job_new(struct ssh *ssh, enum job_kind kind, const struct ssh_host *host, const struct ssh_command *cmd, struct ssh_job **ret, struct err *err)
{
	struct ssh_job *j = xcalloc(1, sizeof *j);
	int r;

	j->ssh = ssh;
	j->kind = kind;
	j->state = JOB_NEW;
	j->result.status = -1;
	j->result.transport = SSH_LIBSSH2;
	buf_init(&j->out, ssh->o.output_max);
	buf_init(&j->err_out, ssh->o.output_max);
	copy_host(&j->host, host);
	copy_command(&j->cmd, cmd);
	j->timer = loop_timer_new(ssh->loop, job_timer, j);
	TAILQ_INSERT_TAIL(&ssh->jobs, j, all);
	ssh->n_jobs++;
	r = job_wrap(j, err);
	if (r < 0) {
		job_free(j);
		return r;
	}
	/* It can be wrapped; while two hundred hosts are being connected to, nobody needs to hold the words. */
	supervised_done(&j->sv);
	*ret = j;
	return 0;
}

void
job_wrap_again(struct ssh_job *j)
{
	if (!j->has_sv)
		job_wrap(j, NULL);
	j->has_sv = true;
}

static void
job_leave_session(struct ssh_job *j)
{
	struct session *s = j->session;

	if (s == NULL)
		return;
	if (j->channel != NULL)
		channel_close(j->channel);
	if (j->state == JOB_CHANNEL) {
		s->n_running--;
		session_wake(s);	/* the next one's turn */
	}
	j->channel = NULL;
	j->session = NULL;
	job_timer_set(j, JOB_TIMER_NONE, 0);
	TAILQ_REMOVE(&s->jobs, j, on_session);
	session_settle_idle(s);
}

static void
job_stop_starting(struct ssh_job *j)
{
	if (j->state == JOB_NEW && j->is_beginning)
		TAILQ_REMOVE(&j->ssh->begin, j, line);
	j->is_beginning = false;
	if (j->state == JOB_LINE)
		TAILQ_REMOVE(&j->ssh->line, j, line);
	if (j->is_starting) {
		j->ssh->n_starting--;
		ssh_pump_soon(j->ssh);
	}
	j->is_starting = false;
}

/* Lets go of all it uses on the way: nothing calls it back afterwards. */
static void
job_let_go(struct ssh_job *j)
{
	path_ask_cancel(j->path_ask);
	job_leave_session(j);
	job_stop_starting(j);
	openssh_free(j->openssh);
	j->openssh = NULL;
	loop_timer_stop(j->timer);
	if (j->target != NULL)
		j->target->canceller = NULL;
	if (j->canceller != NULL)
		j->canceller->target = NULL;
	j->target = j->canceller = NULL;
}

void
job_free(struct ssh_job *j)
{
	job_let_go(j);
	TAILQ_REMOVE(&j->ssh->jobs, j, all);
	j->ssh->n_jobs--;
	loop_timer_free(j->timer);
	ssh_settings_unref(j->settings);
	if (j->has_sv)
		supervised_done(&j->sv);
	if (j->has_reader)
		supervisor_reader_done(&j->reader);
	fifo_done(&j->tx);
	buf_done(&j->out);
	buf_done(&j->err_out);
	free(j->why);
	free_list(j->cmd.argv);
	free_list(j->cmd.env);
	free_text(j->cmd.script);
	free_text(j->cmd.become);
	free_text(j->cmd.nonce);
	free_text(j->cmd.in);
	free_text(j->host.name);
	free_text(j->host.address);
	free_text(j->host.user);
	free(j);
}

/* --- stages and time --- */

void
job_set_stage(struct ssh_job *j, enum ssh_stage stage)
{
	/* A session's stage is that of those who wait for it; who runs has his own. */
	if (j->state == JOB_DONE || stage == j->stage || (j->stage == SSH_RUN && stage < SSH_RUN))
		return;
	j->stage = stage;
	if (j->on_stage == NULL || !ssh_callback_begin(j->ssh))
		return;
	j->on_stage(j, stage, j->arg);
	ssh_callback_end(j->ssh);
}

void
job_timer_set(struct ssh_job *j, enum job_timer what, int64_t in_ns)
{
	j->waits_for = what;
	if (what == JOB_TIMER_NONE)
		loop_timer_stop(j->timer);
	else
		loop_timer_in(j->timer, in_ns);
}

/* The command is with the host: from here on its end is waited for, its own time and a little longer. */
void
job_started(struct ssh_job *j)
{
	int64_t in;

	job_set_stage(j, SSH_RUN);
	if (j->result.started_ns == 0)
		j->result.started_ns = clock_now();
	if (__builtin_add_overflow(j->cmd.timeout_ns, SSH_GRACE_NS, &in))
		in = INT64_MAX;
	if (j->waits_for == JOB_TIMER_NONE || j->waits_for == JOB_TIMER_OPEN)
		job_timer_set(j, JOB_TIMER_WATCH, in);
}

/* --- output --- */

void
job_keep(struct ssh_job *j, enum ssh_stream stream, const char *bytes, size_t len)
{
	struct buf *b = stream == SSH_OUT ? &j->out : &j->err_out;
	size_t room = b->max - b->len;

	if (j->state == JOB_DONE)
		return;
	*(stream == SSH_OUT ? &j->out_total : &j->err_total) += len;
	buf_add(b, bytes, len < room ? len : room);
	if (j->read == NULL || !ssh_callback_begin(j->ssh))
		return;
	j->read(j, stream, bytes, len, j->arg);
	ssh_callback_end(j->ssh);
}

static void
stderr_own(const char *bytes, size_t len, void *arg)
{
	job_keep(arg, SSH_ERR, bytes, len);
}

void
job_stderr(struct ssh_job *j, const char *bytes, size_t len)
{
	if (!j->has_reader) {
		job_keep(j, SSH_ERR, bytes, len);
		return;
	}
	supervisor_read(&j->reader, bytes, len, stderr_own, j);
	/* It has ended; what it left in the background may hold the streams open for ever. */
	if (j->reader.is_ended && j->state == JOB_CHANNEL && j->waits_for != JOB_TIMER_DRAIN)
		job_timer_set(j, JOB_TIMER_DRAIN, SSH_DRAIN_NS);
}

static void
job_read_end(struct ssh_job *j)
{
	if (j->has_reader)
		supervisor_read_end(&j->reader, stderr_own, j);
}

/* --- its channel --- */

static void
run_opened(void *arg)
{
	job_started(arg);
}

static void
run_read(enum ssh_stream stream, const char *bytes, size_t len, void *arg)
{
	if (stream == SSH_OUT)
		job_keep(arg, SSH_OUT, bytes, len);
	else
		job_stderr(arg, bytes, len);
}

static void
unsupervised_end(struct ssh_job *j, const struct channel *c)
{
	/* libssh2 says 0 also where the server said nothing; sshd always does say it before it closes a channel in order. */
	j->result.status = c->status;
	snprintf(j->result.signal, sizeof j->result.signal, "%s", c->signal);
	job_finish(j, SSH_EXITED);
}

static void
job_closed(struct ssh_job *j)
{
	if (j->kind == JOB_COMMAND)
		supervisor_closed(&j->reader);
	if (!job_judge(j))
		job_unknown_by_reader(j);
}

/*
 * Nothing was run. Where others of ours run on the connection, the server may only be full (MaxSessions): it waits for one of them. sshd counts a channel a moment longer
 * than it lives, so one that was closed just now still counts as such.
 */
static void
job_refused(struct ssh_job *j, const struct channel *c, const struct err *err)
{
	struct session *s = j->session;
	unsigned others = session_channels(s);
	bool is_full = others > 0 || (s->closed_mono != 0 && clock_mono() - s->closed_mono < NS_PER_S);

	if (j->kind == JOB_CANCEL && j->target != NULL && j->ssh->o.transport == SSH_AUTO) {
		/* It cannot wait for what it is to end: another connection. */
		j->settings = ssh_settings_ref(j->target->settings);
		job_leave_session(j);
		job_to_openssh(j, "the connection has no room for it");
		return;
	}
	if (!is_full || c->ssh2 != NULL || j->kind == JOB_CANCEL || ++j->n_refused > SSH_REFUSED_MAX) {
		job_not_run(j, SSH_FAIL_OPEN, err);
		return;
	}
	s->n_running--;
	s->running_max = others > 0 ? others : 1;
	job_timer_set(j, JOB_TIMER_AGAIN, SSH_AGAIN_NS);
	j->state = JOB_WAITING;
}

/* The channel is not open within the time in which a connection has to be there. */
static void
job_open_overdue(struct ssh_job *j)
{
	struct session *s = j->session;
	struct err err = ERR_INIT;
	char took[DURATION_TEXT_MAX];

	if (j->channel == NULL || channel_is_requested(j->channel)) {
		job_started(j);		/* sent and not answered: it may run */
		return;
	}
	err_set(&err, ERR_TIMEOUT, "%s: no answer within %s while opening a channel", j->host.name, duration_format(took, s->connect_ns));
	/* Alone on it: the connection is dead, and a kept one is made anew (see job_session_lost()). */
	if (s->n_running == 1)
		session_fail(s, SSH_FAIL_OPEN, &err);
	else
		job_not_run(j, SSH_FAIL_OPEN, &err);
}

static void
run_end(enum channel_end how, const struct err *err, void *arg)
{
	struct ssh_job *j = arg;
	struct channel *c = j->channel;

	j->channel = NULL;
	if (how == CHANNEL_END_BROKEN) {
		j->is_requested = channel_is_requested(c);
		return;		/* job_session_lost() follows */
	}
	if (how == CHANNEL_END_REFUSED) {
		job_refused(j, c, err);
		return;
	}
	job_read_end(j);
	if (j->cmd.is_unsupervised && j->kind == JOB_COMMAND)
		unsupervised_end(j, c);
	else
		job_closed(j);
}

static void
reader_begin(struct ssh_job *j)
{
	if (j->cmd.is_unsupervised && j->kind == JOB_COMMAND)
		return;
	if (j->has_reader)
		supervisor_reader_done(&j->reader);
	supervisor_reader_init(&j->reader, j->cmd.nonce);
	j->has_reader = true;
}

void
job_start_channel(struct ssh_job *j)
{
	static const struct channel_ops ops = { .opened = run_opened, .read = run_read, .end = run_end };
	struct session *s = j->session;
	char *command;
	size_t len;

	/* While nothing is on its way: whoever is told may cancel it. */
	job_set_stage(j, SSH_OPEN);
	if (j->state == JOB_DONE)
		return;
	job_wrap_again(j);
	command = buf_take(&j->sv.command, &len);
	j->state = JOB_CHANNEL;
	s->n_running++;
	j->is_requested = false;
	j->result.connected_ns = s->connected_ns;
	job_timer_set(j, JOB_TIMER_OPEN, s->connect_ns);
	reader_begin(j);
	fifo_done(&j->tx);
	fifo_add(&j->tx, j->sv.input.data, j->sv.input.len);
	fifo_add(&j->tx, j->cmd.in, j->cmd.in_len);
	supervised_done(&j->sv);
	j->has_sv = false;
	j->channel = channel_new(s, command, len, NULL, 0, &j->tx, true, &ops, j);
}

/* --- the way there --- */

static void
job_wait_on(struct ssh_job *j, struct session *s)
{
	j->state = JOB_WAITING;
	j->session = s;
	TAILQ_INSERT_TAIL(&s->jobs, j, on_session);
	session_settle_idle(s);
	j->result.is_reused = s->state == SESSION_READY;
	j->ssh->n_reused += j->result.is_reused;
	job_set_stage(j, session_stage(s));
	if (s->state == SESSION_READY)
		session_wake(s);
}

static void
job_path(const struct ssh_path *path, const struct err *err, void *arg)
{
	struct ssh_job *j = arg;
	enum ssh_transport wanted = j->ssh->o.transport;
	struct err refused = ERR_INIT;
	const char *why;
	struct session *s;

	if (path == NULL) {
		job_not_run(j, SSH_FAIL_SETTINGS, err);
		return;
	}
	ssh_settings_unref(j->settings);
	j->settings = ssh_settings_ref(path->hop[path->n - 1].settings);
	if (wanted == SSH_OPENSSH || (wanted == SSH_AUTO && path->why_openssh != NULL)) {
		job_to_openssh(j, wanted == SSH_OPENSSH ? "the configuration asks for it" : path->why_openssh);
		return;
	}
	if (path->why_openssh != NULL) {
		err_set(&refused, ERR_UNSUPPORTED, "%s cannot be reached by libssh2, which the configuration asks for: %s", j->host.name, path->why_openssh);
		job_not_run(j, SSH_FAIL_SETTINGS, &refused);
		return;
	}
	why = wanted == SSH_AUTO ? session_fallback(j->ssh, path) : NULL;
	if (why != NULL) {
		job_to_openssh(j, why);
		return;
	}
	s = session_get(j->ssh, path, path->n - 1);
	if (s->state != SESSION_CLOSED)
		job_wait_on(j, s);
	else
		job_session_lost(j, s);		/* the agent answered at once, and there is no way on */
}

void
job_begin(struct ssh_job *j)
{
	j->state = JOB_PATH;
	j->stage = SSH_SETTINGS;
	path_get(j->ssh, &j->host, job_path, j, &j->path_ask);
}

void
job_session_lost(struct ssh_job *j, const struct session *s)
{
	if (j->state == JOB_CHANNEL && j->is_requested) {
		job_read_end(j);
		if (!job_judge(j))
			job_unknown(j, "the connection was lost while the command ran: %s", s->err.msg);
		return;
	}
	job_leave_session(j);
	if (s->why_openssh != NULL && j->ssh->o.transport == SSH_AUTO) {
		job_to_openssh(j, s->why_openssh);
	} else if (j->result.is_reused && !j->has_retried && !j->is_cancelled && j->kind != JOB_CANCEL) {
		/* It turned out dead when it was to be used again, and nothing of this job had left us: once more on a fresh one. */
		log_write(LOG_INFO, "ssh", "%s: once more on a fresh connection", j->host.name);
		j->has_retried = true;
		job_begin(j);
	} else {
		job_not_run(j, s->fail, &s->err);
	}
}

/* --- ending it --- */

static void
job_send_cancel(struct ssh_job *j)
{
	const struct ssh_command cmd = { .nonce = j->cmd.nonce, .become = j->cmd.become, .timeout_ns = SSH_GRACE_NS };
	struct err err = ERR_INIT;
	struct ssh_job *c;

	if (j->canceller != NULL || job_new(j->ssh, JOB_CANCEL, &j->host, &cmd, &c, &err) < 0)
		return;
	j->canceller = c;
	c->target = j;
	if (j->state == JOB_CHANNEL) {
		/* Beyond jobs_per_host: it must not wait behind what it ends. */
		c->session = j->session;
		TAILQ_INSERT_TAIL(&c->session->jobs, c, on_session);
		job_start_channel(c);
	} else {
		c->settings = ssh_settings_ref(j->settings);
		job_to_openssh(c, j->why);
	}
}

static void
job_timer(void *arg)
{
	struct ssh_job *j = arg;
	char after[DURATION_TEXT_MAX];
	enum job_timer what = j->waits_for;

	j->waits_for = JOB_TIMER_NONE;
	switch (what) {
	case JOB_TIMER_DRAIN:
		job_read_end(j);
		job_judge(j);
		return;
	case JOB_TIMER_AGAIN:
		session_wake(j->session);
		return;
	case JOB_TIMER_OPEN:
		job_open_overdue(j);
		return;
	case JOB_TIMER_WATCH:
		if (j->kind != JOB_COMMAND || j->cmd.is_unsupervised) {
			job_unknown(j, "%s: no end of the command within its %s and a little more", j->host.name, duration_format(after, j->cmd.timeout_ns));
			return;
		}
		j->is_overdue = true;
		job_send_cancel(j);
		job_timer_set(j, JOB_TIMER_CANCEL, SSH_GRACE_NS);
		return;
	case JOB_TIMER_CANCEL:
		job_unknown(j, "%s: no word of the command's end after it was asked to end%s", j->host.name,
		    j->is_overdue ? ", beyond its timeout" : "");
		return;
	default:
		return;
	}
}

void
job_cancel(struct ssh_job *j)
{
	struct err err = { .code = ERR_CANCELLED, .msg = "cancelled before anything was run" };
	bool is_begun = j->state == JOB_OPENSSH || (j->state == JOB_CHANNEL && j->channel != NULL && channel_is_requested(j->channel));

	if (j->state == JOB_DONE || j->is_cancelled)
		return;
	j->is_cancelled = true;
	if (!is_begun)
		job_not_run(j, SSH_FAIL_CANCELLED, &err);
	else if (j->cmd.is_unsupervised || j->kind != JOB_COMMAND)
		job_unknown(j, "cancelled: without its supervisor it cannot be ended for certain, and may run on");
	else if (j->waits_for != JOB_TIMER_DRAIN && j->waits_for != JOB_TIMER_CANCEL) {
		job_send_cancel(j);
		job_timer_set(j, JOB_TIMER_CANCEL, SSH_GRACE_NS);
	}
}

/* --- the end --- */

/* That a host cannot be asked what became of a command says nothing about the command. Only its own word that it never came there does. */
static bool
is_question_unasked(const struct ssh_job *j, enum ssh_outcome outcome)
{
	return j->kind == JOB_SETTLE && outcome == SSH_NOT_RUN && (j->result.fail != SSH_FAIL_OPEN || j->stage != SSH_CLOSED);
}

void
job_finish(struct ssh_job *j, enum ssh_outcome outcome)
{
	struct ssh_result *r = &j->result;

	if (j->state == JOB_DONE)
		return;
	job_let_go(j);
	if (is_question_unasked(j, outcome))
		outcome = SSH_UNKNOWN;
	r->outcome = outcome;
	r->stage = outcome == SSH_NOT_RUN || outcome == SSH_UNKNOWN ? j->stage : SSH_CLOSED;
	if (outcome != SSH_NOT_RUN)
		r->fail = SSH_FAIL_NONE;
	else
		r->started_ns = 0;
	r->ended_ns = clock_now();
	j->state = JOB_DONE;
	TAILQ_INSERT_TAIL(&j->ssh->done, j, line);
	ssh_pump_soon(j->ssh);
}

void
job_report(struct ssh_job *j)
{
	struct ssh_result *r = &j->result;

	r->transport_why = j->why != NULL && r->transport == SSH_OPENSSH ? j->why : "";
	r->out = j->out.data;
	r->out_len = j->out.len;
	r->err_out = j->err_out.data;
	r->err_len = j->err_out.len;
	r->out_total = j->out_total;
	r->err_total = j->err_total;
	if (j->done == NULL || !ssh_callback_begin(j->ssh))
		return;
	j->done(j, r, j->arg);
	ssh_callback_end(j->ssh);
}
