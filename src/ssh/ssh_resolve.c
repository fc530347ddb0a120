/*
 * Names to addresses in a few threads of their own: the only place that calls getaddrinfo(), which waits for name servers and cannot be interrupted.
 *
 * A lookup that hangs holds one thread and nothing else. What the threads share with the loop is one counted struct under a lock; when the resolver is freed
 * they find it closed and end. They wake the loop by an eventfd and never call into it.
 */
#include "config.h"

#include "ssh/ssh_priv.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/xalloc.h"

enum { THREADS_MAX = 8 };

struct lookup {
	TAILQ_ENTRY(lookup) next;
	char name[256], service[8];
	int family;
	struct resolve_ask *ask;	/* NULL: nobody wants to know any more */
	struct addrinfo *list;
	int code;
};
TAILQ_HEAD(lookups, lookup);

struct shared {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct lookups todo, done;
	unsigned refs, n_threads, n_idle;
	int wake_fd;		/* -1: closed */
};

struct resolver {
	struct loop *loop;
	struct loop_fd *watch;
	int fd;
	struct shared *shared;
};

struct resolve_ask {
	struct resolver *resolver;
	struct lookup *lookup;
	struct resolve_ask **place;	/* where the asker keeps us */
	resolve_cb *cb;
	void *arg;
};

static void
lookup_free(struct lookup *k)
{
	if (k->list != NULL)
		freeaddrinfo(k->list);
	free(k);
}

/* Under the lock, which is given up. */
static void
shared_unref(struct shared *h)
{
	bool is_last = --h->refs == 0;
	struct lookup *k;

	pthread_mutex_unlock(&h->lock);
	if (!is_last)
		return;
	while ((k = TAILQ_FIRST(&h->todo)) != NULL || (k = TAILQ_FIRST(&h->done)) != NULL) {
		if (k == TAILQ_FIRST(&h->todo))
			TAILQ_REMOVE(&h->todo, k, next);
		else
			TAILQ_REMOVE(&h->done, k, next);
		lookup_free(k);
	}
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->more);
	free(h);
}

static int
look_up(const char *name, const char *service, int family, int flags, struct addrinfo **ret_list)
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV };

	*ret_list = NULL;
	return getaddrinfo(name, service, &hints, ret_list);
}

static void *
resolver_thread(void *arg)
{
	static const uint64_t one = 1;
	struct shared *h = arg;
	struct lookup *k;
	ssize_t n;

	pthread_mutex_lock(&h->lock);
	for (;;) {
		h->n_idle++;
		while (TAILQ_EMPTY(&h->todo) && h->wake_fd >= 0)
			pthread_cond_wait(&h->more, &h->lock);
		h->n_idle--;
		if (h->wake_fd < 0)
			break;
		k = TAILQ_FIRST(&h->todo);
		TAILQ_REMOVE(&h->todo, k, next);
		pthread_mutex_unlock(&h->lock);
		k->code = look_up(k->name, k->service, k->family, AI_ADDRCONFIG, &k->list);
		pthread_mutex_lock(&h->lock);
		TAILQ_INSERT_TAIL(&h->done, k, next);
		if (h->wake_fd >= 0) {
			n = write(h->wake_fd, &one, sizeof one);
			(void)n;	/* it can only be full, and then it wakes all the same */
		}
	}
	h->n_threads--;
	shared_unref(h);
	return NULL;
}

/* Under the lock. One more thread when all that are there are busy; without any, the lookup is answered as failed. */
static bool
resolver_hire(struct shared *h)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t thread;
	int r;

	if (h->n_idle > 0 || h->n_threads >= THREADS_MAX)
		return true;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, &attr, resolver_thread, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (r != 0)
		return h->n_threads > 0;
	h->n_threads++;
	h->refs++;
	return true;
}

static void
ask_answer(struct resolve_ask *a, const struct addrinfo *list, int code)
{
	*a->place = NULL;
	a->cb(list, list != NULL ? "" : gai_strerror(code != 0 ? code : EAI_NONAME), a->arg);
	free(a);
}

static void
resolver_ready(int fd, unsigned ready, void *arg)
{
	struct resolver *r = arg;
	struct lookups done;
	struct lookup *k;
	uint64_t count;
	ssize_t n;

	(void)ready;
	n = read(fd, &count, sizeof count);
	(void)n;
	TAILQ_INIT(&done);
	pthread_mutex_lock(&r->shared->lock);
	TAILQ_CONCAT(&done, &r->shared->done, next);
	pthread_mutex_unlock(&r->shared->lock);
	while ((k = TAILQ_FIRST(&done)) != NULL) {
		TAILQ_REMOVE(&done, k, next);
		if (k->ask != NULL)
			ask_answer(k->ask, k->list, k->code);
		lookup_free(k);
	}
}

int
resolver_new(struct loop *l, struct resolver **ret, struct err *err)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct resolver *r;

	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot prepare to look names up (eventfd)");
	r = xcalloc(1, sizeof *r);
	r->loop = l;
	r->fd = fd;
	r->watch = loop_fd_new(l, fd, LOOP_READ, resolver_ready, r);
	r->shared = xcalloc(1, sizeof *r->shared);
	r->shared->refs = 1;
	r->shared->wake_fd = fd;
	TAILQ_INIT(&r->shared->todo);
	TAILQ_INIT(&r->shared->done);
	pthread_mutex_init(&r->shared->lock, NULL);
	pthread_cond_init(&r->shared->more, NULL);
	*ret = r;
	return 0;
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->shared->lock);
	r->shared->wake_fd = -1;
	pthread_cond_broadcast(&r->shared->more);
	shared_unref(r->shared);
	loop_fd_free(r->watch);
	close(r->fd);
	free(r);
}

void
resolver_ask(struct resolver *r, const char *name, unsigned port, int family, resolve_cb *cb, void *arg, struct resolve_ask **ret)
{
	struct resolve_ask *a = xcalloc(1, sizeof *a);
	struct addrinfo *list;
	struct lookup *k;
	char service[8];

	*a = (struct resolve_ask){ .resolver = r, .place = ret, .cb = cb, .arg = arg };
	*ret = a;
	snprintf(service, sizeof service, "%u", port);
	if (look_up(name, service, family, AI_NUMERICHOST, &list) == 0) {
		ask_answer(a, list, 0);
		freeaddrinfo(list);
		return;
	}
	if (strlen(name) >= sizeof k->name) {
		ask_answer(a, NULL, EAI_NONAME);
		return;
	}
	k = xcalloc(1, sizeof *k);
	memcpy(k->name, name, strlen(name) + 1);
	memcpy(k->service, service, sizeof service);
	k->family = family;
	k->ask = a;
	a->lookup = k;
	pthread_mutex_lock(&r->shared->lock);
	TAILQ_INSERT_TAIL(&r->shared->todo, k, next);
	if (resolver_hire(r->shared)) {
		pthread_cond_signal(&r->shared->more);
		pthread_mutex_unlock(&r->shared->lock);
		return;
	}
	TAILQ_REMOVE(&r->shared->todo, k, next);
	pthread_mutex_unlock(&r->shared->lock);
	lookup_free(k);
	ask_answer(a, NULL, EAI_MEMORY);
}

void
resolve_ask_cancel(struct resolve_ask *a)
{
	if (a == NULL)
		return;
	/* Only the loop's thread reads or writes lookup.ask. */
	a->lookup->ask = NULL;
	*a->place = NULL;
	free(a);
}
