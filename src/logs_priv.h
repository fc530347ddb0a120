/* Private to logs*.c: what is asked of the stores, and what is worked out from it. */
#ifndef OPS_LOGS_PRIV_H
#define OPS_LOGS_PRIV_H

#include "logs.h"
#include "logs_patterns.h"
#include "logs_work.h"
#include "source/log.h"

enum { SHOTS_MAX = 200 };

struct followed {			/* a stream of the config */
	const struct conf_log_stream *def;
	char *id;			/* "logs:NAME" */
	int64_t since_ns;		/* asked for from then on */
	int64_t from_ns;		/* since then its lines are held; INT64_MAX: nothing came yet */
	int64_t asked_ns;		/* a range that begins earlier has not been asked for */
	int64_t around_from_ns, around_to_ns;	/* what the last question around the cursor told */
	bool is_tried;
	/* --status: */
	bool is_asked, is_cut;		/* the first page is there, and is not all that was asked for */
	char *count_id;			/* "count:NAME" */
	int64_t count_end_ns;		/* counted up to then; 0: not asked for */
	bool is_counted;		/* or it could not be */
	const struct log_counts *counts;	/* NULL: none yet */
};
enum shot_kind { SHOT_OLDER, SHOT_AROUND, SHOT_SEARCH };
struct shot {				/* asked once */
	enum shot_kind kind;
	char *id, *source, *query;
	struct log_filter *filter;	/* of a search: a store may answer more than it; NULL: all that it answers is meant */
	int64_t start_ns, end_ns;
	size_t stream;			/* whose lines; SIZE_MAX none in particular */
	int64_t reach_ns;		/* since then its lines were told; end_ns: none yet */
};
struct searched {			/* what a store answered to searches; in the order of the environment's sources */
	bool is_asked;
	size_t n_read, n, n_new;	/* lines; those that match; of all read those that were not held before */
};

struct logs {
	struct app *app;
	struct redact *redact;
	struct logs_work *work;
	struct logs_patterns *patterns;
	struct logs_names *names;	/* NULL before logs_start() */
	struct pool_lane *saving;
	unsigned n_saving;
	struct followed *streams;
	size_t n_streams;
	struct shot *shots;
	size_t n_shots;
	unsigned n_made;		/* for ids */
	bool are_wants_old;		/* to be told at the end of this turn */
	bool is_started;
	/* the search under way */
	unsigned n_searches;		/* that have not ended */
	struct searched *searched;
	struct searched *applying;	/* whose lines are on their way into the model; NULL none */
	uint64_t n_before;		/* lines that it had then, dropped ones too */
	char search_error[256];		/* the first one */
	logs_say_cb *say;
	void *say_arg;
};

/* logs_ask.c: the list of what is wanted. */
void logs_tell_wants(struct logs *l);
/* false: there is no time in between, or too many are under way. */
bool logs_shot(struct logs *l, enum shot_kind kind, const char *source, const char *query, int64_t start_ns, int64_t end_ns, size_t stream);
bool logs_has_shot(const struct logs *l, enum shot_kind kind, size_t stream);
void logs_shots_done(struct logs *l);		/* frees them */
void logs_ask_range(struct logs *l);
/* A filter as typed, asked of the stores over a range. */
int logs_search_range(struct logs *l, const char *query, int64_t start_ns, int64_t end_ns, struct err *err);
log_done_cb logs_on_done;
/* Lines are about to come, or are there: how many of a search's are new. */
void logs_search_lines(struct logs *l, const struct log_batch *b);
void logs_search_applied(struct logs *l);
const struct conf_source *logs_source(const struct logs *l, const char *name);	/* NULL: none */

/* logs_count.c: what the stores count where lines are too many. */
void logs_count_turn(struct logs *l);
size_t logs_count_wants(const struct logs *l, struct log_want *v);	/* one a stream at most */
void logs_count_done(struct logs *l, const char *id, bool is_whole, const char *error);
log_counts_cb logs_on_counts;
bool logs_count_is_settled(const struct logs *l);
void logs_count_take(const struct logs *l, struct log_view *view);	/* into its services */
void logs_counts_free(struct logs *l);

void logs_tell(struct logs *l, bool is_error, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
