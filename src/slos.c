#include "config.h"

#include "slos_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_slo.h"
#include "trail.h"

/* A cursor that is being moved is not asked for at every stop. */
#define CURSOR_REST (150 * NS_PER_MS)

/* --- how the requests went ------------------------------------------------------------------------------------------ */

static void
count_report(struct slos *s, const char *source, const struct source_report *report)
{
	struct asked *a = NULL;

	for (size_t i = 0; i < s->n_asked && a == NULL; i++)
		if (strcmp(s->asked[i].source, source) == 0)
			a = &s->asked[i];
	if (a == NULL) {
		s->asked = xreallocarray(s->asked, s->n_asked + 1, sizeof *s->asked);
		a = &s->asked[s->n_asked++];
		*a = (struct asked){ .source = xstrdup(source) };
	}
	a->bytes += report->bytes;
	if (report->latency_ns > a->latency_ns)
		a->latency_ns = report->latency_ns;
	if (report->is_ok) {
		a->n_ok++;
		return;
	}
	a->n_failed++;
	a->http_status = report->http_status;
	free(a->error);
	a->error = xstrdup(report->error);
}

/* One line for all of a round's requests: an expression that a server refuses is its objective's trouble, not the source's. */
static void
tell_asked(struct slos *s)
{
	for (size_t i = 0; i < s->n_asked; i++) {
		struct asked *a = &s->asked[i];
		struct source_report *report;
		struct event ev;

		if (a->n_ok == 0 && a->n_failed == 0)
			continue;
		report = block_new(sizeof *report);
		report->what = "objectives";
		report->is_ok = a->n_ok > 0;
		report->error = report->is_ok ? "" : arena_strdup(&report->block.arena, a->error);
		report->http_status = report->is_ok ? 200 : a->http_status;
		report->latency_ns = a->latency_ns;
		report->bytes = a->bytes;
		report->next_due_ns = slo_book_due_ns(s->book) != INT64_MAX ? slo_book_due_ns(s->book) : 0;
		report->replica = "";
		event_init(&ev, EVENT_SOURCE_REPORT, clock_now(), a->source, report);
		app_apply(s->app, &ev);
		event_done(&ev);
		free(a->error);
		*a = (struct asked){ .source = a->source };
	}
}

/* --- rounds ------------------------------------------------------------------------------------------------------- */

struct take_task {
	struct slos *slos;
	struct slo_set *set;
	struct slo_detail_set *details;
};

static void
take_work(void *arg)
{
	struct take_task *t = arg;

	slo_book_take(t->slos->book, &t->set, &t->details);
}

void
slos_tell(struct slos *s, enum event_kind kind, void *block)
{
	struct event ev;

	if (block == NULL)
		return;
	event_init(&ev, kind, clock_now(), "", block);
	app_apply(s->app, &ev);
	event_done(&ev);
}

static void
take_done(void *arg)
{
	struct take_task *t = arg;
	struct slos *s = t->slos;

	s->is_busy = false;
	s->has_more = t->set != NULL || t->details != NULL;
	slos_tell(s, EVENT_SLOS, t->set);
	slos_tell(s, EVENT_SLO_DETAILS, t->details);
	if (t->set != NULL)
		tell_asked(s);
	free(t);
	s->is_settled = slo_book_is_settled(s->book);
	/* There may be more: another time, answers or a cursor that moved meanwhile. */
	loop_timer_in(s->timer, 0);
}

static void
take(struct slos *s)
{
	struct take_task *t = xcalloc(1, sizeof *t);

	t->slos = s;
	s->is_busy = true;
	pool_run(s->app->insight, take_work, take_done, t);
}

static void
answer_free(struct answer_in *in)
{
	block_unref(in->series);
	free(in->id);
	free(in->error);
	free(in);
}

static void
hand_over(struct slos *s)
{
	struct answer_in *in;

	while ((in = STAILQ_FIRST(&s->answers)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->answers, next);
		if (in->series != NULL)
			slo_book_answer(s->book, in->series);
		else
			slo_book_failed(s->book, in->id, in->http_status, in->error);
		answer_free(in);
	}
}

static void
wants_free(struct slos *s)
{
	for (size_t i = 0; i < s->n_wants; i++) {
		free((char *)(uintptr_t)s->wants[i].id);
		free((char *)(uintptr_t)s->wants[i].source);
		free((char *)(uintptr_t)s->wants[i].expr);
	}
	free(s->wants);
	s->wants = NULL;
	s->n_wants = 0;
}

