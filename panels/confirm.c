/*
 * Confirm: shows what an act would do and waits for y. Enter alone never confirms; Esc, n or q leave. While the lines do not fit,
 * they scroll, and y counts only when the last one has been seen.
 */
#include "config.h"

#include <stdio.h>

#include "base/xalloc.h"
#include "panels.h"
#include "ui/key.h"

struct confirm {
	struct op *op;			/* a copy: what is asked about */
	int n, top, page;
	bool is_seen;			/* down to the last line */
	bool is_enter_pressed;
};

static struct confirm *
state_of(const struct panel *p)
{
	return p->state;
}

static struct op *
op_copy(const struct op *from)
{
	struct op *op = op_new(from->kind);

	op->text = xstrdup_or_null(from->text);
	op->arg = xstrdup_or_null(from->arg);
	op->number = from->number;
	op->source = xstrdup_or_null(from->source);
	if (from->silence != NULL)
		op->silence = silence_block_new(&from->silence->silence);
	for (size_t i = 0; from->confirm != NULL && from->confirm[i] != NULL; i++)
		op_confirm_line(op, "%s", from->confirm[i]);
	return op;
}

static int
confirm_open(struct panel *p, const struct view *v, const struct op *op)
{
	struct confirm *s = state_of(p);

	(void)v;
	if (op == NULL || !op_writes(op))
		return -1;
	s->op = op_copy(op);
	while (s->op->confirm != NULL && s->op->confirm[s->n] != NULL)
		s->n++;
	return 0;
}

static void
confirm_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct confirm *s = state_of(p);

	(void)v;
	(void)w;
	s->page = h - 2 < 1 ? 1 : h - 2;
	if (s->top > s->n - s->page)
		s->top = s->n - s->page;
	if (s->top < 0)
		s->top = 0;
	s->is_seen |= s->top + s->page >= s->n;
}

static void
confirm_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct confirm *s = state_of(p);
	int x, y = c->h - 1;

	for (int i = 0; i < s->page && s->top + i < s->n; i++)
		canvas_text_w(c, 1, i, c->w - 2, s->top + i == 0 ? ROLE_STRONG : ROLE_TEXT, s->op->confirm[s->top + i], false);
	if (v->is_read_only || !v->range.is_live) {
		canvas_text_w(c, 1, y, c->w - 2, ROLE_ERROR, v->is_read_only ? "read-only: this cannot be done    Esc leave" :
		    "the past is shown: this cannot be done    Esc leave", false);
		return;
	}
	if (!s->is_seen) {
		canvas_text_w(c, 1, y, c->w - 2, ROLE_KEY, "j more to read below    Esc leave", false);
		return;
	}
	x = canvas_text(c, 1, y, s->is_enter_pressed ? ROLE_WARNING : ROLE_KEY, "y");
	x = canvas_text(c, x + 1, y, ROLE_TEXT, s->is_enter_pressed ? "does it; Enter does not" : "do it");
	x = canvas_text(c, x + 4, y, ROLE_KEY, "n");
	canvas_text(c, x + 1, y, ROLE_TEXT, "leave it");
}

/* Every key ends here: nothing else may happen while the question stands. */
static bool
confirm_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct confirm *s = state_of(p);

	switch (key) {
	case 'y':
		if (!s->is_seen || v->is_read_only || !v->range.is_live)
			break;
		*ret_op = op_copy(s->op);
		(*ret_op)->is_confirmed = true;
		break;
	case 'n': case 'q': case KEY_ESC: case KEY_CTRL | 'c':
		*ret_op = op_new(OP_CLOSE);
		break;
	case KEY_ENTER_:
		s->is_enter_pressed = true;
		break;
	case 'j': case KEY_DOWN_:
		s->top++;
		break;
	case 'k': case KEY_UP_:
		s->top--;
		break;
	case KEY_PGDN: case ' ':
		s->top += s->page;
		break;
	case KEY_PGUP:
		s->top -= s->page;
		break;
	default:
		break;
	}
	return true;
}

static void
confirm_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct environment *e = v->live != NULL ? model_environment(v->live) : NULL;

	(void)p;
	snprintf(buf, size, "%s%s", e != NULL ? e->name : "", e != NULL && e->is_protected ? " (protected)" : "");
}

static void
confirm_close(struct panel *p)
{
	op_free(state_of(p)->op);
}

static const struct command no_commands[] = { { 0 } };

const struct panel_ops panel_confirm = {
	.name = "confirm",
	.title = "Confirm",
	.help = "Shows what an act would do; y does it, n leaves.",
	.flags = PANEL_DIALOG,
	.state_size = sizeof(struct confirm),
	.commands = no_commands,
	.open = confirm_open,
	.arrange = confirm_arrange,
	.draw = confirm_draw,
	.key = confirm_key,
	.summary = confirm_summary,
	.close = confirm_close,
};
