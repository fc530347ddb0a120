/* What ansi_frame() writes, read back by a small terminal, is the grid: character by character, look by look. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "ui/ansi.h"
#include "ui/term_colour.h"

enum { W_MAX = 80, H_MAX = 24, BYTES_MAX = 1 << 20, PARAMS_MAX = 32 };

/* --- a small terminal: exactly the sequences that are needed; any other fails the test ------------------------------------ */

struct shown {
	uint32_t ch, marks[CELL_MARKS_MAX];	/* ch 0: right half */
	struct look look;
	bool is_rgb_fg, is_rgb_bg;
};
struct vt {
	int w, h, x, y;
	bool is_wrapping;	/* at the edge, waiting for the next character */
	bool is_cursor_shown, is_uncertain;	/* behind what terminals draw in different widths the place must be said anew */
	struct look look;
	bool is_rgb_fg, is_rgb_bg;
	struct shown cells[H_MAX][W_MAX];
};

static const struct look none = { .fg = -1, .bg = -1 };

static void
vt_clear(struct vt *vt)
{
	for (int y = 0; y < vt->h; y++)
		for (int x = 0; x < vt->w; x++)
			vt->cells[y][x] = (struct shown){ .ch = ' ', .look = vt->look };
}

static int
vt_colour(const int *v, int n, int *i, bool *is_rgb)
{
	*is_rgb = false;
	if (*i + 2 < n && v[*i + 1] == 5) {
		*i += 2;
		return v[*i];
	}
	assert_true(*i + 4 < n && v[*i + 1] == 2);
	*is_rgb = true;
	*i += 4;
	return v[*i - 2] << 16 | v[*i - 1] << 8 | v[*i];
}

static void
vt_attribute(struct vt *vt, const int *v, int n, int *i)
{
	int p = v[*i];

	switch (p) {
	case 0: vt->look = none; vt->is_rgb_fg = vt->is_rgb_bg = false; return;
	case 1: vt->look.is_bold = true; return;
	case 2: vt->look.is_dim = true; return;
	case 3: vt->look.is_italic = true; return;
	case 4: vt->look.is_underline = true; return;
	case 7: vt->look.is_reverse = true; return;
	case 38: vt->look.fg = vt_colour(v, n, i, &vt->is_rgb_fg); return;
	case 48: vt->look.bg = vt_colour(v, n, i, &vt->is_rgb_bg); return;
	default: break;
	}
	if (p >= 30 && p <= 37)
		vt->look.fg = p - 30;
	else if (p >= 40 && p <= 47)
		vt->look.bg = p - 40;
	else if (p >= 90 && p <= 97)
		vt->look.fg = p - 90 + 8;
	else if (p >= 100 && p <= 107)
		vt->look.bg = p - 100 + 8;
	else
		fail_msg("SGR %d", p);
}

static const char *
vt_csi(struct vt *vt, const char *s)
{
	bool is_private = *s == '?';
	int v[PARAMS_MAX] = { 0 }, n = 0;

	s += is_private;
	for (;; s++) {
		assert_true(n < PARAMS_MAX);
		for (; *s >= '0' && *s <= '9'; s++)
			v[n] = v[n] * 10 + *s - '0';
		n++;
		if (*s != ';')
			break;
	}
	if (is_private && v[0] == 25 && (*s == 'h' || *s == 'l')) {
		vt->is_cursor_shown = *s == 'h';
	} else if (!is_private && *s == 'H') {
		assert_true(n == 2 && v[0] >= 1 && v[0] <= vt->h && v[1] >= 1 && v[1] <= vt->w);
		vt->y = v[0] - 1;
		vt->x = v[1] - 1;
		vt->is_wrapping = vt->is_uncertain = false;
	} else if (!is_private && *s == 'J' && v[0] == 2) {
		vt_clear(vt);
		vt->is_uncertain = true;
	} else if (!is_private && *s == 'm') {
		for (int i = 0; i < n; i++)
			vt_attribute(vt, v, n, &i);
	} else {
		fail_msg("CSI .. %c", *s);
	}
	return s + 1;
}

