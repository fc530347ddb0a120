/* A stand-in for the console: panels, dialogs and keys as there, but everything that is asked of the app is only written down. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "frame.h"
#include "insight/drain.h"
#include "insight/log_look.h"
#include "panels/panels.h"
#include "panels/parts.h"
#include "scene.h"
#include "ui/key.h"

enum { DIALOGS_MAX = 4, ASKED_MAX = 1 << 16 };

struct stage {
	const struct scene *scene;
	struct model *model;
	const char *feeds_dir;
	bool is_late;			/* the screen is older than the model */
	struct view view;
	struct model *metrics, *nothing;	/* what only metrics tell; a model that was told of nothing */
	struct scene_replay *replay;
	struct panel *panel;
	struct panel *dialogs[DIALOGS_MAX];
	int n_dialogs;
	struct buf asked;
	char *query;			/* the filter over lines of logs */
};

/* --- drawing --------------------------------------------------------------------------------- */

/* As the console does before each key and after the last: keys find what the screen showed. */
static void
draw(struct stage *s, struct grid *g)
{
	struct canvas screen = grid_canvas(g);
	struct view v = s->view;

	int head = s->scene->has_status ? 1 : 0, foot = s->replay != NULL ? 2 : 0;
	struct canvas top = canvas_sub(&screen, 0, 0, screen.w, head), bottom = canvas_sub(&screen, 0, screen.h - foot, screen.w, foot);
	struct canvas rest = canvas_sub(&screen, 0, head, screen.w, screen.h - head - foot);

	v.is_focused = s->view.is_focused && s->n_dialogs == 0;
	if (head > 0)
		frame_status(&top, &v);
	panel_draw(s->panel, &v, &rest, NULL);
	if (foot > 0)
		frame_replay(&bottom, &v);
	for (int i = 0; i < s->n_dialogs; i++)
		panel_draw_dialog(s->dialogs[i], &s->view, &screen);
}

/* --- lines of logs ------------------------------------------------------------------------------- */

static void
apply_block(struct stage *s, enum event_kind kind, void *block)
{
	struct event ev;

	event_init(&ev, kind, s->scene->clock_ns, "", block);
	model_apply(s->model, &ev);
	event_done(&ev);
}

static bool
has_store(const struct model *m)
{
	const struct environment *e = model_environment(m);

	for (size_t i = 0; e != NULL && i < e->n_sources; i++)
		if (str_eq(e->sources[i].type, "loki"))
			return true;
	return false;
}

/* What the app has worked out in the background, here at once; a query that cannot be shows all lines. */
static void
look_at_lines(struct stage *s)
{
	const struct timerange *r = &s->view.range;
	struct log_view_ask ask = { .query = s->query != NULL ? s->query : "", .error = "", .start_ns = r->start_ns, .end_ns = r->end_ns,
		.step_ns = 15 * NS_PER_S, .now_ns = s->scene->clock_ns };
	struct log_filter *filter = NULL;
	struct err err = ERR_INIT;

	if (model_log_totals(s->model)->n == 0 && !has_store(s->model))
		return;
	if (log_filter_new(ask.query, &filter, &err) < 0)
		ask.error = err.msg;
	apply_block(s, EVENT_LOG_VIEW, log_look_now(s->model, filter, &ask));
	log_filter_free(filter);
}

static void
find_patterns(struct stage *s)
{
	const struct timerange *r = &s->view.range;
	struct drain *d = drain_new(&(struct drain_options){ 0 });
	struct log_ref line;
	const char *what;

	for (size_t i = 0; i < model_n_log_segments(s->model); i++) {
		const struct log_segment *segment = model_log_segment(s->model, i);

		for (size_t k = 0; k < log_segment_n(segment); k++) {
			log_segment_line(segment, k, &line);
			drain_add(d, &line);
		}
	}
	apply_block(s, EVENT_LOG_PATTERNS, drain_patterns(d, r->start_ns, r->end_ns, log_anchor(s->model, r->start_ns, r->end_ns, &what), 500));
	drain_free(d);
}

