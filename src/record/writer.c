#include "config.h"

#include "record/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/xalloc.h"

struct writer {
	int refs;			/* atomic */
	pthread_mutex_t lock;		/* of is_worked of the batches */
	pthread_cond_t worked;
	char *root, *env, *user, *host, *version;
	/* The lane's: one task at a time. */
	int64_t keep_ns;
	int env_fd, dir_fd, lock_fd;	/* -1: not yet */
	char *id;
	struct encoder encoder;
	struct chunk_file chunk;
	char prev[RECORD_SHA_HEX + 1];
	bool has_failed;		/* and the loop may not know it yet */
	struct buf marks;		/* lines for "pinned" that wait for the folder */
};

enum { MARKS_MAX = 1 << 20 };

struct writer *
writer_new(const struct writer_options *o)
{
	struct writer *w = xcalloc(1, sizeof *w);
	pthread_condattr_t attr;

	w->refs = 1;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->worked, &attr);
	pthread_condattr_destroy(&attr);
	w->root = xstrdup(o->root);
	w->env = xstrdup(o->env);
	w->keep_ns = o->keep_ns;
	w->user = xstrdup(o->user);
	w->host = xstrdup(o->host);
	w->version = xstrdup(o->version);
	w->env_fd = w->dir_fd = w->lock_fd = -1;
	encoder_init(&w->encoder);
	chunk_file_init(&w->chunk);
	buf_init(&w->marks, MARKS_MAX);
	memcpy(w->prev, RECORD_ZERO, sizeof w->prev);
	return w;
}

