#include "config.h"

#include "status.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "model/model.h"
#include "logs.h"
#include "status_parts.h"
#include "status_text.h"

enum { STATUS_OUTPUT_MAX = 32 << 20 };
#define DEADLINE_DEFAULT (10 * NS_PER_S)

/* Exit statuses of the Monitoring Plugins Development Guidelines, "Plugin Return Codes". */
static int
exit_status(enum health health)
{
	switch (health) {
	case HEALTH_OK: return 0;
	case HEALTH_WARNING: return 1;
	case HEALTH_CRITICAL: return 2;
	case HEALTH_UNKNOWN: break;
	}
	return 3;
}

/* 0, or ERR_IO or ERR_LIMIT: not all of it was written. */
static int
print_text(const struct model *m, enum health health, bool is_late)
{
	struct buf out;
	int r = 0;

	buf_init(&out, STATUS_OUTPUT_MAX);
	status_text(m, health, is_late, &out);
	if (fwrite(out.data, 1, out.len, stdout) < out.len)
		r = ERR_IO;
	else if (out.is_over)
		r = ERR_LIMIT;
	buf_done(&out);
	return r;
}

static int
print_json(const struct model *m, enum health health, bool is_late)
{
	json_t *json = model_to_json(m), *logs;
	int r;

	json_object_set_new(json, "health", json_string(health_name(health)));
	json_object_set_new(json, "deadline_passed", json_boolean(is_late));
	logs = status_logs_json(m);
	if (logs != NULL)
		json_object_set_new(json, "logs", logs);
	r = json_dumpf(json, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);
	json_decref(json);
	return r < 0 || putchar('\n') == EOF ? ERR_IO : 0;
}

/* --- running ------------------------------------------------------------------------------------------------------ */

struct status {
	struct app *app;
	struct loop_timer *deadline, *watch;
	bool is_late, is_printed;
};

/* What is not known because the deadline passed is not ok either. */
static int
print(struct status *s)
{
	const struct model *m = s->app->model;
	enum health health = model_health(m);
	int r;

	if (s->is_late && health != HEALTH_CRITICAL)
		health = HEALTH_UNKNOWN;
	r = s->app->options->is_json ? print_json(m, health, s->is_late) : print_text(m, health, s->is_late);
	if (fflush(stdout) != 0)
		r = ERR_IO;
	if (r < 0) {
		fprintf(stderr, "opsconsole: the status could not be written whole: %s\n", r == ERR_IO ? strerror(errno) : "it is too long");
		health = HEALTH_UNKNOWN;	/* nobody has seen it */
	}
	s->is_printed = true;
	return exit_status(health);
}

static void
on_turn(void *arg)
{
	struct status *s = arg;
	struct app *a = s->app;

	logs_turn(a->logs);
	model_advance(a->model, clock_now());
	if (s->is_printed || !(s->is_late || (sources_all_tried(a->sources) && a->n_insight == 0 && app_slos_settled(a))))
		return;
	if (s->is_late)
		fprintf(stderr, "opsconsole: the deadline passed before everything that was asked had been answered; "
		    "what is known follows (--deadline S waits longer)\n");
	if (a->options->watch_ns == 0) {
		loop_stop(a->loop, print(s));
		return;
	}
	print(s);
	loop_timer_in(s->watch, a->options->watch_ns);
}

static void
on_deadline(void *arg)
{
	((struct status *)arg)->is_late = true;
}

static void
on_watch(void *arg)
{
	struct status *s = arg;

	if (ferror(stdout)) {
		loop_stop(s->app->loop, exit_status(HEALTH_UNKNOWN));
		return;
	}
	model_advance(s->app->model, clock_now());
	s->is_late = false;
	print(s);
	loop_timer_in(s->watch, s->app->options->watch_ns);
}

static void
on_signal(int signo, void *arg)
{
	struct status *s = arg;

	(void)signo;
	loop_stop(s->app->loop, s->is_printed ? exit_status(model_health(s->app->model)) : exit_status(HEALTH_UNKNOWN));
}

int
status_run(struct app *a)
{
	struct status s = { .app = a };
	struct err err = ERR_INIT;
	int status;

	if (loop_signal(a->loop, SIGINT, on_signal, &s, &err) < 0 || loop_signal(a->loop, SIGTERM, on_signal, &s, &err) < 0) {
		fprintf(stderr, "opsconsole: %s\n", err.msg);
		return exit_status(HEALTH_UNKNOWN);
	}
	a->is_instant = true;
	s.deadline = loop_timer_new(a->loop, on_deadline, &s);
	s.watch = loop_timer_new(a->loop, on_watch, &s);
	loop_timer_in(s.deadline, a->options->deadline_ns > 0 ? a->options->deadline_ns : DEADLINE_DEFAULT);
	loop_on_turn(a->loop, on_turn, &s);
	app_start(a);
	status = loop_run(a->loop);
	loop_timer_free(s.deadline);
	loop_timer_free(s.watch);
	return status;
}
