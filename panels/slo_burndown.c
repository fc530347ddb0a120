/* The budget over the window as a graph, with the pace at which it would just last; and the stretches in which it went. */
#include "config.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "slo.h"

enum { GRAPH_H = 11, GRAPH_W_MIN = 30, MARKS_MAX = 64 };

static size_t
marks_of(const struct view *v, const struct model_slo *m, int64_t end_ns, struct graph_mark *marks)
{
	size_t n = 0;

	for (size_t i = 0; i < m->def->n_corrections && n < MARKS_MAX; i++)
		marks[n++] = (struct graph_mark){ .at_ns = m->def->corrections[i].start_ns, .text = "excluded" };
	for (size_t i = 0; v->live != NULL && i < model_n_markers(v->live) && n < MARKS_MAX; i++) {
		const struct marker *k = model_marker(v->live, i);

		if (k->kind == MARKER_CHANGE && k->at_ns >= m->slo->start_ns && k->at_ns <= end_ns)
			marks[n++] = (struct graph_mark){ .at_ns = k->at_ns, .text = *k->to != '\0' ? k->to : k->what };
	}
	return n;
}

/* A graph fits itself to its canvas, so one that is half scrolled away is drawn elsewhere and its rows copied. */
static void
copy_rows(struct canvas *c, int y, const struct grid *from)
{
	for (int row = 0; row < grid_height(from); row++) {
		for (int x = 0; x < grid_width(from); x++) {
			const struct cell *cell = grid_cell(from, x, row);

			if (cell->ch != 0 && cell->ch != ' ')
				canvas_char(c, x + 1, y + row, (enum role)cell->role, cell->ch);
		}
	}
}

/* Where its data begins when the budget of a rolling window is of that. */
static int64_t
graph_start(const struct model_slo *m)
{
	int64_t first = m->detail->left[0].t_ns - m->detail->step_ns;

	return m->def->n_bounds == 0 && slo_is_partial(m->slo) && first > m->slo->start_ns ? first : m->slo->start_ns;
}

static void
draw_graph(struct pen *p, const struct view *v, const struct model_slo *m)
{
	const struct slo *s = m->slo;
	struct sample pace[2] = { { graph_start(m), 1 }, { s->end_ns, 0 } };
	struct graph_line lines[2] = { { .name = "", .role = ROLE_GRAPH_AXIS, .v = pace, .n = 2 },
		{ .name = "", .role = ROLE_GRAPH_1, .v = m->detail->left, .n = m->detail->n } };
	struct graph_level nothing = { .value = 0, .text = "nothing left", .role = ROLE_CRITICAL, .is_inside = true };
	struct graph_mark marks[MARKS_MAX];
	struct graph g = { .start_ns = pace[0].t_ns, .end_ns = s->end_ns, .unit = "ratio", .lines = lines, .n_lines = 2,
		.marks = marks, .levels = &nothing, .n_levels = 1 };
	struct grid *grid = grid_new(p->c->w - 2, GRAPH_H, canvas_is_ascii(p->c));
	struct canvas canvas = grid_canvas(grid);

	g.n_marks = marks_of(v, m, s->end_ns, marks);
	graph_draw(&canvas, &g);
	copy_rows(p->c, p->y, grid);
	grid_free(grid);
}

void
slo_detail_burndown(struct pen *p, const struct view *v, const struct model_slo *m)
{
	char share[SLO_SHARE_MAX];
	double elapsed, even;

	if (m->detail == NULL || m->detail->n < 2 || m->slo->end_ns <= m->slo->start_ns)
		return;
	if (p->c->w < GRAPH_W_MIN)
		return;
	p->y++;
	elapsed = (double)(m->slo->at_ns - m->slo->start_ns);
	even = 1 - elapsed / (double)(m->slo->end_ns - m->slo->start_ns);
	pen_heading(p, "Burn-down");
	if (m->slo->end_ns > m->slo->at_ns)
		canvas_printf(p->c, 12, p->y - 1, ROLE_DIM, "at an even pace %s would be left now", slo_share_text(share, even));
	else
		canvas_text_w(p->c, 12, p->y - 1, p->c->w - 13, ROLE_DIM, "straight: an even pace, which just lasts", false);
	if (p->c->h > 0)
		draw_graph(p, v, m);
	p->y += GRAPH_H;
}

/* Less than that is not worth a line. */
#define REST_LEAST 0.0005

/* With the last line they add up to all that went. */
void
slo_detail_spends(struct pen *p, const struct model_slo *m)
{
	char stretch[SLO_STRETCH_MAX], share[SLO_SHARE_MAX];
	const struct slo_detail *d = m->detail;
	bool has_rest = d != NULL && d->rest >= REST_LEAST;

	if (d == NULL || (d->n_spends == 0 && !has_rest))
		return;
	p->y++;
	pen_heading(p, "Where the budget went");
	for (size_t i = 0; i < d->n_spends; i++) {
		const struct slo_spend *k = &d->spends[i];

		canvas_text_right(p->c, 8, p->y, ROLE_STRONG, slo_share_text(share, k->share));
		canvas_text(p->c, 10, p->y++, ROLE_TEXT, slo_stretch(k->start_ns, k->end_ns, stretch));
		if (*k->beside != '\0')
			pen_indented(p, 12, 3, ROLE_CHANGED, k->beside);
	}
	if (!has_rest)
		return;
	canvas_text_right(p->c, 8, p->y, ROLE_STRONG, slo_share_text(share, d->rest));
	canvas_text(p->c, 10, p->y++, ROLE_TEXT, d->n_spends > 0 ? "the rest, spread over the window" :
	    "spread over the window: no stretch stands out");
}
