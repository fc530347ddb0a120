/* The list of what is watched for drift: filtered, sorted, a line each with its shades over time. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "drift.h"

enum { NAME_W_MIN = 8, NAME_W_MAX = 32, MODEL_W_MAX = 24, HEAT_W_MIN = 8, SINCE_FROM = 100, WIDE_FROM = 110,
	WIDEST_FROM = 160, MEASURED_MAX = 1000 };

const char *
drift_sort_name(enum drift_sort sort)
{
	static const char *const names[DRIFT_SORTS] = { "by model", "worst first", "by name" };

	return names[sort];
}

uint64_t
drift_hash(const char *id)
{
	uint64_t h = str_hash(id, strlen(id), STR_HASH_SEED);

	return h != 0 ? h : 1;
}

/* --- which of them --------------------------------------------------------------------------- */

static const char *const data_words[] = { [DRIFT_CLASSIC] = "histogram", [DRIFT_NATIVE] = "native", [DRIFT_CATEGORIES] = "categories",
	[DRIFT_GAUGE] = "gauge" };
/* What name=value may be in a filter. */
static const char *const keys[] = { "name", "model", "state", "kind", "data", "source", NULL };
static const char *const states[] = { "drifted", "moving", "unknown", "not enough data", "few data", "stale", "steady", NULL };

static bool
contains(const void *thing, const char *word)
{
	const struct model_drift *m = thing;
	const struct drift_def *d = m->def;
	const char *const texts[] = { d->name, d->title, part_drift_model(d), drift_kind_name(d->kind), data_words[d->data], d->source,
		d->metric, d->where, part_drift_word(m), m->drift != NULL ? drift_state_name(m->drift->state) : "" };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (str_contains(texts[i], word))
			return true;
	return false;
}

/* A word has no blanks: state=not-enough-data. */
static bool
is_state(const struct model_drift *m, const char *value)
{
	return part_filter_is_state(part_drift_word(m), value) || part_filter_is_state(drift_state_name(model_drift_state(m)), value);
}

static bool
member_is(const void *thing, const char *name, const char *value)
{
	const struct model_drift *m = thing;
	const struct drift_def *d = m->def;
	const struct {
		const char *name, *value;
	} members[] = { { "name", d->name }, { "model", part_drift_model(d) }, { "kind", drift_kind_name(d->kind) },
		{ "data", data_words[d->data] }, { "source", d->source } };

	if (strcmp(name, "state") == 0)
		return is_state(m, value);
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
		if (strcmp(members[i].name, name) == 0)
			return strcmp(members[i].value, value) == 0;
	return false;
}

struct pick {
	const struct drift_def *def;
	size_t order;		/* among all, worst first */
	size_t group;		/* of its model: order of the worst of it */
	bool is_quiet;		/* there is nothing to look at */
};

static int
by_order(const struct pick *x, const struct pick *y)
{
	return (x->order > y->order) - (x->order < y->order);
}

static int
by_model(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;
	int c = x->is_quiet - y->is_quiet;

	if (c == 0)
		c = strcmp(x->def->model, y->def->model);
	return c != 0 ? c : by_order(x, y);
}

static int
by_group(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;

	if (x->is_quiet != y->is_quiet)
		return x->is_quiet - y->is_quiet;
	return x->group != y->group ? (x->group < y->group ? -1 : 1) : by_order(x, y);
}

static int
by_name(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;
	int c = strcmp(x->def->name, y->def->name);

	return c != 0 ? c : by_order(x, y);
}

/* Models by the worst of each, and within each the worst first: the first row is the worst of all. What is quiet follows, in the
 * same way: none of it may stand above what is not. */
static void
group(struct pick *v, size_t n)
{
	size_t first = 0;

	qsort(v, n, sizeof *v, by_model);
	for (size_t i = 0; i < n; i++) {
		if (v[i].is_quiet != v[first].is_quiet || strcmp(v[i].def->model, v[first].def->model) != 0)
			first = i;
		v[i].group = v[first].order;
	}
	qsort(v, n, sizeof *v, by_group);
}

void
drift_rows_done(struct drift_panel *s)
{
	for (int i = 0; i < s->ld.n; i++)
		free(s->rows[i]);
	free(s->rows);
	s->rows = NULL;
	list_detail_clear(&s->ld);
}

