/*
 * The chain that reads an MLflow registry: pages of models, the newest versions of each, the training runs of
 * those that matter.
 *
 * A round costs one request for the list, and one for each model that the config names or that has changed
 * since the round before; runs do not change, so each is read once, and again after RUN_ROUNDS rounds, as a
 * metric may have been added to it. What cannot be read beside the list is a note.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "source/chain.h"
#include "source/mlflow.h"

enum { PAGE_SIZE = 200, PAGES_MAX = 100, RUNS_MAX = 20, RUN_ROUNDS = 60, MODEL_ROUNDS = 12, BUDGET = 1500 };

enum job_kind { JOB_PAGE, JOB_MODEL, JOB_VERSIONS, JOB_VERSION, JOB_RUN };

struct kept {
	struct registry_set *set;	/* of the last good round; NULL none */
	json_t *unreadable;		/* runs that could not be read: id -> status */
	json_t *forbidden;		/* names of models whose versions must not be read -> true */
	unsigned round;
};

struct mlflow {
	struct draft draft;
	struct jobs jobs;
	struct kept *kept;
	const char *source;
	int64_t began_ns;
	json_t *tokens;			/* of pages -> number of the page that gave it */
	json_t *unreadable, *forbidden;	/* of this round */
	size_t n_denied, n_gone, n_later;	/* runs */
};

/* --- life ------------------------------------------------------------------------------------- */

static void
mlflow_kept_free(void *arg)
{
	struct kept *k = arg;

	if (k == NULL)
		return;
	block_unref(k->set);
	json_decref(k->unreadable);
	json_decref(k->forbidden);
	free(k);
}

static void *
mlflow_begin(const struct conf_source *conf, const void *arg, void *kept, struct err *err)
{
	const struct registry_arg *models = arg;
	struct mlflow *c = xcalloc(1, sizeof *c);

	(void)err;
	draft_init(&c->draft, conf->name, models->models, models->n_models);
	c->kept = kept != NULL ? kept : xcalloc(1, sizeof *c->kept);
	c->kept->round++;
	c->source = arena_strdup(&c->draft.mem, conf->name);
	c->began_ns = clock_now();
	c->tokens = json_object();
	c->unreadable = json_object();
	c->forbidden = json_object();
	jobs_add(&c->jobs, &(struct job){ .kind = JOB_PAGE, .number = 1, .text = "" });
	return c;
}

static void *
mlflow_keep(void *arg)
{
	struct mlflow *c = arg;
	struct kept *k = c->kept;

	c->kept = NULL;
	return k;
}

static void
mlflow_free(void *arg)
{
	struct mlflow *c = arg;

	mlflow_kept_free(c->kept);
	json_decref(c->tokens);
	json_decref(c->unreadable);
	json_decref(c->forbidden);
	jobs_done(&c->jobs);
	draft_done(&c->draft);
	free(c);
}

/* --- what to ask ------------------------------------------------------------------------------ */

/* A quoted name of a filter; MLflow takes the outer quotes off and knows no escapes. NULL: it has both kinds.
 */
static char *
filter_of(const char *name)
{
	char quote = strchr(name, '\'') == NULL ? '\'' : '"';

	return strchr(name, quote) != NULL ? NULL : xasprintf("name=%c%s%c", quote, name, quote);
}

static void
add_filter(struct buf *b, const char *name)
{
	char *filter = filter_of(name);

	request_add_form(b, "filter", filter);
	free(filter);
}

static void
ask_path(const struct mlflow *c, const struct job *job, struct buf *b, const char **ret_path)
{
	const char *name =
	    job->kind == JOB_VERSIONS || job->kind == JOB_VERSION ? c->draft.v[job->model].m.name : job->text;
	char number[16];

	snprintf(number, sizeof number, "%d",
	    job->kind == JOB_VERSIONS ? (int)REGISTRY_VERSIONS_MAX : (int)PAGE_SIZE);
	switch ((enum job_kind)job->kind) {
	case JOB_PAGE:
		*ret_path = "registered-models/search";
		request_add_form(b, "max_results", number);
		if (*job->text != '\0')
			request_add_form(b, "page_token", job->text);
		break;
	case JOB_MODEL:
		*ret_path = "registered-models/get";
		request_add_form(b, "name", name);
		break;
	case JOB_VERSIONS:
		*ret_path = "model-versions/search";
		add_filter(b, name);
		request_add_form(b, "order_by", "version_number DESC");
		request_add_form(b, "max_results", number);
		break;
	case JOB_VERSION:
		*ret_path = "model-versions/get";
		request_add_form(b, "name", name);
		request_add_form(b, "version", job->text);
		break;
	case JOB_RUN:
		*ret_path = "runs/get";
		request_add_form(b, "run_id", job->text);
		break;
	}
}

