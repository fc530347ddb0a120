#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "ui/ascii.h"
#include "ui/graph_scale.h"
#include "ui/widget.h"

enum { NO_LINE = 0xff, ROWS_PER_TICK = 3, WIDTH_MIN = 12, HEIGHT_MIN = 3, LEVEL_LABEL_MAX = 120, LEVEL_CHAR = 0xb7,
	MARGIN_FROM = 60, MARGIN_MAX = 20 };

/* Where the parts of a graph stand, and the dots of its lines before they become characters. */
struct plot {
	const struct graph *g;
	struct scale scale;
	struct canvas area;	/* cells with dots only */
	int label_w;		/* columns left of the axis */
	int margin_w;		/* columns right of the area, for the texts of levels; 0: they stand among the lines */
	int mark_row, axis_row, time_row;	/* on the whole canvas; -1: left out */
	int dx, dy;		/* dots per cell: 2 x 4 braille, 1 x 1 in ASCII */
	uint8_t *dots;		/* per cell: braille bits */
	uint8_t *owner;		/* per cell: line drawn last, or NO_LINE */
};

struct extent {
	double lo, hi;
	size_t n_finite, n_infinite, n_nan, n_levels;
};

/* --- what there is to draw ----------------------------------------------------------------------- */

static bool
is_inside(const struct graph *g, const struct sample *s)
{
	return s->t_ns >= g->start_ns && s->t_ns <= g->end_ns;
}

/* A level that is far from every line would flatten them all; half-way up to it, one wants to see how far there is to go. */
static bool
is_shown(const struct graph_level *level, double hi)
{
	return isfinite(level->value) && (level->is_inside || hi >= level->value / 2);
}

static void
extent_levels(struct extent *e, const struct graph *g)
{
	double hi = e->hi;

	for (size_t i = 0; i < g->n_levels; i++) {
		if (!is_shown(&g->levels[i], hi))
			continue;
		e->n_levels++;
		e->lo = fmin(e->lo, g->levels[i].value);
		e->hi = fmax(e->hi, g->levels[i].value);
	}
}

static struct extent
extent_of(const struct graph *g)
{
	struct extent e = { .lo = INFINITY, .hi = -INFINITY };

	for (size_t l = 0; l < g->n_lines; l++) {
		for (size_t i = 0; i < g->lines[l].n; i++) {
			const struct sample *s = &g->lines[l].v[i];

			if (!is_inside(g, s))
				continue;
			if (isnan(s->v)) {
				e.n_nan++;
			} else if (isinf(s->v)) {
				e.n_infinite++;
			} else {
				e.n_finite++;
				e.lo = fmin(e.lo, s->v);
				e.hi = fmax(e.hi, s->v);
			}
		}
	}
	extent_levels(&e, g);
	if (e.lo > e.hi)
		e.lo = e.hi = 0;
	return e;
}

/* --- placing ---------------------------------------------------------------------------------------- */

static double
fraction_of(const struct graph *g, int64_t t_ns)
{
	return ((double)t_ns - (double)g->start_ns) / ((double)g->end_ns - (double)g->start_ns);
}

/* Dot column of a time. */
static int
dot_x(const struct plot *p, int64_t t_ns)
{
	return (int)lround(fraction_of(p->g, t_ns) * (p->area.w * p->dx - 1));
}

/* Dot row of a value, 0 on top. */
static int
dot_y(const struct plot *p, double v)
{
	int h = p->area.h * p->dy;

	return h - 1 - (int)lround((v - p->scale.lo) / (p->scale.hi - p->scale.lo) * (h - 1));
}

static int
cell_x(const struct plot *p, int64_t t_ns)
{
	return dot_x(p, t_ns) / p->dx;
}

static int
cell_y(const struct plot *p, double v)
{
	return dot_y(p, v) / p->dy;
}

