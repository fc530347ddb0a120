/* --report: the logs and recordings it finds, the file it writes, and its exit status. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "src/report_main.h"
#include "tests/unit/report_world.h"

struct place {		/* paths below the world's folder */
	char own[128], head[128], other[128], out[128];
};

static struct place
place_of(const struct report_world *w)
{
	struct place p;

	snprintf(p.own, sizeof p.own, "%s/audit", w->root);
	snprintf(p.head, sizeof p.head, "%s/audit-head", w->root);
	snprintf(p.other, sizeof p.other, "%s/bob", w->root);
	snprintf(p.out, sizeof p.out, "%s/review.md", w->root);
	log_write(w->alice, p.own);
	log_write(w->bob, p.other);
	clock_freeze(T(AT(9, 0, 0)));
	tapes_found(w->tape);
	return p;
}

static int
run(const struct place *p, const char *incident, const char *output, const char *const *files, size_t n, const char *format)
{
	struct report_call call = { .incident = incident, .format = format, .output = output, .files = files, .n_files = n, .audit_dir = p->own, .audit_head = p->head };

	return report_main(&call);
}

static char *
text_of(const char *path)
{
	FILE *f = fopen(path, "re");
	struct buf b;
	char part[4096], *text;
	size_t n;

	if (f == NULL)
		return NULL;
	buf_init(&b, 64 << 20);
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		buf_add(&b, part, n);
	fclose(f);
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

static void
write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void
a_file_for_its_owner_alone(void **state)
{
	struct place p = place_of(*state);
	const char *files[] = { p.other };
	struct stat st;
	char *text;

	assert_int_equal(run(&p, INCIDENT, p.out, files, 1, NULL), 0);
	assert_int_equal(stat(p.out, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	text = text_of(p.out);
	assert_non_null(strstr(text, "users report lost mail"));
	assert_non_null(strstr(text, "SpamFalsePositiveRateHigh fires"));
	assert_non_null(strstr(text, "every chain and chunk verifies"));
	free(text);
}

static void
made_anew_it_keeps_words_and_mode(void **state)
{
	struct place p = place_of(*state);
	char *text, *with;
	struct stat st;

	assert_int_equal(run(&p, INCIDENT, p.out, NULL, 0, NULL), 0);
	text = text_of(p.out);
	*strstr(text, "*Where were we lucky?*") = '!';
	write_text(p.out, text);
	assert_int_equal(chmod(p.out, 0640), 0);
	assert_int_equal(run(&p, INCIDENT, p.out, NULL, 0, NULL), 0);
	with = text_of(p.out);
	assert_string_equal(with, text);
	assert_int_equal(stat(p.out, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	free(with);
	free(text);
}

static void
a_file_that_would_lose_words_stays_as_it_is(void **state)
{
	struct place p = place_of(*state);
	char *text;

	write_text(p.out, "my notes\n");
	assert_int_equal(run(&p, INCIDENT, p.out, NULL, 0, NULL), 2);
	text = text_of(p.out);
	assert_string_equal(text, "my notes\n");
	free(text);
	/* One without a word in it has nothing to lose. */
	write_text(p.out, "");
	assert_int_equal(run(&p, INCIDENT, p.out, NULL, 0, NULL), 0);
}

static void
the_end_of_the_name_says_the_format(void **state)
{
	static const struct { const char *name, *format, *begins; } cases[] = {
		{ "a.json", NULL, "{" }, { "a.html", NULL, "<!DOCTYPE html>" }, { "a.md", NULL, "# Review" }, { "a.txt", NULL, "# Review" }, { "b.md", "json", "{" },
	};
	struct place p = place_of(*state);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *path = xasprintf("%s-%s", p.out, cases[i].name), *text;

		assert_int_equal(run(&p, INCIDENT, path, NULL, 0, cases[i].format), 0);
		text = text_of(path);
		assert_true(str_has_prefix(text, cases[i].begins));
		free(text);
		free(path);
	}
}

static void
what_cannot_be_done_has_its_status(void **state)
{
	struct report_world *w = *state;
	struct place p = place_of(w);
	char *missing = xasprintf("%s/missing", w->root), *below = xasprintf("%s/missing/review.md", w->root), *junk = xasprintf("%s/junk", w->root);
	const char *none[] = { missing }, *strange[] = { junk };
	struct place empty = p;

	write_text(junk, "junk\n");
	snprintf(empty.own, sizeof empty.own, "%.100s/nothing", w->root);
	assert_int_equal(run(&p, "unknown", p.out, NULL, 0, NULL), 2);
	assert_int_equal(run(&p, INCIDENT, p.out, NULL, 0, "pdf"), 2);
	assert_int_equal(run(&p, INCIDENT, p.out, none, 1, NULL), 3);
	assert_int_equal(run(&p, INCIDENT, below, NULL, 0, NULL), 3);
	assert_int_equal(run(&empty, INCIDENT, p.out, NULL, 0, NULL), 3);
	assert_int_not_equal(run(&p, INCIDENT, p.out, strange, 1, NULL), 0);
	free(missing);
	free(below);
	free(junk);
}

static void
what_does_not_verify_is_written_and_said(void **state)
{
	struct report_world *w = *state;
	struct place p = place_of(w);
	char *path = xasprintf("%s/audit-000001.jsonl", p.own), *text = text_of(path);

	*strstr(text, "v7 went out") = 'V';
	write_text(path, text);
	free(text);
	assert_int_equal(run(&p, INCIDENT, p.out, NULL, 0, NULL), 1);
	text = text_of(p.out);
	assert_non_null(strstr(text, "not verified"));
	free(text);
	free(path);
}

static void
another_operators_log_is_enough(void **state)
{
	struct place p = place_of(*state), empty = p;
	const char *files[] = { p.other };
	char *text;

	snprintf(empty.own, sizeof empty.own, "%.100s.none", p.own);
	assert_int_equal(run(&empty, INCIDENT, p.out, files, 1, NULL), 0);
	text = text_of(p.out);
	assert_non_null(strstr(text, "users report lost mail"));
	assert_null(strstr(text, "B:"));
	free(text);
}

static int
teardown(void **state)
{
	clock_freeze(0);
	return report_world_teardown(state);
}

#define WITH(name) cmocka_unit_test_setup_teardown(name, report_world_setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(a_file_for_its_owner_alone),
		WITH(made_anew_it_keeps_words_and_mode),
		WITH(a_file_that_would_lose_words_stays_as_it_is),
		WITH(the_end_of_the_name_says_the_format),
		WITH(what_cannot_be_done_has_its_status),
		WITH(what_does_not_verify_is_written_and_said),
		WITH(another_operators_log_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
