/* Columns, and every step bound for every host: what is bound here is what is shown, hashed, recorded and done. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "runbook/run_priv.h"

bool
step_changes(const struct runbook_step *s)
{
	return s->act->kind != STEP_WAIT && s->act->kind != STEP_CONFIRM && s->act->kind != STEP_NOTIFY;
}

/* --- columns ----------------------------------------------------------------------------------------------------------------------- */

static void
column_add(struct run *r, enum run_phase phase, enum part part, const struct runbook_step *s, const char *name)
{
	r->columns[r->n_columns++] = (struct column){ phase, part, s, s != NULL ? s->name : name, s != NULL ? step_kind_name(s->act->kind) : "" };
}

static enum part
part_of(const struct runbook_step *s)
{
	return !s->is_run_scope ? PART_HOST : s->is_closing ? PART_CLOSING : PART_OPENING;
}

static void
columns_of(struct run *r, enum part part)
{
	for (size_t i = 0; i < r->rb->n_steps; i++)
		if (part_of(&r->rb->steps[i]) == part)
			column_add(r, part == PART_CLOSING ? PHASE_CLOSING : PHASE_STEP, part, &r->rb->steps[i], NULL);
}

/* What a run that is done marks as bad is a step like any other: planned, shown, recorded, and it can be undone. */
static void
mark_bad_make(struct run *r)
{
	r->mark_bad_act = (struct act){ .kind = STEP_REGISTRY, .timeout_ns = NS_PER_MIN, .tag = (char *)TAG_BAD };
	r->mark_bad = (struct runbook_step){ .name = (char *)"mark-bad", .is_run_scope = true, .is_closing = true, .act = &r->mark_bad_act,
		.is_undo_restore = true, .on_failure = FAIL_CONTINUE };
	column_add(r, PHASE_CLOSING, PART_CLOSING, &r->mark_bad, NULL);
}

int
plan_columns(struct run *r, struct err *err)
{
	(void)err;
	r->columns = xcalloc(r->rb->n_steps + 4, sizeof *r->columns);
	if (r->rb->n_preconditions > 0)
		column_add(r, PHASE_CHECK, PART_NONE, NULL, "precheck");
	columns_of(r, PART_OPENING);
	columns_of(r, PART_HOST);
	if (r->rb->n_health > 0 && r->n_lanes > 0)
		column_add(r, PHASE_HEALTH, PART_NONE, NULL, "health");
	columns_of(r, PART_CLOSING);
	if (r->rb->bad_model != NULL)
		mark_bad_make(r);
	if (r->rb->n_verify > 0)
		column_add(r, PHASE_VERIFY, PART_NONE, NULL, "verify");
	for (size_t i = 0; i < r->n_lanes; i++)
		r->lanes[i].cells = xcalloc(r->n_columns + 1, sizeof(struct cell));
	r->own.cells = xcalloc(r->n_columns + 1, sizeof(struct cell));
	return 0;
}

/* --- binding ---------------------------------------------------------------------------------------------------------------------------- */

/* "${model}": the parameter's value; "current": what the run leaves. NULL: not known. */
static const char *
bad_word(const struct run *r, const char *text)
{
	char name[64];
	size_t len = strlen(text);

	if (strcmp(text, "current") == 0) {
		for (size_t i = 0; i < r->n_values; i++)
			if (r->values[i].current != NULL)
				return r->values[i].current;
		return NULL;
	}
	if (len < 4 || len - 2 > sizeof name || strncmp(text, "${", 2) != 0 || text[len - 1] != '}')
		return text;
	memcpy(name, text + 2, len - 3);
	name[len - 3] = '\0';
	return run_lookup(name, (void *)&r->own, NULL);
}

/* The version in place now, where no parameter was resolved as `previous`: as the registry said last. */
static const char *
current_version(const struct run *r, const char *model)
{
	char *id = xasprintf("model:%s", model);
	const struct model_model *m = model_model_find(r->w->model(r->w->arg), id);

	free(id);
	return m != NULL && m->wanted != NULL && !m->is_reg_stale ? m->wanted->version : NULL;
}

