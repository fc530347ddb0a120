#include "config.h"

#include "ui/canvas.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "ui/ascii.h"

struct grid {
	int w, h;
	bool is_ascii;
	int cursor_x, cursor_y;	/* -1: hidden */
	struct cell *cells;
};

/* Text longer than this is an attack or a mistake; no screen shows more. */
enum { TEXT_BYTES_MAX = 1 << 20 };

static const struct cell blank_cell = { .ch = ' ', .role = ROLE_TEXT };

/* --- the grid ------------------------------------------------------------------------------- */

struct grid *
grid_new(int w, int h, bool is_ascii)
{
	struct grid *g = xcalloc(1, sizeof *g);

	g->w = w < 1 ? 1 : w;
	g->h = h < 1 ? 1 : h;
	g->is_ascii = is_ascii;
	g->cells = xcalloc((size_t)g->w * (size_t)g->h, sizeof *g->cells);
	grid_clear(g);
	return g;
}

void
grid_free(struct grid *g)
{
	if (g == NULL)
		return;
	free(g->cells);
	free(g);
}

struct canvas
grid_canvas(struct grid *g)
{
	return (struct canvas){ .w = g->w, .h = g->h, .grid = g };
}

void
grid_clear(struct grid *g)
{
	for (size_t i = 0; i < (size_t)g->w * (size_t)g->h; i++)
		g->cells[i] = blank_cell;
	g->cursor_x = g->cursor_y = -1;
}

static struct cell *
cell_at(const struct grid *g, int x, int y)
{
	return &g->cells[(size_t)y * (size_t)g->w + (size_t)x];
}

const struct cell *
grid_cell(const struct grid *g, int x, int y)
{
	if (x < 0 || y < 0 || x >= g->w || y >= g->h)
		return NULL;
	return cell_at(g, x, y);
}

int
grid_width(const struct grid *g)
{
	return g->w;
}

int
grid_height(const struct grid *g)
{
	return g->h;
}

void
grid_cursor(const struct grid *g, int *ret_x, int *ret_y)
{
	*ret_x = g->cursor_x;
	*ret_y = g->cursor_y;
}

static void
dump_cell(const struct cell *cell, struct buf *out)
{
	char utf8[4];

	buf_add(out, utf8, utf8_encode(cell->ch, utf8));
	for (int m = 0; m < CELL_MARKS_MAX && cell->marks[m] != 0; m++)
		buf_add(out, utf8, utf8_encode(cell->marks[m], utf8));
}

static bool
is_blank(const struct cell *cell)
{
	return cell->ch == ' ' && cell->marks[0] == 0;
}

void
grid_dump(const struct grid *g, struct buf *out)
{
	for (int y = 0; y < g->h; y++) {
		int end = g->w;

		while (end > 0 && is_blank(cell_at(g, end - 1, y)))
			end--;
		for (int x = 0; x < end; x++)
			if (cell_at(g, x, y)->ch != 0)
				dump_cell(cell_at(g, x, y), out);
		buf_addch(out, '\n');
	}
}

void
grid_dump_roles(const struct grid *g, struct buf *out)
{
	static const char letters[] = ".abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (int y = 0; y < g->h; y++) {
		bool is_selected = false;
		int end = g->w;

		while (end > 0 && cell_at(g, end - 1, y)->role == ROLE_TEXT)
			end--;
		for (int x = 0; x < end; x++)
			buf_addch(out, letters[cell_at(g, x, y)->role]);
		for (int x = 0; x < g->w; x++)
			is_selected |= cell_at(g, x, y)->is_selected;
		buf_addstr(out, is_selected ? " <\n" : "\n");
	}
}

/* --- windows --------------------------------------------------------------------------------- */

struct canvas
canvas_sub(const struct canvas *c, int x, int y, int w, int h)
{
	struct canvas sub = { .grid = c->grid };
	int left = x < 0 ? 0 : x > c->w ? c->w : x;
	int top = y < 0 ? 0 : y > c->h ? c->h : y;
	int64_t right = (int64_t)x + w, bottom = (int64_t)y + h;

	right = right > c->w ? c->w : right;
	bottom = bottom > c->h ? c->h : bottom;
	sub.x0 = c->x0 + left;
	sub.y0 = c->y0 + top;
	sub.w = right > left ? (int)right - left : 0;
	sub.h = bottom > top ? (int)bottom - top : 0;
	return sub;
}

bool
canvas_is_ascii(const struct canvas *c)
{
	return c->grid->is_ascii;
}

/* --- one character --------------------------------------------------------------------------- */

/* What stood at a cell goes whole: half of a wide character would shift the rest of the row. */
static void
cell_release(struct grid *g, int x, int y)
{
	struct cell *cell = cell_at(g, x, y);

	if (cell->ch == 0 && x > 0) {
		cell_at(g, x - 1, y)->ch = ' ';
		memset(cell_at(g, x - 1, y)->marks, 0, sizeof cell->marks);
	}
	if (x + 1 < g->w && cell_at(g, x + 1, y)->ch == 0)
		cell_at(g, x + 1, y)->ch = ' ';
}

