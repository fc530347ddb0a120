/* The panel of lines of logs, over several files: its state, and what each file does. Private to panels/logs*.c. */
#ifndef OPS_PANELS_LOGS_H
#define OPS_PANELS_LOGS_H

#include "insight/log_filter.h"
#include "panels.h"
#include "parts.h"
#include "ui/widget.h"

enum { LOGS_ROWS_MAX = 512, LOGS_MARKS_MAX = 64, LOGS_COUNT_MAX = 32, LOGS_STORES_MAX = 16 };

struct logs_mark {		/* a line, remembered by what it is, not by where it stands */
	int64_t time_ns;
	uint64_t key;
};
enum logs_row_kind { LOGS_LINE, LOGS_TOP, LOGS_STORE, LOGS_NOTICE, LOGS_CURSOR };
struct logs_row {		/* of the screen */
	enum logs_row_kind kind;
	size_t index;		/* LOGS_LINE: in the view; LOGS_NOTICE: in the model; LOGS_STORE: in stores */
	int sub;		/* a wrapped line: which of its rows */
};

struct logs_panel {
	char *filter;			/* as typed */
	enum line_level least;		/* LOG_LEVEL_UNKNOWN: all */
	char *told;			/* the query that the app knows; NULL: none but "" */
	struct log_filter *match;	/* of the view's query, to highlight; NULL none */
	char *match_query;
	/* What is read: the line selected stands on its row of the screen whatever comes. */
	bool is_following;
	struct logs_mark at;
	bool is_behind, is_led;		/* `at` is only a time: the first line from then on; not drawn since */
	size_t index;			/* where `at` is, or would be */
	int row;
	int64_t seen_ns;		/* the newest line when following ended */
	size_t limit;			/* lines of the view up to the time cursor */
	struct logs_row rows[LOGS_ROWS_MAX];
	int n_rows, page;
	struct { const char *name; int64_t first_ns; } stores[LOGS_STORES_MAX];	/* since when lines of each are held; names are the segments' */
	size_t n_stores;
	int text_x, text_w, source_w, service_w;	/* columns */
	bool is_wrapped;
	bool is_raw;			/* JSON and logfmt as they came */
	int left;			/* columns out of sight on the left */
	struct logs_mark marks[LOGS_MARKS_MAX];
	int n_marks;
	bool is_record;
	int record_top;
	struct split split;
	int histogram_h, notes_h;
	bool is_picking;		/* a bucket of the histogram */
	int64_t picked_ns;
	bool is_patterns;
	struct list patterns;
	uint64_t *pattern_ids;
	int n_patterns;
};

/* NULL: no lines are known. */
const struct log_view *logs_view(const struct view *v);
const struct log_pattern_set *logs_pattern_set(const struct view *v);
const char *logs_glyph(enum line_level level, enum role *ret_role);
const char *logs_count(size_t n, char *buf);		/* "1,204"; buf of LOGS_COUNT_MAX */
bool logs_selected(const struct logs_panel *s, const struct view *v, struct log_ref *ret);
bool logs_is_marked(const struct logs_panel *s, const struct log_ref *line);

/* logs_rows.c: which lines and notes stand on which row. */
void logs_rows_arrange(struct logs_panel *s, const struct view *v);
size_t logs_rows_find(const struct log_view *view, const struct logs_mark *at, bool *ret_is_there);
/* logs_move.c */
struct op *logs_move(struct logs_panel *s, const struct view *v, int by);
struct op *logs_move_follow(struct logs_panel *s);
struct op *logs_move_error(struct logs_panel *s, const struct view *v, bool is_back);
struct op *logs_mark_line(struct logs_panel *s, const struct view *v);
struct op *logs_move_mark(struct logs_panel *s, const struct view *v);
/* logs_draw.c: a row each. */
void logs_rows_draw(const struct logs_panel *s, const struct view *v, struct canvas *c);
void logs_columns(struct logs_panel *s, const struct view *v, int w);
int logs_line_rows(const struct logs_panel *s, const struct log_ref *line);
/* logs_face.c: a line as its row shows it; its text then is b's, or its own. */
struct logs_face {
	struct log_ref line;
	size_t fields_at;	/* in its text, where name=value begin; its length: there are none */
	struct buf b;
};
void logs_face_init(struct logs_face *f, const struct logs_panel *s, const struct log_ref *line);
void logs_face_done(struct logs_face *f);
/* logs_notes.c: rows at the bottom about stores that do not answer and a filter that could not be. */
int logs_notes_rows(const struct view *v, int w, int h);
void logs_notes_draw(const struct view *v, struct canvas *c, int rows);
const struct model_source *logs_dead_store(const struct view *v);	/* NULL: all answer, or the past is shown */
/* logs_histogram.c */
void logs_histogram_draw(const struct logs_panel *s, const struct view *v, struct canvas *c);
void logs_histogram_pick(struct logs_panel *s, const struct view *v, int by);
int64_t logs_histogram_end(const struct logs_panel *s, const struct view *v);	/* of the picked bucket */
/* logs_record.c: all of one line. */
void logs_record_draw(struct pen *p, const struct view *v, const struct log_ref *line);
/* logs_patterns.c */
void logs_patterns_arrange(struct logs_panel *s, const struct view *v, int h);
void logs_patterns_summary(const struct view *v, const struct log_pattern_set *set, bool is_filtered, char *buf, size_t size);
void logs_patterns_draw(const struct logs_panel *s, const struct view *v, struct canvas *c);
const struct log_pattern *logs_pattern_selected(const struct logs_panel *s, const struct view *v);
/* A query that lets its lines through. malloc()ed. */
char *logs_pattern_query(const struct log_pattern *p);

#endif
