/* The public face: options, jobs asked for and reported, and the pump that advances what was woken. */
#include "config.h"

#include "ssh/ssh.h"

#include <errno.h>
#include <libssh2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "ssh/ssh_priv.h"

#define FALLBACK_NS (10 * NS_PER_MIN)

static void ssh_pump(void *arg);

/* --- made and freed --- */

static int
make_run_dir(struct ssh *s, struct err *err)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	char *dir = xasprintf("%s/opsconsole-ssh-XXXXXX", base != NULL && base[0] == '/' ? base : "/tmp");

	if (mkdtemp(dir) == NULL) {
		err_set_errno(err, ERR_IO, errno, "cannot make a folder for the ssh-agent (%s)", dir);
		free(dir);
		return ERR_IO;
	}
	s->o.run_dir = dir;
	s->is_run_dir_ours = true;
	return 0;
}

static void
copy_options(struct ssh *s, const struct ssh_options *o)
{
	s->o = *o;
	s->o.config = xstrdup_or_null(o->config);
	s->o.state_dir = xstrdup_or_null(o->state_dir);
	s->o.run_dir = xstrdup_or_null(o->run_dir);
	if (o->connecting_max == 0)
		s->o.connecting_max = 64;
	if (o->jobs_per_host == 0)
		s->o.jobs_per_host = 4;
	if (o->output_max == 0)
		s->o.output_max = 1 << 20;
}

int
ssh_new(struct loop *l, const struct ssh_options *o, struct ssh **ret, struct err *err)
{
	static bool is_ready;
	struct ssh *s;
	int r;

	if (!is_ready && libssh2_init(0) != 0)
		return err_set(err, ERR_NOMEM, "cannot prepare libssh2");
	is_ready = true;
	s = xcalloc(1, sizeof *s);
	s->loop = l;
	copy_options(s, o);
	TAILQ_INIT(&s->sessions);
	TAILQ_INIT(&s->woken);
	TAILQ_INIT(&s->queued);
	TAILQ_INIT(&s->dead);
	TAILQ_INIT(&s->jobs);
	TAILQ_INIT(&s->begin);
	TAILQ_INIT(&s->line);
	TAILQ_INIT(&s->done);
	if (s->o.run_dir == NULL && (r = make_run_dir(s, err)) < 0)
		goto fail;
	r = resolver_new(l, &s->resolver, err);
	if (r < 0)
		goto fail;
	s->pump = loop_timer_new(l, ssh_pump, s);
	s->settings = ssh_settings_cache_new(l, s->o.config);
	s->agents = agents_new(l, s->o.run_dir);
	*ret = s;
	return 0;
fail:
	ssh_free(s);
	return r;
}

static void
reap(struct ssh *s)
{
	struct session *d, *next;
	bool is_freed;

	/* One that others went through goes after them. */
	do {
		is_freed = false;
		TAILQ_FOREACH_SAFE(d, &s->dead, all, next) {
			if (d->n_over > 0)
				continue;
			TAILQ_REMOVE(&s->dead, d, all);
			session_free(d);
			is_freed = true;
		}
	} while (is_freed);
}

static void
free_lists(struct ssh *s)
{
	struct ssh_fallback *f;
	struct ssh_known *k;
	struct route_ask *r;

	while ((r = LIST_FIRST(&s->routes)) != NULL)
		route_ask_free(r);
	while ((k = LIST_FIRST(&s->known)) != NULL) {
		LIST_REMOVE(k, next);
		known_hosts_free(k->kh);
		free(k->paths);
		free(k);
	}
	while ((f = LIST_FIRST(&s->fallbacks)) != NULL) {
		LIST_REMOVE(f, next);
		free(f->key);
		free(f->why);
		free(f);
	}
}

void
ssh_free(struct ssh *s)
{
	struct session *session;
	struct ssh_job *j;

	if (s == NULL)
		return;
	if (s->n_callbacks > 0) {
		s->is_freed = true;
		ssh_pump_soon(s);
		return;
	}
	while ((j = TAILQ_FIRST(&s->jobs)) != NULL) {
		if (j->state == JOB_DONE)
			TAILQ_REMOVE(&s->done, j, line);
		job_free(j);
	}
	while ((session = TAILQ_FIRST(&s->sessions)) != NULL)
		session_close(session);
	reap(s);
	free_lists(s);
	agents_free(s->agents);
	if (s->settings != NULL)
		ssh_settings_cache_free(s->settings);
	resolver_free(s->resolver);
	loop_timer_free(s->pump);
	if (s->is_run_dir_ours)
		rmdir(s->o.run_dir);
	free((char *)(uintptr_t)s->o.config);
	free((char *)(uintptr_t)s->o.state_dir);
	free((char *)(uintptr_t)s->o.run_dir);
	free(s->kex);
	free(s->host_keys);
	free(s->ciphers);
	free(s->macs);
	free(s);
}

