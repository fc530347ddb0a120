/* Alert policies and their conditions as burn rules. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/openslo_priv.h"

enum { SHOWN = 72 };

struct rules {
	struct openslo_slo *s;
	struct slo_rule *v;
	size_t n;
};

bool
openslo_check_condition(struct conf_decode *d, const struct os_condition *c)
{
	const struct os_burn *burn;
	int64_t ns;

	if (c->spec == NULL) {
		conf_problem(d, c->object.node, "'spec' is missing");
		return false;
	}
	burn = c->spec->burn;
	if (!openslo_duration(burn->lookback, &ns) || ns == 0) {
		conf_problem(d, openslo_at(burn->node, "lookbackWindow"), "lookbackWindow: a "
		    "number with one of m, h, d, w, M, Q, Y is expected, such as 1h");
		return false;
	}
	if (!openslo_duration(burn->after, &ns)) {
		conf_problem(d, openslo_at(burn->node, "alertAfter"), "alertAfter: a number with "
		    "one of m, h, d, w, M, Q, Y is expected, such as 5m");
		return false;
	}
	return true;
}

static bool
read_severity(struct rules *r, struct openslo_file *file, const struct os_condition_spec *spec,
    enum severity *ret)
{
	const struct conf_environment *env = r->s->o->b->env;
	char shown[SHOWN];

	for (size_t i = 0; i < env->n_severities; i++)
		if (str_eq(env->severities[i].value, spec->severity)) {
			*ret = (enum severity)env->severities[i].severity;
			return true;
		}
	str_escape_to(shown, sizeof shown, spec->severity);
	conf_problem(&file->d, openslo_at(spec->node, "severity"), "severity: what '%s' means is "
	    "not known; say it in opsconsole.yaml, such as severities: { %s: page }", shown, shown);
	return false;
}

/* "AlertCondition 'x'", as far as it has a name. */
static const char *
name_of(const struct os_object *object, char buf[SHOWN])
{
	return object->meta != NULL ? str_escape_to(buf, SHOWN, object->meta->name) : "";
}

static bool
add_rule(struct rules *r, struct openslo_file *file, const struct os_condition *c)
{
	const struct os_burn *burn = c->spec->burn;
	struct slo_rule rule = { .factor = burn->threshold };
	struct openslo_slo *s = r->s;
	char shown[SHOWN];

	if (!read_severity(r, file, c->spec, &rule.severity) ||
	    !openslo_duration(burn->lookback, &rule.long_ns) ||
	    !openslo_duration(burn->after, &rule.for_ns))
		return false;
	/* The examples of the specification say lte and mean a burn that is too fast. */
	if (str_eq(burn->op, "lte") || str_eq(burn->op, "lt"))
		slo_build_note(s->o->b, &s->def, "AlertCondition '%s': op %s is read as %s, as the "
		    "examples of OpenSLO mean it: it fires when the budget burns faster",
		    name_of(&c->object, shown), burn->op, burn->op[2] == 'e' ? "gte" : "gt");
	r->v = xreallocarray(r->v, r->n + 1, sizeof *r->v);
	r->v[r->n++] = rule;
	return true;
}

static bool
add_condition(struct rules *r, struct openslo_file *file, const struct os_condition *c)
{
	const struct openslo_doc *doc;

	if (c->object.ref != NULL) {
		doc = openslo_follow(r->s->o, file, openslo_at(c->object.node, "conditionRef"),
		    "conditionRef", OPENSLO_ALERT_CONDITION, c->object.ref);
		if (doc == NULL)
			return false;
		file = doc->file;
		c = doc->item;
	} else if (!openslo_check_condition(&file->d, c)) {
		return false;
	}
	openslo_note_object(r->s, OPENSLO_ALERT_CONDITION, &c->object);
	return add_rule(r, file, c);
}

static void
note_policy(struct openslo_slo *s, const struct os_policy *p)
{
	char resolved[] = "spec.alertWhenResolved";
	char *const when_resolved[] = { resolved, NULL };
	char shown[SHOWN], *where;

	openslo_note_object(s, OPENSLO_ALERT_POLICY, &p->object);
	where = xasprintf("AlertPolicy '%s': ", name_of(&p->object, shown));
	openslo_note_unused(s, where, p->spec->unused);
	if (p->spec->when_resolved)
		openslo_note_unused(s, where, when_resolved);
	if (!p->spec->when_breaching)
		slo_build_note(s->o->b, &s->def, "%salertWhenBreaching is false: its conditions do "
		    "not fire", where);
	free(where);
}

static bool
add_policy(struct rules *r, const struct os_policy *p)
{
	struct openslo_file *file = r->s->doc->file;
	const struct openslo_doc *doc;
	enum severity worst = SEVERITY_NONE;
	size_t before = r->n;

	if (p->object.ref != NULL) {
		doc = openslo_follow(r->s->o, file, openslo_at(p->object.node, "alertPolicyRef"),
		    "alertPolicyRef", OPENSLO_ALERT_POLICY, p->object.ref);
		if (doc == NULL)
			return false;
		file = doc->file;
		p = doc->item;
	}
	if (p->spec == NULL) {
		conf_problem(&file->d, p->object.node, "'spec' is missing");
		return false;
	}
	note_policy(r->s, p);
	if (p->spec->n_conditions == 0) {
		conf_problem(&file->d, openslo_at(p->spec->node, "conditions"),
		    "conditions: one that can be used is needed");
		return false;
	}
	if (!add_condition(r, file, &p->spec->conditions[0]))
		return false;
	worst = r->v[r->n - 1].severity;
	if (p->spec->when_no_data && worst > r->s->def.no_data_severity)
		r->s->def.no_data_severity = worst;
	if (!p->spec->when_breaching)
		r->n = before;
	return true;
}

static void
take_rules(struct rules *r)
{
	struct slo_def *def = &r->s->def;
	struct slo_rule *v = arena_alloc(&r->s->o->b->set->block.arena, (r->n + 1) * sizeof *v);

	if (r->n > 0)
		memcpy(v, r->v, r->n * sizeof *v);
	slo_build_sort_rules(v, r->n);
	def->rules = v;
	def->n_rules = r->n;
}

bool
openslo_set_rules(struct openslo_slo *s)
{
	const struct os_slo_spec *spec = ((const struct os_slo *)s->doc->item)->spec;
	const struct yaml_node *list = yaml_get(spec->node, "alertPolicies");
	struct rules r = { .s = s };
	bool is_good = true;

	s->has_rules = !yaml_is_null(list) && list->n > 0;
	if (!s->has_rules)
		return true;
	/* Less rules than were written would be silent where a page was meant. */
	if (spec->n_policies < list->n)
		return false;
	for (size_t i = 0; i < spec->n_policies; i++)
		is_good = add_policy(&r, &spec->policies[i]) && is_good;
	take_rules(&r);
	free(r.v);
	return is_good;
}
