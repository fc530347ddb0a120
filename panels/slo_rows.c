/* The list of objectives: filtered, sorted, a line each. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "slo.h"

enum { NAME_W_MIN = 8, NAME_W_MAX = 32, BAR_W = 14, BAR_W_NARROW = 8, BAR_W_WIDE = 16, TREND_W = 16, NARROW_TO = 72,
	WIDE_FROM = 110, TREND_W_MAX = 49 };

const char *
slo_sort_name(enum slo_sort sort)
{
	static const char *const names[SLO_SORTS] = { "most urgent first", "least left first", "by name" };

	return names[sort];
}

uint64_t
slo_hash(const char *id)
{
	uint64_t h = str_hash(id, strlen(id), STR_HASH_SEED);

	return h != 0 ? h : 1;
}

/* --- which of them --------------------------------------------------------------------------- */

static bool
contains(const void *thing, const char *word)
{
	const struct model_slo *m = thing;
	const struct slo_def *d = m->def;
	const char *const texts[] = { d->name, d->title, d->service, d->kind, d->source, d->where, slo_origin_name(d->origin),
		part_slo_word(m), m->is_stale ? "stale" : "" };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (str_contains(texts[i], word))
			return true;
	return false;
}

static const char *const keys[] = { "name", "service", "kind", "source", "origin", "state", NULL };
static const char *const states[] = { "page", "ticket", "spent", "exhausted", "no data", "unknown", "gated", "ok", "excluded", "stale", NULL };

/* As it is shown, or by its stable name. */
static bool
state_is(const struct model_slo *m, const char *value)
{
	return part_filter_is_state(part_slo_word(m), value) || (m->is_stale && strcmp(value, "stale") == 0) ||
	    strcmp(m->slo != NULL ? slo_state_name(m->slo->state) : "unknown", value) == 0;
}

static bool
member_is(const void *thing, const char *name, const char *value)
{
	const struct model_slo *m = thing;
	const struct slo_def *d = m->def;
	const struct {
		const char *name, *value;
	} members[] = { { "name", d->name }, { "service", d->service }, { "kind", d->kind }, { "source", d->source },
		{ "origin", slo_origin_name(d->origin) } };

	if (strcmp(name, "state") == 0)
		return state_is(m, value);
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
		if (strcmp(members[i].name, name) == 0)
			return strcmp(members[i].value, value) == 0;
	return false;
}

struct pick {
	struct model_slo row;
	size_t order;		/* among all, most urgent first */
};

