/* A line for a note: written to the audit log, beside what was done. The last few stand below it. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "panels.h"
#include "parts.h"
#include "ui/key.h"
#include "ui/widget.h"

enum { FIELD_X = 7, LAST_Y = 4 };

struct form {
	struct editor text;
	bool is_refused;		/* Enter was pressed, and told why not */
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
	if (op != NULL && op->text != NULL)
		editor_set(&state_of(p)->text, op->text);
	return 0;
}

/* It may be about the past too, and from a console that may change nothing else: it is evidence, and acts on nothing. */
static bool
is_empty(const struct form *s)
{
	return strspn(s->text.text, " ") == s->text.len;
}

static bool
form_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct form *s = state_of(p);

	(void)v;
	/* A paste goes into the field whole: a newline in it sends nothing. */
	if (s->text.is_pasting || key == KEY_PASTE_BEGIN || key == KEY_PASTE_END) {
		editor_key(&s->text, key);
		return true;
	}
	switch (key) {
	case KEY_ENTER_:
		s->is_refused = is_empty(s);
		if (!s->is_refused)
			*ret_op = op_text(OP_NOTE, "%s", s->text.text);
		return true;
	case KEY_ESC: case KEY_CTRL | 'c':
		*ret_op = op_new(OP_CLOSE);
		return true;
	default:
		if (editor_key(&s->text, key))
			s->is_refused = false;
		return true;
	}
}

static void
draw_last(struct canvas *c, const struct view *v)
{
	char when[CLOCK_TEXT_MAX];
	int64_t at_ns;

	for (size_t i = 0; i < model_notes(v->live) && LAST_Y + (int)i < c->h; i++) {
		const struct note *note = model_note(v->live, i, &at_ns);
		int x = canvas_text(c, 1, LAST_Y + (int)i, ROLE_DIM, part_when(v, at_ns, when));

		x = canvas_text_w(c, x + 1, LAST_Y + (int)i, 16, ROLE_DIM, note->by, false);
		canvas_text_w(c, x + 2, LAST_Y + (int)i, c->w - x - 3, ROLE_TEXT, note->text, false);
	}
}

static void
form_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct form *s = state_of(p);

	canvas_text(c, 1, 0, ROLE_STRONG, "note");
	editor_draw(c, FIELD_X, 0, c->w - FIELD_X - 2, &s->text, true);
	if (s->is_refused)
		canvas_text_w(c, FIELD_X, 1, c->w - FIELD_X - 1, ROLE_ERROR, "A note needs words.", false);
	else
		canvas_text_w(c, FIELD_X, 1, c->w - FIELD_X - 1, ROLE_DIM, "Enter writes it to the audit log, Esc leaves", false);
	if (v->live == NULL || model_notes(v->live) == 0)
		return;
	part_heading(c, LAST_Y - 1, "Notes", "newest first");
	draw_last(c, v);
}

static void
form_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct incident *i = v->live != NULL ? model_incident(v->live) : NULL;
	char id[96];

	(void)p;
	if (i != NULL)
		snprintf(buf, size, "INC %s", str_escape_to(id, sizeof id, i->id));
	else
		snprintf(buf, size, "no incident is open");
}

static const struct command no_commands[] = { { 0 } };

const struct panel_ops panel_note_form = {
	.name = "note-form",
	.title = "Note",
	.help = "A line for the audit log: what was seen, thought, decided.",
	.flags = PANEL_DIALOG | PANEL_LOW,
	.state_size = sizeof(struct form),
	.watches = MODEL_INCIDENT,
	.commands = no_commands,
	.open = form_open,
	.draw = form_draw,
	.key = form_key,
	.summary = form_summary,
};
