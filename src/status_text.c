#include "config.h"

#include "status_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "status_parts.h"

enum { NAMES_IN_LINE = 4, HOSTS_IN_LINE = 8, UNKNOWN_NAMED = 4, TEXT_COLUMNS = 50, REASON_MAX = 1024 };

const char *
status_age(const struct model *m, int64_t at_ns, char *buf)
{
	return duration_format(buf, (model_now(m) - at_ns) / NS_PER_S * NS_PER_S);
}

/* --- the first line ----------------------------------------------------------------------------------------------- */

struct counts {
	size_t page, ticket, other, pending, silenced, inhibited, sources, sources_ok, source_problems, problems_unknown;
	size_t slo_page, slo_ticket;		/* objectives that no alert tells of, by what they count as; of those: */
	struct tally {
		size_t n, page;
	} burning, spent, silent;
	struct tally drifted;			/* what no alert tells of */
	size_t out_of_step, unserved, old;	/* models */
};

static void
tally(struct tally *t, const struct problem *p)
{
	t->n++;
	t->page += p->severity == SEVERITY_PAGE;
}

static void
count_objective(const struct model *m, const struct problem *p, struct counts *n)
{
	const struct model_slo *row = model_slo_find(m, p->slo_id);

	if (row == NULL || row->slo == NULL)
		return;
	n->slo_page += p->severity == SEVERITY_PAGE;
	n->slo_ticket += p->severity == SEVERITY_TICKET;
	if (row->slo->state == SLO_EXHAUSTED)
		tally(&n->spent, p);
	else if (row->slo->state == SLO_NO_DATA)
		tally(&n->silent, p);
	else if (row->slo->state == SLO_PAGE || row->slo->state == SLO_TICKET)
		tally(&n->burning, p);
}

static void
count_problems(const struct model *m, struct counts *n)
{
	for (size_t i = 0; i < model_n_problems(m); i++) {
		const struct problem *p = model_problem(m, i);

		if (p->is_unknown)
			n->problems_unknown++;
		else if (p->kind == PROBLEM_SOURCE || p->kind == PROBLEM_TARGETS || p->kind == PROBLEM_RULES)
			n->source_problems++;
		else if (p->kind == PROBLEM_SLO)
			count_objective(m, p, n);
		else if (p->kind == PROBLEM_DRIFT && p->severity >= SEVERITY_TICKET)
			tally(&n->drifted, p);
	}
}

static struct counts
count(const struct model *m)
{
	struct counts n = { .sources = model_n_sources(m) };

	for (size_t i = 0; i < model_n_alerts(m); i++) {
		const struct model_alert *a = model_alert(m, i);

		switch (a->state) {
		case ALERT_PENDING: n.pending++; break;
		case ALERT_SILENCED: n.silenced++; break;
		case ALERT_INHIBITED: n.inhibited++; break;
		case ALERT_FIRING:
		case ALERT_UNPROCESSED:
			if (a->severity == SEVERITY_PAGE)
				n.page++;
			else if (a->severity == SEVERITY_TICKET)
				n.ticket++;
			else
				n.other++;
		}
	}
	for (size_t i = 0; i < n.sources; i++)
		n.sources_ok += model_source(m, i)->state == SOURCE_OK;
	count_problems(m, &n);
	for (size_t i = 0; i < model_n_models(m); i++) {
		enum model_state state = model_model(m, i)->state;

		n.out_of_step += state == MODEL_OUT_OF_STEP;
		n.unserved += state == MODEL_UNSERVED;
		n.old += state == MODEL_OLD;
	}
	return n;
}

void
status_add_text(struct buf *out, const char *text)
{
	size_t from = out->len;

	str_escape(out, text, strlen(text));
	for (size_t i = from; i < out->len; i++)
		if (out->data[i] == '|')
			out->data[i] = '/';
}

