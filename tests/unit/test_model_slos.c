/* Objectives in the model: rows, their age and order, the alerts that tell of them, and what of it is a problem. */
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

#define DEF(name, more) "{'id':'slo:" name "','name':'" name "','source':'p1','target':0.99,'period_ns':2592000000000000" more "}"
#define BURNS(name) ",'alert_labels':{'alertname':'Burn','slo':'" name "'}"
#define SLO(name, state, more) "{'id':'slo:" name "','state':'" state "','at':'2030-01-01T00:00:10Z'" more "}"
#define ALERT(name, more, severity, state) "{'name':'" name "','labels':{'alertname':'" name "','severity':'" severity "'" more "},'state':'" state "'," \
	"'since':'2030-01-01T00:00:00Z'}"

/* Everything but objectives is well. */
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
	feed(m, seconds, "{'event':'slo-defs','slos':[%s]}", defs);
}

/* Worked out at T(seconds), every 10 s. */
static void
feed_slos(struct model *m, double seconds, const char *slos)
{
	char at[CLOCK_TEXT_MAX];

	feed(m, seconds, "{'event':'slos','at':'%s','every_ns':10000000000,'slos':[%s]}",
	    clock_format(at, T0 + (int64_t)(seconds * 1e9), 9), slos);
}

static struct model *
model_with(const char *defs, const char *slos)
{
	struct model *m = new_model();

	feed_defs(m, 10, defs);
	feed_slos(m, 10, slos);
	model_advance(m, T(10));
	return m;
}

static char *
ids_of(const struct model *m)
{
	struct buf b;
	char *ids;

	buf_init(&b, 10000);
	for (size_t i = 0; i < model_n_slos(m); i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : " ", model_slo(m, i)->def->id + strlen("slo:"));
	ids = buf_take(&b, NULL);
	buf_done(&b);
	return ids;
}

/* --- rows ----------------------------------------------------------------------------------------------------------------- */

static void
a_row_for_each_definition_most_urgent_first(void **state)
{
	struct model *m = model_with(DEF("a", "") "," DEF("b", "") "," DEF("c", "") "," DEF("d", "") "," DEF("e", ""),
	    SLO("a", "ok", ",'left':0.5") "," SLO("c", "page", ",'exhaustion_ns':7,'left':0.1") "," SLO("d", "page", ",'exhaustion_ns':6,'left':0.9") ","
	    SLO("e", "gated", "") "," SLO("gone", "page", ",'exhaustion_ns':1"));
	char *ids = ids_of(m);

	(void)state;
	assert_string_equal(ids, "d c b e a");		/* b: nothing is known of it */
	assert_null(model_slo_find(m, "slo:b")->slo);
	assert_float_equal(model_slo_find(m, "slo:a")->slo->left, 0.5, 0);
	assert_null(model_slo_find(m, "slo:gone"));
	free(ids);
	model_free(m);
}

/* A result is shown where there is a definition for it, whichever comes first; and goes with it. */
static void
results_come_and_go_with_their_definition(void **state)
{
	struct model *m = new_model();

	(void)state;
	assert_int_equal(model_n_slos(m), 0);
	feed_slos(m, 10, SLO("a", "page", ""));
	assert_int_equal(model_n_slos(m), 0);
	assert_int_equal(model_health(m), HEALTH_OK);
	feed_defs(m, 11, DEF("a", "") "," DEF("b", ""));
	assert_int_equal(model_slo_find(m, "slo:a")->slo->state, SLO_PAGE);
	assert_int_equal(model_health(m), HEALTH_CRITICAL);
	feed(m, 11, "{'event':'slo-details','slos':[{'id':'slo:b','left':[[1,0.5]]},{'id':'slo:c'}]}");
	assert_int_equal(model_slo_find(m, "slo:b")->detail->n, 1);
	assert_null(model_slo_find(m, "slo:a")->detail);
	feed_defs(m, 12, DEF("b", ""));
	assert_null(model_slo_find(m, "slo:a"));
	assert_int_equal(model_n_slos(m), 1);
	assert_int_equal(model_health(m), HEALTH_OK);
	/* Another environment has other objectives; the same one read anew keeps them. */
	feed_environment(m, FEED_SOURCES_ALL);
	assert_int_equal(model_n_slos(m), 1);
	feed(m, 13, "{'event':'environment','name':'other'}");
	assert_int_equal(model_n_slos(m), 0);
	model_free(m);
}

