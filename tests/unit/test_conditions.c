/* Conditions: what holds, what does not, and what nobody can know. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "fakes/fake_world.h"
#include "runbook/condition.h"
#include "tests/unit/models_world.h"

#define UP "up{job=\"serving\"}"
#define TIMES "timestamp(" UP ")"
#define S0 1893456000		/* T0 in seconds */

static struct test_values values = { { "model", "to" }, { "spam", "6" } };

static struct condition
up(void)
{
	return (struct condition){ .kind = COND_PROMQL, .subject = tpl(UP, PLACE_PROMQL), .compare = CMP_EQ, .number = 1 };
}

static void
judge(struct condition *c, int64_t since_ns)
{
	struct bindings b = world_bindings(&values, NULL);

	world_judge(c, &b, since_ns);
}

static void
assert_judged(enum outcome outcome, const char *text)
{
	assert_string_equal(judged.text, text);
	assert_int_equal(judged.outcome, outcome);
}

/* --- series: pure ------------------------------------------------------------------------------- */

static void
test_selectors(void **state)
{
	static const struct { const char *expr, *selector; } cases[] = {
		{ "up", "up" }, { " up{job=\"x\"} ", "up{job=\"x\"}" }, { "{__name__=\"up\"}", "{__name__=\"up\"}" }, { "a:b{c=\"}\"}", "a:b{c=\"}\"}" },
		{ "up{a='\\'}'}", "up{a='\\'}'}" }, { "up == 1", "up" }, { "up{a=\"b\"}==1.5e3", "up{a=\"b\"}" }, { "up != 0 ", "up" }, { "up {a=\"b\"} > -1", "up {a=\"b\"}" },
		{ "up{a=\"b\"", "" }, { "rate(up[5m])", "" }, { "up == bool 1", "" }, { "up == 1 or b", "" }, { "up == b", "" }, { "up[5m]", "" }, { "sum(up)", "" },
		{ "", "" }, { "1", "" }, { "up offset 5m", "" }, { "Inf", "" }, { "up{a=\"b\"} + 1", "" }, { "== 1", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *begin = "";
		size_t len = promql_selector(cases[i].expr, &begin);

		if (len != strlen(cases[i].selector) || strncmp(begin, cases[i].selector, len) != 0)
			fail_msg("%s: %.*s", cases[i].expr, (int)len, begin);
	}
}

struct look_case {
	const char *series;
	enum compare compare;
	double number;
	const char *label, *expect, *by;
	bool is_any;
	enum outcome outcome;
	const char *text, *failed, *unknown;
};
static const struct look_case looks[] = {
	{ "instance=web-01:9 1\ninstance=web-02:9 1\ninstance=web-03:9 1", CMP_EQ, 1, NULL, NULL, NULL, false, OUTCOME_OK, "3 of 3 series == 1", "", "" },
	{ "instance=web-01:9 1\ninstance=web-02:9 0\ninstance=web-03:9 1", CMP_EQ, 1, NULL, NULL, NULL, false, OUTCOME_FAILED, "web-02:9: 0, not == 1", "", "" },
	{ "instance=web-01:9 1\ninstance=web-02:9 0\ninstance=web-03:9 1", CMP_EQ, 1, NULL, NULL, NULL, true, OUTCOME_OK, "2 of 3 series == 1", "", "" },
	{ "instance=web-01:9 0", CMP_EQ, 1, NULL, NULL, NULL, true, OUTCOME_FAILED, "web-01:9: 0, not == 1", "", "" },
	{ "", CMP_EQ, 1, NULL, NULL, NULL, false, OUTCOME_UNKNOWN, "no series: nothing to judge by", "", "" },
	{ "", CMP_EQ, 1, NULL, NULL, NULL, true, OUTCOME_UNKNOWN, "no series: nothing to judge by", "", "" },
	{ "instance=web-01:9 1\ninstance=web-02:9 1", CMP_EQ, 1, NULL, NULL, NULL, false, OUTCOME_UNKNOWN, "2 series for 3 hosts", "", "" },
	{ "instance=web-01:9 nan", CMP_LT, 1, NULL, NULL, NULL, true, OUTCOME_UNKNOWN, "1 of 1 series have nothing that could be compared", "", "" },
	{ "instance=web-01:9 nan", CMP_NE, 1, NULL, NULL, NULL, true, OUTCOME_UNKNOWN, "1 of 1 series have nothing that could be compared", "", "" },
	/* By host: other hosts do not count, missing ones are unknown. */
	{ "instance=web-01:9 1\ninstance=web-02:9 1\ninstance=web-03:9 1\ninstance=db-1 0", CMP_EQ, 1, NULL, NULL, "instance", false, OUTCOME_OK,
	    "3 of 3 hosts == 1", "", "" },
	{ "instance=web-01:9 1\ninstance=web-03:9 1", CMP_EQ, 1, NULL, NULL, "instance", false, OUTCOME_UNKNOWN, "web-02: no series: nothing to judge by",
	    "web-02", "web-02" },
	{ "instance=web-01:9 1\ninstance=web-03:9 0", CMP_EQ, 1, NULL, NULL, "instance", false, OUTCOME_FAILED, "web-03: 0, not == 1", "web-02 web-03",
	    "web-02" },
	{ "instance=web-01:9,d=a 0\ninstance=web-01:9,d=b 1\ninstance=web-02 1\ninstance=web-03 1", CMP_EQ, 1, NULL, NULL, "instance", true, OUTCOME_OK,
	    "3 of 3 hosts == 1", "", "" },
	/* A label's value; a series of value 0 says that it is not so. */
	{ "i=a,version=6 1\ni=b,version=6 1\ni=c,version=6 1\ni=a,version=7 0", CMP_EQ, 0, "version", "6", NULL, false, OUTCOME_OK,
	    "3 of 3 series version == 6", "", "" },
	{ "instance=a,version=6 1\ninstance=b,version=7 1\ninstance=c,version=6 1", CMP_EQ, 0, "version", "6", NULL, false, OUTCOME_FAILED,
	    "b: 7, not version == 6", "", "" },
	{ "i=a 1\ni=b,version=6 1\ni=c,version=6 1", CMP_EQ, 0, "version", "6", NULL, false, OUTCOME_UNKNOWN,
	    "1 of 3 series have nothing that could be compared", "", "" },
	{ "i=a,version=1.10 1\ni=b,version=1.10 1\ni=c,version=1.10 1", CMP_EQ, 0, "version", "1.1", NULL, true, OUTCOME_FAILED,
	    "it: 1.10, not version == 1.1", "", "" },
	{ "i=a,version=6 1\ni=b,version=6 1\ni=c,version=6 1", CMP_NE, 0, "version", "7", NULL, false, OUTCOME_OK, "3 of 3 series version != 7", "", "" },
};

static void
test_looks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
		const struct look_case *l = &looks[i];
		struct condition c = { .kind = COND_PROMQL, .subject = tpl(UP, PLACE_PROMQL), .compare = l->compare, .number = l->number, .is_any = l->is_any,
			.label = (char *)l->label, .expect = l->expect != NULL ? tpl(l->expect, PLACE_WORD) : NULL, .host_label = (char *)l->by };

		world_series(UP, l->series, NULL);
		judge(&c, 0);
		assert_judged(l->outcome, l->text);
		assert_string_equal(judged.failed, l->failed);
		assert_string_equal(judged.unknown, l->unknown);
	}
}

