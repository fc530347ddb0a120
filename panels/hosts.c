/*
 * Hosts: which there are, whether they answer, what they serve and how they do, by group. Behind Enter all that is
 * known of one.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "hosts.h"
#include "ui/key.h"

static struct hosts_panel *
state_of(const struct panel *p)
{
	return p->state;
}

static const struct hosts_row *
selected_row(const struct hosts_panel *s)
{
	return s->list.selected >= 0 && s->list.selected < s->n ? &s->rows[s->list.selected] : NULL;
}

static const struct model_host_row *
selected(const struct hosts_panel *s, const struct view *v)
{
	const struct hosts_row *row = selected_row(s);

	return row != NULL ? hosts_row_host(row, v->model) : NULL;
}

/* --- arranging ------------------------------------------------------------------------------- */

static void
clamp_detail(struct hosts_panel *s, const struct view *v)
{
	const struct model_host_row *h = selected(s, v);
	struct pen_measure measure;
	int most = 0;

	if (s->split.kind != SPLIT_NONE && s->detail_top > 0 && h != NULL) {
		hosts_detail_draw(pen_measure(&measure, s->split.detail_w), v, h);
		most = pen_measure_done(&measure) - s->split.detail_h;
	}
	most = most < 0 ? 0 : most;
	s->detail_top = s->detail_top > most ? most : s->detail_top;
}

static void
hosts_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct hosts_panel *s = state_of(p);

	hosts_rows_build(s, v->model);
	s->split = part_split(w, h, s->is_detail && s->n > 0, s->n + 1);
	s->page = s->split.list_h - (s->split.list_h >= HOSTS_HEADER_FROM);
	s->page = s->page < 1 ? 1 : s->page;
	list_arrange(&s->list, s->ids, s->n, s->page);
	clamp_detail(s, v);
}

/* --- drawing --------------------------------------------------------------------------------- */

static void
draw_undefined(struct canvas *c, const struct view *v)
{
	struct pen pen = { .c = c };

	if (model_environment(v->model) == NULL) {
		pen_text(&pen, ROLE_UNKNOWN, GLYPH_UNKNOWN " not known: the environment has not been told yet");
		return;
	}
	pen_text(&pen, ROLE_TEXT, "No hosts are configured, and none is known to serve a model.");
	pen.y++;
	pen_field(&pen, "hosts:", ROLE_DIM, "in opsconsole.yaml: groups of names such as 'web-[01-20]', an Ansible "
	    "inventory, or the targets of a Prometheus");
	pen.y++;
	pen_text(&pen, ROLE_DIM, "man opsconsole.yaml has examples to copy.");
}

static void
draw_empty(const struct hosts_panel *s, const struct view *v, struct canvas *c)
{
	if (*s->refusal != '\0' && s->n_filtered > 0) {
		struct pen pen = { .c = c };

		pen_text(&pen, ROLE_WARNING, s->refusal);
		pen_text(&pen, ROLE_DIM, "Esc clears the filter.");
	} else if (s->n_filtered > 0) {
		canvas_printf(c, 1, 0, ROLE_TEXT, "None of %zu hosts matches the filter%s.",
		    s->n_filtered + s->n_fine,
		    s->is_wrong_only ? ", with those that are fine hidden" : "");
		canvas_text_w(c, 1, 1, c->w - 2, ROLE_DIM, s->is_wrong_only ? "Esc clears it; w shows all." :
		    "Esc clears it.", false);
	} else if (s->n_fine > 0) {
		canvas_printf(c, 1, 0, ROLE_OK, GLYPH_OK " Nothing is known to be wrong with any of %zu hosts.",
		    s->n_fine);
		canvas_text_w(c, 1, 1, c->w - 2, ROLE_DIM, "w shows all of them.", false);
	} else {
		draw_undefined(c, v);
	}
}

/* Of a group: which hosts it is, at a glance. */
static void
draw_group(struct pen *p, const struct hosts_row *row)
{
	char counts[128];

	canvas_text_w(p->c, 1, p->y++, p->c->w - 2, ROLE_STRONG, *row->group != '\0' ? row->group : "(in no group)",
	    false);
	pen_text(p, ROLE_TEXT, hosts_counts_text(&row->counts, counts, sizeof counts));
	pen_text(p, ROLE_DIM, row->is_folded ? "Enter shows its hosts." : "Enter folds it; j goes to its hosts.");
}

