/*
 * Which keys a host may be tried with, in the order of ssh (sshconnect2.c, pubkey_prepare()): identity files that the user's agent holds, its other keys,
 * identity files of our own agent.
 */
#include "config.h"

#include "ssh/agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "ssh/agent_client.h"
#include "ssh/agent_private.h"
#include "ssh/agent_wire.h"

#define LIST_NS (5 * NS_PER_S)
#define SIGN_NS (20 * NS_PER_S)		/* a person may have to confirm */
#define KEPT_NS (60 * NS_PER_S)		/* a list of keys */
#define EMPTY_NS (2 * NS_PER_S)		/* one without keys: ssh-add is what its owner does next */
#define FAILED_NS (10 * NS_PER_S)	/* an agent that did not answer is left alone for so long */
enum { PRIVATE = 0, NOTES_MAX = 4096 };

enum list_state { LIST_NONE, LIST_ASKED, LIST_THERE, LIST_FAILED };
struct agent {			/* of the user; by its socket */
	char *path;
	struct agent_client *client;
	enum list_state state;
	struct agent_call *call;
	int64_t at_ns;
	struct agent_key *keys;
	size_t n;
	struct err err;
	struct agents *agents;
};

struct agent_ask {
	TAILQ_ENTRY(agent_ask) next;
	struct agents *agents;
	/* Keys. */
	struct ssh_settings *settings;
	agent_keys_cb *keys_cb;
	/* A signature. */
	struct agent_call *call;
	struct agent_key key;
	unsigned agent;
	struct err err;			/* known before it was asked */
	agent_sign_cb *sign_cb;
	void *arg;
};

struct agents {
	struct loop *loop;
	struct agent **v;		/* v[PRIVATE] is NULL: it has its own file */
	size_t n;
	struct agent_private *private;
	TAILQ_HEAD(, agent_ask) keys, signs;
	struct loop_timer *pump, *sign_now;
	agents_ask_passphrase_cb *ask_passphrase;
	void *ask_arg;
	unsigned busy;
	bool is_freed;
};

/* --- life ------------------------------------------------------------------------------------- */

static void
ask_free(struct agent_ask *ask)
{
	agent_call_cancel(ask->call);
	ssh_settings_unref(ask->settings);
	agent_key_done(&ask->key);
	free(ask);
}

static void
agents_destroy(struct agents *a)
{
	struct agent_ask *ask;

	while ((ask = TAILQ_FIRST(&a->keys)) != NULL) {
		TAILQ_REMOVE(&a->keys, ask, next);
		ask_free(ask);
	}
	while ((ask = TAILQ_FIRST(&a->signs)) != NULL) {
		TAILQ_REMOVE(&a->signs, ask, next);
		ask_free(ask);
	}
	for (size_t i = PRIVATE + 1; i < a->n; i++) {
		agent_call_cancel(a->v[i]->call);
		agent_client_free(a->v[i]->client);
		agent_keys_free(a->v[i]->keys, a->v[i]->n);
		free(a->v[i]->path);
		free(a->v[i]);
	}
	free(a->v);
	agent_private_free(a->private);
	loop_timer_free(a->pump);
	loop_timer_free(a->sign_now);
	free(a);
}

static void
leave(struct agents *a)
{
	if (--a->busy == 0 && a->is_freed)
		agents_destroy(a);
}

void
agents_free(struct agents *a)
{
	if (a == NULL)
		return;
	a->is_freed = true;
	if (a->busy == 0)
		agents_destroy(a);
}

/* --- the user's agents ------------------------------------------------------------------------ */

/* NULL: the host has none. */
static const char *
socket_of(const struct ssh_settings *s)
{
	const char *path = s->identity_agent != NULL ? s->identity_agent : getenv("SSH_AUTH_SOCK");

	return path == NULL || *path == '\0' || strcmp(path, "none") == 0 ? NULL : path;
}

static struct agent *
agent_get(struct agents *a, const char *path, unsigned *ret_index)
{
	struct agent *g;

	for (size_t i = PRIVATE + 1; i < a->n; i++)
		if (strcmp(a->v[i]->path, path) == 0) {
			*ret_index = (unsigned)i;
			return a->v[i];
		}
	g = xcalloc(1, sizeof *g);
	g->agents = a;
	g->path = xstrdup(path);
	g->client = agent_client_new(a->loop, path);
	a->v = xreallocarray(a->v, a->n + 1, sizeof *a->v);
	a->v[a->n] = g;
	*ret_index = (unsigned)a->n++;
	return g;
}

