#include "config.h"

#include "replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "audit/reader.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "record/pack.h"
#include "replay_lines.h"
#include "ui/time_text.h"

enum { GAPS_MAX = 256 };
#define TICK (100 * NS_PER_MS)
#define REFRESH_EVERY (500 * NS_PER_MS)
#define SPEED_MIN 0.25
#define SPEED_MAX 64.0
#define IDLE_USUAL (3 * NS_PER_S)	/* an idle stretch is shown so long when it is skipped */
#define BEFORE_MARK NS_PER_S		/* so much of what was before a mark is seen */
#define BEFORE_INCIDENT (2 * NS_PER_MIN)
#define BACK_GRACE (2 * NS_PER_S)	/* while it plays, "previous" is not the mark just passed */

struct replay {
	struct app *app;
	struct recording *rec;
	struct player *player, *beside;	/* beside: for the operator's own time cursor */
	struct recording_info info;
	const struct timeline_entry *marks;
	size_t n_marks;
	struct replay_gap gaps[GAPS_MAX];
	size_t n_gaps;
	char *name, *title, *verified;
	int64_t at_ns, zero_ns;
	int64_t mono_ns, refreshed_ns;	/* of the last tick, of the last look for more */
	int64_t quiet_ns;		/* monotonic: since then nothing was passed */
	int64_t max_idle_ns;
	double speed;
	bool is_paused, is_following, is_skipping, follows_operator, has_moved, is_film;
	struct loop_timer *tick;
	struct replay_lines *lines;
	struct model *empty;		/* with the environment, for where nothing is recorded */
	struct replay_view bar;
};

/* --- what there is --------------------------------------------------------------------------------------------------------- */

/* The first opening that the recording tells of. */
static const struct timeline_entry *
find_incident(const struct replay *r)
{
	for (size_t i = 0; i < r->n_marks; i++)
		if (r->marks[i].kind == TIMELINE_INCIDENT && !r->marks[i].is_end)
			return &r->marks[i];
	return NULL;
}

static void
look_again(struct replay *r)
{
	const struct recording_gap *gaps;
	size_t n = recording_gaps(r->rec, &gaps);

	recording_info(r->rec, &r->info);
	r->n_marks = player_timeline(r->player, &r->marks);
	r->n_gaps = n < GAPS_MAX ? n : GAPS_MAX;
	for (size_t i = 0; i < r->n_gaps; i++)
		r->gaps[i] = (struct replay_gap){ gaps[i].from_ns, gaps[i].to_ns };
}

static void
name_it(struct replay *r)
{
	const struct timeline_entry *in = find_incident(r);

	free(r->name);
	free(r->title);
	r->zero_ns = in != NULL ? in->at_ns : r->info.first_ns;
	r->name = xstrdup(*r->info.incident != '\0' ? r->info.incident : in != NULL ? in->what : r->info.id);
	r->title = xstrdup(in != NULL ? in->text : "");
}

/* --- moving ------------------------------------------------------------------------------------------------------------------ */

void
replay_seek(struct replay *r, int64_t t_ns)
{
	if (t_ns < r->info.first_ns)
		t_ns = r->info.first_ns;
	if (t_ns > r->info.last_ns)
		t_ns = r->info.last_ns;
	r->at_ns = t_ns;
	r->has_moved = true;
}

/* A person moved it. */
static void
jump(struct replay *r, int64_t t_ns)
{
	replay_seek(r, t_ns);
	r->is_following = false;
	r->quiet_ns = clock_mono();
}

/* What was known before the recording began has its own time, but is no place to go to. */
static bool
is_place(const struct replay *r, const struct timeline_entry *e)
{
	return !e->is_backfilled && e->known_ns >= r->info.first_ns;
}

static const struct timeline_entry *
next_mark(const struct replay *r, int64_t after_ns, int kind)
{
	for (size_t i = 0; i < r->n_marks; i++)
		if (r->marks[i].known_ns > after_ns && is_place(r, &r->marks[i]) && (kind < 0 || (int)r->marks[i].kind == kind))
			return &r->marks[i];
	return NULL;
}

