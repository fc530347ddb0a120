/* Models among what is wrong: what serves another version than it should, what is old, and what cannot be seen. */
#include "config.h"

#include "model/model_priv.h"

#include "base/clock.h"

/* A source that does not answer is a problem of its own, and unknown: what it would tell of is not said once more for each model. */
static bool
is_explained_by_source(const struct model *m, const struct model_model *row)
{
	const struct source *reg = source_get(m, row->def->registry), *serving = source_get(m, row->serving_source);

	if (!row->is_reg_stale && !row->is_serving_stale)
		return false;
	return (!row->is_reg_stale || (reg != NULL && source_is_unseeing(m, reg))) &&
	    (!row->is_serving_stale || (serving != NULL && source_is_unseeing(m, serving)));
}

static int64_t
seen_ns(const struct model_model *row)
{
	return row->reg_ns < row->serving_ns ? row->reg_ns : row->serving_ns;
}

static const char *
evidence(const struct model *m, struct problems_view *v, const struct model_model *row)
{
	bool is_one = row->serving_source[0] == '\0';
	char age[DURATION_TEXT_MAX];
	const char *who = is_one ? row->def->registry : problem_textf(v, "%s and %s", row->def->registry, row->serving_source);

	if (row->state != MODEL_STATE_UNKNOWN || seen_ns(row) == 0)
		return who;
	return problem_textf(v, "%s, last seen %s ago", who, problem_age(age, m, seen_ns(row)));
}

static void
add_model(const struct model *m, struct problems_view *v, const struct model_model *row)
{
	problem_add(v, &(struct problem){
		.kind = PROBLEM_MODEL, .severity = row->state <= MODEL_UNSERVED ? SEVERITY_PAGE : SEVERITY_TICKET,
		.is_unknown = row->state == MODEL_STATE_UNKNOWN, .name = row->def->name, .text = row->why,
		.since_ns = row->since_ns, .seen_ns = seen_ns(row), .evidence = evidence(m, v, row),
	});
}

void
problems_add_models(const struct model *m, struct problems_view *v)
{
	const struct models_view *models = models_get(m);

	for (size_t i = 0; i < models->n; i++)
		if (models->rows[i].state != MODEL_IN_STEP && !is_explained_by_source(m, &models->rows[i]))
			add_model(m, v, &models->rows[i]);
}
