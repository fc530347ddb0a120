/* What the audit log says: the open incident, and what others did or noted. Other consoles of this user write to the same log. */
#include "config.h"

#include "trail_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit/reader.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runs.h"

#define NOTE_LINES 1024u		/* of the log's end are looked through for what others did */

void
trail_tell_incident(struct trail *t, const char *id, const char *title, const char *by, int64_t opened_ns, int64_t closed_ns, const char *closing)
{
	struct incident *in = block_new(sizeof *in);
	struct event ev;

	in->id = arena_strdup(&in->block.arena, id);
	in->title = arena_strdup(&in->block.arena, title);
	in->by = arena_strdup(&in->block.arena, by);
	in->opened_ns = opened_ns;
	in->closed_ns = closed_ns;
	in->closing = closing != NULL ? arena_strdup(&in->block.arena, closing) : NULL;
	event_init(&ev, EVENT_INCIDENT, clock_now(), "", in);
	app_apply(t->app, &ev);
	event_done(&ev);
}

struct look {
	struct trail *trail;
	char *dir, *env;		/* copies: a worker reads them */
	char *id, *title;
	int64_t opened_ns;
	char *closed, *closed_by, *closing;	/* the incident that was closed last, by whom, with what words */
	int r;
	uint64_t after_seq, last_seq;
	struct note **notes;		/* newer than after_seq */
	size_t n_notes;
	struct timeline_set *told;	/* runs and acts, likewise; NULL none */
	struct timeline_entry *v;
	size_t cap;
	bool is_first;
};

static void
take_note(struct look *l, const struct audit_record *rec)
{
	const char *text = json_string_value(json_object_get(rec->json, "text"));
	struct note *note;

	if (rec->type != AUDIT_NOTE || text == NULL || !str_eq(rec->env, l->env))
		return;
	note = block_new(sizeof *note);
	note->incident = rec->incident != NULL ? arena_strdup(&note->block.arena, rec->incident) : NULL;
	note->by = arena_strdup(&note->block.arena, rec->user != NULL ? rec->user : "");
	note->text = arena_strdup(&note->block.arena, text);
	note->seq = rec->seq;
	note->at_ns = rec->time_ns;
	l->notes = xreallocarray(l->notes, l->n_notes + 1, sizeof(struct note *));
	l->notes[l->n_notes++] = note;
}

static const char *
member(const struct audit_record *rec, const char *name)
{
	const char *text = json_string_value(json_object_get(rec->json, name));

	return text != NULL ? text : "";
}

static void
add_entry(struct look *l, const struct audit_record *rec, enum timeline_kind kind, bool is_end, const char *id, const char *what, const char *text)
{
	struct arena *arena;

	if (l->told == NULL) {
		l->told = block_new(sizeof *l->told);
		l->v = arena_alloc(&l->told->block.arena, NOTE_LINES * sizeof *l->v);
	}
	if (l->told->n == NOTE_LINES)
		return;
	arena = &l->told->block.arena;
	l->v[l->told->n++] = (struct timeline_entry){
		.at_ns = rec->time_ns, .known_ns = rec->time_ns, .kind = kind, .is_end = is_end, .severity = SEVERITY_NONE, .id = arena_strdup(arena, id),
		.what = arena_strdup(arena, what), .text = arena_strdup(arena, text), .by = arena_strdup(arena, rec->user != NULL ? rec->user : ""), .seq = rec->seq };
	l->told->v = l->v;
}

static void
take_closing(struct look *l, const struct audit_record *rec)
{
	free(l->closed);
	free(l->closed_by);
	free(l->closing);
	l->closed = xstrdup(rec->incident);
	l->closed_by = xstrdup(rec->user != NULL ? rec->user : "");
	l->closing = xstrdup(member(rec, "text"));
}

/* What somebody else did from another terminal. */
static void
take_deed(struct look *l, const struct audit_record *rec)
{
	char *id;

	if (!str_eq(rec->env, l->env))
		return;
	if ((rec->type == AUDIT_RUN_START || rec->type == AUDIT_RUN_END) && rec->run != NULL) {
		id = xasprintf("run:%s", rec->run);
		if (rec->type == AUDIT_RUN_START)
			add_entry(l, rec, TIMELINE_RUN, false, id, member(rec, "runbook"), rec->run);
		else
			add_entry(l, rec, TIMELINE_RUN, true, id, rec->run, member(rec, "text"));
		free(id);
	} else if (rec->type == AUDIT_ACT) {
		id = xasprintf("act:%llu", (unsigned long long)rec->seq);
		add_entry(l, rec, TIMELINE_ACT, false, id, member(rec, "verb"), member(rec, "text"));
		free(id);
	} else if (rec->type == AUDIT_INCIDENT_CLOSED && rec->incident != NULL) {
		take_closing(l, rec);
	}
}

/* The first look only finds where the log ends. */
static void
look_for_notes(struct look *l)
{
	struct audit_reader *r;
	struct audit_line line;

	if (audit_reader_open(l->dir, &r, NULL) < 0)
		return;
	if (audit_reader_tail(r, NOTE_LINES, NULL) == 0)
		while (audit_reader_next(r, &line, NULL) > 0) {
			struct audit_record rec;

			if (line.is_torn || audit_record_read(line.bytes, line.len, &rec, NULL) < 0)
				continue;
			if (!l->is_first && rec.seq > l->after_seq) {
				take_note(l, &rec);
				take_deed(l, &rec);
			}
			l->last_seq = rec.seq;
			audit_record_done(&rec);
		}
	audit_reader_free(r);
}

