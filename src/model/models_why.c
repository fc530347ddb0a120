/* Why a model is in the state it is: sentences for people, the worst first and no more names than can be read. */
#include "config.h"

#include <string.h>

#include "model/models_judge_priv.h"

enum { WHY_NAMES = 3, WHY_CHOICES = 5 };

static void
say_host(struct judge *j, const struct model_host *h)
{
	buf_printf(&j->why, "%s%s", h->host, h->host[0] == '\0' ? "" : " ");
	if (h->state == SERVE_UNKNOWN)
		buf_printf(&j->why, "is not known%s%s", h->error[0] == '\0' ? "" : ": ", h->error);
	else if (h->error[0] != '\0')
		buf_printf(&j->why, "is %s", h->error);
	else
		buf_printf(&j->why, "serves %s", h->version[0] == '\0' ? "none" : h->version);
}

/* The first of those in that state. */
static void
say_hosts(struct judge *j, enum serve_state state, size_t n)
{
	size_t n_said = 0;

	for (size_t i = 0; i < j->row->n_hosts && n_said < WHY_NAMES; i++) {
		if (j->hosts[i].state != state || j->hosts[i].is_on_its_way)
			continue;
		if (n_said++ > 0)
			buf_addstr(&j->why, ", ");
		say_host(j, &j->hosts[i]);
	}
	if (n > n_said)
		buf_printf(&j->why, " and %zu more", n - n_said);
}

/* Those that told what they serve. */
static size_t
count_answered(const struct judge *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->row->n_hosts; i++)
		n += j->hosts[i].error[0] == '\0';
	return n;
}

/* Answers that name no host say why; the hosts that are not known for that are only counted. */
void
judge_say_unknown_hosts(struct judge *j)
{
	for (size_t i = 0; i < j->row->n_hosts; i++) {
		const struct model_host *h = &j->hosts[i];

		if (h->state != SERVE_UNKNOWN || h->host[0] != '\0')
			continue;
		buf_addstr(&j->why, h->error[0] == '\0' ? "who serves it names no host" : h->error);
		if (j->n_unknown > 1)
			buf_printf(&j->why, "; %zu host%s not known", j->n_unknown - 1, j->n_unknown == 2 ? " is" : "s are");
		return;
	}
	say_hosts(j, SERVE_UNKNOWN, j->n_unknown);
}

/* The commonest slip of all: one calls it v7, the other 7. */
static bool
is_only_a_v(const char *a, const char *b)
{
	bool a_has = a[0] == 'v' || a[0] == 'V', b_has = b[0] == 'v' || b[0] == 'V';

	return a_has != b_has && strcmp(a + a_has, b + b_has) == 0;
}

static void
say_only_a_v(struct judge *j)
{
	for (size_t i = 0; i < j->row->n_hosts; i++) {
		const struct model_host *h = &j->hosts[i];

		if (h->state == SERVE_OTHER && !h->is_on_its_way && is_only_a_v(h->version, j->wanted)) {
			buf_printf(&j->why, " (%s differs only by a leading v)", h->version);
			return;
		}
	}
}

static bool
is_outside(const struct judge *j, const struct model_host *h)
{
	uint32_t at = host_index_find(&j->v->hosts, h->host);

	return h->state == SERVE_RIGHT && h->host[0] != '\0' &&
	    (at == HINDEX_NONE || !judge_is_in_group(&j->m->hosts->v[at], j->row->def->group));
}

/* Of a group that does not serve it while others do, the group may be the wrong one. */
void
judge_say_outside(struct judge *j)
{
	size_t n = 0, n_said = 0;

	for (size_t i = 0; j->row->def->group != NULL && i < j->row->n_hosts; i++)
		n += is_outside(j, &j->hosts[i]);
	if (n == 0)
		return;
	buf_printf(&j->why, "; %zu host%s outside the group %s it: ", n, n == 1 ? "" : "s", n == 1 ? "serves" : "serve");
	for (size_t i = 0; i < j->row->n_hosts && n_said < WHY_NAMES; i++)
		if (is_outside(j, &j->hosts[i]))
			buf_printf(&j->why, "%s%s", n_said++ == 0 ? "" : ", ", j->hosts[i].host);
	if (n > n_said)
		buf_printf(&j->why, " and %zu more", n - n_said);
}

