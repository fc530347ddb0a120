/* Evidence for `previous` from the audit log: runs that ended verified, with the version they made serve. */
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
previous_audit(const struct run_world *w, const char *model, const struct reg_model *reg, const char *current, struct audit_evidence *ret,
    struct err *err)
{
	char *dir = audit_dir(w->conf == NULL ? NULL : w->conf->audit.dir);
	struct audit_run *runs = NULL;
	size_t n = 0, i = 0;
	int r = audit_runs(dir, w->env->name, NULL, RUNS_MAX, &runs, &n, err);

	free(dir);
	if (r < 0)
		return r;
	while (i < n && !is_evidence(&runs[i], model, reg, current))
		i++;
	if (i < n)
		take(&runs[i], ret);
	else
		r = err_set(err, ERR_NOTFOUND, "no run there has verified another version");
	audit_runs_free(runs, n);
	return r;
}
