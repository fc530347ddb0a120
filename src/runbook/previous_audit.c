/* Evidence for `previous` from the audit log: runs that ended verified, with the version they made serve. A log of 50 MB takes 0.1 to 0.3 s, so that a worker reads it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "runbook/previous.h"

enum { RUNS_MAX = 200 };

/* A parameter as the run's first record holds it. */
static const char *
param_of(const struct audit_run *run, const char *name)
{
	return json_string_value(json_object_get(json_object_get(run->start, "params"), name));
}

static const char *
version_of(const struct audit_run *run)
{
	const char *version = param_of(run, "to");

	return version != NULL ? version : param_of(run, "version");
}

static bool
is_evidence(const struct audit_run *run, const char *model, const struct reg_model *reg, const char *current)
{
	return run->is_verified && run->end != NULL && str_eq(param_of(run, "model"), model) && version_is_candidate(reg, current, version_of(run));
}

static void
take(const struct audit_run *run, struct audit_evidence *ret)
{
	const char *host = json_string_value(json_object_get(json_object_get(run->end, "actor"), "host"));
	struct buf shown;

	buf_init(&shown, 256);
	str_escape(&shown, host != NULL ? host : "log", strlen(host != NULL ? host : "log"));
	*ret = (struct audit_evidence){
		.version = xstrdup(version_of(run)),
		.host = buf_take(&shown, NULL),
		.seq = (uint64_t)json_integer_value(json_object_get(run->end, "seq")),
		.at_ns = run->ended_ns,
	};
	buf_done(&shown);
}

int
previous_audit(const struct audit_log *log, const char *model, const struct reg_model *reg, const char *current, struct audit_evidence *ret, struct err *err)
{
	size_t i = 0;

	if (log->err.code != 0)
		return err_set(err, log->err.code, "%s", log->err.msg);
	while (i < log->n && !is_evidence(&log->runs[i], model, reg, current))
		i++;
	if (i == log->n)
		return err_set(err, ERR_NOTFOUND, "no run there has verified another version");
	take(&log->runs[i], ret);
	return 0;
}

/* --- reading it ------------------------------------------------------------------------------------- */

struct audit_reading {
	char *path, *env;
	struct audit_log log;
	audit_log_cb *cb;	/* NULL: nobody wants to know any more */
	void *arg;
};

/* In a worker: touches nothing but its own. */
static void
read_work(void *arg)
{
	struct audit_reading *a = arg;

	audit_runs(a->path, a->env, NULL, RUNS_MAX, &a->log.runs, &a->log.n, &a->log.err);
}

static void
read_done(void *arg)
{
	struct audit_reading *a = arg;

	if (a->cb != NULL)
		a->cb(&a->log, a->arg);
	audit_runs_free(a->log.runs, a->log.n);
	free(a->path);
	free(a->env);
	free(a);
}

struct audit_reading *
previous_audit_read(const struct run_world *w, audit_log_cb *cb, void *arg)
{
	struct audit_reading *a = xcalloc(1, sizeof *a);

	*a = (struct audit_reading){ .path = audit_dir(w->conf == NULL ? NULL : w->conf->audit.dir), .env = xstrdup(w->env->name), .cb = cb, .arg = arg };
	if (w->lane != NULL) {
		pool_run(w->lane, read_work, read_done, a);
		return a;
	}
	read_work(a);
	read_done(a);
	return NULL;
}

void
previous_audit_cancel(struct audit_reading *a)
{
	if (a != NULL)
		a->cb = NULL;
}
