/*
 * What a store is asked to do of a filter: quoted as the store reads it, and never narrower than the filter. Each store is emulated as far as what we ask of it goes: Loki's line
 * filters (RE2, where bytes that are no UTF-8 are U+FFFD) and label filters, Elasticsearch's words and wildcards, journald's matches.
 */
#include "config.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "insight/log_filter.h"
#include "tests/unit/log_world.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static struct log_filter *
filter(const char *query)
{
	struct err err = ERR_INIT;
	struct log_filter *f;

	if (log_filter_new(query, &f, &err) < 0)
		fail_msg("%s: %s", query, err.msg);
	return f;
}

/* --- Loki -------------------------------------------------------------------------------------------------------------------- */

static void
logql_is_quoted(void **state)
{
	static const struct {
		const char *query, *logql;
	} cases[] = {
		{ "", "{a=\"b\"}" },
		{ "timeout", "{a=\"b\"} |~ \"(?i)timeout\"" },
		{ "!a.b", "{a=\"b\"} !~ \"(?i)a\\\\.b\"" },
		{ "!disk1", "{a=\"b\"} !~ \"[dD][iI][sS][kK]1\"" },
		{ "\"say \\\"hi\\\" \\\\ {x}\"", "{a=\"b\"} |~ \"(?i)say \\\"hi\\\" \\\\\\\\ \\\\{x\\\\}\"" },
		{ "/a.b$/", "{a=\"b\"} |~ \"(?s)a.b$\"" },
		{ "/a\\/b/i", "{a=\"b\"} |~ \"(?is)a/b\"" },
		{ "/a\\sb/", "{a=\"b\"} |~ \"(?s)a[\\\\s\\\\x0b]b\"" },
		{ "/[a\\s]b\"/", "{a=\"b\"} |~ \"(?s)[a\\\\x0b\\\\s]b\\\"\"" },
		{ "/x{2,5}?y/", "{a=\"b\"} |~ \"(?s)x{2,5}?y\"" },
		{ "!/a|b/", "{a=\"b\"} !~ \"(?s)a|b\"" },
		/* Not surely the same there: it is filtered here alone. */
		{ "!/a.b/", "{a=\"b\"}" }, { "/a++b/", "{a=\"b\"}" }, { "/(?=a)b/", "{a=\"b\"}" }, { "/[^a]b/", "{a=\"b\"}" }, { "/x{2000}/", "{a=\"b\"}" },
		{ "/\\hx/", "{a=\"b\"}" }, { "\xc3\xa4", "{a=\"b\"}" }, { "/a{b/", "{a=\"b\"}" }, { "level:error", "{a=\"b\"}" }, { "service:x", "{a=\"b\"}" },
		{ "label:host=web-*", "{a=\"b\"} | host=~\"(?s)web-.*\"" },
		{ "!label:host=web.1", "{a=\"b\"} | host!~\"(?s)web\\\\.1\"" },
		{ "!label:host", "{a=\"b\"}" }, { "label:k8s.pod=x", "{a=\"b\"}" }, { "label:host=web-[12]", "{a=\"b\"}" }, { "label:host=web-?", "{a=\"b\"}" },
		{ "label:a=x timeout", "{a=\"b\"} |~ \"(?i)timeout\" | a=~\"(?s)x\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct log_filter *f = filter(cases[i].query);
		struct buf b;

		buf_init(&b, 4096);
		assert_int_equal(log_filter_logql(f, "{a=\"b\"}", &b), 0);
		if (strcmp(b.data, cases[i].logql) != 0)
			fail_msg("%s gave %s, expected %s", cases[i].query, b.data, cases[i].logql);
		buf_done(&b);
		/* What does not fit is refused. */
		buf_init(&b, 10);
		if (strlen(cases[i].logql) > 10)
			assert_int_equal(log_filter_logql(f, "{a=\"b\"}  ", &b), strlen(cases[i].logql) > 7 ? ERR_LIMIT : 0);
		buf_done(&b);
		log_filter_free(f);
	}
}

/* Go's "..": what is behind the closing quote. */
static const char *
go_string(const char *p, struct buf *ret)
{
	assert_int_equal(*p, '"');
	for (p++; *p != '"'; p++) {
		assert_int_not_equal(*p, '\0');
		if (*p == '\\') {
			p++;
			assert_true(*p == '"' || *p == '\\');
		}
		buf_addch(ret, *p);
	}
	return p + 1;
}

static bool
re2_matches(const char *regex, const char *text, size_t len, bool is_whole)
{
	PCRE2_SIZE at;
	int error, r;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
	    PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | (is_whole ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0), &error, &at, NULL);
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	struct buf b;

	if (code == NULL)
		fail_msg("the store cannot read %s", regex);
	buf_init(&b, 1 << 20);
	for (size_t i = 0, n; i < len; i += n > 0 ? n : 1) {
		uint32_t cp;

		n = utf8_decode(text + i, len - i, &cp);
		if (n > 0)
			buf_add(&b, text + i, n);
		else
			buf_addstr(&b, "\xef\xbf\xbd");
	}
	r = pcre2_match(code, (PCRE2_SPTR)b.data, b.len, 0, 0, data, NULL);
	buf_done(&b);
	pcre2_match_data_free(data);
	pcre2_code_free(code);
	return r >= 0;
}

