/*
 * The cache of settings: one ssh -G for each host, as long as its files stay as they are.
 *
 * Files are looked at once a second at most, whatever number of hosts asks. An answer that is a few seconds old is read anew (not asked anew), since
 * which identity files are there is no part of what ssh -G says.
 */
#include "config.h"

#include "ssh/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "loop/child.h"
#include "ssh/settings_priv.h"

#define RUN_TIMEOUT_NS (10 * NS_PER_S)
#define LOOK_NS NS_PER_S		/* between two looks at the files */
#define READ_AGAIN_NS (5 * NS_PER_S)
#define VOLATILE_NS (60 * NS_PER_S)
enum { RUNNING_MAX = 8, BUCKETS = 512, ENTRIES_MAX = 8192, ANSWER_MAX = 1024 * 1024, WORDS_MAX = 4096 };

struct ssh_settings_ask {
	TAILQ_ENTRY(ssh_settings_ask) next;
	struct entry *entry;
	ssh_settings_cb *cb;
	void *arg;
	bool is_telling;
};
TAILQ_HEAD(asks, ssh_settings_ask);

enum entry_state { ENTRY_IDLE, ENTRY_WAITING, ENTRY_RUNNING };
struct entry {
	LIST_ENTRY(entry) same;
	TAILQ_ENTRY(entry) waiting;
	struct ssh_settings_cache *cache;
	char *address, *user;
	unsigned port;
	enum entry_state state;
	struct asks asks, telling;	/* telling: of the answer being given */
	struct child *child;
	struct buf out, words;		/* while it runs */
	char *text;			/* the last answer */
	size_t len;
	struct ssh_settings *settings;	/* NULL: none yet */
	struct settings_stamp stamp;	/* of the files before it was asked */
	int64_t asked_ns, read_ns;
};

struct ssh_settings_cache {
	struct loop *loop;
	struct loop_timer *start;
	char *config;
	LIST_HEAD(, entry) buckets[BUCKETS];
	TAILQ_HEAD(, entry) waiting;
	unsigned n_entries, n_running, n_run, n_cached;
	struct settings_stamp stamp;
	int64_t looked_ns;		/* 0: not yet */
	unsigned busy;			/* inside callbacks */
	bool is_freed;
};

/* --- entries ---------------------------------------------------------------------------------- */

static void
entry_free(struct entry *e)
{
	struct ssh_settings_ask *ask;

	TAILQ_CONCAT(&e->asks, &e->telling, next);
	while ((ask = TAILQ_FIRST(&e->asks)) != NULL) {
		TAILQ_REMOVE(&e->asks, ask, next);
		free(ask);
	}
	if (e->state == ENTRY_WAITING)
		TAILQ_REMOVE(&e->cache->waiting, e, waiting);
	LIST_REMOVE(e, same);
	e->cache->n_entries--;
	child_free(e->child);
	buf_done(&e->out);
	buf_done(&e->words);
	ssh_settings_unref(e->settings);
	free(e->text);
	free(e->address);
	free(e->user);
	free(e);
}

/* Hosts that come and go must not grow it for ever. */
static void
forget_idle(struct ssh_settings_cache *c)
{
	struct entry *e, *next;

	for (size_t i = 0; i < BUCKETS; i++)
		for (e = LIST_FIRST(&c->buckets[i]); e != NULL; e = next) {
			next = LIST_NEXT(e, same);
			if (e->state == ENTRY_IDLE && TAILQ_EMPTY(&e->asks) && TAILQ_EMPTY(&e->telling))
				entry_free(e);
		}
}

static struct entry *
entry_get(struct ssh_settings_cache *c, const struct ssh_host *host)
{
	const char *user = host->user != NULL ? host->user : "";
	uint64_t hash = str_hash(host->address, strlen(host->address), STR_HASH_SEED ^ host->port);
	struct entry *e;

	hash = str_hash(user, strlen(user), hash) % BUCKETS;
	LIST_FOREACH(e, &c->buckets[hash], same)
		if (e->port == host->port && strcmp(e->address, host->address) == 0 && strcmp(e->user, user) == 0)
			return e;
	if (c->n_entries >= ENTRIES_MAX && c->busy == 0)
		forget_idle(c);
	e = xcalloc(1, sizeof *e);
	e->cache = c;
	e->address = xstrdup(host->address);
	e->user = xstrdup(user);
	e->port = host->port;
	TAILQ_INIT(&e->asks);
	TAILQ_INIT(&e->telling);
	buf_init(&e->out, ANSWER_MAX);
	buf_init(&e->words, WORDS_MAX);
	LIST_INSERT_HEAD(&c->buckets[hash], e, same);
	c->n_entries++;
	return e;
}

/* --- is it still so? -------------------------------------------------------------------------- */

static void
look_at_files(struct ssh_settings_cache *c)
{
	int64_t now = clock_mono_fresh();

	if (c->looked_ns != 0 && now - c->looked_ns < LOOK_NS)
		return;
	c->looked_ns = now;
	settings_files_stamp(c->config, &c->stamp);
}