static void
do_logs(struct stage *s, const struct op *op)
{
	static const char *const verbs[] = { [OP_LOG_SEARCH] = "search", [OP_LOG_OLDER] = "older lines", [OP_LOG_ALERT] = "lines of",
		[OP_LOG_SAVE] = "save" };

	if (op->kind == OP_LOG_FILTER) {
		free(s->query);
		s->query = xstrdup(op->text);
		look_at_lines(s);
	} else if (op->kind == OP_LOG_PATTERNS) {
		if (op->number != 0)
			find_patterns(s);
	} else {
		buf_printf(&s->asked, "app: %s%s%s\n", verbs[op->kind], op->text != NULL ? " " : "", op->text != NULL ? op->text : "");
	}
}

/* --- what is asked of the app ------------------------------------------------------------------ */

static void
close_dialogs(struct stage *s, int keep)
{
	while (s->n_dialogs > keep)
		panel_free(s->dialogs[--s->n_dialogs]);
}

static void
open_dialog(struct stage *s, const char *name, const struct op *op)
{
	struct panel *p = panel_new(panel_find(name), &s->view, op);

	if (p == NULL || s->n_dialogs == DIALOGS_MAX)
		buf_printf(&s->asked, "cannot open %s\n", name);
	else
		s->dialogs[s->n_dialogs++] = p;
}

static void
write_down_correction(struct stage *s, const struct op *op)
{
	char text[CLOCK_TEXT_MAX];

	if (op->kind == OP_SLO_EXCLUDE) {
		buf_printf(&s->asked, "  from %s", clock_format(text, op->number, 0));
		buf_printf(&s->asked, " to %s", clock_format(text, op->until_ns, 0));
	}
	buf_printf(&s->asked, "  \"%s\"", op->arg);
}

/* What the op carries, each by its name; a plan's values line by line. */
static void
write_down_run(struct stage *s, const struct op *op)
{
	if (op->arg != NULL)
		buf_printf(&s->asked, "  arg \"%s\"", op->arg);
	if (op->source != NULL)
		buf_printf(&s->asked, "  source \"%s\"", op->source);
	if (op->kind == OP_RUN_PLAN && op->confirm != NULL)
		buf_printf(&s->asked, "  limit \"%s\"", op->confirm[0]);
}

static void
write_down(struct stage *s, const struct op *op)
{
	static const char *const verbs[] = { [OP_SILENCE] = "silence", [OP_ACK] = "ack", [OP_EXPIRE] = "expire",
		[OP_SLO_EXCLUDE] = "exclude", [OP_SLO_INCLUDE] = "include", [OP_RUN_PLAN] = "plan", [OP_RUN_FORM] = "confirm",
		[OP_RUN_GO] = "run", [OP_RUN_STOP] = "stop", [OP_RUN_SKIP] = "skip", [OP_RUN_RETRY] = "retry", [OP_RUN_UNDO] = "undo",
		[OP_RUN_ANSWER] = "answer", [OP_RUN_DROP] = "forget", [OP_NOTE] = "note" };
	char text[CLOCK_TEXT_MAX];

	buf_printf(&s->asked, "app: %s%s%s", verbs[op->kind], op->text != NULL ? " " : "", op->text != NULL ? op->text : "");
	if (op->kind == OP_SLO_EXCLUDE || op->kind == OP_SLO_INCLUDE)
		write_down_correction(s, op);
	else if (op->kind >= OP_RUNBOOK_FORM && op->kind <= OP_NOTE)
		write_down_run(s, op);
	else
		buf_printf(&s->asked, "  on %s", op->source != NULL ? op->source : "the only one");
	if (op->silence != NULL) {
		const struct silence *d = &op->silence->silence;

		buf_printf(&s->asked, "  id \"%s\"  by %s  \"%s\"\n", d->id, d->created_by, d->comment);
		buf_printf(&s->asked, "  from %s", clock_format(text, d->starts_ns, 0));
		buf_printf(&s->asked, " to %s\n  ", clock_format(text, d->ends_ns, 0));
		part_matchers(&s->asked, d);
	}
	buf_addch(&s->asked, '\n');
}

