/*
 * Objectives: how much of each error budget is left, how fast it goes and when it is gone, most urgent first. Behind Enter
 * all that is known of one: its rules, its burn-down, where the budget went. Stretches are taken out of the budget and put
 * back from here.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "slo.h"

static struct slo_panel *
state_of(const struct panel *p)
{
	return p->state;
}

/* --- what is selected ------------------------------------------------------------------------ */

static bool
selected(const struct slo_panel *s, const struct part_slos *slos, struct model_slo *ret)
{
	return list_detail_selected(&s->ld) >= 0 && part_slo_find(slos, s->rows[s->ld.list.selected], ret);
}

/* Its index among the objective's corrections: unless another was chosen the one logged last, as what was just done is what is
 * undone. -1 when it has none. */
static int
chosen_index(const struct slo_panel *s, const struct slo_def *def)
{
	int newest = -1;

	for (size_t i = 0; i < def->n_corrections; i++) {
		if (s->correction != 0 && slo_hash(def->corrections[i].id) == s->correction)
			return (int)i;
		if (newest < 0 || def->corrections[i].at_ns >= def->corrections[newest].at_ns)
			newest = (int)i;
	}
	return newest;
}

static const struct slo_correction *
chosen(const struct slo_panel *s, const struct slo_def *def)
{
	int i = chosen_index(s, def);

	return i >= 0 ? &def->corrections[i] : NULL;
}

/* --- arranging ------------------------------------------------------------------------------- */

/* Rows that all of the detail takes; the chosen correction among them. */
static int
measure_detail(const struct slo_panel *s, const struct view *v, const struct part_slos *slos, const struct model_slo *m,
    struct slo_chosen *ret_chosen)
{
	struct pen_measure measure;

	*ret_chosen = (struct slo_chosen){ .correction = chosen(s, m->def) };
	slo_detail_draw(pen_measure(&measure, s->ld.split.detail_w), v, slos, m, ret_chosen);
	return pen_measure_done(&measure);
}

/* The heading above it is worth a row where there is room. */
static void
scroll_to(struct slo_panel *s, const struct slo_chosen *c, int page)
{
	if (c->y < s->ld.detail_top)
		s->ld.detail_top = c->y > 0 ? c->y - 1 : 0;
	if (c->y + c->h > s->ld.detail_top + page)
		s->ld.detail_top = c->h > page ? c->y : c->y + c->h - page;
}

static void
arrange_detail(struct slo_panel *s, const struct view *v, const struct part_slos *slos)
{
	struct slo_chosen c;
	struct model_slo m;
	int rows, page;

	s->is_seen = s->has_corrections = false;
	if (s->ld.split.kind == SPLIT_NONE || !selected(s, slos, &m)) {
		s->ld.detail_top = 0;
		return;
	}
	s->has_corrections = m.def->n_corrections > 0;
	rows = measure_detail(s, v, slos, &m, &c);
	page = s->ld.split.detail_h - 1;		/* a row may say that there is more */
	if (s->is_wanted && c.correction != NULL)
		scroll_to(s, &c, page);
	s->is_wanted = false;
	list_detail_clamp(&s->ld, rows);
	if (s->ld.detail_top + s->ld.split.detail_h >= rows)
		page++;
	s->is_seen = c.correction != NULL && c.y >= s->ld.detail_top && c.y + c.h <= s->ld.detail_top + page;
}

static void
arrange_list(struct slo_panel *s, const struct part_slos *slos)
{
	slo_rows_build(s, slos);
	list_detail_stay_first(&s->ld);
	list_arrange(&s->ld.list, s->ld.ids, s->ld.n, s->ld.page);
}

/* Which correction was chosen is of one objective only. */
static struct op *
slo_move(struct panel *p, const struct view *v, int by)
{
	struct slo_panel *s = state_of(p);

	(void)v;
	list_detail_move(&s->ld, by);
	s->correction = 0;
	return NULL;
}

/* A key may come before the first frame. */
static int
slo_open(struct panel *p, const struct view *v, const struct op *op)
{
	struct slo_panel *s = state_of(p);
	struct part_slos slos = part_slos(v);

	(void)op;
	s->ld.page = 1;
	s->ld.move = slo_move;
	arrange_list(s, &slos);
	return 0;
}

static void
slo_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct slo_panel *s = state_of(p);
	struct part_slos slos = part_slos(v);

	arrange_list(s, &slos);
	list_detail_split(&s->ld, w, h, s->ld.n + 1);
	list_detail_fit(&s->ld, list_detail_header(&s->ld, LIST_HEADER_FROM, s->ld.n));
	arrange_detail(s, v, &slos);
}

/* --- drawing --------------------------------------------------------------------------------- */

