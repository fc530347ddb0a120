/* A row of block characters: the shape of a course, where there is no room for a graph. */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "ui/widget.h"

/* --- on a scale of its own ----------------------------------------------------------------------------------------------- */

struct spark {
	double lo, hi;
	double *cells;	/* largest value in each column, NaN where there is none */
};

static void
spark_fill(struct spark *s, int w, const struct sample *v, size_t n, int64_t start_ns, int64_t end_ns)
{
	double span = (double)end_ns - (double)start_ns;

	for (int i = 0; i < w; i++)
		s->cells[i] = NAN;
	for (size_t i = 0; i < n; i++) {
		int x;

		if (isnan(v[i].v) || v[i].t_ns < start_ns || v[i].t_ns > end_ns)
			continue;
		x = (int)(((double)v[i].t_ns - (double)start_ns) / span * w);
		x = x >= w ? w - 1 : x;
		s->cells[x] = isnan(s->cells[x]) ? v[i].v : fmax(s->cells[x], v[i].v);
		if (isinf(v[i].v))
			continue;
		s->lo = fmin(s->lo, v[i].v);
		s->hi = fmax(s->hi, v[i].v);
	}
}

static uint32_t
spark_char(const struct spark *s, double v)
{
	if (isinf(v))
		return v > 0 ? 0x2191 : 0x2193;
	if (s->hi <= s->lo)
		return v == 0 ? 0x2581 : 0x2584;
	/* Halved, so that the widest range of doubles does not overflow. */
	return 0x2581u + (uint32_t)lround((v / 2 - s->lo / 2) / (s->hi / 2 - s->lo / 2) * 7);
}

void
sparkline_draw(struct canvas *c, int x, int y, int w, enum role role, const struct sample *v, size_t n, int64_t start_ns,
    int64_t end_ns)
{
	struct spark s = { .lo = INFINITY, .hi = -INFINITY };

	if (w <= 0 || end_ns <= start_ns)
		return;
	s.cells = xcalloc((size_t)w, sizeof *s.cells);
	spark_fill(&s, w, v, n, start_ns, end_ns);
	if (s.lo > 0 && s.lo <= s.hi * 0.75)
		s.lo = 0;
	for (int i = 0; i < w; i++)
		if (!isnan(s.cells[i]))
			canvas_char(c, x + i, y, role, spark_char(&s, s.cells[i]));
	free(s.cells);
}

/* --- on a given scale ---------------------------------------------------------------------------------------------------- */

static uint32_t
level_char(double v, double lo, double hi)
{
	double level = v <= lo ? 0 : v >= hi ? 1 : (v - lo) / (hi - lo);

	return 0x2581u + (uint32_t)lround(level * 7);
}

void
sparkline_scaled_draw(struct canvas *c, int x, int y, int w, enum role role, const struct sample *v, size_t n, int64_t start_ns,
    int64_t end_ns, double lo, double hi)
{
	double span = (double)end_ns - (double)start_ns;
	size_t next = 0;

	if (w <= 0 || span <= 0 || n == 0)
		return;
	for (int i = 0; i < w; i++) {
		double end = (double)start_ns + span * (i + 1) / w;

		while (next < n && (i + 1 == w ? v[next].t_ns <= end_ns : (double)v[next].t_ns <= end))
			next++;
		if (next > 0 && !isnan(v[next - 1].v))
			canvas_char(c, x + i, y, role, level_char(v[next - 1].v, lo, hi));
	}
}
