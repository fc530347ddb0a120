/* What a person writes into a review stays, whatever is made anew around it. */
#include "config.h"

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
#include "report/report_priv.h"
#include "tests/unit/report_world.h"

#define BEGIN(name) "<!-- opsconsole:yours " name " -->\n"
#define END(name) "<!-- /opsconsole:yours " name " -->\n"

static char *
written(const struct report_world *w, enum report_format format, const char *old, int *ret_code, struct err *err)
{
	struct report *r = world_gather(w);
	struct buf b;
	char *text;

	buf_init(&b, 64 << 20);
	*ret_code = report_write(r, format, old, old != NULL ? strlen(old) : 0, &b, err);
	text = buf_take(&b, NULL);
	buf_done(&b);
	report_free(r);
	return text;
}

static char *
made(const struct report_world *w, enum report_format format, const char *old)
{
	struct err err = ERR_INIT;
	int code;
	char *text = written(w, format, old, &code, &err);

	if (code < 0)
		fail_msg("%s", err.msg);
	return text;
}

/* text with the first what replaced; frees text. */
static char *
with(char *text, const char *what, const char *instead)
{
	char *p = strstr(text, what), *changed;

	if (p == NULL)
		fail_msg("'%s' is not there", what);
	changed = xasprintf("%.*s%s%s", (int)(p - text), text, instead, p + strlen(what));
	free(text);
	return changed;
}

/* The first place of that name, with what a person wrote instead of the prompt. */
static char *
filled(char *text, const char *name, const char *words)
{
	char *begin = xasprintf("<!-- opsconsole:yours %s -->\n", name), *end = xasprintf("<!-- /opsconsole:yours %s -->", name), *p = strstr(text, begin), *q, *changed;

	assert_non_null(p);
	p += strlen(begin);
	q = strstr(p, end);
	assert_non_null(q);
	changed = xasprintf("%.*s%s%s", (int)(p - text), text, words, q);
	free(text);
	free(begin);
	free(end);
	return changed;
}

static void
has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("'%s' is missing in:\n%s", part, text);
}

/* --- kept ------------------------------------------------------------------------------------------------------------------- */

static const char words[] = "  Mail was lost, **for 12 minutes**.\r\n\r\n| a | table |\n\n# even a heading <b>\t\n\n\n";

static void
words_stay_byte_for_byte(void **state)
{
	struct report_world *w = *state;
	static const enum report_format formats[] = { REPORT_MD, REPORT_HTML };

	for (size_t i = 0; i < 2; i++) {
		char *old = filled(made(w, formats[i], NULL), "summary", words), *again = made(w, formats[i], old), *place = xasprintf(BEGIN("summary") "%s" END("summary"), words), *third;

		has(again, place);
		assert_string_equal(again, old);
		/* And once more, with more evidence. */
		log_add(w->bob, AT(2, 50, (int)i), "note", NULL, INCIDENT, "'text':'later %zu'", i);
		free(again);
		third = made(w, formats[i], old);
		has(third, place);
		free(third);
		free(place);
		free(old);
	}
}

static void
new_evidence_comes_in(void **state)
{
	struct report_world *w = *state;
	struct log *bob = w->bob;
	char path[128], *old = filled(made(w, REPORT_MD, NULL), "actions", "- watch the queue\n"), *again;

	log_add(bob, AT(2, 38, 0), "note", NULL, INCIDENT, "'text':'a late remark'");
	snprintf(path, sizeof path, "%s/1", w->root);
	log_write(bob, path);
	again = made(w, REPORT_MD, old);
	has(again, "a late remark");
	has(again, BEGIN("actions") "- watch the queue\n" END("actions"));
	free(again);
	free(old);
}

static void
a_place_of_ones_own_is_kept(void **state)
{
	static const enum report_format formats[] = { REPORT_MD, REPORT_HTML };

	for (size_t i = 0; i < 2; i++) {
		char *old = with(made(*state, formats[i], NULL), BEGIN("hard"), BEGIN("cost") "4,200 mails\n" END("cost") BEGIN("hard")), *again = made(*state, formats[i], old), *third;

		has(again, BEGIN("cost") "4,200 mails\n" END("cost"));
		has(again, "Kept");
		third = made(*state, formats[i], again);
		assert_string_equal(third, again);
		free(third);
		free(again);
		free(old);
	}
}

