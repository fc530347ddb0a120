/*
 * One row per alert, whoever tells of it.
 *
 * Alertmanager's alert covers Prometheus' one when it has all of its labels; it usually has more, the external labels. The rows of
 * Alertmanager come first; each alert of Prometheus then looks for the row that covers it through an index from single labels to rows,
 * by its rarest label, so that ten thousand alerts take milliseconds. What finds none is a row of its own.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "model/hindex.h"
#include "model/model_priv.h"

enum { LEARN_SAMPLE = 8 };

/* The rows that have one label, as a chain through `next`. */
struct posting {
	uint32_t row, next;
};
struct posting_list {
	uint32_t head, n;
};

struct merge {
	const struct model *m;
	struct alerts_view *view;
	size_t cap;
	struct hindex by_labels;		/* hash of a row's labels -> row */
	struct hindex by_label;			/* hash of one label -> list */
	size_t n_lists, n_postings;
	struct posting_list *lists;
	struct posting *postings;
};

uint64_t
label_hash(const struct label *l)
{
	return str_hash(l->value, strlen(l->value) + 1, str_hash(l->name, strlen(l->name) + 1, STR_HASH_SEED));
}

/* --- external labels --------------------------------------------------------------------------------------------------------- */

static bool
is_external(const struct model *m, uint64_t hash)
{
	for (size_t i = 0; i < m->n_external; i++)
		if (m->external[i] == hash)
			return true;
	return false;
}

/* The alert of any Alertmanager that covers this one with the fewest labels more, or NULL. */
static const struct alert *
find_cover(const struct model *m, const struct alert *of)
{
	const struct alert *best = NULL;

	for (size_t i = 0; i < m->n_sources; i++) {
		const struct source *s = m->sources[i];

		if (s->alerts == NULL || !source_is_alertmanager(s))
			continue;
		for (size_t j = 0; j < s->alerts->n; j++) {
			const struct alert *a = &s->alerts->v[j];

			if ((best == NULL || a->labels.n < best->labels.n) && labels_within(&of->labels, &a->labels))
				best = a;
		}
	}
	return best;
}

/* Keep of external[] what this pair also shows; the first pair fills it. */
static void
learn_pair(struct model *m, const struct alert *prometheus, const struct alert *am, bool is_first)
{
	uint64_t seen[EXTERNAL_LABELS_MAX];
	size_t n_seen = 0, n = 0;

	for (size_t i = 0; i < am->labels.n && n_seen < EXTERNAL_LABELS_MAX; i++)
		if (labels_get(&prometheus->labels, am->labels.v[i].name) == NULL)
			seen[n_seen++] = label_hash(&am->labels.v[i]);
	if (is_first) {
		memcpy(m->external, seen, n_seen * sizeof seen[0]);
		m->n_external = n_seen;
		return;
	}
	for (size_t i = 0; i < m->n_external; i++)
		for (size_t j = 0; j < n_seen; j++)
			if (m->external[i] == seen[j])
				m->external[n++] = seen[j];
	m->n_external = n;
}

/* Learnt when alerts come and not when somebody looks, so that ids follow from the events alone. A few alerts tell enough. */
void
alerts_learn_external(struct model *m)
{
	size_t n_tried = 0, n_learnt = 0;

	for (size_t i = 0; i < m->n_sources; i++) {
		const struct source *s = m->sources[i];

		if (s->alerts == NULL || source_is_alertmanager(s))
			continue;
		for (size_t j = 0; j < s->alerts->n && n_tried < LEARN_SAMPLE; j++) {
			const struct alert *a = &s->alerts->v[j], *am;

			if (a->state != ALERT_FIRING || a->labels.n == 0)
				continue;
			n_tried++;
			am = find_cover(m, a);
			if (am != NULL)
				learn_pair(m, a, am, n_learnt++ == 0);
		}
	}
}

static uint64_t
hash_without_external(const struct model *m, const struct labels *l)
{
	struct label *kept = xcalloc(l->n, sizeof *kept);
	struct labels rest = { 0, kept };
	uint64_t h;

	for (size_t i = 0; i < l->n; i++)
		if (!is_external(m, label_hash(&l->v[i])))
			kept[rest.n++] = l->v[i];
	h = labels_hash(&rest);
	free(kept);
	return h;
}

/* --- rows ---------------------------------------------------------------------------------------------------------------------- */

static struct model_alert *
row_add(struct merge *g, uint64_t hash)
{
	struct alerts_view *v = g->view;

	if (v->n == g->cap) {
		g->cap = g->cap == 0 ? 64 : g->cap * 2;
		v->rows = xreallocarray(v->rows, g->cap, sizeof *v->rows);
	}
	hindex_set(&g->by_labels, hash, (uint32_t)v->n);
	v->rows[v->n] = (struct model_alert){ .is_stale = true };
	return &v->rows[v->n++];
}

