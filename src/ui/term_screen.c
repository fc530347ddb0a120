#include "config.h"

#include "ui/term_screen.h"

/* Before our own headers can be shown its macros: only this file includes it. */
#define NCURSES_NOMACROS 1
#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <term.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "ui/term_colour.h"

enum { SEQS_MAX = 48 };

struct style {
	attr_t attrs;
	int pair;
};

struct screen {
	SCREEN *curses;
	FILE *memory;		/* where curses writes; a memfd */
	int fd;
	int n_colours, n_pairs;
	struct style styles[2][ROLES];	/* plain, selected */
	struct cell *shown;	/* the frame before, to skip rows that stayed */
	bool is_forgotten;	/* shown says nothing */
	bool is_ascii, is_cursor_shown;
	int w, h;
	struct key_seq seqs[SEQS_MAX];
	size_t n_seqs;
};

/* --- terminfo ---------------------------------------------------------------------------------- */

static const char *
cap(const char *name)
{
	char *value = tigetstr(name);

	return value == (char *)-1 || value == NULL ? "" : value;
}

/* Without the padding that old terminals asked for, as in $<5>. */
static void
cap_add(struct buf *out, const char *name)
{
	for (const char *p = cap(name); *p != '\0'; p++) {
		const char *end = p[0] == '$' && p[1] == '<' ? strchr(p, '>') : NULL;

		if (end != NULL)
			p = end;
		else
			buf_addch(out, *p);
	}
}

static void
keys_read(struct screen *s)
{
	static const struct {
		const char *cap;
		int key;
	} caps[] = {
		{ "kcuu1", KEY_UP_ }, { "kcud1", KEY_DOWN_ }, { "kcub1", KEY_LEFT_ }, { "kcuf1", KEY_RIGHT_ }, { "khome", KEY_HOME_ },
		{ "kend", KEY_END_ }, { "kpp", KEY_PGUP }, { "knp", KEY_PGDN }, { "kich1", KEY_INS }, { "kdch1", KEY_DEL },
		{ "kcbt", KEY_BACKTAB }, { "kbs", KEY_BACKSPACE_ }, { "kent", KEY_ENTER_ },
		{ "kf1", KEY_F1 }, { "kf2", KEY_F2 }, { "kf3", KEY_F3 }, { "kf4", KEY_F4 }, { "kf5", KEY_F5 }, { "kf6", KEY_F6 },
		{ "kf7", KEY_F7 }, { "kf8", KEY_F8 }, { "kf9", KEY_F9 }, { "kf10", KEY_F10 }, { "kf11", KEY_F11 }, { "kf12", KEY_F12 },
	};

	for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
		const char *bytes = cap(caps[i].cap);

		/* One byte is a key of its own: only Backspace may be one, as ^H or DEL. */
		if (bytes[0] != '\0' && (bytes[0] == '\033' || caps[i].key == KEY_BACKSPACE_))
			s->seqs[s->n_seqs++] = (struct key_seq){ bytes, caps[i].key };
	}
}

const struct key_seq *
screen_keys(const struct screen *s, size_t *ret_n)
{
	*ret_n = s->n_seqs;
	return s->seqs;
}

bool
screen_is_xterm(const struct screen *s)
{
	static const char *const families[] = {
		"xterm", "tmux", "screen", "foot", "alacritty", "wezterm", "kitty", "ghostty", "rxvt", "konsole", "gnome", "vte", "contour",
	};
	const char *name = getenv("TERM");

	(void)s;
	for (size_t i = 0; name != NULL && i < sizeof families / sizeof families[0]; i++)
		if (str_contains(name, families[i]))
			return true;
	return false;
}

/* Bracketed paste tells pasted text from typed; terminals that do not know the mode are not asked. */
void
screen_enter(const struct screen *s, struct buf *out)
{
	cap_add(out, "smcup");
	cap_add(out, "smkx");
	cap_add(out, "civis");
	if (screen_is_xterm(s))
		buf_addstr(out, "\033[?2004h");
}

void
screen_leave(const struct screen *s, struct buf *out)
{
	if (screen_is_xterm(s))
		buf_addstr(out, "\033[?2026l\033[?2004l");
	cap_add(out, "rmkx");
	cap_add(out, "sgr0");
	cap_add(out, "op");
	cap_add(out, "cnorm");
	if (cap("rmcup")[0] != '\0')
		cap_add(out, "rmcup");
	else
		cap_add(out, "clear");
}

/* --- colours -------------------------------------------------------------------------------------- */

static int
count_colours(void)
{
	const char *no_color = getenv("NO_COLOR");
	int n = tigetnum("colors");

	if (no_color != NULL && no_color[0] != '\0')
		return 0;
	return n >= 256 ? 256 : n >= 16 ? 16 : n >= 8 ? 8 : 0;
}