static bool
mlflow_next(void *arg, struct chain_ask *ret)
{
	struct mlflow *c = arg;
	const char *path = "";
	struct buf form;

	if (c->jobs.n_asked == c->jobs.n)
		return false;
	buf_init(&form, 1 << 20);
	ask_path(c, &c->jobs.v[c->jobs.n_asked], &form, &path);
	*ret = (struct chain_ask){ .tag = (unsigned)c->jobs.n_asked++ };
	request_init(&ret->request, "GET");
	ret->request.path = xasprintf("%s%s?%s", MLFLOW_API, path, form.data);
	buf_done(&form);
	return true;
}

/* --- versions and runs ------------------------------------------------------------------------ */

static bool
is_enough(const struct mlflow *c)
{
	return c->jobs.n >= BUDGET || draft_is_full(&c->draft);
}

/* Things are read again by and by, each at its own turn. */
static bool
is_its_turn(const struct mlflow *c, const char *what, unsigned rounds)
{
	return (str_hash(what, strlen(what), STR_HASH_SEED) + c->kept->round) % rounds == 0;
}

static const struct reg_version *
known_before(const struct mlflow *c, const char *model, const char *version)
{
	const struct reg_model *m = reg_model_find(c->kept->set, model);

	return m == NULL ? NULL : reg_version_find(m, version);
}

static void
take_run(struct reg_version *v, const struct reg_version *from)
{
	v->params = from->params;
	v->metrics = from->metrics;
	v->n_metrics = from->n_metrics;
	if (*v->by == '\0')
		v->by = from->by;
	v->is_run_known = true;
}

static bool
is_asked(const struct mlflow *c, size_t model, const char *run)
{
	for (size_t i = c->jobs.n; i > 0 && c->jobs.v[i - 1].model == model; i--)
		if (c->jobs.v[i - 1].kind == JOB_RUN && strcmp(c->jobs.v[i - 1].text, run) == 0)
			return true;
	return false;
}

static void
count_unreadable(struct mlflow *c, const char *run, long status)
{
	json_object_set_new(c->unreadable, run, json_integer(status));
	if (status == 404)
		c->n_gone++;
	else
		c->n_denied++;
}

static void
want_run(struct mlflow *c, size_t model, size_t at)
{
	struct reg_version *v = &c->draft.v[model].versions[at];
	const struct reg_version *before = known_before(c, c->draft.v[model].m.name, v->version);
	const json_t *refused = json_object_get(c->kept->unreadable, v->run);

	if (*v->run == '\0' || strlen(v->run) > REGISTRY_ID_MAX || v->is_run_known ||
	    is_asked(c, model, v->run) || json_object_get(c->unreadable, v->run) != NULL)
		return;
	if (!is_its_turn(c, v->run, RUN_ROUNDS)) {
		if (before != NULL && before->is_run_known && strcmp(before->run, v->run) == 0) {
			take_run(v, before);
			return;
		}
		if (refused != NULL) {
			count_unreadable(c, v->run, (long)json_integer_value(refused));
			return;
		}
	}
	if (is_enough(c))
		c->n_later++;
	else
		jobs_add(&c->jobs, &(struct job){ .kind = JOB_RUN, .model = model, .text = v->run });
}

static int
newest_first(const void *a, const void *b, void *arg)
{
	const struct reg_version *v = arg;

	return host_name_compare(v[*(const size_t *)b].version, v[*(const size_t *)a].version);
}

