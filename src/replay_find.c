/* Which recording is meant. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "replay.h"

#define BEFORE_INCIDENT (30 * NS_PER_MIN)

static int64_t
overlap(const struct recording_found *r, int64_t from_ns, int64_t to_ns)
{
	int64_t from = r->first_ns > from_ns ? r->first_ns : from_ns, to = r->last_ns < to_ns ? r->last_ns : to_ns;

	return to - from;
}

static void
say_refused(const char *why, void *arg)
{
	(void)arg;
	fprintf(stderr, "opsconsole: left out: %s\n", why);
}

/* Of every console that was open then, as one. */
static int
open_all(const struct conf *conf, const char *env, int64_t from_ns, int64_t to_ns, const char *what, struct recording **ret, struct err *err)
{
	struct recording_found *v;
	const char **paths;
	size_t n, n_paths = 0;
	int r;

	r = recordings_find(conf->record.dir, env, &v, &n, err);
	if (r < 0)
		return r;
	paths = xcalloc(n, sizeof *paths);
	for (size_t i = 0; i < n; i++)
		if (overlap(&v[i], from_ns, to_ns) >= 0 || v[i].first_ns == 0)	/* 0: nothing in it can be read, which is to be said */
			paths[n_paths++] = v[i].path;
	if (n_paths == 0)
		r = err_set(err, ERR_NOTFOUND, "%s was not recorded on this machine, or its recording was removed; opsconsole --recordings lists those there are", what);
	else
		r = recording_open_all(paths, n_paths, ret, say_refused, NULL, err);
	free(paths);
	recordings_free(v, n);
	return r;
}

static int
open_incident(const struct conf *conf, const char *id, struct recording **ret, struct err *err)
{
	char *log = audit_dir(conf->audit.dir), *what;
	struct incident_found in;
	int r;

	r = incident_find(log, id, &in, err);
	free(log);
	if (r < 0)
		return r;
	what = xasprintf("incident %s", in.id);
	r = open_all(conf, *in.env != '\0' ? in.env : NULL, in.opened_ns - BEFORE_INCIDENT, in.closed_ns != 0 ? in.closed_ns : clock_now(), what, ret, err);
	free(what);
	incident_found_done(&in);
	return r;
}

/* By its id, whatever the environment. */
static int
open_named(const struct conf *conf, const char *id, struct recording **ret, struct err *err)
{
	struct recording_found *v;
	int r, found = ERR_NOTFOUND;
	size_t n;

	r = recordings_find(conf->record.dir, NULL, &v, &n, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n && found == ERR_NOTFOUND; i++)
		if (str_eq(v[i].id, id))
			found = recording_open(v[i].path, ret, err);
	recordings_free(v, n);
	return found;
}

static int
open_newest(const struct conf *conf, const struct options *o, struct recording **ret, struct err *err)
{
	struct recording_found *v;
	size_t n;
	int r;

	r = recordings_find(conf->record.dir, o->environment, &v, &n, err);
	if (r < 0)
		return r;
	if (n == 0)
		r = err_set(err, ERR_NOTFOUND, "nothing is recorded yet: the console records while it is open (record: in the config), and keeps what an incident, a page or a run was in");
	else
		r = recording_open(v[n - 1].path, ret, err);
	recordings_free(v, n);
	return r;
}

/* A word with a '=' in it is a filter, unless there is such a file. */
const char *
replay_what(const struct options *o)
{
	struct stat st;

	if (o->n_words == 0 || (strchr(o->words[0], '=') != NULL && stat(o->words[0], &st) < 0))
		return NULL;
	return o->words[0];
}

int
replay_find(const struct conf *conf, const struct options *o, struct recording **ret, struct err *err)
{
	const char *what = replay_what(o);
	struct stat st;
	int r;

	if (what == NULL) {
		if (!o->is_following && open_incident(conf, NULL, ret, NULL) == 0)
			return 0;
		return open_newest(conf, o, ret, err);
	}
	if (strchr(what, '/') != NULL || stat(what, &st) == 0)
		return recording_open(what, ret, err);
	if (open_named(conf, what, ret, NULL) == 0)
		return 0;
	r = open_incident(conf, what, ret, err);
	return r;
}

/* --- the list -------------------------------------------------------------------------------------------------------------------- */

static void
print_one(const struct recording_found *r)
{
	char first[CLOCK_TEXT_MAX], length[DURATION_TEXT_MAX];

	printf("%s  %s  %-8s  %6.1f MiB  %-8s  %s\n", r->id, clock_format(first, r->first_ns, 0), duration_format(length, r->last_ns - r->first_ns),
	    (double)r->bytes / (1 << 20), r->is_live ? "writing" : r->is_pinned ? "kept" : "not kept", r->path);
}

static json_t *
json_of(const struct recording_found *r)
{
	char first[CLOCK_TEXT_MAX], last[CLOCK_TEXT_MAX];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:b}", "id", r->id, "env", r->env, "path", r->path, "first", clock_format(first, r->first_ns, 9),
	    "last", clock_format(last, r->last_ns, 9), "bytes", (json_int_t)r->bytes, "kept", r->is_pinned, "writing", r->is_live);
}

int
recordings_print(const struct conf *conf, const struct options *o)
{
	struct err err = ERR_INIT;
	struct recording_found *v;
	json_t *list;
	size_t n;

	if (recordings_find(conf->record.dir, o->environment, &v, &n, &err) < 0) {
		fprintf(stderr, "opsconsole: %s\n", err.msg);
		return EXIT_FAILURE;
	}
	list = json_array();
	for (size_t i = 0; i < n; i++) {
		if (o->is_json)
			json_array_append_new(list, json_of(&v[i]));
		else
			print_one(&v[i]);
	}
	if (o->is_json) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (n == 0) {
		fprintf(stderr, "opsconsole: nothing is recorded\n");
	}
	json_decref(list);
	recordings_free(v, n);
	return fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
