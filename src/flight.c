#include "config.h"

#include "flight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "record/recording.h"
#include "trail.h"

#define LINGER (10 * NS_PER_MIN)	/* kept so long after what was the reason is over */
#define LOOK_EVERY (30 * NS_PER_S)
#define CLOSE_WAIT (5 * NS_PER_S)
#define FIND_AGAIN (30 * NS_PER_S)	/* other recordings are looked for no more often */

struct pin {
	char *why;
	int64_t over_ns;		/* 0: it goes on */
	bool is_told;			/* the audit log has it */
};

struct flight {
	struct app *app;
	bool is_console;
	struct recorder *recorder;
	struct loop_timer *look;
	struct pin *pins;
	size_t n_pins;
	char *incident;			/* the newest; what is recorded belongs to it until its pin is taken away */
	char *page;			/* why of the pages that fire; NULL none */
	/* The past: one recording is open at a time. */
	struct recording *open;
	struct player *player;
	struct recording_found *found;
	size_t n_found;
	int64_t found_mono_ns;
};

/* --- what pins ------------------------------------------------------------------------------------------------------------- */

static struct pin *
find_pin(struct flight *f, const char *why)
{
	for (size_t i = 0; i < f->n_pins; i++)
		if (strcmp(f->pins[i].why, why) == 0)
			return &f->pins[i];
	return NULL;
}

/* false: there is no folder yet that could be named. */
static bool
record_pin(struct flight *f, const char *state, const char *why)
{
	struct recorder_state s;
	json_t *body;

	recorder_state(f->recorder, &s);
	if (s.path[0] == '\0')
		return false;
	body = json_object();
	json_object_set_new(body, "recording", json_string(strrchr(s.path, '/') + 1));
	json_object_set_new(body, "state", json_string(state));
	json_object_set_new(body, "why", json_string(why));
	json_object_set_new(body, "path", json_string(s.path));
	trail_tell(f->app->trail, AUDIT_RECORDING, f->incident, body);
	return true;
}

/* What pinned a recording before it had a folder: a console that is opened while a page fires. */
static void
tell_pins(struct flight *f)
{
	for (size_t i = 0; i < f->n_pins; i++)
		if (!f->pins[i].is_told)
			f->pins[i].is_told = record_pin(f, "pinned", f->pins[i].why);
}

static void
pin(struct flight *f, const char *why)
{
	struct pin *p = find_pin(f, why);

	if (p != NULL) {
		p->over_ns = 0;
		return;
	}
	f->pins = xreallocarray(f->pins, f->n_pins + 1, sizeof *f->pins);
	f->pins[f->n_pins++] = (struct pin){ .why = xstrdup(why) };
	tell_pins(f);
	recorder_pin(f->recorder, why);
}

static void
let_go(struct flight *f, const char *why)
{
	struct pin *p = find_pin(f, why);

	if (p != NULL && p->over_ns == 0)
		p->over_ns = clock_now();
}

static void
on_look(void *arg)
{
	struct flight *f = arg;
	int64_t now = clock_now();

	loop_timer_in(f->look, LOOK_EVERY);
	for (size_t i = f->n_pins; i-- > 0;) {
		struct pin p = f->pins[i];

		/* A clock that was set back waits a little longer. */
		if (p.over_ns == 0 || now - p.over_ns < LINGER)
			continue;
		f->pins[i] = f->pins[--f->n_pins];
		recorder_unpin(f->recorder, p.why);
		if (p.is_told)
			record_pin(f, "unpinned", p.why);
		if (f->incident != NULL && str_has_prefix(p.why, "incident ") && strcmp(p.why + strlen("incident "), f->incident) == 0) {
			free(f->incident);
			f->incident = NULL;
		}
		free(p.why);
	}
}

static void
see_incident(struct flight *f, const struct incident *in)
{
	char *why = xasprintf("incident %s", in->id);

	if (in->closed_ns == 0) {
		free(f->incident);
		f->incident = xstrdup(in->id);
		pin(f, why);
	} else {
		let_go(f, why);
	}
	free(why);
}

static void
see_run(struct flight *f, const struct run_info *run)
{
	char *why;

	if (run_is_plan(run))
		return;
	why = xasprintf("run %s", run->id);
	if (run->state != RUN_ENDED)
		pin(f, why);
	else
		let_go(f, why);
	free(why);
}

/* A page of which nothing is heard any more has not ended; it begins nothing, either. */
static void
see_pages(struct flight *f)
{
	const struct model *m = f->app->model;
	const struct model_alert *page = NULL;
	bool is_in_doubt = false;

	for (size_t i = 0; page == NULL && i < model_n_alerts(m); i++) {
		const struct model_alert *a = model_alert(m, i);

		if (a->severity != SEVERITY_PAGE || (a->state != ALERT_FIRING && a->state != ALERT_UNPROCESSED))
			continue;
		is_in_doubt |= a->is_stale;
		if (!a->is_stale)
			page = a;
	}
	if (page != NULL && f->page == NULL) {
		char name[160];

		f->page = xasprintf("page %s", str_escape_to(name, sizeof name, page->name));
		pin(f, f->page);
	} else if (page == NULL && !is_in_doubt && f->page != NULL) {
		let_go(f, f->page);
		free(f->page);
		f->page = NULL;
	}
}

/* --- what is recorded ------------------------------------------------------------------------------------------------------ */

/* What was worked out for a past time is no part of what was known. */
static bool
is_of_the_present(const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_SLOS: return !((const struct slo_set *)ev->block)->is_past;
	case EVENT_SLO_DETAILS: return !((const struct slo_detail_set *)ev->block)->is_past;
	case EVENT_DRIFTS: return !((const struct drift_set *)ev->block)->is_past;
	case EVENT_AUDIT_VIEW:	/* a replay has the log itself, */
	case EVENT_LOG_VIEW:	/* and works out anew what is made of lines */
	case EVENT_LOG_PATTERNS:
		return false;
	default: return true;
	}
}