static void
what_was_worked_out_too_long_ago_is_stale(void **state)
{
	static const char slos[] = SLO("a", "ok", ",'left':0.5") "," SLO("b", "gated", "");
	struct model *m = model_with(DEF("a", "") "," DEF("b", ""), slos);

	(void)state;
	/* Three rounds of 10 s, three intervals of the source of 5 s, and the 10 ms that its answers take. */
	model_advance(m, T(55));
	assert_false(model_slo_find(m, "slo:a")->is_stale);
	assert_string_equal(model_slo(m, 0)->def->id, "slo:b");
	model_changes(m);
	model_advance(m, T(55) + 11 * NS_PER_MS);
	assert_true(model_changes(m) & MODEL_SLOS);
	assert_true(model_slo_find(m, "slo:a")->is_stale);
	/* Both are unknown now: the one of which less is left comes first. */
	assert_string_equal(model_slo(m, 0)->def->id, "slo:a");
	/* Back in time: as it was. */
	model_advance(m, T(55));
	assert_false(model_slo_find(m, "slo:a")->is_stale);
	model_advance(m, T(100));
	assert_true(model_slo_find(m, "slo:a")->is_stale);
	feed_slos(m, 100, slos);
	assert_false(model_slo_find(m, "slo:a")->is_stale);
	model_free(m);
}

/* The past has rows of its own: for now's definitions, and without now's alerts. */
static void
a_past_time_beside_the_present(void **state)
{
	struct model *m = model_with(DEF("a", BURNS("a")) "," DEF("b", ""), SLO("a", "page", "") "," SLO("b", "ok", ""));
	int64_t at_ns = 1;

	(void)state;
	feed_alerts(m, 10, "p1", ALERT("Burn", ",'slo':'a'", "page", "firing"));
	assert_int_equal(model_n_past_slos(m, &at_ns), 0);
	assert_true(at_ns == 0);
	feed(m, 10, "{'event':'slos','at':'2029-12-31T00:00:00Z','past':true,'slos':[%s]}", SLO("b", "ticket", "") "," SLO("c", "page", ""));
	feed(m, 10, "{'event':'slo-details','past':true,'slos':[{'id':'slo:b','left':[[1,0.5]]}]}");
	assert_int_equal(model_n_past_slos(m, &at_ns), 2);
	assert_true(at_ns == T(-86400));
	assert_string_equal(model_past_slo(m, 0)->def->id, "slo:b");
	assert_int_equal(model_past_slo(m, 0)->slo->state, SLO_TICKET);
	assert_int_equal(model_past_slo(m, 0)->detail->n, 1);
	assert_false(model_past_slo(m, 0)->is_stale);
	assert_null(model_past_slo(m, 1)->slo);
	assert_true(model_past_slo(m, 1)->alert_id == 0);
	/* Now is as it was. */
	assert_string_equal(model_slo(m, 0)->def->id, "slo:a");
	assert_true(model_slo(m, 0)->alert_id != 0);
	assert_int_equal(model_slo_find(m, "slo:b")->slo->state, SLO_OK);
	assert_null(model_slo_find(m, "slo:b")->detail);
	assert_int_equal(model_n_past_slos(m, NULL), 2);
	model_free(m);
}

/* --- alerts ------------------------------------------------------------------------------------------------------------------ */

