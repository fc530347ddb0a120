/* Graphs as a person sees them: scales, gaps, infinities, marks, and never an empty one. */
#include "config.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "ui/graph_scale.h"
#include "ui/widget.h"

enum { N = 60 };
#define END (INT64_C(1893464912) * NS_PER_S)	/* 2030-01-01T02:28:32Z */
#define STEP NS_PER_MIN

static struct sample samples[N];
static struct graph_line line = { .name = "a", .role = ROLE_GRAPH_1, .v = samples, .n = N };

/* An hour of one sample a minute. */
static struct graph
hour(const char *unit, double (*f)(int i))
{
	for (int i = 0; i < N; i++)
		samples[i] = (struct sample){ .t_ns = END - (N - 1 - i) * STEP, .v = f(i) };
	line.n = N;
	return (struct graph){
		.start_ns = END - NS_PER_HOUR, .end_ns = END, .step_ns = STEP, .unit = unit, .lines = &line, .n_lines = 1,
	};
}

static void
assert_graph(const struct graph *g, int w, int h, bool is_ascii, const char *expected)
{
	struct grid *grid = grid_new(w, h, is_ascii);
	struct canvas c = grid_canvas(grid);
	struct buf b;

	buf_init(&b, 1 << 20);
	graph_draw(&c, g);
	grid_dump(grid, &b);
	if (strcmp(b.data, expected) != 0)
		fail_msg("drawn:\n%sexpected:\n%s", b.data, expected);
	buf_done(&b);
	grid_free(grid);
}

static double
incident(int i)
{
	return i < 45 ? 0.012 : 0.012 + 0.1 * (1 - exp((45.0 - i) / 5));
}

static double
two_gaps(int i)
{
	return i == 20 || i == 21 || i == 40 ? NAN : i < 20 ? 2 : 1;
}

static double
infinities(int i)
{
	return i == 30 ? INFINITY : i == 45 ? -INFINITY : -1;
}

static double
five(int i)
{
	(void)i;
	return 5;
}

static double
zero(int i)
{
	(void)i;
	return 0;
}

static double
nothing(int i)
{
	(void)i;
	return NAN;
}

static void
an_incident_stands_out(void **state)
{
	struct graph_mark marks[] = { { .text = "v7" }, { .at_ns = END - 2 * NS_PER_HOUR, .text = "before" } };
	struct graph g = hour("ratio", incident);

	(void)state;
	marks[0].at_ns = samples[45].t_ns;
	g.levels = &(struct graph_level){ 0.02, "objective 2%", ROLE_GRAPH_OBJECTIVE, true };
	g.n_levels = 1;
	g.marks = marks;
	g.n_marks = 2;
	assert_graph(&g, 60, 10, false,
	    "                                               ▲v7\n"
	    "20% ┤                                          ┊\n"
	    "    │                                          ┊\n"
	    "    │                                          ┊\n"
	    "10% ┤                                          ┊    ⣀⣀⡤⠤⠖⠒⠒⠒\n"
	    "    │                                          ┊ ⣠⠴⠚⠁\n"
	    "    │                                          ⢠⠞⠁\n"
	    "    │·⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠋ · · · · · ·\n"
	    " 0% ┼─┬────────┬────────┬────────┬────────┬────────┬────────\n"
	    "    01:30    01:40    01:50    02:00    02:10    02:20\n");
	assert_graph(&g, 40, 8, true,
	    "                               ^v7\n"
	    "20% +                          |\n"
	    "    |                          |\n"
	    "10% +                          | *******\n"
	    "    |                          ***\n"
	    "    |.************************** . . . .\n"
	    " 0% +-+-------+--------+-------+--------\n"
	    "    01:30   01:45    02:00   02:15\n");
}

