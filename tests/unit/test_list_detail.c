/* A list with its detail: what is selected when the rows change, what has a header, how far the detail scrolls. */
#include "config.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "panels/list_detail.h"
#include "ui/key.h"

struct world {
	struct list_detail ld;	/* first, as in a panel */
	int moved_by;
	struct panel p;
};

static void
list_rows(struct world *w, const char *ids)
{
	list_detail_clear(&w->ld);
	w->ld.ids = xcalloc(strlen(ids) + 1, sizeof *w->ld.ids);
	for (; *ids != '\0'; ids++)
		w->ld.ids[w->ld.n++] = (uint64_t)*ids;
	list_detail_stay_first(&w->ld);
	list_detail_split(&w->ld, 80, 24, w->ld.n + 1);
	list_detail_fit(&w->ld, list_detail_header(&w->ld, LIST_HEADER_FROM, w->ld.n));
}

static char
selected(const struct world *w)
{
	int i = list_detail_selected(&w->ld);

	return i < 0 ? '-' : (char)w->ld.ids[i];
}

static struct op *
press(struct world *w, const char *key)
{
	static const struct command commands[] = { LIST_DETAIL_COMMANDS, { 0 } };

	for (const struct command *c = commands; c->name != NULL; c++)
		if (strcmp(c->key, key) == 0)
			return c->run(&w->p, NULL, NULL);
	fail_msg("no command has the key %s", key);
	return NULL;
}

static int
set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof *w);

	w->p.state = w;
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	list_detail_done(&w->ld);
	free(w);
	return 0;
}

/* Until somebody selects a row it is the first, whichever that is; then it is that one, wherever it goes. */
static void
test_selection(void **state)
{
	struct world *w = *state;

	list_rows(w, "");
	assert_int_equal(selected(w), '-');
	list_rows(w, "abc");
	assert_int_equal(selected(w), 'a');
	list_rows(w, "xabc");
	assert_int_equal(selected(w), 'x');
	press(w, "j");
	assert_int_equal(selected(w), 'a');
	list_rows(w, "yxbca");
	assert_int_equal(selected(w), 'a');
	press(w, "Home");
	list_rows(w, "zyxbca");
	assert_int_equal(selected(w), 'z');
	press(w, "End");
	list_rows(w, "ayxbc");
	assert_int_equal(selected(w), 'a');
}

/* What is read does not change under the reader. */
static void
test_reading(void **state)
{
	struct world *w = *state;

	list_rows(w, "abc");
	list_detail_toggle(&w->ld);
	list_rows(w, "xabc");
	assert_int_equal(selected(w), 'a');
	assert_int_equal(w->ld.split.kind, SPLIT_BELOW);
	assert_true(list_detail_key(&w->p, NULL, KEY_ESC, NULL));
	assert_false(w->ld.is_detail);
	assert_false(list_detail_key(&w->p, NULL, KEY_ESC, NULL));
}

static void
test_scrolling(void **state)
{
	struct world *w = *state;
	int h;

	list_rows(w, "abc");
	list_detail_toggle(&w->ld);
	list_rows(w, "abc");
	h = w->ld.split.detail_h;
	assert_false(list_detail_is_scrolled(&w->ld));
	press(w, "K");
	assert_int_equal(w->ld.detail_top, 0);
	press(w, "J");
	assert_true(list_detail_is_scrolled(&w->ld));
	list_detail_clamp(&w->ld, h + 2);
	assert_int_equal(w->ld.detail_top, 2);
	list_detail_clamp(&w->ld, h - 5);
	assert_int_equal(w->ld.detail_top, 0);
	press(w, "J");
	press(w, "j");
	assert_int_equal(w->ld.detail_top, 0);
}

/* It is asked for by name. */
static void
test_show(void **state)
{
	struct world *w = *state;

	list_detail_filter(&w->p, "word");
	assert_string_equal(w->ld.filter, "word");
	list_rows(w, "ab");
	list_detail_show(&w->ld, 'c');
	assert_null(w->ld.filter);
	list_rows(w, "abc");
	assert_int_equal(selected(w), 'c');
	assert_int_not_equal(w->ld.split.kind, SPLIT_NONE);
}

/* No row gives way to a header in a low list; where none has to, it stands. */
static void
test_header(void **state)
{
	static const struct {
		int h, rows;
		bool has_header;
		int page;
	} cases[] = { { 3, 3, false, 3 }, { 3, 2, true, 2 }, { 4, 9, true, 3 }, { 1, 1, false, 1 }, { 2, 1, true, 1 }, { 0, 5, false, 1 } };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		w->ld.split = (struct split){ .list_w = 80, .list_h = cases[i].h };
		list_detail_fit(&w->ld, list_detail_header(&w->ld, LIST_HEADER_FROM, cases[i].rows));
		assert_int_equal(w->ld.has_header, cases[i].has_header);
		assert_int_equal(w->ld.page, cases[i].page);
	}
}

static struct op *
own_move(struct panel *p, const struct view *v, int by)
{
	struct world *w = p->state;

	(void)v;
	w->moved_by = by;
	return NULL;
}

static void
test_own_move(void **state)
{
	static const struct {
		const char *key;
		int by;
	} cases[] = { { "j", 1 }, { "Down", 1 }, { "k", -1 }, { "Up", -1 }, { "PgDn", 22 }, { "PgUp", -22 }, { "Home", INT_MIN }, { "End", INT_MAX } };
	struct world *w = *state;

	list_rows(w, "abcdefghijklmnopqrstuvwxyz");
	w->ld.move = own_move;
	w->ld.page = 22;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		press(w, cases[i].key);
		assert_int_equal(w->moved_by, cases[i].by);
	}
	assert_int_equal(selected(w), 'a');
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_selection, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reading, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scrolling, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_show, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_header, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_own_move, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