static void
agent_listed(const unsigned char *reply, size_t len, const struct err *err, void *arg)
{
	struct agent *g = arg;
	struct agent_key *keys = NULL;
	size_t n = 0;

	g->call = NULL;
	g->at_ns = clock_mono_fresh();
	g->err = (struct err)ERR_INIT;
	if (reply == NULL)
		g->err = *err;
	else
		wire_list_answer(reply, len, &keys, &n, &g->err);
	agent_keys_free(g->keys, g->n);
	g->keys = keys;
	g->n = n;
	g->state = g->err.code == 0 ? LIST_THERE : LIST_FAILED;
	loop_timer_in(g->agents->pump, 0);
}

/* true: its list is there, or it is known that it cannot be had. */
static bool
agent_is_settled(struct agent *g)
{
	int64_t age = clock_mono_fresh() - g->at_ns, kept = g->n > 0 ? KEPT_NS : EMPTY_NS;
	struct buf request;

	if ((g->state == LIST_THERE && age < kept) || (g->state == LIST_FAILED && age < FAILED_NS))
		return true;
	if (g->state != LIST_ASKED) {
		g->state = LIST_ASKED;
		buf_init(&request, WIRE_MESSAGE_MAX);
		wire_list_request(&request);
		g->call = agent_client_call(g->client, &request, LIST_NS, agent_listed, g);
		buf_done(&request);
	}
	return false;
}

/* --- identity files --------------------------------------------------------------------------- */

static bool
is_same_key(const struct agent_key *k, const unsigned char *blob, size_t len)
{
	return blob != NULL && k->len == len && memcmp(k->blob, blob, len) == 0;
}

static const struct agent_key *
agent_holds(const struct agent *g, const struct key_file *f)
{
	for (size_t i = 0; g != NULL && i < g->n; i++)
		if (is_same_key(&g->keys[i], f->file.blob, f->file.len))
			return &g->keys[i];
	return NULL;
}

static void
ask_or_refuse(struct agents *a, struct key_file *f)
{
	char shown[200];

	f->is_for_passphrase = true;
	if (a->ask_passphrase == NULL) {
		str_escape_to(shown, sizeof shown, f->path);
		agent_private_refuse(f, "%s needs a passphrase: ssh-add %s, or put it in your agent", shown, shown);
		return;
	}
	f->state = KEY_ASKING;
	a->ask_passphrase(f->path, a->ask_arg);
}

/* true: nothing is to be waited for. */
static bool
file_is_settled(struct agents *a, const struct agent *g, const char *path)
{
	struct key_file *f = agent_private_file(a->private, path);

	if (!f->is_key || !f->file.is_private || agent_holds(g, f) != NULL)
		return true;
	if (f->state == KEY_NEW && strncmp(f->file.type, "sk-", 3) == 0)
		agent_private_refuse(f, "%s is a hardware key: put it in your agent", f->path);
	else if (f->state == KEY_NEW && f->file.is_encrypted)
		ask_or_refuse(a, f);
	else if (f->state == KEY_NEW)
		agent_private_load(a->private, f, NULL);
	return f->state == KEY_LOADED || f->state == KEY_REFUSED;
}

/* --- the answer ------------------------------------------------------------------------------- */

struct answer {
	struct agent_key *v;
	size_t n, cap;
	struct buf notes;
};

static void
answer_add(struct answer *to, const struct agent_key *key, unsigned agent, const char *path)
{
	for (size_t i = 0; i < to->n; i++)
		if (is_same_key(&to->v[i], key->blob, key->len))
			return;
	if (to->n == to->cap) {
		to->cap = to->cap > 0 ? to->cap * 2 : 16;
		to->v = xreallocarray(to->v, to->cap, sizeof *to->v);
	}
	agent_key_copy(&to->v[to->n], key);
	to->v[to->n].agent = agent;
	to->v[to->n].is_from_file = path != NULL;
	free(to->v[to->n].path);
	to->v[to->n++].path = xstrdup_or_null(path);
}

static void
note(struct answer *to, const char *text)
{
	if (to->notes.len > 0)
		buf_addstr(&to->notes, "; ");
	buf_addstr(&to->notes, text);
}

/* The identity file that stands for a key of the agent; NULL: none. */
static const char *
file_of(struct agents *a, const struct ssh_settings *s, const struct agent_key *key)
{
	for (size_t i = 0; s->identity_files[i] != NULL; i++) {
		const struct key_file *f = agent_private_file(a->private, s->identity_files[i]);

		if (f->is_key && is_same_key(key, f->file.blob, f->file.len))
			return s->identity_files[i];
	}
	return NULL;
}

static void
add_from_agent(struct agents *a, const struct ssh_settings *s, const struct agent *g, unsigned index, bool is_listed, struct answer *to)
{
	for (size_t i = 0; i < g->n; i++) {
		const char *path = file_of(a, s, &g->keys[i]);

		if ((path != NULL) == is_listed)
			answer_add(to, &g->keys[i], index, path);
	}
}

