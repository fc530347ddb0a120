/* A line for each host: reachable or not, what it serves, how it does. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "hosts.h"

enum { VALUES_MAX = 6, NAME_W_MIN = 8, NAME_W_MAX = 32, MEASURED_MAX = 1000, BAR_W = 5, NUMBER_W = 6,
	BARS_FROM = 140, SERVES_MAX = 512, SERVES_W_MIN = 10, SERVES_W_MAX = 36, MODEL_SHOWN_MAX = 32 };
#define VALUE_OLD_NS (5 * NS_PER_MIN)

/* --- values -------------------------------------------------------------------------------------- */

bool
hosts_value_text(const struct view *v, const struct host_value *value, char *buf)
{
	num_format(buf, value->v, *value->def->unit != '\0' ? value->def->unit : "none");
	return view_time(v) - value->at_ns > VALUE_OLD_NS;
}

static const struct host_value *
value_of(const struct model_host_row *h, const struct query_def *def)
{
	for (size_t i = 0; i < h->n_values; i++)
		if (strcmp(h->values[i].def->id, def->id) == 0)
			return &h->values[i];
	return NULL;
}

struct value_column {
	const struct query_def *def;
	bool is_high;			/* of any host: then it is not left out */
};

static bool
is_high(const struct host_value *value)
{
	return !isnan(value->def->objective) && value->v > value->def->objective;
}

/* Queries for the health of hosts that any host has an answer to: the columns, in the order of the config. */
static int
value_columns(const struct model *m, struct value_column *v)
{
	const struct environment *e = model_environment(m);
	int n = 0;

	for (size_t i = 0; e != NULL && i < e->n_queries && n < VALUES_MAX; i++) {
		struct value_column col = { .def = &e->queries[i] };
		bool is_found = false;

		if (!str_has_prefix(col.def->id, "host:"))
			continue;
		for (size_t k = 0; k < model_n_hosts(m) && !col.is_high; k++) {
			const struct host_value *value = value_of(model_host(m, k), col.def);

			is_found |= value != NULL;
			col.is_high = value != NULL && is_high(value);
		}
		if (is_found)
			v[n++] = col;
	}
	return n;
}

static void
draw_value(struct canvas *row, const struct column *col, const struct view *v, const struct host_value *value)
{
	bool is_ratio = strcmp(value->def->unit, "ratio") == 0, is_old;
	char number[NUM_TEXT_MAX], text[NUM_TEXT_MAX + 2];
	struct column cell = *col;
	enum role role;

	is_old = hosts_value_text(v, value, number);
	role = is_old ? ROLE_STALE : is_high(value) ? ROLE_WARNING : ROLE_TEXT;
	snprintf(text, sizeof text, "%s%s", is_old ? GLYPH_STALE : is_high(value) ? "!" : "", number);
	if (is_ratio && col->w > NUMBER_W) {
		bar_draw(row, col->x, 0, BAR_W, role, value->v);
		cell.x += BAR_W + 1;
		cell.w -= BAR_W + 1;
	}
	columns_cell(row, 0, &cell, role, text);
}

/* --- what it serves -------------------------------------------------------------------------------- */

/* "spam-filter 6, ranker 3": what it should not serve first. */
static void
serving_text(const struct model_host_row *h, char *buf, size_t size)
{
	char model[MODEL_SHOWN_MAX], version[MODEL_SHOWN_MAX];

	*buf = '\0';
	for (int is_right = 0; is_right <= 1; is_right++)
		for (size_t i = 0; i < h->n_serving; i++) {
			const struct host_serving *s = &h->serving[i];
			size_t len = strlen(buf);

			if ((s->state == SERVE_RIGHT) != is_right)
				continue;
			snprintf(buf + len, size - len, "%s%s %s", len > 0 ? ", " : "",
			    str_escape_to(model, sizeof model, s->model),
			    str_escape_to(version, sizeof version, part_serve_text(s->state, s->version)));
		}
}

static void
draw_serving(struct canvas *row, const struct column *col, const struct model *m, const struct model_host_row *h)
{
	enum part_serve serves = part_host_serves(m, h);
	char text[SERVES_MAX];
	enum role role;
	const char *glyph;

	if (h->n_serving == 0 || col->w < 4)
		return;
	serving_text(h, text, sizeof text);
	glyph = part_serve_glyph(serves, &role);
	canvas_text(row, col->x, 0, role, glyph);
	canvas_text_w(row, col->x + 2, 0, col->w - 2, serves == PART_SERVES_RIGHT ? ROLE_TEXT : role, text, false);
}

/* --- columns ----------------------------------------------------------------------------------------- */

enum { COL_GLYPH, COL_NAME, COL_STATE, COL_SERVES, COL_VALUES, COL_TARGETS = COL_VALUES + VALUES_MAX, COL_ERROR,
	COLS };

struct table {
	struct column cols[COLS];
	struct value_column values[VALUES_MAX];
	int n_values;
	int targets, error;		/* their places: behind the values */
	int n;
};

static int
name_width(const struct hosts_panel *s, int w)
{
	int widest = NAME_W_MIN, most = w / 3 < NAME_W_MIN ? NAME_W_MIN : w / 3 > NAME_W_MAX ? NAME_W_MAX : w / 3;

	for (int i = 0; i < s->ld.n && i < MEASURED_MAX; i++) {
		int width = s->rows[i].host != NULL ? (int)str_width(s->rows[i].host) : 0;

		widest = width > widest ? width : widest;
	}
	return widest > most ? most : widest;
}

