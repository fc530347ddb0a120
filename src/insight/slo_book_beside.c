/*
 * What happened while budget was spent: alerts that fired and things that changed, in steps of the
 * tiles.
 */
#include "config.h"

#include "insight/slo_book_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "insight/markers.h"
#include "insight/slo_promql.h"

enum { ENTRIES_MAX = 2000, ALERT_LABELS_MAX = 8, SAME_LOOKED_AT = 16, REFUSED_MAX = 6 };

/* --- which are wanted ------------------------------------------------------------------------- */

static struct beside *
beside_get(struct slo_book *b, enum view_kind view, const struct marker_def *marker,
    const char *source, int64_t step_ns)
{
	struct beside *s;

	TAILQ_FOREACH(s, &b->besides, next)
	if (s->view == view && s->marker == marker && s->step_ns == step_ns &&
	    strcmp(s->source, source) == 0)
		return s;
	s = xcalloc(1, sizeof *s);
	*s = (struct beside){
		.view = view, .marker = marker, .source = xstrdup(source), .step_ns = step_ns
	};
	TAILQ_INSERT_TAIL(&b->besides, s, next);
	return s;
}

static void
want_range(struct beside *s, int64_t start_ns, int64_t end_ns)
{
	if (!s->is_wanted || start_ns < s->start_ns)
		s->start_ns = start_ns;
	if (!s->is_wanted || end_ns > s->end_ns)
		s->end_ns = end_ns;
	if (s->end_ns - s->start_ns > (POINTS_MAX - 1) * s->step_ns)
		s->start_ns = s->end_ns - (POINTS_MAX - 1) * s->step_ns;
	s->is_wanted = true;
}

static void
want_for_objective(struct slo_book *b, const struct view *view, const struct objective *o)
{
	int64_t start, end, last;

	if (o->error != NULL || !slo_window_at(o->def, view->at_ns, &start, &end))
		return;
	last = align_down(view->at_ns, o->step_ns);
	start = align_down(start, o->step_ns) + o->step_ns;
	if (start > last)
		return;
	want_range(beside_get(b, view->kind, NULL, o->def->source, o->step_ns), start, last);
	for (size_t i = 0; b->env != NULL && i < b->env->n_markers; i++)
		want_range(beside_get(b, view->kind, &b->env->markers[i], b->env->markers[i].source,
			       o->step_ns),
		    start, last);
}

/* --- asking ----------------------------------------------------------------------------------- */

static bool
is_label_name(const char *s)
{
	return *s != '\0' &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") ==
	    strlen(s) &&
	    (*s < '0' || *s > '9');
}

/* Labels by which an alert is known to be about an objective, each once. */
static size_t
alert_labels(const struct slo_book *b, const char *source, const char **v)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_objectives; i++) {
		const struct slo_def *def = b->objectives[i].def;

		for (size_t j = 0; j < def->alert_labels.n && n < ALERT_LABELS_MAX &&
		     strcmp(def->source, source) == 0;
		     j++) {
			const char *name = def->alert_labels.v[j].name;
			size_t k;

			for (k = 0; k < n && strcmp(v[k], name) != 0; k++)
				;
			if (k == n && is_label_name(name) && strcmp(name, "alertname") != 0)
				v[n++] = name;
		}
	}
	return n;
}

static void
alerts_expr(const struct slo_book *b, const struct beside *s, struct buf *out)
{
	char step[PROMQL_DURATION_MAX];
	const char *labels[ALERT_LABELS_MAX];
	size_t n = alert_labels(b, s->source, labels);

	buf_addstr(out, "max by (alertname");
	for (size_t i = 0; i < n; i++)
		buf_printf(out, ", %s", labels[i]);
	buf_printf(out, ") (max_over_time(ALERTS{alertstate=\"firing\"}[%s]))",
	    promql_duration(step, s->step_ns));
}

static bool
is_due(const struct beside *s)
{
	int64_t rest_ns = ((int64_t)BESIDE_TILES * s->step_ns) << s->n_refused;

	if (s->asked_ns == 0)
		return true;
	return s->view == VIEW_NOW ? s->end_ns - s->asked_ns >= rest_ns : s->end_ns != s->asked_ns;
}

static void
ask(struct slo_book *b, struct beside *s)
{
	struct buf expr;

	buf_init(&expr, EXPR_BYTES_MAX);
	if (s->marker == NULL)
		alerts_expr(b, s, &expr);
	else
		buf_addstr(&expr, s->marker->expr);
	s->asked_ns = s->end_ns;
	if (!expr.is_over)
		batch_for_beside(b, s, expr.data, s->start_ns, s->end_ns);
	buf_done(&expr);
}

void
beside_want(struct slo_book *b, const struct view *view)
{
	struct beside *s;

	TAILQ_FOREACH(s, &b->besides, next)
		if (s->view == view->kind)
			s->is_wanted = false;
	for (size_t i = 0; i < b->n_objectives; i++)
		want_for_objective(b, view, &b->objectives[i]);
	TAILQ_FOREACH(s, &b->besides, next)
		if (s->view == view->kind && s->is_wanted && is_due(s))
			ask(b, s);
}

/* --- answers ---------------------------------------------------------------------------------- */