static void
tell_filter(struct stage *s)
{
	struct op *op = s->panel->ops->filtered != NULL ? s->panel->ops->filtered(s->panel) : NULL;

	if (op != NULL)
		do_logs(s, op);
	op_free(op);
}

static void
show_panel(struct stage *s, const struct op *op)
{
	const struct panel_ops *ops = panel_find(op->text);

	if (ops != NULL && ops != s->panel->ops) {
		panel_free(s->panel);
		s->panel = panel_new(ops, &s->view, NULL);
	}
	if (ops != NULL && op->arg != NULL && ops->show != NULL)
		ops->show(s->panel, &s->view, op->arg);
	tell_filter(s);
}

/* What is asked of the time cursor, of the audit log, of a replay. false: none of these. */
static bool
write_down_after(struct stage *s, const struct op *op)
{
	switch (op->kind) {
	case OP_TIME_LIVE:
		buf_addstr(&s->asked, "app: time live\n");
		return true;
	case OP_AUDIT_WINDOW:
		buf_printf(&s->asked, "app: audit window %lld \"%s\"\n", (long long)op->number, op->text);
		return true;
	case OP_AUDIT_VERIFY:
		buf_addstr(&s->asked, "app: audit verify\n");
		return true;
	case OP_AUDIT_CHECKPOINT:
		buf_addstr(&s->asked, "app: audit checkpoint\n");
		return true;
	case OP_REPLAY_MARK:
		buf_printf(&s->asked, "app: replay mark %+lld\n", (long long)op->number);
		return true;
	default:
		return false;
	}
}

/* Takes op. */
static void
carry_out(struct stage *s, struct op *op)
{
	if (op == NULL)
		return;
	if (op_writes(op) && op->confirm != NULL && !op->is_confirmed) {
		open_dialog(s, "confirm", op);
	} else if (op_writes(op)) {
		write_down(s, op);
		close_dialogs(s, 0);
	} else if (op->kind == OP_SILENCE_FORM) {
		open_dialog(s, "silence-form", op);
	} else if (op->kind == OP_SLO_FORM) {
		open_dialog(s, "slo-form", op);
	} else if (op->kind == OP_RUNBOOK_FORM) {
		open_dialog(s, "runbook-form", op);
	} else if (op->kind == OP_RUN_FORM) {
		open_dialog(s, "run-confirm", op);
	} else if (op->kind == OP_NOTE_FORM) {
		open_dialog(s, "note-form", op);
	} else if (op->kind == OP_RUN_PLAN || op->kind == OP_RUN_STOP || op->kind == OP_RUN_DROP) {
		write_down(s, op);
		close_dialogs(s, 0);
	} else if (op->kind == OP_MESSAGES) {
		open_dialog(s, "text", op);
	} else if (op->kind == OP_CLOSE) {
		close_dialogs(s, s->n_dialogs > 0 ? s->n_dialogs - 1 : 0);
	} else if (op->kind == OP_PANEL) {
		show_panel(s, op);
	} else if (op->kind == OP_MESSAGE || op->kind == OP_ERROR) {
		buf_printf(&s->asked, "%s: %s\n", op->kind == OP_ERROR ? "error" : "message", op->text);
	} else if (op->kind >= OP_LOG_FILTER && op->kind <= OP_LOG_SAVE) {
		do_logs(s, op);
	} else if (op->kind == OP_TIME_JUMP) {
		char at[CLOCK_TEXT_MAX];

		buf_printf(&s->asked, "app: time cursor to %s\n", clock_format(at, op->number, 3));
	} else if (op->kind == OP_QUERY || op->kind == OP_SLO_GRAPH) {
		buf_printf(&s->asked, "app: query %s\n", op->text);
	} else if (!write_down_after(s, op)) {
		buf_printf(&s->asked, "app: op %d\n", (int)op->kind);
	}
	op_free(op);
}

/* --- keys ------------------------------------------------------------------------------------------ */