static void
draw_detail(const struct hosts_panel *s, const struct view *v, struct canvas *c)
{
	struct canvas part = part_split_detail(c, &s->split);
	struct pen pen = { .c = &part, .y = -s->detail_top };
	const struct model_host_row *h = selected(s, v);
	const struct hosts_row *row = selected_row(s);

	if (h != NULL)
		hosts_detail_draw(&pen, v, h);
	else if (row != NULL && row->is_header)
		draw_group(&pen, row);
	if (pen.y > part.h && part.h > 2)
		canvas_text_right(&part, part.w - 1, part.h - 1, ROLE_DIM, " J more ");
}

static void
hosts_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct hosts_panel *s = state_of(p);
	struct canvas list;

	if (part_not_recorded(c, v))
		return;
	if (s->n == 0) {
		draw_empty(s, v, c);
		return;
	}
	list = canvas_sub(c, 0, 0, s->split.list_w, s->split.list_h);
	if (list.h > 0)
		hosts_rows_draw(s, v, &list);
	if (s->split.kind != SPLIT_NONE)
		draw_detail(s, v, c);
}

static void
hosts_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct hosts_panel *s = state_of(p);
	struct hosts_counts n = { 0 };
	char counts[128], hidden[48] = "";
	size_t n_hidden = s->n_filtered + s->n_fine;

	if (v->model == NULL) {
		snprintf(buf, size, "? not recorded");
		return;
	}
	for (size_t i = 0; i < model_n_hosts(v->model); i++)
		hosts_count(&n, v->model, model_host(v->model, i));
	if (n_hidden > 0)
		snprintf(hidden, sizeof hidden, "  (%zu not shown)", n_hidden);
	snprintf(buf, size, "%s%s%s%s", hosts_counts_text(&n, counts, sizeof counts), hidden,
	    s->sort != HOSTS_SORT_GROUP ? "  " : "",
	    s->sort != HOSTS_SORT_GROUP ? hosts_sort_name(s->sort) : "");
}

static void
hosts_filter(struct panel *p, const char *text)
{
	struct hosts_panel *s = state_of(p);

	free(s->filter);
	s->filter = xstrdup_or_null(text);
}

/* It is asked for by name: nothing may hide it. */
static void
hosts_show(struct panel *p, const struct view *v, const char *arg)
{
	const struct model_host_row *h = v->model != NULL && arg != NULL ? model_host_find(v->model, arg) : NULL;
	struct hosts_panel *s = state_of(p);
	const char *group = "";

	if (h == NULL)
		return;
	hosts_filter(p, NULL);
	s->is_wrong_only = false;
	s->n_folded = 0;
	if (h->def != NULL && h->def->groups.n > 0)
		group = h->def->groups.v[0];
	s->list.selected_id = hosts_id(s->sort == HOSTS_SORT_GROUP ? group : NULL, h->name);
	s->is_detail = true;
	s->detail_top = 0;
}

static void
hosts_close(struct panel *p)
{
	struct hosts_panel *s = state_of(p);

	hosts_rows_done(s);
	free(s->folded);
	free(s->filter);
}

/* --- commands -------------------------------------------------------------------------------- */

static struct op *
move(struct hosts_panel *s, int by)
{
	list_move(&s->list, s->ids, s->n, by);
	s->detail_top = 0;
	return NULL;
}

static struct op *
scroll_detail(struct hosts_panel *s, int by)
{
	s->detail_top += by;
	s->detail_top = s->detail_top < 0 ? 0 : s->detail_top;
	return NULL;
}

static struct op *
open_row(struct hosts_panel *s)
{
	const struct hosts_row *row = selected_row(s);

	if (row != NULL && row->is_header)
		hosts_row_toggle(s, row->id);
	else
		s->is_detail = !s->is_detail;
	s->detail_top = 0;
	return NULL;
}

static struct op *
fold_all(struct hosts_panel *s)
{
	bool is_any_open = false;

	if (s->sort != HOSTS_SORT_GROUP)
		return op_text(OP_MESSAGE, "nothing is grouped: o sorts by group");
	for (int i = 0; i < s->n; i++)
		is_any_open |= s->rows[i].is_header && !s->rows[i].is_folded;
	s->n_folded = 0;
	for (int i = 0; is_any_open && i < s->n; i++)
		if (s->rows[i].is_header)
			hosts_row_toggle(s, s->rows[i].id);
	return NULL;
}

