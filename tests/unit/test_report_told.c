/* What the review tells of an incident as it really goes: people who know before the metrics do, tickets that go on, hosts changed one after the other. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/report_world.h"

#define ENVIRONMENT "{'event':'environment','name':'prod','severity_label':'severity','sources':[{'name':'am','type':'alertmanager','interval_ns':3600000000000}," \
	"{'name':'p1','type':'prometheus','interval_ns':3600000000000},{'name':'mlflow','type':'mlflow','interval_ns':3600000000000}]," \
	"'models':[{'id':'model:spam','name':'spam','title':'','registry':'mlflow','serving_expr':'e','serving_source':'p1','version_label':'version','host_label':'instance'," \
	"'serving_path':'','alias':'champion'}],'markers':[{'id':'marker:build','name':'build','label':'version'}]," \
	"'contacts':[{'role':'primary','name':'Lab On-call','channel':'#oncall','responsibility':''}]}"
#define SLO_DEFS "{'event':'slo-defs','slos':[{'id':'slo:good-mail','name':'good-mail','source':'p1','target':0.999,'period_ns':2592000000000000,'method':'occurrences'," \
	"'indicator':'ratio','bad':'b','total':'t','alert_labels':{'alertname':'none'}}]}"
#define FIRES(since) "{'name':'Bad','labels':{'alertname':'Bad','severity':'page'},'state':'firing','since':'2030-01-01T" since "Z','fingerprint':'0123456789abcdef'}"

static void
has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("'%s' is missing in:\n%s", part, text);
}

static void
has_not(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		fail_msg("'%s' stands in:\n%s", part, text);
}

static size_t
count(const char *text, const char *part)
{
	size_t n = 0;

	while ((text = strstr(text, part)) != NULL) {
		text += strlen(part);
		n++;
	}
	return n;
}

static struct tape *
record(struct report_world *w, double from, double to)
{
	w->tape = tape_new("20300101-014000-77", from, to);
	tape_feed(w->tape, from, ENVIRONMENT);
	tape_feed(w->tape, from, SLO_DEFS);
	tape_alert(w->tape, from, "");
	return w->tape;
}

static void
feed_change(struct tape *t, double seconds, const char *def, const char *at, const char *text)
{
	tape_feed(t, seconds, "{'event':'markers','source':'p1','def':'%s','start':'2030-01-01T01:00:00Z','end':'2030-01-01T02:30:00Z','markers':[{'kind':'change','at':'2030-01-01T%sZ',"
	    "'what':'spam','from':'6','to':'7','text':'%s','n_series':2}]}", def, at, text);
}

static void
log_run(struct log *l, double from, double to)
{
	log_add(l, from, "run-start", "r1", INCIDENT, "'runbook':'rollback','title':'','hosts':['s-1','s-2'],'confirm':'prod/spam'");
	log_add(l, to, "run-end", "r1", INCIDENT, "'runbook':'rollback','outcome':'done','exit':0,'text':'','hosts':{},'undo':[],'verified':true");
}

/* --- how long it took --------------------------------------------------------------------------------------------------- */

static void
what_a_person_knew_first_is_no_negative_time(void **state)
{
	struct report_world *w = *state;
	struct tape *t = record(w, AT(2, 0, 0), AT(2, 40, 0));
	char *text;

	tape_alert(t, AT(2, 15, 0), FIRES("02:14:25"));
	tape_alert(t, AT(2, 20, 0), "");
	log_add(w->alice, AT(2, 15, 30), "note", NULL, INCIDENT, "'text':'later'");
	log_add(w->alice, AT(2, 30, 0), "incident-closed", NULL, INCIDENT, "'text':'rolled back to 6'");
	text = world_document(w, REPORT_MD);
	has(text, "| Time to detect | known before it was seen in the metrics |");
	has(text, "| Time to acknowledge | known before it was seen in the metrics |");
	has(text, "the first record of a person (\"incident opened: Good mail is taken for spam\" at 2030-01-01 02:14:00Z) came 25s before \"Bad fires: page\"");
	has(text, "incident closed: rolled back to 6");
	has_not(text, "-25s");
	free(text);
	text = world_document(w, REPORT_JSON);
	has(strstr(text, "\"detect\""), "\"ms\": 0,");
	has(strstr(text, "\"detect\""), "\"instead\": \"known before");
	free(text);
}