/* What the panel asks by itself, as the console looks for it after each key. */
static void
grant_wish(struct stage *s)
{
	const struct panel_ops *ops = s->panel->ops;

	if (ops->wish != NULL)
		carry_out(s, ops->wish(s->panel, &s->view));
}

static void
press(struct stage *s, int key)
{
	struct panel *p = s->n_dialogs > 0 ? s->dialogs[s->n_dialogs - 1] : s->panel;
	struct grid *g = grid_new(s->scene->w, s->scene->h, s->scene->is_ascii);
	struct op *op = NULL;

	if (!s->is_late)
		draw(s, g);
	s->is_late = false;
	grid_free(g);
	if (p->ops->key != NULL && p->ops->key(p, &s->view, key, &op)) {
		carry_out(s, op);
		return;
	}
	for (const struct command *c = p->ops->commands; c->name != NULL; c++) {
		if (c->key == NULL || key_parse(c->key) != key)
			continue;
		if ((c->flags & CMD_WRITES) && (s->view.is_read_only || !s->view.range.is_live))
			buf_printf(&s->asked, "refused: %s changes the world\n", c->name);
		else
			carry_out(s, c->run(p, &s->view, NULL));
		return;
	}
	if (key == 'C')	/* in every panel of the console */
		carry_out(s, op_new(OP_NOTE_FORM));
	else
		buf_printf(&s->asked, "key %d does nothing here\n", key);
}

static const char *
type_text(struct stage *s, const char *at)
{
	while (*at != '\0' && *at != '"') {
		uint32_t cp = 0;
		size_t took = utf8_decode(at, strlen(at), &cp);

		if (took == 0)
			break;
		/* 'text in quotes' cannot hold a quote: ` stands for it. */
		press(s, cp == '`' ? '"' : (int)cp);
		grant_wish(s);
		at += took;
	}
	return *at == '"' ? at + 1 : at;
}

static int
come_between(struct stage *s, const char *word, struct err *err)
{
	char *path = xasprintf("%s/%s", s->feeds_dir, word + 1);
	struct grid *g = grid_new(s->scene->w, s->scene->h, s->scene->is_ascii);
	int r;

	draw(s, g);
	grid_free(g);
	s->is_late = *word == '-';
	r = feed_apply(path, s->model, err);
	free(path);
	look_at_lines(s);
	return r;
}

static int
press_all(struct stage *s, const char *keys, struct err *err)
{
	while (keys != NULL && *(keys += strspn(keys, " ")) != '\0') {
		char name[32];
		size_t len = strcspn(keys, " ");
		int r;

		if (*keys == '"') {
			keys = type_text(s, keys + 1);
			continue;
		}
		snprintf(name, sizeof name, "%.*s", (int)len, keys);
		if ((*name == '+' || *name == '-') && len > 1) {
			r = come_between(s, name, err);
			if (r < 0)
				return r;
			keys += len;
			continue;
		}
		if (key_parse(name) == KEY_NONE)
			return err_set(err, ERR_SYNTAX, "keys: '%s' is no key", name);
		press(s, key_parse(name));
		grant_wish(s);
		keys += len;
	}
	return 0;
}

/* --- playing ----------------------------------------------------------------------------------- */

static void
go_back(struct stage *s, int64_t at_ns)
{
	static const char *const names[] = { [PAST_NONE] = "none", [PAST_MEMORY] = "memory", [PAST_RECORDING] = "recording" };
	const char *from = s->scene->from != NULL ? s->scene->from : "memory";
	struct view *v = &s->view;

	v->range.is_live = false;
	v->range.cursor_ns = at_ns;
	v->model = model_at(s->model, at_ns, NULL);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i], from) == 0)
			v->past_from = (enum past_from)i;
	if (v->past_from == PAST_NONE || v->model == NULL) {
		v->model = NULL;
		v->past_from = PAST_NONE;
	}
}

static int
go_back_to_metrics(struct stage *s, struct err *err)
{
	char *path = xasprintf("%s/%s", s->feeds_dir, s->scene->metrics);
	int r;

	s->metrics = model_new(0, 0);
	r = feed_apply(path, s->metrics, err);
	free(path);
	model_advance(s->metrics, s->scene->past_ns);
	s->view.model = s->metrics;
	s->view.past_from = PAST_METRICS;
	return r;
}

