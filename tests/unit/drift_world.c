#include "config.h"

#include "drift_world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

void
world_init(struct world *w)
{
	memset(w, 0, sizeof *w);
	w->book = drift_book_new();
	w->now_ns = NOW_NS;
	drift_book_every(w->book, NS_PER_MIN);
}

void
world_done(struct world *w)
{
	drift_book_free(w->book);
	block_unref(w->set);
	block_unref(w->past);
	block_unref(w->history);
	block_unref(w->markers);
}

struct drift_def *
world_add(struct world *w, const char *name, enum drift_data data, const char *metric)
{
	struct drift_def *d = &w->defs[w->n_defs];

	assert_true(w->n_defs < WORLD_DEFS);
	snprintf(w->ids[w->n_defs], sizeof w->ids[0], "drift:spam:%s", name);
	*d = (struct drift_def){ .id = w->ids[w->n_defs++],
		.model = "model:spam",
		.name = name,
		.title = "",
		.kind = DRIFT_FEATURE,
		.data = data,
		.source = "prom",
		.metric = metric,
		.label = data == DRIFT_CATEGORIES ? "lang" : NULL,
		.reference = DRIFT_FROM_PAST,
		.ago_ns = 7 * 24 * NS_PER_HOUR,
		.reference_ns = W,
		.window_ns = W,
		.effect = 0.1,
		.min_n = 100,
		.severity = SEVERITY_TICKET,
		.where = "test:1:1" };
	return d;
}

struct world_metric *
world_metric(struct world *w, const char *find, enum drift_data data)
{
	struct world_metric *m = &w->metrics[w->n_metrics++];

	assert_true(w->n_metrics <= WORLD_METRICS);
	*m = (struct world_metric){ .find = find, .data = data, .per_window = 10000 };
	return m;
}

void
world_define(struct world *w)
{
	struct drift_def_set *set = block_new(sizeof *set);
	struct drift_def *v = arena_alloc(&set->block.arena, (w->n_defs + 1) * sizeof *v);

	memcpy(v, w->defs, w->n_defs * sizeof *v);
	set->confidence = 0.95;
	set->fdr = 0.05;
	set->n = w->n_defs;
	set->v = v;
	drift_book_define(w->book, set);
	block_unref(set);
}

/* --- the server ------------------------------------------------------------------------------- */

struct answer {
	struct series_set *set;
	struct series *v;
	int64_t at_ns;
	const char *index;	/* of the term */
};

static struct series *
put(struct answer *a, const char *name, const char *value, double v)
{
	struct arena *mem = &a->set->block.arena;
	struct series *s = &a->v[a->set->n++];
	struct label *l = arena_alloc(mem, 2 * sizeof *l);
	struct sample *sample = arena_alloc(mem, sizeof *sample);
	size_t n = 0;

	assert_true(a->set->n < 4096);
	if (name != NULL)
		l[n++] = (struct label){ name, value };
	l[n++] = (struct label){ "ops", arena_strdup(mem, a->index) };
	*sample = (struct sample){ a->at_ns, v };
	*s = (struct series){ .labels = { n, l }, .n = 1, .v = sample };
	return s;
}

/* How much of the window that ends at at_ns is behind the shift. */
static double
shifted_part(const struct world_metric *m, int64_t at_ns)
{
	double part = (double)(at_ns - m->shift_ns) / (double)W;

	return m->shift_ns == 0 || part < 0 ? 0 : part > 1 ? 1 : part;
}

static double
cell(const struct world_metric *m, size_t i, int64_t at_ns)
{
	double part = shifted_part(m, at_ns);

	if (m->count != NULL)
		return m->count(m, i, at_ns);
	return m->per_window * ((1 - part) * m->shares[i] + part * m->shifted[i]);
}

static void
put_buckets(struct answer *a, const struct world_metric *m)
{
	double sum = 0;

	for (size_t i = 0; i < m->n; i++) {
		sum += cell(m, i, a->at_ns);
		put(a, "le", m->names[i], m->series[i] == 1 ? cell(m, i, a->at_ns) : sum);
	}
}

