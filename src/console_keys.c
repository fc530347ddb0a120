/* Where a key goes: to the command line, else to the dialog on top, else to the panel with the focus, else to the global table. */
#include "config.h"

#include "console_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cmdline.h"
#include "ui/key.h"

/* --- keys ---------------------------------------------------------------------------------------------------------- */

static void
complete(struct console *c)
{
	const char *names[COMPLETIONS_MAX];
	size_t n;

	if (c->completing == NULL) {
		c->completing = xstrdup(c->line.text);
		c->completion = 0;
	}
	if (*c->completing == '\0') {
		c->line_mode = LINE_NONE;	/* the list has the keys */
		console_list_commands(c);
		return;
	}
	n = keymap_complete(c->keymap, panels[c->focus], c->completing, names, COMPLETIONS_MAX);
	if (n > COMPLETIONS_MAX)
		n = COMPLETIONS_MAX;
	/* Round and round, with what was typed as the last stop. */
	editor_set(&c->line, c->completion < n ? names[c->completion] : c->completing);
	c->completion = c->completion < n ? c->completion + 1 : 0;
}

static void
filter_as_typed(struct console *c)
{
	if (panels[c->focus]->filter != NULL)
		console_filter(c, c->line.text);
}

static void
run_line(struct console *c)
{
	struct view v = console_view(c, true);

	c->line_mode = LINE_NONE;
	if (*c->line.text == '\0')
		return;
	free(c->last_command);
	c->last_command = xstrdup(c->line.text);
	console_carry_out(c, cmdline_run(c->keymap, console_panel(c, c->focus), &v, c->line.text));
}

static void
line_key(struct console *c, int key)
{
	/* Nothing of a paste is a command: line ends become blanks in the editor. */
	if (c->is_pasting || key == KEY_PASTE_END) {
		if (editor_key(&c->line, key) && c->line_mode == LINE_FILTER)
			filter_as_typed(c);
		return;
	}
	if (key != KEY_TAB) {
		free(c->completing);
		c->completing = NULL;
		*c->completion_note = '\0';
	}
	if (key == KEY_ESC || key == (KEY_CTRL | 'c')) {
		if (c->line_mode == LINE_FILTER) {
			editor_set(&c->line, "");
			filter_as_typed(c);
		}
		c->line_mode = LINE_NONE;
	} else if (key == KEY_ENTER_ && c->line_mode == LINE_COMMAND) {
		run_line(c);
	} else if (key == KEY_ENTER_) {
		c->line_mode = LINE_NONE;
		if (panels[c->focus]->filter == NULL)
			console_say(c, true, "this panel has nothing to filter; 2 goes to the alerts");
	} else if (key == KEY_TAB && console_completes_logs(c)) {
		console_complete_logs(c);
		if (c->line_mode == LINE_FILTER)
			filter_as_typed(c);
	} else if (key == KEY_TAB && c->line_mode == LINE_COMMAND) {
		complete(c);
	} else if (key == KEY_UP_ && c->line_mode == LINE_COMMAND && c->last_command != NULL) {
		editor_set(&c->line, c->last_command);
	} else if (editor_key(&c->line, key) && c->line_mode == LINE_FILTER) {
		filter_as_typed(c);
	}
}

static void
panel_key(struct console *c, int key)
{
	struct panel *p = console_focused(c);
	struct view v = console_view(c, true);
	const struct keymap_row *row;
	struct op *op = NULL;

	if (p->ops->key != NULL && p->ops->key(p, &v, key, &op)) {
		console_carry_out(c, op);
		return;
	}
	row = keymap_lookup(c->keymap, p->ops, key);
	if (c->n_dialogs > 0) {
		/* A dialog has its own keys; of the others only these. */
		if (key == KEY_ESC || key == 'q' || key == (KEY_CTRL | 'c'))
			console_close_dialog(c);
		else if (row != NULL && row->panel == p->ops)
			console_carry_out(c, row->command->run(p, &v, NULL));
		return;
	}
	if (key == (KEY_CTRL | 'c')) {
		console_say(c, false, "q leaves the console");
		return;
	}
	if (row == NULL)
		return;
	if ((row->command->flags & CMD_WRITES) && (v.is_read_only || !v.range.is_live)) {
		console_say(c, true, v.is_read_only ? "read-only: nothing that changes the world runs" :
		    "the past is shown: go live (=) before changing anything");
		return;
	}
	console_carry_out(c, row->command->run(p, &v, NULL));
}

void
console_be_deaf(struct console *c)
{
	c->deaf_until = clock_mono() + DEAF_TIME;
}

/* Who types "yes" has said it with the first letter; the others would be commands of the run panel. Stopping is always allowed. */
static bool
is_rest_of_yes(struct console *c, int key)
{
	if (clock_mono() >= c->deaf_until || key == 'x' || key == (KEY_CTRL | 'c'))
		return false;
	console_be_deaf(c);
	console_say(c, false, "y alone has begun it: keys right behind it are left out, but for x");
	return true;
}

void
console_key(int key, void *arg)
{
	struct console *c = arg;

	c->is_dirty = true;
	if (key == KEY_NONE)
		return;
	if (key == KEY_PASTE_BEGIN || key == KEY_PASTE_END) {
		c->is_pasting = key == KEY_PASTE_BEGIN;
		c->line.is_pasting = c->is_pasting;
	}
	if (c->line_mode != LINE_NONE) {
		line_key(c, key);
		return;
	}
	/* What is pasted outside an input field is not typed: a field may take it, a command never. */
	if (c->is_pasting || key == KEY_PASTE_END) {
		struct panel *p = console_focused(c);
		struct view v = console_view(c, true);
		struct op *op = NULL;

		if (p->ops->key != NULL)
			p->ops->key(p, &v, key, &op);
		op_free(op);
		return;
	}
	if (is_rest_of_yes(c, key))
		return;
	c->message_until = 0;	/* it was read, or is in the way of the keys by now; :messages keeps it */
	panel_key(c, key);
}
