/* What is wrong now: alerts, sources we cannot see through, targets down, rules that fail, objectives (problems_slo.c), drift
 * (problems_drift.c), models (problems_models.c); and the health they add up to. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "model/model_priv.h"

enum { TEXT_MAX = 4096, NAMES_MAX = 5 };

struct problem *
problem_add(struct problems_view *v, const struct problem *p)
{
	if (v->n == v->cap) {
		v->cap = v->cap == 0 ? 32 : v->cap * 2;
		v->v = xreallocarray(v->v, v->cap, sizeof *v->v);
	}
	v->v[v->n] = *p;
	return &v->v[v->n++];
}

const char *
problem_textf(struct problems_view *v, const char *fmt, ...)
{
	va_list ap;
	const char *kept;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	kept = arena_strndup(&v->arena, text, strnlen(text, TEXT_MAX));
	free(text);
	return kept;
}

const char *
problem_age(char *text, const struct model *m, int64_t then_ns)
{
	return duration_format(text, m->now_ns > then_ns ? (m->now_ns - then_ns) / NS_PER_S * NS_PER_S : 0);
}

/* --- alerts ---------------------------------------------------------------------------------------------------------------- */

static bool
has_source_of(const struct model *m, bool is_am)
{
	for (size_t i = 0; i < m->n_sources; i++)
		if (source_tells_alerts(m->sources[i]) && source_is_alertmanager(m->sources[i]) == is_am)
			return true;
	return false;
}

/* Whoever is not there at all is not missed; a firing alert that an Alertmanager should know and does not is remarkable. */
static const char *
who_tells(const struct model *m, const struct model_alert *a)
{
	if (a->am != NULL && a->prometheus != NULL)
		return "Alertmanager and Prometheus";
	if (a->am != NULL)
		return has_source_of(m, false) ? "Alertmanager only" : "Alertmanager";
	return a->state != ALERT_PENDING && has_source_of(m, true) ? "Prometheus only" : "Prometheus";
}

static const char *
alert_evidence(const struct model *m, struct problems_view *v, const struct model_alert *a)
{
	char age[DURATION_TEXT_MAX];

	if (!a->is_stale)
		return who_tells(m, a);
	return problem_textf(v, "%s, last seen %s ago", who_tells(m, a), problem_age(age, m, a->seen_ns));
}

/* The labels, where nobody wrote a sentence. */
static const char *
labels_text(struct problems_view *v, const struct labels *l)
{
	struct buf b;
	const char *text;

	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].name, "alertname") != 0)
			buf_printf(&b, "%s%s=%s", b.len > 0 ? " " : "", l->v[i].name, l->v[i].value);
	text = arena_strdup(&v->arena, b.data);
	buf_done(&b);
	return text;
}

static const char *
alert_text(struct problems_view *v, const struct model_alert *a)
{
	static const char *const names[] = { "summary", "message", "description", "title" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *text = labels_get(a->annotations, names[i]);

		if (text != NULL && text[0] != '\0')
			return text;
	}
	return labels_text(v, a->labels);
}

/* Severity "none" says of itself that it is no problem: the alert that always fires to show that alerting works. */
static void
add_alerts(const struct model *m, struct problems_view *v)
{
	const struct alerts_view *alerts = alerts_get(m);

	for (size_t i = 0; i < alerts->n; i++) {
		const struct model_alert *a = alerts->order[i];

		if (a->state == ALERT_SILENCED || a->state == ALERT_INHIBITED || a->severity == SEVERITY_NONE)
			continue;
		problem_add(v, &(struct problem){
			.kind = PROBLEM_ALERT, .severity = a->severity, .alert_id = a->id, .name = a->name,
			.text = alert_text(v, a), .since_ns = a->since_ns, .seen_ns = a->seen_ns, .state = a->state,
			.evidence = alert_evidence(m, v, a), .slo_id = slos_alert_tells(m, a->id), .drift_id = drifts_alert_tells(m, a->id),
		});
	}
}

/* --- sources --------------------------------------------------------------------------------------------------------------- */

static const char *
with_error(struct problems_view *v, const char *text, const char *error)
{
	return error[0] == '\0' ? text : problem_textf(v, "%s: %s", text, error);
}