static bool
is_pointed_to(const struct draft_model *m, const struct reg_version *v)
{
	for (size_t i = 0; i < m->n_aliases; i++)
		if (strcmp(m->aliases[i].version, v->version) == 0)
			return true;
	return strcmp(v->stage, "Production") == 0 || strcmp(v->stage, "Staging") == 0;
}

/* Of the newest, and of those that serve or may soon. */
static void
want_runs(struct mlflow *c, size_t model)
{
	const struct draft_model *m = &c->draft.v[model];
	size_t *order = xcalloc(m->n_versions + 1, sizeof *order);

	for (size_t i = 0; i < m->n_versions; i++)
		order[i] = i;
	qsort_r(order, m->n_versions, sizeof *order, newest_first, m->versions);
	for (size_t i = 0; i < m->n_versions; i++)
		if (i < RUNS_MAX || is_pointed_to(m, &m->versions[order[i]]))
			want_run(c, model, order[i]);
	free(order);
}

/* An alias may stay on a version that is no longer among the newest. */
static void
want_aliased(struct mlflow *c, size_t model)
{
	const struct draft_model *m = &c->draft.v[model];

	for (size_t i = 0; i < m->n_aliases; i++) {
		bool is_known = strlen(m->aliases[i].version) > REGISTRY_ID_MAX;

		for (size_t k = 0; k < m->n_versions; k++)
			is_known |= strcmp(m->versions[k].version, m->aliases[i].version) == 0;
		if (!is_known && !is_enough(c))
			jobs_add(&c->jobs,
			    &(struct job){
				.kind = JOB_VERSION, .model = model, .text = m->aliases[i].version });
	}
}

/* --- models ----------------------------------------------------------------------------------- */

static void
forbid(struct mlflow *c, struct draft_model *m)
{
	char shown[96];

	json_object_set_new(c->forbidden, m->m.name, json_true());
	m->m.is_unread = true;
	draft_note(&c->draft,
	    "no permission to read the versions of %s: the account needs READ on this model",
	    str_escape_to(shown, sizeof shown, m->m.name));
}

/* What the round before knew of its versions is still true, unless it is time to look again: a tag is no change
 * of the model to MLflow. */
static bool
reuse_versions(struct mlflow *c, struct draft_model *m)
{
	const struct reg_model *before = reg_model_find(c->kept->set, m->m.name);
	bool is_forbidden = json_object_get(c->kept->forbidden, m->m.name) != NULL;

	if (before == NULL || before->updated_ns == 0 || before->updated_ns != m->m.updated_ns ||
	    (before->is_unread && !is_forbidden) || is_its_turn(c, m->m.name, MODEL_ROUNDS))
		return false;
	m->n_versions = 0;
	for (size_t i = 0; i < before->n_versions; i++)
		*draft_version(m, before->versions[i].version) = before->versions[i];
	m->n_older = before->n_left_out;
	if (is_forbidden)
		forbid(c, m);
	return true;
}

/* Its versions cannot be read now: those known from the round before are more than none. */
static void
keep_versions(struct mlflow *c, struct draft_model *m)
{
	const struct reg_model *before = reg_model_find(c->kept->set, m->m.name);
	size_t n_fresh = m->n_versions;

	for (size_t i = 0; before != NULL && i < before->n_versions; i++) {
		bool is_fresh = false;

		for (size_t k = 0; k < n_fresh; k++)
			is_fresh |= strcmp(m->versions[k].version, before->versions[i].version) == 0;
		if (!is_fresh)
			*draft_version(m, before->versions[i].version) = before->versions[i];
	}
	if (before != NULL)
		m->n_older = before->n_left_out;
}

static void
want_versions(struct mlflow *c, size_t at)
{
	struct draft_model *m = &c->draft.v[at];
	char shown[96], *filter;

	if (draft_named(&c->draft, m->m.name) == NULL && reuse_versions(c, m)) {
		want_aliased(c, at);
		want_runs(c, at);	/* those that could not be read are told of again */
		return;
	}
	filter = filter_of(m->m.name);
	if (filter == NULL)
		draft_note(&c->draft,
		    "%s has both kinds of quotes in its name, which no filter of MLflow can say: only its "
		    "latest versions are known",
		    str_escape_to(shown, sizeof shown, m->m.name));
	if (filter == NULL || is_enough(c)) {
		c->n_later += filter != NULL;
		want_aliased(c, at);
		want_runs(c, at);
	} else {
		jobs_add(&c->jobs, &(struct job){ .kind = JOB_VERSIONS, .model = at });
	}
	free(filter);
}

