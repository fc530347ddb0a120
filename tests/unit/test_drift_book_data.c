/* The kinds of data: native histograms, categories, gauges, missing values, and buckets that differ. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "insight/drift.h"
#include "drift_world.h"

#define SHIFTED (NOW_NS - 3 * W)

static void
run(struct world *w)
{
	world_define(w);
	world_pump(w);
}

static bool
has_note(const struct drift *d, const char *text)
{
	for (size_t i = 0; i < d->notes.n; i++)
		if (strstr(d->notes.v[i], text) != NULL)
			return true;
	return false;
}

/* Then of schema 0, now of schema 1, with a bucket for zeros: only what both know is compared. */
static void
test_native_schema(void **state)
{
	struct world w;
	struct world_metric *m;
	struct drift_def *d;
	const struct drift *got;
	struct err err = ERR_INIT;
	const char *profile = "{\"features\":{\"x\":{\"bounds\":[0.001,1,2,4],"
			      "\"counts\":[1000,2000,4000,2000,0]}}}";

	(void)state;
	world_init(&w);
	m = world_metric(&w, "x", DRIFT_NATIVE);
	m->n = 5;
	memcpy(m->lo, (double[]){ 0, 0.5, 1, M_SQRT2, 2 }, 5 * sizeof(double));
	memcpy(m->hi, (double[]){ 0.001, 1, M_SQRT2, 2, 4 }, 5 * sizeof(double));
	memcpy(m->shares, (double[]){ 1. / 9, 2. / 9, 1. / 9, 3. / 9, 2. / 9 }, 5 * sizeof(double));
	m->per_window = 9000;
	d = world_add(&w, "x", DRIFT_NATIVE, "x");
	d->reference = DRIFT_FROM_PROFILE;
	d->profile = "p";
	world_define(&w);
	drift_book_profile(w.book, d->id, profile, strlen(profile), NULL, &err);
	world_pump(&w);
	world_state(&w, "x", DRIFT_STEADY, "within noise");
	got = world_find(w.set, "x");
	assert_true(fabs(drift_score_find(got, DRIFT_PSI)->value) < 1e-9);
	assert_true(got->n_now == 9000 && got->n_then == 9000);
	assert_true(has_note(got, "another schema"));
	world_done(&w);
}

static void
test_native_moved(void **state)
{
	struct world w;
	struct world_metric *m;

	(void)state;
	world_init(&w);
	m = world_metric(&w, "x", DRIFT_NATIVE);
	m->n = 4;
	memcpy(m->lo, (double[]){ 1, 2, 4, 16 }, 4 * sizeof(double));
	memcpy(m->hi, (double[]){ 2, 4, 8, 32 }, 4 * sizeof(double));
	/* Then nothing was above 8; now nothing is below 2. */
	memcpy(m->shares, (double[]){ 0.5, 0.3, 0.2, 0 }, 4 * sizeof(double));
	memcpy(m->shifted, (double[]){ 0, 0.3, 0.3, 0.4 }, 4 * sizeof(double));
	m->shift_ns = SHIFTED;
	world_add(&w, "x", DRIFT_NATIVE, "x");
	run(&w);
	world_state(&w, "x", DRIFT_DRIFTED, "higher");
	assert_true(fabs(drift_score_find(world_find(w.set, "x"), DRIFT_KS)->value - 0.5) < 1e-9);
	world_done(&w);
}

static void
test_not_native(void **state)
{
	struct world w;
	struct world_metric *m;

	(void)state;
	world_init(&w);
	m = world_metric(&w, "x", DRIFT_GAUGE);
	m->mean = 3;
	world_add(&w, "x", DRIFT_NATIVE, "x");
	run(&w);
	world_state(&w, "x", DRIFT_UNKNOWN, "no native histogram");
	world_done(&w);
}

