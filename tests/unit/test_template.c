/* Templates: whatever a value is, it stays where it stands. Each place is read back by something that knows nothing of the encoder. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/template.h"

enum { ROUNDS = 3000, VALUE_MAX = 60 };

struct one {
	const char *name, *value;
};

static const char *
lookup(const char *name, void *arg, const char **ret_why)
{
	const struct one *v = arg;

	for (; v->name != NULL; v++)
		if (str_eq(v->name, name))
			return v->value;
	*ret_why = "it is not told yet";
	return NULL;
}

static int
expand(const char *text, enum template_place place, const char *value, struct buf *b,
    struct err *err)
{
	struct one values[] = { { "v", value }, { "model", "spam-filter" }, { NULL, NULL } };
	struct template *t;
	int r = template_parse(text, place, &t, NULL, err);

	if (r < 0)
		fail_msg("%s: %s", text, err->msg);
	r = template_expand(t, lookup, values, b, err);
	template_free(t);
	return r;
}

/* --- values that try to get out -------------------------------------------------------------------------- */

static const char *const nasty[] = {
	"$(reboot)", "`reboot`", "; rm -rf /", "' ; reboot ; '", "\" ; reboot ; \"", "a\nb", "a\r\nX: y",
	"\"} or up{x=\"", "'} or up{x='", "\\", "\\\"", "a\\", ".*", "a|b", "(", "[", "x{1,2}", "^$", "${v}",
	"$${v}", "../..", "..", ".", "a/b", "?x=1", "#x", "%2e%2e", "%00", "a&b=c", "a+b", "-rf", "\t", "\x01",
	"\x7f", "\xff", "\xc3\x28", "\xe2\x80\xae", "{{.Evil}}", "\",\"admin\":true,\"x\":\"", "",
};

static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

static unsigned
random_below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % n;
}

/* Of the pieces above, of marks, and of any byte from 1 to 255. */
static const char *
random_value(char *buf)
{
	static const char marks[] = "\"'`\\{}()[]$|=~!,;&?#/%.+*^- \n\r\t";
	size_t len = random_below(12), used = 0;

	for (size_t i = 0; i < len; i++) {
		const char *piece = nasty[random_below(sizeof nasty / sizeof nasty[0])];

		if (random_below(4) == 0 && used + strlen(piece) < VALUE_MAX) {
			memcpy(buf + used, piece, strlen(piece));
			used += strlen(piece);
		} else if (used + 1 < VALUE_MAX) {
			buf[used++] = random_below(2) ? marks[random_below(sizeof marks - 1)] :
			    (char)(1 + random_below(255));
		}
	}
	buf[used] = '\0';
	return buf;
}

typedef void judge(const char *value, int r, const struct buf *b);

static void
for_values(const char *text, enum template_place place, judge *is_good)
{
	char value[VALUE_MAX + 1];
	struct err err = ERR_INIT;
	struct buf b;

	for (size_t i = 0; i < ROUNDS; i++) {
		const char *v = i < sizeof nasty / sizeof nasty[0] ? nasty[i] : random_value(value);
		int r;

		buf_init(&b, 4096);
		r = expand(text, place, v, &b, &err);
		if (r < 0) {
			assert_int_equal(r, ERR_INVALID);
			assert_int_equal(b.len, 0);
			assert_true(utf8_is_valid(err.msg, strlen(err.msg)));
		}
		is_good(v, r, &b);
		buf_done(&b);
	}
}

/* --- PromQL --------------------------------------------------------------------------------------------- */

/* Read the string at p as Go's strconv does; ends behind its quote. */
static const char *
unquote(const char *p, char *out)
{
	char quote = *p++;

	for (; *p != quote; p++) {
		assert_true(*p != '\0' && *p != '\n');
		if (*p != '\\') {
			*out++ = *p;
			continue;
		}
		p++;
		if (*p == 'x') {
			unsigned byte;

			assert_int_equal(sscanf(p + 1, "%2x", &byte), 1);
			*out++ = (char)byte;
			p += 2;
		} else if (*p == 'n') {
			*out++ = '\n';
		} else {
			assert_non_null(strchr("\\\"'", *p));
			*out++ = *p;
		}
	}
	*out = '\0';
	return p + 1;
}

/* A regular expression that is one literal. */
static void
assert_literal(const char *regex, const char *value)
{
	for (; *regex != '\0'; regex++, value++) {
		if (*regex == '\\')
			regex++;
		else
			assert_null(strchr("\\.+*?()|[]{}^$", *regex));
		assert_int_equal(*regex, *value);
	}
	assert_int_equal(*value, '\0');
}

