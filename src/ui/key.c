#include "config.h"

#include "ui/key.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

enum { ESC = 0x1b, BEL = 0x07, CSI_PARAMS_MAX = 4 };

/* What a reading of the bytes so far says. */
enum reading {
	READ_MORE = 0,		/* could still become a longer sequence */
	READ_KEY = 1,
};

struct taken {
	size_t len;		/* bytes it took */
	int key;
};

size_t
key_put(struct key_reader *k, const void *bytes, size_t len)
{
	size_t room = sizeof k->bytes - k->n;

	len = len < room ? len : room;
	memcpy(k->bytes + k->n, bytes, len);
	k->n += len;
	return len;
}

static void
drop(struct key_reader *k, size_t len)
{
	k->n -= len;
	memmove(k->bytes, k->bytes + len, k->n);
}

/* --- single characters ----------------------------------------------------------------------- */

static int
control_key(unsigned char c)
{
	switch (c) {
	case 0x00:
		return KEY_CTRL | ' ';
	case '\t':
		return KEY_TAB;
	case '\r': case '\n':
		return KEY_ENTER_;
	case ESC:
		return KEY_ESC;
	case 0x7f:
		return KEY_BACKSPACE_;
	default:
		return KEY_CTRL | (c < ESC ? c + 'a' - 1 : c + '@');
	}
}

static size_t
utf8_want(unsigned char c)
{
	return c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 1;
}

static enum reading
read_char(const unsigned char *p, size_t n, bool is_final, struct taken *t)
{
	uint32_t cp = 0;
	size_t want = utf8_want(p[0]), len = utf8_decode((const char *)p, n, &cp), have = 1;

	if (p[0] < 0x20 || p[0] == 0x7f) {
		*t = (struct taken){ 1, control_key(p[0]) };
		return READ_KEY;
	}
	while (have < n && have < want && (p[have] & 0xc0) == 0x80)
		have++;
	if (len == 0 && have == n && have < want && !is_final)
		return READ_MORE;
	*t = len > 0 ? (struct taken){ len, (int)cp } : (struct taken){ 1, KEY_UNKNOWN_ };
	return READ_KEY;
}

/* --- sequences --------------------------------------------------------------------------------- */

static const struct {
	char final;
	int key;
} letter_keys[] = {
	{ 'A', KEY_UP_ }, { 'B', KEY_DOWN_ }, { 'C', KEY_RIGHT_ }, { 'D', KEY_LEFT_ }, { 'H', KEY_HOME_ }, { 'F', KEY_END_ },
	{ 'P', KEY_F1 }, { 'Q', KEY_F2 }, { 'R', KEY_F3 }, { 'S', KEY_F4 }, { 'Z', KEY_BACKTAB }, { 'M', KEY_ENTER_ },
	{ 'I', KEY_FOCUS_IN }, { 'O', KEY_FOCUS_OUT },
	/* rxvt: modified arrows */
	{ 'a', KEY_SHIFT | KEY_UP_ }, { 'b', KEY_SHIFT | KEY_DOWN_ }, { 'c', KEY_SHIFT | KEY_RIGHT_ }, { 'd', KEY_SHIFT | KEY_LEFT_ },
};

static const struct {
	int number, key;
} number_keys[] = {
	{ 1, KEY_HOME_ }, { 2, KEY_INS }, { 3, KEY_DEL }, { 4, KEY_END_ }, { 5, KEY_PGUP }, { 6, KEY_PGDN }, { 7, KEY_HOME_ },
	{ 8, KEY_END_ }, { 11, KEY_F1 }, { 12, KEY_F2 }, { 13, KEY_F3 }, { 14, KEY_F4 }, { 15, KEY_F5 }, { 17, KEY_F6 },
	{ 18, KEY_F7 }, { 19, KEY_F8 }, { 20, KEY_F9 }, { 21, KEY_F10 }, { 23, KEY_F11 }, { 24, KEY_F12 },
	{ 200, KEY_PASTE_BEGIN }, { 201, KEY_PASTE_END },
};

static int
letter_key(char final)
{
	for (size_t i = 0; i < sizeof letter_keys / sizeof letter_keys[0]; i++)
		if (letter_keys[i].final == final)
			return letter_keys[i].key;
	return KEY_UNKNOWN_;
}

