/* Layouts fill their area without overlap, give up the least important first, and say what is wrong with a file. */
#include "config.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ui/layout.h"

#ifndef SRCDIR
#define SRCDIR "."
#endif

enum { PLACES = 16 };

static int
load_text(const char *text, struct layout **l, struct err *err)
{
	char path[] = "/tmp/test-layout-XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	r = layout_load(path, l, err);
	unlink(path);
	return r;
}

static struct layout *
shipped(const char *name)
{
	struct err err = ERR_INIT;
	struct layout *l = NULL;
	char path[512];

	snprintf(path, sizeof path, "%s/panels/layouts/%s.yaml", SRCDIR, name);
	if (layout_load(path, &l, &err) < 0)
		fail_msg("%s", err.msg);
	return l;
}

/* "overview 0,0 80x15; alerts 0,15 80x7" */
static void
assert_places(const struct layout *l, int w, int h, const char *expected)
{
	struct place places[PLACES];
	int n = layout_place(l, w, h, places, PLACES);
	char text[512] = "";
	size_t used = 0;

	for (int i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %d,%d %dx%d", i > 0 ? "; " : "", places[i].panel, places[i].x,
		    places[i].y, places[i].w, places[i].h);
	assert_string_equal(text, expected);
}

static void
shipped_layouts_suit_their_sizes(void **state)
{
	struct layout *narrow = shipped("narrow"), *wide = shipped("wide"), *wider = shipped("wider");

	(void)state;
	assert_places(narrow, 80, 22, "overview 0,0 80x15; alerts 0,15 80x7");
	assert_places(narrow, 80, 40, "overview 0,0 80x15; alerts 0,15 80x7; slo 0,22 80x6; metrics 0,28 80x12");
	assert_places(narrow, 80, 46, "overview 0,0 80x15; alerts 0,15 80x7; models 0,22 80x6; slo 0,28 80x6; metrics 0,34 80x12");
	assert_places(narrow, 80, 57, "overview 0,0 80x18; alerts 0,18 80x7; models 0,25 80x6; slo 0,31 80x6; metrics 0,37 80x14; sources 0,51 80x6");
	assert_places(narrow, 80, 5, "overview 0,0 80x5");
	assert_places(wide, 120, 34, "overview 0,0 59x17; models 0,17 59x6; alerts 0,23 59x11; metrics 60,0 60x20; slo 60,20 60x9; "
	    "sources 60,29 60x5");
	assert_places(wide, 200, 48, "overview 0,0 99x24; models 0,24 99x9; alerts 0,33 99x15; metrics 100,0 100x20; slo 100,20 100x9; "
	    "hosts 100,29 100x14; sources 100,43 100x5");
	assert_places(wide, 90, 34, "overview 0,0 90x17; models 0,17 90x6; alerts 0,23 90x11");
	assert_places(wide, 1, 1, "overview 0,0 1x1");
	assert_places(wider, 200, 48, "overview 0,0 61x24; models 0,24 61x9; alerts 0,33 61x15; metrics 62,0 62x20; slo 62,20 62x9; hosts 62,29 62x14; "
	    "sources 62,43 62x5; logs 125,0 75x48");
	layout_free(wider);
	layout_free(narrow);
	layout_free(wide);
}

/* Whatever the size: inside, at least one cell, no two on one cell. */
static void
places_never_overlap(void **state)
{
	static const char *const names[] = { "narrow", "wide", "wider" };
	static char cells[70][200];

	(void)state;
	for (size_t n = 0; n < 3; n++) {
		struct layout *l = shipped(names[n]);

		for (int w = 1; w < 200; w += 3) {
			for (int h = 1; h < 70; h += 2) {
				struct place places[PLACES];
				int count = layout_place(l, w, h, places, PLACES);

				assert_true(count > 0);
				memset(cells, 0, sizeof cells);
				for (int i = 0; i < count; i++) {
					assert_true(places[i].x >= 0 && places[i].y >= 0 && places[i].w > 0 && places[i].h > 0);
					assert_true(places[i].x + places[i].w <= w && places[i].y + places[i].h <= h);
					for (int y = places[i].y; y < places[i].y + places[i].h; y++)
						for (int x = places[i].x; x < places[i].x + places[i].w; x++)
							assert_int_equal(cells[y][x]++, 0);
				}
			}
		}
		layout_free(l);
	}
}