static bool
is_fresh(struct entry *e)
{
	if (e->settings == NULL)
		return false;
	look_at_files(e->cache);
	if (e->stamp.hash != e->cache->stamp.hash)
		return false;
	return !e->cache->stamp.is_volatile || clock_mono_fresh() - e->asked_ns < VOLATILE_NS;
}

/* 0, or why the text cannot be read; what was read before stays then. */
static int
read_text(struct entry *e, struct err *err)
{
	struct ssh_settings *s;
	int r = ssh_settings_parse(e->address, e->text, e->len, &s, err);

	if (r < 0)
		return r;
	ssh_settings_unref(e->settings);
	e->settings = s;
	e->read_ns = clock_mono_fresh();
	return 0;
}

static void
read_again(struct entry *e)
{
	if (clock_mono_fresh() - e->read_ns >= READ_AGAIN_NS)
		read_text(e, NULL);
}

/* --- running ssh -G --------------------------------------------------------------------------- */

static void cache_destroy(struct ssh_settings_cache *c);
static void start_waiting(struct ssh_settings_cache *c);

static void
leave(struct ssh_settings_cache *c)
{
	if (--c->busy == 0 && c->is_freed)
		cache_destroy(c);
}

/* Everybody who asks for e now is told; callbacks may ask anew, cancel others, or free the cache. */
static void
tell(struct entry *e, struct ssh_settings *s, const struct err *err)
{
	struct ssh_settings_ask *ask;

	TAILQ_CONCAT(&e->telling, &e->asks, next);
	TAILQ_FOREACH(ask, &e->telling, next)
		ask->is_telling = true;
	while (!e->cache->is_freed && (ask = TAILQ_FIRST(&e->telling)) != NULL) {
		TAILQ_REMOVE(&e->telling, ask, next);
		ask->cb(s, err, ask->arg);
		free(ask);
	}
}

/* What ssh says when it refuses, on one line. */
static const char *
words_of(struct entry *e, char *buf, size_t size)
{
	char *p = e->words.data;

	while (e->words.len > 0 && strchr("\r\n ", p[e->words.len - 1]) != NULL)
		p[--e->words.len] = '\0';
	for (char *q = p; *q != '\0'; q++)
		if (*q == '\r' || *q == '\n')
			*q = ' ';
	return str_escape_to(buf, size, p);
}

static int
judge(struct entry *e, const struct child_end *end, struct err *err)
{
	char name[120], words[300];

	str_escape_to(name, sizeof name, e->address);
	words_of(e, words, sizeof words);
	if (end->err.code != 0) {
		*err = end->err;
		err_prefix(err, "settings of %s", name);
		return err->code;
	}
	if (end->is_timeout)
		return err_set(err, ERR_TIMEOUT, "ssh -G %s: no answer in %d s: does a Match exec of ssh_config hang?", name,
		    (int)(RUN_TIMEOUT_NS / NS_PER_S));
	if (end->status != 0)
		return err_set(err, ERR_INVALID, "ssh -G %s: %s", name, *words != '\0' ? words : "failed without a word");
	if (e->out.is_over)
		return err_set(err, ERR_LIMIT, "ssh -G %s: its answer is larger than %d KiB", name, ANSWER_MAX >> 10);
	free(e->text);
	e->text = buf_take(&e->out, &e->len);
	e->text = xreallocarray(e->text, e->len + 1, 1);
	return read_text(e, err);
}

static void
entry_ended(struct child *child, const struct child_end *end, void *arg)
{
	struct entry *e = arg;
	struct ssh_settings_cache *c = e->cache;
	struct err err = ERR_INIT;
	struct ssh_settings *s = NULL;

	child_free(child);
	e->child = NULL;
	e->state = ENTRY_IDLE;
	c->n_running--;
	c->busy++;
	if (judge(e, end, &err) == 0)
		s = ssh_settings_ref(e->settings);
	else {
		/* What was right before the files changed is not any more. */
		ssh_settings_unref(e->settings);
		e->settings = NULL;
	}
	tell(e, s, s != NULL ? NULL : &err);
	ssh_settings_unref(s);
	if (!c->is_freed)
		start_waiting(c);
	leave(c);
}

static void
entry_read(struct child *child, enum child_stream stream, const char *bytes, size_t len, void *arg)
{
	struct entry *e = arg;

	(void)child;
	buf_add(stream == CHILD_OUT ? &e->out : &e->words, bytes, len);
}

static int
entry_start(struct entry *e, struct err *err)
{
	const char *argv[12];
	char port[16];
	size_t n = 0;
	struct child_spec spec = {
		.argv = argv, .is_session = true, .timeout_ns = RUN_TIMEOUT_NS, .read = entry_read, .end = entry_ended, .arg = e,
	};

	argv[n++] = "ssh";
	argv[n++] = "-G";
	argv[n++] = "-T";	/* it complains of stdin being no terminal, else */
	if (e->cache->config != NULL) {
		argv[n++] = "-F";
		argv[n++] = e->cache->config;
	}
	if (e->port != 0) {
		snprintf(port, sizeof port, "%u", e->port);
		argv[n++] = "-p";
		argv[n++] = port;
	}
	if (*e->user != '\0') {
		argv[n++] = "-l";
		argv[n++] = e->user;
	}
	argv[n++] = "--";
	argv[n++] = e->address;
	argv[n] = NULL;
	buf_reset(&e->out);
	buf_reset(&e->words);
	look_at_files(e->cache);
	e->stamp = e->cache->stamp;
	e->asked_ns = clock_mono_fresh();
	return child_start(e->cache->loop, &spec, &e->child, err);
}