/* An objective is always in sight; a threshold when a line is half-way there, until then an arrow names the lowest one. */
static void
levels_come_into_sight(void **state)
{
	struct graph_level levels[] = { { 0.02, "objective 2%", ROLE_GRAPH_OBJECTIVE, true }, { 0.12, "6x page", ROLE_CRITICAL, false },
		{ 0.288, "14.4x page", ROLE_CRITICAL, false }, { NAN, "none", ROLE_CRITICAL, true } };
	struct graph g = hour("ratio", incident);

	(void)state;
	g.levels = levels;
	g.n_levels = 4;
	assert_graph(&g, 60, 10, false,
	    "15% ┤                                          ↑ 14.4x page\n"
	    "    │· 6x page · · · · · · · · · · · · · · · · · · · · · · ·\n"
	    "10% ┤                                                 ⣀⣀⡤⠴⠒⠒\n"
	    "    │                                              ⣠⠖⠋⠁\n"
	    "    │                                            ⣠⠞⠁\n"
	    " 5% ┤                                           ⡴⠃\n"
	    "    │· objective 2%  · · · · · · · · · · · · · ⣸⠁· · · · · ·\n"
	    "    │ ⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠃\n"
	    " 0% ┼─┬────────┬────────┬────────┬────────┬────────┬────────\n"
	    "    01:30    01:40    01:50    02:00    02:10    02:20\n");
	for (int i = 0; i < N; i++)
		samples[i].v = 0.001;
	assert_graph(&g, 60, 7, true,
	    "2% +. objective 2%  . . . . . . . . . . . . . . . ^ 6x page\n"
	    "   |\n"
	    "1% +\n"
	    "   |\n"
	    "   | *******************************************************\n"
	    "0% +-+---------+--------+--------+--------+--------+--------\n"
	    "   01:30     01:40    01:50    02:00    02:10    02:20\n");
}

/* Two that would share a row have one each, and lines do not push them about; where room is short they stand among the lines. */
static void
levels_may_stand_beside(void **state)
{
	struct graph_level levels[] = { { 0.02, "objective 2%", ROLE_GRAPH_OBJECTIVE, true }, { 0.022, "3x ticket", ROLE_WARNING, false },
		{ 0.4, "6x page", ROLE_CRITICAL, false } };
	struct graph g = hour("ratio", incident);

	(void)state;
	g.levels = levels;
	g.n_levels = 3;
	g.are_levels_beside = true;
	assert_graph(&g, 62, 10, false,
	    "15% ┤                                             ↑ 6x page\n"
	    "    │\n"
	    "10% ┤                                       ⣀⣠⠤⠖⠒\n"
	    "    │                                     ⡴⠚⠁\n"
	    "    │                                   ⢠⠞⠁\n"
	    " 5% ┤                                  ⢠⠏         3x ticket\n"
	    "    │· · · · · · · · · · · · · · · · ·⢀⡏ · · · ·  objective 2%\n"
	    "    │⠐⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠚\n"
	    " 0% ┼─┬──────────┬──────────┬─────────┬──────────\n"
	    "    01:30      01:45      02:00     02:15\n");
	/* Four that are close keep their order. */
	g.levels = (struct graph_level[]){ { 0.02, "a", ROLE_TEXT, true }, { 0.05, "d", ROLE_TEXT, true }, { 0.03, "c", ROLE_TEXT, true },
		{ 0.02, "b", ROLE_TEXT, true } };
	g.n_levels = 4;
	assert_graph(&g, 62, 8, false,
	    "20% ┤\n"
	    "    │\n"
	    "10% ┤                                                   ⣀⣀⣀⣀ d\n"
	    "    │                                            ⢀⣠⠤⠖⠋⠉⠉⠁    c\n"
	    "    │· · · · · · · · · · · · · · · · · · · · · ⢀⡴⠋ · · · · · b\n"
	    "    │·⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠞ · · · · · · a\n"
	    " 0% ┼─┬────────┬────────┬────────┬────────┬────────┬────────\n"
	    "    01:30    01:40    01:50    02:00    02:10    02:20\n");
	g.levels = levels;
	g.n_levels = 3;
	assert_graph(&g, 59, 7, false,
	    "20% ┤                                            ↑ 6x page\n"
	    "    │\n"
	    "10% ┤                                             ⢀⣀⣠⠤⠤⠖⠒⠒⠒\n"
	    "    │                                          ⣀⡴⠚⠉\n"
	    "    │·⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠞⠁ · · · · ·\n"
	    " 0% ┼─┬────────┬────────┬────────┬────────┬────────┬───────\n"
	    "    01:30    01:40    01:50    02:00    02:10    02:20\n");
}

