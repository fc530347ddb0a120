/* Training profiles: JSON to cells. */
#include "config.h"

#include "insight/drift_profile.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jread.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { NAME_SHOWN = 80 };

struct reading {		/* one feature */
	struct drift_profile *profile;
	const char *group;
	char name[NAME_SHOWN];	/* escaped */
	struct err *err;
};

static int __attribute__((format(printf, 3, 4)))
refuse(const struct reading *r, int code, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	err_set(r->err, code, "training profile, %s \"%s\": %s", r->group, r->name, text);
	free(text);
	return code;
}

/* --- numbers ---------------------------------------------------------------------------------- */

/* A member that may be left out, or null: NaN. */
static int
read_number(const struct reading *r, const json_t *from, const char *key, double min, double max,
    double *ret)
{
	const json_t *v = json_object_get(from, key);
	double d;

	*ret = NAN;
	if (v == NULL || json_is_null(v))
		return 0;
	d = json_number_value(v);
	if (!json_is_number(v) || !isfinite(d) || d < min || d > max)
		return refuse(r, ERR_INVALID, "%s must be a number from %g to %g", key, min, max);
	*ret = d;
	return 0;
}

static int
read_count(const struct reading *r, const json_t *v, const char *key, double *ret)
{
	double d = json_number_value(v);

	if (!json_is_number(v) || !isfinite(d) || d < 0 || d > 1e18)
		return refuse(r, ERR_INVALID, "%s must hold numbers from 0 to 1e18", key);
	*ret = d;
	return 0;
}

/* Shares become counts; counts tell how many there were. */
static int
settle_counts(const struct reading *r, struct drift_profile_feature *f, double *counts)
{
	double sum = 0;

	for (size_t i = 0; i < f->n_cells; i++)
		sum += counts[i];
	if (sum <= 0)
		return refuse(r, ERR_INVALID, "all counts are 0");
	if (sum <= 1 + 1e-6) {
		if (isnan(f->n))
			return refuse(r, ERR_INVALID,
			    "counts are shares (their sum is 1): n is needed, how many there were");
		for (size_t i = 0; i < f->n_cells; i++)
			counts[i] *= f->n / sum;
	} else {
		f->n = sum;
	}
	f->counts = counts;
	return 0;
}

/* --- the shapes a feature may have ------------------------------------------------------------ */

static int
read_bounds(const struct reading *r, const json_t *bounds, double *edges)
{
	size_t n = json_array_size(bounds);

	edges[0] = -INFINITY;
	edges[n + 1] = INFINITY;
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(bounds, i);

		edges[i + 1] = json_number_value(v);
		if (!json_is_number(v) || !isfinite(edges[i + 1]) || edges[i + 1] <= edges[i])
			return refuse(
			    r, ERR_INVALID, "bounds must be numbers, each above the one before");
	}
	return 0;
}

static int
read_cells(const struct reading *r, const json_t *from, struct drift_profile_feature *f)
{
	const json_t *bounds = json_object_get(from, "bounds"), *v = json_object_get(from, "counts");
	size_t n = json_array_size(bounds);
	struct arena *arena = &r->profile->arena;
	double *edges, *counts;

	if (!json_is_array(bounds) || !json_is_array(v) || n == 0)
		return refuse(r, ERR_INVALID, "bounds and counts must be lists, and not empty");
	if (n + 1 > DRIFT_PROFILE_CELLS_MAX)
		return refuse(r, ERR_LIMIT, "more than %d counts", DRIFT_PROFILE_CELLS_MAX);
	if (json_array_size(v) != n + 1)
		return refuse(r, ERR_INVALID,
		    "%zu counts for %zu bounds: there must be one more, of what is beyond the last "
		    "bound",
		    json_array_size(v), n);
	edges = arena_alloc(arena, (n + 2) * sizeof *edges);
	counts = arena_alloc(arena, (n + 1) * sizeof *counts);
	if (read_bounds(r, bounds, edges) < 0)
		return ERR_INVALID;
	for (size_t i = 0; i <= n; i++)
		if (read_count(r, json_array_get(v, i), "counts", &counts[i]) < 0)
			return ERR_INVALID;
	f->n_cells = n + 1;
	f->edges = edges;
	return settle_counts(r, f, counts);
}

