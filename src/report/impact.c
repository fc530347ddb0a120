/*
 * Impact: the recording looked at every so often, over the whole window. A look where nothing is recorded, or where an objective was not known, counts as such: unknown is
 * never good.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "report/report_priv.h"

enum { CURVES_MAX = 64, HOSTS_SHOWN = 20, STRETCHES_MAX = 200 };
#define STEP_MIN_NS (5 * NS_PER_S)
#define OLD_NS (5 * NS_PER_MIN)		/* a sample older than this is not the value at the time of a look */

static double *
samples_new(struct report *r)
{
	double *v = arena_alloc(&r->arena, (r->n_samples + 1) * sizeof *v);

	for (size_t i = 0; i < r->n_samples; i++)
		v[i] = NAN;
	return v;
}

/* --- objectives ------------------------------------------------------------------------------------------------------------ */

static struct impact *
impact_of(struct report *r, const struct slo_def *def)
{
	char window[SLO_WINDOW_MAX];
	struct impact *v;

	for (size_t i = 0; i < r->impacts.n; i++)
		if (str_eq(r->impacts.v[i]->id, def->id))
			return r->impacts.v[i];
	v = arena_alloc(&r->arena, sizeof *v);
	*LIST_ADD(&r->impacts) = v;
	v->id = arena_strdup(&r->arena, def->id);
	v->name = rep_cleans(r, def->name);
	v->title = rep_cleans(r, def->title);
	v->window = arena_strdup(&r->arena, slo_window_text(window, def));
	v->target = def->target;
	v->is_rolling = def->n_bounds == 0;
	v->counts_events = def->sli == SLI_RATIO && def->method == SLO_OCCURRENCES;
	v->left_first = v->left_last = v->bad_first = v->bad_last = v->peak = NAN;
	v->burn = samples_new(r);
	return v;
}

static void
look_budget(struct impact *v, const struct slo *s, const struct chunk *chunk)
{
	if (isnan(s->left))
		return;
	if (v->first_at_ns == 0) {
		v->first_at_ns = s->at_ns;
		v->left_first = s->left;
		v->bad_first = s->bad;
		v->start_first_ns = s->start_ns;
		v->first_chunk = chunk;
	}
	v->last_at_ns = s->at_ns;
	v->left_last = s->left;
	v->bad_last = s->bad;
	v->start_last_ns = s->start_ns;
	v->budget_ns = s->budget_ns;
	v->last_chunk = chunk;
}

static void
look_slo(struct report *r, const struct model_slo *row, size_t at, const struct chunk *chunk)
{
	struct impact *v = impact_of(r, row->def);
	const struct slo *s = row->slo;
	int64_t now_ns = r->sample_ns[at];

	v->seen_ns += r->step_ns;
	v->is_burning_last = false;
	if (s == NULL || row->is_stale || s->state == SLO_NO_DATA || s->state == SLO_UNKNOWN) {
		v->unknown_ns += r->step_ns;
		return;
	}
	look_budget(v, s, chunk);
	v->burn[at] = s->burn;
	if (s->left <= 0)
		v->spent_ns += r->step_ns;
	if (s->state == SLO_PAGE || s->state == SLO_TICKET) {
		v->burning_ns += r->step_ns;
		v->burn_first_ns = v->burn_first_ns == 0 ? now_ns : v->burn_first_ns;
		v->burn_last_ns = now_ns;
		v->is_burning_last = true;
	}
	if (!isnan(s->burn) && !(s->burn <= v->peak)) {
		v->peak = s->burn;
		v->peak_ns = s->at_ns;
		v->peak_chunk = chunk;
	}
}

/* --- models and hosts ---------------------------------------------------------------------------------------------------------- */

/* One for each stretch; when they are too many, the last goes on. */
static struct hurt *
hurt_of(struct report *r, const char *kind, const char *name, const char *state, size_t at)
{
	struct hurt *h;
	const char *clean = rep_cleans(r, name);

	for (size_t i = r->hurts.n; i-- > 0;) {
		h = r->hurts.v[i];
		if (str_eq(h->kind, kind) && str_eq(h->name, clean) && str_eq(h->state, state) && (h->last_at + 1 >= at || r->hurts.n >= STRETCHES_MAX))
			return h;
	}
	h = arena_alloc(&r->arena, sizeof *h);
	*LIST_ADD(&r->hurts) = h;
	h->kind = kind;
	h->name = clean;
	h->state = state;
	h->hosts = "";
	return h;
}

