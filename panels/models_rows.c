/* The list of models: those of the config worst first, a line each; then what else the registries have. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "models.h"

enum { NAME_W_MIN = 8, NAME_W_MAX = 32, WANTED_W_MIN = 12, WANTED_W_NARROW = 20, WANTED_W_MAX = 28, SERVED_W_MIN = 12, SERVED_W_NARROW = 22, SERVED_W_MAX = 28,
	MEASURED_MAX = 1000, WIDE_FROM = 110, NARROW_TO = 72, DOUBT_W = 6, ROWS_MAX = 200000 };

const char *
models_sort_name(enum models_sort sort)
{
	static const char *const names[MODELS_SORTS] = { "worst first", "by name" };

	return names[sort];
}

/* --- what a row stands for --------------------------------------------------------------------- */

uint64_t
models_id(const char *source, const char *key)
{
	uint64_t h = str_hash(source, strlen(source) + 1, STR_HASH_SEED);

	h = str_hash(key, strlen(key), h);
	return h != 0 ? h : 1;
}

static struct models_item
item_of(const struct model_model *m)
{
	return (struct models_item){ m, m->reg, m->def->name, m->def->registry };
}

static bool
other_at(const struct model *m, size_t i, struct models_item *ret)
{
	const char *source = "";
	const struct reg_model *reg = i < model_n_other_models(m) ? model_other_model(m, i, &source) : NULL;

	if (reg == NULL)
		return false;
	*ret = (struct models_item){ NULL, reg, reg->name, source };
	return true;
}

static bool
other_find(const struct models_row *row, const struct model *m, struct models_item *ret)
{
	struct models_item item;

	if (other_at(m, row->index, &item) && strcmp(item.name, row->key) == 0 &&
	    strcmp(item.source, row->source) == 0) {
		*ret = item;
		return true;
	}
	for (size_t i = 0; other_at(m, i, &item); i++) {
		if (strcmp(item.name, row->key) == 0 && strcmp(item.source, row->source) == 0) {
			*ret = item;
			return true;
		}
	}
	return false;
}

bool
models_item_find(const struct models_row *row, const struct model *m, struct models_item *ret)
{
	const struct model_model *found = NULL;

	if (m == NULL)
		return false;
	if (row->is_other)
		return other_find(row, m, ret);
	if (row->index < model_n_models(m))
		found = model_model(m, row->index);
	if (found == NULL || strcmp(found->def->id, row->key) != 0)
		found = model_model_find(m, row->key);
	if (found != NULL)
		*ret = item_of(found);
	return found != NULL;
}

bool
models_selected(const struct models_panel *s, const struct view *v, struct models_item *ret)
{
	int i = list_detail_selected(&s->ld);

	return i >= 0 && models_item_find(&s->rows[i], v->model, ret);
}

/* --- filter -------------------------------------------------------------------------------------- */

static bool
serves(const struct models_item *item, const char *version, bool is_exact)
{
	for (size_t i = 0; item->m != NULL && i < item->m->n_hosts; i++) {
		const char *served = item->m->hosts[i].version;

		if (is_exact ? strcmp(served, version) == 0 : str_contains(served, version))
			return true;
	}
	return false;
}

static bool
contains(const void *thing, const char *word)
{
	const struct models_item *item = thing;
	const struct model_model *m = item->m;

	if (str_contains(item->name, word) || str_contains(item->source, word))
		return true;
	if (m == NULL)
		return str_contains("not judged", word);
	return str_contains(m->def->title, word) || str_contains(part_model_word(m), word) ||
	    (m->def->alias != NULL && str_contains(m->def->alias, word)) ||
	    (m->def->stage != NULL && str_contains(m->def->stage, word)) ||
	    (m->wanted != NULL && str_contains(m->wanted->version, word)) || serves(item, word, false);
}

/* A word has no blanks: state=out-of-step. */
static bool
is_state(const struct models_item *item, const char *value)
{
	return part_filter_is_state(item->m != NULL ? part_model_word(item->m) : "not judged", value);
}