static void
vt_mark(struct vt *vt, uint32_t cp)
{
	int x = vt->is_wrapping ? vt->x : vt->x - 1;
	struct shown *cell;

	assert_true(x >= 0);
	if (vt->cells[vt->y][x].ch == 0)
		x--;
	cell = &vt->cells[vt->y][x];
	for (int m = 0; m < CELL_MARKS_MAX; m++) {
		if (cell->marks[m] == 0) {
			cell->marks[m] = cp;
			vt->is_uncertain = true;
			return;
		}
	}
	fail_msg("more marks than a cell has");
}

static void
vt_erase_half(struct vt *vt, int x)
{
	struct shown *cell = &vt->cells[vt->y][x];

	if (cell->ch == 0 && x > 0)
		vt->cells[vt->y][x - 1].ch = ' ';
	if (x + 1 < vt->w && vt->cells[vt->y][x + 1].ch == 0)
		vt->cells[vt->y][x + 1].ch = ' ';
}

static void
vt_char(struct vt *vt, uint32_t cp)
{
	int width = cp_width(cp);

	assert_true(width >= 0);
	if (width == 0) {
		vt_mark(vt, cp);
		return;
	}
	assert_false(vt->is_uncertain);
	assert_false(vt->is_wrapping);	/* some terminals would go to the next line, some not */
	assert_true(vt->x + width <= vt->w);
	for (int i = 0; i < width; i++) {
		vt_erase_half(vt, vt->x + i);
		vt->cells[vt->y][vt->x + i] = (struct shown){ .ch = i == 0 ? cp : 0, .look = vt->look, .is_rgb_fg = vt->is_rgb_fg,
			.is_rgb_bg = vt->is_rgb_bg };
	}
	vt->is_uncertain = width == 2;
	vt->is_wrapping = vt->x + width == vt->w;
	vt->x += vt->is_wrapping ? width - 1 : width;
}

static void
vt_write(struct vt *vt, const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end) {
		uint32_t cp = 0;
		size_t took;

		if (*s == '\033') {
			assert_int_equal(s[1], '[');
			s = vt_csi(vt, s + 2);
			continue;
		}
		took = utf8_decode(s, (size_t)(end - s), &cp);
		assert_true(took > 0);
		vt_char(vt, cp);
		s += took;
	}
}

/* --- comparing ---------------------------------------------------------------------------------------------------------- */

/* What the terminal should show of a colour: its number, or the very colour. */
static void
assert_colour(int expected, int seen, bool is_rgb, enum ansi_colours colours)
{
	bool is_true = colours == ANSI_RGB && expected != COLOUR_DEFAULT && expected < COLOUR_ANSI;

	if (colours == ANSI_RGB && expected >= COLOUR_ANSI)
		expected -= COLOUR_ANSI;
	assert_int_equal(seen, expected);
	assert_int_equal(is_rgb, is_true);
}

static struct look
expected_look(const struct theme *theme, const struct cell *cell, enum ansi_colours colours)
{
	int n = colours == ANSI_NONE ? 0 : colours == ANSI_16 ? 16 : 256;
	struct look look, selected;
	struct theme plain;

	theme_plain(&plain);
	theme = colours == ANSI_NONE ? &plain : theme;
	look = theme->looks[cell->role];
	selected = theme->selected;
	if (colours != ANSI_RGB) {
		look = colour_fit(&look, n);
		selected = colour_fit(&selected, n);
	}
	return cell->is_selected ? colour_select(&look, &selected, n) : look;
}

