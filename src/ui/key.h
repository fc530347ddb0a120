/* Keys: bytes of a terminal become keys; names of keys as people write them. Pure: no terminal, no waiting. */
#ifndef OPS_UI_KEY_H
#define OPS_UI_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A key is a code point, or one of these, with KEY_CTRL/KEY_ALT/KEY_SHIFT flags. Ctrl-A to Ctrl-Z are KEY_CTRL | 'a'.. */
enum {
	KEY_NONE = 0,
	KEY_SPECIAL = 0x200000,
	KEY_UP_, KEY_DOWN_, KEY_LEFT_, KEY_RIGHT_, KEY_HOME_, KEY_END_, KEY_PGUP, KEY_PGDN, KEY_INS, KEY_DEL, KEY_ENTER_, KEY_TAB, KEY_BACKTAB, KEY_ESC,
	KEY_BACKSPACE_, KEY_F1, KEY_F2, KEY_F3, KEY_F4, KEY_F5, KEY_F6, KEY_F7, KEY_F8, KEY_F9, KEY_F10, KEY_F11, KEY_F12,
	KEY_PASTE_BEGIN, KEY_PASTE_END,		/* bracketed paste: what lies between is not typed */
	KEY_FOCUS_IN, KEY_FOCUS_OUT, KEY_UNKNOWN_,
	KEY_CTRL = 1 << 24, KEY_ALT = 1 << 25, KEY_SHIFT = 1 << 26,
};

/* What this terminal sends for a key, beside the usual sequences that are known anyway. */
struct key_seq {
	const char *bytes;
	int key;
};

struct key_reader {
	unsigned char bytes[64];
	size_t n;
	bool is_answer;			/* inside a string some terminals send as an answer: not typed */
	const struct key_seq *seqs;	/* from terminfo; lent; may be NULL */
	size_t n_seqs;
};

/* Put bytes in, take keys out until it returns false. is_final: no more bytes came for a while, so a lone ESC is the Esc key. */
size_t key_put(struct key_reader *k, const void *bytes, size_t len);	/* returns how many fitted */
bool key_take(struct key_reader *k, bool is_final, int *ret_key);
/* "a", "A", "C-l", "M-x", "F5", "Enter", "Esc", "Space", "Up", "PgDn": KEY_NONE when text names no key. */
int key_parse(const char *text);
/* buf of KEY_TEXT_MAX; returns buf. */
enum { KEY_TEXT_MAX = 24 };
const char *key_format(char *buf, int key);

#endif