/* Copies: a worker may have the book when the sources are told. */
static void
copy_asks(struct slos *s)
{
	const struct slo_ask *v;
	size_t n = slo_book_asks(s->book, &v);

	wants_free(s);
	s->wants = xcalloc(n, sizeof *s->wants);
	s->n_wants = n;
	for (size_t i = 0; i < n; i++)
		s->wants[i] = (struct query_want){
			.id = xstrdup(v[i].id), .source = xstrdup(v[i].source), .expr = xstrdup(v[i].expr),
			.at_ns = v[i].at_ns, .start_ns = v[i].start_ns, .end_ns = v[i].end_ns, .step_ns = v[i].step_ns };
}

/* All that touches the book or the definitions, but for what a worker does. */
static void
work(struct slos *s)
{
	bool is_log_new, has_news;
	int64_t due;

	if (s->is_busy || !s->is_started)
		return;		/* whoever is busy comes back here */
	is_log_new = !s->is_log_known || slos_log_has_changed(s);
	if (s->is_changed || is_log_new) {
		s->is_changed = false;
		s->is_log_known = true;
		slos_define(s, is_log_new);
		return;
	}
	has_news = s->is_defined || s->has_more || !STAILQ_EMPTY(&s->answers);
	s->is_defined = s->has_more = false;
	slo_book_at(s->book, s->past_ns);
	hand_over(s);
	has_news |= slo_book_turn(s->book, clock_now());
	if (has_news) {
		copy_asks(s);
		app_tell_wants(s->app);
		take(s);
		return;
	}
	due = slo_book_due_ns(s->book);
	if (due != INT64_MAX)
		loop_timer_in(s->timer, due > clock_now() ? due - clock_now() : 0);
}

static void
on_timer(void *arg)
{
	work(arg);
}

/* --- from the app ------------------------------------------------------------------------------------------------- */

static void
add_answer(struct slos *s, struct answer_in *in)
{
	STAILQ_INSERT_TAIL(&s->answers, in, next);
	loop_timer_in(s->timer, 0);
}

bool
slos_event(struct slos *s, const struct event *ev)
{
	const struct source_report *report = ev->block;
	const struct series_set *set = ev->block;
	struct answer_in *in;

	if (ev->kind == EVENT_RULES)
		slos_look_for(s, ev);
	if (ev->kind == EVENT_SOURCE_REPORT && str_has_prefix(report->what, SLO_ASK_PREFIX)) {
		count_report(s, ev->source, report);
		if (report->is_ok)
			return true;
		in = xcalloc(1, sizeof *in);
		*in = (struct answer_in){ .id = xstrdup(report->what), .error = xstrdup(report->error), .http_status = report->http_status };
		add_answer(s, in);
		return true;
	}
	if (ev->kind != EVENT_SERIES || !str_has_prefix(set->query, SLO_ASK_PREFIX))
		return false;
	in = xcalloc(1, sizeof *in);
	in->series = block_ref(set);
	add_answer(s, in);
	return true;
}

static void
on_cursor(void *arg)
{
	struct slos *s = arg;

	s->past_ns = s->app->range.is_live ? 0 : s->app->range.cursor_ns;
	work(s);
}

void
slos_range(struct slos *s)
{
	if (s->is_started && s->past_ns != (s->app->range.is_live ? 0 : s->app->range.cursor_ns))
		loop_timer_in(s->cursor, CURSOR_REST);
}

size_t
slos_wants(const struct slos *s, const struct query_want **ret)
{
	*ret = s->wants;
	return s->n_wants;
}

bool
slos_is_settled(const struct slos *s)
{
	return s->is_settled && !s->is_busy && !s->is_changed && !s->is_defined && !s->has_more && s->n_finding == 0 &&
	    STAILQ_EMPTY(&s->answers);
}

const struct slo_def *
slos_find(const struct slos *s, const char *id)
{
	return s->defs != NULL ? slo_def_find(s->defs, id) : NULL;
}

void
slos_start(struct slos *s)
{
	s->is_started = true;
	s->is_changed = true;
	work(s);
}

struct slos *
slos_new(struct app *a)
{
	struct slos *s = xcalloc(1, sizeof *s);

	s->app = a;
	s->book = slo_book_new();
	slo_book_every(s->book, a->env->slo_interval_ns);
	s->timer = loop_timer_new(a->loop, on_timer, s);
	s->cursor = loop_timer_new(a->loop, on_cursor, s);
	STAILQ_INIT(&s->answers);
	return s;
}

