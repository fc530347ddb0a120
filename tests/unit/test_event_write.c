/* Events as text, written fast: the same as by way of a tree, for all that events can hold. */
#include "config.h"

#include <dirent.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "model/json_number.h"
#include "model/json_writer.h"
#include "tests/unit/feed.h"

static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t
draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* --- numbers and times ----------------------------------------------------------------------------------------------------- */

/* It reads back as v, as a real, and no text of fewer digits does. */
static void
must_be_shortest(double v)
{
	char text[JSON_NUMBER_MAX + 1], shorter[64], *end;
	size_t n = json_write_real(text, v), digits = 0;
	bool is_leading = true;

	assert_true(n < sizeof text);
	text[n] = '\0';
	if (strtod(text, &end) != v || *end != '\0' || signbit(strtod(text, NULL)) != signbit(v))
		fail_msg("%.17g was written as %s", v, text);
	if (strpbrk(text, ".e") == NULL)
		fail_msg("%s is an integer", text);
	for (const char *p = text; *p != '\0' && *p != 'e'; p++) {
		is_leading = is_leading && (*p == '0' || *p == '.' || *p == '-');
		digits += !is_leading && *p != '.';
	}
	while (n > 0 && strchr(text, 'e') == NULL && (text[n - 1] == '0' || text[n - 1] == '.')) {
		digits -= text[--n] == '0' && digits > 0;
	}
	if (digits > 1 && fabs(v) > 1e-37 && fabs(v) < 1e42) {
		snprintf(shorter, sizeof shorter, "%.*e", (int)digits - 2, v);
		if (strtod(shorter, NULL) == v)
			fail_msg("%s would do for %s", shorter, text);
	}
}

static void
reals_are_written_short_and_read_back_the_same(void **state)
{
	static const double fixed[] = { 0.0, -0.0, 1, -1, 0.1, 0.2, 0.3, 1.0 / 3, 2.0 / 3, 0.5, 0.25, 1e15, 1e16, 1e17, 1e18, 1e22, 1e23, 123456789012345680.0,
		9007199254740991, 9007199254740992, 5e-324, DBL_MIN, DBL_MAX, -DBL_MAX, DBL_EPSILON, 1e-5, 1e-4, 0.00012345, 123.456, 1e100, 1e-100, 299792458,
		0.0123, 4.35, 2.2250738585072011e-308, 1.7976931348623157e308, 1e-37, 1e42, 100, 1000000, 0.001 };

	(void)state;
	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
		must_be_shortest(fixed[i]);
	for (int i = 0; i < 100000; i++) {
		uint64_t bits = draw();
		double v;

		memcpy(&v, &bits, sizeof v);
		if (isfinite(v))
			must_be_shortest(v);
		must_be_shortest((double)(int64_t)(draw() % 2000000) / 1000);
		must_be_shortest((double)(draw() >> 11) * 0x1p-53);
		must_be_shortest((double)draw());
		must_be_shortest(ldexp(1, (int)(draw() % 400) - 200));
		must_be_shortest((double)(float)((double)(draw() >> 40) / 7));
	}
}

