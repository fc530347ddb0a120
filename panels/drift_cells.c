/*
 * The two histograms of one: a row a cell, then beside now, on one scale; what moved is marked. Where there are more cells
 * than a person reads, neighbours of a histogram stand together in one row, as do those at its ends that hold next to nothing,
 * and the least telling categories in the last one.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "drift.h"

enum { ROWS_MAX = 24, LABEL_W_MIN = 6, LABEL_W_MAX = 28, LABEL_MAX = 256, BAR_W_MIN = 4, BAR_W_MAX = 40, SHARE_W = 6, PART_W = 7 };
#define NOTHING 0.0005	/* a share that is written as none */
#define TELLING 0.1	/* of all that moved: a cell with so much of it is marked */

struct cells {
	size_t n;
	struct drift_cell *v;
	size_t n_others;	/* categories that the last row stands for; 0: it is one of its own */
	double then, now, part;	/* of all */
	double most;		/* the largest share on either side */
};

/* --- which rows ------------------------------------------------------------------------------------ */

static void
cell_add(struct drift_cell *to, const struct drift_cell *c)
{
	to->hi = c->hi;
	to->then += c->then;
	to->now += c->now;
	to->part += c->part;
}

static bool
is_nothing(const struct cells *all, const struct drift_cell *c)
{
	return !(c->then >= NOTHING * all->then && c->then > 0) && !(c->now >= NOTHING * all->now && c->now > 0);
}

/* Where rows begin: one for each end that holds next to nothing, and between them as many neighbours in each as it takes. */
struct rows {
	size_t first, end;	/* what is between the ends */
	size_t each;
};

static struct rows
rows_of(const struct cells *all, const struct drift *d)
{
	struct rows r = { .end = d->n_cells };

	while (r.first < d->n_cells && is_nothing(all, &d->cells[r.first]))
		r.first++;
	while (r.end > r.first && is_nothing(all, &d->cells[r.end - 1]))
		r.end--;
	r.each = (r.end - r.first + ROWS_MAX - 1) / ROWS_MAX;
	return r;
}

static bool
is_row(const struct rows *r, size_t i)
{
	return i == 0 || i == r->end || (i >= r->first && i < r->end && (i - r->first) % r->each == 0);
}

static void
cells_of(struct cells *cells, const struct drift *d)
{
	bool is_category = d->n_cells > 0 && d->cells[0].value != NULL;
	struct rows rows;

	*cells = (struct cells){ .v = xcalloc(d->n_cells, sizeof *cells->v) };
	for (size_t i = 0; i < d->n_cells; i++) {
		cells->then += d->cells[i].then;
		cells->now += d->cells[i].now;
		cells->part += d->cells[i].part;
	}
	rows = rows_of(cells, d);
	for (size_t i = 0; i < d->n_cells; i++) {
		if (is_category ? i < ROWS_MAX : is_row(&rows, i))
			cells->v[cells->n++] = d->cells[i];
		else
			cell_add(&cells->v[cells->n - 1], &d->cells[i]);
	}
	if (is_category && d->n_cells > ROWS_MAX)
		cells->n_others = d->n_cells - ROWS_MAX + 1;
	for (size_t i = 0; i < cells->n; i++)
		cells->most = fmax(cells->most, fmax(cells->v[i].then / cells->then, cells->v[i].now / cells->now));
}

/* --- drawing ----------------------------------------------------------------------------------------- */

static bool
is_others(const struct cells *cells, size_t i)
{
	return cells->n_others > 0 && i == cells->n - 1;
}

static const char *
edge_text(double v, char *buf)
{
	snprintf(buf, PART_SCORE_MAX, "%.4g", v);
	return buf;
}

/* Prometheus' bounds are of what is at most that. */
static const char *
label_of(const struct cells *cells, size_t i, char *buf)
{
	const struct drift_cell *c = &cells->v[i];
	char lo[PART_SCORE_MAX], hi[PART_SCORE_MAX];

	if (is_others(cells, i))
		snprintf(buf, LABEL_MAX, "%zu others", cells->n_others);
	else if (c->value != NULL)
		str_escape_to(buf, LABEL_MAX, *c->value != '\0' ? c->value : "(empty)");
	else if (isinf(c->lo) && isinf(c->hi))
		snprintf(buf, LABEL_MAX, "any");
	else if (isinf(c->lo))
		snprintf(buf, LABEL_MAX, "≤ %s", edge_text(c->hi, hi));
	else if (isinf(c->hi))
		snprintf(buf, LABEL_MAX, "> %s", edge_text(c->lo, lo));
	else
		snprintf(buf, LABEL_MAX, "%s–%s", edge_text(c->lo, lo), edge_text(c->hi, hi));
	return buf;
}

