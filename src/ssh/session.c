/*
 * Connections: found again or made, entered from state to state, failed, kept idle, freed. What each state does is in session_connect.c, session_keys.c,
 * session_login.c, session_channel.c and jump.c.
 */
#include "config.h"

#include "ssh/ssh_priv.h"

#include <libssh2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"

static const char *const state_names[] = { "agent", "via", "queued", "resolve", "connect", "keys", "login", "ready", "closed" };

static void session_fail_with(struct session *s, const struct session *via);
static void session_timer(void *arg);
static void session_alive(void *arg);

/* Two names of one address are two sessions: their settings, and with them users' keys, may differ. */
static char *
session_key(const struct ssh_path *path, unsigned hop)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	for (unsigned i = 0; i <= hop; i++) {
		const struct ssh_settings *s = path->hop[i].settings;

		buf_printf(&b, "%s\n%s\n%s\n%u\n%s\n", path->hop[i].name, s->user, s->hostname, s->port,
		    s->host_key_alias != NULL ? s->host_key_alias : "");
	}
	return ssh_buf_text(&b);
}

const char *
session_fallback(struct ssh *ssh, const struct ssh_path *path)
{
	const char *why = NULL;

	for (unsigned i = 0; i < path->n && why == NULL; i++) {
		char *key = session_key(path, i);

		why = ssh_fallback_get(ssh, key);
		free(key);
	}
	return why;
}

static struct session *
session_find(struct ssh *ssh, const char *key)
{
	struct session *s;

	TAILQ_FOREACH(s, &ssh->sessions, all)
		if (strcmp(s->key, key) == 0)
			return s;
	return NULL;
}

static int64_t
connect_time(const struct ssh *ssh, const struct ssh_settings *set)
{
	if (ssh->o.connect_ns > 0)
		return ssh->o.connect_ns;
	return set->connect_ns > 0 ? set->connect_ns : SSH_CONNECT_NS;
}

static struct session *
session_new(struct ssh *ssh, const struct ssh_path_hop *hop, struct session *via, char *key)
{
	struct session *s = xcalloc(1, sizeof *s);

	s->ssh = ssh;
	s->key = key;
	s->name = xstrdup(hop->name);
	s->settings = ssh_settings_ref(hop->settings);
	s->via = via;
	s->fd = -1;
	s->running_max = ssh->o.jobs_per_host;
	s->connect_ns = connect_time(ssh, s->settings);
	s->timer = loop_timer_new(ssh->loop, session_timer, s);
	s->alive = loop_timer_new(ssh->loop, session_alive, s);
	loop_timer_slack(s->alive, NS_PER_S);
	buf_init(&s->hello, 8192);
	TAILQ_INIT(&s->channels);
	TAILQ_INIT(&s->jobs);
	TAILQ_INSERT_TAIL(&ssh->sessions, s, all);
	if (via != NULL)
		via->n_over++;
	ssh->n_fresh++;
	return s;
}

struct session *
session_get(struct ssh *ssh, const struct ssh_path *path, unsigned hop)
{
	struct session *via = hop > 0 ? session_get(ssh, path, hop - 1) : NULL, *s;
	char *key = session_key(path, hop);

	s = session_find(ssh, key);
	if (s != NULL) {
		free(key);
		return s;
	}
	s = session_new(ssh, &path->hop[hop], via, key);
	if (via != NULL && via->state == SESSION_CLOSED)
		session_fail_with(s, via);
	else
		session_enter(s, SESSION_AGENT);
	return s;
}

/* --- states --- */

static void
slot_give_back(struct session *s)
{
	if (!s->has_slot)
		return;
	s->has_slot = false;
	s->ssh->n_connecting--;
	ssh_pump_soon(s->ssh);
}

static void
enter_agent(struct session *s)
{
	loop_timer_in(s->timer, s->connect_ns);
	session_agent(s);
}