static bool
serves_on(const struct models_item *item, const char *host)
{
	for (size_t i = 0; item->m != NULL && i < item->m->n_hosts; i++)
		if (strcmp(item->m->hosts[i].host, host) == 0)
			return true;
	return false;
}

static bool
member_is(const void *thing, const char *name, const char *value)
{
	const struct models_item *item = thing;

	if (strcmp(name, "name") == 0)
		return strcmp(item->name, value) == 0;
	if (strcmp(name, "registry") == 0)
		return strcmp(item->source, value) == 0;
	if (strcmp(name, "state") == 0)
		return is_state(item, value);
	if (strcmp(name, "version") == 0)
		return serves(item, value, true) ||
		    (item->m != NULL && item->m->wanted != NULL && strcmp(item->m->wanted->version, value) == 0);
	return strcmp(name, "host") == 0 && serves_on(item, value);
}

/* --- building -------------------------------------------------------------------------------------- */

struct pick {
	struct models_item item;
	size_t index;
};

static int
by_name(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;
	int c = (x->item.m == NULL) - (y->item.m == NULL);

	if (c == 0)
		c = strcmp(x->item.name, y->item.name);
	return c != 0 ? c : (x->index > y->index) - (x->index < y->index);
}

/* true: it is listed. */
static bool
is_listed(struct models_panel *s, const struct models_item *item)
{
	static const struct part_filter words = { contains, member_is };

	if (*s->ld.refusal != '\0' || !part_filter_matches(s->ld.filter, &words, item)) {
		s->n_filtered++;
		return false;
	}
	if (s->is_wrong_only && (item->m == NULL || part_model_is_fine(item->m))) {
		s->n_fine++;
		return false;
	}
	return true;
}

/* What name=value may be in a filter. */
static const char *const keys[] = { "name", "registry", "state", "version", "host", NULL };
static const char *const states[] = { "out of step", "unserved", "unknown", "old", "moving",
	"in step", "not judged", NULL };

static size_t
pick_all(struct models_panel *s, const struct model *m, struct pick *v)
{
	size_t n = 0, n_models = model_n_models(m), n_others = model_n_other_models(m);

	s->n_filtered = s->n_fine = 0;
	part_filter_refusal(s->ld.filter, keys, states, s->ld.refusal, sizeof s->ld.refusal);
	for (size_t i = 0; i < n_models; i++) {
		v[n] = (struct pick){ item_of(model_model(m, i)), i };
		n += is_listed(s, &v[n].item);
	}
	for (size_t i = 0; i < n_others && n < ROWS_MAX; i++) {
		v[n].index = i;
		n += other_at(m, i, &v[n].item) && is_listed(s, &v[n].item);
	}
	return n;
}

void
models_rows_done(struct models_panel *s)
{
	for (int i = 0; i < s->ld.n; i++) {
		free(s->rows[i].key);
		free(s->rows[i].source);
	}
	free(s->rows);
	s->rows = NULL;
	list_detail_clear(&s->ld);
}

static struct models_row
row_of(const struct pick *pick)
{
	const struct models_item *item = &pick->item;
	const char *key = item->m != NULL ? item->m->def->id : item->name;

	const char *source = item->m != NULL ? NULL : item->source;

	return (struct models_row){ .id = models_id(source != NULL ? source : "", key), .is_other = source != NULL,
		.index = pick->index, .key = xstrdup(key), .source = xstrdup_or_null(source) };
}

void
models_rows_build(struct models_panel *s, const struct model *m)
{
	struct pick *v;
	size_t n;

	models_rows_done(s);
	if (m == NULL)
		return;
	v = xcalloc(model_n_models(m) + model_n_other_models(m) + 1, sizeof *v);
	n = pick_all(s, m, v);
	if (n > 0 && s->sort == MODELS_SORT_NAME)
		qsort(v, n, sizeof *v, by_name);
	s->rows = xcalloc(n, sizeof *s->rows);
	s->ld.ids = xcalloc(n, sizeof *s->ld.ids);
	for (size_t i = 0; i < n; i++) {
		s->rows[i] = row_of(&v[i]);
		s->ld.ids[i] = s->rows[i].id;
	}
	s->ld.n = (int)n;
	free(v);
}

