#include "config.h"

#include "series_tree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bit for bit, so that -0 is not 0; every NaN is the same. */
static bool
is_double(const json_t *text, double v)
{
	const char *s = json_string_value(text);
	double want;

	if (s == NULL)
		return false;
	want = strtod(s, NULL);
	return (isnan(want) && isnan(v)) || memcmp(&want, &v, sizeof v) == 0;
}

/* The tree's time is a double, so as near as that can be; digits beyond the ninth are cut. */
static bool
is_time(const json_t *number, int64_t t_ns)
{
	double want = json_number_value(number);

	return json_is_number(number) && fabs(want - (double)t_ns / 1e9) <= fabs(want) * 1e-15 + 1e-9;
}

/* A member that is null is one that is not there. */
static const json_t *
member(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}

static bool
same_labels(const struct labels *labels, const json_t *metric)
{
	const json_t *value;
	size_t i;

	if (labels->n != json_object_size(metric))
		return false;
	for (i = 0; i < labels->n; i++) {
		value = json_object_get(metric, labels->v[i].name);
		if (!json_is_string(value) || strcmp(json_string_value(value), labels->v[i].value) != 0)
			return false;
		if (i > 0 && strcmp(labels->v[i - 1].name, labels->v[i].name) >= 0)
			return false;
	}
	return true;
}

static bool
same_sample(const struct sample *s, const json_t *pair)
{
	return json_array_size(pair) == 2 && is_time(json_array_get(pair, 0), s->t_ns) && is_double(json_array_get(pair, 1), s->v);
}

static bool
same_bucket(const struct bucket *b, const json_t *json)
{
	return json_array_size(json) == 4 && json_integer_value(json_array_get(json, 0)) == b->boundaries &&
	    is_double(json_array_get(json, 1), b->lo) && is_double(json_array_get(json, 2), b->hi) &&
	    is_double(json_array_get(json, 3), b->count);
}

static bool
same_histogram(const struct histogram *h, const json_t *pair)
{
	const json_t *json = json_array_get(pair, 1), *buckets = json_object_get(json, "buckets");
	size_t i;

	if (!is_time(json_array_get(pair, 0), h->t_ns) || !is_double(json_object_get(json, "count"), h->count) ||
	    !is_double(json_object_get(json, "sum"), h->sum) || json_array_size(buckets) != h->n)
		return false;
	for (i = 0; i < h->n; i++)
		if (!same_bucket(&h->v[i], json_array_get(buckets, i)))
			return false;
	return true;
}

/* The one of an instant answer, or the i-th of a range. */
static const json_t *
item(const json_t *series, const char *one, const char *many, size_t i)
{
	const json_t *single = member(series, one);

	return single != NULL ? single : json_array_get(json_object_get(series, many), i);
}

static size_t
n_items(const json_t *series, const char *one, const char *many)
{
	return member(series, one) != NULL ? 1 : json_array_size(json_object_get(series, many));
}

static const char *
series_differ(const struct series *s, const json_t *json)
{
	size_t i;

	if (!same_labels(&s->labels, json_object_get(json, "metric")))
		return "labels";
	if (s->n != n_items(json, "value", "values"))
		return "number of samples";
	for (i = 0; i < s->n; i++)
		if (!same_sample(&s->v[i], item(json, "value", "values", i)))
			return "a sample";
	if (s->n_histograms != n_items(json, "histogram", "histograms"))
		return "number of histograms";
	for (i = 0; i < s->n_histograms; i++)
		if (!same_histogram(&s->histograms[i], item(json, "histogram", "histograms", i)))
			return "a histogram";
	return NULL;
}

static bool
result_like(const struct series_set *set, const json_t *result, char *why, size_t why_size)
{
	const char *what;
	size_t i;

	if (set->type == SERIES_STRING) {
		snprintf(why, why_size, "the text differs");
		return strcmp(set->text, json_string_value(json_array_get(result, 1))) == 0;
	}
	if (set->type == SERIES_SCALAR) {
		snprintf(why, why_size, "the scalar differs");
		return set->n == 1 && set->v[0].n == 1 && same_sample(set->v[0].v, result);
	}
	if (set->n + set->n_left_out != json_array_size(result)) {
		snprintf(why, why_size, "%zu series kept and %zu left out of %zu", set->n, set->n_left_out, json_array_size(result));
		return false;
	}
	for (i = 0; i < set->n; i++) {
		what = series_differ(&set->v[i], json_array_get(result, i));
		if (what != NULL) {
			snprintf(why, why_size, "series %zu: %s differs from the tree", i, what);
			return false;
		}
	}
	return true;
}

bool
series_like_tree(const struct series_set *set, const char *body, size_t len, char *why, size_t why_size)
{
	json_t *json = json_loadb(body, len, 0, NULL);
	bool r;

	snprintf(why, why_size, "jansson cannot read the body");
	r = json != NULL && result_like(set, json_object_get(json_object_get(json, "data"), "result"), why, why_size);
	json_decref(json);
	return r;
}