static void
alerts_are_found_by_their_labels(void **state)
{
	static const struct {
		const char *alerts, *name;	/* of the alert of slo:a, NULL: none; by severity */
		const char *severity;
	} cases[] = {
		{ "", NULL, NULL },
		{ ALERT("Burn", ",'slo':'a'", "page", "firing"), "Burn", "page" },
		{ ALERT("Burn", ",'slo':'b'", "page", "firing"), NULL, NULL },
		{ ALERT("Other", ",'slo':'a'", "page", "firing"), NULL, NULL },
		{ ALERT("Burn", ",'slo':'a'", "page", "pending"), NULL, NULL },
		{ ALERT("Burn", ",'slo':'a','w':'1h'", "ticket", "firing") "," ALERT("Burn", ",'slo':'a'", "page", "firing"), "Burn", "page" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model *m = model_with(DEF("a", BURNS("a")) "," DEF("b", BURNS("b")) "," DEF("c", ""), "");
		const struct model_alert *a;

		feed_alerts(m, 10, "p1", cases[i].alerts);
		a = model_alert_find(m, model_slo_find(m, "slo:a")->alert_id);
		assert_int_equal(a == NULL, cases[i].name == NULL);
		if (a != NULL) {
			assert_string_equal(a->name, cases[i].name);
			assert_string_equal(a->severity_text, cases[i].severity);
		}
		assert_true(model_slo_find(m, "slo:c")->alert_id == 0);
		model_free(m);
	}
}

/* Of several as bad as each other the oldest: that is what people were called for. */
static void
the_oldest_of_the_worst_alerts_stands_for_it(void **state)
{
	static const char *const alerts[] = {
		"{'name':'Burn','labels':{'alertname':'Burn','severity':'page','slo':'a','w':'slow'},'state':'firing','since':'2030-01-01T00:00:05Z'}",
		"{'name':'Burn','labels':{'alertname':'Burn','severity':'page','slo':'a','w':'fast'},'state':'firing','since':'2030-01-01T00:00:02Z'}",
		"{'name':'Burn','labels':{'alertname':'Burn','severity':'page','slo':'a','w':'new'},'state':'firing','since':'2030-01-01T00:00:09Z'}",
		"{'name':'Burn','labels':{'alertname':'Burn','severity':'ticket','slo':'a','w':'old'},'state':'firing','since':'2030-01-01T00:00:01Z'}",
	};

	(void)state;
	for (size_t first = 0; first < COUNT(alerts); first++) {
		struct model *m = model_with(DEF("a", BURNS("a")), "");
		char text[2000] = "";

		for (size_t i = 0; i < COUNT(alerts); i++) {
			strcat(text, i == 0 ? "" : ",");
			strcat(text, alerts[(first + i) % COUNT(alerts)]);
		}
		feed_alerts(m, 10, "p1", text);
		assert_string_equal(labels_get(model_alert_find(m, model_slo_find(m, "slo:a")->alert_id)->labels, "w"), "fast");
		model_free(m);
	}
}

/* A storm of alerts that all share a label with all objectives: looked for by the label that tells them apart. */
static void
many_alerts_and_many_objectives(void **state)
{
	enum { SLOS = 1000, ALERTS = 10000 };
	struct model *m = new_model();
	struct buf defs, alerts;

	(void)state;
	buf_init(&defs, 1 << 20);
	buf_init(&alerts, 4 << 20);
	for (int i = 0; i < SLOS; i++)
		buf_printf(&defs, "%s{'id':'slo:%05d','name':'x','target':0.5,'period_ns':1,'alert_labels':{'alertname':'Burn','z':'%d'}}",
		    i == 0 ? "" : ",", i, i);
	for (int i = 0; i < ALERTS; i++)
		buf_printf(&alerts, "%s{'name':'Burn','labels':{'alertname':'Burn','i':'%d','z':'%d'},'state':'firing'}", i == 0 ? "" : ",",
		    i, i % (2 * SLOS));
	feed_defs(m, 10, defs.data);
	feed_alerts(m, 10, "p1", alerts.data);
	for (size_t i = 0; i < model_n_slos(m); i++) {
		const struct model_alert *a = model_alert_find(m, model_slo(m, i)->alert_id);

		assert_non_null(a);
		assert_string_equal(labels_get(a->labels, "z"), labels_get(&model_slo(m, i)->def->alert_labels, "z"));
	}
	for (size_t i = 0; i < model_n_problems(m); i++) {
		const struct problem *p = model_problem(m, i);
		const struct model_alert *a = model_alert_find(m, p->alert_id);

		assert_int_equal(p->slo_id != NULL, atoi(labels_get(a->labels, "z")) < SLOS);
	}
	buf_done(&defs);
	buf_done(&alerts);
	model_free(m);
}

/* --- problems ------------------------------------------------------------------------------------------------------------------ */

#define RULES ",'rules':[{'factor':14.4,'long_ns':2,'severity':'page'},{'factor':1,'long_ns':2,'severity':'info'}]"
#define FIRES(page, info) ",'rules':[{'firing':" page "},{'firing':" info "}]"

static void
an_objective_is_a_problem_as_it_stands(void **state)
{
	static const struct {
		const char *def, *slo, *alerts;		/* alerts: of p1 */
		const char *problems;			/* kind:severity[?]:text|... */
		enum health health;
	} cases[] = {
		{ DEF("a", ""), "", "", "", HEALTH_OK },		/* not worked out yet */
		{ DEF("a", ""), SLO("a", "ok", ",'left':0.9"), "", "", HEALTH_OK },
		{ DEF("a", ""), SLO("a", "gated", ",'left':0.9"), "", "", HEALTH_OK },
		{ DEF("a", ""), SLO("a", "excluded", ",'left':0.9"), "", "", HEALTH_OK },
		{ DEF("a", ""), SLO("a", "page", ",'left':0.38,'burn':14.9,'exhaustion_ns':22200000000000"), "",
		  "slo:page:38% left, 6h10m at 14.9x|", HEALTH_CRITICAL },
		{ DEF("a", RULES), SLO("a", "page", ",'left':0.5" FIRES("true", "true")), "", "slo:page:50% left|", HEALTH_CRITICAL },
		{ DEF("a", RULES), SLO("a", "ticket", ",'left':0.5" FIRES("false", "true")), "", "slo:info:50% left|", HEALTH_OK },
		{ DEF("a", ""), SLO("a", "ticket", ",'left':0.5"), "", "slo:ticket:50% left|", HEALTH_WARNING },
		/* The definition has other rules than the result. */
		{ DEF("a", ""), SLO("a", "ticket", ",'left':0.5" FIRES("true", "true")), "", "slo:ticket:50% left|", HEALTH_WARNING },
		{ DEF("a", RULES), SLO("a", "exhausted", ",'left':-0.5,'exhaustion_ns':0" FIRES("false", "false")), "",
		  "slo:ticket:spent 150%|", HEALTH_WARNING },
		{ DEF("a", ""), SLO("a", "no-data", ",'left':0.5"), "", "slo:ticket?:no data; 50% left|", HEALTH_UNKNOWN },
		{ DEF("a", ",'no_data_severity':'page'"), SLO("a", "no-data", ""), "", "slo:page:no data|", HEALTH_CRITICAL },
		{ DEF("a", ",'no_data_severity':'info'"), SLO("a", "no-data", ""), "", "slo:info:no data|", HEALTH_OK },
		{ DEF("a", ""), SLO("a", "unknown", ",'why':'refused'"), "", "slo:ticket?:refused|", HEALTH_UNKNOWN },
		/* An alert tells of it. */
		{ DEF("a", BURNS("a")), SLO("a", "page", ""), ALERT("Burn", ",'slo':'a'", "page", "firing"), "alert:page:|", HEALTH_CRITICAL },
		{ DEF("a", BURNS("a")), SLO("a", "ticket", ""), ALERT("Burn", ",'slo':'a'", "page", "firing"), "alert:page:|", HEALTH_CRITICAL },
		{ DEF("a", BURNS("a")), SLO("a", "page", ",'left':0.5"), ALERT("Burn", ",'slo':'a'", "ticket", "firing"),
		  "slo:page:50% left|alert:ticket:|", HEALTH_CRITICAL },
		{ DEF("a", BURNS("a")), SLO("a", "page", ",'left':0.5"), ALERT("Burn", ",'slo':'a'", "page", "pending"),
		  "slo:page:50% left|alert:page:|", HEALTH_CRITICAL },
		{ DEF("a", BURNS("a")), SLO("a", "page", ",'left':0.5"), ALERT("Burn", ",'slo':'b'", "page", "firing"),
		  "alert:page:|slo:page:50% left|", HEALTH_CRITICAL },
		{ DEF("a", BURNS("a")), SLO("a", "unknown", ",'why':'refused'"), ALERT("Burn", ",'slo':'a'", "page", "firing"),
		  "alert:page:|slo:ticket?:refused|", HEALTH_CRITICAL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model *m = model_with(cases[i].def, cases[i].slo);
		struct buf b;

		feed_alerts(m, 10, "p1", cases[i].alerts);
		buf_init(&b, 1000);
		for (size_t j = 0; j < model_n_problems(m); j++) {
			const struct problem *p = model_problem(m, j);

			if (p->kind == PROBLEM_ALERT)
				buf_printf(&b, "alert:%s:|", severity_name(p->severity));
			else
				buf_printf(&b, "%s:%s%s:%s|", p->kind == PROBLEM_SLO ? "slo" : p->name, severity_name(p->severity),
				    p->is_unknown ? "?" : "", p->text);
		}
		if (strcmp(b.data, cases[i].problems) != 0 || model_health(m) != cases[i].health)
			fail_msg("case %zu: %s %s", i, b.data, health_name(model_health(m)));
		buf_done(&b);
		model_free(m);
	}
}

/* Whoever silences the alert means the objective too. */
static void
a_silenced_alert_silences_its_objective(void **state)
{
	struct model *m = model_with(DEF("a", BURNS("a")), SLO("a", "page", ""));

	(void)state;
	assert_int_equal(model_health(m), HEALTH_CRITICAL);
	feed_alerts(m, 10, "am", ALERT("Burn", ",'slo':'a'", "page", "silenced"));
	assert_int_equal(model_health(m), HEALTH_OK);
	assert_int_equal(model_n_problems(m), 0);
	assert_true(model_slo(m, 0)->alert_id == 0);
	feed_alerts(m, 11, "am", ALERT("Burn", ",'slo':'a'", "ticket", "silenced"));
	assert_int_equal(model_health(m), HEALTH_CRITICAL);
	model_free(m);
}

static void
the_symptom_comes_before_the_budget(void **state)
{
	static const char *const expected[] = { "Spam", "Burn", "b", "Slow", "Late" };
	struct model *m = model_with(DEF("a", BURNS("a")) "," DEF("b", ""), SLO("a", "page", "") "," SLO("b", "page", ",'since':'2029-12-31T00:00:00Z'"));

	(void)state;
	/* Burn is the newest; among pages the one that is no burn comes first all the same. */
	feed_alerts(m, 10, "p1", "{'name':'Burn','labels':{'alertname':'Burn','slo':'a','severity':'page'},'state':'firing','since':'2030-01-01T00:00:09Z'},"
	    ALERT("Spam", "", "page", "firing") "," ALERT("Slow", "", "ticket", "firing") "," ALERT("Late", "", "page", "pending"));
	assert_int_equal(model_n_problems(m), COUNT(expected));
	for (size_t i = 0; i < COUNT(expected); i++)
		assert_string_equal(model_problem(m, i)->name, expected[i]);
	assert_string_equal(model_problem(m, 1)->slo_id, "slo:a");
	assert_string_equal(model_problem(m, 2)->slo_id, "slo:b");
	assert_null(model_problem(m, 0)->slo_id);
	assert_true(model_problem(m, 2)->since_ns == T(-86400));
	assert_true(model_problem(m, 2)->seen_ns == T(10));
	model_free(m);
}

static void
old_results_are_unknown_and_say_their_age(void **state)
{
	struct model *m = model_with(DEF("a", ""), SLO("a", "page", ",'left':0.5"));

	(void)state;
	assert_string_equal(model_problem(m, 0)->evidence, "p1");
	for (size_t s = 0; s < model_n_sources(m); s++)
		feed_ok(m, 100, model_source(m, s)->name, "alerts");
	model_advance(m, T(100));
	assert_int_equal(model_n_problems(m), 1);
	assert_true(model_problem(m, 0)->is_unknown);
	assert_string_equal(model_problem(m, 0)->evidence, "p1, last worked out 1m ago");
	assert_int_equal(model_health(m), HEALTH_UNKNOWN);
	model_changes(m);
	model_advance(m, T(101));
	assert_true(model_changes(m) & MODEL_PROBLEMS);
	model_free(m);
}

/* A source that does not answer is said once, and not for each of its objectives. */
static void
a_silent_source_is_said_once(void **state)
{
	struct model *m = model_with(DEF("a", "") "," DEF("b", "") "," DEF("c", ",'source':'p2'"),
	    SLO("a", "unknown", ",'why':'p1 does not answer'") "," SLO("b", "no-data", "") "," SLO("c", "unknown", ",'why':'refused'"));
	size_t n_slo = 0, n_source = 0;

	(void)state;
	assert_int_equal(model_n_problems(m), 3);
	feed_failed(m, 40, "p1", "alerts", "timeout");
	feed_ok(m, 40, "p2", "alerts");
	feed_ok(m, 40, "am", "alerts");
	model_advance(m, T(40));
	assert_int_equal(model_source_find(m, "p1")->state, SOURCE_STALE);
	for (size_t i = 0; i < model_n_problems(m); i++) {
		const struct problem *p = model_problem(m, i);

		n_slo += p->kind == PROBLEM_SLO;
		n_source += p->kind == PROBLEM_SOURCE;
		assert_true(p->kind != PROBLEM_SLO || strcmp(p->name, "a") != 0);
	}
	assert_int_equal(n_slo, 2);
	assert_int_equal(n_source, 1);
	assert_int_equal(model_health(m), HEALTH_UNKNOWN);
	model_free(m);
}

/* --- history ------------------------------------------------------------------------------------------------------------------ */

static void
the_past_has_what_was_known_and_the_newest_details(void **state)
{
	struct model *m = new_model();
	const struct model *then;

	(void)state;
	feed_defs(m, 20, DEF("a", "") "," DEF("b", ""));
	for (size_t s = 0; s < model_n_sources(m); s++)
		feed_ok(m, 20, model_source(m, s)->name, "alerts");
	feed_slos(m, 21, SLO("a", "ok", ""));
	feed(m, 21, "{'event':'slo-details','slos':[{'id':'slo:a','left':[[1,0.5]]}]}");
	feed_slos(m, 31, SLO("a", "page", ""));
	feed(m, 31, "{'event':'slos','at':'2029-12-31T00:00:00Z','past':true,'slos':[%s]}", SLO("a", "ticket", ""));
	feed_defs(m, 40, DEF("b", ""));
	model_advance(m, T(50));
	assert_int_equal(model_n_slos(model_at(m, T(15), NULL)), 0);
	then = model_at(m, T(25), NULL);
	assert_int_equal(model_n_slos(then), 2);
	assert_int_equal(model_slo_find(then, "slo:a")->slo->state, SLO_OK);
	assert_int_equal(model_slo_find(then, "slo:a")->detail->n, 1);
	assert_int_equal(model_n_past_slos(then, NULL), 0);
	assert_int_equal(model_health(then), HEALTH_OK);
	then = model_at(m, T(35), NULL);
	assert_int_equal(model_slo_find(then, "slo:a")->slo->state, SLO_PAGE);
	assert_int_equal(model_health(then), HEALTH_CRITICAL);
	/* A newer course of the budget is lent to the same past. */
	feed(m, 50, "{'event':'slo-details','slos':[{'id':'slo:a','left':[[1,0.5],[2,0.4]]}]}");
	then = model_at(m, T(35), NULL);
	assert_int_equal(model_slo_find(then, "slo:a")->detail->n, 2);
	assert_int_equal(model_n_slos(m), 1);
	model_free(m);
}

/* Details and past times are large and many: they push nothing else out of the ring. */
static void
details_do_not_fill_the_ring(void **state)
{
	struct model *m = model_new(20000, 0);
	int64_t first_ns = 0;

	(void)state;
	feed_environment(m, FEED_SOURCES_ALL);
	for (int t = 1; t <= 50; t++) {
		feed(m, t, "{'event':'slo-details','slos':[{'id':'%01000d'}]}", t);
		feed(m, t, "{'event':'slos','past':true,'slos':[{'id':'%01000d'}]}", t);
	}
	model_advance(m, T(60));
	assert_non_null(model_at(m, T(1), &first_ns));
	assert_true(first_ns == T(0));
	model_free(m);
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------------ */

static json_t *
slo_json(const struct model *m, const char *id)
{
	json_t *all = model_to_json(m), *one, *found = NULL;
	size_t i;

	json_array_foreach(json_object_get(all, "slos"), i, one)
		if (strcmp(json_string_value(json_object_get(one, "id")), id) == 0)
			found = json_incref(one);
	json_decref(all);
	assert_non_null(found);
	return found;
}

static void
as_json_what_is_not_known_is_null(void **state)
{
	static const char *const unknown[] = { "since", "at", "left", "left_ns", "bad", "total", "sli", "window_start", "window_end", "covered_ns",
	    "excluded_ns", "burn", "burn_window_ns", "exhaustion_ns", "projected", "projected_at", "alert" };
	struct model *m = model_with(DEF("a", RULES ",'notes':['of the definition']") "," DEF("b", RULES),
	    SLO("a", "page", ",'why':'burns','left':0.5,'left_ns':7,'exhaustion_ns':9,'start':'2029-12-02T00:00:00Z','covered_ns':3,"
	    "'burns':[{'window_ns':5,'rate':2},{'window_ns':6}],'notes':['of the result']" FIRES("true", "false")));
	json_t *a, *b, *list;

	(void)state;
	feed(m, 10, "{'event':'slo-details','slos':[{'id':'slo:a','spends':[{'share':0.25,'beside':'v7'}]}]}");
	a = slo_json(m, "slo:a");
	b = slo_json(m, "slo:b");
	assert_int_equal(json_object_size(a), json_object_size(b));
	for (size_t i = 0; i < COUNT(unknown); i++)
		if (!json_is_null(json_object_get(b, unknown[i])))
			fail_msg("%s", unknown[i]);
	assert_string_equal(json_string_value(json_object_get(b, "state")), "unknown");
	assert_string_equal(json_string_value(json_object_get(b, "why")), "not worked out yet");
	assert_string_equal(json_string_value(json_object_get(a, "state")), "page");
	assert_float_equal(json_real_value(json_object_get(a, "left")), 0.5, 0);
	assert_int_equal(json_integer_value(json_object_get(a, "left_ns")), 7);
	assert_int_equal(json_integer_value(json_object_get(a, "exhaustion_ns")), 9);
	assert_int_equal(json_integer_value(json_object_get(a, "covered_ns")), 3);
	assert_true(json_is_null(json_object_get(json_array_get(json_object_get(a, "burns"), 1), "rate")));
	list = json_object_get(a, "rules");
	assert_true(json_is_true(json_object_get(json_array_get(list, 0), "firing")));
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "severity")), "info");
	assert_int_equal(json_array_size(json_object_get(b, "rules")), 2);
	assert_int_equal(json_array_size(json_object_get(a, "notes")), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(a, "spends"), 0), "beside")), "v7");
	json_decref(a);
	json_decref(b);
	model_free(m);
}

