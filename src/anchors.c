/*
 * Every two seconds a worker looks where the head is; whatever depends on it follows from there: the copies in the same task, a line for journald, a checkpoint when
 * one is due, a word to the shippers. The head and not the log's end is what is spread: only what the head names is known to be durable.
 */
#include "config.h"

#include "anchors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anchors_look.h"
#include "audit/audit.h"
#include "audit/glass.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "checkpoints.h"
#include "ship.h"
#include "source/web.h"
#include "trail.h"

#define LOOK_NS (2 * NS_PER_S)
#define TELL_NS (60 * NS_PER_S)		/* journald is told at most so often */
#define SIGN_AGAIN_NS (10 * NS_PER_MIN)	/* after a checkpoint that failed */
enum { IN_FLIGHT_MAX = 4 << 20 };

struct look_task {
	struct anchors *anchors;	/* NULL: gone meanwhile */
	bool is_worked;
	struct anchors_look look;
};

struct anchors {
	struct app *app;
	char *dir, *head_path, *chain;
	struct pool_lane *lane;
	struct loop_timer *timer;
	struct look_task *task;
	bool has_looked;

	struct audit_head head;
	int64_t head_ns;
	char head_why[256];
	struct anchor_copy copy[ANCHOR_COPIES_MAX];
	bool copy_said[ANCHOR_COPIES_MAX];

	uint64_t told_seq;		/* to journald */
	int64_t told_ns, told_mono_ns;
	bool is_tell_failed, is_tell_wanted;
	bool has_nobody_to_tell;	/* nor was anybody named in the config */

	struct checkpoint_job *job;
	bool is_sign_wanted;		/* asked for, or an incident was closed */
	bool is_sign_asked;		/* by a person, who is told how it went */
	struct audit_checkpoint last;	/* newest checkpoint; seq 0 none */
	struct audit_head signing;	/* what the job signs */
	uint64_t own_seq;		/* the record about it: alone it is no reason for another */
	int64_t sign_after_mono_ns;
	char sign_why[256];

	struct transport *web;
	struct ship **ships;
	size_t n_ships;
};

static const struct conf_audit *
conf_of(const struct anchors *n)
{
	return &n->app->conf->audit;
}

/* --- journald --------------------------------------------------------------------------------------------------------------------------------------------- */

static void
tell(struct anchors *n)
{
	char *text;
	int r;

	if (conf_of(n)->journald == CONF_JOURNALD_NO || n->head.seq == 0 || n->head.seq == n->told_seq)
		return;
	text = xasprintf("head of the audit log of %s in %s: %" PRIu64 ":%s", n->chain, n->dir, n->head.seq, n->head.hash);
	r = glass_say("head", text);
	free(text);
	n->is_tell_failed = r < 0;
	n->has_nobody_to_tell = r < 0 && conf_of(n)->journald == CONF_JOURNALD_AUTO && n->told_seq == 0 && !glass_has_place();
	n->is_tell_wanted = false;
	n->told_mono_ns = clock_mono_fresh();
	if (r == 0) {
		n->told_seq = n->head.seq;
		n->told_ns = clock_now();
	}
}

/* --- checkpoints -------------------------------------------------------------------------------------------------------------------------------------------- */

/* Who later reads the log finds where its checkpoints are. */
static void
on_recorded(const struct audit_done *done, void *arg)
{
	struct anchors *n = arg;

	if (done->err_code == 0)
		n->own_seq = done->seq;
}

static void
record(struct anchors *n, const struct checkpoint_made *made)
{
	struct audit_draft draft = { .type = AUDIT_ANCHOR, .body = json_object() };
	struct audit *a = n->app->trail == NULL ? NULL : trail_audit(n->app->trail, NULL);

	json_object_set_new(draft.body, "kind", json_string("checkpoint"));
	json_object_set_new(draft.body, "head", json_sprintf("%llu:%s", (unsigned long long)n->signing.seq, n->signing.hash));
	json_object_set_new(draft.body, "where", json_string_nocheck(made->path));
	json_object_set_new(draft.body, "key", json_string(made->key));
	if (a != NULL)
		audit_append(a, &draft, on_recorded, n);
	else
		json_decref(draft.body);
}

