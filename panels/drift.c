/*
 * Drift: what goes into each model and what comes out of it, held against what it was trained on or what was before: how far
 * apart, how far noise alone goes, of how many. A row each with its shades over time, by model and worst first; behind Enter
 * the two histograms and every score.
 */
#include "config.h"

#include <stdio.h>

#include "base/xalloc.h"
#include "drift.h"

static struct drift_panel *
state_of(const struct panel *p)
{
	return p->state;
}

static bool
selected(const struct drift_panel *s, const struct part_drifts *drifts, struct model_drift *ret)
{
	return list_detail_selected(&s->ld) >= 0 && part_drift_find(drifts, s->rows[s->ld.list.selected], ret);
}

/* --- arranging ------------------------------------------------------------------------------- */

static void
arrange_list(struct drift_panel *s, const struct part_drifts *drifts)
{
	drift_rows_build(s, drifts);
	list_detail_stay_first(&s->ld);
	list_arrange(&s->ld.list, s->ld.ids, s->ld.n, s->ld.page);
}

/* Scrolled no further than there is something. */
static void
arrange_detail(struct drift_panel *s, const struct view *v, const struct part_drifts *drifts)
{
	struct pen_measure measure;
	struct model_drift m;
	int rows = 0;

	if (list_detail_is_scrolled(&s->ld) && selected(s, drifts, &m)) {
		drift_detail_draw(pen_measure(&measure, s->ld.split.detail_w), v, drifts, &m);
		rows = pen_measure_done(&measure);
	}
	list_detail_clamp(&s->ld, rows);
}

/* A key may come before the first frame. */
static int
drift_open(struct panel *p, const struct view *v, const struct op *op)
{
	struct drift_panel *s = state_of(p);
	struct part_drifts drifts = part_drifts(v);

	(void)op;
	s->ld.page = 1;
	arrange_list(s, &drifts);
	return 0;
}

static void
drift_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct drift_panel *s = state_of(p);
	struct part_drifts drifts = part_drifts(v);
	int wanted;

	arrange_list(s, &drifts);
	wanted = s->ld.n + 2 < LIST_HEADER_FROM ? LIST_HEADER_FROM : s->ld.n + 2;
	list_detail_split(&s->ld, w, h, wanted);
	list_detail_fit(&s->ld, list_detail_header(&s->ld, LIST_HEADER_FROM, s->ld.n) + (s->ld.split.list_h >= DRIFT_LEGEND_FROM));
	arrange_detail(s, v, &drifts);
}

/* --- drawing --------------------------------------------------------------------------------- */

static void
draw_undefined(struct canvas *c)
{
	struct pen pen = { .c = c };

	pen_text(&pen, ROLE_TEXT, "Nothing is watched for drift: whether inputs and answers of the models have moved is not known here.");
	pen.y++;
	pen_field(&pen, "drift:", ROLE_DIM, "of a model in opsconsole.yaml: features, predictions and labels by the "
	    "histograms and counters that a Prometheus has of them");
	pen_field(&pen, "reference:", ROLE_DIM, "a training profile, another version, or a window of the past");
	pen.y++;
	pen_text(&pen, ROLE_DIM, "man opsconsole.yaml has examples to copy.");
}

static void
draw_empty(const struct drift_panel *s, const struct view *v, const struct part_drifts *drifts, struct canvas *c)
{
	if (s->n_total > 0)
		list_detail_no_match(&s->ld, c, s->n_total, "inputs and predictions");
	else if (drifts->model == NULL || model_environment(drifts->model) == NULL)
		part_not_recorded(c, v);
	else
		draw_undefined(c);
}

static void
draw_detail(const struct drift_panel *s, const struct view *v, const struct part_drifts *drifts, struct canvas *c)
{
	struct canvas part = part_split_detail(c, &s->ld.split);
	struct pen pen = { .c = &part, .y = -s->ld.detail_top };
	struct model_drift m;

	if (!selected(s, drifts, &m))
		return;
	drift_detail_draw(&pen, v, drifts, &m);
	part_more(&part, pen.y);
}

static void
drift_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct drift_panel *s = state_of(p);
	struct part_drifts drifts = part_drifts(v);
	struct canvas list;

	if (s->ld.n == 0) {
		draw_empty(s, v, &drifts, c);
		return;
	}
	list = canvas_sub(c, 0, 0, s->ld.split.list_w, s->ld.split.list_h);
	if (list.h > 0)
		drift_rows_draw(s, v, &drifts, &list);
	if (s->ld.split.kind != SPLIT_NONE)
		draw_detail(s, v, &drifts, c);
}