static void
test_comparisons(void **state)
{
	static const struct { enum compare how; bool below, equal, above; } cases[] = {
		{ CMP_EQ, false, true, false }, { CMP_NE, true, false, true }, { CMP_LT, true, false, false }, { CMP_LE, true, true, false },
		{ CMP_GT, false, false, true }, { CMP_GE, false, true, true },
	};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(compare_numbers(cases[i].how, 1, 2), cases[i].below);
		assert_int_equal(compare_numbers(cases[i].how, 2, 2), cases[i].equal);
		assert_int_equal(compare_numbers(cases[i].how, 3, 2), cases[i].above);
	}
}

/* Of a sum there is one series for all hosts, and that is right. */
static void
test_sums_are_one_series(void **state)
{
	struct condition c = { .kind = COND_PROMQL, .subject = tpl("sum(rate(errors[5m]))", PLACE_PROMQL), .compare = CMP_LT, .number = 5 };

	(void)state;
	world_series("sum(rate(errors[5m]))", "x=y 2", NULL);
	judge(&c, 0);
	assert_judged(OUTCOME_OK, "1 of 1 series < 5");
}

static void
test_source_down(void **state)
{
	struct condition c = up();

	(void)state;
	world_series(UP, NULL, "prom: connection refused");
	judge(&c, 0);
	assert_judged(OUTCOME_UNKNOWN, "prom: connection refused");
}

/* Hosts whose label is an address, as the config has it. */
static void
test_hosts_by_address(void **state)
{
	struct condition c = up();
	struct bindings b = world_bindings(&values, NULL);
	static const char *const hosts[] = { "s-1", NULL };

	(void)state;
	feed(live, 0, "{'event':'hosts','hosts':[{'name':'s-1','groups':['serving'],'address':'10.0.0.7'}]}");
	model_advance(live, T(0));
	c.host_label = (char *)"instance";
	b.hosts = hosts;
	world_series(UP, "instance=10.0.0.7:9100 1\ninstance=10.0.0.77:9100 0", NULL);
	world_judge(&c, &b, 0);
	assert_judged(OUTCOME_OK, "1 of 1 hosts == 1");
}

static void
test_per_host(void **state)
{
	struct test_values v = { { "host" }, { "web-02" } };
	struct bindings b = world_bindings(&v, "web-02");
	struct condition c = { .kind = COND_PROMQL, .subject = tpl("up{instance=\"${host}\"}", PLACE_PROMQL), .compare = CMP_EQ, .number = 1, .is_per_host = true };

	(void)state;
	world_series("up{instance=\"web-02\"}", "instance=web-02 0", NULL);
	world_judge(&c, &b, 0);
	assert_judged(OUTCOME_FAILED, "web-02: 0, not == 1");
	assert_string_equal(judged.failed, "web-02");
}

static void
test_unknown_variable(void **state)
{
	struct condition c = { .kind = COND_PROMQL, .subject = tpl("up{a=\"${nothing}\"}", PLACE_PROMQL), .number = 1 };

	(void)state;
	judge(&c, 0);
	assert_int_equal(judged.outcome, OUTCOME_UNKNOWN);
	assert_non_null(strstr(judged.text, "nothing"));
}

/* --- time ---------------------------------------------------------------------------------------- */

static int64_t since_ns;
static unsigned good_after;		/* seconds after T0 */

/* A scrape every 15 s; after good_after it is good. */
static void
scrape(void)
{
	int64_t now_s = clock_now() / NS_PER_S - S0, last = now_s / 15 * 15;
	char *values_now = xasprintf("instance=web-01 %d\ninstance=web-02 1\ninstance=web-03 1", last >= (int64_t)good_after);
	char *times = xasprintf("instance=web-01 %lld\ninstance=web-02 %lld\ninstance=web-03 %lld", (long long)(S0 + last), (long long)(S0 + last),
	    (long long)(S0 + last));

	world_series(UP, values_now, NULL);
	world_series(TIMES, times, NULL);
	free(values_now);
	free(times);
}

/* At second 20 something is done; the sample of second 15 still says that all is well, and is no proof. */
static void
test_old_evidence_is_no_proof(void **state)
{
	struct condition c = up();

	(void)state;
	good_after = 0;
	world_freeze(T(20));
	since_ns = clock_now();
	world_tick = scrape;
	scrape();
	judge(&c, since_ns);
	assert_judged(OUTCOME_OK, "3 of 3 series == 1");
	assert_true(clock_now() >= T(30));
	assert_true(judged.n_progress > 0);
}

