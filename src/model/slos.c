/*
 * Objectives: one row per definition, with how it stands, the course of its budget, and the alerts that tell of it.
 *
 * Definitions and results come apart, and either may be there without the other: a result is shown where there is a definition for it. Which alerts tell of
 * which objectives is found through an index of the definitions by the rarest label each asks for, so that many alerts and many objectives cost
 * their sum and not their product.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "model/hindex.h"
#include "model/model_priv.h"

/* --- events ------------------------------------------------------------------------------------------------------------ */

void
slos_apply(struct model *m, const struct event *ev)
{
	struct told told = { ev->time_ns, ev->source };

	if (ev->kind == EVENT_SLO_DEFS) {
		block_replace(&m->slo_defs, ev->block);
		m->slo_defs_told = told;
	} else if (ev->kind == EVENT_SLOS) {
		const struct slo_set *set = ev->block;

		block_replace(set->is_past ? &m->past_slos : &m->slos, set);
		if (!set->is_past)
			m->slos_told = told;
	} else {
		const struct slo_detail_set *set = ev->block;

		block_replace(set->is_past ? &m->past_slo_details : &m->slo_details, set);
		if (!set->is_past)
			m->slo_details_told = told;
	}
	model_touch(m, MODEL_SLOS);
}

void
slos_clone(struct model *to, const struct model *from)
{
	to->slo_defs = block_ref(from->slo_defs);
	to->slos = block_ref(from->slos);
	to->slo_details = block_ref(from->slo_details);
	to->slo_defs_told = from->slo_defs_told;
	to->slos_told = from->slos_told;
	to->slo_details_told = from->slo_details_told;
}

void
slos_lend_details(struct model *to, const struct model *from)
{
	if (to->slo_details == from->slo_details)
		return;
	block_replace(&to->slo_details, from->slo_details);
	to->slo_details_told = from->slo_details_told;
	model_touch(to, MODEL_SLOS);
}

void
slos_done(struct model *m)
{
	block_unref(m->slo_defs);
	block_unref(m->slos);
	block_unref(m->past_slos);
	block_unref(m->slo_details);
	block_unref(m->past_slo_details);
	m->slo_defs = NULL;
	m->slos = m->past_slos = NULL;
	m->slo_details = m->past_slo_details = NULL;
}

/* --- age ------------------------------------------------------------------------------------------------------------------ */

/* After this the rows of a source are too old: three rounds without a new one, and what its answers may take. */
static int64_t
stale_after_ns(const struct model *m, const struct slo_def *def)
{
	const struct source *s = source_get(m, def->source);
	int64_t every_ns = m->slos->every_ns > 0 ? m->slos->every_ns : 0, at_ns;

	if (__builtin_mul_overflow(every_ns, STALE_INTERVALS, &at_ns) || __builtin_add_overflow(at_ns, m->slos->at_ns, &at_ns))
		return INT64_MAX;
	if (s != NULL && __builtin_add_overflow(at_ns, source_patience_ns(s), &at_ns))
		return INT64_MAX;
	return at_ns;
}

static void
judge_age(const struct model *m, struct slos_view *v, struct model_slo *row)
{
	int64_t after_ns;

	if (row->slo == NULL)
		return;
	after_ns = stale_after_ns(m, row->def);
	row->is_stale = m->now_ns > after_ns;
	v->n_stale += row->is_stale;
	if (!row->is_stale && after_ns < v->next_stale_ns)
		v->next_stale_ns = after_ns;
}

void
slos_advance(struct model *m, int64_t before_ns)
{
	const struct slos_view *v = &m->derived->slos;

	if (m->slo_defs == NULL || !m->derived->has_slos)
		return;
	if (m->now_ns > v->next_stale_ns || m->now_ns < before_ns)
		model_touch(m, MODEL_SLOS);
}

/* --- alerts that tell of an objective --------------------------------------------------------------------------------------- */

struct def_index {
	struct hindex heads;		/* hash of a label -> the last definition indexed by it */
	uint32_t *next;			/* by definition: the one before it, HINDEX_NONE at the end */
};

