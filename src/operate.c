#include "config.h"

#include "operate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "trail.h"

/* Read back every second for so long: a cluster of Alertmanagers takes some seconds to tell one another. */
#define READ_BACK_PAUSE NS_PER_S
#define READ_BACK_TIME (20 * NS_PER_S)

struct act {
	LIST_ENTRY(act) next;
	struct operate *operate;
	char *id;			/* of the operation in the model */
	enum op_kind kind;
	char *source;
	char *silence_id;		/* to look for; NULL until the server has named it */
	struct silence_block *draft;	/* what was sent; NULL for expire */
	char *object;			/* what the operator sees it as */
	struct loop_timer *timer;
	int64_t answered_ns;		/* when the write's answer, or its loss, was known; 0: not yet. Older reads prove nothing */
	int64_t give_up_ns;		/* monotonic */
	char *doubt;			/* why the outcome may be unknown, NULL when the server said yes */
	struct request request;		/* sent when the intent is on disk */
	uint64_t seq;			/* of the intent; 0: not recorded yet */
};

struct operate {
	struct app *app;
	LIST_HEAD(, act) acts;
	unsigned n_made;
};

struct operate *
operate_new(struct app *a)
{
	struct operate *o = xcalloc(1, sizeof *o);

	o->app = a;
	LIST_INIT(&o->acts);
	return o;
}

static void
act_free(struct act *act)
{
	LIST_REMOVE(act, next);
	trail_forget(act->operate->app->trail, act);
	loop_timer_free(act->timer);
	request_done(&act->request);
	silence_block_free(act->draft);
	free(act->id);
	free(act->source);
	free(act->silence_id);
	free(act->object);
	free(act->doubt);
	free(act);
}

static const char *
verb_of(const struct act *act)
{
	switch (act->kind) {
	case OP_ACK: return "ack";
	case OP_EXPIRE: return "expire";
	default: return act->draft != NULL && *act->draft->silence.id != '\0' ? "edit-silence" : "silence";
	}
}

static void
record_result(const struct act *act, enum operation_state state, const char *text)
{
	static const char *const outcomes[] = { [OPERATION_DONE] = "done", [OPERATION_FAILED] = "failed", [OPERATION_UNKNOWN] = "unknown" };

	if (act->seq != 0 && state != OPERATION_STARTED)
		trail_act_result(act->operate->app->trail, act->seq, outcomes[state], text);
}

/* The only writer of an operation's state. */
static void __attribute__((format(printf, 3, 4)))
act_enter(struct act *act, enum operation_state state, const char *fmt, ...)
{
	struct operation *op = block_new(sizeof *op);
	struct event ev;
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	op->id = arena_strdup(&op->block.arena, act->id);
	op->verb = verb_of(act);
	op->object = arena_strdup(&op->block.arena, act->object);
	op->text = arena_strdup(&op->block.arena, text);
	op->state = state;
	record_result(act, state, text);
	free(text);
	event_init(&ev, EVENT_OPERATION, clock_now(), act->source, op);
	app_apply(act->operate->app, &ev);
	event_done(&ev);
}

/* --- reading back ------------------------------------------------------------------------------------------------- */

static bool
matchers_equal(const struct silence *a, const struct silence *b)
{
	size_t found = 0;

	if (a->n_matchers != b->n_matchers)
		return false;
	for (size_t i = 0; i < a->n_matchers; i++)	/* Alertmanager may order them anew */
		for (size_t j = 0; j < b->n_matchers; j++) {
			const struct matcher *x = &a->matchers[i], *y = &b->matchers[j];

			if (strcmp(x->name, y->name) == 0 && strcmp(x->value, y->value) == 0 && x->is_regex == y->is_regex &&
			    x->is_equal == y->is_equal) {
				found++;
				break;
			}
		}
	return found == a->n_matchers;
}

static bool
is_as_sent(const struct silence *d, const struct silence *s)
{
	return s->state != SILENCE_EXPIRED && strcmp(s->comment, d->comment) == 0 && strcmp(s->created_by, d->created_by) == 0 &&
	    s->ends_ns / NS_PER_S == d->ends_ns / NS_PER_S && matchers_equal(s, d);
}

