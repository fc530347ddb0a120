/* Bytes from outside in every text of a record: in each format they are text, and nothing else. */
#include "config.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "tests/unit/report_world.h"

/* Each begins and ends with a word of its own, so that it is found again. In JSON, with ' for ". */
static const char *const evil[] = {
	"| cell | cell |",
	"\\n# heading",
	"# heading",
	"- item",
	"1. item",
	"2) item",
	"+ item",
	"===",
	"> quote",
	"<script>alert(1)</script>",
	"<img src=x onerror=alert(1)>",
	"&lt;b&gt; &#60;i&#62;",
	"[text](http://evil.example/)",
	"![picture](http://evil.example/x.png)",
	"http://evil.example/a www.evil.example https://evil.example",
	"mailto:a@evil.example mail@evil.example",
	"`code` ``` ~~~ ~~gone~~",
	"**bold** __bold__ *em* _em_ $x$",
	"\\\\| \\\\` trailing \\\\",
	"--> <!-- opsconsole:yours summary -->",
	"<!-- /opsconsole:yours summary -->",
	"\\u001b[31m red \\u001b]0;title\\u0007",
	"\\u202e right to left \\u2066",
	"\\u0085 \\u2028 \\u2029 \\r\\n\\t lines",
	"]]> </td></tr></table></body></html>",
	"    indented",
};
enum { N_EVIL = sizeof evil / sizeof *evil };

/* A text in each member that a review shows. */
static void
add_evil(struct report_world *w, const char *s)
{
	struct log *l = w->alice;
	uint64_t seq;

	log_add(l, AT(2, 15, 0), "note", NULL, INCIDENT, "'text':'%s'", s);
	seq = log_add(l, AT(2, 15, 1), "act", NULL, INCIDENT, "'verb':'%s','object':'%s','text':'%s','source':'%s'", s, s, s, s);
	log_add(l, AT(2, 15, 2), "act-result", NULL, INCIDENT, "'act':%llu,'outcome':'%s','text':'%s'", (unsigned long long)seq, s, s);
	log_add(l, AT(2, 15, 3), "run-start", "r1", INCIDENT, "'runbook':'%s','title':'%s','hosts':['%s'],'confirm':'%s','confirmed':'%s','plan':'%s'", s, s, s, s, s, s);
	log_add(l, AT(2, 15, 4), "run-state", "r1", INCIDENT, "'batch':0,'state':'%s','text':'%s'", s, s);
	seq = log_add(l, AT(2, 15, 5), "intent", "r1", INCIDENT, "'step':'%s','host':'%s','batch':0,'what':'%s'", s, s, s);
	log_add(l, AT(2, 15, 6), "result", "r1", INCIDENT, "'intent':%llu,'outcome':'%s','text':'%s'", (unsigned long long)seq, s, s);
	log_add(l, AT(2, 15, 7), "intent", "r1", INCIDENT, "'step':'%s','host':'','batch':null,'what':'notify %s'", s, s);
	log_add(l, AT(2, 15, 8), "check", "r1", INCIDENT, "'phase':'%s','host':'%s','what':'%s','expected':'%s','found':'%s','outcome':'%s'", s, s, s, s, s, s);
	log_add(l, AT(2, 15, 9), "run-end", "r1", INCIDENT, "'runbook':'%s','outcome':'%s','exit':1,'text':'%s'", s, s, s);
	log_add(l, AT(2, 15, 10), "gap", NULL, INCIDENT, "'reason':'%s','since':'%s','where':'%s'", s, s, s);
	log_add(l, AT(2, 15, 11), "anchor", NULL, INCIDENT, "'kind':'%s','head':'%s','where':'%s','key':'%s'", s, s, s, s);
	log_add(l, AT(2, 15, 12), "incident-opened", NULL, INCIDENT, "'title':'%s','joined':false", s);
	log_add(l, AT(2, 15, 13), "incident-closed", NULL, INCIDENT, "'text':'%s'", s);
}

static char *
evil_document(struct report_world *w, size_t i, enum report_format format)
{
	add_evil(w, evil[i]);
	return world_document(w, format);
}