static void
a_renamed_place_is_kept_and_its_old_name_begins_anew(void **state)
{
	char *old = filled(made(*state, REPORT_MD, NULL), "lucky", "the backup was fresh\n"), *again;

	old = with(old, BEGIN("lucky"), BEGIN("luck"));
	old = with(old, END("lucky"), END("luck"));
	again = made(*state, REPORT_MD, old);
	has(again, BEGIN("luck") "the backup was fresh\n" END("luck"));
	has(again, BEGIN("lucky") "*Where were we lucky?*\n" END("lucky"));
	free(again);
	free(old);
}

static void
an_emptied_place_stays_empty(void **state)
{
	char *old = filled(made(*state, REPORT_MD, NULL), "worked", ""), *again = made(*state, REPORT_MD, old);

	has(again, BEGIN("worked") END("worked"));
	free(again);
	free(old);
}

static void
line_ends_of_another_editor_are_no_change(void **state)
{
	char *text = filled(made(*state, REPORT_MD, NULL), "summary", "words\n"), *again;
	struct buf b;

	buf_init(&b, 64 << 20);
	for (const char *p = text; *p != '\0'; p++)
		buf_addstr(&b, *p == '\n' ? "\r\n" : (char[]){ *p, '\0' });
	again = made(*state, REPORT_MD, b.data);
	has(again, "words\r\n");
	free(again);
	free(text);
	buf_done(&b);
}

/* --- refused ------------------------------------------------------------------------------------------------------------------ */

static unsigned
line_of(const char *text, const char *part)
{
	const char *at = strstr(text, part);
	unsigned n = 1;

	assert_non_null(at);
	for (const char *p = text; p < at; p++)
		n += *p == '\n';
	return n;
}

static void
damaged_marks_are_named_by_line(void **state)
{
	static const struct { const char *what, *instead, *line, *says; } cases[] = {
		{ END("summary"), "", BEGIN("hard"), "begins inside 'summary'" },
		{ BEGIN("summary"), "", END("summary"), "its begin mark" },
		{ END("review"), "", BEGIN("review"), "has no end mark" },
		{ END("hard"), END("worked"), END("worked"), "'hard' of line" },
		{ BEGIN("hard"), BEGIN("summary"), BEGIN("summary") "*What made", "begins a second time" },
		{ BEGIN("hard"), "text " BEGIN("hard"), "text <!--", "was damaged" },
		{ BEGIN("hard"), "<!-- opsconsole:yours a name -->\n", "<!-- opsconsole:yours a name", "was damaged" },
		{ END("hard"), "<!-- /opsconsole:yours hard ->\n", "<!-- /opsconsole:yours hard ->", "was damaged" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *old = with(made(*state, REPORT_MD, NULL), cases[i].what, cases[i].instead), line[32], *text;
		struct err err = ERR_INIT;
		int code;

		text = written(*state, REPORT_MD, old, &code, &err);
		assert_int_equal(code, ERR_SYNTAX);
		snprintf(line, sizeof line, "line %u: ", line_of(old, cases[i].line));
		if (!str_has_prefix(err.msg, line))
			fail_msg("'%s' does not begin with '%s'", err.msg, line);
		has(err.msg, cases[i].says);
		assert_string_equal(text, "");
		free(text);
		free(old);
	}
}

static void
text_outside_the_places_is_not_lost(void **state)
{
	static const struct { const char *what, *instead; } cases[] = {
		{ "## Impact\n", "## Impact\n\nIt was bad.\n" },
		{ "| Environment | prod |", "| Environment | staging |" },
		{ "### Action items\n", "" },
		{ "# Review of", "A remark.\n\n# Review of" },
		{ "\n<!-- opsconsole:generated", "\nlast words\n<!-- opsconsole:generated" },
	};
	char *fresh = made(*state, REPORT_MD, NULL);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *old = with(xstrdup(fresh), cases[i].what, cases[i].instead), *text;
		unsigned from = 0, to = 0, want = line_of(fresh, cases[i].what);
		struct err err = ERR_INIT;
		int code;

		text = written(*state, REPORT_MD, old, &code, &err);
		assert_int_equal(code, ERR_INVALID);
		assert_int_equal(sscanf(err.msg, "lines %u to %u:", &from, &to), 2);
		if (want + 3 < from || want > to + 1)
			fail_msg("line %u is not within '%s'", want, err.msg);
		has(err.msg, "move it into a place");
		assert_string_equal(text, "");
		free(text);
		free(old);
	}
	free(fresh);
}

