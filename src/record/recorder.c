/* The recorder's side in the loop: which chunk is under way, what is kept, what waits. What touches the disk is in writer.c. */
#include "config.h"

#include "record/recorder.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "record/recorder_priv.h"

/* --- giving to the lane --------------------------------------------------------------------------------------------------------------- */

static void
on_done(void *arg)
{
	struct batch *b = arg;
	struct recorder *r = b->owner;

	if (r != NULL) {
		TAILQ_REMOVE(&r->batches, b, next);
		recorder_reports(r, b);
	}
	batch_free(b);
}

struct job *
recorder_job(struct recorder *r, enum job_kind kind)
{
	if (r->next == NULL)
		r->next = batch_new(r->writer);
	return batch_add(r->next, kind);
}

void
recorder_send(struct recorder *r)
{
	struct batch *b = r->next;

	if (b == NULL)
		return;
	r->next = NULL;
	loop_timer_stop(r->flush);
	b->owner = r;
	TAILQ_INSERT_TAIL(&r->batches, b, next);
	pool_run(r->lane, batch_work, on_done, b);
}

static void
on_flush(void *arg)
{
	recorder_send(arg);
}

/* --- chunks --------------------------------------------------------------------------------------------------------------------------- */

static void
begin_chunk(struct recorder *r, const struct model *model, int64_t at_ns, enum chunk_after after)
{
	struct job *j = recorder_job(r, JOB_BEGIN);

	j->at_ns = at_ns;
	j->after = r->number == 0 ? AFTER_START : r->gap != NULL ? AFTER_GAP : after;
	j->number = ++r->number;
	j->text = r->gap;
	r->gap = NULL;
	model_snapshot(model, true, &j->snapshot);
	r->has_chunk = true;
	r->from_ns = at_ns;
	r->n_in_chunk = 0;
	loop_timer_in(r->quiet, QUIET_NS);
	if (r->since_ns == 0)
		r->since_ns = at_ns;
}

void
recorder_close_chunk(struct recorder *r, int64_t at_ns)
{
	if (!r->has_chunk)
		return;
	recorder_job(r, JOB_CLOSE)->at_ns = at_ns;
	r->has_chunk = false;
	loop_timer_stop(r->quiet);
}

/* Nothing has come for a while: what there is gets its hash. */
static void
on_quiet(void *arg)
{
	struct recorder *r = arg;

	if (clock_now() > r->last_ns)
		r->last_ns = clock_now();
	recorder_close_chunk(r, r->last_ns);
	recorder_send(r);
}

/* A gap from now on; why is told to people and written into the next chunk's header. */
void
recorder_gap(struct recorder *r, const char *why)
{
	free(r->gap);
	r->gap = xstrdup(why);
	r->has_chunk = false;
	loop_timer_stop(r->quiet);
	if (r->is_told)
		return;
	r->is_told = true;
	r->gap_ns = r->last_ns;
	recorder_tell(r, "The flight recorder has stopped: %s. It tries again.", why);
}

/* --- events --------------------------------------------------------------------------------------------------------------------------- */

/* Is there a use in taking one more? Else it falls into a gap. */
static bool
can_take(struct recorder *r)
{
	if (r->is_broken) {
		if (clock_mono() < r->retry_mono)
			return false;
		r->is_broken = false;
	}
	if (r->is_behind) {
		if (r->waiting > 0)
			return false;
		r->is_behind = false;
	}
	if (r->waiting_bytes <= WAITING_BYTES_MAX && r->waiting < WAITING_MAX)
		return true;
	r->is_behind = true;
	recorder_close_chunk(r, r->last_ns);
	recorder_send(r);
	recorder_gap(r, "the disk did not keep up with what came");
	return false;
}

static void
add_event(struct recorder *r, const struct event *ev, int64_t at_ns)
{
	struct job *j = recorder_job(r, JOB_EVENT);
	size_t bytes = block_bytes(ev->block) + sizeof *j;

	j->ev = *ev;
	j->ev.block = block_ref(ev->block);
	j->at_ns = at_ns;
	r->waiting++;
	r->waiting_bytes += bytes;
	r->next->n_events++;
	r->next->bytes += bytes;
	r->n_events++;
	r->n_in_chunk++;
	if (at_ns > r->last_event_ns)
		loop_timer_in(r->quiet, QUIET_NS);
	r->last_event_ns = at_ns;
}