static const char *
source_text(const struct model *m, struct problems_view *v, const struct source *s)
{
	char age[DURATION_TEXT_MAX];
	size_t n, n_failing;

	switch (s->pub.state) {
	case SOURCE_UNKNOWN:
		return "has not answered yet";
	case SOURCE_DOWN:
		return with_error(v, "no good answer yet", s->pub.error);
	case SOURCE_STALE:
		return with_error(v, problem_textf(v, "no good answer for %s", problem_age(age, m, s->pub.last_ok_ns)), s->pub.error);
	case SOURCE_DEGRADED:
	case SOURCE_OK:
		break;
	}
	n_failing = source_n_failing(s, m->now_ns, &n);
	return with_error(v, problem_textf(v, "%zu of %zu requests fail", n_failing, n), s->pub.error);
}

/* Through a source that should tell of alerts and does not, we see nothing; that is not the same as nothing being there. */
static bool
is_blind(const struct source *s)
{
	const struct source_request *r = source_request_find(s, "alerts");

	if (!source_tells_alerts(s))
		return false;
	if (s->pub.state != SOURCE_OK && s->pub.state != SOURCE_DEGRADED)
		return true;
	return s->is_alerts_stale || (s->alerts == NULL && r != NULL && r->last_ok_ns == 0);
}

bool
source_is_unseeing(const struct model *m, const struct source *s)
{
	bool is_answering = s->pub.state == SOURCE_OK || s->pub.state == SOURCE_DEGRADED;

	return is_blind(s) || (!is_answering && models_need(m, s));
}

/* A source that has not answered yet is not late before its patience is over; what we wait for is unknown from the start. */
static bool
is_source_problem(const struct model *m, const struct source *s)
{
	if (s->pub.state == SOURCE_UNKNOWN && !source_is_unseeing(m, s))
		return m->now_ns - m->env_ns > source_patience_ns(s);
	return s->pub.state != SOURCE_OK || source_is_unseeing(m, s);
}

static void
add_source(const struct model *m, struct problems_view *v, const struct source *s)
{
	char age[DURATION_TEXT_MAX];

	problem_add(v, &(struct problem){
		.kind = PROBLEM_SOURCE, .severity = SEVERITY_TICKET, .is_unknown = source_is_unseeing(m, s), .name = s->pub.name,
		.text = source_text(m, v, s), .since_ns = s->pub.since_ns, .seen_ns = s->pub.last_ok_ns,
		.evidence = s->pub.last_ok_ns == 0 ? "never seen" :
		    problem_textf(v, "last seen %s ago", problem_age(age, m, s->pub.last_ok_ns)),
	});
}

static const char *
old_evidence(const struct model *m, struct problems_view *v, const struct source *s, int64_t seen_ns)
{
	char age[DURATION_TEXT_MAX];

	if (m->now_ns - seen_ns <= source_patience_ns(s))
		return s->pub.name;
	return problem_textf(v, "%s, last seen %s ago", s->pub.name, problem_age(age, m, seen_ns));
}

static void
add_targets(const struct model *m, struct problems_view *v, const struct source *s)
{
	const struct target_set *set = s->pub.targets;
	size_t n_down = 0;
	struct buf b;

	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].health == TARGET_DOWN && n_down++ < NAMES_MAX)
			buf_printf(&b, "%s%s", b.len > 0 ? ", " : "", set->v[i].instance);
	if (n_down > 0)
		problem_add(v, &(struct problem){
			.kind = PROBLEM_TARGETS, .severity = SEVERITY_TICKET, .name = s->pub.name,
			.text = problem_textf(v, "%zu of %zu targets down: %s%s", n_down, set->n, b.data, n_down > NAMES_MAX ? ", ..." : ""),
			.since_ns = s->targets_down_since_ns, .seen_ns = s->pub.targets_ns,
			.evidence = old_evidence(m, v, s, s->pub.targets_ns),
		});
	buf_done(&b);
}

static void
add_rules(const struct model *m, struct problems_view *v, const struct source *s)
{
	const struct rule_set *set = s->pub.rules;
	const struct rule *first = NULL;
	size_t n_failing = 0;

	for (size_t i = 0; i < set->n; i++) {
		if (set->v[i].error[0] == '\0')
			continue;
		first = first == NULL ? &set->v[i] : first;
		n_failing++;
	}
	if (first == NULL)
		return;
	problem_add(v, &(struct problem){
		.kind = PROBLEM_RULES, .severity = SEVERITY_TICKET, .name = s->pub.name,
		.text = problem_textf(v, "%zu of %zu rules fail: %s: %s", n_failing, set->n, first->name, first->error),
		.since_ns = s->rules_failing_since_ns, .seen_ns = s->pub.rules_ns,
		.evidence = old_evidence(m, v, s, s->pub.rules_ns),
	});
}

