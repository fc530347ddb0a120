/* What commands asked for, carried out; what changes the world passes policy and a question first. */
#include "config.h"

#include "console_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "anchors.h"
#include "audit_show.h"
#include "flight.h"
#include "runs.h"
#include "slos.h"
#include "trail.h"
#include "ui/help.h"

enum { READABLE_H = 14 };

/* --- ops ------------------------------------------------------------------------------------------------------------ */

void
console_close_dialog(struct console *c)
{
	if (c->n_dialogs == 0)
		return;
	panel_free(c->dialogs[--c->n_dialogs]);
	c->is_dirty = true;
}

/* Type-ahead was meant for what was on the screen before. */
static void
open_dialog(struct console *c, const char *name, const struct op *op)
{
	struct view v = console_view(c, true);
	struct panel *p;

	if (c->n_dialogs == DIALOGS_MAX)
		return;
	p = panel_new(panel_find(name), &v, op);
	if (p == NULL)
		return;
	term_discard(c->term);
	c->dialogs[c->n_dialogs++] = p;
	c->is_dirty = true;
}

/* A scrollable text; its lines travel as an op's. */
static void
open_text(struct console *c, enum op_kind kind, const char *title, const char *text)
{
	struct op *op = op_text(kind, "%s", title);

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		op_confirm_line(op, "%.*s", (int)len, text);
		text += len + (text[len] == '\n');
	}
	open_dialog(c, "text", op);
	op_free(op);
}

/* Every command that can be typed with this focus, what each does beside it. */
void
console_list_commands(struct console *c)
{
	const struct panel_ops *panel = panels[c->focus];
	struct buf text;

	buf_init(&text, TEXT_MAX);
	for (size_t i = 0; i < keymap_n(c->keymap); i++) {
		const struct keymap_row *row = keymap_row(c->keymap, i);

		if ((row->panel == NULL || row->panel == panel) && !(row->command->flags & CMD_HIDDEN))
			buf_printf(&text, "%-16s %s\n", row->command->name, row->command->help);
	}
	open_text(c, OP_HELP, "Commands that : takes here", text.data);
	buf_done(&text);
}

static void
open_help(struct console *c)
{
	struct view v = console_view(c, true);
	int w = grid_width(c->grid) - 8;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	help_text(c->keymap, panels[c->focus], v.is_read_only, w < HELP_WIDTH ? w : HELP_WIDTH, &text);
	open_text(c, OP_HELP, "Keys", text.data);
	buf_done(&text);
}

static void
open_messages(struct console *c)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	for (int i = 0; i < c->n_messages; i++)
		buf_printf(&text, "%s\n", c->messages[i]);
	open_text(c, OP_MESSAGES, "Messages", c->n_messages > 0 ? text.data : "nothing was said yet");
	buf_done(&text);
}

/* What one is led to is to be read, which a panel of a few rows is too small for. */
static bool
is_cramped(struct console *c, int index)
{
	struct place places[PLACES_MAX];
	int n = layout_place(c->layout, grid_width(c->grid), grid_height(c->grid) - 1 - console_bottom_rows(c), places, PLACES_MAX);

	for (int i = 0; i < n; i++)
		if (strcmp(places[i].panel, panels[index]->name) == 0)
			return places[i].h < READABLE_H;
	return false;
}

void
console_filter(struct console *c, const char *text)
{
	struct panel *p = console_panel(c, c->focus);
	char *copy = *text != '\0' ? xstrdup(text) : NULL;

	free(c->filters[c->focus]);
	c->filters[c->focus] = copy;
	p->ops->filter(p, text);
	if (p->ops->filtered != NULL)
		console_carry_out(c, p->ops->filtered(p));
}

void
console_show_panel(struct console *c, const struct op *op)
{
	int index = op->text == NULL ? -1 : console_index_of(op->text);
	struct view v = console_view(c, true);
	struct panel *p;

	if (index < 0)
		return;
	if (index != c->focus) {
		c->is_zoomed = op->arg != NULL && is_cramped(c, index);
		/* Led to something in another panel, Esc leads back; a digit goes where one wants to be. */
		c->came_from = op->arg != NULL && c->came_from != index + 1 ? c->focus + 1 : 0;
	}
	c->focus = index;
	p = console_panel(c, index);
	if (op->arg != NULL && p->ops->show != NULL)
		p->ops->show(p, &v, op->arg);
	if (p->ops->filtered != NULL)
		console_carry_out(c, p->ops->filtered(p));
	c->is_dirty = true;
}

static void
move_focus(struct console *c, int by)
{
	int at = 0;

	for (int i = 0; i < c->n_places; i++)
		if (strcmp(c->places[i].panel, panels[c->focus]->name) == 0)
			at = i;
	if (c->n_places > 1) {
		c->focus = console_index_of(c->places[(at + by + c->n_places) % c->n_places].panel);
	} else {
		do
			c->focus = (c->focus + by + console_n_panels()) % console_n_panels();
		while (panels[c->focus]->flags & PANEL_DIALOG);
	}
	c->is_dirty = true;
}

