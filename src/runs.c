#include "config.h"

#include "runs_priv.h"

#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "base/clock.h"
#include "base/state.h"
#include "base/str.h"
#include "base/xalloc.h"

#define LIMIT_SETS 64

enum { PLANS_MAX = 8, RUNS_MAX = 32 };

/* --- the world ------------------------------------------------------------------------------------------------------------------ */

static const struct model *
world_model(void *arg)
{
	return ((struct runs *)arg)->app->model;
}

static int
world_write(void *arg, const char *source, const struct request *request, sources_write_cb *cb, void *cb_arg, struct err *err)
{
	return sources_write(((struct runs *)arg)->app->sources, source, request, cb, cb_arg, err);
}

static void
world_poll_now(void *arg, const char *source, const char *what)
{
	struct app *a = ((struct runs *)arg)->app;

	if (source != NULL) {
		sources_poll_now(a->sources, source, what);
		return;
	}
	for (size_t i = 0; i < a->env->n_sources; i++)
		sources_poll_now(a->sources, a->env->sources[i].name, what);
}

static void
world_apply(void *arg, const struct event *ev)
{
	app_apply(((struct runs *)arg)->app, ev);
}

/* --- life --------------------------------------------------------------------------------------------------------------------- */

static int
open_ssh(struct runs *r, struct err *err)
{
	const struct conf_ssh *c = &r->app->conf->ssh;
	const struct ssh_options o = {
		.config = c->config, .transport = (enum ssh_transport)c->transport, .connect_ns = c->connect_ns,
		.idle_ns = r->is_interactive ? c->idle_ns : 0, .connecting_max = (unsigned)c->connecting_max,
		.output_max = (size_t)c->output_max, .state_dir = c->state_dir };

	if (r->ssh != NULL)
		return 0;
	if (ssh_new(r->app->loop, &o, &r->ssh, err) < 0)
		return err->code;
	r->world.ssh = r->ssh;
	if (r->ask_passphrase != NULL)
		ssh_on_passphrase(r->ssh, r->ask_passphrase, r->ask_arg);
	return 0;
}

struct runs *
runs_new(struct app *a, bool is_interactive)
{
	struct runs *r = xcalloc(1, sizeof *r);

	r->app = a;
	r->is_interactive = is_interactive;
	TAILQ_INIT(&r->runs);
	LIST_INIT(&r->asks);
	r->state_dir = state_dir();
	r->world = (struct run_world){
		.loop = a->loop, .conf = a->conf, .env = a->env, .user = a->user, .state_dir = r->state_dir, .lane = a->insight, .arg = r,
		.model = world_model, .query = runs_query, .query_cancel = runs_query_cancel, .write = world_write, .poll_now = world_poll_now,
		.apply = world_apply };
	return r;
}

static void
one_run_free(struct one_run *o)
{
	TAILQ_REMOVE(&o->runs->runs, o, next);
	run_free(o->run);
	for (size_t i = 0; i < o->n_text; i++)
		free(o->text[i]);
	free(o->text);
	free(o->sets);
	free(o);
}

void
runs_free(struct runs *r)
{
	struct one_run *o;
	struct world_ask *ask;

	if (r == NULL)
		return;
	while ((o = TAILQ_FIRST(&r->runs)) != NULL)
		one_run_free(o);
	while ((ask = LIST_FIRST(&r->asks)) != NULL)
		runs_ask_free(ask);
	runs_past_stop(r);
	ssh_free(r->ssh);
	runbooks_done(&r->books);
	runs_old_books_drop(r);
	audit_runs_free(r->past_runs, r->n_past);
	free(r->past);
	free(r->wants);
	free(r->told_left);
	free(r->state_dir);
	free(r);
}

/* --- runs ---------------------------------------------------------------------------------------------------------------------- */

static bool
is_acting(const struct run *run)
{
	switch (run_state(run)) {
	case RUN_PLANNING:
	case RUN_PLANNED:
	case RUN_REFUSED:
	case RUN_ENDED:
		return false;
	default:
		return true;
	}
}

size_t
runs_acting(const struct runs *r)
{
	const struct one_run *o;
	size_t n = 0;

	if (r == NULL)
		return 0;
	TAILQ_FOREACH(o, &r->runs, next)
		n += is_acting(o->run);
	return n;
}

static bool
is_only_a_plan(const struct run *run)
{
	return run_info(run)->started_ns == 0;
}

/* The oldest make room: plans that nobody confirmed soon, runs late, as they are there to be tried again and undone. */
static void
drop_old(struct runs *r, bool is_plan, unsigned max)
{
	struct one_run *o, *before;
	unsigned n = 0;

	TAILQ_FOREACH(o, &r->runs, next)
		n += is_only_a_plan(o->run) == is_plan;
	for (o = TAILQ_LAST(&r->runs, one_run_list); o != NULL && n >= max; o = before) {
		before = TAILQ_PREV(o, one_run_list, next);
		if (!is_acting(o->run) && is_only_a_plan(o->run) == is_plan) {
			one_run_free(o);
			n--;
		}
	}
}

static const char *
keep(struct one_run *o, const char *text)
{
	if (text == NULL)
		return NULL;
	o->text = xreallocarray(o->text, o->n_text + 1, sizeof *o->text);
	return o->text[o->n_text++] = xstrdup(text);
}

static void
on_notice(struct run *run, const struct run_notice *n, void *arg)
{
	struct one_run *o = arg;

	if (n->kind == NOTICE_END && o->runs->is_interactive)
		runs_past_read(o->runs);
	if (o->notice != NULL)
		o->notice(run, n, o->arg);
}