/* The worst few by name, with how long; the rest as a number. */
static void
add_names(struct buf *out, const struct model *m)
{
	size_t shown = 0, more = 0;

	for (size_t i = 0; i < model_n_problems(m); i++) {
		const struct problem *p = model_problem(m, i);
		char age[DURATION_TEXT_MAX];

		if (p->kind == PROBLEM_ALERT && p->state != ALERT_FIRING && p->state != ALERT_UNPROCESSED)
			continue;
		if (shown == NAMES_IN_LINE) {
			more++;
			continue;
		}
		buf_addstr(out, shown++ == 0 ? ": " : ", ");
		status_add_text(out, p->name);
		if (p->since_ns > 0)
			buf_printf(out, " %s", status_age(m, p->since_ns, age));
	}
	if (more > 0)
		buf_printf(out, " and %zu more", more);
}

static void
add_part(struct buf *out, bool *is_first, size_t n, const char *what)
{
	if (n == 0)
		return;
	buf_printf(out, "%s%zu %s", *is_first ? "" : ", ", n, what);
	*is_first = false;
}

/* "2 budgets burning (1 page)": what an objective counts as is not in its name. */
static void
add_tally(struct buf *out, bool *is_first, const struct tally *t, const char *one, const char *many)
{
	add_part(out, is_first, t->n, t->n == 1 ? one : many);
	if (t->page > 0 && t->page == t->n)
		buf_addstr(out, " (page)");
	else if (t->page > 0)
		buf_printf(out, " (%zu page)", t->page);
}

static void
add_summary(struct buf *out, const struct model *m, const struct counts *n)
{
	bool is_first = true;

	add_part(out, &is_first, n->page, "page");
	add_part(out, &is_first, n->ticket, "ticket");
	add_part(out, &is_first, n->other, "other");
	if (!is_first)
		buf_addstr(out, " firing");
	add_tally(out, &is_first, &n->burning, "budget burning", "budgets burning");
	add_tally(out, &is_first, &n->spent, "budget spent", "budgets spent");
	add_tally(out, &is_first, &n->silent, "objective without data", "objectives without data");
	add_tally(out, &is_first, &n->drifted, "drifted", "drifted");
	add_part(out, &is_first, n->out_of_step, n->out_of_step == 1 ? "model out of step" : "models out of step");
	add_part(out, &is_first, n->unserved, n->unserved == 1 ? "model unserved" : "models unserved");
	add_part(out, &is_first, n->old, n->old == 1 ? "model old" : "models old");
	add_part(out, &is_first, n->source_problems, n->source_problems == 1 ? "source problem" : "source problems");
	add_part(out, &is_first, n->problems_unknown, "not known");
	if (is_first)
		buf_printf(out, "%s", model_alerts_known(m) ? "no alert fires" : "nothing is known yet");
}

/* " 'slo NAME'" of performance data: without what would end the label. */
static void
add_perf_label(struct buf *out, const char *kind, const char *name)
{
	buf_printf(out, " '%s", kind);
	for (const char *p = name; *p != '\0'; p++)
		buf_addch(out, *p == '\'' || *p == '=' || *p == '|' || (unsigned char)*p < 0x20 ? '_' : *p);
	buf_addch(out, '\'');
}

/* What is left of each budget now; U where that is not known now. */
static void
add_budgets(struct buf *out, const struct model *m)
{
	for (size_t i = 0; i < model_n_slos(m); i++) {
		const struct model_slo *row = model_slo(m, i);
		bool is_known = row->slo != NULL && !row->is_stale && isfinite(row->slo->left) && row->slo->state != SLO_UNKNOWN &&
		    row->slo->state != SLO_NO_DATA;

		add_perf_label(out, "slo ", row->def->name);
		if (is_known)
			buf_printf(out, "=%.4g%%;0:", 100 * row->slo->left);
		else
			buf_addstr(out, "=U");
	}
}

/* How many hosts do not serve what they should, of how many; and how old the version is that they should serve. */
static void
add_model_values(struct buf *out, const struct model *m)
{
	for (size_t i = 0; i < model_n_models(m); i++) {
		const struct model_model *row = model_model(m, i);
		bool is_known = !row->is_reg_stale && !row->is_serving_stale && row->wanted != NULL;
		int64_t max_age_s = row->def->max_age_ns / NS_PER_S;

		add_perf_label(out, "model ", row->def->name);
		if (is_known)
			buf_printf(out, "=%zu;;0;0;%zu", row->n_hosts - row->n_right, row->n_hosts);
		else
			buf_addstr(out, "=U");
		if (row->is_reg_stale || row->wanted == NULL || row->wanted->created_ns == 0)
			continue;
		add_perf_label(out, "model age ", row->def->name);
		buf_printf(out, "=%" PRId64 "s", (model_now(m) - row->wanted->created_ns) / NS_PER_S);
		if (max_age_s > 0)
			buf_printf(out, ";%" PRId64, max_age_s);
	}
}

