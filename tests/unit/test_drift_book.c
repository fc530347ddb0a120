/* The book of drift: rounds, two windows, references, history, markers and the time cursor. */
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
#include "drift_world.h"

static const char *const les[] = { "1", "2", "4", "8", "+Inf" };
static const double usual[] = { 0.2, 0.3, 0.3, 0.15, 0.05 }, moved[] = { 0.05, 0.1, 0.3, 0.3, 0.25 };

static struct world_metric *
buckets(struct world *w, const char *find, int64_t shift_ns)
{
	struct world_metric *m = world_metric(w, find, DRIFT_CLASSIC);

	m->n = 5;
	memcpy(m->names, les, sizeof les);
	memcpy(m->shares, usual, sizeof usual);
	memcpy(m->shifted, moved, sizeof moved);
	m->shift_ns = shift_ns;
	return m;
}

static void
test_two_windows(void **state)
{
	struct world w;
	const struct drift *d;

	(void)state;
	world_init(&w);
	buckets(&w, "url_count", NOW_NS);
	buckets(&w, "caps", 0);
	world_add(&w, "url_count", DRIFT_CLASSIC, "url_count{job=\"serving\"}");
	world_add(&w, "caps", DRIFT_CLASSIC, "caps_bucket");
	world_define(&w);
	assert_false(drift_book_is_settled(w.book));
	world_pump(&w);
	assert_true(drift_book_is_settled(w.book));
	world_state(&w, "url_count", DRIFT_STEADY, "within noise");
	assert_null(w.markers);

	/* A window that is wholly behind the shift says so alone at first ... */
	world_pass(&w, 40 * NS_PER_MIN);
	world_state(&w, "url_count", DRIFT_MOVING, "in one window only");
	/* ... and then one half a window before does too. */
	world_pass(&w, 60 * NS_PER_MIN);
	world_state(&w, "url_count", DRIFT_DRIFTED, "higher than in the same hours a week ago");
	world_state(&w, "caps", DRIFT_STEADY, "no evidence");
	d = world_find(w.set, "url_count");
	assert_true(d->n_now > 9999 && d->n_now < 10001 && d->q < 0.05 && d->since_ns > NOW_NS);
	assert_int_equal(d->n_cells, 5);
	assert_true(d->cells[0].lo == -INFINITY && d->cells[4].hi == INFINITY);
	assert_true(drift_score_find(d, DRIFT_KS)->is_bound);
	assert_true(fabs(drift_score_find(d, DRIFT_KS)->value - 0.35) < 0.001);
	assert_true(drift_ratio(d) > 10);
	assert_non_null(w.markers);
	assert_int_equal(w.markers->n, 1);
	assert_string_equal(w.markers->def, "drift");
	assert_string_equal(w.markers->v[0].what, "spam:url_count");
	assert_string_equal(w.markers->v[0].to, "drifted");

	w.metrics[0].shift_ns = 0;
	world_pass(&w, 2 * NS_PER_MIN);
	world_state(&w, "url_count", DRIFT_STEADY, "");
	assert_int_equal(w.markers->n, 2);
	assert_string_equal(w.markers->v[1].to, "back");
	world_done(&w);
}

/* A fresh console need not wait half a window: it asks what was. */
static void
test_fresh_start(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	buckets(&w, "url_count", NOW_NS - 3 * W);
	world_add(&w, "url_count", DRIFT_CLASSIC, "url_count");
	world_define(&w);
	world_pump(&w);
	assert_int_equal(w.n_sets, 1);
	world_state(&w, "url_count", DRIFT_DRIFTED, "higher");
	assert_true(world_find(w.set, "url_count")->since_ns == NOW_NS - W / 2);
	/* When it began was not seen; history tells: the window that ended two hours ago was the first. */
	world_pass(&w, NS_PER_MIN);
	assert_non_null(w.markers);
	assert_int_equal(w.markers->n, 1);
	assert_true(w.markers->v[0].at_ns == NOW_NS - 2 * W);
	assert_true(w.markers->start_ns == NOW_NS - 2 * W && w.markers->end_ns == NOW_NS);
	assert_string_equal(w.markers->v[0].to, "drifted");
	assert_true(world_find(w.set, "url_count")->since_ns == NOW_NS - 2 * W);
	world_done(&w);
}