static void
is_promql(const char *value, int r, const struct buf *b)
{
	static const char head[] = "up{a=", mid[] = ",b=~", tail[] = ",c!='x'} == 1";
	char read[4096];
	const char *p = b->data + strlen(head);

	assert_int_equal(r == 0, utf8_is_valid(value, strlen(value)));
	if (r < 0)
		return;
	assert_memory_equal(b->data, head, strlen(head));
	p = unquote(p, read);
	assert_string_equal(read, value);
	assert_memory_equal(p, mid, strlen(mid));
	p = unquote(p + strlen(mid), read);
	assert_literal(read, value);
	assert_string_equal(p, tail);
}

static void
values_stay_in_their_promql_string(void **unused)
{
	(void)unused;
	for_values("up{a=\"${v}\",b=~'${v}',c!='x'} == 1", PLACE_PROMQL, is_promql);
}

static void
is_logql(const char *value, int r, const struct buf *b)
{
	static const char head[] = "{job=", mid[] = "} |= ", tail[] = " | json";
	char read[4096];
	const char *p = b->data + strlen(head);

	assert_int_equal(r == 0, utf8_is_valid(value, strlen(value)));
	if (r < 0)
		return;
	p = unquote(p, read);
	assert_string_equal(read, value);
	assert_memory_equal(p, mid, strlen(mid));
	p = unquote(p + strlen(mid), read);
	assert_string_equal(read, value);
	assert_string_equal(p, tail);
}

