/* What planning looks at in the world: how hosts would be reached, what is done already, what undo will need, and conditions. Reads only. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "runbook/run_priv.h"

#define REACH_TIMEOUT (15 * NS_PER_S)

/* --- routes ----------------------------------------------------------------------------------------------------------------------- */

static void
host_out(struct lane *l, const char *why)
{
	if (l->is_failed)
		return;
	l->is_failed = l->is_unreachable = true;
	l->state = LANE_FAILED;
	lane_phrase(l, "unreachable: %s", why);
	for (size_t c = 0; c < l->run->n_columns; c++)
		if (l->run->columns[c].part == PART_HOST && l->cells[c].outcome == OUTCOME_WOULD_RUN) {
			l->cells[c].outcome = OUTCOME_FAILED;
			text_set(&l->cells[c].text, "%s", why);
		}
	plan_fact(l->run, "unreachable", OUTCOME_FAILED, "%s: %s", l->name, why);
}

static void
on_route(const struct ssh_route *route, void *arg)
{
	struct route_ask *ask = arg;
	struct run *r = ask->run;
	struct lane *l = ask->lane;

	if (r == NULL) {
		free(ask);
		return;
	}
	LIST_REMOVE(ask, next);
	free(ask);
	r->n_asked--;
	if (route->err.code != 0)
		host_out(l, route->err.msg);
	else if (route->transport == SSH_OPENSSH)
		for (size_t c = 0; c < r->n_columns; c++)
			if (r->columns[c].part == PART_HOST)
				text_set(&l->cells[c].transport, "openssh: %s", route->why);
	run_kick(r);
}

static bool
needs_ssh(const struct run *r)
{
	for (size_t c = 0; c < r->n_columns; c++) {
		const struct runbook_step *s = r->columns[c].part == PART_HOST ? r->columns[c].step : NULL;

		if (s != NULL && s->act->kind == STEP_SSH)
			return true;
	}
	return false;
}

void
plan_routes(struct run *r)
{
	struct err err = ERR_INIT;

	if (r->w->ssh == NULL || !needs_ssh(r))
		return;
	for (size_t i = 0; i < r->n_lanes; i++) {
		struct route_ask *ask = xcalloc(1, sizeof *ask);

		ask->run = r;
		ask->lane = &r->lanes[i];
		LIST_INSERT_HEAD(&r->routes, ask, next);
		r->n_asked++;
		if (ssh_route(r->w->ssh, &r->lanes[i].ssh, on_route, ask, &err) < 0) {
			LIST_REMOVE(ask, next);
			free(ask);
			r->n_asked--;
			host_out(&r->lanes[i], err.msg);
		}
	}
}

/* --- checks, values before, and whether hosts let us in ------------------------------------------------------------------------------------------------------- */

static void
read_add(struct run *r, struct lane *l, size_t column, enum read_what what)
{
	r->reads[r->n_reads++] = (struct plan_read){ .lane = l, .column = column, .what = what };
}

static bool
has_value_before(const struct runbook_step *s)
{
	return s->act->kind == STEP_REGISTRY || (s->act->kind == STEP_HTTP && s->is_undo_restore);
}

/* The first step that is done there over ssh, where no check logs in anyway; n_columns: none. */
static size_t
column_to_reach(const struct run *r, const struct lane *l)
{
	size_t found = r->n_columns;

	for (size_t i = r->n_columns; r->w->ssh != NULL && l != &r->own && i-- > 0;) {
		const struct runbook_step *s = r->columns[i].step;
		const struct cell *c = &l->cells[i];

		if (r->columns[i].part != PART_HOST)
			continue;
		if (s->check != NULL && s->check->kind == STEP_SSH && c->check != NULL && c->unbound == NULL)
			return r->n_columns;
		if (s->act->kind == STEP_SSH && c->outcome != OUTCOME_SKIPPED)
			found = i;
	}
	return found;
}

static void
reach_make(struct run *r)
{
	struct err err = ERR_INIT;
	size_t column;

	if (r->reach_words[0] == NULL && template_parse("true", PLACE_WORD, &r->reach_words[0], &column, &err) < 0)
		plan_refuse(r, 3, "hosts cannot be looked at: %s", err.msg);
	r->reach = (struct act){ .kind = STEP_SSH, .timeout_ns = REACH_TIMEOUT, .argv = r->reach_words };
}