static void
draw_undefined(struct canvas *c)
{
	struct pen pen = { .c = c };

	pen_text(&pen, ROLE_TEXT, "No objectives are defined: how much may go wrong is not known here.");
	pen.y++;
	pen_field(&pen, "slos:", ROLE_DIM, "in opsconsole.yaml: a name, a target, and PromQL for good and for all events");
	pen_field(&pen, "openslo:", ROLE_DIM, "files of OpenSLO v1");
	pen_field(&pen, "or nothing", ROLE_DIM,
	    "recording rules of Sloth and Pyrra are found by themselves in a Prometheus that has them");
	pen.y++;
	pen_text(&pen, ROLE_DIM, "man opsconsole.yaml has examples to copy.");
}

static void
draw_empty(const struct slo_panel *s, const struct view *v, const struct part_slos *slos, struct canvas *c)
{
	if (s->n_total > 0)
		list_detail_no_match(&s->ld, c, s->n_total, "objectives");
	else if (slos->model == NULL || model_environment(slos->model) == NULL)
		part_not_recorded(c, v);
	else
		draw_undefined(c);
}

static void
draw_detail(const struct slo_panel *s, const struct view *v, const struct part_slos *slos, struct canvas *c)
{
	struct canvas part = part_split_detail(c, &s->ld.split);
	struct pen pen = { .c = &part, .y = -s->ld.detail_top };
	struct slo_chosen shown = { 0 };
	struct model_slo m;

	if (!selected(s, slos, &m))
		return;
	shown.correction = chosen(s, m.def);
	slo_detail_draw(&pen, v, slos, &m, &shown);
	part_more(&part, pen.y);
}

static void
slo_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct slo_panel *s = state_of(p);
	struct part_slos slos = part_slos(v);
	struct canvas list;

	if (s->ld.n == 0) {
		draw_empty(s, v, &slos, c);
		return;
	}
	list = canvas_sub(c, 0, 0, s->ld.split.list_w, s->ld.split.list_h);
	if (list.h > 0)
		slo_rows_draw(s, v, &slos, &list);
	if (s->ld.split.kind != SPLIT_NONE)
		draw_detail(s, v, &slos, c);
}

/* "1 page, 1 no data, 5 ok": by state, most urgent first. */
static void
counts_text(const struct part_slos *slos, char *buf, size_t size)
{
	static const char *const words[] = { [SLO_PAGE] = "page", [SLO_TICKET] = "ticket", [SLO_EXHAUSTED] = "spent",
		[SLO_NO_DATA] = "no data", [SLO_UNKNOWN] = "unknown", [SLO_GATED] = "gated", [SLO_OK] = "ok",
		[SLO_EXCLUDED] = "excluded" };
	size_t n[sizeof words / sizeof words[0]] = { 0 }, used = 0;

	for (size_t i = 0; i < slos->n; i++) {
		struct model_slo m = part_slo(slos, i);

		n[m.slo != NULL ? m.slo->state : SLO_UNKNOWN]++;
	}
	*buf = '\0';
	for (size_t i = 0; i < sizeof words / sizeof words[0] && used < size; i++)
		if (n[i] > 0)
			used += (size_t)snprintf(buf + used, size - used, "%s%zu %s", used > 0 ? ", " : "", n[i], words[i]);
}

static void
slo_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct slo_panel *s = state_of(p);
	struct part_slos slos = part_slos(v);
	char counts[160] = "", how[STANDING_TEXT_MAX], hidden[48] = "", beyond[LIST_DETAIL_TEXT_MAX];

	list_detail_beyond(&s->ld, false, beyond);
	part_slos_text(v, &slos, how);
	if (slos.kind != STANDING_PENDING)
		counts_text(&slos, counts, sizeof counts);
	if ((size_t)s->ld.n < s->n_total)
		snprintf(hidden, sizeof hidden, "%zu not shown  ", s->n_total - (size_t)s->ld.n);
	snprintf(buf, size, "%s%s%s%s%s%s%s", beyond, hidden, how, *how != '\0' && *counts != '\0' ? "  " : "", counts,
	    s->sort != SLO_SORT_URGENT ? "  " : "", s->sort != SLO_SORT_URGENT ? slo_sort_name(s->sort) : "");
}

/* It is asked for by name: nothing may hide it. */
static void
slo_show(struct panel *p, const struct view *v, const char *arg)
{
	struct slo_panel *s = state_of(p);
	struct part_slos slos = part_slos(v);
	struct model_slo m;

	if (!part_slo_find(&slos, arg, &m))
		return;
	list_detail_show(&s->ld, slo_hash(arg));
	s->correction = 0;
}

static void
slo_close(struct panel *p)
{
	struct slo_panel *s = state_of(p);

	slo_rows_done(s);
	list_detail_done(&s->ld);
}

/* --- commands -------------------------------------------------------------------------------- */

static struct op *
act(const struct slo_panel *s, const struct view *v, struct op *(*f)(const struct model_slo *m))
{
	struct part_slos slos = part_slos(v);
	struct model_slo m;

	return selected(s, &slos, &m) ? f(&m) : op_text(OP_MESSAGE, "no objective is selected");
}