/* The same host stays selected, in whatever order. */
static struct op *
sort_next(struct hosts_panel *s, const struct view *v)
{
	const struct model_host_row *h = selected(s, v);
	const char *group = h != NULL && h->def != NULL && h->def->groups.n > 0 ? h->def->groups.v[0] : "";

	s->sort = (s->sort + 1) % HOSTS_SORTS;
	if (h != NULL)
		s->list.selected_id = hosts_id(s->sort == HOSTS_SORT_GROUP ? group : NULL, h->name);
	return NULL;
}

static struct op *
show_model(const struct hosts_panel *s, const struct view *v)
{
	const struct model_host_row *h = selected(s, v);
	const struct host_serving *shown = NULL;
	struct op *op;

	if (h == NULL)
		return op_text(OP_MESSAGE, "no host is selected");
	for (size_t i = 0; i < h->n_serving; i++)
		if (shown == NULL || h->serving[i].state < shown->state)
			shown = &h->serving[i];
	if (shown == NULL)
		return op_text(OP_MESSAGE, "%s is not known to serve a model", h->name);
	op = op_text(OP_PANEL, "models");
	op->arg = xstrdup(shown->model);
	return op;
}

#define COMMAND(name, ...)								\
	static struct op *								\
	hosts_##name(struct panel *p, const struct view *v, const char *arg)		\
	{										\
		struct hosts_panel *s = state_of(p);					\
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
COMMAND(details, return open_row(s);)
COMMAND(detail_down, return scroll_detail(s, 3);)
COMMAND(detail_up, return scroll_detail(s, -3);)
COMMAND(fold, return fold_all(s);)
COMMAND(sort, return sort_next(s, v);)
COMMAND(wrong, s->is_wrong_only = !s->is_wrong_only; return NULL;)
COMMAND(model, return show_model(s, v);)

static const struct command hosts_commands[] = {
	{ "details", "Enter", CMD_HINT, hosts_details, "show all of the host, or fold a group" },
	{ "wrong", "w", CMD_HINT, hosts_wrong, "show only hosts with something wrong, or all" },
	{ "sort", "o", CMD_HINT, hosts_sort, "sort by group, by worst, or by name" },
	{ "fold", "f", CMD_HINT, hosts_fold, "fold or open all groups" },
	{ "model", "m", CMD_HINT, hosts_model, "go to the model it serves" },
	{ "next", "j", 0, hosts_next, "select the next row" },
	{ "previous", "k", 0, hosts_previous, "select the row before" },
	{ "next-arrow", "Down", CMD_HIDDEN, hosts_next, "select the next row" },
	{ "previous-arrow", "Up", CMD_HIDDEN, hosts_previous, "select the row before" },
	{ "page-down", "PgDn", 0, hosts_page_down, "a page down" },
	{ "page-up", "PgUp", 0, hosts_page_up, "a page up" },
	{ "first", "Home", 0, hosts_first, "select the first row" },
	{ "last", "End", 0, hosts_last, "select the last row" },
	{ "detail-down", "J", 0, hosts_detail_down, "scroll the details down" },
	{ "detail-up", "K", 0, hosts_detail_up, "scroll the details up" },
	{ 0 }
};

/* Esc closes what Enter opened, before it means anything else. */
static bool
hosts_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct hosts_panel *s = state_of(p);

	(void)v;
	(void)ret_op;
	if (key != KEY_ESC || !s->is_detail)
		return false;
	s->is_detail = false;
	return true;
}

const struct panel_ops panel_hosts = {
	.name = "hosts",
	.title = "Hosts",
	.help = "What runs where: reachable or not, what it serves, cpu, memory, disk, load, targets; filter with / "
	    "(words, !word, state=down, group=web, model=spam-filter, version=7).",
	.state_size = sizeof(struct hosts_panel),
	.watches = MODEL_HOSTS | MODEL_MODELS | MODEL_SERIES | MODEL_SOURCES | MODEL_ENVIRONMENT,
	.commands = hosts_commands,
	.show = hosts_show,
	.arrange = hosts_arrange,
	.draw = hosts_draw,
	.key = hosts_key,
	.filter = hosts_filter,
	.summary = hosts_summary,
	.close = hosts_close,
};
