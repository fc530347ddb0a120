/*
 * One target's way through the log: read a batch (worker), send it (loop), note the place (worker), and again while there is more.
 */
#include "config.h"

#include "ship.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "ship_batch.h"
#include "source/source.h"

#define LOOK_DEFAULT (2 * NS_PER_S)
#define STANDBY_LOOKS 15		/* looks at the lock are rarer */
#define PAUSE_DEFAULT NS_PER_S
#define PAUSE_MAX (60 * NS_PER_S)
#define REFUSED_PAUSES 300		/* of the first: how long one that was refused again waits */
enum { BATCH_MAX = 1000, SAID_MAX = 96, FAILURES_SAID = 3 };

enum stage {
	SHIP_IDLE,		/* waits for the log to grow */
	SHIP_READING,
	SHIP_SENDING,
	SHIP_NOTING,		/* writes its place */
	SHIP_PAUSED,		/* after a failure */
};

struct job {			/* in a worker */
	struct ship *ship;	/* NULL: it went meanwhile */
	bool is_worked;
	char *dir, *chain, *place_path, *lock_path;
	int lock_fd;		/* -1: not held yet */
	bool is_locked_out;
	bool has_place;
	struct ship_place place;
	size_t max;
	struct ship_batch batch;
	bool has_batch;
	struct err err;
};

struct ship {
	struct loop *loop;
	struct pool_lane *lane;
	struct transport *web;
	struct endpoint *endpoint;
	struct fetch *fetch;
	const struct conf_source *conf;
	char *dir, *chain, *place_path, *lock_path;
	int64_t pause_ns, look_ns;
	void (*note)(const char *text, void *arg);
	void *arg;

	enum stage stage;
	struct loop_timer *timer;
	struct job *job;
	struct ship_batch batch;
	struct ship_place place;	/* what was acknowledged */
	uint64_t noted_seq;		/* and is on the disk */
	int64_t noted_ns;
	bool has_place;
	int lock_fd;
	bool is_poked, is_standby;
	unsigned n_failures, n_refused;
	uint64_t left_out;	/* lines of the last batch, which have been told */
	size_t max;		/* records of the next batch: fewer when the server finds them too many */
	bool is_said;
	char text[256];
};

static void read_next(struct ship *s);

static void
enter(struct ship *s, enum stage to)
{
	s->stage = to;
}

static void __attribute__((format(printf, 2, 3)))
say(struct ship *s, const char *fmt, ...)
{
	char *text, *whole;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	whole = xasprintf("audit: ship %s: %s", s->conf->name, text);
	if (s->note != NULL)
		s->note(whole, s->arg);
	free(whole);
	free(text);
}

/* --- pauses -------------------------------------------------------------------------------------------------------------------------------------------- */

/* A quarter more or less, so that many consoles do not come back at once. */
static int64_t
jitter(int64_t ns)
{
	uint32_t r = 0;

	if (getrandom(&r, sizeof r, GRND_NONBLOCK) < 0)
		r = (uint32_t)clock_mono_fresh();
	return ns - ns / 4 + (int64_t)(r % 1024) * (ns / 2) / 1024;
}

static void
idle(struct ship *s)
{
	enter(s, SHIP_IDLE);
	loop_timer_in(s->timer, s->is_poked ? 0 : s->is_standby ? s->look_ns * STANDBY_LOOKS : s->look_ns);
}

static void
fail(struct ship *s, bool is_refused, int64_t wanted_ns, const char *why)
{
	int64_t pause = s->pause_ns;

	snprintf(s->text, sizeof s->text, "%s", why);
	s->n_failures++;
	s->n_refused = is_refused ? s->n_refused + 1 : 0;
	for (unsigned i = 1; i < s->n_failures && pause < PAUSE_MAX; i++)
		pause *= 2;
	if (s->n_refused > 1)
		pause = s->pause_ns * REFUSED_PAUSES;
	else if (pause > PAUSE_MAX)
		pause = PAUSE_MAX;
	pause = jitter(pause);
	if (!s->is_said && (is_refused || s->n_failures >= FAILURES_SAID)) {
		s->is_said = true;
		say(s, "%s; records wait in the log and are sent when it is well again", why);
	}
	enter(s, SHIP_PAUSED);
	loop_timer_in(s->timer, wanted_ns > pause ? wanted_ns : pause);
}