/* --- drawing --------------------------------------------------------------------------------- */

enum { COL_GLYPH, COL_STATE, COL_NAME, COL_WANTED, COL_SERVED, COL_SINCE, COL_MOVED, COL_AGE, COL_DATA, COL_BY,
	COL_WHY, COLS };

struct widths {
	int name, wanted, served;
};

static int
clamp(int w, int min, int max)
{
	return w < min ? min : w > max ? max : w;
}

static struct widths
measure(const struct models_panel *s, const struct model *m)
{
	struct widths widths = { NAME_W_MIN, WANTED_W_MIN, SERVED_W_MIN };
	char text[PART_VERSIONS_MAX];

	for (int i = 0; i < s->ld.n && i < MEASURED_MAX; i++) {
		struct models_item item;
		int w;

		if (!models_item_find(&s->rows[i], m, &item))
			continue;
		w = (int)str_width(item.name);
		widths.name = w > widths.name ? w : widths.name;
		w = item.m != NULL ? (int)str_width(part_model_wanted(item.m, text)) +
		    (part_model_is_doubtful(m, item.m) ? DOUBT_W : 0) : 0;
		widths.wanted = w > widths.wanted ? w : widths.wanted;
		w = item.m != NULL ? (int)str_width(part_model_served(item.m, SERVED_W_MAX, text)) : 0;
		widths.served = w > widths.served ? w : widths.served;
	}
	return widths;
}

static void
columns_of(const struct models_panel *s, const struct model *m, int w, bool has_why, struct column *cols)
{
	struct widths widths = measure(s, m);
	int most = clamp(w / 3, NAME_W_MIN, NAME_W_MAX);

	cols[COL_GLYPH] = (struct column){ .title = "", .min = 1, .priority = 0 };
	cols[COL_STATE] = (struct column){ .title = "state", .min = 11, .priority = 3 };
	cols[COL_NAME] = (struct column){ .title = "model", .min = clamp(widths.name, NAME_W_MIN, most), .priority = 0 };
	cols[COL_WANTED] = (struct column){ .title = "should serve", .min = clamp(widths.wanted, WANTED_W_MIN,
		has_why ? WANTED_W_MAX : WANTED_W_NARROW), .priority = 2 };
	cols[COL_SERVED] = (struct column){ .title = "serves", .min = clamp(widths.served,
		SERVED_W_MIN, has_why ? SERVED_W_MAX : w < NARROW_TO ? SERVED_W_MIN : SERVED_W_NARROW), .weight = !has_why, .priority = 1 };
	cols[COL_SINCE] = (struct column){ .title = "for", .min = 6, .is_right = true, .priority = 4 };
	cols[COL_MOVED] = (struct column){ .title = "moved", .min = 8, .is_right = true, .priority = 6 };
	cols[COL_AGE] = (struct column){ .title = "age", .min = 6, .is_right = true, .priority = 5 };
	cols[COL_DATA] = (struct column){ .title = "data", .min = 6, .is_right = true, .priority = 7 };
	cols[COL_BY] = (struct column){ .title = "by", .min = 10, .priority = 8 };
	cols[COL_WHY] = (struct column){ .title = "why", .min = 24, .weight = 1, .priority = 9 };
	columns_fit(cols, has_why ? COLS : COL_WHY, w - 2);
}

/* ~ and the age before what is too old to be believed, or could not be looked at anew. */
static void
draw_doubtful(struct canvas *row, const struct column *col, bool is_stale, const char *age, enum role role,
    const char *text)
{
	char shown[PART_VERSIONS_MAX + DURATION_TEXT_MAX + 4];

	snprintf(shown, sizeof shown, "%s%s%s%s", is_stale ? GLYPH_STALE : "", is_stale ? age : "", is_stale ? " " : "",
	    text);
	columns_cell(row, 0, col, is_stale ? ROLE_STALE : role, shown);
}

