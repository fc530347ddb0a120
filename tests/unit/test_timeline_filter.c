/* The timeline's filter: what its words mean, how they join, and that every bad one is refused with a reason. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "panels/timeline.h"

static const struct timeline_entry alert = { .kind = TIMELINE_ALERT, .severity = SEVERITY_PAGE, .id = "alert:00c0ffee", .what = "HighLatency",
	.text = "page, v7 on 3 hosts", .by = "", };
static const struct timeline_entry run_end = { .kind = TIMELINE_RUN, .is_end = true, .severity = SEVERITY_NONE, .id = "run:20300101-0219",
	.what = "rollback", .text = "done and verified", .by = "jane", .seq = 539 };
static const struct timeline_entry note = { .kind = TIMELINE_NOTE, .severity = SEVERITY_NONE, .id = "", .what = "note",
	.text = "at 02:13:58 not or and (maybe)", .by = "Tomas", .seq = 514 };

static void
test_matches(void **state)
{
	static const struct {
		const char *filter;
		bool alert, run_end, note;
	} cases[] = {
		{ NULL, true, true, true }, { "", true, true, true }, { "   ", true, true, true },
		{ "latency", true, false, false }, { "LATENCY", true, false, false }, { "3 hosts", true, false, false }, { "hosts nowhere", false, false, false },
		{ "kind:alert", true, false, false }, { "kind=alert,note", true, false, true }, { "kind:run or kind:note", false, true, true },
		{ "not kind:alert", false, true, true }, { "!kind:alert", false, true, true }, { "not not kind:alert", true, false, false },
		{ "sev:page", true, false, false }, { "severity:none", false, true, true }, { "by:jane", false, true, false }, { "by:tom", false, false, true },
		{ "state:end", false, true, false }, { "state:begin", true, false, true }, { "state:open", true, false, false },
		{ "what:roll", false, true, false }, { "id:20300101", false, true, false }, { "seq:514", false, false, true }, { "seq:51", false, false, false },
		/* and binds tighter than or */
		{ "kind:alert or kind:run and by:nobody", true, false, false }, { "(kind:alert or kind:run) and by:jane", false, true, false },
		{ "kind:alert or kind:run by:jane", true, true, false }, { "not (kind:alert or kind:run)", false, false, true },
		{ "not kind:alert by:tomas", false, false, true }, { "((kind:note))", false, false, true },
		/* a colon behind what is no key is part of the word */
		{ "02:13:58", false, false, true }, { "\"", false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct timeline_filter_fact a = { &alert, true }, r = { &run_end, false }, n = { &note, false };
		char why[192];

		assert_string_equal(timeline_filter_refusal(cases[i].filter, why, sizeof why), "");
		if (timeline_filter_matches(cases[i].filter, &a) != cases[i].alert || timeline_filter_matches(cases[i].filter, &r) != cases[i].run_end ||
		    timeline_filter_matches(cases[i].filter, &n) != cases[i].note)
			fail_msg("filter: %s", cases[i].filter);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char *filter, *says;
	} cases[] = {
		{ "kind:alrt", "no kind" }, { "kind:", "no kind" }, { "kind:alert,", "no kind" }, { "sev:bad", "no severity" }, { "state:", "no state" },
		{ "kin:alert", "no key" }, { "(kind:run", ") is missing" }, { "kind:run)", "without its (" }, { "()", "word is missing" },
		{ "not", "word is missing" }, { "kind:run or", "word is missing" }, { "or kind:run", "word is missing" }, { "kind:run and", "word is missing" },
		{ "a or or b", "word is missing" }, { "!", "word is missing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct timeline_filter_fact a = { &alert, true };
		char why[192];

		timeline_filter_refusal(cases[i].filter, why, sizeof why);
		if (strstr(why, cases[i].says) == NULL)
			fail_msg("filter %s: \"%s\" does not say \"%s\"", cases[i].filter, why, cases[i].says);
		assert_false(timeline_filter_matches(cases[i].filter, &a));
	}
}

/* However deep, and however long: an answer, and no crash. */
static void
test_deep_and_long(void **state)
{
	char filter[5000], why[192];

	(void)state;
	memset(filter, '(', sizeof filter - 1);
	filter[sizeof filter - 1] = '\0';
	assert_non_null(strstr(timeline_filter_refusal(filter, why, sizeof why), "too many"));
	memset(filter, '!', sizeof filter - 1);
	assert_non_null(strstr(timeline_filter_refusal(filter, why, sizeof why), "too many"));
	memset(filter, 'x', sizeof filter - 1);
	assert_string_equal(timeline_filter_refusal(filter, why, sizeof why), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches), cmocka_unit_test(test_refused), cmocka_unit_test(test_deep_and_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
