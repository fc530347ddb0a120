/* Private to drift_book*.c. */
#ifndef OPS_INSIGHT_DRIFT_BOOK_PRIV_H
#define OPS_INSIGHT_DRIFT_BOOK_PRIV_H

#include "insight/drift_book.h"

#include <sys/queue.h>

#include "base/buf.h"
#include "base/clock.h"
#include "insight/drift_judge.h"
#include "insight/drift_profile.h"

enum {
	EXPR_BYTES_MAX = 24 << 10,	/* of one request */
	TERMS_MAX = 60,			/* in one request */
	OUT_MAX = 4,			/* requests to one source at a time */
	ROUND_WAIT = 3,			/* a round waits so many times its period */
	LAYOUT_ROUNDS = 10,		/* between two looks at which hosts have which bounds */
	HISTORY_STEPS = 24,
	HISTORY_FEW = 200,		/* so many definitions are filled several steps a round */
	RING_MAX = 32,			/* results remembered, an eighth of a window apart */
	MARKERS_MAX = 1000,
};
#define DRIFT_BOOK_LABEL "ops"	/* which term a series answers */
#define SEEN_RANGE "14d"		/* a version that served last before that is not found */

/* --- what is asked ---------------------------------------------------------------------------- */

enum what {
	WHAT_CELLS,		/* buckets, a native histogram, or categories */
	WHAT_LAYOUT,		/* how many series have each bound */
	WHAT_MISSING,
	WHAT_SEEN,		/* when a version was seen last */
	WHAT_N, WHAT_MEAN, WHAT_VARIANCE, WHAT_Q50, WHAT_Q95,	/* of a gauge */
	WHAT_PARTS,		/* variance of the means of GAUGE_PARTS parts of the window */
	WHAT_PAIRS,		/* of half as many parts */
	WHATS
};
enum { GAUGE_PARTS = 10 };
enum which { NOW, THEN, SIDES };

struct item;
struct round;
struct want {			/* one term of a request, and its answer */
	struct item *item;
	enum which which;
	enum what what;
	const char *source, *expr;
	int64_t at_ns, window_ns;
	bool is_open, is_source_failed;
	const char *error;	/* in the round's arena */
	size_t n;
	const struct series **v;
};
struct batch {
	TAILQ_ENTRY(batch) next;
	struct round *round;
	char *id, *expr;
	const char *source;	/* the defs' */
	int64_t at_ns;
	size_t n;
	struct want **wants;
	bool is_out;
};
TAILQ_HEAD(batches, batch);

/* --- definitions ------------------------------------------------------------------------------ */

struct selector { char *name, *inner; };	/* name{inner} */
struct profile_text {		/* one text, for all that come with the same */
	TAILQ_ENTRY(profile_text) next;
	uint64_t hash;
	size_t len;
	char *text;
	unsigned n_users;
	struct drift_profile *profile;
};
struct served {			/* a model */
	TAILQ_ENTRY(served) next;
	char *model, *version, *previous;
};
struct result { int64_t at_ns; bool is_beyond; };
struct reference {		/* what was asked before, as long as it holds */
	struct arena arena;	/* of side */
	struct drift_side side;
	bool is_known;
	bool is_gone;		/* the version: it serves no more; the side is of when it did */
	char *version;		/* it is of; NULL: of none */
	int64_t asked_ns;
	char *reason;		/* there is none: why */
};
struct item {
	const struct drift_def *def;
	size_t index;
	char *error;		/* of the definition */
	struct selector metric, trained;
	struct profile_text *profile;
	char *profile_why;
	struct reference reference;
	struct partial {	/* bounds that not all series have, as last looked at */
		size_t n;
		double *v;
	} partial[SIDES];
	unsigned layout_age;	/* rounds since; 0: is to be looked at */
	size_t n_ring;
	struct result ring[RING_MAX];	/* oldest first */
	bool was_judged, is_drifted;	/* is_drifted: it was, and was not seen to be back */
	bool is_onset_open;	/* it was as the program began: history will tell since when */
	enum drift_state state;
	int64_t since_ns;
	float ratio[HISTORY_STEPS];
	uint32_t filled;	/* bit i: ratio[i] was asked for */
};

/* --- rounds ----------------------------------------------------------------------------------- */