static void
gaps_stay_gaps(void **state)
{
	struct graph g = hour("count", two_gaps);

	(void)state;
	/* A sample that is missing is a gap as well: 50 to 52. */
	memmove(&samples[50], &samples[53], 7 * sizeof *samples);
	line.n = N - 3;
	assert_graph(&g, 50, 7, false,
	    "2 ┤ ⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉\n"
	    "  │\n"
	    "1 ┤                  ⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠂⠐⠒⠒⠒⠒⠒⠒⠂  ⠒⠒⠒⠒⠒\n"
	    "  │\n"
	    "  │\n"
	    "0 ┼─┬───────────┬──────────┬───────────┬──────────\n"
	    "  01:30       01:45      02:00       02:15\n");
}

static void
infinities_are_marked(void **state)
{
	struct graph g = hour("seconds", infinities);

	(void)state;
	assert_graph(&g, 40, 8, false,
	    "    0s ┤                ↑\n"
	    "       │\n"
	    "-500ms ┤\n"
	    "       │\n"
	    "       │\n"
	    "       │⢀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⡀⣀⣀⣀⣀⣀⣀⣀↓⣀⣀⣀⣀⣀⣀⣀\n"
	    "   -1s ┼─┬──────┬───────┬───────┬───────\n"
	    "       01:30  01:45   02:00   02:15\n");
}

static void
flat_lines_have_a_scale(void **state)
{
	struct graph g = hour("count", five);

	(void)state;
	assert_graph(&g, 30, 7, false,
	    "5 ┤⠈⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉\n"
	    "  │\n"
	    "  │\n"
	    "  │\n"
	    "  │\n"
	    "0 ┼┬─────────────┬────────────\n"
	    " 01:30         02:00\n");
	g = hour("count", zero);
	assert_graph(&g, 30, 7, false,
	    "  1 ┤\n"
	    "    │\n"
	    "0.5 ┤\n"
	    "    │\n"
	    "    │⢀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀\n"
	    "  0 ┼┬────────────┬───────────\n"
	    "   01:30        02:00\n");
}

static void
one_sample_can_be_seen(void **state)
{
	struct graph g = hour("bytes", five);

	(void)state;
	samples[0] = samples[30];
	line.n = 1;
	assert_graph(&g, 30, 7, false,
	    "5B ┤            ⠘⠃\n"
	    "   │\n"
	    "   │\n"
	    "   │\n"
	    "   │\n"
	    "0B ┼┬────────────┬────────────\n"
	    "  01:30        02:00\n");
}

static void
no_data_says_so(void **state)
{
	struct graph g = hour("count", nothing);

	(void)state;
	assert_graph(&g, 40, 7, false,
	    "\n"
	    "\n"
	    "      no data: every sample is NaN\n"
	    "\n"
	    "\n"
	    " ┼─┬────────┬────────┬─────────┬────────\n"
	    " 01:30    01:45    02:00     02:15\n");
	line.n = 0;
	assert_graph(&g, 40, 7, false,
	    "\n"
	    "\n"
	    "                no data\n"
	    "\n"
	    "\n"
	    " ┼─┬────────┬────────┬─────────┬────────\n"
	    " 01:30    01:45    02:00     02:15\n");
	assert_graph(&g, 9, 1, false, " no data\n");
	g.n_lines = 0;
	assert_graph(&g, 9, 1, false, " no data\n");
}

static void
lines_meet_and_the_cursor_stands(void **state)
{
	static struct sample other[N];
	struct graph_line lines[2];
	struct graph g = hour("count", five);

	(void)state;
	for (int i = 0; i < N; i++)
		other[i] = (struct sample){ .t_ns = samples[i].t_ns, .v = i / 6.0 };
	lines[0] = line;
	lines[1] = (struct graph_line){ .name = "b", .role = ROLE_GRAPH_2, .v = other, .n = N };
	g.lines = lines;
	g.n_lines = 2;
	g.cursor_ns = samples[15].t_ns;
	assert_graph(&g, 40, 9, false,
	    "10 ┤         │                     ⢀⣠⠴⠒⠋\n"
	    "   │         │                ⣀⡤⠴⠚⠉⠉\n"
	    "   │         │          ⢀⣀⡤⠖⠒⠋⠁\n"
	    " 5 ┤⠐⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⢒⣲⠶⠖⠚⠛⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒\n"
	    "   │         │⣀⡤⠤⠖⠋⠉\n"
	    "   │    ⢀⣀⡤⠴⠒⠋⠁\n"
	    "   │⢀⡤⠴⠚⠉    │\n"
	    " 0 ┼─┬───────┬────────┬────────┬────────\n"
	    "   01:30   01:45    02:00    02:15\n");
	assert_graph(&g, 40, 9, true,
	    "10 +         |                      ++++\n"
	    "   |         |                +++++++\n"
	    "   |         |           ++++++\n"
	    " 5 + **************+++++++**************\n"
	    "   |         +++++++\n"
	    "   |   +++++++\n"
	    "   | +++     |\n"
	    " 0 +-+--------+-------+--------+--------\n"
	    "   01:30    01:45   02:00    02:15\n");
}