void
plan_reads_begin(struct run *r)
{
	reach_make(r);
	r->reads = xcalloc(2 * (r->n_lanes + 1) * r->n_columns + r->n_lanes + 1, sizeof *r->reads);
	for (size_t i = 0; i <= r->n_lanes; i++) {
		struct lane *l = i < r->n_lanes ? &r->lanes[i] : &r->own;

		for (size_t c = 0; c < r->n_columns && !l->is_failed; c++) {
			if (l->cells[c].check != NULL && l->cells[c].unbound == NULL)
				read_add(r, l, c, READ_CHECK);
			if (l->cells[c].act != NULL && has_value_before(r->columns[c].step))
				read_add(r, l, c, READ_VALUE);
		}
		if (!l->is_failed && column_to_reach(r, l) < r->n_columns)
			read_add(r, l, column_to_reach(r, l), READ_REACH);
	}
}

static void
check_read(struct run *r, struct lane *l, size_t column, const struct act_result *res)
{
	struct cell *c = &l->cells[column];
	char *found = NULL, *clean = NULL;

	switch (check_answer(c, r->columns[column].step, res, &found)) {
	case CHECK_DONE:
		c->outcome = OUTCOME_SKIPPED;
		text_set(&c->text, "already %s", c->expect != NULL ? c->expect : "done");
		break;
	case CHECK_NOT_DONE:
	case CHECK_FAILED:
		clean = text_clean(found);
		if (*clean != '\0')
			text_set(&c->text, "now %s", clean);
		break;
	case CHECK_UNREACHABLE:
		clean = text_clean(*res->err.msg != '\0' ? res->err.msg : res->text);
		c->outcome = OUTCOME_FAILED;
		text_set(&c->text, "%s", clean);
		if (l == &r->own)
			plan_refuse(r, 3, "%s: its check cannot be made: %s", r->columns[column].name, clean);
		else
			host_out(l, clean);
		break;
	}
	free(found);
	free(clean);
}

static void
value_read(struct run *r, struct lane *l, size_t column, const struct act_result *res)
{
	struct cell *c = &l->cells[column];

	if (res->outcome == OUTCOME_OK) {
		free(c->previous);
		c->previous = xstrdup_or_null(res->previous);
		return;
	}
	char *clean = text_clean(*res->err.msg != '\0' ? res->err.msg : res->text);

	plan_refuse(r, 3, "%s%s%s: what is there now cannot be read: %s", l->name, *l->name != '\0' ? ": " : "", r->columns[column].name, clean);
	c->outcome = OUTCOME_FAILED;
	text_set(&c->text, "%s", clean);
	free(clean);
}

/* Whatever `true` ended with: there was somebody to run it. */
static void
reach_read(struct lane *l, const struct act_result *res)
{
	char *clean;

	if (res->outcome == OUTCOME_OK || res->is_exited)
		return;
	clean = text_clean(*res->err.msg != '\0' ? res->err.msg : res->text);
	host_out(l, clean);
	free(clean);
}

static struct plan_read *
read_of(struct run *r, const struct running *running)
{
	size_t i = 0;

	while (r->reads[i].running != running)
		i++;
	return &r->reads[i];
}

static void
on_read(struct running *running, const struct act_result *res, void *arg)
{
	struct run *r = arg;
	struct plan_read *p = read_of(r, running);

	p->running = NULL;
	p->is_done = true;
	if (p->what == READ_REACH)
		reach_read(p->lane, res);
	else if (p->what == READ_CHECK)
		check_read(r, p->lane, p->column, res);
	else
		value_read(r, p->lane, p->column, res);
	act_free(running);
	run_kick(r);
}

static void
read_begin(struct run *r, struct plan_read *p)
{
	struct cell *c = &p->lane->cells[p->column];
	char nonce[RUN_NONCE_MAX];
	struct err err = ERR_INIT;
	struct act_start s = { .mode = ACT_READ, .nonce = nonce, .run = r->id, .incident = r->incident, .done = on_read, .arg = r };

	struct bound *reach = NULL;
	int code = 0;

	nonce_make(nonce);
	if (p->what == READ_REACH)
		code = step_bind(r->w, &r->reach, &p->lane->bindings, &reach, &err);
	if (code == 0)
		code = act_begin(r->w, p->what == READ_REACH ? reach : p->what == READ_CHECK ? c->check : c->act, &s, &p->running, &err);
	bound_unref(reach);
	if (code == 0)
		return;
	p->is_done = true;
	p->running = NULL;
	if (p->what == READ_REACH) {
		host_out(p->lane, err.msg);
		return;
	}
	plan_refuse(r, 3, "%s%s%s: it cannot be looked at: %s", p->lane->name, *p->lane->name != '\0' ? ": " : "", r->columns[p->column].name, err.msg);
}