/* How old the version that should serve is, and how old its data. */
static void
draw_ages(struct canvas *row, const struct column *cols, const struct view *v, const struct model_model *m)
{
	char age[DURATION_TEXT_MAX], moved[DURATION_TEXT_MAX + 8] = "-";
	int64_t made_ns = m->wanted != NULL ? m->wanted->created_ns : 0;
	int64_t data_ns = m->wanted != NULL ? m->wanted->data_ns : 0, now = view_time(v);
	bool is_old = m->def->max_age_ns > 0 && made_ns != 0 && now - made_ns > m->def->max_age_ns;
	bool is_data_old = m->def->max_data_age_ns > 0 && data_ns != 0 && now - data_ns > m->def->max_data_age_ns;
	bool is_seen = *m->previous != '\0' && m->wanted_since_ns != 0;

	if (is_seen)
		snprintf(moved, sizeof moved, GLYPH_CHANGED " %s", view_age(v, m->wanted_since_ns, age));
	columns_cell(row, 0, &cols[COL_MOVED], is_seen ? ROLE_CHANGED : ROLE_DIM, moved);
	columns_cell(row, 0, &cols[COL_AGE], is_old ? ROLE_WARNING : ROLE_TEXT, view_age(v, made_ns, age));
	columns_cell(row, 0, &cols[COL_DATA], is_data_old ? ROLE_WARNING : ROLE_TEXT, view_age(v, data_ns, age));
	columns_cell(row, 0, &cols[COL_BY], ROLE_DIM, m->wanted != NULL ? m->wanted->by : "");
}

static void
draw_model(struct canvas *row, const struct column *cols, const struct view *v, const struct model_model *m,
    bool has_why)
{
	char text[PART_VERSIONS_MAX], age[DURATION_TEXT_MAX];
	bool is_right = m->n_right == m->n_hosts && m->n_hosts > 0, is_doubtful = part_model_is_doubtful(v->model, m);
	enum role role;
	const char *glyph = part_model_glyph(m, &role);

	if (is_doubtful && part_model_is_fine(m))
		role = ROLE_STALE;
	columns_cell(row, 0, &cols[COL_GLYPH], role, glyph);
	columns_cell(row, 0, &cols[COL_STATE], role, part_model_word(m));
	columns_cell(row, 0, &cols[COL_NAME], ROLE_STRONG, m->def->name);
	draw_doubtful(row, &cols[COL_WANTED], is_doubtful, view_age(v, m->reg_ns, age), m->wanted != NULL ? ROLE_TEXT : ROLE_UNKNOWN,
	    part_model_wanted(m, text));
	draw_doubtful(row, &cols[COL_SERVED], m->is_serving_stale && m->serving_ns != 0, "", is_right ? ROLE_TEXT : role,
	    part_model_served(m, cols[COL_SERVED].w - 2 * m->is_serving_stale, text));
	columns_cell(row, 0, &cols[COL_SINCE], ROLE_TEXT, view_age(v, m->since_ns, age));
	draw_ages(row, cols, v, m);
	if (has_why)
		columns_cell(row, 0, &cols[COL_WHY], part_model_is_fine(m) ? ROLE_DIM : ROLE_TEXT, m->why);
}

/* "champion 12", of any alias it has; else its newest version. */
static const char *
other_text(const struct reg_model *reg, char *buf)
{
	char alias[96], version[96];

	if (reg->n_aliases > 0)
		snprintf(buf, PART_VERSIONS_MAX, "%s %s", str_escape_to(alias, sizeof alias, reg->aliases[0].alias),
		    str_escape_to(version, sizeof version, reg->aliases[0].version));
	else if (reg->n_versions > 0)
		snprintf(buf, PART_VERSIONS_MAX, "%s %s", *reg->versions[0].stage != '\0' ?
		    str_escape_to(alias, sizeof alias, reg->versions[0].stage) : "newest",
		    str_escape_to(version, sizeof version, reg->versions[0].version));
	else
		snprintf(buf, PART_VERSIONS_MAX, "no versions");
	return buf;
}

