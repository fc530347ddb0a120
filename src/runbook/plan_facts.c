/* Lines of the confirmation, in the order a person reads them: why, where, when it stops, what can be undone, how it is verified, and what is at stake. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "model/slo.h"
#include "runbook/run_priv.h"

enum { FACT_MAX = 4096 };

void
plan_fact(struct run *r, const char *name, enum outcome outcome, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	r->facts = xreallocarray(r->facts, r->n_facts + 1, sizeof *r->facts);
	r->facts[r->n_facts++] = (struct fact){ xstrdup(name), text, outcome };
	run_tell(r, NOTICE_FACT, &(struct run_notice){ .name = name, .batch = -1, .outcome = outcome, .text = text });
}

static void
fact_values(struct run *r)
{
	for (size_t i = 0; i < r->n_values; i++) {
		const struct value *v = &r->values[i];

		if (v->is_previous && v->value != NULL)
			plan_fact(r, v->param->name, OUTCOME_NONE, "%s: %s%s%s%s", v->value, v->from, v->current != NULL ? " (now " : "",
			    v->current != NULL ? v->current : "", v->current != NULL ? ")" : "");
	}
}

static void
fact_hosts(struct run *r)
{
	struct buf b;

	if (r->n_lanes == 0)
		return;
	buf_init(&b, FACT_MAX);
	for (size_t i = 0; i < r->n_batches; i++) {
		buf_addstr(&b, i > 0 ? " | " : "");
		hostlist_fold(&b, r->hosts + r->batches[i].first, r->batches[i].n);
	}
	plan_fact(r, "hosts", OUTCOME_NONE, "%s (%zu in %zu batch%s)", b.data, r->n_lanes, r->n_batches, r->n_batches == 1 ? "" : "es");
	buf_done(&b);
	plan_fact(r, "stops", OUTCOME_NONE, "when more than %u fail%s", r->rb->max_failures, r->rb->max_failures == 1 ? "s" : "");
}

static const struct lane *
sample_lane(const struct run *r, const struct column *col)
{
	return col->part == PART_HOST ? &r->lanes[0] : &r->own;
}

static const char *
undo_of(const struct run *r, size_t column)
{
	const struct column *col = &r->columns[column];
	const struct cell *c = &sample_lane(r, col)->cells[column];

	if (!step_changes(col->step))
		return NULL;
	if (col->step->is_undo_restore)
		return "undo: restore";
	if (c->undo != NULL)
		return bound_text(c->undo);
	return c->undo_unbound != NULL ? c->undo_unbound : "no undo";
}

static void
fact_steps(struct run *r)
{
	for (size_t c = 0; c < r->n_columns; c++) {
		const struct column *col = &r->columns[c];
		const struct cell *cell;
		const char *undo;

		if (col->step == NULL || (col->part == PART_HOST && r->n_lanes == 0))
			continue;
		cell = &sample_lane(r, col)->cells[c];
		undo = undo_of(r, c);
		plan_fact(r, "steps", OUTCOME_NONE, "%s%s: %s%s%s%s", col->name, col->part == PART_HOST ? " on each host" : "",
		    cell->act != NULL ? bound_text(cell->act) : cell->unbound != NULL ? cell->unbound : "", undo != NULL ? " (undo: " : "",
		    undo == NULL ? "" : strncmp(undo, "undo: ", 6) == 0 ? undo + 6 : undo, undo != NULL ? ")" : "");
	}
}

static void
fact_verified(struct run *r)
{
	struct buf b;

	buf_init(&b, FACT_MAX);
	for (size_t i = 0; i < r->rb->n_verify; i++) {
		char within[DURATION_TEXT_MAX];
		const struct condition *c = r->rb->verify[i];

		buf_printf(&b, "%s%s", i > 0 ? "; " : "", c->text != NULL ? c->text : "");
		if (c->within_ns > 0)
			buf_printf(&b, " within %s", duration_format(within, c->within_ns));
	}
	if (b.len > 0)
		plan_fact(r, "verified", OUTCOME_NONE, "%s", b.data);
	else
		plan_fact(r, "verified", OUTCOME_NONE, "nothing: the runbook has no verify");
	buf_done(&b);
}

/* Is it an objective whose burn the alert tells of? */
static bool
tells_of(const struct model *m, const struct model_slo *s, const char *alert)
{
	for (size_t i = 0; i < model_n_alerts(m); i++) {
		const struct model_alert *a = model_alert(m, i);

		if (strcmp(a->name, alert) == 0 && (a->id == s->alert_id || (s->def->alert_labels.n > 0 && labels_within(&s->def->alert_labels, a->labels))))
			return true;
	}
	return false;
}

