/*
 * The way to a host: its settings, and those of every hop before it, as ssh itself would go.
 *
 * ProxyJump a,b means: to b by way of a, and on. The list given for the host replaces what ssh_config says of b; a, the first, goes by its own ProxyJump. Each is
 * asked of ssh -G. The first setting of any hop that libssh2 cannot carry sends the whole way to the system's ssh.
 */
#include "config.h"

#include "ssh/ssh_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

struct path_ask {
	LIST_ENTRY(path_ask) next;
	struct ssh *ssh;
	struct path_ask **place;
	path_cb *cb;
	void *arg;
	struct ssh_path path;		/* hop[0] is the host while it is gathered */
	struct ssh_hop via[SSH_HOPS_MAX];
	unsigned n_via;			/* still to be asked, the last first */
	struct ssh_settings_ask *pending;
	bool is_asking, has_answer, is_done;
	struct err err;
};

static void
path_done(struct ssh_path *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		free(p->hop[i].name);
		ssh_settings_unref(p->hop[i].settings);
	}
	free(p->why_openssh);
}

static void
path_ask_free(struct path_ask *a)
{
	LIST_REMOVE(a, next);
	path_done(&a->path);
	free(a);
}

void
path_ask_cancel(struct path_ask *a)
{
	if (a == NULL)
		return;
	ssh_settings_ask_cancel(a->pending);
	*a->place = NULL;
	path_ask_free(a);
}

const char *
path_known_name(const struct ssh_settings *s, unsigned *ret_port)
{
	/* An alias stands in known_hosts as it is, without a port. */
	*ret_port = s->host_key_alias != NULL ? 22 : s->port;
	return s->host_key_alias != NULL ? s->host_key_alias : s->hostname;
}

/* --- known hosts --- */

static char *
known_paths(const struct ssh_settings *s, const char **list, size_t max)
{
	char *const *both[] = { s->user_known_hosts, s->global_known_hosts };
	size_t n = 0;
	struct buf b;

	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; both[i] != NULL && both[i][k] != NULL && n + 1 < max; k++) {
			list[n++] = both[i][k];
			buf_printf(&b, "%s\n", both[i][k]);
		}
	list[n] = NULL;
	return ssh_buf_text(&b);
}

const struct known_hosts *
path_known_hosts(struct ssh *ssh, const struct ssh_settings *s, struct err *err)
{
	const char *list[32];
	char *paths = known_paths(s, list, sizeof list / sizeof list[0]);
	struct known_hosts *kh = NULL;
	struct ssh_known *k;

	LIST_FOREACH(k, &ssh->known, next)
		if (strcmp(k->paths, paths) == 0)
			break;
	if (k != NULL && !known_hosts_is_outdated(k->kh)) {
		free(paths);
		return k->kh;
	}
	if (known_hosts_read(list, &kh, err) < 0) {
		free(paths);
		return NULL;
	}
	if (k == NULL) {
		k = xcalloc(1, sizeof *k);
		k->paths = paths;
		LIST_INSERT_HEAD(&ssh->known, k, next);
	} else {
		free(paths);
		known_hosts_free(k->kh);
	}
	k->kh = kh;
	return kh;
}

/*
 * What can be known of the keys before contact. libssh2 1.10 can check Ed25519 and ECDSA; RSA keys only with SHA-1, which servers since OpenSSH 8.8 refuse, and no
 * certificates.
 */