struct category { const char *value; double count; };

static int
by_value(const void *a, const void *b)
{
	return strcmp(((const struct category *)a)->value, ((const struct category *)b)->value);
}

static int
read_categories(const struct reading *r, json_t *from, struct drift_profile_feature *f)
{
	size_t n = json_object_size(from), i = 0;
	struct arena *arena = &r->profile->arena;
	struct category *v;
	const char **values, *key;
	double *counts;
	json_t *value;

	if (!json_is_object(from) || n == 0)
		return refuse(r, ERR_INVALID,
		    "categories must be an object of counts by value, and not empty");
	if (n > DRIFT_PROFILE_CELLS_MAX)
		return refuse(r, ERR_LIMIT, "more than %d categories", DRIFT_PROFILE_CELLS_MAX);
	v = arena_alloc(arena, n * sizeof *v);
	json_object_foreach(from, key, value) {
		v[i].value = arena_strdup(arena, key);
		if (read_count(r, value, "categories", &v[i++].count) < 0)
			return ERR_INVALID;
	}
	qsort(v, n, sizeof *v, by_value);
	values = arena_alloc(arena, n * sizeof *values);
	counts = arena_alloc(arena, n * sizeof *counts);
	for (i = 0; i < n; i++) {
		values[i] = v[i].value;
		counts[i] = v[i].count;
	}
	f->n_cells = n;
	f->values = values;
	return settle_counts(r, f, counts);
}

/* "0.5" and "0.95"; others are passed over. */
static int
read_quantiles(const struct reading *r, json_t *from, struct drift_profile_feature *f)
{
	const char *key;
	json_t *value;

	if (from == NULL || json_is_null(from))
		return 0;
	if (!json_is_object(from))
		return refuse(r, ERR_INVALID, "quantiles must be an object, such as {\"0.5\": 3}");
	json_object_foreach(from, key, value) {
		double q, v = json_number_value(value);

		if (jread_double(key, strlen(key), &q) < 0 || !(q >= 0 && q <= 1))
			return refuse(r, ERR_INVALID,
			    "the names of quantiles are numbers from 0 to 1, such as \"0.95\"");
		if (!json_is_number(value) || !isfinite(v))
			return refuse(r, ERR_INVALID, "quantiles must hold numbers");
		if (q == 0.5)
			f->q50 = v;
		else if (q == 0.95)
			f->q95 = v;
	}
	return 0;
}

