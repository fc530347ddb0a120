/* What --status prints of a model. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "status_parts.h"
#include "status_text.h"
#include "tests/unit/feed.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#define DEF(name, more) "{'id':'slo:" name "','name':'" name "','source':'p1','target':0.999,'period_ns':2592000000000000" more "}"
#define BURNS(name) ",'alert_labels':{'alertname':'Burn','slo':'" name "'}"
#define PAGE_ALERT(name, more) "{'name':'" name "','labels':{'alertname':'" name "','severity':'page'" more "},'state':'firing'," \
	"'since':'2030-01-01T00:00:00Z'}"

/* Objectives at T(10), seen at T(14 min); alerts: of p1. */
static struct model *
model_with(const char *defs, const char *slos, const char *alerts)
{
	struct model *m = model_new(0, 0);

	feed_environment(m, FEED_SOURCES_ALL);
	for (size_t s = 0; s < model_n_sources(m); s++)
		feed_alerts(m, 839, model_source(m, s)->name, s == 1 ? alerts : "");
	feed(m, 10, "{'event':'slo-defs','slos':[%s]}", defs);
	feed(m, 839, "{'event':'slos','at':'2030-01-01T00:13:59Z','every_ns':10000000000,'slos':[%s]}", slos);
	model_advance(m, T(840));
	return m;
}

static void
text_of(const struct model *m, struct buf *b)
{
	buf_reset(b);
	status_text(m, model_health(m), false, b);
}

static void
expect(const struct buf *b, const char *part)
{
	if (strstr(b->data, part) == NULL)
		fail_msg("no \"%s\" in:\n%s", part, b->data);
}

