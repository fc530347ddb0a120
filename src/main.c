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

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "modes.h"

enum { EXIT_USAGE = 2, EXIT_STATUS_UNKNOWN = 3 };

static int set_mode(struct args *a, const char *value, int number, struct err *err);
static int set_word_mode(struct args *a, const char *value, int number, struct err *err);
static int set_choice(struct args *a, const char *value, int number, struct err *err);
static int set_text(struct args *a, const char *value, int number, struct err *err);
static int set_flag(struct args *a, const char *value, int number, struct err *err);
static int set_export(struct args *a, const char *value, int number, struct err *err);
static int set_duration(struct args *a, const char *value, int number, struct err *err);

/* Which member of struct options a row sets. */
enum {
	OPT_CONFIG, OPT_ENV, OPT_DEBUG_LOG, OPT_READ_ONLY, OPT_JSON, OPT_DEMO, OPT_WATCH, OPT_DEADLINE, OPT_SET, OPT_LIMIT, OPT_DRY_RUN, OPT_YES, OPT_CONFIRM,
	OPT_RESUME, OPT_BREAK_GLASS, OPT_INCIDENT, OPT_HEAD
};

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
	{ "json", NULL, set_flag, OPT_JSON, "JSON instead of text, with any mode that prints" },
	{ "watch", "S", set_duration, OPT_WATCH, "with --status: again every S seconds until interrupted" },
	{ "deadline", "S", set_duration, OPT_DEADLINE, "with --status, --runbook: wait this long for answers (default 10)" },
	{ "runbook", "NAME", set_word_mode, MODE_RUNBOOK, "run a runbook: plan, confirm, act, verify; see EXIT STATUS in the manual" },
	{ "set", "NAME=VALUE", set_text, OPT_SET, "with --runbook: a parameter; may be given several times" },
	{ "limit", "PATTERN", set_text, OPT_LIMIT, "with --runbook: only these of its hosts, such as web-[01-03]" },
	{ "dry-run", NULL, set_flag, OPT_DRY_RUN, "with --runbook: plan and check, change nothing" },
	{ "yes", NULL, set_flag, OPT_YES, "with --runbook: confirm it, unless its danger is high" },
	{ "confirm", "TARGET", set_text, OPT_CONFIRM, "with --runbook: confirm it by naming its target, such as prod/spam-filter" },
	{ "resume", "RUN", set_text, OPT_RESUME, "with --runbook: go on where that run ended; what is done is not done again" },
	{ "on-disconnect", "WHAT", set_choice, 0, "with --runbook: finish (the batch; default) or stop when the terminal is lost" },
	{ "break-glass", "REASON", set_text, OPT_BREAK_GLASS, "with --runbook: act although the audit log cannot be written" },
	{ "incident", "ID", set_text, OPT_INCIDENT, "with --runbook, --note, --incident-open: the incident it belongs to" },
	{ "runbooks", NULL, set_mode, MODE_RUNBOOKS, "list the runbooks" },
	{ "describe", "NAME", set_word_mode, MODE_DESCRIBE, "what a runbook does, step by step, and its parameters" },
	{ "incident-open", "TITLE", set_word_mode, MODE_INCIDENT_OPEN, "record that an incident began; prints its id" },
	{ "incident-close", "ID", set_word_mode, MODE_INCIDENT_CLOSE, "record that it ended" },
	{ "note", "TEXT", set_word_mode, MODE_NOTE, "record a note" },
	{ "verify", "[FILE..]", set_mode, MODE_VERIFY, "has anything in the audit log been changed?" },
	{ "head", "SEQ:HASH", set_text, OPT_HEAD, "with --verify: compare with this head, noted elsewhere" },
	{ "log", "[FILTER..]", set_mode, MODE_LOG, "print records of the audit log" },
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
		if ((rows[i].set == set_mode || rows[i].set == set_export || rows[i].set == set_word_mode) && rows[i].number == (int)mode)
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

/* A mode whose argument is one word. */
static int
set_word_mode(struct args *a, const char *value, int number, struct err *err)
{
	if (*value == '\0')
		return err_set(err, ERR_USAGE, "an empty value");
	switch ((enum mode)number) {
	case MODE_NOTE: a->options.note = value; break;
	case MODE_INCIDENT_OPEN: a->options.incident_title = value; break;
	case MODE_INCIDENT_CLOSE: a->options.incident_close = value; break;
	default: a->options.runbook = value;
	}
	return set_mode(a, value, number, err);
}

