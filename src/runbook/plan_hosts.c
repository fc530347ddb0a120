/* Hosts and batches: found in the model, narrowed by --limit, frozen. */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "model/registry.h"
#include "runbook/run_priv.h"

static bool
is_in_group(const struct model_host_row *h, const char *group)
{
	for (size_t i = 0; h->def != NULL && i < h->def->groups.n; i++)
		if (strcmp(h->def->groups.v[i], group) == 0)
			return true;
	return false;
}

static bool
list_has(const struct hostlist *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], name) == 0)
			return true;
	return false;
}

static int
hosts_of_group(struct run *r, struct hostlist *l, struct err *err)
{
	const struct model *m = r->w->model(r->w->arg);
	int code = 0;

	for (size_t i = 0; code == 0 && i < model_n_hosts(m); i++)
		if (is_in_group(model_host(m, i), r->rb->group))
			code = hostlist_add(l, model_host(m, i)->name, err);
	hostlist_finish(l);
	if (code == 0 && l->n == 0)
		return err_set(err, ERR_INVALID, "group %s has no hosts now: look at --check, and whether its source answers", r->rb->group);
	return code;
}

static int
hosts_of_pattern(struct run *r, struct hostlist *l, struct err *err)
{
	const struct model *m = r->w->model(r->w->arg);
	char *pattern;
	int code = run_expand(&r->own, r->rb->hosts, &pattern, err);

	if (code < 0)
		return code;
	code = hostlist_add(l, pattern, err);
	hostlist_finish(l);
	free(pattern);
	for (size_t i = 0; code == 0 && i < l->n; i++) {
		const struct model_host_row *h = model_host_find(m, l->v[i]);

		if (h == NULL || h->def == NULL)
			code = err_set(err, ERR_INVALID, "%.200s is no host of environment %s", l->v[i], r->w->env->name);
	}
	return code;
}

/* Only what takes away, such as "!web-3", is all the others. */
static int
limit_hosts(const struct run *r, struct hostlist *l, struct err *err)
{
	struct hostlist limit = { 0 }, kept = { 0 };
	int code;

	if (r->limit == NULL)
		return 0;
	code = hostlist_add(&limit, r->limit, err);
	if (code < 0) {
		err_prefix(err, "--limit");
		goto out;
	}
	for (size_t i = 0; limit.n == 0 && i < l->n; i++)
		hostlist_add(&kept, l->v[i], NULL);
	for (size_t i = 0; i < kept.n; i++)
		hostlist_add(&limit, kept.v[i], NULL);
	hostlist_done(&kept);
	kept = (struct hostlist){ 0 };
	hostlist_finish(&limit);
	for (size_t i = 0; i < l->n; i++)
		if (list_has(&limit, l->v[i]))
			hostlist_add(&kept, l->v[i], NULL);
	hostlist_finish(&kept);
	if (kept.n == 0) {
		struct buf names;

		buf_init(&names, 400);
		hostlist_fold(&names, (const char *const *)l->v, l->n);
		code = err_set(err, ERR_INVALID, "no host is left by --limit %.100s: the runbook's are %s", r->limit, names.data);
		buf_done(&names);
		hostlist_done(&kept);
		goto out;
	}
	hostlist_done(l);
	*l = kept;
out:
	hostlist_done(&limit);
	return code;
}

/* --- batches ---------------------------------------------------------------------------------------------------------------------- */

static void
batch_add(struct run *r, size_t end)
{
	size_t first = r->n_batches > 0 ? r->batches[r->n_batches - 1].first + r->batches[r->n_batches - 1].n : 0;

	if (end > r->n_lanes)
		end = r->n_lanes;
	if (end <= first)
		return;
	r->batches = xreallocarray(r->batches, r->n_batches + 1, sizeof *r->batches);
	r->batches[r->n_batches++] = (struct batch){ .first = first, .n = end - first };
}

static size_t
target_of(const struct batch_size *b, size_t n)
{
	/* A little less than what is meant, for 25% of 4 must not become 2. */
	double v = b->is_percent ? ceil(b->value * (double)n / 100 - 1e-9) : b->value;

	return v < 1 ? 1 : v > (double)n ? n : (size_t)v;
}

/* Hosts in the order of the lists; those that none names come last. */
static int
order_by_lists(struct run *r, struct hostlist *l, size_t *ends, struct err *err)
{
	char **v = xcalloc(l->n + 1, sizeof *v);
	size_t n = 0;
	int code = 0;

	for (size_t i = 0; code == 0 && i < r->rb->n_batch_lists; i++) {
		struct hostlist names = { 0 };

		for (char **p = r->rb->batch_lists[i]; code == 0 && *p != NULL; p++)
			code = hostlist_add(&names, *p, err);
		hostlist_finish(&names);
		for (size_t j = 0; j < l->n; j++)
			if (l->v[j] != NULL && list_has(&names, l->v[j])) {
				v[n++] = l->v[j];
				l->v[j] = xstrdup("");
			}
		ends[i] = n;
		hostlist_done(&names);
	}
	for (size_t j = 0; j < l->n; j++) {
		if (*l->v[j] != '\0')
			v[n++] = l->v[j];
		else
			free(l->v[j]);
	}
	memcpy(l->v, v, l->n * sizeof *v);
	free(v);
	return code;
}