static void
share_text(double share, char *buf)
{
	if (isnan(share))
		snprintf(buf, PART_SCORE_MAX, "?");
	else if (share > 0 && share < NOTHING)
		snprintf(buf, PART_SCORE_MAX, "<0.1%%");
	else
		snprintf(buf, PART_SCORE_MAX, share >= 0.0995 || share == 0 ? "%.0f%%" : "%.1f%%", share * 100);
}

struct places {
	int label_w, bar_w;
	int then_x, now_x, part_x;
};

static struct places
places_of(const struct cells *cells, int w)
{
	struct places p = { .label_w = LABEL_W_MIN };
	int most = w / 4 < LABEL_W_MIN ? LABEL_W_MIN : w / 4 > LABEL_W_MAX ? LABEL_W_MAX : w / 4, used;
	char label[LABEL_MAX];

	for (size_t i = 0; i < cells->n; i++) {
		int width = (int)str_width(label_of(cells, i, label));

		p.label_w = width > p.label_w ? width : p.label_w;
	}
	p.label_w = p.label_w > most ? most : p.label_w;
	used = 3 + p.label_w + 2 + 2 * (SHARE_W + 2) + PART_W + 1;
	p.bar_w = (w - used) / 2;
	p.bar_w = p.bar_w > BAR_W_MAX ? BAR_W_MAX : p.bar_w < BAR_W_MIN ? 0 : p.bar_w;
	p.then_x = 3 + p.label_w + 2;
	p.now_x = p.then_x + p.bar_w + SHARE_W + 2;
	p.part_x = p.now_x + p.bar_w + SHARE_W + 2;
	return p;
}

static void
draw_side(struct canvas *c, int x, int y, const struct places *p, enum role role, double share, double most)
{
	char text[PART_SCORE_MAX];

	if (p->bar_w > 0)
		bar_draw(c, x, y, p->bar_w, role, share / most);
	share_text(share, text);
	canvas_text_right(c, x + p->bar_w + SHARE_W, y, ROLE_TEXT, text);
}

static void
draw_cell(struct canvas *c, int y, const struct cells *cells, size_t i, const struct places *p)
{
	const struct drift_cell *cell = &cells->v[i];
	double then = cell->then / cells->then, now = cell->now / cells->now;
	bool is_telling = !is_others(cells, i) && cells->part > 0 && cell->part >= TELLING * cells->part;
	char label[LABEL_MAX], part[PART_SCORE_MAX];

	if (is_telling)
		canvas_text(c, 1, y, ROLE_CHANGED, now >= then ? "▲" : "▼");
	label_of(cells, i, label);
	canvas_text_w(c, 3, y, p->label_w, is_telling ? ROLE_STRONG : ROLE_TEXT, label, false);
	draw_side(c, p->then_x, y, p, ROLE_GRAPH_2, then, cells->most);
	draw_side(c, p->now_x, y, p, is_telling ? ROLE_CHANGED : ROLE_GRAPH_1, now, cells->most);
	canvas_text_right(c, p->part_x + PART_W, y, is_telling ? ROLE_STRONG : ROLE_DIM, part_score(cell->part, false, part));
}

void
drift_cells_draw(struct pen *p, const struct model_drift *m)
{
	const struct drift *d = m->drift;
	struct cells cells;
	struct places places;

	p->y++;
	pen_heading(p, "Then and now (▲▼ mark what moved most)");
	cells_of(&cells, d);
	places = places_of(&cells, p->c->w);
	canvas_text(p->c, places.then_x, p->y, ROLE_DIM, "then");
	canvas_text(p->c, places.now_x, p->y, ROLE_DIM, "now");
	canvas_text_right(p->c, places.part_x + PART_W, p->y++, ROLE_DIM, "of PSI");
	for (size_t i = 0; i < cells.n; i++)
		draw_cell(p->c, p->y++, &cells, i, &places);
	if (d->cells[0].value == NULL && cells.n < d->n_cells)
		pen_printf(p, ROLE_DIM, "%zu cells in %zu rows", d->n_cells, cells.n);
	free(cells.v);
}
