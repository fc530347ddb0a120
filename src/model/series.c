/* Answers to queries: the newest of each kind, and why the newest request failed. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "model/model_priv.h"

static struct query *
query_find(const struct model *m, const char *id)
{
	for (size_t i = 0; i < m->n_queries; i++)
		if (strcmp(m->queries[i]->pub.id, id) == 0)
			return m->queries[i];
	return NULL;
}

static void
query_free(struct query *q)
{
	block_unref(q->pub.range);
	block_unref(q->pub.instant);
	free((char *)q->pub.id);
	free((char *)q->pub.error);
	free(q);
}

static struct query *
query_add(struct model *m, const char *id)
{
	struct query *q = xcalloc(1, sizeof *q);

	q->pub.id = xstrdup(id);
	q->pub.error = xstrdup("");
	if (m->n_queries == m->queries_cap) {
		m->queries_cap = m->queries_cap == 0 ? 16 : m->queries_cap * 2;
		m->queries = xreallocarray(m->queries, m->queries_cap, sizeof(struct query *));
	}
	m->queries[m->n_queries++] = q;
	return q;
}

/* Make room by forgetting the ad hoc query that was asked longest ago. */
static bool
drop_oldest(struct model *m)
{
	size_t oldest = m->n_queries;

	for (size_t i = 0; i < m->n_queries; i++)
		if (m->queries[i]->pub.def == NULL &&
		    (oldest == m->n_queries || m->queries[i]->seen_ns < m->queries[oldest]->seen_ns))
			oldest = i;
	if (oldest == m->n_queries)
		return false;
	query_free(m->queries[oldest]);
	m->n_queries--;
	memmove(&m->queries[oldest], &m->queries[oldest + 1], (m->n_queries - oldest) * sizeof(struct query *));
	return true;
}

/* With an environment known, one it does not name is accepted only when a person asked it, or a marker did. */
struct query *
query_for_event(struct model *m, const char *id)
{
	struct query *q = query_find(m, id);

	if (q != NULL || id[0] == '\0')
		return q;
	if (m->env != NULL && !str_has_prefix(id, "adhoc:") && !str_has_prefix(id, "marker:"))
		return NULL;
	if (m->n_queries >= QUERIES_MAX && !drop_oldest(m))
		return NULL;
	return query_add(m, id);
}

/* Queries in the order of the environment, then the ad hoc ones; what neither names goes. */
void
series_environment(struct model *m)
{
	struct query **old = m->queries;
	size_t n_old = m->n_queries;

	m->queries = NULL;
	m->n_queries = m->queries_cap = 0;
	for (size_t i = 0; i < m->env->n_queries && m->n_queries < QUERIES_MAX; i++)
		if (query_find(m, m->env->queries[i].id) == NULL)
			query_add(m, m->env->queries[i].id)->pub.def = &m->env->queries[i];
	for (size_t i = 0; i < n_old; i++) {
		struct query *q = query_find(m, old[i]->pub.id);
		bool is_kept = q != NULL || str_has_prefix(old[i]->pub.id, "adhoc:") || str_has_prefix(old[i]->pub.id, "marker:");

		if (is_kept && (q != NULL || m->n_queries < QUERIES_MAX)) {
			const struct query_def *def = q == NULL ? NULL : q->pub.def;
			struct query swap;

			if (q == NULL)
				q = query_add(m, old[i]->pub.id);
			swap = *q;
			*q = *old[i];
			*old[i] = swap;
			q->pub.def = def;
		}
		query_free(old[i]);
	}
	free(old);
}

void
series_apply(struct model *m, const struct event *ev)
{
	const struct series_set *set = ev->block;
	struct query *q = query_for_event(m, set->query);

	if (q == NULL)
		return;
	if (set->type == SERIES_MATRIX) {
		block_replace(&q->pub.range, set);
		q->pub.range_ns = ev->time_ns;
		q->range_source = ev->source;
	} else {
		block_replace(&q->pub.instant, set);
		q->pub.instant_ns = ev->time_ns;
		q->instant_source = ev->source;
	}
	q->seen_ns = ev->time_ns;
	model_touch(m, str_has_prefix(q->pub.id, "host:") ? MODEL_SERIES | MODEL_HOSTS : MODEL_SERIES);
}

/* A report named after a query tells why its newest request failed, or that it no longer does. */
void
series_report(struct model *m, const struct event *ev)
{
	const struct source_report *report = ev->block;
	struct query *q;

	if (!report_is_of_query(report->what) || report_is_of_lines(report->what))
		return;
	q = report->is_ok ? query_find(m, report->what) : query_for_event(m, report->what);
	if (q == NULL || (report->is_ok && q->pub.error[0] == '\0'))
		return;
	free((char *)q->pub.error);
	q->pub.error = xstrdup(report->is_ok ? "" : report->error[0] == '\0' ? "failed without a reason" : report->error);
	q->pub.error_ns = report->is_ok ? 0 : ev->time_ns;
	q->seen_ns = ev->time_ns;
	model_touch(m, MODEL_SERIES);
}

void
series_clone(struct model *to, const struct model *from)
{
	for (size_t i = 0; i < from->n_queries; i++) {
		const struct query *old = from->queries[i];
		struct query *q = query_add(to, old->pub.id);
		const char *id = q->pub.id;

		free((char *)q->pub.error);
		*q = *old;
		q->pub.id = id;
		q->pub.error = xstrdup(old->pub.error);
		block_ref(q->pub.range);
		block_ref(q->pub.instant);
	}
}

void
series_lend_ranges(struct model *to, const struct model *from)
{
	for (size_t i = 0; i < from->n_queries; i++) {
		const struct query *live = from->queries[i];
		struct query *q = live->pub.range == NULL ? NULL : query_for_event(to, live->pub.id);

		if (q == NULL)
			continue;
		block_replace(&q->pub.range, live->pub.range);
		q->pub.range_ns = live->pub.range_ns;
		q->range_source = live->range_source;
	}
}

void
queries_forget(struct model *m, size_t n)
{
	for (size_t i = n; i < m->n_queries; i++) {
		if (m->queries[i]->pub.def == NULL)
			query_free(m->queries[i]);
		else
			m->queries[n++] = m->queries[i];
	}
	m->n_queries = n;
}

void
series_done(struct model *m)
{
	for (size_t i = 0; i < m->n_queries; i++)
		query_free(m->queries[i]);
	free(m->queries);
	m->queries = NULL;
	m->n_queries = m->queries_cap = 0;
}

size_t
model_n_queries(const struct model *m)
{
	return m->n_queries;
}

const struct model_query *
model_query(const struct model *m, size_t i)
{
	return &m->queries[i]->pub;
}

const struct model_query *
model_query_find(const struct model *m, const char *id)
{
	const struct query *q = query_find(m, id);

	return q == NULL ? NULL : &q->pub;
}
