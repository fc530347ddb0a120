/* What only the whole runbook shows. */
#include "config.h"

#include <string.h>

#include "base/str.h"
#include "conf/conf_hosts.h"
#include "runbook/read.h"

static const struct yaml_node *
at_key(const struct yaml_node *root, const char *key)
{
	const struct yaml_node *node = yaml_get(root, key);

	return node != NULL ? node : root;
}

static void
step_problem(struct reader *rd, const struct runbook_step *s, const char *sentence)
{
	const struct yaml_node at = { .line = s->at.line, .column = s->at.column };
	const char *before = rd->file;

	rd->file = s->at.file;
	read_problem(rd, &at, "%s", sentence);
	rd->file = before;
}

/* --- confirmation ------------------------------------------------------------------------------------- */

static void
check_confirm(struct reader *rd, const struct yaml_node *root)
{
	const struct runbook *rb = rd->rb;
	bool is_written = !yaml_is_null(yaml_get(root, "confirm"));

	if (rb->danger == DANGER_HIGH && !is_written)
		read_problem(rd, at_key(root, "danger"), "danger: high needs confirm:, what must be typed, "
		    "such as '${env}/${model}'");
	if (rb->confirm != NULL && template_names(rb->confirm, NULL) == 0)
		read_problem(rd, at_key(root, "confirm"), "confirm: says not what it is about: it would be "
		    "the same everywhere; put in a variable, such as ${env}");
}

/* --- parameters ---------------------------------------------------------------------------------------- */

static bool
is_named_by(const struct runbook *rb, const struct runbook_param *p)
{
	for (size_t i = 0; i < rb->n_params; i++)
		if (rb->params[i].is_used && rb->params[i].of != NULL && str_eq(rb->params[i].of, p->name))
			return true;
	return false;
}

/* It does no harm, but who gives it believes that it does something. Noted only; of a file with mistakes not all was read. */
static void
note_unused(struct reader *rd)
{
	const struct runbook *rb = rd->rb;
	char shown[256];

	for (size_t i = 0; i < rb->n_params && !rd->is_broken; i++) {
		const struct runbook_param *p = &rb->params[i];

		if (!p->is_used && !is_named_by(rb, p))
			conf_problems_add(rd->problems, "%s:%u:%u: the parameter '%s' is used nowhere: put ${%s} where it is meant, or take it out",
			    str_escape_to(shown, sizeof shown, p->at.file), p->at.line, p->at.column, p->name, p->name);
	}
}

/* --- steps ----------------------------------------------------------------------------------------------- */

static bool
can_undo(const struct runbook_step *s)
{
	return s->undo != NULL || s->is_undo_restore;
}

/* In the order in which they are done. */
static void
check_undo(struct reader *rd)
{
	const struct runbook *rb = rd->rb;
	bool can = false;

	for (size_t i = 0; i < rb->n_steps; i++) {
		const struct runbook_step *s = &rb->steps[i];

		can = can || can_undo(s);
		if (s->on_failure == FAIL_UNDO && !can)
			step_problem(rd, s, "on_failure: undo, but neither this step nor one before it has "
			    "an undo:");
	}
}

/* The same left side, and right sides that are written out and cannot both be so. */
static bool
is_contrary(const struct condition *a, const struct condition *b)
{
	if (a->kind != COND_VALUE || b->kind != COND_VALUE || a->subject == NULL || b->subject == NULL || a->expect == NULL ||
	    b->expect == NULL || template_names(a->expect, NULL) > 0 || template_names(b->expect, NULL) > 0 ||
	    !str_eq(template_source(a->subject), template_source(b->subject)))
		return false;
	if (a->compare == CMP_EQ && b->compare == CMP_EQ)
		return !str_eq(template_source(a->expect), template_source(b->expect));
	return a->compare != b->compare && str_eq(template_source(a->expect), template_source(b->expect));
}

