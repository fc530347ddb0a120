#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/jread.h"

static void
test_double_table(void **state)
{
	static const struct {
		const char *text;
		double value;
	} cases[] = {
		{ "0", 0.0 }, { "-0", -0.0 }, { "+0.0", 0.0 }, { "0e999999999999999999999", 0.0 },
		{ "1", 1.0 }, { "-1.5", -1.5 }, { "+2", 2.0 }, { "007", 7.0 }, { "0.25", 0.25 }, { "1e+21", 1e21 },
		{ "0.1", 0.1 }, { "0.30000000000000004", 0.30000000000000004 }, { "1893456300.123", 1893456300.123 },
		{ "9007199254740993", 9007199254740992.0 }, { "9007199254740995", 9007199254740996.0 },
		{ "9007199254740993.000000000000000000000000000000000001", 9007199254740994.0 },
		{ "18446744073709551615", 18446744073709551615.0 }, { "18446744073709551616", 18446744073709551616.0 },
		{ "9999999999999999999", 9999999999999999999.0 }, { "99999999999999999999", 99999999999999999999.0 },
		{ "0.00000000000000000000000000000000000000000000000012345", 1.2345e-49 },
		{ "1000000000000000000000000000000000000000000", 1e42 },
		{ "123456789e-30", 123456789e-30 }, { "123456789e30", 123456789e30 },
		{ "1e22", 1e22 }, { "1e23", 1e23 }, { "1e27", 1e27 }, { "1e28", 1e28 }, { "1E-27", 1e-27 }, { "1E-28", 1e-28 },
		{ "1.7976931348623157e308", 1.7976931348623157e308 }, { "1e309", HUGE_VAL }, { "-1e309", -HUGE_VAL },
		{ "1e99999999999999999999999999", HUGE_VAL }, { "1e-99999999999999999999999999", 0.0 },
		{ "2.2250738585072011e-308", 2.2250738585072011e-308 }, { "4.9e-324", 4.9e-324 }, { "1e-400", 0.0 },
		{ "NaN", NAN }, { "Inf", HUGE_VAL }, { "+Inf", HUGE_VAL }, { "-Inf", -HUGE_VAL },
	};
	size_t i;
	double v;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		v = 42;
		assert_int_equal(jread_double(cases[i].text, strlen(cases[i].text), &v), 0);
		if (isnan(cases[i].value) ? !isnan(v) : memcmp(&v, &cases[i].value, sizeof v) != 0)
			fail_msg("%s: %a instead of %a", cases[i].text, v, cases[i].value);
	}
}

static void
test_double_refused(void **state)
{
	static const char *const cases[] = {
		"", "-", "+", ".", ".5", "5.", "5.e1", "1e", "1e+", "1e-", "e5", "--1", "+-1", "1 ", " 1", "1x", "1.5.5", "1,5",
		"0x10", "1e5.5", "nan", "NAN", "-NaN", "NaNs", "inf", "Infinity", "+-Inf", "-", "Na", "In", "1/2", "1:2",
		"12345678/", "12345678:", "123456781234567/",
	};
	size_t i;
	double v = 42;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (jread_double(cases[i], strlen(cases[i]), &v) != ERR_SYNTAX || v != 42)
			fail_msg("\"%s\" was taken for %a", cases[i], v);
	}
	assert_int_equal(jread_double("1\0002", 3, &v), ERR_SYNTAX);
	assert_int_equal(jread_double("12", 1, &v), 0);
	assert_true(v == 1);
}

static uint64_t
random_u64(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void
assert_as_strtod(const char *text)
{
	double ours = 42, theirs = strtod(text, NULL);

	if (jread_double(text, strlen(text), &ours) != 0 || memcmp(&ours, &theirs, sizeof ours) != 0)
		fail_msg("%s: %a, but strtod() says %a", text, ours, theirs);
}

/* Doubles of any size, decimals of any length, and numbers half way between two doubles: where rounding goes wrong if it does. */
static void
test_double_as_strtod(void **state)
{
	uint64_t seed = UINT64_C(88172645463325252), bits, half;
	char text[400];
	double d;
	int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		bits = random_u64(&seed);
		memcpy(&d, &bits, sizeof d);
		if (isfinite(d)) {
			snprintf(text, sizeof text, "%.17g", d);
			assert_as_strtod(text);
			snprintf(text, sizeof text, "%.*g", 1 + i % 40, d);
			assert_as_strtod(text);
		}
		snprintf(text, sizeof text, "%s%" PRIu64 ".%0*" PRIu64 "e%d", i % 2 ? "-" : "", bits >> bits % 64, i % 25,
		    random_u64(&seed) >> bits % 61, (int)(random_u64(&seed) % 64) - 32);
		assert_as_strtod(text);
		snprintf(text, sizeof text, "%" PRIu64 "e%d", bits, (int)(random_u64(&seed) % 64) - 32);
		assert_as_strtod(text);
		half = (bits >> 10 | UINT64_C(1) << 53) | 1;
		snprintf(text, sizeof text, "%" PRIu64 "%s", half, i % 3 == 0 ? "" : i % 3 == 1 ? ".0" : ".1");
		assert_as_strtod(text);
		/* The same as quotients that come out even: half / 2, / 4, / 8. */
		snprintf(text, sizeof text, "%" PRIu64 "e-%d", half * (i % 3 == 0 ? 5 : i % 3 == 1 ? 25 : 125), 1 + i % 3);
		assert_as_strtod(text);
		snprintf(text, sizeof text, "%.*f", 18 + i % 60, (double)half / 18014398509481984.0 / (double)(1 + i % 3));
		assert_as_strtod(text);
	}
}

/* 300 digits and more, as Prometheus writes large values. */
static void
test_double_long(void **state)
{
	char text[1200];
	size_t digits;

	(void)state;
	for (digits = 15; digits < sizeof text - 10; digits += 7) {
		memset(text, '9', digits);
		text[digits] = '\0';
		assert_as_strtod(text);
		text[digits / 3] = '.';
		assert_as_strtod(text);
		memset(text, '0', digits / 2);
		text[1] = '.';
		assert_as_strtod(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_double_table),
		cmocka_unit_test(test_double_refused),
		cmocka_unit_test(test_double_as_strtod),
		cmocka_unit_test(test_double_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
