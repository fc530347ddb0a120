/* What can be done about an objective from here. Nothing is done here: each returns what the app is asked to do. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "slo.h"

struct op *
slo_act_graph(const struct model_slo *m)
{
	return op_text(OP_SLO_GRAPH, "%s", m->def->id);
}

struct op *
slo_act_alert(const struct model_slo *m)
{
	struct op *op;

	if (m->alert_id == 0 && m->def->alert_labels.n == 0)
		return op_text(OP_MESSAGE, "which alert tells of %s is not known (alerts: of an objective in opsconsole.yaml)",
		    m->def->name);
	if (m->alert_id == 0)
		return op_text(OP_MESSAGE, "no alert fires for %s", m->def->name);
	op = op_text(OP_PANEL, "alerts");
	op->arg = xasprintf("%016llx", (unsigned long long)m->alert_id);
	return op;
}

struct op *
slo_act_exclude(const struct model_slo *m)
{
	return op_text(OP_SLO_FORM, "%s", m->def->id);
}

/* --- what a stretch cost ------------------------------------------------------------------------- */

/* What was left at t, between the ends of two steps along a straight line. */
static double
left_at(const struct model_slo *m, int64_t t_ns)
{
	struct sample before = { m->slo->start_ns, 1 };

	for (size_t i = 0; i < m->detail->n; i++) {
		const struct sample *s = &m->detail->left[i];

		if (isnan(s->v))
			continue;
		if (s->t_ns >= t_ns && s->t_ns > before.t_ns)
			return before.v + (s->v - before.v) * (double)(t_ns - before.t_ns) / (double)(s->t_ns - before.t_ns);
		before = *s;
	}
	return before.v;
}

double
slo_spent_in(const struct model_slo *m, int64_t start_ns, int64_t end_ns)
{
	if (m->slo == NULL || m->detail == NULL || m->detail->n == 0 || isnan(m->slo->left))
		return NAN;
	start_ns = start_ns < m->slo->start_ns ? m->slo->start_ns : start_ns;
	end_ns = end_ns > m->slo->at_ns ? m->slo->at_ns : end_ns;
	if (end_ns <= start_ns)
		return 0;
	return fmax(0, left_at(m, start_ns) - left_at(m, end_ns));
}

const char *
slo_spent_text(const struct model_slo *m, int64_t start_ns, int64_t end_ns, char *buf, size_t size)
{
	double spent = slo_spent_in(m, start_ns, end_ns);
	char share[SLO_SHARE_MAX];

	if (isnan(spent))
		snprintf(buf, size, "how much of the budget is not known");
	else if (end_ns <= m->slo->start_ns)
		snprintf(buf, size, "nothing: it lies before the window of the budget");
	else if (start_ns >= m->slo->at_ns)
		snprintf(buf, size, "nothing yet: it lies ahead");
	else if (spent == 0)
		snprintf(buf, size, "nothing: no budget went in it");
	else if (spent < 0.001)
		snprintf(buf, size, "less than 0.1%% of the budget");
	else
		snprintf(buf, size, "about %s of the budget", slo_share_text(share, spent));
	return buf;
}

/* --- taking a correction back -------------------------------------------------------------------- */

/* Other objectives that it was taken out of as well: one correction may be for all. */
static size_t
n_others(const struct model *m, const char *id, const char *correction)
{
	size_t n = 0;

	for (size_t i = 0; i < model_n_slos(m); i++) {
		const struct slo_def *d = model_slo(m, i)->def;

		for (size_t k = 0; k < d->n_corrections && strcmp(d->id, id) != 0; k++)
			n += strcmp(d->corrections[k].id, correction) == 0;
	}
	return n;
}

/* "about 44% of the budget goes again", as far as it is known. */
static const char *
held_text(const struct model_slo *m, const struct slo_correction *k, char *buf, size_t size)
{
	char share[SLO_SHARE_MAX];

	snprintf(buf, size, "what went wrong in it goes from the budget again");
	if (m->slo != NULL && k->end_ns <= m->slo->start_ns)
		snprintf(buf, size, "nothing: it lies before the window of the budget");
	else if (m->slo != NULL && k->start_ns >= m->slo->at_ns)
		snprintf(buf, size, "nothing yet: it lies ahead");
	for (size_t i = 0; m->detail != NULL && i < m->detail->n_held; i++) {
		const struct slo_held *h = &m->detail->held[i];

		if (strcmp(h->id, k->id) != 0)
			continue;
		if (h->share > 0)
			snprintf(buf, size, "about %s of the budget again", slo_share_text(share, h->share));
		else
			snprintf(buf, size, "nothing: no budget went in it, or another correction names it too");
	}
	return buf;
}

struct op *
slo_act_include(const struct view *v, const struct model_slo *m, const struct slo_correction *correction)
{
	struct op *op = op_text(OP_SLO_INCLUDE, "%s", correction->id);
	const struct environment *e = model_environment(v->live);
	size_t others = n_others(v->live, m->def->id, correction->id);
	char stretch[SLO_STRETCH_MAX], length[DURATION_TEXT_MAX], moment[PART_MOMENT_MAX], takes[128];

	op->arg = xstrdup("taken back");
	op_confirm_line(op, "Let a stretch count again for %s%s%s", m->def->name, e != NULL ? " in " : "",
	    e != NULL ? e->name : "");
	op_confirm_line(op, "from, to  %s, %s", slo_stretch(correction->start_ns, correction->end_ns, stretch),
	    slo_time_text(length, correction->end_ns - correction->start_ns));
	op_confirm_line(op, "why       %s", correction->reason);
	op_confirm_line(op, "by        %s, %s", correction->by, part_moment(v, correction->at_ns, moment));
	op_confirm_line(op, "takes     %s", held_text(m, correction, takes, sizeof takes));
	if (others > 0)
		op_confirm_line(op, "also      for %zu more objective%s, as it was one correction", others,
		    others == 1 ? "" : "s");
	op_confirm_line(op, "then      it counts again, good and bad, for everyone who reads this log");
	op_confirm_line(op, "record    correction %s stays in the log, and so does this", correction->id);
	return op;
}
