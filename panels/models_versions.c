/* The versions of a model: a few rows of them around the chosen one, and all that is known of that one. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "models.h"

enum { METRICS_MAX = 3, LISTED_MAX = 400, NAME_W_MIN = 10, NAME_W_MAX = 28, VALUE_W = 12 };

/* --- which one is chosen ----------------------------------------------------------------------- */

static int
index_of(const struct reg_model *reg, const char *version)
{
	for (size_t i = 0; i < reg->n_versions; i++)
		if (strcmp(reg->versions[i].version, version) == 0)
			return (int)i;
	return -1;
}

int
models_chosen_index(const struct models_panel *s, const struct models_item *item)
{
	int i = -1;

	if (item->reg == NULL || item->reg->n_versions == 0)
		return -1;
	if (s->chosen != NULL)
		i = index_of(item->reg, s->chosen);
	if (i < 0 && item->m != NULL && item->m->wanted != NULL)
		i = index_of(item->reg, item->m->wanted->version);
	return i < 0 ? 0 : i;
}

/* --- the table --------------------------------------------------------------------------------------- */

enum { COL_MARK, COL_VERSION, COL_NAMES, COL_HOSTS, COL_AGE, COL_BY, COL_METRICS,
	COLS_MAX = COL_METRICS + METRICS_MAX + 1 };	/* the last one has the tags */

/* A column of numbers: of the training run, or of what serves. */
struct metric_column {
	const char *metric;
	const struct online_def *online;	/* NULL: the offline one */
};

struct table {
	const struct view *v;
	const struct models_panel *s;
	const struct models_item *item;
	struct column cols[COLS_MAX];
	int n_cols;
	struct metric_column metrics[METRICS_MAX];
	int n_metrics;
};

static void
add_metric(struct table *t, const char *metric, const struct online_def *online)
{
	if (t->n_metrics < METRICS_MAX)
		t->metrics[t->n_metrics++] = (struct metric_column){ metric, online };
}

static bool
has_metric(const struct table *t, const char *metric)
{
	for (int i = 0; i < t->n_metrics; i++)
		if (strcmp(t->metrics[i].metric, metric) == 0)
			return true;
	return false;
}

/* Those with an online counterpart first, side by side; then others of the chosen version. */
static void
choose_metrics(struct table *t, const struct reg_version *chosen)
{
	const struct model_def *def = t->item->m != NULL ? t->item->m->def : NULL;

	for (size_t i = 0; def != NULL && i < def->n_online && t->n_metrics + 2 <= METRICS_MAX; i++) {
		add_metric(t, def->online[i].metric, NULL);
		add_metric(t, def->online[i].metric, &def->online[i]);
	}
	for (size_t i = 0; i < chosen->n_metrics && t->n_metrics < METRICS_MAX; i++)
		if (!has_metric(t, chosen->metrics[i].name))
			add_metric(t, chosen->metrics[i].name, NULL);
}

static int
version_width(const struct reg_model *reg, int from, int n)
{
	int widest = 7;

	for (int i = from; i < from + n; i++) {
		int w = (int)str_width(reg->versions[i].version);

		widest = w > widest ? w : widest;
	}
	return widest > 20 ? 20 : widest;
}

static void
columns_of(struct table *t, int w, int version_w)
{
	struct column *cols = t->cols;

	cols[COL_MARK] = (struct column){ .title = "", .min = 2, .priority = 0 };
	cols[COL_VERSION] = (struct column){ .title = "version", .min = version_w, .priority = 0 };
	cols[COL_NAMES] = (struct column){ .title = "alias, stage", .min = 12, .weight = 1, .priority = 1 };
	cols[COL_HOSTS] = (struct column){ .title = "hosts", .min = 5, .is_right = true, .priority = 2 };
	cols[COL_AGE] = (struct column){ .title = "age", .min = 6, .is_right = true, .priority = 3 };
	cols[COL_BY] = (struct column){ .title = "by", .min = 10, .priority = 6 };
	for (int i = 0; i < t->n_metrics; i++) {
		const char *title = t->metrics[i].online != NULL ? "online" : t->metrics[i].metric;

		cols[COL_METRICS + i] = (struct column){ .title = title, .min = 8, .is_right = true,
			.priority = 4 + i / 2 };
	}
	t->n_cols = COL_METRICS + t->n_metrics + 1;
	cols[t->n_cols - 1] = (struct column){ .title = "tags", .min = 16, .weight = 2, .priority = 7 };
	columns_fit(cols, t->n_cols, w);
}