/* The silence this act is about, as the server has it now; NULL when it has none. When the answer with the id was lost, it is known by all that
 * was sent. */
static const struct silence *
find_silence(const struct act *act, const struct silence_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (act->silence_id != NULL ? strcmp(set->v[i].id, act->silence_id) == 0 : is_as_sent(&act->draft->silence, &set->v[i]))
			return &set->v[i];
	return NULL;
}

static bool
is_done(const struct act *act, const struct silence *s)
{
	if (act->kind == OP_EXPIRE)
		return s == NULL || s->state == SILENCE_EXPIRED;
	return s != NULL && is_as_sent(&act->draft->silence, s);
}

/* Read back, and as it was wanted: only this makes an act done. Frees act. */
static void
act_done(struct act *act, const struct silence *s)
{
	char until[CLOCK_TEXT_MAX];

	if (act->kind == OP_EXPIRE)
		act_enter(act, OPERATION_DONE, "silence %s has ended, read back from %s", act->object, act->source);
	else
		act_enter(act, OPERATION_DONE, "%s until %s: %s (silence %.8s, read back from %s)",
		    act->kind == OP_ACK ? "acknowledged" : "silenced", clock_format(until, s->ends_ns, 0), act->object, s->id, act->source);
	act_free(act);
}

void
operate_event(struct operate *o, const struct event *ev)
{
	struct act *act, *next;

	if (ev->kind != EVENT_SILENCES)
		return;
	for (act = LIST_FIRST(&o->acts); act != NULL; act = next) {
		const struct silence *s;

		next = LIST_NEXT(act, next);
		if (act->answered_ns == 0 || strcmp(act->source, ev->source) != 0 || ev->time_ns < act->answered_ns)
			continue;
		s = find_silence(act, ev->block);
		if (is_done(act, s))
			act_done(act, s);
	}
}

static void
on_timer(void *arg)
{
	struct act *act = arg;

	if (clock_mono() < act->give_up_ns) {
		sources_poll_now(act->operate->app->sources, act->source, "silences");
		loop_timer_in(act->timer, READ_BACK_PAUSE);
		return;
	}
	act_enter(act, OPERATION_UNKNOWN, "%s %s: %s, but it could not be read back as it was sent: look at the silences (S) before trying again",
	    verb_of(act), act->object, act->doubt != NULL ? act->doubt : "accepted");
	act_free(act);
}

/* Statuses with which a proxy speaks for a server that may have done it all the same. */
static bool
is_status_open(long status)
{
	return (status >= 200 && status <= 299) || status == 408 || status == 502 || status == 503 || status == 504;
}

static int
read_answer(struct act *act, const struct write_result *result, struct err *err)
{
	if (act->kind == OP_EXPIRE)
		return alertmanager_expire_answer(&result->answer, result->body, result->len, err);
	free(act->silence_id);	/* an edit may get a new id */
	act->silence_id = NULL;
	return alertmanager_silence_answer(&result->answer, result->body, result->len, &act->silence_id, err);
}

static void
on_answer(const struct write_result *result, void *arg)
{
	struct act *act = arg;
	struct err err = result->err;
	bool is_open = result->is_maybe_sent;

	if (err.code == 0 && read_answer(act, result, &err) < 0)
		is_open = is_status_open(result->answer.status);
	if (err.code != 0 && !is_open) {
		act_enter(act, OPERATION_FAILED, "%s %s: %s", verb_of(act), act->object, err.msg);
		act_free(act);
		return;
	}
	if (err.code != 0)
		act->doubt = xstrdup(err.msg);
	act->answered_ns = clock_now();
	act->give_up_ns = clock_mono() + READ_BACK_TIME;
	on_timer(act);
}

