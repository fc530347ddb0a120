/* insight_markers(): each case is a picture of the series, one character a step, and the markers it gives. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "insight/markers.h"

#define STEP (15 * NS_PER_S)
#define START (1900000000 * NS_PER_S)

enum { ROWS_MAX = 8 };

/* "model host version picture": '1' there, '0' a sample of zero, 'n' a NaN, '.' no sample. want: "step:what from->to xhosts;". */
static const struct {
	const char *name, *rows[ROWS_MAX], *want;
} cases[] = {
	{ "nothing changes", { "spam web-1 6 1111111111" }, "" },
	{ "no series at all", { NULL }, "" },
	{ "the value at the start is no change", { "spam web-1 6 ..11111111" }, "" },
	{ "one host changes", { "spam web-1 6 11111.....", "spam web-1 7 .....11111" }, "5:spam 6->7 x1;" },
	{ "and back", { "spam web-1 6 111....111", "spam web-1 7 ...1111..." }, "3:spam 6->7 x1;7:spam 7->6 x1;" },
	{ "the old series has not gone stale yet", { "spam web-1 6 1111111...", "spam web-1 7 .....11111" }, "5:spam 6->7 x1;" },
	{ "zero and NaN mean absent", { "spam web-1 6 11111000nn", "spam web-1 7 0000011111" }, "5:spam 6->7 x1;" },
	{ "hosts within two steps are one change",
	    { "spam web-1 6 1111......", "spam web-1 7 ....111111", "spam web-2 6 111111....", "spam web-2 7 ......1111",
	      "spam web-3 6 11111.....", "spam web-3 7 .....11111" }, "4:spam 6->7 x3;" },
	{ "a slow roll-out is several",
	    { "spam web-1 6 11........", "spam web-1 7 ..11111111", "spam web-2 6 1111111...", "spam web-2 7 .......111" },
	    "2:spam 6->7 x1;7:spam 6->7 x1;" },
	{ "groups are apart", { "spam web-1 6 11111.....", "spam web-1 7 .....11111", "rank web-1 2 1111111111" }, "5:spam 6->7 x1;" },
	{ "two groups change", { "spam web-1 6 11111.....", "spam web-1 7 .....11111", "rank web-1 2 1111111...", "rank web-1 3 .......111" },
	    "5:spam 6->7 x1;7:rank 2->3 x1;" },
	{ "lost telemetry, same value", { "spam web-1 6 111....111" }, "" },
	{ "lost telemetry, another value", { "spam web-1 6 111.......", "spam web-1 7 .......111" }, "7:spam 6->7 x1;" },
	{ "telemetry of all is lost", { "spam web-1 6 111....111", "spam web-2 6 111....111" }, "" },
	{ "a host stops", { "spam web-1 6 1111111111", "spam web-2 7 1111......" }, "" },
	{ "a host with the newer version crashes",
	    { "spam web-1 6 11........", "spam web-1 7 ..1111....", "spam web-2 6 1111111111" }, "2:spam 6->7 x1;" },
	{ "one more host of the same", { "spam web-1 6 1111111111", "spam web-2 6 .....11111" }, "" },
	{ "pods change their name", { "spam pod-a 6 11111.....", "spam pod-b 6 111111....", "spam pod-c 7 .....11111", "spam pod-d 7 ......1111" },
	    "5:spam 6->7 x2;" },
	{ "later pods of the same roll-out add nothing", { "spam pod-a 6 1111111111", "spam pod-b 7 ..11111111", "spam pod-c 7 .......111" },
	    "2:spam 6->7 x1;" },
	{ "a canary that is given up", { "spam pod-a 6 111111111111", "spam pod-b 7 ..111......." }, "2:spam 6->7 x1;5:spam 7->6 x1;" },
	{ "a canary that ended at the edge is not judged", { "spam pod-a 6 1111111111", "spam pod-b 7 ..111111.." }, "2:spam 6->7 x1;" },
	{ "a third beside two", { "spam pod-a 5 1111111111", "spam pod-b 6 1111111111", "spam pod-c 7 .....11111" }, "5:spam 5,6->7 x1;" },
	{ "a shadow on the same host ends", { "spam web-1 6 111111111111", "spam web-1 7 ..111......." }, "2:spam 6->7 x1;5:spam 7->6 x1;" },
	{ "the old one flickers beside the new", { "spam web-1 6 111111..1111", "spam web-1 7 ..1111111111" }, "2:spam 6->7 x1;" },
	{ "versions are text", { "spam web-1 1.1 11111.....", "spam web-1 1.10 .....11111" }, "5:spam 1.1->1.10 x1;" },
};

struct drawing {
	struct series_set set;
	struct series series[ROWS_MAX];
	struct label labels[ROWS_MAX][4];
	struct sample samples[ROWS_MAX][32];
	char text[ROWS_MAX][128];
};