static void
add_sources(const struct model *m, struct problems_view *v)
{
	bool is_explained = false;

	for (size_t i = 0; i < m->n_sources; i++) {
		const struct source *s = m->sources[i];

		is_explained |= is_blind(s);
		if (is_source_problem(m, s))
			add_source(m, v, s);
		if (s->pub.targets != NULL)
			add_targets(m, v, s);
		if (s->pub.rules != NULL)
			add_rules(m, v, s);
	}
	if (!is_explained && !model_alerts_known(m))
		problem_add(v, &(struct problem){
			.kind = PROBLEM_SOURCE, .severity = SEVERITY_TICKET, .is_unknown = true, .name = "alerts",
			.text = "no source that tells of alerts has answered", .evidence = "never seen",
		});
}

/* --- order and sum ----------------------------------------------------------------------------------------------------------- */

static enum health
problem_health(const struct problem *p)
{
	bool is_pending = p->kind == PROBLEM_ALERT && p->state == ALERT_PENDING;

	if (p->is_unknown)
		return HEALTH_UNKNOWN;
	if (is_pending || p->severity < SEVERITY_TICKET)
		return HEALTH_OK;
	return p->severity == SEVERITY_PAGE ? HEALTH_CRITICAL : HEALTH_WARNING;
}

static int
problem_compare(const void *pa, const void *pb)
{
	const struct problem *a = pa, *b = pb;
	int c = (int)problem_health(b) - (int)problem_health(a);

	if (c == 0)
		c = (a->kind == PROBLEM_ALERT && a->state == ALERT_PENDING) - (b->kind == PROBLEM_ALERT && b->state == ALERT_PENDING);
	if (c == 0)
		c = (int)b->severity - (int)a->severity;
	/* The symptom is read before the budget that it burns. */
	if (c == 0)
		c = (a->slo_id != NULL) - (b->slo_id != NULL);
	if (c == 0)
		c = (a->since_ns < b->since_ns) - (a->since_ns > b->since_ns);
	if (c == 0)
		c = strcmp(a->name, b->name);
	if (c == 0)
		c = (a->alert_id > b->alert_id) - (a->alert_id < b->alert_id);
	if (c == 0)
		c = (int)a->kind - (int)b->kind;
	if (c == 0 && a->slo_id != NULL && b->slo_id != NULL)
		c = strcmp(a->slo_id, b->slo_id);
	return c != 0 || a->drift_id == NULL || b->drift_id == NULL ? c : strcmp(a->drift_id, b->drift_id);
}

static const struct problems_view *
problems_get(const struct model *m)
{
	struct derived *d = m->derived;
	struct problems_view *v = &d->problems;

	if (d->has_problems)
		return v;
	problems_view_done(v);
	add_alerts(m, v);
	add_sources(m, v);
	problems_add_slos(m, v);
	problems_add_drifts(m, v);
	problems_add_models(m, v);
	if (v->n > 0)
		qsort(v->v, v->n, sizeof *v->v, problem_compare);
	v->health = v->n == 0 ? HEALTH_OK : problem_health(&v->v[0]);
	d->has_problems = true;
	return v;
}

void
problems_view_done(struct problems_view *v)
{
	arena_done(&v->arena);
	free(v->v);
	*v = (struct problems_view){ 0 };
}

/* --- for the reader ------------------------------------------------------------------------------------------------------------ */

size_t
model_n_problems(const struct model *m)
{
	return problems_get(m)->n;
}

const struct problem *
model_problem(const struct model *m, size_t i)
{
	return &problems_get(m)->v[i];
}

enum health
model_health(const struct model *m)
{
	return problems_get(m)->health;
}

const char *
health_name(enum health health)
{
	switch (health) {
	case HEALTH_OK: return "OK";
	case HEALTH_WARNING: return "WARNING";
	case HEALTH_UNKNOWN: return "UNKNOWN";
	case HEALTH_CRITICAL: return "CRITICAL";
	}
	return "UNKNOWN";
}

const char *
problem_kind_name(enum problem_kind kind)
{
	static const char *const names[] = { [PROBLEM_ALERT] = "alert", [PROBLEM_SOURCE] = "source", [PROBLEM_TARGETS] = "targets", [PROBLEM_RULES] = "rules",
		[PROBLEM_SLO] = "slo", [PROBLEM_MODEL] = "model", [PROBLEM_DRIFT] = "drift" };

	return names[kind];
}