void
drift_rows_build(struct drift_panel *s, const struct part_drifts *drifts)
{
	static const struct part_filter words = { contains, member_is };
	struct pick *v = xcalloc(drifts->n, sizeof *v);
	size_t n = 0;

	drift_rows_done(s);
	s->n_total = drifts->n;
	part_filter_refusal(s->ld.filter, keys, states, s->ld.refusal, sizeof s->ld.refusal);
	for (size_t i = 0; i < drifts->n && *s->ld.refusal == '\0'; i++) {
		struct model_drift row = part_drift(drifts, i);

		if (part_filter_matches(s->ld.filter, &words, &row))
			v[n++] = (struct pick){ .def = row.def, .order = i, .is_quiet = model_drift_state(&row) >= DRIFT_FEW };
	}
	if (n > 0 && s->sort == DRIFT_SORT_MODEL)
		group(v, n);
	else if (n > 0 && s->sort == DRIFT_SORT_NAME)
		qsort(v, n, sizeof *v, by_name);
	s->rows = xcalloc(n, sizeof *s->rows);
	s->ld.ids = xcalloc(n, sizeof *s->ld.ids);
	for (size_t i = 0; i < n; i++) {
		s->rows[i] = xstrdup(v[i].def->id);
		s->ld.ids[i] = drift_hash(v[i].def->id);
	}
	s->ld.n = (int)n;
	free(v);
}

/* --- columns --------------------------------------------------------------------------------- */

enum { COL_GLYPH, COL_STATE, COL_MODEL, COL_NAME, COL_KIND, COL_PSI, COL_NOISE, COL_N, COL_THEN, COL_SINCE, COL_HEAT, COL_WHY, COLS };

static int
clamp(int w, int min, int max)
{
	return w < min ? min : w > max ? max : w;
}

/* A window a column: more room than there are windows goes to the words beside them. */
static void
columns_of(const struct part_drifts *drifts, int w, int windows, struct column *cols)
{
	int model_w = 5, name_w = NAME_W_MIN;

	for (size_t i = 0; i < drifts->n && i < MEASURED_MAX; i++) {
		struct model_drift m = part_drift(drifts, i);
		int of_model = (int)str_width(part_drift_model(m.def)), of_name = (int)str_width(m.def->name);

		model_w = of_model > model_w ? of_model : model_w;
		name_w = of_name > name_w ? of_name : name_w;
	}
	cols[COL_GLYPH] = (struct column){ .title = "", .min = 1, .priority = 0 };
	cols[COL_STATE] = (struct column){ .title = "state", .min = 8, .priority = 4 };
	cols[COL_MODEL] = (struct column){ .title = "model", .min = clamp(model_w, 5, clamp(w / 6, 8, MODEL_W_MAX)), .priority = 3 };
	cols[COL_NAME] = (struct column){ .title = "name", .min = clamp(name_w, NAME_W_MIN, clamp(w / 5, NAME_W_MIN, NAME_W_MAX)),
		.priority = 0 };
	cols[COL_KIND] = (struct column){ .title = "kind", .min = 10, .priority = 9 };
	cols[COL_PSI] = (struct column){ .title = "PSI", .min = 6, .is_right = true, .priority = 0 };
	cols[COL_NOISE] = (struct column){ .title = "noise", .min = 5, .is_right = true, .priority = 1 };
	cols[COL_N] = (struct column){ .title = "n", .min = 5, .is_right = true, .priority = 2 };
	cols[COL_THEN] = (struct column){ .title = "n then", .min = 6, .is_right = true, .priority = 8 };
	cols[COL_SINCE] = (struct column){ .title = "for", .min = 6, .is_right = true, .priority = 7 };
	cols[COL_HEAT] = (struct column){ .title = " over time", .min = HEAT_W_MIN, .weight = w < WIDEST_FROM, .priority = 5 };
	cols[COL_WHY] = (struct column){ .title = "why", .min = 24, .weight = 1, .priority = 10 };
	if (w >= WIDEST_FROM)
		cols[COL_HEAT].min = clamp(windows + 1, HEAT_W_MIN + 4, w / 4);
	/* Shades tell better since when than one number does. */
	if (w < SINCE_FROM)
		cols[COL_SINCE].min = w;
	if (w < WIDE_FROM)
		cols[COL_KIND].min = cols[COL_THEN].min = w;
	columns_fit(cols, w >= WIDEST_FROM ? COLS : COL_WHY, w - 2);
}

/* --- drawing --------------------------------------------------------------------------------- */

/* "0.412", or "+1.2sd" where there is no PSI; of little data nothing is worked out, and nothing is amiss. */
static const char *
score_text(const struct drift_score *s, char *buf)
{
	if (s == NULL)
		snprintf(buf, PART_SCORE_MAX, "-");
	else if (s->measure == DRIFT_MEAN)
		snprintf(buf, PART_SCORE_MAX, fabs(s->value) < 10 ? "%+.1fsd" : "%+.0fsd", s->value);
	else
		part_score(s->value, false, buf);
	return buf;
}

