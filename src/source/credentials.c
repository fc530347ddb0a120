#include "config.h"

#include "source/credentials.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"

/* The first of a job's secrets; those of headers follow. */
enum { SECRET_PASSWORD, SECRET_BEARER, SECRET_API_KEY, SECRETS_FIXED };

/*
 * One reading. Shared by the thread and the loop, freed by whoever lets go last; the thread touches only this,
 * with copies of where the secrets are, so it may outlive the config.
 */
struct job {
	atomic_int refs;
	atomic_bool is_done;		/* hands over what follows; the descriptor only wakes */
	int done_fd;
	size_t n;
	struct conf_secret *from;	/* nothing set: no such secret */
	char **values;			/* NULL where there is none */
	struct err err;
};

enum state { UNREAD, READING, READY };

struct credentials {
	struct loop *loop;
	const struct conf_source *conf;
	enum state state;
	unsigned generation;		/* counts readings */
	struct job *job;		/* READING: under way; READY: holds the values */
	struct loop_fd *done;
	struct loop_timer *late;	/* someone waits, and has waited long enough when it fires */
	LIST_HEAD(waiters, credentials_waiter) waiters;
	struct http_header *headers;
	bool has_secrets;
};

/* --- jobs ------------------------------------------------------------------------------------- */

static void
secret_copy(struct conf_secret *to, const struct conf_secret *from)
{
	size_t n = 0;

	to->file = xstrdup_or_null(from->file);
	to->env = xstrdup_or_null(from->env);
	if (from->command == NULL)
		return;
	while (from->command[n] != NULL)
		n++;
	to->command = xcalloc(n + 1, sizeof(char *));
	for (size_t i = 0; i < n; i++)
		to->command[i] = xstrdup(from->command[i]);
}

static void
secret_copy_done(struct conf_secret *s)
{
	free(s->file);
	free(s->env);
	for (char **word = s->command; word != NULL && *word != NULL; word++)
		free(*word);
	free(s->command);
}

static struct job *
job_new(const struct conf_source *conf)
{
	struct job *j = xcalloc(1, sizeof *j);

	j->refs = 1;
	j->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	j->n = SECRETS_FIXED + conf->n_headers;
	j->from = xcalloc(j->n, sizeof *j->from);
	j->values = xcalloc(j->n, sizeof(char *));
	secret_copy(&j->from[SECRET_PASSWORD], &conf->password);
	secret_copy(&j->from[SECRET_BEARER], &conf->bearer);
	secret_copy(&j->from[SECRET_API_KEY], &conf->api_key);
	for (size_t i = 0; i < conf->n_headers; i++)
		secret_copy(&j->from[SECRETS_FIXED + i], &conf->headers[i].secret);
	return j;
}

static void
job_unref(struct job *j)
{
	if (j == NULL || atomic_fetch_sub(&j->refs, 1) > 1)
		return;
	for (size_t i = 0; i < j->n; i++) {
		secret_copy_done(&j->from[i]);
		secret_free(j->values[i]);
	}
	if (j->done_fd >= 0)
		close(j->done_fd);
	free(j->from);
	free(j->values);
	free(j);
}

static void *
job_main(void *arg)
{
	static const uint64_t one = 1;
	struct job *j = arg;
	ssize_t n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < j->n; i++)
		if (secret_is_set(&j->from[i]))
			r = secret_read(&j->from[i], &j->values[i], &j->err);
	atomic_store(&j->is_done, true);
	do
		n = write(j->done_fd, &one, sizeof one);
	while (n < 0 && errno == EINTR);
	job_unref(j);
	return NULL;
}

static int
job_start(struct job *j, struct err *err)
{
	pthread_t thread;
	sigset_t all, before;
	int r;

	if (j->done_fd < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot read the credentials");
	atomic_fetch_add(&j->refs, 1);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);	/* signals are for the loop's thread */
	r = pthread_create(&thread, NULL, job_main, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0) {
		atomic_fetch_sub(&j->refs, 1);
		return err_set_errno(err, ERR_IO, r, "cannot read the credentials (thread)");
	}
	pthread_setname_np(thread, "ops-secret");
	pthread_detach(thread);
	return 0;
}

/* --- waiters ---------------------------------------------------------------------------------- */

