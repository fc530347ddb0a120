/*
 * Sloth's rules. Source: github.com/slok/sloth, internal/prometheus/recording_rules.go and alert_rules.go, and the files that its releases generate
 * (examples/_gen): three groups for an objective, told by the labels sloth_id, sloth_service and sloth_slo.
 *
 *   slo:sli_error:ratio_rate5m      the error ratio, over each window of its alerts; the longest one (the period) is an average of the 5m ratios
 *   slo:objective:ratio             vector(0.999)
 *   slo:error_budget:ratio          vector(1-0.999)
 *   slo:time_period:days            vector(30)
 *   sloth_slo_info                  labels sloth_objective="99.9", sloth_version, sloth_spec
 *   alerts                          sloth_severity="page" or "ticket"; sloth_id is in their expression, and so in the alerts that fire
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/jread.h"
#include "base/log.h"
#include "base/str.h"
#include "insight/slo_found_priv.h"

#define SLOTH_RATIO ":ratio_rate"

const char *
found_sloth_id(const struct rule *r, struct arena *arena)
{
	const char *id = labels_get(&r->labels, "sloth_id");

	if (id == NULL && r->is_alerting && labels_get(&r->labels, "sloth_severity") != NULL)
		id = expr_matcher(r->query, "sloth_id", arena);
	return id == NULL || id[0] == '\0' ? NULL : id;
}

static bool
read_info(struct found *f, const struct found_rules *rules)
{
	const struct rule *info = found_recorded(rules, "sloth_slo_info");
	const char *percent = info == NULL ? NULL : labels_get(&info->labels, "sloth_objective");
	double value;

	return percent != NULL && jread_double(percent, strlen(percent), &value) == 0 && found_target(f, value / 100);
}

static bool
read_target(struct found *f, const struct found_rules *rules)
{
	const struct rule *objective = found_recorded(rules, "slo:objective:ratio");
	const struct rule *budget = found_recorded(rules, "slo:error_budget:ratio");
	double value;

	if (found_constant(objective, &value) && found_target(f, value))
		return true;
	return (found_constant(budget, &value) && found_target(f, 1 - value)) || read_info(f, rules);
}

/* "slo:time_period:days"; without it, 30 days, as Sloth has it when nothing is said. */
static void
read_period(struct found *f, const struct found_rules *rules)
{
	double days;

	if (found_constant(found_recorded(rules, "slo:time_period:days"), &days) && found_period(f, days * 86400))
		return;
	found_period(f, 30.0 * 86400);
	found_note(f, "no rule slo:time_period:days says how long its window is: 30 days are taken");
}

static enum severity
severity_of(const char *text)
{
	return strcmp(text, "page") == 0 ? SEVERITY_PAGE : SEVERITY_TICKET;
}

static void
read_alerts(struct found *f, const struct found_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = rules->v[i];
		const char *severity = labels_get(&r->labels, "sloth_severity");

		if (r->is_alerting && severity != NULL)
			found_alert(f, r, SLOTH_RATIO, severity_of(severity));
	}
	found_finish_rules(f, "Sloth");
}

/* Two files may hold the same objective, or two objectives of the same id: the first one counts, as it does in no rule's favour. */
static void
note_others(struct found *f, const struct found_rules *rules, const struct rule *ratio)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = rules->v[i];

		if (r != ratio && strcmp(r->name, ratio->name) == 0 && strcmp(r->query, ratio->query) != 0) {
			found_note(f, "another rule %s has the same sloth_id with another expression and is not used: give one of them its own name",
			    r->name);
			return;
		}
	}
}

bool
found_sloth(struct found *f, const char *id, const struct found_rules *rules)
{
	const char *duration, *service;
	const struct rule *ratio = found_shortest(rules, SLOTH_RATIO, &duration);
	char shown[128];

	if (ratio == NULL || !read_target(f, rules)) {
		log_write(LOG_INFO, "slo", "rules of Sloth for %s: %s", str_escape_to(shown, sizeof shown, id),
		    ratio == NULL ? "no slo:sli_error:ratio_rate among them" : "no slo:objective:ratio between 0 and 1 among them");
		return false;
	}
	service = labels_get(&ratio->labels, "sloth_service");
	f->def.origin = SLO_FROM_SLOTH;
	f->def.where = found_join(f->arena, "rule group ", ratio->group);
	/* Not sloth_slo: many services have a "requests-availability", and a name must tell them apart wherever it stands alone. */
	f->def.name = arena_strdup(f->arena, id);
	f->def.service = service == NULL ? "" : arena_strdup(f->arena, service);
	read_period(f, rules);
	found_indicator(f, ratio, duration, "sloth_id", id);
	note_others(f, rules, ratio);
	read_alerts(f, rules);
	return true;
}
