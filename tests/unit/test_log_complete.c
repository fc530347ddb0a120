/* Completing queries for lines: what stands at the cursor (^), and what it becomes. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "insight/log_complete.h"

static const char *const place_names[] = { "none", "key", "level", "service", "source", "name", "value" };

struct row {
	const char *text;	/* ^: the cursor */
	const char *place;	/* "value loki app <we {job="x"}": place, store, label, prefix, selector */
	const char *word, *becomes;	/* NULL: it cannot be said */
};

static char *
without_cursor(const char *text, size_t *ret_at)
{
	const char *cursor = strrchr(text, '^');

	*ret_at = (size_t)(cursor - text);
	return xasprintf("%.*s%s", (int)*ret_at, text, cursor + 1);
}

static void
check(const struct row *r)
{
	struct arena mem = ARENA_INIT;
	struct log_complete c;
	size_t at, then = 0;
	char *text = without_cursor(r->text, &at), *got, *with, *shown = NULL;

	log_complete_at(text, at, &mem, &c);
	got = xasprintf("%s%s%s%s%s <%s%s%s", place_names[c.place], c.type != NULL ? " " : "", c.type != NULL ? c.type : "", c.label != NULL ? " " : "",
	    c.label != NULL ? c.label : "", c.prefix, c.selector != NULL ? " " : "", c.selector != NULL ? c.selector : "");
	if (strcmp(got, r->place) != 0)
		fail_msg("%s: %s, expected %s", r->text, got, r->place);
	if (r->word != NULL) {
		with = log_complete_with(&c, text, r->word, &then);
		if (with != NULL)
			shown = xasprintf("%.*s^%s", (int)then, with, with + then);
		if (r->becomes == NULL ? shown != NULL : shown == NULL || strcmp(shown, r->becomes) != 0)
			fail_msg("%s with %s: %s, expected %s", r->text, r->word, shown != NULL ? shown : "nothing", r->becomes != NULL ? r->becomes : "nothing");
		free(with);
		free(shown);
	}
	free(got);
	free(text);
	arena_done(&mem);
}

static void
check_all(const struct row *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(&v[i]);
}

static void
the_query_box(void **state)
{
	static const struct row rows[] = {
		{ "^", "key <", "level:", "level:^" },
		{ "lev^", "key <lev", "level:", "level:^" },
		{ "timeout se^ x", "key <se", "service:", "timeout service:^ x" },
		{ "!sou^", "key <sou", "source:", "!source:^" },
		{ "!^", "none <", NULL, NULL },
		{ "level:^", "level <", "warning", "level:warning^" },
		{ "level:=e^", "level <e", "error", "level:=error^" },
		{ "a !service:w^", "service <w", "web", "a !service:web^" },
		{ "service:\"a^", "service <a", "a b", "service:\"a b\"^" },
		{ "service:^", "service <", "w*[1]\"", "service:\"w\\\\*\\\\[1]\\\"\"^" },
		{ "service:^", "service <", "w*", "service:w\\*^" },
		{ "source:lo^", "source <lo", "loki", "source:loki^" },
		{ "label:ho^", "name <ho", "host", "label:host=^" },
		{ "label:ho^=x", "name <ho", "host", "label:host^=x" },
		{ "label:host=we^", "value host <we", "web-1", "label:host=web-1^" },
		{ "label:\"a b\"=we^ z", "value a b <we", "web-1", "label:\"a b\"=web-1^ z" },
		{ "\"lev^", "none <", "level:", NULL },
		{ "/lev^", "none <", "level:", NULL },
		{ "x \"a b^", "none <", NULL, NULL },
		{ "label:host=^", "value host <", "a\nb", NULL },
		{ "label:host=^", "value host <", "a\xff", NULL },
		{ "label:host=^", "value host <", "a\xe2\x80\xae", NULL },
	};

	(void)state;
	check_all(rows, sizeof rows / sizeof *rows);
}

