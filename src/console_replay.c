/* What is different in a replay: keys of a player before those of the panels, nothing that asks or acts; and what a live console tells the recorder of where the operator looks. */
#include "config.h"

#include "console_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "replay.h"

/* --- commands --------------------------------------------------------------------------------------------------------------- */

static struct op *
numbered(enum op_kind kind, int64_t number)
{
	struct op *op = op_new(kind);

	op->number = number;
	return op;
}

#define REPLAY(name, expr)							\
	static struct op *							\
	replay_##name(struct panel *p, const struct view *v, const char *arg)	\
	{									\
		(void)p;							\
		(void)v;							\
		(void)arg;							\
		return expr;							\
	}
REPLAY(pause, op_new(OP_REPLAY_PAUSE))
REPLAY(faster, numbered(OP_REPLAY_SPEED, 1))
REPLAY(slower, numbered(OP_REPLAY_SPEED, -1))
REPLAY(skip, op_new(OP_REPLAY_SKIP))
REPLAY(operator, op_new(OP_REPLAY_OPERATOR))

/* ":next note": the next of a kind. */
static struct op *
mark(const char *kind, int64_t by)
{
	struct op *op = numbered(OP_REPLAY_MARK, by);

	op->text = kind != NULL ? xstrdup(kind) : NULL;
	return op;
}
REPLAY(next, mark(arg, 1))
REPLAY(previous, mark(arg, -1))
REPLAY(seek_to, arg != NULL ? op_text(OP_REPLAY_SEEK, "%s", arg) : op_text(OP_COMMAND_LINE, "seek "))

static const struct command player_commands[] = {
	{ "pause", "Space", CMD_FIRST, replay_pause, "pause, or go on" },
	{ "faster", ">", CMD_FIRST, replay_faster, "twice as fast" },
	{ "slower", "<", CMD_FIRST, replay_slower, "half as fast" },
	{ "next", "n", CMD_FIRST | CMD_ARG, replay_next, "to the next thing that happened; :next note, :next alert, :next run ..." },
	{ "previous", "p", CMD_FIRST | CMD_ARG, replay_previous, "to the one before" },
	{ "seek", "g", CMD_FIRST | CMD_ARG, replay_seek_to, "to a time, +10m from the beginning, -10m from the end, or a record's number" },
	{ "skip-idle", "i", CMD_FIRST, replay_skip, "pass over stretches in which nothing happens, or no longer" },
	{ "operator", "o", CMD_FIRST, replay_operator, "look where the operator looked then, or no longer" },
};
enum { N_PLAYER = sizeof player_commands / sizeof player_commands[0] };

/* The player's keys are taken from these, and what asks or acts is left out. */
static bool
is_left_out(const struct command *c)
{
	static const char *const names[] = { "note", "incident", "refresh", "query", "leap-back", "leap-forward", "checkpoint", "recording" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(c->name, names[i]) == 0)
			return true;
	return false;
}

const struct command *
console_replay_commands(struct console *c)
{
	size_t n_others = 0, n = N_PLAYER;

	while (console_commands[n_others].name != NULL)
		n_others++;
	c->commands = xcalloc(N_PLAYER + n_others + 1, sizeof *c->commands);
	memcpy(c->commands, player_commands, sizeof player_commands);
	for (size_t i = 0; i < n_others; i++)
		if (!is_left_out(&console_commands[i]))
			c->commands[n++] = console_commands[i];
	return c->commands;
}

/* --- ops ---------------------------------------------------------------------------------------------------------------------- */

/* What only moves about on the screen. */
static bool
is_of_the_screen(const struct op *op)
{
	switch (op->kind) {
	case OP_MESSAGE:
	case OP_ERROR:
	case OP_PANEL:
	case OP_QUIT:
	case OP_CLOSE:
	case OP_FOCUS:
	case OP_ZOOM:
	case OP_BACK:
	case OP_HELP:
	case OP_MESSAGES:
	case OP_COMMAND_LINE:
	case OP_FILTER_LINE:
	case OP_REDRAW:
	case OP_SUSPEND:
	case OP_AUDIT_WINDOW:
	case OP_AUDIT_VERIFY:
	case OP_LOG_FILTER:
		return true;
	default:
		return false;
	}
}

/* What the operator's view chooses by itself, too. */
static bool
is_a_look(const struct op *op)
{
	return op->kind == OP_PANEL || op->kind == OP_FOCUS || op->kind == OP_ZOOM || op->kind == OP_TIME_SPAN;
}

bool
console_replay_op(struct console *c, const struct op *op)
{
	struct err err = ERR_INIT;

	if (c->app->replay != NULL && is_a_look(op) && replay_leave_operator(c->app->replay))
		console_say(c, false, "your own view from here on: o follows the operator's again");
	if (c->app->replay == NULL || is_of_the_screen(op))
		return false;
	if (replay_op(c->app->replay, op, &err) < 0)
		console_say(c, true, err.msg);
	return true;
}

/* --- the operator's focus ------------------------------------------------------------------------------------------------------ */

void
console_replay_focus(struct console *c)
{
	const struct operator_focus *f = replay_focus(c->app->replay);
	int index = f != NULL ? console_index_of(f->panel) : -1;

	if (index < 0 || (panels[index]->flags & PANEL_DIALOG))
		return;
	if (index != c->focus || f->is_zoomed != c->is_zoomed)
		c->is_dirty = true;
	c->focus = index;
	c->is_zoomed = f->is_zoomed;
}

void
console_tell_focus(struct console *c)
{
	const struct timerange *r = &c->app->range;
	int64_t span = r->end_ns - r->start_ns, cursor = r->is_live ? 0 : r->cursor_ns;
	const char *panel = panels[c->focus]->name;
	struct operator_focus *f;
	struct event ev;

	if (str_eq(c->told_panel, panel) && span == c->told_span_ns && cursor == c->told_cursor_ns && c->is_zoomed == c->told_zoomed)
		return;
	free(c->told_panel);
	c->told_panel = xstrdup(panel);
	c->told_span_ns = span;
	c->told_cursor_ns = cursor;
	c->told_zoomed = c->is_zoomed;
	f = block_new(sizeof *f);
	f->panel = arena_strdup(&f->block.arena, panel);
	f->is_zoomed = c->is_zoomed;
	f->is_live = r->is_live;
	f->cursor_ns = cursor;
	f->start_ns = r->start_ns;
	f->end_ns = r->end_ns;
	f->filter = arena_strdup(&f->block.arena, c->filters[c->focus] != NULL ? c->filters[c->focus] : "");
	event_init(&ev, EVENT_FOCUS, clock_now(), "", f);
	app_apply(c->app, &ev);
	event_done(&ev);
}
