/* Drift among what is wrong: what has drifted, and what cannot be known. */
#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "model/model_priv.h"

/* A source that does not answer is a problem of its own; that what it would tell of is not known follows from it and is not said once more for each. */
static bool
is_explained_by_source(const struct model *m, const struct drift_def *def)
{
	const struct source *s = source_get(m, def->source);

	return s != NULL && s->pub.state != SOURCE_OK && s->pub.state != SOURCE_DEGRADED;
}

/* Which model it is of, where several have a feature of that name, is part of what it says. */
static const char *
text_of(struct problems_view *v, const struct model_drift *row)
{
	const char *colon = strchr(row->def->model, ':');

	return problem_textf(v, "%s %s: %s", colon != NULL ? colon + 1 : row->def->model, drift_kind_name(row->def->kind),
	    row->drift->why[0] != '\0' ? row->drift->why : drift_state_name(row->drift->state));
}

static const char *
evidence(const struct model *m, struct problems_view *v, const struct model_drift *row)
{
	char age[DURATION_TEXT_MAX];

	if (!row->is_stale)
		return row->def->source;
	return problem_textf(v, "%s, last worked out %s ago", row->def->source, problem_age(age, m, row->drift->at_ns));
}

static void
add_drift(const struct model *m, struct problems_view *v, const struct drift_entry *e)
{
	const struct model_drift *row = &e->pub;
	enum drift_state state = model_drift_state(row);
	bool is_unknown = state == DRIFT_UNKNOWN;

	if (row->drift == NULL || (state != DRIFT_DRIFTED && !is_unknown))
		return;
	if (is_unknown ? is_explained_by_source(m, row->def) : row->def->severity == SEVERITY_NONE || e->told >= row->def->severity)
		return;
	problem_add(v, &(struct problem){
		.kind = PROBLEM_DRIFT, .severity = is_unknown ? SEVERITY_TICKET : row->def->severity, .is_unknown = is_unknown,
		.name = row->def->name, .drift_id = row->def->id, .text = text_of(v, row),
		.since_ns = row->drift->since_ns, .seen_ns = row->drift->at_ns, .evidence = evidence(m, v, row),
	});
}

void
problems_add_drifts(const struct model *m, struct problems_view *v)
{
	const struct drifts_view *drifts = drifts_get(m);

	for (size_t i = 0; i < drifts->n; i++)
		add_drift(m, v, &drifts->rows[i]);
}