static void
enter_via(struct session *s)
{
	loop_timer_stop(s->timer);
	if (s->via == NULL || s->via->state == SESSION_READY)
		session_enter(s, SESSION_QUEUED);
}

static void
enter_queued(struct session *s)
{
	TAILQ_INSERT_TAIL(&s->ssh->queued, s, queued);
	s->is_queued = true;
	ssh_pump_soon(s->ssh);
}

static void
enter_keys(struct session *s)
{
	struct err err = ERR_INIT;

	session_set_stage(s, SSH_KEYS);
	s->heard_mono = clock_mono();
	if (session_keys_begin(s, &err) < 0) {
		session_fail(s, SSH_FAIL_KEYS, &err);
		return;
	}
	session_wake(s);
}

/* Those that go on through this one. */
static void
wake_over(struct session *s)
{
	struct session *o;

	TAILQ_FOREACH(o, &s->ssh->sessions, all)
		if (o->via == s && o->state == SESSION_VIA)
			session_enter(o, SESSION_QUEUED);
}

static void
enter_ready(struct session *s)
{
	loop_timer_stop(s->timer);
	slot_give_back(s);
	login_done(s);
	buf_done(&s->hello);
	buf_init(&s->hello, 0);
	s->connected_ns = clock_now();
	if (s->settings->alive_interval_s > 0) {
		libssh2_keepalive_config(s->ssh2, 1, s->settings->alive_interval_s);
		loop_timer_in(s->alive, s->settings->alive_interval_s * NS_PER_S);
	}
	wake_over(s);
	session_settle_idle(s);
	session_wake(s);
}

static void
enter_closed(struct session *s)
{
	struct ssh *ssh = s->ssh;

	if (s->is_queued)
		TAILQ_REMOVE(&ssh->queued, s, queued);
	if (s->is_woken)
		TAILQ_REMOVE(&ssh->woken, s, woken);
	s->is_queued = s->is_woken = false;
	slot_give_back(s);
	session_connect_stop(s);
	login_done(s);
	loop_timer_stop(s->timer);
	loop_timer_stop(s->alive);
	TAILQ_REMOVE(&ssh->sessions, s, all);
	TAILQ_INSERT_TAIL(&ssh->dead, s, all);
	ssh_pump_soon(ssh);
}

void
session_enter(struct session *s, enum session_state to)
{
	log_write(LOG_DEBUG, "ssh", "%s: %s -> %s", s->name, state_names[s->state], state_names[to]);
	s->state = to;
	switch (to) {
	case SESSION_AGENT:
		enter_agent(s);
		break;
	case SESSION_VIA:
		enter_via(s);
		break;
	case SESSION_QUEUED:
		enter_queued(s);
		break;
	case SESSION_RESOLVE:
		session_set_stage(s, SSH_RESOLVE);
		loop_timer_in(s->timer, s->connect_ns);
		session_connect(s);
		break;
	case SESSION_CONNECT:
		session_set_stage(s, SSH_CONNECT);
		break;
	case SESSION_KEYS:
		enter_keys(s);
		break;
	case SESSION_LOGIN:
		session_set_stage(s, SSH_LOGIN);
		session_wake(s);
		break;
	case SESSION_READY:
		enter_ready(s);
		break;
	case SESSION_CLOSED:
		enter_closed(s);
		break;
	}
}

void
session_start(struct session *s)
{
	TAILQ_REMOVE(&s->ssh->queued, s, queued);
	s->is_queued = false;
	s->has_slot = true;
	s->ssh->n_connecting++;
	if (s->via != NULL) {
		loop_timer_in(s->timer, s->connect_ns);
		session_enter(s, SESSION_CONNECT);
		jump_connect(s);
	} else {
		session_enter(s, SESSION_RESOLVE);
	}
}

static void
tell_stage(struct session *s, enum ssh_stage stage)
{
	struct session *o;
	struct ssh_job *j;

	TAILQ_FOREACH(j, &s->jobs, on_session)
		if (j->state == JOB_WAITING)
			job_set_stage(j, stage);
	if (s->n_over == 0)
		return;
	TAILQ_FOREACH(o, &s->ssh->sessions, all)
		if (o->via == s && o->state == SESSION_VIA)
			tell_stage(o, stage);
}