void
recorder_event(struct recorder *r, const struct model *model, const struct event *ev, int64_t now_ns)
{
	bool was_empty = r->next == NULL;

	/* Times of a recording never go back; where the clock did, they stand until it has caught up. */
	if (now_ns > r->last_ns)
		r->last_ns = now_ns;
	if (!can_take(r))
		return;
	if (!r->has_chunk) {
		/* ev is in the snapshot */
		begin_chunk(r, model, r->last_ns, AFTER_QUIET);
	} else {
		add_event(r, ev, r->last_ns);
		if (r->last_ns - r->from_ns >= CHUNK_NS || r->n_in_chunk >= CHUNK_EVENTS_MAX) {
			recorder_close_chunk(r, r->last_ns);
			begin_chunk(r, model, r->last_ns, AFTER_CHUNK);
		}
	}
	if (r->next->bytes > BATCH_BYTES)
		recorder_send(r);
	else if (was_empty)
		loop_timer_in(r->flush, FLUSH_NS);
}

/* --- from beginning to end --------------------------------------------------------------------------------------------------------------- */

static void
find_self(char *user, size_t user_size, char *host, size_t host_size)
{
	const struct passwd *pw = getpwuid(getuid());

	if (pw != NULL)
		snprintf(user, user_size, "%s", pw->pw_name);
	else
		snprintf(user, user_size, "%ld", (long)getuid());
	if (gethostname(host, host_size - 1) < 0)
		host[0] = '\0';
	host[host_size - 1] = '\0';
	host[strcspn(host, ".")] = '\0';
}

int
recorder_new(struct loop *l, struct pool *p, const struct recorder_options *o, struct recorder **ret, struct err *err)
{
	char user[64], host[65], *root = folder_root(o->dir);
	struct recorder *r;
	int code = folder_check(root, err);

	if (code < 0) {
		free(root);
		return code;
	}
	find_self(user, sizeof user, host, sizeof host);
	r = xcalloc(1, sizeof *r);
	r->options = *o;
	r->options.keep_ns = o->keep_ns > 0 ? o->keep_ns : 30 * NS_PER_MIN;
	r->options.keep_bytes = o->keep_bytes > 0 ? o->keep_bytes : INT64_C(64) << 20;
	r->options.kept_max = o->kept_max > 0 ? o->kept_max : INT64_C(4) << 30;
	r->root = root;
	r->env = folder_env(o->env);
	r->writer = writer_new(&(struct writer_options){ .keep_ns = r->options.keep_ns, .root = root, .env = o->env != NULL ? o->env : "", .user = user, .host = host,
	    .version = o->version != NULL ? o->version : "" });
	r->lane = pool_lane_new(p);
	r->flush = loop_timer_new(l, on_flush, r);
	loop_timer_slack(r->flush, FLUSH_SLACK_NS);
	r->quiet = loop_timer_new(l, on_quiet, r);
	loop_timer_slack(r->quiet, NS_PER_S);
	TAILQ_INIT(&r->batches);
	*ret = r;
	return 0;
}

/* What is worked is taken in; the rest is left to itself, and frees itself when its time comes. */
static void
wait_for_batches(struct recorder *r, int64_t timeout_ns)
{
	int64_t until = clock_mono_fresh() + timeout_ns;
	struct batch *b;

	while ((b = TAILQ_FIRST(&r->batches)) != NULL) {
		if (!batch_wait(b, until))
			log_write(LOG_ERROR, "record", "the end of the recording did not reach the disk in time");
		else
			recorder_reports(r, b);
		TAILQ_REMOVE(&r->batches, b, next);
		b->owner = NULL;
	}
}

void
recorder_free(struct recorder *r, int64_t timeout_ns)
{
	if (r == NULL)
		return;
	if (clock_now() > r->last_ns)
		r->last_ns = clock_now();
	recorder_close_chunk(r, r->last_ns);
	recorder_end(r);
	recorder_send(r);
	r->is_ending = true;
	wait_for_batches(r, timeout_ns);
	pool_lane_free(r->lane);
	loop_timer_free(r->flush);
	loop_timer_free(r->quiet);
	writer_unref(r->writer);
	ring_done(r);
	free(r->gap);
	free(r->id);
	free(r->env);
	free(r->root);
	free(r);
}

void
recorder_state(const struct recorder *r, struct recorder_state *ret)
{
	int64_t span = 0;
	uint64_t bytes = 0;

	*ret = (struct recorder_state){ .since_ns = r->since_ns, .events = r->n_events, .is_pinned = r->n_pins > 0,
		.is_broken = r->is_broken || r->is_behind, .waiting = r->waiting, .chunks = r->n_chunks + (r->has_chunk ? 1 : 0) };
	if (r->id != NULL)
		snprintf(ret->path, sizeof ret->path, "%s/%s/%s", r->root, r->env, r->id);
	for (size_t i = 0; i < r->n_chunks; i++) {
		span += r->chunks[i].facts.to_ns - r->chunks[i].facts.from_ns;
		bytes += r->chunks[i].facts.bytes;
	}
	if (span > 0)
		ret->bytes_per_hour = (double)bytes * (double)NS_PER_HOUR / (double)span;
	ret->bytes = bytes + r->chunk_bytes;
}
