/*
 * Drift: one row per definition, with how it stands and the alerts that tell of it.
 *
 * Definitions and results come apart, and either may be there without the other: a result is shown where there is a definition for it.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "model/hindex.h"
#include "model/model_priv.h"

#define EVERY_NS NS_PER_MIN	/* where a set does not say when the next is due */

/* --- events ------------------------------------------------------------------------------------------------------------ */

void
drifts_apply(struct model *m, const struct event *ev)
{
	struct told told = { ev->time_ns, ev->source };

	if (ev->kind == EVENT_DRIFT_DEFS) {
		block_replace(&m->drift_defs, ev->block);
		m->drift_defs_told = told;
	} else if (ev->kind == EVENT_DRIFTS) {
		const struct drift_set *set = ev->block;

		block_replace(set->is_past ? &m->past_drifts : &m->drifts, set);
		if (!set->is_past)
			m->drifts_told = told;
	} else {
		block_replace(&m->drift_history, ev->block);
		m->drift_history_told = told;
	}
	model_touch(m, MODEL_DRIFT);
}

void
drifts_clone(struct model *to, const struct model *from)
{
	to->drift_defs = block_ref(from->drift_defs);
	to->drifts = block_ref(from->drifts);
	to->drift_history = block_ref(from->drift_history);
	to->drift_defs_told = from->drift_defs_told;
	to->drifts_told = from->drifts_told;
	to->drift_history_told = from->drift_history_told;
}

void
drifts_lend_history(struct model *to, const struct model *from, int64_t gap_ns)
{
	if (to->drift_history == from->drift_history && to->drift_gap_ns == gap_ns)
		return;
	to->drift_gap_ns = gap_ns;
	block_replace(&to->drift_history, from->drift_history);
	to->drift_history_told = from->drift_history_told;
	model_touch(to, MODEL_DRIFT);
}

void
drifts_done(struct model *m)
{
	block_unref(m->drift_defs);
	block_unref(m->drifts);
	block_unref(m->past_drifts);
	block_unref(m->drift_history);
	m->drift_defs = NULL;
	m->drifts = m->past_drifts = NULL;
	m->drift_history = NULL;
}

/* --- age ------------------------------------------------------------------------------------------------------------------ */

/* After this a row is too old: three rounds without a new one, and what its source's answers may take. */
static int64_t
stale_after_ns(const struct model *m, const struct model_drift *row)
{
	const struct source *s = source_get(m, row->def->source);
	int64_t every_ns = m->drifts->every_ns > 0 ? m->drifts->every_ns : EVERY_NS, at_ns;
	int64_t worked_out_ns = row->drift->at_ns != 0 ? row->drift->at_ns : m->drifts->at_ns;

	if (__builtin_mul_overflow(every_ns, STALE_INTERVALS, &at_ns) || __builtin_add_overflow(at_ns, worked_out_ns, &at_ns))
		return INT64_MAX;
	if (s != NULL && __builtin_add_overflow(at_ns, source_patience_ns(s), &at_ns))
		return INT64_MAX;
	if (__builtin_add_overflow(at_ns, m->drift_gap_ns, &at_ns))
		return INT64_MAX;
	return at_ns;
}

static void
judge_age(const struct model *m, struct drifts_view *v, struct model_drift *row)
{
	int64_t after_ns;

	if (row->drift == NULL)
		return;
	after_ns = stale_after_ns(m, row);
	row->is_stale = m->now_ns > after_ns;
	v->n_stale += row->is_stale;
	if (!row->is_stale && after_ns < v->next_stale_ns)
		v->next_stale_ns = after_ns;
}

void
drifts_advance(struct model *m, int64_t before_ns)
{
	if (m->drift_defs == NULL || !m->derived->has_drifts)
		return;
	if (m->now_ns > m->derived->drifts.next_stale_ns || m->now_ns < before_ns)
		model_touch(m, MODEL_DRIFT);
}

/* --- order ------------------------------------------------------------------------------------------------------------------ */