void
session_set_stage(struct session *s, enum ssh_stage stage)
{
	s->stage = stage;
	tell_stage(s, stage);
}

enum ssh_stage
session_stage(const struct session *s)
{
	return s->state == SESSION_VIA && s->via != NULL ? session_stage(s->via) : s->stage;
}

void
session_wake(struct session *s)
{
	if (s->is_woken || s->state == SESSION_CLOSED)
		return;
	s->is_woken = true;
	TAILQ_INSERT_TAIL(&s->ssh->woken, s, woken);
	ssh_pump_soon(s->ssh);
}

static bool
has_room(const struct session *s)
{
	/* Where the server has said that it is full, a channel counts until it is closed there too. */
	if (s->running_max < s->ssh->o.jobs_per_host)
		return session_channels(s) < s->running_max;
	return s->n_running < s->running_max;
}

static void
start_jobs(struct session *s)
{
	struct ssh_job *j, *next;

	TAILQ_FOREACH_SAFE(j, &s->jobs, on_session, next) {
		if (!has_room(s))
			return;
		if (j->state == JOB_WAITING && j->waits_for != JOB_TIMER_AGAIN)
			job_start_channel(j);
	}
}

void
session_advance(struct session *s)
{
	if (s->state == SESSION_KEYS)
		session_keys_advance(s);
	if (s->state == SESSION_LOGIN)
		session_login_advance(s);
	if (s->state == SESSION_READY) {
		start_jobs(s);
		channels_advance(s);
	}
	if (s->state == SESSION_READY && s->is_eof && s->rx.len == 0)
		session_fail_text(s, SSH_FAIL_OPEN, ERR_IO, "%s closed the connection", s->name);
	if (s->state != SESSION_CLOSED)
		session_flush(s);
}

/* --- how it ends --- */

const char *
session_ssh2_error(struct session *s, char *buf, size_t size)
{
	char *text = NULL;

	libssh2_session_last_error(s->ssh2, &text, NULL, 0);
	str_escape_to(buf, size, text != NULL ? text : "");
	return buf;
}

static void
session_fail_with(struct session *s, const struct session *via)
{
	if (via->why_openssh != NULL)
		session_give_up(s, "jump host %s: %s", via->name, via->why_openssh);
	else
		session_fail(s, via->fail, &via->err);
}

void
session_fail(struct session *s, enum ssh_fail fail, const struct err *err)
{
	struct session *o, *next;
	struct ssh_job *j;

	if (s->state == SESSION_CLOSED)
		return;
	log_write(LOG_INFO, "ssh", "%s: %s", s->name, err->msg);
	s->fail = fail;
	s->err = *err;
	session_enter(s, SESSION_CLOSED);
	channels_drop(s, &s->err);
	while ((j = TAILQ_FIRST(&s->jobs)) != NULL)
		job_session_lost(j, s);
	/* What goes through it fails with it; a list that changes while it is walked is walked again. */
	do {
		TAILQ_FOREACH_SAFE(o, &s->ssh->sessions, all, next) {
			if (o->via != s)
				continue;
			session_fail_with(o, s);
			break;
		}
	} while (o != NULL);
}

void
session_fail_text(struct session *s, enum ssh_fail fail, int code, const char *fmt, ...)
{
	struct err err = { .code = code };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err.msg, sizeof err.msg, fmt, ap);
	va_end(ap);
	session_fail(s, fail, &err);
}

void
session_give_up(struct session *s, const char *fmt, ...)
{
	struct err err = { .code = ERR_UNSUPPORTED };
	va_list ap;

	va_start(ap, fmt);
	s->why_openssh = xvasprintf(fmt, ap);
	va_end(ap);
	snprintf(err.msg, sizeof err.msg, "%s", s->why_openssh);
	ssh_fallback_add(s->ssh, s->key, s->why_openssh);
	session_fail(s, SSH_FAIL_KEYS, &err);
}

