/* What the files of objectives at work share: slos.c has the rounds, the answers and corrections, slos_define.c what the objectives are. */
#ifndef OPS_SLOS_PRIV_H
#define OPS_SLOS_PRIV_H

#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>

#include "conf/corrections.h"
#include "insight/slo_book.h"
#include "slos.h"

struct answer_in {			/* came while the book was being worked on, or since the last turn */
	STAILQ_ENTRY(answer_in) next;
	const struct series_set *series;	/* or: */
	char *id, *error;
	long http_status;
};

struct asked {				/* how the requests to one source went since it was last told */
	char *source;
	unsigned n_ok, n_failed;
	int64_t latency_ns;		/* the slowest */
	size_t bytes;
	long http_status;		/* of the newest failure */
	char *error;
};

struct found {				/* objectives in the rules of one source */
	char *source;
	struct slo_def_set *defs;	/* NULL: none are looked for */
	const struct rule_set *rules;	/* also for those of --export slo-rules */
	uint64_t hash;			/* of the rules */
};

struct log_state {
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

struct slos {
	struct app *app;
	struct slo_book *book;
	struct loop_timer *timer, *cursor;
	struct corrections log;
	struct log_state log_state;
	char *log_error;		/* why it cannot be read, as was told; NULL: it can */
	int64_t log_again_ns;		/* monotonic: then it is tried again */
	struct slo_def_set *defs;	/* all of them */
	uint64_t defs_hash;
	size_t n_found, n_asked;
	struct found *found;
	struct asked *asked;
	size_t n_wants;
	struct query_want *wants;	/* strings owned */
	STAILQ_HEAD(, answer_in) answers;
	unsigned n_finding;		/* sets of rules being looked at */
	unsigned n_corrections;		/* so far, for ids of operations */
	bool is_started;
	bool is_busy;			/* a worker has the book */
	bool is_changed;		/* definitions must be put together anew */
	bool is_defined;		/* they have been, and the book has not been worked on since */
	bool is_log_known;		/* it was tried once */
	bool has_more;			/* the book may have more results */
	bool is_settled;
	int64_t past_ns;		/* the time cursor, 0 live */
};

/* slos.c. To the model, as an event; takes block. */
void slos_tell(struct slos *s, enum event_kind kind, void *block);

/* slos_define.c. Definitions put together anew, in a worker; objectives looked for in the rules that came. */
void slos_define(struct slos *s, bool is_log_read);
void slos_look_for(struct slos *s, const struct event *ev);
void slos_found_done(struct found *v, size_t n);
/* Somebody else may have added to the log of corrections, or it could not be read. */
bool slos_log_has_changed(struct slos *s);

#endif