/* Sizes and values that nobody has thought of: inside the canvas, and no endless loop. */
static void
survives_any_size_and_value(void **state)
{
	static const double extremes[] = { 0, -1, 1e308, -1e308, 5e-324, 1e15, DBL_MAX, -DBL_MAX, INFINITY, NAN, 0.3 };
	static const char *const units[] = { "ratio", "seconds", "bytes", "per-second", "count", "requests" };
	struct graph_level levels[3];
	struct graph_mark marks[3] = { { END, "now" }, { END, "and now" }, { END - NS_PER_HOUR, "a long text that has no room anywhere" } };

	(void)state;
	for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
		for (int w = 1; w < 70; w += 3) {
			for (int h = 1; h < 16; h++) {
				struct graph g = hour(units[u], zero);
				struct grid *grid = grid_new(w, h, h % 2);
				struct canvas c = grid_canvas(grid);

				for (int i = 0; i < N; i++)
					samples[i].v = extremes[(size_t)(i * (w + h)) % (sizeof extremes / sizeof extremes[0])];
				g.marks = marks;
				g.n_marks = (size_t)(w % 4);
				for (size_t i = 0; i < 3; i++)
					levels[i] = (struct graph_level){ extremes[(size_t)(h + w * (int)i) % 11], i == 1 ? "a level" : NULL,
						ROLE_GRAPH_OBJECTIVE, w % 2 == 0 };
				g.levels = levels;
				g.n_levels = (size_t)(h % 4);
				g.are_levels_beside = h % 3 == 0;
				g.cursor_ns = w % 3 ? END : 0;
				graph_draw(&c, &g);
				grid_free(grid);
			}
		}
	}
}

