/*
 * OpenSLO documents: tests/fixtures/openslo/NAME.yaml each becomes what NAME.expected says,
 * problems first, definitions after them. To write the expected files anew: GENERATE=1
 * tests/unit/test_openslo, and read the difference.
 */
#include "config.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "base/yaml.h"
#include "conf/conf.h"
#include "conf/conf_slo.h"
#include "conf/openslo.h"

#define HEAD "apiVersion: opsconsole/v1\nkind: Config\nenvironments:\n- name: e\n" \
    "  severities: { sev1: page }\n" \
    "  sources:\n  - { name: first, type: prometheus, url: 'http://first.example:9090' }\n" \
    "  - { name: am, type: alertmanager, url: 'http://elsewhere.example' }\n"
#define SECOND "  - { name: second, type: prometheus, url: 'http://second.example:9090/prom', " \
    "replicas: ['http://second-b.example:9090'] }\n"

static char dir[64];

/* --- files ----------------------------------------------------------------------------------- */

static char *
fixtures(void)
{
	const char *srcdir = getenv("srcdir");

	return xasprintf("%s/tests/fixtures/openslo", srcdir != NULL ? srcdir : ".");
}

static char *
read_path(const char *path)
{
	FILE *f = fopen(path, "r");
	char chunk[4096], *text;
	struct buf b;
	size_t n;

	if (f == NULL)
		fail_msg("cannot read %s", path);
	buf_init(&b, 1 << 20);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		assert_int_equal(buf_add(&b, chunk, n), 0);
	fclose(f);
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

static void
write_path(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* --- a definition as text -------------------------------------------------------------------- */

static void
dump_indicator(struct buf *b, const struct slo_def *d)
{
	if (d->sli == SLI_RATIO)
		buf_printf(b, "  %s %s\n  total %s%s\n", d->good != NULL ? "good" : "bad",
		    d->good != NULL ? d->good : d->bad, d->total, d->is_counter ? "" :
		    " (not counters)");
	else if (d->sli == SLI_RAW)
		buf_printf(b, "  raw %s of %s\n", d->is_raw_success ? "success" : "failure", d->raw);
	else
		buf_printf(b, "  value %s %s %g\n", d->raw, sli_compare_text(d->compare),
		    d->threshold);
}

static void
dump_window(struct buf *b, const struct slo_def *d)
{
	char length[DURATION_TEXT_MAX], from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];
	size_t k = 0;

	buf_printf(b, "  over %s", duration_format(length, d->period_ns));
	while (k + 1 < d->n_bounds && d->bounds[k + 1] <= clock_now())
		k++;
	if (d->n_bounds > 0)
		buf_printf(b, ", now %s to %s", clock_format(from, d->bounds[k], 0),
		    clock_format(to, d->bounds[k + 1], 0));
	buf_printf(b, ", %s", slo_method_name(d->method));
	if (d->slice_ns > 0)
		buf_printf(b, " of %s", duration_format(length, d->slice_ns));
	if (!isnan(d->slice_target))
		buf_printf(b, " from %g", d->slice_target);
	buf_addch(b, '\n');
}

static void
dump(struct buf *b, const struct slo_def *d)
{
	static const char *const severities[] = { "none", "info", "ticket", "page" };
	char t[3][DURATION_TEXT_MAX];

	buf_printf(b, "%s \"%s\" of %s at %s from %s target %.10g\n", d->id, d->title, d->service,
	    d->where, d->source, d->target);
	dump_indicator(b, d);
	dump_window(b, d);
	for (size_t i = 0; i < d->n_rules; i++)
		buf_printf(b, "  %s above %g over %s, %s for %s\n",
		    severities[d->rules[i].severity], d->rules[i].factor,
		    duration_format(t[0], d->rules[i].long_ns),
		    duration_format(t[1], d->rules[i].short_ns),
		    duration_format(t[2], d->rules[i].for_ns));
	if (d->no_data_severity != SEVERITY_NONE)
		buf_printf(b, "  no data: %s\n", severities[d->no_data_severity]);
	for (size_t i = 0; i < d->notes.n; i++)
		buf_printf(b, "  note: %s\n", d->notes.v[i]);
	assert_int_equal(d->origin, SLO_FROM_OPENSLO);
	assert_string_equal(labels_get(&d->alert_labels, "slo"), d->name);
	if (d->min_bad > 0)
		buf_printf(b, "  with at least %g bad\n", d->min_bad);
	assert_true(d->min_events == 0);
	assert_int_equal(d->resolution_ns, NS_PER_MIN);
}

/* --- the corpus ------------------------------------------------------------------------------ */

/* What text becomes: its problems and definitions, a line each. */
static char *
become(const char *name, const char *text)
{
	const char *config = strstr(text, "[two sources]") != NULL ? HEAD SECOND : HEAD;
	struct conf_problems problems = { 0 };
	struct err err = ERR_INIT;
	struct conf *conf = NULL;
	struct slo_build b = { .d = NULL };
	struct conf_decode d;
	struct openslo *o;
	struct buf out;
	char *result;

	assert_int_equal(conf_parse("c", config, strlen(config), &conf, &problems, &err), 0);
	assert_int_equal(problems.n, 0);
	d = (struct conf_decode){ .name = "c", .conf = conf, .problems = &problems };
	b.d = &d;
	b.env = &conf->environments[0];
	b.set = block_new(sizeof *b.set);
	o = openslo_new(&b);
	openslo_add(o, name, text, strlen(text));
	openslo_build(o);
	openslo_free(o);	/* definitions hold copies */
	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < problems.n; i++)
		buf_printf(&out, "%s\n", problems.v[i]);
	for (size_t i = 0; i < b.n; i++)
		dump(&out, &b.v[i]);
	result = buf_take(&out, NULL);
	buf_done(&out);
	free(b.v);
	block_unref(b.set);
	conf_problems_done(&problems);
	conf_free(conf);
	return result;
}