static void
test_never_any_news(void **state)
{
	struct condition c = up();

	(void)state;
	world_freeze(T(20));
	world_series(UP, "instance=web-01 1\ninstance=web-02 1\ninstance=web-03 1", NULL);
	world_series(TIMES, "instance=web-01 1893456015\ninstance=web-02 1893456015\ninstance=web-03 1893456015", NULL);
	judge(&c, clock_now());
	assert_judged(OUTCOME_UNKNOWN, "no data since 00:00:15Z");
	assert_true(clock_now() >= T(20) + JUDGE_FRESH_NS - 3 * NS_PER_S);
}

/* Prometheus has not seen the old version's series go, and shows it still: the scrape that told of the new one did not have it. */
static void
test_series_that_are_gone(void **state)
{
	static const char *const hosts[] = { "web-01", NULL };
	struct bindings b = world_bindings(&values, NULL);
	struct condition c = { .kind = COND_PROMQL, .subject = tpl("served{} == 1", PLACE_PROMQL), .label = (char *)"version", .expect = tpl("6", PLACE_WORD),
		.host_label = (char *)"instance" };

	(void)state;
	b.hosts = hosts;
	world_freeze(T(20));
	world_series("served{} == 1", "instance=web-01,job=j,version=6 1\ninstance=web-01,job=j,version=7 1", NULL);
	world_series("timestamp(served{})", "instance=web-01,job=j,version=6 1893456030\ninstance=web-01,job=j,version=7 1893456010", NULL);
	world_judge(&c, &b, clock_now());
	assert_judged(OUTCOME_OK, "1 of 1 hosts version == 6");
	/* Another job's may be scraped more rarely: there it is only old. */
	world_series("served{} == 1", "instance=web-01,job=j,version=6 1\ninstance=web-01,job=k,version=7 1", NULL);
	world_series("timestamp(served{})", "instance=web-01,job=j,version=6 1893456090\ninstance=web-01,job=k,version=7 1893456010", NULL);
	world_judge(&c, &b, T(20));
	assert_int_equal(judged.outcome, OUTCOME_UNKNOWN);
}

/* One sample's time that is not told is not taken as now. */
static void
test_time_not_told(void **state)
{
	struct condition c = up();

	(void)state;
	world_freeze(T(20));
	world_series(UP, "instance=web-01 1\ninstance=web-02 1\ninstance=web-03 1", NULL);
	world_series(TIMES, "instance=web-01 1893456099\ninstance=web-02 1893456099", NULL);
	judge(&c, clock_now());
	assert_int_equal(judged.outcome, OUTCOME_UNKNOWN);
}

/* A fresh failure is a failure at once where it is looked at once, and is asked again within its time. */
static void
test_within(void **state)
{
	struct condition c = up();

	(void)state;
	good_after = 60;
	world_freeze(T(0));
	world_tick = scrape;
	scrape();
	judge(&c, 0);
	assert_judged(OUTCOME_FAILED, "web-01: 0, not == 1");
	assert_true(clock_now() < T(5));
	c.within_ns = 90 * NS_PER_S;
	judge(&c, 0);
	assert_int_equal(judged.outcome, OUTCOME_OK);
	assert_true(clock_now() >= T(60) && clock_now() < T(70));
	good_after = 100000;
	c.within_ns = 30 * NS_PER_S;
	judge(&c, 0);
	assert_judged(OUTCOME_FAILED, "web-01: 0, not == 1");
}

static void
test_settle(void **state)
{
	struct condition c = up();

	(void)state;
	good_after = 0;
	world_freeze(T(0));
	world_tick = scrape;
	scrape();
	c.settle_ns = 40 * NS_PER_S;
	judge(&c, T(0));
	assert_int_equal(judged.outcome, OUTCOME_OK);
	assert_true(clock_now() >= T(45));
}

/* The server's clock is 100 s ahead: its newest sample looks newer than our act, and is older. */
static void
test_clock_skew(void **state)
{
	struct condition c = up();

	(void)state;
	world_freeze(T(20));
	feed(live, 19, "{'event':'environment','name':'prod','sources':[{'name':'prom','type':'prometheus','interval_ns':5000000000}]}");
	feed(live, 19, "{'event':'source-report','source':'prom','what':'alerts','ok':true,'skew_ns':100000000000}");
	world_series(UP, "instance=web-01 1\ninstance=web-02 1\ninstance=web-03 1", NULL);
	world_series(TIMES, "instance=web-01 1893456115\ninstance=web-02 1893456115\ninstance=web-03 1893456115", NULL);
	judge(&c, clock_now());
	assert_int_equal(judged.outcome, OUTCOME_UNKNOWN);
}

static void
test_free_while_asking(void **state)
{
	struct condition c = up();
	struct bindings b = world_bindings(&values, NULL);
	struct judging *j;

	(void)state;
	judged = (struct judged){ 0 };
	world_series(UP, "instance=a 1", NULL);
	world_series(TIMES, "instance=a 1", NULL);
	j = judge_begin(&world, &c, &b, clock_now() - 1, 0, NULL, NULL, NULL);
	world_turns(1);
	judge_free(j);
	world_turns(3);
	judge_free(NULL);
}

/* --- the model -------------------------------------------------------------------------------------- */

#define ALERT(state) "{'name':'Spam','labels':{'alertname':'Spam'},'state':'" state "','since':'2030-01-01T00:00:00Z'}"

static struct condition
alert_is(const char *what)
{
	return (struct condition){ .kind = COND_ALERT, .subject = tpl("Spam", PLACE_WORD), .expect = tpl(what, PLACE_WORD) };
}

static enum outcome
now(struct condition *c, char *why, size_t size)
{
	struct bindings b = world_bindings(&values, NULL);
	enum outcome o = OUTCOME_NONE;
	struct err err = ERR_INIT;

	assert_int_equal(judge_now(&world, c, &b, &o, &err), 0);
	snprintf(why, size, "%s", err.msg);
	return o;
}