/* The pages are read. One that was lost may have held a model that the config names: those are asked for by
 * name. */
static void
listed(struct mlflow *c)
{
	for (size_t i = 0; i < c->draft.n_named; i++)
		if (draft_find(&c->draft, c->draft.named[i].name) == SIZE_MAX)
			jobs_add(&c->jobs, &(struct job){ .kind = JOB_MODEL, .text = c->draft.named[i].name });
}

/* Where the page leads. A token is followed once. */
static void
follow(struct mlflow *c, const struct job *page, const json_t *json, size_t n, size_t n_known)
{
	const char *token = mlflow_text(&c->draft.mem, json, "next_page_token");
	const json_t *seen = json_object_get(c->tokens, token);

	if (n > 0 && n_known == n) {
		draft_note(&c->draft,
		    "page %u of the models repeats models of the pages before: the rest is not known",
		    page->number);
		listed(c);
	} else if (*token == '\0') {
		if (n >= PAGE_SIZE)
			draft_note(&c->draft,
			    "page %u of the models is full and names no next one: there may be more",
			    page->number);
		listed(c);
	} else if (strlen(token) > REGISTRY_TOKEN_MAX || draft_is_full(&c->draft)) {
		draft_note(&c->draft,
		    "the list of models goes on behind page %u with more than fits here: the rest is not known",
		    page->number);
		listed(c);
	} else if (seen != NULL) {
		draft_note(&c->draft,
		    "page %u of the models leads back to where page %d led: the rest is not known",
		    page->number, (int)json_integer_value(seen));
		listed(c);
	} else if (page->number == PAGES_MAX) {
		draft_note(
		    &c->draft, "the list of models has more than %d pages: the rest is not known", PAGES_MAX);
		listed(c);
	} else {
		json_object_set_new(c->tokens, token, json_integer(page->number));
		jobs_add(
		    &c->jobs, &(struct job){ .kind = JOB_PAGE, .number = page->number + 1, .text = token });
	}
}

static int
take_model(struct mlflow *c, const json_t *json, size_t *n_known, struct err *err)
{
	bool is_known;
	size_t at;
	int r = mlflow_read_model(&c->draft, json, &at, &is_known, err);

	if (r < 0)
		return r;
	*n_known += is_known;
	if (at != SIZE_MAX)
		want_versions(c, at);
	return 0;
}

/* A list that MLflow omits when it is empty. */
static int
check_list(const json_t *json, const char *key, struct err *err)
{
	const json_t *list = json_object_get(json, key);

	if (json_is_object(json) && (list == NULL || json_is_array(list)))
		return 0;
	return err_set(err, ERR_INVALID, "not %s: '%s' is %s, expected a list; check the source's url and type",
	    mlflow_expected, key, json_is_object(json) ? json_kind(list) : "not in it");
}

/* --- answers ---------------------------------------------------------------------------------- */

static int
answer_page(struct mlflow *c, const struct job *page, const json_t *json, struct err *err)
{
	const json_t *list = json_object_get(json, "registered_models");
	size_t i, n_known = 0;
	json_t *item;
	int r = check_list(json, "registered_models", err);

	/* Any JSON may be an object without models; a page that has neither models nor anything else is an
	 * empty registry. */
	if (r == 0 && list == NULL && json_object_size(json) > 0 &&
	    json_object_get(json, "next_page_token") == NULL)
		r = err_set(err, ERR_INVALID,
		    "not %s: it has no 'registered_models'; check the source's url and type", mlflow_expected);
	if (r < 0)
		return r;
	json_array_foreach(list, i, item)
		if (take_model(c, item, &n_known, err) < 0)
			return ERR_INVALID;
	follow(c, page, json, i, n_known);
	return 0;
}

