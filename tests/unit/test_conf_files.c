/* Which config is found, where shipped data lies, and what --check says. */
#include "config.h"

#include <fcntl.h>
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
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"

static char dir[64];

static char *
in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void
make_dir(const char *name)
{
	char *path = in_dir(name);

	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
}

static void
write_file(const char *name, const char *text)
{
	char *path = in_dir(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
	free(path);
}

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/test_conf_files.XXXXXX");
	assert_non_null(mkdtemp(dir));
	unsetenv("OPSCONSOLE_CONFIG");
	unsetenv("OPSCONSOLE_DATADIR");
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", dir, 1);
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

/* --- the search ------------------------------------------------------------------------------ */

static void
assert_found(const char *asked, const char *expected)
{
	struct err err = ERR_INIT;
	char *path;

	if (conf_find(asked, &path, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(path, expected);
	free(path);
}

static void
search_order(void **state)
{
	char *home = in_dir(".config/opsconsole/opsconsole.yaml"), *xdg_dir = in_dir("xdg");
	char *xdg = in_dir("xdg/opsconsole/opsconsole.yaml"), *named = in_dir("named.yaml");

	(void)state;
	make_dir(".config");
	make_dir(".config/opsconsole");
	make_dir("xdg");
	make_dir("xdg/opsconsole");
	write_file(".config/opsconsole/opsconsole.yaml", "");
	assert_found(NULL, home);
	/* A relative one does not count, nor does the current folder. */
	setenv("XDG_CONFIG_HOME", "xdg", 1);
	assert_found(NULL, home);
	setenv("XDG_CONFIG_HOME", xdg_dir, 1);
	write_file("xdg/opsconsole/opsconsole.yaml", "");
	assert_found(NULL, xdg);
	/* Named ones are used whether they are there or not: the reader says what is wrong. */
	setenv("OPSCONSOLE_CONFIG", named, 1);
	assert_found(NULL, named);
	assert_found("other.yaml", "other.yaml");
	setenv("OPSCONSOLE_CONFIG", "", 1);
	assert_found(NULL, xdg);
	/* A link that leads nowhere is told, rather than passed over. */
	unlink(xdg);
	assert_int_equal(symlink("/nowhere", xdg), 0);
	assert_found(NULL, xdg);
	free(home);
	free(xdg_dir);
	free(xdg);
	free(named);
}

static void
nothing_found(void **state)
{
	struct err err;
	char *path, *sentence;

	(void)state;
	setenv("OPSCONSOLE_CONFIG", "c.yaml", 1);
	assert_int_equal(conf_find(NULL, &path, &err), ERR_INVALID);
	assert_string_equal(err.msg, "$OPSCONSOLE_CONFIG must be an absolute path, not 'c.yaml'");
	unsetenv("OPSCONSOLE_CONFIG");
	if (access("/etc/opsconsole/opsconsole.yaml", F_OK) == 0)
		skip();	/* this machine has one for all */
	assert_int_equal(conf_find(NULL, &path, &err), ERR_NOTFOUND);
	sentence = xasprintf("no config found. Ways on: opsconsole --demo (look around in the "
	    "bundled lab), opsconsole --init "
	    "(write a first config for this machine), opsconsole --config FILE. Looked for "
	    "%s/.config/opsconsole/opsconsole.yaml "
	    "and /etc/opsconsole/opsconsole.yaml", dir);
	assert_string_equal(err.msg, sentence);
	free(sentence);
}

/* --- shipped data ---------------------------------------------------------------------------- */

static void
data_folder(void **state)
{
	char *path, *expected = in_dir("themes/t.yaml"), *sentence;
	struct err err;

	(void)state;
	make_dir("themes");
	write_file("themes/t.yaml", "");
	setenv("OPSCONSOLE_DATADIR", dir, 1);
	assert_int_equal(conf_data_path("themes/t.yaml", &path, &err), 0);
	assert_string_equal(path, expected);
	free(path);
	assert_int_equal(conf_data_path("themes/no such", &path, &err), ERR_NOTFOUND);
	sentence = xasprintf("the shipped file themes/no such is not in %s, " PKGDATADIR "; "
	    "install opsconsole again, or set "
	    "OPSCONSOLE_DATADIR to the folder that holds it", dir);
	assert_string_equal(err.msg, sentence);
	free(sentence);
	setenv("OPSCONSOLE_DATADIR", "here", 1);
	assert_int_equal(conf_data_path("themes/t.yaml", &path, &err), ERR_INVALID);
	assert_string_equal(err.msg, "$OPSCONSOLE_DATADIR must be an absolute path, not 'here'");
	setenv("OPSCONSOLE_DATADIR", dir, 1);
	assert_int_equal(conf_data_path("../etc/passwd", &path, &err), ERR_INVALID);
	assert_int_equal(conf_data_path("/etc/passwd", &path, &err), ERR_INVALID);
	assert_string_equal(err.msg, "'/etc/passwd' is no name of a shipped file");
	free(expected);
}

static void
copy_program(const char *to)
{
	char *path = in_dir(to), chunk[65536];
	int in = open("/proc/self/exe", O_RDONLY), out = open(path, O_WRONLY | O_CREAT | O_EXCL,
	    0700);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, chunk, sizeof chunk)) > 0)
		assert_int_equal(write(out, chunk, (size_t)n), n);
	close(in);
	close(out);
	free(path);
}

