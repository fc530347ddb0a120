/*
 * The engine's door: making a run, and what is asked of it from outside. What happens is in run_stage.c (the order of a run) and run_lane.c (one host); both go on
 * from a timer of this file, so that nothing is begun from inside a callback of a neighbour.
 */
#include "config.h"

#include "runbook/run_priv.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/secrets.h"
#include "base/str.h"
#include "base/xalloc.h"

/* --- ids ----------------------------------------------------------------------------------------------------------------------- */

void
run_id_make(char *buf, int64_t now_ns, const char *host)
{
	static char last[RUN_ID_MAX];
	static unsigned n_same;
	time_t s = now_ns / NS_PER_S;
	struct tm tm;
	char when[32], name[32], made[RUN_ID_MAX];
	size_t n = 0;

	gmtime_r(&s, &tm);
	strftime(when, sizeof when, "%Y%m%d-%H%M%S", &tm);
	for (const char *p = host; *p != '\0' && *p != '.' && n < sizeof name - 1; p++)
		name[n++] = isalnum((unsigned char)*p) || *p == '-' || *p == '_' ? *p : '-';
	name[n] = '\0';
	snprintf(made, sizeof made, "%s-%s", when, n > 0 ? name : "here");
	/* Two in one second must not share a name. */
	n_same = strcmp(made, last) == 0 ? n_same + 1 : 0;
	snprintf(last, sizeof last, "%s", made);
	if (n_same > 0)
		snprintf(buf, RUN_ID_MAX, "%.50s-%u", made, n_same + 1);
	else
		snprintf(buf, RUN_ID_MAX, "%s", made);
}

/* Two consoles on one machine may begin a run in the same second: the process tells them apart. */
static void
run_id_own(char *buf)
{
	struct audit_actor self;
	char made[RUN_ID_MAX];

	audit_actor_self(&self);
	run_id_make(made, clock_now(), self.host != NULL ? self.host : "here");
	snprintf(buf, RUN_ID_MAX, "%.50s-%lx", made, (unsigned long)getpid() & 0xffffffff);
}

bool
run_id_is_valid(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

	return n >= 1 && n < RUN_ID_MAX && text[n] == '\0';
}

/* --- small things that all files use --------------------------------------------------------------------------------------------- */

void
text_set(char **p, const char *fmt, ...)
{
	char *old = *p;
	va_list ap;

	va_start(ap, fmt);
	*p = xvasprintf(fmt, ap);
	va_end(ap);
	free(old);	/* last: it may be an argument */
}