void
judge_say_wrong_hosts(struct judge *j)
{
	buf_printf(&j->why, "should serve %s, but ", j->wanted);
	if (j->n_other > 1 && j->n_unknown > 0)
		buf_printf(&j->why, "%zu of the %zu hosts that answered do not: ", j->n_other, count_answered(j));
	else if (j->n_other > 1)
		buf_printf(&j->why, "%zu of %zu hosts do not: ", j->n_other, j->row->n_hosts);
	if (j->n_other > 0)
		say_hosts(j, SERVE_OTHER, j->n_other);
	say_only_a_v(j);
	if (j->n_none > 0) {
		buf_addstr(&j->why, j->n_other > 0 ? "; " : "");
		say_hosts(j, SERVE_NONE, j->n_none);
	}
	if (j->n_unknown > 0)
		buf_printf(&j->why, "; %zu %s not known", j->n_unknown, j->n_unknown == 1 ? "is" : "are");
	if (j->n_none > 0)
		judge_say_outside(j);
}

/* Why the newest request failed, where it did. */
static void
say_error(struct judge *j, const char *source, const char *what)
{
	const struct source *s = source_get(j->m, source);
	const struct source_request *r = s == NULL ? NULL : source_request_find(s, what);

	if (r != NULL && !r->last->is_ok && r->last->error[0] != '\0')
		buf_printf(&j->why, ": %s", r->last->error);
}

void
judge_say_stale(struct judge *j)
{
	const struct model_model *row = j->row;

	if (row->is_reg_stale) {
		buf_printf(&j->why, row->reg_ns == 0 ? "%s has not told of it yet" : "%s has not told of it for too long", row->def->registry);
		say_error(j, row->def->registry, "registry");
	}
	if (row->is_serving_stale) {
		buf_addstr(&j->why, j->why.len > 0 ? "; " : "");
		buf_addstr(&j->why, row->serving_ns == 0 ? "nobody has told yet who serves it" : "nobody has told for too long who serves it");
		say_error(j, row->serving_source, judge_serving_what(j, row->serving_source));
	}
	if (j->n_other + j->n_none > 0 && j->wanted != NULL) {
		buf_addstr(&j->why, "; when last seen, it ");
		judge_say_wrong_hosts(j);
	}
}

/* What there is instead: the first few. n of them have been said. */
static void
say_choice(struct judge *j, size_t n, const char *name)
{
	if (n < WHY_CHOICES)
		buf_printf(&j->why, "%s%s", n == 0 ? " (it has: " : ", ", name);
}

static void
end_choices(struct judge *j, size_t n)
{
	if (n > WHY_CHOICES)
		buf_printf(&j->why, " and %zu more", n - WHY_CHOICES);
	buf_addstr(&j->why, n == 0 ? " (it has none)" : ")");
}

static void
say_models(struct judge *j)
{
	const struct registry_state *r = registry_state_find(j->m, j->row->def->registry);
	size_t n = 0;

	for (; r != NULL && n < r->set->n; n++)
		say_choice(j, n, r->set->v[n].name);
	end_choices(j, n);
}

static void
say_aliases(struct judge *j)
{
	size_t n = 0;

	for (; n < j->row->reg->n_aliases; n++)
		say_choice(j, n, j->row->reg->aliases[n].alias);
	end_choices(j, n);
}

static void
say_stages(struct judge *j)
{
	const struct reg_model *reg = j->row->reg;
	size_t n = 0;

	for (size_t i = 0; i < reg->n_versions; i++) {
		const char *stage = reg->versions[i].stage;

		/* Each once, where it is first. */
		if (stage[0] != '\0' && reg_version_wanted(reg, NULL, stage) == reg->versions[i].version)
			say_choice(j, n++, stage);
	}
	end_choices(j, n);
}

void
judge_say_unwanted(struct judge *j)
{
	const struct model_def *def = j->row->def;

	if (j->row->reg == NULL && !j->is_wanted_known) {
		buf_printf(&j->why, "%s has told of no model of that name, and may not have told of all", def->registry);
	} else if (j->row->reg == NULL) {
		buf_printf(&j->why, "%s has no model of that name", def->registry);
		say_models(j);
	} else if (!j->is_wanted_known) {
		buf_addstr(&j->why, "its versions cannot be read: which one should serve is not known");
	} else if (def->alias != NULL) {
		buf_printf(&j->why, "no version has the alias %s", def->alias);
		say_aliases(j);
	} else {
		buf_printf(&j->why, "no version is in the stage %s", def->stage == NULL ? "" : def->stage);
		say_stages(j);
	}
}
