/* What a review is made of, between gathering and writing. All texts are clean: secrets and names masked, control characters visible, not yet escaped for any format. */
#ifndef OPS_REPORT_REPORT_PRIV_H
#define OPS_REPORT_REPORT_PRIV_H

#include "audit/verify.h"
#include "report/report.h"

enum {
	REPORT_TEXT_MAX = 2000,		/* bytes of one text from outside; the rest is said to be left out */
	REPORT_HASH_SHOWN = 12,
	REPORT_CITES = 2,
	REPORT_SAMPLES = 720,		/* looks at the recording, at most */
	REPORT_ROWS_MAX = 20000,
};
#define REPORT_LEAD_NS (30 * INT64_C(60000000000))	/* what stands so long before the incident was opened may belong to it: the recording reaches as far back */

#define LIST_OF(type) struct { size_t n, cap; type *v; }
#define LIST_ADD(l) ((l)->v = list_room((l)->v, (l)->n, &(l)->cap, sizeof *(l)->v), &(l)->v[(l)->n++])
void *list_room(void *v, size_t n, size_t *cap, size_t size);	/* room for one more, zeroed */

struct person {
	const char *user;		/* as the records have it */
	const char *shown;		/* "operator 1 (primary)", or the name */
	const char *role;
};
/* --- evidence ----------------------------------------------------------------------------------------------------- */

struct chain {
	const char *label;		/* "A" */
	const char *path;		/* clean */
	const char *writer;		/* person's user of the first record kept; NULL none */
	struct audit_reader *reader;
	struct pack *pack;		/* owns the bytes of the reader; only in the first chain of each */
	bool is_packed, is_good;	/* good: verified, unanchored counts as good */
	struct audit_report verdict;
	size_t n_own, n_beside;		/* records of the incident; others of its time */
	size_t n_left_out;		/* lines that are no records */
	size_t n_steps_back;
	int64_t step_back_ns;		/* the largest */
	int64_t opened_ns, closed_ns;	/* of the incident in this chain; 0 not */
	int64_t first_ns, last_ns;	/* of its records of the incident */
	uint64_t begin_seq;		/* its first record that can be read; 0 none */
	int64_t begin_ns;
	bool is_joined, is_open;
};
struct cite {
	const struct chain *chain;	/* NULL: nothing is cited */
	uint64_t seq;
	char hash[AUDIT_HASH_HEX + 1];
	bool is_trusted;
};
enum chunk_state { CHUNK_HOLDS, CHUNK_DIFFERS, CHUNK_UNCHAINED, CHUNK_UNREAD, CHUNK_OPEN };
struct chunk {
	const char *recording;		/* id */
	uint64_t number;
	int64_t from_ns, to_ns;
	uint64_t bytes;
	char sha256[65];		/* of the file as it is; "" could not be read */
	enum chunk_state state;
	struct cite cite;		/* the record that names it */
	const char *problem;
};
struct evidence {
	struct cite cites[REPORT_CITES];
	size_t n_cites;
	const struct chunk *chunk;	/* where the recording shows it; NULL not from a recording */
};
struct entry {				/* a record that counts */
	const struct chain *chain;
	struct audit_record rec;
	bool is_trusted, is_own;	/* own: of this incident */
};
struct taped {				/* a recording */
	struct recording *recording;
	struct player *player;
	struct recording_info info;	/* borrowed */
	size_t n_chunks;
	struct chunk *chunks;
};

/* --- what is said ---------------------------------------------------------------------------------------------------- */