static void
go_back(struct console *c)
{
	if (c->filters[c->focus] != NULL && *c->filters[c->focus] != '\0') {
		console_filter(c, "");
	} else if (c->came_from > 0) {
		c->focus = c->came_from - 1;
		c->came_from = 0;
		c->is_zoomed = false;
	} else if (c->is_zoomed)
		c->is_zoomed = false;
	else if (c->app->replay == NULL && !c->app->range.is_live)
		app_range_live(c->app);
	else
		c->focus = console_index_of(c->n_places > 0 ? c->places[0].panel : panels[0]->name);
}

/* given: what stands in it already; NULL nothing, or the filter as it is. */
static void
open_line(struct console *c, enum line_mode mode, const char *given)
{
	c->line_mode = mode;
	editor_set(&c->line, given != NULL ? given : mode == LINE_FILTER && c->filters[c->focus] != NULL ? c->filters[c->focus] : "");
}

static void
close_dialogs(struct console *c)
{
	while (c->n_dialogs > 0)
		console_close_dialog(c);
}

static void
show_run(struct console *c, const char *run)
{
	struct op *show = op_text(OP_PANEL, "run");

	show->arg = xstrdup(run);
	console_show_panel(c, show);
	op_free(show);
}

static bool
is_about_run(const struct op *op)
{
	return op->kind >= OP_RUN_PLAN && op->kind <= OP_RUN_DROP && op->kind != OP_RUN_FORM;
}

/* A form stays open when what it asks for is refused. */
static void
carry_out_run(struct console *c, const struct op *op)
{
	struct err err = ERR_INIT;
	const char *run = NULL;

	if (runs_op(c->app->runs, op, &run, &err) < 0) {
		console_say(c, true, err.msg);
		return;
	}
	close_dialogs(c);
	if (op->kind == OP_RUN_GO && op->arg == NULL)
		console_be_deaf(c);
	if (run != NULL && op->kind != OP_RUN_DROP)
		show_run(c, run);
}

static void
on_recorded(uint64_t seq, const struct err *err, void *arg)
{
	struct console *c = arg;
	char text[64];

	snprintf(text, sizeof text, "recorded, audit %llu", (unsigned long long)seq);
	console_say(c, err != NULL, err != NULL ? err->msg : text);
}

static void
carry_out_record(struct console *c, const struct op *op)
{
	struct trail *t = c->app->trail;
	struct err err = ERR_INIT;
	int r;

	if (op->kind == OP_NOTE)
		r = trail_note(t, op->text, on_recorded, c, &err);
	else if (op->kind == OP_INCIDENT_OPEN)
		r = trail_incident_open(t, op->text, op->arg, on_recorded, c, &err);
	else
		r = trail_incident_close(t, NULL, op->arg, on_recorded, c, &err);
	if (r < 0)
		console_say(c, true, err.msg);
	else
		close_dialogs(c);
}

static bool
is_record(const struct op *op)
{
	return op->kind == OP_NOTE || op->kind == OP_INCIDENT_OPEN || op->kind == OP_INCIDENT_CLOSE;
}

/* An act on the world: policy, then the question, then whoever carries it out. */
static void
carry_out_write(struct console *c, struct op *op)
{
	struct view v = console_view(c, true);
	struct err err = ERR_INIT;

	if (is_record(op)) {	/* about the past too, and from a console that may change nothing else */
		carry_out_record(c, op);
		return;
	} else if (v.is_read_only) {
		console_say(c, true, c->app->conf->is_policy_broken ? "read-only: the config has mistakes (:messages lists them)" :
		    "read-only: nothing that changes the world runs");
	} else if (!v.range.is_live) {
		console_say(c, true, "the past is shown: go live (=) before changing anything");
	} else if (op->confirm != NULL && !op->is_confirmed) {
		open_dialog(c, "confirm", op);
		return;
	} else if (op->kind == OP_SLO_EXCLUDE || op->kind == OP_SLO_INCLUDE) {
		slos_correct(c->app->slos, op);
		close_dialogs(c);
		return;
	} else if (is_about_run(op)) {
		carry_out_run(c, op);
		return;
	} else if (operate_run(c->operate, op, &err) < 0) {
		console_say(c, true, err.msg);
	} else {
		close_dialogs(c);	/* the question, and the form it came from */
		return;
	}
	console_close_dialog(c);	/* the question only: what was typed into a form stays */
}

static void
carry_out_query(struct console *c, const struct op *op)
{
	bool is_slo = op->kind == OP_SLO_GRAPH;
	struct err err = ERR_INIT;
	const char *id = is_slo ? app_query_slo(c->app, op->text, &err) : app_query(c->app, op->text, op->arg);
	struct op *show;

	if (id == NULL) {
		console_say(c, true, is_slo ? err.msg : "no source of metrics in this environment: nothing to ask");
		return;
	}
	show = op_text(OP_PANEL, "metrics");
	show->arg = xstrdup(id);
	console_show_panel(c, show);
	op_free(show);
}