static void
on_checkpoint(const struct checkpoint_made *made, const struct err *err, void *arg)
{
	struct anchors *n = arg;
	char *text;

	n->job = NULL;
	if (err != NULL) {
		n->sign_after_mono_ns = clock_mono() + SIGN_AGAIN_NS;
		if (n->is_sign_asked || n->sign_why[0] == '\0')
			app_note(n->app, err->msg);
		str_escape_to(n->sign_why, sizeof n->sign_why, err->msg);
	} else {
		n->sign_why[0] = '\0';
		n->last = (struct audit_checkpoint){ .seq = made->seq, .time_ns = made->time_ns };
		memcpy(n->last.hash, n->signing.hash, sizeof n->last.hash);
		record(n, made);
		if (n->is_sign_asked) {
			text = xasprintf("checkpoint: record %" PRIu64 " is signed: %s", made->seq, made->path);
			app_note(n->app, text);
			free(text);
		}
	}
	n->is_sign_asked = false;
}

static void
sign(struct anchors *n)
{
	struct audit_checkpoint c = { .seq = n->head.seq, .time_ns = clock_now() };

	n->is_sign_wanted = false;
	snprintf(c.chain, sizeof c.chain, "%s %.500s", n->chain, n->dir);
	memcpy(c.hash, n->head.hash, sizeof c.hash);
	n->signing = n->head;
	n->job = checkpoint_make(n->app->loop, n->lane, &c, conf_of(n)->checkpoint_key, conf_of(n)->checkpoint_dir, NULL, on_checkpoint, n);
}

static bool
is_sign_due(const struct anchors *n)
{
	int64_t every = conf_of(n)->checkpoint_every_ns;

	if (conf_of(n)->checkpoint_key == NULL || n->job != NULL || n->head.seq == 0)
		return false;
	if (n->is_sign_wanted)
		return true;
	return every > 0 && clock_now() - n->last.time_ns >= every && clock_mono() >= n->sign_after_mono_ns && n->head.seq > n->last.seq &&
	    n->head.seq != n->own_seq;
}

void
anchors_checkpoint(struct anchors *n)
{
	if (n == NULL)
		return;
	if (conf_of(n)->checkpoint_key == NULL) {
		app_note(n->app, "checkpoint: no key is named: audit: { checkpoint: { key: ~/.ssh/id_ed25519.pub } } in the config");
	} else if (n->head.seq == 0 && n->has_looked) {
		app_note(n->app, "checkpoint: the audit log has no records yet");
	} else if (n->job != NULL) {
		n->is_sign_asked = true;	/* how that one goes is told */
	} else {
		n->is_sign_wanted = n->is_sign_asked = true;
		loop_timer_in(n->timer, 0);
	}
}

/* --- looking ----------------------------------------------------------------------------------------------------------------------------------------------- */

/* Of a copy that fails a person hears once. */
static void
say_copies(struct anchors *n)
{
	for (size_t i = 0; conf_of(n)->copies != NULL && conf_of(n)->copies[i] != NULL && i < ANCHOR_COPIES_MAX; i++) {
		const struct anchor_copy *c = &n->copy[i];
		char shown[160], *text;

		if (c->why[0] != '\0' && !n->copy_said[i]) {
			text = xasprintf("audit: copy of the head %s: %s", str_escape_to(shown, sizeof shown, conf_of(n)->copies[i]), c->why);
			app_note(n->app, text);
			free(text);
		}
		n->copy_said[i] = c->why[0] != '\0';
	}
}

/* Checkpoints of several logs may be in one folder. */
static bool
is_own_chain(const struct anchors *n, const struct audit_checkpoint *c)
{
	char name[sizeof c->chain], own[sizeof c->chain];

	snprintf(name, sizeof name, "%s %.500s", n->chain, n->dir);
	return strcmp(str_escape_to(own, sizeof own, name), c->chain) == 0;
}

static void
take(struct anchors *n, const struct anchors_look *l)
{
	bool is_new = l->head.seq != n->head.seq || strcmp(l->head.hash, n->head.hash) != 0;

	if (!n->has_looked && l->checkpoint.seq > n->last.seq && is_own_chain(n, &l->checkpoint))
		n->last = l->checkpoint;
	n->has_looked = true;
	n->head = l->head;
	n->head_ns = l->head_ns;
	memcpy(n->head_why, l->why, sizeof n->head_why);
	memcpy(n->copy, l->copy, sizeof n->copy);
	say_copies(n);
	n->is_tell_wanted |= l->has_run_end;
	n->is_sign_wanted |= l->has_incident_closed && conf_of(n)->checkpoint_key != NULL;
	if (n->is_tell_wanted || n->told_mono_ns == 0 || clock_mono() - n->told_mono_ns >= TELL_NS)
		tell(n);
	if (is_sign_due(n))
		sign(n);
	for (size_t i = 0; is_new && i < n->n_ships; i++)
		if (n->ships[i] != NULL)
			ship_poke(n->ships[i]);
}

