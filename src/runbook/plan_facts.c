/* Lines of the confirmation, in the order a person reads them: why, where, when it stops, what can be undone, how it is verified, and what is at stake. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "model/slo.h"
#include "runbook/run_priv.h"

#define BURN_SHOWN 0.05		/* as slo_budget_text() has it */

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

/* "7 -> 6: audit 01-serving:4127": which version was found, in whose place, by which evidence. */
static void
fact_values(struct run *r)
{
	for (size_t i = 0; i < r->n_values; i++) {
		const struct value *v = &r->values[i];

		if (v->is_previous && v->value != NULL)
			plan_fact(r, v->param->name, OUTCOME_NONE, "%s%s%s: %s", v->current != NULL ? v->current : "", v->current != NULL ? " -> " : "",
			    v->value, v->from);
	}
}

static void
fact_hosts(struct run *r)
{
	struct buf b;

	if (r->n_lanes == 0)
		return;
	buf_init(&b, FACT_MAX);
	if (r->n_batches > 1)
		buf_printf(&b, "%zu batches: ", r->n_batches);
	for (size_t i = 0; i < r->n_batches; i++) {
		buf_addstr(&b, i > 0 ? " | " : "");
		hostlist_fold(&b, r->hosts + r->batches[i].first, r->batches[i].n);
	}
	buf_addstr(&b, r->n_batches > 1 || r->n_lanes < 2 ? "; " : ", all at once; ");
	if (r->rb->max_failures == 0)
		buf_addstr(&b, "any failure stops it");
	else
		buf_printf(&b, "more than %u failing stop it", r->rb->max_failures);
	plan_fact(r, "hosts", OUTCOME_NONE, "%s", b.data);
	buf_done(&b);
}

/* --- steps --------------------------------------------------------------------------------------------------------------------------- */

/* One text for all lanes of a column. */
struct common { const char *text; bool is_same; };

/* Without what says where: "ssh web-01: " is another one on each host, "mlflow registry: " the one there is. The grid has it exact. */
static const char *
where_less(const struct lane *l, const char *text)
{
	static const char registry[] = " registry: ";
	char *head = xasprintf("ssh %s: ", l->name);
	size_t len = strlen(head);
	bool has_head = *l->name != '\0' && str_has_prefix(text, head);
	const char *name_end = text + strcspn(text, " ");

	free(head);
	if (has_head)
		return text + len;
	return str_has_prefix(name_end, registry) ? name_end + strlen(registry) : text;
}

static const char *
act_text(const struct lane *l, size_t column)
{
	const struct cell *c = &l->cells[column];

	return c->act != NULL ? where_less(l, bound_text(c->act)) : c->unbound != NULL ? c->unbound : "";
}

/* NULL: it changes nothing, there is nothing to undo. */
static const char *
undo_text(const struct lane *l, size_t column)
{
	const struct runbook_step *s = l->run->columns[column].step;
	const struct cell *c = &l->cells[column];

	if (!step_changes(s))
		return NULL;
	if (s->is_undo_nothing)
		return "nothing: it changes nothing";
	if (s->is_undo_restore)
		return "restore";
	if (c->undo != NULL)
		return where_less(l, bound_text(c->undo));
	return c->undo_unbound != NULL ? c->undo_unbound : "NONE";
}

/* It should have an undo, but what that would be is not known. */
static bool
is_undo_unknown(const struct lane *l, size_t column)
{
	const struct cell *c = &l->cells[column];

	return c->outcome != OUTCOME_SKIPPED && c->undo == NULL && c->undo_unbound != NULL;
}

/* Hosts whose undo is not known, where others have one: NULL none; owned by the caller. */
static char *
undo_unknown_hosts(const struct run *r, size_t column)
{
	const char **names = xcalloc(r->n_lanes + 1, sizeof *names);
	size_t n = 0, n_known = 0;
	char *text = NULL;
	struct buf b;

	for (size_t i = 0; i < r->n_lanes; i++)
		if (is_undo_unknown(&r->lanes[i], column))
			names[n++] = r->lanes[i].name;
		else
			n_known += r->lanes[i].cells[column].outcome != OUTCOME_SKIPPED;
	if (n > 0 && n_known > 0) {
		buf_init(&b, FACT_MAX);
		hostlist_fold(&b, names, n);
		text = xasprintf("; NOT KNOWN on %s", b.data);
		buf_done(&b);
	}
	free(names);
	return text;
}

