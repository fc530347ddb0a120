#include "config.h"

#include "trail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit/reader.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/run.h"
#include "runs.h"

enum { OWN_MAX = 256, TITLE_MAX = 200, NOTE_MAX = 4000, EXIT_USAGE = 2, EXIT_NO_TRAIL = 8 };
#define NOTE_LINES 1024u		/* of the log's end are looked through for what others did */
#define CLOSE_WAIT (5 * NS_PER_S)
#define LOOK_AGAIN (10 * NS_PER_S)	/* for what other consoles wrote */

struct pending {			/* a record that somebody waits for */
	LIST_ENTRY(pending) next;
	struct trail *trail;
	trail_ready_cb *cb;
	void *arg;
	void *block;			/* struct incident or struct note, told to the model once durable; NULL none */
	enum event_kind kind;
};

struct trail {
	struct app *app;
	const char *mode;
	struct audit *audit;
	struct err broken;		/* why it could not be opened */
	LIST_HEAD(, pending) pending;
	char *incident;			/* open; NULL none */
	char *joined;			/* --incident */
	struct loop_timer *look;
	struct timespec head_seen;
	struct look *looking;
	uint64_t note_seq;		/* records up to this one were looked through for what others did */
	uint64_t own[OWN_MAX];		/* the newest records of this program, a ring */
	size_t n_own;
	bool is_unwritable;
	bool has_looked;
};

struct trail *
trail_new(struct app *a, const char *mode)
{
	struct trail *t = xcalloc(1, sizeof *t);

	t->app = a;
	t->mode = mode;
	LIST_INIT(&t->pending);
	return t;
}

struct audit *
trail_audit(struct trail *t, struct err *err)
{
	const struct conf_audit *c = &t->app->conf->audit;
	const struct audit_options o = {
		.dir = c->dir, .head = c->head, .fallback = (const char *const *)c->fallback, .rotate_bytes = c->rotate_bytes,
		.env = t->app->env->name, .mode = t->mode, .is_lazy = true };
	struct err why = ERR_INIT;

	if (t->audit != NULL)
		return t->audit;
	if (audit_open(t->app->loop, &o, &t->audit, &why) < 0) {
		t->audit = NULL;
		err_set(err, why.code, "the audit trail cannot be written, and nothing is done without it: %s", why.msg);
	}
	return t->audit;
}

/* --- what the log says ---------------------------------------------------------------------------------------------- */

static void
tell_incident(struct trail *t, const char *id, const char *title, const char *by, int64_t opened_ns, int64_t closed_ns, const char *closing)
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

static bool
has_note(const struct trail *t, uint64_t seq)
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

		if (has_note(t, l->notes[i]->seq))
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

	tell_incident(t, t->incident, is_same ? in->title : "", is_found ? l->closed_by : "", is_same ? in->opened_ns : 0, clock_now(),
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
			tell_incident(t, l->id, l->title != NULL ? l->title : "", "", l->opened_ns, 0, NULL);
		free(t->incident);
		t->incident = l->id != NULL ? xstrdup(l->id) : NULL;
	}
	look_free(l);
}

static void
look_writable(struct trail *t, bool is_said, struct err *err)
{
	struct audit *a = trail_audit(t, err);
	bool was = t->is_unwritable;

	t->is_unwritable = a == NULL || audit_check(a, err) < 0;
	if (t->is_unwritable == was)
		return;
	app_changed(t->app);	/* the status line has it */
	if (t->is_unwritable && !is_said) {
		char *text = xasprintf("audit: not writable, so nothing can be done from here: %s", err->msg);

		app_note(t->app, text);
		free(text);
	}
}

/* Before anything is tried: who may not act should know when nothing has happened yet. While it cannot be written, whether it can by now. */
static void
check_writable(struct trail *t)
{
	struct err err = ERR_INIT;

	look_writable(t, false, &err);
}

