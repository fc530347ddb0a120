/*
 * A turn of the console: app has taken in the events; here the range follows the clock, new pages ring, and a frame is drawn when something changed.
 */
#include "config.h"

#include "console.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "anchors.h"
#include "audit_show.h"
#include "console_priv.h"
#include "flight.h"
#include "logs.h"
#include "past.h"
#include "replay.h"
#include "runs.h"
#include "trail.h"

/* --- the view ----------------------------------------------------------------------------------------------------- */

/* As far back as memory reaches, then recordings, then what the metrics tell by themselves. */
static const struct model *
past_model(struct app *a, enum past_from *ret_from)
{
	int64_t t = a->range.cursor_ns;
	const struct model *m = model_at(a->model, t, NULL);

	*ret_from = PAST_MEMORY;
	if (m == NULL) {
		m = flight_at(a->flight, t);
		*ret_from = PAST_RECORDING;
	}
	if (m == NULL) {
		m = past_at(a->past, t);
		*ret_from = m != NULL ? PAST_METRICS : PAST_NONE;
	}
	return m;
}

struct view
console_view(struct console *c, bool is_focused)
{
	struct app *a = c->app;
	struct view v = {
		.model = a->model,
		.live = a->model,
		.now_ns = clock_now(),
		.range = a->range,
		.is_focused = is_focused,
		.is_read_only = a->options->is_read_only || a->env->is_read_only || a->conf->is_policy_broken,
		.is_unrecorded = a->trail != NULL && !trail_is_writable(a->trail),
		.user = c->app->user,
		.audit = model_audit_view(a->model),
		.ack_ns = a->conf->ack_enabled ? a->conf->ack_ns : 0,
	};

	if (a->replay != NULL)
		replay_view(a->replay, &v);
	else if (!a->range.is_live)
		v.model = past_model(a, &v.past_from);
	return v;
}

struct panel *
console_panel(struct console *c, int index)
{
	if (c->open[index] == NULL) {
		struct view v = console_view(c, true);

		c->open[index] = panel_new(panels[index], &v, NULL);
	}
	return c->open[index];
}

int
console_index_of(const char *name)
{
	for (int i = 0; panels[i] != NULL && i < PANELS_MAX; i++)
		if (strcmp(panels[i]->name, name) == 0)
			return i;
	return -1;
}

int
console_n_panels(void)
{
	int n = 0;

	while (panels[n] != NULL && n < PANELS_MAX)
		n++;
	return n;
}