static void
assert_shown(const struct vt *vt, const struct grid *g, const struct theme *theme, enum ansi_colours colours)
{
	int cx, cy;

	for (int y = 0; y < grid_height(g); y++) {
		for (int x = 0; x < grid_width(g); x++) {
			const struct cell *cell = grid_cell(g, x, y);
			const struct shown *s = &vt->cells[y][x];
			struct look look = expected_look(theme, cell, colours);

			if (s->ch != cell->ch)
				fail_msg("%d,%d: U+%04X, expected U+%04X", x, y, s->ch, cell->ch);
			if (cell->ch == 0)
				continue;
			assert_memory_equal(s->marks, cell->marks, sizeof s->marks);
			assert_colour(look.fg, s->look.fg, s->is_rgb_fg, colours);
			assert_colour(look.bg, s->look.bg, s->is_rgb_bg, colours);
			assert_int_equal(s->look.is_bold, look.is_bold);
			assert_int_equal(s->look.is_dim, look.is_dim);
			assert_int_equal(s->look.is_underline, look.is_underline);
			assert_int_equal(s->look.is_reverse, look.is_reverse);
			assert_int_equal(s->look.is_italic, look.is_italic);
		}
	}
	grid_cursor(g, &cx, &cy);
	assert_int_equal(vt->is_cursor_shown, cx >= 0);
	if (cx >= 0) {
		assert_int_equal(vt->x, cx);
		assert_int_equal(vt->y, cy);
	}
	/* Whoever writes next begins with nothing set. */
	assert_memory_equal(&vt->look, &none, sizeof none);
}

/* --- pictures ------------------------------------------------------------------------------------------------------------- */

static struct theme
colourful(void)
{
	struct theme t;

	theme_plain(&t);
	for (int i = 0; i < ROLES; i++)
		t.looks[i] = (struct look){ .fg = i % 7 == 0 ? COLOUR_DEFAULT : i % 5 == 0 ? COLOUR_ANSI + i % 16 : (i * 0x050b13) & 0xffffff,
			.bg = i % 3 != 0 ? COLOUR_DEFAULT : (i * 0x131d07) & 0xffffff, .is_bold = i % 2, .is_dim = i % 11 == 0, .is_underline = i % 4 == 0,
			.is_italic = i % 6 == 0, .is_reverse = i % 13 == 0 };
	t.selected = (struct look){ .fg = COLOUR_DEFAULT, .bg = 0x3a3a5f, .is_underline = true };
	return t;
}

static const char *const pieces[] = { "plain", "● ◐ ○ ▲", "你好", "e\xcc\x81 a\xcc\x88\xcc\xa3", "▕━─?▏", "x", "│", "界" };
enum { PIECES = sizeof pieces / sizeof pieces[0] };

static unsigned
next(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16 & 0x7fff;
}

static void
scribble(struct grid *g, unsigned *seed, int n)
{
	struct canvas c = grid_canvas(g);

	for (int i = 0; i < n; i++) {
		int x = (int)next(seed) % (c.w + 2) - 2, y = (int)next(seed) % c.h;

		canvas_text(&c, x, y, (enum role)(next(seed) % ROLES), pieces[next(seed) % PIECES]);
		if (next(seed) % 5 == 0)
			canvas_select(&c, x, y, 7);
	}
	if (next(seed) % 3 == 0)
		canvas_set_cursor(&c, (int)next(seed) % c.w, (int)next(seed) % c.h);
}

static struct grid *
copy_of(int w, int h, unsigned seed, int frames)
{
	struct grid *g = grid_new(w, h, false);

	for (int i = 0; i <= frames; i++)
		scribble(g, &seed, 5);
	return g;
}

/* --- tests ---------------------------------------------------------------------------------------------------------------- */

static void
test_whole(void **state)
{
	static const int sizes[][2] = { { 80, 24 }, { 40, 5 }, { 2, 1 }, { 1, 3 } };
	struct theme theme = colourful();

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (int colours = ANSI_NONE; colours <= ANSI_RGB; colours++) {
			struct grid *g = copy_of(sizes[i][0], sizes[i][1], (unsigned)(7 * i + 1), 12);
			struct vt *vt = calloc(1, sizeof *vt);
			struct buf b;

			vt->w = sizes[i][0];
			vt->h = sizes[i][1];
			buf_init(&b, BYTES_MAX);
			assert_int_equal(ansi_frame(NULL, g, &theme, (enum ansi_colours)colours, &b), 0);
			vt->is_uncertain = true;	/* of a terminal that was used before nothing is known */
			vt_write(vt, b.data, b.len);
			assert_shown(vt, g, &theme, (enum ansi_colours)colours);
			buf_done(&b);
			free(vt);
			grid_free(g);
		}
	}
}