static void
what_is_behind_the_last_line_is_not_lost(void **state)
{
	char *fresh = made(*state, REPORT_MD, NULL), *old = xasprintf("%sPS: one more thing\n", fresh), *text;
	struct err err = ERR_INIT;
	int code;

	text = written(*state, REPORT_MD, old, &code, &err);
	assert_int_equal(code, ERR_INVALID);
	free(text);
	free(old);
	free(fresh);
}

static void
another_file_is_not_overwritten(void **state)
{
	static const char *const files[] = { "", "# My own page\n\nwords\n", "\xff\xfe\x00", "{}", "[" };
	static const enum report_format formats[] = { REPORT_MD, REPORT_HTML, REPORT_JSON };

	for (size_t f = 0; f < 3; f++)
		for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
			struct err err = ERR_INIT;
			int code;
			char *text = written(*state, formats[f], files[i], &code, &err);

			assert_int_equal(code, ERR_SYNTAX);
			assert_true(*err.msg != '\0');
			assert_string_equal(text, "");
			free(text);
		}
}

/* --- every byte ----------------------------------------------------------------------------------------------------------------- */

static const char small[] = "# Title\n\nSome text.\n\n" BEGIN("a") "a prompt\n" END("a") "\nMore text,\nof two lines.\n\n" BEGIN("b.2") END("b.2") "\nThe end.\n";

static bool
merged(const char *old, size_t len, struct buf *b)
{
	struct err err = ERR_INIT;
	int code;

	buf_reset(b);
	code = places_merge(small, strlen(small), old, len, false, b, &err);
	assert_true(code == 0 || code == ERR_SYNTAX || code == ERR_INVALID);
	assert_true((code == 0) == (*err.msg == '\0'));
	return code == 0;
}

/* Whichever byte is changed, removed or put in: what comes out holds all that went in, or nothing comes out. */
static void
no_byte_is_lost(void **state)
{
	static const char bytes[] = { 'x', '\n', '\r', ' ', '<', '>', '-', ':', '\0', '\xff' };
	struct buf b, first;
	size_t begin, end, last, n_kept = 0;
	char *old;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_init(&first, 1 << 20);
	assert_int_equal(places_merge(small, strlen(small), NULL, 0, false, &first, NULL), 0);
	begin = (size_t)(strstr(first.data, "a prompt") - first.data);
	end = begin + strlen("a prompt");
	last = (size_t)(strstr(first.data, "<!-- opsconsole:generated") - first.data);
	for (size_t i = 0; i < first.len; i++)
		for (size_t k = 0; k < 3 * sizeof bytes; k++) {
			size_t how = k / sizeof bytes, taken = how != 1, put = how != 2, len = first.len - taken + put;

			old = xmalloc(len + 1);
			memcpy(old, first.data, i);
			old[i] = bytes[k % sizeof bytes];
			memcpy(old + i + put, first.data + i + taken, first.len - i - taken + 1);
			if (!merged(old, len, &b)) {
				if (i >= begin && i + 1 < end)
					fail_msg("byte %zu of a place, changed to 0x%02x, was refused", i, (unsigned char)bytes[k % sizeof bytes]);
			} else if (i < last) {
				const char *kept = memmem(b.data, b.len, "<!-- opsconsole:generated", 25);

				n_kept++;
				/* Blanks around a mark, and a CR at a line's end, are no words. */
				bool is_blank = put && (old[i] == ' ' || old[i] == '\r') && (i < begin || i >= end);

				if (!is_blank && (len - (first.len - last) != (size_t)(kept - b.data) || memcmp(old, b.data, (size_t)(kept - b.data)) != 0))
					fail_msg("byte %zu, changed to 0x%02x, was lost:\n%s", i, (unsigned char)bytes[k % sizeof bytes], b.data);
			}
			free(old);
		}
	assert_true(n_kept > 100);
	buf_done(&first);
	buf_done(&b);
}

/* --- JSON ----------------------------------------------------------------------------------------------------------------------- */

static void
json_keeps_what_is_yours(void **state)
{
	char *old = with(made(*state, REPORT_JSON, NULL), "\"summary\": \"\"", "\"summary\": \"lost \\u00e9 mail\\n\", \"cost\": {\"mails\": [4200, 1.5]}"), *again = made(*state, REPORT_JSON, old);
	json_t *o = json_loads(again, 0, NULL), *yours = json_object_get(o, "yours");

	assert_string_equal(json_string_value(json_object_get(yours, "summary")), "lost \xc3\xa9 mail\n");
	assert_int_equal(json_integer_value(json_array_get(json_object_get(json_object_get(yours, "cost"), "mails"), 0)), 4200);
	assert_string_equal(json_string_value(json_object_get(yours, "actions")), "");
	json_decref(o);
	free(again);
	free(old);
}

