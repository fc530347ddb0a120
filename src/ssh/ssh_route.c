/*
 * How a host would be reached: what the plan of a run shows. Which keys there are is asked too, as it decides who carries it; so the agent is warm when the
 * run begins. The host is not contacted.
 */
#include "config.h"

#include "ssh/ssh_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct route_ask {
	LIST_ENTRY(route_ask) next;
	struct ssh *ssh;
	struct path_ask *path_ask;
	struct agent_ask *keys_ask;
	struct ssh_settings *settings;
	bool is_answered;
	struct ssh_host host;
	ssh_route_cb *cb;
	void *arg;
	struct loop_timer *timer;	/* the answer comes from the loop, also when it was there at once */
	struct ssh_route route;
	char *why, *user, *hostname, *jumps, known_as[200];
};

void
route_ask_free(struct route_ask *r)
{
	path_ask_cancel(r->path_ask);
	agent_ask_cancel(r->keys_ask);
	ssh_settings_unref(r->settings);
	LIST_REMOVE(r, next);
	loop_timer_free(r->timer);
	free(r->why);
	free(r->user);
	free(r->hostname);
	free(r->jumps);
	free(r);
}

static void
route_answer(void *arg)
{
	struct route_ask *r = arg;
	struct ssh *ssh = r->ssh;

	r->route.why = r->why != NULL ? r->why : "";
	r->route.user = r->user != NULL ? r->user : "";
	r->route.hostname = r->hostname != NULL ? r->hostname : "";
	r->route.jumps = r->jumps != NULL ? r->jumps : "";
	r->route.known_as = r->known_as;
	if (ssh_callback_begin(ssh)) {
		r->cb(&r->route, r->arg);
		ssh_callback_end(ssh);
	}
	route_ask_free(r);
}

static char *
jump_names(const struct ssh_path *path)
{
	struct buf b;

	buf_init(&b, 4096);
	for (unsigned i = 0; i + 1 < path->n; i++)
		buf_printf(&b, "%s%s", i > 0 ? ", " : "", path->hop[i].name);
	return ssh_buf_text(&b);
}

static void
route_known_as(struct route_ask *r, const struct ssh_settings *s)
{
	const struct known_hosts *kh = path_known_hosts(r->ssh, s, &r->route.err);
	const char *as;
	unsigned port;

	snprintf(r->known_as, sizeof r->known_as, "not known");
	if (kh == NULL)
		return;
	as = path_known_name(s, &port);
	if (!known_hosts_describe(kh, as, port, r->known_as, sizeof r->known_as))
		snprintf(r->known_as, sizeof r->known_as, "not known");
}

/* The answer comes from the loop, also when it was there at once. */
static void
route_end(struct route_ask *r)
{
	r->is_answered = true;
	loop_timer_in(r->timer, 0);
}

static void
route_keys(const struct agent_list *keys, const struct err *err, void *arg)
{
	struct route_ask *r = arg;
	size_t n = keys != NULL ? keys->n : 0, usable = 0;

	(void)err;	/* that there is none to log in with is told by who logs in */
	r->keys_ask = NULL;
	for (size_t i = 0; i < n; i++)
		usable += login_is_usable(r->settings, &keys->v[i]);
	if (n > 0 && usable == 0 && r->ssh->o.transport == SSH_AUTO) {
		r->route.transport = SSH_OPENSSH;
		r->why = xasprintf("only keys that libssh2 1.10 cannot use are there for it: %s", keys->v[0].type);
	}
	route_end(r);
}

static void
route_ask_keys(struct route_ask *r, struct ssh_settings *s)
{
	struct agent_ask *ask;

	r->settings = ssh_settings_ref(s);
	ask = agents_keys(r->ssh->agents, s, route_keys, r);
	if (!r->is_answered)
		r->keys_ask = ask;
}

static void
route_path(const struct ssh_path *path, const struct err *err, void *arg)
{
	struct route_ask *r = arg;
	enum ssh_transport wanted = r->ssh->o.transport;
	struct ssh_settings *s;

	if (path == NULL) {
		r->route.err = *err;
		route_end(r);
		return;
	}
	s = path->hop[path->n - 1].settings;
	r->user = xstrdup_or_null(s->user);
	r->hostname = xstrdup_or_null(s->hostname);
	r->route.port = s->port;
	r->jumps = jump_names(path);
	route_known_as(r, s);
	r->route.transport = wanted == SSH_OPENSSH || (wanted == SSH_AUTO && path->why_openssh != NULL) ? SSH_OPENSSH : SSH_LIBSSH2;
	if (wanted == SSH_LIBSSH2 && path->why_openssh != NULL)
		err_set(&r->route.err, ERR_UNSUPPORTED, "libssh2, which the configuration asks for, cannot reach it: %s", path->why_openssh);
	if (r->route.transport == SSH_OPENSSH)
		r->why = xstrdup(wanted == SSH_OPENSSH ? "the configuration asks for it" : path->why_openssh);
	if (r->route.transport == SSH_LIBSSH2 && r->route.err.code == 0)
		route_ask_keys(r, s);
	else
		route_end(r);
}

int
ssh_route(struct ssh *s, const struct ssh_host *host, ssh_route_cb *cb, void *arg, struct err *err)
{
	struct route_ask *r;

	if (host->address == NULL || host->address[0] == '\0' || host->address[0] == '-')
		return err_set(err, ERR_INVALID, "a host needs an address that does not begin with \"-\"");
	r = xcalloc(1, sizeof *r);
	*r = (struct route_ask){ .ssh = s, .cb = cb, .arg = arg, .host = *host };
	r->route.transport = SSH_LIBSSH2;
	r->timer = loop_timer_new(s->loop, route_answer, r);
	LIST_INSERT_HEAD(&s->routes, r, next);
	path_get(s, host, route_path, r, &r->path_ask);
	return 0;
}