/* --- the pump --- */

void
ssh_pump_soon(struct ssh *s)
{
	/* While it runs it looks by itself what is left. */
	if (s->pump != NULL && !s->is_pumping)
		loop_timer_in(s->pump, 0);
}

/* As many as are woken now, each once. Handshakes beyond the budget stay for the next turn. */
static void
advance_woken(struct ssh *s, unsigned *budget)
{
	struct session *w;
	size_t n = 0;

	TAILQ_FOREACH(w, &s->woken, woken)
		n++;
	/* Some may leave the list meanwhile, and others come. */
	while (n-- > 0 && (w = TAILQ_FIRST(&s->woken)) != NULL) {
		bool is_handshake = w->state != SESSION_READY;

		TAILQ_REMOVE(&s->woken, w, woken);
		if (is_handshake && *budget == 0) {
			TAILQ_INSERT_TAIL(&s->woken, w, woken);
			continue;
		}
		*budget -= is_handshake;
		w->is_woken = false;
		session_advance(w);
	}
}

static void
begin_jobs(struct ssh *s)
{
	struct ssh_job *j;

	while ((j = TAILQ_FIRST(&s->begin)) != NULL) {
		TAILQ_REMOVE(&s->begin, j, line);
		j->is_beginning = false;
		job_begin(j);
	}
}

static void
start_waiting(struct ssh *s)
{
	struct session *q;
	struct ssh_job *j;

	while (s->n_connecting < s->o.connecting_max && (q = TAILQ_FIRST(&s->queued)) != NULL)
		session_start(q);
	while (s->n_starting < s->o.connecting_max && (j = TAILQ_FIRST(&s->line)) != NULL)
		job_start_openssh(j);
}

static void
report_done(struct ssh *s)
{
	struct ssh_job *j;

	while ((j = TAILQ_FIRST(&s->done)) != NULL) {
		TAILQ_REMOVE(&s->done, j, line);
		job_report(j);
		job_free(j);
	}
}

bool
ssh_callback_begin(struct ssh *s)
{
	if (s->is_freed)
		return false;
	s->n_callbacks++;
	return true;
}

void
ssh_callback_end(struct ssh *s)
{
	s->n_callbacks--;
}

static bool
has_more(const struct ssh *s)
{
	return !TAILQ_EMPTY(&s->woken) || !TAILQ_EMPTY(&s->begin) || !TAILQ_EMPTY(&s->done) ||
	    (!TAILQ_EMPTY(&s->queued) && s->n_connecting < s->o.connecting_max) || (!TAILQ_EMPTY(&s->line) && s->n_starting < s->o.connecting_max);
}

static void
ssh_pump(void *arg)
{
	unsigned budget = SSH_HANDSHAKES_PER_TURN;
	struct ssh *s = arg;

	s->is_pumping = true;
	/* Bytes of a session that goes through another wake that one: a few rounds bring them out in the same turn. */
	begin_jobs(s);
	for (int i = 0; i < 4 && !TAILQ_EMPTY(&s->woken); i++)
		advance_woken(s, &budget);
	start_waiting(s);
	report_done(s);
	reap(s);
	s->is_pumping = false;
	if (s->is_freed)
		ssh_free(s);
	else if (has_more(s))
		ssh_pump_soon(s);
}

/* --- asked of us --- */

const char *
ssh_stage_name(enum ssh_stage stage)
{
	static const char *const names[] = {
		"reading settings", "looking the name up", "connecting", "exchanging keys", "checking the host key", "logging in", "opening a channel",
		"running", "closed",
	};

	return names[stage];
}

static int
check_host(const struct ssh_host *host, struct err *err)
{
	if (host->address == NULL || host->address[0] == '\0' || host->address[0] == '-')
		return err_set(err, ERR_INVALID, "a host needs an address that does not begin with \"-\"");
	if (host->user != NULL && host->user[0] == '-')
		return err_set(err, ERR_INVALID, "a user name may not begin with \"-\"");
	return 0;
}

static int
check_nonce(const char *nonce, struct err *err)
{
	size_t len = nonce != NULL ? strlen(nonce) : 0;

	if (len < 16 || len > 32 || strspn(nonce, "0123456789abcdefABCDEF") != len)
		return err_set(err, ERR_INVALID, "a command needs a nonce of 16 to 32 hex digits");
	return 0;
}