char *
text_clean(const char *text)
{
	struct buf masked, escaped;
	char *out;

	buf_init(&masked, SIZE_MAX);
	buf_init(&escaped, SIZE_MAX);
	secrets_mask(&masked, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
	str_escape(&escaped, masked.data, masked.len);
	out = xmalloc(RUN_TEXT_MAX);
	str_escape_to(out, RUN_TEXT_MAX, escaped.data);
	buf_done(&masked);
	buf_done(&escaped);
	return out;
}

void
run_tell(struct run *r, enum run_notice_kind kind, const struct run_notice *n)
{
	struct run_notice copy = *n;

	copy.kind = kind;
	copy.at_ns = clock_now();
	if (copy.name == NULL)
		copy.name = "";
	if (copy.host == NULL)
		copy.host = "";
	if (copy.text == NULL)
		copy.text = "";
	if (r->notice != NULL)
		r->notice(r, &copy, r->notice_arg);
}

void
run_kick(struct run *r)
{
	loop_timer_in(r->pump, 0);
}

void
run_enter(struct run *r, enum run_state to)
{
	bool is_end = to == RUN_ENDED || to == RUN_REFUSED || (to == RUN_PLANNED && r->exit >= 0);
	char text[RUN_TEXT_MAX];

	if (r->state == to && !is_end)
		return;
	r->state = to;
	info_now(r);
	snprintf(text, sizeof text, "%s", r->text != NULL ? r->text : "");
	run_tell(r, NOTICE_STATE, &(struct run_notice){ .name = run_state_name(to), .batch = -1, .text = text });
	/* Last: whoever hears of the end may free the run. */
	if (is_end)
		run_tell(r, NOTICE_END, &(struct run_notice){ .name = run_state_name(to), .batch = -1, .text = text, .seq = r->seq_last });
}

bool
run_is_halted(const struct run *r)
{
	return r->is_stopping || r->is_audit_broken;
}

void
run_halt(struct run *r, const char *fmt, ...)
{
	va_list ap;

	if (r->why_stopping == NULL) {
		va_start(ap, fmt);
		r->why_stopping = xvasprintf(fmt, ap);
		va_end(ap);
	}
	/* It is said each turn while what runs is waited for: that must not make a turn of its own. */
	if (r->is_stopping)
		return;
	r->is_stopping = true;
	info_touch(r);
	run_kick(r);
}

/* --- making and freeing ------------------------------------------------------------------------------------------------------------ */

static void
on_pump(void *arg)
{
	struct run *r = arg;

	switch (r->state) {
	case RUN_PLANNING:
		plan_pump(r);
		break;
	case RUN_PLANNED: case RUN_REFUSED: case RUN_ENDED:
		break;
	default:
		stage_pump(r);
	}
}

static void
on_pause(void *arg)
{
	run_kick(arg);
}

static void
on_info(void *arg)
{
	info_now(arg);
}

static void
request_copy(struct run *r, const struct run_request *q)
{
	r->q = *q;
	r->sets = xcalloc(q->n_sets + 1, sizeof *r->sets);
	for (size_t i = 0; i < q->n_sets; i++)
		r->sets[i] = (struct run_set){ xstrdup(q->sets[i].name), xstrdup(q->sets[i].value), xstrdup(q->sets[i].from != NULL ? q->sets[i].from : "given") };
	r->limit = xstrdup_or_null(q->limit);
	r->incident = xstrdup_or_null(q->incident);
	r->alert = xstrdup_or_null(q->alert);
	r->resume = xstrdup_or_null(q->resume);
	r->q.sets = r->sets;
	r->reason = q->alert != NULL ? xasprintf("alert %s", q->alert) : xasprintf("runbook %s", q->runbook->name);
}

static int
run_check_request(const struct run_world *w, const struct run_request *q, struct err *err)
{
	if (q->id != NULL && !run_id_is_valid(q->id))
		return err_set(err, ERR_USAGE, "'%.80s' is no name for a run: letters, digits, '-', '_' and '.', at most 63", q->id);
	if (!q->is_dry_run && w->audit == NULL)
		return err_set(err, ERR_INVALID, "a run needs the audit log, and there is none: only a dry run can be made");
	if (!q->is_dry_run && w->env->is_read_only)
		return err_set(err, ERR_INVALID, "environment %s is read-only (read_only: true): only a dry run can be made", w->env->name);
	return 0;
}

/* All that needs no answer from outside. */
static int
plan_prepare(struct run *r, struct err *err)
{
	int code = plan_params(r, err);

	if (code == 0)
		code = plan_hosts(r, err);
	if (code == 0)
		code = plan_columns(r, err);
	return code == 0 ? plan_resume(r, err) : code;
}

int
run_new(const struct run_world *w, const struct run_request *q, run_notice_cb *notice, void *arg, struct run **ret, struct err *err)
{
	struct run *r;
	int code = run_check_request(w, q, err);

	if (code < 0)
		return code;
	r = xcalloc(1, sizeof *r);
	r->w = w;
	r->rb = q->runbook;
	r->exit = -1;
	r->is_durable = true;
	r->notice = notice;
	r->notice_arg = arg;
	LIST_INIT(&r->routes);
	request_copy(r, q);
	if (q->id != NULL)
		snprintf(r->id, sizeof r->id, "%s", q->id);
	else
		run_id_own(r->id);
	r->pump = loop_timer_new(w->loop, on_pump, r);
	r->pause = loop_timer_new(w->loop, on_pause, r);
	r->info_timer = loop_timer_new(w->loop, on_info, r);
	text_set(&r->text, "planning");
	if ((code = plan_prepare(r, err)) < 0) {
		run_free(r);
		return code;
	}
	*ret = r;
	plan_begin(r);
	return 0;
}

void
run_free(struct run *r)
{
	if (r == NULL)
		return;
	if (r->w->audit != NULL)
		audit_forget(r->w->audit, r);
	look_free(r->look);
	plan_free(r);
	locks_free(r->locks);
	loop_timer_free(r->pump);
	loop_timer_free(r->pause);
	loop_timer_free(r->info_timer);
	block_unref(r->info);
	block_unref(r->info_before);
	plan_bytes_done(&r->plan_before);
	for (size_t i = 0; i < r->q.n_sets; i++) {
		free((char *)r->sets[i].name);
		free((char *)r->sets[i].value);
		free((char *)r->sets[i].from);
	}
	free(r->sets);
	free(r->limit);
	free(r->incident);
	free(r->alert);
	free(r->resume);
	free(r->reason);
	free(r->how);
	free(r->why_stopping);
	free(r->audit_why);
	free(r->question);
	free(r->text);
	free(r);
}

enum run_state
run_state(const struct run *r)
{
	return r->state;
}

const char *
run_plan_hash(const struct run *r)
{
	return r->plan.hash;
}

int
run_exit(const struct run *r)
{
	return r->exit;
}

/* --- confirming ---------------------------------------------------------------------------------------------------------------------- */

static int
plan_again(struct run *r, struct err *err)
{
	struct err why = ERR_INIT;
	int code;

	plan_free(r);
	r->is_replan = true;
	text_set(&r->text, "the plan is older than 10 minutes: it is made again");
	code = plan_prepare(r, &why);
	if (code == 0) {
		plan_begin(r);
		return 0;
	}
	/* Hosts or parameters are gone. What is left of the plan is not shown: rows and columns must fit. */
	err_set(err, code, "the plan cannot be made any more: %s", why.msg);
	plan_free(r);
	r->exit = 3;
	r->ended_ns = clock_now();
	text_set(&r->text, "nothing was done: the plan cannot be made any more: %s", why.msg);
	run_enter(r, RUN_ENDED);
	return code;
}

int
run_confirm(struct run *r, const char *hash, const char *typed, const char *how, struct err *err)
{
	if (r->q.is_dry_run)
		return err_set(err, ERR_DENIED, "this is a dry run: it never acts");
	if (r->state != RUN_PLANNED)
		return err_set(err, ERR_INVALID, "run %s is %s: only a plan can be confirmed", r->id, run_state_name(r->state));
	if (hash == NULL || strcmp(hash, r->plan.hash) != 0)
		return err_set(err, ERR_INVALID, "the plan is another one by now (%.12s): look at it again", r->plan.hash);
	if (r->rb->danger == DANGER_HIGH && (typed == NULL || r->target == NULL || strcmp(typed, r->target) != 0))
		return err_set(err, ERR_INVALID, "what was typed is not '%s': nothing was done", r->target != NULL ? r->target : "");
	text_set(&r->how, "%s", how != NULL ? how : "");
	if (clock_now() - r->planned_ns > RUN_PLAN_AGE || clock_now() < r->planned_ns) {
		/* What was shown is old: made again, and only the same plan is run. */
		r->plan_before = r->plan;
		memset(&r->plan, 0, sizeof r->plan);
		return plan_again(r, err);
	}
	stage_start(r);
	return 0;
}

void
run_decline(struct run *r)
{
	if (r->state != RUN_PLANNED && r->state != RUN_PLANNING)
		return;
	r->exit = 7;
	r->ended_ns = clock_now();
	text_set(&r->text, "declined: nothing was done");
	run_enter(r, RUN_ENDED);
}

/* --- while it runs ------------------------------------------------------------------------------------------------------------------- */

static bool
is_over(const struct run *r)
{
	return r->state == RUN_ENDED || r->state == RUN_REFUSED;
}

static bool
has_begun(const struct run *r)
{
	return r->state != RUN_PLANNING && r->state != RUN_PLANNED && !is_over(r);
}

bool
run_stop(struct run *r, const char *why)
{
	bool is_again = r->is_stop_asked;

	if (!has_begun(r)) {
		run_decline(r);
		return false;
	}
	if (r->stage == STAGE_END)
		return false;
	if (!is_again) {
		r->is_stop_asked = true;
		run_halt(r, "stopped: %s", why != NULL && *why != '\0' ? why : "by a person");
		record_state(r, "stopped", why);
	} else {
		r->is_cancelling = true;
		record_state(r, "cancelled", why != NULL ? why : "");
		for (size_t i = 0; i < r->n_lanes; i++)
			lane_cancel(&r->lanes[i]);
		lane_cancel(&r->own);
	}
	run_kick(r);
	return is_again;
}

void
run_detach(struct run *r)
{
	if (is_over(r) || r->is_detached)
		return;
	if (!has_begun(r)) {
		run_decline(r);
		return;
	}
	r->is_detached = true;
	r->q.is_interactive = false;
	record_state(r, "detached", r->q.on_disconnect == DISCONNECT_STOP ? "the terminal is gone: stopped" : "the terminal is gone: the batch is finished, no new one is begun");
	if (r->asking != NULL)
		lane_answer(r->asking, "stop");
	if (r->q.on_disconnect == DISCONNECT_STOP)
		run_halt(r, "detached: the terminal is gone");
	else
		r->must_stop_after_batch = true;
	run_kick(r);
}

static struct lane *
lane_find(struct run *r, const char *host)
{
	if (*host == '\0')
		return &r->own;
	for (size_t i = 0; i < r->n_lanes; i++)
		if (strcmp(r->lanes[i].name, host) == 0)
			return &r->lanes[i];
	return NULL;
}

int
run_skip(struct run *r, const char *host, struct err *err)
{
	struct lane *l = lane_find(r, host);

	if (l == NULL || l == &r->own)
		return err_set(err, ERR_NOTFOUND, "%.200s is no host of this run", *host != '\0' ? host : "the run itself");
	if (!has_begun(r))
		return err_set(err, ERR_INVALID, "run %s is %s: hosts are left out while it runs, or with --limit", r->id, run_state_name(r->state));
	if (lane_is_busy(l) && l->state != LANE_ASK)
		return err_set(err, ERR_INVALID, "%s is at work (%s): stop the run, or wait", host, lane_column(l)->name);
	if (l->state != LANE_WAITING && l->state != LANE_FAILED && l->state != LANE_ASK)
		return err_set(err, ERR_INVALID, "%s is neither waiting nor failed", host);
	if (l->state == LANE_ASK) {
		r->asking = NULL;
		l->is_failed = true;
	}
	l->is_left = true;
	lane_phrase(l, "left out by %s%s%s", r->w->user, l->phrase != NULL ? ": " : "", l->phrase != NULL ? l->phrase : "");
	record_state(r, "answered", l->phrase);
	lane_enter(l, LANE_LEFT);
	run_ask(r);
	run_kick(r);
	return 0;
}

/* Its steps are done, its health was not seen. */
static void
lane_look_again(struct lane *l)
{
	l->is_failed = false;
	free(l->cause);
	l->cause = NULL;
	lane_sum_up(l);
	if (l->batch >= 0)
		l->run->batches[l->batch].is_well = false;
}

int
run_retry(struct run *r, const char *host, struct err *err)
{
	size_t n = 0;

	if (r->state != RUN_ENDED ? !has_begun(r) : r->exit < 0 || !r->is_end_recorded)
		return err_set(err, ERR_INVALID, "run %s is %s: there is nothing to try again", r->id, run_state_name(r->state));
	if (r->stage == STAGE_UNDO || r->is_undone)
		return err_set(err, ERR_INVALID, "run %s has been undone: begin a new one", r->id);
	if (host != NULL && lane_find(r, host) == NULL)
		return err_set(err, ERR_NOTFOUND, "%.200s is no host of this run", host);
	for (size_t i = 0; i <= r->n_lanes; i++) {
		struct lane *l = i < r->n_lanes ? &r->lanes[i] : &r->own;

		if (host != NULL && strcmp(host, l->name) != 0)
			continue;
		if (l->state == LANE_FAILED)
			lane_retry(l);
		else if (l->state == LANE_DONE && l->is_failed)
			lane_look_again(l);
		else
			continue;
		n++;
	}
	if (n == 0 && (r->state != RUN_ENDED || host != NULL || r->exit == 0))
		return err_set(err, ERR_INVALID, host != NULL ? "%s has not failed" : "no host has failed", host);
	r->is_stopping = r->is_stop_asked = r->is_cancelling = r->must_stop_after_batch = r->is_unverified = r->is_condition_failed = false;
	free(r->why_stopping);
	r->why_stopping = NULL;
	r->stopper = NULL;
	if (r->state == RUN_ENDED) {
		stage_again(r, STAGE_PRECHECK);
	} else {
		stage_reopen(r);
		record_state(r, "answered", "failed hosts are tried again");
		run_kick(r);
	}
	return 0;
}

int
run_undo(struct run *r, struct err *err)
{
	bool is_any = false;

	for (size_t i = 0; i <= r->n_lanes; i++)
		for (size_t c = 0; c < r->n_columns; c++)
			is_any |= cell_needs_undo(i < r->n_lanes ? &r->lanes[i] : &r->own, c);
	if (r->state == RUN_ENDED ? !r->is_end_recorded || !is_any : !has_begun(r))
		return err_set(err, ERR_INVALID, "run %s is %s and has changed nothing: there is nothing to undo", r->id, run_state_name(r->state));
	r->is_undo_wanted = true;
	if (r->state == RUN_ENDED) {
		stage_again(r, STAGE_UNDO);
		return 0;
	}
	if (r->asking != NULL)
		lane_answer(r->asking, "stop");
	run_halt(r, "to be undone, asked by %s", r->w->user);
	record_state(r, "answered", r->why_stopping);
	return 0;
}

/* --- questions ----------------------------------------------------------------------------------------------------------------------- */

void
run_ask(struct run *r)
{
	if (r->asking != NULL && r->asking->state == LANE_ASK)
		return;
	r->asking = NULL;
	free(r->question);
	r->question = NULL;
	for (size_t i = 0; i <= r->n_lanes && r->asking == NULL; i++) {
		struct lane *l = i < r->n_lanes ? &r->lanes[i] : &r->own;

		if (l->state == LANE_ASK)
			r->asking = l;
	}
	if (r->asking == NULL)
		return;
	r->question = xasprintf("%s%s%s: %s", r->asking->name, *r->asking->name != '\0' ? ": " : "", lane_column(r->asking)->name,
	    lane_cell(r->asking)->text != NULL ? lane_cell(r->asking)->text : "");
	run_tell(r, NOTICE_QUESTION, &(struct run_notice){ .name = lane_column(r->asking)->name, .host = r->asking->name, .batch = r->asking->batch, .text = r->question });
	info_touch(r);
}

int
run_answer(struct run *r, const char *answer, struct err *err)
{
	static const char *const failure[] = { "retry", "continue", "stop", "undo" }, *const confirm[] = { "continue", "stop" };
	const char *const *v;
	size_t n, i;

	if (r->asking == NULL)
		return err_set(err, ERR_INVALID, "run %s asks nothing", r->id);
	v = r->asking->is_asked_confirm ? confirm : failure;
	n = r->asking->is_asked_confirm ? 2 : 4;
	for (i = 0; i < n && strcmp(v[i], answer) != 0; i++)
		;
	if (i == n)
		return err_set(err, ERR_USAGE, "'%.40s' is no answer: %s", answer, n == 2 ? "continue or stop" : "retry, continue, stop or undo");
	record_state(r, "answered", answer);
	lane_answer(r->asking, answer);
	r->asking = NULL;
	run_ask(r);
	run_kick(r);
	return 0;
}