/* --- odd events -------------------------------------------------------------------------------------------------------------------- */

static void
odd_times_do_no_harm(void **state)
{
	static const char *const times[] = { "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z" };
	struct model *m = new_model();

	(void)state;
	feed_defs(m, 10, DEF("a", ",'source':'none'") "," DEF("b", ""));
	for (size_t i = 0; i < COUNT(times); i++) {
		feed(m, 10, "{'event':'slos','at':'%s','every_ns':%s,'slos':[{'id':'slo:a','state':'no-data','since':'%s','at':'%s'},{'id':'slo:a'},{}]}",
		    times[i], i == 0 ? "-9223372036854775808" : "9223372036854775807", times[i], times[COUNT(times) - 1 - i]);
		feed(m, 10, "{'event':'slo-details','slos':[{},{'id':'slo:a','spends':[{}]},{'id':'slo:a'}]}");
		for (size_t j = 0; j < 3; j++) {
			char *text;

			model_advance(m, j == 0 ? INT64_MIN : j == 1 ? INT64_MAX : T(1));
			text = feed_dump(m);
			assert_non_null(text);
			free(text);
		}
		assert_int_equal(model_n_slos(m), 2);
		assert_int_equal(model_slo_find(m, "slo:a")->slo->state, SLO_NO_DATA);
	}
	model_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_for_each_definition_most_urgent_first),
		cmocka_unit_test(results_come_and_go_with_their_definition),
		cmocka_unit_test(what_was_worked_out_too_long_ago_is_stale),
		cmocka_unit_test(a_past_time_beside_the_present),
		cmocka_unit_test(alerts_are_found_by_their_labels),
		cmocka_unit_test(the_oldest_of_the_worst_alerts_stands_for_it),
		cmocka_unit_test(many_alerts_and_many_objectives),
		cmocka_unit_test(an_objective_is_a_problem_as_it_stands),
		cmocka_unit_test(a_silenced_alert_silences_its_objective),
		cmocka_unit_test(the_symptom_comes_before_the_budget),
		cmocka_unit_test(old_results_are_unknown_and_say_their_age),
		cmocka_unit_test(a_silent_source_is_said_once),
		cmocka_unit_test(the_past_has_what_was_known_and_the_newest_details),
		cmocka_unit_test(details_do_not_fill_the_ring),
		cmocka_unit_test(as_json_what_is_not_known_is_null),
		cmocka_unit_test(odd_times_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