/* How many hosts serve it now; "" where that is not known. */
static const char *
hosts_text(const struct models_item *item, const char *version, char *buf, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; item->m != NULL && i < item->m->n_hosts; i++)
		n += strcmp(item->m->hosts[i].version, version) == 0;
	snprintf(buf, size, "%zu", n);
	return item->m == NULL || item->m->serving_ns == 0 || n == 0 ? "" : buf;
}

static void
draw_numbers(struct canvas *row, const struct table *t, const struct reg_version *version)
{
	for (int i = 0; i < t->n_metrics; i++) {
		const struct reg_metric *metric = models_metric(version, t->metrics[i].metric);
		const struct column *col = &t->cols[COL_METRICS + i];
		char text[NUM_TEXT_MAX];

		snprintf(text, sizeof text, "%s", version->is_run_known ? "-" : "?");
		if (t->metrics[i].online != NULL)
			models_online_text(t->v, t->metrics[i].online, version->version, text);
		else if (metric != NULL)
			models_number(metric->value, text);
		columns_cell(row, 0, col, ROLE_TEXT, text);
	}
}

static void
tags_text(const struct labels *tags, char *buf, size_t size)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	part_labels(&b, tags, NULL, NULL);
	snprintf(buf, size, "%s", b.data);
	buf_done(&b);
}

/* A version that was never finished says so before anything else. */
static void
draw_names(struct canvas *row, const struct column *col, const struct reg_version *version, bool is_wanted)
{
	bool is_ready = *version->status == '\0' || strcmp(version->status, "READY") == 0;
	char names[PART_VERSIONS_MAX], status[96], text[PART_VERSIONS_MAX + 100];

	part_version_names(version, names);
	str_escape_to(status, sizeof status, version->status);
	snprintf(text, sizeof text, "%s%s%s", is_ready ? "" : status, is_ready || *names == '\0' ? "" : ", ",
	    names);
	columns_cell(row, 0, col, !is_ready ? ROLE_WARNING : is_wanted ? ROLE_STRONG : ROLE_TEXT, text);
}

static void
draw_version(struct canvas *c, int y, const struct table *t, const struct reg_version *version, bool is_chosen)
{
	struct canvas row = canvas_sub(c, 1, y, c->w - 1, 1);
	const struct model_model *m = t->item->m;
	bool is_marked = t->s->marked != NULL && strcmp(t->s->marked, version->version) == 0;
	bool is_judged = m != NULL && m->wanted != NULL, is_stale = m != NULL && m->is_serving_stale;
	bool is_wanted = is_judged && strcmp(m->wanted->version, version->version) == 0;
	const char *mark = is_chosen ? is_marked ? "▸*" : "▸" : is_marked ? " *" : "";
	char hosts[24], age[DURATION_TEXT_MAX], tags[256];
	const char *n_hosts = hosts_text(t->item, version->version, hosts, sizeof hosts);

	if (row.h == 0)
		return;
	tags_text(&version->tags, tags, sizeof tags);
	columns_cell(&row, 0, &t->cols[COL_MARK], ROLE_KEY, mark);
	columns_cell(&row, 0, &t->cols[COL_VERSION], is_chosen || is_wanted ? ROLE_STRONG : ROLE_TEXT,
	    version->version);
	draw_names(&row, &t->cols[COL_NAMES], version, is_wanted);
	columns_cell(&row, 0, &t->cols[COL_HOSTS],
	    is_stale ? ROLE_STALE : is_judged && !is_wanted ? ROLE_WARNING : ROLE_TEXT, n_hosts);
	columns_cell(&row, 0, &t->cols[COL_AGE], ROLE_TEXT, view_age(t->v, version->created_ns, age));
	columns_cell(&row, 0, &t->cols[COL_BY], ROLE_DIM, version->by);
	draw_numbers(&row, t, version);
	columns_cell(&row, 0, &t->cols[t->n_cols - 1], ROLE_DIM, tags);
}