/* The row with exactly these labels, told of by the same side. */
static struct model_alert *
row_same(struct merge *g, uint64_t hash, const struct alert *a, bool is_am)
{
	uint32_t i = hindex_get(&g->by_labels, hash);
	struct model_alert *row = i == HINDEX_NONE ? NULL : &g->view->rows[i];
	const struct alert *side = row == NULL ? NULL : is_am ? row->am : row->prometheus;

	return side != NULL && labels_equal(&side->labels, &a->labels) ? row : NULL;
}

/* row is fresh when a fresh source tells of it, and a fresh source's word replaces a stale one's. */
static bool
row_seen(struct model_alert *row, const struct source *s)
{
	int64_t seen_ns = source_alerts_seen_ns(s);
	bool was_stale = row->is_stale;

	if (seen_ns > row->seen_ns)
		row->seen_ns = seen_ns;
	if (!s->is_alerts_stale)
		row->is_stale = false;
	return was_stale && !s->is_alerts_stale;
}

/* Of two Alertmanagers (a cluster) the fresh one is believed, and of two fresh ones the newer word. */
static void
add_alertmanager(struct merge *g, const struct source *s)
{
	for (size_t i = 0; i < s->alerts->n; i++) {
		const struct alert *a = &s->alerts->v[i];
		uint64_t hash = labels_hash(&a->labels);
		struct model_alert *row = row_same(g, hash, a, true);
		bool is_new = row == NULL, is_fresher;

		if (is_new)
			row = row_add(g, hash);
		is_fresher = row_seen(row, s);
		if (is_new || is_fresher || (!s->is_alerts_stale && a->updated_ns > row->am->updated_ns)) {
			row->am = a;
			row->am_source = s->pub.name;
		}
	}
}

static void
index_label(struct merge *g, const struct label *l, uint32_t row)
{
	uint64_t hash = label_hash(l);
	uint32_t i = hindex_get(&g->by_label, hash);

	if (i == HINDEX_NONE) {
		i = (uint32_t)g->n_lists++;
		hindex_set(&g->by_label, hash, i);
		g->lists[i] = (struct posting_list){ HINDEX_NONE, 0 };
	}
	g->postings[g->n_postings] = (struct posting){ row, g->lists[i].head };
	g->lists[i].head = (uint32_t)g->n_postings++;
	g->lists[i].n++;
}

static void
index_rows(struct merge *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->view->n; i++)
		n += g->view->rows[i].am->labels.n;
	g->lists = xcalloc(n, sizeof *g->lists);
	g->postings = xcalloc(n, sizeof *g->postings);
	hindex_init(&g->by_label, n);
	for (size_t i = 0; i < g->view->n; i++) {
		const struct labels *l = &g->view->rows[i].am->labels;

		for (size_t j = 0; j < l->n; j++)
			index_label(g, &l->v[j], (uint32_t)i);
	}
}

