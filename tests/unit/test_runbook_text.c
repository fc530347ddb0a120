/* What --runbook prints for people: the plan in the order of execution, and how to go on after a bad end. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runbook_text.h"

static const struct run_column columns[] = {
	{ .name = "drain", .kind = "ssh", .phase = PHASE_STEP },
	{ .name = "flag", .kind = "http", .phase = PHASE_STEP, .is_run_scope = true },
	{ .name = "notice", .kind = "http", .phase = PHASE_CLOSING, .is_run_scope = true },
};
#define CELL(o) { .outcome = (o), .text = "", .command = "", .undo = "" }
static struct run_cell host_cells[] = { CELL(OUTCOME_WOULD_RUN), CELL(OUTCOME_NONE), CELL(OUTCOME_NONE) };
static struct run_cell own_cells[] = { CELL(OUTCOME_NONE), CELL(OUTCOME_WOULD_RUN), CELL(OUTCOME_WOULD_RUN) };

static char *
printed(void (*print)(FILE *to, const struct run_info *info), const struct run_info *info)
{
	enum { MOST = 4096 };
	char *text = calloc(1, MOST);
	FILE *to = fmemopen(text, MOST, "w");

	assert_non_null(to);
	print(to, info);
	fclose(to);
	return text;
}

static struct run_info
info_of(struct run_row *rows)
{
	rows[0] = (struct run_row){ .host = "web-01", .state = "failed", .cells = host_cells };
	rows[1] = (struct run_row){ .host = "", .state = "", .cells = own_cells };
	return (struct run_info){ .id = "20300101-000000-web", .runbook = "takedown", .title = "t", .env = "prod", .target = "", .plan = "", .text = "the end",
		.incident = "", .n_columns = 3, .columns = columns, .n_rows = 2, .rows = rows };
}

static void
the_plan_stands_in_the_order_of_execution(void **state)
{
	struct run_row rows[2];
	struct run_info info = info_of(rows);
	char *text = printed(runbook_text_plan, &info);
	const char *flag = strstr(text, "flag"), *drain = strstr(text, "drain"), *notice = strstr(text, "notice");

	(void)state;
	assert_true(flag != NULL && drain != NULL && notice != NULL);
	assert_true(flag < drain && drain < notice);
	free(text);
}

static void
a_bad_end_says_how_to_go_on(void **state)
{
	static const struct { int exit; bool is_said; } cases[] = { { 0, false }, { 1, true }, { 3, false }, { 4, false }, { 5, true }, { 7, false } };
	struct run_row rows[2];
	struct run_info info = info_of(rows);
	char *text;

	(void)state;
	info.seq_first = 1;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		info.exit = cases[i].exit;
		text = printed(runbook_text_summary, &info);
		assert_int_equal(strstr(text, "opsconsole --env prod --runbook takedown --resume 20300101-000000-web\n") != NULL, cases[i].is_said);
		free(text);
	}
	host_cells[0].outcome = OUTCOME_UNDONE;
	info.exit = 1;
	text = printed(runbook_text_summary, &info);
	assert_null(strstr(text, "--resume"));
	host_cells[0].outcome = OUTCOME_WOULD_RUN;
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_plan_stands_in_the_order_of_execution),
		cmocka_unit_test(a_bad_end_says_how_to_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