/* --- lanes --------------------------------------------------------------------------------------------------------------------------- */

static void
lane_serving(struct run *r, struct lane *l)
{
	const struct value *v = run_value_of(r, PARAM_MODEL);
	const struct model *m = r->w->model(r->w->arg);
	char *id;
	const struct model_model *model;

	if (v == NULL || v->value == NULL) {
		l->serving_why = xstrdup("the runbook has no parameter of type model");
		return;
	}
	id = xasprintf("model:%s", v->value);
	model = model_model_find(m, id);
	free(id);
	l->serving_why = xasprintf("nothing tells which version of %s it serves", v->value);
	for (size_t i = 0; model != NULL && i < model->n_hosts; i++) {
		const struct model_host *h = &model->hosts[i];

		if (strcmp(h->host, l->name) != 0 || h->version == NULL || *h->version == '\0' || model->is_serving_stale)
			continue;
		if (l->serving != NULL && strcmp(l->serving, h->version) != 0) {
			text_set(&l->serving_why, "it serves both %s and %s of %s", l->serving, h->version, v->value);
			free(l->serving);
			l->serving = NULL;
			return;
		}
		text_set(&l->serving, "%s", h->version);
	}
}

static bool
is_secret(const char *name, void *arg)
{
	const struct lane *l = arg;

	for (size_t i = 0; i < l->run->n_values; i++)
		if (strcmp(l->run->values[i].param->name, name) == 0)
			return l->run->values[i].param->type == PARAM_SECRET;
	return false;
}

static void
lane_init(struct run *r, struct lane *l, const char *name, int batch)
{
	const struct model_host_row *h = *name != '\0' ? model_host_find(r->w->model(r->w->arg), name) : NULL;
	const struct host_def *def = h != NULL ? h->def : NULL;

	l->run = r;
	l->name = xstrdup(name);
	l->batch = batch;
	l->address = xstrdup(def != NULL && def->address != NULL ? def->address : name);
	l->user = xstrdup(def != NULL && def->user != NULL ? def->user : "");
	l->ssh = (struct ssh_host){ .name = l->name, .address = l->address, .user = l->user, .port = def != NULL ? def->port : 0 };
	l->bindings = (struct bindings){ .lookup = run_lookup, .arg = l, .host = *name != '\0' ? &l->ssh : NULL, .hosts = r->hosts, .is_secret = is_secret };
	if (*name != '\0')
		lane_serving(r, l);
}

static void
lanes_make(struct run *r, const struct hostlist *l)
{
	r->n_lanes = l->n;
	r->lanes = xcalloc(l->n + 1, sizeof *r->lanes);
	r->hosts = xcalloc(l->n + 1, sizeof *r->hosts);
	for (size_t i = 0; i < l->n; i++) {
		lane_init(r, &r->lanes[i], l->v[i], 0);
		r->hosts[i] = r->lanes[i].name;
	}
}

static void
batches_make(struct run *r, const size_t *ends)
{
	for (size_t i = 0; i < r->rb->n_batch_lists; i++)
		batch_add(r, ends[i]);
	for (size_t i = 0; i < r->rb->n_batches; i++)
		batch_add(r, target_of(&r->rb->batches[i], r->n_lanes));
	/* All hosts come to it, whatever the last target says. */
	batch_add(r, r->n_lanes);
	for (size_t b = 0; b < r->n_batches; b++)
		for (size_t i = 0; i < r->batches[b].n; i++)
			r->lanes[r->batches[b].first + i].batch = (int)b;
}

int
plan_hosts(struct run *r, struct err *err)
{
	struct hostlist l = { 0 };
	size_t *ends = xcalloc(r->rb->n_batch_lists + 1, sizeof *ends);
	int code = 0;

	/* The run's own lane first: what names the hosts may hold parameters. */
	lane_init(r, &r->own, "", -1);
	if (r->rb->hosts != NULL)
		code = hosts_of_pattern(r, &l, err);
	else if (r->rb->group != NULL)
		code = hosts_of_group(r, &l, err);
	if (code == 0 && l.n > 0)
		code = limit_hosts(r, &l, err);
	if (code == 0 && r->rb->n_batch_lists > 0)
		code = order_by_lists(r, &l, ends, err);
	if (code == 0) {
		lanes_make(r, &l);
		batches_make(r, ends);
		r->own.bindings.hosts = r->hosts;
	}
	hostlist_done(&l);
	free(ends);
	return code;
}
