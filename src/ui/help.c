#include "config.h"

#include "ui/help.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ui/key.h"

enum { KEYS_WIDTH = 16, NAME_WIDTH = 20, WIDE = 76, WORD_MAX = 256 };

/* "j, Down": the command's key and its second keys. */
static void
keys_of(const struct keymap *km, const struct keymap_row *row, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < keymap_n(km); i++) {
		const struct keymap_row *other = keymap_row(km, i);
		char name[KEY_TEXT_MAX];

		if (other->panel != row->panel || other->key == KEY_NONE || strcmp(other->command->name, row->command->name) != 0)
			continue;
		key_format(name, other->key);
		if (used + strlen(name) + 3 > size)
			break;
		used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", name);
	}
}

static void
pad(struct buf *out, size_t from_len, size_t cols)
{
	size_t have = str_width(out->data + from_len);

	while (have++ < cols)
		buf_addch(out, ' ');
}

/* Words of text behind what the last row holds already; further rows are indented as far, at most half of w. */
static void
add_wrapped(struct buf *out, size_t line_start, const char *text, int w)
{
	size_t col = str_width(out->data + line_start), indent = col < (size_t)w / 2 ? col : (size_t)w / 2;
	bool is_first = true;
	char word[WORD_MAX];

	for (; *text != '\0'; is_first = false) {
		size_t len = strcspn(text, " "), cols;

		snprintf(word, sizeof word, "%.*s", (int)len, text);
		cols = str_width(word);
		text += len + strspn(text + len, " ");
		if (!is_first && col + 1 + cols > (size_t)w) {
			buf_printf(out, "\n%*s", (int)indent, "");
			col = indent;
		} else if (!is_first) {
			buf_addch(out, ' ');
			col++;
		}
		buf_addstr(out, word);
		col += cols;
	}
	buf_addch(out, '\n');
}

static void
row_text(const struct keymap *km, const struct keymap_row *row, bool is_read_only, int w, struct buf *out)
{
	bool is_off = is_read_only && row->command->flags & CMD_WRITES;
	size_t line_start = out->len, start = line_start;
	char keys[64], help[512];

	keys_of(km, row, keys, sizeof keys);
	if (keys[0] == '\0' && w < WIDE)	/* only by name, and that has no column */
		snprintf(keys, sizeof keys, ":%.40s%s", row->command->name, row->command->flags & CMD_ARG ? " ..." : "");
	buf_printf(out, "  %s", keys);
	pad(out, start, KEYS_WIDTH);
	buf_addch(out, ' ');
	start = out->len;
	if (w >= WIDE) {
		buf_printf(out, "%s%s", row->command->name, row->command->flags & CMD_ARG ? " ..." : "");
		pad(out, start, NAME_WIDTH);
		buf_addch(out, ' ');
	}
	snprintf(help, sizeof help, "%s%s", row->command->help != NULL ? row->command->help : row->command->name,
	    is_off ? " (off: read-only)" : "");
	add_wrapped(out, line_start, help, w);
}

static void
section_text(const struct keymap *km, const struct panel_ops *panel, bool is_read_only, int w, struct buf *out)
{
	size_t start;

	if (out->len > 0)
		buf_addch(out, '\n');
	start = out->len;
	if (panel == NULL) {
		buf_addstr(out, "Everywhere\n");
	} else {
		buf_printf(out, "%s: ", panel->title != NULL ? panel->title : panel->name);
		add_wrapped(out, start, panel->help != NULL ? panel->help : "", w);
	}
	for (size_t i = 0; i < keymap_n(km); i++) {
		const struct keymap_row *row = keymap_row(km, i);

		if (row->panel == panel && !(row->command->flags & CMD_HIDDEN))
			row_text(km, row, is_read_only, w, out);
	}
}

void
help_text(const struct keymap *km, const struct panel_ops *focused, bool is_read_only, int w, struct buf *out)
{
	const struct panel_ops *last = NULL;

	if (focused != NULL)
		section_text(km, focused, is_read_only, w, out);
	section_text(km, NULL, is_read_only, w, out);
	for (size_t i = 0; i < keymap_n(km); i++) {
		const struct panel_ops *panel = keymap_row(km, i)->panel;

		/* Dialogs show their own keys while they are open. */
		if (panel == NULL || panel == last || panel == focused || panel->flags & PANEL_DIALOG)
			continue;
		section_text(km, panel, is_read_only, w, out);
		last = panel;
	}
}
