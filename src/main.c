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
static int set_speed(struct args *a, const char *value, int number, struct err *err);
static int set_size(struct args *a, const char *value, int number, struct err *err);

/* Which member of struct options a row sets. */
enum {
	OPT_CONFIG, OPT_ENV, OPT_DEBUG_LOG, OPT_READ_ONLY, OPT_JSON, OPT_DEMO, OPT_WATCH, OPT_DEADLINE, OPT_SET, OPT_LIMIT, OPT_DRY_RUN, OPT_YES, OPT_CONFIRM,
	OPT_RESUME, OPT_BREAK_GLASS, OPT_INCIDENT, OPT_HEAD, OPT_CHECKPOINT, OPT_SIGNERS, OPT_AT, OPT_MAX_IDLE, OPT_FOLLOW, OPT_PLAIN, OPT_FORMAT, OPT_OUTPUT, OPT_NAMES
};

/* Modes that an option goes with; 0: all. */
#define IN(mode) (1u << MODE_##mode)

static const struct arg_row {
	const char *name, *value;	/* value: name of its argument, NULL when it takes none */
	int (*set)(struct args *a, const char *value, int number, struct err *err);
	int number;
	unsigned modes;
	const char *help;
} rows[] = {
	{ "env", "NAME", set_text, OPT_ENV, 0, "which environment of the config; needed when it has several" },
	{ "config", "FILE", set_text, OPT_CONFIG, 0, "use this config instead of searching for one" },
	{ "read-only", NULL, set_flag, OPT_READ_ONLY, 0, "nothing that changes the world can be run" },
	{ "demo", NULL, set_flag, OPT_DEMO, IN(CONSOLE) | IN(STATUS), "run on the bundled lab; a bad model goes out after about a minute" },
	{ "status", NULL, set_mode, MODE_STATUS, 0, "print what is wrong and exit: 0 ok, 1 warning, 2 critical, 3 unknown" },
	{ "json", NULL, set_flag, OPT_JSON, IN(STATUS) | IN(RUNBOOK) | IN(RUNBOOKS) | IN(DESCRIBE) | IN(VERIFY) | IN(LOG) | IN(REPLAY) | IN(RECORDINGS), "JSON instead of text, with any mode that prints" },
	{ "watch", "S", set_duration, OPT_WATCH, IN(STATUS) | IN(CONSOLE), "with --status: again every S seconds until interrupted; with --plain: a line when nothing happened for S seconds" },
	{ "deadline", "S", set_duration, OPT_DEADLINE, IN(STATUS) | IN(RUNBOOK) | IN(CONSOLE), "with --status, --runbook, --plain: wait this long for answers (default 10)" },
	{ "runbook", "NAME", set_word_mode, MODE_RUNBOOK, 0, "run a runbook: plan, confirm, act, verify; see EXIT STATUS in the manual" },
	{ "set", "NAME=VALUE", set_text, OPT_SET, IN(RUNBOOK), "with --runbook: a parameter; may be given several times" },
	{ "limit", "PATTERN", set_text, OPT_LIMIT, IN(RUNBOOK), "with --runbook: only these of its hosts, such as web-[01-03]" },
	{ "dry-run", NULL, set_flag, OPT_DRY_RUN, IN(RUNBOOK), "with --runbook: plan and check, change nothing" },
	{ "yes", NULL, set_flag, OPT_YES, IN(RUNBOOK), "with --runbook: confirm it, unless its danger is high" },
	{ "confirm", "TARGET", set_text, OPT_CONFIRM, IN(RUNBOOK), "with --runbook: confirm it by naming its target, such as prod/spam-filter" },
	{ "resume", "RUN", set_text, OPT_RESUME, IN(RUNBOOK), "with --runbook: go on where that run ended; what is done is not done again" },
	{ "on-disconnect", "WHAT", set_choice, 0, IN(RUNBOOK), "with --runbook: finish (the batch; default) or stop when the terminal is lost" },
	{ "break-glass", "REASON", set_text, OPT_BREAK_GLASS, IN(RUNBOOK), "with --runbook: act although the audit log cannot be written" },
	{ "incident", "ID", set_text, OPT_INCIDENT, IN(RUNBOOK) | IN(NOTE) | IN(INCIDENT_OPEN), "with --runbook, --note, --incident-open: the incident it belongs to" },
	{ "runbooks", NULL, set_mode, MODE_RUNBOOKS, 0, "list the runbooks" },
	{ "describe", "NAME", set_word_mode, MODE_DESCRIBE, 0, "what a runbook does, step by step, and its parameters" },
	{ "incident-open", "TITLE", set_word_mode, MODE_INCIDENT_OPEN, 0, "record that an incident began; prints its id" },
	{ "incident-close", "ID", set_word_mode, MODE_INCIDENT_CLOSE, 0, "record that it ended" },
	{ "note", "TEXT", set_word_mode, MODE_NOTE, 0, "record a note" },
	{ "verify", "[FILE..]", set_mode, MODE_VERIFY, 0, "has anything in the audit log been changed?" },
	{ "head", "SEQ:HASH", set_text, OPT_HEAD, IN(VERIFY), "with --verify: compare with this head, noted elsewhere" },
	{ "checkpoint", "FILE", set_text, OPT_CHECKPOINT, IN(VERIFY), "with --verify: compare with this signed checkpoint" },
	{ "signers", "FILE", set_text, OPT_SIGNERS, IN(VERIFY), "with --checkpoint: whose keys may have signed it (allowed_signers of ssh-keygen)" },
	{ "log", "[FILTER..]", set_mode, MODE_LOG, 0, "print records of the audit log" },
	{ "replay", "[WHAT]", set_mode, MODE_REPLAY, 0, "show again what was known: of an incident, a recording or a packed file" },
	{ "at", "WHEN", set_text, OPT_AT, IN(REPLAY), "with --replay: begin at a time, at +10m, or at a record's number" },
	{ "speed", "N", set_speed, 0, IN(REPLAY) | IN(EXPORT), "with --replay, --export asciicast: so many times as fast" },
	{ "max-idle", "S", set_duration, OPT_MAX_IDLE, IN(REPLAY) | IN(EXPORT), "with --replay, --export asciicast: stretches in which nothing happens take no longer" },
	{ "follow", NULL, set_flag, OPT_FOLLOW, IN(REPLAY), "with --replay: stay at the end of a console that is open" },
	{ "plain", NULL, set_flag, OPT_PLAIN, IN(CONSOLE) | IN(REPLAY), "no screen: how things stand, then a line for each thing that happens; with --replay: what happened" },
	{ "recordings", NULL, set_mode, MODE_RECORDINGS, 0, "list what is recorded" },
	{ "report", "INCIDENT", set_word_mode, MODE_REPORT, 0, "write the review of an incident; more audit logs or packed files may follow" },
	{ "format", "md|json|html", set_text, OPT_FORMAT, IN(REPORT), "with --report: which form (default md)" },
	{ "output", "FILE", set_text, OPT_OUTPUT, IN(REPORT) | IN(EXPORT), "with --report, --export: write there; a report keeps what a person wrote into it" },
	{ "names", NULL, set_flag, OPT_NAMES, IN(REPORT), "with --report: names of people instead of roles" },
	{ "export", "KIND", set_export, MODE_EXPORT, 0, "slo-rules [NAME], or of an incident or recording: jsonl, asciicast or pack [WHAT]" },
	{ "size", "WxH", set_size, 0, IN(EXPORT), "with --export asciicast: of the terminal (default 120x36)" },
	{ "check", NULL, set_mode, MODE_CHECK, 0, "check the config without any network, list every mistake, exit" },
	{ "init", NULL, set_mode, MODE_INIT, 0, "look at localhost's usual ports and write a config for what is there" },
	{ "debug-log", "FILE", set_text, OPT_DEBUG_LOG, 0, "append a log for developers to FILE" },
	{ "version", NULL, set_mode, MODE_VERSION, 0, "print the version" },
	{ "help", NULL, set_mode, MODE_HELP, 0, "print this" },
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };
_Static_assert(N_ROWS <= 64, "struct args has a bit for each");

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
	case MODE_REPORT: a->options.report = value; break;
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

	if (strcmp(value, "slo-rules") != 0 && strcmp(value, "jsonl") != 0 && strcmp(value, "asciicast") != 0 && strcmp(value, "pack") != 0)
		return err_set(err, ERR_USAGE, "'%s' cannot be exported; slo-rules, jsonl, asciicast and pack can", str_escape_to(shown, sizeof shown, value));
	a->options.export_kind = value;
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
	case OPT_CHECKPOINT: a->options.checkpoint = value; break;
	case OPT_SIGNERS: a->options.signers = value; break;
	case OPT_AT: a->options.at = value; break;
	case OPT_FORMAT: a->options.format = value; break;
	case OPT_OUTPUT: a->options.output = value; break;
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
	case OPT_FOLLOW: a->options.is_following = true; break;
	case OPT_PLAIN: a->options.is_plain = true; break;
	case OPT_NAMES: a->options.has_names = true; break;
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
	*(number == OPT_WATCH ? &a->options.watch_ns : number == OPT_MAX_IDLE ? &a->options.max_idle_ns : &a->options.deadline_ns) = ns;
	return 0;
}