int
runs_begin(struct runs *r, const struct run_request *q, run_notice_cb *notice, void *arg, struct run **ret, struct err *err)
{
	struct one_run *o;
	int rc;

	rc = open_ssh(r, err);
	if (rc < 0)
		return rc;
	/* Nothing is written before the first record: a dry run only looks whether it could be. */
	r->world.audit = trail_audit(r->app->trail, err);
	if (r->world.audit == NULL && !q->is_dry_run)
		return err->code;
	drop_old(r, true, PLANS_MAX);
	drop_old(r, false, RUNS_MAX);
	o = xcalloc(1, sizeof *o);
	o->runs = r;
	o->notice = notice;
	o->arg = arg;
	o->request = *q;
	o->sets = xcalloc(q->n_sets + 1, sizeof *o->sets);
	for (size_t i = 0; i < q->n_sets; i++)
		o->sets[i] = (struct run_set){ .name = keep(o, q->sets[i].name), .value = keep(o, q->sets[i].value), .from = keep(o, q->sets[i].from) };
	o->request.sets = o->sets;
	o->request.limit = keep(o, q->limit);
	o->request.id = keep(o, q->id);
	o->request.incident = keep(o, q->incident);
	o->request.alert = keep(o, q->alert);
	o->request.resume = keep(o, q->resume);
	TAILQ_INSERT_HEAD(&r->runs, o, next);
	rc = run_new(&r->world, &o->request, on_notice, o, &o->run, err);
	if (rc < 0) {
		one_run_free(o);
		return rc;
	}
	if (ret != NULL)
		*ret = o->run;
	return 0;
}

/* --- what the operator asks for ------------------------------------------------------------------------------------------------ */

static struct run *
find_run(struct runs *r, const char *id, struct err *err)
{
	struct one_run *o;
	char shown[128];

	TAILQ_FOREACH(o, &r->runs, next)
		if (str_eq(run_info(o->run)->id, id))
			return o->run;
	err_set(err, ERR_NOTFOUND, "run %s is not one of this console", str_escape_to(shown, sizeof shown, id != NULL ? id : "-"));
	return NULL;
}

/* "name=value" lines. Returns how many; they point into text, which is cut up. */
static size_t
split_sets(char *text, struct run_set *v, size_t max)
{
	size_t n = 0;

	while (text != NULL && *text != '\0' && n < max) {
		char *line = text, *eq;

		text = strchr(line, '\n');
		if (text != NULL)
			*text++ = '\0';
		eq = strchr(line, '=');
		if (eq == NULL)
			continue;
		*eq = '\0';
		v[n++] = (struct run_set){ .name = line, .value = eq + 1, .from = "given" };
	}
	return n;
}

static int
plan(struct runs *r, const struct op *op, const char **ret_run, struct err *err)
{
	struct run_set sets[LIMIT_SETS];
	struct run_request q = { .incident = trail_incident(r->app->trail), .alert = op->source, .is_interactive = true, .sets = sets,
		.is_dry_run = r->app->env->is_read_only };	/* a plan can be looked at there, too */
	const struct runbook *book;
	char *text;
	struct run *run;
	int rc;

	rc = runbooks_pick(&r->books, op->text, &book, err);
	if (rc < 0)
		return rc;
	q.runbook = book;
	if (op->confirm != NULL)
		q.limit = op->confirm[0];
	text = op->arg != NULL ? xstrdup(op->arg) : NULL;
	q.n_sets = split_sets(text, sets, LIMIT_SETS);
	rc = runs_begin(r, &q, NULL, NULL, &run, err);
	free(text);
	if (rc == 0 && ret_run != NULL)
		*ret_run = run_info(run)->id;
	return rc;
}

static void
drop(struct runs *r, struct run *run)
{
	struct one_run *o;

	run_decline(run);
	TAILQ_FOREACH(o, &r->runs, next)
		if (o->run == run && !is_acting(run)) {
			one_run_free(o);
			return;
		}
}

int
runs_op(struct runs *r, const struct op *op, const char **ret_run, struct err *err)
{
	struct run *run;

	if (op->kind == OP_RUN_PLAN)
		return plan(r, op, ret_run, err);
	run = find_run(r, op->text, err);
	if (run == NULL)
		return err->code;
	if (ret_run != NULL)
		*ret_run = run_info(run)->id;
	switch (op->kind) {
	case OP_RUN_GO: return run_confirm(run, op->source, op->arg, run_info(run)->is_confirm_typed ? "typed" : "yes", err);
	case OP_RUN_STOP: run_stop(run, "by the operator"); return 0;
	case OP_RUN_SKIP: return run_skip(run, op->arg, err);
	case OP_RUN_RETRY: return run_retry(run, op->arg, err);
	case OP_RUN_UNDO: return run_undo(run, err);
	case OP_RUN_ANSWER: return run_answer(run, op->arg, err);
	case OP_RUN_DROP: drop(r, run); return 0;
	default: return err_set(err, ERR_UNSUPPORTED, "that is not about a run");
	}
}

void
runs_on_passphrase(struct runs *r, ssh_passphrase_cb *cb, void *arg)
{
	r->ask_passphrase = cb;
	r->ask_arg = arg;
	if (r->ssh != NULL)
		ssh_on_passphrase(r->ssh, cb, arg);
}

void
runs_passphrase(struct runs *r, const char *path, char *passphrase)
{
	if (r->ssh != NULL)
		ssh_passphrase(r->ssh, path, passphrase);
	else if (passphrase != NULL)
		explicit_bzero(passphrase, strlen(passphrase));
}

bool
runs_detach(struct runs *r)
{
	struct one_run *o;

	if (r == NULL)
		return false;
	TAILQ_FOREACH(o, &r->runs, next)
		if (is_acting(o->run) && !o->is_detached) {
			o->is_detached = true;
			run_detach(o->run);
		}
	return runs_acting(r) > 0;
}