static bool
has_marks(const struct graph *g)
{
	for (size_t i = 0; i < g->n_marks; i++)
		if (g->marks[i].at_ns >= g->start_ns && g->marks[i].at_ns <= g->end_ns)
			return true;
	return false;
}

static int
labels_width(const struct plot *p)
{
	char text[SCALE_LABEL_MAX];
	size_t widest = 0;

	for (int i = 0; i < p->scale.n; i++) {
		size_t w = str_width(scale_label(&p->scale, scale_tick(&p->scale, i), p->g->unit, text));

		widest = w > widest ? w : widest;
	}
	return (int)widest;
}

/* Of all levels, so that it stays as it is when one comes near; a single one needs none. */
static int
margin_width(const struct canvas *c, const struct graph *g)
{
	int widest = 0;

	for (size_t i = 0; i < g->n_levels && g->n_levels > 1 && g->are_levels_beside && c->w >= MARGIN_FROM; i++) {
		int w = g->levels[i].text != NULL ? (int)str_width(g->levels[i].text) : 0;

		/* A far one gets an arrow. */
		w += g->levels[i].is_inside ? 1 : 3;
		widest = w > widest ? w : widest;
	}
	return widest > MARGIN_MAX ? MARGIN_MAX : widest;
}

/* Rows from the bottom up: times, axis, dots, and one for the texts of marks. What has no room goes in that order reversed. */
static void
plot_init(struct plot *p, const struct canvas *c, const struct graph *g, const struct extent *e)
{
	int top = has_marks(g) && c->h >= 7 ? 1 : 0;
	int bottom = c->h >= 5 ? 2 : c->h >= 4 ? 1 : 0;
	int rows = c->h - top - bottom, n_ticks = (rows + 1) / ROWS_PER_TICK;

	*p = (struct plot){ .g = g, .mark_row = top > 0 ? 0 : -1, .time_row = bottom > 0 ? c->h - 1 : -1 };
	p->axis_row = bottom > 1 ? c->h - 2 : -1;
	p->dx = canvas_is_ascii(c) ? 1 : 2;
	p->dy = canvas_is_ascii(c) ? 1 : 4;
	scale_fit(&p->scale, e->lo, e->hi, n_ticks < 1 ? 1 : n_ticks > 6 ? 6 : n_ticks, g->unit);
	/* With nothing but infinities there is no scale to label. */
	p->label_w = e->n_finite + e->n_levels > 0 ? labels_width(p) : 0;
	if (p->label_w > c->w / 3)
		p->label_w = 0;
	p->margin_w = margin_width(c, g);
	p->area = canvas_sub(c, p->label_w + 2, top, c->w - p->label_w - 2 - p->margin_w, rows);
	p->dots = xcalloc((size_t)p->area.w * (size_t)p->area.h, 1);
	p->owner = xmalloc((size_t)p->area.w * (size_t)p->area.h);
	memset(p->owner, NO_LINE, (size_t)p->area.w * (size_t)p->area.h);
}

static void
plot_done(struct plot *p)
{
	free(p->dots);
	free(p->owner);
}

/* --- lines --------------------------------------------------------------------------------------------- */

static size_t
cell_index(const struct plot *p, int x, int y)
{
	return (size_t)y * (size_t)p->area.w + (size_t)x;
}

static void
dot_set(struct plot *p, int line, int x, int y)
{
	/* Bits of U+2800: columns of three dots, then the fourth row. */
	static const uint8_t bits[4][2] = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } };
	size_t i;

	if (x < 0 || y < 0 || x >= p->area.w * p->dx || y >= p->area.h * p->dy)
		return;
	i = cell_index(p, x / p->dx, y / p->dy);
	p->dots[i] |= bits[y % p->dy][x % p->dx];
	p->owner[i] = (uint8_t)line;
}

static void
dots_vertical(struct plot *p, int line, int x, int y0, int y1)
{
	int step = y0 < y1 ? 1 : -1;

	for (int y = y0; y != y1; y += step)
		dot_set(p, line, x, y);
	dot_set(p, line, x, y1);
}