static size_t
n_alert_labels(const struct slo_def_set *defs)
{
	size_t n = 0;

	for (size_t i = 0; i < defs->n; i++)
		n += defs->v[i].alert_labels.n;
	return n;
}

static void
count_labels(const struct slo_def_set *defs, struct hindex *counts)
{
	for (size_t i = 0; i < defs->n; i++) {
		const struct labels *l = &defs->v[i].alert_labels;

		for (size_t j = 0; j < l->n; j++) {
			uint64_t hash = label_hash(&l->v[j]);
			uint32_t n = hindex_get(counts, hash);

			hindex_set(counts, hash, n == HINDEX_NONE ? 1 : n + 1);
		}
	}
}

static uint64_t
rarest_label(const struct labels *l, const struct hindex *counts)
{
	uint64_t best = label_hash(&l->v[0]);

	for (size_t i = 1; i < l->n; i++) {
		uint64_t hash = label_hash(&l->v[i]);

		if (hindex_get(counts, hash) < hindex_get(counts, best))
			best = hash;
	}
	return best;
}

static void
index_defs(const struct slo_def_set *defs, struct def_index *index)
{
	struct hindex counts;

	hindex_init(&counts, n_alert_labels(defs));
	count_labels(defs, &counts);
	hindex_init(&index->heads, defs->n);
	index->next = xcalloc(defs->n, sizeof *index->next);
	for (size_t i = 0; i < defs->n; i++)
		if (defs->v[i].alert_labels.n > 0)
			index->next[i] = hindex_set(&index->heads, rarest_label(&defs->v[i].alert_labels, &counts), (uint32_t)i);
	hindex_done(&counts);
}

/* Of equal ones the oldest: the one that people were called for. */
static bool
is_worse(const struct slo_row *row, const struct model_alert *a)
{
	if (a->severity != row->alert_severity)
		return a->severity > row->alert_severity;
	return a->since_ns != 0 && (row->alert_since_ns == 0 || a->since_ns < row->alert_since_ns);
}

/* rows are still in the order of the definitions. */
static void
row_told(struct slos_view *v, uint32_t at, const struct model_alert *a)
{
	struct slo_row *row = &v->rows[at];
	uint32_t other = hindex_get(&v->by_alert, a->id);
	bool is_firing = a->state == ALERT_FIRING || a->state == ALERT_UNPROCESSED;

	if (other == HINDEX_NONE || slo_row_compare(row, &v->rows[other]) < 0)
		hindex_set(&v->by_alert, a->id, at);
	if (a->state != ALERT_PENDING && a->state != ALERT_INHIBITED && a->severity > row->told)
		row->told = a->severity;
	if (is_firing && (row->pub.alert_id == 0 || is_worse(row, a))) {
		row->pub.alert_id = a->id;
		row->alert_severity = a->severity;
		row->alert_since_ns = a->since_ns;
	}
}

static void
match_alert(const struct slo_def_set *defs, const struct def_index *index, struct slos_view *v, const struct model_alert *a)
{
	for (size_t i = 0; i < a->labels->n; i++) {
		uint32_t at = hindex_get(&index->heads, label_hash(&a->labels->v[i]));

		for (; at != HINDEX_NONE; at = index->next[at])
			if (labels_within(&defs->v[at].alert_labels, a->labels))
				row_told(v, at, a);
	}
}

static void
match_alerts(const struct model *m, struct slos_view *v)
{
	const struct alerts_view *alerts;
	struct def_index index;

	hindex_init(&v->by_alert, 0);
	if (n_alert_labels(m->slo_defs) == 0)
		return;
	alerts = alerts_get(m);
	index_defs(m->slo_defs, &index);
	for (size_t i = 0; i < alerts->n; i++)
		match_alert(m->slo_defs, &index, v, alerts->order[i]);
	hindex_done(&index.heads);
	free(index.next);
}

/* --- rows --------------------------------------------------------------------------------------------------------------------- */

/* Where there is no result, or an old one, nothing is known: that is no better than "unknown". */
static struct slo
standing(const struct model_slo *row)
{
	struct slo s = { .id = row->def->id, .state = SLO_UNKNOWN, .left = NAN, .exhaustion_ns = INT64_MAX };

	if (row->slo != NULL) {
		s = *row->slo;
		if (row->is_stale && s.state > SLO_UNKNOWN)
			s.state = SLO_UNKNOWN;
	}
	return s;
}