/* What runs is not left alone without a word. */
static void
quit(struct console *c)
{
	if (runs_acting(c->app->runs) > 0 && !c->is_leaving) {
		c->is_leaving = true;
		console_say(c, true, "a run is under way: x stops it; q again leaves when its batch is done");
		return;
	}
	c->is_ending = true;
	c->end_status = EXIT_SUCCESS;
	if (!runs_detach(c->app->runs))
		loop_stop(c->app->loop, c->end_status);
	else
		console_say(c, false, "leaving when the batch under way is done");
}

static void
refresh(struct console *c)
{
	sources_refresh(c->app->sources);
	runs_refresh(c->app->runs);
	console_say(c, false, "asking every source again, and reading the runbooks again");
}

/* "recording since 02:14:05Z, 4.2 MiB (6.1 MiB an hour), kept: an incident, a page or a run is why" */
static void
say_recording(struct console *c)
{
	struct recorder_state s;
	char since[CLOCK_TEXT_MAX], text[900];

	if (c->app->flight == NULL) {
		console_say(c, true, "nothing is recorded: record: keep is 0s in the config, or the folder cannot be written (:messages)");
		return;
	}
	flight_state(c->app->flight, &s);
	if (s.since_ns == 0)
		snprintf(text, sizeof text, "nothing is recorded yet");
	else
		snprintf(text, sizeof text, "recorded since %s, %.1f MiB, %.1f MiB an hour, %s: %s", clock_format(since, s.since_ns, 0), (double)s.bytes / (1 << 20),
		    s.bytes_per_hour / (1 << 20), s.is_broken ? "stopped" : s.is_pinned ? "kept" : "not kept: no incident, page or run", s.path);
	console_say(c, s.is_broken, text);
}

/* Takes op. */
void
console_carry_out(struct console *c, struct op *op)
{
	if (op == NULL)
		return;
	c->is_dirty = true;
	if (console_replay_op(c, op)) {
		op_free(op);
		return;
	}
	if (op_writes(op) || is_record(op)) {
		carry_out_write(c, op);
		op_free(op);
		return;
	}
	if (is_about_run(op)) {	/* plans only read, and stopping is always allowed */
		carry_out_run(c, op);
		op_free(op);
		return;
	}
	if (console_is_about_logs(op)) {
		console_logs(c, op);
		op_free(op);
		return;
	}
	switch (op->kind) {
	case OP_MESSAGE: console_say(c, false, op->text); break;
	case OP_ERROR: console_say(c, true, op->text); break;
	case OP_PANEL: console_show_panel(c, op); break;
	case OP_TIME_STEP: app_range_step(c->app, (int)op->number); break;
	case OP_TIME_JUMP: app_range_jump(c->app, op->number); break;
	case OP_TIME_LIVE: app_range_live(c->app); break;
	case OP_TIME_SPAN: app_range_span(c->app, op->number); break;
	case OP_QUERY:
	case OP_SLO_GRAPH: carry_out_query(c, op); break;
	case OP_REFRESH: refresh(c); break;
	case OP_QUIT: quit(c); break;
	case OP_RUNBOOK_FORM: open_dialog(c, "runbook-form", op); break;
	case OP_RUN_FORM: open_dialog(c, "run-confirm", op); break;
	case OP_NOTE_FORM: open_dialog(c, "note-form", op); break;
	case OP_PASSPHRASE_FORM: open_dialog(c, "passphrase-form", op); break;
	case OP_PASSPHRASE:
		runs_passphrase(c->app->runs, op->text, op->arg);
		console_close_dialog(c);
		break;
	case OP_SILENCE_FORM: open_dialog(c, "silence-form", op); break;
	case OP_SLO_FORM: open_dialog(c, "slo-form", op); break;
	case OP_CLOSE: console_close_dialog(c); break;
	case OP_FOCUS: move_focus(c, (int)op->number); break;
	case OP_ZOOM: c->is_zoomed = !c->is_zoomed; break;
	case OP_BACK: go_back(c); break;
	case OP_HELP: open_help(c); break;
	case OP_MESSAGES: open_messages(c); break;
	case OP_COMMAND_LINE: open_line(c, LINE_COMMAND, op->text); break;
	case OP_FILTER_LINE: open_line(c, LINE_FILTER, NULL); break;
	case OP_AUDIT_WINDOW: audit_show_window(c->app->audit_show, op->number < 0 ? UINT64_MAX : (uint64_t)op->number, op->text != NULL ? op->text : ""); break;
	case OP_RECORDING: say_recording(c); break;
	case OP_AUDIT_VERIFY: audit_show_verify(c->app->audit_show); break;
	case OP_AUDIT_CHECKPOINT: anchors_checkpoint(c->app->anchors); break;
	case OP_REDRAW: term_redraw_all(c->term); break;
	case OP_SUSPEND: term_suspend(c->term); break;
	default: break;
	}
	op_free(op);
}