static void
start_waiting(struct ssh_settings_cache *c)
{
	struct entry *e;

	while (!c->is_freed && c->n_running < RUNNING_MAX && (e = TAILQ_FIRST(&c->waiting)) != NULL) {
		struct err err = ERR_INIT;

		TAILQ_REMOVE(&c->waiting, e, waiting);
		e->state = ENTRY_IDLE;
		if (entry_start(e, &err) == 0) {
			e->state = ENTRY_RUNNING;
			c->n_running++;
			c->n_run++;
		} else
			tell(e, NULL, &err);
	}
}

static void
start_due(void *arg)
{
	struct ssh_settings_cache *c = arg;

	c->busy++;
	start_waiting(c);
	leave(c);
}

/* --- asking ----------------------------------------------------------------------------------- */

struct ssh_settings_cache *
ssh_settings_cache_new(struct loop *l, const char *config)
{
	struct ssh_settings_cache *c = xcalloc(1, sizeof *c);

	c->loop = l;
	c->config = xstrdup_or_null(config);
	TAILQ_INIT(&c->waiting);
	c->start = loop_timer_new(l, start_due, c);
	return c;
}

static void
cache_destroy(struct ssh_settings_cache *c)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (!LIST_EMPTY(&c->buckets[i]))
			entry_free(LIST_FIRST(&c->buckets[i]));
	loop_timer_free(c->start);
	free(c->config);
	free(c);
}

void
ssh_settings_cache_free(struct ssh_settings_cache *c)
{
	if (c == NULL)
		return;
	c->is_freed = true;
	if (c->busy == 0)
		cache_destroy(c);
}

static int
check_host(const struct ssh_host *host, struct err *err)
{
	char shown[120];
	const char *address = host->address != NULL ? host->address : "", *user = host->user != NULL ? host->user : "";

	str_escape_to(shown, sizeof shown, address);
	if (*address == '\0')
		return err_set(err, ERR_INVALID, "a host without an address cannot be reached");
	/* ssh refuses them too, though not before it has read its files. */
	if (*address == '-' || strpbrk(address, " \t\r\n") != NULL)
		return err_set(err, ERR_INVALID, "%s: not an address for ssh", shown);
	if (*user == '-')
		return err_set(err, ERR_INVALID, "%s: not a user for ssh", str_escape_to(shown, sizeof shown, user));
	if (host->port > 65535)
		return err_set(err, ERR_INVALID, "%s: %u is not a port", shown, host->port);
	return 0;
}

static bool
answer_cached(struct entry *e, ssh_settings_cb *cb, void *arg)
{
	struct ssh_settings *s;

	if (e->state != ENTRY_IDLE || !is_fresh(e))
		return false;
	read_again(e);
	e->cache->n_cached++;
	e->cache->busy++;
	s = ssh_settings_ref(e->settings);
	cb(s, NULL, arg);
	ssh_settings_unref(s);
	leave(e->cache);
	return true;
}

struct ssh_settings_ask *
ssh_settings_get(struct ssh_settings_cache *c, const struct ssh_host *host, ssh_settings_cb *cb, void *arg)
{
	struct ssh_settings_ask *ask;
	struct err err = ERR_INIT;
	struct entry *e;

	if (check_host(host, &err) < 0) {
		cb(NULL, &err, arg);
		return NULL;
	}
	e = entry_get(c, host);
	if (answer_cached(e, cb, arg))
		return NULL;
	ask = xcalloc(1, sizeof *ask);
	*ask = (struct ssh_settings_ask){ .entry = e, .cb = cb, .arg = arg };
	TAILQ_INSERT_TAIL(&e->asks, ask, next);
	if (e->state == ENTRY_IDLE) {
		e->state = ENTRY_WAITING;
		TAILQ_INSERT_TAIL(&c->waiting, e, waiting);
	} else
		c->n_cached++;
	/* From the loop: an error of starting must not come before the ask is in the caller's hands. */
	loop_timer_in(c->start, 0);
	return ask;
}

void
ssh_settings_ask_cancel(struct ssh_settings_ask *a)
{
	if (a == NULL)
		return;
	TAILQ_REMOVE(a->is_telling ? &a->entry->telling : &a->entry->asks, a, next);
	free(a);
}

void
ssh_settings_counts(const struct ssh_settings_cache *c, unsigned *ret_run, unsigned *ret_cached)
{
	*ret_run = c->n_run;
	*ret_cached = c->n_cached;
}