static void
draw_other(struct canvas *row, const struct column *cols, const struct view *v, const struct models_item *item,
    bool has_why)
{
	const struct reg_version *newest = item->reg->n_versions > 0 ? &item->reg->versions[0] : NULL;
	char text[PART_VERSIONS_MAX], age[DURATION_TEXT_MAX];

	columns_cell(row, 0, &cols[COL_GLYPH], ROLE_DIM, "·");
	columns_cell(row, 0, &cols[COL_STATE], ROLE_DIM, "not judged");
	columns_cell(row, 0, &cols[COL_NAME], ROLE_DIM, item->name);
	columns_cell(row, 0, &cols[COL_WANTED], ROLE_DIM, other_text(item->reg, text));
	columns_cell(row, 0, &cols[COL_SINCE], ROLE_DIM, "");
	columns_cell(row, 0, &cols[COL_AGE], ROLE_DIM, newest != NULL ? view_age(v, newest->created_ns, age) : "");
	columns_cell(row, 0, &cols[COL_BY], ROLE_DIM, newest != NULL ? newest->by : "");
	if (!has_why)
		return;
	snprintf(text, sizeof text, "%zu version%s in %.200s; the config does not name it",
	    item->reg->n_versions + item->reg->n_left_out,
	    item->reg->n_versions + item->reg->n_left_out == 1 ? "" : "s", item->source);
	columns_cell(row, 0, &cols[COL_WHY], ROLE_DIM, text);
}

/* --- what has drifted ------------------------------------------------------------------------- */

int
models_drift_lines(const struct models_panel *s, const struct view *v)
{
	struct part_drifts drifts = part_drifts(v);
	int n = 0;

	for (int i = 0; i < s->ld.n && drifts.n > 0; i++) {
		struct models_item item;
		struct model_drift worst;

		n += models_item_find(&s->rows[i], v->model, &item) && item.m != NULL && part_drift_of_model(&drifts, item.m->def->id, &worst);
	}
	return n;
}

/* "PSI url_count .41 (noise .06, n 5.1k) ●" below its model. false: nothing of it has moved. */
static bool
draw_drift(struct canvas *c, int y, const struct column *name, const struct part_drifts *drifts, const struct models_item *item)
{
	char text[PART_DRIFT_SHORT_MAX];
	struct model_drift worst;
	enum role role;
	const char *glyph;
	int x = 1 + name->x;

	if (item->m == NULL || !part_drift_of_model(drifts, item->m->def->id, &worst))
		return false;
	glyph = part_drift_glyph(&worst, &role);
	x = canvas_text(c, canvas_text(c, x, y, role, glyph), y, ROLE_TEXT, " ");
	canvas_text_w(c, x, y, c->w - x - 1, ROLE_TEXT, part_drift_short(&worst, text), false);
	return true;
}

void
models_rows_draw(const struct models_panel *s, const struct view *v, struct canvas *c)
{
	struct part_drifts drifts = part_drifts(v);
	struct column cols[COLS] = { 0 };
	bool has_why = c->w >= WIDE_FROM;
	int y = 0, drift_lines = s->n_drift_lines;

	columns_of(s, v->model, c->w, has_why, cols);
	if (s->ld.has_header) {
		struct canvas header = canvas_sub(c, 1, 0, c->w - 1, 1);

		columns_header(&header, y++, cols, has_why ? COLS : COL_WHY);
	}
	for (int i = 0; i < s->ld.page && s->ld.list.top + i < s->ld.n; i++, y++) {
		struct canvas row = canvas_sub(c, 1, y, c->w - 1, 1);
		struct models_item item;
		bool is_there = models_item_find(&s->rows[s->ld.list.top + i], v->model, &item);

		if (is_there && item.m != NULL)
			draw_model(&row, cols, v, item.m, has_why);
		else if (is_there)
			draw_other(&row, cols, v, &item, has_why);
		if (v->is_focused && s->ld.list.top + i == s->ld.list.selected)
			canvas_select(c, 0, y, c->w);
		if (is_there && drift_lines > 0 && draw_drift(c, y + 1, &cols[COL_NAME], &drifts, &item)) {
			drift_lines--;
			y++;
		}
	}
}