/* Does Loki's answer to the query, whose selector is {}, hold the line? */
static bool
loki_tells(const char *logql, const struct log_ref *line)
{
	bool is_in = true;

	assert_true(str_has_prefix(logql, "{}"));
	for (const char *p = logql + 2; *p != '\0';) {
		const char *op = p, *value = line->text;
		size_t len = line->len;
		bool is_label = str_has_prefix(p, " | "), is_not;
		char name[64] = "";
		struct buf regex;

		if (is_label) {
			op = p + 3 + strcspn(p + 3, "=!");
			snprintf(name, sizeof name, "%.*s", (int)(op - p - 3), p + 3);
			value = labels_get(line->labels, name);
			value = value == NULL ? "" : value;
			len = strlen(value);
			is_not = *op == '!';
			assert_int_equal(op[1], '~');
			op += 2;
		} else {
			is_not = str_has_prefix(p, " !~ ");
			assert_true(is_not || str_has_prefix(p, " |~ "));
			op = p + 4;
		}
		buf_init(&regex, 4096);
		p = go_string(op, &regex);
		is_in = is_in && re2_matches(regex.data, value, len, is_label) != is_not;
		buf_done(&regex);
	}
	return is_in;
}

/* --- Elasticsearch ------------------------------------------------------------------------------------------------------------- */

static void
query_strings_are_as_wide(void **state)
{
	static const struct {
		const char *query, *base, *expected;
	} cases[] = {
		{ "", "", "*" }, { "", "*", "*" }, { "", "a:b OR c", "(a:b OR c)" }, { "Time-Out x", "", "*time* AND *out* AND *x*" }, { "err", "a OR b", "(a OR b) AND *err*" },
		{ "!err /x/ level:error", "a", "(a)" }, { "err", "{\"match_all\":{}}", "{\"match_all\":{}}" }, { "\"a\\\"b\"", "*", "*a* AND *b*" }, { "++", "", "*" }, { "\xc3\xa4x", "", "*" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct log_filter *f = filter(cases[i].query);
		struct buf b;

		buf_init(&b, 4096);
		assert_int_equal(log_filter_query_string(f, cases[i].base, &b), 0);
		if (strcmp(b.data, cases[i].expected) != 0)
			fail_msg("%s on %s gave %s", cases[i].query, cases[i].base, b.data);
		buf_done(&b);
		log_filter_free(f);
	}
}

/* One of the line's words, which are runs of letters and digits in lower case at the least, has this in it. */
static bool
any_word_has(const struct log_ref *line, const char *part, size_t len)
{
	char word[256];
	size_t n = 0;

	for (size_t i = 0; i <= line->len; i++) {
		if (i < line->len && isalnum((unsigned char)line->text[i]) && n < sizeof word - 1) {
			word[n++] = (char)tolower((unsigned char)line->text[i]);
			continue;
		}
		if (memmem(word, n, part, len) != NULL)
			return true;
		n = 0;
	}
	return false;
}

static bool
elastic_tells(const char *query, const struct log_ref *line)
{
	if (strcmp(query, "*") == 0)
		return true;
	for (const char *p = query; *p != '\0';) {
		const char *end = strchr(p + 1, '*');

		assert_true(*p == '*' && end != NULL);
		if (!any_word_has(line, p + 1, (size_t)(end - p - 1)))
			return false;
		p = end + 1;
		if (*p != '\0') {
			assert_true(str_has_prefix(p, " AND *"));
			p += 5;
		}
	}
	return true;
}

/* --- journald -------------------------------------------------------------------------------------------------------------------- */

static void
matches_are_of_fields_alone(void **state)
{
	static const struct {
		const char *query, *base, *expected;
	} cases[] = {
		{ "", "_SYSTEMD_UNIT=x.service", "_SYSTEMD_UNIT=x.service" }, { "label:_HOSTNAME=web-1 err", "A=b", "A=b _HOSTNAME=web-1" }, { "label:PRIORITY=3", "", "PRIORITY=3" },
		{ "label:unit=x", "A=b", "A=b" }, { "!label:_PID=1", "A=b", "A=b" }, { "label:_PID=1*", "A=b", "A=b" }, { "label:_PID=\"a b\"", "A=b", "A=b" }, { "level:error", "A=b", "A=b" },
		{ "label:_COMM=\"a\\\"b\"", "A=b", "A=b" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct log_filter *f = filter(cases[i].query);
		struct buf b;

		buf_init(&b, 4096);
		assert_int_equal(log_filter_matches(f, cases[i].base, &b), 0);
		assert_string_equal(b.data, cases[i].expected);
		buf_done(&b);
		log_filter_free(f);
	}
}

static bool
journal_tells(const char *matches, const struct log_ref *line)
{
	char text[1024], *word, *next = NULL;

	snprintf(text, sizeof text, "%s", matches);
	for (word = strtok_r(text, " ", &next); word != NULL; word = strtok_r(NULL, " ", &next)) {
		char *equal = strchr(word, '=');
		const char *value;

		assert_non_null(equal);
		*equal = '\0';
		value = labels_get(line->labels, word);
		if (value == NULL || strcmp(value, equal + 1) != 0)
			return false;
	}
	return true;
}

/* --- never narrower ------------------------------------------------------------------------------------------------------------- */

static const char *const pieces[] = {
	"a", "B", "err", "timeout", "x.y", "foo-bar", "\"a b\"", "\"(x)\"", "k", "s", "/a/", "/A/i", "/a.b/", "/a.*b/", "/^a/", "/b$/", "/\\d+/", "/a\\sb/", "/[ab]\\w/", "/[a\\s]+k/i",
	"/(?:a|b)c?/", "/x{1,3}/", "/x{2}y*?/", "/\\bfoo\\b/", "/a|b|\\./", "/[^a]b/", "/\\Wx/", "/(a)(b)/", "/\\x41/", "/k/i", "/a[.]b/", "/[a-f0-9]{2,}/", "/-$/", "/./", "/^.{3}$/", "/[\\]a]/",
	"label:A=a", "label:host=web-*", "label:host=*", "label:A=?", "level:error", "service:x*", "\xc3\xa4", "\xe2\x84\xaa",
};
static const char *const texts[] = {
	"a", "b", "err", "Err ", "TIMEOUT", "x", ".", "y", "foo-bar", " ", "a b", "\n", "\v", "\t", "(x)", "k", "\xe2\x84\xaa", "\xc5\xbf", "\xff", "\xc3", "\xc3\xa4", "\xc3\x84", "0", "42", "foo", "-", "xx", "A",
	"a.b", "]", "\\", "\"", "ab", "\r",
};

static void
random_line(uint64_t *random, char *text, size_t size, struct log_ref *ret, const struct labels *labels)
{
	size_t n = log_random(random) % 8;

	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), size - strlen(text), "%s", texts[log_random(random) % COUNT(texts)]);
	*ret = (struct log_ref){ .text = text, .len = strlen(text), .level = (enum line_level)(log_random(random) % LOG_LEVELS), .source = "s", .service = "x", .labels = labels };
}