/* The details, at the correction that is chosen. */
static void
show_corrections(struct slo_panel *s)
{
	s->ld.is_detail = s->ld.has_moved = s->is_wanted = true;
}

/* What is not on the screen is not acted on: first it is shown. */
static struct op *
include(struct slo_panel *s, const struct view *v)
{
	struct part_slos slos = part_slos(v);
	struct model_slo m;

	if (!selected(s, &slos, &m))
		return op_text(OP_MESSAGE, "no objective is selected");
	if (m.def->n_corrections == 0)
		return op_text(OP_MESSAGE, "nothing was taken out of the budget of %s", m.def->name);
	if (s->is_seen)
		return slo_act_include(v, &m, chosen(s, m.def));
	show_corrections(s);
	return op_text(OP_MESSAGE, "u again puts the marked stretch back%s", m.def->n_corrections > 1 ? "; n and p choose another" : "");
}

/* Which of several corrections is meant is seen in the details only. */
static struct op *
choose(struct slo_panel *s, const struct view *v, int by)
{
	struct part_slos slos = part_slos(v);
	struct model_slo m;
	int i, n;

	if (!selected(s, &slos, &m) || m.def->n_corrections == 0)
		return op_text(OP_MESSAGE, "nothing was taken out of this budget");
	n = (int)m.def->n_corrections;
	i = (chosen_index(s, m.def) + by + n) % n;
	s->correction = slo_hash(m.def->corrections[i].id);
	show_corrections(s);
	return NULL;
}

#define COMMAND(name, ...)								\
	static struct op *								\
	slo_##name(struct panel *p, const struct view *v, const char *arg)		\
	{										\
		struct slo_panel *s = state_of(p);					\
											\
		(void)v;								\
		(void)arg;								\
		__VA_ARGS__								\
	}

COMMAND(sort, s->sort = (s->sort + 1) % SLO_SORTS; return NULL;)
COMMAND(graph, return act(s, v, slo_act_graph);)
COMMAND(alert, return act(s, v, slo_act_alert);)
COMMAND(exclude, return act(s, v, slo_act_exclude);)
COMMAND(include, return include(s, v);)
COMMAND(next_correction, return choose(s, v, 1);)
COMMAND(previous_correction, return choose(s, v, -1);)

static const struct command slo_commands[] = {
	{ "details", "Enter", CMD_HINT, list_detail_details, "show all of the objective: rules, burn-down, where the budget went" },
	{ "graph", "g", CMD_HINT, slo_graph, "graph its error ratio in the metrics panel" },
	{ "alert", "a", CMD_HINT, slo_alert, "go to the alert that fires for it" },
	{ "exclude", "x", CMD_WRITES | CMD_HINT, slo_exclude, "take a stretch of time out of its budget: opens a form" },
	{ "include", "u", CMD_WRITES, slo_include, "put a stretch back that was taken out" },
	{ "sort", "o", CMD_HINT, slo_sort, "sort by urgency, what is left, or name" },
	{ "next-correction", "n", 0, slo_next_correction, "choose the next stretch that was taken out" },
	{ "previous-correction", "p", 0, slo_previous_correction, "choose the stretch before" },
	LIST_DETAIL_COMMANDS,
	{ 0 }
};

/* With the details open, what can be done with them; the stretches that were taken out only where there are any. */
static const char *
slo_hint(const struct panel *p, const struct command *c)
{
	static const struct {
		const char *name, *word;
		bool is_of_corrections;
	} in_detail[] = { { "graph", "graph", false }, { "alert", "alert", false }, { "exclude", "exclude", false },
		{ "include", "put back", true }, { "next-correction", "next", true }, { "previous-correction", "previous", true },
		{ "detail-down", "more", false } };
	const struct slo_panel *s = state_of(p);

	if (!s->ld.is_detail)
		return c->flags & CMD_HINT ? c->name : NULL;
	for (size_t i = 0; i < sizeof in_detail / sizeof in_detail[0]; i++)
		if (strcmp(in_detail[i].name, c->name) == 0)
			return in_detail[i].is_of_corrections && !s->has_corrections ? NULL : in_detail[i].word;
	return NULL;
}

const struct panel_ops panel_slo = {
	.name = "slo",
	.title = "SLO budgets",
	.help = "Error budgets: what is left, how fast it goes, when it is gone; filter with / (words, !word, state=page, "
	    "service=web).",
	.flags = PANEL_FROM_METRICS,
	.state_size = sizeof(struct slo_panel),
	.watches = MODEL_SLOS | MODEL_ALERTS | MODEL_MARKERS | MODEL_ENVIRONMENT,
	.commands = slo_commands,
	.open = slo_open,
	.show = slo_show,
	.arrange = slo_arrange,
	.draw = slo_draw,
	.key = list_detail_key,
	.filter = list_detail_filter,
	.summary = slo_summary,
	.hint = slo_hint,
	.close = slo_close,
};