/* name: of a fixture, without .yaml */
static void
check_fixture(const char *folder, const char *name)
{
	char *file = xasprintf("%s.yaml", name), *path = xasprintf("%s/%s", folder, file),
	    *expected_path = xasprintf("%s/%s.expected", folder, name), *expected;
	char *text = read_path(path), *got = become(file, text);

	if (getenv("GENERATE") != NULL)
		write_path(expected_path, got);
	expected = read_path(expected_path);
	if (strcmp(got, expected) != 0)
		fail_msg("%s\ngot:\n%s\nexpected:\n%s", path, got, expected);
	/* What is wrong is told, and nothing else is. */
	if (str_has_prefix(name, "wrong-") != str_has_prefix(got, file))
		fail_msg("%s\n%s", path, got);
	assert_null(strstr(got, "hunter2"));
	free(got);
	free(text);
	free(expected);
	free(expected_path);
	free(path);
	free(file);
}

static void
corpus(void **state)
{
	char *folder = fixtures(), name[200];
	DIR *d = opendir(folder);
	struct dirent *e;
	size_t n = 0;

	(void)state;
	if (d == NULL)
		fail_msg("cannot read %s", folder);
	while ((e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name);

		if (len < 6 || strcmp(e->d_name + len - 5, ".yaml") != 0)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)len - 5, e->d_name);
		check_fixture(folder, name);
		n++;
	}
	closedir(d);
	free(folder);
	assert_in_range(n, 50, 500);
}

/* --- from the config ------------------------------------------------------------------------- */

static char *
in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void
write_file(const char *name, const char *text)
{
	char *path = in_dir(name);

	write_path(path, text);
	free(path);
}

static int
setup(void **state)
{
	char *sub;

	(void)state;
	snprintf(dir, sizeof dir, "/tmp/test_openslo.XXXXXX");
	assert_non_null(mkdtemp(dir));
	setenv("HOME", dir, 1);
	sub = in_dir("slos");
	assert_int_equal(mkdir(sub, 0700), 0);
	free(sub);
	return 0;
}

static int
teardown(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		execlp("rm", "rm", "-rf", dir, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	return 0;
}

#define SLO_OF(name, sli) "apiVersion: openslo/v1\nkind: SLO\nmetadata: { name: " name " }\n" \
    "spec:\n  service: web\n  indicatorRef: " sli "\n" \
    "  timeWindow: [{ duration: 30d, isRolling: true }]\n" \
    "  budgetingMethod: Occurrences\n  objectives: [{ target: 0.99 }]\n"
#define SLI(name) "apiVersion: openslo/v1\nkind: SLI\nmetadata: { name: " name " }\n" \
    "spec: { ratioMetric: { rawType: success, raw: { metricSource: { spec: { query: r } } } } }\n"

/* What the config dir/c.yaml with more lines of its environment gives. */
static struct conf *
load(const char *more, struct conf_problems *problems)
{
	char *text = xasprintf("%s%s", HEAD, more), *path = in_dir("c.yaml");
	struct err err = ERR_INIT;
	struct conf *conf;

	write_path(path, text);
	if (conf_load(path, &conf, problems, &err) < 0)
		fail_msg("%s", err.msg);
	free(text);
	free(path);
	return conf;
}

static void
files_and_folders(void **state)
{
	struct conf_problems problems;
	struct slo_def_set *set;
	struct conf *conf;

	(void)state;
	write_file("slos/b.yaml", SLO_OF("one", "shared") "---\n" SLO_OF("two", "shared"));
	write_file("slos/a.yml", SLI("apart"));
	write_file("slos/.hidden.yaml", "not read: [");
	write_file("slos/README.txt", "not read: [");
	write_file("more.yaml", SLI("shared") "---\n" SLO_OF("three", "apart"));
	conf = load("  openslo: [~/slos, ~/more.yaml]\n  slos:\n"
	    "  - { name: zero, target: 90%, error_ratio: e }\n"
	    "  queries: [{ name: q, expr: x, slo: two }]\n", &problems);
	if (problems.n > 0)
		fail_msg("%s", problems.v[0]);
	set = conf_slos(&conf->environments[0]);
	conf_free(conf);
	assert_int_equal(set->n, 4);
	assert_string_equal(set->v[0].id, "slo:one");
	assert_string_equal(set->v[0].where, "b.yaml:1:1");
	assert_string_equal(set->v[1].id, "slo:three");
	assert_string_equal(set->v[2].id, "slo:two");
	assert_string_equal(set->v[3].id, "slo:zero");
	assert_int_equal(set->v[3].origin, SLO_FROM_CONFIG);
	block_unref(set);
}

/* expected: the problems, with DIR for the folder. */
static void
assert_load_problems(const char *more, const char *expected)
{
	struct conf_problems problems;
	struct conf *conf = load(more, &problems);
	struct buf b;

	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < problems.n; i++) {
		const char *p = problems.v[i];

		buf_addstr(&b, i > 0 ? "\n" : "");
		for (const char *at; (at = strstr(p, dir)) != NULL; p = at + strlen(dir)) {
			buf_add(&b, p, (size_t)(at - p));
			buf_addstr(&b, "DIR");
		}
		buf_addstr(&b, p);
	}
	assert_string_equal(b.data, expected);
	buf_done(&b);
	conf_problems_done(&problems);
	conf_free(conf);
}

