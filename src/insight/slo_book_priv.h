/*
 * Inside of the book: shared by slo_book.c (definitions, rounds), slo_book_term.c (what is known),
 * slo_book_want.c (what a round needs), slo_book_ask.c (requests, answers, failures),
 * slo_book_limit.c (how large and how many they may be), slo_book_beside.c (alerts and changes of the window)
 * and slo_book_work.c (how it all stands).
 *
 * A term is a template of one source, shared by all objectives that have it. It knows cells (its
 * sum over one window at one time) and strips (its sums over a row of tiles). There are two views:
 * now, and the time cursor's then; each has cells and strips of its own.
 */
#ifndef OPS_INSIGHT_SLO_BOOK_PRIV_H
#define OPS_INSIGHT_SLO_BOOK_PRIV_H

#include <sys/queue.h>

#include "base/buf.h"
#include "insight/slo_book.h"
#include "insight/slo_eval.h"

enum view_kind { VIEW_NOW, VIEW_THEN, N_VIEWS };
enum {
	INSTANTS_MAX = 32,	/* terms x windows of one request */
	TILES_MAX = 16,		/* terms of one request for tiles */
	EXPR_BYTES_MAX = 16 << 10,
	POINTS_MAX = 10000,	/* Prometheus refuses more than 11,000 */
	INSTANTS_OUT = 3,	/* requests under way at once, of one source */
	RANGES_OUT = 2,
	CHUNK_MIN = 4,		/* tiles: a chunk that is not halved any more */
	LATE_TILES = 2,		/* asked again when there is a newer one: samples may come late */
	ROUNDS_KEPT = 3,	/* so long an answer stands in for one that did not come */
	ROUNDS_REST = 20,	/* before what was refused is tried again */
	PER_ROUND_WAIT = 3,	/* a round waits so many times its period */
	BESIDE_TILES = 4,	/* alerts and changes are looked at after so many tiles */
	HASH_SIZE = 512,
};
/* Windows up to this are asked each round, longer ones so many times in their length. */
#define WINDOW_ALWAYS NS_PER_HOUR
#define WINDOW_TIMES 60
/* A request that nobody answers or gives up is forgotten. */
#define BATCH_WAIT (5 * NS_PER_MIN)
/* What was learned about the size of requests is believed so long. */
#define CEILING_NS NS_PER_HOUR

/* --- what is known ---------------------------------------------------------------------------- */

enum cell_state { CELL_WANTED, CELL_ASKED, CELL_KNOWN, CELL_FAILED };
struct cell {
	TAILQ_ENTRY(cell) next;
	struct term *term;
	enum view_kind view;
	bool is_exact;		/* of tiles, heads and corrections: slices are counted where they end; burn windows have at least one */
	bool is_suspect;	/* refused before: it is asked alone */
	int64_t window_ns, at_ns;
	enum cell_state state;
	double value;		/* CELL_KNOWN; NaN: no data */
	char *error;		/* CELL_FAILED by itself; NULL: its source did not answer */
	uint64_t round;		/* that needed it last */
};

enum { TILE_KNOWN = 1, TILE_ASKED = 2, TILE_AGAIN = 4 };
struct strip {
	TAILQ_ENTRY(strip) next;
	struct term *term;
	enum view_kind view;
	int64_t step_ns;
	int64_t first_ns;	/* end of the first tile */
	size_t n;
	double *v;
	unsigned char *flags;
	int64_t want_first_ns, want_last_ns;	/* ends of tiles, of the round that begins; first > last: none */
	size_t chunk_max;	/* tiles of one request */
	char *error;		/* the last chunk was too costly; NULL: fine */
	int64_t again_ns;	/* not asked before */
};

struct term {
	LIST_ENTRY(term) in_bucket;
	TAILQ_ENTRY(term) next;
	struct book_source *source;
	char *template;
	int64_t overlap_ns;	/* of tiles and heads, see slo_fill_exact() */
	uint64_t hash;
	unsigned n_users;
	char *error;		/* the server's sentence; NULL: fine */
	int64_t again_ns;	/* with error: not asked before */
	TAILQ_HEAD(, cell) cells;
	TAILQ_HEAD(, strip) strips;
};

struct limit {			/* how much goes into one request */
	unsigned now, max;
	int64_t learned_ns;	/* now is less than max since */
	unsigned busy;		/* the most that failed in this round without telling why; 0: none did */
};
struct book_source {
	TAILQ_ENTRY(book_source) next;
	char *name;
	struct limit instants, tiles;
	unsigned n_instants_out, n_ranges_out;
	size_t n_answered, n_failed, n_spoke;	/* since the round of now began; spoke: answered or refused */
	bool is_mute;		/* nothing it was asked was answered or refused: one request at a time asks whether it is back */
	uint64_t n_answers;	/* ever */
	char *error;		/* why the last request was not answered; NULL: it was */
};