static void
well(struct ship *s)
{
	if (s->is_said && s->n_failures > 0)
		say(s, "well again: sent up to record %" PRIu64, s->place.seq);
	s->is_said = false;
	s->n_failures = s->n_refused = 0;
	s->text[0] = '\0';
	s->max = BATCH_MAX;
}

/* --- in the worker --------------------------------------------------------------------------------------------------------------------------------------- */

static struct job *
job_new(struct ship *s)
{
	struct job *j = xcalloc(1, sizeof *j);

	*j = (struct job){ .ship = s, .dir = xstrdup(s->dir), .chain = xstrdup_or_null(s->chain), .place_path = xstrdup(s->place_path),
	    .lock_path = xstrdup(s->lock_path), .lock_fd = s->lock_fd, .place = s->place, .has_place = s->has_place, .max = s->max };
	s->job = j;
	return j;
}

static void
job_free(struct job *j)
{
	if (j->has_batch)
		ship_batch_done(&j->batch);
	free(j->dir);
	free(j->chain);
	free(j->place_path);
	free(j->lock_path);
	free(j);
}

/* Back in the loop. false: the ship has gone, or the program is going. */
static bool
job_back(struct job *j)
{
	struct ship *s = j->ship;

	if (s == NULL) {
		if (j->lock_fd >= 0)
			close(j->lock_fd);
		job_free(j);
		return false;
	}
	s->job = NULL;
	s->lock_fd = j->lock_fd;
	if (!j->is_worked) {
		job_free(j);
		enter(s, SHIP_IDLE);
		return false;
	}
	return true;
}