enum round_kind { ROUND_NOW, ROUND_THEN, ROUND_NOW_BEFORE, ROUND_THEN_BEFORE, ROUND_HISTORY, ROUNDS };
enum phase { PHASE_IDLE, PHASE_FIRST, PHASE_SEEN, PHASE_GONE, PHASE_DONE };
struct got { struct want *w[SIDES][WHATS]; bool is_in; };
struct round {
	enum round_kind kind;
	enum phase phase;
	int64_t at_ns, begin_ns;
	struct arena arena;
	size_t n_open;
	bool has_source_failed;
	struct got *got;	/* by item */
	size_t n_wants, cap_wants;
	struct want **wants;
	size_t n_blocks, cap_blocks;
	const void **blocks;
};
struct view {			/* now, and at the time cursor */
	bool is_on, is_running, is_begun, is_lacking;
	bool is_again;		/* what came while earlier windows were asked is not in it */
	int64_t at_ns, begin_ns;
	struct drift_set *set;	/* being made, with the next three in its arena; NULL: not yet */
	struct drift_judged *judged;
	const char **against;
	bool *was_beyond;
};
struct drift_book {
	struct drift_def_set *defs;
	size_t n;
	struct item *items;
	TAILQ_HEAD(, profile_text) profiles;
	TAILQ_HEAD(, served) served;
	struct batches batches;
	struct round rounds[ROUNDS];
	struct view views[2];	/* of ROUND_NOW and ROUND_THEN */
	int64_t now_ns, every_ns;
	uint64_t n_ids;
	size_t n_asks, cap_asks;
	struct drift_ask *asks;
	struct event_list events;
	bool is_changed, is_settled;
	int64_t history_start_ns, history_step_ns, history_rest_ns;
	unsigned history_slot, history_left;
	bool is_history_due, is_markers_due;
	size_t n_markers;
	struct marker *markers;	/* strings owned */
	int64_t markers_start_ns;
};

/* --- drift_book_expr.c ------------------------------------------------------------------------ */

int selector_parse(const char *text, struct selector *ret, struct err *err);
void selector_done(struct selector *s);
/* Append what is asked over window; version NULL: of all. */
void want_expr(struct buf *out, const struct item *item, const struct selector *s, enum what what,
    int64_t window_ns, const char *version);

/* --- drift_book_ask.c ------------------------------------------------------------------------- */

void round_want(struct round *r, struct item *item, enum which which, enum what what, int64_t at_ns,
    int64_t window_ns, const char *expr);
/* Requests of all wants that are open and in none yet (from first on). */
void batches_make(struct drift_book *b, struct round *r, size_t first);
void drift_batches_release(struct drift_book *b);
void drift_batches_drop(struct drift_book *b, const struct round *r);
void drift_batches_expire(struct drift_book *b, struct round *r);

/* --- drift_book_round.c ----------------------------------------------------------------------- */

/* What is known of a definition's model; NULL: nothing. */
const struct served *item_served(const struct drift_book *b, const struct item *item);
/* All that one side needs. */
void round_side_wants(struct round *r, struct item *item, enum which which, int64_t at_ns,
    int64_t window_ns, const char *version, bool is_layout);
/* is_in NULL: all items. */
void round_begin(struct drift_book *b, struct round *r, int64_t at_ns, const bool *is_in);
void round_end(struct drift_book *b, struct round *r);
/* true: it has all it can get. */
bool round_advance(struct drift_book *b, struct round *r);
void reference_done(struct reference *r);

/* --- drift_book_side.c ------------------------------------------------------------------------ */

/* Of its answers. NULL, or why there is no such side. */
const char *side_make(
    struct drift_side *ret, struct item *item, const struct got *got, enum which which,
    struct arena *mem);

/* --- drift_book_reference.c ------------------------------------------------------------------- */

/* What of the other side must be asked: at first, when a version was not found, and when it was. */
void reference_wants(struct drift_book *b, struct round *r, struct item *item);
void reference_seen_wants(struct drift_book *b, struct round *r, struct item *item);
void reference_gone_wants(struct drift_book *b, struct round *r, struct item *item);
/* NULL, or why there is none. against: what it is, in words. */
const char *reference_side(struct drift_book *b, struct round *r, struct item *item,
    struct drift_side *ret, const char **ret_against, struct arena *mem);

/* --- drift_book_judge.c ----------------------------------------------------------------------- */

/* Judges those that the round is of. ret and ret_against: by item, all in mem. */
void judge_round(struct drift_book *b, struct round *r, struct drift_judged *ret,
    const char **ret_against, struct arena *mem);
/* An earlier window says so, of those remembered; false with *ret_known false: none is. */
bool item_was_beyond(const struct item *item, int64_t at_ns, bool *ret_known);
void item_remember(struct item *item, int64_t at_ns, bool is_beyond);
/* The score over its noise, or the share of missing values over its own, whichever is more; NaN unknown. */
float judged_ratio(const struct drift_judged *j);

/* --- drift_book_view.c ------------------------------------------------------------------------ */

void view_turn(struct drift_book *b, struct view *v);
void view_drop(struct drift_book *b, struct view *v);
int64_t view_due_ns(const struct drift_book *b, const struct view *v);

/* --- drift_book_history.c --------------------------------------------------------------------- */

/* Definitions have changed. */
void history_define(struct drift_book *b);
void history_live(struct drift_book *b, int64_t at_ns, const struct drift_judged *v);
void history_turn(struct drift_book *b);
void history_take(struct drift_book *b);
void marker_add(struct drift_book *b, const struct item *item, int64_t at_ns, bool is_drifted,
    const char *why);
void markers_take(struct drift_book *b, int64_t end_ns);
void drift_markers_done(struct drift_book *b);

#endif
