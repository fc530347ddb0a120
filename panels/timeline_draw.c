/* A line for each thing that happened, and beside it, where there is room, what lasted meanwhile. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "timeline.h"

enum { COL_SINCE, COL_TIME, COL_LANES, COL_GLYPH, COL_KIND, COL_WHAT, COL_TEXT, COL_LASTED, COL_BY, COL_SEQ, COLS };
enum { GONE = 99 };	/* priority of what a narrow list does not have: it goes before all others */
enum { SINCE_FROM = 100, LANES_FROM = 110, BY_FROM = 90, SEQ_FROM = 140, APART_FROM = 160, WHAT_W_MIN = 12, WHAT_W_MAX = 36, MORE_W = 3,
	LASTED_MAX = 32 };

struct frame_of {		/* what is the same for all rows of one drawing */
	const struct timeline_panel *s;
	const struct view *v;
	const struct model *m;
	const struct column *cols;
	int64_t zero_ns;
	int n_lanes;		/* drawn */
	int lane_w;
};

/* --- columns --------------------------------------------------------------------------------------- */

static int
clamp(int w, int min, int max)
{
	return w < min ? min : w > max ? max : w;
}

/* What the rows in sight need. */
struct needs {
	int what, lasted, by;
};

static int
wider(int w, const char *text)
{
	int other = (int)str_width(text);

	return other > w ? other : w;
}

static const char *lasted_text(const struct frame_of *f, int item, bool *ret_is_open, char *buf);

static struct needs
needs_of(const struct frame_of *f)
{
	const struct timeline_panel *s = f->s;
	struct needs n = { .what = WHAT_W_MIN };
	char lasted[LASTED_MAX];
	bool is_open;

	for (int i = s->ld.list.top; i < s->ld.list.top + s->ld.page && i < s->ld.n; i++) {
		const struct timeline_entry *e = s->rows[i].item >= 0 ? timeline_entry_of(s, f->m, s->rows[i].item) : NULL;

		if (e == NULL)
			continue;
		n.what = wider(n.what, e->what);
		n.lasted = wider(n.lasted, lasted_text(f, s->rows[i].item, &is_open, lasted));
		n.by = wider(n.by, e->by);
	}
	return n;
}

static void
columns_of(struct frame_of *f, int w, struct column *cols)
{
	int lanes = f->s->n_lanes, most = w / 12;
	bool has_zero = f->zero_ns != 0;
	struct needs need = needs_of(f);

	lanes = lanes < most ? lanes : most;
	f->lane_w = w >= APART_FROM ? 2 : 1;
	cols[COL_SINCE] = (struct column){ .title = "", .min = 10, .is_right = true,
		.priority = has_zero && w >= SINCE_FROM ? 9 : GONE };
	cols[COL_TIME] = (struct column){ .title = "time", .min = 9, .priority = 1 };
	cols[COL_LANES] = (struct column){ .title = "while", .min = clamp(f->lane_w * lanes + MORE_W, 5, w),
		.priority = w >= LANES_FROM && lanes > 0 ? 8 : GONE };
	cols[COL_GLYPH] = (struct column){ .title = "", .min = 1, .priority = 0 };
	cols[COL_KIND] = (struct column){ .title = "kind", .min = PART_TIMELINE_WORD_W, .priority = 2 };
	cols[COL_WHAT] = (struct column){ .title = "what", .min = clamp(need.what, WHAT_W_MIN, clamp(w / 4, WHAT_W_MIN, WHAT_W_MAX)),
		.priority = 0 };
	cols[COL_TEXT] = (struct column){ .title = "", .min = 10, .weight = 1, .priority = 3 };
	cols[COL_LASTED] = (struct column){ .title = "lasted", .min = 7, .is_right = true, .priority = need.lasted > 0 ? 5 : GONE };
	cols[COL_BY] = (struct column){ .title = "by", .min = clamp(need.by, 2, clamp(w / 12, 8, 16)), .priority = w >= BY_FROM && need.by > 0 ? 6 : GONE };
	cols[COL_SEQ] = (struct column){ .title = "record", .min = 7, .is_right = true, .priority = w >= SEQ_FROM ? 7 : GONE };
	for (int i = 0; i < COLS; i++)
		if (cols[i].priority == GONE)
			cols[i].min = w;
	columns_fit(cols, COLS, w - 2);
	f->n_lanes = cols[COL_LANES].w > 0 ? lanes : 0;
}

/* --- what lasted meanwhile --------------------------------------------------------------------------- */

static bool
is_within(const struct timeline_span *span, int item)
{
	return span->begin <= item && item <= span->end;
}

/* Of what is said of a span: its begin, or what is known of it. */
static const struct timeline_entry *
span_entry(const struct timeline_panel *s, const struct model *m, const struct timeline_span *span)
{
	return timeline_entry_of(s, m, span->begin >= 0 ? span->begin : span->end);
}

static void
draw_lane(const struct frame_of *f, struct canvas *row, const struct timeline_span *span, int item)
{
	const struct timeline_entry *e = span_entry(f->s, f->m, span), *edge;
	int x = f->cols[COL_LANES].x + f->lane_w * span->lane;
	struct timeline_entry begin;
	enum role role;

	if (e == NULL)
		return;
	if (item == span->begin || item == span->end) {
		edge = timeline_entry_of(f->s, f->m, item);
		if (edge != NULL) {
			const char *glyph = part_timeline_glyph(edge, &role);

			canvas_text(row, x, 0, role, glyph);
		}
		return;
	}
	begin = *e;
	begin.is_end = false;	/* the look of what lasts */
	part_timeline_glyph(&begin, &role);
	canvas_char(row, x, 0, role, 0x2502);
}

