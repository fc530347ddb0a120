#include "config.h"

#include "runbook_choices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "parts_models.h"

static void
add(struct choices *c, const char *value, const char *beside)
{
	if (*value == '\0')
		return;
	if (c->n == CHOICES_MAX) {
		c->n_left_out++;
		return;
	}
	if (c->v == NULL)
		c->v = xcalloc(CHOICES_MAX, sizeof *c->v);
	c->v[c->n++] = (struct choice){ xstrdup(value), xstrdup(beside) };
}

void
choices_done(struct choices *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].value);
		free(c->v[i].beside);
	}
	free(c->v);
	*c = (struct choices){ 0 };
}

/* Those of the config: the others of a registry are nobody's here. */
static void
add_models(struct choices *c, const struct model *m)
{
	char wanted[PART_VERSIONS_MAX], served[PART_VERSIONS_MAX], text[2 * PART_VERSIONS_MAX];

	for (size_t i = 0; i < model_n_models(m); i++) {
		const struct model_model *row = model_model(m, i);

		snprintf(text, sizeof text, "%s, serving %s, %s", part_model_wanted(row, wanted), part_model_served(row, 24, served), part_model_word(row));
		add(c, row->def->name, text);
	}
}

static bool
is_served(const struct model_model *row, const char *version)
{
	for (size_t i = 0; i < row->n_hosts; i++)
		if (strcmp(row->hosts[i].version, version) == 0)
			return true;
	return false;
}

static void
add_versions(struct choices *c, const struct view *v, const char *model)
{
	const struct model_model *row = part_model_find(v->model, model);
	char names[PART_VERSIONS_MAX], age[DURATION_TEXT_MAX], text[PART_VERSIONS_MAX + 512];

	add(c, "previous", "the last good one: found, with its evidence, when it is planned");
	for (size_t i = 0; row != NULL && row->reg != NULL && i < row->reg->n_versions; i++) {
		const struct reg_version *version = &row->reg->versions[i];
		bool is_odd = *version->status != '\0' && strcmp(version->status, "READY") != 0;

		part_version_names(version, names);
		snprintf(text, sizeof text, "%s%s%smade %s ago%s%.64s%s%.100s", names, *names != '\0' ? ", " : "",
		    is_served(row, version->version) ? "serving, " : "", view_age(v, version->created_ns, age), *version->by != '\0' ? " by " : "",
		    version->by, is_odd ? ", " : "", is_odd ? version->status : "");
		add(c, version->version, text);
	}
	if (row != NULL && row->reg != NULL)
		c->n_left_out += row->reg->n_left_out;
}

static bool
is_in_group(const struct model_host_row *h, const char *group)
{
	if (group == NULL || *group == '\0')
		return true;
	for (size_t i = 0; h->def != NULL && i < h->def->groups.n; i++)
		if (strcmp(h->def->groups.v[i], group) == 0)
			return true;
	return false;
}

static void
add_hosts(struct choices *c, const struct model *m, const char *group)
{
	char text[256];

	for (size_t i = 0; i < model_n_hosts(m); i++) {
		const struct model_host_row *h = model_host(m, i);

		if (!is_in_group(h, group))
			continue;
		snprintf(text, sizeof text, "%s%s%s%s%.64s", host_state_name(h->state), h->n_serving > 0 ? ", serves " : "",
		    h->n_serving > 0 ? h->serving[0].model : "", h->n_serving > 0 ? " " : "", h->n_serving > 0 ? h->serving[0].version : "");
		add(c, h->name, text);
	}
}

struct choices
choices_of(const struct view *v, const struct param_info *param, const char *of)
{
	struct choices c = { 0 };

	if (param->type == PARAM_ENUM)
		for (size_t i = 0; i < param->choices.n; i++)
			add(&c, param->choices.v[i], "");
	if (v->model == NULL)
		return c;
	if (param->type == PARAM_MODEL)
		add_models(&c, v->model);
	else if (param->type == PARAM_MODEL_VERSION && of != NULL && *of != '\0')
		add_versions(&c, v, of);
	else if (param->type == PARAM_HOST)
		add_hosts(&c, v->model, param->of);
	return c;
}

static bool
is_integer(const char *text)
{
	size_t sign = *text == '-' || *text == '+';

	return text[sign] != '\0' && text[sign + strspn(text + sign, "0123456789")] == '\0';
}

static bool
is_among(const struct strings *words, const char *text)
{
	for (size_t i = 0; i < words->n; i++)
		if (strcmp(words->v[i], text) == 0)
			return true;
	return false;
}

const char *
choices_refusal(const struct param_info *param, const char *text, struct err *err)
{
	int64_t ns;

	if (*text == '\0') {
		if (!param->is_required || param->def != NULL)
			return NULL;
		err_set(err, ERR_INVALID, "needed");
		return err->msg;
	}
	if (param->type == PARAM_INT && !is_integer(text))
		err_set(err, ERR_INVALID, "expected a whole number");
	else if (param->type == PARAM_DURATION && duration_parse(text, &ns, err) < 0)
		return err->msg;
	else if (param->type == PARAM_ENUM && !is_among(&param->choices, text))
		err_set(err, ERR_INVALID, "expected one of those listed");
	else
		return NULL;
	return err->msg;
}
