/*
 * What became of earlier runs, and which incident is open: looked for from the end of the log backwards, in ever longer pieces, as what is asked for is
 * mostly near. Lines of other types are passed over without being parsed; records whose hash does not hold are no evidence.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "audit/reader_priv.h"
#include "audit/record_priv.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { FIRST_PIECE = 2048, PIECE_GROWTH = 8 };

/* 0: go on; takes rec->json if it sets it to NULL. */
typedef void record_cb(struct audit_record *rec, void *arg);

struct walk {
	enum audit_type a, b;	/* the types that are wanted */
	record_cb *cb;
	void *arg;
};

static bool
is_wanted(const struct walk *w, const struct audit_line *l)
{
	const char *name;
	size_t len;

	if (l->is_torn || !audit_line_type(l->bytes, l->len, &name, &len))
		return false;
	return (len == strlen(audit_type_name(w->a)) && memcmp(name, audit_type_name(w->a), len) == 0) ||
	    (len == strlen(audit_type_name(w->b)) && memcmp(name, audit_type_name(w->b), len) == 0);
}

/* The last n lines; *ret_is_all: these were all there are. */
static int
walk_piece(const struct walk *w, struct audit_reader *r, size_t n, bool *ret_is_all, struct err *err)
{
	struct audit_line l;
	size_t seen = 0;
	int result = audit_reader_tail(r, n, err);

	while (result == 0 && (result = audit_reader_next(r, &l, err)) > 0) {
		struct audit_record rec;

		result = 0;
		seen++;
		if (!is_wanted(w, &l) || audit_record_read(l.bytes, l.len, &rec, NULL) < 0)
			continue;
		w->cb(&rec, w->arg);
		audit_record_done(&rec);
	}
	*ret_is_all = seen < n;
	return result;
}

static bool
is_env(const char *env, const struct audit_record *rec)
{
	return env == NULL || str_eq(env, rec->env);
}

/* --- runs -------------------------------------------------------------------------------------------------------------------------------------------- */

struct runs {
	const char *env, *runbook;
	struct audit_run *v;	/* oldest first while they are collected */
	size_t n;
};

static void
run_done(struct audit_run *r)
{
	free(r->run);
	free(r->runbook);
	free(r->env);
	free(r->target);
	free(r->outcome);
	free(r->user);
	free(r->incident);
	json_decref(r->start);
	json_decref(r->end);
}

void
audit_runs_free(struct audit_run *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		run_done(&v[i]);
	free(v);
}

static char *
text_copy(const json_t *object, const char *name)
{
	return xstrdup_or_null(json_string_value(json_object_get(object, name)));
}

/* A run that begins again (resumed, retried) keeps its first start and waits for another end. */
static void
on_start(struct runs *rs, struct audit_record *rec)
{
	const char *runbook = json_string_value(json_object_get(rec->json, "runbook"));
	struct audit_run *r;

	if (rec->run == NULL || runbook == NULL || !is_env(rs->env, rec) || (rs->runbook != NULL && strcmp(rs->runbook, runbook) != 0))
		return;
	for (size_t i = 0; i < rs->n; i++)
		if (strcmp(rs->v[i].run, rec->run) == 0) {
			struct audit_run again = rs->v[i];

			memmove(&rs->v[i], &rs->v[i + 1], (rs->n - i - 1) * sizeof *rs->v);
			free(again.outcome);
			json_decref(again.end);
			again.outcome = NULL;
			again.end = NULL;
			again.exit = -1;
			again.ended_ns = 0;
			again.is_verified = false;
			rs->v[rs->n - 1] = again;
			return;
		}
	rs->v = xreallocarray(rs->v, rs->n + 1, sizeof *rs->v);
	r = &rs->v[rs->n++];
	*r = (struct audit_run){ .run = xstrdup(rec->run), .runbook = xstrdup(runbook), .env = xstrdup(rec->env == NULL ? "" : rec->env),
	    .target = text_copy(rec->json, "confirm"), .user = xstrdup(rec->user), .incident = xstrdup_or_null(rec->incident),
	    .started_ns = rec->time_ns, .exit = -1, .start = json_incref(rec->json) };
}

static void
on_end(struct runs *rs, struct audit_record *rec)
{
	const json_t *exit_status = json_object_get(rec->json, "exit");
	struct audit_run *r = NULL;

	for (size_t i = 0; rec->run != NULL && i < rs->n; i++)
		if (strcmp(rs->v[i].run, rec->run) == 0)
			r = &rs->v[i];
	if (r == NULL)
		return;
	free(r->outcome);
	json_decref(r->end);
	r->outcome = text_copy(rec->json, "outcome");
	r->exit = json_is_integer(exit_status) ? (int)json_integer_value(exit_status) : -1;
	r->is_verified = json_is_true(json_object_get(rec->json, "verified"));
	r->ended_ns = rec->time_ns;
	r->end = json_incref(rec->json);
}

