#include "config.h"

#include "plain.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "anchors.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "flight.h"
#include "logs.h"
#include "plain_errors.h"
#include "plain_line.h"
#include "plain_news.h"
#include "plain_priv.h"
#include "plain_state.h"
#include "plain_watch.h"
#include "runs.h"
#include "trail.h"

enum { WAITING_MAX = 4 << 20 };
#define DEADLINE_DEFAULT (10 * NS_PER_S)
#define ERRORS_EVERY (5 * NS_PER_S)
#define END_PATIENCE (2 * NS_PER_S)

/* --- saying -------------------------------------------------------------------------------------------------------------- */

/* A reader that has caught up is told what it has missed. */
static void
tell_left_out(struct plain *p)
{
	uint64_t now = spool_left_out(p->out);
	char *text;

	if (now == p->left_out || spool_waiting(p->out) > 0)
		return;
	text = xasprintf("%llu bytes of lines were left out here: they were not read", (unsigned long long)(now - p->left_out));
	p->left_out = now;
	plain_say(p, true, text);
	free(text);
}

void
plain_write(struct plain *p, const struct buf *text)
{
	if (text->len == 0)
		return;
	fwrite(text->data, 1, text->len, spool_file(p->out));
	fflush(spool_file(p->out));
	if (spool_error(p->out) != 0)
		plain_end(p);
	if (p->app->options->watch_ns > 0 && p->is_open)
		loop_timer_in(p->heartbeat, p->app->options->watch_ns);
}

void
plain_say(struct plain *p, bool is_error, const char *text)
{
	struct buf out;

	buf_init(&out, PLAIN_OUT_MAX);
	plain_line_add(&out, &(struct plain_line){ .at_ns = clock_now(), .kind = "console", .severity = is_error ? "error" : "", .what = text });
	plain_write(p, &out);
	buf_done(&out);
}

static const char *
read_only_reason(const struct app *a)
{
	if (a->options->is_read_only)
		return "--read-only was given";
	if (a->conf->is_policy_broken)
		return "the config has mistakes";
	return a->env->is_read_only ? "the config says so of this environment" : NULL;
}

static const char *
recorded_text(const struct app *a)
{
	struct recorder_state s;

	if (a->flight == NULL)
		return "nothing is recorded";
	flight_state(a->flight, &s);
	return s.is_broken ? "recording has stopped" : "recorded";
}

void
plain_show_state(struct plain *p)
{
	struct app *a = p->app;
	struct plain_facts facts = { .read_only = read_only_reason(a), .recorded = recorded_text(a), .is_unwritable = !trail_is_writable(a->trail),
		.is_late = p->is_late };
	struct buf out;

	buf_init(&out, PLAIN_OUT_MAX);
	plain_state(a->model, &facts, &out);
	plain_write(p, &out);
	buf_done(&out);
}

/* --- what happens ---------------------------------------------------------------------------------------------------------- */

static bool
are_stores_answering(const struct app *a)
{
	for (size_t i = 0; i < a->env->n_sources; i++) {
		const struct model_source *s = model_source_find(a->model, a->env->sources[i].name);

		if (conf_source_is_log_store(&a->env->sources[i]) && (s == NULL || (s->state != SOURCE_OK && s->state != SOURCE_DEGRADED)))
			return false;
	}
	return true;
}

/* out NULL: the present is known. */
static void
look(struct plain *p, unsigned changed, struct buf *out)
{
	const struct model *m = p->app->model;

	if (changed & MODEL_TIMELINE)
		plain_news_look(p->news, m, out);
	plain_watch_look(p->watch, m, out);
	if (out == NULL || clock_mono() - p->looked_mono >= ERRORS_EVERY) {
		p->looked_mono = clock_mono();
		plain_errors_look(p->errors, m, are_stores_answering(p->app), out);
	}
}

/* All have had their say, or have had time to: how things stand, and from here on what happens. */
static void
open_now(struct plain *p)
{
	struct app *a = p->app;

	p->is_open = true;
	p->news = plain_news_new(clock_now());
	look(p, MODEL_ALL, NULL);
	plain_show_state(p);
	p->is_late = false;
	for (size_t i = 0; i < a->problems.n; i++)
		plain_say(p, true, a->problems.v[i]);
	plain_commands_start(p);
}

static void
tell_writable(struct plain *p)
{
	bool is_writable = trail_is_writable(p->app->trail);

	if (is_writable && !p->was_writable && p->is_open)
		plain_say(p, false, "audit: writable again");
	p->was_writable = is_writable;
}

static void
tell_news(struct plain *p, unsigned changed)
{
	struct buf out;

	buf_init(&out, PLAIN_OUT_MAX);
	look(p, changed, &out);
	plain_write(p, &out);
	buf_done(&out);
	tell_left_out(p);
}

static void
on_turn(void *arg)
{
	struct plain *p = arg;
	struct app *a = p->app;
	bool is_second = p->is_second;
	unsigned changed;

	app_range_follow(a);
	logs_turn(a->logs);
	model_advance(a->model, clock_now());
	changed = model_changes(a->model);
	a->is_changed = p->is_second = false;
	if (p->is_ending) {
		if (spool_waiting(p->out) == 0)
			loop_timer_in(p->end, 0);
		return;
	}
	tell_writable(p);
	if (p->is_open && (changed != 0 || is_second))
		tell_news(p, changed);
	else if (!p->is_open && (p->is_late || (sources_all_tried(a->sources) && a->n_insight == 0 && app_slos_settled(a))))
		open_now(p);
}