enum row_kind { ROW_INCIDENT, ROW_ALERT, ROW_SLO, ROW_DRIFT, ROW_MODEL, ROW_SOURCE, ROW_CHANGE, ROW_RUN, ROW_STEP, ROW_CHECK, ROW_ACT, ROW_MESSAGE, ROW_NOTE, ROW_LOG, ROW_KINDS };
struct row {
	int64_t at_ns, known_ns;
	enum row_kind kind;
	bool is_end, is_page;
	bool is_beside;			/* not of this incident by its record, but of its time */
	const char *id;			/* of things with begin and end; "" */
	const char *who, *text;
	struct evidence evidence;
};
enum outcome_word { WORD_OK, WORD_FAILED, WORD_UNKNOWN, WORD_OTHER };
struct tried_step {
	const char *step, *host, *what, *text, *outcome;	/* outcome "unknown" where no result is recorded */
	int batch;
	bool is_undo, is_unknown;
	int64_t at_ns, elapsed_ms;	/* -1 not known */
	struct evidence evidence;
};
struct tried {				/* a run, or an act outside runs */
	bool is_run;
	const char *id, *name, *title, *target, *who, *confirmed, *plan, *outcome, *text;
	int exit;			/* -1: no end recorded */
	bool is_verified, is_ended, is_beside;
	int64_t begun_ns, ended_ns;
	const struct chain *chain;	/* acts: to find their results by seq */
	uint64_t seq;
	struct evidence evidence;
	LIST_OF(struct tried_step) steps;
};
struct said {				/* a note, a message, a change, an item of the handover */
	int64_t at_ns;
	const char *who, *text;
	struct evidence evidence;
};
struct measure {			/* time to .. */
	const char *name, *title;
	bool is_known;
	const char *instead;		/* of the time: words; NULL: the time */
	int64_t from_ns, to_ns;		/* to before from: it was known before it was seen; then there are words */
	struct evidence from, to;
	const char *basis;		/* from what to what; or why it is not known */
};
struct impact {				/* one objective */
	const char *id, *name, *title, *window;
	double target;
	bool counts_events, is_rolling;
	int64_t burning_ns, spent_ns, unknown_ns, seen_ns;
	double left_first, left_last, bad_first, bad_last, peak;
	int64_t budget_ns, first_at_ns, last_at_ns, start_first_ns, start_last_ns, peak_ns, burn_first_ns, burn_last_ns;
	bool is_burning_last;
	const struct chunk *first_chunk, *peak_chunk, *last_chunk;
	double *burn;			/* by sample */
};
struct hurt {				/* a model or host that was not as it should be */
	const char *kind, *name, *state, *hosts;
	size_t last_at;			/* the look: another one behind it is another stretch */
	int64_t total_ns, first_ns, last_ns;
	bool is_so_last;
	const struct chunk *chunk;
};
struct curve {				/* a query over the samples */
	const char *id, *title, *unit;
	double objective;
	bool is_key;
	double *v;
};
struct report {
	struct arena arena;
	struct report_options o;
	LIST_OF(const struct environment *) environments;	/* whose contacts are known: of the options, or of the recordings (references) */
	const char *incident, *title, *env, *state;
	int64_t opened_ns, closed_ns, from_ns, to_ns;	/* window: to is closed, or the last that is known */
	LIST_OF(struct person *) people;
	LIST_OF(struct chain *) chains;
	LIST_OF(struct entry) entries;			/* merged */
	LIST_OF(struct taped) tapes;
	LIST_OF(struct row) rows;
	LIST_OF(struct tried *) tried;
	LIST_OF(struct said) notes;
	LIST_OF(struct said) messages;
	LIST_OF(struct said) changes;
	LIST_OF(struct said) handover;
	LIST_OF(const char *) missing;
	LIST_OF(struct impact *) impacts;
	LIST_OF(struct hurt *) hurts;
	LIST_OF(struct curve *) curves;
	struct measure measures[4];
	const struct row *change;			/* the last before the start; NULL none */
	int64_t step_ns, unrecorded_ns;			/* between two looks; not recorded since the recording began, or the incident was opened */
	int64_t recorded_from_ns, recorded_to_ns;	/* first and last look that found something; 0 none did */
	size_t n_samples;
	int64_t *sample_ns;
	size_t n_absent, n_gone;	/* chunks that a chain names and that are not here; of them, those whose recording is */
	bool is_late;			/* opened when what paged was over */
	bool is_sound;
};

/* --- texts (text.c) ----------------------------------------------------------------------------------------------------- */
const char *rep_fmt(struct report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *rep_clean(struct report *r, const char *text, size_t len);
const char *rep_cleans(struct report *r, const char *text);		/* NULL is "" */
const char *rep_member(struct report *r, const struct audit_record *rec, const char *name);	/* clean; "" when it is no text */
const char *rep_time(struct report *r, int64_t ns);			/* "2030-01-01 02:14:05Z"; "" for 0 */
const char *rep_duration(struct report *r, int64_t ns);
void rep_missing(struct report *r, const char *text);
struct evidence evidence_of(const struct entry *e);
void evidence_add(struct evidence *v, const struct entry *e);
const char *row_kind_name(enum row_kind kind);
const char *chunk_state_name(enum chunk_state state);
/* "A:17 1f2e3d4c5b6a; recording 20300101-021000-77 chunk 3 9a8b.. " */
const char *evidence_text(struct report *r, const struct evidence *v);

/* --- people (people.c) ---------------------------------------------------------------------------------------------------- */
void people_add(struct report *r, const char *user);			/* in the order of appearance */
const char *people_shown(struct report *r, const char *user);
void people_find(struct report *r);					/* contacts that only the recordings know */
/* Appends text with the names of people replaced; as it is where names are asked for. */
void people_mask(const struct report *r, struct buf *b, const char *text, size_t len);

/* --- the parts, in the order they are made ---------------------------------------------------------------------------------- */
int chains_open(struct report *r, struct err *err);
int chains_read(struct report *r, struct err *err);
void chains_close(struct report *r);
bool is_own_action(const struct audit_record *rec);		/* what is shown of the time around though its record names no incident */
void recordings_open(struct report *r);				/* those of its time */
void recordings_read(struct report *r);				/* chunks, and rows of what the model saw */
void impact_read(struct report *r);
void rows_make(struct report *r);
void tried_make(struct report *r);
const struct chunk *chunk_known(const struct taped *t, int64_t ns);	/* that holds what was known at ns first; NULL none */
const char *entry_text(struct report *r, const struct timeline_entry *e);
const struct tried *hurt_run(const struct report *r, const struct hurt *h);	/* the run of ours that changed it meanwhile; NULL none */
void measures_make(struct report *r);
int64_t measure_ns(const struct measure *m);			/* never negative */
void said_make(struct report *r);

/* --- writing ------------------------------------------------------------------------------------------------------------------ */
struct prompt { const char *name, *title; const char *const *lines; };
extern const struct prompt report_prompts[];	/* the places, ended by a NULL name */
const char *impact_failed_text(struct report *r, const struct impact *i);
const char *impact_spent_text(struct report *r, const struct impact *i);
struct doc;
void compose(struct report *r, struct doc *d);
int write_md(const struct doc *d, struct buf *b);
int write_html(const struct report *r, const struct doc *d, struct buf *b);
void write_graphs(const struct report *r, struct buf *b);
int write_json(struct report *r, const char *old, size_t old_len, struct buf *b, struct err *err);
void html_escape(struct buf *b, const char *text);
/* Puts what a person wrote in old into the places of fresh, and the line of sums at its end. */
int places_merge(const char *fresh, size_t fresh_len, const char *old, size_t old_len, bool is_html, struct buf *b, struct err *err);

#endif