static int
number_key(int number)
{
	for (size_t i = 0; i < sizeof number_keys / sizeof number_keys[0]; i++)
		if (number_keys[i].number == number)
			return number_keys[i].key;
	return KEY_UNKNOWN_;
}

/* xterm's parameter: 1 + (1 shift, 2 alt, 4 control, 8 meta). */
static int
modifiers(int param)
{
	int bits = param > 1 ? param - 1 : 0;

	return (bits & 1 ? KEY_SHIFT : 0) | (bits & (2 | 8) ? KEY_ALT : 0) | (bits & 4 ? KEY_CTRL : 0);
}

/* A code point with modifiers, spelled as plain bytes would be: Shift-a is A, Ctrl-A is Ctrl-a, Ctrl-i is Tab. */
static int
key_normal(int key, int mods)
{
	if (key < 0x20 || key == 0x7f)
		key = control_key((unsigned char)key);
	if (key >= 'A' && key <= 'Z' && mods & KEY_CTRL)
		key += 'a' - 'A';
	if (key >= 'a' && key <= 'z' && mods & KEY_SHIFT && !(mods & KEY_CTRL))
		key -= 'a' - 'A';
	if ((key & ~(KEY_CTRL | KEY_ALT)) < KEY_SPECIAL)
		mods &= ~KEY_SHIFT;
	if (key == KEY_TAB && mods & KEY_SHIFT)
		return KEY_BACKTAB | (mods & ~KEY_SHIFT);
	if (mods & KEY_CTRL && (key == 'i' || key == 'm' || key == 'j' || key == '['))
		return (key == 'i' ? KEY_TAB : key == '[' ? KEY_ESC : KEY_ENTER_) | (mods & ~KEY_CTRL);
	return key | mods;
}

/* A key sent as the number of its code point; private ones stand for keys that we have no use for. */
static int
code_point_key(int cp, int mods)
{
	bool is_control = (cp > 0 && cp < 0x20) || cp == 0x7f;

	return is_control || cp_width((uint32_t)cp) > 0 ? key_normal(cp, mods) : KEY_UNKNOWN_;
}

static int
csi_key(const int *params, char final)
{
	if (final == 'u')
		return code_point_key(params[0], modifiers(params[1]));
	if (final == '~' && params[0] == 27)
		return code_point_key(params[2], modifiers(params[1]));
	if (final == '~')
		return number_key(params[0]) | modifiers(params[1]);
	if (final == '^')	/* rxvt */
		return number_key(params[0]) | KEY_CTRL;
	return letter_key(final) | modifiers(params[1]);
}

/* Parameters of p[..len) into params; false for private ones (answers of the terminal, not keys). */
static bool
csi_params(const unsigned char *p, size_t len, int params[CSI_PARAMS_MAX])
{
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == ';') {
			at++;
		} else if (p[i] < '0' || p[i] > '9') {
			return p[i] == ':';	/* sub-parameters change nothing for us */
		} else if (at < CSI_PARAMS_MAX && params[at] < 0x200000) {
			params[at] = params[at] * 10 + (p[i] - '0');
		}
	}
	return true;
}

/* ESC [ params final, all of it at p. */
static enum reading
read_csi(const unsigned char *p, size_t n, bool is_final, struct taken *t)
{
	int params[CSI_PARAMS_MAX] = { 0 };
	size_t at = 2;

	if (n > 2 && p[2] == '[') {	/* Linux console: F1 to F5 are ESC [ [ A to E */
		if (n == 3 && !is_final)
			return READ_MORE;
		*t = (struct taken){ n > 3 ? 4 : 3, n > 3 && p[3] >= 'A' && p[3] <= 'E' ? KEY_F1 + (p[3] - 'A') : KEY_UNKNOWN_ };
		return READ_KEY;
	}
	while (at < n && p[at] >= 0x20 && p[at] <= 0x3f)
		at++;
	if (at == n && !is_final)
		return READ_MORE;
	if (at == 2 && at == n)
		*t = (struct taken){ 2, KEY_ALT | '[' };
	else if (at == n || p[at] < 0x40 || p[at] > 0x7e)
		*t = (struct taken){ at, KEY_UNKNOWN_ };
	else if (!csi_params(p + 2, at - 2, params))
		*t = (struct taken){ at + 1, KEY_UNKNOWN_ };
	else
		*t = (struct taken){ at + 1, csi_key(params, (char)p[at]) };
	if ((t->key & ~(KEY_CTRL | KEY_ALT | KEY_SHIFT)) == KEY_UNKNOWN_)
		t->key = KEY_UNKNOWN_;
	return READ_KEY;
}