static void
its_own_page_detects_it_at_once(void **state)
{
	struct report_world *w = *state;
	struct tape *t = record(w, AT(2, 0, 0), AT(2, 40, 0));
	char *text;

	feed_change(t, AT(2, 9, 0), "marker:build", "02:08:00", "spam 6 -> 7");
	tape_alert(t, AT(2, 10, 0) + 0.197, FIRES("02:10:00"));
	tape_alert(t, AT(2, 20, 0), "");
	text = world_document(w, REPORT_MD);
	has(text, "| Time to detect | at once, by its own alert; 2m after the change before it |");
	has(text, "2m after the change before it (\"spam: 6 -\\> 7 (on the hosts, by the metrics)\" at 2030-01-01 02:08:00Z)");
	has(text, "| Time to acknowledge | 4m |");
	free(text);
	text = world_document(w, REPORT_JSON);
	has(strstr(text, "\"change\": {"), "\"at\": \"2030-01-01T02:08:00.000000000Z\"");
	free(text);
}

/* It paged from 02:05 to 02:10, and somebody opened an incident of it at 02:14. */
static void
an_incident_that_is_opened_late_is_about_what_was_before(void **state)
{
	struct report_world *w = *state;
	struct tape *t = record(w, AT(2, 0, 0), AT(2, 40, 0));
	char *text;

	tape_alert(t, AT(2, 5, 20), FIRES("02:05:00"));
	tape_alert(t, AT(2, 10, 0), "");
	log_add(w->alice, AT(2, 30, 0), "incident-closed", NULL, INCIDENT, "'text':''");
	text = world_document(w, REPORT_MD);
	has(text, "| Time to detect | 20s | 2030-01-01 02:05:00Z | 2030-01-01 02:05:20Z |");
	has(text, "| Time to acknowledge | 9m |");
	has(text, "| Time to resolve | 5m | 2030-01-01 02:05:00Z | 2030-01-01 02:10:00Z |");
	has_not(text, "no recording says when it began");
	free(text);
}

/* The page ended at 02:23, the run was verified at 02:21; a ticket goes on. */
static void
a_ticket_that_goes_on_is_told_beside(void **state)
{
	struct report_world *w = *state;
	struct tape *t = record(w, AT(2, 0, 0), AT(2, 40, 0));
	char *text;

	for (int m = 0; m < 40; m++)
		tape_slo(t, AT(2, m, 0), m < 12 ? "ok" : m < 20 ? "page" : "ticket", 0.8, 3, 100);
	tape_alert(t, AT(2, 12, 30), FIRES("02:12:10"));
	tape_alert(t, AT(2, 23, 0), "");
	log_run(w->alice, AT(2, 18, 0), AT(2, 21, 0));
	log_add(w->alice, AT(2, 35, 0), "incident-closed", NULL, INCIDENT, "'text':''");
	text = world_document(w, REPORT_MD);
	has(text, "| Time to mitigate | 9m | 2030-01-01 02:12:00Z | 2030-01-01 02:21:00Z |");
	has(text, "| Time to resolve | 11m | 2030-01-01 02:12:00Z | 2030-01-01 02:23:00Z |");
	has(text, "without a page \"good-mail burns: ticket");
	has(text, "goes on where the recording ends");
	free(text);
}

/* It was verified long after the page had ended. */
static void
mitigated_is_no_later_than_resolved(void **state)
{
	struct report_world *w = *state;
	struct tape *t = record(w, AT(2, 0, 0), AT(2, 40, 0));
	char *text;

	tape_alert(t, AT(2, 12, 0), FIRES("02:12:00"));
	tape_alert(t, AT(2, 20, 0), "");
	log_run(w->alice, AT(2, 18, 0), AT(2, 31, 0));
	text = world_document(w, REPORT_MD);
	has(text, "| Time to mitigate | 8m | 2030-01-01 02:12:00Z | 2030-01-01 02:20:00Z |");
	has(text, "run r1 was verified at 2030-01-01 02:31:00Z");
	has(text, "| Time to resolve | 8m |");
	free(text);
}

