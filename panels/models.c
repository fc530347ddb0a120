/*
 * Models: which version should serve, which one does and where, since when, and what moved. Behind Enter all that is
 * known of one: host by host, its versions with what was measured offline and online; two of them side by side.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "models.h"
#include "ui/key.h"

enum { TABLE_ROWS_MIN = 5, TABLE_ROWS_MAX = 20, SCROLL_END = 1 << 24 };

static struct models_panel *
state_of(const struct panel *p)
{
	return p->state;
}

static void
replace(char **slot, const char *text)
{
	char *old = *slot;

	*slot = xstrdup_or_null(text);
	free(old);
}

static bool
is_comparing(const struct models_panel *s)
{
	return s->left != NULL;
}

static void
close_compare(struct models_panel *s)
{
	replace(&s->left, NULL);
	replace(&s->right, NULL);
	s->ld.detail_top = 0;
}

static void
forget_versions(struct models_panel *s)
{
	close_compare(s);
	replace(&s->chosen, NULL);
	replace(&s->marked, NULL);
	s->is_following = false;
}

/* Side by side there is no list to move in. In order of name Home is no wish to see the worst from then on. */
static struct op *
models_move(struct panel *p, const struct view *v, int by)
{
	struct models_panel *s = state_of(p);

	(void)v;
	if (is_comparing(s)) {
		s->ld.detail_top = by == INT_MIN ? 0 : by == INT_MAX ? SCROLL_END : s->ld.detail_top + by;
		return NULL;
	}
	list_detail_move(&s->ld, by);
	s->ld.has_moved = true;
	return NULL;
}

static int
models_open(struct panel *p, const struct view *v, const struct op *op)
{
	(void)v;
	(void)op;
	state_of(p)->ld.move = models_move;
	return 0;
}

/* --- arranging ------------------------------------------------------------------------------- */

static int
table_rows(const struct models_panel *s)
{
	int rows = s->ld.split.detail_h / 3;

	return rows < TABLE_ROWS_MIN ? TABLE_ROWS_MIN : rows > TABLE_ROWS_MAX ? TABLE_ROWS_MAX : rows;
}

static void
draw_inside(const struct models_panel *s, const struct view *v, const struct models_item *item, struct pen *pen,
    int *ret_chosen_y)
{
	if (is_comparing(s))
		models_compare_draw(pen, v, s, item);
	else
		models_detail_draw(pen, v, s, item, table_rows(s), ret_chosen_y);
}

/* Scrolled no further than there is something; the version that a key has chosen is to be seen. */
static void
scroll(struct models_panel *s, const struct view *v)
{
	struct pen_measure measure;
	struct models_item item;
	int rows = 0, chosen_y = -1, h = s->ld.split.detail_h;

	if (s->ld.split.kind != SPLIT_NONE && (s->ld.detail_top > 0 || s->is_following) && models_selected(s, v, &item)) {
		draw_inside(s, v, &item, pen_measure(&measure, s->ld.split.detail_w), &chosen_y);
		rows = pen_measure_done(&measure);
	}
	if (s->is_following && chosen_y >= 0) {
		if (chosen_y > s->ld.detail_top + h - 3)
			s->ld.detail_top = chosen_y - h + 3;
		if (chosen_y < s->ld.detail_top + 2)
			s->ld.detail_top = chosen_y - 2;
	}
	s->is_following = false;
	list_detail_clamp(&s->ld, rows);
}

/* The model has them worst first, whatever order is shown. */
static void
select_worst(struct models_panel *s)
{
	int worst = 0;

	for (int i = 1; i < s->ld.n; i++)
		if (!s->rows[i].is_other && (s->rows[worst].is_other || s->rows[i].index < s->rows[worst].index))
			worst = i;
	s->ld.list.selected = worst;
	s->ld.list.selected_id = s->ld.ids[worst];
}

static void
arrange_list(struct models_panel *s, const struct view *v, int w, int h)
{
	int drift_lines = models_drift_lines(s, v);

	if (!s->ld.has_moved && s->ld.n > 0)
		select_worst(s);
	list_detail_split(&s->ld, w, h, s->ld.n + drift_lines + 1);
	if (is_comparing(s) && s->ld.split.kind != SPLIT_NONE)
		s->ld.split = (struct split){ .kind = SPLIT_FULL, .list_w = w, .detail_w = w, .detail_h = h };
	list_detail_fit(&s->ld, list_detail_header(&s->ld, LIST_HEADER_FROM, s->ld.n + drift_lines));
	/* They take only the room that no model needs. */
	s->n_drift_lines = s->ld.page - s->ld.n < drift_lines ? s->ld.page - s->ld.n : drift_lines;
	s->n_drift_lines = s->n_drift_lines < 0 ? 0 : s->n_drift_lines;
	if (is_comparing(s))
		s->ld.page = s->ld.split.detail_h;	/* what a page key goes through */
}