static int
answer_model(struct mlflow *c, const json_t *json, struct err *err)
{
	size_t n_known = 0;

	return take_model(c, json_object_get(json, "registered_model"), &n_known, err);
}

/* Versions are numbered from 1 on, so the oldest of a full page tells how many are behind it. */
static void
count_older(struct mlflow *c, struct draft_model *m, const char *oldest)
{
	char shown[96];

	if (strspn(oldest, "0123456789") == strlen(oldest) && strlen(oldest) <= 9) {
		m->n_older = strtoul(oldest, NULL, 10);
		m->n_older -= m->n_older > 0;	/* a server that is not MLflow may begin at 0 */
		return;
	}
	m->n_older = 1;
	draft_note(&c->draft, "%s has more versions than were read, nobody says how many",
	    str_escape_to(shown, sizeof shown, m->m.name));
}

static int
answer_versions(struct mlflow *c, const struct job *job, const json_t *json, struct err *err)
{
	struct draft_model *m = &c->draft.v[job->model];
	const char *oldest = "";
	json_t *item;
	size_t i, at;
	int r = check_list(json, "model_versions", err);

	if (r < 0)
		return r;
	json_array_foreach(json_object_get(json, "model_versions"), i, item) {
		r = mlflow_read_version(&c->draft, m, item, &at, err);
		if (r < 0)
			return r;
		if (at != SIZE_MAX &&
		    (*oldest == '\0' || host_name_compare(m->versions[at].version, oldest) < 0))
			oldest = m->versions[at].version;
	}
	if (*mlflow_text(&c->draft.mem, json, "next_page_token") != '\0' && *oldest != '\0')
		count_older(c, m, oldest);
	want_aliased(c, job->model);
	want_runs(c, job->model);
	return 0;
}

static int
answer_version(struct mlflow *c, const struct job *job, const json_t *json, struct err *err)
{
	size_t at;
	int r = mlflow_read_version(
	    &c->draft, &c->draft.v[job->model], json_object_get(json, "model_version"), &at, err);

	if (r == 0 && at != SIZE_MAX)
		want_run(c, job->model, at);
	return r;
}

static int
mlflow_answer(void *arg, unsigned tag, const char *body, size_t len, struct err *err)
{
	struct mlflow *c = arg;
	const struct job job = c->jobs.v[tag];	/* the list may move */
	json_t *json = json_texts(body, len, mlflow_expected, err);
	int r = ERR_SYNTAX;

	if (json == NULL)
		return r;
	switch ((enum job_kind)job.kind) {
	case JOB_PAGE: r = answer_page(c, &job, json, err); break;
	case JOB_MODEL: r = answer_model(c, json, err); break;
	case JOB_VERSIONS: r = answer_versions(c, &job, json, err); break;
	case JOB_VERSION: r = answer_version(c, &job, json, err); break;
	case JOB_RUN:
		r = mlflow_read_run(
		    &c->draft, &c->draft.v[job.model], job.text, json_object_get(json, "run"), err);
		break;
	}
	json_decref(json);
	if (r == 0)
		jobs_back(&c->jobs, job.kind != JOB_PAGE);
	return r;
}

/* --- without an answer ------------------------------------------------------------------------ */

static int
page_failed(struct mlflow *c, const struct job *page, long status, const struct err *why, struct err *err)
{
	if (page->number > 1 && !registry_is_away(status) && !registry_is_broken(status)) {
		draft_note(&c->draft, "page %u of the models cannot be read, the rest is not known: %.250s",
		    page->number, why->msg);
		listed(c);
		return 0;
	}
	if (status == 404)
		return err_set(err, ERR_NOTFOUND,
		    "there is no model registry at %sregistered-models/search (HTTP 404): check the path "
		    "prefix in the source's url, "
		    "and its type; MLflow has one from 1.3 on, when it keeps its data in a database",
		    MLFLOW_API);
	*err = *why;
	return why->code;
}

