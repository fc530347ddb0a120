/* Fields of lines: JSON, logfmt, the store's own; hostile lines. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "insight/log_filter.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void
lines_give_their_fields(void **state)
{
	static const struct {
		const char *text, *fields, *expected;
	} cases[] = {
		{ "plain words only", NULL, "" },
		{ "level=info msg=\"request \\\"done\\\"\" took=12ms", NULL, "level=info|msg=request \"done\"|took=12ms|" },
		{ "2030 INFO user=7, name=bob; x", NULL, "user=7|name=bob;|" },
		{ "a==b c= =d ==", NULL, "c=|" },
		{ "{\"a\":1,\"b\":{\"c\":\"x\",\"d\":[true,null,{\"e\":1.5}]},\"f\":{},\"g\":[]}", NULL, "a=1|b.c=x|b.d.0=true|b.d.1=null|b.d.2.e=1.5|f={}|g=[]|" },
		{ "web-1 | {\"msg\":\"x y\"} trailing", NULL, "msg=x y|" },
		{ "{\"p\":33.6,\"q\":0.1,\"r\":-2.0,\"s\":12345678901}", NULL, "p=33.6|q=0.1|r=-2.0|s=12345678901|" },
		{ "{not json} a=b", NULL, "a=b|" },
		{ "{\"a\":1", NULL, "" },
		{ "a=1", "{\"host\":\"web-1\",\"a\":\"the store's\"}", "host=web-1|a=the store's|" },
		{ "a=1", "not json", "a=1|" },
		{ "a=1 a=2", NULL, "a=1|" },
		{ "{\"a\":\"nul \\u0000 inside\"}", NULL, "a=nul \\x00 inside|" },
		{ "x=\"open", NULL, "x=open|" },
		{ "", NULL, "" },
		{ "http.status=500 k8s-pod/name=x", NULL, "http.status=500|k8s-pod/name=x|" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct log_ref line = { .text = cases[i].text, .len = strlen(cases[i].text), .fields = cases[i].fields };
		struct arena arena = ARENA_INIT;
		const struct log_field *v;
		size_t n = log_fields(&line, &arena, &v);
		struct buf b;

		buf_init(&b, 1 << 16);
		for (size_t j = 0; j < n; j++)
			buf_printf(&b, "%s=%s|", v[j].name, v[j].value);
		if (strcmp(b.data, cases[i].expected) != 0)
			fail_msg("%s\ngave     %s\nexpected %s", cases[i].text, b.data, cases[i].expected);
		buf_done(&b);
		arena_done(&arena);
	}
}

static size_t
n_fields(const char *text, size_t len)
{
	struct log_ref line = { .text = text, .len = len };
	struct arena arena = ARENA_INIT;
	const struct log_field *v;
	size_t n = log_fields(&line, &arena, &v);

	arena_done(&arena);
	return n;
}

static void
hostile_lines_are_bounded(void **state)
{
	char *text = xmalloc(1 << 20);
	size_t len = 0;

	(void)state;
	/* Deeper than any reader should go. */
	memset(text, '[', 1 << 20);
	text[0] = '{';
	assert_int_equal(n_fields(text, 1 << 20), 0);
	for (int i = 0; i < 5000; i++)
		len += (size_t)sprintf(text + len, "{\"a\":");
	assert_int_equal(n_fields(text, len), 0);
	/* More than anyone reads. */
	len = 0;
	for (int i = 0; i < 5000; i++)
		len += (size_t)sprintf(text + len, "k%d=v ", i);
	assert_int_equal(n_fields(text, len), 512);
	len = (size_t)sprintf(text, "{\"a\":[0");
	for (int i = 0; i < 5000; i++)
		len += (size_t)sprintf(text + len, ",%d", i);
	len += (size_t)sprintf(text + len, "]}");
	assert_int_equal(n_fields(text, len), 32);
	/* A line of a megabyte, and one with NULs. */
	memset(text, '=', 1 << 20);
	assert_int_equal(n_fields(text, 1 << 20), 0);
	memset(text, 'a', 1 << 20);
	assert_int_equal(n_fields(text, 1 << 20), 0);
	assert_int_equal(n_fields("a=\0b=c", 6), 1);
	free(text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_give_their_fields),
		cmocka_unit_test(hostile_lines_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