/* Straight from dot to dot; each column is filled from where the last one ended, so that steep parts have no holes. */
static void
dots_connect(struct plot *p, int line, int x0, int y0, int x1, int y1)
{
	int before = y0;

	if (x0 == x1)
		dots_vertical(p, line, x0, y0, y1);
	for (int x = x0; x < x1; x++) {
		int y = y0 + (int)lround((double)(y1 - y0) * (x + 1 - x0) / (x1 - x0));
		int middle = (before + y) / 2;

		dots_vertical(p, line, x, before, middle);
		dots_vertical(p, line, x + 1, middle, y);
		before = y;
	}
}

static bool
is_joined(const struct graph *g, const struct sample *a, const struct sample *b)
{
	if (!isfinite(a->v) || !isfinite(b->v) || !is_inside(g, a) || !is_inside(g, b))
		return false;
	return g->step_ns <= 0 || (double)b->t_ns - (double)a->t_ns <= 1.5 * (double)g->step_ns;
}

/* A value with a gap on both sides would be a speck; it gets four dots. */
static void
dots_alone(struct plot *p, int line, int x, int y)
{
	for (int i = 0; i < 4; i++)
		dot_set(p, line, x - (x > 0 ? i % 2 : -(i % 2)), y - (y > 0 ? i / 2 : -(i / 2)));
}

static void
line_plot(struct plot *p, int index)
{
	const struct graph_line *l = &p->g->lines[index];

	for (size_t i = 0; i < l->n; i++) {
		const struct sample *s = &l->v[i];
		bool is_first = i == 0 || !is_joined(p->g, s - 1, s);
		bool is_last = i + 1 == l->n || !is_joined(p->g, s, s + 1);

		if (!isfinite(s->v) || !is_inside(p->g, s))
			continue;
		if (!is_first)
			dots_connect(p, index, dot_x(p, s[-1].t_ns), dot_y(p, s[-1].v), dot_x(p, s->t_ns), dot_y(p, s->v));
		else if (is_last && p->dx > 1)
			dots_alone(p, index, dot_x(p, s->t_ns), dot_y(p, s->v));
		else
			dot_set(p, index, dot_x(p, s->t_ns), dot_y(p, s->v));
	}
}

static void
dots_draw(struct plot *p)
{
	static const char ascii_lines[] = "*+ox#@";

	for (int y = 0; y < p->area.h; y++) {
		for (int x = 0; x < p->area.w; x++) {
			size_t i = cell_index(p, x, y);
			uint32_t ch = 0x2800u + p->dots[i];

			if (p->owner[i] == NO_LINE)
				continue;
			if (p->dx == 1)
				ch = (uint32_t)ascii_lines[p->owner[i] % (sizeof ascii_lines - 1)];
			canvas_char(&p->area, x, y, p->g->lines[p->owner[i]].role, ch);
		}
	}
}

/* Infinite values have no place on a scale: an arrow at its edge says so. */
static void
infinities_draw(struct plot *p)
{
	for (size_t l = 0; l < p->g->n_lines; l++) {
		for (size_t i = 0; i < p->g->lines[l].n; i++) {
			const struct sample *s = &p->g->lines[l].v[i];

			if (isinf(s->v) && is_inside(p->g, s))
				canvas_char(&p->area, cell_x(p, s->t_ns), s->v > 0 ? 0 : p->area.h - 1, p->g->lines[l].role,
				    s->v > 0 ? 0x2191 : 0x2193);
		}
	}
}

/* --- what stands behind the lines --------------------------------------------------------------------------- */

static bool
is_free(const struct plot *p, int x, int y)
{
	return p->owner[cell_index(p, x, y)] == NO_LINE;
}

