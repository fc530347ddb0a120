/* The audit panel over a log that is larger than a window: an app that answers late, and every way of moving. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "panels/audit.h"
#include "ui/key.h"

enum { W = 120, H = 30, RECORDS = 5000 };

struct world {
	struct model *m;
	struct panel *p;
	struct view v;
	int n_asked;
	char filter[64];
	int64_t asked;		/* -2: nothing */
};

static void
give_window(struct world *w, int64_t first, uint64_t total)
{
	struct audit_view *a = block_new(sizeof *a);
	struct audit_row *rows;
	struct event ev;

	if (first < 0 || first > (int64_t)total)
		first = (int64_t)total - AUDIT_VIEW_ROWS;
	first = first < 0 ? 0 : first;
	*a = (struct audit_view){ .block = a->block, .path = "audit", .n_records = total, .first_seq = 1, .last_seq = total, .last_hash = "",
		.is_writable = true, .why = "", .verdict = "good", .verdict_text = "", .filter = "", .filter_error = "", .n_matching = total,
		.first = (uint64_t)first };
	a->n = total - (uint64_t)first < AUDIT_VIEW_ROWS ? (size_t)(total - (uint64_t)first) : AUDIT_VIEW_ROWS;
	rows = arena_alloc(&a->block.arena, (a->n + 1) * sizeof *rows);
	for (size_t i = 0; i < a->n; i++)
		rows[i] = (struct audit_row){ .seq = (uint64_t)first + 1 + i, .time_ns = 1, .type = "note", .actor = "jane", .run = "", .incident = "",
			.text = "", .detail = "{}", .hash = "" };
	a->rows = rows;
	event_init(&ev, EVENT_AUDIT_VIEW, 1, "", a);
	model_apply(w->m, &ev);
	event_done(&ev);
}

static void
draw(struct world *w)
{
	struct grid *g = grid_new(W, H, false);
	struct canvas c = grid_canvas(g);

	panel_draw(w->p, &w->v, &c, NULL);
	grid_free(g);
}

static void
take(struct world *w, struct op *op)
{
	if (op != NULL && op->kind == OP_AUDIT_WINDOW) {
		w->asked = op->number;
		snprintf(w->filter, sizeof w->filter, "%s", op->text);
		w->n_asked++;
	}
	op_free(op);
}

static void
wish(struct world *w)
{
	take(w, w->p->ops->wish(w->p, &w->v));
}

static void
command(struct world *w, const char *name)
{
	for (const struct command *c = w->p->ops->commands; c->name != NULL; c++) {
		if (strcmp(c->name, name) == 0) {
			take(w, c->run(w->p, &w->v, NULL));
			wish(w);
			return;
		}
	}
	fail_msg("no command %s", name);
}

static void
answer(struct world *w, uint64_t total)
{
	if (w->asked == -2)
		return;
	give_window(w, w->asked, total);
	w->asked = -2;
	draw(w);
}

static uint64_t
selected(struct world *w)
{
	draw(w);
	return ((struct audit_panel *)w->p->state)->ld.list.selected_id;
}

static struct world
world_open(uint64_t total)
{
	struct world w = { .m = model_new(0, 0), .asked = -2 };

	w.v = (struct view){ .model = w.m, .live = w.m, .now_ns = 1, .range = { .is_live = true }, .is_focused = true };
	if (total > 0)
		give_window(&w, -1, total);
	w.p = panel_new(&panel_audit, &w.v, NULL);
	draw(&w);
	return w;
}

static void
world_close(struct world *w)
{
	panel_free(w->p);
	model_free(w->m);
}

/* A row at a time from the newest to the oldest and back: each record once, whatever the windows are. */
static void
test_walk(void **state)
{
	struct world w = world_open(RECORDS);

	(void)state;
	for (uint64_t seq = RECORDS; seq > 1; seq--) {
		assert_int_equal(selected(&w), seq);
		command(&w, "next");
		answer(&w, RECORDS);
	}
	assert_int_equal(selected(&w), 1);
	command(&w, "next");
	assert_int_equal(selected(&w), 1);
	assert_int_equal(w.asked, -2);
	for (uint64_t seq = 1; seq < RECORDS; seq++) {
		command(&w, "previous");
		answer(&w, RECORDS);
		assert_int_equal(selected(&w), seq + 1);
	}
	/* Windows are large: few were asked for. */
	assert_true(w.n_asked < 4 * RECORDS / AUDIT_VIEW_ROWS);
	world_close(&w);
}

/* The answer takes its time, and keys go on: what is selected then is where they lead. */
static void
test_late_answer(void **state)
{
	struct world w = world_open(RECORDS);

	(void)state;
	command(&w, "last");
	assert_true(w.asked >= 0);
	draw(&w);
	for (int i = 0; i < 600; i++)
		command(&w, "previous");
	answer(&w, RECORDS);
	assert_int_equal(selected(&w), 601);
	command(&w, "first");
	assert_int_equal(w.asked, -1);
	answer(&w, RECORDS);
	assert_int_equal(selected(&w), RECORDS);
	world_close(&w);
}

/* Until somebody looks at another one, it is the newest; then it stays. */
static void
test_grows(void **state)
{
	struct world w = world_open(10);

	(void)state;
	give_window(&w, -1, 12);
	assert_int_equal(selected(&w), 12);
	command(&w, "next");
	give_window(&w, -1, 20);
	assert_int_equal(selected(&w), 11);
	command(&w, "first");
	give_window(&w, -1, 21);
	assert_int_equal(selected(&w), 21);
	world_close(&w);
}

static void
test_show(void **state)
{
	struct world w = world_open(RECORDS);

	(void)state;
	w.p->ops->show(w.p, &w.v, "4990");
	wish(&w);
	assert_int_equal(w.asked, -2);
	assert_int_equal(selected(&w), 4990);
	w.p->ops->show(w.p, &w.v, "77");
	wish(&w);
	assert_int_equal(w.asked, 0);
	answer(&w, RECORDS);
	assert_int_equal(selected(&w), 77);
	/* What is no number changes nothing. */
	w.p->ops->show(w.p, &w.v, "x");
	wish(&w);
	assert_int_equal(w.asked, -2);
	assert_int_equal(selected(&w), 77);
	world_close(&w);
}

/* Asked for once, not with each frame. */
static void
test_filter(void **state)
{
	struct world w = world_open(RECORDS);

	(void)state;
	w.p->ops->filter(w.p, "type=act");
	wish(&w);
	assert_int_equal(w.asked, -1);
	assert_string_equal(w.filter, "type=act");
	w.asked = -2;
	wish(&w);
	assert_int_equal(w.asked, -2);
	w.p->ops->filter(w.p, "");
	wish(&w);
	assert_string_equal(w.filter, "");
	assert_int_equal(w.n_asked, 2);
	world_close(&w);
}

static void
test_none(void **state)
{
	struct world w = world_open(0);

	(void)state;
	wish(&w);
	assert_int_equal(w.asked, -1);
	w.asked = -2;
	for (const struct command *c = w.p->ops->commands; c->name != NULL; c++)
		take(&w, c->run(w.p, &w.v, NULL));
	draw(&w);
	assert_int_equal(w.asked, -2);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk), cmocka_unit_test(test_late_answer), cmocka_unit_test(test_grows), cmocka_unit_test(test_show),
		cmocka_unit_test(test_filter), cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