static struct labels
copy_labels(const struct labels *from, struct arena *arena)
{
	struct label *v = arena_alloc(arena, (from->n + 1) * sizeof *v);

	for (size_t i = 0; i < from->n; i++)
		v[i] = (struct label){ .name = arena_strdup(arena, from->v[i].name),
			.value = arena_strdup(arena, from->v[i].value) };
	return (struct labels){ .n = from->n, .v = v };
}

static void
add_entry(struct beside *s, const struct labels *labels, const char *text, int64_t start_ns,
    int64_t end_ns)
{
	if (s->n < ENTRIES_MAX)
		s->v[s->n++] = (struct beside_entry){ .labels = *labels,
			.past = { .start_ns = start_ns, .end_ns = end_ns, .text = text } };
}

/* Each sample says that the alert fired some time within the step before it. */
static void
add_runs(struct beside *s, const struct series *series)
{
	const char *name = labels_get(&series->labels, "alertname");
	struct labels labels;
	const char *text;
	size_t n;

	if (name == NULL || series->n == 0)
		return;
	labels = copy_labels(&series->labels, &s->arena);
	text = arena_strdup(&s->arena, name);
	for (size_t i = 0; i < series->n; i += n) {
		for (n = 1; i + n < series->n &&
		     series->v[i + n].t_ns - series->v[i + n - 1].t_ns <=
			 s->step_ns + s->step_ns / 2;
		     n++)
			;
		add_entry(
		    s, &labels, text, series->v[i].t_ns - s->step_ns, series->v[i + n - 1].t_ns);
	}
}

static void
add_changes(struct beside *s, const struct series_set *set)
{
	const struct labels none = { 0 };
	struct marker_set *markers = insight_markers(s->marker, set);

	for (size_t i = 0; i < markers->n; i++)
		add_entry(s, &none, arena_strdup(&s->arena, markers->v[i].text),
		    markers->v[i].at_ns, markers->v[i].at_ns);
	block_unref(markers);
}

static int
by_start(const void *a, const void *b)
{
	const struct beside_entry *x = a, *y = b;
	int r = (x->past.start_ns > y->past.start_ns) - (x->past.start_ns < y->past.start_ns);

	return r != 0 ? r : strcmp(x->past.text, y->past.text);
}

void
beside_answer(struct slo_book *b, struct beside *s, const struct series_set *set)
{
	(void)b;
	arena_done(&s->arena);
	s->arena = (struct arena)ARENA_INIT;
	s->n = 0;
	s->n_refused = 0;
	if (s->v == NULL)
		s->v = xcalloc(ENTRIES_MAX, sizeof *s->v);
	for (size_t i = 0; s->marker == NULL && i < set->n; i++)
		add_runs(s, &set->v[i]);
	if (s->marker != NULL)
		add_changes(s, set);
	qsort(s->v, s->n, sizeof *s->v, by_start);
}

/* It only decorates: it is asked again at its usual time, and less often. */
void
beside_failed(struct beside *s)
{
	if (s->n_refused < REFUSED_MAX)
		s->n_refused++;
}

/* --- for an objective ------------------------------------------------------------------------- */

/* Alerts about the objective itself tell nothing that the spend does not. */
static bool
is_told(const struct beside *s, enum view_kind view, const struct objective *o,
    const struct beside_entry *e)
{
	if (s->view != view || s->step_ns != o->step_ns)
		return false;
	return s->marker != NULL || o->def->alert_labels.n == 0 ||
	    !labels_within(&o->def->alert_labels, &e->labels);
}

static int
past_by_start(const void *a, const void *b)
{
	const struct slo_past *x = a, *y = b;
	int r = (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);

	return r != 0 ? r : strcmp(x->text, y->text);
}

/* An alert of several objectives, or of several sources, is one for the reader. */
static size_t
join_same(struct slo_past *v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = kept, looked = 0;

		while (k > 0 && looked++ < SAME_LOOKED_AT &&
		    (strcmp(v[k - 1].text, v[i].text) != 0 || v[k - 1].end_ns < v[i].start_ns))
			k--;
		if (k == 0 || looked > SAME_LOOKED_AT)
			v[kept++] = v[i];
		else if (v[i].end_ns > v[k - 1].end_ns)
			v[k - 1].end_ns = v[i].end_ns;
	}
	return kept;
}

struct slo_past *
beside_past(const struct slo_book *b, enum view_kind view, const struct objective *o, size_t *ret_n)
{
	const struct beside *s;
	struct slo_past *v;
	size_t n = 0;

	TAILQ_FOREACH(s, &b->besides, next)
		n += s->n;
	v = xcalloc(n + 1, sizeof *v);
	n = 0;
	TAILQ_FOREACH(s, &b->besides, next)
		for (size_t i = 0; i < s->n; i++)
			if (is_told(s, view, o, &s->v[i]))
				v[n++] = s->v[i].past;
	qsort(v, n, sizeof *v, past_by_start);
	*ret_n = join_same(v, n);
	return v;
}

/* --- life ------------------------------------------------------------------------------------- */

static void
beside_free(struct slo_book *b, struct beside *s)
{
	TAILQ_REMOVE(&b->besides, s, next);
	arena_done(&s->arena);
	free(s->source);
	free(s->v);
	free(s);
}

void
besides_drop(struct slo_book *b, enum view_kind view)
{
	struct beside *s, *after;

	for (s = TAILQ_FIRST(&b->besides); s != NULL; s = after) {
		after = TAILQ_NEXT(s, next);
		if (s->view == view)
			beside_free(b, s);
	}
}
