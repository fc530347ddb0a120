/*
 * Graphs as SVG in the HTML: the burn of the objectives that suffered, and the queries that show them, over the whole window, with a line for each thing that was done. A gap in
 * the recording is a gap in the line. Lines differ by dashes, not by colour alone.
 */
#include "config.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "report/report_priv.h"

enum { WIDTH = 960, HEIGHT = 220, LEFT = 64, RIGHT = 16, TOP = 26, BOTTOM = 28, LINES_MAX = 4, GRAPHS_MAX = 6, MARKS_MAX = 40, NUMBER_WIDTH = 15, TICKS = 6 };

#define SECONDS_BELOW (20 * NS_PER_MIN)	/* ticks of so short a time need seconds */

struct line { const char *name; const double *v; };
struct graph {
	const char *title, *unit;
	double limit;			/* NaN: none */
	size_t n;
	struct line lines[LINES_MAX];
};

/* What is recorded, not the empty time around it. */
static int64_t
shown_from(const struct report *r)
{
	return r->recorded_from_ns != 0 ? r->recorded_from_ns : r->from_ns;
}

static int64_t
shown_to(const struct report *r)
{
	return r->recorded_to_ns != 0 ? r->recorded_to_ns : r->to_ns;
}

static double
x_of(const struct report *r, int64_t ns)
{
	double span = (double)(shown_to(r) - shown_from(r));

	return LEFT + (span > 0 ? (double)(ns - shown_from(r)) / span : 0) * (WIDTH - LEFT - RIGHT);
}

static double
y_of(double v, double max)
{
	double share = v / max;

	share = share < 0 ? 0 : share > 1 ? 1 : share;
	return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
}

static double
max_of(const struct report *r, const struct graph *g)
{
	double max = isnan(g->limit) ? 0 : g->limit;

	for (size_t l = 0; l < g->n; l++)
		for (size_t i = 0; i < r->n_samples; i++)
			if (isfinite(g->lines[l].v[i]) && g->lines[l].v[i] > max)
				max = g->lines[l].v[i];
	return max > 0 ? max * 1.05 : 1;
}

static void
write_line(const struct report *r, struct buf *b, const struct graph *g, size_t l, double max)
{
	bool is_open = false;

	for (size_t i = 0; i < r->n_samples; i++) {
		double v = g->lines[l].v[i];

		if (!isfinite(v)) {
			buf_addstr(b, is_open ? "\"/>\n" : "");
			is_open = false;
			continue;
		}
		/* Points along a level line say nothing. */
		if (is_open && i + 1 < r->n_samples && !(g->lines[l].v[i - 1] < v) && !(g->lines[l].v[i - 1] > v) && !(g->lines[l].v[i + 1] < v) &&
		    !(g->lines[l].v[i + 1] > v) && isfinite(g->lines[l].v[i + 1]))
			continue;
		if (!is_open)
			buf_printf(b, "<polyline class=\"l%zu\" points=\"", l + 1);
		is_open = true;
		buf_printf(b, "%.1f,%.1f ", x_of(r, r->sample_ns[i]), y_of(v, max));
	}
	buf_addstr(b, is_open ? "\"/>\n" : "");
}

static void
write_axes(const struct report *r, struct buf *b, const struct graph *g, double max)
{
	char text[CLOCK_TEXT_MAX], value[NUM_TEXT_MAX];

	for (int i = 0; i <= 2; i++) {
		double y = y_of(max * i / 2, max);

		buf_printf(b, "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT, WIDTH - RIGHT, y, y, LEFT - 6,
		    y + 4);
		html_escape(b, num_format(value, max * i / 2, g->unit));
		buf_addstr(b, "</text>\n");
	}
	for (int i = 0; i <= TICKS; i++) {
		int64_t ns = shown_from(r) + (shown_to(r) - shown_from(r)) / TICKS * i;

		clock_format(text, ns, 0);
		buf_printf(b, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%.*sZ</text>\n", x_of(r, ns), HEIGHT - 8, i == 0 ? "start" : i == TICKS ? "end" : "middle",
		    shown_to(r) - shown_from(r) < SECONDS_BELOW ? 8 : 5, text + 11);
	}
	if (!isnan(g->limit))
		buf_printf(b, "<line class=\"limit\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n", LEFT, WIDTH - RIGHT, y_of(g->limit, max), y_of(g->limit, max));
}

static bool
is_marked(const struct report *r, const struct row *w)
{
	if (w->at_ns < shown_from(r) || w->at_ns > shown_to(r))
		return false;
	return w->kind == ROW_INCIDENT || w->kind == ROW_RUN || w->kind == ROW_ACT || w->kind == ROW_CHANGE || (w->kind == ROW_ALERT && w->is_page);
}