static void
put_native(struct answer *a, const struct world_metric *m)
{
	struct arena *mem = &a->set->block.arena;
	struct histogram *h = arena_alloc(mem, sizeof *h);
	struct bucket *v = arena_alloc(mem, (m->n + 1) * sizeof *v);
	struct series *s = put(a, NULL, NULL, 0);

	for (size_t i = 0; i < m->n; i++) {
		double count = cell(m, i, a->at_ns);

		if (count > 0)
			v[h->n++] = (struct bucket){ .lo = m->lo[i], .hi = m->hi[i], .count = count };
	}
	h->v = v;
	s->n = 0;
	s->n_histograms = 1;
	s->histograms = h;
}

static void
put_gauge(struct answer *a, const struct world_metric *m, const char *term)
{
	double part = shifted_part(m, a->at_ns),
	       mean = (1 - part) * m->mean + part * m->shifted_mean;

	if (m->gauge != NULL)
		put(a, NULL, NULL, m->gauge(m, term, a->at_ns));
	else if (str_has_prefix(term, "stdvar_over_time"))
		/* Five independent parts against ten. */
		put(a, NULL, NULL, strstr(term, ":12m]") != NULL ? m->parts * 4 / 9 : m->parts);
	else if (str_has_prefix(term, "sum(count_over_time"))
		put(a, NULL, NULL, m->per_window);
	else if (str_has_prefix(term, "sum(stdvar"))
		put(a, NULL, NULL, m->stddev * m->stddev);
	else if (str_has_prefix(term, "avg(quantile_over_time(0.95"))
		put(a, NULL, NULL, mean + 1.645 * m->stddev);
	else
		put(a, NULL, NULL, mean);
}

static void
put_term(struct answer *a, const struct world_metric *m, const char *term)
{
	double part = shifted_part(m, a->at_ns);

	if (str_has_prefix(term, "max(max_over_time")) {
		if (m->until_ns != 0)
			put(a, NULL, NULL, (double)(m->until_ns / NS_PER_S));
	} else if (m->until_ns != 0 && a->at_ns > m->until_ns) {
		return;
	} else if (str_has_prefix(term, "count by (le)")) {
		bool is_of_window = strstr(term, "count_over_time(") != NULL;

		for (size_t i = 0; i < m->n; i++)
			if (is_of_window || !m->is_replaced || m->series[i] != 1)
				put(a, "le", m->names[i], m->series[i] == 0 ? 2 : m->series[i]);
	} else if (strstr(term, "missing") != NULL) {
		put(a, NULL, NULL, (1 - part) * m->missing + part * m->shifted_missing);
	} else if (m->data == DRIFT_GAUGE) {
		put_gauge(a, m, term);
	} else if (m->data == DRIFT_NATIVE) {
		if (m->n > 0)
			put_native(a, m);
	} else if (m->data == DRIFT_CATEGORIES) {
		for (size_t i = 0; i < m->n; i++)
			put(a, "lang", m->names[i], cell(m, i, a->at_ns));
	} else {
		put_buckets(a, m);
	}
}

static const struct world_metric *
metric_of(const struct world *w, const char *term)
{
	for (size_t i = 0; i < w->n_metrics; i++)
		if (strstr(term, w->metrics[i].find) != NULL)
			return &w->metrics[i];
	return NULL;
}

