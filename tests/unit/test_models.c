/* Models: the registry against what serves, and what of it is a problem. */
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
#include "base/xalloc.h"
#include "tests/unit/models_world.h"

/* --- states ----------------------------------------------------------------------------------------------------------------- */

static void
hosts_are_judged_against_the_registry(void **state)
{
	static const struct {
		const char *wanted, *serving, *state, *why, *hosts;
		enum health health;
	} cases[] = {
		{ "7", "s-1=7 s-2=7 s-10=7", "in step", "", "s-1=7:right s-2=7:right s-10=7:right", HEALTH_OK },
		{ "7", "s-1=7 s-2=7 s-10=6", "out of step", "should serve 7, but s-10 serves 6", "s-10=6:other s-1=7:right s-2=7:right", HEALTH_CRITICAL },
		{ "7", "s-1=6 s-2=7 s-10=6", "out of step", "should serve 7, but 2 of 3 hosts do not: s-1 serves 6, s-10 serves 6",
		  "s-1=6:other s-10=6:other s-2=7:right", HEALTH_CRITICAL },
		{ "7", "s-1=7 s-2= s-10=7", "unserved", "should serve 7, but s-2 serves none", "s-2=:none s-1=7:right s-10=7:right", HEALTH_CRITICAL },
		{ "7", "s-1=7 s-2=7", "unserved", "should serve 7, but s-10 is not heard of", "s-10=:none s-1=7:right s-2=7:right", HEALTH_CRITICAL },
		{ "7", "s-1=6 s-2=7", "out of step", "should serve 7, but s-1 serves 6; s-10 is not heard of", "s-1=6:other s-10=:none s-2=7:right",
		  HEALTH_CRITICAL },
		{ "7", "s-1=7 s-2! s-10=7", "unknown", "s-2 is not known: timeout", "s-2=:unknown s-1=7:right s-10=7:right", HEALTH_UNKNOWN },
		{ "7", "s-1! s-2! s-10=6", "out of step", "should serve 7, but s-10 serves 6; 2 are not known", "s-10=6:other s-1=:unknown s-2=:unknown", HEALTH_CRITICAL },
		{ "7", "s-1=5 s-2! s-10=6", "out of step", "should serve 7, but 2 of the 2 hosts that answered do not: s-1 serves 5, s-10 serves 6; 1 is not known",
		  "s-1=5:other s-10=6:other s-2=:unknown", HEALTH_CRITICAL },
		{ "7", "s-1=5 s-2! s-3=7 s-10=6", "out of step",
		  "should serve 7, but 2 of the 3 hosts that answered do not: s-1 serves 5, s-10 serves 6; 1 is not known",
		  "s-1=5:other s-10=6:other s-2=:unknown s-3=7:right", HEALTH_CRITICAL },
		{ "7", "s-1=7 s-2!", "unserved", "should serve 7, but s-10 is not heard of; 1 is not known", "s-10=:none s-2=:unknown s-1=7:right", HEALTH_CRITICAL },
		/* By the port that the metric names, and beside the group. */
		{ "7", "s-1:9100=7 s-2=7 s-10=7 x-1=6", "out of step", "should serve 7, but x-1 serves 6",
		  "x-1=6:other s-1=7:right s-2=7:right s-10=7:right", HEALTH_CRITICAL },
		/* Others serve it: the group may be the wrong one. */
		{ "7", "x-1=7 x-2=7 x-3=7 x-4=7 s-1=7 s-2=7", "unserved",
		  "should serve 7, but s-10 is not heard of; 4 hosts outside the group serve it: x-1, x-2, x-3 and 1 more",
		  "s-10=:none s-1=7:right s-2=7:right x-1=7:right x-2=7:right x-3=7:right x-4=7:right", HEALTH_CRITICAL },
		/* One says v7, the other 7. */
		{ "7", "s-1=v7 s-2=7 s-10=7", "out of step", "should serve 7, but s-1 serves v7 (v7 differs only by a leading v)",
		  "s-1=v7:other s-2=7:right s-10=7:right", HEALTH_CRITICAL },
		{ "v7", "s-1=v7 s-2=v7 s-10=vv7", "out of step", "should serve v7, but s-10 serves vv7", "s-10=vv7:other s-1=v7:right s-2=v7:right",
		  HEALTH_CRITICAL },
		/* Two on one host. */
		{ "7", "s-1=7 s-1=6 s-2=7 s-10=7", "out of step", "should serve 7, but s-1 serves 6", "s-1=6:other s-1=7:right s-2=7:right s-10=7:right",
		  HEALTH_CRITICAL },
		/* Versions are text. */
		{ "1.1", "s-1=1.10 s-2=1.1 s-10=1.1", "out of step", "should serve 1.1, but s-1 serves 1.10", "s-1=1.10:other s-2=1.1:right s-10=1.1:right",
		  HEALTH_CRITICAL },
		{ "9007199254740993", "s-1=9007199254740992 s-2=9007199254740993 s-10=9007199254740993", "out of step",
		  "should serve 9007199254740993, but s-1 serves 9007199254740992",
		  "s-1=9007199254740992:other s-2=9007199254740993:right s-10=9007199254740993:right", HEALTH_CRITICAL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model *m = new_model();
		char *hosts;

		all_at(m, 1, cases[i].wanted, cases[i].serving);
		hosts = hosts_text(spam(m));
		assert_string_equal(model_state_name(spam(m)->state), cases[i].state);
		assert_string_equal(spam(m)->why, cases[i].why);
		assert_string_equal(hosts, cases[i].hosts);
		assert_string_equal(spam(m)->wanted->version, cases[i].wanted);
		assert_int_equal(model_health(m), cases[i].health);
		if (cases[i].health == HEALTH_OK)
			assert_null(problem_of_model(m));
		else
			assert_string_equal(problem_of_model(m)->text, cases[i].why);
		free(hosts);
		model_free(m);
	}
}

static void
a_problem_says_what_it_is(void **state)
{
	struct model *m = new_model();
	const struct problem *p;

	(void)state;
	all_at(m, 1, "7", "s-1=7 s-2=7 s-10=6");
	p = problem_of_model(m);
	assert_string_equal(p->name, "spam");
	assert_int_equal(p->severity, SEVERITY_PAGE);
	assert_false(p->is_unknown);
	assert_string_equal(p->evidence, "mlflow and p1");
	assert_true(p->seen_ns == T(1) && p->since_ns == T(1));
	model_free(m);
}

/* No data is never green: what is not seen is not in step. */
static void
what_cannot_be_seen_is_unknown(void **state)
{
	struct model *m = new_model();

	(void)state;
	assert_int_equal(spam(m)->state, MODEL_STATE_UNKNOWN);
	assert_string_equal(spam(m)->why, "mlflow has not told of it yet; nobody has told yet who serves it");
	/* The registry that has not answered is said, and unknown; the model is not said beside it. */
	assert_int_equal(model_health(m), HEALTH_UNKNOWN);
	feed_registry(m, 1, "7");
	assert_string_equal(spam(m)->why, "nobody has told yet who serves it");
	assert_string_equal(problem_of_model(m)->text, "nobody has told yet who serves it");
	assert_int_equal(model_health(m), HEALTH_UNKNOWN);
	/* Nobody serves it at all. */
	feed_world(m, "prod", MODEL("spam", ",'alias':'champion'"));
	feed_serving(m, 1, "");
	assert_string_equal(spam(m)->why, "no host is known that serves it");
	assert_int_equal(spam(m)->state, MODEL_STATE_UNKNOWN);
	/* A group without hosts says nothing of who should. */
	feed_world(m, "prod", MODEL("spam", ",'alias':'champion','group':'empty'"));
	feed_serving(m, 1, "s-1=7");
	assert_string_equal(spam(m)->why, "no host of the group empty is known; 1 host outside the group serves it: s-1");
	feed_world(m, "prod", MODEL("spam", ",'alias':'challenger'"));
	assert_string_equal(spam(m)->why, "no version has the alias challenger (it has: champion)");
	assert_null(spam(m)->wanted);
	feed_world(m, "prod", MODEL("spam", ",'stage':'Production'"));
	assert_string_equal(spam(m)->why, "no version is in the stage Production (it has none)");
	feed_world(m, "prod", MODEL("ham", ",'alias':'champion'"));
	feed(m, 1, "{'event':'serving','source':'p1','model':'model:ham','serving':[" S("s-1", "7") "]}");
	assert_string_equal(model_model(m, 0)->why, "mlflow has no model of that name (it has: other, spam)");
	assert_int_equal(model_model(m, 0)->hosts[0].state, SERVE_UNKNOWN);
	model_free(m);
}

static void
an_answer_without_names_is_never_in_step(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed_registry(m, 1, "7");
	feed(m, 1, "{'event':'serving','source':'p1','model':'model:spam','serving':[" S("", "6") "]}");
	assert_string_equal(spam(m)->why, "should serve 7, but serves 6; 3 are not known");
	assert_int_equal(spam(m)->state, MODEL_OUT_OF_STEP);
	assert_int_equal(spam(m)->n_hosts, 4);
	assert_int_equal(spam(m)->notes.n, 0);
	feed(m, 1, "{'event':'serving','source':'p1','model':'model:spam','serving':[" S("", "7") "]}");
	assert_string_equal(spam(m)->why, "who serves it names no host; 3 hosts are not known");
	assert_int_equal(spam(m)->state, MODEL_STATE_UNKNOWN);
	feed(m, 1, "{'event':'serving','source':'p1','model':'model:spam','serving':["
	    "{'host':'','version':'','error':'3 series have no label \\u0027node\\u0027'}]}");
	assert_string_equal(spam(m)->why, "3 series have no label 'node'; 3 hosts are not known");
	assert_int_equal(spam(m)->state, MODEL_STATE_UNKNOWN);
	assert_int_equal(spam(m)->n_right, 0);
	/* Nor without a group. */
	feed_world(m, "prod", MODEL("spam", ",'alias':'champion'"));
	assert_string_equal(spam(m)->why, "3 series have no label 'node'");
	assert_int_equal(spam(m)->state, MODEL_STATE_UNKNOWN);
	model_free(m);
}

/* A name that is wrong stands beside those that there are, each once. */
static void
what_there_is_instead_is_said(void **state)
{
	static const char stages[] = "{'event':'registry','source':'mlflow','models':[{'name':'spam','aliases':[%s],'versions':["
	    V("8", ",'stage':'Staging'") "," V("7", ",'stage':'Staging'") "," V("6", ",'stage':'Archived'") "," V("5", "") "]}]}";
	static const char aliases[] = "{'alias':'a','version':'5'},{'alias':'b','version':'5'},{'alias':'c','version':'5'},{'alias':'d','version':'5'},"
	    "{'alias':'e','version':'5'},{'alias':'f','version':'5'},{'alias':'g','version':'5'}";
	struct model *m = new_model();

	(void)state;
	feed_rest(m, 1);
	feed_serving(m, 1, "s-1=7 s-2=7 s-10=7");
	feed(m, 1, stages, aliases);
	assert_string_equal(spam(m)->why, "no version has the alias champion (it has: a, b, c, d, e and 2 more)");
	feed_world(m, "prod", MODEL("spam", ",'stage':'Production','group':'serving'"));
	assert_string_equal(spam(m)->why, "no version is in the stage Production (it has: Staging, Archived)");
	model_free(m);
}

/* Where neither label nor group asks for names, the version alone is judged. */
static void
hosts_need_no_names_where_none_are_asked_for(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed_world(m, "prod", "{'id':'model:spam','name':'spam','registry':'mlflow','alias':'champion','serving_expr':'e','serving_source':'p1'}");
	feed_registry(m, 1, "7");
	feed(m, 1, "{'event':'serving','source':'p1','model':'model:spam','serving':[" S("", "7") "]}");
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	assert_string_equal(spam(m)->why, "");
	model_free(m);
}

/* One that names no host does not hide that others are missing. */
static void
hosts_are_missed_beside_one_without_a_name(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed_registry(m, 1, "7");
	feed(m, 1, "{'event':'serving','source':'p1','model':'model:spam','serving':[" S("", "7") "," S("s-1", "7") "]}");
	assert_int_equal(spam(m)->state, MODEL_UNSERVED);
	assert_string_equal(spam(m)->why, "should serve 7, but s-2 is not heard of, s-10 is not heard of; 1 is not known");
	assert_int_equal(spam(m)->notes.n, 1);
	assert_string_equal(spam(m)->notes.v[0], "1 answer of who serves it names no host: it may be of one that is not heard of");
	feed(m, 1, "{'event':'serving','source':'p1','model':'model:spam','serving':[" S("", "6") "," S("", "7") "," S("s-1", "7") "],'notes':['n']}");
	assert_int_equal(spam(m)->notes.n, 2);
	assert_string_equal(spam(m)->notes.v[0], "n");
	assert_string_equal(spam(m)->notes.v[1], "2 answers of who serves it name no host: they may be of some that are not heard of");
	model_free(m);
}

/* --- old answers ------------------------------------------------------------------------------------------------------------ */

static void
an_old_registry_is_never_in_step(void **state)
{
	struct model *m = new_model();

	(void)state;
	all_at(m, 10, "7", "s-1=7 s-2=7 s-10=6");
	assert_int_equal(spam(m)->state, MODEL_OUT_OF_STEP);
	all_at(m, 10, "7", "s-1=7 s-2=7 s-10=7");
	/* Three intervals of 5 s, and the 10 ms that answers take. */
	feed_serving(m, 25, "s-1=7 s-2=7 s-10=7");
	feed_rest(m, 25);
	model_advance(m, T(25));
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	model_changes(m);
	model_advance(m, T(25) + 11 * NS_PER_MS);
	assert_int_equal(model_changes(m) & (MODEL_MODELS | MODEL_PROBLEMS), MODEL_MODELS | MODEL_PROBLEMS);
	assert_int_equal(spam(m)->state, MODEL_STATE_UNKNOWN);
	assert_string_equal(spam(m)->why, "mlflow has not told of it for too long");
	assert_true(spam(m)->is_reg_stale && !spam(m)->is_serving_stale);
	assert_int_equal(spam(m)->hosts[0].state, SERVE_UNKNOWN);
	assert_string_equal(spam(m)->wanted->version, "7");
	assert_true(spam(m)->since_ns == T(25) + 10 * NS_PER_MS);
	/* The source says it once, as unknown. */
	assert_null(problem_of_model(m));
	assert_int_equal(model_health(m), HEALTH_UNKNOWN);
	/* A report alone says that nothing has changed. */
	feed_ok(m, 26, "mlflow", "registry");
	model_advance(m, T(26));
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	assert_true(spam(m)->reg_ns == T(26));
	model_free(m);
}

static void
what_serves_may_be_old_while_its_source_answers(void **state)
{
	struct model *m = new_model();

	(void)state;
	all_at(m, 10, "7", "s-1=7 s-2=7 s-10=6");
	feed_registry(m, 40, "7");
	feed_rest(m, 40);
	feed_failed(m, 40, "p1", "serving:spam", "query is too long");
	model_advance(m, T(40));
	assert_int_equal(spam(m)->state, MODEL_STATE_UNKNOWN);
	assert_string_equal(spam(m)->why, "nobody has told for too long who serves it: query is too long; when last seen, it should serve 7, but s-10 serves 6");
	assert_string_equal(problem_of_model(m)->evidence, "mlflow and p1, last seen 30s ago");
	assert_true(problem_of_model(m)->is_unknown);
	model_free(m);
}

/* Hosts that are asked by HTTP share one request, of a source that is the app's own. */
static void
hosts_may_be_asked_by_http(void **state)
{
	struct model *m = model_new(0, 0);

	(void)state;
	feed(m, 0, "{'event':'environment','name':'prod','sources':[" SOURCES ",{'name':'hosts','type':'serving','interval_ns':5000000000}],'models':["
	    "{'id':'model:spam','name':'spam','registry':'mlflow','alias':'champion','serving_url':'http://{host}/'}]}");
	feed_registry(m, 10, "7");
	feed_ok(m, 10, "hosts", "serving");
	feed(m, 10, "{'event':'serving','source':'hosts','model':'model:spam','serving':[" S("s-1", "7") "]}");
	model_advance(m, T(10));
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	assert_string_equal(spam(m)->serving_source, "hosts");
	feed_registry(m, 40, "7");
	feed_failed(m, 40, "hosts", "serving", "no host answers");
	model_advance(m, T(40));
	assert_int_equal(spam(m)->state, MODEL_STATE_UNKNOWN);
	assert_string_equal(spam(m)->why, "nobody has told for too long who serves it: no host answers");
	assert_null(problem_of_model(m));	/* the source says it */
	feed_ok(m, 41, "hosts", "serving");
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	model_free(m);
}

static void
a_clock_set_back_does_not_keep_answers_fresh(void **state)
{
	struct model *m = new_model();

	(void)state;
	all_at(m, 1000, "7", "s-1=7 s-2=7 s-10=7");
	model_advance(m, T(100));
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	assert_true(spam(m)->since_ns <= T(100));
	model_advance(m, T(200));
	assert_int_equal(spam(m)->state, MODEL_STATE_UNKNOWN);
	model_free(m);
}

/* --- age ---------------------------------------------------------------------------------------------------------------------------- */

static void
age_is_judged_against_its_limits(void **state)
{
	static const struct {
		const char *limits, *version, *state, *why;
		int64_t since_ns;
	} cases[] = {
		{ "", "", "in step", "", T(1) },
		{ ",'max_age_ns':86500000000000", "", "in step", "", T(1) },
		{ ",'max_age_ns':80000000000000", "", "old", "the version is more than 22h13m old", T0 - 6400 * NS_PER_S },
		{ ",'max_data_age_ns':3600000000000,'data_key':'until'", ",'data':'2029-12-31T22:00:00Z'", "old", "its training data is more than 1h00m old",
		  T0 - 3600 * NS_PER_S },
		{ ",'max_age_ns':1000000000,'max_data_age_ns':3600000000000", ",'data':'2029-12-31T22:00:00Z'", "old",
		  "the version is more than 1s old; its training data is more than 1h00m old", T0 - 86399 * NS_PER_S },
		{ ",'max_data_age_ns':3600000000000,'data_key':'until'", "", "unknown",
		  "up to when its training data goes is not known: the version has no until that is a time", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model *m = new_model();
		char *def = xasprintf("{'id':'model:spam','name':'spam','registry':'mlflow','alias':'champion','serving_expr':'e','serving_source':'p1'%s}",
		    cases[i].limits);

		feed_world(m, "prod", def);
		feed_rest(m, 1);
		feed_ok(m, 1, "mlflow", "registry");
		feed(m, 1, "{'event':'registry','source':'mlflow','models':[{'name':'spam','aliases':[{'alias':'champion','version':'7'}],'versions':["
		    "{'version':'7','created':'2029-12-31T00:00:00Z'%s}]}]}", cases[i].version);
		feed_serving(m, 1, "s-1=7");
		model_advance(m, T(1));
		assert_string_equal(spam(m)->why, cases[i].why);
		assert_string_equal(model_state_name(spam(m)->state), cases[i].state);
		assert_true(spam(m)->since_ns == cases[i].since_ns);
		assert_int_equal(model_health(m), spam(m)->state == MODEL_OLD ? HEALTH_WARNING : spam(m)->state == MODEL_IN_STEP ? HEALTH_OK :
		    HEALTH_UNKNOWN);
		model_free(m);
		free(def);
	}
}

/* By time alone, without an event. */
static void
a_model_grows_old(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed_world(m, "prod", MODEL("spam", ",'alias':'champion','max_age_ns':86405000000000"));
	all_at(m, 1, "7", "s-1=7");
	model_advance(m, T(5));
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	model_changes(m);
	model_advance(m, T(6));
	assert_int_equal(spam(m)->state, MODEL_OLD);
	assert_true(model_changes(m) & MODEL_MODELS);
	model_free(m);
}

/* --- the rest of the registry ---------------------------------------------------------------------------------------------------------- */

static void
an_alias_may_point_beyond_the_list(void **state)
{
	struct model *m = new_model();

	(void)state;
	all_at(m, 1, "3", "s-1=3 s-2=3 s-10=3");
	assert_string_equal(spam(m)->wanted->version, "3");
	assert_int_equal(spam(m)->state, MODEL_IN_STEP);
	assert_false(spam(m)->wanted->is_run_known);
	/* Where only versions tell of aliases, they count. */
	feed(m, 2, "{'event':'registry','source':'mlflow','models':[{'name':'spam','versions':[" V("5", "") "," V("4",
	    ",'aliases':['old','champion']") "]}]}");
	assert_string_equal(spam(m)->wanted->version, "4");
	model_free(m);
}

static void
other_models_are_told_apart(void **state)
{
	struct model *m = new_model();
	const char *source = NULL;

	(void)state;
	feed_registry(m, 1, "7");
	assert_int_equal(model_n_models(m), 1);
	assert_int_equal(model_n_other_models(m), 1);
	assert_string_equal(model_other_model(m, 0, &source)->name, "other");
	assert_string_equal(source, "mlflow");
	assert_string_equal(spam(m)->reg->name, "spam");
	model_free(m);
}

static void
worst_first(void **state)
{
	struct model *m = new_model();
	struct buf b;

	(void)state;
	feed_world(m, "prod", MODEL("b", ",'alias':'c'") "," MODEL("a", ",'alias':'c'") "," MODEL("m10", ",'alias':'c'") "," MODEL("m9", ",'alias':'c'"));
	feed(m, 1, "{'event':'registry','source':'mlflow','models':[{'name':'a','aliases':[{'alias':'c','version':'1'}]},{'name':'b','aliases':"
	    "[{'alias':'c','version':'1'}]}],'notes':['page 2 is missing']}");
	feed(m, 1, "{'event':'serving','source':'p1','model':'model:a','serving':[" S("s-1", "1") "]}");
	feed(m, 1, "{'event':'serving','source':'p1','model':'model:b','serving':[" S("s-1", "2") "],'notes':['3 series are wrong']}");
	model_advance(m, T(1));
	buf_init(&b, 1000);
	for (size_t i = 0; i < model_n_models(m); i++)
		buf_printf(&b, "%s ", model_model(m, i)->def->name);
	assert_string_equal(b.data, "b m9 m10 a ");
	assert_int_equal(model_model(m, 0)->notes.n, 2);
	assert_string_equal(model_model(m, 0)->notes.v[0], "page 2 is missing");
	assert_string_equal(model_model(m, 0)->notes.v[1], "3 series are wrong");
	assert_null(model_model_find(m, "model:none"));
	buf_done(&b);
	model_free(m);
}

/* Answers of a world left behind. */
static void
what_the_environment_does_not_name_is_not_taken_in(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed(m, 1, "{'event':'registry','source':'elsewhere','models':[{'name':'spam','aliases':[{'alias':'champion','version':'1'}]}]}");
	feed(m, 1, "{'event':'serving','source':'p1','model':'model:elsewhere','serving':[" S("s-1", "7") "]}");
	assert_null(spam(m)->reg);
	assert_int_equal(model_n_other_models(m), 0);
	assert_int_equal(model_n_models(m), 1);
	model_free(m);
}

/* --- history ---------------------------------------------------------------------------------------------------------------------------- */

static void
what_was_known_then_is_worked_out_then(void **state)
{
	struct model *m = new_model();
	const struct model *then;
	char *live, *replayed;

	(void)state;
	all_at(m, 10, "6", "s-1=6 s-2=6 s-10=6");
	all_at(m, 20, "7", "s-1=6 s-2=6 s-10=6");
	all_at(m, 90, "7", "s-1=7 s-2=7 s-10=6");
	then = model_at(m, T(15), NULL);
	assert_string_equal(spam(then)->wanted->version, "6");
	assert_int_equal(spam(then)->state, MODEL_IN_STEP);
	then = model_at(m, T(20), NULL);
	assert_true(spam(then)->is_moving);
	/* The same, from the events. */
	live = feed_dump(m);
	model_advance(m, T(91));
	replayed = feed_dump(model_at(m, T(90), NULL));
	assert_string_equal(live, replayed);
	free(live);
	free(replayed);
	model_free(m);
}

/* What falls out of the ring takes what was remembered along. */
static void
since_when_outlives_the_ring(void **state)
{
	struct model *m = model_new(0, 100 * NS_PER_S);

	(void)state;
	feed_world(m, "prod", SPAM);
	feed_hosts(m, 0, "s-1");
	for (int i = 1; i <= 60; i++)
		all_at(m, i * 10, "7", "s-1=6");
	assert_null(model_at(m, T(100), NULL));
	assert_true(spam(model_at(m, T(590), NULL))->since_ns == T(10));
	model_free(m);
}

static void *
registry_event(struct event *ev, double seconds, size_t n_versions)
{
	struct registry_set *set = block_new(sizeof *set);
	struct reg_model *model = arena_alloc(&set->block.arena, sizeof *model);
	struct reg_version *v = arena_alloc(&set->block.arena, n_versions * sizeof *v);

	for (size_t i = 0; i < n_versions; i++) {
		char version[24];

		snprintf(version, sizeof version, "%zu", n_versions - i);
		v[i] = (struct reg_version){ .version = arena_strdup(&set->block.arena, version), .stage = i == n_versions - 1 ? "Production" : "",
		    .status = "READY", .by = "", .description = "", .uri = "", .run = "" };
	}
	*model = (struct reg_model){ .name = "spam", .description = "", .n_versions = n_versions, .versions = v };
	set->n = 1;
	set->v = model;
	event_init(ev, EVENT_REGISTRY, T0 + (int64_t)(seconds * 1e9), "mlflow", set);
	return set;
}

/* The same answer again is kept once: the model goes on with the block it has. */
static void
an_equal_registry_is_kept_once(void **state)
{
	struct model *m = model_new(0, 0);
	const struct reg_model *first;
	struct event ev;

	(void)state;
	feed_world(m, "prod", MODEL("spam", ",'stage':'Production'"));
	registry_event(&ev, 1, 10000);
	model_apply(m, &ev);
	event_done(&ev);
	model_advance(m, T(1));
	first = spam(m)->reg;
	assert_string_equal(spam(m)->wanted->version, "1");
	for (int i = 2; i < 50; i++) {
		registry_event(&ev, i, 10000);
		model_apply(m, &ev);
		event_done(&ev);
		model_advance(m, T(i));
		assert_ptr_equal(spam(m)->reg, first);
		assert_true(spam(m)->reg_ns == T(i));
	}
	assert_ptr_equal(spam(model_at(m, T(20), NULL))->reg, first);
	assert_true(spam(model_at(m, T(20), NULL))->reg_ns == T(20));
	registry_event(&ev, 50, 9999);
	model_apply(m, &ev);
	event_done(&ev);
	assert_int_equal(spam(m)->reg->n_versions, 9999);
	model_free(m);
}

/* One that would push all else out of the history is not kept there, and not known then. */
static void
a_huge_registry_does_not_push_history_out(void **state)
{
	struct model *m = model_new(64 << 10, 0);
	struct event ev;

	(void)state;
	feed_world(m, "prod", MODEL("spam", ",'stage':'Production'"));
	registry_event(&ev, 1, 10000);
	model_apply(m, &ev);
	event_done(&ev);
	model_advance(m, T(5));
	assert_string_equal(spam(m)->wanted->version, "1");
	assert_non_null(model_at(m, T(2), NULL));
	assert_null(spam(model_at(m, T(2), NULL))->reg);
	assert_int_equal(spam(model_at(m, T(2), NULL))->state, MODEL_STATE_UNKNOWN);
	model_free(m);
}

/* --- moves as markers ------------------------------------------------------------------------------------------------------------------- */

static void
moves_add_up(void **state)
{
	struct model *m = new_model();

	(void)state;
	for (int i = 0; i < 20; i++)
		feed(m, i, "{'event':'markers','source':'mlflow','def':'registry:mlflow','start':'2030-01-01T00:00:00Z','end':'2030-01-01T01:00:00Z',"
		    "'markers':[{'at':'2030-01-01T00:00:%02dZ','what':'spam','from':'6','to':'7','text':'move %d'}]}", i, i);
	feed(m, 30, "{'event':'markers','source':'mlflow','def':'registry:mlflow','start':'2029-01-01T00:00:00Z','end':'2031-01-01T01:00:00Z'}");
	feed(m, 31, "{'event':'markers','source':'x','def':'registry:elsewhere','markers':[{'text':'not ours'}]}");
	assert_int_equal(model_n_markers(m), 20);
	assert_string_equal(model_marker(m, 0)->text, "move 19");
	feed_world(m, "prod", SPAM);
	assert_int_equal(model_n_markers(m), 20);
	model_free(m);
}

/* --- hostile ------------------------------------------------------------------------------------------------------------------------------- */

static void
text_of_outside_stays_text(void **state)
{
	struct model *m = new_model();
	char *dump;

	(void)state;
	feed_registry(m, 1, "7\\u001b[2J");
	feed_serving(m, 1, "s-1=\\u202e7 a/b\\u001b[m=%n%s");
	model_advance(m, T(1));
	assert_non_null(strstr(spam(m)->why, "%n%s"));
	dump = feed_dump(m);
	assert_null(strchr(dump, '\x1b'));
	free(dump);
	model_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_judged_against_the_registry),
		cmocka_unit_test(a_problem_says_what_it_is),
		cmocka_unit_test(what_cannot_be_seen_is_unknown),
		cmocka_unit_test(an_answer_without_names_is_never_in_step),
		cmocka_unit_test(what_there_is_instead_is_said),
		cmocka_unit_test(hosts_need_no_names_where_none_are_asked_for),
		cmocka_unit_test(hosts_are_missed_beside_one_without_a_name),
		cmocka_unit_test(an_old_registry_is_never_in_step),
		cmocka_unit_test(what_serves_may_be_old_while_its_source_answers),
		cmocka_unit_test(hosts_may_be_asked_by_http),
		cmocka_unit_test(a_clock_set_back_does_not_keep_answers_fresh),
		cmocka_unit_test(age_is_judged_against_its_limits),
		cmocka_unit_test(a_model_grows_old),
		cmocka_unit_test(an_alias_may_point_beyond_the_list),
		cmocka_unit_test(other_models_are_told_apart),
		cmocka_unit_test(worst_first),
		cmocka_unit_test(what_the_environment_does_not_name_is_not_taken_in),
		cmocka_unit_test(what_was_known_then_is_worked_out_then),
		cmocka_unit_test(since_when_outlives_the_ring),
		cmocka_unit_test(an_equal_registry_is_kept_once),
		cmocka_unit_test(a_huge_registry_does_not_push_history_out),
		cmocka_unit_test(moves_add_up),
		cmocka_unit_test(text_of_outside_stays_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