/* --- rows ------------------------------------------------------------------------------------------------------------------ */

static void
an_act_is_one_row(void **state)
{
	struct report_world *w = *state;
	struct tape *t = record(w, AT(2, 0, 0), AT(2, 40, 0));
	uint64_t act = log_add(w->alice, AT(2, 15, 0), "act", NULL, INCIDENT, "'verb':'ack','object':'Bad','text':'ACK looking','source':'am'");
	char *text;

	log_add(w->alice, AT(2, 15, 20), "act-result", NULL, INCIDENT, "'act':%llu,'outcome':'done','text':'acknowledged'", (unsigned long long)act);
	tape_feed(t, AT(2, 15, 20), "{'event':'operation','source':'am','id':'op-1','verb':'ack','object':'Bad','text':'acknowledged','state':'done'}");
	tape_feed(t, AT(2, 25, 0), "{'event':'operation','source':'am','id':'op-2','verb':'ack','object':'Bad','text':'of another log','state':'done'}");
	text = world_document(w, REPORT_MD);
	assert_int_equal(count(text, "Z | act |"), 2);
	has(text, "ack Bad: ACK looking: done");
	has(text, "of another log");
	free(text);
}

static void
changes_name_where_they_were_seen(void **state)
{
	struct report_world *w = *state;
	struct tape *t = record(w, AT(1, 40, 0), AT(2, 40, 0));
	char *text, *changes;

	feed_change(t, AT(1, 41, 0), "marker:build", "01:20:00", "spam 6 -> 7");
	feed_change(t, AT(2, 10, 0), "registry:mlflow", "02:09:00", "spam champion 6 -> 7");
	text = world_document(w, REPORT_MD);
	changes = strstr(text, "## Changes around the start");
	/* It was known before the window: the first chunk that is here holds it. */
	has(changes, "01:20:00Z | spam: 6 -\\> 7 (on the hosts, by the metrics) | recording 20300101-014000-77, chunk 5, in no chain |");
	has(changes, "02:09:00Z | spam: champion 6 -\\> 7 (in the registry) | recording 20300101-014000-77, chunk 31, in no chain |");
	has(text, "champion 6 -\\> 7 (in the registry) (known 1m later) | recording 20300101-014000-77, chunk 31, in no chain |");
	free(text);
}

static void
feed_served(struct tape *t, double seconds, const char *other)
{
	char at[CLOCK_TEXT_MAX];

	clock_format(at, T(seconds), 9);
	tape_feed(t, seconds, "{'event':'source-report','source':'mlflow','what':'registry','ok':true,'http_status':200,'latency_ns':10000000}");
	tape_feed(t, seconds, "{'event':'registry','source':'mlflow','models':[{'name':'spam','aliases':[{'alias':'champion','version':'7'}],'versions':[{'version':'7','created':"
	    "'2029-12-31T00:00:00Z'},{'version':'6','created':'2029-12-31T00:00:00Z'}]}]}");
	tape_feed(t, seconds, "{'event':'source-report','source':'p1','what':'serving:spam','ok':true,'http_status':200,'latency_ns':10000000}");
	tape_feed(t, seconds, "{'event':'serving','source':'p1','model':'model:spam','serving':[{'host':'s-1','version':'7','at':'%s','error':''},{'host':'s-2','version':'%s','at':'%s',"
	    "'error':''}]}", at, other, at);
}

/* Out of step from 02:05 to 02:10, and again from 02:20 to 02:22, while a run of ours changes hosts. */
static void
stretches_are_rows(void **state)
{
	struct report_world *w = *state;
	struct tape *t = record(w, AT(2, 0, 0), AT(2, 40, 0));
	char *text;

	for (int m = 0; m < 40; m++)
		feed_served(t, AT(2, m, 0), (m >= 5 && m < 10) || (m >= 20 && m < 22) ? "6" : "7");
	log_run(w->alice, AT(2, 19, 0), AT(2, 25, 0));
	log_add(w->alice, AT(2, 40, 0), "incident-closed", NULL, INCIDENT, "'text':''");
	text = world_document(w, REPORT_MD);
	has(text, "| model spam | out of step | 5m | 2030-01-01 02:05:00Z | 2030-01-01 02:09:55Z |");
	has(text, "| model spam | out of step, during rollback (run r1) | 2m | 2030-01-01 02:20:00Z | 2030-01-01 02:21:55Z |");
	free(text);
	text = world_document(w, REPORT_JSON);
	has(text, "\"during\": null");
	has(text, "\"during\": \"r1\"");
	free(text);
}

