/* The live console without curses: how a line reads, what is told and what is not told again. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "plain_line.h"
#include "plain_news.h"
#include "plain_state.h"
#include "plain_watch.h"
#include "tests/unit/feed.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define OUT_MAX (1 << 20)

/* --- lines ------------------------------------------------------------------------------------------------------------------ */

static const struct {
	struct timeline_entry entry;
	const char *line;
} lines[] = {
	{ { .at_ns = T(5), .known_ns = T(6), .kind = TIMELINE_ALERT, .severity = SEVERITY_PAGE, .id = "alert:1", .what = "Burns", .text = "page, it hurts", .by = "" },
	  "2030-01-01T00:00:05Z  alert    begins page     Burns: it hurts\n" },
	{ { .at_ns = T(5), .known_ns = T(6), .kind = TIMELINE_ALERT, .severity = SEVERITY_PAGE, .id = "alert:1", .what = "Burns", .text = "page", .by = "" },
	  "2030-01-01T00:00:05Z  alert    begins page     Burns\n" },
	{ { .at_ns = T(5), .known_ns = T(65), .kind = TIMELINE_ALERT, .is_end = true, .severity = SEVERITY_TICKET, .id = "alert:1", .what = "Burns", .text = "resolved", .by = "" },
	  "2030-01-01T00:00:05Z  alert    ends   ticket   Burns: resolved  known 2030-01-01T00:01:05Z\n" },
	/* Only the severity itself is left out, not a word that begins alike. */
	{ { .at_ns = T(5), .known_ns = T(5), .kind = TIMELINE_ALERT, .severity = SEVERITY_PAGE, .id = "alert:1", .what = "Burns", .text = "pages are slow", .by = "" },
	  "2030-01-01T00:00:05Z  alert    begins page     Burns: pages are slow\n" },
	{ { .at_ns = T(5), .known_ns = T(5), .kind = TIMELINE_SOURCE, .id = "source:p", .what = "p", .text = "does not answer", .by = "" },
	  "2030-01-01T00:00:05Z  source   begins unknown  p: does not answer\n" },
	{ { .at_ns = T(5), .known_ns = T(5), .kind = TIMELINE_SOURCE, .is_end = true, .id = "source:p", .what = "p", .text = "answers again", .by = "" },
	  "2030-01-01T00:00:05Z  source   ends   -        p: answers again\n" },
	{ { .at_ns = T(5), .known_ns = T(5), .kind = TIMELINE_NOTE, .id = "note:5", .what = "note", .text = "a \x1b[31m b\nforged", .by = "a\rnn", .seq = 5 },
	  "2030-01-01T00:00:05Z  note            -        a \\x1B[31m b\\nforged  by a\\rnn  audit 5\n" },
};

static void
a_line_is_one_line_whatever_it_tells(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct buf out;

		buf_init(&out, OUT_MAX);
		plain_line_entry(&out, &lines[i].entry);
		assert_string_equal(out.data, lines[i].line);
		buf_done(&out);
	}
}

/* --- news -------------------------------------------------------------------------------------------------------------------- */

struct console {
	struct model *m;
	struct plain_news *news;
	struct plain_watch *watch;
	struct buf out;
};

#define ALERT(name, state, more) "{'name':'" name "','labels':{'alertname':'" name "','severity':'page'},'state':'" state "','since':'2030-01-01T00:00:00Z'" more "}"
#define MUTED(name, state) "{'name':'" name "','labels':{'alertname':'" name "','severity':'page'},'state':'" state "','fingerprint':'f','since':'2030-01-01T00:00:00Z'}"

static void
feed_all_well(struct model *m, double seconds)
{
	for (size_t i = 0; i < model_n_sources(m); i++)
		feed_alerts(m, seconds, model_source(m, i)->name, "");
	model_advance(m, T(seconds));
}