/* Read as Lucene and a journal's query do. */
static void
values_stay_in_their_words(void **unused)
{
	static const struct { const char *text; enum template_place place; const char *value, *expanded; } cases[] = {
		{ "app:\"${v}\" AND x", PLACE_LUCENE, "a\" OR b:\"", "app:\"a\\\" OR b:\\\"\" AND x" },
		{ "app:\"${v}\"", PLACE_LUCENE, "a\\", "app:\"a\\\\\"" },
		{ "app:\"${v}\"", PLACE_LUCENE, "a\nb", NULL },
		{ "app:\"${v}\"", PLACE_LUCENE, "\xff", NULL },
		{ "app:\"a\\\" \" AND b:\"${v}\"", PLACE_LUCENE, "it's", "app:\"a\\\" \" AND b:\"it's\"" },
		{ "A=${v}.service + B=1", PLACE_JOURNAL, "web", "A=web.service + B=1" },
		{ "A=${v}", PLACE_JOURNAL, "web + B=1", NULL },
		{ "A=${v}", PLACE_JOURNAL, "web\tB=1", NULL },
		{ "A=${v}", PLACE_JOURNAL, "a\"b", NULL },
		{ "A=\"${v} x\" B=\"${v}\"", PLACE_JOURNAL, "a + b", "A=\"a + b x\" B=\"a + b\"" },
		{ "\"A=${v}\"", PLACE_JOURNAL, "a\"b", NULL },
		{ "{a=\"${v}\"}", PLACE_LOGQL, "it's", "{a=\"it\\x27s\"}" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = ERR_INIT;
		struct buf b;
		int r;

		buf_init(&b, 1000);
		r = expand(cases[i].text, cases[i].place, cases[i].value, &b, &err);
		assert_int_equal(r, cases[i].expanded != NULL ? 0 : ERR_INVALID);
		assert_string_equal(b.data, cases[i].expanded != NULL ? cases[i].expanded : "");
		buf_done(&b);
	}
}

static void
values_stay_in_their_logql_string(void **unused)
{
	(void)unused;
	for_values("{job=\"${v}\"} |= \"${v}\" | json", PLACE_LOGQL, is_logql);
}

/* --- other places ------------------------------------------------------------------------------------------- */

static const char *
decode_url(const char *p, const char *end, char *out)
{
	for (; p < end; p++) {
		unsigned byte = (unsigned char)*p;

		if (*p == '%') {
			assert_int_equal(sscanf(p + 1, "%2X", &byte), 1);
			p += 2;
		} else {
			assert_true((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			    (*p >= '0' && *p <= '9') || strchr("-._~", *p) != NULL);
		}
		*out++ = (char)byte;
	}
	*out = '\0';
	return end;
}

static void
is_url(const char *value, int r, const struct buf *b)
{
	static const char head[] = "/api/models/", mid[] = "/x?name=";
	char read[4096];
	const char *slash, *amp;

	/* As a part of the path these would be another path. */
	assert_int_equal(r == 0, value[0] != '\0' && !str_eq(value, ".") && !str_eq(value, ".."));
	if (r < 0)
		return;
	assert_memory_equal(b->data, head, strlen(head));
	slash = strchr(b->data + strlen(head), '/');
	decode_url(b->data + strlen(head), slash, read);
	assert_string_equal(read, value);
	assert_memory_equal(slash, mid, strlen(mid));
	amp = strchr(slash, '&');
	decode_url(slash + strlen(mid), amp, read);
	assert_string_equal(read, value);
	assert_string_equal(amp, "&y=1");
}

static void
values_stay_in_their_part_of_a_url(void **unused)
{
	(void)unused;
	for_values("/api/models/${v}/x?name=${v}&y=1", PLACE_URL, is_url);
}

static void
is_json_string(const char *value, int r, const struct buf *b)
{
	char *text, *expected;
	json_t *json;

	assert_int_equal(r == 0, utf8_is_valid(value, strlen(value)));
	if (r < 0)
		return;
	text = xasprintf("\"%s\"", b->data);
	expected = xasprintf("a \"quoted\" \\ %s!", value);
	json = json_loads(text, JSON_DECODE_ANY, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json), expected);
	json_decref(json);
	free(expected);
	free(text);
}

static void
values_stay_in_their_json_string(void **unused)
{
	(void)unused;
	for_values("a \"quoted\" \\ ${v}!", PLACE_JSON, is_json_string);
}

static void
is_json_text(const char *value, int r, const struct buf *b)
{
	json_t *json;

	assert_int_equal(r == 0, utf8_is_valid(value, strlen(value)));
	if (r < 0)
		return;
	json = json_loads(b->data, 0, NULL);
	assert_non_null(json);
	assert_int_equal(json_object_size(json), 2);
	assert_string_equal(json_string_value(json_object_get(json, "to")), value);
	assert_true(json_is_true(json_object_get(json, "b")));
	json_decref(json);
}

static void
values_stay_in_their_string_of_a_json_text(void **unused)
{
	(void)unused;
	for_values("{\"to\": \"${v}\", \"b\": true}", PLACE_JSON_TEXT, is_json_text);
}

static void
is_header(const char *value, int r, const struct buf *b)
{
	bool is_plain = true;

	for (const char *p = value; *p != '\0'; p++)
		is_plain = is_plain && ((unsigned char)*p >= 0x20 || *p == '\t') && *p != 0x7f;
	assert_int_equal(r == 0, is_plain);
	if (r == 0)
		assert_string_equal(b->data + strlen("Bearer "), value);
}

static void
no_header_has_two_lines(void **unused)
{
	(void)unused;
	for_values("Bearer ${v}", PLACE_HEADER, is_header);
}

static void
is_form(const char *value, int r, const struct buf *b)
{
	char read[4096];

	assert_int_equal(r, 0);
	assert_memory_equal(b->data, "a=", 2);
	decode_url(b->data + 2, strchr(b->data, '&'), read);
	assert_string_equal(read, value);
	assert_string_equal(strchr(b->data, '&'), "&b=1");
}

static void
values_stay_in_their_field_of_a_form(void **unused)
{
	(void)unused;
	for_values("a=${v}&b=1", PLACE_FORM, is_form);
}

static void
is_word(const char *value, int r, const struct buf *b)
{
	assert_int_equal(r, 0);
	assert_memory_equal(b->data, "--to=", 5);
	assert_string_equal(b->data + 5, value);
}

static void
words_are_the_bytes(void **unused)
{
	(void)unused;
	for_values("--to=${v}", PLACE_WORD, is_word);
	for_values("--to=${v}", PLACE_STDIN, is_word);
	for_values("--to=${v}", PLACE_ENV, is_word);
}

static void
is_regex(const char *value, int r, const struct buf *b)
{
	assert_int_equal(r == 0, utf8_is_valid(value, strlen(value)));
	if (r < 0)
		return;
	assert_string_equal(b->data + b->len - 4, "(:.*");
	b->data[b->len - 4] = '\0';
	assert_literal(b->data, value);
}

static void
values_are_literals_in_a_regular_expression(void **unused)
{
	(void)unused;
	for_values("${v}(:.*", PLACE_REGEX, is_regex);
}

static void
is_shown(const char *value, int r, const struct buf *b)
{
	(void)value;
	assert_int_equal(r, 0);
	assert_true(utf8_is_valid(b->data, b->len));
	for (size_t i = 0; i < b->len; i++)
		assert_true((unsigned char)b->data[i] >= 0x20 && b->data[i] != 0x7f);
}

static void
texts_can_be_shown(void **unused)
{
	(void)unused;
	for_values("put back ${v}?", PLACE_TEXT, is_shown);
}

/* --- what is refused when it is read ---------------------------------------------------------------------------- */

static void
places_are_checked_when_read(void **unused)
{
	static const struct {
		const char *text;
		enum template_place place;
		int code;
		size_t column;
		const char *says;
	} cases[] = {
		{ "up{a=${v}}", PLACE_PROMQL, ERR_INVALID, 6, "only inside" },
		{ "${v}", PLACE_PROMQL, ERR_INVALID, 1, "only inside" },
		{ "up{a=`${v}`}", PLACE_PROMQL, ERR_INVALID, 7, "no escapes" },
		{ "up # \"${v}\"", PLACE_PROMQL, ERR_INVALID, 7, "only inside" },
		{ "up{a=\"\\${v}\"}", PLACE_PROMQL, ERR_INVALID, 8, "backslash" },
		{ "label_replace(up, \"a\", \"${v}\", \"b\", \"c\")", PLACE_PROMQL, ERR_INVALID, 25,
		    "no matcher" },
		{ "up{\"${v}\"=\"x\"}", PLACE_PROMQL, ERR_INVALID, 5, "no matcher" },
		{ "sum(up", PLACE_PROMQL, ERR_SYNTAX, 7, "'(' is not closed" },
		{ "sum(up}", PLACE_PROMQL, ERR_SYNTAX, 7, "closes nothing" },
		{ "up{a=\"b}", PLACE_PROMQL, ERR_SYNTAX, 9, "not closed" },
		{ "{a=\"b\"} | label_format x=\"${v}\"", PLACE_LOGQL, ERR_INVALID, 27, "no matcher" },
		{ "{a=\"b\"} |= `${v}`", PLACE_LOGQL, ERR_INVALID, 13, "no escapes" },
		{ "app:${v}", PLACE_LUCENE, ERR_INVALID, 5, "only inside" },
		{ "app:/a\"b/ OR app:\"${v}\"", PLACE_LUCENE, ERR_INVALID, 19, "may begin a pattern" },
		{ "app:\"\\${v}\"", PLACE_LUCENE, ERR_INVALID, 7, "backslash" },
		{ "app:\"a", PLACE_LUCENE, ERR_SYNTAX, 7, "not closed" },
		{ "${v}=a", PLACE_JOURNAL, ERR_INVALID, 1, "only in the value" },
		{ "A=b ${v}", PLACE_JOURNAL, ERR_INVALID, 5, "only in the value" },
		{ "A=\"b", PLACE_JOURNAL, ERR_SYNTAX, 5, "not closed" },
		{ "{\"a\": ${v}}", PLACE_JSON_TEXT, ERR_INVALID, 7, "only inside" },
		{ "{\"a\": \"${v}\"", PLACE_JSON_TEXT, ERR_SYNTAX, 13, "not closed" },
		{ "/a b", PLACE_URL, ERR_INVALID, 3, "%XX" },
		{ "/a/../b", PLACE_URL, ERR_INVALID, 8, "lead elsewhere" },
		{ "/a/%2e%2E/b", PLACE_URL, ERR_INVALID, 12, "lead elsewhere" },
		{ "a\nb", PLACE_HEADER, ERR_INVALID, 2, "control" },
		{ "a ${", PLACE_WORD, ERR_SYNTAX, 3, "no variable" },
		{ "a ${}", PLACE_WORD, ERR_SYNTAX, 3, "no variable" },
		{ "${a b}", PLACE_WORD, ERR_SYNTAX, 1, "no variable" },
		{ "${a:-b}", PLACE_WORD, ERR_SYNTAX, 1, "no variable" },
		{ "${${a}}", PLACE_WORD, ERR_SYNTAX, 1, "no variable" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct template *t = NULL;
		struct err err = ERR_INIT;
		size_t column = 0;

		assert_int_equal(template_parse(cases[i].text, cases[i].place, &t, &column, &err),
		    cases[i].code);
		assert_null(t);
		if (column != cases[i].column || strstr(err.msg, cases[i].says) == NULL)
			fail_msg("%s: column %zu, %s", cases[i].text, column, err.msg);
	}
}

static void
matchers_of_all_kinds_take_values(void **unused)
{
	static const char *const good[] = {
		"up{a=\"${v}\"}", "up{a!=\"${v}\"}", "up{a=~\"${v}\"}", "up{a!~\"${v}\"}", "up{ a = '${v}' }",
		"sum(rate(x{a =~ \"${v}|b\", c=\"d\"}[5m])) by (le) > 1 # a note",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct template *t = NULL;
		struct err err = ERR_INIT;

		if (template_parse(good[i], PLACE_PROMQL, &t, NULL, &err) < 0)
			fail_msg("%s: %s", good[i], err.msg);
		template_free(t);
	}
}

/* --- putting together ------------------------------------------------------------------------------------------------ */

static void
names_come_once_and_in_order(void **unused)
{
	const char *const *names;
	struct template *t;

	(void)unused;
	assert_int_equal(template_parse("$${a} ${v}${model} $ ${v} ${host.address}", PLACE_WORD, &t, NULL,
	    NULL), 0);
	assert_int_equal(template_names(t, &names), 3);
	assert_string_equal(names[0], "v");
	assert_string_equal(names[1], "model");
	assert_string_equal(names[2], "host.address");
	template_free(t);
}

static void
values_are_not_read_again(void **unused)
{
	struct err err = ERR_INIT;
	struct buf b;

	(void)unused;
	buf_init(&b, 100);
	assert_int_equal(expand("$${v} $$ ${v}", PLACE_WORD, "${model}", &b, &err), 0);
	assert_string_equal(b.data, "${v} $$ ${model}");
	buf_done(&b);
}

static void
what_is_not_known_is_named(void **unused)
{
	struct one none[] = { { NULL, NULL } };
	struct err err = ERR_INIT;
	struct template *t;
	struct buf b;

	(void)unused;
	buf_init(&b, 100);
	buf_addstr(&b, "kept");
	assert_int_equal(template_parse("x ${to}", PLACE_WORD, &t, NULL, NULL), 0);
	assert_int_equal(template_expand(t, lookup, none, &b, &err), ERR_NOTFOUND);
	assert_string_equal(err.msg, "${to} is not known: it is not told yet");
	assert_string_equal(b.data, "kept");
	template_free(t);
	buf_done(&b);
}

static void
what_does_not_fit_leaves_nothing(void **unused)
{
	struct err err = ERR_INIT;
	struct buf b;

	(void)unused;
	buf_init(&b, 8);
	assert_int_equal(expand("abc ${v}", PLACE_WORD, "123456789", &b, &err), ERR_LIMIT);
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

/* actions: a name stands for a template of the step; what that gives is encoded once, for the inner place. */
static void
templates_stand_in_for_names(void **unused)
{
	struct one values[] = { { "x", "a/b\"" }, { NULL, NULL } };
	struct template *given, *t;
	struct err err = ERR_INIT;
	const char *const *names;
	struct buf b;

	(void)unused;
	assert_int_equal(template_parse("pool ${x}", PLACE_STDIN, &given, NULL, NULL), 0);
	const struct template_given v = { "pool", given };
	assert_int_equal(template_parse_given("/p/${pool}/${x}", PLACE_URL, &v, 1, &t, NULL, &err), 0);
	template_free(given);
	assert_int_equal(template_names(t, &names), 1);
	assert_string_equal(names[0], "x");
	buf_init(&b, 100);
	assert_int_equal(template_expand(t, lookup, values, &b, &err), 0);
	assert_string_equal(b.data, "/p/pool%20a%2Fb%22/a%2Fb%22");
	buf_done(&b);
	template_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_stay_in_their_promql_string),
		cmocka_unit_test(values_stay_in_their_logql_string),
		cmocka_unit_test(values_stay_in_their_words),
		cmocka_unit_test(values_stay_in_their_part_of_a_url),
		cmocka_unit_test(values_stay_in_their_json_string),
		cmocka_unit_test(values_stay_in_their_string_of_a_json_text),
		cmocka_unit_test(values_stay_in_their_field_of_a_form),
		cmocka_unit_test(no_header_has_two_lines),
		cmocka_unit_test(words_are_the_bytes),
		cmocka_unit_test(values_are_literals_in_a_regular_expression),
		cmocka_unit_test(texts_can_be_shown),
		cmocka_unit_test(places_are_checked_when_read),
		cmocka_unit_test(matchers_of_all_kinds_take_values),
		cmocka_unit_test(names_come_once_and_in_order),
		cmocka_unit_test(values_are_not_read_again),
		cmocka_unit_test(what_is_not_known_is_named),
		cmocka_unit_test(what_does_not_fit_leaves_nothing),
		cmocka_unit_test(templates_stand_in_for_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