void
operate_free(struct operate *o)
{
	if (o == NULL)
		return;
	while (!LIST_EMPTY(&o->acts)) {
		struct act *act = LIST_FIRST(&o->acts);

		if (act->seq != 0) {
			fprintf(stderr, "opsconsole: %s %s: left before it was read back from %s: the outcome is unknown\n", verb_of(act),
			    act->object, act->source);
			record_result(act, OPERATION_UNKNOWN, "left before it was read back");
		}
		act_free(act);
	}
	free(o);
}

/* --- starting ----------------------------------------------------------------------------------------------------- */

static const char *
only_alertmanager(const struct app *a, struct err *err)
{
	const char *name = NULL;

	for (size_t i = 0; i < a->env->n_sources; i++) {
		if (strcmp(a->env->sources[i].type, source_alertmanager.type) != 0)
			continue;
		if (name != NULL) {
			err_set(err, ERR_INVALID, "several Alertmanagers (%s, %s): select an alert of the one that is meant", name,
			    a->env->sources[i].name);
			return NULL;
		}
		name = a->env->sources[i].name;
	}
	if (name == NULL)
		err_set(err, ERR_NOTFOUND, "no Alertmanager among the sources of this environment: nothing can be silenced");
	return name;
}

static char *
describe(const struct silence *s)
{
	struct buf b;
	char *text;

	buf_init(&b, 4096);
	for (size_t i = 0; i < s->n_matchers; i++) {
		const struct matcher *m = &s->matchers[i];

		buf_printf(&b, "%s%s%s%s\"%s\"", i > 0 ? " " : "", m->name, m->is_equal ? "=" : "!", m->is_regex ? "~" : m->is_equal ? "" : "=",
		    m->value);
	}
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

static int
make_request(const struct op *op, struct request *ret, struct err *err)
{
	const struct silence *s;
	struct silence_draft draft;

	if (op->kind == OP_EXPIRE)
		return alertmanager_expire_request(op->text, ret, err);
	s = &op->silence->silence;
	draft = (struct silence_draft){
		.id = *s->id != '\0' ? s->id : NULL, .n_matchers = s->n_matchers, .matchers = s->matchers, .starts_ns = s->starts_ns,
		.ends_ns = s->ends_ns, .created_by = s->created_by, .comment = s->comment };
	return alertmanager_silence_request(&draft, ret, err);
}

/* The intent is on disk, or nothing is sent. */
static void
on_recorded(uint64_t seq, const struct err *failed, void *arg)
{
	struct act *act = arg;
	struct err err = ERR_INIT;

	act->seq = seq;
	if (failed == NULL && sources_write(act->operate->app->sources, act->source, &act->request, on_answer, act, &err) == 0) {
		act_enter(act, OPERATION_STARTED, "%s %s: sent to %s", verb_of(act), act->object, act->source);
		return;
	}
	act_enter(act, OPERATION_FAILED, "%s %s: %s", verb_of(act), act->object, failed != NULL ? failed->msg : err.msg);
	act_free(act);
}

int
operate_run(struct operate *o, const struct op *op, struct err *err)
{
	const char *source = op->source != NULL ? op->source : only_alertmanager(o->app, err);
	struct request request;
	struct act *act;
	int r;

	if (source == NULL)
		return ERR_NOTFOUND;
	r = make_request(op, &request, err);
	if (r < 0)
		return r;
	act = xcalloc(1, sizeof *act);
	act->request = request;
	act->operate = o;
	act->kind = op->kind;
	act->id = xasprintf("op-%u", ++o->n_made);
	act->source = xstrdup(source);
	if (op->kind == OP_EXPIRE) {
		act->silence_id = xstrdup(op->text);
		act->object = xstrndup(op->text, 8);
	} else {
		act->draft = silence_block_new(&op->silence->silence);
		act->object = describe(&op->silence->silence);
	}
	act->timer = loop_timer_new(o->app->loop, on_timer, act);
	LIST_INSERT_HEAD(&o->acts, act, next);
	trail_act(o->app->trail, verb_of(act), act->object, source, op->kind == OP_EXPIRE ? "" : act->draft->silence.comment, on_recorded, act);
	return 0;
}