static void
test_alerts(void **state)
{
	struct condition firing = alert_is("firing"), resolved = alert_is("resolved");
	char why[512];

	(void)state;
	assert_int_equal(now(&resolved, why, sizeof why), OUTCOME_UNKNOWN);
	feed_environment(live, FEED_SOURCES_ALL);
	assert_int_equal(now(&resolved, why, sizeof why), OUTCOME_UNKNOWN);
	feed_rest(live, 1);
	model_advance(live, T(1));
	assert_int_equal(now(&resolved, why, sizeof why), OUTCOME_OK);
	assert_int_equal(now(&firing, why, sizeof why), OUTCOME_FAILED);
	assert_string_equal(why, "alert Spam is not firing");
	feed_alerts(live, 2, "p1", ALERT("pending"));
	model_advance(live, T(2));
	assert_int_equal(now(&resolved, why, sizeof why), OUTCOME_OK);
	feed_alerts(live, 3, "p1", ALERT("firing"));
	model_advance(live, T(3));
	assert_int_equal(now(&resolved, why, sizeof why), OUTCOME_FAILED);
	assert_int_equal(now(&firing, why, sizeof why), OUTCOME_OK);
	/* Nobody is heard any more: what was is not what is. */
	model_advance(live, T(300));
	assert_int_equal(now(&resolved, why, sizeof why), OUTCOME_UNKNOWN);
	assert_int_equal(now(&firing, why, sizeof why), OUTCOME_UNKNOWN);
}

/* One source is silent: what it knows could be the alert. */
static void
test_alerts_of_a_silent_source(void **state)
{
	struct condition resolved = alert_is("resolved");
	char why[512];

	(void)state;
	feed_environment(live, FEED_SOURCES_ALL);
	feed_rest(live, 1);
	feed_failed(live, 100, "p1", "alerts", "down");
	feed_alerts(live, 100, "am", "");
	feed_alerts(live, 100, "p2", "");
	model_advance(live, T(101));
	assert_int_equal(now(&resolved, why, sizeof why), OUTCOME_UNKNOWN);
	assert_string_equal(why, "p1 has not told of alerts since");
}

static void
poll_alerts(void)
{
	double s = (double)(clock_now() - T0) / 1e9;

	if (n_polls > 0)
		feed_rest(live, s);
	model_advance(live, clock_now());
}

static void
test_alert_after_an_act(void **state)
{
	struct condition resolved = alert_is("resolved");

	(void)state;
	feed_environment(live, FEED_SOURCES_ALL);
	feed_rest(live, 10);
	world_freeze(T(11));
	model_advance(live, T(11));
	resolved.settle_ns = 5 * NS_PER_S;
	world_tick = poll_alerts;
	judge(&resolved, T(11));
	assert_judged(OUTCOME_OK, "alert Spam is not firing");
	assert_true(clock_now() > T(16));
	assert_string_equal(last_poll, "alerts");
}

static struct bindings
spam_hosts(void)
{
	static const char *const hosts[] = { "s-1", "s-2", "s-10", NULL };
	struct bindings b = world_bindings(&values, NULL);

	b.hosts = hosts;
	return b;
}

static void
test_served(void **state)
{
	struct condition c = { .kind = COND_SERVED, .subject = tpl("${model}", PLACE_WORD), .expect = tpl("${to}", PLACE_WORD) };
	struct bindings b = spam_hosts();

	(void)state;
	model_free(live);
	live = new_model();
	all_at(live, 1, "7", "s-1=6 s-2=6 s-10=6");
	world_judge(&c, &b, 0);
	assert_judged(OUTCOME_OK, "3 of 3 hosts serve 6");
	all_at(live, 2, "7", "s-1=6 s-2=7 s-10=6");
	world_judge(&c, &b, 0);
	assert_int_equal(judged.outcome, OUTCOME_FAILED);
	assert_memory_equal(judged.text, "s-2 serves 7 (as of 00:00:02Z)", 30);
	assert_string_equal(judged.failed, "s-2");
	all_at(live, 3, "7", "s-1=6 s-10=6");
	world_judge(&c, &b, 0);
	assert_int_equal(judged.outcome, OUTCOME_UNKNOWN);
	assert_string_equal(judged.unknown, "s-2");
	all_at(live, 4, "7", "s-1=6 s-2! s-10=6");
	world_judge(&c, &b, 0);
	assert_int_equal(judged.outcome, OUTCOME_UNKNOWN);
	/* One that serves both, serves the other too. */
	all_at(live, 5, "7", "s-1=6 s-2=6 s-2=7 s-10=6");
	world_judge(&c, &b, 0);
	assert_int_equal(judged.outcome, OUTCOME_FAILED);
}

static void
test_served_must_be_news(void **state)
{
	struct condition c = { .kind = COND_SERVED, .subject = tpl("spam", PLACE_WORD), .expect = tpl("6", PLACE_WORD) };
	struct bindings b = spam_hosts();

	(void)state;
	model_free(live);
	live = new_model();
	all_at(live, 10, "7", "s-1=6 s-2=6 s-10=6");
	/* Series tell of it, so these are asked: what the model was told at second 10 proves nothing of an act at 11. */
	world_freeze(T(11));
	world_series("e", "instance=s-1:9,version=6 1\ninstance=s-2:9,version=6 1\ninstance=s-10:9,version=6 1\ninstance=s-2:9,version=7 0", NULL);
	world_series("timestamp(e)", "instance=s-1:9,version=6 1893456010\ninstance=s-2:9,version=6 1893456010\ninstance=s-10:9,version=6 1893456010", NULL);
	world_judge(&c, &b, T(11));
	assert_judged(OUTCOME_UNKNOWN, "s-1: no data since 00:00:10Z");
	assert_string_equal(judged.unknown, "s-1 s-2 s-10");
	assert_string_equal(last_poll, "serving");
	world_series("timestamp(e)", "instance=s-1:9,version=6 1893456212\ninstance=s-2:9,version=6 1893456212\ninstance=s-10:9,version=6 1893456212", NULL);
	world_judge(&c, &b, T(11));
	assert_judged(OUTCOME_OK, "3 of 3 hosts serve 6");
	world_series("e", "instance=s-1:9,version=6 1\ninstance=s-2:9,version=7 1\ninstance=s-10:9,version=6 1", NULL);
	world_series("timestamp(e)", "instance=s-1:9,version=6 1893456212\ninstance=s-2:9,version=7 1893456212\ninstance=s-10:9,version=6 1893456212", NULL);
	world_judge(&c, &b, T(11));
	assert_judged(OUTCOME_FAILED, "s-2 serves 7");
	assert_string_equal(judged.failed, "s-2");
	c.subject = tpl("other", PLACE_WORD);
	world_judge(&c, &b, 0);
	assert_judged(OUTCOME_UNKNOWN, "nobody tells who serves other");
}