static void
test_history(void **state)
{
	struct world w;
	const float *ratio;

	(void)state;
	world_init(&w);
	buckets(&w, "url_count", NOW_NS - 5 * W);
	world_add(&w, "url_count", DRIFT_CLASSIC, "url_count");
	world_define(&w);
	world_pump(&w);
	assert_non_null(w.history);
	assert_int_equal(w.history->step_ns, W);
	assert_true(isnan(w.history->v[0].ratio[2]));
	world_pass(&w, 10 * NS_PER_MIN);
	assert_int_equal(w.history->v[0].n, 24);
	assert_true(w.history->start_ns == NOW_NS - 23 * W);
	ratio = w.history->v[0].ratio;
	for (size_t i = 0; i < 24; i++)
		assert_false(isnan(ratio[i]));
	/* Steps end at whole hours: the one that ends 5 hours ago is the last that was quiet. */
	assert_true(ratio[0] < 1 && ratio[17] < 1);
	assert_true(ratio[18] > 1 && ratio[23] > 1);
	/* An hour later all moves on by one, and nothing of what was is asked again. */
	world_pass(&w, 60 * NS_PER_MIN);
	assert_true(w.history->start_ns == NOW_NS - 22 * W);
	ratio = w.history->v[0].ratio;
	assert_true(ratio[16] < 1 && ratio[17] > 1 && !isnan(ratio[22]) && !isnan(ratio[23]));
	world_done(&w);
}

/* --- references ------------------------------------------------------------------------------- */

static const char profile[] =
    "{\"version\":\"6\",\"features\":{\"url_count\":{\"bounds\":[1,2,4,8],"
    "\"counts\":[10000,15000,15000,7500,2500]}}}";

static void
test_profile(void **state)
{
	struct world w;
	struct err err = ERR_INIT;
	const char *id = "drift:spam:url_count";
	struct drift_def *d;

	(void)state;
	world_init(&w);
	buckets(&w, "url_count", NOW_NS - 3 * W);
	d = world_add(&w, "url_count", DRIFT_CLASSIC, "url_count");
	d->reference = DRIFT_FROM_PROFILE;
	d->profile = "tag:training_profile";
	world_define(&w);
	world_pump(&w);
	world_state(&w, "url_count", DRIFT_UNKNOWN, "was not read yet");
	assert_false(drift_book_is_settled(w.book));
	assert_int_equal(drift_book_profile(w.book, id, NULL, 0, "version 7 has no tag training_profile", &err), 0);
	world_pump(&w);
	world_state(&w, "url_count", DRIFT_UNKNOWN, "version 7 has no tag");
	assert_true(drift_book_is_settled(w.book));
	assert_int_equal(drift_book_profile(w.book, id, "{", 1, NULL, &err), ERR_SYNTAX);
	world_pump(&w);
	world_state(&w, "url_count", DRIFT_UNKNOWN, "training profile: line 1");
	assert_int_equal(drift_book_profile(w.book, id, profile, strlen(profile), NULL, &err), 0);
	world_pump(&w);
	world_state(&w, "url_count", DRIFT_DRIFTED, "higher than in the training profile of version 6");
	assert_true(world_find(w.set, "url_count")->n_then == 50000);
	assert_int_equal(drift_book_profile(w.book, "drift:x", profile, strlen(profile), NULL, &err), ERR_NOTFOUND);
	world_done(&w);
}

static void
test_profile_without_it(void **state)
{
	struct world w;
	struct err err = ERR_INIT;
	struct drift_def *d;

	(void)state;
	world_init(&w);
	buckets(&w, "caps", 0);
	d = world_add(&w, "caps", DRIFT_CLASSIC, "caps");
	d->reference = DRIFT_FROM_PROFILE;
	d->profile = "p.json";
	world_define(&w);
	drift_book_profile(w.book, d->id, profile, strlen(profile), NULL, &err);
	world_pump(&w);
	world_state(&w, "caps", DRIFT_UNKNOWN, "has no \"caps\"");
	d->feature = "url_count";
	world_define(&w);
	drift_book_profile(w.book, d->id, profile, strlen(profile), NULL, &err);
	world_pump(&w);
	world_state(&w, "caps", DRIFT_STEADY, "");
	world_done(&w);
}

static struct drift_def *
against_version(struct world *w, const char *version)
{
	struct drift_def *d = world_add(w, "url_count", DRIFT_CLASSIC, "url_count{job=\"serving\",}");

	d->reference = DRIFT_FROM_VERSION;
	d->version = version;
	d->version_label = "version";
	return d;
}