static void
look_work(void *arg)
{
	struct look_task *t = arg;

	t->is_worked = true;
	anchors_look(&t->look);
}

static void
look_done(void *arg)
{
	struct look_task *t = arg;
	struct anchors *n = t->anchors;

	if (n != NULL) {
		n->task = NULL;
		if (t->is_worked)
			take(n, &t->look);
	}
	anchors_look_done(&t->look);
	free(t);
}

static char **
copy_paths(char **v)
{
	size_t n = 0;
	char **copy;

	while (v != NULL && v[n] != NULL)
		n++;
	copy = xcalloc(n + 1, sizeof *copy);
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(v[i]);
	return copy;
}

static void
look_init(const struct anchors *n, struct anchors_look *l)
{
	const struct conf_audit *c = conf_of(n);

	*l = (struct anchors_look){ .dir = xstrdup(n->dir), .head_path = xstrdup(n->head_path), .copies = copy_paths(c->copies), .seen_seq = n->head.seq,
	    .has_seen = n->has_looked };
	l->checkpoint_dir = c->checkpoint_key != NULL ? checkpoint_dir(c->checkpoint_dir) : NULL;
}

static void
on_timer(void *arg)
{
	struct anchors *n = arg;

	loop_timer_in(n->timer, LOOK_NS);
	if (n->task != NULL)
		return;
	n->task = xcalloc(1, sizeof *n->task);
	n->task->anchors = n;
	look_init(n, &n->task->look);
	pool_run(n->lane, look_work, look_done, n->task);
}

/* --- life --------------------------------------------------------------------------------------------------------------------------------------------------- */

struct anchors *
anchors_new(struct app *a)
{
	struct anchors *n = xcalloc(1, sizeof *n);
	struct audit_actor actor;

	n->app = a;
	n->dir = audit_dir(a->conf->audit.dir);
	n->head_path = audit_head_path(a->conf->audit.head);
	audit_actor_self(&actor);
	n->chain = xasprintf("%s@%s", actor.user, actor.host);
	return n;
}

static void
on_ship_note(const char *text, void *arg)
{
	app_note(((struct anchors *)arg)->app, text);
}

static void
ships_start(struct anchors *n)
{
	const struct conf_audit *c = conf_of(n);
	struct err err = ERR_INIT;

	if (c->n_ship == 0)
		return;
	if (web_new(n->app->loop, n->app->pool, IN_FLIGHT_MAX, &n->web, &err) < 0) {
		err_prefix(&err, "audit: nothing is sent: ");
		app_note(n->app, err.msg);
		return;
	}
	n->ships = xcalloc(c->n_ship, sizeof(struct ship *));
	n->n_ships = c->n_ship;
	for (size_t i = 0; i < c->n_ship; i++) {
		const struct ship_options o = { .conf = &c->ship[i], .dir = n->dir, .chain = n->chain, .note = on_ship_note, .arg = n };

		if (ship_new(n->app->loop, n->app->pool, n->web, &o, &n->ships[i], &err) < 0) {
			err_prefix(&err, "audit: ship %s: ", c->ship[i].name);
			app_note(n->app, err.msg);
		}
	}
}

void
anchors_start(struct anchors *n)
{
	if (n == NULL || n->timer != NULL)
		return;
	n->lane = pool_lane_new(n->app->pool);
	n->timer = loop_timer_new(n->app->loop, on_timer, n);
	loop_timer_slack(n->timer, NS_PER_S);
	ships_start(n);
	on_timer(n);
}

/* The newest record that is known to be durable: the head may follow only when the log is closed. */
static void
read_end(struct anchors *n, struct audit_head *ret)
{
	struct audit *a = n->app->trail != NULL ? trail_audit(n->app->trail, NULL) : NULL;
	struct audit_state s = { .seq = 0 };

	if (audit_head_read(n->head_path, ret, NULL) < 0)
		*ret = (struct audit_head){ 0 };
	if (a != NULL)
		audit_state(a, &s);
	if (s.seq > ret->seq && !s.is_fallback) {
		ret->seq = s.seq;
		memcpy(ret->hash, s.hash, sizeof ret->hash);
	}
}

/* What came since the last look: in a program that only wrote a record there was none. */
static void
look_last(struct anchors *n)
{
	struct anchors_look l;

	look_init(n, &l);
	read_end(n, &l.head);
	if (l.head.seq > n->head.seq) {
		anchors_look_copies(&l);
		n->head = l.head;
	}
	tell(n);
	anchors_look_done(&l);
}