enum drift_state
model_drift_state(const struct model_drift *row)
{
	return row->drift == NULL || row->is_stale ? DRIFT_UNKNOWN : row->drift->state;
}

static int
entry_compare(const void *pa, const void *pb)
{
	const struct drift_entry *a = pa, *b = pb;
	enum drift_state state_a = model_drift_state(&a->pub), state_b = model_drift_state(&b->pub);
	int c = (state_a > state_b) - (state_a < state_b);

	if (c == 0 && state_a == DRIFT_DRIFTED)
		c = (int)b->pub.def->severity - (int)a->pub.def->severity;
	if (c == 0)
		c = (a->ratio < b->ratio) - (a->ratio > b->ratio);
	return c != 0 ? c : strcmp(a->pub.def->id, b->pub.def->id);
}

/* --- alerts that tell of one -------------------------------------------------------------------------------------------------- */

static uint64_t
text_hash(const char *s)
{
	return str_hash(s, strlen(s), 0);
}

/* The label is the model's name, its id is "model:NAME". */
static bool
is_of_model(const struct drift_def *def, const char *name)
{
	const char *colon = strchr(def->model, ':');

	return name == NULL || strcmp(def->model, name) == 0 || (colon != NULL && strcmp(colon + 1, name) == 0);
}

/* Of equal ones the oldest: the one that people were called for. */
static bool
is_worse(const struct drift_entry *e, const struct model_alert *a)
{
	if (a->severity != e->alert_severity)
		return a->severity > e->alert_severity;
	return a->since_ns != 0 && (e->alert_since_ns == 0 || a->since_ns < e->alert_since_ns);
}

static void
entry_told(struct drifts_view *v, uint32_t at, const struct model_alert *a)
{
	struct drift_entry *e = &v->rows[at];
	uint32_t other = hindex_get(&v->by_alert, a->id);

	if (other == HINDEX_NONE || entry_compare(e, &v->rows[other]) < 0)
		hindex_set(&v->by_alert, a->id, at);
	if (a->state != ALERT_PENDING && a->state != ALERT_INHIBITED && a->severity > e->told)
		e->told = a->severity;
	if ((a->state == ALERT_FIRING || a->state == ALERT_UNPROCESSED) && (e->pub.alert_id == 0 || is_worse(e, a))) {
		e->pub.alert_id = a->id;
		e->alert_severity = a->severity;
		e->alert_since_ns = a->since_ns;
	}
}

/* Rows are still in the order of the definitions. Several models may have a feature of one name: next leads from each to the one before it. */
static void
match_alerts(const struct model *m, struct drifts_view *v)
{
	const struct alerts_view *alerts = alerts_get(m);
	const struct drift_def_set *defs = m->drift_defs;
	uint32_t *next = xcalloc(defs->n + 1, sizeof *next);
	struct hindex by_name;

	hindex_init(&v->by_alert, 0);
	hindex_init(&by_name, defs->n);
	for (size_t i = 0; i < defs->n; i++)
		next[i] = hindex_set(&by_name, text_hash(defs->v[i].name), (uint32_t)i);
	for (size_t i = 0; i < alerts->n; i++) {
		const struct model_alert *a = alerts->order[i];
		const char *feature = labels_get(a->labels, "feature"), *model = labels_get(a->labels, "model");
		uint32_t at = feature == NULL ? HINDEX_NONE : hindex_get(&by_name, text_hash(feature));

		for (; at != HINDEX_NONE; at = next[at])
			if (strcmp(defs->v[at].name, feature) == 0 && is_of_model(&defs->v[at], model))
				entry_told(v, at, a);
	}
	hindex_done(&by_name);
	free(next);
}

/* --- rows --------------------------------------------------------------------------------------------------------------------- */