/* The row may have gone, and another one slid there: its versions are not these. */
static void
follow_selection(struct models_panel *s)
{
	if (s->ld.n == 0 || s->of == s->ld.list.selected_id)
		return;
	if (s->of != 0)
		forget_versions(s);
	if (s->of != 0 && !s->is_following)
		s->ld.detail_top = 0;
	s->of = s->ld.list.selected_id;
}

static void
models_arrange(struct panel *p, const struct view *v, int w, int h)
{
	struct models_panel *s = state_of(p);
	int64_t past_ns = v->range.cursor_ns == v->range.end_ns ? 0 : v->range.cursor_ns;

	models_rows_build(s, v->model);
	arrange_list(s, v, w, h);
	follow_selection(s);
	if (s->past_ns != past_ns)
		s->ld.detail_top = 0;
	s->past_ns = past_ns;
	scroll(s, v);
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
	pen_text(&pen, ROLE_TEXT, "No models are configured: which version should serve is not known here.");
	pen.y++;
	pen_field(&pen, "sources:", ROLE_DIM, "in opsconsole.yaml: a registry, type mlflow or http-json");
	pen_field(&pen, "models:", ROLE_DIM, "a name in it, an alias or stage, and PromQL or a URL that tells what each host "
	    "serves");
	pen.y++;
	pen_text(&pen, ROLE_DIM, "man opsconsole.yaml has examples to copy.");
}

static void
draw_empty(const struct models_panel *s, const struct view *v, struct canvas *c)
{
	if (s->n_filtered > 0 && (!s->is_wrong_only || *s->ld.refusal != '\0')) {
		list_detail_no_match(&s->ld, c, s->n_filtered, "models");
	} else if (s->n_filtered > 0) {
		canvas_printf(c, 1, 0, ROLE_TEXT, "None of %zu models matches the filter, with those that are fine hidden.",
		    s->n_filtered + s->n_fine);
		canvas_text_w(c, 1, 1, c->w - 2, ROLE_DIM, "Esc clears it; w shows all.", false);
	} else if (s->n_fine > 0) {
		canvas_printf(c, 1, 0, ROLE_OK, GLYPH_OK " Nothing is wrong with any of %zu models.",
		    model_n_models(v->model));
		canvas_text_w(c, 1, 1, c->w - 2, ROLE_DIM, "w shows all of them.", false);
	} else {
		draw_undefined(c, v);
	}
}

static void
draw_detail(const struct models_panel *s, const struct view *v, struct canvas *c)
{
	struct canvas part = part_split_detail(c, &s->ld.split);
	struct pen pen = { .c = &part, .y = -s->ld.detail_top };
	struct models_item item;

	if (!models_selected(s, v, &item))
		return;
	draw_inside(s, v, &item, &pen, NULL);
	part_more(&part, pen.y);
}

static void
models_draw(const struct panel *p, const struct view *v, struct canvas *c)
{
	const struct models_panel *s = state_of(p);
	struct canvas list;

	if (part_not_recorded(c, v))
		return;
	if (s->ld.n == 0) {
		draw_empty(s, v, c);
		return;
	}
	list = canvas_sub(c, 0, 0, s->ld.split.list_w, s->ld.split.list_h);
	if (list.h > 0)
		models_rows_draw(s, v, &list);
	if (s->ld.split.kind != SPLIT_NONE)
		draw_detail(s, v, c);
}

/* "1 out of step, 1 unknown, 1 moving, 3 in step; 12 not judged" */
static void
counts_text(const struct model *m, char *buf, size_t size)
{
	size_t n = 0, n_models = model_n_models(m), used = 0, others = model_n_other_models(m);

	*buf = '\0';
	/* They come sorted: those of one word stand together. */
	for (size_t i = 0; i < n_models && used < size; i++) {
		const char *word = part_model_word(model_model(m, i));

		n++;
		if (i + 1 < n_models && strcmp(part_model_word(model_model(m, i + 1)), word) == 0)
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%zu %s", used > 0 ? ", " : "", n, word);
		n = 0;
	}
	if (others > 0 && used < size)
		snprintf(buf + used, size - used, "%s%zu not judged", used > 0 ? "; " : "", others);
}

