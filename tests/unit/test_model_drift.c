/* Drift in the model: rows, their age and order, the alerts that tell of them, and what of it is a problem. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "tests/unit/feed.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#define DEF(model, name, more) "{'id':'drift:" model ":" name "','model':'model:" model "','name':'" name "','source':'p1','metric':'m'," \
	"'profile':'tag:p','window_ns':3600000000000,'effect':0.1,'min_n':100,'severity':'ticket'" more "}"
#define PSI(value, floor) ",'scores':[{'measure':'ks','value':0.3,'bound':true},{'measure':'psi','value':" value ",'floor':" floor "}]"
#define DRIFT(id, state, more) "{'id':'drift:" id "','state':'" state "','why':'" state " it is','at':'2030-01-01T00:00:10Z'" more "}"
#define ALERT(name, more, severity, state) "{'name':'" name "','labels':{'alertname':'" name "','severity':'" severity "'" more "},'state':'" state "'," \
	"'since':'2030-01-01T00:00:00Z'}"

/* Everything but drift is well. */
static struct model *
new_model(void)
{
	struct model *m = model_new(0, 0);

	feed_environment(m, FEED_SOURCES_ALL);
	for (size_t s = 0; s < model_n_sources(m); s++)
		feed_alerts(m, 9, model_source(m, s)->name, "");
	model_advance(m, T(10));
	return m;
}

static void
feed_defs(struct model *m, double seconds, const char *defs)
{
	feed(m, seconds, "{'event':'drift-defs','confidence':0.95,'fdr':0.05,'drifts':[%s]}", defs);
}

/* Worked out at T(10), every 10 s. */
static void
feed_drifts(struct model *m, double seconds, const char *drifts)
{
	feed(m, seconds, "{'event':'drifts','at':'2030-01-01T00:00:10Z','every_ns':10000000000,'drifts':[%s]}", drifts);
}

static struct model *
model_with(const char *defs, const char *drifts)
{
	struct model *m = new_model();

	feed_defs(m, 10, defs);
	feed_drifts(m, 10, drifts);
	model_advance(m, T(10));
	return m;
}

static char *
ids_of(const struct model *m)
{
	struct buf b;
	char *ids;

	buf_init(&b, 10000);
	for (size_t i = 0; i < model_n_drifts(m); i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : " ", model_drift(m, i)->def->id + strlen("drift:"));
	ids = buf_take(&b, NULL);
	buf_done(&b);
	return ids;
}

/* --- events ---------------------------------------------------------------------------------------------------------------- */

static void
assert_comes_back(const char *text)
{
	struct event ev = feed_event(10, "%s", text), again;
	struct err err = ERR_INIT;
	json_t *first = event_to_json(&ev), *second;

	if (event_from_json(first, &again, &err) < 0)
		fail_msg("%s", err.msg);
	second = event_to_json(&again);
	assert_true(json_equal(first, second));
	json_decref(first);
	json_decref(second);
	event_done(&ev);
	event_done(&again);
}