static int
pair_of(struct screen *s, int fg, int bg)
{
	if (fg < 0 && bg < 0)
		return 0;
	for (int i = 1; i <= s->n_pairs; i++) {
		int have_fg, have_bg;

		if (extended_pair_content(i, &have_fg, &have_bg) == OK && have_fg == fg && have_bg == bg)
			return i;
	}
	if (s->n_pairs + 1 >= COLOR_PAIRS || init_extended_pair(s->n_pairs + 1, fg, bg) == ERR)
		return 0;
	return ++s->n_pairs;
}

static struct style
style_of(struct screen *s, const struct look *look)
{
	struct style style = { .attrs = A_NORMAL, .pair = s->n_colours > 0 ? pair_of(s, look->fg, look->bg) : 0 };

	style.attrs |= look->is_bold ? A_BOLD : 0;
	style.attrs |= look->is_dim ? A_DIM : 0;
	style.attrs |= look->is_underline ? A_UNDERLINE : 0;
	style.attrs |= look->is_reverse ? A_REVERSE : 0;
	style.attrs |= look->is_italic ? A_ITALIC : 0;
	return style;
}

static void
styles_make(struct screen *s, const struct theme *theme)
{
	struct theme plain;

	s->n_colours = count_colours();
	if (s->n_colours > 0 && (start_color() == ERR || use_default_colors() == ERR))
		s->n_colours = 0;
	/* Without colours a theme made of them says nothing. */
	theme_plain(&plain);
	if (s->n_colours == 0)
		theme = &plain;
	for (int role = 0; role < ROLES; role++) {
		struct look look = colour_fit(&theme->looks[role], s->n_colours);
		struct look selected = colour_fit(&theme->selected, s->n_colours);

		selected = colour_select(&look, &selected, s->n_colours);
		s->styles[0][role] = style_of(s, &look);
		s->styles[1][role] = style_of(s, &selected);
	}
}

/* --- life ---------------------------------------------------------------------------------------------- */

/* Curses puts handlers of its own on these; ours are the loop's. */
static const int curses_signals[] = { SIGINT, SIGTERM, SIGTSTP, SIGWINCH };
enum { CURSES_SIGNALS = sizeof curses_signals / sizeof curses_signals[0] };

static SCREEN *
newterm_quietly(FILE *memory)
{
	struct sigaction saved[CURSES_SIGNALS];
	SCREEN *curses;

	for (size_t i = 0; i < CURSES_SIGNALS; i++)
		sigaction(curses_signals[i], NULL, &saved[i]);
	curses = newterm(NULL, memory, memory);
	for (size_t i = 0; i < CURSES_SIGNALS; i++)
		sigaction(curses_signals[i], &saved[i], NULL);
	return curses;
}

static int
memory_open(struct screen *s, struct err *err)
{
	s->fd = memfd_create("screen", MFD_CLOEXEC);
	s->memory = s->fd >= 0 ? fdopen(s->fd, "w+") : NULL;
	if (s->memory == NULL)
		return err_set_errno(err, ERR_IO, errno, "cannot get memory to draw in (memfd_create)");
	return 0;
}

/* What curses has written since; the memory is used again from its start. */
static void
memory_take(struct screen *s, struct buf *out)
{
	char bytes[8192];
	off_t end, at = 0;

	fflush(s->memory);
	end = lseek(s->fd, 0, SEEK_CUR);
	while (at < end) {
		size_t want = end - at < (off_t)sizeof bytes ? (size_t)(end - at) : sizeof bytes;
		ssize_t n = pread(s->fd, bytes, want, at);

		if (n <= 0)
			break;
		if (out != NULL)
			buf_add(out, bytes, (size_t)n);
		at += n;
	}
	lseek(s->fd, 0, SEEK_SET);
}

static int
check_terminal(const char *name, struct err *err)
{
	char shown[80];

	str_escape_to(shown, sizeof shown, name);
	if (cap("cup")[0] != '\0')
		return 0;
	return err_set(err, ERR_UNSUPPORTED, "terminal type \"%s\" cannot move its cursor; set TERM to what the terminal "
	    "is (most are xterm-256color), or use --status for text", shown);
}

static int
curses_open(struct screen *s, struct err *err)
{
	const char *name = getenv("TERM");
	char shown[80];
	int r = memory_open(s, err);

	if (r < 0)
		return r;
	if (name == NULL || name[0] == '\0')
		return err_set(err, ERR_UNSUPPORTED, "TERM is not set, so it is unknown what the terminal understands; "
		    "most are xterm-256color");
	s->curses = newterm_quietly(s->memory);
	if (s->curses == NULL)
		return err_set(err, ERR_UNSUPPORTED, "terminal type \"%s\" (TERM) is not known here; try TERM=xterm-256color, "
		    "or install ncurses-term", str_escape_to(shown, sizeof shown, name));
	r = check_terminal(name, err);
	if (r < 0)
		return r;
	set_term(s->curses);
	/* Never look at the input, nor leave a frame half done because of it. */
	typeahead(-1);
	nonl();
	curs_set(0);
	return 0;
}

