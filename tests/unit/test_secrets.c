/* Secrets: every form is found wherever it stands, and nothing else is touched. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/secrets.h"
#include "base/xalloc.h"

static int
teardown(void **state)
{
	(void)state;
	secrets_wipe();
	return 0;
}

static void
add(const char *name, const char *value)
{
	assert_int_equal(secrets_add(name, value, strlen(value), NULL), 0);
}

static void
masks_to(const char *text, const char *expected)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(secrets_mask(&b, text, strlen(text)), 0);
	assert_string_equal(b.data, expected);
	assert_int_equal(secrets_found(text, strlen(text)), strcmp(text, expected) != 0);
	buf_done(&b);
}

static void
test_forms(void **state)
{
	static const struct { const char *text, *expected; } cases[] = {
		{ "", "" },
		{ "nothing here", "nothing here" },
		{ "p\xc3\xa4ss \"w/\\?", "[secret db]" },
		{ "<p\xc3\xa4ss \"w/\\?>p\xc3\xa4ss \"w/\\?", "<[secret db]>[secret db]" },
		{ "p\xc3\xa4ss \"w/\\", "p\xc3\xa4ss \"w/\\" },			/* not whole */
		{ "{\"x\":\"p\xc3\xa4ss \\\"w/\\\\?\"}", "{\"x\":\"[secret db]\"}" },
		{ "p\xc3\xa4ss \\\"w\\/\\\\?", "[secret db]" },
		{ "p\\u00e4ss \\\"w/\\\\?", "[secret db]" },
		{ "p\\u00E4ss \\\"w/\\\\?", "[secret db]" },
		{ "http://h/?q=p%C3%A4ss%20%22w%2F%5C%3F&x", "http://h/?q=[secret db]&x" },
		{ "p%c3%a4ss%20%22w%2f%5c%3f", "[secret db]" },
		{ "p%C3%A4ss+%22w%2F%5C%3F", "[secret db]" },
		{ "p%C3%A4ss%20%22w/%5C?", "[secret db]" },
	};

	(void)state;
	add("db", "p\xc3\xa4ss \"w/\\?");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		masks_to(cases[i].text, cases[i].expected);
}

/* As Go's encoding/json writes it (and with it most of what we ask), and as a shell quotes it. */
static void
test_html_and_shell_forms(void **state)
{
	(void)state;
	add("tok", "a<b>&\"it's");
	masks_to("{\"token\":\"a\\u003cb\\u003e\\u0026\\\"it's\"}", "{\"token\":\"[secret tok]\"}");
	masks_to("+ login 'a<b>&\"it'\\''s'", "+ login '[secret tok]'");
}

static void
test_refused(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(secrets_add("pin", "123", 3, &err), ERR_INVALID);
	assert_non_null(strstr(err.msg, "pin"));
	assert_null(strstr(err.msg, "123"));
	assert_int_equal(secrets_add("bin", "abcd\0efg", 8, &err), ERR_INVALID);
	assert_non_null(strstr(err.msg, "byte 5"));
	assert_int_equal(secrets_add("cr", "abcd\r", 5, &err), ERR_INVALID);
	assert_int_equal(secrets_count(), 0);
	masks_to("123 abcd", "123 abcd");
	assert_int_equal(secrets_add("tab", "ab\tcd\n", 6, &err), 0);
	assert_int_equal(secrets_count(), 1);
}

static void
test_overlap_and_order(void **state)
{
	(void)state;
	add("a", "abcd1234");
	add("b", "1234wxyz");
	add("c", "abcd");
	add("a2", "abcd1234");			/* known by its first name */
	assert_int_equal(secrets_count(), 3);
	masks_to("-abcd1234wxyz-", "-[secret a]-");
	masks_to("abcdabcd1234", "[secret c][secret a]");
	masks_to("1234wxyzabcd", "[secret b][secret c]");
}