static void
scales_are_round(void **state)
{
	static const struct {
		double lo, hi;
		int n;
		const char *unit, *labels;
	} cases[] = {
		{ 0.012, 0.112, 3, "ratio", "0% 5% 10% 15%" }, { 0.9989, 0.9993, 3, "ratio", "99.88% 99.90% 99.92% 99.94%" },
		{ 95, 99, 2, "count", "94 96 98 100" }, { 0, 0, 2, "count", "0 0.5 1" }, { 7, 7, 2, "count", "0 5 10" }, { -7, -7, 2, "count", "-10 -5 0" },
		{ -3, 8, 3, "count", "-5 0 5 10" }, { 0.1, 0.4, 2, "seconds", "0s 200ms 400ms" }, { 0, 5400, 3, "seconds", "0s 50min 100min" },
		{ 0, 3.2e9, 3, "bytes", "0B 1GiB 2GiB 3GiB" }, { 0, 0, 2, "bytes", "0B 1B" }, { 0, 12345, 2, "per-second", "0/s 10k/s 20k/s" },
		{ 0, 40, 2, "requests", "0 20 40" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[200] = "", label[SCALE_LABEL_MAX];
		struct scale s;

		scale_fit(&s, cases[i].lo, cases[i].hi, cases[i].n, cases[i].unit);
		assert_true(s.lo <= cases[i].lo + 1e-9 && s.hi >= cases[i].hi - 1e-9);
		for (int t = 0; t < s.n; t++) {
			strcat(text, t > 0 ? " " : "");
			strcat(text, scale_label(&s, scale_tick(&s, t), cases[i].unit, label));
		}
		assert_string_equal(text, cases[i].labels);
	}
}

static void
times_are_round_and_never_touch(void **state)
{
	static const struct {
		int64_t span_s;
		int w;
		int64_t step_s;
		const char *first;
	} cases[] = {
		{ 3600, 60, 600, "02:30" }, { 3600, 20, 1800, "02:30" }, { 300, 60, 60, "02:29:00" }, { 86400, 80, 10800, "03:00" },
		{ 3 * 86400, 80, 86400, "01-02" }, { 3 * 86400, 120, 43200, "01-01 12:00" }, { 30 * 86400, 60, 7 * 86400, "01-03" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t span = cases[i].span_s * NS_PER_S, step = time_step(span, cases[i].w);
		char label[SCALE_LABEL_MAX];

		assert_int_equal(step / NS_PER_S, cases[i].step_s);
		assert_string_equal(time_label(time_tick(END, step), span, step, label), cases[i].first);
		assert_true((double)step / (double)span * cases[i].w >= (double)strlen(label) + 1);
	}
	assert_int_equal(time_tick(-5 * NS_PER_S, 10 * NS_PER_S), 0);
	assert_int_equal(time_tick(20, 10), 20);
}

static void
sparklines_show_shape_and_gaps(void **state)
{
	struct grid *grid = grid_new(20, 2, false);
	struct canvas c = grid_canvas(grid);
	struct sample v[16];
	struct buf b;

	(void)state;
	for (int i = 0; i < 16; i++)
		v[i] = (struct sample){ .t_ns = i * 10 + 5, .v = i };
	v[8].v = NAN;
	v[9].v = INFINITY;
	buf_init(&b, 1000);
	sparkline_draw(&c, 1, 0, 16, ROLE_TEXT, v, 16, 0, 160);
	v[0].v = 0;
	sparkline_draw(&c, 1, 1, 4, ROLE_TEXT, v, 1, 0, 40);
	grid_dump(grid, &b);
	assert_string_equal(b.data, " ▁▁▂▂▃▃▄▄ ↑▆▆▇▇██\n ▁\n");
	buf_done(&b);
	grid_free(grid);
}

/* From nothing to all of it whatever the values; a column without a sample keeps what was so before, and the last one shows the newest. */
static void
sparklines_may_share_a_scale(void **state)
{
	struct grid *grid = grid_new(12, 4, false);
	struct canvas c = grid_canvas(grid);
	struct sample high[] = { { 10, 1 }, { 50, 0.93 }, { 100, 0.9 } }, low[] = { { 10, 0.1 }, { 100, 0.2 } };
	struct sample gone[] = { { 10, 2 }, { 50, 0 }, { 60, NAN }, { 80, -3 }, { 99, -4 } }, late[] = { { 60, 0.5 }, { 120, 1 } };
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	sparkline_scaled_draw(&c, 1, 0, 10, ROLE_TEXT, high, 3, 0, 100, 0, 1);
	sparkline_scaled_draw(&c, 1, 1, 10, ROLE_TEXT, low, 2, 0, 100, 0, 1);
	sparkline_scaled_draw(&c, 1, 2, 10, ROLE_TEXT, gone, 5, 0, 100, 0, 1);
	sparkline_scaled_draw(&c, 1, 3, 10, ROLE_TEXT, late, 2, 0, 100, 0, 1);
	grid_dump(grid, &b);
	assert_string_equal(b.data, " █████████▇\n ▂▂▂▂▂▂▂▂▂▂\n ████▁  ▁▁▁\n      ▅▅▅▅▅\n");
	buf_done(&b);
	grid_free(grid);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_incident_stands_out),
		cmocka_unit_test(levels_come_into_sight),
		cmocka_unit_test(levels_may_stand_beside),
		cmocka_unit_test(gaps_stay_gaps),
		cmocka_unit_test(infinities_are_marked),
		cmocka_unit_test(flat_lines_have_a_scale),
		cmocka_unit_test(one_sample_can_be_seen),
		cmocka_unit_test(no_data_says_so),
		cmocka_unit_test(lines_meet_and_the_cursor_stands),
		cmocka_unit_test(survives_any_size_and_value),
		cmocka_unit_test(scales_are_round),
		cmocka_unit_test(times_are_round_and_never_touch),
		cmocka_unit_test(sparklines_show_shape_and_gaps),
		cmocka_unit_test(sparklines_may_share_a_scale),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
