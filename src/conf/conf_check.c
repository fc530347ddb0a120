/* --check: the config, and what it names on this machine. No network, and no command of it is
 * run. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/conf_drift.h"
#include "conf/conf_hosts.h"
#include "conf/conf_owner.h"
#include "conf/conf_table.h"
#include "conf/corrections.h"
#include "model/slo.h"

struct check {
	struct conf_decode decode;	/* where problems go */
	const char *what;		/* source is: "source" */
	const struct conf_source *source;
	char source_name[72];
};

static void
report(struct check *c, const char *option, const char *sentence)
{
	const struct yaml_node where = { .line = c->source->line, .column = c->source->column };

	conf_problem(&c->decode, &where, "%s '%s': %s: %s", c->what, c->source_name, option, sentence);
}

/* --- programs -------------------------------------------------------------------------------- */

static bool
is_program_in_path(const char *name)
{
	const char *path = getenv("PATH"), *end;
	bool is_found = false;
	char *file;

	for (; path != NULL && !is_found; path = *end == ':' ? end + 1 : NULL) {
		end = path + strcspn(path, ":");
		file = xasprintf("%.*s/%s", (int)(end - path), path, name);
		is_found = access(file, X_OK) == 0;
		free(file);
	}
	return is_found;
}

static void
check_program(struct check *c, const char *option, const char *program)
{
	char shown[120], sentence[200];

	if (strchr(program, '/') != NULL ? access(program, X_OK) == 0 : is_program_in_path(program))
		return;
	snprintf(sentence, sizeof sentence, "the program %s cannot be found or run",
	    str_escape_to(shown, sizeof shown, program));
	report(c, option, sentence);
}

/* --- files and secrets ----------------------------------------------------------------------- */

static void
check_secret(struct check *c, const char *option, const struct conf_secret *s)
{
	struct err err = ERR_INIT;
	char *secret;

	if (s->command != NULL) {
		check_program(c, option, s->command[0]);
	} else if (secret_is_set(s)) {
		if (secret_read(s, &secret, &err) < 0)
			report(c, option, err.msg);
		else
			secret_free(secret);
	}
}

static void
check_readable(struct check *c, const char *option, const char *path)
{
	char shown[200];
	struct err err;

	if (path == NULL || access(path, R_OK) == 0)
		return;
	err_set_errno(&err, ERR_IO, errno, "cannot read %s",
	    str_escape_to(shown, sizeof shown, path));
	report(c, option, err.msg);
}

/* Who has the key is let in, as with a password; curl reads it, and looks at no mode. */
static void
check_key(struct check *c, const char *option, const char *path)
{
	struct err err;

	if (path != NULL && conf_owner_check_private(path, &err) < 0)
		report(c, option, err.msg);
}

static void
check_source(struct check *c, const struct conf_source *s)
{
	c->source = s;
	str_escape_to(c->source_name, sizeof c->source_name, s->name);
	check_readable(c, "ca_file", s->ca_file);
	check_readable(c, "client_cert", s->client_cert);
	check_key(c, "client_key", s->client_key);
	check_secret(c, "password", &s->password);
	check_secret(c, "bearer", &s->bearer);
	check_secret(c, "api_key", &s->api_key);
	for (size_t i = 0; i < s->n_headers; i++)
		check_secret(c, s->headers[i].name, &s->headers[i].secret);
}

/* What vouches for the audit log from outside. */
static void
check_audit(struct check *c, const struct conf_audit *a)
{
	const struct yaml_node where = { .line = 1, .column = 1 };
	char shown[200];

	c->what = "audit target";
	for (size_t i = 0; i < a->n_ship; i++)
		check_source(c, &a->ship[i]);
	c->what = "source";
	if (a->checkpoint_key != NULL && access(a->checkpoint_key, R_OK) < 0)
		conf_problem(&c->decode, &where, "audit: checkpoint: key: cannot read %s: %s",
		    str_escape_to(shown, sizeof shown, a->checkpoint_key), strerror(errno));
}

/* Could the log of corrections be read? What its lines say is no matter of the config. */
static void
check_corrections(struct check *c, const struct conf_environment *env)
{
	const struct yaml_node where = { .line = env->line, .column = env->column };
	struct corrections log;
	struct err err = ERR_INIT;

	if (env->slo_defs == NULL || env->slo_defs->n == 0)
		return;
	if (corrections_read(env, &log, &err) < 0)
		conf_problem(&c->decode, &where, "slo: corrections: %s", err.msg);
	else
		corrections_done(&log);
}

/* Of tags and artifacts only the registry knows whether they are there. */
static void
check_profile(struct check *c, const struct conf_drift *drift)
{
	const struct yaml_node where = { .line = drift->line, .column = drift->column };

	if (drift->profile != NULL && drift->profile[0] == '/' && access(drift->profile, R_OK) < 0)
		conf_problem(&c->decode, &where, "drift: profile: cannot read %s: %s", drift->profile,
		    strerror(errno));
}

