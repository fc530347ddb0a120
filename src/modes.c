/* Each mode of the command line, from the config to its exit status. */
#include "config.h"

#include "modes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "anchors.h"
#include "audit/reader.h"
#include "base/str.h"
#include "conf/conf_slo.h"
#include "console.h"
#include "demo.h"
#include "insight/log_filter.h"
#include "insight/slo_promql.h"
#include "insight/slo_rules.h"
#include "plain.h"
#include "runs.h"
#include "status.h"
#include "trail.h"
#include "verify_main.h"

enum { EXIT_USAGE = 2, EXIT_STATUS_UNKNOWN = 3, EXPORT_MAX = 64 << 20 };

static int
fail(const struct err *err, int status)
{
	fprintf(stderr, "opsconsole: %s\n", err->msg);
	return status;
}

void
mode_name_plain(struct err *err)
{
	const struct err why = *err;

	err_set(err, why.code, "%s; --plain needs no screen", why.msg);
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
check_runbooks(const struct conf *conf, const struct conf_environment *env, struct conf_problems *problems)
{
	struct err err = ERR_INIT;
	struct runbooks books;

	if (runbooks_read(conf, env, &books, &err) < 0) {
		conf_problems_add(problems, "environment %s: %s", env->name, err.msg);
		return;
	}
	for (size_t i = 0; i < books.problems.n; i++)
		conf_problems_add(problems, "%s", books.problems.v[i]);
	runbooks_done(&books);
}

/* With a word for what is filled in. */
static char *
filled_in(const char *query)
{
	struct buf b;
	char *text;

	buf_init(&b, 1 << 20);
	for (const char *p = query; *p != '\0'; p++) {
		const char *end = str_has_prefix(p, "${") ? strchr(p, '}') : NULL;

		buf_addch(&b, end != NULL ? 'x' : *p);
		p = end != NULL ? end : p;
	}
	text = buf_take(&b, NULL);
	buf_done(&b);
	return text;
}

/* Are the queries of logs: alerts: filters? */
static void
check_log_alerts(const struct conf_environment *env, struct conf_problems *problems)
{
	for (size_t i = 0; i < env->logs.n_alerts; i++) {
		const struct conf_log_alert *a = &env->logs.alerts[i];
		char *query = filled_in(a->query);
		struct log_filter *f = NULL;
		struct err err = ERR_INIT;

		if (log_filter_new(query, &f, &err) < 0)
			conf_problems_add(problems, "environment %s: logs: alerts: line %u, column %u: query: %s", env->name, a->line, a->column, err.msg);
		log_filter_free(f);
		free(query);
	}
}

static void
check_more(const struct conf *conf, struct conf_problems *problems)
{
	for (size_t i = 0; i < conf->n_environments; i++) {
		struct slo_def_set *defs = conf_slos(&conf->environments[i]);

		for (size_t j = 0; j < defs->n; j++)
			check_objective(&defs->v[j], problems);
		block_unref(defs);
		check_runbooks(conf, &conf->environments[i], problems);
		check_log_alerts(&conf->environments[i], problems);
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
	r = conf_check(path, check_more, &err);
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
static void
list_problems(const struct conf_problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		fprintf(stderr, "opsconsole: %s\n", p->v[i]);
	if (p->n > 0)
		fprintf(stderr, "opsconsole: %zu mistake%s in the config; nothing was asked\n", p->n, p->n == 1 ? "" : "s");
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
	slos = slos_named(env, o->n_words > 0 ? o->words[0] : NULL, err);
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
run_console(struct app *a, struct err *err)
{
	int r = a->options->is_plain ? plain_run(a, err) : console_run(a, err);

	if (r == ERR_UNSUPPORTED)
		mode_name_plain(err);
	return r;
}

/* Modes that print or act are strict about the config; the console opens with what is valid. */
static int
open_and_run(struct args *a, struct conf *conf, struct conf_problems *problems, int bad)
{
	struct err err = ERR_INIT;
	struct app app = { 0 };
	int status;

	if (app_open(&app, &a->options, conf, problems, &err) < 0) {
		list_problems(problems);
		return fail(&err, bad);
	}
	switch (a->mode) {
	case MODE_STATUS:
		status = status_run(&app);
		break;
	case MODE_RUNBOOK:
		app_open_runs(&app, "runbook");
		status = runbook_main(&app, &a->options);
		break;
	case MODE_NOTE:
	case MODE_INCIDENT_OPEN:
	case MODE_INCIDENT_CLOSE:
		app.anchors = anchors_new(&app);
		status = trail_main(&app, &a->options);
		break;
	case MODE_RUNBOOKS:
	case MODE_DESCRIBE:
		app_open_runs(&app, "runbook");
		status = runbooks_main(&app, &a->options);
		break;
	default:
		app_open_runs(&app, "console");
		status = run_console(&app, &err);
	}
	app_close(&app);
	return status < 0 ? fail(&err, EXIT_USAGE) : status;
}

static int
run_live(struct args *a)
{
	int bad = a->mode == MODE_STATUS ? EXIT_STATUS_UNKNOWN : EXIT_USAGE, status;
	struct conf_problems problems = { 0 };
	struct err err = ERR_INIT;
	struct demo *demo = NULL;
	struct conf *conf = NULL;
	char *path = NULL;

	if (a->options.is_demo) {
		if (demo_start(&demo, &path, a->mode == MODE_CONSOLE, &err) < 0)
			return fail(&err, bad);
	} else if (conf_find(a->options.config, &path, &err) < 0) {
		return fail(&err, bad);
	}
	if (conf_load(path, &conf, &problems, &err) < 0) {
		status = fail(&err, bad);
	} else if (a->mode != MODE_CONSOLE && problems.n > 0) {
		list_problems(&problems);
		status = bad;
		conf_free(conf);
	} else {
		status = open_and_run(a, conf, &problems, bad);
	}
	conf_problems_done(&problems);
	free(path);
	demo_stop(demo);
	return status;
}

/* --- the audit log: no environment is needed to read it -------------------------------------------------------------- */

/* The folder and the head that the config names, if there is a config; else the usual ones. */
static char *
audit_folder(const struct options *o, char **ret_head)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;
	char *path = NULL, *dir;

	if (conf_find(o->config, &path, NULL) == 0)
		conf_load(path, &conf, &problems, NULL);
	dir = audit_dir(conf != NULL ? conf->audit.dir : NULL);
	*ret_head = audit_head_path(conf != NULL ? conf->audit.head : NULL);
	conf_problems_done(&problems);
	conf_free(conf);
	free(path);
	return dir;
}

static int
run_log(const struct options *o)
{
	char *head, *dir = audit_folder(o, &head);
	int status;

	/* A head without its log is another matter: that one was taken away. */
	if (access(dir, F_OK) < 0 && errno == ENOENT && access(head, F_OK) < 0) {	/* nothing has been done yet */
		fprintf(stderr, "opsconsole: there is no audit log yet: %s\n", dir);
		status = EXIT_FAILURE;
	} else {
		status = audit_log_main(dir, head, o->words, o->n_words, o->is_json);
	}
	free(head);
	free(dir);
	return status;
}

static int
run_verify(const struct options *o)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;
	char *path = NULL;
	struct verify_ask ask = { .paths = o->words, .n = o->n_words, .head = o->head, .checkpoint = o->checkpoint, .signers = o->signers, .is_json = o->is_json };
	int status;

	if (conf_find(o->config, &path, NULL) == 0)
		conf_load(path, &conf, &problems, NULL);
	if (conf != NULL) {
		ask.own_dir = conf->audit.dir;
		ask.own_head = conf->audit.head;
		ask.own_copies = (const char *const *)conf->audit.copies;
		ask.recordings = conf->record.dir;
	}
	status = verify_main(&ask);
	conf_problems_done(&problems);
	conf_free(conf);
	free(path);
	return status;
}

int
mode_run(struct args *a)
{
	switch (a->mode) {
	case MODE_CHECK: return run_check(&a->options);
	case MODE_EXPORT: return strcmp(a->options.export_kind, "slo-rules") == 0 ? run_export(&a->options) : mode_export_recording(a);
	case MODE_REPLAY: return mode_replay(a);
	case MODE_RECORDINGS: return mode_recordings(&a->options);
	case MODE_REPORT: return mode_report(&a->options);
	case MODE_INIT: return run_init(&a->options);
	case MODE_LOG: return run_log(&a->options);
	case MODE_VERIFY: return run_verify(&a->options);
	default: return run_live(a);
	}
}