static void
draw_row(struct drawing *d, const char *row)
{
	size_t i = d->set.n++, n = 0;
	char *rest = d->text[i], *model, *host, *version, *p;

	assert_true(strlen(row) < sizeof d->text[i]);
	strcpy(rest, row);
	model = strsep(&rest, " ");
	host = strsep(&rest, " ");
	version = strsep(&rest, " ");
	d->labels[i][0] = (struct label){ "__name__", version };	/* not part of who a host is */
	d->labels[i][1] = (struct label){ "host", host };
	d->labels[i][2] = (struct label){ "model", model };
	d->labels[i][3] = (struct label){ "version", version };
	for (p = rest; *p != '\0'; p++)
		if (*p != '.')
			d->samples[i][n++] = (struct sample){ START + (p - rest) * STEP, *p == 'n' ? __builtin_nan("") : *p - '0' };
	d->series[i] = (struct series){ .labels = { 4, d->labels[i] }, .n = n, .v = d->samples[i] };
}

static void
check_case(const char *name, const char *const *rows, const char *want, const char *group_by)
{
	const struct marker_def def = { .id = "marker:version", .name = "version", .label = "version", .group_by = group_by };
	struct drawing d = { .set = { .type = SERIES_MATRIX, .start_ns = START, .end_ns = START + 20 * STEP, .step_ns = STEP } };
	struct marker_set *set;
	struct buf got;
	size_t i;

	for (i = 0; i < ROWS_MAX && rows[i] != NULL; i++)
		draw_row(&d, rows[i]);
	d.set.v = d.series;
	set = insight_markers(&def, &d.set);
	buf_init(&got, 4096);
	for (i = 0; i < set->n; i++)
		buf_printf(&got, "%d:%s %s->%s x%u;", (int)((set->v[i].at_ns - START) / STEP), set->v[i].what, set->v[i].from,
		    set->v[i].to, set->v[i].n_series);
	if (strcmp(got.data, want) != 0)
		fail_msg("%s: got \"%s\", expected \"%s\"", name, got.data, want);
	buf_done(&got);
	block_unref(set);
}

static void
test_pictures(void **state)
{
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *backwards[ROWS_MAX] = { NULL };

		check_case(cases[i].name, cases[i].rows, cases[i].want, "model");
		/* The order of the series tells nothing. */
		for (n = 0; n < ROWS_MAX && cases[i].rows[n] != NULL; n++)
			;
		for (size_t j = 0; j < n; j++)
			backwards[j] = cases[i].rows[n - 1 - j];
		check_case(cases[i].name, backwards, cases[i].want, "model");
	}
}

static void
test_ungrouped(void **state)
{
	static const char *const rows[ROWS_MAX] = { "spam web-1 6 11111.....", "spam web-1 7 .....11111" };

	(void)state;
	check_case("no group_by: named after the definition", rows, "5:version 6->7 x1;", NULL);
	check_case("a group_by that no series has", rows, "5:version 6->7 x1;", "nosuch");
}

static void
test_text_and_range(void **state)
{
	static const char *const rows[] = { "spam web-1 6 11111.....", "spam web-1 7 .....11111" };
	const struct marker_def def = { .id = "marker:v", .name = "v", .label = "version", .group_by = "model" };
	struct drawing d = { .set = { .type = SERIES_MATRIX, .start_ns = START, .end_ns = START + 9 * STEP, .step_ns = STEP } };
	struct marker_set *set;

	(void)state;
	draw_row(&d, rows[0]);
	draw_row(&d, rows[1]);
	d.set.v = d.series;
	set = insight_markers(&def, &d.set);
	assert_int_equal(set->n, 1);
	assert_string_equal(set->def, "marker:v");
	assert_string_equal(set->v[0].text, "spam 6 -> 7");
	assert_int_equal(set->v[0].kind, MARKER_CHANGE);
	assert_true(set->start_ns == START && set->end_ns == START + 9 * STEP);
	block_unref(set);

	/* An instant answer has no "when". */
	d.set.type = SERIES_VECTOR;
	d.set.step_ns = 0;
	set = insight_markers(&def, &d.set);
	assert_int_equal(set->n, 0);
	block_unref(set);
}

static void
test_titles(void **state)
{
	static const struct {
		const char *title, *group_by, *text;
	} titles[] = {
		{ "{{model}} {{version}}", "model", "spam 6 -> 7" },
		{ NULL, "model", "spam 6 -> 7" },
		{ "", NULL, "v 6 -> 7" },
		{ "build {{version}}", NULL, "build 6 -> 7" },
		{ "build {{ version }}!", "model", "build 6 -> 7!" },
		{ "{{model}} {{version}}", NULL, "spam 6 -> 7" },	/* both series share it */
		{ "{{version}} on {{host}}.", "model", "6 -> 7 on ." },	/* these do not */
		{ "{{nosuch}}{{version}}", "model", "6 -> 7" },
		{ "{{nosuch}}: {{version}}", "nosuch", "v: 6 -> 7" },	/* no group: the marker's name */
		{ "deployed", "model", "deployed" },
		{ "{{version", "model", "{{version" },
		{ "a }} {{version}} }}", "model", "a }} 6 -> 7 }}" },
		{ "{{}}x", "model", "x" },
		{ "{{a}}{{b}}{{c}}{{d}}{{e}}{{f}}{{g}}{{h}}{{host}}|{{version}}", "model", "|6 -> 7" },
	};
	static const char *const rows[] = { "spam web-1 6 11111.....", "spam web-1 7 .....11111", "spam web-2 6 11111.....",
		"spam web-2 7 .....11111" };

	(void)state;
	for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
		const struct marker_def def = { .id = "marker:v", .name = "v", .label = "version", .title = titles[i].title,
			.group_by = titles[i].group_by };
		struct drawing d = { .set = { .type = SERIES_MATRIX, .start_ns = START, .end_ns = START + 9 * STEP, .step_ns = STEP } };
		struct marker_set *set;

		for (size_t j = 0; j < sizeof rows / sizeof *rows; j++)
			draw_row(&d, rows[j]);
		d.set.v = d.series;
		set = insight_markers(&def, &d.set);
		assert_int_equal(set->n, 1);
		assert_string_equal(set->v[0].text, titles[i].text);
		assert_null(set->note);
		block_unref(set);
	}
}

