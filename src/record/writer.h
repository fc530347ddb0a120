/*
 * The recorder's side in the workers: batches of things to do, in order, and what came of them.
 *
 * The loop fills a batch, a lane of the pool works it, the loop reads its reports. A writer outlives its recorder where a disk hangs: batches hold it, too.
 */
#ifndef OPS_RECORD_WRITER_H
#define OPS_RECORD_WRITER_H

#include <pthread.h>
#include <sys/queue.h>

#include "record/chunk_file.h"
#include "record/encode.h"

enum job_kind {
	JOB_BEGIN,	/* a chunk, with its snapshot */
	JOB_EVENT,
	JOB_CLOSE,	/* the chunk under way */
	JOB_REMOVE,	/* chunk number */
	JOB_MARK,	/* a line for the file "pinned" */
	JOB_KEPT,	/* ask what other kept recordings take */
	JOB_END		/* the recording; number 1: it is removed */
};
struct job {
	enum job_kind kind;
	struct event ev;
	int64_t at_ns;
	uint64_t number;
	enum chunk_after after;
	struct event_list snapshot;
	char *text;		/* MARK: the line; BEGIN: why there is a gap, or NULL */
};

enum report_kind {
	REPORT_OPENED,	/* the folder: text; bytes kept by others */
	REPORT_BEGUN,	/* a chunk can be written */
	REPORT_CLOSED,
	REPORT_KEPT,	/* bytes */
	REPORT_FAILED	/* text; the chunk, where one was under way, ends torn */
};
struct chunk_facts {
	uint64_t number, bytes, n_events;
	int64_t from_ns, to_ns;
	char file[FOLDER_FILE_MAX], sha256[RECORD_SHA_HEX + 1], prev[RECORD_SHA_HEX + 1];
};
struct report_item {
	enum report_kind kind;
	char *text;
	uint64_t bytes;
	struct chunk_facts chunk;
};

struct writer;
struct batch {
	TAILQ_ENTRY(batch) next;
	struct writer *writer;
	void *owner;			/* the loop's; NULL: nobody asks any more */
	size_t n_jobs, cap_jobs;
	struct job *jobs;
	size_t n_events, bytes;		/* that wait in it */
	size_t n_reports;
	struct report_item *reports;
	uint64_t chunk_bytes, chunk_events;	/* of the chunk under way, afterwards */
	bool is_worked;			/* under the writer's lock */
};

struct writer_options {
	int64_t keep_ns;		/* what writers that died left behind is removed when it is older */
	const char *root, *env, *user, *host, *version;
};
struct writer *writer_new(const struct writer_options *o);
void writer_unref(struct writer *w);

struct batch *batch_new(struct writer *w);
void batch_free(struct batch *b);
struct job *batch_add(struct batch *b, enum job_kind kind);	/* zeroed; filled in by the caller */
/* The work: for pool_run(). */
void batch_work(void *arg);
/* Waits for it until the monotonic time. */
bool batch_wait(struct batch *b, int64_t until_mono_ns);

#endif