#define SLO_AT(state, left) "{'id':'slo:latency','state':'" state "','at':'2030-01-01T00:00:10Z','left':" left "}"

static void
feed_slo(double seconds, const char *slo)
{
	feed(live, seconds, "{'event':'slo-defs','slos':[{'id':'slo:latency','name':'latency','source':'p1','target':0.99,'period_ns':2592000000000000}]}");
	feed(live, seconds, "{'event':'slos','at':'2030-01-01T00:00:10Z','every_ns':10000000000,'slos':[%s]}", slo);
	model_advance(live, T(seconds));
}

static void
test_slo(void **state)
{
	struct condition ok = { .kind = COND_SLO, .subject = tpl("latency", PLACE_WORD), .expect = tpl("ok", PLACE_WORD) };
	struct condition quiet = { .kind = COND_SLO, .subject = tpl("latency", PLACE_WORD), .expect = tpl("not-firing", PLACE_WORD) };
	struct condition left = { .kind = COND_SLO, .subject = tpl("latency", PLACE_WORD), .compare = CMP_GT, .number = 0.1 };
	char why[512];

	(void)state;
	feed_environment(live, FEED_SOURCES_ALL);
	feed_slo(10, SLO_AT("ok", "0.5"));
	assert_int_equal(now(&ok, why, sizeof why), OUTCOME_OK);
	assert_int_equal(now(&quiet, why, sizeof why), OUTCOME_OK);
	assert_int_equal(now(&left, why, sizeof why), OUTCOME_OK);
	feed_slo(10, SLO_AT("exhausted", "0.05"));
	assert_int_equal(now(&ok, why, sizeof why), OUTCOME_FAILED);
	assert_int_equal(now(&quiet, why, sizeof why), OUTCOME_OK);
	assert_int_equal(now(&left, why, sizeof why), OUTCOME_FAILED);
	feed_slo(10, SLO_AT("page", "0.5"));
	assert_int_equal(now(&quiet, why, sizeof why), OUTCOME_FAILED);
	feed_slo(10, SLO_AT("no-data", "0.5"));
	assert_int_equal(now(&left, why, sizeof why), OUTCOME_UNKNOWN);
	/* Too old to judge by. */
	feed_slo(10, SLO_AT("ok", "0.5"));
	model_advance(live, T(500));
	assert_int_equal(now(&ok, why, sizeof why), OUTCOME_UNKNOWN);
}

#define DRIFT_DEF(name) "{'id':'drift:spam:" name "','model':'model:spam','name':'" name "','source':'p1','metric':'m','profile':'tag:p','window_ns':3600000000000," \
	"'effect':0.1,'min_n':100}"

/* Worked out at T(10), every 10 s. */
static void
feed_drift(double seconds, const char *url, const char *lang)
{
	feed(live, seconds, "{'event':'drift-defs','confidence':0.95,'fdr':0.05,'drifts':[" DRIFT_DEF("url") "," DRIFT_DEF("lang") "]}");
	feed(live, seconds, "{'event':'drifts','at':'2030-01-01T00:00:10Z','every_ns':10000000000,'drifts':[{'id':'drift:spam:url','state':'%s','why':'url is %s',"
	    "'at':'2030-01-01T00:00:10Z'},{'id':'drift:spam:lang','state':'%s','why':'lang is %s','at':'2030-01-01T00:00:10Z'}]}", url, url, lang, lang);
	model_advance(live, T(seconds));
}

static void
test_drift(void **state)
{
	static const struct { const char *url, *lang; enum outcome steady, not_drifted; const char *why; } cases[] = {
		{ "steady", "steady", OUTCOME_OK, OUTCOME_OK, "2 of 2 of spam steady" },
		{ "steady", "moving", OUTCOME_FAILED, OUTCOME_OK, "lang of spam: lang is moving" },
		{ "drifted", "moving", OUTCOME_FAILED, OUTCOME_FAILED, "url of spam: url is drifted" },
		{ "unknown", "drifted", OUTCOME_FAILED, OUTCOME_FAILED, "lang of spam: lang is drifted" },
		{ "steady", "unknown", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, "lang of spam: lang is unknown" },
		{ "few", "steady", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, "url of spam: url is few" },
	};
	struct condition steady = { .kind = COND_DRIFT, .subject = tpl("${model}", PLACE_WORD), .expect = tpl("steady", PLACE_WORD) };
	struct condition not_drifted = { .kind = COND_DRIFT, .subject = tpl("spam", PLACE_WORD), .expect = tpl("not-drifted", PLACE_WORD) };
	struct bindings b = spam_hosts();

	(void)state;
	feed_environment(live, FEED_SOURCES_ALL);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		feed_drift(10, cases[i].url, cases[i].lang);
		world_judge(&not_drifted, &b, 0);
		assert_int_equal(judged.outcome, cases[i].not_drifted);
		if (i == 0)
			assert_string_equal(judged.text, "2 of 2 of spam not drifted");
		world_judge(&steady, &b, 0);
		assert_judged(cases[i].steady, cases[i].why);
	}
	/* One of them: what the others do is not asked about. */
	feed_drift(10, "drifted", "steady");
	steady.label = (char *)"lang";
	world_judge(&steady, &b, 0);
	assert_judged(OUTCOME_OK, "1 of 1 of spam steady");
	steady.label = (char *)"url";
	world_judge(&steady, &b, 0);
	assert_judged(OUTCOME_FAILED, "url of spam: url is drifted");
	steady.label = (char *)"size";
	world_judge(&steady, &b, 0);
	assert_judged(OUTCOME_UNKNOWN, "size of spam is not looked at for drift");
	not_drifted.subject = tpl("ranker", PLACE_WORD);
	world_judge(&not_drifted, &b, 0);
	assert_judged(OUTCOME_UNKNOWN, "nothing of ranker is looked at for drift");
}

