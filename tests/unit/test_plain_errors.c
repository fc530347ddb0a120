/* Error lines of logs as rates: what is a jump, what is told again, and when it is over. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "plain_errors.h"
#include "tests/unit/feed.h"

#define OUT_MAX (1 << 20)

struct looking {
	struct model *m;
	struct plain_errors *errors;
	struct buf out;
	unsigned n;		/* lines so far, so that none is a repeat */
};

static struct looking
looking(void)
{
	struct looking l = { .m = model_new(0, 0), .errors = plain_errors_new() };

	feed_environment(l.m, "{'name':'loki','type':'loki','interval_ns':5000000000}");
	buf_init(&l.out, OUT_MAX);
	return l;
}

static void
done(struct looking *l)
{
	plain_errors_free(l->errors);
	model_free(l->m);
	buf_done(&l->out);
}

/* n lines of a service over the minute that begins at T(seconds). */
static void
lines(struct looking *l, double seconds, const char *service, const char *level, unsigned n)
{
	struct buf b;

	buf_init(&b, OUT_MAX);
	for (unsigned i = 0; i < n; i++)
		buf_printf(&b, "%s[%lld,'line %u','%s',0]", i > 0 ? "," : "", (long long)(T(seconds) + (int64_t)i * NS_PER_MIN / n), ++l->n, level);
	feed(l->m, seconds + 60, "{'event':'log-lines','source':'loki','want':'logs:all','streams':[{'labels':{'app':'%s'},'service':'%s'}],'lines':[%s]}",
	    service, service, b.data);
	buf_done(&b);
}

static const char *
told_at(struct looking *l, double seconds, bool can_end)
{
	model_advance(l->m, T(seconds));
	buf_reset(&l->out);
	plain_errors_look(l->errors, l->m, can_end, &l->out);
	return l->out.data;
}

static void
a_jump_is_told_once_and_again_when_it_triples(void **state)
{
	struct looking l = looking();

	(void)state;
	for (int minute = 0; minute < 5; minute++) {
		lines(&l, minute * 60, "web", "error", 4);
		lines(&l, minute * 60, "web", "info", 50);
		lines(&l, minute * 60, "mail", "warning", 40);	/* no errors */
		assert_string_equal(told_at(&l, minute * 60 + 59, true), "");
	}
	lines(&l, 300, "web", "error", 30);
	assert_string_equal(told_at(&l, 359, true), "2030-01-01T00:05:59Z  log      begins -        web: 30 error lines in the last minute, 4.01 a minute before\n");
	assert_string_equal(told_at(&l, 359.5, true), "");
	lines(&l, 360, "web", "error", 31);
	assert_string_equal(told_at(&l, 419, true), "");
	lines(&l, 420, "web", "critical", 100);
	assert_non_null(strstr(told_at(&l, 479, true), "  log      now    -        web: 99 error lines in the last minute"));
	lines(&l, 480, "web", "error", 40);
	assert_string_equal(told_at(&l, 539, true), "");
	lines(&l, 540, "web", "error", 3);
	assert_string_equal(told_at(&l, 599, false), "");	/* the store does not answer: few lines are no sign of few errors */
	assert_string_equal(told_at(&l, 599, true), "2030-01-01T00:09:59Z  log      ends   -        web: 3 error lines in the last minute\n");
	assert_string_equal(told_at(&l, 700, true), "");
	done(&l);
}

static void
few_errors_and_the_usual_many_are_no_jump(void **state)
{
	struct looking l = looking();

	(void)state;
	lines(&l, 0, "quiet", "error", 9);
	assert_string_equal(told_at(&l, 59, true), "");
	for (int minute = 0; minute < 8; minute++) {
		lines(&l, minute * 60, "loud", "error", 100 + (unsigned)minute * 20);	/* it climbs slowly */
		if (minute == 0)
			plain_errors_look(l.errors, l.m, true, NULL);
		else
			assert_string_equal(told_at(&l, minute * 60 + 59, true), "");
	}
	done(&l);
}

static void
what_is_high_when_it_opens_is_told_when_it_is_over(void **state)
{
	struct looking l = looking();

	(void)state;
	lines(&l, 0, "", "error", 50);
	model_advance(l.m, T(59));
	plain_errors_look(l.errors, l.m, true, NULL);
	assert_string_equal(told_at(&l, 60, true), "");
	assert_string_equal(told_at(&l, 200, true), "2030-01-01T00:03:20Z  log      ends   -        (no service): 0 error lines in the last minute\n");
	done(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_jump_is_told_once_and_again_when_it_triples),
		cmocka_unit_test(few_errors_and_the_usual_many_are_no_jump),
		cmocka_unit_test(what_is_high_when_it_opens_is_told_when_it_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