/* A canary's labels name it when it comes and when it is given up. */
static void
test_title_of_what_is_gone(void **state)
{
	static const char *const rows[] = { "spam pod-a 6 111111111111", "spam pod-b 7 ..111......." };
	const struct marker_def def = { .id = "marker:v", .name = "v", .label = "version", .group_by = "model", .title = "{{host}} {{version}}" };
	struct drawing d = { .set = { .type = SERIES_MATRIX, .start_ns = START, .end_ns = START + 20 * STEP, .step_ns = STEP } };
	struct marker_set *set;

	(void)state;
	draw_row(&d, rows[0]);
	draw_row(&d, rows[1]);
	d.set.v = d.series;
	set = insight_markers(&def, &d.set);
	assert_int_equal(set->n, 2);
	assert_string_equal(set->v[0].text, "pod-b 6 -> 7");
	assert_string_equal(set->v[1].text, "pod-b 7 -> 6");
	block_unref(set);
}

/* n series, each a pod of its own with one sample and one version, n_values of them in each group. */
static struct marker_set *
find_in_many(int n, int n_values)
{
	const struct marker_def def = { .id = "marker:v", .name = "deploy", .label = "version", .group_by = "group" };
	struct series_set range = { .type = SERIES_MATRIX, .start_ns = START, .end_ns = START + n * STEP, .step_ns = STEP, .n = (size_t)n };
	struct series *series = calloc((size_t)n, sizeof *series);
	struct label *labels = calloc((size_t)n, 3 * sizeof *labels);
	struct sample *samples = calloc((size_t)n, sizeof *samples);
	char (*names)[16] = calloc((size_t)n, sizeof *names), (*groups)[16] = calloc((size_t)n, sizeof *groups);
	struct marker_set *set;

	for (int i = 0; i < n; i++) {
		snprintf(names[i], sizeof names[i], "%d", i);
		snprintf(groups[i], sizeof groups[i], "%d", i / n_values);
		samples[i] = (struct sample){ START + i * STEP, 1 };
		labels[i * 3] = (struct label){ "group", groups[i] };
		labels[i * 3 + 1] = (struct label){ "pod", names[i] };
		labels[i * 3 + 2] = (struct label){ "version", names[i] };
		series[i] = (struct series){ .labels = { 3, &labels[i * 3] }, .n = 1, .v = &samples[i] };
	}
	range.v = series;
	set = insight_markers(&def, &range);
	free(series);
	free(labels);
	free(samples);
	free(names);
	free(groups);
	return set;
}

/* No more than the limit, in order. */
static void
test_limit(void **state)
{
	struct marker_set *set = find_in_many(3000, 100);

	(void)state;
	assert_int_equal(set->n, INSIGHT_MARKERS_MAX);
	for (size_t i = 1; i < set->n; i++)
		assert_true(set->v[i - 1].at_ns <= set->v[i].at_ns);
	assert_null(set->note);
	block_unref(set);
}

/* A label that is no version: said once, and cheap however many there are. */
static void
test_too_many_values(void **state)
{
	struct marker_set *set = find_in_many(20000, 20000);

	(void)state;
	assert_int_equal(set->n, 0);
	assert_string_equal(set->note, "deploy: too many values of version to be versions (more than 256 in one group)");
	block_unref(set);
	set = find_in_many(INSIGHT_VALUES_MAX + 1, INSIGHT_VALUES_MAX);	/* one group just small enough */
	assert_int_equal(set->n, INSIGHT_VALUES_MAX - 2);	/* the first two are there from the start */
	assert_null(set->note);
	block_unref(set);
	set = find_in_many(INSIGHT_VALUES_MAX + 1, INSIGHT_VALUES_MAX + 1);
	assert_int_equal(set->n, 0);
	assert_non_null(set->note);
	block_unref(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pictures),
		cmocka_unit_test(test_ungrouped),
		cmocka_unit_test(test_text_and_range),
		cmocka_unit_test(test_titles),
		cmocka_unit_test(test_title_of_what_is_gone),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_too_many_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