struct objective {
	const struct slo_def *def;
	struct term *first, *total;	/* NULL with error */
	bool is_good;
	char *error;		/* its expressions cannot be used */
	size_t n_windows;
	int64_t windows[SLO_WINDOWS_MAX];
	int64_t step_ns;
	bool is_settled;
	const struct slo *last;	/* in the book's last set */
	bool was_known;		/* that was from before these definitions */
};

/* --- what is asked ---------------------------------------------------------------------------- */

enum fault {
	FAULT_WRONG,		/* something in it is not understood, or cannot be worked out */
	FAULT_COSTLY,		/* it is too large, or takes too long */
	FAULT_BUSY,		/* the server fails; perhaps for this request */
	FAULT_SOURCE,		/* the server, or the way to it */
};
enum batch_kind { BATCH_INSTANTS, BATCH_TILES, BATCH_BESIDE };
struct item {
	struct term *term;
	struct cell *cell;	/* BATCH_INSTANTS */
	struct strip *strip;	/* BATCH_TILES */
};
struct batch {
	TAILQ_ENTRY(batch) next;
	char *id, *expr;
	struct book_source *source;
	enum batch_kind kind;
	enum view_kind view;
	int64_t at_ns, start_ns, end_ns, step_ns;
	bool is_out;
	int64_t out_ns;
	uint64_t n_answers;	/* of its source, before it was sent */
	size_t n;
	struct item *items;
	unsigned ceiling;	/* of the source before it was first halved; 0: it was not */
	struct beside *beside;	/* BATCH_BESIDE */
};

/* --- what happened besides -------------------------------------------------------------------- */

struct beside_entry {
	struct labels labels;	/* of an alert; n 0: a change */
	struct slo_past past;
};
struct
    beside { /* the alerts of a source, or the changes of a marker, in steps of some objectives' tiles */
	TAILQ_ENTRY(beside) next;
	enum view_kind view;
	const struct marker_def *marker;	/* NULL: alerts */
	char *source;
	int64_t step_ns;
	int64_t start_ns, end_ns;	/* wanted; as far as was asked */
	int64_t asked_ns;		/* end of what was asked last; 0: nothing yet */
	unsigned n_refused;
	bool is_wanted;
	struct arena arena;		/* of what follows */
	size_t n;
	struct beside_entry *v;		/* by start */
};

/* --- the book --------------------------------------------------------------------------------- */

struct view {
	enum view_kind kind;
	bool is_on;		/* now: there are objectives; then: the cursor is in the past */
	bool is_running;
	int64_t at_ns;		/* what its round works out */
	int64_t begin_ns;
	uint64_t round;
	bool is_begun;		/* at_ns is of a round */
	bool is_early_taken;
	bool is_set_due, is_details_due;	/* slo_book_take() has work */
	bool has_new_tiles, has_new_beside;	/* since the last details */
	bool is_lacking;	/* something of the last round failed, or rests */
};

struct slo_book {
	const struct slo_def_set *defs;
	const struct environment *env;
	int64_t every_ns, now_ns;
	struct view views[N_VIEWS];
	size_t n_objectives;
	struct objective *objectives;	/* by id, as the definitions */
	TAILQ_HEAD(, term) terms;
	LIST_HEAD(, term) buckets[HASH_SIZE];
	TAILQ_HEAD(, book_source) sources;
	TAILQ_HEAD(batches, batch) batches;	/* in the order they are asked in */
	TAILQ_HEAD(, beside) besides;
	uint64_t n_ids;
	bool is_changed;		/* asks, since the last turn */
	size_t n_asks, cap_asks;
	struct slo_ask *asks;
	const struct slo_set *last;	/* of now */
	const struct slo_def_set *last_defs;	/* by which that was worked out */
	struct slo_book_stats stats;
};

/* slo_book_term.c */
struct book_source *book_source_get(struct slo_book *b, const char *name);
struct term *term_get(
    struct slo_book *b, const char *source, const char *template, int64_t overlap_ns);
void terms_sweep(struct slo_book *b);		/* those without users */
void sources_free_all(struct slo_book *b);
void term_refuse(struct term *t, const char *error, int64_t again_ns);
struct cell *cell_want(
    struct term *t, const struct view *view, int64_t window_ns, int64_t at_ns, bool is_exact);