static void
test_version(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	buckets(&w, "{job=\"serving\",version=\"6\"}", 0);
	buckets(&w, "{job=\"serving\",version=\"7\"}", NOW_NS - 5 * W);
	against_version(&w, "previous");
	world_define(&w);
	world_pump(&w);
	world_state(&w, "url_count", DRIFT_UNKNOWN, "which version");
	drift_book_serving(w.book, "model:spam", "7", "");
	world_pump(&w);
	world_state(&w, "url_count", DRIFT_UNKNOWN, "which version served before is not known");
	drift_book_serving(w.book, "model:spam", "7", "6");
	world_pump(&w);
	world_state(&w, "url_count", DRIFT_DRIFTED, "higher than in version 6");
	assert_string_equal(world_find(w.set, "url_count")->against, "version 6");
	drift_book_serving(w.book, "model:spam", "6", "7");
	world_pump(&w);
	world_state(&w, "url_count", DRIFT_DRIFTED, "lower than in version 7");
	world_done(&w);
}

static void
test_version_gone(void **state)
{
	struct world w;
	struct world_metric *old;

	(void)state;
	world_init(&w);
	old = buckets(&w, "version=\"6\"", 0);
	old->until_ns = NOW_NS - 50 * W;
	buckets(&w, "version=\"7\"", NOW_NS - 5 * W);
	against_version(&w, "6");
	against_version(&w, "6");
	world_define(&w);
	drift_book_serving(w.book, "model:spam", "7", "6");
	world_pump(&w);
	world_state(&w, "url_count", DRIFT_DRIFTED, "version 6 when it last served");
	/* The search for it goes over days: once for both. */
	assert_int_equal(w.n_searches, 1);
	old->n = 0;
	old->until_ns = 0;
	drift_book_serving(w.book, "model:spam", "7", "5");
	world_pump(&w);
	world_state(&w, "url_count", DRIFT_UNKNOWN, "version 6 is not there any more");
	old->n = 5;
	drift_book_serving(w.book, "model:spam", "6", "5");
	world_pump(&w);
	world_state(&w, "url_count", DRIFT_UNKNOWN, "not held against itself");
	world_done(&w);
}

static void
test_skew(void **state)
{
	struct world w;
	struct drift_def *d;

	(void)state;
	world_init(&w);
	buckets(&w, "training_url", NOW_NS - 5 * W);
	buckets(&w, "serving_url", 0);
	d = world_add(&w, "url_count", DRIFT_CLASSIC, "serving_url");
	d->kind = DRIFT_SKEW;
	d->trained = "training_url{job=\"train\"}";
	world_define(&w);
	world_pump(&w);
	world_state(&w, "url_count", DRIFT_DRIFTED, "lower than in training data as it is logged now");
	w.metrics[0].n = 0;
	world_pass(&w, NS_PER_MIN);
	world_state(&w, "url_count", DRIFT_UNKNOWN, "nothing logs this of training data now");
	world_done(&w);
}

/* --- what goes wrong -------------------------------------------------------------------------- */

static void
test_one_wrong(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	buckets(&w, "good", 0);
	buckets(&w, "wrong", 0)->status = 422;
	world_add(&w, "good", DRIFT_CLASSIC, "good");
	world_add(&w, "wrong", DRIFT_CLASSIC, "wrong");
	world_add(&w, "no-selector", DRIFT_CLASSIC, "rate(x[5m])");
	world_add(&w, "absent", DRIFT_CLASSIC, "absent");
	world_add(&w, "no-window", DRIFT_CLASSIC, "good")->window_ns = 0;
	world_add(&w, "no-label", DRIFT_CATEGORIES, "good")->label = NULL;
	world_add(&w, "no-training", DRIFT_CLASSIC, "good")->kind = DRIFT_SKEW;
	world_define(&w);
	world_pump(&w);
	world_state(&w, "good", DRIFT_STEADY, "");
	world_state(&w, "wrong", DRIFT_UNKNOWN, "no such label");
	world_state(&w, "no-selector", DRIFT_UNKNOWN, "is no selector");
	world_state(&w, "absent", DRIFT_UNKNOWN, "nothing answers to absent over the last 1h");
	world_state(&w, "no-window", DRIFT_UNKNOWN, "shorter than a minute");
	world_state(&w, "no-label", DRIFT_UNKNOWN, "label:");
	world_state(&w, "no-training", DRIFT_UNKNOWN, "of training data");
	world_done(&w);
}