static void
test_categories(void **state)
{
	struct world w;
	struct world_metric *m;
	const struct drift *d;

	(void)state;
	world_init(&w);
	m = world_metric(&w, "language", DRIFT_CATEGORIES);
	m->n = 3;
	memcpy(m->names, (const char *[]){ "en", "de", "zh" }, 3 * sizeof *m->names);
	memcpy(m->shares, (double[]){ 0.8, 0.2, 0 }, 3 * sizeof(double));
	memcpy(m->shifted, (double[]){ 0.5, 0.2, 0.3 }, 3 * sizeof(double));
	m->shift_ns = SHIFTED;
	world_add(&w, "language", DRIFT_CATEGORIES, "language_total");
	run(&w);
	world_state(&w, "language", DRIFT_DRIFTED, "\"zh\" is 30%, was 0%");
	d = world_find(w.set, "language");
	assert_int_equal(d->n_new, 1);
	assert_string_equal(d->new_categories[0], "zh");
	assert_string_equal(d->cells[0].value, "zh");
	assert_true(isnan(d->cells[0].lo) && d->cells[0].part >= d->cells[1].part);
	/* What lies where on an axis has no meaning here. */
	assert_null(drift_score_find(d, DRIFT_KS));
	assert_null(drift_score_find(d, DRIFT_MEAN));
	world_done(&w);
}

static struct world_metric *
gauge(struct world *w, double parts)
{
	struct world_metric *m = world_metric(w, "queue", DRIFT_GAUGE);

	m->mean = 10;
	m->shifted_mean = 12;
	m->stddev = 4;
	m->shift_ns = SHIFTED;
	m->per_window = 240;
	m->parts = parts;
	world_add(w, "queue", DRIFT_GAUGE, "queue_age_seconds");
	return m;
}

static void
test_gauge(void **state)
{
	struct world w;
	const struct drift *d;

	(void)state;
	world_init(&w);
	/* Independent: the mean of 24 has a 24th of the variance, about the mean of ten such 9/10 of that. */
	gauge(&w, 0.9 * 16 / 24 - 1e-6);
	run(&w);
	world_state(&w, "queue", DRIFT_DRIFTED, "mean +0.50 sd");
	d = world_find(w.set, "queue");
	assert_true(isnan(drift_ratio(d)) && drift_score_find(d, DRIFT_PSI) == NULL);
	assert_true(fabs(drift_score_find(d, DRIFT_Q95)->value - 0.5) < 1e-9);
	assert_true(d->n_now == 240 && d->n_cells == 0);
	assert_false(has_note(d, "alike"));
	world_done(&w);
}

/* The same numbers, but it moves slowly: 240 samples are worth 18. */
static void
test_gauge_slow(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	gauge(&w, 8);
	run(&w);
	world_state(&w, "queue", DRIFT_STEADY, "within noise");
	assert_true(has_note(world_find(w.set, "queue"), "18 independent"));
	world_done(&w);
}

static struct world_metric *
plain_buckets(struct world *w, const char *find)
{
	struct world_metric *m = world_metric(w, find, DRIFT_CLASSIC);

	m->n = 4;
	memcpy(m->names, (const char *[]){ "1", "2", "3", "+Inf" }, 4 * sizeof *m->names);
	memcpy(m->shares, (double[]){ 0.25, 0.25, 0.25, 0.25 }, 4 * sizeof(double));
	memcpy(m->shifted, m->shares, sizeof m->shares);
	return m;
}

static void
test_missing(void **state)
{
	struct world w;
	struct world_metric *m;
	struct drift_def *d;

	(void)state;
	world_init(&w);
	m = plain_buckets(&w, "url");
	m->missing = 0.01;
	m->shifted_missing = 0.3;
	m->shift_ns = SHIFTED;
	d = world_add(&w, "url", DRIFT_CLASSIC, "url");
	d->missing = "sum(increase(url_missing_total[${window}])) / 9";
	run(&w);
	world_state(&w, "url", DRIFT_DRIFTED, "missing 30%, was 1%");
	assert_true(fabs(drift_score_find(world_find(w.set, "url"), DRIFT_MISSING)->value - 0.29) < 1e-9);
	assert_true(w.history->v[0].ratio[w.history->v[0].n - 1] > 1);
	world_done(&w);
}

