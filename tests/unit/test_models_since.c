/* Models: since when, and what moves. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "tests/unit/models_world.h"

/* --- since when --------------------------------------------------------------------------------------------------------------- */

static void
since_when_is_kept_over_answers(void **state)
{
	struct model *m = new_model();

	(void)state;
	all_at(m, 10, "6", "s-1=6 s-2=6 s-10=6");
	assert_true(spam(m)->wanted_since_ns == T(10) && spam(m)->since_ns == T(10));
	all_at(m, 20, "6", "s-1=6 s-2=7 s-10=6");
	all_at(m, 30, "6", "s-1=6 s-2=7 s-10=6");
	assert_int_equal(spam(m)->state, MODEL_OUT_OF_STEP);
	assert_true(spam(m)->since_ns == T(20));
	assert_string_equal(spam(m)->hosts[0].host, "s-2");
	assert_true(spam(m)->hosts[0].since_ns == T(20) && spam(m)->hosts[1].since_ns == T(10));
	/* A gap with the same version behind it is no change; nor is a host that could not be asked. */
	all_at(m, 40, "6", "s-1=6 s-2! s-10=6");
	assert_true(spam(m)->hosts[0].since_ns == T(30));	/* when it was last heard of */
	all_at(m, 50, "6", "s-1=6 s-10=6");
	assert_int_equal(spam(m)->state, MODEL_UNSERVED);
	assert_true(spam(m)->since_ns == T(30));
	all_at(m, 60, "6", "s-1=6 s-2=7 s-10=6");
	assert_true(spam(m)->since_ns == T(20));
	/* Back and forth is two changes. */
	all_at(m, 70, "6", "s-1=6 s-2=6 s-10=6");
	assert_true(spam(m)->since_ns == T(70));
	all_at(m, 80, "6", "s-1=6 s-2=7 s-10=6");
	assert_true(spam(m)->since_ns == T(80));
	model_free(m);
}

/* Of what was there at the first look, metrics know more. */
static void
what_was_before_the_first_look_is_taken_from_the_past(void **state)
{
#define P(host, version, at, since) "{'host':'" host "','version':'" version "','at':'2030-01-01T00:" at "Z','since':'" since "'}"
	static const char event[] = "{'event':'serving','source':'p1','model':'model:spam','serving':[%s]}";
	struct model *m = new_model();

	(void)state;
	feed_rest(m, 100);
	feed_registry(m, 100, "7");
	feed_serving(m, 100, "s-1=7 s-2=7 s-10=6");
	model_advance(m, T(100));
	assert_true(spam(m)->since_ns == T(100));
	/* Nobody saw the alias move: no later than the first host began to serve what it points to. */
	feed(m, 100, event, P("s-1", "7", "01:40", "2029-12-31T23:00:00Z") "," P("s-2", "7", "01:40", "2030-01-01T00:00:50Z") ","
	    P("s-10", "6", "01:40", "2030-01-01T00:00:30Z"));
	assert_string_equal(spam(m)->hosts[0].host, "s-10");
	assert_true(spam(m)->hosts[0].since_ns == T(30));
	assert_true(spam(m)->hosts[1].since_ns == T(-3600) && spam(m)->hosts[2].since_ns == T(50));
	assert_int_equal(spam(m)->state, MODEL_OUT_OF_STEP);
	assert_true(spam(m)->since_ns == T(30));
	assert_true(problem_of_model(m)->since_ns == T(30));
	/* What was seen to change is known better than from samples each some seconds. */
	feed(m, 110, event, P("s-1", "7", "01:50", "2029-12-31T23:00:00Z") "," P("s-2", "6", "01:50", "2030-01-01T00:00:50Z") ","
	    P("s-10", "7", "01:50", "2030-01-01T00:00:50Z"));
	model_advance(m, T(110));
	assert_string_equal(spam(m)->hosts[0].host, "s-2");
	assert_true(spam(m)->hosts[0].since_ns == T(110) && spam(m)->since_ns == T(110));
	/* Once it was seen to move, that is since when. */
	feed_registry(m, 120, "6");
	feed_registry(m, 190, "6");
	feed(m, 190, event, P("s-1", "7", "03:10", "2029-12-31T23:00:00Z") "," P("s-2", "6", "03:10", "2029-12-31T23:00:00Z"));
	model_advance(m, T(190));
	assert_string_equal(spam(m)->hosts[0].host, "s-1");
	assert_true(spam(m)->hosts[0].since_ns == T(-3600) && spam(m)->since_ns == T(120));
	model_free(m);
#undef P
}