static void
files_that_cannot_be_read(void **state)
{
	char *path = in_dir("open.yaml");

	(void)state;
	write_file("open.yaml", SLI("x"));
	assert_int_equal(chmod(path, 0666), 0);
	assert_load_problems("  openslo: [~/gone.yaml, ~/slos, ~/open.yaml]\n",
	    "DIR/c.yaml:9:13: openslo: cannot read DIR/gone.yaml: No such file or directory\n"
	    "DIR/c.yaml:9:26: openslo: DIR/slos holds no file that ends in .yaml or .yml\n"
	    "DIR/c.yaml:9:34: openslo: DIR/open.yaml can be written by others (mode 0666): chmod "
	    "go-w DIR/open.yaml");
	assert_load_problems("  openslo: [slos]\n",
	    "DIR/c.yaml:9:13: openslo: 'slos' is not a path that begins with / or ~/ (nothing is "
	    "read from the current folder)");
	assert_load_problems("  openslo: ~/slos\n",
	    "DIR/c.yaml:9:12: openslo: a list of paths is expected");
	free(path);
}

static void
names_are_one_space(void **state)
{
	(void)state;
	write_file("slos/a.yaml", SLO_OF("one", "s") "---\n" SLI("s"));
	write_file("slos/b.yaml", SLI("s"));
	assert_load_problems("  openslo: [~/slos]\n  slos:\n"
	    "  - { name: one, target: 90%, error_ratio: e }\n",
	    "DIR/slos/b.yaml:3:19: the name 's' is taken by the SLI at DIR/slos/a.yaml:11\n"
	    "DIR/slos/a.yaml:9:16: the name 'one' is taken by the objective at c.yaml:11:5");
}

/* As many documents as are read, and then: a file without any, one more in two files. */
static void
most_documents(void **state)
{
	enum { MOST = 10000 };
	struct buf b;

	(void)state;
	buf_init(&b, YAML_BYTES_MAX);
	for (int i = 0; i < MOST; i++)
		buf_printf(&b, "---\napiVersion: openslo/v1\nkind: Service\n"
		    "metadata: { name: s%d }\n", i);
	write_file("slos/a.yaml", b.data);
	assert_load_problems("  openslo: [~/slos]\n", "");
	write_file("slos/b.yaml", "# nothing\n");
	assert_load_problems("  openslo: [~/slos]\n",
	    "DIR/slos/b.yaml:1:1: is empty; documents of OpenSLO are expected");
	write_file("slos/b.yaml", "---\n" SLI("x") "---\n" SLI("y"));
	write_file("slos/c.yaml", SLI("z"));
	assert_load_problems("  openslo: [~/slos]\n", "DIR/slos/b.yaml:2:1: no more than 10000 "
	    "documents are read; this one and what follows are not");
	buf_done(&b);
}

/* The config's text alone names files that are not read: nothing is known of their objectives. */
static void
nothing_is_read_from_memory(void **state)
{
	static const char text[] = HEAD "  openslo: [/nowhere/x.yaml]\n"
	    "  slo: { found: false }\n"
	    "  queries: [{ name: q, expr: x, slo: two }]\n";
	struct conf_problems problems;
	struct conf *conf;

	(void)state;
	assert_int_equal(conf_parse("c", text, strlen(text), &conf, &problems, NULL), 0);
	assert_int_equal(problems.n, 0);
	assert_string_equal(conf->environments[0].queries[0].slo, "two");
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(corpus),
		cmocka_unit_test_setup_teardown(files_and_folders, setup, teardown),
		cmocka_unit_test_setup_teardown(files_that_cannot_be_read, setup, teardown),
		cmocka_unit_test_setup_teardown(names_are_one_space, setup, teardown),
		cmocka_unit_test_setup_teardown(most_documents, setup, teardown),
		cmocka_unit_test(nothing_is_read_from_memory),
	};

	/* 2030-06-15T12:00:00Z */
	clock_freeze(INT64_C(1907755200) * NS_PER_S);
	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