static void
lock(struct job *j)
{
	if (j->lock_fd >= 0 || access(j->dir, F_OK) < 0)
		return;
	j->lock_fd = open(j->lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (j->lock_fd < 0) {
		err_set_errno(&j->err, ERR_IO, errno, "cannot make its lock beside the log");
	} else if (flock(j->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		j->is_locked_out = true;
		close(j->lock_fd);
		j->lock_fd = -1;
	}
}

static void
read_work(void *arg)
{
	struct job *j = arg;
	int r;

	j->is_worked = true;
	lock(j);
	if (j->err.code != 0 || (!j->is_locked_out && j->lock_fd < 0))
		return;
	/* Who stands by looks at how far the other one is. */
	if (!j->has_place || j->is_locked_out) {
		r = ship_place_read(j->place_path, &j->place, &j->err);
		if (r == ERR_NOTFOUND)
			j->err = (struct err)ERR_INIT;
		j->has_place = r == 0 || r == ERR_NOTFOUND;
		if (r == ERR_SYNTAX) {	/* better twice than never */
			j->err = (struct err)ERR_INIT;
			j->place = (struct ship_place){ 0 };
			j->has_place = true;
		}
	}
	if (j->err.code != 0 || j->is_locked_out)
		return;
	r = ship_batch_read(j->dir, j->chain, &j->place, j->max, &j->batch, &j->err);
	j->has_batch = r == 0;
	if (r == ERR_NOTFOUND)
		j->err = (struct err)ERR_INIT;
}

static void
note_work(void *arg)
{
	struct job *j = arg;

	j->is_worked = true;
	ship_place_write(j->place_path, &j->place, &j->err);
}

/* --- sending ---------------------------------------------------------------------------------------------------------------------------------------------- */

static void
noted(struct ship *s)
{
	s->noted_seq = s->place.seq;
	s->noted_ns = s->place.at_ns;
}

static void
note_done(void *arg)
{
	struct job *j = arg;
	struct ship *s = j->ship;

	if (!job_back(j))
		return;
	if (j->err.code != 0) {
		/* What was acknowledged is remembered as long as we run. */
		str_escape_to(s->text, sizeof s->text, j->err.msg);
		if (!s->is_said)
			say(s, "%s; after a restart some records are sent twice", j->err.msg);
		s->is_said = true;
	}
	noted(s);
	job_free(j);
	read_next(s);
}

static void
acknowledged(struct ship *s)
{
	s->place = s->batch.after;
	s->place.at_ns = clock_now();
	ship_batch_done(&s->batch);
	well(s);
	enter(s, SHIP_NOTING);
	pool_run(s->lane, note_work, note_done, job_new(s));
}

/* The first words of what the server said. */
static void
refusal(const struct fetch_result *r, char *dst, size_t size)
{
	char said[SAID_MAX], shown[SAID_MAX];

	snprintf(said, sizeof said, "%.*s", r->len < sizeof said ? (int)r->len : (int)sizeof said - 1, r->body != NULL ? r->body : "");
	said[strcspn(said, "\r\n")] = '\0';
	snprintf(dst, size, "HTTP %ld%s%s", r->status, said[0] != '\0' ? ": " : "", str_escape_to(shown, sizeof shown, said));
}

static void
on_answer(const struct fetch_result *r, void *arg)
{
	struct ship *s = arg;
	char why[256];

	s->fetch = NULL;
	if (r->err.code == 0 && r->status >= 200 && r->status <= 299) {
		acknowledged(s);
		return;
	}
	if (r->err.code != 0)
		str_escape_to(why, sizeof why, r->err.msg);
	else
		refusal(r, why, sizeof why);
	if (r->status == 413 && s->batch.n > 1)
		s->max = s->batch.n / 2;
	ship_batch_done(&s->batch);
	/* Too many requests, and timeouts of gateways, pass. */
	fail(s, r->err.code == 0 && r->status >= 400 && r->status < 500 && r->status != 408 && r->status != 413 && r->status != 429, r->retry_after_ns, why);
}

static void
send(struct ship *s)
{
	struct request q;
	struct fetch_spec spec = { .request = &q };

	spec.ctx.source = s->conf->name;
	spec.ctx.query = "";
	request_init(&q, "POST");
	q.path = xstrdup(s->chain != NULL ? "/loki/api/v1/push" : "");
	q.content_type = xstrdup(s->chain != NULL ? "application/json" : "application/x-ndjson");
	buf_add(&q.body, s->batch.body.data, s->batch.body.len);
	enter(s, SHIP_SENDING);
	s->fetch = s->web->ops->fetch(s->web, s->endpoint, &spec, on_answer, s);
	request_done(&q);
}

static void
read_done(void *arg)
{
	struct job *j = arg;
	struct ship *s = j->ship;
	struct err err = j->err;

	if (!job_back(j))
		return;
	s->is_standby = j->is_locked_out;
	if (j->has_place) {
		s->place = j->place;
		noted(s);
	}
	s->has_place = j->has_place && !s->is_standby;
	if (j->has_batch)
		s->batch = j->batch;
	j->has_batch = false;
	job_free(j);
	if (err.code != 0) {
		fail(s, false, 0, err.msg);
		return;
	}
	if (s->batch.was_replaced) {
		say(s, "record %" PRIu64 ", which was sent last, is not in the log any more: the log was replaced (opsconsole --verify); all of it is sent from its "
		    "beginning", s->place.seq);
		s->place = (struct ship_place){ .time_ns = s->place.time_ns };
	}
	if (s->batch.left_out > 0 && s->batch.left_out != s->left_out)
		say(s, "%" PRIu64 " line%s of the log that hold no record %s left out (opsconsole --verify)", s->batch.left_out,
		    s->batch.left_out == 1 ? "" : "s", s->batch.left_out == 1 ? "was" : "were");
	s->left_out = s->batch.left_out;
	if (s->batch.n > 0) {
		send(s);
		return;
	}
	ship_batch_done(&s->batch);
	idle(s);
}

static void
read_next(struct ship *s)
{
	s->is_poked = false;
	enter(s, SHIP_READING);
	pool_run(s->lane, read_work, read_done, job_new(s));
}

static void
on_timer(void *arg)
{
	struct ship *s = arg;

	if (s->stage == SHIP_IDLE || s->stage == SHIP_PAUSED)
		read_next(s);
}

/* --- from outside ------------------------------------------------------------------------------------------------------------------------------------------ */

void
ship_poke(struct ship *s)
{
	s->is_poked = true;
	if (s->stage == SHIP_IDLE && !s->is_standby)
		loop_timer_in(s->timer, 0);
}

void
ship_state(const struct ship *s, struct ship_state *ret)
{
	*ret = (struct ship_state){ .seq = s->noted_seq, .at_ns = s->noted_ns, .is_failing = s->n_failures > 0, .is_standby = s->is_standby };
	snprintf(ret->text, sizeof ret->text, "%s", s->is_standby ? "another opsconsole of this machine sends" : s->text);
}

/* A name that can be a file's; what had to be changed in it is told apart by a number. */
static char *
file_of(const char *dir, const char *name, const char *suffix)
{
	char clean[64];
	size_t n = 0;
	bool is_clean = true;

	for (const char *p = name; *p != '\0' && n + 1 < sizeof clean; p++) {
		bool is_good = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '-' || *p == '_';

		clean[n++] = is_good ? *p : '_';
		is_clean &= is_good;
	}
	clean[n] = '\0';
	if (is_clean && strlen(name) == n)
		return xasprintf("%s/ship-%s%s", dir, clean, suffix);
	return xasprintf("%s/ship-%s.%08" PRIx32 "%s", dir, clean, (uint32_t)str_hash(name, strlen(name), STR_HASH_SEED), suffix);
}

int
ship_new(struct loop *l, struct pool *p, struct transport *t, const struct ship_options *o, struct ship **ret, struct err *err)
{
	struct ship *s = xcalloc(1, sizeof *s);
	int r = t->ops->endpoint_new(t, o->conf, o->conf->url, &s->endpoint, err);

	if (r < 0) {
		free(s);
		return r;
	}
	s->loop = l;
	s->web = t;
	s->conf = o->conf;
	s->lane = pool_lane_new(p);
	s->dir = xstrdup(o->dir);
	s->chain = str_eq(o->conf->type, "loki") ? xstrdup(o->chain) : NULL;
	s->place_path = file_of(o->dir, o->conf->name, ".place");
	s->lock_path = file_of(o->dir, o->conf->name, ".lock");
	s->pause_ns = o->pause_ns > 0 ? o->pause_ns : PAUSE_DEFAULT;
	s->look_ns = o->look_ns > 0 ? o->look_ns : LOOK_DEFAULT;
	s->note = o->note;
	s->arg = o->arg;
	s->lock_fd = -1;
	s->max = BATCH_MAX;
	s->timer = loop_timer_new(l, on_timer, s);
	loop_timer_slack(s->timer, s->look_ns / 4);
	read_next(s);
	*ret = s;
	return 0;
}

void
ship_free(struct ship *s)
{
	if (s == NULL)
		return;
	if (s->job != NULL)
		s->job->ship = NULL;	/* the lock goes with it */
	else if (s->lock_fd >= 0)
		close(s->lock_fd);
	if (s->fetch != NULL)
		s->web->ops->cancel(s->web, s->fetch);
	s->web->ops->endpoint_free(s->web, s->endpoint);
	loop_timer_free(s->timer);
	ship_batch_done(&s->batch);
	pool_lane_free(s->lane);
	free(s->dir);
	free(s->chain);
	free(s->place_path);
	free(s->lock_path);
	free(s);
}