static int
by_left(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;
	double left = x->row.slo != NULL ? x->row.slo->left : NAN, than = y->row.slo != NULL ? y->row.slo->left : NAN;

	if (isnan(left) != isnan(than))
		return isnan(left) ? 1 : -1;
	if (left < than || left > than)
		return left < than ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static int
by_name(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;
	int c = strcmp(x->row.def->name, y->row.def->name);

	return c != 0 ? c : (x->order > y->order) - (x->order < y->order);
}

void
slo_rows_done(struct slo_panel *s)
{
	for (int i = 0; i < s->ld.n; i++)
		free(s->rows[i]);
	free(s->rows);
	s->rows = NULL;
	list_detail_clear(&s->ld);
}

void
slo_rows_build(struct slo_panel *s, const struct part_slos *slos)
{
	static const struct part_filter words = { contains, member_is };
	struct pick *v = xcalloc(slos->n, sizeof *v);
	size_t n = 0;

	slo_rows_done(s);
	s->n_total = slos->n;
	part_filter_refusal(s->ld.filter, keys, states, s->ld.refusal, sizeof s->ld.refusal);
	for (size_t i = 0; i < slos->n; i++) {
		struct model_slo row = part_slo(slos, i);

		if (*s->ld.refusal != '\0' || !part_filter_matches(s->ld.filter, &words, &row))
			continue;
		v[n] = (struct pick){ row, n };
		n++;
	}
	if (n > 0 && s->sort != SLO_SORT_URGENT)
		qsort(v, n, sizeof *v, s->sort == SLO_SORT_LEFT ? by_left : by_name);
	s->rows = xcalloc(n, sizeof *s->rows);
	s->ld.ids = xcalloc(n, sizeof *s->ld.ids);
	for (size_t i = 0; i < n; i++) {
		s->rows[i] = xstrdup(v[i].row.def->id);
		s->ld.ids[i] = slo_hash(v[i].row.def->id);
	}
	s->ld.n = (int)n;
	free(v);
}

/* --- drawing --------------------------------------------------------------------------------- */

enum { COL_GLYPH, COL_STATE, COL_NAME, COL_SERVICE, COL_TARGET, COL_BAR, COL_LEFT, COL_TIME, COL_BURN,
	COL_GONE, COL_TREND, COLS };

static int
name_width(const struct part_slos *slos, int w)
{
	int widest = NAME_W_MIN, most = w < NARROW_TO ? w * 3 / 10 : w / 3;

	for (size_t i = 0; i < slos->n && i < 1000; i++) {
		int width = (int)str_width(part_slo(slos, i).def->name);

		widest = width > widest ? width : widest;
	}
	most = most < NAME_W_MIN ? NAME_W_MIN : most > NAME_W_MAX ? NAME_W_MAX : most;
	return widest > most ? most : widest;
}

/* Narrow, as beside metrics, everything is as short as it can be, and rates go without their window. */
static void
columns_of(const struct part_slos *slos, int w, struct column *cols)
{
	bool is_narrow = w < NARROW_TO;
	int bar_w = is_narrow ? BAR_W_NARROW : w < WIDE_FROM ? BAR_W : BAR_W_WIDE;

	cols[COL_GLYPH] = (struct column){ .title = "", .min = 1, .priority = 0 };
	cols[COL_STATE] = (struct column){ .title = "state", .min = 8, .priority = 3 };
	cols[COL_NAME] = (struct column){ .title = "objective", .min = name_width(slos, w), .priority = 0 };
	cols[COL_SERVICE] = (struct column){ .title = "service", .min = 12, .priority = 7 };
	cols[COL_TARGET] = (struct column){ .title = "target", .min = 7, .is_right = true, .priority = 5 };
	cols[COL_BAR] = (struct column){ .title = "budget", .min = bar_w, .priority = 4 };
	cols[COL_LEFT] = (struct column){ .title = "left", .min = is_narrow ? 5 : 6, .is_right = true, .priority = 0 };
	cols[COL_TIME] = (struct column){ .title = "as time", .min = 7, .is_right = true, .priority = 6 };
	cols[COL_BURN] = (struct column){ .title = "burn", .min = is_narrow ? 6 : 9, .is_right = true, .priority = 2 };
	cols[COL_GONE] = (struct column){ .title = is_narrow ? "gone" : "gone in", .min = is_narrow ? 6 : 7, .is_right = true,
		.priority = 1 };
	cols[COL_TREND] = (struct column){ .title = " over the window", .min = TREND_W, .weight = 1, .priority = 8 };
	columns_fit(cols, COLS, w - 2);
	if (cols[COL_TREND].w > TREND_W_MAX)	/* wider says no more */
		cols[COL_TREND].w = TREND_W_MAX;
}

/* A low budget warns before anything fires. */
static enum role
bar_role(const struct model_slo *m)
{
	if (m->is_stale)
		return ROLE_STALE;
	switch (m->slo->state) {
	case SLO_PAGE: case SLO_EXHAUSTED: return ROLE_CRITICAL;
	case SLO_TICKET: case SLO_GATED: return ROLE_WARNING;
	case SLO_EXCLUDED: return ROLE_DIM;
	case SLO_OK: case SLO_NO_DATA: case SLO_UNKNOWN: break;
	}
	return m->slo->left < 0.1 ? ROLE_WARNING : ROLE_OK;
}

static void
draw_bar(struct canvas *row, const struct column *col, const struct model_slo *m)
{
	char share[SLO_SHARE_MAX], text[SLO_SHARE_MAX + 8];

	if (col->w <= 0)
		return;
	if (m->slo->left > 0) {
		bar_draw(row, col->x, 0, col->w, bar_role(m), m->slo->left);
		return;
	}
	snprintf(text, sizeof text, "spent %s", slo_share_text(share, 1 - m->slo->left));
	columns_cell(row, 0, col, ROLE_CRITICAL, (int)str_width(text) <= col->w ? text : "spent");
}

static void
draw_pace(struct canvas *row, const struct column *cols, const struct slo *s)
{
	char rate[SLO_RATE_MAX], window[DURATION_TEXT_MAX], text[SLO_RATE_MAX + DURATION_TEXT_MAX], in[DURATION_TEXT_MAX] = "?";

	slo_rate_text(rate, s->burn);
	if (isnan(s->burn) || cols[COL_BURN].w < 9)
		snprintf(text, sizeof text, "%s", rate);
	else
		snprintf(text, sizeof text, "%s %-3s", rate, part_window(s->burn_window_ns, window));
	columns_cell(row, 0, &cols[COL_BURN], ROLE_TEXT, text);
	if (s->left <= 0 || s->exhaustion_ns == 0)
		snprintf(in, sizeof in, "gone");
	else if (s->exhaustion_ns == INT64_MAX)
		snprintf(in, sizeof in, isnan(s->burn) ? "?" : "-");
	else
		slo_time_text(in, s->exhaustion_ns);
	columns_cell(row, 0, &cols[COL_GONE], s->left <= 0 ? ROLE_CRITICAL :
	    s->exhaustion_ns == INT64_MAX ? ROLE_DIM : ROLE_STRONG, in);
}

/* From all of it to nothing in every row, so that rows compare, up to the newest that is known. */
static void
draw_trend(struct canvas *row, const struct column *col, const struct model_slo *m)
{
	const struct slo_detail *d = m->detail;

	if (col->w <= 1 || d == NULL || d->n < 2)
		return;
	sparkline_scaled_draw(row, col->x + 1, 0, col->w - 1, bar_role(m), d->left, d->n, m->slo->start_ns, d->left[d->n - 1].t_ns,
	    0, 1);
}

/* What is of little data is marked in front, where the blank between columns leaves room. */
static void
draw_left(struct canvas *row, const struct column *col, const struct model_slo *m)
{
	char share[PART_SHARE_MAX];
	enum role role = m->is_stale ? ROLE_STALE : m->slo->left <= 0 ? ROLE_CRITICAL : ROLE_STRONG;

	canvas_text_right(row, col->x + col->w, 0, role, part_slo_share(m->slo, share));
}

static void
draw_budget(struct canvas *row, const struct column *cols, const struct model_slo *m)
{
	const struct slo *s = m->slo;
	char time[DURATION_TEXT_MAX];

	draw_bar(row, &cols[COL_BAR], m);
	draw_left(row, &cols[COL_LEFT], m);
	columns_cell(row, 0, &cols[COL_TIME], ROLE_TEXT, slo_time_text(time, s->left_ns));
	draw_pace(row, cols, s);
	draw_trend(row, &cols[COL_TREND], m);
}

/* No bar where it would be a guess: words, over all the columns that have nothing to say. */
static void
draw_blind(struct canvas *row, const struct column *cols, const struct model_slo *m, enum part_standing kind)
{
	int x = cols[COL_BAR].w > 0 ? cols[COL_BAR].x : cols[COL_LEFT].x;
	char text[4 * SLO_TEXT_MAX];
	enum role role;
	const char *glyph = part_slo_glyph(m, &role);

	if (kind == STANDING_PENDING)
		snprintf(text, sizeof text, "working it out …");
	else
		slo_budget_text(text, sizeof text, m->slo);
	x = canvas_text(row, x, 0, role, m->is_stale ? GLYPH_UNKNOWN : glyph) + 1;
	if (part_slo_severity(m) != SEVERITY_NONE)	/* missing data that somebody wants to be told of */
		x = canvas_printf(row, x, 0, role, "%s: ", severity_name(part_slo_severity(m)));
	canvas_text_w(row, x, 0, row->w - x - 1, kind == STANDING_PENDING ? ROLE_DIM : role, text, false);
}

static void
draw_row(struct canvas *c, int y, const struct model_slo *m, const struct column *cols, enum part_standing kind)
{
	struct canvas row = canvas_sub(c, 1, y, c->w - 1, 1);
	char target[PART_TARGET_MAX];
	enum role role;
	const char *glyph = part_slo_glyph(m, &role);

	columns_cell(&row, 0, &cols[COL_GLYPH], role, glyph);
	columns_cell(&row, 0, &cols[COL_STATE], role, part_slo_word(m));
	columns_cell(&row, 0, &cols[COL_NAME], ROLE_STRONG, m->def->name);
	columns_cell(&row, 0, &cols[COL_SERVICE], ROLE_DIM, m->def->service);
	columns_cell(&row, 0, &cols[COL_TARGET], ROLE_TEXT, part_target(m->def->target, target));
	if (part_slo_is_blind(m))
		draw_blind(&row, cols, m, kind);
	else
		draw_budget(&row, cols, m);
}

void
slo_rows_draw(const struct slo_panel *s, const struct view *v, const struct part_slos *slos, struct canvas *c)
{
	struct column cols[COLS] = { 0 };
	int y = 0;

	columns_of(slos, c->w, cols);
	if (s->ld.has_header) {
		struct canvas header = canvas_sub(c, 1, 0, c->w - 1, 1);

		columns_header(&header, y++, cols, COLS);
	}
	for (int i = 0; i < s->ld.page && s->ld.list.top + i < s->ld.n; i++, y++) {
		struct model_slo m;

		if (part_slo_find(slos, s->rows[s->ld.list.top + i], &m))
			draw_row(c, y, &m, cols, slos->kind);
		if (v->is_focused && s->ld.list.top + i == s->ld.list.selected)
			canvas_select(c, 0, y, c->w);
	}
}