/* Queries of hosts and of the online counterparts of metrics have a value each for many things: they stand with those. */
static bool
is_shown(const struct model_query *q)
{
	return q->def != NULL && !str_has_prefix(q->id, "host:") && !str_has_prefix(q->id, "online:");
}

static void
add_perfdata(struct buf *out, const struct model *m, const struct counts *n)
{
	buf_printf(out, " | page=%zu;;0 ticket=%zu;0 pending=%zu silenced=%zu inhibited=%zu sources_ok=%zu;;;0;%zu",
	    n->page + n->slo_page + n->drifted.page, n->ticket + n->slo_ticket + n->drifted.n - n->drifted.page, n->pending,
	    n->silenced, n->inhibited, n->sources_ok, n->sources);
	for (size_t i = 0; i < model_n_queries(m); i++) {
		const struct model_query *q = model_query(m, i);

		/* A label of several series would have to name them all: only single values are given. */
		if (!is_shown(q) || q->instant == NULL || q->instant->n != 1 || q->instant->v[0].n == 0)
			continue;
		add_perf_label(out, "", q->def->name);
		if (isfinite(q->instant->v[0].v[0].v))
			buf_printf(out, "=%.6g", q->instant->v[0].v[0].v);
		else
			buf_addstr(out, "=U");
		if (str_eq(q->def->unit, "seconds"))
			buf_addch(out, 's');
		else if (str_eq(q->def->unit, "bytes"))
			buf_addch(out, 'B');
	}
	add_budgets(out, m);
	add_model_values(out, m);
	status_add_drift_values(out, m);
	status_add_log_values(out, m);
}

/* --- the lines below ---------------------------------------------------------------------------------------------- */

void
status_add_cell(struct buf *out, const char *text, size_t w)
{
	size_t from = out->len, used;

	status_add_text(out, text);
	used = str_width(out->data + from);
	do
		buf_addch(out, ' ');
	while (++used < w + 2);
}

void
status_widen(size_t *w, const char *text, size_t max)
{
	size_t needed = str_width(text);

	if (needed > *w && needed <= max)
		*w = needed;
}

static const char *
problem_word(const struct problem *p)
{
	if (p->is_unknown)
		return "unknown";
	return p->severity == SEVERITY_NONE ? "-" : severity_name(p->severity);
}

static void
add_problems(struct buf *out, const struct model *m)
{
	size_t name_w = 0;

	for (size_t i = 0; i < model_n_problems(m); i++)
		status_widen(&name_w, model_problem(m, i)->name, STATUS_NAME_COLUMNS);
	for (size_t i = 0; i < model_n_problems(m); i++) {
		const struct problem *p = model_problem(m, i);
		char age[DURATION_TEXT_MAX];

		buf_printf(out, "%-8s %-10s %6s  ", problem_word(p), p->kind == PROBLEM_ALERT ? alert_state_name(p->state) : problem_kind_name(p->kind),
		    p->since_ns > 0 ? status_age(m, p->since_ns, age) : "-");
		status_add_cell(out, p->name, name_w);
		status_add_text(out, p->text);
		if (*p->evidence != '\0') {
			buf_addstr(out, " [");
			status_add_text(out, p->evidence);
			buf_addch(out, ']');
		}
		buf_addch(out, '\n');
	}
}

static void
add_slo_state(struct buf *out, const struct model *m, const struct model_slo *row)
{
	enum slo_state state = row->slo == NULL ? SLO_UNKNOWN : row->slo->state;
	int64_t since_ns = row->slo == NULL ? 0 : row->slo->since_ns;
	char age[DURATION_TEXT_MAX];

	/* What was fine when last seen need not be now. */
	if (row->is_stale && state > SLO_UNKNOWN)
		state = SLO_UNKNOWN;
	buf_printf(out, "%-9s %6s", slo_state_name(state), since_ns > 0 ? status_age(m, since_ns, age) : "-");
	if (row->is_stale)
		buf_printf(out, "  last worked out %s ago", status_age(m, row->slo->at_ns, age));
}

