/* Arguments -> mode. One table holds every option: the parser, --help and the manual's check come from it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_slo.h"
#include "console.h"
#include "demo.h"
#include "insight/slo_promql.h"
#include "insight/slo_rules.h"
#include "status.h"

enum mode { MODE_CONSOLE, MODE_STATUS, MODE_EXPORT, MODE_CHECK, MODE_INIT, MODE_HELP, MODE_VERSION };
enum { EXIT_USAGE = 2, EXIT_STATUS_UNKNOWN = 3, EXPORT_MAX = 64 << 20 };

struct args {
	enum mode mode;
	struct options options;
};

static int set_mode(struct args *a, const char *value, int number, struct err *err);
static int set_text(struct args *a, const char *value, int number, struct err *err);
static int set_flag(struct args *a, const char *value, int number, struct err *err);
static int set_export(struct args *a, const char *value, int number, struct err *err);
static int set_duration(struct args *a, const char *value, int number, struct err *err);

/* Which member of struct options a row sets. */
enum { OPT_CONFIG, OPT_ENV, OPT_DEBUG_LOG, OPT_READ_ONLY, OPT_JSON, OPT_DEMO, OPT_WATCH, OPT_DEADLINE };

static const struct arg_row {
	const char *name, *value;	/* value: name of its argument, NULL when it takes none */
	int (*set)(struct args *a, const char *value, int number, struct err *err);
	int number;
	const char *help;
} rows[] = {
	{ "env", "NAME", set_text, OPT_ENV, "which environment of the config; needed when it has several" },
	{ "config", "FILE", set_text, OPT_CONFIG, "use this config instead of searching for one" },
	{ "read-only", NULL, set_flag, OPT_READ_ONLY, "nothing that changes the world can be run" },
	{ "demo", NULL, set_flag, OPT_DEMO, "run on the bundled lab; a bad model goes out after about a minute" },
	{ "status", NULL, set_mode, MODE_STATUS, "print what is wrong and exit: 0 ok, 1 warning, 2 critical, 3 unknown" },
	{ "json", NULL, set_flag, OPT_JSON, "with --status: JSON" },
	{ "watch", "S", set_duration, OPT_WATCH, "with --status: again every S seconds until interrupted" },
	{ "deadline", "S", set_duration, OPT_DEADLINE, "with --status: wait this long for answers (default 10)" },
	{ "export", "slo-rules", set_export, MODE_EXPORT, "print recording and alerting rules for the objectives (or one, by NAME)" },
	{ "check", NULL, set_mode, MODE_CHECK, "check the config without any network, list every mistake, exit" },
	{ "init", NULL, set_mode, MODE_INIT, "look at localhost's usual ports and write a config for what is there" },
	{ "debug-log", "FILE", set_text, OPT_DEBUG_LOG, "append a log for developers to FILE" },
	{ "version", NULL, set_mode, MODE_VERSION, "print the version" },
	{ "help", NULL, set_mode, MODE_HELP, "print this" },
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

/* --- setters ------------------------------------------------------------------------------------------------------ */

static const char *
mode_option(enum mode mode)
{
	for (int i = 0; i < N_ROWS; i++)
		if ((rows[i].set == set_mode || rows[i].set == set_export) && rows[i].number == (int)mode)
			return rows[i].name;
	return "";
}

static int
set_mode(struct args *a, const char *value, int number, struct err *err)
{
	(void)value;
	if (a->mode != MODE_CONSOLE && a->mode != (enum mode)number)
		return err_set(err, ERR_USAGE, "--%s and --%s cannot go together", mode_option(a->mode), mode_option((enum mode)number));
	a->mode = (enum mode)number;
	return 0;
}

static int
set_export(struct args *a, const char *value, int number, struct err *err)
{
	char shown[64];

	if (strcmp(value, "slo-rules") != 0)
		return err_set(err, ERR_USAGE, "'%s' cannot be exported; slo-rules can", str_escape_to(shown, sizeof shown, value));
	return set_mode(a, value, number, err);
}

static int
set_text(struct args *a, const char *value, int number, struct err *err)
{
	if (*value == '\0')
		return err_set(err, ERR_USAGE, "an empty value");
	switch (number) {
	case OPT_CONFIG: a->options.config = value; break;
	case OPT_ENV: a->options.environment = value; break;
	case OPT_DEBUG_LOG: a->options.debug_log = value; break;
	}
	return 0;
}

static int
set_flag(struct args *a, const char *value, int number, struct err *err)
{
	(void)value;
	(void)err;
	switch (number) {
	case OPT_READ_ONLY: a->options.is_read_only = true; break;
	case OPT_JSON: a->options.is_json = true; break;
	case OPT_DEMO: a->options.is_demo = true; break;
	}
	return 0;
}

/* Seconds when it is a bare number, else a duration with its unit. */
static int
set_duration(struct args *a, const char *value, int number, struct err *err)
{
	int64_t ns;
	int r;

	if (*value != '\0' && value[strspn(value, "0123456789")] == '\0') {
		char *with_unit = xasprintf("%ss", value);

		r = duration_parse(with_unit, &ns, err);
		free(with_unit);
	} else {
		r = duration_parse(value, &ns, err);
	}
	if (r < 0)
		return r;
	if (ns < 100 * NS_PER_MS)
		return err_set(err, ERR_USAGE, "%s is too short: give at least 100ms", value);
	*(number == OPT_WATCH ? &a->options.watch_ns : &a->options.deadline_ns) = ns;
	return 0;
}

/* --- help --------------------------------------------------------------------------------------------------------- */

static void
print_help(void)
{
	printf("opsconsole: a terminal operations console for incident response on ML-backed systems\n\n"
	    "  opsconsole [--env NAME] [--read-only]      the console\n"
	    "  opsconsole --demo                          the console on the bundled lab\n"
	    "  opsconsole --status [--json] [--watch S]   what is wrong now, as a Nagios plugin says it\n"
	    "  opsconsole --export slo-rules [NAME]       Prometheus rules for the objectives of the config\n"
	    "  opsconsole --check | --init                check the config | write a first one\n\n");
	for (int i = 0; i < N_ROWS; i++) {
		char left[40];

		snprintf(left, sizeof left, "--%s%s%s", rows[i].name, rows[i].value != NULL ? " " : "",
		    rows[i].value != NULL ? rows[i].value : "");
		printf("  %-18s  %s\n", left, rows[i].help);
	}
	printf("\nThe config is searched for in $OPSCONSOLE_CONFIG, $XDG_CONFIG_HOME/opsconsole/opsconsole.yaml\n"
	    "(~/.config when unset) and /etc/opsconsole/opsconsole.yaml. More: man opsconsole, man opsconsole.yaml\n");
}

/* --- parsing ------------------------------------------------------------------------------------------------------ */

static int
reject_unknown(const char *word, struct err *err)
{
	const char *names[N_ROWS], *near;
	char name[64], shown[160];

	snprintf(name, sizeof name, "%s", word + strspn(word, "-"));
	name[strcspn(name, "=")] = '\0';
	for (int i = 0; i < N_ROWS; i++)
		names[i] = rows[i].name;
	near = str_nearest(name, names, N_ROWS);
	str_escape_to(shown, sizeof shown, word);
	if (near != NULL)
		return err_set(err, ERR_USAGE, "%s: no such option; did you mean --%s?", shown, near);
	return err_set(err, ERR_USAGE, "%s: no such option; --help lists them", shown);
}

static int
check_together(const struct args *a, struct err *err)
{
	const struct options *o = &a->options;

	if (a->mode != MODE_STATUS && (o->is_json || o->watch_ns != 0 || o->deadline_ns != 0))
		return err_set(err, ERR_USAGE, "--json, --watch and --deadline go with --status");
	if (o->is_demo && a->mode != MODE_CONSOLE && a->mode != MODE_STATUS)
		return err_set(err, ERR_USAGE, "--demo goes with the console or with --status");
	if (o->is_demo && o->config != NULL)
		return err_set(err, ERR_USAGE, "--demo brings its own config: leave --config out");
	return 0;
}

static int
parse(int argc, char **argv, struct args *a, struct err *err)
{
	struct option longs[N_ROWS + 1] = { 0 };
	int i, c, r;

	for (i = 0; i < N_ROWS; i++)
		longs[i] = (struct option){ .name = rows[i].name,
			.has_arg = rows[i].value != NULL ? required_argument : no_argument, .val = 256 + i };
	opterr = 0;
	for (;;) {
		int at = optind > 0 ? optind : 1;

		c = getopt_long(argc, argv, "+:h", longs, NULL);
		if (c == -1 && a->mode == MODE_EXPORT && optind < argc && a->options.export_what == NULL) {
			a->options.export_what = argv[optind++];	/* options may follow it */
			continue;
		}
		if (c == -1)
			break;
		if (c == ':')
			return err_set(err, ERR_USAGE, "%s needs a value: see --help", argv[at]);
		if (c == 'h') {
			a->mode = MODE_HELP;
			continue;
		}
		if (c < 256)
			return reject_unknown(argv[at], err);
		r = rows[c - 256].set(a, optarg, rows[c - 256].number, err);
		if (r < 0) {
			err_prefix(err, "--%s", rows[c - 256].name);
			return r;
		}
	}
	if (optind < argc) {
		char shown[160];

		return err_set(err, ERR_USAGE, "%s: not expected here; options begin with --, see --help",
		    str_escape_to(shown, sizeof shown, argv[optind]));
	}
	return check_together(a, err);
}

/* --- modes -------------------------------------------------------------------------------------------------------- */

static int
fail(const struct err *err, int status)
{
	fprintf(stderr, "opsconsole: %s\n", err->msg);
	return status;
}

/* Can its expressions be asked for? What the server makes of them is not known here. */
static void
check_objective(const struct slo_def *def, struct conf_problems *problems)
{
	struct arena arena = { 0 };
	struct err err = ERR_INIT;
	struct slo_terms terms;

	if (slo_terms(def, &arena, &terms, &err) < 0)
		conf_problems_add(problems, "%s: objective '%s': %s", def->where, def->name, err.msg);
	arena_done(&arena);
}

static void
check_objectives(const struct conf *conf, struct conf_problems *problems)
{
	for (size_t i = 0; i < conf->n_environments; i++) {
		struct slo_def_set *defs = conf_slos(&conf->environments[i]);

		for (size_t j = 0; j < defs->n; j++)
			check_objective(&defs->v[j], problems);
		block_unref(defs);
	}
}

static int
run_check(const struct options *o)
{
	struct err err = ERR_INIT;
	char *path;
	int r;

	if (conf_find(o->config, &path, &err) < 0)
		return fail(&err, EXIT_USAGE);
	r = conf_check(path, check_objectives, &err);
	free(path);
	if (r < 0 && err.code != 0)
		return fail(&err, EXIT_USAGE);
	return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
}

static int
run_init(const struct options *o)
{
	struct err err = ERR_INIT;

	if (conf_init_write(o->config, &err) < 0)
		return fail(&err, EXIT_USAGE);
	return EXIT_SUCCESS;
}

/* Strict modes refuse a config with any mistake and list them all. */
static int
list_problems(const struct conf_problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		fprintf(stderr, "opsconsole: %s\n", p->v[i]);
	if (p->n > 0)
		fprintf(stderr, "opsconsole: %zu mistake%s in the config; nothing was asked\n", p->n, p->n == 1 ? "" : "s");
	return EXIT_STATUS_UNKNOWN;
}

/* Those called name; all when it is NULL. One reference, the caller's; NULL: none is called that. */
static struct slo_def_set *
slos_named(const struct conf_environment *env, const char *name, struct err *err)
{
	struct slo_def_set *all = conf_slos(env), *some = block_new(sizeof *some);
	struct slo_def *v = arena_alloc(&some->block.arena, (all->n + 1) * sizeof *v);
	char shown[64];

	for (size_t i = 0; i < all->n; i++)
		if (name == NULL || strcmp(all->v[i].name, name) == 0)
			slo_def_copy(&v[some->n++], &all->v[i], &some->block.arena);
	some->v = v;
	block_unref(all);
	if (some->n > 0)
		return some;
	if (name == NULL)
		err_set(err, ERR_NOTFOUND, "environment %s has no objectives: give it some under slos: or openslo:, see man opsconsole.yaml", env->name);
	else
		err_set(err, ERR_NOTFOUND, "environment %s has no objective '%s'; opsconsole --status names those there are", env->name,
		    str_escape_to(shown, sizeof shown, name));
	block_unref(some);
	return NULL;
}

static int
export_rules(const struct conf *conf, const struct options *o, struct err *err)
{
	const struct conf_environment *env;
	struct slo_def_set *slos;
	struct buf out;
	int r;

	r = conf_environment(conf, o->environment, &env, err);
	if (r < 0)
		return r;
	slos = slos_named(env, o->export_what, err);
	if (slos == NULL)
		return ERR_NOTFOUND;
	buf_init(&out, EXPORT_MAX);
	r = slo_rules_export(slos, &out, err);
	if (r == 0 && out.is_over)
		r = err_set(err, ERR_LIMIT, "the rules are longer than %d MiB: export some objectives by name", EXPORT_MAX >> 20);
	if (r == 0 && (fwrite(out.data, 1, out.len, stdout) < out.len || fflush(stdout) != 0))
		r = err_set_errno(err, ERR_IO, errno, "the rules could not be written");
	buf_done(&out);
	block_unref(slos);
	return r;
}

static int
run_export(const struct options *o)
{
	struct conf_problems problems = { 0 };
	struct err err = ERR_INIT;
	struct conf *conf = NULL;
	char *path = NULL;
	int status = EXIT_SUCCESS;

	if (conf_find(o->config, &path, &err) < 0 || conf_load(path, &conf, &problems, &err) < 0) {
		status = fail(&err, EXIT_USAGE);
	} else if (problems.n > 0) {
		list_problems(&problems);
		status = EXIT_USAGE;
	} else if (export_rules(conf, o, &err) < 0) {
		status = fail(&err, err.code == ERR_IO ? EXIT_FAILURE : EXIT_USAGE);
	}
	conf_problems_done(&problems);
	conf_free(conf);
	free(path);
	return status;
}

static int
run_live(struct args *a)
{
	int bad = a->mode == MODE_STATUS ? EXIT_STATUS_UNKNOWN : EXIT_USAGE, status;
	struct conf_problems problems = { 0 };
	struct err err = ERR_INIT;
	struct demo *demo = NULL;
	struct conf *conf = NULL;
	struct app app = { 0 };
	char *path = NULL;

	if (a->options.is_demo) {
		if (demo_start(&demo, &path, a->mode == MODE_CONSOLE, &err) < 0)
			return fail(&err, bad);
	} else if (conf_find(a->options.config, &path, &err) < 0) {
		return fail(&err, bad);
	}
	if (conf_load(path, &conf, &problems, &err) < 0) {
		status = fail(&err, bad);
	} else if (a->mode == MODE_STATUS && problems.n > 0) {
		status = list_problems(&problems);
		conf_free(conf);
	} else if (app_open(&app, &a->options, conf, &problems, &err) < 0) {
		list_problems(&problems);
		status = fail(&err, bad);
	} else if (a->mode == MODE_STATUS) {
		status = status_run(&app);
		app_close(&app);
	} else {
		status = console_run(&app, &err);
		app_close(&app);
		if (status < 0)
			status = fail(&err, EXIT_USAGE);
	}
	conf_problems_done(&problems);
	free(path);
	demo_stop(demo);
	return status;
}

/* What is opened later must not take the place of a closed stdin, stdout or stderr. */
static void
keep_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* A core dump would hold the secrets of the sources. */
static void
forbid_core_dumps(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
}

/* Before the mode is known for sure: whoever asked for --status gets its "unknown". */
static int
usage_status(const struct args *a, int argc, char **argv)
{
	bool is_status = a->mode == MODE_STATUS;

	for (int i = 1; i < argc; i++)
		is_status |= strncmp(argv[i], "--stat", strlen("--stat")) == 0;
	return is_status ? EXIT_STATUS_UNKNOWN : EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	struct args a = { .mode = MODE_CONSOLE };
	struct err err = ERR_INIT;
	int status;

	keep_standard_descriptors();
	forbid_core_dumps();
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");	/* numbers are read and written for machines */
	signal(SIGPIPE, SIG_IGN);	/* a closed pipe or connection is an error of the write, not an end */
	if (parse(argc, argv, &a, &err) < 0 || (a.options.debug_log != NULL && log_open(a.options.debug_log, &err) < 0))
		return fail(&err, usage_status(&a, argc, argv));
	switch (a.mode) {
	case MODE_HELP:
		print_help();
		status = EXIT_SUCCESS;
		break;
	case MODE_VERSION:
		printf("opsconsole %s\n", PACKAGE_VERSION);
		status = EXIT_SUCCESS;
		break;
	case MODE_CHECK:
		status = run_check(&a.options);
		break;
	case MODE_EXPORT:
		status = run_export(&a.options);
		break;
	case MODE_INIT:
		status = run_init(&a.options);
		break;
	default:
		status = run_live(&a);
	}
	log_close();
	if (fflush(stdout) != 0 && status == EXIT_SUCCESS)
		status = EXIT_FAILURE;
	return status;
}