static uint64_t
distance(int64_t a, int64_t b)
{
	return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

/* Where several rows cover a (one Alertmanager for several clusters), the one with the fewest labels more; then the one that
 * began at about the same time. */
static bool
covers_better(const struct alert *a, const struct model_alert *row, const struct model_alert *best)
{
	if (best == NULL)
		return true;
	if (row->am->labels.n != best->am->labels.n)
		return row->am->labels.n < best->am->labels.n;
	return distance(row->am->since_ns, a->since_ns) < distance(best->am->since_ns, a->since_ns);
}

static struct model_alert *
row_covering(struct merge *g, const struct alert *a)
{
	const struct posting_list *rarest = NULL;
	struct model_alert *best = NULL;

	for (size_t i = 0; i < a->labels.n; i++) {
		uint32_t at = hindex_get(&g->by_label, label_hash(&a->labels.v[i]));

		if (at == HINDEX_NONE)
			return NULL;
		if (rarest == NULL || g->lists[at].n < rarest->n)
			rarest = &g->lists[at];
	}
	for (uint32_t p = rarest == NULL ? HINDEX_NONE : rarest->head; p != HINDEX_NONE; p = g->postings[p].next) {
		struct model_alert *row = &g->view->rows[g->postings[p].row];

		if (labels_within(&a->labels, &row->am->labels) && covers_better(a, row, best))
			best = row;
	}
	return best;
}

/* The row for alert i of a set; rows: those of the alerts before it. One that is there many times is looked for once: each search may walk
 * through all rows that share its rarest label. */
static uint32_t
row_of(struct merge *g, const struct alert_set *set, size_t i, struct hindex *seen, const uint32_t *rows)
{
	const struct alert *a = &set->v[i];
	uint64_t hash = labels_hash(&a->labels);
	uint32_t first = hindex_get(seen, hash);
	struct model_alert *row;

	if (first != HINDEX_NONE && labels_equal(&set->v[first].labels, &a->labels))
		return rows[first];
	hindex_set(seen, hash, (uint32_t)i);
	row = row_covering(g, a);
	if (row == NULL)
		row = row_same(g, hash, a, false);
	if (row == NULL)
		row = row_add(g, hash);
	return (uint32_t)(row - g->view->rows);
}

/* Two Prometheus servers (a pair) may tell of the same alert: fresh before stale, firing before pending. */
static void
add_prometheus(struct merge *g, const struct source *s)
{
	struct hindex seen;			/* hash of an alert's labels -> the alert of this source that had them first */
	uint32_t *rows = xcalloc(s->alerts->n, sizeof *rows);

	hindex_init(&seen, s->alerts->n);
	for (size_t i = 0; i < s->alerts->n; i++) {
		const struct alert *a = &s->alerts->v[i];
		struct model_alert *row;

		rows[i] = row_of(g, s->alerts, i, &seen, rows);
		row = &g->view->rows[rows[i]];
		row_seen(row, s);
		if (row->prometheus == NULL || (!s->is_alerts_stale && (source_get(g->m, row->prometheus_source)->is_alerts_stale ||
		    (a->state == ALERT_FIRING && row->prometheus->state != ALERT_FIRING)))) {
			row->prometheus = a;
			row->prometheus_source = s->pub.name;
		}
	}
	hindex_done(&seen);
	free(rows);
}

/* --- what a row says ------------------------------------------------------------------------------------------------------------ */

enum severity
severity_of_text(const struct environment *env, const char *text)
{
	static const struct severity_def usual[] = {
		{ "page", SEVERITY_PAGE }, { "critical", SEVERITY_PAGE }, { "ticket", SEVERITY_TICKET }, { "warning", SEVERITY_TICKET },
		{ "info", SEVERITY_INFO }, { "none", SEVERITY_NONE },
	};

	for (size_t i = 0; env != NULL && i < env->n_severities; i++)
		if (strcmp(env->severities[i].value, text) == 0)
			return env->severities[i].severity;
	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		if (strcmp(usual[i].value, text) == 0)
			return usual[i].severity;
	/* An alert nobody ranked is not one to overlook. */
	return SEVERITY_TICKET;
}

static void
row_state(const struct model *m, struct alerts_view *v, const struct hindex *silences, struct model_alert *row)
{
	const struct source *am = row->am == NULL ? NULL : source_get(m, row->am_source);

	row->state = row->am != NULL ? row->am->state : row->prometheus->state;
	if (row->state != ALERT_SILENCED || row->am == NULL)
		return;
	silences_mute(v, silences, row);
	if (am == NULL || !am->is_alerts_stale || row->silenced_until_ns == 0)
		return;
	/* An Alertmanager we cannot hear says "silenced" for ever; its silence ends all the same. */
	if (row->silenced_until_ns <= m->now_ns) {
		row->state = ALERT_FIRING;
		row->silenced_until_ns = 0;
		row->is_acked = false;
	} else if (row->silenced_until_ns < v->next_end_ns) {
		v->next_end_ns = row->silenced_until_ns;
	}
}

static void
row_finish(const struct model *m, struct alerts_view *v, const struct hindex *silences, struct model_alert *row)
{
	const struct alert *main_side = row->am != NULL ? row->am : row->prometheus;
	const char *label = m->env != NULL && m->env->severity_label[0] != '\0' ? m->env->severity_label : "severity";
	const char *severity = labels_get(&main_side->labels, label);

	row->name = main_side->name;
	row->labels = &main_side->labels;
	row->annotations = &main_side->annotations;
	row->since_ns = main_side->since_ns;
	row->severity_text = severity == NULL ? "" : severity;
	row->severity = severity_of_text(m->env, row->severity_text);
	row->id = row->prometheus != NULL ? labels_hash(&row->prometheus->labels) : hash_without_external(m, row->labels);
	row_state(m, v, silences, row);
}

/* Ids must differ: who comes second to one is named by all of its labels. Prometheus' sides choose first. */
static void
make_ids_unique(struct alerts_view *v)
{
	struct hindex ids;

	hindex_init(&ids, v->n);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < v->n; i++) {
			struct model_alert *row = &v->rows[i];

			if ((pass == 0) != (row->prometheus != NULL))
				continue;
			if (hindex_get(&ids, row->id) != HINDEX_NONE)
				row->id = labels_hash(row->labels);
			while (hindex_get(&ids, row->id) != HINDEX_NONE)
				row->id++;
			hindex_set(&ids, row->id, (uint32_t)i);
		}
	}
	hindex_done(&ids);
}