static int
set_choice(struct args *a, const char *value, int number, struct err *err)
{
	char shown[64];

	(void)number;
	if (strcmp(value, "finish") != 0 && strcmp(value, "stop") != 0)
		return err_set(err, ERR_USAGE, "'%s': it is finish or stop", str_escape_to(shown, sizeof shown, value));
	a->options.stops_on_disconnect = strcmp(value, "stop") == 0;
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
	case OPT_LIMIT: a->options.limit = value; break;
	case OPT_CONFIRM: a->options.confirm = value; break;
	case OPT_RESUME: a->options.resume = value; break;
	case OPT_BREAK_GLASS: a->options.break_glass = value; break;
	case OPT_INCIDENT: a->options.incident = value; break;
	case OPT_HEAD: a->options.head = value; break;
	case OPT_SET:
		a->options.sets = xreallocarray(a->options.sets, a->options.n_sets + 1, sizeof *a->options.sets);
		a->options.sets[a->options.n_sets++] = value;
		break;
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
	case OPT_DRY_RUN: a->options.is_dry_run = true; break;
	case OPT_YES: a->options.is_yes = true; break;
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
	    "  opsconsole --runbook NAME [--set k=v]..    run a runbook; --dry-run changes nothing\n"
	    "  opsconsole --runbooks | --describe NAME    the runbooks there are\n"
	    "  opsconsole --incident-open TITLE | --incident-close ID | --note TEXT\n"
	    "  opsconsole --log [FILTER..] | --verify     the audit log\n"
	    "  opsconsole --export slo-rules [NAME]       Prometheus rules for the objectives of the config\n"
	    "  opsconsole --check | --init                check the config | write a first one\n\n");
	for (int i = 0; i < N_ROWS; i++) {
		char left[40];

		snprintf(left, sizeof left, "--%s%s%s", rows[i].name, rows[i].value != NULL ? " " : "",
		    rows[i].value != NULL ? rows[i].value : "");
		printf("  %-22s  %s\n", left, rows[i].help);
	}
	printf("\nThe config is searched for in $OPSCONSOLE_CONFIG, $XDG_CONFIG_HOME/opsconsole/opsconsole.yaml\n"
	    "(~/.config when unset) and /etc/opsconsole/opsconsole.yaml. More: man opsconsole, man opsconsole.yaml,\n"
	    "man opsconsole-runbook\n");
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

	static const unsigned printing = 1u << MODE_STATUS | 1u << MODE_RUNBOOK | 1u << MODE_RUNBOOKS | 1u << MODE_DESCRIBE | 1u << MODE_VERIFY | 1u << MODE_LOG;
	static const unsigned framed = 1u << MODE_RUNBOOK | 1u << MODE_NOTE | 1u << MODE_INCIDENT_OPEN;

	if (o->is_json && !(printing & 1u << a->mode))
		return err_set(err, ERR_USAGE, "--json goes with --status, --runbook, --runbooks, --describe, --verify and --log");
	if (o->watch_ns != 0 && a->mode != MODE_STATUS)
		return err_set(err, ERR_USAGE, "--watch goes with --status");
	if (o->deadline_ns != 0 && a->mode != MODE_STATUS && a->mode != MODE_RUNBOOK)
		return err_set(err, ERR_USAGE, "--deadline goes with --status and --runbook");
	if (a->mode != MODE_RUNBOOK && (o->n_sets > 0 || o->limit != NULL || o->confirm != NULL || o->resume != NULL || o->break_glass != NULL ||
	    o->is_dry_run || o->is_yes || o->stops_on_disconnect))
		return err_set(err, ERR_USAGE, "--set, --limit, --dry-run, --yes, --confirm, --resume, --on-disconnect and --break-glass go with --runbook");
	if (o->incident != NULL && !(framed & 1u << a->mode))
		return err_set(err, ERR_USAGE, "--incident goes with --runbook, --note and --incident-open");
	if (o->head != NULL && a->mode != MODE_VERIFY)
		return err_set(err, ERR_USAGE, "--head goes with --verify");
	if (o->is_read_only && a->mode == MODE_RUNBOOK && !o->is_dry_run)
		return err_set(err, ERR_USAGE, "--read-only allows a runbook's --dry-run only");
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
			.has_arg = rows[i].value != NULL && rows[i].value[0] != '[' ? required_argument : no_argument, .val = 256 + i };
	opterr = 0;
	for (;;) {
		int at = optind > 0 ? optind : 1;

		c = getopt_long(argc, argv, "+:h", longs, NULL);
		if (c == -1 && optind < argc && (a->mode == MODE_LOG || a->mode == MODE_VERIFY)) {
			a->options.words = xreallocarray(a->options.words, a->options.n_words + 1, sizeof *a->options.words);
			a->options.words[a->options.n_words++] = argv[optind++];
			continue;
		}
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

static int
fail(const struct err *err, int status)
{
	fprintf(stderr, "opsconsole: %s\n", err->msg);
	return status;
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
	default:
		status = mode_run(&a);
	}
	free(a.options.sets);
	free(a.options.words);
	log_close();
	if (fflush(stdout) != 0 && status == EXIT_SUCCESS)
		status = EXIT_FAILURE;
	return status;
}