static char *
path_why_keys(struct ssh *ssh, const struct ssh_settings *s, const char *name)
{
	static const unsigned char nothing[] = { 0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd', '2', '5', '5', '1', '9' };
	const struct known_hosts *kh = path_known_hosts(ssh, s, NULL);
	struct known_answer answer;
	char *why = NULL;
	const char *as;
	struct buf types;
	unsigned port;

	if (kh == NULL)
		return NULL;	/* told when the key is checked */
	as = path_known_name(s, &port);
	buf_init(&types, 4096);
	known_hosts_types(kh, as, port, &types);
	known_hosts_check(kh, as, port, nothing, sizeof nothing, &answer);
	if (types.len == 0 && answer.has_authority)
		why = xasprintf("known_hosts trusts %s by a @cert-authority: libssh2 reads no host certificates", name);
	else if (types.len > 0 && strstr(types.data, "ssh-ed25519") == NULL && strstr(types.data, "ecdsa-sha2-") == NULL)
		why = xasprintf("the known host key of %s is %s: libssh2 1.10 checks only Ed25519 and ECDSA keys", name, types.data);
	buf_done(&types);
	return why;
}

static void
path_why(struct path_ask *a)
{
	struct ssh_path *p = &a->path;

	for (unsigned i = 0; i < p->n && p->why_openssh == NULL; i++) {
		const struct ssh_settings *s = p->hop[i].settings;

		if (s->why_openssh != NULL && i + 1 < p->n)
			p->why_openssh = xasprintf("jump host %s: %s", p->hop[i].name, s->why_openssh);
		else if (s->why_openssh != NULL)
			p->why_openssh = xstrdup(s->why_openssh);
		else
			p->why_openssh = path_why_keys(a->ssh, s, p->hop[i].name);
	}
}

/* --- gathering --- */

static void
path_reverse(struct ssh_path *p)
{
	for (unsigned i = 0; i < p->n / 2; i++) {
		struct ssh_path_hop h = p->hop[i];

		p->hop[i] = p->hop[p->n - 1 - i];
		p->hop[p->n - 1 - i] = h;
	}
}

/* The settings of one more hop have come. */
static void
path_take(struct path_ask *a)
{
	const struct ssh_settings *s;
	int n;

	if (a->err.code != 0) {
		a->is_done = true;
		return;
	}
	s = a->path.hop[a->path.n - 1].settings;
	/* Those in between go by the list they stand in, whatever their own settings say. */
	if (a->n_via > 0)
		return;
	if (s->proxy_jump == NULL || strcmp(s->proxy_jump, "none") == 0 || s->why_openssh != NULL) {
		a->is_done = true;
		return;
	}
	n = ssh_hops_parse(s->proxy_jump, a->via, &a->err);
	if (n <= 0 || a->path.n + (unsigned)n > SSH_HOPS_MAX + 1) {
		if (n > 0)
			err_set(&a->err, ERR_LIMIT, "%s: ProxyJump leads through more than %d hosts, or in a circle", a->path.hop[0].name, SSH_HOPS_MAX);
		a->is_done = true;
		return;
	}
	a->n_via = (unsigned)n;
}

static void path_walk(struct path_ask *a);

static void
path_settings(struct ssh_settings *s, const struct err *err, void *arg)
{
	struct path_ask *a = arg;

	a->pending = NULL;
	a->has_answer = true;
	if (s != NULL)
		a->path.hop[a->path.n - 1].settings = ssh_settings_ref(s);
	else
		a->err = *err;
	if (a->is_asking)
		return;		/* path_walk() is on the stack and goes on */
	path_take(a);
	path_walk(a);
}

static void
path_ask_next(struct path_ask *a, const struct ssh_host *host)
{
	struct ssh_settings_ask *pending;

	a->path.hop[a->path.n++] = (struct ssh_path_hop){ .name = xstrdup(host->name) };
	a->is_asking = true;
	a->has_answer = false;
	pending = ssh_settings_get(a->ssh->settings, host, path_settings, a);
	a->is_asking = false;
	if (!a->has_answer)
		a->pending = pending;
	else
		path_take(a);
}

static void
path_end(struct path_ask *a)
{
	*a->place = NULL;
	if (a->err.code == 0) {
		path_why(a);
		path_reverse(&a->path);
	}
	a->cb(a->err.code == 0 ? &a->path : NULL, &a->err, a->arg);
	path_ask_free(a);
}

static void
path_walk(struct path_ask *a)
{
	while (!a->is_done && a->has_answer) {
		const struct ssh_hop *h = &a->via[--a->n_via];
		struct ssh_host host = { .name = h->host, .address = h->host, .user = h->user, .port = h->port };

		path_ask_next(a, &host);
	}
	if (a->is_done)
		path_end(a);
}

void
path_get(struct ssh *ssh, const struct ssh_host *host, path_cb *cb, void *arg, struct path_ask **ret)
{
	struct path_ask *a = xcalloc(1, sizeof *a);

	*a = (struct path_ask){ .ssh = ssh, .place = ret, .cb = cb, .arg = arg };
	*ret = a;
	LIST_INSERT_HEAD(&ssh->asks, a, next);
	path_ask_next(a, host);
	path_walk(a);
}