static void
a_selector_of_a_loki(void **state)
{
	static const struct row rows[] = {
		{ "loki:^", "none loki <", NULL, NULL },
		{ "loki: {^", "name loki <", "app", "loki: {app=\"^" },
		{ "loki: {a^}", "name loki <a", "app", "loki: {app=\"^}" },
		{ "loki: {app=\"^", "value loki app <", "web", "loki: {app=\"web\"^" },
		{ "loki: {app=\"w^eb-2\"}", "value loki app <w", "web-1", "loki: {app=\"web-1^\"}" },
		{ "loki: {app=\"w^, job=\"x\"}", "value loki app <w {job=\"x\"}", "web", "loki: {app=\"web\"^, job=\"x\"}" },
		{ "loki: {app=\"w^\"}", "value loki app <w", "web", "loki: {app=\"web^\"}" },
		{ "loki: {app=^", "value loki app <", "say \"hi\" \\", "loki: {app=\"say \\\"hi\\\" \\\\\"^" },
		{ "loki: {app=`w^", "value loki app <w", "web", "loki: {app=`web`^" },
		{ "loki: {app=`^", "value loki app <", "a`b", NULL },
		{ "loki: {app=\"say \\\"h^", "value loki app <say \"h", "say \"hi\"", "loki: {app=\"say \\\"hi\\\"\"^" },
		{ "loki: {job=\"x\", app=\"w^", "value loki app <w {job=\"x\"}", "web", "loki: {job=\"x\", app=\"web\"^" },
		{ "loki: {app=\"w^\", job=\"x\"} |= \"z\"", "value loki app <w {job=\"x\"}", "web", "loki: {app=\"web^\", job=\"x\"} |= \"z\"" },
		{ "loki: {job=\"x\",env!=\"dev\",^", "name loki < {job=\"x\",env!=\"dev\"}", "app", "loki: {job=\"x\",env!=\"dev\",app=\"^" },
		/* A Loki takes no selector of these alone. */
		{ "loki: {env!=\"dev\",a^", "name loki <a", NULL, NULL },
		{ "loki: {env=\"\",a^", "name loki <a", NULL, NULL },
		{ "loki: {app=~\"we^", "value loki app <we", "web.1", "loki: {app=~\"web\\\\.1\"^" },
		{ "loki: {app=~\"web|ra^", "value loki app <ra", "ranker", "loki: {app=~\"web|ranker\"^" },
		{ "loki: sum(count_over_time({^", "name loki <", "app", "loki: sum(count_over_time({app=\"^" },
		{ "loki: {app=\"a{b\",j^", "name loki <j {app=\"a{b\"}", "job", "loki: {app=\"a{b\",job=\"^" },
		/* Not where nothing of the kind stands. */
		{ "loki: {app=\"web\"^", "none loki <", "x", NULL },
		{ "loki: {app=\"web\" ^", "none loki <", NULL, NULL },
		{ "loki: {app=\"web\"} |= \"{^", "none loki <", NULL, NULL },
		{ "loki: {app=\"web\"} | json | le^", "none loki <", NULL, NULL },
		{ "loki: {app=x^", "none loki <", NULL, NULL },
		{ "loki: {app ^", "none loki <", NULL, NULL },
	};

	(void)state;
	check_all(rows, sizeof rows / sizeof *rows);
}

static void
query_strings(void **state)
{
	static const struct row rows[] = {
		{ "es: ^", "name elasticsearch <", "log.level", "es: log.level:^" },
		{ "es: +(log.l^", "name elasticsearch <log.l", "log.level", "es: +(log.level:^" },
		{ "opensearch: a AND log.level:^", "value elasticsearch log.level <", "error", "opensearch: a AND log.level:error^" },
		{ "es: host.name:\"web^", "value elasticsearch host.name <web", "web-1 \"x\"", "es: host.name:\"web-1 \\\"x\\\"\"^" },
		{ "es: host.name:(a^", "value elasticsearch host.name <a", "ab", "es: host.name:(ab^" },
		{ "es: \"host^", "none elasticsearch <", NULL, NULL },
		{ "es: {\"query\": ^", "none elasticsearch <", NULL, NULL },
	};

	(void)state;
	check_all(rows, sizeof rows / sizeof *rows);
}

static void
matches_of_a_journal(void **state)
{
	static const struct row rows[] = {
		{ "journal: _SYS^", "name journald <_SYS", "_SYSTEMD_UNIT", "journal: _SYSTEMD_UNIT=^" },
		{ "journal: PRIORITY=3 _SYSTEMD_UNIT=we^", "value journald _SYSTEMD_UNIT <we", "web.service", "journal: PRIORITY=3 _SYSTEMD_UNIT=web.service^" },
		{ "journal: _COMM=\"my pr^", "value journald _COMM <my pr", "my prog", "journal: _COMM=\"my prog\"^" },
		{ "journal: _COMM=^", "value journald _COMM <", "a\"b", NULL },
	};

	(void)state;
	check_all(rows, sizeof rows / sizeof *rows);
}

/* Whatever is typed, and wherever the cursor stands, nothing is read beyond it. */
static void
anything_typed(void **state)
{
	static const char letters[] = "{}=~!\"`\\,| :/(aloki:es:journal: ";
	uint32_t seed = 7;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char typed[48], *text;
		size_t n = 0, len = i % 40, at, then;
		struct arena mem = ARENA_INIT;
		struct log_complete c;

		while (n < len) {
			seed = seed * 1664525 + 1013904223;
			typed[n++] = letters[(seed >> 16) % (sizeof letters - 1)];
		}
		typed[n] = '\0';
		text = xasprintf("%s%s", i % 4 == 0 ? "loki: {" : i % 4 == 1 ? "es: " : i % 4 == 2 ? "journal: " : "", typed);
		at = strlen(text) - (seed >> 8) % (strlen(text) + 1);
		log_complete_at(text, at, &mem, &c);
		assert_true(c.start <= c.at && c.at == at);
		free(log_complete_with(&c, text, "we\"b.1", &then));
		free(text);
		arena_done(&mem);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_query_box),
		cmocka_unit_test(a_selector_of_a_loki),
		cmocka_unit_test(query_strings),
		cmocka_unit_test(matches_of_a_journal),
		cmocka_unit_test(anything_typed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
