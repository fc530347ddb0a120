/*
 * The wiring: config, loop, pool, sources and model of one environment, and the order of a turn.
 *
 * Used by the console (console.c) and by --status (status.c). Events of the sources go through app_apply() into the model; what insight makes of them
 * follows through the same door.
 */
#ifndef OPS_APP_H
#define OPS_APP_H

#include "conf/conf.h"
#include "loop/loop.h"
#include "loop/pool.h"
#include "model/model.h"
#include "source/source.h"
#include "ui/view.h"

enum { ADHOC_MAX = 8 };

struct options {		/* the command line, see main.c */
	const char *config, *environment, *debug_log, *init_path;
	const char *export_kind;	/* "slo-rules", "jsonl", "asciicast", "pack" */
	bool is_read_only, is_json, is_demo;
	int64_t watch_ns;	/* 0: once */
	int64_t deadline_ns;
	/* runbooks and the audit trail */
	const char *runbook;	/* --runbook, --describe */
	const char **sets;	/* "name=value", n_sets of them */
	size_t n_sets;
	const char *limit, *confirm, *resume, *break_glass;
	const char *incident;	/* an id */
	const char *note, *incident_title, *incident_close;
	bool is_dry_run, is_yes, stops_on_disconnect;
	const char **words;	/* what follows --verify, --log */
	size_t n_words;
	const char *head;	/* --head SEQ:HASH */
	const char *checkpoint, *signers;	/* --verify */
	/* after the incident */
	const char *at;		/* --at: where a replay begins */
	double speed;		/* 0: not given */
	int64_t max_idle_ns;	/* 0: not given */
	bool is_following, is_plain, has_names;
	const char *report;	/* --report: the incident */
	const char *format, *output;
	int width, height;	/* --size, of exports; 0: not given */
};

struct recording;

struct adhoc_query {
	char *id, *title, *expr, *source;
	char *slo;		/* objective whose burn it shows, or NULL */
};
struct anchors;
struct audit_show;
struct drifts;
struct logs;
struct flight;
struct models;
struct past;
struct replay;
struct runs;
struct slos;
struct trail;

/* Something a person should know that is no event, such as a line of a file that cannot be read. */
typedef void app_note_cb(const char *text, void *arg);

struct app {
	const struct options *options;
	struct conf *conf;
	struct conf_problems problems;
	const struct conf_environment *env;
	struct loop *loop;
	struct pool *pool;
	struct pool_lane *insight;	/* where what is seen in the answers is worked out */
	unsigned n_insight;		/* tasks there */
	struct model *model;
	struct sources *sources;
	struct slos *slos;
	struct models *models;
	struct drifts *drifts;		/* NULL where none is defined */
	struct logs *logs;		/* NULL where no log store is configured */
	struct trail *trail;		/* NULL where nothing can be done: --status */
	struct runs *runs;		/* likewise */
	struct anchors *anchors;	/* likewise */
	struct flight *flight;		/* NULL where nothing is recorded */
	struct past *past;		/* of a console that is live; else NULL */
	struct audit_show *audit_show;	/* of a console; else NULL */
	struct replay *replay;		/* a replay: then there are no sources, and nothing that acts */
	struct conf_environment replay_env;	/* what env points to then */
	char user[64];			/* the real one, for silences and corrections */
	const struct environment *environment;	/* block of the EVENT_ENVIRONMENT */
	struct timerange range;
	int64_t span_ns;
	struct adhoc_query adhoc[ADHOC_MAX];
	size_t n_adhoc;
	unsigned adhoc_made;		/* for ids */
	bool is_instant;		/* --status: values now, no ranges */
	sources_event_cb *observer;	/* see app_observe() */
	app_note_cb *note;
	void *observer_arg;
	bool is_changed;		/* something that is not in the model, see app_changed() */
};

/* Everything but the first request. Takes conf, and on success problems. ERR_USAGE, ERR_NOTFOUND, ... with the way on. */
int app_open(struct app *a, const struct options *o, struct conf *conf, struct conf_problems *problems, struct err *err);
/* What acts: the audit trail and runbooks. mode as trail_new() has it. */
void app_open_runs(struct app *a, const char *mode);
/* In place of app_open(): nothing but a recording, which is app's from now on; the config is only for looks. */
int app_open_replay(struct app *a, const struct options *o, struct conf *conf, struct conf_problems *problems, struct recording *rec, struct err *err);
/* Sends the first requests. */
void app_start(struct app *a);
void app_close(struct app *a);

/* The one door: ev, and what insight makes of it, into the model. */
void app_apply(struct app *a, const struct event *ev);
/* cb sees each event after it was applied, note what app_note() says (on stderr without one); NULL ends both. */
void app_observe(struct app *a, sources_event_cb *cb, app_note_cb *note, void *arg);
void app_note(struct app *a, const char *text);
/* What is shown changed although the model did not: a frame is due. */
void app_changed(struct app *a);
/* Tell the sources which queries are wanted now. */
void app_tell_wants(struct app *a);
/* true: every objective, and all drift, has been worked out once, or cannot be; and every log store was asked once. */
bool app_slos_settled(const struct app *a);

/* --- the shared time range: each tells the sources what is wanted now -------------------------------------------------- */
void app_range_follow(struct app *a);			/* once a turn: a live range moves with the clock */
void app_range_live(struct app *a);
void app_range_span(struct app *a, int64_t span_ns);
void app_range_jump(struct app *a, int64_t cursor_ns);	/* the cursor; the range moves only when it would leave it */
void app_range_step(struct app *a, int steps);		/* the cursor by steps of the range's resolution */
/* The range as it is at a time that is not now, for a replay; and how long it is. */
void app_range_as_of(struct app *a, int64_t now_ns);
void app_range_span_set(struct app *a, int64_t span_ns);
/* Step of the points asked for: a round number, about 240 of them in the span. */
int64_t app_range_resolution(const struct app *a);

/* Graph expr beside the named queries; the oldest ad-hoc one makes room. Returns its id (borrowed). */
const char *app_query(struct app *a, const char *expr, const char *source);
/* The same for an objective's error ratio, over the shortest and the longest window of its worst rule. NULL, and err, when it has none. */
const char *app_query_slo(struct app *a, const char *slo, struct err *err);

#endif