/* ESC O final, with an optional digit of modifiers before it. */
static enum reading
read_ss3(const unsigned char *p, size_t n, bool is_final, struct taken *t)
{
	int mods = 0;
	size_t at = 2;

	if (n > 2 && p[2] >= '1' && p[2] <= '9') {
		mods = modifiers(p[2] - '0');
		at = 3;
	}
	if (at == n && !is_final)
		return READ_MORE;
	if (n == 2 || p[at < n ? at : 2] < 0x20) {
		*t = (struct taken){ 2, KEY_ALT | 'O' };
		return READ_KEY;
	}
	t->len = at < n ? at + 1 : at;
	t->key = at < n ? letter_key((char)p[at]) : KEY_UNKNOWN_;
	/* rxvt says control here with the letters that mean shift after ESC [. */
	if (t->key & KEY_SHIFT)
		t->key = (t->key & ~KEY_SHIFT) | KEY_CTRL;
	if (t->key != KEY_UNKNOWN_)
		t->key |= mods;
	return READ_KEY;
}

/* Strings that terminals send as answers (colours, versions): their first bytes cannot come from Alt and one key. */
static bool
is_answer_start(const unsigned char *p, size_t n)
{
	if (n < 3)
		return false;
	return (p[1] == ']' && p[2] >= '0' && p[2] <= '9') ||
	    (p[1] == 'P' && strchr("0123456789$>+!|", p[2]) != NULL && p[2] != '\0') || (p[1] == '_' && p[2] == 'G');
}

static enum reading
read_escape(const unsigned char *p, size_t n, bool is_final, struct taken *t)
{
	enum reading r;

	if (n == 1 || (p[1] == ESC && n == 2)) {
		*t = (struct taken){ 1, KEY_ESC };
		return is_final ? READ_KEY : READ_MORE;
	}
	if (n == 2 && !is_final && strchr("]P_", p[1]) != NULL && p[1] != '\0')
		return READ_MORE;	/* may begin an answer */
	if (p[1] == '[')
		return read_csi(p, n, is_final, t);
	if (p[1] == 'O')
		return read_ss3(p, n, is_final, t);
	if (p[1] == ESC && p[2] != '[' && p[2] != 'O') {
		*t = (struct taken){ 1, KEY_ESC };
		return READ_KEY;
	}
	/* Alt and a key: an escape before what the key sends by itself. */
	if (p[1] == ESC)
		r = read_escape(p + 1, n - 1, is_final, t);
	else
		r = read_char(p + 1, n - 1, is_final, t);
	if (r == READ_KEY) {
		t->len++;
		t->key = t->key == KEY_UNKNOWN_ ? t->key : t->key | KEY_ALT;
	}
	return r;
}

/* What terminfo says the terminal sends; it wins over the usual sequences. */
static enum reading
read_seqs(const struct key_reader *k, bool is_final, struct taken *t)
{
	bool is_prefix = false;

	*t = (struct taken){ 0, KEY_NONE };
	for (size_t i = 0; i < k->n_seqs; i++) {
		size_t len = strlen(k->seqs[i].bytes), both = len < k->n ? len : k->n;

		if (len == 0 || memcmp(k->seqs[i].bytes, k->bytes, both) != 0)
			continue;
		if (len > k->n)
			is_prefix = true;
		else if (len > t->len)
			*t = (struct taken){ len, k->seqs[i].key };
	}
	if (is_prefix && !is_final)
		return READ_MORE;
	return READ_KEY;
}

/* Skip to the end of an answer; false while that has not come. */
static bool
answer_skip(struct key_reader *k, bool is_final)
{
	size_t at = 0;

	while (at < k->n && k->bytes[at] != BEL && k->bytes[at] != ESC)
		at++;
	if (at == k->n || (k->bytes[at] == ESC && at + 1 == k->n)) {
		/* It ended without an end: whoever types next shall not be swallowed. */
		k->is_answer = !is_final;
		drop(k, at);
		return is_final && k->n > 0;
	}
	k->is_answer = false;
	if (k->bytes[at] == BEL || k->bytes[at + 1] == '\\')
		at += k->bytes[at] == BEL ? 1 : 2;
	drop(k, at);
	return k->n > 0;
}