static int
open_replay(struct stage *s, struct err *err)
{
	char *path = xasprintf("%s/%s", s->feeds_dir, s->scene->replay);
	int r = scene_replay_load(path, s->model, &s->replay, err);

	free(path);
	if (r < 0)
		return r;
	s->view.replay = scene_replay_view(s->replay);
	/* As the console has it: the position takes the place of now, and the panels are what they were then. */
	go_back(s, s->view.replay->at_ns);
	if (s->view.replay->unknown_why != NULL)
		s->view.model = NULL;
	s->view.live = s->view.model != NULL ? s->view.model : s->nothing;
	s->view.now_ns = s->view.range.cursor_ns = s->view.range.end_ns = s->view.replay->at_ns;
	s->view.range.start_ns = s->view.range.end_ns - s->scene->span_ns;
	s->view.range.is_live = true;
	s->view.past_from = PAST_NONE;
	s->view.audit = model_audit_view(s->model);
	s->view.is_read_only = true;
	return 0;
}

static int
stage_open(struct stage *s, const struct scene *scene, const char *feeds_dir, struct err *err)
{
	const struct panel_ops *ops = panel_find(scene->panel);
	struct view *v = &s->view;
	struct op op = { .kind = OP_HELP };

	*s = (struct stage){ .scene = scene, .model = model_new(0, 0), .nothing = model_new(0, 0), .feeds_dir = feeds_dir };
	buf_init(&s->asked, ASKED_MAX);
	for (int i = 0; i < scene->n_feeds; i++) {
		char *path = xasprintf("%s/%s", feeds_dir, scene->feeds[i]);
		int r = feed_apply(path, s->model, err);

		free(path);
		if (r < 0)
			return r;
	}
	if (ops == NULL)
		return err_set(err, ERR_NOTFOUND, "no panel '%s'", scene->panel);
	model_advance(s->model, scene->clock_ns);
	v->live = v->model = s->model;
	v->now_ns = scene->clock_ns;
	v->range = (struct timerange){ .end_ns = scene->clock_ns, .cursor_ns = scene->clock_ns, .is_live = true };
	v->range.start_ns = v->range.end_ns - scene->span_ns;
	if (scene->past_ns != 0)
		go_back(s, scene->past_ns);
	if (scene->metrics != NULL && go_back_to_metrics(s, err) < 0)
		return err->code;
	if (scene->replay != NULL && open_replay(s, err) < 0)
		return err->code;
	v->is_focused = !scene->is_unfocused;
	v->is_read_only |= scene->is_read_only;
	v->user = "jane";
	v->ack_ns = 15 * NS_PER_MIN;
	look_at_lines(s);
	s->panel = panel_new(ops, v, &op);
	if (scene->arg != NULL)
		ops->show(s->panel, v, scene->arg);
	if (scene->filter != NULL)
		ops->filter(s->panel, scene->filter);
	tell_filter(s);
	grant_wish(s);
	return 0;
}

static void
stage_close(struct stage *s)
{
	close_dialogs(s, 0);
	panel_free(s->panel);
	scene_replay_free(s->replay);
	model_free(s->metrics);
	model_free(s->nothing);
	model_free(s->model);
	free(s->query);
	buf_done(&s->asked);
}

int
scene_play(const struct scene *scene, const char *feeds_dir, struct buf *out, struct err *err)
{
	struct stage s;
	struct grid *g;
	int r;

	clock_freeze(scene->clock_ns);
	r = stage_open(&s, scene, feeds_dir, err);
	if (r == 0)
		r = press_all(&s, scene->keys, err);
	if (r == 0) {
		g = grid_new(scene->w, scene->h, scene->is_ascii);
		draw(&s, g);
		grid_dump(g, out);
		grid_free(g);
		if (s.asked.len > 0) {
			buf_addstr(out, "--\n");
			buf_add(out, s.asked.data, s.asked.len);
		}
	}
	stage_close(&s);
	return r;
}