/*
 * The newest ones of both terms from start on that are known, of one time not after at; NULL: none.
 */
const struct cell *cell_since(const struct term *t, const struct term *other, enum view_kind view,
    int64_t start_ns, int64_t at_ns, const struct cell **ret_other);
/*
 * The newest ones of both terms over window that are known, of one time that is not after at; NULL:
 * none.
 */
struct cell *cell_newest(const struct term *t, const struct term *other, enum view_kind view,
    int64_t window_ns, int64_t at_ns, struct cell **ret_other);
/* The newest one over a window no longer than this that was refused by itself; NULL: none. */
struct cell *cell_refused(const struct term *t, enum view_kind view, int64_t window_ns);
void cell_fail(struct cell *c, const char *error);
void cells_sweep(struct term *t, const struct view *view);	/* those that no round needs any more */
void cells_drop(struct term *t, enum view_kind view);
struct strip *strip_get(struct term *t, enum view_kind view, int64_t step_ns, bool is_made);
void strip_move(struct strip *s, int64_t first_ns, int64_t last_ns);
void strip_mark(struct strip *s, int64_t start_ns, int64_t end_ns, unsigned set, unsigned clear);
void strip_set(struct strip *s, int64_t end_ns, double v);
bool strip_value(const struct strip *s, int64_t end_ns, double *ret);	/* false: not known */
void strip_free(struct strip *s);
void strips_drop(struct term *t, enum view_kind view);

/* slo_book_want.c */
void want_round(struct slo_book *b, struct view *view);
int64_t align_down(int64_t t, int64_t step);
/*
 * Where the tiles of a window end and its head begins: a whole tile before the newest edge.
 * increase() over a few samples is a bad guess at what lies between them and the ends of its range,
 * so the head is never shorter than a tile, where the window is not.
 */
int64_t window_edge(const struct objective *o, int64_t window_start_ns, int64_t at_ns);
/*
 * How much of a correction counts in the window of a view: *ret_start to *ret_end is asked; false:
 * nothing of it does.
 */
bool correction_span(const struct slo_correction *c, int64_t window_start_ns, int64_t at_ns,
    int64_t *ret_start_ns, int64_t *ret_end_ns);

/* slo_book_ask.c */
void batches_for_cells(struct slo_book *b, struct view *view, struct cell **v, size_t n);
struct piece {			/* tiles wanted of a strip: ends of the first and of the last */
	struct strip *strip;
	int64_t start_ns, end_ns;
};
void batches_for_pieces(struct slo_book *b, enum view_kind view, struct piece *v, size_t n);
void batch_for_beside(
    struct slo_book *b, struct beside *beside, const char *expr, int64_t start_ns, int64_t end_ns);
void batches_drop(struct slo_book *b, enum view_kind view);
size_t batches_count(const struct slo_book *b, enum view_kind view, enum batch_kind kind);
/* The round of a view waits no longer: what it still waits for has failed. */
void batches_expire(struct slo_book *b, enum view_kind view);
void batches_forget(struct slo_book *b);	/* those nobody answered for too long */
void batches_release(struct slo_book *b);	/* let as many go as may be under way */
void batches_list(struct slo_book *b);		/* those under way are what slo_book_asks() tells */

/* slo_book_limit.c */
void limit_init(struct limit *l, unsigned max);
void limit_learn(struct limit *l, size_t n, int64_t now_ns);	/* so many were too many, and the server is well */
void limit_doubt(struct limit *l, size_t n);	/* so many (more than one) failed, and nothing tells whether they were too many */
void limit_spoke(struct book_source *s);	/* it answered, or said why it does not */
bool limit_lets_go(const struct batch *batch);	/* there is room for one more under way */
enum fault fault_of(const struct batch *batch, long status, const char *error);
void limits_round(struct slo_book *b);		/* a round of now begins: look back at the one before */

/* slo_book_beside.c */
void beside_want(struct slo_book *b, const struct view *view);
void beside_answer(struct slo_book *b, struct beside *beside, const struct series_set *set);
void beside_failed(struct beside *beside);
void besides_drop(struct slo_book *b, enum view_kind view);
/*
 * What happened besides for an objective, by start, alerts about itself left out; the caller frees.
 */
struct slo_past *beside_past(
    const struct slo_book *b, enum view_kind view, const struct objective *o, size_t *ret_n);

/* slo_book_work.c */
void work_set(struct slo_book *b, struct view *view, struct slo_set **ret);
void work_details(struct slo_book *b, struct view *view, struct slo_detail_set **ret);

#endif