bool
plan_reads_pump(struct run *r)
{
	size_t n_running = 0;
	bool is_done = true;

	for (size_t i = 0; i < r->n_begun; i++)
		n_running += !r->reads[i].is_done;
	while (r->n_begun < r->n_reads && n_running < RUN_READS_MAX) {
		read_begin(r, &r->reads[r->n_begun]);
		n_running += !r->reads[r->n_begun++].is_done;
	}
	for (size_t i = 0; i < r->n_reads; i++)
		is_done &= r->reads[i].is_done;
	return is_done;
}

/* --- conditions --------------------------------------------------------------------------------------------------------------------------- */

static void
on_preconditions(struct look *k, void *arg)
{
	struct run *r = arg;

	r->n_asked--;
	look_record(k);		/* tells; nothing is recorded before a run has begun */
	for (size_t i = 0; i < k->n; i++) {
		const struct look_item *it = &k->v[i];
		char *what = condition_what(it->c, &it->bindings);

		plan_fact(r, "precheck", it->outcome, "%s%s%s: %s", it->lane->name, *it->lane->name != '\0' ? ": " : "", what, it->text);
		if (it->outcome != OUTCOME_OK)
			plan_refuse(r, 3, "precondition: %s%s%s: %s", it->lane->name, *it->lane->name != '\0' ? ": " : "", what, it->text);
		free(what);
	}
	run_kick(r);
}

static void
on_when(struct look *k, void *arg)
{
	struct cell *c = arg;
	char *text = look_text(k);

	k->run->n_asked--;
	if (look_outcome(k) == OUTCOME_FAILED) {
		c->outcome = OUTCOME_SKIPPED;
		text_set(&c->text, "when: %s", text);
	} else if (look_outcome(k) == OUTCOME_UNKNOWN) {
		c->outcome = OUTCOME_UNVERIFIABLE;
		text_set(&c->text, "when: it cannot be told: %s", text);
	}
	free(text);
	run_kick(k->run);
}

static bool
is_by_values(const struct runbook_step *s)
{
	for (size_t i = 0; i < s->n_when; i++)
		if (s->when[i]->kind != COND_VALUE)
			return false;
	return true;
}

static void
look_add(struct run *r, struct look *k)
{
	r->whens = xreallocarray(r->whens, r->n_whens + 1, sizeof(struct look *));
	r->whens[r->n_whens++] = k;
	r->n_asked++;
}

/* A `when` behind a step that would run judges the world as it is before that step: only values can be told now. */
static void
whens_of(struct run *r, struct lane *l)
{
	bool is_behind = l == &r->own && r->n_lanes > 0;

	for (size_t i = 0; i < r->n_columns && !l->is_failed; i++) {
		const struct runbook_step *s = r->columns[i].step;
		struct cell *c = &l->cells[i];

		if (s == NULL || c->act == NULL)
			continue;
		if (s->n_when > 0 && c->outcome == OUTCOME_WOULD_RUN) {
			if (!is_behind || is_by_values(s)) {
				look_add(r, look_begin(r, PHASE_STEP, s->when, s->n_when, l, run_hosts_now(r, true), 0, on_when, c));
			} else {
				c->outcome = OUTCOME_UNVERIFIABLE;
				text_set(&c->text, "when: depends on what the steps before it do");
			}
		}
		is_behind |= step_changes(s) && c->outcome != OUTCOME_SKIPPED;
	}
}

void
plan_conditions(struct run *r)
{
	if (r->rb->n_preconditions > 0)
		look_add(r, look_begin(r, PHASE_CHECK, r->rb->preconditions, r->rb->n_preconditions, &r->own, run_hosts_now(r, true), 0, on_preconditions, r));
	for (size_t i = 0; i < r->n_lanes; i++)
		whens_of(r, &r->lanes[i]);
	whens_of(r, &r->own);
}