static struct console
console(void)
{
	struct console c = { .m = model_new(0, 0) };

	feed_environment(c.m, FEED_SOURCES_ALL);
	feed_all_well(c.m, 1);
	buf_init(&c.out, OUT_MAX);
	c.news = plain_news_new(T(1));
	c.watch = plain_watch_new();
	return c;
}

/* What is there is known from here on. */
static void
opened(struct console *c)
{
	plain_news_look(c->news, c->m, NULL);
	plain_watch_look(c->watch, c->m, NULL);
}

static const char *
news_at(struct console *c, double seconds)
{
	model_advance(c->m, T(seconds));
	buf_reset(&c->out);
	plain_news_look(c->news, c->m, &c->out);
	return c->out.data;
}

static const char *
changes_at(struct console *c, double seconds)
{
	model_advance(c->m, T(seconds));
	buf_reset(&c->out);
	plain_watch_look(c->watch, c->m, &c->out);
	return c->out.data;
}

static void
console_done(struct console *c)
{
	plain_news_free(c->news);
	plain_watch_free(c->watch);
	buf_done(&c->out);
	model_free(c->m);
}

static void
an_alert_is_told_when_it_begins_and_when_it_ends(void **state)
{
	struct console c = console();

	(void)state;
	feed_alerts(c.m, 2, "p1", ALERT("Before", "firing", ""));
	opened(&c);
	assert_string_equal(news_at(&c, 3), "");
	feed_alerts(c.m, 4, "p1", ALERT("Before", "firing", "") "," ALERT("Burns", "firing", ",'annotations':{'summary':'it hurts'}"));
	assert_string_equal(news_at(&c, 4), "2030-01-01T00:00:00Z  alert    begins page     Burns: it hurts\n");
	assert_string_equal(news_at(&c, 5), "");
	feed_alerts(c.m, 9, "p1", ALERT("Burns", "firing", ",'annotations':{'summary':'it hurts'}"));
	assert_string_equal(news_at(&c, 9), "2030-01-01T00:00:09Z  alert    ends   page     Before: resolved\n");
	feed_alerts(c.m, 12, "p1", "");
	assert_string_equal(news_at(&c, 12), "2030-01-01T00:00:12Z  alert    ends   page     Burns: resolved: it hurts\n");
	console_done(&c);
}

/* A run of before, read from the audit log when the console was open already; and what it became afterwards. */
static void
what_people_did_before_is_history(void **state)
{
	struct console c = console();

	(void)state;
	opened(&c);
	feed(c.m, 2, "{'event':'timeline','entries':[{'at':'2030-01-01T00:00:00Z','kind':'run','id':'run:1','what':'rollback','text':'lab/x','by':'ann'}]}");
	assert_string_equal(news_at(&c, 2), "");
	feed(c.m, 3, "{'event':'timeline','entries':[{'at':'2030-01-01T00:00:03Z','kind':'run','end':true,'id':'run:1','what':'rollback','text':'done','by':'ann','seq':9}]}");
	assert_string_equal(news_at(&c, 3), "2030-01-01T00:00:03Z  run      ends   -        rollback: done  by ann  audit 9\n");
	feed(c.m, 4, "{'event':'timeline','entries':[{'at':'2030-01-01T00:00:00Z','backfilled':true,'kind':'alert','id':'alert:1','what':'Old','text':'page'}]}");
	assert_string_equal(news_at(&c, 4), "");
	feed(c.m, 5, "{'event':'note','text':'seen','by':'ann','seq':7}");
	assert_string_equal(news_at(&c, 5), "2030-01-01T00:00:05Z  note            -        seen  by ann  audit 7\n");
	console_done(&c);
}

/* --- what the timeline has no entries for ----------------------------------------------------------------------------------------- */