/* "Versions: 4 to 13 of 10000 (n, p choose; v marks; d compares)" */
static void
draw_heading(struct pen *p, const struct reg_model *reg, int top, int rows)
{
	char title[160], left_out[64] = "";

	if (reg->n_left_out > 0)
		snprintf(left_out, sizeof left_out, ", and %zu older ones not kept", reg->n_left_out);
	if ((size_t)rows < reg->n_versions)
		snprintf(title, sizeof title, "Versions: %d to %d of %zu%s (n, p choose; v marks; d compares)",
		    top + 1, top + rows,
		    reg->n_versions, left_out);
	else
		snprintf(title, sizeof title, "Versions: %zu%s%s", reg->n_versions, left_out,
		    reg->n_versions > 1 ? " (n, p choose; v marks; d compares)" : "");
	pen_heading(p, title);
}

void
models_versions_draw(struct pen *p, const struct view *v, const struct models_panel *s,
    const struct models_item *item, int table_rows, int *ret_chosen_y)
{
	const struct reg_model *reg = item->reg;
	struct table t = { .v = v, .s = s, .item = item };
	int chosen = models_chosen_index(s, item), n, rows, top;

	if (chosen < 0)
		return;
	n = (int)reg->n_versions;
	rows = n < table_rows ? n : table_rows;
	top = chosen - rows / 2;
	top = top > n - rows ? n - rows : top;
	top = top < 0 ? 0 : top;
	p->y++;
	draw_heading(p, reg, top, rows);
	choose_metrics(&t, &reg->versions[chosen]);
	columns_of(&t, p->c->w - 2, version_width(reg, top, rows));
	if (p->y >= 0 && p->y < p->c->h) {
		struct canvas header = canvas_sub(p->c, 1, p->y, p->c->w - 1, 1);

		columns_header(&header, 0, t.cols, t.n_cols);
	}
	p->y++;
	for (int i = top; i < top + rows; i++, p->y++) {
		if (i == chosen && ret_chosen_y != NULL)
			*ret_chosen_y = p->y;
		if (p->y >= 0 && p->y < p->c->h)
			draw_version(p->c, p->y, &t, &reg->versions[i], i == chosen);
	}
}

/* --- all of one ------------------------------------------------------------------------------------ */

static void
draw_labels(struct pen *p, const char *title, const struct labels *labels)
{
	int name_w = p->name_w, widest = NAME_W_MIN;
	char heading[64];

	if (labels->n == 0)
		return;
	p->y++;
	snprintf(heading, sizeof heading, "%s: %zu", title, labels->n);
	pen_heading(p, heading);
	for (size_t i = 0; i < labels->n && i < LISTED_MAX; i++) {
		int w = (int)str_width(labels->v[i].name);

		widest = w > widest ? w : widest;
	}
	p->name_w = widest > NAME_W_MAX ? NAME_W_MAX : widest;
	for (size_t i = 0; i < labels->n && i < LISTED_MAX; i++)
		pen_field(p, labels->v[i].name, ROLE_TEXT,
		    *labels->v[i].value != '\0' ? labels->v[i].value : "(empty)");
	p->name_w = name_w;
	if (labels->n > LISTED_MAX)
		pen_printf(p, ROLE_DIM, "… and %zu more", labels->n - LISTED_MAX);
}

static const struct online_def *
online_of(const struct models_item *item, const char *metric)
{
	for (size_t i = 0; item->m != NULL && i < item->m->def->n_online; i++)
		if (strcmp(item->m->def->online[i].metric, metric) == 0)
			return &item->m->def->online[i];
	return NULL;
}

