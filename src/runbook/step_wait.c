/* wait: until all conditions hold, or a time is over. It acts on nothing, so what is not known has failed. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/step_priv.h"

struct wait_state {
	struct judging **v;	/* of n conditions; NULL: judged */
	size_t n, n_left;
	enum outcome worst;
	char *why;
	struct loop_timer *timeout;
};

static int
wait_bind(const struct run_world *w, struct bound *b, const struct bindings *bs, struct err *err)
{
	const struct act *act = b->act;
	int r;

	(void)w;
	if (act->n_conditions == 0)
		return err_set(err, ERR_INVALID, "wait: nothing is waited for");
	b->conditions = xcalloc(act->n_conditions, sizeof *b->conditions);
	for (size_t i = 0; i < act->n_conditions; i++) {
		r = condition_bind(act->conditions[i], bs, &b->conditions[i], err);
		if (r < 0)
			return r;
		b->n_conditions++;
	}
	return 0;
}

static void
wait_text(const struct bound *b, struct buf *to)
{
	buf_addstr(to, "wait ");
	for (size_t i = 0; i < b->n_conditions; i++) {
		if (i > 0)
			buf_addstr(to, " and ");
		buf_addstr(to, b->conditions[i]->c->kind == COND_TIME ? "" : "for ");
		bound_condition_text(b->conditions[i], to);
	}
}

static void
stop_judging(struct wait_state *s)
{
	for (size_t i = 0; i < s->n; i++) {
		judge_free(s->v[i]);
		s->v[i] = NULL;
	}
}

static void
end_wait(struct running *r)
{
	struct wait_state *s = r->state;
	struct err err = ERR_INIT;

	stop_judging(s);
	loop_timer_stop(s->timeout);
	if (s->worst == OUTCOME_OK) {
		running_ok(r, NULL, "%s", s->why != NULL ? s->why : "");
		return;
	}
	err_set(&err, s->worst == OUTCOME_UNKNOWN ? ERR_NOTFOUND : ERR_REFUSED, "%s%s", s->worst == OUTCOME_UNKNOWN ? "not known: " : "",
	    s->why != NULL ? s->why : "");
	running_failed(r, &err, false);
}

static void
on_judged(struct judging *j, const struct judgement *result, void *arg)
{
	struct running *r = arg;
	struct wait_state *s = r->state;

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i] == j)
			s->v[i] = NULL;
	free(s->why);
	s->why = xstrdup(result->text);
	s->worst = result->outcome;
	s->n_left--;
	/* Before it is freed: its result is borrowed. */
	judge_free(j);
	if (s->worst != OUTCOME_OK || s->n_left == 0)
		end_wait(r);
}

static void
on_timeout(void *arg)
{
	struct running *r = arg;
	struct wait_state *s = r->state;
	struct err err = ERR_INIT;
	char length[DURATION_TEXT_MAX];

	stop_judging(s);
	err_set(&err, ERR_TIMEOUT, "not within its timeout of %s%s%.300s", duration_format(length, r->b->act->timeout_ns),
	    s->why != NULL ? ": " : "", s->why != NULL ? s->why : "");
	running_failed(r, &err, false);
}

static void
on_progress(struct judging *j, const struct judgement *result, void *arg)
{
	struct wait_state *s = ((struct running *)arg)->state;

	(void)j;
	free(s->why);
	s->why = xstrdup(result->text);
}

/* A clone without bindings: the texts are there. */
static struct bound_condition *
copy_condition(const struct bound_condition *from)
{
	struct bound_condition *c = xcalloc(1, sizeof *c);

	c->c = from->c;
	c->subject = xstrdup_or_null(from->subject);
	c->expect = xstrdup_or_null(from->expect);
	c->host = xstrdup_or_null(from->host);
	c->n_hosts = from->n_hosts;
	c->hosts = xcalloc(from->n_hosts + 1, sizeof *c->hosts);
	for (size_t i = 0; i < from->n_hosts; i++)
		c->hosts[i] = xstrdup(from->hosts[i]);
	return c;
}

/* The timeout every step has must not cut short what its own conditions are given. */
static bool
is_timeout_own(const struct bound *b)
{
	for (size_t i = 0; i < b->n_conditions; i++) {
		const struct condition *c = b->conditions[i]->c;

		if (c->time_ns + c->within_ns + c->settle_ns >= b->act->timeout_ns)
			return false;
	}
	return b->act->timeout_ns > 0;
}

static int
wait_begin(struct running *r, struct err *err)
{
	struct wait_state *s = r->state;

	if (r->mode != ACT_DO)
		return err_set(err, ERR_UNSUPPORTED, "waiting has nothing to read, to put back or to settle");
	s->n = s->n_left = r->b->n_conditions;
	s->v = xcalloc(s->n, sizeof *s->v);
	s->timeout = loop_timer_new(r->w->loop, on_timeout, r);
	for (size_t i = 0; i < s->n; i++)
		s->v[i] = judge_bound(r->w, copy_condition(r->b->conditions[i]), r->since_ns, r->begun_ns, on_progress, on_judged, r);
	if (is_timeout_own(r->b))
		loop_timer_in(s->timeout, r->b->act->timeout_ns);
	return 0;
}

static void
wait_cancel(struct running *r)
{
	struct wait_state *s = r->state;
	struct act_result result = { .outcome = OUTCOME_CANCELLED, .text = "waiting was cancelled" };

	stop_judging(s);
	loop_timer_stop(s->timeout);
	err_set(&result.err, ERR_CANCELLED, "%s", result.text);
	running_end_later(r, &result);
}

static void
wait_free(struct running *r)
{
	struct wait_state *s = r->state;

	stop_judging(s);
	loop_timer_free(s->timeout);
	free(s->v);
	free(s->why);
}

const struct step_ops step_wait_ops = {
	.kind = STEP_WAIT,
	.state_size = sizeof(struct wait_state),
	.bind = wait_bind,
	.text = wait_text,
	.begin = wait_begin,
	.cancel = wait_cancel,
	.free = wait_free,
};