static void
an_alert_that_somebody_silences_is_told(void **state)
{
	struct console c = console();

	(void)state;
	feed_alerts(c.m, 2, "am", MUTED("Burns", "firing"));
	model_advance(c.m, T(2));
	opened(&c);
	assert_string_equal(changes_at(&c, 3), "");
	feed_alerts(c.m, 4, "am", MUTED("Burns", "silenced"));
	assert_string_equal(changes_at(&c, 4), "2030-01-01T00:00:04Z  alert    now    page     Burns: silenced\n"
	    "2030-01-01T00:00:04Z  status   now    OK       no alert fires\n");
	assert_string_equal(changes_at(&c, 5), "");
	feed_alerts(c.m, 6, "am", MUTED("Burns", "firing"));
	assert_string_equal(changes_at(&c, 6), "2030-01-01T00:00:06Z  alert    now    page     Burns: not muted any more\n"
	    "2030-01-01T00:00:06Z  status   now    CRITICAL 1 page firing: Burns 6s\n");
	console_done(&c);
}

#define TARGETS(a, b) "{'event':'targets','source':'p1','targets':[{'job':'w','instance':'w-1','labels':{'job':'w'},'url':'http://w','health':'" a "'}," \
	"{'job':'w','instance':'w-2','labels':{'job':'w'},'url':'http://v','health':'" b "'}],'n_up':1,'n_down':1}"

static void
targets_are_told_by_how_many_are_down(void **state)
{
	struct console c = console();

	(void)state;
	opened(&c);
	feed(c.m, 2, TARGETS("down", "up"));
	assert_string_equal(changes_at(&c, 2), "2030-01-01T00:00:02Z  status   now    WARNING  1 source problem: p1 0s\n");
	feed_all_well(c.m, 12);
	assert_string_equal(changes_at(&c, 12), "2030-01-01T00:00:12Z  targets  begins ticket   p1: 1 of 2 targets down: w-1\n");
	feed(c.m, 13, TARGETS("down", "down"));
	assert_string_equal(changes_at(&c, 13), "2030-01-01T00:00:13Z  targets  now    ticket   p1: 2 of 2 targets down: w-1, w-2\n");
	feed(c.m, 14, TARGETS("up", "up"));
	assert_string_equal(changes_at(&c, 14), "2030-01-01T00:00:14Z  targets  ends   -        p1: no target is down\n"
	    "2030-01-01T00:00:14Z  status   now    OK       no alert fires\n");
	/* What comes and goes at once is not told, though health is. */
	feed(c.m, 15, TARGETS("down", "up"));
	changes_at(&c, 15);
	feed(c.m, 16, TARGETS("up", "up"));
	assert_null(strstr(changes_at(&c, 16), "targets"));
	console_done(&c);
}

static void
requests_that_fail_are_told_unless_the_source_is_gone(void **state)
{
	struct console c = console();

	(void)state;
	opened(&c);
	feed_failed(c.m, 2, "p1", "rules", "HTTP 500");
	changes_at(&c, 2);
	feed_all_well(c.m, 12);
	assert_string_equal(changes_at(&c, 12), "2030-01-01T00:00:12Z  source   begins ticket   p1: 1 of 2 requests fail: HTTP 500\n");
	/* Gone silent it is the timeline's. */
	assert_null(strstr(changes_at(&c, 60), "source"));
	assert_non_null(strstr(news_at(&c, 60), "  source   begins unknown  p1: no good answer any more\n"));
	feed_all_well(c.m, 70);
	feed_ok(c.m, 70, "p1", "rules");
	assert_null(strstr(changes_at(&c, 70), "source"));
	assert_non_null(strstr(news_at(&c, 70), "  source   ends   -        p1: answers again\n"));
	feed_failed(c.m, 71, "p1", "rules", "HTTP 500");
	changes_at(&c, 71);
	feed_all_well(c.m, 82);
	assert_non_null(strstr(changes_at(&c, 82), "source   begins ticket   p1"));
	feed_ok(c.m, 83, "p1", "rules");
	assert_non_null(strstr(changes_at(&c, 83), "source   ends   -        p1: all its requests are answered\n"));
	console_done(&c);
}