static void
add_from_files(struct agents *a, const struct ssh_settings *s, const struct agent *g, struct answer *to)
{
	for (size_t i = 0; s->identity_files[i] != NULL; i++) {
		const struct key_file *f = agent_private_file(a->private, s->identity_files[i]);

		if (!f->is_key || agent_holds(g, f) != NULL)
			continue;
		if (f->state == KEY_LOADED)
			answer_add(to, &f->key, PRIVATE, f->path);
		else if (f->state == KEY_REFUSED && f->note != NULL)
			note(to, f->note);
	}
}

static void
give(struct agents *a, struct agent_ask *ask, const struct agent *g, unsigned index)
{
	const struct ssh_settings *s = ask->settings;
	struct answer to = { .n = 0 };
	struct agent_list list;
	struct err err = ERR_INIT;

	buf_init(&to.notes, NOTES_MAX);
	if (g != NULL && g->state == LIST_FAILED)
		note(&to, g->err.msg);
	if (g != NULL) {
		add_from_agent(a, s, g, index, true, &to);
		if (!s->identities_only)
			add_from_agent(a, s, g, index, false, &to);
	}
	add_from_files(a, s, g, &to);
	list = (struct agent_list){ to.n, to.v, to.notes.data };
	if (to.n == 0)
		err_set(&err, ERR_NOTFOUND, "there is no key to log in with%s%s", to.notes.len > 0 ? ": " : "", to.notes.data);
	ask->keys_cb(&list, to.n == 0 ? &err : NULL, ask->arg);
	agent_keys_free(to.v, to.n);
	buf_done(&to.notes);
}

/* true: it was answered. */
static bool
try_ask(struct agents *a, struct agent_ask *ask)
{
	const char *path = socket_of(ask->settings);
	struct ssh_settings *s = ask->settings;
	struct agent *g = NULL;
	unsigned index = PRIVATE;
	bool is_settled = true;

	if (path != NULL) {
		g = agent_get(a, path, &index);
		if (!agent_is_settled(g))
			return false;
	}
	for (size_t i = 0; s->identity_files[i] != NULL; i++)
		is_settled = file_is_settled(a, g, s->identity_files[i]) && is_settled;
	if (!is_settled || a->is_freed)
		return false;
	TAILQ_REMOVE(&a->keys, ask, next);
	give(a, ask, g, index);
	ask_free(ask);
	return true;
}

/* true: one was answered, and with it any other may have gone. */
static bool
pump_one(struct agents *a)
{
	struct agent_ask *ask;

	TAILQ_FOREACH(ask, &a->keys, next)
		if (try_ask(a, ask))
			return true;
		else if (a->is_freed)
			return false;
	return false;
}

static void
pump_due(void *arg)
{
	struct agents *a = arg;

	a->busy++;
	while (!a->is_freed && pump_one(a))
		;
	leave(a);
}

static void
files_changed(void *arg)
{
	struct agents *a = arg;
	struct agent_ask *ask;

	loop_timer_in(a->pump, 0);
	if (agent_private_client(a->private) != NULL)
		return;
	/* It has ended, and what it was asked to sign went with it. */
	TAILQ_FOREACH(ask, &a->signs, next)
		if (ask->agent == PRIVATE && ask->call != NULL) {
			ask->call = NULL;
			err_set(&ask->err, ERR_IO, "the agent that held the key has ended");
			loop_timer_in(a->sign_now, 0);
		}
}

struct agent_ask *
agents_keys(struct agents *a, struct ssh_settings *settings, agent_keys_cb *cb, void *arg)
{
	struct agent_ask *ask = xcalloc(1, sizeof *ask);

	ask->agents = a;
	ask->settings = ssh_settings_ref(settings);
	ask->keys_cb = cb;
	ask->arg = arg;
	TAILQ_INSERT_TAIL(&a->keys, ask, next);
	loop_timer_in(a->pump, 0);
	return ask;
}

/* --- signing ---------------------------------------------------------------------------------- */

static void
sign_over(struct agent_ask *ask, const struct wire_bytes *signature, const struct err *err)
{
	struct agents *a = ask->agents;

	TAILQ_REMOVE(&a->signs, ask, next);
	a->busy++;
	ask->sign_cb(signature != NULL ? signature->s : NULL, signature != NULL ? signature->len : 0, err, ask->arg);
	ask_free(ask);
	leave(a);
}

/* What we knew of its agent is not so any more: the next one who wants keys shall not be told the same. */
static void
key_failed(struct agent_ask *ask, const struct err *err)
{
	struct agents *a = ask->agents;

	if (ask->agent != PRIVATE) {
		if (a->v[ask->agent]->state == LIST_THERE)
			a->v[ask->agent]->state = LIST_NONE;
	} else if (err->code == ERR_REFUSED)
		agent_private_forget(a->private, &ask->key);
	else
		agent_private_lost(a->private);
}

