/*
 * Things several panels draw with: lists that scroll, tables with right-aligned numbers, graphs with axes, frames, one-line editors.
 * All pure over their own small states.
 */
#ifndef OPS_UI_WIDGET_H
#define OPS_UI_WIDGET_H

#include "ui/canvas.h"
#include "ui/view.h"

/* --- a list with a selection remembered by id ------------------------------------------------------------------------ */
struct list {
	uint64_t selected_id;	/* 0: none yet */
	int selected;		/* index, kept valid by list_arrange() */
	int top;		/* first visible row */
};
/* ids of all n rows in order; h rows visible. Follows selected_id when it moved, stays at the index when it vanished. */
void list_arrange(struct list *l, const uint64_t *ids, int n, int h);
void list_move(struct list *l, const uint64_t *ids, int n, int by);	/* clamps; INT_MIN first, INT_MAX last */

/* --- columns -------------------------------------------------------------------------------------------------------------- */
struct column {
	const char *title;
	int min, weight;	/* weight 0: exactly min */
	bool is_right;
	int priority;		/* columns of higher number are dropped first when room is short */
	int x, w;		/* filled by columns_fit(); w 0: dropped */
};
void columns_fit(struct column *cols, int n, int w);
void columns_header(struct canvas *c, int y, const struct column *cols, int n);
void columns_cell(struct canvas *c, int y, const struct column *col, enum role role, const char *text);

/* --- frames ---------------------------------------------------------------------------------------------------------------- */
/* One title row: " Alerts  3 firing ───────── right". Returns the canvas below it. */
struct canvas frame_draw(struct canvas *c, const char *title, const char *right, bool is_focused);

/* --- graphs ---------------------------------------------------------------------------------------------------------------- */
struct graph_line {
	const char *name;
	enum role role;
	const struct sample *v;
	size_t n;
};
struct graph_mark {
	int64_t at_ns;
	const char *text;
};
struct graph_level {		/* a line across: an objective, a threshold */
	double value;
	const char *text;	/* "objective 2%" */
	enum role role;
	bool is_inside;		/* always within the scale. Else only when a line comes near; until then an arrow at the upper edge names the lowest one above */
};
struct graph {
	int64_t start_ns, end_ns, step_ns;
	int64_t cursor_ns;		/* 0: none */
	const char *unit;
	const struct graph_line *lines;
	size_t n_lines;
	const struct graph_mark *marks;
	size_t n_marks;
	const struct graph_level *levels;	/* where two meet in a row, the first one is drawn */
	size_t n_levels;
	bool are_levels_beside;		/* the texts of several stand in a margin on the right, where there is room for one */
};
/* Braille dots (ASCII mode: one character a column), y axis with nice steps in unit, x axis with times; a gap (missing sample, NaN) stays a gap. */
void graph_draw(struct canvas *c, const struct graph *g);
/* One row of block characters, for tables. */
void sparkline_draw(struct canvas *c, int x, int y, int w, enum role role, const struct sample *v, size_t n, int64_t start_ns, int64_t end_ns);
/* The same from lo to hi, whatever the values are: what is beyond stands at the edge. A column shows what was so at its end, the last one the
 * newest. */
void sparkline_scaled_draw(struct canvas *c, int x, int y, int w, enum role role, const struct sample *v, size_t n, int64_t start_ns,
    int64_t end_ns, double lo, double hi);
/* "███▋··" */
void bar_draw(struct canvas *c, int x, int y, int w, enum role role, double ratio);

/* --- one line of text being edited --------------------------------------------------------------------------------------- */
enum { EDITOR_MAX = 1024 };
struct editor {
	char text[EDITOR_MAX];
	size_t len, at;		/* bytes; at stands between code points */
	bool is_pasting;
};
void editor_set(struct editor *e, const char *text);
/* true: the key was taken. Readline's usual keys. Control characters from a paste become blanks. */
bool editor_key(struct editor *e, int key);
void editor_draw(struct canvas *c, int x, int y, int w, const struct editor *e, bool has_cursor);

#endif