/* NULL: refused with *ret_status. */
static struct series_set *
answer(struct world *w, const struct drift_ask *ask, long *ret_status)
{
	struct series_set *set = block_new(sizeof *set);
	struct answer a = { .set = set, .at_ns = ask->at_ns };
	char *text = arena_strdup(&set->block.arena, ask->expr), *term, *end;

	a.v = arena_alloc(&set->block.arena, 4096 * sizeof *a.v);
	set->query = arena_strdup(&set->block.arena, ask->id);
	set->v = a.v;
	for (term = text; (term = strstr(term, "label_replace(")) != NULL; term = end) {
		const struct world_metric *m;
		char *index;

		term += strlen("label_replace(");
		end = strstr(term, ", \"ops\", \"");
		assert_non_null(end);
		*end = '\0';
		index = end + strlen(", \"ops\", \"");
		end = strchr(index, '"');
		*end++ = '\0';
		a.index = index;
		w->n_terms++;
		w->n_searches += str_has_prefix(term, "max(max_over_time(");
		m = metric_of(w, term);
		if (m != NULL && m->status != 0) {
			*ret_status = m->status;
			block_unref(set);
			return NULL;
		}
		if (m != NULL)
			put_term(&a, m, term);
	}
	return set;
}

/* --- turns ------------------------------------------------------------------------------------ */

static void
keep(struct event *ev, void *slot)
{
	const void **to = slot;

	block_unref(*to);
	*to = block_ref(ev->block);
}

static void
take(struct world *w)
{
	struct event_list list;

	drift_book_take(w->book, &list);
	for (size_t i = 0; i < list.n; i++) {
		struct event *ev = &list.v[i];

		if (ev->kind == EVENT_DRIFTS) {
			bool is_past = ((const struct drift_set *)ev->block)->is_past;

			keep(ev, is_past ? (void *)&w->past : (void *)&w->set);
			w->n_sets += !is_past;
		} else if (ev->kind == EVENT_DRIFT_HISTORY) {
			keep(ev, &w->history);
		} else {
			assert_int_equal(ev->kind, EVENT_MARKERS);
			keep(ev, &w->markers);
		}
	}
	event_list_done(&list);
}

static bool
serve_one(struct world *w)
{
	const struct drift_ask *v;
	size_t n = drift_book_asks(w->book, &v);
	struct series_set *set = NULL;
	char id[64];
	long status = 0;

	if (n == 0)
		return false;
	assert_true(n <= 4);
	assert_true(str_has_prefix(v[0].id, DRIFT_ASK_PREFIX));
	snprintf(id, sizeof id, "%s", v[0].id);
	snprintf(w->last_expr, sizeof w->last_expr, "%s", v[0].expr);
	if (v[0].at_ns == w->now_ns && *w->now_expr == '\0')
		snprintf(w->now_expr, sizeof w->now_expr, "%s", v[0].expr);
	w->n_asked++;
	if (!w->is_down)
		set = answer(w, &v[0], &status);
	if (set != NULL)
		assert_true(drift_book_answer(w->book, set));
	else
		assert_true(drift_book_failed(
		    w->book, id, status, w->is_down ? "connection refused" : "bad_data: no such label"));
	block_unref(set);
	return true;
}

void
world_pump(struct world *w)
{
	size_t n = 0;
	bool has_changed, was_served;

	do {
		has_changed = drift_book_turn(w->book, w->now_ns);
		take(w);
		was_served = serve_one(w);
		assert_true(n++ < 100000);
	} while (has_changed || was_served);
	assert_true(drift_book_due_ns(w->book) > w->now_ns);
}

void
world_pass(struct world *w, int64_t ns)
{
	int64_t end_ns = w->now_ns + ns;

	while (w->now_ns < end_ns) {
		w->now_ns += NS_PER_MIN;
		world_pump(w);
	}
}

const struct drift *
world_find(const struct drift_set *set, const char *name)
{
	assert_non_null(set);
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->v[i].id + strlen("drift:spam:"), name) == 0)
			return &set->v[i];
	fail_msg("no %s", name);
	return NULL;
}

void
world_state(const struct world *w, const char *name, enum drift_state state, const char *why)
{
	const struct drift *d = world_find(w->set, name);

	if (d->state != state || strstr(d->why, why) == NULL)
		fail_msg("%s is %s: %s; expected %s: %s", name, drift_state_name(d->state), d->why,
		    drift_state_name(state), why);
}