void
flight_event(struct flight *f, const struct event *ev)
{
	if (f == NULL || !is_of_the_present(ev))
		return;
	recorder_event(f->recorder, f->app->model, ev, clock_now());
	tell_pins(f);
	switch (ev->kind) {
	case EVENT_INCIDENT: see_incident(f, ev->block); break;
	case EVENT_RUN: see_run(f, ev->block); break;
	case EVENT_ALERTS:
	case EVENT_SILENCES:
		if (f->is_console)
			see_pages(f);
		break;
	default: break;
	}
}

static void
on_chunk(const struct chunk_info *c, bool is_pinned, void *arg)
{
	struct flight *f = arg;
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];
	json_t *body;

	if (!is_pinned)
		return;
	body = json_object();
	json_object_set_new(body, "recording", json_string(c->recording));
	json_object_set_new(body, "number", json_integer((json_int_t)c->number));
	json_object_set_new(body, "file", json_string(c->file));
	json_object_set_new(body, "from", json_string(clock_format(from, c->from_ns, 9)));
	json_object_set_new(body, "to", json_string(clock_format(to, c->to_ns, 9)));
	json_object_set_new(body, "bytes", json_integer((json_int_t)c->bytes));
	json_object_set_new(body, "events", json_integer((json_int_t)c->n_events));
	json_object_set_new(body, "sha256", json_string(c->sha256));
	json_object_set_new(body, "before", json_string(c->prev));
	trail_tell(f->app->trail, AUDIT_CHUNK, f->incident, body);
}

static void
on_problem(const char *text, void *arg)
{
	struct flight *f = arg;

	app_note(f->app, text);
}

/* --- the past ---------------------------------------------------------------------------------------------------------------- */

static void
close_past(struct flight *f)
{
	player_free(f->player);
	f->player = NULL;
	recording_free(f->open);
	f->open = NULL;
}

static bool
open_past(struct flight *f, const char *path)
{
	close_past(f);
	if (recording_open(path, &f->open, NULL) < 0) {
		f->open = NULL;
		return false;
	}
	f->player = player_new(f->open);
	return true;
}

static const struct model *
seek_open(struct flight *f, int64_t t_ns)
{
	struct recording_info info;

	if (f->open == NULL)
		return NULL;
	recording_info(f->open, &info);
	if (info.is_live && t_ns > info.last_ns)
		recording_refresh(f->open);
	return player_seek(f->player, t_ns, NULL);
}

/* Of this console, and of those before it. */
static void
find_recordings(struct flight *f)
{
	int64_t now = clock_mono();

	if (f->found != NULL && now - f->found_mono_ns < FIND_AGAIN)
		return;
	recordings_free(f->found, f->n_found);
	f->found = NULL;
	f->n_found = 0;
	f->found_mono_ns = now;
	recordings_find(f->app->conf->record.dir, f->app->env->name, &f->found, &f->n_found, NULL);
}

const struct model *
flight_at(struct flight *f, int64_t t_ns)
{
	const struct model *m;

	if (f == NULL)
		return NULL;
	m = seek_open(f, t_ns);
	if (m != NULL)
		return m;
	find_recordings(f);
	for (size_t i = f->n_found; i-- > 0;) {
		const struct recording_found *r = &f->found[i];

		/* What is being written reaches further than it did when it was found. */
		if (t_ns < r->first_ns || (t_ns > r->last_ns && !r->is_live) || !open_past(f, r->path))
			continue;
		m = seek_open(f, t_ns);
		if (m != NULL)
			return m;
	}
	return NULL;
}

int64_t
flight_since(const struct flight *f)
{
	struct recorder_state s;

	if (f == NULL)
		return 0;
	recorder_state(f->recorder, &s);
	return s.since_ns;
}

void
flight_state(const struct flight *f, struct recorder_state *ret)
{
	recorder_state(f->recorder, ret);
}

/* --- life ---------------------------------------------------------------------------------------------------------------------- */

struct flight *
flight_new(struct app *a, bool is_console)
{
	const struct conf_record *c = &a->conf->record;
	struct flight *f = xcalloc(1, sizeof *f);
	const struct recorder_options o = {
		.dir = c->dir, .env = a->env->name, .keep_ns = c->keep_ns, .keep_bytes = c->keep_bytes, .kept_max = c->kept_max, .version = PACKAGE_VERSION,
		.chunk = on_chunk, .problem = on_problem, .arg = f };
	struct err err = ERR_INIT;

	f->app = a;
	f->is_console = is_console;
	if (c->keep_ns == 0 || recorder_new(a->loop, a->pool, &o, &f->recorder, &err) < 0) {
		if (c->keep_ns != 0) {
			char *text = xasprintf("nothing is recorded for a replay: %s", err.msg);

			app_note(a, text);
			free(text);
		}
		free(f);
		return NULL;
	}
	f->look = loop_timer_new(a->loop, on_look, f);
	loop_timer_slack(f->look, NS_PER_S);
	loop_timer_in(f->look, LOOK_EVERY);
	return f;
}

void
flight_free(struct flight *f)
{
	if (f == NULL)
		return;
	recorder_free(f->recorder, CLOSE_WAIT);
	loop_timer_free(f->look);
	close_past(f);
	recordings_free(f->found, f->n_found);
	for (size_t i = 0; i < f->n_pins; i++)
		free(f->pins[i].why);
	free(f->pins);
	free(f->incident);
	free(f->page);
	free(f);
}