/* "1 drifted, 2 moving, 5 steady": by state, worst first. */
static void
counts_text(const struct part_drifts *drifts, char *buf, size_t size)
{
	static const char *const words[] = { [DRIFT_DRIFTED] = "drifted", [DRIFT_MOVING] = "moving", [DRIFT_UNKNOWN] = "unknown",
		[DRIFT_FEW] = "few data", [DRIFT_STEADY] = "steady" };
	size_t n[sizeof words / sizeof words[0]] = { 0 }, n_stale = 0, used = 0;

	for (size_t i = 0; i < drifts->n; i++) {
		struct model_drift m = part_drift(drifts, i);

		if (m.is_stale)
			n_stale++;
		else
			n[model_drift_state(&m)]++;
	}
	*buf = '\0';
	for (size_t i = 0; i < sizeof words / sizeof words[0] && used < size; i++)
		if (n[i] > 0)
			used += (size_t)snprintf(buf + used, size - used, "%s%zu %s", used > 0 ? ", " : "", n[i], words[i]);
	if (n_stale > 0 && used < size)
		snprintf(buf + used, size - used, "%s%zu stale", used > 0 ? ", " : "", n_stale);
}

static void
drift_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct drift_panel *s = state_of(p);
	struct part_drifts drifts = part_drifts(v);
	char counts[160] = "", how[STANDING_TEXT_MAX], hidden[48] = "", beyond[LIST_DETAIL_TEXT_MAX];

	list_detail_beyond(&s->ld, false, beyond);
	part_drifts_text(v, &drifts, how);
	if (drifts.kind != STANDING_PENDING)
		counts_text(&drifts, counts, sizeof counts);
	if ((size_t)s->ld.n < s->n_total)
		snprintf(hidden, sizeof hidden, "%zu not shown  ", s->n_total - (size_t)s->ld.n);
	snprintf(buf, size, "%s%s%s%s%s%s%s", beyond, hidden, how, *how != '\0' && *counts != '\0' ? "  " : "", counts,
	    s->sort != DRIFT_SORT_MODEL ? "  " : "", s->sort != DRIFT_SORT_MODEL ? drift_sort_name(s->sort) : "");
}

/* It is asked for by name: nothing may hide it. */
static void
drift_show(struct panel *p, const struct view *v, const char *arg)
{
	struct drift_panel *s = state_of(p);
	struct part_drifts drifts = part_drifts(v);
	struct model_drift m;

	if (!part_drift_find(&drifts, arg, &m))
		return;
	list_detail_show(&s->ld, drift_hash(arg));
}

static void
drift_close(struct panel *p)
{
	struct drift_panel *s = state_of(p);

	drift_rows_done(s);
	list_detail_done(&s->ld);
}

/* --- commands -------------------------------------------------------------------------------- */

static struct op *
act_alert(const struct model_drift *m)
{
	struct op *op;

	if (m->alert_id == 0)
		return op_text(OP_MESSAGE, "no alert with the label feature=\"%s\" fires", m->def->name);
	op = op_text(OP_PANEL, "alerts");
	op->arg = xasprintf("%016llx", (unsigned long long)m->alert_id);
	return op;
}

static struct op *
act_model(const struct model_drift *m)
{
	struct op *op = op_text(OP_PANEL, "models");

	op->arg = xstrdup(m->def->model);
	return op;
}

static struct op *
act(const struct drift_panel *s, const struct view *v, struct op *(*f)(const struct model_drift *m))
{
	struct part_drifts drifts = part_drifts(v);
	struct model_drift m;

	return selected(s, &drifts, &m) ? f(&m) : op_text(OP_MESSAGE, "nothing is selected");
}

#define COMMAND(name, ...)								\
	static struct op *								\
	drift_##name(struct panel *p, const struct view *v, const char *arg)		\
	{										\
		struct drift_panel *s = state_of(p);					\
											\
		(void)v;								\
		(void)arg;								\
		__VA_ARGS__								\
	}

COMMAND(sort, s->sort = (s->sort + 1) % DRIFT_SORTS; return NULL;)
COMMAND(alert, return act(s, v, act_alert);)
COMMAND(model, return act(s, v, act_model);)

static const struct command drift_commands[] = {
	{ "details", "Enter", CMD_HINT, list_detail_details, "show all of it: the two histograms, every score with its noise" },
	{ "model", "m", CMD_HINT, drift_model, "go to its model" },
	{ "alert", "a", CMD_HINT, drift_alert, "go to the alert that fires for it" },
	{ "sort", "o", CMD_HINT, drift_sort, "sort by model, by worst, or by name" },
	LIST_DETAIL_COMMANDS,
	{ 0 }
};

const struct panel_ops panel_drift = {
	.name = "drift",
	.title = "Drift",
	.help = "Which inputs and predictions have moved beyond noise, and of how many; filter with / (words, !word, state=drifted, "
	    "model=NAME, kind=prediction).",
	.flags = PANEL_FROM_METRICS,
	.state_size = sizeof(struct drift_panel),
	.watches = MODEL_DRIFT | MODEL_ALERTS | MODEL_ENVIRONMENT,
	.commands = drift_commands,
	.open = drift_open,
	.show = drift_show,
	.arrange = drift_arrange,
	.draw = drift_draw,
	.key = list_detail_key,
	.filter = list_detail_filter,
	.summary = drift_summary,
	.close = drift_close,
};