static bool
is_a_target(const struct run *r, const char *version)
{
	for (size_t i = 0; i < r->n_values; i++)
		if (r->values[i].param->type == PARAM_MODEL_VERSION && r->values[i].value != NULL && strcmp(r->values[i].value, version) == 0)
			return true;
	return false;
}

static void
bind_mark_bad(struct run *r, struct cell *c)
{
	const char *model = bad_word(r, r->rb->bad_model), *version = bad_word(r, r->rb->bad_version);
	struct err err = ERR_INIT;

	if (version == NULL && model != NULL && strcmp(r->rb->bad_version, "current") == 0)
		version = current_version(r, model);
	if (model == NULL || version == NULL)
		c->unbound = xstrdup("which version is in place now is not known: none is marked as bad");
	else if (strcmp(r->rb->bad_version, "current") == 0 && is_a_target(r, version))
		c->unbound = xasprintf("%s stays in place: it is not marked as bad", version);
	else if (step_bind_mark_bad(r->w, model, version, r->id, &c->act, &err) < 0)
		c->unbound = xstrdup(err.msg);
	/* Nothing depends on it: it is left out. */
	c->outcome = c->unbound != NULL ? OUTCOME_SKIPPED : OUTCOME_WOULD_RUN;
	if (c->unbound != NULL)
		text_set(&c->text, "%s", c->unbound);
}

/* 0: bound, or not known yet (why). */
static void
bind_one(struct lane *l, const struct column *col, const struct act *act, const char *what, struct bound **ret, char **ret_why)
{
	struct run *r = l->run;
	struct err err = ERR_INIT;
	int code = step_bind(r->w, act, &l->bindings, ret, &err);

	if (code == 0 && (code = bound_check(r->w, *ret, &err)) == 0)
		return;
	if (code == ERR_NOTFOUND && *ret == NULL)
		*ret_why = xstrdup(err.msg);
	else
		plan_refuse(r, 2, "%s%s%s%s: %s", l->name, *l->name != '\0' ? ": " : "", col->name, what, err.msg);
}

static void
bind_cell(struct lane *l, size_t column)
{
	const struct column *col = &l->run->columns[column];
	const struct runbook_step *s = col->step;
	struct cell *c = &l->cells[column];
	struct err err = ERR_INIT;
	char *why = NULL;

	if (s == &l->run->mark_bad) {
		bind_mark_bad(l->run, c);
		return;
	}
	bind_one(l, col, s->act, "", &c->act, &c->unbound);
	if (s->check != NULL && c->unbound == NULL) {
		bind_one(l, col, s->check, ", check", &c->check, &c->unbound);
		if (s->check_expect != NULL && run_expand(l, s->check_expect, &c->expect, &err) < 0)
			c->unbound = xstrdup(err.msg);
	}
	if (s->undo != NULL) {
		bind_one(l, col, s->undo, ", undo", &c->undo, &why);
		if (why != NULL)
			c->undo_unbound = xasprintf("its undo is not known: %s", why);
		free(why);
	}
	c->outcome = c->unbound != NULL ? OUTCOME_UNVERIFIABLE : OUTCOME_WOULD_RUN;
	if (c->unbound != NULL)
		text_set(&c->text, "%s", c->unbound);
	if (c->done_in != NULL && c->check == NULL && !c->must_settle) {
		c->outcome = OUTCOME_SKIPPED;
		text_set(&c->text, "done in %s", c->done_in);
	} else if (c->unbound != NULL && !l->run->q.is_dry_run && l->run->plan_step != PLAN_PREVIOUS)
		plan_refuse(l->run, 3, "%s%s%s: %s", l->name, *l->name != '\0' ? ": " : "", col->name, c->unbound);
}

void
plan_bind(struct run *r)
{
	for (size_t i = 0; i <= r->n_lanes; i++)
		for (size_t c = 0; c < r->n_columns; c++)
			if (r->columns[c].part != PART_NONE && (r->columns[c].part == PART_HOST) == (i < r->n_lanes))
				bind_cell(i < r->n_lanes ? &r->lanes[i] : &r->own, c);
}