static const struct timeline_entry *
previous_mark(const struct replay *r, int64_t before_ns, int kind)
{
	for (size_t i = r->n_marks; i-- > 0;)
		if (r->marks[i].known_ns < before_ns && is_place(r, &r->marks[i]) && (kind < 0 || (int)r->marks[i].kind == kind))
			return &r->marks[i];
	return NULL;
}

static const struct replay_gap *
gap_at(const struct replay *r, int64_t t_ns)
{
	for (size_t i = 0; i < r->n_gaps; i++)
		if (t_ns >= r->gaps[i].from_ns && t_ns < r->gaps[i].to_ns)
			return &r->gaps[i];
	return NULL;
}

static int64_t
mono_add(int64_t t_ns, double by_ns)
{
	return by_ns < (double)CLOCK_FAR_NS ? t_ns + (int64_t)by_ns : CLOCK_FAR_NS;
}

/* From here, dt of real time further: over what is not recorded, and over what is idle. */
static int64_t
move_on(struct replay *r, int64_t dt_ns)
{
	int64_t to = mono_add(r->at_ns, (double)dt_ns * r->speed), limit = r->max_idle_ns > 0 ? r->max_idle_ns : IDLE_USUAL;
	const struct timeline_entry *next = next_mark(r, r->at_ns, -1);
	const struct replay_gap *gap = gap_at(r, to);

	if (next != NULL && to >= next->known_ns)
		r->quiet_ns = clock_mono();
	if (clock_mono() - r->quiet_ns < limit)
		return to;
	if (gap != NULL)
		to = gap->to_ns;
	if ((r->is_skipping || r->max_idle_ns > 0) && next != NULL && next->known_ns - BEFORE_MARK > to)
		to = next->known_ns - BEFORE_MARK;
	else if ((r->is_skipping || r->max_idle_ns > 0) && next == NULL)
		to = r->info.last_ns;
	return to;
}

/* Its writer is gone: what is shown is not live any more, and must not look so. */
static void
stop_following(struct replay *r)
{
	r->is_following = false;
	r->is_paused = r->has_moved = true;
}

static void
follow(struct replay *r)
{
	bool has_grown;

	if (clock_mono() - r->refreshed_ns < REFRESH_EVERY)
		return;
	r->refreshed_ns = clock_mono();
	has_grown = recording_refresh(r->rec);
	if (!has_grown) {
		recording_info(r->rec, &r->info);
		if (!r->info.is_live)	/* its last words may have come just before */
			has_grown = recording_refresh(r->rec);
	}
	if (has_grown) {
		look_again(r);
		replay_seek(r, r->info.last_ns);
	} else if (!r->info.is_live) {
		stop_following(r);
	}
}

static void
on_tick(void *arg)
{
	struct replay *r = arg;
	int64_t dt = clock_mono() - r->mono_ns;

	r->mono_ns = clock_mono();
	loop_timer_in(r->tick, TICK);
	if (r->is_following) {
		follow(r);
		return;
	}
	if (r->is_paused)
		return;
	replay_seek(r, move_on(r, dt));
	if (r->at_ns == r->info.last_ns)
		r->is_paused = true;
}

/* --- times as typed ------------------------------------------------------------------------------------------------------------ */

static int
open_log(const struct replay *r, struct pack **ret_pack, struct audit_reader **ret, struct err *err)
{
	const char *name, *head, *bytes;
	size_t len;
	char *dir;
	int rc;

	*ret_pack = NULL;
	if (!r->info.is_packed) {
		dir = audit_dir(r->app->conf->audit.dir);
		rc = audit_reader_open(dir, ret, err);
		free(dir);
		return rc;
	}
	rc = pack_open(r->info.path, ret_pack, err);
	if (rc < 0)
		return rc;
	bytes = pack_slice(*ret_pack, 0, &len, &name, &head);
	if (bytes == NULL) {
		pack_free(*ret_pack);
		return err_set(err, ERR_NOTFOUND, "this file has no records of an audit log");
	}
	*ret = audit_reader_memory(&name, &bytes, &len, 1);
	return 0;
}