struct panel *
console_focused(struct console *c)
{
	return c->n_dialogs > 0 ? c->dialogs[c->n_dialogs - 1] : console_panel(c, c->focus);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

void
console_say(struct console *c, bool is_error, const char *text)
{
	free(c->message);
	c->message = xstrdup(text);
	c->is_error = is_error;
	c->message_until = clock_mono() + MESSAGE_TIME;
	c->is_dirty = true;
	if (c->n_messages == MESSAGES_MAX) {
		free(c->messages[0]);
		memmove(&c->messages[0], &c->messages[1], (MESSAGES_MAX - 1) * sizeof c->messages[0]);
		c->n_messages--;
	}
	{
		char at[CLOCK_TEXT_MAX];

		c->messages[c->n_messages++] = xasprintf("%.8sZ  %s%s", clock_format(at, clock_now(), 0) + 11,
		    is_error ? "error: " : "", text);
	}
}

/* --- pages ring ----------------------------------------------------------------------------------------------------- */

static int
by_id(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool
was_firing(const struct console *c, uint64_t id)
{
	return c->n_pages > 0 && bsearch(&id, c->pages, c->n_pages, sizeof id, by_id) != NULL;
}

/* One bell and one notification for what is new since the last look; what fires when the console opens is on the screen already. */
static void
ring_new_pages(struct console *c)
{
	const struct model *m = c->app->model;
	size_t n = 0, n_new = 0;
	const char *first = NULL;
	uint64_t *ids;

	/* Until every source has had its say, what comes in fired before. */
	if (!c->is_looked && !sources_all_tried(c->app->sources))
		return;
	ids = xcalloc(model_n_alerts(m), sizeof *ids);
	for (size_t i = 0; i < model_n_alerts(m); i++) {
		const struct model_alert *a = model_alert(m, i);

		if (a->severity != SEVERITY_PAGE || (a->state != ALERT_FIRING && a->state != ALERT_UNPROCESSED))
			continue;
		if (!was_firing(c, a->id) && n_new++ == 0)
			first = a->name;
		ids[n++] = a->id;
	}
	if (c->is_looked && n_new > 0) {
		char text[256], name[160];

		str_escape_to(name, sizeof name, first);
		if (n_new > 1)
			snprintf(text, sizeof text, "%s: %s and %zu more", c->app->env->name, name, n_new - 1);
		else
			snprintf(text, sizeof text, "%s: %s", c->app->env->name, name);
		if (c->app->conf->bell)
			term_bell(c->term);
		if (c->app->conf->osc9)
			term_notify(c->term, text);
	}
	qsort(ids, n, sizeof *ids, by_id);
	free(c->pages);
	c->pages = ids;
	c->n_pages = n;
	c->is_looked = true;
}

/* --- life ----------------------------------------------------------------------------------------------------------- */

/* A shipped file by its name, or one of the user's by its path, which must be as safe as the config. */
static int
find_file(const char *name, const char *folder, char **ret_path, struct err *err)
{
	char file[96];
	int r;

	if (name[0] != '/') {
		snprintf(file, sizeof file, "%s/%.60s.yaml", folder, name);
		return conf_data_path(file, ret_path, err);
	}
	r = conf_check_owner(name, err);
	if (r == 0)
		*ret_path = xstrdup(name);
	return r;
}

/* Only panels that there are, and no dialogs. */
static int
check_layout(const struct layout *l, struct err *err)
{
	const char *names[PANELS_MAX];
	size_t n = 0;

	for (int i = 0; i < console_n_panels(); i++)
		if (!(panels[i]->flags & PANEL_DIALOG))
			names[n++] = panels[i]->name;
	return layout_check(l, names, n, err);
}

/* The widest has room for lines of logs: for who has some. */
static const char *
layout_for(const struct console *c, int w)
{
	if (w >= WIDER_FROM && c->app->logs != NULL)
		return "wider";
	return w >= WIDE_FROM ? "wide" : "narrow";
}

static int
load_layout(struct console *c, int w, struct err *err)
{
	const char *name = c->app->conf->layout;
	struct layout *layout;
	char *path;
	int r;

	c->is_auto_layout = strcmp(name, "auto") == 0;
	c->auto_layout = layout_for(c, w);
	if (c->is_auto_layout)
		name = c->auto_layout;
	r = find_file(name, "panels/layouts", &path, err);
	if (r < 0)
		return r;
	r = layout_load(path, &layout, err);
	free(path);
	if (r < 0)
		return r;
	r = check_layout(layout, err);
	if (r < 0) {
		layout_free(layout);
		return r;
	}
	layout_free(c->layout);
	c->layout = layout;
	return 0;
}

static int
load_theme(struct console *c, struct err *err)
{
	char *path;
	int r;

	theme_plain(&c->theme);
	r = find_file(c->app->conf->theme, "themes", &path, err);
	if (r < 0)
		return r;
	r = theme_load(path, &c->theme, err);
	free(path);
	return r;
}

static void
on_resize(int w, int h, void *arg)
{
	struct console *c = arg;
	struct err err = ERR_INIT;

	if (c->is_auto_layout && layout_for(c, w) != c->auto_layout && load_layout(c, w, &err) < 0)
		console_say(c, true, err.msg);
	grid_free(c->grid);
	c->grid = grid_new(w, h, term_is_ascii(c->term));
	c->is_dirty = true;
}

/* Why changes are not shown, once: it comes again with each answer. */
static void
tell_marker_note(struct console *c, const char *note)
{
	char text[512];

	if (note == NULL || *note == '\0' || str_eq(note, c->marker_note))
		return;
	free(c->marker_note);
	c->marker_note = xstrdup(note);
	console_say(c, true, str_escape_to(text, sizeof text, note));
}

static void
on_event(const struct event *ev, void *arg)
{
	struct console *c = arg;

	operate_event(c->operate, ev);
	if (ev->kind == EVENT_INCIDENT || ev->kind == EVENT_RUN || ev->kind == EVENT_NOTE || ev->kind == EVENT_OPERATION)
		audit_show_changed(c->app->audit_show);
	if (ev->kind == EVENT_MARKERS)
		tell_marker_note(c, ((const struct marker_set *)ev->block)->note);
	if (ev->kind == EVENT_OPERATION) {
		const struct operation *op = ev->block;
		char text[512];

		str_escape_to(text, sizeof text, op->text);
		console_say(c, op->state == OPERATION_FAILED || op->state == OPERATION_UNKNOWN, text);
	}
}

static void
on_note(const char *text, void *arg)
{
	console_say(arg, true, text);
}

/* A key file that a host wants has a passphrase. */
static void
on_passphrase(const char *path, void *arg)
{
	console_carry_out(arg, op_text(OP_PASSPHRASE_FORM, "%s", path));
}

static void
on_logs(bool is_error, const char *text, void *arg)
{
	console_say(arg, is_error, text);
}

static void
on_second(void *arg)
{
	struct console *c = arg;

	loop_timer_in(c->second, NS_PER_S);
}

/* Nothing runs any more: whoever wanted to leave can. */
static void
end_or_stay(struct console *c)
{
	c->is_leaving = false;
	if (c->is_ending)
		loop_stop(c->app->loop, c->end_status);
}

/* What the panel with the focus asks for by itself. */
static void
grant_wish(struct console *c)
{
	struct panel *p = console_focused(c);
	struct view v = console_view(c, true);

	if (p->ops->wish != NULL)
		console_carry_out(c, p->ops->wish(p, &v));
}

static void
on_turn(void *arg)
{
	struct console *c = arg;
	struct app *a = c->app;
	unsigned changed;

	if (a->replay != NULL) {
		changed = model_changes(a->model) | (replay_moved(a->replay) ? MODEL_ALL : 0);
		audit_show_until(a->audit_show, replay_position(a->replay));
		console_replay_focus(c);
	} else {
		app_range_follow(a);
		logs_turn(a->logs);
		model_advance(a->model, clock_now());
		changed = model_changes(a->model);
		console_tell_focus(c);
	}
	if (a->is_changed) {
		a->is_changed = false;
		c->is_dirty = true;
	}
	if ((c->is_ending || c->is_leaving) && runs_acting(a->runs) == 0)
		end_or_stay(c);
	if ((changed & MODEL_ALERTS) && a->replay == NULL)
		ring_new_pages(c);
	grant_wish(c);
	if (changed != 0 || c->is_dirty || clock_now() / NS_PER_S != c->drawn_s)
		console_draw(c);
}

static void
on_signal(int signo, void *arg)
{
	struct console *c = arg;

	c->is_ending = true;
	c->end_status = 128 + signo;
	if (!runs_detach(c->app->runs))
		loop_stop(c->app->loop, c->end_status);
}

static void
key_problem(size_t i, const char *sentence, void *arg)
{
	struct console *c = arg;
	const struct conf *conf = c->app->conf;
	char *text = i < conf->n_keys ? xasprintf("%s:%u:%u: %s", conf->path, conf->keys[i].line, conf->keys[i].column, sentence) :
	    xstrdup(sentence);

	console_say(c, true, text);
	free(text);
}

static void
build_keymap(struct console *c)
{
	const struct conf *conf = c->app->conf;
	struct keymap_override *v = xcalloc(conf->n_keys, sizeof *v);

	for (size_t i = 0; i < conf->n_keys; i++)
		v[i] = (struct keymap_override){ .command = conf->keys[i].command, .key = conf->keys[i].key };
	c->keymap = keymap_new(c->app->replay != NULL ? console_replay_commands(c) : console_commands, panels, v, conf->n_keys, key_problem, c);
	free(v);
}

static void
tell_problems(struct console *c)
{
	const struct conf_problems *p = &c->app->problems;

	for (size_t i = 0; i < p->n; i++)
		console_say(c, true, p->v[i]);
	if (p->n > 1) {
		char *text = xasprintf("the config has %zu mistakes: :messages lists them", p->n);

		console_say(c, true, text);
		free(text);
	}
}

static void
console_done(struct console *c)
{
	if (c->term != NULL)
		term_close(c->term);
	operate_free(c->operate);
	loop_timer_free(c->second);
	while (c->n_dialogs > 0)
		console_close_dialog(c);
	for (int i = 0; i < PANELS_MAX; i++) {
		panel_free(c->open[i]);
		free(c->filters[i]);
	}
	for (int i = 0; i < c->n_messages; i++)
		free(c->messages[i]);
	keymap_free(c->keymap);
	layout_free(c->layout);
	grid_free(c->grid);
	free(c->last_command);
	free(c->completing);
	free(c->message);
	free(c->marker_note);
	free(c->pages);
	free(c->commands);
	free(c->told_panel);
}

static void
start_live(struct console *c)
{
	struct app *a = c->app;

	app_start(a);
	runs_on_passphrase(a->runs, on_passphrase, c);
	runs_start(a->runs);
	trail_start(a->trail);
	anchors_start(a->anchors);
}

/* --- a film --------------------------------------------------------------------------------------------------------- */

int
console_film(struct app *a, int w, int h, struct console **ret, struct err *err)
{
	struct console *c = xcalloc(1, sizeof *c);
	const struct op operator = { .kind = OP_REPLAY_OPERATOR };
	int r;

	(void)h;
	c->app = a;
	c->operate = operate_new(a);
	build_keymap(c);
	r = load_theme(c, err);
	if (r == 0)
		r = load_layout(c, w, err);
	if (r == 0)
		r = replay_op(a->replay, &operator, err);
	if (r < 0) {
		console_film_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void
console_film_draw(struct console *c, struct grid *g)
{
	c->grid = g;
	console_replay_focus(c);
	console_draw(c);
	c->grid = NULL;
}

const struct theme *
console_theme(const struct console *c)
{
	return &c->theme;
}

void
console_film_free(struct console *c)
{
	console_done(c);
	free(c);
}

/* --- a terminal -------------------------------------------------------------------------------------------------------- */

int
console_run(struct app *a, struct err *err)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT };
	struct console c = { .app = a };
	int r, w, h;

	c.operate = operate_new(a);
	build_keymap(&c);
	if (load_theme(&c, err) < 0)
		console_say(&c, true, err->msg);	/* plain looks still work */
	r = term_open(a->loop, &c.theme, console_key, on_resize, &c, &c.term, err);
	if (r < 0)
		goto done;
	term_size(c.term, &w, &h);
	r = load_layout(&c, w, err);
	if (r < 0)
		goto done;
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		r = loop_signal(a->loop, signals[i], on_signal, &c, err);
		if (r < 0)
			goto done;
	}
	c.grid = grid_new(w, h, term_is_ascii(c.term));
	tell_problems(&c);
	c.second = loop_timer_new(a->loop, on_second, &c);
	loop_timer_in(c.second, NS_PER_S);
	app_observe(a, on_event, on_note, &c);
	logs_on_say(a->logs, on_logs, &c);
	loop_on_turn(a->loop, on_turn, &c);
	console_draw(&c);		/* before anything is asked */
	if (a->replay != NULL) {
		replay_start(a->replay);
		audit_show_verify(a->audit_show);
	} else {
		start_live(&c);
	}
	r = loop_run(a->loop);
done:
	if (a->runs != NULL)
		runs_on_passphrase(a->runs, NULL, NULL);
	if (a->trail != NULL)
		trail_forget(a->trail, &c);
	logs_stop(a->logs);
	app_observe(a, NULL, NULL, NULL);
	loop_on_turn(a->loop, NULL, NULL);
	console_done(&c);
	return r;
}