static int
serves_width(const struct hosts_panel *s, const struct model *m)
{
	int widest = SERVES_W_MIN;
	char text[SERVES_MAX];

	for (int i = 0; i < s->ld.n && i < MEASURED_MAX; i++) {
		const struct model_host_row *h = hosts_row_host(&s->rows[i], m);
		int w;

		if (h == NULL || h->n_serving == 0)
			continue;
		serving_text(h, text, sizeof text);
		w = 2 + (int)str_width(text);
		widest = w > widest ? w : widest;
	}
	return widest > SERVES_W_MAX ? SERVES_W_MAX : widest;
}

static void
table_of(const struct hosts_panel *s, const struct model *m, int w, struct table *t)
{
	struct column *cols = t->cols;

	t->n_values = value_columns(m, t->values);
	cols[COL_GLYPH] = (struct column){ .title = "", .min = 1, .priority = 0 };
	cols[COL_NAME] = (struct column){ .title = "host", .min = name_width(s, w), .priority = 0 };
	cols[COL_STATE] = (struct column){ .title = "state", .min = 7, .priority = 2 };
	cols[COL_SERVES] = (struct column){ .title = "serves", .min = serves_width(s, m), .weight = 1,
	    .priority = 1 };
	for (int i = 0; i < t->n_values; i++) {
		const struct query_def *def = t->values[i].def;
		bool has_bar = w >= BARS_FROM && strcmp(def->unit, "ratio") == 0;
		int width = has_bar ? BAR_W + 1 + NUMBER_W : NUMBER_W;

		cols[COL_VALUES + i] = (struct column){ .title = def->name, .min = width, .is_right = true,
			.priority = t->values[i].is_high ? 3 : 5 + i };
	}
	t->targets = COL_VALUES + t->n_values;
	t->error = t->targets + 1;
	t->n = t->error + 1;
	cols[t->targets] = (struct column){ .title = "targets", .min = 7, .is_right = true, .priority = 4 };
	cols[t->error] = (struct column){ .title = "error", .min = 16, .weight = 1, .priority = 20 };
	columns_fit(cols, t->n, w - 2);
}

/* --- rows ---------------------------------------------------------------------------------------------- */

/* "2/3": how many of its targets are up. */
static void
draw_targets(struct canvas *row, const struct column *col, const struct model_host_row *h)
{
	char text[48] = "-";
	size_t n_up = 0;

	for (size_t i = 0; i < h->n_targets; i++)
		n_up += h->targets[i].target->health == TARGET_UP;
	if (h->n_targets > 0)
		snprintf(text, sizeof text, "%zu/%zu", n_up, h->n_targets);
	columns_cell(row, 0, col, h->state == HOST_DOWN ? ROLE_CRITICAL : h->n_targets == 0 ? ROLE_DIM : ROLE_TEXT,
	    text);
}

static void
draw_host(struct canvas *row, const struct table *t, const struct view *v, const struct model_host_row *h)
{
	enum role role;
	const char *glyph = part_host_glyph(h->state, &role);

	columns_cell(row, 0, &t->cols[COL_GLYPH], role, glyph);
	columns_cell(row, 0, &t->cols[COL_NAME], ROLE_STRONG, h->name);
	columns_cell(row, 0, &t->cols[COL_STATE], role, host_state_name(h->state));
	draw_serving(row, &t->cols[COL_SERVES], v->model, h);
	for (int i = 0; i < t->n_values; i++) {
		const struct host_value *value = value_of(h, t->values[i].def);

		if (value != NULL && t->cols[COL_VALUES + i].w > 0)
			draw_value(row, &t->cols[COL_VALUES + i], v, value);
		else
			columns_cell(row, 0, &t->cols[COL_VALUES + i], ROLE_DIM, "-");
	}
	draw_targets(row, &t->cols[t->targets], h);
	columns_cell(row, 0, &t->cols[t->error], ROLE_TEXT, h->error);
}

static void
draw_header(struct canvas *c, int y, const struct hosts_row *row)
{
	const struct hosts_counts *n = &row->counts;
	enum role role = n->down > 0 ? ROLE_CRITICAL : n->wrong > 0 ? ROLE_WARNING : n->unknown > 0 ? ROLE_UNKNOWN :
	    ROLE_DIM;
	char counts[128];
	int x;

	canvas_text(c, 1, y, ROLE_KEY, row->is_folded ? "▸" : "▾");
	x = canvas_text_w(c, 3, y, c->w / 2, ROLE_TITLE, *row->group != '\0' ? row->group : "(in no group)", false);
	canvas_text_w(c, x + 2, y, c->w - x - 3, role, hosts_counts_text(n, counts, sizeof counts), false);
}

void
hosts_rows_draw(const struct hosts_panel *s, const struct view *v, struct canvas *c)
{
	struct table t = { 0 };
	int y = 0, indent = s->sort == HOSTS_SORT_GROUP ? 2 : 0;

	table_of(s, v->model, c->w - indent, &t);
	if (s->ld.has_header) {
		struct canvas header = canvas_sub(c, 1 + indent, 0, c->w - 1 - indent, 1);

		columns_header(&header, y++, t.cols, t.n);
	}
	for (int i = 0; i < s->ld.page && s->ld.list.top + i < s->ld.n; i++, y++) {
		const struct hosts_row *row = &s->rows[s->ld.list.top + i];
		const struct model_host_row *h = hosts_row_host(row, v->model);
		struct canvas line = canvas_sub(c, 1 + indent, y, c->w - 1 - indent, 1);

		if (row->is_header)
			draw_header(c, y, row);
		else if (h != NULL)
			draw_host(&line, &t, v, h);
		if (v->is_focused && s->ld.list.top + i == s->ld.list.selected)
			canvas_select(c, 0, y, c->w);
	}
}