/* After the lane of insight is gone: no worker has the book. */
void
slos_free(struct slos *s)
{
	struct answer_in *in;

	if (s == NULL)
		return;
	while ((in = STAILQ_FIRST(&s->answers)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->answers, next);
		answer_free(in);
	}
	slos_found_done(s->found, s->n_found);
	for (size_t i = 0; i < s->n_asked; i++) {
		free(s->asked[i].source);
		free(s->asked[i].error);
	}
	free(s->asked);
	free(s->log_error);
	wants_free(s);
	block_unref(s->defs);
	corrections_done(&s->log);
	slo_book_free(s->book);
	loop_timer_free(s->timer);
	loop_timer_free(s->cursor);
	free(s);
}

/* --- corrections -------------------------------------------------------------------------------------------------- */

struct correct_task {
	struct slos *slos;
	enum op_kind kind;
	char *operation, *object, *reason, *id;
	int64_t start_ns, end_ns;
	struct err err;
	bool was_run;
	uint64_t seq;		/* of the intent in the audit trail */
};

static void
correct_work(void *arg)
{
	struct correct_task *t = arg;
	const struct app *a = t->slos->app;

	t->was_run = true;
	if (t->kind == OP_SLO_EXCLUDE)
		corrections_add(a->env, t->object, t->start_ns, t->end_ns, a->user, t->reason, &t->id, &t->err);
	else
		corrections_revoke(a->env, t->object, a->user, t->reason, &t->err);
}

static void
tell_correction(const struct correct_task *t, enum operation_state state, const char *text)
{
	struct operation *op = block_new(sizeof *op);

	op->id = arena_strdup(&op->block.arena, t->operation);
	op->verb = t->kind == OP_SLO_EXCLUDE ? "exclude" : "include";
	op->object = arena_strdup(&op->block.arena, t->object);
	op->text = arena_strdup(&op->block.arena, text);
	op->state = state;
	slos_tell(t->slos, EVENT_OPERATION, op);
}

static char *
describe_correction(const struct correct_task *t)
{
	const char *what = strcmp(t->object, "*") == 0 ? "all objectives" : t->object;
	char from[CLOCK_TEXT_MAX], length[DURATION_TEXT_MAX];

	if (t->kind == OP_SLO_INCLUDE)
		return xasprintf("correction %s taken back", t->object);
	return xasprintf("%s: %s excluded from %s: %s (%s, %s)", what, duration_format(length, t->end_ns - t->start_ns),
	    clock_format(from, t->start_ns, 0), t->reason, t->slos->app->user, t->id);
}

static void
correct_free(struct correct_task *t)
{
	free(t->operation);
	free(t->object);
	free(t->reason);
	free(t->id);
	free(t);
}

static void
correct_done(void *arg)
{
	struct correct_task *t = arg;
	struct slos *s = t->slos;
	char *text;

	if (t->was_run) {
		text = t->err.code != 0 ? xasprintf("the correction was not logged: %s", t->err.msg) : describe_correction(t);
		tell_correction(t, t->err.code != 0 ? OPERATION_FAILED : OPERATION_DONE, text);
		trail_act_result(s->app->trail, t->seq, t->err.code != 0 ? "failed" : "done", text);
		free(text);
		loop_timer_in(s->timer, 0);	/* the log is read again there */
	}
	correct_free(t);
}

static void
correct_recorded(uint64_t seq, const struct err *err, void *arg)
{
	struct correct_task *t = arg;

	t->seq = seq;
	if (err == NULL) {
		pool_run(t->slos->app->insight, correct_work, correct_done, t);
		return;
	}
	tell_correction(t, OPERATION_FAILED, err->msg);
	correct_free(t);
}

void
slos_correct(struct slos *s, const struct op *op)
{
	struct correct_task *t = xcalloc(1, sizeof *t);
	const struct slo_def *def = slos_find(s, op->text);

	*t = (struct correct_task){ .slos = s, .kind = op->kind, .reason = xstrdup(op->arg != NULL ? op->arg : ""),
		.object = xstrdup(op->kind == OP_SLO_EXCLUDE && def != NULL ? def->name : op->text), .start_ns = op->number,
		.end_ns = op->until_ns, .operation = xasprintf("correction-%u", ++s->n_corrections) };
	trail_act(s->app->trail, op->kind == OP_SLO_EXCLUDE ? "exclude" : "include", t->object, "", t->reason, correct_recorded, t);
}
