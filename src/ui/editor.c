#include "config.h"

#include <string.h>

#include "base/str.h"
#include "ui/key.h"
#include "ui/widget.h"

void
editor_set(struct editor *e, const char *text)
{
	size_t len = 0;

	/* Whole code points only, and none that could not have been typed. */
	while (text[len] != '\0') {
		uint32_t cp;
		size_t took = utf8_decode(text + len, strlen(text + len), &cp);

		if (took == 0 || cp_width(cp) < 0 || len + took >= EDITOR_MAX)
			break;
		len += took;
	}
	memcpy(e->text, text, len);
	e->text[len] = '\0';
	e->len = e->at = len;
	e->is_pasting = false;
}

/* --- moving ---------------------------------------------------------------------------------- */

static bool
is_continuation(const struct editor *e, size_t at)
{
	return at < e->len && ((unsigned char)e->text[at] & 0xc0) == 0x80;
}

static bool
is_mark_at(const struct editor *e, size_t at)
{
	uint32_t cp;

	return at < e->len && utf8_decode(e->text + at, e->len - at, &cp) > 0 && cp_width(cp) == 0;
}

/* Moves go over a character with its combining marks: what a person sees as one. */
static size_t
before(const struct editor *e, size_t at)
{
	do {
		if (at == 0)
			return 0;
		at--;
		while (at > 0 && is_continuation(e, at))
			at--;
	} while (is_mark_at(e, at));
	return at;
}

static size_t
after(const struct editor *e, size_t at)
{
	do {
		if (at >= e->len)
			return e->len;
		at++;
		while (is_continuation(e, at))
			at++;
	} while (is_mark_at(e, at));
	return at;
}

/* Ctrl-W cuts at blanks, as shells do. */
static size_t
blank_before(const struct editor *e, size_t at)
{
	while (at > 0 && e->text[at - 1] == ' ')
		at--;
	while (at > 0 && e->text[at - 1] != ' ')
		at--;
	return at;
}

static bool
is_word_byte(char c)
{
	return (unsigned char)c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '_';
}

static size_t
word_before(const struct editor *e, size_t at)
{
	while (at > 0 && !is_word_byte(e->text[at - 1]))
		at--;
	while (at > 0 && is_word_byte(e->text[at - 1]))
		at--;
	return at;
}

static size_t
word_after(const struct editor *e, size_t at)
{
	while (at < e->len && !is_word_byte(e->text[at]))
		at++;
	while (at < e->len && is_word_byte(e->text[at]))
		at++;
	return at;
}

/* --- changing --------------------------------------------------------------------------------- */

static void
erase(struct editor *e, size_t from, size_t to)
{
	memmove(e->text + from, e->text + to, e->len - to + 1);
	e->len -= to - from;
	e->at = from;
}

/* Characters that would change how text reads without being seen do not get in. */
static bool
insert(struct editor *e, uint32_t cp)
{
	char utf8[4];
	size_t len;

	if (cp_width(cp) < 0) {
		if (!e->is_pasting)
			return false;
		cp = ' ';
	}
	len = utf8_encode(cp, utf8);
	if (len == 0 || e->len + len >= EDITOR_MAX)
		return true;
	memmove(e->text + e->at + len, e->text + e->at, e->len - e->at + 1);
	memcpy(e->text + e->at, utf8, len);
	e->len += len;
	e->at += len;
	return true;
}

static bool
pasted(struct editor *e, int key)
{
	if (key == KEY_PASTE_END) {
		e->is_pasting = false;
	} else if (key == KEY_ENTER_ || key == KEY_TAB || (key & (KEY_CTRL | KEY_ALT)) != 0) {
		insert(e, ' ');
	} else if (key < KEY_SPECIAL && key > 0) {
		insert(e, (uint32_t)key);
	}
	return true;
}

static bool
moved(struct editor *e, int key)
{
	switch (key) {
	case KEY_LEFT_: case KEY_CTRL | 'b':
		e->at = before(e, e->at);
		return true;
	case KEY_RIGHT_: case KEY_CTRL | 'f':
		e->at = after(e, e->at);
		return true;
	case KEY_HOME_: case KEY_CTRL | 'a':
		e->at = 0;
		return true;
	case KEY_END_: case KEY_CTRL | 'e':
		e->at = e->len;
		return true;
	case KEY_ALT | 'b': case KEY_CTRL | KEY_LEFT_: case KEY_ALT | KEY_LEFT_:
		e->at = word_before(e, e->at);
		return true;
	case KEY_ALT | 'f': case KEY_CTRL | KEY_RIGHT_: case KEY_ALT | KEY_RIGHT_:
		e->at = word_after(e, e->at);
		return true;
	default:
		return false;
	}
}

static bool
erased(struct editor *e, int key)
{
	switch (key) {
	case KEY_BACKSPACE_: case KEY_CTRL | 'h':
		erase(e, before(e, e->at), e->at);
		return true;
	case KEY_DEL: case KEY_CTRL | 'd':
		erase(e, e->at, after(e, e->at));
		return true;
	case KEY_CTRL | 'u':
		erase(e, 0, e->at);
		return true;
	case KEY_CTRL | 'k':
		erase(e, e->at, e->len);
		return true;
	case KEY_CTRL | 'w':
		erase(e, blank_before(e, e->at), e->at);
		return true;
	case KEY_ALT | KEY_BACKSPACE_:
		erase(e, word_before(e, e->at), e->at);
		return true;
	case KEY_ALT | 'd':
		erase(e, e->at, word_after(e, e->at));
		return true;
	default:
		return false;
	}
}

bool
editor_key(struct editor *e, int key)
{
	if (e->is_pasting)
		return pasted(e, key);
	if (key == KEY_PASTE_BEGIN) {
		e->is_pasting = true;
		return true;
	}
	if (moved(e, key) || erased(e, key))
		return true;
	return key >= 0x20 && key < KEY_SPECIAL && insert(e, (uint32_t)key);
}

/* --- drawing ------------------------------------------------------------------------------------ */

/* Columns from byte a to byte b. */
static int
columns_between(const struct editor *e, size_t a, size_t b)
{
	int cols = 0;

	while (a < b) {
		uint32_t cp = 0;
		size_t took = utf8_decode(e->text + a, e->len - a, &cp);

		cols += cp_width(cp) > 0 ? cp_width(cp) : 0;
		a += took > 0 ? took : 1;
	}
	return cols;
}

void
editor_draw(struct canvas *c, int x, int y, int w, const struct editor *e, bool has_cursor)
{
	struct canvas field = canvas_sub(c, x, y, w, 1);
	size_t first = 0;
	int cursor;

	if (w <= 0)
		return;
	canvas_fill(&field, 0, 0, w, 1, ROLE_INPUT);
	/* The cursor stays inside the field; one more column marks that something is left of it. */
	while (first < e->at && columns_between(e, first, e->at) + (first > 0) >= w)
		first = after(e, first);
	if (first > 0)
		canvas_text(&field, 0, 0, ROLE_DIM, "…");
	canvas_text_w(&field, first > 0, 0, w - (first > 0), ROLE_INPUT, e->text + first, false);
	cursor = (first > 0) + columns_between(e, first, e->at);
	if (has_cursor)
		canvas_set_cursor(&field, cursor, 0);
}