/* Only that share of the values is left. */
static void
run_missing(struct world *w, double left)
{
	struct world_metric *m;
	struct drift_def *d;

	world_init(w);
	m = plain_buckets(w, "url");
	m->missing = 0.01;
	m->shifted_missing = 1 - left;
	m->shift_ns = SHIFTED;
	for (size_t i = 0; i < m->n; i++)
		m->shifted[i] = left * m->shares[i];
	d = world_add(w, "url", DRIFT_CLASSIC, "url");
	d->missing = "sum(increase(url_missing_total[${window}])) / 9";
	run(w);
}

/* So many are missing that few are left: that is what is told, not that there are few. */
static void
test_nearly_all_missing(void **state)
{
	struct world w;

	(void)state;
	run_missing(&w, 0.005);
	assert_true(world_find(w.set, "url")->n_now < 100);
	world_state(&w, "url", DRIFT_DRIFTED, "missing 99.5%, was 1%");
	world_done(&w);
	run_missing(&w, 0);
	world_state(&w, "url", DRIFT_UNKNOWN, "all values are missing, 1% were");
	world_done(&w);
}

/* Requests tell their terms apart by it. */
static void
test_label_of_requests(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_add(&w, "language", DRIFT_CATEGORIES, "language_total")->label = "ops";
	run(&w);
	world_state(&w, "language", DRIFT_UNKNOWN, "the label \"ops\" cannot be counted");
	assert_int_equal(w.n_asked, 0);
	world_done(&w);
}

/* Half of the hosts have a bound of their own: the sum over hosts is no cumulative count there. */
static void
test_partial_bounds(void **state)
{
	struct world w;
	struct world_metric *m;
	const struct drift *d;

	(void)state;
	world_init(&w);
	m = plain_buckets(&w, "url");
	m->series[1] = 1;
	world_add(&w, "url", DRIFT_CLASSIC, "url");
	run(&w);
	world_state(&w, "url", DRIFT_STEADY, "");
	d = world_find(w.set, "url");
	assert_int_equal(d->n_cells, 3);
	assert_true(d->n_now == 10000 && d->cells[1].now == 5000);
	assert_true(has_note(d, "1 bucket bound is not used: not all series have it"));
	world_done(&w);
}

/* The host with a bound of its own went half an hour ago: what it counted before is still in the window. */
static void
test_bounds_of_a_host_that_went(void **state)
{
	struct world w;
	struct world_metric *m;
	struct drift_def *d;
	struct err err = ERR_INIT;
	const char *profile = "{\"features\":{\"url\":{\"bounds\":[1,2,3],\"counts\":[2500,2500,2500,2500]}}}";

	(void)state;
	world_init(&w);
	m = plain_buckets(&w, "url");
	m->series[1] = 1;
	m->is_replaced = true;
	d = world_add(&w, "url", DRIFT_CLASSIC, "url");
	d->reference = DRIFT_FROM_PROFILE;
	d->profile = "p";
	world_define(&w);
	drift_book_profile(w.book, d->id, profile, strlen(profile), NULL, &err);
	world_pump(&w);
	world_state(&w, "url", DRIFT_STEADY, "within noise");
	assert_int_equal(world_find(w.set, "url")->n_cells, 3);
	world_done(&w);
}

/* Of a short window, a host that came with other bounds is half already before ten rounds are over. */
static void
test_bounds_of_a_host_that_came(void **state)
{
	struct world w;
	struct world_metric *m;
	struct drift_def *d;
	struct err err = ERR_INIT;
	const char *profile = "{\"features\":{\"url\":{\"bounds\":[1,2,3],\"counts\":[2500,2500,2500,2500]}}}";

	(void)state;
	world_init(&w);
	m = plain_buckets(&w, "url");
	d = world_add(&w, "url", DRIFT_CLASSIC, "url");
	d->window_ns = 5 * NS_PER_MIN;
	d->reference = DRIFT_FROM_PROFILE;
	d->profile = "p";
	world_define(&w);
	drift_book_profile(w.book, d->id, profile, strlen(profile), NULL, &err);
	world_pump(&w);
	world_state(&w, "url", DRIFT_STEADY, "within noise");
	m->series[1] = 1;
	world_pass(&w, NS_PER_MIN);
	world_state(&w, "url", DRIFT_STEADY, "within noise");
	assert_int_equal(world_find(w.set, "url")->n_cells, 3);
	world_done(&w);
}