static void
look_work(void *arg)
{
	struct look *l = arg;
	struct err err = ERR_INIT;

	look_for_notes(l);
	l->r = audit_open_incident(l->dir, l->env, &l->id, &l->title, &l->opened_ns, &err);
}

bool
trail_has_note(const struct trail *t, uint64_t seq)
{
	const struct model *m = t->app->model;
	int64_t at_ns;

	for (size_t i = 0; i < model_notes(m); i++)
		if (model_note(m, i, &at_ns)->seq == seq)
			return true;
	return false;
}

/* Our own are there already, or will be found to be there. */
static void
tell_notes(struct trail *t, struct look *l)
{
	for (size_t i = 0; i < l->n_notes; i++) {
		struct event ev;

		if (trail_has_note(t, l->notes[i]->seq))
			continue;
		event_init(&ev, EVENT_NOTE, clock_now(), "", l->notes[i]);
		l->notes[i] = NULL;
		app_apply(t->app, &ev);
		event_done(&ev);
	}
	if (l->last_seq > t->note_seq)
		t->note_seq = l->last_seq;
}

static bool
is_own(const struct trail *t, uint64_t seq)
{
	for (size_t i = 0; i < t->n_own && i < OWN_MAX; i++)
		if (t->own[i] == seq)
			return true;
	return false;
}

/* The same beginning or end, however it was heard of; and the name that goes with it. */
static bool
is_told(const struct model *m, const struct timeline_entry *e, const char **ret_what)
{
	for (size_t i = 0; i < model_n_timeline(m); i++) {
		const struct timeline_entry *other = model_timeline(m, i);

		if (strcmp(other->id, e->id) != 0)
			continue;
		if (other->is_end == e->is_end)
			return true;
		*ret_what = other->what;
	}
	return false;
}

/* Of runs that this program has not run, and acts that it has not done. */
static void
tell_deeds(struct trail *t, struct look *l)
{
	size_t n = 0;
	struct event ev;

	if (l->told == NULL)
		return;
	for (size_t i = 0; i < l->told->n; i++) {
		struct timeline_entry e = l->v[i];

		if (is_own(t, e.seq) || is_told(t->app->model, &e, &e.what))
			continue;
		for (size_t j = 0; e.is_end && j < n; j++)
			if (strcmp(l->v[j].id, e.id) == 0)
				e.what = l->v[j].what;
		e.what = arena_strdup(&l->told->block.arena, e.what);
		e.known_ns = clock_now();
		l->v[n++] = e;
	}
	l->told->n = n;
	event_init(&ev, EVENT_TIMELINE, clock_now(), "", l->told);
	l->told = NULL;
	if (n > 0)
		app_apply(t->app, &ev);
	event_done(&ev);
}

static void
look_free(struct look *l)
{
	block_unref(l->told);
	for (size_t i = 0; i < l->n_notes; i++)
		block_unref(l->notes[i]);
	free(l->notes);
	free(l->id);
	free(l->title);
	free(l->closed);
	free(l->closed_by);
	free(l->closing);
	free(l->dir);
	free(l->env);
	free(l);
}

/* Closed from another terminal. */
static void
tell_closed(struct trail *t, const struct look *l)
{
	const struct incident *in = model_incident(t->app->model);
	bool is_same = in != NULL && strcmp(in->id, t->incident) == 0, is_found = str_eq(l->closed, t->incident);

	trail_tell_incident(t, t->incident, is_same ? in->title : "", is_found ? l->closed_by : "", is_same ? in->opened_ns : 0, clock_now(),
	    is_found ? l->closing : NULL);
}

static void
look_done(void *arg)
{
	struct look *l = arg;
	struct trail *t = l->trail;

	if (t == NULL) {
		look_free(l);
		return;
	}
	t->looking = NULL;
	if (l->r != ERR_CANCELLED) {
		tell_notes(t, l);
		tell_deeds(t, l);
	}
	if (l->r == 0 && !str_eq(l->id, t->incident)) {
		if (t->incident != NULL && l->id == NULL)
			tell_closed(t, l);
		if (l->id != NULL)
			trail_tell_incident(t, l->id, l->title != NULL ? l->title : "", "", l->opened_ns, 0, NULL);
		free(t->incident);
		t->incident = l->id != NULL ? xstrdup(l->id) : NULL;
	}
	look_free(l);
}

/* Other consoles of this user write to the same log: the head beside it tells that they have. */
static bool
is_head_new(struct trail *t)
{
	char *path = audit_head_path(t->app->conf->audit.head);
	struct stat st;
	bool is_new = stat(path, &st) == 0 &&
	    (st.st_mtim.tv_sec != t->head_seen.tv_sec || st.st_mtim.tv_nsec != t->head_seen.tv_nsec);

	if (is_new)
		t->head_seen = st.st_mtim;
	free(path);
	return is_new;
}

void
trail_look(struct trail *t)
{
	struct look *l;
	bool is_new;

	if (t->looking != NULL)
		return;
	is_new = is_head_new(t);
	if (t->has_looked)
		runs_look_again(t->app->runs, is_new);
	if (!is_new)
		return;
	t->looking = l = xcalloc(1, sizeof *l);
	*l = (struct look){ .trail = t, .after_seq = t->note_seq, .is_first = !t->has_looked, .dir = audit_dir(t->app->conf->audit.dir), .env = xstrdup(t->app->env->name), .r = ERR_CANCELLED };
	pool_run(t->app->insight, look_work, look_done, l);
}

void
trail_look_stop(struct trail *t)
{
	if (t->looking != NULL)
		t->looking->trail = NULL;
}