static void
json_changed_elsewhere_is_refused(void **state)
{
	static const struct { const char *what, *instead; int code; } cases[] = {
		{ "\"env\": \"prod\"", "\"env\": \"staging\"", ERR_INVALID },
		{ "\"format\": 1,", "\"format\": 1, \"remark\": \"mine\",", ERR_INVALID },
		{ "\"format\": 1,", "\"format\": 1", ERR_SYNTAX },
		{ "\"yours\"", "\"mine\"", ERR_SYNTAX },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *old = with(made(*state, REPORT_JSON, NULL), cases[i].what, cases[i].instead), *text;
		struct err err = ERR_INIT;
		int code;

		text = written(*state, REPORT_JSON, old, &code, &err);
		assert_int_equal(code, cases[i].code);
		assert_string_equal(text, "");
		free(text);
		free(old);
	}
}

/* As jq 1.6 and others write it again: 1.0 as 1, 0.5 as 5e-1, members in another order. */
static json_t *
respelt(const json_t *v)
{
	json_t *made, *item;
	const char *name;
	size_t i;

	if (json_is_object(v)) {
		made = json_object();
		json_object_foreach((json_t *)(uintptr_t)v, name, item)
			json_object_set_new(made, name, respelt(item));
		return made;
	}
	if (json_is_array(v)) {
		made = json_array();
		json_array_foreach(v, i, item)
			json_array_append_new(made, respelt(item));
		return made;
	}
	if (json_is_real(v) && json_real_value(v) == (double)(json_int_t)json_real_value(v))
		return json_integer((json_int_t)json_real_value(v));
	return json_is_integer(v) ? json_real((double)json_integer_value(v)) : json_deep_copy(v);
}

static void
json_numbers_may_be_respelt(void **state)
{
	char *first = made(*state, REPORT_JSON, NULL), *old, *again;
	json_t *o = json_loads(first, 0, NULL), *other = respelt(o);

	json_object_set_new(json_object_get(other, "yours"), "summary", json_string("mine"));
	old = json_dumps(other, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(16));
	assert_non_null(strstr(old, "\"format\": 1.0"));
	again = made(*state, REPORT_JSON, old);
	assert_non_null(strstr(again, "\"summary\": \"mine\""));
	json_decref(o);
	json_decref(other);
	free(first);
	free(old);
	free(again);
}

static void
a_review_in_another_format_is_not_overwritten(void **state)
{
	static const char *const advice[] = { "give --format md", "give --format json", "give --format html" };

	for (int is = REPORT_MD; is <= REPORT_HTML; is++)
		for (int wanted = REPORT_MD; wanted <= REPORT_HTML; wanted++) {
			char *old = made(*state, (enum report_format)is, NULL), *text;
			struct err err = ERR_INIT;
			int code;

			text = written(*state, (enum report_format)wanted, old, &code, &err);
			assert_int_equal(code, is == wanted ? 0 : ERR_INVALID);
			assert_int_equal(strstr(err.msg, advice[is]) != NULL, is != wanted);
			assert_int_equal(*text == '\0', is != wanted);
			free(text);
			free(old);
		}
}

#define WITH(name) cmocka_unit_test_setup_teardown(name, report_world_setup, report_world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(words_stay_byte_for_byte),
		WITH(new_evidence_comes_in),
		WITH(a_place_of_ones_own_is_kept),
		WITH(a_renamed_place_is_kept_and_its_old_name_begins_anew),
		WITH(an_emptied_place_stays_empty),
		WITH(line_ends_of_another_editor_are_no_change),
		WITH(damaged_marks_are_named_by_line),
		WITH(text_outside_the_places_is_not_lost),
		WITH(what_is_behind_the_last_line_is_not_lost),
		WITH(another_file_is_not_overwritten),
		cmocka_unit_test(no_byte_is_lost),
		WITH(json_keeps_what_is_yours),
		WITH(json_changed_elsewhere_is_refused),
		WITH(json_numbers_may_be_respelt),
		WITH(a_review_in_another_format_is_not_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