static void
fact_budget(struct run *r)
{
	const struct model *m = r->w->model(r->w->arg);
	const struct model_slo *worst = NULL;
	char text[SLO_TEXT_MAX];

	/* Most urgent first: the first that has to do with the alert, else the first. */
	for (size_t i = 0; r->alert != NULL && worst == NULL && i < model_n_slos(m); i++)
		if (tells_of(m, model_slo(m, i), r->alert))
			worst = model_slo(m, i);
	if (worst == NULL && model_n_slos(m) > 0)
		worst = model_slo(m, 0);
	if (worst == NULL)
		return;
	slo_budget_text(text, sizeof text, worst->slo);
	char *clean = text_clean(text);

	plan_fact(r, "budget", OUTCOME_NONE, "%s: %s", worst->def->name, clean);
	free(clean);
}

static void
fact_lock(struct run *r)
{
	const struct value *model = run_value_of(r, PARAM_MODEL);
	const char **targets = xcalloc(r->n_lanes + 2, sizeof *targets);
	char *own = xasprintf("run:%s", model != NULL && model->value != NULL ? model->value : r->rb->name);
	char *dir = r->w->conf->lock_dir != NULL ? xstrdup(r->w->conf->lock_dir) : xasprintf("%s/locks", r->w->state_dir);
	struct err err = ERR_INIT;
	int code;

	for (size_t i = 0; i < r->n_lanes; i++)
		targets[i] = r->lanes[i].name;
	targets[r->n_lanes] = own;
	code = locks_look(dir, r->w->env->name, targets, r->n_lanes + 1, &err);
	plan_fact(r, "lock", code == 0 ? OUTCOME_NONE : OUTCOME_FAILED, "%s", code == 0 ? "free" : err.msg);
	free(targets);
	free(own);
	free(dir);
}

static void
fact_audit(struct run *r)
{
	struct audit_state s;
	struct err err = ERR_INIT;
	char age[DURATION_TEXT_MAX];

	if (r->w->audit == NULL)
		return;
	if (audit_check(r->w->audit, &err) < 0) {
		plan_fact(r, "audit", OUTCOME_FAILED, "not writable: %s", err.msg);
		return;
	}
	audit_state(r->w->audit, &s);
	if (s.head_ns > 0)
		plan_fact(r, "audit", OUTCOME_NONE, "writable, head anchored %s ago%s", duration_format(age, clock_now() - s.head_ns), s.is_fallback ? ", in a fallback place" : "");
	else
		plan_fact(r, "audit", OUTCOME_NONE, "writable%s", s.is_fallback ? ", in a fallback place" : "");
}

static void
fact_outcomes(struct run *r)
{
	size_t n_run = 0, n_skip = 0, n_unverifiable = 0, n_fail = 0;

	for (size_t i = 0; i <= r->n_lanes; i++)
		for (size_t c = 0; c < r->n_columns; c++) {
			enum outcome o = (i < r->n_lanes ? &r->lanes[i] : &r->own)->cells[c].outcome;

			n_run += o == OUTCOME_WOULD_RUN;
			n_skip += o == OUTCOME_SKIPPED;
			n_unverifiable += o == OUTCOME_UNVERIFIABLE;
			n_fail += o == OUTCOME_FAILED;
		}
	plan_fact(r, "outcomes", n_fail > 0 ? OUTCOME_FAILED : OUTCOME_NONE, "%zu would run, %zu skipped, %zu cannot be told before, %zu would be refused", n_run, n_skip, n_unverifiable, n_fail);
}

void
plan_facts(struct run *r)
{
	fact_values(r);
	fact_hosts(r);
	fact_steps(r);
	fact_verified(r);
	fact_budget(r);
	if (r->rb->cannot != NULL)
		plan_fact(r, "cannot", OUTCOME_NONE, "%s", r->rb->cannot);
	fact_lock(r);
	fact_audit(r);
	fact_outcomes(r);
}
