/* Names and patterns of hosts, and the way back from names to a pattern. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"
#include "conf/hostlist.h"

/* --- one name -------------------------------------------------------------------------------- */

static void
names_are_strict(void **state)
{
	static const char *const good[] = {
		"web-1", "web_1", "a", "a.b.c", "web-01.example.org", "xn--bcher-kva.example", "10.0.0.1",
		"::1", "2001:db8::7", "1a", "0xg", "node.1a", "a-",
		"a23456789012345678901234567890123456789012345678901234567890123",
	};
	static const char *const bad[] = {
		"", ".", "a.", ".a", "a..b", "-a", "a.-b", "-oProxyCommand=x", "a b", "a/b", "a@b", "a\nb",
		"a\033[2J", ("b\xc3\xbc" "cher"), "a;b", "$(x)", "`x`", "a'b", "*", "a:b", "[::1]", "fe80::1%eth0",
		/* Numbers that some resolvers take for addresses. */
		"1", "127.1", "0x7f000001", "10.0.0.256", "1.2.3.4.5", "010.0.0.1", "a.1", "a.0x1", "2130706433",
		"a234567890123456789012345678901234567890123456789012345678901234",
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (!host_name_is_valid(good[i]))
			fail_msg("'%s' is refused", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (host_name_is_valid(bad[i]))
			fail_msg("'%s' is taken", bad[i]);
}

static void
names_have_a_longest(void **state)
{
	char name[256];

	(void)state;
	memset(name, 'a', sizeof name);
	for (size_t i = 50; i < sizeof name; i += 51)
		name[i] = '.';
	name[253] = '\0';
	assert_true(host_name_is_valid(name));
	name[253] = 'a';
	name[254] = '\0';
	assert_false(host_name_is_valid(name));
}

static void
users_are_strict(void **state)
{
	static const char *const bad[] = { "", "-x", "a b", "a;b", "a\nb", "a'b", "a/b", "$(x)" };

	(void)state;
	assert_true(host_user_is_valid("deploy"));
	assert_true(host_user_is_valid("CORP\\ann"));
	assert_true(host_user_is_valid("svc-1.x_y@corp"));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (host_user_is_valid(bad[i]))
			fail_msg("'%s' is taken", bad[i]);
}

static void
order_is_natural(void **state)
{
	static const char *const sorted[] = { "a", "a1", "a2", "a10", "a010", "a10b", "b", "web-2", "web-10" };

	(void)state;
	for (size_t i = 0; i < sizeof sorted / sizeof sorted[0]; i++)
		for (size_t j = 0; j < sizeof sorted / sizeof sorted[0]; j++)
			assert_int_equal(host_compare(sorted[i], sorted[j]), (i > j) - (i < j));
}

/* --- patterns to names ----------------------------------------------------------------------- */

static char *
join(const struct hostlist *l)
{
	struct buf b;
	char *text;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < l->n; i++)
		buf_printf(&b, "%s%s", i > 0 ? " " : "", l->v[i]);
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

static void
patterns_stand_for_names(void **state)
{
	static const struct {
		const char *pattern, *names;
	} tests[] = {
		{ "web-1", "web-1" },
		{ "web-[01-03]", "web-01 web-02 web-03" },
		{ "web-[1-3]", "web-1 web-2 web-3" },
		{ "web-[8-11]", "web-8 web-9 web-10 web-11" },
		{ "web-[08-11]", "web-08 web-09 web-10 web-11" },
		{ "web-[098-101]", "web-098 web-099 web-100 web-101" },
		{ "web-[98-101]", "web-98 web-99 web-100 web-101" },
		{ "web-[1,3,05-06]", "web-1 web-3 web-05 web-06" },
		{ "web-[7]", "web-7" },
		{ "b,a", "a b" },
		{ " b , a ", "a b" },
		{ "a-[1-2],b", "a-1 a-2 b" },
		{ "r[1-2]n[1-2].x", "r1n1.x r1n2.x r2n1.x r2n2.x" },
		{ "[1-2]a", "1a 2a" },
		{ "10.0.0.[9-11]", "10.0.0.9 10.0.0.10 10.0.0.11" },
		{ "2001:db8::[1-2]", "2001:db8::1 2001:db8::2" },
		{ "web-[1-9],!web-3", "web-1 web-2 web-4 web-5 web-6 web-7 web-8 web-9" },
		{ "!web-[2-9],web-[1-9]", "web-1" },
		{ "a,a,a", "a" },
		{ "a,!b", "a" },
		{ "a,!a", "" },
		{ "web-[000000000000001]", "web-000000000000001" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
		struct hostlist l = { 0 };
		struct err err = ERR_INIT;
		char *names;

		if (hostlist_add(&l, tests[i].pattern, &err) < 0)
			fail_msg("%s", err.msg);
		hostlist_finish(&l);
		names = join(&l);
		if (!str_eq(names, tests[i].names))
			fail_msg("'%s' is '%s', not '%s'", tests[i].pattern, names, tests[i].names);
		free(names);
		hostlist_done(&l);
	}
}

static void
several_patterns_are_one_list(void **state)
{
	struct hostlist l = { 0 };
	char *names;

	(void)state;
	assert_int_equal(hostlist_add(&l, "!web-2", NULL), 0);
	assert_int_equal(hostlist_add(&l, "web-[1-3]", NULL), 0);
	assert_int_equal(hostlist_add(&l, "db", NULL), 0);
	hostlist_finish(&l);
	names = join(&l);
	assert_string_equal(names, "db web-1 web-3");
	free(names);
	hostlist_done(&l);
}

static void
patterns_have_columns(void **state)
{
	static const struct {
		const char *pattern, *sentence;
		int code;
	} tests[] = {
		{ "", "'' breaks at column 1: the name of a host is expected", ERR_SYNTAX },
		{ "a,", "'a,' breaks at column 3: the name of a host is expected", ERR_SYNTAX },
		{ "!", "'!' breaks at column 2: the name of a host is expected", ERR_SYNTAX },
		{ "web-[", "'web-[' breaks at column 6: a number is expected in brackets, as in web-[01-20]", ERR_SYNTAX },
		{ "web-[1", "'web-[1' breaks at column 7: ',' or ']' is expected", ERR_SYNTAX },
		{ "web-[1-]", "'web-[1-]' breaks at column 8: a number is expected in brackets, as in web-[01-20]", ERR_SYNTAX },
		{ "web-[a-f]", "'web-[a-f]' breaks at column 6: a number is expected in brackets, as in web-[01-20]", ERR_SYNTAX },
		{ "web-[01:05]", "'web-[01:05]' breaks at column 8: ',' or ']' is expected", ERR_SYNTAX },
		{ "web-[3-1]", "'web-[3-1]' breaks at column 8: the range goes down; the smaller number comes first", ERR_SYNTAX },
		{ "web-[1-010]", "'web-[1-010]' breaks at column 8: both ends of a range need the same number of digits where one "
		  "begins with 0", ERR_SYNTAX },
		{ "web-1]", "'web-1]' breaks at column 6: ']' has no '['", ERR_SYNTAX },
		{ "a b", "'a b' breaks at column 3: ',' is expected between names", ERR_SYNTAX },
		{ "a!b", "'a!b' breaks at column 2: no name of a host has this", ERR_SYNTAX },
		{ "a/b", "'a/b' is not the name of a host (letters, digits, -, _ and dots, or an IP address)", ERR_SYNTAX },
		{ "ok,a/b", "'ok,a/b' breaks at column 4: 'a/b' is not the name of a host (letters, digits, -, _ and dots, or an IP "
		  "address)", ERR_SYNTAX },
		{ "-oProxyCommand=x", "'-oProxyCommand=x' is not the name of a host (letters, digits, -, _ and dots, or an IP "
		  "address)", ERR_SYNTAX },
		{ "10.0.0.[250-256]", "'10.0.0.[250-256]' breaks at column 1: '10.0.0.256' is not the name of a host (letters, "
		  "digits, -, _ and dots, or an IP address)", ERR_SYNTAX },
		{ "a\033[1-2]", "'a\\x1B[1-2]' breaks at column 1: 'a\\x1B1' is not the name of a host (letters, digits, -, _ and "
		  "dots, or an IP address)", ERR_SYNTAX },
		{ "a[1234567890123456]", "'a[1234567890123456]' breaks at column 3: the number has more than 15 digits", ERR_SYNTAX },
		{ "a[1-10001]", "'a[1-10001]' makes it more than 10000 hosts", ERR_LIMIT },
		{ "a[1-101]b[1-100]", "'a[1-101]b[1-100]' makes it more than 10000 hosts", ERR_LIMIT },
		{ "a[1-999999999999999]", "'a[1-999999999999999]' makes it more than 10000 hosts", ERR_LIMIT },
		{ "a[1-6000],b[1-6000]", "'a[1-6000],b[1-6000]' makes it more than 10000 hosts", ERR_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
		struct hostlist l = { 0 };
		struct err err = ERR_INIT;

		assert_int_equal(hostlist_add(&l, "first", NULL), 0);
		assert_int_equal(hostlist_add(&l, tests[i].pattern, &err), tests[i].code);
		if (!str_eq(err.msg, tests[i].sentence))
			fail_msg("got:      %s\nexpected: %s", err.msg, tests[i].sentence);
		/* Nothing of it is kept. */
		assert_int_equal(l.n, 1);
		assert_int_equal(l.n_not, 0);
		hostlist_done(&l);
	}
}

static void
patterns_have_a_longest(void **state)
{
	struct hostlist l = { 0 };
	struct err err = ERR_INIT;
	char pattern[HOST_PATTERN_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = i % 2 == 0 ? 'a' : ',';
	pattern[HOST_PATTERN_MAX + 1] = '\0';
	assert_int_equal(hostlist_add(&l, pattern, &err), ERR_LIMIT);
	pattern[HOST_PATTERN_MAX - 1] = '\0';
	assert_int_equal(hostlist_add(&l, pattern, &err), 0);
	assert_int_equal(hostlist_add(&l, "a[1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1]", &err), ERR_SYNTAX);
	hostlist_done(&l);
}

/* --- names to patterns ----------------------------------------------------------------------- */

static char *
fold(const struct hostlist *l)
{
	struct buf b;
	char *text;

	buf_init(&b, 1 << 20);
	hostlist_fold(&b, (const char *const *)l->v, l->n);
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

static void
names_fold(void **state)
{
	static const struct {
		const char *names, *pattern;
	} tests[] = {
		{ "web-1", "web-1" },
		{ "web-01,web-02,web-03,web-07", "web-[01-03,07]" },
		{ "web-[1-12]", "web-[1-12]" },
		{ "web-08,web-09,web-10,web-11", "web-[08-11]" },
		{ "web-9,web-10", "web-[9-10]" },
		{ "web-099,web-100", "web-[099-100]" },
		{ "web-1,web-01", "web-[1,01]" },
		{ "web-1,web-3", "web-[1,3]" },
		/* Brackets would be longer. */
		{ "a1,a2", "a1,a2" },
		{ "a1,a2,a3", "a[1-3]" },
		{ "a,b,c", "a,b,c" },
		{ "db,web-1,web-2", "db,web-[1-2]" },
		{ "rack1-node[01-20],rack2-node[01-20]", "rack[1-2]-node[01-20]" },
		{ "r1-n1,r1-n2,r1-n3,r2-n1,r2-n2,r2-n3,r3-n1", "r[1-2]-n[1-3],r3-n1" },
		/* Which number is put together first matters. */
		{ "r1n1,r1n2,r2n1,r3n1", "r[1-3]n1,r1n2" },
		{ "web-1.dc1.example,web-2.dc1.example,web-1.dc2.example,web-2.dc2.example", "web-[1-2].dc[1-2].example" },
		{ "10.0.0.[1-9],10.0.1.[1-9]", "10.0.[0-1].[1-9]" },
		{ "web-1234567890123456,web-1234567890123457", "web-1234567890123456,web-1234567890123457" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
		struct hostlist l = { 0 };
		struct err err = ERR_INIT;
		char *text;

		if (hostlist_add(&l, tests[i].names, &err) < 0)
			fail_msg("%s", err.msg);
		hostlist_finish(&l);
		text = fold(&l);
		if (!str_eq(text, tests[i].pattern))
			fail_msg("'%s' folds to '%s', not '%s'", tests[i].names, text, tests[i].pattern);
		free(text);
		hostlist_done(&l);
	}
}

/* Whatever is folded can be read back, and is not longer than it was. */
static void
folds_read_back(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct hostlist l = { 0 }, back = { 0 };
		struct err err = ERR_INIT;
		char *plain, *folded, *again;
		struct buf name;

		buf_init(&name, 200);
		for (int i = 0; i < 1 + round % 40; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			buf_reset(&name);
			buf_printf(&name, "%s%0*d-%c%d", round % 3 == 0 ? "n" : "node", (int)(seed >> 60) % 3,
			    (int)(seed >> 50) % 13, 'a' + (int)(seed >> 40) % 2, (int)(seed >> 30) % 4);
			assert_int_equal(hostlist_add(&l, name.data, NULL), 0);
		}
		hostlist_finish(&l);
		folded = fold(&l);
		if (hostlist_add(&back, folded, &err) < 0)
			fail_msg("%s", err.msg);
		hostlist_finish(&back);
		plain = join(&l);
		again = join(&back);
		assert_string_equal(again, plain);
		assert_true(strlen(folded) <= strlen(plain));
		free(plain);
		free(folded);
		free(again);
		hostlist_done(&l);
		hostlist_done(&back);
		buf_done(&name);
	}
}

static void
many_names_fold(void **state)
{
	struct hostlist l = { 0 };
	char *text;

	(void)state;
	assert_int_equal(hostlist_add(&l, "rack[01-50]-node[001-200]", NULL), 0);
	hostlist_finish(&l);
	assert_int_equal(l.n, HOSTLIST_MAX);
	text = fold(&l);
	assert_string_equal(text, "rack[01-50]-node[001-200]");
	free(text);
	hostlist_done(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_strict),
		cmocka_unit_test(names_have_a_longest),
		cmocka_unit_test(users_are_strict),
		cmocka_unit_test(order_is_natural),
		cmocka_unit_test(patterns_stand_for_names),
		cmocka_unit_test(several_patterns_are_one_list),
		cmocka_unit_test(patterns_have_columns),
		cmocka_unit_test(patterns_have_a_longest),
		cmocka_unit_test(names_fold),
		cmocka_unit_test(folds_read_back),
		cmocka_unit_test(many_names_fold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