static int
check_command(const struct ssh_command *cmd, struct err *err)
{
	if ((cmd->argv == NULL || cmd->argv[0] == NULL) && cmd->script == NULL)
		return err_set(err, ERR_INVALID, "no command to run");
	if (cmd->script != NULL && cmd->in_len > 0)
		return err_set(err, ERR_INVALID, "a script is sent on stdin: there can be no other input with it");
	if (cmd->timeout_ns <= 0)
		return err_set(err, ERR_INVALID, "a command on a host needs a timeout");
	return cmd->is_unsupervised && cmd->nonce == NULL ? 0 : check_nonce(cmd->nonce, err);
}

/* All callbacks come from the loop: not before the caller has what we return. */
static void
job_line_up(struct ssh_job *j)
{
	TAILQ_INSERT_TAIL(&j->ssh->begin, j, line);
	j->is_beginning = true;
	ssh_pump_soon(j->ssh);
}

int
ssh_exec(struct ssh *s, const struct ssh_host *host, const struct ssh_command *cmd, ssh_read_cb *read, ssh_stage_cb *stage, ssh_done_cb *done,
    void *arg, struct ssh_job **ret_job, struct err *err)
{
	struct ssh_job *j;
	int r;

	if ((r = check_host(host, err)) < 0 || (r = check_command(cmd, err)) < 0 || (r = job_new(s, JOB_COMMAND, host, cmd, &j, err)) < 0)
		return r;
	j->read = read;
	j->on_stage = stage;
	j->done = done;
	j->arg = arg;
	if (ret_job != NULL)
		*ret_job = j;
	job_line_up(j);
	return 0;
}

int
ssh_settle(struct ssh *s, const struct ssh_host *host, const char *nonce, ssh_done_cb *done, void *arg, struct ssh_job **ret_job, struct err *err)
{
	const struct ssh_command cmd = { .nonce = nonce, .timeout_ns = SSH_GRACE_NS, .is_read_only = true };
	struct ssh_job *j;
	int r;

	if ((r = check_host(host, err)) < 0 || (r = check_nonce(nonce, err)) < 0 || (r = job_new(s, JOB_SETTLE, host, &cmd, &j, err)) < 0)
		return r;
	j->done = done;
	j->arg = arg;
	if (ret_job != NULL)
		*ret_job = j;
	job_line_up(j);
	return 0;
}

enum ssh_stage
ssh_job_stage(const struct ssh_job *job)
{
	return job->stage;
}

void
ssh_job_cancel(struct ssh_job *job)
{
	job_cancel(job);
}

int
ssh_command_text(const struct ssh_command *cmd, struct buf *b, struct err *err)
{
	struct supervised sv;
	int r;

	if ((r = check_command(cmd, err)) < 0 || (r = supervisor_wrap(cmd, NULL, &sv, err)) < 0)
		return r;
	r = buf_add(b, sv.command.data, sv.command.len);
	if (r < 0)
		err_set(err, ERR_LIMIT, "the command is too long to be shown");
	supervised_done(&sv);
	return r;
}

void
ssh_stats(const struct ssh *s, struct ssh_stats *ret)
{
	const struct session *c;

	*ret = (struct ssh_stats){ .connecting = s->n_connecting, .jobs = s->n_jobs, .fresh = s->n_fresh, .reused = s->n_reused };
	TAILQ_FOREACH(c, &s->sessions, all)
		ret->connections += c->state == SESSION_READY;
	ssh_settings_counts(s->settings, &ret->settings_run, &ret->settings_cached);
}

/* --- what was found out by trying --- */

const char *
ssh_fallback_get(struct ssh *s, const char *key)
{
	struct ssh_fallback *f;

	LIST_FOREACH(f, &s->fallbacks, next)
		if (strcmp(f->key, key) == 0)
			return f->until_mono > clock_mono() ? f->why : NULL;
	return NULL;
}

void
ssh_fallback_add(struct ssh *s, const char *key, const char *why)
{
	struct ssh_fallback *f;

	LIST_FOREACH(f, &s->fallbacks, next)
		if (strcmp(f->key, key) == 0)
			break;
	if (f == NULL) {
		f = xcalloc(1, sizeof *f);
		f->key = xstrdup(key);
		LIST_INSERT_HEAD(&s->fallbacks, f, next);
	}
	free(f->why);
	f->why = xstrdup(why);
	f->until_mono = clock_mono() + FALLBACK_NS;
}

void
ssh_on_passphrase(struct ssh *s, ssh_passphrase_cb *cb, void *arg)
{
	agents_on_passphrase(s->agents, cb, arg);
}

void
ssh_passphrase(struct ssh *s, const char *path, char *passphrase)
{
	agents_passphrase(s->agents, path, passphrase);
}