/* What a registry calls a version is data: it ends no string, and adds no term. */
static void
test_hostile_version(void **state)
{
	struct world w;
	struct drift_def *d;

	(void)state;
	world_init(&w);
	plain_buckets(&w, "url");
	d = world_add(&w, "url", DRIFT_CLASSIC, "url");
	d->version_label = "version";
	world_define(&w);
	drift_book_serving(w.book, "model:spam", "6\"} or up{a=\"\\\n", "");
	world_pump(&w);
	assert_non_null(strstr(w.now_expr, "version=\"6\\\"} or up{a=\\\"\\\\\\x0a\"}[1h]"));
	world_done(&w);
}

/* Ten values that are next to never seen are judged as one, and noise is that of so few cells. */
static void
test_rare_categories(void **state)
{
	struct world w;
	struct world_metric *m;
	const struct drift_score *psi;

	(void)state;
	world_init(&w);
	m = world_metric(&w, "language", DRIFT_CATEGORIES);
	m->n = 12;
	m->per_window = 1000;
	memcpy(m->names, (const char *[]){ "en", "de", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" }, 12 * sizeof *m->names);
	m->shares[0] = m->shares[1] = 0.495;
	for (int i = 2; i < 12; i++)
		m->shares[i] = 0.001;
	world_add(&w, "language", DRIFT_CATEGORIES, "language_total");
	run(&w);
	world_state(&w, "language", DRIFT_STEADY, "within noise");
	psi = drift_score_find(world_find(w.set, "language"), DRIFT_PSI);
	assert_non_null(psi);
	assert_true(psi->floor <= drift_psi_floor(3, 1000, 1000, 0.95));
	world_done(&w);
}

static void
test_version_with_other_bounds(void **state)
{
	struct world w;
	struct world_metric *m;
	struct drift_def *d;
	const struct drift *got;

	(void)state;
	world_init(&w);
	m = plain_buckets(&w, "version=\"6\"");
	m->names[1] = "2.5";
	plain_buckets(&w, "version=\"7\"");
	d = world_add(&w, "url", DRIFT_CLASSIC, "url");
	d->reference = DRIFT_FROM_VERSION;
	d->version = "6";
	d->version_label = "version";
	world_define(&w);
	drift_book_serving(w.book, "model:spam", "7", "6");
	world_pump(&w);
	world_state(&w, "url", DRIFT_STEADY, "");
	got = world_find(w.set, "url");
	assert_int_equal(got->n_cells, 3);
	assert_true(has_note(got, "only one side has"));
	world_done(&w);
}

static void
test_no_infinite_bucket(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	plain_buckets(&w, "url")->n = 3;
	world_add(&w, "url", DRIFT_CLASSIC, "url");
	run(&w);
	world_state(&w, "url", DRIFT_UNKNOWN, "le=\"+Inf\"");
	world_done(&w);
}

/* Nothing has been seen to vary: all in one cell on both sides. */
static void
test_one_cell(void **state)
{
	struct world w;
	struct world_metric *m;

	(void)state;
	world_init(&w);
	m = plain_buckets(&w, "url");
	memset(m->shares, 0, sizeof m->shares);
	m->shares[2] = 1;
	world_add(&w, "url", DRIFT_CLASSIC, "url");
	run(&w);
	world_state(&w, "url", DRIFT_STEADY, "same cell on both sides");
	world_done(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_native_schema),
		cmocka_unit_test(test_native_moved),
		cmocka_unit_test(test_not_native),
		cmocka_unit_test(test_categories),
		cmocka_unit_test(test_gauge),
		cmocka_unit_test(test_gauge_slow),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_nearly_all_missing),
		cmocka_unit_test(test_label_of_requests),
		cmocka_unit_test(test_rare_categories),
		cmocka_unit_test(test_partial_bounds),
		cmocka_unit_test(test_bounds_of_a_host_that_went),
		cmocka_unit_test(test_bounds_of_a_host_that_came),
		cmocka_unit_test(test_hostile_version),
		cmocka_unit_test(test_version_with_other_bounds),
		cmocka_unit_test(test_no_infinite_bucket),
		cmocka_unit_test(test_one_cell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