static void
events_come_back_as_they_went(void **state)
{
	struct event ev;
	const struct drift_set *set;
	const struct drift *d;
	const struct drift_history *history;

	(void)state;
	assert_comes_back("{'event':'drift-defs','confidence':0.95,'fdr':0.05,'drifts':["
	    DEF("a", "b", ",'kind':'skew','trained':'t','missing':'x','version_label':'v','title':'T','feature':'f','where':'c:1:2'") ","
	    DEF("a", "c", ",'kind':'label','data':'categories','label':'l','reference':'version','version':'previous'") ","
	    DEF("a", "d", ",'kind':'prediction','data':'gauge','reference':'past','ago_ns':1,'reference_ns':2") "]}");
	assert_comes_back("{'event':'drift-history','start':'2030-01-01T00:00:00Z','step_ns':5,'rows':[{'id':'a','ratio':[1.5,'NaN','+Inf',1e300]},{'id':'b'}]}");
	ev = feed_event(10, "{'event':'drifts','at':'2030-01-01T00:00:10Z','every_ns':5,'past':true,'drifts':[{'id':'a','state':'few','against':'x','n_now':3,"
	    "'p':0.25,'cells':[['-Inf',1,null,2,3,0.5],['NaN','NaN','de',0,1,0.1]],'new_categories':[['de'],['fr']],'notes':['one']"
	    PSI("0.2", "0.1") "}]}");
	set = ev.block;
	assert_true(set->at_ns == T(10) && set->every_ns == 5 && set->is_past && set->n == 1);
	d = &set->v[0];
	assert_int_equal(d->state, DRIFT_FEW);
	assert_true(d->n_now == 3 && isnan(d->n_then) && d->p == 0.25 && isnan(d->q) && isnan(d->missing_now));
	assert_true(d->n_cells == 2 && isinf(d->cells[0].lo) && d->cells[0].value == NULL && d->cells[0].now == 3);
	assert_string_equal(d->cells[1].value, "de");
	assert_int_equal(d->n_new, 2);
	assert_string_equal(d->new_categories[1], "fr");
	assert_true(isnan(d->scores[0].floor) && d->scores[0].is_bound);
	assert_float_equal(drift_ratio(d), 2, 1e-12);
	assert_null(drift_score_find(d, DRIFT_JS));
	event_done(&ev);
	assert_comes_back("{'event':'drifts','drifts':[{'id':'a','cells':[['-Inf',1,null,2,3,0.5]],'new_categories':[['de']],'q':0.5" PSI("1", "0") "}]}");
	ev = feed_event(10, "{'event':'drift-history','step_ns':5,'rows':[{'id':'a','ratio':[1.5,'NaN',1e300]}]}");
	history = ev.block;
	assert_true(history->v[0].n == 3 && isnan(history->v[0].ratio[1]) && isinf(history->v[0].ratio[2]));
	event_done(&ev);
}

