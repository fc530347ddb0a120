/* The filter over lines, worked out in workers: whatever came in between, in the end the view is what one look at everything would have found. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "insight/log_look.h"
#include "logs_work.h"
#include "logs_world.h"

struct world {
	struct loop *loop;
	struct pool *pool;
	struct model *model;
	struct logs_work *work;
	struct log_view *view;		/* the newest */
	unsigned n_views;
	int64_t start_ns, end_ns, step_ns;
};

static void
on_view(struct log_view *view, void *arg)
{
	struct world *w = arg;

	block_unref(w->view);
	w->view = view;
	w->n_views++;
}

static void
set_range(struct world *w, int64_t start_ns, int64_t end_ns, int64_t step_ns)
{
	w->start_ns = start_ns;
	w->end_ns = end_ns;
	w->step_ns = step_ns;
	logs_work_range(w->work, start_ns, end_ns, step_ns);
}

static struct world *
world_new(void)
{
	struct world *w = xcalloc(1, sizeof *w);
	struct err err = ERR_INIT;

	clock_freeze(LOGS_NOW);
	assert_int_equal(loop_new(&w->loop, &err), 0);
	w->pool = pool_new(w->loop, 2);
	w->model = model_new(0, 0);
	w->work = logs_work_new(w->loop, w->pool, w->model, on_view, w);
	set_range(w, LOGS_NOW - NS_PER_HOUR, LOGS_NOW, 15 * NS_PER_S);
	return w;
}

static void
world_free(struct world *w)
{
	logs_work_stop(w->work);
	pool_stop(w->pool);
	logs_work_free(w->work);
	pool_free(w->pool);
	block_unref(w->view);
	model_free(w->model);
	loop_free(w->loop);
	free(w);
}

static void
settle(struct world *w)
{
	logs_work_lines(w->work);
	while (!logs_work_is_done(w->work)) {
		clock_freeze(clock_now() + NS_PER_MS);	/* for the timer; errors are counted by slots of ten seconds */
		loop_once(w->loop, NS_PER_MS);
	}
}

/* The same as one look at everything: lines, counts over time, services. */
static void
check(struct world *w, const char *query)
{
	struct log_view_ask ask = { .query = query, .error = "", .start_ns = w->start_ns, .end_ns = w->end_ns, .step_ns = w->step_ns,
		.now_ns = clock_now() };
	struct log_filter *filter = NULL;
	struct err err = ERR_INIT;
	struct log_view *all;
	char *got, *expected;

	if (log_filter_new(query, &filter, &err) < 0)
		fail_msg("%s: %s", query, err.msg);
	all = log_look_now(w->model, filter, &ask);
	got = logs_view_text(w->view);
	expected = logs_view_text(all);
	assert_string_equal(got, expected);
	assert_string_equal(w->view->query, query);
	assert_int_equal(w->view->n, all->n);
	assert_int_equal(w->view->n_of, all->n_of);
	assert_false(w->view->is_partial);
	assert_int_equal(w->view->n_buckets, all->n_buckets);
	assert_memory_equal(w->view->buckets, all->buckets, all->n_buckets * sizeof *all->buckets);
	assert_int_equal(w->view->n_services, all->n_services);
	for (size_t i = 0; i < all->n_services; i++) {
		assert_string_equal(w->view->services[i].name, all->services[i].name);
		assert_int_equal(w->view->services[i].n_errors, all->services[i].n_errors);
		assert_int_equal(w->view->services[i].n_lines, all->services[i].n_lines);
	}
	free(got);
	free(expected);
	block_unref(all);
	log_filter_free(filter);
}

static void
test_all(void **state)
{
	struct world *w = world_new();

	(void)state;
	logs_tell_many(w->model, 0, 3000, LOGS_NOW - NS_PER_S);
	settle(w);
	assert_int_equal(w->view->n, 3000);
	check(w, "");
	world_free(w);
}

static size_t
in_buckets(const struct log_view *v, enum line_level level)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n_buckets; i++)
		n += v->buckets[i].n[level];
	return n;
}

static void
test_filter_and_counts(void **state)
{
	struct world *w = world_new();

	(void)state;
	logs_tell_many(w->model, 0, 3000, LOGS_NOW - NS_PER_S);
	logs_work_query(w->work, "level:error");
	settle(w);
	assert_int_equal(w->view->n, 300);
	assert_int_equal(w->view->n_of, 3000);
	assert_int_equal(in_buckets(w->view, LOG_LEVEL_ERROR), 300);
	assert_int_equal(in_buckets(w->view, LOG_LEVEL_INFO), 0);
	check(w, "level:error");
	world_free(w);
}

/* Lines are counted over five minutes whatever the filter lets through. */
static void
test_services(void **state)
{
	struct world *w = world_new();

	(void)state;
	logs_tell_many(w->model, 0, 3000, LOGS_NOW - NS_PER_S);
	logs_work_query(w->work, "nothing is like this");
	settle(w);
	assert_int_equal(w->view->n, 0);
	assert_int_equal(w->view->n_services, 2);
	assert_string_equal(w->view->services[0].name, "ranker");
	assert_int_equal(w->view->services[0].n_lines, w->view->services[0].n_errors);
	/* Slots of ten seconds: up to one of them more or less. */
	assert_in_range(w->view->services[0].n_errors, 29, 31);
	assert_in_range(w->view->services[1].n_lines, 261, 279);
	assert_int_equal(w->view->services[1].n_errors, 0);
	world_free(w);
}