static void
draw_numbers(struct canvas *row, const struct column *cols, const struct model_drift *m)
{
	const struct drift_score *s = part_drift_judged(m->drift);
	char text[PART_SCORE_MAX], n[NUM_TEXT_MAX];
	bool is_beyond = s != NULL && fabs(s->value) > s->floor;
	enum role role;

	part_drift_glyph(m, &role);
	if (!m->is_stale && m->drift->state == DRIFT_STEADY)
		role = is_beyond ? ROLE_STRONG : ROLE_TEXT;
	columns_cell(row, 0, &cols[COL_PSI], role, score_text(s, text));
	columns_cell(row, 0, &cols[COL_NOISE], ROLE_DIM, s != NULL ? part_score(s->floor, false, text) : "-");
	columns_cell(row, 0, &cols[COL_N], ROLE_TEXT, part_drift_n(m->drift->n_now, n));
	columns_cell(row, 0, &cols[COL_THEN], ROLE_DIM, part_drift_n(m->drift->n_then, n));
}

/* No numbers where they would be a guess: words, where they are told of the others as well, or over all the columns that have
 * nothing to say. */
static void
draw_blind(struct canvas *row, const struct column *cols, const struct model_drift *m, enum part_standing kind)
{
	int x = cols[COL_WHY].w > 0 ? cols[COL_WHY].x : cols[COL_PSI].x;
	const char *text = m->drift != NULL && *m->drift->why != '\0' ? m->drift->why :
	    kind == STANDING_PENDING ? "working it out …" : "not worked out yet";
	enum role role;

	part_drift_glyph(m, &role);
	canvas_text_w(row, x, 0, row->w - x - 1, kind == STANDING_PENDING ? ROLE_DIM : role, text, false);
}

struct heat {
	const struct drift_history *history;
	int n;			/* windows that had ended at the time shown */
};

/* Where there are fewer windows than columns, they stand below the heading. */
static void
draw_heat(struct canvas *row, const struct column *col, const struct heat *heat, const char *id)
{
	int room = col->w - 1;

	if (room > 0)
		part_drift_heat(row, col->x + 1, 0, heat->n < room ? heat->n : room, heat->history, id, heat->n);
}

static void
draw_row(struct canvas *c, int y, const struct view *v, const struct model_drift *m, const struct column *cols,
    const struct heat *heat, const struct part_drifts *drifts, bool has_model)
{
	struct canvas row = canvas_sub(c, 1, y, c->w - 1, 1);
	bool is_blind = part_drift_is_blind(m);
	char age[DURATION_TEXT_MAX];
	enum role role;
	const char *glyph = part_drift_glyph(m, &role);

	columns_cell(&row, 0, &cols[COL_GLYPH], role, glyph);
	columns_cell(&row, 0, &cols[COL_STATE], role, part_drift_word(m));
	columns_cell(&row, 0, &cols[COL_MODEL], ROLE_TEXT, has_model ? part_drift_model(m->def) : "");
	columns_cell(&row, 0, &cols[COL_NAME], ROLE_STRONG, m->def->name);
	columns_cell(&row, 0, &cols[COL_KIND], ROLE_DIM, drift_kind_name(m->def->kind));
	if (is_blind) {
		draw_blind(&row, cols, m, drifts->kind);
	} else {
		draw_numbers(&row, cols, m);
		columns_cell(&row, 0, &cols[COL_SINCE], ROLE_TEXT, view_age(v, m->drift->since_ns, age));
		columns_cell(&row, 0, &cols[COL_WHY], m->drift->state == DRIFT_STEADY ? ROLE_DIM : ROLE_TEXT, m->drift->why);
	}
	if (!is_blind || cols[COL_WHY].w > 0)
		draw_heat(&row, &cols[COL_HEAT], heat, m->def->id);
}

/* Of each group the model is named once, and again on top of the screen. */
static bool
is_first_of_model(const struct drift_panel *s, const struct part_drifts *drifts, int i, const struct model_drift *m)
{
	struct model_drift before;

	return i == s->ld.list.top || !part_drift_find(drifts, s->rows[i - 1], &before) ||
	    strcmp(before.def->model, m->def->model) != 0;
}

void
drift_rows_draw(const struct drift_panel *s, const struct view *v, const struct part_drifts *drifts, struct canvas *c)
{
	const struct drift_history *history = part_drift_history(v);
	struct heat heat = { history, part_drift_columns(v, history) };
	struct column cols[COLS] = { 0 };
	int y = 0;

	columns_of(drifts, c->w, heat.n, cols);
	if (s->ld.has_header) {
		struct canvas header = canvas_sub(c, 1, 0, c->w - 1, 1);

		columns_header(&header, y++, cols, COLS);
	}
	for (int i = s->ld.list.top; i < s->ld.list.top + s->ld.page && i < s->ld.n; i++, y++) {
		struct model_drift m;

		if (part_drift_find(drifts, s->rows[i], &m))
			draw_row(c, y, v, &m, cols, &heat, drifts, is_first_of_model(s, drifts, i, &m));
		if (v->is_focused && i == s->ld.list.selected)
			canvas_select(c, 0, y, c->w);
	}
	if (c->h >= DRIFT_LEGEND_FROM && cols[COL_HEAT].w > 1 && heat.n > 0)
		part_drift_legend(c, 1, c->h - 1);
}
