#include "config.h"

#include "trail_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/run.h"

enum { TITLE_MAX = 200, NOTE_MAX = 4000, EXIT_USAGE = 2, EXIT_NO_TRAIL = 8 };
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

/* --- whether it can be written --------------------------------------------------------------------------------------------- */

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

static void
look(void *arg)
{
	struct trail *t = arg;

	loop_timer_in(t->look, LOOK_AGAIN);
	if (t->is_unwritable)
		check_writable(t);
	trail_look(t);
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
	} else if (p->block != NULL && !(p->kind == EVENT_NOTE && trail_has_note(p->trail, done->seq))) {
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
	trail_look_stop(t);
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

/* "20300101-021405-web": date, time, and host up to its first dot. */
static char *
make_id(void)
{
	struct audit_actor actor;
	char at[CLOCK_TEXT_MAX];

	audit_actor_self(&actor);
	clock_format(at, clock_now(), 0);
	return xasprintf("%.4s%.2s%.2s-%.2s%.2s%.2s-%.*s", at, at + 5, at + 8, at + 11, at + 14, at + 17, (int)strcspn(actor.host, "."), actor.host);
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
		trail_tell_incident(t, t->incident, title != NULL ? title : "", "", opened_ns, 0, NULL);
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