static void
check_when(struct reader *rd, const struct runbook_step *s)
{
	for (size_t i = 0; i < s->n_when; i++)
		for (size_t j = i + 1; j < s->n_when; j++)
			if (is_contrary(s->when[i], s->when[j])) {
				step_problem(rd, s, "when: never holds: two of its conditions contradict each other, and the "
				    "step would never run");
				return;
			}
}

static void
check_acts(struct reader *rd)
{
	const struct runbook *rb = rd->rb;
	size_t n_host = 0;

	for (size_t i = 0; i < rb->n_steps; i++) {
		const struct runbook_step *s = &rb->steps[i];

		n_host += !s->is_run_scope;
		check_when(rd, s);
		if (s->act != NULL && s->act->is_silence_end && s->is_undo_restore)
			step_problem(rd, s, "undo: restore does not go with end: true: what was ended is not made again");
		if (s->act != NULL && s->act->kind == STEP_CONFIRM && i + 1 == rb->n_steps)
			step_problem(rd, s, "a confirm step is the last one: nothing is left to go on with");
		if (s->act != NULL && s->act->kind == STEP_WAIT && s->check != NULL)
			step_problem(rd, s, "check: does not go with wait:, which only looks");
	}
	if (rd->has_hosts && n_host == 0 && rb->n_steps > 0)
		step_problem(rd, &rb->steps[0], "the runbook stands for hosts, but no step is done on them: "
		    "take hosts: out, or say scope: host");
}

/* --- hosts ------------------------------------------------------------------------------------------------ */

/* The hosts of the group are all known offline. */
static bool
is_static(const struct conf_environment *env, const char *group)
{
	for (size_t i = 0; i < env->n_host_groups; i++)
		if (str_eq(env->host_groups[i].name, group))
			return !env->host_groups[i].has_targets;
	return true;
}

static bool
has_group(const struct host_def *h, const char *group)
{
	for (size_t i = 0; i < h->groups.n; i++)
		if (str_eq(h->groups.v[i], group))
			return true;
	return false;
}

static bool
is_listed(const struct runbook *rb, const char *host)
{
	for (size_t i = 0; i < rb->n_batch_lists; i++)
		for (size_t j = 0; rb->batch_lists[i][j] != NULL; j++)
			if (str_eq(rb->batch_lists[i][j], host))
				return true;
	return false;
}

static const struct host_def *
find_host(const struct host_set *hosts, const char *name)
{
	for (size_t i = 0; i < hosts->n; i++)
		if (str_eq(hosts->v[i].name, name))
			return &hosts->v[i];
	return NULL;
}

static void
check_lists(struct reader *rd, const struct yaml_node *at)
{
	const struct runbook *rb = rd->rb;
	struct host_set *hosts = conf_hosts(rd->env, NULL, 0);

	for (size_t i = 0; i < rb->n_batch_lists; i++)
		for (size_t j = 0; rb->batch_lists[i][j] != NULL; j++) {
			const struct host_def *h = find_host(hosts, rb->batch_lists[i][j]);

			if (h == NULL || !has_group(h, rb->group))
				read_problem(rd, at, "batch: %s is no host of the group %s",
				    rb->batch_lists[i][j], rb->group);
		}
	for (size_t i = 0; i < hosts->n; i++)
		if (has_group(&hosts->v[i], rb->group) && !is_listed(rb, hosts->v[i].name))
			read_problem(rd, at, "batch: %s of the group %s is in no batch", hosts->v[i].name,
			    rb->group);
	block_unref(hosts);
}

void
read_rules(struct reader *rd, const struct yaml_node *root)
{
	const struct runbook *rb = rd->rb;

	check_confirm(rd, root);
	check_undo(rd);
	check_acts(rd);
	if (rb->n_batch_lists > 0 && rb->group != NULL && rd->env != NULL &&
	    read_group_exists(rd->env, rb->group) && is_static(rd->env, rb->group))
		check_lists(rd, at_key(yaml_get(root, "rollout"), "batch"));
	note_unused(rd);
}