static void
the_world_read_anew_keeps_since_when(void **state)
{
	struct model *m = new_model();

	(void)state;
	all_at(m, 10, "7", "s-1=7 s-2=7 s-10=6");
	all_at(m, 20, "7", "s-1=7 s-2=7 s-10=6");
	feed_world(m, "prod", SPAM);
	assert_true(spam(m)->since_ns == T(10) && spam(m)->wanted_since_ns == T(10));
	/* Another alias is no move of this one. */
	feed(m, 25, "{'event':'registry','source':'mlflow','models':[{'name':'spam','aliases':[{'alias':'champion','version':'7'},{'alias':'next',"
	    "'version':'6'}]}]}");
	model_advance(m, T(25));
	feed_world(m, "prod", MODEL("spam", ",'alias':'next'"));
	assert_string_equal(spam(m)->wanted->version, "6");
	assert_string_equal(spam(m)->previous, "");
	assert_int_equal(spam(m)->state, MODEL_OUT_OF_STEP);
	/* Another environment is another world. */
	feed_world(m, "test", SPAM);
	assert_int_equal(spam(m)->n_hosts, 0);
	assert_null(spam(m)->reg);
	model_free(m);
}

/* A stage's move is an update of the version, and told with its time. */
static void
a_stage_knows_when_it_moved(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed_world(m, "prod", MODEL("spam", ",'stage':'Production'"));
	feed(m, 100, "{'event':'registry','source':'mlflow','models':[{'name':'spam','versions':[" V("9", ",'stage':'Staging'") ","
	    V("8", ",'stage':'Production','updated':'2030-01-01T00:00:30Z'") "," V("7", ",'stage':'Production'") "]}]}");
	feed_serving(m, 100, "s-1=8 s-2=7");
	model_advance(m, T(100));
	assert_string_equal(spam(m)->wanted->version, "8");
	assert_true(spam(m)->wanted_since_ns == T(30));
	assert_true(spam(m)->since_ns == T(100));	/* s-2 was not looked at before */
	model_free(m);
}

/* Who takes the newer version out of its stage does not update the older one that counts again: that tells no time. */
static void
a_stage_rolled_back_moved_after_it_was_last_seen(void **state)
{
	static const char event[] = "{'event':'registry','source':'mlflow','models':[{'name':'spam','versions':["
	    V("7", ",'stage':'%s','updated':'%s'") "," V("6", ",'stage':'Production','updated':'2029-12-02T00:00:00Z'") "]}]}";
	struct model *m = new_model();

	(void)state;
	feed_world(m, "prod", MODEL("spam", ",'stage':'Production','group':'serving'"));
	for (int t = 80; t <= 95; t += 5) {
		feed_ok(m, t, "mlflow", "registry");
		feed(m, t, event, "Production", "2029-12-20T00:00:00Z");
	}
	feed_rest(m, 100);
	feed_ok(m, 100, "mlflow", "registry");
	feed(m, 100, event, "Archived", "2030-01-01T00:01:39Z");
	feed_serving(m, 100, "s-1=7 s-2=7 s-10=7");
	model_advance(m, T(100));
	assert_string_equal(spam(m)->wanted->version, "6");
	assert_string_equal(spam(m)->previous, "7");
	assert_true(spam(m)->wanted_since_ns == T(95));
	/* It has just moved: hosts have their minute, and are wrong no longer than since then. */
	assert_true(spam(m)->is_moving);
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	feed_rest(m, 160);
	feed_ok(m, 160, "mlflow", "registry");
	feed_serving(m, 160, "s-1=7 s-2=7 s-10=7");
	model_advance(m, T(160));
	assert_int_equal(spam(m)->state, MODEL_OUT_OF_STEP);
	assert_true(spam(m)->since_ns == T(100));	/* when the hosts were first looked at */
	model_free(m);
}