/* --- order ------------------------------------------------------------------------------------------------------------------------ */

static int
state_rank(enum alert_state state)
{
	switch (state) {
	case ALERT_FIRING: return 0;
	case ALERT_UNPROCESSED: return 1;
	case ALERT_PENDING: return 2;
	case ALERT_INHIBITED: return 3;
	case ALERT_SILENCED: return 4;
	}
	return 5;
}

static int
row_compare(const void *pa, const void *pb)
{
	const struct model_alert *a = *(struct model_alert *const *)pa, *b = *(struct model_alert *const *)pb;
	int c = state_rank(a->state) - state_rank(b->state);

	if (c == 0)
		c = (int)b->severity - (int)a->severity;
	if (c == 0)
		c = (a->since_ns < b->since_ns) - (a->since_ns > b->since_ns);
	return c != 0 ? c : labels_compare(a->labels, b->labels);
}

static void
alerts_build(const struct model *m, struct alerts_view *v)
{
	struct merge g = { .m = m, .view = v };
	struct hindex silences;
	size_t n = 0;

	v->next_end_ns = INT64_MAX;
	for (size_t i = 0; i < m->n_sources; i++)
		n += m->sources[i]->alerts == NULL ? 0 : m->sources[i]->alerts->n;
	hindex_init(&g.by_labels, n);
	for (size_t i = 0; i < m->n_sources; i++)
		if (m->sources[i]->alerts != NULL && source_is_alertmanager(m->sources[i]))
			add_alertmanager(&g, m->sources[i]);
	index_rows(&g);
	for (size_t i = 0; i < m->n_sources; i++)
		if (m->sources[i]->alerts != NULL && !source_is_alertmanager(m->sources[i]))
			add_prometheus(&g, m->sources[i]);
	v->order = xcalloc(v->n, sizeof(struct model_alert *));
	silences_collect(m, v, &silences);
	for (size_t i = 0; i < v->n; i++) {
		row_finish(m, v, &silences, &v->rows[i]);
		v->order[i] = &v->rows[i];
	}
	make_ids_unique(v);
	qsort(v->order, v->n, sizeof(struct model_alert *), row_compare);
	silences_sort(v);
	groups_collect(m, v);
	hindex_done(&silences);
	hindex_done(&g.by_labels);
	hindex_done(&g.by_label);
	free(g.lists);
	free(g.postings);
}

const struct alerts_view *
alerts_get(const struct model *m)
{
	struct derived *d = m->derived;

	if (!d->has_alerts) {
		alerts_view_done(&d->alerts);
		alerts_build(m, &d->alerts);
		d->has_alerts = true;
	}
	return &d->alerts;
}

void
alerts_view_done(struct alerts_view *v)
{
	free(v->rows);
	free(v->order);
	free(v->silences);
	arena_done(&v->groups);
	*v = (struct alerts_view){ .next_end_ns = INT64_MAX };
}

/* --- for the reader ---------------------------------------------------------------------------------------------------------------- */

size_t
model_n_alerts(const struct model *m)
{
	return alerts_get(m)->n;
}

const struct model_alert *
model_alert(const struct model *m, size_t i)
{
	return alerts_get(m)->order[i];
}

const struct model_alert *
model_alert_find(const struct model *m, uint64_t id)
{
	const struct alerts_view *v = alerts_get(m);

	for (size_t i = 0; i < v->n; i++)
		if (v->rows[i].id == id)
			return &v->rows[i];
	return NULL;
}

bool
model_alerts_known(const struct model *m)
{
	for (size_t i = 0; i < m->n_sources; i++)
		if (m->sources[i]->alerts != NULL)
			return true;
	return false;
}

const char *
alert_state_name(enum alert_state state)
{
	switch (state) {
	case ALERT_PENDING: return "pending";
	case ALERT_FIRING: return "firing";
	case ALERT_SILENCED: return "silenced";
	case ALERT_INHIBITED: return "inhibited";
	case ALERT_UNPROCESSED: return "unprocessed";
	}
	return "unknown";
}

const char *
severity_name(enum severity severity)
{
	switch (severity) {
	case SEVERITY_NONE: return "none";
	case SEVERITY_INFO: return "info";
	case SEVERITY_TICKET: return "ticket";
	case SEVERITY_PAGE: return "page";
	}
	return "none";
}