/* Why it is not known may be long: it goes last, and the column says only that it is not. */
static const char *
slo_text(char *buf, size_t size, const struct model_slo *row)
{
	if (row->slo != NULL && row->slo->state == SLO_UNKNOWN && row->slo->why[0] != '\0')
		snprintf(buf, size, "not known");
	else
		slo_budget_text(buf, size, row->slo);
	return buf;
}

static void
add_slo(struct buf *out, const struct model *m, const struct model_slo *row, size_t name_w, size_t text_w)
{
	char text[REASON_MAX], window[SLO_WINDOW_MAX];

	buf_addstr(out, "slo      ");
	status_add_cell(out, row->def->name, name_w);
	status_add_cell(out, slo_text(text, sizeof text, row), text_w);
	add_slo_state(out, m, row);
	buf_printf(out, "  %.6g%% over %s", 100 * row->def->target, slo_window_text(window, row->def));
	if (row->slo != NULL && row->slo->why[0] != '\0') {
		buf_addstr(out, ", ");
		status_add_text(out, row->slo->state == SLO_UNKNOWN ? slo_budget_text(text, sizeof text, row->slo) : row->slo->why);
	}
	buf_addch(out, '\n');
}

static void
add_slos(struct buf *out, const struct model *m)
{
	size_t name_w = 18, text_w = 0;

	for (size_t i = 0; i < model_n_slos(m); i++) {
		const struct model_slo *row = model_slo(m, i);
		char text[REASON_MAX];

		status_widen(&name_w, row->def->name, STATUS_NAME_COLUMNS);
		status_widen(&text_w, slo_text(text, sizeof text, row), TEXT_COLUMNS);
	}
	for (size_t i = 0; i < model_n_slos(m); i++)
		add_slo(out, m, model_slo(m, i), name_w, text_w);
}

/* --- models and hosts ------------------------------------------------------------------------------------------------ */

/* "champion 7": what should serve. */
static void
add_wanted(struct buf *out, const struct model_model *row)
{
	status_add_text(out, row->def->alias != NULL ? row->def->alias : row->def->stage != NULL ? row->def->stage : "version");
	buf_addch(out, ' ');
	status_add_text(out, row->wanted == NULL ? "-" : row->wanted->version);
}

/* By host. */
static int
by_host(const void *pa, const void *pb)
{
	const struct model_host *a = *(const struct model_host *const *)pa, *b = *(const struct model_host *const *)pb;
	int c = host_name_compare(a->host, b->host);

	return c != 0 ? c : strcmp(a->version, b->version);
}

/* By what they serve. */
static int
by_version(const void *pa, const void *pb)
{
	const struct model_host *a = *(const struct model_host *const *)pa, *b = *(const struct model_host *const *)pb;

	return host_name_compare(a->version, b->version);
}

/* What a host serves: "-" none, "?" not known. */
static const char *
served(const struct model_host *h)
{
	return h->version[0] != '\0' ? h->version : h->state == SERVE_NONE ? "-" : "?";
}

/* "7 7 6", host by host; of many how many each: "7 x18, 6 x2". */
static void
add_served(struct buf *out, const struct model_model *row)
{
	const struct model_host *v[HOSTS_IN_LINE];
	const struct model_host **all = row->n_hosts > HOSTS_IN_LINE ? xcalloc(row->n_hosts, sizeof *all) : v;

	for (size_t i = 0; i < row->n_hosts; i++)
		all[i] = &row->hosts[i];
	if (row->n_hosts > 0)
		qsort(all, row->n_hosts, sizeof *all, all == v ? by_host : by_version);
	buf_addstr(out, "serving");
	for (size_t i = 0, end; i < row->n_hosts; i = end) {
		end = i + 1;
		while (all != v && end < row->n_hosts && strcmp(all[end]->version, all[i]->version) == 0)
			end++;
		buf_addstr(out, i > 0 && all != v ? ", " : " ");
		status_add_text(out, served(all[i]));
		if (all != v)
			buf_printf(out, " x%zu", end - i);
	}
	if (row->n_hosts == 0)
		buf_addstr(out, " -");
	if (all != v)
		free(all);
}

