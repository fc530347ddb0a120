#include "config.h"

#include "slo_server.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { ITEMS_MAX = 256 };

struct asked {			/* one term of a request */
	char metric[64];
	int64_t window_ns;	/* without the overlap: samples are as far apart as that */
	char index[16];
};

/* --- formulas --------------------------------------------------------------------------------- */

static double
overlap_s(int64_t a, int64_t b, int64_t c, int64_t d)
{
	int64_t start = a > c ? a : c, end = b < d ? b : d;

	return end > start ? (double)(end - start) / (double)NS_PER_S : 0;
}

double
slo_server_sum(const struct slo_server *s, const char *metric, int64_t start_ns, int64_t end_ns)
{
	double seconds, bad;

	if (start_ns < s->store_start_ns)
		start_ns = s->store_start_ns;
	if (end_ns <= start_ns)
		return NAN;
	seconds = (double)(end_ns - start_ns) / (double)NS_PER_S;
	bad = BAD_RATE * seconds +
	    (OUTAGE_RATE - BAD_RATE) *
		overlap_s(start_ns, end_ns, s->outage_start_ns, s->outage_end_ns);
	if (s->late_ns > start_ns && s->late_ns <= end_ns && s->now_ns >= s->known_ns)
		bad += s->extra_bad;
	if (str_has_prefix(metric, "total"))
		return TOTAL_RATE * seconds;
	if (str_has_prefix(metric, "bad"))
		return bad;
	if (str_has_prefix(metric, "good"))
		return TOTAL_RATE * seconds - bad;
	return NAN;
}

/* --- reading a request ------------------------------------------------------------------------ */

/*
 * "label_replace(sum(increase(NAME[1h])), "ops", "0", "", "")", or with an overlap
 * "label_replace((sum(...)) * 0.98, ...".
 */
static bool
read_item(const char *p, struct asked *a, int *ret_len)
{
	double share = 1;
	char window[32];

	*ret_len = 0;
	if (sscanf(p,
		"label_replace((sum(increase(%63[^[][%31[^]]]))) * %lf, \"ops\", \"%15[0-9]\", \"\", \"\")%n",
		a->metric, window, &share, a->index, ret_len) != 4)
		sscanf(p,
		    "label_replace(sum(increase(%63[^[][%31[^]]])), \"ops\", \"%15[0-9]\", \"\", \"\")%n",
		    a->metric, window, a->index, ret_len);
	if (*ret_len == 0 || duration_parse(window, &a->window_ns, NULL) < 0)
		return false;
	a->window_ns = llround((double)a->window_ns * share / (double)NS_PER_MS) * NS_PER_MS;
	return true;
}

/* Items joined by "or"; what does not look like that ends the test. */
static size_t
read_items(const char *expr, struct asked *v)
{
	const char *p = expr;
	size_t n = 0;

	while (*p != '\0') {
		int len;

		if (n > 0 && str_has_prefix(p, " or "))
			p += 4;
		if (n == ITEMS_MAX || !read_item(p, &v[n], &len)) {
			fprintf(stderr, "the test server does not understand: %s\n", p);
			abort();
		}
		p += len;
		n++;
	}
	return n;
}

/* --- refusing --------------------------------------------------------------------------------- */

static bool
refuse(
    struct slo_server *s, long status, const char *error, long *ret_status, const char **ret_error)
{
	s->n_refused++;
	*ret_status = status;
	*ret_error = error;
	return true;
}

static bool
is_heavy(const struct slo_server *s, const struct asked *a, size_t n_points)
{
	if (s->heavy_metric == NULL || strcmp(a->metric, s->heavy_metric) != 0)
		return false;
	return n_points > 1 ? s->heavy_points > 0 && n_points > s->heavy_points :
			      s->heavy_ns > 0 && a->window_ns > s->heavy_ns;
}

static bool
is_refused(struct slo_server *s, const struct slo_ask *ask, const struct asked *v, size_t n,
    long *ret_status, const char **ret_error)
{
	size_t n_points = ask->step_ns > 0 ?
	    (size_t)((ask->end_ns - ask->start_ns) / ask->step_ns) + 1 :
	    1;

	if (s->items_max > 0 && n > s->items_max)
		return refuse(s, 422,
		    "query processing would load too many samples into memory in query execution",
		    ret_status, ret_error);
	if (s->slow_items_max > 0 && n > s->slow_items_max)
		return refuse(s, 0, "Operation timed out", ret_status, ret_error);
	if (n_points > 1 && s->tile_items_max > 0 && n > s->tile_items_max)
		return refuse(s, 0, "Operation timed out", ret_status, ret_error);
	if (s->range_max_ns > 0 && ask->end_ns - ask->start_ns > s->range_max_ns)
		return refuse(s, 400,
		    "the total query time range exceeds the limit (query length: 720h0m0s, limit: 168h0m0s)",
		    ret_status, ret_error);
	if (s->points_max > 0 && n_points > s->points_max)
		return refuse(
		    s, 503, "query timed out in expression evaluation", ret_status, ret_error);
	for (size_t i = 0; i < n; i++) {
		if (s->wrong_metric != NULL && strcmp(v[i].metric, s->wrong_metric) == 0)
			return refuse(s, 400, "invalid parameter \"query\": 1:5: parse error: unexpected identifier \"exceeds the limit\"",
			    ret_status, ret_error);
		if (is_heavy(s, &v[i], n_points))
			return refuse(s, 422,
			    "query processing would load too many samples into memory in query execution",
			    ret_status, ret_error);
	}
	return false;
}