/* Each has its number where there is room in one of two rows; the line tells when it is pointed at, too. */
static void
write_marks(const struct report *r, struct buf *b)
{
	double ends[2] = { -NUMBER_WIDTH, -NUMBER_WIDTH };
	size_t n = 0;

	for (size_t i = 0; i < r->rows.n && n < MARKS_MAX; i++) {
		const struct row *w = &r->rows.v[i];
		char at[CLOCK_TEXT_MAX];
		double x;
		int row;

		if (!is_marked(r, w))
			continue;
		x = x_of(r, w->at_ns);
		n++;
		buf_printf(b, "<g><title>%s ", clock_format(at, w->at_ns, 0));
		html_escape(b, w->text);
		buf_printf(b, "</title><line class=\"mark\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", x, x, TOP, HEIGHT - BOTTOM);
		row = x - ends[0] >= NUMBER_WIDTH ? 0 : 1;
		if (x - ends[row] >= NUMBER_WIDTH) {
			buf_printf(b, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%zu</text>", x, TOP - 4 - row * 9, n);
			ends[row] = x;
		}
		buf_addstr(b, "</g>\n");
	}
}

static void
write_key(struct buf *b, const struct graph *g)
{
	for (size_t l = 0; l < g->n; l++) {
		buf_printf(b, "<svg viewBox=\"0 0 40 10\" width=\"40\" height=\"10\" aria-hidden=\"true\"><line class=\"key l%zu\" x1=\"0\" x2=\"40\" y1=\"5\" y2=\"5\"/></svg> ", l + 1);
		html_escape(b, g->lines[l].name);
		buf_addstr(b, l + 1 < g->n ? "; " : "");
	}
}

static void
write_graph(const struct report *r, struct buf *b, const struct graph *g)
{
	double max = max_of(r, g);

	buf_printf(b, "<figure>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
	html_escape(b, g->title);
	buf_addstr(b, "\">\n");
	write_axes(r, b, g, max);
	write_marks(r, b);
	for (size_t l = 0; l < g->n; l++)
		write_line(r, b, g, l, max);
	buf_addstr(b, "</svg>\n<figcaption>");
	html_escape(b, g->title);
	if (g->n != 1 || strcmp(g->lines[0].name, g->title) != 0) {
		buf_addstr(b, ": ");
		write_key(b, g);
	}
	buf_addstr(b, "</figcaption>\n</figure>\n");
}

/* What the numbers in the graphs are. */
static void
write_legend(const struct report *r, struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < r->rows.n && n < MARKS_MAX; i++) {
		const struct row *w = &r->rows.v[i];
		char at[CLOCK_TEXT_MAX];

		if (!is_marked(r, w))
			continue;
		buf_printf(b, "%s<li>%s ", n++ == 0 ? "<details open><summary>Marks in the graphs</summary>\n<ol>\n" : "", clock_format(at, w->at_ns, 0));
		html_escape(b, w->text);
		buf_addstr(b, "</li>\n");
	}
	buf_addstr(b, n > 0 ? "</ol></details>\n" : "");
}

static bool
has_value(const struct report *r, const double *v)
{
	for (size_t i = 0; i < r->n_samples; i++)
		if (isfinite(v[i]))
			return true;
	return false;
}

static size_t
curve_graphs(const struct report *r, struct buf *b, bool is_key, size_t n)
{
	for (size_t i = 0; i < r->curves.n && n < GRAPHS_MAX; i++) {
		const struct curve *c = r->curves.v[i];
		struct graph g = { .title = c->title, .unit = c->unit, .limit = c->objective, .n = 1, .lines = { { c->title, c->v } } };

		if (c->is_key == is_key && has_value(r, c->v)) {
			write_graph(r, b, &g);
			n++;
		}
	}
	return n;
}

void
write_graphs(const struct report *r, struct buf *b)
{
	struct graph burn = { .title = "Burn rate of the objectives (1: the budget lasts exactly its window)", .unit = "none", .limit = 1 };
	size_t n = 0;

	for (size_t i = 0; i < r->impacts.n && burn.n < LINES_MAX; i++)
		if (has_value(r, r->impacts.v[i]->burn))
			burn.lines[burn.n++] = (struct line){ r->impacts.v[i]->name, r->impacts.v[i]->burn };
	if (burn.n > 0) {
		write_graph(r, b, &burn);
		n++;
	}
	n = curve_graphs(r, b, true, n);
	n = curve_graphs(r, b, false, n);
	if (n > 0)
		write_legend(r, b);
}