static void
close_all(struct writer *w)
{
	int *const fds[] = { &w->dir_fd, &w->env_fd, &w->lock_fd };

	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

void
writer_unref(struct writer *w)
{
	if (w == NULL || __atomic_sub_fetch(&w->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	encoder_done(&w->encoder);
	chunk_file_done(&w->chunk);
	close_all(w);
	buf_done(&w->marks);
	free(w->id);
	free(w->root);
	free(w->env);
	free(w->user);
	free(w->host);
	free(w->version);
	pthread_cond_destroy(&w->worked);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* --- batches ---------------------------------------------------------------------------------------------------------------------- */

struct batch *
batch_new(struct writer *w)
{
	struct batch *b = xcalloc(1, sizeof *b);

	__atomic_add_fetch(&w->refs, 1, __ATOMIC_RELAXED);
	b->writer = w;
	return b;
}

static void
job_done(struct job *j)
{
	event_done(&j->ev);
	event_list_done(&j->snapshot);
	free(j->text);
}

void
batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n_jobs; i++)
		job_done(&b->jobs[i]);
	for (size_t i = 0; i < b->n_reports; i++)
		free(b->reports[i].text);
	free(b->jobs);
	free(b->reports);
	writer_unref(b->writer);
	free(b);
}

struct job *
batch_add(struct batch *b, enum job_kind kind)
{
	if (b->n_jobs == b->cap_jobs) {
		b->cap_jobs = b->cap_jobs == 0 ? 16 : b->cap_jobs * 2;
		b->jobs = xreallocarray(b->jobs, b->cap_jobs, sizeof *b->jobs);
	}
	b->jobs[b->n_jobs] = (struct job){ .kind = kind };
	return &b->jobs[b->n_jobs++];
}

static struct report_item *
report(struct batch *b, enum report_kind kind)
{
	b->reports = xreallocarray(b->reports, b->n_reports + 1, sizeof *b->reports);
	b->reports[b->n_reports] = (struct report_item){ .kind = kind };
	return &b->reports[b->n_reports++];
}

/* What comes next does not follow what was: its chunk is broken off, and the next one begins a chain of its own. */
static void
failed(struct writer *w, struct batch *b, enum job_kind kind, const struct err *err)
{
	struct report_item *item = report(b, REPORT_FAILED);

	item->text = xstrdup(err->msg);
	w->has_failed = true;
	if (kind == JOB_EVENT || kind == JOB_CLOSE)
		item->chunk = (struct chunk_facts){ .number = w->chunk.number, .bytes = w->chunk.bytes, .n_events = w->chunk.n_events,
			.from_ns = w->chunk.from_ns, .to_ns = w->chunk.to_ns };
	memcpy(w->prev, RECORD_ZERO, sizeof w->prev);
}

/* --- the folder --------------------------------------------------------------------------------------------------------------------- */

static int
write_marks(struct writer *w, struct err *err)
{
	size_t done = 0;
	int fd = fault_openat(FAULT_RECORD_OPEN, w->dir_fd, "pinned", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600), r = 0;

	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "%s/pinned", w->id);
	while (r == 0 && done < w->marks.len) {
		ssize_t n = fault_write(FAULT_RECORD_WRITE, fd, w->marks.data + done, w->marks.len - done);

		if (n < 0 && errno != EINTR)
			r = err_set_errno(err, ERR_IO, errno, "%s/pinned", w->id);
		done += n > 0 ? (size_t)n : 0;
	}
	if (r == 0 && fault_fdatasync(FAULT_RECORD_FSYNC, fd) < 0)
		r = err_set_errno(err, ERR_IO, errno, "%s/pinned: cannot sync", w->id);
	close(fd);
	if (r == 0)
		buf_reset(&w->marks);
	return r;
}

static int
open_folder(struct writer *w, struct batch *b, int64_t now_ns, struct err *err)
{
	struct report_item *item;
	int r;

	if (w->dir_fd >= 0)
		return 0;
	if (w->env_fd < 0) {
		char *env = folder_env(w->env);

		r = folder_open(w->root, env, true, &w->env_fd, err);
		free(env);
		if (r < 0)
			return r;
		folder_remove_leftovers(w->env_fd, w->keep_ns);
	}
	r = folder_new(w->env_fd, now_ns, &w->id, &w->dir_fd, &w->lock_fd, err);
	if (r < 0)
		return r;
	fsync(w->env_fd);
	item = report(b, REPORT_OPENED);
	item->text = xstrdup(w->id);
	item->bytes = folder_kept_bytes(w->env_fd, w->id);
	return 0;
}

/* --- the jobs ------------------------------------------------------------------------------------------------------------------------ */

static int
add_line(struct writer *w, struct err *err)
{
	return chunk_file_add(&w->chunk, w->encoder.line.data, w->encoder.line.len, err);
}

static int
write_snapshot(struct writer *w, const struct event_list *events, struct err *err)
{
	int r = 0;

	encoder_reset(&w->encoder);
	for (size_t i = 0; r == 0 && i < events->n; i++) {
		encode_snapshot(&w->encoder, &events->v[i]);
		r = add_line(w, err);
	}
	if (r < 0)
		return r;
	encode_mark(&w->encoder, events->n);
	return add_line(w, err);
}

static void
remove_chunk(struct writer *w, uint64_t number)
{
	char name[FOLDER_FILE_MAX];

	folder_chunk_name(name, number);
	if (w->dir_fd >= 0)
		unlinkat(w->dir_fd, name, 0);
}

static int
begin(struct writer *w, struct batch *b, const struct job *j, struct err *err)
{
	struct chunk_head head = { .env = w->env, .user = w->user, .host = w->host, .version = w->version, .number = j->number,
		.from_ns = j->at_ns, .after = j->after, .why = j->text != NULL ? j->text : "" };
	int r = open_folder(w, b, j->at_ns, err);

	if (r == 0 && w->marks.len > 0)
		r = write_marks(w, err);
	if (r < 0)
		return r;
	head.id = w->id;
	head.prev = w->prev;
	r = chunk_file_begin(&w->chunk, w->dir_fd, &head, err);
	if (r == 0)
		r = write_snapshot(w, &j->snapshot, err);
	if (r == 0)
		r = chunk_file_flush(&w->chunk, err);
	if (r == 0)
		report(b, REPORT_BEGUN);
	else
		remove_chunk(w, j->number);	/* without its snapshot it is of no use */
	return r;
}

static int
close_chunk(struct writer *w, struct batch *b, const struct job *j, struct err *err)
{
	struct chunk_file *c = &w->chunk;
	struct chunk_facts *f;
	int r = chunk_file_close(c, j->at_ns, err);

	if (r < 0)
		return r;
	fsync(w->dir_fd);
	f = &report(b, REPORT_CLOSED)->chunk;
	*f = (struct chunk_facts){ .number = c->number, .bytes = c->bytes, .n_events = c->n_events, .from_ns = c->from_ns, .to_ns = c->to_ns };
	memcpy(f->file, c->name, sizeof f->file);
	memcpy(f->sha256, c->sha256, sizeof f->sha256);
	memcpy(f->prev, c->prev, sizeof f->prev);
	memcpy(w->prev, c->sha256, sizeof w->prev);
	return 0;
}

static int
add_event(struct writer *w, const struct job *j, struct err *err)
{
	encode_event(&w->encoder, &j->ev, j->at_ns);
	w->chunk.n_events++;
	if (j->at_ns > w->chunk.to_ns)
		w->chunk.to_ns = j->at_ns;
	return add_line(w, err);
}

static void
end(struct writer *w, bool is_removed)
{
	if (is_removed && w->dir_fd >= 0)
		folder_remove(w->env_fd, w->id);
	encoder_reset(&w->encoder);
	close_all(w);
}

static void
work_job(struct writer *w, struct batch *b, struct job *j)
{
	bool is_open = w->chunk.fd >= 0;
	struct err err = ERR_INIT;
	int r = 0;

	switch (j->kind) {
	case JOB_BEGIN:
		/* What the loop gave before it knew of a failure would follow something that is not there. */
		if (w->has_failed && j->after != AFTER_GAP)
			break;
		w->has_failed = false;
		r = begin(w, b, j, &err);
		break;
	case JOB_EVENT:
		r = is_open ? add_event(w, j, &err) : 0;
		break;
	case JOB_CLOSE:
		r = is_open ? close_chunk(w, b, j, &err) : 0;
		break;
	case JOB_REMOVE:
		remove_chunk(w, j->number);
		break;
	case JOB_MARK:
		buf_addstr(&w->marks, j->text);
		r = w->dir_fd >= 0 ? write_marks(w, &err) : 0;
		break;
	case JOB_KEPT:
		report(b, REPORT_KEPT)->bytes = w->env_fd >= 0 ? folder_kept_bytes(w->env_fd, w->id) : 0;
		break;
	case JOB_END:
		end(w, j->number == 1);
		break;
	}
	if (r < 0)
		failed(w, b, j->kind, &err);
}

void
batch_work(void *arg)
{
	struct batch *b = arg;
	struct writer *w = b->writer;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < b->n_jobs; i++) {
		work_job(w, b, &b->jobs[i]);
		/* The blocks go here and not in the loop: freeing is work, too. */
		job_done(&b->jobs[i]);
		b->jobs[i] = (struct job){ .kind = b->jobs[i].kind };
	}
	if (w->chunk.fd >= 0 && chunk_file_flush(&w->chunk, &err) < 0)
		failed(w, b, JOB_EVENT, &err);
	b->chunk_bytes = w->chunk.fd >= 0 ? w->chunk.bytes : 0;
	b->chunk_events = w->chunk.fd >= 0 ? w->chunk.n_events : 0;
	pthread_mutex_lock(&w->lock);
	b->is_worked = true;
	pthread_cond_broadcast(&w->worked);
	pthread_mutex_unlock(&w->lock);
}

bool
batch_wait(struct batch *b, int64_t until_mono_ns)
{
	struct writer *w = b->writer;
	struct timespec until = { .tv_sec = (time_t)(until_mono_ns / NS_PER_S), .tv_nsec = (long)(until_mono_ns % NS_PER_S) };
	bool is_worked;
	int r = 0;

	pthread_mutex_lock(&w->lock);
	while (!b->is_worked && r == 0)
		r = pthread_cond_timedwait(&w->worked, &w->lock, &until);
	is_worked = b->is_worked;
	pthread_mutex_unlock(&w->lock);
	return is_worked;
}