bool
key_take(struct key_reader *k, bool is_final, int *ret_key)
{
	struct taken t = { 0, KEY_NONE };
	enum reading r;

	for (;;) {
		if (k->is_answer && !answer_skip(k, is_final))
			return false;
		if (k->n < 3 || k->bytes[0] != ESC || !is_answer_start(k->bytes, k->n))
			break;
		k->is_answer = true;
		drop(k, 2);
	}
	if (k->n == 0)
		return false;
	/* A sequence as long as the buffer is none that will end. */
	is_final = is_final || k->n == sizeof k->bytes;
	r = read_seqs(k, is_final, &t);
	if (r == READ_KEY && t.len == 0 && k->bytes[0] == ESC)
		r = read_escape(k->bytes, k->n, is_final, &t);
	else if (r == READ_KEY && t.len == 0)
		r = read_char(k->bytes, k->n, is_final, &t);
	if (r == READ_MORE)
		return false;
	drop(k, t.len);
	*ret_key = t.key;
	return true;
}

/* --- names --------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int key;
} key_names[] = {
	{ "Up", KEY_UP_ }, { "Down", KEY_DOWN_ }, { "Left", KEY_LEFT_ }, { "Right", KEY_RIGHT_ }, { "Home", KEY_HOME_ },
	{ "End", KEY_END_ }, { "PgUp", KEY_PGUP }, { "PgDn", KEY_PGDN }, { "Ins", KEY_INS }, { "Del", KEY_DEL },
	{ "Enter", KEY_ENTER_ }, { "Tab", KEY_TAB }, { "BackTab", KEY_BACKTAB }, { "Esc", KEY_ESC }, { "Backspace", KEY_BACKSPACE_ },
	{ "F1", KEY_F1 }, { "F2", KEY_F2 }, { "F3", KEY_F3 }, { "F4", KEY_F4 }, { "F5", KEY_F5 }, { "F6", KEY_F6 }, { "F7", KEY_F7 },
	{ "F8", KEY_F8 }, { "F9", KEY_F9 }, { "F10", KEY_F10 }, { "F11", KEY_F11 }, { "F12", KEY_F12 }, { "Space", ' ' },
	/* Other names of the same keys, for reading only. */
	{ "PageUp", KEY_PGUP }, { "PageDown", KEY_PGDN }, { "Insert", KEY_INS }, { "Delete", KEY_DEL }, { "Return", KEY_ENTER_ },
	{ "Escape", KEY_ESC }, { "BSpace", KEY_BACKSPACE_ }, { "BTab", KEY_BACKTAB },
};

int
key_parse(const char *text)
{
	int mods = 0;
	uint32_t cp = 0;
	size_t len;

	while (text[0] != '\0' && text[1] == '-' && text[2] != '\0') {
		int mod = text[0] == 'C' ? KEY_CTRL : text[0] == 'M' ? KEY_ALT : text[0] == 'S' ? KEY_SHIFT : 0;

		if (mod == 0 || mods & mod)
			return KEY_NONE;
		mods |= mod;
		text += 2;
	}
	for (size_t i = 0; i < sizeof key_names / sizeof key_names[0]; i++)
		if (strcasecmp(key_names[i].name, text) == 0)
			return key_normal(key_names[i].key, mods);
	len = strlen(text);
	if (len == 0 || utf8_decode(text, len, &cp) != len || cp_width(cp) < 1)
		return KEY_NONE;
	return key_normal((int)cp, mods);
}

const char *
key_format(char *buf, int key)
{
	int plain = key & ~(KEY_CTRL | KEY_ALT | KEY_SHIFT);
	char utf8[5] = "";
	const char *name = NULL;

	for (size_t i = 0; i < sizeof key_names / sizeof key_names[0] && name == NULL; i++)
		if (key_names[i].key == plain)
			name = key_names[i].name;
	if (name == NULL && plain > 0 && plain < KEY_SPECIAL && cp_width((uint32_t)plain) > 0) {
		utf8_encode((uint32_t)plain, utf8);
		name = utf8;
	}
	snprintf(buf, KEY_TEXT_MAX, "%s%s%s%s", key & KEY_CTRL ? "C-" : "", key & KEY_ALT ? "M-" : "",
	    key & KEY_SHIFT ? "S-" : "", name != NULL ? name : "?");
	return buf;
}
