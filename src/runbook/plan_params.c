/* Parameters: given, of the config, their default, or the only choice there is; and what ${} stands for. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secrets.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "model/registry.h"
#include "runbook/run_priv.h"

#define WORD_PREVIOUS "previous"

enum { KNOWN_MAX = 2000, VERSIONS_SHOWN = 300 };

const struct value *
run_value_of(const struct run *r, enum param_type type)
{
	for (size_t i = 0; i < r->n_values; i++)
		if (r->values[i].param->type == type)
			return &r->values[i];
	return NULL;
}

static const struct value *
value_find(const struct run *r, const char *name)
{
	for (size_t i = 0; i < r->n_values; i++)
		if (strcmp(r->values[i].param->name, name) == 0)
			return &r->values[i];
	return NULL;
}

/* --- where a value comes from ---------------------------------------------------------------------------------------------------- */

static const char *
only_model(const struct run *r)
{
	const struct conf_environment *env = r->w->env;

	return env->n_models == 1 ? env->models[0].name : NULL;
}

static bool
host_is_in(const struct model_host_row *h, const char *group)
{
	if (h->def == NULL)
		return false;
	for (size_t i = 0; i < h->def->groups.n; i++)
		if (group != NULL && strcmp(h->def->groups.v[i], group) == 0)
			return true;
	return group == NULL;
}

static const char *
only_host(const struct run *r, const char *group)
{
	const struct model *m = r->w->model(r->w->arg);
	const char *name = NULL;

	for (size_t i = 0; i < model_n_hosts(m); i++) {
		const struct model_host_row *h = model_host(m, i);

		if (!host_is_in(h, group))
			continue;
		if (name != NULL)
			return NULL;
		name = h->name;
	}
	return name;
}

static const char *
only_choice(const struct run *r, const struct runbook_param *p)
{
	switch (p->type) {
	case PARAM_MODEL:
		return only_model(r);
	case PARAM_HOST:
		return only_host(r, p->of);
	case PARAM_ENUM:
		return p->choices != NULL && p->choices[0] != NULL && p->choices[1] == NULL ? p->choices[0] : NULL;
	default:
		return NULL;
	}
}

static const char *
text_of(const struct run *r, const struct runbook_param *p, const char **ret_from)
{
	const char *only;

	for (size_t i = r->q.n_sets; i-- > 0;)
		if (strcmp(r->sets[i].name, p->name) == 0) {
			*ret_from = r->sets[i].from;
			return r->sets[i].value;
		}
	for (size_t i = 0; i < r->w->env->n_params; i++)
		if (strcmp(r->w->env->params[i].name, p->name) == 0) {
			*ret_from = "config";
			return r->w->env->params[i].value;
		}
	*ret_from = "default";
	if (p->def != NULL)
		return p->def;
	only = only_choice(r, p);
	*ret_from = only != NULL ? "the only one there is" : "not given";
	return only;
}

/* --- checking ------------------------------------------------------------------------------------------------------------------------- */

