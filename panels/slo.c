/*
 * Objectives: how much of each error budget is left, how fast it goes and when it is gone, most urgent first. Behind Enter
 * all that is known of one: its rules, its burn-down, where the budget went. Stretches are taken out of the budget and put
 * back from here.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "slo.h"
#include "ui/key.h"

static struct slo_panel *
state_of(const struct panel *p)
{
	return p->state;
}

/* --- what is selected ------------------------------------------------------------------------ */

static bool
selected(const struct slo_panel *s, const struct part_slos *slos, struct model_slo *ret)
{
	return s->list.selected >= 0 && s->list.selected < s->n && part_slo_find(slos, s->rows[s->list.selected], ret);
}

/* Its index among the objective's corrections; -1 when it has none. */
static int
chosen_index(const struct slo_panel *s, const struct slo_def *def)
{
	for (size_t i = 0; i < def->n_corrections; i++)
		if (slo_hash(def->corrections[i].id) == s->correction)
			return (int)i;
	return def->n_corrections > 0 ? 0 : -1;
}

static const struct slo_correction *
chosen(const struct slo_panel *s, const struct slo_def *def)
{
	int i = chosen_index(s, def);

	return i >= 0 ? &def->corrections[i] : NULL;
}

/* --- arranging ------------------------------------------------------------------------------- */

static void
clamp_detail(struct slo_panel *s, const struct view *v, const struct part_slos *slos)
{
	struct pen_measure measure;
	struct model_slo m;
	int most = 0;

	if (s->split.kind != SPLIT_NONE && s->detail_top > 0 && selected(s, slos, &m)) {
		slo_detail_draw(pen_measure(&measure, s->split.detail_w), v, slos, &m, chosen(s, m.def));
		most = pen_measure_done(&measure) - s->split.detail_h;
	}
	most = most < 0 ? 0 : most;
	s->detail_top = s->detail_top > most ? most : s->detail_top;
}

static void
slo_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct slo_panel *s = state_of(p);
	struct part_slos slos = part_slos(v);

	slo_rows_build(s, &slos);
	s->split = part_split(w, h, s->is_detail && s->n > 0, s->n + 1);
	s->page = s->split.list_h - (s->split.list_h >= SLO_HEADER_FROM);
	s->page = s->page < 1 ? 1 : s->page;
	list_arrange(&s->list, s->ids, s->n, s->page);
	clamp_detail(s, v, &slos);
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
	if (s->n_total > 0) {
		canvas_printf(c, 1, 0, ROLE_TEXT, "None of %zu objectives matches the filter.", s->n_total);
		canvas_text_w(c, 1, 1, c->w - 2, ROLE_DIM, "Esc clears it.", false);
	} else if (slos->model == NULL || model_environment(slos->model) == NULL) {
		part_not_recorded(c, v);
	} else {
		draw_undefined(c);
	}
}

static void
draw_detail(const struct slo_panel *s, const struct view *v, const struct part_slos *slos, struct canvas *c)
{
	struct canvas part = part_split_detail(c, &s->split);
	struct pen pen = { .c = &part, .y = -s->detail_top };
	struct model_slo m;

	if (!selected(s, slos, &m))
		return;
	slo_detail_draw(&pen, v, slos, &m, chosen(s, m.def));
	if (pen.y > part.h && part.h > 2)
		canvas_text_right(&part, part.w - 1, part.h - 1, ROLE_DIM, " J more ");
}

static void
slo_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct slo_panel *s = state_of(p);
	struct part_slos slos = part_slos(v);
	struct canvas list;

	if (s->n == 0) {
		draw_empty(s, v, &slos, c);
		return;
	}
	list = canvas_sub(c, 0, 0, s->split.list_w, s->split.list_h);
	if (list.h > 0)
		slo_rows_draw(s, v, &slos, &list);
	if (s->split.kind != SPLIT_NONE)
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
	char counts[160] = "", how[PART_SLOS_TEXT_MAX], hidden[48] = "";

	part_slos_text(v, &slos, how);
	if (slos.kind != PART_SLOS_PENDING)
		counts_text(&slos, counts, sizeof counts);
	if ((size_t)s->n < s->n_total)
		snprintf(hidden, sizeof hidden, "  (%zu not shown)", s->n_total - (size_t)s->n);
	snprintf(buf, size, "%s%s%s%s%s%s", how, *how != '\0' && *counts != '\0' ? "  " : "", counts, hidden,
	    s->sort != SLO_SORT_URGENT ? "  " : "", s->sort != SLO_SORT_URGENT ? slo_sort_name(s->sort) : "");
}

static void
slo_filter(struct panel *p, const char *text)
{
	struct slo_panel *s = state_of(p);

	free(s->filter);
	s->filter = xstrdup_or_null(text);
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
	slo_filter(p, NULL);
	s->list.selected_id = slo_hash(arg);
	s->is_detail = true;
	s->detail_top = 0;
}

static void
slo_close(struct panel *p)
{
	struct slo_panel *s = state_of(p);

	slo_rows_done(s);
	free(s->filter);
}

