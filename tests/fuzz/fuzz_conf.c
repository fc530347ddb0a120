/*
 * conf_parse() on any bytes: what it returns can be used. Every problem says where; what is kept
 * has all that is required; values are in range; references lead somewhere; it can be shown and
 * freed.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/conf_env.h"
#include "conf/conf_hosts.h"
#include "conf/hostlist.h"
#include "conf/conf_slo.h"
#include "model/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
check_source(const struct conf_source *s)
{
	if (s->name == NULL || s->name[0] == '\0' || s->type == NULL || s->url == NULL ||
	    s->line == 0)
		die("a source without what is required");
	if (!str_has_prefix(s->url, "http") && !str_has_prefix(s->url, "HTTP") &&
	    strstr(s->url, "://") == NULL)
		die("a url of another kind");
	if (strpbrk(s->url, "@?# \n") != NULL && strchr(s->url, '@') < strchr(strstr(s->url,
	    "://") + 3, '/'))
		die("a url with a user");
	if (s->interval_ns < 250 * NS_PER_MS || s->timeout_ns <= 0 || s->body_max < 65536 ||
	    s->series_max < 1)
		die("a value out of its range");
	if ((s->user != NULL) != secret_is_set(&s->password) ||
	    (s->user != NULL && secret_is_set(&s->bearer)))
		die("half a login");
	for (size_t i = 0; i < s->n_headers; i++)
		if (s->headers[i].name == NULL ||
		    (s->headers[i].value == NULL) == !secret_is_set(&s->headers[i].secret))
			die("a header without a value, or with two");
}

static void
check_reference(const struct conf_environment *e, const char *source)
{
	for (size_t i = 0; i < e->n_sources; i++)
		if (str_eq(e->sources[i].name, source) && str_eq(e->sources[i].type, "prometheus"))
			return;
	die("a reference to nothing");
}

/* What the tables and rules of an objective promise; fuzz_openslo says more. */
static void
check_slos(const struct conf_environment *e)
{
	struct slo_def_set *set = conf_slos(e);

	if (set->n > e->n_slos || e->slo_interval_ns < NS_PER_S)
		die("more objectives than were written, or no interval");
	for (size_t i = 0; i < set->n; i++) {
		const struct slo_def *d = &set->v[i];

		check_reference(e, d->source);
		if (!(d->target > 0 && d->target < 1) || d->period_ns < NS_PER_MIN ||
		    d->resolution_ns < NS_PER_S || d->n_bounds == 1 || d->alert_labels.n == 0)
			die("an objective out of range");
		if (d->sli == SLI_RATIO ? d->total == NULL : d->raw == NULL)
			die("an objective that measures nothing");
		if (i > 0 && strcmp(d[-1].id, d->id) >= 0)
			die("objectives out of order");
	}
	block_unref(set);
}

static void
check_model(const struct conf_environment *e, const struct conf_model *m)
{
	bool is_registry = false;

	for (size_t i = 0; i < e->n_sources; i++)
		is_registry = is_registry || (str_eq(e->sources[i].name, m->registry) &&
		    (str_eq(e->sources[i].type, "mlflow") || str_eq(e->sources[i].type, "http-json")));
	if (!is_registry || m->name == NULL || m->title == NULL)
		die("a model without what is required");
	if ((m->alias == NULL) == (m->stage == NULL) || (m->expr == NULL) == (m->url == NULL))
		die("a model with both, or none");
	if (m->expr != NULL)
		check_reference(e, m->source);
	if (m->url != NULL && (m->group == NULL || strstr(m->url, "{host}") == NULL))
		die("nobody to ask");
	for (size_t i = 0; i < m->n_online; i++)
		check_reference(e, m->online[i].source);
}

static void
check_hosts(const struct conf_environment *e)
{
	struct host_set *hosts = conf_hosts(e, NULL, 0);

	for (size_t i = 0; i < hosts->n; i++)
		if (!host_name_is_valid(hosts->v[i].name) || hosts->v[i].groups.n == 0 ||
		    (i > 0 && host_compare(hosts->v[i - 1].name, hosts->v[i].name) >= 0))
			die("a host that is none, or out of order");
	for (size_t i = 0; i < e->n_host_groups; i++)
		if (e->host_groups[i].has_targets && e->host_groups[i].within == NULL)
			die("targets without a bound");
	block_unref(hosts);
}

static void
check_environment(const struct conf_environment *e)
{
	if (e->name == NULL || e->title == NULL || e->colour == NULL || e->severity_label == NULL ||
	    e->n_severities < 6)
		die("an environment without what is required");
	for (size_t i = 0; i < e->n_sources; i++)
		check_source(&e->sources[i]);
	for (size_t i = 0; i < e->n_queries; i++) {
		if (e->queries[i].expr[0] == '\0' || e->queries[i].title == NULL)
			die("an empty query");
		check_reference(e, e->queries[i].source);
	}
	for (size_t i = 0; i < e->n_markers; i++)
		check_reference(e, e->markers[i].source);
	check_slos(e);
	for (size_t i = 0; i < e->n_models; i++)
		check_model(e, &e->models[i]);
	for (size_t i = 0; i < e->n_host_queries; i++)
		check_reference(e, e->host_queries[i].source);
	check_hosts(e);
	block_unref(conf_environment_block(e));
}

static void
check_conf(const struct conf *c, const struct conf_problems *problems)
{
	if (c->theme == NULL || c->layout == NULL || c->range_ns < NS_PER_MIN ||
	    c->ack_ns < NS_PER_MIN)
		die("no defaults");
	if (c->n_dropped > 0 && !c->is_policy_broken)
		die("an environment is missing, and writing is allowed");
	for (size_t i = 0; i < c->n_environments; i++)
		check_environment(&c->environments[i]);
	for (size_t i = 0; i < problems->n; i++)
		if (!str_has_prefix(problems->v[i], "fuzz:") ||
		    !utf8_is_valid(problems->v[i], strlen(problems->v[i])) ||
		    strchr(problems->v[i], '\n') != NULL || strchr(problems->v[i], '\033') != NULL)
			die("a problem that cannot be shown");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_problems problems = { 0 };
	struct err err = ERR_INIT;
	struct conf *c = NULL;
	int r;

	setenv("HOME", "/home/fuzz", 1);
	r = conf_parse("fuzz", (const char *)data, size, &c, &problems, &err);
	if ((r == 0) != (c != NULL) || r != err.code)
		die("result and error disagree");
	if (r == 0)
		check_conf(c, &problems);
	conf_problems_done(&problems);
	conf_free(c);
	return 0;
}