static void
no_wild_bytes(const char *text, const char *what)
{
	if (!utf8_is_valid(text, strlen(text)))
		fail_msg("not UTF-8: %s", what);
	for (const char *p = text; *p != '\0';) {
		uint32_t cp = 0;
		size_t n = utf8_decode(p, strlen(p), &cp);

		if (*p != '\n' && cp_width(cp) < 0)
			fail_msg("U+%04X stands in it, of %s, before: %.60s", (unsigned)cp, what, p + n);
		p += n;
	}
}

/* --- Markdown ----------------------------------------------------------------------------------------------------------------- */

static bool
is_escaped(const char *line, const char *p)
{
	size_t n = 0;

	while (p > line && p[-1] == '\\') {
		p--;
		n++;
	}
	return n % 2 == 1;
}

static size_t
count_bare(const char *line, size_t len, const char *set)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += strchr(set, line[i]) != NULL && !is_escaped(line, line + i);
	return n;
}

static const char *const headings[] = { "# Review of incident ", "## Summary", "### In words", "## Impact", "## Timeline", "## Detection and response", "## What was tried",
	"### Run r1", "### Acts outside runs", "## Changes around the start", "## Looking back", "### What made it hard", "### What worked", "### Where we were lucky",
	"### Contributing factors", "### Action items", "## Messages sent", "## Notes", "## Handover", "## Review", "## Integrity", "### Chains", "### Recordings",
	"### What is missing" };

static bool
is_heading(const char *line)
{
	for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
		if (str_has_prefix(line, headings[i]))
			return true;
	return false;
}

/* What a line may begin with is ours to say: a heading that we have, a row, an item, a mark, a paragraph that begins with a letter. */
static void
check_md_line(const char *line, size_t len, size_t *columns, const char *what)
{
	bool is_comment = str_has_prefix(line, "<!-- opsconsole:") || str_has_prefix(line, "<!-- /opsconsole:"), is_prompt = *line == '*';
	size_t pipes = count_bare(line, len, "|");

	if (len == 0 || *line != '|')
		*columns = 0;
	if (len == 0 || is_comment || is_prompt)
		return;
	if (*line == '#' && !is_heading(line))
		fail_msg("%s made a heading: %.*s", what, (int)len, line);
	if (*line == '|' && *columns == 0)
		*columns = pipes;
	if (*line == '|' ? pipes != *columns : pipes != 0)
		fail_msg("%s made a cell: %.*s", what, (int)len, line);
	if (strchr("|#-", *line) == NULL && !isalpha((unsigned char)*line) && !(*line == '\\' && ispunct((unsigned char)line[1])))
		fail_msg("%s began a line: %.*s", what, (int)len, line);
	for (size_t i = 0; i < len; i++)
		if (strchr("`[]<&_$~", line[i]) != NULL && !is_escaped(line, line + i) && memcmp(line + i, "<!-- -->", 8) != 0)
			fail_msg("%s left %c bare: %.*s", what, line[i], (int)len, line);
	if (count_bare(line + 1, len - 1, "*") != 0)
		fail_msg("%s made emphasis: %.*s", what, (int)len, line);
}

static void
no_bare_link(const char *text, const char *what)
{
	static const char *const links[] = { "http://", "https://", "www.evil", "mailto:a", "a@evil", "mail@evil" };

	for (size_t i = 0; i < sizeof links / sizeof *links; i++)
		if (strstr(text, links[i]) != NULL)
			fail_msg("%s made a link of %s", what, links[i]);
}

static void
markdown_holds(void **state)
{
	struct report_world *w = *state;

	for (size_t i = 0; i < N_EVIL; i++)
		add_evil(w, evil[i]);
	{
		char *text = world_document(w, REPORT_MD);
		size_t columns = 0;

		no_wild_bytes(text, "evil");
		no_bare_link(text, "evil");
		for (char *line = text; *line != '\0';) {
			size_t len = strcspn(line, "\n");

			check_md_line(line, len, &columns, "something");
			line += len + (line[len] == '\n');
		}
		free(text);
	}
}

/* The text itself is still there: escaping loses nothing. */
static void
markdown_says_what_was_said(void **state)
{
	char *text = evil_document(*state, 9, REPORT_MD);

	assert_non_null(strstr(text, "\\<script\\>alert(1)\\</script\\>"));
	free(text);
}

/* --- HTML ------------------------------------------------------------------------------------------------------------------------ */