static void
signed_cb(const unsigned char *reply, size_t len, const struct err *err, void *arg)
{
	struct agent_ask *ask = arg;
	struct wire_bytes signature;
	struct err why = ERR_INIT;

	ask->call = NULL;
	if (reply == NULL)
		why = *err;
	else
		wire_sign_answer(reply, len, &signature, &why);
	if (why.code != 0)
		key_failed(ask, &why);
	sign_over(ask, why.code == 0 ? &signature : NULL, why.code == 0 ? NULL : &why);
}

/* One of those that could not even be asked; false: there is none. */
static bool
refuse_one(struct agents *a)
{
	struct agent_ask *ask;
	struct err err;

	TAILQ_FOREACH(ask, &a->signs, next)
		if (ask->err.code != 0) {
			err = ask->err;
			sign_over(ask, NULL, &err);
			return true;
		}
	return false;
}

static void
sign_now_due(void *arg)
{
	struct agents *a = arg;

	a->busy++;
	while (!a->is_freed && refuse_one(a))
		;
	leave(a);
}

static int
sign_start(struct agents *a, struct agent_ask *ask, const void *data, size_t len, unsigned flags, struct err *err)
{
	struct agent_client *client;
	struct buf request;
	int r;

	client = ask->agent == PRIVATE ? agent_private_client(a->private) : ask->agent < a->n ? a->v[ask->agent]->client : NULL;
	if (client == NULL)
		return err_set(err, ERR_IO, "the agent that held the key has ended");
	buf_init(&request, WIRE_MESSAGE_MAX + 4);
	r = wire_sign_request(&request, &ask->key, data, len, flags);
	if (r == 0)
		ask->call = agent_client_call(client, &request, SIGN_NS, signed_cb, ask);
	else
		err_set(err, r, "that is too much for an agent to sign (%zu bytes)", len);
	buf_done(&request);
	return r;
}

struct agent_ask *
agents_sign(struct agents *a, const struct agent_key *key, const void *data, size_t len, unsigned flags, agent_sign_cb *cb, void *arg)
{
	struct agent_ask *ask = xcalloc(1, sizeof *ask);

	ask->agents = a;
	ask->agent = key->agent;
	ask->sign_cb = cb;
	ask->arg = arg;
	agent_key_copy(&ask->key, key);
	TAILQ_INSERT_TAIL(&a->signs, ask, next);
	if (sign_start(a, ask, data, len, flags, &ask->err) < 0)
		loop_timer_in(a->sign_now, 0);
	return ask;
}

void
agent_ask_cancel(struct agent_ask *ask)
{
	if (ask == NULL)
		return;
	if (ask->sign_cb != NULL)
		TAILQ_REMOVE(&ask->agents->signs, ask, next);
	else
		TAILQ_REMOVE(&ask->agents->keys, ask, next);
	ask_free(ask);
}

/* --- passphrases ------------------------------------------------------------------------------ */

void
agents_on_passphrase(struct agents *a, agents_ask_passphrase_cb *cb, void *arg)
{
	const struct rlimit none = { 0, 0 };

	a->ask_passphrase = cb;
	a->ask_arg = arg;
	if (cb == NULL)
		return;
	/* Before the first one is typed: no core may hold it. */
	setrlimit(RLIMIT_CORE, &none);
	agent_private_ask_again(a->private);
}

void
agents_passphrase(struct agents *a, const char *path, char *passphrase)
{
	struct key_file *f = agent_private_file(a->private, path);
	char shown[200];

	if (passphrase == NULL) {
		if (f->state == KEY_ASKING)
			agent_private_refuse(f, "%s needs a passphrase, and none was given", str_escape_to(shown, sizeof shown, path));
	} else {
		if (f->state == KEY_ASKING || (f->state == KEY_REFUSED && f->is_for_passphrase))
			agent_private_load(a->private, f, passphrase);
		explicit_bzero(passphrase, strlen(passphrase));
	}
	loop_timer_in(a->pump, 0);
}

struct agents *
agents_new(struct loop *l, const char *run_dir)
{
	struct agents *a = xcalloc(1, sizeof *a);

	a->loop = l;
	a->n = PRIVATE + 1;
	a->v = xcalloc(a->n, sizeof *a->v);
	a->private = agent_private_new(l, run_dir, files_changed, a);
	TAILQ_INIT(&a->keys);
	TAILQ_INIT(&a->signs);
	a->pump = loop_timer_new(l, pump_due, a);
	a->sign_now = loop_timer_new(l, sign_now_due, a);
	return a;
}
