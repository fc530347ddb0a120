/* What is redacted, what is not, and that nothing of it is left. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/redact.h"
#include "base/str.h"
#include "base/xalloc.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void
redacted(const struct redact *r, const char *text, size_t len, struct buf *b)
{
	buf_reset(b);
	if (!redact_text(r, text, len, b)) {
		assert_int_equal(b->len, 0);
		buf_add(b, text, len);
	}
}

static void
values_are_replaced_by_what_they_are(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "login password=hunter2 ok", "login password=[redacted password] ok" },
		{ "DB_PASSWORD: hunter2", "DB_PASSWORD: [redacted password]" },
		{ "{\"user\":\"a\",\"password\":\"hun ter\\\"2\",\"b\":1}", "{\"user\":\"a\",\"password\":\"[redacted password]\",\"b\":1}" },
		{ "body=\"{\\\"password\\\":\\\"hunter2\\\",\\\"a\\\":1}\"", "body=\"{\\\"password\\\":\\\"[redacted password]\\\",\\\"a\\\":1}\"" },
		{ "passwd='hunter 2' x", "passwd='[redacted password]' x" },
		{ "password=a,b;c user=x", "password=[redacted password] user=x" },
		{ "password=abc, user=x", "password=[redacted password], user=x" },
		{ "GET /?token=abc&user=1", "GET /?token=[redacted token]&user=1" },
		{ "client_secret = xyz", "client_secret = [redacted secret]" },
		{ "aws_secret_access_key=AbC/123+x", "aws_secret_access_key=[redacted secret]" },
		{ "X-Api-Key: abc-123", "X-Api-Key: [redacted key]" },
		{ "apikey=abc&x=1", "apikey=[redacted key]&x=1" },
		{ "Authorization: Bearer abc.def-1", "Authorization: [redacted authorization]" },
		{ "\"Authorization\": \"Basic dXNlcjpwYXNz\", \"x\": 1", "\"Authorization\": \"[redacted authorization]\", \"x\": 1" },
		{ "proxy-authorization: Digest username=\"u\", response=\"r\"", "proxy-authorization: [redacted authorization]" },
		{ "used bearer abcdefgh12345 here", "used bearer [redacted bearer] here" },
		{ "Set-Cookie: sid=1; Path=/", "Set-Cookie: [redacted cookie]" },
		{ "postgres://app:s3cr3t@db:5432/x failed", "postgres://app:[redacted credentials]@db:5432/x failed" },
		{ "{\"url\":\"https:\\/\\/user:s3cr3t@host\\/x\"}", "{\"url\":\"https:\\/\\/user:[redacted credentials]@host\\/x\"}" },
		{ "https://user:p@ss@host/", "https://user:[redacted credentials]@host/" },
		{ "id AKIAIOSFODNN7EXAMPLE used", "id [redacted aws key] used" },
		{ "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln end", "jwt [redacted jwt] end" },
		{ "ghp_abcdefghijklmnopqrstuvwx1234", "[redacted service token]" },
		{ "x -----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY----- y", "x [redacted private key] y" },
		{ "x -----BEGIN PRIVATE KEY-----\nMIIE cut", "x [redacted private key]" },
		{ "password=a token=b", "password=[redacted password] token=[redacted token]" },
		{ "secret_token=abc", "secret_token=[redacted token]" },
		{ "PASSWORD => x", "PASSWORD => [redacted password]" },
		{ "\xff password=x\xff" "y z", "\xff password=[redacted password] z" },
	};
	struct redact *r = redact_new(true);
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < COUNT(cases); i++) {
		redacted(r, cases[i].text, strlen(cases[i].text), &b);
		if (strcmp(b.data, cases[i].expected) != 0)
			fail_msg("%s\ngave     %s\nexpected %s", cases[i].text, b.data, cases[i].expected);
	}
	buf_done(&b);
	redact_free(r);
}

static void
what_is_no_secret_is_left_alone(void **state)
{
	static const char *const cases[] = {
		"", "password reset for user 7", "wrong password", "max_tokens=512 n_tokens: 7", "secretary=bob", "PWD=/home/deploy", "OLDPWD=/srv", "password_file=/run/x",
		"https://host:8080/path?x=user@example.com", "http://[::1]:80/", "mailto:user@host", "token expired", "the bearer of news", "tokenizer=bpe", "keyboard=us",
		"monkey=1", "key=value", "primary_key=7", "cookie jar", "AKIA is a prefix", "level=info msg=\"no secrets here\"", "eyJ", "password=", "password: ",
		"-----BEGIN CERTIFICATE-----", "author=x", "authorized: yes",
	};
	struct redact *r = redact_new(true);
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < COUNT(cases); i++)
		if (redact_text(r, cases[i], strlen(cases[i]), &b))
			fail_msg("%s gave %s", cases[i], b.data);
	assert_false(redact_text(NULL, "password=x", 10, &b));
	assert_int_equal(b.len, 0);
	buf_done(&b);
	redact_free(r);
}

static void
patterns_of_ones_own(void **state)
{
	struct redact *r = redact_new(false);
	struct err err = ERR_INIT;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	redacted(r, "password=x", 10, &b);
	assert_string_equal(b.data, "password=x");
	assert_int_equal(redact_add(r, "iban", "\\b[A-Z]{2}\\d{2}(?: ?\\d{4}){3,7}\\b", NULL), 0);
	assert_int_equal(redact_add(r, "user", "user=(\\w+)", NULL), 0);
	redacted(r, "to DE12 3456 7890 1234 by user=bob and user=eve", 47, &b);
	assert_string_equal(b.data, "to [redacted iban] by user=[redacted user] and user=[redacted user]");
	assert_int_equal(redact_add(r, "bad", "a(b", &err), ERR_INVALID);
	assert_true(str_contains(err.msg, "bad") && str_contains(err.msg, "character 4"));
	assert_int_equal(redact_add(r, "byte", "\\C", &err), ERR_INVALID);
	/* One that matches nothing goes on. */
	assert_int_equal(redact_add(r, "empty", "x*", NULL), 0);
	assert_int_equal(redact_add(r, "behind", "(?<=(k))v", NULL), 0);
	redacted(r, "axxb kv kv", 10, &b);
	assert_string_equal(b.data, "a[redacted empty]b [redacted behind]v [redacted behind]v");
	assert_int_equal(redact_add(r, "umlaut", "(?i)\xc3\x84+", NULL), 0);
	redacted(r, "\xff \xc3\xa4\xc3\xa4!", 7, &b);
	assert_string_equal(b.data, "\xff [redacted umlaut]!");
	buf_done(&b);
	redact_free(r);
}