/* That nothing had drifted before an act, or long ago, proves nothing; that nothing was worked out yet, neither. */
static void
test_drift_must_be_news(void **state)
{
	struct condition c = { .kind = COND_DRIFT, .subject = tpl("spam", PLACE_WORD), .expect = tpl("not-drifted", PLACE_WORD) };
	char why[512];

	(void)state;
	feed_environment(live, FEED_SOURCES_ALL);
	feed(live, 10, "{'event':'drift-defs','confidence':0.95,'fdr':0.05,'drifts':[" DRIFT_DEF("url") "]}");
	assert_int_equal(now(&c, why, sizeof why), OUTCOME_UNKNOWN);
	assert_string_equal(why, "url of spam: has not been worked out yet");
	feed_drift(10, "steady", "moving");
	assert_int_equal(now(&c, why, sizeof why), OUTCOME_OK);
	model_advance(live, T(500));
	c.label = (char *)"url";
	assert_int_equal(now(&c, why, sizeof why), OUTCOME_UNKNOWN);
	assert_string_equal(why, "url of spam: has not been worked out since");
	world_freeze(T(11));
	model_advance(live, T(11));
	judge(&c, T(11));
	assert_judged(OUTCOME_UNKNOWN, "url of spam: has not been worked out since");
}

/* Nobody polls an endpoint, so it is no source that could be ill. */
static void
test_endpoints_are_not_ill(void **state)
{
	(void)state;
	feed_environment(live, FEED_SOURCES_ALL ",{'name':'flags','type':'http','interval_ns':5000000000}");
	for (int s = 0; s < 60; s += 5)
		feed_rest(live, s);
	model_advance(live, T(57));
	assert_int_equal(model_n_sources(live), 3);
	assert_null(model_source_find(live, "flags"));
	assert_int_equal(model_n_problems(live), 0);
}

static void
test_slo_unknown(void **state)
{
	struct condition c = { .kind = COND_SLO, .subject = tpl("latency", PLACE_WORD), .expect = tpl("ok", PLACE_WORD) };

	(void)state;
	judge(&c, 0);
	assert_judged(OUTCOME_UNKNOWN, "there is no objective latency");
}

static void
test_values(void **state)
{
	struct condition c = { .kind = COND_VALUE, .subject = tpl("${to}", PLACE_WORD), .expect = tpl("6", PLACE_WORD), .compare = CMP_EQ };
	struct condition series = up();
	struct bindings b = world_bindings(&values, NULL);
	enum outcome o;
	char why[512];
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(now(&c, why, sizeof why), OUTCOME_OK);
	c.compare = CMP_NE;
	assert_int_equal(now(&c, why, sizeof why), OUTCOME_FAILED);
	assert_string_equal(why, "'6' is '6'");
	assert_int_equal(judge_now(&world, &series, &b, &o, &err), ERR_UNSUPPORTED);
}

static void
test_http(void **state)
{
	struct condition c = { .kind = COND_HTTP, .source = (char *)"flags", .subject = tpl("/health/${model}", PLACE_URL), .number = 200 };

	(void)state;
	world_reply("GET /health/spam", 200, "ok");
	judge(&c, 0);
	assert_judged(OUTCOME_OK, "HTTP 200");
	world_reply("GET /health/spam", 503, "no");
	judge(&c, 0);
	assert_judged(OUTCOME_FAILED, "HTTP 503, not 200");
	world_no_reply("GET /health/spam", false);
	judge(&c, 0);
	assert_judged(OUTCOME_UNKNOWN, "no answer came");
	c.label = (char *)"model.version";
	c.expect = tpl("${to}", PLACE_WORD);
	world_reply("GET /health/spam", 200, "{\"model\":{\"version\":6}}");
	judge(&c, 0);
	assert_judged(OUTCOME_OK, "model.version is '6'");
	world_reply("GET /health/spam", 200, "{\"model\":{\"version\":7}}");
	judge(&c, 0);
	assert_judged(OUTCOME_FAILED, "model.version is '7'");
	world_reply("GET /health/spam", 200, "{}");
	judge(&c, 0);
	assert_int_equal(judged.outcome, OUTCOME_UNKNOWN);
	world_reply("GET /health/spam", 500, "{}");
	judge(&c, 0);
	assert_int_equal(judged.outcome, OUTCOME_UNKNOWN);
}

/* --- lines ---------------------------------------------------------------------------------------- */

#define LINES "{app=\"${model}\"} |= \"ready\""
#define BOUND "{app=\"spam\"} |= \"ready\""
#define BY "sum by (level,detected_level,severity,service_name,service,app,container,job) "

static char *paths[16];
static size_t n_paths;

static int
paths_free(void **state)
{
	while (n_paths > 0)
		free(paths[--n_paths]);
	return world_teardown(state);
}

/* The clocks move by half a second before the first look. */
static void
look_at(int64_t ns)
{
	world_freeze(ns - NS_PER_S / 2);
}

static struct condition
lines(enum compare how, double number)
{
	return (struct condition){ .kind = COND_LOG, .subject = tpl(LINES, PLACE_LOGQL), .compare = how, .number = number };
}

/* The next request counts what was written in the last ms before end. */
static void
reply_count(long long ms, int64_t end_ns, long status, const char *body)
{
	char *query = xasprintf(BY "(count_over_time(" BOUND " [%lldms]))", ms), end[32];
	struct buf form;

	snprintf(end, sizeof end, "%lld", (long long)end_ns);
	buf_init(&form, 4096);
	request_add_form(&form, "query", query);
	request_add_form(&form, "time", end);
	free(query);
	assert_true(n_paths < sizeof paths / sizeof *paths);
	paths[n_paths++] = xasprintf("GET /loki/api/v1/query?%s", form.data);
	buf_done(&form);
	world_reply(paths[n_paths - 1], status, body);
}

#define COUNTED(n) "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1,\"" n "\"]}]}}"
#define NONE "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}"