static int
time_of_seq(const struct replay *r, uint64_t seq, int64_t *ret_ns, struct err *err)
{
	struct audit_reader *reader;
	struct audit_frame frame = { 0 };
	struct audit_line line;
	struct pack *pack;
	int rc;

	rc = open_log(r, &pack, &reader, err);
	if (rc < 0)
		return rc;
	while ((rc = audit_reader_next(reader, &line, err)) > 0 && frame.seq != seq)
		if (line.is_torn || audit_frame_read(line.bytes, line.len, &frame, NULL) < 0)
			frame.seq = 0;
	audit_reader_free(reader);
	pack_free(pack);
	if (rc < 0)
		return rc;
	if (frame.seq != seq)
		return err_set(err, ERR_NOTFOUND, "the audit log has no record %llu", (unsigned long long)seq);
	*ret_ns = frame.time_ns;
	return 0;
}

int
replay_time(struct replay *r, const char *text, int64_t *ret_ns, struct err *err)
{
	struct err why = ERR_INIT;
	char shown[64];
	int64_t t;
	int rc;

	if (*text != '\0' && text[strspn(text, "0123456789")] == '\0') {
		rc = time_of_seq(r, strtoull(text, NULL, 10), &t, err);
	} else if (*text == '+' || *text == '-') {
		rc = duration_parse(text + 1, &t, err);
		t = *text == '+' ? r->zero_ns + t : r->info.last_ns - t;
	} else {
		rc = time_text_parse(text, r->info.last_ns, &t, &why);
		if (rc < 0)
			rc = err_set(err, why.code, "no time: '%.40s'; say 02:10, 02:10:30, 2030-01-31T02:10:00Z (UTC), +10m from the opening of the incident, -10m from the end, or a record's number",
			    str_escape_to(shown, sizeof shown, text));
	}
	if (rc < 0)
		return rc;
	if (t < r->info.first_ns || t > r->info.last_ns) {
		char at[CLOCK_TEXT_MAX], first[CLOCK_TEXT_MAX], last[CLOCK_TEXT_MAX];

		return err_set(err, ERR_INVALID, "%s is not recorded: the recording goes from %s to %s", clock_format(at, t, 0),
		    clock_format(first, r->info.first_ns, 0), clock_format(last, r->info.last_ns, 0));
	}
	*ret_ns = t;
	return 0;
}

/* --- what is asked of it --------------------------------------------------------------------------------------------------- */

static int
go_to_mark(struct replay *r, const struct op *op, struct err *err)
{
	enum timeline_kind kind = TIMELINE_KINDS;
	const struct timeline_entry *e;
	int which = -1;

	if (op->text != NULL && !timeline_kind_find(op->text, &kind))
		return err_set(err, ERR_USAGE, "'%s' is no kind of mark", op->text);
	if (op->text != NULL)
		which = (int)kind;
	e = op->number > 0 ? next_mark(r, r->at_ns, which) : previous_mark(r, r->at_ns - (r->is_paused ? 0 : BACK_GRACE), which);
	if (e == NULL)
		return err_set(err, ERR_NOTFOUND, op->number > 0 ? "nothing more happened in this recording" : "nothing happened before this");
	jump(r, e->known_ns);
	return 0;
}

static void
change_speed(struct replay *r, int by)
{
	r->speed = by > 0 ? r->speed * 2 : r->speed / 2;
	if (r->speed > SPEED_MAX)
		r->speed = SPEED_MAX;
	if (r->speed < SPEED_MIN)
		r->speed = SPEED_MIN;
}

static int
seek_to(struct replay *r, const struct op *op, struct err *err)
{
	int64_t t = r->at_ns + op->number;
	int rc = op->text != NULL ? replay_time(r, op->text, &t, err) : 0;

	if (rc == 0)
		jump(r, t);
	return rc;
}

static void
pause_or_play(struct replay *r)
{
	if (r->is_following) {
		r->is_following = false;
		r->is_paused = true;
	} else {
		r->is_paused = !r->is_paused;
		if (!r->is_paused && r->at_ns == r->info.last_ns)
			jump(r, r->info.first_ns);	/* from the beginning again */
	}
}

