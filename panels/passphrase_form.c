/* The passphrase of a key file, typed unseen; it goes to our own ssh-agent and nowhere else. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "panels.h"
#include "ui/key.h"
#include "ui/widget.h"

enum { FIELD_X = 12, PATH_MAX_SHOWN = 400 };

struct form {
	struct editor text;
	char path[PATH_MAX_SHOWN];
};

static struct form *
state_of(const struct panel *p)
{
	return p->state;
}

static int
form_open(struct panel *p, const struct view *v, const struct op *op)
{
	(void)v;
	if (op == NULL || op->text == NULL || strlen(op->text) >= PATH_MAX_SHOWN)
		return ERR_INVALID;
	snprintf(state_of(p)->path, PATH_MAX_SHOWN, "%s", op->text);
	return 0;
}

/* arg NULL: none is given, and the key is not used. */
static struct op *
answer(struct form *s, bool is_given)
{
	struct op *op = op_text(OP_PASSPHRASE, "%s", s->path);

	if (is_given)
		op->arg = xstrdup(s->text.text);
	explicit_bzero(s->text.text, sizeof s->text.text);
	s->text.len = s->text.at = 0;
	return op;
}

static bool
form_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct form *s = state_of(p);

	(void)v;
	if (s->text.is_pasting || key == KEY_PASTE_BEGIN || key == KEY_PASTE_END) {
		editor_key(&s->text, key);
		return true;
	}
	switch (key) {
	case KEY_ENTER_:
		if (s->text.len > 0)
			*ret_op = answer(s, true);
		return true;
	case KEY_ESC: case KEY_CTRL | 'c':
		*ret_op = answer(s, false);
		return true;
	default:
		editor_key(&s->text, key);
		return true;
	}
}

static void
form_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct form *s = state_of(p);
	struct editor dots = { 0 };
	char shown[PATH_MAX_SHOWN * 2];

	(void)v;
	canvas_text_w(c, 1, 0, c->w - 2, ROLE_TEXT, str_escape_to(shown, sizeof shown, s->path), false);
	memset(dots.text, '*', s->text.len);
	dots.len = dots.at = s->text.len;
	canvas_text(c, 1, 2, ROLE_STRONG, "passphrase");
	editor_draw(c, FIELD_X, 2, c->w - FIELD_X - 2, &dots, true);
	canvas_text_w(c, FIELD_X, 3, c->w - FIELD_X - 1, ROLE_DIM, "Enter hands it to our own ssh-agent, Esc goes on without this key", false);
}

static void
form_close(struct panel *p)
{
	explicit_bzero(state_of(p), sizeof(struct form));
}

static const struct command no_commands[] = { { 0 } };

const struct panel_ops panel_passphrase_form = {
	.name = "passphrase-form",
	.title = "Key file",
	.help = "The passphrase of a key file that a host wants.",
	.flags = PANEL_DIALOG | PANEL_LOW,
	.state_size = sizeof(struct form),
	.commands = no_commands,
	.open = form_open,
	.draw = form_draw,
	.key = form_key,
	.close = form_close,
};
