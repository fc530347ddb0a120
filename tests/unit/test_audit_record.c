/* One line: what is written, what is read, and that both agree. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/record_priv.h"
#include "audit_world.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/secrets.h"
#include "base/str.h"
#include "base/xalloc.h"

#define WHEN INT64_C(1893456151123456789)	/* 2030-01-01T00:02:31.123456789Z */

/* The line, without LF; free it. NULL: refused, err says why. */
static char *
write_line(json_t *body, struct err *err)
{
	struct audit_draft d = { .type = AUDIT_NOTE, .body = body };
	char hash[AUDIT_HASH_HEX + 1], *line;
	struct buf b;
	int r;

	buf_init(&b, 1 << 20);
	r = audit_record_write(&b, 7, WHEN, AUDIT_ZERO, &world_actor, "prod", &d, hash, err);
	json_decref(body);
	if (r < 0) {
		buf_done(&b);
		return NULL;
	}
	assert_int_equal(b.data[b.len - 1], '\n');
	assert_memory_equal(b.data + b.len - 67, hash, AUDIT_HASH_HEX);
	b.data[--b.len] = '\0';
	line = buf_take(&b, NULL);
	buf_done(&b);
	return line;
}

static void
expect_body(json_t *body, const char *wanted)
{
	static const char frame[] = "{\"seq\":7,\"time\":\"2030-01-01T00:02:31.123456789Z\",\"prev\":\"" AUDIT_ZERO "\",\"type\":\"note\","
	    "\"actor\":{\"user\":\"alice\",\"uid\":1000,\"host\":\"web\",\"tty\":\"/dev/pts/3\",\"client\":\"192.0.2.7\"},\"env\":\"prod\","
	    "\"run\":null,\"incident\":null";
	struct err err = ERR_INIT;
	struct audit_record r;
	char *line = write_line(body, &err), *end;

	if (line == NULL)
		fail_msg("%s", err.msg);
	assert_memory_equal(line, frame, sizeof frame - 1);
	end = strstr(line, ",\"hash\":\"");
	assert_non_null(end);
	*end = '\0';
	assert_string_equal(line + sizeof frame - 1, wanted);
	*end = ',';
	if (audit_record_read(line, strlen(line), &r, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(r.seq, 7);
	assert_true(r.time_ns == WHEN);
	assert_string_equal(r.prev, AUDIT_ZERO);
	assert_int_equal(r.type, AUDIT_NOTE);
	assert_string_equal(r.user, "alice");
	assert_string_equal(r.env, "prod");
	assert_null(r.run);
	audit_record_done(&r);
	free(line);
}

static json_t *
raw(const char *bytes, size_t len)
{
	json_t *o = json_object();

	json_object_set_new(o, "t", json_stringn_nocheck(bytes, len));
	return o;
}

static void
test_texts(void **state)
{
	static const struct { const char *bytes; size_t len; const char *wanted; } cases[] = {
		{ "", 0, "" },
		{ "plain", 5, "plain" },
		{ "a\"b\\c", 5, "a\\\"b\\\\c" },
		{ "\n\t\r\b\f\0\x1b\x7f", 8, "\\n\\t\\r\\u0008\\u000c\\u0000\\u001b\\u007f" },
		{ "\xc3\xa9\xe2\x82\xac", 5, "\xc3\xa9\xe2\x82\xac" },			/* as they are */
		{ "\xc2\x9b" "31m", 5, "\\u009b31m" },					/* C1 */
		{ "\xe2\x80\xae", 3, "\\u202e" },					/* right to left */
		{ "\xf3\xa0\x80\x81", 4, "\\udb40\\udc01" },				/* a tag, beyond the first plane */
		{ "\xff\xfe", 2, "\\\\xFF\\\\xFE" },					/* not UTF-8 */
		{ "\xc0\x80", 2, "\\\\xC0\\\\x80" },
		{ "\xed\xa0\x80", 3, "\\\\xED\\\\xA0\\\\x80" },
		{ "caf\xe9", 4, "caf\\\\xE9" },
		{ "$(reboot); rm 'x'", 17, "$(reboot); rm 'x'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char wanted[256];

		snprintf(wanted, sizeof wanted, ",\"t\":\"%s\"", cases[i].wanted);
		expect_body(raw(cases[i].bytes, cases[i].len), wanted);
	}
}

static void
test_values(void **state)
{
	json_t *odd = json_object();

	(void)state;
	expect_body(NULL, "");
	expect_body(json_pack("{s:i, s:I, s:f, s:b, s:n}", "i", -5, "big", (json_int_t)INT64_MAX, "f", 0.1, "b", 1, "n"),
	    ",\"i\":-5,\"big\":9223372036854775807,\"f\":0.10000000000000001,\"b\":true,\"n\":null");
	expect_body(json_pack("{s:[s,{s:i}], s:{}, s:[]}", "list", "a", "k", 1, "none", "empty"), ",\"list\":[\"a\",{\"k\":1}],\"none\":{},\"empty\":[]");
	/* members stand in the order given; names are written so that none needs an escape, and no two become one */
	expect_body(json_pack("{s:i, s:i, s:i}", "z", 1, "a", 2, "m", 3), ",\"z\":1,\"a\":2,\"m\":3");
	json_object_set_new_nocheck(odd, "a\"b", json_integer(1));
	json_object_set_new_nocheck(odd, "100%", json_integer(2));
	json_object_set_new_nocheck(odd, "\xc3\xa9", json_integer(3));
	expect_body(odd, ",\"a%22b\":1,\"100%25\":2,\"%C3%A9\":3");
}

static void
test_refused(void **state)
{
	static const char *const names[] = { "seq", "time", "prev", "type", "actor", "env", "run", "incident", "hash", "cut" };
	json_t *deep = json_object(), *many = json_object();
	char name[32];
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		json_t *o = json_object();

		json_object_set_new(o, names[i], json_true());
		assert_null(write_line(o, &err));
		assert_int_equal(err.code, ERR_INVALID);
	}
	for (int i = 0; i < 40; i++)
		deep = json_pack("{s:o}", "d", deep);
	assert_null(write_line(deep, &err));
	assert_int_equal(err.code, ERR_INVALID);
	for (int i = 0; i < 30000; i++) {
		snprintf(name, sizeof name, "member%d", i);
		json_object_set_new(many, name, json_integer(i));
	}
	assert_null(write_line(many, &err));
	assert_int_equal(err.code, ERR_LIMIT);
	assert_null(write_line(json_array(), &err));
}

/* The longest texts give way; short ones stay. The line is as long as it may be, or a little shorter. */
static void
test_cut(void **state)
{
	static const char fill[] = { 'x', '\n', '\x01', '\xc3' };

	(void)state;
	for (size_t f = 0; f < sizeof fill; f++)
		for (size_t len = AUDIT_LINE_MAX - 2000; len < AUDIT_LINE_MAX * 3; len += AUDIT_LINE_MAX / 5) {
			char *long_text = xmalloc(len);
			struct err err = ERR_INIT;
			struct audit_record r;
			char *line;

			memset(long_text, fill[f], len);
			line = write_line(json_pack("{s:o, s:s, s:o}", "out", json_stringn_nocheck(long_text, len), "what", "a short one stays", "err",
			    json_stringn_nocheck(long_text, 5000)), &err);
			if (line == NULL)
				fail_msg("%s", err.msg);
			assert_true(strlen(line) < AUDIT_LINE_MAX && strlen(line) > AUDIT_LINE_MAX - 200);
			assert_int_equal(audit_record_read(line, strlen(line), &r, NULL), 0);
			assert_string_equal(json_string_value(json_object_get(r.json, "what")), "a short one stays");
			assert_true(json_integer_value(json_object_get(r.json, "cut")) > 0);
			assert_true(str_contains(json_string_value(json_object_get(r.json, "out")), "\xe2\x80\xa6"));
			audit_record_done(&r);
			free(line);
			free(long_text);
		}
}

static void
test_secrets(void **state)
{
	char *line;

	(void)state;
	assert_int_equal(secrets_add("token", "s3cr\"et-value", 13, NULL), 0);
	line = write_line(json_pack("{s:s, s:{s:s}, s:[s]}", "what", "curl -H s3cr\"et-value", "params", "p", "s3cr\"et-value", "list", "as3cr\"et-valueb"),
	    NULL);
	secrets_wipe();
	assert_non_null(line);
	assert_null(strstr(line, "et-value"));
	assert_non_null(strstr(line, "curl -H [secret token]"));
	free(line);
}

/* A well-formed line of which one piece is replaced, with a hash that holds. */
static int
read_changed(const char *from, const char *to)
{
	char *line = write_line(json_pack("{s:s, s:i, s:{s:i}}", "text", "t", "n", 1, "o", "k", 1), NULL), *at, hash[AUDIT_HASH_HEX + 1];
	struct buf b;
	struct audit_frame f;
	struct audit_record r;
	int a, c;

	*strstr(line, ",\"hash\":\"") = '\0';
	at = strstr(line, from);
	assert_non_null(at);
	buf_init(&b, 1 << 20);
	buf_add(&b, line, (size_t)(at - line));
	buf_addstr(&b, to);
	buf_addstr(&b, at + strlen(from));
	digest_hex(b.data, b.len, hash);
	buf_printf(&b, ",\"hash\":\"%s\"}", hash);
	a = audit_frame_read(b.data, b.len, &f, NULL);
	c = audit_record_read(b.data, b.len, &r, NULL);
	if (c == 0)
		audit_record_done(&r);
	assert_int_equal(a, c);
	buf_done(&b);
	free(line);
	return a;
}

static void
test_strict(void **state)
{
	static const struct { const char *from, *to; int result; } cases[] = {
		{ "\"n\":1", "\"n\":2", 0 }, { "\"n\":1", "\"n\":-1.5e+3", 0 }, { "\"n\":1", "\"n\":\"\\u00e9\\ud83d\\ude00\"", 0 },
		{ "\"note\"", "\"of-a-newer-version\"", 0 }, { "\"n\":1", "\"n\":1,\"m\":[]", 0 }, { "\"run\":null", "\"run\":\"r\"", 0 },
		{ "\"env\":\"prod\"", "\"env\":null", 0 },
		{ "\"n\":1", "\"n\":01", ERR_SYNTAX }, { "\"n\":1", "\"n\":1.", ERR_SYNTAX }, { "\"n\":1", "\"n\":+1", ERR_SYNTAX },
		{ "\"n\":1", "\"n\":NaN", ERR_SYNTAX }, { "\"n\":1", "\"n\": 1", ERR_SYNTAX }, { "\"n\":1", "\"n\":1,\"n\":1", ERR_SYNTAX },
		{ "\"k\":1", "\"k\":1,\"k\":1", ERR_SYNTAX }, { "\"n\":1", "\"seq\":1", ERR_SYNTAX }, { "\"n\":1", "\"hash\":1", ERR_SYNTAX },
		{ "\"n\":1", "\"\\u006e\":1", ERR_SYNTAX }, { "\"n\":1", "\"\xc3\xa9\":1", ERR_SYNTAX }, { "\"n\":1", "\"n\":[1,]", ERR_SYNTAX },
		{ "\"n\":1", "\"n\":{\"a\":1,}", ERR_SYNTAX }, { "\"n\":1", "\"n\":tru", ERR_SYNTAX }, { "\"n\":1", "\"n\":\"\x01\"", ERR_SYNTAX },
		{ "\"n\":1", "\"n\":\"\xff\"", ERR_SYNTAX }, { "\"n\":1", "\"n\":\"\xc0\x80\"", ERR_SYNTAX }, { "\"n\":1", "\"n\":\"\\ud800\"", ERR_SYNTAX },
		{ "\"n\":1", "\"n\":\"\\x\"", ERR_SYNTAX }, { "{\"seq\"", " {\"seq\"", ERR_SYNTAX }, { "\"seq\":7", "\"seq\":07", ERR_SYNTAX },
		{ "\"seq\":7", "\"seq\":0", ERR_SYNTAX }, { "\"seq\":7", "\"seq\":-7", ERR_SYNTAX }, { "\"seq\":7", "\"seq\":1234567890123456789", ERR_SYNTAX },
		{ "2030-01-01T", "2030-02-30T", ERR_SYNTAX }, { "2030-01-01T", "1969-12-31T", ERR_SYNTAX }, { "2030-01-01T00:", "2030-01-01T24:", ERR_SYNTAX },
		{ "123456789Z", "12345678Z", ERR_SYNTAX }, { "123456789Z", "123456789+", ERR_SYNTAX }, { "\"note\"", "\"Note\"", ERR_SYNTAX },
		{ "\"note\"", "\"\"", ERR_SYNTAX }, { "\"note\"", "\"abcdefghijklmnopqrstuvwxyzabcdefg\"", ERR_SYNTAX },
		{ "\"run\":null", "\"run\":1", ERR_SYNTAX }, { "\"run\":null,\"incident\":null", "\"incident\":null,\"run\":null", ERR_SYNTAX },
		{ ",\"tty\":\"/dev/pts/3\"", "", ERR_SYNTAX }, { "\"uid\":1000", "\"uid\":\"1000\"", ERR_SYNTAX },
		{ "\"prev\":\"0", "\"prev\":\"A", ERR_SYNTAX }, { "\"n\":1", "\"n\":1}", ERR_SYNTAX }, { ",\"n\":1", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (read_changed(cases[i].from, cases[i].to) != cases[i].result)
			fail_msg("%s -> %s: expected %d", cases[i].from, cases[i].to, cases[i].result);
}

static void
test_too_long(void **state)
{
	char *line = xmalloc(AUDIT_LINE_MAX + 1);
	struct audit_frame f;

	(void)state;
	memset(line, ' ', AUDIT_LINE_MAX + 1);
	assert_int_equal(audit_frame_read(line, AUDIT_LINE_MAX, &f, NULL), ERR_SYNTAX);
	assert_int_equal(audit_frame_read("", 0, &f, NULL), ERR_SYNTAX);
	assert_int_equal(audit_frame_read("{}", 2, &f, NULL), ERR_SYNTAX);
	free(line);
}

/* Each day of the years there can be, against the clock's own way of writing it. */
static void
test_times(void **state)
{
	char text[CLOCK_TEXT_MAX];

	(void)state;
	for (int64_t ns = 123456789; ns < INT64_MAX - 400 * NS_PER_HOUR && ns >= 0; ns += 25 * NS_PER_HOUR + NS_PER_S) {
		int64_t back;

		clock_format(text, ns, 9);
		if (strncmp(text, "2262", 4) == 0)
			break;
		assert_int_equal(strlen(text), AUDIT_TIME_LEN);
		assert_true(audit_time_read(text, &back));
		assert_true(back == ns);
	}
}

static void
expect_text(struct audit_draft d, const char *wanted)
{
	char hash[AUDIT_HASH_HEX + 1];
	struct audit_record r;
	struct buf line, text;

	buf_init(&line, 1 << 20);
	buf_init(&text, 1 << 20);
	assert_int_equal(audit_record_write(&line, 4127, INT64_C(1893464971) * NS_PER_S, AUDIT_ZERO, &world_actor, "prod", &d, hash, NULL), 0);
	assert_int_equal(audit_record_read(line.data, line.len - 1, &r, NULL), 0);
	assert_int_equal(audit_record_text(&r, &text), 0);
	assert_memory_equal(text.data, "4127  2030-01-01 02:29:31Z  alice@web  ", 39);
	assert_string_equal(text.data + 39, wanted);
	audit_record_done(&r);
	json_decref(d.body);
	buf_done(&line);
	buf_done(&text);
}

static void
test_text(void **state)
{
	(void)state;
	expect_text((struct audit_draft){ .type = AUDIT_RESULT, .run = "20300101-0229",
	    .body = json_pack("{s:i, s:s, s:s, s:s, s:i}", "intent", 3, "step", "activate", "host", "web-01", "outcome", "OK", "elapsed_ms", 1930) },
	    "run 20300101-0229  activate on web-01: OK in 1.9s");
	expect_text((struct audit_draft){ .type = AUDIT_INTENT, .run = "r", .body = json_pack("{s:s, s:s, s:i, s:i, s:s, s:b}", "step", "activate",
	    "host", "web-01", "batch", 2, "attempt", 3, "what", "activate-model spam 6", "undo", 1) },
	    "run r  undo of activate on web-01, batch 3, attempt 3 begins: activate-model spam 6");
	expect_text((struct audit_draft){ .type = AUDIT_NOTE, .incident = "20300101-0214-web", .body = json_pack("{s:s}", "text", "called \x1b[2J Bob") },
	    "incident 20300101-0214-web  note: called \\x1B[2J Bob");
	expect_text((struct audit_draft){ .type = AUDIT_RUN_START, .run = "r", .body = json_pack("{s:s, s:s, s:[s,s], s:s, s:s, s:s}", "runbook",
	    "rollback", "title", "Put it back", "hosts", "a", "b", "plan", "0123456789abcdef", "confirm", "prod/spam", "confirmed", "typed") },
	    "run r  rollback begins on prod/spam: Put it back; 2 hosts; confirmed: typed; plan 0123456789ab");
	expect_text((struct audit_draft){ .type = AUDIT_RUN_END, .run = "r", .body = json_pack("{s:s, s:i, s:s, s:b}", "outcome", "OK", "exit", 0, "text",
	    "all 3 hosts serve 6", "verified", 1) }, "run r  ended: OK, exit 0, verified: all 3 hosts serve 6");
	expect_text((struct audit_draft){ .type = AUDIT_ACT, .body = json_pack("{s:s, s:s, s:s}", "verb", "silence", "object", "HighLoad", "source", "am1") },
	    "silence HighLoad at am1");
	expect_text((struct audit_draft){ .type = AUDIT_CHECK, .body = json_pack("{s:s, s:s, s:s, s:s}", "what", "alert X is resolved, within 10m", "expected",
	    "alert X is resolved", "found", "resolved", "outcome", "OK") }, "alert X is resolved, within 10m: found resolved: OK");
	expect_text((struct audit_draft){ .type = AUDIT_CHECK, .body = json_pack("{s:s, s:i, s:s, s:s}", "what", "up", "expected", 1, "found", "no data", "outcome",
	    "UNKNOWN") }, "up: expected 1, found no data: UNKNOWN");
	expect_text((struct audit_draft){ .type = AUDIT_INCIDENT_OPENED, .incident = "i", .body = json_pack("{s:s, s:b}", "title", "spam", "joined", 1) },
	    "incident i  incident joined: spam");
	/* no member that it expects, or of another type: still a line */
	for (int i = 0; i < AUDIT_TYPES; i++) {
		char *line;
		json_t *odd = json_pack("{s:[i], s:{s:i}, s:n, s:s, s:s}", "text", 1, "host", "a", 1, "outcome", "hosts", "x", "elapsed_ms", "y");
		struct audit_draft d = { .type = (enum audit_type)i, .body = odd };
		struct audit_record r;
		struct buf b;
		char hash[AUDIT_HASH_HEX + 1];

		buf_init(&b, 1 << 20);
		assert_int_equal(audit_record_write(&b, 1, 1, AUDIT_ZERO, &world_actor, NULL, &d, hash, NULL), 0);
		line = buf_take(&b, NULL);
		assert_int_equal(audit_record_read(line, strlen(line) - 1, &r, NULL), 0);
		assert_int_equal(audit_record_text(&r, &b), 0);
		assert_null(strchr(b.data, '\n'));
		audit_record_done(&r);
		json_decref(odd);
		buf_done(&b);
		free(line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts), cmocka_unit_test(test_values), cmocka_unit_test(test_refused), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_secrets), cmocka_unit_test(test_strict), cmocka_unit_test(test_too_long), cmocka_unit_test(test_times),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