static void
test_new_lines(void **state)
{
	struct world *w = world_new();

	(void)state;
	logs_tell_many(w->model, 0, 2000, LOGS_NOW - 30 * NS_PER_MIN);
	logs_work_query(w->work, "line 1");
	settle(w);
	check(w, "line 1");
	for (int i = 0; i < 5; i++) {
		logs_tell_many(w->model, 2000 + (size_t)i * 37, 37, LOGS_NOW - 29 * NS_PER_MIN + i * NS_PER_MIN);
		settle(w);
		check(w, "line 1");
	}
	/* Late ones. */
	logs_tell_model(w->model, "journal", (struct logs_line[]){ { LOGS_NOW - 50 * NS_PER_MIN - 7, "web", LOG_LEVEL_ERROR, "late line 1" } }, 1);
	settle(w);
	check(w, "line 1");
	world_free(w);
}

/* The oldest make room for new ones. */
static void
test_dropped_lines(void **state)
{
	struct world *w = world_new();

	(void)state;
	model_log_limit(w->model, 64 << 20, 2000);
	logs_work_query(w->work, "line");
	for (int i = 0; i < 6; i++) {
		logs_tell_many(w->model, (size_t)i * 900, 900, LOGS_NOW - 60 * NS_PER_MIN + (i + 1) * 900 * NS_PER_S / 4);
		settle(w);
		check(w, "line");
	}
	assert_true(model_log_totals(w->model)->n_dropped > 0);
	assert_int_equal(w->view->n, model_log_totals(w->model)->n);
	world_free(w);
}

/* Typed faster than it can be worked out: the last one counts. */
static void
test_newest_wins(void **state)
{
	static const char *const typed[] = { "l", "li", "lin", "line", "line 2", "line 29", "line 299" };
	struct world *w = world_new();
	unsigned before;

	(void)state;
	logs_tell_many(w->model, 0, 3000, LOGS_NOW - NS_PER_S);
	settle(w);
	before = w->n_views;
	for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++)
		logs_work_query(w->work, typed[i]);
	settle(w);
	check(w, "line 299");
	assert_int_equal(w->view->n, 13);	/* and 1299, 2299, 2990 to 2999 */
	assert_true(w->n_views > before);
	world_free(w);
}

static void
test_wrong_query(void **state)
{
	struct world *w = world_new();

	(void)state;
	logs_tell_many(w->model, 0, 500, LOGS_NOW - NS_PER_S);
	logs_work_query(w->work, "line 4");
	settle(w);
	assert_string_equal(w->view->error, "");
	logs_work_query(w->work, "/line (4/");
	settle(w);
	assert_string_equal(w->view->query, "/line (4/");
	assert_non_null(strstr(w->view->error, "parenthesis"));
	assert_string_equal(logs_work_asked(w->work), "line 4");
	assert_int_equal(w->view->n, 176);	/* what "line 4" found */
	logs_work_query(w->work, "line 49");
	settle(w);
	check(w, "line 49");
	world_free(w);
}

static void
test_range(void **state)
{
	struct world *w = world_new();

	(void)state;
	logs_tell_many(w->model, 0, 3000, LOGS_NOW - NS_PER_S);
	settle(w);
	for (int i = 0; i < 10; i++) {
		set_range(w, LOGS_NOW - NS_PER_HOUR + i * 5 * NS_PER_MIN, LOGS_NOW + i * 5 * NS_PER_MIN, 15 * NS_PER_S);
		settle(w);
		check(w, "");
	}
	set_range(w, LOGS_NOW - 6 * NS_PER_HOUR, LOGS_NOW, 120 * NS_PER_S);
	settle(w);
	check(w, "");
	set_range(w, LOGS_NOW - 20 * NS_PER_MIN, LOGS_NOW - 10 * NS_PER_MIN, 5 * NS_PER_S);
	settle(w);
	check(w, "");
	/* The first bucket begins at a multiple of the step. */
	assert_in_range(in_buckets(w->view, LOG_LEVEL_INFO) + in_buckets(w->view, LOG_LEVEL_ERROR), 600, 605);
	world_free(w);
}

/* Whatever is done in whatever order. */
static void
test_any_order(void **state)
{
	static const char *const queries[] = { "", "line", "line 1", "line 12", "/line 1[0-9]+$/", "!line", "level:error", "service:web 7", "/9/ !/99/" };
	enum { QUERIES = sizeof queries / sizeof queries[0] };

	(void)state;
	for (unsigned seed = 1; seed <= 8; seed++) {
		struct world *w = world_new();
		const char *query = "";
		size_t n = 0;

		srand(seed);
		for (int i = 0; i < 25; i++) {
			int what = rand() % 4;

			if (what == 0) {
				query = queries[rand() % QUERIES];
				logs_work_query(w->work, query);
			} else if (what == 1) {
				size_t more = (size_t)(rand() % 700);

				logs_tell_many(w->model, n, more, LOGS_NOW - (rand() % 100) * 30 * NS_PER_S);
				n += more;
				logs_work_lines(w->work);
			} else if (what == 2) {
				set_range(w, LOGS_NOW - (rand() % 100 + 1) * NS_PER_MIN, LOGS_NOW, (rand() % 3 + 1) * 10 * NS_PER_S);
			} else {
				loop_once(w->loop, 0);
			}
		}
		settle(w);
		check(w, query);
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_filter_and_counts),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_new_lines),
		cmocka_unit_test(test_dropped_lines),
		cmocka_unit_test(test_newest_wins),
		cmocka_unit_test(test_wrong_query),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
