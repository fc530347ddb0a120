/* The manual knows every member of the tables, and its example is a runbook. */
#include "config.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "runbook/read.h"

static char *
read_manual(void)
{
	const char *srcdir = getenv("srcdir");
	char *path = xasprintf("%s/doc/opsconsole-runbook.5", srcdir != NULL ? srcdir : "."), chunk[4096];
	FILE *f = fopen(path, "r");
	struct buf b;
	char *text;
	size_t n;

	if (f == NULL)
		fail_msg("cannot read %s", path);
	buf_init(&b, 1 << 20);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		assert_int_equal(buf_add(&b, chunk, n), 0);
	fclose(f);
	free(path);
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

/* From its heading to the next one of either kind. */
static char *
section_of(const char *manual, const char *heading)
{
	char *big = xasprintf("\n.Sh %s\n", heading), *small = xasprintf("\n.Ss %s\n", heading);
	const char *at = strstr(manual, big), *end, *other;
	char *section;

	if (at == NULL)
		at = strstr(manual, small);
	if (at == NULL)
		fail_msg("the manual has no section %s", heading);
	free(big);
	free(small);
	at += 4;
	end = strstr(at, "\n.Sh ");
	other = strstr(at, "\n.Ss ");
	if (end == NULL || (other != NULL && other < end))
		end = other;
	section = end != NULL ? xstrndup(at, (size_t)(end - at)) : xstrdup(at);
	return section;
}

static void
assert_tells(const char *entry, const char *name, const char *value)
{
	if (value != NULL && strstr(entry, value) == NULL)
		fail_msg("the manual's entry of %s does not tell %s", name, value);
}

/* "60s" in a row may be "60 s" for people: bounds of timeouts are told once. */
static void
assert_has_row(const char *section, const char *heading, const struct read_row *row)
{
	char *head = xasprintf("\n.It Cm %s\n", row->name), *entry;
	const char *at = strstr(section, head), *end;

	if (at == NULL)
		fail_msg("the manual has no %s in %s", row->name, heading);
	end = strstr(at + 1, "\n.It Cm ");
	entry = end != NULL ? xstrndup(at, (size_t)(end - at)) : xstrdup(at);
	assert_non_null(row->help);
	if (row->flags & READ_REQUIRED)
		assert_tells(entry, row->name, "Needed");
	if (row->scalar != CONF_CONST)
		assert_tells(entry, row->name, row->def);
	for (size_t i = 0; row->choices != NULL && row->choices[i] != NULL; i++)
		assert_tells(entry, row->name, row->choices[i]);
	free(entry);
	free(head);
}

static void
manual_has_every_member(void **state)
{
	static const struct {
		const char *heading;
		const struct read_table *table;
	} sections[] = {
		{ "THE RUNBOOK", &read_top_table }, { "PARAMETERS", &read_param_table },
		{ "OFFERS", &read_offer_table }, { "HOSTS", &read_hosts_table },
		{ "ROLLOUT", &read_rollout_table }, { "ESCALATION", &read_escalate_table },
		{ "BAD VERSIONS", &read_bad_table }, { "STEPS", &read_step_table },
		{ "check", &read_check_table }, { "ssh", &read_ssh_table }, { "exec", &read_exec_table },
		{ "registry", &read_registry_table }, { "http step", &read_http_table },
		{ "expect of http", &read_http_expect_table }, { "silence", &read_silence_table },
		{ "confirm", &read_confirm_table }, { "notify", &read_notify_table },
		{ "action", &read_action_table }, { "promql", &read_promql_table },
		{ "alert", &read_alert_table }, { "served", &read_served_table }, { "slo", &read_slo_table },
		{ "drift", &read_drift_table },
		{ "http", &read_http_condition_table }, { "time", &read_time_table },
		{ "value", &read_value_table }, { "log", &read_log_table },
	};
	char *manual = read_manual(), *section;

	(void)state;
	for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
		section = section_of(manual, sections[i].heading);
		for (const struct read_row *row = sections[i].table->rows; row->name != NULL; row++)
			assert_has_row(section, sections[i].heading, row);
		free(section);
	}
	free(manual);
}

static void
example_of_the_manual_is_a_runbook(void **state)
{
	static const char from[] = "\n.Ss An example\n.Bd -literal\n", to[] = "\n.Ed\n";
	char *manual = read_manual(), *start = strstr(manual, from), *end;
	struct conf_problems problems = { 0 };
	struct runbook *rb = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_non_null(start);
	start += strlen(from);
	end = strstr(start, to);
	assert_non_null(end);
	if (runbook_read("example", start, (size_t)(end - start), NULL, NULL, &rb, &problems, &err) < 0)
		fail_msg("%s", err.msg);
	if (problems.n > 0)
		fail_msg("%s", problems.v[0]);
	assert_int_equal(rb->n_steps, 2);
	runbook_free(rb);
	free(manual);
}

/* Without an environment: whether it has what they need is another matter. */
static void
shipped_runbooks_have_no_mistake(void **state)
{
	const char *srcdir = getenv("srcdir");
	char *folder = xasprintf("%s/runbooks", srcdir != NULL ? srcdir : "."), *path;
	DIR *dir = opendir(folder);
	const struct dirent *e;
	size_t n = 0;

	(void)state;
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		struct conf_problems problems = { 0 };
		struct runbook *rb = NULL;
		struct err err = ERR_INIT;
		struct buf b;

		if (e->d_name[0] == '.' || strstr(e->d_name, ".yaml") == NULL)
			continue;
		path = xasprintf("%s/%s", folder, e->d_name);
		buf_init(&b, YAML_BYTES_MAX);
		if (runbook_file_read(path, true, &b, &err) < 0 || runbook_read(path, b.data, b.len, NULL, NULL, &rb, &problems, &err) < 0)
			fail_msg("%s", err.msg);
		if (problems.n > 0)
			fail_msg("%s", problems.v[0]);
		runbook_free(rb);
		buf_done(&b);
		free(path);
		n++;
	}
	closedir(dir);
	free(folder);
	assert_true(n > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manual_has_every_member),
		cmocka_unit_test(shipped_runbooks_have_no_mistake),
		cmocka_unit_test(example_of_the_manual_is_a_runbook),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
