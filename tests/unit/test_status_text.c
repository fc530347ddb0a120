/* What --status prints of a model. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_line_sums_objectives_up),
		cmocka_unit_test(a_line_for_each_objective),
		cmocka_unit_test(old_results_are_not_told_as_new),
		cmocka_unit_test(text_of_outside_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