static void
priority_says_who_goes_first(void **state)
{
	struct err err = ERR_INIT;
	struct layout *l;

	(void)state;
	assert_int_equal(load_text("root:\n  rows:\n    - { panel: a, min: 5, priority: 9 }\n    - { panel: b, min: 5 }\n    - { panel: c, min: 5 }\n",
	    &l, &err), 0);
	assert_places(l, 10, 15, "a 0,0 10x5; b 0,5 10x5; c 0,10 10x5");
	assert_places(l, 10, 14, "b 0,0 10x7; c 0,7 10x7");
	assert_places(l, 10, 9, "b 0,0 10x9");
	layout_free(l);
}

static void
weights_share_what_minima_leave(void **state)
{
	struct err err = ERR_INIT;
	struct layout *l;

	(void)state;
	assert_int_equal(load_text("root: { columns: [ { panel: a, weight: 3 }, { panel: b, min: 30 } ] }\n", &l, &err), 0);
	assert_places(l, 161, 4, "a 0,0 120x4; b 121,0 40x4");
	assert_places(l, 101, 4, "a 0,0 70x4; b 71,0 30x4");
	assert_places(l, 51, 4, "a 0,0 20x4; b 21,0 30x4");
	assert_places(l, 50, 4, "a 0,0 50x4");
	layout_free(l);
}

static void
says_what_is_wrong_and_where(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "expected one document" }, { "rot: {}\n", ":1:1: there is no member \"rot\" here; did you mean \"root\"?" },
		{ "root: { rows: [] }\n", ":1:15: expected a list of one to 16 entries" },
		{ "root: { row: [ { panel: a } ] }\n", "there is no member \"row\" here; did you mean \"rows\"?" },
		{ "root: { rows: [ { panel: a, weight: 0 } ] }\n", "expected a whole number from 1 to 1000" },
		{ "root: { rows: [ { panel: a, min: 1.5 } ] }\n", "expected a whole number from 1 to 1000" },
		{ "root: { rows: [ { weight: 2 } ] }\n", ":1:17: expected one of panel, rows and columns" },
		{ "root: { rows: [ { panel: a, columns: [ { panel: b } ] } ] }\n", "expected only one of" },
		{ "root: { rows: [ { panel: a }, { columns: [ { panel: a } ] } ] }\n", ":1:53: panel a stands here a second time" },
		{ "root: a\n", "expected a panel, rows or columns" }, { "root: { rows: [ { panel: [] } ] }\n", "expected the name of a panel" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = ERR_INIT;
		struct layout *l = NULL;

		assert_int_equal(load_text(cases[i].text, &l, &err), ERR_INVALID);
		if (strstr(err.msg, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].text, err.msg);
		assert_null(l);
	}
}

static void
unknown_panels_are_named(void **state)
{
	static const char *const known[] = { "overview", "alerts" };
	struct err err = ERR_INIT;
	struct layout *l;

	(void)state;
	assert_int_equal(load_text("root:\n  rows:\n    - { panel: alerts }\n    - { panel: overvew }\n", &l, &err), 0);
	assert_int_equal(layout_check(l, known, 2, &err), ERR_INVALID);
	assert_non_null(strstr(err.msg, ":4:16: there is no panel \"overvew\"; did you mean \"overview\"?"));
	layout_free(l);
	l = shipped("narrow");
	assert_int_equal(layout_check(l, (const char *const[]){ "overview", "alerts", "metrics", "sources", "slo", "models", "hosts", "drift" }, 8, &err), 0);
	layout_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_layouts_suit_their_sizes),
		cmocka_unit_test(places_never_overlap),
		cmocka_unit_test(priority_says_who_goes_first),
		cmocka_unit_test(weights_share_what_minima_leave),
		cmocka_unit_test(says_what_is_wrong_and_where),
		cmocka_unit_test(unknown_panels_are_named),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
