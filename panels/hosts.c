/*
 * Hosts: which there are, whether they answer, what they serve and how they do, by group. Behind Enter all that is
 * known of one.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "hosts.h"

static struct hosts_panel *
state_of(const struct panel *p)
{
	return p->state;
}

static const struct hosts_row *
selected_row(const struct hosts_panel *s)
{
	return list_detail_selected(&s->ld) >= 0 ? &s->rows[s->ld.list.selected] : NULL;
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
	int rows = 0;

	if (list_detail_is_scrolled(&s->ld) && h != NULL) {
		hosts_detail_draw(pen_measure(&measure, s->ld.split.detail_w), v, h);
		rows = pen_measure_done(&measure);
	}
	list_detail_clamp(&s->ld, rows);
}

static void
hosts_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct hosts_panel *s = state_of(p);

	hosts_rows_build(s, v->model);
	list_detail_stay_first(&s->ld);
	list_detail_split(&s->ld, w, h, s->ld.n + 1);
	list_detail_fit(&s->ld, list_detail_header(&s->ld, LIST_HEADER_FROM, s->ld.n));
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
	if (s->n_filtered > 0 && (!s->is_wrong_only || *s->ld.refusal != '\0')) {
		list_detail_no_match(&s->ld, c, s->n_filtered, "hosts");
	} else if (s->n_filtered > 0) {
		canvas_printf(c, 1, 0, ROLE_TEXT, "None of %zu hosts matches the filter, with those that are fine hidden.",
		    s->n_filtered + s->n_fine);
		canvas_text_w(c, 1, 1, c->w - 2, ROLE_DIM, "Esc clears it; w shows all.", false);
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
	struct canvas part = part_split_detail(c, &s->ld.split);
	struct pen pen = { .c = &part, .y = -s->ld.detail_top };
	const struct model_host_row *h = selected(s, v);
	const struct hosts_row *row = selected_row(s);

	if (h != NULL)
		hosts_detail_draw(&pen, v, h);
	else if (row != NULL && row->is_header)
		draw_group(&pen, row);
	part_more(&part, pen.y);
}

static void
hosts_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct hosts_panel *s = state_of(p);
	struct canvas list;

	if (part_not_recorded(c, v))
		return;
	if (s->ld.n == 0) {
		draw_empty(s, v, c);
		return;
	}
	list = canvas_sub(c, 0, 0, s->ld.split.list_w, s->ld.split.list_h);
	if (list.h > 0)
		hosts_rows_draw(s, v, &list);
	if (s->ld.split.kind != SPLIT_NONE)
		draw_detail(s, v, c);
}

static void
hosts_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct hosts_panel *s = state_of(p);
	struct hosts_counts n = { 0 };
	char counts[128], hidden[48] = "", beyond[LIST_DETAIL_TEXT_MAX];
	size_t n_hidden = s->n_filtered + s->n_fine;

	if (v->model == NULL) {
		snprintf(buf, size, "? not recorded");
		return;
	}
	for (size_t i = 0; i < model_n_hosts(v->model); i++)
		hosts_count(&n, v->model, model_host(v->model, i));
	if (n_hidden > 0)
		snprintf(hidden, sizeof hidden, "%zu not shown  ", n_hidden);
	list_detail_beyond(&s->ld, s->sort == HOSTS_SORT_GROUP, beyond);
	snprintf(buf, size, "%s%s%s%s%s", beyond, hidden, hosts_counts_text(&n, counts, sizeof counts),
	    s->sort != HOSTS_SORT_GROUP ? "  " : "",
	    s->sort != HOSTS_SORT_GROUP ? hosts_sort_name(s->sort) : "");
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
	s->is_wrong_only = false;
	s->n_folded = 0;
	if (h->def != NULL && h->def->groups.n > 0)
		group = h->def->groups.v[0];
	list_detail_show(&s->ld, hosts_id(s->sort == HOSTS_SORT_GROUP ? group : NULL, h->name));
}

static void
hosts_close(struct panel *p)
{
	struct hosts_panel *s = state_of(p);

	hosts_rows_done(s);
	free(s->folded);
	list_detail_done(&s->ld);
}

/* --- commands -------------------------------------------------------------------------------- */

static struct op *
open_row(struct hosts_panel *s)
{
	const struct hosts_row *row = selected_row(s);

	if (row != NULL && row->is_header)
		hosts_row_toggle(s, row->id);
	else
		list_detail_toggle(&s->ld);
	return NULL;
}

static struct op *
fold_all(struct hosts_panel *s)
{
	bool is_any_open = false;

	if (s->sort != HOSTS_SORT_GROUP)
		return op_text(OP_MESSAGE, "nothing is grouped: o sorts by group");
	for (int i = 0; i < s->ld.n; i++)
		is_any_open |= s->rows[i].is_header && !s->rows[i].is_folded;
	s->n_folded = 0;
	for (int i = 0; is_any_open && i < s->ld.n; i++)
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
		s->ld.list.selected_id = hosts_id(s->sort == HOSTS_SORT_GROUP ? group : NULL, h->name);
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

COMMAND(details, return open_row(s);)
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
	LIST_DETAIL_COMMANDS,
	{ 0 }
};

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
	.key = list_detail_key,
	.filter = list_detail_filter,
	.summary = hosts_summary,
	.close = hosts_close,
};