static const char *const tags[] = { "!DOCTYPE html", "html lang=\"en\"", "head", "/head", "meta charset=\"utf-8\"", "title", "/title", "style", "/style", "body", "/body", "/html",
	"h1", "/h1", "h2", "/h2", "h3", "/h3", "p", "/p", "p class=\"warning\" role=\"alert\"", "div class=\"wide\"", "div class=\"yours\"", "/div", "table", "/table", "thead", "/thead",
	"tbody", "/tbody", "tr", "/tr", "th scope=\"col\"", "/th", "td", "/td", "ul", "/ul", "li", "/li", "em", "/em" };

static bool
is_tag(const char *p, size_t len)
{
	if (str_has_prefix(p, "!-- opsconsole:") || str_has_prefix(p, "!-- /opsconsole:") || str_has_prefix(p, "meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';") ||
	    str_has_prefix(p, "meta name=\"viewport\"") || str_has_prefix(p, "meta name=\"referrer\""))
		return memchr(p, '<', len) == NULL;
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		if (strlen(tags[i]) == len && strncmp(tags[i], p, len) == 0)
			return true;
	return false;
}

/* Only tags that we wrote, and each that is opened is closed in its order. */
static void
html_holds(void **state)
{
	struct report_world *w = *state;
	char *text, *stack[64];
	size_t n = 0, lens[64];

	for (size_t i = 0; i < N_EVIL; i++)
		add_evil(w, evil[i]);
	text = world_document(w, REPORT_HTML);
	no_wild_bytes(text, "evil");
	for (char *p = strchr(text, '<'); p != NULL; p = strchr(p + 1, '<')) {
		size_t len = strcspn(p + 1, ">"), name = strcspn(p + 1, " >");

		if (!is_tag(p + 1, len))
			fail_msg("a tag of somebody else: %.80s", p);
		if (p[1] == '!' || str_has_prefix(p + 1, "meta"))
			continue;
		if (p[1] == '/') {
			assert_true(n > 0);
			n--;
			if (lens[n] != name - 1 || strncmp(stack[n], p + 2, name - 1) != 0)
				fail_msg("%.20s closes %.20s", p, stack[n]);
		} else {
			assert_true(n < 64);
			stack[n] = p + 1;
			lens[n++] = name;
		}
	}
	assert_int_equal(n, 0);
	assert_non_null(strstr(text, "&lt;script&gt;alert(1)&lt;/script&gt;"));
	free(text);
}

static void
html_asks_nobody_and_runs_nothing(void **state)
{
	static const char *const words[] = { "<script", "src=", "href=", "url(", "@import", "<link", "<iframe", "<object", "javascript:", "style=\"" };
	char *text = world_document(*state, REPORT_HTML);

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strstr(text, words[i]) != NULL)
			fail_msg("%s stands in it", words[i]);
	assert_non_null(strstr(text, "<polyline class=\"l1\""));
	assert_non_null(strstr(text, "prefers-color-scheme:dark"));
	assert_non_null(strstr(text, "@media print"));
	free(text);
}

/* --- JSON -------------------------------------------------------------------------------------------------------------------------- */

static void
json_holds(void **state)
{
	struct report_world *w = *state;
	json_error_t bad;
	json_t *o, *timeline;
	char *text;
	bool has_script = false;

	for (size_t i = 0; i < N_EVIL; i++)
		add_evil(w, evil[i]);
	text = world_document(w, REPORT_JSON);
	no_wild_bytes(text, "evil");
	o = json_loads(text, JSON_REJECT_DUPLICATES, &bad);
	if (o == NULL)
		fail_msg("line %d: %s", bad.line, bad.text);
	timeline = json_object_get(o, "timeline");
	for (size_t i = 0; i < json_array_size(timeline); i++)
		has_script |= str_eq(json_string_value(json_object_get(json_array_get(timeline, i), "text")), evil[9]);
	assert_true(has_script);
	json_decref(o);
	free(text);
}

#define BARE(name) cmocka_unit_test_setup_teardown(name, report_world_setup_bare, report_world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BARE(markdown_holds),
		BARE(markdown_says_what_was_said),
		BARE(html_holds),
		cmocka_unit_test_setup_teardown(html_asks_nobody_and_runs_nothing, report_world_setup, report_world_teardown),
		BARE(json_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
