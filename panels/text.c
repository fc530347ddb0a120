/* Text: lines to read, such as the help or what the message line said. op's text is the title, its confirm lines are the lines. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "panels.h"
#include "ui/key.h"

struct text {
	char *title;
	char **lines;
	int n, top, page;
};

static struct text *
state_of(const struct panel *p)
{
	return p->state;
}

static int
text_open(struct panel *p, const struct view *v, const struct op *op)
{
	struct text *s = state_of(p);

	(void)v;
	if (op == NULL)
		return -1;
	s->title = xstrdup(op->text != NULL ? op->text : "");
	while (op->confirm != NULL && op->confirm[s->n] != NULL)
		s->n++;
	s->lines = xcalloc((size_t)s->n, sizeof *s->lines);
	for (int i = 0; i < s->n; i++)
		s->lines[i] = xstrdup(op->confirm[i]);
	/* What was said last is what one looks for. */
	s->top = op->kind == OP_MESSAGES ? s->n : 0;
	return 0;
}

static void
text_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct text *s = state_of(p);

	(void)v;
	(void)w;
	s->page = h < 1 ? 1 : h;
	s->top = s->top > s->n - s->page ? s->n - s->page : s->top;
	s->top = s->top < 0 ? 0 : s->top;
}

static void
text_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct text *s = state_of(p);

	(void)v;
	if (s->n == 0)
		canvas_text(c, 1, 0, ROLE_DIM, "Nothing yet.");
	for (int i = 0; i < s->page && s->top + i < s->n; i++)
		canvas_text_w(c, 1, i, c->w - 2, ROLE_TEXT, s->lines[s->top + i], false);
}

static bool
text_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct text *s = state_of(p);

	(void)v;
	switch (key) {
	case 'j': case KEY_DOWN_: s->top++; break;
	case 'k': case KEY_UP_: s->top--; break;
	case ' ': case KEY_PGDN: s->top += s->page; break;
	case 'b': case KEY_PGUP: s->top -= s->page; break;
	case 'g': case KEY_HOME_: s->top = 0; break;
	case 'G': case KEY_END_: s->top = s->n; break;
	case 'q': case '?': case KEY_ESC: case KEY_ENTER_: case KEY_CTRL | 'c': *ret_op = op_new(OP_CLOSE); break;
	default: break;
	}
	return true;
}

static void
text_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct text *s = state_of(p);
	int last = s->top + s->page < s->n ? s->top + s->page : s->n;

	(void)v;
	if (s->n > s->page)
		snprintf(buf, size, "%s  %d-%d of %d   Space more, q close", s->title, s->top + 1, last, s->n);
	else
		snprintf(buf, size, "%s   q close", s->title);
}

static void
text_close(struct panel *p)
{
	struct text *s = state_of(p);

	for (int i = 0; s->lines != NULL && i < s->n; i++)
		free(s->lines[i]);
	free(s->lines);
	free(s->title);
}

static const struct command no_commands[] = { { 0 } };

const struct panel_ops panel_text = {
	.name = "text",
	.title = "Read",
	.help = "Lines to read.",
	.flags = PANEL_DIALOG,
	.state_size = sizeof(struct text),
	.commands = no_commands,
	.open = text_open,
	.arrange = text_arrange,
	.draw = text_draw,
	.key = text_key,
	.summary = text_summary,
	.close = text_close,
};