static void
metric_row(struct pen *p, const struct view *v, const char *name, const struct reg_metric *metric,
    bool is_run_known,
    const struct online_def *online, const char *version, int name_w)
{
	char number[NUM_TEXT_MAX] = "-", text[NUM_TEXT_MAX];
	int x = 2 + name_w;

	canvas_text_w(p->c, 1, p->y, name_w, ROLE_DIM, name, false);
	if (metric != NULL)
		models_number(metric->value, number);
	else if (!is_run_known)
		snprintf(number, sizeof number, "?");
	canvas_text_right(p->c, x + VALUE_W, p->y, ROLE_TEXT, number);
	if (online != NULL)
		canvas_text_right(p->c, x + 2 * VALUE_W + 1, p->y, ROLE_STRONG,
		    models_online_text(v, online, version, text));
	p->y++;
}

static int
metric_width(const struct reg_version *version, int w)
{
	int widest = NAME_W_MIN;

	for (size_t i = 0; i < version->n_metrics && i < LISTED_MAX; i++) {
		int width = (int)str_width(version->metrics[i].name);

		widest = width > widest ? width : widest;
	}
	widest = widest > NAME_W_MAX ? NAME_W_MAX : widest;
	return widest > w - 2 * VALUE_W - 6 && w - 2 * VALUE_W - 6 >= NAME_W_MIN ? w - 2 * VALUE_W - 6 : widest;
}

static void
draw_metrics(struct pen *p, const struct view *v, const struct models_item *item, const struct reg_version *version)
{
	const struct model_def *def = item->m != NULL ? item->m->def : NULL;
	size_t n_online = def != NULL ? def->n_online : 0;
	int name_w = metric_width(version, p->c->w);

	if (version->n_metrics == 0 && n_online == 0)
		return;
	p->y++;
	pen_heading(p, n_online > 0 ? "Metrics" : "Metrics of the training run");
	if (n_online > 0) {
		canvas_text_right(p->c, 2 + name_w + VALUE_W, p->y, ROLE_DIM, "offline");
		canvas_text_right(p->c, 3 + name_w + 2 * VALUE_W, p->y++, ROLE_DIM, "online");
	}
	for (size_t i = 0; i < n_online; i++)
		metric_row(p, v, def->online[i].metric, models_metric(version, def->online[i].metric),
		    version->is_run_known, &def->online[i],
		    version->version, name_w);
	for (size_t i = 0; i < version->n_metrics && i < LISTED_MAX; i++)
		if (online_of(item, version->metrics[i].name) == NULL)
			metric_row(p, v, version->metrics[i].name, &version->metrics[i], true, NULL,
			    version->version, name_w);
	if (version->n_metrics > LISTED_MAX)
		pen_printf(p, ROLE_DIM, "… and %zu more", version->n_metrics - LISTED_MAX);
}

void
models_version_facts(struct pen *p, const struct view *v, const struct models_item *item,
    const struct reg_version *version)
{
	char names[PART_VERSIONS_MAX], moment[PART_MOMENT_MAX], title[96], shown[64];

	p->y++;
	snprintf(title, sizeof title, "Version %s", str_escape_to(shown, sizeof shown, version->version));
	pen_heading(p, title);
	pen_field(p, "alias, stage", ROLE_TEXT, part_version_names(version, names));
	pen_field(p, "status", strcmp(version->status, "READY") == 0 ? ROLE_TEXT : ROLE_WARNING, version->status);
	pen_field(p, "made", version->created_ns != 0 ? ROLE_TEXT : ROLE_UNKNOWN,
	    version->created_ns != 0 ? part_moment(v, version->created_ns, moment) : "? not known");
	pen_field(p, "by", ROLE_TEXT, version->by);
	if (version->updated_ns != 0 && version->updated_ns != version->created_ns)
		pen_field(p, "changed", ROLE_TEXT, part_moment(v, version->updated_ns, moment));
	if (version->data_ns != 0)
		pen_field_printf(p, "its data", ROLE_TEXT, "until %s", part_moment(v, version->data_ns, moment));
	pen_field(p, "about", ROLE_TEXT, version->description);
	pen_field(p, "run", ROLE_TEXT, version->run);
	pen_field(p, "stored", ROLE_TEXT, version->uri);
	if (!version->is_run_known)
		pen_field(p, "metrics", ROLE_UNKNOWN,
		    "? the registry did not tell metrics and parameters of its run");
	draw_metrics(p, v, item, version);
	draw_labels(p, "Parameters", &version->params);
	draw_labels(p, "Tags", &version->tags);
}