int
replay_op(struct replay *r, const struct op *op, struct err *err)
{
	r->has_moved = true;
	switch (op->kind) {
	case OP_REPLAY_PAUSE: pause_or_play(r); return 0;
	case OP_REPLAY_SPEED: change_speed(r, (int)op->number); return 0;
	case OP_REPLAY_MARK: return go_to_mark(r, op, err);
	case OP_REPLAY_SEEK: return seek_to(r, op, err);
	case OP_REPLAY_SKIP: r->is_skipping = !r->is_skipping; return 0;
	case OP_REPLAY_OPERATOR: r->follows_operator = !r->follows_operator; return 0;
	case OP_TIME_STEP: jump(r, r->at_ns + op->number * app_range_resolution(r->app)); return 0;
	case OP_TIME_JUMP: jump(r, op->number); return 0;
	case OP_TIME_LIVE:
		jump(r, r->info.last_ns);
		r->is_following = r->info.is_live;
		return 0;
	case OP_LOG_FILTER: replay_lines_filter(r->lines, op->text); return 0;
	case OP_LOG_PATTERNS: replay_lines_patterns(r->lines, op->number != 0); return 0;
	case OP_TIME_SPAN: app_range_span_set(r->app, op->number); return 0;
	default: return err_set(err, ERR_DENIED, "this is a replay: nothing is asked and nothing can be changed from here");
	}
}

bool
replay_moved(struct replay *r)
{
	bool has_moved = r->has_moved;

	r->has_moved = false;
	return has_moved;
}

/* --- the view ------------------------------------------------------------------------------------------------------------------ */

const struct operator_focus *
replay_focus(struct replay *r)
{
	const struct model *m = r->follows_operator ? player_seek(r->player, r->at_ns, NULL) : NULL;

	return m != NULL ? model_focus(m) : NULL;
}

bool
replay_leave_operator(struct replay *r)
{
	bool was = r->follows_operator;

	r->follows_operator = false;
	r->has_moved |= was;
	return was;
}

void
replay_film(struct replay *r)
{
	r->is_film = true;
}

/* What is known of the log behind it and of the recording: verified in the background from the start. */
static void
say_verified(struct replay *r, const struct audit_view *a)
{
	char text[160];

	if (a == NULL || *a->verdict == '\0' || strcmp(a->verdict, "running") == 0)
		snprintf(text, sizeof text, "verifying");
	else if (strcmp(a->verdict, "good") == 0 || strcmp(a->verdict, "unanchored") == 0)
		snprintf(text, sizeof text, "verified");
	else if (strcmp(a->verdict, "partial") == 0)
		snprintf(text, sizeof text, "verified in part: %.*s", (int)strcspn(a->verdict_text, ";"), a->verdict_text);
	else
		snprintf(text, sizeof text, "NOT VERIFIED: %.120s", a->verdict_text);
	if (!str_eq(r->verified, text)) {
		free(r->verified);
		r->verified = xstrdup(text);
	}
}

static void
fill_bar(struct replay *r, const char *why)
{
	r->bar = (struct replay_view){
		.incident = r->name, .title = r->title, .at_ns = r->at_ns, .first_ns = r->info.first_ns, .last_ns = r->info.last_ns, .zero_ns = r->zero_ns,
		.speed = r->speed, .is_paused = r->is_paused, .is_following = r->is_following, .is_skipping = r->is_skipping,
		.follows_operator = r->follows_operator, .marks = r->marks, .n_marks = r->n_marks, .gaps = r->gaps, .n_gaps = r->n_gaps,
		.is_film = r->is_film, .unknown_why = why, .verified = r->verified };
}

void
replay_view(struct replay *r, struct view *v)
{
	const char *why = "";
	const struct model *m = player_seek(r->player, r->at_ns, &why);
	const struct operator_focus *focus = m != NULL && r->follows_operator ? model_focus(m) : NULL;

	if (focus != NULL && focus->end_ns > focus->start_ns)
		app_range_span_set(r->app, focus->end_ns - focus->start_ns);
	app_range_as_of(r->app, r->at_ns);
	v->model = m;
	v->live = m != NULL ? m : r->empty;
	v->now_ns = r->at_ns;
	v->range = r->app->range;
	v->is_read_only = true;
	v->is_unrecorded = false;
	v->past_from = PAST_NONE;
	if (focus != NULL && !focus->is_live) {	/* the past as it was looked at then */
		v->range = (struct timerange){ .start_ns = focus->start_ns, .end_ns = focus->end_ns, .cursor_ns = focus->cursor_ns };
		v->model = player_seek(r->beside, focus->cursor_ns, &why);
		v->past_from = v->model != NULL ? PAST_RECORDING : PAST_NONE;
	}
	replay_lines_view(r->lines, m, r->at_ns, v);
	say_verified(r, v->audit);
	fill_bar(r, v->model == NULL ? why : "");
	v->replay = &r->bar;
}