static void
test_lines(void **state)
{
	struct condition some = lines(CMP_GE, 3), none = lines(CMP_EQ, 0);

	(void)state;
	look_at(T(100));
	reply_count(60000, T(100), 200, COUNTED("3"));
	judge(&some, 0);
	assert_judged(OUTCOME_OK, "3 lines since 00:00:40Z, >= 3");
	assert_string_equal(last_request.source, "loki");
	assert_string_equal(last_request.headers, "X-Scope-OrgID: blog\n");
	look_at(T(100));
	reply_count(60000, T(100), 200, COUNTED("1"));
	judge(&some, 0);
	assert_judged(OUTCOME_FAILED, "1 line since 00:00:40Z, not >= 3");
	some.window_ns = 5 * NS_PER_S;
	look_at(T(100));
	reply_count(5000, T(100), 200, NONE);
	judge(&some, 0);
	assert_judged(OUTCOME_FAILED, "0 lines since 00:01:35Z, not >= 3");
	look_at(T(100));
	reply_count(60000, T(100), 200, NONE);
	judge(&none, 0);
	assert_judged(OUTCOME_OK, "0 lines since 00:00:40Z, == 0");
}

static void
test_lines_of_a_silent_store(void **state)
{
	struct condition c = lines(CMP_EQ, 0);

	(void)state;
	look_at(T(100));
	reply_count(60000, T(100), 0, "");
	judge(&c, 0);
	assert_judged(OUTCOME_UNKNOWN, "no answer came");
	look_at(T(100));
	reply_count(60000, T(100), 400, "parse error : syntax error");
	judge(&c, 0);
	assert_int_equal(judged.outcome, OUTCOME_UNKNOWN);
	assert_string_equal(judged.text, "Loki refuses the request (HTTP 400): parse error : syntax error");
	look_at(T(100));
	reply_count(60000, T(100), 200, "<html>");
	judge(&c, 0);
	assert_int_equal(judged.outcome, OUTCOME_UNKNOWN);
	c.source = (char *)"none";
	judge(&c, 0);
	assert_judged(OUTCOME_UNKNOWN, "there is no store of lines to ask: none");
}

/* Lines that come are evidence as soon as they are there; those from before the act and settle are none. */
static void
test_lines_behind_an_act(void **state)
{
	struct condition c = lines(CMP_GE, 1);

	(void)state;
	c.settle_ns = 3 * NS_PER_S;
	c.within_ns = 10 * NS_PER_S;
	world_freeze(T(20));
	reply_count(1999, T(25), 200, NONE);
	reply_count(4499, T(27) + NS_PER_S / 2, 200, COUNTED("1"));
	judge(&c, T(20));
	assert_judged(OUTCOME_OK, "1 line since 00:00:23Z, >= 1");
	assert_int_equal(world_replies_left(), 0);
	/* As far back as the act, and no further than was asked for. */
	c.settle_ns = 0;
	look_at(T(620));
	reply_count(599999, T(620), 200, COUNTED("1"));
	judge(&c, T(20));
	assert_int_equal(judged.outcome, OUTCOME_OK);
	c.window_ns = 30 * NS_PER_S;
	look_at(T(620));
	reply_count(30000, T(620), 200, COUNTED("1"));
	judge(&c, T(20));
	assert_int_equal(judged.outcome, OUTCOME_OK);
}

/* A service says that it is ready before the command that restarts it returns; all but lines that prove by coming is looked at behind the act. */
static void
test_lines_while_the_act_goes_on(void **state)
{
	struct condition some = lines(CMP_GE, 1), none = lines(CMP_EQ, 0);
	struct bindings b = world_bindings(&values, NULL);

	(void)state;
	look_at(T(30));
	reply_count(9999, T(30), 200, COUNTED("1"));
	world_judge_behind(&some, &b, T(28), T(20));
	assert_judged(OUTCOME_OK, "1 line since 00:00:20Z, >= 1");
	some.settle_ns = NS_PER_S;
	look_at(T(30));
	reply_count(999, T(30), 200, COUNTED("1"));
	world_judge_behind(&some, &b, T(28), T(20));
	assert_judged(OUTCOME_OK, "1 line since 00:00:29Z, >= 1");
	none.window_ns = NS_PER_S;
	look_at(T(30));
	reply_count(1000, T(30), 200, NONE);
	world_judge_behind(&none, &b, T(28), T(20));
	assert_judged(OUTCOME_OK, "0 lines since 00:00:29Z, == 0");
}

/* That nothing came proves nothing before there was time for it. */
static void
test_quiet_behind_an_act(void **state)
{
	struct condition c = lines(CMP_EQ, 0);

	(void)state;
	c.window_ns = 10 * NS_PER_S;
	world_freeze(T(20));
	reply_count(9999, T(30), 200, NONE);
	judge(&c, T(20));
	assert_judged(OUTCOME_OK, "0 lines since 00:00:20Z, == 0");
	assert_true(clock_now() >= T(30));
	assert_int_equal(world_replies_left(), 0);
	world_freeze(T(20));
	reply_count(9999, T(30), 200, COUNTED("2"));
	judge(&c, T(20));
	assert_judged(OUTCOME_FAILED, "2 lines since 00:00:20Z, not == 0");
}

/* The store is asked what it is once, and its answer of a part is what it is. */
static void
test_lines_of_elasticsearch(void **state)
{
	static const char whole[] = "{\"timed_out\":false,\"_shards\":{\"total\":2,\"successful\":2,\"failed\":0},\"hits\":{\"total\":{\"value\":4,\"relation\":\"eq\"}}}";
	static const char part[] = "{\"timed_out\":true,\"_shards\":{\"total\":2,\"successful\":2,\"failed\":0},\"hits\":{\"total\":{\"value\":0,\"relation\":\"eq\"}}}";
	struct condition c = { .kind = COND_LOG, .source = (char *)"elastic", .subject = tpl("app:\"${model}\"", PLACE_LUCENE), .compare = CMP_LT, .number = 5 };

	(void)state;
	world_reply("GET /", 200, "{\"version\":{\"number\":\"8.11.0\"}}");
	world_reply("POST /logs-*/_search?ignore_unavailable=true", 200, whole);
	judge(&c, 0);
	assert_int_equal(judged.outcome, OUTCOME_OK);
	assert_non_null(strstr(last_request.body, "\"query_string\":{\"analyze_wildcard\":true,\"query\":\"app:\\\"spam\\\"\"}"));
	world_reply("GET /", 200, "{\"version\":{\"number\":\"8.11.0\"}}");
	world_reply("POST /logs-*/_search?ignore_unavailable=true", 200, part);
	judge(&c, 0);
	assert_int_equal(judged.outcome, OUTCOME_UNKNOWN);
	assert_non_null(strstr(judged.text, "0 lines or more"));
}