/* One frame after the other: only what changed is written, and the screen is the same as if all were. */
static void
test_changes(void **state)
{
	enum { FRAMES = 60, W = 60, H = 12 };
	struct theme theme = colourful();
	struct grid *before = NULL;
	struct vt *vt = calloc(1, sizeof *vt);
	size_t whole = 0, changed = 0;

	(void)state;
	vt->w = W;
	vt->h = H;
	for (int i = 0; i < FRAMES; i++) {
		struct grid *now = copy_of(W, H, 99, i);
		struct buf b;

		buf_init(&b, BYTES_MAX);
		assert_int_equal(ansi_frame(before, now, &theme, ANSI_256, &b), 0);
		*(before == NULL ? &whole : &changed) += b.len;
		vt->is_uncertain = true;
		vt_write(vt, b.data, b.len);
		assert_shown(vt, now, &theme, ANSI_256);
		buf_done(&b);
		grid_free(before);
		before = now;
	}
	assert_true(changed / (FRAMES - 1) < whole / 2);
	grid_free(before);
	free(vt);
}

static void
test_nothing_changed(void **state)
{
	struct theme theme = colourful();
	struct grid *a = copy_of(40, 10, 5, 3), *b = copy_of(40, 10, 5, 3);
	struct buf out;

	(void)state;
	buf_init(&out, BYTES_MAX);
	assert_int_equal(ansi_frame(a, b, &theme, ANSI_256, &out), 0);
	assert_int_equal(out.len, 0);
	buf_done(&out);
	grid_free(a);
	grid_free(b);
}

/* A cursor that moves, comes or goes is a change of its own. */
static void
test_cursor(void **state)
{
	static const struct {
		int from_x, to_x;
		const char *expected;
	} cases[] = {
		{ 2, 5, "\033[1;6H" },
		{ -1, 3, "\033[1;4H\033[?25h" },
		{ 4, -1, "\033[?25l" },
	};
	struct theme theme = colourful();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct grid *a = grid_new(10, 1, false), *b = grid_new(10, 1, false);
		struct canvas ca = grid_canvas(a), cb = grid_canvas(b);
		struct buf out;

		canvas_set_cursor(&ca, cases[i].from_x, 0);
		canvas_set_cursor(&cb, cases[i].to_x, 0);
		buf_init(&out, BYTES_MAX);
		assert_int_equal(ansi_frame(a, b, &theme, ANSI_256, &out), 0);
		assert_string_equal(out.data, cases[i].expected);
		buf_done(&out);
		grid_free(a);
		grid_free(b);
	}
}

/* One half of a wide character that is written over takes the other with it. */
static void
test_halves(void **state)
{
	struct theme theme = colourful();
	struct vt *vt = calloc(1, sizeof *vt);
	struct grid *a = grid_new(8, 1, false), *b = grid_new(8, 1, false);
	struct canvas ca = grid_canvas(a), cb = grid_canvas(b);
	struct buf out;

	(void)state;
	canvas_text(&ca, 0, 0, ROLE_TEXT, "你好界x.");
	canvas_text(&cb, 0, 0, ROLE_TEXT, "你好界x.");
	canvas_text(&cb, 3, 0, ROLE_TEXT, "y");
	vt->w = 8;
	vt->h = 1;
	buf_init(&out, BYTES_MAX);
	assert_int_equal(ansi_frame(NULL, a, &theme, ANSI_16, &out), 0);
	assert_int_equal(ansi_frame(a, b, &theme, ANSI_16, &out), 0);
	vt_write(vt, out.data, out.len);
	assert_shown(vt, b, &theme, ANSI_16);
	buf_done(&out);
	grid_free(a);
	grid_free(b);
	free(vt);
}

static void
test_no_room(void **state)
{
	struct theme theme = colourful();
	struct grid *g = copy_of(40, 10, 5, 3);
	struct buf out;

	(void)state;
	buf_init(&out, 64);
	assert_int_equal(ansi_frame(NULL, g, &theme, ANSI_256, &out), ERR_LIMIT);
	buf_done(&out);
	grid_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole), cmocka_unit_test(test_changes), cmocka_unit_test(test_nothing_changed),
		cmocka_unit_test(test_cursor), cmocka_unit_test(test_halves), cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