int
screen_new(const struct theme *theme, bool is_ascii, int w, int h, struct screen **ret_screen, struct err *err)
{
	struct screen *s = xcalloc(1, sizeof *s);
	int r;

	s->fd = -1;
	s->is_ascii = is_ascii;
	r = curses_open(s, err);
	if (r < 0) {
		screen_free(s);
		return r;
	}
	styles_make(s, theme);
	keys_read(s);
	screen_resize(s, w, h);
	/* It has taken the terminal already, in memory; we say ourselves when. */
	memory_take(s, NULL);
	*ret_screen = s;
	return 0;
}

void
screen_free(struct screen *s)
{
	if (s == NULL)
		return;
	if (s->curses != NULL) {
		endwin();
		delscreen(s->curses);
	}
	if (s->memory != NULL)
		fclose(s->memory);
	else if (s->fd >= 0)
		close(s->fd);
	free(s->shown);
	free(s);
}

void
screen_resize(struct screen *s, int w, int h)
{
	s->w = w;
	s->h = h;
	resize_term(h, w);
	free(s->shown);
	s->shown = xcalloc((size_t)w * (size_t)h, sizeof *s->shown);
	screen_forget(s);
}

void
screen_forget(struct screen *s)
{
	s->is_forgotten = true;
	clearok(curscr, TRUE);
}

/* --- a frame ------------------------------------------------------------------------------------------------ */

static bool
is_same(const struct cell *a, const struct cell *b)
{
	return a->ch == b->ch && a->role == b->role && a->is_selected == b->is_selected &&
	    memcmp(a->marks, b->marks, sizeof a->marks) == 0;
}

static bool
row_is_same(const struct screen *s, const struct grid *g, int y, int w)
{
	const struct cell *shown = &s->shown[(size_t)y * (size_t)s->w];

	for (int x = 0; x < w; x++)
		if (!is_same(&shown[x], grid_cell(g, x, y)))
			return false;
	return true;
}

/* What is wide for us may be narrow for the C library's tables; a terminal must never be sent what curses counts otherwise. */
static bool
is_agreed(const struct cell *cell, int width)
{
	int theirs = wcwidth((wchar_t)cell->ch);

	for (int m = 0; m < CELL_MARKS_MAX && cell->marks[m] != 0; m++)
		if (wcwidth((wchar_t)cell->marks[m]) != 0)
			return false;
	return theirs == width;
}

static void
put_cell(const struct screen *s, const struct cell *cell, int width, int x, int y)
{
	wchar_t text[CELL_MARKS_MAX + 2] = { (wchar_t)cell->ch };
	const struct style *style = &s->styles[cell->is_selected][cell->role < ROLES ? cell->role : ROLE_TEXT];
	int pair = style->pair, n = width;
	cchar_t c;

	if (cell->ch >= 0x80 && !is_agreed(cell, width)) {
		text[0] = '?';
		width = 1;
	} else {
		for (int m = 0; m < CELL_MARKS_MAX; m++)
			text[m + 1] = (wchar_t)cell->marks[m];
	}
	setcchar(&c, text, style->attrs, 0, &pair);
	for (; n > 0; n -= width, x += width)
		mvadd_wchnstr(y, x, &c, 1);
}

static void
put_row(struct screen *s, const struct grid *g, int y, int w)
{
	for (int x = 0; x < w; x++) {
		const struct cell *cell = grid_cell(g, x, y);
		bool is_wide = x + 1 < w && grid_cell(g, x + 1, y)->ch == 0;

		if (cell->ch != 0)
			put_cell(s, cell, is_wide ? 2 : 1, x, y);
		s->shown[(size_t)y * (size_t)s->w + (size_t)x] = *cell;
	}
}

static void
put_cursor(struct screen *s, const struct grid *g)
{
	int x, y;
	bool is_shown;

	grid_cursor(g, &x, &y);
	is_shown = x >= 0 && y >= 0 && x < s->w && y < s->h;
	if (is_shown != s->is_cursor_shown)
		curs_set(is_shown ? 1 : 0);
	s->is_cursor_shown = is_shown;
	leaveok(stdscr, !is_shown);
	if (is_shown)
		wmove(stdscr, y, x);
}

void
screen_compose(struct screen *s, const struct grid *g, struct buf *out)
{
	int w = grid_width(g) < s->w ? grid_width(g) : s->w, h = grid_height(g) < s->h ? grid_height(g) : s->h;

	if (s->is_forgotten)
		werase(stdscr);
	for (int y = 0; y < h; y++)
		if (s->is_forgotten || !row_is_same(s, g, y, w))
			put_row(s, g, y, w);
	s->is_forgotten = false;
	put_cursor(s, g);
	wnoutrefresh(stdscr);
	doupdate();
	memory_take(s, out);
}
