/* Modes of after the incident: replaying, exporting, reviewing. None of them asks a source or writes to the audit log. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/save.h"
#include "base/xalloc.h"
#include "console.h"
#include "export.h"
#include "conf/conf_env.h"
#include "modes.h"
#include "replay.h"
#include "report_main.h"

enum { EXIT_USAGE = 2, EXIT_UNREADABLE = 3 };

static int
fail(const struct err *err)
{
	fprintf(stderr, "opsconsole: %s\n", err->msg);
	return err->code == ERR_IO || err->code == ERR_DENIED ? EXIT_UNREADABLE : EXIT_USAGE;
}

/* The config is for looks and places only: without one, or with a bad one, a recording can be replayed all the same. */
static struct conf *
looks(const struct options *o, struct conf_problems *problems)
{
	static const char none[] = "apiVersion: opsconsole/v1\nkind: Config\nenvironments: []\n";
	struct conf *conf = NULL;
	char *path = NULL;

	if (conf_find(o->config, &path, NULL) < 0 || conf_load(path, &conf, problems, NULL) < 0) {
		conf_problems_done(problems);
		*problems = (struct conf_problems){ 0 };
		conf_parse("the built-in config", none, strlen(none), &conf, problems, NULL);
		conf_problems_done(problems);	/* that it has no environment is no mistake here */
		*problems = (struct conf_problems){ 0 };
	}
	free(path);
	return conf;
}

int
mode_replay(struct args *a)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = looks(&a->options, &problems);
	struct err err = ERR_INIT;
	struct recording *rec = NULL;
	struct app app = { 0 };
	int status;

	if (replay_find(conf, &a->options, &rec, &err) < 0) {
		status = fail(&err);
	} else if (a->options.is_plain) {
		status = replay_print(conf, &a->options, rec);
		recording_free(rec);
	} else {
		if (app_open_replay(&app, &a->options, conf, &problems, rec, &err) < 0)
			return fail(&err);	/* conf went with it */
		status = console_run(&app, &err);
		app_close(&app);
		if (status == ERR_UNSUPPORTED)
			mode_name_plain(&err);
		return status < 0 ? fail(&err) : status;
	}
	conf_problems_done(&problems);
	conf_free(conf);
	return status;
}

int
mode_recordings(const struct options *o)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = looks(o, &problems);
	int status = recordings_print(conf, o);

	conf_problems_done(&problems);
	conf_free(conf);
	return status;
}

/* Contacts make roles; without an environment there are none. */
int
mode_report(const struct options *o)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = looks(o, &problems);
	const struct conf_environment *env = NULL;
	struct environment *contacts = NULL;
	struct report_call call = {
		.incident = o->report, .format = o->format, .output = o->output, .files = (const char *const *)o->words, .n_files = o->n_words,
		.has_names = o->has_names, .audit_dir = conf->audit.dir, .audit_head = conf->audit.head, .recordings_dir = conf->record.dir };
	int status;

	if (conf_environment(conf, o->environment, &env, NULL) == 0) {
		contacts = conf_environment_block(env);
		call.environment = contacts;
	}
	status = report_main(&call);
	block_unref(contacts);
	conf_problems_done(&problems);
	conf_free(conf);
	return status;
}

/* --- exports ------------------------------------------------------------------------------------------------------------------ */

static int
export_film(struct args *a, struct conf *conf, struct conf_problems *problems, struct recording *rec, FILE *f, struct err *err)
{
	struct app app = { 0 };
	int r = app_open_replay(&app, &a->options, conf, problems, rec, err);

	if (r < 0)
		return r;
	r = export_asciicast(&app, f, err);
	app_close(&app);
	return r;
}

/* Takes conf. */
static int
export_to(struct args *a, struct conf *conf, struct conf_problems *problems, FILE *f, struct err *err)
{
	struct recording *rec = NULL;
	int r;

	if (strcmp(a->options.export_kind, "pack") == 0) {
		r = export_pack(conf, &a->options, fileno(f), err);
		conf_free(conf);
		return r;
	}
	r = replay_find(conf, &a->options, &rec, err);
	if (r == 0 && strcmp(a->options.export_kind, "asciicast") == 0)
		return export_film(a, conf, problems, rec, f, err);
	if (r == 0)
		r = export_jsonl(rec, f, err);
	recording_free(rec);
	conf_free(conf);
	return r;
}

static int
export_to_file(struct args *a, struct conf *conf, struct conf_problems *problems, const char *path, struct err *err)
{
	struct save s;
	int r = save_begin(&s, path, 0, err);

	if (r < 0) {
		conf_free(conf);
		return r;
	}
	r = export_to(a, conf, problems, s.f, err);
	if (r == 0)
		return save_end(&s, err);
	save_drop(&s);
	return r;
}

int
mode_export_recording(struct args *a)
{
	struct conf_problems problems = { 0 };
	struct err err = ERR_INIT;
	int r;

	if (a->options.output == NULL && strcmp(a->options.export_kind, "pack") == 0 && isatty(STDOUT_FILENO)) {
		fprintf(stderr, "opsconsole: a packed file is not for a terminal: give --output FILE\n");
		return EXIT_USAGE;
	}
	if (a->options.output != NULL)
		r = export_to_file(a, looks(&a->options, &problems), &problems, a->options.output, &err);
	else
		r = export_to(a, looks(&a->options, &problems), &problems, stdout, &err);
	conf_problems_done(&problems);
	return r < 0 ? fail(&err) : EXIT_SUCCESS;
}