int
slo_row_compare(const void *pa, const void *pb)
{
	struct slo a = standing(&((const struct slo_row *)pa)->pub), b = standing(&((const struct slo_row *)pb)->pub);

	return slo_urgency(&a, &b);
}

/* The row of id among rows, one for each definition in their order; NULL when there is none. */
static struct slo_row *
row_for(const struct slo_def_set *defs, struct slo_row *rows, const char *id)
{
	const struct slo_def *def = slo_def_find(defs, id);

	return def == NULL ? NULL : &rows[def - defs->v];
}

static struct slo_row *
rows_new(const struct slo_def_set *defs, const struct slo_set *set, const struct slo_detail_set *details)
{
	struct slo_row *rows = xcalloc(defs->n, sizeof *rows), *row;

	for (size_t i = 0; i < defs->n; i++)
		rows[i].pub.def = &defs->v[i];
	for (size_t i = 0; set != NULL && i < set->n; i++)
		if ((row = row_for(defs, rows, set->v[i].id)) != NULL && row->pub.slo == NULL)
			row->pub.slo = &set->v[i];
	for (size_t i = 0; details != NULL && i < details->n; i++)
		if ((row = row_for(defs, rows, details->v[i].id)) != NULL && row->pub.detail == NULL)
			row->pub.detail = &details->v[i];
	return rows;
}

static void
rows_sort(struct slo_row *rows, size_t n)
{
	if (n > 0)
		qsort(rows, n, sizeof *rows, slo_row_compare);
}

static void
slos_build(const struct model *m, struct slos_view *v)
{
	v->next_stale_ns = INT64_MAX;
	if (m->slo_defs == NULL)
		return;
	v->n = m->slo_defs->n;
	v->rows = rows_new(m->slo_defs, m->slos, m->slo_details);
	for (size_t i = 0; i < v->n; i++)
		judge_age(m, v, &v->rows[i].pub);
	match_alerts(m, v);
	rows_sort(v->rows, v->n);
	if (m->past_slos == NULL)
		return;
	v->n_past = v->n;
	v->past = rows_new(m->slo_defs, m->past_slos, m->past_slo_details);
	rows_sort(v->past, v->n_past);
}

const struct slos_view *
slos_get(const struct model *m)
{
	struct derived *d = m->derived;

	if (!d->has_slos) {
		slos_view_done(&d->slos);
		slos_build(m, &d->slos);
		d->has_slos = true;
	}
	return &d->slos;
}

void
slos_view_done(struct slos_view *v)
{
	free(v->rows);
	free(v->past);
	hindex_done(&v->by_alert);
	*v = (struct slos_view){ .next_stale_ns = INT64_MAX };
}

const char *
slos_alert_tells(const struct model *m, uint64_t alert_id)
{
	const struct slos_view *v = slos_get(m);
	uint32_t at = v->n == 0 ? HINDEX_NONE : hindex_get(&v->by_alert, alert_id);

	return at == HINDEX_NONE ? NULL : m->slo_defs->v[at].id;
}

/* --- for the reader ------------------------------------------------------------------------------------------------------------- */

size_t
model_n_slos(const struct model *m)
{
	return slos_get(m)->n;
}

const struct model_slo *
model_slo(const struct model *m, size_t i)
{
	return &slos_get(m)->rows[i].pub;
}

const struct model_slo *
model_slo_find(const struct model *m, const char *id)
{
	const struct slos_view *v = slos_get(m);

	for (size_t i = 0; i < v->n; i++)
		if (str_eq(v->rows[i].pub.def->id, id))
			return &v->rows[i].pub;
	return NULL;
}

size_t
model_n_past_slos(const struct model *m, int64_t *ret_at_ns)
{
	const struct slos_view *v = slos_get(m);

	if (ret_at_ns != NULL)
		*ret_at_ns = v->n_past == 0 ? 0 : m->past_slos->at_ns;
	return v->n_past;
}

const struct model_slo *
model_past_slo(const struct model *m, size_t i)
{
	return &slos_get(m)->past[i].pub;
}