/* Row of a level in cells; -1 when it is not on the scale. */
static int
level_y(const struct plot *p, const struct graph_level *level)
{
	double v = level->value, slack = p->scale.step * 1e-6;

	if (!isfinite(v) || v < p->scale.lo - slack || v > p->scale.hi + slack)
		return -1;
	return cell_y(p, v);
}

static bool
is_row_taken(const struct plot *p, size_t before, int y)
{
	for (size_t i = 0; i < before; i++)
		if (level_y(p, &p->g->levels[i]) == y)
			return true;
	return false;
}

static void
levels_draw(struct plot *p)
{
	for (size_t i = 0; i < p->g->n_levels; i++) {
		int y = level_y(p, &p->g->levels[i]);

		if (y < 0 || is_row_taken(p, i, y))
			continue;
		for (int x = 0; x < p->area.w; x += 2)
			canvas_char(&p->area, x, y, p->g->levels[i].role, LEVEL_CHAR);
	}
}

/* Only the dots of levels may make way for a name. */
static bool
is_dots_only(const struct plot *p, int x, int y, int w)
{
	uint32_t dot = canvas_is_ascii(&p->area) ? ascii_of(LEVEL_CHAR) : LEVEL_CHAR;

	for (int i = x; i < x + w; i++) {
		const struct cell *cell = grid_cell(p->area.grid, p->area.x0 + i, p->area.y0 + y);

		if (cell == NULL || (cell->ch != ' ' && cell->ch != dot))
			return false;
	}
	return true;
}

/* At one end, or at the other where something else stands; never anywhere between, where it would wander with the lines. Without one the
 * dots speak for themselves. */
static void
level_label_draw(struct plot *p, const struct graph_level *level, int y, const char *before, bool is_right)
{
	char label[LEVEL_LABEL_MAX];
	int w;

	if (level->text == NULL || *level->text == '\0')
		return;
	snprintf(label, sizeof label, " %s%s ", before, level->text);
	w = (int)str_width(label);
	for (int i = 0; i < 2; i++) {
		int x = (i == 0) == is_right ? p->area.w - w : 1;

		if (x >= 0 && x + w <= p->area.w && is_dots_only(p, x, y, w)) {
			canvas_text(&p->area, x, y, level->role, label);
			return;
		}
	}
}

/* The lowest of those above the scale; NULL when there is none. */
static const struct graph_level *
level_above(const struct plot *p)
{
	const struct graph_level *lowest = NULL;

	for (size_t i = 0; i < p->g->n_levels; i++) {
		const struct graph_level *level = &p->g->levels[i];

		if (isfinite(level->value) && level->value > p->scale.hi && level_y(p, level) < 0 &&
		    (lowest == NULL || level->value < lowest->value))
			lowest = level;
	}
	return lowest;
}

static void
margin_text(struct plot *p, struct canvas *c, const struct graph_level *level, int y, const char *before)
{
	int x = p->label_w + 2 + p->area.w + 1;
	char text[LEVEL_LABEL_MAX];

	snprintf(text, sizeof text, "%s%s", before, level->text != NULL ? level->text : "");
	canvas_text_w(c, x, p->area.y0 - c->y0 + y, p->margin_w - 1, level->role, text, false);
}

/* The next one above v, of equal ones the next in order; NULL: there is none on the scale. */
static const struct graph_level *
level_next(const struct plot *p, const struct graph_level *before)
{
	const struct graph_level *next = NULL;

	for (size_t i = 0; i < p->g->n_levels; i++) {
		const struct graph_level *level = &p->g->levels[i];

		if (level_y(p, level) < 0)
			continue;
		if (before != NULL && (level->value < before->value || (level->value <= before->value && level <= before)))
			continue;
		if (next == NULL || level->value < next->value)
			next = level;
	}
	return next;
}