static int
set_speed(struct args *a, const char *value, int number, struct err *err)
{
	char *end, shown[64];
	double speed = strtod(value, &end);

	(void)number;
	if (*value == '\0' || *end != '\0' || !(speed >= 0.25 && speed <= 64))
		return err_set(err, ERR_USAGE, "'%s': a number from 0.25 to 64", str_escape_to(shown, sizeof shown, value));
	a->options.speed = speed;
	return 0;
}

/* "120x36" */
static int
set_size(struct args *a, const char *value, int number, struct err *err)
{
	char shown[64], rest;
	int w, h;

	(void)number;
	if (sscanf(value, "%4dx%4d%c", &w, &h, &rest) != 2 || w < 40 || h < 10 || w > 1000 || h > 1000)
		return err_set(err, ERR_USAGE, "'%s': columns x rows, such as 120x36, at least 40x10", str_escape_to(shown, sizeof shown, value));
	a->options.width = w;
	a->options.height = h;
	return 0;
}

/* --- help --------------------------------------------------------------------------------------------------------- */

static void
print_help(void)
{
	printf("opsconsole: a terminal operations console for incident response on ML-backed systems\n\n"
	    "  opsconsole [--env NAME] [--read-only]      the console\n"
	    "  opsconsole --plain [--watch S]             the same for pipes and screen readers: what happens, a line each\n"
	    "  opsconsole --demo                          the console on the bundled lab\n"
	    "  opsconsole --status [--json] [--watch S]   what is wrong now, as a Nagios plugin says it\n"
	    "  opsconsole --runbook NAME [--set k=v]..    run a runbook; --dry-run changes nothing\n"
	    "  opsconsole --runbooks | --describe NAME    the runbooks there are\n"
	    "  opsconsole --incident-open TITLE | --incident-close ID | --note TEXT\n"
	    "  opsconsole --log [FILTER..] | --verify     the audit log\n"
	    "  opsconsole --replay [INCIDENT|FILE]        an incident again, in the same panels\n"
	    "  opsconsole --report INCIDENT               its review: Markdown, JSON or HTML\n"
	    "  opsconsole --export slo-rules|jsonl|asciicast|pack [NAME]\n"
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

static bool
takes_words(enum mode mode)
{
	return mode == MODE_LOG || mode == MODE_VERIFY || mode == MODE_REPLAY || mode == MODE_REPORT || mode == MODE_EXPORT;
}

/* "--status, --runbook and the console" */
static void
name_modes(unsigned modes, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (int mode = 0; modes != 0 && used < size; mode++) {
		const char *option = mode_option((enum mode)mode);

		if ((modes & 1u << mode) == 0)
			continue;
		modes &= ~(1u << mode);
		used += (size_t)snprintf(buf + used, size - used, "%s%s%s", used == 0 ? "" : modes == 0 ? " and " : ", ", mode == MODE_CONSOLE ? "" : "--",
		    mode == MODE_CONSOLE ? "the console" : option);
	}
}

static int
check_together(const struct args *a, struct err *err)
{
	const struct options *o = &a->options;

	for (int i = 0; i < N_ROWS; i++) {
		char modes[256];

		if ((a->given & UINT64_C(1) << i) == 0 || rows[i].modes == 0 || (rows[i].modes & 1u << a->mode))
			continue;
		name_modes(rows[i].modes, modes, sizeof modes);
		return err_set(err, ERR_USAGE, "--%s goes with %s", rows[i].name, modes);
	}
	if (o->is_read_only && a->mode == MODE_RUNBOOK && !o->is_dry_run)
		return err_set(err, ERR_USAGE, "--read-only allows a runbook's --dry-run only");
	if ((o->watch_ns > 0 || o->deadline_ns > 0) && a->mode == MODE_CONSOLE && !o->is_plain)
		return err_set(err, ERR_USAGE, "--%s goes with --status%s and --plain", o->watch_ns > 0 ? "watch" : "deadline", o->watch_ns > 0 ? "" : ", --runbook");
	if (o->is_demo && o->config != NULL)
		return err_set(err, ERR_USAGE, "--demo brings its own config: leave --config out");
	if (a->mode == MODE_REPLAY && !o->is_plain && (o->is_json || o->n_words > 1 || (o->n_words == 1 && strchr(o->words[0], '=') != NULL && access(o->words[0], F_OK) < 0)))
		return err_set(err, ERR_USAGE, "%s goes with --replay --plain", o->is_json ? "--json" : "a filter");
	if (a->mode == MODE_EXPORT && o->n_words > 1)
		return err_set(err, ERR_USAGE, "--export takes one name behind its kind");
	if (o->signers != NULL && o->checkpoint == NULL)
		return err_set(err, ERR_USAGE, "--signers goes with --checkpoint");
	return 0;
}

static int
parse(int argc, char **argv, struct args *a, struct err *err)
{
	struct option longs[N_ROWS + 1] = { 0 };
	bool is_words_only = false;
	int i, c, r;

	for (i = 0; i < N_ROWS; i++)
		longs[i] = (struct option){ .name = rows[i].name,
			.has_arg = rows[i].value != NULL && rows[i].value[0] != '[' ? required_argument : no_argument, .val = 256 + i };
	opterr = 0;
	for (;;) {
		int at = optind > 0 ? optind : 1;

		if (is_words_only)
			c = -1;
		else
			c = getopt_long(argc, argv, "+:h", longs, NULL);
		if (c == -1 && !is_words_only && at < argc && strcmp(argv[at], "--") == 0)
			is_words_only = true;	/* asked again, getopt would stand there for ever */
		if (c == -1 && optind < argc && takes_words(a->mode)) {
			a->options.words = xreallocarray(a->options.words, a->options.n_words + 1, sizeof *a->options.words);
			a->options.words[a->options.n_words++] = argv[optind++];
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
		a->given |= UINT64_C(1) << (c - 256);
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