void
anchors_free(struct anchors *n)
{
	if (n == NULL)
		return;
	look_last(n);
	if (n->app->trail != NULL && n->last.seq > 0) {
		struct audit *a = trail_audit(n->app->trail, NULL);

		if (a != NULL)
			audit_forget(a, n);
	}
	checkpoint_cancel(n->job);
	for (size_t i = 0; i < n->n_ships; i++)
		ship_free(n->ships[i]);
	free(n->ships);
	if (n->web != NULL)
		n->web->ops->free(n->web);
	if (n->task != NULL)
		n->task->anchors = NULL;
	loop_timer_free(n->timer);
	pool_lane_free(n->lane);
	free(n->dir);
	free(n->head_path);
	free(n->chain);
	free(n);
}

/* --- for the panel ------------------------------------------------------------------------------------------------------------------------------------------ */

static const char *
behind(const struct anchors *n, uint64_t seq, struct arena *arena)
{
	char text[64];

	if (seq == 0 || seq >= n->head.seq)
		return "";
	snprintf(text, sizeof text, "%" PRIu64 " record%s behind", n->head.seq - seq, n->head.seq - seq == 1 ? "" : "s");
	return arena_strdup(arena, text);
}

static void
add(struct audit_anchor *a, const struct anchors *n, struct arena *arena, const char *kind, const char *name, uint64_t seq, int64_t at_ns, const char *why)
{
	*a = (struct audit_anchor){ .kind = kind, .name = arena_strdup(arena, name), .seq = seq, .at_ns = at_ns };
	a->state = why[0] != '\0' ? ANCHOR_FAILED : seq < n->head.seq ? ANCHOR_BEHIND : seq == 0 ? ANCHOR_OFF : ANCHOR_OK;
	a->text = why[0] != '\0' ? arena_strdup(arena, why) : behind(n, seq, arena);
}

/* The newest one on the disk, as it was when the program began, may know more of the log than is left of it. */
static const char *
checkpoint_why(const struct anchors *n)
{
	if (n->head.seq != 0 && n->last.seq > n->head.seq)
		return "it names a later record than the head: records were cut off (opsconsole --verify --checkpoint)";
	if (n->last.seq == n->head.seq && n->last.seq != 0 && strcmp(n->last.hash, n->head.hash) != 0)
		return "it names another record than the head: the log was replaced (opsconsole --verify --checkpoint)";
	return n->sign_why;
}

size_t
anchors_list(const struct anchors *n, struct arena *arena, struct audit_anchor **ret)
{
	const struct conf_audit *c = conf_of(n);
	struct audit_anchor *v = arena_alloc(arena, (3 + ANCHOR_COPIES_MAX + c->n_ship) * sizeof *v);
	size_t k = 0;

	add(&v[k++], n, arena, "head", n->head_path, n->head.seq, n->head_ns, n->head_why);
	for (size_t i = 0; c->copies != NULL && c->copies[i] != NULL && i < ANCHOR_COPIES_MAX; i++)
		add(&v[k++], n, arena, "copy", c->copies[i], n->copy[i].seq, n->copy[i].at_ns, n->copy[i].why);
	if (c->journald != CONF_JOURNALD_NO && n->has_nobody_to_tell)
		v[k++] = (struct audit_anchor){ .kind = "journald", .name = "", .state = ANCHOR_OFF, .text = "this machine has neither journald nor syslog" };
	else if (c->journald != CONF_JOURNALD_NO)
		add(&v[k++], n, arena, "journald", "", n->told_seq, n->told_ns, n->is_tell_failed ? "neither journald nor syslog took the line" : "");
	if (c->checkpoint_key != NULL)
		add(&v[k++], n, arena, "checkpoint", c->checkpoint_key, n->last.seq, n->last.time_ns, checkpoint_why(n));
	for (size_t i = 0; i < c->n_ship; i++) {
		struct ship_state s = { .is_failing = true, .text = "it could not be begun" };

		if (n->n_ships > 0 && n->ships[i] != NULL)
			ship_state(n->ships[i], &s);
		else if (n->timer == NULL)
			s.is_failing = false;
		add(&v[k++], n, arena, "ship", c->ship[i].name, s.seq, s.at_ns, s.is_failing ? s.text[0] != '\0' ? s.text : "no answer yet" : "");
		if (s.is_standby && v[k - 1].text[0] == '\0')
			v[k - 1].text = arena_strdup(arena, s.text);
	}
	*ret = v;
	return k;
}