static void
on_run_record(struct audit_record *rec, void *arg)
{
	if (rec->type == AUDIT_RUN_START)
		on_start(arg, rec);
	else
		on_end(arg, rec);
}

static void
newest_first(struct runs *rs, size_t n)
{
	size_t drop = rs->n > n ? rs->n - n : 0;

	for (size_t i = 0; i < drop; i++)
		run_done(&rs->v[i]);
	rs->n -= drop;
	if (rs->n > 0)
		memmove(rs->v, rs->v + drop, rs->n * sizeof *rs->v);
	for (size_t i = 0; i < rs->n / 2; i++) {
		struct audit_run t = rs->v[i];

		rs->v[i] = rs->v[rs->n - 1 - i];
		rs->v[rs->n - 1 - i] = t;
	}
}

int
audit_runs(const char *path, const char *env, const char *runbook, size_t n, struct audit_run **ret, size_t *ret_n, struct err *err)
{
	struct runs rs = { .env = env, .runbook = runbook };
	struct walk w = { AUDIT_RUN_START, AUDIT_RUN_END, on_run_record, &rs };
	char *dir = audit_dir(path);
	struct audit_reader *r;
	bool is_all = false;
	int result = audit_reader_open(dir, &r, err);

	free(dir);
	if (result < 0)
		return result;
	for (size_t piece = FIRST_PIECE; result == 0 && !is_all && rs.n < n; piece *= PIECE_GROWTH) {
		audit_runs_free(rs.v, rs.n);
		rs.v = NULL;
		rs.n = 0;
		result = walk_piece(&w, r, piece, &is_all, err);
	}
	audit_reader_free(r);
	if (result < 0) {
		audit_runs_free(rs.v, rs.n);
		return result;
	}
	newest_first(&rs, n);
	*ret = rs.v;
	*ret_n = rs.n;
	return 0;
}

/* --- incidents ----------------------------------------------------------------------------------------------------------------------------------------- */

struct opened {
	char *id, *title;
	int64_t at_ns;
};

struct incidents {
	const char *env;
	struct opened *v;	/* open ones, oldest first */
	size_t n;
};

static void
incident_remove(struct incidents *in, const char *id)
{
	for (size_t i = in->n; i-- > 0;)
		if (strcmp(in->v[i].id, id) == 0) {
			free(in->v[i].id);
			free(in->v[i].title);
			memmove(&in->v[i], &in->v[i + 1], (--in->n - i) * sizeof *in->v);
		}
}

static void
on_incident(struct audit_record *rec, void *arg)
{
	struct incidents *in = arg;

	if (rec->incident == NULL || !is_env(in->env, rec))
		return;
	incident_remove(in, rec->incident);
	if (rec->type != AUDIT_INCIDENT_OPENED)
		return;
	in->v = xreallocarray(in->v, in->n + 1, sizeof *in->v);
	in->v[in->n++] = (struct opened){ xstrdup(rec->incident), text_copy(rec->json, "title"), rec->time_ns };
}

static void
incidents_clear(struct incidents *in)
{
	for (size_t i = 0; i < in->n; i++) {
		free(in->v[i].id);
		free(in->v[i].title);
	}
	free(in->v);
	*in = (struct incidents){ .env = in->env };
}

int
audit_open_incident(const char *path, const char *env, char **ret_id, char **ret_title, int64_t *ret_opened_ns, struct err *err)
{
	struct incidents in = { .env = env };
	struct walk w = { AUDIT_INCIDENT_OPENED, AUDIT_INCIDENT_CLOSED, on_incident, &in };
	char *dir = audit_dir(path);
	struct audit_reader *r;
	bool is_all = false;
	int result = audit_reader_open(dir, &r, err);

	free(dir);
	if (result < 0)
		return result;
	for (size_t piece = FIRST_PIECE; result == 0 && !is_all && in.n == 0; piece *= PIECE_GROWTH)
		result = walk_piece(&w, r, piece, &is_all, err);
	audit_reader_free(r);
	if (result == 0) {
		const struct opened *newest = in.n > 0 ? &in.v[in.n - 1] : NULL;

		*ret_id = newest == NULL ? NULL : xstrdup(newest->id);
		*ret_title = newest == NULL ? NULL : xstrdup(newest->title == NULL ? "" : newest->title);
		*ret_opened_ns = newest == NULL ? 0 : newest->at_ns;
	}
	incidents_clear(&in);
	return result;
}