static void
hurt_add(struct report *r, struct hurt *h, size_t at, const struct chunk *chunk)
{
	h->total_ns += r->step_ns;
	h->first_ns = h->first_ns == 0 ? r->sample_ns[at] : h->first_ns;
	h->last_ns = r->sample_ns[at];
	h->last_at = at;
	h->is_so_last = at + 1 == r->n_samples;
	h->chunk = h->chunk == NULL ? chunk : h->chunk;
}

/* "web-1, web-2", once each. */
static void
hurt_host(struct report *r, struct hurt *h, const char *host)
{
	const char *clean = rep_cleans(r, host), *p = h->hosts;
	size_t n = 0, len = strlen(clean);

	while (*p != '\0') {
		size_t l = strcspn(p, ",");

		if (l == len && strncmp(p, clean, l) == 0)
			return;
		n++;
		p += l + strspn(p + l, ", ");
	}
	if (n < HOSTS_SHOWN)
		h->hosts = rep_fmt(r, "%s%s%s", h->hosts, n > 0 ? ", " : "", clean);
	else if (n == HOSTS_SHOWN)
		h->hosts = rep_fmt(r, "%s, and more", h->hosts);
}

static void
look_models(struct report *r, const struct model *m, size_t at, const struct chunk *chunk)
{
	for (size_t i = 0; i < model_n_models(m); i++) {
		const struct model_model *row = model_model(m, i);
		struct hurt *h;

		if (row->state != MODEL_OUT_OF_STEP && row->state != MODEL_UNSERVED)
			continue;
		h = hurt_of(r, "model", row->def->name, model_state_name(row->state), at);
		hurt_add(r, h, at, chunk);
		for (size_t j = 0; j < row->n_hosts; j++)
			if (row->hosts[j].state == SERVE_OTHER || row->hosts[j].state == SERVE_NONE)
				hurt_host(r, h, row->hosts[j].host);
	}
	for (size_t i = 0; i < model_n_hosts(m); i++) {
		const struct model_host_row *row = model_host(m, i);

		if (row->state == HOST_DOWN)
			hurt_add(r, hurt_of(r, "host", row->name, "down", at), at, chunk);
	}
}

/* Target "prod/spam-filter", command "activate spam-filter 6": the name as a word. */
static bool
is_word_in(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = text; len > 0 && p != NULL && (p = strstr(p, name)) != NULL; p += len)
		if ((p == text || strchr(" /:=,\"'", p[-1]) != NULL) && strchr(" /:=,\"'", p[len]) != NULL)
			return true;
	return false;
}

static bool
changes_model(const struct tried *t, const char *model)
{
	bool is = is_word_in(t->target, model);

	for (size_t i = 0; i < t->steps.n && !is; i++)
		is = is_word_in(t->steps.v[i].what, model);
	return is;
}

/* Hosts are changed one after the other: a model that is out of step meanwhile is what the run does. */
const struct tried *
hurt_run(const struct report *r, const struct hurt *h)
{
	for (size_t i = 0; i < r->tried.n; i++) {
		const struct tried *t = r->tried.v[i];

		if (t->is_run && strcmp(h->kind, "model") == 0 && h->first_ns >= t->begun_ns && (!t->is_ended || h->last_ns <= t->ended_ns + r->step_ns) && changes_model(t, h->name))
			return t;
	}
	return NULL;
}

/* --- queries --------------------------------------------------------------------------------------------------------------------- */

static struct curve *
curve_of(struct report *r, const struct query_def *def)
{
	struct curve *c;

	for (size_t i = 0; i < r->curves.n; i++)
		if (str_eq(r->curves.v[i]->id, def->id))
			return r->curves.v[i];
	if (r->curves.n == CURVES_MAX)
		return NULL;
	c = arena_alloc(&r->arena, sizeof *c);
	*LIST_ADD(&r->curves) = c;
	c->id = arena_strdup(&r->arena, def->id);
	c->title = rep_cleans(r, def->title != NULL && *def->title != '\0' ? def->title : def->name);
	c->unit = rep_cleans(r, def->unit);
	c->objective = def->objective;
	c->is_key = def->slo != NULL || !isnan(def->objective);
	c->v = samples_new(r);
	return c;
}

/* The highest of its series: what is worst is what is looked at. */
static double
highest(const struct series_set *set, int64_t now_ns)
{
	double max = NAN;

	for (size_t i = 0; set != NULL && i < set->n; i++)
		for (size_t j = set->v[i].n; j-- > 0;) {
			const struct sample *s = &set->v[i].v[j];

			if (s->t_ns > now_ns)
				continue;
			if (now_ns - s->t_ns <= OLD_NS && !isnan(s->v) && !(s->v <= max))
				max = s->v;
			break;
		}
	return max;
}