/* --- answering -------------------------------------------------------------------------------- */

static struct series_set *
set_new(const struct slo_ask *ask, size_t n)
{
	struct series_set *set = block_new(sizeof *set);

	set->type = ask->step_ns > 0 ? SERIES_MATRIX : SERIES_VECTOR;
	set->query = arena_strdup(&set->block.arena, ask->id);
	set->start_ns = ask->step_ns > 0 ? ask->start_ns : ask->at_ns;
	set->end_ns = ask->step_ns > 0 ? ask->end_ns : ask->at_ns;
	set->step_ns = ask->step_ns;
	set->v = arena_alloc(&set->block.arena, (n + 1) * sizeof *set->v);
	return set;
}

static void
add_series(
    struct series_set *set, const char *name, const char *value, const struct sample *v, size_t n)
{
	struct series *s = (struct series *)(uintptr_t)&set->v[set->n];
	struct label *label = arena_alloc(&set->block.arena, sizeof *label);
	struct sample *copy = arena_alloc(&set->block.arena, (n + 1) * sizeof *copy);

	if (n == 0)
		return;
	memcpy(copy, v, n * sizeof *v);
	*label = (struct label){ arena_strdup(&set->block.arena, name),
		arena_strdup(&set->block.arena, value) };
	*s = (struct series){ .labels = { 1, label }, .n = n, .v = copy };
	set->n++;
}

static void
answer_item(
    struct slo_server *s, const struct slo_ask *ask, const struct asked *a, struct series_set *set)
{
	int64_t start = ask->step_ns > 0 ? ask->start_ns : ask->at_ns,
		end = ask->step_ns > 0 ? ask->end_ns : ask->at_ns;
	int64_t step = ask->step_ns > 0 ? ask->step_ns : 1;
	struct sample *v = xcalloc((size_t)((end - start) / step) + 1, sizeof *v);
	size_t n = 0;

	for (int64_t t = start; t <= end; t += step) {
		double sum = slo_server_sum(s, a->metric, t - a->window_ns, t);

		if (!isnan(sum))
			v[n++] = (struct sample){ t, sum };
	}
	s->n_points += n;
	add_series(set, "ops", a->index, v, n);
	free(v);
}

static struct series_set *
answer_alerts(const struct slo_server *s, const struct slo_ask *ask)
{
	struct series_set *set = set_new(ask, 1);
	struct sample *v = xcalloc(
	    (size_t)((ask->end_ns - ask->start_ns) / ask->step_ns) + 1, sizeof *v);
	size_t n = 0;

	for (int64_t t = ask->start_ns; s->has_firing && t <= ask->end_ns; t += ask->step_ns)
		if (t > s->outage_start_ns && t - ask->step_ns < s->outage_end_ns)
			v[n++] = (struct sample){ t, 1 };
	add_series(set, "alertname", "ErrorsHigh", v, n);
	free(v);
	return set;
}

/* Version 7 instead of 6 from the outage on. */
static struct series_set *
answer_versions(const struct slo_server *s, const struct slo_ask *ask)
{
	struct series_set *set = set_new(ask, 2);
	struct sample *v = xcalloc(
	    (size_t)((ask->end_ns - ask->start_ns) / ask->step_ns) + 1, sizeof *v);

	for (int version = 6; version <= 7; version++) {
		char text[16];
		size_t n = 0;

		for (int64_t t = ask->start_ns; t <= ask->end_ns; t += ask->step_ns)
			if ((t >= s->outage_start_ns) == (version == 7))
				v[n++] = (struct sample){ t, 1 };
		snprintf(text, sizeof text, "%d", version);
		add_series(set, "version", text, v, n);
	}
	free(v);
	return set;
}

static void
make_histograms(struct series_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct series *s = (struct series *)(uintptr_t)&set->v[i];
		struct histogram *h = arena_alloc(&set->block.arena, sizeof *h);

		*h = (struct histogram){ .t_ns = s->v[0].t_ns, .count = 5, .sum = 1 };
		*s = (struct series){ .labels = s->labels, .n_histograms = 1, .histograms = h };
	}
}

struct series_set *
slo_server_answer(
    struct slo_server *s, const struct slo_ask *ask, long *ret_status, const char **ret_error)
{
	struct asked v[ITEMS_MAX];
	struct series_set *set;
	size_t n;

	s->n_requests++;
	snprintf(s->last_expr, sizeof s->last_expr, "%s", ask->expr);
	if (s->status != 0) {
		refuse(s, s->status < 0 ? 0 : s->status, "no", ret_status, ret_error);
		return NULL;
	}
	if (strstr(ask->expr, "ALERTS") != NULL)
		return answer_alerts(s, ask);
	if (strcmp(ask->expr, "served_version") == 0)
		return answer_versions(s, ask);
	n = read_items(ask->expr, v);
	s->n_items += n;
	s->items_most = n > s->items_most ? n : s->items_most;
	if (is_refused(s, ask, v, n, ret_status, ret_error))
		return NULL;
	set = set_new(ask, n);
	for (size_t i = 0; i < n; i++)
		answer_item(s, ask, &v[i], set);
	if (s->is_histogram)
		make_histograms(set);
	return set;
}