static int
read_feature(const struct reading *r, const json_t *from, struct drift_profile_feature *f)
{
	json_t *categories = json_object_get(from, "categories");

	if (!json_is_object(from))
		return refuse(r, ERR_INVALID, "must be an object");
	f->q50 = f->q95 = NAN;
	if (read_number(r, from, "n", 0, 1e18, &f->n) < 0 ||
	    read_number(r, from, "missing", 0, 1, &f->missing) < 0 ||
	    read_number(r, from, "mean", -1e300, 1e300, &f->mean) < 0 ||
	    read_number(r, from, "stddev", 0, 1e300, &f->stddev) < 0 ||
	    read_quantiles(r, json_object_get(from, "quantiles"), f) < 0)
		return ERR_INVALID;
	if (categories != NULL)
		return read_categories(r, categories, f);
	if (json_object_get(from, "bounds") != NULL || json_object_get(from, "counts") != NULL)
		return read_cells(r, from, f);
	if (isnan(f->n) || isnan(f->mean) || isnan(f->stddev))
		return refuse(r, ERR_INVALID,
		    "needs bounds with counts, or categories, or n with mean and stddev");
	return 0;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	const struct drift_profile_feature *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
read_group(struct drift_profile *p, const json_t *root, const char *name,
    struct drift_profile_group *ret, struct err *err)
{
	json_t *from = json_object_get(root, name), *value;
	struct reading r = { .profile = p, .group = name, .err = err };
	struct drift_profile_feature *v;
	size_t n = json_object_size(from), i = 0;
	const char *key;
	int code;

	if (from == NULL || json_is_null(from))
		return 0;
	if (!json_is_object(from))
		return err_set(err, ERR_INVALID,
		    "training profile: %s must be an object, with one member for each", name);
	if (n > DRIFT_PROFILE_FEATURES_MAX)
		return err_set(err, ERR_LIMIT, "training profile: more than %d %s",
		    DRIFT_PROFILE_FEATURES_MAX, name);
	v = arena_alloc(&p->arena, (n + 1) * sizeof *v);
	json_object_foreach(from, key, value) {
		str_escape_to(r.name, sizeof r.name, key);
		v[i].name = arena_strdup(&p->arena, key);
		code = read_feature(&r, value, &v[i++]);
		if (code < 0)
			return err->code;
	}
	qsort(v, n, sizeof *v, by_name);
	ret->n = n;
	ret->v = v;
	return 0;
}

static int
read_profile(struct drift_profile *p, const json_t *root, struct err *err)
{
	const json_t *version = json_object_get(root, "version");
	int code;

	if (!json_is_object(root))
		return err_set(err, ERR_INVALID,
		    "training profile: must be an object with a member \"features\"");
	if (version != NULL && !json_is_string(version) && !json_is_null(version))
		return err_set(err, ERR_INVALID,
		    "training profile: version must be text, such as \"6\"");
	p->version = arena_strdup(
	    &p->arena, json_is_string(version) ? json_string_value(version) : "");
	if ((code = read_group(p, root, "features", &p->features, err)) < 0 ||
	    (code = read_group(p, root, "predictions", &p->predictions, err)) < 0 ||
	    (code = read_group(p, root, "labels", &p->labels, err)) < 0)
		return code;
	if (p->features.n + p->predictions.n + p->labels.n == 0)
		return err_set(err, ERR_INVALID,
		    "training profile: tells of no features, predictions or labels");
	return 0;
}

int
drift_profile_parse(const char *text, size_t len, struct drift_profile **ret, struct err *err)
{
	struct err own = ERR_INIT;
	struct drift_profile *p;
	json_error_t error;
	json_t *root;
	int code;

	if (len > DRIFT_PROFILE_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "training profile: larger than %d MiB",
		    DRIFT_PROFILE_BYTES_MAX >> 20);
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL) {
		char shown[128];

		return err_set(err, ERR_SYNTAX, "training profile: line %d, column %d: %s",
		    error.line, error.column, str_escape_to(shown, sizeof shown, error.text));
	}
	p = xcalloc(1, sizeof *p);
	code = read_profile(p, root, &own);
	json_decref(root);
	if (code < 0) {
		drift_profile_free(p);
		return err_set(err, code, "%s", own.msg);
	}
	*ret = p;
	return 0;
}

void
drift_profile_free(struct drift_profile *p)
{
	if (p == NULL)
		return;
	arena_done(&p->arena);
	free(p);
}

static const struct drift_profile_feature *
find_in(const struct drift_profile_group *g, const char *name)
{
	struct drift_profile_feature key = { .name = name };

	return g->n == 0 ? NULL : bsearch(&key, g->v, g->n, sizeof *g->v, by_name);
}

const struct drift_profile_feature *
drift_profile_find(const struct drift_profile *p, enum drift_kind kind, const char *name)
{
	const struct drift_profile_feature *f = NULL;

	if (kind == DRIFT_PREDICTION)
		f = find_in(&p->predictions, name);
	else if (kind == DRIFT_LABEL)
		f = find_in(&p->labels, name);
	return f != NULL ? f : find_in(&p->features, name);
}
