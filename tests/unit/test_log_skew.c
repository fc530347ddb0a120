/* Clocks of stores: what is said of them, round by round. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "source/log_skew.h"

#define T0 (INT64_C(1900000000) * NS_PER_S)
#define NONE INT64_MIN

/* A round at T0 + at_s whose newest line is off_s from then; says this, NULL nothing. */
static void
check(struct log_skew *s, int64_t at_s, int64_t off_s, const char *says)
{
	char text[LOG_SKEW_TEXT_MAX] = "";
	int64_t now = T0 + at_s * NS_PER_S;
	bool is_said = log_skew_round(s, now, off_s == NONE ? NONE : now + off_s * NS_PER_S, true, text);

	if (is_said != (says != NULL) || (is_said && strncmp(text, says, strlen(says)) != 0))
		fail_msg("at %lld: '%s', expected '%s'", (long long)at_s, text, says != NULL ? says : "");
}

static void
ahead(void **state)
{
	struct log_skew s = { 0 };

	(void)state;
	check(&s, 0, 4, NULL);
	check(&s, 2, 42, "42s ahead of this machine");
	/* As much, a little less, none of it for a while: no news. */
	check(&s, 4, 43, NULL);
	check(&s, 6, 30, NULL);
	check(&s, 8, NONE, NULL);
	check(&s, 10, -1, NULL);
	check(&s, 200, 80, "1m ahead");
	/* Put right partly, and then wholly. */
	check(&s, 202, 10, "10s ahead");
	check(&s, 400, -1, NULL);
	check(&s, 600, -1, "lines come in time again");
	check(&s, 602, -1, NULL);
}

static void
behind(void **state)
{
	struct log_skew s = { 0 };

	(void)state;
	for (int i = 0; i < LOG_SKEW_ROUNDS - 1; i++) {
		check(&s, 4 * i, -70 - i, NULL);
		check(&s, 4 * i + 2, NONE, NULL);
	}
	check(&s, 60, -75, "new lines are 1m old or more");
	assert_true(log_skew_lag(&s) == 70 * NS_PER_S);
	check(&s, 62, -71, NULL);
	/* One that is new is enough to see that the clock is right. */
	check(&s, 64, -2, "lines come in time again");
	assert_true(log_skew_lag(&s) == 0);
	/* Single late ones say nothing of it. */
	for (int i = 0; i < 40; i++)
		check(&s, 70 + i, i % 4 == 0 ? -3 : -90, NULL);
}

/* The first page of a quiet store is old. */
static void
the_past_is_no_sign(void **state)
{
	struct log_skew s = { 0 };
	char text[LOG_SKEW_TEXT_MAX];

	(void)state;
	for (int i = 0; i < 2 * LOG_SKEW_ROUNDS; i++)
		assert_false(log_skew_round(&s, T0 + i, T0 - NS_PER_HOUR, false, text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ahead),
		cmocka_unit_test(behind),
		cmocka_unit_test(the_past_is_no_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