static void
draw_lanes(const struct frame_of *f, struct canvas *row, int item)
{
	int more = 0;

	if (f->n_lanes == 0)
		return;
	for (int i = 0; i < f->s->n_spans; i++) {
		const struct timeline_span *span = &f->s->spans[i];
		const struct timeline_entry *e;

		if (!is_within(span, item))
			continue;
		if (span->lane >= 0 && span->lane < f->n_lanes) {
			draw_lane(f, row, span, item);
			continue;
		}
		e = span_entry(f->s, f->m, span);
		more += e != NULL && e->kind != TIMELINE_INCIDENT;
	}
	if (more > 0)
		canvas_printf(row, f->cols[COL_LANES].x + f->lane_w * f->n_lanes, 0, ROLE_DIM, more < 100 ? "+%d" : "+99", more);
}

/* --- rows ------------------------------------------------------------------------------------------------ */

static const char *
lasted_text(const struct frame_of *f, int item, bool *ret_is_open, char *buf)
{
	int64_t lasted = timeline_lasted(f->s, f->m, item, view_time(f->v), ret_is_open);
	char text[DURATION_TEXT_MAX];

	if (lasted < 0)
		return "";
	snprintf(buf, LASTED_MAX, "%s%s", duration_format(text, lasted / NS_PER_S * NS_PER_S), *ret_is_open ? "+" : "");
	return buf;
}

static void
draw_entry(const struct frame_of *f, struct canvas *row, int item)
{
	const struct timeline_entry *e = timeline_entry_of(f->s, f->m, item);
	char at[CLOCK_TEXT_MAX], offset[PART_OFFSET_MAX], word[PART_TIMELINE_WORD_MAX], lasted[LASTED_MAX], seq[24] = "";
	bool is_open;
	enum role role;
	const char *glyph, *length;
	char *text;

	if (e == NULL)
		return;
	glyph = part_timeline_glyph(e, &role);
	length = lasted_text(f, item, &is_open, lasted);
	text = xasprintf("%s%s", e->text, e->is_backfilled ? " (found in the metrics)" : "");
	if (e->seq != 0)
		snprintf(seq, sizeof seq, "%llu", (unsigned long long)e->seq);
	clock_format(at, e->at_ns, 0);
	if (f->zero_ns != 0)
		columns_cell(row, 0, &f->cols[COL_SINCE], ROLE_DIM, part_offset(e->at_ns, f->zero_ns, offset));
	columns_cell(row, 0, &f->cols[COL_TIME], ROLE_TEXT, at + 11);
	draw_lanes(f, row, item);
	columns_cell(row, 0, &f->cols[COL_GLYPH], role, glyph);
	columns_cell(row, 0, &f->cols[COL_KIND], e->is_end ? ROLE_DIM : ROLE_TEXT, part_timeline_word(e, word));
	columns_cell(row, 0, &f->cols[COL_WHAT], e->is_end ? ROLE_TEXT : ROLE_STRONG, e->what);
	columns_cell(row, 0, &f->cols[COL_TEXT], ROLE_TEXT, text);
	columns_cell(row, 0, &f->cols[COL_LASTED], is_open ? role : ROLE_DIM, length);
	columns_cell(row, 0, &f->cols[COL_BY], ROLE_TEXT, e->by);
	columns_cell(row, 0, &f->cols[COL_SEQ], ROLE_DIM, seq);
	free(text);
}

static void
draw_separator(struct canvas *row, const struct timeline_row *r)
{
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX], length[DURATION_TEXT_MAX], text[160];

	clock_format(from, r->from_ns, 0);
	clock_format(to, r->to_ns, 0);
	if (r->kind == TIMELINE_ROW_GAP)
		snprintf(text, sizeof text, " ? not recorded from %s to %s (%s) ", from + 11, to + 11,
		    duration_format(length, r->to_ns - r->from_ns));
	else
		snprintf(text, sizeof text, " %.10s ", from);
	canvas_hline(row, 0, 0, row->w - 1, ROLE_BORDER);
	canvas_text_w(row, 1, 0, row->w - 2, r->kind == TIMELINE_ROW_GAP ? ROLE_UNKNOWN : ROLE_DIM, text, false);
}

void
timeline_rows_draw(const struct timeline_panel *s, const struct view *v, struct canvas *c)
{
	bool is_hindsight;
	const struct model *m = timeline_model(v, &is_hindsight);
	struct column cols[COLS] = { 0 };
	struct frame_of f = { .s = s, .v = v, .m = m, .cols = cols, .zero_ns = timeline_zero(m) };
	int y = 0;

	columns_of(&f, c->w, cols);
	if (s->ld.has_header) {
		struct canvas header = canvas_sub(c, 1, 0, c->w - 1, 1);

		columns_header(&header, y++, cols, COLS);
	}
	for (int i = s->ld.list.top; i < s->ld.list.top + s->ld.page && i < s->ld.n; i++, y++) {
		struct canvas row = canvas_sub(c, 1, y, c->w - 1, 1);

		if (s->rows[i].kind == TIMELINE_ROW_ENTRY)
			draw_entry(&f, &row, s->rows[i].item);
		else
			draw_separator(&row, &s->rows[i]);
		if (v->is_focused && i == s->ld.list.selected)
			canvas_select(c, 0, y, c->w);
	}
}
