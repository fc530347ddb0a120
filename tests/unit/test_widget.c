/* Lists keep their selection, columns their room, and frames and bars say what they mean. */
#include "config.h"

#include <limits.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ui/widget.h"

static void
assert_grid(const struct grid *g, const char *expected)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	grid_dump(g, &b);
	assert_string_equal(b.data, expected);
	buf_done(&b);
}

static void
selection_follows_its_row(void **state)
{
	static const uint64_t before[] = { 10, 20, 30, 40 }, moved[] = { 40, 30, 20, 10 }, gone[] = { 40, 20, 10 };
	struct list l = { 0 };

	(void)state;
	list_arrange(&l, before, 4, 2);
	assert_int_equal(l.selected_id, 10);
	list_move(&l, before, 4, 2);
	list_arrange(&l, before, 4, 2);
	assert_int_equal(l.selected_id, 30);
	assert_int_equal(l.top, 1);
	list_arrange(&l, moved, 4, 2);
	assert_int_equal(l.selected, 1);
	assert_int_equal(l.selected_id, 30);
	/* Gone: the row that took its place. */
	list_arrange(&l, gone, 3, 2);
	assert_int_equal(l.selected, 1);
	assert_int_equal(l.selected_id, 20);
	list_arrange(&l, NULL, 0, 2);
	assert_int_equal(l.selected, 0);
	assert_int_equal(l.top, 0);
	/* An empty moment does not lose it. */
	list_arrange(&l, before, 4, 2);
	assert_int_equal(l.selected_id, 20);
}

static void
moves_stop_at_the_ends(void **state)
{
	static const uint64_t ids[] = { 1, 2, 3, 4, 5 };
	struct list l = { 0 };

	(void)state;
	list_move(&l, ids, 5, INT_MAX);
	assert_int_equal(l.selected_id, 5);
	list_move(&l, ids, 5, 1);
	assert_int_equal(l.selected_id, 5);
	list_arrange(&l, ids, 5, 3);
	assert_int_equal(l.top, 2);
	list_move(&l, ids, 5, INT_MIN);
	assert_int_equal(l.selected_id, 1);
	list_arrange(&l, ids, 5, 10);
	assert_int_equal(l.top, 0);
	list_move(&l, ids, 0, 1);
	assert_int_equal(l.selected_id, 1);
}

static void
columns_give_way_by_priority(void **state)
{
	static const struct {
		int w, x[3], widths[3];
	} cases[] = {
		{ 30, { 0, 18, 23 }, { 17, 4, 7 } }, { 19, { 0, 7, 12 }, { 6, 4, 7 } }, { 18, { 0, 14, 19 }, { 13, 4, 0 } },
		{ 10, { 0, 11, 11 }, { 10, 0, 0 } }, { 3, { 0, 7, 7 }, { 6, 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct column cols[] = {
			{ .title = "name", .min = 6, .weight = 1 }, { .title = "age", .min = 4, .is_right = true, .priority = 1 },
			{ .title = "until", .min = 7, .priority = 2 },
		};

		columns_fit(cols, 3, cases[i].w);
		for (int c = 0; c < 3; c++) {
			assert_int_equal(cols[c].w, cases[i].widths[c]);
			if (cols[c].w > 0)
				assert_int_equal(cols[c].x, cases[i].x[c]);
		}
	}
}

static void
cells_stay_in_their_column(void **state)
{
	struct column cols[] = { { .title = "name", .min = 6, .weight = 1 }, { .title = "age", .min = 4, .is_right = true } };
	struct grid *g = grid_new(13, 3, false);
	struct canvas c = grid_canvas(g);

	(void)state;
	columns_fit(cols, 2, 13);
	columns_header(&c, 0, cols, 2);
	columns_cell(&c, 1, &cols[0], ROLE_TEXT, "a\tvery long name");
	columns_cell(&c, 1, &cols[1], ROLE_TEXT, "14m");
	columns_cell(&c, 2, &cols[1], ROLE_TEXT, "123456789");
	assert_grid(g, "name      age\na\\tvery…  14m\n         123…\n");
	grid_free(g);
}

static void
frames_have_a_title_and_a_state(void **state)
{
	struct grid *g = grid_new(30, 4, false);
	struct canvas c = grid_canvas(g), top = canvas_sub(&c, 0, 0, 30, 2), tiny = canvas_sub(&c, 0, 2, 8, 2), inside;

	(void)state;
	inside = frame_draw(&top, "Alerts", "3 firing", true);
	canvas_text(&inside, 0, 0, ROLE_TEXT, "inside");
	assert_int_equal(inside.h, 1);
	inside = frame_draw(&tiny, "Metrics", "1h", false);
	assert_int_equal(inside.y0, 3);
	assert_grid(g, "▸Alerts  3 firing ────────────\ninside\n Metri…\n\n");
	grid_free(g);
}

static void
bars_show_their_part(void **state)
{
	static const struct {
		double ratio;
		const char *seen;
	} cases[] = {
		{ 0, "········\n" }, { 1, "████████\n" }, { 0.5, "████····\n" }, { 0.38, "███·····\n" }, { 0.001, "▏·······\n" },
		{ 0.999, "███████▉\n" }, { 7, "████████\n" }, { -1, "········\n" }, { NAN, "········\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct grid *g = grid_new(8, 1, false);
		struct canvas c = grid_canvas(g);

		bar_draw(&c, 0, 0, 8, ROLE_OK, cases[i].ratio);
		assert_grid(g, cases[i].seen);
		grid_free(g);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selection_follows_its_row),
		cmocka_unit_test(moves_stop_at_the_ends),
		cmocka_unit_test(columns_give_way_by_priority),
		cmocka_unit_test(cells_stay_in_their_column),
		cmocka_unit_test(frames_have_a_title_and_a_state),
		cmocka_unit_test(bars_show_their_part),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