bool
trail_is_writable(const struct trail *t)
{
	return !t->is_unwritable;
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

static void
look(void *arg)
{
	struct trail *t = arg;
	struct look *l;
	bool is_new;

	loop_timer_in(t->look, LOOK_AGAIN);
	if (t->is_unwritable)
		check_writable(t);
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
trail_start(struct trail *t)
{
	t->look = loop_timer_new(t->app->loop, look, t);
	loop_timer_slack(t->look, NS_PER_S);
	check_writable(t);
	look(t);
	t->has_looked = true;
}

const char *
trail_incident(const struct trail *t)
{
	return t->joined != NULL ? t->joined : t->incident;
}

int
trail_join(struct trail *t, const char *id, struct err *err)
{
	char shown[128];

	if (!run_id_is_valid(id))
		return err_set(err, ERR_USAGE, "'%s' cannot name an incident: letters, digits, '-', '_' and '.', at most 63",
		    str_escape_to(shown, sizeof shown, id));
	free(t->joined);
	t->joined = xstrdup(id);
	return 0;
}

/* --- records ---------------------------------------------------------------------------------------------------------- */

/* What was not recorded did not happen. */
static void
take_back(struct trail *t, const struct incident *in)
{
	free(t->incident);
	t->incident = in->closed_ns != 0 ? xstrdup(in->id) : NULL;
}

static void
on_durable(const struct audit_done *done, void *arg)
{
	struct pending *p = arg;
	struct err err = ERR_INIT;

	LIST_REMOVE(p, next);
	if (done->err_code == 0)
		p->trail->own[p->trail->n_own++ % OWN_MAX] = done->seq;
	if (done->err_code != 0) {
		struct err why = ERR_INIT;

		err_set(&err, done->err_code, "it could not be recorded, so it was not done: %s", done->err);
		if (p->trail->look != NULL)	/* and the program does not end */
			look_writable(p->trail, p->cb != NULL, &why);	/* who waited for it is told */
		if (p->kind == EVENT_INCIDENT)
			take_back(p->trail, p->block);
	} else if (p->block != NULL && !(p->kind == EVENT_NOTE && has_note(p->trail, done->seq))) {
		struct event ev;

		if (p->kind == EVENT_NOTE)
			((struct note *)p->block)->seq = done->seq;
		event_init(&ev, p->kind, clock_now(), "", p->block);
		p->block = NULL;
		app_apply(p->trail->app, &ev);
		event_done(&ev);
	}
	if (p->cb != NULL)
		p->cb(done->seq, err.code != 0 ? &err : NULL, p->arg);
	block_unref(p->block);
	free(p);
}

void
trail_free(struct trail *t)
{
	struct pending *p;

	if (t == NULL)
		return;
	loop_timer_free(t->look);
	t->look = NULL;
	if (t->looking != NULL)
		t->looking->trail = NULL;
	audit_close(t->audit, CLOSE_WAIT);
	while ((p = LIST_FIRST(&t->pending)) != NULL) {
		const struct audit_done cancelled = { .err_code = ERR_CANCELLED, .err = "the program ends" };

		on_durable(&cancelled, p);
	}
	free(t->incident);
	free(t->joined);
	free(t);
}

/* Takes draft's body and block. */
static int
append(struct trail *t, struct audit_draft *draft, enum event_kind kind, void *block, trail_ready_cb *cb, void *arg, struct err *err)
{
	struct audit *a = trail_audit(t, err);
	struct pending *p;

	if (a == NULL) {
		json_decref(draft->body);
		block_unref(block);
		return err->code;
	}
	p = xcalloc(1, sizeof *p);
	*p = (struct pending){ .trail = t, .cb = cb, .arg = arg, .block = block, .kind = kind };
	LIST_INSERT_HEAD(&t->pending, p, next);
	audit_append(a, draft, on_durable, p);
	return 0;
}

/* Text for a record: bytes that are no UTF-8 written visibly. */
static json_t *
text_of(const char *text)
{
	struct buf b;
	json_t *json;

	if (utf8_is_valid(text, strlen(text)))
		return json_string(text);
	buf_init(&b, 4 * strlen(text) + 1);
	str_escape(&b, text, strlen(text));
	json = json_string(b.data);
	buf_done(&b);
	return json;
}

void
trail_act(struct trail *t, const char *verb, const char *object, const char *source, const char *text, trail_ready_cb *cb, void *arg)
{
	struct audit_draft draft = { .type = AUDIT_ACT, .incident = trail_incident(t), .body = json_object() };
	struct err err = ERR_INIT;

	json_object_set_new(draft.body, "verb", text_of(verb));
	json_object_set_new(draft.body, "object", text_of(object));
	json_object_set_new(draft.body, "text", text_of(text));
	json_object_set_new(draft.body, "source", text_of(source != NULL ? source : ""));
	if (append(t, &draft, EVENT_KINDS, NULL, cb, arg, &err) < 0)
		cb(0, &err, arg);
}

void
trail_act_result(struct trail *t, uint64_t seq, const char *outcome, const char *text)
{
	struct audit_draft draft = { .type = AUDIT_ACT_RESULT, .incident = trail_incident(t), .body = json_object() };
	struct err err = ERR_INIT;

	json_object_set_new(draft.body, "act", json_integer((json_int_t)seq));
	json_object_set_new(draft.body, "outcome", json_string(outcome));
	json_object_set_new(draft.body, "text", text_of(text));
	if (append(t, &draft, EVENT_KINDS, NULL, NULL, NULL, &err) < 0)
		app_note(t->app, err.msg);
}

void
trail_tell(struct trail *t, enum audit_type type, const char *incident, json_t *body)
{
	struct audit_draft draft = { .type = type, .incident = incident != NULL ? incident : trail_incident(t), .body = body };
	struct err err = ERR_INIT;

	if (t->is_unwritable) {
		json_decref(body);
		return;
	}
	append(t, &draft, EVENT_KINDS, NULL, NULL, NULL, &err);
}

void
trail_forget(struct trail *t, const void *arg)
{
	struct pending *p;

	LIST_FOREACH(p, &t->pending, next)
		if (p->arg == arg)
			p->cb = NULL;
}

/* --- incidents and notes ------------------------------------------------------------------------------------------------- */

static int
check_text(const char *what, const char *text, size_t max, struct err *err)
{
	if (text == NULL || text[strspn(text, " \t\n")] == '\0')
		return err_set(err, ERR_USAGE, "%s needs some words", what);
	if (strlen(text) > max)
		return err_set(err, ERR_USAGE, "%s is too long: %zu bytes, at most %zu", what, strlen(text), max);
	return 0;
}

int
trail_note(struct trail *t, const char *text, trail_ready_cb *cb, void *arg, struct err *err)
{
	struct audit_draft draft = { .type = AUDIT_NOTE, .incident = trail_incident(t) };
	struct note *note;
	int r;

	r = check_text("a note", text, NOTE_MAX, err);
	if (r < 0)
		return r;
	note = block_new(sizeof *note);
	note->incident = draft.incident != NULL ? arena_strdup(&note->block.arena, draft.incident) : NULL;
	note->by = arena_strdup(&note->block.arena, t->app->user);
	note->text = arena_strdup(&note->block.arena, text);
	draft.body = json_object();
	json_object_set_new(draft.body, "text", text_of(text));
	return append(t, &draft, EVENT_NOTE, note, cb, arg, err);
}

/* "20300101-0214-web": date, time, and host up to its first dot. */
static char *
make_id(void)
{
	struct audit_actor actor;
	char at[CLOCK_TEXT_MAX];

	audit_actor_self(&actor);
	clock_format(at, clock_now(), 0);
	return xasprintf("%.4s%.2s%.2s-%.2s%.2s-%.*s", at, at + 5, at + 8, at + 11, at + 14, (int)strcspn(actor.host, "."), actor.host);
}

static void *
incident_block(struct trail *t, const char *id, const char *title, int64_t opened_ns, int64_t closed_ns, const char *closing)
{
	struct incident *in = block_new(sizeof *in);

	in->id = arena_strdup(&in->block.arena, id);
	in->title = arena_strdup(&in->block.arena, title);
	in->by = arena_strdup(&in->block.arena, t->app->user);
	in->opened_ns = opened_ns;
	in->closed_ns = closed_ns;
	in->closing = closing != NULL ? arena_strdup(&in->block.arena, closing) : NULL;
	return in;
}

int
trail_incident_open(struct trail *t, const char *title, const char *id, trail_ready_cb *cb, void *arg, struct err *err)
{
	struct audit_draft draft = { .type = AUDIT_INCIDENT_OPENED };
	char shown[128], *made;
	int r;

	r = check_text("the title of an incident", title, TITLE_MAX, err);
	if (r < 0)
		return r;
	if (id != NULL && !run_id_is_valid(id))
		return err_set(err, ERR_USAGE, "'%s' cannot name an incident: letters, digits, '-', '_' and '.', at most 63",
		    str_escape_to(shown, sizeof shown, id));
	if (t->incident != NULL && !str_eq(t->incident, id))
		return err_set(err, ERR_USAGE, "incident %s is open: close it first", t->incident);
	made = id != NULL ? xstrdup(id) : make_id();
	draft.incident = made;
	draft.body = json_object();
	json_object_set_new(draft.body, "title", text_of(title));
	json_object_set_new(draft.body, "joined", json_boolean(id != NULL));
	r = append(t, &draft, EVENT_INCIDENT, incident_block(t, made, title, clock_now(), 0, NULL), cb, arg, err);
	if (r == 0) {
		free(t->incident);
		t->incident = made;
	} else {
		free(made);
	}
	return r;
}

int
trail_incident_close(struct trail *t, const char *id, const char *text, trail_ready_cb *cb, void *arg, struct err *err)
{
	struct audit_draft draft = { .type = AUDIT_INCIDENT_CLOSED };
	const struct incident *in = model_incident(t->app->model);
	char *closed;
	int r;

	if (id == NULL)
		id = t->incident;
	if (id == NULL)
		return err_set(err, ERR_USAGE, "no incident is open in environment %s", t->app->env->name);
	if (!str_eq(id, t->incident)) {
		char shown[128];

		str_escape_to(shown, sizeof shown, id);
		return t->incident != NULL ? err_set(err, ERR_USAGE, "incident %s is not open here; %s is", shown, t->incident) :
		    err_set(err, ERR_USAGE, "incident %s is not open in environment %s", shown, t->app->env->name);
	}
	closed = xstrdup(id);
	draft.incident = closed;
	draft.body = json_object();
	json_object_set_new(draft.body, "text", text_of(text != NULL ? text : ""));
	r = append(t, &draft, EVENT_INCIDENT,
	    incident_block(t, closed, in != NULL ? in->title : "", in != NULL ? in->opened_ns : 0, clock_now(), text), cb, arg, err);
	if (r == 0) {
		free(t->incident);
		t->incident = NULL;
	}
	free(closed);
	return r;
}

/* --- one record from the command line ------------------------------------------------------------------------------------- */

struct one {
	struct loop *loop;
	struct err err;
};

static void
on_one(uint64_t seq, const struct err *err, void *arg)
{
	struct one *one = arg;

	(void)seq;
	if (err != NULL)
		one->err = *err;
	loop_stop(one->loop, err != NULL ? EXIT_NO_TRAIL : EXIT_SUCCESS);
}

/* What the log says first: a title for the incident that is closed, the incident that a note belongs to. */
int
trail_find_incident(struct trail *t, struct err *err)
{
	char *dir = audit_dir(t->app->conf->audit.dir), *title = NULL;
	int64_t opened_ns = 0;
	int r = audit_open_incident(dir, t->app->env->name, &t->incident, &title, &opened_ns, err);

	if (r == ERR_NOTFOUND)	/* no log yet */
		r = 0;
	if (r == 0 && t->incident != NULL)
		tell_incident(t, t->incident, title != NULL ? title : "", "", opened_ns, 0, NULL);
	free(title);
	free(dir);
	return r;
}

static int
write_one(struct trail *t, const struct options *o, struct one *one, struct err *err)
{
	if (o->note != NULL)
		return trail_note(t, o->note, on_one, one, err);
	if (o->incident_title != NULL)
		return trail_incident_open(t, o->incident_title, o->incident, on_one, one, err);
	return trail_incident_close(t, o->incident_close, NULL, on_one, one, err);
}

int
trail_main(struct app *a, const struct options *o)
{
	struct trail *t = trail_new(a, "note");
	struct one one = { .loop = a->loop };
	struct err err = ERR_INIT;
	char *id = NULL;
	int status;

	if (trail_find_incident(t, &err) < 0 || (o->note != NULL && o->incident != NULL && trail_join(t, o->incident, &err) < 0)) {
		status = err.code == ERR_USAGE ? EXIT_USAGE : EXIT_NO_TRAIL;
	} else {
		id = o->incident_close != NULL ? xstrdup(o->incident_close) : NULL;
		if (write_one(t, o, &one, &err) < 0) {
			status = err.code == ERR_USAGE ? EXIT_USAGE : EXIT_NO_TRAIL;
		} else {
			if (id == NULL && trail_incident(t) != NULL)
				id = xstrdup(trail_incident(t));
			status = loop_run(a->loop);
			err = one.err;
		}
	}
	if (status != EXIT_SUCCESS)
		fprintf(stderr, "opsconsole: %s\n", err.msg);
	else if (id != NULL)
		printf("%s\n", id);
	free(id);
	trail_free(t);
	return status;
}