/* What this program, lying in dir, says when asked for a shipped file: see main(). */
static void
assert_program_says(const char *name, const char *expected)
{
	char *program = in_dir("program"), line[1024] = "";
	int fds[2];
	pid_t pid;
	FILE *f;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		execl(program, program, "--data", name, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	f = fdopen(fds[0], "r");
	assert_non_null(fgets(line, sizeof line, f));
	fclose(f);
	waitpid(pid, NULL, 0);
	line[strcspn(line, "\n")] = '\0';
	assert_string_equal(line, expected);
	free(program);
}

static void
build_tree(void **state)
{
	char *srcdir = in_dir("build-aux/srcdir"), *aux = in_dir("build-aux"), *lab = in_dir("source/tests/lab/opslab"),
	    *theme = in_dir("source/themes/t.yaml");
	char *example = in_dir("source/doc/opsconsole.yaml.example"),
	    *line = xasprintf("%s/source\n", dir), *sentence;

	(void)state;
	copy_program("program");
	sentence = xasprintf("the shipped file themes/t.yaml is not in " PKGDATADIR "; install "
	    "opsconsole again, or set "
	    "OPSCONSOLE_DATADIR to the folder that holds it");
	assert_program_says("themes/t.yaml", sentence);
	make_dir("build-aux");
	make_dir("source");
	make_dir("source/themes");
	make_dir("source/tests");
	make_dir("source/tests/lab");
	make_dir("source/doc");
	write_file("source/themes/t.yaml", "");
	write_file("source/tests/lab/opslab", "");
	write_file("source/doc/opsconsole.yaml.example", "");
	write_file("build-aux/srcdir", line);
	assert_program_says("themes/t.yaml", theme);
	assert_program_says("lab/opslab", lab);
	assert_program_says("opsconsole.yaml.example", example);
	/* Not believed when anybody could have written it. */
	assert_int_equal(chmod(srcdir, 0666), 0);
	assert_program_says("themes/t.yaml", sentence);
	assert_int_equal(chmod(srcdir, 0600), 0);
	/* Nor when anybody could have put it there. */
	assert_int_equal(chmod(aux, 0777), 0);
	assert_program_says("themes/t.yaml", sentence);
	assert_int_equal(chmod(aux, 0700), 0);
	assert_program_says("themes/t.yaml", theme);
	if (geteuid() == 0) {
		/* A group that is not one's own alone. */
		assert_int_equal(chown(srcdir, 0, 54321), 0);
		assert_int_equal(chmod(srcdir, 0660), 0);
		assert_program_says("themes/t.yaml", sentence);
		assert_int_equal(chown(srcdir, 0, 0), 0);
		assert_program_says("themes/t.yaml", theme);
		assert_int_equal(chown(srcdir, 54321, (gid_t)-1), 0);
		assert_program_says("themes/t.yaml", sentence);
	}
	free(srcdir);
	free(aux);
	free(lab);
	free(theme);
	free(example);
	free(line);
	free(sentence);
}

/* --- --check --------------------------------------------------------------------------------- */

#define HEAD "apiVersion: opsconsole/v1\nkind: Config\n"
#define SOURCE HEAD "environments:\n- name: e\n  sources:\n  - name: p\n    type: prometheus\n    url: http://h\n"

/* Runs conf_check() on text; what it prints, with dir as "DIR". Owned by the caller. */
static char *
check(const char *text, int expected)
{
	char *path = in_dir("c.yaml"), *out = in_dir("out"), *line, *at;
	struct err err = ERR_INIT;
	int saved, fd;
	struct buf b;
	FILE *f;
	size_t cap = 0;

	write_file("c.yaml", text);
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	fd = open(out, O_RDWR | O_CREAT | O_TRUNC, 0600);
	dup2(fd, STDOUT_FILENO);
	assert_int_equal(conf_check(path, NULL, &err), expected);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(fd);
	assert_int_equal(err.code, 0);
	buf_init(&b, 1 << 20);
	f = fopen(out, "r");
	for (line = NULL; getline(&line, &cap, f) > 0; ) {
		while ((at = strstr(line, dir)) != NULL) {
			buf_add(&b, line, (size_t)(at - line));
			buf_addstr(&b, "DIR");
			memmove(line, at + strlen(dir), strlen(at + strlen(dir)) + 1);
		}
		buf_addstr(&b, line);
	}
	free(line);
	fclose(f);
	free(path);
	free(out);
	line = buf_take(&b, NULL);
	buf_done(&b);
	return line;
}

static void
assert_checks(const char *text, int expected, const char *says)
{
	char *got = check(text, expected);

	assert_string_equal(got, says);
	free(got);
}

/* A model whose training profile is a file of the folder. */
static void
assert_checks_profile(const char *profile, int expected, const char *says)
{
	char *text = xasprintf("%s  - { name: ml, type: mlflow, url: 'http://m' }\n  models:\n"
	    "  - { name: m, alias: a, serving: { expr: x },\n"
	    "    drift: { profile: '%s/%s', features: [ { name: n, gauge: g } ] } }\n", SOURCE, dir,
	    profile);

	assert_checks(text, expected, says);
	free(text);
}

static void
check_reports(void **state)
{
	(void)state;
	make_dir("themes");
	make_dir("panels");
	make_dir("panels/layouts");
	write_file("themes/dark.yaml", "");
	setenv("OPSCONSOLE_DATADIR", dir, 1);
	assert_checks(SOURCE, 0, "DIR/c.yaml: ok (1 environment, 1 source, 0 queries, 0 "
	    "markers, 0 objectives, 0 hosts, 0 models, 0 streams of lines, 0 patterns to redact)\n");
	assert_checks(SOURCE "  queries: [{ name: q, expr: up }]\n- name: f\n  sources: [{ name: "
	    "p, type: prometheus, url: 'http://h' }]\n", 0,
	    "DIR/c.yaml: ok (2 environments, 2 sources, 1 query, 0 markers, "
	    "0 objectives, 0 hosts, 0 models, 0 streams of lines, 0 patterns to redact)\n");
	assert_checks(SOURCE "    interval: 5\n", ERR_INVALID,
	    "DIR/c.yaml:9:15: interval: '5' has no unit (such as 500ms, 30s, 15m, "
	    "1h30m)\nDIR/c.yaml: 1 problem\n");
	write_file("p.json", "{}");
	assert_checks_profile("p.json", 0, "DIR/c.yaml: ok (1 environment, 2 sources, 0 queries, 0 "
	    "markers, 0 objectives, 0 hosts, 1 model, 0 streams of lines, 0 patterns to redact)\n");
	assert_checks_profile("none.json", ERR_INVALID,
	    "DIR/c.yaml:12:12: drift: profile: cannot read DIR/none.json: No such file or "
	    "directory\nDIR/c.yaml: 1 problem\n");
	assert_checks("bell: on\nkind: Config\n", ERR_INVALID,
	    "DIR/c.yaml:1:1: 'apiVersion' is missing\n"
	    "DIR/c.yaml:1:7: bell: 'on' is not used here: write true\n"
	    "DIR/c.yaml:1:1: 'environments' is missing\n"
	    "DIR/c.yaml: 3 problems\n");
}

static void
check_counts_objectives(void **state)
{
	char *path;

	(void)state;
	make_dir("themes");
	make_dir("state");
	write_file("themes/dark.yaml", "");
	write_file("slo.yaml", "apiVersion: openslo/v1\nkind: SLO\nmetadata: { name: a }\n"
	    "spec:\n  service: web\n  timeWindow: [{ duration: 7d }]\n"
	    "  budgetingMethod: Occurrences\n  objectives: [{ target: 0.9, op: gt, value: 1 }]\n"
	    "  indicator: { spec: { thresholdMetric: { metricSource: { spec: up } } } }\n");
	write_file("state/log", "not JSON\n");
	setenv("OPSCONSOLE_DATADIR", dir, 1);
	assert_checks(SOURCE "  slos: [{ name: b, target: 90%, error_ratio: x }]\n"
	    "  openslo: [~/slo.yaml]\n  slo: { corrections: ~/state/log }\n", 0,
	    "slo.yaml:1:1: note: objective 'a': without alertPolicies the burn rules of the SRE "
	    "Workbook hold\n"
	    "c.yaml:9:10: note: objective 'b': an average of ratios: every sample weighs alike, "
	    "whatever the traffic\n"
	    "DIR/c.yaml: ok (1 environment, 1 source, 0 queries, 0 markers, 2 objectives, "
	    "0 hosts, 0 models, 0 streams of lines, 0 patterns to redact)\n");
	path = in_dir("state/log");
	assert_int_equal(chmod(path, 0666), 0);
	free(path);
	assert_checks(SOURCE "  slos: [{ name: a, target: 1, error_ratio: x }]\n"
	    "  openslo: [~/slo.yaml, ~/gone]\n  slo: { corrections: ~/state/log }\n", ERR_INVALID,
	    "DIR/c.yaml:9:29: target: '1' leaves no room for any error; a share below 100% is "
	    "expected\n"
	    "DIR/c.yaml:10:25: openslo: cannot read DIR/gone: No such file or directory\n"
	    "DIR/c.yaml:4:3: slo: corrections: DIR/state/log can be written by others (mode "
	    "0666): chmod go-w DIR/state/log\n"
	    "DIR/c.yaml: 3 problems\n");
	/* Those of an OpenSLO file are its own. */
	write_file("slo.yaml", "apiVersion: openslo/v2\n---\n- x\n");
	assert_checks(SOURCE "  openslo: [~/slo.yaml]\n", ERR_INVALID,
	    "DIR/slo.yaml:1:13: apiVersion: 'openslo/v2' is another version of OpenSLO than "
	    "openslo/v1, which is read\n"
	    "DIR/slo.yaml:3:1: a document of OpenSLO is a map (NAME: VALUE)\n"
	    "DIR/c.yaml: 2 problems in the files that it names\n");
	assert_checks(SOURCE "    interval: 5\n  openslo: [~/slo.yaml]\n", ERR_INVALID,
	    "DIR/c.yaml:9:15: interval: '5' has no unit (such as 500ms, 30s, 15m, 1h30m)\n"
	    "DIR/slo.yaml:1:13: apiVersion: 'openslo/v2' is another version of OpenSLO than "
	    "openslo/v1, which is read\n"
	    "DIR/slo.yaml:3:1: a document of OpenSLO is a map (NAME: VALUE)\n"
	    "DIR/c.yaml: 1 problem, and 2 in the files that it names\n");
}

static void
check_looks_at_what_is_named(void **state)
{
	char *key;

	(void)state;
	make_dir("themes");
	write_file("themes/dark.yaml", "");
	write_file("token", "hunter2\n");
	write_file("ca.pem", "x");
	setenv("OPSCONSOLE_DATADIR", dir, 1);
	unsetenv("TEST_UNSET");
	assert_checks(SOURCE "    bearer: { file: ~/token }\n    tls: { ca_file: ~/ca.pem }\n    "
	    "headers: { X-Token: { command: [sh] } }\n", 0,
	    "DIR/c.yaml: ok (1 environment, 1 source, 0 queries, 0 markers, "
	    "0 objectives, 0 hosts, 0 models, 0 streams of lines, 0 patterns to redact)\n");
	assert_checks(SOURCE
	    "    bearer: { file: ~/missing }\n"
	    "    tls: { ca_file: ~/no.pem }\n"
	    "    headers: { X-A: { env: TEST_UNSET }, X-B: { command: [no-such-program] }, X-C: { "
	    "command: [/no/such] } }\n"
	    "theme: ~/no.yaml\n", ERR_INVALID,
	    "DIR/c.yaml:1:1: theme: cannot read DIR/no.yaml: No such file or directory\n"
	    "DIR/c.yaml:6:5: source 'p': ca_file: cannot read DIR/no.pem: No such file or "
	    "directory\n"
	    "DIR/c.yaml:6:5: source 'p': bearer: cannot read DIR/missing: No such file or "
	    "directory\n"
	    "DIR/c.yaml:6:5: source 'p': X-A: $TEST_UNSET is not set, and a secret should come "
	    "from it\n"
	    "DIR/c.yaml:6:5: source 'p': X-B: the program no-such-program cannot be found or run\n"
	    "DIR/c.yaml:6:5: source 'p': X-C: the program /no/such cannot be found or run\n"
	    "DIR/c.yaml: 6 problems\n");
	write_file("client.pem", "x");
	write_file("client.key", "x");
	assert_checks(SOURCE "    tls: { client_cert: ~/client.pem, client_key: ~/client.key }\n", 0,
	    "DIR/c.yaml: ok (1 environment, 1 source, 0 queries, 0 markers, "
	    "0 objectives, 0 hosts, 0 models, 0 streams of lines, 0 patterns to redact)\n");
	key = in_dir("client.key");
	assert_int_equal(chmod(key, 0640), 0);
	free(key);
	assert_checks(SOURCE "    tls: { client_cert: ~/client.pem, client_key: ~/client.key }\n",
	    ERR_INVALID,
	    "DIR/c.yaml:6:5: source 'p': client_key: DIR/client.key can be read by others (mode "
	    "0640): chmod 600 DIR/client.key\n"
	    "DIR/c.yaml: 1 problem\n");
	assert_checks(SOURCE "layout: tall\n", ERR_INVALID,
	    "DIR/c.yaml:1:1: layout: the shipped file panels/layouts/tall.yaml is not in DIR, "
	    "" PKGDATADIR
	    "; install opsconsole again, or set OPSCONSOLE_DATADIR to the folder that holds it\n"
	    "DIR/c.yaml: 1 problem\n");
}

static void
check_of_unusable_files(void **state)
{
	char *path = in_dir("c.yaml"), *sentence =
	    xasprintf("%s: is empty; opsconsole --init writes a first config", path);
	struct err err = ERR_INIT;

	(void)state;
	write_file("c.yaml", "# nothing\n");
	assert_int_equal(conf_check(path, NULL, &err), ERR_SYNTAX);
	assert_string_equal(err.msg, sentence);
	free(path);
	free(sentence);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(search_order), TEST(nothing_found), TEST(data_folder), TEST(build_tree),
		    TEST(check_reports),
		TEST(check_counts_objectives), TEST(check_looks_at_what_is_named), TEST(check_of_unusable_files),
	};

	if (argc == 3 && strcmp(argv[1], "--data") == 0) {
		struct err err = ERR_INIT;
		char *path = NULL;

		puts(conf_data_path(argv[2], &path, &err) < 0 ? err.msg : path);
		free(path);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