static void
models_summary(const struct panel *p, const struct view *v, char *buf, size_t size)
{
	const struct models_panel *s = state_of(p);
	char counts[128], hidden[48] = "", beyond[LIST_DETAIL_TEXT_MAX];
	size_t n_hidden = s->n_filtered + s->n_fine;

	if (v->model == NULL) {
		snprintf(buf, size, "? not recorded");
		return;
	}
	counts_text(v->model, counts, sizeof counts);
	if (n_hidden > 0)
		snprintf(hidden, sizeof hidden, "%zu not shown  ", n_hidden);
	snprintf(buf, size, "%s%s%s%s%s", list_detail_beyond(&s->ld, false, beyond), hidden, counts, s->sort != MODELS_SORT_WORST ? "  " : "",
	    s->sort != MODELS_SORT_WORST ? models_sort_name(s->sort) : "");
}

/* It is asked for by name: nothing may hide it. */
static void
models_show(struct panel *p, const struct view *v, const char *arg)
{
	struct models_panel *s = state_of(p);
	const struct model_model *m = part_model_find(v->model, arg);

	if (m == NULL)
		return;
	s->is_wrong_only = false;
	list_detail_show(&s->ld, models_id("", m->def->id));
	close_compare(s);
}

static void
models_close(struct panel *p)
{
	struct models_panel *s = state_of(p);

	models_rows_done(s);
	forget_versions(s);
	list_detail_done(&s->ld);
}

/* --- commands: the list ------------------------------------------------------------------------ */

static struct op *
toggle_detail(struct models_panel *s)
{
	if (is_comparing(s)) {
		close_compare(s);
		return NULL;
	}
	list_detail_toggle(&s->ld);
	return NULL;
}

static struct op *
none_selected(void)
{
	return op_text(OP_MESSAGE, "no model is selected");
}

static struct op *
show_host(const struct models_panel *s, const struct view *v)
{
	struct models_item item;
	struct op *op;

	if (!models_selected(s, v, &item))
		return none_selected();
	if (item.m == NULL || item.m->n_hosts == 0)
		return op_text(OP_MESSAGE, "which hosts serve %s is not known", item.name);
	op = op_text(OP_PANEL, "hosts");
	op->arg = xstrdup(item.m->hosts[0].host);
	return op;
}

static struct op *
graph_online(const struct models_panel *s, const struct view *v)
{
	struct models_item item;
	struct op *op;

	if (!models_selected(s, v, &item))
		return none_selected();
	if (item.m == NULL || item.m->def->n_online == 0)
		return op_text(OP_MESSAGE, "no online metric of %s is configured (online: of a model in "
		    "opsconsole.yaml)", item.name);
	op = op_text(OP_QUERY, "%s", item.m->def->online[0].expr);
	op->arg = xstrdup(item.m->def->online[0].source);
	return op;
}

/* --- commands: versions -------------------------------------------------------------------------- */

/* The selected model, if it has versions. Otherwise an op that says so. */
static struct op *
with_versions(const struct models_panel *s, const struct view *v, struct models_item *ret)
{
	if (!models_selected(s, v, ret))
		return none_selected();
	if (ret->reg == NULL || ret->reg->n_versions == 0)
		return op_text(OP_MESSAGE, "no version of %s is known", ret->name);
	return NULL;
}

static void
choose_version(struct models_panel *s, const char *version)
{
	replace(&s->chosen, version);
	close_compare(s);
	s->ld.has_moved = s->ld.is_detail = true;
	s->is_following = true;
}

static struct op *
step_version(struct models_panel *s, const struct view *v, int by)
{
	struct models_item item;
	struct op *op = with_versions(s, v, &item);
	int i, n, top = s->ld.detail_top;

	if (op != NULL)
		return op;
	n = (int)item.reg->n_versions;
	i = models_chosen_index(s, &item) + by;
	i = i < 0 ? 0 : i >= n ? n - 1 : i;
	if (is_comparing(s))
		top = 0;
	choose_version(s, item.reg->versions[i].version);
	s->ld.detail_top = top;
	return NULL;
}

static struct op *
go_to_version(struct models_panel *s, const struct view *v, const char *version)
{
	struct models_item item;
	struct op *op = with_versions(s, v, &item);

	if (op != NULL)
		return op;
	if (version == NULL)
		return op_text(OP_ERROR, "version needs one of the versions of %s, such as: version %s", item.name,
		    item.reg->versions[0].version);
	if (reg_version_find(item.reg, version) == NULL)
		return op_text(OP_ERROR, "%s has no version %s among the %zu that are known", item.name, version,
		    item.reg->n_versions);
	choose_version(s, version);
	return NULL;
}

static struct op *
compare(struct models_panel *s, const struct view *v)
{
	struct models_item item;
	struct op *op = with_versions(s, v, &item);
	const char *left, *right;

	if (op != NULL)
		return op;
	if (is_comparing(s)) {
		close_compare(s);
		return NULL;
	}
	if (!models_compare_pick(s, &item, &left, &right))
		return op_text(OP_MESSAGE, "%s has only one version", item.name);
	replace(&s->left, left);
	replace(&s->right, right);
	s->ld.has_moved = s->ld.is_detail = true;
	s->ld.detail_top = 0;
	return NULL;
}

