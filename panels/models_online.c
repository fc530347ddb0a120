/* Metrics of a version: what its training run measured, and what a PromQL measures while it serves. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "models.h"

#define ONLINE_OLD_NS (5 * NS_PER_MIN)	/* without a newer sample a value is not of now */

const struct reg_metric *
models_metric(const struct reg_version *v, const char *name)
{
	size_t lo = 0, hi = v->n_metrics;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(v->metrics[mid].name, name);

		if (c == 0)
			return &v->metrics[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* Enough digits to tell two versions apart, which three would not. */
const char *
models_number(double value, char *buf)
{
	if (fabs(value) < 1e15 && value == floor(value))
		snprintf(buf, NUM_TEXT_MAX, "%.0f", value);
	else if (isfinite(value))
		snprintf(buf, NUM_TEXT_MAX, "%.6g", value);
	else
		num_format(buf, value, "none");
	return buf;
}

/* The newest sample at or before at_ns of the series that tell of version. */
static bool
newest_of(const struct series_set *set, const struct online_def *def, const char *version, int64_t at_ns,
    struct sample *ret)
{
	bool is_found = false;

	for (size_t i = 0; set != NULL && i < set->n; i++) {
		const struct series *s = &set->v[i];
		const char *value = labels_get(&s->labels, def->label);
		size_t n = s->n;

		if (value == NULL || strcmp(value, version) != 0)
			continue;
		while (n > 0 && s->v[n - 1].t_ns > at_ns)
			n--;
		if (n == 0 || isnan(s->v[n - 1].v) || (is_found && s->v[n - 1].t_ns <= ret->t_ns))
			continue;
		*ret = s->v[n - 1];
		is_found = true;
	}
	return is_found;
}

enum models_freshness
models_online(const struct view *v, const struct online_def *def, const char *version, double *ret_value)
{
	const struct model_query *q = v->model != NULL ? model_query_find(v->model, def->query) : NULL;
	int64_t now = view_time(v);
	struct sample sample;

	if (q == NULL || (!newest_of(q->instant, def, version, now, &sample) &&
	    !newest_of(q->range, def, version, now, &sample)))
		return MODELS_NO_VALUE;
	*ret_value = sample.v;
	return now - sample.t_ns > ONLINE_OLD_NS ? MODELS_OLD_VALUE : MODELS_FRESH_VALUE;
}

const char *
models_online_text(const struct view *v, const struct online_def *def, const char *version, char *buf)
{
	char number[NUM_TEXT_MAX];
	double value;

	switch (models_online(v, def, version, &value)) {
	case MODELS_NO_VALUE:
		snprintf(buf, NUM_TEXT_MAX, "?");
		return buf;
	case MODELS_OLD_VALUE:
		snprintf(buf, NUM_TEXT_MAX, "~%.46s", models_number(value, number));
		return buf;
	case MODELS_FRESH_VALUE:
		break;
	}
	return models_number(value, buf);
}