static void
look_queries(struct report *r, const struct model *m, size_t at)
{
	for (size_t i = 0; i < model_n_queries(m); i++) {
		const struct model_query *q = model_query(m, i);
		double v = q->def == NULL ? NAN : highest(q->instant, r->sample_ns[at]);
		struct curve *c;

		if (q->def == NULL || strncmp(q->id, "query:", 6) != 0)
			continue;
		if (isnan(v))
			v = highest(q->range, r->sample_ns[at]);
		if (!isnan(v) && (c = curve_of(r, q->def)) != NULL)
			c->v[at] = v;
	}
}

/* --- all looks ------------------------------------------------------------------------------------------------------------------- */

/* An objective that two consoles saw is asked of the first whose recording has that time. */
static void
look(struct report *r, size_t at)
{
	for (size_t t = 0; t < r->tapes.n; t++) {
		struct taped *tape = &r->tapes.v[t];
		const struct model *m = player_seek(tape->player, r->sample_ns[at], NULL);
		const struct chunk *chunk;

		if (m == NULL)
			continue;
		chunk = chunk_known(tape, r->sample_ns[at]);
		for (size_t i = 0; i < model_n_slos(m); i++)
			look_slo(r, model_slo(m, i), at, chunk);
		look_models(r, m, at, chunk);
		look_queries(r, m, at);
		r->recorded_from_ns = r->recorded_from_ns == 0 ? r->sample_ns[at] : r->recorded_from_ns;
		r->recorded_to_ns = r->sample_ns[at];
		return;
	}
	/* Before the incident was opened a console need not have run. */
	if (r->recorded_from_ns != 0 || r->sample_ns[at] >= r->opened_ns)
		r->unrecorded_ns += r->step_ns;
}

static int
by_harm(const void *pa, const void *pb)
{
	const struct impact *a = *(struct impact *const *)pa, *b = *(struct impact *const *)pb;

	if (a->burning_ns != b->burning_ns)
		return a->burning_ns > b->burning_ns ? -1 : 1;
	if (a->spent_ns != b->spent_ns)
		return a->spent_ns > b->spent_ns ? -1 : 1;
	return strcmp(a->id, b->id);
}

void
impact_read(struct report *r)
{
	int64_t length = r->to_ns - r->from_ns;

	r->step_ns = length / REPORT_SAMPLES / NS_PER_S * NS_PER_S;
	r->step_ns = r->step_ns < STEP_MIN_NS ? STEP_MIN_NS : r->step_ns;
	r->n_samples = (size_t)(length / r->step_ns) + 1;
	r->sample_ns = arena_alloc(&r->arena, r->n_samples * sizeof *r->sample_ns);
	for (size_t i = 0; i < r->n_samples; i++)
		r->sample_ns[i] = r->from_ns + (int64_t)i * r->step_ns;
	if (r->tapes.n == 0) {
		r->unrecorded_ns = r->to_ns - r->opened_ns;
		return;
	}
	for (size_t i = 0; i < r->n_samples; i++)
		look(r, i);
	if (r->impacts.n > 0)
		qsort(r->impacts.v, r->impacts.n, sizeof *r->impacts.v, by_harm);
}

/* --- in words ---------------------------------------------------------------------------------------------------------------------- */

const char *
impact_failed_text(struct report *r, const struct impact *v)
{
	double n = v->bad_last - v->bad_first;

	if (!v->counts_events)
		return "not known: it does not count events";
	if (v->first_at_ns == 0 || isnan(n))
		return "not known: not recorded";
	if (!v->is_rolling && v->start_first_ns != v->start_last_ns)
		return "not known: a new window began meanwhile";
	if (n < 0)
		return "not known: more left the rolling window than came in";
	return rep_fmt(r, "%s%.0f", v->is_rolling ? "at least " : "", n);
}

const char *
impact_spent_text(struct report *r, const struct impact *v)
{
	char share[SLO_SHARE_MAX], left[SLO_SHARE_MAX], time[DURATION_TEXT_MAX];
	double spent = v->left_first - v->left_last;

	if (v->first_at_ns == 0 || isnan(spent))
		return "not known: not recorded";
	if (!v->is_rolling && v->start_first_ns != v->start_last_ns)
		return rep_fmt(r, "not known: a new window began meanwhile; %s left", slo_share_text(left, v->left_last));
	slo_share_text(left, v->left_last);
	if (spent <= 0)
		return rep_fmt(r, "none; %s left", left);
	return rep_fmt(r, "%s of the window's budget (%s of total outage); %s left", slo_share_text(share, spent),
	    slo_time_text(time, (int64_t)(spent * (double)v->budget_ns)), left);
}