/* The first mark waits for a second one, which compares the two. */
static struct op *
mark(struct models_panel *s, const struct view *v)
{
	struct models_item item;
	struct op *op = with_versions(s, v, &item);
	const char *version;

	if (op != NULL)
		return op;
	version = item.reg->versions[models_chosen_index(s, &item)].version;
	if (s->marked != NULL && strcmp(s->marked, version) != 0)
		return compare(s, v);
	replace(&s->marked, s->marked != NULL ? NULL : version);
	s->ld.has_moved = s->ld.is_detail = true;
	s->is_following = true;
	if (s->marked == NULL)
		return NULL;
	return op_text(OP_MESSAGE, "version %s is marked: n and p choose another one, v compares the two", version);
}

static struct op *
toggle_same(struct models_panel *s)
{
	if (!is_comparing(s))
		return op_text(OP_MESSAGE, "d puts two versions side by side; s then shows what is the same");
	s->is_same_shown = !s->is_same_shown;
	return NULL;
}

#define COMMAND(name, ...)								\
	static struct op *								\
	models_##name(struct panel *p, const struct view *v, const char *arg)		\
	{										\
		struct models_panel *s = state_of(p);					\
											\
		(void)v;								\
		(void)arg;								\
		__VA_ARGS__								\
	}

COMMAND(details, return toggle_detail(s);)
COMMAND(sort, s->sort = (s->sort + 1) % MODELS_SORTS; return NULL;)
COMMAND(wrong, s->is_wrong_only = !s->is_wrong_only; return NULL;)
COMMAND(host, return show_host(s, v);)
COMMAND(graph, return graph_online(s, v);)
COMMAND(next_version, return step_version(s, v, 1);)
COMMAND(previous_version, return step_version(s, v, -1);)
COMMAND(older_versions, return step_version(s, v, table_rows(s));)
COMMAND(newer_versions, return step_version(s, v, -table_rows(s));)
COMMAND(version, return go_to_version(s, v, arg);)
COMMAND(mark, return mark(s, v);)
COMMAND(compare, return compare(s, v);)
COMMAND(same, return toggle_same(s);)

static const struct command models_commands[] = {
	{ "details", "Enter", CMD_HINT, models_details, "show all of the model: hosts, what moved, versions" },
	{ "compare", "d", CMD_HINT, models_compare, "two versions side by side: the chosen and the marked or wanted one" },
	{ "mark", "v", CMD_HINT, models_mark, "mark the version chosen; a second mark compares the two" },
	{ "next-version", "n", CMD_HINT, models_next_version, "choose the next older version" },
	{ "previous-version", "p", 0, models_previous_version, "choose the next newer version" },
	{ "older-versions", "N", 0, models_older_versions, "a page of older versions" },
	{ "newer-versions", "P", 0, models_newer_versions, "a page of newer versions" },
	{ "version", NULL, CMD_ARG, models_version, "choose a version by its name" },
	{ "same", "s", 0, models_same, "side by side, show or hide what is the same" },
	{ "host", "h", CMD_HINT, models_host, "go to the hosts, to the first one that serves it wrongly" },
	{ "graph", "g", 0, models_graph, "graph its online metric in the metrics panel" },
	{ "wrong", "w", CMD_HINT, models_wrong, "show only models with something wrong, or all" },
	{ "sort", "o", 0, models_sort, "sort by worst, or by name" },
	LIST_DETAIL_COMMANDS,
	{ 0 }
};

/* Esc closes what was opened last, before it means anything else. */
static bool
models_key(struct panel *p, const struct view *v, int key, struct op **ret_op)
{
	struct models_panel *s = state_of(p);

	if (key != KEY_ESC || !is_comparing(s))
		return list_detail_key(p, v, key, ret_op);
	close_compare(s);
	s->is_following = true;
	return true;
}

const struct panel_ops panel_models = {
	.name = "models",
	.title = "Models",
	.help = "Which version should serve, and which one does, host by host; versions side by side; filter with / "
	    "(words, !word, state=out-of-step, version=7, host=web-01, registry=mlflow).",
	.state_size = sizeof(struct models_panel),
	.watches = MODEL_MODELS | MODEL_MARKERS | MODEL_SERIES | MODEL_SOURCES | MODEL_DRIFT |
	    MODEL_ENVIRONMENT,
	.commands = models_commands,
	.open = models_open,
	.show = models_show,
	.arrange = models_arrange,
	.draw = models_draw,
	.key = models_key,
	.filter = list_detail_filter,
	.summary = models_summary,
	.close = models_close,
};
