/* Objectives among what is wrong: what burns, what is spent, and what cannot be known. */
#include "config.h"

#include "model/model_priv.h"

#include "base/clock.h"

/* A source that does not answer is a problem of its own; that what it would tell of is not known follows from it and is not said once more for each. */
static bool
is_explained_by_source(const struct model *m, const struct slo_def *def)
{
	const struct source *s = source_get(m, def->source);

	return s != NULL && s->pub.state != SOURCE_OK && s->pub.state != SOURCE_DEGRADED;
}

/* The worst severity of the rules that fire: a state of "ticket" may be one that is only to be known of. */
static enum severity
firing_severity(const struct model_slo *row)
{
	enum severity worst = SEVERITY_NONE;

	if (row->slo->state == SLO_PAGE)
		return SEVERITY_PAGE;
	if (row->slo->state == SLO_EXHAUSTED || row->slo->n_rules != row->def->n_rules)
		return SEVERITY_TICKET;
	for (size_t i = 0; i < row->slo->n_rules; i++)
		if (row->slo->rules[i].is_firing && row->def->rules[i].severity > worst)
			worst = row->def->rules[i].severity;
	return worst == SEVERITY_NONE ? SEVERITY_TICKET : worst;
}

/* false: it is none. */
static bool
judge(const struct model *m, const struct model_slo *row, enum severity *ret_severity, bool *ret_is_unknown)
{
	if (row->slo == NULL)
		return false;
	*ret_severity = SEVERITY_TICKET;
	*ret_is_unknown = true;
	if (row->is_stale)
		return !is_explained_by_source(m, row->def);
	switch (row->slo->state) {
	case SLO_PAGE:
	case SLO_TICKET:
	case SLO_EXHAUSTED:
		*ret_severity = firing_severity(row);
		*ret_is_unknown = false;
		return true;
	case SLO_NO_DATA:
		if (row->def->no_data_severity != SEVERITY_NONE) {
			*ret_severity = row->def->no_data_severity;
			*ret_is_unknown = false;
		}
		return true;
	case SLO_UNKNOWN:
		return !is_explained_by_source(m, row->def);
	case SLO_GATED:
	case SLO_OK:
	case SLO_EXCLUDED:
		break;
	}
	return false;
}

static const char *
evidence(const struct model *m, struct problems_view *v, const struct model_slo *row)
{
	char age[DURATION_TEXT_MAX];

	if (!row->is_stale)
		return row->def->source;
	return problem_textf(v, "%s, last worked out %s ago", row->def->source, problem_age(age, m, m->slos->at_ns));
}

static void
add_slo(const struct model *m, struct problems_view *v, const struct slo_row *row)
{
	const struct model_slo *pub = &row->pub;
	char text[SLO_TEXT_MAX * 4];
	enum severity severity;
	bool is_unknown;

	if (!judge(m, pub, &severity, &is_unknown) || (!is_unknown && row->told >= severity))
		return;
	problem_add(v, &(struct problem){
		.kind = PROBLEM_SLO, .severity = severity, .is_unknown = is_unknown, .name = pub->def->name, .slo_id = pub->def->id,
		.text = problem_textf(v, "%s", slo_budget_text(text, sizeof text, pub->slo)),
		.since_ns = pub->slo->since_ns, .seen_ns = m->slos->at_ns, .evidence = evidence(m, v, pub),
	});
}

void
problems_add_slos(const struct model *m, struct problems_view *v)
{
	const struct slos_view *slos = slos_get(m);

	for (size_t i = 0; i < slos->n; i++)
		add_slo(m, v, &slos->rows[i]);
}
