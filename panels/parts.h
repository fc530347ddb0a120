/*
 * What several panels say or draw the same way: the glyph, word and role of a state, headings, texts that run over several
 * rows, splitting the room. Pure; nothing here is remembered.
 */
#ifndef OPS_PANELS_PARTS_H
#define OPS_PANELS_PARTS_H

#include "base/buf.h"
#include "ui/canvas.h"
#include "ui/view.h"

/* --- states: glyph and word, colour third ------------------------------------------------------------------------- */

const char *part_alert_glyph(enum alert_state state, enum severity severity, enum role *ret_role);
/* The same for a row, where stale evidence and an ack count too. */
const char *part_row_glyph(const struct model_alert *a, enum role *ret_role);
const char *part_row_word(const struct model_alert *a);		/* "firing", "acked", .. */
const char *part_source_glyph(enum source_state state, enum role *ret_role);
enum role part_severity_role(enum severity severity);
/* What the alert itself calls its severity, else our name of it. */
const char *part_severity_word(const struct model_alert *a);
/* summary, else description, else message; "" when it has none of them. */
const char *part_alert_summary(const struct labels *annotations);

/* --- counts of alerts -------------------------------------------------------------------------------------------------- */

struct alert_counts {
	size_t firing, pending, silenced, inhibited;
};
void part_count(struct alert_counts *n, enum alert_state state);
size_t part_counted(const struct alert_counts *n);
/* "2 firing, 1 pending": only what there is; "none" when there is nothing. buf of size; returns buf. */
const char *part_counts_text(const struct alert_counts *n, char *buf, size_t size);

/* true: an Alertmanager is among the sources, so that an alert it does not tell of is remarkable. */
bool part_has_alertmanager(const struct model *m);

/* --- labels --------------------------------------------------------------------------------------------------------------- */

/* Values that tell an alert from its neighbours, the usual identities first and without their names. Left out: the name, the
 * severity, and what is the same in common (may be NULL). severity_label NULL: labels of a series, which keep both. Escaped. */
void part_labels(struct buf *out, const struct labels *labels, const struct labels *common, const char *severity_label);
/* name=~"value", with what cannot be typed written as \n or \u{HEX}: what matcher_parse() reads. */
void part_matcher(struct buf *out, const struct matcher *m);
void part_matchers(struct buf *out, const struct silence *s);	/* with blanks between */
/* Name of the label that holds the severity. */
const char *part_severity_label(const struct view *v);

/* --- filters: words that must all be found, !word must not be, name=value exactly ------------------------------------ */

struct part_filter {
	bool (*contains)(const void *thing, const char *word);
	bool (*is)(const void *thing, const char *name, const char *value);
};
bool part_filter_matches(const char *filter, const struct part_filter *f, const void *thing);	/* parts_filter.c */
/* Why a name=value in it can match nothing: "no 'stat=': name=, state=, host="; "" it can. keys and states end with NULL; a
 * blank in a state may be written '-'. buf of size; returns buf. */
const char *part_filter_refusal(const char *filter, const char *const *keys, const char *const *states, char *buf, size_t size);
bool part_filter_is_state(const char *state, const char *value);	/* "out of step" is "out-of-step" */

/* --- time ------------------------------------------------------------------------------------------------------------------ */

/* "02:13:58Z" within the last 20 hours, else "30 Dec". buf of CLOCK_TEXT_MAX. */
const char *part_when(const struct view *v, int64_t at_ns, char *buf);
/* "2030-01-01T02:13:58Z, 14m ago", "…, in 2h". buf of PART_MOMENT_MAX. */
enum { PART_MOMENT_MAX = 80 };
const char *part_moment(const struct view *v, int64_t at_ns, char *buf);
/* Objectives and drift are worked out of the metrics, which carry their own history: which of what is known stands for the time shown. */
enum part_standing {
	STANDING_LIVE,
	STANDING_WORKED_OUT,	/* for the time cursor, of the metrics' own history */
	STANDING_RECORDED,	/* as the console saw it then */
	STANDING_PENDING	/* being worked out for the cursor: only what is watched is known */
};
/* Times of what was recorded as of then, and of what was worked out, which holds two seconds from the cursor as well; 0: none was. */
enum part_standing part_standing(const struct view *v, int64_t recorded_ns, int64_t worked_out_ns);
/* How it is known: "worked out for 02:10:00Z", "" when live or nothing is watched (n 0). buf of STANDING_TEXT_MAX; returns buf. */
enum { STANDING_TEXT_MAX = 80 };
const char *part_standing_text(const struct view *v, enum part_standing standing, size_t n, int64_t at_ns, char *buf);

/* --- drawing -------------------------------------------------------------------------------------------------------------- */

/* true: nothing was recorded at the time shown, and that has been said. */
bool part_not_recorded(struct canvas *c, const struct view *v);
/* " What changed ──────── right": a heading inside a panel. */
void part_heading(struct canvas *c, int y, const char *title, const char *right);

/* Text that runs down a canvas and may begin above it. */
struct pen {
	struct canvas *c;
	int y;
	int name_w;		/* columns kept for the names of fields */
};
void pen_heading(struct pen *p, const char *title);
void pen_text(struct pen *p, enum role role, const char *text);		/* over as many rows as it takes */
/* The same from column x on, at most rows_max rows. */
void pen_indented(struct pen *p, int x, int rows_max, enum role role, const char *text);
void pen_printf(struct pen *p, enum role role, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* "name      text", the text indented on further rows; nothing when it is NULL or empty. */
void pen_field(struct pen *p, const char *name, enum role role, const char *text);
void pen_field_printf(struct pen *p, const char *name, enum role role, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Draws nothing: for finding out how many rows a text takes. Freed by pen_measure_done(), which returns the rows. */
struct pen_measure {
	struct grid *grid;
	struct canvas c;
	struct pen pen;
};
struct pen *pen_measure(struct pen_measure *m, int w);
int pen_measure_done(struct pen_measure *m);

/* A list and, when asked for, what is selected in it: beside each other, one below the other, or only one of them. */
enum split_kind { SPLIT_NONE, SPLIT_BESIDE, SPLIT_BELOW, SPLIT_FULL };
struct split {
	enum split_kind kind;
	int list_w, list_h;
	int detail_x, detail_y, detail_w, detail_h;
};
struct split part_split(int w, int h, bool is_wanted, int list_rows);
/* The canvas of the detail, with the line that separates it drawn. */
struct canvas part_split_detail(struct canvas *c, const struct split *s);
/* "2 above, 3 below  ": of n rows, page from top on are in sight; one that is not must not be out of mind. "" all are. is_of_rows: not
 * each of them is one of those that are counted beside it, and they are called rows. buf of size; returns buf. */
const char *part_beyond(int n, int top, int page, bool is_of_rows, char *buf, size_t size);
/* A row of its own at the end that says that there is more, when what was drawn went on to y_end. */
void part_more(struct canvas *part, int y_end);

#endif