/* Callbacks may wait again, for another reading. */
static void
tell_waiters(struct credentials *c, const struct err *err)
{
	struct waiters told = c->waiters;
	struct credentials_waiter *w;

	loop_timer_stop(c->late);
	LIST_INIT(&c->waiters);
	if (!LIST_EMPTY(&told))
		LIST_FIRST(&told)->next.le_prev = &LIST_FIRST(&told);
	while ((w = LIST_FIRST(&told)) != NULL) {
		LIST_REMOVE(w, next);
		w->cb(err, w->arg);
	}
}

/* The reading goes on, and there is never a second one beside it: who asks later may be luckier. */
static void
on_late(void *arg)
{
	struct credentials *c = arg;
	char limit[DURATION_TEXT_MAX];
	struct err err;

	err_set(&err, ERR_TIMEOUT,
	    "its credentials could not be read within %s (timeout): does the command or the file answer?",
	    duration_format(limit, c->conf->timeout_ns));
	tell_waiters(c, &err);
}

/* --- credentials ------------------------------------------------------------------------------ */

struct credentials *
credentials_new(struct loop *l, const struct conf_source *conf)
{
	struct credentials *c = xcalloc(1, sizeof *c);

	*c = (struct credentials){ .loop = l, .conf = conf };
	LIST_INIT(&c->waiters);
	c->late = loop_timer_new(l, on_late, c);
	c->headers = xcalloc(conf->n_headers, sizeof *c->headers);
	c->has_secrets = secret_is_set(&conf->password) || secret_is_set(&conf->bearer) ||
	    secret_is_set(&conf->api_key);
	for (size_t i = 0; i < conf->n_headers; i++) {
		c->headers[i] = (struct http_header){ conf->headers[i].name, conf->headers[i].value };
		c->has_secrets |= secret_is_set(&conf->headers[i].secret);
	}
	if (!c->has_secrets)
		c->state = READY;
	return c;
}

void
credentials_free(struct credentials *c)
{
	if (c == NULL)
		return;
	loop_timer_free(c->late);
	loop_fd_free(c->done);
	job_unref(c->job);
	free(c->headers);
	free(c);
}

bool
credentials_can_change(const struct credentials *c)
{
	return c->has_secrets;
}

unsigned
credentials_generation(const struct credentials *c)
{
	return c->generation;
}

static void
forget(struct credentials *c)
{
	loop_fd_free(c->done);
	c->done = NULL;
	job_unref(c->job);
	c->job = NULL;
	c->state = UNREAD;
}

void
credentials_refused(struct credentials *c, unsigned generation)
{
	if (c->has_secrets && c->state == READY && c->generation == generation)
		forget(c);
}

static void
on_read(int fd, unsigned ready, void *arg)
{
	struct credentials *c = arg;
	struct err err;

	(void)fd;
	(void)ready;
	if (!atomic_load(&c->job->is_done))
		return;
	err = c->job->err;
	c->generation++;
	if (err.code != 0) {
		forget(c);	/* who asks next reads anew */
	} else {
		loop_fd_free(c->done);
		c->done = NULL;
		c->state = READY;
		for (size_t i = 0; i < c->conf->n_headers; i++)
			if (c->job->values[SECRETS_FIXED + i] != NULL)
				c->headers[i].value = c->job->values[SECRETS_FIXED + i];
	}
	tell_waiters(c, &err);
}

bool
credentials_ready(struct credentials *c, struct credentials_waiter *w)
{
	static const uint64_t one = 1;
	struct err err = ERR_INIT;

	if (c->state == READY)
		return true;
	if (LIST_EMPTY(&c->waiters))
		loop_timer_in(c->late, c->conf->timeout_ns);
	LIST_INSERT_HEAD(&c->waiters, w, next);
	if (c->state == READING)
		return false;
	c->job = job_new(c->conf);
	c->state = READING;
	c->done = loop_fd_new(c->loop, c->job->done_fd, LOOP_READ, on_read, c);
	if (job_start(c->job, &err) < 0) {
		/* Told like any other failure, in the next turn. */
		c->job->err = err;
		atomic_store(&c->job->is_done, true);
		if (write(c->job->done_fd, &one, sizeof one) < 0)
			abort();
	}
	return false;
}

void
credentials_unwait(struct credentials_waiter *w)
{
	LIST_REMOVE(w, next);
}

void
credentials_apply(const struct credentials *c, struct http_request *r)
{
	r->headers = c->headers;
	r->n_headers = c->conf->n_headers;
	if (c->job == NULL)
		return;
	r->password = c->job->values[SECRET_PASSWORD];
	r->bearer = c->job->values[SECRET_BEARER];
	r->api_key = c->job->values[SECRET_API_KEY];
}