static int
check_sets(const struct run *r, struct err *err)
{
	for (size_t i = 0; i < r->q.n_sets; i++) {
		const char **names = xcalloc(r->rb->n_params + 1, sizeof *names);
		const char *near;
		bool is_known = false;

		for (size_t j = 0; j < r->rb->n_params; j++) {
			names[j] = r->rb->params[j].name;
			is_known |= strcmp(names[j], r->sets[i].name) == 0;
		}
		near = str_nearest(r->sets[i].name, names, r->rb->n_params);
		free(names);
		if (!is_known)
			return err_set(err, ERR_USAGE, "runbook %s has no parameter '%.80s'%s%s%s", r->rb->name, r->sets[i].name,
			    near != NULL ? ": did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
	}
	return 0;
}

static int
check_host(const struct run *r, const struct runbook_param *p, const char *value, struct err *err)
{
	const struct model_host_row *h = model_host_find(r->w->model(r->w->arg), value);

	if (h == NULL || !host_is_in(h, p->of))
		return err_set(err, ERR_INVALID, "parameter %s: '%.200s' is no host of %s%s", p->name, value, p->of != NULL ? "group " : "this environment",
		    p->of != NULL ? p->of : "");
	return 0;
}

static int
check_model(const struct run *r, const struct runbook_param *p, const char *value, struct err *err)
{
	const struct conf_environment *env = r->w->env;
	struct buf known;

	for (size_t i = 0; i < env->n_models; i++)
		if (str_eq(env->models[i].name, value))
			return 0;
	if (env->n_models == 0)
		return 0;
	buf_init(&known, KNOWN_MAX);
	for (size_t i = 0; i < env->n_models; i++)
		buf_printf(&known, "%s%s", i > 0 ? ", " : "", env->models[i].name);
	err_set(err, ERR_USAGE, "parameter %s: '%.200s' is no model of environment %s: it has %s", p->name, value, env->name, known.data);
	buf_done(&known);
	return ERR_USAGE;
}

static int
value_set(struct run *r, struct value *v, const char *text, const char *from, struct err *err)
{
	const struct runbook_param *p = v->param;
	int code;

	text_set(&v->from, "%s", from);
	if (p->type == PARAM_MODEL_VERSION && strcmp(text, WORD_PREVIOUS) == 0) {
		v->is_previous = true;
		return 0;
	}
	if ((code = runbook_param_value(p, text, &v->value, err)) < 0)
		return code;
	if (p->type == PARAM_HOST && (code = check_host(r, p, v->value, err)) < 0)
		return code;
	if (p->type == PARAM_MODEL && (code = check_model(r, p, v->value, err)) < 0)
		return code;
	if (p->type == PARAM_SECRET && (code = secrets_add(p->name, v->value, strlen(v->value), err)) < 0) {
		err_prefix(err, "parameter %s", p->name);
		return code;
	}
	return 0;
}

int
plan_params(struct run *r, struct err *err)
{
	struct buf missing;
	int code = check_sets(r, err);

	if (code < 0)
		return code;
	buf_init(&missing, 4096);
	r->values = xcalloc(r->rb->n_params + 1, sizeof *r->values);
	for (size_t i = 0; code == 0 && i < r->rb->n_params; i++) {
		struct value *v = &r->values[r->n_values++];
		const char *from, *text;

		v->param = &r->rb->params[i];
		text = text_of(r, v->param, &from);
		if (text != NULL) {
			code = value_set(r, v, text, from, err);
		} else if (v->param->is_required) {
			buf_printf(&missing, "%s%s (%s)", missing.len > 0 ? ", " : "", v->param->name, param_type_name(v->param->type));
		} else {
			v->value = xstrdup("");
			v->from = xstrdup(from);
		}
	}
	if (code == 0 && missing.len > 0)
		code = err_set(err, ERR_USAGE, "runbook %s needs %s: give %s with --set NAME=VALUE, or in the config as params", r->rb->name, missing.data,
		    strchr(missing.data, ',') != NULL ? "them" : "it");
	buf_done(&missing);
	return code;
}

/* --- previous --------------------------------------------------------------------------------------------------------------------------- */

static void
on_previous(const struct previous *p, const struct err *err, void *arg)
{
	struct value *v = arg;
	struct run *r = v->run;
	struct err why = ERR_INIT;

	v->ask = NULL;
	r->n_asked--;
	if (p == NULL || p->version == NULL) {
		plan_refuse(r, 3, "parameter %s: there is no previous version: %s", v->param->name, err != NULL ? err->msg : "none was found");
	} else if (runbook_param_value(v->param, p->version, &v->value, &why) < 0) {
		plan_refuse(r, 3, "parameter %s: %s", v->param->name, why.msg);
	} else {
		text_set(&v->from, "%s", p->from);
		v->current = xstrdup_or_null(p->current);
	}
	run_kick(r);
}

void
plan_previous(struct run *r)
{
	for (size_t i = 0; i < r->n_values; i++) {
		struct value *v = &r->values[i];
		const struct value *model;

		if (!v->is_previous)
			continue;
		model = v->param->of != NULL ? value_find(r, v->param->of) : run_value_of(r, PARAM_MODEL);
		if (model == NULL || model->value == NULL) {
			plan_refuse(r, 2, "parameter %s: of which model is the previous version meant? The runbook has no parameter of type model", v->param->name);
			continue;
		}
		v->run = r;
		r->n_asked++;
		v->ask = previous_begin(r->w, model->value, on_previous, v);
	}
}

/* --- versions that there are ---------------------------------------------------------------------------------------------------------- */

static bool
has_version(const struct reg_model *reg, const char *version)
{
	for (size_t i = 0; i < reg->n_versions; i++)
		if (strcmp(reg->versions[i].version, version) == 0)
			return true;
	return false;
}

/* Only where the registry's answer is fresh and whole: else what is not there may not have been read. */
static void
check_version(struct run *r, const struct value *v)
{
	const struct value *of = v->param->of != NULL ? value_find(r, v->param->of) : run_value_of(r, PARAM_MODEL);
	char *id = xasprintf("model:%s", of != NULL && of->value != NULL ? of->value : "");
	const struct model_model *m = model_model_find(r->w->model(r->w->arg), id);
	const struct reg_model *reg = m != NULL && !m->is_reg_stale ? m->reg : NULL;
	struct buf known;

	free(id);
	if (reg == NULL || reg->is_unread || reg->n_left_out > 0 || has_version(reg, v->value))
		return;
	buf_init(&known, VERSIONS_SHOWN);
	for (size_t i = 0; i < reg->n_versions; i++)
		buf_printf(&known, "%s%s", i > 0 ? ", " : "", reg->versions[i].version);
	plan_refuse(r, 3, "parameter %s: %s has no version %.80s: the registry has %s", v->param->name, of->value, v->value, known.len > 0 ? known.data : "none");
	buf_done(&known);
}

void
plan_versions(struct run *r)
{
	for (size_t i = 0; i < r->n_values; i++)
		if (r->values[i].param->type == PARAM_MODEL_VERSION && r->values[i].value != NULL && *r->values[i].value != '\0')
			check_version(r, &r->values[i]);
}

/* --- ${} ---------------------------------------------------------------------------------------------------------------------------------- */

static const char *
host_variable(const struct lane *l, const char *name, const char **ret_why)
{
	if (*l->name == '\0') {
		*ret_why = "it stands where there is no host";
		return NULL;
	}
	if (strcmp(name, "host") == 0)
		return l->name;
	if (strcmp(name, "host.address") == 0)
		return l->address;
	*ret_why = l->serving_why;
	return l->serving;
}

const char *
run_lookup(const char *name, void *arg, const char **ret_why)
{
	const struct lane *l = arg;
	const struct run *r = l->run;
	const struct value *v = value_find(r, name);
	const char *none = NULL;

	if (ret_why == NULL)
		ret_why = &none;
	if (v != NULL) {
		*ret_why = v->value == NULL ? "its value is not known" : NULL;
		return v->value;
	}
	if (strcmp(name, "host") == 0 || strcmp(name, "host.address") == 0 || strcmp(name, "host.serving") == 0)
		return host_variable(l, name, ret_why);
	if (strcmp(name, "env") == 0)
		return r->w->env->name;
	if (strcmp(name, "run") == 0)
		return r->id;
	if (strcmp(name, "user") == 0)
		return r->w->user;
	if (strcmp(name, "incident") == 0)
		return r->incident != NULL ? r->incident : "";
	return strcmp(name, "reason") == 0 ? r->reason : NULL;
}

int
run_expand(struct lane *l, const struct template *t, char **ret, struct err *err)
{
	struct buf b;
	int code;

	buf_init(&b, 64 << 10);
	code = template_expand(t, run_lookup, l, &b, err);
	if (code == 0)
		*ret = buf_take(&b, NULL);
	buf_done(&b);
	return code;
}