/* --- life ---------------------------------------------------------------------------------------------------------------------- */

int64_t
replay_position(const struct replay *r)
{
	return r->at_ns;
}

struct player *
replay_player(struct replay *r)
{
	return r->player;
}

const struct recording *
replay_recording(const struct replay *r)
{
	return r->rec;
}

/* As the operator looked at it then; else no more than was recorded. */
static void
begin_range(struct replay *r)
{
	static const int64_t spans[] = { 5 * NS_PER_MIN, 15 * NS_PER_MIN, 30 * NS_PER_MIN, NS_PER_HOUR, 3 * NS_PER_HOUR, 6 * NS_PER_HOUR };
	const int64_t asked[] = { r->at_ns, r->zero_ns, r->info.last_ns };	/* a recording may begin before its operator looks */
	const struct operator_focus *focus = NULL;
	size_t i = 0;

	for (size_t k = 0; k < sizeof asked / sizeof asked[0] && focus == NULL; k++) {
		const struct model *m = player_seek(r->player, asked[k], NULL);

		focus = m != NULL ? model_focus(m) : NULL;
	}
	if (focus != NULL && focus->end_ns > focus->start_ns) {
		app_range_span_set(r->app, focus->end_ns - focus->start_ns);
		return;
	}
	while (i + 1 < sizeof spans / sizeof spans[0] && spans[i] < r->info.last_ns - r->info.first_ns)
		i++;
	if (spans[i] < r->app->span_ns)
		app_range_span_set(r->app, spans[i]);
}

static int
begin_at(struct replay *r, const struct options *o, struct err *err)
{
	int64_t t = r->zero_ns - BEFORE_INCIDENT;
	int rc = 0;

	if (o->at != NULL)
		rc = replay_time(r, o->at, &t, err);
	if (rc < 0)
		return rc;
	if (o->is_following && !r->info.is_live)
		return err_set(err, ERR_USAGE, "--follow: nobody writes %s any more; without it the recording is played", r->info.path);
	r->is_following = o->is_following;
	replay_seek(r, r->is_following ? r->info.last_ns : t);
	begin_range(r);
	return 0;
}

/* The recording's own name of the environment, for where nothing is known. */
static void
make_empty(struct replay *r)
{
	struct environment *e = block_new(sizeof *e);
	struct event ev;

	e->name = arena_strdup(&e->block.arena, *r->info.env != '\0' ? r->info.env : "replay");
	e->title = e->severity_label = "";
	e->colour = "other";
	r->empty = model_new(0, 0);
	event_init(&ev, EVENT_ENVIRONMENT, r->info.first_ns, "", e);
	model_apply(r->empty, &ev);
	event_done(&ev);
}

int
replay_new(struct app *a, const struct options *o, struct recording *rec, struct replay **ret, struct err *err)
{
	struct replay *r = xcalloc(1, sizeof *r);
	int rc;

	r->app = a;
	r->rec = rec;
	r->player = player_new(rec);
	r->beside = player_new(rec);
	r->lines = replay_lines_new();
	r->speed = o->speed > 0 ? o->speed : 1;
	r->max_idle_ns = o->max_idle_ns;
	look_again(r);
	name_it(r);
	make_empty(r);
	rc = begin_at(r, o, err);
	if (rc < 0) {
		replay_free(r);
		return rc;
	}
	r->tick = loop_timer_new(a->loop, on_tick, r);
	*ret = r;
	return 0;
}

void
replay_start(struct replay *r)
{
	r->mono_ns = r->quiet_ns = clock_mono();
	loop_timer_in(r->tick, TICK);
}

void
replay_free(struct replay *r)
{
	if (r == NULL)
		return;
	loop_timer_free(r->tick);
	player_free(r->player);
	player_free(r->beside);
	recording_free(r->rec);
	model_free(r->empty);
	replay_lines_free(r->lines);
	free(r->name);
	free(r->title);
	free(r->verified);
	free(r);
}