static void
the_first_line_sums_objectives_up(void **state)
{
	static const struct {
		const char *slos, *alerts, *begin;
	} cases[] = {
		{ "{'id':'slo:a','state':'ok','left':1},{'id':'slo:b','state':'ok','left':1}", "", "OPSCONSOLE OK: no alert fires |" },
		{ "{'id':'slo:a','state':'page','since':'2030-01-01T00:02:00Z'}", "", "OPSCONSOLE CRITICAL: 1 budget burning (page): a 12m |" },
		{ "{'id':'slo:a','state':'page'}", PAGE_ALERT("Spam", ""), "OPSCONSOLE CRITICAL: 1 page firing, 1 budget burning (page): Spam 14m, a |" },
		/* The alert says it already. */
		{ "{'id':'slo:a','state':'page'}", PAGE_ALERT("Burn", ",'slo':'a'"), "OPSCONSOLE CRITICAL: 1 page firing: Burn 14m |" },
		{ "{'id':'slo:a','state':'ticket'},{'id':'slo:b','state':'ticket'}", "", "OPSCONSOLE WARNING: 2 budgets burning: a, b |" },
		{ "{'id':'slo:a','state':'exhausted'},{'id':'slo:b','state':'no-data'}", "",
		  "OPSCONSOLE UNKNOWN: 1 budget spent, 1 not known: b, a |" },
		{ "{'id':'slo:a','state':'page'},{'id':'slo:b','state':'ticket'}", "", "OPSCONSOLE CRITICAL: 2 budgets burning (1 page): a, b | page=1;;0 ticket=1;0" },
		{ "{'id':'slo:c','state':'no-data'}", "", "OPSCONSOLE WARNING: 1 objective without data: c | page=0;;0 ticket=1;0" },
		{ "{'id':'slo:d','state':'no-data'}", PAGE_ALERT("Spam", ""),
		  "OPSCONSOLE CRITICAL: 1 page firing, 1 objective without data (page): Spam 14m, d | page=2;;0 ticket=0;0" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model *m = model_with(DEF("a", BURNS("a")) "," DEF("b", "") "," DEF("c", ",'no_data_severity':'ticket'") "," DEF("d", ",'no_data_severity':'page'"), cases[i].slos,
		    cases[i].alerts);

		text_of(m, &b);
		if (strncmp(b.data, cases[i].begin, strlen(cases[i].begin)) != 0)
			fail_msg("case %zu: %s", i, b.data);
		model_free(m);
	}
	buf_done(&b);
}

static void
a_line_for_each_objective(void **state)
{
	struct model *m = model_with("{'id':'slo:availability','name':'availability','source':'p1','target':0.999,'period_ns':43200000000000},"
	    DEF("deploys", ",'bounds':['2030-01-01T00:00:00Z','2030-02-01T00:00:00Z']") "," DEF("feedback", "") "," DEF("new", "") "," DEF("quality", ""),
	    "{'id':'slo:quality','state':'page','since':'2030-01-01T00:02:00Z','left':0.382,'burn':14.9,'exhaustion_ns':22200000000000,"
	    "'why':'burns 14.9x over 1h | 5m'},{'id':'slo:availability','state':'ok','left':0.91},{'id':'slo:feedback','state':'no-data','left':0.5},"
	    "{'id':'slo:deploys','state':'unknown','why':'p1 refuses, for a long time'}", "");
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	text_of(m, &b);
	expect(&b,
	    "slo      quality             38% left, 6h10m at 14.9x  page         12m  99.9% over 30d, burns 14.9x over 1h / 5m\n"
	    "slo      feedback            no data; 50% left         no-data        -  99.9% over 30d\n"
	    "slo      deploys             not known                 unknown        -  99.9% over the calendar month, p1 refuses, for a long time\n"
	    "slo      new                 not worked out yet        unknown        -  99.9% over 30d\n"
	    "slo      availability        91% left                  ok             -  99.9% over 12h\n");
	/* Performance data ends with the line; what is not known now is U. */
	expect(&b, " 'slo quality'=38.2%;0: 'slo feedback'=U 'slo deploys'=U 'slo new'=U 'slo availability'=91%;0:\n");
	expect(&b, "page     slo           12m  quality   38% left, 6h10m at 14.9x [p1]\n");
	model_free(m);
	buf_done(&b);
}

static void
old_results_are_not_told_as_new(void **state)
{
	struct model *m = model_with(DEF("a", ""), "{'id':'slo:a','at':'2030-01-01T00:13:59Z','state':'ok','left':0.91}", "");
	struct buf b;

	(void)state;
	model_advance(m, T(3600));
	buf_init(&b, 1 << 16);
	text_of(m, &b);
	expect(&b, " 'slo a'=U\n");
	expect(&b, "unknown        -  last worked out 46m ago");
	model_free(m);
	buf_done(&b);
}

/* --- models and hosts ------------------------------------------------------------------------------------------------------ */

#define SERVES(host, version) "{'host':'" host "','version':'" version "','at':'2030-01-01T00:14:00Z'}"

/* Models as seen at T(14 min); b has as many hosts as one line does not hold. */
static struct model *
model_with_models(void)
{
	struct model *m = model_new(0, 0);
	struct buf many;

	feed(m, 0, "{'event':'environment','name':'prod','sources':[" FEED_SOURCES_ALL ",{'name':'mlflow','type':'mlflow','interval_ns':5000000000}],"
	    "'queries':[{'id':'host:cpu','name':'cpu','source':'p1'},{'id':'online:a:auc','name':'auc','source':'p1'}],"
	    "'models':[{'id':'model:a','name':'a','registry':'mlflow','alias':'champion','serving_expr':'e','serving_source':'p1','max_age_ns':864000000000000},"
	    "{'id':'model:b','name':'b','registry':'mlflow','stage':'Production','serving_expr':'e','serving_source':'p1'},"
	    "{'id':'model:c','name':'c','registry':'mlflow','alias':'champion','serving_expr':'e','serving_source':'p1'}]}");
	for (int s = 0; s < 3; s++)
		feed_alerts(m, 840, s == 0 ? "am" : s == 1 ? "p1" : "p2", "");
	feed_ok(m, 840, "mlflow", "registry");
	feed_ok(m, 840, "p1", "targets");
	feed(m, 1, "{'event':'hosts','hosts':[{'name':'s-1'},{'name':'s-2'},{'name':'s-3'}]}");
	feed(m, 840, "{'event':'targets','source':'p1','targets':[{'instance':'s-1:80','health':'up'},{'instance':'s-3:80','health':'down','error':'refused'}]}");
	feed(m, 0, "{'event':'registry','source':'mlflow','models':[{'name':'a','aliases':[{'alias':'champion','version':'7'}],'versions':[{'version':'7',"
	    "'created':'2029-12-31T00:00:00Z'}]},{'name':'b','versions':[{'version':'1.10','stage':'Production'}]}]}");
	feed(m, 840, "{'event':'registry','source':'mlflow','models':[{'name':'a','aliases':[{'alias':'champion','version':'7'}],'versions':[{'version':'7',"
	    "'created':'2029-12-31T00:00:00Z'}]},{'name':'b','versions':[{'version':'1.10','stage':'Production'}]}]}");
	feed(m, 60, "{'event':'serving','source':'p1','model':'model:a','serving':[{'host':'s-1','version':'6'}]}");
	feed(m, 840, "{'event':'serving','source':'p1','model':'model:a','serving':[" SERVES("s-1", "6") "," SERVES("s-2", "") "," SERVES("s-3", "7") "]}");
	buf_init(&many, 10000);
	for (int i = 0; i < 12; i++)
		buf_printf(&many, "%s{'host':'w-%d','version':'%s'}", i > 0 ? "," : "", i, i % 6 == 0 ? "1.9" : "1.10");
	feed(m, 840, "{'event':'serving','source':'p1','model':'model:b','serving':[%s]}", many.data);
	feed(m, 840, "{'event':'series','source':'p1','type':'vector','query':'host:cpu','series':[{'labels':{},'samples':[[1893456840000000000,1]]}]}");
	model_advance(m, T(840));
	buf_done(&many);
	return m;
}

/* Nothing came that could be divided: that is no data, in words. */
static void
a_value_that_is_no_number_is_no_data(void **state)
{
	struct model *m = model_with("", "", "");
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	feed(m, 839, "{'event':'series','source':'p1','type':'vector','query':'query:errors','series':[{'labels':{'version':'6'},'samples':[[1893456839000000000,'NaN']]},"
	    "{'labels':{'version':'7'},'samples':[[1893456839000000000,0.433]]}]}");
	text_of(m, &b);
	expect(&b, "value    errors              6 no data (NaN), 7 43.3%\n");
	buf_done(&b);
	model_free(m);
}

static void
a_line_for_each_model(void **state)
{
	struct model *m = model_with_models();
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	text_of(m, &b);
	expect(&b, "OPSCONSOLE CRITICAL: 2 models out of step, 1 source problem, 1 not known: b 0s, a 13m, c, p1 0s | ");
	expect(&b, "model    a                   champion 7  serving 6 - 7  out of step since 13m, should serve 7, but s-1 serves 6; s-2 serves none\n"
	    "model    b                   Production 1.10  serving 1.9 x2, 1.10 x10  out of step since 0s, should serve 1.10, but 2 of 12 hosts do not: "
	    "w-0 serves 1.9, w-6 serves 1.9\n"
	    "model    c                   champion -  serving -  unknown, nobody has told yet who serves it\n");
	expect(&b, "page     model         13m  a   should serve 7, but s-1 serves 6; s-2 serves none [mlflow and p1]\n");
	expect(&b, " 'model a'=2;;0;0;3 'model age a'=87240s;864000 'model b'=2;;0;0;12 'model c'=U\n");
	model_free(m);
	buf_done(&b);
}

/* What is well is counted: the status is read for what is not. */
static void
a_line_for_each_host_with_something_wrong(void **state)
{
	struct model *m = model_with_models();
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	text_of(m, &b);
	expect(&b,
	    "host     s-1                 up, a 6 out of step\n"
	    "host     s-2                 unknown, a not served\n"
	    "host     s-3                 down, a 7: refused\n"
	    "host     w-0                 unknown, b 1.9 out of step\n"
	    "host     w-1                 unknown, b 1.10\n"
	    "host     w-2                 unknown, b 1.10\n"
	    "host     w-3                 unknown, b 1.10\n"
	    "host     w-4                 unknown, b 1.10\n"
	    "host     w-6                 unknown, b 1.9 out of step\n"
	    "host     and 6 more unknown\n"
	    "hosts    15: 1 up, 1 down, 13 unknown\n");
	/* Values of many things stand with those things. */
	assert_null(strstr(b.data, "cpu"));
	assert_null(strstr(b.data, "auc"));
	model_free(m);
	buf_done(&b);
}

#define DRIFT_DEF(name, more) "{'id':'drift:m:" name "','model':'model:m','name':'" name "','source':'p1','profile':'p','window_ns':1,'severity':'ticket'" more "}"

static struct model *
model_with_drift(const char *defs, const char *drifts, const char *alerts)
{
	struct model *m = model_with("", "", alerts);

	feed(m, 839, "{'event':'drift-defs','confidence':0.95,'fdr':0.05,'drifts':[%s]}", defs);
	feed(m, 839, "{'event':'drifts','at':'2030-01-01T00:13:59Z','drifts':[%s]}", drifts);
	return m;
}

static void
drift_has_counts_and_a_line_where_it_is_not_steady(void **state)
{
	struct model *m = model_with_drift(DRIFT_DEF("url_count", "") "," DRIFT_DEF("score", ",'kind':'prediction','severity':'page'") ","
	    DRIFT_DEF("caps", "") "," DRIFT_DEF("lang", "") "," DRIFT_DEF("new", "") "," DRIFT_DEF("fine", "") "," DRIFT_DEF("old", ""),
	    "{'id':'drift:m:url_count','state':'drifted','since':'2030-01-01T00:02:00Z','why':'PSI 0.41 | noise 0.06','against':'training profile of version 6'},"
	    "{'id':'drift:m:score','state':'drifted'},{'id':'drift:m:caps','state':'moving','why':'PSI 0.2'},{'id':'drift:m:lang','state':'few'},"
	    "{'id':'drift:m:fine','state':'steady','why':'not told'},{'id':'drift:m:old','state':'steady','at':'2030-01-01T00:00:10Z','why':'was fine'}", "");
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	text_of(m, &b);
	expect(&b, "OPSCONSOLE CRITICAL: 2 drifted (1 page), 1 not known: score, old, url_count 12m | page=1;;0 ticket=1;0");
	expect(&b, " drifted=2;0 'drift moving'=1 'drift unknown'=3 'drift steady'=1;;;0;7\n");
	expect(&b, "page     drift           -  score      m prediction: drifted [p1]\n");
	expect(&b,
	    "drift    score               drifted              -  m prediction\n"
	    "drift    url_count           drifted            12m  m feature against training profile of version 6: PSI 0.41 / noise 0.06\n"
	    "drift    caps                moving               -  m feature: PSI 0.2\n"
	    "drift    new                 unknown              -  m feature, not worked out yet\n"
	    "drift    old                 unknown              -  m feature, last worked out 13m ago; then: was fine\n"
	    "drift    lang                not enough data      -  m feature\n"
	    "drift    7: 2 drifted, 1 moving, 2 unknown, 1 not enough data, 1 steady\n");
	assert_null(strstr(b.data, "not told"));
	model_free(m);
	/* None are looked at. */
	m = model_with_drift("", "", "");
	text_of(m, &b);
	assert_null(strstr(b.data, "drift"));
	model_free(m);
	/* An alert tells of it. */
	m = model_with_drift(DRIFT_DEF("a", ""), "{'id':'drift:m:a','state':'drifted'}", PAGE_ALERT("Drift", ",'feature':'a'"));
	text_of(m, &b);
	expect(&b, "OPSCONSOLE CRITICAL: 1 page firing: Drift 14m | page=1;;0 ticket=0;0");
	model_free(m);
	buf_done(&b);
}

/* A thousand that cannot be seen do not make a page of a thousand lines. */
static void
many_drifts_are_cut_short(void **state)
{
	enum { N = 60 };
	struct buf b, defs, drifts;
	struct model *m;
	size_t n_lines = 0;

	(void)state;
	buf_init(&b, 1 << 16);
	buf_init(&defs, 1 << 16);
	buf_init(&drifts, 1 << 16);
	for (int i = 0; i < N; i++) {
		buf_printf(&defs, "%s{'id':'%d','model':'m','name':'%d','profile':'p','window_ns':1}", i > 0 ? "," : "", i, i);
		buf_printf(&drifts, "%s{'id':'%d','state':'few'}", i > 0 ? "," : "", i);
	}
	m = model_with_drift(defs.data, drifts.data, "");
	text_of(m, &b);
	for (const char *p = b.data; (p = strstr(p, "\ndrift  ")) != NULL; p++)
		n_lines++;
	assert_int_equal(n_lines, 52);
	expect(&b, "drift    and 10 more that are not steady\ndrift    60: 60 not enough data\n");
	model_free(m);
	buf_done(&b);
	buf_done(&defs);
	buf_done(&drifts);
}

/* Names and reasons are the outside's: they end neither a label, nor the line, nor the first line's text. */
static void
text_of_outside_is_harmless(void **state)
{
	struct model *m = model_with("{'id':'slo:a','name':'a\\u0027=|\\u001b[1m','target':0.5,'period_ns':1}",
	    "{'id':'slo:a','state':'unknown','why':'one\\ntwo | \\u001b[2J'}", "");
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	text_of(m, &b);
	assert_null(strchr(b.data, '\x1b'));
	expect(&b, " 'slo a____[1m'=U\n");
	expect(&b, "one\\ntwo / ");
	assert_ptr_equal(strchr(b.data, '|'), strrchr(b.data, '|'));
	model_free(m);
	buf_done(&b);
}

/* Of stores that do not answer nothing is known, which is not the same as no errors. */
static void
errors_of_logs_by_service(void **state)
{
	struct model *m = model_new(0, 0);
	struct buf b;
	json_t *json;

	(void)state;
	buf_init(&b, 1 << 20);
	feed_environment(m, "{'name':'loki','type':'loki','url':'http://l','interval_ns':1000000000},"
	    "{'name':'journal','type':'journald','url':'http://j','interval_ns':1000000000}");
	text_of(m, &b);
	assert_null(strstr(b.data, "log errors"));
	feed(m, 839, "{'event':'log-view','query':'','n':3,'n_of':3,'services':[{'name':'rank|er','errors':12,'lines':340},{'name':'','errors':1,'lines':1},"
	    "{'name':'web','errors':0,'lines':9000}]}");
	model_advance(m, T(840));
	text_of(m, &b);
	expect(&b, " 'log errors'=U;;;0");
	expect(&b, "log      unknown: no store of lines answers\n");
	json = status_logs_json(m);
	assert_true(json_is_null(json_object_get(json, "errors")));
	json_decref(json);
	feed_ok(m, 839, "loki", "logs:app");
	model_advance(m, T(840));
	text_of(m, &b);
	expect(&b, " 'log errors'=13;;;0");
	expect(&b, "log      rank/er             12 error lines of 340 in 5m\n");
	expect(&b, "log      (no service)        1 error line of 1 in 5m\n");
	expect(&b, "log      9341: 13 of them errors, of 3 services in 5m; 1 of 2 stores do not answer\n");
	json = status_logs_json(m);
	assert_int_equal(json_integer_value(json_object_get(json, "errors")), 13);
	assert_int_equal(json_array_size(json_object_get(json, "services")), 3);
	assert_true(json_is_false(json_object_get(json, "least")));
	json_decref(json);
	/* More than was told, and not all of it counted. */
	feed(m, 839, "{'event':'log-view','query':'','n':3,'n_of':3,'least':true,'services':[{'name':'web','errors':2,'lines':5000}]}");
	text_of(m, &b);
	expect(&b, "log      web                 2 error lines or more of 5000 or more in 5m\n");
	expect(&b, "log      5000 or more: 2 or more of them errors, of 1 service in 5m;");
	json = status_logs_json(m);
	assert_true(json_is_true(json_object_get(json, "least")));
	json_decref(json);
	buf_done(&b);
	model_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_line_sums_objectives_up),
		cmocka_unit_test(drift_has_counts_and_a_line_where_it_is_not_steady),
		cmocka_unit_test(many_drifts_are_cut_short),
		cmocka_unit_test(a_line_for_each_objective),
		cmocka_unit_test(old_results_are_not_told_as_new),
		cmocka_unit_test(a_value_that_is_no_number_is_no_data),
		cmocka_unit_test(a_line_for_each_model),
		cmocka_unit_test(a_line_for_each_host_with_something_wrong),
		cmocka_unit_test(errors_of_logs_by_service),
		cmocka_unit_test(text_of_outside_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
