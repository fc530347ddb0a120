#include "config.h"

#include "slo_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"

static const struct slo_rule workbook[] = {
	{ 14.4, HOUR, 5 * MINUTE, 0, SEVERITY_PAGE },
	{ 6, 6 * HOUR, 30 * MINUTE, 0, SEVERITY_PAGE },
	{ 3, DAY, 2 * HOUR, 0, SEVERITY_TICKET },
	{ 1, 3 * DAY, 6 * HOUR, 0, SEVERITY_TICKET },
};

struct world *
world_new(void)
{
	struct world *w = xcalloc(1, sizeof *w);
	int64_t windows[SLO_WINDOWS_MAX];

	for (size_t i = 0; i < 4; i++)
		w->rules[i] = workbook[i];
	w->def = (struct slo_def){ .id = "slo:web", .name = "web", .target = 0.999, .period_ns = 30 * DAY,
		.slice_target = NAN, .resolution_ns = MINUTE, .is_counter = true, .n_rules = 4, .rules = w->rules,
		.corrections = w->corrections };
	w->in = (struct slo_input){ .def = &w->def, .at_ns = AT, .tiles = w->tiles, .windows = w->windows,
		.head = { NAN, NAN } };
	w->in.n_windows = slo_windows(&w->def, windows);
	for (size_t i = 0; i < w->in.n_windows; i++)
		w->windows[i] = (struct slo_window_sum){ .window_ns = windows[i], .at_ns = AT };
	world_burn(w, 0);
	world_tiles(w, HOUR, 30 * DAY);
	return w;
}

void
world_free(struct world *w)
{
	arena_done(&w->arena);
	free(w);
}

void
world_tiles(struct world *w, int64_t step_ns, int64_t back_ns)
{
	w->in.tiles_end_ns = w->in.at_ns;
	w->in.step_ns = step_ns;
	w->in.n_tiles = (size_t)((back_ns + step_ns - 1) / step_ns);
	for (size_t i = 0; i < w->in.n_tiles; i++)
		w->tiles[i] = (struct slo_sum){ 0, 100.0 * (double)step_ns / (double)HOUR };
}

void
world_tile(struct world *w, size_t i, double bad, double total)
{
	w->tiles[i] = (struct slo_sum){ w->in.is_good ? total - bad : bad, total };
}

void
world_window(struct world *w, int64_t window_ns, double bad, double total)
{
	for (size_t i = 0; i < w->in.n_windows; i++)
		if (w->windows[i].window_ns == window_ns)
			w->windows[i].sum = (struct slo_sum){ w->in.is_good ? total - bad : bad, total };
}

void
world_burn(struct world *w, double rate)
{
	for (size_t i = 0; i < w->in.n_windows; i++) {
		double total = 100.0 * (double)w->windows[i].window_ns / (double)HOUR;

		world_window(w, w->windows[i].window_ns, rate * (1 - w->def.target) * total, total);
	}
}

void
world_correct(struct world *w, int64_t start_ns, int64_t end_ns, double bad, double total)
{
	size_t i = w->def.n_corrections++;

	w->corrections[i] = (struct slo_correction){ .id = "c", .start_ns = start_ns, .end_ns = end_ns,
		.reason = "maintenance", .by = "ana" };
	w->excluded[i] = (struct slo_sum){ w->in.is_good ? total - bad : bad, total };
	w->in.excluded = w->excluded;
}

const struct slo *
world_evaluate(struct world *w)
{
	slo_evaluate(&w->in, &w->arena, &w->slo);
	return &w->slo;
}

const struct slo_detail *
world_detail(struct world *w)
{
	slo_detail(&w->in, &w->arena, &w->detail);
	return &w->detail;
}

const struct slo_burn *
world_burn_over(const struct world *w, int64_t window_ns)
{
	for (size_t i = 0; i < w->slo.n_burns; i++)
		if (w->slo.burns[i].window_ns == window_ns)
			return &w->slo.burns[i];
	return NULL;
}

void
near(const char *what, double got, double want)
{
	if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= 1e-9 * fmax(1, fabs(want))))
		fail_msg("%s: got %.17g, expected %.17g", what, got, want);
}

void
near_ns(const char *what, int64_t got, int64_t want)
{
	if (llabs(got - want) > NS_PER_US)
		fail_msg("%s: got %lld ns, expected %lld ns", what, (long long)got, (long long)want);
}

void
is_state(const struct slo *s, enum slo_state want)
{
	if (s->state != want)
		fail_msg("state is %d (\"%s\"), expected %d", (int)s->state, s->why, (int)want);
}

void
has_note(const struct slo *s, const char *part)
{
	for (size_t i = 0; i < s->notes.n; i++)
		if (strstr(s->notes.v[i], part) != NULL)
			return;
	fail_msg("no note has \"%s\"", part);
}
