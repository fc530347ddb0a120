/* The review of an incident: what it says, from what, and what it does not claim to know. GENERATE=1 records the golden documents anew. */
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
#include "base/secrets.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "tests/unit/report_world.h"

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

static void
in_order(const char *text, const char *const *parts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *p = strstr(text, parts[i]);

		if (p == NULL)
			fail_msg("'%s' is missing, or not behind '%s', in:\n%s", parts[i], i > 0 ? parts[i - 1] : "", text);
		text = p + strlen(parts[i]);
	}
}

/* --- the whole document ------------------------------------------------------------------------------------------------ */

static char *
read_golden(const char *name)
{
	FILE *f = fopen(name, "re");
	struct buf b;
	char part[4096], *text;
	size_t n;

	if (f == NULL)
		fail_msg("%s is missing: GENERATE=1 makes it", name);
	buf_init(&b, 16 << 20);
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		buf_add(&b, part, n);
	fclose(f);
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

/* The sums differ with the folder's name and the version. */
static char *
without_sums(char *text, const char *mark)
{
	char *p = strstr(text, mark), *end;

	assert_non_null(p);
	end = strchr(p, '\n');
	memmove(p, end, strlen(end) + 1);
	return text;
}

static void
golden(const struct report_world *w, enum report_format format, const char *ext, const char *mark)
{
	char *name = xasprintf(SOURCE_DIR "/tests/unit/report-golden.%s", ext), *text = without_sums(world_document(w, format), mark), *want;

	if (getenv("GENERATE") != NULL) {
		FILE *f = fopen(name, "we");

		assert_non_null(f);
		fputs(text, f);
		assert_int_equal(fclose(f), 0);
	}
	want = read_golden(name);
	assert_string_equal(text, want);
	free(want);
	free(text);
	free(name);
}

static void
the_review_as_markdown(void **state)
{
	golden(*state, REPORT_MD, "md", "<!-- opsconsole:generated");
}

static void
the_review_as_json(void **state)
{
	golden(*state, REPORT_JSON, "json", "\"generated\"");
}

static void
the_review_as_html(void **state)
{
	golden(*state, REPORT_HTML, "html", "<!-- opsconsole:generated");
}

/* --- what it rests on --------------------------------------------------------------------------------------------------- */

static void
two_chains_in_one_order(void **state)
{
	static const char *const parts[] = { "ack SpamFalsePositiveRateHigh", "incident opened", "suspects it", "incident joined", "users report", "silence job", "run 20300101",
		"incident closed" };
	char *text = world_document(*state, REPORT_MD), *timeline = strstr(text, "## Timeline");

	in_order(timeline, parts, sizeof parts / sizeof *parts);
	has(timeline, "A:4 ");
	has(timeline, "B:2 ");
	has(text, "| Evidence | every chain and chunk verifies |");
	free(text);
}

static void
a_clock_that_is_behind_is_told(void **state)
{
	struct report_world *w = *state;
	char *text;

	log_add(w->bob, AT(2, 11, 0), "incident-opened", NULL, INCIDENT, "'title':'x','joined':true");
	log_add(w->bob, AT(2, 10, 0), "note", NULL, INCIDENT, "'text':'one minute back'");
	text = world_document(w, REPORT_MD);
	has(text, "Chain B joined the incident 3m before it was opened elsewhere");
	has(text, "The clock of chain B stepped back 1 time, by up to 1m");
	in_order(strstr(text, "## Timeline"), (const char *const[]){ "incident joined", "one minute back", "incident opened" }, 3);
	free(text);
}

static void
spoil(const struct report_world *w, const char *what, char with)
{
	char *path = xasprintf("%s/0/audit-000001.jsonl", w->root), *p, *text;
	FILE *f;

	report_free(world_gather(w));	/* writes the logs */
	text = read_golden(path);
	p = strstr(text, what);
	assert_non_null(p);
	*p = with;
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	free(text);
	free(path);
}

static void
a_chain_that_does_not_verify(void **state)
{
	struct report_world *w = *state;
	struct report *r;
	char *text;

	spoil(w, "v7 went out", 'V');
	r = world_gather(w);
	assert_false(report_is_sound(r));
	text = report_document(w, r, REPORT_MD);
	has(text, "Not all evidence verifies");
	has(text, "Chain A does not verify (edited)");
	has(text, "1 line of chain A is no record that holds, and is left out");
	has_not(text, "went out at 02:05");
	has(strstr(text, "## Timeline"), "(not verified)");
	/* What stands before it, and the other chain, are not touched by it. */
	in_order(strstr(text, "## Timeline"), (const char *const[]){ "incident opened", "A:4 ", " |\n" }, 3);
	has(text, "users report lost mail");
	report_free(r);
	free(text);
}

static void
a_log_cut_off_is_seen_by_its_head(void **state)
{
	struct report_world *w = *state;
	char *path = xasprintf("%s/0/audit-000001.jsonl", w->root), *text, *p;
	FILE *f;
	struct report *r;

	report_free(world_gather(w));
	text = read_golden(path);
	p = strstr(text, "\"type\":\"incident-closed\"");
	assert_non_null(p);
	while (p[-1] != '\n')
		p--;
	f = fopen(path, "we");
	fwrite(text, 1, (size_t)(p - text), f);
	fclose(f);
	free(text);
	r = world_gather(w);
	assert_false(report_is_sound(r));
	text = report_document(w, r, REPORT_MD);
	has(text, "Chain A does not verify (truncated)");
	has(text, "| Closed | not closed |");
	has_not(strstr(text, "## Timeline"), "(not verified) |\n| 2030-01-01 02:14:00Z");
	report_free(r);
	free(text);
	free(path);
}

static void
no_recording(void **state)
{
	struct report_world *w = *state;
	char *text;

	tape_free(w->tape);
	w->tape = NULL;
	text = world_document(w, REPORT_MD);
	has(text, "There is no recording of this time");
	has(text, "| Time to detect | not known |");
	has(text, "| Time to resolve | not known |");
	has(text, "Not recorded: there is no recording of this time.");
	has(text, "| Objectives that burned | not recorded |");
	has(text, "Chunk 7 of recording 20300101-014000-77 (A:");
	has(text, "| Evidence | every chain verifies; of ");
	has(text, " chunks 0 are as the chains say, 0 are in no chain, ");
	has(text, "users report lost mail");
	free(text);
	text = world_document(w, REPORT_JSON);
	has(text, "\"recorded\": false");
	free(text);
}

static void
a_chunk_that_is_not_the_one_that_the_chain_names(void **state)
{
	struct report_world *w = *state;
	struct report *r;
	char *text;

	tape_free(w->tape);
	w->tape = tape_new("20300101-014000-77", AT(1, 40, 0), AT(1, 45, 0));
	log_add(w->bob, AT(2, 42, 0), "chunk", NULL, INCIDENT, "'recording':'20300101-021000-88','number':1,'file':'1','from':'2030-01-01T02:10:00Z','to':'2030-01-01T02:11:00Z','bytes':1,"
	    "'events':1,'sha256':'%064d'", 5);
	tape_free(w->tape);
	w->tape = tape_new("20300101-021000-88", AT(2, 10, 0), AT(2, 12, 0));
	r = world_gather(w);
	assert_false(report_is_sound(r));
	text = report_document(w, r, REPORT_MD);
	has(text, "Chunk 1 of recording 20300101-021000-88 is not the one that the chain names");
	has(text, "| differs from the chain |");
	has(text, "| in no chain |");
	report_free(r);
	free(text);
}

/* What no record names is not called verified. */
static void
chunks_that_nobody_vouches_for(void **state)
{
	struct report_world *w = *state;
	char *text;

	w->tape = tape_new("20300101-014000-77", AT(2, 10, 0), AT(2, 20, 0));
	text = world_document(w, REPORT_MD);
	has(text, "| Evidence | every chain verifies; of 10 chunks 0 are as the chains say, 10 are in no chain, 0 are not here");
	free(text);
}

/* One that was taken out of a recording is not overlooked. */
static void
a_chunk_that_is_gone(void **state)
{
	struct report_world *w = *state;
	char hash[65], *text;
	struct report *r;

	w->tape = tape_new("20300101-014000-77", AT(2, 10, 0), AT(2, 20, 0));
	tape_hash(w->tape, 1, hash);
	for (int number = 1; number <= 29; number += 28)
		log_add(w->alice, AT(2, 41, 0), "chunk", NULL, INCIDENT, "'recording':'20300101-014000-77','number':%d,'file':'1','from':'2030-01-01T02:10:00Z',"
		    "'to':'2030-01-01T02:11:00Z','bytes':1,'events':1,'sha256':'%s'", number, hash);
	r = world_gather(w);
	assert_false(report_is_sound(r));
	text = report_document(w, r, REPORT_MD);
	has(text, "Chunk 29 of recording 20300101-014000-77 (A:");
	has(text, "| Evidence | not all of it verifies");
	report_free(r);
	free(text);
}

static void
a_gap_in_the_recording_is_no_good_time(void **state)
{
	struct report_world *w = *state;
	char *text;

	tape_gap(w->tape, AT(2, 12, 0), AT(2, 20, 0));
	text = world_document(w, REPORT_MD);
	has(text, "Not recorded: 8m.");
	has(text, "has nothing from 2030-01-01 02:12:00Z to 2030-01-01 02:20:00Z");
	has(text, "8m of the 56m looked at are not recorded");
	free(text);
}

static void
a_packed_file_brings_its_chains(void **state)
{
	struct report_world *w = *state;
	const struct log *logs[] = { w->alice, w->bob };
	const char *chains[] = { "incident.opsrec", NULL };
	struct recording *rec = tape_recording(w->tape);
	struct report_options o = { .incident = INCIDENT, .chains = chains, .recordings = &rec, .n_recordings = 1, .now_ns = T(AT(9, 0, 0)) };
	struct report *r = NULL;
	struct err err = ERR_INIT;
	char *text;

	packs_found("incident.opsrec", logs, 2);
	if (report_gather(&o, &r, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(report_is_sound(r));
	text = report_document(w, r, REPORT_MD);
	has(text, "incident.opsrec: audit-1.jsonl");
	has(text, "users report lost mail");
	has(text, "incident closed");
	report_free(r);
	free(text);
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

/* Its sources told it four seconds later, and that it began three seconds later. */
static void
what_two_consoles_saw_is_told_once(void **state)
{
	static const char fires[] = "{'name':'SpamFalsePositiveRateHigh','labels':{'alertname':'SpamFalsePositiveRateHigh','severity':'page'},'state':'firing','since':'2030-01-01T02:08:03Z',"
		"'fingerprint':'0123456789abcdef'}";
	struct report_world *w = *state;
	struct tape *other = tape_new("20300101-020000-99", AT(2, 0, 0), AT(2, 50, 0));
	char first[128], head[160], *text;
	const char *chains[] = { first, NULL }, *heads[] = { head, NULL };
	struct recording *both[] = { tape_recording(w->tape), tape_recording(other) };
	struct report_options o = { .incident = INCIDENT, .chains = chains, .heads = heads, .recordings = both, .n_recordings = 2, .now_ns = T(AT(9, 0, 0)) };
	struct report *r = NULL;
	struct err err = ERR_INIT;

	tape_feed(other, AT(2, 0, 0), "{'event':'environment','name':'prod','severity_label':'severity','sources':[{'name':'am','type':'alertmanager','interval_ns':3600000000000}]}");
	tape_alert(other, AT(2, 0, 0), "");
	tape_alert(other, AT(2, 12, 4), fires);
	tape_alert(other, AT(2, 23, 4), "");
	snprintf(first, sizeof first, "%s/a", w->root);
	snprintf(head, sizeof head, "%s/a-head", w->root);
	log_write(w->alice, first);
	if (report_gather(&o, &r, &err) < 0)
		fail_msg("%s", err.msg);
	text = report_document(w, r, REPORT_JSON);
	assert_int_equal(count(text, "\"text\": \"SpamFalsePositiveRateHigh fires: page\""), 1);
	assert_int_equal(count(text, "\"text\": \"SpamFalsePositiveRateHigh is resolved\""), 1);
	has(text, "\"in no chain\"");
	report_free(r);
	free(text);
	tape_free(other);
}

/* --- outcomes --------------------------------------------------------------------------------------------------------------- */

static void
what_has_no_result_stays_unknown(void **state)
{
	struct report_world *w = *state;
	char *text;

	log_add(w->alice, AT(2, 30, 0), "incident-opened", NULL, INCIDENT, "'title':'again','joined':true");
	log_add(w->alice, AT(2, 31, 0), "run-start", "r2", INCIDENT, "'runbook':'restart','title':'','hosts':[],'confirm':''");
	text = world_document(w, REPORT_MD);
	has(text, "| activate, batch 2 | web-2 | activate-model spam-filter 6 | unknown: no result is recorded |");
	has(text, "activate on web-2 of run 20300101-021901-web: the outcome is unknown.");
	has(text, "silence job=mail has no result: its outcome is unknown.");
	has(text, "Run r2 of restart has no end");
	free(text);
}

/* "Messages sent" has no message that was not. */
static void
a_message_that_was_not_sent(void **state)
{
	struct report_world *w = *state;
	uint64_t seq = log_add(w->alice, AT(2, 20, 0), "intent", "r1", INCIDENT, "'step':'tell','batch':-1,'what':'notify status-page: we look into it'");
	char *text, *messages;

	log_add(w->alice, AT(2, 20, 1), "result", "r1", INCIDENT, "'intent':%d,'step':'tell','outcome':'FAILED','text':'HTTP 503'", (int)seq);
	log_add(w->alice, AT(2, 21, 0), "intent", "r1", INCIDENT, "'step':'tell','batch':-1,'what':'notify chat: rolled back'");
	text = world_document(w, REPORT_MD);
	messages = strstr(text, "## Messages sent");
	has(messages, "we look into it (not sent: FAILED: HTTP 503)");
	has(messages, "rolled back (not known whether it was sent: UNKNOWN: no result is recorded)");
	free(text);
}

static void
a_result_that_came_later_settles_it(void **state)
{
	struct report_world *w = *state;
	char *text;

	log_add(w->bob, AT(2, 36, 0), "act-result", NULL, INCIDENT, "'act':4,'outcome':'failed','text':'403'");
	text = world_document(w, REPORT_MD);
	has(text, "silence job=mail: noise: failed |");
	has(text, "| failed: 403 |");
	has_not(text, "silence job=mail has no result");
	free(text);
}

static void
acts_without_the_log_are_told(void **state)
{
	struct report_world *w = *state;
	char *text;

	log_add(w->bob, AT(2, 37, 0), "gap", NULL, INCIDENT, "'reason':'disk full','since':'2030-01-01T02:36:00Z','where':'journald'");
	text = world_document(w, REPORT_MD);
	has(text, "acts were made without the log since 2030-01-01T02:36:00Z (break glass: disk full); their records: journald");
	free(text);
}

/* --- how long it took ---------------------------------------------------------------------------------------------------------- */

static void
measures_name_what_they_are_worked_out_from(void **state)
{
	char *text = world_document(*state, REPORT_MD), *section = strstr(text, "## Detection and response");

	/* The alert is active since 02:08, the burn was known at 02:10, acknowledged at 02:13:30, the run was verified at 02:21:05, the last page ended at 02:23. */
	has(section, "| Time to detect | 2m | 2030-01-01 02:08:00Z | 2030-01-01 02:10:00Z |");
	has(section, "| Time to acknowledge | 5m30s | 2030-01-01 02:08:00Z | 2030-01-01 02:13:30Z |");
	has(section, "| Time to mitigate | 13m05s | 2030-01-01 02:08:00Z | 2030-01-01 02:21:05Z |");
	has(section, "| Time to resolve | 15m | 2030-01-01 02:08:00Z | 2030-01-01 02:23:00Z |");
	free(text);
}

static void
what_goes_on_is_not_mitigated(void **state)
{
	struct report_world *w = *state;
	char *text;

	tape_free(w->tape);
	w->tape = tape_new("20300101-014000-77", AT(1, 40, 0), AT(2, 15, 0));
	tape_feed(w->tape, AT(1, 40, 0), "{'event':'environment','name':'prod','severity_label':'severity','sources':[{'name':'am','type':'alertmanager','interval_ns':3600000000000}]}");
	tape_alert(w->tape, AT(2, 0, 0), "");
	tape_alert(w->tape, AT(2, 12, 0), "{'name':'Bad','labels':{'alertname':'Bad','severity':'page'},'state':'firing','since':'2030-01-01T02:10:00Z'}");
	text = world_document(w, REPORT_MD);
	has(text, "| Time to mitigate | not known |");
	has(text, "| Time to resolve | not known |");
	has(text, "goes on where the recording ends");
	has(text, "Bad still fires (page).");
	free(text);
}

static void
impact_in_minutes_and_budget(void **state)
{
	char *text = world_document(*state, REPORT_MD), *section = strstr(text, "## Impact");

	has(section, "| good-mail: 99.9% over 30d | 12m | none | none | 12% of the window's budget (5m11s of total outage); 78% left | at least 600 |");
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

/* s-2 served another version from 02:10 to 02:20. */
static void
a_model_out_of_step_is_impact(void **state)
{
	struct report_world *w = *state;
	char *text;

	w->tape = tape_new("20300101-014000-77", AT(1, 40, 0), AT(2, 50, 0));
	tape_feed(w->tape, AT(1, 40, 0), "{'event':'environment','name':'prod','severity_label':'severity','sources':[{'name':'p1','type':'prometheus','interval_ns':3600000000000},"
	    "{'name':'mlflow','type':'mlflow','interval_ns':3600000000000}],'models':[{'id':'model:spam','name':'spam','title':'','registry':'mlflow','serving_expr':'e','serving_source':'p1',"
	    "'version_label':'version','host_label':'instance','serving_path':'','alias':'champion'}]}");
	for (int m = 40; m < 110; m++)
		feed_served(w->tape, AT(1, m, 0), m >= 70 && m < 80 ? "6" : "7");
	log_add(w->alice, AT(2, 40, 0), "incident-closed", NULL, INCIDENT, "'text':''");
	text = world_document(w, REPORT_MD);
	has(strstr(text, "### Models and hosts"), "| model spam | out of step | 10m | 2030-01-01 02:10:00Z | 2030-01-01 02:19:55Z | s-2 | recording 20300101-014000-77, chunk 31, in no chain |");
	has(strstr(text, "## Changes around the start"), "out of step");
	free(text);
}

/* --- people, secrets --------------------------------------------------------------------------------------------------------------- */

static void
roles_unless_names_are_asked_for(void **state)
{
	struct report_world *w = *state;
	static const struct contact contacts[] = { { "primary", "Alice Example", "#oncall", "" } };
	struct environment env = { .name = "prod", .n_contacts = 1, .contacts = contacts };
	static const enum report_format formats[] = { REPORT_MD, REPORT_JSON, REPORT_HTML };

	w->environment = &env;
	log_add(w->bob, AT(2, 36, 0), "note", NULL, INCIDENT, "'text':'/home/alice/x by alice@web, Alice Example and BOB; alicepenny stays'");
	for (size_t i = 0; i < 3; i++) {
		char *text = world_document(w, formats[i]);

		has_not(text, "alice@");
		has_not(text, "alice suspects");
		has_not(text, "Example");
		has_not(text, "/home/alice");
		has_not(text, "BOB");
		has(text, "alicepenny");
		has(text, "operator 1 (primary) suspects");
		has(text, "operator 2");
		free(text);
	}
	w->has_names = true;
	for (size_t i = 0; i < 3; i++) {
		char *text = world_document(w, formats[i]);

		has(text, "alice suspects");
		has_not(text, "operator 1 (primary) suspects");
		free(text);
	}
}

static void
secrets_never_appear(void **state)
{
	struct report_world *w = *state;
	static const enum report_format formats[] = { REPORT_MD, REPORT_JSON, REPORT_HTML };

	log_add(w->bob, AT(2, 36, 0), "note", NULL, INCIDENT, "'text':'the token is hunter2secret, mind it'");
	assert_int_equal(secrets_add("token", "hunter2secret", strlen("hunter2secret"), NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		char *text = world_document(w, formats[i]);

		has_not(text, "hunter2");
		has(text, "secret token");
		free(text);
	}
	secrets_wipe();
}

/* --- which incident ------------------------------------------------------------------------------------------------------------------- */

static void
an_incident_that_nobody_knows(void **state)
{
	struct report_world *w = *state;
	struct report *r = NULL;
	struct err err = ERR_INIT;

	log_add(w->bob, AT(5, 0, 0), "incident-opened", NULL, "other", "'title':'x','joined':false");
	assert_int_equal(world_try(w, "20300101-0215-web", &r, &err), ERR_NOTFOUND);
	assert_string_equal(err.msg, "no log knows incident 20300101-0215-web; known, newest first: other, " INCIDENT);
}

static void
an_open_incident_says_so(void **state)
{
	char *text = world_document(*state, REPORT_MD);

	has(text, "| Closed | not closed |");
	has(text, "The incident is not closed.");
	has(text, "Nothing that changes anything is recorded.");
	has(text, "Chain B knows nothing of this incident.");
	free(text);
}

#define WITH(name) cmocka_unit_test_setup_teardown(name, report_world_setup, report_world_teardown)
#define BARE(name) cmocka_unit_test_setup_teardown(name, report_world_setup_bare, report_world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(the_review_as_markdown),
		WITH(the_review_as_json),
		WITH(the_review_as_html),
		WITH(two_chains_in_one_order),
		BARE(a_clock_that_is_behind_is_told),
		WITH(a_chain_that_does_not_verify),
		WITH(a_log_cut_off_is_seen_by_its_head),
		WITH(no_recording),
		WITH(a_chunk_that_is_not_the_one_that_the_chain_names),
		WITH(a_gap_in_the_recording_is_no_good_time),
		WITH(a_packed_file_brings_its_chains),
		WITH(what_two_consoles_saw_is_told_once),
		WITH(what_has_no_result_stays_unknown),
		WITH(a_result_that_came_later_settles_it),
		WITH(acts_without_the_log_are_told),
		WITH(measures_name_what_they_are_worked_out_from),
		WITH(what_goes_on_is_not_mitigated),
		WITH(impact_in_minutes_and_budget),
		BARE(a_model_out_of_step_is_impact), BARE(chunks_that_nobody_vouches_for), BARE(a_message_that_was_not_sent), BARE(a_chunk_that_is_gone),
		WITH(roles_unless_names_are_asked_for),
		WITH(secrets_never_appear),
		WITH(an_incident_that_nobody_knows),
		BARE(an_open_incident_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