static void
reals_look_as_people_write_them(void **state)
{
	static const struct {
		double v;
		const char *text;
	} cases[] = {
		{ 0.5, "0.5" }, { 3, "3.0" }, { -0.0, "-0.0" }, { 100, "100.0" }, { 1.5e-9, "1.5e-9" }, { 0.00125, "0.00125" }, { 1e30, "1e30" }, { -12.75, "-12.75" },
		{ 1893456000, "1893456000.0" }, { 0.1, "0.1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[JSON_NUMBER_MAX + 1];

		text[json_write_real(text, cases[i].v)] = '\0';
		assert_string_equal(text, cases[i].text);
	}
}

static void
integers_and_times_are_those_of_the_clock(void **state)
{
	static const int64_t fixed[] = { 0, 1, -1, INT64_MAX, INT64_MIN, 999999999, -999999999, 1000000000, -1000000000, 86399999999999, 86400000000000, T0,
		INT64_C(951782400000000000), INT64_C(951868799999999999), INT64_C(4107542400000000000), -86400000000000, -86400000000001 };
	size_t n_fixed = sizeof fixed / sizeof fixed[0];

	(void)state;
	for (size_t i = 0; i < 200000; i++) {
		int64_t v = i < n_fixed ? fixed[i] : (int64_t)draw() >> draw() % 64;
		char text[JSON_NUMBER_MAX + 1], expected[CLOCK_TEXT_MAX];

		text[json_write_time(text, v)] = '\0';
		assert_string_equal(text, clock_format(expected, v, 9));
		text[json_write_integer(text, v)] = '\0';
		snprintf(expected, sizeof expected, "%lld", (long long)v);
		assert_string_equal(text, expected);
	}
}

/* --- events ------------------------------------------------------------------------------------------------------------------ */

static void
must_be_the_same(const struct event *ev)
{
	json_t *expected = event_to_json(ev), *got;
	json_error_t jerr;
	struct buf b;
	char *text;

	buf_init(&b, 64 << 20);
	buf_addstr(&b, "before");
	assert_int_equal(event_write(ev, &b), 0);
	assert_memory_equal(b.data, "before{", 7);
	assert_int_equal(strlen(b.data), b.len);
	assert_null(strchr(b.data, '\n'));
	got = json_loadb(b.data + 6, b.len - 6, JSON_ALLOW_NUL, &jerr);
	if (got == NULL)
		fail_msg("%s at %d: %.200s", jerr.text, jerr.position, b.data + (jerr.position > 50 ? jerr.position - 50 : 0));
	if (!json_equal(expected, got)) {
		text = json_dumps(expected, JSON_COMPACT);
		fail_msg("%.3000s\nexpected:\n%.3000s", b.data + 6, text);
	}
	json_decref(expected);
	json_decref(got);
	buf_done(&b);
}

static int
is_feed(const struct dirent *d)
{
	return strlen(d->d_name) > 5 && strcmp(d->d_name + strlen(d->d_name) - 5, ".json") == 0;
}

static void
feed_file(const char *path)
{
	json_t *list = json_load_file(path, JSON_ALLOW_NUL, NULL), *one;
	struct model *m = model_new(0, 0);
	struct event_list l = { 0 };
	size_t i;

	assert_non_null(list);
	json_array_foreach(list, i, one) {
		struct event ev;

		assert_int_equal(event_from_json(one, &ev, NULL), 0);
		must_be_the_same(&ev);
		model_apply(m, &ev);
		event_done(&ev);
	}
	/* With a memory, and a timeline in it. */
	model_snapshot(m, true, &l);
	for (i = 0; i < l.n; i++)
		must_be_the_same(&l.v[i]);
	event_list_done(&l);
	model_free(m);
	json_decref(list);
}

static void
every_event_of_the_scenes_is_written_as_its_tree_is(void **state)
{
	struct dirent **v;
	int n = scandir(SOURCE_DIR "/tests/scenes/feeds", &v, is_feed, alphasort);

	(void)state;
	assert_true(n > 50);
	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/tests/scenes/feeds/%s", SOURCE_DIR, v[i]->d_name);

		feed_file(path);
		free(path);
		free(v[i]);
	}
	free(v);
}

/* Bytes as no server should send them, in each place for text. */
static void
texts_of_any_bytes_are_written_as_their_tree_is(void **state)
{
	static const char *const fixed[] = { "", "\"\\/\b\f\n\r\t\v\x01\x1f\x7f", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80",
		"\xf4\x90\x80\x80", "\xef\xbf\xbf", "\xef\xb7\x90", "ok\n\x80 bad\"" };
	size_t n_fixed = sizeof fixed / sizeof fixed[0];

	(void)state;
	for (size_t i = 0; i < 3000; i++) {
		struct alert_set *set = block_new(sizeof *set);
		struct alert *a = arena_alloc(&set->block.arena, sizeof *a);
		struct label *labels = arena_alloc(&set->block.arena, 2 * sizeof *labels);
		char bytes[40];
		const char *text = bytes;
		struct event ev;

		for (size_t k = 0; k < sizeof bytes; k++)
			bytes[k] = draw() % 3 == 0 ? (char)draw() : "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"\\"[draw() % 12];
		bytes[draw() % (sizeof bytes - 1)] = '\0';
		bytes[sizeof bytes - 1] = '\0';
		text = arena_strdup(&set->block.arena, i < n_fixed ? fixed[i] : bytes);
		labels[0] = (struct label){ text, "v" };
		labels[1] = (struct label){ "z", text };
		*a = (struct alert){ .name = text, .labels = { 2, labels }, .annotations = { 1, &labels[1] }, .state = (enum alert_state)(draw() % 9), .value = text,
			.silenced_by = { 1, &a->name }, .since_ns = (int64_t)draw(), .ends_ns = INT64_MAX };
		set->n = 1;
		set->v = a;
		event_init(&ev, EVENT_ALERTS, T0, text, set);
		must_be_the_same(&ev);
		event_done(&ev);
	}
}