#define SLO(state) "{'id':'slo:mail','state':'" state "','left':0.5,'budget_ns':3600000000000}"

static void
feed_slo(struct console *c, double seconds, const char *slo)
{
	char at[CLOCK_TEXT_MAX];

	feed_all_well(c->m, seconds);
	feed(c->m, seconds, "{'event':'slos','at':'%s','every_ns':10000000000,'slos':[%s]}", clock_format(at, T(seconds), 9), slo);
}

static void
an_objective_without_data_is_told_until_it_is_known_again(void **state)
{
	struct console c = console();

	(void)state;
	feed(c.m, 1, "{'event':'slo-defs','slos':[{'id':'slo:mail','name':'mail','source':'p1','target':0.99,'period_ns':2592000000000000}]}");
	feed_slo(&c, 2, SLO("ok"));
	opened(&c);
	feed_slo(&c, 10, SLO("no-data"));
	changes_at(&c, 10);
	feed_slo(&c, 21, SLO("no-data"));
	assert_non_null(strstr(changes_at(&c, 21), "2030-01-01T00:00:21Z  slo      begins unknown  mail: "));
	/* Its source goes away: it is not said to be known again. */
	assert_null(strstr(changes_at(&c, 100), "mail"));
	feed_slo(&c, 110, SLO("ok"));
	assert_non_null(strstr(changes_at(&c, 110), "2030-01-01T00:01:50Z  slo      ends   -        mail: known again: ok, 50% left"));
	console_done(&c);
}

/* --- how things stand ---------------------------------------------------------------------------------------------------------------- */

static void
the_state_has_what_status_says_and_what_it_leaves_out(void **state)
{
	struct plain_facts facts = { .read_only = "--read-only was given", .recorded = "recorded" };
	struct console c = console();

	(void)state;
	feed_alerts(c.m, 2, "am", ALERT("Burns|x", "firing", ",'annotations':{'summary':'a\\nforged line | y'}") "," MUTED("Quiet", "silenced"));
	feed(c.m, 2, "{'event':'incident','id':'i-1','title':'mail is\\u001b[2J lost','by':'ann','opened':'2030-01-01T00:00:01Z'}");
	model_advance(c.m, T(3));
	plain_state(c.m, &facts, &c.out);
	assert_ptr_equal(strstr(c.out.data, "OPSCONSOLE CRITICAL: 1 page firing: Burns/x 3s\nat       2030-01-01T00:00:03Z  environment "), c.out.data);
	assert_non_null(strstr(c.out.data, "\npage     firing         3s  Burns/x  a\\nforged line / y"));
	assert_non_null(strstr(c.out.data, "\nmuted    1 silenced, 0 inhibited\nincident i-1: mail is\\x1B[2J lost, open for 2s\n"));
	assert_non_null(strstr(c.out.data, "\nconsole  read-only: --read-only was given; recorded\n"));
	assert_null(strchr(c.out.data, '|'));
	buf_reset(&c.out);
	plain_alerts(c.m, &c.out);
	assert_string_equal(c.out.data, "page     firing          3s  Burns/x  a\\nforged line / y\npage     silenced        3s  Quiet    \n");
	console_done(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_one_line_whatever_it_tells),
		cmocka_unit_test(an_alert_is_told_when_it_begins_and_when_it_ends),
		cmocka_unit_test(what_people_did_before_is_history),
		cmocka_unit_test(an_alert_that_somebody_silences_is_told),
		cmocka_unit_test(targets_are_told_by_how_many_are_down),
		cmocka_unit_test(requests_that_fail_are_told_unless_the_source_is_gone),
		cmocka_unit_test(an_objective_without_data_is_told_until_it_is_known_again),
		cmocka_unit_test(the_state_has_what_status_says_and_what_it_leaves_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