/* Why changes are not shown, once: it comes again with each answer. */
static void
on_event(const struct event *ev, void *arg)
{
	struct plain *p = arg;
	const char *note = ev->kind == EVENT_MARKERS ? ((const struct marker_set *)ev->block)->note : NULL;

	if (note == NULL || *note == '\0' || str_eq(note, p->marker_note))
		return;
	free(p->marker_note);
	p->marker_note = xstrdup(note);
	plain_say(p, true, note);
}

static void
on_note(const char *text, void *arg)
{
	plain_say(arg, true, text);
}

/* Time alone makes things stale. */
static void
on_second(void *arg)
{
	struct plain *p = arg;

	p->is_second = true;
	loop_timer_in(p->second, NS_PER_S);
	plain_commands_turn(p);
}

static void
on_deadline(void *arg)
{
	struct plain *p = arg;

	p->is_late = !p->is_open;
}

static void
on_heartbeat(void *arg)
{
	struct plain *p = arg;
	struct buf out;

	buf_init(&out, PLAIN_OUT_MAX);
	plain_summary_line(p->app->model, &out);
	plain_write(p, &out);	/* and the next one is due */
	buf_done(&out);
}

/* --- the end ---------------------------------------------------------------------------------------------------------------- */

/* Nobody there any more is no error, a full disk is. */
static int
end_status(const struct plain *p)
{
	int error = spool_error(p->out);

	if (error == 0 || error == EPIPE || error == ECONNRESET)
		return EXIT_SUCCESS;
	fprintf(stderr, "opsconsole: what happens cannot be written any more: %s\n", strerror(error));
	return EXIT_FAILURE;
}

static void
on_end(void *arg)
{
	struct plain *p = arg;

	spool_drop(p->out);
	loop_stop(p->app->loop, end_status(p));
}

void
plain_end(struct plain *p)
{
	if (p->is_ending)
		return;
	p->is_ending = true;
	plain_commands_stop(p);
	loop_timer_stop(p->heartbeat);
	loop_timer_in(p->end, spool_waiting(p->out) > 0 ? END_PATIENCE : 0);
}

static void
on_signal(int signo, void *arg)
{
	(void)signo;
	plain_end(arg);
}

static void
on_gone(int fd, unsigned ready, void *arg)
{
	struct plain *p = arg;

	(void)fd;
	if (ready & LOOP_HANGUP)
		plain_end(p);
	loop_fd_set(p->gone, 0);	/* bytes that come the other way are not for us */
}

/* Who only writes now and then should not learn hours later that nobody reads. A terminal tells by SIGHUP. */
static void
watch_reader(struct plain *p)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		p->gone = loop_fd_new(p->app->loop, STDOUT_FILENO, LOOP_READ, on_gone, p);
}

/* --- running ---------------------------------------------------------------------------------------------------------------- */

static void
plain_start(struct plain *p)
{
	struct app *a = p->app;

	p->out = spool_new(a->loop, STDOUT_FILENO, WAITING_MAX);
	p->watch = plain_watch_new();
	p->errors = plain_errors_new();
	p->second = loop_timer_new(a->loop, on_second, p);
	p->deadline = loop_timer_new(a->loop, on_deadline, p);
	p->heartbeat = loop_timer_new(a->loop, on_heartbeat, p);
	p->end = loop_timer_new(a->loop, on_end, p);
	p->was_writable = true;
	watch_reader(p);
	loop_timer_in(p->second, NS_PER_S);
	loop_timer_in(p->deadline, a->options->deadline_ns > 0 ? a->options->deadline_ns : DEADLINE_DEFAULT);
	app_observe(a, on_event, on_note, p);
	loop_on_turn(a->loop, on_turn, p);
	app_start(a);
	runs_start(a->runs);
	trail_start(a->trail);
	anchors_start(a->anchors);
}

static void
plain_done(struct plain *p)
{
	struct app *a = p->app;

	trail_forget(a->trail, p);
	logs_stop(a->logs);
	app_observe(a, NULL, NULL, NULL);
	loop_on_turn(a->loop, NULL, NULL);
	plain_commands_stop(p);
	loop_timer_free(p->second);
	loop_timer_free(p->deadline);
	loop_timer_free(p->heartbeat);
	loop_timer_free(p->end);
	loop_fd_free(p->gone);
	spool_free(p->out);
	plain_news_free(p->news);
	plain_watch_free(p->watch);
	plain_errors_free(p->errors);
	free(p->marker_note);
}

int
plain_run(struct app *a, struct err *err)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT };
	struct plain p = { .app = a };
	int status, r;

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		r = loop_signal(a->loop, signals[i], on_signal, &p, err);
		if (r < 0)
			return r;
	}
	fprintf(stderr, "opsconsole: asking the sources of environment %s\n", a->env->name);
	plain_start(&p);
	status = loop_run(a->loop);
	plain_done(&p);
	return status;
}