static void
rows_fill(const struct drift_def_set *defs, const struct drift_set *set, struct drift_entry *rows)
{
	struct hindex by_id;

	hindex_init(&by_id, defs->n);
	for (size_t i = defs->n; i-- > 0;)
		hindex_set(&by_id, text_hash(defs->v[i].id), (uint32_t)i);
	for (size_t i = 0; i < set->n; i++) {
		const struct drift *d = &set->v[i];
		uint32_t at = hindex_get(&by_id, text_hash(d->id));
		double ratio;

		if (at == HINDEX_NONE || strcmp(defs->v[at].id, d->id) != 0 || rows[at].pub.drift != NULL)
			continue;
		rows[at].pub.drift = d;
		ratio = drift_ratio(d);
		rows[at].ratio = isnan(ratio) ? -1 : ratio;
	}
	hindex_done(&by_id);
}

static struct drift_entry *
rows_new(const struct drift_def_set *defs, const struct drift_set *set)
{
	struct drift_entry *rows = xcalloc(defs->n + 1, sizeof *rows);

	for (size_t i = 0; i < defs->n; i++)
		rows[i] = (struct drift_entry){ .pub.def = &defs->v[i], .ratio = -1 };
	if (set != NULL)
		rows_fill(defs, set, rows);
	return rows;
}

static void
rows_sort(const struct drifts_view *v, struct drift_entry *rows)
{
	if (v->n > 0)
		qsort(rows, v->n, sizeof *rows, entry_compare);
}

static void
drifts_build(const struct model *m, struct drifts_view *v)
{
	v->next_stale_ns = INT64_MAX;
	if (m->drift_defs == NULL)
		return;
	v->n = m->drift_defs->n;
	v->rows = rows_new(m->drift_defs, m->drifts);
	for (size_t i = 0; i < v->n; i++)
		judge_age(m, v, &v->rows[i].pub);
	match_alerts(m, v);
	rows_sort(v, v->rows);
	if (m->past_drifts == NULL)
		return;
	v->n_past = v->n;
	v->past = rows_new(m->drift_defs, m->past_drifts);
	rows_sort(v, v->past);
}

const struct drifts_view *
drifts_get(const struct model *m)
{
	struct derived *d = m->derived;

	if (!d->has_drifts) {
		drifts_view_done(&d->drifts);
		drifts_build(m, &d->drifts);
		d->has_drifts = true;
	}
	return &d->drifts;
}

void
drifts_view_done(struct drifts_view *v)
{
	free(v->rows);
	free(v->past);
	hindex_done(&v->by_alert);
	*v = (struct drifts_view){ .next_stale_ns = INT64_MAX };
}

const char *
drifts_alert_tells(const struct model *m, uint64_t alert_id)
{
	const struct drifts_view *v = drifts_get(m);
	uint32_t at = v->n == 0 ? HINDEX_NONE : hindex_get(&v->by_alert, alert_id);

	return at == HINDEX_NONE ? NULL : m->drift_defs->v[at].id;
}

/* --- for the reader ------------------------------------------------------------------------------------------------------------- */

size_t
model_n_drifts(const struct model *m)
{
	return drifts_get(m)->n;
}

const struct model_drift *
model_drift(const struct model *m, size_t i)
{
	return &drifts_get(m)->rows[i].pub;
}

const struct model_drift *
model_drift_find(const struct model *m, const char *id)
{
	const struct drifts_view *v = drifts_get(m);

	for (size_t i = 0; i < v->n; i++)
		if (str_eq(v->rows[i].pub.def->id, id))
			return &v->rows[i].pub;
	return NULL;
}

const struct drift_def_set *
model_drift_defs(const struct model *m)
{
	return m->drift_defs;
}

const struct drift_history *
model_drift_history(const struct model *m)
{
	return m->drift_history;
}

size_t
model_n_past_drifts(const struct model *m, int64_t *ret_at_ns)
{
	const struct drifts_view *v = drifts_get(m);

	if (ret_at_ns != NULL)
		*ret_at_ns = v->n_past == 0 ? 0 : m->past_drifts->at_ns;
	return v->n_past;
}

const struct model_drift *
model_past_drift(const struct model *m, size_t i)
{
	return &drifts_get(m)->past[i].pub;
}
