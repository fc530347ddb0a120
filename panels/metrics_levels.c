/* Lines across a graph: the objective, and the burn rates at which its rules fire, as error ratios. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "metrics.h"

static void
add_level(struct metrics_levels *l, double value, enum role role, bool is_inside, const char *text)
{
	if (l->n == METRICS_LEVELS_MAX || !isfinite(value))
		return;
	snprintf(l->texts[l->n], sizeof l->texts[0], "%s", text);
	l->v[l->n] = (struct graph_level){ .value = value, .text = l->texts[l->n], .role = role, .is_inside = is_inside };
	l->n++;
}

static void
add_objective(struct metrics_levels *l, double value, const char *unit)
{
	char number[NUM_TEXT_MAX], text[NUM_TEXT_MAX + 16];

	snprintf(text, sizeof text, "objective %s", num_format(number, value, unit));
	add_level(l, value, ROLE_GRAPH_OBJECTIVE, true, text);
}

/* A burn rate of f is an error ratio of f times what the target allows. One of 1 is the objective itself, one above
 * 1 / (1 - target) cannot be. */
static void
add_rules(struct metrics_levels *l, const struct slo_def *d)
{
	for (size_t i = 0; i < d->n_rules; i++) {
		double value = d->rules[i].factor * (1 - d->target);
		char factor[SLO_RATE_MAX], text[METRICS_LEVEL_TEXT_MAX];

		if (d->rules[i].factor <= 1 || value > 1)
			continue;
		snprintf(text, sizeof text, "%s %s", slo_rate_text(factor, d->rules[i].factor),
		    severity_name(d->rules[i].severity));
		add_level(l, value, d->rules[i].severity == SEVERITY_PAGE ? ROLE_CRITICAL : ROLE_WARNING, false, text);
	}
}

/* A named query of a threshold objective shows the value that is compared; what the panel of objectives asks for is a ratio
 * always. */
static bool
shows_value(const struct query_def *q, const struct slo_def *d)
{
	return d->sli == SLI_THRESHOLD && !str_has_prefix(q->id, "adhoc:");
}

void
metrics_levels_of(const struct view *v, const struct model_query *q, struct metrics_levels *ret)
{
	const struct query_def *def = q->def;
	const struct model_slo *m = NULL;

	ret->n = 0;
	if (def != NULL && def->slo != NULL && v->live != NULL)
		m = model_slo_find(v->live, def->slo);
	if (m != NULL && shows_value(def, m->def)) {
		add_objective(ret, m->def->threshold, def->unit);
	} else if (m != NULL) {
		add_objective(ret, 1 - m->def->target, def->unit);
		add_rules(ret, m->def);
	}
	if (def != NULL && (m == NULL || (ret->n > 0 && fabs(ret->v[0].value - def->objective) > 1e-9 * fabs(def->objective))))
		add_objective(ret, def->objective, def->unit);
}