/* value: name of a shipped file under folder, or the path of one's own. */
static void
check_look(struct check *c, const char *option, const char *folder, const char *value)
{
	struct yaml_node where = { .line = 1, .column = 1 };
	struct err err = ERR_INIT;
	char *file, *path = NULL;
	int r;

	if (value == NULL || str_eq(value, "auto"))
		return;
	if (value[0] == '/') {
		r = conf_check_owner(value, &err);
	} else {
		file = xasprintf("%s/%s.yaml", folder, value);
		r = conf_data_path(file, &path, &err);
		free(file);
		free(path);
	}
	if (r < 0)
		conf_problem(&c->decode, &where, "%s: %s", option, err.msg);
}

/* --- the report ------------------------------------------------------------------------------ */

static void
print_count(size_t n, const char *one, const char *many, const char *separator)
{
	printf("%zu %s%s", n, n == 1 ? one : many, separator);
}

/* Those of targets are known only where a Prometheus is asked. */
static size_t
count_hosts(const struct conf_environment *env)
{
	struct host_set *hosts = conf_hosts(env, NULL, 0);
	size_t n = hosts->n;

	block_unref(hosts);
	return n;
}

/* A sentence that begins with the place of something in the file, with its folder or without. */
static bool
is_about(const char *sentence, const char *name)
{
	const char *slash = strrchr(name, '/');
	size_t len = strlen(name);

	if (strncmp(sentence, name, len) == 0 && sentence[len] == ':')
		return true;
	return slash != NULL && is_about(sentence, slash + 1);
}

/* Problems of OpenSLO files are theirs, not the config's. */
static void
print_problems(const char *name, const struct conf_problems *problems)
{
	size_t own = 0, others;

	for (size_t i = 0; i < problems->n; i++) {
		printf("%s\n", problems->v[i]);
		own += is_about(problems->v[i], name);
	}
	others = problems->n - own;
	if (others == 0)
		printf("%s: %zu problem%s\n", name, own, own == 1 ? "" : "s");
	else if (own == 0)
		printf("%s: %zu problem%s in the files that it names\n", name, others,
		    others == 1 ? "" : "s");
	else
		printf("%s: %zu problem%s, and %zu in the files that it names\n", name, own,
		    own == 1 ? "" : "s", others);
}

/* No mistakes, but what the author of an objective may not know of it. */
static void
print_notes(const struct slo_def_set *slos)
{
	char shown[72], text[400];

	for (size_t i = 0; slos != NULL && i < slos->n; i++) {
		const struct slo_def *def = &slos->v[i];

		str_escape_to(shown, sizeof shown, def->name);
		for (size_t j = 0; j < def->notes.n; j++)
			printf("%s: note: objective '%s': %s\n", def->where, shown,
			    str_escape_to(text, sizeof text, def->notes.v[j]));
	}
}

static void
print_summary(const char *name, const struct conf *conf, const struct conf_problems *problems)
{
	size_t sources = 0, queries = 0, markers = 0, slos = 0, hosts = 0, models = 0, streams = 0;

	if (problems->n > 0) {
		print_problems(name, problems);
		return;
	}
	for (size_t i = 0; i < conf->n_environments; i++) {
		sources += conf->environments[i].n_sources;
		queries += conf->environments[i].n_queries;
		markers += conf->environments[i].n_markers;
		if (conf->environments[i].slo_defs != NULL)
			slos += conf->environments[i].slo_defs->n;
		hosts += count_hosts(&conf->environments[i]);
		models += conf->environments[i].n_models;
		streams += conf->environments[i].logs.n_streams;
		print_notes(conf->environments[i].slo_defs);
	}
	printf("%s: ok (", name);
	print_count(conf->n_environments, "environment", "environments", ", ");
	print_count(sources, "source", "sources", ", ");
	print_count(queries, "query", "queries", ", ");
	print_count(markers, "marker", "markers", ", ");
	print_count(slos, "objective", "objectives", ", ");
	print_count(hosts, "host", "hosts", ", ");
	print_count(models, "model", "models", ", ");
	print_count(streams, "stream of lines", "streams of lines", ", ");
	print_count(conf->n_redact, "pattern to redact", "patterns to redact", ")\n");
}

int
conf_check(const char *path, conf_check_cb *more, struct err *err)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;
	struct check c = { 0 };
	char name[200];
	int r;

	r = conf_load(path, &conf, &problems, err);
	if (r < 0)
		return r;
	c.decode = (struct conf_decode){
		.name = str_escape_to(name, sizeof name, path), .conf = conf, .problems = &problems,
	};
	check_look(&c, "theme", "themes", conf->theme);
	check_look(&c, "layout", "panels/layouts", conf->layout);
	check_audit(&c, &conf->audit);
	for (size_t i = 0; i < conf->n_environments; i++) {
		for (size_t j = 0; j < conf->environments[i].n_sources; j++)
			check_source(&c, &conf->environments[i].sources[j]);
		check_corrections(&c, &conf->environments[i]);
		for (size_t j = 0; j < conf->environments[i].n_models; j++)
			if (conf->environments[i].models[j].drift != NULL)
				check_profile(&c, conf->environments[i].models[j].drift);
	}
	if (more != NULL)
		more(conf, &problems);
	print_summary(name, conf, &problems);
	r = problems.n > 0 ? ERR_INVALID : 0;
	conf_problems_done(&problems);
	conf_free(conf);
	return r;
}
