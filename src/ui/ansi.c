#include "config.h"

#include "ui/ansi.h"

#include <string.h>

#include "base/str.h"
#include "ui/term_colour.h"

enum { ANSI_BRIGHT = 8 };

/* One frame being written. */
struct writer {
	struct buf *b;
	struct look looks[2][ROLES];	/* plain, selected; colours as numbers of the terminal, or 0xrrggbb when is_rgb */
	bool is_rgb;
	struct look now;		/* what the terminal has been told; unknown at first */
	bool is_look_known;
	int x, y;			/* where its cursor is; x -1: not certain */
};

/* --- looks --------------------------------------------------------------------------------------------- */

/* Those of a terminal with that many colours; with none, a theme made of colours says nothing. */
static void
looks_make(struct writer *w, const struct theme *theme, enum ansi_colours colours)
{
	static const int n_colours[] = { [ANSI_NONE] = 0, [ANSI_16] = 16, [ANSI_256] = 256, [ANSI_RGB] = 256 };
	struct theme plain;

	theme_plain(&plain);
	if (colours == ANSI_NONE)
		theme = &plain;
	w->is_rgb = colours == ANSI_RGB;
	for (int role = 0; role < ROLES; role++) {
		struct look look = theme->looks[role], selected = theme->selected;

		if (!w->is_rgb) {
			look = colour_fit(&look, n_colours[colours]);
			selected = colour_fit(&selected, n_colours[colours]);
		}
		w->looks[0][role] = look;
		w->looks[1][role] = colour_select(&look, &selected, n_colours[colours]);
	}
}

/* Source: ECMA-48, 8.3.117 (SGR); 38 and 48 as xterm has them. base: 30 fg, 40 bg. */
static void
add_colour(const struct writer *w, int colour, int base)
{
	if (colour == COLOUR_DEFAULT)
		return;
	if (w->is_rgb && colour < COLOUR_ANSI) {
		buf_printf(w->b, ";%d;2;%d;%d;%d", base + 8, colour >> 16 & 0xff, colour >> 8 & 0xff, colour & 0xff);
		return;
	}
	colour -= colour >= COLOUR_ANSI ? COLOUR_ANSI : 0;
	if (colour < ANSI_BRIGHT)
		buf_printf(w->b, ";%d", base + colour);
	else if (colour < 2 * ANSI_BRIGHT)
		buf_printf(w->b, ";%d", base + 60 + colour - ANSI_BRIGHT);
	else
		buf_printf(w->b, ";%d;5;%d", base + 8, colour);
}

static bool
is_same_look(const struct look *a, const struct look *b)
{
	return a->fg == b->fg && a->bg == b->bg && a->is_bold == b->is_bold && a->is_dim == b->is_dim &&
	    a->is_underline == b->is_underline && a->is_reverse == b->is_reverse && a->is_italic == b->is_italic;
}

/* From the beginning each time: there is no way to end bold alone that all terminals agree on. */
static void
set_look(struct writer *w, const struct look *look)
{
	if (w->is_look_known && is_same_look(&w->now, look))
		return;
	buf_addstr(w->b, "\033[0");
	buf_addstr(w->b, look->is_bold ? ";1" : "");
	buf_addstr(w->b, look->is_dim ? ";2" : "");
	buf_addstr(w->b, look->is_italic ? ";3" : "");
	buf_addstr(w->b, look->is_underline ? ";4" : "");
	buf_addstr(w->b, look->is_reverse ? ";7" : "");
	add_colour(w, look->fg, 30);
	add_colour(w, look->bg, 40);
	buf_addch(w->b, 'm');
	w->now = *look;
	w->is_look_known = true;
}

/* --- cells ---------------------------------------------------------------------------------------------- */

static bool
is_same_cell(const struct cell *a, const struct cell *b)
{
	return a->ch == b->ch && a->role == b->role && a->is_selected == b->is_selected &&
	    memcmp(a->marks, b->marks, sizeof a->marks) == 0;
}

static bool
is_changed(const struct grid *before, const struct grid *now, int x, int y)
{
	return before == NULL || !is_same_cell(grid_cell(before, x, y), grid_cell(now, x, y));
}

static void
move_to(struct writer *w, int x, int y)
{
	if (w->x != x || w->y != y)
		buf_printf(w->b, "\033[%d;%dH", y + 1, x + 1);
	w->x = x;
	w->y = y;
}

static void
add_cp(struct writer *w, uint32_t cp)
{
	char utf8[4];

	buf_add(w->b, utf8, utf8_encode(cp, utf8));
}

/*
 * How wide a terminal draws what is not ASCII is its own affair: behind what is wide or has marks the place is said anew. So it is behind the
 * edge, where some wrap at once and some wait: the next cell is in another row.
 */
static void
put_cell(struct writer *w, const struct grid *g, int x, int y)
{
	const struct cell *cell = grid_cell(g, x, y);

	move_to(w, x, y);
	set_look(w, &w->looks[cell->is_selected][cell->role < ROLES ? cell->role : ROLE_TEXT]);
	add_cp(w, cell->ch);
	for (int m = 0; m < CELL_MARKS_MAX && cell->marks[m] != 0; m++)
		add_cp(w, cell->marks[m]);
	/* A wide one is followed by the cell after next. */
	w->x = cell->marks[0] != 0 ? -1 : x + 1;
}

static void
put_rows(struct writer *w, const struct grid *before, const struct grid *now)
{
	for (int y = 0; y < grid_height(now); y++)
		for (int x = 0; x < grid_width(now); x++)
			if (grid_cell(now, x, y)->ch != 0 && is_changed(before, now, x, y))
				put_cell(w, now, x, y);
}

/* --- frames --------------------------------------------------------------------------------------------- */

static bool
is_cursor_same(const struct grid *before, const struct grid *now)
{
	int bx, by, nx, ny;

	grid_cursor(before, &bx, &by);
	grid_cursor(now, &nx, &ny);
	return bx == nx && by == ny;
}

/* Where it should be, always: what was written has moved it. */
static void
put_cursor(struct writer *w, const struct grid *before, const struct grid *now)
{
	int x, y, bx = -1, by = -1;

	grid_cursor(now, &x, &y);
	if (before != NULL)
		grid_cursor(before, &bx, &by);
	if (x < 0 || y < 0) {
		if (before == NULL || bx >= 0)
			buf_addstr(w->b, "\033[?25l");
		return;
	}
	w->x = -1;
	move_to(w, x, y);
	if (before == NULL || bx < 0)
		buf_addstr(w->b, "\033[?25h");
}

int
ansi_frame(const struct grid *before, const struct grid *now, const struct theme *theme, enum ansi_colours colours, struct buf *b)
{
	static const struct look none = { .fg = COLOUR_DEFAULT, .bg = COLOUR_DEFAULT };
	struct writer w = { .b = b, .x = -1 };
	size_t begin = b->len;

	looks_make(&w, theme, colours);
	/* The whole frame has the text's background, blank cells too. */
	if (before == NULL) {
		set_look(&w, &w.looks[0][ROLE_TEXT]);
		buf_addstr(b, "\033[2J");
	}
	put_rows(&w, before, now);
	if (w.is_look_known)
		set_look(&w, &none);
	if (before == NULL || b->len > begin || !is_cursor_same(before, now))
		put_cursor(&w, before, now);
	return b->is_over ? ERR_LIMIT : 0;
}