static void
numbers_of_any_kind_are_written_as_their_tree_is(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct series_set *set = block_new(sizeof *set);
		struct series *s = arena_alloc(&set->block.arena, sizeof *s);
		struct sample *v = arena_alloc(&set->block.arena, 5 * sizeof *v);
		uint64_t bits = draw();
		struct event ev;

		for (size_t k = 0; k < 5; k++)
			v[k].t_ns = (int64_t)draw();
		memcpy(&v[0].v, &bits, sizeof bits);
		v[1].v = NAN;
		v[2].v = i % 2 == 0 ? INFINITY : -INFINITY;
		v[3].v = -0.0;
		v[4].v = (double)(int64_t)draw();
		*s = (struct series){ .n = 5, .v = v };
		set->n = 1;
		set->v = s;
		set->query = "q";
		set->n_left_out = draw() >> 1;
		set->step_ns = (int64_t)draw();
		event_init(&ev, EVENT_SERIES, (int64_t)draw(), NULL, set);
		must_be_the_same(&ev);
		event_done(&ev);
	}
}

static void
what_does_not_fit_leaves_the_buffer_as_it_was(void **state)
{
	struct event ev = feed_event(1, "{'event':'note','by':'bob','text':'%0500d'}", 7);
	struct buf b;
	size_t need;

	(void)state;
	buf_init(&b, 1 << 20);
	assert_int_equal(event_write(&ev, &b), 0);
	need = b.len;
	buf_done(&b);
	for (size_t max = 0; max < need + 3; max++) {
		buf_init(&b, max);
		if (max >= 3)
			buf_addstr(&b, "abc");
		assert_true(event_write(&ev, &b) < 0);
		assert_true(b.is_over);
		assert_string_equal(b.data, max >= 3 ? "abc" : "");
		buf_done(&b);
	}
	/* Room for the longest number is asked for, whatever it is. */
	buf_init(&b, need + JSON_NUMBER_MAX);
	assert_int_equal(event_write(&ev, &b), 0);
	assert_int_equal(b.len, need);
	buf_done(&b);
	event_done(&ev);
}

static void
pieces_go_behind_what_is_there(void **state)
{
	static const struct { double v; const char *text; } numbers[] = {
		{ 0, "0" }, { -0.0, "-0.0" }, { 3, "3" }, { -42, "-42" }, { 1.5e-9, "1.5e-9" }, { NAN, "\"NaN\"" }, { -INFINITY, "\"-Inf\"" }
	};
	static const struct { const char *text, *json; } texts[] = {
		{ "", "\"\"" }, { "a\"b\\", "\"a\\\"b\\\\\"" }, { "\t\n\x1b\x7f", "\"\\t\\n\\u001b\x7f\"" }, { "\xc3\xa9", "\"\xc3\xa9\"" },
		{ "\xff", "\"\\\\xFF\"" }
	};
	const char *const words[] = { "a", "b" };
	struct strings two = { .n = 2, .v = words };
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		buf_reset(&b);
		buf_addstr(&b, "is ");
		json_add_number(&b, numbers[i].v);
		assert_int_equal(strncmp(b.data, "is ", 3), 0);
		assert_string_equal(b.data + 3, numbers[i].text);
	}
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		buf_reset(&b);
		json_add_text(&b, texts[i].text);
		assert_string_equal(b.data, texts[i].json);
	}
	buf_reset(&b);
	json_add_strings(&b, &two);
	assert_string_equal(b.data, "[\"a\",\"b\"]");
	buf_done(&b);
	buf_init(&b, 4);
	json_add_text(&b, "four");
	assert_true(b.is_over && b.len == 0);
	json_add_text(&b, "");	/* over stays over */
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reals_are_written_short_and_read_back_the_same),
		cmocka_unit_test(reals_look_as_people_write_them),
		cmocka_unit_test(integers_and_times_are_those_of_the_clock),
		cmocka_unit_test(every_event_of_the_scenes_is_written_as_its_tree_is),
		cmocka_unit_test(texts_of_any_bytes_are_written_as_their_tree_is),
		cmocka_unit_test(numbers_of_any_kind_are_written_as_their_tree_is),
		cmocka_unit_test(what_does_not_fit_leaves_the_buffer_as_it_was),
		cmocka_unit_test(pieces_go_behind_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
