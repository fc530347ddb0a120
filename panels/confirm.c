/*
 * Confirm: shows what an act would do and waits for y. Enter alone never confirms; Esc, n or q leave. While the lines do not fit,
 * they scroll, and y counts only when the last one has been seen. Lines that are wider than the dialog go on in further rows.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "panels.h"
#include "parts.h"
#include "ui/key.h"

/* FIELD_W: columns of "matching  " and its like. ESCAPED_MAX: bytes that one may become. */
enum { FIELD_W = 10, ESCAPED_MAX = 12, ROWS_MAX = 1 << 16 };

struct confirm {
	struct op *op;			/* a copy: what is asked about */
	int n_rows, top, page;		/* rows of the screen: a line may take several */
	bool is_seen;			/* down to the last row */
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
	op->until_ns = from->until_ns;
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
	return 0;
}

/*
 * Bytes at the begin of a line that further rows stay to the right of: "matching  ", or a few characters, so that no text from
 * outside can begin a row that looks like a line of ours.
 */
static size_t
line_indent(const char *line)
{
	size_t n = strspn(line, " "), most = n + 4;

	if (n >= FIELD_W || (strlen(line) > FIELD_W && strncmp(line + FIELD_W - 2, "  ", 2) == 0))
		most = FIELD_W;
	for (n = 0; n < most && line[n] >= ' ' && line[n] <= '~'; n++)
		continue;
	return n;
}

/* Returns rows used. */
static int
draw_line(struct canvas *c, int y, enum role role, const char *text)
{
	int w = c->w - 2, rows = 1, indent;
	char *line, *begin;
	struct buf b;

	buf_init(&b, ESCAPED_MAX * strlen(text) + 1);
	str_escape(&b, text, strlen(text));
	line = buf_take(&b, NULL);
	indent = (int)line_indent(line);
	if ((int)str_width(line) <= w || w < 2 * indent) {
		rows = canvas_wrap(c, 1, y, w, ROWS_MAX, role, line);
	} else {
		begin = xstrndup(line, (size_t)indent);
		canvas_text(c, 1, y, role, begin);
		rows = canvas_wrap(c, 1 + indent, y, w - indent, ROWS_MAX, role, line + indent);
		free(begin);
	}
	free(line);
	buf_done(&b);
	return rows > 0 ? rows : 1;
}

/* All lines from row y on; returns the row behind them. */
static int
draw_lines(struct canvas *c, int y, const struct op *op)
{
	for (size_t i = 0; op->confirm != NULL && op->confirm[i] != NULL; i++)
		y += draw_line(c, y, i == 0 ? ROLE_STRONG : ROLE_TEXT, op->confirm[i]);
	return y;
}

static void
confirm_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct confirm *s = state_of(p);
	struct pen_measure m;
	struct pen *pen = pen_measure(&m, w);

	(void)v;
	pen->y = draw_lines(pen->c, 0, s->op);
	s->n_rows = pen_measure_done(&m);
	s->page = h - 2 < 1 ? 1 : h - 2;
	if (s->top > s->n_rows - s->page)
		s->top = s->n_rows - s->page;
	if (s->top < 0)
		s->top = 0;
	s->is_seen |= s->top + s->page >= s->n_rows;
}

static void
confirm_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct confirm *s = state_of(p);
	struct canvas page = canvas_sub(c, 0, 0, c->w, s->page);
	int x, y = c->h - 1;

	draw_lines(&page, -s->top, s->op);
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