static struct common
common_of(const struct run *r, size_t column, const char *text_of(const struct lane *l, size_t column), bool is_known_only)
{
	struct common c = { .is_same = true };

	for (size_t i = 0; i < r->n_lanes; i++) {
		const char *text;

		if (r->lanes[i].cells[column].outcome == OUTCOME_SKIPPED || (is_known_only && is_undo_unknown(&r->lanes[i], column)))
			continue;
		text = text_of(&r->lanes[i], column);
		if (c.text == NULL)
			c.text = text;
		c.is_same &= text == NULL || strcmp(text, c.text) == 0;
	}
	return c;
}

static void
fact_step_hosts(struct run *r, size_t column)
{
	char *unknown = undo_unknown_hosts(r, column);
	struct common act = common_of(r, column, act_text, false), undo = common_of(r, column, undo_text, unknown != NULL);
	const char *name = r->columns[column].name;
	size_t n = 0;
	char where[64];

	for (size_t i = 0; i < r->n_lanes; i++)
		n += r->lanes[i].cells[column].outcome != OUTCOME_SKIPPED;
	if (n == 0) {
		plan_fact(r, "steps", OUTCOME_NONE, "%s: nothing to do on any host", name);
		free(unknown);
		return;
	}
	if (n == r->n_lanes)
		snprintf(where, sizeof where, "each host");
	else
		snprintf(where, sizeof where, "%zu of %zu hosts", n, r->n_lanes);
	plan_fact(r, "steps", OUTCOME_NONE, "%s on %s: %s%s%s%s%s%s%s", name, where, act.text, act.is_same ? "" : ", and so on",
	    undo.text != NULL ? " (undo: " : "", undo.text != NULL ? undo.text : "", undo.text != NULL && !undo.is_same ? ", each its own" : "",
	    unknown != NULL ? unknown : "", undo.text != NULL ? ")" : "");
	free(unknown);
}

static void
fact_step_once(struct run *r, size_t column)
{
	const struct cell *c = &r->own.cells[column];
	const char *undo = undo_text(&r->own, column), *name = r->columns[column].name;
	char *what = xstrdup(act_text(&r->own, column)), *value = strstr(what, " -> ");

	/* What it is marked with is the run's own id. */
	if (r->columns[column].step == &r->mark_bad && value != NULL)
		*value = '\0';
	if (c->outcome == OUTCOME_SKIPPED)
		plan_fact(r, "steps", OUTCOME_NONE, "%s: nothing to do: %s", name, c->text != NULL ? c->text : "");
	else
		plan_fact(r, "steps", OUTCOME_NONE, "%s: %s%s%s%s", name, what, undo != NULL ? " (undo: " : "", undo != NULL ? undo : "",
		    undo != NULL ? ")" : "");
	free(what);
}

static void
fact_steps(struct run *r)
{
	for (size_t c = 0; c < r->n_columns; c++) {
		if (r->columns[c].step == NULL)
			continue;
		if (r->columns[c].part != PART_HOST)
			fact_step_once(r, c);
		else if (r->n_lanes > 0)
			fact_step_hosts(r, c);
	}
}

/* --- what is at stake ------------------------------------------------------------------------------------------------------------------ */