static void
cell_put(struct grid *g, int x, int y, enum role role, uint32_t ch)
{
	cell_release(g, x, y);
	*cell_at(g, x, y) = (struct cell){ .ch = ch, .role = (uint8_t)role };
}

/* The cell of c at x, y, or NULL when it lies outside. */
static struct cell *
canvas_cell(const struct canvas *c, int x, int y)
{
	if (x < 0 || y < 0 || x >= c->w || y >= c->h)
		return NULL;
	return cell_at(c->grid, c->x0 + x, c->y0 + y);
}

static void
put_wide(struct canvas *c, int x, int y, enum role role, uint32_t cp)
{
	struct cell *left = canvas_cell(c, x, y), *right = x < INT_MAX ? canvas_cell(c, x + 1, y) : NULL;
	int gx = c->x0 + x, gy = c->y0 + y;

	if (left != NULL)
		cell_put(c->grid, gx, gy, role, right != NULL ? cp : ' ');
	if (right != NULL)
		cell_put(c->grid, gx + 1, gy, role, ' ');
	/* Joined last: cell_put() takes wide characters apart. */
	if (left != NULL && right != NULL) {
		left->ch = cp;
		right->ch = 0;
	}
}

static void
put(struct canvas *c, int x, int y, enum role role, uint32_t cp, int width)
{
	if (c->grid->is_ascii && cp >= 0x80) {
		uint32_t ascii = ascii_of(cp);

		for (int i = 0; i < width; i++)
			put(c, x + i, y, role, ascii, 1);
	} else if (width == 2) {
		put_wide(c, x, y, role, cp);
	} else if (canvas_cell(c, x, y) != NULL) {
		cell_put(c->grid, c->x0 + x, c->y0 + y, role, cp);
	}
}

/* A combining mark goes to the character drawn just before it; more than a cell holds are left out. */
static void
put_mark(struct canvas *c, int x, int y, uint32_t cp)
{
	struct cell *cell = canvas_cell(c, x, y);

	if (cell != NULL && cell->ch == 0)
		cell = canvas_cell(c, x - 1, y);
	if (cell == NULL || c->grid->is_ascii)
		return;
	for (int m = 0; m < CELL_MARKS_MAX; m++) {
		if (cell->marks[m] == 0) {
			cell->marks[m] = cp;
			return;
		}
	}
}

/* --- text -------------------------------------------------------------------------------------- */

/* Text that may be drawn as it is; escaped memory only when it holds something harmful. */
struct harmless {
	const char *text;
	size_t len;
	struct buf escaped;
	bool is_escaped;
};

static bool
is_harmless(const char *s, size_t len)
{
	while (len > 0) {
		uint32_t cp = 0;
		size_t took = utf8_decode(s, len, &cp);

		if (took == 0 || cp_width(cp) < 0)
			return false;
		s += took;
		len -= took;
	}
	return true;
}

static struct harmless
harmless_of(const char *text, size_t len)
{
	struct harmless t = { .text = text, .len = len > TEXT_BYTES_MAX / 16 ? TEXT_BYTES_MAX / 16 : len };

	if (t.len == len && is_harmless(text, len))
		return t;
	buf_init(&t.escaped, TEXT_BYTES_MAX);
	str_escape(&t.escaped, text, t.len);
	t.is_escaped = true;
	t.text = t.escaped.data;
	t.len = t.escaped.len;
	return t;
}

static void
harmless_done(struct harmless *t)
{
	if (t->is_escaped)
		buf_done(&t->escaped);
}

/* The next character of harmless text; bytes taken. */
static size_t
next_cp(const char *s, size_t len, uint32_t *ret_cp, int *ret_width)
{
	size_t took = utf8_decode(s, len, ret_cp);
	int width;

	if (took == 0) {
		*ret_cp = '?';
		took = 1;
	}
	width = cp_width(*ret_cp);
	*ret_width = width < 0 ? 1 : width;
	return took;
}

/* How many bytes of harmless text fit w columns, marks of the last character included. */
static size_t
fit(const char *s, size_t len, int w, int *ret_cols)
{
	size_t used = 0;
	int cols = 0;

	while (used < len) {
		uint32_t cp;
		int width;
		size_t took = next_cp(s + used, len - used, &cp, &width);

		if (width > w - cols)
			break;
		cols += width;
		used += took;
	}
	*ret_cols = cols;
	return used;
}

/* Draw len bytes of harmless text; returns the column behind. */
static int
draw(struct canvas *c, int x, int y, enum role role, const char *s, size_t len)
{
	bool has_base = false;

	while (len > 0) {
		uint32_t cp;
		int width;
		size_t took = next_cp(s, len, &cp, &width);

		if (width > 0) {
			put(c, x, y, role, cp, width);
			x += width;
			has_base = true;
		} else if (has_base) {
			put_mark(c, x - 1, y, cp);
		}
		s += took;
		len -= took;
	}
	return x;
}