static bool
is_in_use(const struct session *s)
{
	const struct channel *c;

	if (!TAILQ_EMPTY(&s->jobs) || s->n_over > 0)
		return true;
	TAILQ_FOREACH(c, &s->channels, next)
		if (c->state != CHANNEL_CLOSING)
			return true;
	return false;
}

void
session_settle_idle(struct session *s)
{
	if (s->state != SESSION_READY)
		return;
	if (is_in_use(s))
		loop_timer_stop(s->timer);
	else
		loop_timer_in(s->timer, s->ssh->o.idle_ns);
}

static const char *
waiting_for(const struct session *s)
{
	switch (s->stage) {
	case SSH_SETTINGS:
		return "waiting for the ssh-agent";
	case SSH_RESOLVE:
		return "looking its name up";
	case SSH_CONNECT:
		return "connecting";
	case SSH_KEYS:
		return s->hello.len == 0 ? "waiting for the server's first word" : "exchanging keys";
	default:
		return "logging in";
	}
}

/* The time to connect is over, or nobody has used it for long enough. */
static void
session_timer(void *arg)
{
	struct session *s = arg;
	char took[DURATION_TEXT_MAX];
	static const enum ssh_fail fails[] = {
		[SSH_SETTINGS] = SSH_FAIL_LOGIN, [SSH_RESOLVE] = SSH_FAIL_RESOLVE, [SSH_CONNECT] = SSH_FAIL_CONNECT, [SSH_KEYS] = SSH_FAIL_KEYS,
		[SSH_HOST_KEY] = SSH_FAIL_KEYS, [SSH_LOGIN] = SSH_FAIL_LOGIN,
	};

	if (s->state == SESSION_READY) {
		if (!is_in_use(s))
			session_close(s);
		return;
	}
	session_fail_text(s, fails[s->stage], ERR_TIMEOUT, "%s (%s port %u): no answer within %s while %s", s->name, s->settings->hostname,
	    s->settings->port, duration_format(took, s->connect_ns), waiting_for(s));
}

static void
session_alive(void *arg)
{
	struct session *s = arg;
	int64_t interval = s->settings->alive_interval_s * NS_PER_S, silent = clock_mono() - s->heard_mono;
	char text[DURATION_TEXT_MAX];
	int next;

	if (s->state != SESSION_READY)
		return;
	if (silent > interval * (s->settings->alive_count_max + 1)) {
		session_fail_text(s, SSH_FAIL_OPEN, ERR_TIMEOUT, "%s has not answered for %s (ServerAliveInterval, ServerAliveCountMax)", s->name,
		    duration_format(text, silent));
		return;
	}
	loop_timer_in(s->alive, interval);
	/* Bytes of ours that do not leave say enough; more of them would only wait behind. */
	if (s->tx.len == 0 && is_in_use(s))
		libssh2_keepalive_send(s->ssh2, &next);
	session_flush(s);
}

void
session_close(struct session *s)
{
	struct err err = { .code = ERR_CANCELLED, .msg = "closed: not used any more" };

	if (s->ssh2 != NULL && s->state == SESSION_READY && s->tx.len == 0) {
		libssh2_session_disconnect(s->ssh2, "bye");
		session_flush(s);
	}
	session_fail(s, SSH_FAIL_OPEN, &err);
}

void
session_free(struct session *s)
{
	struct session *via = s->via;

	session_connect_stop(s);
	session_keys_free(s);
	loop_timer_free(s->timer);
	loop_timer_free(s->alive);
	login_done(s);
	fifo_done(&s->rx);
	fifo_done(&s->tx);
	buf_done(&s->hello);
	ssh_settings_unref(s->settings);
	free(s->why_openssh);
	free(s->name);
	free(s->key);
	if (via != NULL) {
		via->n_over--;
		session_settle_idle(via);
	}
	free(s);
}