static void
versions_failed(struct mlflow *c, size_t model, long status, const struct err *why)
{
	struct draft_model *m = &c->draft.v[model];
	char shown[96];

	if (status == 403) {
		forbid(c, m);
	} else if (status != 404) {	/* deleted just now */
		m->m.is_unread = true;
		draft_note(&c->draft, "the versions of %s cannot be read: %.250s",
		    str_escape_to(shown, sizeof shown, m->m.name), why->msg);
	}
	if (status != 404)
		keep_versions(c, m);
	if (registry_is_broken(status))
		return;		/* more questions about this model would not do better */
	want_aliased(c, model);
	want_runs(c, model);
}

static void
run_failed(struct mlflow *c, const struct job *job, long status, const struct err *why)
{
	char shown[96];

	if (status == 403 || status == 404)
		count_unreadable(c, job->text, status);
	else
		draft_note(&c->draft, "a training run of %s cannot be read: %.250s",
		    str_escape_to(shown, sizeof shown, c->draft.v[job->model].m.name), why->msg);
}

static int
mlflow_failed(void *arg, unsigned tag, long status, const struct err *why, struct err *err)
{
	struct mlflow *c = arg;
	const struct job job = c->jobs.v[tag];
	bool is_broken = registry_is_broken(status);
	char shown[96];

	jobs_back(&c->jobs, job.kind != JOB_PAGE && !is_broken);
	if (job.kind == JOB_PAGE)
		return page_failed(c, &job, status, why, err);
	if (registry_is_away(status) || (is_broken && jobs_all_failed(&c->jobs))) {
		*err = *why;
		return why->code;
	}
	if (job.kind == JOB_VERSIONS)
		versions_failed(c, job.model, status, why);
	else if (job.kind == JOB_RUN)
		run_failed(c, &job, status, why);
	else if (status != 404) /* a model the config names is not there, or an alias points to what was
				   deleted: the set shows it */
		draft_note(&c->draft, "%s cannot be read: %.250s",
		    str_escape_to(
			shown, sizeof shown, job.kind == JOB_MODEL ? job.text : c->draft.v[job.model].m.name),
		    why->msg);
	return 0;
}

/* --- the end ---------------------------------------------------------------------------------- */

static void
note_runs(struct mlflow *c)
{
	if (c->n_denied > 0)
		draft_note(&c->draft,
		    "no permission to read %zu training run%s, whose params and metrics are not known: the "
		    "account needs READ on the experiment%s",
		    c->n_denied, c->n_denied == 1 ? "" : "s", c->n_denied == 1 ? "" : "s");
	if (c->n_gone > 0)
		draft_note(&c->draft, "%zu training run%s no longer there", c->n_gone,
		    c->n_gone == 1 ? " is" : "s are");
	if (c->n_later > 0)
		draft_note(&c->draft,
		    "the registry is large: %zu of its versions and training runs are read in later rounds",
		    c->n_later);
}

static void
mlflow_end(void *arg, struct event_list *ret)
{
	struct mlflow *c = arg;
	struct registry_set *set;

	note_runs(c);
	set = registry_finish(&c->draft, false);
	block_unref(c->kept->set);
	c->kept->set = block_ref(set);
	json_decref(c->kept->unreadable);
	c->kept->unreadable = json_incref(c->unreadable);
	json_decref(c->kept->forbidden);
	c->kept->forbidden = json_incref(c->forbidden);
	event_list_add(ret, EVENT_REGISTRY, c->began_ns, c->source, set);
}

/* --- the type --------------------------------------------------------------------------------- */

static int
refuse(struct decoder *d, const struct answer *answer, const char *body, size_t len, struct err *err)
{
	(void)d;
	return mlflow_refuse(answer, body, len, err);
}

static const struct decoder_ops mlflow_decoder = { .name = "MLflow registry", .refuse = refuse, CHAIN_DECODER };

const struct chain_ops mlflow_chain = {
	.what = "registry",
	.at_once = CHAIN_AT_ONCE,
	.requests_max = CHAIN_REQUESTS_MAX,
	.decoder = &mlflow_decoder,
	.begin = mlflow_begin,
	.next = mlflow_next,
	.answer = mlflow_answer,
	.failed = mlflow_failed,
	.end = mlflow_end,
	.keep = mlflow_keep,
	.kept_free = mlflow_kept_free,
	.free = mlflow_free,
};

const struct source_ops source_mlflow = { .type = "mlflow", .chain = &mlflow_chain };