int
canvas_text(struct canvas *c, int x, int y, enum role role, const char *text)
{
	struct harmless t = harmless_of(text, strlen(text));

	x = draw(c, x, y, role, t.text, t.len);
	harmless_done(&t);
	return x;
}

int
canvas_text_w(struct canvas *c, int x, int y, int w, enum role role, const char *text, bool is_padded)
{
	struct harmless t = harmless_of(text, strlen(text));
	int end = x, cols;

	if (w > 0 && fit(t.text, t.len, w, &cols) == t.len) {
		end = draw(c, x, y, role, t.text, t.len);
	} else if (w > 0) {
		end = draw(c, x, y, role, t.text, fit(t.text, t.len, w - 1, &cols));
		end = draw(c, end, y, role, "…", strlen("…"));
	}
	harmless_done(&t);
	if (!is_padded || w <= 0)
		return end;
	canvas_fill(c, end, y, x + w - end, 1, role);
	return x + w;
}

int
canvas_text_right(struct canvas *c, int x_end, int y, enum role role, const char *text)
{
	struct harmless t = harmless_of(text, strlen(text));
	int cols, x;

	fit(t.text, t.len, INT_MAX, &cols);
	x = x_end - cols;
	draw(c, x, y, role, t.text, t.len);
	harmless_done(&t);
	return x;
}

int
canvas_printf(struct canvas *c, int x, int y, enum role role, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	x = canvas_text(c, x, y, role, text);
	free(text);
	return x;
}

void
canvas_char(struct canvas *c, int x, int y, enum role role, uint32_t ch)
{
	int width = cp_width(ch);

	if (width > 0)
		put(c, x, y, role, ch, width);
	else if (width < 0)
		put(c, x, y, role, '?', 1);
}

/* --- areas --------------------------------------------------------------------------------------- */

static void
repeat(struct canvas *c, int x, int y, int w, int h, enum role role, uint32_t ch)
{
	int64_t right = (int64_t)x + w, bottom = (int64_t)y + h;

	for (int row = y < 0 ? 0 : y; row < bottom && row < c->h; row++)
		for (int col = x < 0 ? 0 : x; col < right && col < c->w; col++)
			put(c, col, row, role, ch, 1);
}

void
canvas_hline(struct canvas *c, int x, int y, int w, enum role role)
{
	repeat(c, x, y, w, 1, role, 0x2500);
}

void
canvas_vline(struct canvas *c, int x, int y, int h, enum role role)
{
	repeat(c, x, y, 1, h, role, 0x2502);
}

void
canvas_fill(struct canvas *c, int x, int y, int w, int h, enum role role)
{
	repeat(c, x, y, w, h, role, ' ');
}

void
canvas_select(struct canvas *c, int x, int y, int w)
{
	for (int col = x < 0 ? 0 : x; col < (int64_t)x + w && col < c->w; col++) {
		struct cell *cell = canvas_cell(c, col, y);

		if (cell != NULL)
			cell->is_selected = true;
	}
}

void
canvas_set_cursor(struct canvas *c, int x, int y)
{
	if (canvas_cell(c, x, y) == NULL)
		return;
	c->grid->cursor_x = c->x0 + x;
	c->grid->cursor_y = c->y0 + y;
}

/* --- wrapping ------------------------------------------------------------------------------------ */

/* Bytes of the next row of w columns: up to the last blank that fits, else as much as fits, at least one character. */
static size_t
row_bytes(const char *s, size_t len, int w)
{
	int cols;
	size_t most = fit(s, len, w, &cols), at = most;

	if (most == len)
		return len;
	if (s[most] == ' ')
		return most;
	while (at > 0 && s[at - 1] != ' ')
		at--;
	if (at > 0)
		return at;
	if (most == 0) {
		uint32_t cp;

		most = next_cp(s, len, &cp, &cols);
	}
	return most;
}

/* One paragraph (no newline). Returns rows used; the last of h rows shows that it was cut. */
static int
wrap_paragraph(struct canvas *c, int x, int y, int w, int h, enum role role, const char *s, size_t len)
{
	int row = 0;

	do {
		size_t took = row_bytes(s, len, w), shown = took;

		if (row + 1 == h && took < len) {
			canvas_text_w(c, x, y + row, w, role, s, false);
			return h;
		}
		while (shown > 0 && s[shown - 1] == ' ')
			shown--;
		draw(c, x, y + row++, role, s, shown);
		s += took;
		len -= took;
		while (len > 0 && *s == ' ') {
			s++;
			len--;
		}
	} while (len > 0 && row < h);
	return row;
}

int
canvas_wrap(struct canvas *c, int x, int y, int w, int h, enum role role, const char *text)
{
	int rows = 0;

	if (w <= 0)
		return 0;
	while (rows < h && *text != '\0') {
		size_t len = strcspn(text, "\n");
		struct harmless t = harmless_of(text, len);
		char *copy = xstrndup(t.text, t.len);

		rows += wrap_paragraph(c, x, y + rows, w, h - rows, role, copy, t.len);
		free(copy);
		harmless_done(&t);
		text += len;
		text += *text == '\n';
	}
	return rows;
}