/* --- what there is, and what is missing ---------------------------------------------------------------------------------------- */

static void
before_the_console_is_no_gap(void **state)
{
	struct report_world *w = *state;
	char *text;

	record(w, AT(2, 10, 0), AT(2, 40, 0));
	for (int m = 10; m < 40; m++)
		tape_slo(w->tape, AT(2, m, 0), m == 20 ? "page" : "ok", 0.8, m, 100);
	log_add(w->alice, AT(2, 40, 0), "incident-closed", NULL, INCIDENT, "'text':''");
	text = world_document(w, REPORT_MD);
	has(text, "Recorded from 2030-01-01 02:10:00Z on.");
	has_not(text, "Not recorded:");
	has_not(text, "looked at are not recorded");
	free(text);
	text = world_document(w, REPORT_HTML);
	has(text, "text-anchor=\"start\">02:10Z<");
	has(text, "text-anchor=\"end\">02:40Z<");
	free(text);
}

static void
a_recording_that_was_removed_is_named(void **state)
{
	struct report_world *w = *state;
	uint64_t seq = log_add(w->alice, AT(2, 14, 1), "recording", NULL, INCIDENT, "'recording':'20300101-021000-99','state':'pinned','why':'incident','path':'/x'");
	char line[160], *text;

	log_add(w->alice, AT(2, 14, 2), "recording", NULL, INCIDENT, "'recording':'20300101-014000-77','state':'pinned','why':'incident','path':'/x'");
	record(w, AT(2, 0, 0), AT(2, 40, 0));
	text = world_document(w, REPORT_MD);
	snprintf(line, sizeof line, "Recording 20300101-021000-99 was pinned (A:%llu), but is not here", (unsigned long long)seq);
	has(strstr(text, "### What is missing"), line);
	has_not(text, "Recording 20300101-014000-77 was pinned");
	free(text);
}

static void
a_recording_that_turns_out_to_be_damaged_is_named(void **state)
{
	struct report_world *w = *state;
	char *text;

	tape_damage(record(w, AT(2, 10, 0), AT(2, 12, 0)));
	text = world_document(w, REPORT_MD);
	has(text, "Recording 20300101-014000-77: 000001.rec: its snapshot is damaged");
	has(strstr(text, "### Recordings"), "| 20300101-014000-77 | 1 |");
	free(text);
}

static void
contacts_of_the_recording_are_masked(void **state)
{
	struct report_world *w = *state;
	char *text;

	record(w, AT(2, 0, 0), AT(2, 40, 0));
	log_add(w->alice, AT(2, 15, 0), "note", NULL, INCIDENT, "'text':'asked Lab On-call'");
	text = world_document(w, REPORT_MD);
	has(text, "asked primary");
	has_not(text, "Lab On-call");
	free(text);
	w->has_names = true;
	text = world_document(w, REPORT_MD);
	has(text, "asked Lab On-call");
	free(text);
}

#define BARE(name) cmocka_unit_test_setup_teardown(name, report_world_setup_bare, report_world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BARE(what_a_person_knew_first_is_no_negative_time),
		BARE(its_own_page_detects_it_at_once),
		BARE(a_ticket_that_goes_on_is_told_beside),
		BARE(an_incident_that_is_opened_late_is_about_what_was_before),
		BARE(mitigated_is_no_later_than_resolved),
		BARE(an_act_is_one_row),
		BARE(changes_name_where_they_were_seen),
		BARE(stretches_are_rows),
		BARE(before_the_console_is_no_gap),
		BARE(a_recording_that_was_removed_is_named),
		BARE(a_recording_that_turns_out_to_be_damaged_is_named),
		BARE(contacts_of_the_recording_are_masked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