/* What cannot be read is not known: neither right nor wrong, and no move when it can be read again. */
static void
versions_that_cannot_be_read_are_not_known(void **state)
{
	static const char event[] = "{'event':'registry','source':'mlflow','models':[{'name':'spam','versions':[%s],'unread':%s}]}";
	static const char kept[] = V("6", ",'stage':'Production'"), read[] = V("7", ",'stage':'Production'") "," V("6", ",'stage':'Archived'");
	static const char *const unread[] = { "", kept };
	struct model *m = new_model();

	(void)state;
	feed_world(m, "prod", MODEL("spam", ",'stage':'Production','group':'serving'"));
	feed_rest(m, 10);
	feed_serving(m, 10, "s-1=7 s-2=7 s-10=7");
	feed(m, 10, event, read, "false");
	model_advance(m, T(10));
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	for (size_t i = 0; i < COUNT(unread); i++) {
		feed(m, 11, event, unread[i], "true");
		assert_int_equal(spam(m)->state, MODEL_STATE_UNKNOWN);
		assert_string_equal(spam(m)->why, "its versions cannot be read: which one should serve is not known");
		assert_null(spam(m)->wanted);
		assert_int_equal(spam(m)->hosts[0].state, SERVE_UNKNOWN);
		assert_true(spam(m)->wanted_since_ns == 0);
		assert_true(problem_of_model(m)->is_unknown);
	}
	feed(m, 12, event, read, "false");
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	assert_string_equal(spam(m)->previous, "");
	assert_true(spam(m)->wanted_since_ns == T(10));
	model_free(m);
}

/* Where the model itself says where its alias points, its versions are not needed for that. */
static void
an_alias_is_known_without_the_versions(void **state)
{
	static const char event[] = "{'event':'registry','source':'mlflow','models':[{'name':'spam','aliases':[%s],'versions':["
	    V("6", ",'aliases':['champion']") "],'unread':true}]}";
	struct model *m = new_model();

	(void)state;
	feed_rest(m, 10);
	feed_serving(m, 10, "s-1=7 s-2=7 s-10=7");
	feed(m, 10, event, "{'alias':'champion','version':'7'}");
	model_advance(m, T(10));
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	assert_string_equal(spam(m)->wanted->version, "7");
	/* What versions say of themselves may be old then. */
	feed(m, 11, event, "");
	assert_int_equal(spam(m)->state, MODEL_STATE_UNKNOWN);
	assert_string_equal(spam(m)->why, "its versions cannot be read: which one should serve is not known");
	model_free(m);
}

/* --- on the way ------------------------------------------------------------------------------------------------------------------ */

static void
hosts_have_a_minute_to_follow_the_alias(void **state)
{
	struct model *m = new_model();

	(void)state;
	all_at(m, 10, "6", "s-1=6 s-2=6 s-10=6");
	all_at(m, 20, "7", "s-1=6 s-2=7 s-10=6");
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	assert_true(spam(m)->is_moving);
	assert_string_equal(spam(m)->why, "moving from 6 to 7: 2 of 3 hosts are on their way");
	assert_string_equal(spam(m)->previous, "6");
	assert_int_equal(spam(m)->n_right, 1);
	assert_int_equal(spam(m)->hosts[0].state, SERVE_OTHER);
	assert_null(problem_of_model(m));
	/* One that restarts serves none for a while. */
	all_at(m, 30, "7", "s-1= s-2=7");
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	assert_string_equal(spam(m)->why, "moving from 6 to 7: 2 of 3 hosts are on their way");
	/* Neither version is not on its way. */
	all_at(m, 40, "7", "s-1=5 s-2=7 s-10=6");
	assert_int_equal(spam(m)->state, MODEL_OUT_OF_STEP);
	assert_string_equal(spam(m)->why, "should serve 7, but s-1 serves 5");
	all_at(m, 79, "7", "s-1=7 s-2=7 s-10=6");
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	model_changes(m);
	model_advance(m, T(80));
	assert_int_equal(spam(m)->state, MODEL_OUT_OF_STEP);
	assert_true(model_changes(m) & MODEL_MODELS);
	assert_true(spam(m)->since_ns == T(20));	/* since it should serve 7 */
	assert_false(spam(m)->is_moving);
	model_free(m);
}

