/*
 * A grid of cells that panels draw on. No terminal is needed: tests print it, term.c puts it on the screen.
 *
 * Drawing outside the grid is cut, never an error. Text is made harmless on the way in (str.h): no byte from outside can move the cursor or colour a
 * cell. Panels name roles (what a thing means), never colours; a theme maps roles to looks.
 */
#ifndef OPS_UI_CANVAS_H
#define OPS_UI_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Roles: row order is the parent chain's order too; ui/theme.c has the table of names ("alert.firing") and parents. */
enum role {
	ROLE_TEXT, ROLE_DIM, ROLE_STRONG, ROLE_TITLE, ROLE_TITLE_FOCUSED, ROLE_BORDER, ROLE_BORDER_FOCUSED, ROLE_SELECTED, ROLE_KEY, ROLE_INPUT, ROLE_CURSOR,
	ROLE_MATCH,
	ROLE_ALERT_FIRING, ROLE_ALERT_TICKET, ROLE_ALERT_PENDING, ROLE_ALERT_SILENCED, ROLE_ALERT_INHIBITED,
	ROLE_OK, ROLE_WARNING, ROLE_CRITICAL, ROLE_UNKNOWN, ROLE_STALE, ROLE_CHANGED,
	ROLE_GRAPH_AXIS, ROLE_GRAPH_1, ROLE_GRAPH_2, ROLE_GRAPH_3, ROLE_GRAPH_4, ROLE_GRAPH_5, ROLE_GRAPH_6, ROLE_GRAPH_OBJECTIVE, ROLE_GRAPH_MARKER,
	ROLE_STATUS, ROLE_STATUS_PAST, ROLE_HINT, ROLE_MESSAGE, ROLE_ERROR,
	ROLE_ENV_PROD, ROLE_ENV_STAGING, ROLE_ENV_LAB, ROLE_ENV_OTHER,
	ROLES
};

enum { CELL_MARKS_MAX = 2 };

struct cell {
	uint32_t ch;			/* 0: right half of a wide character */
	uint32_t marks[CELL_MARKS_MAX];	/* combining characters, 0 when none */
	uint8_t role;
	bool is_selected;		/* the role's look on the selection's background */
};

struct canvas {
	int w, h;			/* of this window */
	int x0, y0;			/* where it stands on the grid */
	struct grid *grid;
};

/* A whole grid, blanked to ROLE_TEXT; is_ascii: everything drawn is replaced by its ASCII form (glyphs, borders, braille, sparklines). */
struct grid *grid_new(int w, int h, bool is_ascii);
void grid_free(struct grid *g);
struct canvas grid_canvas(struct grid *g);
void grid_clear(struct grid *g);
const struct cell *grid_cell(const struct grid *g, int x, int y);
int grid_width(const struct grid *g);
int grid_height(const struct grid *g);
/* The terminal's cursor, for input fields; -1 when hidden. */
void grid_cursor(const struct grid *g, int *ret_x, int *ret_y);
/* Lines of text, trailing blanks cut, for scenes and captures. */
void grid_dump(const struct grid *g, struct buf *out);
/* The same with a letter per role ('.' ROLE_TEXT, then a, b, .. in the order of enum role); " <" ends a row with selected cells. */
void grid_dump_roles(const struct grid *g, struct buf *out);

/* A part of c; cut to it. */
struct canvas canvas_sub(const struct canvas *c, int x, int y, int w, int h);
bool canvas_is_ascii(const struct canvas *c);

/* All return the column behind what was drawn (clipped columns counted as if drawn). */
int canvas_text(struct canvas *c, int x, int y, enum role role, const char *text);
/* At most w columns; a cut is shown by "…". Pads with blanks to w when is_padded. */
int canvas_text_w(struct canvas *c, int x, int y, int w, enum role role, const char *text, bool is_padded);
int canvas_text_right(struct canvas *c, int x_end, int y, enum role role, const char *text);	/* ends before x_end; returns where it began */
int canvas_printf(struct canvas *c, int x, int y, enum role role, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void canvas_char(struct canvas *c, int x, int y, enum role role, uint32_t ch);
void canvas_hline(struct canvas *c, int x, int y, int w, enum role role);
void canvas_vline(struct canvas *c, int x, int y, int h, enum role role);
void canvas_fill(struct canvas *c, int x, int y, int w, int h, enum role role);
/* Mark a row (or part) as selected without changing what it says. */
void canvas_select(struct canvas *c, int x, int y, int w);
void canvas_set_cursor(struct canvas *c, int x, int y);
/* Break text at blanks to w columns and draw at most h rows; returns rows used. */
int canvas_wrap(struct canvas *c, int x, int y, int w, int h, enum role role, const char *text);

/* State glyphs, in Unicode; the grid replaces them in ASCII mode. */
#define GLYPH_FIRING "●"
#define GLYPH_PENDING "◐"
#define GLYPH_OK "○"
#define GLYPH_SILENCED "◌"
#define GLYPH_UNKNOWN "?"
#define GLYPH_STALE "~"
#define GLYPH_CHANGED "▲"
#define GLYPH_INHIBITED "◍"

#endif