static void
test_source_down(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	buckets(&w, "good", NOW_NS);
	world_add(&w, "good", DRIFT_CLASSIC, "good");
	world_define(&w);
	world_pump(&w);
	world_pass(&w, 2 * W);
	world_state(&w, "good", DRIFT_DRIFTED, "");
	w.is_down = true;
	world_pass(&w, 2 * NS_PER_MIN);
	world_state(&w, "good", DRIFT_UNKNOWN, "connection refused");
	w.is_down = false;
	world_pass(&w, NS_PER_MIN);
	world_state(&w, "good", DRIFT_DRIFTED, "");
	/* It was drifted all along: nothing to mark. */
	assert_int_equal(w.markers->n, 1);
	world_done(&w);
}

/* An answer that never comes ends with its round. */
static void
test_no_answer(void **state)
{
	struct world w;
	const struct drift_ask *asks;
	struct event_list list;

	(void)state;
	world_init(&w);
	world_add(&w, "good", DRIFT_CLASSIC, "good");
	world_define(&w);
	assert_true(drift_book_turn(w.book, NOW_NS));
	assert_int_equal(drift_book_asks(w.book, &asks), 2);
	assert_true(drift_book_due_ns(w.book) == NOW_NS + 3 * NS_PER_MIN);
	drift_book_turn(w.book, NOW_NS + 3 * NS_PER_MIN);
	drift_book_take(w.book, &list);
	assert_true(list.n >= 1);
	assert_string_equal(((const struct drift_set *)list.v[0].block)->v[0].why, "no answer within 180 s");
	event_list_done(&list);
	assert_false(drift_book_failed(w.book, "drift-ask:1", 0, "late"));
	world_done(&w);
}

static void
test_few(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	buckets(&w, "good", 0)->per_window = 43;
	world_add(&w, "good", DRIFT_CLASSIC, "good");
	world_define(&w);
	world_pump(&w);
	world_state(&w, "good", DRIFT_FEW, "n 43 against 43: at least 100 on each side");
	world_done(&w);
}

/* --- the time cursor, and definitions that change ---------------------------------------------- */

static void
test_past(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	buckets(&w, "url_count", NOW_NS - 10 * W);
	world_add(&w, "url_count", DRIFT_CLASSIC, "url_count");
	world_define(&w);
	world_pump(&w);
	drift_book_at(w.book, NOW_NS - 12 * W);
	world_pump(&w);
	assert_true(w.past->is_past && w.past->at_ns == NOW_NS - 12 * W);
	assert_int_equal(w.past->v[0].state, DRIFT_STEADY);
	drift_book_at(w.book, NOW_NS - 5 * W);
	world_pump(&w);
	assert_int_equal(w.past->v[0].state, DRIFT_DRIFTED);
	/* Half an hour behind the shift the window before knows nothing of it. */
	drift_book_at(w.book, NOW_NS - 10 * W + 25 * NS_PER_MIN);
	world_pump(&w);
	assert_int_equal(w.past->v[0].state, DRIFT_MOVING);
	world_state(&w, "url_count", DRIFT_DRIFTED, "");
	drift_book_at(w.book, 0);
	world_done(&w);
}

static void
test_defined_anew(void **state)
{
	struct world w;
	int64_t since_ns;

	(void)state;
	world_init(&w);
	buckets(&w, "alpha", NOW_NS);
	buckets(&w, "beta", 0);
	world_add(&w, "a", DRIFT_CLASSIC, "alpha");
	world_define(&w);
	world_pump(&w);
	world_pass(&w, 2 * W);
	since_ns = world_find(w.set, "a")->since_ns;
	world_add(&w, "b", DRIFT_CLASSIC, "beta");
	world_define(&w);
	world_pump(&w);
	assert_int_equal(w.set->n, 2);
	assert_true(world_find(w.set, "a")->since_ns == since_ns);
	w.defs[0].metric = "beta";
	world_define(&w);
	world_pump(&w);
	world_state(&w, "a", DRIFT_STEADY, "");
	assert_true(world_find(w.set, "a")->since_ns == w.now_ns);
	w.n_defs = 0;
	world_define(&w);
	assert_true(drift_book_is_settled(w.book));
	world_pump(&w);
	world_done(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_windows),
		cmocka_unit_test(test_fresh_start),
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_profile),
		cmocka_unit_test(test_profile_without_it),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_version_gone),
		cmocka_unit_test(test_skew),
		cmocka_unit_test(test_one_wrong),
		cmocka_unit_test(test_source_down),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_past),
		cmocka_unit_test(test_defined_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