static void
add_model(struct buf *out, const struct model *m, const struct model_model *row, size_t name_w)
{
	char age[DURATION_TEXT_MAX];

	buf_addstr(out, "model    ");
	status_add_cell(out, row->def->name, name_w);
	add_wanted(out, row);
	buf_addstr(out, "  ");
	add_served(out, row);
	buf_printf(out, "  %s", row->is_moving && row->state == MODEL_IN_STEP ? "moving" : model_state_name(row->state));
	if (row->since_ns > 0)
		buf_printf(out, " since %s", status_age(m, row->since_ns, age));
	if (row->why[0] != '\0') {
		buf_addstr(out, ", ");
		status_add_text(out, row->why);
	}
	buf_addch(out, '\n');
}

static void
add_models(struct buf *out, const struct model *m)
{
	size_t name_w = 18;

	for (size_t i = 0; i < model_n_models(m); i++)
		status_widen(&name_w, model_model(m, i)->def->name, STATUS_NAME_COLUMNS);
	for (size_t i = 0; i < model_n_models(m); i++)
		add_model(out, m, model_model(m, i), name_w);
}

static bool
has_wrong_model(const struct model_host_row *row)
{
	for (size_t i = 0; i < row->n_serving; i++)
		if (row->serving[i].state == SERVE_OTHER || row->serving[i].state == SERVE_NONE)
			return true;
	return false;
}

/* The model is on its way to another version, and what does not serve it yet is no fault. */
static bool
is_moving(const struct model *m, const char *name)
{
	for (size_t i = 0; i < model_n_models(m); i++) {
		const struct model_model *row = model_model(m, i);

		if (strcmp(row->def->name, name) == 0)
			return row->is_moving && row->state == MODEL_IN_STEP;
	}
	return false;
}

static void
add_host(struct buf *out, const struct model *m, const struct model_host_row *row)
{
	buf_addstr(out, "host     ");
	status_add_cell(out, row->name, 18);
	buf_addstr(out, host_state_name(row->state));
	for (size_t i = 0; i < row->n_serving; i++) {
		const struct host_serving *s = &row->serving[i];

		buf_addstr(out, ", ");
		status_add_text(out, s->model);
		buf_addch(out, ' ');
		status_add_text(out, s->version[0] != '\0' ? s->version : s->state == SERVE_NONE ? "not served" : "not known");
		if (s->state == SERVE_OTHER)
			buf_addstr(out, is_moving(m, s->model) ? " moving" : " out of step");
	}
	if (row->error[0] != '\0') {
		buf_addstr(out, ": ");
		status_add_text(out, row->error);
	}
	buf_addch(out, '\n');
}

/* Those with something wrong, the first few that are not known, and how many there are. */
static void
add_hosts(struct buf *out, const struct model *m)
{
	size_t n[3] = { 0, 0, 0 }, n_named = 0;

	for (size_t i = 0; i < model_n_hosts(m); i++) {
		const struct model_host_row *row = model_host(m, i);

		n[row->state]++;
		if (row->state == HOST_DOWN || has_wrong_model(row))
			add_host(out, m, row);
		else if (row->state == HOST_UNKNOWN && n_named++ < UNKNOWN_NAMED)
			add_host(out, m, row);
	}
	if (n_named > UNKNOWN_NAMED)
		buf_printf(out, "host     and %zu more unknown\n", n_named - UNKNOWN_NAMED);
	if (model_n_hosts(m) > 0)
		buf_printf(out, "hosts    %zu: %zu up, %zu down, %zu unknown\n", model_n_hosts(m), n[HOST_UP], n[HOST_DOWN], n[HOST_UNKNOWN]);
}

static void
add_changes(struct buf *out, const struct model *m)
{
	for (size_t i = 0; i < model_n_markers(m) && i < 10; i++) {
		const struct marker *k = model_marker(m, i);
		char at[CLOCK_TEXT_MAX];

		buf_printf(out, "changed  %s  ", clock_format(at, k->at_ns, 0));
		status_add_text(out, k->text);
		buf_addch(out, '\n');
	}
}