/* What readers divide by, search for or draw must be there. */
static void
what_does_not_hold_is_refused(void **state)
{
	static const struct {
		const char *event, *expected;
	} cases[] = {
		{ "{'event':'drift-defs','confidence':1,'fdr':0.05,'drifts':[" DEF("a", "b", "") "]}", "confidence: expected a share above 0 and below 1" },
		{ "{'event':'drift-defs','confidence':0.9,'drifts':[" DEF("a", "b", "") "]}", "fdr: expected a share above 0 and below 1" },
		{ "{'event':'drift-defs','confidence':0.9,'fdr':0.1,'drifts':[{'id':'a','profile':'p'}]}", "drifts[0]: window_ns: expected more than 0" },
		{ "{'event':'drift-defs','confidence':0.9,'fdr':0.1,'drifts':[{'id':'a','window_ns':1}]}",
		  "drifts[0]: profile: expected where the training profile is" },
		{ "{'event':'drift-defs','confidence':0.9,'fdr':0.1,'drifts':[{'id':'a','window_ns':1,'data':'categories'}]}",
		  "drifts[0]: label: expected the label whose values are counted" },
		{ "{'event':'drift-defs','confidence':0.9,'fdr':0.1,'drifts':[{'id':'a','window_ns':1,'kind':'skew'}]}",
		  "drifts[0]: trained: expected a selector, as this is skew" },
		{ "{'event':'drift-defs','confidence':0.9,'fdr':0.1,'drifts':[{'id':'a','window_ns':1,'reference':'past','ago_ns':1}]}",
		  "drifts[0]: ago_ns: expected ago_ns and reference_ns above 0" },
		{ "{'event':'drift-defs','confidence':0.9,'fdr':0.1,'drifts':[{'id':'a','window_ns':1,'reference':'version'}]}",
		  "drifts[0]: version: expected which version it is held against" },
		{ "{'event':'drift-defs','confidence':0.9,'fdr':0.1,'drifts':[{'id':'a','window_ns':1,'effect':'NaN'}]}",
		  "drifts[0]: effect: expected a number from 0 on" },
		{ "{'event':'drifts','drifts':[{'id':'a','cells':[[0,1,null,-1,2,0]]}]}", "drifts[0]: cells: expected counts from 0 on" },
		{ "{'event':'drifts','drifts':[{'id':'a','cells':[[0,1,null,'NaN',2,0]]}]}", "drifts[0]: cells: expected counts from 0 on" },
		{ "{'event':'drift-history','rows':[{'id':'a','ratio':[1]}]}", "rows[0]: ratio: expected none, or a step_ns above 0" },
		{ "{'event':'drift-history','step_ns':1,'rows':[{'id':'a','ratio':['x']}]}",
		  "rows[0]: ratio: expected a number, \"NaN\", \"+Inf\" or \"-Inf\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_INIT;
		char *text = xstrdup(cases[i].event);
		struct event ev;
		json_t *json;

		for (char *p = text; *p != '\0'; p++)
			*p = *p == '\'' ? '"' : *p;
		json = json_loads(text, 0, NULL);
		assert_non_null(json);
		json_object_set_new(json, "time", json_string("2030-01-01T00:00:00Z"));
		assert_int_equal(event_from_json(json, &ev, &err), ERR_INVALID);
		assert_string_equal(err.msg, cases[i].expected);
		json_decref(json);
		free(text);
	}
}

/* --- rows ----------------------------------------------------------------------------------------------------------------- */

static void
a_row_for_each_definition_worst_first(void **state)
{
	struct model *m = model_with(DEF("m", "a", "") "," DEF("m", "b", "") "," DEF("m", "c", "") "," DEF("m", "d", "") "," DEF("m", "e", "") ","
	    DEF("m", "f", "") "," DEF("m", "g", ",'severity':'page'") "," DEF("m", "h", ""),
	    DRIFT("m:a", "steady", PSI("0.1", "0.2")) "," DRIFT("m:c", "moving", "") "," DRIFT("m:d", "drifted", PSI("0.2", "0.1")) ","
	    DRIFT("m:e", "drifted", PSI("0.3", "0.1")) "," DRIFT("m:f", "few", "") "," DRIFT("m:g", "drifted", PSI("0.11", "0.1")) ","
	    DRIFT("m:h", "steady", PSI("0.3", "0.2")) "," DRIFT("m:gone", "drifted", ""));
	char *ids = ids_of(m);

	(void)state;
	/* Of the drifted the page first, then what is furthest above noise; b: nothing is known of it. */
	assert_string_equal(ids, "m:g m:e m:d m:c m:b m:f m:h m:a");
	assert_null(model_drift_find(m, "drift:m:b")->drift);
	assert_int_equal(model_drift_state(model_drift_find(m, "drift:m:b")), DRIFT_UNKNOWN);
	assert_null(model_drift_find(m, "drift:m:gone"));
	assert_float_equal(model_drift_defs(m)->confidence, 0.95, 0);
	free(ids);
	model_free(m);
}

static void
results_come_and_go_with_their_definition(void **state)
{
	struct model *m = new_model();

	(void)state;
	assert_int_equal(model_n_drifts(m), 0);
	assert_null(model_drift_defs(m));
	assert_null(model_drift_history(m));
	feed_drifts(m, 10, DRIFT("m:a", "drifted", ""));
	assert_int_equal(model_n_drifts(m), 0);
	assert_int_equal(model_health(m), HEALTH_OK);
	feed_defs(m, 11, DEF("m", "a", "") "," DEF("m", "b", ""));
	assert_true(model_changes(m) & MODEL_DRIFT);
	assert_int_equal(model_drift_find(m, "drift:m:a")->drift->state, DRIFT_DRIFTED);
	assert_int_equal(model_health(m), HEALTH_WARNING);
	feed(m, 11, "{'event':'drift-history','step_ns':5,'rows':[{'id':'drift:m:a','ratio':[1]}]}");
	assert_int_equal(model_drift_history(m)->n, 1);
	feed_defs(m, 12, DEF("m", "b", ""));
	assert_null(model_drift_find(m, "drift:m:a"));
	assert_int_equal(model_health(m), HEALTH_OK);
	feed_environment(m, FEED_SOURCES_ALL);
	assert_int_equal(model_n_drifts(m), 1);
	feed(m, 13, "{'event':'environment','name':'other'}");
	assert_int_equal(model_n_drifts(m), 0);
	assert_null(model_drift_history(m));
	model_free(m);
}

static void
what_was_worked_out_too_long_ago_is_stale(void **state)
{
	static const char drifts[] = DRIFT("m:a", "steady", "");
	struct model *m = model_with(DEF("m", "a", ""), drifts);

	(void)state;
	/* Three rounds of 10 s, three intervals of the source of 5 s, and the 10 ms that its answers take. */
	model_advance(m, T(55));
	assert_int_equal(model_drift_state(model_drift(m, 0)), DRIFT_STEADY);
	model_changes(m);
	model_advance(m, T(55) + 11 * NS_PER_MS);
	assert_true(model_changes(m) & MODEL_DRIFT);
	assert_true(model_drift(m, 0)->is_stale);
	assert_int_equal(model_drift_state(model_drift(m, 0)), DRIFT_UNKNOWN);
	/* Back in time: as it was. */
	model_advance(m, T(55));
	assert_false(model_drift(m, 0)->is_stale);
	/* A set that does not say how often: every minute. */
	feed(m, 55, "{'event':'drifts','at':'2030-01-01T00:00:10Z','drifts':[%s]}", "{'id':'drift:m:a','state':'steady'}");
	model_advance(m, T(10 + 180 + 15));
	assert_false(model_drift(m, 0)->is_stale);
	model_advance(m, T(10 + 180 + 16));
	assert_true(model_drift(m, 0)->is_stale);
	model_free(m);
}

/* The past has rows of its own, and is no part of what was known. */
static void
a_past_time_beside_the_present(void **state)
{
	struct model *m = model_with(DEF("m", "a", "") "," DEF("m", "b", ""), DRIFT("m:a", "steady", ""));
	int64_t at_ns = 1;

	(void)state;
	assert_int_equal(model_n_past_drifts(m, &at_ns), 0);
	assert_true(at_ns == 0);
	feed(m, 11, "{'event':'drifts','at':'2029-12-31T00:00:00Z','past':true,'drifts':[%s]}", DRIFT("m:b", "drifted", ""));
	assert_int_equal(model_n_past_drifts(m, &at_ns), 2);
	assert_true(at_ns == T(-86400));
	assert_string_equal(model_past_drift(m, 0)->def->id, "drift:m:b");
	assert_false(model_past_drift(m, 0)->is_stale);
	assert_null(model_past_drift(m, 1)->drift);
	assert_int_equal(model_drift_find(m, "drift:m:a")->drift->state, DRIFT_STEADY);
	assert_null(model_drift_find(m, "drift:m:b")->drift);
	assert_int_equal(model_n_problems(m), 0);
	model_free(m);
}

/* The console's own past: standings as they were known then, the heat map as it is. */
static void
what_was_known_then(void **state)
{
	struct model *m = model_with(DEF("m", "a", ""), DRIFT("m:a", "steady", ""));
	const struct model *then;

	(void)state;
	feed(m, 15, "{'event':'drift-history','step_ns':5,'rows':[{'id':'drift:m:a','ratio':[1]}]}");
	feed_drifts(m, 20, DRIFT("m:a", "drifted", ""));
	model_advance(m, T(30));
	then = model_at(m, T(12), NULL);
	assert_non_null(then);
	assert_int_equal(model_drift(then, 0)->drift->state, DRIFT_STEADY);
	assert_int_equal(model_drift_history(then)->n, 1);
	then = model_at(m, T(21), NULL);
	assert_int_equal(model_drift(then, 0)->drift->state, DRIFT_DRIFTED);
	model_free(m);
}

/* What many features are like is large: it is kept less often, and does not push out what else was known, nor is it called old for that. */
static void
many_do_not_fill_the_past(void **state)
{
	enum { DEFS = 1000, ROUNDS = 60, EVERY = 10 };
	struct model *m = model_new(1 << 20, 600 * NS_PER_S);
	struct buf defs, drifts;
	const struct model *then;
	int64_t first_ns = 0;

	(void)state;
	feed_environment(m, FEED_SOURCES_ALL);
	buf_init(&defs, 4 << 20);
	for (int i = 0; i < DEFS; i++)
		buf_printf(&defs, "%s{'id':'%d','name':'%d','source':'p1','profile':'p','window_ns':1}", i == 0 ? "" : ",", i, i);
	feed_defs(m, 0, defs.data);
	buf_init(&drifts, 4 << 20);
	for (int round = 0; round < ROUNDS; round++) {
		char at[CLOCK_TEXT_MAX];

		buf_reset(&drifts);
		clock_format(at, T(round * EVERY), 9);
		for (int i = 0; i < DEFS; i++)
			buf_printf(&drifts, "%s{'id':'%d','state':'steady','at':'%s'}", i == 0 ? "" : ",", i, at);
		feed(m, round * EVERY, "{'event':'drifts','every_ns':10000000000,'drifts':[%s]}", drifts.data);
		for (size_t s = 0; s < model_n_sources(m); s++)
			feed_alerts(m, round * EVERY, model_source(m, s)->name, "");
		model_advance(m, T(round * EVERY));
	}
	assert_false(model_drift(m, 0)->is_stale);
	for (int t = 5; t < (ROUNDS - 1) * EVERY; t += EVERY) {
		then = model_at(m, T(t), &first_ns);
		if (then == NULL || model_n_drifts(then) != DEFS || model_drift(then, 0)->is_stale || model_drift(then, 0)->drift == NULL)
			fail_msg("at %d", t);
		assert_true(first_ns == T(0));
	}
	model_free(m);
	buf_done(&defs);
	buf_done(&drifts);
}

/* A newer set speaks for the whole time since the console began to look. */
static void
markers_are_not_told_twice(void **state)
{
	struct model *m = new_model();

	(void)state;
	feed(m, 10, "{'event':'markers','def':'drift','start':'2030-01-01T00:00:01Z','end':'2030-01-01T00:00:06Z',"
	    "'markers':[{'at':'2030-01-01T00:00:05Z','what':'a'}]}");
	feed(m, 12, "{'event':'markers','def':'drift','start':'2030-01-01T00:00:01Z','end':'2030-01-01T00:00:09Z',"
	    "'markers':[{'at':'2030-01-01T00:00:05Z','what':'a'},{'at':'2030-01-01T00:00:08Z','what':'b'}]}");
	assert_int_equal(model_n_markers(m), 2);
	assert_string_equal(model_marker(m, 0)->what, "b");
	/* The config read anew keeps them. */
	feed_environment(m, FEED_SOURCES_ALL);
	assert_int_equal(model_n_markers(m), 2);
	model_free(m);
}

/* --- alerts ------------------------------------------------------------------------------------------------------------------ */

static void
alerts_are_found_by_their_labels(void **state)
{
	static const struct {
		const char *alerts;
		bool is_of_m, is_of_other;
	} cases[] = {
		{ "", false, false },
		{ ALERT("Drift", ",'feature':'a'", "page", "firing"), true, true },
		{ ALERT("Drift", ",'feature':'a','model':'m'", "page", "firing"), true, false },
		{ ALERT("Drift", ",'feature':'a','model':'model:m'", "page", "firing"), true, false },
		{ ALERT("Drift", ",'feature':'a','model':'other'", "page", "firing"), false, true },
		{ ALERT("Drift", ",'feature':'b'", "page", "firing"), false, false },
		{ ALERT("Drift", ",'model':'m'", "page", "firing"), false, false },
		{ ALERT("Drift", ",'feature':'a'", "page", "pending"), false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model *m = model_with(DEF("m", "a", "") "," DEF("other", "a", ""), "");

		feed_alerts(m, 10, "p1", cases[i].alerts);
		if ((model_drift_find(m, "drift:m:a")->alert_id != 0) != cases[i].is_of_m ||
		    (model_drift_find(m, "drift:other:a")->alert_id != 0) != cases[i].is_of_other)
			fail_msg("case %zu", i);
		model_free(m);
	}
}

static void
the_worst_alert_and_of_those_the_oldest(void **state)
{
	struct model *m = model_with(DEF("m", "a", ""), "");
	const struct model_alert *a;

	(void)state;
	feed_alerts(m, 10, "p1",
	    "{'name':'New','labels':{'alertname':'New','severity':'page','feature':'a'},'state':'firing','since':'2030-01-01T00:00:05Z'},"
	    "{'name':'Old','labels':{'alertname':'Old','severity':'page','feature':'a'},'state':'firing','since':'2030-01-01T00:00:02Z'},"
	    "{'name':'Low','labels':{'alertname':'Low','severity':'ticket','feature':'a'},'state':'firing','since':'2030-01-01T00:00:01Z'}");
	a = model_alert_find(m, model_drift(m, 0)->alert_id);
	assert_non_null(a);
	assert_string_equal(a->name, "Old");
	model_free(m);
}

/* --- problems ------------------------------------------------------------------------------------------------------------------ */

static void
a_definition_is_a_problem_as_it_stands(void **state)
{
	static const struct {
		const char *def, *drift, *alerts;	/* alerts: of p1 */
		const char *problems;			/* name:severity[?]:text[=drift]|... */
		enum health health;
	} cases[] = {
		{ DEF("m", "a", ""), "", "", "", HEALTH_OK },		/* not worked out yet */
		{ DEF("m", "a", ""), DRIFT("m:a", "steady", ""), "", "", HEALTH_OK },
		{ DEF("m", "a", ""), DRIFT("m:a", "moving", ""), "", "", HEALTH_OK },
		{ DEF("m", "a", ""), DRIFT("m:a", "few", ""), "", "", HEALTH_OK },
		{ DEF("m", "a", ""), DRIFT("m:a", "drifted", ""), "", "a:ticket:m feature: drifted it is=drift:m:a|", HEALTH_WARNING },
		{ DEF("m", "a", ",'kind':'label','severity':'page'"), DRIFT("m:a", "drifted", ""), "",
		  "a:page:m label: drifted it is=drift:m:a|", HEALTH_CRITICAL },
		{ DEF("m", "a", ",'severity':'info'"), DRIFT("m:a", "drifted", ""), "", "a:info:m feature: drifted it is=drift:m:a|", HEALTH_OK },
		{ DEF("m", "a", ",'severity':'none'"), DRIFT("m:a", "drifted", ""), "", "", HEALTH_OK },
		{ DEF("m", "a", ",'severity':'info'"), DRIFT("m:a", "unknown", ""), "", "a:ticket?:m feature: unknown it is=drift:m:a|", HEALTH_UNKNOWN },
		{ DEF("m", "a", ""), "{'id':'drift:m:a','at':'2030-01-01T00:00:10Z'}", "", "a:ticket:m feature: drifted=drift:m:a|", HEALTH_WARNING },
		/* An alert tells of it. */
		{ DEF("m", "a", ""), DRIFT("m:a", "drifted", ""), ALERT("Drift", ",'feature':'a'", "page", "firing"), "Drift:page:=drift:m:a|", HEALTH_CRITICAL },
		{ DEF("m", "a", ""), DRIFT("m:a", "drifted", ""), ALERT("Drift", ",'feature':'a'", "info", "firing"),
		  "a:ticket:m feature: drifted it is=drift:m:a|Drift:info:=drift:m:a|", HEALTH_WARNING },
		{ DEF("m", "a", ""), DRIFT("m:a", "drifted", ""), ALERT("Drift", ",'feature':'b'", "page", "firing"),
		  "Drift:page:|a:ticket:m feature: drifted it is=drift:m:a|", HEALTH_CRITICAL },
		{ DEF("m", "a", ""), DRIFT("m:a", "drifted", ""), ALERT("Drift", ",'feature':'a'", "page", "pending"),
		  "a:ticket:m feature: drifted it is=drift:m:a|Drift:page:=drift:m:a|", HEALTH_WARNING },
		{ DEF("m", "a", ""), DRIFT("m:a", "unknown", ""), ALERT("Drift", ",'feature':'a'", "page", "firing"),
		  "Drift:page:=drift:m:a|a:ticket?:m feature: unknown it is=drift:m:a|", HEALTH_CRITICAL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model *m = model_with(cases[i].def, cases[i].drift);
		struct buf b;

		feed_alerts(m, 10, "p1", cases[i].alerts);
		buf_init(&b, 1000);
		for (size_t j = 0; j < model_n_problems(m); j++) {
			const struct problem *p = model_problem(m, j);

			assert_int_equal(p->kind, p->name[0] == 'D' ? PROBLEM_ALERT : PROBLEM_DRIFT);
			buf_printf(&b, "%s:%s%s:%s%s%s|", p->name, severity_name(p->severity), p->is_unknown ? "?" : "",
			    p->kind == PROBLEM_ALERT ? "" : p->text, p->drift_id != NULL ? "=" : "", p->drift_id != NULL ? p->drift_id : "");
		}
		if (strcmp(b.data, cases[i].problems) != 0 || model_health(m) != cases[i].health)
			fail_msg("case %zu: %s %s", i, b.data, health_name(model_health(m)));
		buf_done(&b);
		model_free(m);
	}
}

static void
a_silenced_alert_silences_its_drift(void **state)
{
	struct model *m = model_with(DEF("m", "a", ""), DRIFT("m:a", "drifted", ""));

	(void)state;
	assert_int_equal(model_health(m), HEALTH_WARNING);
	feed_alerts(m, 10, "am", ALERT("Drift", ",'feature':'a'", "ticket", "silenced"));
	assert_int_equal(model_health(m), HEALTH_OK);
	assert_int_equal(model_n_problems(m), 0);
	assert_true(model_drift(m, 0)->alert_id == 0);
	model_free(m);
}

static void
old_results_are_unknown_and_say_their_age(void **state)
{
	struct model *m = model_with(DEF("m", "a", ""), DRIFT("m:a", "steady", ""));

	(void)state;
	for (size_t s = 0; s < model_n_sources(m); s++)
		feed_ok(m, 100, model_source(m, s)->name, "alerts");
	model_advance(m, T(100));
	assert_int_equal(model_n_problems(m), 1);
	assert_true(model_problem(m, 0)->is_unknown);
	assert_string_equal(model_problem(m, 0)->evidence, "p1, last worked out 1m ago");
	model_changes(m);
	model_advance(m, T(101));
	assert_true(model_changes(m) & MODEL_PROBLEMS);
	model_free(m);
}

/* A source that does not answer is said once, and not for each of its features. */
static void
a_silent_source_is_said_once(void **state)
{
	struct model *m = model_with(DEF("m", "a", "") "," DEF("m", "b", "") "," DEF("m", "c", ",'source':'p2'"),
	    DRIFT("m:a", "unknown", "") "," DRIFT("m:b", "drifted", "") "," DRIFT("m:c", "unknown", ""));
	struct buf b;

	(void)state;
	assert_int_equal(model_n_problems(m), 3);
	feed_failed(m, 40, "p1", "alerts", "timeout");
	feed_ok(m, 40, "p2", "alerts");
	feed_ok(m, 40, "am", "alerts");
	model_advance(m, T(40));
	assert_int_equal(model_source_find(m, "p1")->state, SOURCE_STALE);
	buf_init(&b, 1000);
	for (size_t i = 0; i < model_n_problems(m); i++)
		buf_printf(&b, "%s ", model_problem(m, i)->name);
	assert_string_equal(b.data, "p1 c b ");
	buf_done(&b);
	model_free(m);
}

static void
many_definitions_and_many_alerts(void **state)
{
	enum { DEFS = 2000, ALERTS = 10000 };
	struct model *m = new_model();
	struct buf defs, alerts, drifts;
	size_t n_told = 0;

	(void)state;
	buf_init(&defs, 4 << 20);
	buf_init(&drifts, 4 << 20);
	buf_init(&alerts, 4 << 20);
	for (int i = 0; i < DEFS; i++) {
		buf_printf(&defs, "%s{'id':'%d','name':'%d','model':'model:m','profile':'p','window_ns':1}", i == 0 ? "" : ",", i, i);
		buf_printf(&drifts, "%s{'id':'%d','state':'%s'}", i == 0 ? "" : ",", DEFS - 1 - i, i == 7 ? "drifted" : "steady");
	}
	for (int i = 0; i < ALERTS; i++)
		buf_printf(&alerts, "%s{'name':'D','labels':{'alertname':'D','i':'%d','feature':'%d'},'state':'firing'}", i == 0 ? "" : ",", i, i % 4000);
	feed_defs(m, 10, defs.data);
	feed_drifts(m, 10, drifts.data);
	feed_alerts(m, 10, "p1", alerts.data);
	assert_string_equal(model_drift(m, 0)->def->id, "1992");
	for (size_t i = 0; i < model_n_drifts(m); i++) {
		const struct model_alert *a = model_alert_find(m, model_drift(m, i)->alert_id);

		assert_non_null(model_drift(m, i)->drift);
		assert_non_null(a);
		assert_string_equal(labels_get(a->labels, "feature"), model_drift(m, i)->def->name);
	}
	for (size_t i = 0; i < model_n_problems(m); i++)
		n_told += model_problem(m, i)->kind == PROBLEM_ALERT && model_problem(m, i)->drift_id != NULL;
	assert_int_equal(n_told, 6000);
	buf_done(&defs);
	buf_done(&drifts);
	buf_done(&alerts);
	model_free(m);
}

/* --- JSON ---------------------------------------------------------------------------------------------------------------------- */

static void
numbers_that_are_not_known_are_null(void **state)
{
	struct model *m = model_with(DEF("m", "a", ",'title':'A'") "," DEF("m", "b", ""),
	    DRIFT("m:a", "drifted", ",'against':'the week before','n_now':5,'new_categories':[['x']],'notes':['n']" PSI("0.2", "0.1")));
	json_t *all = model_to_json(m), *list = json_object_get(all, "drifts"), *a = json_array_get(list, 0), *b = json_array_get(list, 1), *score;

	(void)state;
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_object_get(a, "id")), "drift:m:a");
	assert_string_equal(json_string_value(json_object_get(a, "model")), "model:m");
	assert_string_equal(json_string_value(json_object_get(a, "kind")), "feature");
	assert_string_equal(json_string_value(json_object_get(a, "state")), "drifted");
	assert_string_equal(json_string_value(json_object_get(a, "against")), "the week before");
	assert_string_equal(json_string_value(json_object_get(a, "at")), "2030-01-01T00:00:10.000000000Z");
	assert_true(json_is_null(json_object_get(a, "since")));
	assert_true(json_is_null(json_object_get(a, "n_then")));
	assert_true(json_real_value(json_object_get(a, "n_now")) == 5);
	score = json_array_get(json_object_get(a, "scores"), 1);
	assert_string_equal(json_string_value(json_object_get(score, "measure")), "PSI");
	assert_true(json_real_value(json_object_get(score, "floor")) == 0.1);
	assert_true(json_is_null(json_object_get(json_array_get(json_object_get(a, "scores"), 0), "floor")));
	assert_true(json_is_true(json_object_get(json_array_get(json_object_get(a, "scores"), 0), "bound")));
	assert_string_equal(json_string_value(json_array_get(json_object_get(a, "new_categories"), 0)), "x");
	assert_string_equal(json_string_value(json_object_get(b, "state")), "unknown");
	assert_string_equal(json_string_value(json_object_get(b, "why")), "not worked out yet");
	assert_true(json_is_null(json_object_get(b, "p")));
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(all, "problems"), 0), "kind")), "drift");
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(all, "problems"), 0), "drift")), "drift:m:a");
	json_decref(all);
	model_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_back_as_they_went),
		cmocka_unit_test(what_does_not_hold_is_refused),
		cmocka_unit_test(a_row_for_each_definition_worst_first),
		cmocka_unit_test(results_come_and_go_with_their_definition),
		cmocka_unit_test(what_was_worked_out_too_long_ago_is_stale),
		cmocka_unit_test(a_past_time_beside_the_present),
		cmocka_unit_test(what_was_known_then),
		cmocka_unit_test(many_do_not_fill_the_past),
		cmocka_unit_test(markers_are_not_told_twice),
		cmocka_unit_test(alerts_are_found_by_their_labels),
		cmocka_unit_test(the_worst_alert_and_of_those_the_oldest),
		cmocka_unit_test(a_definition_is_a_problem_as_it_stands),
		cmocka_unit_test(a_silenced_alert_silences_its_drift),
		cmocka_unit_test(old_results_are_unknown_and_say_their_age),
		cmocka_unit_test(a_silent_source_is_said_once),
		cmocka_unit_test(many_definitions_and_many_alerts),
		cmocka_unit_test(numbers_that_are_not_known_are_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