static void
a_text_that_costs_too_much_is_not_shown(void **state)
{
	struct redact *r = redact_new(false);
	char text[64];
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	memset(text, 'a', sizeof text);
	assert_int_equal(redact_add(r, "slow", "(a+)+\\d", NULL), 0);
	redacted(r, text, sizeof text, &b);
	assert_string_equal(b.data, "[redacted: slow took too long]");
	buf_done(&b);
	redact_free(r);
}

/* Values of any kind in any of the usual forms: nothing of them is left, and all around them is. */
static void
nothing_of_a_value_survives(void **state)
{
	static const char *const forms[] = {
		"a password=%s z", "a password: %s z", "a {\"password\":\"%s\"} z", "a {\"password\": \"%s\", \"b\": 1} z", "a token='%s' z", "a x_secret=%s z", "a ?api_key=%s&b=1 z",
		"a Authorization: Bearer %s z", "a https://u:%s@h/ z", "a body=\"{\\\"token\\\":\\\"%s\\\"}\" z", "a PASSWORD=>%s z", "a DB_PASSWORD_2=%s z", "a Bearer %s z",
	};
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+~$%^*!";
	struct redact *r = redact_new(true);
	uint32_t random = 1;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int round = 0; round < 20000; round++) {
		char value[48], line[256];
		size_t len = 8 + (random >> 8) % 32;

		for (size_t i = 0; i < len; i++) {
			random = random * 1664525 + 1013904223;
			value[i] = letters[(random >> 10) % (i == 0 || round % 13 == 12 ? 62 : sizeof letters - 1)];
		}
		value[len] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(line, sizeof line, forms[round % 13], value);
#pragma GCC diagnostic pop
		redacted(r, line, strlen(line), &b);
		for (size_t i = 0; i + 4 <= len; i++) {
			char part[5] = { value[i], value[i + 1], value[i + 2], value[i + 3], '\0' };

			if (strstr(b.data, part) != NULL && strstr(forms[round % 13], part) == NULL && strstr("[redacted password token secret key authorization credentials bearer]", part) == NULL)
				fail_msg("%s gave %s", line, b.data);
		}
		assert_true(str_has_prefix(b.data, "a "));
		assert_true(b.data[b.len - 1] == 'z');
	}
	buf_done(&b);
	redact_free(r);
}

static void
a_large_line_is_redacted_too(void **state)
{
	size_t len = 1 << 20, at = 700000;
	char *text = xmalloc(len + 1);
	struct redact *r = redact_new(true);
	struct buf b;

	(void)state;
	buf_init(&b, 4 << 20);
	memset(text, 'a', len);
	for (size_t i = 0; i < len; i += 50)
		text[i] = ' ';
	text[len] = '\0';
	memcpy(text + at, " password=hunter2 ", 18);
	redacted(r, text, len, &b);
	assert_null(strstr(b.data, "hunter2"));
	assert_non_null(strstr(b.data, "password=[redacted password] "));
	assert_int_equal(b.len, len - 7 + strlen("[redacted password]"));
	/* A value of a megabyte. */
	memset(text, 'a', len);
	memcpy(text, "token=", 6);
	redacted(r, text, len, &b);
	assert_string_equal(b.data, "token=[redacted token]");
	memcpy(text, "token=\"", 7);
	redacted(r, text, len, &b);
	assert_string_equal(b.data, "token=\"[redacted token]");
	buf_done(&b);
	redact_free(r);
	free(text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_replaced_by_what_they_are),
		cmocka_unit_test(what_is_no_secret_is_left_alone),
		cmocka_unit_test(patterns_of_ones_own),
		cmocka_unit_test(a_text_that_costs_too_much_is_not_shown),
		cmocka_unit_test(nothing_of_a_value_survives),
		cmocka_unit_test(a_large_line_is_redacted_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