static void
test_lines_of_a_journal(void **state)
{
	static const char entries[] =
	    "{\"__CURSOR\":\"c1\",\"__REALTIME_TIMESTAMP\":\"1893456090000000\",\"MESSAGE\":\"ready\",\"_SYSTEMD_UNIT\":\"spam.service\"}\n"
	    "{\"__CURSOR\":\"c2\",\"__REALTIME_TIMESTAMP\":\"1893456095000000\",\"MESSAGE\":\"ready\",\"_SYSTEMD_UNIT\":\"spam.service\"}\n";
	struct condition c = { .kind = COND_LOG, .source = (char *)"journal", .subject = tpl("_SYSTEMD_UNIT=${model}.service", PLACE_JOURNAL), .compare = CMP_EQ, .number = 2 };

	(void)state;
	look_at(T(100));
	world_reply("GET /entries?_SYSTEMD_UNIT=spam.service", 200, entries);
	judge(&c, 0);
	assert_judged(OUTCOME_OK, "2 lines since 00:00:40Z, == 2");
	/* Only one of them is later. */
	look_at(T(100));
	world_reply("GET /entries?_SYSTEMD_UNIT=spam.service", 200, entries);
	judge(&c, T(92));
	assert_judged(OUTCOME_FAILED, "1 line since 00:01:32Z, not == 2");
}

static void
never_judged(struct judging *j, const struct judgement *result, void *arg)
{
	(void)j;
	(void)result;
	(void)arg;
	fail_msg("told after it was freed");
}

static void
test_lines_freed_while_asking(void **state)
{
	struct condition c = lines(CMP_GE, 1);
	struct bindings b = world_bindings(&values, NULL);
	struct judging *j;

	(void)state;
	world_freeze(T(100));
	reply_count(60000, T(100), 200, COUNTED("1"));
	j = judge_begin(&world, &c, &b, 0, 0, NULL, never_judged, NULL);
	while (world_replies_left() > 0)
		world_turns(1);
	judge_free(j);
	world_turns(3);
}

static void
test_texts(void **state)
{
	struct condition c = up(), slo = { .kind = COND_SLO, .subject = tpl("latency", PLACE_WORD), .compare = CMP_GT, .number = 0.1, .settle_ns = 30 * NS_PER_S };
	struct condition served = { .kind = COND_SERVED, .subject = tpl("${model}", PLACE_WORD), .expect = tpl("${to}", PLACE_WORD), .within_ns = 60 * NS_PER_S };
	struct condition drift = { .kind = COND_DRIFT, .subject = tpl("${model}", PLACE_WORD), .expect = tpl("not-drifted", PLACE_WORD) };
	struct condition log = lines(CMP_LT, 5);
	struct bindings b = world_bindings(&values, NULL);
	struct buf text;

	(void)state;
	buf_init(&text, 4096);
	assert_int_equal(condition_text(&c, &b, &text, NULL), 0);
	buf_addstr(&text, "|");
	assert_int_equal(condition_text(&slo, &b, &text, NULL), 0);
	buf_addstr(&text, "|");
	assert_int_equal(condition_text(&served, &b, &text, NULL), 0);
	buf_addstr(&text, "|");
	assert_int_equal(condition_text(&drift, &b, &text, NULL), 0);
	buf_addstr(&text, "|");
	drift.label = (char *)"url";
	assert_int_equal(condition_text(&drift, &b, &text, NULL), 0);
	buf_addstr(&text, "|");
	log.window_ns = 2 * NS_PER_MIN;
	assert_int_equal(condition_text(&log, &b, &text, NULL), 0);
	assert_string_equal(text.data, UP " == 1 for every series|objective latency has budget > 10% left, settled for 30s|the hosts serve spam 6, within 1m|"
	    "drift of all of spam is not-drifted|drift of url of spam is not-drifted|lines of " BOUND " < 5 over 2m");
	buf_done(&text);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
#define LINES_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, paths_free)
	const struct CMUnitTest tests[] = {
		TEST(test_selectors), TEST(test_looks), TEST(test_comparisons), TEST(test_sums_are_one_series), TEST(test_source_down), TEST(test_hosts_by_address), TEST(test_per_host),
		TEST(test_unknown_variable), TEST(test_old_evidence_is_no_proof), TEST(test_never_any_news), TEST(test_time_not_told), TEST(test_series_that_are_gone), TEST(test_within), TEST(test_settle),
		TEST(test_clock_skew), TEST(test_free_while_asking), TEST(test_alerts), TEST(test_alerts_of_a_silent_source), TEST(test_alert_after_an_act), TEST(test_served),
		TEST(test_served_must_be_news), TEST(test_slo_unknown), TEST(test_slo), TEST(test_drift), TEST(test_drift_must_be_news), TEST(test_endpoints_are_not_ill), TEST(test_values), TEST(test_http), TEST(test_texts),
		LINES_TEST(test_lines), LINES_TEST(test_lines_of_a_silent_store), LINES_TEST(test_lines_behind_an_act),
		LINES_TEST(test_lines_while_the_act_goes_on), LINES_TEST(test_quiet_behind_an_act),
		LINES_TEST(test_lines_of_elasticsearch), LINES_TEST(test_lines_of_a_journal), LINES_TEST(test_lines_freed_while_asking),
	};
#undef TEST
#undef LINES_TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