/* Who was where it should be went back: that is no way there. */
static void
hosts_that_go_back_are_out_of_step_at_once(void **state)
{
	struct model *m = new_model();

	(void)state;
	all_at(m, 10, "6", "s-1=6 s-2=6 s-10=7");
	all_at(m, 20, "7", "s-1=6 s-2=6 s-10=7");
	all_at(m, 25, "7", "s-1=6 s-1=7 s-2=7 s-10=7");
	assert_string_equal(spam(m)->why, "moving from 6 to 7: 1 of 4 hosts are on their way");
	assert_true(spam(m)->hosts[0].is_on_its_way);
	all_at(m, 30, "7", "s-1=6 s-2=6 s-10=6");
	assert_int_equal(spam(m)->state, MODEL_OUT_OF_STEP);
	assert_string_equal(spam(m)->why, "should serve 7, but 2 of 3 hosts do not: s-2 serves 6, s-10 serves 6");
	assert_true(spam(m)->hosts[0].is_on_its_way && !spam(m)->hosts[1].is_on_its_way);
	/* Gone is no way there either, and is remembered over a gap. */
	all_at(m, 32, "7", "s-1=6 s-10=7");
	assert_string_equal(spam(m)->why, "should serve 7, but s-2 is not heard of");
	all_at(m, 34, "7", "s-1=6 s-2=6 s-10=7");
	assert_string_equal(spam(m)->why, "should serve 7, but s-2 serves 6");
	/* Another move is a new beginning. */
	all_at(m, 40, "8", "s-1=7 s-2=7 s-10=7");
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	model_free(m);
}

static void
a_move_that_no_host_follows_says_so(void **state)
{
	struct model *m = new_model();

	(void)state;
	all_at(m, 10, "6", "s-1=6 s-2=6 s-10=6");
	all_at(m, 20, "7", "s-1=6 s-2=6 s-10=6");
	assert_string_equal(spam(m)->why, "moving from 6 to 7: the alias moved 0s ago, no host has followed yet");
	model_advance(m, T(21));
	assert_string_equal(spam(m)->why, "moving from 6 to 7: the alias moved 1s ago, no host has followed yet");
	all_at(m, 65, "7", "s-1=6 s-2=6 s-10=6");
	assert_string_equal(spam(m)->why, "moving from 6 to 7: the alias moved 45s ago, no host has followed yet");
	model_free(m);
}

/* Whoever comes to it does not know what was before, and does not wait. */
static void
nothing_is_on_its_way_that_was_not_seen_to_move(void **state)
{
	struct model *m = new_model();

	(void)state;
	all_at(m, 10, "7", "s-1=6 s-2=6 s-10=6");
	assert_int_equal(spam(m)->state, MODEL_OUT_OF_STEP);
	/* An answer without the model, of which pages are missing, is no move. */
	feed(m, 11, "{'event':'registry','source':'mlflow','models':[],'notes':['page 2 is missing']}");
	assert_string_equal(spam(m)->why, "mlflow has told of no model of that name, and may not have told of all");
	assert_true(spam(m)->since_ns == 0 && spam(m)->wanted_since_ns == 0);
	feed(m, 11, "{'event':'registry','source':'mlflow','models':[],'n_left_out':1}");
	assert_string_equal(spam(m)->why, "mlflow has told of no model of that name, and may not have told of all");
	all_at(m, 12, "7", "s-1=6 s-2=6 s-10=6");
	assert_int_equal(spam(m)->state, MODEL_OUT_OF_STEP);
	assert_true(spam(m)->since_ns == T(10));
	model_free(m);
	/* Nor is a host that served none before the move. */
	m = new_model();
	all_at(m, 10, "6", "s-1=6 s-2=6");
	all_at(m, 20, "7", "s-1=6 s-2=7");
	assert_string_equal(spam(m)->why, "should serve 7, but s-10 is not heard of");
	assert_int_equal(spam(m)->state, MODEL_UNSERVED);
	assert_true(spam(m)->is_moving && spam(m)->since_ns == T(10));
	model_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(since_when_is_kept_over_answers),
		cmocka_unit_test(what_was_before_the_first_look_is_taken_from_the_past),
		cmocka_unit_test(the_world_read_anew_keeps_since_when),
		cmocka_unit_test(a_stage_knows_when_it_moved),
		cmocka_unit_test(a_stage_rolled_back_moved_after_it_was_last_seen),
		cmocka_unit_test(versions_that_cannot_be_read_are_not_known),
		cmocka_unit_test(an_alias_is_known_without_the_versions),
		cmocka_unit_test(hosts_have_a_minute_to_follow_the_alias),
		cmocka_unit_test(hosts_that_go_back_are_out_of_step_at_once),
		cmocka_unit_test(a_move_that_no_host_follows_says_so),
		cmocka_unit_test(nothing_is_on_its_way_that_was_not_seen_to_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