static void
test_name_is_harmless(void **state)
{
	(void)state;
	add("x\x1b[2J\n", "secret-value");
	masks_to("secret-value", "[secret x\\x1B[2J\\n]");
}

static void
test_lines_of_a_key(void **state)
{
	(void)state;
	add("key", "-----BEGIN PRIVATE KEY-----\nMIIBVAIBADANBgkqhkiG9w0B\nshort\n-----END PRIVATE KEY-----\n");
	masks_to("line: MIIBVAIBADANBgkqhkiG9w0B", "line: [secret key]");
	masks_to("short", "short");
	masks_to("-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----");
	masks_to("-----BEGIN PRIVATE KEY-----\\nMIIBVAIBADANBgkqhkiG9w0B\\nshort\\n-----END PRIVATE KEY-----\\n.", "[secret key].");
}

static void
base64(const unsigned char *s, size_t n, const char *last, char *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t o = 0;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)s[i] << 16 | (i + 1 < n ? (uint32_t)s[i + 1] << 8 : 0) | (i + 2 < n ? s[i + 2] : 0);

		for (unsigned k = 0; k < 4; k++) {
			unsigned six = v >> (18 - 6 * k) & 63;

			out[o++] = i + k > n ? '=' : six < 62 ? letters[six] : last[six - 62];
		}
	}
	out[o] = '\0';
}

static uint32_t seed = 20300101;

static unsigned
random_below(unsigned n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* Random secrets among random neighbours, by encoders that are not ours: never found afterwards, always marked. */
static void
test_property(void **state)
{
	(void)state;
	for (int round = 0; round < 400; round++) {
		char secret[64], text[256], coded[400];
		size_t len = 8 + random_below(40), before = random_below(20), n;
		json_t *value;
		char *dump;
		struct buf b;

		for (size_t i = 0; i < len; i++)
			secret[i] = (char)(0x20 + random_below(0x5f));
		secret[len] = '\0';
		add("s", secret);
		n = (size_t)snprintf(text, sizeof text, "%.*s%s%.*s", (int)before, "~~~~~~~~~~~~~~~~~~~~", secret, (int)random_below(9), "~~~~~~~~~");
		for (int kind = 0; kind < 4; kind++) {
			dump = NULL;
			if (kind < 2)
				base64((unsigned char *)text, n, kind == 0 ? "+/" : "-_", coded);
			else {
				value = json_pack("{s:s}", "v", text);
				dump = json_dumps(value, kind == 2 ? JSON_COMPACT : JSON_ENSURE_ASCII | JSON_ESCAPE_SLASH);
				if (kind == 3 && strpbrk(secret, "/") != NULL && strstr(dump, "\\/") == NULL)
					fail();
				snprintf(coded, sizeof coded, "%s", dump);
				json_decref(value);
			}
			buf_init(&b, 4096);
			assert_int_equal(secrets_mask(&b, coded, strlen(coded)), 0);
			assert_non_null(strstr(b.data, "[secret s]"));
			assert_false(secrets_found(b.data, b.len));
			buf_done(&b);
			free(dump);
		}
		assert_true(secrets_longest() >= len);
		secrets_wipe();
	}
}

static void
test_no_core_files(void **state)
{
	struct rlimit rl;

	(void)state;
	add("x", "secret-value");
	assert_int_equal(getrlimit(RLIMIT_CORE, &rl), 0);
	assert_int_equal(rl.rlim_cur, 0);
}

static void
test_limit(void **state)
{
	struct buf b;

	(void)state;
	add("a-rather-long-name", "abcd");
	buf_init(&b, 10);
	assert_int_equal(secrets_mask(&b, "xabcdx", 6), ERR_LIMIT);
	assert_null(strstr(b.data, "abcd"));
	buf_done(&b);
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, teardown)
	static const struct CMUnitTest tests[] = {
		T(test_forms), T(test_html_and_shell_forms), T(test_refused), T(test_overlap_and_order), T(test_name_is_harmless), T(test_lines_of_a_key), T(test_property),
		T(test_no_core_files), T(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
