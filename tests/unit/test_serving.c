/* Who serves what, of series; and what moved in a registry between two looks at it. */
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
#include "insight/serving.h"
#include "tests/unit/feed.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const struct model_def def = { .id = "model:spam", .name = "spam", .version_label = "version", .host_label = "instance" };

/* A series with one sample, `ago` seconds before T0. */
#define SERIES(instance, version, ago, value) "{'labels':{'instance':'" instance "','version':'" version "'},'samples':[[" at_ ## ago "," value "]]}"
#define NO_VERSION "{'labels':{'instance':'s-1'},'samples':[[" at_0 ",1]]}"
#define NO_HOST "{'labels':{'version':'7'},'samples':[[" at_0 ",1]]}"
#define at_0 "1893456000000000000"
#define at_5 "1893455995000000000"
#define at_600 "1893455400000000000"

/* --- who serves what ------------------------------------------------------------------------------------------------------ */

static char *
serving_text(const struct serving_set *set)
{
	struct buf b;
	char *text;

	buf_init(&b, 10000);
	for (size_t i = 0; i < set->n; i++)
		buf_printf(&b, "%s%s=%s%s%s", i == 0 ? "" : " ", set->v[i].host, set->v[i].version, set->v[i].error[0] == '\0' ? "" : "!",
		    set->v[i].error);
	for (size_t i = 0; i < set->notes.n; i++)
		buf_printf(&b, "; %s", set->notes.v[i]);
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

static void
series_tell_who_serves(void **state)
{
	static const struct {
		const char *type, *series, *serving;
	} cases[] = {
		{ "vector", "", "" },
		{ "vector", SERIES("s-2:80", "7", 0, "1") "," SERIES("s-1:80", "6", 0, "1"), "s-1=6 s-2=7" },
		/* What is not served does not count. */
		{ "vector", SERIES("s-1", "7", 0, "0") "," SERIES("s-1", "6", 0, "1") "," SERIES("s-2", "6", 0, "'NaN'"), "s-1=6" },
		{ "vector", "{'labels':{'instance':'s-1','version':'7'},'samples':[]}", "" },
		/* Of two the newer; both when they are equally new, each once. */
		{ "vector", SERIES("s-1", "7", 5, "1") "," SERIES("s-1", "6", 0, "1"), "s-1=6" },
		{ "vector", SERIES("s-1", "7", 0, "1") "," SERIES("s-1", "6", 0, "1") "," SERIES("s-1", "7", 0, "1"), "s-1=6 s-1=7" },
		/* The port goes, unless it tells two apart. */
		{ "vector", SERIES("s-1:80", "7", 0, "1") "," SERIES("s-1:81", "6", 5, "1") "," SERIES("s-10:80", "6", 0, "1"), "s-1:80=7 s-1:81=6 s-10=6" },
		{ "vector", SERIES("s-1:80", "7", 0, "1") "," SERIES("s-1", "6", 0, "1"), "s-1=6 s-1:80=7" },
		{ "vector", SERIES("[::1]:80", "7", 0, "1") "," SERIES("fe80::1", "6", 0, "1"), "::1=7 fe80::1=6" },
		/* Numbers that are labels stay text. */
		{ "vector", SERIES("s-1", "9007199254740993", 0, "1") "," SERIES("s-2", "1.10", 0, "3"), "s-1=9007199254740993 s-2=1.10" },
		/* Without a version; beside those that have one it is a note. */
		{ "vector", NO_VERSION, "=!1 series, none has the label 'version'; 1 series have no version: no label version" },
		{ "vector", NO_VERSION "," SERIES("s-2", "6", 0, "1"), "s-2=6; 1 series have no version: no label version" },
		/* Whose it is nobody can tell: that is no host that serves it. */
		{ "vector", NO_HOST, "=!1 series has no label 'instance'" },
		{ "vector", NO_HOST "," NO_HOST "," SERIES("s-2", "6", 0, "1"), "=!2 series have no label 'instance' s-2=6" },
		/* A range may hold what has ended. */
		{ "matrix", SERIES("s-1", "6", 600, "1") "," SERIES("s-1", "7", 0, "1") "," SERIES("s-2", "6", 600, "1"), "s-1=7" },
		{ "vector", SERIES("s-1", "6", 600, "1"), "s-1=6" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct event ev = feed_event(0, "{'event':'series','type':'%s','end':'2030-01-01T00:00:00Z','series':[%s]}", cases[i].type, cases[i].series);
		struct serving_set *set = insight_serving(&def, ev.block, NULL);
		char *text = serving_text(set);

		assert_string_equal(text, cases[i].serving);
		assert_string_equal(set->model, "model:spam");
		free(text);
		block_unref(set);
		event_done(&ev);
	}
}

/* Where the config names no host label, an answer may well name no host. */
static void
an_expression_may_name_no_hosts(void **state)
{
	struct model_def hostless = def;
	struct event ev = feed_event(0, "{'event':'series','type':'vector','series':[" NO_HOST "]}");
	struct serving_set *set;
	char *text;

	(void)state;
	hostless.host_label = NULL;
	set = insight_serving(&hostless, ev.block, NULL);
	text = serving_text(set);
	assert_string_equal(text, "=7");
	free(text);
	block_unref(set);
	event_done(&ev);
}

static void
evidence_has_its_time(void **state)
{
	struct event ev = feed_event(0, "{'event':'series','type':'vector','series':[" SERIES("s-1", "7", 5, "1") "]}");
	struct serving_set *set = insight_serving(&def, ev.block, NULL);

	(void)state;
	assert_true(set->v[0].at_ns == T(-5));
	event_done(&ev);
	assert_string_equal(set->v[0].host, "s-1");	/* it owns its texts */
	block_unref(set);
}

/* Runs of a series: "-100..-40*1" has a sample each ten seconds from T0 - 100 s to T0 - 40 s, all of them 1. */
static void
add_runs(struct buf *b, const char *labels, const char *runs)
{
	int from, to, used, value;
	bool is_first = true;

	buf_printf(b, "%s{'labels':{%s},'samples':[", b->len > 0 ? "," : "", labels);
	for (; sscanf(runs, "%d..%d*%d%n", &from, &to, &value, &used) == 3; runs += used)
		for (int at = from; at <= to; at += 10, is_first = false)
			buf_printf(b, "%s[%lld,%d]", is_first ? "" : ",", (long long)T(at), value);
	buf_addstr(b, "]}");
}

/* Of s-1, which serves 7 now, said by a range with a step of ten seconds. */
static void
the_past_tells_since_when(void **state)
{
	static const struct {
		const char *runs, *labels, *more;
		int since;	/* seconds from T0; 1: it does not say */
	} cases[] = {
		{ "-100..0*1", NULL, NULL, -100 },
		{ "-100..-10*1", NULL, NULL, -100 },
		/* A gap of three steps is none, and one of four is. */
		{ "-100..-60*1 -30..0*1", NULL, NULL, -100 },
		{ "-100..-60*1 -20..0*1", NULL, NULL, -20 },
		{ "-100..-30*1", NULL, NULL, -100 },
		{ "-100..-40*1", NULL, NULL, 1 },
		/* 0 says that it was not served. */
		{ "-100..-60*1 -50..-50*0 -40..0*1", NULL, NULL, -40 },
		{ "-100..-10*1 0..0*0", NULL, NULL, 1 },
		{ "", NULL, NULL, 1 },
		/* Another version, another host; other labels do not matter. */
		{ "-100..0*1", "'instance':'s-1:80','version':'6'", NULL, 1 },
		{ "-100..0*1", "'instance':'s-2:80','version':'7'", NULL, 1 },
		{ "-40..0*1", NULL, "-70..0*1", -70 },
		{ "-70..0*1", NULL, "-40..0*1", -70 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *labels = cases[i].labels != NULL ? cases[i].labels : "'instance':'s-1:80','version':'7'";
		struct event now = feed_event(0, "{'event':'series','type':'vector','series':[" SERIES("s-1:80", "7", 0, "1") "]}"), past;
		struct serving_set *set;
		struct buf b;

		buf_init(&b, 100000);
		add_runs(&b, labels, cases[i].runs);
		if (cases[i].more != NULL)
			add_runs(&b, "'instance':'s-1:80','version':'7','zone':'b'", cases[i].more);
		past = feed_event(0, "{'event':'series','type':'matrix','step_ns':10000000000,'series':[%s]}", b.data);
		set = insight_serving(&def, now.block, past.block);
		assert_int_equal(set->n, 1);
		assert_true(set->v[0].at_ns == T(0));
		if (cases[i].since == 1)
			assert_true(set->v[0].since_ns == 0);
		else
			assert_int_equal((set->v[0].since_ns - T0) / NS_PER_S, cases[i].since);
		block_unref(set);
		buf_done(&b);
		event_done(&past);
		event_done(&now);
	}
}

static void
what_is_too_much_is_left_out_with_a_note(void **state)
{
	struct buf b;
	struct event ev;
	struct serving_set *set;
	char *version = xcalloc(1, 400);

	(void)state;
	memset(version, '7', 399);
	buf_init(&b, 8 << 20);
	for (int i = 0; i < 10003; i++)
		buf_printf(&b, "%s{'labels':{'instance':'s-%05d','version':'7'},'samples':[[" at_0 ",1]]}", i > 0 ? "," : "", i);
	buf_printf(&b, ",{'labels':{'instance':'a','version':'%s'},'samples':[[" at_0 ",1]]}", version);
	ev = feed_event(0, "{'event':'series','type':'vector','n_left_out':4,'series':[%s]}", b.data);
	set = insight_serving(&def, ev.block, NULL);
	assert_int_equal(set->n, 10000);
	assert_int_equal(set->notes.n, 3);
	assert_string_equal(set->notes.v[0], "1 series have a version that is too long, and were left out");
	assert_string_equal(set->notes.v[1], "3 hosts are beyond the limit of 10000, and were left out");
	assert_string_equal(set->notes.v[2], "4 series were too many, and were left out");
	block_unref(set);
	event_done(&ev);
	buf_done(&b);
	free(version);
}

/* --- moves ------------------------------------------------------------------------------------------------------------------ */

#define A(alias, version) "{'alias':'" alias "','version':'" version "'}"
#define V(version, stage, updated) "{'version':'" version "','stage':'" stage "','updated':'2030-01-01T00:00:" updated "Z'}"
#define MODEL(name, aliases, versions) "{'name':'" name "','aliases':[" aliases "],'versions':[" versions "]}"

static char *
moves_text(const struct marker_set *set)
{
	struct buf b;
	char *text;

	buf_init(&b, 10000);
	for (size_t i = 0; i < set->n; i++)
		buf_printf(&b, "%s%d %s", i == 0 ? "" : "; ", (int)((set->v[i].at_ns - T0) / NS_PER_S), set->v[i].text);
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

static void
moves_are_told_with_their_time(void **state)
{
	static const struct {
		const char *before, *now, *moves;
	} cases[] = {
		{ "'models':[]", "'models':[]", "" },
		{ "'models':[" MODEL("spam", A("champion", "6"), "") "]", "'models':[" MODEL("spam", A("champion", "6"), "") "]", "" },
		{ "'models':[" MODEL("spam", A("champion", "6"), "") "]", "'models':[" MODEL("spam", A("champion", "7"), "") "]", "60 spam champion 6 -> 7" },
		{ "'models':[" MODEL("spam", A("a", "6") "," A("c", "6"), "") "]", "'models':[" MODEL("spam", A("b", "7") "," A("c", "6"), "") "]",
		  "60 spam a 6 -> none; 60 spam b -> 7" },
		/* A version that was touched since the look before tells when. */
		{ "'models':[" MODEL("spam", A("c", "6"), V("7", "", "10")) "]", "'models':[" MODEL("spam", A("c", "7"), V("7", "", "40")) "]",
		  "40 spam c 6 -> 7" },
		{ "'models':[" MODEL("spam", A("c", "6"), V("7", "", "40")) "]", "'models':[" MODEL("spam", A("c", "7"), V("7", "", "40")) "]",
		  "60 spam c 6 -> 7" },
		/* Stages: the newest version in each. What is archived is no news. */
		{ "'models':[" MODEL("spam", "", V("8", "Staging", "01") "," V("7", "", "01") "," V("6", "Production", "01")) "]",
		  "'models':[" MODEL("spam", "", V("8", "Production", "30") "," V("7", "Staging", "20") "," V("6", "Archived", "30")) "]",
		  "20 spam Staging 8 -> 7; 30 spam Production 6 -> 8" },
		{ "'models':[" MODEL("spam", "", V("6", "Production", "01")) "]", "'models':[" MODEL("spam", "", V("6", "", "30")) "]",
		  "60 spam Production 6 -> none" },
		/* One that fell off the end of the list has not left its stage. */
		{ "'models':[{'name':'spam','versions':[" V("6", "Production", "01") "]}]", "'models':[{'name':'spam','versions':[" V("9", "", "01") "],'n_left_out':3}]",
		  "" },
		/* A new model; one that is gone; one that may have been on a page that was missing. */
		{ "'models':[]", "'models':[" MODEL("spam", A("c", "1"), "") "]", "60 spam c -> 1" },
		{ "'models':[" MODEL("spam", A("c", "1"), "") "]", "'models':[]", "" },
		{ "'models':[],'notes':['page 2 is missing']", "'models':[" MODEL("spam", A("c", "1"), "") "]", "" },
		{ "'models':[],'n_left_out':1", "'models':[" MODEL("spam", A("c", "1"), "") "]", "" },
		/* Versions that were not read have not left their stages, and those read again have not come; aliases of the model are told all the same. */
		{ "'models':[" MODEL("spam", A("c", "6"), V("6", "Production", "01")) "]",
		  "'models':[{'name':'spam','aliases':[" A("c", "7") "],'versions':[" V("5", "Production", "30") "],'unread':true}]", "60 spam c 6 -> 7" },
		{ "'models':[{'name':'spam','aliases':[" A("c", "6") "],'versions':[" V("5", "Production", "01") "],'unread':true}]",
		  "'models':[" MODEL("spam", A("c", "7"), V("7", "Production", "30")) "]", "60 spam c 6 -> 7" },
		/* Those that only versions tell of are not. */
		{ "'models':[" MODEL("spam", A("c", "6"), "") "]", "'models':[{'name':'spam','aliases':[" A("d", "5") "],'unread':true}]", "" },
		{ "'models':[{'name':'spam','aliases':[" A("d", "5") "],'unread':true}]", "'models':[" MODEL("spam", A("c", "6"), "") "]", "" },
		/* The clock of the registry is ahead of ours. */
		{ "'models':[" MODEL("spam", A("c", "6"), V("7", "", "10")) "]",
		  "'models':[{'name':'spam','aliases':[" A("c", "7") "],'versions':[{'version':'7','updated':'2030-01-01T02:00:00Z'}]}]", "60 spam c 6 -> 7" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct event before = feed_event(0, "{'event':'registry',%s}", cases[i].before), now = feed_event(60, "{'event':'registry',%s}", cases[i].now);
		struct marker_set *set = insight_registry_moves("mlflow", before.block, now.block, T(60));
		char *text = moves_text(set);

		assert_string_equal(text, cases[i].moves);
		assert_string_equal(set->def, "registry:mlflow");
		assert_true(set->end_ns == T(60) && set->start_ns <= (set->n > 0 ? set->v[0].at_ns : T(60)));
		free(text);
		block_unref(set);
		event_done(&before);
		event_done(&now);
	}
}

static void
the_first_look_moves_nothing(void **state)
{
	struct event now = feed_event(60, "{'event':'registry','models':[" MODEL("spam", A("c", "1"), "") "]}");
	struct marker_set *set = insight_registry_moves("mlflow", NULL, now.block, T(60));

	(void)state;
	assert_int_equal(set->n, 0);
	block_unref(set);
	event_done(&now);
}

static void
a_move_says_what_moved_and_owns_its_texts(void **state)
{
	struct event before = feed_event(0, "{'event':'registry','models':[" MODEL("a/b \\u001b[m", A("c", "9007199254740992"), "") "]}");
	struct event now = feed_event(0, "{'event':'registry','models':[" MODEL("a/b \\u001b[m", A("c", "9007199254740993"), "") "]}");
	struct marker_set *set = insight_registry_moves("mlflow", before.block, now.block, T(60));

	(void)state;
	event_done(&before);
	event_done(&now);
	assert_int_equal(set->v[0].kind, MARKER_CHANGE);
	assert_string_equal(set->v[0].what, "a/b \x1b[m");
	assert_string_equal(set->v[0].from, "9007199254740992");
	assert_string_equal(set->v[0].to, "9007199254740993");
	assert_string_equal(set->v[0].text, "a/b \x1b[m c 9007199254740992 -> 9007199254740993");
	block_unref(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(series_tell_who_serves),
		cmocka_unit_test(an_expression_may_name_no_hosts),
		cmocka_unit_test(evidence_has_its_time),
		cmocka_unit_test(the_past_tells_since_when),
		cmocka_unit_test(what_is_too_much_is_left_out_with_a_note),
		cmocka_unit_test(moves_are_told_with_their_time),
		cmocka_unit_test(the_first_look_moves_nothing),
		cmocka_unit_test(a_move_says_what_moved_and_owns_its_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