/* From the lowest up, a row each, so that two that are close read as two, in their order. */
static void
margin_draw(struct plot *p, struct canvas *c)
{
	const struct graph_level *above = level_above(p), *level = NULL;
	int last = p->area.h, before = last;

	while ((level = level_next(p, level)) != NULL) {
		int y = level_y(p, level);

		y = y < last ? y : last - 1;
		if (y < 0)
			return;
		margin_text(p, c, level, y, "");
		before = last;
		last = y;
	}
	if (above != NULL && (last > 0 || before > 1))
		margin_text(p, c, above, last > 0 ? 0 : 1, "↑ ");
}

/* Drawn last, where nothing else stands. */
static void
level_labels_draw(struct plot *p, struct canvas *c)
{
	const struct graph_level *above = level_above(p);

	if (p->margin_w > 0) {
		margin_draw(p, c);
		return;
	}
	for (size_t i = 0; i < p->g->n_levels; i++) {
		int y = level_y(p, &p->g->levels[i]);

		/* A row belongs to one: the name of the other would be taken for its. */
		if (y >= 0 && !is_row_taken(p, i, y))
			level_label_draw(p, &p->g->levels[i], y, "", false);
	}
	if (above != NULL)
		level_label_draw(p, above, 0, "↑ ", true);
}

/* Marks of one column stand together; several say how many. */
static size_t
marks_in_column(const struct plot *p, int x, const char **ret_text)
{
	size_t n = 0;

	for (size_t i = 0; i < p->g->n_marks; i++) {
		const struct graph_mark *m = &p->g->marks[i];

		if (m->at_ns < p->g->start_ns || m->at_ns > p->g->end_ns || cell_x(p, m->at_ns) != x)
			continue;
		*ret_text = m->text != NULL ? m->text : "";
		n++;
	}
	return n;
}

/* The text stands right of its mark, left of it at the right edge, and never over its neighbours. Returns the first column taken. */
static int
mark_text_draw(struct plot *p, struct canvas *c, int x, int before, int after, const char *text)
{
	int left = p->label_w + 2, w = (int)str_width(text);

	if (w <= after - x - 2) {
		canvas_text(c, left + x + 1, p->mark_row, ROLE_GRAPH_MARKER, text);
	} else if (w <= x - before - 2) {
		canvas_text(c, left + x - w, p->mark_row, ROLE_GRAPH_MARKER, text);
		return x - w;
	} else {
		canvas_text_w(c, left + x + 1, p->mark_row, after - x - 2, ROLE_GRAPH_MARKER, text, false);
	}
	return x;
}

static void
marks_draw(struct plot *p, struct canvas *c)
{
	int after = p->area.w + 1;

	for (int x = p->area.w - 1; x >= 0; x--) {
		const char *text = "", *ignored;
		size_t n = marks_in_column(p, x, &text);
		char count[32];
		int before = x - 1;

		if (n == 0)
			continue;
		while (before >= 0 && marks_in_column(p, before, &ignored) == 0)
			before--;
		for (int y = 0; y < p->area.h; y++)
			if (is_free(p, x, y))
				canvas_char(&p->area, x, y, ROLE_GRAPH_MARKER, 0x250a);
		snprintf(count, sizeof count, "%zu×", n);
		canvas_char(c, p->label_w + 2 + x, p->mark_row >= 0 ? p->mark_row : 0, ROLE_GRAPH_MARKER, 0x25b2);
		after = p->mark_row >= 0 ? mark_text_draw(p, c, x, before, after, n > 1 ? count : text) : x;
	}
}

static void
cursor_draw(struct plot *p)
{
	int x;

	if (p->g->cursor_ns < p->g->start_ns || p->g->cursor_ns > p->g->end_ns || p->g->cursor_ns == 0)
		return;
	x = cell_x(p, p->g->cursor_ns);
	for (int y = 0; y < p->area.h; y++)
		if (is_free(p, x, y))
			canvas_char(&p->area, x, y, ROLE_CURSOR, 0x2502);
}