/* --- commands -------------------------------------------------------------------------------- */

static struct op *
move(struct slo_panel *s, int by)
{
	list_move(&s->list, s->ids, s->n, by);
	s->detail_top = 0;
	s->correction = 0;
	return NULL;
}

static struct op *
scroll_detail(struct slo_panel *s, int by)
{
	s->detail_top += by;
	s->detail_top = s->detail_top < 0 ? 0 : s->detail_top;
	return NULL;
}

static struct op *
toggle_detail(struct slo_panel *s)
{
	s->is_detail = !s->is_detail;
	s->detail_top = 0;
	return NULL;
}

static struct op *
act(const struct slo_panel *s, const struct view *v, struct op *(*f)(const struct model_slo *m))
{
	struct part_slos slos = part_slos(v);
	struct model_slo m;

	return selected(s, &slos, &m) ? f(&m) : op_text(OP_MESSAGE, "no objective is selected");
}

static struct op *
include(const struct slo_panel *s, const struct view *v)
{
	struct part_slos slos = part_slos(v);
	struct model_slo m;

	if (!selected(s, &slos, &m))
		return op_text(OP_MESSAGE, "no objective is selected");
	if (m.def->n_corrections == 0)
		return op_text(OP_MESSAGE, "nothing was taken out of the budget of %s", m.def->name);
	return slo_act_include(v, &m, chosen(s, m.def));
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
	s->is_detail = true;
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

COMMAND(next, return move(s, 1);)
COMMAND(previous, return move(s, -1);)
COMMAND(page_down, return move(s, s->page);)
COMMAND(page_up, return move(s, -s->page);)
COMMAND(first, return move(s, INT_MIN);)
COMMAND(last, return move(s, INT_MAX);)
COMMAND(details, return toggle_detail(s);)
COMMAND(detail_down, return scroll_detail(s, 3);)
COMMAND(detail_up, return scroll_detail(s, -3);)
COMMAND(sort, s->sort = (s->sort + 1) % SLO_SORTS; return NULL;)
COMMAND(graph, return act(s, v, slo_act_graph);)
COMMAND(alert, return act(s, v, slo_act_alert);)
COMMAND(exclude, return act(s, v, slo_act_exclude);)
COMMAND(include, return include(s, v);)
COMMAND(next_correction, return choose(s, v, 1);)
COMMAND(previous_correction, return choose(s, v, -1);)

static const struct command slo_commands[] = {
	{ "details", "Enter", CMD_HINT, slo_details, "show all of the objective: rules, burn-down, where the budget went" },
	{ "graph", "g", CMD_HINT, slo_graph, "graph its error ratio in the metrics panel" },
	{ "alert", "a", CMD_HINT, slo_alert, "go to the alert that fires for it" },
	{ "exclude", "x", CMD_WRITES | CMD_HINT, slo_exclude, "take a stretch of time out of its budget: opens a form" },
	{ "include", "u", CMD_WRITES, slo_include, "put a stretch back that was taken out" },
	{ "sort", "o", CMD_HINT, slo_sort, "sort by urgency, what is left, or name" },
	{ "next-correction", "n", 0, slo_next_correction, "choose the next stretch that was taken out" },
	{ "previous-correction", "p", 0, slo_previous_correction, "choose the stretch before" },
	{ "next", "j", 0, slo_next, "select the next objective" },
	{ "previous", "k", 0, slo_previous, "select the objective before" },
	{ "next-arrow", "Down", CMD_HIDDEN, slo_next, "select the next objective" },
	{ "previous-arrow", "Up", CMD_HIDDEN, slo_previous, "select the objective before" },
	{ "page-down", "PgDn", 0, slo_page_down, "a page down" },
	{ "page-up", "PgUp", 0, slo_page_up, "a page up" },
	{ "first", "Home", 0, slo_first, "select the most urgent objective" },
	{ "last", "End", 0, slo_last, "select the last objective" },
	{ "detail-down", "J", 0, slo_detail_down, "scroll the details down" },
	{ "detail-up", "K", 0, slo_detail_up, "scroll the details up" },
	{ 0 }
};

/* Esc closes what Enter opened, before it means anything else. */
static bool
slo_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct slo_panel *s = state_of(p);

	(void)v;
	(void)ret_op;
	if (key != KEY_ESC || !s->is_detail)
		return false;
	s->is_detail = false;
	return true;
}

const struct panel_ops panel_slo = {
	.name = "slo",
	.title = "SLO budgets",
	.help = "Error budgets: what is left, how fast it goes, when it is gone; filter with / (words, !word, state=page, "
	    "service=web).",
	.state_size = sizeof(struct slo_panel),
	.watches = MODEL_SLOS | MODEL_ALERTS | MODEL_MARKERS | MODEL_ENVIRONMENT,
	.commands = slo_commands,
	.show = slo_show,
	.arrange = slo_arrange,
	.draw = slo_draw,
	.key = slo_key,
	.filter = slo_filter,
	.summary = slo_summary,
	.close = slo_close,
};