/* Of what is judged host by host the first stands for all. */
static void
fact_verified(struct run *r)
{
	struct buf b;

	buf_init(&b, FACT_MAX);
	for (size_t i = 0; i < r->rb->n_verify; i++) {
		const struct condition *c = r->rb->verify[i];
		bool is_by_host = c->is_per_host && r->n_lanes > 0;
		struct bindings with = is_by_host ? r->lanes[0].bindings : r->own.bindings;
		char *what;

		with.hosts = r->hosts;
		what = condition_what(c, &with);
		buf_printf(&b, "%s%s%s", i > 0 ? "; " : "", what, is_by_host && r->n_lanes > 1 ? ", and so on for each host" : "");
		free(what);
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

/* Known, and so slow that its text names no rate. */
static bool
is_quiet(const struct slo *s)
{
	return s != NULL && s->state == SLO_OK && !isnan(s->left) && !(s->burn >= BURN_SHOWN);
}

static void
fact_budget(struct run *r)
{
	const struct model *m = r->w->model(r->w->arg);
	const struct model_slo *worst = NULL;
	char text[SLO_TEXT_MAX], *clean;

	/* Most urgent first: the first that has to do with the alert, else the first. */
	for (size_t i = 0; r->alert != NULL && worst == NULL && i < model_n_slos(m); i++)
		if (tells_of(m, model_slo(m, i), r->alert))
			worst = model_slo(m, i);
	if (worst == NULL && model_n_slos(m) > 0)
		worst = model_slo(m, 0);
	if (worst == NULL)
		return;
	slo_budget_text(text, sizeof text, worst->slo);
	clean = text_clean(text);
	plan_fact(r, "budget", OUTCOME_NONE, "%s: %s%s", worst->def->name, clean, is_quiet(worst->slo) ? ", not burning" : "");
	free(clean);
}

static void
fact_lock(struct run *r)
{
	const struct value *model = run_value_of(r, PARAM_MODEL);
	const char **targets = xcalloc(r->n_lanes + 2, sizeof *targets);
	char *own = xasprintf("run:%s", model != NULL && model->value != NULL ? model->value : r->rb->name);
	struct lock_place place;
	struct err err = ERR_INIT;
	int code = lock_place_find(r->w->conf->lock_dir, r->w->state_dir, &place, &err);

	for (size_t i = 0; i < r->n_lanes; i++)
		targets[i] = r->lanes[i].name;
	targets[r->n_lanes] = own;
	if (code == 0)
		code = lock_place_look(&place, r->w->env->name, targets, r->n_lanes + 1, &err);
	if (code == 0 && place.usual != NULL)
		plan_fact(r, "lock", OUTCOME_NONE, "free; in %s, as %s", place.dir, place.why);
	else
		plan_fact(r, "lock", code == 0 ? OUTCOME_NONE : OUTCOME_FAILED, "%s", code == 0 ? "free" : err.msg);
	lock_place_done(&place);
	free(targets);
	free(own);
}

static void
fact_audit(struct run *r)
{
	struct audit_state s;
	struct err err = ERR_INIT;
	char age[DURATION_TEXT_MAX];

	if (r->w->audit == NULL) {
		plan_fact(r, "audit", OUTCOME_NONE, "not looked at in a dry run");
		return;
	}
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
	static const struct { enum outcome outcome; const char *words; } said[] = { { OUTCOME_WOULD_RUN, "would run" }, { OUTCOME_SKIPPED, "skipped" },
		{ OUTCOME_UNVERIFIABLE, "cannot be told before" }, { OUTCOME_FAILED, "would be refused" } };
	size_t n[OUTCOME_UNDONE + 1] = { 0 };
	struct buf b;

	for (size_t i = 0; i <= r->n_lanes; i++)
		for (size_t c = 0; c < r->n_columns; c++)
			n[(i < r->n_lanes ? &r->lanes[i] : &r->own)->cells[c].outcome]++;
	buf_init(&b, FACT_MAX);
	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
		if (n[said[i].outcome] > 0)
			buf_printf(&b, "%s%zu %s", b.len > 0 ? ", " : "", n[said[i].outcome], said[i].words);
	plan_fact(r, "outcomes", n[OUTCOME_FAILED] > 0 ? OUTCOME_FAILED : OUTCOME_NONE, "%s", b.len > 0 ? b.data : "nothing to do");
	buf_done(&b);
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
