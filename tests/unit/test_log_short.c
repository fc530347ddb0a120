/* Lines that are JSON or logfmt, as a row shows them: | stands where the fields begin. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "insight/log_short.h"

static void
check_of(enum line_level level, const char *text, size_t len, const char *expected)
{
	const struct log_ref line = { .text = text, .len = len, .level = level, .service = "web", .source = "loki" };
	char *got = NULL;
	size_t at = 0;
	struct buf b;

	buf_init(&b, 1 << 20);
	if (log_short(&line, &b, &at))
		got = xasprintf("%.*s|%s", (int)at, b.data, b.data + at);
	else
		assert_int_equal(b.len, 0);
	if (expected == NULL ? got != NULL : got == NULL || strcmp(got, expected) != 0)
		fail_msg("%s: '%s', expected '%s'", text, got != NULL ? got : "as it is", expected != NULL ? expected : "as it is");
	free(got);
	buf_done(&b);
}

static void
check(const char *text, const char *expected)
{
	check_of(LOG_LEVEL_INFO, text, strlen(text), expected);
}

static void
json(void **state)
{
	(void)state;
	check("{\"ts\":\"2030-01-01T02:14:02Z\",\"level\":\"info\",\"msg\":\"scored post\",\"model\":\"spam\",\"ms\":3.5}", "scored post| model=spam ms=3.5");
	check("{\"a\":1,\"message\":\"hi\"} \n", "hi| a=1");
	check("{\"msg\":\"x\",\"message\":\"y\"}", "x| message=y");
	check("{\"event\":\"started\",\"by\":{\"user\":\"ci\",\"ids\":[1,2]}}", "started| by.user=ci by.ids=[1,2]");
	check("{\"msg\":\"\",\"a\":\"\",\"b\":\"two words\",\"c\":\"say \\\"hi\\\"\",\"d\":null,\"e\":true}", "|msg=\"\" a=\"\" b=\"two words\" c=\"say \\\"hi\\\"\" d=null e=true");
	/* A level or a service that is not the one of the column stays. */
	check("{\"level\":\"error\",\"service\":\"web\",\"msg\":\"x\"}", "x| level=error");
	check("{\"severity\":\"INFO\",\"service\":\"db\",\"msg\":\"x\"}", "x| service=db");
	check_of(LOG_LEVEL_UNKNOWN, "{\"level\":\"hm\",\"msg\":\"x\"}", 24, "x| level=hm");
	/* Escaping is for those who show it. */
	check("{\"msg\":\"a\\u001b[2J\\nb\"}", "a\x1b[2J\nb|");
	check("{\"msg\":\"a\\u0000b\"}", "a\\x00b|");
}

static void
logfmt(void **state)
{
	(void)state;
	check("level=info msg=\"scored post\" model=spam v=7", "scored post| model=spam v=7");
	check("ts=2030 level=warn msg=x hosts=a,b,c", "x| level=warn hosts=a,b,c");
	check("a=1 a=2", "|a=1 a=2");
	check("msg=\"say \\\"hi\\\"\" a=", NULL);
}

static void
as_it_is(void **state)
{
	char *long_one = xcalloc(1, LOG_SHORT_LINE_MAX + 2);

	(void)state;
	check("", NULL);
	check("plain text", NULL);
	check("GET /posts status=200", NULL);
	check("status=200", NULL);
	check("a=1 b==2", NULL);
	check("a=1 b=\"open", NULL);
	check("a=1 b=x\"y\"", NULL);
	check("{\"msg\":\"x\"} and more", NULL);
	check("{\"msg\":\"x\"", NULL);
	check("{\"msg\":\"x\",\"msg\":\"y\"}", NULL);
	check("{\"msg\":\"\xff\"}", NULL);
	check("{}", NULL);
	check("[1]", NULL);
	/* Nothing but what has a column. */
	check("{\"level\":\"info\",\"time\":\"now\"}", NULL);
	/* A field that has no name to stand by, or too long a one. */
	check("{\"msg\":\"x\",\"\":\"y\"}", NULL);
	memset(long_one, 'x', 400);
	memcpy(long_one, "{\"msg\":\"x\",\"", 12);
	memcpy(long_one + 400, "\":1}", 4);
	check(long_one, NULL);
	memset(long_one, 'x', LOG_SHORT_LINE_MAX + 1);
	memcpy(long_one, "a=1 b=", 6);
	check(long_one, NULL);
	free(long_one);
}

static void
too_many_fields(void **state)
{
	struct buf text, b;
	struct log_ref line;
	size_t at;

	(void)state;
	buf_init(&text, 1 << 16);
	for (int i = 0; i < 100; i++)
		buf_printf(&text, "k%d=%d ", i, i);
	line = (struct log_ref){ .text = text.data, .len = text.len, .service = "" };
	buf_init(&b, 1 << 16);
	assert_true(log_short(&line, &b, &at));
	assert_non_null(strstr(b.data, " k63=63 …"));
	assert_null(strstr(b.data, "k64"));
	buf_done(&b);
	buf_done(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json),
		cmocka_unit_test(logfmt),
		cmocka_unit_test(as_it_is),
		cmocka_unit_test(too_many_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