/* "serving-01 spam-filter ": whose value it is. */
static void
add_label_values(struct buf *out, const struct labels *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].name, "__name__") == 0)
			continue;
		status_add_text(out, l->v[i].value);
		buf_addch(out, ' ');
	}
}

static void
add_value(struct buf *out, const struct model_query *q)
{
	char num[NUM_TEXT_MAX];

	buf_addstr(out, "value    ");
	status_add_cell(out, q->def->name, 18);
	if (q->instant == NULL)
		status_add_text(out, *q->error != '\0' ? q->error : "no answer yet");
	else if (q->instant->n == 0)
		buf_addstr(out, "no data");
	for (size_t i = 0; q->instant != NULL && i < q->instant->n && i < 5; i++) {
		const struct series *s = &q->instant->v[i];

		if (i > 0)
			buf_addstr(out, ", ");
		if (q->instant->n > 1)
			add_label_values(out, &s->labels);
		if (s->n > 0 && isnan(s->v[s->n - 1].v))
			buf_addstr(out, "no data (NaN)");	/* nothing came that could be divided */
		else if (s->n > 0)
			buf_addstr(out, num_format(num, s->v[s->n - 1].v, q->def->unit));
		else if (s->n_histograms > 0)
			buf_printf(out, "histogram of %.0f", s->histograms[s->n_histograms - 1].count);
	}
	if (q->instant != NULL && q->instant->n > 5)
		buf_printf(out, " and %zu more series", q->instant->n - 5);
	buf_addch(out, '\n');
}

static void
add_source(struct buf *out, const struct model *m, const struct model_source *s)
{
	char age[DURATION_TEXT_MAX];

	buf_addstr(out, "source   ");
	status_add_cell(out, s->name, 18);
	buf_printf(out, "%s", source_state_name(s->state));
	if (s->info != NULL) {
		buf_addstr(out, ", ");
		status_add_text(out, s->info->product);
		buf_addch(out, ' ');
		status_add_text(out, s->info->version);
	}
	if (s->last_ok_ns > 0)
		buf_printf(out, ", answered %s ago", status_age(m, s->last_ok_ns, age));
	else
		buf_addstr(out, ", no good answer yet");
	if (*s->error != '\0') {
		buf_addstr(out, ": ");
		status_add_text(out, s->error);
	}
	buf_addch(out, '\n');
}

static void
add_contacts(struct buf *out, const struct environment *e)
{
	for (size_t i = 0; i < e->n_contacts; i++) {
		buf_addstr(out, "call     ");
		status_add_cell(out, e->contacts[i].role, 18);
		status_add_text(out, e->contacts[i].name);
		buf_addstr(out, ", ");
		status_add_text(out, e->contacts[i].channel);
		buf_addch(out, '\n');
	}
}

void
status_text(const struct model *m, enum health health, bool is_late, struct buf *out)
{
	const struct environment *e = model_environment(m);
	struct counts n = count(m);
	char now[CLOCK_TEXT_MAX];

	buf_printf(out, "OPSCONSOLE %s: ", health_name(health));
	if (is_late)
		buf_addstr(out, "the deadline passed; ");
	add_summary(out, m, &n);
	add_names(out, m);
	add_perfdata(out, m, &n);
	buf_addstr(out, "\nat       ");
	buf_printf(out, "%s  environment ", clock_format(now, model_now(m), 0));
	status_add_text(out, e->name);
	if (*e->title != '\0') {
		buf_addstr(out, ", ");
		status_add_text(out, e->title);
	}
	buf_addch(out, '\n');
	add_problems(out, m);
	add_slos(out, m);
	add_models(out, m);
	status_add_drifts(out, m);
	status_add_logs(out, m);
	add_hosts(out, m);
	add_changes(out, m);
	for (size_t i = 0; i < model_n_queries(m); i++)
		if (is_shown(model_query(m, i)))
			add_value(out, model_query(m, i));
	for (size_t i = 0; i < model_n_sources(m); i++)
		add_source(out, m, model_source(m, i));
	add_contacts(out, e);
}