/* --- axes ------------------------------------------------------------------------------------------------------ */

static void
value_axis_draw(const struct plot *p, struct canvas *c)
{
	int x = p->label_w + 1, top = p->area.y0 - c->y0, used = -1;
	char text[SCALE_LABEL_MAX];

	canvas_vline(c, x, top, p->area.h, ROLE_GRAPH_AXIS);
	for (int i = p->scale.n - 1; i >= 0; i--) {
		double v = scale_tick(&p->scale, i);
		int y = i == 0 && p->axis_row >= 0 ? p->axis_row : top + cell_y(p, v);

		/* Labels keep a row apart, but the lowest is always there. */
		if (i > 0 && used >= 0 && y - used < 2)
			continue;
		if (y != p->axis_row)
			canvas_char(c, x, y, ROLE_GRAPH_AXIS, 0x2524);
		if (p->label_w > 0 && y != used)
			canvas_text_right(c, x - 1, y, ROLE_GRAPH_AXIS, scale_label(&p->scale, v, p->g->unit, text));
		used = y;
	}
}

static void
time_axis_draw(const struct plot *p, struct canvas *c)
{
	int64_t span = p->g->end_ns - p->g->start_ns, step = time_step(span, p->area.w);
	int left = p->label_w + 2, free_from = 0;
	char text[SCALE_LABEL_MAX];

	if (p->axis_row >= 0) {
		canvas_hline(c, left, p->axis_row, p->area.w, ROLE_GRAPH_AXIS);
		canvas_char(c, left - 1, p->axis_row, ROLE_GRAPH_AXIS, 0x253c);
	}
	for (int64_t t = time_tick(p->g->start_ns, step); t <= p->g->end_ns; t += step) {
		int x = left + cell_x(p, t), w = (int)strlen(time_label(t, span, step, text)), at = x - w / 2;

		if (p->axis_row >= 0)
			canvas_char(c, x, p->axis_row, ROLE_GRAPH_AXIS, 0x252c);
		if (at + w > c->w)
			at = c->w - w;
		if (p->time_row >= 0 && at >= free_from) {
			canvas_text(c, at, p->time_row, ROLE_GRAPH_AXIS, text);
			free_from = at + w + 1;
		}
	}
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static void
nothing_draw(struct canvas *c, const struct graph *g, const struct extent *e)
{
	struct plot p = { .g = g, .dx = 1, .dy = 1, .axis_row = c->h >= 5 ? c->h - 2 : -1 };
	const char *text = e->n_nan > 0 ? "no data: every sample is NaN" : "no data";
	int rows = c->h >= 5 ? c->h - 2 : c->h, w = (int)str_width(text);

	if (c->h >= 5 && g->end_ns > g->start_ns) {
		p.time_row = c->h - 1;
		p.area = canvas_sub(c, 2, 0, c->w - 2, rows);
		time_axis_draw(&p, c);
	}
	canvas_text_w(c, w < c->w ? (c->w - w) / 2 : 0, rows / 2, c->w, ROLE_UNKNOWN, text, false);
}

void
graph_draw(struct canvas *c, const struct graph *g)
{
	struct extent e = extent_of(g);
	struct plot p;

	if (c->w < WIDTH_MIN || c->h < HEIGHT_MIN || g->end_ns <= g->start_ns || e.n_finite + e.n_infinite == 0) {
		if (c->w > 0 && c->h > 0)
			nothing_draw(c, g, &e);
		return;
	}
	plot_init(&p, c, g, &e);
	value_axis_draw(&p, c);
	time_axis_draw(&p, c);
	for (size_t l = 0; l < g->n_lines && l < NO_LINE; l++)
		line_plot(&p, (int)l);
	levels_draw(&p);
	marks_draw(&p, c);
	cursor_draw(&p);
	dots_draw(&p);
	infinities_draw(&p);
	level_labels_draw(&p, c);
	plot_done(&p);
}