static void
stores_never_tell_less_than_the_filter_lets_through(void **state)
{
	static const struct label one[] = { { "A", "a" }, { "host", "web-1" } }, two[] = { { "A", "bb" } }, three[] = { { "host", "" } };
	static const struct labels labels[] = { { 2, one }, { 1, two }, { 1, three }, { 0, NULL } };
	uint64_t random = 17;
	size_t n_in = 0, n_told = 0, n_pushed = 0;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct buf logql, query_string, matches;
		char query[256] = "";
		struct log_filter *f;

		for (size_t i = 1 + log_random(&random) % 2; i > 0; i--)
			snprintf(query + strlen(query), sizeof query - strlen(query), "%s%s ", log_random(&random) % 3 == 0 ? "!" : "", pieces[log_random(&random) % COUNT(pieces)]);
		f = filter(query);
		buf_init(&logql, 4096);
		buf_init(&query_string, 4096);
		buf_init(&matches, 4096);
		log_filter_logql(f, "{}", &logql);
		log_filter_query_string(f, "", &query_string);
		log_filter_matches(f, "", &matches);
		n_pushed += logql.len > 2;
		for (int i = 0; i < 30; i++) {
			char text[256];
			struct log_ref line;
			bool is_told;

			random_line(&random, text, sizeof text, &line, &labels[log_random(&random) % COUNT(labels)]);
			is_told = loki_tells(logql.data, &line);
			n_told += is_told;
			if (!log_filter_line(f, &line))
				continue;
			n_in++;
			if (!is_told || !elastic_tells(query_string.data, &line) || !journal_tells(matches.data, &line)) {
				struct buf shown;

				buf_init(&shown, 4096);
				str_escape(&shown, line.text, line.len);
				fail_msg("%s lets through \"%s\": %d %s %s", query, shown.data, is_told, logql.data, query_string.data);
			}
		}
		buf_done(&logql);
		buf_done(&query_string);
		buf_done(&matches);
		log_filter_free(f);
	}
	/* And they do most of the work. */
	assert_true(n_in > 10000 && n_pushed > 1500 && n_told < 3 * n_in);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(logql_is_quoted),
		cmocka_unit_test(query_strings_are_as_wide),
		cmocka_unit_test(matches_are_of_fields_alone),
		cmocka_unit_test(stores_never_tell_less_than_the_filter_lets_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
